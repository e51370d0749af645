# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to one host: the only user of requests. Every failure to get an answer becomes an `EmError`."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..errors import EmError
from ..libraries import load_library
from ..options import Connection
from .deadline import watch_connections
from .retry import PASSING_STATUS, is_retriable, iter_retry_pauses, read_retry_after
from .transport_errors import create_transport_error

CHUNK_BYTES = 1 << 16
LOG_OFF_SECONDS = 60.0  # the most for a log-off, during which the module cannot be interrupted


class Response(NamedTuple):
    """An answer, whatever its status. ``headers`` can be asked in any case, as HTTP wants it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """One kept-alive connection to the configured server.

    Nothing of the environment is heeded: no proxy, no ``.netrc``, no CA variable. No cookie is kept, because Enterprise
    Manager lets a cookie win over the session header (reference, http_authentication). No redirect is followed.

    ``deadline``, in seconds of ``clock``, ends requests and retries early; a wait sets it. ``prepare_log_off`` is called
    before a log-off on the way out; the runner sees to it that nothing interrupts what follows.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection = connection
        self.deadline: float | None = None
        self.requests = 0
        self.seen_headers: Mapping[str, str] = {}  # of the latest answer, though its body may never have come
        self.prepare_log_off: Callable[[], None] = lambda: None
        self.is_connecting = False  # that is, nothing of the request can have left
        self._clock = clock
        self._sleep = sleep
        self._session: Any = None
        self._timeout = 0.0
        self._until = 0.0

    def request(self, method: str, path: str, *, headers: Mapping[str, str], shown_path: str | None = None) -> Response:
        """Send a request without a body and return the answer, whatever its status.

        ``path`` begins with a slash; ``shown_path`` stands for it in failures where it holds a secret. Reads are tried
        again after faults that pass, all else only where nothing reached the server. Pauses between tries double.
        """
        shown_path = shown_path or path.partition("?")[0]
        pauses = iter_retry_pauses(self.connection.retries)
        while True:
            try:
                response = self._send_once(method, path, headers, shown_path)
            except EmError as err:
                pause = next(pauses, None)
                if pause is None or not is_retriable(method, err) or not self._has_time_for(pause):
                    raise
            else:
                if method != "GET" or response.status not in PASSING_STATUS:
                    return response
                pause = next(pauses, None)
                if pause is None:
                    return response
                pause = max(pause, read_retry_after(response.headers))
                if not self._has_time_for(pause):
                    return response
            self._sleep(pause)

    def close(self) -> None:
        """Close the connection.

        From 2.0 on urllib3 leaves that to the end of a pool's life, which a failure puts off until rubbish is collected.
        """
        if self._session is not None:
            for adapter in self._session.adapters.values():
                pools = adapter.poolmanager.pools
                for key in list(pools.keys()):  # it cannot be iterated over itself
                    pools[key].close()
            self._session.close()

    def begin_log_off(self) -> None:
        """Make ready for the log-off on the way out: bounded in time, and not to be interrupted."""
        self.prepare_log_off()
        self.deadline = self._clock() + min(self.connection.timeout, LOG_OFF_SECONDS)

    def begin_answer(self) -> None:
        """Give the answer, headers and body, its time from now on."""
        self._until = self._clock() + self._timeout

    def check_answer(self) -> float:
        """Give the seconds that are left for the answer; none is a timeout."""
        left = self._until - self._clock()
        if left <= 0:
            raise socket.timeout("the answer went on for longer than the timeout")  # on Python 3.9 no TimeoutError
        return left

    def _has_time_for(self, pause: float) -> bool:
        return self.deadline is None or self._clock() + pause < self.deadline

    def _open(self) -> Any:
        requests = load_library("requests")
        if self._session is None:
            from http.cookiejar import DefaultCookiePolicy

            self._session = requests.Session()
            self._session.trust_env = False
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            # requests prepares the next request of a redirect even where it must not follow it.
            self._session.get_redirect_target = lambda _response: None
            # The library's own headers, such as User-Agent and Accept, are its users' business.
            self._session.headers.clear()
            watch_connections(self._session, requests.packages.urllib3, self)
            if not self.connection.validate_certs:
                requests.packages.urllib3.disable_warnings()
        return requests

    def _send_once(self, method: str, path: str, headers: Mapping[str, str], shown_path: str) -> Response:
        requests = self._open()
        connection = self.connection
        timeout: float = connection.timeout
        if self.deadline is not None:
            timeout = max(min(timeout, self.deadline - self._clock()), 0.1)
        self.requests += 1
        self.seen_headers = {}
        self._timeout, self.is_connecting = timeout, False
        self.begin_answer()
        got: Any = None
        try:
            got = self._session.request(
                method,
                connection.base_url + path,
                # Whole bodies can be told from cut ones by their length only where nothing is compressed.
                headers={"User-Agent": "vbem.rest", "Accept-Encoding": "identity", **headers},
                timeout=timeout,
                allow_redirects=False,
                stream=True,
                # Given with each request: a CA variable of the environment beats what a requests session says.
                verify=(connection.ca_path or True) if connection.validate_certs else False,
            )
            self.seen_headers = got.headers
            return Response(got.status_code, got.headers, _read_body(got, self.check_answer))
        except (requests.RequestException, requests.packages.urllib3.exceptions.HTTPError, OSError) as err:
            failure = create_transport_error(requests, err, connection, timeout, is_connecting=self.is_connecting)
            failure.method, failure.path = method, shown_path
            if got is not None:
                got.close()
            self.close()  # urllib3 before 2.0 would use the connection of a cut body again
        raise failure


def _read_body(got: Any, check_time: Callable[[], object]) -> bytes:
    """Read a body whole, and not for ever: each piece is taken as it comes, and the time looked at.

    urllib3 before 2.0 takes a cut body for a whole one, and before 2.1 cannot give pieces.
    """
    read = getattr(got.raw, "read1", None)
    pieces = iter(lambda: read(CHUNK_BYTES, decode_content=True), b"") if read else got.iter_content(CHUNK_BYTES)
    chunks = []
    for chunk in pieces:
        chunks.append(chunk)
        check_time()
    body = b"".join(chunks)
    promised = got.headers.get("Content-Length", "")
    if promised.isdecimal() and len(body) < int(promised) and got.status_code != 204 and "Content-Encoding" not in got.headers:
        raise ConnectionError(f"{len(body)} of {promised} bytes came")
    return body
