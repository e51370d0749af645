# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a request to an answer: authentication, routing, errors."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    catalog,
    generic,
    job_actions,
    job_edit,
    logon,
    lookup,
    mounts,
    objects,
    reads,
    resources,
    tasks_api,
    tenants,
    vm_backup,
    vm_restore,
)
from .backend import Backend
from .errors import ApiError, FilterError
from .exchange import Reply, Request
from .german import say
from .impostors import PAGES, SERVERS, problem, wcf_fault
from .operations import Operations
from .render import BYTE_ORDER_MARK, Renderer
from .render_json import JsonRenderer
from .render_xml import XmlRenderer
from .roles import Roles
from .sessions import LogonSession
from .writes import Handler as WriteHandler
from .writes import write

Handler = Callable[["Api", Request, list[str]], Reply]

ROUTES: dict[str, Handler] = {
    "logonsessions": logon.logon_sessions,
    "tasks": tasks_api.tasks,
    "query": resources.query,
    "querysvc": resources.query_service,
    "lookup": lookup.lookup,
    "lookupsvc": lookup.lookup_service,
    "reports": reads.reports,
    "catalog": catalog.catalog,
}

# What operations do that have a behaviour of their own, by their page in the reference.
WRITES: dict[str, WriteHandler] = {
    **generic.HANDLERS,
    **job_actions.HANDLERS,
    **job_edit.HANDLERS,
    **mounts.HANDLERS,
    **objects.HANDLERS,
    **reads.HANDLERS,
    **tenants.HANDLERS,
    **vm_backup.HANDLERS,
    **vm_restore.HANDLERS,
}


class Api:
    """Handles requests against a backend."""

    _MANY_RENDERERS = 64

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.switches = backend.switches
        self.operations = Operations()
        self.roles = Roles(backend.switches)
        self._renderers: dict[tuple[str, bool], Renderer] = {}
        self._revision = -1
        self._asked = 0

    def renderer(self, request: Request) -> Renderer:
        """Return the renderer for this request's format and address."""
        if self._revision != self.switches.revision or len(self._renderers) > self._MANY_RENDERERS:
            # Rows remember what they printed by renderer, so that a replaced one must stay alive until they forget.
            self.backend.world.touch()
            for session in self.backend.sessions.all():
                session.tasks.touch()
            self._renderers.clear()
            self._revision = self.switches.revision
        key = (request.base, request.wants_json)
        known = self._renderers.get(key)
        if known is None:
            base = {"foreign": "https://vbem.internal.invalid:9398", "http": "http://localhost:9399"}.get(
                self.switches.hrefs, request.base
            )
            known = self._renderers[key] = (JsonRenderer if request.wants_json else XmlRenderer)(base, self.switches)
        return known

    def handle(self, request: Request) -> Reply:
        """Answer a request."""
        self.backend.world.catch_up()
        try:
            return self._route(request)
        except ApiError as error:
            return self.error(request, error.status, error.message, error.headers)
        except RecursionError:
            return self.error(request, self.switches.bad_request, "Filter expression is too complex.")
        except FilterError as error:
            status: int = self.switches.bad_request
            if "resource type Task" in str(error):
                status = 400 if self.switches.task_filter == "rejected400" else 500
            return self.error(request, status, str(error))

    def _route(self, request: Request) -> Reply:
        if self.switches.throttle_every:
            self._asked += 1
            if self._asked % self.switches.throttle_every == 0:
                wait = f"{self.switches.throttle_wait:g}"
                raise ApiError(429, "Too many requests.", headers=(("Retry-After", wait),))
        segments = request.segments
        prefix = [part for part in self.switches.base_path.split("/") if part]
        if segments[: len(prefix)] != prefix:
            return Reply(
                404,
                PAGES["nginx"].replace("502 Bad Gateway", "404 Not Found").encode(),
                "text/html",
                [("Server", SERVERS["nginx"])],
            )
        segments = segments[len(prefix) :]
        if not segments or segments[0].lower() != "api":
            raise ApiError(404, "Resource not found.")
        rest = segments[1:]
        if self.switches.version == 12 and request.method in ("POST", "PUT") and not request.has_length:
            return Reply(411, b"<HTML><BODY><h2>Length Required</h2></BODY></HTML>", "text/html")  # HTTP.sys' own
        if not rest:
            return logon.api_root(self, request)
        name = rest[0].lower()
        if name == "sessionmngr":
            return logon.log_on(self, request)
        request.session = self._authenticate(request, rest)
        return self._answer(request, name, rest)

    def _answer(self, request: Request, name: str, rest: list[str]) -> Reply:
        """Answer a request of somebody who is logged on."""
        changes = request.method in ("POST", "PUT", "DELETE")
        if changes and name == "catalog":
            return self._catalog(request, rest)
        if name not in ("logonsessions", "tasks") and (not changes or name in ROUTES):
            self.roles.check_read(request, rest)
        handler = ROUTES.get(name)
        if handler is not None:
            if request.method != "GET" and name not in ("logonsessions", "tasks"):
                raise ApiError(405, resources.NOT_ALLOWED, headers=(("Allow", "GET"),))
            return handler(self, request, rest[1:])
        if changes:
            return write(self, request, rest, WRITES, generic.usual)
        if request.method != "GET":
            raise ApiError(405, resources.NOT_ALLOWED, headers=(("Allow", "GET"),))
        if name == "security" and len(rest) == 1:
            return reads.security(self, request)
        return resources.by_path(self, request, rest)

    def _catalog(self, request: Request, rest: list[str]) -> Reply:
        found = self.operations.find(request.method, rest, request.parameter("action"))
        if found is None:
            raise ApiError(405, resources.NOT_ALLOWED, headers=(("Allow", "GET"),))
        self.roles.check_operation(request, found[0])
        return catalog.act(self, request, *found)

    def _authenticate(self, request: Request, rest: list[str]) -> LogonSession:
        token = request.token
        if not token:
            raise ApiError(401, "Authentication token is missing.", headers=(logon.CHALLENGE,))
        session = self.backend.sessions.use(token)
        if session is not None:
            return session
        gone = self.backend.sessions.was_open(token)
        second_logoff = request.method == "DELETE" and [part.lower() for part in rest] == ["logonsessions", gone]
        if second_logoff and self.switches.second_logoff != 401:
            raise ApiError(self.switches.second_logoff, logon.unknown_session_message(rest[1]))
        raise ApiError(401, "Authentication token has expired" if gone else "Authentication token is not valid.")

    def text(self, request: Request, text: str, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Reply:
        """Return a reply with this document as its body."""
        body = text.encode("utf-8", "surrogatepass" if self.switches.xml_forbidden == "raw" else "replace")
        if self.switches.bom:
            body = BYTE_ORDER_MARK + body
        return Reply(status, body, self.renderer(request).content_type, headers or [])

    def error(self, request: Request, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        """Return a reply with an Error body in the format the switches ask for."""
        return self.failure(request, status, message, self.switches.error_format, list(headers))

    def failure(self, request: Request, status: int, message: str, form: str, headers: list[tuple[str, str]]) -> Reply:
        """Return an error in a given format: follow, xml, json, text, html, problem, fault or empty."""
        message = say(message, self.switches.language)
        if form == "empty":
            return Reply(status, b"", None, headers)
        if form == "problem":
            return Reply(status, problem(status, message), "application/problem+json; charset=utf-8", headers)
        if form == "fault":
            return Reply(status, wcf_fault(message), "application/xml; charset=utf-8", headers)
        if form == "text":
            return Reply(status, message.encode(), "text/plain; charset=utf-8", headers)
        if form == "html":
            page = f"<h2>HTTP Error {status}</h2><p>{message}</p>"
            page = f"<!DOCTYPE html><html><head><title>{status}</title></head><body>{page}</body></html>"
            return Reply(status, page.encode(), "text/html; charset=utf-8", headers)
        if form == "follow":
            form = "json" if request.wants_json else "xml"
        renderer = (JsonRenderer if form == "json" else XmlRenderer)(request.base, self.switches)
        body = renderer.error(status, message).encode("utf-8", "replace")
        return Reply(status, (BYTE_ORDER_MARK if self.switches.bom else b"") + body, renderer.content_type, headers)
