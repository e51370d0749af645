# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Pythons of this machine, and virtual environments made from them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from build_tree import BIN, ROOT, create_environment, run, show


def call(command: list[str | Path], cwd: Path, environment: dict[str, str], output: int) -> int:
    """Run a command with its output in a file, and return its exit code."""
    parts = [str(part) for part in command]
    return subprocess.run(
        parts, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
    ).returncode


def find_interpreters(versions: Iterable[str]) -> dict[str, Path]:
    """Find the Pythons of this machine that work; the shim of a Python that pyenv has not chosen exits with 127."""
    places = [*Path.home().glob(".pyenv/versions/*/bin"), *map(Path, os.environ["PATH"].split(os.pathsep))]
    found: dict[str, Path] = {}
    for version in versions:
        script = f"import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
        for candidate in (place / f"python{version}" for place in places):
            if (
                candidate.is_file()
                and subprocess.run([candidate, "-c", script], stderr=subprocess.DEVNULL, check=False).returncode == 0
            ):
                found[version] = candidate
                break
    return found


def create_venv(place: Path, python: Path, packages: list[str]) -> Path:
    """Make a virtual environment, unless there is one with these packages; return its folder of programs."""
    ready, wanted = place / "ready", "\n".join([str(python), *packages])
    if not ready.is_file() or ready.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(place, ignore_errors=True)
        run(python, "-m", "venv", place)
        command: list[str | Path] = [place / "bin" / "python", "-m", "pip", "install", "--quiet", *packages]
        uv = BIN / "uv"
        quick: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", place / "bin" / "python", *packages]
        # uv is the faster installer, but reads no pip.conf: where it cannot reach an index, pip may.
        if not uv.is_file() or call(quick, ROOT, create_environment(), subprocess.DEVNULL):
            run(*command)
        ready.write_text(wanted, encoding="utf-8")
        print(f"  made {show(place)}", flush=True)
    return place / "bin"
