# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ansible_collections.vbem.rest.plugins.action.veeam_job import ActionModule

SESSION = {"hostname": "em.example.com", "port": 9398, "id": "of the session", "token": "of the server"}


def create_action(task: Task, variables: dict[str, Any]) -> ActionModule:
    """Return the plugin as Ansible makes it before the timeout of the task begins."""
    return ActionModule(task, None, None, None, SimpleNamespace(available_variables=variables), None)


def test_a_loop_with_secrets_is_censored_before_the_timeout_of_a_task_begins() -> None:
    """It may end the task before the first line of `run`: on a busy machine a second is soon over."""
    task = Task()
    task.args = {"name": "SQL Backup", "session": SESSION}
    task.loop = [{"session": SESSION}]
    create_action(task, {"item": {"session": SESSION}})
    assert task.no_log


def test_options_that_come_after_the_plugin_was_made_are_used_and_then_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before ansible-core 2.19 these are the defaults of modules. A retry makes a new plugin, and uses the same."""
    task, seen = Task(), []
    task.args = {"name": "SQL Backup"}

    def stop(*_arguments: object) -> None:
        seen.append(task.args)
        raise TimeoutError

    monkeypatch.setattr(ActionBase, "run", stop)
    for attempt in range(2):
        action = create_action(task, {})
        if attempt == 0:
            task.args = {"name": "SQL Backup", "session": SESSION}
        with pytest.raises(TimeoutError):
            action.run(task_vars={})
        assert task.args == {"name": "SQL Backup", "session": "(hidden)"}
    assert seen == [{"name": "SQL Backup", "session": SESSION}] * 2


def test_a_loop_without_secrets_is_shown() -> None:
    task = Task()
    task.args = {"name": "SQL Backup", "session": SESSION}
    task.loop = ["SQL Backup"]
    create_action(task, {"item": "SQL Backup"})
    assert not task.no_log
