# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Branch coverage of the collection's code over all tests together: pytest's and the integration targets.

Runs them on a copy below .build/coverage, modules in their own processes included, and prints for each file what was not
run. It fails where a test does, and where the whole is below ``LEAST``. ``--report`` prints the last run's figures again;
``--tests DIR ...`` runs only some of pytest's, ``--no-integration`` leaves the targets out (and neither looks at ``LEAST``).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from build_tree import BUILD, PLACE, ROOT, copy_files, create_environment, run
from checks import PYTHON, seed_pip_bootstrap

LEAST = 95.0  # per cent of statements and branches together
PLACES = BUILD / "coverage"
TREE = PLACES / "tree"
COLLECTION = TREE / PLACE
DATA = PLACES / "data"
RC = PLACES / "coveragerc"
STARTER = PLACES / "starter"  # Python runs its sitecustomize.py first, in every process that inherits the environment
TESTS = ["tests/unit", "tests/functional", "tests/system/playbooks", "tests/system/rulebooks", "tests/system/report"]
# Documentation only, which nothing but ansible-doc reads; and the packages that Ansible makes up around a module.
OMITTED = ("plugins/doc_fragments/*", "plugins/__init__.py", "plugins/*/__init__.py")
INCLUDE = f"\n    */{PLACE}/plugins/*\n    */{PLACE}/extensions/*"
OMIT = "".join(f"\n    */{PLACE}/{pattern}" for pattern in OMITTED)
SETTINGS = f"""\
[run]
branch = true
parallel = true
data_file = {DATA}/measured
concurrency =
    multiprocessing
    thread
patch = _exit
disable_warnings =
    no-data-collected
    module-not-measured
include ={INCLUDE}
omit ={OMIT}

[paths]
collection =
    {COLLECTION}
    */{PLACE}

[report]
include ={INCLUDE}
omit ={OMIT}
exclude_also =
    if TYPE_CHECKING:
    if __name__ == .__main__.:
"""
# Without the lock of coverage: a module that a signal interrupts while it holds the lock would wait for it for ever. The lock
# guards a copy that is made again if another thread is in the way.
SITECUSTOMIZE = """\
import coverage
from coverage.collector import Collector

Collector.lock_data = Collector.unlock_data = lambda _self: None
coverage.process_startup()
"""


def copy_tree() -> None:
    """Copy the files that git knows or would add, to a repository of their own."""
    shutil.rmtree(PLACES, ignore_errors=True)
    copy_files(COLLECTION)
    DATA.mkdir(parents=True)
    RC.write_text(SETTINGS, encoding="utf-8")
    STARTER.mkdir()
    (STARTER / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")


def execute(name: str, *command: str | Path) -> bool:
    """Run a command in the copy, show the end of what it printed, and return whether it succeeded."""
    begin = time.monotonic()
    log = PLACES / f"{name}.log"
    with log.open("w", encoding="utf-8") as output:
        code = subprocess.run(
            [str(part) for part in command],
            cwd=COLLECTION,
            env=create_environment(
                ANSIBLE_COLLECTIONS_PATH=str(TREE),
                PYTHONPATH=f"{STARTER}:{TREE}:{COLLECTION / 'tests'}:{COLLECTION}",
                COVERAGE_PROCESS_START=str(RC),
            ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print(f"  {name}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(*lines[-1 if code == 0 else -60 :], sep="\n", flush=True)
    return code == 0


def measure(tests: list[str], *, select: str, integration: bool) -> bool:
    """Run the tests with measurement; return whether all passed."""
    copy_tree()
    chosen = [test for test in tests if (COLLECTION / test.partition("::")[0]).exists()]
    passed = execute(
        "pytest", sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--color=no", "-k", select, *chosen
    )
    if integration:
        seed_pip_bootstrap()
        config = COLLECTION / "tests" / "integration" / "integration_config.yml"
        targets = ("ansible-test", "integration", "--coverage", "--python", PYTHON, "--color", "no")
        passed &= execute("integration", sys.executable, ROOT / "dev" / "with_emulator.py", "--config", config, "--", *targets)
    return passed


def combine() -> dict[str, Any]:
    """Put all data together and return the report."""
    # ansible-test keeps its own; both stay, so that a report can be made again.
    parts = [path for place in (DATA, COLLECTION / "tests" / "output" / "coverage") for path in sorted(place.glob("*"))]
    settings = (f"--rcfile={RC}", f"--data-file={PLACES / 'whole'}")
    run(sys.executable, "-m", "coverage", "combine", *settings, "--keep", "--quiet", *parts, cwd=COLLECTION)
    report = PLACES / "report.json"
    run(sys.executable, "-m", "coverage", "json", *settings, "--quiet", "-o", report, cwd=COLLECTION)
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


def print_table(report: dict[str, Any]) -> float:
    """Print the figures and what was not run of each file; return the whole's share in per cent."""
    files = {name.rpartition(f"{PLACE}/")[2]: one for name, one in report["files"].items()}
    never = sorted(
        str(path.relative_to(COLLECTION))
        for top in ("plugins", "extensions")
        for path in (COLLECTION / top).rglob("*.py")
        if str(path.relative_to(COLLECTION)) not in files and path.stat().st_size and not path.match(OMITTED[0])
    )
    print(f"\n{'file':50} statements  missed  branches  missed       %  lines and branches not run")
    for name in sorted(files):
        figures = files[name]["summary"]
        lines = ", ".join(show_ranges(files[name]["missing_lines"]))
        branches = ", ".join(f"{a}->{b if b > 0 else 'exit'}" for a, b in files[name].get("missing_branches", []))
        print(f"{name:50} {show_figures(figures)}  {'; '.join(filter(None, (lines, branches)))}")
    for name in never:
        print(f"{name:50} never imported")
    totals = report["totals"]
    print(f"{'all':50} {show_figures(totals)}")
    print(f"\n{100 * totals['covered_branches'] / totals['num_branches']:.1f}% of branches.")
    return 0.0 if never else float(totals["percent_covered"])


def show_figures(figures: dict[str, Any]) -> str:
    """Print statements, branches and the share of both."""
    return (
        f"{figures['num_statements']:10}  {figures['missing_lines']:6}  {figures['num_branches']:8}"
        f"  {figures['missing_branches']:6}  {figures['percent_covered']:5.1f}%"
    )


def show_ranges(lines: list[int]) -> list[str]:
    """Print line numbers, those in a row as one range."""
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and line == ranges[-1][-1] + 1:
            ranges[-1].append(line)
        else:
            ranges.append([line])
    return [str(some[0]) if len(some) == 1 else f"{some[0]}-{some[-1]}" for some in ranges]


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description="Branch coverage over all tests together.")
    parser.add_argument("--report", action="store_true", help="print the figures of the last run again")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="DIR", help="run only these of pytest's tests")
    parser.add_argument("--select", default="", metavar="WORDS", help="run only what pytest's -k takes, such as 'not v12'")
    parser.add_argument("--no-integration", action="store_true", help="leave the integration targets out")
    options = parser.parse_args()
    passed = options.report or measure(options.tests, select=options.select, integration=not options.no_integration)
    share = print_table(combine())
    whole = options.tests == TESTS and not options.select and not options.no_integration
    print(f"{share:.1f}% of statements and branches; at least {LEAST:.0f}% are wanted of a whole run.")
    if not passed:
        print("Some tests failed.")
    return 0 if passed and (share >= LEAST or not whole) else 1


if __name__ == "__main__":
    sys.exit(main())
