#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the definitions of jobs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_job_definition_info
short_description: Read the definitions of jobs of Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Returns jobs as M(vbem.rest.veeam_job_definition) takes them, with objects, schedule, retention and retries. What it returns
    applies without a change.
  - The role P(vbem.rest.export_jobs#role) writes them to a file, which is fit for version control.
  - Objects do not have the references of this server but the unique id of the hierarchy root, such as a vCenter's instance
    UUID, and the platform's own id, which hold on other servers with the same infrastructure.
options:
  names:
    description: Names of the jobs. Without it, all jobs.
    type: list
    elements: str
  backup_server:
    description: Name of the backup server whose jobs are wanted. Without it, those of all backup servers.
    type: str
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
  - vbem.rest._attributes.info
seealso:
  - module: vbem.rest.veeam_job_definition
  - module: vbem.rest.veeam_job
  - name: GET /jobs/{ID}?format=Entity
    description: The vendor's reference of a job.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_jobs_id.html
"""

EXAMPLES = r"""
- name: Read the jobs of one backup server
  vbem.rest.veeam_job_definition_info:
    session: "{{ em.session }}"
    backup_server: vbr01.vbem.test
  register: exported

- name: See which machines a job protects
  vbem.rest.veeam_job_definition_info:
    session: "{{ em.session }}"
    names: [SQL Backup]
  register: sql
"""

RETURN = r"""
jobs:
  description:
    - The jobs, in the order of their backup servers and names, which is always the same. The keys are those of the option
      C(jobs) of M(vbem.rest.veeam_job_definition). What the server does not show is not there.
  returned: success
  type: list
  elements: dict
  sample:
    - name: SQL Backup
      backup_server: vbr01.vbem.test
      job_type: Backup
      description: Databases
      schedule_enabled: true
      schedule:
        daily:
          time: "22:00"
          days: everyday
      retention:
        type: days
        count: 14
      retry:
        times: 3
        wait: 10
      objects:
        - name: sql01
          type: Vm
          moid: vm-101
          root: vcenter01.vbem.test
          root_id: 4C4C4544-0042-3510-8054-B4C04F4A3132
left_out:
  description:
    - What has a value that no option can express, such as a schedule of a kind that the reference does not know. It is not in
      RV(jobs) and so left alone by M(vbem.rest.veeam_job_definition).
  returned: success
  type: list
  elements: dict
  sample:
    - name: Odd Backup
      backup_server: vbr01.vbem.test
      options: [schedule]
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.resources.job_entries import JobInventory, export_jobs
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {"names": {"type": "list", "elements": "str"}, "backup_server": {"type": "str"}}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the definitions of the jobs."""
    del check_mode
    exported = export_jobs(JobInventory(client), names=params["names"], backup_server=params["backup_server"])
    for one in exported.left_out:
        options = ", ".join(one["options"])
        client.warnings.append(f"{one['name']} on {one['backup_server']}: left out what no option can express: {options}.")
    return {"changed": False, "jobs": exported.entries, "left_out": exported.left_out}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
