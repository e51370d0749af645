# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix as tests: a sample of every scenario on every wire; and proof that the matrix can fail.

``python -m generated.fault_matrix`` runs all cases. Here is one of a few, another one for each scenario, so that each module meets each
fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em.client import client as _client
from ansible_collections.vbem.rest.plugins.module_utils._em.client import session as _session
from ansible_collections.vbem.rest.plugins.module_utils._em.client import status as _status
from ansible_collections.vbem.rest.plugins.module_utils._em.client import transport as _http
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import task_removal as _task_removal
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import task_wait as _task_wait

from .catalogue import Doom, Fault, iter_dooms, iter_faults
from .matrix import WIRES, Tally, find_scenario, run_scenario
from .scenarios import SCENARIOS
from .stage import Stage

# One case of so many. Primes, so that no fault is left out at every request.
FULLEST = (13, "json")
EVERY = {wire: 127 if wire == FULLEST else 641 for wire in WIRES}
GROUPS = sorted({scenario.group for scenario in SCENARIOS})


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[int, Stage]]:
    """Give a stage for each server version."""
    with Stage(12) as twelve, Stage(13) as thirteen:
        yield {12: twelve, 13: thirteen}


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Ansible from printing the lookup's warnings."""
    monkeypatch.setattr(Display, "warning", lambda *_given, **_settings: None)


def explain(tally: Tally) -> str:
    return "\n".join(line for case, said in tally.wrong for line in (case, *(f"  {one}" for one in said)))


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: f"{wire[0]}-{wire[1]}")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_fault_is_never_taken_for_an_answer(stages: dict[int, Stage], wire: tuple[int, str], scenario: Any) -> None:
    version, form = wire
    number = SCENARIOS.index(scenario)
    tally = run_scenario(stages[version], scenario, form, every=EVERY[wire], offset=number)
    assert tally.cases > 1
    assert not tally.wrong, explain(tally)


def test_every_fault_is_tried_at_every_request() -> None:
    """Also the least of the matrix: nobody thins it out without noticing."""
    dooms = list(iter_dooms(["POST", "GET", "DELETE"], thorough=False))
    for index in range(3):
        mine = {doom.fault.name for doom in dooms if doom.index == index}
        expected = {fault.name for fault in iter_faults(index, thorough=False) if index != 1 or not fault.for_writes}
        assert mine == expected
        assert len(mine) >= 38
    assert {doom.mode for doom in dooms} == {"once", "tries", "on"}


# The matrix can fail: with these slips in the product it has to find something wrong.


def _spoil_401(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a lost session for a task that is gone."""
    monkeypatch.setattr(_task_removal, "is_task_not_found", lambda err: err.status in (401, 404, 500))


def _spoil_logoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not log off after a failure."""
    close = _client.Client.__exit__

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> None:
        self.owns_session = self.owns_session and kind is None
        close(self, kind, error, trace)

    monkeypatch.setattr(_client.Client, "__exit__", leave)


def _spoil_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat writes, too."""
    monkeypatch.setattr(_http, "is_retryable", lambda _method, err: err.kind in ("connection", "timeout"))


def _spoil_logon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log on anew where a session is lost."""
    ask = _client.Client._request

    def stubborn(self: Any, method: str, path: str) -> Any:
        try:
            return ask(self, method, path)
        except EmError as err:
            if err.kind != "session_lost" or not self.connection.password:
                raise
            self._session = None
            return ask(self, method, path)

    monkeypatch.setattr(_client.Client, "_request", stubborn)


def _spoil_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take an answer that is no list for an empty one."""
    read = _client.read_page

    def lenient(document: Any, list_path: Any) -> Any:
        try:
            return read(document, list_path)
        except EmError:
            return [], {"page_num": 1}

    monkeypatch.setattr(_client, "read_page", lenient)


def _spoil_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow redirects."""
    open_session = _http.Transport._open

    def opened(self: Any) -> Any:
        requests = open_session(self)
        if not hasattr(self._session, "spoilt"):
            self._session.spoilt = True
            self._session.get_redirect_target = requests.Session().get_redirect_target
            send = self._session.request
            self._session.request = lambda *given, **settings: send(*given, **{**settings, "allow_redirects": True})
        return requests

    monkeypatch.setattr(_http.Transport, "_open", opened)


def _spoil_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a task that is not listed for one that is finished."""
    find = _task_wait.find_tasks

    def found(client: Any, selection: Any, **settings: Any) -> Any:
        try:
            return find(client, selection, **settings)
        except EmError:
            return _task_wait.Found([], [], 0)

    monkeypatch.setattr(_task_wait, "find_tasks", found)


def _spoil_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the session in messages about its log-off."""
    log_off = _session.log_off

    def told(transport: Any, session: Any) -> bool:
        try:
            return log_off(transport, session)
        except EmError as err:
            err.msg += f" ({session.id})"
            raise

    monkeypatch.setattr(_client, "log_off", told)


def _spoil_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something through that is no failure of ours."""

    def broken(*_given: Any) -> Any:
        raise KeyError("status")

    monkeypatch.setattr(_status, "_read_host", broken)


SLIPS = [
    (_spoil_401, "absent-ids", "500-", "still there"),
    (_spoil_logoff, "tasks-own", "html", "stays open"),
    (_spoil_writes, "start-task-borrowed", "reset-after", "was sent 2 times"),
    (_spoil_logon, "jobs-name", "expire-before", "logged on 2 times"),
    (_spoil_pages, "tasks-pages", "garbage", "not what it is without a fault"),
    (_spoil_redirects, "tasks-pages", "redirect", "foreign host"),
    (_spoil_waiting, "finished", "500-", "absent without any answer"),
    (_spoil_secrets, "tasks-own", "500-", "session id shows"),
    (_spoil_failures, "jobs-none", "redirect", "a traceback"),
]


@pytest.mark.parametrize(("slip", "name", "fault", "said"), SLIPS, ids=[slip.__name__ for slip, *_rest in SLIPS])
def test_the_matrix_finds_slips(  # noqa: PLR0917 - fixtures and parameters
    stages: dict[int, Stage], monkeypatch: pytest.MonkeyPatch, slip: Any, name: str, fault: str, said: str
) -> None:
    def chosen(requests: list[str], *, thorough: bool) -> Iterator[Doom]:
        return (doom for doom in iter_dooms(requests, thorough=thorough) if doom.fault.name.startswith(fault))

    monkeypatch.setattr("generated.fault_matrix.matrix.iter_dooms", chosen)
    sound = run_scenario(stages[13], find_scenario(name), "json")
    assert sound.cases > 1
    assert not sound.wrong, explain(sound)
    slip(monkeypatch)
    assert said in explain(run_scenario(stages[13], find_scenario(name), "json"))


def test_a_case_is_named_and_runs_alone(stages: dict[int, Stage]) -> None:
    tally = run_scenario(stages[13], find_scenario("tasks-own"), "json", only="13-json/tasks-own/1/expire-before/once")
    assert tally.cases == 2  # with the healthy one
    assert tally.endings == {"result": 1, "session_lost": 1}


# Each of these was wrong when the matrix was first run.
FOUND = [
    ("session-refresh-gone", "0/garbage/once"),  # any JSON was taken for proof that a session is alive
    ("absent-ids", "2/404-xml/once"),  # any 404 with a message was taken for a task that is gone
    ("start-and-schedule", "3/404-json/once"),  # the same, while its end was waited for
    ("schedule-off", "6/blank/once"),  # any 2xx was taken for the removal of the task
]


@pytest.mark.parametrize(("name", "doom"), FOUND, ids=[f"{name}-{doom}" for name, doom in FOUND])
def test_what_was_wrong_once_stays_right(stages: dict[int, Stage], name: str, doom: str) -> None:
    tally = run_scenario(stages[13], find_scenario(name), "json", only=f"13-json/{name}/{doom}")
    assert tally.cases == 2
    assert not tally.wrong, explain(tally)


def test_a_fault_that_befalls_nothing_is_noticed(stages: dict[int, Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    late = Doom(Fault("html", (("effect", "html"),)), 40, "once")
    monkeypatch.setattr("generated.fault_matrix.matrix.iter_dooms", lambda *_given, **_settings: iter([late]))
    tally = run_scenario(stages[13], find_scenario("tasks-own"), "json")
    assert "befell nothing" in explain(tally)
