# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for tasks to finish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..client.client import Client
from ..client.polling import TimedOut, poll
from ..errors import EmError
from ..protocol.filters import natural_key
from .tasks import NO_TASKS_OF_OWN, Found, Selection, find_tasks, select_by_ids, warn_of_no_outcome


class Patience:
    """How long a wait may take, from its making on, and the longest pause between two looks; in seconds."""

    def __init__(self, client: Client, wait_timeout: int, poll_interval: int) -> None:
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.deadline = client.clock() + wait_timeout


def find_patiently(client: Client, selection: Selection, patience: Patience) -> Found:
    """Find the tasks to wait for; a fault that passes is ridden out here as it is later. A logon that fails does not pass."""
    if not selection.is_none:
        client.log_on()
    deadline = max(patience.deadline, client.clock() + client.connection.timeout)  # one look in any case
    end = poll(
        client,
        lambda: find_tasks(client, selection, for_action=True),
        deadline=deadline,
        poll_interval=patience.poll_interval,
    )
    if isinstance(end, TimedOut):
        raise EmError(
            "wait_timeout",
            f"Within {patience.wait_timeout} seconds the tasks could not even be listed.{end.explain()}",
            detail=end.trouble.msg if end.trouble else None,
        )
    return end


def wait_for_tasks(client: Client, found: Found, patience: Patience) -> list[dict[str, Any]]:
    """Wait until every task that was found is finished and return them as last seen.

    One poll is one query. Faults that pass are ridden out; a lost session is not.
    """
    tasks = {task["task_id"]: task for task in found.tasks}
    vanished: set[str] = set()

    def list_pending() -> list[str]:
        return [task_id for task_id, task in tasks.items() if task["state"] != "Finished" and task_id not in vanished]

    def look() -> bool | None:
        pending = list_pending()
        seen = {task["task_id"]: task for task in find_tasks(client, select_by_ids(pending)).tasks}
        tasks.update(seen)
        vanished.update(task_id for task_id in pending if task_id not in seen)
        return None if list_pending() else True

    if list_pending():
        try:
            end = poll(client, look, deadline=patience.deadline, poll_interval=patience.poll_interval, pause_first=True)
            if isinstance(end, TimedOut):
                raise _create_timeout(list_pending(), tasks, patience.wait_timeout, end)
        except EmError as err:
            err.msg += f" {_explain_vanished(vanished)}" if vanished else ""
            err.result = {"tasks": list(tasks.values())}
            raise
    if vanished:
        raise EmError("not_found", _explain_vanished(vanished), result={"tasks": list(tasks.values())})
    return list(tasks.values())


def _explain_vanished(vanished: set[str]) -> str:
    return (
        f"Vanished while being waited for: {', '.join(sorted(vanished, key=natural_key))}. Somebody removed the tasks,"
        " or the server dropped them; how they ended cannot be told."
    )


def check_named(client: Client, found: Found) -> None:
    """Fail as ``not_found`` if a task that was named by its id does not exist."""
    if found.missing:
        raise EmError(
            "not_found",
            f"There is no such task in this logon session: {', '.join(found.missing)}. "
            + (NO_TASKS_OF_OWN if client.is_own else "A task is visible only to the session that made it."),
            result={"tasks": found.tasks},
        )


def check_success(client: Client, tasks: list[dict[str, Any]]) -> None:
    """Fail as ``task_failed`` if a finished task was not carried out, and warn if that is not known."""
    client.warnings += [warn_of_no_outcome(task) for task in tasks if task["success"] is None]
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


def _create_timeout(pending: list[str], tasks: Mapping[str, dict[str, Any]], wait_timeout: int, end: TimedOut) -> EmError:
    listed = ", ".join(f"{task_id} ({tasks[task_id]['state']})" for task_id in pending[:10])
    return EmError(
        "wait_timeout",
        f"After {wait_timeout} seconds {len(pending)} of {len(tasks)} tasks are not finished: {listed}"
        f"{' and more' if len(pending) > 10 else ''}. Raise wait_timeout if this is only slow.{end.explain()}",
        detail=end.trouble.msg if end.trouble else None,
    )
