# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A covering sample of tests with several parameters: each value of each parameter occurs, but not each combination."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

import pytest


def _iter_values(case: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the values of a case: the id that each list of parameters gave it, with the position of the list."""
    yield from enumerate(case.callspec._idlist)  # an id for each list; pytest has no other name for it


def choose(cases: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return few cases of each test in which every value of every parameter occurs; the same ones each time."""
    tests: dict[Any, list[Any]] = defaultdict(list)
    for case in cases:
        tests[case.parent, getattr(case, "originalname", case.name)].append(case)
    chosen: set[pytest.Item] = set()
    for same in tests.values():
        # In an order independent of the parameters, or only their first values would be combined with others.
        given = sorted(same, key=lambda case: crc32(case.nodeid.encode()))
        values = {case: set(_iter_values(case)) if hasattr(case, "callspec") else {(case.nodeid,)} for case in given}
        missing: set[tuple[Any, ...]] = set().union(*values.values())
        while missing:  # of those that add most, the first: few cases are enough
            best = max(given, key=lambda case: len(values[case] & missing))
            missing -= values[best]
            chosen.add(best)
    return chosen
