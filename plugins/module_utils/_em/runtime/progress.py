# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ties a waiting module to the Ansible that waits for it, where both are on one machine.

A module can say nothing before it ends, and is not told when Ansible's own ``timeout`` or a Ctrl-C ends its task. So the
action plugin makes a file: the module adds lines of progress to it, and ends when the file or its maker is gone.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

SLICE = 0.5  # seconds between two looks at whether somebody still waits


def create_watch(path: str) -> str:
    """Build the value that tells a module of the file, and of its makers: this process, Ansible's worker, and its parent.

    A worker outlives the ansible-playbook that was killed, and goes on waiting for the module.
    """
    return f"{os.getpid()},{os.getppid()}:{path}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's process, but there
    return True


class Watch:
    """The module's side. Without a value it only sleeps."""

    def __init__(self, value: str | None) -> None:
        makers, _colon, self._path = (value or "").partition(":")
        self._makers = [int(maker) for maker in makers.split(",") if maker.isdecimal()]
        self._last = ""

    def report(self, line: str) -> None:
        """Add a line of progress, unless it says what the last one said."""
        if self._path and line != self._last:
            self._last = line
            with suppress(OSError), os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND), "w", encoding="utf-8") as file:
                file.write(line.replace("\n", " ") + "\n")

    def check(self) -> None:
        """End by KeyboardInterrupt if nobody waits any more."""
        if self._path and not self._is_awaited():
            raise KeyboardInterrupt

    def release(self) -> None:
        """Only sleep from now on: what ends now is not to be interrupted by nobody's waiting for it."""
        self._path = ""

    def sleep(self, seconds: float) -> None:
        """Sleep, but end by KeyboardInterrupt once nobody waits any more."""
        if not self._path:
            time.sleep(seconds)
            return
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, SLICE))

    def _is_awaited(self) -> bool:
        # os.path and not pathlib: one import less in every module
        return all(_is_alive(maker) for maker in self._makers) and os.path.exists(self._path)  # noqa: PTH110
