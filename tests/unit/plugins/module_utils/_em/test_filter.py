# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The query language."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em._errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em._filter import (
    And,
    Comparison,
    Or,
    create_wire_filter,
    is_sendable,
    matches,
    natural_key,
    parse_filter,
    print_filter,
    quote_value,
)
from ansible_collections.vbem.rest.plugins.module_utils._em._tasks import FIELDS

ID, STATE, OPERATION = FIELDS

NASTY = [
    "a;b",
    "a,b",
    'say "hi"',
    "(x)",
    "a==b",
    "x!=y",
    "<>",
    "1;State==Finished",
    '";State==Finished;Operation=="',
    "ä ö",
    "%3B",
]


def create_task(**values: object) -> dict[str, object]:
    return {"task_id": "task-5", "state": "Finished", "operation": "StartJob", **values}


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("State==Finished", Comparison(STATE, "==", "Finished")),
        ("state == finished", Comparison(STATE, "==", "finished")),
        ('TaskId=="task-5"', Comparison(ID, "==", "task-5")),
        ("TaskId>=task-5", Comparison(ID, ">=", "task-5")),
        ('Operation=="say ""hi"""', Comparison(OPERATION, "==", 'say "hi"')),
        ('Operation==""', Comparison(OPERATION, "==", "")),
        (
            "State==Finished;Operation!=StartJob",
            And((Comparison(STATE, "==", "Finished"), Comparison(OPERATION, "!=", "StartJob"))),
        ),
        (
            "TaskId==a,TaskId==b;State==Running",
            Or((Comparison(ID, "==", "a"), And((Comparison(ID, "==", "b"), Comparison(STATE, "==", "Running"))))),
        ),
        (
            "(TaskId==a,TaskId==b);State==Running",
            And((Or((Comparison(ID, "==", "a"), Comparison(ID, "==", "b"))), Comparison(STATE, "==", "Running"))),
        ),
    ],
)
def test_parse(text: str, tree: object) -> None:
    assert parse_filter(text, FIELDS) == tree


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("State=Finished", 6, "write == for equal"),
        ("Stat==Finished", 1, "did you mean State?"),
        ("State==Done", 8, "Running, OperationFinished, Finished"),
        ("State==", 8, "a value is missing"),
        ("State", 6, "an operator is missing"),
        ("==Finished", 1, "a field is missing"),
        ("", 1, "a field is missing"),
        ("State==Finished;", 17, "a field is missing"),
        ("State==Finished&Operation==StartJob", 8, "Finished&Operation"),
        ("State==Finished and Operation==StartJob", 17, "AND is ;"),
        ("Operation==Start Job", 18, "double quotes"),
        ('Operation=="Start', 12, "not closed"),
        ("(State==Finished", 17, "closing parenthesis"),
        ("State==Finished)", 16, "should end"),
        ("State!Finished", 6, "write !="),
        ("(" * 41 + "State==Finished" + ")" * 41, 41, "parentheses"),
        ("(" * 100000, 41, "parentheses"),
    ],
)
def test_mistake_is_told_with_its_position(text: str, position: int, hint: str) -> None:
    with pytest.raises(EmError) as caught:
        parse_filter(text, FIELDS)
    assert caught.value.kind == "invalid_filter"
    assert f"position {position}," in caught.value.msg
    assert hint in caught.value.msg
    assert caught.value.detail == f"position {position}"


@pytest.mark.parametrize("value", [*NASTY, "plain", "task-5", "", " padded "])
def test_value_survives_print_and_parse(value: str) -> None:
    tree = And((Comparison(OPERATION, "==", value), Or((Comparison(ID, "!=", value), Comparison(STATE, "==", "Running")))))
    assert parse_filter(print_filter(tree), FIELDS) == tree


@pytest.mark.parametrize("value", NASTY)
def test_value_is_quoted_and_encoded_on_the_wire(value: str) -> None:
    wire = create_wire_filter(Comparison(OPERATION, "==", value), is_certain=is_sendable)
    assert wire is not None
    assert not set(wire) & set(';,()=<>!" &#')
    assert unquote(wire) == f'Operation=="{value.replace(chr(34), chr(34) * 2)}"'


@pytest.mark.parametrize("value", NASTY)
def test_value_selects_nothing_but_itself(value: str) -> None:
    tree = parse_filter(f"Operation=={quote_value(value)}", FIELDS)
    assert matches(tree, create_task(operation=value))
    assert not matches(tree, create_task())


def test_only_certain_comparisons_are_sent() -> None:
    def send(text: str) -> str | None:
        wire = create_wire_filter(parse_filter(text, FIELDS), is_certain=is_sendable)
        return unquote(wire) if wire else None

    assert send("State==Finished;TaskId>task-5") == "State==Finished"
    assert send("State==Finished,TaskId>task-5") is None
    assert send("State<Finished") is None
    assert send("(State==Finished,TaskId>task-5);Operation!=StartJob") == "Operation!=StartJob"
    assert send("(State==Finished;TaskId>task-5),Operation==StartJob") == "State==Finished,Operation==StartJob"
    assert send('Operation=="a\x00b"') is None
    assert create_wire_filter(Comparison(OPERATION, "==", "\udcff"), is_certain=is_sendable) is None


def test_long_filter_is_not_sent() -> None:
    tree = Or(tuple(Comparison(ID, "==", f"task-{n}") for n in range(1000)))
    assert create_wire_filter(tree, is_certain=is_sendable) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("State==finished", True),
        ("Operation==startjob", True),
        ("Operation!=StartJob", False),
        ("State>=OperationFinished", True),
        ("State<OperationFinished", False),
        ("TaskId<task-10", True),
        ("TaskId>task-10", False),
        ("TaskId<=task-5;TaskId>=task-5", True),
        ("State==Running,TaskId==task-5", True),
        ("State==Running;TaskId==task-5", False),
    ],
)
def test_evaluate(text: str, expected: bool) -> None:
    assert matches(parse_filter(text, FIELDS), create_task()) is expected


def test_unknown_equals_nothing() -> None:
    assert not matches(parse_filter("State==Finished", FIELDS), create_task(state=None))
    assert matches(parse_filter("State!=Finished", FIELDS), create_task(state=None))
    assert not matches(parse_filter("State<Finished", FIELDS), create_task(state="Paused"))
    assert not matches(parse_filter("State>=Running", FIELDS), create_task(state="Paused"))


def test_empty_and_and_empty_or() -> None:
    assert matches(And(()), create_task())
    assert not matches(Or(()), create_task())


def test_natural_order() -> None:
    ids = ["task-10", "task-9", "Task-1", "task-b", "10", "9", ""]
    assert sorted(ids, key=natural_key) == ["", "9", "10", "Task-1", "task-9", "task-10", "task-b"]
