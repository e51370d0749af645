# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs are found whatever they are called, and started, stopped, retried and scheduled once, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator
from emulator.backend import Backend
from emulator.jobs import Job

from .bench import Bench, Session, every_form, every_version, every_wire

FOREIGN = "vbem.internal.invalid"
ACTION = r"/api/(agents/|nas/)?jobs/[^/]+(\?action=|/)\w+$"


def run_job(
    bench: Bench, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job."""
    return bench.run(veeam_job, session, options or {}, params, check_mode=check_mode)


def actions(em: Emulator) -> list[str]:
    """Give the targets of the actions that were asked for."""
    return [entry.target for entry in em.requests("POST", ACTION)]


def start(em: Emulator, name: str, **settings: Any) -> Any:
    """Have a job's run begin, as somebody else would; it can be seen at once."""
    run = em.world.start_run(em.world.job(name), **settings)
    run.visible_from = 0.0
    return run


def listed(em: Emulator) -> list[str]:
    """Give the requests so far, in short."""
    short = []
    for entry in em.log:
        what = entry.query.get("type") or entry.path.split("/")[2]
        what = "action" if entry.method == "POST" and "action" in entry.query else what
        short.append(f"{entry.method} {what}")
    return short


# ---------------------------------------------------------------------------------------------------------------------
# Finding


NAMES = (
    'R&D "special"; (A,B) == x',
    "B\u00fcro-Sicherung \u00d8st",
    "SQL Backup",
    '""',
    '"quoted"',
    "a,b;c==d",
    "x)(",
    "100% & more + #1 ?a=b",
    "two  spaces",
    "\u65e5\u672c\u8a9e \U0001f4be",
    "back\\slash/and/slash",
    "<xml> &amp; 'apostrophe'",
    "Name==x",
    "%22",
    "a\tb",
)


@every_wire
@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_found_by_its_name_whatever_is_in_it(bench: Bench, em: Emulator, name: str) -> None:
    if all(job.name != name for job in em.world.jobs):
        em.world.add_job(name, server="vbr03")
    wanted = em.world.job(name)
    result = run_job(bench, em.logon(), name=name, state="stopped")
    assert result["job"]["name"] == name
    assert result["job"]["uid"] == wanted.uid
    assert result["job"]["backup_server"] == wanted.server.name
    assert result["changed"] is False


@every_wire
@pytest.mark.parametrize("name", [" padded", "padded ", "  padded  "])
def test_a_job_is_found_by_its_name_with_spaces_around_it(bench: Bench, em: Emulator, name: str) -> None:
    wanted = em.world.add_job(name)
    assert run_job(bench, em.logon(), name=name, state="stopped")["job"]["uid"] == wanted.uid


@every_wire
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
@pytest.mark.parametrize("form_of_uid", ["urn", "guid", "upper", "other urn"])
def test_a_job_is_found_by_its_uid_with_and_without_urn(bench: Bench, em: Emulator, kind: str, form_of_uid: str) -> None:
    wanted = next(job for job in em.world.jobs if job.kind == kind)
    uid = {
        "urn": wanted.uid,
        "guid": wanted.id,
        "upper": wanted.id.upper(),
        "other urn": f"urn:veeam:Job:{wanted.id}",
    }[form_of_uid]
    result = run_job(bench, em.logon(), uid=uid, kind=kind, state="stopped")
    assert result["job"]["uid"] == wanted.uid
    assert result["job"]["name"] == wanted.name


@pytest.mark.parametrize(
    "uid", ["", "  ", "SQL Backup", "urn:veeam:Job:", "d014d7d6-7695-5528-bd92-40edf3e36ead-1", "d014d7d6"]
)
def test_what_is_no_uid_is_told_before_anything_is_sent(bench: Bench, em: Emulator, uid: str) -> None:
    with bench.failure("invalid_option") as caught:
        run_job(bench, uid=uid, state="started")
    assert "uid" in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"state": "started"}, "name"),
        ({"name": "a", "uid": "b", "state": "started"}, "name"),
        ({"name": "SQL Backup"}, "schedule_enabled"),
        ({"name": "", "state": "started"}, "name"),
        ({"name": " ", "state": "started"}, "name"),
        ({"name": "SQL Backup", "state": "started", "wait_timeout": -1}, "wait_timeout"),
        ({"name": "SQL Backup", "state": "started", "poll_interval": 0}, "poll_interval"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_told_before_anything_is_sent(
    bench: Bench, em: Emulator, params: dict[str, Any], said: str
) -> None:
    with bench.failure("invalid_option") as caught:
        run_job(bench, **params)
    assert said in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize("server", ["", " "])
def test_an_empty_backup_server_is_told_before_anything_is_sent(bench: Bench, em: Emulator, server: str) -> None:
    with bench.failure("invalid_option"):
        run_job(bench, name="SQL Backup", backup_server=server, state="started")
    assert em.log == []


@every_wire
def test_twins_are_ambiguous_and_listed(bench: Bench, em: Emulator) -> None:
    with bench.failure("ambiguous") as caught:
        run_job(bench, em.logon(), name="Daily Backup", state="started")
    for job in (em.world.job("Daily Backup", "vbr01"), em.world.job("Daily Backup", "vbr02")):
        assert job.uid in caught.error.msg
        assert job.server.name in caught.error.msg
    assert "backup_server" in caught.error.msg
    assert [job["backup_server"] for job in caught.result["jobs"]] == ["vbr01.vbem.test", "vbr02.vbem.test"]
    assert actions(em) == []


@every_wire
@pytest.mark.parametrize("server", ["vbr02.vbem.test", "VBR02.vbem.TEST"])
def test_a_backup_server_tells_twins_apart(bench: Bench, em: Emulator, server: str) -> None:
    result = run_job(bench, em.logon(), name="Daily Backup", backup_server=server, state="started")
    assert result["job"]["uid"] == em.world.job("Daily Backup", "vbr02").uid
    assert em.world.active_run(em.world.job("Daily Backup", "vbr02"))
    assert not em.world.active_run(em.world.job("Daily Backup", "vbr01"))


@every_version
def test_twins_on_one_server_are_told_apart_by_uid(bench: Bench, em: Emulator) -> None:
    twin = em.world.add_job("SQL Backup", server="vbr01")
    session = em.logon()
    with bench.failure("ambiguous") as caught:
        run_job(bench, session, name="SQL Backup", backup_server="vbr01.vbem.test", state="started")
    assert twin.uid in caught.error.msg
    assert "uid" in caught.error.msg
    assert run_job(bench, session, uid=twin.uid, state="started")["job"]["uid"] == twin.uid


@every_wire
def test_names_that_differ_in_case_only(bench: Bench, em: Emulator) -> None:
    lower = em.world.add_job("sql backup", server="vbr02")
    session = em.logon()
    assert run_job(bench, session, name="sql backup", state="stopped")["job"]["uid"] == lower.uid
    assert run_job(bench, session, name="SQL Backup", state="stopped")["job"]["name"] == "SQL Backup"
    with bench.failure("ambiguous") as caught:
        run_job(bench, session, name="SQL BACKUP", state="stopped")
    assert lower.uid in caught.error.msg
    assert run_job(bench, session, name="OFFSITE copy", state="stopped")["job"]["name"] == "Offsite Copy"


@every_wire
def test_not_found_says_what_there_is_instead(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    with bench.failure("not_found") as caught:
        run_job(bench, session, name="Daily Backup", backup_server="vbr03.vbem.test", state="started")
    assert "vbr03.vbem.test" in caught.error.msg
    for server in ("vbr01.vbem.test", "vbr02.vbem.test"):
        assert server in caught.error.msg
    with bench.failure("not_found") as caught:
        run_job(bench, session, name="Nightly", state="started")
    assert "Nightly" in caught.error.msg
    assert "spelling" in caught.error.msg
    with bench.failure("not_found") as caught:
        run_job(bench, session, name="SQL Backup", kind="nas", state="started")
    assert "nas" in caught.error.msg
    with bench.failure("not_found"):
        run_job(bench, session, uid="00000000-0000-0000-0000-000000000000", state="started")
    assert actions(em) == []


@every_wire
@pytest.mark.parametrize("status", [400, 500, 501])
@pytest.mark.parametrize("name", ["SQL Backup", 'R&D "special"; (A,B) == x'])
def test_a_filter_that_is_rejected_is_made_up_for(bench: Bench, em: Emulator, status: int, name: str) -> None:
    em.fault("status", status=status, message="Filter is bad.", query="type=Job&.*filter=", times=None)
    assert run_job(bench, em.logon(), name=name, state="stopped")["job"]["name"] == name
    assert len(em.requests("GET", "type=Job&")) == 2


@every_version
@pytest.mark.parametrize(("status", "kind"), [(401, "session_lost"), (403, "forbidden"), (503, "server_error")])
def test_other_refusals_of_the_query_are_not_hidden(bench: Bench, em: Emulator, status: int, kind: str) -> None:
    em.fault("status", status=status, query="type=Job&.*filter=", times=None)
    with bench.failure(kind):
        run_job(bench, em.logon(), options={"retries": 0}, name="SQL Backup", state="stopped")
    assert len(em.log) == 1


@every_wire
@pytest.mark.parametrize("status", [400, 404, 500, 501])
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_a_type_that_is_not_known_is_made_up_for(bench: Bench, em: Emulator, status: int, kind: str) -> None:
    em.switches.hrefs = "foreign"
    em.fault("status", status=status, message="No such type.", query=r"type=\w*Job(&|$)", times=None)
    job = next(job for job in em.world.jobs if job.kind == kind)
    session = em.logon()
    for target in ({"name": job.name, "backup_server": job.server.name}, {"uid": job.uid}):
        result = run_job(bench, session, kind=kind, **target, state="stopped")
        assert result["job"]["uid"] == job.uid
        assert result["job"]["href"].startswith(em.base_url)
    assert run_job(bench, session, kind=kind, uid=job.id, state="started", wait_for="session")["changed"] is True
    with bench.failure("not_found"):
        run_job(bench, session, kind=kind, name="Nightly", state="started")
    path = {"job": "/api/jobs", "agent": "/api/agents/jobs", "nas": "/api/nas/jobs"}[kind]
    assert len(em.requests("GET", f"{path}\\?format=Entity$")) == 4


@every_wire
def test_nothing_but_refusals_is_told(bench: Bench, em: Emulator) -> None:
    em.fault("status", status=500, message="Database is gone.", path=r"/api/(query|jobs)$", times=None)
    with bench.failure("server_error") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert "Database is gone." in caught.error.msg
    assert len(em.log) == 3


def _spoil_filter(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    from emulator.query import Listing

    def ignore(self: Listing, text: str | None) -> Any:
        return None if what == "ignored" else (lambda row: False) if text else None

    monkeypatch.setattr(Listing, "_predicate", ignore)


@every_wire
@pytest.mark.parametrize("what", ["ignored", "empty"])
def test_a_filter_that_is_ignored_or_finds_nothing_is_made_up_for(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    session = em.logon()
    _spoil_filter(monkeypatch, what)
    assert run_job(bench, session, name="SQL Backup", schedule_enabled=True)["job"]["name"] == "SQL Backup"
    with bench.failure("ambiguous"):
        run_job(bench, session, name="Daily Backup", schedule_enabled=True)
    with bench.failure("not_found"):
        run_job(bench, session, name="Nightly", schedule_enabled=True)


@every_wire
@pytest.mark.parametrize("what", ["ignored", "empty", "half"])
def test_a_filter_that_finds_nothing_is_not_taken_for_a_job_that_does_not_run(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    session = em.logon()
    run = em.world.start_run(em.world.job("Endless Backup"))
    em.clock.advance(60)
    if what == "half":  # nothing is what the server calls unlike something
        from emulator.query import Listing

        monkeypatch.setattr(Listing, "_predicate", lambda _self, text: (lambda _row: "State" not in text) if text else None)
    else:
        _spoil_filter(monkeypatch, what)
    result = run_job(bench, session, name="Endless Backup", state="stopped")
    assert result["changed"] is True
    assert run.stop_asked is not None


@every_version
def test_a_job_is_found_on_a_late_page(bench: Bench, em: Emulator) -> None:
    for number in range(120):
        em.world.add_job(f"Job {number}")
    em.switches.max_page_size = 50
    em.fault("status", status=500, query="type=Job&.*filter=", times=None)
    assert run_job(bench, em.logon(), name="Job 119", state="stopped")["job"]["name"] == "Job 119"


# ---------------------------------------------------------------------------------------------------------------------
# Started, stopped, retried, scheduled


def _prepare(em: Emulator, state: str) -> str:
    """Give a job that this state changes."""
    if state == "stopped":
        start(em, "Endless Backup")
        return "Endless Backup"
    return "Failing Backup" if state == "retried" else "SQL Backup"


@every_wire
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize(
    ("state", "action", "operation"),
    [("started", "start", "StartJob"), ("stopped", "stop", "StopJob"), ("retried", "retry", "RetryJob")],
)
def test_a_state_is_brought_about_once(
    bench: Bench, em: Emulator, *, own: bool, state: str, action: str, operation: str
) -> None:
    name = _prepare(em, state)
    job = em.world.job(name)
    runs = len(em.world.runs_of(job))
    session = None if own else em.logon()
    predicted = run_job(bench, session, name=name, state=state, check_mode=True)
    assert actions(em) == []
    assert len(em.world.runs_of(job)) == runs
    result = run_job(bench, session, name=name, state=state)
    assert actions(em) == [f"/api/jobs/{job.id}?action={action}"]
    assert result.keys() == predicted.keys() == {"changed", "job", "task", "job_session"}
    assert result["changed"] is predicted["changed"] is True
    assert result["job"] == predicted["job"]
    assert predicted["task"] is None
    assert result["task"]["operation"] == operation
    assert result["task"]["state"] == "Finished"
    assert result["task"]["success"] is True
    assert len(em.world.runs_of(job)) == runs + (state != "stopped")
    em.clock.advance(10)
    if state == "stopped":
        assert em.world.active_run(job) is None
        for check_mode in (True, False):
            assert run_job(bench, session, name=name, state=state, check_mode=check_mode)["changed"] is False
        assert len(actions(em)) == 1
    deleted = [entry.path for entry in em.requests("DELETE", "/api/tasks/")]
    assert deleted == [f"/api/tasks/{result['task']['task_id']}"]
    assert len(bench.logoffs()) == len(bench.logons())
    assert len(em.sessions) == (0 if own else 1)
    assert em.tasks(session) == [] if session else True


@every_wire
def test_a_job_that_runs_is_not_started_again(bench: Bench, em: Emulator) -> None:
    run = start(em, "Endless Backup")
    em.clock.advance(5)
    session = em.logon()
    for check_mode in (True, False):
        result = run_job(bench, session, name="Endless Backup", state="started", check_mode=check_mode)
        assert result["changed"] is False
        assert result["task"] is None
        assert result["job_session"]["uid"] == run.uid
        assert result["job_session"]["state"] == "Working"
        assert result["job_session"]["result"] is None
        assert result["job_session"]["end_time"] is None
    assert actions(em) == []


@every_version
@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("last", ["success", "warning", "failed", "none"])
def test_retried_runs_again_what_failed_or_warned_only(bench: Bench, em: Emulator, running: bool, last: str) -> None:
    job = em.world.add_job("Retry me", script="never")
    if last != "none":
        em.world.add_run(job, em.clock.now() - 9000, 10, "failed" if last == "success" else "success")
        em.world.add_run(job, em.clock.now() - 5000, 10, last)
    if running:
        start(em, "Retry me")
    session = em.logon()
    needed = last in ("warning", "failed") and not running
    for check_mode in (True, False):
        assert run_job(bench, session, name="Retry me", state="retried", check_mode=check_mode)["changed"] is needed
        assert len(actions(em)) == (needed and not check_mode)
    if needed:
        assert em.world.runs_of(job)[-1].is_retry


@every_wire
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
@pytest.mark.parametrize("before", [True, False])
def test_the_schedule_is_switched_once(bench: Bench, em: Emulator, kind: str, before: bool) -> None:
    job = next(job for job in em.world.jobs if job.kind == kind)
    job.enabled = before
    session = em.logon()
    target = {"uid": job.uid, "kind": kind}
    for check_mode in (True, False):
        assert run_job(bench, session, **target, schedule_enabled=before, check_mode=check_mode)["changed"] is False
    predicted = run_job(bench, session, **target, schedule_enabled=not before, check_mode=True)
    assert actions(em) == []
    result = run_job(bench, session, **target, schedule_enabled=not before)
    assert len(actions(em)) == 1
    assert actions(em)[0].lower().endswith("togglescheduleenabled")
    assert result["changed"] is predicted["changed"] is True
    assert result["job"]["schedule_enabled"] is predicted["job"]["schedule_enabled"] is (not before)
    assert job.schedule_enabled(em.clock.now()) is (not before)
    assert result["task"]["operation"] == "UpdateJob"
    assert run_job(bench, session, **target, schedule_enabled=not before)["changed"] is False
    assert len(em.requests("DELETE", "/api/tasks/")) == 1


@every_version
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
def test_schedule_and_state_together(bench: Bench, em: Emulator, wait_for: str) -> None:
    session = em.logon()
    desired = {"name": "Weekly Archive", "schedule_enabled": True, "state": "started", "wait_for": wait_for}
    predicted = run_job(bench, session, **desired, check_mode=True)
    result = run_job(bench, session, **desired)
    assert predicted["changed"] is result["changed"] is True
    assert [target.rpartition("=")[2] for target in actions(em)] == ["toggleScheduleEnabled", "start"]
    assert result["task"]["operation"] == "StartJob"
    assert len(em.requests("DELETE", "/api/tasks/")) == (0 if wait_for == "nothing" else 2)
    if wait_for == "session":
        assert result["job_session"]["result"] == "Success"


@every_wire
@pytest.mark.parametrize("name", ["Offsite Copy", "Offsite Mirror"])
def test_a_backup_copy_is_started_by_sync(bench: Bench, em: Emulator, name: str) -> None:
    session = em.logon()
    assert run_job(bench, session, name=name, state="started", check_mode=True)["changed"] is True
    result = run_job(bench, session, name=name, state="started", wait_for="session")
    assert actions(em) == [f"/api/jobs/{em.world.job(name).id}?action=sync"]
    assert result["task"]["operation"] == "StartJobSync"
    assert result["job_session"]["result"] == "Success"
    assert result["job_session"]["progress"] == (0 if name == "Offsite Mirror" else 100)


@every_version
@pytest.mark.parametrize("state", ["stopped", "retried"])
def test_what_a_backup_copy_cannot_do_is_said(bench: Bench, em: Emulator, state: str) -> None:
    job = em.world.job("Offsite Copy")
    session = em.logon()
    assert run_job(bench, session, name="Offsite Copy", state=state)["changed"] is False
    if state == "stopped":
        start(em, "Offsite Copy", outcome="never")
    else:
        em.world.add_run(job, em.clock.now() - 60, 10, "failed")
    for check_mode in (True, False):
        with bench.failure("invalid_option") as caught:
            run_job(bench, session, name="Offsite Copy", state=state, check_mode=check_mode)
        assert state in caught.error.msg
        assert "Offsite Copy" in caught.error.msg
        assert "BackupCopy" in caught.error.msg
        assert caught.result["job"]["uid"] == job.uid
    assert actions(em) == []


@every_wire
@pytest.mark.parametrize(
    ("kind", "name", "operations"),
    [
        ("agent", "Linux Agents", ("StartJob", "StopAgentJob", "RetryAgentJob")),
        ("nas", "Shared Files", ("StartNasJob", "StopNasJob", "RetryNasJob")),
    ],
)
def test_agent_and_nas_jobs_by_their_own_types(
    bench: Bench, em: Emulator, kind: str, name: str, operations: tuple[str, ...]
) -> None:
    session = em.logon()
    job = em.world.job(name)
    job.script = ["never", "failed", "success"]
    started = run_job(bench, session, name=name, kind=kind, state="started")
    em.clock.advance(1)
    stopped = run_job(bench, session, name=name, kind=kind, state="stopped", wait_for="session")
    assert stopped["job_session"]["state"] == "Stopped"
    retried = run_job(bench, session, name=name, kind=kind, state="retried")
    assert tuple(result["task"]["operation"] for result in (started, stopped, retried)) == operations
    path = f"/api/agents/jobs/{job.id}?action=" if kind == "agent" else f"/api/nas/jobs/{job.id}/"
    assert actions(em) == [path + action for action in ("start", "stop", "retry")]
    types = {entry.query["type"] for entry in em.requests("GET", r"^/api/query\?")}
    assert types == {"AgentBackupJob" if kind == "agent" else "NasJob", "BackupJobSession"}
    with bench.failure("not_found"):
        run_job(bench, session, name=name, state="started")


@every_wire
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_links_lead_to_the_configured_server_only(bench: Bench, em: Emulator, hrefs: str, kind: str) -> None:
    em.switches.hrefs = hrefs
    job = next(job for job in em.world.jobs if job.kind == kind)
    result = run_job(bench, em.logon(), uid=job.uid, kind=kind, state="started", wait_for="session")
    assert result["changed"] is True
    for href in (result["job"]["href"], result["task"]["href"], result["job_session"]["href"]):
        assert href.startswith(em.base_url + "/api/")
    assert FOREIGN not in str(result)
    for entry in em.log:
        assert entry.header("Host") == f"{em.hostname}:{em.port}"


@every_wire
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_the_address_of_an_action_comes_from_the_link(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server may move its actions: what is posted to is what the link says, to the letter."""
    from emulator.document import Link

    made = Job.links

    def moved(self: Job, now: float) -> list[Link]:
        kept = [link for link in made(self, now) if link.rel not in ("Start", "ToggleScheduleEnabled")]
        return [*kept, Link("start", f"/api/Elsewhere/{self.id}?x=1&action=Begin%20it")]

    monkeypatch.setattr(Job, "links", moved)
    job = next(job for job in em.world.jobs if job.kind == kind)
    with bench.failure("not_found"):
        run_job(bench, em.logon(), uid=job.uid, kind=kind, state="started")
    assert [entry.target for entry in em.requests("POST")] == [f"/api/Elsewhere/{job.id}?x=1&action=Begin%20it"]
    with bench.failure("invalid_option") as caught:
        run_job(bench, em.logon(), uid=job.uid, kind=kind, schedule_enabled=not job.enabled)
    assert "ToggleScheduleEnabled" in caught.error.msg


@every_wire
def test_a_link_out_of_the_api_is_not_followed(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from emulator.document import Link

    monkeypatch.setattr(Job, "links", lambda self, now: [Link("Start", "/elsewhere/x?action=start")])
    with bench.failure("bad_response"):
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert em.requests("POST") == []


@every_version
def test_a_user_who_may_not_start_jobs(bench: Bench, em: Emulator) -> None:
    bench.user = "operator"
    with bench.failure("forbidden") as caught:
        run_job(bench, name="SQL Backup", state="started")
    assert "Portal Administrator" in caught.error.msg
    assert caught.result["changed"] is False
    assert len(actions(em)) == 1
    assert em.sessions == []


# ---------------------------------------------------------------------------------------------------------------------
# The request itself


@every_wire
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_answer_of_success_will_do(bench: Bench, em: Emulator, status: int, wait_for: str) -> None:
    em.switches.action_answer = status
    result = run_job(bench, em.logon(), name="SQL Backup", state="started", wait_for=wait_for)
    assert result["changed"] is True
    assert (result["task"] is None) == (status == 204)
    assert (result["job_session"] or {}).get("result") == ("Success" if wait_for == "session" else None)
    assert len(actions(em)) == 1


@every_wire
@pytest.mark.parametrize("body", ["empty", "html", "text"])
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
def test_an_answer_that_cannot_be_read_was_a_change(bench: Bench, em: Emulator, body: str, wait_for: str) -> None:
    em.fault("status", status=202, body=body, message="Accepted", method="POST", path=r"/jobs/", when="after")
    with bench.failure("bad_response") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started", wait_for=wait_for)
    assert caught.result["changed"] is True
    assert caught.result["job"]["name"] == "SQL Backup"
    assert caught.result["task"] is None
    assert caught.result["error"]["status"] == 202
    assert caught.result["error"]["method"] == "POST"
    assert len(actions(em)) == 1


@every_form
@pytest.mark.parametrize("effect", ["html", "bad_json", "bad_xml", "garbage"])
def test_nonsense_after_the_action_was_a_change(bench: Bench, em: Emulator, effect: str) -> None:
    em.fault(effect, method="POST", path=r"/jobs/", when="after")
    with bench.failure("bad_response") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert caught.result["changed"] is True
    assert len(actions(em)) == 1


@pytest.mark.parametrize("body", ["empty", "html"])
def test_an_answer_that_cannot_be_read_is_explained(bench: Bench, em: Emulator, body: str) -> None:
    em.fault("status", status=202, body=body, method="POST", path=r"/jobs/", when="after")
    with bench.failure("bad_response") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert "took the request" in caught.error.msg or "carried out" in caught.error.msg


@every_wire
@pytest.mark.parametrize("effect", ["reset", "close", "slow", "cut"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_request_without_an_answer_is_not_repeated(bench: Bench, em: Emulator, effect: str, own: bool) -> None:
    em.fault(effect, method="POST", path=r"/jobs/", when="after", delay=2.5 if effect == "slow" else 0)
    options = {"timeout": 1} if effect == "slow" else {}
    with bench.failure("timeout" if effect == "slow" else "connection") as caught:
        run_job(bench, None if own else em.logon(), options=options, name="SQL Backup", state="started", wait_for="session")
    assert len(actions(em)) == 1
    assert "not repeated" in caught.error.msg
    assert "may have been carried out" in caught.error.msg
    assert caught.result["error"]["method"] == "POST"
    assert caught.result["job"]["name"] == "SQL Backup"
    assert len(em.sessions) == (0 if own else 1)


@every_version
@pytest.mark.parametrize("status", [400, 409, 429, 500, 502, 503, 504])
def test_a_request_that_is_refused_is_not_repeated(bench: Bench, em: Emulator, status: int) -> None:
    em.fault("status", status=status, message="Not now.", method="POST", path=r"/jobs/")
    with bench.failure("server_error") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert len(actions(em)) == 1
    assert caught.result["changed"] is False
    assert "Not now." in caught.error.msg
    assert ("may have been carried out" in caught.error.msg) is (status in (502, 504))


@every_version
def test_a_session_lost_at_the_request(bench: Bench, em: Emulator) -> None:
    em.fault("expire", method="POST", path=r"/jobs/")
    with bench.failure("session_lost") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert caught.result["changed"] is False
    assert em.world.active_run(em.world.job("SQL Backup")) is None


# ---------------------------------------------------------------------------------------------------------------------
# Tasks that fail, races


def _rule_tasks(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Make the tasks of actions end as the settings say."""
    made = Backend.action_task

    def ruled(self: Backend, *asked: Any) -> Any:
        task = made(self, *asked)
        for name, value in settings.items():
            setattr(task, name, value)
        return task

    monkeypatch.setattr(Backend, "action_task", ruled)


@every_wire
@pytest.mark.parametrize("wait_for", ["task", "session"])
@pytest.mark.parametrize("message", ["Licence expired.", None])
def test_a_task_that_fails(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str, message: str | None
) -> None:
    _rule_tasks(monkeypatch, success=False, message=message)
    monkeypatch.setattr(start(em, "Endless Backup"), "stop", lambda *_args: None)
    session = em.logon()
    with bench.failure("task_failed") as caught:
        run_job(bench, session, name="Endless Backup", state="stopped", wait_for=wait_for)
    assert (message or "no reason") in caught.error.msg
    assert "Endless Backup" in caught.error.msg
    assert caught.result["changed"] is False
    assert caught.result["task"]["success"] is False
    assert caught.result["error"]["detail"] == message
    assert len(em.requests("DELETE", "/api/tasks/")) == 1
    assert em.tasks(session) == []


@every_wire
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
def test_a_task_that_is_finished_at_once(bench: Bench, em: Emulator, wait_for: str) -> None:
    em.switches.update({"action_answer": 200, "task_running": 0, "task_collecting": 0})
    session = em.logon()
    result = run_job(bench, session, name="SQL Backup", state="started", wait_for=wait_for)
    assert result["task"]["success"] is True
    assert em.requests("GET", "/api/tasks/") == []
    assert len(em.requests("DELETE", "/api/tasks/")) == (wait_for != "nothing")


@every_wire
@pytest.mark.parametrize("wait_for", ["task", "session"])
@pytest.mark.parametrize("wish", [{"state": "stopped"}, {"schedule_enabled": False}], ids=str)
def test_a_task_that_failed_at_once(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str, wish: dict[str, Any]
) -> None:
    em.switches.update({"action_answer": 200, "task_running": 0, "task_collecting": 0})
    _rule_tasks(monkeypatch, success=False, message="Licence expired.", stopped=True)
    run = start(em, "Endless Backup")
    monkeypatch.setattr(run, "stop", lambda *_args: None)
    with bench.failure("task_failed") as caught:
        run_job(bench, em.logon(), name="Endless Backup", wait_for=wait_for, wait_timeout=60, **wish)
    assert caught.result["changed"] is False


@every_version
def test_a_schedule_task_that_fails(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    _rule_tasks(monkeypatch, success=False, message="Licence expired.", stopped=True)
    session = em.logon()
    with bench.failure("task_failed") as caught:
        run_job(bench, session, name="SQL Backup", schedule_enabled=False)
    assert em.tasks(session) == []
    assert caught.result["changed"] is False


@every_version
def test_a_schedule_task_that_fails_is_told(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    _rule_tasks(monkeypatch, success=False, message="Licence expired.", stopped=True)
    with bench.failure("task_failed") as caught:
        run_job(bench, em.logon(), name="SQL Backup", schedule_enabled=False)
    assert "Licence expired." in caught.error.msg
    assert caught.result["job"]["schedule_enabled"] is True


@every_version
def test_a_schedule_that_somebody_else_switched_meanwhile(bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    job = em.world.job("SQL Backup")
    bench.during_sleep(1, lambda: setattr(job, "enabled", not job.enabled))
    with bench.failure("server_error") as caught:
        run_job(bench, em.logon(), name="SQL Backup", schedule_enabled=False)
    assert "schedule" in caught.error.msg
    assert caught.result["changed"] is True
    assert len(actions(em)) == 1


@every_wire
def test_a_schedule_of_which_nothing_is_known_is_not_switched(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Job.values
    monkeypatch.setattr(Job, "values", lambda self, now, switches: {**made(self, now, switches), "scheduleenabled": None})
    with bench.failure("bad_response"):
        run_job(bench, em.logon(), name="SQL Backup", schedule_enabled=True)
    assert actions(em) == []


def _race(em: Emulator, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], object]) -> None:
    """Have something happen after the module has looked and before its request arrives."""
    from emulator.actions import Actions

    made = Actions.carry_out

    def late(self: Actions, session: Any, target: Any, action: str) -> Any:
        happen()
        return made(self, session, target, action)

    monkeypatch.setattr(Actions, "carry_out", late)


@every_wire
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_job_that_somebody_else_started_meanwhile_is_started(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str
) -> None:
    _race(em, monkeypatch, lambda: start(em, "SQL Backup"))
    session = em.logon()
    result = run_job(bench, session, name="SQL Backup", state="started", wait_for=wait_for)
    assert result["changed"] is False
    assert result["task"]["success"] is False
    assert result["job_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid
    assert result["job_session"]["result"] == ("Success" if wait_for == "session" else None)
    assert em.tasks(session) == []
    assert len(actions(em)) == 1


@every_wire
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_job_that_ended_meanwhile_is_stopped(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str
) -> None:
    run = start(em, "Endless Backup")
    _race(em, monkeypatch, lambda: run.finish(em.clock.now(), "success"))
    result = run_job(bench, em.logon(), name="Endless Backup", state="stopped", wait_for=wait_for)
    assert result["changed"] is False


@every_wire
def test_a_job_that_somebody_else_started_just_now_is_started(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    em.switches.run_delay = 2.0
    _race(em, monkeypatch, lambda: em.world.start_run(em.world.job("SQL Backup")))
    result = run_job(bench, em.logon(), name="SQL Backup", state="started", wait_for="session")
    assert result["job_session"]["result"] == "Success"


@every_version
@pytest.mark.parametrize("how", ["500", "timeout", "gone"])
def test_a_task_that_cannot_be_removed_is_no_failure(bench: Bench, em: Emulator, how: str) -> None:
    session = em.logon()
    if how == "500":
        em.fault("status", status=500, message="Locked.", method="DELETE", path="/tasks/")
    elif how == "timeout":
        em.fault("reset", method="DELETE", path="/tasks/", when="after")
    else:
        em.fault("status", status=404, method="DELETE", path="/tasks/")
    result = run_job(bench, session, name="SQL Backup", state="started")
    assert result["changed"] is True
    assert len(em.requests("DELETE", "/api/tasks/")) == 1
    if how == "gone":
        assert bench.warnings == []
    else:
        (warning,) = bench.warnings
        assert result["task"]["task_id"] in warning


@every_version
def test_a_task_that_does_not_say_how_it_ended_is_warned_of(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rule_tasks(monkeypatch, success=None)
    result = run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert result["changed"] is True
    (warning,) = bench.warnings
    assert "StartJob" in warning


# ---------------------------------------------------------------------------------------------------------------------
# How much is asked

START = ["GET Job", "GET BackupJobSession", "POST action", "GET tasks", "DELETE tasks"]


@every_wire
@pytest.mark.parametrize(
    ("name", "wish", "requests"),
    [
        ("SQL Backup", {"state": "started", "wait_for": "nothing"}, START[:3]),
        ("SQL Backup", {"state": "started"}, START),
        ("SQL Backup", {"state": "started", "wait_for": "session"}, [*START, "GET backupSessions"]),
        ("SQL Backup", {"state": "retried"}, START[:2]),
        ("SQL Backup", {"state": "stopped"}, START[:2]),
        ("SQL Backup", {"schedule_enabled": True}, START[:1]),
        ("SQL Backup", {"schedule_enabled": False}, ["GET Job", "POST action", "GET tasks", "DELETE tasks", "GET Job"]),
    ],
    ids=str,
)
def test_requests_are_as_few_as_these(bench: Bench, em: Emulator, name: str, wish: dict[str, Any], requests: list[str]) -> None:
    """Of polls, which depend on how long things take, one is counted, and one of the looks at runs (see below)."""
    run_job(bench, em.logon(), name=name, **wish)
    seen = listed(em)
    polls = ("GET tasks", "GET backupSessions", "GET BackupJobSession")
    assert [entry for number, entry in enumerate(seen) if entry not in polls or entry not in seen[:number]] == requests


@every_version
@pytest.mark.parametrize(
    ("wish", "most"),
    [({"state": "stopped"}, 3), ({"state": "started", "wait_for": "nothing"}, 3)],
    ids=str,
)
def test_the_last_run_is_read_only_where_it_matters(bench: Bench, em: Emulator, wish: dict[str, Any], most: int) -> None:
    run_job(bench, em.logon(), name="SQL Backup", **wish)
    assert len(em.log) <= most


@every_version
def test_nothing_is_read_twice_without_a_pause(bench: Bench, em: Emulator) -> None:
    run_job(bench, em.logon(), name="SQL Backup", state="started", wait_for="session")
    reads = [(entry.target, entry.at) for entry in em.requests("GET")]
    answers = {entry.at for entry in em.requests("POST", ACTION)}
    assert len(set(reads)) == len(reads)
    assert not [entry for entry in em.requests("GET", "/api/tasks/") if entry.at in answers]


@every_version
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize("fault", ["status", "reset"])
@pytest.mark.parametrize("where", ["type=Job&", "type=BackupJobSession"])
def test_the_session_is_logged_off_where_looking_fails(bench: Bench, em: Emulator, own: bool, fault: str, where: str) -> None:
    session = None if own else em.logon()
    em.fault(fault, status=403, query=where, times=None)
    with bench.failure("forbidden" if fault == "status" else "connection"):
        run_job(bench, session, name="SQL Backup", state="started")
    assert len(bench.logoffs()) == len(bench.logons()) == own
    assert len(em.sessions) == (0 if own else 1)
    assert actions(em) == []


@every_wire
@pytest.mark.parametrize("status", [400, 500])
def test_a_refused_filter_of_runs_has_a_way_round(bench: Bench, em: Emulator, status: int) -> None:
    start(em, "Endless Backup")
    em.fault("status", status=status, path="/api/query", query=r"type=BackupJobSession.*filter=", times=None)
    assert run_job(bench, em.logon(), name="Endless Backup", state="started")["changed"] is False
    assert em.requests("POST") == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_schedule_that_is_not_waited_for_is_told_as_wished(bench: Bench, em: Emulator, check_mode: bool) -> None:
    wish = {"name": "SQL Backup", "schedule_enabled": False, "wait_for": "nothing"}
    result = run_job(bench, em.logon(), **wish, check_mode=check_mode)
    assert result["changed"] is True
    assert result["job"]["schedule_enabled"] is False


def test_a_page_that_cannot_be_read_is_told_with_its_request(bench: Bench, em: Emulator) -> None:
    em.fault("html", method="GET", path="/api/query", times=None)
    with bench.failure("bad_response") as caught:
        run_job(bench, em.logon(), name="SQL Backup", state="started")
    assert (caught.error.status, caught.error.method, caught.error.path) == (200, "GET", "/api/query")
