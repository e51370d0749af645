# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as code: clone, edit, delete, and what a copy is linked to (wire-facts 12)."""

from __future__ import annotations

import uuid
from typing import Any

from .bodies import NO_OBJECT
from .clock import to_datetime
from .document import Link
from .errors import ApiError
from .exchange import Reply
from .infrastructure import add_object
from .job_settings import merge, read_settings
from .jobs import Job
from .writes import Handler, Write

LONGEST_NAME = 50
_INFOS = {
    "Backup": "BackupJobCloneInfo",
    "Replica": "ReplicaJobCloneInfo",
    "BackupCopy": "BackupCopyJobCloneInfo",
    "ImmediateBackupCopy": "ImmediateBackupCopyJobCloneInfo",
}


def _job(write: Write) -> Job:
    assert isinstance(write.row, Job)
    return write.row


def clone(write: Write) -> Reply:
    """Copy a job: its objects, but not its retention; the schedule of the copy is off."""
    job, switches = _job(write), write.api.switches
    info = write.body.get(_INFOS[job.job_type])
    if not isinstance(info, dict):
        raise ApiError(500, NO_OBJECT)
    name = str(info["JobName"])
    if len(name) > LONGEST_NAME:
        raise ApiError(400, f"Job name cannot be longer than {LONGEST_NAME} characters.")
    generated = f"{job.name} cloned at {to_datetime(write.request.now):%m/%d/%Y %I:%M:%S %p}"
    key = str(uuid.uuid4())
    related = Link("Related", job.spec.entity_path(key), "Job", name if switches.clone_name == "asked" else generated)
    if info.get("RepositoryUid") and not _knows_repository(write, job, str(info["RepositoryUid"])):
        return write.task(False, f"Backup repository [{info['RepositoryUid']}] was not found on the backup server.")
    twin = Job(
        job.spec,
        key,
        generated if switches.clone_name == "job" else name,
        server=job.server,
        kind=job.kind,
        job_type=job.job_type,
        platform=job.platform,
        description=str(info.get("Description") or ""),
        schedule_configured=job.schedule_configured,
        enabled=False,
        script=list(job.script),
        duration=job.duration,
        failure_message=job.failure_message,
        next_run=job.next_run,
        schedule=job.schedule,
    )

    def appear() -> None:
        twin.visible_from = write.world.now + switches.object_delay
        write.world.put_job(twin)
        for row in write.world.objects_of(job):
            add_object(write.world, twin, str(row.data["hierarchyobjref"]), name=row.name)

    return write.task(True, "OK", related, appear)


def _knows_repository(write: Write, job: Job, uid: str) -> bool:
    table = write.world.table(write.world.catalogue["Repository"])
    return any(row.uid.lower() == uid.lower() and row.data["backupserveruid"] == job.server.uid for row in table)


def edit(write: Write) -> Reply:
    """Change what the body mentions, and nothing else."""
    job, body = _job(write), write.body
    schedule = read_settings(body.get("JobScheduleOptions") or {}, write.api.switches)
    infos = [info for info in (body.get("JobInfo") or {}).values() if isinstance(info, dict)]
    info = read_settings(infos[0], write.api.switches) if infos else {}
    includes = info.pop("Includes", None)

    def change() -> None:
        if schedule:
            job.schedule = merge(job.schedule_options, schedule)
        if info:
            job.retention = merge(job.retention_options, info)
        if "Description" in body:
            job.description = str(body["Description"] or "")
        if "ScheduleConfigured" in body:
            job.schedule_configured = bool(body["ScheduleConfigured"])
        if "ScheduleEnabled" in body:
            job.set_enabled(bool(body["ScheduleEnabled"]))
        if isinstance(includes, dict) and includes.get("ObjectInJobs"):
            _replace_objects(write, job, includes["ObjectInJobs"])
        write.world.touch()

    return write.task(True, "Ok", effect=lambda: write.world.later(write.world.now + write.api.switches.schedule_delay, change))


def _replace_objects(write: Write, job: Job, wanted: list[dict[str, Any]]) -> None:
    """Let a job hold what an edit lists, and no more."""
    references = {str(one.get("HierarchyObjRef", "")).lower(): one for one in wanted}
    for row in write.world.objects_of(job):
        if references.pop(str(row.data["hierarchyobjref"]).lower(), None) is None:
            write.world.remove_row(row)
    for reference, one in references.items():
        add_object(write.world, job, str(one.get("HierarchyObjRef", reference)), name=one.get("Name"))


def delete(write: Write) -> Reply:
    """Delete a job that does not run; its backups stay."""
    job = _job(write)
    if write.world.active_run(job) is not None:
        return write.task(False, f'Unable to delete job "{job.name}": the job is currently running.')
    return write.task(True, "Ok", effect=lambda: write.world.remove_job(job))


def link(write: Write) -> Reply:
    """Link a job or a repository to a copy; what it copied from before is forgotten."""
    world, owner = write.world, write.place.owner
    assert isinstance(owner, Job)
    if not owner.is_copy:
        raise ApiError(400, "The operation is supported for backup copy jobs only.")
    name, value = next(iter(write.body.items()))
    known = [*(job.uid for job in world.jobs), *(row.uid for row in world.table(world.catalogue["Repository"]))]
    if str(value).lower() not in (uid.lower() for uid in known):
        return write.task(False, f"Object [{value}] was not found.")
    row = world.make_row(write.place.spec.name, str(value), str(uuid.uuid4()), owner=owner, values={name: str(value)})
    row.up = (Link("Up", owner.entity_path, "Job", owner.name),)
    return write.task(True, "Ok", effect=lambda: world.put_row(row))


def unlink(write: Write) -> Reply:
    """Take a linked job or repository out of a copy."""
    return write.task(True, "Ok", effect=lambda: write.world.remove_row(write.row))


HANDLERS: dict[str, Handler] = {
    "post_jobs_id_actionclone": clone,
    "put_jobs_id_actionedit": edit,
    "delete_jobs_id": delete,
    "post_jobs_id_linked_jobs": link,
    "post_jobs_id_linked_repositories": link,
    "delete_jobs_id_linked_jobs": unlink,
    "delete_jobs_id_linked_repositories": unlink,
}
