# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running as an Ansible module, in a process of its own: the only place that builds an AnsibleModule and ends one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ..errors import EmError
from .argument_spec import INTERNAL_OPTIONS, create_connection_spec
from .execution import (
    MASKING_WARNING,
    RunModule,
    create_invocation,
    execute,
    explain_invalid_options,
    is_masking,
    list_shown_options,
)
from .one_time_pad import encrypt
from .progress import create_file_link


def run_module(spec: Mapping[str, Any], run: RunModule, *, encrypted: str | None = None) -> None:
    """Run a module: options, ``run``, result. ``encrypted`` is a key of the result that only the action plugin can decrypt."""
    module = _Module(argument_spec={**create_connection_spec(), **spec}, supports_check_mode=True)
    if encrypted is not None and not module.params["_one_time_pad"]:
        msg = "This module works only through its action plugin: call it as vbem.rest.veeam_session."
        module.fail_json(**EmError("invalid_option", msg).to_fail_json())

    def finish(result: dict[str, Any]) -> dict[str, Any]:
        if encrypted not in result:
            return result
        try:
            return {**result, encrypted: encrypt(json.dumps(result[encrypted]), module.params["_one_time_pad"])}
        except ValueError:
            raise EmError("bad_response", "The server returned a session token that is too long.") from None

    link = create_file_link(module.params.get("_progress_file"))
    outcome = execute(run, module.params, check_mode=module.check_mode, diff=module._diff, link=link, finish=finish)
    module.no_log_values.update(outcome.secrets)
    for warning in remove_values(outcome.warnings, module.no_log_values):  # which not every ansible-core does
        module.warn(warning)
    if outcome.failed:
        module.fail_json(**outcome.result)
    if encrypted in outcome.result:
        module.no_log_values.clear()  # Ansible's masking of a short password would damage what is encrypted
    module.exit_json(**outcome.result)


class _Module(AnsibleModule):  # type: ignore[misc]
    """An AnsibleModule whose own failures have the collection's form, and which hides sessions."""

    def exit_json(self, **kwargs: Any) -> None:
        self._warn_of_masking(kwargs)
        super().exit_json(**kwargs, invocation=self._create_invocation())

    def fail_json(self, msg: str, **kwargs: Any) -> None:
        if "error" not in kwargs:  # from AnsibleModule itself, while it checks the options
            kwargs.update(explain_invalid_options(msg, INTERNAL_OPTIONS, self.validation_result.error_messages).to_fail_json())
            msg = kwargs.pop("msg")
        self._warn_of_masking({"msg": msg, **kwargs})
        super().fail_json(msg, **kwargs, invocation=self._create_invocation())

    def _log_invocation(self) -> None:
        """Log the options that may be shown: AnsibleModule would write passwords in a request's body to the journal."""
        self.log(f"Invoked with {self._create_invocation()['module_args']}")

    def _warn_of_masking(self, result: Mapping[str, Any]) -> None:
        if self.no_log_values and is_masking(self.params, result):
            self.warn(MASKING_WARNING)

    def _create_invocation(self) -> dict[str, Any]:
        return create_invocation(self.params, list_shown_options(self.argument_spec, INTERNAL_OPTIONS))
