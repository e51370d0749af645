# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m generated.fault_matrix``: run the matrix, and print the cases and what was wrong; exit 1 if anything was."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

from ansible.utils.display import Display

from .fault_harness import FaultHarness
from .matrix import COMBINATIONS, SCENARIOS, Summary, find_scenario, run_scenario

_STACK = ExitStack()  # of a worker process, whose harnesses live as long as it does
Order = tuple[int, str, str, dict[str, Any]]


@lru_cache(maxsize=2)
def _get_harness(version: int) -> FaultHarness:
    return _STACK.enter_context(FaultHarness(version))


def _run_order(order: Order) -> Summary:
    version, response_format, name, settings = order
    return run_scenario(_get_harness(version), find_scenario(name), response_format, **settings)


def _silence_warnings() -> None:
    """Keep Ansible from printing the many warnings of lookups."""
    Display.warning = lambda *_given, **_settings: None


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(prog="python -m generated.fault_matrix", description="The fault matrix.")
    parser.add_argument("--version", type=int, choices=(12, 13), help="only this server version")
    parser.add_argument("--format", choices=("json", "xml"), help="only this format")
    parser.add_argument("--scenario", default="", metavar="NAME", help="only scenarios whose module or name holds this")
    parser.add_argument("--only", default="", metavar="CASE", help="only cases whose name begins like this")
    parser.add_argument("--thorough", action="store_true", help="every status with every kind of body, at every request")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="a sample: one case of so many; with 4, each in one combination"
    )
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N", help="processes, default 2")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    given = parser.parse_args(arguments)
    chosen = [one for one in SCENARIOS if given.scenario in one.name or given.scenario in one.group]
    if given.list:
        print("\n".join(f"{one.group:25} {one.name}" for one in chosen))
        return 0
    orders: list[Order] = []
    for number, one in enumerate(chosen):
        for offset, (version, response_format) in enumerate(COMBINATIONS, number):
            name = f"{version}-{response_format}/{one.name}"
            matches_filters = not given.only or given.only.startswith(f"{name}/") or name.startswith(given.only)
            if matches_filters and given.version in (None, version) and given.format in (None, response_format):
                settings = {"thorough": given.thorough, "only": given.only, "every": given.every, "offset": offset}
                orders.append((version, response_format, one.name, settings))
    began = time.monotonic()
    summaries = []
    for summary in _run(orders, given.jobs):
        summaries.append(summary)
        print(
            f"{len(summaries)}/{len(orders)} {summary.combination}/{summary.scenario}: {summary.cases} cases",
            file=sys.stderr,
            flush=True,
        )
        for case, problems in summary.wrong:
            print(f"WRONG {case}: {problems[0][:200]}", file=sys.stderr, flush=True)
    print_table(summaries, time.monotonic() - began)
    return int(any(summary.wrong for summary in summaries) or not summaries)


def _run(orders: list[Order], jobs: int) -> Iterator[Summary]:
    if jobs < 2 or len(orders) < 2:
        _silence_warnings()
        with _STACK:
            for order in orders:
                yield _run_order(order)
        _get_harness.cache_clear()
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_silence_warnings) as pool:
        yield from pool.map(_run_order, orders)


def print_table(summaries: Iterable[Summary], seconds: float) -> None:
    """Print a line for each module, the sum, why own sessions stayed open, and each wrong case."""
    summaries = list(summaries)
    row = "{:22} {:>9} {:>9} {:>7} {:>8} {:>9} {:>6}"
    print(row.format("module", "scenarios", "requests", "faults", "cases", "failures", "wrong"))
    groups = list(dict.fromkeys(summary.group for summary in summaries))
    for group in [*groups, "all"]:
        mine = [summary for summary in summaries if group in (summary.group, "all")]
        failures = sum(summary.endings.total() - summary.endings["result"] for summary in mine)
        combinations = {summary.combination for summary in mine}
        print(
            row.format(
                group,
                len({summary.scenario for summary in mine}),
                sum(summary.requests for summary in mine),
                max((summary.faults for summary in mine), default=0),
                sum(summary.cases for summary in mine),
                failures,
                sum(len(summary.wrong) for summary in mine),
            )
        )
    combinations = sorted({summary.combination for summary in summaries})
    print(f"\ncombinations: {', '.join(combinations)} (server version and format); {seconds:.0f} seconds")
    endings: Counter[str] = sum((summary.endings for summary in summaries), Counter())
    print("endings: " + ", ".join(f"{kind} {number}" for kind, number in endings.most_common()))
    accepted: Counter[str] = sum((summary.accepted for summary in summaries), Counter())
    for reason, number in accepted.items():
        print(f"own sessions that stayed open: {number}, because {reason}")
    for summary in summaries:
        for case, problems in summary.wrong:
            print(f"\nWRONG {case}\n  " + "\n  ".join(problems))
    print(f"\ncases: {sum(summary.cases for summary in summaries)}, wrong: {sum(len(summary.wrong) for summary in summaries)}")
    if any(summary.wrong for summary in summaries):
        print("Run one alone with: python -m generated.fault_matrix --only NAME")
