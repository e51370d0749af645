# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of indexed machines: GET below /api/catalog, browse, and the restore of one file (wire-facts 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from .document import Link, Obj
from .entity import Plain
from .errors import ApiError
from .exchange import Reply, Request
from .mounts import STARTED, file_system
from .operations import Operation
from .restores import session_link, start_session

if TYPE_CHECKING:
    from .api import Api


def _points(api: Api, request: Request, machine: str | None = None) -> list[Plain]:
    table = api.backend.world.table(api.backend.catalogue["VmRestorePoint"])
    return [row for row in table if row.is_visible(request.now) and machine in (None, str(row.data["vmdisplayname"]))]


def _machine(name: str, *, entity: bool) -> Obj:
    path = f"/api/catalog/vms/{name}"
    down = Link("Down", f"{path}/vmRestorePoints", "CatalogVmRestorePointReferenceList")
    attributes = [("Name", name), ("UID", f"urn:veeam:CatalogVm:{name}")]
    if not entity:
        links = [Link("Alternate", f"{path}?format=Entity"), down]
        return Obj("Ref", attributes=attributes, links=links, path=path, type="CatalogVmReference")
    links = [Link("Alternate", path, "CatalogVmReference", name), down]
    return Obj(
        "CatalogVm",
        attributes=[*attributes, ("VmDisplayName", name)],
        links=links,
        path=f"{path}?format=Entity",
        type="CatalogVm",
    )


def _point(row: Plain, *, entity: bool) -> Obj:
    name = str(row.data["vmdisplayname"])
    path = f"/api/catalog/vms/{name}/vmRestorePoints/{row.id}"
    when = row.data["creationtime"]
    attributes = [
        ("Name", name if entity else f"{when:%m/%d/%Y %I:%M:%S %p}"),
        ("UID", f"urn:veeam:CatalogVmRestorePoint:{row.id}"),
    ]
    if not entity:
        links = [Link("Up", f"/api/catalog/vms/{name}"), Link("Alternate", f"{path}?format=Entity")]
        return Obj("Ref", attributes=attributes, links=links, path=path, type="CatalogVmRestorePointReference")
    links = [
        Link("Alternate", path, "CatalogVmRestorePointReference", name),
        Link("Up", f"/api/catalog/vms/{name}?format=Entity", "CatalogVm", name),
        Link("Browse", f"{path}?action=browse"),
        Link("Related", row.entity_path, "VmRestorePoint", name),
    ]
    return Obj(
        "CatalogVmRestorePoint",
        members=[("BackupDateUTC", when)],
        attributes=attributes,
        links=links,
        path=f"{path}?format=Entity",
        type="CatalogVmRestorePoint",
    )


def catalog(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET below /api/catalog/vms."""
    if not rest or rest[0].lower() != "vms":
        raise ApiError(404, "Resource not found.")
    renderer, entity = api.renderer(request), (request.parameter("format") or "").lower() == "entity"
    if len(rest) == 1:
        names = dict.fromkeys(str(row.data["vmdisplayname"]) for row in _points(api, request))
        fragments = [renderer.fragment(_machine(name, entity=entity)) for name in names]
        return api.text(request, renderer.collection("CatalogVms" if entity else "Refs", fragments))
    name, points = unquote(rest[1]), _points(api, request, unquote(rest[1]))
    if not points:
        raise ApiError(api.switches.unknown_resource, f"CatalogVm with id [{name}] does not exist.")
    if len(rest) == 2:
        return api.text(request, renderer.root(_renamed(_machine(name, entity=entity))))
    if len(rest) == 3:
        fragments = [renderer.fragment(_point(row, entity=entity)) for row in points]
        return api.text(request, renderer.collection("CatalogVmRestorePoints" if entity else "Refs", fragments))
    row = find_point(api, request, name, rest[3])
    if len(rest) == 4:
        return api.text(request, renderer.root(_renamed(_point(row, entity=entity))))
    return file_system(api, request, _guest_path(name, row), "/".join(rest[5:]))


def _guest_path(name: str, row: Plain) -> str:
    return f"/api/catalog/vms/{name}/vmRestorePoints/{row.id}/guestfs"


def _renamed(obj: Obj) -> Obj:
    if obj.element == "Ref":
        obj.element = "EntityRef"
    return obj


def find_point(api: Api, request: Request, machine: str, key: str) -> Plain:
    """Return a restore point of a machine in the catalogue."""
    found = next((row for row in _points(api, request, machine) if row.id.lower() == key.lower()), None)
    if found is None:
        raise ApiError(api.switches.unknown_resource, f"CatalogVmRestorePoint with id [{key}] does not exist.")
    return found


def act(api: Api, request: Request, operation: Operation, ids: list[str]) -> Reply:
    """POST below /api/catalog: browse a point, which only reads, or restore a file of it."""
    assert request.session is not None
    name = unquote(ids[0])
    row = find_point(api, request, name, ids[1])
    assert operation.name is not None
    if operation.reads:
        related = Link("Down", f"{_guest_path(name, row)}/", "FileSystemItemsList")
        task = api.backend.make_task(request.session, operation.name, message=None, related=related)
        obj = request.session.tasks.get(task)
        assert obj is not None
        status = operation.example_status if api.switches.example_codes else operation.status
        return api.text(request, api.renderer(request).root(obj.entity(request.now, api.switches)), status or 200)
    world = api.backend.world
    server = next((one for one in world.servers if one.uid == row.data.get("backupserveruid")), world.server())
    session = start_session(world, server, f"FLR_[{name}]", kind="FileLevelRestore", point=row)
    made = api.backend.action_task(request.session, operation.name, True, STARTED, session_link(session))
    return api.text(request, api.renderer(request).root(made.entity(request.now, api.switches)), operation.status)
