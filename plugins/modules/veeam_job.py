#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, stop, retry and schedule a job of Enterprise Manager, and follow its run."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_job
short_description: Manage and run jobs of Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Starts, stops or retries a job, enables or disables its schedule, and waits until the request was carried out or until the
    job session has finished.
  - Creates a job from a template, changes it to what the options describe, and deletes it.
  - That a job was started does not say how its job session ends. Only O(wait_for=session) fails if the backup fails.
  - The task that a request creates in Enterprise Manager is removed once it is finished.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Reads the job and its sessions and predicts what would be done. Waits for nothing.
  diff_mode:
    support: partial
    details:
      - With O(state=present) and O(state=absent). The other states change no definition, or only whether the schedule is
        enabled.
options:
  name:
    description:
      - Name of the job. Give this or O(uid); O(state=present) needs it.
      - If several backup servers have a job of this name, set O(backup_server) too; otherwise the module fails as V(ambiguous).
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
      - Which collection of jobs to search. Jobs of Veeam Agents and of file shares have collections of their own.
    type: str
    choices: [job, agent, nas]
    default: job
  state:
    description:
      - V(started) starts the job unless it runs already. A backup copy job, which cannot be started, is synchronised. If a run
        is being stopped, the module waits for its end first.
      - V(stopped) stops the job session if there is an active one.
      - V(retried) retries the failed part of the job, if its latest session has ended with Failed or Warning.
      - V(present) creates the job from O(template) if it does not exist, and changes it to what O(description), O(retention),
        O(schedule), O(retry), O(settings) and O(schedule_enabled) say. Options that are not given are left as they are. Only
        differences are sent.
      - V(absent) deletes the job. Its backups stay. A job that runs is deleted after its session has finished, within
        O(wait_timeout); see O(force). By the vendor's reference this works for jobs of VMware vSphere, VMware Cloud Director
        and Microsoft Hyper-V.
    type: str
    choices: [started, stopped, retried, present, absent]
  schedule_enabled:
    description:
      - Whether the job's schedule is enabled. Can be given with O(state), except V(absent), or instead of it.
    type: bool
  template:
    description:
      - Name or UID of the job to clone, for O(state=present) of a job that does not exist. It must be on the same backup
        server.
      - The new job holds the objects of the template until they are changed with M(vbem.rest.veeam_job_object), its schedule is
        disabled, and its retention is not copied.
    type: str
  repository:
    description:
      - Name or UID of the repository of a new job. Without it, the repository where the template has its backups.
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
        description: Whether O(retention.count) counts restore points or days.
        type: str
        choices: [cycles, days]
        required: true
      count:
        description: How many.
        type: int
        required: true
  schedule:
    description:
      - When the job runs, one of the following. Times are those of the backup server's clock, and stay so in daylight saving
        time.
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
              - V(First), V(Second), V(Third), V(Fourth) or V(Last). Without it, O(schedule.monthly.day) is a day of the month.
            type: str
          day:
            description: A day of the week or, without O(schedule.monthly.week), of the month.
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
  force:
    description:
      - Whether O(state=absent) stops a job that runs, instead of waiting for its session to finish.
    type: bool
    default: false
  wait_for:
    description:
      - V(task) waits until Enterprise Manager has carried out the request, and fails if it could not.
      - V(session) waits until the job session has finished, also one that was active before. A session that ends with Failed
        fails the module as V(job_failed), unless it was to be stopped. A session that stays open between two synchronisations,
        as those of some backup copy jobs do, cannot be waited for.
      - V(nothing) returns once the server has accepted the request, and leaves the task in the session. Give O(session) with
        it. In a session of the module's own the task is lost, because the module logs off at once.
      - Not for O(state=present) and O(state=absent), which always wait until the change shows.
    type: str
    choices: [task, session, nothing]
    default: task
  wait_timeout:
    description:
      - Maximum time to wait, in seconds of real time. The default is V(600), and V(86400) with O(wait_for=session) or
        O(state=absent).
    type: int
  poll_interval:
    description:
      - Longest pause between two polls, in seconds. Polling starts fast and slows down to this, and never pauses long enough to
        lose an idle session.
    type: int
    default: 10
  _progress_file:
    description:
      - Internal. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
  fail_on_warning:
    description:
      - Whether a job session that ends with Warning fails the module too. Only for O(wait_for=session).
    type: bool
    default: false
  wait_for_retries:
    description:
      - If a job session ends with Failed, seconds to wait for the backup server's own retry of it to begin. If it begins, the
        module waits for the retry in the same way, and returns its result. Choose more than the interval of retries in the
        job's settings.
      - With V(0) the result of the first session counts. Only for O(wait_for=session).
    type: int
    default: 0
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

- name: Make a job be as described, from a template if it does not exist
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: Web Backup
    state: present
    template: SQL Backup
    description: The web servers
    retention:
      type: days
      count: 14
    schedule:
      daily:
        time: "22:00"
        days: weekdays
    schedule_enabled: true

- name: Delete it again
  vbem.rest.veeam_job:
    session: "{{ em.session }}"
    name: Web Backup
    state: absent
"""

RETURN = r"""
created:
  description: Whether the job was created.
  type: bool
  returned: with O(state=present) and O(state=absent)
  sample: true
differences:
  description: The options by which the job differed, such as C(schedule).
  type: list
  elements: str
  returned: with O(state=present) and O(state=absent)
  sample: [schedule, retention]
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
  description: The jobs of this name, if there are several. The keys are those of the return value C(jobs) of
    M(vbem.rest.veeam_job_info).
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
  description:
    - The job session that was started, stopped or found running, as last seen. V(null) if there is none, or if it is not known.
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
      description: V(Success), V(Warning) or V(Failed); V(null) while the run is active.
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
      description: Why the run failed, or V(null). Enterprise Manager often gives no reason here.
      type: str
      returned: success
    href:
      description: URL of the run, on the server of the connection.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/backupSessions/35c24055-bdee-4e43-b655-a42de408d2ec?format=Entity
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.polling import WaitBudget
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.job_definition import DEFINITION_SPEC, create_definition
from ..module_utils._em.resources.job_lifecycle import JobLifecycle, JobRequest
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
    "state": {"type": "str", "choices": ["started", "stopped", "retried", "present", "absent"]},
    "schedule_enabled": {"type": "bool"},
    "template": {"type": "str"},
    "repository": {"type": "str"},
    **DEFINITION_SPEC,
    "force": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "choices": ["task", "session", "nothing"], "default": "task"},
    "wait_timeout": {"type": "int"},
    "poll_interval": {"type": "int", "default": 10},
    "fail_on_warning": {"type": "bool", "default": False},
    "wait_for_retries": {"type": "int", "default": 0},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring the job to the desired state."""
    _check_options(params)
    check_minimum(params, "poll_interval", 1)
    check_minimum(params, "wait_for_retries", 0)
    wait_timeout = check_minimum(params, "wait_timeout", 0)
    is_long = params["wait_for"] == "session" or params["state"] == "absent"
    default = SESSION_TIMEOUT if is_long else TASK_TIMEOUT
    wait_timeout = default if wait_timeout is None else wait_timeout
    if params["state"] in ("present", "absent"):
        lifecycle = JobLifecycle(client, WaitBudget(client, wait_timeout, params["poll_interval"]))
        if params["state"] == "absent":
            return lifecycle.ensure_absent(params, force=params["force"], check_mode=check_mode)
        request = JobRequest(
            name=params["name"].strip(),
            backup_server=params["backup_server"],
            template=params["template"],
            repository=params["repository"],
            definition=create_definition(params),
        )
        return lifecycle.ensure_present(request, check_mode=check_mode)
    desired = DesiredState(
        state=params["state"],
        schedule_enabled=params["schedule_enabled"],
        wait_for=params["wait_for"],
        wait_timeout=wait_timeout,
        poll_interval=params["poll_interval"],
        fail_on_warning=params["fail_on_warning"],
        wait_for_retries=params["wait_for_retries"],
    )
    if desired.fail_on_warning and desired.wait_for != "session":
        client.warnings.append(
            "The option fail_on_warning has no effect without wait_for: session: the result of the job session is not awaited."
        )
    return manage_job(client, params, desired, check_mode=check_mode)


def _check_options(params: dict[str, Any]) -> None:
    """Raise ``invalid_option`` for options that are missing or do not go together."""
    state = params["state"]
    if (params["name"] is None) == (params["uid"] is None):
        raise EmError("invalid_option", "Either no job is given or two are: set exactly one of name and uid.")
    if state is None and params["schedule_enabled"] is None:
        raise EmError("invalid_option", "Neither state nor schedule_enabled is given: set state, schedule_enabled or both.")
    if state in ("present", "absent") and params["kind"] != "job":
        raise EmError("invalid_option", f"The option state: {state} works for jobs of kind job, not of kind {params['kind']}.")
    if state == "present" and not (params["name"] or "").strip():
        raise EmError("invalid_option", "The option name is missing: state: present needs the name of the job.")
    only_present = ("template", "repository", *DEFINITION_SPEC)
    given = [name for name in only_present if params[name] is not None and state != "present"]
    if given:
        raise EmError("invalid_option", f"The option {given[0]} goes with state: present. Leave it out, or set that.")
    if params["force"] and state != "absent":
        raise EmError("invalid_option", "The option force goes with state: absent. Leave it out, or set that.")
    if state == "absent" and params["schedule_enabled"] is not None:
        raise EmError("invalid_option", "The option schedule_enabled does not go with state: absent. Leave it out.")


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
