# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs, their actions, and their runs (wire-facts 6)."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.jobs import Job

from .wire import NS, XML, Answer, Wire, repository, xml_body

PATHS = {"job": "/api/jobs/", "agent": "/api/agents/jobs/", "nas": "/api/nas/jobs/"}


@pytest.fixture(autouse=True)
def _stopped_clock(em: Emulator) -> None:
    em.clock.speed = 0


def links_of(answer: Answer) -> dict[str, str]:
    return {link.get("Rel", ""): link.get("Href", "") for link in answer.xml.iter(f"{NS}Link")}


def entity(on: Wire, job: Job) -> Answer:
    return on.get(f"{PATHS[job.kind]}{job.id}?format=Entity")


def act(on: Wire, job: Job, rel: str) -> Answer:
    """Follow one of the job's own links."""
    href = links_of(entity(on, job))[rel]
    return on("POST", href.removeprefix(on.em.base_url), {"Content-Length": "0"})


def outcome(on: Wire, answer: Answer) -> tuple[str | None, bool]:
    """Return what the task of an action came to."""
    on.em.clock.advance(2)
    task = on.get(f"/api/tasks/{answer.texts('TaskId')[0]}")
    assert task.texts("State") == ["Finished"]
    result = task.xml.find(f"{NS}Result")
    assert result is not None
    return task.texts("Message")[0], result.get("Success") == "true"


def last_run(on: Wire, job: Job) -> tuple[str, str, str]:
    """Return state, result and progress of the latest run there is to see."""
    kind = "ReplicaJobSession" if job.job_type == "Replica" else "BackupJobSession"
    found = on.query(kind, format="Entities", filter=f'JobUid=="{job.uid}"', sortDesc="CreationTime", pageSize=1)
    return tuple(str(found.texts(name)[0]) for name in ("State", "Result", "Progress"))  # type: ignore[return-value]


def test_names_are_unique_per_server_only(em: Emulator, on: Wire) -> None:
    found = on.query("Job", format="Entities", filter='Name=="Daily Backup"')
    ups = [link.get("Name") for link in found.xml.iter(f"{NS}Link") if link.get("Type") == "BackupServerReference"]
    assert ups == ["vbr01.vbem.test", "vbr02.vbem.test"]


@pytest.mark.parametrize(
    ("kind", "name", "rels"),
    [
        ("job", "Daily Backup", {"Start", "Stop", "Retry", "Clone", "ToggleScheduleEnabled"}),
        ("job", "Offsite Copy", {"Sync", "Clone", "ToggleScheduleEnabled"}),
        ("agent", "Linux Agents", {"Start", "Stop", "Retry", "ToggleScheduleEnabled"}),
        ("nas", "Shared Files", {"Start", "Stop", "Retry", "ToggleScheduleEnabled"}),
    ],
)
def test_action_links(em: Emulator, on: Wire, kind: str, name: str, rels: set[str]) -> None:
    links = links_of(entity(on, em.world.job(name, kind=kind)))
    assert set(links) - {"Up", "Alternate", "Down", "Edit", "Create"} == rels
    ending = "/start" if kind == "nas" else "?action=start"
    assert all(href.endswith(ending) for rel, href in links.items() if rel == "Start")


@pytest.mark.parametrize(
    ("kind", "name", "rel", "operation"),
    [
        ("job", "Daily Backup", "Start", "StartJob"),
        ("job", "DC Replication", "Start", "StartJob"),
        ("job", "Offsite Copy", "Sync", "StartJobSync"),
        ("agent", "Windows Agents", "Start", "StartJob"),
        ("nas", "Shared Files", "Start", "StartNasJob"),
    ],
)
def test_start(either: Emulator, on: Wire, *, kind: str, name: str, rel: str, operation: str) -> None:
    job = either.world.job(name, kind=kind)
    answer = act(on, job, rel)
    assert answer.status == 202
    assert answer.texts("Operation") == [operation]
    assert answer.texts("State") == ["Running"]
    assert answer.texts("Result") == []
    assert outcome(on, answer) == (f'Job "{name}" triggered to start.', True)
    related = links_of(on.get(f"/api/tasks/{answer.texts('TaskId')[0]}"))["Related"]
    run = on.get(related.removeprefix(either.base_url))
    assert run.texts("JobUid") == [job.uid]
    assert run.texts("State") == ["Working"]


def test_a_run_shows_up_late_and_goes_its_way(em: Emulator, on: Wire) -> None:
    em.switches.update({"run_delay": 5, "run_starting": 6, "run_duration": 10})
    job = em.world.job("Warning Backup")
    before = len(em.world.runs_of(job))
    act(on, job, "Start")
    run = em.world.runs_of(job)[-1]
    assert on.get(f"/api/backupSessions/{run.id}?format=Entity").status == 404
    assert len(on.query("BackupJobSession", format="Entities", filter=f"JobUid=={job.uid}").texts("State")) == before
    seen = []
    for seconds in (5, 2, 4, 4, 2):
        em.clock.advance(seconds)
        seen.append(last_run(on, job))
    assert seen == [
        ("Starting", "None", "0"), ("Working", "None", "10"), ("Working", "None", "50"), ("Working", "None", "90"), ("Stopped", "Warning", "100"),
    ]  # fmt: skip


def test_filter_names_and_body_names_differ(em: Emulator, on: Wire) -> None:
    whole = on.query("BackupJobSession", format="Entities", filter="EndTime>2000-01-01", pageSize=1)
    assert whole.texts("EndTimeUTC")
    assert not whole.texts("EndTime")
    assert on.query("BackupJobSession", filter="EndTimeUTC>2000-01-01").status == 500


def test_outcomes(em: Emulator, on: Wire) -> None:
    for name, result in (("SQL Backup", "Success"), ("Warning Backup", "Warning"), ("Failing Backup", "Failed")):
        job = em.world.job(name)
        act(on, job, "Start")
        em.clock.advance(60)
        assert last_run(on, job)[:2] == ("Stopped", result)


def test_fails_once_then_succeeds(em: Emulator, on: Wire) -> None:
    job = em.world.job("Flaky Backup")
    act(on, job, "Start")
    em.clock.advance(60)
    assert last_run(on, job)[1] == "Failed"
    assert outcome(on, act(on, job, "Retry")) == ('Job "Flaky Backup" triggered to retry.', True)
    em.clock.advance(60)
    assert last_run(on, job)[1] == "Success"
    assert em.world.runs_of(job)[-1].is_retry
    assert outcome(on, act(on, job, "Retry"))[1] is False


def test_never_ends_until_stopped(em: Emulator, on: Wire) -> None:
    job = em.world.job("Endless Backup")
    act(on, job, "Start")
    em.clock.advance(800)
    assert last_run(on, job)[:2] == ("Working", "None")
    assert outcome(on, act(on, job, "Start")) == ('Job "Endless Backup" is already running.', False)
    stop = act(on, job, "Stop")
    assert last_run(on, job)[0] == "Stopping"
    assert outcome(on, stop) == ('Job "Endless Backup" triggered to stop.', True)
    assert last_run(on, job)[:2] == ("Stopped", "Failed")
    assert outcome(on, act(on, job, "Stop"))[1] is False


def test_a_run_can_be_stopped_by_its_own_link(em: Emulator, on: Wire) -> None:
    job = em.world.job("Endless Backup")
    act(on, job, "Start")
    em.clock.advance(5)
    run = em.world.runs_of(job)[-1]
    stop = links_of(on.get(f"/api/backupSessions/{run.id}?format=Entity"))["Stop"]
    answer = on("POST", stop.removeprefix(em.base_url), {"Content-Length": "0"})
    assert answer.texts("Operation") == ["StopJobSession"]
    em.clock.advance(5)
    assert last_run(on, job)[:2] == ("Stopped", "Failed")


def test_runs_outlive_the_session_that_started_them(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    act(on, job, "Start")
    on("DELETE", f"/api/logonSessions/{on.session_id}")
    em.clock.advance(60)
    on.log_on()
    assert last_run(on, job)[:2] == ("Stopped", "Success")


def test_immediate_copies_stay_at_0(em: Emulator, on: Wire) -> None:
    job = em.world.job("Offsite Mirror")
    act(on, job, "Sync")
    em.clock.advance(60)
    assert last_run(on, job) == ("Stopped", "Success", "0")


@pytest.mark.parametrize(("kind", "name"), [("job", "Weekly Archive"), ("agent", "Linux Agents"), ("nas", "Shared Files")])
def test_toggle_flips_when_its_task_is_done(em: Emulator, on: Wire, kind: str, name: str) -> None:
    job = em.world.job(name, kind=kind)
    first = job.enabled
    answer = act(on, job, "ToggleScheduleEnabled")
    assert entity(on, job).texts("ScheduleEnabled") == [str(first).lower()]
    assert outcome(on, answer) == ("Ok", True)
    assert entity(on, job).texts("ScheduleEnabled") == [str(not first).lower()]
    outcome(on, act(on, job, "ToggleScheduleEnabled"))
    assert entity(on, job).texts("ScheduleEnabled") == [str(first).lower()]


def test_a_toggle_s_task_stopped_in_time(em: Emulator, on: Wire) -> None:
    job = em.world.job("Weekly Archive")
    task_id = act(on, job, "ToggleScheduleEnabled").texts("TaskId")[0]
    assert on("DELETE", f"/api/tasks/{task_id}").status == 204
    em.clock.advance(60)
    assert entity(on, job).texts("ScheduleEnabled") == ["false"]


def test_clone(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    body = xml_body(
        "JobCloneSpec", BackupJobCloneInfo={"JobName": "Twin", "FolderName": "Twin", "RepositoryUid": repository(em)}
    )
    answer = on("POST", f"/api/jobs/{job.id}?action=clone", XML, body)
    assert outcome(on, answer) == ("OK", True)
    link = next(
        one for one in on.get(f"/api/tasks/{answer.texts('TaskId')[0]}").xml.iter(f"{NS}Link") if one.get("Rel") == "Related"
    )
    assert str(link.get("Name")).startswith("SQL Backup cloned at ")
    assert on.get(str(link.get("Href")).removeprefix(em.base_url)).xml.get("Name") == "Twin"


@pytest.mark.parametrize("user", ["operator", "portal"])
def test_only_administrators_may_start(em: Emulator, wire: Wire, user: str) -> None:
    wire.log_on(em.users[user])
    job = em.world.job("SQL Backup")
    assert wire("POST", f"/api/jobs/{job.id}?action=start", {"Content-Length": "0"}).status == 403
    assert em.world.active_run(job) is None
    assert wire.get(f"/api/jobs/{job.id}").status == 403
    em.switches.roles = "writes"
    assert wire.get(f"/api/jobs/{job.id}").status == 200
    assert wire("POST", f"/api/jobs/{job.id}?action=start", {"Content-Length": "0"}).status == 403
    em.switches.roles = "anything"
    assert wire("POST", f"/api/jobs/{job.id}?action=start", {"Content-Length": "0"}).status == 202


@pytest.mark.parametrize("status", [200, 201, 204])
def test_other_answers_to_an_action(em: Emulator, on: Wire, status: int) -> None:
    em.switches.update({"action_answer": status})
    job = em.world.job("SQL Backup")
    assert act(on, job, "Start").status == status
    assert em.world.active_run(job) is not None
    assert len(em.tasks(on.session_id)) == (0 if status == 204 else 1)


def test_what_a_job_cannot_do(em: Emulator, on: Wire) -> None:
    copy, backup = em.world.job("Offsite Copy"), em.world.job("SQL Backup")
    for job, action in ((copy, "start"), (backup, "sync"), (backup, "nonsense"), (backup, "")):
        assert on("POST", f"/api/jobs/{job.id}?action={action}", {"Content-Length": "0"}).status == 501
    assert on.get("/api/jobs/44cfbdbe-5a95-4156-8867-91f069b7c2cc").status == 404


def test_runs_of_one_job(em: Emulator, on: Wire) -> None:
    for name, kind, path in (
        ("SQL Backup", "job", "backupSessions"),
        ("DC Replication", "job", "replicaSessions"),
        ("Shared Files", "nas", "backupSessions"),
    ):
        job = em.world.job(name, kind=kind)
        found = on.get(f"{PATHS[kind]}{job.id}/{path}?format=Entity")
        assert set(found.texts("JobUid")) == {job.uid}
    assert len(on.get("/api/nas/backupSessions").texts("Ref")) == 2
    ours = on.get("/api/agents/backupSessions?format=Entity").texts("JobType")
    assert sorted(map(str, ours)) == ["AgentBackup"] * 4 + ["AgentManagement"]


def test_the_own_world(em: Emulator, on: Wire) -> None:
    em.world.add_server("lab.example")
    job = em.world.add_job("Mine", server="lab.example", script=["warn", "fail"], duration=1)
    act(on, job, "Start")
    em.clock.advance(9)
    assert last_run(on, job) == ("Stopped", "Warning", "100")
    em.world.add_row("Repository", "Row", FreeSpace=5, Capacity=6)
    assert on.query("Repository", format="Entities", filter="FreeSpace==5").texts("Capacity") == ["6"]
    job.enabled = False  # changed in place
    assert entity(on, job).texts("ScheduleEnabled") == ["false"]


def test_runs_that_end_at_once(em: Emulator) -> None:
    names = ("SQL Backup", "DC Replication")
    with em.locked():
        runs = [em.world.start_run(em.world.job(name)) for name in names]
    em.clock.advance(86400)
    em.world.catch_up()
    assert all(run.is_over(em.clock.now()) for run in runs)
