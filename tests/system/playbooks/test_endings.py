# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of a wait can be watched, and a missing library is a sentence. How playbooks end is in test_interrupted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.emulators import FAST_SWITCHES, create_environment_variables
from support.playbooks import run_playbook, start_playbook
from support.tiers import thorough

from emulator import Emulator, Switches

PLAY = """
---
- name: Wait for long
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Wait for the run
      vbem.rest.veeam_job:
        name: SQL Backup
        state: started
        wait_for: session
        poll_interval: 1
"""


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose job sessions take a little longer than the action plugin looks for progress."""
    with Emulator(Switches(**FAST_SWITCHES | {"run_duration": 2.5}), directory=tmp_path / "em") as emulator:
        yield emulator


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """Return the playbook."""
    path = tmp_path / "play.yml"
    path.write_text(PLAY, encoding="utf-8")
    return path


def test_a_wait_can_be_watched(em: Emulator, tmp_path: Path, play: Path) -> None:
    process = start_playbook("-v", play, home=tmp_path, environment=create_environment_variables(em))
    assert process.stdout is not None
    lines = [line for line in process.stdout if "SQL Backup@" in line and "%" in line and process.poll() is None]
    assert process.wait() == 0
    assert any("Working" in line for line in lines)


@thorough
@pytest.mark.parametrize(("options", "environment"), [((), {}), (("-v",), {"ANSIBLE_NO_LOG": "true"})], ids=["quiet", "no_log"])
def test_a_wait_is_not_shown(
    em: Emulator, tmp_path: Path, play: Path, options: tuple[str], environment: dict[str, str]
) -> None:
    done = run_playbook(*options, play, home=tmp_path, environment={**create_environment_variables(em), **environment})
    assert "SQL Backup@" not in done.output
    assert "changed=1" in done.output


def test_a_missing_library_is_reported(em: Emulator, tmp_path: Path, play: Path) -> None:
    """A Python without requests, as a fresh machine has it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = tmp_path / "bare" / "bin" / "python"
    done = run_playbook(
        *("-vvv", "-e", f"ansible_python_interpreter={bare}", play),
        home=tmp_path,
        environment=create_environment_variables(em),
        expected=(2,),
    )
    assert "missing_library" in done.output
    assert "requests>=2.25.1" in done.output
    assert str(bare) in done.output
    assert em.log == []
