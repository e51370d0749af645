# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share: running a module, within Ansible's process if possible, and hiding its secrets."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from weakref import WeakKeyDictionary

from ansible import constants as C  # noqa: N812 - Ansible's own name for them
from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import to_printable
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.argument_spec import (
    INTERNAL_OPTIONS,
    create_connection_spec,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.execution import list_shown_options
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_key, decrypt
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.progress import create_file_value, create_process_link
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.signals import SIGNALS

from ._in_process import HAS_REQUESTS, WRAPS_RESULTS, is_same_interpreter, module_surroundings, run_in_process
from ._loops import holds_secrets, list_option_secrets

try:
    from ansible.parsing.vault import VaultedValue  # since ansible-core 2.19; before, nothing tells that a text was encrypted

    is_vaulted: Callable[[Any], bool] = VaultedValue.is_tagged_on
except ImportError:

    def is_vaulted(_value: Any) -> bool:
        """Return whether a value was encrypted with Ansible Vault: not known."""
        return False


display = Display()

SECRETS = ("password", "session", "body", "tenant_password", "_one_time_pad")
PASSWORD_VARIABLE = "VBEM_PASSWORD"  # noqa: S105 - its name  # nosec B105
POLL_SECONDS = 0.5
# What tasks had before it was hidden: options, environment, ``no_log``. A task with ``until`` runs again, in a new plugin.
_ORIGINALS: WeakKeyDictionary[Any, tuple[Any, Any, Any]] = WeakKeyDictionary()


def _hide(values: Any, names: tuple[str, ...]) -> Any:
    """Return a dictionary with these of its values hidden, and anything else unchanged."""
    if not isinstance(values, Mapping):
        return values
    return {name: "(hidden)" if name in names else value for name, value in values.items()}


class EmAction(ActionBase):  # type: ignore[misc]
    """Runs a module of the collection, which a subclass names as ``module``.

    A module whose options include ``_progress_file`` may wait for long: its progress is shown, and it ends when this task ends.
    A module with a ``HIDDEN_RESULT`` returns secrets: a success is censored, so that the registered variable is usable while
    the output shows nothing; failures stay readable.

    Ansible prints the item of a loop with its result. If the item holds secrets, any result of the task is censored, and a
    warning says why an iteration failed.
    """

    module: Any
    TRANSFERS_FILES = False
    _supports_async = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Censor the loop: once Ansible calls `run`, the timeout of the task may end it before its first line.

        The options may still be incomplete: before ansible-core 2.19 they get the defaults of modules only now.
        """
        super().__init__(*args, **kwargs)
        _args, _environment, self._was_no_log = _ORIGINALS.get(self._task, (None, None, self._task.no_log))
        self._is_censored = self._censor_loop(self._templar.available_variables)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, and return its result."""
        try:
            task = self._task
            task.args, task.environment, _no_log = self._remember()
            self._is_censored = self._censor_loop(task_vars or {}) or self._is_censored
            hidden = getattr(self.module, "HIDDEN_RESULT", None)
            result: dict[str, Any] = super().run(tmp, task_vars)
            for name in INTERNAL_OPTIONS:
                if name in task.args:
                    raise AnsibleActionFail(f"The option {name} is internal to the collection: leave it out.")
            environment: dict[str, str] = {}
            super()._compute_environment_string(environment)
            reason = self._find_reason_for_module(task_vars or {})
            if reason is None:
                display.vvv("vbem.rest: runs within Ansible's process.", host=self._host_name(task_vars))
                result.update(self._run_in_process(environment, task_vars or {}))
            else:
                display.vvv(f"vbem.rest: runs as a module, because {reason}.", host=self._host_name(task_vars))
                result.update(self._run_as_module(environment, task_vars, hidden))
        except BaseException as err:  # one of them is the timeout of a task
            if self._is_censored and not isinstance(err, (KeyboardInterrupt, SystemExit)):
                self._tell_failure(str(err) or f"{type(err).__name__}, with a timeout of {self._task.timeout} s.")
            raise
        finally:
            self._hide_secrets()
        if self._is_censored:
            self._tell_what_is_censored(result)
        if hidden is not None:
            if not result.get("failed"):
                result["_ansible_no_log"] = True
            result.pop("invocation", None)
        return result

    # -----------------------------------------------------------------------------------------------------------------
    # Within Ansible's process

    def _find_reason_for_module(self, task_vars: dict[str, Any]) -> str | None:
        """Return why the module has to run in a process of its own; None where it need not."""
        become = self._connection.become
        reasons = {
            "vbem_in_process says so": not self._read_switch("vbem_in_process", task_vars, default=True),
            f"the connection is {self._connection.transport}": self._connection.transport != "local",
            "the task uses become": become is not None,
            "the task uses async": bool(self._task.async_val),
            "the Python library requests is missing for Ansible's Python": not HAS_REQUESTS,
        }
        found = next((reason for reason, applies in reasons.items() if applies), None)
        if found is not None:
            return found
        host_vars = task_vars
        if self._task.delegate_to:
            host_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        configured = C.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars)
        interpreter = str(self._templar.template(configured or ""))
        if is_same_interpreter(interpreter):
            return None
        return f"ansible_python_interpreter is {interpreter or 'not set'}, and not Ansible's own Python"

    def _read_switch(self, name: str, task_vars: Mapping[str, Any], *, default: bool) -> bool:
        """Return a variable that is true or false or, where it is not set, the environment variable of the same name."""
        value = task_vars[name] if name in task_vars else os.environ.get(name.upper()) or default
        return bool(boolean(self._templar.template(value), strict=False))

    def _run_in_process(self, environment: Mapping[str, str], task_vars: dict[str, Any]) -> dict[str, Any]:
        internals: dict[str, Any] = {}
        self._update_module_args(self._task.action, internals, task_vars)
        link = create_process_link(self._create_progress_writer(task_vars))
        with module_surroundings(environment, self._loader.get_basedir()):
            return run_in_process(self.module, self._task.action, self._task.args, internals, link)

    def _create_progress_writer(self, task_vars: dict[str, Any]) -> Callable[[str], None]:
        """Return a function that shows a line of progress: at -v, or always if ``vbem_show_progress`` is set."""
        name, host = self._task.get_name(), self._host_name(task_vars)
        if self._was_no_log:
            return lambda _line: None
        if self._read_switch("vbem_show_progress", task_vars, default=False):
            return lambda line: display.display(f"<{host}> {name}: {line}" if host else f"{name}: {line}")
        return lambda line: display.v(f"{name}: {line}", host=host)

    @staticmethod
    def _host_name(task_vars: Mapping[str, Any] | None) -> str | None:
        name: str | None = (task_vars or {}).get("inventory_hostname")
        return name

    # -----------------------------------------------------------------------------------------------------------------
    # As a module

    def _run_as_module(
        self, environment: Mapping[str, str], task_vars: dict[str, Any] | None, hidden: str | None
    ) -> dict[str, Any]:
        injected: dict[str, str] = {}
        if environment.get(PASSWORD_VARIABLE) and self._task.args.get("password") is None:
            injected["password"] = environment[PASSWORD_VARIABLE]
        if hidden is not None:
            key = injected["_one_time_pad"] = create_key()
        if "_progress_file" in self.module.SPEC and self._is_local():
            result = self._run_with_progress(injected, task_vars)
        else:
            result = self._run_packed(injected, task_vars)
        if hidden is not None and isinstance(result.get(hidden), str):
            result[hidden] = json.loads(decrypt(result[hidden], key))
        return result

    def _is_local(self) -> bool:
        """Return whether the module runs on this machine, as this user, while this process waits for it."""
        return self._connection.transport == "local" and self._connection.become is None and not self._task.async_val

    def _run_packed(self, injected: Mapping[str, str], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_args={**self._task.args, **injected}, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return result

    def _run_with_progress(self, injected: dict[str, str], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module with a progress file, and show the lines that it appends."""
        with NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP, prefix="vbem-progress-") as file:
            is_over = threading.Event()
            write = self._create_progress_writer(task_vars or {})
            viewer = threading.Thread(target=self._show_progress, args=(Path(file.name), is_over, write), daemon=True)
            viewer.start()
            try:
                return self._run_packed({**injected, "_progress_file": create_file_value(file.name)}, task_vars)
            finally:
                is_over.set()
                viewer.join(2 * POLL_SECONDS)

    @staticmethod
    def _show_progress(path: Path, is_over: threading.Event, write: Callable[[str], None]) -> None:
        # A signal may be delivered to any thread, but only the main one acts on it, and that sleeps until the module ends.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        with path.open(encoding="utf-8") as lines:
            while True:
                was_over = is_over.wait(POLL_SECONDS)
                for line in lines:
                    write(line.rstrip())
                if was_over:
                    return

    # -----------------------------------------------------------------------------------------------------------------
    # Secrets

    def _remember(self) -> tuple[Any, Any, Any]:
        """Return what the task had before it was hidden."""
        task = self._task
        originals: tuple[Any, Any, Any] = _ORIGINALS.setdefault(task, (task.args, task.environment, self._was_no_log))
        return originals

    def _censor_loop(self, task_vars: Mapping[str, Any]) -> bool:
        """Censor every result of the task if it has a loop whose item holds secrets; return whether it has.

        Setting the task's ``no_log`` censors what this plugin does not see as well: timeouts, exceptions, retries, and the
        result of the whole loop.
        """
        task = self._task
        if self._was_no_log or task.loop is None:
            return False
        self._secrets = self._list_secrets()
        shown = [task_vars.get(task_vars.get("ansible_loop_var", "item")), task_vars.get("ansible_loop")]
        if not holds_secrets(shown, self._secrets, is_vaulted):
            return False
        if not task.no_log:  # the first time
            display.vvv(
                "vbem.rest: the result is hidden, because the loop's item holds secrets.", host=self._host_name(task_vars)
            )
        task.no_log = True
        source = task.get_ds()
        if isinstance(source, Mapping) and source.get("name") and task.name:
            task.name = str(source["name"])  # as in the task's banner: Ansible fills in the item for retries
        return True

    def _list_secrets(self) -> set[str]:
        """Return the secrets of this task, as far as its options and environment tell."""
        secret_options = [name for name, option in self._create_spec().items() if option.get("no_log")]
        environments = self._task.environment if isinstance(self._task.environment, list) else []
        passwords = [each.get(PASSWORD_VARIABLE) for each in (*environments, os.environ) if isinstance(each, Mapping)]
        return {
            *list_option_secrets(self._task.args, secret_options, self._list_shown_options()),
            *(str(password) for password in passwords if password),
        }

    def _tell_what_is_censored(self, result: Mapping[str, Any]) -> None:
        """Show the warnings of a censored result, and why it failed."""
        if WRAPS_RESULTS:  # later ones show a censored result's warnings themselves
            for warning in result.get("warnings", ()):
                display.warning(str(warning))
        if result.get("failed"):
            error = result.get("error")
            kind = f" ({error['kind']})" if isinstance(error, Mapping) and "kind" in error else ""
            self._tell_failure(f"{result.get('msg')}{kind}")

    def _tell_failure(self, reason: str) -> None:
        """Show why an iteration failed: its result is censored."""
        args, _environment, _no_log = self._remember()
        session = args.get("session")
        hostname = session.get("hostname") if isinstance(session, Mapping) else args.get("hostname", args.get("host"))
        where = f" ({hostname})" if hostname else ""
        reason = reason.strip()
        reason += "" if reason.endswith((".", ")")) else "."
        text = f"{self._task.get_name()}{where}: {reason} Its result is hidden, because the loop's item holds secrets."
        for secret in sorted(self._secrets, key=len, reverse=True):  # one may be a part of another
            text = text.replace(secret, "(hidden)")
        display.warning(to_printable(text))

    def _create_spec(self) -> dict[str, Any]:
        return {**create_connection_spec(), **self.module.SPEC}

    def _list_shown_options(self) -> set[str]:
        return list_shown_options(self._create_spec(), INTERNAL_OPTIONS)

    def _list_hidden(self, args: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of secret options, and those that the module does not know: one may be a misspelt ``password``."""
        known = self._list_shown_options().union(INTERNAL_OPTIONS)
        return (*SECRETS, *(name for name in args if name not in known and not str(name).startswith("_ansible_")))

    def _hide_secrets(self) -> None:
        """Remove the task's secrets: Ansible passes a finished task, with its options, to every callback plugin."""
        self._task.args = _hide(self._task.args, self._list_hidden(self._task.args))
        environment = self._task.environment
        if isinstance(environment, list):
            environment = [_hide(each, (PASSWORD_VARIABLE,)) for each in environment]
        self._task.environment = environment
        defaults = self._task.module_defaults  # templated by ansible-core 2.16; by now they are in the options
        if isinstance(defaults, list):
            self._task.module_defaults = [
                {name: _hide(values, SECRETS) for name, values in each.items()} if isinstance(each, Mapping) else each
                for each in defaults
            ]

    def _compute_environment_string(self, raw_environment_out: Any = None) -> str:
        """Leave the password out of the command line, which -vvv and the process list show: it is passed as an option.

        Keep an empty value: it overrides a VBEM_PASSWORD inherited from the environment.
        """
        environment: dict[str, str] = {}
        super()._compute_environment_string(environment)
        is_empty = PASSWORD_VARIABLE in environment and not environment[PASSWORD_VARIABLE]
        environment.pop(PASSWORD_VARIABLE, None)
        if is_empty:
            environment[PASSWORD_VARIABLE] = ""
        if isinstance(raw_environment_out, dict):
            raw_environment_out.clear()
            raw_environment_out.update(environment)
        prefix: str = self._connection._shell.env_prefix(**environment)
        return prefix

    def _configure_module(self, module_name: Any, module_args: Any, task_vars: Any) -> Any:
        """Remove the secrets once the module is packed: ANSIBLE_DEBUG shows a module's options after it ran."""
        configured = super()._configure_module(module_name, module_args, task_vars)
        module_args.update(_hide(module_args, self._list_hidden(module_args)))
        return configured
