# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query service, and collections and single resources by their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .catalogue import TypeSpec
from .document import Link, Obj
from .entity import Entity
from .errors import ApiError
from .exchange import Reply, Request
from .jobs import Job
from .query import Listing
from .runs import Run
from .tasks_api import visible_tasks

if TYPE_CHECKING:
    from .api import Api

_NOT_ALLOWED = "The HTTP method is not supported for this resource."


def query(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/query?type=..."""
    if request.method != "GET":
        raise ApiError(405, _NOT_ALLOWED, headers=(("Allow", "GET"),))
    if rest:
        raise ApiError(404, "Resource not found.")
    name = request.parameter("type")
    spec = api.backend.catalogue.find(name) if name else None
    if spec is None:
        raise ApiError(
            api.switches.bad_request,
            f"Query type '{name}' is not supported." if name else "Parameter 'type' is required.",
        )
    listing = Listing(request, spec, api.switches)
    table = visible_tasks(api, request) if spec.name == "Task" else api.backend.world.table(spec)
    page, paging = listing.page(listing.rows(table))
    entities = not spec.has_references or (request.parameter("format") or "").lower() == "entities"
    renderer = api.renderer(request)
    fragments = listing.fragments(page, renderer, entities)
    container = spec.container if entities else "Refs"
    return api.text(request, renderer.query_result(container, spec.list, fragments, paging))


def query_service(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/querySvc: ready-made queries (the tasks' one sorts by TaskUid, wire-facts 4)."""
    links = []
    for spec in api.backend.catalogue:
        sort = "TaskUid" if spec.name == "Task" else "Name" if "name" in spec.fields else next(iter(spec.fields.values())).name
        links.append(
            Link(
                "Down",
                f"/api/query?type={spec.name}&format=Entities&sortAsc={sort}&pageSize=15&page=1",
                "QueryResult",
                spec.list,
            )
        )
    root = Obj("QuerySvc", links=links, path="/api/querySvc", type="QueryService")
    return api.text(request, api.renderer(request).root(root))


def by_path(api: Api, request: Request, rest: list[str]) -> Reply:
    """Route a collection, one of its resources, or what is below that."""
    nested = _find_nested(api, request, rest)
    if nested is not None:
        return nested
    spec, below, keep, keep_key = _find_type(api, rest)
    if not below:
        if request.method != "GET":
            raise ApiError(405, _NOT_ALLOWED, headers=(("Allow", "GET"),))
        return _collection(api, request, spec, keep, keep_key)
    found = api.backend.world.find(spec, below[0])
    if found is None or not keep(found):
        raise ApiError(api.switches.unknown_resource, f"{spec.name} with id [{below[0]}] does not exist.")
    action = request.parameter("action")
    if request.method == "POST" and isinstance(found, (Job, Run)):
        if len(below) == 2 and isinstance(found, Job) and found.kind == "nas":
            action = below[1]
        return _act(api, request, found, action)
    if request.method != "GET":
        raise ApiError(405, _NOT_ALLOWED, headers=(("Allow", "GET"),))
    if len(below) == 1:
        return _single(api, request, found)
    if isinstance(found, Job) and below[1].lower() in ("backupsessions", "replicasessions"):
        runs = "ReplicaJobSession" if below[1].lower() == "replicasessions" else "BackupJobSession"
        job = found
        return _collection(api, request, api.backend.catalogue[runs], lambda run: run.job is job, job.id)
    raise ApiError(404, "Resource not found.")


def _anything(row: Any) -> bool:
    return True


def _find_type(api: Api, rest: list[str]) -> tuple[TypeSpec, list[str], Any, str]:
    lowered = [part.lower() for part in rest]
    if lowered[:2] in (["agents", "backupsessions"], ["nas", "backupsessions"]):
        kind = "agent" if lowered[0] == "agents" else "nas"
        return api.backend.catalogue["BackupJobSession"], rest[2:], lambda run: run.job.kind == kind, kind
    for spec in api.backend.catalogue:
        path = spec.path.lower().split("/") if not spec.nested else [""]
        if lowered[: len(path)] == path:
            return spec, rest[len(path) :], _anything, ""
    raise ApiError(404, "Resource not found.")


def _find_nested(api: Api, request: Request, rest: list[str]) -> Reply | None:
    """Answer for what is only found below its owner, such as /jobs/{ID}/includes and one of them."""
    path = f"/api/{'/'.join(rest)}".lower()
    lowered = {part.lower() for part in rest[2:]}
    for spec in api.backend.catalogue:
        if not spec.nested or spec.nested not in lowered:
            continue
        for row in api.backend.world.table(spec):
            if path not in (row.folder.lower(), row.reference_path.lower()):
                continue
            if request.method != "GET":
                raise ApiError(405, _NOT_ALLOWED, headers=(("Allow", "GET"),))
            if path == row.reference_path.lower():
                return api.text(request, api.renderer(request).root(row.entity(request.now, api.switches)))
            return _collection(api, request, spec, _is_in(row.folder), row.folder)
    return None


def _is_in(folder: str) -> Callable[[Any], bool]:
    return lambda row: bool(row.folder == folder)


def _collection(api: Api, request: Request, spec: TypeSpec, keep: Any, keep_key: str) -> Reply:
    listing = Listing(request, spec, api.switches)
    rows = listing.rows(api.backend.world.table(spec), keep, keep_key)
    paging = None
    if request.parameter("pageSize") or request.parameter("page"):
        rows, paging = listing.page(rows)
    entities = _wants_entity(request) or not spec.has_references
    renderer = api.renderer(request)
    return api.text(
        request,
        renderer.collection(spec.list if entities else "Refs", listing.fragments(rows, renderer, entities), paging),
    )


def _wants_entity(request: Request) -> bool:
    return (request.parameter("format") or "").lower() == "entity"


def _single(api: Api, request: Request, found: Entity) -> Reply:
    if _wants_entity(request):
        obj = found.entity(request.now, api.switches)
    else:
        obj = found.reference()
        obj.element = "EntityRef"
    return api.text(request, api.renderer(request).root(obj))


def _act(api: Api, request: Request, found: Job | Run, action: str | None) -> Reply:
    assert request.session is not None
    if not request.session.is_admin:
        raise ApiError(403, "Access is denied: the account has no sufficient privileges for this operation.")
    task = api.actions.carry_out(request.session, found, action or "")
    if api.switches.action_answer == 204:
        request.session.tasks.remove(task.id)
        return Reply(204)
    renderer = api.renderer(request)
    headers = [("Location", f"{renderer.base}/api/tasks/{task.id}")]
    return api.text(request, renderer.root(task.entity(request.now, api.switches)), api.switches.action_answer, headers)
