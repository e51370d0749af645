# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked and what was answered, to assert on."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_plus

from .redact import hide_secrets

_LIMIT = 500_000


def split_query(text: str) -> list[tuple[str, str]]:
    """Split a query string at & and decode it; a semicolon is no separator here."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return [(unquote_plus(name), unquote_plus(value)) for name, _equals, value in pairs]


@dataclass
class LogEntry:
    """One request.

    `target` is exactly what was on the wire, `query` its decoded parameters (names in lower case), `status` None when
    no answer was sent; `fault` names the fault that was applied.
    """

    at: float
    connection: int
    method: str
    target: str
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    status: int | None = None
    session_id: str | None = None
    fault: str | None = None
    seconds: float = 0.0

    @cached_property
    def path(self) -> str:
        """The path, as sent."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> dict[str, str]:
        """The decoded query parameters, by lower-case name."""
        return {name.lower(): value for name, value in split_query(self.target.partition("?")[2])}

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The request's headers in the order and spelling of the wire."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.raw_headers]

    def header(self, name: str) -> str | None:
        """Return the first header of this name, without regard to case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def as_dict(self) -> dict[str, object]:
        """Return the entry for the control API."""
        return {
            "at": self.at,
            "connection": self.connection,
            "method": self.method,
            "target": self.target,
            "path": self.path,
            "query": self.query,
            "headers": [list(pair) for pair in self.headers],
            "body": hide_secrets(self.body.decode("utf-8", "replace")),
            "status": self.status,
            "session_id": self.session_id,
            "fault": self.fault,
            "seconds": self.seconds,
        }


@dataclass
class RequestLog:
    """The log; of a very long run only the last half million entries are kept."""

    entries: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=_LIMIT))
    count: int = 0

    def add(self, entry: LogEntry) -> None:
        """Append an entry."""
        self.entries.append(entry)
        self.count += 1

    def clear(self) -> None:
        """Forget all."""
        self.entries.clear()
        self.count = 0

    def select(self, method: str | None = None, path: str | None = None) -> list[LogEntry]:
        """Return the entries of this method whose target holds this pattern."""
        chosen: Iterable[LogEntry] = list(self.entries)
        if method:
            chosen = [entry for entry in chosen if entry.method == method.upper()]
        if path:
            pattern = re.compile(path, re.IGNORECASE)
            chosen = [entry for entry in chosen if pattern.search(entry.target)]
        return list(chosen)
