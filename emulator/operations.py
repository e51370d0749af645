# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of operations that change something, and how a request finds its own (wire-facts 13)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).with_name("reference_operations.json")


@dataclass(frozen=True)
class Member:
    """One member of a body: its name, kind (text, bool, int, date) and what is in it, in the schema's order."""

    name: str
    kind: str = "text"
    required: bool = False
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One operation; `path` holds {ID} and the like, `name` is what its task shows, `root` the body's element if known."""

    method: str
    path: tuple[str, ...]
    action: str | None
    status: int
    example_status: int | None
    name: str | None
    related: tuple[str, str | None] | None
    platforms: tuple[str, ...]
    roles: tuple[str, ...]
    reads: bool
    has_body: bool
    root: str | None
    members: tuple[Member, ...]
    page: str

    @property
    def needs_body(self) -> bool:
        """Whether nothing can be done without a body."""
        return self.has_body and (self.root is not None or any(member.required for member in self.members))

    def match(self, segments: Sequence[str]) -> list[str] | None:
        """Return what stands for {ID} and the like, or None; {filepath} takes all the rest."""
        found: list[str] = []
        for index, part in enumerate(self.path):
            if index >= len(segments):
                return None
            if part == "{filepath}":
                return [*found, "/".join(segments[index:])]
            if part.startswith("{"):
                found.append(segments[index])
            elif part.lower() != segments[index].lower():
                return None
        return found if len(segments) == len(self.path) else None


class Operations:
    """All operations of the reference."""

    def __init__(self) -> None:
        self._operations = _read_operations()

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations)

    def at(self, method: str, segments: Sequence[str]) -> list[tuple[Operation, list[str]]]:
        """Return the operations of this method at an address, whatever their action."""
        found = []
        for operation in self._operations:
            if operation.method == method:
                ids = operation.match(segments)
                if ids is not None:
                    found.append((operation, ids))
        return found

    def find(self, method: str, segments: Sequence[str], action: str | None) -> tuple[Operation, list[str]] | None:
        """Return the operation that a request means, and its ids.

        Public clients leave out the action of an edit, and write that of a NAS job as they do for other jobs.
        """
        if action and [part.lower() for part in segments[:2]] == ["nas", "jobs"] and len(segments) == 3:
            segments, action = [*segments, action], None
        candidates = self.at(method, segments)
        for operation, ids in candidates:
            if (operation.action or "").lower() == (action or "").lower():
                return operation, ids
        if method == "PUT" and not action and candidates:
            return candidates[0]
        return None


@cache  # once for all emulators of a process
def _read() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return table


@cache
def _read_operations() -> tuple[Operation, ...]:
    return tuple(_read_operation(entry) for entry in _read()["operations"])


def read_shapes() -> dict[str, dict[str, Any]]:
    """Return how bodies in XML and JSON correspond."""
    shapes: dict[str, dict[str, Any]] = _read()["shapes"]
    return shapes


def read_roles() -> dict[str, dict[str, list[list[str]]]]:
    """Return what each role may ask, and may not."""
    roles: dict[str, dict[str, list[list[str]]]] = _read()["roles"]
    return roles


def _read_operation(entry: dict[str, Any]) -> Operation:
    body = entry["body"] or {"root": None, "members": []}
    related = entry["related"]
    return Operation(
        method=entry["method"],
        path=tuple(entry["path"].split("/")),
        action=entry["action"],
        status=entry["status"],
        example_status=entry["example_status"],
        name=entry["operation"],
        related=(related["rel"], related["type"]) if related else None,
        platforms=tuple(entry["platforms"]),
        roles=tuple(entry["roles"]),
        reads=entry["reads"],
        has_body=entry["body"] is not None,
        root=body["root"],
        members=_read_members(body["members"]),
        page=entry["page"],
    )


def _read_members(entries: list[dict[str, Any]]) -> tuple[Member, ...]:
    return tuple(
        Member(entry["name"], entry.get("kind", "text"), entry["required"], _read_members(entry.get("members", [])))
        for entry in entries
    )
