# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m generated.fault_matrix``: run the matrix, print what was tried and what was wrong; exit 1 if anything was."""

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

from .matrix import WIRES, Tally, find_scenario, run_scenario
from .scenarios import SCENARIOS
from .stage import Stage

_STACK = ExitStack()  # of a worker; its stages live as long as it does
Order = tuple[int, str, str, dict[str, Any]]


@lru_cache(maxsize=2)
def _stage(version: int) -> Stage:
    return _STACK.enter_context(Stage(version))


def _carry_out(order: Order) -> Tally:
    version, form, name, settings = order
    return run_scenario(_stage(version), find_scenario(name), form, **settings)


def _end_warnings() -> None:
    """Keep Ansible from printing the lookup's warnings, of which there are many."""
    Display.warning = lambda *_given, **_settings: None


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(prog="python -m generated.fault_matrix", description="The fault matrix.")
    parser.add_argument("--version", type=int, choices=(12, 13), help="only this server version")
    parser.add_argument("--format", choices=("json", "xml"), help="only this format")
    parser.add_argument("--scenario", default="", metavar="NAME", help="only scenarios whose module or name holds this")
    parser.add_argument("--only", default="", metavar="CASE", help="only cases whose name begins so, as a wrong one is listed")
    parser.add_argument("--thorough", action="store_true", help="every status with every kind of body, at every request")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: one case of so many")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), metavar="N", help="processes, default 2")
    parser.add_argument("--list", action="store_true", help="print the scenarios and end")
    given = parser.parse_args(arguments)
    chosen = [one for one in SCENARIOS if given.scenario in one.name or given.scenario in one.group]
    if given.list:
        print("\n".join(f"{one.group:25} {one.name}" for one in chosen))
        return 0
    orders: list[Order] = []
    for number, one in enumerate(chosen):
        for version, form in WIRES:
            name = f"{version}-{form}/{one.name}"
            matches_filters = not given.only or given.only.startswith(f"{name}/") or name.startswith(given.only)
            if matches_filters and given.version in (None, version) and given.format in (None, form):
                settings = {"thorough": given.thorough, "only": given.only, "every": given.every, "offset": number}
                orders.append((version, form, one.name, settings))
    began = time.monotonic()
    tallies = []
    for tally in _run(orders, given.jobs):
        tallies.append(tally)
        print(f"{len(tallies)}/{len(orders)} {tally.wire}/{tally.scenario}: {tally.cases} cases", file=sys.stderr, flush=True)
        for case, said in tally.wrong:
            print(f"WRONG {case}: {said[0][:200]}", file=sys.stderr, flush=True)
    print_table(tallies, time.monotonic() - began)
    return int(any(tally.wrong for tally in tallies) or not tallies)


def _run(orders: list[Order], jobs: int) -> Iterator[Tally]:
    if jobs < 2 or len(orders) < 2:
        _end_warnings()
        with _STACK:
            for order in orders:
                yield _carry_out(order)
        _stage.cache_clear()
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_warnings) as pool:
        yield from pool.map(_carry_out, orders)


def print_table(tallies: Iterable[Tally], seconds: float) -> None:
    """Print a line for each module, the sum, what own sessions were left open for, and each wrong case."""
    tallies = list(tallies)
    row = "{:22} {:>9} {:>9} {:>7} {:>8} {:>9} {:>6}"
    print(row.format("module", "scenarios", "requests", "faults", "cases", "failures", "wrong"))
    groups = list(dict.fromkeys(tally.group for tally in tallies))
    for group in [*groups, "all"]:
        mine = [tally for tally in tallies if group in (tally.group, "all")]
        failures = sum(tally.endings.total() - tally.endings["result"] for tally in mine)
        wires = {tally.wire for tally in mine}
        print(
            row.format(
                group,
                len({tally.scenario for tally in mine}),
                sum(tally.requests for tally in mine),
                max((tally.faults for tally in mine), default=0),
                sum(tally.cases for tally in mine),
                failures,
                sum(len(tally.wrong) for tally in mine),
            )
        )
    wires = sorted({tally.wire for tally in tallies})
    print(f"\nwires: {', '.join(wires)} (server version and format); {seconds:.0f} seconds")
    endings: Counter[str] = sum((tally.endings for tally in tallies), Counter())
    print("endings: " + ", ".join(f"{kind} {number}" for kind, number in endings.most_common()))
    excused: Counter[str] = sum((tally.excused for tally in tallies), Counter())
    for why, number in excused.items():
        print(f"own sessions left to end by themselves: {number}, as {why}")
    for tally in tallies:
        for case, said in tally.wrong:
            print(f"\nWRONG {case}\n  " + "\n  ".join(said))
    print(f"\ncases tried: {sum(tally.cases for tally in tallies)}, cases wrong: {sum(len(tally.wrong) for tally in tallies)}")
    if any(tally.wrong for tally in tallies):
        print("Run one alone with: python -m generated.fault_matrix --only NAME")
