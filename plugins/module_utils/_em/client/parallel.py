# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many small requests: one after the other where the server is near, over a few connections where it is far."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum

from .client import Client

MOST_CONNECTIONS = 4  # a person's browser opens six
TRIALS = 3  # requests that are sent one after the other first, to learn how far the server is
FAR = 0.012  # seconds for a request; a server next door answers in one or two thousandths
FEWEST = 6  # requests that are left for which further connections, of three round trips each, are worth it


class Verdict(Enum):
    """What to do after a request."""

    GO_ON = "go on"
    SLOW_DOWN = "slow down"  # something is amiss: one connection from here on
    END = "end"  # no further request


Work = Callable[[Client, str], Verdict]


def work_off(client: Client, items: deque[str], work: Work) -> None:
    """Call ``work(client, item)`` for each item until one says to end; what is left in ``items`` was not begun.

    If the server is far, up to `MOST_CONNECTIONS` are used at once, each by a thread with a client of its own in the same
    logon session. So ``work`` may be called from several threads, but never twice for one item. As soon as anything is
    amiss there is one connection again. What is being done when ``work`` says to end, or this thread is interrupted, is
    finished first. So it is when nobody waits for the module any more.
    """
    durations: list[float] = []
    with_crew = True
    while items:
        if with_crew and len(durations) >= TRIALS and len(items) >= FEWEST and min(durations[-TRIALS:]) >= FAR:
            if _work_side_by_side(client, items, work) is Verdict.END:
                return
            with_crew = False
            continue
        client.check_awaited()
        begin = client.clock()
        verdict = work(client, items.popleft())
        durations.append(client.clock() - begin)
        if verdict is Verdict.END:
            return
        with_crew = with_crew and verdict is Verdict.GO_ON


class _Crew:
    """Threads that take items from one queue until it is empty, or one of them has something else to say."""

    def __init__(self, items: deque[str], work: Work) -> None:
        self.verdict = Verdict.GO_ON
        self.failure: BaseException | None = None
        self._items = items
        self._work = work
        self._lock = threading.Lock()

    def take_part(self, client: Client) -> None:
        """Work until there is no reason to."""
        try:
            while self.verdict is Verdict.GO_ON:
                client.check_awaited()
                try:
                    item = self._items.popleft()
                except IndexError:
                    return
                self._note(self._work(client, item))
        except BaseException as err:  # of whatever kind: the caller's thread raises it
            self.failure = self.failure or err
            self._note(Verdict.END)

    def _note(self, verdict: Verdict) -> None:
        with self._lock:
            if self.verdict is not Verdict.END and verdict is not Verdict.GO_ON:
                self.verdict = verdict


def _work_side_by_side(client: Client, items: deque[str], work: Work) -> Verdict:
    crew = _Crew(items, work)
    members = [_create_member(client) for _number in range(min(MOST_CONNECTIONS, len(items) // 2) - 1)]
    threads = [threading.Thread(target=crew.take_part, args=(member,), daemon=True) for member in members]
    try:
        with suppress(RuntimeError):  # no more threads on this machine: those there are will do
            for thread in threads:
                thread.start()
        crew.take_part(client)
    except BaseException:
        crew.verdict = Verdict.END
        raise
    finally:
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for member in members:
            member.transport.close()
            client.requests += member.requests
    if crew.failure is not None:
        raise crew.failure
    return crew.verdict


def _create_member(client: Client) -> Client:
    """Create a client in the same logon session, with a connection of its own. It has borrowed the session."""
    session = client.session
    connection = replace(client.connection, session_id=session.id, token=session.token)
    member = Client(connection, clock=client.clock, sleep=client.sleep)
    member.check_awaited = client.check_awaited
    return member
