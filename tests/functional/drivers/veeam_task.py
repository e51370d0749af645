# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_task is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import Scenario
from .checks import check_equal, check_task, same
from .observation import Observation, Setup
from .tasks import make_five_tasks

WAIT_TIMEOUT = 40  # seconds; enough without a fault, and soon over with one


def check_removal(observed: Observation, healthy: Observation) -> Iterator[str]:
    """A task that is reported as deleted is; one that was to be deleted is, or is an error; nothing else is removed."""
    shown = observed.shown
    removed = {one.entry.path.rpartition("/")[2] for one in observed.done("DELETE", "/tasks/")}
    requested = {entry.path.rpartition("/")[2] for entry in observed.sent("DELETE", "/tasks/")}
    to_delete = set((healthy.result or {}).get("deleted", ()))
    if requested - to_delete:
        yield f"removal of {', '.join(sorted(requested - to_delete))}, which was not selected"
    deleted = set(shown.get("deleted", ()))
    if deleted - removed:
        yield f"reported as deleted, and was not: {', '.join(sorted(deleted - removed))}"
    if shown.get("changed") and not removed:
        yield "changed, although nothing was removed"
    yield from _check_errors(observed, removed, deleted)
    for task in shown.get("tasks", ()):
        yield from check_task(observed, task)
    if observed.result is not None:
        yield from _check_complete_removal(observed, healthy, removed, to_delete)


def _check_errors(observed: Observation, removed: set[str], deleted: set[str]) -> Iterator[str]:
    session = observed.setup.session
    left = {task.id for task in session.tasks} if session is not None else set()
    for error in observed.shown.get("errors", ()):
        task_id, msg = error["task_id"], error["msg"]
        if task_id in deleted:
            yield f"reported as deleted, and as an error: {task_id}"
        # An answer that refuses is believed, even if it is false; and what the server does after it was read cannot be known.
        refused = any((entry.status or 0) >= 300 for entry in observed.sent("DELETE", f"/tasks/{task_id}"))
        injected = observed.injected
        is_late = injected is not None and injected.fault.name == "slow" and msg.startswith("It is still listed.")
        if task_id in removed and "may have been" not in msg and not refused and not is_late:
            yield f"{task_id} is removed, and its error does not say that it may be: {msg}"
        if task_id not in left | removed:
            yield f"there is an error for {task_id}, which was absent"


def _check_complete_removal(
    observed: Observation, healthy: Observation, removed: set[str], to_delete: set[str]
) -> Iterator[str]:
    assert observed.result is not None
    for key in ("tasks", "kept"):
        yield from check_equal(observed, healthy, key)
    if observed.result["errors"]:
        yield "success with errors"
    # Of a task that was reported as unknown while it was removed, nobody can know that this run removed it.
    denied = {
        entry.path.rpartition("/")[2] for entry in observed.sent("DELETE", "/tasks/") if entry.fault and entry.status == 404
    }
    if observed.result["changed"] != bool(removed - denied):
        yield f"changed is {observed.result['changed']}, and {len(removed)} tasks were removed"
    if set(observed.result["deleted"]) != removed - denied:
        yield f"{sorted(removed)} were removed, and {observed.result['deleted']} are reported"
    session = observed.setup.session
    left = {task.id for task in session.tasks} if session is not None else set()
    if to_delete & left:
        yield f"success, and still there: {', '.join(sorted(to_delete & left))}"


def check_wait(observed: Observation, healthy: Observation) -> Iterator[str]:
    """A task that is reported as finished was seen to be finished."""
    if observed.shown.get("changed"):
        yield "changed, although a wait changes nothing"
    for task in observed.shown.get("tasks", ()):
        yield from check_task(observed, task)
    if observed.result is not None:
        pending = [task["task_id"] for task in observed.result["tasks"] if task["state"] != "Finished"]
        if pending:
            yield f"success, and not finished: {', '.join(pending)}"
        if {task["task_id"] for task in observed.result["tasks"]} != {task["task_id"] for task in healthy.shown["tasks"]}:
            yield "success with other tasks than without a fault"
    if observed.error.get("kind") == "task_failed" and all(task["success"] is not False for task in observed.shown["tasks"]):
        yield "task_failed, although no task failed"


def _name(*operations: str) -> Callable[[Setup], None]:
    """Return the preparation of five tasks, of which those of some operations are named by id."""

    def prepare(setup: Setup) -> None:
        make_five_tasks(setup)
        assert setup.session is not None
        setup.params["task_id"] = [task.id for task in setup.session.tasks if task.operation in operations]

    return prepare


def _make_nine_tasks(setup: Setup) -> None:
    assert setup.session is not None
    setup.em.make_tasks(setup.session, 9)


def _make_running_tasks(setup: Setup) -> None:
    em, session = setup.em, setup.session
    assert session is not None
    em.make_task(session, "EditJob")
    em.make_task(session, running_for=0.3, collecting_for=0.2)
    em.make_task(session, running_for=0.1, collecting_for=0.1)


def _make_failing_tasks(setup: Setup) -> None:
    _make_running_tasks(setup)
    assert setup.session is not None
    setup.em.make_task(setup.session, running_for=0.2, success=False, message="Nobody there.")


ABSENT: dict[str, Any] = {"state": "absent"}
FINISHED: dict[str, Any] = {"state": "finished", "wait_timeout": WAIT_TIMEOUT}
STARTS = {**ABSENT, "operation": ["StartJob"]}
ALL_FINISHED = {**ABSENT, "task_state": ["Finished"]}

SCENARIOS = [
    Scenario("absent-ids", check_removal, ABSENT, borrowed=True, prepare=_name("StopJob", "UpdateJob")),
    Scenario("absent-state", check_removal, STARTS, borrowed=True, prepare=make_five_tasks),
    Scenario("absent-force", check_removal, {**STARTS, "force": True}, borrowed=True, prepare=make_five_tasks),
    Scenario("absent-far", check_removal, ALL_FINISHED, borrowed=True, prepare=_make_nine_tasks, far=True),
    Scenario("absent-gone", check_removal, {**ABSENT, "task_id": ["task-4711"]}, borrowed=True, prepare=make_five_tasks),
    Scenario("absent-own", check_removal, ALL_FINISHED),
    Scenario("absent-check", same("tasks"), {**ABSENT, "success": True}, check_mode=True),
    Scenario("absent-check-some", same("tasks", "kept"), STARTS, borrowed=True, prepare=make_five_tasks, check_mode=True),
    Scenario("finished", check_wait, {**FINISHED, "filter": "Operation!=X"}, borrowed=True, prepare=_make_running_tasks),
    Scenario(
        "finished-failed", check_wait, {**FINISHED, "operation": ["StartJob"]}, borrowed=True, prepare=_make_failing_tasks
    ),
    Scenario("finished-own", check_wait, {**FINISHED, "operation": ["StartJob"]}),
]
