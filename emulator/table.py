# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows by id, with a memory for answers that cannot have changed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from .document import Obj, Scalar
from .switches import Switches


class Row(Protocol):
    """Anything the query service can list."""

    fragments: dict[Hashable, str]

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        """Return the values to filter, sort and print by, under lower-case names."""

    def is_visible(self, now: float) -> bool:
        """Return whether the row can be seen yet."""

    def is_settled(self, now: float) -> bool:
        """Return whether the row will look the same for ever."""

    def entity(self, now: float, switches: Switches) -> Obj:
        """Return the whole resource."""

    def reference(self) -> Obj:
        """Return the short form."""


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """An ordered collection of rows."""

    _REMEMBERED = 8

    def __init__(self) -> None:
        self._rows: dict[str, R] = {}
        self._live: set[str] = set()
        self._generation = 0
        self._answers: OrderedDict[Hashable, list[R]] = OrderedDict()

    def add(self, key: str, row: R) -> R:
        """Append a row, or replace the one with this id."""
        self._rows[key] = row
        self._live.add(key)
        self._generation += 1
        return row

    def remove(self, key: str) -> None:
        """Remove the row with this id, which must be there."""
        del self._rows[key]
        self._live.discard(key)
        self._generation += 1

    @property
    def generation(self) -> int:
        """A number that grows with every change, for caches."""
        return self._generation

    def get(self, key: str) -> R | None:
        """Return the row with this id."""
        return self._rows.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def touch(self) -> None:
        """Forget remembered answers after a row has been changed in place."""
        self._generation += 1
        for key, row in self._rows.items():
            row.fragments.clear()
            self._live.add(key)

    def is_still(self, now: float) -> bool:
        """Return whether nothing in here changes by itself."""
        self._live = {key for key in list(self._live) if not self._rows[key].is_settled(now)}
        return not self._live

    def select(self, now: float, key: Hashable, choose: Callable[[list[R]], list[R]]) -> list[R]:
        """Return the chosen rows; a choice of the same key is remembered while nothing changes."""
        if not self.is_still(now):
            return choose([row for row in self if row.is_visible(now)])
        full_key = (self._generation, key)
        known = self._answers.get(full_key)
        if known is None:
            known = self._answers[full_key] = choose(list(self._rows.values()))
            if len(self._answers) > self._REMEMBERED:
                self._answers.popitem(last=False)
        return known
