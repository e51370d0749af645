# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception of the collection: a failure that knows how to present itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = (
    "missing_library",
    "connection",
    "tls",
    "timeout",
    "logon_failed",
    "session_lost",
    "forbidden",
    "not_found",
    "ambiguous",
    "invalid_option",
    "invalid_filter",
    "server_error",
    "bad_response",
    "task_failed",
    "job_failed",
    "wait_timeout",
    "partial",
)


class EmError(Exception):
    """What went wrong, in the words and with the kind that a playbook sees.

    ``result`` holds further keys of the module's result, such as the tasks as last seen.
    ``sent`` is false only where the request certainly never reached the server.
    """

    def __init__(  # noqa: PLR0913 - the facts of a failure
        self,
        kind: str,
        msg: str,
        *,
        status: int | None = None,
        method: str | None = None,
        path: str | None = None,
        detail: str | None = None,
        sent: bool = True,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(msg)
        if kind not in KINDS:
            raise ValueError(f"{kind} is not a documented kind of failure")
        self.kind = kind
        self.msg = msg
        self.status = status
        self.method = method
        self.path = path
        self.detail = detail
        self.sent = sent
        self.result = dict(result or {})

    def failure(self) -> dict[str, Any]:
        """Give the arguments of ``fail_json``."""
        error = {
            "kind": self.kind,
            "status": self.status,
            "method": self.method,
            "path": self.path,
            "detail": self.detail,
        }
        return {**self.result, "msg": self.msg, "error": error}


def create_option_error(option: str, value: object, cure: str, *, kind: str = "invalid_option") -> EmError:
    """Build the failure for a value that an option cannot take: option, value and cure in one sentence."""
    return EmError(kind, f"The option {option} cannot be {show(value)}: {cure}.")


def show(value: object) -> str:
    """Give a value for a message: text in quotes with its backslashes as they are, unless it holds what cannot be seen."""
    return repr(value).replace("\\\\", "\\") if isinstance(value, str) and value.isprintable() else repr(value)
