# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores and failovers: sessions that begin, work and end as the clock has it (wire-facts 11)."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .clock import to_datetime
from .document import Link, Scalar
from .entity import Entity, Plain
from .german import say
from .points import stamp
from .runs import FAILED, NEVER, NEVER_DATE, OUTCOMES, SUCCESS
from .switches import Switches

if TYPE_CHECKING:
    from .world import World


@dataclass(eq=False)
class RestoreSession(Entity):
    """One restore or failover; its end and outcome are known beforehand."""

    server: Plain = field(kw_only=True)
    kind: str = field(default="RestoreVm", kw_only=True)
    created: float = field(kw_only=True)
    working_from: float = field(kw_only=True)
    ends: float = field(kw_only=True)
    outcome: str = field(default=SUCCESS, kw_only=True)
    machine: str = field(default="", kw_only=True)
    restored: str | None = field(default=None, kw_only=True)
    point: Plain | None = field(default=None, kw_only=True)
    failure_message: str | None = field(default=None, kw_only=True)

    def is_settled(self, now: float) -> bool:
        return now >= self.ends

    def state(self, now: float) -> str:
        """Return the state at this moment."""
        return "Stopped" if now >= self.ends else "Working" if now >= self.working_from else "Starting"

    def progress(self, now: float) -> int:
        """Return the percentage."""
        if now >= self.ends:
            return 100
        if math.isinf(self.ends):
            return 45
        return max(0, min(99, int(100 * (now - self.working_from) / max(0.001, self.ends - self.working_from))))

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        over = now >= self.ends
        skew = switches.server_clock_skew
        ended: Scalar = to_datetime(self.ends + skew) if over else NEVER_DATE if switches.running_end == "never" else None
        return {
            "uid": self.uid,
            "name": self.name,
            "type": self.kind,
            "creationtime": to_datetime(self.created + skew),
            "endtime": ended,
            "state": self.state(now),
            "result": self.outcome if over else None if switches.run_result_running == "absent" else "None",
            "progress": self.progress(now),
            "vmdisplayname": self.machine,
            "restoredobjref": self.restored if over and self.outcome != FAILED else None,
            "failuremessage": self.failure_message and say(self.failure_message, switches.language)
            if over and self.outcome == FAILED
            else None,
            "backupserveruid": self.server.uid,
            "backupservername": self.server.name,
        }

    def links(self, now: float) -> list[Link]:
        links = [Link("Up", self.server.reference_path, "BackupServerReference", self.server.name), self.alternate()]
        if self.point is not None:
            links.append(Link("Related", self.point.reference_path, self.point.spec.reference, self.point.name))
        return links


def start_session(
    world: World,
    server: Plain,
    machine: str,
    *,
    type_name: str = "RestoreSession",
    kind: str = "RestoreVm",
    outcome: str = "success",
    restored: str | None = None,
    point: Plain | None = None,
    reason: str | None = None,
) -> RestoreSession:
    """Begin a session."""
    now, switches = world.now, world.switches
    result = OUTCOMES[outcome.lower()]
    working = now + switches.run_starting
    spec = world.catalogue[type_name]
    session = RestoreSession(
        spec,
        str(uuid.uuid4()),
        f"{machine}@{stamp(now)}",
        server=server,
        kind=kind,
        created=now,
        working_from=working,
        ends=math.inf if result == NEVER else working + switches.restore_duration,
        outcome=result,
        machine=machine,
        restored=restored,
        point=point,
        failure_message=reason,
    )
    world.table(spec).add(session.id, session)
    return session


def session_link(session: RestoreSession) -> Link:
    """Return the link from a task to its session."""
    return Link("Related", session.spec.entity_path(session.id), session.spec.name, "Restore job session")
