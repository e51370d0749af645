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
test: $(READY) ## Run the checks of every day; below five minutes
	@$(BIN)/python dev/check.py

.PHONY: thorough
thorough: $(READY) ## Run all checks with every case of their tests; more than an hour
	@$(BIN)/python dev/check.py --thorough

.PHONY: check
check: $(READY) ## Run one check or some: make check ONLY="ruff unit"; ONLY=? lists them, TESTS names tests of one
	@$(BIN)/python dev/check.py $(ONLY)

.PHONY: live
live: $(READY) ## Run the integration targets that only read against a live server: make live HOST=em.example.com
	@$(BIN)/python dev/live.py

.PHONY: bench
bench: $(READY) ## Measure speed and write the figures into the guide on speed; some minutes on an idle machine
	@$(BIN)/python dev/build_tree.py >/dev/null && $(BIN)/python tests/benchmarks --write

.PHONY: emulator
emulator: $(READY) ## Start the emulated Enterprise Manager and say how to reach it
	@$(BIN)/python emulator

.PHONY: docs
docs: $(READY) ## Build the documentation site into .build/site/html
	@$(BIN)/python dev/docsite.py

.PHONY: build
build: $(READY) ## Build the artifact for Galaxy into .build/dist/
	@$(BIN)/python dev/build_tree.py

.PHONY: release
release: $(READY) ## Make changelog, commit, tag and artifact: make release VERSION=1.2.3
	@$(BIN)/python dev/release.py "$(VERSION)"

.PHONY: coverage
coverage: $(READY) ## Measure which branches of the collection the tests run, integration targets included; takes long
	@$(BIN)/python dev/branch_coverage.py

.PHONY: mutation
mutation: $(READY) ## Put slips into the code that must not be wrong, and see that the tests notice; takes long
	@$(BIN)/python dev/mutation.py $(ONLY)

.PHONY: faults properties secrets soak
faults: ONLY := fault-matrix-all
properties: ONLY := properties-all
secrets soak: ONLY = $@
faults: ## Every module, every request, every fault: print cases tried and cases wrong
properties: ## Try the properties on hundreds of inputs each
secrets: ## Look for secrets at each verbosity and in each way to print, then break each guard and see it noticed
soak: ## Run thousands of operations, and see that nothing is left behind
faults properties secrets soak: $(READY)
	@$(BIN)/python dev/check.py $(ONLY) && cat .build/logs/$(ONLY).log

.PHONY: matrix
matrix: $(READY) ## Run units, sanity and integration on every ansible-core and Python there is here; takes long
	@$(BIN)/python dev/matrix.py

.PHONY: clean
clean: ## Remove what all this made
	rm -rf "$$(readlink -f .build)" .build
