# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is retried, when, and after which pauses. Time comes in as parameters, so that no test sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from ..errors import EmError
from ..options import IDLE_SECONDS

REQUEST_PAUSE = 0.5  # seconds before the first retry; each further one is twice as long
REQUEST_LONGEST = 30.0  # also the most that a Retry-After is heeded
PASSING_STATUS = (429, 502, 503, 504)
FIRST_PAUSE = 0.25  # seconds; a task of a second or two should not cost a poll_interval
GROWTH = 1.5
LONGEST_PAUSE = IDLE_SECONDS / 3  # a pause must never be what loses the session


def iter_pauses(longest: float, *, first: float = FIRST_PAUSE, spread: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield pauses in seconds: a short one first, each half as long again, up to ``longest``, a tenth shorter by chance.

    The chance keeps many waiting plays from polling in step.
    """
    longest = min(longest, LONGEST_PAUSE)
    pause = min(first, longest)
    while True:
        yield pause * (1 - 0.1 * spread())
        pause = min(pause * GROWTH, longest)


def iter_retry_pauses(retries: int) -> Iterator[float]:
    """Yield the seconds to pause before each of ``retries`` further tries."""
    for attempt in range(retries):
        yield min(REQUEST_PAUSE * 2**attempt, REQUEST_LONGEST)


def is_retriable(method: str, err: EmError) -> bool:
    """Ask whether a request without an answer may be sent again: a read, or a write that never left."""
    return err.kind in ("connection", "timeout") and (method == "GET" or not err.sent)


def read_retry_after(headers: Mapping[str, str]) -> float:
    """Give the seconds of a Retry-After header, at most `REQUEST_LONGEST`; 0 without one, or where it is a date."""
    value = headers.get("Retry-After", "").strip()
    return min(float(value), REQUEST_LONGEST) if value.isascii() and value.isdecimal() else 0.0
