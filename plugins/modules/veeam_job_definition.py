#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply job definitions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_job_definition
short_description: Apply job definitions to Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Compares jobs with their definitions, and changes the options and objects that differ. Options that a definition does not
    have are left as they are.
  - With C(--check --diff) the module reports how the jobs differ from their definitions, and changes nothing.
  - The module takes the definitions that M(vbem.rest.veeam_job_definition_info) returns, also from another server. The role
    P(vbem.rest.apply_jobs#role) reads them from a file.
  - The module checks all definitions before the first request. A failure of one job does not stop the others; the module fails
    after the last job.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Reads the jobs and predicts the changes.
  diff_mode:
    support: full
options:
  jobs:
    description: Definitions of jobs.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the job. Names are compared exactly or, if no job has exactly this name, case-insensitively.
        type: str
        required: true
      uid:
        description: UID of the job. It is only used if several jobs on the backup server have this name.
        type: str
      backup_server:
        description: Name of the backup server of the job, or of a new job. See O(backup_servers).
        type: str
      job_type:
        description: Type of the job, such as V(Backup). It cannot be changed; the module fails for a job of another type.
        type: str
      template:
        description: Name or UID of the job to clone if the job does not exist. Overrides O(template).
        type: str
      repository:
        description: Name or UID of the repository of a new job. Overrides O(repository).
        type: str
      description:
        description:
          - The description of the job.
        type: str
      retention:
        description:
          - How long restore points are kept.
        type: dict
        suboptions:
          type:
            description: Whether O(jobs[].retention.count) counts restore points or days.
            type: str
            choices: [cycles, days]
            required: true
          count:
            description: How many.
            type: int
            required: true
      schedule:
        description:
          - When the job runs, one of the following. Times are those of the backup server's clock, and stay so in daylight
            saving time.
        type: dict
        suboptions:
          daily:
            description: Every day, or on some days of the week.
            type: dict
            suboptions:
              time:
                description: The time, such as V("22:00"), in quotes.
                type: str
                required: true
              days:
                description: V(everyday), V(weekdays), or a list of days such as V([Monday, Friday]).
                type: raw
                default: everyday
          monthly:
            description: Once a month.
            type: dict
            suboptions:
              time:
                description: The time, such as V("22:00"), in quotes.
                type: str
                required: true
              week:
                description:
                  - V(First), V(Second), V(Third), V(Fourth) or V(Last). Without it, O(jobs[].schedule.monthly.day) is a day of
                    the month.
                type: str
              day:
                description: A day of the week or, without O(jobs[].schedule.monthly.week), of the month.
                type: str
                required: true
              months:
                description: The months. Without them all.
                type: list
                elements: str
          periodic:
            description: At a fixed interval of hours or minutes.
            type: dict
            suboptions:
              every:
                description: The interval, from 1 to 24 hours or from 1 to 60 minutes.
                type: int
                required: true
              unit:
                description: The unit.
                type: str
                choices: [hours, minutes]
                default: hours
          continuous:
            description: Whether the job runs continuously.
            type: bool
          after_job:
            description: Name of a job of the same backup server after which this one runs.
            type: str
      retry:
        description:
          - How often the backup server itself retries a failed job.
        type: dict
        suboptions:
          times:
            description: How often; V(0) for never.
            type: int
            required: true
          wait:
            description: Minutes between the attempts.
            type: int
      settings:
        description:
          - Any other part of the API's Job, in its own names, merged with the above. See the vendor's reference of C(PUT
            /jobs/{ID}).
          - C(Includes) is refused, because it would replace all objects of the job.
        type: dict
      schedule_enabled:
        description: Whether the job's schedule is enabled.
        type: bool
      objects:
        description:
          - Objects of the job. The module adds those that the job lacks, and removes all others. Without this option, the
            objects are left as they are.
          - An object is identified by O(jobs[].objects[].ref), or by O(jobs[].objects[].moid) below the hierarchy root with the
            unique id O(jobs[].objects[].root_id) or, without a unique id, with the name O(jobs[].objects[].root).
          - If no hierarchy root of the backup server has that unique id, or if O(jobs[].objects[].moid) is not set, the module
            looks up O(jobs[].objects[].name) below the hierarchy root with the name O(jobs[].objects[].root).
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the object.
            type: str
          type:
            description: Type of the object, such as V(Vm), V(Folder) or V(Tag).
            type: str
            default: Vm
          moid:
            description: The platform's own id of the object, such as V(vm-518).
            type: str
          root:
            description: Name of the hierarchy root of the object. Optional if the backup server has only one.
            type: str
          root_id:
            description: Unique id of the hierarchy root, which is the instance UUID of a vCenter.
            type: str
          ref:
            description: Reference of the object. It is valid on one backup server only.
            type: str
  backup_servers:
    description:
      - Mapping of backup servers, for definitions from another server. The keys are the names in O(jobs), the values the names
        on this server.
    type: dict
    default: {}
  template:
    description: Name or UID of the job to clone for jobs that do not exist. Without a template, the module fails for such jobs.
    type: str
  repository:
    description: Name or UID of the repository of new jobs. Without it, the repository where the template has its backups.
    type: str
  prune:
    description:
      - Whether to delete jobs that are not in O(jobs). The module deletes only jobs on backup servers that O(jobs) names, never
        a job whose name is in O(jobs), and only if all other changes succeed. The backups of a deleted job are kept.
    type: bool
    default: false
  max_changes:
    description:
      - Maximum number of jobs to create, change or delete. If more jobs differ, the module fails before the first change.
    type: int
  wait_timeout:
    description: Maximum time to wait until each request is carried out, in seconds of real time.
    type: int
    default: 600
  poll_interval:
    description:
      - Longest pause between two polls, in seconds. Polling starts fast and slows down to this.
    type: int
    default: 10
  _progress_file:
    description:
      - Internal. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
seealso:
  - module: vbem.rest.veeam_job_definition_info
  - module: vbem.rest.veeam_job
  - module: vbem.rest.veeam_job_object
  - name: PUT /jobs/{ID}?action=edit
    description: The vendor's reference of changing a job.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/put_jobs_id_actionedit.html
"""

EXAMPLES = r"""
- name: Report how the jobs differ from their definitions, and fail if they do
  vbem.rest.veeam_job_definition:
    session: "{{ em.session }}"
    jobs:
      - name: SQL Backup
        backup_server: vbr01.vbem.test
        schedule:
          daily:
            time: "22:00"
        retention:
          type: days
          count: 14
  check_mode: true
  diff: true
  register: checked
  failed_when: checked is failed or checked.drift | length > 0

- name: Apply the definitions
  vbem.rest.veeam_job_definition:
    session: "{{ em.session }}"
    max_changes: 5
    jobs:
      - name: SQL Backup
        backup_server: vbr01.vbem.test
        description: All databases
        objects:
          - name: sql01
            root: vcenter01.vbem.test
          - name: sql02
            root: vcenter01.vbem.test
      - name: Web Backup
        backup_server: vbr01.vbem.test
        template: SQL Backup
        objects:
          - name: web01
            root: vcenter01.vbem.test
"""

RETURN = r"""
jobs:
  description: Jobs that differed from their definitions.
  returned: always, once the jobs were compared
  type: list
  elements: dict
  contains:
    name:
      description: Name of the job.
      type: str
      returned: success
      sample: SQL Backup
    backup_server:
      description: Name of the backup server of the job.
      type: str
      returned: success
      sample: vbr01.vbem.test
    uid:
      description: UID of the job, or V(null) for one that does not exist.
      type: str
      returned: success
      sample: urn:veeam:Job:6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11
    action:
      description: Action for the job - V(created), V(changed) or V(deleted).
      type: str
      returned: success
      sample: changed
    differences:
      description: Options that differed.
      type: list
      elements: str
      returned: success
      sample: [description]
    added:
      description: Objects that the job lacked, with C(ref) and C(name).
      type: list
      elements: dict
      returned: success
    removed:
      description: Objects of the job that its definition does not have, with C(ref) and C(name).
      type: list
      elements: dict
      returned: success
drift:
  description: Differences between jobs and definitions, one sentence each.
  returned: always, once the jobs were compared
  type: list
  elements: str
  sample:
    - "SQL Backup on vbr01.vbem.test: retention is type days count 7, in the file type days count 14"
errors:
  description:
    - Jobs whose definition could not be applied, with the reason. If there are any, the module fails with the kind V(partial).
  returned: always, once the jobs were compared
  type: list
  elements: dict
  sample:
    - name: Web Backup
      backup_server: vbr01.vbem.test
      msg: >-
        There is no job Web Backup, and no template to create it from: set template to the name of a similar job.
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.job_application import JobApplication
from ..module_utils._em.resources.job_entries import JobInventory
from ..module_utils._em.resources.job_plan import ENTRY_SPEC, JobPlanner, read_entries
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "jobs": {"type": "list", "elements": "dict", "required": True, "options": ENTRY_SPEC},
    "backup_servers": {"type": "dict", "default": {}},
    "template": {"type": "str"},
    "repository": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "max_changes": {"type": "int"},
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "int", "default": 10},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Apply the definitions."""
    check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    check_minimum(params, "max_changes", 0)
    entries = read_entries(
        params["jobs"], servers=params["backup_servers"], template=params["template"], repository=params["repository"]
    )
    if params["prune"] and not entries:
        raise EmError("invalid_option", "The option jobs is empty: with prune nothing says whose jobs are to be deleted.")
    inventory = JobInventory(client)
    planner = JobPlanner(client, inventory)
    plans = planner.plan(entries)
    surplus = planner.find_surplus(plans) if params["prune"] else []
    application = JobApplication(
        client, inventory, [*plans, *surplus], wait_timeout=params["wait_timeout"], poll_interval=params["poll_interval"]
    )
    application.check_max_changes(params["max_changes"])
    return application.predict() if check_mode else application.run()


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
