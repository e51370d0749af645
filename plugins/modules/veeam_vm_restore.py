#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore one machine."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_vm_restore
short_description: Restore one virtual machine with Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Restores a virtual machine from a restore point, over the original or beside it, and follows the restore session to its end.
  - Nothing is sent without O(overwrite=true) or O(keep_original=true).
  - A restore is requested once. Where the answer to the request is lost, the restore session that it may have started is looked
    up; the request is never repeated.
  - A task's success only says that the request was accepted. A restore session that failed fails the module.
  - Works for a restore operator, because restore points are found by query alone. That user has to give O(ref), O(name), or
    O(restore_point).
  - The API offers no target host or datastore on VMware vSphere.
options:
  restore_point:
    description: UID of the restore point. Give this, or the machine.
    type: str
  before:
    description:
      - Take the machine's newest restore point before this date, ISO 8601, in UTC unless it has a time zone. Without it the
        newest.
    type: str
  overwrite:
    description: Whether the original machine, if it exists, may be overwritten. It is replaced by the restored one.
    type: bool
    default: false
  keep_original:
    description: Whether the original machine stays, and the restored one is created beside it. Not with O(quick_rollback).
    type: bool
    default: false
  power_on:
    description: Whether to power on the restored machine.
    type: bool
    default: false
  quick_rollback:
    description: Whether to restore only the blocks that have changed since the restore point.
    type: bool
    default: false
  wait_for:
    description:
      - V(session) waits until the restore session has finished, V(task) until the request was accepted. V(nothing) does not
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
  fail_on_warning:
    description: Whether a restore session that ends with Warning fails the module too.
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
      - A restore changes no setting.
seealso:
  - module: vbem.rest.veeam_vm_backup
  - module: vbem.rest.veeam_query_info
  - name: POST /vmRestorePoints/{ID}?action=restore
    description: The vendor's reference of restores.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/post_vmrestorepoints_id_actionrestore.html
"""

EXAMPLES = r"""
- name: Restore a machine beside the original
  vbem.rest.veeam_vm_restore:
    session: "{{ em.session }}"
    name: sql01
    keep_original: true
  register: restore

- name: Say where it is
  ansible.builtin.debug:
    msg: "The restored machine has the managed-object id {{ restore.moid }}."

- name: See which restore point would be taken
  vbem.rest.veeam_vm_restore:
    session: "{{ em.session }}"
    name: sql01
    before: "{{ restore.restore_point.creation_time }}"
    overwrite: true
  check_mode: true
  register: planned

- name: Put the original back to that point, only with the blocks that have changed since
  vbem.rest.veeam_vm_restore:
    session: "{{ em.session }}"
    restore_point: "{{ planned.restore_point.uid }}"
    overwrite: true
    quick_rollback: true
    power_on: true
"""

RETURN = r"""
restore_point:
  description: The restore point that was used.
  type: dict
  returned: success
  contains:
    uid:
      description: The UID.
      type: str
      returned: success
      sample: urn:veeam:VmRestorePoint:48c8cd65-d5fa-4ca6-8a98-d3fde641086e
    name:
      description: The name.
      type: str
      returned: success
      sample: sql01@2026-11-23 18:00:05
    vm_name:
      description: The name of the machine.
      type: str
      returned: success
      sample: sql01
    ref:
      description: The reference of the machine.
      type: str
      returned: success
      sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518
    creation_time:
      description: When it was created, in UTC.
      type: str
      returned: success
      sample: "2026-11-23T18:00:05Z"
    type:
      description: Full or incremental, in the server's words.
      type: str
      returned: success
      sample: Increment
    backup_server:
      description: The name of the backup server.
      type: str
      returned: success
      sample: vbr01.vbem.test
    href:
      description: The address.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/vmRestorePoints/48c8cd65-d5fa-4ca6-8a98-d3fde641086e?format=Entity
task:
  description:
    - The task of the request. The keys are those of RV(ignore:tasks) of M(vbem.rest.veeam_task_info); V(null) in check mode.
  type: dict
  returned: success
restore_session:
  description: The restore session, as last seen; V(null) where it was not waited for.
  type: dict
  returned: success
  contains:
    name:
      description: The name.
      type: str
      returned: success
      sample: sql01@2026-11-23 20:11:33
    uid:
      description: The UID.
      type: str
      returned: success
      sample: urn:veeam:RestoreSession:19d68dbb-0f96-431c-9e61-9f5342c41e7c
    vm_name:
      description: The name of the machine.
      type: str
      returned: success
      sample: sql01
    restore_type:
      description: The type of the restore.
      type: str
      returned: success
      sample: RestoreVm
    backup_server:
      description: The name of the backup server.
      type: str
      returned: success
      sample: vbr01.vbem.test
    restore_point_uid:
      description: The id of the restore point.
      type: str
      returned: success
      sample: 48c8cd65-d5fa-4ca6-8a98-d3fde641086e
    state:
      description: The state.
      type: str
      returned: success
      sample: Stopped
    result:
      description: V(Success), V(Warning) or V(Failed); V(null) while it is not finished.
      type: str
      returned: success
      sample: Success
    progress:
      description: The progress in percent, which need not reach 100.
      type: int
      returned: success
      sample: 100
    creation_time:
      description: When it began, in UTC.
      type: str
      returned: success
      sample: "2026-11-23T20:11:33Z"
    end_time:
      description: When it ended, in UTC.
      type: str
      returned: success
      sample: "2026-11-23T20:14:02Z"
    restored_ref:
      description: The reference of the restored machine.
      type: str
      returned: success
      sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-901
    failure_message:
      description: Why it failed, where the server says so.
      type: str
      returned: success
      sample: null
    href:
      description: The address.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/restoreSessions/19d68dbb-0f96-431c-9e61-9f5342c41e7c?format=Entity
restored_ref:
  description: The reference of the restored machine; V(null) where the restore was not waited for.
  type: str
  returned: success
  sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-901
moid:
  description: The managed-object id within RV(restored_ref), as Ansible's VMware modules take it.
  type: str
  returned: success
  sample: vm-901
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.polling import WaitBudget
from ..module_utils._em.errors import EmError, create_option_error
from ..module_utils._em.options import check_minimum
from ..module_utils._em.protocol.dates import parse_date
from ..module_utils._em.protocol.links import find_guid
from ..module_utils._em.resources.machine import MACHINE_SPEC, parse_machine
from ..module_utils._em.resources.vm_restore import MachineRestore, RestoreOptions, RestorePoints
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

TASK_TIMEOUT = 600
SESSION_TIMEOUT = 86400

SPEC: dict[str, Any] = {
    **MACHINE_SPEC,
    "backup_server": {"type": "str"},
    "restore_point": {"type": "str"},
    "before": {"type": "str"},
    "overwrite": {"type": "bool", "default": False},
    "keep_original": {"type": "bool", "default": False},
    "power_on": {"type": "bool", "default": False},
    "quick_rollback": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "choices": ["session", "task", "nothing"], "default": "session"},
    "wait_timeout": {"type": "int"},
    "poll_interval": {"type": "int", "default": 10},
    "fail_on_warning": {"type": "bool", "default": False},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Restore the machine, wait as ``wait_for`` says, and return the result."""
    _check_options(params)
    wait_timeout = check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    points = RestorePoints(client)
    if params["restore_point"]:
        point = points.find(params["restore_point"])
    else:
        point = points.find_newest(parse_machine(params), params["before"] or None, params["backup_server"] or None)
    options = RestoreOptions(params["keep_original"], params["power_on"], params["quick_rollback"])
    default = SESSION_TIMEOUT if params["wait_for"] == "session" else TASK_TIMEOUT
    budget = WaitBudget(client, default if wait_timeout is None else wait_timeout, params["poll_interval"])
    restore = MachineRestore(client, budget, point, options)
    if check_mode:
        restore.plan()
        restore.changed = True
        return restore.result()
    return restore.execute(wait_for=params["wait_for"], fail_on_warning=params["fail_on_warning"])


def _check_options(params: dict[str, Any]) -> None:
    """Raise ``invalid_option`` for options that are missing or contradict each other."""
    if params["overwrite"] is params["keep_original"]:
        both = "both are set" if params["overwrite"] else "neither is set"
        raise EmError(
            "invalid_option",
            f"The options do not say what happens to the original machine, so nothing was sent ({both}): set overwrite: true to"
            " replace it, or keep_original: true to restore beside it.",
        )
    if params["keep_original"] and params["quick_rollback"]:
        raise EmError(
            "invalid_option", "The option quick_rollback changes the original machine: it cannot go with keep_original."
        )
    machine = [name for name in MACHINE_SPEC if params[name]]
    if params["restore_point"]:
        if machine or params["before"] or params["backup_server"]:
            msg = (
                "The option restore_point already identifies machine and date: leave ref, moid, name, root, backup_server and"
                " before out."
            )
            raise EmError("invalid_option", msg)
        if find_guid(params["restore_point"]) is None:
            hint = "give a UID such as urn:veeam:VmRestorePoint:48c8cd65-d5fa-4ca6-8a98-d3fde641086e"
            raise create_option_error("restore_point", params["restore_point"], hint)
    if params["before"] and parse_date(params["before"]) is None:
        raise create_option_error("before", params["before"], "give a date such as 2026-11-23T18:00:00+01:00")


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
