# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies of any operation: from the form of JSON, in which playbooks give them, to that of XML. Pure.

JSON has ``{"Resources": {"BackupResources": [{...}]}}`` where XML has ``<Resources><BackupResource>...``; XML also has an order
of elements and some attributes (wire facts, sections 7 and 9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .codec import Body
from .operations import ATTRIBUTES, BODIES, LISTS, TEXTS

ENTITY_ATTRIBUTES = ("Href", "Type", "Name", "UID", "BackupServerUid")  # of the root, where the body is an entity
Tree = dict[str, Any]  # members in order: name, and the members within


class BodySchema(NamedTuple):
    """The body of an operation: root element, empty where the reference prints none, and members in order."""

    root: str
    members: Tree


def find_schema(method: str, path: str) -> BodySchema | None:
    """Return the schema of an operation's body; None where the reference has none. ``path`` begins with /api/.

    The action of a PUT may be left out, as public clients do.
    """
    bare, _mark, query = path[len("/api/") :].partition("?")
    actions = [part[len("action=") :].lower() for part in query.split("&") if part.lower().startswith("action=")]
    action = actions[0] if actions else ""
    for known_method, pattern, root, members in BODIES:
        address, _mark, known_action = pattern.partition("?action=")
        is_action = known_action.lower() == action or (method == "PUT" and not action)
        if known_method == method and is_action and _matches(address, bare):
            return BodySchema(root, parse_tree(members))
    return None


def create_xml_body(schema: BodySchema, members: Mapping[str, Any]) -> Body:
    """Return a body in the form of XML: elements in the schema's order, those that it does not know last, and attributes."""
    known = {name.lower() for name in schema.members}
    attributes = [name for name in ENTITY_ATTRIBUTES if name.lower() not in known]
    return Body(schema.root, _create_element(members, schema.members, attributes))


def parse_tree(text: str) -> Tree:
    """Return the members that a text such as ``Name,Resources(BackupResource(Name))`` lists."""
    tree, _rest = _take_tree(iter(re.findall(r"\w+|[()]", text)))
    return tree


def _take_tree(parts: Iterator[str]) -> tuple[Tree, str]:
    tree: Tree = {}
    name = ""
    for part in parts:
        if part == ")":
            return tree, part
        if part == "(":
            tree[name], _end = _take_tree(parts)
        else:
            name = part
            tree[name] = {}
    return tree, ""


def _matches(pattern: str, path: str) -> bool:
    expression = "".join(
        ".+" if part == "{filepath}" else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", pattern)
    )
    return re.fullmatch(expression, path, re.IGNORECASE) is not None


def _create_element(members: Mapping[str, Any], tree: Tree, attributes: list[str]) -> dict[str, Any]:
    """Return the members of an element by the names and in the order of XML."""
    found: dict[str, Any] = {}
    for key, value in members.items():
        if key in attributes and not isinstance(value, (Mapping, list, tuple)):
            found[f"@{key}"] = value
            continue
        name = _find_element(key, value, tree)
        found[name] = _create_value(name, value, tree.get(name, {}))
    places = {name: place for place, name in enumerate(tree)}
    return dict(sorted(found.items(), key=lambda item: -1 if item[0].startswith("@") else places.get(item[0], len(places))))


def _find_element(key: str, value: Any, tree: Tree) -> str:
    """Return the name of the element for a member of JSON."""
    candidates = [key]
    if isinstance(value, (list, tuple)):
        has_objects = any(isinstance(one, Mapping) for one in value)
        listed = [name for name, known in LISTS.items() if known.lower() == key.lower()]
        # Days of a schedule are objects in a table of hours, and texts elsewhere.
        listed.sort(key=lambda name: (name == key) is has_objects)
        candidates = [*listed, key] if listed else [key, key.removesuffix("s")]
    for candidate in candidates:
        for name in tree:
            if name.lower() == candidate.lower():
                return name
    return candidates[0]


def _create_value(name: str, value: Any, tree: Tree) -> Any:
    if isinstance(value, Mapping):
        attributes = list(ATTRIBUTES.get(name, ()))
        if set(value) - set(attributes) == {"Value"} and not tree:
            return {**{f"@{key}": value[key] for key in value if key != "Value"}, "#text": value["Value"]}
        return _create_element(value, tree, attributes)
    if not isinstance(value, (list, tuple)):
        return value
    if name in TEXTS and not any(isinstance(one, Mapping) for one in value):
        return {TEXTS[name]: list(value)}
    return [_create_value(name, one, tree) for one in value]
