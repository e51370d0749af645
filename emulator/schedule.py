# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to happen later: the clock never waits, so it happens when somebody next looks."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator

Event = Callable[[], object]


class Schedule:
    """Events by the time they are due."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Event]] = []
        self._order = itertools.count()

    def add(self, at: float, event: Event) -> None:
        """Let something happen at this time."""
        heapq.heappush(self._queue, (at, next(self._order), event))

    def due(self, now: float) -> Iterator[tuple[float, Event]]:
        """Return what is due with its time, in order; an event may add others."""
        while self._queue and self._queue[0][0] <= now:
            at, _order, event = heapq.heappop(self._queue)
            yield at, event

    def clear(self) -> None:
        """Forget all."""
        self._queue.clear()
