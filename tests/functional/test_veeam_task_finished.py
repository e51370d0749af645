# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_task with state: finished: what is waited for, what is sent, and what ends the wait."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import RETRY_REFUSED_EVERY
from emulator import Emulator

from .harness import Harness, all_formats, all_versions, all_versions_and_formats


def _states(result: dict[str, Any]) -> list[tuple[str, str, bool | None]]:
    return [(task["task_id"], task["state"], task["success"]) for task in result["tasks"]]


# ---------------------------------------------------------------------------------------------------------------------
# Finished


@all_versions_and_formats
def test_a_wait_lasts_until_the_last_of_the_three_states(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=20, collecting_for=20, message="Done.")
    start = harness.clock()
    result = harness.wait(session, task_id=[made])
    assert _states(result) == [(made, "Finished", True)]
    assert result["tasks"][0]["message"] == "Done."
    assert result["changed"] is False
    assert 40 <= harness.clock() - start <= 51, "not at OperationFinished, nor long after the end"


@all_versions_and_formats
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "empty"])
def test_tasks_that_leave_the_selection_are_still_waited_for(harness: Harness, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session)
    made = [em.make_task(session, running_for=seconds) for seconds in (5, 50, 100)]
    result = harness.wait(session, task_state=["Running"])
    assert _states(result) == [(task_id, "Finished", True) for task_id in made]


def test_a_selection_without_tasks_needs_no_wait(harness: Harness, em: Emulator) -> None:
    assert harness.wait(em.logon(), operation=["NoSuchOperation"]) == {"changed": False, "tasks": []}
    assert harness.slept == []


@all_formats
def test_check_mode_does_not_wait(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=math.inf)
    result = harness.wait(session, task_id=[made], check_mode=True)
    assert _states(result) == [(made, "Running", None)]
    assert result["changed"] is False
    assert harness.slept == []
    assert len(em.log) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Not finished


@all_versions_and_formats
def test_a_task_that_stays_in_operation_finished_ends_as_wait_timeout(harness: Harness, em: Emulator) -> None:
    em.switches.operation_finished_forever = True
    session = em.logon()
    finished = em.make_task(session)
    stuck = em.make_task(session, running_for=5, collecting_for=5)
    start = harness.clock()
    with harness.failure("wait_timeout") as caught:
        harness.wait(session, task_id=[finished, stuck], wait_timeout=120)
    assert harness.clock() - start == pytest.approx(120)
    assert _states(caught.result) == [(finished, "Finished", True), (stuck, "OperationFinished", None)]
    assert stuck in caught.error.msg
    assert "OperationFinished" in caught.error.msg
    assert "120" in caught.error.msg


@all_versions_and_formats
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected"])
def test_a_task_that_vanishes_is_not_finished(harness: Harness, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    gone = em.make_task(session, running_for=math.inf)
    stays = em.make_task(session, running_for=100)

    def vanish() -> None:
        with em.locked() as backend:
            backend.find_session(session).tasks.remove(gone)

    harness.during_sleep(3, vanish)
    with harness.failure("not_found") as caught:
        harness.wait(session, task_state=["Running"])
    assert gone in caught.error.msg
    assert stays not in caught.error.msg
    assert _states(caught.result) == [(gone, "Running", None), (stays, "Finished", True)], "the others were waited for"


@all_versions_and_formats
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "empty"])
def test_a_named_task_that_does_not_exist(harness: Harness, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    made = em.make_task(session)
    with harness.failure("not_found") as caught:
        harness.wait(session, task_id=[made, "task-99", "task-98"])
    assert "task-99" in caught.error.msg
    assert "task-98" in caught.error.msg
    assert made not in caught.error.msg
    assert harness.slept == []


def test_a_task_of_another_session_is_not_found(harness: Harness, em: Emulator) -> None:
    made = em.make_task(em.logon())
    with harness.failure("not_found") as caught:
        harness.wait(task_id=[made])
    assert "vbem.rest.veeam_session" in caught.error.msg
    assert em.sessions[1:] == [], "logged off"


@all_versions_and_formats
def test_a_failed_task_fails_the_module(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    good = em.make_task(session, running_for=10)
    bad = em.make_task(session, "CloneJob", success=False, message="The disk is full.", running_for=5)
    with harness.failure("task_failed") as caught:
        harness.wait(session, task_id=[good, bad])
    assert "The disk is full." in caught.error.msg
    assert bad in caught.error.msg
    assert "CloneJob" in caught.error.msg
    assert caught.error.detail == "The disk is full."
    assert _states(caught.result) == [(good, "Finished", True), (bad, "Finished", False)], "all of them were waited for"


@all_formats
def test_fail_on_error_false_only_reports_a_failed_task(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    bad = em.make_task(session, success=False, message=None, running_for=5)
    result = harness.wait(session, task_id=[bad], fail_on_error=False)
    assert _states(result) == [(bad, "Finished", False)]
    assert result["tasks"][0]["message"] is None


# ---------------------------------------------------------------------------------------------------------------------
# Errors during the wait

FAULTS = [
    {"effect": "status", "status": 503, "retry_after": 7, "body": "html"},
    {"effect": "status", "status": 500, "body": "empty"},
    {"effect": "reset"},
    {"effect": "html"},
]


@all_formats
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: " ".join(map(str, fault.values())))
def test_transient_errors_are_retried(harness: Harness, em: Emulator, fault: dict[str, Any]) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=60)
    em.fault(path="/query", skip=2, times=12, **fault)
    result = harness.wait(session, task_id=[made])
    assert _states(result) == [(made, "Finished", True)]
    assert result["changed"] is False


@all_formats
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: " ".join(map(str, fault.values())))
def test_errors_that_last_end_with_wait_timeout_in_time(harness: Harness, em: Emulator, fault: dict[str, Any]) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=60)
    em.fault(path="/query", skip=2, times=None, **fault)
    start = harness.clock()
    with harness.failure("wait_timeout") as caught:
        harness.wait(session, task_id=[made], wait_timeout=100)
    assert harness.clock() - start == pytest.approx(100, abs=1.5), "retries end at the deadline"
    assert _states(caught.result) == [(made, "Running", None)]
    assert "The last poll failed" in caught.error.msg
    assert caught.error.detail


@all_versions_and_formats
def test_a_session_lost_during_the_wait_ends_it_at_once(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=500)
    harness.during_sleep(4, lambda: em.expire(session))
    with harness.failure("session_lost") as caught:
        harness.wait(session, task_id=[made], options={"username": "x", "password": "y"})
    assert len(harness.slept) == 4
    assert _states(caught.result) == [(made, "Running", None)]
    assert harness.logons() == []


@all_formats
def test_an_own_session_is_logged_off_after_a_timeout(harness: Harness, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_task(em.logon(), running_for=9999)
    em.switches.idle_timeout = 1e9
    with harness.failure("wait_timeout"):
        harness.wait(task_state=["Running"], wait_timeout=30)
    assert len(em.sessions) == 1
    assert len(harness.logoffs()) == 1
    assert harness.warnings == []


# ---------------------------------------------------------------------------------------------------------------------
# Polls


@all_formats
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "empty"])
def test_one_poll_is_one_query(harness: Harness, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    made = [em.make_task(session, running_for=10 + number) for number in range(20)]
    harness.wait(session, task_id=made)
    polls = 1 + len(harness.slept)
    extra = 1 if task_filter in ("rejected", "empty") else 0  # to learn that filters do not work here
    if task_filter == "rejected":
        extra += polls // RETRY_REFUSED_EVERY
    assert len(em.log) == polls + extra
    assert len(em.log) == len(harness.queries())


@all_versions
def test_no_pause_loses_the_session(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=5 * 3600)
    result = harness.wait(session, task_id=[made], wait_timeout=6 * 3600, poll_interval=10**9)
    assert _states(result) == [(made, "Finished", True)]
    assert max(harness.slept) <= em.switches.idle_timeout / 3


def test_a_task_that_finishes_just_before_the_deadline_is_finished(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=59.99)
    assert _states(harness.wait(session, task_id=[made], wait_timeout=60)) == [(made, "Finished", True)]


def test_slow_answers_count_towards_wait_timeout(harness: Harness, em: Emulator) -> None:
    """Each poll takes 40 seconds of the emulator's clock."""
    session = em.logon()
    made = em.make_task(session, running_for=9999)
    em.switches.idle_timeout = 1e9
    em.fault("clock", seconds=40.0, path="/query", times=None)
    start = harness.clock()
    with harness.failure("wait_timeout"):
        harness.wait(session, task_id=[made], wait_timeout=200)
    assert harness.clock() - start < 290


@pytest.mark.parametrize("params", [{"wait_timeout": -1}, {"poll_interval": 0}, {"poll_interval": -3}], ids=str)
def test_invalid_times_are_refused_before_any_request(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    with harness.failure("invalid_option") as caught:
        harness.wait(task_state=["Running"], **params)
    assert next(iter(params)) in caught.error.msg
    assert em.log == []


def test_an_option_without_effect_is_a_warning(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    (made,) = em.make_tasks(session, 1)
    harness.wait(session, task_id=[made], force=True, max_delete=0)
    assert [warning.split()[2] for warning in harness.warnings] == ["force", "max_delete"]
    harness.wait(session, task_id=[made])
    assert harness.warnings == []


def test_the_progress_of_a_wait_is_reported(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = [em.make_task(session, running_for=seconds) for seconds in (5, 50)]
    harness.wait(session, task_id=made)
    assert set(harness.progress) == {f"{count} of 2 tasks finished" for count in range(3)}
    assert harness.progress == sorted(harness.progress)


def test_a_wait_for_nothing_says_so(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.make_tasks(session, 1)
    assert harness.wait(session, operation="Nothing")["tasks"] == []
    assert harness.warnings == ["There is no task to wait for."]
    assert harness.wait(session, task_id=[])["tasks"] == []
    assert harness.warnings == [], "an empty list of ids is what was asked"
    for selection in ({"operation": "Nothing"}, {"task_id": []}):
        with harness.failure("not_found") as caught:
            harness.wait(session, fail_if_none=True, **selection)
        assert caught.result["tasks"] == []
