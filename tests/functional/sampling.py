# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of the cases of tests with many parameters, which multiply: each value of each parameter, but not with each other."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

import pytest

IS_ALL = bool(os.environ.get("VBEM_EVERY_CASE"))


def _iter_values(case: Any) -> Iterator[tuple[Any, ...]]:
    """Yield what a case is made of: the id that each list of parameters gave it, with the list's place."""
    yield from enumerate(case.callspec._idlist)  # an id for each list; pytest has no other name for it


def choose(cases: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Choose so many cases of each test that every value of every parameter occurs, the same ones each time."""
    tests: dict[Any, list[Any]] = defaultdict(list)
    for case in cases:
        tests[case.parent, getattr(case, "originalname", case.name)].append(case)
    chosen = set()
    for same in tests.values():
        seen: set[tuple[Any, ...]] = set()
        # In an order that has nothing to do with the parameters', or only the first values would meet others.
        for case in sorted(same, key=lambda case: crc32(case.nodeid.encode())):
            values = set(_iter_values(case)) if hasattr(case, "callspec") else {(case.nodeid,)}
            if not values <= seen:
                seen |= values
                chosen.add(case)
    return chosen
