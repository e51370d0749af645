# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the checkout in the places where Ansible's tools want them.

- ``.build/source/ansible_collections/vbem/rest``: the files git knows, as a git repository of its own
- ``.build/dist/``: the artifact built from it
- ``.build/installed/ansible_collections/vbem/rest``: the artifact, installed
- ``.build/integration/...``: the installed artifact with the tests laid over it, for ``ansible-test integration``
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = (ROOT / ".build").resolve()  # a link, where the checkout's path has a space
BIN = BUILD / "venv" / "bin"
PLACE = Path("ansible_collections/vbem/rest")
SOURCE = BUILD / "source"
INSTALLED = BUILD / "installed"
INTEGRATION = BUILD / "integration"
DIST = BUILD / "dist"


def create_environment(**extra: str) -> dict[str, str]:
    """Give the environment for tools: theirs first on PATH, a home below .build, and no setting of the user's Ansible.

    They may keep what they compiled, whatever the user's other work forbids: else they are compiled anew at each start.
    """
    foreign = ("ANSIBLE_", "VBEM_", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    home = BUILD / "home"
    home.mkdir(parents=True, exist_ok=True)
    own = {
        "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_DEVEL_WARNING": "false",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
        "LC_ALL": "C.UTF-8",
        # Where asynchronous tasks are looked for is the home that the system knows, and they are written to $HOME.
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
    }
    return {**kept, **own, **extra}


def run(*command: str | Path, cwd: Path = ROOT, **extra: str) -> str:
    """Run a command quietly and give what it printed; its failure ends this process with its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=create_environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(str(part) for part in command)} failed:\n{done.stdout}")
    return done.stdout


def show(path: Path) -> str:
    """Give a path below .build the way a person would write it."""
    return f".build/{path.relative_to(BUILD)}"


def stage() -> Path:
    """Make all copies anew; give the artifact's path."""
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    source = SOURCE / PLACE
    for place in (SOURCE, INSTALLED, INTEGRATION, DIST):
        shutil.rmtree(place, ignore_errors=True)
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    run("git", "init", "--quiet", cwd=source)
    run("git", "add", "--all", cwd=source)
    run(BIN / "ansible-galaxy", "collection", "build", "--force", "--output-path", DIST, source)
    artifact = next(DIST.glob("*.tar.gz"))
    run(BIN / "ansible-galaxy", "collection", "install", artifact, "-p", INSTALLED, "--force", "--offline", "--no-deps")
    shutil.copytree(INSTALLED, INTEGRATION)
    shutil.copytree(source / "tests", INTEGRATION / PLACE / "tests", dirs_exist_ok=True)
    run("git", "init", "--quiet", cwd=INTEGRATION / PLACE)
    run("git", "add", "--all", cwd=INTEGRATION / PLACE)
    return artifact


if __name__ == "__main__":
    print(show(stage()))
