# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs examples with ansible-playbook against an emulator."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator import Emulator, Link, LogonSession, Switches

from .examples import Example

# Short lives, so that examples that wait do not take their time.
SWIFT: dict[str, Any] = {
    "task_running": 0.1,
    "task_collecting": 0.1,
    "run_delay": 0.2,
    "run_starting": 0.1,
    "run_duration": 0.4,
}
VAULTED = "em_vault_password"  # the variable that an example takes from Ansible Vault
LIMIT_SECONDS = 300  # what machines with much else to do need
HERE = Path(__file__).resolve().parent


class Kitchen:
    """An emulator, a folder, and examples that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.em = Emulator(Switches(**SWIFT), directory=folder / "em")
        self.given: list[LogonSession] = []
        self.vault = folder / "vault-password"
        self.output = ""

    def run(self, examples: list[Example], *, with_environment: bool) -> list[dict[str, Any]]:
        """Run examples with one ansible-playbook and give what became of each task.

        Lists of tasks get a host, a logon session with a few tasks, and ``em_*`` variables each; playbooks get nothing.
        """
        files: list[Path] = []
        hosts: dict[str, Any] = {}
        if any(VAULTED in example.text for example in examples):
            self._write_vault()
        for example in examples:
            file = self.folder / f"line-{example.line}.yml"
            file.write_text(example.text, encoding="utf-8")
            if example.is_tasks:
                host = f"line-{example.line}"
                hosts[host] = {"em": {"session": self._open_session(example)}}
                play = {
                    "name": example.where,
                    "hosts": host,
                    "gather_facts": False,
                    "tasks": [{"name": "Import the example", "ansible.builtin.import_tasks": file.name}],
                }
                file = self.folder / f"play-{example.line}.yml"
                file.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
            files.append(file)
        return self.play(files, hosts, with_environment=with_environment)

    def play(self, files: list[Path], hosts: dict[str, Any], *, with_environment: bool) -> list[dict[str, Any]]:
        """Run playbooks and give what became of each task."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self._create_inventory(hosts)), encoding="utf-8")
        collected = self.folder / "collected.jsonl"
        collected.unlink(missing_ok=True)
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-vvv", "-i", str(inventory), *map(str, files)]
        environment = self._create_environment(with_environment=with_environment)
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**environment, "VBEM_COLLECT": str(collected)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        self.output = done.stdout
        assert done.returncode == 0, f"ansible-playbook ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return [json.loads(line) for line in collected.read_text(encoding="utf-8").splitlines()]

    def check_traces(self) -> None:
        """Assert that no secret shows, that no session was left open, and that nobody else's was ended."""
        for secret in self._list_secrets():
            for form in (secret, base64.b64encode(secret.encode()).decode()):
                assert form not in self.output, f"the secret {secret} shows in the output"
        given = {session.token for session in self.given}
        left = [session for session in self.em.sessions if session.token not in given]
        assert not left, f"{len(left)} logon sessions were left open"
        assert self.em.standing_session_alive, "somebody else's session was logged off"

    def _list_secrets(self) -> set[str]:
        secrets = {user.password for user in self.em.users.values()}
        secrets |= {part for session in self.given for part in (session.id, session.token)}
        for entry in self.em.log:
            secrets |= {entry.session_id or "", entry.header("X-RestSvcSessionId") or ""}
            secrets.add((entry.header("Authorization") or "").removeprefix("Basic "))
        return secrets - {""}

    def _open_session(self, example: Example) -> dict[str, Any]:
        """Open a logon session with tasks of each kind, and give it in the form of veeam_session's result."""
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
        return {
            "hostname": self.em.hostname,
            "port": self.em.port,
            "id": session.id,
            "token": session.token,
            "username": self.em.admin.username,
            "api_version": "latest",
            "validate_certs": True,
            "ca_path": self.em.ca_path,
            "timeout": 30,
            "retries": 3,
            "response_format": "auto",
            "expires_after": 900,
        }

    def _write_vault(self) -> None:
        """Do what the guide says of Ansible Vault: a file of variables that holds the password, encrypted."""
        self.vault.write_text("the password of the vault\n", encoding="utf-8")
        variables = self.folder / "group_vars" / "all" / "vault.yml"
        variables.parent.mkdir(parents=True)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-vault")), "encrypt_string", "--stdin-name", VAULTED],
            env=self._create_environment(with_environment=False),
            input=self.em.admin.password,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        variables.write_text(done.stdout, encoding="utf-8")

    def _create_inventory(self, hosts: dict[str, Any]) -> dict[str, Any]:
        access = {
            "em_hostname": self.em.hostname,
            "em_port": self.em.port,
            "em_username": self.em.admin.username,
            "em_password": self.em.admin.password,
            "em_ca_path": self.em.ca_path,
            "em_control_url": self.em.control_url,
        }
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return {
            "all": {
                "vars": access,
                "hosts": {name: {**local, **own} for name, own in hosts.items()},
                "children": {
                    "enterprise_managers": {"hosts": {"em1": local, "em2": local}},
                    "databases": {"hosts": {"db1": local, "db2": local}},
                },
            }
        }

    def _create_environment(self, *, with_environment: bool) -> dict[str, str]:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": str(self.folder / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / ".ansible" / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / ".ansible" / "tmp"),
            "ANSIBLE_ASYNC_DIR": str(self.folder / ".ansible_async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "vbem_collect",
            "ANSIBLE_DEVEL_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",  # a fifth faster
        }
        if self.vault.exists():
            environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(self.vault)
        if with_environment:
            environment |= {
                "VBEM_HOSTNAME": self.em.hostname,
                "VBEM_PORT": str(self.em.port),
                "VBEM_USERNAME": self.em.admin.username,
                "VBEM_PASSWORD": self.em.admin.password,
                "VBEM_CA_PATH": self.em.ca_path,
                "VBEM_CONTROL_URL": self.em.control_url,
            }
        return environment


@pytest.fixture
def kitchen(tmp_path: Path) -> Any:
    """Give a place to run examples in."""
    if not os.environ.get("ANSIBLE_COLLECTIONS_PATH"):
        pytest.fail("Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/vbem/rest.")
    made = Kitchen(tmp_path)
    with made.em:
        yield made
