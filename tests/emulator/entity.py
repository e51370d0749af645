# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs, runs, servers and every other key resource have in common."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from .catalogue import TypeSpec
from .document import Link, Obj, Scalar, Value
from .switches import Switches


@dataclass(eq=False)
class Entity:
    """A resource with an id, a name and a UID, printed after its type's table."""

    spec: TypeSpec
    id: str
    name: str
    urn: str = ""
    fragments: dict[Hashable, str] = field(default_factory=dict, kw_only=True, repr=False)

    @property
    def uid(self) -> str:
        """The UID, such as urn:veeam:Job:<guid>."""
        return f"urn:veeam:{self.urn or self.spec.name}:{self.id}"

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        """Return the values to filter, sort and print by."""
        return {"uid": self.uid, "name": self.name}

    def nested(self) -> Mapping[str, Value]:
        """Return members that are no plain values, by lower-case name."""
        return {}

    def links(self, now: float) -> list[Link]:
        """Return the entity's links."""
        return [self.alternate()]

    def is_visible(self, now: float) -> bool:
        """Say whether the entity can be seen yet."""
        return True

    def is_settled(self, now: float) -> bool:
        """Say whether the entity will look the same for ever."""
        return True

    def alternate(self) -> Link:
        """Return the link from entity to reference."""
        return Link("Alternate", self.spec.reference_path(self.id), self.spec.reference, self.name)

    def entity(self, now: float, switches: Switches) -> Obj:
        """Return the whole resource."""
        values, nested = self.values(now, switches), self.nested()
        members = [(wire, nested[key] if key in nested else values.get(key)) for wire, key in self.spec.body]
        return Obj(
            self.spec.element,
            members=members,
            attributes=(("Name", self.name), ("UID", self.uid)),
            links=self.links(now),
            path=self.spec.entity_path(self.id),
            type=self.spec.name,
        )

    def reference(self) -> Obj:
        """Return the short form."""
        return Obj(
            "Ref",
            attributes=(("Name", self.name), ("UID", self.uid)),
            links=[Link("Alternate", self.spec.entity_path(self.id), self.spec.name, self.name)],
            path=self.spec.reference_path(self.id),
            type=self.spec.reference,
        )


@dataclass(eq=False)
class Plain(Entity):
    """A resource that never changes: a backup server, a repository, or a row of any type of the catalogue."""

    data: dict[str, Scalar] = field(default_factory=dict)
    up: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        self.data = {"uid": self.uid, "name": self.name, **{key.lower(): value for key, value in self.data.items()}}

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        return self.data

    def links(self, now: float) -> list[Link]:
        return [*self.up, self.alternate()]
