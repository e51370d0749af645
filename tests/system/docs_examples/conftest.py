# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs examples with ansible-playbook against an emulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.emulators import FAST_SWITCHES, create_environment_variables, create_session, create_variables
from support.playbooks import LOCAL, PROGRAMS, create_environment, get_collections_path, run_playbook
from support.secrets import SecretScanner

from emulator import Emulator, Link, LogonSession, Switches

from .examples import Example

VAULTED = "em_vault_password"  # the variable that an example takes from Ansible Vault


class ExampleRunner:
    """An emulator, a folder, and examples that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.em = Emulator(Switches(**FAST_SWITCHES), directory=folder / "em")
        self.given: list[LogonSession] = []
        self.vault = folder / "vault-password"
        self.output = ""

    def run(self, examples: list[Example], *, with_environment: bool) -> list[dict[str, Any]]:
        """Run examples with one ansible-playbook and return the result of each task.

        Lists of tasks get a host, a logon session with a few tasks, and ``em_*`` variables each; playbooks get nothing.
        """
        files: list[Path] = []
        hosts: dict[str, Any] = {}
        if any(VAULTED in example.text for example in examples):
            self._write_vault()
        for example in examples:
            file = self.folder / f"{example.name}.yml"
            file.write_text(example.text, encoding="utf-8")
            if example.is_tasks:
                hosts[example.name] = {"em": {"session": self._open_session(example)}}
                play = {
                    "name": example.where,
                    "hosts": example.name,
                    "gather_facts": False,
                    "tasks": [{"name": "Import the example", "ansible.builtin.import_tasks": file.name}],
                }
                file = self.folder / f"play-{example.name}.yml"
                file.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
            files.append(file)
        return self.play(files, hosts, with_environment=with_environment)

    def play(self, files: list[Path], hosts: dict[str, Any], *, with_environment: bool) -> list[dict[str, Any]]:
        """Run playbooks and return the result of each task."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self._create_inventory(hosts)), encoding="utf-8")
        environment: dict[str, str] = {}
        if self.vault.exists():
            environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(self.vault)
        if with_environment:
            environment |= create_environment_variables(self.em) | {"VBEM_CONTROL_URL": self.em.control_url}
        done = run_playbook("-vvv", "-i", inventory, *files, home=self.folder, environment=environment, collect=True)
        self.output = done.output
        return done.results

    def check_traces(self) -> None:
        """Assert that no secret shows, that no session was left open, and that nobody else's was logged off."""
        given = {session.token: session.id for session in self.given}
        SecretScanner.of(self.em, further=[*given, *given.values()]).check(self.output)
        left = [session for session in self.em.sessions if session.token not in given]
        assert not left, f"{len(left)} logon sessions were left open"
        assert self.em.standing_session_alive, "somebody else's session was logged off"

    def _open_session(self, example: Example) -> dict[str, Any]:
        """Open a logon session with tasks of each kind, and return it in the form of veeam_session's result."""
        session = self.em.logon()
        self.given.append(session)
        how = example.marks.get("session", ["ordinary"])
        if "empty" not in how:
            run = self.em.world.runs[-1]
            link = Link("Related", run.spec.entity_path(run.id), run.spec.name)
            self.em.make_task(session, "StartJob", task_id="task-5", related=link)
            self.em.make_task(session, "StartJob", running_for=1.0, collecting_for=0.3)
            self.em.make_task(session, "RetryJob", success=False, message="The job has never run.")
            self.em.make_task(session, "QuickBackup", state="Running")
        if "expired" in how:
            self.em.expire(session)
        return create_session(self.em, session)

    def _write_vault(self) -> None:
        """Do what the guide says of Ansible Vault: a file of variables that holds the password, encrypted."""
        self.vault.write_text("the password of the vault\n", encoding="utf-8")
        variables = self.folder / "group_vars" / "all" / "vault.yml"
        variables.parent.mkdir(parents=True)
        done = subprocess.run(
            [str(PROGRAMS / "ansible-vault"), "encrypt_string", "--stdin-name", VAULTED],
            env=create_environment(self.folder, ANSIBLE_VAULT_PASSWORD_FILE=str(self.vault)),
            input=self.em.admin.password,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        variables.write_text(done.stdout, encoding="utf-8")

    def _create_inventory(self, hosts: dict[str, Any]) -> dict[str, Any]:
        return {
            "all": {
                "vars": create_variables(self.em),
                "hosts": {name: {**LOCAL, **own} for name, own in hosts.items()},
                "children": {
                    "enterprise_managers": {"hosts": {"em1": LOCAL, "em2": LOCAL}},
                    "databases": {"hosts": {"db1": LOCAL, "db2": LOCAL}},
                },
            }
        }


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[ExampleRunner]:
    """Return a place to run examples in."""
    get_collections_path()
    made = ExampleRunner(tmp_path)
    with made.em:
        yield made
