# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plain form of resources of any type: keys in snake_case, dates in UTC, lists bare, and links to other resources only.

A server writes the rows of a list in one or two shapes. What has to be done to each key is found out once for a shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import rename_keys, snake_case
from ..protocol.dates import normalise_date
from ..protocol.links import create_link, iter_links, normalise_link
from ..protocol.query_types import DATES

DATE_KEYS = frozenset(snake_case(name) for name in DATES)
PLAIN_CLASSES = frozenset((str, int, float, bool, type(None)))
# Links that lead to other resources; the rest are actions, and other addresses of the same.
USEFUL_LINKS = frozenset(("up", "down", "related", "download"))
LINK_MEMBERS = ("rel", "type", "name", "href")
MAX_DEPTH = 60  # nested objects; the deepest of the reference has eight
_TOO_DEEP = f"The server's resource has more than {MAX_DEPTH} objects within objects."
PLAIN, DATE, RESULT, HREF = range(4)


class RowReader:
    """Reads the rows of one server, as they came (`keep_rows` of the codec) or with keys in snake_case already."""

    def __init__(self, client: Client) -> None:
        self._locate = client.locate
        self._base_url = client.connection.base_url
        self._plans: dict[tuple[str, ...], tuple[list[tuple[str, str, int]], str | None]] = {}
        self._link_keys: dict[tuple[str, ...], list[str | None]] = {}
        self._is_useful: dict[Any, bool] = {}

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plain form of a row: a new dictionary. Raise ``bad_response`` for objects nested without end."""
        try:
            return self._read(row)
        except RecursionError:
            raise EmError("bad_response", _TOO_DEEP) from None

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shape = tuple(row)
        if shape not in self._plans:
            self._plans[shape] = _create_plan(shape)
        plan, links_key = self._plans[shape]
        plain: dict[str, Any] = {}
        for name, key, kind in plan:
            value = row[name]
            if kind is PLAIN and value.__class__ in PLAIN_CLASSES:
                plain[key] = value
            elif kind is DATE and value.__class__ is str:
                plain[key] = normalise_date(value)
            elif kind is HREF:
                plain[key] = self._locate(value) if isinstance(value, str) else None
            else:
                plain[key] = normalise_value(rename_keys(value), key, 0)
        plain.setdefault("href", None)
        plain["links"] = list(self._iter_links(row[links_key])) if links_key is not None else []
        return plain

    def _iter_links(self, links: Any) -> Iterator[dict[str, Any]]:
        if links.__class__ is not list or any(link.__class__ is not dict for link in links):
            for link in iter_links({"links": rename_keys(links)}):
                if self._leads_elsewhere(link.get("rel")):
                    yield normalise_link(link, self._base_url)
            return
        for link in links:
            shape = tuple(link)
            if shape not in self._link_keys:
                self._link_keys[shape] = _find_link_keys(shape)
            members = [None if key is None else link[key] for key in self._link_keys[shape]]
            if self._leads_elsewhere(members[0]):
                yield create_link(self._base_url, *members)

    def _leads_elsewhere(self, rel: Any) -> bool:
        if rel.__class__ is not str:
            return False
        if rel not in self._is_useful:
            self._is_useful[rel] = rel.lower() in USEFUL_LINKS
        return self._is_useful[rel]


def _create_plan(shape: tuple[str, ...]) -> tuple[list[tuple[str, str, int]], str | None]:
    """Return what to do with each key of a shape: its name in rows and in results, and its kind; and the key of the links."""
    plan, links_key = [], None
    for name in shape:
        key = snake_case(name)
        if key == "links":
            links_key = name
        else:
            kind = DATE if key in DATE_KEYS else RESULT if key == "result" else HREF if key == "href" else PLAIN
            plan.append((name, key, kind))
    return plan, links_key


def _find_link_keys(shape: tuple[str, ...]) -> list[str | None]:
    """Return the keys of a link's members in this shape. Of two spellings of one key the last one counts."""
    known = {snake_case(name): name for name in shape}
    return [known.get(member) for member in LINK_MEMBERS]


def normalise_value(value: Any, key: str, depth: int) -> Any:
    """Return the plain form of a value within a row, whose keys are in snake_case: dates in UTC, lists bare."""
    if depth > MAX_DEPTH:
        raise EmError("bad_response", _TOO_DEEP)
    if isinstance(value, dict):
        if set(value) == {key} and isinstance(value[key], list):  # the list's name twice: wire facts, section 1.2
            value = value[key]
        else:
            # Addresses within have the server's own host, which may be unreachable: wire facts, section 7.
            inner = {name: one for name, one in value.items() if name not in ("links", "href")}
            return {name: normalise_value(one, name, depth + 1) for name, one in inner.items()}
    if isinstance(value, list):
        return [normalise_value(one, "", depth + 1) for one in value]
    if isinstance(value, str) and key in DATE_KEYS:
        return normalise_date(value)
    if value == "None" and key == "result":  # of a run that goes on: wire facts, section 6.4
        return None
    return value
