# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters: the same tasks whatever the server does with one, and no value is syntax (wire facts, section 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator import Emulator
from emulator.catalogue import Catalogue
from emulator.filters import Comparison as WireComparison
from emulator.filters import parse

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .scripted_server import Request, ScriptedServer, answer

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


@all_versions_and_formats
@pytest.mark.parametrize("switches", SERVERS, ids=lambda switches: "+".join(map(str, switches.values())) or "honoured")
def test_the_same_tasks_are_selected_whatever_the_server_does_with_filters(
    harness: Harness, em: Emulator, switches: dict[str, Any]
) -> None:
    em.switches.update(switches)
    session = _make_tasks(em)
    for criteria, selected in CRITERIA:
        assert harness.ids(session, **criteria) == [f"task-{number}" for number in selected], criteria


def test_only_portable_comparisons_are_sent(harness: Harness, em: Emulator) -> None:
    session = _make_tasks(em)
    harness.info(session, success=True)
    harness.info(session, filter="State<Finished")
    harness.info(session, filter="State==Running,TaskId>task-5")
    assert [entry.query.get("filter") for entry in harness.queries()] == [None, None, None]
    em.clear_log()
    harness.info(session, filter="Operation==StartJob;State<Finished")
    assert harness.queries()[0].query["filter"] == "Operation==StartJob"


@all_formats
def test_a_filtered_answer_without_a_named_task_is_checked(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]
) -> None:
    """A server may apply only a part of the filter, such as the first of several ids."""

    def script(request: Request) -> bytes:
        numbers = (1,) if "filter=" in request.target else (1, 2, 3)
        rows = "".join(
            f'<Task Href="/api/tasks/task-{n}"><TaskId>task-{n}</TaskId><State>Finished</State><Operation>X</Operation></Task>'
            for n in numbers
        )
        paging = '<PagingInfo PageNum="1" PageSize="100" PagesCount="1"/>'
        return answer(f"<QueryResult><Resources><Tasks>{rows}</Tasks></Resources>{paging}</QueryResult>")

    server = start_scripted(script)
    session = em.logon()
    assert harness.ids(session, task_id=["task-1", "task-2"], options={"port": server.port}) == ["task-1", "task-2"]
    assert len(harness.wait(session, task_id=["task-3", "task-1"], options={"port": server.port})["tasks"]) == 2


@all_versions
@pytest.mark.parametrize("count", [60, 300])
def test_a_long_list_of_ids_fits_into_a_request_line(harness: Harness, em: Emulator, count: int) -> None:
    session = em.logon()
    made = em.make_tasks(session, count)
    em.make_tasks(session, 10)
    assert harness.ids(session, task_id=made) == made
    assert max(len(entry.target) for entry in em.log) < 8192, "the longest that Kestrel accepts"
    assert {entry.status for entry in em.log} == {200}


# ---------------------------------------------------------------------------------------------------------------------
# Values

VALUES = [
    'say "hi"',
    '""',
    "<=>",
    "a&type=Job",
    "a#b?c=d+e",
    "%3B%22%",
    "\\a/b'",
    'x";State==Finished;Operation=="',
    "x);State==Finished,(Operation==x",
    "Start*",
    "B\u00fcro-Sicherung \u00d8st \U0001f600",
    "x" * 300,
]


@all_formats
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20].encode("unicode_escape").decode())
@pytest.mark.parametrize("task_filter", ["honoured", "ignored"])
def test_a_value_selects_only_itself(harness: Harness, em: Emulator, value: str, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session, "StartJob")
    wanted = em.make_task(session, value)
    em.make_task(session, "CloneJob", state="Running")
    em.make_task(session, f"{value}x")
    assert harness.ids(session, operation=[value]) == [wanted]
    (query,) = harness.queries()
    assert set(query.query) == {"type", "filter", "pagesize"}, "the value is part of its parameter"
    understood: Any = parse(query.query["filter"])
    while not isinstance(understood, WireComparison):
        (understood,) = understood.nodes
    assert (understood.field, understood.symbol, understood.value) == ("Operation", "==", value)


@pytest.mark.parametrize(
    "value", [value for value in VALUES if value.strip()], ids=lambda value: value[:20].encode("unicode_escape").decode()
)
def test_a_value_as_task_id_removes_nothing_else(harness: Harness, em: Emulator, value: str) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    result = harness.remove(session, task_id=[value])
    assert (result["changed"], result["deleted"], result["tasks"]) == (False, [], [])
    assert harness.deletions() == []
    with harness.failure("not_found"):
        harness.wait(session, task_id=[value])


@pytest.mark.parametrize("value", ["a\r\nX-Header: b", "\x00", "\ud800"], ids=repr)
def test_a_value_that_cannot_be_sent_is_not_sent(harness: Harness, em: Emulator, value: str) -> None:
    session = em.logon()
    em.make_tasks(session, 2)
    assert harness.ids(session, operation=[value]) == []
    (query,) = harness.queries()
    assert "filter" not in query.query


def test_the_filter_is_percent_encoded(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.make_task(session, "a b")
    harness.info(session, filter='State==Finished;(Operation=="a b",TaskId!=x)')
    (query,) = harness.queries()
    sent = query.target.partition("&filter=")[2].partition("&")[0]
    assert sent == "State%3D%3DFinished%3B%28Operation%3D%3D%22a%20b%22%2CTaskId%21%3Dx%29"


@pytest.mark.parametrize(
    ("params", "position"),
    [
        ({"filter": "State=Finished"}, 6),
        ({"filter": "   "}, None),
    ],
    ids=str,
)
def test_a_malformed_filter_is_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], position: int | None
) -> None:
    for run in (harness.info, harness.remove, harness.wait):
        with harness.failure("invalid_filter") as caught:
            run(**params)
        if position is not None:
            assert f"position {position}" in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize("params", [{"task_id": []}, {"task_state": []}, {"operation": []}], ids=str)
def test_an_empty_list_selects_nothing_and_sends_nothing(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    assert harness.info(**params)["tasks"] == []
    assert harness.wait(**params)["tasks"] == []
    assert harness.remove(**params)["deleted"] == []
    assert harness.remove(**params, success=True, force=True)["deleted"] == []
    assert em.log == []
    assert harness.warnings == []


@pytest.mark.parametrize(
    "params",
    [{"task_id": [""]}, {"operation": [" "]}, {"limit": 0}, {"limit": -1}, {"page_size": 0}, {"page_size": -5}],
    ids=str,
)
def test_invalid_options_are_refused_before_any_request(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    with harness.failure("invalid_option") as caught:
        harness.info(**params)
    assert next(iter(params)) in caught.error.msg
    assert em.log == []


# ---------------------------------------------------------------------------------------------------------------------
# Order


@all_formats
@pytest.mark.parametrize("task_sort", ["honoured", "ignored", "rejected"])
@pytest.mark.parametrize("task_order", ["text", "natural"])
@pytest.mark.parametrize("max_page_size", [0, 3])
def test_order_and_limit_do_not_depend_on_the_server(
    harness: Harness, em: Emulator, *, task_sort: str, task_order: str, max_page_size: int
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
        assert harness.ids(session, **params) == [f"task-{number}" for number in expected], params


@pytest.mark.parametrize("task_filter", ["honoured", "ignored"])
@pytest.mark.parametrize("params", [{"task_id": ["task-007"]}, {"filter": "TaskId==task-007"}], ids=["task_id", "filter"])
def test_leading_zeros_make_another_id(harness: Harness, em: Emulator, params: dict[str, Any], task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = em.logon()
    em.make_task(session, task_id="task-7")
    assert harness.remove(session, **params)["deleted"] == []
