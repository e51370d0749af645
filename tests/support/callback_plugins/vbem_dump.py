# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes all that a callback is given, as lines of text, to the file that VBEM_DUMP names: what a careless logger would keep."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: vbem_dump
type: aggregate
short_description: Writes all that a callback is given
description: Writes all that a callback is given.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes a line for each event."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "vbem_dump"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._keep("task_start", self._dump_task(task))

    def v2_playbook_on_notify(self, handler: Any, host: Any) -> None:
        self._keep("notify", self._dump_task(handler))

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._keep("start", self._dump_task(task))

    def v2_runner_on_ok(self, result: Any, **_more: Any) -> None:
        self._keep("ok", self._dump_result(result))

    def v2_runner_on_failed(self, result: Any, **_more: Any) -> None:
        self._keep("failed", self._dump_result(result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._keep("unreachable", self._dump_result(result))

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._keep("skipped", self._dump_result(result))

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._keep("item ok", self._dump_result(result))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._keep("item failed", self._dump_result(result))

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        self._keep("item skipped", self._dump_result(result))

    def v2_runner_retry(self, result: Any) -> None:
        self._keep("retry", self._dump_result(result))

    def v2_runner_on_async_poll(self, result: Any) -> None:
        self._keep("async poll", self._dump_result(result))

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self._keep("async ok", self._dump_result(result))

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self._keep("async failed", self._dump_result(result))

    def v2_on_file_diff(self, result: Any) -> None:
        self._keep("diff", self._dump_result(result))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._keep("stats", {"custom": stats.custom, "processed": stats.processed})

    @staticmethod
    def _dump_task(task: Any) -> dict[str, Any]:
        return {"action": task.action, "args": dict(task.args), "attributes": task.dump_attrs(), "vars": task.get_vars()}

    def _dump_result(self, result: Any) -> dict[str, Any]:
        return {
            "result": dict(result._result),
            "fields": dict(result._task_fields),
            "task": self._dump_task(result._task),
            "host": result._host.get_vars(),
        }

    @staticmethod
    def _keep(event: str, what: dict[str, Any]) -> None:
        line = json.dumps({"event": event, **what}, default=repr, ensure_ascii=False, skipkeys=True)
        with Path(os.environ["VBEM_DUMP"]).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
