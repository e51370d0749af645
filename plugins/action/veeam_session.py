# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module ``vbem.rest.veeam_session`` and keeps its secrets out of sight."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_key, decrypt
from ansible_collections.vbem.rest.plugins.plugin_utils._action import EmAction


class ActionModule(EmAction):
    """Censors every success: the registered variable is usable, the output shows nothing. Failures stay readable.

    A log-off returns no secret, but receives one: with ``loop`` Ansible would show each item, which is a session.

    The module returns the session encrypted with a one-time pad that is created here, so that no trace of the module's own
    output (ANSIBLE_DEBUG, kept files) holds its secrets.
    """

    _supports_async = False  # async_status could not decrypt the result: the key is gone by then

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and decrypt its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        key = create_key()
        result.update(self.execute(task_vars, _one_time_pad=key))
        if isinstance(result.get("session"), str):
            result["session"] = json.loads(decrypt(result["session"], key))
        if not result.get("failed"):
            result["_ansible_no_log"] = True
        result.pop("invocation", None)
        return result
