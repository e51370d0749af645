# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual infrastructure: machines, folders, tags and the rest below hierarchy roots (wire-facts 10)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .entity import Plain

PLATFORMS = {
    "VC": "VMware",
    "ESX": "VMware",
    "ESXi": "VMware",
    "HvServer": "Hyperv",
    "HvCluster": "Hyperv",
    "Scvmm": "Hyperv",
    "VcdSystem": "vCloud",
}
# What ids look like in vCenter, by type; those of Hyper-V and Cloud Director hold GUIDs.
_IDS = {
    "Vm": "vm-{n}",
    "Template": "vm-{n}",
    "Folder": "group-v{n}",
    "Tag": "urn:vmomi:InventoryServiceTag:{guid}:GLOBAL",
    "Category": "urn:vmomi:InventoryServiceCategory:{guid}:GLOBAL",
    "Cluster": "domain-c{n}",
    "ComputeResource": "domain-s{n}",
    "ResourcePool": "resgroup-{n}",
    "VirtualApp": "resgroup-v{n}",
    "Datastore": "datastore-{n}",
    "StoragePod": "group-p{n}",
    "Datacenter": "datacenter-{n}",
    "Host": "host-{n}",
}
_REFERENCE = re.compile(r"urn:(VMware|Hyperv|vCloud):(\w+):([0-9a-f-]{36})\.(.+)", re.IGNORECASE | re.DOTALL)


@dataclass(eq=False)
class Item:
    """One object of the infrastructure; `parents` are what holds it: folders, tags, pools, hosts."""

    moid: str
    type: str
    name: str
    parents: list[Item] = field(default_factory=list, repr=False)
    visible_from: float = 0.0
    backup_script: list[str] = field(default_factory=lambda: ["success"])
    restore_script: list[str] = field(default_factory=lambda: ["success"])
    reason: str = ""

    @property
    def is_machine(self) -> bool:
        """Whether this is a virtual machine."""
        return self.type.lower() == "vm"

    def next_backup(self) -> str:
        """Take the outcome of the next quick backup from the script."""
        return self.backup_script.pop(0) if len(self.backup_script) > 1 else self.backup_script[0]

    def next_restore(self) -> str:
        """Take the outcome of the next restore from the script."""
        return self.restore_script.pop(0) if len(self.restore_script) > 1 else self.restore_script[0]

    def is_in(self, container: Item) -> bool:
        """Return whether a container holds the object, however deep."""
        return any(parent is container or parent.is_in(container) for parent in self.parents)


@dataclass(frozen=True)
class Reference:
    """A reference that was taken apart; ids compare without case."""

    platform: str
    type: str
    root_id: str
    moid: str


def parse_reference(text: str) -> Reference | None:
    """Return the parts of urn:<platform>:<type>:<root>.<id>, or None."""
    match = _REFERENCE.fullmatch(text.strip())
    return Reference(match[1], match[2], match[3].lower(), match[4].lower()) if match else None


class Inventory:
    """The objects below every root; roots of the same vCenter share them, whatever backup server they are on."""

    def __init__(self) -> None:
        self._items: defaultdict[str, dict[tuple[str, str], Item]] = defaultdict(dict)
        self._roots: dict[str, Plain] = {}
        self.made = 1000

    def add_root(self, root: Plain) -> None:
        """Make a root known by its id."""
        self._roots[str(root.data["hierarchyrootid"]).lower()] = root

    @property
    def roots(self) -> list[Plain]:
        """The hierarchy roots."""
        return list(self._roots.values())

    def root(self, key: str) -> Plain | None:
        """Return the root of this id, UID, name or unique id."""
        wanted = key.strip().lower()
        bare = wanted.rpartition(":")[2]
        if bare in self._roots:
            return self._roots[bare]
        return next((root for root in self.roots if wanted in (root.name.lower(), str(root.data["uniqueid"]).lower())), None)

    @staticmethod
    def platform(root: Plain) -> str:
        """Return the platform of a root: VMware, Hyperv or vCloud."""
        return PLATFORMS.get(str(root.data["hosttype"]), "VMware")

    def _of(self, root: Plain) -> dict[tuple[str, str], Item]:
        return self._items[str(root.data["uniqueid"]).lower()]

    def add(self, root: Plain, item: Item) -> Item:
        """Put an object below a root."""
        kind = "vm" if item.is_machine else item.type.lower()
        self._of(root)[kind, item.moid.lower()] = item
        return item

    def remove(self, root: Plain, item: Item) -> None:
        """Take an object out of the infrastructure."""
        self._of(root).pop(("vm" if item.is_machine else item.type.lower(), item.moid.lower()), None)

    def make_moid(self, root: Plain, kind: str) -> str:
        """Return a new id such as vm-101."""
        self.made += 1
        guid = f"{self.made:08x}-1111-4222-8333-{self.made:012x}"
        platform = self.platform(root)
        if platform == "VMware":
            return _IDS.get("Vm" if kind.lower() == "vm" else kind, "group-d{n}").format(n=self.made, guid=guid)
        return guid if platform == "Hyperv" else f"urn:vcloud:{kind.lower()}:{guid}"

    def items(self, root: Plain, now: float) -> Iterator[Item]:
        """Return the objects below a root that can be seen."""
        return (item for item in list(self._of(root).values()) if item.visible_from <= now)

    def find(self, text: str, now: float | None = None) -> tuple[Plain, Item] | None:
        """Return the root and the object that a reference means; with a time only what can be seen then."""
        reference = parse_reference(text)
        root = self._roots.get(reference.root_id) if reference else None
        if reference is None or root is None:
            return None
        item = self._of(root).get((reference.type.lower(), reference.moid))
        if item is None or (now is not None and item.visible_from > now):
            return None
        return root, item

    def root_of(self, item: Item, server_uid: str | None = None) -> Plain | None:
        """Return the root that holds an object, on this backup server if one is given."""
        for root in self.roots:
            if server_uid in (None, root.data.get("backupserveruid")) and item in self._of(root).values():
                return root
        return None

    def named(self, name: str, server_uid: str | None = None) -> Item | None:
        """Return the first object of this name, on this backup server if one is given."""
        for root in self.roots:
            if server_uid in (None, root.data.get("backupserveruid")):
                for item in self._of(root).values():
                    if item.name == name:
                        return item
        return None

    def reference(self, root: Plain, item: Item, machine_type: str = "Vm") -> str:
        """Return the reference of an object; machines are called Vm, VM or vm."""
        kind = machine_type if item.is_machine else item.type
        return f"urn:{self.platform(root)}:{kind}:{root.data['hierarchyrootid']}.{item.moid}"

    def machines_in(self, root: Plain, item: Item) -> list[Item]:
        """Return the machines that an object stands for: itself, or all in it."""
        if item.is_machine:
            return [item]
        return [one for one in self._of(root).values() if one.is_machine and one.is_in(item)]

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self._roots.clear()
        self.made = 1000
