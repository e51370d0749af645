# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that changes something: its operation, the right to it, its body, what it does, its answer (wire-facts 13)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .bodies import read_body
from .document import Link
from .entity import Entity
from .errors import ApiError
from .exchange import Reply, Request
from .jobs import Job
from .locate import Place, locate
from .operations import Operation
from .runs import Run
from .sessions import LogonSession
from .tasks import Task

if TYPE_CHECKING:
    from .api import Api
    from .world import World

NOT_ALLOWED = "The HTTP method is not supported for this resource."
Handler = Callable[["Write"], Reply]


@dataclass
class Write:
    """One such request; `place` is what its address means, `body` what it says."""

    api: Api
    request: Request
    operation: Operation
    ids: Sequence[str]
    place: Place
    given: dict[str, Any] | None = field(default=None)

    @property
    def world(self) -> World:
        """The world that is changed."""
        return self.api.backend.world

    @property
    def body(self) -> dict[str, Any]:
        """What the body says; nothing where there is none."""
        return self.given or {}

    @property
    def row(self) -> Entity:
        """The resource at the address."""
        assert self.place.row is not None
        return self.place.row

    @property
    def session(self) -> LogonSession:
        """The session that asks."""
        assert self.request.session is not None
        return self.request.session

    @property
    def status(self) -> int:
        """The status of the answer: what the reference's text has, or its example, or what the switches want."""
        switches = self.api.switches
        documented, example = self.operation.status, self.operation.example_status
        status = example if switches.example_codes and example else documented
        return switches.action_answer if status == 202 and self.operation.name else status

    def done(self, effect: Callable[[], object] | None = None, created: Entity | None = None) -> Reply:
        """Do it now, and answer without a task."""
        if effect is not None:
            effect()
        headers = [("Location", f"{self.api.renderer(self.request).base}{created.reference_path}")] if created else []
        return Reply(self.status, b"", None, headers)

    def task(
        self,
        success: bool,
        message: str,
        related: Link | None = None,
        effect: Callable[[], object] | None = None,
        on_task: Callable[[Task], object] | None = None,
    ) -> Reply:
        """Make a task; what it does is done when it is over, unless it is stopped before. `on_task` is told of it at once."""
        if self.operation.name is None or self.status == 204:
            return self.done(effect if success else None)
        switches, request = self.api.switches, self.request
        task = self.api.backend.action_task(self.session, self.operation.name, success, message, related)
        if effect is not None and success:
            self.world.later(task.created + task.running_for, lambda: None if task.stopped else effect())
        if on_task is not None:
            on_task(task)
        renderer = self.api.renderer(request)
        headers = [("Location", f"{renderer.base}/api/tasks/{task.id}")]
        return self.api.text(request, renderer.root(task.entity(request.now, switches)), self.status, headers)


def write(api: Api, request: Request, segments: Sequence[str], handlers: dict[str, Handler], usual: Handler) -> Reply:
    """Answer a POST, PUT or DELETE."""
    action = request.parameter("action")
    found = api.operations.find(request.method, segments, action)
    if found is None:
        raise _refuse(api, request, segments, action)
    operation, ids = found
    api.roles.check_operation(request, operation)
    place = locate(api.backend.world, api.switches, _target(operation, segments))
    given = read_body(operation, request, api.switches)
    return handlers.get(operation.page, usual)(Write(api, request, operation, ids, place, given))


def _target(operation: Operation, segments: Sequence[str]) -> Sequence[str]:
    """Return the address of the resource, without what only says what to do with it."""
    if "{filepath}" in operation.path:
        return segments[: operation.path.index("{filepath}")]
    if operation.path[:2] == ("nas", "jobs"):
        return segments[:3]
    return segments


def _refuse(api: Api, request: Request, segments: Sequence[str], action: str | None) -> ApiError:
    """Return the error for what no operation does."""
    place = locate(api.backend.world, api.switches, segments)
    asked = action if action is not None else place.rest[0] if place.rest else ""
    if request.method == "POST" and place.row is not None and (action is not None or isinstance(place.row, (Job, Run))):
        api.roles.check_administrator(request)
        return ApiError(501, f"Action '{asked}' is not supported for this resource.")
    return ApiError(405, NOT_ALLOWED, headers=(("Allow", "GET"),))
