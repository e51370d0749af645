# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of all kinds, with the links by which they are worked (wire-facts 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import job_settings
from .clock import to_datetime
from .document import Link, Many, Obj, Scalar, Value
from .entity import Entity, Plain
from .shapes import shapes
from .switches import Switches
from .tasks import Task

KINDS = {"job": "Job", "agent": "AgentBackupJob", "nas": "NasJob"}
CHANGEABLE = ("script", "duration", "failure_message", "enabled", "description", "schedule_configured")
COPIES = ("BackupCopy", "ImmediateBackupCopy")


@dataclass(eq=False)
class Job(Entity):
    """A job; `script` holds the outcomes of its next runs, the last of which goes on for ever."""

    server: Plain = field(kw_only=True)
    kind: str = field(default="job", kw_only=True)
    job_type: str = field(default="Backup", kw_only=True)
    platform: str | None = field(default="VMware", kw_only=True)
    description: str = field(default="", kw_only=True)
    schedule_configured: bool = field(default=True, kw_only=True)
    enabled: bool = field(default=True, kw_only=True)
    script: list[str] = field(default_factory=lambda: ["success"], kw_only=True)
    duration: float | None = field(default=None, kw_only=True)
    failure_message: str | None = field(default=None, kw_only=True)
    next_run: float | None = field(default=None, kw_only=True)
    changes: list[tuple[float, Task | None]] = field(default_factory=list, kw_only=True, repr=False)
    schedule: dict[str, Any] | None = field(default=None, kw_only=True, repr=False)  # JobScheduleOptions, where edited
    retention: dict[str, Any] | None = field(default=None, kw_only=True, repr=False)  # of BackupJobInfo, where edited
    objects: list[Plain] = field(default_factory=list, kw_only=True, repr=False)
    linked: list[Plain] = field(default_factory=list, kw_only=True, repr=False)  # linked jobs and repositories of a copy
    visible_from: float = field(default=0.0, kw_only=True)

    @property
    def is_copy(self) -> bool:
        """Whether the job can only be synchronised, not started."""
        return self.job_type in COPIES

    @property
    def run_type(self) -> str:
        """The JobType its runs show."""
        return "NasBackup" if self.kind == "nas" else self.job_type

    def next_outcome(self) -> str:
        """Take the outcome of the next run from the script."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def schedule_enabled(self, now: float) -> bool:
        """Return whether the schedule is on; a toggle counts once its task has done its work."""
        flips = sum(1 for at, task in self.changes if now >= at and (task is None or not task.stopped))
        return self.enabled ^ bool(flips % 2)

    def set_enabled(self, enabled: bool) -> None:
        """Turn the schedule on or off, whatever was asked for before."""
        self.changes.clear()
        self.enabled = enabled

    @property
    def schedule_options(self) -> dict[str, Any]:
        """The schedule, as JSON has it; replaced, never changed in place."""
        return self.schedule or job_settings.usual_schedule(self.job_type)

    @property
    def retention_options(self) -> dict[str, Any]:
        """What BackupJobInfo says of retention, as JSON has it; replaced, never changed in place."""
        return self.retention or job_settings.usual_retention()

    def is_visible(self, now: float) -> bool:
        return now >= self.visible_from

    def is_settled(self, now: float) -> bool:
        return False  # tests change jobs in place, and they are few

    def toggle(self, at: float, task: Task | None) -> None:
        """Flip the schedule at this moment, unless the task is stopped before."""
        self.changes.append((at, task))

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        enabled = self.schedule_enabled(now)
        runs_again = self.next_run is not None and self.schedule_configured and enabled
        return {
            "uid": self.uid,
            "name": self.name,
            "description": self.description,
            "jobtype": self.job_type,
            "platform": self.platform,
            "scheduleconfigured": self.schedule_configured,
            "scheduleenabled": enabled,
            "nextrun": to_datetime(self.next_run) if self.next_run is not None and runs_again else None,
            "backupserveruid": self.server.uid,
            "backupservername": self.server.name,
        }

    def entity(self, now: float, switches: Switches) -> Obj:
        obj = super().entity(now, switches)
        nested = self._nested(now, switches)
        obj.members = [(name, nested.get(name, value)) for name, value in obj.members]
        return obj

    def _nested(self, now: float, switches: Switches) -> dict[str, Value]:
        """Return the members that are no plain values."""
        schedule = job_settings.schedule_document(self.schedule_options, switches) if self.schedule_configured else None
        if self.kind == "nas":
            share = Obj("NASObject", members=[("Path", "\\\\files.vbem.test\\shared")], is_resource=False)
            storage = Obj("StorageOptions", members=[("ShorttermRetentionPeriod", 28)], is_resource=False)
            return {"JobScheduleOptions": schedule, "Includes": Many([share], "NASObjects"), "StorageOptions": storage}
        name = "AgentBackupJobInfo" if self.kind == "agent" else f"{self.job_type}JobInfo"
        info = Obj(name, members=self._info(now, switches), is_resource=False)
        return {"JobScheduleOptions": schedule, "JobInfo": Obj("JobInfo", members=[(name, info)], is_resource=False)}

    def _info(self, now: float, switches: Switches) -> list[tuple[str, Value]]:
        if self.kind == "agent":
            return []
        objects = [_bare(row.entity(now, switches)) for row in self.objects if row.is_visible(now)]
        includes: list[tuple[str, Value]] = [("Includes", Many(objects, "ObjectInJobs"))]
        if self.job_type == "Backup":
            return [*includes, *((name, shapes().to_document(name, value)) for name, value in self.retention_options.items())]
        if not self.is_copy:
            return includes
        linked_rows = [row for row in self.linked if row.is_visible(now)]
        jobs, stores = (
            [_bare(row.entity(now, switches), row.spec.name) for row in linked_rows if row.spec.name == kind]
            for kind in ("LinkedJobObject", "LinkedBackupRepositoryObject")
        )
        linked: list[tuple[str, Value]] = [("LinkedJobIncludes", Many(jobs, "LinkedJobObjects"))]
        if self.job_type == "BackupCopy":
            return [*includes, *linked, ("LinkedBackupIncludes", Many([], "LinkedBackups"))]
        return [
            *linked,
            ("LinkedBackupIncludes", Many([], "LinkedBackups")),
            ("LinkedBackupRepositoryIncludes", Many(stores, "LinkedBackupRepositories")),
        ]

    def server_link(self) -> Link:
        """Return the link to the backup server that owns the job."""
        return Link("Up", self.server.spec.reference_path(self.server.id), "BackupServerReference", self.server.name)

    def alternate(self) -> Link:
        # Agent and NAS jobs, too, call their reference a JobReference (get_nas_jobs_id, get_agents_jobs_id).
        return Link("Alternate", self.spec.reference_path(self.id), "JobReference", self.name)

    def links(self, now: float) -> list[Link]:
        path = self.spec.reference_path(self.id)
        action = f"{path}/" if self.kind == "nas" else f"{path}?action="
        links = [self.server_link(), self.alternate()]
        if self.kind != "job":
            links.append(Link("Down", f"{path}/includes", "NasObjectList" if self.kind == "nas" else "ObjectInJobList"))
            names = ["Start", "Stop", "Retry"]
        elif self.is_copy:
            for name, kind in (("linkedJobs", "LinkedJobObject"), ("linkedBackupRepositories", "LinkedBackupRepositoryObject")):
                links.append(Link("Down", f"{path}/{name}", f"{kind}List"))
                links.append(Link("Create", f"{path}/{name}", kind))
            names = ["Clone", "Sync"]
        else:
            links.append(Link("Edit", path, "Job", self.name))
            links.append(Link("Down", f"{path}/includes", "ObjectInJobList"))
            links.append(Link("Create", f"{path}/includes", "ObjectInJob"))
            names = ["Start", "Stop", "Retry", "Clone"]
        links.extend(Link(name, f"{action}{name.lower()}") for name in names)
        links.append(Link("ToggleScheduleEnabled", f"{action}toggleScheduleEnabled"))
        replica = self.job_type == "Replica"
        if replica:
            links.append(Link("Down", f"{path}/replicaSessions", "ReplicaJobSessionReferenceList"))
        else:
            links.append(Link("Down", f"{path}/backupSessions", "BackupJobSessionReferenceList"))
        return links


def _bare(obj: Obj, element: str = "") -> Obj:
    """Return an object as JobInfo shows it: without links (resource_representation_for_ke)."""
    obj.links = None
    if element == "LinkedJobObject":
        obj.element = element
    return obj
