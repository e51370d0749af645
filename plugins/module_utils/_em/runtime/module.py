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

from ..client.client import Client, Fate
from ..errors import EmError
from ..options import CONNECTION_OPTIONS, SESSION_OPTIONS, Option, create_connection
from ..resources.tasks import SORT_KEYS, STATES
from .progress import Watch

Run = Callable[[Client, "dict[str, Any]", bool], "dict[str, Any]"]

SELECTION_SPEC: dict[str, Any] = {
    "task_id": {"type": "list", "elements": "str"},
    "task_state": {"type": "list", "elements": "str", "choices": list(STATES)},
    "operation": {"type": "list", "elements": "str"},
    "success": {"type": "bool"},
    "filter": {"type": "str"},
}
SORT_SPEC: dict[str, Any] = {
    "sort_by": {"type": "str", "choices": list(SORT_KEYS), "default": "task_id"},
    "descending": {"type": "bool", "default": False},
}

INTERRUPTED = {
    None: "",
    Fate.BEGUN: " It was logging on: a session that the server made all the same ends when idle for 15 minutes.",
    Fate.OPEN: " Its own logon session was not logged off and ends when idle for 15 minutes.",
    Fate.ENDED: " Its own logon session was logged off.",
}
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_module(spec: Mapping[str, Any], run: Run) -> None:
    """Run a module: options, client, ``run``, result. ``run`` sees plain options and a client that logs on when used."""
    module = _Module(argument_spec={**create_connection_spec(), **spec}, supports_check_mode=True)
    result: dict[str, Any] = {}
    failure: dict[str, Any] | None = None
    client: Client | None = None
    try:
        with _end_by_signal():
            connection = create_connection(module.params)
            watch = Watch(module.params.get("_watch"))
            client = Client(connection, sleep=watch.sleep)
            client.report, client.check_awaited = watch.report, watch.check
            client.transport.prepare_log_off = lambda: _let_nothing_interrupt(watch)
            with client:
                result = run(client, module.params, module.check_mode)
    except EmError as err:
        failure = err.failure()
    except KeyboardInterrupt:
        msg = "Interrupted before it was done: by a signal, or because nobody waits for it any more."
        failure = EmError("timeout", msg + (INTERRUPTED[client.fate] if client else "")).failure()
    # Outside of the except clause, where Ansible would add a traceback at -vvv.
    if client is not None:
        module.no_log_values.update(client.secrets)
        for warning in client.warnings:
            module.warn(warning)
    if not module._diff:
        (failure or result).pop("diff", None)
    if failure is None and set(result) == {"changed", "sealed"}:
        # Nobody can read it, and Ansible's masking of a short password would spoil it.
        module.no_log_values.clear()
    else:
        module.warn_of_masking(failure or result)
    if failure is not None:
        module.fail_json(**failure)
    module.exit_json(**result)


def create_connection_spec() -> dict[str, Any]:
    """Build the argument specification of the connection options from their table."""
    session = {"type": "dict", "options": {option.name: _create_option_spec(option) for option in SESSION_OPTIONS}}
    return {**{option.name: _create_option_spec(option) for option in CONNECTION_OPTIONS}, "session": session}


def _create_option_spec(option: Option) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": option.kind, "no_log": option.secret}
    if option.default is not None:
        spec["default"] = option.default
    if option.aliases:
        spec["aliases"] = list(option.aliases)
    if option.choices:
        spec["choices"] = list(option.choices)
    if option.env:
        spec["fallback"] = (_read_environment, [option.variable])
    return spec


def _read_environment(variable: str) -> str:
    """Give a variable that says something. A credential of AWX whose input is left empty injects an empty one."""
    value: str = env_fallback(variable)
    if not value:
        raise AnsibleFallbackNotFound
    return value


class _Module(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule whose own complaints about options have the collection's form, and which hides sessions."""

    def exit_json(self, **kwargs: Any) -> None:
        super().exit_json(**kwargs, invocation=self._create_invocation())

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        if "error" not in kwargs:  # found by AnsibleModule itself, while it read the options
            kwargs.update(EmError("invalid_option", self._explain(msg)).failure())
            self.warn_of_masking(kwargs)
            msg = kwargs.pop("msg")
        super().fail_json(msg, **kwargs, invocation=self._create_invocation())

    def warn_of_masking(self, result: Mapping[str, Any]) -> None:
        """Warn where the password is part of ordinary words: Ansible masks it wherever it occurs."""
        password = self.params.get("password")
        if password and password in json.dumps(result, ensure_ascii=False):
            self.warn(
                "The password is also a part of this result's ordinary text, where Ansible has masked it with asterisks: names"
                " and ids may be unusable. Use a longer password, or give session and no password, not even in VBEM_PASSWORD."
            )

    def _create_invocation(self) -> dict[str, Any]:
        """Give the options as they may be shown: of those that are known, and without what is secret.

        A session of the wrong shape holds secrets where no specification expects them; so does an option of the wrong name.
        """
        known = {name for option, spec in self.argument_spec.items() for name in (option, *(spec.get("aliases") or ()))}
        names = ("password", "session", "_pad", "_watch")
        shown = known.difference(names)
        return {"module_args": {name: self._show(name, value, name in shown) for name, value in self.params.items()}}

    @staticmethod
    def _show(name: str, value: Any, is_shown: bool) -> Any:
        has_user = name in ("hostname", "host") and "@" in str(value)  # a URL with a password in it
        return value if value is None or (is_shown and not has_user) else "(hidden)"

    def _explain(self, msg: str) -> str:
        msg = re.sub(r"\b_(pad|watch), ", "", msg.rstrip(".") + ".")
        complaint = msg.partition(" Supported parameters include")[0]
        if re.search(r"\bsession\b|dictionary requested", complaint):  # the only dictionary among the options
            return (
                f"{msg} The option session takes the whole value that vbem.rest.veeam_session returned as session"
                " (with 'register: em', that is em.session)."
            )
        for option in CONNECTION_OPTIONS:
            if re.search(rf"\b{option.name}\b", complaint) and not option.secret:
                return f"{msg} Correct the option {option.name} or, where it is not given, the variable {option.variable}."
        return msg


@contextmanager
def _end_by_signal() -> Iterator[None]:
    """Let the signals by which modules are ended unwind the stack, so that an own session is logged off.

    The first one does. Further ones are ignored: they would end the log-off instead, which ends by itself.
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


def _let_nothing_interrupt(watch: Watch) -> None:
    """Let the log-off come to its end, which is bounded, whoever has stopped waiting."""
    watch.release()
    _ignore_signals()
