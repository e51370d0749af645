# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the checkout in the places where Ansible's tools want them.

- ``.build/source/ansible_collections/vbem/rest``: the files that git tracks or would add, as a git repository of its own
- ``.build/dist/``: the artifact built from it
- ``.build/installed/ansible_collections/vbem/rest``: the artifact, installed
- ``.build/integration/...``: the installed artifact with the tests laid over it, for ``ansible-test integration``
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = (ROOT / ".build").resolve()  # a link, where tools cannot cope with the checkout's path (dev/setup.sh)
BIN = BUILD / "venv" / "bin"
PLACE = Path("ansible_collections/vbem/rest")
SOURCE = BUILD / "source"
INSTALLED = BUILD / "installed"
INTEGRATION = BUILD / "integration"
DIST = BUILD / "dist"
# Settings of the developer's shell that would change what tools do, by the beginning of their names: Ansible's, the
# collection's, Python's and its tools', git's (a hook has GIT_DIR and GIT_INDEX_FILE set, so that `git add` elsewhere would
# change the checkout's index), the shell's, the terminal's, and make's.
FOREIGN = (
    *("ANSIBLE_", "VBEM_", "PYTHON", "PYTEST_", "COVERAGE_", "HYPOTHESIS_", "VIRTUAL_ENV", "GALAXY_IMPORTER_", "GIT_"),
    *("BASH_ENV", "CDPATH", "ENV", "COLUMNS", "LINES", "LANGUAGE", "LC_", "FORCE_COLOR", "PY_COLORS"),
    *("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "TESTS", "AGAIN"),
)
# git refuses to look at a checkout of another user, and the setting that allows it may be in a home that it does not see.
GIT = ("git", "--no-optional-locks", "-c", "safe.directory=*")


def print_anywhere() -> None:
    """Let output hold any letter, also where the terminal or a pipe knows only ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


print_anywhere()


def find_cache() -> Path:
    """Return where downloads are kept: the user's own cache, or one below .build where that cannot be written."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 - there may be no home
    existing = next(path for path in (cache, *cache.parents, Path.cwd()) if os.path.exists(path))  # noqa: PTH110 - raises nothing
    return cache if cache.is_absolute() and os.access(existing, os.W_OK | os.X_OK) else BUILD / "home" / ".cache"


def create_environment(**extra: str) -> dict[str, str]:
    """Return the environment for tools: theirs first on PATH, a home below .build, and no setting of the developer's shell.

    They may keep compiled code, whatever PYTHONDONTWRITEBYTECODE says: else they compile all of it at each start.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    home = BUILD / "home"
    home.mkdir(parents=True, exist_ok=True)
    own = {
        "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "UV_CACHE_DIR": str(find_cache() / "uv"),
        "PIP_CACHE_DIR": str(find_cache() / "pip"),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_DEVEL_WARNING": "false",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
        # Where asynchronous tasks are looked for is the home that the system knows, and they are written to $HOME.
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
    }
    return {**kept, **own, **extra}


def run(*command: str | Path, cwd: Path = ROOT, **extra: str) -> str:
    """Run a command quietly and return what it printed; its failure ends this process with its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=create_environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(str(part) for part in command)} failed:\n{done.stdout}")
    return done.stdout


def show(path: Path) -> str:
    """Return a path below .build the way a person would write it."""
    return f".build/{path.relative_to(BUILD)}"


def list_files(root: Path = ROOT, *below: str) -> list[str]:
    """Return the files of a checkout that git tracks or would add, and that are there."""
    names = run(*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *below, cwd=root).split("\0")
    return [name for name in dict.fromkeys(names) if name and (root / name).is_file()]


def copy_files(target: Path, root: Path = ROOT) -> None:
    """Copy the files of a checkout to a folder that becomes a repository of its own."""
    for name in list_files(root):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target / name)
    create_repository(target)


def create_repository(folder: Path) -> None:
    """Make a folder a git repository with all its files added, which tells ansible-test what belongs to the collection."""
    run(*GIT, "init", "--quiet", cwd=folder)
    run(*GIT, "add", "--all", cwd=folder)


def build_trees() -> Path:
    """Make all copies anew; return the artifact's path."""
    for place in (SOURCE, INSTALLED, INTEGRATION, DIST):
        shutil.rmtree(place, ignore_errors=True)
    source = SOURCE / PLACE
    copy_files(source)
    run(BIN / "ansible-galaxy", "collection", "build", "--force", "--output-path", DIST, source)
    artifact = next(DIST.glob("*.tar.gz"))
    run(BIN / "ansible-galaxy", "collection", "install", artifact, "-p", INSTALLED, "--force", "--offline", "--no-deps")
    shutil.copytree(INSTALLED, INTEGRATION)
    shutil.copytree(source / "tests", INTEGRATION / PLACE / "tests", dirs_exist_ok=True)
    create_repository(INTEGRATION / PLACE)
    return artifact


if __name__ == "__main__":
    print(show(build_trees()))
