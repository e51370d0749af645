#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add objects to a job, and remove them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_job_object
short_description: Manage which objects a job of Veeam Backup Enterprise Manager protects
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Adds virtual machines, folders, tags and other objects to a backup job, replication job or CDP policy, and removes them.
  - Each object that changes is one request. Objects are added first and removed after that, so a swap never leaves the job
    empty. The last object of a job cannot be removed; that is refused before anything is done.
  - After the changes the job's list of objects is read until it shows them, and that list is returned.
  - By the vendor's table of roles this takes a Portal Administrator. Works for jobs of VMware vSphere, VMware Cloud Director
    and Microsoft Hyper-V.
options:
  job:
    description: Name of the job. Give this or O(job_uid).
    type: str
  job_uid:
    description: UID of the job, such as V(urn:veeam:Job:c8e83c91-ecb3-5b6b-a127-97fae1072e44).
    type: str
  backup_server:
    description: Name of the job's backup server, where several jobs have one name.
    type: str
  kind:
    description: Whether O(job) is a job or a CDP policy.
    type: str
    choices: [job, cdp]
    default: job
  objects:
    description:
      - The objects, each with one of C(ref), C(moid) and C(name). A reference or a managed-object id needs no look-up.
      - With O(state=absent), an object is also found by its name in the job, even if the infrastructure does not have it any
        more.
    type: list
    elements: dict
    required: true
    suboptions:
      ref:
        description:
          - A reference such as V(urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518), compared case-insensitively.
        type: str
      moid:
        description: The platform's own id of the object, such as V(vm-518). Ansible's VMware modules return it as C(moid).
        type: str
      name:
        description:
          - The name of the object, compared exactly or, if nothing matches, case-insensitively. Several objects of one name
            fail as V(ambiguous).
          - With C(ref) or C(moid), the name is only shown.
        type: str
      root:
        description:
          - The hierarchy root that the object belongs to - its name, its UID, or its unique id, which is the instance UUID of a
            vCenter. Of one vCenter on several backup servers, the root on the job's own backup server is taken.
          - May be left out if there is only one on the job's backup server.
        type: str
      type:
        description: The type of the object, for C(moid) and C(name), such as V(Vm), V(Folder), V(Tag) or V(ResourcePool).
        type: str
        default: Vm
  state:
    description:
      - V(present) adds objects that the job does not hold, and leaves its other objects alone.
      - V(absent) removes the objects that the job holds.
      - V(exact) makes the job hold these objects and no others; see O(max_remove).
    type: str
    choices: [present, absent, exact]
    default: present
  wait_for_object:
    description:
      - Seconds to wait until the inventory of the backup server knows an object. A new machine shows up after its next update.
    type: int
    default: 0
  unless_in_any_job:
    description:
      - Whether to leave out objects that another job holds already; they are listed in RV(kept). Jobs that hold a container of
        the object are not found.
    type: bool
    default: false
  guest_processing:
    description:
      - Guest processing options for added objects, in the API's own names, such as C(VssSnapshotOptions). Without them the
        job's own defaults apply.
    type: dict
  max_remove:
    description:
      - If more objects than this would be removed, fail before anything is done. Required for O(state=exact) unless nothing
        has to be removed; V(0) is allowed.
    type: int
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._wait
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: vbem.rest.veeam_object_info
  - module: vbem.rest.veeam_job
  - name: POST /jobs/{ID}/includes
    description: The vendor's reference of adding an object to a job.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/post_jobs_id_includes.html
"""

EXAMPLES = r"""
- name: Protect a new machine
  vbem.rest.veeam_job_object:
    session: "{{ em.session }}"
    job: SQL Backup
    objects:
      - name: web01
        root: vcenter01.vbem.test
    wait_for_object: 600
  register: protected

- name: Take it out again
  vbem.rest.veeam_job_object:
    session: "{{ em.session }}"
    job: SQL Backup
    objects:
      - ref: "{{ protected.added[0].ref }}"
    state: absent
  when: protected.added | length > 0

- name: Protect machines that no job holds yet
  vbem.rest.veeam_job_object:
    session: "{{ em.session }}"
    job: SQL Backup
    objects:
      - name: web01
        root: vcenter01.vbem.test
      - name: web02
        root: vcenter01.vbem.test
    unless_in_any_job: true
"""

RETURN = r"""
job:
  description: The job. The keys are those of RV(ignore:jobs) of M(vbem.rest.veeam_job_info).
  type: dict
  returned: success
objects:
  description: The objects of the job afterwards.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: The id of the object in the job; V(null) in check mode for what would be added.
      type: str
      returned: success
      sample: 83071dc0-44f2-49b6-b431-1cb79ed66639
    ref:
      description: The reference.
      type: str
      returned: success
      sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518
    name:
      description: The name.
      type: str
      returned: success
      sample: web01
added:
  description: The objects that were added. The keys are those of RV(objects).
  type: list
  elements: dict
  returned: success
removed:
  description: The objects that were removed. The keys are those of RV(objects).
  type: list
  elements: dict
  returned: success
kept:
  description: The objects that were left out because of O(unless_in_any_job).
  type: list
  elements: dict
  returned: success
  contains:
    ref:
      description: The reference.
      type: str
      returned: success
      sample: urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518
    name:
      description: The name.
      type: str
      returned: success
      sample: web01
    jobs:
      description: The jobs that hold it, with C(name), C(uid) and C(backup_server).
      type: list
      elements: dict
      returned: success
errors:
  description: The objects that could not be added or removed, with C(ref), C(name) and C(msg). Empty except in a failure of
    the kind V(partial).
  type: list
  elements: dict
  returned: success
  sample: []
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.protocol.guest_processing import create_guest_processing
from ..module_utils._em.resources.infrastructure import OBJECT_SPEC, parse_objects
from ..module_utils._em.resources.job_membership import MembershipExecution, MembershipPlanner, predict
from ..module_utils._em.resources.jobs import find_job
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "job": {"type": "str"},
    "job_uid": {"type": "str"},
    "backup_server": {"type": "str"},
    "kind": {"type": "str", "choices": ["job", "cdp"], "default": "job"},
    "objects": {"type": "list", "elements": "dict", "required": True, "options": OBJECT_SPEC},
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "wait_for_object": {"type": "int", "default": 0},
    "unless_in_any_job": {"type": "bool", "default": False},
    "guest_processing": {"type": "dict"},
    "max_remove": {"type": "int"},
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "int", "default": 10},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Make the job hold the objects as ``state`` says, and return the result."""
    state = params["state"]
    if (params["job"] is None) == (params["job_uid"] is None):
        raise EmError("invalid_option", "Either no job is given or two are: set exactly one of job and job_uid.")
    for name in ("wait_for_object", "max_remove", "wait_timeout"):
        check_minimum(params, name, 0)
    check_minimum(params, "poll_interval", 1)
    queries = parse_objects("objects", params["objects"])
    if not queries and state == "exact":
        raise EmError("invalid_option", "The option objects is empty: with state: exact the job would be left without objects.")
    guest_processing = None
    if params["guest_processing"]:
        is_xml = client.connection.accept == "application/xml"
        guest_processing = create_guest_processing("guest_processing", params["guest_processing"], is_xml=is_xml)
    for name in ("guest_processing", "unless_in_any_job", "wait_for_object"):
        if state == "absent" and params[name]:
            client.warnings.append(f"The option {name} has no effect with state: absent.")
    planner = MembershipPlanner(
        client,
        find_job(client, params, options=("job", "job_uid")),
        wait_for_object=0 if check_mode else params["wait_for_object"],
        poll_interval=params["poll_interval"],
    )
    plan = planner.plan(queries, state=state, unless_in_any_job=params["unless_in_any_job"], max_remove=params["max_remove"])
    if check_mode:
        return predict(plan)
    execution = MembershipExecution(
        client,
        plan,
        guest_processing=guest_processing,
        wait_timeout=params["wait_timeout"],
        poll_interval=params["poll_interval"],
    )
    return execution.run()


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
