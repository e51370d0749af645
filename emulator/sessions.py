# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logon sessions: tokens, idle expiry, and the tasks each one owns (wire-facts 3)."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field

from .clock import Clock
from .document import Link, Obj
from .switches import Switches
from .table import Table
from .tasks import Task
from .users import ADMIN, User


@dataclass(eq=False)
class LogonSession:
    """One logon; its token is all that is needed to act as the user."""

    id: str
    token: str
    user: User
    created: float
    last_used: float
    api_version: str
    tasks: Table[Task] = field(default_factory=Table)
    last_task: int = 0
    standing: bool = False

    @property
    def username(self) -> str:
        """The user's name as DOMAIN\\user."""
        return self.user.username

    @property
    def role(self) -> str | None:
        """The user's portal role."""
        return self.user.role

    @property
    def is_admin(self) -> bool:
        """Whether the user may start and stop things."""
        return self.user.role == ADMIN

    def as_dict(self) -> dict[str, object]:
        """Return the session for the control API."""
        return {
            "id": self.id,
            "token": self.token,
            "username": self.username,
            "role": self.role,
            "tasks": len(self.tasks),
        }

    def entity(self, switches: Switches) -> Obj:
        """Return the LogonSession resource."""
        path = f"/api/logonSessions/{self.id}"
        links = [
            Link("Up", "/api/", "EnterpriseManager"),
            Link("Delete", path, "LogonSession"),
            Link("Down", "/api/backupServers", "BackupServerReferenceList"),
            Link("Down", "/api/jobs", "JobReferenceList"),
            Link("Down", "/api/agents/jobs", "AgentBackupJobReferenceList"),
            Link("Down", "/api/nas/jobs", "NasJobReferenceList"),
            Link("Down", "/api/tasks", "TaskList"),
            Link("Down", "/api/querySvc", "QueryService"),
            Link("Down", "/api/logonSessions", "LogonSessionList"),
        ]
        shown_id = self.id if switches.logon_session_id else None
        members = [("UserName", self.username), ("SessionId", shown_id)]
        return Obj("LogonSession", members=members, links=links, path=path, type="LogonSession")


class Sessions:
    """All sessions of a server, and the tokens of those that were."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._by_token: dict[str, LogonSession] = {}
        self._gone: dict[str, str] = {}

    def open(self, user: User, api_version: str = "v1_7", *, standing: bool = False) -> LogonSession:
        """Make a session; a standing one is somebody else's and never expires."""
        session_id = str(uuid.uuid4())
        raw = uuid.UUID(session_id).bytes if self._switches.token_form == "raw" else session_id.encode()
        now = self._clock.now()
        token = base64.b64encode(raw).decode()
        session = LogonSession(session_id, token, user, now, now, api_version, standing=standing)
        self._by_token[token] = session
        return session

    def _sweep(self) -> None:
        oldest = self._clock.now() - self._switches.idle_timeout
        for session in list(self._by_token.values()):
            if session.last_used < oldest and not session.standing:
                self.close(session)

    def use(self, token: str) -> LogonSession | None:
        """Return the session of a token and renew it."""
        session = self._by_token.get(token)
        if session is None:
            return None
        now = self._clock.now()
        if now - session.last_used > self._switches.idle_timeout and not session.standing:
            self.close(session)
            return None
        session.last_used = now
        return session

    def close(self, session: LogonSession) -> None:
        """End a session, and with it its tasks."""
        self._by_token.pop(session.token, None)
        self._gone[session.token] = session.id

    def was_open(self, token: str) -> str | None:
        """Return the id of a session that had this token and is gone."""
        return self._gone.get(token)

    def find(self, key: str) -> LogonSession | None:
        """Return the open session with this id or token."""
        self._sweep()
        for session in self._by_token.values():
            if key in (session.id, session.token) or key.lower() == session.id:
                return session
        return None

    def all(self) -> list[LogonSession]:
        """Return every open session, oldest first, the standing one included."""
        self._sweep()
        return list(self._by_token.values())

    def clear(self) -> None:
        """Forget everything."""
        self._by_token.clear()
        self._gone.clear()
