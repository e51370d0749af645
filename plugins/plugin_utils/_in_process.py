# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module's ``run`` within Ansible's own worker process, where the module would run on the controller itself.

Starting a Python interpreter and importing libraries takes nearly all of the time of a short module. Ansible loads an action
plugin before it forks its workers, so the plugin's imports are done once for the play.

It is safe to fork after these imports, on macOS too: none of them starts a thread or opens a connection, and requests is told
not to look up the system's proxies (``trust_env``), which is what macOS does not allow after a fork.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.release import __version__ as ansible_version
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.argument_spec import (
    INTERNAL_OPTIONS,
    create_connection_spec,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.execution import (
    MASKING_WARNING,
    Outcome,
    create_invocation,
    execute,
    explain_invalid_options,
    is_masking,
    list_shown_options,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.progress import ControllerLink

try:
    import_module("requests")  # once, before Ansible forks

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# Before 2.19 text is trusted as a template unless it is wrapped; since then it is the other way round.
WRAPS_RESULTS = tuple(int(part) for part in ansible_version.split(".")[:2]) < (2, 19)


def is_same_interpreter(path: str) -> bool:
    """Return whether the path of a Python interpreter is the one that runs this process, with the same packages."""
    return bool(path) and _identify(path) == _identify(sys.executable)


def _identify(path: str) -> tuple[str, str]:
    """Return the interpreter's file, and the virtual environment that it belongs to, if any."""
    file = Path(path).absolute()
    environment = file.parent.parent
    return str(file.resolve()), str(environment.resolve()) if (environment / "pyvenv.cfg").exists() else ""


def run_in_process(
    module: Any,
    name: str,
    args: Mapping[str, Any],
    internals: Mapping[str, Any],
    link: ControllerLink,
) -> dict[str, Any]:
    """Return the result that the module would have returned.

    ``internals`` are the ``_ansible_*`` arguments of a module.
    """
    spec = {**create_connection_spec(), **module.SPEC}
    shown = list_shown_options(spec, INTERNAL_OPTIONS)
    plain: dict[str, Any] = _to_plain(args)
    validation = ArgumentSpecValidator(spec).validate(plain)
    params = validation.validated_parameters
    warnings = [f"Both option {one['option']} and its alias {one['alias']} are set." for one in validation._warnings]
    if validation.error_messages:
        error = validation.errors[0]
        msg = str(error.msg)
        if isinstance(error, UnsupportedError):
            msg = f"Unsupported parameters for ({name}) module: {msg}"
        outcome = Outcome(
            explain_invalid_options(msg, INTERNAL_OPTIONS, validation.error_messages).to_fail_json(), True, [], set()
        )
    else:
        outcome = execute(
            module.run,
            params,
            check_mode=bool(internals.get("_ansible_check_mode")),
            diff=bool(internals.get("_ansible_diff")),
            link=link,
        )
    hidden = getattr(module, "HIDDEN_RESULT", None)
    is_hidden = hidden in outcome.result and not outcome.failed
    result = dict(outcome.result)
    secrets = {str(secret) for secret in validation._no_log_values} | outcome.secrets
    warnings += remove_values(outcome.warnings, secrets)
    if not is_hidden and is_masking(params, result):
        warnings.append(MASKING_WARNING)
    if internals.get("_ansible_inject_invocation", True):
        result["invocation"] = create_invocation(params, shown)
    if outcome.failed:
        result["failed"] = True
    if not is_hidden:  # otherwise the action plugin hides the whole result, and masking a short password would damage it
        preserved = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        result = {**remove_values(result, secrets), **preserved}
    if warnings:
        result["warnings"] = list(dict.fromkeys(warnings))
    wrapped: dict[str, Any] = wrap_var(result) if WRAPS_RESULTS else result
    return wrapped


@contextmanager
def module_surroundings(environment: Mapping[str, str], folder: str) -> Iterator[None]:
    """Run the context with the environment variables and the working directory that the module would have had."""
    before, place = dict(os.environ), Path.cwd()
    os.environ.update({name: str(value) for name, value in environment.items()})
    try:
        os.chdir(folder)
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


def _to_plain(value: Any) -> Any:
    """Return a value as a module would have received it, through JSON: plain types, and secrets of Ansible Vault decrypted."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): _to_plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(one) for one in value]
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    # YAML reads what looks like a date as one.
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
