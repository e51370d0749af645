# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs units, sanity, integration and a playbook on every ansible-core that is supported, with every Python there is.

Ends with a table, and a run of all cores writes it to docs/tested_versions.md, too. All it makes is below .build/matrix.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path

from build_tree import BIN, BUILD, INSTALLED, INTEGRATION, PLACE, ROOT, SOURCE, build_trees, create_environment, run, show
from checks import seed_pip_bootstrap
from interpreters import call, create_venv, find_interpreters

sys.path.insert(0, str(ROOT))

from emulator import Emulator

MATRIX = BUILD / "matrix"
VENVS = MATRIX / "venv"
PAGE = ROOT / "docs" / "tested_versions.md"
STEPS = ("units", "sanity", "integration", "playbook")
COUNTED = {
    "units": r"=.* (\d+) passed",
    "sanity": r'^Running sanity test "(\S+)"',
    "integration": r"^Running (\S+) integration test role",
    "playbook": r"^localhost +: ok=(\d+)",
}
# The Pythons that a core runs on itself, and those that it can run modules with besides; the collection's modules need 3.9.
CORES = {
    "2.16": (("3.10", "3.11", "3.12"), ("3.9",)),
    "2.18": (("3.11", "3.12", "3.13"), ("3.9", "3.10")),
    "2.19": (("3.11", "3.12", "3.13"), ("3.9", "3.10")),
    "2.20": (("3.12", "3.13", "3.14"), ("3.9", "3.10", "3.11")),
    "2.21": (("3.12", "3.13", "3.14"), ("3.9", "3.10", "3.11")),
}
LIBRARIES = [line.replace(" ", "") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines() if line]
FLOORS = [line.replace(">=", "==") for line in LIBRARIES]
ABOUT = [
    "- units: unit tests that passed, as `ansible-test units` runs them.",
    "- sanity: kinds of tests of `ansible-test sanity` that passed, without ignore entries. A Python that runs modules only",
    "  has two: compile and import.",
    "- integration: targets that passed with the built and installed artifact, against the emulator. Of the Pythons that run",
    "  modules only, the oldest stands for the others.",
    "- playbook: `vbem.rest.first_steps`, run by a plain `ansible-playbook`.",
    "- An empty field was not run.",
]
TEST_TOOLS = ["pytest", "pytest-xdist", "mock", "pyyaml"]


@dataclass
class Row:
    """One core with one Python: for all, or for the modules only while the core runs on another."""

    core: str
    python: str
    home: str | None  # the Python that the core runs on; None if there is none here
    skipped: tuple[str, ...] = ()
    floor: bool = False  # with the oldest requests and xmltodict that are supported
    version: str = ""
    path: list[Path] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    failed: list[Path] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def tree(self) -> Path:
        """Name the folder with what is of this core alone, so that two cores can run at a time."""
        return MATRIX / self.core

    @property
    def name(self) -> str:
        """Name this row in logs and paths."""
        return f"{self.core}-python{self.python}{'-floor' if self.floor else ''}"

    @property
    def about(self) -> tuple[str, str]:
        """Name this row in the table: the core, and which Python does what."""
        if self.home is None:
            return self.core, self.python
        about = self.python if self.home == self.python else f"{self.python} for modules, {self.home} for the core"
        return self.version, about + (f"; {', '.join(FLOORS)}" if self.floor else "")

    def prepare(self, pythons: dict[str, Path]) -> None:
        """Make the environments that this row needs, unless there."""
        if self.home is None:
            return
        packages = [f"ansible-core~={self.core}.0", *TEST_TOOLS, *LIBRARIES]
        core = create_venv(VENVS / f"{self.core}-python{self.home}", pythons[self.home], packages)
        self.version = run(core / "python", "-c", "from ansible.release import __version__; print(__version__)").strip()
        self.path = [core]
        if self.python != self.home:
            name = self.name.replace(self.core, "modules", 1)
            packages = [*TEST_TOOLS, *(FLOORS if self.floor else LIBRARIES)]
            self.path.insert(0, create_venv(VENVS / name, pythons[self.python], packages))

    def create_command(self, step: str) -> list[str | Path]:
        """Return the command of a step that is run in the copies below the core's folder."""
        tool, colour = self.path[-1] / "ansible-test", ["--color", "no"]
        if step == "units":
            return [tool, "units", "--python", self.python, *colour]
        if step == "sanity":
            only = [] if self.python == self.home else ["--test", "compile", "--test", "import"]
            return [tool, "sanity", "--python", self.python, *only, *colour]
        config = Path("tests", "integration", "integration_config.yml")
        target = f"controller:python={self.python}@{self.path[0] / 'python'}"
        emulated: list[str | Path] = [sys.executable, ROOT / "dev" / "with_emulator.py", "--config", config, "--"]
        return [*emulated, tool, "integration", "--controller", f"origin:python={self.home}", "--target", target, *colour]

    def run_step(self, step: str) -> None:
        """Run one step, and say what came of it."""
        log, begin = MATRIX / "logs" / f"{self.name}-{step}.log", time.monotonic()
        home = self.tree / "home"
        tree = self.tree / ("integration" if step == "integration" else "source")
        # No shims of pyenv, which may fail, and none of the development environment's plugins for pytest.
        others = [part for part in os.environ["PATH"].split(os.pathsep) if "shims" not in part and part != str(BIN)]
        environment = {
            "PATH": os.pathsep.join([*map(str, self.path), *others]),
            "HOME": str(home),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
            "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
        }
        with log.open("w", encoding="utf-8") as output:
            if step == "playbook":
                code = self.play(environment, output.fileno())
            elif step == "sanity" and (tree / PLACE / "tests" / "sanity").exists():
                print("tests/sanity exists, but nothing may be ignored.", file=output)
                code = 1
            else:
                code = call(self.create_command(step), tree / PLACE, create_environment(**environment), output.fileno())
        count = count_tests(step, log.read_text(encoding="utf-8", errors="replace"))
        # What ran no test at all has not passed.
        good = code == 0 and count > 0
        self.results[step] = (f"{count} passed" if step != "playbook" else "passed") if good else "FAILED"
        if not good:
            self.failed.append(log)
        seconds = time.monotonic() - begin
        self.seconds += seconds
        print(f"  {'ok    ' if good else 'FAILED'} {self.name} {step}: {count} ({seconds:.0f} s)", flush=True)

    def play(self, environment: dict[str, str], output: int) -> int:
        """Run the README's first playbook from the installed artifact, as a user would, outside of ansible-test."""
        with Emulator() as em:
            connection = {
                "VBEM_HOSTNAME": em.hostname,
                "VBEM_PORT": str(em.port),
                "VBEM_USERNAME": em.admin.username,
                "VBEM_PASSWORD": em.admin.password,
                "VBEM_CA_PATH": str(em.ca_path),
                "ANSIBLE_COLLECTIONS_PATH": str(self.tree / "installed"),
                "ANSIBLE_PYTHON_INTERPRETER": str(self.path[0] / "python"),
            }
            jobs = '{"first_steps_jobs": ["SQL Backup", "DC Replication"]}'
            command: list[str | Path] = [self.path[-1] / "ansible-playbook", "vbem.rest.first_steps", "-e", jobs]
            code = call(command, self.tree, create_environment(**environment, **connection), output)
            return code or len(em.sessions)


def count_tests(step: str, text: str) -> int:
    """Count what passed in the output of a step that did; what a sanity test lacks a program for has not passed."""
    found = re.findall(COUNTED[step], text, re.M)
    if step in ("units", "playbook"):
        return sum(map(int, found))
    return len(set(found)) - len(set(re.findall(r"^WARNING: Required program \S+ not found", text, re.M)))


def create_rows(cores: list[str], pythons: dict[str, Path], quick: bool) -> Iterator[Row]:
    """Return what is to be run, core by core: modules run on each Python, the core itself on those that it supports."""
    for core in cores:
        own, others = CORES[core]
        home = next((python for python in reversed(own) if python in pythons), None)
        for python in others:
            yield Row(core, python, home if python in pythons else None, ("integration",) if quick or python != "3.9" else ())
        for python in own:
            skipped = ("sanity", "integration") if quick and python != home else ()
            yield Row(core, python, python if python in pythons else None, skipped)
        if core == min(CORES):
            yield Row(core, "3.9", home if "3.9" in pythons else None, floor=True)


def create_table(rows: list[Row]) -> list[str]:
    """Return the table in the lines of a Markdown file."""
    table = [["ansible-core", "Python", *STEPS, "seconds"]]
    for row in rows:
        if row.home is None:
            table.append([*row.about, *["not on this machine" for _step in STEPS], ""])
        else:
            table.append([*row.about, *[row.results.get(step, "") for step in STEPS], f"{row.seconds:.0f}"])
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    table.insert(1, ["-" * width for width in widths])
    return ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in table]


def copy_trees(cores: list[str]) -> None:
    """Build and install, and give each core copies of its own."""
    print(f"Building and installing {show(build_trees())} ...", flush=True)
    seed_pip_bootstrap()
    for core in cores:
        for name, origin in (("source", SOURCE), ("integration", INTEGRATION), ("installed", INSTALLED)):
            shutil.rmtree(MATRIX / core / name, ignore_errors=True)
            shutil.copytree(origin, MATRIX / core / name)
        cache = Path("home", ".ansible", "test", "cache")
        shutil.copytree(BUILD / cache, MATRIX / core / cache, dirs_exist_ok=True)
        downloads = MATRIX / core / "home" / ".cache"
        if not downloads.is_symlink():
            downloads.symlink_to(BUILD / "home" / ".cache")


def run_core(rows: list[Row], steps: list[str]) -> None:
    """Run the rows of one core, one after another."""
    for row in rows:
        for step in steps:
            if row.home and step not in row.skipped:
                row.run_step(step)


def keep_what_passed(rows: list[Row]) -> None:
    """Take over what the page says of the last run, but for what failed; that is left to be run."""
    told = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == len(STEPS) + 3:
            told[cells[0], cells[1]] = cells[2:]
    for row in rows:
        *results, seconds = told.get(row.about, [""])
        if row.home and seconds:
            row.results = {step: result for step, result in zip(STEPS, results) if result and result != "FAILED"}
            row.skipped += tuple(row.results)
            row.seconds = float(seconds)


def write_page(table: list[str], pythons: dict[str, Path], command: str) -> None:
    """Write the table to the page that the README links to."""
    found = ", ".join(
        run(python, "-c", "import platform; print(platform.python_version())").strip() for python in pythons.values()
    )
    lines = [
        "<!--",
        "Copyright: (c) 2026, vbem.rest contributors",
        "GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
        "SPDX-License-Identifier: GPL-3.0-or-later",
        "-->",
        "# Versions that were tested",
        "",
        f"Written by `{command}` on {datetime.now(timezone.utc):%Y-%m-%d}, with Python {found}; do not edit.",
        "",
        *table,
        "",
        *ABOUT,
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", action="append", choices=CORES, help="only this ansible-core; may be given several times")
    parser.add_argument("--only", action="append", choices=STEPS, help="only this step; may be given several times")
    parser.add_argument("--python", action="append", help="only this Python; may be given several times")
    parser.add_argument("--quick", action="store_true", help="sanity and integration with the newest Python of each core only")
    parser.add_argument("--again", action="store_true", help="only what failed by the page that the last run of all wrote")
    parser.add_argument("--jobs", type=int, default=2, help="cores that are run at a time (default: 2)")
    options = parser.parse_args()
    begin, steps = time.monotonic(), options.only or list(STEPS)
    wanted = {python for own, others in CORES.values() for python in (*own, *others)}
    pythons = find_interpreters(sorted(wanted, key=lambda python: int(python.split(".")[1])))
    rows = list(create_rows(options.core or list(CORES), pythons, options.quick))
    rows = [row for row in rows if not options.python or row.python in options.python]
    cores = {core: list(some) for core, some in groupby(rows, key=lambda row: row.core)}
    (MATRIX / "logs").mkdir(parents=True, exist_ok=True)
    copy_trees(list(cores))
    for row in rows:
        row.prepare(pythons)
    if options.again:
        keep_what_passed(rows)
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(lambda some: run_core(some, steps), cores.values()))
    for log in (log for row in rows for log in row.failed):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print(f"\n----- the end of {show(log)}", *lines[-40:], sep="\n")
    table = create_table(rows)
    if not (options.core or options.only or options.python):
        command = "dev/matrix.py --quick" if options.quick else "make matrix"
        write_page(table, pythons, command + ("` and, for what had failed, `--again" if options.again else ""))
    print("", *table, f"\n{time.monotonic() - begin:.0f} seconds in all", sep="\n")
    return 1 if any(row.failed for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
