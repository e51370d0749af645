# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays with many hosts: the servers they are run against, and their inventories."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.emulators import FAST_SWITCHES, create_variables
from support.playbooks import LOCAL, run_playbook
from support.secrets import SecretScanner

from emulator import Emulator, Switches, User, tls

HERE = Path(__file__).resolve().parent


class NumberedServer(Emulator):
    """One of many servers. The user name is the same everywhere; password, authority, port and all names are not."""

    def __init__(self, number: int, folder: Path) -> None:
        self.name = f"em{number:02}"
        self.job = f"Nightly of {self.name}"
        self.form = ("json", "xml")[number // 2 % 2]
        self.first_task = f"task-{100 * number}"
        switches = Switches(version=(12, 13)[number % 2], first_task_id=100 * number, **FAST_SWITCHES)
        password = f"{number:02}:pass-word$ \N{EURO SIGN}{number * 7919:08}"
        super().__init__(switches, users={"admin": User("VBEM\\backup", password)}, directory=folder / self.name)

    def start(self) -> Emulator:
        # A process has one authority, unless it is made to forget it.
        tls.forget()
        started = super().start()
        self.world.add_job(self.job)
        return started

    @property
    def variables(self) -> dict[str, Any]:
        """Return the host's variables."""
        return {**LOCAL, **create_variables(self), "em_response_format": self.form, "em_job": self.job}

    @property
    def credentials(self) -> str:
        """Return the only Authorization header that anyone should have sent here."""
        pair = f"{self.admin.username}:{self.admin.password}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@contextmanager
def start_servers(count: int, folder: Path) -> Iterator[list[NumberedServer]]:
    """Start many servers, and stop them afterwards."""
    with ExitStack() as stack:
        try:
            yield [stack.enter_context(NumberedServer(number, folder)) for number in range(1, count + 1)]  # type: ignore[misc]
        finally:
            tls.forget()


def write_inventory(folder: Path, group: str, hosts: dict[str, dict[str, Any]], everywhere: dict[str, Any]) -> Path:
    """Write an inventory with a file of variables for each host; JSON is YAML."""
    inventory = folder / "inventory"
    for name, files in (("host_vars", hosts), ("group_vars", {"all": everywhere})):
        (inventory / name).mkdir(parents=True)
        for owner, variables in files.items():
            (inventory / name / f"{owner}.yml").write_text(json.dumps(variables), encoding="utf-8")
    groups = {group: {"hosts": dict.fromkeys(hosts)}, "ungrouped": {"hosts": {"localhost": LOCAL}}}
    (inventory / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return inventory


def run_play(
    playbook: str, inventory: Path, folder: Path, *, forks: int, servers: Sequence[Emulator], **environment: str
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run a playbook of this folder; return each task's result by host and name. The output shows no secret."""
    arguments = ("-v", "-f", str(forks), "-i", inventory, HERE / playbook)
    done = run_playbook(*arguments, home=folder, environment=environment, collect=True)
    SecretScanner.of(*servers).check(done.output)
    results: dict[tuple[str, str], dict[str, Any]] = {}
    for line in done.results:
        key = (line["host"], line["name"])
        assert key not in results, f"{key} came twice"
        results[key] = line["result"]
    return results
