# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job_info: the public form of jobs, selecting them, and their latest sessions."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job_info
from emulator import Emulator, Switches
from emulator.query import Listing

from .harness import Harness, Session, all_formats, all_versions, all_versions_and_formats
from .test_veeam_job import start

KEYS = {
    "name",
    "uid",
    "job_type",
    "platform",
    "description",
    "schedule_configured",
    "schedule_enabled",
    "next_run",
    "backup_server",
    "backup_server_uid",
    "href",
}
SESSION_KEYS = {
    "name",
    "uid",
    "job_name",
    "job_uid",
    "job_type",
    "backup_server",
    "state",
    "result",
    "progress",
    "creation_time",
    "end_time",
    "is_retry",
    "failure_message",
    "href",
}


def list_jobs(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> list[dict[str, Any]]:
    """Run veeam_job_info, and return the jobs."""
    result = harness.run(veeam_job_info, session, options or {}, params, check_mode=check_mode)
    assert result.keys() == {"changed", "jobs"}
    assert result["changed"] is False
    return list(result["jobs"])


def names(harness: Harness, session: Session = None, **params: Any) -> list[str]:
    return [job["name"] for job in list_jobs(harness, session, **params)]


@all_versions_and_formats
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_all_jobs_of_a_kind_are_listed(harness: Harness, em: Emulator, kind: str) -> None:
    jobs = list_jobs(harness, em.logon(), kind=kind)
    there = [job for job in em.world.jobs if job.kind == kind]
    assert sorted(job["uid"] for job in jobs) == sorted(job.uid for job in there)
    for job in jobs:
        assert job.keys() == KEYS
        real = next(other for other in there if other.uid == job["uid"])
        assert job["name"] == real.name
        assert job["description"] == (real.description or None)
        assert job["job_type"] == (None if kind == "nas" else real.job_type)
        assert job["platform"] == (None if kind == "nas" else real.platform)
        assert job["schedule_configured"] is real.schedule_configured
        assert job["schedule_enabled"] is real.enabled
        assert job["backup_server"] == real.server.name
        assert job["backup_server_uid"] == real.server.uid
        assert job["href"].startswith(em.base_url + "/api/")
        assert real.id in job["href"]
        if kind != "job" or not (real.enabled and real.schedule_configured):
            assert job["next_run"] is None
        else:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", job["next_run"])
    assert [job["name"] for job in jobs] == sorted((job["name"] for job in jobs), key=str.lower)


@all_versions
def test_jobs_are_sorted_by_name_and_server(harness: Harness, em: Emulator) -> None:
    for name, server in (("Job 10", "vbr01"), ("Job 9", "vbr02"), ("job 9", "vbr01"), ("Job 9", "vbr03")):
        em.world.add_job(name, server=server, platform="CustomPlatform", job_type="Backup")
    jobs = list_jobs(harness, em.logon(), filter='Platform==CustomPlatform;Name!="Offsite Mirror"')
    assert [(job["name"], job["backup_server"][:5]) for job in jobs] == [
        ("job 9", "vbr01"),
        ("Job 9", "vbr02"),
        ("Job 9", "vbr03"),
        ("Job 10", "vbr01"),
    ]


@all_versions_and_formats
@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"name": "daily backup"}, ["Daily Backup", "Daily Backup"]),
        ({"name": "Daily Backup", "backup_server": "VBR02.vbem.test"}, ["Daily Backup"]),
        ({"name": 'R&D "special"; (A,B) == x'}, ['R&D "special"; (A,B) == x']),
        ({"job_type": "Replica"}, ["DC Replication"]),
        ({"job_type": "backupcopy"}, ["Offsite Copy"]),
        ({"platform": "vcloud"}, ["vCloud Backup"]),
        ({"platform": "Hyperv", "backup_server": "vbr02.vbem.test"}, ["B\u00fcro-Sicherung \u00d8st", "Daily Backup"]),
        ({"filter": "ScheduleEnabled==false"}, ["Manual Backup", "Weekly Archive"]),
        ({"filter": "ScheduleEnabled==false;ScheduleConfigured==true"}, ["Weekly Archive"]),
        ({"filter": 'Name=="SQL Backup",Name=="Weekly Archive"'}, ["SQL Backup", "Weekly Archive"]),
        ({"filter": "Platform==VMware;JobType==Replica", "name": "SQL Backup"}, []),
        ({"filter": 'Description=="Databases; ""always on"", (two sites)"'}, ["SQL Backup"]),
        ({"backup_server": "vbr03.vbem.test"}, ["vCloud Backup"]),
        ({"kind": "agent", "platform": "AgentForWindows"}, ["Windows Agents"]),
        ({"kind": "agent", "job_type": "AgentBackup", "backup_server": "vbr01.vbem.test"}, ["Linux Agents"]),
        ({"kind": "nas", "name": "SHARED files"}, ["Shared Files"]),
        ({"name": "nothing"}, []),
        ({"limit": 3}, ["B\u00fcro-Sicherung \u00d8st", "Daily Backup", "Daily Backup"]),
        ({"filter": "Name>x"}, []),
    ],
    ids=str,
)
@pytest.mark.parametrize("filtering", ["honoured", "rejected", "ignored", "empty"])
def test_the_same_jobs_are_selected_whatever_the_server_does_with_filters(
    harness: Harness,
    em: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    *,
    params: dict[str, Any],
    wanted: list[str],
    filtering: str,
) -> None:
    session = em.logon()
    if filtering == "rejected":
        em.fault("status", status=500, query="filter=", times=None)
    elif filtering == "ignored":
        monkeypatch.setattr(Listing, "_predicate", lambda self, text: None)
    elif filtering == "empty":
        monkeypatch.setattr(Listing, "_predicate", lambda self, text: (lambda row: False) if text else None)
    assert names(harness, session, **params) == wanted
    assert len(em.log) <= 2


@pytest.mark.parametrize(
    ("params", "kind", "hint"),
    [
        ({"name": ""}, "invalid_option", "name"),
        ({"uid": "x"}, "invalid_option", "uid"),
        ({"backup_server": " "}, "invalid_option", "backup_server"),
        ({"kind": "nas", "job_type": "NasBackup"}, "invalid_option", "job_type"),
        ({"kind": "nas", "platform": "VMware"}, "invalid_option", "platform"),
        ({"limit": 0}, "invalid_option", "limit"),
        ({"page_size": 0}, "invalid_option", "page_size"),
        ({"filter": ""}, "invalid_filter", "position 1"),
        ({"filter": "Nmae==x"}, "invalid_filter", "Name"),
        ({"filter": "NextRun==soon"}, "invalid_filter", "NextRun"),
        ({"filter": "Name=x"}, "invalid_filter", "=="),
        ({"kind": "agent", "filter": 'NextRun>"2026-01-01"'}, "invalid_filter", "NextRun"),
        ({"kind": "nas", "filter": "JobType==Backup"}, "invalid_filter", "JobType"),
    ],
    ids=str,
)
def test_invalid_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], kind: str, hint: str
) -> None:
    with harness.failure(kind) as caught:
        list_jobs(harness, **params)
    assert hint in caught.error.msg
    assert em.log == []


# ---------------------------------------------------------------------------------------------------------------------
# Latest sessions


@all_versions_and_formats
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_the_latest_session_of_each_job(harness: Harness, em: Emulator, kind: str) -> None:
    jobs = list_jobs(harness, em.logon(), kind=kind, last_session=True)
    for job in jobs:
        runs = next(em.world.runs_of(other) for other in em.world.jobs if other.uid == job["uid"])
        seen = job["last_session"]
        assert job.keys() == KEYS | {"last_session"}
        if not runs:
            assert job["name"] == "Manual Backup"
            assert seen is None
            continue
        run = runs[-1]
        assert seen.keys() == SESSION_KEYS
        assert seen["uid"] == run.uid
        assert seen["result"] == run.outcome
        assert seen["state"] == "Stopped"
        assert seen["progress"] == (0 if job["job_type"] == "ImmediateBackupCopy" else 100)
        assert seen["failure_message"] == run.failure_message
        assert seen["href"].startswith(em.base_url + "/api/")
    # That a job has no session is believed only if the server finds one that exists, which takes two more requests.
    assert len(em.log) == 1 + len(jobs) + 2 * any(job["last_session"] is None for job in jobs)


@all_versions_and_formats
def test_a_job_without_a_session_and_one_that_runs(harness: Harness, em: Emulator) -> None:
    em.world.add_job("Brand new")
    run = start(em, "Endless Backup")
    em.clock.advance(3)
    session = em.logon()
    (new,) = list_jobs(harness, session, name="Brand new", last_session=True)
    assert new["last_session"] is None
    (endless,) = list_jobs(harness, session, name="Endless Backup", last_session=True)
    assert endless["last_session"]["uid"] == run.uid
    assert endless["last_session"]["state"] == "Working"
    assert endless["last_session"]["result"] is None
    assert endless["last_session"]["end_time"] is None


def _ignore_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listing, "_order", lambda self, ascending, descending: (None, False))


@all_versions_and_formats
def test_the_latest_session_of_a_server_that_does_not_sort(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = em.world.add_job("Many")
    _ignore_order(monkeypatch)
    times = [em.clock.now() - 90000 + number * 60 for number in range(25)]
    random.Random(2).shuffle(times)
    made = [em.world.add_run(job, when, 10) for when in times]
    (seen,) = list_jobs(harness, em.logon(), name="Many", last_session=True)
    assert seen["last_session"]["uid"] == max(made, key=lambda run: run.created).uid


@all_versions
def test_the_latest_of_many_sessions_costs_one_request(harness: Harness, em: Emulator) -> None:
    em.world.make_runs(3000, em.world.job("SQL Backup"))
    (seen,) = list_jobs(harness, em.logon(), name="SQL Backup", last_session=True)
    assert seen["last_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid
    assert len(em.log) == 2
    assert int(em.log[1].query["pagesize"]) <= 100


@all_versions
def test_sessions_are_read_only_for_the_jobs_within_the_limit(harness: Harness, em: Emulator) -> None:
    assert len(list_jobs(harness, em.logon(), last_session=True, limit=2)) == 2
    assert len(em.log) == 3


# ---------------------------------------------------------------------------------------------------------------------
# The same result


@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_results_are_the_same_for_every_version_and_format(kind: str) -> None:
    """Except for fractions of seconds, of which version 12 has three digits."""
    seen = []
    for version in (12, 13):
        for response_format in ("xml", "json", "auto"):
            with Emulator(Switches(version=version), speed=0) as em:
                em.world.add_job("Lines", kind=kind, description="one\ntwo  three\t<&>\u00e4")
                harness = Harness(em, response_format)
                jobs = list_jobs(harness, em.logon(), kind=kind, last_session=True)
                harness.close()
                assert (
                    list_jobs(Harness(em, response_format), em.logon(), kind=kind, last_session=True, check_mode=True) == jobs
                )
                text = re.sub(r"(:\d\d)\.\d+Z", r"\1Z", repr(jobs)).replace(str(em.port), "PORT")
                seen.append(text)
    assert len(set(seen)) == 1


@all_versions_and_formats
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
def test_addresses_are_on_the_configured_server(harness: Harness, em: Emulator, hrefs: str) -> None:
    em.switches.update({"hrefs": hrefs, "max_page_size": 4})
    jobs = list_jobs(harness, em.logon(), last_session=True)
    assert len(jobs) == 15
    assert "invalid" not in repr(jobs)
    assert ":9399/" not in repr(jobs)


@all_formats
@pytest.mark.parametrize("empty_query", ["list", "null", "missing"])
@pytest.mark.parametrize("pages_count", [0, 1])
def test_an_empty_list_in_every_form(harness: Harness, em: Emulator, empty_query: str, pages_count: int) -> None:
    em.switches.update({"empty_query": empty_query, "pages_count_when_empty": pages_count})
    session = em.logon()
    assert list_jobs(harness, session, name="nothing") == []
    em.world.add_job("Brand new")
    (new,) = list_jobs(harness, session, name="Brand new", last_session=True)
    assert new["last_session"] is None
