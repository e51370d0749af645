# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks on while a play runs: at the arguments and environments of its processes, and at the files it makes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PAUSE = 0.05  # seconds; a module lives for four times as long at the least


class Watcher:
    """Samples in a thread of its own until it is left."""

    def __init__(self, *folders: Path) -> None:
        """Watch all processes of this machine that descend from this one, and the files below the folders."""
        self.folders = folders
        self.arguments: set[bytes] = set()
        self.environments: set[bytes] = set()
        self.open_files: dict[Path, bytes] = {}
        self.files: set[Path] = set()
        self.looks = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(PAUSE):
            self.looks += 1
            for process in list_descendants(os.getpid()):
                self.arguments.add(_read(process, "cmdline"))
                self.environments.add(_read(process, "environ"))
            for folder in self.folders:
                for path in _walk(folder):
                    if path not in self.files and is_open_to_others(path, folder):
                        self.open_files[path] = b""
                    if path in self.open_files:
                        with suppress(OSError):
                            self.open_files[path] = path.read_bytes() or self.open_files[path]
                    self.files.add(path)


def list_descendants(ancestor: int) -> list[int]:
    """List the processes that a process has started, and those started by these."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = _read(int(path.name), "stat").rpartition(b")")[2].split()
        if fields:
            parents[int(path.name)] = int(fields[1])
    found = [ancestor]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def is_open_to_others(path: Path, folder: Path) -> bool:
    """Ask whether other users may read or change a file: neither it nor a folder above it, below ``folder``, is private."""
    try:
        if path.is_symlink() or path.stat().st_mode & 0o077 == 0:
            return False
        return all(above.stat().st_mode & 0o077 for above in path.parents if above != folder and folder in above.parents)
    except OSError:
        return False  # gone meanwhile


def _walk(folder: Path) -> Iterator[Path]:
    for where, _folders, files in os.walk(folder):
        for name in files:
            yield Path(where, name)


def _read(process: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{what}").read_bytes()
    except OSError:
        return b""
