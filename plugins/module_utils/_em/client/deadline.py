# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The total time limit of an answer, and where a connection is: what urllib3 has no option for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .transport import Transport


class _BoundedReader(io.RawIOBase):
    """What a socket says, as long as there is time: its own timeout begins anew with every byte."""

    def __init__(self, raw: Any, sock: Any, transport: Transport) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._transport = transport

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        before = self._sock.gettimeout()
        left = self._transport.check_answer()
        self._sock.settimeout(left if before is None else min(left, before))
        try:
            count: int | None = self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(before)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def watch_connections(session: Any, urllib3: Any, transport: Transport) -> None:
    """Have a requests session tell the transport while it connects, and bound the time of headers and bodies."""
    from http.client import HTTPResponse  # not before it is needed, as with all that requests loads

    class Answer(HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            transport.begin_answer()
            self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock, transport))

    class Connection(urllib3.connectionpool.HTTPSConnectionPool.ConnectionCls):  # type: ignore[misc]
        response_class = Answer

        def connect(self) -> None:
            transport.is_connecting = True
            super().connect()
            transport.is_connecting = False

    class Pool(urllib3.connectionpool.HTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls = Connection

    for adapter in session.adapters.values():
        manager = adapter.poolmanager
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": Pool}
