# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing a server: sends what `probe_requests` lists, one after another, and keeps the answers for `probe_facts`."""

from __future__ import annotations

import base64
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote as percent_encode

from ..client.client import Client
from ..client.session import SESSION_HEADER, LogonSession, create_headers, log_off
from ..client.status import raise_for_status
from ..client.tls import PARTIAL_CHAIN
from ..client.transport import Response
from ..errors import EmError
from ..protocol.codec import decode, decode_error, read_text
from ..protocol.links import find_guid
from ..protocol.references import parse_reference
from .probe_requests import COLLECT, READS, REMOVE, SECOND, TASKS, Request

POLL_SECONDS = 2.0
FINISHED = "Finished"


class Observation(NamedTuple):
    """An answer, or the kind of the failure where there was none. ``seconds`` is how long it took."""

    request: Request
    response: Response | None
    seconds: float
    failure: str | None = None


class Probe(NamedTuple):
    """All that was seen. ``skipped`` has the names of requests that were not sent, each with the reason."""

    observations: dict[str, Observation]
    skipped: dict[str, str]
    clock_skew: float | None  # seconds that the server's clock is ahead of this machine's
    tls: dict[str, Any]

    @property
    def has_collected(self) -> bool:
        """Return whether the server took the request to collect data, or may have: it did not if the API itself says so."""
        seen = self.observations.get("collect")
        if seen is None or seen.response is None:
            return seen is not None
        reason = decode_error(seen.response.body, seen.response.content_type)
        return not 400 <= seen.response.status < 500 or reason.text is None or reason.is_page


def run_probe(client: Client, *, collect: bool, wait_timeout: float) -> Probe:
    """Ask a server, and return what it answered. Everything that this makes on the server is removed again."""
    prober = _Prober(client, wait_timeout)
    client.ensure_session()
    prober.ask_all(READS)
    try:
        if collect:
            prober.collect()
        prober.ask_all(TASKS)
        prober.use_second_session(with_task=collect)
    finally:
        if collect:
            prober.remove_task()
    return Probe(prober.observations, prober.skipped, prober.clock_skew, read_tls(client))


class _Prober:
    """Sends requests, and remembers what later ones need of earlier answers."""

    def __init__(self, client: Client, wait_timeout: float) -> None:
        self.client = client
        self.wait_timeout = wait_timeout
        self.observations: dict[str, Observation] = {}
        self.skipped: dict[str, str] = {}
        self.clock_skew: float | None = None
        self._known: dict[str, str] = {"version": client.connection.api_version}
        self._second: tuple[str, str] | None = None  # id and token of the second session, while it is open

    def ask_all(self, requests: tuple[Request, ...]) -> None:
        """Send requests whose needs are met."""
        for request in requests:
            self.ask(request)

    def ask(self, request: Request) -> Response | None:
        """Send a request, and return its answer; None if there is none, or if something that it needs is not known."""
        self.client.hooks.check_cancelled()
        try:
            path = "/api/" + request.path.format(**{name: percent_encode(one, safe=":") for name, one in self._known.items()})
        except KeyError as missing:
            self.skipped[request.name] = f"no earlier answer told the {missing.args[0]}"
            return None
        self.client.hooks.on_progress(f"{request.shown}: {request.purpose}")
        transport, started, before = self.client.transport, self.client.clock(), self.client.transport.requests
        response, failure = None, None
        try:
            response = transport.request(
                request.method, path, headers=self._create_headers(request), shown_path=request.shown.partition(" ")[2]
            )
        except EmError as err:
            if request.name in ("root", "servers"):  # nothing answers at all
                raise
            failure = err.kind
        finally:
            self.client.requests += transport.requests - before
        if response is not None and response.status == 401 and request.session == "own":
            raise_for_status(response, request.method, request.shown)
        self.observations[request.name] = Observation(request, response, self.client.clock() - started, failure)
        if response is not None:
            self._learn(request.name, response)
        return response

    def _create_headers(self, request: Request) -> dict[str, str]:
        connection = self.client.connection
        if request.session == "own":
            return {**create_headers(connection, self.client.ensure_session()), "Accept": request.accept}
        if request.session == "second" and self._second is not None:
            return {"Accept": request.accept, SESSION_HEADER: self._second[1]}
        if request.session == "logon":
            pair = f"{connection.username}:{connection.password}".encode("utf-8", "surrogateescape")
            return {"Accept": request.accept, "Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
        return {"Accept": request.accept}

    def _learn(self, name: str, response: Response) -> None:
        """Keep what later requests need."""
        if self.clock_skew is None and self.client.server_time is not None:
            self.clock_skew = self.client.server_time - time.time()
        rows = read_rows(response)
        if not rows:
            return
        row = rows[0]
        if name == "servers":
            self._keep("server", find_guid(read_text(row, "href") or read_text(row, "uid") or ""))
        elif name == "objects":
            hrefs = [read_text(link, "href") or "" for link in row.get("links") or () if read_text(link, "type") == "Job"]
            self._keep("job", find_guid(hrefs[0]) if hrefs else None)
        elif name == "points":
            self._learn_machine(row)
        elif name in ("collect", "task"):
            self._keep("task", read_text(row, "task_id"))

    def _learn_machine(self, point: dict[str, Any]) -> None:
        machine, text = read_text(point, "vm_display_name"), read_text(point, "hierarchy_obj_ref") or ""
        reference = parse_reference(text)
        if reference is None:
            return
        self._keep("reference", text.replace('"', '""'))
        self._keep("root", f"urn:veeam:HierarchyRoot:{reference.root_id}")
        self._keep("machine", machine)
        self._keep("part", machine[:-1] if machine and len(machine) > 1 else None)

    def _keep(self, name: str, value: str | None) -> None:
        if value:
            self._known[name] = value

    def collect(self) -> None:
        """Start one data collection, and wait until its task is finished."""
        self.ask(COLLECT[0])
        deadline = self.client.clock() + self.wait_timeout
        while "task" in self._known:
            response = self.ask(COLLECT[1])
            rows = read_rows(response) if response is not None else []
            is_finished = bool(rows) and read_text(rows[0], "state") == FINISHED
            is_gone = response is not None and response.status in (404, 500)
            if is_finished or is_gone or self.client.clock() >= deadline:
                return
            self.client.sleep(POLL_SECONDS)

    def remove_task(self) -> None:
        """Remove the task, if it is finished: removing any other one would stop it."""
        seen = self.observations.get("task")
        rows = read_rows(seen.response) if seen is not None and seen.response is not None else []
        if rows and read_text(rows[0], "state") == FINISHED:
            response = self.ask(REMOVE[0])
            if response is not None and response.status < 400:
                self.ask_all(REMOVE[1:])
        elif "task" in self._known:
            self.skipped["removal"] = "the task was not finished within wait_timeout"

    def use_second_session(self, *, with_task: bool) -> None:
        """Log on once more, look at it, and log off twice."""
        connection = self.client.connection
        if not connection.username or not connection.password:
            for request in SECOND:
                self.skipped[request.name] = "it needs username and password"
            return
        logon, elsewhere, logoff, second_logoff = SECOND
        try:
            self._take_second(self.ask(logon))
        except KeyboardInterrupt:
            self._take_second(None)
            self._end_second()
            raise
        if self._second is None:
            return
        try:
            if with_task:
                self.ask(elsewhere)
        except KeyboardInterrupt:
            self._end_second()
            raise
        response = self.ask(logoff)
        if response is None or response.status != 204:
            self._end_second()
        self.ask(second_logoff)

    def _take_second(self, response: Response | None) -> None:
        """Keep id and token of a new session, also where the answer to its logon was cut short."""
        headers = self.client.transport.last_headers if response is None else response.headers
        token = headers.get(SESSION_HEADER, "").split(",")[0].strip()
        session_id = _read_session_id(response) if response is not None else find_guid(headers.get("Location", ""))
        if token and session_id:
            self.client.hide([token, session_id])
            self._second = (session_id, token)
            self._known["second"] = session_id

    def _end_second(self) -> None:
        """Make sure that the second session is logged off."""
        if self._second is not None:
            with suppress(EmError):
                log_off(self.client.transport, LogonSession(*self._second))


def read_tls(client: Client) -> dict[str, Any]:
    """Return the TLS version, and for how many days the certificate is valid; None for what cannot be told.

    This opens a connection of its own, and sends nothing over it.
    """
    connection = client.connection
    context = ssl.create_default_context(cafile=connection.ca_path)
    context.verify_flags |= PARTIAL_CHAIN
    if not connection.validate_certs:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif connection.ca_path is None:
        with suppress(ImportError, OSError):
            import certifi  # which requests trusts

            context.load_verify_locations(certifi.where())
    version, days = None, None
    with (
        suppress(OSError, ValueError),  # ssl.SSLError is an OSError
        socket.create_connection((connection.hostname, connection.port), connection.timeout) as raw,
        context.wrap_socket(raw, server_hostname=connection.hostname) as secure,
    ):
        version = secure.version()
        until = (secure.getpeercert() or {}).get("notAfter")
        days = int((ssl.cert_time_to_seconds(str(until)) - time.time()) // 86400) if until else None
    return {"version": version, "certificate_days_left": days}


def _read_session_id(response: Response) -> str | None:
    """Return the id of a new session: of its body, or of the last segment of Location."""
    with suppress(EmError):
        data = decode(response.body, response.content_type).data
        if isinstance(data, dict):
            for text in (read_text(data, "session_id"), read_text(data, "href")):
                if text and find_guid(text):
                    return find_guid(text)
            for link in _iter_mappings(data.get("links")):
                if (read_text(link, "rel") or "").lower() == "delete":
                    return find_guid(read_text(link, "href") or "")
    return find_guid(response.headers.get("Location", ""))


def _iter_mappings(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        yield from (one for one in node if isinstance(one, dict))
    elif isinstance(node, dict):
        for one in node.values():
            yield from _iter_mappings(one if isinstance(one, list) else [one])


def read_rows(response: Response) -> list[dict[str, Any]]:
    """Return the resources of a 2xx answer, in whichever shape its list is; none of an answer that cannot be read."""
    if not 200 <= response.status < 300:
        return []
    try:
        data = decode(response.body, response.content_type).data
    except EmError:
        return []
    if not isinstance(data, dict):
        return []
    containers = [data[name] for name in ("entities", "resources", "refs") if data.get(name)]
    return _find_list(containers[0] if containers else data, 0)


def _find_list(node: Any, depth: int) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [one for one in node if isinstance(one, dict)]
    if not isinstance(node, dict) or depth > 4:
        return []
    if any(name in node for name in ("task_id", "uid", "href", "object_ref", "session_id")):
        return [node]
    below = [_find_list(one, depth + 1) for name, one in node.items() if name not in ("paging_info", "links")]
    return next((rows for rows in below if rows), [])
