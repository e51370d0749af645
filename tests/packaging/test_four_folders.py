# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule of the community package: plugins, roles and playbooks need nothing but the folders of these and meta."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.places import ROOT

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


def test_playbooks_with_a_role_and_plugins_run_with_four_folders(tmp_path: Path) -> None:
    place = tmp_path / "tree" / "ansible_collections" / "vbem" / "rest"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    with Emulator() as em:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "VBEM_"))}
        environment |= {
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "tree"),
            "ANSIBLE_HOME": str(tmp_path / "home"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "VBEM_HOSTNAME": em.hostname,
            "VBEM_PORT": str(em.port),
            "VBEM_USERNAME": em.admin.username,
            "VBEM_PASSWORD": em.admin.password,
            "VBEM_CA_PATH": str(em.ca_path),
        }
        environment.pop("PYTHONPATH", None)
        given = {"first_steps_jobs": ["SQL Backup"]}
        command = ["ansible-playbook", "play.yml", "vbem.rest.first_steps", "-e", json.dumps(given)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
