# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link between a module that waits for Enterprise Manager and the Ansible process that waits for the module.

A module can print nothing before it ends, and is not told when Ansible's own ``timeout`` or a Ctrl-C ends its task. So, where
both run on one machine, the action plugin creates a progress file: the module appends lines of progress, and ends when the file
or its creator is gone. What runs within Ansible's own process needs no file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

from ..errors import to_line

CHECK_SECONDS = 0.5  # between two checks of whether somebody still waits


def create_file_value(path: str) -> str:
    """Return the option value that tells a module of the file and of the processes that wait: this one and its parent.

    This one is Ansible's worker. It outlives an ansible-playbook that was killed, and would continue to wait for the module.
    """
    return f"{os.getpid()},{os.getppid()}:{path}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's process, but it exists
    return True


class ControllerLink:
    """Reports progress to the controller, and checks whether it still waits. ``write`` takes a line of progress."""

    def __init__(self, is_awaited: Callable[[], bool], write: Callable[[str], None]) -> None:
        self._is_awaited: Callable[[], bool] | None = is_awaited
        self._write = write
        self._last = ""

    def report(self, line: str) -> None:
        """Write a line of progress, unless it repeats the last one."""
        if self._is_awaited is not None and line != self._last:
            self._last = line
            self._write(to_line(line))

    def check(self) -> None:
        """Raise KeyboardInterrupt if nobody waits any more."""
        if self._is_awaited is not None and not self._is_awaited():
            raise KeyboardInterrupt

    def detach(self) -> None:
        """Stop watching the controller, so that the log-off in progress is not interrupted."""
        self._is_awaited = None

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise KeyboardInterrupt once nobody waits any more."""
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, CHECK_SECONDS))


def create_file_link(value: str | None) -> ControllerLink:
    """Return the module's link by a progress file; without a value one that only sleeps."""
    pids_text, _colon, path = (value or "").partition(":")
    pids = [int(pid) for pid in pids_text.split(",") if pid.isdecimal()]

    def is_awaited() -> bool:
        # os.path and not pathlib: one import less in every module
        return all(_is_alive(pid) for pid in pids) and os.path.exists(path)  # noqa: PTH110

    def write(line: str) -> None:
        with suppress(OSError), os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "w", encoding="utf-8") as file:
            file.write(line + "\n")

    link = ControllerLink(is_awaited, write)
    if not path:
        link.detach()
    return link


def create_process_link(write: Callable[[str], None]) -> ControllerLink:
    """Return the link of a module that runs within Ansible's worker: nobody waits once the worker's parent has changed."""
    parent = os.getppid()
    return ControllerLink(lambda: os.getppid() == parent, write)
