# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that are cloned, edited, linked and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator
from emulator.jobs import Job

from .samples import reference
from .wire import JSON, NS, XML, Answer, Wire, find, repository, xml_body


def clone(em: Emulator, on: Wire, job: Job, name: str = "Twin", **more: Any) -> Answer:
    info = {"JobName": name, "FolderName": name, "RepositoryUid": repository(em), **more}
    return on.send("POST", f"/api/jobs/{job.id}?action=clone", {"BackupJobCloneInfo": info})


def edit(em: Emulator, on: Wire, job: Job, **body: Any) -> tuple[bool, str]:
    done = on.result(on.send("PUT", f"/api/jobs/{job.id}?action=edit", body))
    em.world.catch_up()
    return done


def entity(on: Wire, job: Job) -> Any:
    return on.get(f"/api/jobs/{job.id}?format=Entity", JSON).json


def test_a_clone(either: Emulator, on: Wire) -> None:
    job = either.world.job("SQL Backup")
    assert edit(
        either, on, job, JobInfo={"BackupJobInfo": {"SimpleRetentionPolicy": {"RetainCycles": 3, "RetainLimitType": "Cycles"}}}
    )[0]
    assert edit(either, on, job, JobScheduleOptions={"Standart": {"OptionsDaily": {"Time": "03:15:00"}}})[0]
    place = on.related(clone(either, on, job, Description="of the lab"))
    twin = either.world.job("Twin")
    assert place.startswith(f"/api/jobs/{twin.id}")
    shown = on.get(place)
    assert shown.texts("Description") == ["of the lab"]
    assert shown.texts("ScheduleEnabled") == ["false"]
    assert shown.texts("RetainLimitType") == ["Days"]  # not copied
    assert shown.texts("Time")[0].startswith("03:15:00")  # type: ignore[union-attr]
    assert shown.texts("HierarchyObjRef") == [reference(either, "sql01"), reference(either, "sql02")]
    ids = {row.id for one in (job, twin) for row in either.world.objects_of(one)}
    assert len(ids) == 4


@pytest.mark.parametrize(("how", "link", "name"), [("asked", "Twin", "Twin"), ("link", None, "Twin"), ("job", None, None)])
def test_the_name_of_a_clone(em: Emulator, on: Wire, how: str, link: str | None, name: str | None) -> None:
    em.switches.update({"clone_name": how})
    task = on.finish(clone(em, on, em.world.job("SQL Backup")))
    (related,) = (one for one in task.iter(f"{NS}Link") if one.get("Rel") == "Related")
    generated = str(related.get("Name"))
    assert generated == link or (link is None and generated.startswith("SQL Backup cloned at "))
    assert on.get(str(related.get("Href")).removeprefix(em.base_url)).xml.get("Name") == (name or generated)


def test_what_cannot_be_cloned(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    assert clone(em, on, job, "x" * 51).status == 400
    assert clone(em, on, job, "x" * 50).status == 202
    foreign = repository(em, "vbr02")
    ok, message = on.result(clone(em, on, job, "Foreign", RepositoryUid=foreign))
    assert not ok
    assert foreign in message
    assert (
        on.send("POST", f"/api/jobs/{job.id}?action=clone", {"ReplicaJobCloneInfo": {"JobName": "x", "VmSuffix": "y"}}).status
        == 500
    )
    assert on("POST", f"/api/jobs/{job.id}?action=clone", {"Content-Length": "0"}).status == 500
    assert on.result(clone(em, on, job, "Daily Backup"))[0]  # names are not unique
    assert sum(one.name == "Daily Backup" and one.server is job.server for one in em.world.jobs) == 2


@pytest.mark.parametrize(
    ("name", "info"),
    [
        ("DC Replication", {"ReplicaJobCloneInfo": {"JobName": "Twin", "VmSuffix": "_2"}}),
        ("Offsite Copy", {"BackupCopyJobCloneInfo": {"JobName": "Twin", "JobFileName": "Twin", "RepositoryUid": "?"}}),
        (
            "Offsite Mirror",
            {"ImmediateBackupCopyJobCloneInfo": {"JobName": "Twin", "JobFileName": "Twin", "RepositoryUid": "?"}},
        ),
    ],
)
def test_clones_of_other_jobs(em: Emulator, on: Wire, name: str, info: dict[str, dict[str, str]]) -> None:
    for inner in info.values():
        if "RepositoryUid" in inner:
            inner["RepositoryUid"] = repository(em)
    assert on.result(on.send("POST", f"/api/jobs/{em.world.job(name).id}?action=clone", info))[0]
    em.world.catch_up()
    assert em.world.job("Twin").job_type == em.world.job(name).job_type


def test_a_clone_shows_late(em: Emulator, on: Wire) -> None:
    em.switches.object_delay = 20
    place = on.related(clone(em, on, em.world.job("SQL Backup")))
    assert on.get(place).status == 404
    assert on.query("Job", filter="Name==Twin").texts("Ref") == []
    em.clock.advance(20)
    assert on.get(place).status == 200


# Edits


def test_an_edit_changes_what_it_mentions(either: Emulator, on: Wire) -> None:
    job = either.world.job("SQL Backup")
    before = entity(on, job)
    assert edit(either, on, job, Description="new & improved", ScheduleEnabled=False) == (True, "Ok")
    after = entity(on, job)
    assert find(after, "description") == "new & improved"
    assert find(after, "scheduleenabled") is False
    for name in ("jobscheduleoptions", "jobinfo", "scheduleconfigured", "name"):
        assert find(after, name) == find(before, name)
    body = xml_body(
        "Job", **{"@Name": "x", "@UID": job.uid}, JobScheduleOptions={"Standart": {"RetryOptions": {"RetryTimes": 5}}}
    )
    assert on.result(on("PUT", f"/api/jobs/{job.id}", XML, body)) == (True, "Ok")
    shown = on.get(f"/api/jobs/{job.id}?format=Entity")
    assert shown.texts("RetryTimes") == ["5"]
    assert shown.texts("RetryTimeout") == ["10"]
    assert shown.xml.get("Name") == "SQL Backup"


def test_every_kind_of_schedule(either: Emulator, on: Wire) -> None:
    job = either.world.job("SQL Backup")
    hours = {"Days": [{"Name": "Sunday", "Value": ",".join("01" * 12)}]}
    other = either.world.job("Daily Backup", server="vbr01").uid
    sent: dict[str, Any] = {
        "OptionsDaily": {"Enabled": "false", "Kind": "SelectedDays", "Days": ["Monday", "Friday"]},
        "OptionsMonthly": {
            "Enabled": "true",
            "DayNumberInMonth": "Last",
            "DayOfWeek": "Sunday",
            "Months": ["May"],
            "DayOfMonth": "3",
        },
        "OptionsPeriodically": {"Enabled": True, "Kind": "Minutes", "FullPeriod": "15", "Schedule": hours},
        "OptionsContinious": {"Enabled": True, "Schedule": hours},
        "OptionsBackupWindow": {"Enabled": True, "TimePeriods": hours},
        "OptionsDaisyChaining": {"Enabled": True, "PreviousJobUid": other},
    }
    assert edit(either, on, job, JobScheduleOptions={"Standart": sent})[0]
    options = job.schedule_options["Standart"]
    assert options["OptionsDaily"]["Days"] == ["Monday", "Friday"]
    assert options["OptionsMonthly"]["DayOfMonth"] == 3
    assert options["OptionsPeriodically"] == {"Kind": "Minutes", "FullPeriod": 15, "Schedule": hours, "Enabled": True}
    shown = on.get(f"/api/jobs/{job.id}?format=Entity").xml.find(f".//{NS}Standart")
    assert shown is not None
    assert [one.text for one in shown.findall(f"{NS}OptionsDaily/{NS}Days")] == ["Monday", "Friday"]
    continuous = shown.find(f"{NS}OptionsContinuous")
    assert continuous is not None
    assert continuous.get("Enabled") == "true"
    assert [(one.get("Name"), one.text) for one in continuous.iter(f"{NS}Day")] == [("Sunday", ",".join("01" * 12))]
    either.switches.continuous_spelling = "OptionsContinious"
    standard = find(find(entity(on, job), "jobscheduleoptions"), "standart")
    assert find(standard, "optionscontinious")
    # What was read in XML can be sent back as it is.
    children = {one.tag.removeprefix(NS): one for one in shown}
    assert list(children)[:3] == ["RetryOptions", "WaitForBackupCompletion", "BackupCompetitionWaitingPeriodMin"]


@pytest.mark.parametrize(
    ("how", "offset", "sent", "kept"),
    [
        ("converted", 1.0, "22:00:00.0000000+01:00", "22:00:00"),
        ("converted", 1.0, "22:00:00.0000000-07:00", "06:00:00"),
        ("converted", -3.5, "22:00:00Z", "18:30:00"),
        ("converted", 1.0, "22:00:00", "22:00:00"),
        ("wall", 1.0, "22:00:00.0000000-07:00", "22:00:00"),
        ("converted", 1.0, "2019-10-23T22:00:00", "22:00:00"),
    ],
)
def test_times_of_schedules(em: Emulator, on: Wire, how: str, *, offset: float, sent: str, kept: str) -> None:
    em.switches.update({"schedule_times": how, "utc_offset": offset})
    job = em.world.job("SQL Backup")
    assert edit(
        em, on, job, JobScheduleOptions={"Standart": {"OptionsDaily": {"Time": sent}, "OptionsMonthly": {"Time": sent}}}
    )[0]
    zone = "+01:00" if offset == 1 else "-03:30"
    assert on.get(f"/api/jobs/{job.id}?format=Entity").texts("Time") == [f"{kept}.0000000{zone}"] * 2
    standard = entity(on, job)["jobScheduleOptions"]["standart"]
    assert standard["optionsDaily"]["time"] == f"2019-10-23T{kept}"
    assert standard["optionsMonthly"]["time"] == f"2019-10-23T{kept}{zone}"
    em.switches.json_times = "time"
    assert entity(on, job)["jobScheduleOptions"]["standart"]["optionsDaily"]["time"] == f"{kept}.0000000{zone}"


def test_oddities_of_answers_in_json(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    assert "retrySpecified1" in entity(on, job)["jobScheduleOptions"]["standart"]["retryOptions"]
    assert on.get(f"/api/jobs/{job.id}?format=Entity").texts("RetrySpecified") == ["true"]
    assert on.get(f"/api/jobs/{job.id}?format=Entity").texts("RetrySpecified1") == []
    em.switches.retry_specified = "RetrySpecified"
    assert "retrySpecified" in entity(on, job)["jobScheduleOptions"]["standart"]["retryOptions"]
    mirror = em.world.job("Offsite Mirror")
    assert list(entity(on, mirror)["jobScheduleOptions"]) == ["immediateCopyMode"]


@pytest.mark.parametrize(
    "part",
    [
        {"OptionsDaily": {"Kind": "Sometimes"}},
        {"OptionsDaily": {"Days": ["Someday"]}},
        {"OptionsDaily": {"Time": "25:00:00"}},
        {"OptionsDaily": {"Time": "late"}},
        {"OptionsMonthly": {"DayNumberInMonth": "Fifth"}},
    ],
)
def test_settings_that_make_no_sense(em: Emulator, on: Wire, part: dict[str, Any]) -> None:
    job = em.world.job("SQL Backup")
    assert on.send("PUT", f"/api/jobs/{job.id}", {"JobScheduleOptions": {"Standart": part}}).status == 400


def test_retention(either: Emulator, on: Wire) -> None:
    job = either.world.job("SQL Backup")
    simple = {"RetainCycles": "5", "RetainLimitType": "Cycles"}
    weekly = {"Enabled": "true", "Weekly": {"Enabled": "true", "RetentionPeriod": "4", "SelectedDay": "Monday"}}
    assert edit(either, on, job, JobInfo={"BackupJobInfo": {"SimpleRetentionPolicy": simple, "GfsRetentionPolicy": weekly}})[0]
    shown = on.get(f"/api/jobs/{job.id}?format=Entity")
    assert shown.texts("RetainCycles") == ["5"]
    assert shown.texts("RetainDaysToKeep") == ["14"]
    policy = shown.xml.find(f".//{NS}GfsRetentionPolicy")
    assert policy is not None
    assert policy.get("Enabled") == "true"
    assert policy.findtext(f"{NS}Weekly/{NS}RetentionPeriod") == "4"
    assert policy.findtext(f"{NS}Monthly/{NS}Enabled") == "false"


def test_objects_of_an_edit_replace_all(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    kept = em.world.objects_of(job)[0]
    wanted = [{"HierarchyObjRef": reference(em, name), "Name": name} for name in ("sql01", "build01")]
    assert edit(em, on, job, JobInfo={"BackupJobInfo": {"Includes": {"ObjectInJobs": wanted}}})[0]
    assert [row.name for row in em.world.objects_of(job)] == ["sql01", "build01"]
    assert em.world.objects_of(job)[0] is kept


def test_a_change_that_shows_late(em: Emulator, on: Wire) -> None:
    em.switches.schedule_delay = 30
    job = em.world.job("SQL Backup")
    assert edit(em, on, job, Description="later")[0]
    on.result(on("POST", f"/api/jobs/{job.id}?action=toggleScheduleEnabled", {"Content-Length": "0"}))
    shown = entity(on, job)
    assert (shown["description"], shown["scheduleEnabled"]) == ('Databases; "always on", (two sites)', True)
    em.clock.advance(30)
    shown = entity(on, job)
    assert (shown["description"], shown["scheduleEnabled"]) == ("later", False)


# Deletion, links


def test_delete(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    run = em.world.start_run(job)
    assert on.result(on("DELETE", f"/api/jobs/{job.id}")) == (
        False,
        'Unable to delete job "SQL Backup": the job is currently running.',
    )
    em.clock.advance(10)
    points = len(on.query("VmRestorePoint", filter="VmDisplayName==sql01").xml.findall(f".//{NS}Ref"))
    assert on.result(on("DELETE", f"/api/jobs/{job.id}")) == (True, "Ok")
    assert on.get(f"/api/jobs/{job.id}").status == 404
    assert on.query("ObjectInJob", filter=f'JobUid=="{job.uid}"').texts("Name") == []
    assert on.get(run.entity_path).status == 200
    assert len(on.query("VmRestorePoint", filter="VmDisplayName==sql01").xml.findall(f".//{NS}Ref")) == points
    for kind, path in (("agent", "agents/jobs"), ("nas", "nas/jobs")):
        other = next(one for one in em.world.jobs if one.kind == kind)
        assert on("DELETE", f"/api/{path}/{other.id}").status == 405


def test_what_a_copy_is_linked_to(either: Emulator, on: Wire) -> None:
    copy, job = either.world.job("Offsite Mirror"), either.world.job("SQL Backup")
    path = f"/api/jobs/{copy.id}/linkedJobs"
    for row in list(copy.linked):
        either.world.remove_row(row)
    assert on.get(path).texts("LinkedJobUid") == []
    assert on.result(on.send("POST", path, {"LinkedJobUid": job.uid})) == (True, "Ok")
    assert on.result(
        on(
            "POST",
            f"/api/jobs/{copy.id}/linkedBackupRepositories",
            XML,
            xml_body("Any", LinkedBackupRepositoryUid=repository(either)),
        )
    )[0]
    shown = on.get(path)
    assert shown.xml.tag == f"{NS}LinkedJobResourceObjects"
    assert shown.texts("LinkedJobUid") == [job.uid]
    whole = on.get(f"/api/jobs/{copy.id}?format=Entity")
    assert whole.texts("LinkedJobUid") == [job.uid]
    assert whole.texts("LinkedBackupRepositoryUid") == [repository(either)]
    assert on.result(on.send("POST", path, {"LinkedJobUid": "urn:veeam:Job:none"}))[0] is False
    assert on.result(on("DELETE", f"{path}/{shown.texts('ObjectInJobId')[0]}")) == (True, "Ok")
    assert on.get(path).texts("LinkedJobUid") == []
    assert on.send("POST", f"/api/jobs/{job.id}/linkedJobs", {"LinkedJobUid": job.uid}).status == 400
