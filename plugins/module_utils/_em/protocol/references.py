# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References to objects of the infrastructure: ``urn:<Platform>:<Type>:<HierarchyRootId>.<ObjectRef>``. Pure.

Source: Veeam reference, constructing_hierarchyobjreftype. Its pages write the type of a machine as VM, Vm and vm, so references
are compared case-insensitively.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Types of objects by platform, as the reference names them.
OBJECT_TYPES: dict[str, tuple[str, ...]] = {
    "VMware": (
        *("Vm", "Host", "Cluster", "Template", "VirtualApp", "Vc", "Datacenter", "Folder", "Datastore"),
        *("ComputeResource", "ResourcePool", "Tag", "Category", "StoragePod"),
    ),
    "Hyperv": ("Vm", "Host", "Cluster", "Scvmm", "HostGroup", "VmGroup"),
    "vCloud": ("Vm", "VcdSystem", "Organization", "OrgVdc", "Vapp", "VappTemplate", "VmTemplate"),
}
# HostType of a hierarchy root: Veeam reference, get_query_hierarchyroot.
PLATFORMS = {
    **dict.fromkeys(("esx", "esxi", "vc"), "VMware"),
    **dict.fromkeys(("hvserver", "hvcluster", "scvmm"), "Hyperv"),
    "vcdsystem": "vCloud",
}
_REFERENCE = re.compile(
    r"urn:(?P<platform>\w+):(?P<type>\w+):(?P<root>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<id>\S+)", re.IGNORECASE
)


class Reference(NamedTuple):
    """A reference, taken apart. ``root_id`` is a GUID in lower case, ``object_id`` what the platform calls the object."""

    platform: str
    type: str
    root_id: str
    object_id: str

    def __str__(self) -> str:
        return f"urn:{self.platform}:{self.type}:{self.root_id}.{self.object_id}"

    @property
    def key(self) -> str:
        """Return the key by which references are compared."""
        return str(self).lower()


def parse_reference(text: str) -> Reference | None:
    """Return the reference in a text; None if the text is not one. Known platforms and types get their usual spelling."""
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        return None
    platform = next((known for known in OBJECT_TYPES if known.lower() == match["platform"].lower()), match["platform"])
    return Reference(platform, normalise_type(platform, match["type"]) or match["type"], match["root"].lower(), match["id"])


def normalise_type(platform: str, text: str) -> str | None:
    """Return a platform's spelling of a type; None for a type that the platform does not have."""
    types = OBJECT_TYPES.get(platform, ())
    return next((known for known in types if known.lower() == text.strip().lower()), None)
