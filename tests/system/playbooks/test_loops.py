# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loops over what holds secrets: what a person still learns of them, and the ways to work with many servers that show nothing.

That nothing shows a secret is looked for in ``secrets_play.yml``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from support.emulators import FAST_SWITCHES
from support.playbooks import run_playbook
from support.secrets import SecretScanner
from support.tiers import sample

from emulator import Emulator, Switches

from .secrets_matrix import SecretsHarness

HIDDEN = "Its result is hidden, because the loop's item holds secrets."
PLAY = """
- name: Loop
  hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/vbem.rest.em: {hostname: "{{ em_hostname }}", port: "{{ em_port }}", username: "{{ em_username }}",
                         ca_path: "{{ em_ca_path }}", retries: 0}
  tasks:
    - name: Log on to {{ item.name }}
      vbem.rest.veeam_session:
        password: "{{ item.password }}"
      loop: [{name: right, password: "{{ em_password }}"}, {name: wrong, password: not the password}]
      register: logons
      ignore_errors: true
    - name: Look for a job of the session
      vbem.rest.veeam_job_info:
        session: "{{ item.session }}"
        limit: 0
      loop: "{{ logons.results[:1] }}"
      ignore_errors: true
    - name: Work in the sessions
      ansible.builtin.include_tasks: "{{ included }}"
      loop: "{{ logons.results[:1] }}"
      loop_control:
        label: "{{ item.item.name }}"
    - name: List a job
      vbem.rest.veeam_job_info:
        session: "{{ logons.results[0].session }}"
        name: "{{ item }}"
      loop: [SQL Backup]
    - name: Log off
      vbem.rest.veeam_session:
        session: "{{ item.session }}"
        state: absent
      loop: "{{ logons.results[:1] }}"
"""
INCLUDED = """
- name: List another job
  vbem.rest.veeam_job_info:
    session: "{{ item.session }}"
    name: DC Replication
"""


def test_a_person_learns_why_a_hidden_iteration_failed(tmp_path: Path) -> None:
    play, included = tmp_path / "play.yml", tmp_path / "included.yml"
    play.write_text(PLAY, encoding="utf-8")
    included.write_text(INCLUDED, encoding="utf-8")
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as em:
        variables = {
            "em_hostname": em.hostname,
            "em_port": em.port,
            "em_username": em.admin.username,
            "em_password": em.admin.password,
            "em_ca_path": em.ca_path,
            "included": str(included),
        }
        done = run_playbook("-v", play, home=tmp_path, variables=variables, environment={"COLUMNS": "2000"})
        assert em.sessions == []
        SecretScanner.of(em, further=["not the password"]).check(done.output)
    words = " ".join(done.output.split())
    assert "(logon_failed) " + HIDDEN in words
    assert f"Look for a job of the session ({em.hostname}): The option limit cannot be 0" in words
    assert words.count(HIDDEN) == 2, "successes tell nothing"
    shown = [line for line in done.output.splitlines() if line.startswith("ok: [localhost]")]
    assert any("item=SQL Backup" in line and '"jobs": [{' in line for line in shown), "an item without secrets is shown"
    assert any('"name": "DC Replication"' in line for line in shown), "so are results within a loop over secrets"


MANY_SERVERS = """
- name: Make two hosts of one server
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Make a host
      ansible.builtin.add_host:
        name: "{{ item }}"
        groups: enterprise_managers
      loop: [em1, em2]

- name: One host for each Enterprise Manager
  hosts: enterprise_managers
  connection: local
  gather_facts: false
  vars: &vars
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  module_defaults:
    group/vbem.rest.em: &options
      hostname: "{{ em_hostname }}"
      port: "{{ em_port }}"
      username: "{{ em_username }}"
      password: "{{ em_password }}"
      ca_path: "{{ em_ca_path }}"
      retries: 0
  tasks:
    - name: Log on
      vbem.rest.veeam_session:
      register: em
    - name: Work in the session
      block:
        - name: Run a job
          ansible.builtin.include_role:
            name: vbem.rest.run_job
          vars:
            run_job_session: "{{ em.session }}"
            run_job_name: SQL Backup
        - name: Fail
          vbem.rest.veeam_job_info:
            session: "{{ em.session }}"
            limit: 0
          ignore_errors: true
      always:
        - name: Log off
          vbem.rest.veeam_session:
            session: "{{ em.session }}"
            state: absent

- name: Loops over names
  hosts: localhost
  connection: local
  gather_facts: false
  vars:
    <<: *vars
    servers:
      em1: {password: "{{ em_password }}"}
      em2: {password: "{{ em_wrong }}"}
    sessions: "{{ dict(logons.results | map(attribute='item') | zip(logons.results | map(attribute='session', default={}))) }}"
  module_defaults:
    group/vbem.rest.em: *options
  tasks:
    - name: Log on
      vbem.rest.veeam_session:
        password: "{{ servers[item].password }}"
      loop: "{{ servers | list }}"
      register: logons
      ignore_errors: true
    - name: Skip
      vbem.rest.veeam_job_info:
        session: "{{ sessions[item] }}"
      loop: "{{ sessions | list }}"
      when: item == 'em3'
    - name: Have a template that fails
      vbem.rest.veeam_job_info:
        session: "{{ sessions[item].session }}"
      loop: "{{ sessions | list }}"
      ignore_errors: true
    - name: Run the role for each
      ansible.builtin.include_role:
        name: vbem.rest.task_cleanup
      vars:
        task_cleanup_session: "{{ sessions[item] }}"
      loop: [em1]
    - name: Log off
      vbem.rest.veeam_session:
        session: "{{ sessions[item] }}"
        state: absent
      loop: [em1]
"""


@pytest.mark.parametrize(("verbosity", "way"), sample([(6, "debug"), (6, "yaml, apart"), (3, "runner")], [(6, "debug")]))
def test_the_ways_to_work_with_many_servers_show_nothing(verbosity: int, way: str) -> None:
    with tempfile.TemporaryDirectory(prefix="vbem-") as folder, SecretsHarness(Path(folder)) as harness:
        play = Path(folder) / "play.yml"
        play.write_text(MANY_SERVERS, encoding="utf-8")
        report = harness.run(verbosity, way, play=play)
    assert report.trouble == []
    assert report.leaks == []
    assert report.tasks["Have a template that fails"] == "failed"
    assert "Remove finished tasks" in report.tasks
