# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what became of every task, as lines of JSON in the file that VBEM_COLLECT names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: vbem_collect
type: aggregate
short_description: Keeps results for the tests of the documentation
description: Keeps results for the tests of the documentation.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes a line for each task of a host, and for each item of a loop."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "vbem_collect"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any, **_more: Any) -> None:
        self._keep(result, "ok")

    def v2_runner_on_failed(self, result: Any, **_more: Any) -> None:
        self._keep(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._keep(result, "unreachable")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._keep(result, "skipped")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._keep(result, "item")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._keep(result, "failed item")

    @staticmethod
    def _keep(result: Any, outcome: str) -> None:
        task = result._task
        line = {
            "host": result._host.get_name(),
            "name": task.name,
            "action": task.action,
            "outcome": outcome,
            "loop": bool(task.loop),
            "result": result._result,
        }
        with Path(os.environ["VBEM_COLLECT"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")
