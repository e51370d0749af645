# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords that Ansible's masking could spoil results with, and those that come by a task's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from emulator import Emulator

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


def run_play(em: Emulator, folder: Path, username: str, password: str) -> str:
    """Run the play at -vvvv; give what it printed."""
    playbook = folder / "play.yml"
    text = PLAY.format(hostname=em.hostname, port=em.port, ca_path=em.ca_path, username=username)
    playbook.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-vvvv", str(playbook)],
        env={**os.environ, "GIVEN": password, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_LOCAL_TEMP": str(folder / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert em.sessions == []
    return done.stdout


@pytest.mark.parametrize("password", ["1", "a", "localhost", "latest", "900"])
def test_a_short_or_common_password_leaves_the_session_usable(tmp_path: Path, password: str) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        em.add_user("short", "VBEM\\short", password)
        run_play(em, tmp_path, "VBEM\\short", password)


def test_a_password_of_the_environment_is_not_shown(tmp_path: Path) -> None:
    with Emulator(directory=tmp_path / "em") as em:
        output = run_play(em, tmp_path, em.admin.username, em.admin.password)
        assert em.admin.password not in output
        assert "VBEM_USERNAME" in output  # the environment is shown, but for the password
