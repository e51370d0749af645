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

from emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("meta", "playbooks", "plugins", "roles")


def test_a_playbook_with_a_role_and_plugins_runs_with_four_folders(tmp_path: Path) -> None:
    place = tmp_path / "tree" / "ansible_collections" / "vbem" / "rest"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
    page = tmp_path / "night.html"
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
            "PWD": str(tmp_path),  # as a shell sets it; a relative path is from here, and not from the playbook
        }
        environment.pop("PYTHONPATH", None)
        command = ["ansible-playbook", "vbem.rest.report", "-e", json.dumps({"report_path": page.name})]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<html" in page.read_text(encoding="utf-8")
