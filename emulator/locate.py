# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a path to what is there: a collection, one resource, or what is below one (wire-facts 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .catalogue import TypeSpec
from .entity import Entity, Plain
from .errors import ApiError
from .jobs import Job
from .runs import Run
from .switches import Switches
from .world import World

Keep = Callable[[Any], bool]

# Collections below a resource that are found by a field: owner's path, last part: type, field, and what of the owner it holds.
_BELOW = {
    ("backupsessions", "tasksessions"): ("BackupTaskSession", "jobsessionuid", "uid"),
    ("replicasessions", "replicatasksessions"): ("ReplicaTaskSession", "jobsessionuid", "uid"),
    ("restorepoints", "vmrestorepoints"): ("VmRestorePoint", "restorepointid", "id"),
    ("restorepoints", "agentrestorepoints"): ("AgentRestorePoint", "restorepointid", "id"),
    ("restorepoints", "vapprestorepoints"): ("VAppRestorePoint", "restorepointid", "id"),
    ("backups", "restorepoints"): ("RestorePoint", "backupuid", "uid"),
    ("agents/protectiongroups", "discoveredcomputers"): ("DiscoveredComputer", "protectiongroupuid", "uid"),
}


@dataclass
class Place:
    """What an address means: rows of a type, of which `row` is the one, `rest` what follows it."""

    spec: TypeSpec
    row: Entity | None = None
    owner: Entity | None = None
    rest: Sequence[str] = ()
    keep: Keep | None = None
    keep_key: str = ""

    def rows(self, world: World) -> list[Any] | None:
        """Return the rows of a collection below its owner, or None where they are a table's."""
        return list(world.children(self.spec.name, self.owner)) if self.owner is not None and self.spec.nested else None


def locate(world: World, switches: Switches, segments: Sequence[str]) -> Place:
    """Return what is at an address; what does not exist is an error."""
    lowered = [part.lower() for part in segments]
    if lowered[:2] in (["agents", "backupsessions"], ["nas", "backupsessions"]):
        kind = "agent" if lowered[0] == "agents" else "nas"
        place = Place(world.catalogue["BackupJobSession"], keep=lambda run: run.job.kind == kind, keep_key=kind)
        return _one(world, switches, place, segments[2:])
    spec = _find_spec(world, lowered)
    if spec is None:
        raise ApiError(404, "Resource not found.")
    return _one(world, switches, Place(spec), segments[len(spec.path.split("/")) :])


def _find_spec(world: World, lowered: Sequence[str]) -> TypeSpec | None:
    """Return the type whose collection this is in; of two the one with the longer path."""
    best: TypeSpec | None = None
    for spec in world.catalogue:
        path = spec.path.lower().split("/")
        if not spec.nested and list(lowered[: len(path)]) == path and (best is None or len(path) > best.path.count("/") + 1):
            best = spec
    return best


def _one(world: World, switches: Switches, place: Place, below: Sequence[str]) -> Place:
    if not below or not below[0]:
        return place
    found = world.find(place.spec, below[0])
    if found is None or (place.keep is not None and not place.keep(found)):
        raise ApiError(switches.unknown_resource, f"{place.spec.name} with id [{below[0]}] does not exist.")
    place.row, place.rest = found, below[1:]
    return _below(world, switches, place) if place.rest else place


def _below(world: World, switches: Switches, place: Place) -> Place:
    """Go on to what is below a resource."""
    row, name = place.row, place.rest[0].lower()
    assert row is not None
    if isinstance(row, Job) and name in ("backupsessions", "replicasessions"):
        spec = world.catalogue["ReplicaJobSession" if name == "replicasessions" else "BackupJobSession"]
        return Place(spec, keep=lambda run: isinstance(run, Run) and run.job is row, keep_key=row.id)
    derived = _BELOW.get((place.spec.path.lower(), name))
    if derived is not None:
        kind, field, of = derived
        wanted = row.uid if of == "uid" else row.id
        return Place(world.catalogue[kind], keep=lambda one: one.values(0.0, switches).get(field) == wanted, keep_key=wanted)
    for spec in world.catalogue:
        if spec.nested == name and spec.owner_path.lower() == place.spec.path.lower():
            inner = Place(spec, owner=row)
            if len(place.rest) == 1:
                return inner
            return _nested(world, switches, inner, place.rest[1:])
    return place


def _nested(world: World, switches: Switches, place: Place, rest: Sequence[str]) -> Place:
    assert place.owner is not None
    now = world.now
    wanted = rest[0].lower()
    rows: list[Plain] = world.children(place.spec.name, place.owner)
    found = next((row for row in rows if row.id.lower() == wanted and row.is_visible(now)), None)
    if found is None:
        raise ApiError(switches.unknown_resource, f"{place.spec.element} with id [{rest[0]}] does not exist.")
    place.row, place.rest = found, rest[1:]
    return place
