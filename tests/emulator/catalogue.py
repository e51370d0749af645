# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query types: their fields, kinds and ranks, read from a data file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["string", "uid", "int", "bool", "date", "enum"]


@dataclass(frozen=True)
class FieldSpec:
    """A field to filter and sort by; `ranks` gives an enumeration's values by index, lower-cased."""

    name: str
    kind: Kind
    values: tuple[str, ...] = ()

    @property
    def ranks(self) -> dict[str, int]:
        """Return the rank of each value; values are compared by it (wire-facts 4)."""
        return {value.lower(): rank for rank, value in enumerate(self.values)}


@dataclass(frozen=True)
class TypeSpec:
    """A query type. `body` pairs an element's name with the field whose value it shows."""

    name: str
    element: str
    list: str
    path: str
    container: str
    reference: str
    fields: dict[str, FieldSpec]
    body: tuple[tuple[str, str], ...]

    def entity_path(self, key: str) -> str:
        """Return the path of the entity with this id."""
        return f"/api/{self.path}/{key}?format=Entity"

    def reference_path(self, key: str) -> str:
        """Return the path of the reference with this id."""
        return f"/api/{self.path}/{key}"


class Catalogue:
    """Query types by name, without regard to case."""

    def __init__(self, path: Path | None = None) -> None:
        self._types: dict[str, TypeSpec] = {}
        self.load(path or Path(__file__).with_name("types.json"))

    def load(self, path: Path) -> None:
        """Add the types of a data file; those that are known already are replaced."""
        for name, entry in json.loads(path.read_text(encoding="utf-8")).items():
            self._types[name.lower()] = _read_type(name, entry)

    def find(self, name: str) -> TypeSpec | None:
        """Return the type of this name."""
        return self._types.get(name.lower())

    def __getitem__(self, name: str) -> TypeSpec:
        return self._types[name.lower()]

    def __iter__(self) -> Iterator[TypeSpec]:
        return iter(self._types.values())


def _read_type(name: str, entry: dict[str, Any]) -> TypeSpec:
    fields = {
        field["name"].lower(): FieldSpec(field["name"], field["kind"], tuple(field.get("values", ())))
        for field in entry["fields"]
    }
    body = entry.get("body", [field.name for field in fields.values() if field.name not in ("UID", "Name")])
    pairs = tuple((item.partition("=")[0], (item.partition("=")[2] or item).lower()) for item in body)
    element = entry.get("element", name)
    return TypeSpec(
        name=name,
        element=element,
        list=entry.get("list", f"{element}s"),
        path=entry.get("path", f"{name[0].lower()}{name[1:]}s"),
        container=entry.get("container", "Entities"),
        reference=entry.get("reference", name) + "Reference",
        fields=fields,
        body=pairs,
    )
