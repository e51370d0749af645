# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roots, machines, what jobs hold, restore points: what tests, scenarios and the control API put into the world."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from .document import Link, Value
from .entity import Plain
from .inventory import Inventory, Item
from .jobs import Job
from .points import Protected, add_points
from .shapes import shapes

if TYPE_CHECKING:
    from .world import World

# What the objects of new jobs show; the reference's own example.
GUEST_PROCESSING: Mapping[str, Any] = {
    "VssSnapshotOptions": {"VssSnapshotMode": "RequireSuccess", "IsCopyOnly": False},
    "WindowsGuestFSIndexingOptions": {
        "FileSystemIndexingMode": "ExceptSpecifiedFolders",
        "IncludedIndexingFolders": [],
        "ExcludedIndexingFolders": ["%windir%", "%TEMP%"],
    },
    "LinuxGuestFSIndexingOptions": {
        "FileSystemIndexingMode": "ExceptSpecifiedFolders",
        "IncludedIndexingFolders": [],
        "ExcludedIndexingFolders": ["/proc", "/tmp"],
    },
    "SqlBackupOptions": {"TransactionLogsProcessing": "OnlyOnSuccessJob", "BackupLogsFrequencyMin": 15},
    "WindowsCredentialsId": "",
    "LinuxCredentialsId": "",
}


def guest_processing(options: Mapping[str, Any] | None = None) -> Value:
    """Return guest processing options to be printed; those of most objects are the same."""
    if options is not None:
        return shapes().to_document("GuestProcessingOptions", {**GUEST_PROCESSING, **options})
    return _usual_options()


@cache
def _usual_options() -> Value:
    return shapes().to_document("GuestProcessingOptions", dict(GUEST_PROCESSING))


def add_root(
    world: World,
    name: str,
    server: str | None = None,
    *,
    host_type: str = "VC",
    root_id: str | None = None,
    unique_id: str | None = None,
) -> Plain:
    """Add a hierarchy root; of one vCenter on two servers the unique id is the same, and so is what is below."""
    owner = world.server(server)
    key = (root_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{owner.name}/{name}"))).lower()
    managed = world.add_row("ManagedServer", name, server=owner, Description="", ManagedServerType=host_type)
    return world.add_row(
        "HierarchyRoot",
        name,
        key,
        server=owner,
        links=[Link("Related", managed.reference_path, "ManagedServerReference", name)],
        HierarchyRootId=key,
        UniqueId=(unique_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, name))).upper(),
        HostType=host_type,
    )


def find_root(world: World, root: Plain | str) -> Plain:
    """Return the root meant by a name, an id or a root."""
    found = root if isinstance(root, Plain) else world.inventory.root(root)
    if found is None:
        raise KeyError(f"no hierarchy root {root!r}")
    return found


def find_item(inventory: Inventory, machine: Item | str, server_uid: str | None = None) -> Item:
    """Return the object meant by a reference, a name or an object."""
    if isinstance(machine, Item):
        return machine
    known = inventory.find(machine)
    item = known[1] if known else inventory.named(machine, server_uid) or inventory.named(machine)
    if item is None:
        raise KeyError(f"nothing in the inventory is {machine!r}")
    return item


def add_machine(
    world: World,
    root: Plain | str,
    name: str,
    *,
    kind: str = "Vm",
    moid: str | None = None,
    parents: Iterable[Item | str] = (),
    visible_after: float = 0.0,
) -> Item:
    """Add an object to the inventory; a look-up finds it after so many seconds."""
    place = find_root(world, root)
    above = [find_item(world.inventory, parent, str(place.data["backupserveruid"])) for parent in parents]
    visible_from = world.now + visible_after if visible_after else 0.0
    item = Item(moid or world.inventory.make_moid(place, kind), kind, name, above, visible_from)
    return world.inventory.add(place, item)


def add_object(
    world: World,
    job: Job | Plain,
    machine: Item | str,
    *,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    visible_from: float = 0.0,
    object_id: str | None = None,
) -> Plain:
    """Put an object into a job or a policy; `machine` may be a reference that the inventory does not have."""
    is_job = isinstance(job, Job)
    server = (
        job.server if isinstance(job, Job) else next(one for one in world.servers if one.uid == job.data["backupserveruid"])
    )
    if isinstance(machine, str) and machine.lower().startswith("urn:"):
        known = world.inventory.find(machine)
        reference, shown = machine, name or (known[1].name if known else machine.rpartition(".")[2])
    else:
        item = find_item(world.inventory, machine, server.uid)
        root = world.inventory.root_of(item, server.uid) or world.inventory.root_of(item)
        assert root is not None
        reference, shown = world.inventory.reference(root, item), name or item.name
    type_name = "ObjectInJob" if is_job else "ObjectInCdpPolicy"
    owned = {"JobUid": job.uid, "JobName": job.name} if is_job else {}
    row = world.make_row(
        type_name,
        shown,
        object_id or str(uuid.uuid4()),
        server=server,
        owner=job,
        inner={"GuestProcessingOptions": guest_processing(options)},
        HierarchyObjRef=reference,
        Order=len(world.objects_of(job)),
        values=owned,
    )
    # As the reference of 13.1 and a recorded answer have them.
    of = Link("Up", f"{job.reference_path}?format=Entity", "Job" if is_job else "CdpPolicy", job.name)
    row.up = (Link("Delete", row.reference_path, "ObjectInJob", shown), of)
    row.visible_from = visible_from
    return world.put_row(row)


def add_restore_point(
    world: World, machine: Item | str, at: float, *, job: Job | None = None, kind: str | None = None, visible_from: float = 0.0
) -> Plain:
    """Add a restore point, made by a job that holds the machine (or the first on the root's server)."""
    item = find_item(world.inventory, machine)
    root = world.inventory.root_of(item)
    assert root is not None
    reference = world.inventory.reference(root, item)
    chosen = job or next((one for one in world.jobs if holds(world, one, item)), None)
    if chosen is None:
        chosen = next(one for one in world.jobs if one.server.uid == root.data["backupserveruid"] and one.kind == "job")
    (point,) = add_points(world, chosen, at, [Protected(item.name, reference)], kind=kind, visible_from=visible_from)
    return point


def holds(world: World, job: Job, item: Item) -> bool:
    """Return whether a job protects a machine, by itself or by a container of it."""
    return any(item in machines for machines in (machines_of(world, row) for row in world.objects_of(job)))


def machines_of(world: World, row: Plain) -> list[Item]:
    """Return the machines that an object of a job stands for."""
    known = world.inventory.find(str(row.data.get("hierarchyobjref")))
    return world.inventory.machines_in(*known) if known else []
