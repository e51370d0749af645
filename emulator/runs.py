# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of jobs: BackupJobSession and ReplicaJobSession (wire-facts 6.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from .clock import to_datetime
from .document import Link, Scalar
from .entity import Entity
from .german import say
from .jobs import Job
from .switches import Switches

if TYPE_CHECKING:
    from .inventory import Item
    from .points import Protected

SUCCESS = "Success"
WARNING = "Warning"
FAILED = "Failed"
NEVER = "never"
ZERO_ID = "00000000-0000-0000-0000-000000000000"  # of what is no job that anybody could see
NEVER_DATE = datetime(1753, 1, 1, tzinfo=timezone.utc)  # SQL Server's first day (wire-facts 2)
OUTCOMES = {
    "success": SUCCESS,
    "succeed": SUCCESS,
    "warning": WARNING,
    "warn": WARNING,
    "failed": FAILED,
    "fail": FAILED,
    "never": NEVER,
}


@dataclass(eq=False)
class Run(Entity):
    """One run; its times are seconds of the emulator's clock, its outcome is known beforehand."""

    job: Job = field(kw_only=True)
    created: float = field(kw_only=True)
    visible_from: float = field(default=0.0, kw_only=True)
    working_from: float = field(default=0.0, kw_only=True)
    ends: float = field(kw_only=True)
    outcome: str = field(kw_only=True)
    is_retry: bool = field(default=False, kw_only=True)
    stop_asked: float | None = field(default=None, kw_only=True)
    stands_still: bool = field(default=False, kw_only=True)  # goes on for ever and looks the same, until it is stopped
    failure_message: str | None = field(default=None, kw_only=True)
    attempt: int = field(default=0, kw_only=True)  # how often the backup server has tried again by itself
    machines: list[tuple[Item, Protected]] | None = field(default=None, kw_only=True, repr=False)  # of a job: its objects
    listed_after_end: float | None = field(default=None, kw_only=True)  # seconds; the list shows the run only then
    made: tuple[Link, ...] = field(default=(), kw_only=True)  # links to restore points
    idle_from: float = field(default=math.inf, kw_only=True)  # a copy that waits for more stays open
    _last: tuple[tuple[int, int], dict[str, Scalar]] | None = field(default=None, repr=False, kw_only=True)

    def is_visible(self, now: float) -> bool:
        if self.listed_after_end is not None:
            return now >= self.ends + self.listed_after_end
        return now >= self.visible_from

    def is_over(self, now: float) -> bool:
        """Return whether the run has ended."""
        return now >= self.ends

    def is_settled(self, now: float) -> bool:
        return self.is_visible(now) and (now >= self.ends or self.stands_still)

    def stop(self, now: float, stopping_for: float) -> None:
        """Ask the run to stop; it ends as Failed."""
        self.stop_asked = now
        self.stands_still = False
        self.ends = min(self.ends, now + stopping_for)
        self.outcome = FAILED
        self.failure_message = self.failure_message or "Operation was canceled by user."
        self._last = None

    def finish(self, now: float, outcome: str) -> None:
        """End the run at once, with this outcome."""
        self.ends = now
        self.outcome = OUTCOMES[outcome.lower()]
        self._last = None

    def state(self, now: float) -> str:
        """Return the state at this moment."""
        if now >= self.ends:
            return "Stopped"
        if self.stop_asked is not None:
            return "Stopping"
        if now >= self.idle_from:
            return "Idle"
        return "Working" if now >= self.working_from else "Starting"

    def progress(self, now: float) -> int:
        """Return the percentage; immediate copies stay at 0 (wire-facts 6.4)."""
        if self.job.job_type == "ImmediateBackupCopy":
            return 0
        if now >= self.ends and self.stop_asked is None:
            return 100
        elapsed = max(0.0, min(now, self.stop_asked or now) - self.working_from)
        if math.isinf(self.ends):
            return min(95, int(elapsed * 10))
        return min(99, int(100 * elapsed / max(0.001, self.ends - self.working_from)))

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        version, skew = int(switches.version), switches.server_clock_skew
        key = (version, switches.revision)
        if self._last is not None and self._last[0] == key and self.is_settled(now):
            return self._last[1]
        over = self.is_over(now)
        running = None if switches.run_result_running == "absent" else "None"
        values: dict[str, Scalar] = {
            "uid": self.uid,
            "name": self.name,
            "jobuid": self._job_uid(switches),
            "jobname": self.job.name,
            "jobtype": self.job.run_type,
            "creationtime": to_datetime(self._rounded(self.created + skew, version)),
            "endtime": to_datetime(self._rounded(self.ends + skew, version)) if over else self._no_end(switches),
            "state": self.state(now),
            "result": self.outcome if over else running,
            "progress": self.progress(now),
            "failuremessage": self._failure(switches) if over and self.outcome != SUCCESS else None,
            "isretry": self.is_retry,
            "backupserveruid": self.job.server.uid,
            "backupservername": self.job.server.name,
        }
        if over and self.is_settled(now):
            self._last = (key, values)
        return values

    @staticmethod
    def _no_end(switches: Switches) -> Scalar:
        return NEVER_DATE if switches.running_end == "never" else None

    def _failure(self, switches: Switches) -> str | None:
        return self.failure_message and say(self.failure_message, switches.language)

    def _job_uid(self, switches: Switches) -> str:
        if switches.zero_job_uids and self.job.kind != "job":
            return f"urn:veeam:Job:{ZERO_ID}"
        return self.job.uid

    @staticmethod
    def _rounded(seconds: float, version: int) -> float:
        return math.floor(seconds * 1000) / 1000 if version == 12 else seconds

    def links(self, now: float) -> list[Link]:
        path = self.spec.reference_path(self.id)
        links = [
            self.job.server_link(),
            Link("Up", self.job.spec.reference_path(self.job.id), self.job.spec.reference, self.job.name),
        ]
        links.append(self.alternate())
        if self.spec.name == "BackupJobSession":
            links.append(Link("Down", f"{path}/taskSessions", "BackupTaskSessionReferenceList"))
            links.append(Link("Stop", f"{path}?action=stop"))
            links.extend(self.made)
        else:
            links.append(Link("Down", f"{path}/replicaTaskSessions", "ReplicaTaskSessionReferenceList"))
        return links
