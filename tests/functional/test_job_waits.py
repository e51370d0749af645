# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for what a job's request leads to: its task, and its run, through whatever passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator, Switches
from emulator.runs import Run

from .bench import Bench, every_form, every_version, every_wire
from .test_jobs import actions, run_job, start

RUN = r"/api/(backup|replica)Sessions/"
TASK = r"/api/tasks/"
POLLS = (TASK, RUN)
DATES = ("creation_time", "end_time", "next_run")


def _follow(bench: Bench, session: Any = None, name: str = "SQL Backup", **params: Any) -> dict[str, Any]:
    return run_job(bench, session, **{"name": name, "state": "started", "wait_for": "session", **params})


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the lines of progress that are reported."""
    said: list[str] = []
    made = veeam_job.run

    def run(client: Any, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
        client.report = said.append
        return made(client, params, check_mode)

    monkeypatch.setattr(veeam_job, "run", run)
    return said


# ---------------------------------------------------------------------------------------------------------------------
# How far is waited


@every_wire
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_nothing_is_waited_for(bench: Bench, em: Emulator, own: bool) -> None:
    session = None if own else em.logon()
    result = _follow(bench, session, wait_for="nothing", wait_timeout=0)
    assert result["changed"] is True
    assert result["task"]["state"] == "Running"
    assert result["job_session"] is None
    assert bench.slept == []
    assert em.requests("GET", TASK) == []
    assert em.requests("DELETE", TASK) == []
    if session:
        assert em.tasks(session) == [(result["task"]["task_id"], "Running")]


@every_wire
def test_the_task_is_waited_for(bench: Bench, em: Emulator) -> None:
    em.switches.update({"task_running": 20, "task_collecting": 20})
    began = em.clock.now()
    result = _follow(bench, em.logon(), wait_for="task")
    assert 40 <= em.clock.now() - began < 52
    assert result["task"]["state"] == "Finished"
    assert result["task"]["message"] == 'Job "SQL Backup" triggered to start.'
    assert result["job_session"] is None
    assert em.requests("GET", RUN) == []


@every_wire
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize("name", ["SQL Backup", "DC Replication", "Offsite Copy"])
@pytest.mark.parametrize("related_link", [True, False])
@pytest.mark.parametrize("run_delay", [0.0, 45.0])
def test_the_run_is_waited_for(
    bench: Bench, em: Emulator, *, own: bool, name: str, related_link: bool, run_delay: float
) -> None:
    """Also where it shows up late, and where no link leads to it."""
    em.switches.update({"related_link": related_link, "run_delay": run_delay, "run_duration": 100})
    began = em.clock.now()
    session = None if own else em.logon()
    result = _follow(bench, session, name)
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
    assert max(bench.slept) <= 10


@every_wire
@pytest.mark.parametrize(
    ("began", "lasted"), [(900, 720), (50, 20), (900, 5000)], ids=["long before", "just before", "going on"]
)
def test_a_run_that_is_listed_late_is_not_the_one_that_was_asked_for(
    bench: Bench, em: Emulator, began: int, lasted: int
) -> None:
    """Enterprise Manager learns late of runs: one that went well before the request must not be told to be its run."""
    em.switches.update({"related_link": False, "run_delay": 60, "run_duration": 100})
    job = em.world.job("SQL Backup")
    job.script = ["failed"]
    asked = em.clock.now()
    bench.during_sleep(2, lambda: em.world.add_run(job, asked - began, lasted))
    with bench.failure("job_failed") as caught:
        _follow(bench, em.logon())
    assert caught.error.result["job_session"]["result"] == "Failed"
    assert len(actions(em)) == 1


@every_wire
def test_a_run_that_never_shows_up_is_not_replaced_by_an_older_one(bench: Bench, em: Emulator) -> None:
    em.switches.update({"related_link": False, "run_delay": 10_000})
    job = em.world.job("Manual Backup")
    bench.during_sleep(2, lambda: em.world.add_run(job, em.clock.now() - 900, 720))
    with bench.failure("wait_timeout") as caught:
        _follow(bench, em.logon(), "Manual Backup", wait_timeout=300)
    assert "its run has not shown up" in caught.error.msg
    assert caught.error.result["job_session"] is None


@every_version
def test_a_run_that_is_over_before_it_shows_up(bench: Bench, em: Emulator) -> None:
    em.switches.update({"related_link": False, "run_delay": 30, "run_duration": 1})
    assert _follow(bench, em.logon())["job_session"]["result"] == "Success"
    em.switches.related_link = True
    assert _follow(bench, em.logon())["job_session"]["result"] == "Success"


@every_version
@pytest.mark.parametrize("related_link", [True, False])
def test_the_first_run_of_a_job(bench: Bench, em: Emulator, related_link: bool) -> None:
    em.world.add_job("Brand new")
    em.switches.related_link = related_link
    result = _follow(bench, em.logon(), "Brand new")
    assert result["job_session"]["result"] == "Success"


@every_version
def test_runs_in_a_row_are_told_apart(bench: Bench, em: Emulator) -> None:
    """Each waits for its own run, though the last one ended in the same second."""
    em.switches.update(
        {"related_link": False, "run_duration": 0.1, "run_delay": 0.2, "task_running": 0.1, "task_collecting": 0}
    )
    session = em.logon()
    uids = [_follow(bench, session)["job_session"]["uid"] for _number in range(5)]
    assert len(set(uids)) == 5
    assert uids == [run.uid for run in em.world.runs_of(em.world.job("SQL Backup"))[-5:]]


@every_wire
def test_a_run_that_goes_on_already_is_waited_for(bench: Bench, em: Emulator) -> None:
    run = start(em, "SQL Backup")
    run.ends = em.clock.now() + 50
    result = _follow(bench, em.logon())
    assert result["changed"] is False
    assert result["task"] is None
    assert result["job_session"]["uid"] == run.uid
    assert result["job_session"]["result"] == "Success"
    assert actions(em) == []


@every_wire
@pytest.mark.parametrize("name", ["Endless Backup", "DC Replication"])
def test_a_stop_is_waited_for(bench: Bench, em: Emulator, name: str) -> None:
    """That a run was cancelled is no failure where this was asked for."""
    em.switches.run_stopping = 30
    run = start(em, name, outcome="never")
    em.clock.advance(20)
    result = _follow(bench, em.logon(), name, state="stopped")
    assert result["changed"] is True
    assert result["job_session"]["uid"] == run.uid
    assert result["job_session"]["state"] == "Stopped"
    assert result["job_session"]["result"] == "Failed"
    assert "canceled" in result["job_session"]["failure_message"]


@every_version
def test_a_retry_is_waited_for(bench: Bench, em: Emulator) -> None:
    em.world.job("Failing Backup").script = ["success"]
    for related_link in (True, False):
        em.switches.related_link = related_link
        em.world.add_run(em.world.job("Failing Backup"), em.clock.now() - 60, 10, "failed")
        result = _follow(bench, em.logon(), "Failing Backup", state="retried")
        assert result["job_session"]["is_retry"] is True
        assert result["job_session"]["result"] == "Success"
        em.clock.advance(100)


@every_version
def test_waiting_is_only_for_a_state(bench: Bench, em: Emulator) -> None:
    start(em, "Endless Backup")
    session = em.logon()
    result = run_job(bench, session, name="Endless Backup", schedule_enabled=False, wait_for="session")
    assert result["changed"] is True
    assert result["job_session"] is None
    assert run_job(bench, session, name="SQL Backup", state="stopped", wait_for="session")["job_session"] is None


@every_version
def test_check_mode_waits_for_nothing(bench: Bench, em: Emulator) -> None:
    start(em, "Endless Backup")
    for name in ("Endless Backup", "SQL Backup"):
        run_job(bench, em.logon(), name=name, state="started", wait_for="session", check_mode=True)
    assert bench.slept == []
    assert em.requests("POST") == []


# ---------------------------------------------------------------------------------------------------------------------
# OperationFinished


@every_wire
@pytest.mark.parametrize("related_link", [True, False])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_task_that_is_never_collected_does_not_hide_its_run(
    bench: Bench, em: Emulator, related_link: bool, own: bool
) -> None:
    em.switches.update({"operation_finished_forever": True, "related_link": related_link, "run_duration": 300})
    session = None if own else em.logon()
    result = _follow(bench, session)
    assert result["task"]["state"] == "OperationFinished"
    assert result["task"]["success"] is None
    assert result["job_session"]["result"] == "Success"
    assert em.requests("DELETE", TASK) == [], "removing it would be stopping it"


@every_wire
def test_a_task_that_is_never_collected_is_waited_for_no_longer_than_wished(bench: Bench, em: Emulator) -> None:
    em.switches.operation_finished_forever = True
    began = em.clock.now()
    with bench.failure("wait_timeout") as caught:
        _follow(bench, em.logon(), wait_for="task", wait_timeout=120)
    assert 120 <= em.clock.now() - began < 122
    assert caught.result["changed"] is True
    assert caught.result["task"]["state"] == "OperationFinished"
    assert "wait_timeout" in caught.error.msg
    assert em.requests("DELETE", TASK) == []


@every_version
def test_a_task_that_is_collected_after_the_run_is_removed(bench: Bench, em: Emulator) -> None:
    em.switches.update({"task_collecting": 100, "run_duration": 150})
    session = em.logon()
    result = _follow(bench, session)
    assert result["task"]["state"] == "Finished"
    assert len(em.requests("DELETE", TASK)) == 1
    assert em.tasks(session) == []


# ---------------------------------------------------------------------------------------------------------------------
# How a run ends


@every_wire
@pytest.mark.parametrize("fail_on_warning", [True, False])
@pytest.mark.parametrize("name", ["Warning Backup", "Failing Backup", "SQL Backup"])
def test_how_a_run_ended_is_judged(bench: Bench, em: Emulator, name: str, fail_on_warning: bool) -> None:
    session = em.logon()
    fails = name == "Failing Backup" or (name == "Warning Backup" and fail_on_warning)
    if not fails:
        result = _follow(bench, session, name, fail_on_warning=fail_on_warning)
        assert result["job_session"]["result"] == ("Warning" if name == "Warning Backup" else "Success")
        return
    with bench.failure("job_failed") as caught:
        _follow(bench, session, name, fail_on_warning=fail_on_warning)
    result = caught.result
    ending = "Failed" if name == "Failing Backup" else "Warning"
    reason = em.world.job(name).failure_message
    assert result["job_session"]["result"] == ending
    assert result["job_session"]["failure_message"] == result["error"]["detail"] == reason
    assert result["changed"] is True
    assert result["task"]["state"] == "Finished"
    assert ending in result["msg"]
    assert (reason or "gives no reason") in result["msg"]
    assert em.tasks(session) == []


@every_wire
def test_a_run_that_somebody_else_stops(bench: Bench, em: Emulator) -> None:
    job = em.world.job("Endless Backup")

    def stop() -> None:
        run = em.world.active_run(job)
        assert run is not None
        run.stop(em.clock.now(), 5)

    bench.during_sleep(8, stop)
    with bench.failure("job_failed") as caught:
        _follow(bench, em.logon(), "Endless Backup")
    assert "canceled" in caught.error.msg
    assert caught.result["job_session"]["state"] == "Stopped"
    assert caught.result["changed"] is True


@every_wire
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize(("wait_timeout", "poll_interval"), [(3600, 60), (100, 1), (7, 1000)])
def test_a_run_that_never_ends(bench: Bench, em: Emulator, own: bool, wait_timeout: int, poll_interval: int) -> None:
    began = em.clock.now()
    with bench.failure("wait_timeout") as caught:
        _follow(bench, None if own else em.logon(), "Endless Backup", wait_timeout=wait_timeout, poll_interval=poll_interval)
    assert wait_timeout <= em.clock.now() - began < wait_timeout + 1
    result = caught.result
    assert result["job_session"]["state"] == "Working"
    assert result["job_session"]["result"] is None
    assert result["job_session"]["progress"] >= 1
    assert result["changed"] is True
    assert result["task"]["state"] == "Finished"
    assert "Endless Backup" in result["msg"]
    assert str(wait_timeout) in result["msg"]
    assert max(bench.slept) <= min(poll_interval, 300)
    assert len(em.sessions) == (not own)
    assert em.world.active_run(em.world.job("Endless Backup")), "waiting no longer is not stopping"


@every_version
def test_a_run_that_never_shows_up(bench: Bench, em: Emulator) -> None:
    em.switches.run_delay = 1e6
    with bench.failure("wait_timeout") as caught:
        _follow(bench, em.logon(), wait_timeout=300)
    assert "shown up" in caught.error.msg
    assert caught.result["job_session"] is None
    assert caught.result["changed"] is True


@every_version
def test_the_wait_for_a_run_may_take_a_day(bench: Bench, em: Emulator) -> None:
    em.world.job("SQL Backup").duration = 86000.0
    assert _follow(bench, em.logon(), poll_interval=100000)["job_session"]["result"] == "Success"
    assert max(bench.slept) <= 300, "an idle session ends after 900 seconds"


@every_version
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_no_time_at_all(bench: Bench, em: Emulator, wait_for: str) -> None:
    with bench.failure("wait_timeout") as caught:
        _follow(bench, em.logon(), wait_for=wait_for, wait_timeout=0)
    assert caught.result["changed"] is True
    assert caught.result["task"]["state"] == "Running"
    assert bench.slept == []


@every_wire
@pytest.mark.parametrize("unknown", [404, 500])
def test_a_run_that_vanishes(bench: Bench, em: Emulator, unknown: int) -> None:
    em.switches.unknown_resource = unknown

    def vanish() -> None:
        run = em.world.runs_of(em.world.job("Endless Backup"))[-1]
        em.world.run_table(run.job).remove(run.id)

    bench.during_sleep(9, vanish)
    with bench.failure("not_found") as caught:
        _follow(bench, em.logon(), "Endless Backup")
    assert "vanished" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["job_session"]["state"] == "Working"
    assert len(bench.slept) == 9


@every_wire
@pytest.mark.parametrize("unknown", [404, 500])
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_task_that_vanishes(bench: Bench, em: Emulator, unknown: int, wait_for: str) -> None:
    em.switches.update({"unknown_task": unknown, "task_running": 60})
    session = em.logon()
    bench.during_sleep(3, lambda: em.remove_task(session, em.tasks(session)[0][0]))
    with bench.failure("not_found") as caught:
        _follow(bench, session, wait_for=wait_for)
    assert "vanished" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["task"]["state"] == "Running"
    assert em.requests("DELETE", TASK) == []


@every_wire
@pytest.mark.parametrize("result", [None, "None"])
def test_a_run_that_stops_before_it_says_how(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, result: str | None
) -> None:
    """The outcome may come a little later than the state."""
    made = Run.values

    def values(self: Run, now: float, switches: Any) -> Any:
        shown = dict(made(self, now, switches))
        return {**shown, "result": result} if now < self.ends + 2 else shown

    monkeypatch.setattr(Run, "values", values)
    monkeypatch.setattr(Run, "is_settled", lambda self, now: now >= self.ends + 2)
    assert _follow(bench, em.logon(), poll_interval=1)["job_session"]["result"] == "Success"


@every_version
def test_a_run_that_never_says_how_it_ended(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Run.values
    monkeypatch.setattr(Run, "values", lambda self, now, switches: {**made(self, now, switches), "result": "None"})
    monkeypatch.setattr(Run, "is_settled", lambda self, now: False)
    with bench.failure("bad_response") as caught:
        _follow(bench, em.logon())
    assert caught.result["job_session"]["state"] == "Stopped"
    assert caught.result["changed"] is True
    assert sum(bench.slept) < 120


# ---------------------------------------------------------------------------------------------------------------------
# What passes, and what does not

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"effect": "status", "status": 503},
    "503 later": {"effect": "status", "status": 503, "retry_after": 2},
    "500": {"effect": "status", "status": 500},
    "502 page": {"effect": "status", "status": 502, "body": "html"},
    "429": {"effect": "status", "status": 429, "body": "empty"},
    "reset": {"effect": "reset"},
    "close": {"effect": "close"},
    "half": {"effect": "cut", "when": "after"},
    "html": {"effect": "html"},
    "json": {"effect": "bad_json"},
    "xml": {"effect": "bad_xml"},
    "garbage": {"effect": "garbage"},
}


@every_wire
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("where", POLLS, ids=["task", "run"])
@pytest.mark.parametrize("retries", [0, 3])
def test_what_passes_is_ridden_out(bench: Bench, em: Emulator, fault: str, where: str, retries: int) -> None:
    session = em.logon()
    armed = em.fault(**FAULTS[fault], method="GET", path=where, skip=1, times=9)
    result = _follow(bench, session, options={"retries": retries})
    assert armed.hits == 9
    assert result["changed"] is True
    assert result["job_session"]["result"] == "Success"
    assert len(actions(em)) == 1
    assert em.tasks(session) == []


@every_form
@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_ridden_out_while_the_run_is_looked_for(bench: Bench, em: Emulator, fault: str) -> None:
    em.switches.related_link = False
    armed = em.fault(**FAULTS[fault], method="GET", query="type=BackupJobSession", skip=2, times=9)
    result = _follow(bench, em.logon(), options={"retries": 0})
    assert armed.hits == 9
    assert result["job_session"]["result"] == "Success"


@every_form
@pytest.mark.parametrize("where", POLLS, ids=["task", "run"])
def test_a_poll_without_an_answer_is_ridden_out(bench: Bench, em: Emulator, where: str) -> None:
    em.fault("slow", delay=1.4, method="GET", path=where, skip=1)
    result = _follow(bench, em.logon(), options={"timeout": 1, "retries": 0})
    assert result["job_session"]["result"] == "Success"


@every_version
@pytest.mark.parametrize("where", POLLS, ids=["task", "run"])
def test_trouble_that_does_not_pass_is_told_at_the_end(bench: Bench, em: Emulator, where: str) -> None:
    em.fault("status", status=503, message="Maintenance until Monday.", method="GET", path=where, skip=1, times=None)
    began = em.clock.now()
    with bench.failure("wait_timeout") as caught:
        _follow(bench, em.logon(), "Endless Backup", wait_timeout=60)
    assert 60 <= em.clock.now() - began < 62
    assert "Maintenance until Monday." in caught.error.msg
    assert "Maintenance until Monday." in caught.result["error"]["detail"]
    assert caught.result["changed"] is True
    assert (caught.result["job_session"] is None) == (where == TASK)


@every_version
@pytest.mark.parametrize("status", [404, 500])
def test_a_related_link_that_leads_nowhere_yet(bench: Bench, em: Emulator, status: int) -> None:
    em.fault("status", status=status, method="GET", path=RUN)
    assert _follow(bench, em.logon())["job_session"]["result"] == "Success"


@every_wire
@pytest.mark.parametrize("where", POLLS, ids=["task", "run"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_session_lost_while_waiting(bench: Bench, em: Emulator, where: str, own: bool) -> None:
    em.fault("expire", method="GET", path=where, skip=2)
    with bench.failure("session_lost") as caught:
        _follow(bench, None if own else em.logon(), "Endless Backup")
    assert caught.result["changed"] is True
    assert caught.result["job"]["name"] == "Endless Backup"
    assert caught.result["error"]["status"] == 401
    if where == RUN:
        assert caught.result["job_session"]["state"] in ("Starting", "Working")
        assert caught.result["task"]["state"] == "Finished"
    else:
        assert caught.result["task"]["state"] in ("Running", "OperationFinished")
    assert len(bench.logons()) == own, "a lost session is not replaced"
    assert len(actions(em)) == 1


@every_version
def test_a_session_lost_after_the_run_was_seen_to_end(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is known."""
    em.switches.update({"operation_finished_forever": True, "run_duration": 200})
    session = em.logon()
    began, made = em.clock.now(), Run.values

    def values(self: Run, now: float, switches: Any) -> Any:
        if began < self.ends <= now and em.sessions:
            em.expire(session)
        return made(self, now, switches)

    monkeypatch.setattr(Run, "values", values)
    result = _follow(bench, session)
    assert em.sessions == []
    assert em.requests("GET")[-1].status == 401
    assert result["job_session"]["result"] == "Success"
    assert result["task"]["state"] == "OperationFinished"


@every_version
@pytest.mark.parametrize("where", POLLS, ids=["task", "run"])
def test_a_refusal_while_waiting_does_not_pass(bench: Bench, em: Emulator, where: str) -> None:
    em.fault("status", status=403, method="GET", path=where, skip=1)
    with bench.failure("forbidden") as caught:
        _follow(bench, em.logon(), "Endless Backup")
    assert caught.result["changed"] is True


@every_version
@pytest.mark.parametrize("related_link", [True, False])
def test_a_404_for_a_run_that_is_listed_passes(bench: Bench, em: Emulator, related_link: bool) -> None:
    em.switches.related_link = related_link
    em.fault("status", status=404, method="GET", path=RUN, skip=3)
    assert _follow(bench, em.logon())["job_session"]["result"] == "Success"


@every_version
@pytest.mark.parametrize("effect", ["html", "garbage"])
def test_a_related_link_that_gives_no_run(bench: Bench, em: Emulator, effect: str) -> None:
    bench.em.fault(effect, method="GET", path=RUN, times=5)
    _follow(bench, em.logon())
    finished = next(number for number, entry in enumerate(em.log) if entry.method == "DELETE")
    assert [entry for entry in list(em.log)[finished:] if entry.query.get("type") == "BackupJobSession"]


@every_version
def test_a_500_for_a_run_costs_one_more_request(bench: Bench, em: Emulator) -> None:
    job = em.world.job("SQL Backup")
    for number in range(200):
        em.world.add_run(job, em.clock.now() - 90000 - number * 60, 10)

    def vanish() -> None:
        run = em.world.runs_of(job)[-1]
        em.world.run_table(job).remove(run.id)
        em.clear_log()

    em.switches.run_duration = 60
    bench.during_sleep(9, vanish)
    with bench.failure("not_found"):
        _follow(bench, em.logon())
    assert len(em.log) <= 4  # two of which to see that the server finds by its filter what is there


# ---------------------------------------------------------------------------------------------------------------------
# What is said, and what it comes to


@every_version
def test_progress_is_reported(bench: Bench, em: Emulator, lines: list[str]) -> None:
    em.switches.run_duration = 60
    _follow(bench, em.logon(), poll_interval=5)
    assert lines[0].startswith("task-")
    assert any("StartJob: Finished" in line for line in lines)
    percents = [int(match[1]) for line in lines if (match := re.search(r"SQL Backup@.*: \w+ (\d+)%$", line))]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert len(percents) > 5


@every_version
def test_pauses_begin_short_and_grow(bench: Bench, em: Emulator) -> None:
    with bench.failure("wait_timeout"):
        _follow(bench, em.logon(), "Endless Backup", wait_timeout=1000, poll_interval=20)
    assert bench.slept[0] <= 0.25
    assert max(bench.slept) <= 20
    assert min(bench.slept[20:-1]) >= 18
    assert len(bench.slept) < 80


@pytest.mark.parametrize("name", ["SQL Backup", "DC Replication", "Failing Backup", "Offsite Mirror"])
@pytest.mark.parametrize("case", ["follow", "stop", "timeout"])
def test_results_are_the_same_everywhere(name: str, case: str, wires: Callable[[], list[Bench]]) -> None:
    """But for the precision of dates, and what is new with each run."""
    seen = []
    for bench in wires():
        em = bench.em
        session = em.logon()
        if case == "stop" and name == "Offsite Mirror":
            continue
        if case == "stop":
            start(em, name, outcome="never")
        try:
            result = _follow(
                bench,
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
def wires() -> Iterator[Callable[[], list[Bench]]]:
    """Give a maker of benches for every version and format, each with an emulator of its own."""
    with ExitStack() as stack:

        def make() -> list[Bench]:
            benches = []
            for version in (12, 13):
                for form in ("xml", "json", "auto"):
                    em = stack.enter_context(Emulator(Switches(version=version, run_duration=10), speed=0))
                    bench = Bench(em, form)
                    stack.callback(bench.close)
                    benches.append(bench)
            return benches

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
        value = value.replace(run.id, "RUN")
    return re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\dZ]*", "DATE", value)


def test_that_a_warning_cannot_fail_what_is_not_waited_for_is_said(bench: Bench, em: Emulator) -> None:
    _follow(bench, em.logon(), fail_on_warning=True, wait_for="task")
    assert [warning for warning in bench.warnings if "fail_on_warning" in warning]
    _follow(bench, em.logon(), fail_on_warning=True)
    assert bench.warnings == []
