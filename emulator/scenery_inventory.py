# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual infrastructure of the beginning: what is below each root, with the machines that jobs hold."""

from __future__ import annotations

from .entity import Plain
from .inventory import Item
from .scenery_rows import MACHINES
from .world import World

# Machines that no job holds: two of one name, and one whose name is anything but a name.
UNPROTECTED = ("test01", "test01", "build01", "50%_done & <ready>")
FIRST_UNPROTECTED = 201


def furnish_inventory(world: World) -> None:
    """Put machines, folders, tags and the like below the roots; ids are the same in every emulator."""
    vcenter, hyperv, cloud = (
        world.inventory.root(name) for name in ("vcenter01.vbem.test", "hyperv01.vbem.test", "vcd01.vbem.test")
    )
    assert vcenter is not None
    assert hyperv is not None
    assert cloud is not None

    def add(kind: str, moid: str, name: str, *parents: Item, root: Plain = vcenter) -> Item:
        return world.inventory.add(root, Item(moid, kind, name, list(parents)))

    datacenter = add("Datacenter", "datacenter-2", "Main site")
    cluster = add("Cluster", "domain-c7", "Cluster 1", datacenter)
    host = add("Host", "host-10", "esx01.vbem.test", cluster)
    pool = add("ResourcePool", "resgroup-8", "Production", cluster)
    add("Datastore", "datastore-11", "datastore1", datacenter)
    add("StoragePod", "group-p12", "Pod 1", datacenter)
    add("VirtualApp", "resgroup-v13", "vapp01", pool)
    folder = add("Folder", "group-v20", "Production", datacenter)
    tests = add("Folder", "group-v21", "Tests", datacenter)
    add("Folder", "group-v22", "Empty", datacenter)
    category = add("Category", "urn:vmomi:InventoryServiceCategory:5d2c0a3e-0000-4000-8000-000000000001:GLOBAL", "Backup")
    gold = add("Tag", "urn:vmomi:InventoryServiceTag:5d2c0a3e-0000-4000-8000-000000000002:GLOBAL", "gold", category)
    add("Template", "vm-30", "rhel9-template", tests)
    group = add("HostGroup", "0b1f7a10-0000-4000-8000-000000000001", "All Hosts", root=hyperv)
    add("Host", "0b1f7a10-0000-4000-8000-000000000002", "hyperv01.vbem.test", group, root=hyperv)
    organization = add("Organization", "urn:vcloud:org:219b129b-0000-4000-8000-000000000001", "Org 1", root=cloud)
    add("OrgVdc", "urn:vcloud:vdc:c20a16a7-0000-4000-8000-000000000001", "VDC 1", organization, root=cloud)
    for index, machine in enumerate(MACHINES):
        root = {"vbr01": vcenter, "vbr02": hyperv, "vbr03": cloud}[machine.server]
        parents = [folder, pool, host] if root is vcenter else [group] if root is hyperv else [organization]
        if machine.name.startswith("sql"):
            parents.append(gold)
        item = add("Vm", f"vm-{101 + index}", machine.name, *parents, root=root)
        item.reason = machine.reason
    for index, name in enumerate(UNPROTECTED):
        add("Vm", f"vm-{FIRST_UNPROTECTED + index}", name, tests, host)
