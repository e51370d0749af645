# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that go wrong on demand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from .impostors import PAGES

Effect = Literal[
    "status",
    "reset",
    "close",
    "slow",
    "cut",
    "html",
    "bad_json",
    "bad_xml",
    "garbage",
    "redirect",
    "expire",
    "clock",
    "drop_token",
    "meanwhile",
]
EFFECTS: tuple[str, ...] = get_args(Effect)

BODIES = ("xml", "json", "html", "text", "empty", "problem", "fault")


@dataclass
class Fault:
    """One fault and the requests it befalls.

    `path` and `query` are regular expressions searched in the path as sent and in the decoded query string. The first
    `skip` matching requests are spared, the next `times` are hit (None: all). `when="before"`: the request is not
    handled at all; `"after"`: it is handled, and only its answer suffers.
    """

    effect: Effect
    method: str | None = None
    path: str | None = None
    query: str | None = None
    skip: int = 0
    times: int | None = 1
    when: Literal["before", "after"] = "before"
    delay: float = 0.0
    status: int = 503
    retry_after: str | int | None = None
    body: str = "xml"
    message: str = "The service is unavailable."
    page: str = "plain"
    location: str = "https://elsewhere.vbem.test:9398/api/"
    seconds: float = 3600.0
    keep: int | None = None
    change: Mapping[str, Any] = field(default_factory=dict)
    hits: int = 0

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueError(f"effect is one of {', '.join(EFFECTS)}; not {self.effect!r}")
        if self.when not in ("before", "after"):
            raise ValueError(f"when is before or after, not {self.when!r}")
        if self.body not in BODIES:
            raise ValueError(f"body is one of {', '.join(BODIES)}; not {self.body!r}")
        if self.page not in PAGES:
            raise ValueError(f"page is one of {', '.join(PAGES)}; not {self.page!r}")
        re.compile(self.path or "")
        re.compile(self.query or "")

    def matches(self, method: str, path: str, query: str) -> bool:
        """Return whether this request is meant."""
        if self.method and self.method.upper() != method:
            return False
        if self.path and re.search(self.path, path) is None:
            return False
        return not self.query or re.search(self.query, query) is not None


class Faults:
    """The faults that are armed, in the order they were asked for."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def __len__(self) -> int:
        return len(self._armed)

    def add(self, fault: Fault) -> Fault:
        """Arm a fault."""
        self._armed.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """Return the first fault that befalls this request, and count it."""
        for fault in self._armed:
            if not fault.matches(method, path, query):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._armed.remove(fault)
            return fault
        return None

    def as_list(self) -> list[dict[str, Any]]:
        """Return the armed faults for the control API."""
        return [{known.name: getattr(fault, known.name) for known in fields(fault)} for fault in self._armed]
