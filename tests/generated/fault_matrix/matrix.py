# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the run of a scenario without a fault, injects every fault into each of its requests, and counts the outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from functional.drivers import Scenario, load_scenarios
from functional.drivers.observation import Observation

from .fault_harness import FaultHarness
from .faults import InjectedFault, iter_injected_faults
from .rules import ACCEPTED_REASONS, RETURNED, explain_open_session, judge

SCENARIOS = load_scenarios()
COMBINATIONS = tuple(product((12, 13), ("json", "xml")))  # of server version and response_format


@dataclass
class Summary:
    """The cases of one scenario with one combination of version and format."""

    group: str
    scenario: str
    combination: str
    requests: int = 0
    faults: int = 0
    cases: int = 0
    endings: Counter[str] = field(default_factory=Counter)  # result, or the kind of the failure
    accepted: Counter[str] = field(default_factory=Counter)  # own sessions that stayed open, by the reason
    wrong: list[tuple[str, list[str]]] = field(default_factory=list)
    healthy: Any = None  # what the run without a fault showed


def find_scenario(name: str) -> Scenario:
    """Return the scenario of this name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


FEW_REQUESTS = 8  # a scenario that sends twice or three times as many has a sample that much smaller


def run_scenario(
    harness: FaultHarness,
    scenario: Scenario,
    response_format: str,
    *,
    thorough: bool = False,
    only: str = "",
    every: int = 1,
    offset: int = 0,
    choose: Callable[[list[InjectedFault]], list[InjectedFault]] | None = None,
    twice: bool = True,
) -> Summary:
    """Run a scenario without a fault, and then with every fault at every request.

    ``only`` is the beginning of the names of the cases to run; ``every`` runs a sample of one case of so many, and at least one,
    or fewer of a scenario with many requests; ``choose`` returns the faults to inject. ``twice`` compares two runs without a fault.
    """
    combination = f"{harness.em.switches.version}-{response_format}"
    summary = Summary(scenario.group, scenario.name, combination)
    name = f"{combination}/{scenario.name}"
    healthy = harness.run(scenario, response_format)
    summary.healthy = healthy.shown
    wrong = judge(healthy, healthy, scenario)  # before the emulator is reset
    again = harness.run(scenario, response_format) if twice else healthy
    methods = [entry.method for entry in healthy.log]
    if [entry.method for entry in again.log] != methods or _get_ending(again) != _get_ending(healthy):
        wrong.append("two runs without a fault differ")
    summary.cases, summary.requests = 1, len(methods)
    summary.endings[_get_ending(healthy)] += 1
    if wrong:
        summary.wrong.append((f"{name}/healthy", wrong))
        return summary
    injected_faults = list(iter_injected_faults(methods, thorough=thorough))
    summary.faults = len({injected.fault.name for injected in injected_faults})
    if choose is not None:
        injected_faults = choose(injected_faults)
    if every > 1:
        every *= max(1, len(methods) // FEW_REQUESTS)  # of many requests, most are handled by the same code
    every = min(every, len(injected_faults) or 1)
    for number, injected in enumerate(injected_faults):
        case = f"{name}/{injected.name}"
        if (number + offset) % every or not case.startswith(only):
            continue
        observed = harness.run(scenario, response_format, injected)
        _add_case(summary, case, observed, judge(observed, healthy, scenario))
    return summary


def _add_case(summary: Summary, case: str, observed: Observation, wrong: list[str]) -> None:
    summary.cases += 1
    summary.endings[_get_ending(observed)] += 1
    for session in observed.opened:
        reason = explain_open_session(observed, session)
        if reason in ACCEPTED_REASONS and reason != RETURNED:
            summary.accepted[reason] += 1
    if wrong:
        summary.wrong.append((case, [*wrong, *_describe(observed)]))


def _get_ending(observed: Observation) -> str:
    return "crash" if observed.crash else "result" if observed.failure is None else str(observed.error.get("kind"))


def _describe(observed: Observation) -> Iterator[str]:
    """Yield what helps to understand a wrong case, without secrets."""
    yield f"  outcome: {_get_ending(observed)}: {str(observed.shown.get('msg', ''))[:300]}"
    for entry in observed.log:
        path = "/api/logonSessions/(hidden)" if "logonSessions" in entry.path else entry.target[:110]
        yield f"  {entry.method} {path} -> {entry.status}{f' [{entry.fault}]' if entry.fault else ''}"
