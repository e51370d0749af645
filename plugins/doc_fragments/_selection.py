# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that select tasks."""

from __future__ import annotations


class ModuleDocFragment:
    """The selection options."""

    DOCUMENTATION = r"""
options:
  task_id:
    description:
      - Only these tasks, by id, such as V(task-5).
      - An empty list selects nothing.
    type: list
    elements: str
  task_state:
    description:
      - Only tasks in one of these states.
      - V(OperationFinished) is neither the end nor a failure. The operation is finished on the backup server, and Enterprise
        Manager has not collected its outcome yet.
    type: list
    elements: str
    choices: [Running, OperationFinished, Finished]
  operation:
    description:
      - Only tasks of one of these operations, such as V(StartJob), compared case-insensitively.
    type: list
    elements: str
  success:
    description:
      - Only tasks with this outcome. Tasks without an outcome yet are left out.
    type: bool
  filter:
    description:
      - A filter in Enterprise Manager's own language, over the fields C(TaskId), C(State) and C(Operation).
      - C(;) is AND, C(,) is OR, and C(;) binds tighter; parentheses group. The operators are C(==), C(!=), C(<), C(>), C(<=)
        and C(>=). Values with spaces or punctuation need double quotes; a quote within them is doubled.
      - All given criteria must be met. They are sent to the server as one filter and applied again here, because servers may
        ignore or reject filters of tasks. M(vbem.rest.veeam_task) reads the whole list to select tasks, except those that
        O(task_id) names.
    type: str
"""
