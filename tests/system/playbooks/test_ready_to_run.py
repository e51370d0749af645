# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks and roles of the collection: wrong input is found before the first request, paths, and what a rescue can read."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulators import FAST_SWITCHES, create_environment_variables
from support.places import ROOT
from support.playbooks import run_playbook
from support.tiers import sample, thorough

from emulator import Emulator, Switches

JOB = "SQL Backup"
READ_SWITCHES = """
import os, urllib.request
print(urllib.request.urlopen(os.environ["VBEM_CONTROL_URL"] + "/switches", b"{}").read().decode())
"""
WRONG_INPUT: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such file": (
        "guarded_change",
        {"guarded_change_job": JOB, "guarded_change_tasks": "none.yml"},
        "guarded_change_tasks is none.yml, but there is no file",
    ),
    "directory": (
        "guarded_change",
        {"guarded_change_job": JOB, "guarded_change_tasks": "."},
        "guarded_change_tasks is ., but there is no file",
    ),
    "empty file": (
        "guarded_change",
        {"guarded_change_job": JOB, "guarded_change_tasks": "empty.yml"},
        "guarded_change_tasks is empty.yml, but the file is empty.",
    ),
    "no tasks": ("guarded_change", {"guarded_change_job": JOB}, "Set it to the path of a file with the tasks of the change"),
    "no job": (
        "guarded_change",
        {"guarded_change_job": "", "guarded_change_tasks": "change.yml"},
        "give the name of one job.",
    ),
    "jobs as text": ("start_and_wait", {"start_and_wait_jobs": JOB}, "give a list with the names of the jobs to start."),
    "nothing to start, poll interval": (
        "start_and_wait",
        {"start_and_wait_poll_interval": 0},
        "start_and_wait_jobs is []: give a list with the names of the jobs to start."
        " start_and_wait_poll_interval is 0: give a number of seconds, 1 or more.",
    ),
    "job without name": ("start_and_wait", {"start_and_wait_jobs": [JOB, None]}, "give a list with the names"),
    "job twice": ("start_and_wait", {"start_and_wait_jobs": [JOB, JOB]}, "name each job once."),
    "timeout": (
        "start_and_wait",
        {"start_and_wait_jobs": [JOB], "start_and_wait_timeout": "soon"},
        "start_and_wait_timeout is soon: give a number of seconds, 1 or more.",
    ),
    "no first steps": ("first_steps", {}, "first_steps_jobs is []: give a list"),
    "no directory": ("probe", {"probe_report_path": "none/probe.yml"}, "but there is no directory"),
    "no machine": ("guarded_vm_change", {"guarded_vm_change_tasks": "change.yml"}, "No machine is given"),
    "no file of a machine's change": (
        "guarded_vm_change",
        {"guarded_vm_change_name": "sql01", "guarded_vm_change_tasks": "none.yml"},
        "guarded_vm_change_tasks is none.yml, but there is no file",
    ),
    "no checks": (
        "restore_test",
        {"restore_test_name": "sql01", "restore_test_checks": "empty.yml", "restore_test_cleanup": "none.yml"},
        "restore_test_checks is empty.yml, but the file is empty. restore_test_cleanup is none.yml, but there is no file",
    ),
    "mode": ("report", {"report_mode": "rw-r-----"}, "report_mode is rw-r-----: give a mode such as 0640 in quotes"),
}


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose jobs end soon."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        yield emulator


@pytest.mark.parametrize("case", sample(list(WRONG_INPUT), ["no such file", "nothing to start, poll interval"]))
def test_wrong_input_is_found_before_the_first_request(em: Emulator, tmp_path: Path, case: str) -> None:
    (tmp_path / "empty.yml").write_text("\n", encoding="utf-8")
    (tmp_path / "change.yml").write_text("- ansible.builtin.debug:\n", encoding="utf-8")
    playbook, variables, message = WRONG_INPUT[case]
    done = run_playbook(
        f"vbem.rest.{playbook}",
        home=tmp_path,
        environment={**create_environment_variables(em), "COLUMNS": "2000"},
        variables=variables,
        expected=(2,),
    )
    assert message in done.output.replace('\\"', '"')
    assert em.log == []


ROLES = """
- name: Roles that fail
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Neither name nor UID
      block:
        - name: Run nothing
          ansible.builtin.include_role:
            name: vbem.rest.run_job
      rescue:
        - name: Look
          ansible.builtin.assert:
            that:
              - ansible_failed_result.msg is search('run_job_name or run_job_uid')
              - run_job_result is none
    - name: No number of retries
      block:
        - name: Run less than nothing
          ansible.builtin.include_role:
            name: vbem.rest.run_job
          vars: {run_job_name: SQL Backup, run_job_retries: -1, run_job_poll_interval: 0}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that:
              - ansible_failed_result.msg is search('run_job_retries is -1')
              - ansible_failed_result.msg is search('run_job_poll_interval is 0')
    - name: More than may be removed
      block:
        - name: Remove less than nothing
          ansible.builtin.include_role:
            name: vbem.rest.task_cleanup
          vars: {task_cleanup_max_delete: -1}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that: task_cleanup_result.error.kind == 'invalid_option'
    - name: Note what was sent
      ansible.builtin.uri:
        url: "{{ em_control_url }}/log"
        return_content: true
      register: sent
    - name: Nothing was sent
      ansible.builtin.assert:
        that: sent.json | length == 0
    - name: A run that fails, and its retry as well
      block:
        - name: Run what fails
          ansible.builtin.include_role:
            name: vbem.rest.run_job
          vars: {run_job_name: Failing Backup, run_job_retries: 2, run_job_poll_interval: 1}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that:
              - run_job_result.error.kind == 'job_failed'
              - run_job_result.job_session.is_retry
              - run_job_result.job_session.uid == run_job_again.job_session.uid
    - name: A run that fails, without retry
      block:
        - name: Run what fails
          ansible.builtin.include_role:
            name: vbem.rest.run_job
          vars: {run_job_name: Failing Backup, run_job_poll_interval: 1}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that:
              - run_job_result.error.kind == 'job_failed'
              - run_job_result.job_session.result == 'Failed'
    - name: A job that is not there
      block:
        - name: Run what is not there
          ansible.builtin.include_role:
            name: vbem.rest.run_job
          vars: {run_job_name: No such job, run_job_retries: 3}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that: run_job_result.error.kind == 'not_found'
    - name: A session that is gone
      block:
        - name: Clean up in it
          ansible.builtin.include_role:
            name: vbem.rest.task_cleanup
          vars:
            task_cleanup_session: {hostname: "{{ em_hostname }}", port: "{{ em_port }}", id: gone, token: Z29uZQ==, ca_path: "{{ em_ca_path }}"}
      rescue:
        - name: Look
          ansible.builtin.assert:
            that: task_cleanup_result.error.kind == 'session_lost'
"""


def test_a_rescue_reads_the_last_try(em: Emulator, tmp_path: Path) -> None:
    play = tmp_path / "play.yml"
    play.write_text(ROLES, encoding="utf-8")
    variables = {
        "em_control_url": em.control_url,
        "em_hostname": em.hostname,
        "em_port": em.port,
        "em_ca_path": str(em.ca_path),
    }
    done = run_playbook(play, home=tmp_path, environment=create_environment_variables(em), variables=variables)
    assert "rescued=7" in done.output
    assert sum(entry.method == "POST" and "action=retry" in entry.target for entry in em.log) == 2


def test_the_tasks_of_a_change_are_relative_to_the_working_directory(em: Emulator, tmp_path: Path) -> None:
    (tmp_path / "change.yml").write_text(
        "- name: Change\n  ansible.builtin.debug:\n    msg: Here goes the change.\n", encoding="utf-8"
    )
    done = run_playbook(
        "vbem.rest.guarded_change",
        home=tmp_path,
        environment={**create_environment_variables(em), "PWD": "/nowhere"},
        variables={"guarded_change_job": JOB, "guarded_change_tasks": "change.yml"},
    )
    assert "Here goes the change." in done.output


@thorough
def test_a_report_about_a_server_makes_an_emulator_like_it(em: Emulator, tmp_path: Path) -> None:
    em.switches.update({"task_sort": "ignored", "second_logoff": 404})
    home, environment = tmp_path, {**create_environment_variables(em), "COLUMNS": "2000"}
    planned = run_playbook("--check", "vbem.rest.probe", home=home, environment=environment, variables={"probe_collect": True})
    assert em.log == []
    assert "POST /api/backupServers/{server}?action=collect" in planned.output
    assert not (tmp_path / "veeam-probe.yml").exists()
    done = run_playbook("vbem.rest.probe", home=home, environment=environment, variables={"probe_collect": True})
    assert "0 surprises" in done.output
    report = tmp_path / "veeam-probe.yml"
    text = report.read_text(encoding="utf-8")
    for word in (em.hostname, str(em.port), em.admin.username, "vbem.test", JOB):
        assert word not in text
    assert em.sessions == []
    like = subprocess.run(
        [sys.executable, str(ROOT / "emulator"), "--switches", str(report), "--", sys.executable, "-c", READ_SWITCHES],
        capture_output=True,
        text=True,
        check=True,
    )
    switches = json.loads(like.stdout)
    assert (switches["task_sort"], switches["second_logoff"]) == ("ignored", 404)
