# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plain form of resources of any type: keys in snake_case, dates in UTC, lists bare, and links to other resources only.

A server writes the rows of a list in one or two shapes. How to convert each key is worked out once per shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import rename_keys, snake_case
from ..protocol.dates import normalise_date
from ..protocol.links import create_link, iter_links
from ..protocol.query_types import DATES

DATE_KEYS = frozenset(snake_case(name) for name in DATES)
TEXT_CLASSES = frozenset((str, type(None)))
_DICT_CLASS = frozenset((dict,))
PLAIN_CLASSES = TEXT_CLASSES | {int, float, bool}
# Links that lead to other resources; the rest are actions, and other addresses of the same.
USEFUL_LINKS = frozenset(("up", "down", "related", "download"))
LINK_MEMBERS = ("rel", "type", "name", "href")
MAX_KNOWN_LINKS = 1000
MAX_DEPTH = 60  # nested objects; the deepest of the reference has eight
_TOO_DEEP = f"The server's resource has more than {MAX_DEPTH} objects within objects."

Members = tuple[Any, ...]
Getter = Callable[[Mapping[str, Any]], Members]


class Plan(NamedTuple):
    """What to do with the rows of one shape: how to get the values that stay, but for links, and their keys."""

    get_values: Getter
    keys: list[str]
    links_name: str | None


class RowReader:
    """Reads the rows of one server, as they came (``raw_rows`` of `Client.iter_pages`) or with keys in snake_case already."""

    def __init__(self, client: Client) -> None:
        self._locate = client.locate
        self._base_url = client.connection.base_url
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._link_getters: dict[tuple[str, ...], Getter] = {}
        self._get_usual: Getter = itemgetter(*LINK_MEMBERS)
        self._known_links: dict[Members, dict[str, Any]] = {}
        self._useful = _UsefulLinks()

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plain form of a row: a new dictionary. Raise ``bad_response`` for objects nested without end."""
        return self.read_page([row])[0]

    def read_page(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the plain form of rows, as `read` does of one."""
        try:
            return [plain for shape, alike in groupby(rows, tuple) for plain in self._read_alike(shape, alike)]
        except RecursionError:
            raise EmError("bad_response", _TOO_DEEP) from None

    def _read_alike(self, shape: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return the plain form of rows of one shape, converted column by column."""
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = _create_plan(shape)
        rows = list(rows)
        columns: dict[str, Sequence[Any]] = dict(zip(plan.keys, zip(*map(plan.get_values, rows))))
        for key, column in columns.items():
            columns[key] = self._read_column(key, column)
        columns.setdefault("href", [None] * len(rows))
        name = plan.links_name
        columns["links"] = [[] if name is None else self._read_links(row[name]) for row in rows]
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def _read_column(self, key: str, column: Sequence[Any]) -> Sequence[Any]:
        """Return the plain form of the values that rows have for one key."""
        if key == "href":
            return [self._locate(value) if value.__class__ is str else None for value in column]
        if not PLAIN_CLASSES.issuperset(map(type, column)):
            column = [
                value if value.__class__ in PLAIN_CLASSES else normalise_value(rename_keys(value), key, 0) for value in column
            ]
        if key in DATE_KEYS:
            return [normalise_date(value) if value.__class__ is str else value for value in column]
        if key == "result":  # of a run that is active: wire facts, section 6.4
            return [None if value == "None" else value for value in column]
        return column

    def _read_links(self, links: Any) -> list[dict[str, Any]]:
        if links.__class__ is not list or not _DICT_CLASS.issuperset(map(type, links)):
            links = list(iter_links({"links": rename_keys(links)}))
        try:
            found = [self._get_usual(link) if len(link) == len(LINK_MEMBERS) else self._get_members(link) for link in links]
        except KeyError:
            found = [self._get_members(link) for link in links]
        plain = []
        for members in found:
            rel, _type, name, _href = members
            if rel.__class__ is str and self._useful[rel]:
                if name is None:  # a list within the row: no other row has this link
                    plain.append(create_link(self._base_url, *members))
                else:
                    plain.append(self._copy_link(members))
        return plain

    def _get_members(self, link: Mapping[str, Any]) -> Members:
        """Return the members of a link of any shape; of those to come, the usual ones have the latest shape without others."""
        shape = tuple(link)
        get_members = self._link_getters.get(shape)
        if get_members is None:
            get_members = self._link_getters[shape] = _create_link_getter(shape)
        if len(shape) == len(LINK_MEMBERS) and isinstance(get_members, itemgetter):
            self._get_usual = get_members
        return get_members(link)

    def _copy_link(self, members: Members) -> dict[str, Any]:
        """Return a link as a dictionary of its own: rows share most of their links, to the backup server and the job."""
        try:
            known = self._known_links.get(members)
        except TypeError:  # a member is an object
            return create_link(self._base_url, *members)
        if known is None:
            known = create_link(self._base_url, *members)
            if TEXT_CLASSES.issuperset(map(type, members)):
                if len(self._known_links) >= MAX_KNOWN_LINKS:
                    self._known_links.clear()
                self._known_links[members] = known
        return known.copy()


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
    return Plan(_create_getter(names), keys, links_name)


def _create_link_getter(shape: tuple[str, ...]) -> Getter:
    """Return a function for the members of a link of this shape. Of two spellings of one key the last one counts."""
    known = {snake_case(name): name for name in shape}
    return _create_getter([known.get(member) for member in LINK_MEMBERS])


def _create_getter(names: Sequence[str | None]) -> Getter:
    """Return a function for the values of these keys, None for a key that is None."""
    if None in names or len(names) < 2:  # itemgetter returns a single value bare
        return lambda node: tuple(None if name is None else node[name] for name in names)
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
