# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: PT017, PERF203 - that something may fail, and then how, is what a property says

"""The filter language: printing and parsing are inverse, mistakes have a position, and two evaluators agree."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote

from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import format_date
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import (
    OPERATORS,
    And,
    Comparison,
    Field,
    Node,
    Or,
    matches,
    may_match,
    parse_filter,
    print_filter,
    to_server_filter,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import FIELDS as TASK_FIELDS
from emulator.catalogue import FieldSpec, TypeSpec
from emulator.errors import FilterError
from emulator.filters import compile_filter
from emulator.filters import parse as parse_theirs

from .strategies import characters, control_characters, surrogates, texts

STATES = ("Running", "OperationFinished", "Finished")
FIELDS = (
    Field("Name", "name"),
    Field("State", "state", "enum", STATES),
    Field("Enabled", "enabled", "bool"),
    Field("Size", "size", "number"),
    Field("Created", "created", "date"),
    Field("UID", "uid", "uid"),
    Field("TaskId", "task_id", "natural"),
)
_THEIR_TYPES: dict[str, Any] = {"text": "string", "number": "float", "natural": "string"}
SPEC = TypeSpec("Thing", "Thing", "Things", "things", "Entities", "ThingReference", {}, ())
SPEC.fields.update(
    {
        field.name.lower(): FieldSpec(field.name, _THEIR_TYPES.get(field.type, field.type), field.values)
        for field in FIELDS
        if field.type != "natural"  # each side may order texts in its own way
    }
)

odd_texts = texts(control_characters, surrogates)
few_texts = st.sampled_from(["", "a", "A", "ab", "Task", 'q"', "x y", "İ", "ß", "10", "9"])
dates = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda date: date.replace(tzinfo=timezone.utc))
few_dates = st.integers(0, 3).map(lambda number: datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=number))
guids = st.sampled_from(["c8e83c91-ecb3-5b6b-a127-97fae1072e44", "C8E83C91-ECB3-5B6B-A127-97FAE1072E44", "other"])
uids = st.tuples(st.sampled_from(["", "urn:veeam:Job:", "URN:x:"]), guids).map("".join)
numbers = st.one_of(
    st.integers(-3, 3).map(str),
    st.integers(-(10**15), 10**15).map(str),
    st.decimals(-100, 100, places=2, allow_nan=False).map(str),
)


def values_of(field: Field) -> st.SearchStrategy[str]:
    """Return values of a field, in the form of a parsed filter."""
    types: dict[str, st.SearchStrategy[str]] = {
        "enum": st.tuples(st.sampled_from(STATES), st.sampled_from([str, str.lower, str.upper])).map(lambda x: x[1](x[0])),
        "bool": st.sampled_from(["true", "false", "True", "FALSE"]),
        "number": numbers,
        "date": st.one_of(dates, few_dates).map(format_date),
        "uid": st.one_of(uids, few_texts),
        "natural": st.one_of(st.sampled_from(["task-2", "task-10", "Task-2", "task-02"]), few_texts),
    }
    return types.get(field.type, st.one_of(few_texts, odd_texts))


def comparisons(fields: tuple[Field, ...]) -> st.SearchStrategy[Comparison]:
    def build(field: Field) -> st.SearchStrategy[Comparison]:
        return st.builds(Comparison, st.just(field), st.sampled_from(sorted(OPERATORS)), values_of(field))

    return st.sampled_from(fields).flatmap(build)


def trees(fields: tuple[Field, ...] = FIELDS) -> st.SearchStrategy[Node]:
    """Return filters as parsing returns them: only two or more parts are joined."""

    def join(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        parts = st.lists(children, min_size=2, max_size=4).map(tuple)
        return st.one_of(st.builds(And, parts), st.builds(Or, parts))

    return st.recursive(comparisons(fields), join, max_leaves=12)


_ROW: dict[str, st.SearchStrategy[Any]] = {
    "name": few_texts,
    "state": st.sampled_from((*STATES, "running", "Paused")),
    "enabled": st.booleans(),
    "size": st.one_of(st.integers(-3, 3), st.floats(-100, 100).map(lambda number: round(number, 2))),
    "created": st.one_of(dates, few_dates),
    "uid": uids,
}
rows = st.fixed_dictionaries({key: st.one_of(st.none(), values) for key, values in _ROW.items()})


def as_ours(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in the form of our results, where a date is text."""
    return {**row, "created": format_date(row["created"]) if row["created"] else None}


@given(trees())
def test_print_and_parse(tree: Node) -> None:
    assert parse_filter(print_filter(tree), FIELDS) == tree


@given(trees(), st.data())
def test_the_layout_does_not_matter(tree: Node, data: st.DataObject) -> None:
    """Spaces, the case of names, and unnecessary parentheses change nothing."""
    pad = st.sampled_from(["", "", " ", "\n  "])

    def write(node: Node) -> str:
        if isinstance(node, Comparison):
            name = data.draw(st.sampled_from([node.field.name, node.field.name.lower(), node.field.name.upper()]))
            text = data.draw(pad).join((name, node.operator, '"' + node.value.replace('"', '""') + '"'))
        else:
            mark = ";" if isinstance(node, And) else ","
            text = mark.join(f"({write(part)})" for part in node.parts)
        return f"{data.draw(pad)}{text}{data.draw(pad)}" if data.draw(st.booleans()) else f"({text})"

    text = write(tree)
    parsed = parse_filter(text, FIELDS)
    assert parsed == tree
    assert parse_filter(print_filter(parsed), FIELDS) == parsed


pieces = st.one_of(
    st.sampled_from(["Name", "State", "Size", "Created", "UID", "Enabled", "nosuch", "State==Finished", 'Name=="x"', "Size>1"]),
    st.sampled_from(
        ["==", "!=", "<", ">=", ";", ",", "(", ")", '"', '""', " ", "\n", "and", "=", "!", "Finished", "true", "5"]
    ),
    characters,
    control_characters,
    surrogates,
)
any_texts = st.lists(pieces, max_size=14).map("".join)


@given(st.one_of(any_texts, st.lists(st.sampled_from(["(", ")", "State==Finished", ";", ","]), max_size=120).map("".join)))
def test_a_text_is_parsed_or_has_a_mistake_with_a_position(text: str) -> None:
    for fields in (FIELDS, None):
        try:
            tree = parse_filter(text, fields)
        except EmError as err:
            assert err.kind == "invalid_filter"
            place = re.fullmatch(r"position (\d+)", err.detail or "")
            assert place is not None
            assert 1 <= int(place[1]) <= len(text) + 1
            assert f"at position {place[1]}," in err.msg
        else:
            event("read")
            assert parse_filter(print_filter(tree), fields) == tree


@given(st.integers(1, 3000), st.sampled_from(["", ")", "State==Finished", "State==Finished)", '"']))
def test_many_parentheses(count: int, end: str) -> None:
    try:
        parse_filter("(" * count + end + ")" * (count - 1), TASK_FIELDS)
    except EmError as err:
        assert err.kind == "invalid_filter"


def select_theirs(text: str, listed: list[dict[str, Any]]) -> list[bool] | None:
    try:
        keep = compile_filter(parse_theirs(text), SPEC)
    except FilterError:
        return None
    return [keep(row) for row in listed]


def is_comparable(node: Node, listed: list[dict[str, Any]]) -> bool:
    """Return whether both evaluators must agree: each side may order an unknown state in its own way."""
    if isinstance(node, Comparison):
        return node.field.type != "enum" or all(row["state"] != "Paused" for row in listed)
    return all(is_comparable(part, listed) for part in node.parts)


@given(trees(FIELDS[:-1]), st.lists(rows, min_size=1, max_size=6))
def test_evaluators_agree_on_filters(tree: Node, listed: list[dict[str, Any]]) -> None:
    assume(is_comparable(tree, listed))
    text = print_filter(tree)
    theirs = select_theirs(text, listed)
    assert theirs is not None, "the emulator cannot parse a printed filter"
    assert [matches(tree, as_ours(row)) for row in listed] == theirs
    assert [matches(parse_filter(text, FIELDS), as_ours(row)) for row in listed] == theirs


@given(any_texts, st.lists(rows, min_size=1, max_size=4))
def test_evaluators_agree_on_any_text(text: str, listed: list[dict[str, Any]]) -> None:
    """A text that both can parse means the same to both."""
    try:
        tree = parse_filter(text, FIELDS[:-1])
    except EmError:
        return
    theirs = select_theirs(text, listed)
    if theirs is not None and is_comparable(tree, listed):
        event("both read it")
        assert [matches(tree, as_ours(row)) for row in listed] == theirs


@given(
    st.one_of(comparisons(FIELDS[:-1]), trees(FIELDS[:-1])), st.fixed_dictionaries(_ROW), st.sets(st.sampled_from(sorted(_ROW)))
)
@example(Comparison(FIELDS[0], ">", "a"), {**dict.fromkeys(_ROW, "x"), "name": "b", "created": None}, set())
def test_what_matches_may_match(tree: Node, row: dict[str, Any], hidden: set[str]) -> None:
    """A selected row is never dropped for a field that it does not show."""
    shown = as_ours(row)
    if matches(tree, shown):
        assert may_match(tree, {key: value for key, value in shown.items() if key not in hidden})


@given(trees(FIELDS[:-1]), st.lists(rows, min_size=1, max_size=6))
def test_the_encoded_filter_selects_at_least_as_much(tree: Node, listed: list[dict[str, Any]]) -> None:
    assume(is_comparable(tree, listed))
    encoded = to_server_filter(tree)
    if encoded is None:
        return
    event("sent")
    theirs = select_theirs(unquote(encoded), listed)
    assert theirs is not None
    for row, is_sent in zip(listed, theirs):
        assert is_sent or not matches(tree, as_ours(row))
