# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of the fault matrix: every scenario with two versions and formats, or all; and proof that the matrix can fail.

``python -m generated.fault_matrix`` runs all cases. Here each scenario meets a few faults, others than the scenario before: the
faults take turns.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from zlib import crc32

import pytest
from ansible.utils.display import Display
from support.tiers import IS_THOROUGH

from ansible_collections.vbem.rest.plugins.module_utils._em.client import client as em_client
from ansible_collections.vbem.rest.plugins.module_utils._em.client import session as em_session
from ansible_collections.vbem.rest.plugins.module_utils._em.client import status as em_status
from ansible_collections.vbem.rest.plugins.module_utils._em.client import transport as em_transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import task_removal, task_wait

from .fault_harness import FaultHarness
from .faults import BODIES, Fault, InjectedFault, iter_faults, iter_injected_faults
from .matrix import COMBINATIONS, SCENARIOS, Summary, find_scenario, run_scenario

MAIN_COMBINATION = (13, "json")
CASES = {combination: 3 if combination == MAIN_COMBINATION else 1 for combination in COMBINATIONS}
MANY_REQUESTS = 12  # a scenario that sends more meets one fault
# Every fault in every mode, in an order in which those that follow each other have little in common.
FAULTS = sorted(
    {(one.fault.name, one.mode) for one in iter_injected_faults(["POST", "GET"] * len(BODIES), thorough=False)},
    key=lambda fault: crc32("/".join(fault).encode()),
)


@pytest.fixture(scope="module")
def harnesses() -> Iterator[dict[int, FaultHarness]]:
    """Return a harness for each server version."""
    with FaultHarness(12) as twelve, FaultHarness(13) as thirteen:
        yield {12: twelve, 13: thirteen}


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Ansible from printing the warnings of lookups."""
    monkeypatch.setattr(Display, "warning", lambda *_arguments, **_settings: None)


def explain(summary: Summary) -> str:
    return "\n".join(line for case, problems in summary.wrong for line in (case, *(f"  {one}" for one in problems)))


def normalise(result: dict[str, Any], harness: FaultHarness) -> str:
    """Return a result without what differs with each run: ids, ports, and the precision of dates."""
    shown = {key: value for key, value in result.items() if key != "session"}
    text = json.dumps(shown, sort_keys=True).replace(str(harness.em.port), "PORT")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "GUID", text)
    return re.sub(r"(:\d\d)\.\d+Z", r"\1Z", text)


def choose_combinations(number: int) -> list[tuple[int, str]]:
    """Return the main combination and another one in turn; all where every case is to run."""
    others = [combination for combination in COMBINATIONS if combination != MAIN_COMBINATION]
    return [MAIN_COMBINATION, *(others if IS_THOROUGH else [others[number % len(others)]])]


def choose_faults(injected_faults: list[InjectedFault], number: int, combination: tuple[int, str]) -> list[InjectedFault]:
    """Return the faults for the scenario of this number: those whose turn it is, each at another request than the time before."""
    begin = number * CASES[combination] + COMBINATIONS.index(combination) * len(FAULTS) // 2
    is_long = len({one.index for one in injected_faults}) > MANY_REQUESTS
    where = defaultdict(list)
    for one in injected_faults:
        where[one.fault.name, one.mode].append(one)
    turns = [where[FAULTS[turn % len(FAULTS)]] for turn in range(begin, begin + len(FAULTS))]
    return [places[number % len(places)] for places in turns if places][: 1 if is_long else CASES[combination]]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_is_never_taken_for_an_answer(harnesses: dict[int, FaultHarness], scenario: Any) -> None:
    number, results = SCENARIOS.index(scenario), set()
    for combination in choose_combinations(number):
        harness = harnesses[combination[0]]
        choose = partial(choose_faults, number=number, combination=combination)
        is_main = combination == MAIN_COMBINATION
        summary = run_scenario(harness, scenario, combination[1], choose=choose, twice=is_main or IS_THOROUGH)
        assert not summary.wrong, explain(summary)
        assert summary.cases > 1
        results.add(normalise(summary.healthy, harness))
    assert len(results) == 1 or scenario.varies, "the same result from every version and format"


def test_every_fault_is_injected_into_every_request() -> None:
    injected_faults = list(iter_injected_faults(["POST", "GET", "DELETE"], thorough=False))
    for index in range(3):
        mine = {injected.fault.name for injected in injected_faults if injected.index == index}
        expected = {fault.name for fault in iter_faults(index, thorough=False) if index != 1 or not fault.for_writes}
        assert mine == expected
        assert len(mine) >= 38
    assert {injected.mode for injected in injected_faults} == {"once", "attempts", "on"}


# The matrix can fail: with each of these sabotages of the product it has to find something wrong.


def _sabotage_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a lost session for an absent task."""
    monkeypatch.setattr(task_removal, "is_task_not_found", lambda err: err.status in (401, 404, 500))


def _sabotage_logoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not log off after a failure."""
    close = em_client.Client.__exit__

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> None:
        self.owns_session = self.owns_session and kind is None
        close(self, kind, error, trace)

    monkeypatch.setattr(em_client.Client, "__exit__", leave)


def _sabotage_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry writes as well."""
    monkeypatch.setattr(em_transport, "is_retryable", lambda _method, err: err.kind in ("connection", "timeout"))


def _sabotage_logon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log on again if a session is lost."""
    send = em_client.Client._request

    def request(self: Any, *arguments: Any, **settings: Any) -> Any:
        try:
            return send(self, *arguments, **settings)
        except EmError as err:
            if err.kind != "session_lost" or not self.connection.password:
                raise
            self.session = None
            return send(self, *arguments, **settings)

    monkeypatch.setattr(em_client.Client, "_request", request)


def _sabotage_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take an answer that is no list for an empty list."""
    read = em_client.read_page

    def lenient(document: Any, list_path: Any) -> Any:
        try:
            return read(document, list_path)
        except EmError:
            return [], {"page_num": 1}

    monkeypatch.setattr(em_client, "read_page", lenient)


def _sabotage_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow redirects."""
    open_session = em_transport.Transport._open

    def opened(self: Any) -> Any:
        requests = open_session(self)
        if not hasattr(self._session, "is_sabotaged"):
            self._session.is_sabotaged = True
            self._session.get_redirect_target = requests.Session().get_redirect_target
            send = self._session.request
            self._session.request = lambda *arguments, **settings: send(*arguments, **{**settings, "allow_redirects": True})
        return requests

    monkeypatch.setattr(em_transport.Transport, "_open", opened)


def _sabotage_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a failed list for an empty one."""
    find = task_wait.find_tasks

    def found(listing: Any, selection: Any, **settings: Any) -> Any:
        try:
            return find(listing, selection, **settings)
        except EmError:
            return task_wait.Found([], [])

    monkeypatch.setattr(task_wait, "find_tasks", found)


def _sabotage_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show the session's id in messages about its log-off."""
    log_off = em_session.log_off

    def log_off_openly(transport: Any, session: Any) -> bool:
        try:
            return log_off(transport, session)
        except EmError as err:
            err.msg += f" ({session.id})"
            raise

    monkeypatch.setattr(em_client, "log_off", log_off_openly)


def _sabotage_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise something else than an EmError."""

    def fail(*_arguments: Any) -> Any:
        raise KeyError("status")

    monkeypatch.setattr(em_status, "_get_host", fail)


SABOTAGES = [
    (_sabotage_absence, "absent-ids", "500-", "still there"),
    (_sabotage_logoff, "tasks-own", "html", "stays open"),
    (_sabotage_writes, "start-task-borrowed", "reset-after", "was sent 2 times"),
    (_sabotage_logon, "jobs-name", "expire-before", "logged on 2 times"),
    (_sabotage_pages, "tasks-pages", "garbage", "differs from the run without a fault"),
    (_sabotage_redirects, "tasks-pages", "redirect", "foreign host"),
    (_sabotage_wait, "finished", "500-", "absent without any answer"),
    (_sabotage_secrets, "tasks-own", "500-", "session id is shown"),
    (_sabotage_failures, "jobs-none", "redirect", "a traceback"),
]


@pytest.mark.parametrize(
    ("sabotage", "name", "fault", "problem"), SABOTAGES, ids=[sabotage.__name__ for sabotage, *_rest in SABOTAGES]
)
def test_the_matrix_finds_a_sabotage(  # noqa: PLR0917 - fixtures and parameters
    harnesses: dict[int, FaultHarness],
    monkeypatch: pytest.MonkeyPatch,
    sabotage: Callable[[pytest.MonkeyPatch], None],
    name: str,
    fault: str,
    problem: str,
) -> None:
    def choose(requests: list[str], *, thorough: bool) -> Iterator[InjectedFault]:
        return (one for one in iter_injected_faults(requests, thorough=thorough) if one.fault.name.startswith(fault))

    monkeypatch.setattr("generated.fault_matrix.matrix.iter_injected_faults", choose)
    sound = run_scenario(harnesses[13], find_scenario(name), "json")
    assert sound.cases > 1
    assert not sound.wrong, explain(sound)
    sabotage(monkeypatch)
    assert problem in explain(run_scenario(harnesses[13], find_scenario(name), "json"))


def test_a_case_can_be_run_by_its_name(harnesses: dict[int, FaultHarness]) -> None:
    summary = run_scenario(harnesses[13], find_scenario("tasks-own"), "json", only="13-json/tasks-own/1/expire-before/once")
    assert summary.cases == 2  # with the one without a fault
    assert summary.endings == {"result": 1, "session_lost": 1}


# Each of these was wrong when the matrix was first run.
FOUND = [
    ("session-refresh-gone", "0/garbage/once"),  # any JSON was taken for a sign that a session is alive
    ("absent-ids", "2/404-xml/once"),  # any 404 with a message was taken for an absent task
    ("start-and-schedule", "3/404-json/once"),  # the same, during a wait
    ("schedule-off", "6/blank/once"),  # any 2xx was taken for the removal of the task
]


@pytest.mark.parametrize(("name", "fault"), FOUND, ids=[f"{name}-{fault}" for name, fault in FOUND])
def test_a_case_that_was_wrong_once(harnesses: dict[int, FaultHarness], name: str, fault: str) -> None:
    summary = run_scenario(harnesses[13], find_scenario(name), "json", only=f"13-json/{name}/{fault}")
    assert summary.cases == 2
    assert not summary.wrong, explain(summary)


def test_a_fault_that_hits_no_request_is_noticed(harnesses: dict[int, FaultHarness], monkeypatch: pytest.MonkeyPatch) -> None:
    late = InjectedFault(Fault("html", (("effect", "html"),)), 40, "once")
    monkeypatch.setattr("generated.fault_matrix.matrix.iter_injected_faults", lambda *_arguments, **_settings: iter([late]))
    summary = run_scenario(harnesses[13], find_scenario("tasks-own"), "json")
    assert "hit no request" in explain(summary)
