# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query service, and collections and single resources by their paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .document import Link, Obj
from .entity import Entity
from .errors import ApiError
from .exchange import Reply, Request
from .locate import Place, locate
from .mounts import mounted_files
from .query import Listing
from .reads import backup_job_settings
from .tasks_api import visible_tasks

if TYPE_CHECKING:
    from .api import Api

Read = Callable[["Api", Request, Place], Reply]

NOT_ALLOWED = "The HTTP method is not supported for this resource."


def query(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/query?type=..."""
    if rest:
        raise ApiError(404, "Resource not found.")
    name = request.parameter("type")
    spec = api.backend.catalogue.queried(name) if name else None
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
    return api.text(request, renderer.query_result(container, spec.outer, spec.inner, fragments, paging))


def query_service(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/querySvc: ready-made queries (the tasks' one sorts by TaskUid, wire-facts 4)."""
    links = []
    for spec in api.backend.catalogue:
        if not spec.is_queried:
            continue
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
    """Answer a GET of a collection, one of its resources, or what is below that."""
    place = locate(api.backend.world, api.switches, rest)
    if place.row is None:
        return _collection(api, request, place)
    if request.sees_nothing:
        raise ApiError(api.switches.unknown_resource, f"{place.spec.name} with id [{place.row.id}] does not exist.")
    if place.rest and place.spec.nested == "mounts":
        return mounted_files(api, request, place)
    if place.rest:
        special = READS.get((place.spec.name, place.rest[0].lower()))
        if special is None:
            raise ApiError(404, "Resource not found.")
        return special(api, request, place)
    return _single(api, request, place.row)


def _collection(api: Api, request: Request, place: Place) -> Reply:
    spec, world = place.spec, api.backend.world
    listing = Listing(request, spec, api.switches)
    owned = place.rows(world)
    if owned is None:
        rows = listing.rows(world.table(spec), place.keep, place.keep_key)
    else:
        rows = listing.choose([row for row in owned if row.is_visible(request.now)])
    paging = None
    if request.parameter("pageSize") or request.parameter("page"):
        rows, paging = listing.page(rows)
    entities = _wants_entity(request) or not spec.has_references
    renderer = api.renderer(request)
    fragments = listing.fragments(rows, renderer, entities)
    return api.text(
        request, renderer.collection(spec.list if entities else "Refs", fragments, paging, spec.inner if entities else None)
    )


def _wants_entity(request: Request) -> bool:
    return (request.parameter("format") or "").lower() == "entity"


def _single(api: Api, request: Request, found: Entity) -> Reply:
    if _wants_entity(request) or not found.spec.has_references:
        obj = found.entity(request.now, api.switches)
    else:
        obj = found.reference()
        obj.element = "EntityRef"
    return api.text(request, api.renderer(request).root(obj))


# Reads below one resource that are no collection: by its type and the path's next part.
READS: dict[tuple[str, str], Read] = {
    ("VCloudOrganizationConfig", "backupjobsettings"): backup_job_settings,
    ("VsphereSelfServiceConfig", "backupjobsettings"): backup_job_settings,
}
