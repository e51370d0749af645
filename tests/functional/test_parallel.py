# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removals over a few connections at once, where the server is far: the same outcomes, and never more than was asked."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client import parallel as _crew
from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.client.parallel import (
    MAX_CONNECTIONS,
    MIN_PARALLEL_ITEMS,
    WARMUP_REQUESTS,
    Next,
    run_parallel,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_removal import remove_tasks
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import create_selection, find_tasks
from emulator import Emulator

from .harness import Harness, all_versions

COUNT = 30
FAR_MS = 25.0
REAL: dict[str, Any] = {"clock": time.monotonic}


@pytest.fixture
def far(em: Emulator) -> Any:
    """Give a session with tasks on a server that is far away."""
    session = em.logon()
    em.make_tasks(session, COUNT)
    em.switches.latency_ms = FAR_MS
    return session


def _ids(em: Emulator, session: Any) -> list[str]:
    return [task_id for task_id, _state in em.tasks(session)]


def _connections(em: Emulator) -> set[Any]:
    return {entry.connection for entry in em.requests("DELETE", "^/api/tasks/")}


@all_versions
def test_a_far_server_gets_a_few_connections(harness: Harness, em: Emulator, far: Any) -> None:
    before = _ids(em, far)
    result = harness.remove(far, task_state=["Finished"], options=dict(REAL))
    assert sorted(result["deleted"]) == sorted(before)
    assert result["errors"] == []
    assert sorted(harness.deletions()) == sorted(before)  # each once
    assert len(_connections(em)) == MAX_CONNECTIONS
    assert _ids(em, far) == []
    assert harness.client is not None
    assert harness.client.requests == COUNT + 1


def test_a_near_server_gets_one(harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_crew, "SLOW_SERVER_SECONDS", 5.0)  # however busy the machine is that runs this
    session = em.logon()
    em.make_tasks(session, COUNT)
    harness.remove(session, task_state=["Finished"], options=dict(REAL))
    assert len(_connections(em)) == 1


def test_few_tasks_get_one(harness: Harness, em: Emulator, far: Any) -> None:
    ids = _ids(em, far)[: WARMUP_REQUESTS + MIN_PARALLEL_ITEMS - 1]
    assert len(harness.remove(far, task_id=ids, options=dict(REAL))["deleted"]) == len(ids)
    assert len(_connections(em)) == 1


def test_an_own_session_is_shared_and_logged_off_once(harness: Harness, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), COUNT)
    em.switches.latency_ms = FAR_MS
    open_before = len(em.sessions)
    assert len(harness.remove(task_state=["Finished"], options=dict(REAL))["deleted"]) == COUNT
    assert len(_connections(em)) == MAX_CONNECTIONS
    assert len(harness.logons()) == len(harness.logoffs()) == 1
    assert len(em.sessions) == open_before


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_means_one_connection_again(harness: Harness, em: Emulator, far: Any, status: int) -> None:
    em.fault("status", status=status, method="DELETE", path="/tasks/", skip=WARMUP_REQUESTS + 4, times=1)
    with harness.failure("partial") as caught:
        harness.remove(far, task_state=["Finished"], options=dict(REAL))
    assert len(caught.result["deleted"]) == COUNT - 1
    assert len(caught.result["errors"]) == 1
    assert _ids(em, far) == [caught.result["errors"][0]["task_id"]]
    assert len(harness.deletions()) == COUNT
    last = [entry.connection for entry in em.requests("DELETE", "^/api/tasks/")][
        -(COUNT - WARMUP_REQUESTS - 4 - 2 * MAX_CONNECTIONS) :
    ]
    assert len(set(last)) == 1


def test_a_lost_session_ends_all(harness: Harness, em: Emulator, far: Any) -> None:
    em.fault("expire", method="DELETE", path="/tasks/", skip=WARMUP_REQUESTS + 6, times=1)
    with harness.failure("session_lost") as caught:
        harness.remove(far, task_state=["Finished"], options=dict(REAL))
    asked = len(harness.deletions())
    assert WARMUP_REQUESTS + 6 < asked <= WARMUP_REQUESTS + 6 + 2 * MAX_CONNECTIONS
    told = {*caught.result["deleted"], *(error["task_id"] for error in caught.result["errors"])}
    assert len(told) == COUNT
    assert len(caught.result["deleted"]) <= WARMUP_REQUESTS + 6 + 2 * MAX_CONNECTIONS
    assert sum("session was lost" in error["msg"] for error in caught.result["errors"]) == COUNT - asked


def test_removals_without_an_answer_are_looked_up(harness: Harness, em: Emulator, far: Any) -> None:
    em.fault("reset", method="DELETE", path="/tasks/", when="after", skip=WARMUP_REQUESTS + 3, times=1)
    em.fault("reset", method="DELETE", path="/tasks/", when="before", skip=WARMUP_REQUESTS + 9, times=1)
    with harness.failure("partial") as caught:
        harness.remove(far, task_state=["Finished"], options=dict(REAL))
    assert len(caught.result["deleted"]) == COUNT - 1
    assert [error["task_id"] for error in caught.result["errors"]] == _ids(em, far)
    assert len(harness.deletions()) == len(set(harness.deletions())) == COUNT


def test_a_silent_server_is_left_alone(harness: Harness, em: Emulator, far: Any) -> None:
    em.fault("close", method="DELETE", path="/tasks/", skip=WARMUP_REQUESTS, times=None)
    with harness.failure("partial") as caught:
        harness.remove(far, task_state=["Finished"], options=dict(REAL))
    assert len(harness.deletions()) <= WARMUP_REQUESTS + 3 + 2 * MAX_CONNECTIONS
    assert len(caught.result["deleted"]) == WARMUP_REQUESTS
    assert len(caught.result["errors"]) == COUNT - WARMUP_REQUESTS
    assert any("Not tried" in error["msg"] for error in caught.result["errors"])


def _work_off_with(harness: Harness, work: Any) -> None:
    client = harness.connect(harness.em.logon())
    ticks = iter(range(10_000))
    client.clock = lambda: float(next(ticks))  # every request seems to take a second
    run_parallel(client, deque(str(number) for number in range(COUNT)), work)


def test_a_slip_in_one_thread_is_raised_in_the_callers(harness: Harness) -> None:
    done: list[str] = []

    def work(_client: Client, item: str) -> Next:
        if threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError
        done.append(item)
        return Next.CONTINUE

    with pytest.raises(ZeroDivisionError):
        _work_off_with(harness, work)
    assert len(done) < COUNT
    assert threading.active_count() <= 2 + len([thread for thread in threading.enumerate() if thread.daemon])


def test_an_interruption_waits_for_what_was_begun(harness: Harness) -> None:
    begun: list[str] = []
    ended: list[str] = []
    others = threading.Barrier(MAX_CONNECTIONS, timeout=20)

    def work(client: Client, item: str) -> Next:
        begun.append(item)
        if len(begun) > WARMUP_REQUESTS:
            others.wait()  # all are at work
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            client.sleep(0)
        ended.append(item)
        return Next.CONTINUE if len(begun) <= WARMUP_REQUESTS else Next.STOP

    with pytest.raises(KeyboardInterrupt):
        _work_off_with(harness, work)
    assert len(begun) == WARMUP_REQUESTS + MAX_CONNECTIONS
    assert len(ended) == len(begun) - 1


@pytest.mark.parametrize("latency", [0.0, FAR_MS])
def test_a_removal_ends_when_nobody_waits_for_it_any_more(harness: Harness, em: Emulator, latency: float) -> None:
    session = em.logon()
    em.make_tasks(session, COUNT)
    em.switches.latency_ms = latency
    client = harness.connect(session, **REAL)

    def leave() -> None:
        if len(harness.deletions()) >= 12:
            raise KeyboardInterrupt

    client.check_cancelled = leave
    selection = create_selection({**dict.fromkeys(("task_id", "operation", "success", "filter")), "task_state": ["Finished"]})
    tasks = find_tasks(client, selection).tasks
    with pytest.raises(KeyboardInterrupt):
        remove_tasks(client, tasks, tasks, [])
    assert 12 <= len(harness.deletions()) < 12 + 2 * MAX_CONNECTIONS


def test_where_no_thread_can_be_had_one_connection_does(
    harness: Harness, em: Emulator, far: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    before = _ids(em, far)
    monkeypatch.setattr(_crew.threading.Thread, "start", refuse)
    assert sorted(harness.remove(far, task_state=["Finished"], options=dict(REAL))["deleted"]) == sorted(before)
    assert len(_connections(em)) == 1
