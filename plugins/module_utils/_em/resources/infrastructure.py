# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of the infrastructure: virtual machines, folders, tags, ... below the hierarchy roots of the backup servers.

Facts: wire facts, section 10.
"""

from __future__ import annotations

import re
from collections import Counter
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
MAX_LOOKUPS = 3  # of objects of one type below one root; for more, all of them are listed with one request
# Statuses of look-ups that found nothing (wire facts, 10.2), and of look-ups that failed.
NO_HIT = (400, 404, 500)


class ObjectQuery(NamedTuple):
    """An object as a playbook describes it, checked. ``number`` is its position in the option, from 1."""

    number: int
    reference: Reference | None
    moid: str | None
    name: str | None
    root: str | None
    type: str

    @property
    def is_id(self) -> bool:
        """Return whether it is given by a reference or by the platform's own id, which identify it without a look-up."""
        return self.reference is not None or self.moid is not None

    def describe(self) -> str:
        """Return a description for messages, such as Vm 'web01'."""
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
    if values["ref"] is not None and values["moid"] is not None:
        raise create_option_error(option, dict(given), "give either ref or moid, one of the two")
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
    if not allow_patterns and values["moid"] is None and "*" in (values["name"] or ""):
        hint = "give the name of one object; one whose name holds a * is found by ref or moid"
        raise create_option_error(f"name of {option}", values["name"], hint)
    return ObjectQuery(number, None, values["moid"], values["name"], values["root"], object_type)


class Search(NamedTuple):
    """What is looked for below one root: an object by its reference, or the objects of a name."""

    root: Mapping[str, Any]
    type: str
    name: str | None
    reference: Reference | None = None

    @property
    def listing(self) -> tuple[str, str]:
        """Return which objects it is among: the UID of the root, and the type."""
        return str(self.root["uid"]), self.type

    @property
    def is_pattern(self) -> bool:
        """Return whether the name holds a ``*``, which stands for any characters."""
        return self.reference is None and "*" in (self.name or "")

    def select(self, items: list[Item]) -> list[Item]:
        """Return the items that match. How the server compares names is unknown, so they are compared here."""
        items = [item for item in items if item.reference.type.lower() == self.type.lower()]
        if self.reference is not None:
            return [item for item in items if item.reference.key == self.reference.key]
        name = self.name or ""
        if self.is_pattern:
            pattern = re.compile(translate(name.replace("[", "[[]").replace("?", "[?]")), re.IGNORECASE)
            return [item for item in items if pattern.match(item.name or "")]
        return select_by_name(items, name, lambda item: item.name)

    def create_path(self, *, all_names: bool = False) -> str:
        """Return the path of the look-up, or of that of all objects of the type below the root."""
        if self.reference is not None and not all_names:
            return f"/api/lookup?hierarchyRef={percent_encode(str(self.reference), safe=':')}"
        name = "*" if all_names else percent_encode(self.name or "", safe="")
        return f"/api/lookup?host={percent_encode(self.listing[0], safe=':')}&name={name}&type={self.type}"


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
                raise EmError("not_found", f"That backup server has no hierarchy root. Known roots: {listed or 'none'}.")
            raise EmError(
                "ambiguous",
                f"{query.describe()} may belong to several hierarchy roots: set root to one of {listed}.",
            )
        matches = [root for root in roots if _is_named(root, query.root)]
        found = [root for root in matches if root in on_server]
        if found:
            return found
        if matches:
            msg = f"The hierarchy root {query.root} is not on that backup server, but there is {_list_roots(matches)}."
            raise EmError("not_found", msg)
        raise EmError("not_found", f"There is no hierarchy root {query.root}. Known roots: {_list_roots(roots) or 'none'}.")

    def get_root(self, reference: Reference) -> dict[str, Any] | None:
        """Return the hierarchy root of a reference; None where it is unknown."""
        return next((root for root in self.list_roots() if find_guid(root["uid"] or "") == reference.root_id), None)

    def find(self, query: ObjectQuery, server_uid: str | None = None, *, verify: bool = False) -> list[Item]:
        """Return the objects that a query means: none, one, or several of one name."""
        return self.find_all([query], server_uid, verify=verify)[0]

    def find_all(self, queries: list[ObjectQuery], server_uid: str | None = None, *, verify: bool = False) -> list[list[Item]]:
        """Return, for each query, the objects that it means: none, one, or several of one name.

        References and the platform's ids are taken as they are, without a look-up; with ``verify`` only if the inventory knows
        them. A few objects below one root are looked up one by one, many with one request.
        """
        planned = [self._plan(query, server_uid) for query in queries]
        searches = [search for one in planned for search in one if verify or search.reference is None]
        counts = Counter(search.listing for search in searches)
        listings: dict[tuple[str, str], list[Item]] = {}
        results: list[list[Item]] = []
        for query, own in zip(queries, planned):
            found: list[Item] = []
            for search in own:
                if search.reference is not None and not verify:
                    found.append(Item(search.reference, query.name, search.root))
                else:
                    found += self._look_up(search, listings, is_one_of_many=counts[search.listing] > MAX_LOOKUPS)
            if query.reference is not None and not own and not verify:
                found.append(Item(query.reference, query.name, None))
            results.append(found)
        return results

    def _plan(self, query: ObjectQuery, server_uid: str | None) -> list[Search]:
        """Return the searches to make; none for a reference below a root that does not exist."""
        if query.reference is not None:
            root = self.get_root(query.reference)
            return [Search(root, query.reference.type, query.name, query.reference)] if root is not None else []
        searches = []
        for root in self.find_roots(query, server_uid):
            object_type = normalise_type(root["platform"] or "", query.type)
            root_id = find_guid(root["uid"] or "")
            if object_type is None or root_id is None:
                raise EmError(
                    "invalid_option",
                    f"The hierarchy root {root['name']} ({root['host_type']}) has no objects of the type {query.type}.",
                )
            reference = Reference(root["platform"], object_type, root_id, query.moid) if query.moid is not None else None
            searches.append(Search(root, object_type, query.name, reference))
        return searches

    def _look_up(self, search: Search, listings: dict[tuple[str, str], list[Item]], *, is_one_of_many: bool) -> list[Item]:
        """Return the objects of a search.

        A server may report with the same error that there is no such object, and that the look-up failed. So after an error the
        list of all objects decides. An object that is missing from a list that was read for many searches is looked up again.
        """
        if search.is_pattern:
            return search.select(self._list(search, listings))
        if is_one_of_many:
            found = search.select(self._list(search, listings))
            if found:
                return found
        try:
            return search.select(self._read_items(search, search.create_path()))
        except EmError as err:
            if err.status not in NO_HIT:
                raise
            try:
                items = self._list(search, listings)
            except EmError as other:
                if other.status not in NO_HIT:
                    raise
                raise err from None
            return search.select(items)

    def _list(self, search: Search, listings: dict[tuple[str, str], list[Item]]) -> list[Item]:
        """Return all objects of the type below the root, read once for these listings."""
        if search.listing not in listings:
            listings[search.listing] = self._read_items(search, search.create_path(all_names=True))
        return listings[search.listing]

    def _read_items(self, search: Search, path: str) -> list[Item]:
        """Return the objects of a look-up's answer."""
        return [item._replace(root=search.root) for item in _iter_items(self.client, path)]


def _iter_items(client: Client, path: str) -> Iterator[Item]:
    for row in iter_list(client.get(path), "/api/lookup", "hierarchy_items", "hierarchy_item"):
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
