# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share: running the module of the same name and hiding its secrets."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from weakref import WeakKeyDictionary

from ansible import constants as C  # noqa: N812 - Ansible's own name for them
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.progress import create_link

display = Display()

SECRETS = ("password", "session", "_one_time_pad")
PASSWORD_VARIABLE = "VBEM_PASSWORD"  # noqa: S105 - its name  # nosec B105
INTERNAL_OPTIONS = ("_one_time_pad", "_progress_file")
POLL_SECONDS = 0.5
# Options and environment of tasks as they were before they were hidden: a task with ``until`` runs again, in a new plugin.
_ORIGINAL_ARGS: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()


def _hide(values: Any, names: tuple[str, ...]) -> Any:
    """Return a dictionary with these of its values hidden, and anything else unchanged."""
    if not isinstance(values, Mapping):
        return values
    return {name: "(hidden)" if name in names else value for name, value in values.items()}


class EmAction(ActionBase):  # type: ignore[misc]
    """Runs a module of the collection."""

    TRANSFERS_FILES = False
    _supports_async = True

    def execute(self, task_vars: dict[str, Any] | None, **injected: str) -> dict[str, Any]:
        """Run the module with the task's options and ``injected`` ones; return its result."""
        task = self._task
        task.args, task.environment = _ORIGINAL_ARGS.setdefault(task, (task.args, task.environment))
        try:
            for name in INTERNAL_OPTIONS:
                if name in self._task.args:
                    raise AnsibleActionFail(f"The option {name} is not for playbooks: leave it out.")
            environment: dict[str, str] = {}
            super()._compute_environment_string(environment)
            if environment.get(PASSWORD_VARIABLE) and self._task.args.get("password") is None:
                injected["password"] = environment[PASSWORD_VARIABLE]
            result: dict[str, Any] = self._execute_module(
                module_args={**self._task.args, **injected}, task_vars=task_vars, wrap_async=self._task.async_val
            )
        finally:
            self._hide_secrets()
        return result

    def _hide_secrets(self) -> None:
        """Forget the task's secrets: Ansible passes a finished task, with its options, to every callback plugin."""
        self._task.args = _hide(self._task.args, SECRETS)
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
        """Leave the password out of the command line, which -vvv and the process list show; `execute` makes it an option.

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
        """Forget the secrets once the module is packed: ANSIBLE_DEBUG shows a module's options after it ran."""
        configured = super()._configure_module(module_name, module_args, task_vars)
        module_args.update(_hide(module_args, SECRETS))
        return configured


class InfoAction(EmAction):
    """Runs a module that neither waits nor returns secrets."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(self.execute(task_vars))
        return result


class WaitAction(EmAction):
    """Runs a module that may wait for long: shows its progress at -v, and ends it when this task ends.

    Both need the module to run on this machine, as this user; elsewhere, and with ``async``, it runs without them.
    """

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, with progress where that is possible."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if self._connection.transport != "local" or self._connection.become is not None or self._task.async_val:
            result.update(self.execute(task_vars))
            return result
        with NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP, prefix="vbem-progress-") as file:
            is_over = threading.Event()
            host = (task_vars or {}).get("inventory_hostname")
            viewer = threading.Thread(target=self._show, args=(Path(file.name), is_over, host), daemon=True)
            if display.verbosity > 0 and not self._task.no_log:
                viewer.start()
            try:
                result.update(self.execute(task_vars, _progress_file=create_link(file.name)))
            finally:
                is_over.set()
                if viewer.ident is not None:
                    viewer.join(2 * POLL_SECONDS)
        return result

    def _show(self, path: Path, is_over: threading.Event, host: str | None) -> None:
        """Show the lines that the module appends to its progress file."""
        name = self._task.get_name()
        with path.open(encoding="utf-8") as lines:
            while True:
                was_over = is_over.wait(POLL_SECONDS)
                for line in lines:
                    display.v(f"{name}: {line.rstrip()}", host=host)
                if was_over:
                    return
