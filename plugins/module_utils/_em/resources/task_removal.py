# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing tasks: what may be removed, what became of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.parallel import Verdict, work_off
from ..client.status import is_unknown_task
from ..errors import EmError
from ..protocol.filters import natural_key
from .tasks import Selection, create_task_path, list_task_ids, look_up

SILENT_FAILURES = 3  # removals in a row that got no answer at all; after these the server is not asked again
DELETED = "deleted"
GONE = "gone"


class Unanswered(NamedTuple):
    """A removal without a clear answer: what came instead, and the outcome if the task turns out to be gone."""

    msg: str
    outcome: str


def plan_removal(
    tasks: list[dict[str, Any]], selection: Selection, *, force: bool, max_delete: int | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split the selected tasks into those to remove and those to keep, or refuse the whole removal."""
    doomed = [task for task in tasks if force or task["state"] == "Finished"]
    kept = [task for task in tasks if not (force or task["state"] == "Finished")]
    named = {task_id.lower() for task_id in selection.task_ids or ()}
    unfinished = [task for task in kept if task["task_id"].lower() in named]
    if unfinished:
        listed = ", ".join(f"{task['task_id']} ({task['state']})" for task in unfinished)
        raise EmError(
            "invalid_option",
            f"Not finished and named by the option task_id: {listed}. Removing such a task stops it, so nothing was removed:"
            " wait for it with state: finished, or set force: true to stop and remove it.",
            result=create_removal_result(tasks, [], kept, []),
        )
    if max_delete is not None and len(doomed) > max_delete:
        raise EmError(
            "invalid_option",
            f"The option max_delete allows {max_delete} removals, but {len(doomed)} tasks match, so nothing was removed:"
            " narrow the selection or raise max_delete.",
            result=create_removal_result(tasks, [], kept, []),
        )
    return doomed, kept


def remove_tasks(
    client: Client, tasks: list[dict[str, Any]], doomed: list[dict[str, Any]], kept: list[dict[str, Any]]
) -> dict[str, Any]:
    """Remove tasks, each with a request of its own, and say of each what became of it.

    A task that was gone already is neither deleted nor an error. A removal without an answer is not repeated; what became
    of it is read from the list afterwards. Fails as ``partial`` if any task that was to be removed may be left.
    """
    progress = _Progress()
    work_off(client, deque(task["task_id"] for task in doomed), progress.remove)
    outcomes = {task["task_id"]: progress.outcomes.get(task["task_id"], progress.rest) for task in doomed}
    lost = progress.lost
    said = _clear_up(client, outcomes, lost)
    deleted = sorted((task_id for task_id, outcome in said.items() if outcome == DELETED), key=natural_key)
    errors = [
        {"task_id": task_id, "msg": said[task_id]}
        for task_id in sorted(said, key=natural_key)
        if said[task_id] not in (DELETED, GONE)
    ]
    result = {"changed": bool(deleted), **create_removal_result(tasks, deleted, kept, errors)}
    if lost is not None:
        lost.result = result
        raise lost
    if errors:
        raise EmError(
            "partial",
            f"{len(deleted)} of {len(doomed)} tasks were removed; {len(errors)} were not, or may not have been:"
            f" {errors[0]['task_id']}: {errors[0]['msg']}" + (" (and more, see errors)" if len(errors) > 1 else ""),
            result=result,
        )
    return result


class _Progress:
    """What became of the removals so far, and whether to go on: `work_off` may call `remove` from several threads."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str | Unanswered] = {}
        self.lost: EmError | None = None
        self._silent = 0

    @property
    def rest(self) -> str:
        """Say why the removals that have no outcome were not tried."""
        if self.lost is not None:
            return "Not removed: the logon session was lost."
        return "Not tried: the server had stopped answering."

    def remove(self, client: Client, task_id: str) -> Verdict:
        """Remove a task and note what became of it."""
        self.outcomes[task_id], err = _remove_task(client, task_id)
        self._silent = self._silent + 1 if err is not None and err.status is None else 0
        if err is not None and err.kind == "session_lost":
            self.lost = err
        if self.lost is not None or self._silent >= SILENT_FAILURES:
            return Verdict.END
        return Verdict.GO_ON if err is None or is_unknown_task(err) else Verdict.SLOW_DOWN


def _remove_task(client: Client, task_id: str) -> tuple[str | Unanswered, EmError | None]:
    """Remove one task; give the outcome, and the failure if there was one."""
    try:
        status = client.delete(create_task_path(task_id))
    except EmError as err:
        if is_unknown_task(err):
            return GONE, err
        if err.status == 404:
            return Unanswered(err.msg, GONE), err
        if err.status is None and err.sent:
            return Unanswered(err.msg, DELETED), err
        return err.msg, err
    if status == 204:
        return DELETED, None
    return Unanswered(f"The server answered {status}, not 204 as to a removal.", DELETED), None


def _clear_up(client: Client, outcomes: Mapping[str, str | Unanswered], lost: EmError | None) -> dict[str, str]:
    """Read the list to learn what became of removals without a clear answer: a task that is not listed any more is gone."""
    said = {task_id: outcome for task_id, outcome in outcomes.items() if isinstance(outcome, str)}
    unclear = {task_id: outcome for task_id, outcome in outcomes.items() if isinstance(outcome, Unanswered)}
    if not unclear:
        return said
    pages = client.pages
    try:
        listed = None if lost is not None else list_task_ids(client)
        if listed is not None and client.pages - pages > 1:  # rows may have moved from page to page while they were read
            listed |= {task_id for task_id in unclear if task_id not in listed and look_up(client, task_id) is not None}
    except EmError:
        listed = None
    for task_id, outcome in unclear.items():
        if listed is None:
            said[task_id] = f"It may have been removed or not. {outcome.msg}"
        else:
            said[task_id] = f"It is still listed. {outcome.msg}" if task_id in listed else outcome.outcome
    return said


def create_removal_result(
    tasks: list[dict[str, Any]], deleted: list[str], kept: list[dict[str, Any]], errors: list[dict[str, Any]]
) -> dict[str, Any]:
    """Build the result of a removal: done, predicted or refused. ``diff`` shows the selected tasks before and after."""
    gone = set(deleted)
    return {
        "tasks": tasks,
        "deleted": deleted,
        "kept": [{"task_id": task["task_id"], "state": task["state"]} for task in kept],
        "errors": errors,
        "diff": {
            "before": _print_tasks(tasks),
            "after": _print_tasks(task for task in tasks if task["task_id"] not in gone),
        },
    }


def _print_tasks(tasks: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{task['task_id']} {task['state']} {task['operation']}\n" for task in tasks)
