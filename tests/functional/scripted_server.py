# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TLS server that answers exactly as a script says, for bodies that the emulator never sends."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from emulator.tls import NAMES, server_context


class Request(NamedTuple):
    """A request as it was received; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]


Script = Callable[[Request], "bytes | Iterable[bytes]"]


class ScriptedServer:
    """Answers each request with the bytes that ``script`` returns for it, then closes the connection.

    ``script`` returns an answer as a whole (see `answer`) or in pieces, between which it may sleep.
    """

    def __init__(self, script: Script, *, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.hostname = "localhost"
        self._context = context or server_context(NAMES)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"https://{self.hostname}:{self.port}"

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(connection, server_side=True) as tls:
            tls.settimeout(20)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = tls.recv(65536)
                if not piece:
                    return
                head += piece
            request = _read_head(head)
            self.requests.append(request)
            response = self.script(request)
            for piece in [response] if isinstance(response, bytes) else response:
                tls.sendall(piece)


def _read_head(head: bytes) -> Request:
    first, *rest = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ")
    pairs = (line.partition(":") for line in rest)
    return Request(method, target, {name.lower(): value.strip() for name, _colon, value in pairs})


def answer(
    body: bytes | str = b"",
    *,
    status: int = 200,
    content_type: str | None = "application/xml; charset=utf-8",
    headers: Iterable[tuple[str, str]] = (),
    length: int | None = None,
) -> bytes:
    """Return the bytes of an HTTP answer; ``length`` is a Content-Length other than the true one."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", "Connection: close"]
    if status != 204:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
