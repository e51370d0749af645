# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executing a module's ``run``, in a process of its own or in Ansible's: client, result, failure.

Every failure of the collection is caught here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ..client.client import Client, Hooks, SessionState
from ..errors import EmError, to_line, to_printable
from ..options import CONNECTION_OPTIONS, create_connection
from .progress import ControllerLink
from .signals import ignore_signals, interrupt_on_signal

RunModule = Callable[[Client, "dict[str, Any]", bool], "dict[str, Any]"]

INTERRUPTED = {
    None: "",
    SessionState.REQUESTED: " It was logging on: a session that the server may have created ends after 15 idle minutes.",
    SessionState.OPEN: " Its own logon session was not logged off and ends after 15 idle minutes.",
    SessionState.CLOSED: " Its own logon session was logged off.",
}
# Where ansible-core's complaints name the option: "value of port must be", "argument 'port' is of type", "parameter 'port'".
_NAMED_OPTION = re.compile(r"(?:value of|argument|option|parameter) '([\w.]+)'|value of ([\w.]+) must")
MASKING_WARNING = (
    "The password also occurs in this result's ordinary text, where Ansible has masked it with asterisks: names"
    " and ids may be unusable. Use a longer password, or give session and no password, not even in VBEM_PASSWORD."
)


class Outcome(NamedTuple):
    """What a module returns: the arguments of ``exit_json`` or, if it failed, of ``fail_json``; and what must not be shown."""

    result: dict[str, Any]
    failed: bool
    warnings: list[str]
    secrets: set[str]


def execute(  # noqa: PLR0913 - what a module is run with
    run: RunModule,
    params: dict[str, Any],
    *,
    check_mode: bool,
    diff: bool,
    link: ControllerLink,
    finish: Callable[[dict[str, Any]], dict[str, Any]] = lambda result: result,
) -> Outcome:
    """Call ``run`` with a client that logs on when it is first used, and return the outcome. Never raises `EmError`.

    ``finish`` may change the result. It is called before the client closes, which logs off if ``finish`` fails.
    """
    client: Client | None = None
    try:
        with interrupt_on_signal():
            connection = create_connection(params)
            hooks = Hooks(
                sleep=link.sleep,
                on_progress=link.report,
                check_cancelled=link.check,
                on_logoff_start=lambda: _prevent_interruption(link),
            )
            client = Client(connection, hooks=hooks)
            with client:
                result, failed = finish(run(client, params, check_mode)), False
    except EmError as err:
        result, failed = err.to_fail_json(), True
    except KeyboardInterrupt:
        msg = "Interrupted before it was done: by a signal, or because Ansible no longer waits for the result."
        failure = EmError("timeout", msg + (INTERRUPTED[client.session_state] if client else ""))
        result, failed = failure.to_fail_json(), True
    texts = result.pop("diff", None)
    if diff and texts is not None:  # Ansible prints them as they are
        result["diff"] = {name: to_printable(text) if isinstance(text, str) else text for name, text in texts.items()}
    warnings = [to_line(warning) for warning in client.warnings] if client else []
    return Outcome(result, failed, warnings, client.secrets if client else set())


def _prevent_interruption(link: ControllerLink) -> None:
    """Let the log-off complete, even if nobody waits any more: it is limited in time."""
    link.detach()
    ignore_signals()


def is_masking(params: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Return whether the password is part of ordinary words of the result: Ansible masks it wherever it occurs."""
    password = params.get("password")
    return bool(password) and str(password) in json.dumps(result, ensure_ascii=False)


def create_invocation(params: Mapping[str, Any], shown: Collection[str]) -> dict[str, Any]:
    """Return the options that may be shown; of each other option only whether it was given.

    A session of the wrong shape holds secrets where no specification expects them; so does an option with a wrong name.
    """
    return {"module_args": {name: _show(name, value, name in shown) for name, value in params.items()}}


def _show(name: str, value: Any, is_shown: bool) -> Any:
    has_user = name in ("hostname", "host") and "@" in str(value)  # a URL with a password in it
    return value if value is None or (is_shown and not has_user) else "(hidden)"


def list_shown_options(spec: Mapping[str, Any], internal: Collection[str]) -> set[str]:
    """Return the names and aliases of the options that are no secrets."""
    plain = {option: one for option, one in spec.items() if not one.get("no_log")}
    known = {name for option, one in plain.items() for name in (option, *(one.get("aliases") or ()))}
    return known.difference(("password", "session", "body", *internal))


def explain_invalid_options(msg: str, internal: Collection[str], others: Sequence[str]) -> EmError:
    """Return the failure for Ansible's own complaint about options, with a hint on how to correct it.

    Some complaints do not name their option; ``others`` are all complaints, among which a later one may repeat it with the
    name.
    """
    msg = next((other for other in others if other.endswith(f": {msg}")), msg)
    for name in internal:
        msg = msg.replace(f"{name}, ", "")
    msg = msg.rstrip(".") + "."
    name, parent = _find_named_option(msg.partition(" Supported parameters include")[0])
    if "session" in (name, parent):
        msg += (
            " The option session takes the whole value that vbem.rest.veeam_session returned as session"
            " (with 'register: em', that is em.session)."
        )
    elif "where" in (name, parent):
        msg += " The option where takes a list of conditions, each with field, value and, if it is not ==, operator."
    elif not parent:
        for option in CONNECTION_OPTIONS:
            if name == option.name and not option.secret:
                msg += f" Correct the option {option.name} or, where it is not given, the variable {option.env_var}."
    return EmError("invalid_option", msg)


def _find_named_option(complaint: str) -> tuple[str, str]:
    """Return the option that a complaint is about, and the option that it is a member of; empty strings for neither."""
    found = _NAMED_OPTION.search(complaint)
    within = re.search(r"found in '?(\w+)|module: (\w+)\.", complaint)
    return (found[1] or found[2] if found else ""), (within[1] or within[2] if within else "")
