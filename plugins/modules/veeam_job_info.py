#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List jobs of Enterprise Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_job_info
short_description: List jobs known to Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Lists the jobs of all backup servers that are connected to Veeam Backup Enterprise Manager and optionally each job's latest
    run.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
  - vbem.rest._attributes.info
options:
  name:
    description:
      - Only jobs of this name, compared case-insensitively. Several backup servers may have jobs of the same name.
    type: str
  uid:
    description:
      - Only the job of this UID, with or without its C(urn:veeam:Job:).
    type: str
  job_type:
    description:
      - Only jobs of this type, such as V(Backup), V(BackupCopy), V(ImmediateBackupCopy), V(Replica) or, with O(kind=agent),
        V(AgentBackup).
    type: str
  platform:
    description:
      - Only jobs for this platform, such as V(VMware), V(Hyperv), V(vCloud) or, with O(kind=agent), V(AgentForWindows).
    type: str
  backup_server:
    description:
      - Only jobs of the backup server of this name.
    type: str
  kind:
    description:
      - Which collection of jobs to search. Jobs of Veeam Agents and of file shares have collections of their own.
    type: str
    choices: [job, agent, nas]
    default: job
  filter:
    description:
      - A filter in Enterprise Manager's own language, over C(Name), C(UID), C(Description), C(JobType), C(Platform),
        C(ScheduleConfigured), C(ScheduleEnabled), C(NextRun), C(BackupServerName) and C(BackupServerUid).
    type: str
  last_session:
    description:
      - Whether to add each job's latest run. This costs one more request for each job.
    type: bool
    default: false
  limit:
    description:
      - Maximum number of jobs to return, after they are sorted by name.
    type: int
  page_size:
    description:
      - Number of jobs to request per page. All pages are read in any case.
    type: int
    default: 500
seealso:
  - module: vbem.rest.veeam_job
  - name: GET /query?type=Job
    description: The vendor's reference of the request.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_query_job.html
"""

EXAMPLES = r"""
- name: List the jobs whose schedule is off
  vbem.rest.veeam_job_info:
    session: "{{ em.session }}"
    filter: ScheduleEnabled==false

- name: See how the latest run of a job went
  vbem.rest.veeam_job_info:
    session: "{{ em.session }}"
    name: Daily Backup
    backup_server: vbr01.vbem.test
    last_session: true
  register: daily

- name: List the file share backup jobs
  vbem.rest.veeam_job_info:
    session: "{{ em.session }}"
    kind: nas
"""

RETURN = r"""
jobs:
  description: The jobs, sorted by name and backup server. Every key is always present; unknown values are V(null).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the job.
      type: str
      returned: success
      sample: Daily Backup
    uid:
      description: UID of the job.
      type: str
      returned: success
      sample: urn:veeam:Job:c8e83c91-ecb3-5b6b-a127-97fae1072e44
    job_type:
      description: Type of the job.
      type: str
      returned: success
      sample: Backup
    platform:
      description: Platform the job is for.
      type: str
      returned: success
      sample: VMware
    description:
      description: Description of the job.
      type: str
      returned: success
      sample: All production machines
    schedule_configured:
      description: Whether the job has a schedule.
      type: bool
      returned: success
      sample: true
    schedule_enabled:
      description: Whether the schedule is enabled.
      type: bool
      returned: success
      sample: true
    next_run:
      description: When the job runs next, as ISO 8601 in UTC, or V(null).
      type: str
      returned: success
      sample: "2026-11-23T23:59:19.898Z"
    backup_server:
      description: Name of the backup server that has the job.
      type: str
      returned: success
      sample: vbr01.vbem.test
    backup_server_uid:
      description: UID of the backup server that has the job.
      type: str
      returned: success
      sample: urn:veeam:BackupServer:f8f1eb52-b905-5f1b-a54d-b452f5ef34af
    href:
      description: URL of the job, on the server of the connection.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/jobs/c8e83c91-ecb3-5b6b-a127-97fae1072e44?format=Entity
    last_session:
      description: The job's latest run, or V(null) if it has none. The keys are those of RV(ignore:job_session) of
        M(vbem.rest.veeam_job).
      type: dict
      returned: when O(last_session=true)
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.job_sessions import JobSessions
from ..module_utils._em.resources.jobs import JOB_KINDS, KIND_SPEC, create_job_criteria, find_jobs
from ..module_utils._em.resources.listing import PAGE_SIZE
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "uid": {"type": "str"},
    "job_type": {"type": "str"},
    "platform": {"type": "str"},
    "backup_server": {"type": "str"},
    "kind": KIND_SPEC,
    "filter": {"type": "str"},
    "last_session": {"type": "bool", "default": False},
    "limit": {"type": "int"},
    "page_size": {"type": "int", "default": PAGE_SIZE},
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the selected jobs."""
    del check_mode
    criteria = create_job_criteria(params)
    limit = check_minimum(params, "limit", 1)
    check_minimum(params, "page_size", 1)
    kind = JOB_KINDS[params["kind"]]
    jobs = [job.data for job in find_jobs(client, kind, criteria, page_size=params["page_size"])[:limit]]
    if params["last_session"]:
        sessions = JobSessions(client)
        jobs = [{**job, "last_session": sessions.find_latest(job)} for job in jobs]
    return {"changed": False, "jobs": jobs}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
