# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs in, plain data out: a client that logs on when first used and reads collections page by page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import EmError
from ..options import Connection
from ..protocol.codec import Document, decode, read_int
from ..protocol.links import strip_host
from .pages import find_next_page, read_page
from .session import LogonSession, create_headers, log_off, log_on
from .status import create_status_error
from .transport import Response, Transport


class Fate(Enum):
    """What is known of a client's own logon session."""

    BEGUN = "begun"  # asked for; the server may have made it
    OPEN = "open"
    ENDED = "ended"


class Client:
    """A conversation with one Enterprise Manager, to be used as a context manager.

    A borrowed session (one that the connection holds) is used and left open. An own one is opened by the first request
    and logged off on every way out of the context. A session that is lost is never replaced by a new one: the tasks
    that were asked about went with it.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.sleep = sleep
        self.transport = Transport(connection, clock=clock, sleep=sleep)
        self.is_own = connection.token is None
        self.requests = 0
        self.pages = 0
        self.warnings: list[str] = []
        self.filters_tasks = True  # until this server has shown that it does not
        self.filters_runs = True  # likewise
        self.report: Callable[[str], None] = lambda _line: None  # told what a wait sees
        self.check_awaited: Callable[[], None] = lambda: None  # ends by KeyboardInterrupt once nobody waits any more
        self.fate: Fate | None = None  # what has become of an own session; None: there was none
        self._session: LogonSession | None = None
        self._seen_secrets: set[str] = set()
        if connection.token is not None and connection.session_id is not None:
            self._session = LogonSession(connection.session_id, connection.token)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_failure: object) -> None:
        try:
            self.close()
        except EmError as err:
            self.warnings.append(f"The logon session could not be logged off and ends when idle for 15 minutes: {err.msg}")
        finally:
            self.transport.close()

    @property
    def session(self) -> LogonSession:
        """Give the logon session, logging on if there is none yet."""
        if self._session is None:
            self.fate = Fate.BEGUN
            try:
                self._session = log_on(self.transport)
            except EmError as err:
                if not err.sent or err.kind == "logon_failed":
                    self.fate = None
                raise
            self.fate = Fate.OPEN
            self._seen_secrets = set(self._session)
        return self._session

    @property
    def secrets(self) -> set[str]:
        """Give what must not be shown to anyone."""
        known = {self.connection.password, self.connection.token, self.connection.session_id} | self._seen_secrets
        return {secret for secret in known if secret}

    @property
    def server_time(self) -> float | None:
        """Give the time that the server's latest answer bears, in seconds since the epoch; None where it bears none."""
        from email.utils import parsedate_to_datetime  # requests has loaded it by then

        try:
            return parsedate_to_datetime(self.transport.seen_headers.get("Date", "")).timestamp()
        except (TypeError, ValueError):
            return None

    def log_on(self) -> None:
        """Log on if that has not been done, where a failure to do so must not be taken for an answer to what follows."""
        _session = self.session

    def close(self) -> None:
        """Log off an own session."""
        if self.is_own and self._session is not None:
            session, self._session = self._session, None
            self.transport.begin_log_off()
            log_off(self.transport, session)
            self.fate = Fate.ENDED

    def keep(self) -> LogonSession:
        """Hand the session over: it is no longer this client's to log off."""
        session = self.session
        self.is_own = False
        return session

    def get(self, path: str) -> Document:
        """Read a resource. ``path`` is relative to the server, query included."""
        return self._decode(self._request("GET", path), "GET", path)

    def post(self, path: str) -> Document | None:
        """Ask for an action; give what the server answers, None where it has nothing to say because all is done (204).

        A failure whose status is 2xx means that the server took the request, but what it answered cannot be read.
        """
        response = self._request("POST", path)
        if response.status == 204:
            return None
        return self._decode(response, "POST", path)

    def delete(self, path: str) -> int:
        """Remove a resource; give the status, which is 2xx."""
        return self._request("DELETE", path).status

    def locate(self, href: str) -> str | None:
        """Give an Href on the configured server: its path and query, whatever host and scheme the server wrote.

        The documents mix schemes and host names even within one answer, and behind an address translation none may be
        reachable; and so the token goes to no other host (wire facts, section 7).
        """
        local = strip_host(href)
        return self.connection.base_url + local if local.startswith("/") else None

    def iter_pages(self, path: str, *, list_path: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a query, page by page, by following the pages' links.

        Pages come whether asked for or not: 100 rows each, unless a page size is given (wire facts, section 4).
        ``list_path`` leads from the body to the list; an empty one means whichever list of JSON is there. Pages that go in a
        circle, repeat or are left out end as ``bad_response``. They are numbered from 1 (wire facts, section 4); only that of
        an empty list may be 0.
        """
        seen_paths = {path}
        seen_rows: set[int] = set()
        most_pages: int | None = None
        number = 0
        while True:
            rows, paging = read_page(self.get(path), list_path)
            self.pages += 1
            previous, number = number, read_int(paging, "page_num") or 0
            fingerprint = _create_fingerprint(rows)
            if rows and fingerprint in seen_rows:
                raise _create_paging_error(path, "the same page came twice")
            seen_rows.add(fingerprint)
            following = find_next_page(path, paging)
            if number > previous + 1:
                raise _create_paging_error(path, f"page {previous + 1} was left out, and page {number} came")
            if number <= previous and (rows or previous or following is not None):
                raise _create_paging_error(path, "they go in a circle" if previous else f"the first one is page {number}")
            yield rows
            if following is None:
                return
            if following in seen_paths:
                raise _create_paging_error(path, "they go in a circle")
            if most_pages is None:
                most_pages = 2 * (read_int(paging, "pages_count") or 0) + 100
            if len(seen_paths) >= most_pages:
                raise _create_paging_error(path, f"there are more than {most_pages} of them, far more than the first one said")
            seen_paths.add(following)
            path = following

    @staticmethod
    def _decode(response: Response, method: str, path: str) -> Document:
        try:
            return decode(response.body, response.headers.get("Content-Type", ""))
        except EmError as err:
            err.status, err.method, err.path = response.status, method, path.partition("?")[0]
            raise

    def _request(self, method: str, path: str) -> Response:
        headers = create_headers(self.connection, self.session)
        before = self.transport.requests
        try:
            response = self.transport.request(method, path, headers=headers)
        finally:
            self.requests += self.transport.requests - before
        failure = create_status_error(response, method, path.partition("?")[0])
        if failure is not None:
            raise failure
        return response


def _create_fingerprint(rows: list[dict[str, Any]]) -> int:
    try:
        return hash(tuple(row.get("href") or repr(row) for row in rows))
    except (TypeError, RecursionError):  # an address that is an object, or objects within objects without end
        raise EmError("bad_response", "The server's list holds something that is not a resource.") from None


def _create_paging_error(path: str, what: str) -> EmError:
    asked = dict(parse_qsl(urlsplit(path).query)).get("type", "")
    return EmError(
        "bad_response",
        f"The pages of the server's list of {asked or 'resources'} cannot be relied on: {what}. Nothing was made of them.",
        method="GET",
        path=urlsplit(path).path,
    )
