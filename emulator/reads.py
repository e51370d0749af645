# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads that no query gives: summary reports, security settings, settings of organisations, intervals of CDP (wire-facts 14)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .clock import to_datetime
from .document import Link, Many, Obj, Scalar, Value
from .errors import ApiError
from .exchange import Reply, Request
from .locate import Place
from .runs import FAILED, SUCCESS, WARNING
from .writes import Handler, Write

if TYPE_CHECKING:
    from .api import Api

_DAY = 86400.0
_LINK = "Workspace/ViewReport.aspx?definition={0}&ShowParams=1"


def reports(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET below /api/reports/summary."""
    lowered = [part.lower() for part in rest]
    if lowered[:1] == ["summary"] and len(lowered) == 1:
        links = [Link("Down", f"/api/reports/summary/{name}", f"{name}Frame") for name in _FRAMES]
        return _root(api, request, Obj("SummaryReport", links=links, path="/api/reports/summary", type="SummaryReport"))
    # The address is printed with job_statistics, the example with jobs_statistics.
    name = lowered[1].replace("jobs_", "job_") if len(lowered) == 2 and lowered[0] == "summary" else ""
    make = _FRAMES.get(name)
    if make is None:
        raise ApiError(404, "Resource not found.")
    return _root(api, request, make(api, request))


def _root(api: Api, request: Request, document: Obj) -> Reply:
    return api.text(request, api.renderer(request).root(document))


def _overview(api: Api, request: Request) -> Obj:
    world, now = api.backend.world, request.now
    last = [runs[-1] for runs in map(world.runs_of, world.jobs) if runs]
    members: list[tuple[str, Value]] = [
        ("BackupServers", len(world.servers)),
        ("ProxyServers", 1),
        ("RepositoryServers", len(world.table(world.catalogue["Repository"]))),
        ("RunningJobs", sum(1 for job in world.jobs if world.active_run(job))),
        ("ScheduledJobs", sum(1 for job in world.jobs if job.schedule_enabled(now))),
        ("SuccessfulVmLastestStates", sum(1 for run in last if run.outcome == SUCCESS)),
        ("WarningVmLastestStates", sum(1 for run in last if run.outcome == WARNING)),
        ("FailedVmLastestStates", sum(1 for run in last if run.outcome == FAILED)),
    ]
    return Obj("OverviewReportFrame", members=members)


def _machines(api: Api, request: Request) -> Obj:
    world = api.backend.world
    points = [row for row in world.table(world.catalogue["VmRestorePoint"]) if row.is_visible(request.now)]
    files = list(world.table(world.catalogue["BackupFile"]))
    protected = len({row.data["vmdisplayname"] for row in points})
    sizes = {
        kind: sum(int(str(row.data["backupsize"])) for row in files if row.data["filetype"] == kind) for kind in ("vbk", "vib")
    }
    members: list[tuple[str, Value]] = [
        ("ProtectedVms", protected),
        ("BackedUpVms", protected),
        ("ReplicatedVms", len({row.data["vmdisplayname"] for row in world.table(world.catalogue["VmReplicaPoint"])})),
        ("RestorePoints", len(points)),
        ("FullBackupPointsSize", sizes["vbk"]),
        ("IncrementalBackupPointsSize", sizes["vib"]),
        ("ReplicaRestorePointsSize", 0),
        ("SourceVmsSize", 40 * 1024**3 * protected),
        ("SuccessBackupPercents", 90),
        ("ProtectedVmsReportLink", _LINK.format("8a56d84f")),
    ]
    return Obj("VmsOverviewReportFrame", members=members)


def _statistics(api: Api, request: Request) -> Obj:
    world, now = api.backend.world, request.now
    runs = [run for run in world.runs if run.is_over(now) and run.created > now - _DAY]
    jobs = [job for job in world.jobs if job.schedule_enabled(now)]
    longest = max(runs, key=lambda run: run.ends - run.created, default=None)
    length = int(longest.ends - longest.created) if longest else 0
    members: list[tuple[str, Value]] = [
        ("RunningJobs", sum(1 for job in world.jobs if world.active_run(job))),
        ("ScheduledJobs", len(jobs)),
        ("ScheduledBackupJobs", sum(1 for job in jobs if job.job_type != "Replica")),
        ("ScheduledReplicaJobs", sum(1 for job in jobs if job.job_type == "Replica")),
        ("TotalJobRuns", len(runs)),
        ("SuccessfulJobRuns", sum(1 for run in runs if run.outcome == SUCCESS)),
        ("WarningsJobRuns", sum(1 for run in runs if run.outcome == WARNING)),
        ("FailedJobRuns", sum(1 for run in runs if run.outcome == FAILED)),
        ("MaxJobDuration", length),
        ("MaxBackupJobDuration", length),
        ("MaxReplicaJobDuration", 0),
        ("MaxDurationBackupJobName", longest.job.name if longest else ""),
        ("MaxDurationReplicaJobName", ""),
        ("BackupJobStatusReportLink", _LINK.format("7962844d")),
    ]
    return Obj("JobStatisticsReportFrame", members=members)


def _repositories(api: Api, request: Request) -> Obj:
    world = api.backend.world
    periods = []
    for row in world.table(world.catalogue["Repository"]):
        capacity, free = row.data["capacity"], row.data["freespace"]
        members: list[tuple[str, Value]] = [("Name", row.name), ("Capacity", capacity), ("FreeSpace", free)]
        members.append(("BackupSize", int(str(capacity)) - int(str(free))))
        periods.append(Obj("Period", members=members, is_resource=False))
    link = _LINK.format("62221565")
    return Obj(
        "RepositoryReportFrame", members=[("Periods", Many(periods, None))], attributes=[("CapacityPlanningReportLink", link)]
    )


def _processed(api: Api, request: Request) -> Obj:
    world, now = api.backend.world, request.now
    days = []
    for back in (6, 5, 4, 3, 2, 1, 0):
        begin = (now // _DAY - back) * _DAY
        dates = [row.data["creationtime"] for row in world.table(world.catalogue["VmRestorePoint"])]
        count = sum(1 for date in dates if to_datetime(begin) <= date < to_datetime(begin + _DAY))
        attributes: list[tuple[str, Scalar]] = [("Timestamp", to_datetime(begin)), ("ReplicatedVms", 0), ("BackupedVms", count)]
        days.append(Obj("Day", attributes=attributes, is_resource=False))
    return Obj("ProcessedVmsReportFrame", members=[("Days", Many(days, None))])


_FRAMES = {
    "overview": _overview,
    "vms_overview": _machines,
    "job_statistics": _statistics,
    "repository": _repositories,
    "processed_vms": _processed,
}


def security(api: Api, request: Request) -> Reply:
    """GET /api/security: what is below it."""
    links = [
        Link("Down", "/api/security/accounts", "EnterpriseAccountReferenceList"),
        Link("Create", "/api/security/accounts", "EnterpriseAccount"),
        Link("RebuildScope", "/api/security/accounts?action=rebuildScope"),
        Link("Down", "/api/security/roles", "EnterpriseRoleReferenceList"),
    ]
    return _root(
        api, request, Obj("EnterpriseSecuritySettings", links=links, path="/api/security", type="EnterpriseSecuritySettings")
    )


def backup_job_settings(api: Api, request: Request, place: Place) -> Reply:
    """GET .../backupJobSettings of an organisation or a self-service configuration."""
    row = place.row
    assert row is not None
    obj = row.entity(request.now, api.switches)
    settings = next((value for name, value in obj.members if name == "JobSettings"), None)
    usual: list[tuple[str, Value]] = [("DefaultSettings", True), ("JobSchedulerType", "Full"), ("HighPriorityJob", False)]
    members = settings.members if isinstance(settings, Obj) else usual
    name = (
        "VCloudOrganizationConfigBackupJobSettings"
        if row.spec.name.startswith("VCloud")
        else "VSphereSelfServiceConfigJobSettings"
    )
    return _root(api, request, Obj(name, members=members, path=f"{row.reference_path}/backupJobSettings", type=name))


def intervals(write: Write) -> Reply:
    """Return the times that a CDP replica can be brought back to; a read, though it is a POST."""
    end = to_datetime(write.request.now).replace(microsecond=0)
    steps = []
    for number, (hours, rpo) in enumerate(((10, 5), (2, 15), (0, 7))):
        begins = end - timedelta(hours=hours + 1 + number)
        members: list[tuple[str, Value]] = [
            ("StartDate", begins),
            ("EndDate", end - timedelta(hours=hours)),
            ("Rpo", rpo),
            ("IntervalType", "RestoreAvailable"),
        ]
        steps.append(Obj("Interval", members=members, is_resource=False))
    point: list[tuple[str, Value]] = [
        ("Id", write.row.id),
        ("Date", end - timedelta(hours=9)),
        ("IsApplicationConsistent", True),
    ]
    document = Obj(
        "CdpReplicaIntervals",
        members=[
            ("StartDate", end - timedelta(days=1)),
            ("EndDate", end),
            ("HasApplicationConsistentState", True),
            ("Intervals", Many(steps, "Intervals")),
            ("RestorePoints", Many([Obj("RestorePoint", members=point, is_resource=False)], "RestorePoints")),
        ],
    )
    return _root(write.api, write.request, document)


HANDLERS: dict[str, Handler] = {
    "post_cdpreplicavm_id_actionintervals": intervals,
    "post_cdpreplicavapp_id_actionintervals": intervals,
}
