# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of the infrastructure: virtual machines, folders, tags, ... below the hierarchy roots of the backup servers.

Facts: wire facts, section 9.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from typing import Any, NamedTuple
from urllib.parse import quote as percent_encode

from ..client.client import Client
from ..errors import EmError, create_option_error, quote
from ..protocol.codec import read_text
from ..protocol.filters import is_transmissible, natural_key
from ..protocol.links import find_guid, find_link
from ..protocol.names import fold_name
from ..protocol.references import OBJECT_TYPES, PLATFORMS, Reference, normalise_type, parse_reference
from .listing import FilteredListing, QueryTarget, iter_list

ROOT_QUERY = QueryTarget("HierarchyRoot", ("entities", "hierarchy_roots"))
OBJECT_SPEC: dict[str, Any] = {
    "ref": {"type": "str"},
    "moid": {"type": "str"},
    "name": {"type": "str"},
    "root": {"type": "str"},
    "type": {"type": "str", "default": "Vm"},
}


class ObjectQuery(NamedTuple):
    """An object as a playbook describes it, checked. ``number`` is its place in the option, from 1."""

    number: int
    reference: Reference | None
    moid: str | None
    name: str | None
    root: str | None
    type: str

    def describe(self) -> str:
        """Return it for a message."""
        if self.reference is not None:
            return str(self.reference)
        return f"{self.type} {quote(self.moid or self.name)}" + (f" of {self.root}" if self.root else "")


class Item(NamedTuple):
    """An object that was found. ``name`` may be unknown where no look-up was necessary."""

    reference: Reference
    name: str | None
    root: Mapping[str, Any] | None

    def to_result(self) -> dict[str, Any]:
        """Return its public form."""
        root = self.root or {}
        return {
            "ref": str(self.reference),
            "name": self.name,
            "type": self.reference.type,
            "root": root.get("name"),
            "backup_server": root.get("backup_server"),
        }


def parse_objects(option: str, objects: list[dict[str, Any]], *, allow_patterns: bool = False) -> list[ObjectQuery]:
    """Return the objects of an option, checked. Raise ``invalid_option`` for one that is not clear."""
    return [_parse_object(f"{option} (number {number})", number, one, allow_patterns) for number, one in enumerate(objects, 1)]


def _parse_object(option: str, number: int, given: Mapping[str, Any], allow_patterns: bool) -> ObjectQuery:
    values = {key: (str(given[key]).strip() or None) if given.get(key) is not None else None for key in OBJECT_SPEC}
    if values["ref"] is not None:
        reference = parse_reference(values["ref"])
        if reference is None:
            hint = "give a reference such as urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518"
            raise create_option_error(f"ref of {option}", values["ref"], hint)
        return ObjectQuery(number, reference, None, values["name"], values["root"], reference.type)
    if values["moid"] is None and values["name"] is None:
        raise create_option_error(option, dict(given), "give ref, moid with root, or name with root")
    object_type = str(values["type"] or "Vm")
    if not any(normalise_type(platform, object_type) for platform in OBJECT_TYPES):
        known = sorted({one for types in OBJECT_TYPES.values() for one in types})
        raise create_option_error(f"type of {option}", object_type, f"give one of {', '.join(known)}")
    for key in ("moid", "name"):
        value = values[key]
        if value is not None and not is_transmissible(value):
            raise create_option_error(f"{key} of {option}", value, "it holds characters that no name has")
    if not allow_patterns and values["moid"] is None and values["name"] == "*":
        raise create_option_error(f"name of {option}", "*", "give the name of one object")
    return ObjectQuery(number, None, values["moid"], values["name"], values["root"], object_type)


class Infrastructure:
    """The infrastructure that Enterprise Manager knows. The hierarchy roots are read once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._roots: list[dict[str, Any]] | None = None

    def list_roots(self) -> list[dict[str, Any]]:
        """Return the hierarchy roots; the same vCenter on two backup servers is two roots."""
        if self._roots is None:
            self._roots = [normalise_root(row) for row in FilteredListing(self.client, ROOT_QUERY).iter_rows()]
        return self._roots

    def find_roots(self, query: ObjectQuery, server_uid: str | None) -> list[dict[str, Any]]:
        """Return the hierarchy roots that an object may be below: those that its ``root`` names, on the given backup server.

        Raise ``not_found`` where there is none, and ``ambiguous`` where no root is named although there are several.
        """
        roots = self.list_roots()
        on_server = [root for root in roots if server_uid is None or _is_same_id(root["backup_server_uid"], server_uid)]
        if query.root is None:
            if len(on_server) == 1:
                return on_server
            listed = _list_roots(on_server or roots)
            if not on_server:
                raise EmError("not_found", f"No hierarchy root is on that backup server. There is {listed or 'none at all'}.")
            raise EmError(
                "ambiguous",
                f"Which hierarchy root {query.describe()} belongs to is not clear: set root to one of {listed}.",
            )
        matches = [root for root in roots if _is_named(root, query.root)]
        found = [root for root in matches if root in on_server]
        if found:
            return found
        if matches:
            msg = f"The hierarchy root {query.root} is not on that backup server, but there is {_list_roots(matches)}."
            raise EmError("not_found", msg)
        raise EmError("not_found", f"There is no hierarchy root {query.root}. There is {_list_roots(roots) or 'none at all'}.")

    def get_root(self, reference: Reference) -> dict[str, Any] | None:
        """Return the hierarchy root of a reference; None where it is unknown."""
        return next((root for root in self.list_roots() if find_guid(root["uid"] or "") == reference.root_id), None)

    def find(self, query: ObjectQuery, server_uid: str | None = None) -> list[Item]:
        """Return the objects that a query means: none, one, or several of one name. References need no look-up."""
        if query.reference is not None:
            return [Item(query.reference, query.name, self.get_root(query.reference))]
        items: list[Item] = []
        for root in self.find_roots(query, server_uid):
            object_type = normalise_type(root["platform"] or "", query.type)
            if object_type is None:
                raise EmError(
                    "invalid_option",
                    f"The hierarchy root {root['name']} ({root['host_type']}) has no objects of the type {query.type}.",
                )
            if query.moid is not None:
                root_id = find_guid(root["uid"] or "") or ""
                items.append(Item(Reference(root["platform"], object_type, root_id, query.moid), query.name, root))
            else:
                items += self._look_up(root, object_type, query.name or "")
        return items

    def find_existing(self, query: ObjectQuery) -> list[Item]:
        """Return the objects that a query means, as far as the inventory knows them."""
        found = self.find(query)
        if query.reference is None and query.moid is None:
            return found
        known = []
        for item in found:
            path = f"/api/lookup?hierarchyRef={percent_encode(str(item.reference), safe=':')}"
            known += [one._replace(root=item.root) for one in self._read_items(path) if one.reference.key == item.reference.key]
        return known

    def _look_up(self, root: Mapping[str, Any], object_type: str, name: str) -> list[Item]:
        """Return the objects of a name; ``*`` in it stands for any characters.

        The server's comparison is not documented, so names are compared here: exactly or, if nothing matches,
        case-insensitively.
        """
        is_pattern = "*" in name
        sent = "*" if is_pattern else name
        query = f"host={percent_encode(root['uid'], safe=':')}&name={percent_encode(sent, safe='*')}&type={object_type}"
        items = [item._replace(root=root) for item in self._read_items(f"/api/lookup?{query}")]
        items = [item for item in items if item.reference.type.lower() == object_type.lower()]
        if is_pattern:
            pattern = re.compile(translate(name.replace("[", "[[]").replace("?", "[?]")), re.IGNORECASE)
            return [item for item in items if pattern.match(item.name or "")]
        return select_by_name(items, name, lambda item: item.name)

    def _read_items(self, path: str) -> Iterator[Item]:
        """Yield the objects of a look-up's answer. An unknown one is an empty list or a 404: wire facts, section 9."""
        try:
            document = self.client.get(path)
        except EmError as err:
            if err.status == 404 and err.detail:
                return
            raise
        for row in iter_list(document, "/api/lookup", "hierarchy_items", "hierarchy_item"):
            reference = parse_reference(read_text(row, "object_ref") or "")
            if reference is None:
                msg = "The server's answer to a look-up holds an object without a reference."
                raise EmError("bad_response", msg, method="GET", path="/api/lookup")
            yield Item(reference, read_text(row, "object_name"), None)


def select_by_name(items: list[Any], name: str, get_name: Any) -> list[Any]:
    """Return the items of exactly this name or, if there are none, those that differ only in case or in Unicode's forms."""
    exact = [item for item in items if get_name(item) == name]
    return exact or [item for item in items if fold_name(get_name(item)) == fold_name(name)]


def normalise_root(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the public form of a hierarchy root."""
    server = find_link(row, "Up", type_prefix="BackupServer") or {}
    server_id = find_guid(read_text(server, "href") or "")
    host_type = read_text(row, "host_type")
    return {
        "name": read_text(row, "name"),
        "uid": read_text(row, "uid"),
        "unique_id": read_text(row, "unique_id"),
        "host_type": host_type,
        "platform": PLATFORMS.get((host_type or "").lower()),
        "backup_server": read_text(row, "backup_server_name") or read_text(server, "name"),
        "backup_server_uid": read_text(row, "backup_server_uid")
        or (f"urn:veeam:BackupServer:{server_id}" if server_id else None),
    }


def _is_named(root: Mapping[str, Any], text: str) -> bool:
    """Return whether a text is a root's name, UID (or the GUID in it) or unique id, such as a vCenter's instance UUID."""
    wanted = fold_name(text.strip())
    names = (root["name"], root["uid"], root["unique_id"], find_guid(root["uid"] or ""))
    return wanted in [fold_name(name) for name in names if name]


def _is_same_id(left: str | None, right: str | None) -> bool:
    return find_guid(left or "") is not None and find_guid(left or "") == find_guid(right or "")


def _list_roots(roots: list[dict[str, Any]]) -> str:
    ordered = sorted(roots, key=lambda root: natural_key(root["name"] or ""))
    return ", ".join(f"{root['name']} on {root['backup_server']}" for root in ordered[:20])
