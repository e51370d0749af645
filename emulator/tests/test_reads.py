# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads that no query gives: reports, security, system sessions, mounts, the catalogue, and what is below resources."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator

from .samples import first
from .wire import JSON, NS, Wire, find

FRAMES = {
    "overview": {"BackupServers", "RunningJobs", "ScheduledJobs", "FailedVmLastestStates"},
    "vms_overview": {"ProtectedVms", "RestorePoints", "FullBackupPointsSize", "SuccessBackupPercents"},
    "job_statistics": {"RunningJobs", "TotalJobRuns", "FailedJobRuns", "MaxDurationBackupJobName"},
    "jobs_statistics": {"TotalJobRuns"},
    "repository": {"Period"},
    "processed_vms": {"Day"},
}


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_reports(either: Emulator, on: Wire, name: str) -> None:
    shown = on.get(f"/api/reports/summary/{name}").xml
    assert FRAMES[name] <= {one.tag.removeprefix(NS) for one in shown}
    as_json = on.get(f"/api/reports/summary/{name}", JSON).json
    assert {key.lower() for key in as_json} >= {"links", "href", "type"}
    plural = {"Period": "periods", "Day": "days"}
    assert {key.lower() for key in as_json} >= {plural.get(key, key.lower()) for key in FRAMES[name]}


def test_statistics_count(em: Emulator, on: Wire) -> None:
    def count() -> dict[str, Any]:
        return dict(on.get("/api/reports/summary/job_statistics", JSON).json)

    before = count()
    em.world.add_run(em.world.job("SQL Backup"), em.clock.now() - 60, 30, "failed")
    em.world.start_run(em.world.job("Daily Backup"))
    after = count()
    assert after["failedJobRuns"] == before["failedJobRuns"] + 1
    assert after["runningJobs"] == before["runningJobs"] + 1
    assert on.get("/api/reports/summary").xml.tag == f"{NS}SummaryReport"
    assert on.get("/api/reports/nothing").status == 404


def test_security(em: Emulator, on: Wire) -> None:
    links = [link.get("Href", "").removeprefix(em.base_url) for link in on.get("/api/security").xml.iter(f"{NS}Link")]
    assert "/api/security/accounts" in links
    roles = on.get("/api/security/roles").xml.findall(f"{NS}Ref")
    assert [role.get("Name") for role in roles][:3] == ["Portal Administrator", "Portal User", "VM Restore Operator"]
    account = on.get("/api/security/accounts").xml.findall(f"{NS}Ref")[-1]
    place = account.get("Href", "").removeprefix(em.base_url)
    assert on.get(f"{place}/roles").texts("RoleName") == ["VM Restore Operator"]
    assert on.get(f"{place}/scopes").texts("Name") == ["web01"]
    assert on.get(f"{place}?format=Entity").texts("AllowRestoreAllVms") == ["false"]
    assert on("POST", place, {"Content-Length": "0"}).status == 204
    assert on.get(f"{place}?format=Entity").texts("AllowRestoreAllVms") == ["true"]
    assert on.query("EnterpriseAccount").status == 500


def test_system_sessions(either: Emulator, on: Wire) -> None:
    shown = on.get("/api/systemSessions?format=Entity")
    assert shown.texts("SessionType") == ["Collection", "Collection"]
    session = shown.xml.findall(f"{NS}SystemSession")[1].get("Href", "").removeprefix(either.base_url).partition("?")[0]
    assert on.get(f"{session}/events").texts("Message") == ["The backup server cannot be reached."]
    on.result(on("POST", f"/api/backupServers/{either.world.server().id}?action=collect", {"Content-Length": "0"}))
    assert len(on.get("/api/systemSessions").xml.findall(f"{NS}Ref")) == 3


def test_mounted_files(either: Emulator, on: Wire) -> None:
    point = first(either, "VmRestorePoint").reference_path
    assert on.get(f"{point}/mounts").xml.tag == f"{NS}VmRestorePointMounts"
    place = on.related(on.send("POST", f"{point}/mounts", {"OsKind": "Windows"}))
    assert on.get(place).texts("Path") == ["C:", "E:"]
    inside = on.get(f"{place}/C:/Documents?action=listAll")
    assert inside.texts("Name") == ["Invoice1.docx", "Invoice2.docx", "Old"]
    assert on.get(f"{place}/C:/Documents?action=listDirs").texts("Name") == ["Old"]
    assert on.get(f"{place}/C:/Documents/Old?action=listFiles").texts("Name") == ["2019 & before.txt"]
    assert on.get(f"{place}/C:/Documents/Invoice1.docx").texts("Size") == ["16896000"]
    assert on.get(f"{place}/C:/nothing").status == 404
    original = {"ToOriginalLocation": {"Overwrite": True, "GuestCredentials": {"UserName": "u", "Password": "p"}}}
    session = on.related(on.send("POST", f"{place}/C:/Documents/Invoice1.docx?action=restore", original))
    assert on.get(session).texts("JobType") == ["FileLevelRestore"]
    assert on("DELETE", place).status == 204
    assert on.get(place).status == 404


def test_the_catalogue(em: Emulator, on: Wire) -> None:
    names = [one.get("Name") for one in on.get("/api/catalog/vms").xml.findall(f"{NS}Ref")]
    assert "web01" in names
    points = on.get("/api/catalog/vms/web01/vmRestorePoints").xml.findall(f"{NS}Ref")
    assert len(points) == 2
    place = points[0].get("Href", "").removeprefix(em.base_url)
    assert on.get(f"{place}?format=Entity").texts("BackupDateUTC") != []
    answer = on("POST", f"{place}?action=browse", {"Content-Length": "0"})
    assert answer.status == 200
    assert answer.texts("Operation") == ["BrowseVM"]
    assert on.get(f"{place}/guestfs").xml.tag == f"{NS}FileSystemEntry"
    assert on.get(f"{place}/guestfs/C:/Documents?action=listFiles").texts("Name") == ["Invoice1.docx", "Invoice2.docx"]
    assert on.get("/api/catalog/vms/nobody").status == 404


def test_settings_of_organisations(em: Emulator, on: Wire) -> None:
    for kind in ("VCloudOrganizationConfig", "VsphereSelfServiceConfig"):
        place = f"{first(em, kind).reference_path}/backupJobSettings"
        assert on.get(place).texts("JobSchedulerType") == ["Full"]
        assert find(on.get(place, JSON).json, "jobschedulertype") == "Full"


def test_collections_below_a_resource(em: Emulator, on: Wire) -> None:
    run = em.world.runs_of(em.world.job("SQL Backup"))[-1]
    assert on.get(f"{run.reference_path}/taskSessions?format=Entity").texts("JobSessionUid") == [run.uid] * 2
    point = first(em, "RestorePoint")
    assert on.get(f"{point.reference_path}/vmRestorePoints").xml.findall(f"{NS}Ref")
    server = em.world.server().reference_path
    assert len(on.get(f"{server}/credentials").texts("Username")) == 2
    empty = em.world.add_server("new.vbem.test").reference_path
    assert on.get(f"{empty}/credentials").status == 200
    assert on.get(f"{empty}/nonsense").status == 404
    intervals = on.send(
        "POST", f"{_cdp(em)}?action=intervals", {"StartDate": "2025-01-01T00:00:00", "EndDate": "2025-01-02T00:00:00"}
    )
    assert len(intervals.json["intervals"]["intervals"]) == 3


def _cdp(em: Emulator) -> str:
    replica = first(em, "CdpReplica")
    return em.world.children("VmCdpReplica", replica)[0].reference_path
