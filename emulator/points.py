# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What backups leave behind: backups, restore points, files, and what was done to each machine (wire-facts 11)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from .clock import to_datetime
from .document import Link, Scalar
from .entity import Entity, Plain
from .jobs import Job
from .runs import SUCCESS, Run

if TYPE_CHECKING:
    from .world import World

GIB = 1024**3


class Protected(NamedTuple):
    """A machine as backups know it."""

    name: str
    reference: str


def whole(seconds: float) -> datetime:
    """Return a date without a fraction."""
    return to_datetime(math.floor(seconds))


def stamp(seconds: float) -> str:
    """Return a date as names have it."""
    return f"{to_datetime(seconds):%Y-%m-%d %H:%M:%S}"


def up(entity: Entity, kind: str) -> Link:
    """Return the link to what a row belongs to."""
    return Link("Up", entity.reference_path, f"{kind}Reference", entity.name)


def job_values(job: Job) -> dict[str, Scalar]:
    """Return the members that name the job."""
    return {"JobUid": job.uid, "JobName": job.name}


def add_backup(world: World, job: Job, platform: str | None = None) -> Plain:
    """Add the backup of a job."""
    repositories = list(world.table(world.catalogue["Repository"]))
    own = [row for row in repositories if row.data["backupserveruid"] == job.server.uid] or repositories
    repository = own[0] if own else None
    named = {"RepositoryUid": repository.uid, "RepositoryName": repository.name} if repository else {}
    return world.add_row(
        "Backup",
        job.name,
        server=job.server,
        links=[up(repository, "Repository")] if repository else [],
        Platform=platform or {"Hyperv": "HyperV"}.get(job.platform or "", job.platform),
        BackupType="Standard",
        values={**job_values(job), **named},
    )


def backup_of(world: World, job: Job) -> Plain:
    """Return the backup of a job, which may be its first."""
    known = (row for row in world.table(world.catalogue["Backup"]) if row.data.get("jobuid") == job.uid)
    return next(known, None) or add_backup(world, job)


def has_point(world: World, reference: str) -> bool:
    """Return whether a machine has a restore point."""
    wanted = reference.lower()
    table = world.table(world.catalogue["VmRestorePoint"])
    return any(str(row.data["hierarchyobjref"]).lower() == wanted for row in table)


def add_points(
    world: World,
    job: Job,
    when: float,
    machines: Sequence[Protected],
    *,
    kind: str | None = None,
    visible_from: float = 0.0,
) -> list[Plain]:
    """Add a restore point, its file, and the part of each machine; the first one of a machine is full."""
    backup = backup_of(world, job)
    point = world.make_row(
        "RestorePoint",
        f"{to_datetime(when):%b %d %Y %I:%M%p}",
        server=job.server,
        links=[up(backup, "Backup")],
        CreationTime=whole(when),
        BackupUid=backup.uid,
        BackupName=backup.name,
    )
    is_full = not [row for row in world.table(world.catalogue["BackupFile"]) if row.data["backupuid"] == backup.uid]
    suffix = "vbk" if is_full else "vib"
    name = f"{job.name}D{to_datetime(when):%Y-%m-%dT%H%M%S}.{suffix}"
    size = (40 if is_full else 4) * GIB * len(machines)
    file = world.make_row(
        "BackupFile",
        name,
        server=job.server,
        links=[up(backup, "Backup")],
        FilePath=f"D:\\Backup\\{job.name}\\{name}",
        BackupSize=size,
        DataSize=size * 2 + 7,
        DeduplicationRatio=1.25,
        CompressRatio=2.5 if is_full else 1.5,
        CreationTimeUTC=whole(when),
        FileType=suffix,
        BackupUid=backup.uid,
        BackupName=backup.name,
    )
    rows = []
    for machine in machines:
        shown = kind or ("Increment" if has_point(world, machine.reference) else "Full")
        row = world.make_row(
            "VmRestorePoint",
            f"{machine.name}@{stamp(when)}",
            server=job.server,
            links=[up(point, "RestorePoint"), up(file, "BackupFile")],
            CreationTime=whole(when),
            VmDisplayName=machine.name,
            Type=shown,
            Algorithm="Full" if shown == "Full" else "Incremental",
            RestorePointId=point.id,
            RestorePointName=point.name,
            HierarchyObjRef=machine.reference,
        )
        mounts = f"{row.reference_path}/mounts"
        row.up = (
            Link("Restore", f"{row.reference_path}?action=restore"),
            *row.up,
            Link("Down", mounts, "VmRestorePointMountList"),
            Link("Create", mounts, "VmRestorePointMount"),
        )
        rows.append(row)
    for row in (point, file, *rows):
        row.visible_from = visible_from
        world.put_row(row)
    return rows


def add_task_session(
    world: World,
    job: Job,
    run: Run,
    machine: Protected,
    *,
    began: float,
    ended: float,
    result: str,
    reason: str = "",
    size: int = 40 * GIB,
) -> Plain:
    """Add what a run did to one machine."""
    kind, of = ("ReplicaTaskSession", "Replica") if job.job_type == "Replica" else ("BackupTaskSession", "Backup")
    more: dict[str, Scalar] = {} if kind == "ReplicaTaskSession" else {"VmUid": machine.reference}
    return world.add_row(
        kind,
        f"{machine.name}@{stamp(began)}",
        server=job.server,
        links=[Link("Up", run.reference_path, f"{of}JobSessionReference", run.name)],
        JobSessionUid=run.uid,
        VmDisplayName=machine.name,
        CreationTime=whole(began),
        EndTime=whole(ended),
        State="Completed",
        Result=result,
        Reason=reason if result != SUCCESS else "",
        TotalSize=size,
        values={**job_values(job), **more},
    )
