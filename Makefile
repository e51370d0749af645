# One target for each thing to do; `make help` lists them. Everything is made below .build/, nothing outside the checkout.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .build/venv/bin
READY := .build/venv/ready

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

$(READY): dev/requirements.txt dev/setup.sh dev/keep_compiled.py emulator/requirements.txt
	@dev/setup.sh

.PHONY: setup
setup: $(READY) ## Make the Python environment with all tools, below .build/

.PHONY: demo
demo: $(READY) ## Run shipped playbooks against the emulated Enterprise Manager
	@$(BIN)/python dev/demo.py

.PHONY: test
test: $(READY) ## Run every check but the longer ones, which are targets of their own; below ten minutes
	@$(BIN)/python dev/check.py

.PHONY: check
check: $(READY) ## Run one check or some: make check ONLY="ruff units"; ONLY=? lists them
	@$(BIN)/python dev/check.py $(ONLY)

.PHONY: bench
bench: $(READY) ## Measure speed and write the figures into the guide on speed; some minutes on an idle machine
	@$(BIN)/python dev/stage.py >/dev/null && $(BIN)/python tests/benchmarks --write

.PHONY: emulator
emulator: $(READY) ## Start the emulated Enterprise Manager and say how to reach it
	@$(BIN)/python emulator

.PHONY: docs
docs: $(READY) ## Build the documentation site into .build/site/html
	@$(BIN)/python dev/docsite.py

.PHONY: build
build: $(READY) ## Build the artifact for Galaxy into .build/dist/
	@$(BIN)/python dev/stage.py

.PHONY: release
release: $(READY) ## Make changelog, commit, tag and artifact: make release VERSION=1.2.3
	@$(BIN)/python dev/release.py "$(VERSION)"

.PHONY: coverage
coverage: $(READY) ## Measure which branches of the collection the tests run, integration targets included; takes long
	@$(BIN)/python dev/branch_coverage.py

.PHONY: mutation
mutation: $(READY) ## Put slips into the code that must not be wrong, and see that the tests notice; takes long
	@$(BIN)/python dev/mutation.py $(ONLY)

.PHONY: thorough
thorough: $(READY) ## Every case of the tests of which `make test` runs a sample; takes long
	@VBEM_EVERY_CASE=1 $(BIN)/python dev/check.py integration examples plays ecosystem wire sanity importer

.PHONY: faults
faults: $(READY) ## Every module, every request, every fault: print cases tried and cases wrong
	@$(BIN)/python dev/stage.py >/dev/null && PYTHONPATH=.build/source:tests:. $(BIN)/python -m generated.fault_matrix

.PHONY: properties
properties: $(READY) ## Try the properties on thousands of inputs each
	@$(BIN)/python dev/stage.py >/dev/null && HYPOTHESIS_PROFILE=thorough PYTHONPATH=.build/source $(BIN)/python -m pytest -q -n 2 -p no:cacheprovider tests/generated/properties

.PHONY: soak
soak: $(READY) ## Run thousands of operations, and see that nothing is left behind
	@$(BIN)/python dev/stage.py >/dev/null && PYTHONPATH=.build/source:tests:. $(BIN)/python -m system.concurrency.soak --operations 5000

.PHONY: secrets
secrets: $(READY) ## Look for secrets at every verbosity in every way, then break each guard and see it noticed
	@$(BIN)/python dev/stage.py >/dev/null && export ANSIBLE_COLLECTIONS_PATH=$(CURDIR)/.build/source PYTHONPATH=$(CURDIR)/.build/source:$(CURDIR)/tests:$(CURDIR) && \
	  $(BIN)/python -m system.playbooks.secrets_matrix && $(BIN)/python -m system.playbooks.secrets_matrix --sabotage

.PHONY: matrix
matrix: $(READY) ## Run units, sanity and integration on every ansible-core and Python there is here; takes long
	@$(BIN)/python dev/matrix.py

.PHONY: clean
clean: ## Remove what all this made
	rm -rf "$$(readlink -f .build)" .build
