# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling: calling a function until it returns something, and retrying after transient errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ..errors import EmError
from .client import Client
from .retry import POLL_BACKOFF, is_transient

T = TypeVar("T")


class WaitBudget:
    """How long a wait may take, from its creation on, and the longest pause between two polls; in seconds."""

    def __init__(self, client: Client, wait_timeout: float, poll_interval: float) -> None:
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.deadline = client.clock() + wait_timeout


class TimedOut(NamedTuple):
    """The deadline has passed. ``last_error`` is the last poll's failure, if it had one."""

    last_error: EmError | None

    def explain(self) -> str:
        """Return a sentence to append to a message; an empty string if no poll failed."""
        return f" The last poll failed: {self.last_error.msg}" if self.last_error else ""

    @property
    def detail(self) -> str | None:
        """Return the detail of a ``wait_timeout`` failure."""
        return self.last_error.msg if self.last_error else None


def poll(  # noqa: PLR0913 - how long, and how often
    client: Client,
    function: Callable[[], T | None],
    budget: WaitBudget,
    *,
    deadline: float | None = None,
    pause_first: bool = False,
    first_pause: float | None = None,
) -> T | TimedOut:
    """Call ``function`` until it returns something, and return that. Return `TimedOut` after the deadline, a time of the clock.

    With ``pause_first`` there is a pause before the first call, of ``first_pause`` seconds if that is given.
    Transient errors are retried. Any other error, such as a lost session or a refusal, is raised.
    """
    deadline = budget.deadline if deadline is None else deadline
    pauses = POLL_BACKOFF.pauses(at_most=budget.poll_interval)
    last_error: EmError | None = None
    while True:
        if pause_first:
            left = deadline - client.clock()
            if left <= 0:
                return TimedOut(last_error)
            pause = next(pauses) if first_pause is None else min(first_pause, budget.poll_interval)
            first_pause = None
            client.sleep(min(pause, left))
        pause_first = True
        try:
            with client.transport.deadline(max(deadline, client.clock() + 1)):
                result = function()
            last_error = None
        except EmError as err:
            if not is_transient(err):
                raise
            last_error, result = err, None
        if result is not None:
            return result
