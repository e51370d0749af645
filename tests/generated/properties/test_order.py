# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders: of ids, of tasks, of resources."""

from __future__ import annotations

import functools
import itertools
import operator
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import Field, natural_key
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import _sort
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import SORT_KEYS, STATES, sort_tasks

from .strategies import wild_texts

ids = st.one_of(
    st.tuples(st.sampled_from(["task-", "Task-", "", "job 7-"]), st.integers(0, 10**25).map(str)).map("".join),
    st.tuples(
        st.sampled_from(["task-", "a"]), st.sampled_from(["0", "00", "2", "02", "10", "010", "9" * 18, "1" + "0" * 18])
    ).map("".join),
    st.lists(st.sampled_from(["a", "B", "-", "1", "23", "0", "٣", "²", " "]), max_size=8).map("".join),
    wild_texts,
)


def compare(left: str, right: str) -> int:
    """Compare in another way than `natural_key`: character by character, runs of digits as numbers."""

    def split(text: str) -> list[tuple[bool, str]]:
        groups = itertools.groupby(text.lower(), key=lambda character: character in "0123456789")
        return [(is_number, "".join(run)) for is_number, run in groups]

    for (left_is_number, left_run), (right_is_number, right_run) in zip(split(left), split(right)):
        if left_is_number != right_is_number:
            return -1 if left_is_number else 1
        if left_is_number and int(left_run) != int(right_run):
            return -1 if int(left_run) < int(right_run) else 1
        if not left_is_number and left_run != right_run:
            return -1 if left_run < right_run else 1
    return (len(split(left)) > len(split(right))) - (len(split(left)) < len(split(right)))


@given(ids, ids)
def test_natural_order(left: str, right: str) -> None:
    left_key, right_key = natural_key(left), natural_key(right)
    assert (left_key > right_key) - (left_key < right_key) == compare(left, right)
    assert (left_key == right_key) == (compare(left, right) == 0)


long_numbers = st.integers(1, 30).flatmap(lambda digits: st.integers(10 ** (digits - 1), 10**digits))


@given(long_numbers, long_numbers, st.text("abT-", max_size=4))
@example(10**19 - 1, 10**19, "")
def test_numbers_count_as_numbers(left: int, right: int, prefix: str) -> None:
    assert (natural_key(f"{prefix}{left}") < natural_key(f"{prefix}{right}")) == (left < right)


@given(st.lists(ids, min_size=3, max_size=3))
def test_natural_order_is_total(three: list[str]) -> None:
    one, two, three_ = map(natural_key, three)
    assert (one < two) + (one == two) + (one > two) == 1
    if one <= two <= three_:
        assert one <= three_


def test_long_numbers() -> None:
    texts = ["1" * 100_000, "٣" * 100_000, "a" * 100_000 + "7"]
    assert sorted(texts, key=natural_key) == texts[:1] + sorted(texts[1:])


tasks = st.builds(
    lambda task_id, state, name: {"task_id": task_id, "state": state, "operation": name},
    ids,
    st.sampled_from([*STATES, "Paused", None]),
    st.one_of(st.none(), st.sampled_from(["StartJob", "startjob", "Op 2", "Op 10"]), wild_texts.filter(bool)),
)


def rank(task: dict[str, Any], key: str) -> Any:
    if key == "state":
        return STATES.index(task[key]) if task[key] in STATES else len(STATES)
    return functools.cmp_to_key(compare)(task[key])


@given(st.lists(tasks, max_size=8), st.sampled_from(SORT_KEYS), st.booleans())
def test_sort_of_tasks(listed: list[dict[str, Any]], key: str, descending: bool) -> None:
    done = sort_tasks(listed, key=key, descending=descending)
    assert sorted(map(id, done)) == sorted(map(id, listed))
    assert sort_tasks(done, key=key, descending=descending) == done
    known = [task for task in done if task[key] is not None]
    assert done[: len(known)] == known, "unknown values come last"
    ranks = [rank(task, key) for task in known]
    in_order = operator.ge if descending else operator.le
    assert all(in_order(left, right) for left, right in itertools.pairwise(ranks))
    for left, right in itertools.pairwise(done):  # equal ones by id, and those of the same id in their original order
        if left[key] is None or right[key] is None or rank(left, key) != rank(right, key):
            continue
        order = compare(left["task_id"], right["task_id"])
        assert order <= 0
        if order == 0:
            assert next(task for task in listed if task is left or task is right) is left


@given(st.lists(tasks, max_size=8), st.sampled_from(SORT_KEYS))
def test_descending_is_the_reverse(listed: list[dict[str, Any]], key: str) -> None:
    listed = [task for task in listed if task[key] is not None]
    ranks = [rank(task, key) for task in listed]
    assume(all(left != right for left, right in itertools.combinations(ranks, 2)))
    assert sort_tasks(listed, key=key, descending=True) == sort_tasks(listed, key=key, descending=False)[::-1]


_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": ids,
    "number": st.integers(-(10**6), 10**6),
    "bool": st.booleans(),
    "date": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2025-12-31T23:59:59Z"]),
    "enum": st.sampled_from([*STATES, "Paused"]),
}
_CASES = st.sampled_from(sorted(_KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.one_of(st.none(), _KINDS[kind]), max_size=8))
)


@given(_CASES, st.booleans())
def test_sort_of_resources(case: tuple[str, list[Any]], descending: bool) -> None:
    kind, values = case
    field = Field("Thing", "thing", kind, STATES if kind == "enum" else ())
    listed = [{"thing": value, "number": number} for number, value in enumerate(values)]
    done = _sort(listed, field, descending=descending)
    assert sorted(row["number"] for row in done) == list(range(len(listed)))
    assert _sort(done, field, descending=descending) == done
    shown = [row["thing"] for row in done if row["thing"] is not None and row["thing"] != "Paused"]
    assert [row["thing"] for row in done][: len(shown)] == shown, "unknown values come last"
    keys: dict[str, Any] = {"text": functools.cmp_to_key(compare), "enum": STATES.index}
    ranks = [keys.get(kind, lambda value: value)(value) for value in shown]
    if kind != "date":
        in_order = operator.ge if descending else operator.le
        assert all(in_order(left, right) for left, right in itertools.pairwise(ranks))
    for left, right in itertools.pairwise(done):
        if left["thing"] == right["thing"]:
            assert left["number"] < right["number"]
