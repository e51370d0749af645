# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How one body looks in XML and in JSON: lists, attributes, lists of texts (wire-facts 9).

Bodies are kept as JSON has them, `{"Resources": {"BackupResources": [...]}}`, for XML says less: one element may be a list of one.
"""

from __future__ import annotations

from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

from .document import Many, Obj, Texts, Value
from .operations import read_shapes

ENTITY_ATTRIBUTES = ("Href", "Type", "Name", "UID", "Id", "BackupServerUid")


class Shapes:
    """The correspondences, as the reference's examples show them."""

    def __init__(self) -> None:
        shapes = read_shapes()
        self.lists: dict[str, str] = shapes["lists"]
        self.strings: dict[str, str] = shapes["strings"]
        self.attributes: dict[str, list[str]] = shapes["attributes"]
        self.items = {key: element for element, key in self.lists.items()}  # of Day and Days the later one: Days

    def from_xml(self, element: ET.Element) -> Any:
        """Return what an element says as JSON would have it."""
        name = local_name(element.tag)
        attributes = {local_name(key): value for key, value in element.attrib.items() if not key.startswith("{")}
        if name in self.strings:
            return [child.text or "" for child in element]
        if name == "Day":
            return {**attributes, "Value": element.text or ""}
        if not len(element):
            return {**attributes} if attributes else (element.text or "").strip()
        value: dict[str, Any] = {}
        for child in element:
            tag, inner = local_name(child.tag), self.from_xml(child)
            if tag in self.lists:
                value.setdefault(self.lists[tag], []).append(inner)
            elif tag in value:  # one that may come several times
                value[tag] = [*(value[tag] if isinstance(value[tag], list) else [value[tag]]), inner]
            else:
                value[tag] = inner
        return {**value, **attributes}

    def to_document(self, name: str, value: Any) -> Value:
        """Return a member of this name to be printed."""
        if isinstance(value, list):
            return Texts([str(item) for item in value], self.strings.get(name))
        if not isinstance(value, dict):
            return _scalar(value)
        if len(value) == 1:
            key, inner = next(iter(value.items()))
            if isinstance(inner, list) and key in self.items and name not in ("OptionsDaily", "OptionsMonthly"):
                return self._list(key, inner)
        return self.to_obj(name, value)

    def _list(self, key: str, items: list[Any]) -> Value:
        if items and not isinstance(items[0], dict):
            return Texts([str(item) for item in items], self.items[key], key)
        element = "Day" if key == "Days" else self.items[key]
        return Many([self.to_obj(element, item) for item in items], key)

    def to_obj(self, name: str, value: dict[str, Any]) -> Obj:
        """Return an element of this name."""
        attributes = self.attributes.get(name, ())
        text = value.get("Value") if name == "Day" else None
        members = [
            (key, self.to_document(key, inner))
            for key, inner in value.items()
            if key not in attributes and not (text is not None and key == "Value")
        ]
        shown = [(key, _scalar(value[key])) for key in attributes if key in value]
        return Obj(name, members=members, attributes=shown, is_resource=False, text=text)


def _scalar(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def local_name(tag: str) -> str:
    """Return a name without its namespace."""
    return tag.rpartition("}")[2]


@cache
def shapes() -> Shapes:
    """Return the correspondences, read once."""
    return Shapes()
