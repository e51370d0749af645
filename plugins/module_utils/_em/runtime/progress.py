# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link between a waiting module and the Ansible process that waits for it, where both run on one machine.

A module can print nothing before it ends, and is not told when Ansible's own ``timeout`` or a Ctrl-C ends its task. So the
action plugin creates a progress file: the module appends lines of progress, and ends when the file or its creator is gone.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

CHECK_SECONDS = 0.5  # between two checks of whether somebody still waits


def create_link(path: str) -> str:
    """Return the option value that tells a module of the file and of the processes that wait: this one and its parent.

    This one is Ansible's worker. It outlives an ansible-playbook that was killed, and would go on waiting for the module.
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
    """The module's side. Without a value it only sleeps."""

    def __init__(self, value: str | None) -> None:
        pids, _colon, self._path = (value or "").partition(":")
        self._pids = [int(pid) for pid in pids.split(",") if pid.isdecimal()]
        self._last = ""

    def report(self, line: str) -> None:
        """Append a line of progress, unless it repeats the last one."""
        if self._path and line != self._last:
            self._last = line
            with suppress(OSError), os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND), "w", encoding="utf-8") as file:
                file.write(line.replace("\n", " ") + "\n")

    def check(self) -> None:
        """Raise KeyboardInterrupt if nobody waits any more."""
        if self._path and not self._is_awaited():
            raise KeyboardInterrupt

    def detach(self) -> None:
        """Stop watching the controller, so that the log-off in progress is not interrupted."""
        self._path = ""

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise KeyboardInterrupt once nobody waits any more."""
        if not self._path:
            time.sleep(seconds)
            return
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, CHECK_SECONDS))

    def _is_awaited(self) -> bool:
        # os.path and not pathlib: one import less in every module
        return all(_is_alive(pid) for pid in self._pids) and os.path.exists(self._path)  # noqa: PTH110
