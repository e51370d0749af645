# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module ``vbem.rest.veeam_session`` and keeps its secrets out of sight."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.vbem.rest.plugins.module_utils._em._seal import create_pad, unseal


class ActionModule(ActionBase):  # type: ignore[misc]
    """Censors a successful logon: the registered variable can be used, what is shown says nothing. Failures stay readable.

    The module returns the session's secrets sealed with a pad that is made here, so that no trace of the module's own
    output (ANSIBLE_DEBUG, kept files) holds them.
    """

    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and open its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        if "_pad" in self._task.args:
            raise AnsibleActionFail("The option _pad is not for playbooks: leave it out.")
        pad = create_pad()
        result.update(self._execute_module(module_args={**self._task.args, "_pad": pad}, task_vars=task_vars))
        session = result.get("session")
        if isinstance(session, dict):
            if not result.get("failed"):
                for part, name in enumerate(("id", "token")):
                    session[name] = unseal(session[name], pad, part=part)
            result["_ansible_no_log"] = True
        result.pop("invocation", None)
        return result
