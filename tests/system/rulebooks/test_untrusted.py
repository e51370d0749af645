# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that come from the server run nothing where the rulebook does, though Ansible trusts extra variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.events.finished_sessions import create_event, escape_templates

JOB_UID = "urn:veeam:Job:6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11"


@pytest.fixture
def tickets() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the address of a ticket system, and what it was posted."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()
    server.server_close()


def create_hostile_event(mark: Path) -> dict[str, Any]:
    """Build the event of a run that failed, in which everything that somebody may name would leave a mark."""
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
    client: Any = SimpleNamespace(connection=SimpleNamespace(hostname="em.example.com"))
    return create_event(client, run, messages)


def play(name: str, event: dict[str, Any], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook as ansible-rulebook does: with the event in a file of extra variables."""
    given = folder / "extravars.json"
    given.write_text(json.dumps({**variables, "ansible_eda": {"event": event}}), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), f"vbem.rest.{name}", "-e", f"@{given}"]
    environment = {**os.environ, "ANSIBLE_HOME": str(folder / "home"), "VBEM_HOSTNAME": "127.0.0.1", "VBEM_PORT": "1"}
    environment |= {"VBEM_USERNAME": "nobody", "VBEM_PASSWORD": "not needed here", "VBEM_RETRIES": "0"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_an_event_is_data(tmp_path: Path, tickets: tuple[str, list[dict[str, Any]]]) -> None:
    mark = tmp_path / "mark"
    event = create_hostile_event(mark)
    url, posted = tickets
    done = play("eda_open_ticket", event, tmp_path, ticket_url=url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "{ { lookup('ansible.builtin.pipe', 'touch" in posted[0]["text"]
    done = play("eda_retry_job", event, tmp_path)
    assert "The option uid cannot be" in done.stdout, done.stdout + done.stderr
    assert not mark.exists()


def test_what_would_happen_otherwise(tmp_path: Path, tickets: tuple[str, list[dict[str, Any]]]) -> None:
    """The test above can fail: the same event as the server tells it runs the command."""
    mark = tmp_path / "mark"
    event = create_hostile_event(mark)
    event["job_session"]["name"] = event["job_session"]["name"].replace("{ {", "{{")
    play("eda_open_ticket", event, tmp_path, ticket_url=tickets[0])
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
def test_what_begins_a_template_is_broken(text: str, shown: str) -> None:
    assert escape_templates({"a": [text, 1, None, {"b": text}]}) == {"a": [shown, 1, None, {"b": shown}]}
