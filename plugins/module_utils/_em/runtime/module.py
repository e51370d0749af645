# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that builds an AnsibleModule and ends one: every failure of the collection is caught here."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule, env_fallback

from ..client.client import Client, Hooks, SessionState
from ..errors import EmError
from ..options import CONNECTION_OPTIONS, SESSION_OPTIONS, Option, create_connection
from .one_time_pad import encrypt
from .progress import ControllerLink

RunModule = Callable[[Client, "dict[str, Any]", bool], "dict[str, Any]"]

# Options of modules that only their action plugins may set.
ONE_TIME_PAD_SPEC: dict[str, Any] = {"_one_time_pad": {"type": "str", "no_log": True}}
PROGRESS_SPEC: dict[str, Any] = {"_progress_file": {"type": "str"}}
INTERNAL_OPTIONS = (*ONE_TIME_PAD_SPEC, *PROGRESS_SPEC)
INTERRUPTED = {
    None: "",
    SessionState.REQUESTED: " It was logging on: a session that the server may have created ends after 15 idle minutes.",
    SessionState.OPEN: " Its own logon session was not logged off and ends after 15 idle minutes.",
    SessionState.CLOSED: " Its own logon session was logged off.",
}
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_module(spec: Mapping[str, Any], run: RunModule, *, encrypted: str | None = None) -> None:
    """Run a module: options, client, ``run``, result. ``run`` gets plain options and a client that logs on when it is used.

    ``encrypted`` is a key of the result that is encrypted for the action plugin.
    """
    module = _Module(argument_spec={**create_connection_spec(), **spec}, supports_check_mode=True)
    result: dict[str, Any] = {}
    failure: dict[str, Any] | None = None
    client: Client | None = None
    try:
        with _end_by_signal():
            _require_action_plugin(module.params, encrypted)
            connection = create_connection(module.params)
            link = ControllerLink(module.params.get("_progress_file"))
            hooks = Hooks(
                sleep=link.sleep,
                on_progress=link.report,
                check_cancelled=link.check,
                on_logoff_start=lambda: _prevent_interruption(link),
            )
            client = Client(connection, hooks=hooks)
            with client:
                result = run(client, module.params, module.check_mode)
                if encrypted in result:
                    result = _encrypt(result, encrypted, module.params["_one_time_pad"])
    except EmError as err:
        failure = err.to_fail_json()
    except KeyboardInterrupt:
        msg = "Interrupted before it was done: by a signal, or because nobody waits for the result any more."
        failure = EmError("timeout", msg + (INTERRUPTED[client.session_state] if client else "")).to_fail_json()
    # Outside of the except clause, where Ansible would add a traceback at -vvv.
    if client is not None:
        module.no_log_values.update(client.secrets)
        for warning in client.warnings:
            module.warn(warning)
    if not module._diff:
        (failure or result).pop("diff", None)
    if failure is None and encrypted in result:
        # It is encrypted, and Ansible's masking of a short password would damage it.
        module.no_log_values.clear()
    else:
        module.warn_of_masking(failure or result)
    if failure is not None:
        module.fail_json(**failure)
    module.exit_json(**result)


def _require_action_plugin(params: Mapping[str, Any], encrypted_key: str | None) -> None:
    if encrypted_key is not None and not params["_one_time_pad"]:
        raise EmError("invalid_option", "This module works only through its action plugin: call it as vbem.rest.veeam_session.")


def _encrypt(result: Mapping[str, Any], key: str, pad: str) -> dict[str, Any]:
    try:
        return {**result, key: encrypt(json.dumps(result[key]), pad)}
    except ValueError:
        raise EmError("bad_response", "The server returned a session token that is too long.") from None


def create_connection_spec() -> dict[str, Any]:
    """Return the argument specification of the connection options."""
    session = {"type": "dict", "options": {option.name: _create_option_spec(option) for option in SESSION_OPTIONS}}
    return {**{option.name: _create_option_spec(option) for option in CONNECTION_OPTIONS}, "session": session}


def _create_option_spec(option: Option) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": option.type, "no_log": option.secret}
    if option.default is not None:
        spec["default"] = option.default
    if option.aliases:
        spec["aliases"] = list(option.aliases)
    if option.choices:
        spec["choices"] = list(option.choices)
    if option.env:
        spec["fallback"] = (_read_environment, [option.env_var])
    return spec


def _read_environment(name: str) -> str:
    """Return an environment variable that is not empty: a credential of AWX whose input is left empty injects an empty one."""
    value: str = env_fallback(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value


class _Module(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule whose own failures have the collection's form, and which hides sessions."""

    def exit_json(self, **kwargs: Any) -> None:
        super().exit_json(**kwargs, invocation=self._create_invocation())

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        if "error" not in kwargs:  # from AnsibleModule itself, while it checks the options
            kwargs.update(EmError("invalid_option", self._explain(msg)).to_fail_json())
            self.warn_of_masking(kwargs)
            msg = kwargs.pop("msg")
        super().fail_json(msg, **kwargs, invocation=self._create_invocation())

    def warn_of_masking(self, result: Mapping[str, Any]) -> None:
        """Warn where the password is part of ordinary words: Ansible masks it wherever it occurs."""
        password = self.params.get("password")
        if password and password in json.dumps(result, ensure_ascii=False):
            self.warn(
                "The password also occurs in this result's ordinary text, where Ansible has masked it with asterisks: names"
                " and ids may be unusable. Use a longer password, or give session and no password, not even in VBEM_PASSWORD."
            )

    def _create_invocation(self) -> dict[str, Any]:
        """Return the options that may be shown: those that are known, and without secrets.

        A session of the wrong shape holds secrets where no specification expects them; so does an option with a wrong name.
        """
        known = {name for option, spec in self.argument_spec.items() for name in (option, *(spec.get("aliases") or ()))}
        shown = known.difference(("password", "session", *INTERNAL_OPTIONS))
        return {"module_args": {name: self._show(name, value, name in shown) for name, value in self.params.items()}}

    @staticmethod
    def _show(name: str, value: Any, is_shown: bool) -> Any:
        has_user = name in ("hostname", "host") and "@" in str(value)  # a URL with a password in it
        return value if value is None or (is_shown and not has_user) else "(hidden)"

    def _explain(self, msg: str) -> str:
        for name in INTERNAL_OPTIONS:
            msg = msg.replace(f"{name}, ", "")
        msg = msg.rstrip(".") + "."
        complaint = msg.partition(" Supported parameters include")[0]
        if re.search(r"\bsession\b|dictionary requested", complaint):  # the only dictionary among the options
            return (
                f"{msg} The option session takes the whole value that vbem.rest.veeam_session returned as session"
                " (with 'register: em', that is em.session)."
            )
        for option in CONNECTION_OPTIONS:
            if re.search(rf"\b{option.name}\b", complaint) and not option.secret:
                return f"{msg} Correct the option {option.name} or, where it is not given, the variable {option.env_var}."
        return msg


@contextmanager
def _end_by_signal() -> Iterator[None]:
    """Make the signals that end modules raise KeyboardInterrupt, so that an own session is logged off.

    The first one does. Further ones are ignored: they would end the log-off, which is limited in time.
    """

    def interrupt(_number: int, _frame: object) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    before = [signal.getsignal(number) for number in SIGNALS]
    for number, handler in zip(SIGNALS, before):
        if number != signal.SIGINT or handler is signal.default_int_handler:  # a shell's background jobs ignore it
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before):
            signal.signal(number, handler)


def _ignore_signals() -> None:
    if threading.current_thread() is threading.main_thread():  # the only one that may
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _prevent_interruption(link: ControllerLink) -> None:
    """Let the log-off, which is limited in time, complete, whoever has stopped waiting."""
    link.detach()
    _ignore_signals()
