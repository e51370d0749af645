# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords that Ansible's masking could spoil results with, and those that come by a task's environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.emulators import FAST_SWITCHES
from support.playbooks import CALLBACKS, run_playbook
from support.secrets import SecretScanner
from support.tiers import sample, thorough

from emulator import Emulator, Switches

PLAY = """
---
- name: Use a session
  hosts: localhost
  connection: local
  gather_facts: false
  environment:
    VBEM_HOSTNAME: "{hostname}"
    VBEM_PORT: "{port}"
    VBEM_CA_PATH: "{ca_path}"
    VBEM_USERNAME: '{username}'
    VBEM_PASSWORD: "{{{{ lookup('ansible.builtin.env', 'GIVEN') }}}}"
  tasks:
    - name: Log on
      vbem.rest.veeam_session:
      register: em
    - name: Make sure
      vbem.rest.veeam_session:
        session: "{{{{ em.session }}}}"
      register: again
    - name: The session is usable
      ansible.builtin.assert:
        that:
          - again is not changed
          - again.session == em.session
          - em.session.port == {port}
          - em.session.hostname == '{hostname}'
    - name: Use it
      vbem.rest.veeam_task_info:
        session: "{{{{ em.session }}}}"
    - name: Log off
      vbem.rest.veeam_session:
        session: "{{{{ em.session }}}}"
        state: absent
"""

# All of it with the password among the options, even where a session makes it needless: the worst that masking can do.
EVERYTHING = """
---
- name: Use everything with a password that is a part of ordinary words
  hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/vbem.rest.em:
      hostname: "{hostname}"
      port: "{port}"
      ca_path: "{ca_path}"
      username: '{username}'
      password: "{{{{ lookup('ansible.builtin.env', 'GIVEN') }}}}"
  tasks:
    - name: Log on
      vbem.rest.veeam_session:
      register: em
    - name: Succeed
      vbem.rest.veeam_job:
        name: SQL Backup
        state: started
        session: "{{{{ em.session }}}}"
    - name: Succeed
      vbem.rest.veeam_job_info:
        name: SQL Backup
        session: "{{{{ em.session }}}}"
    - name: Succeed
      vbem.rest.veeam_query_info:
        type: BackupServer
        session: "{{{{ em.session }}}}"
    - name: Succeed
      vbem.rest.veeam_task_info:
        session: "{{{{ em.session }}}}"
    - name: Fail
      vbem.rest.veeam_task:
        state: finished
        task_id: task-0
        session: "{{{{ em.session }}}}"
      ignore_errors: true
    - name: Fail
      vbem.rest.veeam_job_info:
        timeout: task 1 a Finished
      ignore_errors: true
    - name: Look up
      ansible.builtin.debug:
        msg: "{{{{ query('vbem.rest.veeam_query', 'BackupServer', session=em.session) }}}}"
    - name: Look up in vain
      ansible.builtin.debug:
        msg: "{{{{ query('vbem.rest.veeam_query', 'task 1 a Finished', hostname='{hostname}', port={port},
          username='VBEM\\\\short', password=lookup('ansible.builtin.env', 'GIVEN'), ca_path='{ca_path}') }}}}"
      ignore_errors: true
    - name: Log off, without the password
      vbem.rest.veeam_session:
        session: "{{{{ em.session }}}}"
        state: absent
"""
STARS = "********"


def run_play(em: Emulator, folder: Path, username: str, password: str, play: str = PLAY, **environment: str) -> str:
    """Run the play at -vvvv; return what it printed."""
    playbook = folder / "play.yml"
    text = play.format(hostname=em.hostname, port=em.port, ca_path=em.ca_path, username=username)
    playbook.write_text(text, encoding="utf-8")
    own = {
        "GIVEN": password,
        "ANSIBLE_PIPELINING": "false",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "vbem_dump",
        "VBEM_DUMP": str(folder / "dump"),
    }
    done = run_playbook("-vvvv", playbook, home=folder, environment={**own, **environment})
    assert em.sessions == []
    return done.output


@pytest.mark.parametrize("password", sample(["1", "a", "localhost", "latest", "900"], ["900"]))
def test_a_short_or_common_password_leaves_the_session_usable(tmp_path: Path, password: str) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        em.add_user("short", "VBEM\\short", password)
        run_play(em, tmp_path, "VBEM\\short", password)


@thorough
def test_a_password_of_the_environment_is_not_shown(tmp_path: Path) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        output = run_play(em, tmp_path, em.admin.username, em.admin.password, VBEM_IN_PROCESS="false")
        SecretScanner.of(em).check(output)
        assert "VBEM_USERNAME" in output  # a module's environment is shown, but for the password


@thorough
@pytest.mark.parametrize("password", ["task", "1", "Finished"])
def test_what_a_common_password_spoils_is_warned_of(tmp_path: Path, password: str) -> None:
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as em:
        em.add_user("short", "VBEM\\short", password)
        run_play(em, tmp_path, "VBEM\\short", password, EVERYTHING)
    lines = [json.loads(line) for line in (tmp_path / "dump").read_text(encoding="utf-8").splitlines()]
    results = [
        (line["fields"]["name"], line["fields"]["action"], line["result"])
        for line in lines
        if line["event"] in ("ok", "failed")
    ]
    assert len(results) == 10
    spoilt = 0
    for name, action, result in results:
        if name.startswith("Look up"):
            assert STARS not in json.dumps(result) or "Asterisks" in result["msg"]
            continue
        texts = json.dumps({key: value for key, value in result.items() if key not in ("warnings", "invocation")})
        is_spoilt = STARS in texts or "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in texts
        spoilt += is_spoilt
        assert not is_spoilt or any(STARS in text or "The password" in text for text in result.get("warnings", [])), (
            action,
            result,
        )
    assert spoilt


LOOP = """
---
- name: Open and end several sessions
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Log on
      vbem.rest.veeam_session: &connection
        hostname: "{hostname}"
        port: "{port}"
        ca_path: "{ca_path}"
        username: '{username}'
        password: "{{{{ item.password }}}}"
      loop: "{{{{ [{{'password': lookup('ansible.builtin.env', 'GIVEN')}}] * 2 }}}}"
      register: logons
    - name: Log off
      vbem.rest.veeam_session:
        session: "{{{{ item.session }}}}"
        state: absent
      loop: "{{{{ logons.results }}}}"
      register: logoffs
    - name: Log off again
      vbem.rest.veeam_session:
        session: "{{{{ logons.results[0].session }}}}"
        state: absent
      register: again
    - name: What was registered can be used
      ansible.builtin.assert:
        that:
          - logoffs is changed
          - logoffs.results | map(attribute='changed') == [true, true]
          - again is not changed
    - name: Fail readably
      vbem.rest.veeam_session:
        state: absent
        hostname: "{hostname}"
        username: nobody
        password: nothing
      ignore_errors: true
"""


def test_sessions_in_a_loop_are_not_shown(tmp_path: Path) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        output = run_play(em, tmp_path, em.admin.username, em.admin.password, LOOP)
        assert len({entry.path for entry in em.requests("DELETE", "logonSessions")}) == 2
        SecretScanner.of(em).check(output)
    assert output.count("changed: [localhost]") == 4
    assert "The option session is missing" in output


BLANK = """
---
- name: Blank the password
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Have none
      vbem.rest.veeam_job_info:
        hostname: "{hostname}"
        port: "{port}"
        ca_path: "{ca_path}"
        username: '{username}'
      environment:
        VBEM_PASSWORD: ""
      register: tried
      ignore_errors: true
    - name: It was not given
      ansible.builtin.assert:
        that:
          - tried.error.kind == 'invalid_option'
          - "'password not given' in tried.msg"
"""


@thorough
def test_an_empty_password_of_the_environment_is_none(tmp_path: Path) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        run_play(em, tmp_path, em.admin.username, em.admin.password, BLANK, VBEM_PASSWORD=em.admin.password)
        assert em.log == []
