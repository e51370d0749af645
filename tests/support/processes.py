# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes: started so that signals reach them, listed, and watched for what they show of secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# No test takes so long, on whatever machine: it is here so that one that hangs ends.
SAFETY_NET = 300.0
WATCH_INTERVAL = 0.05  # seconds; a module lives for four times as long at the least
# The last two are ignored by Python itself.
RESET_SIGNALS = """
import os, signal, sys
for number in (*map(int, sys.argv[1].split(",")), signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def list_ignored_signals() -> list[int]:
    """Return the signals that this process ignores, and that its children would ignore: SIGHUP below nohup, for instance.

    What Python itself ignores is left out: subprocess restores it in children.
    """
    own = {signal.SIGPIPE, signal.SIGXFSZ}
    return sorted(int(number) for number in signal.valid_signals() - own if signal.getsignal(number) is signal.SIG_IGN)


def reset_ignored_signals(command: Sequence[str | Path]) -> list[str]:
    """Return the command that runs ``command`` with no signal ignored, as in an interactive shell.

    A shell's background job ignores SIGINT, and nohup makes it ignore SIGHUP. Children inherit that, and a test that sends
    such a signal would wait for an end that does not come.
    """
    parts = [str(part) for part in command]
    ignored = list_ignored_signals()
    if not ignored:
        return parts
    return [sys.executable, "-S", "-c", RESET_SIGNALS, ",".join(map(str, ignored)), *parts]


def start_process(command: Sequence[str | Path], **settings: Any) -> subprocess.Popen[str]:
    """Start a process that heeds signals, without a terminal; its output is text, by default of one pipe."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(reset_ignored_signals(command), **{**given, **settings})


def wait_until(what: str, is_so: Callable[[], object], *, involved: Callable[[], Iterable[int]] = tuple) -> None:
    """Wait until a condition holds; raise AssertionError if it does not within the safety net.

    ``involved`` returns the processes that the error describes.
    """
    until = time.monotonic() + SAFETY_NET
    while not is_so():
        if time.monotonic() > until:
            there = "\n".join(map(describe_process, involved()))
            raise AssertionError(f"{what}: not within {SAFETY_NET:.0f} seconds\n{there}")
        time.sleep(0.05)


def describe_process(process: int) -> str:
    """Return what a process is doing."""
    status = _read(process, "status").decode("utf-8", "replace")
    known = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    what = ", ".join(f"{name} {known.get(name, '?')}" for name in ("State", "PPid", "SigBlk", "SigIgn", "SigCgt"))
    return f"{process}: {what}: {read_arguments(process)[:200]!r}"


def list_descendants(ancestor: int) -> list[int]:
    """Return the processes that a process has started, and those started by these."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        fields = _read(int(path.name), "stat").rpartition(b")")[2].split()
        if fields:
            parents[int(path.name)] = int(fields[1])
    found = [ancestor]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


def list_processes_with(text: str) -> list[int]:
    """Return the other processes whose environment contains a text, such as the folder of a test."""
    return [
        int(path.name)
        for path in Path("/proc").glob("[0-9]*")
        if int(path.name) != os.getpid() and text.encode() in _read(int(path.name), "environ")
    ]


def read_arguments(process: int) -> str:
    """Return the command line of a process; an empty text if it has ended."""
    return _read(process, "cmdline").decode("utf-8", "replace")


def read_parent(process: int) -> int:
    """Return the parent of a process; 0 if it has ended."""
    fields = _read(process, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


class ProcessWatcher:
    """Samples the arguments and environments of all descendants of this process, and the files below some folders.

    Works in a thread of its own for as long as the context lasts.
    """

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        self.arguments: set[bytes] = set()
        self.environments: set[bytes] = set()
        self.open_files: dict[Path, bytes] = {}  # those that other users can read
        self.files: set[Path] = set()
        self.samples = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessWatcher:
        self._thread.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(WATCH_INTERVAL):
            self.samples += 1
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


def is_open_to_others(path: Path, folder: Path) -> bool:
    """Return whether other users may read or change a file: neither it nor a folder above it, below ``folder``, is private."""
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
