# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending requests, following pages, and the state of the client's own logon session."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import SessionState
from ansible_collections.vbem.rest.plugins.module_utils._em.client.pages import read_page
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import SESSION_ID, TOKEN, FakeClient, answer

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
        ([(2, 2, [2])], "page 1 was left out"),
        ([(1, 3, [1]), (3, 3, [3])], "page 2 was left out"),
        ([(1, 9, [1]), (2, 9, [2]), (4, 9, [4]), (5, 9, [5])], "page 3 was left out"),
        ([(0, 0, [1])], "the first one is page 0"),
        ([(0, 2, [1]), (1, 2, [2])], "the first one is page 0"),
        ([(1, 3, [1]), (1, 3, [2])], "in a circle"),
        ([(1, None, [1]), (1, None, [2])], "in a circle"),
    ],
)
def test_a_page_out_of_sequence_is_an_error(pages: list[tuple[int, int | None, list[int]]], words: str) -> None:
    with pytest.raises(EmError, match=words) as caught:
        follow(*pages)
    assert caught.value.kind == "bad_response"


# ---------------------------------------------------------------------------------------------------------------------
# The own session


def leave(error: BaseException | None, *, status: int = 204) -> FakeClient:
    """Leave a client with a session of its own, whose log-off is answered with this status."""

    def script(method: str, _path: str) -> Any:
        if method == "GET":  # whether the session is still alive
            return answer(200, {"PagingInfo": {"PageNum": 1, "PagesCount": 1}})
        return answer(status, None if status == 204 else {"Message": f"{SESSION_ID} and {TOKEN} are in use"})

    client = FakeClient(script, own=True)
    with suppress(EmError, KeyboardInterrupt, ValueError), client:
        if error is not None:
            raise error
    return client


@pytest.mark.parametrize(
    "error", [None, EmError("forbidden", "no"), KeyboardInterrupt(), ValueError()], ids=lambda error: type(error).__name__
)
def test_a_session_that_stays_open_is_a_warning(error: BaseException | None) -> None:
    client = leave(error, status=500)
    (warning,) = client.warnings
    assert "could not be logged off" in warning
    assert SESSION_ID not in warning
    assert TOKEN not in warning
    assert client.session_state is not SessionState.CLOSED


def test_the_logoff_is_announced_before_it_starts() -> None:
    client = leave(None)
    assert (client.warnings, client.session_state, client.transport.logoffs) == ([], SessionState.CLOSED, 1)


def test_secrets_stay_known_after_the_logoff() -> None:
    def script(method: str, _path: str) -> Any:
        return answer(201, {"SessionId": "own-id"}, X_RestSvcSessionId="own-token") if method == "POST" else answer(204)

    client = FakeClient(script, own=True)
    client.session = None
    with client:
        client.ensure_session()
        assert client.session_state is SessionState.OPEN
    assert client.session_state is SessionState.CLOSED
    assert {"own-id", "own-token"} <= client.secrets


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (EmError("connection", "no", may_have_been_sent=False), None),
        (EmError("connection", "broke"), SessionState.REQUESTED),
        (answer(401), None),
        (answer(500), SessionState.REQUESTED),
    ],
    ids=["unsent", "broken", "refused", "500"],
)
def test_the_session_state_after_a_failed_logon(failure: Any, state: SessionState | None) -> None:
    client = FakeClient(lambda _method, _path: failure, own=True)
    client.session = None
    with pytest.raises(EmError), client:
        client.ensure_session()
    assert client.session_state is state
