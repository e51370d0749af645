# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that identify a virtual machine."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a machine."""

    DOCUMENTATION = r"""
options:
  ref:
    description:
      - The machine's reference, such as V(urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518).
    type: str
  moid:
    description:
      - The platform's own id of the machine, such as V(vm-518). Ansible's VMware modules return it as C(moid).
    type: str
  name:
    description:
      - The name of the machine, compared exactly or, if nothing matches, case-insensitively. Several machines of one name fail
        as V(ambiguous).
    type: str
  root:
    description:
      - The hierarchy root (virtualization host) that the machine belongs to - its name, its UID, or its unique id, which is
        the instance UUID of a vCenter, such as C(about_info.instance_uuid) of C(community.vmware.vmware_about_info). The
        C(instance_uuid) of a machine does not identify a root.
      - May be left out if there is only one.
    type: str
  backup_server:
    description:
      - Name of the backup server, where several know the machine.
    type: str
"""
