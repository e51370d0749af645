# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exception of the collection: a failure with its kind and message, and its form as arguments of ``fail_json``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

ErrorKind = Literal[
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
]
# C0 and C1 controls except line feed and tab, which tracebacks contain; lone surrogates; bidirectional controls.
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\u202a-\\u202e\\u2066-\\u2069]")
ERROR_KINDS: tuple[str, ...] = get_args(ErrorKind)


class EmError(Exception):
    """A failure, with the message and the kind that a playbook sees.

    ``result`` holds further keys of the module's result, such as the tasks as last read.
    ``may_have_been_sent`` is false only where the request certainly never reached the server.
    """

    def __init__(  # noqa: PLR0913 - the facts of a failure
        self,
        kind: ErrorKind,
        msg: str,
        *,
        status: int | None = None,
        method: str | None = None,
        path: str | None = None,
        detail: str | None = None,
        may_have_been_sent: bool = True,
        result: Mapping[str, Any] | None = None,
    ) -> None:
        msg = to_printable(msg)
        super().__init__(msg)
        self.kind = kind
        self.msg = msg
        self.status = status
        self.method = method
        self.path = path
        self.detail = detail if detail is None else to_printable(detail)
        self.may_have_been_sent = may_have_been_sent
        self.result = dict(result or {})

    def set_message(self, msg: str) -> None:
        """Replace the message, also in ``str(err)``."""
        self.msg = to_printable(msg)
        self.args = (self.msg,)

    def add_context(self, sentence: str) -> None:
        """Append a sentence to the message."""
        self.set_message(f"{self.msg} {sentence}")

    def to_fail_json(self) -> dict[str, Any]:
        """Return the arguments of ``fail_json``."""
        error = {
            "kind": self.kind,
            "status": self.status,
            "method": self.method,
            "path": self.path,
            "detail": self.detail,
        }
        return {**self.result, "msg": self.msg, "error": error}


def create_option_error(option: str, value: object, hint: str, *, kind: ErrorKind = "invalid_option") -> EmError:
    """Return the failure for a value that an option does not accept: option, value and hint in one sentence."""
    return EmError(kind, f"The option {option} cannot be {quote(value)}: {hint}.")


def to_printable(text: str) -> str:
    """Return a text with its control characters escaped: a server's names must not move a cursor or forge a line of a log."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def to_line(text: str) -> str:
    """Return a text as one printable line: of a warning, of progress, of a log."""
    return to_printable(" ".join(text.splitlines()))


def quote(value: object) -> str:
    """Return a value for a message: text in quotes with its backslashes as they are, unless it holds invisible characters."""
    return repr(value).replace("\\\\", "\\") if isinstance(value, str) and value.isprintable() else repr(value)
