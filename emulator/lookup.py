# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look-up service: GET /api/lookup and /api/lookupSvc (wire-facts 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .document import Link, Obj
from .entity import Plain
from .errors import ApiError
from .exchange import Reply, Request
from .inventory import Item, parse_reference

if TYPE_CHECKING:
    from .api import Api


def lookup(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/lookup: by reference, or by root, name and type."""
    if rest:
        raise ApiError(404, "Resource not found.")
    reference, host = request.parameter("hierarchyRef"), request.parameter("host")
    if reference:
        found = _by_reference(api, request, reference)
    elif host:
        found = _by_name(api, request, host)
    else:
        raise ApiError(400, "Parameter 'host' or 'hierarchyRef' is required.")
    if request.sees_nothing:
        found = []
    if not found and api.switches.lookup_no_hit != "empty":
        raise ApiError(int(api.switches.lookup_no_hit), "Hierarchy object was not found.")
    renderer = api.renderer(request)
    return api.text(request, renderer.collection("HierarchyItems", [renderer.fragment(_item(api, *one)) for one in found]))


def _by_reference(api: Api, request: Request, reference: str) -> list[tuple[Plain, Item]]:
    parsed = parse_reference(reference)
    if parsed is None or api.backend.world.inventory.root(parsed.root_id) is None:
        raise ApiError(400, f"Hierarchy root of [{reference}] was not found.")
    found = api.backend.world.inventory.find(reference, request.now)
    return [found] if found else []


def _by_name(api: Api, request: Request, host: str) -> list[tuple[Plain, Item]]:
    inventory = api.backend.world.inventory
    # By its UID or bare id; a name is no root here.
    root = inventory.root(host)
    if root is None or host.strip().lower().rpartition(":")[2] != str(root.data["hierarchyrootid"]).lower():
        raise ApiError(400, f"Hierarchy root [{host}] was not found.")
    name, kind = (request.parameter("name") or "").lower(), (request.parameter("type") or "").lower()
    items = [item for item in inventory.items(root, request.now) if kind in ("", item.type.lower())]
    if name == "*":
        return [(root, item) for item in items]
    if api.switches.lookup_match == "contains":
        return [(root, item) for item in items if name.strip("*") in item.name.lower()]
    return [(root, item) for item in items if item.name.lower() == name]


def _item(api: Api, root: Plain, item: Item) -> Obj:
    kind = api.switches.machine_type if item.is_machine else item.type
    members = [
        ("ObjectRef", api.backend.world.inventory.reference(root, item, kind)),
        ("ObjectType", kind),
        ("ObjectName", item.name),
    ]
    return Obj("HierarchyItem", members=members, type="HierarchyItem")


def lookup_service(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/lookupSvc: ready-made look-ups for each root."""
    if rest:
        raise ApiError(404, "Resource not found.")
    links = []
    for root in api.backend.world.inventory.roots:
        is_vmware = api.backend.world.inventory.platform(root) == "VMware"
        for kind in ("Host", "Vm", *(("Tag", "StoragePod") if is_vmware else ())):
            path = f"/api/lookup?host={quote(root.uid, safe=':')}&name=*&type={kind}"
            links.append(Link("Down", path, "HierarchyItemList", f"{root.name} - {kind}"))
    document = Obj("LookupSvc", links=links, path="/api/lookupSvc", type="LookupService")
    return api.text(request, api.renderer(request).root(document))
