# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sample of cases leaves out and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from .sampling import choose


class Case:
    """As much of a test as the sampling looks at."""

    def __init__(self, test: str, ids: tuple[str, ...], function: Callable[..., None]) -> None:
        self.parent = "module"
        self.function = function
        self.originalname = self.name = test
        self.ids = ids
        self.nodeid = f"{test}[{'-'.join(ids)}]"
        self.callspec = SimpleNamespace(_idlist=ids)


def ask_for_nothing() -> None: ...


def ask_for_both(version: int, response_format: str) -> None: ...


def look_at_both(harness: Any) -> None:
    assert harness.em.switches.version, harness.response_format


def sample(*tests: list[Any], function: Callable[..., None] = ask_for_nothing) -> list[tuple[str, ...]]:
    cases = [Case(f"test_{number}", ids, function) for number, test in enumerate(tests) for ids in test]
    return [case.ids for case in cases if case in choose(cases)]  # type: ignore[arg-type, comparison-overlap]


def test_each_value_of_each_list_occurs() -> None:
    lists = (("v12", "v13"), ("xml", "json"), ("a", "b", "c"), ("a", "d"))
    chosen = sample(list(product(*lists)))
    for place, values in enumerate(lists):
        assert {ids[place] for ids in chosen} == set(values)
    assert len(chosen) == 3, "no more than the longest list has"


def test_of_versions_and_formats_one_is_enough_unless_the_test_asks_for_them() -> None:
    both = list(product(("v12", "v13"), ("xml", "json")))
    assert len(sample(both)) == 1
    assert {tuple(ids) for ids in sample(*[both] * 20)} == set(both), "others for each test"
    for function in (ask_for_both, look_at_both):
        chosen = sample(both, function=function)
        assert [set(column) for column in zip(*chosen)] == [{"v12", "v13"}, {"xml", "json"}]


def test_values_that_are_given_together_stay_together() -> None:
    assert len(sample([("a-1",), ("a-2",), ("b-1",)])) == 3


def test_the_same_value_of_another_test_does_not_count() -> None:
    assert len(sample([("a",)], [("a",)])) == 2


@pytest.mark.parametrize("first", ["v12", "json"])
@pytest.mark.parametrize("second", [1, 2])
def test_pytest_gives_ids_as_is_thought(request: pytest.FixtureRequest, first: str, second: int) -> None:
    assert sorted(request.node.callspec._idlist) == sorted([first, str(second)])
