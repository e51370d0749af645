# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as Enterprise Manager prints it: PascalCase and null members (12), camelCase (13)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from json.encoder import encode_basestring, encode_basestring_ascii

from .document import Absent, Either, Link, Many, Obj, Paging, Scalar, Texts, Value
from .render import ENTITY_LISTS, RESOURCE_LISTS, Renderer
from .switches import Switches


@cache
def camel_case(name: str) -> str:
    """Lower the first letters as .NET does: UID -> uid, NASJobs -> nasJobs, VAppX -> vAppX (wire-facts 1.3)."""
    letters = list(name)
    for index, letter in enumerate(letters):
        if index == 1 and not letter.isupper():
            break
        if index > 0 and index + 1 < len(letters) and not letters[index + 1].isupper():
            break
        letters[index] = letter.lower()
    return "".join(letters)


def is_absent(value: Value) -> bool:
    """Return whether JSON does not have a member."""
    return isinstance(value, Either) and isinstance(value.json, Absent)


class JsonRenderer(Renderer):
    """The format one gets with Accept: application/json."""

    content_type = "application/json; charset=utf-8"

    def __init__(self, base: str, switches: Switches) -> None:
        super().__init__(base, switches)
        case = switches.json_case
        camel = case == "camel" or (case == "version" and switches.version >= 13)
        self._keys: dict[str, str] = {}
        self._camel = camel
        self._nulls = switches.json_nulls
        self._string = encode_basestring_ascii if switches.version >= 13 else encode_basestring

    def key(self, name: str) -> str:
        """Return the quoted key with its colon."""
        known = self._keys.get(name)
        if known is None:
            known = self._keys[name] = json.dumps(camel_case(name) if self._camel else name) + ":"
        return known

    def _scalar(self, value: Scalar) -> str:
        if value is None:
            return "null"
        if value is True:
            return "true"
        if value is False:
            return "false"
        if isinstance(value, (int, float)):
            return repr(value)
        if isinstance(value, datetime):
            return f'"{self.date(value)}"'
        return self._string(value)

    def _object(self, pairs: Sequence[tuple[str, str]]) -> str:
        if not self._nulls:
            pairs = [pair for pair in pairs if pair[1] != "null"]
        return "{" + ",".join([self.key(name) + text for name, text in pairs]) + "}"

    def _link(self, link: Link) -> str:
        return self._object(
            (
                ("Rel", self._string(link.rel)),
                ("Href", self._string(self.url(link.path))),
                ("Name", self._scalar(link.name)),
                ("Type", self._scalar(link.type)),
            )
        )

    def _links(self, links: Sequence[Link] | None) -> str:
        return "null" if links is None else f"[{','.join(map(self._link, links))}]"

    def _value(self, value: Value) -> str:
        if isinstance(value, Obj):
            return self.fragment(value)
        if isinstance(value, Many):
            array = f"[{','.join(map(self.fragment, value.items))}]"
            return array if value.json_key is None else f"{{{self.key(value.json_key)}{array}}}"
        if isinstance(value, Texts):
            array = f"[{','.join(map(self._string, value.items))}]"
            return array if value.json_key is None else f"{{{self.key(value.json_key)}{array}}}"
        if isinstance(value, Either):
            assert not isinstance(value.json, Absent)
            return self._scalar(value.json)
        return self._scalar(value)

    def _pairs(self, obj: Obj) -> list[tuple[str, str]]:
        pairs = [(name, self._value(value)) for name, value in obj.members if not is_absent(value)]
        pairs += [(name, self._scalar(value)) for name, value in obj.attributes]
        if obj.text is not None:
            pairs.append(("Value", self._string(obj.text)))
        pairs += [(name, self._scalar(value)) for name, value in obj.only_json]
        if obj.is_resource:
            href = "null" if obj.path is None else self._string(self.url(obj.path))
            pairs += [("Links", self._links(obj.links)), ("Href", href), ("Type", self._scalar(obj.type))]
        return pairs

    def fragment(self, obj: Obj) -> str:
        return self._object(self._pairs(obj))

    def root(self, obj: Obj) -> str:
        return self.fragment(obj)

    def _paging(self, paging: Paging) -> str:
        return self._object(
            (
                ("Links", self._links(paging.links)),
                ("PageNum", str(paging.number)),
                ("PageSize", str(paging.size)),
                ("PagesCount", str(paging.count)),
            )
        )

    def collection(self, name: str, fragments: Sequence[str], paging: Paging | None = None, inner: str | None = None) -> str:
        pairs = [(inner or name, f"[{','.join(fragments)}]")]
        if paging:
            pairs.append(("PagingInfo", self._paging(paging)))
        return self._object(pairs)

    def _list(self, container: str, inner: str, fragments: Sequence[str]) -> str:
        rows = f"[{','.join(fragments)}]"
        if not fragments and self.switches.empty_query == "null":
            rows = "null"
        if inner != "Tasks" or container != "Resources" or self.switches.json_tasks == "tasks_tasks":
            return f"{{{self.key(inner)}{rows}}}"
        if self.switches.json_tasks == "tasks":
            return rows
        return f"{{{self.key('Task')}{fragments[0] if len(fragments) == 1 else rows}}}"

    def query_result(self, container: str, outer: str, inner: str, fragments: Sequence[str], paging: Paging) -> str:
        contents = {"Refs": "null", "Entities": "null", "Resources": "null"}
        if fragments or self.switches.empty_query != "missing":
            if container == "Refs":
                contents["Refs"] = self._list(container, "Refs", fragments)
            else:
                names = dict.fromkeys(ENTITY_LISTS if container == "Entities" else RESOURCE_LISTS, "null")
                names[outer] = self._list(container, inner, fragments)
                contents[container] = self._object(list(names.items()))
        return self._object([*contents.items(), ("Links", "null"), ("PagingInfo", self._paging(paging))])

    def error(self, status: int, message: str) -> str:
        return self._object(
            (
                ("FirstChanceExceptionMessage", "null"),
                ("Message", self._string(message)),
                ("StackTrace", self._scalar(self.stack_trace)),
                ("Status", "null"),
                ("StatusCode", str(status)),
            )
        )
