# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of a query: their rows, the address of the next one, and whether a sequence of pages can be relied on."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.pages import PageSequence, find_next_page, read_page
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer

PAGING = {"page_num": 1, "page_size": 100, "pages_count": 1}
ROW = {"href": "/api/tasks/task-1", "task_id": "task-1"}
TASKS = ("resources", "tasks")
JOBS = ("entities", "jobs")
PATH = "/api/query?type=Task&pageSize=1"

# ---------------------------------------------------------------------------------------------------------------------
# Empty pages


@pytest.mark.parametrize("list_path", [TASKS, JOBS, ()], ids=["tasks", "jobs", "any"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resources": None},
        {"refs": None, "entities": None, "resources": {"tasks": None, "names": None}},
        {"refs": {"refs": []}, "entities": {"jobs": {"jobs": []}, "nas_jobs": None}, "resources": {"tasks": {"tasks": []}}},
        {"resources": {"tasks": {}}, "entities": {"jobs": {}}, "refs": {}},
        {"resources": {}, "entities": [], "message": None, "status_code": None},
    ],
)
def test_a_list_that_is_missing_null_or_empty_is_empty(list_path: tuple[str, ...], body: dict[str, Any]) -> None:
    for root in (None, "query_result"):
        assert read_page(Document(root, {**body, "paging_info": PAGING}), list_path) == ([], PAGING)


@pytest.mark.parametrize(
    ("list_path", "body"),
    [
        (TASKS, {"resources": None, "entities": {"tasks": {"tasks": [ROW]}}}),
        (TASKS, {"resources": {"tasks": {"tasks": []}}, "entities": {"tasks": {"task": ROW}}}),
        (TASKS, {"resources": {"tasks": {}, "others": [ROW]}}),
        (TASKS, {"entities": {"tasks": {"task": {"task_id": "task-1"}}}}),
        (JOBS, {"entities": None, "refs": {"refs": [ROW]}}),
        (JOBS, {"refs": {"ref": ROW}}),
        (JOBS, {"refs": [ROW]}),
        (JOBS, {"entities": {"jobs": None, "backup_job_sessions": {"backup_job_sessions": [ROW]}}}),
        *[(path, {"message": "db down"}) for path in (TASKS, JOBS, ())],
        *[(path, {"status_code": 500, "resources": {"tasks": None}}) for path in (TASKS, JOBS, ())],
    ],
)
def test_rows_elsewhere_or_a_failure_are_not_an_empty_list(list_path: tuple[str, ...], body: dict[str, Any]) -> None:
    with pytest.raises(EmError) as caught:
        read_page(Document(None, {**body, "paging_info": PAGING}), list_path)
    assert caught.value.kind == "bad_response"
    assert caught.value.detail == body.get("message")


def test_rows_count_whatever_else_is_in_the_body() -> None:
    body = {"resources": {"tasks": [ROW]}, "entities": {"jobs": [ROW]}, "message": "all is well", "paging_info": PAGING}
    assert read_page(Document(None, body), TASKS)[0] == [ROW]


# ---------------------------------------------------------------------------------------------------------------------
# Following pages


def follow(*pages: tuple[int, int | None, list[int]], linked: bool = True) -> list[str]:
    """Return the ids of tasks on pages, each given by its number, the pages' count, and the numbers of tasks."""
    coming = iter(enumerate(pages, 1))

    def script(_method: str, _path: str) -> Any:
        place, (number, count, rows) = next(coming)
        links = [{"Rel": "Next", "Href": f"/api/query?type=Task&page={place + 1}"}] if linked and place < len(pages) else []
        tasks = [{"Href": f"/api/tasks/task-{row}", "TaskId": f"task-{row}"} for row in rows]
        paging = {"PageNum": number, "PagesCount": count, "Links": links}
        return answer(200, {"Resources": {"Tasks": {"Tasks": tasks}}, "PagingInfo": paging})

    found = itertools.chain.from_iterable(FakeClient(script).iter_pages(PATH, list_path=TASKS))
    return [row["task_id"] for row in found]


@pytest.mark.parametrize("linked", [True, False])
def test_pages_are_followed(linked: bool) -> None:
    assert follow((1, 3, [1]), (2, 3, [2]), (3, 3, [3]), linked=linked) == ["task-1", "task-2", "task-3"]


@pytest.mark.parametrize("pages", [[(1, 0, [])], [(1, 1, [])], [(0, 0, [])], [(0, None, [])], [(1, None, [])]])
def test_an_empty_list_has_one_page(pages: list[tuple[int, int | None, list[int]]]) -> None:
    assert follow(*pages) == []


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ([(2, 2, [2])], "page 1 is missing"),
        ([(1, 3, [1]), (3, 3, [3])], "page 2 is missing"),
        ([(1, 9, [1]), (2, 9, [2]), (4, 9, [4]), (5, 9, [5])], "page 3 is missing"),
        ([(0, 0, [1])], "the first one has the number 0"),
        ([(0, 2, [1]), (1, 2, [2])], "the first one has the number 0"),
        ([(1, 3, [1]), (1, 3, [2])], "form a loop"),
        ([(1, None, [1]), (1, None, [2])], "form a loop"),
    ],
)
def test_a_page_out_of_sequence_is_an_error(pages: list[tuple[int, int | None, list[int]]], words: str) -> None:
    with pytest.raises(EmError, match=words) as caught:
        follow(*pages)
    assert caught.value.kind == "bad_response"


def test_the_pages_of_a_server_that_always_has_one_more_end() -> None:
    for rows in (1, 0):
        client = FakeClient(lambda _method, path, rows=rows: make_endless_page(path, rows))  # type: ignore[misc]
        with pytest.raises(EmError, match="there are more than 106 of them") as caught:
            list(client.iter_pages(PATH, list_path=TASKS))
        assert caught.value.kind == "bad_response"
        assert (caught.value.method, caught.value.path) == ("GET", "/api/query")
        assert len(client.calls) == 106


def make_endless_page(path: str, rows: int) -> Any:
    number = int(path.partition("&page=")[2] or 1)
    tasks = [{"Href": f"/api/tasks/task-{number}-{row}"} for row in range(rows)]
    links = [{"Rel": "Next", "Href": f"{PATH}&page={number + 1}"}]
    paging = {"PageNum": number, "PagesCount": 3 if number == 1 else number + 1, "Links": links}
    return answer(200, {"Resources": {"Tasks": tasks}, "PagingInfo": paging})


def test_the_same_rows_twice_are_an_error() -> None:
    with pytest.raises(EmError, match="the same page came twice"):
        follow((1, 3, [1, 2]), (2, 3, [1, 2]))


def test_equal_pages_that_are_empty_are_no_error() -> None:
    assert follow((1, 3, []), (2, 3, []), (3, 3, [7])) == ["task-7"]


def test_a_link_back_is_an_error() -> None:
    sequence = PageSequence("/api/query?type=Job")
    sequence.take([], {**PAGING, "pages_count": 3}, "/api/query?type=Job")
    sequence.follow("/api/query?page=2")
    for path in ("/api/query?page=2", "/api/query?type=Job"):
        with pytest.raises(EmError, match="list of Job cannot be relied on: their links form a loop"):
            sequence.follow(path)


@pytest.mark.parametrize("href", [{"a": "b"}, [1]])
def test_a_row_whose_address_is_no_text_is_an_error(href: Any) -> None:
    with pytest.raises(EmError, match="holds something that is not a resource"):
        PageSequence(PATH).take([{"href": href}], PAGING, PATH)


@pytest.mark.parametrize(
    ("paging", "following"),
    [
        ({"page_num": 1, "pages_count": 1}, None),
        ({"page_num": "2", "pages_count": "2"}, None),
        ({"page_num": 1}, None),
        ({"page_num": 1, "pages_count": 2}, "/api/query?type=Task&pageSize=1&page=2"),
        ({"page_num": 1, "pages_count": 2, "links": [{"rel": "Next", "href": "http://vbr/api/q?page=2"}]}, "/api/q?page=2"),
        ({"page_num": 1, "links": {"link": [{"rel": "Last", "href": "x"}, {"rel": "NEXT", "href": "/api/q"}]}}, "/api/q"),
        ({"page_num": 2, "pages_count": 2, "links": [{"rel": "Next", "href": "/api/q?page=2"}]}, None),
    ],
)
def test_the_next_page(paging: dict[str, Any], following: str | None) -> None:
    assert find_next_page(PATH, paging) == following


def test_the_number_replaces_that_of_the_page() -> None:
    assert (
        find_next_page("/api/query?Page=2&type=Task&page=2", {"page_num": 2, "pages_count": 3}) == "/api/query?type=Task&page=3"
    )


@pytest.mark.parametrize("href", ["https://evil.example/steal?page=2", "/web/page2", "", "javascript:alert(1)", "http://[bad"])
def test_a_next_link_outside_of_the_api_is_an_error(href: str) -> None:
    with pytest.raises(EmError) as caught:
        find_next_page(PATH, {"page_num": 1, "pages_count": 2, "links": [{"rel": "Next", "href": href}]})
    assert caught.value.kind == "bad_response"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"resources": {"tasks": [ROW]}},
        {"paging_info": None},
        {"paging_info": []},
        {"paging_info": {}},
        {"paging_info": {"page_num": "x"}},
        {"paging_info": {"page_num": True}},
    ],
)
def test_a_body_without_paging_is_not_the_result_of_a_query(body: Any) -> None:
    with pytest.raises(EmError, match="is not the result of a query") as caught:
        read_page(Document(None, body), TASKS)
    assert caught.value.kind == "bad_response"


def test_another_root_is_not_the_result_of_a_query() -> None:
    with pytest.raises(EmError, match="is not the result of a query"):
        read_page(Document("tasks", {"resources": {"tasks": [ROW]}, "paging_info": PAGING}), TASKS)


@pytest.mark.parametrize(
    "containers",
    [
        {"entities": {"jobs": {"jobs": [ROW]}, "nas_jobs": None}, "refs": None},
        {"refs": {"refs": [ROW]}},
        {"refs": [ROW]},
        {"resources": {"tasks": ROW}},
        {"resources": {"tasks": {"task": [ROW]}}, "entities": []},
    ],
)
def test_any_list(containers: dict[str, Any]) -> None:
    assert read_page(Document(None, {**containers, "paging_info": PAGING}), ())[0] == [ROW]


@pytest.mark.parametrize("containers", [{"refs": "text"}, {"entities": {"jobs": 5}}, {"refs": [5]}, {"refs": [{}]}])
def test_any_list_of_something_else(containers: dict[str, Any]) -> None:
    with pytest.raises(EmError) as caught:
        read_page(Document(None, {**containers, "paging_info": PAGING}), ())
    assert caught.value.kind == "bad_response"
