#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop, retry and schedule a job of Enterprise Manager, and follow its run."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_job
short_description: Start, stop, retry or schedule a job through Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Starts, stops or retries a job, turns its schedule on or off, and waits as long as is wished - until the request was carried
    out, or until the job's run has ended.
  - That a job was started says nothing of how its run ends. Only O(wait_for=session) fails where the backup fails.
  - The task that this makes in Enterprise Manager is removed again once it is finished.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Looks at the job and its runs and says what would be done. Nothing is waited for.
  diff_mode:
    support: none
    details:
      - What changes is a run, or one switch.
options:
  name:
    description:
      - Name of the job. Give this or O(uid).
      - If several backup servers have a job of this name, set O(backup_server) too; else the module fails as V(ambiguous).
    type: str
  uid:
    description:
      - UID of the job, with or without its C(urn:veeam:Job:).
    type: str
  backup_server:
    description:
      - Name of the backup server that has the job.
    type: str
  kind:
    description:
      - Which collection of jobs to look in. Jobs of Veeam Agents and of file shares have collections of their own.
    type: str
    choices: [job, agent, nas]
    default: job
  state:
    description:
      - V(started) starts the job unless it runs already. A backup copy job, which cannot be started, is synchronised.
      - V(stopped) stops the job's run if there is one.
      - V(retried) runs the job again for what failed, if its latest run has ended as Failed or Warning.
    type: str
    choices: [started, stopped, retried]
  schedule_enabled:
    description:
      - Whether the job's schedule shall be on. Can be given with O(state), or instead of it.
    type: bool
  wait_for:
    description:
      - V(task) waits until Enterprise Manager has carried out the request, and fails if it could not.
      - V(session) waits until the job's run has ended, also one that went on already. A run that ends as Failed fails the
        module as V(job_failed), unless it was to be stopped.
      - V(nothing) returns once the server has taken the request, whatever becomes of it, and leaves the task in the session.
        Give O(session) with it. In a session of the module's own the task is lost with the log-off that follows at once.
    type: str
    choices: [task, session, nothing]
    default: task
  wait_timeout:
    description:
      - Seconds to wait at the most, in real time. V(600) if not given, V(86400) with O(wait_for=session).
    type: int
  poll_interval:
    description:
      - Longest pause between two polls, in seconds. Polling starts fast and slows down to this, and never pauses long enough to
        lose an idle session.
    type: int
    default: 10
  _progress_file:
    description:
      - Not for playbooks. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
  fail_on_warning:
    description:
      - Whether a run that ends as Warning fails the module too. Only for O(wait_for=session).
    type: bool
    default: false
seealso:
  - module: vbem.rest.veeam_job_info
  - module: vbem.rest.veeam_task
  - name: POST /jobs/{ID}?action=start
    description: The vendor's reference of starting a job.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/post_jobs_id_actionstart.html
  - name: GET /backupSessions/{ID}
    description: The vendor's reference of a job's run.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_backupsessions_id.html
"""

EXAMPLES = r"""
- name: Back up before a change, and go no further if the backup fails
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: SQL Backup
    state: started
    wait_for: session
    wait_timeout: 7200

- name: Only start a job that two backup servers have
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: Daily Backup
    backup_server: vbr02.vbem.test
    state: started

- name: See which jobs a name may mean, if it means several
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: Daily Backup
    state: started
  check_mode: true
  register: meant
  failed_when: meant is failed and meant.error.kind | default('') != 'ambiguous'

- name: Turn the schedule off while machines are moved
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: DC Replication
    schedule_enabled: false
"""

RETURN = r"""
job:
  description: The job. The keys are those of the return value C(jobs) of M(vbem.rest.veeam_job_info).
  returned: once the job was found
  type: dict
  sample:
    name: SQL Backup
    uid: urn:veeam:Job:6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11
    job_type: Backup
    platform: VMware
    description: null
    schedule_configured: true
    schedule_enabled: true
    next_run: "2026-11-23T23:59:19.898Z"
    backup_server: vbr01.vbem.test
    backup_server_uid: urn:veeam:BackupServer:f8f1eb52-b905-5f1b-a54d-b452f5ef34af
    href: https://em.example.com:9398/api/jobs/6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11?format=Entity
jobs:
  description: The jobs that the name may mean. The keys are those of the return value C(jobs) of M(vbem.rest.veeam_job_info).
  returned: when the failure is V(ambiguous)
  type: list
  elements: dict
task:
  description:
    - The task of the request as last seen, or V(null) if nothing had to be done.
    - The keys are those of the return value C(tasks) of M(vbem.rest.veeam_task_info).
  returned: once the job was found
  type: dict
job_session:
  description: The run, or V(null) if there is none or it was not waited for.
  returned: once the job was found
  type: dict
  contains:
    name:
      description: Name of the run.
      type: str
      returned: success
      sample: SQL Backup@2026-11-23 18:00:02
    uid:
      description: UID of the run.
      type: str
      returned: success
      sample: urn:veeam:BackupJobSession:35c24055-bdee-4e43-b655-a42de408d2ec
    job_name:
      description: Name of the job.
      type: str
      returned: success
      sample: SQL Backup
    job_uid:
      description: UID of the job.
      type: str
      returned: success
      sample: urn:veeam:Job:6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11
    job_type:
      description: Type of the run.
      type: str
      returned: success
      sample: Backup
    backup_server:
      description: Name of the backup server.
      type: str
      returned: success
      sample: vbr01.vbem.test
    state:
      description: State of the run; V(Stopped) is the end.
      type: str
      returned: success
      sample: Stopped
    result:
      description: V(Success), V(Warning) or V(Failed); V(null) while the run goes on.
      type: str
      returned: success
      sample: Success
    progress:
      description: Progress in percent. It need not reach 100.
      type: int
      returned: success
      sample: 100
    creation_time:
      description: When the run began, as ISO 8601 in UTC.
      type: str
      returned: success
      sample: "2026-11-23T18:00:02.5Z"
    end_time:
      description: When the run ended, as ISO 8601 in UTC, or V(null).
      type: str
      returned: success
      sample: "2026-11-23T18:07:41.25Z"
    is_retry:
      description: Whether the run is a retry.
      type: bool
      returned: success
      sample: false
    failure_message:
      description: Why the run failed, or V(null). Enterprise Manager often says nothing here.
      type: str
      returned: success
    href:
      description: URL of the run, on the server that was asked.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/backupSessions/35c24055-bdee-4e43-b655-a42de408d2ec?format=Entity
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.job_state import DesiredState, manage_job
from ..module_utils._em.resources.jobs import KIND_SPEC
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

TASK_TIMEOUT = 600
SESSION_TIMEOUT = 86400

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "uid": {"type": "str"},
    "backup_server": {"type": "str"},
    "kind": KIND_SPEC,
    "state": {"type": "str", "choices": ["started", "stopped", "retried"]},
    "schedule_enabled": {"type": "bool"},
    "wait_for": {"type": "str", "choices": ["task", "session", "nothing"], "default": "task"},
    "wait_timeout": {"type": "int"},
    "poll_interval": {"type": "int", "default": 10},
    "fail_on_warning": {"type": "bool", "default": False},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring the job to the desired state."""
    if (params["name"] is None) == (params["uid"] is None):
        raise EmError("invalid_option", "Which job is not clear: set either name or uid, one of the two.")
    if params["state"] is None and params["schedule_enabled"] is None:
        raise EmError("invalid_option", "What to do is not clear: set state, schedule_enabled or both.")
    default = SESSION_TIMEOUT if params["wait_for"] == "session" else TASK_TIMEOUT
    wait_timeout = check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    desired = DesiredState(
        state=params["state"],
        schedule_enabled=params["schedule_enabled"],
        wait_for=params["wait_for"],
        wait_timeout=default if wait_timeout is None else wait_timeout,
        poll_interval=params["poll_interval"],
        fail_on_warning=params["fail_on_warning"],
    )
    if desired.fail_on_warning and desired.wait_for != "session":
        client.warnings.append(
            "The option fail_on_warning has no effect without wait_for: session: the result of the job session is not awaited."
        )
    return manage_job(client, params, desired, check_mode=check_mode)


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
