# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prefetching: the next page is fetched in a thread while the caller processes the one before, over two connections."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .transport import Response

if TYPE_CHECKING:
    from .client import Client

Fetch = Callable[["Client", str], Response]


class ReadAhead:
    """Pages that are being fetched, by path. Only `take` raises the failure of a page, when that page is taken.

    While it is open, nobody else may send requests by the client: the client's own connection is one of the two.
    """

    def __init__(self, client: Client, fetch: Fetch) -> None:
        self._client = client
        self._fetch = fetch
        self._idle = [client]
        self._second: Client | None = None
        self._executor: Any = None
        self._futures: dict[str, Any] = {}

    def start(self, path: str) -> None:
        """Start to fetch a page, unless that has begun already, or two others are being fetched."""
        if path in self._futures or len(self._futures) > 1:
            return
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor  # few modules need it

            self._executor = ThreadPoolExecutor(2)
        if not self._idle:
            self._second = self._client.share_session()
            self._idle.append(self._second)
        client = self._idle.pop()
        try:
            self._futures[path] = self._executor.submit(self._fetch_with, client, path)
        except RuntimeError:  # the machine has no more threads: nothing is fetched ahead
            self._idle.append(client)

    def take(self, path: str) -> Response:
        """Return the answer with a page: the one that is being fetched or, without one, that of a request sent now."""
        future = self._futures.pop(path, None)
        if future is None:
            self._drop()
            return self._fetch(self._client, path)
        response: Response = future.result()
        return response

    def close(self) -> None:
        """Abort the requests in flight, and close the second connection."""
        busy = [client for client in (self._client, self._second) if client is not None and client not in self._idle]
        for client in busy:
            client.transport.abort()
        self._drop()
        if self._executor is not None:
            self._executor.shutdown(wait=True)
        for client in busy:
            client.transport.resume()
        if self._second is not None:
            self._second.transport.close()
            self._client.requests += self._second.requests

    def _fetch_with(self, client: Client, path: str) -> Response:
        try:
            return self._fetch(client, path)
        finally:
            self._idle.append(client)

    def _drop(self) -> None:
        """Wait for the requests in flight, and discard their answers and failures."""
        while self._futures:
            self._futures.popitem()[1].exception()


def predict_next(path: str) -> str | None:
    """Return the path of the next page, by the page number in this page's path; None if it has none."""
    match = re.search(r"([?&]page=)(\d{1,9})(?=&|$)", path, re.IGNORECASE)
    return f"{path[: match.start(2)]}{int(match[2]) + 1}{path[match.end(2) :]}" if match else None
