# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_task with state: absent: which requests are sent, and the outcome for each task."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import TASK_QUERY, FilteredListing
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_removal import remove_tasks
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import find_tasks, select_by_ids
from emulator import Emulator

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .scripted_server import Request, ScriptedServer, answer


def _make_tasks(em: Emulator) -> Any:
    """Make task-2, task-3 and task-10 (Finished), task-4 (Running) and task-5 (OperationFinished)."""
    session = em.logon()
    em.make_task(session, "EditJob", task_id="task-10")
    em.make_task(session, task_id="task-2")
    em.make_task(session, task_id="task-3", success=False, message="No.")
    em.make_task(session, task_id="task-4", state="Running")
    em.make_task(session, task_id="task-5", state="OperationFinished")
    return session


def _remaining(em: Emulator, session: Any) -> list[str]:
    return [task_id for task_id, _state in em.tasks(session)]


# ---------------------------------------------------------------------------------------------------------------------
# What is removed


@all_versions_and_formats
def test_only_finished_tasks_are_removed_and_others_are_kept(harness: Harness, em: Emulator) -> None:
    session = _make_tasks(em)
    before = harness.info(session, operation=["StartJob"])["tasks"]
    result = harness.remove(session, operation=["StartJob"])
    assert result == {
        "changed": True,
        "tasks": before,
        "deleted": ["task-2", "task-3"],
        "kept": [{"task_id": "task-4", "state": "Running"}, {"task_id": "task-5", "state": "OperationFinished"}],
        "errors": [],
        "diff": {
            "before": "task-2 Finished StartJob\ntask-3 Finished StartJob\n"
            "task-4 Running StartJob\ntask-5 OperationFinished StartJob\n",
            "after": "task-4 Running StartJob\ntask-5 OperationFinished StartJob\n",
        },
    }
    assert harness.deletions() == ["task-2", "task-3"]
    assert _remaining(em, session) == ["task-10", "task-4", "task-5"]


@all_versions_and_formats
def test_force_removes_unfinished_tasks_too(harness: Harness, em: Emulator) -> None:
    session = _make_tasks(em)
    result = harness.remove(session, task_id=["task-4", "task-5", "task-2"], force=True)
    assert result["deleted"] == ["task-2", "task-4", "task-5"]
    assert result["kept"] == []
    assert _remaining(em, session) == ["task-10", "task-3"]


@all_versions
@pytest.mark.parametrize("named", ["task-4", "TASK-5"])
def test_a_named_unfinished_task_fails_before_anything_is_removed(harness: Harness, em: Emulator, named: str) -> None:
    session = _make_tasks(em)
    for check_mode in (True, False):
        with harness.failure("invalid_option") as caught:
            harness.remove(session, task_id=["task-2", named, "task-3"], check_mode=check_mode)
        assert named.lower() in caught.error.msg
        assert "force" in caught.error.msg
        assert caught.result["deleted"] == []
    assert harness.deletions() == []
    assert len(_remaining(em, session)) == 5


@all_versions
@pytest.mark.parametrize("max_delete", [-1, 0, 1, 2])
def test_max_delete_is_checked_before_anything_is_removed(harness: Harness, em: Emulator, max_delete: int) -> None:
    """Tasks that are kept do not count."""
    session = _make_tasks(em)
    for check_mode in (True, False):
        if max_delete == 2:
            result = harness.remove(session, operation=["StartJob"], max_delete=max_delete, check_mode=check_mode)
            assert result["deleted"] == ["task-2", "task-3"]
            continue
        with harness.failure("invalid_option") as caught:
            harness.remove(session, operation=["StartJob"], max_delete=max_delete, check_mode=check_mode)
        assert "max_delete" in caught.error.msg
        assert harness.deletions() == []


@pytest.mark.parametrize("run", ["remove", "wait"])
@pytest.mark.parametrize("params", [{}, {"force": True, "max_delete": 5}], ids=str)
def test_no_criterion_never_means_all(harness: Harness, em: Emulator, run: str, params: dict[str, Any]) -> None:
    with harness.failure("invalid_option") as caught:
        getattr(harness, run)(**params)
    assert "task_id" in caught.error.msg
    assert em.log == []


@all_versions_and_formats
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "rejected400", "empty"])
def test_the_same_tasks_are_removed_whatever_the_server_does_with_filters(
    harness: Harness, em: Emulator, task_filter: str
) -> None:
    em.switches.task_filter = task_filter
    session = _make_tasks(em)
    assert harness.remove(session, task_id=["task-3"])["deleted"] == ["task-3"]
    assert harness.remove(session, operation=["EditJob"])["deleted"] == ["task-10"]
    assert harness.remove(session, success=True)["deleted"] == ["task-2"]
    assert _remaining(em, session) == ["task-4", "task-5"]


def test_the_address_of_a_removal_is_made_of_the_id_and_not_of_the_delete_link(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]
) -> None:
    """A sample of the reference shows task-1 with a Delete link to task-22: wire facts, section 2.1."""
    row = (
        '<Task Href="https://em/api/tasks/task-1"><Links><Link Rel="Delete" Href="https://em/api/tasks/task-22" /></Links>'
        "<TaskId>task-1</TaskId><State>Finished</State><Operation>X</Operation></Task>"
    )
    page = f'<QueryResult><Resources><Tasks>{row}</Tasks></Resources><PagingInfo PageNum="1" PagesCount="1"/></QueryResult>'

    def script(request: Request) -> bytes:
        return answer(status=204) if request.method == "DELETE" else answer(page)

    server = start_scripted(script)
    harness.remove(em.logon(), task_id=["task-1"], options={"port": server.port})
    assert [request.target for request in server.requests if request.method == "DELETE"] == ["/api/tasks/task-1"]


@pytest.mark.parametrize(
    ("task_id", "path"),
    [
        ("task 1/2", "/api/tasks/task%201%2F2"),
        ("a?b=c#d", "/api/tasks/a%3Fb%3Dc%23d"),
        ("../logonSessions/x", "/api/tasks/..%2FlogonSessions%2Fx"),
        ("%2e%2e", "/api/tasks/%252e%252e"),
        ("\u00fc", "/api/tasks/%C3%BC"),
        ("..", None),
        (".", None),
    ],
)
def test_a_task_id_is_one_segment_of_the_path(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], task_id: str, path: str | None
) -> None:
    row = {"TaskId": task_id, "Href": "https://em/api/tasks/odd", "State": "Finished", "Operation": "X"}
    page = json.dumps({"Resources": {"Tasks": [row]}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}})

    def script(request: Request) -> bytes:
        return answer(status=204) if request.method == "DELETE" else answer(page, content_type="application/json")

    server = start_scripted(script)
    if path is None:
        with harness.failure("partial"):
            harness.remove(em.logon(), task_id=[task_id], options={"port": server.port})
    else:
        assert harness.remove(em.logon(), task_id=[task_id], options={"port": server.port})["deleted"] == [task_id]
    assert [request.target for request in server.requests if request.method == "DELETE"] == ([path] if path else [])


# ---------------------------------------------------------------------------------------------------------------------
# Check mode and idempotency

SELECTIONS: list[dict[str, Any]] = [
    {"task_state": ["Finished"]},
    {"operation": ["StartJob"]},
    {"operation": ["StartJob"], "force": True},
    {"success": False},
    {"task_id": ["task-2", "task-10", "task-99"]},
    {"task_id": ["task-99"]},
    {"task_id": []},
    {"filter": "State!=Finished"},
    {"filter": "State!=Finished", "force": True},
    {"task_id": ["task-4"]},
    {"task_state": ["Finished"], "max_delete": 1},
]


@all_formats
@pytest.mark.parametrize("params", SELECTIONS, ids=str)
@pytest.mark.parametrize("task_filter", ["honoured", "rejected"])
def test_check_mode_removes_nothing_and_predicts_the_result(
    harness: Harness, em: Emulator, params: dict[str, Any], task_filter: str
) -> None:
    em.switches.task_filter = task_filter
    session = _make_tasks(em)

    def run(*, check_mode: bool) -> dict[str, Any]:
        try:
            return harness.remove(session, **params, check_mode=check_mode)
        except EmError as err:
            return {"kind": err.kind, **err.to_fail_json()}

    predicted = run(check_mode=True)
    assert em.requests("DELETE") == []
    assert len(_remaining(em, session)) == 5
    assert run(check_mode=False) == predicted
    assert len(_remaining(em, session)) == 5 - len(predicted["deleted"])


@all_versions_and_formats
@pytest.mark.parametrize("params", SELECTIONS[1:5], ids=str)
def test_a_second_run_is_no_change(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    session = _make_tasks(em)
    first = harness.remove(session, **params)
    em.clear_log()
    second = harness.remove(session, **params)
    assert second["changed"] is False
    assert second["deleted"] == []
    assert second["kept"] == first["kept"]
    assert second["diff"]["before"] == second["diff"]["after"]
    assert em.requests("DELETE") == []


# ---------------------------------------------------------------------------------------------------------------------
# The outcome for each task


@all_versions_and_formats
@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("error_format", ["follow", "xml", "json"])
def test_a_task_that_is_already_absent_is_no_change_and_no_error(
    harness: Harness, em: Emulator, status: int, error_format: str
) -> None:
    """The server's own message tells this 500 from others: wire facts, section 3.1."""
    em.switches.update({"unknown_task": status, "error_format": error_format})
    session = em.logon()
    made = em.make_tasks(session, 3)
    client = harness.connect(session)
    tasks = find_tasks(FilteredListing(client, TASK_QUERY), select_by_ids(made)).tasks
    with em.locked() as backend:  # somebody else removes them between the list and the removal
        for task_id in made[:2]:
            backend.find_session(session).tasks.remove(task_id)
    result = remove_tasks(client, tasks, tasks, [])
    assert (result["changed"], result["deleted"], result["errors"]) == (True, [made[2]], [])
    result = remove_tasks(client, tasks, tasks, [])
    assert (result["changed"], result["deleted"], result["errors"]) == (False, [], [])


@all_formats
@pytest.mark.parametrize("effect", ["html", "status"])
def test_a_web_page_does_not_count_as_a_removal(harness: Harness, em: Emulator, effect: str) -> None:
    """A proxy or the web server of the host answers 200, or 404, while the API is away."""
    session = em.logon()
    (made,) = em.make_tasks(session, 1)
    em.fault(effect, method="DELETE", status=404, body="html")
    with harness.failure("partial"):
        harness.remove(session, task_id=[made])
    assert _remaining(em, session) == [made]


@all_versions_and_formats
@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "status": 500, "message": "Object reference not set to an instance of an object."},
        {"effect": "status", "status": 500, "body": "html"},
        {"effect": "status", "status": 500, "body": "empty"},
        {"effect": "status", "status": 500, "message": "There is no task for you to do, and no id."},
        {"effect": "status", "status": 400},
        {"effect": "status", "status": 403},
        {"effect": "status", "status": 503},
        {"effect": "status", "status": 429, "retry_after": 5},
        {"effect": "redirect"},
    ],
    ids=lambda fault: f"{fault['effect']}-{fault.get('status', '')}-{fault.get('body', fault.get('message', ''))[:12]}",
)
def test_a_refused_removal_is_an_error_of_its_task_and_the_others_are_removed(
    harness: Harness, em: Emulator, fault: dict[str, Any]
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 4)
    before = harness.info(session)["tasks"]
    em.fault(method="DELETE", path=f"/tasks/{made[1]}$", times=None, **fault)
    with harness.failure("partial") as caught:
        harness.remove(session, task_state=["Finished"])
    result = caught.result
    rest = [made[0], *made[2:]]
    assert result["changed"] is True
    assert result["deleted"] == rest
    assert [error["task_id"] for error in result["errors"]] == [made[1]]
    assert len(result["errors"][0]["msg"]) > 20
    assert result["tasks"] == before
    assert "3 of 4" in result["msg"]
    assert not {"failed", "skipped"} & result.keys()
    if fault.get("status") == 429:
        assert harness.deletions() == [made[0], *[made[1]] * 4, *made[2:]], "refused as too many, so it may be sent again"
    else:
        assert harness.deletions() == made, "each once: a write that was answered is not repeated"
        assert harness.slept == []


@all_versions_and_formats
@pytest.mark.parametrize("effect", ["reset", "close", "cut"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_removal_without_an_answer_is_checked_and_not_repeated(
    harness: Harness, em: Emulator, effect: str, when: str
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 3)
    em.fault(effect, method="DELETE", path=f"/tasks/{made[1]}$", when=when)
    if when == "after":  # it was carried out, and its answer was lost
        assert harness.remove(session, task_state=["Finished"])["deleted"] == made
        assert _remaining(em, session) == []
    else:
        with harness.failure("partial") as caught:
            harness.remove(session, task_state=["Finished"])
        assert caught.result["deleted"] == [made[0], made[2]]
        assert [error["task_id"] for error in caught.result["errors"]] == [made[1]]
        assert "still listed" in caught.result["errors"][0]["msg"]
        assert _remaining(em, session) == [made[1]]
    assert harness.deletions() == made


@all_versions_and_formats
def test_a_session_lost_during_the_removal_ends_it(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 4)
    before = harness.info(session)["tasks"]
    em.fault("expire", method="DELETE", path="/tasks/", skip=1)
    with harness.failure("session_lost") as caught:
        harness.remove(session, task_state=["Finished"])
    result = caught.result
    assert caught.error.status == 401
    assert result["changed"] is True
    assert result["deleted"] == made[:1]
    assert [error["task_id"] for error in result["errors"]] == made[1:]
    assert result["tasks"] == before
    assert harness.deletions() == made[:2], "nothing more is sent"
    assert harness.logons() == []


def test_many_tasks_are_removed_over_one_connection(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 20)
    assert harness.remove(session, task_state=["Finished"])["deleted"] == made
    assert len(em.log) == 21
    assert em.connections == 1
