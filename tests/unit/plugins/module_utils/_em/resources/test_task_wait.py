# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for tasks: the requests, the pauses, what ends the wait, and its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import TASK_QUERY, FilteredListing
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_wait import (
    WaitBudget,
    find_tasks_retrying,
    raise_for_failed_tasks,
    require_all_found,
    require_any_found,
    wait_for_tasks,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import (
    NO_TASKS_IN_OWN_SESSION,
    Found,
    create_selection,
    find_tasks,
    select_by_ids,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, TaskServer, answer, make_row


class Wait:
    """A wait for some tasks, and what happens to them before each poll."""

    def __init__(self, *rows: dict[str, Any], filters: bool = True) -> None:
        self.server = TaskServer(rows, filters=filters)
        self.client = FakeClient(self.server)
        self.listing = FilteredListing(self.client, TASK_QUERY)
        self.found = find_tasks(self.listing, select_by_ids([row["TaskId"] for row in rows]))
        self.client.calls.clear()

    def change(self, task_id: str, state: str) -> Callable[[], object]:
        def do() -> None:
            self.server.rows = [make_row(task_id, state) if row["TaskId"] == task_id else row for row in self.server.rows]

        return do

    def drop(self, task_id: str) -> Callable[[], object]:
        return lambda: self.server.drop(task_id)

    def run(self, *before: Callable[[], object], wait_timeout: int = 600, poll_interval: int = 10) -> list[tuple[str, str]]:
        self.server.before_query = list(before)
        tasks = wait_for_tasks(self.listing, self.found, WaitBudget(self.client, wait_timeout, poll_interval))
        return [(task["task_id"], task["state"]) for task in tasks]

    def fail(self, *before: Callable[[], object], **timing: int) -> EmError:
        with pytest.raises(EmError) as caught:
            self.run(*before, **timing)
        return caught.value


def nothing() -> None:
    pass


def test_finished_tasks_need_no_poll() -> None:
    wait = Wait(make_row("task-1"), make_row("task-2"))
    assert wait.run() == [("task-1", "Finished"), ("task-2", "Finished")]
    assert wait.client.calls == []
    assert wait.client.slept == []
    assert Wait().run() == []


def test_one_poll_is_one_query_for_all_pending_tasks() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2"), make_row("task-3", "OperationFinished"))
    ends = wait.run(
        wait.change("task-1", "OperationFinished"), wait.change("task-3", "Finished"), wait.change("task-1", "Finished")
    )
    assert ends == [("task-1", "Finished"), ("task-2", "Finished"), ("task-3", "Finished")]
    both = "TaskId%3D%3D%22task-1%22%2CTaskId%3D%3D%22task-3%22"
    last = "TaskId%3D%3D%22task-1%22"
    assert wait.client.calls == [("GET", f"/api/query?type=Task&filter={wanted}&pageSize=500") for wanted in (both, both, last)]
    assert len(wait.client.slept) == 3, "a pause before each poll: the tasks have just been read"


def test_a_task_that_vanishes_does_not_count_as_finished() -> None:
    wait = Wait(*[make_row(f"task-{number}", "Running") for number in (10, 9, 1)])
    err = wait.fail(wait.drop("task-10"), nothing, wait.change("task-1", "Finished"), nothing, wait.drop("task-9"))
    assert err.kind == "not_found"
    assert err.msg == (
        "Vanished during the wait: task-9, task-10. Somebody removed the tasks, or the server dropped them; their outcome is"
        " unknown."
    )
    states = [(task["task_id"], task["state"]) for task in err.result["tasks"]]
    assert states == [("task-1", "Finished"), ("task-9", "Running"), ("task-10", "Running")]


def test_the_wait_for_the_others_goes_on_after_one_vanished() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2", "Running"))
    err = wait.fail(wait.drop("task-1"), nothing, nothing, wait.change("task-2", "Finished"))
    assert err.kind == "not_found"
    assert "task-2" not in err.msg
    assert [task["state"] for task in err.result["tasks"]] == ["Running", "Finished"]


def test_a_timeout_lists_the_pending_tasks() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2"), make_row("task-3", "OperationFinished"))
    err = wait.fail(wait.change("task-1", "OperationFinished"), wait_timeout=60, poll_interval=10)
    assert err.kind == "wait_timeout"
    assert err.msg == (
        "After 60 seconds 2 of 3 tasks are not finished: task-1 (OperationFinished), task-3 (OperationFinished). Raise"
        " wait_timeout if the server is only slow."
    )
    assert err.detail is None
    assert [task["state"] for task in err.result["tasks"]] == ["OperationFinished", "Finished", "OperationFinished"]
    assert sum(wait.client.slept) == pytest.approx(60)
    assert max(wait.client.slept) <= 10
    assert {deadline for deadline in wait.client.transport.deadlines if deadline} <= {1060.0, 1061.0}


@pytest.mark.parametrize(("count", "more"), [(10, ""), (11, " and more")])
def test_a_timeout_names_at_most_ten_tasks(count: int, more: str) -> None:
    wait = Wait(*[make_row(f"task-{number}", "Running") for number in range(1, count + 1)])
    err = wait.fail(wait_timeout=5)
    listed = ", ".join(f"task-{number} (Running)" for number in range(1, 11))
    assert err.msg == (
        f"After 5 seconds {count} of {count} tasks are not finished: {listed}{more}. Raise wait_timeout if the server is only"
        " slow."
    )


def test_transient_errors_are_retried_and_the_last_one_is_reported() -> None:
    wait = Wait(make_row("task-1", "Running"))
    wait.server.failing = [EmError("timeout", "Too slow."), answer(503), answer(404)]
    assert wait.run(*[nothing] * 3, wait.change("task-1", "Finished")) == [("task-1", "Finished")]
    wait = Wait(make_row("task-1", "Running"))
    wait.server.failing = [EmError("timeout", "Too slow.")] * 1000
    err = wait.fail(wait_timeout=30)
    assert err.msg == (
        "After 30 seconds 1 of 1 tasks are not finished: task-1 (Running). Raise wait_timeout if the server is only slow."
        " The last poll failed: Too slow."
    )
    assert err.detail == "Too slow."
    assert err.kind == "wait_timeout"


def test_a_lost_session_ends_the_wait_with_the_tasks_as_last_seen() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2"))
    wait.server.failing = []
    err = wait.fail(wait.change("task-1", "OperationFinished"), lambda: wait.server.failing.append(answer(401)))
    assert err.kind == "session_lost"
    assert [task["state"] for task in err.result["tasks"]] == ["OperationFinished", "Finished"]


# ---------------------------------------------------------------------------------------------------------------------
# Before and after


@pytest.mark.parametrize("own", [True, False])
def test_a_named_task_that_does_not_exist(own: bool) -> None:
    client = FakeClient(TaskServer([]), own=own)
    task = {"task_id": "task-1"}
    listing = FilteredListing(client, TASK_QUERY)
    require_all_found(listing, Found([task], [], 1))
    with pytest.raises(EmError) as caught:
        require_all_found(listing, Found([task], ["task-9", "task-10"], 1))
    assert caught.value.kind == "not_found"
    assert caught.value.msg == "There is no such task in this logon session: task-9, task-10. " + (
        NO_TASKS_IN_OWN_SESSION if own else "A task is visible only to the session that created it."
    )
    assert caught.value.result == {"tasks": [task]}


@pytest.mark.parametrize(
    ("own", "listed", "is_explained"), [(True, 0, True), (True, 1, False), (False, 0, False), (False, 1, False)]
)
def test_nothing_to_wait_for(own: bool, listed: int, is_explained: bool) -> None:
    """Only of an own session that shows no task at all is the session the reason."""
    msg = "There is no task to wait for." + (f" {NO_TASKS_IN_OWN_SESSION}" if is_explained else "")
    selection, found = select_by_ids(["task-1"]), Found([], [], listed)
    client = FakeClient(TaskServer([]), own=own)
    with pytest.raises(EmError) as caught:
        require_any_found(client, selection, found, fail=True)
    assert (caught.value.kind, caught.value.msg, caught.value.result) == ("not_found", msg, {"tasks": []})
    assert client.warnings == []
    require_any_found(client, selection, found, fail=False)
    assert client.warnings == [msg]


def test_a_selection_of_nothing_finds_nothing_without_a_warning() -> None:
    client = FakeClient(TaskServer([]))
    require_any_found(client, select_by_ids([]), Found([], []), fail=False)
    assert client.warnings == []


@pytest.mark.parametrize("fail", [True, False])
def test_a_task_that_was_found_is_something_to_wait_for(fail: bool) -> None:
    client = FakeClient(TaskServer([]))
    require_any_found(client, select_by_ids(["task-1", "task-2"]), Found([{"task_id": "task-1"}], ["task-2"], 1), fail=fail)
    assert client.warnings == []


def create_task(number: int, success: bool | None, message: str | None = None) -> dict[str, Any]:
    return {"task_id": f"task-{number}", "operation": "StartJob", "success": success, "message": message}


def test_a_failed_task_is_an_error() -> None:
    client = FakeClient(TaskServer([]))
    good, bad, worse = create_task(1, True, "Ok"), create_task(2, False, "Nobody there."), create_task(3, False)
    raise_for_failed_tasks(FilteredListing(client, TASK_QUERY), [good])
    raise_for_failed_tasks(FilteredListing(client, TASK_QUERY), [])
    with pytest.raises(EmError) as caught:
        raise_for_failed_tasks(FilteredListing(client, TASK_QUERY), [good, bad])
    assert caught.value.kind == "task_failed"
    assert caught.value.msg == "1 of 2 tasks failed: task-2 (StartJob): Nobody there."
    assert caught.value.detail == "Nobody there."
    assert caught.value.result == {"tasks": [good, bad]}
    with pytest.raises(EmError) as caught:
        raise_for_failed_tasks(FilteredListing(client, TASK_QUERY), [worse, good, bad])
    assert caught.value.msg == "2 of 3 tasks failed: task-3 (StartJob): the server gave no reason (and more, see tasks)"
    assert caught.value.detail is None
    assert client.warnings == []


def test_an_unknown_outcome_is_a_warning() -> None:
    client = FakeClient(TaskServer([]))
    client.warnings.append("before")
    raise_for_failed_tasks(
        FilteredListing(client, TASK_QUERY), [create_task(1, None), create_task(2, True), create_task(3, None)]
    )
    assert len(client.warnings) == 3
    assert client.warnings[0] == "before"
    assert "task-1" in client.warnings[1]
    assert "task-3" in client.warnings[2]


def test_a_vanished_task_is_reported_whatever_ends_the_wait() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2", "Running"))
    err = wait.fail(wait.drop("task-1"), wait_timeout=5)
    assert err.kind == "wait_timeout"
    assert "1 of 2 tasks are not finished: task-2 (Running)" in err.msg
    assert "Vanished during the wait: task-1." in err.msg

    wait = Wait(make_row("task-1", "Running"), make_row("task-2", "Running"))
    err = wait.fail(wait.drop("task-1"), nothing, lambda: wait.server.failing.append(answer(401)))
    assert err.kind == "session_lost"
    assert "Vanished during the wait: task-1." in err.msg
    assert [task["task_id"] for task in err.result["tasks"]] == ["task-1", "task-2"]


def test_the_first_listing_is_retried_after_transient_errors() -> None:
    wait = Wait(make_row("task-1", "Running"))
    wait.server.failing = [answer(503), answer(500), EmError("timeout", "No answer.")]
    found = find_tasks_retrying(wait.listing, select_by_ids(["task-1"]), WaitBudget(wait.client, 60, 10))
    assert [task["task_id"] for task in found.tasks] == ["task-1"]
    wait.server.failing = [answer(503)] * 50
    with pytest.raises(EmError, match=r"could not even be listed within 60 seconds. The last poll failed: ") as caught:
        find_tasks_retrying(wait.listing, select_by_ids(["task-1"]), WaitBudget(wait.client, 60, 10))
    assert caught.value.kind == "wait_timeout"
    assert caught.value.detail is not None
    assert caught.value.detail in caught.value.msg
    wait.server.failing = [answer(401)]
    with pytest.raises(EmError) as caught:
        find_tasks_retrying(wait.listing, select_by_ids(["task-1"]), WaitBudget(wait.client, 60, 10))
    assert caught.value.kind == "session_lost"


def test_the_first_listing_has_the_time_of_one_request_at_least() -> None:
    wait = Wait(make_row("task-1", "Running"))
    wait.server.failing = [answer(503)]
    found = find_tasks_retrying(wait.listing, select_by_ids(["task-1"]), WaitBudget(wait.client, 0, 10))
    assert [task["task_id"] for task in found.tasks] == ["task-1"]


def test_a_failed_logon_is_not_retried() -> None:
    silence = EmError("connection", "Nobody there.", may_have_been_sent=False)
    client = FakeClient(lambda _method, _path: silence, own=True)
    client.session = None
    listing = FilteredListing(client, TASK_QUERY)
    with pytest.raises(EmError) as caught:
        find_tasks_retrying(listing, select_by_ids(["task-1"]), WaitBudget(client, 60, 10))
    assert caught.value is silence
    assert len(client.calls) == 1
    client.calls.clear()
    assert find_tasks_retrying(listing, select_by_ids([]), WaitBudget(client, 60, 10)).tasks == []
    assert client.calls == [], "a selection of nothing needs no session"


def test_tasks_to_wait_for_are_selected_from_the_whole_list() -> None:
    client = FakeClient(TaskServer([make_row("task-1", "Running"), make_row("task-2")]))
    options = dict.fromkeys(("task_id", "operation", "success", "filter"))
    selection = create_selection({**options, "task_state": ["Running"]})
    found = find_tasks_retrying(FilteredListing(client, TASK_QUERY), selection, WaitBudget(client, 60, 10))
    assert [task["task_id"] for task in found.tasks] == ["task-1"]
    assert client.calls == [("GET", "/api/query?type=Task&pageSize=500")]


def test_the_progress_of_a_wait() -> None:
    wait = Wait(make_row("task-1", "Running"), make_row("task-2"), make_row("task-3", "Running"))
    wait.run(nothing, wait.change("task-1", "Finished"), nothing, wait.change("task-3", "Finished"))
    assert wait.client.progress == [
        "1 of 3 tasks finished",
        "2 of 3 tasks finished",
        "2 of 3 tasks finished",
        "3 of 3 tasks finished",
    ]
