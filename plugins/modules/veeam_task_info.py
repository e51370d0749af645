#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List tasks of Enterprise Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_task_info
short_description: List tasks of Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Lists the tasks that were created in a logon session of Veeam Backup Enterprise Manager.
  - Requests that take time, such as starting a job, create tasks. A task says whether the request was carried out; how a
    started job ended is in the job session.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._selection
  - vbem.rest._attributes
  - vbem.rest._attributes.info
options:
  sort_by:
    description:
      - What to sort by. Numbers within ids count as numbers, so V(task-2) comes before V(task-10); states are sorted by
        their order in a task's life.
    type: str
    choices: [task_id, state, operation]
    default: task_id
  descending:
    description:
      - Whether to sort in descending order.
    type: bool
    default: false
  limit:
    description:
      - Maximum number of tasks to return, after they are sorted.
    type: int
  page_size:
    description:
      - Number of tasks to request per page. All pages are read in any case.
    type: int
    default: 500
seealso:
  - module: vbem.rest.veeam_task
  - module: vbem.rest.veeam_session
  - name: GET /query?type=Task
    description: The vendor's reference of the request.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_query_task.html
"""

EXAMPLES = r"""
- name: List the finished tasks of the session
  vbem.rest.veeam_task_info:
    session: "{{ em.session }}"
    task_state: Finished
  register: finished

- name: List what failed
  vbem.rest.veeam_task_info:
    session: "{{ em.session }}"
    success: false

- name: List the three newest tasks that started something, in the query language
  vbem.rest.veeam_task_info:
    session: "{{ em.session }}"
    filter: Operation==StartJob,Operation==StartJobSync
    sort_by: task_id
    descending: true
    limit: 3
"""

RETURN = r"""
tasks:
  description: The tasks. Every key is always present; unknown values are V(null).
  returned: success
  type: list
  elements: dict
  contains:
    task_id:
      description: Id of the task.
      type: str
      returned: success
      sample: task-5
    state:
      description: V(Running), V(OperationFinished) or V(Finished).
      type: str
      returned: success
      sample: Finished
    operation:
      description: Name of the operation.
      type: str
      returned: success
      sample: StartJob
    success:
      description: Whether the operation was carried out. V(null) until the state is V(Finished).
      type: bool
      returned: success
      sample: true
    message:
      description: The server's message on the outcome, or V(null).
      type: str
      returned: success
      sample: Ok
    href:
      description: URL of the task, on the server of the connection.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/tasks/task-5
    related:
      description: The resources that the task worked on, or created.
      type: list
      elements: dict
      returned: success
      contains:
        rel:
          description: The relation, mostly V(Related).
          type: str
          returned: success
          sample: Related
        type:
          description: Type of the resource, or V(null).
          type: str
          returned: success
          sample: BackupJobSession
        name:
          description: Name of the resource, or V(null).
          type: str
          returned: success
        href:
          description: URL of the resource, on the server of the connection.
          type: str
          returned: success
          sample: https://em.example.com:9398/api/backupSessions/35c24055-bdee-4e43-b655-a42de408d2ec?format=Entity
        uid:
          description: The id within the URL, or V(null).
          type: str
          returned: success
          sample: 35c24055-bdee-4e43-b655-a42de408d2ec
stats:
  description: Statistics of the query.
  returned: success
  type: dict
  contains:
    requests:
      description: Requests sent, including retries, without logon and log-off.
      type: int
      returned: success
      sample: 1
    pages:
      description: Pages read.
      type: int
      returned: success
      sample: 1
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.listing import PAGE_SIZE, TASK_QUERY, FilteredListing
from ..module_utils._em.resources.tasks import (
    SELECTION_SPEC,
    SORT_SPEC,
    create_selection,
    find_tasks,
    sort_tasks,
    warn_of_own_session,
)
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    **SELECTION_SPEC,
    **SORT_SPEC,
    "limit": {"type": "int"},
    "page_size": {"type": "int", "default": PAGE_SIZE},
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the selected tasks."""
    del check_mode
    selection = create_selection(params)
    limit = check_minimum(params, "limit", 1)
    check_minimum(params, "page_size", 1)
    found = find_tasks(FilteredListing(client, TASK_QUERY), selection, page_size=params["page_size"])
    warn_of_own_session(client, selection, found)
    tasks = sort_tasks(found.tasks, key=params["sort_by"], descending=params["descending"])
    return {"changed": False, "tasks": tasks[:limit], "stats": {"requests": client.requests, "pages": client.pages}}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
