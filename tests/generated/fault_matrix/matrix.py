# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recording, generating, running, counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from .catalogue import Doom, iter_dooms
from .rules import EXCUSES, HANDED_OVER, judge, left_open
from .scenarios import SCENARIOS, Scenario
from .stage import Evidence, Stage

WIRES = tuple(product((12, 13), ("json", "xml")))


@dataclass
class Tally:
    """What was tried of one scenario on one wire."""

    group: str
    scenario: str
    wire: str
    requests: int = 0
    faults: int = 0
    cases: int = 0
    endings: Counter[str] = field(default_factory=Counter)  # result, or the kind of the failure
    excused: Counter[str] = field(default_factory=Counter)  # own sessions that stayed open, by the reason
    wrong: list[tuple[str, list[str]]] = field(default_factory=list)


def find_scenario(name: str) -> Scenario:
    """Give the scenario of this name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def run_scenario(
    stage: Stage, scenario: Scenario, form: str, *, thorough: bool = False, only: str = "", every: int = 1, offset: int = 0
) -> Tally:
    """Record a scenario's healthy run and run it with every fault at every request.

    ``only`` is the beginning of the names of the cases that are wanted; ``every`` takes one of so many, for a sample, and one
    in any case.
    """
    wire = f"{stage.em.switches.version}-{form}"
    tally = Tally(scenario.group, scenario.name, wire)
    name = f"{wire}/{scenario.name}"
    healthy = stage.play(scenario, form)
    wrong = judge(healthy, healthy, scenario.topic)  # before the stage is cleared
    again = stage.play(scenario, form)
    methods = [entry.method for entry in healthy.log]
    if [entry.method for entry in again.log] != methods or _kind(again) != _kind(healthy):
        wrong.append("two healthy runs are not alike")
    tally.cases, tally.requests = 1, len(methods)
    tally.endings[_kind(healthy)] += 1
    if wrong:
        tally.wrong.append((f"{name}/healthy", wrong))
        return tally
    dooms = list(iter_dooms(methods, thorough=thorough))
    tally.faults = len({doom.fault.name for doom in dooms})
    every = min(every, len(dooms) or 1)
    for number, doom in enumerate(dooms):
        case = f"{name}/{doom.name}"
        if (number + offset) % every or not case.startswith(only):
            continue
        _run_case(stage, scenario, form, doom, healthy, tally, case)
    return tally


def _run_case(  # noqa: PLR0917 - what a case is made of
    stage: Stage, scenario: Scenario, form: str, doom: Doom, healthy: Evidence, tally: Tally, case: str
) -> None:
    evidence = stage.play(scenario, form, doom)
    wrong = judge(evidence, healthy, scenario.topic)
    tally.cases += 1
    tally.endings[_kind(evidence)] += 1
    for session in evidence.made:
        why = left_open(evidence, session)
        if why in EXCUSES and why != HANDED_OVER:
            tally.excused[why] += 1
    if wrong:
        tally.wrong.append((case, [*wrong, *_describe(evidence)]))


def _kind(evidence: Evidence) -> str:
    return "crash" if evidence.crash else "result" if evidence.failure is None else str(evidence.error.get("kind"))


def _describe(evidence: Evidence) -> Iterator[str]:
    """Yield what helps to understand a wrong case; nothing secret."""
    said: Any = evidence.failure or evidence.result
    yield f"  outcome: {_kind(evidence)}: {str((said or {}).get('msg', ''))[:300]}"
    for entry in evidence.log:
        path = "/api/logonSessions/(hidden)" if "logonSessions" in entry.path else entry.target[:110]
        yield f"  {entry.method} {path} -> {entry.status}{f' [{entry.fault}]' if entry.fault else ''}"
