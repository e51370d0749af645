# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All state of one emulated server, and the few operations that HTTP, Python and control API share."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from .catalogue import Catalogue
from .clock import Clock, to_datetime
from .document import Obj
from .entity import Entity
from .faults import Fault, Faults
from .jobs import CHANGEABLE, Job
from .requestlog import RequestLog
from .scenery import furnish
from .sessions import LogonSession, Sessions
from .switches import Switches
from .tasks import FINISHED, STATES, Task, as_links
from .users import User, default_users
from .world import World

if TYPE_CHECKING:
    from .scenario import Scenario


class Backend:
    """State; whoever touches it from a thread holds the emulator's lock."""

    def __init__(
        self,
        switches: Switches,
        users: dict[str, User] | None = None,
        speed: float = 1.0,
        scenario: Scenario | None = None,
    ) -> None:
        self.switches = switches
        self._scenario = scenario
        self._initial_switches = switches.as_dict()
        self._initial_users = dict(users) if users else default_users()
        if scenario is not None:
            self._initial_users |= scenario.users
        self._initial_speed = speed
        self.clock = Clock(speed)
        self.users = dict(self._initial_users)
        self.sessions = Sessions(self.clock, switches)
        self.catalogue = Catalogue()
        self.world = World(self.clock, switches, self.catalogue)
        self.faults = Faults()
        self.log = RequestLog()
        self.connections = 0
        self._last_task = 0
        self._furnish()

    def _furnish(self) -> None:
        if self._scenario is None or not self._scenario.is_empty:
            furnish(self.world, self.clock)
        if self._scenario is not None:
            self._scenario.apply(self)
        somebody = self.users.get("operator") or next(iter(self.users.values()))
        # Somebody else is always logged on, and first in the list (wire-facts 3.2).
        self.standing_session = self.sessions.open(somebody, standing=True)

    def reset(self) -> None:
        """Return to the world, users, switches and speed of the beginning."""
        self.faults.clear()
        self.log.clear()
        self.sessions.clear()
        self.world.clear()
        self.switches.update(self._initial_switches)
        self.clock.reset(self._initial_speed)
        self.users = dict(self._initial_users)
        self._last_task = 0
        self._furnish()

    @property
    def open_sessions(self) -> list[LogonSession]:
        """The logon sessions that clients opened and that are still alive."""
        return [session for session in self.sessions.all() if not session.standing]

    def logon(self, username: str | None = None) -> LogonSession:
        """Make a session without a request; `username` is a user name or a key such as "operator"."""
        if username is None:
            return self.sessions.open(next(iter(self.users.values())))
        for key, user in self.users.items():
            if username == key or username.lower() in user.names:
                return self.sessions.open(user)
        raise KeyError(f"no user {username!r}")

    def find_session(self, session: LogonSession | str) -> LogonSession:
        """Return the open session meant by an id, a token or a session."""
        key = session if isinstance(session, str) else session.token
        found = self.sessions.find(key)
        if found is None:
            raise KeyError("no open session with this id or token")
        return found

    def add_task(self, session: LogonSession, operation: str, *, task_id: str | None = None, **settings: Any) -> Task:
        """Add a task to a session; settings are those of Task."""
        if task_id is None:
            first = self.switches.first_task_id
            if self.switches.task_ids == "session":
                session.last_task = number = max(session.last_task + 1, first)
            else:
                self._last_task = number = max(self._last_task + 1, first)
            task_id = f"task-{number}"
        task = Task(task_id, operation, self.clock.now(), **settings)
        return session.tasks.add(task_id, task)

    def make_task(
        self,
        session: LogonSession | str,
        operation: str = "StartJob",
        *,
        state: str = FINISHED,
        success: bool | None = True,
        message: str | None = "Ok",
        related: object = None,
        task_id: str | None = None,
        running_for: float | None = None,
        collecting_for: float | None = None,
    ) -> str:
        """Add a task in a fixed state, or, given `running_for` or `collecting_for`, one that the clock moves."""
        if state not in STATES:
            raise ValueError(f"state is one of {', '.join(STATES)}; not {state!r}")
        moves = running_for is not None or collecting_for is not None
        task = self.add_task(
            self.find_session(session),
            operation,
            task_id=task_id,
            fixed=None if moves else state,
            success=success,
            message=message,
            related=as_links(related),
            running_for=running_for or 0.0,
            collecting_for=collecting_for or 0.0,
        )
        return task.id

    def make_tasks(self, session: LogonSession | str, count: int, **settings: Any) -> list[str]:
        """Add many tasks alike; return their ids."""
        found = self.find_session(session)
        return [self.make_task(found, **settings) for _number in range(count)]

    def action_task(self, session: LogonSession, operation: str, success: bool, message: str, related: object = None) -> Task:
        """Add the task of an action, with the durations the switches have for it."""
        return self.add_task(
            session,
            operation,
            success=success,
            message=message,
            related=as_links(related),
            running_for=self.switches.task_running,
            collecting_for=self.switches.task_collecting,
        )

    def note_collection(self, server: Entity) -> None:
        """Remember that the data of a backup server was collected: a system session."""
        self.world.add_row(
            "SystemSession",
            f"Collecting {server.name}",
            str(uuid.uuid4()),
            inner={
                "Result": Obj(
                    "Result", members=[("Result", "Success"), ("Message", ""), ("IsCanceled", False)], is_resource=False
                )
            },
            SessionType="Collection",
            CreationTimeUTC=to_datetime(self.clock.now()),
            EndTimeUTC=to_datetime(self.clock.now() + 1),
            State="Stopped",
        )

    def add_fault(self, effect: str | None = None, **settings: Any) -> Fault:
        """Arm a fault; settings are those of Fault."""
        known = {field.name for field in dataclasses.fields(Fault)} - {"hits"}
        for name in settings:
            if name not in known:
                raise ValueError(f"a fault has no {name!r}; it has {', '.join(sorted(known))}")
        if effect is None:
            raise ValueError("a fault needs an effect")
        if "method" in settings and settings["method"] is not None:
            settings["method"] = settings["method"].upper()
        return self.faults.add(Fault(effect, **settings))  # type: ignore[arg-type]  # checked by Fault itself

    def change_job(self, changes: dict[str, Any]) -> Job:
        """Change a job in place; `changes` names it, and its server and kind where there are several."""
        job = self.world.job(changes.pop("name"), changes.pop("server", None), changes.pop("kind", None))
        for name, value in changes.items():
            if name not in CHANGEABLE:
                raise ValueError(f"a job's {name!r} cannot be changed")
            setattr(job, name, [value] if name == "script" and isinstance(value, str) else value)
        self.world.touch()
        return job

    def expire(self, session: LogonSession | str | None = None) -> int:
        """End a session, or all that clients opened, as if it had been idle too long; return how many."""
        chosen = self.open_sessions if session is None else [self.find_session(session)]
        for each in chosen:
            self.sessions.close(each)
        return len(chosen)
