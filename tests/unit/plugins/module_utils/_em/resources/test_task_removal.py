# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing tasks: the plan, the requests, and the outcome for each task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.parallel import Next
from ansible_collections.vbem.rest.plugins.module_utils._em.client.status import SESSION_LOST
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import task_removal as _task_removal
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_removal import (
    create_removal_result,
    plan_removal,
    remove_tasks,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import Selection, select_by_ids
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, TaskServer, answer, make_row

ANY = Selection(())
LIST = ("GET", "/api/query?type=Task&pageSize=500")


def create_task(number: int, state: str = "Finished") -> dict[str, Any]:
    return {"task_id": f"task-{number}", "state": state, "operation": "StartJob"}


DONE, LATE, RUNNING, ENDING = (
    create_task(1),
    create_task(10),
    create_task(2, "Running"),
    create_task(3, "OperationFinished"),
)
TASKS = [DONE, RUNNING, ENDING, LATE]

# ---------------------------------------------------------------------------------------------------------------------
# The plan


@pytest.mark.parametrize("limit", [None, 2, 3])
def test_finished_tasks_are_removed_and_others_kept(limit: int | None) -> None:
    assert plan_removal(TASKS, ANY, force=False, max_delete=limit) == ([DONE, LATE], [RUNNING, ENDING])


@pytest.mark.parametrize("limit", [None, 4])
def test_force_removes_all(limit: int | None) -> None:
    assert plan_removal(TASKS, select_by_ids(["task-2"]), force=True, max_delete=limit) == (TASKS, [])


def test_nothing_is_removed_if_a_named_task_is_not_finished() -> None:
    with pytest.raises(EmError) as caught:
        plan_removal(TASKS, select_by_ids(["task-1", "TASK-3", "task-2"]), force=False, max_delete=None)
    assert caught.value.kind == "invalid_option"
    assert caught.value.msg == (
        "Not finished and named by the option task_id: task-2 (Running), task-3 (OperationFinished). Removing such a task stops"
        " it, so nothing was removed: wait for it with state: finished, or set force: true to stop and remove it."
    )
    assert caught.value.result == create_removal_result(TASKS, [], [RUNNING, ENDING], [])
    named = select_by_ids(["task-1", "task-99"])
    assert plan_removal(TASKS, named, force=False, max_delete=None) == ([DONE, LATE], [RUNNING, ENDING])


@pytest.mark.parametrize(("force", "limit", "count"), [(False, 1, 2), (False, 0, 2), (True, 3, 4)])
def test_nothing_is_removed_if_there_are_more_than_allowed(force: bool, limit: int, count: int) -> None:
    with pytest.raises(EmError) as caught:
        plan_removal(TASKS, ANY, force=force, max_delete=limit)
    assert caught.value.kind == "invalid_option"
    assert caught.value.msg == (
        f"The option max_delete allows {limit} removals, but {count} tasks match, so nothing was removed: narrow the selection"
        " or raise max_delete."
    )
    assert caught.value.result == create_removal_result(TASKS, [], [] if force else [RUNNING, ENDING], [])


def test_the_result() -> None:
    errors = [{"task_id": "task-10", "msg": "No."}]
    assert create_removal_result(TASKS, ["task-1"], [RUNNING, ENDING], errors) == {
        "tasks": TASKS,
        "deleted": ["task-1"],
        "kept": [{"task_id": "task-2", "state": "Running"}, {"task_id": "task-3", "state": "OperationFinished"}],
        "errors": errors,
        "diff": {
            "before": "task-1 Finished StartJob\ntask-2 Running StartJob\ntask-3 OperationFinished StartJob\n"
            "task-10 Finished StartJob\n",
            "after": "task-2 Running StartJob\ntask-3 OperationFinished StartJob\ntask-10 Finished StartJob\n",
        },
    }


# ---------------------------------------------------------------------------------------------------------------------
# The outcome for each task

SIX = [create_task(number) for number in (1, 2, 3, 4, 5, 10)]
RESET = EmError("connection", "The connection broke.")
UNSENT = EmError("connection", "Nobody there.", may_have_been_sent=False)


class Removal:
    """Removes six tasks from a server that answers some removals in its own way."""

    def __init__(self, answers: dict[int, Any], *, gone: tuple[int, ...] = (), list_answers: tuple[Any, ...] = ()) -> None:
        server = TaskServer([make_row(task["task_id"]) for task in reversed(SIX)])
        server.on_delete = {f"task-{number}": said for number, said in answers.items()}
        server.failing = list(list_answers)
        self.client = FakeClient(server)
        for number in gone:
            server.drop(f"task-{number}")
        self.err: EmError | None = None
        kept = [create_task(7, "Running")]
        try:
            self.result = remove_tasks(self.client, [*SIX, *kept], SIX, kept)
        except EmError as err:
            self.err, self.result = err, err.result
        assert self.result["kept"] == [{"task_id": "task-7", "state": "Running"}]
        assert self.result["tasks"] == [*SIX, *kept]

    @property
    def deleted(self) -> list[int]:
        return [int(task_id[5:]) for task_id in self.result["deleted"]]

    @property
    def errors(self) -> dict[int, str]:
        return {int(error["task_id"][5:]): error["msg"] for error in self.result["errors"]}

    @property
    def requested(self) -> list[int]:
        return [int(path.rpartition("-")[2]) for method, path in self.client.calls if method == "DELETE"]

    @property
    def lists(self) -> int:
        return self.client.calls.count(LIST)


ALL = [1, 2, 3, 4, 5, 10]


def test_a_removal_is_one_request_for_each_task() -> None:
    removal = Removal({})
    assert removal.err is None
    assert (removal.result["changed"], removal.deleted, removal.errors) == (True, ALL, {})
    assert removal.client.calls == [("DELETE", f"/api/tasks/task-{number}") for number in ALL]
    assert removal.result["diff"]["after"] == "task-7 Running StartJob\n"


@pytest.mark.parametrize("status", [404, 500])
def test_an_absent_task_is_neither_a_change_nor_an_error(status: int) -> None:
    said = answer(status, {"Message": "There is no task with id x."})
    removal = Removal(dict.fromkeys(ALL, said))
    assert removal.err is None
    assert (removal.result["changed"], removal.deleted, removal.errors) == (False, [], {})
    assert (removal.requested, removal.lists) == (ALL, 0)
    removal = Removal({2: said})
    assert (removal.result["changed"], removal.deleted) == (True, [1, 3, 4, 5, 10])


def test_another_404_is_checked_against_the_list() -> None:
    removal = Removal({2: answer(404), 3: answer(404)}, gone=(2,))
    assert removal.deleted == [1, 4, 5, 10], "a task that was gone was not removed by this"
    assert removal.errors == {3: "It is still listed. The server has no /api/tasks/task-3."}
    assert removal.lists == 1


def test_a_500_in_another_language_for_a_task_that_is_gone_is_no_failure() -> None:
    removal = Removal({2: answer(500, {"Message": "Keine Sicherungsaufgabe mit der ID [task-2]"})}, gone=(2,))
    assert removal.err is None
    assert removal.deleted == list(ALL), "it was there before, and this may have removed it"
    assert removal.lists == 1


def test_a_redirect_is_no_removal() -> None:
    removal = Removal({2: answer(300)}, gone=(2,))
    assert removal.deleted == [1, 3, 4, 5, 10]
    assert removal.errors[2].startswith("The server redirects ")
    assert removal.lists == 0


def test_a_refusal_is_reported_and_the_others_are_removed() -> None:
    removal = Removal({2: answer(403), 10: answer(500, {"Message": "Busy."})})
    assert removal.err is not None
    assert removal.err.kind == "partial"
    assert removal.deleted == [1, 3, 4, 5]
    assert list(removal.errors) == [2, 10]
    assert removal.errors[2].startswith("The user is not allowed to DELETE /api/tasks/task-2")
    assert removal.errors[10].startswith("It is still listed. The server answered 500")
    assert "The server says: Busy." in removal.errors[10]
    assert removal.err.msg == (
        f"4 of 6 tasks were removed; 2 were not, or may not have been: task-2: {removal.errors[2]} (and more, see errors)"
    )
    assert (removal.requested, removal.lists) == (ALL, 1)
    one = Removal({2: answer(403)})
    assert one.err is not None
    assert one.err.msg == f"5 of 6 tasks were removed; 1 were not, or may not have been: task-2: {one.errors[2]}"
    assert one.result["changed"] is True
    none = Removal({number: answer(403) for number in ALL})
    assert none.result["changed"] is False


def test_a_removal_without_an_answer_is_checked_and_not_repeated() -> None:
    removal = Removal({2: RESET, 3: RESET}, gone=(3,))
    assert removal.deleted == [1, 3, 4, 5, 10]
    assert removal.errors == {2: "It is still listed. The connection broke."}
    assert (removal.requested, removal.lists) == (ALL, 1)
    assert removal.client.calls[-1] == LIST


def test_a_list_of_one_page_is_believed() -> None:
    server = TaskServer([make_row("task-1"), make_row("task-2")])
    server.on_delete = {"task-2": RESET, "task-3": RESET}
    client = FakeClient(server)
    client.pages = 5  # read before
    to_delete = [create_task(number) for number in (1, 2, 3)]
    with pytest.raises(EmError) as caught:
        remove_tasks(client, to_delete, to_delete, [])
    assert caught.value.result["deleted"] == ["task-1", "task-3"]
    assert [error["task_id"] for error in caught.value.result["errors"]] == ["task-2"]
    assert [call for call in client.calls if call[0] == "GET"] == [LIST]


def test_a_task_that_several_pages_lack_is_read_by_its_id() -> None:
    """Others who share the session remove tasks while the list is read, and a task that moves up is missed."""
    server = TaskServer([make_row(f"task-{number}") for number in (21, 22, 1, 23, 2, 24, 5)], most=4)
    server.on_delete = {"task-2": RESET, "task-3": RESET, "task-5": RESET}

    def move_up() -> None:
        server.drop("task-21")
        server.drop("task-22")

    server.before_query = [lambda: None, move_up]
    client = FakeClient(server)
    to_delete = [create_task(number) for number in (2, 3, 1, 5)]
    with pytest.raises(EmError) as caught:
        remove_tasks(client, to_delete, to_delete, [])
    assert caught.value.kind == "partial"
    assert caught.value.result["deleted"] == ["task-1", "task-3"]
    still = "It is still listed. The connection broke."
    assert caught.value.result["errors"] == [{"task_id": task_id, "msg": still} for task_id in ("task-2", "task-5")]
    assert [path for method, path in client.calls if method == "GET"] == [
        LIST[1],
        f"{LIST[1]}&page=2",
        "/api/tasks/task-3",
        "/api/tasks/task-5",
    ]


def test_a_2xx_status_other_than_204_is_checked() -> None:
    body = {"Message": "Accepted."}
    removal = Removal({2: answer(202, body), 3: answer(200, body)}, gone=(3,))
    assert removal.deleted == [1, 3, 4, 5, 10]
    assert removal.errors == {2: "It is still listed. The server answered 202 instead of 204."}
    assert removal.lists == 1


def test_a_2xx_answer_that_cannot_be_read_is_checked() -> None:
    removal = Removal({2: answer(202), 3: answer(200), 4: answer(299, b"oops")}, gone=(3,))
    assert removal.deleted == [1, 3, 5, 10]
    assert list(removal.errors) == [2, 4]
    for msg in removal.errors.values():
        assert msg.startswith("It is still listed. The server sent ")
    assert (removal.requested, removal.lists) == (ALL, 1)


def test_a_request_that_was_never_sent_removed_nothing() -> None:
    removal = Removal({2: UNSENT}, gone=(2,))
    assert removal.errors == {2: "Nobody there."}
    assert (removal.requested, removal.lists) == (ALL, 0)


def test_the_outcome_is_unknown_if_the_list_cannot_be_read() -> None:
    removal = Removal({2: RESET, 3: answer(403)}, gone=(2,), list_answers=(answer(500),))
    assert removal.deleted == [1, 4, 5, 10]
    assert removal.errors[2] == "It may have been removed or not. The connection broke."
    assert list(removal.errors) == [2, 3]
    assert removal.lists == 1


@pytest.mark.parametrize("no_answer", [RESET, UNSENT])
def test_no_request_follows_three_in_a_row_without_an_answer(no_answer: EmError) -> None:
    removal = Removal({2: no_answer, 3: no_answer, 4: no_answer})
    assert removal.requested == [1, 2, 3, 4]
    assert removal.deleted == [1]
    assert removal.errors[5] == removal.errors[10] == "Not attempted: the server had stopped answering."


@pytest.mark.parametrize("between", [answer(204), answer(403), answer(404, {"Message": "No task with id."}), answer(202)])
def test_only_requests_in_a_row_count(between: Any) -> None:
    removal = Removal({1: RESET, 2: RESET, 3: between, 4: RESET, 5: RESET})
    assert removal.requested == ALL
    removal = Removal({1: between, 2: RESET, 3: RESET, 4: RESET})
    assert removal.requested == [1, 2, 3, 4]


def test_a_lost_session_ends_the_removal_and_keeps_the_outcomes() -> None:
    removal = Removal({2: RESET, 3: answer(401), 4: RESET}, gone=(2,))
    assert removal.err is not None
    assert (removal.err.kind, removal.err.status, removal.err.msg) == ("session_lost", 401, SESSION_LOST)
    assert (removal.result["changed"], removal.deleted) == (True, [1])
    assert removal.errors == {
        2: "It may have been removed or not. The connection broke.",
        3: SESSION_LOST,
        4: "Not removed: the logon session was lost.",
        5: "Not removed: the logon session was lost.",
        10: "Not removed: the logon session was lost.",
    }
    assert (removal.requested, removal.lists) == ([1, 2, 3], 0), "nothing is sent with a lost session"
    assert Removal({1: answer(401)}).result["changed"] is False


def test_removals_are_serial_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts: list[Next] = []

    def run_parallel(client: Any, items: deque[str], work: Callable[..., Next]) -> None:
        verdicts.extend(work(client, item) for item in items)

    monkeypatch.setattr(_task_removal, "run_parallel", run_parallel)
    Removal({2: answer(404, {"Message": "No task with id."}), 3: answer(403), 4: RESET, 10: answer(202, {"Message": "Ok"})})
    good, bad = Next.CONTINUE, Next.SERIAL
    assert verdicts == [good, good, bad, bad, good, good]
    verdicts.clear()
    Removal({1: RESET, 2: RESET, 3: RESET})
    assert verdicts == [bad, bad, Next.STOP, good, good, good]
    verdicts.clear()
    Removal({1: answer(401)})
    assert verdicts[0] is Next.STOP
