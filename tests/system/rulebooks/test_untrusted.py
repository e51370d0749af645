# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names from the server cannot run commands where the rulebook runs, although Ansible trusts extra variables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.playbooks import PlaybookRun, run_playbook
from support.tickets import TicketSystem
from support.tiers import thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.events.finished_sessions import create_event, escape_templates

JOB_UID = "urn:veeam:Job:6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11"


@pytest.fixture
def tickets() -> Iterator[TicketSystem]:
    """Return a ticket system."""
    with TicketSystem() as system:
        yield system


def create_hostile_event(mark: Path) -> dict[str, Any]:
    """Return the event of a run that failed, in which everything that somebody may name would leave a mark."""
    command = "lookup('ansible.builtin.pipe', 'touch " + str(mark) + "')"
    run = {
        "name": "{{ " + command + " }}",
        "uid": "urn:veeam:BackupJobSession:0e4fa2be-93fc-4d8e-8b3c-5b0e6c4d1a11",
        "job_name": "#jinja2: variable_start_string:'[%', variable_end_string:'%]'\n[% " + command + " %]",
        "job_uid": JOB_UID + "{{ " + command + " }}",
        "job_type": "{{{ " + command + " }}}",
        "backup_server": "{%- set x = " + command + " %}",
        "state": "Stopped",
        "result": "Failed",
        "creation_time": "2026-11-23T18:00:00Z",
        "end_time": "2026-11-23T18:10:00Z",
        "failure_message": "{# #}{{ " + command + " }}",
        "href": "https://em:9398/api/{{" + command + "}}",
    }
    messages = [{"name": "{{ " + command + " }}", "result": "Failed", "reason": "{{" + command + "}}"}]
    return create_event("em.example.com", run, messages)


def play(name: str, event: dict[str, Any], folder: Path, **variables: str) -> PlaybookRun:
    """Run a playbook as ansible-rulebook does: with the event in a file of extra variables."""
    environment = {"VBEM_HOSTNAME": "127.0.0.1", "VBEM_PORT": "1", "VBEM_RETRIES": "0"}
    environment |= {"VBEM_USERNAME": "nobody", "VBEM_PASSWORD": "not needed here"}
    given = {**variables, "ansible_eda": {"event": event}}
    return run_playbook(f"vbem.rest.{name}", home=folder, environment=environment, variables=given, expected=())


def test_an_event_is_data(tmp_path: Path, tickets: TicketSystem) -> None:
    mark = tmp_path / "mark"
    event = create_hostile_event(mark)
    done = play("eda_open_ticket", event, tmp_path, ticket_url=tickets.url)
    assert done.code == 0, done.output
    assert "{ { lookup('ansible.builtin.pipe', 'touch" in tickets.taken[0].body["text"]
    done = play("eda_retry_job", event, tmp_path)
    assert "The option uid cannot be" in done.output
    assert not mark.exists()


@thorough
def test_an_event_that_is_not_escaped_runs_a_command(tmp_path: Path, tickets: TicketSystem) -> None:
    """The test above can fail: the same event as the server sends it runs the command."""
    mark = tmp_path / "mark"
    event = create_hostile_event(mark)
    event["job_session"]["name"] = event["job_session"]["name"].replace("{ {", "{{")
    play("eda_open_ticket", event, tmp_path, ticket_url=tickets.url)
    assert mark.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ x }}", "{ { x }}"),
        ("{{{%{#", "{ { { %{ #"),
        ("{%", "{ %"),
        ("{#", "{ #"),
        ("{ { }", "{ { }"),
        ("{", "{"),
        ("#jinja2: x", "# jinja2: x"),
        ("#JINJA2:", "# JINJA2:"),
        ("SQL {prod} #1", "SQL {prod} #1"),
    ],
)
def test_templates_are_escaped(text: str, shown: str) -> None:
    assert escape_templates({"a": [text, 1, None, {"b": text}]}) == {"a": [shown, 1, None, {"b": shown}]}
