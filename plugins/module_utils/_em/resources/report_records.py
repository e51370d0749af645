# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the backup report reads from the rows of its queries: job sessions, jobs, task sessions, restores and repositories.

A record has only what the report needs of a row, so that the rows of large queries can be read one by one and dropped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ..protocol.dates import parse_date
from ..protocol.filters import Field, find_key
from ..protocol.links import find_guid

FAILED, WARNING, SUCCESS, RUNNING = "failed", "warning", "success", "running"
SESSION_TYPES = ("BackupJobSession", "ReplicaJobSession", "CdpReplicaSession")
JOB_TYPES = ("Job", "AgentBackupJob", "NasJob", "CdpPolicy")
# The task sessions of each type of job session: one for each machine. Those of CDP cannot be filtered by result.
TASK_SESSION_TYPES = {"BackupJobSession": "BackupTaskSession", "ReplicaJobSession": "ReplicaTaskSession"}
# How the report names the values of JobType, and the jobs that have a resource type of their own.
JOB_TYPE_NAMES = {
    "Backup": "Backup",
    "BackupCopy": "Backup copy",
    "ImmediateBackupCopy": "Immediate copy",
    "ImmediateBackupCopyWorker": "Immediate copy, worker",
    "Replica": "Replication",
    "AgentBackup": "Agent backup",
    "AgentManagement": "Agent management",
    "NasBackup": "File share backup",
    "CdpReplica": "Continuous replication",
}
RESOURCE_TYPE_NAMES = {"AgentBackupJob": "Agent backup", "NasJob": "File share backup", "CdpPolicy": "Continuous replication"}
RESTORE_TYPE_NAMES = {"RestoreVm": "Whole machine", "FileLevelRestore": "Files"}
CREATION_TIME = Field("CreationTime", "creation_time", "date")
END_TIME = Field("EndTime", "end_time", "date")
NEXT_RUN = Field("NextRun", "next_run", "date")


class JobSession(NamedTuple):
    """A job session. ``outcome`` is one of the four constants above; ``job_key`` is the `Job.key` of its job."""

    resource_type: str
    uid: str
    job_key: str
    job_uid: str
    job_name: str
    server: str
    job_type: str
    started: datetime | None
    ended: datetime | None
    outcome: str
    is_retry: bool
    message: str
    progress: int | None

    @property
    def duration(self) -> float | None:
        """Return how many seconds it took; None if its start or its end is unknown."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None

    @property
    def end_timestamp(self) -> float:
        """Return its end, or else its start, in seconds since the epoch; 0 if both are unknown."""
        date = self.ended or self.started
        return date.timestamp() if date else 0.0


class Job(NamedTuple):
    """A job, or a CDP policy."""

    key: str
    name: str
    server: str
    job_type: str
    is_scheduled: bool
    next_run: datetime | None


class TaskSession(NamedTuple):
    """The outcome of a job session for one machine; ``session_guid`` is the GUID of the job session."""

    session_guid: str
    machine: str
    outcome: str
    reason: str


class RestoreSession(NamedTuple):
    """The restore of a machine, or of files from it. ``outcome`` is one of the four constants above."""

    uid: str
    machine: str
    server: str
    restore_type: str
    started: datetime | None
    ended: datetime | None
    outcome: str


class Repository(NamedTuple):
    """A backup repository; sizes are in bytes."""

    guid: str
    name: str
    server: str
    capacity: int
    free: int


class Records:
    """The records of all rows of a report's queries, without duplicates."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.task_sessions: list[TaskSession] = []
        self.repositories: list[Repository] = []
        self.failed_queries: list[dict[str, str]] = []
        self._sessions: dict[str, JobSession] = {}
        self._restores: dict[str, RestoreSession] = {}
        self._repository_of: dict[str, str] = {}  # by the GUID of a backup
        self._written: dict[str, int] = {}  # by the GUID of a backup
        self._texts: dict[str, str] = {}  # those that many job sessions share, such as names of jobs

    def add(self, resource_type: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Read the rows of a query. If reading them fails, nothing of the query is kept. Other types are ignored."""
        if resource_type in SESSION_TYPES:
            for session in [self._share_texts(read_job_session(resource_type, row)) for row in rows]:
                self._sessions[session.uid or str(len(self._sessions))] = session
        elif resource_type in JOB_TYPES:
            self.jobs += [read_job(resource_type, row) for row in rows]
        elif resource_type in TASK_SESSION_TYPES.values():
            self.task_sessions += [read_task_session(row) for row in rows]
        elif resource_type == "RestoreSession":
            for restore in [read_restore_session(row) for row in rows]:
                self._restores[restore.uid or str(len(self._restores))] = restore
        elif resource_type == "Repository":
            self.repositories += [_read_repository(row) for row in rows]
        elif resource_type == "Backup":
            self._repository_of.update(
                {
                    _find_own_guid(row, "uid"): _find_own_guid(row, "repository_uid") or find_parent(row, "Repository")
                    for row in rows
                }
            )
        elif resource_type == "BackupFile":
            sizes: dict[str, int] = {}
            for row in rows:
                backup = _find_own_guid(row, "backup_uid") or find_parent(row, "Backup")
                sizes[backup] = sizes.get(backup, 0) + read_number(row, "backup_size")
            for backup, size in sizes.items():
                self._written[backup] = self._written.get(backup, 0) + size

    def add_failure(self, resource_type: str, msg: str) -> None:
        """Note that a query failed."""
        self.failed_queries.append({"type": resource_type, "msg": msg})

    def list_job_sessions(self) -> list[JobSession]:
        """Return all job sessions. Those whose job has no GUID belong to the job of their name and server."""
        keys = {_create_name_key(job.name, job.server): job.key for job in self.jobs}
        return [
            session._replace(job_key=keys[session.job_key]) if session.job_key in keys else session
            for session in self._sessions.values()
        ]

    def list_restore_sessions(self) -> list[RestoreSession]:
        """Return all restore sessions."""
        return list(self._restores.values())

    def sum_written(self) -> dict[str, int]:
        """Return the size of the backup files of each repository, by its GUID."""
        written: dict[str, int] = {}
        for backup, size in self._written.items():
            repository = self._repository_of.get(backup) if backup else None
            if repository:
                written[repository] = written.get(repository, 0) + size
        return written

    def _share_texts(self, session: JobSession) -> JobSession:
        """Return a job session whose texts that others have too are the same objects: they are most of its memory."""
        share = self._texts.setdefault
        return session._replace(
            job_key=share(session.job_key, session.job_key),
            job_uid=share(session.job_uid, session.job_uid),
            job_name=share(session.job_name, session.job_name),
            server=share(session.server, session.server),
            job_type=share(session.job_type, session.job_type),
            outcome=share(session.outcome, session.outcome),
            message=share(session.message, session.message),
        )


def _create_name_key(name: str, server: str) -> str:
    return f"{name}\0{server}"


def _find_job_guid(uid: str) -> str | None:
    """Return the GUID of a job's UID; None without one, and for one of zeros, which jobs of agents and file shares share."""
    guid = find_guid(uid)
    return None if guid is None or not guid.strip("0-") else guid


def _read_name_before_date(row: Mapping[str, Any]) -> str:
    """Return the name of a job or machine from that of its session: what is before the last @, as names may hold one."""
    name = _read_text(row, "name")
    return name.rpartition("@")[0] or name


def read_job_session(resource_type: str, row: Mapping[str, Any]) -> JobSession:
    """Return a job session. Without the GUID of its job, the key is made of the job's name and server."""
    is_cdp = resource_type == "CdpReplicaSession"
    outcome, is_stopped = _read_outcome(row)
    job_uid = _read_text(row, "policy_uid" if is_cdp else "job_uid")
    job_name = _read_text(row, "policy_name" if is_cdp else "job_name") or _read_name_before_date(row)
    server = read_server(row)
    job_type = _read_text(row, "job_type") or _read_text(row, "policy_type") or ("CdpReplica" if is_cdp else "")
    return JobSession(
        resource_type=resource_type,
        uid=_read_text(row, "uid") or _read_text(row, "id"),
        job_key=_find_job_guid(job_uid) or _create_name_key(job_name, server),
        job_uid=job_uid,
        job_name=job_name,
        server=server,
        job_type=JOB_TYPE_NAMES.get(job_type, job_type),
        started=_read_date(row, CREATION_TIME),
        ended=_read_date(row, END_TIME) if is_stopped else None,
        outcome=outcome,
        is_retry=row.get("is_retry") is True,
        message=_read_text(row, "failure_message"),
        progress=row["progress"] if isinstance(row.get("progress"), int) else None,
    )


def read_job(resource_type: str, row: Mapping[str, Any]) -> Job:
    """Return a job."""
    return Job(
        key=find_guid(_read_text(row, "uid")) or _read_text(row, "uid"),
        name=_read_text(row, "name"),
        server=read_server(row),
        job_type=RESOURCE_TYPE_NAMES.get(resource_type)
        or JOB_TYPE_NAMES.get(_read_text(row, "job_type"), _read_text(row, "job_type")),
        is_scheduled=row.get("schedule_enabled") is True and row.get("schedule_configured") is not False,
        next_run=_read_date(row, NEXT_RUN),
    )


def read_task_session(row: Mapping[str, Any]) -> TaskSession:
    """Return a task session."""
    return TaskSession(
        session_guid=find_guid(_read_text(row, "job_session_uid")) or find_parent(row, "JobSession"),
        machine=_read_text(row, "vm_display_name") or _read_name_before_date(row),
        outcome=_read_text(row, "result").lower(),
        reason=_read_text(row, "reason"),
    )


def read_restore_session(row: Mapping[str, Any]) -> RestoreSession:
    """Return a restore session."""
    outcome, is_stopped = _read_outcome(row)
    restore_type = _read_text(row, "job_type")
    return RestoreSession(
        uid=_read_text(row, "uid") or _read_text(row, "id"),
        machine=_read_text(row, "vm_display_name") or _read_name_before_date(row),
        server=read_server(row),
        restore_type=RESTORE_TYPE_NAMES.get(restore_type, restore_type),
        started=_read_date(row, CREATION_TIME),
        ended=_read_date(row, END_TIME) if is_stopped else None,
        outcome=outcome,
    )


def _read_repository(row: Mapping[str, Any]) -> Repository:
    return Repository(
        guid=_find_own_guid(row, "uid"),
        name=_read_text(row, "name"),
        server=read_server(row),
        capacity=read_number(row, "capacity"),
        free=read_number(row, "free_space"),
    )


def _find_own_guid(row: Mapping[str, Any], key: str) -> str:
    return find_guid(_read_text(row, key)) or ""


def _read_outcome(row: Mapping[str, Any]) -> tuple[str, bool]:
    """Return how a session ended, and whether it did. Without a result, or with an unknown one, it is no success."""
    state, result = _read_text(row, "state"), _read_text(row, "result").lower()
    is_stopped = state == "Stopped" or (not state and result in (FAILED, WARNING, SUCCESS))
    return (RUNNING if not is_stopped else result if result in (FAILED, SUCCESS) else WARNING), is_stopped


def read_server(row: Mapping[str, Any]) -> str:
    """Return the name of a row's backup server: from its link to the server, or else from the field of that name."""
    for link in row.get("links") or ():
        if str(link.get("type") or "").lower().startswith("backupserver"):
            return str(link.get("name") or "")
    return _read_text(row, "backup_server_name")


def find_parent(row: Mapping[str, Any], resource_type: str) -> str:
    """Return the GUID of a row's parent: of the Up link whose type contains this one; an empty string if there is none."""
    for link in row.get("links") or ():
        is_of_type = f"{resource_type}reference".lower() in str(link.get("type") or "").lower()
        if is_of_type and str(link.get("rel") or "").lower() == "up":
            return str(link.get("uid") or "")
    return ""


def read_number(row: Mapping[str, Any], key: str) -> int:
    """Return a number that is not negative; 0 for anything else."""
    value = row.get(key)
    return max(0, int(value)) if isinstance(value, (int, float)) and math.isfinite(value) else 0


def _read_text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _read_date(row: Mapping[str, Any], field: Field) -> datetime | None:
    key = find_key(field, row)
    return parse_date(_read_text(row, key)) if key else None
