# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enterprise Manager's filter language: parsing, quoting, encoding and evaluating."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import (
    MAX_LENGTH,
    And,
    Comparison,
    Field,
    Or,
    encode_filter,
    find_key,
    is_portable,
    matches,
    may_match,
    natural_key,
    parse_filter,
    parse_number,
    print_filter,
    quote_value,
    to_server_filter,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import FIELDS

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
def test_a_mistake_has_a_position_and_a_hint(text: str, position: int, hint: str) -> None:
    with pytest.raises(EmError) as caught:
        parse_filter(text, FIELDS)
    assert caught.value.kind == "invalid_filter"
    assert f"position {position}," in caught.value.msg
    assert hint in caught.value.msg
    assert caught.value.detail == f"position {position}"


@pytest.mark.parametrize("value", [*NASTY, "plain", "task-5", "", " padded "])
def test_a_value_is_the_same_after_printing_and_parsing(value: str) -> None:
    tree = And((Comparison(OPERATION, "==", value), Or((Comparison(ID, "!=", value), Comparison(STATE, "==", "Running")))))
    assert parse_filter(print_filter(tree), FIELDS) == tree


@pytest.mark.parametrize("value", NASTY)
def test_a_value_is_quoted_and_encoded(value: str) -> None:
    encoded = to_server_filter(Comparison(OPERATION, "==", value))
    assert encoded is not None
    assert not set(encoded) & set(';,()=<>!" &#')
    assert unquote(encoded) == f'Operation=="{value.replace(chr(34), chr(34) * 2)}"'


@pytest.mark.parametrize("value", NASTY)
def test_a_value_selects_only_itself(value: str) -> None:
    tree = parse_filter(f"Operation=={quote_value(value)}", FIELDS)
    assert matches(tree, create_task(operation=value))
    assert not matches(tree, create_task())


def test_only_portable_comparisons_are_sent() -> None:
    def send(text: str) -> str | None:
        encoded = to_server_filter(parse_filter(text, FIELDS))
        return unquote(encoded) if encoded else None

    assert send("State==Finished;TaskId>task-5") == "State==Finished"
    assert send("State==Finished,TaskId>task-5") is None
    assert send("State<Finished") is None
    assert send("(State==Finished,TaskId>task-5);Operation!=StartJob") == "Operation!=StartJob"
    assert send("(State==Finished;TaskId>task-5),Operation==StartJob") == "State==Finished,Operation==StartJob"
    assert send('Operation=="a\x00b"') is None
    assert to_server_filter(Comparison(OPERATION, "==", "\udcff")) is None


def test_a_long_filter_is_not_sent() -> None:
    tree = Or(tuple(Comparison(ID, "==", f"task-{n}") for n in range(1000)))
    assert to_server_filter(tree) is None


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


# ---------------------------------------------------------------------------------------------------------------------
# Types of fields

NAME = Field("Name", "name")
RANKED = Field("Level", "level", "enum", ("Low", "Middle", "High"))
CHOICE = Field("Color", "color", "choice", ("Red", "Green"))
SWITCH = Field("Enabled", "enabled", "bool")
NUMBER = Field("Count", "count", "number")
DATE = Field("CreationTime", "creation_time", "date")
UID = Field("JobUid", "job_uid", "uid")
TYPE = Field("Type", "type")
NUMBERED = Field("TaskId", "task_id", "natural")
ALL_TYPES = (NAME, RANKED, CHOICE, SWITCH, NUMBER, DATE, UID, TYPE, NUMBERED)
NAMES = "Name, Level, Color, Enabled, Count, CreationTime, JobUid, Type, TaskId"


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("Nome==x", 1, f"there is no field 'Nome'; did you mean Name? The fields are {NAMES}."),
        ("Quux==x", 1, f"there is no field 'Quux'. The fields are {NAMES}."),
        ("Name==x;", 9, f"a field is missing; the fields are {NAMES}."),
        ("Name", 5, "an operator is missing after Name; the operators are == != >= <= > <."),
        ("Name>=", 7, "a value is missing after Name>=."),
        ("Level==Top", 8, "Level is never 'Top'; its values are Low, Middle, High."),
        ("Color==Blue", 8, "Color is never 'Blue'; its values are Red, Green."),
        ("Enabled==yes", 10, "Enabled is never 'yes'; its values are true and false."),
        ("CreationTime>today", 14, "CreationTime is never 'today'; its values are dates such as 2026-11-23T18:00:00Z."),
        ("Name==a b", 9, "there is 'b' after the value; put a value with spaces into double quotes."),
        ('Name==a "b"', 9, "there is '\"b\"' after the value; put a value with spaces into double quotes."),
        ("Name==a OR Name==b", 9, "there is 'OR' after the value; OR is ,."),
        ("(Name==a", 9, "a closing parenthesis is missing."),
        ("(Name==a(", 9, "a closing parenthesis is missing."),
        ("Name==a)", 8, "there is ')' where the filter should end or continue with ; (AND) or , (OR)."),
        ("Name== =a", 8, "there is '='; write == for equal."),
        ("Name==!!", 7, "there is '!'; write != for not equal."),
        (";Name==a)", 1, f"a field is missing; the fields are {NAMES}."),
    ],
)
def test_the_message_of_a_mistake(text: str, position: int, what: str) -> None:
    with pytest.raises(EmError) as caught:
        parse_filter(text, ALL_TYPES)
    assert caught.value.msg == f"The option filter cannot be {text!r}: at position {position}, {what}"


@pytest.mark.parametrize("text", ["Count==many", "Count==1e3", "Count==nan", "Count==" + "9" * 31])
def test_a_text_that_is_no_number_is_a_mistake(text: str) -> None:
    with pytest.raises(EmError, match="Count is never"):
        parse_filter(text, ALL_TYPES)


def test_an_unknown_type_has_any_field() -> None:
    assert parse_filter("WhatEver>=5", None) == Comparison(Field("WhatEver", "", "text", ()), ">=", "5")
    assert parse_filter('a1=="x";B!=y', None) == And(
        (Comparison(Field("a1", ""), "==", "x"), Comparison(Field("B", ""), "!=", "y"))
    )
    for text in ("what-ever==5", "5==5", ""):
        with pytest.raises(EmError, match="fields are not known for this type"):
            parse_filter(text, None)
    with pytest.raises(EmError, match="there is no field 'WhatEver'"):
        parse_filter("WhatEver==5", ())


def test_only_open_parentheses_count() -> None:
    one, deep = "(State==Running)", "(" * 40 + "State==Running" + ")" * 40
    leaf = Comparison(STATE, "==", "Running")
    assert parse_filter(",".join([one] * 50), FIELDS) == Or((leaf,) * 50)
    assert parse_filter(f"{one},{deep}", FIELDS) == Or((leaf, leaf))
    with pytest.raises(EmError, match="more than 40 parentheses are open"):
        parse_filter(f"{one},({deep})", FIELDS)


def test_dates_are_parsed_into_one_form() -> None:
    for spelling in ("2026-11-23T18:00:00Z", '"2026-11-23 20:00+02:00"', "2026-11-23T18:00"):
        assert parse_filter(f"CreationTime>{spelling}", ALL_TYPES) == Comparison(DATE, ">", "2026-11-23T18:00:00Z")
    assert parse_filter("Name==2026-11-23", ALL_TYPES) == Comparison(NAME, "==", "2026-11-23")


def test_nested_filters_are_printed_with_parentheses() -> None:
    a, b, c = (Comparison(NAME, "==", value) for value in "abc")
    assert print_filter(And((a, Or((b, c))))) == "Name==a;(Name==b,Name==c)"
    assert print_filter(Or((And((a, b)), c))) == "(Name==a;Name==b),Name==c"
    assert encode_filter(Comparison(NAME, "==", "a/bXc")) == "Name%3D%3D%22a%2FbXc%22"


def test_the_order_of_dates_is_portable_and_that_of_texts_is_not() -> None:
    assert is_portable(Comparison(DATE, ">=", "2026-11-23T18:00:00Z"))
    assert not is_portable(Comparison(NAME, ">=", "a"))
    assert not is_portable(Comparison(NUMBER, "<", "5"))
    assert is_portable(Comparison(NUMBER, "!=", "5"))


def test_the_longest_filter_that_is_sent() -> None:
    fixed = len(encode_filter(Comparison(NAME, "==", "")))

    def send(length: int) -> str | None:
        return to_server_filter(Comparison(NAME, "==", "-" + "x" * (length - fixed - 1)))

    assert len(send(MAX_LENGTH) or "") == MAX_LENGTH
    assert send(MAX_LENGTH + 1) is None


@pytest.mark.parametrize(
    ("field", "row", "key"),
    [
        (NAME, {"name": None}, "name"),
        (NAME, {"names": "x", "name_utc": "y"}, "name_utc"),
        (DATE, {"creation_time_utc": "x"}, "creation_time_utc"),
        (DATE, {"creation_time": "x", "creation_time_utc": "y"}, "creation_time"),
        (DATE, {}, None),
        (TYPE, {"type": "Job"}, None),
        (TYPE, {"type": "VmRestorePoint", "point_type": "Full"}, "point_type"),
        (TYPE, {"type": "Job", "job_type": "Backup"}, "job_type"),
    ],
)
def test_the_key_of_a_field_in_a_row(field: Field, row: dict[str, object], key: str | None) -> None:
    assert find_key(field, row) == key


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("Name==a", {"name": "A"}, True),
        ("Name==a", {"name": "b"}, False),
        ("Name!=a", {"name": "b"}, True),
        ("Name!=a", {"name": "a"}, False),
        ("Name==a", {}, True),  # unknown, so it may match
        ("Name!=a", {}, True),
        ("Name>b", {"name": "a"}, True),  # the server decides the order of texts
        ("JobUid<5", {"job_uid": "6"}, True),
        ("Color>Red", {"color": "Red"}, True),
        ("Level>Low", {"level": "Low"}, False),
        ("Level>Low", {"level": "High"}, True),
        ("Enabled>false", {"enabled": False}, False),
        ("Enabled==true", {"enabled": True}, True),
        ("Count>9", {"count": 10}, True),
        ("Count>9", {"count": 8}, False),
        ("CreationTime<2026-01-01", {"creation_time_utc": "2026-02-01T00:00:00Z"}, False),
        ("CreationTime<2026-01-01", {"creation_time_utc": "2025-02-01T00:00:00Z"}, True),
        ("CreationTime<2026-01-01", {"creation_time": None}, True),  # never was before that
        ("CreationTime>2026-01-01", {"creation_time": None}, False),
        ("CreationTime==1753-01-01", {"creation_time": None}, True),
        ("Count==1753", {"count": None}, False),
        ('Name=="1753-01-01T00:00:00Z"', {"name": None}, False),
        ("Name==a;Count==1", {"name": "a", "count": 1}, True),
        ("Name==a;Count==1", {"name": "a", "count": 2}, False),
        ("Name==a;Count==1", {"count": 1}, True),
        ("Name==a,Count==1", {"name": "b", "count": 1}, True),
        ("Name==a,Count==1", {"name": "b", "count": 2}, False),
        ("Type==Job", {"type": "Other"}, True),
        ("Type==Full", {"point_type": "Increment"}, False),
    ],
)
def test_a_row_is_left_out_only_if_its_own_values_exclude_it(text: str, row: dict[str, object], expected: bool) -> None:
    assert may_match(parse_filter(text, ALL_TYPES), row) is expected


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("TaskId==task-007", {"task_id": "task-7"}, False),
        ("TaskId!=task-007", {"task_id": "task-7"}, True),
        ("TaskId>=task-007", {"task_id": "task-7"}, True),
        ("TaskId==TASK-7", {"task_id": "task-7"}, True),
        ("JobUid==urn:veeam:Job:0a1b", {"job_uid": "0A1B"}, True),
        ("JobUid==0a1b", {"job_uid": "urn:veeam:Job:0A1B"}, True),
        ("JobUid==0a1b", {"job_uid": "urn:veeam:Job:0A1C"}, False),
        ("Level==Low", {"level": "Unheard-Of"}, False),
        ("Level!=Low", {"level": "Unheard-Of"}, True),
        ("Level<=High", {"level": "Unheard-Of"}, False),
        ("Level>=Low", {"level": "Unheard-Of"}, False),
        ("Count==5", {"count": "five"}, False),
        ("Count!=5", {"count": "five"}, True),
        ("Count==5", {"count": "5.0"}, True),
        ("Count<10", {"count": 9}, True),
        ("Count<10", {"count": "9"}, True),
        ("Count>-2", {"count": -1.5}, True),
        ("Enabled==TRUE", {"enabled": True}, True),
        ("Enabled==true", {"enabled": "perhaps"}, False),
        ("CreationTime==2026-11-23", {"creation_time": "2026-11-23T01:00:00+01:00"}, True),
        ("CreationTime!=2026-11-23", {"creation_time": "soon"}, True),
    ],
)
def test_a_value_is_compared_by_the_type_of_its_field(text: str, row: dict[str, object], expected: bool) -> None:
    assert matches(parse_filter(text, ALL_TYPES), row) is expected


def test_a_value_that_a_field_cannot_have_is_compared_as_text() -> None:
    odd = Comparison(RANKED, "==", "Odd")
    assert matches(odd, {"level": "ODD"})
    assert not matches(odd, {"level": "Even"})
    assert matches(odd._replace(operator="!="), {"level": "Even"})
    assert not matches(odd._replace(operator="!="), {"level": "oDD"})
    assert not matches(odd._replace(operator=">="), {"level": "Odd"})


def test_natural_order_of_any_text() -> None:
    for ordered in (
        ["a", "a0", "a1", "a09", "a10", "aa"],
        ["9", "10", "18446744073709551616", "100000000000000000000000", "x"],
        ["task-2", "task-2b", "task-10", "task-\u0662", "task_1"],
        ["x_y", "xa"],  # in lower case: _ is before a, and after A
    ):
        assert sorted(ordered, key=natural_key) == ordered
    assert natural_key("Task-010") == natural_key("task-10")
    assert natural_key("00") == natural_key("0") == natural_key("000")
    assert natural_key("a0") < natural_key("a1")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        (" -5 ", -5.0),
        ("+0.25", 0.25),
        ("007", 7.0),
        ("9" * 30, 1e30),
        ("9" * 31, None),
        ("", None),
        ("5.", None),
        (".5", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("\u0665", None),
        ("5 6", None),
    ],
)
def test_numbers(text: str, number: float | None) -> None:
    assert parse_number(text) == number
