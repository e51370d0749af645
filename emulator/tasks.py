# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks: what an action leaves behind in the session that asked for it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from .document import Link, Obj, Scalar
from .german import say
from .switches import Switches

RUNNING = "Running"
OPERATION_FINISHED = "OperationFinished"
FINISHED = "Finished"
STATES = (RUNNING, OPERATION_FINISHED, FINISHED)


@dataclass(slots=True)
class Task:
    """One task; `fixed` is a state that never changes, otherwise the clock moves it.

    `running_for` and `collecting_for` are seconds; infinity is allowed.
    """

    id: str
    operation: str
    created: float
    fixed: str | None = None
    running_for: float = 0.0
    collecting_for: float = 0.0
    success: bool | None = True
    message: str | None = "Ok"
    related: tuple[Link, ...] = ()
    stopped: bool = False
    fragments: dict[Hashable, str] = field(default_factory=dict)
    _values: dict[str, Scalar] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The n of task-n, for natural order."""
        digits = self.id.rpartition("-")[2]
        return int(digits) if digits.isdigit() else -1

    def state(self, now: float, switches: Switches) -> str:
        """Return the state at this moment."""
        if self.fixed is not None:
            return self.fixed
        age = now - self.created
        if age < self.running_for:
            return RUNNING
        if age < self.running_for + self.collecting_for or switches.operation_finished_forever:
            return OPERATION_FINISHED
        return FINISHED

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        known = self._values
        if not known:
            known.update(taskid=self.id, taskuid=self.id, operation=self.operation)
        known["state"] = self.state(now, switches)
        return known

    def is_visible(self, now: float) -> bool:
        return True

    def is_settled(self, now: float) -> bool:
        return self.fixed is not None or now - self.created >= self.running_for + self.collecting_for

    def reference(self) -> Obj:
        raise NotImplementedError("a task has only one representation (wire-facts 4)")

    def _result(self, state: str, switches: Switches) -> Obj | None:
        if state == RUNNING:
            if switches.result_null != "present_while_running":
                return None
            success, message = True, "Ok"
        elif state == OPERATION_FINISHED:  # a placeholder, whatever comes of it
            success, message = True, OPERATION_FINISHED
        elif self.success is None:
            return None
        else:
            success, message = self.success, self.message or ""
        shown = None if state == FINISHED and self.message is None else say(message, switches.language)
        flags = (("CredentialsNeeded", False), ("ConfirmationNeeded", False)) if switches.json_result_flags else ()
        return Obj(
            "Result",
            members=[("Message", shown)],
            attributes=[("Success", success)],
            is_resource=False,
            only_json=flags,
        )

    def entity(self, now: float, switches: Switches) -> Obj:
        state = self.state(now, switches)
        path = f"/api/tasks/{self.id}"
        links = [Link("Delete", path)]
        if state == FINISHED and switches.related_link:
            links.extend(self.related)
        members: list[tuple[str, Obj | Scalar]] = [("TaskId", self.id), ("State", state), ("Operation", self.operation)]
        result = self._result(state, switches)
        if result is not None or switches.result_null != "absent" or state != RUNNING:
            members.append(("Result", result))
        return Obj("Task", members=members, links=links, path=path, type="Task")


def as_links(related: object) -> tuple[Link, ...]:
    """Read a related link given as a Link, a dict, a path, or a list of these."""
    if related is None:
        return ()
    if isinstance(related, Link):
        return (related,)
    if isinstance(related, str):
        return (Link("Related", related, _type_of(related)),)
    if isinstance(related, Mapping):
        path = str(related.get("path") or related.get("href") or "")
        name = related.get("name")
        return (Link(str(related.get("rel", "Related")), path, related.get("type", _type_of(path)), name),)
    if isinstance(related, (list, tuple)):
        return tuple(link for item in related for link in as_links(item))
    raise TypeError(f"related must be a Link, a dict, a path or a list of these, not {type(related).__name__}")


def _type_of(path: str) -> str | None:
    for part, kind in (
        ("backupSessions", "BackupJobSession"),
        ("replicaSessions", "ReplicaJobSession"),
        ("jobs", "Job"),
    ):
        if part in path:
            return kind
    return None
