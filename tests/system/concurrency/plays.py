# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays with many hosts: their inventories, how they are run, and the servers they are run against."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from emulator import Emulator, Switches, User, tls

HERE = Path(__file__).resolve().parent
LIMIT_SECONDS = 300  # what machines with much else to do need
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
# Short lives, so that plays do not take their time.
SWIFT: dict[str, Any] = {
    "task_running": 0.1,
    "task_collecting": 0.1,
    "run_delay": 0.2,
    "run_starting": 0.1,
    "run_duration": 0.4,
}


class Member(Emulator):
    """One server of a fleet. The user name is the same everywhere; password, authority, port and all names are not."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"em{number:02}"
        self.job = f"Nightly of {self.name}"
        self.form = ("json", "xml")[number // 2 % 2]
        self.first_task = f"task-{100 * number}"
        switches = Switches(version=(12, 13)[number % 2], first_task_id=100 * number, **SWIFT)
        password = f"{number:02}:pass-word$ \N{EURO SIGN}{number * 7919:08}"
        super().__init__(switches, users={"admin": User("VBEM\\backup", password)}, directory=folder / self.name)

    def start(self) -> Emulator:
        # A process has one authority, unless it is made to forget it.
        tls.authority.cache_clear()
        tls.server_context.cache_clear()
        started = super().start()
        self.world.add_job(self.job)
        return started

    @property
    def variables(self) -> dict[str, Any]:
        """Give the host's variables."""
        return {
            **LOCAL,
            "em_hostname": self.hostname,
            "em_port": self.port,
            "em_username": self.admin.username,
            "em_password": self.admin.password,
            "em_ca_path": self.ca_path,
            "em_response_format": self.form,
            "crowd_job": self.job,
        }

    @property
    def credentials(self) -> str:
        """Give the only Authorization header that anyone should have sent here."""
        pair = f"{self.admin.username}:{self.admin.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@contextmanager
def start_fleet(size: int, folder: Path) -> Iterator[list[Member]]:
    """Start many servers, and afterwards end them."""
    with ExitStack() as stack:
        try:
            yield [stack.enter_context(Member(number, folder)) for number in range(1, size + 1)]  # type: ignore[misc]
        finally:
            tls.authority.cache_clear()
            tls.server_context.cache_clear()


def write_inventory(folder: Path, group: str, hosts: dict[str, dict[str, Any]], everywhere: dict[str, Any]) -> Path:
    """Write an inventory with a file of variables for each host; JSON is YAML."""
    inventory = folder / "inventory"
    for kind, files in (("host_vars", hosts), ("group_vars", {"all": everywhere})):
        (inventory / kind).mkdir(parents=True)
        for name, variables in files.items():
            (inventory / kind / f"{name}.yml").write_text(json.dumps(variables), encoding="utf-8")
    groups = {group: {"hosts": dict.fromkeys(hosts)}, "ungrouped": {"hosts": {"localhost": LOCAL}}}
    (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return inventory


def run_play(
    playbook: str, inventory: Path, folder: Path, *options: str, forks: int, servers: Sequence[Emulator], **environment: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run a playbook of this folder; give each task's result by host and name. The output shows no secret."""
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH")
    assert collections, "Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/vbem/rest."
    collected = folder / "collected.jsonl"
    collected.unlink(missing_ok=True)
    given = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / ".ansible" / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / ".ansible" / "tmp"),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE.parent / "docs_examples" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "vbem_collect",
        "ANSIBLE_DEVEL_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PIPELINING": "true",  # a fifth faster
        "VBEM_COLLECT": str(collected),
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-v",
            *options,
            "-f",
            str(forks),
            "-i",
            inventory,
            HERE / playbook,
        ],
        cwd=folder,
        env={**given, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"ansible-playbook ended with {done.returncode}:\n{done.stdout[-6000:]}"
    for em in servers:
        assert not [secret for secret in list_secrets(em) if secret in done.stdout], "a secret shows in the output"
    results: dict[tuple[str, str], dict[str, Any]] = {}
    for line in collected.read_text(encoding="utf-8").splitlines():
        kept = json.loads(line)
        key = (kept["host"], kept["name"])
        assert key not in results, f"{key} came twice"
        results[key] = kept["result"]
    return results


def list_secrets(em: Emulator) -> set[str]:
    """Give what nobody may see: passwords, and ids and tokens of all sessions there were."""
    shown = [text for entry in em.log for text in (entry.session_id, entry.header("X-RestSvcSessionId")) if text]
    return {*(user.password for user in em.users.values()), *shown}
