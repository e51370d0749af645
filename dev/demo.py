# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the collection at work: its built artifact, its shipped playbooks, and the emulated Enterprise Manager."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from build_tree import BIN, INSTALLED, PLACE, ROOT, build_trees, create_environment, show

sys.path.insert(0, str(ROOT))

from emulator import Emulator, Switches

VCENTER = "vcenter01.vbem.test"


def say(text: str) -> None:
    """Print a paragraph between two plays."""
    lines = textwrap.wrap(text, 112, break_on_hyphens=False, break_long_words=False)  # a path is to be copied whole
    print("\n" + "\n".join(f"### {line}" for line in lines), flush=True)


def play(em: Emulator, playbook: str, variables: dict[str, object], *, shows_progress: bool = False) -> int:
    """Run a shipped playbook against the emulator, as a user would; return its exit code."""
    command = ["ansible-playbook", f"vbem.rest.{playbook}", "-e", json.dumps(variables)]
    progress = {"VBEM_SHOW_PROGRESS": "true"} if shows_progress else {}
    shown = [f"'{part}'" if " " in part else part for part in command]
    print("\n$", *(f"{name}={value}" for name, value in progress.items()), *shown, flush=True)
    environment = create_environment(
        ANSIBLE_COLLECTIONS_PATH=str(INSTALLED),
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
        ANSIBLE_FORCE_COLOR="1" if sys.stdout.isatty() else "0",
        VBEM_HOSTNAME=em.hostname,
        VBEM_PORT=str(em.port),
        VBEM_USERNAME=em.admin.username,
        VBEM_PASSWORD=em.admin.password,
        VBEM_CA_PATH=str(em.ca_path),
        **progress,
    )
    return subprocess.run([BIN / command[0], *command[1:]], env=environment, check=False).returncode


def fail(text: str) -> int:
    """Say what is not as it should be; return the exit code for that."""
    print(f"\nThis is not as it should be: {text}", flush=True)
    return 1


def protect_machine(em: Emulator) -> str | None:
    """Protect a machine that was just made, twice; return what is not as it should be."""
    say(
        "Now a machine is made in vCenter, build42. The backup servers do not know it yet. It is put into a job as soon as they"
        " do, and backed up the first time."
    )
    em.world.add_machine(VCENTER, "build42", moid="vm-1042", visible_after=6.0)
    machine: dict[str, object] = {
        "protect_vm_job": "SQL Backup",
        "protect_vm_machines": [{"moid": "vm-1042", "root": VCENTER}],
        "protect_vm_first_backup": True,
    }
    if play(em, "protect_vm", machine, shows_progress=True):
        return "the new machine has no backup."
    say("The same once more: the machine is in the job and has a restore point, so nothing changes, and no job is run.")
    runs = len(em.world.runs)
    if play(em, "protect_vm", machine) or len(em.world.runs) > runs:
        return "the machine was backed up twice."
    return None


def main() -> int:
    """Run the demonstration; anything that is not as told ends it with 1."""
    begin = time.monotonic()
    artifact = build_trees()
    say(f"{show(artifact)} is built and installed below {show(INSTALLED / PLACE)}.")
    # Slow enough for a task to be seen in each of its three states.
    with Emulator(Switches(version=13, task_running=2.5, task_collecting=2.0, run_duration=9.0)) as em:
        say(
            f"An emulated Enterprise Manager runs here: {em.base_url}, certificate authority {em.ca_path}. The playbooks"
            " find it by VBEM_HOSTNAME, VBEM_PORT, VBEM_USERNAME, VBEM_PASSWORD and VBEM_CA_PATH."
        )
        say("First, several steps in one logon session: start three jobs, wait for the tasks that this makes, and remove them.")
        if play(em, "first_steps", {"first_steps_jobs": ["SQL Backup", "DC Replication", "Offsite Copy"]}):
            return fail("the first steps failed.")
        say(
            "Now a guarded change: back up, wait until the job session has finished, then change. First a backup that succeeds."
            " With VBEM_SHOW_PROGRESS or -v, a module that waits prints what it sees."
        )
        change = str(Path(__file__).resolve().parent / "demo_change.yml")
        names = {"guarded_change_tasks": change, "guarded_change_timeout": 120}
        if play(
            em,
            "guarded_change",
            {"guarded_change_job": "Daily Backup", "guarded_change_backup_server": "vbr02.vbem.test", **names},
            shows_progress=True,
        ):
            return fail("the guarded change failed.")
        say("The same with a backup that fails. The play has to stop before the change, so what follows ends with an error.")
        if not play(em, "guarded_change", {"guarded_change_job": "Failing Backup", **names}):
            return fail("the change was made though the backup had failed.")
        say("As it should be: the backup failed, and nothing was changed.")
        trouble = protect_machine(em)
        if trouble:
            return fail(trouble)
        say(
            "And whoever logged on has logged off: of"
            f" {len(em.requests('POST', '/sessionMngr'))} logon sessions {len(em.sessions)} are open."
        )
        if em.sessions:
            return fail("a logon session was left open.")
    print(f"\nThe demonstration took {time.monotonic() - begin:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
