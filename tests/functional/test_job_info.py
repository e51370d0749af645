# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs are listed as they are, from every server and format alike, and each one's latest run is the latest."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job_info
from emulator import Emulator, Switches
from emulator.query import Listing

from .bench import Bench, Session, every_version, every_wire
from .test_jobs import run_job, start

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
RUN_KEYS = {
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
    bench: Bench, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> list[dict[str, Any]]:
    """Run veeam_job_info and give the jobs."""
    result = bench.run(veeam_job_info, session, options or {}, params, check_mode=check_mode)
    assert result.keys() == {"changed", "jobs"}
    assert result["changed"] is False
    return list(result["jobs"])


def names(bench: Bench, session: Session = None, **params: Any) -> list[str]:
    return [job["name"] for job in list_jobs(bench, session, **params)]


@every_wire
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_all_jobs_of_a_kind_are_listed(bench: Bench, em: Emulator, kind: str) -> None:
    jobs = list_jobs(bench, em.logon(), kind=kind)
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


@every_version
def test_jobs_are_sorted_by_name_and_server(bench: Bench, em: Emulator) -> None:
    for name, server in (("Job 10", "vbr01"), ("Job 9", "vbr02"), ("job 9", "vbr01"), ("Job 9", "vbr03")):
        em.world.add_job(name, server=server, platform="CustomPlatform", job_type="Backup")
    jobs = list_jobs(bench, em.logon(), filter='Platform==CustomPlatform;Name!="Offsite Mirror"')
    assert [(job["name"], job["backup_server"][:5]) for job in jobs] == [
        ("job 9", "vbr01"),
        ("Job 9", "vbr02"),
        ("Job 9", "vbr03"),
        ("Job 10", "vbr01"),
    ]


@every_wire
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
def test_jobs_are_selected_whatever_the_server_makes_of_the_filter(
    bench: Bench,
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
    assert names(bench, session, **params) == wanted
    assert len(em.log) <= 2


@every_version
@pytest.mark.parametrize("page_size", [1, 7, 500])
@pytest.mark.parametrize("max_page_size", [0, 3])
def test_every_page_is_read(bench: Bench, em: Emulator, page_size: int, max_page_size: int) -> None:
    em.switches.max_page_size = max_page_size
    assert len(list_jobs(bench, em.logon(), page_size=page_size)) == 15
    sizes = {entry.query["pagesize"] for entry in em.log[:1]}
    assert sizes == {str(page_size)}


@pytest.mark.parametrize(
    ("params", "kind", "said"),
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
def test_options_that_make_no_sense_are_told_before_anything_is_sent(
    bench: Bench, em: Emulator, params: dict[str, Any], kind: str, said: str
) -> None:
    with bench.failure(kind) as caught:
        list_jobs(bench, **params)
    assert said in caught.error.msg
    assert em.log == []


# ---------------------------------------------------------------------------------------------------------------------
# The latest run


@every_wire
@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_the_latest_run_of_each_job(bench: Bench, em: Emulator, kind: str) -> None:
    jobs = list_jobs(bench, em.logon(), kind=kind, last_session=True)
    for job in jobs:
        runs = next(em.world.runs_of(other) for other in em.world.jobs if other.uid == job["uid"])
        seen = job["last_session"]
        assert job.keys() == KEYS | {"last_session"}
        if not runs:
            assert job["name"] == "Manual Backup"
            assert seen is None
            continue
        run = runs[-1]
        assert seen.keys() == RUN_KEYS
        assert seen["uid"] == run.uid
        assert seen["result"] == run.outcome
        assert seen["state"] == "Stopped"
        assert seen["progress"] == (0 if job["job_type"] == "ImmediateBackupCopy" else 100)
        assert seen["failure_message"] == run.failure_message
        assert seen["href"].startswith(em.base_url + "/api/")
    # That a job has no run is believed once the server has shown that it finds one that is there, which takes two more.
    assert len(em.log) == 1 + len(jobs) + 2 * any(job["last_session"] is None for job in jobs)


@every_wire
def test_a_job_that_never_ran_and_one_that_runs(bench: Bench, em: Emulator) -> None:
    em.world.add_job("Brand new")
    run = start(em, "Endless Backup")
    em.clock.advance(3)
    session = em.logon()
    (new,) = list_jobs(bench, session, name="Brand new", last_session=True)
    assert new["last_session"] is None
    (endless,) = list_jobs(bench, session, name="Endless Backup", last_session=True)
    assert endless["last_session"]["uid"] == run.uid
    assert endless["last_session"]["state"] == "Working"
    assert endless["last_session"]["result"] is None
    assert endless["last_session"]["end_time"] is None


def _forget_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listing, "_order", lambda self, ascending, descending: (None, False))


@every_wire
@pytest.mark.parametrize("count", [3, 9, 25])
def test_the_latest_run_where_the_server_ignores_sorting(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Rows then come oldest first."""
    job = em.world.add_job("Many")
    _forget_order(monkeypatch)
    for number in range(count):
        em.world.add_run(job, em.clock.now() - 90000 + number * 60, 10)
    (seen,) = list_jobs(bench, em.logon(), name="Many", last_session=True)
    assert seen["last_session"]["uid"] == em.world.runs_of(job)[-1].uid


@every_wire
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_latest_run_where_the_server_gives_any_order(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    job = em.world.add_job("Many")
    _forget_order(monkeypatch)
    times = [em.clock.now() - 90000 + number * 60 for number in range(25)]
    random.Random(seed).shuffle(times)
    made = [em.world.add_run(job, when, 10) for when in times]
    (seen,) = list_jobs(bench, em.logon(), name="Many", last_session=True)
    assert seen["last_session"]["uid"] == max(made, key=lambda run: run.created).uid


@every_version
@pytest.mark.parametrize("order", [(2, 1, 3), (2, 1, 0, 3)])
def test_two_rows_in_falling_order_are_no_sorted_list(
    bench: Bench, em: Emulator, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...]
) -> None:
    job = em.world.add_job("Few")
    _forget_order(monkeypatch)
    made = {number: em.world.add_run(job, em.clock.now() - 9000 + number * 60, 10) for number in order}
    (seen,) = list_jobs(bench, em.logon(), name="Few", last_session=True)
    assert seen["last_session"]["uid"] == made[3].uid


@every_version
def test_the_latest_of_many_runs_costs_one_request(bench: Bench, em: Emulator) -> None:
    em.world.make_runs(3000, em.world.job("SQL Backup"))
    (seen,) = list_jobs(bench, em.logon(), name="SQL Backup", last_session=True)
    assert seen["last_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid
    assert len(em.log) == 2
    assert int(em.log[1].query["pagesize"]) <= 100


@every_version
def test_twins_have_runs_of_their_own(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    run_job(bench, session, name="Daily Backup", backup_server="vbr02.vbem.test", state="started", wait_for="session")
    first, second = list_jobs(bench, session, name="Daily Backup", last_session=True)
    assert first["last_session"]["job_uid"] == first["uid"]
    assert second["last_session"]["job_uid"] == second["uid"]
    assert second["last_session"]["creation_time"] > first["last_session"]["creation_time"]


@every_version
def test_only_as_many_runs_are_read_as_jobs_are_wanted(bench: Bench, em: Emulator) -> None:
    assert len(list_jobs(bench, em.logon(), last_session=True, limit=2)) == 2
    assert len(em.log) == 3


# ---------------------------------------------------------------------------------------------------------------------
# The same everywhere


@pytest.mark.parametrize("kind", ["job", "agent", "nas"])
def test_results_are_the_same_everywhere(kind: str) -> None:
    """But for fractions of seconds: version 12 has three digits."""
    seen = []
    for version in (12, 13):
        for form in ("xml", "json", "auto"):
            with Emulator(Switches(version=version), speed=0) as em:
                em.world.add_job("Lines", kind=kind, description="one\ntwo  three\t<&>\u00e4")
                bench = Bench(em, form)
                jobs = list_jobs(bench, em.logon(), kind=kind, last_session=True)
                bench.close()
                assert list_jobs(Bench(em, form), em.logon(), kind=kind, last_session=True, check_mode=True) == jobs
                text = re.sub(r"(:\d\d)\.\d+Z", r"\1Z", repr(jobs)).replace(str(em.port), "PORT")
                seen.append(text)
    assert len(set(seen)) == 1


@every_wire
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
def test_addresses_are_on_the_configured_server(bench: Bench, em: Emulator, hrefs: str) -> None:
    em.switches.update({"hrefs": hrefs, "max_page_size": 4})
    jobs = list_jobs(bench, em.logon(), last_session=True)
    assert len(jobs) == 15
    assert "invalid" not in repr(jobs)
    assert ":9399/" not in repr(jobs)


@every_wire
@pytest.mark.parametrize("empty_query", ["list", "null", "missing"])
@pytest.mark.parametrize("pages_count", [0, 1])
def test_nothing_is_nothing(bench: Bench, em: Emulator, empty_query: str, pages_count: int) -> None:
    em.switches.update({"empty_query": empty_query, "pages_count_when_empty": pages_count})
    session = em.logon()
    assert list_jobs(bench, session, name="nothing") == []
    em.world.add_job("Brand new")
    (new,) = list_jobs(bench, session, name="Brand new", last_session=True)
    assert new["last_session"] is None


@every_wire
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_sessions_are_treated_as_whose_they_are(bench: Bench, em: Emulator, own: bool) -> None:
    session = None if own else em.logon()
    list_jobs(bench, session)
    em.fault("status", status=403, query="type=Job&")
    with bench.failure("forbidden"):
        list_jobs(bench, session)
    assert len(bench.logons()) == len(bench.logoffs()) == (2 if own else 0)
    assert len(em.sessions) == (not own)


@every_wire
def test_a_lost_session_is_not_no_jobs(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    em.expire(session)
    with bench.failure("session_lost"):
        list_jobs(bench, session, name="nothing")
    assert len(em.log) == 1
