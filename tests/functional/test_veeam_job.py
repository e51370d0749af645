# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job: finding the job, what is sent to bring it to a state, and what other clients may do meanwhile."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator
from emulator.api import Api
from emulator.backend import Backend
from emulator.exchange import Request
from emulator.jobs import Job

from .harness import Harness, Session, all_formats, all_versions, all_versions_and_formats

FOREIGN = "vbem.internal.invalid"
ACTION = r"/api/(agents/|nas/)?jobs/[^/]+(\?action=|/)\w+$"


def run_job(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job."""
    return harness.run(veeam_job, session, options or {}, params, check_mode=check_mode)


def actions(em: Emulator) -> list[str]:
    """Return the targets of the requested actions."""
    return [entry.target for entry in em.requests("POST", ACTION)]


def start(em: Emulator, name: str, **settings: Any) -> Any:
    """Start a job, as another client would; its session is listed at once."""
    run = em.world.start_run(em.world.job(name), **settings)
    run.visible_from = 0.0
    return run


def list_requests(em: Emulator) -> list[str]:
    """Return the requests so far, in short."""
    short = []
    for entry in em.log:
        what = entry.query.get("type") or entry.path.split("/")[2]
        what = "action" if entry.method == "POST" and "action" in entry.query else what
        short.append(f"{entry.method} {what}")
    return short


# ---------------------------------------------------------------------------------------------------------------------
# Finding the job


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


@all_versions_and_formats
@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_found_by_any_name(harness: Harness, em: Emulator, name: str) -> None:
    if all(job.name != name for job in em.world.jobs):
        em.world.add_job(name, server="vbr03")
    wanted = em.world.job(name)
    result = run_job(harness, em.logon(), name=name, state="stopped")
    assert result["job"]["name"] == name
    assert result["job"]["uid"] == wanted.uid
    assert result["job"]["backup_server"] == wanted.server.name
    assert result["changed"] is False


@all_versions_and_formats
@pytest.mark.parametrize("name", ["  padded  "])
def test_a_job_is_found_by_its_name_with_spaces_around_it(harness: Harness, em: Emulator, name: str) -> None:
    wanted = em.world.add_job(name)
    assert run_job(harness, em.logon(), name=name, state="stopped")["job"]["uid"] == wanted.uid


@all_versions_and_formats
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
@pytest.mark.parametrize("form_of_uid", ["urn", "guid", "upper", "other urn"])
def test_a_job_is_found_by_its_uid_with_and_without_urn(harness: Harness, em: Emulator, kind: str, form_of_uid: str) -> None:
    wanted = next(job for job in em.world.jobs if job.kind == kind)
    uid = {
        "urn": wanted.uid,
        "guid": wanted.id,
        "upper": wanted.id.upper(),
        "other urn": f"urn:veeam:Job:{wanted.id}",
    }[form_of_uid]
    result = run_job(harness, em.logon(), uid=uid, kind=kind, state="stopped")
    assert result["job"]["uid"] == wanted.uid
    assert result["job"]["name"] == wanted.name


@pytest.mark.parametrize(
    "uid", ["", "  ", "SQL Backup", "urn:veeam:Job:", "d014d7d6-7695-5528-bd92-40edf3e36ead-1", "d014d7d6"]
)
def test_an_invalid_uid_is_refused_before_any_request(harness: Harness, em: Emulator, uid: str) -> None:
    with harness.failure("invalid_option") as caught:
        run_job(harness, uid=uid, state="started")
    assert "uid" in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize(
    ("params", "option"),
    [
        ({"state": "started"}, "name"),
        ({"name": "a", "uid": "b", "state": "started"}, "name"),
        ({"name": "SQL Backup"}, "schedule_enabled"),
        ({"name": "", "state": "started"}, "name"),
        ({"name": "SQL Backup", "state": "started", "backup_server": " "}, "backup_server"),
        ({"name": "SQL Backup", "state": "started", "wait_timeout": -1}, "wait_timeout"),
        ({"name": "SQL Backup", "state": "started", "poll_interval": 0}, "poll_interval"),
    ],
    ids=str,
)
def test_invalid_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], option: str
) -> None:
    with harness.failure("invalid_option") as caught:
        run_job(harness, **params)
    assert option in caught.error.msg
    assert em.log == []


@all_versions_and_formats
def test_jobs_of_the_same_name_are_ambiguous(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous") as caught:
        run_job(harness, em.logon(), name="Daily Backup", state="started")
    for job in (em.world.job("Daily Backup", "vbr01"), em.world.job("Daily Backup", "vbr02")):
        assert job.uid in caught.error.msg
        assert job.server.name in caught.error.msg
    assert "backup_server" in caught.error.msg
    assert [job["backup_server"] for job in caught.result["jobs"]] == ["vbr01.vbem.test", "vbr02.vbem.test"]
    assert actions(em) == []


@all_versions_and_formats
def test_backup_server_selects_one_of_them(harness: Harness, em: Emulator) -> None:
    result = run_job(harness, em.logon(), name="Daily Backup", backup_server="VBR02.vbem.TEST", state="started")
    assert result["job"]["uid"] == em.world.job("Daily Backup", "vbr02").uid
    assert em.world.active_run(em.world.job("Daily Backup", "vbr02"))
    assert not em.world.active_run(em.world.job("Daily Backup", "vbr01"))


@all_versions_and_formats
def test_names_that_differ_only_in_case(harness: Harness, em: Emulator) -> None:
    lower = em.world.add_job("sql backup", server="vbr02")
    session = em.logon()
    assert run_job(harness, session, name="sql backup", state="stopped")["job"]["uid"] == lower.uid
    assert run_job(harness, session, name="SQL Backup", state="stopped")["job"]["name"] == "SQL Backup"
    with harness.failure("ambiguous") as caught:
        run_job(harness, session, name="SQL BACKUP", state="stopped")
    assert lower.uid in caught.error.msg
    assert run_job(harness, session, name="OFFSITE copy", state="stopped")["job"]["name"] == "Offsite Copy"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_is_the_same_composed_and_decomposed(harness: Harness, em: Emulator, form: Any) -> None:
    job = em.world.add_job(unicodedata.normalize("NFD" if form == "NFC" else "NFC", "B\u00fccher t\u00e4glich"), server="vbr02")
    wanted = unicodedata.normalize(form, "B\u00fccher t\u00e4glich")
    assert run_job(harness, em.logon(), name=wanted, state="stopped")["job"]["uid"] == job.uid


@all_versions_and_formats
def test_the_message_for_an_unknown_job_lists_similar_ones(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    with harness.failure("not_found") as caught:
        run_job(harness, session, name="Daily Backup", backup_server="vbr03.vbem.test", state="started")
    assert "vbr03.vbem.test" in caught.error.msg
    for server in ("vbr01.vbem.test", "vbr02.vbem.test"):
        assert server in caught.error.msg
    with harness.failure("not_found") as caught:
        run_job(harness, session, name="SQL Bakup", state="started")
    assert "SQL Bakup" in caught.error.msg
    assert "spelling" in caught.error.msg
    assert "Did you mean SQL Backup" in caught.error.msg
    with harness.failure("not_found") as caught:
        run_job(harness, session, name="SQL Backup", kind="nas", state="started")
    assert "nas" in caught.error.msg
    with harness.failure("not_found"):
        run_job(harness, session, uid="00000000-0000-0000-0000-000000000000", state="started")
    assert actions(em) == []


@all_versions_and_formats
def test_a_job_is_found_without_a_filter_if_the_server_refuses_it(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=500, message="Filter is bad.", query="type=Job&.*filter=", times=None)
    assert run_job(harness, em.logon(), name="SQL Backup", state="stopped")["job"]["name"] == "SQL Backup"
    assert len(em.requests("GET", "type=Job&")) == 2


@all_versions_and_formats
@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_a_job_is_found_in_its_collection_if_the_server_does_not_know_its_type(
    harness: Harness, em: Emulator, status: int, kind: str
) -> None:
    em.switches.hrefs = "foreign"
    em.fault("status", status=status, message="No such type.", query=r"type=\w*Job(&|$)", times=None)
    job = next(job for job in em.world.jobs if job.kind == kind)
    session = em.logon()
    for target in ({"name": job.name, "backup_server": job.server.name}, {"uid": job.uid}):
        result = run_job(harness, session, kind=kind, **target, state="stopped")
        assert result["job"]["uid"] == job.uid
        assert result["job"]["href"].startswith(em.base_url)
    assert run_job(harness, session, kind=kind, uid=job.id, state="started", wait_for="session")["changed"] is True
    with harness.failure("not_found"):
        run_job(harness, session, kind=kind, name="Nightly", state="started")
    path = {"job": "/api/jobs", "agent": "/api/agents/jobs", "nas": "/api/nas/jobs"}[kind]
    assert len(em.requests("GET", f"{path}\\?format=Entity$")) == 4


def _break_filter(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    from emulator.query import Listing

    def ignore(self: Listing, text: str | None) -> Any:
        return None if what == "ignored" else (lambda row: False) if text else None

    monkeypatch.setattr(Listing, "_predicate", ignore)


@all_versions_and_formats
@pytest.mark.parametrize("what", ["ignored", "empty"])
def test_a_job_is_found_if_the_filter_is_ignored_or_finds_nothing(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    session = em.logon()
    _break_filter(monkeypatch, what)
    assert run_job(harness, session, name="SQL Backup", schedule_enabled=True)["job"]["name"] == "SQL Backup"
    with harness.failure("ambiguous"):
        run_job(harness, session, name="Daily Backup", schedule_enabled=True)
    with harness.failure("not_found"):
        run_job(harness, session, name="Nightly", schedule_enabled=True)


@all_versions_and_formats
@pytest.mark.parametrize("what", ["ignored", "empty", "half"])
def test_a_filter_that_finds_nothing_does_not_mean_that_a_job_is_idle(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    session = em.logon()
    run = em.world.start_run(em.world.job("Endless Backup"))
    em.clock.advance(60)
    if what == "half":  # this server finds nothing for !=
        from emulator.query import Listing

        monkeypatch.setattr(Listing, "_predicate", lambda _self, text: (lambda _row: "State" not in text) if text else None)
    else:
        _break_filter(monkeypatch, what)
    result = run_job(harness, session, name="Endless Backup", state="stopped")
    assert result["changed"] is True
    assert run.stop_asked is not None


# ---------------------------------------------------------------------------------------------------------------------
# States


def _prepare(em: Emulator, state: str) -> str:
    """Return the name of a job that this state changes."""
    if state == "stopped":
        start(em, "Endless Backup")
        return "Endless Backup"
    return "Failing Backup" if state == "retried" else "SQL Backup"


@all_versions_and_formats
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
@pytest.mark.parametrize(
    ("state", "action", "operation"),
    [("started", "start", "StartJob"), ("stopped", "stop", "StopJob"), ("retried", "retry", "RetryJob")],
)
def test_a_job_is_brought_to_a_state_by_one_action(
    harness: Harness, em: Emulator, *, own: bool, state: str, action: str, operation: str
) -> None:
    name = _prepare(em, state)
    job = em.world.job(name)
    runs = len(em.world.runs_of(job))
    session = None if own else em.logon()
    predicted = run_job(harness, session, name=name, state=state, check_mode=True)
    assert actions(em) == []
    assert len(em.world.runs_of(job)) == runs
    result = run_job(harness, session, name=name, state=state)
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
            assert run_job(harness, session, name=name, state=state, check_mode=check_mode)["changed"] is False
        assert len(actions(em)) == 1
    deleted = [entry.path for entry in em.requests("DELETE", "/api/tasks/")]
    assert deleted == [f"/api/tasks/{result['task']['task_id']}"]
    assert len(harness.logoffs()) == len(harness.logons())
    assert len(em.sessions) == (0 if own else 1)
    assert em.tasks(session) == [] if session else True


@all_versions_and_formats
def test_a_running_job_is_not_started_again(harness: Harness, em: Emulator) -> None:
    run = start(em, "Endless Backup")
    em.clock.advance(5)
    session = em.logon()
    for check_mode in (True, False):
        result = run_job(harness, session, name="Endless Backup", state="started", check_mode=check_mode)
        assert result["changed"] is False
        assert result["task"] is None
        assert result["job_session"]["uid"] == run.uid
        assert result["job_session"]["state"] == "Working"
        assert result["job_session"]["result"] is None
        assert result["job_session"]["end_time"] is None
    assert actions(em) == []


@all_versions_and_formats
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
@pytest.mark.parametrize("before", [True, False])
def test_the_schedule_is_toggled_once(harness: Harness, em: Emulator, kind: str, before: bool) -> None:
    job = next(job for job in em.world.jobs if job.kind == kind)
    job.enabled = before
    session = em.logon()
    target = {"uid": job.uid, "kind": kind}
    for check_mode in (True, False):
        assert run_job(harness, session, **target, schedule_enabled=before, check_mode=check_mode)["changed"] is False
    predicted = run_job(harness, session, **target, schedule_enabled=not before, check_mode=True)
    assert actions(em) == []
    result = run_job(harness, session, **target, schedule_enabled=not before)
    assert len(actions(em)) == 1
    assert actions(em)[0].lower().endswith("togglescheduleenabled")
    assert result["changed"] is predicted["changed"] is True
    assert result["job"]["schedule_enabled"] is predicted["job"]["schedule_enabled"] is (not before)
    assert job.schedule_enabled(em.clock.now()) is (not before)
    assert result["task"]["operation"] == "UpdateJob"
    assert run_job(harness, session, **target, schedule_enabled=not before)["changed"] is False
    assert len(em.requests("DELETE", "/api/tasks/")) == 1


@all_versions
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
def test_schedule_and_state_together(harness: Harness, em: Emulator, wait_for: str) -> None:
    session = em.logon()
    desired = {"name": "Weekly Archive", "schedule_enabled": True, "state": "started", "wait_for": wait_for}
    predicted = run_job(harness, session, **desired, check_mode=True)
    result = run_job(harness, session, **desired)
    assert predicted["changed"] is result["changed"] is True
    assert [target.rpartition("=")[2] for target in actions(em)] == ["toggleScheduleEnabled", "start"]
    assert result["task"]["operation"] == "StartJob"
    assert len(em.requests("DELETE", "/api/tasks/")) == (0 if wait_for == "nothing" else 2)
    if wait_for == "session":
        assert result["job_session"]["result"] == "Success"


@all_versions_and_formats
@pytest.mark.parametrize("name", ["Offsite Copy", "Offsite Mirror"])
def test_a_backup_copy_job_is_started_by_sync(harness: Harness, em: Emulator, name: str) -> None:
    session = em.logon()
    assert run_job(harness, session, name=name, state="started", check_mode=True)["changed"] is True
    result = run_job(harness, session, name=name, state="started", wait_for="session")
    assert actions(em) == [f"/api/jobs/{em.world.job(name).id}?action=sync"]
    assert result["task"]["operation"] == "StartJobSync"
    assert result["job_session"]["result"] == "Success"
    assert result["job_session"]["progress"] == (0 if name == "Offsite Mirror" else 100)


@all_versions_and_formats
@pytest.mark.parametrize(
    ("kind", "name", "operations"),
    [
        ("agent", "Linux Agents", ("StartJob", "StopAgentJob", "RetryAgentJob")),
        ("nas", "Shared Files", ("StartNasJob", "StopNasJob", "RetryNasJob")),
    ],
)
def test_agent_and_nas_jobs_have_types_of_their_own(
    harness: Harness, em: Emulator, kind: str, name: str, operations: tuple[str, ...]
) -> None:
    session = em.logon()
    job = em.world.job(name)
    job.script = ["never", "failed", "success"]
    started = run_job(harness, session, name=name, kind=kind, state="started")
    em.clock.advance(1)
    stopped = run_job(harness, session, name=name, kind=kind, state="stopped", wait_for="session")
    assert stopped["job_session"]["state"] == "Stopped"
    retried = run_job(harness, session, name=name, kind=kind, state="retried")
    assert tuple(result["task"]["operation"] for result in (started, stopped, retried)) == operations
    path = f"/api/agents/jobs/{job.id}?action=" if kind == "agent" else f"/api/nas/jobs/{job.id}/"
    assert actions(em) == [path + action for action in ("start", "stop", "retry")]
    types = {entry.query["type"] for entry in em.requests("GET", r"^/api/query\?")}
    assert types == {"AgentBackupJob" if kind == "agent" else "NasJob", "BackupJobSession"}
    with harness.failure("not_found"):
        run_job(harness, session, name=name, state="started")


@all_versions_and_formats
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_links_lead_only_to_the_configured_server(harness: Harness, em: Emulator, hrefs: str, kind: str) -> None:
    em.switches.hrefs = hrefs
    job = next(job for job in em.world.jobs if job.kind == kind)
    result = run_job(harness, em.logon(), uid=job.uid, kind=kind, state="started", wait_for="session")
    assert result["changed"] is True
    for href in (result["job"]["href"], result["task"]["href"], result["job_session"]["href"]):
        assert href.startswith(em.base_url + "/api/")
    assert FOREIGN not in str(result)
    for entry in em.log:
        assert entry.header("Host") == f"{em.hostname}:{em.port}"


@all_versions_and_formats
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_the_address_of_an_action_comes_from_the_link(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server may move its actions: the address of the link is used unchanged."""
    from emulator.document import Link

    made = Job.links

    def moved(self: Job, now: float) -> list[Link]:
        kept = [link for link in made(self, now) if link.rel not in ("Start", "ToggleScheduleEnabled")]
        return [*kept, Link("start", f"/api/Elsewhere/{self.id}?x=1&action=Begin%20it")]

    monkeypatch.setattr(Job, "links", moved)
    job = next(job for job in em.world.jobs if job.kind == kind)
    with harness.failure("not_found"):
        run_job(harness, em.logon(), uid=job.uid, kind=kind, state="started")
    assert [entry.target for entry in em.requests("POST")] == [f"/api/Elsewhere/{job.id}?x=1&action=Begin%20it"]
    with harness.failure("invalid_option") as caught:
        run_job(harness, em.logon(), uid=job.uid, kind=kind, schedule_enabled=not job.enabled)
    assert "ToggleScheduleEnabled" in caught.error.msg


@all_versions
def test_a_user_who_is_not_allowed_to_start_jobs(harness: Harness, em: Emulator) -> None:
    harness.user = "operator"
    em.switches.roles = "writes"  # who may read jobs and not start them
    with harness.failure("forbidden") as caught:
        run_job(harness, name="SQL Backup", state="started")
    assert "Portal Administrator" in caught.error.msg
    assert caught.result["changed"] is False
    assert len(actions(em)) == 1
    assert em.sessions == []


# ---------------------------------------------------------------------------------------------------------------------
# The answer to an action


@all_formats
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_status_is_a_success(harness: Harness, em: Emulator, status: int, wait_for: str) -> None:
    em.switches.action_answer = status
    result = run_job(harness, em.logon(), name="SQL Backup", state="started", wait_for=wait_for)
    assert result["changed"] is True
    assert (result["task"] is None) == (status == 204)
    assert (result["job_session"] or {}).get("result") == ("Success" if wait_for == "session" else None)
    assert len(actions(em)) == 1


@all_formats
@pytest.mark.parametrize("body", ["empty", "html"])
@pytest.mark.parametrize("wait_for", ["nothing", "task", "session"])
def test_an_answer_that_cannot_be_read_is_a_change(harness: Harness, em: Emulator, body: str, wait_for: str) -> None:
    em.fault("status", status=202, body=body, message="Accepted", method="POST", path=r"/jobs/", when="after")
    with harness.failure("bad_response") as caught:
        run_job(harness, em.logon(), name="SQL Backup", state="started", wait_for=wait_for)
    assert caught.result["changed"] is True
    assert caught.result["job"]["name"] == "SQL Backup"
    assert caught.result["task"] is None
    assert caught.result["error"]["status"] == 202
    assert caught.result["error"]["method"] == "POST"
    assert len(actions(em)) == 1


@all_versions_and_formats
@pytest.mark.parametrize("effect", ["reset", "cut"])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_request_without_an_answer_is_not_repeated(harness: Harness, em: Emulator, effect: str, own: bool) -> None:
    em.fault(effect, method="POST", path=r"/jobs/", when="after")
    with harness.failure("connection") as caught:
        run_job(harness, None if own else em.logon(), name="SQL Backup", state="started", wait_for="session")
    assert len(actions(em)) == 1
    assert "not repeated" in caught.error.msg
    assert "may have been carried out" in caught.error.msg
    assert caught.result["error"]["method"] == "POST"
    assert caught.result["job"]["name"] == "SQL Backup"
    assert len(em.sessions) == (0 if own else 1)


@all_versions
@pytest.mark.parametrize("status", [400, 503, 504])
def test_a_refused_request_is_not_repeated(harness: Harness, em: Emulator, status: int) -> None:
    em.fault("status", status=status, message="Not now.", method="POST", path=r"/jobs/")
    with harness.failure("server_error") as caught:
        run_job(harness, em.logon(), name="SQL Backup", state="started")
    assert len(actions(em)) == 1
    assert caught.result["changed"] is False
    assert "Not now." in caught.error.msg
    assert ("may have been carried out" in caught.error.msg) is (status in (502, 504))


# ---------------------------------------------------------------------------------------------------------------------
# Failed tasks and races


def _set_task_results(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Make the tasks of actions end with these values."""
    made = Backend.action_task

    def changed(self: Backend, *arguments: Any) -> Any:
        task = made(self, *arguments)
        for name, value in settings.items():
            setattr(task, name, value)
        return task

    monkeypatch.setattr(Backend, "action_task", changed)


@all_versions_and_formats
@pytest.mark.parametrize("wait_for", ["task", "session"])
@pytest.mark.parametrize("message", ["Licence expired.", None])
def test_a_task_that_fails(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str, message: str | None
) -> None:
    _set_task_results(monkeypatch, success=False, message=message)
    monkeypatch.setattr(start(em, "Endless Backup"), "stop", lambda *_args: None)
    session = em.logon()
    with harness.failure("task_failed") as caught:
        run_job(harness, session, name="Endless Backup", state="stopped", wait_for=wait_for)
    assert (message or "no reason") in caught.error.msg
    assert "Endless Backup" in caught.error.msg
    assert caught.result["changed"] is False
    assert caught.result["task"]["success"] is False
    assert caught.result["error"]["detail"] == message
    assert len(em.requests("DELETE", "/api/tasks/")) == 1
    assert em.tasks(session) == []


@all_versions
def test_a_failed_task_of_the_schedule(harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    _set_task_results(monkeypatch, success=False, message="Licence expired.", stopped=True)
    session = em.logon()
    with harness.failure("task_failed") as caught:
        run_job(harness, session, name="SQL Backup", schedule_enabled=False)
    assert "Licence expired." in caught.error.msg
    assert caught.result["changed"] is False
    assert caught.result["job"]["schedule_enabled"] is True
    assert em.tasks(session) == []


@all_versions
def test_a_schedule_that_another_client_toggles_meanwhile(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = em.world.job("SQL Backup")
    harness.during_sleep(1, lambda: setattr(job, "enabled", not job.enabled))
    with harness.failure("wait_timeout") as caught:
        run_job(harness, em.logon(), name="SQL Backup", schedule_enabled=False)
    assert "a second change would undo the first" in caught.error.msg
    assert caught.result["changed"] is True
    assert len(actions(em)) == 1


def _race(em: Emulator, monkeypatch: pytest.MonkeyPatch, function: Callable[[], object]) -> None:
    """Call a function after the module has read, before its request is handled."""
    handle = Api.handle

    def late(self: Api, request: Request) -> Any:
        if request.method == "POST" and request.parameter("action"):
            function()
        return handle(self, request)

    monkeypatch.setattr(Api, "handle", late)


@all_versions_and_formats
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_job_that_another_client_starts_meanwhile_is_started(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str
) -> None:
    _race(em, monkeypatch, lambda: start(em, "SQL Backup"))
    session = em.logon()
    result = run_job(harness, session, name="SQL Backup", state="started", wait_for=wait_for)
    assert result["changed"] is False
    assert result["task"]["success"] is False
    assert result["job_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid
    assert result["job_session"]["result"] == ("Success" if wait_for == "session" else None)
    assert em.tasks(session) == []
    assert len(actions(em)) == 1


@all_versions_and_formats
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_a_job_that_stops_meanwhile_is_stopped(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, wait_for: str
) -> None:
    run = start(em, "Endless Backup")
    _race(em, monkeypatch, lambda: run.finish(em.clock.now(), "success"))
    result = run_job(harness, em.logon(), name="Endless Backup", state="stopped", wait_for=wait_for)
    assert result["changed"] is False


@all_versions_and_formats
def test_a_job_that_another_client_started_just_before_is_started(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    em.switches.run_delay = 2.0
    _race(em, monkeypatch, lambda: em.world.start_run(em.world.job("SQL Backup")))
    result = run_job(harness, em.logon(), name="SQL Backup", state="started", wait_for="session")
    assert result["job_session"]["result"] == "Success"


# ---------------------------------------------------------------------------------------------------------------------
# Requests

START = ["GET Job", "GET BackupJobSession", "POST action", "GET tasks", "DELETE tasks", "GET backupSessions"]


@all_versions_and_formats
@pytest.mark.parametrize(
    ("name", "desired", "requests"),
    [
        ("SQL Backup", {"state": "started", "wait_for": "nothing"}, START[:3]),
        ("SQL Backup", {"state": "started"}, START),
        ("SQL Backup", {"state": "started", "wait_for": "session"}, START),
        ("SQL Backup", {"state": "retried"}, START[:2]),
        ("SQL Backup", {"state": "stopped"}, [*START[:2], "GET Task"]),
        ("SQL Backup", {"schedule_enabled": True}, START[:1]),
        ("SQL Backup", {"schedule_enabled": False}, ["GET Job", "POST action", "GET tasks", "DELETE tasks", "GET Job"]),
    ],
    ids=str,
)
def test_the_requests(harness: Harness, em: Emulator, name: str, desired: dict[str, Any], requests: list[str]) -> None:
    """Of polls, whose number depends on durations, one is counted."""
    run_job(harness, em.logon(), name=name, **desired)
    seen = list_requests(em)
    polls = ("GET tasks", "GET backupSessions", "GET BackupJobSession")
    assert [entry for number, entry in enumerate(seen) if entry not in polls or entry not in seen[:number]] == requests


@all_versions
def test_there_is_a_pause_between_two_reads_of_the_same(harness: Harness, em: Emulator) -> None:
    run_job(harness, em.logon(), name="SQL Backup", state="started", wait_for="session")
    reads = [(entry.target, entry.at) for entry in em.requests("GET")]
    answers = {entry.at for entry in em.requests("POST", ACTION)}
    assert len(set(reads)) == len(reads)
    assert not [entry for entry in em.requests("GET", "/api/tasks/") if entry.at in answers]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_schedule_that_is_not_waited_for_is_reported_as_desired(harness: Harness, em: Emulator, check_mode: bool) -> None:
    desired = {"name": "SQL Backup", "schedule_enabled": False, "wait_for": "nothing"}
    result = run_job(harness, em.logon(), **desired, check_mode=check_mode)
    assert result["changed"] is True
    assert result["job"]["schedule_enabled"] is False
