# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask what: the reference's table of roles (wire-facts 13)."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import ApiError
from .exchange import Request
from .operations import Operation, read_roles
from .switches import Switches
from .users import ADMIN, OPERATOR, PORTAL_USER

_SAME = {"lookup": "lookupSvc", "cdpreplica": "cdpReplicas"}
DENIED = "Access is denied: the account has no sufficient privileges for this operation."


class Roles:
    """The table, and whether it holds."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._rules = read_roles()

    def check_operation(self, request: Request, operation: Operation) -> None:
        """Refuse a change that the user's role may not make."""
        role = self._role(request)
        allowed = operation.roles if self._switches.roles == "table" else (ADMIN,)
        if self._switches.roles != "anything" and role not in allowed:
            raise ApiError(403, DENIED)

    def check_administrator(self, request: Request) -> None:
        """Refuse whoever is no administrator."""
        if self._switches.roles != "anything" and self._role(request) != ADMIN:
            raise ApiError(403, DENIED)

    def check_read(self, request: Request, segments: Sequence[str]) -> None:
        """Refuse a read that the table refuses to the user's role; what it does not mention is allowed."""
        role = self._role(request)
        if role == ADMIN or self._switches.roles != "table":
            return
        # A look-up belongs to the service that lists them; the two spellings of CDP replicas are one resource.
        segments = [_SAME.get(segments[0].lower(), segments[0]), *segments[1:]] if segments else []
        address = "/".join(segments).lower()
        if address == "query":
            address = f"query?type={(request.parameter('type') or '').lower()}"
        rules = self._rules[role if role == PORTAL_USER else OPERATOR]
        allowed, refused = (self._find(rules[part], segments, address) for part in ("allowed", "refused"))
        if refused > allowed and self._switches.refused_read == "empty":
            request.sees_nothing = True
        elif refused > allowed:
            raise ApiError(403, DENIED)

    @staticmethod
    def _role(request: Request) -> str:
        assert request.session is not None
        return request.session.role or ""

    @staticmethod
    def _find(rules: list[list[str]], segments: Sequence[str], address: str) -> int:
        """Return how closely the closest rule tells of an address; 0 where none does."""
        best = 0
        for method, path in rules:
            parts = path.lower().split("/")
            if method == "GET" and ("?" in path or "?" in address):
                best = max(best, 100 if path.lower() == address else 0)
            elif method in ("GET", "*"):
                fits = len(parts) <= len(segments) if method == "*" else len(parts) == len(segments)
                same = all(part.startswith("{") or part == other.lower() for part, other in zip(parts, segments))
                if fits and same:
                    best = max(best, 2 * len(parts) + (1 if method == "GET" else 0))
        return best
