# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching the next page while the one before is made plain: one ahead, over a connection of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .transport import Response

if TYPE_CHECKING:
    from .client import Client

Fetch = Callable[["Client", str], Response]


class ReadAhead:
    """One request ahead, in a thread. A failure of it is raised only by `take`, when its turn comes."""

    def __init__(self, client: Client, fetch: Fetch) -> None:
        self._client = client
        self._fetch = fetch
        self._worker: Client | None = None
        self._executor: Any = None
        self._path: str | None = None
        self._future: Any = None

    def start(self, path: str) -> None:
        """Begin to fetch a page, unless it is on its way. A page of another path that is on its way is not needed any more."""
        if path == self._path:
            return
        self._drop()
        try:
            if self._executor is None:
                from concurrent.futures import ThreadPoolExecutor  # few modules need it

                self._executor = ThreadPoolExecutor(1)
                self._worker = self._client.share_session()
            self._future = self._executor.submit(self._fetch, self._worker, path)
            self._path = path
        except RuntimeError:  # the machine has no more threads
            self._future = self._path = None

    def take(self, path: str) -> Response:
        """Return a page, which may be on its way already."""
        if path != self._path:
            self._drop()
            return self._fetch(self._client, path)
        future, self._future, self._path = self._future, None, None
        try:
            response: Response = future.result()
            return response
        finally:
            self._count()

    def close(self) -> None:
        """End what is on its way, and close the connection."""
        if self._worker is not None:
            self._worker.transport.abort()
        self._drop()
        if self._executor is not None:
            self._executor.shutdown(wait=True)
        if self._worker is not None:
            self._worker.transport.close()

    def _drop(self) -> None:
        """Wait for what is on its way, and forget it with its failure."""
        future, self._future, self._path = self._future, None, None
        if future is not None:
            future.exception()
            self._count()

    def _count(self) -> None:
        if self._worker is not None:
            self._client.requests += self._worker.requests
            self._worker.requests = 0


def predict_next(path: str) -> str | None:
    """Return the path of the page after the one of a path, if pages of this server are numbered as these; None otherwise."""
    match = re.search(r"([?&]page=)(\d{1,9})(?=&|$)", path, re.IGNORECASE)
    return f"{path[: match.start(2)]}{int(match[2]) + 1}{path[match.end(2) :]}" if match else None
