# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of requests: read as Accept says, held against the reference's table (wire-facts 1.6, 7, 9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from .errors import ApiError
from .exchange import Request
from .operations import Member, Operation
from .shapes import ENTITY_ATTRIBUTES, local_name, shapes
from .switches import Switches

NAMESPACE = "http://www.veeam.com/ent/v1.0"
NO_OBJECT = "Object reference not set to an instance of an object."
NO_ROOT = "Node [root] does not exist."


def read_body(operation: Operation, request: Request, switches: Switches) -> dict[str, Any] | None:
    """Return the body of a request as JSON has it, in the reference's spelling; None where there is none."""
    if not operation.has_body:
        return None
    if not request.body.strip():
        # Public clients restore without a body, the reference does not (wire-facts 11.2).
        may_lack = operation.page == "post_vmrestorepoints_id_actionrestore" and switches.restore_body == "optional"
        if operation.needs_body and not may_lack:
            raise ApiError(500, NO_OBJECT)
        return None
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type not in ("application/json", "application/xml", "text/xml") and switches.version >= 13:
        raise ApiError(415, "Unsupported Media Type")
    # It is Accept that decides how a body is read; the other kind cannot be (wire-facts 7).
    is_json = request.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    if is_json != request.wants_json or (content_type == "application/json") != request.wants_json:
        raise ApiError(400, NO_ROOT)
    value = _read_json(request.body) if is_json else _read_xml(request.body, operation)
    checked = _Checked(switches)
    body = checked.take(value, operation.members, is_root=True)
    if checked.unknown and switches.unknown_members == "refused":
        raise ApiError(400, f"Could not find member '{checked.unknown[0]}' on object of type '{operation.root or 'Spec'}'.")
    if checked.missing:
        raise ApiError(500, NO_OBJECT)
    return body


def _read_json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ApiError(400, "Unexpected character encountered while parsing value. Path '', line 0, position 0.") from None
    if not isinstance(value, dict):
        raise ApiError(400, NO_ROOT)
    return value


def _read_xml(body: bytes, operation: Operation) -> dict[str, Any]:
    try:
        element = ET.fromstring(body)
    except ET.ParseError as error:
        line, column = error.position
        raise ApiError(400, f"There is an error in XML document ({line}, {column}).") from None
    # The serialiser passes over what it does not expect, and then something is not there.
    if any(not one.tag.startswith(f"{{{NAMESPACE}}}") for one in element.iter()):
        raise ApiError(500, NO_OBJECT)
    if operation.root is not None and local_name(element.tag) != operation.root:
        raise ApiError(500, NO_OBJECT)
    if not _is_ordered(element, operation.members):
        raise ApiError(500, NO_OBJECT)
    value = shapes().from_xml(element)
    return value if isinstance(value, dict) else {}


def _is_ordered(element: ET.Element, members: Sequence[Member]) -> bool:
    """Return whether the children that the table knows come in its order, all the way down."""
    places = {member.name: place for place, member in enumerate(members)}
    inside = {member.name: member.members for member in members}
    known = [local_name(child.tag) for child in element if local_name(child.tag) in places]
    if [places[name] for name in known] != sorted(places[name] for name in known):
        return False
    return all(_is_ordered(child, inside.get(local_name(child.tag), ())) for child in element)


# The reference spells these in JSON as no schema does (wire-facts 12).
ALIASES = {"OptionsContinuous": "OptionsContinious", "RetrySpecified": "RetrySpecified1"}


class _Checked:
    """What is found in a body: members in the reference's spelling, and what is wrong with them."""

    def __init__(self, switches: Switches) -> None:
        self._any_case = switches.version >= 13 and switches.body_keys == "any"
        self.unknown: list[str] = []
        self.missing: list[str] = []

    def take(self, value: dict[str, Any], members: Sequence[Member], *, is_root: bool = False) -> dict[str, Any]:
        """Return the members of an object."""
        by_key = {key.lower(): member for member in members for key in _keys(member)}
        taken: dict[str, Any] = {}
        for key, inner in value.items():
            member = by_key.get(key.lower())
            # Letters of another case matter only where camelCase is meant: the reference itself wavers (FSFile..., FsFile...).
            if member is not None and not self._any_case and key[:1].islower() and not member.name[:1].islower():
                member = None
            if member is not None:
                taken[self._name(key, member)] = self._value(inner, member)
            elif is_root and key in ENTITY_ATTRIBUTES:
                taken[key] = inner
            elif key != "Links":
                self.unknown.append(key)
                if members:
                    continue
                taken[key] = inner
        self.missing += [member.name for member in members if member.required and not set(_keys(member)) & set(taken)]
        return taken

    def _name(self, key: str, member: Member) -> str:
        listed = shapes().lists.get(member.name)
        return listed if listed is not None and key.lower() == listed.lower() else member.name

    def _value(self, value: Any, member: Member) -> Any:
        if isinstance(value, list):
            return [self._value(item, member) if isinstance(item, dict) else _scalar(item, "text") for item in value]
        if isinstance(value, dict):
            attributes = shapes().attributes.get(member.name, [])
            known = (*member.members, *(Member(name, _attribute_kind(name)) for name in attributes))
            if member.name == "Day":
                known = (*known, Member("Value"))  # an element's text
            return self.take(value, known) if known else value
        return _scalar(value, member.kind)


def _keys(member: Member) -> Iterator[str]:
    """Return the names that a member has in XML and JSON."""
    yield member.name
    listed = shapes().lists.get(member.name)
    if listed is not None:
        yield listed
    if member.name in shapes().strings:
        yield f"{member.name}s"
    if member.name in ALIASES:
        yield ALIASES[member.name]


def _attribute_kind(name: str) -> str:
    return "bool" if name in ("Enabled", "Unlimited", "Overwrite") else "text"


def _scalar(value: Any, kind: str) -> Any:
    """Return a value in its kind; strings stand for booleans and numbers throughout the reference."""
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ApiError(400, f"Could not convert string to boolean: {text}.")
        return text.lower() in ("true", "1")
    if kind == "int" and text:
        try:
            return int(text)
        except ValueError:
            raise ApiError(400, f"Could not convert string to integer: {text}.") from None
    return value if isinstance(value, (int, float)) else text
