# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query service and the collections: filter, sort, page, print (wire-facts 4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any
from urllib.parse import quote

from .catalogue import TypeSpec
from .document import Link, Paging
from .errors import FilterError
from .exchange import Request
from .filters import Predicate, compile_filter, parse, sort_key
from .render import Renderer
from .switches import Switches
from .table import Row, Table
from .tasks import Task

DEFAULT_PAGE_SIZE = 100


class Listing:
    """One request for rows of one type."""

    def __init__(self, request: Request, spec: TypeSpec, switches: Switches) -> None:
        self.request = request
        self.spec = spec
        self.switches = switches
        self.is_task = spec.name == "Task"
        self.is_query = request.segments[-1:] == ["query"]

    def rows(self, table: Table[Any], keep: Callable[[Any], bool] | None = None, keep_key: str = "") -> list[Any]:
        """Return the rows that match, in order."""
        request = self.request
        sorting = (request.parameter("sortAsc"), request.parameter("sortDesc"))
        key = (self.switches.revision, self.request.sees_nothing, keep_key, request.parameter("filter"), sorting)
        return table.select(request.now, key, lambda rows: self.choose(rows, keep))

    @cached_property
    def _criteria(self) -> tuple[Predicate | None, Callable[[Row], Any] | None, bool]:
        """The filter, the order, and whether it is a descending one."""
        request = self.request
        order, descending = self._order(request.parameter("sortAsc"), request.parameter("sortDesc"))
        return self._predicate(request.parameter("filter")), order, descending

    def choose(self, rows: list[Any], keep: Callable[[Any], bool] | None = None) -> list[Any]:
        """Return those of these rows that match, in order."""
        predicate, order, descending = self._criteria
        if self.request.sees_nothing:
            return []
        if keep is not None:
            rows = [row for row in rows if keep(row)]
        if predicate is not None:
            rows = [row for row in rows if predicate(row.values(self.request.now, self.switches))]
        if order is not None:
            rows = sorted(rows, key=order, reverse=descending)
        return rows

    def _hidden(self) -> frozenset[str]:
        if self.spec.name == "VmRestorePoint" and not self.switches.filter_by_reference:
            return frozenset({"hierarchyobjref"})
        name = self.switches.task_id_field
        if not self.is_task or name == "both":
            return frozenset()
        return frozenset({"taskuid" if name == "TaskId" else "taskid"})

    def _predicate(self, text: str | None) -> Predicate | None:
        if not text:
            return None
        if self.is_task:
            how = self.switches.task_filter
            if how == "ignored":
                return None
            if how == "empty":
                return lambda row: False
            if how != "honoured":
                raise FilterError("Filtering is not supported for resource type Task.")
        elif self.switches.query_filter == "ignored":
            return None
        elif self.switches.query_filter == "empty":
            return lambda row: False
        elif self.switches.query_filter == "rejected":
            raise FilterError(f"Filtering is not supported for resource type {self.spec.name}.")
        return compile_filter(parse(text), self.spec, self._hidden())

    def _order(self, ascending: str | None, descending: str | None) -> tuple[Callable[[Row], Any] | None, bool]:
        name = ascending or descending
        if not name or (self.is_task and self.switches.task_sort == "ignored"):
            return None, False
        if self.is_task and self.switches.task_sort == "rejected":
            raise FilterError("Sorting is not supported for resource type Task.")
        field = name.strip().lower()
        spec = self.spec.fields.get(field)
        if spec is None or field in self._hidden():
            raise FilterError(f"Property '{name}' is not supported in sorting for {self.spec.name}.")
        if field in ("taskid", "taskuid") and self.switches.task_order == "natural":
            return lambda row: row.number if isinstance(row, Task) else 0, not ascending
        key, now, switches = sort_key(spec), self.request.now, self.switches

        def order(row: Row) -> tuple[bool, Any]:
            value = row.values(now, switches).get(field)
            return (False, 0) if value is None else (True, key(value))

        return order, not ascending

    def page(self, rows: list[Any]) -> tuple[list[Any], Paging]:
        """Return one page of the rows and what there is to say about it."""
        switches = self.switches
        size = self._number("pageSize", DEFAULT_PAGE_SIZE)
        number = self._number("page", 1)
        if switches.max_page_size:
            size = min(size, switches.max_page_size)
        count = -(-len(rows) // size) or switches.pages_count_when_empty
        if switches.paging == "repeat":
            number = 1
        if number > max(count, 1) and switches.page_beyond == "error":
            raise FilterError(f"Page {number} does not exist.")
        if number > max(count, 1) and switches.page_beyond == "last":
            number = max(count, 1)
        shown = rows[(number - 1) * size : number * size]
        return shown, Paging(number, size, count, self._page_links(number, size, count))

    def _number(self, name: str, default: int) -> int:
        text = self.request.parameter(name)
        if text is None:
            return default
        if not re.fullmatch(r"\s*\+?\d{1,9}\s*", text) or int(text) < 1:
            raise FilterError(f"Value '{text}' of parameter {name} must be a number greater than 0.")
        return int(text)

    def _page_links(self, number: int, size: int, count: int) -> tuple[Link, ...]:
        how = self.switches.paging
        links = [self._page_link("First", size, 1)]
        if number > 1:
            links.append(self._page_link("Previous", size, number - 1))
        if how == "loop":
            links.append(self._page_link("Next", size, number + 1 if number < min(count, 2) else 1))
        elif number < count and how != "no_next":
            links.append(self._page_link("Next", size, number + 1))
        links.append(self._page_link("Last", size, max(count, 1)))
        return tuple(links)

    def _page_link(self, rel: str, size: int, number: int) -> Link:
        pairs = [(name, value) for name, value in self.request.pairs if name.lower() not in ("pagesize", "page")]
        pairs += [("pageSize", str(size)), ("page", str(number))]
        path = "/" + "/".join(self.request.segments)
        return Link(rel, f"{path}?{'&'.join(f'{_encode(name)}={_encode(value)}' for name, value in pairs)}")

    def fragments(self, rows: list[Any], renderer: Renderer, entities: bool) -> list[str]:
        """Print the rows; those that cannot change are printed once."""
        now, switches = self.request.now, self.switches
        is_short = self.is_query and self.spec.name == "ObjectInJob" and switches.queried_objects == "short"
        key = (id(renderer), entities, is_short)
        texts = []
        for row in rows:
            text = row.fragments.get(key)
            if text is None:
                obj = row.entity(now, switches) if entities else row.reference()
                if is_short:
                    obj.members = [(name, None if name == "GuestProcessingOptions" else value) for name, value in obj.members]
                text = renderer.fragment(obj)
                if row.is_settled(now):
                    if len(row.fragments) > 4:
                        row.fragments.clear()
                    row.fragments[key] = text
            texts.append(text)
        return texts


def _encode(text: str) -> str:
    """Encode a parameter as .NET does when it echoes one: lower-case hex digits, + for a space."""
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quote(text, safe="-_.!*() ")).replace(" ", "+")
