# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for tasks to finish."""

from __future__ import annotations

from typing import Any

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.filters import natural_key
from .listing import FilteredListing
from .tasks import (
    NO_TASKS_IN_OWN_SESSION,
    Found,
    Selection,
    create_outcome_warning,
    find_tasks,
    select_by_ids,
)


def find_tasks_retrying(listing: FilteredListing, selection: Selection, budget: WaitBudget) -> Found:
    """Return the tasks to wait for. Transient errors are retried, as in the wait itself; a failed logon is not."""
    client = listing.client
    if not selection.is_none:
        client.ensure_session()
    deadline = max(budget.deadline, client.clock() + client.connection.timeout)  # at least one poll
    found = poll(client, lambda: find_tasks(listing, selection, for_action=True), budget, deadline=deadline)
    if isinstance(found, TimedOut):
        raise EmError(
            "wait_timeout",
            f"The tasks could not even be listed within {budget.wait_timeout} seconds.{found.explain()}",
            detail=found.detail,
        )
    return found


def wait_for_tasks(listing: FilteredListing, found: Found, budget: WaitBudget) -> list[dict[str, Any]]:
    """Wait until every task that was found is finished, and return them as last seen.

    One poll is one query. Transient errors are retried; a lost session is not.
    """
    client = listing.client
    tasks = {task["task_id"]: task for task in found.tasks}
    vanished: set[str] = set()

    def list_pending() -> list[str]:
        return [task_id for task_id, task in tasks.items() if task["state"] != "Finished" and task_id not in vanished]

    def is_done() -> bool | None:
        pending = list_pending()
        seen = {task["task_id"]: task for task in find_tasks(listing, select_by_ids(pending)).tasks}
        tasks.update(seen)
        vanished.update(task_id for task_id in pending if task_id not in seen)
        still_pending = list_pending()
        client.hooks.on_progress(f"{len(tasks) - len(still_pending)} of {len(tasks)} tasks finished")
        return None if still_pending else True

    if list_pending():
        try:
            done = poll(client, is_done, budget, pause_first=True)
            if isinstance(done, TimedOut):
                raise _create_timeout(list_pending(), tasks, budget, done)
        except EmError as err:
            if vanished:
                err.add_context(_explain_vanished(vanished))
            err.result = {"tasks": list(tasks.values())}
            raise
    if vanished:
        raise EmError("not_found", _explain_vanished(vanished), result={"tasks": list(tasks.values())})
    return list(tasks.values())


def _create_timeout(pending: list[str], tasks: dict[str, dict[str, Any]], budget: WaitBudget, timed_out: TimedOut) -> EmError:
    listed = ", ".join(f"{task_id} ({tasks[task_id]['state']})" for task_id in pending[:10])
    return EmError(
        "wait_timeout",
        f"After {budget.wait_timeout} seconds {len(pending)} of {len(tasks)} tasks are not finished: {listed}"
        f"{' and more' if len(pending) > 10 else ''}. Raise wait_timeout if the server is only slow.{timed_out.explain()}",
        detail=timed_out.detail,
    )


def _explain_vanished(vanished: set[str]) -> str:
    return (
        f"Vanished during the wait: {', '.join(sorted(vanished, key=natural_key))}. Somebody removed the tasks,"
        " or the server dropped them; their outcome is unknown."
    )


def require_all_found(listing: FilteredListing, found: Found) -> None:
    """Raise ``not_found`` if a task that was named by its id does not exist."""
    if found.missing:
        raise EmError(
            "not_found",
            f"There is no such task in this logon session: {', '.join(found.missing)}. "
            + (
                NO_TASKS_IN_OWN_SESSION
                if listing.client.owns_session
                else "A task is visible only to the session that created it."
            ),
            result={"tasks": found.tasks},
        )


def require_any_found(client: Client, selection: Selection, found: Found, *, fail: bool) -> None:
    """Raise ``not_found`` if there is nothing to wait for, or warn of it where that is no failure."""
    if found.tasks:
        return
    in_own_session = client.owns_session and not found.listed
    msg = "There is no task to wait for." + (f" {NO_TASKS_IN_OWN_SESSION}" if in_own_session else "")
    if fail:
        raise EmError("not_found", msg, result={"tasks": []})
    if not selection.is_none:
        client.warnings.append(msg)


def raise_for_failed_tasks(listing: FilteredListing, tasks: list[dict[str, Any]]) -> None:
    """Raise ``task_failed`` if a finished task did not succeed, and warn if its outcome is unknown."""
    listing.client.warnings += [create_outcome_warning(task) for task in tasks if task["success"] is None]
    failed = [task for task in tasks if task["success"] is False]
    if failed:
        first = failed[0]
        raise EmError(
            "task_failed",
            f"{len(failed)} of {len(tasks)} tasks failed: {first['task_id']} ({first['operation']}):"
            f" {first['message'] or 'the server gave no reason'}" + (" (and more, see tasks)" if len(failed) > 1 else ""),
            detail=first["message"],
            result={"tasks": tasks},
        )
