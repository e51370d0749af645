# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks about one machine: check mode, and users who may do one half of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulators import FAST_SWITCHES, create_environment_variables
from support.playbooks import PlaybookRun, run_playbook

from emulator import Emulator, Switches

CHANGE = "- name: Change for the worse\n  ansible.builtin.fail:\n    msg: It went wrong.\n"
VARIABLES = {"guarded_vm_change_name": "sql01", "guarded_vm_change_root": "vcenter01.vbem.test", "restore_test_name": "sql01"}


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose jobs end soon."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        yield emulator


def play(em: Emulator, folder: Path, name: str, *arguments: str, user: str = "admin", rc: int = 0, **more: Any) -> PlaybookRun:
    """Run a playbook of the collection as a user, with a change that fails and checks that succeed."""
    (folder / "change.yml").write_text(CHANGE, encoding="utf-8")
    (folder / "checks.yml").write_text("- ansible.builtin.debug:\n    msg: Checked.\n", encoding="utf-8")
    known = em.users[user]
    environment = {**create_environment_variables(em), "VBEM_USERNAME": known.username, "VBEM_PASSWORD": known.password}
    files = {"guarded_vm_change_tasks": "change.yml", "restore_test_checks": "checks.yml"}
    return run_playbook(
        f"vbem.rest.{name}",
        *arguments,
        home=folder,
        environment={**environment, "COLUMNS": "2000"},
        variables={**VARIABLES, **files, **more},
        expected=(rc,),
    )


def list_actions(em: Emulator) -> list[str]:
    """Return the requests that change something."""
    own = ("/api/sessionmngr", "/api/logonsessions", "/api/tasks")
    return [entry.target for entry in em.log if entry.method != "GET" and not entry.path.lower().startswith(own)]


def test_check_mode_only_looks(em: Emulator, tmp_path: Path) -> None:
    done = play(em, tmp_path, "restore_test", "--check", user="operator")
    assert "would be restored." in done.output
    assert "Checked." not in done.output
    play(em, tmp_path, "guarded_vm_change", "--check", user="portal", rc=2)
    assert list_actions(em) == []


def test_a_portal_user_is_offered_a_restore_and_may_not_make_one(em: Emulator, tmp_path: Path) -> None:
    before = len(list(em.world.table(em.world.catalogue["RestoreSession"])))
    done = play(em, tmp_path, "guarded_vm_change", user="portal", rc=2)
    assert (
        "The change failed. Change for the worse: It went wrong. The backup before it is the restore point urn:" in done.output
    )
    done = play(em, tmp_path, "guarded_vm_change", user="portal", rc=2, guarded_vm_change_restore=True)
    assert "The change failed. Change for the worse: It went wrong. The restore failed, too: " in done.output
    assert "needs the role Portal Administrator or VM Restore Operator" in done.output
    assert len(list(em.world.table(em.world.catalogue["RestoreSession"]))) == before


def test_nothing_is_changed_after_a_bad_backup(em: Emulator, tmp_path: Path) -> None:
    item = em.world.inventory.named("sql01")
    assert item is not None
    item.backup_script = ["warning"]
    done = play(em, tmp_path, "guarded_vm_change", user="portal", rc=2)
    assert "It went wrong." not in done.output
    assert "ended with Warning" in done.output
