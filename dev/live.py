# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs integration targets against a live Enterprise Manager: those that only read, or with WRITES=1 also those that write.

make live HOST=em.example.com [TARGETS="veeam_probe veeam_session"] [WRITES=1 JOBS="SQL Backup,DC Replication"]

The connection comes from VBEM_USERNAME, VBEM_PASSWORD, VBEM_PORT and VBEM_CA_PATH. Each target says in its file aliases what it
does to a live server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from build_tree import INTEGRATION, PLACE, ROOT, build_trees, create_environment
from checks import seed_pip_bootstrap

TARGETS = ROOT / "tests" / "integration" / "targets"
MARK = "# On a live server: "
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Target(NamedTuple):
    """An integration target that may run against a live server: whether it writes, and what it does there."""

    name: str
    writes: bool
    about: str


def list_targets() -> list[Target]:
    """Return the targets that are marked in their file ``aliases``."""
    found = []
    for file in sorted(TARGETS.glob("*/aliases")):
        lines = file.read_text(encoding="utf-8").splitlines()
        about = next((line.removeprefix(MARK) for line in lines if line.startswith(MARK)), "")
        if "live/read" in lines or "live/write" in lines:
            found.append(Target(file.parent.name, "live/write" in lines, about))
    return found


def choose_targets(environment: Mapping[str, str]) -> list[Target]:
    """Return the targets to run. Raise ValueError, with a sentence, for what cannot be run."""
    writes = environment.get("WRITES", "") not in ("", "0", "no", "false")
    allowed = [target for target in list_targets() if writes or not target.writes]
    wanted = environment.get("TARGETS", "").split()
    unknown = set(wanted) - {target.name for target in allowed}
    if unknown:
        names = ", ".join(target.name for target in allowed)
        raise ValueError(f"TARGETS has {', '.join(sorted(unknown))}: give some of {names}; with WRITES=1 there are more.")
    return [target for target in allowed if target.name in wanted or not wanted]


def create_variables(environment: Mapping[str, str], *, writes: bool) -> dict[str, Any]:
    """Return the variables of the targets. Raise ValueError, with a sentence, for what is missing."""
    if not environment.get("HOST"):
        raise ValueError("HOST is missing: make live HOST=em.example.com")
    missing = [name for name in ("VBEM_USERNAME", "VBEM_PASSWORD") if not environment.get(name)]
    if missing:
        raise ValueError(
            f"The environment lacks {' and '.join(missing)}: export them, and keep the password off the command line."
        )
    jobs = [name.strip() for name in environment.get("JOBS", "").split(",") if name.strip()]
    if writes and len(jobs) < 2:
        raise ValueError('WRITES=1 starts two jobs: name those that may be started, JOBS="SQL Backup,DC Replication".')
    port = environment.get("VBEM_PORT") or "9398"
    if not port.isdecimal():
        raise ValueError(f"VBEM_PORT is {port!r}: give a number.")
    ca_path = environment.get("VBEM_CA_PATH")
    return {
        "em_hostname": environment["HOST"],
        "em_port": int(port),
        "em_username": environment["VBEM_USERNAME"],
        "em_password": environment["VBEM_PASSWORD"],
        **({"em_ca_path": str(Path(ca_path).expanduser().absolute())} if ca_path else {}),
        **({"em_jobs": jobs[:2]} if writes else {}),
    }


def main() -> int:
    """Say what is going to run, run it, and return the exit status."""
    try:
        targets = choose_targets(os.environ)
        variables = create_variables(os.environ, writes=any(target.writes for target in targets))
    except ValueError as error:
        print(f"live: {error}", file=sys.stderr)
        return 2
    print(f"Against {variables['em_hostname']} port {variables['em_port']}, as {variables['em_username']}:")
    for target in targets:
        print(f"  {target.name}: {target.about}")
    build_trees()
    seed_pip_bootstrap()
    file = INTEGRATION / PLACE / "tests" / "integration" / "integration_config.yml"
    file.touch(mode=0o600)
    try:
        file.write_text(json.dumps(variables), encoding="utf-8")
        command = ["ansible-test", "integration", "--python", PYTHON, "--color", "no", *(target.name for target in targets)]
        environment = create_environment(ANSIBLE_COLLECTIONS_PATH=str(INTEGRATION))
        return subprocess.run(command, cwd=INTEGRATION / PLACE, env=environment, check=False).returncode
    finally:
        file.unlink()  # it has the password


if __name__ == "__main__":
    sys.exit(main())
