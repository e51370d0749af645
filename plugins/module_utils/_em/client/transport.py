# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS to one host: the only user of requests. Every failure to get an answer becomes an `EmError`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple

from ..errors import EmError
from ..libraries import load_library
from ..options import Connection
from .deadline import ResponseTimer, limit_responses
from .retry import REQUEST_BACKOFF, is_refused_for_now, is_retryable, read_retry_after
from .tls import trust_partial_chains
from .transport_errors import create_transport_error

CHUNK_BYTES = 1 << 16
WHOLE_BYTES = 1 << 26  # of a body that is read in one piece
MAX_LENGTH_DIGITS = 18  # of a Content-Length; no body is as long as even these say
MAX_IDLE_SECONDS = 1.0  # a write after a longer pause goes over a new connection: gateways drop idle ones silently
MAX_LOGOFF_SECONDS = 60.0  # during which the module cannot be interrupted


class Response(NamedTuple):
    """An answer, whatever its status. ``headers`` is case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the Content-Type; an empty string where there is none."""
        return self.headers.get("Content-Type", "")


class Transport:
    """One kept-alive connection to the configured server.

    The environment is ignored: no proxy, no ``.netrc``, no CA variable. No cookie is kept, because Enterprise
    Manager prefers a cookie to the session header (reference, http_authentication). No redirect is followed.

    ``on_logoff_start`` is called before a log-off on the way out, which must not be interrupted. Times are in seconds of
    ``clock``.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_logoff_start: Callable[[], None] = lambda: None,
    ) -> None:
        self.connection = connection
        self.requests = 0
        self.last_headers: Mapping[str, str] = {}  # of the latest answer, even if its body never arrived
        self._on_logoff_start = on_logoff_start
        self._clock = clock
        self._sleep = sleep
        self._deadline: float | None = None
        self._answered_at = clock()  # when the kept connection last proved to be alive
        self._timer = ResponseTimer(clock)
        self._session: Any = None
        self._is_aborted = False

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        shown_path: str | None = None,
    ) -> Response:
        """Send a request and return the answer, whatever its status.

        ``path`` begins with a slash; ``shown_path`` replaces it in failures where it holds a secret. Reads are retried after
        transient errors, writes only where nothing reached the server, or where it refused them with 429 (Too Many Requests).
        """
        shown_path = shown_path or path.partition("?")[0]
        pauses = islice(REQUEST_BACKOFF.pauses(), self.connection.retries)
        while True:
            try:
                response = self._send_once(method, path, headers, body, shown_path)
            except EmError as err:
                pause = next(pauses, None)
                if pause is None or not is_retryable(method, err) or not self._has_time_for(pause):
                    raise
            else:
                if not is_refused_for_now(method, response.status):
                    return response
                pause = next(pauses, None)
                if pause is None:
                    return response
                pause = max(pause, read_retry_after(response.headers))
                if not self._has_time_for(pause):
                    return response
            self._sleep(pause)

    @contextmanager
    def deadline(self, deadline: float) -> Iterator[None]:
        """Limit requests and retries within the context by a deadline, which is a time of the clock."""
        self._deadline = deadline
        try:
            yield
        finally:
            self._deadline = None

    def start_logoff(self) -> None:
        """Prepare for the log-off on the way out: it is limited in time and must not be interrupted."""
        self._on_logoff_start()
        self._deadline = self._clock() + min(self.connection.timeout, MAX_LOGOFF_SECONDS)

    def close(self) -> None:
        """Close the connection.

        urllib3 2.0 and newer closes connections only when the pool is garbage-collected, and a traceback keeps it alive.
        """
        if self._session is not None:
            for adapter in self._session.adapters.values():
                pools = adapter.poolmanager.pools
                for key in list(pools.keys()):  # the container itself cannot be iterated
                    pools[key].close()
            self._session.close()

    def abort(self) -> None:
        """Abort the request of another thread: it fails at once. Nothing is retried until `resume`."""
        self._is_aborted = True
        self._timer.abort()

    def resume(self) -> None:
        """Allow retries again."""
        self._is_aborted = False

    def _has_time_for(self, pause: float) -> bool:
        return not self._is_aborted and (self._deadline is None or self._clock() + pause < self._deadline)

    def _open(self) -> Any:
        requests = load_library("requests")
        if self._session is None:
            from http.cookiejar import DefaultCookiePolicy

            self._session = requests.Session()
            self._session.trust_env = False
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            # requests prepares the next request of a redirect even with allow_redirects=False.
            self._session.get_redirect_target = lambda _response: None
            self._session.headers.clear()  # the library's own User-Agent and Accept
            limit_responses(self._session, requests.packages.urllib3, self._timer)
            if self.connection.validate_certs:
                trust_partial_chains(self._session, requests.packages.urllib3)
            else:
                requests.packages.urllib3.disable_warnings()
        return requests

    def _send_once(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, shown_path: str) -> Response:
        requests = self._open()
        connection = self.connection
        if method != "GET" and self._clock() - self._answered_at > MAX_IDLE_SECONDS:
            self.close()
        timeout: float = connection.timeout
        if self._deadline is not None:
            timeout = max(min(timeout, self._deadline - self._clock()), 0.1)
        self.requests += 1
        self.last_headers = {}
        self._timer.start(timeout)
        got: Any = None
        try:
            got = self._session.request(
                method,
                connection.base_url + path,
                # Only the length of an uncompressed body tells a whole one from a truncated one.
                headers={"User-Agent": "vbem.rest", "Accept-Encoding": "identity", **headers},
                data=body,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
                # Passed with each request: a CA variable of the environment takes precedence over session.verify.
                verify=(connection.ca_path or True) if connection.validate_certs else False,
            )
            self.last_headers = got.headers
            response = Response(got.status_code, got.headers, _read_body(got))
            self._answered_at = self._clock()
            return response
        except (requests.RequestException, requests.packages.urllib3.exceptions.HTTPError, OSError) as err:
            failure = create_transport_error(requests, err, connection, timeout, is_connecting=self._timer.is_connecting)
            failure.method, failure.path = method, shown_path
            if got is not None:
                got.close()
            self.close()  # urllib3 before 2.0 would reuse the connection of a truncated body
        raise failure


def _read_body(got: Any) -> bytes:
    """Read a whole body. Its connection keeps to the time that is left for the answer, see `limit_responses`.

    A body of known length is read in one piece, which takes a third of the time; but no memory is set aside for a length that
    only a broken server would announce. urllib3 before 2.0 does not detect a truncated body.
    """
    promised = got.headers.get("Content-Length", "")
    length = int(promised[:MAX_LENGTH_DIGITS]) if promised.isdecimal() else None
    if length is not None and length <= WHOLE_BYTES:
        body: bytes = got.raw.read(decode_content=True)
    else:
        body = b"".join(got.iter_content(CHUNK_BYTES))
    if length is not None and len(body) < length and got.status_code != 204 and "Content-Encoding" not in got.headers:
        raise ConnectionError(f"{len(body)} of {length} bytes came")
    return body
