# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plain form of resources of any type: keys in snake_case, dates in UTC, lists bare, and links to other resources only.

A server writes the rows of a list in one or two shapes. How to convert each key is worked out once per shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import rename_keys, snake_case
from ..protocol.dates import normalise_date
from ..protocol.links import create_link, iter_links
from ..protocol.query_types import DATES

DATE_KEYS = frozenset(snake_case(name) for name in DATES)
PLAIN_CLASSES = frozenset((str, int, float, bool, type(None)))
# Links that lead to other resources; the rest are actions, and other addresses of the same.
USEFUL_LINKS = frozenset(("up", "down", "related", "download"))
LINK_MEMBERS = ("rel", "type", "name", "href")
MAX_DEPTH = 60  # nested objects; the deepest of the reference has eight
_TOO_DEEP = f"The server's resource has more than {MAX_DEPTH} objects within objects."

Getter = Callable[[Mapping[str, Any]], Sequence[Any]]


class Plan(NamedTuple):
    """What to do with the rows of one shape: how to get the values that stay, but for links, and their keys."""

    get_values: Getter
    keys: list[str]
    date_keys: list[str]
    links_name: str | None


class RowReader:
    """Reads the rows of one server, as they came (``raw_rows`` of `Client.iter_pages`) or with keys in snake_case already."""

    def __init__(self, client: Client) -> None:
        self._locate = client.locate
        self._base_url = client.connection.base_url
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._link_getters: dict[tuple[str, ...], Getter] = {}
        self._useful = _UsefulLinks()

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plain form of a row: a new dictionary. Raise ``bad_response`` for objects nested without end."""
        try:
            return self._read(row)
        except RecursionError:
            raise EmError("bad_response", _TOO_DEEP) from None

    def _read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shape = tuple(row)
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = _create_plan(shape)
        values = plan.get_values(row)
        plain: dict[str, Any] = dict(zip(plan.keys, values))
        href = plain.get("href")
        plain["href"] = self._locate(href) if href.__class__ is str else None
        if not PLAIN_CLASSES.issuperset(map(type, values)):
            for key, value in plain.items():
                if value.__class__ not in PLAIN_CLASSES:
                    plain[key] = normalise_value(rename_keys(value), key, 0)
        for key in plan.date_keys:
            if plain[key].__class__ is str:
                plain[key] = normalise_date(plain[key])
        if plain.get("result") == "None":  # of a run that is active: wire facts, section 6.4
            plain["result"] = None
        plain["links"] = self._read_links(row[plan.links_name]) if plan.links_name is not None else []
        return plain

    def _read_links(self, links: Any) -> list[dict[str, Any]]:
        if links.__class__ is not list or not {dict}.issuperset(map(type, links)):
            links = list(iter_links({"links": rename_keys(links)}))
        found = []
        for link in links:
            shape = tuple(link)
            get_members = self._link_getters.get(shape)
            if get_members is None:
                get_members = self._link_getters[shape] = _create_link_getter(shape)
            members = get_members(link)
            rel = members[0]
            if rel.__class__ is str and self._useful[rel]:
                found.append(create_link(self._base_url, *members))
        return found


class _UsefulLinks(dict[str, bool]):
    """Whether links of a relation are kept, by the relation as it came."""

    def __missing__(self, rel: str) -> bool:
        self[rel] = rel.lower() in USEFUL_LINKS
        return self[rel]


def _create_plan(shape: tuple[str, ...]) -> Plan:
    """Return what to do with the rows of a shape, which is given by its keys."""
    renamed = {name: snake_case(name) for name in shape}
    names = [name for name, key in renamed.items() if key != "links"]
    keys = [renamed[name] for name in names]
    links_name = next((name for name in reversed(shape) if renamed[name] == "links"), None)
    return Plan(_create_getter(names), keys, [key for key in keys if key in DATE_KEYS], links_name)


def _create_link_getter(shape: tuple[str, ...]) -> Getter:
    """Return a function for the members of a link of this shape. Of two spellings of one key the last one counts."""
    known = {snake_case(name): name for name in shape}
    return _create_getter([known.get(member) for member in LINK_MEMBERS])


def _create_getter(names: Sequence[str | None]) -> Getter:
    """Return a function for the values of these keys, None for a key that is None."""
    if None in names or len(names) < 2:  # itemgetter returns a single value bare
        return lambda node: [None if name is None else node[name] for name in names]
    return itemgetter(*names)


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
    if value == "None" and key == "result":  # of a run that is active: wire facts, section 6.4
        return None
    return value
