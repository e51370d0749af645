# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry policy, all of it: what is retried, how often, and after which pauses.

Three things are repeated: a request that failed with a transient error, a poll for something that has not happened yet, and the
event source's polls while the server is unavailable. Pauses are in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ..errors import EmError
from ..options import IDLE_SECONDS

RETRYABLE_STATUS = (429, 502, 503, 504)
TRANSIENT_KINDS = ("connection", "timeout", "server_error", "bad_response")
MAX_RETRY_AFTER = 30.0  # the most that a Retry-After header is followed


class Backoff(NamedTuple):
    """A pause that grows by ``factor`` from ``first`` up to ``longest``, each up to ``jitter`` (a share) shorter at random."""

    first: float
    factor: float
    longest: float
    jitter: float = 0.0

    def pauses(self, *, at_most: float | None = None, spread: Callable[[], float] = random.random) -> Iterator[float]:
        """Yield the pauses, without end. ``at_most`` lowers the longest one."""
        longest = self.longest if at_most is None else min(self.longest, at_most)
        pause = min(self.first, longest)
        while True:
            yield pause * (1 - self.jitter * spread()) if self.jitter else pause
            pause = min(pause * self.factor, longest)


# A retry of one request, within the option ``retries``.
REQUEST_BACKOFF = Backoff(0.5, 2.0, MAX_RETRY_AFTER)
# A poll. It starts fast, because a task of a second should not cost a poll_interval; it never pauses long enough to lose an
# idle session; and the jitter keeps many waiting plays from polling in step.
POLL_BACKOFF = Backoff(0.25, 1.5, IDLE_SECONDS / 3, jitter=0.1)
# Polls of the event source after a failure.
RECONNECT_BACKOFF = Backoff(1.0, 2.0, 300.0)


def is_retryable(method: str, err: EmError) -> bool:
    """Return whether a request without an answer may be sent again: a read, or a write that never reached the server."""
    return err.kind in ("connection", "timeout") and (method == "GET" or not err.may_have_been_sent)


def is_refused_for_now(method: str, status: int) -> bool:
    """Return whether a request with an answer may be sent again: a read, or a write that 429 says was not done."""
    return status == 429 or (method == "GET" and status in RETRYABLE_STATUS)


def is_transient(err: EmError) -> bool:
    """Return whether a later poll may succeed. A 404 counts: something else answers while a service restarts."""
    return err.kind in TRANSIENT_KINDS or err.status == 404


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds of a Retry-After header, at most `MAX_RETRY_AFTER`; 0 without one, or where it is a date."""
    value = headers.get("Retry-After", "").strip()
    return min(float(value), MAX_RETRY_AFTER) if value.isascii() and value.isdecimal() else 0.0
