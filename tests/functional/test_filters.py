# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters: whatever the server makes of one, the same tasks are selected, and no value is syntax (wire facts, section 4)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import (
    And,
    Comparison,
    Node,
    Or,
    matches,
    parse_filter,
    print_filter,
    to_server_filter,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import FIELDS, STATES
from emulator import Emulator
from emulator.catalogue import Catalogue
from emulator.filters import Comparison as WireComparison
from emulator.filters import compile_filter, parse

from .bench import Bench, every_form, every_version, every_wire
from .scripted import Asked, ScriptedServer, answer

TASK = Catalogue()["Task"]

# ---------------------------------------------------------------------------------------------------------------------
# Honoured, ignored, rejected, empty: the same result

SERVERS: list[dict[str, Any]] = [
    {},
    {"task_filter": "ignored"},
    {"task_filter": "rejected"},
    {"task_filter": "rejected", "error_format": "html"},
    {"task_filter": "rejected400"},
    {"task_filter": "empty"},
    {"task_id_field": "TaskId"},
    {"task_id_field": "TaskUid"},
    {"task_id_field": "TaskUid", "bad_request": 400},
    {"max_page_size": 2},
    {"task_filter": "ignored", "max_page_size": 2},
]

# Criteria, and the numbers of the tasks they select.
CRITERIA: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [2, 3, 4, 5, 6, 10, 11]),
    ({"task_id": ["task-2", "TASK-10", "task-99"]}, [2, 10]),
    ({"task_id": ["task-99"]}, []),
    ({"task_state": ["Running", "OperationFinished"]}, [5, 6]),
    ({"task_state": ["Finished"], "operation": ["startjob"]}, [2, 3]),
    ({"operation": ["StartJob", "CloneJob"]}, [2, 3, 4, 5]),
    ({"operation": ["NoSuchOperation"]}, []),
    ({"success": False}, [3, 11]),
    ({"success": True, "operation": ["StartJob"]}, [2]),
    ({"filter": "State==Finished;Operation!=StartJob"}, [4, 10, 11]),
    ({"filter": "Operation==StartJob,Operation==CloneJob;State==Finished"}, [2, 3, 4, 5]),
    ({"filter": "(Operation==StartJob,Operation==CloneJob);State==Finished"}, [2, 3, 4]),
    ({"filter": "State<Finished"}, [5, 6]),
    ({"filter": "State>=OperationFinished;TaskId>task-4"}, [6, 10, 11]),
    ({"filter": "taskid < TASK-10 ; operation == \"startjob\""}, [2, 3, 5]),
    ({"filter": "State==Running,TaskId>task-5"}, [5, 6, 10, 11]),
    ({"task_id": ["task-2", "task-3"], "filter": "Operation==StartJob", "success": False}, [3]),
]  # fmt: skip


def _make_tasks(em: Emulator) -> Any:
    session = em.logon()

    def make(number: int, operation: str, **settings: Any) -> None:
        em.make_task(session, operation, task_id=f"task-{number}", **settings)

    make(10, "EditJob")
    make(2, "StartJob")
    make(3, "StartJob", success=False)
    make(11, "DeleteJob", success=False)
    make(4, "CloneJob")
    make(5, "StartJob", state="Running")
    make(6, "EditJob", state="OperationFinished")
    return session


@every_wire
@pytest.mark.parametrize("switches", SERVERS, ids=lambda switches: "+".join(map(str, switches.values())) or "honoured")
def test_the_same_tasks_whatever_the_server_makes_of_filters(bench: Bench, em: Emulator, switches: dict[str, Any]) -> None:
    em.switches.update(switches)
    session = _make_tasks(em)
    for criteria, selected in CRITERIA:
        assert bench.ids(session, **criteria) == [f"task-{number}" for number in selected], criteria


def test_a_server_that_filters_is_asked_once_and_to_filter(bench: Bench, em: Emulator) -> None:
    session = _make_tasks(em)
    bench.info(session, task_state=["Running"])
    (query,) = bench.queries()
    assert query.query["filter"] == "State==Running"


def test_what_only_the_client_can_tell_is_not_asked_of_the_server(bench: Bench, em: Emulator) -> None:
    session = _make_tasks(em)
    bench.info(session, success=True)
    bench.info(session, filter="State<Finished")
    bench.info(session, filter="State==Running,TaskId>task-5")
    assert [entry.query.get("filter") for entry in bench.queries()] == [None, None, None]
    em.clear_log()
    bench.info(session, filter="Operation==StartJob;State<Finished")
    assert bench.queries()[0].query["filter"] == "Operation==StartJob"


@every_form
def test_an_answer_that_lacks_a_named_task_is_not_believed(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """A server may understand a part of the filter only, such as the first of several ids."""

    def script(asked: Asked) -> bytes:
        numbers = (1,) if "filter=" in asked.target else (1, 2, 3)
        rows = "".join(
            f'<Task Href="/api/tasks/task-{n}"><TaskId>task-{n}</TaskId><State>Finished</State><Operation>X</Operation></Task>'
            for n in numbers
        )
        paging = '<PagingInfo PageNum="1" PageSize="100" PagesCount="1"/>'
        return answer(f"<QueryResult><Resources><Tasks>{rows}</Tasks></Resources>{paging}</QueryResult>")

    server = scripted(script)
    session = em.logon()
    assert bench.ids(session, task_id=["task-1", "task-2"], options={"port": server.port}) == ["task-1", "task-2"]
    assert len(bench.wait(session, task_id=["task-3", "task-1"], options={"port": server.port})["tasks"]) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_only_a_refusal_is_taken_for_one(bench: Bench, em: Emulator, status: int) -> None:
    """Other failures say nothing of the filter, and are not papered over by asking for all."""
    session = _make_tasks(em)
    em.fault("status", status=status, query="filter=", times=None)
    kind = {401: "session_lost", 403: "forbidden", 404: "not_found", 503: "server_error"}[status]
    with bench.failure(kind):
        bench.info(session, task_state=["Running"])
    assert all("filter" in entry.query for entry in bench.queries())


@every_version
@pytest.mark.parametrize("count", [60, 300])
def test_a_long_list_of_ids_fits_into_a_request_line(bench: Bench, em: Emulator, count: int) -> None:
    session = em.logon()
    made = em.make_tasks(session, count)
    em.make_tasks(session, 10)
    assert bench.ids(session, task_id=made) == made
    assert max(len(entry.target) for entry in em.log) < 8192, "what Kestrel lets pass"
    assert {entry.status for entry in em.log} == {200}


# ---------------------------------------------------------------------------------------------------------------------
# Values

NASTY = [
    "a;b",
    "a,b",
    "(a)",
    "a)",
    "(",
    'say "hi"',
    '"',
    '""',
    '"a',
    'a"',
    "a==b",
    "a!=b",
    "<=>",
    "=",
    "a&b",
    "a&type=Job",
    "a#b",
    "a?b=c",
    "a+b",
    "a b",
    "a  b",
    "%3B",
    "%22",
    "%",
    "\\",
    "a/b",
    "'",
    "x;State==Finished",
    "x,State==Finished",
    'x";State==Finished;Operation=="',
    'x",State==Finished,Operation=="x',
    "x);State==Finished;(Operation==x",
    "StartJob,Operation==CloneJob",
    "*",
    "Start*",
    "null",
    "true",
    "B\u00fcro-Sicherung \u00d8st",
    "\u65e5\u672c\u8a9e",
    "\U0001f600",
    "\uff1b\uff0c\uff08\uff09",
    "a\u200bb",  # of no width, but a character
    "a.b-c_d:e",
    "x" * 300,
]


@every_form
@pytest.mark.parametrize("value", NASTY, ids=lambda value: value[:20].encode("unicode_escape").decode())
@pytest.mark.parametrize("task_filter", ["honoured", "ignored"])
def test_a_value_selects_nothing_but_itself(bench: Bench, em: Emulator, value: str, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session, "StartJob")
    wanted = em.make_task(session, value)
    em.make_task(session, "CloneJob", state="Running")
    em.make_task(session, f"{value}x")
    assert bench.ids(session, operation=[value]) == [wanted]
    (query,) = bench.queries()
    assert set(query.query) == {"type", "filter", "pagesize"}, "the value did not break out of its parameter"
    understood: Any = parse(query.query["filter"])
    while not isinstance(understood, WireComparison):
        (understood,) = understood.nodes
    assert (understood.field, understood.symbol, understood.value) == ("Operation", "==", value)


@pytest.mark.parametrize(
    "value", [value for value in NASTY if value.strip()], ids=lambda value: value[:20].encode("unicode_escape").decode()
)
def test_a_nasty_task_id_selects_and_removes_nothing_else(bench: Bench, em: Emulator, value: str) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    result = bench.remove(session, task_id=[value])
    assert (result["changed"], result["deleted"], result["tasks"]) == (False, [], [])
    assert bench.deletions() == []
    with bench.failure("not_found"):
        bench.wait(session, task_id=[value])


@pytest.mark.parametrize("value", ["a\nb", "a\tb", "\x00", "a\r\nX-Header: b", "\ud800", "a\x85b", "\uffff"], ids=repr)
def test_what_cannot_travel_stays_here(bench: Bench, em: Emulator, value: str) -> None:
    session = em.logon()
    em.make_tasks(session, 2)
    assert bench.ids(session, operation=[value]) == []
    (query,) = bench.queries()
    assert "filter" not in query.query


def test_the_filter_is_percent_encoded_to_the_last_character(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    em.make_task(session, "a b")
    bench.info(session, filter='State==Finished;(Operation=="a b",TaskId!=x)')
    (query,) = bench.queries()
    sent = query.target.partition("&filter=")[2].partition("&")[0]
    assert sent == "State%3D%3DFinished%3B%28Operation%3D%3D%22a%20b%22%2CTaskId%21%3Dx%29"


@pytest.mark.parametrize(
    ("params", "position"),
    [
        ({"filter": "State=Finished"}, 6),
        ({"filter": "State==Finished;"}, 17),
        ({"filter": "Sate==Finished"}, 1),
        ({"filter": "(State==Finished"}, 17),
        ({"filter": "State==Nonsense"}, 8),
        ({"filter": 'Operation=="open'}, 12),
        ({"filter": "Operation==Start Job"}, 18),
        ({"filter": "State==Finished&Operation==StartJob"}, 8),
        ({"filter": "State==Finished)"}, 16),
        ({"filter": "   "}, None),
    ],
    ids=str,
)
def test_a_malformed_filter_is_told_with_its_position_and_nothing_is_sent(
    bench: Bench, em: Emulator, params: dict[str, Any], position: int | None
) -> None:
    for run in (bench.info, bench.remove, bench.wait):
        with bench.failure("invalid_filter") as caught:
            run(**params)
        if position is not None:
            assert f"position {position}" in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize("params", [{"task_id": []}, {"task_state": []}, {"operation": []}], ids=str)
def test_an_empty_list_selects_nothing_and_asks_nothing(bench: Bench, em: Emulator, params: dict[str, Any]) -> None:
    assert bench.info(**params)["tasks"] == []
    assert bench.wait(**params)["tasks"] == []
    assert bench.remove(**params)["deleted"] == []
    assert bench.remove(**params, success=True, force=True)["deleted"] == []
    assert em.log == []
    assert bench.warnings == []


@pytest.mark.parametrize(
    "params",
    [{"task_id": [""]}, {"operation": [" "]}, {"limit": 0}, {"limit": -1}, {"page_size": 0}, {"page_size": -5}],
    ids=str,
)
def test_bad_values_are_told_before_anything_is_sent(bench: Bench, em: Emulator, params: dict[str, Any]) -> None:
    with bench.failure("invalid_option") as caught:
        bench.info(**params)
    assert next(iter(params)) in caught.error.msg
    assert em.log == []


# ---------------------------------------------------------------------------------------------------------------------
# The same language on both sides: ours and the emulator's, which share no code

ROWS = [
    {"task_id": task_id, "state": state, "operation": operation}
    for task_id, state, operation in itertools.product(
        ("task-2", "task-10", "x;y"), STATES, ("StartJob", "Clone,Job", 'a "b" (c)')
    )
]
_VALUES = {
    "TaskId": ("task-2", "TASK-10", "x;y"),
    "State": (*STATES, "finished"),
    "Operation": ("StartJob", "startjob", "Clone,Job", 'a "b" (c)', "none"),
}


def _show(value: str) -> str:
    return value if value.replace("-", "").isalnum() else '"' + value.replace('"', '""') + '"'


def _comparisons(fields: tuple[str, ...]) -> st.SearchStrategy[str]:
    def one(field: str) -> st.SearchStrategy[str]:
        # The order of texts is documented nowhere, so ours may differ from another's.
        symbols = ("==", "!=", "<", "<=", ">", ">=") if field == "State" else ("==", "!=")
        return st.builds(
            lambda symbol, value, space: f"{field}{space}{symbol}{space}{_show(value)}",
            st.sampled_from(symbols),
            st.sampled_from(_VALUES[field]),
            st.sampled_from(("", " ")),
        )

    return st.one_of([one(field) for field in fields])


def _filters() -> st.SearchStrategy[str]:
    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        parts = st.lists(inner, min_size=1, max_size=4)
        marks = st.lists(st.sampled_from((";", ",")), min_size=3, max_size=3)
        joined = st.builds(
            lambda some, between: "".join(a + b for a, b in zip(some, [*between[: len(some) - 1], ""])), parts, marks
        )
        return st.one_of(joined, joined.map(lambda text: f"({text})"))

    return st.recursive(_comparisons(("TaskId", "State", "Operation")), extend, max_leaves=10)


def _select_here(node: Node) -> list[int]:
    return [number for number, row in enumerate(ROWS) if matches(node, row)]


def _select_there(text: str) -> list[int]:
    predicate = compile_filter(parse(text), TASK)
    rows = [{"taskid": row["task_id"], "state": row["state"], "operation": row["operation"]} for row in ROWS]
    return [number for number, row in enumerate(rows) if predicate(row)]


@settings(max_examples=200, deadline=None, database=None)
@given(_filters())
def test_both_sides_read_a_filter_alike(text: str) -> None:
    node = parse_filter(text, FIELDS)
    assert _select_here(node) == _select_there(text)
    assert _select_there(print_filter(node)) == _select_here(node), "printing changes nothing"


@settings(max_examples=200, deadline=None, database=None)
@given(_filters())
def test_what_is_sent_never_leaves_out_what_is_selected(text: str) -> None:
    node = parse_filter(text, FIELDS)
    sent = to_server_filter(And((node,)))
    if sent is not None:
        assert set(_select_here(node)) <= set(_select_there(unquote(sent)))


@settings(max_examples=200, deadline=None, database=None)
@given(
    st.lists(st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()), min_size=1, max_size=4),
    st.sampled_from(("==", "!=")),
)
def test_any_printable_value_arrives_as_it_is(values: list[str], symbol: str) -> None:
    node = Or(tuple(Comparison(FIELDS[2], symbol, value) for value in values))
    sent = to_server_filter(node)
    assert sent is None or sent.isascii()
    if sent is None:
        assert sum(map(len, values)) > 100
        return
    seen = []

    def walk(tree: Any) -> None:
        if isinstance(tree, WireComparison):
            seen.append((tree.field, tree.symbol, tree.value))
        else:
            for inner in tree.nodes:
                walk(inner)

    walk(parse(unquote(sent)))
    assert seen == [("Operation", symbol, value) for value in values]


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("State==Running,State==Finished;Operation==StartJob", 12),
        ("Operation==StartJob;State==Finished,State==Running", 12),
        ("(State==Running,State==Finished);Operation==StartJob", 6),
        ("State==Running,(State==Finished;Operation==StartJob)", 12),
    ],
)
def test_and_binds_tighter_than_or(text: str, selected: int) -> None:
    assert len(_select_here(parse_filter(text, FIELDS))) == selected
    assert len(_select_there(text)) == selected


# ---------------------------------------------------------------------------------------------------------------------
# Order


@every_form
@pytest.mark.parametrize("task_sort", ["honoured", "ignored", "rejected"])
@pytest.mark.parametrize("task_order", ["text", "natural"])
@pytest.mark.parametrize("max_page_size", [0, 3])
def test_order_and_limit_are_ours_whatever_the_server_can(
    bench: Bench, em: Emulator, *, task_sort: str, task_order: str, max_page_size: int
) -> None:
    em.switches.update({"task_sort": task_sort, "task_order": task_order, "max_page_size": max_page_size})
    session = _make_tasks(em)
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [2, 3, 4, 5, 6, 10, 11]),
        ({"descending": True}, [11, 10, 6, 5, 4, 3, 2]),
        ({"limit": 2}, [2, 3]),
        ({"limit": 2, "descending": True}, [11, 10]),
        ({"limit": 100}, [2, 3, 4, 5, 6, 10, 11]),
        ({"sort_by": "state"}, [5, 6, 2, 3, 4, 10, 11]),
        ({"sort_by": "state", "descending": True}, [2, 3, 4, 10, 11, 6, 5]),
        ({"sort_by": "operation"}, [4, 11, 6, 10, 2, 3, 5]),
        ({"sort_by": "operation", "descending": True, "limit": 4}, [2, 3, 5, 6]),
        ({"task_state": ["Finished"], "limit": 1, "descending": True}, [11]),
    ]
    for params, expected in cases:
        assert bench.ids(session, **params) == [f"task-{number}" for number in expected], params


@pytest.mark.parametrize("task_filter", ["honoured", "ignored"])
@pytest.mark.parametrize("params", [{"task_id": ["task-007"]}, {"filter": "TaskId==task-007"}], ids=["task_id", "filter"])
def test_another_spelling_of_a_number_is_another_id(
    bench: Bench, em: Emulator, params: dict[str, Any], task_filter: str
) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session, task_id="task-7")
    assert bench.remove(session, **params)["deleted"] == []
