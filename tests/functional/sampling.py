# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A covering sample of tests with several parameters: their values occur, but not each combination."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import pytest

# A test that does not ask for the version or the format of its case says the same of each of them.
REPEATED = {"version": {"v12", "v13"}, "response_format": {"xml", "json"}}


def _get_values(case: Any) -> set[tuple[Any, ...]]:
    """Return the values of a case: the id that each list of parameters gave it, with the position of the list."""
    if not hasattr(case, "callspec"):
        return set()
    return set(enumerate(case.callspec._idlist))  # an id for each list; pytest has no other name for it


def _get_repeated(case: Any) -> set[str]:
    """Return the ids of versions and formats of which a test only runs with one or the other."""
    code = case.function.__code__
    asked = {*code.co_varnames, *code.co_names}  # a parameter, or an attribute of the harness
    return set().union(*(ids for name, ids in REPEATED.items() if name not in asked))


def choose(cases: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Return few cases of each test, the same ones each time.

    Every value of every parameter occurs in them. Only of versions and formats there may be one, if the test neither asks for
    them nor has another parameter: another one for each test.
    """
    tests: dict[Any, list[Any]] = defaultdict(list)
    for case in cases:
        tests[case.parent, getattr(case, "originalname", case.name)].append(case)
    chosen: set[pytest.Item] = set()
    for same in tests.values():
        # In an order independent of the parameters, or only their first values would be combined with others.
        given = sorted(same, key=lambda case: crc32(case.nodeid.encode()))
        values = {case: _get_values(case) for case in given}
        missing: set[tuple[Any, ...]] = set().union(*values.values())
        repeated = _get_repeated(given[0])
        needed = {value for value in missing if value[1] not in repeated}
        best = None
        while needed or best is None:  # of those that add most, the first: few cases are enough
            best = max(given, key=lambda case: (len(values[case] & needed), len(values[case] & missing)))
            missing -= values[best]
            needed -= values[best]
            chosen.add(best)
    return chosen
