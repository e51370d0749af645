# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks: which are selected, their public form, and how they are found, with the requests in order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import Comparison, Or
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import TASK_QUERY, FilteredListing
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import (
    FIELDS,
    NO_TASKS_IN_OWN_SESSION,
    Found,
    Selection,
    create_outcome_warning,
    create_selection,
    create_task_path,
    find_tasks,
    is_selected,
    is_task_gone,
    is_task_not_found,
    list_task_ids,
    normalise_task,
    read_task,
    select_by_ids,
    sort_tasks,
    warn_of_own_session,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, TaskServer, answer, make_row

BASE = "https://em.example.com:9398"
QUERY = "/api/query?type=Task"
SIZE = "&pageSize=500"


def create_params(**given: Any) -> dict[str, Any]:
    return {"task_id": None, "task_state": None, "operation": None, "success": None, "filter": None, **given}


def select(**given: Any) -> Selection:
    return create_selection(create_params(**given))


def find(client: FakeClient, selection: Selection, **options: Any) -> Found:
    return find_tasks(FilteredListing(client, TASK_QUERY), selection, **options)


def ids(found: Found) -> list[str]:
    return [task["task_id"] for task in found.tasks]


# ---------------------------------------------------------------------------------------------------------------------
# Selections


def test_all_criteria_make_one_selection() -> None:
    task_id, state, operation = FIELDS
    assert select(
        task_id=["b", "a", "b"], task_state=["Running"], operation=["x", "y"], filter="TaskId!=c", success=False
    ) == Selection(
        (
            Or((Comparison(task_id, "==", "b"), Comparison(task_id, "==", "a"))),
            Or((Comparison(state, "==", "Running"),)),
            Or((Comparison(operation, "==", "x"), Comparison(operation, "==", "y"))),
            Comparison(task_id, "!=", "c"),
        ),
        False,
        ("b", "a"),
    )


def test_no_criterion_selects_all_and_an_empty_list_none() -> None:
    assert select() == Selection((), None, ())
    assert select().is_all
    assert not select().is_none
    assert not select(success=False).is_all
    for option in ("task_id", "task_state", "operation"):
        empty = select(**{option: []})
        assert empty.is_none
        assert not empty.is_all
        assert not select(**{option: ["x"]}).is_none
    assert select_by_ids([]).is_none


@pytest.mark.parametrize("option", ["task_id", "task_state", "operation"])
@pytest.mark.parametrize("values", [[""], ["x", " "]])
def test_an_empty_value_is_refused(option: str, values: list[str]) -> None:
    with pytest.raises(EmError) as caught:
        select(**{option: values})
    assert caught.value.kind == "invalid_option"
    assert caught.value.msg == f"The option {option} cannot be {values!r}: one of its values is empty; leave that value out."


def test_an_empty_filter_is_refused() -> None:
    with pytest.raises(EmError) as caught:
        select(filter=" ")
    assert caught.value.kind == "invalid_filter"
    assert caught.value.msg == "The option filter cannot be ' ': it is empty; leave it out."


def test_selection_by_ids() -> None:
    made = select_by_ids(iter(["b", "a"]))
    assert made == Selection((Or((Comparison(FIELDS[0], "==", "b"), Comparison(FIELDS[0], "==", "a"))),), None, ("b", "a"))


@pytest.mark.parametrize(
    ("task", "wanted", "expected"),
    [
        ({"success": True}, {"success": True}, True),
        ({"success": False}, {"success": True}, False),
        ({"success": False}, {"success": False}, True),
        ({"success": None}, {"success": False}, False),
        ({"success": None}, {}, True),
        ({"success": True}, {"success": True, "operation": ["Other"]}, False),
        ({"success": True}, {"operation": ["startjob", "Other"], "task_state": ["Finished"]}, True),
        ({"success": True}, {"operation": ["startjob"], "task_state": ["Running"]}, False),
    ],
)
def test_a_selected_task_meets_every_criterion(task: dict[str, Any], wanted: dict[str, Any], expected: bool) -> None:
    shown = {"task_id": "task-1", "state": "Finished", "operation": "StartJob", **task}
    assert is_selected(shown, select(**wanted)) is expected


# ---------------------------------------------------------------------------------------------------------------------
# Public form


def normalise(**row: Any) -> dict[str, Any]:
    return normalise_task(row, FakeClient(lambda _method, _path: answer()))


def test_a_finished_task() -> None:
    uid = "35c24055-bdee-4e43-b655-a42de408d2ec"
    links = [
        {"rel": "Delete", "href": "https://vbr/api/tasks/task-5", "type": "Task"},
        {"rel": "DELETE", "href": "https://vbr/api/tasks/task-5"},
        {"rel": "Related", "href": f"http://vbr:9399/api/backupSessions/{uid}", "type": "BackupJobSession", "name": "n"},
        {"href": "https://vbr/api/x"},
    ]
    assert normalise(
        task_id="task-5",
        state="finished",
        operation=" StartJob ",
        href="http://vbr:9399/api/tasks/task-5?format=Entity",
        result={"success": "false", "message": " Nobody there "},
        links=links,
    ) == {
        "task_id": "task-5",
        "state": "Finished",
        "operation": "StartJob",
        "success": False,
        "message": "Nobody there",
        "href": f"{BASE}/api/tasks/task-5?format=Entity",
        "related": [
            {
                "rel": "Related",
                "type": "BackupJobSession",
                "name": "n",
                "href": f"{BASE}/api/backupSessions/{uid}",
                "uid": uid,
            },
            {"rel": None, "type": None, "name": None, "href": f"{BASE}/api/x", "uid": None},
        ],
    }


@pytest.mark.parametrize("state", ["Running", "OperationFinished", "operationfinished", "Paused", None])
def test_an_outcome_counts_only_once_the_task_is_finished(state: str | None) -> None:
    task = normalise(task_id="t", state=state, result={"success": True, "message": "Ok"})
    assert (task["success"], task["message"]) == (None, None)
    assert task["state"] == ("OperationFinished" if state == "operationfinished" else state)
    assert task["operation"] is None
    assert task["related"] == []


@pytest.mark.parametrize("result", [None, [], "text", {}, {"success": None, "message": None}])
def test_a_finished_task_without_outcome(result: object) -> None:
    task = normalise(task_id="t", state="Finished", result=result)
    assert (task["success"], task["message"]) == (None, None)


@pytest.mark.parametrize(
    ("row", "task_id", "href"),
    [
        ({"task_id": "a b", "href": ""}, "a b", f"{BASE}/api/tasks/a%20b"),
        ({"task_id": "a/b"}, "a/b", f"{BASE}/api/tasks/a%2Fb"),
        ({"href": "http://vbr/api/tasks/a%20b?x=/y"}, "a b", f"{BASE}/api/tasks/a%20b?x=/y"),
        ({"href": "http://vbr/api/tasks/a?x=/y?z"}, "a", f"{BASE}/api/tasks/a?x=/y?z"),
        ({"task_id": "x", "href": "http://vbr/api/tasks/y"}, "x", f"{BASE}/api/tasks/y"),
    ],
)
def test_id_and_address(row: dict[str, Any], task_id: str, href: str) -> None:
    task = normalise(**row)
    assert (task["task_id"], task["href"]) == (task_id, href)


@pytest.mark.parametrize("row", [{}, {"href": "http://vbr/api/tasks/"}, {"href": ""}, {"task_id": " "}])
def test_a_task_without_an_id_is_an_error(row: dict[str, Any]) -> None:
    with pytest.raises(EmError) as caught:
        normalise(**row)
    assert (caught.value.kind, caught.value.msg) == ("bad_response", "The server listed a task without an id.")


@pytest.mark.parametrize("task_id", [".", "..", "a\nb", "\ud800"])
def test_an_id_that_cannot_be_part_of_a_url_is_an_error(task_id: str) -> None:
    with pytest.raises(EmError) as caught:
        create_task_path(task_id)
    assert caught.value.kind == "bad_response"
    assert caught.value.msg == f"The server listed a task with the id {task_id!r}, which cannot be part of a URL."


def test_an_id_is_one_segment_of_a_path() -> None:
    assert create_task_path("a/b?c X") == "/api/tasks/a%2Fb%3Fc%20X"
    assert create_task_path("...") == "/api/tasks/..."


# ---------------------------------------------------------------------------------------------------------------------
# Finding tasks

ROWS = [
    make_row("task-10"),
    make_row("task-9", "Running"),
    make_row("task-11", operation="EditJob", Result={"Success": False}),
]


def test_a_filtered_answer_with_matches_is_believed() -> None:
    client = FakeClient(TaskServer(ROWS))
    found = find(client, select(task_state=["Finished"]), page_size=7)
    assert found == Found(found.tasks, [], listed=2, pages=1)
    assert ids(found) == ["task-10", "task-11"]
    assert client.calls == [("GET", f"{QUERY}&filter=State%3D%3DFinished&pageSize=7")]


def test_success_is_selected_by_the_client() -> None:
    client = FakeClient(TaskServer(ROWS))
    found = find(client, select(success=False), page_size=7)
    assert (ids(found), found.missing, found.listed) == (["task-11"], [], 3)
    assert client.calls == [("GET", f"{QUERY}&pageSize=7")]


def test_a_selection_of_nothing_sends_no_request() -> None:
    client = FakeClient(TaskServer(ROWS))
    assert find(client, select(task_id=[])) == Found([], [])
    assert client.calls == []


def test_a_filtered_answer_without_matches_is_checked_against_the_whole_list() -> None:
    client = FakeClient(TaskServer(ROWS))
    listing = FilteredListing(client, TASK_QUERY)
    filtered, whole = ("GET", f"{QUERY}&filter=Operation%3D%3DCloneJob{SIZE}"), ("GET", f"{QUERY}{SIZE}")
    for _time in range(2):  # the whole list showed the same, so the filter is used again
        found = find_tasks(listing, select(operation=["CloneJob"]))
        assert (found.tasks, found.missing, found.listed) == ([], [], 3)
    assert client.calls == [filtered, whole] * 2


def test_a_filter_that_hides_a_named_task_is_not_used_again() -> None:
    client = FakeClient(TaskServer(ROWS))
    listing = FilteredListing(client, TASK_QUERY)
    found = find_tasks(listing, select(task_id=["TASK-9", "task-12", "task-13"]), page_size=50)
    assert (ids(found), found.missing, found.listed) == (["task-9"], ["task-12", "task-13"], 3)
    assert len(client.calls) == 2
    find_tasks(listing, select(task_id=["task-9"]), page_size=50)
    assert client.calls[-2:] == [("GET", f"{QUERY}&pageSize=50")] * 2


def test_a_filter_that_hides_nothing_but_absent_tasks_is_used_again() -> None:
    client = FakeClient(TaskServer(ROWS))
    listing = FilteredListing(client, TASK_QUERY)
    assert find_tasks(listing, select(task_id=["task-9", "task-12"])).missing == ["task-12"]
    find_tasks(listing, select(task_id=["task-9"]))
    assert "filter=" in client.calls[-1][1]


def test_the_tasks_of_a_server_that_refuses_the_filter() -> None:
    server = TaskServer(ROWS)
    server.failing = [answer(500)]
    client = FakeClient(server)
    assert ids(find(client, select(task_state=["Running"]))) == ["task-9"]
    assert client.calls == [("GET", f"{QUERY}&filter=State%3D%3DRunning{SIZE}"), ("GET", f"{QUERY}{SIZE}")]


def test_the_logon_comes_before_the_filtered_query() -> None:
    """So that a logon's 500 is not taken for a refusal of the filter."""
    server = TaskServer(ROWS)
    client = FakeClient(lambda method, path: answer(500) if method == "POST" else server(method, path), own=True)
    client.session = None
    with pytest.raises(EmError):
        find(client, select(task_state=["Running"]))
    assert [method for method, _path in client.calls] == ["POST"]


def test_the_same_task_on_two_pages_is_one_task() -> None:
    client = FakeClient(TaskServer([make_row("task-1"), make_row("task-2"), make_row("task-1", operation="New")]))
    found = find(client, select(success=True), page_size=2)
    assert [(task["task_id"], task["operation"]) for task in found.tasks] == [("task-1", "New"), ("task-2", "StartJob")]
    assert (found.listed, found.pages) == (3, 2)


def find_without_filter(client: FakeClient, selection: Selection, **options: Any) -> Found:
    listing = FilteredListing(client, TASK_QUERY)
    listing.distrust_filter()
    return find_tasks(listing, selection, **options)


def test_a_named_task_that_moves_between_pages_is_read_by_its_id() -> None:
    """Another one is removed while the list is read, and the one that moves up to the first page is not on the second."""
    server = TaskServer([make_row(f"task-{number}") for number in range(1, 7)], filters=False)
    client = FakeClient(server)
    server.before_query = [lambda: None, lambda: server.drop("task-1")]
    named = ["task-10", "TASK-9", "task-4", "task-2", ".", "..", "a\nb"]
    server.rows.append(make_row("task-10", "Running"))
    found = find_without_filter(client, select(task_id=named, success=True), page_size=3)
    assert ids(found) == ["task-2", "task-4"]
    assert found.missing == ["TASK-9", ".", "..", "a\nb"]
    assert found.listed == 7
    assert client.calls == [
        ("GET", f"{QUERY}&pageSize=3"),
        ("GET", f"{QUERY}&pageSize=3&page=2"),
        ("GET", "/api/tasks/TASK-9"),
        ("GET", "/api/tasks/task-4"),
    ]


def test_a_list_of_one_page_is_believed() -> None:
    client = FakeClient(TaskServer(ROWS))
    client.pages = 5
    assert find_without_filter(client, select(task_id=["task-12"])).missing == ["task-12"]
    assert len(client.calls) == 1


def test_a_list_of_several_pages_after_a_refused_filter_is_not_believed() -> None:
    server = TaskServer(ROWS)
    server.failing = [answer(400)]
    client = FakeClient(server)
    assert find(client, select(task_id=["task-12"]), page_size=2).missing == ["task-12"]
    assert client.calls[-1] == ("GET", "/api/tasks/task-12")


@pytest.mark.parametrize("for_action", [True, False])
def test_a_whole_list_of_several_pages_is_not_believed_to_lack_a_task(for_action: bool) -> None:
    server = TaskServer(ROWS)

    def script(method: str, path: str) -> Any:
        return answer(200, make_row("task-12")) if path == "/api/tasks/task-12" else server(method, path)

    client = FakeClient(script)
    selection = select(task_id=["task-12"], task_state=["Finished"])
    assert ids(find(client, selection, page_size=2, for_action=for_action)) == ["task-12"]
    assert client.calls[-1] == ("GET", "/api/tasks/task-12")
    assert find(client, select(task_id=["task-12"], task_state=["Running"]), page_size=2).tasks == [], "it is selected, too"


def find_late(said: Any) -> Found:
    """Find task-9 and task-1 on two pages, neither of which has task-9; the read of task-9 is answered so."""
    server = TaskServer([make_row("task-3"), make_row("task-2"), make_row("task-1")])

    def script(method: str, path: str) -> Any:
        return said if path == "/api/tasks/task-9" else server(method, path)

    selection = select(task_id=["task-9", "task-1"], task_state=["Finished"])
    return find_without_filter(FakeClient(script), selection, page_size=2)


def test_a_task_that_was_read_by_its_id_is_selected_too() -> None:
    found = find_late(answer(200, make_row("Task-9")))
    assert (ids(found), found.missing, found.listed) == (["task-1", "Task-9"], [], 4)
    found = find_late(answer(200, make_row("task-9", "Running")))
    assert (ids(found), found.missing, found.listed) == (["task-1"], [], 4)
    found = find_late(answer(404))
    assert (ids(found), found.missing, found.listed) == (["task-1"], ["task-9"], 3)


@pytest.mark.parametrize("status", [400, 401, 403, 503])
def test_a_failed_read_does_not_mean_absent(status: int) -> None:
    with pytest.raises(EmError) as caught:
        find_late(answer(status))
    assert caught.value.status == status


def test_an_answer_that_is_no_task() -> None:
    with pytest.raises(EmError) as caught:
        find_late(answer(200, [1]))
    assert (caught.value.kind, caught.value.msg) == ("bad_response", "The server's answer is not a task.")


# ---------------------------------------------------------------------------------------------------------------------
# Absent tasks

NO_SUCH_TASK = {"Message": "There is no such task: No task with id task-9"}


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        (404, "There is no task with id task-9 in this session.", True),
        (500, "No such\ntask with ID task-9", True),
        (500, "Not found.", False),
        (404, "Not found.", False),
        (404, None, False),
        (400, "There is no task with id task-9.", False),
        (500, "anno 2026: task with id", False),
        (500, "no multitask with id", False),
        (500, "no task with ideas", False),
    ],
)
def test_the_servers_own_message_for_an_unknown_task(status: int, detail: str | None, expected: bool) -> None:
    assert is_task_not_found(EmError("not_found", "No.", status=status, detail=detail)) is expected


@pytest.mark.parametrize("status", [404, 500])
def test_after_another_failure_the_list_of_tasks_decides(status: int) -> None:
    client = FakeClient(TaskServer(ROWS))
    err = EmError("server_error", "Keine Aufgabe.", status=status)
    assert is_task_gone(client, "task-12", err)
    assert not is_task_gone(client, "task-9", err)
    assert client.calls == [("GET", f"{QUERY}{SIZE}")] * 2
    client.calls.clear()
    assert is_task_gone(client, "task-9", EmError("server_error", "No.", status=500, detail=NO_SUCH_TASK["Message"]))
    assert client.calls == [], "the server's own message is enough"
    assert not is_task_gone(client, "task-12", EmError("server_error", "No.", status=503))
    assert client.calls == [], "any other status tells nothing"


def test_reading_one_task() -> None:
    def script(method: str, path: str) -> Any:
        said = {"/api/tasks/task-8": answer(500, NO_SUCH_TASK), "/api/tasks/task-9": answer(404)}
        return said.get(path) or TaskServer(ROWS)(method, path)

    client = FakeClient(script)
    assert (read_task(client, "task-10") or {})["task_id"] == "task-10"
    assert read_task(client, "task-8") is None
    with pytest.raises(EmError) as caught:  # it is listed
        read_task(client, "task-9")
    assert caught.value.status == 404
    client.calls.clear()
    for impossible in (".", "..", "a\nb"):
        assert read_task(client, impossible) is None
    assert client.calls == []


def test_the_ids_of_all_tasks() -> None:
    client = FakeClient(TaskServer(ROWS))
    assert list_task_ids(client) == {"task-9", "task-10", "task-11"}
    assert client.calls == [("GET", f"{QUERY}{SIZE}")]


# ---------------------------------------------------------------------------------------------------------------------
# Order and warnings


def create_task(task_id: str, state: str | None, operation: str | None) -> dict[str, Any]:
    return {"task_id": task_id, "state": state, "operation": operation}


TASKS = [
    create_task("task-10", "Finished", "b"),
    create_task("task-9", "Running", None),
    create_task("task-2", "Paused", "a10"),
    create_task("task-1", None, "a9"),
    create_task("task-3", "OperationFinished", "b"),
    create_task("task-4", "Finished", "b"),
]


@pytest.mark.parametrize(
    ("key", "descending", "numbers"),
    [
        ("task_id", False, [1, 2, 3, 4, 9, 10]),
        ("task_id", True, [10, 9, 4, 3, 2, 1]),
        ("state", False, [9, 3, 4, 10, 2, 1]),
        ("state", True, [2, 4, 10, 3, 9, 1]),
        ("operation", False, [1, 2, 3, 4, 10, 9]),
        ("operation", True, [3, 4, 10, 2, 1, 9]),
    ],
)
def test_sort(key: str, descending: bool, numbers: list[int]) -> None:
    tasks = sort_tasks(TASKS, key=key, descending=descending)
    assert [task["task_id"] for task in tasks] == [f"task-{number}" for number in numbers]


@pytest.mark.parametrize(
    ("own", "listed", "wanted", "warned"),
    [(True, 0, {}, True), (True, 1, {}, False), (False, 0, {}, False), (True, 0, {"task_id": []}, False)],
)
def test_an_own_session_without_tasks_is_a_warning(own: bool, listed: int, wanted: dict[str, Any], warned: bool) -> None:
    client = FakeClient(TaskServer([]), own=own)
    warn_of_own_session(client, select(**wanted), Found([], [], listed))
    assert client.warnings == ([NO_TASKS_IN_OWN_SESSION] if warned else [])


def test_the_warning_about_a_task_without_an_outcome() -> None:
    assert create_outcome_warning({"task_id": "task-5", "operation": "StartJob"}) == (
        "The server does not say whether task-5 (StartJob), which is finished, succeeded."
    )


def test_a_filter_may_name_the_id_task_uid() -> None:
    server = TaskServer([make_row("task-1"), make_row("task-2")])
    assert ids(find(FakeClient(server), select(filter="TaskUid==task-2"))) == ["task-2"]


def test_white_space_around_ids_and_operations_is_ignored() -> None:
    assert select(task_id=["task-5", " task-6", "task-5\n"]).task_ids == ("task-5", "task-6")
    task = {"task_id": "task-6", "state": "Finished", "operation": "StopJob", "success": True}
    assert is_selected(task, select(task_id=["task-5", " task-6"], operation=["StartJob", " StopJob\n"]))


def test_tasks_for_an_action_are_selected_from_the_whole_list() -> None:
    server = TaskServer([make_row("task-1"), make_row("task-2", "OperationFinished")])

    def script(method: str, path: str) -> Any:  # applies only the first half of a filter
        return server(method, path.partition("%2C")[0] + ("&pageSize=500" if "%2C" in path else ""))

    wanted = select(task_state=["Finished", "OperationFinished"])
    assert ids(find(FakeClient(script), wanted, for_action=True)) == ["task-1", "task-2"]
    assert ids(find(FakeClient(script), select(task_id=["task-1", "task-2"]), for_action=True)) == ["task-1", "task-2"]
