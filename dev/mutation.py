# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mutation testing: small slips are put into the code, one at a time, and the tests have to notice.

``mutation.py [FILE ...]`` takes the files of ``MODULES`` (all of them without arguments), has mutmut mutate a copy of each
below .build/mutation, and prints how many mutants were killed and how many survived. Every survivor must be explained in
``tests/generated/mutation/survivors.yml``; it fails if one is not, if an explanation has no survivor, or if more than 10%
survive.

``--note`` adds what is not explained to that file, with an empty reason to fill in. ``--again`` keeps the copies of the last
run and tries its survivors only, with the tests as they are now. ``--jobs N`` runs N mutants at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from build_tree import BUILD, PLACE, ROOT, create_environment, list_files, show
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

MOST_SURVIVING = 10.0  # per cent of a file's mutants
RECORD = ROOT / "tests" / "generated" / "mutation" / "survivors.yml"
PLACES = BUILD / "mutation"
SOURCE = "plugins/module_utils/_em"
UNIT = "tests/unit/plugins/module_utils/_em"
# Which tests have to kill the mutants of which file: the quick ones that are about it.
MODULES: dict[str, list[str]] = {
    "protocol/filters": [f"{UNIT}/protocol/test_filters.py"],
    "protocol/codec": [f"{UNIT}/protocol/test_codec.py"],
    "client/retry": [f"{UNIT}/client/test_retry.py"],
    "client/status": [f"{UNIT}/client/test_status.py"],
    "client/session": [f"{UNIT}/client/test_session.py"],
    "resources/listing": [f"{UNIT}/resources/test_listing.py"],
    "resources/tasks": [f"{UNIT}/resources/test_tasks.py"],
    "resources/task_wait": [f"{UNIT}/resources/test_task_wait.py"],
    "resources/task_removal": [f"{UNIT}/resources/test_task_removal.py"],
    "resources/task_action": [f"{UNIT}/resources/test_task_action.py"],
    "resources/session_wait": [f"{UNIT}/resources/test_session_wait.py"],
    "resources/job_sessions": [f"{UNIT}/resources/test_job_sessions.py"],
}
HEADER = """\
---
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Mutants that no test can or should kill, and why. `make mutation` compares this with what survives; it is written by
# `dev/mutation.py --note`, the reasons by hand.
"""


@dataclass(frozen=True)
class Mutant:
    """A change of one function, told by its lines, since the numbers of mutants shift with the code."""

    file: str
    function: str
    change: str


@dataclass
class Outcome:
    """What became of the mutants of one file. ``untested``: no test runs the function at all."""

    file: str
    mutants: int = 0
    killed: int = 0
    timeouts: int = 0
    untested: int = 0
    survivors: list[Mutant] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def share(self) -> float:
        """Return the survivors in per cent."""
        return 100.0 * len(self.survivors) / self.mutants if self.mutants else 0.0


def run_mutmut(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut in the copy made for one file."""
    place = PLACES / name
    return subprocess.run(
        [str(Path(sys.executable).with_name("mutmut")), *arguments],
        cwd=place,
        # Mutated code comes from mutants/, and nothing else is called ansible_collections.
        env=create_environment(PYTHONPATH=f"{place}/mutants", ANSIBLE_COLLECTIONS_PATH=f"{place}/mutants"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def copy_tree(name: str, *, afresh: bool) -> None:
    """Copy plugins and tests to where mutmut mutates them, and write its settings."""
    place = PLACES / name
    if afresh:
        shutil.rmtree(place, ignore_errors=True)
    for below in (place, place / "mutants") if not afresh else (place,):
        shutil.rmtree(below / PLACE / "tests", ignore_errors=True)
        for path in list_files(ROOT, "plugins", "tests"):
            if afresh or path.startswith("tests/"):
                target = below / PLACE / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, target)
    (place / "mutants").mkdir(exist_ok=True)  # a folder that is not there when Python starts stays unknown to it
    tests = "\n".join(f"    {PLACE}/{path}" for path in MODULES[name])
    settings = (
        "[mutmut]\n"
        f"source_paths=\n    {PLACE}/plugins\n    \n"
        f"only_mutate=\n    {PLACE}/{SOURCE}/{name}.py\n    \n"
        f"also_copy=\n    {PLACE}/tests\n    \n"
        f"pytest_add_cli_args_test_selection=\n{tests}\n    \n"
        "pytest_add_cli_args=\n    -p\n    no:cacheprovider\n    \n"
        "process_isolation=fork\n"
        "track_dependencies=false\n"
        "timeout_multiplier=10\n"
        "timeout_constant=3\n"
    )
    (place / "setup.cfg").write_text(settings, encoding="utf-8")


def read_codes(name: str) -> dict[str, int | None]:
    """Read what mutmut noted of each mutant: the exit code of its tests."""
    meta = PLACES / name / "mutants" / PLACE / SOURCE / f"{name}.py.meta"
    codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def is_survivor(code: int | None) -> bool:
    """Ask whether the tests passed, or were none."""
    return code in (0, 5, 33)


def try_module(name: str, *, jobs: int, again: bool) -> Outcome:
    """Mutate one file and run its tests on each mutant."""
    begin = time.monotonic()
    copy_tree(name, afresh=not again)
    chosen = [key for key, code in read_codes(name).items() if is_survivor(code)] if again else []
    if chosen or not again:
        done = run_mutmut(name, "run", "--max-children", str(jobs), *chosen)
        text = re.sub(r"\r[^\n\r]*(?=\r)", "", done.stdout)  # the spinners
        (PLACES / f"{name}.log").write_text(text, encoding="utf-8")
        if done.returncode:
            sys.exit(f"mutmut did not get through {name}; the end of {show(PLACES / f'{name}.log')}:\n{text[-3000:]}")
    outcome = Outcome(name)
    for key, code in read_codes(name).items():
        outcome.mutants += 1
        if is_survivor(code):
            outcome.survivors.append(read_mutant(name, key))
            outcome.untested += code != 0
        elif code in (24, 36, 152, 255, -24):
            outcome.timeouts += 1
        elif code in (1, 3):
            outcome.killed += 1
        else:
            sys.exit(f"mutmut gives {key} the code {code}, which says nothing of the tests.")
    outcome.seconds = time.monotonic() - begin
    return outcome


def read_mutant(name: str, key: str) -> Mutant:
    """Read what a mutant changes."""
    with contextlib.chdir(PLACES / name):
        lines = get_diff_for_mutant(key, path=f"{PLACE}/{SOURCE}/{name}.py").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("@@"))
    change = [f"{line[0]} {line[1:].strip()}" for line in lines[begin:] if line[:1] in ("-", "+")]
    function, owner = orig_function_and_class_names_from_key(key)
    return Mutant(name, f"{owner}.{function}" if owner else function, "\n".join(change))


def read_record() -> dict[Mutant, str]:
    """Read the explanations."""
    if not RECORD.exists():
        return {}
    entries: list[dict[str, Any]] = yaml.safe_load(RECORD.read_text(encoding="utf-8")) or []
    return {Mutant(one["file"], one["function"], one["change"].rstrip("\n")): one["reason"] or "" for one in entries}


def write_record(record: dict[Mutant, str]) -> None:
    """Write the explanations, in the order of the files."""
    ordered = sorted(record, key=lambda mutant: (list(MODULES).index(mutant.file), mutant.function, mutant.change))
    parts = [HEADER]
    for mutant in ordered:
        change = "\n".join(f"    {line}" for line in mutant.change.splitlines())
        reason = json.dumps(record[mutant], ensure_ascii=False)
        parts.append(f"- file: {mutant.file}\n  function: {mutant.function}\n  change: |\n{change}\n  reason: {reason}\n")
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text("".join(parts), encoding="utf-8")


def print_table(outcomes: Iterable[Outcome], record: dict[Mutant, str]) -> None:
    """Print the figures of each file."""
    print(f"\n{'file':22} mutants  killed  timeouts  survived  share   explained  seconds")
    total = Outcome("all")
    for one in outcomes:
        total.mutants += one.mutants
        total.killed += one.killed
        total.timeouts += one.timeouts
        total.survivors += one.survivors
        total.seconds += one.seconds
        print_row(one, record)
    print_row(total, record)


def print_row(one: Outcome, record: dict[Mutant, str]) -> None:
    """Print the figures of one file."""
    explained = sum(bool(record.get(mutant)) for mutant in one.survivors)
    print(
        f"{one.file:22} {one.mutants:7}  {one.killed:6}  {one.timeouts:8}  {len(one.survivors):8}  {one.share:4.1f}%"
        f"  {explained:9}  {one.seconds:7.0f}"
    )


def main() -> int:
    """Try the files asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Mutation testing of the parts that must not be wrong.")
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"some of {', '.join(MODULES)}; default all")
    parser.add_argument("--again", action="store_true", help="try the survivors of the last run only")
    parser.add_argument("--note", action="store_true", help="note what is not explained, and forget what was killed")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="mutants at a time")
    options = parser.parse_args()
    names = options.files or list(MODULES)
    unknown = set(names) - set(MODULES)
    if unknown:
        parser.error(f"there are {', '.join(MODULES)}, not {', '.join(sorted(unknown))}")
    PLACES.mkdir(parents=True, exist_ok=True)
    record = read_record()
    outcomes = []
    for name in names:
        outcomes.append(try_module(name, jobs=options.jobs, again=options.again))
        print(f"  {name}: {outcomes[-1].mutants} mutants, {len(outcomes[-1].survivors)} survived", flush=True)
    survivors = {mutant for one in outcomes for mutant in one.survivors}
    stale = [mutant for mutant in record if mutant.file in names and mutant not in survivors]
    if options.note:
        kept = {mutant: reason for mutant, reason in record.items() if mutant not in stale}
        record = {**dict.fromkeys(survivors, ""), **kept}
        stale = []
        write_record(record)
    unexplained = [mutant for one in outcomes for mutant in one.survivors if not record.get(mutant)]
    for mutant in unexplained:
        print(f"\nSurvived and not explained: {mutant.file}, {mutant.function}\n{mutant.change}")
    for mutant in stale:
        print(f"\nExplained but killed, or gone with its code: {mutant.file}, {mutant.function}\n{mutant.change}")
    print_table(outcomes, record)
    too_many = [one.file for one in outcomes if one.share > MOST_SURVIVING]
    if too_many:
        print(f"\nMore than {MOST_SURVIVING:.0f}% survive in {', '.join(too_many)}.")
    print(f"\n{len(unexplained)} survivors without a reason, {len(stale)} reasons without a survivor.")
    return 1 if unexplained or stale or too_many else 0


if __name__ == "__main__":
    sys.exit(main())
