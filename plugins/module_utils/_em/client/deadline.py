# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A total timeout for an answer, headers included. urllib3 has no option for that: its read timeout restarts with each byte.

This file depends on urllib3's connection classes (1.26 and 2.x).
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class ResponseTimer:
    """The time that is left for an answer, and whether the connection is still being made. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.is_connecting = False  # then nothing of the request can have been sent
        self._clock = clock
        self._timeout = 0.0
        self._deadline = 0.0
        self._sock: Any = None

    def start(self, timeout: float) -> None:
        """Begin a request whose answer may take ``timeout`` seconds."""
        self._timeout = timeout
        self.is_connecting = False
        self.restart()

    def watch(self, sock: Any) -> None:
        """Note the socket of the connection that was made."""
        self._sock = sock

    def abort(self) -> None:
        """Shut the connection down, from any thread: the thread that waits for an answer gets an error at once."""
        if self._sock is not None:
            with suppress(OSError, ValueError):
                self._sock.shutdown(socket.SHUT_RDWR)

    def restart(self) -> None:
        """Restart the timeout: the request has been sent, and the answer may take the whole time."""
        self._deadline = self._clock() + self._timeout

    def remaining(self) -> float:
        """Return the seconds that are left. Raise the timeout of a socket where there are none."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise socket.timeout("the answer took longer than the timeout")  # on Python 3.9 not a TimeoutError
        return left


class DeadlineReader(io.RawIOBase):
    """A socket's file, read with the timeout that is left for the whole answer."""

    def __init__(self, raw: Any, sock: Any, timer: ResponseTimer) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._timer = timer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        before = self._sock.gettimeout()
        left = self._timer.remaining()
        self._sock.settimeout(left if before is None else min(left, before))
        try:
            count: int | None = self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(before)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def limit_responses(session: Any, urllib3: Any, timer: ResponseTimer) -> None:
    """Make a requests session report to the timer when it connects, and read answers within the timer's timeout."""
    from http.client import HTTPResponse, parse_headers  # imported here, like all that requests imports

    class TimedResponse(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            timer.restart()
            self.fp = io.BufferedReader(DeadlineReader(self.fp.detach(), sock, timer))

        def _read_status(self) -> tuple[str, int, str]:
            """Skip interim answers such as 103 Early Hints; Python itself skips only 100."""
            while True:
                line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
                if not 102 <= line[1] < 200:
                    return line
                parse_headers(self.fp)

    class Connection(urllib3.connectionpool.HTTPSConnectionPool.ConnectionCls):  # type: ignore[misc]
        response_class = TimedResponse

        def connect(self) -> None:
            timer.is_connecting = True
            super().connect()
            timer.is_connecting = False
            timer.watch(self.sock)

    class Pool(urllib3.connectionpool.HTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = Connection

    for adapter in session.adapters.values():
        manager = adapter.poolmanager
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": Pool}
