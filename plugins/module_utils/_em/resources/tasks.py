# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks: what they look like to a playbook, and which of them are meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..client.client import Client
from ..client.status import is_unknown_task
from ..errors import EmError, create_option_error
from ..protocol.codec import read_bool, read_text
from ..protocol.filters import (
    And,
    Comparison,
    Field,
    Node,
    Or,
    can_travel,
    create_wire_filter,
    is_sendable,
    matches,
    natural_key,
    parse_filter,
)
from ..protocol.links import iter_links, normalise_link, strip_host
from .listing import PAGE_SIZE, TASKS, iter_resources

STATES = ("Running", "OperationFinished", "Finished")
FIELDS = (
    Field("TaskId", "task_id", "natural"),
    Field("State", "state", "enum", STATES),
    Field("Operation", "operation"),
)
# Servers' own task queries sort by TaskUid, HC9 and HC10 filter by it (wire facts, section 4): the same id.
FILTER_FIELDS = (*FIELDS, Field("TaskUid", "task_id", "natural"))
SORT_KEYS = ("task_id", "state", "operation")

NO_TASKS_OF_OWN = (
    "This task logged on for itself, and Enterprise Manager shows a logon session only the tasks that were made in it, so"
    " there was nothing to see. Log on once with vbem.rest.veeam_session, give its session to whatever starts the tasks, and"
    " to this task as well."
)


class Selection(NamedTuple):
    """Which tasks are meant. Criteria are ANDed, the values of one are ORed."""

    criteria: tuple[Node, ...]
    success: bool | None = None
    task_ids: tuple[str, ...] = ()  # those that were named one by one

    @property
    def is_all(self) -> bool:
        """Ask whether there is no criterion at all."""
        return not self.criteria and self.success is None

    @property
    def is_none(self) -> bool:
        """Ask whether an empty list was given: it is what is left of somebody's tasks, and selects nothing."""
        return Or(()) in self.criteria


class Found(NamedTuple):
    """What a selection found. ``missing`` are named ids that the session does not know; ``listed`` counts what was seen."""

    tasks: list[dict[str, Any]]
    missing: list[str]
    listed: int


def create_selection(params: Mapping[str, Any]) -> Selection:
    """Build a selection from a module's selection options; a malformed one fails here, before any request."""
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
    """Give each value once, without the white space that "task-5, task-6" or the last line of a file brings along."""
    return tuple(dict.fromkeys(value.strip() for value in values))


def select_by_ids(task_ids: Iterable[str]) -> Selection:
    """Build the selection of just these tasks."""
    task_ids = tuple(task_ids)
    return Selection((Or(tuple(Comparison(FIELDS[0], "==", task_id) for task_id in task_ids)),), None, task_ids)


def normalise_task(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Map a decoded Task to its public shape; the same for every format and version. What is not known is None.

    The outcome counts only once the state is Finished: OperationFinished carries a placeholder Result, and one of the
    reference's Running samples a Result as well (wire facts, section 2.1).
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
    """Build a task's path from its id. A sample of the reference has a Delete link to another task (wire facts, 2.1)."""
    if task_id in (".", "..") or not can_travel(task_id):
        raise EmError("bad_response", f"The server listed a task with the id {task_id!r}, which cannot be addressed.")
    return f"/api/tasks/{quote(task_id, safe='')}"


def find_tasks(client: Client, selection: Selection, *, page_size: int = PAGE_SIZE, for_action: bool = False) -> Found:
    """List the selected tasks, in natural order of their ids.

    The server gets as much of the criteria as every server understands alike, and all are applied here again: whether
    servers filter tasks at all is contradictory even in the reference (wire facts, section 4). So an answer that lacks
    what was asked for is not believed before the unfiltered list agrees; and a filter that was refused or that hid
    something is not sent again in this conversation. What is ``for_action`` is selected from the unfiltered list, unless ids
    say what is to be there: a server that heeds half of a filter answers with some of the tasks, and the rest is not missed.
    """
    if selection.is_none:
        return Found([], [], 0)
    is_sent = client.filters_tasks and not (for_action and not selection.task_ids)
    wire = create_wire_filter(And(selection.criteria), is_certain=is_sendable) if is_sent else None
    if wire is None:
        return _find_in_whole(client, selection, page_size)
    client.log_on()
    narrow: Found | None = None
    try:
        narrow = _find(client, wire, selection, page_size)
    except EmError as err:
        if err.status not in (400, 500, 501):
            raise
    if narrow is not None and narrow.tasks and not narrow.missing:
        return narrow
    whole = _find_in_whole(client, selection, page_size)
    client.filters_tasks = narrow is not None and len(narrow.tasks) == len(whole.tasks)
    return whole


def list_task_ids(client: Client) -> set[str]:
    """Give the ids of all tasks of the session."""
    return {task["task_id"] for task in _read_tasks(client, None, PAGE_SIZE)}


def _find_in_whole(client: Client, selection: Selection, page_size: int) -> Found:
    """List the selected tasks from the unfiltered list, and ask for each named one that several pages lack.

    A list is no snapshot. While it is read page by page, others who share the session remove tasks, and what moves up to a
    page that was read already is never seen.
    """
    pages = client.pages
    found = _find(client, None, selection, page_size)
    if client.pages - pages < 2 or not found.missing:
        return found
    late = [task for task in (look_up(client, task_id) for task_id in found.missing) if task is not None]
    seen = {task["task_id"].lower() for task in late}
    tasks = found.tasks + [task for task in late if is_selected(task, selection)]
    return Found(
        sorted(tasks, key=lambda task: natural_key(task["task_id"])),
        [task_id for task_id in found.missing if task_id.lower() not in seen],
        found.listed + len(late),
    )


def look_up(client: Client, task_id: str) -> dict[str, Any] | None:
    """Read one task; None where the server does not have it."""
    if task_id in (".", "..") or not can_travel(task_id):
        return None
    try:
        document = client.get(create_task_path(task_id))
    except EmError as err:
        if is_unknown_task(err) or (err.status == 404 and err.detail):  # one without a word of the API may be a proxy's
            return None
        raise
    if not isinstance(document.data, dict):
        raise EmError("bad_response", "The server's answer is not a task.")
    return normalise_task(document.data, client)


def _find(client: Client, wire: str | None, selection: Selection, page_size: int) -> Found:
    wanted = {task_id.lower(): task_id for task_id in selection.task_ids}
    found: dict[str, dict[str, Any]] = {}
    listed = 0
    for task in _read_tasks(client, wire, page_size):
        listed += 1
        wanted.pop(task["task_id"].lower(), None)
        if is_selected(task, selection):
            found[task["task_id"]] = task
    return Found(sorted(found.values(), key=lambda task: natural_key(task["task_id"])), list(wanted.values()), listed)


def _read_tasks(client: Client, wire: str | None, page_size: int) -> Iterator[dict[str, Any]]:
    for row in iter_resources(client, TASKS, wire=wire, page_size=page_size):
        yield normalise_task(row, client)


def is_selected(task: Mapping[str, Any], selection: Selection) -> bool:
    """Ask whether a task meets every criterion."""
    if selection.success is not None and task["success"] is not selection.success:
        return False
    return matches(And(selection.criteria), task)


def sort_tasks(tasks: list[dict[str, Any]], *, key: str, descending: bool) -> list[dict[str, Any]]:
    """Sort naturally by one key, states by their rank, equal ones by id in ascending order; what is unknown comes last."""

    def rank(task: Mapping[str, Any]) -> Any:
        value = task[key]
        if key == "state":
            return STATES.index(value) if value in STATES else len(STATES)
        return natural_key(value)

    tasks = sorted(tasks, key=lambda task: natural_key(task["task_id"]))
    known = [task for task in tasks if task[key] is not None]
    return sorted(known, key=rank, reverse=descending) + [task for task in tasks if task[key] is None]


def warn_of_own_session(client: Client, selection: Selection, found: Found) -> None:
    """Say why a session of the module's own shows no tasks, where it shows none at all."""
    if client.is_own and not found.listed and not selection.is_none:
        client.warnings.append(NO_TASKS_OF_OWN)


def warn_of_no_outcome(task: Mapping[str, Any]) -> str:
    """Build the warning for a task that is finished without an outcome: it may have failed."""
    return f"The server does not say whether {task['task_id']} ({task['operation']}), which is finished, was carried out."
