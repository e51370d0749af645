# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks: their public form, and selecting them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import Document, read_bool, read_text
from ..protocol.filters import And, Comparison, Field, Node, Or, is_transmissible, matches, natural_key, parse_filter
from ..protocol.links import iter_links, normalise_link, strip_host
from .listing import PAGE_SIZE, TASK_QUERY, FilteredListing

STATES = ("Running", "OperationFinished", "Finished")
FIELDS = (
    Field("TaskId", "task_id", "natural"),
    Field("State", "state", "enum", STATES),
    Field("Operation", "operation"),
)
# Servers' own task queries sort by TaskUid, and documentation of 9.0 and 10 filters by it (wire facts, section 4): the same id.
FILTER_FIELDS = (*FIELDS, Field("TaskUid", "task_id", "natural"))
SORT_KEYS = ("task_id", "state", "operation")

SELECTION_SPEC: dict[str, Any] = {
    "task_id": {"type": "list", "elements": "str"},
    "task_state": {"type": "list", "elements": "str", "choices": list(STATES)},
    "operation": {"type": "list", "elements": "str"},
    "success": {"type": "bool"},
    "filter": {"type": "str"},
}
SORT_SPEC: dict[str, Any] = {
    "sort_by": {"type": "str", "choices": list(SORT_KEYS), "default": "task_id"},
    "descending": {"type": "bool", "default": False},
}

NO_TASKS_IN_OWN_SESSION = (
    "This task logged on for itself, and Enterprise Manager shows a logon session only the tasks that were created in it, so"
    " there was nothing to see. Log on once with vbem.rest.veeam_session, and pass its session to what creates the tasks and to"
    " this task."
)
# The server's message for a task that the session does not have, with status 500: wire facts, section 3.1.
_NO_SUCH_TASK = re.compile(r"\bno\b.*\btask with id\b", re.IGNORECASE | re.DOTALL)


class Selection(NamedTuple):
    """The criteria that select tasks. Criteria are ANDed, the values of one criterion are ORed."""

    criteria: tuple[Node, ...]
    success: bool | None = None
    task_ids: tuple[str, ...] = ()  # those that were named one by one

    @property
    def is_all(self) -> bool:
        """Return whether there is no criterion at all."""
        return not self.criteria and self.success is None

    @property
    def is_none(self) -> bool:
        """Return whether an empty list was given, which selects nothing."""
        return Or(()) in self.criteria


class Found(NamedTuple):
    """What a selection found. ``missing`` are named ids that are not listed; ``listed`` and ``pages`` count what was read."""

    tasks: list[dict[str, Any]]
    missing: list[str]
    listed: int = 0
    pages: int = 0


def create_selection(params: Mapping[str, Any]) -> Selection:
    """Return the selection of a module's options. Raise ``invalid_option`` or ``invalid_filter`` for malformed ones."""
    parts: list[Node] = []
    for option, field in (("task_id", FIELDS[0]), ("task_state", FIELDS[1]), ("operation", FIELDS[2])):
        values = params[option]
        if values is None:
            continue
        if any(not value.strip() for value in values):
            raise create_option_error(option, values, "one of its values is empty; leave that value out")
        parts.append(Or(tuple(Comparison(field, "==", value) for value in _strip(values))))
    if params["filter"] is not None:
        if not params["filter"].strip():
            raise create_option_error("filter", params["filter"], "it is empty; leave it out", kind="invalid_filter")
        parts.append(parse_filter(params["filter"], FILTER_FIELDS))
    return Selection(tuple(parts), params["success"], _strip(params["task_id"] or ()))


def _strip(values: Iterable[str]) -> tuple[str, ...]:
    """Return each value once, without the white space of "task-5, task-6" or of a file's last line."""
    return tuple(dict.fromkeys(value.strip() for value in values))


def select_by_ids(task_ids: Iterable[str]) -> Selection:
    """Return the selection of just these tasks."""
    task_ids = tuple(task_ids)
    return Selection((Or(tuple(Comparison(FIELDS[0], "==", task_id) for task_id in task_ids)),), None, task_ids)


def normalise_task(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Return the public form of a decoded Task, the same for every format and version. What is not known is None.

    The outcome counts only once the state is Finished: OperationFinished has a placeholder Result, and one of the
    reference's Running samples has a Result as well (wire facts, section 2.1).
    """
    href = read_text(row, "href")
    task_id = read_text(row, "task_id")
    if task_id is None and href is not None:
        task_id = unquote(strip_host(href).partition("?")[0].rpartition("/")[2]) or None
    if task_id is None:
        raise EmError("bad_response", "The server listed a task without an id.")
    state = read_text(row, "state")
    state = next((known for known in STATES if known.lower() == (state or "").lower()), state)
    outcome = row.get("result") if state == "Finished" else None
    outcome = outcome if isinstance(outcome, dict) else {}
    return {
        "task_id": task_id,
        "state": state,
        "operation": read_text(row, "operation"),
        "success": read_bool(outcome, "success"),
        "message": read_text(outcome, "message"),
        "href": client.locate(href or create_task_path(task_id)),
        "related": [
            normalise_link(link, client.connection.base_url)
            for link in iter_links(row)
            if (read_text(link, "rel") or "").lower() != "delete"
        ],
    }


def create_task_path(task_id: str) -> str:
    """Return a task's path from its id. A sample of the reference has a Delete link to another task (wire facts, 2.1)."""
    if not _has_path(task_id):
        raise EmError("bad_response", f"The server listed a task with the id {task_id!r}, which cannot be part of a URL.")
    return f"/api/tasks/{quote(task_id, safe='')}"


def _has_path(task_id: str) -> bool:
    return task_id not in (".", "..") and is_transmissible(task_id)


def find_tasks(
    listing: FilteredListing, selection: Selection, *, page_size: int = PAGE_SIZE, for_action: bool = False
) -> Found:
    """Return the selected tasks, in natural order of their ids.

    A filtered answer that lacks something is checked against the unfiltered list. With ``for_action`` tasks are selected from
    the unfiltered list, unless they are named by id: a server that applies half of a filter returns some of the tasks, and
    nobody notices that the others are missing.
    """
    if selection.is_none:
        return Found([], [])
    listing.client.ensure_session()
    if for_action and not selection.task_ids:
        return _find_in_whole(listing, selection, page_size)
    narrow = _find(listing, And(selection.criteria), selection, page_size)
    if listing.is_filtered and (narrow.missing or not narrow.tasks):
        whole = _find_in_whole(listing, selection, page_size)
        if len(whole.tasks) > len(narrow.tasks):
            listing.distrust_filter()
        return whole
    return _add_missed(listing.client, narrow, selection)


def list_task_ids(client: Client) -> set[str]:
    """Return the ids of all tasks of the session."""
    return {normalise_task(row, client)["task_id"] for row in FilteredListing(client, TASK_QUERY).iter_rows()}


def _find_in_whole(listing: FilteredListing, selection: Selection, page_size: int) -> Found:
    """Return the selected tasks from the unfiltered list."""
    return _add_missed(listing.client, _find(listing, None, selection, page_size), selection)


def _add_missed(client: Client, found: Found, selection: Selection) -> Found:
    """Read each named task that an unfiltered list of several pages lacks.

    A list is not a snapshot. While it is read page by page, others who share the session remove tasks, and a task that moves up
    to a page that was read already is missed.
    """
    if not found.missing or found.pages < 2:
        return found
    late = [task for task in (read_task(client, task_id) for task_id in found.missing) if task is not None]
    seen = {task["task_id"].lower() for task in late}
    tasks = found.tasks + [task for task in late if is_selected(task, selection)]
    return found._replace(
        tasks=sorted(tasks, key=lambda task: natural_key(task["task_id"])),
        missing=[task_id for task_id in found.missing if task_id.lower() not in seen],
        listed=found.listed + len(late),
    )


def _find(listing: FilteredListing, criteria: Node | None, selection: Selection, page_size: int) -> Found:
    client, pages = listing.client, listing.client.pages
    wanted = {task_id.lower(): task_id for task_id in selection.task_ids}
    found: dict[str, dict[str, Any]] = {}
    listed = 0
    for row in listing.iter_rows(criteria, page_size=page_size):
        task = normalise_task(row, client)
        listed += 1
        wanted.pop(task["task_id"].lower(), None)
        if is_selected(task, selection):
            found[task["task_id"]] = task
    tasks = sorted(found.values(), key=lambda task: natural_key(task["task_id"]))
    return Found(tasks, list(wanted.values()), listed, client.pages - pages)


def is_selected(task: Mapping[str, Any], selection: Selection) -> bool:
    """Return whether a task meets every criterion."""
    if selection.success is not None and task["success"] is not selection.success:
        return False
    return matches(And(selection.criteria), task)


def read_task(client: Client, task_id: str) -> dict[str, Any] | None:
    """Return a task as it is now; None where the session does not have it."""
    if not _has_path(task_id):
        return None
    try:
        return parse_task(client.get(create_task_path(task_id)), client)
    except EmError as err:
        if is_task_gone(client, task_id, err):
            return None
        raise


def parse_task(document: Document, client: Client) -> dict[str, Any]:
    """Return the public form of the task that an answer is."""
    if not isinstance(document.data, dict):
        raise EmError("bad_response", "The server's answer is not a task.")
    return normalise_task(document.data, client)


def is_task_not_found(err: EmError) -> bool:
    """Return whether a failure is the server's own message that the session has no such task, with status 404 or 500.

    A 404 with another message, or with none, may come from a proxy or from a service that restarts.
    """
    return err.status in (404, 500) and bool(_NO_SUCH_TASK.search(err.detail or ""))


def is_task_gone(client: Client, task_id: str, err: EmError) -> bool:
    """Return whether the failure of a request for a task means that the session does not have it (any more).

    The server's own message is enough. After any other 404 or 500, such as one in another language, the list decides.
    """
    return is_task_not_found(err) or (err.status in (404, 500) and task_id not in list_task_ids(client))


def sort_tasks(tasks: list[dict[str, Any]], *, key: str, descending: bool) -> list[dict[str, Any]]:
    """Return tasks in natural order of one key, states by their rank, equal ones by ascending id; unknown values come last."""

    def rank(task: Mapping[str, Any]) -> Any:
        value = task[key]
        if key == "state":
            return STATES.index(value) if value in STATES else len(STATES)
        return natural_key(value)

    tasks = sorted(tasks, key=lambda task: natural_key(task["task_id"]))
    known = [task for task in tasks if task[key] is not None]
    return sorted(known, key=rank, reverse=descending) + [task for task in tasks if task[key] is None]


def warn_of_own_session(client: Client, selection: Selection, found: Found) -> None:
    """Warn, if no tasks are listed, that a session of the module's own shows no tasks of others."""
    if client.owns_session and not found.listed and not selection.is_none:
        client.warnings.append(NO_TASKS_IN_OWN_SESSION)


def create_outcome_warning(task: Mapping[str, Any]) -> str:
    """Return the warning for a task that is finished without an outcome: it may have failed."""
    return f"The server does not say whether {task['task_id']} ({task['operation']}), which is finished, succeeded."
