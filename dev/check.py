# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the checks of checks.py, some at a time, and ends with a table of what ran, how long, and the result.

Without names those of ``make test``, or with ``--thorough`` all there are; with names only these. ``?`` lists them. The
variable TESTS names the tests or integration targets to run in place of all of a check; AGAIN=1 takes those that failed last.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from build_tree import BUILD, GIT, ROOT, build_trees, create_environment, show
from checks import CHECKS, COLLECTION, LOGS, Check

WORKERS = 3  # of two cores: a third of the time of tests is spent waiting
SHOWN_LINES = 60
SHOWN_FAILURES = 3  # in the first line
LISTED_FAILURES = 50
SETUP = BUILD / "setup.time"  # written by dev/setup.sh if it was run just now
FAILED_TEST = re.compile(r"^(?:FAILED|ERROR) ((?:tests|emulator)/\S+?\.py(?:::[^\[\n]*?(?:\[.*?\])?)?)(?: - .*)?$", re.M)
FAILED_TARGET = re.compile(r"resume at this .*--start-at (\S+)")
REASONS = [
    re.compile(rf"^(?!WARNING).*\b(?:{words})\b.*$", re.I | re.M)
    for words in ("error|fatal|failed|wrong|leaks?|grew|unformatted", "errors|warnings?")
]


@dataclass
class Outcome:
    """What became of a check."""

    check: Check
    seconds: float
    cpu: float
    code: int

    @property
    def log(self) -> Path:
        """Return the file with all it printed."""
        return get_log(self.check)

    @property
    def text(self) -> str:
        """Return all it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def failures(self) -> list[str]:
        """Return the ids of the tests, or the names of the targets, that failed."""
        return find_failures(self.check, self.text)

    @property
    def headline(self) -> str:
        """Return a line that says what failed, and how to run just that."""
        failures = self.failures
        if failures:
            more = len(failures) - SHOWN_FAILURES
            what = ", ".join(failures[:SHOWN_FAILURES]) + (f" and {more} others" if more > 0 else "")
        else:
            what = find_reason(self.text)
        return f"FAILED {self.check.name}: {what} -- run it again: {create_command(self.check, failures)}"


def find_reason(text: str) -> str:
    """Return the line of an output that most likely says why it failed."""
    found = next(filter(None, (reason.search(text) for reason in REASONS)), None)
    lines = text.strip().splitlines()
    return (found[0] if found else lines[-1] if lines else "it printed nothing").strip()[:300]


def find_failures(check: Check, text: str) -> list[str]:
    """Return the ids of the tests, or the names of the targets, that failed by the output of a check."""
    found = FAILED_TEST if check.is_pytest else FAILED_TARGET
    return list(dict.fromkeys(found.findall(text)))


def create_command(check: Check, failures: list[str]) -> str:
    """Return the command that runs a check again: only what failed, where it can be told."""
    command = f"make check ONLY={check.name}"
    if len(failures) > SHOWN_FAILURES:
        return f"{command} AGAIN=1"
    tests = " ".join(failures).replace("$", "$$")
    return f"{command} {shlex.quote(f'TESTS={tests}')}" if tests else command


def find_tests(check: Check) -> tuple[str, ...]:
    """Return what a check is to run of its tests: what TESTS names, or with AGAIN what failed last, or all."""
    if not check.tests:
        return ()
    if os.environ.get("AGAIN") and get_log(check).exists():
        failed = find_failures(check, get_log(check).read_text(encoding="utf-8", errors="replace"))
        return tuple(failed) or check.tests
    return tuple(split_tests(os.environ["TESTS"])) if os.environ.get("TESTS") else check.tests


def split_tests(text: str) -> list[str]:
    """Return the tests that a text names; their ids may hold spaces, but each begins with its folder."""
    ids = re.split(r"\s+(?=(?:tests|emulator)/)", text.strip())
    return ids if ids[0].startswith(("tests/", "emulator/")) else text.split()


def get_log(check: Check) -> Path:
    """Return the file with all that a check printed."""
    return LOGS / f"{check.name}.log"


def run_check(check: Check, *, thorough: bool) -> Outcome:
    """Run the command of a check; keep its output, its time and its exit code."""
    begin = time.monotonic()
    if check.prepare:
        check.prepare()
    environment = create_environment(
        ANSIBLE_COLLECTIONS_PATH=str(check.paths),
        PYTHONPATH=os.pathsep.join(map(str, (check.paths, COLLECTION / "tests", COLLECTION))),
        **check.environment,
    )
    if thorough:
        environment["VBEM_EVERY_CASE"] = "1"
    chosen = find_tests(check)
    with get_log(check).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", f"{check.command} {shlex.join(chosen)}"],
            cwd=check.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        _pid, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    outcome = Outcome(check, time.monotonic() - begin, usage.ru_utime + usage.ru_stime, code)
    print(f"  {'ok    ' + check.name if code == 0 else outcome.headline} ({outcome.seconds:.0f} s)", flush=True)
    return outcome


def list_changed() -> set[str] | None:
    """Return the files that differ from the branch main, with those not committed; None where git cannot say."""
    environment = create_environment()

    def ask(*arguments: str) -> str:
        done = subprocess.run([*GIT, *arguments], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
        return done.stdout if done.returncode == 0 else ""

    bases = (ask("merge-base", "HEAD", branch).strip() for branch in ("origin/main", "main", "HEAD"))
    base = next(filter(None, bases), None)
    if base is None:
        return None
    # A copy of the index, which git may bring up to date.
    environment["GIT_INDEX_FILE"] = str(shutil.copy(ROOT / ask("rev-parse", "--git-path", "index").strip(), BUILD / "index"))
    texts = ask("diff", "--name-only", "-z", base), ask("ls-files", "-z", "--others", "--exclude-standard")
    return {name for text in texts for name in text.split("\0") if name}


def choose_checks(names: list[str], *, thorough: bool, changed: set[str] | None) -> list[Check]:
    """Return the checks to run: those that are named, or those of the tier."""
    if names:
        return [check for check in CHECKS if check.name in names]
    return [check for check in CHECKS if thorough or (check.tier == "test" and check.is_about(changed))]


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit code."""
    begin = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="CHECK", help="only these; ? lists them")
    parser.add_argument("--thorough", action="store_true", help="all checks, with all cases of their tests")
    options = parser.parse_args(arguments)
    if options.names == ["?"]:
        for check in CHECKS:
            print(f"{check.name:18} {'' if check.tier == 'test' else 'thorough':9} {check.about}")
        return 0
    unknown = set(options.names) - {check.name for check in CHECKS}
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are {', '.join(check.name for check in CHECKS)}.")
        return 2
    os.umask(0o022)  # of what is made: an artifact that is the same for everybody
    LOGS.mkdir(parents=True, exist_ok=True)
    chosen = choose_checks(options.names, thorough=options.thorough, changed=list_changed())
    print(f"Building and installing {show(build_trees())}, then checking ...", flush=True)
    with ThreadPoolExecutor(min(WORKERS, 1 + (os.cpu_count() or 1))) as pool:
        done = list(pool.map(lambda check: run_check(check, thorough=options.thorough), chosen))
    failed = [outcome for outcome in done if outcome.code != 0]
    for outcome in failed:
        print(f"\n{outcome.headline}", *(f"  {failure}" for failure in outcome.failures[:LISTED_FAILURES]), sep="\n")
        print(f"The end of {show(outcome.log)}:", *outcome.text.splitlines()[-SHOWN_LINES:], sep="\n")
    print_table(done, time.monotonic() - begin)
    if not options.names and not options.thorough:
        print_what_is_left(done)
    return 1 if failed else 0


def print_table(done: list[Outcome], seconds: float) -> None:
    """Print what ran, how long, and the result; then what pytest counted, in its own words."""
    # All processes below this one, and this one.
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    rows = [(one.check.name, one.seconds, one.cpu, one.code == 0, one.check.about) for one in done]
    if SETUP.exists():
        wall, own = map(float, SETUP.read_text(encoding="utf-8").split())
        SETUP.unlink()
        rows.insert(0, ("(setup)", wall, own, True, "the Python environment with all tools"))
        seconds, cpu = seconds + wall, cpu + own
    rows.append(("all", seconds, cpu, all(outcome.code == 0 for outcome in done), "with building and installing the artifact"))
    width = max(len(row[0]) for row in rows)
    print(f"\n{'check':{width}}  seconds  on CPU  result  what it is")
    for name, elapsed, used, is_good, about in rows:
        print(f"{name:{width}}  {elapsed:7.1f}  {used:6.0f}  {'ok    ' if is_good else 'FAILED'}  {about}".rstrip())
    print()
    for outcome in done:
        if outcome.check.is_pytest:
            print(f"{outcome.check.name}: {read_closing_line(outcome)}")


def read_closing_line(outcome: Outcome) -> str:
    """Return what pytest says at its end."""
    closing = re.findall(r"^.*\b(?:passed|failed|error|no tests ran)\b.* in [\d.]+s.*$", outcome.text, re.MULTILINE)
    return str(closing[-1].strip("= ")) if closing else "pytest did not end"


def print_what_is_left(done: list[Outcome]) -> None:
    """Print the one line that says what only ``make thorough`` runs."""
    ran = {outcome.check.name for outcome in done}
    left = [check.name for check in CHECKS if check.name not in ran]
    cases = sum(
        int(count) for one in done if one.check.is_pytest for count in re.findall(r"(\d+) deselected", read_closing_line(one))
    )
    print(f"\nLeft to `make thorough`: {cases} cases of the tests above, and the checks {', '.join(left)}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
