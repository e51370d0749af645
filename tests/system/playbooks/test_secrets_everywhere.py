# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Password, token and session id show nowhere but in the headers of requests to the configured server.

``make test`` runs the loudest way of printing, with modules in Ansible's own process; ``make thorough`` also in processes of their
own, and the way of AWX; ``make secrets`` all ways, and every verbosity. That breaks the collection's guards, too, to see that each is missed.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.places import ROOT
from support.secrets import SecretScanner, create_forms
from support.tiers import sample, thorough

from ..docs_examples.examples import MODULES
from .secrets_matrix import BREAKS, FEW, PASSWORD, SecretsHarness, create_play, list_names

# What tasks fail with, all others being "ok"; nothing is proved by a task that fails early.
KINDS = {
    **{f"Run {path.stem} fails, the password being wrong": "logon_failed" for path in MODULES},
    "Run veeam_session fails, the server repeating the password": "logon_failed",
    "Run veeam_session fails, the authority being another one": "tls",
    "Run veeam_session fails, being redirected with the password": "bad_response",
    "Run veeam_session fails, given the result for the session": "invalid_option",
    "Run veeam_job fails, there being no such job": "not_found",
    "Run veeam_job fails to change a job, the server repeating token, id and password": "server_error",
    "Run veeam_job fails to delete a job, the server repeating token, id and password": "server_error",
    "Run veeam_job fails to delete a job, being redirected with the token": "bad_response",
    "Run veeam_job_definition fails, the server repeating token, id and password": "partial",
    "Run veeam_job_definition_info fails, the server repeating token, id and password": "server_error",
    "Run veeam_job_info fails, the filter being none": "invalid_filter",
    "Run veeam_query_info fails, the server repeating token, id and password": "server_error",
    "Run veeam_query_info fails, being redirected with the token": "bad_response",
    "Run veeam_rest fails, its body holding a password": "not_found",
    "Run veeam_task_info fails, the session being of the wrong kind": "invalid_option",
    "Run veeam_task fails, a task having failed": "task_failed",
    "Run veeam_task fails, an option being unknown": "invalid_option",
    "Run veeam_query fails, the password being wrong": "failed",
    "Run veeam_query fails, the server repeating the token": "failed",
    "Run veeam_object fails, given the session for an object": "failed",
    "Run veeam_task_info fails, the session being gone": "session_lost",
    "Run veeam_task fails in the background, the session being gone": "session_lost",
    "Run veeam_job_info fails, on its own": "logon_failed",
    # The play asserts why: the results of these are hidden from callbacks.
    "Run veeam_session fails in a loop, the second password being wrong": "failed",
    "Run veeam_job fails in a loop, taking too long": "failed",
    "Run veeam_job_info fails in a loop, an option being unknown": "failed",
    "Run veeam_job_info fails in a loop, its host being out of reach": "unreachable",
    "Run veeam_session fails in a loop, in the background": "failed",
    "Run veeam_task fails in a loop, in the background": "failed",
}
PLANTED = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: In a result
      ansible.builtin.debug:
        msg: "{{ em_given.token | b64decode }}"
    - name: In options, which no event shows by itself
      ansible.builtin.assert:
        that: "'{{ em_given.token }}' is string"
        quiet: true
    - name: In a command line
      ansible.builtin.command:
        argv: [sleep, 1, --, "{{ em_password }}"]
      ignore_errors: true
      no_log: true
    - name: In a command line, for long enough
      ansible.builtin.command:
        argv: [python3, -c, "import time; time.sleep(1)", "{{ em_password }}"]
      no_log: true
    - name: In an environment
      ansible.builtin.command:
        argv: [sleep, 1]
      environment:
        TOKEN: "{{ em_given.token }}"
      no_log: true
    - name: In a file that is left, and that others can read
      ansible.builtin.copy:
        dest: "{{ lookup('ansible.builtin.env', 'HOME') }}/left"
        content: "{{ em_given.id | upper }}"
        mode: "0644"
      no_log: true
    - name: In a fact that is kept
      ansible.builtin.set_fact:
        em_kept: "{{ em_password | urlencode }}"
        cacheable: true
      no_log: true
    - name: In a request, to a stranger
      ansible.builtin.uri:
        url: "https://localhost:{{ item }}/api/{{ em_given.token | urlencode }}"
        headers:
          Cookie: "token={{ em_given.token }}"
        ca_path: "{{ em_ca_path }}"
        status_code: [400, 401, 404, 500]
      loop: ["{{ em_port }}", "{{ em_stranger }}"]
      no_log: true
"""


@pytest.fixture(scope="module")
def harness() -> Iterator[SecretsHarness]:
    # Not pytest's folder: ansible-core 2.21 has a socket in its temporary folder, whose path must be short.
    with tempfile.TemporaryDirectory(prefix="vbem-") as folder, SecretsHarness(Path(folder)) as made:
        yield made


def read_names() -> dict[str, bool]:
    """Return the name of every task of the play, and whether short runs have it."""
    names: dict[str, bool] = {}

    def read(tasks: list[dict[str, object]], is_short: bool) -> None:
        for task in tasks:
            short = is_short and task.get("tags") != "more"
            block = task.get("block")
            if isinstance(block, list):
                read(block, short)
            else:
                names[str(task["name"])] = short

    for play in create_play():
        read(play["tasks"], True)
    return names


def test_every_plugin_succeeds_and_fails_in_any_run() -> None:
    names = read_names()
    folder = ROOT / "plugins"
    plugins = [path.stem for kind in ("modules", "lookup") for path in (folder / kind).glob("*.py")]
    assert len(plugins) > 6
    for plugin in plugins:
        own = [name for name, is_short in names.items() if is_short and name.removeprefix("Run ").split()[0] == plugin]
        assert [name for name in own if name in KINDS], f"{plugin} never fails"
        assert [name for name in own if name not in KINDS], f"{plugin} never succeeds"


@pytest.mark.parametrize(("verbosity", "way", "is_short"), sample(FEW, FEW[:1]))
def test_no_secret_shows(harness: SecretsHarness, verbosity: int, way: str, is_short: bool) -> None:
    report = harness.run(verbosity, way, is_short=is_short)
    assert report.trouble == []
    assert report.leaks == []
    expected = {name: KINDS.get(name, "ok") for name, short in read_names().items() if short or not is_short}
    assert report.tasks == expected
    assert {"output", "dump", "log", "process arguments", "temporary files"} <= set(report.places)
    assert ("journal" in report.places) is way.endswith("apart"), "what a process of its own writes there"
    assert report.samples > 20


@thorough
def test_what_is_planted_is_found(harness: SecretsHarness) -> None:
    play = harness.folder / "planted.yml"
    play.write_text(PLANTED, encoding="utf-8")
    report = harness.run(3, "default", play=play, clean_up_seconds=0)
    found = {(leak.secret.rstrip(" 0123456789"), re.sub(r"^the request.*", "a request", leak.where)) for leak in report.leaks}
    assert ("session id", "output") in found
    assert ("session id", "dump") in found
    assert ("session id", "log") in found
    assert ("token", "dump") in found, "what only a task's options show"
    assert ("password of loud", "arguments of a process") in found
    assert ("token", "environment of a process") in found
    assert ("session id", "home/left") in found
    assert ("password of loud", "facts/s1_localhost") in found or ("password of loud", "facts/localhost") in found
    assert ("token", "a request") in found
    assert any("temporary file is left: home/left" in trouble for trouble in report.trouble)
    assert any("others can read" in trouble for trouble in report.trouble)
    assert any("the other server was contacted" in trouble for trouble in report.trouble)


@pytest.mark.parametrize("ahead", range(3))
@pytest.mark.parametrize("form", list(create_forms(PASSWORD)))
def test_every_form_is_found(form: str, ahead: int) -> None:
    scanner = SecretScanner({"it": PASSWORD})
    text = b"x" * ahead + create_forms(PASSWORD)[form] + b"x"
    (leak, *_more) = scanner.find(text, "here")
    assert leak.secret == "it"
    assert PASSWORD not in repr(leak)
    assert not list(scanner.find(text.replace(b"=", b"").replace(b"x", b"y")[: len(text) // 2], "half of it"))


def test_an_encrypted_text_whose_one_time_pad_is_shown_is_found() -> None:
    scanner = SecretScanner({"it": PASSWORD})
    text = f'{{"token": "{PASSWORD}", "more": "{"-" * 40}"}}'.encode()
    pad = secrets.token_bytes(8192)
    encrypted = bytes(left ^ right for left, right in zip(text, pad, strict=False))
    assert list(scanner.find_opened([f"encrypted={encrypted.hex()}".encode(), f"pad={pad.hex()}".encode()]))
    assert not list(scanner.find_opened([f"encrypted={encrypted.hex()}".encode(), f"pad={secrets.token_hex(8192)}".encode()]))


@pytest.mark.parametrize("name", BREAKS)
def test_each_guard_that_is_broken_is_there(name: str) -> None:
    """What it replaces has to exist: `make secrets` would break nothing else."""
    for each in BREAKS[name]:
        compile(each.code, name, "exec")
        assert set(each.names) <= list_names((ROOT / each.file).read_text(encoding="utf-8")), each.file
