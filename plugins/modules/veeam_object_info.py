#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find objects of the infrastructure."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_object_info
short_description: Find objects of the virtual infrastructure in Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Finds virtual machines, folders, tags and other objects that the backup servers know, with their references and,
    optionally, the jobs that hold them.
  - The objects are looked up in the inventory of the backup servers. A new machine shows up there after its next update.
options:
  objects:
    description: The objects to find.
    type: list
    elements: dict
    required: true
    suboptions:
      ref:
        description:
          - A reference such as V(urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518), compared case-insensitively.
        type: str
      moid:
        description:
          - The platform's own id of the object, such as V(vm-518). Ansible's VMware modules return it as C(moid).
        type: str
      name:
        description:
          - The name of the object. V(*) stands for any characters. Several objects may have the same name.
          - Names are compared exactly or, if nothing matches, case-insensitively.
        type: str
      root:
        description:
          - The hierarchy root (virtualization host) that the object belongs to - its name, its UID, or its unique id, which is
            the instance UUID of a vCenter, such as C(about_info.instance_uuid) of C(community.vmware.vmware_about_info). The
            C(instance_uuid) of a machine does not identify a root.
          - May be left out if there is only one.
        type: str
      type:
        description: The type of the object, for O(objects[].moid) and O(objects[].name), such as V(Vm), V(Folder) or V(Tag).
        type: str
        default: Vm
  in_jobs:
    description:
      - Whether to add to each object the jobs that hold it itself. Jobs that hold a container of it, such as its folder, are
        not found.
      - By the vendor's table of roles this takes a Portal Administrator.
    type: bool
    default: false
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
  - vbem.rest._attributes.info
seealso:
  - module: vbem.rest.veeam_job_object
  - name: GET /lookup
    description: The vendor's reference of the look-up.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/get_lookup.html
"""

EXAMPLES = r"""
- name: Find a machine, and the jobs that hold it
  vbem.rest.veeam_object_info:
    session: "{{ em.session }}"
    objects:
      - name: web01
        root: vcenter01.vbem.test
    in_jobs: true
  register: found

- name: Show whether it is protected
  ansible.builtin.debug:
    msg: "{{ found.objects[0].jobs | map(attribute='name') | join(', ') | default('no job holds it', true) }}"

- name: List the tags of a vCenter
  vbem.rest.veeam_object_info:
    session: "{{ em.session }}"
    objects:
      - name: "*"
        type: Tag
        root: vcenter01.vbem.test
"""

RETURN = r"""
objects:
  description: The objects that were found, in the order in which they were given.
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
      description: The name of the backup server that knows the hierarchy root.
      type: str
      returned: success
      sample: vbr01.vbem.test
    jobs:
      description: The jobs that hold the object itself; V(null) without O(in_jobs).
      type: list
      elements: dict
      returned: success
      contains:
        name:
          description: The name of the job.
          type: str
          returned: success
          sample: SQL Backup
        uid:
          description: The UID of the job.
          type: str
          returned: success
          sample: urn:veeam:Job:c8e83c91-ecb3-5b6b-a127-97fae1072e44
        backup_server:
          description: The name of the job's backup server.
          type: str
          returned: success
          sample: vbr01.vbem.test
missing:
  description: The objects that were not found, as they were given.
  type: list
  elements: dict
  returned: success
  sample: []
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.resources.infrastructure import OBJECT_SPEC
from ..module_utils._em.resources.job_objects import find_objects
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "objects": {"type": "list", "elements": "dict", "required": True, "options": OBJECT_SPEC},
    "in_jobs": {"type": "bool", "default": False},
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the objects that were found, and the descriptions of those that were not."""
    del check_mode
    objects, missing = find_objects(client, params["objects"], in_jobs=params["in_jobs"])
    return {"changed": False, "objects": objects, "missing": missing}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
