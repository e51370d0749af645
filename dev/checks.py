# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of checks: what ``make test`` and ``make thorough`` run, and what is left to the latter.

There are two tiers. A check of the tier ``test`` runs in both; ``thorough`` is for ``make thorough``, which also runs the
tests that are marked so (tests/support/tiers.py). A check with ``inputs`` is about a part of the checkout: ``make test`` runs
it only if that part differs from the branch main.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from build_tree import BIN, BUILD, INSTALLED, INTEGRATION, PLACE, ROOT, SOURCE

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOGS = BUILD / "logs"
COLLECTION = SOURCE / PLACE
INTEGRATION_ALL = BUILD / "integration-all"
DEV = shlex.quote(str(ROOT / "dev"))
PYTEST = "python -m pytest -q --durations=30 -p no:cacheprovider --color=no -rfE"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
# What `make test` shows of the installed artifact beyond the examples of the documentation: that ansible-test gets along with
# it, and that options and results pass through Ansible unchanged.
TARGETS = ("bad_input", "veeam_session", "veeam_task")


@dataclass(frozen=True)
class Check:
    """One check: a shell command, where it runs, and what it needs in its environment."""

    name: str
    about: str
    command: str
    tier: Literal["test", "thorough"] = "test"
    inputs: tuple[str, ...] = ()  # patterns of files; without any it always runs
    tests: tuple[str, ...] = ()  # what the command ends with: files of tests or integration targets
    cwd: Path = COLLECTION
    paths: Path = SOURCE
    prepare: Callable[[], None] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def is_pytest(self) -> bool:
        """Return whether pytest runs it, which tells the failed tests by their ids."""
        return self.command.startswith(PYTEST)

    def is_about(self, changed: set[str] | None) -> bool:
        """Return whether one of the changed files is among its inputs; with None nobody knows, and so it may be."""
        return not self.inputs or changed is None or any(fnmatch(name, each) for name in changed for each in self.inputs)


# In place of pip in the environments of ansible-test, uv takes a tenth of the time. Where it is missing, fails, or is asked for
# anything else, pip does it. Like pip it compiles: a test fails that prints what Python says of a library it compiles.
# ansible-test hands on neither these settings of uv nor the home directory with its cache. An index with a password is pip's:
# what is written here, everybody may read.
UV_SETTINGS = ("HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_CACHE_DIR", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS")
PIP = """\
import os, subprocess, sys
given = [argument for argument in sys.argv[1:] if argument != "--disable-pip-version-check"]
quick = [{uv!r}, "pip", "install", "--quiet", "--compile-bytecode", "--python", sys.executable, *given[1:]]
environment = {{**os.environ, **{settings!r}}}
is_quick = given[:1] == ["install"] and os.path.exists(quick[0])
if not is_quick or subprocess.call(quick, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
    sys.exit(subprocess.call([sys.executable, "-m", "pip", *sys.argv[1:]]))
"""
BOOTSTRAP = """\
import os, sysconfig
folder = os.path.join(sysconfig.get_paths()["purelib"], "pip")
os.makedirs(folder, exist_ok=True)
for name, text in (("__init__.py", ""), ("__main__.py", {text!r})):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
"""


def seed_pip_bootstrap() -> None:
    """Put a stand-in where ansible-test keeps the script that it would download to get pip into its environments."""
    settings = {name: os.environ[name] for name in UV_SETTINGS if name in os.environ}
    text = BOOTSTRAP.format(text=PIP.format(uv=str(BIN / "uv"), settings=settings))
    cache = BUILD / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("23_1_2", "24_2", "25_2"):
        (cache / f"get_pip_{version}.py").write_text(text, encoding="utf-8")


def copy_integration_tree() -> None:
    """Make a tree of its own for a second ansible-test integration that runs at the same time."""
    seed_pip_bootstrap()
    shutil.rmtree(INTEGRATION_ALL, ignore_errors=True)
    shutil.copytree(INTEGRATION, INTEGRATION_ALL)


INTEGRATION_TEST = (
    f"python {DEV}/with_emulator.py --config tests/integration/integration_config.yml --"
    f" ansible-test integration --python {PYTHON} --color no"
)
SANITY_TEST = f"ansible-test sanity --python {PYTHON} --color no"
# ruff, yamllint, antsibull-changelog and ansible-doc look for the same, without an environment set up for each of them.
SANITY_ELSEWHERE = ("pep8", "yamllint", "changelog", "ansible-doc")
# What these two show takes most of the time; that everything can be imported, a functional test shows as well.
SANITY_LATER = (*SANITY_ELSEWHERE, "pylint", "import")

# The longest first, as they are started in this order.
CHECKS = [
    # What takes long, or looks at the same as others do in another way
    Check(
        "coverage",
        "branch coverage over unit, functional, system and integration tests",
        f"python {DEV}/branch_coverage.py",
        tier="thorough",
        cwd=ROOT,
    ),
    Check(
        "fault-matrix-all",
        "every fault at every request of every scenario, in one of the four combinations of version and format in turn",
        "python -m generated.fault_matrix --every 4",
        tier="thorough",
    ),
    Check(
        "properties-all",
        "the properties on hundreds of inputs each",
        f"{PYTEST} -n 2",
        tests=("tests/generated/properties",),
        tier="thorough",
        environment={"HYPOTHESIS_PROFILE": "thorough"},
    ),
    Check(
        "mutation",
        "mutants that no test notices, each with a reason",
        f"python {DEV}/mutation.py",
        tier="thorough",
        cwd=ROOT,
    ),
    Check(
        "secrets",
        "each verbosity, and each way to print; then each guard broken, to see that it is noticed",
        "python -m system.playbooks.secrets_matrix && python -m system.playbooks.secrets_matrix --sabotage",
        tier="thorough",
    ),
    Check(
        "integration-all",
        "the other integration targets",
        INTEGRATION_TEST + "".join(f" --exclude {name}" for name in TARGETS),
        tier="thorough",
        cwd=INTEGRATION_ALL / PLACE,
        paths=INTEGRATION_ALL,
        prepare=copy_integration_tree,
    ),
    Check(
        "sanity-all",
        "the other tests of ansible-test sanity: pylint, imports, and what repeats other checks",
        SANITY_TEST + "".join(f" --test {name}" for name in SANITY_LATER),
        tier="thorough",
        prepare=seed_pip_bootstrap,
    ),
    Check("soak", "thousands of operations, and nothing left behind", "python -m system.concurrency.soak", tier="thorough"),
    Check(
        "unit-ansible-test",
        "the unit tests as ansible-test runs them",
        f"ansible-test units --python {PYTHON} --color no",
        tier="thorough",
        prepare=seed_pip_bootstrap,
    ),
    # Tests with pytest
    Check(
        "functional",
        "modules in-process against the emulator: what is sent, and what is made of answers",
        PYTEST,
        tests=("tests/functional",),
    ),
    Check(
        "playbooks",
        "secrets, endings and interruptions of whole playbooks; modules within Ansible's process; sessions under load",
        PYTEST,
        tests=(
            "tests/system/playbooks",
            "tests/system/both_ways",
            "tests/system/concurrency",
        ),
    ),
    Check(
        "examples",
        "examples of the documentation with the installed artifact, and RETURN",
        PYTEST,
        tests=("tests/system/docs_examples",),
        paths=INSTALLED,
    ),
    Check(
        "integration",
        "ansible-test integration with the installed artifact",
        INTEGRATION_TEST,
        tests=TARGETS,
        cwd=INTEGRATION / PLACE,
        paths=INTEGRATION,
        prepare=seed_pip_bootstrap,
    ),
    Check("rulebooks", "the event source, and the real ansible-rulebook", PYTEST, tests=("tests/system/rulebooks",)),
    Check(
        "fault-matrix", "every module, every request, every fault: a sample", PYTEST, tests=("tests/generated/fault_matrix",)
    ),
    Check("awx", "job templates with ansible-runner, the execution environment", PYTEST, tests=("tests/system/awx",)),
    Check(
        "sanity",
        "ansible-test sanity, without any ignore entry",
        "test ! -e tests/sanity && " + SANITY_TEST + "".join(f" --skip-test {name}" for name in SANITY_LATER),
        prepare=seed_pip_bootstrap,
    ),
    Check("operations", "every operation of the reference, by veeam_rest", PYTEST, tests=("tests/generated/operations",)),
    Check("properties", "laws that hold for generated inputs", PYTEST, tests=("tests/generated/properties",)),
    Check("packaging", "what is shipped, releases, and these tools", PYTEST, tests=("tests/packaging",)),
    Check("report", "the page of the backup report", PYTEST, tests=("tests/system/report",)),
    Check("unit", "unit tests", PYTEST, tests=("tests/unit",)),
    Check("emulator", "the emulator by itself", PYTEST, tests=("emulator/tests",), inputs=("emulator/*",)),
    # Documentation and style
    Check(
        "mypy",
        "types, strictly: plugins, extensions, emulator",
        "cd ../../.. && mypy --config-file ansible_collections/vbem/rest/mypy.ini ansible_collections/vbem/rest/plugins"
        " ansible_collections/vbem/rest/extensions"
        " && cd ansible_collections/vbem/rest && mypy --config-file mypy.ini emulator --exclude emulator/tests",
    ),
    Check(
        "docs",
        "the documentation of modules and guides",
        # Its temporary folder's name is in what it checks, and is taken for a reference if it happens to end with "_".
        "lint() { antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --check-extra-docs-refs"
        """ .; }; said=$(lint 2>&1) || { echo "$said"; grep -q 'Unknown target name: "antsibull-docs-' <<<"$said" && lint; }""",
    ),
    Check(
        "ansible-doc",
        "the documentation of every module of the installed artifact can be shown",
        "ansible-doc --json " + " ".join(f"vbem.rest.{name}" for name in MODULES) + " >/dev/null",
        cwd=ROOT,
        paths=INSTALLED,
    ),
    Check("bandit", "weaknesses in the code", "bandit -q -r plugins extensions && bandit -q -c dev/bandit.yaml -r dev"),
    Check("changelog", "the changelog's fragments", "antsibull-changelog lint"),
    Check("yamllint", "style of YAML", "yamllint --strict ."),
    Check("ruff", "style and slips of Python", "ruff check . && ruff format --check ."),
    Check("shellcheck", "slips in shell scripts", "shellcheck dev/*.sh .ci/run emulator/run"),
    # By tools that read what the above read, too
    Check(
        "ansible-lint",
        "ansible-lint, production profile",
        "ansible-lint --offline --nocolor",
        inputs=("roles/*", "playbooks/*", "extensions/*", "tests/integration/*", "meta/*", "galaxy.yml", ".ansible-lint"),
    ),
    Check(
        "importer",
        "what Galaxy does with an upload, without a warning",
        # ansible-lint is a check of its own.
        "export GALAXY_IMPORTER_RUN_ANSIBLE_LINT=false GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true"
        "; said=$(python -m galaxy_importer.main $(ls ../dist/*.tar.gz) 2>&1)"
        """ || { echo "$said"; exit 1; }; echo "$said"; ! grep -qE '^(WARNING|ERROR)' <<<"$said\"""",
        inputs=("galaxy.yml", "meta/*", "README.md", "CHANGELOG.md", "changelogs/*", "requirements.txt", "bindep.txt"),
        cwd=LOGS,  # it writes a file
    ),
    Check(
        "site",
        "the documentation site, without a warning",
        f"python {DEV}/docsite.py --staged",
        inputs=("docs/*", "dev/docsite*"),
        cwd=ROOT,
    ),
    Check(
        "eda-lint",
        "certification's rules for event sources",
        "ruff check --isolated --select ALL --ignore D100,D104,INP001,FA102,UP001,UP010,I001,FA100,PLR0913,E501"
        " extensions/eda/plugins && pylint extensions/eda/plugins --disable R0801,E0401,C0103,R0913,R0902,R0903",
        inputs=("extensions/eda/*",),
    ),
]
