# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the world by name: what the control API, scenarios and the fault `meanwhile` ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .entity import Plain
from .infrastructure import find_item
from .inventory import Item
from .jobs import Job

if TYPE_CHECKING:
    from .backend import Backend


def change(backend: Backend, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Make the change that `what` names; return what there is to say of it."""
    given = {{"object": "held"}.get(name, name): value for name, value in settings.items()}
    what = str(given.pop("what", ""))
    if what not in CHANGES:
        raise ValueError(f"what is one of {', '.join(CHANGES)}; not {what!r}")
    backend.world.catch_up()
    try:
        return CHANGES[what](backend, **given)
    except TypeError as error:
        raise ValueError(f"{what}: {str(error).partition('() ')[2] or error}") from None


def find_holder(backend: Backend, job: str, server: str | None = None) -> Job | Plain:
    """Return the job or the CDP policy of this name."""
    try:
        return backend.world.job(job, server)
    except KeyError:
        policies = backend.world.table(backend.world.catalogue["CdpPolicy"])
        found: Plain | None = next((row for row in policies if row.name == job), None)
        if found is None:
            raise
        return found


def _reference(backend: Backend, item: Item) -> str:
    root = backend.world.inventory.root_of(item)
    assert root is not None
    return backend.world.inventory.reference(root, item)


def _add_root(backend: Backend, name: str, server: str | None = None, **settings: Any) -> dict[str, Any]:
    root = backend.world.add_root(name, server, **settings)
    return {"id": root.id, "uid": root.uid, "unique_id": root.data["uniqueid"]}


def _add_machine(backend: Backend, root: str, name: str, **settings: Any) -> dict[str, Any]:
    item = backend.world.add_machine(root, name, **settings)
    return {"ref": _reference(backend, item), "moid": item.moid}


def _change_machine(backend: Backend, name: str, **settings: Any) -> dict[str, Any]:
    item = find_item(backend.world.inventory, name)
    for key, value in settings.items():
        if key not in ("backup_script", "restore_script", "reason"):
            raise ValueError(f"a machine's {key!r} cannot be changed")
        setattr(item, key, [value] if key.endswith("script") and isinstance(value, str) else value)
    return {"ref": _reference(backend, item)}


def _remove_machine(backend: Backend, name: str) -> dict[str, Any]:
    item = find_item(backend.world.inventory, name)
    for root in backend.world.inventory.roots:
        backend.world.inventory.remove(root, item)
    return {}


def _add_object(backend: Backend, job: str, held: str, server: str | None = None) -> dict[str, Any]:
    row = backend.world.add_object(find_holder(backend, job, server), held)
    return {"id": row.id}


def _remove_object(backend: Backend, job: str, held: str, server: str | None = None) -> dict[str, Any]:
    for row in backend.world.objects_of(find_holder(backend, job, server)):
        if held in (row.name, row.id, row.data["hierarchyobjref"]):
            backend.world.remove_row(row)
            return {"id": row.id}
    raise KeyError(f"{job} does not hold {held!r}")


def _add_restore_point(
    backend: Backend, machine: str, ago: float = 3600.0, job: str | None = None, **settings: Any
) -> dict[str, Any]:
    chosen = backend.world.job(job) if job else None
    row = backend.world.add_restore_point(machine, backend.clock.now() - float(ago), job=chosen, **settings)
    return {"id": row.id, "uid": row.uid}


def _change_job(backend: Backend, **settings: Any) -> dict[str, Any]:
    return {"id": backend.change_job(settings).id}


def _remove_job(backend: Backend, name: str, server: str | None = None) -> dict[str, Any]:
    job = backend.world.job(name, server)
    backend.world.remove_job(job)
    return {"id": job.id}


CHANGES: dict[str, Callable[..., dict[str, Any]]] = {
    "add_root": _add_root,
    "add_machine": _add_machine,
    "change_machine": _change_machine,
    "remove_machine": _remove_machine,
    "add_object": _add_object,
    "remove_object": _remove_object,
    "add_restore_point": _add_restore_point,
    "change_job": _change_job,
    "remove_job": _remove_job,
}
