#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove tasks of Enterprise Manager, or wait for them."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_task
short_description: Remove tasks of Veeam Backup Enterprise Manager, or wait for them
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Removes tasks of a logon session of Veeam Backup Enterprise Manager, or waits until they are finished.
  - At least one of O(task_id), O(task_state), O(operation), O(success) and O(filter) must select the tasks. Giving none is an
    error.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._selection
  - vbem.rest._wait
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - With O(state=absent) nothing is removed, and the result predicts that of a real run.
      - With O(state=finished) the module does not wait.
  diff_mode:
    support: full
    details:
      - Shows the selected tasks before and after a removal.
options:
  state:
    description:
      - V(absent) removes the tasks. A task that does not exist is no failure; a lost session is one.
      - V(finished) waits until every one of the tasks is finished, and never is a change.
    type: str
    choices: [absent, finished]
    required: true
  force:
    description:
      - Also remove tasks that are not finished, which stops them.
      - Without it such a task is left alone and listed in RV(kept) or, if O(task_id) names it, fails the module before anything
        is removed.
      - Only for O(state=absent).
    type: bool
    default: false
  max_delete:
    description:
      - If more tasks than this would be removed, fail before anything is removed.
      - Only for O(state=absent).
    type: int
  fail_on_error:
    description:
      - Whether a task that finished without success fails the module as V(task_failed).
      - Only for O(state=finished).
    type: bool
    default: true
  fail_if_none:
    description:
      - Whether the module fails as V(not_found) if there is no task to wait for. Without it, there is only a warning.
      - Only for O(state=finished).
    type: bool
    default: false
seealso:
  - module: vbem.rest.veeam_task_info
  - module: vbem.rest.veeam_session
  - name: DELETE /tasks/{ID}
    description: The vendor's reference of removing a task.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/delete_task_id.html
  - name: GET /query?type=Task
    description: The vendor's reference of listing tasks.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_query_task.html
"""

EXAMPLES = r"""
- name: Wait until all that was started in this session is finished
  vbem.rest.veeam_task:
    session: "{{ em.session }}"
    state: finished
    operation: StartJob
    wait_timeout: 120

- name: Remove the finished tasks of the session, but stop if there are suspiciously many
  vbem.rest.veeam_task:
    session: "{{ em.session }}"
    state: absent
    task_state: Finished
    max_delete: 50
  register: removed

- name: Remove one task by its id
  vbem.rest.veeam_task:
    session: "{{ em.session }}"
    state: absent
    task_id: task-5
"""

RETURN = r"""
tasks:
  description:
    - The selected tasks, as they were before a removal, or as last read by a wait.
    - The keys are those of the return value C(tasks) of M(vbem.rest.veeam_task_info).
  returned: success, and failures that come after the tasks were listed
  type: list
  elements: dict
  sample:
    - task_id: task-5
      state: Finished
      operation: StartJob
      success: true
      message: Ok
      href: https://em.example.com:9398/api/tasks/task-5
      related: []
deleted:
  description: Ids of the tasks that were removed or, in check mode, would be.
  returned: when O(state=absent)
  type: list
  elements: str
  sample: [task-5]
kept:
  description: Selected tasks that were left alone because they are not finished.
  returned: when O(state=absent)
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      returned: success
      sample: task-6
    state:
      description: State of the task.
      type: str
      returned: success
      sample: Running
errors:
  description: Tasks whose removal failed, or may have failed.
  returned: when O(state=absent)
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      returned: success
      sample: task-7
    msg:
      description: What happened.
      type: str
      returned: success
      sample: "The server answered 500 to DELETE /api/tasks/task-7."
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.polling import WaitBudget
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.listing import TASK_QUERY, FilteredListing
from ..module_utils._em.resources.task_removal import create_removal_result, plan_removal, remove_tasks
from ..module_utils._em.resources.task_wait import (
    find_tasks_retrying,
    raise_for_failed_tasks,
    require_all_found,
    require_any_found,
    wait_for_tasks,
)
from ..module_utils._em.resources.tasks import (
    SELECTION_SPEC,
    Selection,
    create_selection,
    find_tasks,
    warn_of_own_session,
)
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    **SELECTION_SPEC,
    "state": {"type": "str", "choices": ["absent", "finished"], "required": True},
    "force": {"type": "bool", "default": False},
    "max_delete": {"type": "int"},
    "fail_on_error": {"type": "bool", "default": True},
    "fail_if_none": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "int", "default": 10},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Remove the selected tasks or wait for them, and return the result."""
    selection = create_selection(params)
    if selection.is_all:
        raise EmError(
            "invalid_option",
            "No task is selected: set at least one of task_id, task_state, operation, success and filter."
            " (For every finished task of the session, set task_state: Finished.)",
        )
    check_minimum(params, "max_delete", 0)
    check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    for name in ("force", "max_delete"):
        if params["state"] == "finished" and params[name] is not None and params[name] is not False:
            client.warnings.append(f"The option {name} has no effect without state: absent.")
    if params["state"] == "absent":
        return _remove(client, selection, params, check_mode)
    return _wait(client, selection, params, check_mode)


def _remove(client: Client, selection: Selection, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    found = find_tasks(FilteredListing(client, TASK_QUERY), selection, for_action=True)
    warn_of_own_session(client, selection, found)
    to_delete, kept = plan_removal(found.tasks, selection, force=params["force"], max_delete=params["max_delete"])
    if check_mode:
        deleted = [task["task_id"] for task in to_delete]
        return {"changed": bool(deleted), **create_removal_result(found.tasks, deleted, kept, [])}
    return remove_tasks(client, found.tasks, to_delete, kept)


def _wait(client: Client, selection: Selection, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    listing = FilteredListing(client, TASK_QUERY)
    budget = WaitBudget(client, params["wait_timeout"], params["poll_interval"])
    found = find_tasks(listing, selection, for_action=True) if check_mode else find_tasks_retrying(listing, selection, budget)
    require_all_found(listing, found)
    require_any_found(client, selection, found, fail=params["fail_if_none"])
    if check_mode:
        return {"changed": False, "tasks": found.tasks}
    tasks = wait_for_tasks(listing, found, budget)
    if params["fail_on_error"]:
        raise_for_failed_tasks(listing, tasks)
    return {"changed": False, "tasks": tasks}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
