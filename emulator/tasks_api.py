# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /api/tasks, GET and DELETE /api/tasks/id (wire-facts 3.1, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ApiError
from .exchange import Reply, Request
from .sessions import LogonSession
from .table import Table
from .tasks import FINISHED, Task

if TYPE_CHECKING:
    from .api import Api


def visible_tasks(api: Api, request: Request) -> Table[Task]:
    """Return the tasks this request may see: its own session's, or everybody's."""
    assert request.session is not None
    forget(api, request)
    if api.switches.tasks_scope == "session":
        return request.session.tasks
    everybody: Table[Task] = Table()
    for session in api.backend.sessions.all():
        for task in session.tasks:
            everybody.add(task.id, task)
    return everybody


def forget(api: Api, request: Request) -> None:
    """Clear away tasks that have been finished for long enough."""
    kept = api.switches.tasks_kept
    if not kept:
        return
    for session in api.backend.sessions.all():
        for task in session.tasks:
            ended = task.created + task.running_for + task.collecting_for
            if task.state(request.now, api.switches) == FINISHED and request.now > ended + kept:
                session.tasks.remove(task.id)


def tasks(api: Api, request: Request, rest: list[str]) -> Reply:
    """Route below /api/tasks."""
    renderer = api.renderer(request)
    if not rest:
        if request.method != "GET":
            raise ApiError(405, "The HTTP method is not supported for this resource.", headers=(("Allow", "GET"),))
        fragments = [renderer.fragment(task.entity(request.now, api.switches)) for task in visible_tasks(api, request)]
        return api.text(request, renderer.collection("Tasks", fragments))
    if request.method not in ("GET", "DELETE") or len(rest) > 1:
        raise ApiError(405, "The HTTP method is not supported for this resource.", headers=(("Allow", "GET, DELETE"),))
    forget(api, request)
    owner, task = _find(api, request, rest[0])
    if request.method == "GET":
        return api.text(request, renderer.root(task.entity(request.now, api.switches)))
    if task.state(request.now, api.switches) != FINISHED:
        if api.switches.delete_running == "reject":
            raise ApiError(500, f"Task [{task.id}] is still running and cannot be deleted.")
        task.stopped = True
    owner.tasks.remove(task.id)
    return Reply(204)


def _find(api: Api, request: Request, task_id: str) -> tuple[LogonSession, Task]:
    assert request.session is not None
    owners = [request.session] if api.switches.tasks_scope == "session" else api.backend.sessions.all()
    for owner in owners:
        task = owner.tasks.get(task_id)
        if task is not None:
            return owner, task
    raise ApiError(api.switches.unknown_task, f"There is no backup task with id [{task_id}] in current rest session")
