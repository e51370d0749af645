#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back up one machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_vm_backup
short_description: Back up one virtual machine with Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Makes a quick backup of one virtual machine, which is an incremental restore point in the chain of its job, or a VeeamZIP,
    which is a full backup of its own.
  - Follows the job session until it has finished. A session that failed fails the module.
  - Works for a Portal User, because it reads no jobs.
  - For a quick backup the machine has to be in a job of its backup server and to have a full backup already.
options:
  mode:
    description: V(quick) for a quick backup, V(zip) for a VeeamZIP (VMware vSphere only).
    type: str
    choices: [quick, zip]
    default: quick
  repository:
    description: Name or UID of the repository, for O(mode=zip), which needs it.
    type: str
  retention:
    description: How long a VeeamZIP is kept.
    type: str
    choices:
      - never
      - tonight
      - tomorrow_night
      - 3_days
      - 1_week
      - 2_weeks
      - 1_month
      - 3_months
      - 6_months
      - 1_year
      - 2_years
      - 3_years
      - 5_years
      - 7_years
    default: never
  compression:
    description: Compression level of a VeeamZIP, from V(1) (none) to V(5) (extreme).
    type: int
    default: 3
  quiesce:
    description: Whether the machine is quiesced for a VeeamZIP, by application-aware processing.
    type: bool
    default: true
  password_key:
    description:
      - Id of the password to encrypt a VeeamZIP with, as the server lists it below C(/backupServers/{ID}/passwords). It is not
        the password itself.
    type: str
  wait_for:
    description:
      - V(session) waits until the job session has finished, V(task) until the request was carried out. V(nothing) does not
        wait.
    type: str
    choices: [session, task, nothing]
    default: session
  wait_timeout:
    description: Maximum time to wait, in seconds of real time. The default is 86400 with O(wait_for=session), and 600
      otherwise.
    type: int
  poll_interval:
    description:
      - Longest pause between two polls, in seconds. Polling starts fast and slows down to this, and never pauses long enough to
        lose an idle session.
    type: int
    default: 10
  wait_if_busy:
    description:
      - Seconds for which the backup is retried if it fails while other job sessions of the backup server are active. Machines
        of one job are not backed up at the same time.
      - In a play over several machines of one job, C(throttle=1) does the same.
    type: int
    default: 0
  fail_on_warning:
    description: Whether a session that ends with Warning fails the module too.
    type: bool
    default: false
  _progress_file:
    description:
      - Internal. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._machine
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details:
      - A backup changes no setting.
seealso:
  - module: vbem.rest.veeam_vm_restore
  - module: vbem.rest.veeam_job
  - name: POST /backupServers/{ID}?action=quickbackup
    description: The vendor's reference of quick backups.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/post_backupservers_id_quickbackup.html
"""

EXAMPLES = r"""
- name: Back up a machine before a change
  vbem.rest.veeam_vm_backup:
    session: "{{ em.session }}"
    name: sql01
    root: vcenter01.vbem.test
  register: backup

- name: Say what was made
  ansible.builtin.debug:
    msg: "{{ backup.job_session.name }} ended with {{ backup.job_session.result }}."

# Machines of one job are not backed up at the same time. A loop is one after another; between hosts, set throttle to 1.
- name: Back up several machines, and wait for up to an hour if their job runs
  vbem.rest.veeam_vm_backup:
    session: "{{ em.session }}"
    name: "{{ item }}"
    root: vcenter01.vbem.test
    wait_if_busy: 3600
  loop:
    - web01
    - web02

- name: Make a full backup of a machine, with the ids that community.vmware returns
  vbem.rest.veeam_vm_backup:
    session: "{{ em.session }}"
    moid: vm-203
    root: vcenter01.vbem.test
    mode: zip
    repository: Default Backup Repository
    retention: 2_weeks
    fail_on_warning: true
"""

RETURN = r"""
machine:
  description: The machine.
  type: dict
  returned: success
  contains:
    ref:
      description: The reference.
      type: str
      returned: success
      sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518
    name:
      description: The name; V(null) where it is neither given nor looked up.
      type: str
      returned: success
      sample: sql01
    type:
      description: The type.
      type: str
      returned: success
      sample: Vm
    root:
      description: The name of the hierarchy root.
      type: str
      returned: success
      sample: vcenter01.vbem.test
    backup_server:
      description: The name of the backup server.
      type: str
      returned: success
      sample: vbr01.vbem.test
task:
  description:
    - The task of the request. The keys are those of RV(ignore:tasks) of M(vbem.rest.veeam_task_info); V(null) in check mode.
  type: dict
  returned: success
job_session:
  description:
    - The job session, as last seen. The keys are those of RV(ignore:job_session) of M(vbem.rest.veeam_job); V(null) where it
      was not waited for.
  type: dict
  returned: success
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.polling import WaitBudget
from ..module_utils._em.errors import EmError, create_option_error
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.machine import MACHINE_SPEC, parse_machine
from ..module_utils._em.resources.vm_backup import RETENTIONS, MachineBackup, ZipOptions
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

TASK_TIMEOUT = 600
SESSION_TIMEOUT = 86400

SPEC: dict[str, Any] = {
    **MACHINE_SPEC,
    "backup_server": {"type": "str"},
    "mode": {"type": "str", "choices": ["quick", "zip"], "default": "quick"},
    "repository": {"type": "str"},
    "retention": {"type": "str", "choices": list(RETENTIONS), "default": "never"},
    "compression": {"type": "int", "default": 3},
    "quiesce": {"type": "bool", "default": True},
    "password_key": {"type": "str", "no_log": False},
    "wait_for": {"type": "str", "choices": ["session", "task", "nothing"], "default": "session"},
    "wait_timeout": {"type": "int"},
    "poll_interval": {"type": "int", "default": 10},
    "wait_if_busy": {"type": "int", "default": 0},
    "fail_on_warning": {"type": "bool", "default": False},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Back up the machine, wait as ``wait_for`` says, and return the result."""
    machine = parse_machine(params)
    wait_timeout = check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    check_minimum(params, "wait_if_busy", 0)
    zip_options = _read_zip_options(params) if params["mode"] == "zip" else None
    default = SESSION_TIMEOUT if params["wait_for"] == "session" else TASK_TIMEOUT
    budget = WaitBudget(client, default if wait_timeout is None else wait_timeout, params["poll_interval"])
    backup = MachineBackup(
        client,
        budget,
        machine=machine,
        backup_server=params["backup_server"] or None,
        mode=params["mode"],
        zip_options=zip_options,
    )
    if check_mode:
        backup.plan()
        backup.changed = True
        return backup.result()
    return backup.execute(
        wait_for=params["wait_for"], fail_on_warning=params["fail_on_warning"], wait_if_busy=params["wait_if_busy"]
    )


def _read_zip_options(params: dict[str, Any]) -> ZipOptions:
    if not params["repository"]:
        raise EmError("invalid_option", "The option repository is missing: mode: zip needs the name or UID of a repository.")
    if not 1 <= params["compression"] <= 5:
        raise create_option_error("compression", params["compression"], "give a whole number from 1 to 5")
    return ZipOptions(
        repository=params["repository"],
        retention=params["retention"],
        compression=params["compression"],
        quiesce=params["quiesce"],
        password_key=params["password_key"],
    )


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
