# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS by hand, for handshakes that fail: asyncio hangs up before it has sent the alert that says why."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading

HANDSHAKES = ("tls10", "no_common_cipher", "client_certificate", "unknown_name")
_PIECE = 65536


class TlsFront:
    """Takes connections, does the handshake, and hands on what comes to a plain port."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=128)
        self._context = context
        self._target = 0
        self.port: int = self._listener.getsockname()[1]

    def start(self, target: int) -> None:
        """Begin to take connections for this plain port."""
        self._target = target
        threading.Thread(target=self._accept, name="vbem-emulator-tls", daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(5)
        secure = self._context.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
        try:
            secure.do_handshake()
        except OSError:
            self._say_goodbye(socket.socket(fileno=secure.detach()))
            return
        with secure, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as inner:
            self._relay(secure, inner)

    @staticmethod
    def _say_goodbye(client: socket.socket) -> None:
        """Close so that the alert arrives: with something unread, the system would send a reset after it."""
        with client, contextlib.suppress(OSError):
            client.settimeout(2)
            client.shutdown(socket.SHUT_WR)
            while client.recv(_PIECE):
                pass

    @staticmethod
    def _relay(secure: ssl.SSLSocket, inner: socket.socket) -> None:
        while True:
            ready = [secure] if secure.pending() else select.select([secure, inner], [], [], 30)[0]
            for one in ready:
                piece = one.recv(_PIECE)
                if not piece:
                    return
                (inner if one is secure else secure).sendall(piece)
            if not ready:
                return
