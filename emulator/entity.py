# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs, runs, servers and every other key resource have in common."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .catalogue import TypeSpec
from .document import Link, Obj, Scalar, Value
from .filters import parse_date
from .german import say
from .redact import is_secret
from .row_links import links_of
from .shapes import shapes
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
        """The UID, such as urn:veeam:Job:<guid>; where the reference calls it a String, it is the bare id."""
        field = self.spec.fields.get("uid")
        if field is not None and field.kind == "string":
            return self.id
        return f"urn:veeam:{self.urn or self.spec.name}:{self.id}"

    @property
    def entity_path(self) -> str:
        """The path of the whole resource."""
        return self.spec.entity_path(self.id)

    @property
    def reference_path(self) -> str:
        """The path of the short form."""
        return self.spec.reference_path(self.id)

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
        """Return whether the entity can be seen yet."""
        return True

    def is_settled(self, now: float) -> bool:
        """Return whether the entity will look the same for ever."""
        return True

    def alternate(self) -> Link:
        """Return the link from entity to reference."""
        return Link("Alternate", self.reference_path, self.spec.reference, self.name)

    def entity(self, now: float, switches: Switches) -> Obj:
        """Return the whole resource."""
        values, nested = self.values(now, switches), self.nested()
        members = [(wire, nested[key] if key in nested else values.get(key)) for wire, key in self.spec.body]
        return Obj(
            self.spec.element,
            members=members,
            attributes=[(wire, values.get(key)) for wire, key in self.spec.attributes],
            links=self.links(now),
            path=self.entity_path,
            type=self.spec.name,
        )

    def reference(self) -> Obj:
        """Return the short form."""
        return Obj(
            "Ref",
            attributes=(("Name", self.name), ("UID", self.uid)),
            links=[Link("Alternate", self.entity_path, self.spec.name, self.name)],
            path=self.reference_path,
            type=self.spec.reference,
        )


@dataclass(eq=False)
class Plain(Entity):
    """A resource that changes only when it is edited: a backup server, a repository, or a row of any type of the catalogue.

    `body` is what requests said of it, as JSON has it; it shows what the type's table does not name, too.
    """

    data: dict[str, Scalar] = field(default_factory=dict)
    up: tuple[Link, ...] = ()
    inner: dict[str, Value] = field(default_factory=dict)
    owner: Entity | None = None
    body: dict[str, Any] = field(default_factory=dict)
    visible_from: float = 0.0
    is_removed: bool = False  # gone, though the list shows it yet

    def __post_init__(self) -> None:
        own = {"uid": self.uid, "id": self.uid, "name": self.name}
        self.data = {**own, **{key.lower(): value for key, value in self.data.items()}}
        self.inner = {key.lower(): value for key, value in self.inner.items()}

    def copy(self) -> Plain:
        """Return a row of the same values that shares nothing that changes."""
        twin = object.__new__(type(self))  # what copy.copy does, without looking for other ways
        twin.__dict__.update(self.__dict__)
        twin.fragments, twin.data, twin.inner, twin.body = {}, dict(self.data), dict(self.inner), dict(self.body)
        return twin

    def is_visible(self, now: float) -> bool:
        return now >= self.visible_from

    def is_settled(self, now: float) -> bool:
        return now >= self.visible_from

    def say(self, body: Mapping[str, Any]) -> None:
        """Take what a request says of the row; secrets are kept by nobody, and shown as empty."""
        for name, value in body.items():
            if name in ("Href", "Type", "Id", "UID", "Links"):
                continue
            shown = "" if is_secret(name) else value
            self.body[name] = shown
            self.inner.pop(name.lower(), None)
            if name == "Name":
                self.name = str(value)
            if value is None or isinstance(value, (str, int, float, bool)):
                for key in {name.lower(), *(key for wire, key in self.spec.body if wire.lower() == name.lower())}:
                    self.data[key] = self._typed(key, shown)
            elif isinstance(value, dict):
                self.body[name] = _without_secrets(value)

    def _typed(self, key: str, value: Scalar) -> Scalar:
        field = self.spec.fields.get(key)
        if field is not None and field.kind == "date" and isinstance(value, str) and value:
            return parse_date(value)
        return value

    @property
    def folder(self) -> str:
        """The path of the collection that the row is in."""
        if self.owner is None or not self.spec.nested:
            return f"/api/{self.spec.path}"
        return f"{self.owner.reference_path}/{self.spec.nested}"

    @property
    def entity_path(self) -> str:
        return f"{self.reference_path}?format=Entity" if self.spec.has_references else self.reference_path

    @property
    def reference_path(self) -> str:
        return f"{self.folder}/{self.id}"

    def values(self, now: float, switches: Switches) -> Mapping[str, Scalar]:
        if switches.language != "en" and self.data.get("reason"):
            return {**self.data, "reason": say(str(self.data["reason"]), switches.language)}
        return self.data

    def nested(self) -> Mapping[str, Value]:
        return self.inner

    def entity(self, now: float, switches: Switches) -> Obj:
        obj = super().entity(now, switches)
        if self.body:
            told = {name.lower(): (name, value) for name, value in self.body.items()}
            members = []
            for wire, value in obj.members:
                given = told.pop(wire.lower(), None)
                use_given = given is not None and isinstance(given[1], (dict, list))
                members.append((wire, shapes().to_document(*given) if given is not None and use_given else value))
            shown = {wire.lower() for wire, _key in self.spec.attributes}
            members += [(name, shapes().to_document(name, value)) for key, (name, value) in told.items() if key not in shown]
            obj.members = members
        return obj

    def links(self, now: float) -> list[Link]:
        links = [*self.up, *links_of(self.spec.name, self.reference_path)]
        return [*links, self.alternate()] if self.spec.has_references else links


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "" if is_secret(name) else _without_secrets(inner) for name, inner in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
