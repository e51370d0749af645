#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read job definitions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_job_definition_info
short_description: Read job definitions from Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Returns jobs with their objects, schedule, retention and retries, in the form that M(vbem.rest.veeam_job_definition) takes.
    Applying the definitions to the same server changes nothing.
  - The role P(vbem.rest.export_jobs#role) writes the definitions to a file for version control.
  - An object is returned with the unique id of its hierarchy root, such as a vCenter's instance UUID, and with the platform's
    own id. Both are valid on other servers with the same infrastructure, unlike a reference.
options:
  names:
    description: Names of the jobs. Without it, all jobs.
    type: list
    elements: str
  backup_server:
    description: Name of a backup server, to return only its jobs. Without it, the jobs of all backup servers.
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

- name: Read which machines a job protects
  vbem.rest.veeam_job_definition_info:
    session: "{{ em.session }}"
    names: [SQL Backup]
  register: sql
"""

RETURN = r"""
jobs:
  description:
    - Job definitions, ordered by backup server and name. The keys are those of the option C(jobs) of
      M(vbem.rest.veeam_job_definition). A key whose value the server does not show is missing.
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
    - Options whose value cannot be expressed, such as an unknown kind of schedule, by job. They are not in RV(jobs), so
      M(vbem.rest.veeam_job_definition) leaves them as they are.
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
