# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations on resources that have no behaviour of their own: created, edited, deleted (wire-facts 13)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .clock import to_datetime
from .created import BECOMES
from .document import Link
from .entity import Entity, Plain
from .exchange import Reply
from .world import World
from .writes import Handler, Write


def usual(write: Write) -> Reply:
    """Do what the method says: create below a collection, edit or delete a resource, or nothing but a task."""
    method, row = write.operation.method, write.place.row
    if row is None:
        return create(write)
    if method == "PUT":
        return edit(write)
    if method == "DELETE":
        return delete(write)
    return write.task(True, "Ok")


def server_of(world: World, body: Mapping[str, Any], owner: Entity | None) -> Plain:
    """Return the backup server that a new resource belongs to."""
    wanted = str(body.get("BackupServerUid") or (owner.data.get("backupserveruid") if isinstance(owner, Plain) else "") or "")
    if isinstance(owner, Plain) and owner.spec.name == "BackupServer":
        return owner
    return next((server for server in world.servers if server.uid.lower() == wanted.strip().lower()), world.server())


def make(write: Write, shown: Mapping[str, Any]) -> Plain:
    """Make a row that shows this."""
    world, place = write.world, write.place
    key = str(uuid.uuid4())
    name = str(shown.get("Name") or shown.get("Username") or shown.get("Hint") or key)
    server = None if place.spec.name == "BackupServer" else server_of(world, shown, place.owner)
    row = world.make_row(place.spec.name, name, key, server=server, owner=place.owner)
    row.say(shown)
    row.data.update({field: key for field in ("credentialsid", "passwordkeyid") if field in place.spec.fields})
    if isinstance(place.owner, Plain):
        row.data.update({"cloudtenantuid": place.owner.uid, "cloudtenantname": place.owner.name})
    return row


def create(write: Write, after: Callable[[Plain], object] | None = None) -> Reply:
    """Create what the body says; it can be seen some time after the task has ended."""
    become = BECOMES.get(write.operation.page)
    rows = [make(write, shown) for shown in (become(write.body) if become else [write.body])]
    world = write.world

    def appear() -> None:
        for row in rows:
            row.visible_from = world.now + write.api.switches.object_delay if write.api.switches.object_delay else 0.0
            world.put_row(row)
            if after is not None:
                after(row)

    if write.operation.name is None:
        return write.done(appear, rows[0])
    return write.task(True, "Ok", related_row(write, rows[0]), appear)


def related_row(write: Write, row: Entity) -> Link | None:
    """Return the link from a task to what it made or changed, as the reference has it."""
    if write.operation.related is None:
        return None
    rel, kind = write.operation.related
    if (kind or "").endswith("List"):
        return Link(rel, f"/api/{row.spec.path}", kind)
    return Link(rel, row.reference_path if (kind or "").endswith("Reference") else row.entity_path, kind, row.name)


def edit(write: Write) -> Reply:
    """Show from now on what the body says."""
    row = write.row
    assert isinstance(row, Plain)
    become = BECOMES.get(write.operation.page)
    (shown,) = become(write.body) if become else [write.body]
    return write.task(True, "Ok", related_row(write, row), lambda: change(write.world, row, shown))


def change(world: World, row: Plain, shown: Mapping[str, Any]) -> None:
    """Let a row show this."""
    row.say(shown)
    if row.spec.name == "Passwords":
        row.data["lastmodificationdate"] = to_datetime(world.now)
    world.table(row.spec).touch()


def delete(write: Write) -> Reply:
    """Remove a resource and what is below it."""
    row = write.row
    return write.task(True, "Ok", effect=lambda: remove(write.world, row))


def remove(world: World, row: Entity) -> None:
    """Remove a row and what is below it."""
    for spec in world.catalogue:
        if spec.nested and spec.owner_path.lower() == row.spec.path.lower():
            for child in world.children(spec.name, row):
                world.remove_row(child)
    world.remove_row(row)


def _set(name: str, value: bool) -> Handler:
    def handle(write: Write) -> Reply:
        row = write.row
        assert isinstance(row, Plain)
        return write.task(True, "Ok", effect=lambda: change(write.world, row, {name: value}))

    return handle


def _flip_restore_scope(write: Write) -> Reply:
    row = write.row
    assert isinstance(row, Plain)
    allowed = not row.data.get("allowrestoreallvms")
    return write.done(lambda: change(write.world, row, {"AllowRestoreAllVms": allowed}))


def _rebuild(write: Write) -> Reply:
    return write.task(True, "Ok")


HANDLERS: dict[str, Handler] = {
    "post_cdppolicies_id_actionenable": _set("ScheduleEnabled", True),
    "post_cdppolicies_id_actiondisable": _set("ScheduleEnabled", False),
    "post_vcloud_orgconfigs_id": _set("IsDisabled", True),
    "post_security_accounts_id": _flip_restore_scope,
    "post_security_accounts_actionrebuildscope": _rebuild,
}
