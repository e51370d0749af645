# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job with wait_for: waiting for the task of an action, and for the job session that it starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from emulator import Emulator, Switches
from emulator.runs import Run

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .test_veeam_job import actions, run_job, start

SESSION = r"/api/(backup|replica)Sessions/"
TASK = r"/api/tasks/"
POLLS = (TASK, SESSION)
DATES = ("creation_time", "end_time", "next_run")


def _follow(harness: Harness, session: Any = None, name: str = "SQL Backup", **params: Any) -> dict[str, Any]:
    return run_job(harness, session, **{"name": name, "state": "started", "wait_for": "session", **params})


# ---------------------------------------------------------------------------------------------------------------------
# What is waited for


@all_versions_and_formats
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_wait_for_nothing(harness: Harness, em: Emulator, own: bool) -> None:
    session = None if own else em.logon()
    result = _follow(harness, session, wait_for="nothing", wait_timeout=0)
    assert result["changed"] is True
    assert result["task"]["state"] == "Running"
    assert result["job_session"] is None
    assert harness.slept == []
    assert em.requests("GET", TASK) == []
    assert em.requests("DELETE", TASK) == []
    if session:
        assert em.tasks(session) == [(result["task"]["task_id"], "Running")]


@all_versions_and_formats
def test_wait_for_task(harness: Harness, em: Emulator) -> None:
    em.switches.update({"task_running": 20, "task_collecting": 20, "run_duration": 600})
    began = em.clock.now()
    result = _follow(harness, em.logon(), wait_for="task")
    assert 40 <= em.clock.now() - began < 52
    assert result["task"]["state"] == "Finished"
    assert result["task"]["message"] == 'Job "SQL Backup" triggered to start.'
    assert result["job_session"]["state"] != "Stopped", "it is listed, and not awaited"
    assert len(em.requests("GET", SESSION)) == 1


@all_versions_and_formats
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize("name", ["SQL Backup", "DC Replication", "Offsite Copy"])
@pytest.mark.parametrize("related_link", [True, False])
@pytest.mark.parametrize("run_delay", [0.0, 45.0])
def test_wait_for_session(
    harness: Harness, em: Emulator, *, own: bool, name: str, related_link: bool, run_delay: float
) -> None:
    """Also if it shows up late, or if no link leads to it."""
    em.switches.update({"related_link": related_link, "run_delay": run_delay, "run_duration": 100})
    began = em.clock.now()
    session = None if own else em.logon()
    result = _follow(harness, session, name)
    run = em.world.runs_of(em.world.job(name))[-1]
    assert 100 <= em.clock.now() - began < 112
    seen = result["job_session"]
    assert seen["uid"] == run.uid
    assert seen["name"] == run.name
    assert seen["job_uid"] == em.world.job(name).uid
    assert seen["job_name"] == name
    assert seen["state"] == "Stopped"
    assert seen["result"] == "Success"
    assert seen["progress"] == 100
    assert seen["is_retry"] is False
    assert seen["failure_message"] is None
    assert seen["backup_server"] == "vbr01.vbem.test"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", seen["creation_time"])
    assert seen["creation_time"] < seen["end_time"]
    assert len(actions(em)) == 1
    assert len(em.requests("DELETE", TASK)) == 1
    assert em.sessions == ([] if own else [session])
    assert max(harness.slept) <= 10


@all_versions_and_formats
@pytest.mark.parametrize(
    ("began", "lasted"), [(900, 720), (50, 20), (900, 5000)], ids=["long before", "just before", "still running"]
)
def test_a_session_that_is_listed_late_is_not_taken_for_the_requested_one(
    harness: Harness, em: Emulator, began: int, lasted: int
) -> None:
    """Enterprise Manager learns late of sessions: one that began before the request is not the one that it started."""
    em.switches.update({"related_link": False, "run_delay": 60, "run_duration": 100})
    job = em.world.job("SQL Backup")
    job.script = ["failed"]
    requested = em.clock.now()
    harness.during_sleep(2, lambda: em.world.add_run(job, requested - began, lasted))
    with harness.failure("job_failed") as caught:
        _follow(harness, em.logon())
    assert caught.error.result["job_session"]["result"] == "Failed"
    assert len(actions(em)) == 1


@all_versions_and_formats
def test_a_session_that_never_shows_up_is_not_replaced_by_an_older_one(harness: Harness, em: Emulator) -> None:
    em.switches.update({"related_link": False, "run_delay": 10_000})
    job = em.world.job("Manual Backup")
    harness.during_sleep(2, lambda: em.world.add_run(job, em.clock.now() - 900, 720))
    with harness.failure("wait_timeout") as caught:
        _follow(harness, em.logon(), "Manual Backup", wait_timeout=300)
    assert "its job session has not shown up" in caught.error.msg
    assert caught.error.result["job_session"] is None


@all_versions
def test_each_wait_is_for_its_own_session(harness: Harness, em: Emulator) -> None:
    """Although the last one ended in the same second."""
    em.switches.update(
        {"related_link": False, "run_duration": 0.1, "run_delay": 0.2, "task_running": 0.1, "task_collecting": 0}
    )
    session = em.logon()
    uids = [_follow(harness, session)["job_session"]["uid"] for _number in range(5)]
    assert len(set(uids)) == 5
    assert uids == [run.uid for run in em.world.runs_of(em.world.job("SQL Backup"))[-5:]]


@all_versions_and_formats
def test_a_session_that_runs_already_is_waited_for(harness: Harness, em: Emulator) -> None:
    run = start(em, "SQL Backup")
    run.ends = em.clock.now() + 50
    result = _follow(harness, em.logon())
    assert result["changed"] is False
    assert result["task"] is None
    assert result["job_session"]["uid"] == run.uid
    assert result["job_session"]["result"] == "Success"
    assert actions(em) == []


@all_versions_and_formats
@pytest.mark.parametrize("name", ["Endless Backup", "DC Replication"])
def test_wait_for_the_end_of_a_stopped_session(harness: Harness, em: Emulator, name: str) -> None:
    """A session that was stopped on request is not a failure."""
    em.switches.run_stopping = 30
    run = start(em, name, outcome="never")
    em.clock.advance(20)
    result = _follow(harness, em.logon(), name, state="stopped")
    assert result["changed"] is True
    assert result["job_session"]["uid"] == run.uid
    assert result["job_session"]["state"] == "Stopped"
    assert result["job_session"]["result"] == "Failed"
    assert "canceled" in result["job_session"]["failure_message"]


@all_versions
def test_wait_for_the_session_of_a_retry(harness: Harness, em: Emulator) -> None:
    em.world.job("Failing Backup").script = ["success"]
    for related_link in (True, False):
        em.switches.related_link = related_link
        em.world.add_run(em.world.job("Failing Backup"), em.clock.now() - 60, 10, "failed")
        result = _follow(harness, em.logon(), "Failing Backup", state="retried")
        assert result["job_session"]["is_retry"] is True
        assert result["job_session"]["result"] == "Success"
        em.clock.advance(100)


@all_versions
def test_without_a_state_no_session_is_waited_for(harness: Harness, em: Emulator) -> None:
    start(em, "Endless Backup")
    session = em.logon()
    result = run_job(harness, session, name="Endless Backup", schedule_enabled=False, wait_for="session")
    assert result["changed"] is True
    assert result["job_session"] is None
    assert run_job(harness, session, name="SQL Backup", state="stopped", wait_for="session")["job_session"] is None


@all_versions
def test_check_mode_does_not_wait(harness: Harness, em: Emulator) -> None:
    start(em, "Endless Backup")
    for name in ("Endless Backup", "SQL Backup"):
        run_job(harness, em.logon(), name=name, state="started", wait_for="session", check_mode=True)
    assert harness.slept == []
    assert em.requests("POST") == []


# ---------------------------------------------------------------------------------------------------------------------
# OperationFinished


@all_versions_and_formats
@pytest.mark.parametrize("related_link", [True, False])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_the_session_is_followed_if_its_task_stays_in_operation_finished(
    harness: Harness, em: Emulator, related_link: bool, own: bool
) -> None:
    em.switches.update({"operation_finished_forever": True, "related_link": related_link, "run_duration": 300})
    session = None if own else em.logon()
    result = _follow(harness, session)
    assert result["task"]["state"] == "OperationFinished"
    assert result["task"]["success"] is None
    assert result["job_session"]["result"] == "Success"
    assert em.requests("DELETE", TASK) == [], "removing it would stop it"


@all_versions_and_formats
def test_a_task_that_stays_in_operation_finished_ends_as_wait_timeout(harness: Harness, em: Emulator) -> None:
    em.switches.operation_finished_forever = True
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        _follow(harness, em.logon(), wait_for="task", wait_timeout=120)
    assert 120 <= em.clock.now() - began < 122
    assert caught.result["changed"] is True
    assert caught.result["task"]["state"] == "OperationFinished"
    assert "wait_timeout" in caught.error.msg
    assert em.requests("DELETE", TASK) == []


@all_versions
def test_a_task_that_finishes_after_its_session_is_removed(harness: Harness, em: Emulator) -> None:
    em.switches.update({"task_collecting": 100, "run_duration": 150})
    session = em.logon()
    result = _follow(harness, session)
    assert result["task"]["state"] == "Finished"
    assert len(em.requests("DELETE", TASK)) == 1
    assert em.tasks(session) == []


# ---------------------------------------------------------------------------------------------------------------------
# The end of a session


@all_versions_and_formats
@pytest.mark.parametrize("fail_on_warning", [True, False])
@pytest.mark.parametrize("name", ["Warning Backup", "Failing Backup", "SQL Backup"])
def test_the_result_of_a_session(harness: Harness, em: Emulator, name: str, fail_on_warning: bool) -> None:
    session = em.logon()
    fails = name == "Failing Backup" or (name == "Warning Backup" and fail_on_warning)
    if not fails:
        result = _follow(harness, session, name, fail_on_warning=fail_on_warning)
        assert result["job_session"]["result"] == ("Warning" if name == "Warning Backup" else "Success")
        return
    with harness.failure("job_failed") as caught:
        _follow(harness, session, name, fail_on_warning=fail_on_warning)
    result = caught.result
    ending = "Failed" if name == "Failing Backup" else "Warning"
    shown = result["job_session"]["failure_message"]
    reason = shown or result["error"]["detail"]  # of its machines, where the job session has none
    assert result["job_session"]["result"] == ending
    assert shown == em.world.job(name).failure_message
    assert result["error"]["detail"] == reason
    assert result["changed"] is True
    assert result["task"]["state"] == "Finished"
    assert ending in result["msg"]
    assert (reason or "gives no reason") in result["msg"]
    assert em.tasks(session) == []


@all_versions_and_formats
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize(("wait_timeout", "poll_interval"), [(3600, 60), (7, 1000)])
def test_a_session_that_never_stops(harness: Harness, em: Emulator, own: bool, wait_timeout: int, poll_interval: int) -> None:
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        _follow(harness, None if own else em.logon(), "Endless Backup", wait_timeout=wait_timeout, poll_interval=poll_interval)
    assert wait_timeout <= em.clock.now() - began < wait_timeout + 1
    result = caught.result
    assert result["job_session"]["state"] == "Working"
    assert result["job_session"]["result"] is None
    assert result["job_session"]["progress"] >= 1
    assert result["changed"] is True
    assert result["task"]["state"] == "Finished"
    assert "Endless Backup" in result["msg"]
    assert str(wait_timeout) in result["msg"]
    assert max(harness.slept) <= min(poll_interval, 300)
    assert len(em.sessions) == (not own)
    assert em.world.active_run(em.world.job("Endless Backup")), "it goes on"


@all_versions_and_formats
@pytest.mark.parametrize("unknown", [404, 500])
def test_a_session_that_vanishes(harness: Harness, em: Emulator, unknown: int) -> None:
    em.switches.unknown_resource = unknown

    def vanish() -> None:
        run = em.world.runs_of(em.world.job("Endless Backup"))[-1]
        em.world.run_table(run.job).remove(run.id)

    harness.during_sleep(9, vanish)
    with harness.failure("not_found") as caught:
        _follow(harness, em.logon(), "Endless Backup")
    assert "vanished" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["job_session"]["state"] == "Working"
    assert len(harness.slept) == 9


@all_versions_and_formats
@pytest.mark.parametrize("unknown", [404, 500])
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_task_that_vanishes(harness: Harness, em: Emulator, unknown: int, wait_for: str) -> None:
    em.switches.update({"unknown_task": unknown, "task_running": 60})
    session = em.logon()
    harness.during_sleep(3, lambda: em.remove_task(session, em.tasks(session)[0][0]))
    with harness.failure("not_found") as caught:
        _follow(harness, session, wait_for=wait_for)
    assert "vanished" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["task"]["state"] == "Running"
    assert em.requests("DELETE", TASK) == []


# ---------------------------------------------------------------------------------------------------------------------
# Errors during the wait

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"effect": "status", "status": 503, "retry_after": 2},
    "500": {"effect": "status", "status": 500},
    "reset": {"effect": "reset"},
    "html": {"effect": "html"},
}


@all_formats
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", POLLS, ids=["task", "session"])
@pytest.mark.parametrize("retries", [0, 3])
def test_transient_errors_are_retried(harness: Harness, em: Emulator, fault: str, where: str, retries: int) -> None:
    session = em.logon()
    armed = em.fault(**FAULTS[fault], method="GET", path=where, skip=1, times=9)
    result = _follow(harness, session, options={"retries": retries})
    assert armed.hits == 9
    assert result["changed"] is True
    assert result["job_session"]["result"] == "Success"
    assert len(actions(em)) == 1
    assert em.tasks(session) == []


@all_versions
@pytest.mark.parametrize("where", POLLS, ids=["task", "session"])
def test_an_error_that_lasts_is_reported_at_the_deadline(harness: Harness, em: Emulator, where: str) -> None:
    em.fault("status", status=503, message="Maintenance until Monday.", method="GET", path=where, skip=1, times=None)
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        _follow(harness, em.logon(), "Endless Backup", wait_timeout=60)
    assert 60 <= em.clock.now() - began < 62
    assert "Maintenance until Monday." in caught.error.msg
    assert "Maintenance until Monday." in caught.result["error"]["detail"]
    assert caught.result["changed"] is True
    assert (caught.result["job_session"] is None) == (where == TASK)


@all_versions
@pytest.mark.parametrize("status", [404, 500])
def test_a_related_link_that_cannot_be_read_yet(harness: Harness, em: Emulator, status: int) -> None:
    em.fault("status", status=status, method="GET", path=SESSION)
    assert _follow(harness, em.logon())["job_session"]["result"] == "Success"


@all_formats
@pytest.mark.parametrize("where", POLLS, ids=["task", "session"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_logon_session_lost_during_the_wait(harness: Harness, em: Emulator, where: str, own: bool) -> None:
    em.fault("expire", method="GET", path=where, skip=2)
    with harness.failure("session_lost") as caught:
        _follow(harness, None if own else em.logon(), "Endless Backup")
    assert caught.result["changed"] is True
    assert caught.result["job"]["name"] == "Endless Backup"
    assert caught.result["error"]["status"] == 401
    if where == SESSION:
        assert caught.result["job_session"]["state"] in ("Starting", "Working")
        assert caught.result["task"]["state"] == "Finished"
    else:
        assert caught.result["task"]["state"] in ("Running", "OperationFinished")
    assert len(harness.logons()) == own, "a lost session is not replaced"
    assert len(actions(em)) == 1


@all_versions
def test_a_logon_session_lost_after_the_job_session_stopped(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is known by then."""
    em.switches.update({"operation_finished_forever": True, "run_duration": 200})
    session = em.logon()
    began, made = em.clock.now(), Run.values

    def values(self: Run, now: float, switches: Any) -> Any:
        if began < self.ends <= now and em.sessions:
            em.expire(session)
        return made(self, now, switches)

    monkeypatch.setattr(Run, "values", values)
    result = _follow(harness, session)
    assert em.sessions == []
    assert em.requests("GET")[-1].status == 401
    assert result["job_session"]["result"] == "Success"
    assert result["task"]["state"] == "OperationFinished"


@all_versions
@pytest.mark.parametrize("effect", ["html", "garbage"])
def test_a_related_link_that_is_no_job_session(harness: Harness, em: Emulator, effect: str) -> None:
    harness.em.fault(effect, method="GET", path=SESSION, times=5)
    _follow(harness, em.logon())
    finished = next(number for number, entry in enumerate(em.log) if entry.method == "DELETE")
    assert [entry for entry in list(em.log)[finished:] if entry.query.get("type") == "BackupJobSession"]


@all_versions
def test_a_500_for_a_session_costs_one_more_request(harness: Harness, em: Emulator) -> None:
    job = em.world.job("SQL Backup")
    for number in range(200):
        em.world.add_run(job, em.clock.now() - 90000 - number * 60, 10)

    def vanish() -> None:
        run = em.world.runs_of(job)[-1]
        em.world.run_table(job).remove(run.id)
        em.clear_log()

    em.switches.run_duration = 60
    harness.during_sleep(9, vanish)
    with harness.failure("not_found"):
        _follow(harness, em.logon())
    assert len(em.log) <= 4  # two of which to see that the server finds an existing session by its filter


# ---------------------------------------------------------------------------------------------------------------------
# Progress and results


@all_versions
def test_progress_is_reported(harness: Harness, em: Emulator) -> None:
    em.switches.run_duration = 60
    _follow(harness, em.logon(), poll_interval=5)
    lines = harness.progress
    assert lines[0].startswith("task-")
    assert any("StartJob: Finished" in line for line in lines)
    percents = [int(match[1]) for line in lines if (match := re.search(r"SQL Backup@.*: \w+ (\d+)%$", line))]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert len(percents) > 5


@pytest.mark.parametrize("name", ["SQL Backup", "DC Replication", "Failing Backup", "Offsite Mirror"])
@pytest.mark.parametrize("case", ["follow", "stop", "timeout"])
def test_results_are_the_same_for_every_version_and_format(
    name: str, case: str, harnesses: Callable[[], list[Harness]]
) -> None:
    """Except for the precision of dates and new ids."""
    seen = []
    for harness in harnesses():
        em = harness.em
        session = em.logon()
        if case == "stop" and name == "Offsite Mirror":
            continue
        if case == "stop":
            start(em, name, outcome="never")
        try:
            result = _follow(
                harness,
                session,
                name,
                state="stopped" if case == "stop" else "started",
                wait_timeout=3 if case == "timeout" else 600,
            )
        except EmError as err:
            result = err.to_fail_json()
        seen.append(_flatten(result, em))
    assert all(each == seen[0] for each in seen)


@pytest.fixture
def harnesses() -> Iterator[Callable[[], list[Harness]]]:
    """Return a function that makes a harness for every version and format, each with an emulator of its own."""
    with ExitStack() as stack:

        def make() -> list[Harness]:
            made = []
            for version in (12, 13):
                for response_format in ("xml", "json", "auto"):
                    em = stack.enter_context(Emulator(Switches(version=version, run_duration=10), speed=0))
                    harness = Harness(em, response_format)
                    stack.callback(harness.close)
                    made.append(harness)
            return made

        yield make


def _flatten(value: Any, em: Emulator) -> Any:
    if isinstance(value, dict):
        return {key: None if key in ("progress",) else _flatten(inner, em) for key, inner in value.items()}
    if isinstance(value, list):
        return [_flatten(inner, em) for inner in value]
    if not isinstance(value, str):
        return value
    value = value.replace(str(em.port), "PORT")
    for run in em.world.runs:
        value = value.replace(run.id, "SESSION")
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\dZ]*", "DATE", value)


def test_fail_on_warning_without_a_wait_is_a_warning(harness: Harness, em: Emulator) -> None:
    _follow(harness, em.logon(), fail_on_warning=True, wait_for="task")
    assert [warning for warning in harness.warnings if "fail_on_warning" in warning]
    _follow(harness, em.logon(), fail_on_warning=True)
    assert harness.warnings == []
