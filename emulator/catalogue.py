# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query types: their fields, kinds and ranks, from the reference's facts and from what is known besides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

REFERENCE = Path(__file__).with_name("reference_types.json")
OWN = Path(__file__).with_name("types.json")

Kind = Literal["string", "uid", "int", "float", "bool", "date", "enum"]

# The reference's kinds, as dev/make_query_types.py names them. Its numbers are whole unless types.json says otherwise.
_KINDS: dict[str, Kind] = {
    "text": "string",
    "uid": "uid",
    "date": "date",
    "bool": "bool",
    "number": "int",
    "enum": "enum",
    "choice": "enum",
}


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
    """A query type. `body` and `attributes` pair an element's name with the field whose value it shows.

    `nested` is the last part of the path of what is found only below its owner, such as includes of /jobs/{ID}/includes.
    A list has up to three names: `list` is the collection's element in XML, `inner` its array in JSON, `outer` what it is called
    in a QueryResult, where recorded answers have a singular or a slip of the pen (wire-facts 1.2).
    """

    name: str
    element: str
    list: str
    path: str
    container: str
    reference: str
    fields: dict[str, FieldSpec]
    body: tuple[tuple[str, str], ...]
    attributes: tuple[tuple[str, str], ...] = (("Name", "name"), ("UID", "uid"))
    nested: str = ""
    inner: str = ""
    outer: str = ""
    is_queried: bool = True

    @property
    def owner_path(self) -> str:
        """The path of the collection whose members own rows of this type, such as jobs of jobs/includes."""
        return self.path.rpartition("/")[0]

    @property
    def has_references(self) -> bool:
        """Whether there are two representations; other resources have one, and are under Resources (wire-facts 1.1)."""
        return self.container == "Entities"

    def entity_path(self, key: str) -> str:
        """Return the path of the entity with this id."""
        return f"/api/{self.path}/{key}?format=Entity"

    def reference_path(self, key: str) -> str:
        """Return the path of the reference with this id."""
        return f"/api/{self.path}/{key}"


class Catalogue:
    """Query types by name, without regard to case, and the types that no query gives."""

    def __init__(self) -> None:
        self._types = dict(_read_own_types())

    def load(self, path: Path) -> None:
        """Add the types of a data file, or what there is to say of those that the reference has."""
        self._types |= _read_types(path)

    def find(self, name: str) -> TypeSpec | None:
        """Return the type of this name."""
        return self._types.get(name.strip().lower())

    def queried(self, name: str) -> TypeSpec | None:
        """Return the type of this name, if the query service knows it."""
        spec = self.find(name)
        return spec if spec is not None and spec.is_queried else None

    def __getitem__(self, name: str) -> TypeSpec:
        try:
            return self._types[name.lower()]
        except KeyError:
            raise KeyError(f"there is no query type {name!r}") from None

    def __iter__(self) -> Iterator[TypeSpec]:
        return iter(self._types.values())


@cache
def _read_reference() -> dict[str, dict[str, Any]]:
    types: dict[str, dict[str, Any]] = json.loads(REFERENCE.read_text(encoding="utf-8"))["types"]
    return types


@cache  # once for all emulators of a process
def _read_own_types() -> dict[str, TypeSpec]:
    return {name.lower(): _read_type(name, {}) for name in _read_reference()} | _read_types(OWN)


def _read_types(path: Path) -> dict[str, TypeSpec]:
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {name.lower(): _read_type(name, entry) for name, entry in entries.items()}


def _read_type(name: str, entry: dict[str, Any]) -> TypeSpec:
    known = _read_reference().get(name, {"list": "", "fields": []})
    fields = [FieldSpec(field["name"], _KINDS[field["type"]], tuple(field["values"])) for field in known["fields"]]
    fields += [FieldSpec(field["name"], field["kind"], tuple(field.get("values", ()))) for field in entry.get("fields", ())]
    element = entry.get("element", name)
    listed = entry.get("list") or known["list"] or f"{element}s"
    return TypeSpec(
        name=name,
        element=element,
        list=listed,
        path=entry.get("path", f"{name[0].lower()}{name[1:]}s"),
        container=entry.get("container", "Entities"),
        reference=entry.get("reference", name) + "Reference",
        fields={field.name.lower(): field for field in fields},
        body=_read_pairs(entry.get("body", [field.name for field in fields if field.name not in ("UID", "Name")])),
        attributes=_read_pairs(entry.get("attributes", ["Name", "UID"])),
        nested=entry.get("nested", ""),
        inner=entry.get("inner", listed),
        outer=entry.get("outer", listed),
        is_queried=entry.get("query", True),
    )


def _read_pairs(items: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((item.partition("=")[0], (item.partition("=")[2] or item).lower()) for item in items)
