# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a scenario that are infrastructure: roots, machines, what jobs hold, restore points, tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .changes import find_holder
from .created import quota_of
from .scenario_values import at, read_seconds
from .tenants import add_tenant

if TYPE_CHECKING:
    from .backend import Backend


def put_root(backend: Backend, given: dict[str, Any]) -> None:
    """Add a hierarchy root."""
    backend.world.add_root(given.pop("name"), given.pop("server", None), root_id=given.pop("id", None), **given)


def put_machine(backend: Backend, given: dict[str, Any]) -> None:
    """Add an object of the inventory."""
    if "visible_after" in given:
        with at("visible_after"):
            given["visible_after"] = read_seconds(given["visible_after"])
    later = {name: given.pop(name) for name in ("backup_script", "restore_script", "reason") if name in given}
    item = backend.world.add_machine(given.pop("root"), given.pop("name"), **given)
    for name, value in later.items():
        setattr(item, name, [value] if name.endswith("script") and isinstance(value, str) else value)


def put_objects(backend: Backend, given: dict[str, Any]) -> None:
    """Put objects into a job or a CDP policy."""
    holder = find_holder(backend, given["job"], given.get("server"))
    for number, name in enumerate(given["objects"]):
        with at(f"objects[{number}]"):
            backend.world.add_object(holder, name)


def put_restore_point(backend: Backend, given: dict[str, Any]) -> None:
    """Add a restore point."""
    with at("ago"):
        ago = read_seconds(given["ago"])
    job = backend.world.job(given["job"], given.get("server")) if "job" in given else None
    backend.world.add_restore_point(given["machine"], backend.clock.now() - ago, job=job, kind=given.get("kind"))


def put_tenant(backend: Backend, given: dict[str, Any]) -> None:
    """Add a tenant of Cloud Connect with its quotas."""
    world = backend.world
    server = world.server(given.pop("server", None))
    repositories = {row.name: row for row in world.table(world.catalogue["Repository"])}
    quotas = []
    for number, resource in enumerate(given.pop("resources", ())):
        with at(f"resources[{number}]"):
            if resource["repository"] not in repositories:
                raise ValueError(f"no repository {resource['repository']!r}")
            uid = repositories[resource["repository"]].uid
            quotas.append(quota_of({"Name": resource["name"], "RepositoryUid": uid, "QuotaMb": resource["quota_mb"]}))
    shown = {"Description": given.get("description", ""), "Enabled": given.get("enabled", True)}
    add_tenant(world, given["name"], server, shown, quotas)
