# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address and a body for every operation of the reference, made from its table and the world's own ids."""

from __future__ import annotations

from typing import Any

from emulator import Emulator
from emulator.entity import Entity
from emulator.operations import Member, Operation
from emulator.shapes import shapes

from .wire import Wire, repository

# What stands at each place of an address, by the collection before it; a job of each kind, and what is below others.
_FILE = "C:/Documents/Invoice1.docx"
_CHOICES = {
    "BackupRetention": "In1Week",
    "CompressionLevel": 5,
    "PlatformType": "VMware",
    "AccountType": "User",
    "TenantType": "Standalone",
    "JobSchedulerType": "Full",
    "NetworkType": "Direct",
    "NetworkMode": "Direct",
    "IpAddressLowerBound": "198.51.100.20",
    "IpAddressUpperBound": "198.51.100.22",
    "Kind": "Everyday",
    "Days": "Monday",
    "Time": "21:30:00.0000000+01:00",
    "DayNumberInMonth": "First",
    "DayOfWeek": "Monday",
    "Months": "May",
    "RetainLimitType": "Cycles",
    "SelectedDay": "Monday",
    "SelectedWeek": "Last",
    "SelectedMonth": "May",
    "DayOfMonth": 5,
    "TimeOffsetUtc": 1,
}


def first(em: Emulator, type_name: str) -> Entity:
    """Return a row of a type."""
    found: Entity = next(iter(em.world.table(em.world.catalogue[type_name])))
    return found


def reference(em: Emulator, name: str = "build01") -> str:
    """Return the reference of a machine."""
    item = em.world.inventory.named(name)
    assert item is not None
    root = em.world.inventory.root_of(item)
    assert root is not None
    return em.world.inventory.reference(root, item)


def address(em: Emulator, on: Wire, operation: Operation) -> str:
    """Return the address of an operation with ids of the world; what is missing there is made."""
    path = "/".join(operation.path)
    ids = iter(_ids(em, on, path, operation))
    parts = [next(ids) if part.startswith("{") and part != "{filepath}" else part for part in operation.path]
    parts = [_FILE if part == "{filepath}" else part for part in parts]
    action = f"?action={operation.action}" if operation.action else ""
    return f"/api/{'/'.join(parts)}{action}"


def _ids(em: Emulator, on: Wire, path: str, operation: Operation) -> list[str]:
    special = {"logonSessions": lambda: [em.logon().id], "tasks": lambda: [em.make_task(on.session_id)]}
    known = special.get(path.partition("/")[0])
    if known is not None:
        return known()
    if path.startswith("catalog"):
        point = first(em, "VmRestorePoint")
        return [str(point.values(0, em.switches)["vmdisplayname"]), point.id]
    if "jobs/" in path:
        return _job_ids(em, path, operation)
    specs = [one for one in em.world.catalogue if not one.nested and path.lower().startswith(one.path.lower() + "/")]
    if not specs:
        return []
    spec = max(specs, key=lambda one: len(one.path))
    owner = em.world.start_run(em.world.job("SQL Backup")) if spec.name == "BackupJobSession" else first(em, spec.name)
    em.clock.advance(1)  # a run is not seen at once
    ids = [owner.id]
    if path.count("{ID}") > 1:
        ids.append(_child(em, on, owner, path.split("/")[len(spec.path.split("/")) + 1]))
    return ids


def _child(em: Emulator, on: Wire, owner: Entity, name: str) -> str:
    """Return the id of something below a resource."""
    spec = next(one for one in em.world.catalogue if one.nested == name.lower() and one.owner_path == owner.spec.path)
    rows = em.world.children(spec.name, owner)
    if not rows and spec.nested == "mounts":
        on.finish(on("POST", f"{owner.reference_path}/mounts", {"Content-Length": "0"}))
        em.world.catch_up()
        rows = em.world.children(spec.name, owner)
    if not rows:
        rows = [em.world.add_row(spec.name, "one", owner=owner)]
    return rows[0].id


def _job_ids(em: Emulator, path: str, operation: Operation) -> list[str]:
    copies = "linked" in path or operation.action == "sync"
    kind = path.partition("/")[0].replace("agents", "agent").replace("jobs", "job")
    name = {"agent": "Linux Agents", "nas": "Shared Files"}.get(kind, "Offsite Copy" if copies else "Daily Backup")
    job = em.world.job(name, kind=kind)
    if "retry" in (operation.action, operation.path[-1]):
        em.world.add_run(job, em.clock.now() - 60, 30, "failed")
    if "stop" in (operation.action, operation.path[-1]):
        em.world.start_run(job)
    if path.count("{ID}") < 2:
        return [job.id]
    if "includes" in path:
        return [job.id, em.world.objects_of(job)[0].id]
    return [
        job.id,
        em.world.add_row("LinkedJobObject" if "linkedJobs" in path else "LinkedBackupRepositoryObject", "one", owner=job).id,
    ]


def body(em: Emulator, operation: Operation) -> dict[str, Any]:
    """Return a body in JSON: all that is required, and what is no list besides."""
    if operation.root == "JobCloneSpec":
        return {"BackupJobCloneInfo": {"JobName": "Twin", "FolderName": "Twin", "RepositoryUid": repository(em)}}
    if operation.root == "RestoreSpec":
        name = operation.members[0].name
        return {name: _object(em, [one for one in operation.members[0].members if one.name != "VmRestoreParameters"])}
    if operation.root == "RebuildScopeJobSpec":
        return {"RebuildUnprocessed": {}}
    if operation.root == "FileRestoreSpec":
        return {"ForDirectDownload": {}}
    return _object(em, operation.members)


def _object(em: Emulator, members: Any) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for member in members:
        listed = shapes().lists.get(member.name)
        if member.name in (
            "Includes",
            "JobInfo",
            "CloudFailoverPlanInfo",
            "CdpPolicyInfo",
            "HvCloudHardwarePlan",
            "ImmediateCopyMode",
        ):
            continue
        value = _value(em, member)
        filled[listed or member.name] = [value] if listed else value
    return filled


def _value(em: Emulator, member: Member) -> Any:
    name = member.name
    if member.members:
        attributes = {key: True for key in shapes().attributes.get(name, ()) if key != "Id"}
        return {**_object(em, member.members), **attributes}
    by_name: dict[str, Any] = {
        **{key: ["one", "two"] for key in shapes().strings},
        **_CHOICES,
        "Day": {"Name": "Sunday", "Value": ",".join("0" * 24)},
        "LeaseOptions": {"Enabled": False},
        "QuickRollback": False,
        "RepositoryUid": repository(em),
        "LinkedBackupRepositoryUid": repository(em),
        "BackupServerUid": em.world.server().uid,
        "CloudHardwarePlanUid": first(em, "CloudHardwarePlan").uid,
        "EnterpriseRoleUid": first(em, "EnterpriseRole").uid,
        "LinkedJobUid": em.world.job("SQL Backup").uid,
        "VmRef": reference(em, "web01"),
        "HierarchyObjRef": reference(em),
    }
    usual = {"bool": True, "int": 7, "date": "2030-01-31T00:00:00Z"}
    return by_name.get(name, usual.get(member.kind, f"some {name}"))
