# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of one Enterprise Manager: logs on when first used, sends requests, reads collections page by page."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any, NamedTuple

from ..errors import EmError
from ..options import Connection
from ..protocol.codec import Body, Document, decode, encode
from ..protocol.links import strip_host
from .pages import CONTAINERS, PageSequence, read_page
from .read_ahead import ReadAhead, predict_next
from .session import LogonSession, create_headers, log_off, log_on
from .status import raise_for_status
from .transport import Response, Transport


class SessionState(Enum):
    """The state of a client's own logon session."""

    REQUESTED = "requested"  # the server may have created it
    OPEN = "open"
    CLOSED = "closed"


def _do_nothing(*_arguments: object) -> None:
    """Ignore a call."""


class Hooks(NamedTuple):
    """Callbacks that the caller of a client provides. Times are in seconds.

    ``on_progress`` receives a line of progress during a wait; ``check_cancelled`` raises KeyboardInterrupt once
    nobody waits for the result any more; ``on_logoff_start`` is called before the log-off on the way out, which must not be
    interrupted.
    """

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    on_progress: Callable[[str], None] = _do_nothing
    check_cancelled: Callable[[], None] = _do_nothing
    on_logoff_start: Callable[[], None] = _do_nothing


class Answer(NamedTuple):
    """The answer to a request that changes something: a 2xx status, and the body where there is one."""

    status: int
    document: Document | None


class Client:
    """A conversation with one Enterprise Manager, to be used as a context manager.

    A borrowed session (one that the connection holds) is used and left open. An own session is opened by the first request and
    logged off on every way out of the context. A lost session is never replaced by a new one: its tasks are lost with it.
    """

    def __init__(self, connection: Connection, *, hooks: Hooks | None = None, transport: Transport | None = None) -> None:
        self.connection = connection
        self.hooks = hooks = hooks or Hooks()
        self.clock = hooks.clock
        self.sleep = hooks.sleep
        self.transport = transport or Transport(
            connection, clock=hooks.clock, sleep=hooks.sleep, on_logoff_start=hooks.on_logoff_start
        )
        self.owns_session = connection.token is None
        self.session_state: SessionState | None = None  # of an own session; None where there was none
        self.session: LogonSession | None = None
        self.requests = 0
        self.pages = 0
        self.warnings: list[str] = []
        self._seen_secrets: set[str] = set()
        if connection.token is not None and connection.session_id is not None:
            self.session = LogonSession(connection.session_id, connection.token)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_failure: object) -> None:
        try:
            self.close()
        except EmError as err:
            self.warnings.append(f"The logon session could not be logged off. It ends after 15 idle minutes. {err.msg}")
        finally:
            self.transport.close()

    @property
    def secrets(self) -> set[str]:
        """Return the strings that must not appear in results, messages or logs."""
        known = {self.connection.password, self.connection.token, self.connection.session_id} | self._seen_secrets
        return {secret for secret in known if secret}

    def hide(self, secrets: Iterable[str]) -> None:
        """Add strings that must not appear in results, messages or logs."""
        self._seen_secrets.update(secrets)

    @property
    def server_time(self) -> float | None:
        """Return the Date of the server's latest answer, in seconds since the epoch; None where it has none."""
        from email.utils import parsedate_to_datetime  # requests has imported it by then

        try:
            return parsedate_to_datetime(self.transport.last_headers.get("Date", "")).timestamp()
        except (TypeError, ValueError):
            return None

    def ensure_session(self) -> LogonSession:
        """Return the logon session, and log on first if there is none yet."""
        if self.session is None:
            self.session_state = SessionState.REQUESTED
            try:
                self.session = log_on(self.transport)
            except EmError as err:
                if not err.may_have_been_sent or err.kind == "logon_failed":
                    self.session_state = None
                raise
            self.session_state = SessionState.OPEN
            self.hide(self.session)
        return self.session

    def close(self) -> None:
        """Log off an own session."""
        if self.owns_session and self.session is not None:
            session, self.session = self.session, None
            self.transport.start_logoff()
            log_off(self.transport, session)
            self.session_state = SessionState.CLOSED

    def detach_session(self) -> LogonSession:
        """Return the session without logging it off: from now on, the caller is responsible for it."""
        session = self.ensure_session()
        self.owns_session = False
        return session

    def connect(self, connection: Connection) -> Client:
        """Return another client with the same hooks and the same list of warnings."""
        client = Client(connection, hooks=self.hooks)
        client.warnings = self.warnings
        return client

    def share_session(self) -> Client:
        """Return a client with a connection of its own in the same logon session, which it borrows."""
        session = self.ensure_session()
        return Client(replace(self.connection, session_id=session.id, token=session.token), hooks=self.hooks)

    def get(self, path: str, *, accept: str | None = None) -> Document:
        """Return the resource that a GET of ``path``, which includes the query, reads. ``accept`` is a media type."""
        return _decode(self._request("GET", path, accept=accept), "GET", path)

    def send(self, method: str, path: str, body: Body | None = None) -> Answer:
        """Send a request that changes something, and return its answer, whose status is 2xx.

        A failure whose status is 2xx means that the server accepted the request, but its answer cannot be read. Only 204, and
        201 for what was created, come without a body.
        """
        response = self._request(method, path, body)
        is_bare = response.status == 204 or (response.status == 201 and not response.body.strip())
        return Answer(response.status, None if is_bare else _decode(response, method, path))

    def locate(self, href: str) -> str | None:
        """Return the URL of an Href on the configured server: its path and query, whatever host and scheme the server wrote.

        The documents mix schemes and host names even within one answer, and behind address translation they may be unreachable.
        It also keeps the token from being sent to another host (wire facts, section 7).
        """
        local = strip_host(href)
        return self.connection.base_url + local if local.startswith("/") else None

    def iter_pages(
        self,
        path: str,
        *,
        list_path: tuple[str, ...],
        accept: str | None = None,
        raw_rows: bool = False,
        read_ahead: bool = False,
    ) -> Generator[list[dict[str, Any]], None, None]:
        """Yield the rows of a query, page by page, by following the pages' links.

        The server pages every query: 100 rows each, unless a page size is given (wire facts, section 4). ``list_path`` leads
        from the body to the list, see `read_page`. With ``raw_rows`` the keys of rows are not converted to snake_case.
        ``read_ahead`` is for callers that read all pages: the next page is prefetched while they process the current one. Until
        the last page, they must not send other requests by this client, unless they close the generator.
        """
        raw_lists_in = CONTAINERS if raw_rows else ()
        ahead = ReadAhead(self, lambda client, wanted: client._fetch_page(wanted, accept))
        sequence = PageSequence(path)
        following: str | None = path
        is_predictable = True
        try:
            while following is not None:
                current = following
                predicted = predict_next(current) if read_ahead and is_predictable and sequence.has_more else None
                if predicted is not None and sequence.may_follow(predicted):
                    ahead.start(predicted)
                response = ahead.take(current)
                with _name_request(path):
                    rows, paging = read_page(self._decode_page(response, raw_lists_in), list_path)
                    self.pages += 1
                    following = sequence.take(rows, paging, current)
                is_predictable = is_predictable and predicted in (None, following)
                if read_ahead and following is not None and sequence.may_follow(following):
                    ahead.start(following)
                yield rows
                if following is not None:
                    with _name_request(path):
                        sequence.follow(following)
        finally:
            ahead.close()

    def _fetch_page(self, path: str, accept: str | None) -> Response:
        return self._request("GET", path, accept=accept)

    @staticmethod
    def _decode_page(page: Response, raw_lists_in: Collection[str]) -> Document:
        return decode(page.body, page.content_type, raw_lists_in=raw_lists_in)

    def _request(self, method: str, path: str, body: Body | None = None, accept: str | None = None) -> Response:
        headers = create_headers(self.connection, self.ensure_session())
        if accept is not None:
            headers["Accept"] = accept
        encoded = None
        if body is not None:
            # One media type in both headers: with JSON in Accept an XML body is refused (wire facts, section 7).
            headers["Content-Type"] = self.connection.accept
            encoded = encode(body, self.connection.accept)
        before = self.transport.requests
        try:
            response = self.transport.request(method, path, headers=headers, body=encoded)
        finally:
            self.requests += self.transport.requests - before
        raise_for_status(response, method, path.partition("?")[0])
        return response


@contextmanager
def _name_request(path: str) -> Iterator[None]:
    """Add status, method and path of the request to a failure in reading its answer."""
    try:
        yield
    except EmError as err:
        err.status, err.method, err.path = 200, "GET", path.partition("?")[0]
        raise


def _decode(response: Response, method: str, path: str) -> Document:
    try:
        return decode(response.body, response.content_type)
    except EmError as err:
        err.status, err.method, err.path = response.status, method, path.partition("?")[0]
        raise
