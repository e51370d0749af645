# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removal is safe: nothing that was not meant, nothing unfinished by accident, and the truth of each task (section 5)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_removal import remove_tasks
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import find_tasks, select_by_ids
from emulator import Emulator

from .bench import Bench, every_form, every_version, every_wire
from .scripted import Asked, ScriptedServer, answer


def _make_mixed(em: Emulator) -> Any:
    """Make task-2 and task-3 and task-10 (Finished), task-4 (Running) and task-5 (OperationFinished)."""
    session = em.logon()
    em.make_task(session, "EditJob", task_id="task-10")
    em.make_task(session, task_id="task-2")
    em.make_task(session, task_id="task-3", success=False, message="No.")
    em.make_task(session, task_id="task-4", state="Running")
    em.make_task(session, task_id="task-5", state="OperationFinished")
    return session


def _left(em: Emulator, session: Any) -> list[str]:
    return [task_id for task_id, _state in em.tasks(session)]


# ---------------------------------------------------------------------------------------------------------------------
# What is removed


@every_wire
def test_only_finished_tasks_are_removed_and_others_are_kept(bench: Bench, em: Emulator) -> None:
    session = _make_mixed(em)
    before = bench.info(session, operation=["StartJob"])["tasks"]
    result = bench.remove(session, operation=["StartJob"])
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
    assert bench.deletions() == ["task-2", "task-3"]
    assert _left(em, session) == ["task-10", "task-4", "task-5"]


@every_wire
def test_force_removes_unfinished_tasks_too(bench: Bench, em: Emulator) -> None:
    session = _make_mixed(em)
    result = bench.remove(session, task_id=["task-4", "task-5", "task-2"], force=True)
    assert result["deleted"] == ["task-2", "task-4", "task-5"]
    assert result["kept"] == []
    assert _left(em, session) == ["task-10", "task-3"]


@every_version
@pytest.mark.parametrize("named", ["task-4", "TASK-4", "task-5"])
def test_a_named_unfinished_task_fails_before_anything_is_removed(bench: Bench, em: Emulator, named: str) -> None:
    session = _make_mixed(em)
    for check_mode in (True, False):
        with bench.failure("invalid_option") as caught:
            bench.remove(session, task_id=["task-2", named, "task-3"], check_mode=check_mode)
        assert named.lower() in caught.error.msg
        assert "force" in caught.error.msg
        assert caught.result["deleted"] == []
    assert bench.deletions() == []
    assert len(_left(em, session)) == 5


@every_version
def test_a_placeholder_result_is_no_reason_to_remove(bench: Bench, em: Emulator) -> None:
    em.switches.result_null = "present_while_running"
    session = _make_mixed(em)
    result = bench.remove(session, filter="TaskId==task-4,TaskId==task-5")
    assert result["changed"] is False
    assert [kept["task_id"] for kept in result["kept"]] == ["task-4", "task-5"]
    assert bench.deletions() == []


@every_wire
@pytest.mark.parametrize(("max_delete", "fits"), [(0, False), (1, False), (2, True), (3, True)])
def test_max_delete_is_counted_before_anything_is_removed(bench: Bench, em: Emulator, max_delete: int, fits: bool) -> None:
    """What is kept does not count."""
    session = _make_mixed(em)
    for check_mode in (True, False):
        if fits:
            result = bench.remove(session, operation=["StartJob"], max_delete=max_delete, check_mode=check_mode)
            assert result["deleted"] == ["task-2", "task-3"]
            continue
        with bench.failure("invalid_option") as caught:
            bench.remove(session, operation=["StartJob"], max_delete=max_delete, check_mode=check_mode)
        assert "max_delete" in caught.error.msg
        assert "2 tasks" in caught.error.msg
        assert bench.deletions() == []


@pytest.mark.parametrize("run", ["remove", "wait"])
@pytest.mark.parametrize("params", [{}, {"force": True}, {"max_delete": 5}], ids=str)
def test_no_criterion_never_means_all(bench: Bench, em: Emulator, run: str, params: dict[str, Any]) -> None:
    with bench.failure("invalid_option") as caught:
        getattr(bench, run)(**params)
    assert "task_id" in caught.error.msg
    assert em.log == []


def test_a_negative_max_delete_is_told_before_anything_is_sent(bench: Bench, em: Emulator) -> None:
    with bench.failure("invalid_option"):
        bench.remove(task_state=["Finished"], max_delete=-1)
    assert em.log == []


@every_wire
@pytest.mark.parametrize("task_filter", ["honoured", "ignored", "rejected", "rejected400", "empty"])
def test_a_server_that_cannot_filter_loses_nothing_by_it(bench: Bench, em: Emulator, task_filter: str) -> None:
    em.switches.task_filter = task_filter
    session = _make_mixed(em)
    assert bench.remove(session, task_id=["task-3"])["deleted"] == ["task-3"]
    assert bench.remove(session, operation=["EditJob"])["deleted"] == ["task-10"]
    assert bench.remove(session, success=True)["deleted"] == ["task-2"]
    assert _left(em, session) == ["task-4", "task-5"]


@every_version
def test_only_the_tasks_of_the_session_are_removed(bench: Bench, em: Emulator) -> None:
    session, other = em.logon(), em.logon()
    em.make_tasks(session, 2)
    theirs = em.make_tasks(other, 2)
    assert len(bench.remove(session, task_state=["Finished"])["deleted"]) == 2
    assert _left(em, other) == theirs
    assert bench.remove(session, task_id=theirs)["changed"] is False
    assert _left(em, other) == theirs


def test_the_id_says_what_is_removed_not_the_delete_link(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """A sample of the reference shows task-1 with a Delete link to task-22: wire facts, section 2.1."""
    row = (
        '<Task Href="https://em/api/tasks/task-1"><Links><Link Rel="Delete" Href="https://em/api/tasks/task-22" /></Links>'
        "<TaskId>task-1</TaskId><State>Finished</State><Operation>X</Operation></Task>"
    )
    page = f'<QueryResult><Resources><Tasks>{row}</Tasks></Resources><PagingInfo PageNum="1" PagesCount="1"/></QueryResult>'

    def script(asked: Asked) -> bytes:
        return answer(status=204) if asked.method == "DELETE" else answer(page)

    server = scripted(script)
    bench.remove(em.logon(), task_id=["task-1"], options={"port": server.port})
    assert [asked.target for asked in server.asked if asked.method == "DELETE"] == ["/api/tasks/task-1"]


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
def test_an_odd_task_id_stays_one_segment_of_the_path(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], task_id: str, path: str | None
) -> None:
    row = {"TaskId": task_id, "Href": "https://em/api/tasks/odd", "State": "Finished", "Operation": "X"}
    page = json.dumps({"Resources": {"Tasks": [row]}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}})

    def script(asked: Asked) -> bytes:
        return answer(status=204) if asked.method == "DELETE" else answer(page, content_type="application/json")

    server = scripted(script)
    if path is None:
        with bench.failure("partial"):
            bench.remove(em.logon(), task_id=[task_id], options={"port": server.port})
    else:
        assert bench.remove(em.logon(), task_id=[task_id], options={"port": server.port})["deleted"] == [task_id]
    assert [asked.target for asked in server.asked if asked.method == "DELETE"] == ([path] if path else [])


# ---------------------------------------------------------------------------------------------------------------------
# Check mode, and again

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


@every_form
@pytest.mark.parametrize("params", SELECTIONS, ids=str)
@pytest.mark.parametrize("task_filter", ["honoured", "rejected"])
def test_check_mode_removes_nothing_and_predicts_the_result(
    bench: Bench, em: Emulator, params: dict[str, Any], task_filter: str
) -> None:
    em.switches.task_filter = task_filter
    session = _make_mixed(em)

    def run(*, check_mode: bool) -> dict[str, Any]:
        try:
            return bench.remove(session, **params, check_mode=check_mode)
        except EmError as err:
            return {"kind": err.kind, **err.to_fail_json()}

    predicted = run(check_mode=True)
    assert em.requests("DELETE") == []
    assert len(_left(em, session)) == 5
    assert run(check_mode=False) == predicted
    assert len(_left(em, session)) == 5 - len(predicted["deleted"])


@every_wire
@pytest.mark.parametrize("params", SELECTIONS[:9], ids=str)
def test_a_second_run_changes_nothing(bench: Bench, em: Emulator, params: dict[str, Any]) -> None:
    session = _make_mixed(em)
    first = bench.remove(session, **params)
    em.clear_log()
    second = bench.remove(session, **params)
    assert second["changed"] is False
    assert second["deleted"] == []
    assert second["kept"] == first["kept"]
    assert second["diff"]["before"] == second["diff"]["after"]
    assert em.requests("DELETE") == []


# ---------------------------------------------------------------------------------------------------------------------
# What becomes of each


@every_wire
@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("error_format", ["follow", "xml", "json"])
def test_a_task_that_is_gone_already_is_fine_and_no_change(bench: Bench, em: Emulator, status: int, error_format: str) -> None:
    """The 500 is told by the server's own words: wire facts, section 3.1."""
    em.switches.update({"unknown_task": status, "error_format": error_format})
    session = em.logon()
    made = em.make_tasks(session, 3)
    client = bench.connect(session)
    tasks = find_tasks(client, select_by_ids(made)).tasks
    with em.locked() as backend:  # between the list and the removal, somebody else is quicker
        for task_id in made[:2]:
            backend.find_session(session).tasks.remove(task_id)
    result = remove_tasks(client, tasks, tasks, [])
    assert (result["changed"], result["deleted"], result["errors"]) == (True, [made[2]], [])
    result = remove_tasks(client, tasks, tasks, [])
    assert (result["changed"], result["deleted"], result["errors"]) == (False, [], [])


@every_form
@pytest.mark.parametrize("effect", ["html", "status"])
def test_a_web_page_is_no_removal(bench: Bench, em: Emulator, effect: str) -> None:
    """Some proxy or the host's web server says 200, or 404, where the API is away for a moment."""
    session = em.logon()
    (made,) = em.make_tasks(session, 1)
    em.fault(effect, method="DELETE", status=404, body="html")
    with bench.failure("partial"):
        bench.remove(session, task_id=[made])
    assert _left(em, session) == [made]


@every_wire
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
def test_a_refused_removal_is_told_of_its_task_and_the_rest_are_tried(
    bench: Bench, em: Emulator, fault: dict[str, Any]
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 4)
    before = bench.info(session)["tasks"]
    em.fault(method="DELETE", path=f"/tasks/{made[1]}$", times=None, **fault)
    with bench.failure("partial") as caught:
        bench.remove(session, task_state=["Finished"])
    result = caught.result
    rest = [made[0], *made[2:]]
    assert result["changed"] is True
    assert result["deleted"] == rest
    assert [error["task_id"] for error in result["errors"]] == [made[1]]
    assert len(result["errors"][0]["msg"]) > 20
    assert result["tasks"] == before
    assert "3 of 4" in result["msg"]
    assert not {"failed", "skipped"} & result.keys()
    assert bench.deletions() == made, "each once: a write that arrived is not repeated"
    assert bench.slept == []


@every_version
def test_all_removals_refused_is_no_change(bench: Bench, em: Emulator) -> None:
    em.switches.delete_running = "reject"
    session = em.logon()
    made = em.make_tasks(session, 2, state="Running")
    with bench.failure("partial") as caught:
        bench.remove(session, task_id=made, force=True)
    assert caught.result["changed"] is False
    assert caught.result["deleted"] == []
    assert [error["task_id"] for error in caught.result["errors"]] == made
    assert "still running" in caught.result["errors"][0]["msg"]


@every_wire
@pytest.mark.parametrize("effect", ["reset", "close", "cut"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_removal_without_an_answer_is_not_repeated_and_the_list_decides(
    bench: Bench, em: Emulator, effect: str, when: str
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 3)
    em.fault(effect, method="DELETE", path=f"/tasks/{made[1]}$", when=when)
    if when == "after":  # it was handled, only its answer got lost
        assert bench.remove(session, task_state=["Finished"])["deleted"] == made
        assert _left(em, session) == []
    else:
        with bench.failure("partial") as caught:
            bench.remove(session, task_state=["Finished"])
        assert caught.result["deleted"] == [made[0], made[2]]
        assert [error["task_id"] for error in caught.result["errors"]] == [made[1]]
        assert "still listed" in caught.result["errors"][0]["msg"]
        assert _left(em, session) == [made[1]]
    assert bench.deletions() == made


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_removal_that_times_out_is_not_repeated_and_the_list_decides(bench: Bench, em: Emulator, when: str) -> None:
    session = em.logon()
    made = em.make_tasks(session, 2)
    em.fault("slow", method="DELETE", path=f"/tasks/{made[0]}$", when=when, delay=2.5)
    if when == "after":
        assert bench.remove(session, task_id=made, options={"timeout": 1})["deleted"] == made
    else:
        with bench.failure("partial") as caught:
            bench.remove(session, task_id=made, options={"timeout": 1})
        assert caught.result["deleted"] == [made[1]]
    assert bench.deletions() == made


@every_form
def test_where_the_list_fails_too_nothing_is_claimed(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 2)
    em.fault("reset", method="DELETE", path=f"/tasks/{made[0]}$", when="after")
    em.fault("status", method="GET", status=500, skip=1, times=None)
    with bench.failure("partial") as caught:
        bench.remove(session, task_state=["Finished"])
    assert caught.result["deleted"] == [made[1]]
    assert "may have been removed or not" in caught.result["errors"][0]["msg"]


@every_wire
@pytest.mark.parametrize("lost_at", [0, 1, 3])
def test_a_session_lost_in_mid_run_tells_what_was_removed_and_what_not(bench: Bench, em: Emulator, lost_at: int) -> None:
    session = em.logon()
    made = em.make_tasks(session, 4)
    before = bench.info(session)["tasks"]
    em.fault("expire", method="DELETE", path="/tasks/", skip=lost_at)
    with bench.failure("session_lost") as caught:
        bench.remove(session, task_state=["Finished"])
    result = caught.result
    assert caught.error.status == 401
    assert result["changed"] is (lost_at > 0)
    assert result["deleted"] == made[:lost_at]
    assert [error["task_id"] for error in result["errors"]] == made[lost_at:]
    assert result["tasks"] == before
    assert bench.deletions() == made[: lost_at + 1], "nothing more is tried"
    assert bench.logons() == []


@every_form
def test_a_session_lost_after_an_unanswered_removal_claims_nothing_of_it(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 3)
    em.fault("reset", method="DELETE", when="after")
    em.fault("expire", method="DELETE")
    with bench.failure("session_lost") as caught:
        bench.remove(session, task_state=["Finished"])
    assert caught.result["deleted"] == []
    errors = {error["task_id"]: error["msg"] for error in caught.result["errors"]}
    assert list(errors) == made
    assert "may have been removed or not" in errors[made[0]]
    assert "Not removed" in errors[made[2]]


@every_form
@pytest.mark.parametrize("effect", ["reset", "close"])
def test_a_connection_lost_for_good_stops_after_a_few(bench: Bench, em: Emulator, effect: str) -> None:
    session = em.logon()
    made = em.make_tasks(session, 50)
    em.fault(effect, path="/tasks/", times=None, skip=2)
    em.fault(effect, path="/query", times=None, skip=1)
    with bench.failure("partial") as caught:
        bench.remove(session, task_state=["Finished"])
    assert caught.result["deleted"] == made[:2]
    assert len(caught.result["errors"]) == 48
    assert 2 < len(bench.deletions()) <= 8


@every_form
def test_single_lost_answers_do_not_stop_the_rest(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 12)
    for number in (0, 1, 4, 5, 8, 9):
        em.fault("reset", method="DELETE", path=f"/tasks/{made[number]}$", when="after")
    assert bench.remove(session, task_state=["Finished"])["deleted"] == made
    assert bench.deletions() == made


@every_version
def test_a_removal_that_was_accepted_only_is_looked_after(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """202 is listed in the reference for DELETE, though not for tasks."""
    rows = [{"TaskId": f"task-{n}", "Href": f"/api/tasks/task-{n}", "State": "Finished", "Operation": "X"} for n in (1, 2)]

    def script(asked: Asked) -> bytes:
        if asked.method == "DELETE":
            return answer(status=202)
        # The first one does go, the second is still there.
        left = rows[1:] if any(one.method == "DELETE" for one in server.asked) else rows
        page = {"Resources": {"Tasks": {"Tasks": left}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}
        return answer(json.dumps(page), content_type="application/json")

    server = scripted(script)
    with bench.failure("partial") as caught:
        bench.remove(em.logon(), task_state=["Finished"], options={"port": server.port})
    assert caught.result["deleted"] == ["task-1"]
    assert [error["task_id"] for error in caught.result["errors"]] == ["task-2"]


@every_version
def test_many_tasks_are_removed_over_one_connection(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 120)
    assert bench.remove(session, task_state=["Finished"])["deleted"] == made
    assert len(em.log) == 121
    assert em.connections == 1
