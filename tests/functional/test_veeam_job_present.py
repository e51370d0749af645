# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job, state present: what is sent to create and change a job, and what is made of the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator, LogEntry
from emulator.document import Link

from .harness import Harness, Session, all_versions, all_versions_and_formats

JOB = "SQL Backup"
NEW = "Web Backup"
REPOSITORY = "Default Backup Repository"


def manage(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job for state present of SQL Backup, unless told otherwise. Suboptions get their defaults."""
    given = {"name": JOB, "state": "present", **params}
    return harness.run(veeam_job, session, options or {}, given, check_mode=check_mode)


def daily(time: str, days: Any = "everyday") -> dict[str, Any]:
    return {"daily": {"time": time, "days": days}}


def monthly(time: str, day: str, week: str | None = None, months: list[str] | None = None) -> dict[str, Any]:
    return {"monthly": {"time": time, "day": day, "week": week, "months": months}}


def edits(em: Emulator) -> list[LogEntry]:
    return em.requests("PUT", "/api/jobs/")


def clones(em: Emulator) -> list[LogEntry]:
    return em.requests("POST", "action=clone")


def read_body(entry: LogEntry) -> Any:
    """Return a request's body as nested dictionaries of texts, the same from either format."""
    return _read(json.loads(entry.body)) if entry.body.startswith(b"{") else _read(ET.fromstring(entry.body))


def _read(node: Any) -> Any:
    if isinstance(node, ET.Element):
        members = {**node.attrib, **{child.tag.rpartition("}")[2]: _read(child) for child in node}}
        return members or node.text or ""
    return {key: _read(value) for key, value in node.items()} if isinstance(node, dict) else str(node)


def find_schedule(em: Emulator, name: str = JOB) -> Mapping[str, Any]:
    """Return the schedule options that a job has in truth."""
    em.world.catch_up()
    (options,) = em.world.job(name).schedule_options.values()
    return dict(options)


def list_enabled(options: Mapping[str, Any]) -> list[str]:
    return [name for name, part in options.items() if isinstance(part, Mapping) and str(part.get("Enabled")).lower() == "true"]


# ---------------------------------------------------------------------------------------------------------------------
# A job that exists

SCHEDULES = [
    (daily("22:30"), "OptionsDaily"),
    (daily("05:00", "weekdays"), "OptionsDaily"),
    (daily("23:59:30", ["friday", "Monday"]), "OptionsDaily"),
    (monthly("22:00", "Saturday", "Last"), "OptionsMonthly"),
    (monthly("01:15", "31", None, ["May", "January"]), "OptionsMonthly"),
    ({"periodic": {"every": 4, "unit": "hours"}}, "OptionsPeriodically"),
    ({"periodic": {"every": 30, "unit": "minutes"}}, "OptionsPeriodically"),
    ({"continuous": True}, "OptionsContinuous"),
    ({"after_job": "Failing Backup"}, "OptionsDaisyChaining"),
]


@all_versions_and_formats
@pytest.mark.parametrize(("schedule", "part"), SCHEDULES, ids=str)
def test_a_schedule_is_set_once(harness: Harness, em: Emulator, schedule: dict[str, Any], part: str) -> None:
    session = em.logon()
    result = manage(harness, session, schedule=schedule)
    assert result["changed"] is True
    assert result["differences"] == ["schedule"]
    assert result["created"] is False
    assert list_enabled(find_schedule(em)) == [part]
    assert em.tasks(session) == [], "the task was removed"
    again = manage(harness, session, schedule=schedule)
    assert (again["changed"], again["differences"], again["task"]) == (False, [], None)
    assert len(edits(em)) == 1


@all_versions_and_formats
def test_every_schedule_follows_every_other(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    for schedule, part in [*SCHEDULES, *reversed(SCHEDULES[:-1])]:
        manage(harness, session, schedule=schedule)
        assert list_enabled(find_schedule(em)) == [part]


@all_versions_and_formats
@pytest.mark.parametrize("utc_offset", [-7.0, 0.0, 5.5])
@pytest.mark.parametrize("schedule_times", ["converted", "wall"])
@pytest.mark.parametrize("json_times", ["datetime", "time"])
def test_ten_at_night_stays_ten_at_night(
    harness: Harness, em: Emulator, utc_offset: float, schedule_times: str, json_times: str
) -> None:
    em.switches.update({"utc_offset": utc_offset, "schedule_times": schedule_times, "json_times": json_times})
    session = em.logon()
    for schedule, part in ((daily("21:45"), "OptionsDaily"), (monthly("21:45", "Sunday", "First"), "OptionsMonthly")):
        assert manage(harness, session, schedule=schedule)["changed"] is True
        assert find_schedule(em)[part]["Time"] == "21:45:00"
        em.switches.update({"utc_offset": utc_offset + 1})  # daylight saving time
        assert manage(harness, session, schedule=schedule)["changed"] is False


@all_versions_and_formats
def test_only_what_differs_is_sent(harness: Harness, em: Emulator) -> None:
    before = find_schedule(em)
    result = manage(
        harness,
        em.logon(),
        description="Databases",
        retention={"type": "days", "count": 21},
        schedule=daily("22:00"),
        retry={"times": 3, "wait": 10},
    )
    (entry,) = edits(em)
    assert result["differences"] == ["description", "retention"]
    assert read_body(entry) == {
        "Description": "Databases",
        "JobInfo": {"BackupJobInfo": {"SimpleRetentionPolicy": {"RetainDaysToKeep": "21", "RetainLimitType": "Days"}}},
    }
    assert find_schedule(em) == before
    assert result["job"]["description"] == "Databases"
    assert result["diff"]["after"] == "description: Databases\nretention: type days count 21\n"
    assert result["diff"]["before"].endswith("retention: type days count 14\n")


@all_versions_and_formats
@pytest.mark.parametrize("spelling", ["RetrySpecified", "RetrySpecified1"])
def test_retries(harness: Harness, em: Emulator, spelling: str) -> None:
    em.switches.update({"retry_specified": spelling})
    session = em.logon()
    for retry, shown in (({"times": 5, "wait": None}, (5, 10, True)), ({"times": 0, "wait": None}, (5, 10, False))):
        assert manage(harness, session, retry=retry)["differences"] == ["retry"]
        options = find_schedule(em)["RetryOptions"]
        assert (int(options["RetryTimes"]), int(options["RetryTimeout"]), options["RetrySpecified"]) == shown
        assert manage(harness, session, retry=retry)["changed"] is False
    assert manage(harness, session, retry={"times": 0, "wait": 30})["changed"] is False, "there is nothing to wait for"


@all_versions_and_formats
@pytest.mark.parametrize("spelling", ["OptionsContinuous", "OptionsContinious"])
def test_both_spellings_of_continuous_options(harness: Harness, em: Emulator, spelling: str) -> None:
    em.switches.update({"continuous_spelling": spelling})
    session = em.logon()
    assert manage(harness, session, schedule={"continuous": True})["changed"] is True
    assert manage(harness, session, schedule={"continuous": True})["changed"] is False
    assert list(read_body(edits(em)[0])["JobScheduleOptions"]["Standart"]) == ["OptionsDaily", spelling]
    assert manage(harness, session, schedule=daily("22:00"))["changed"] is True
    assert list_enabled(find_schedule(em)) == ["OptionsDaily"]


@all_versions_and_formats
def test_a_job_without_a_schedule_gets_one(harness: Harness, em: Emulator) -> None:
    em.world.job(JOB).schedule_configured = False
    session = em.logon()
    schedule = monthly("03:00", "1")
    assert manage(harness, session, schedule=schedule)["changed"] is True
    assert list_enabled(find_schedule(em)) == ["OptionsMonthly"]
    assert em.world.job(JOB).schedule_configured is True
    assert manage(harness, session, schedule=schedule)["changed"] is False


@all_versions_and_formats
def test_the_schedule_is_enabled_and_disabled(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    for enabled in (False, True):
        result = manage(harness, session, schedule_enabled=enabled)
        assert (result["changed"], result["job"]["schedule_enabled"]) == (True, enabled)
        assert manage(harness, session, schedule_enabled=enabled)["changed"] is False


@all_versions_and_formats
def test_other_settings_are_merged(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    settings = {
        "JobScheduleOptions": {"Standart": {"WaitForBackupCompletion": False, "OptionsDaily": {"Kind": "WeekDays"}}},
        "JobInfo": {"BackupJobInfo": {"GfsRetentionPolicy": {"Enabled": True}}},
    }
    result = manage(harness, session, settings=settings, retry={"times": 4, "wait": None})
    assert result["changed"] is True
    assert {
        "settings.JobScheduleOptions.Standart.WaitForBackupCompletion",
        "settings.JobInfo.BackupJobInfo.GfsRetentionPolicy.Enabled",
    } <= set(result["differences"])
    options = find_schedule(em)
    assert (options["WaitForBackupCompletion"], options["OptionsDaily"]["Kind"]) == (False, "WeekDays")
    assert int(options["RetryOptions"]["RetryTimes"]) == 4
    assert manage(harness, session, settings=settings)["changed"] is False


@all_versions
def test_a_change_that_shows_late_is_awaited(harness: Harness, em: Emulator) -> None:
    em.switches.update({"schedule_delay": 20.0})
    result = manage(harness, em.logon(), description="late")
    assert result["job"]["description"] == "late"
    assert sum(harness.slept) >= 20


def test_a_change_that_never_shows_is_a_failure(harness: Harness, em: Emulator) -> None:
    em.switches.update({"schedule_delay": 9000.0})
    with harness.failure("wait_timeout") as failure:
        manage(harness, em.logon(), description="late", wait_timeout=30)
    assert "description" in failure.error.msg
    assert failure.result["changed"] is True


# ---------------------------------------------------------------------------------------------------------------------
# A new job


@all_versions_and_formats
@pytest.mark.parametrize("clone_name", ["asked", "link"])
def test_a_job_is_created_and_described_once(harness: Harness, em: Emulator, clone_name: str) -> None:
    em.switches.update({"clone_name": clone_name, "object_delay": 7.0})
    session = em.logon()
    wanted: dict[str, Any] = {
        "name": NEW,
        "template": JOB,
        "repository": REPOSITORY,
        "description": "The web servers",
        "retention": {"type": "cycles", "count": 30},
        "schedule": daily("23:00", "weekdays"),
        "schedule_enabled": True,
    }
    result = manage(harness, session, **wanted)
    job = em.world.job(NEW)
    assert (result["changed"], result["created"]) == (True, True)
    assert result["job"]["uid"] == job.uid
    assert job.description == "The web servers"
    assert find_schedule(em, NEW)["OptionsDaily"]["Time"] == "23:00:00"
    assert job.retention_options["SimpleRetentionPolicy"]["RetainCycles"] == 30
    assert result["job"]["schedule_enabled"] is True
    assert em.tasks(session) == []
    again = manage(harness, session, **wanted)
    assert (again["changed"], again["created"], again["differences"]) == (False, False, [])
    assert len(clones(em)) == 1


@all_versions_and_formats
def test_without_a_repository_the_one_of_the_templates_backups_is_sent(harness: Harness, em: Emulator) -> None:
    manage(harness, em.logon(), name=NEW, template=JOB)
    (info,) = read_body(clones(em)[0]).values()
    assert info["JobName"] == NEW
    assert info["RepositoryUid"].lower() == find_repository(em, JOB)


@all_versions
def test_backups_on_several_repositories_do_not_say_which_one_is_meant(harness: Harness, em: Emulator) -> None:
    job = em.world.job(JOB)
    other = em.world.add_repository("Other Repository", job.server.name, 2**40, 2**39)
    up = Link("Up", other.spec.reference_path(other.id), "RepositoryReference", other.name)
    em.world.add_row("Backup", job.name, server=job.server, links=[up], JobUid=job.uid)
    with harness.failure("invalid_option") as failure:
        manage(harness, em.logon(), name=NEW, template=JOB)
    assert "backups on several repositories: set repository" in failure.error.msg
    assert not clones(em)


def find_repository(em: Emulator, job: str) -> str:
    """Return the UID of the repository that holds the backups of a job."""
    uid = em.world.job(job).uid
    table = em.world.table(em.world.catalogue["Backup"])
    rows = [row for row in table if row.data["jobuid"] == uid]
    (path,) = {link.path for row in rows for link in row.links(0.0) if link.type.startswith("Repository")}
    return f"urn:veeam:repository:{path.rpartition('/')[2]}".lower()


@all_versions_and_formats
@pytest.mark.parametrize(
    ("template", "info"),
    [
        ("DC Replication", "ReplicaJobCloneInfo"),
        ("Offsite Copy", "BackupCopyJobCloneInfo"),
        ("Offsite Mirror", "ImmediateBackupCopyJobCloneInfo"),
    ],
)
def test_jobs_of_other_types_are_cloned(harness: Harness, em: Emulator, template: str, info: str) -> None:
    repository = None if info.startswith("Replica") else REPOSITORY
    manage(harness, em.logon(), name="Twin", template=template, repository=repository, description="twin")
    assert list(read_body(clones(em)[0])) == [info]
    twin = em.world.job("Twin")
    assert (twin.job_type, twin.description) == (em.world.job(template).job_type, "twin")


@all_versions_and_formats
@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("not_found", {}, "set template"),
        ("not_found", {"template": "No Such Job"}, "No Such Job"),
        ("invalid_option", {"template": JOB, "name": "x" * 51, "repository": REPOSITORY}, "51 characters"),
        ("not_found", {"template": JOB, "repository": "No Such Repository"}, "No Such Repository"),
        ("not_found", {"template": JOB, "backup_server": "vbr02.vbem.test"}, "vbr02"),
        ("invalid_option", {"template": JOB, "schedule": {"after_job": "No Such Job"}}, "No Such Job"),
        ("invalid_option", {"template": JOB, "schedule": {"daily": {"time": "25:00", "days": "everyday"}}}, "25:00"),
        ("invalid_option", {"template": JOB, "schedule": {"continuous": True, "after_job": JOB}}, "one of"),
        ("invalid_option", {"template": JOB, "retention": {"type": "days", "count": 0}}, "retention.count"),
        ("invalid_option", {"settings": {"JobInfo": {"BackupJobInfo": {"Includes": {}}}}}, "veeam_job_object"),
        ("invalid_option", {"settings": {"Name": "other"}}, "Name"),
        ("invalid_option", {"settings": {"JobInfo": {"Password": "x"}}}, "secret"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_sent(
    harness: Harness, em: Emulator, kind: str, options: dict[str, Any], words: str
) -> None:
    for check_mode in (True, False):
        with harness.failure(kind) as failure:
            manage(harness, em.logon(), check_mode=check_mode, **{"name": NEW, **options})
        assert words in failure.error.msg
    assert not clones(em)
    assert not edits(em)


@all_versions_and_formats
def test_a_name_that_two_jobs_have_is_ambiguous(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous") as failure:
        manage(harness, em.logon(), name="Daily Backup", description="x")
    assert len(failure.result["jobs"]) == 2
    result = manage(harness, em.logon(), name="Daily Backup", description="x", backup_server="vbr02.vbem.test")
    assert result["job"]["backup_server"] == "vbr02.vbem.test"
    assert len(edits(em)) == 1


@all_versions_and_formats
def test_check_mode_predicts(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    for wanted in (
        {"description": "x", "retention": {"type": "days", "count": 3}},
        {"name": NEW, "template": JOB, "description": "x", "retention": {"type": "days", "count": 3}},
    ):
        predicted = manage(harness, session, check_mode=True, **wanted)
        assert not edits(em)[1:]
        assert not clones(em)
        done = manage(harness, session, **wanted)
        for key in ("changed", "created", "differences", "diff"):
            assert predicted[key] == done[key], key
        assert predicted["job"]["name"] == done["job"]["name"]


@all_versions
def test_what_was_done_is_in_the_result_of_a_failure(harness: Harness, em: Emulator) -> None:
    settings = {"JobScheduleOptions": {"Standart": {"OptionsDaily": {"Kind": "x"}}}}
    with harness.failure("server_error") as failure:
        manage(harness, em.logon(), name=NEW, template=JOB, settings=settings)
    assert failure.result["changed"] is True
    assert failure.result["created"] is True
    assert failure.result["job"]["name"] == NEW
