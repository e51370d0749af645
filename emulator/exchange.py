# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .requestlog import split_query
from .sessions import LogonSession

TOKEN_HEADER = "X-RestSvcSessionId"


@dataclass
class Request:
    """A request as the handlers see it; `headers` has no case, `base` is scheme and host as the client has them."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    now: float
    session: LogonSession | None = None
    sees_nothing: bool = False  # the user's role may not read this, and the server does not say so

    @cached_property
    def segments(self) -> list[str]:
        """The path's segments; doubled slashes do not matter (wire-facts 3.2), and dots are gone through as any server does."""
        parts: list[str] = []
        for part in self.target.partition("?")[0].split("/"):
            if part == "..":
                parts[-1:] = []
            elif part and part != ".":
                parts.append(part)
        return parts

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The decoded query parameters, in order."""
        return split_query(self.target.partition("?")[2])

    def parameter(self, name: str) -> str | None:
        """Return a query parameter; names have no case, of several the first counts."""
        wanted = name.lower()
        return next((value for key, value in self.pairs if key.lower() == wanted), None)

    @property
    def has_length(self) -> bool:
        """Whether the request says how long its body is."""
        return "Content-Length" in self.headers or "Transfer-Encoding" in self.headers

    @property
    def wants_json(self) -> bool:
        """Whether Accept holds application/json; XML otherwise (wire-facts 7)."""
        return "application/json" in self.headers.get("Accept", "").lower()

    @property
    def token(self) -> str | None:
        """The token that counts: a cookie beats the header (wire-facts 3.3)."""
        for part in self.headers.get("Cookie", "").split(";"):
            name, equals, value = part.strip().partition("=")
            if equals and name.lower() == TOKEN_HEADER.lower():
                return value.strip('"')
        return self.headers.get(TOKEN_HEADER)


@dataclass
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
