# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: through the three states, on time, over passing trouble, and never on a session that is lost."""

from __future__ import annotations

import math
from typing import Any

import pytest

from emulator import Emulator

from .bench import Bench, every_form, every_version, every_wire


def _states(result: dict[str, Any]) -> list[tuple[str, str, bool | None]]:
    return [(task["task_id"], task["state"], task["success"]) for task in result["tasks"]]


# ---------------------------------------------------------------------------------------------------------------------
# Until the end


@every_wire
def test_a_task_is_waited_for_through_its_three_states(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=20, collecting_for=20, message="Done.")
    start = bench.clock()
    result = bench.wait(session, task_id=[made])
    assert _states(result) == [(made, "Finished", True)]
    assert result["tasks"][0]["message"] == "Done."
    assert result["changed"] is False
    assert 40 <= bench.clock() - start <= 51, "neither at OperationFinished nor long after the end"


@every_wire
@pytest.mark.parametrize("result_null", ["null", "absent", "present_while_running"])
def test_a_result_is_not_taken_for_the_end(bench: Bench, em: Emulator, result_null: str) -> None:
    em.switches.result_null = result_null
    session = em.logon()
    em.make_task(session, running_for=30, success=False, message="No.")
    start = bench.clock()
    with bench.failure("task_failed"):
        bench.wait(session, task_state=["Running"])
    assert bench.clock() - start >= 30


@every_wire
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "empty"])
def test_tasks_are_waited_for_though_they_leave_the_selection(bench: Bench, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session)
    made = [em.make_task(session, running_for=seconds) for seconds in (5, 50, 100)]
    result = bench.wait(session, task_state=["Running"])
    assert _states(result) == [(task_id, "Finished", True) for task_id in made]


@every_form
def test_finished_tasks_cost_no_poll(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 3)
    assert [task["task_id"] for task in bench.wait(session, task_id=made)["tasks"]] == made
    assert len(em.log) == 1
    assert bench.slept == []


def test_nothing_selected_is_nothing_to_wait_for(bench: Bench, em: Emulator) -> None:
    assert bench.wait(em.logon(), operation=["NoSuchOperation"]) == {"changed": False, "tasks": []}
    assert bench.slept == []


@every_form
def test_check_mode_does_not_wait(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=math.inf)
    result = bench.wait(session, task_id=[made], check_mode=True)
    assert _states(result) == [(made, "Running", None)]
    assert result["changed"] is False
    assert bench.slept == []
    assert len(em.log) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Another end


@every_wire
def test_operation_finished_for_ever_ends_as_wait_timeout(bench: Bench, em: Emulator) -> None:
    em.switches.operation_finished_forever = True
    session = em.logon()
    finished = em.make_task(session)
    stuck = em.make_task(session, running_for=5, collecting_for=5)
    start = bench.clock()
    with bench.failure("wait_timeout") as caught:
        bench.wait(session, task_id=[finished, stuck], wait_timeout=120)
    assert bench.clock() - start == pytest.approx(120)
    assert _states(caught.result) == [(finished, "Finished", True), (stuck, "OperationFinished", None)]
    assert stuck in caught.error.msg
    assert "OperationFinished" in caught.error.msg
    assert "120" in caught.error.msg


@every_wire
def test_tasks_are_shown_as_last_seen_on_timeout(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    quick = em.make_task(session, running_for=3)
    slow = em.make_task(session, running_for=3, collecting_for=9999)
    with bench.failure("wait_timeout") as caught:
        bench.wait(session, task_state=["Running"], wait_timeout=60)
    assert _states(caught.result) == [(quick, "Finished", True), (slow, "OperationFinished", None)]


@every_wire
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected"])
def test_a_task_that_vanishes_is_told_and_not_taken_for_finished(bench: Bench, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    gone = em.make_task(session, running_for=math.inf)
    stays = em.make_task(session, running_for=100)

    def vanish() -> None:
        with em.locked() as backend:
            backend.find_session(session).tasks.remove(gone)

    bench.during_sleep(3, vanish)
    with bench.failure("not_found") as caught:
        bench.wait(session, task_state=["Running"])
    assert gone in caught.error.msg
    assert stays not in caught.error.msg
    assert _states(caught.result) == [(gone, "Running", None), (stays, "Finished", True)], "the others are waited for"


@every_wire
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "empty"])
def test_a_named_task_that_does_not_exist_is_not_found(bench: Bench, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    made = em.make_task(session)
    with bench.failure("not_found") as caught:
        bench.wait(session, task_id=[made, "task-99", "task-98"])
    assert "task-99" in caught.error.msg
    assert "task-98" in caught.error.msg
    assert made not in caught.error.msg
    assert bench.slept == []


def test_a_task_of_another_session_is_not_found_and_says_why(bench: Bench, em: Emulator) -> None:
    made = em.make_task(em.logon())
    with bench.failure("not_found") as caught:
        bench.wait(task_id=[made])
    assert "vbem.rest.veeam_session" in caught.error.msg
    assert em.sessions[1:] == [], "logged off"


@every_wire
def test_a_failed_task_fails_the_module(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    good = em.make_task(session, running_for=10)
    bad = em.make_task(session, "CloneJob", success=False, message="The disk is full.", running_for=5)
    with bench.failure("task_failed") as caught:
        bench.wait(session, task_id=[good, bad])
    assert "The disk is full." in caught.error.msg
    assert bad in caught.error.msg
    assert "CloneJob" in caught.error.msg
    assert caught.error.detail == "The disk is full."
    assert _states(caught.result) == [(good, "Finished", True), (bad, "Finished", False)], "all of them were waited for"


@every_form
def test_a_failed_task_is_just_reported_if_that_is_wanted(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    bad = em.make_task(session, success=False, message=None, running_for=5)
    result = bench.wait(session, task_id=[bad], fail_on_error=False)
    assert _states(result) == [(bad, "Finished", False)]
    assert result["tasks"][0]["message"] is None


# ---------------------------------------------------------------------------------------------------------------------
# Trouble on the way

TROUBLE = [
    {"effect": "status", "status": 503},
    {"effect": "status", "status": 503, "retry_after": 7, "body": "html"},
    {"effect": "status", "status": 500, "body": "empty"},
    {"effect": "status", "status": 502, "body": "html"},
    {"effect": "reset"},
    {"effect": "close"},
    {"effect": "cut"},
    {"effect": "html"},
    {"effect": "garbage"},
    {"effect": "bad_json"},
]


@every_form
@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: " ".join(map(str, fault.values())))
def test_passing_trouble_is_ridden_out(bench: Bench, em: Emulator, fault: dict[str, Any]) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=60)
    em.fault(path="/query", skip=2, times=12, **fault)
    result = bench.wait(session, task_id=[made])
    assert _states(result) == [(made, "Finished", True)]
    assert result["changed"] is False


@every_form
@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: " ".join(map(str, fault.values())))
def test_lasting_trouble_ends_with_wait_timeout_and_on_time(bench: Bench, em: Emulator, fault: dict[str, Any]) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=60)
    em.fault(path="/query", skip=2, times=None, **fault)
    start = bench.clock()
    with bench.failure("wait_timeout") as caught:
        bench.wait(session, task_id=[made], wait_timeout=100)
    assert bench.clock() - start == pytest.approx(100, abs=1.5), "retries do not go beyond the end"
    assert _states(caught.result) == [(made, "Running", None)]
    assert "last poll got no answer" in caught.error.msg
    assert caught.error.detail


@every_form
def test_trouble_that_is_over_is_not_told_as_the_last_word(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=9999)
    em.fault("reset", path="/query", skip=2, times=8)
    with bench.failure("wait_timeout") as caught:
        bench.wait(session, task_id=[made], wait_timeout=200)
    assert "no answer" not in caught.error.msg
    assert caught.error.detail is None


@every_wire
@pytest.mark.parametrize("poll", [1, 4])
def test_a_session_lost_in_mid_wait_is_told_at_once(bench: Bench, em: Emulator, poll: int) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=500)
    bench.during_sleep(poll, lambda: em.expire(session))
    with bench.failure("session_lost") as caught:
        bench.wait(session, task_id=[made], options={"username": "x", "password": "y"})
    assert len(bench.slept) == poll
    assert _states(caught.result) == [(made, "Running", None)]
    assert bench.logons() == []


@every_form
def test_a_refusal_is_not_ridden_out(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=500)
    em.fault("status", status=403, path="/query", skip=1, times=None)
    with bench.failure("forbidden") as caught:
        bench.wait(session, task_id=[made])
    assert len(bench.slept) == 1
    assert _states(caught.result) == [(made, "Running", None)]


@every_form
def test_an_own_session_is_logged_off_after_a_timeout(bench: Bench, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_task(em.logon(), running_for=9999)
    em.switches.idle_timeout = 1e9
    with bench.failure("wait_timeout"):
        bench.wait(task_state=["Running"], wait_timeout=30)
    assert len(em.sessions) == 1
    assert len(bench.logoffs()) == 1
    assert bench.warnings == []


# ---------------------------------------------------------------------------------------------------------------------
# The schedule


@every_form
@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "empty"])
def test_one_poll_is_one_query_however_many_tasks(bench: Bench, em: Emulator, count: int, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    made = [em.make_task(session, running_for=10 + number) for number in range(count)]
    bench.wait(session, task_id=made)
    extra = 1 if task_filter in ("rejected", "empty") else 0  # to learn, once, that this server does not filter
    assert len(em.log) == 1 + extra + len(bench.slept)
    assert len(em.log) == len(bench.queries())


@every_version
def test_later_polls_ask_only_for_what_is_not_finished(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    quick = em.make_task(session, running_for=1)
    slow = em.make_task(session, running_for=30)
    bench.wait(session, task_id=[quick, slow])
    assert quick in bench.queries()[0].query["filter"]
    assert quick not in bench.queries()[-1].query["filter"]
    assert slow in bench.queries()[-1].query["filter"]


@pytest.mark.parametrize("poll_interval", [1, 10, 60, 299])
def test_pauses_begin_short_grow_and_never_exceed_poll_interval(bench: Bench, em: Emulator, poll_interval: int) -> None:
    session = em.logon()
    em.make_task(session, running_for=40 * poll_interval)
    bench.wait(session, task_state=["Running"], wait_timeout=50 * poll_interval, poll_interval=poll_interval)
    pauses = bench.slept
    assert pauses[0] <= 1
    assert max(pauses) <= poll_interval
    assert max(pauses) >= 0.8 * poll_interval
    for before, after in zip(pauses, pauses[1:]):
        assert 0.85 * before <= after <= 2.5 * before or after == pytest.approx(poll_interval, rel=0.11)


@every_version
@pytest.mark.parametrize("poll_interval", [3600, 10**9])
def test_no_pause_is_long_enough_to_lose_the_session(bench: Bench, em: Emulator, poll_interval: int) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=5 * 3600)
    result = bench.wait(session, task_id=[made], wait_timeout=6 * 3600, poll_interval=poll_interval)
    assert _states(result) == [(made, "Finished", True)]
    assert max(bench.slept) <= em.switches.idle_timeout / 3


def test_even_with_retries_no_pause_loses_the_session(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=3 * 3600)
    em.fault("status", status=503, retry_after=30, path="/query", skip=9, times=4)
    result = bench.wait(session, task_id=[made], wait_timeout=4 * 3600, poll_interval=10**6)
    assert _states(result) == [(made, "Finished", True)]


@pytest.mark.parametrize("wait_timeout", [0, 1, 7, 100])
def test_wait_timeout_is_kept_to_the_second(bench: Bench, em: Emulator, wait_timeout: int) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=9999)
    start = bench.clock()
    with bench.failure("wait_timeout"):
        bench.wait(session, task_id=[made], wait_timeout=wait_timeout)
    assert bench.clock() - start == pytest.approx(wait_timeout)
    assert (len(em.log) == 1) == (wait_timeout == 0)


def test_a_task_that_finishes_in_the_last_moment_is_seen(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_task(session, running_for=59.99)
    assert _states(bench.wait(session, task_id=[made], wait_timeout=60)) == [(made, "Finished", True)]


def test_slow_answers_count_towards_wait_timeout(bench: Bench, em: Emulator) -> None:
    """Each poll takes 40 seconds on the emulator's clock."""
    session = em.logon()
    made = em.make_task(session, running_for=9999)
    em.switches.idle_timeout = 1e9
    em.fault("clock", seconds=40.0, path="/query", times=None)
    start = bench.clock()
    with bench.failure("wait_timeout"):
        bench.wait(session, task_id=[made], wait_timeout=200)
    assert bench.clock() - start < 290


@pytest.mark.parametrize("params", [{"wait_timeout": -1}, {"poll_interval": 0}, {"poll_interval": -3}], ids=str)
def test_bad_times_are_told_before_anything_is_sent(bench: Bench, em: Emulator, params: dict[str, Any]) -> None:
    with bench.failure("invalid_option") as caught:
        bench.wait(task_state=["Running"], **params)
    assert next(iter(params)) in caught.error.msg
    assert em.log == []


def test_an_option_that_does_nothing_is_warned_of(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    (made,) = em.make_tasks(session, 1)
    bench.wait(session, task_id=[made], force=True, max_delete=0)
    assert [warning.split()[2] for warning in bench.warnings] == ["force", "max_delete"]
    bench.wait(session, task_id=[made])
    assert bench.warnings == []
