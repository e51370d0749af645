# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the checks, some at a time, and ends with a table of what ran, how long, and the result.

Without arguments all of them; with arguments only those named. ``?`` lists them.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stage import BIN, BUILD, INSTALLED, INTEGRATION, PLACE, ROOT, SOURCE, create_environment, show, stage

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
LOGS = BUILD / "logs"
COLLECTION = SOURCE / PLACE


@dataclass
class Check:
    """One check: a shell command, where it runs, and what it needs in its environment."""

    name: str
    about: str
    command: str
    cwd: Path = COLLECTION
    paths: Path = SOURCE
    prepare: Callable[[], None] | None = None
    seconds: float = 0.0
    cpu: float = 0.0
    code: int | None = None

    @property
    def log(self) -> Path:
        """Name the file with all it printed."""
        return LOGS / f"{self.name}.log"

    def run(self) -> Check:
        """Run the command and keep its output, its time and its exit code."""
        begin = time.monotonic()
        if self.prepare:
            self.prepare()
        environment = create_environment(
            ANSIBLE_COLLECTIONS_PATH=str(self.paths), PYTHONPATH=f"{self.paths}:{ROOT / 'tests'}:{ROOT}"
        )
        if IS_ALL:
            environment["VBEM_EVERY_CASE"] = "1"
        with self.log.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", self.command],
                cwd=self.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            _pid, status, usage = os.wait4(process.pid, 0)
        self.code = process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds, self.cpu = time.monotonic() - begin, usage.ru_utime + usage.ru_stime
        print(f"  {'ok    ' if self.code == 0 else 'FAILED'} {self.name} ({self.seconds:.0f} s)", flush=True)
        return self


def seed_pip_bootstrap() -> None:
    """Put a stand-in where ansible-test keeps the script that it would download to get pip into its environments."""
    text = f"""\
import os, subprocess, sys
packages = [a for a in sys.argv[1:] if not a.startswith("-")]
quick = [{str(BIN / "uv")!r}, "pip", "install", "--quiet", "--python", sys.executable]
# Where it could not be installed, or reaches no index, pip does the same.
if not os.path.exists(quick[0]) or subprocess.call(quick + packages, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
    subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q"] + packages)
"""
    cache = BUILD / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("23_1_2", "24_2", "25_2"):
        (cache / f"get_pip_{version}.py").write_text(text, encoding="utf-8")


MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))

PYTEST = "pytest -q --durations=30 -p no:cacheprovider --color=no"

IS_ALL = bool(os.environ.get("VBEM_EVERY_CASE"))
# Pages are drawn, and shipped playbooks are run, by other tests as well, and a page asks a dozen questions.
LEFT_OUT = "" if IS_ALL else " --exclude role_report --exclude playbooks"
# ruff and mypy read the tests too, and sooner than pylint does; what the other sanity tests look for is looked for by ruff,
# yamllint, antsibull-changelog and ansible-doc below, without an environment set up for each of them.
LINTED = "" if IS_ALL else " plugins/ extensions/"
SKIPPED = "" if IS_ALL else " --skip-test pep8 --skip-test yamllint --skip-test changelog --skip-test ansible-doc"

# As many at a time as there are cores (more of them slow each other down), and the longest first.
CHECKS = [
    Check(
        "integration",
        "the targets, with the built and installed artifact, against the emulator",
        f"python {shlex.quote(str(ROOT))}/dev/with_emulator.py --config tests/integration/integration_config.yml --"
        f" ansible-test integration --python {PYTHON} --color no{LEFT_OUT}",
        cwd=INTEGRATION / PLACE,
        paths=INTEGRATION,
        prepare=seed_pip_bootstrap,
    ),
    Check("examples", "examples of the documents, and what they return", f"{PYTEST} tests/system/docs_examples"),
    Check("plays", "secrets, endings and crowds of whole plays", f"{PYTEST} tests/system/playbooks tests/system/concurrency"),
    Check(
        "ecosystem",
        "events, AWX, pages, shipping",
        f"{PYTEST} tests/system/rulebooks tests/system/awx tests/system/report tests/packaging",
    ),
    Check(
        "wire",
        "what goes over the wire, faults, properties, and the emulator",
        f"{PYTEST} tests/functional tests/generated/fault_matrix tests/generated/properties emulator/tests",
    ),
    Check(
        "sanity",
        "ansible-test sanity, without any ignore entry",
        f"test ! -e tests/sanity && ansible-test sanity --python {PYTHON} --color no --skip-test pylint{SKIPPED}"
        f" && ansible-test sanity --python {PYTHON} --color no --test pylint{LINTED}",
        prepare=seed_pip_bootstrap,
    ),
    Check("units", "the unit tests as ansible-test runs them", f"ansible-test units --python {PYTHON} --color no"),
    Check(
        "importer",
        "what Galaxy does with an upload, without a warning",
        # ansible-lint is a check of its own.
        f"export GALAXY_IMPORTER_RUN_ANSIBLE_LINT={str(IS_ALL).lower()} GALAXY_IMPORTER_CHECK_REQUIRED_TAGS=true"
        "; said=$(python -m galaxy_importer.main $(ls ../dist/*.tar.gz) 2>&1)"
        """ || { echo "$said"; exit 1; }; echo "$said"; ! grep -qE '^(WARNING|ERROR)' <<<"$said\"""",
        cwd=LOGS,  # it writes a file
    ),
    Check("ansible-lint", "ansible-lint, production profile", "ansible-lint --offline --nocolor"),
    Check(
        "docs",
        "the documentation of modules and guides",
        # Its temporary folder's name is in what it checks, and is taken for a reference if it happens to end with "_".
        "lint() { antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self --check-extra-docs-refs"
        """ .; }; said=$(lint 2>&1) || { echo "$said"; grep -q 'Unknown target name: "antsibull-docs-' <<<"$said" && lint; }""",
    ),
    Check(
        "mypy",
        "types, strictly: plugins, tests and tools",
        "cd ../../.. && mypy --config-file ansible_collections/vbem/rest/mypy.ini ansible_collections/vbem/rest/plugins"
        " ansible_collections/vbem/rest/extensions"
        " && cd ansible_collections/vbem/rest && mypy --config-file mypy.ini emulator --exclude emulator/tests",
    ),
    Check("ruff", "style and slips of Python", "ruff check . && ruff format --check ."),
    Check("yamllint", "style of YAML", "yamllint --strict ."),
    Check("shellcheck", "slips in shell scripts", "shellcheck dev/*.sh .ci/run emulator/run"),
    Check("bandit", "weaknesses in the code", "bandit -q -r plugins extensions && bandit -q -c dev/bandit.yaml -r dev"),
    Check(
        "eda-lint",
        "certification's rules for event sources",
        "ruff check --isolated --select ALL --ignore D100,D104,INP001,FA102,UP001,UP010,I001,FA100,PLR0913,E501"
        " extensions/eda/plugins && pylint extensions/eda/plugins --disable R0801,E0401,C0103,R0913,R0902,R0903",
    ),
    Check(
        "site",
        "the documentation site, without a warning",
        f"python {shlex.quote(str(ROOT))}/dev/docsite.py --staged",
        cwd=ROOT,
    ),
    Check("changelog", "the changelog's fragments", "antsibull-changelog lint"),
    Check(
        "ansible-doc",
        "the documentation of every plugin of the installed artifact can be shown",
        " && ".join(f"ansible-doc --json vbem.rest.{name} >/dev/null" for name in MODULES),
        cwd=ROOT,
        paths=INSTALLED,
    ),
]


def main(names: list[str]) -> int:
    """Run what is asked for; give the exit code."""
    if names == ["?"]:
        for check in CHECKS:
            print(f"{check.name:14} {check.about}")
        return 0
    unknown = set(names) - {check.name for check in CHECKS}
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are {', '.join(check.name for check in CHECKS)}.")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    print(f"Building and installing {show(stage())}, then checking ...", flush=True)
    chosen = [check for check in CHECKS if not names or check.name in names]
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        done = list(pool.map(Check.run, chosen))
    failed = [check for check in done if check.code != 0]
    for check in failed:
        lines = check.log.read_text(encoding="utf-8", errors="replace").splitlines()
        print(f"\n----- {check.name}: the end of {show(check.log)}", *lines[-60:], sep="\n")
    print_table(done, time.monotonic() - begin)
    return 1 if failed else 0


def print_table(done: list[Check], seconds: float) -> None:
    """Print what ran, how long, and the result; then what pytest counted, in its own words."""
    width = max(len(check.name) for check in done)
    rows = [(check.name, check.seconds, check.cpu, check.code == 0, check.about) for check in done]
    rows.append(("all", seconds, sum(check.cpu for check in done), all(check.code == 0 for check in done), ""))
    print(f"\n{'check':{width}}  seconds  on CPU  result  what it is")
    for name, elapsed, cpu, is_good, about in rows:
        print(f"{name:{width}}  {elapsed:7.1f}  {cpu:6.0f}  {'ok    ' if is_good else 'FAILED'}  {about}".rstrip())
    print()
    for check in done:
        if check.command.startswith(PYTEST):
            lines = check.log.read_text(encoding="utf-8", errors="replace").splitlines()
            closing = [line for line in lines if re.search(r"\b(passed|failed|error|no tests ran)\b.* in [\d.]+s", line)]
            print(f"{check.name}: {closing[-1].strip('= ') if closing else 'pytest did not end'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
