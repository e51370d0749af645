# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks: their session, their states, their removal (wire-facts 2.1, 3.1, 5)."""

from __future__ import annotations

import pytest

from emulator import Emulator, Link

from .wire import JSON, NS, Wire

RELATED = Link("Related", "/api/backupSessions/35c24055-bdee-4e43-b655-a42de408d2ec?format=Entity", "BackupJobSession")


def states(on: Wire) -> list[str | None]:
    return on.query("Task").texts("State")


def test_ids_do_not_begin_with_one(em: Emulator, on: Wire) -> None:
    assert em.make_tasks(on.session_id, 4) == ["task-7", "task-8", "task-9", "task-10"]
    assert em.make_task(em.logon()) == "task-11"


def test_ids_by_session(em: Emulator, on: Wire) -> None:
    em.switches.task_ids = "session"
    assert em.make_task(on.session_id) == em.make_task(em.logon()) == "task-7"


def test_a_task_in_xml(either: Emulator, on: Wire) -> None:
    task_id = either.make_task(on.session_id, "StartJob", related=RELATED)
    task = on.get(f"/api/tasks/{task_id}").xml
    assert task.tag == f"{NS}Task"
    assert list(task.attrib.items()) == [("Href", f"{either.base_url}/api/tasks/{task_id}"), ("Type", "Task")]
    assert [child.tag.removeprefix(NS) for child in task] == ["Links", "TaskId", "State", "Operation", "Result"]
    assert [link.get("Rel") for link in task.iter(f"{NS}Link")] == ["Delete", "Related"]
    assert task.find(f"{NS}Result").attrib == {"Success": "true"}  # type: ignore[union-attr]


def test_a_task_in_json(either: Emulator, on: Wire) -> None:
    task_id = either.make_task(on.session_id, success=False, message='no "good" \u00fc')
    task = on.get(f"/api/tasks/{task_id}", JSON).json
    result = {"Message": 'no "good" \u00fc', "Success": False, "CredentialsNeeded": False, "ConfirmationNeeded": False}
    if either.switches.version == 12:
        assert list(task) == ["TaskId", "State", "Operation", "Result", "Links", "Href", "Type"]
        assert task["Result"] == result
        assert task["Links"][0] == {"Rel": "Delete", "Href": task["Href"], "Name": None, "Type": None}
    else:
        assert list(task) == ["taskId", "state", "operation", "result", "links", "href", "type"]
        assert task["result"] == {key[0].lower() + key[1:]: value for key, value in result.items()}


def test_a_task_goes_its_way(em: Emulator, on: Wire) -> None:
    em.clock.speed = 0
    task_id = em.make_task(on.session_id, running_for=2, collecting_for=1, success=False, message="broken", related=RELATED)
    path = f"/api/tasks/{task_id}"
    first = on.get(path)
    assert (first.texts("State"), first.texts("Message"), len(first.texts("Link"))) == (["Running"], [], 1)
    em.clock.advance(2.5)
    then = on.get(path)
    assert (then.texts("State"), then.texts("Message"), len(then.texts("Link"))) == (
        ["OperationFinished"],
        ["OperationFinished"],
        1,
    )
    assert then.xml.find(f"{NS}Result").get("Success") == "true"  # type: ignore[union-attr]  # a placeholder
    em.clock.advance(1)
    last = on.get(path)
    assert (last.texts("State"), last.texts("Message"), len(last.texts("Link"))) == (["Finished"], ["broken"], 2)
    assert last.xml.find(f"{NS}Result").get("Success") == "false"  # type: ignore[union-attr]


def test_the_query_sees_the_same_as_time_goes_by(em: Emulator, on: Wire) -> None:
    em.clock.speed = 0
    em.make_task(on.session_id, running_for=2, collecting_for=1)
    em.make_task(on.session_id)
    seen = []
    for _step in range(3):
        seen.append((states(on), len(on.query("Task", filter="State==Finished").texts("Task"))))
        em.clock.advance(1.6)
    assert seen == [(["Running", "Finished"], 1), (["Running", "Finished"], 1), (["Finished", "Finished"], 2)]


def test_operation_finished_forever(em: Emulator, on: Wire) -> None:
    em.switches.operation_finished_forever = True
    em.make_task(on.session_id, running_for=1, collecting_for=1)
    em.clock.advance(500)
    assert states(on) == ["OperationFinished"]


@pytest.mark.parametrize(("how", "keys"), [("null", None), ("absent", "absent"), ("present_while_running", True)])
def test_result_of_a_running_task(either: Emulator, on: Wire, how: str, keys: object) -> None:
    either.switches.update({"result_null": how, "json_case": "pascal"})
    task = on.get(f"/api/tasks/{either.make_task(on.session_id, state='Running')}", JSON).json
    result = task.get("Result", "absent")
    assert (result["Success"] if isinstance(result, dict) else result) == keys


def test_finished_without_message(em: Emulator, on: Wire) -> None:
    task = on.get(f"/api/tasks/{em.make_task(on.session_id, message=None)}")
    assert b'<Result Success="true" />' in task.body


def test_related_can_be_switched_off(em: Emulator, on: Wire) -> None:
    em.switches.related_link = False
    task_id = em.make_task(on.session_id, related=RELATED)
    assert len(on.get(f"/api/tasks/{task_id}").texts("Link")) == 1


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("status", [500, 404])
def test_unknown_task(either: Emulator, on: Wire, method: str, status: int) -> None:
    either.switches.update({"unknown_task": status})
    answer = on(method, "/api/tasks/task-297")
    assert answer.status == status
    assert answer.xml.get("Message") == "There is no backup task with id [task-297] in current rest session"
    assert answer.xml.get("StatusCode") == str(status)


def test_tasks_are_their_session_s(em: Emulator, on: Wire) -> None:
    other = em.logon()
    theirs, mine = em.make_task(other), em.make_task(on.session_id)
    assert on.get("/api/tasks").texts("TaskId") == [mine] == on.query("Task").texts("TaskId")
    assert on.get(f"/api/tasks/{theirs}").status == 500
    assert on("DELETE", f"/api/tasks/{theirs}").status == 500
    assert em.tasks(other) == [(theirs, "Finished")]
    em.switches.tasks_scope = "global"
    assert sorted(map(str, on.query("Task").texts("TaskId"))) == [theirs, mine]
    assert on("DELETE", f"/api/tasks/{theirs}").status == 204
    assert em.tasks(other) == []


def test_tasks_end_with_their_session(em: Emulator, on: Wire) -> None:
    task_id = em.make_task(on.session_id)
    on("DELETE", f"/api/logonSessions/{on.session_id}")
    on.log_on()
    assert on.get(f"/api/tasks/{task_id}").status == 500


def test_delete(em: Emulator, on: Wire) -> None:
    first, second = em.make_tasks(on.session_id, 2)
    assert on.query("Task").texts("TaskId") == [first, second]
    answer = on("DELETE", f"/api/tasks/{first}")
    assert (answer.status, answer.body) == (204, b"")
    assert on.query("Task").texts("TaskId") == [second]
    assert on("DELETE", f"/api/tasks/{first}").status == 500


def test_delete_of_a_running_task(em: Emulator, on: Wire) -> None:
    task_id = em.make_task(on.session_id, state="Running")
    em.switches.delete_running = "reject"
    assert on("DELETE", f"/api/tasks/{task_id}").status == 500
    assert em.tasks(on.session_id) == [(task_id, "Running")]
    em.switches.delete_running = "stop"
    assert on("DELETE", f"/api/tasks/{task_id}").status == 204
    assert em.tasks(on.session_id) == []


def test_a_task_can_vanish(em: Emulator, on: Wire) -> None:
    task_id = em.make_task(on.session_id)
    em.remove_task(on.session_id, task_id)
    assert on.get(f"/api/tasks/{task_id}").status == 500


def test_list_in_json(either: Emulator, on: Wire) -> None:
    task_id = either.make_task(on.session_id)
    either.switches.json_case = "pascal"
    assert [task["TaskId"] for task in on.get("/api/tasks", JSON).json["Tasks"]] == [task_id]


def test_other_methods(em: Emulator, on: Wire) -> None:
    assert on("PUT", "/api/tasks", {"Content-Length": "0"}).status == 405
    assert on("DELETE", "/api/tasks").status == 405


def test_finished_tasks_may_go_by_themselves(em: Emulator, on: Wire) -> None:
    em.switches.tasks_kept = 60
    first = em.make_task(on.session_id, running_for=5, collecting_for=5)
    endless = em.make_task(on.session_id, state="Running")
    em.clock.advance(69)
    assert on.get(f"/api/tasks/{first}").status == 200
    em.clock.advance(2)
    assert on.get(f"/api/tasks/{first}").status == 500
    assert on.query("Task").texts("TaskId") == [endless]
