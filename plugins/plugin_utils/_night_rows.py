# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the picture of a night takes from the results of veeam_query_info: runs, jobs, machines, repositories."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import parse_date
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import find_guid

FAILED, WARNING, SUCCESS, RUNNING = "failed", "warning", "success", "running"
RUN_TYPES = ("BackupJobSession", "ReplicaJobSession", "CdpReplicaSession")
JOB_TYPES = ("Job", "AgentBackupJob", "NasJob", "CdpPolicy")
# Which type tells what a run did to each machine. What that type of CDP tells cannot be filtered by result.
MACHINE_TYPES = {"BackupJobSession": "BackupTaskSession", "ReplicaJobSession": "ReplicaTaskSession"}
KINDS = {
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
JOB_KINDS = {"AgentBackupJob": "Agent backup", "NasJob": "File share backup", "CdpPolicy": "Continuous replication"}


class Run(NamedTuple):
    """A run of a job. ``outcome`` is one of the four above; ``key`` is its job's."""

    type: str
    uid: str
    key: str
    job_uid: str
    job: str
    server: str
    kind: str
    began: datetime | None
    ended: datetime | None
    outcome: str
    is_retry: bool
    message: str
    progress: int | None

    @property
    def seconds(self) -> float | None:
        """Give how long it took; None where that is not told."""
        return (self.ended - self.began).total_seconds() if self.began and self.ended else None


class Job(NamedTuple):
    """A job, or a policy of continuous replication."""

    key: str
    name: str
    server: str
    kind: str
    is_scheduled: bool
    next_run: datetime | None


class Machine(NamedTuple):
    """What a run did to a machine; ``run`` is the run's GUID."""

    run: str
    name: str
    outcome: str
    reason: str


def iter_resources(answers: Iterable[Mapping[str, Any]], *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the resources of these types, each with its type."""
    for answer in answers:
        if answer["item"]["type"] in types:
            for row in answer.get("resources") or ():
                yield answer["item"]["type"], row


def read_runs(answers: Iterable[Mapping[str, Any]]) -> list[Run]:
    """Read all runs there are, each once."""
    runs = {run.uid or str(number): run for number, run in enumerate(_iter_runs(answers))}
    return list(runs.values())


def _iter_runs(answers: Iterable[Mapping[str, Any]]) -> Iterator[Run]:
    for kind, row in iter_resources(answers, *RUN_TYPES):
        is_cdp = kind == "CdpReplicaSession"
        state, result = _text(row, "state"), _text(row, "result").lower()
        is_over = state == "Stopped" or (not state and result in (FAILED, WARNING, SUCCESS))
        job_uid = _text(row, "policy_uid" if is_cdp else "job_uid")
        job = _text(row, "policy_name" if is_cdp else "job_name") or _text(row, "name").partition("@")[0]
        server = read_server(row)
        job_type = _text(row, "job_type") or _text(row, "policy_type") or ("CdpReplica" if is_cdp else "")
        yield Run(
            type=kind,
            uid=_text(row, "uid") or _text(row, "id"),
            key=find_guid(job_uid) or f"{job}\0{server}",
            job_uid=job_uid,
            job=job,
            server=server,
            kind=KINDS.get(job_type, job_type),
            began=_date(row, "creation_time_utc", "creation_time"),
            ended=_date(row, "end_time_utc", "end_time") if is_over else None,
            # A run that has stopped with no result, or one we do not know, is not called a success.
            outcome=RUNNING if not is_over else result if result in (FAILED, SUCCESS) else WARNING,
            is_retry=row.get("is_retry") is True,
            message=_text(row, "failure_message"),
            progress=row["progress"] if isinstance(row.get("progress"), int) else None,
        )


def read_jobs(answers: Iterable[Mapping[str, Any]]) -> list[Job]:
    """Read all jobs."""
    return [
        Job(
            key=find_guid(_text(row, "uid")) or _text(row, "uid"),
            name=_text(row, "name"),
            server=read_server(row),
            kind=JOB_KINDS.get(kind) or KINDS.get(_text(row, "job_type"), _text(row, "job_type")),
            is_scheduled=row.get("schedule_enabled") is True and row.get("schedule_configured") is not False,
            next_run=_date(row, "next_run"),
        )
        for kind, row in iter_resources(answers, *JOB_TYPES)
    ]


def read_machines(answers: Iterable[Mapping[str, Any]]) -> list[Machine]:
    """Read what befell machines."""
    return [
        Machine(
            run=find_guid(_text(row, "job_session_uid")) or find_parent(row, "JobSession"),
            name=_text(row, "vm_display_name") or _text(row, "name").partition("@")[0],
            outcome=_text(row, "result").lower(),
            reason=_text(row, "reason"),
        )
        for _kind, row in iter_resources(answers, *MACHINE_TYPES.values())
    ]


def read_server(row: Mapping[str, Any]) -> str:
    """Give the name of the backup server: a value of queries, but in rows only a link."""
    for link in row.get("links") or ():
        if str(link.get("type") or "").lower().startswith("backupserver"):
            return str(link.get("name") or "")
    return _text(row, "backup_server_name")


def find_parent(row: Mapping[str, Any], kind: str) -> str:
    """Give the GUID of what a resource belongs to, by a link whose type has this in its name."""
    for link in row.get("links") or ():
        if str(link.get("rel") or "").lower() == "up" and f"{kind}reference".lower() in str(link.get("type") or "").lower():
            return str(link.get("uid") or "")
    return ""


def read_number(row: Mapping[str, Any], key: str) -> int:
    """Give a number that is not below nought; 0 for anything else."""
    value = row.get(key)
    return max(0, int(value)) if isinstance(value, (int, float)) and math.isfinite(value) else 0


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)


def _date(row: Mapping[str, Any], *keys: str) -> datetime | None:
    return next((parse_date(str(row[key])) for key in keys if row.get(key)), None)
