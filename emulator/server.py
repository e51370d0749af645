# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS side: connections, the log of requests, latency, and faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import threading
from email.utils import formatdate
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from .api import Api
from .backend import Backend
from .changes import change
from .exchange import TOKEN_HEADER, Reply, Request
from .faults import Fault
from .impostors import PAGES, SERVERS
from .requestlog import LogEntry

_EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
_REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "NoContent",
    400: "BadRequest",
    401: "Unauthorized",
    404: "NotFound",
}


class _Connection:
    """What is known of one TCP connection."""

    __slots__ = ("last_used", "number", "requests")

    def __init__(self, number: int) -> None:
        self.number = number
        self.requests = 0
        self.last_used = 0.0


class _Server(web.Server):
    """aiohttp's low-level server, which also numbers its connections."""

    def __init__(self, handler: Any, backend: Backend) -> None:
        super().__init__(
            handler,
            access_log=None,
            keepalive_timeout=120.0,
            max_line_size=4 * 1024 * 1024,
            max_field_size=1024 * 1024,
            tcp_keepalive=False,
        )
        self._backend = backend
        self._numbered: dict[int, _Connection] = {}

    def __call__(self) -> Any:
        protocol = super().__call__()
        self._backend.connections += 1
        self._numbered[id(protocol)] = _Connection(self._backend.connections)
        return protocol

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        self._numbered.pop(id(handler), None)
        super().connection_lost(handler, exc)

    def connection_of(self, request: web.BaseRequest) -> _Connection:
        """Return the connection a request came by."""
        return self._numbered.get(id(request.protocol)) or _Connection(0)


class HttpsSide:
    """Answers requests from the network."""

    def __init__(self, backend: Backend, lock: threading.RLock, *, print_requests: bool = False) -> None:
        self.backend = backend
        self.api = Api(backend)
        self._lock = lock
        self._print = print_requests
        self._server: _Server | None = None
        self._date = (0, "")

    def open(self) -> web.Server:
        """Return a new server for the running event loop."""
        self._server = _Server(self._handle, self.backend)
        return self._server

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        backend = self.backend
        started = backend.clock.now()
        assert self._server is not None
        connection = self._server.connection_of(request)
        connection.requests += 1
        transport = request.transport
        if connection.requests == 1 and transport is not None:
            with contextlib.suppress(OSError, AttributeError):
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = await request.read() if request.can_read_body else b""
        entry = LogEntry(started, connection.number, request.method, request.raw_path, request.raw_headers, body)
        await self._delay(connection)
        with self._lock:
            fault = self._fault(entry)
            backend.log.add(entry)
        if self._is_forgotten(connection, started):
            entry.fault = "idle_connection"
            return self._hang_up(request, reset=True)
        if backend.switches.early_hints and request.transport is not None:
            request.transport.write(_EARLY_HINTS)
        response = await self._answer(request, entry, fault)
        connection.last_used = backend.clock.now()
        entry.seconds = backend.clock.now() - started
        if self._print:
            _print_entry(entry)
        return response

    def _is_forgotten(self, connection: _Connection, now: float) -> bool:
        """Return whether a gateway has forgotten this connection, without a word to the client."""
        limit = self.backend.switches.idle_connection
        return limit > 0 and connection.requests > 1 and now - connection.last_used > limit

    def _fault(self, entry: LogEntry) -> Fault | None:
        if not len(self.backend.faults):
            return None
        query = "&".join(f"{name}={value}" for name, value in entry.query.items())
        return self.backend.faults.take(entry.method, entry.path, query)

    async def _delay(self, connection: _Connection) -> None:
        latency = self.backend.switches.latency_ms
        if latency > 0:
            trips = 1 + (self.backend.switches.latency_connect_trips if connection.requests == 1 else 0)
            await asyncio.sleep(latency * trips / 1000)

    async def _answer(self, request: web.BaseRequest, entry: LogEntry, fault: Fault | None) -> web.StreamResponse:
        if fault is None:
            return self._respond(entry, self._call(request, entry))
        entry.fault = fault.effect
        if fault.effect == "slow" and fault.when == "after":
            reply = self._call(request, entry)
            await asyncio.sleep(fault.delay)
            return self._respond(entry, reply)
        if fault.when == "before":
            await asyncio.sleep(fault.delay)
        if fault.effect == "slow":
            return self._respond(entry, self._call(request, entry))
        return await self._spoil(request, entry, fault)

    def _call(self, request: web.BaseRequest, entry: LogEntry) -> Reply:
        """Let the API answer."""
        limit = self.backend.switches.max_request_line
        if limit and len(entry.method) + len(entry.target) + 10 > limit:
            return self._too_long()
        base = f"https://{request.headers.get('Host', 'localhost')}"
        with self._lock:
            asked = Request(entry.method, entry.target, request.headers, entry.body, base, self.backend.clock.now())
            try:
                reply = self.api.handle(asked)
            except Exception as error:
                print(f"emulator: {entry.method} {entry.path}: {error!r}", file=sys.stderr)
                raise
            if asked.session is not None:
                entry.session_id = asked.session.id
        return reply

    def _too_long(self) -> Reply:
        if self.backend.switches.version == 12:
            return Reply(
                400,
                b"<HTML><HEAD><TITLE>Bad Request</TITLE></HEAD><BODY><h2>Bad Request - Invalid URL</h2></BODY></HTML>",
                "text/html",
            )
        return Reply(414)

    async def _spoil(self, request: web.BaseRequest, entry: LogEntry, fault: Fault) -> web.StreamResponse:
        """Apply a fault; whether the request is handled depends on `when`."""
        effect, after = fault.effect, fault.when == "after"
        if effect in ("expire", "clock", "drop_token", "meanwhile"):
            return self._respond(entry, self._with_side_effect(request, entry, fault))
        reply = self._call(request, entry) if after else None
        if after:
            await asyncio.sleep(fault.delay)
        if effect in ("reset", "close"):
            return self._hang_up(request, reset=effect == "reset")
        if effect == "cut":
            return self._cut(request, entry, reply, fault.keep)
        if effect == "status":
            headers = [] if fault.retry_after is None else [("Retry-After", str(fault.retry_after))]
            asked = Request(
                entry.method,
                entry.target,
                request.headers,
                b"",
                f"https://{request.headers.get('Host', 'localhost')}",
                0.0,
            )
            return self._respond(entry, self.api.failure(asked, fault.status, fault.message, fault.body, headers))
        if effect == "redirect":
            status = fault.status if 300 <= fault.status < 400 else 302
            return self._respond(entry, Reply(status, b"", None, [("Location", fault.location)]))
        return self._respond(entry, _nonsense(fault))

    def _with_side_effect(self, request: web.BaseRequest, entry: LogEntry, fault: Fault) -> Reply:
        token = request.headers.get(TOKEN_HEADER)
        backend = self.backend

        def happen() -> None:
            with self._lock:
                session = backend.sessions.find(token) if token else None
                if fault.effect == "expire" and session is not None:
                    backend.sessions.close(session)
                if fault.effect == "clock":
                    backend.clock.advance(fault.seconds)
                if fault.effect == "meanwhile":
                    change(backend, fault.change)

        if fault.when == "before":
            happen()
        reply = self._call(request, entry)
        if fault.when == "after":
            happen()
        if fault.effect == "drop_token":
            reply.headers = [pair for pair in reply.headers if pair[0] not in (TOKEN_HEADER, "Set-Cookie")]
        return reply

    def _hang_up(self, request: web.BaseRequest, *, reset: bool) -> web.StreamResponse:
        """Break the connection: with RST, or with FIN and no answer."""
        transport = request.transport
        if transport is not None:
            if reset:
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response(status=500)

    def _cut(self, request: web.BaseRequest, entry: LogEntry, reply: Reply | None, keep: int | None) -> web.StreamResponse:
        """Announce more than is sent, then close."""
        if reply is None:
            reply = Reply(200, b'<?xml version="1.0" encoding="utf-8"?><QueryResult', "application/xml; charset=utf-8")
        whole = reply.body or b'<?xml version="1.0" encoding="utf-8"?>'
        kept = whole[: len(whole) // 2 if keep is None else keep]
        length = max(len(whole), len(kept) + 1)
        status = 200 if reply.status == 204 else reply.status
        head = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}", f"Content-Length: {length}"]
        head += [f"{name}: {value}" for name, value in self._headers(reply).items()]
        entry.status = status
        if request.transport is not None:
            request.transport.write("\r\n".join([*head, "", ""]).encode("latin-1") + kept)
            request.transport.close()
        return web.Response(status=status)

    def _headers(self, reply: Reply) -> CIMultiDict[str]:
        headers: CIMultiDict[str] = CIMultiDict()
        if reply.content_type:
            headers["Content-Type"] = reply.content_type
        version12 = self.backend.switches.version == 12
        headers["Cache-Control"] = "private" if version12 else "no-store"
        headers["Server"] = "Microsoft-HTTPAPI/2.0" if version12 else "Kestrel"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Strict-Transport-Security"] = "max-age=31536000"
        now = int(self.backend.clock.now())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        headers["Date"] = self._date[1]
        for name, value in reply.headers:
            if name == "Server":
                headers.pop("Server")
            headers.add(name, value)
        if self.backend.switches.header_case == "lower":
            headers = CIMultiDict([(name.lower(), value) for name, value in headers.items()])
        return headers

    def _respond(self, entry: LogEntry, reply: Reply) -> web.StreamResponse:
        entry.status = reply.status
        reason = _REASONS.get(reply.status)
        response = web.Response(status=reply.status, reason=reason, body=reply.body or None, headers=self._headers(reply))
        if not reply.content_type and reply.status != 204:
            response.headers.pop("Content-Type", None)
        return response


def _nonsense(fault: Fault) -> Reply:
    effect = fault.effect
    if effect == "html":
        status = 200 if fault.page == "plain" else fault.status
        headers = [("Server", SERVERS[fault.page])] if fault.page in SERVERS else []
        return Reply(status, PAGES[fault.page].encode(), "text/html; charset=utf-8", headers)
    if effect == "bad_json":
        return Reply(200, b'{"Resources": {"Tasks": {"Tasks": [{"TaskId": "task-1", ', "application/json; charset=utf-8")
    if effect == "bad_xml":
        return Reply(
            200,
            b'<?xml version="1.0" encoding="utf-8"?><QueryResult><Resources></Tasks>',
            "application/xml; charset=utf-8",
        )
    return Reply(200, json.dumps({"unexpected": [1, 2, 3]}).encode(), "application/json; charset=utf-8")


def _print_entry(entry: LogEntry) -> None:
    """Print one line a request; the id in a logon session's path would give its token away."""
    parts = entry.path.split("/")
    if len(parts) > 3 and parts[2].lower() == "logonsessions":
        parts[3] = "***"
    query = "&".join(f"{name}={value}" for name, value in entry.query.items())
    fault = f" fault={entry.fault}" if entry.fault else ""
    target = "/".join(parts) + (f"?{query}" if query else "")
    print(
        f"{entry.method} {target} {entry.status or '-'} {entry.seconds * 1000:.0f}ms connection={entry.connection}{fault}",
        file=sys.stderr,
    )
