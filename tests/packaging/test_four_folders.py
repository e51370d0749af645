# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule of the community package: plugins, roles and playbooks need nothing but the folders of these and meta."""

from __future__ import annotations

import shutil
from pathlib import Path

from support.emulators import create_environment_variables
from support.places import ROOT
from support.playbooks import run_playbook
from support.tiers import thorough

from emulator import Emulator

FOLDERS = ("meta", "playbooks", "plugins", "roles")

# What finds itself within the collection: a lookup and a filter with utilities, an action plugin, and a role with a module.
PLAY = """
---
- name: Use a bit of everything
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/vbem.rest.em: {timeout: 30}
  tasks:
    - name: Ask
      ansible.builtin.assert:
        that:
          - query('vbem.rest.veeam_query', 'BackupServer') | length > 0
          - ([] | vbem.rest.report_data('2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z')).summary.job_sessions == 0
    - name: Tidy
      ansible.builtin.include_role:
        name: vbem.rest.task_cleanup
    - name: Look
      vbem.rest.veeam_job_info:
"""


@thorough
def test_playbooks_with_a_role_and_plugins_run_with_four_folders(tmp_path: Path) -> None:
    place = tmp_path / "tree" / "ansible_collections" / "vbem" / "rest"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    with Emulator() as em:
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "tree"), **create_environment_variables(em)}
        given = {"first_steps_jobs": ["SQL Backup"]}
        run_playbook("play.yml", "vbem.rest.first_steps", home=tmp_path, environment=environment, variables=given)
