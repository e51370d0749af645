# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job or a CDP policy protects: objects are put into it and taken out (wire-facts 10)."""

from __future__ import annotations

from .entity import Plain
from .errors import ApiError
from .exchange import Reply
from .infrastructure import add_object
from .jobs import Job
from .writes import Handler, Write

LAST = "Unable to remove the object: there is only one object in the job."


def _owner(write: Write) -> Job | Plain:
    owner = write.place.owner
    assert isinstance(owner, (Job, Plain))
    return owner


def add(write: Write) -> Reply:
    """Put an object into a job; the list shows it some time after the task has ended."""
    owner, world, switches = _owner(write), write.world, write.api.switches
    reference, name = str(write.body["HierarchyObjRef"]), str(write.body["HierarchyObjName"])
    known = world.inventory.find(reference, write.request.now)
    server = owner.server.uid if isinstance(owner, Job) else owner.data["backupserveruid"]
    if known is None or known[0].data["backupserveruid"] != server:
        message = f"Hierarchy object [{reference}] was not found."
        if switches.unknown_reference == "400":
            raise ApiError(400, message)
        return write.task(False, message)
    exact = world.inventory.reference(*known)
    held = [row for row in world.objects_of(owner) if str(row.data["hierarchyobjref"]).lower() == exact.lower()]
    if held and switches.object_twice == "error":
        return write.task(False, f'Object "{name}" is already in the job.')
    if held and switches.object_twice == "ok":
        return write.task(True, "Ok")
    options = write.body.get("GuestProcessingOptions")

    def put() -> None:
        shown = world.now + switches.task_collecting + switches.object_lag
        add_object(world, owner, exact, name=name or known[1].name, options=options, visible_from=shown)

    return write.task(True, "Ok", effect=put)


def remove(write: Write) -> Reply:
    """Take an object out of a job, unless it is the last one."""
    owner, world, row = _owner(write), write.world, write.row
    assert isinstance(row, Plain)
    if row.is_removed:
        raise ApiError(write.api.switches.unknown_resource, f"{row.spec.element} with id [{row.id}] does not exist.")
    if len(world.objects_of(owner)) == 1:
        return write.task(False, LAST)

    def take() -> None:
        if len(world.objects_of(owner)) > 1:
            row.is_removed = True
            shown = write.api.switches.task_collecting + write.api.switches.object_lag
            world.later(world.now + shown, lambda: world.remove_row(row))

    return write.task(True, "Ok", effect=take)


HANDLERS: dict[str, Handler] = {
    "post_jobs_id_includes": add,
    "delete_jobs_id_includes_id": remove,
    "post_cdppolicies_id_includes": add,
    "delete_cdppolicies_id_includes_id": remove,
}
