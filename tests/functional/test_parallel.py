# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removals from a far server go over several connections, with the same outcomes. The clock is the real one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client import parallel
from ansible_collections.vbem.rest.plugins.module_utils._em.client.parallel import MAX_CONNECTIONS, WARMUP_REQUESTS
from emulator import Emulator

from .harness import Harness, all_versions

COUNT = 30
LATENCY_MS = 25.0
REAL_CLOCK: dict[str, Any] = {"clock": time.monotonic}


@pytest.fixture
def session(em: Emulator) -> Any:
    """Return a logon session with tasks on a far server."""
    session = em.logon()
    em.make_tasks(session, COUNT)
    em.switches.latency_ms = LATENCY_MS
    return session


def list_ids(em: Emulator, session: Any) -> list[str]:
    return [task_id for task_id, _state in em.tasks(session)]


def count_connections(em: Emulator) -> int:
    return len({entry.connection for entry in em.requests("DELETE", "^/api/tasks/")})


@all_versions
def test_a_far_server_gets_several_connections(harness: Harness, em: Emulator, session: Any) -> None:
    before = list_ids(em, session)
    result = harness.remove(session, task_state=["Finished"], options=REAL_CLOCK)
    assert sorted(result["deleted"]) == sorted(harness.deletions()) == sorted(before), "each once"
    assert result["errors"] == []
    assert list_ids(em, session) == []
    assert count_connections(em) == MAX_CONNECTIONS
    assert harness.client is not None
    assert harness.client.requests == COUNT + 1


def test_a_near_server_gets_one(harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SLOW_SERVER_SECONDS", 60.0)  # on a machine of any speed
    session = em.logon()
    em.make_tasks(session, COUNT)
    harness.remove(session, task_state=["Finished"], options=REAL_CLOCK)
    assert count_connections(em) == 1


def test_an_own_session_is_shared_and_logged_off_once(harness: Harness, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), COUNT)
    em.switches.latency_ms = LATENCY_MS
    sessions = list(em.sessions)
    assert len(harness.remove(task_state=["Finished"], options=REAL_CLOCK)["deleted"]) == COUNT
    assert count_connections(em) == MAX_CONNECTIONS
    assert len(harness.logons()) == len(harness.logoffs()) == 1
    assert em.sessions == sessions


def test_a_lost_session_ends_all_workers(harness: Harness, em: Emulator, session: Any) -> None:
    em.fault("expire", method="DELETE", path="/tasks/", skip=WARMUP_REQUESTS + 6, times=1)
    with harness.failure("session_lost") as caught:
        harness.remove(session, task_state=["Finished"], options=REAL_CLOCK)
    requested = len(harness.deletions())
    assert WARMUP_REQUESTS + 6 < requested <= WARMUP_REQUESTS + 6 + 2 * MAX_CONNECTIONS
    outcomes = [*caught.result["deleted"], *(error["task_id"] for error in caught.result["errors"])]
    assert len(outcomes) == len(set(outcomes)) == COUNT
    assert sum("session was lost" in error["msg"] for error in caught.result["errors"]) == COUNT - requested


def test_removals_without_an_answer_are_checked(harness: Harness, em: Emulator, session: Any) -> None:
    em.fault("reset", method="DELETE", path="/tasks/", when="after", skip=WARMUP_REQUESTS + 3, times=1)
    em.fault("reset", method="DELETE", path="/tasks/", when="before", skip=WARMUP_REQUESTS + 9, times=1)
    with harness.failure("partial") as caught:
        harness.remove(session, task_state=["Finished"], options=REAL_CLOCK)
    assert len(caught.result["deleted"]) == COUNT - 1
    assert [error["task_id"] for error in caught.result["errors"]] == list_ids(em, session)
    assert len(harness.deletions()) == len(set(harness.deletions())) == COUNT
