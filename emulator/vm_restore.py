# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""POST to a restore point or a replica point: one machine is restored, or fails over (wire-facts 11)."""

from __future__ import annotations

from typing import Any

from .entity import Plain
from .errors import ApiError
from .exchange import Reply
from .inventory import Item, parse_reference
from .restores import session_link, start_session
from .runs import FAILED
from .writes import Handler, Write

STARTED = "Restore operations started successfully."


def _server(write: Write) -> Plain:
    assert isinstance(write.row, Plain)
    uid = write.row.data.get("backupserveruid")
    return next((server for server in write.world.servers if server.uid == uid), write.world.server())


def restore(write: Write) -> Reply:
    """Restore a machine over itself, or beside itself as a new one."""
    world, point = write.world, write.row
    assert isinstance(point, Plain)
    spec: dict[str, Any] = write.body.get("VmRestoreSpec") or {}
    keeps = bool(spec.get("KeepOriginalVM"))
    if keeps and spec.get("QuickRollback"):
        raise ApiError(400, "Quick rollback cannot be used if the original VM is kept.")
    reference = str(point.data["hierarchyobjref"])
    machine = str(point.data["vmdisplayname"])
    known = world.inventory.find(reference)
    item = known[1] if known else Item("vm-0", "Vm", machine)
    parameters = spec.get("VmRestoreParameters") or {}
    name = str(parameters.get("VmNewName") or f"{machine}_restored")
    restored, new = reference, None
    if (keeps or parameters.get("VmNewName")) and known is not None:
        root = known[0]
        new = Item(world.inventory.make_moid(root, "Vm"), "Vm", name, list(item.parents))
        restored = world.inventory.reference(root, new)
    reason = item.reason or "Failed to restore the machine: the datastore is full."
    session = start_session(
        world, _server(write), machine, outcome=item.next_restore(), restored=restored, point=point, reason=reason
    )
    if new is not None and known is not None and session.outcome != FAILED:
        place = known[0]
        world.later(session.ends, lambda: world.inventory.add(place, new))
    return write.task(True, "Ok", session_link(session))


def restore_vapp(write: Write) -> Reply:
    """Restore a vApp."""
    assert isinstance(write.row, Plain)
    machine = str(write.row.data.get("vappdisplayname") or write.row.name)
    reference = write.row.data.get("hierarchyobjref")
    restored = str(reference) if reference and parse_reference(str(reference)) else None
    return write.task(
        True, "Ok", session_link(start_session(write.world, _server(write), machine, restored=restored, point=write.row))
    )


def fail_over(write: Write) -> Reply:
    """Let a replica take over."""
    assert isinstance(write.row, Plain)
    data = write.row.data
    machine = str(data.get("vmdisplayname") or data.get("vappdisplayname") or write.row.name)
    return write.task(True, STARTED, session_link(start_session(write.world, _server(write), machine, point=write.row)))


def start_plan(write: Write) -> Reply:
    """Start or test a failover plan; those of Cloud Connect leave a session."""
    row = write.row
    if row.spec.name != "CloudFailoverPlan":
        return write.task(True, "Ok")
    session = start_session(write.world, _server(write), row.name, type_name="CloudFailoverSession", kind="FailoverPlan")
    return write.task(True, "Ok", session_link(session))


HANDLERS: dict[str, Handler] = {
    "post_vmrestorepoints_id_actionrestore": restore,
    "post_vapprestorepoints_id_actionrestore": restore_vapp,
    "post_vmreplicapoints_id_actionrestore": fail_over,
    "post_vappreplicapoints_id_actionfailover": fail_over,
    "post_cdpreplicavm_id_actionfailover": fail_over,
    "post_cdpreplicavapp_id_actionfailover": fail_over,
    "post_cloudfailoverplans_id_start": start_plan,
    "post_cloudfailoverplans_id_test": start_plan,
    "post_failoverplans_id_start": start_plan,
}
