# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling: looking until something is seen, through faults that pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ..errors import EmError
from .client import Client
from .retry import iter_pauses

PASSING_KINDS = ("connection", "timeout", "server_error", "bad_response")
Seen = TypeVar("Seen")


class TimedOut(NamedTuple):
    """The time is up; ``trouble`` is the last poll's failure, if it had one."""

    trouble: EmError | None

    def explain(self) -> str:
        """Give a sentence to add to a message."""
        return f" The last poll got no answer: {self.trouble.msg}" if self.trouble else ""


def poll(
    client: Client, look: Callable[[], Seen | None], *, deadline: float, poll_interval: float, pause_first: bool = False
) -> Seen | TimedOut:
    """Call ``look`` until it gives something, and give that; or `TimedOut` at ``deadline``, in seconds of the clock.

    Faults that pass are ridden out. A lost session, a refusal and whatever else ``look`` raises are not.
    """
    pauses = iter_pauses(poll_interval)
    trouble: EmError | None = None
    while True:
        if pause_first:
            left = deadline - client.clock()
            if left <= 0:
                return TimedOut(trouble)
            client.sleep(min(next(pauses), left))
        pause_first = True
        client.transport.deadline = max(deadline, client.clock() + 1)
        try:
            seen = look()
            trouble = None
        except EmError as err:
            if err.kind not in PASSING_KINDS and err.status != 404:  # a 404 is what answers for a service that restarts
                raise
            trouble, seen = err, None
        finally:
            client.transport.deadline = None
        if seen is not None:
            return seen
