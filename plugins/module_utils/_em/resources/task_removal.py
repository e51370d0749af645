# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing tasks: which may be removed, and the outcome for each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.parallel import Next, run_parallel
from ..errors import EmError
from ..protocol.filters import natural_key
from .tasks import Selection, create_task_path, is_task_not_found, list_task_ids, read_task

MAX_UNANSWERED = 3  # removals in a row without any answer, after which the server gets no further one
DELETED = "deleted"
ALREADY_ABSENT = "already absent"


class UnknownOutcome(NamedTuple):
    """A removal without a clear answer: the message of its failure, and the outcome to note if the task is no longer listed."""

    msg: str
    if_gone: str


def plan_removal(
    tasks: list[dict[str, Any]], selection: Selection, *, force: bool, max_delete: int | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the selected tasks to delete and those to keep. Raise ``invalid_option`` where nothing may be removed."""
    to_delete = [task for task in tasks if force or task["state"] == "Finished"]
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
    if max_delete is not None and len(to_delete) > max_delete:
        raise EmError(
            "invalid_option",
            f"The option max_delete allows {max_delete} removals, but {len(to_delete)} tasks match, so nothing was removed:"
            " narrow the selection or raise max_delete.",
            result=create_removal_result(tasks, [], kept, []),
        )
    return to_delete, kept


def remove_tasks(
    client: Client, tasks: list[dict[str, Any]], to_delete: list[dict[str, Any]], kept: list[dict[str, Any]]
) -> dict[str, Any]:
    """Remove tasks, each with a request of its own, and return the outcome for each.

    A task that was already absent is neither deleted nor an error. A removal without an answer is not repeated; its outcome
    is read from the list afterwards. Raise ``partial`` if any task that was to be removed may be left.
    """
    removal = _Removal()
    run_parallel(client, deque(task["task_id"] for task in to_delete), removal.remove)
    outcomes = {task["task_id"]: removal.outcomes.get(task["task_id"], removal.not_attempted_reason) for task in to_delete}
    resolved = _resolve_unknown(client, outcomes, session_lost=removal.session_lost is not None)
    deleted = sorted((task_id for task_id, outcome in resolved.items() if outcome == DELETED), key=natural_key)
    errors = [
        {"task_id": task_id, "msg": resolved[task_id]}
        for task_id in sorted(resolved, key=natural_key)
        if resolved[task_id] not in (DELETED, ALREADY_ABSENT)
    ]
    result = {"changed": bool(deleted), **create_removal_result(tasks, deleted, kept, errors)}
    if removal.session_lost is not None:
        removal.session_lost.result = result
        raise removal.session_lost
    if errors:
        raise EmError(
            "partial",
            f"{len(deleted)} of {len(to_delete)} tasks were removed; {len(errors)} were not, or may not have been:"
            f" {errors[0]['task_id']}: {errors[0]['msg']}" + (" (and more, see errors)" if len(errors) > 1 else ""),
            result=result,
        )
    return result


class _Removal:
    """The outcomes so far, and whether to continue: `run_parallel` may call `remove` from several threads."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str | UnknownOutcome] = {}
        self.session_lost: EmError | None = None
        self._unanswered = 0

    @property
    def not_attempted_reason(self) -> str:
        """Return why the removals that have no outcome were not attempted."""
        if self.session_lost is not None:
            return "Not removed: the logon session was lost."
        return "Not attempted: the server had stopped answering."

    def remove(self, client: Client, task_id: str) -> Next:
        """Remove a task and note its outcome."""
        self.outcomes[task_id], err = _remove_task(client, task_id)
        self._unanswered = self._unanswered + 1 if err is not None and err.status is None else 0
        if err is not None and err.kind == "session_lost":
            self.session_lost = err
        if self.session_lost is not None or self._unanswered >= MAX_UNANSWERED:
            return Next.STOP
        return Next.CONTINUE if err is None or is_task_not_found(err) else Next.SERIAL


def _remove_task(client: Client, task_id: str) -> tuple[str | UnknownOutcome, EmError | None]:
    """Remove one task. Return its outcome, and the failure if there was one."""
    try:
        status = client.send("DELETE", create_task_path(task_id)).status
    except EmError as err:
        if is_task_not_found(err):
            return ALREADY_ABSENT, err
        if err.status == 404:
            return UnknownOutcome(err.msg, ALREADY_ABSENT), err
        # A 500 may be the server's "there is no such task" in another language, or come after the removal: the list decides.
        if err.status == 500 or (err.status is None and err.may_have_been_sent) or 200 <= (err.status or 0) < 300:
            return UnknownOutcome(err.msg, DELETED), err
        return err.msg, err
    if status == 204:
        return DELETED, None
    return UnknownOutcome(f"The server answered {status} instead of 204.", DELETED), None


def _resolve_unknown(client: Client, outcomes: Mapping[str, str | UnknownOutcome], *, session_lost: bool) -> dict[str, str]:
    """Return every outcome, and read the list for those without a clear answer: a task that is not listed any more is gone."""
    resolved = {task_id: outcome for task_id, outcome in outcomes.items() if isinstance(outcome, str)}
    unknown = {task_id: outcome for task_id, outcome in outcomes.items() if isinstance(outcome, UnknownOutcome)}
    if not unknown:
        return resolved
    pages = client.pages
    listed: set[str] | None = None
    try:
        if not session_lost:
            listed = list_task_ids(client)
            if client.pages - pages > 1:  # rows may have moved from page to page while they were read
                listed |= {task_id for task_id in unknown if task_id not in listed and read_task(client, task_id) is not None}
    except EmError:
        listed = None
    for task_id, outcome in unknown.items():
        if listed is None:
            resolved[task_id] = f"It may have been removed or not. {outcome.msg}"
        else:
            resolved[task_id] = f"It is still listed. {outcome.msg}" if task_id in listed else outcome.if_gone
    return resolved


def create_removal_result(
    tasks: list[dict[str, Any]], deleted: list[str], kept: list[dict[str, Any]], errors: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the result of a removal: done, predicted or refused. ``diff`` shows the selected tasks before and after."""
    gone = set(deleted)
    return {
        "tasks": tasks,
        "deleted": deleted,
        "kept": [{"task_id": task["task_id"], "state": task["state"]} for task in kept],
        "errors": errors,
        "diff": {
            "before": _format_tasks(tasks),
            "after": _format_tasks(task for task in tasks if task["task_id"] not in gone),
        },
    }


def _format_tasks(tasks: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{task['task_id']} {task['state']} {task['operation']}\n" for task in tasks)
