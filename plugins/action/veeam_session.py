# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module ``vbem.rest.veeam_session`` and keeps its secrets out of sight."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_pad, unseal
from ansible_collections.vbem.rest.plugins.plugin_utils._action import EmAction


class ActionModule(EmAction):
    """Censors every success: the registered variable can be used, what is shown says nothing. Failures stay readable.

    A log-off returns no secret, but was given one: with ``loop`` Ansible would show each item, which is a session.

    The module returns the session sealed with a pad that is made here, so that no trace of the module's own
    output (ANSIBLE_DEBUG, kept files) holds them.
    """

    _supports_async = False  # what async_status fetches later is sealed with a pad that nobody has any more

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and open its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        pad = create_pad()
        result.update(self.execute(task_vars, _pad=pad))
        sealed = result.pop("sealed", None)
        if sealed is not None:
            result["session"] = json.loads(unseal(sealed, pad))
        if not result.get("failed"):
            result["_ansible_no_log"] = True
        result.pop("invocation", None)
        return result
