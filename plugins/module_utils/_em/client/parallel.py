# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many small requests: serially to a nearby server, in parallel over a few connections to a distant one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from threading import Lock

from .client import Client

MAX_CONNECTIONS = 4  # a browser opens six
WARMUP_REQUESTS = 3  # sent serially first, to measure how far the server is
SLOW_SERVER_SECONDS = 0.012  # for a request; a server on the same network answers in one or two milliseconds
MIN_PARALLEL_ITEMS = 6  # the fewest items for which further connections, of three round trips each, are worth it


class Next(Enum):
    """What to do after a request."""

    CONTINUE = "continue"
    SERIAL = "serial"  # an error occurred: use one connection from here on
    STOP = "stop"  # send no further request


Work = Callable[[Client, str], Next]


def run_parallel(client: Client, items: deque[str], work: Work) -> None:
    """Call ``work(client, item)`` for each item until one returns `Next.STOP`; items left in ``items`` were not attempted.

    If the server is distant, up to `MAX_CONNECTIONS` threads work at once, each with a client of its own in the same logon
    session. ``work`` may thus be called from several threads, but never twice for one item. Falls back to one connection after
    the first error. Requests in flight are completed before this returns, also on cancellation.
    """
    durations: list[float] = []
    may_be_parallel = True
    while items:
        is_slow = len(durations) >= WARMUP_REQUESTS and min(durations[-WARMUP_REQUESTS:]) >= SLOW_SERVER_SECONDS
        if may_be_parallel and is_slow and len(items) >= MIN_PARALLEL_ITEMS:
            if _run_in_threads(client, items, work) is Next.STOP:
                return
            may_be_parallel = False
            continue
        client.hooks.check_cancelled()
        begin = client.clock()
        verdict = work(client, items.popleft())
        durations.append(client.clock() - begin)
        if verdict is Next.STOP:
            return
        may_be_parallel = may_be_parallel and verdict is Next.CONTINUE


class WorkerPool:
    """Workers that take items from one queue until it is empty, or until one of them returns something but `Next.CONTINUE`."""

    def __init__(self, items: deque[str], work: Work) -> None:
        self.next = Next.CONTINUE
        self._items = items
        self._work = work
        self._lock = Lock()

    def run_worker(self, client: Client) -> None:
        """Process items until the queue is empty, or until a worker has returned something other than `Next.CONTINUE`."""
        try:
            while self.next is Next.CONTINUE:
                client.hooks.check_cancelled()
                try:
                    item = self._items.popleft()
                except IndexError:
                    return
                self.update(self._work(client, item))
        except BaseException:  # of any kind: the future hands it to the caller's thread
            self.update(Next.STOP)
            raise

    def update(self, verdict: Next) -> None:
        """Note a worker's verdict; STOP is final."""
        with self._lock:
            if self.next is not Next.STOP and verdict is not Next.CONTINUE:
                self.next = verdict


def _run_in_threads(client: Client, items: deque[str], work: Work) -> Next:
    from concurrent.futures import Future, ThreadPoolExecutor  # few modules need it

    pool = WorkerPool(items, work)
    clients = [client.share_session() for _number in range(min(MAX_CONNECTIONS, len(items) // 2) - 1)]
    executor = ThreadPoolExecutor(len(clients))
    futures: list[Future[None]] = []
    try:
        with suppress(RuntimeError):  # the machine has no more threads: those that started are enough
            futures.extend(executor.submit(pool.run_worker, worker) for worker in clients)
        pool.run_worker(client)
    except BaseException:
        pool.update(Next.STOP)
        raise
    finally:
        executor.shutdown(wait=True)
        for worker in clients:
            worker.transport.close()
            client.requests += worker.requests
    for future in futures:
        future.result()
    return pool.next
