# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many small requests: when they go over several connections, and how that ends. No network; the clock is a fake."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.client.parallel import (
    MAX_CONNECTIONS,
    MIN_PARALLEL_ITEMS,
    SLOW_SERVER_SECONDS,
    WARMUP_REQUESTS,
    Next,
    WorkerPool,
    run_parallel,
)

COUNT = 30
ITEMS = [str(number) for number in range(COUNT)]
MAIN = threading.main_thread()


class FakeClient:
    """A client to whose server each request takes as long as the clock of the first one says."""

    def __init__(self, seconds: float, *, hooks: Hooks | None = None) -> None:
        self.hooks = hooks or Hooks()
        self.requests = 0
        self.shared: list[FakeClient] = []
        self.is_closed = False
        self.transport = self  # which is closed
        self._seconds = seconds
        self._now = 0.0

    def clock(self) -> float:
        """Return a time that advances between the beginning of a request and its end."""
        self._now += self._seconds
        return self._now

    def share_session(self) -> FakeClient:
        self.shared.append(FakeClient(self._seconds, hooks=self.hooks))
        return self.shared[-1]

    def close(self) -> None:
        self.is_closed = True


class Run:
    """Runs items against a server, and notes by which client, and in which thread, each was worked on."""

    def __init__(
        self,
        work: Callable[[str], Next] = lambda _item: Next.CONTINUE,
        *,
        seconds: float = 1.0,
        items: list[str] = ITEMS,
        hooks: Hooks | None = None,
    ) -> None:
        self.client = FakeClient(seconds, hooks=hooks)
        self.left = deque(items)
        self.done: list[tuple[str, FakeClient, threading.Thread]] = []
        self.failure: BaseException | None = None

        def record(client: Any, item: str) -> Next:
            client.requests += 1
            self.done.append((item, client, threading.current_thread()))
            return work(item)

        try:
            run_parallel(cast(Client, self.client), self.left, record)
        except BaseException as err:
            self.failure = err

    @property
    def items(self) -> list[str]:
        return [item for item, _client, _thread in self.done]

    @property
    def clients(self) -> list[FakeClient]:
        return list(dict.fromkeys(client for _item, client, _thread in self.done))


class Meeting:
    """Keeps workers waiting until all are at work, so that the order of threads does not matter."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(MAX_CONNECTIONS, timeout=20)

    def wait(self, item: str) -> None:
        if WARMUP_REQUESTS <= int(item) < WARMUP_REQUESTS + MAX_CONNECTIONS:
            self._barrier.wait()


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return an event that is set once a worker has ended the parallel part, so that the order of threads does not matter."""
    event = threading.Event()
    update = WorkerPool.update

    def set_event(pool: WorkerPool, verdict: Next) -> None:
        update(pool, verdict)
        if verdict is not Next.CONTINUE:
            event.set()

    monkeypatch.setattr(WorkerPool, "update", set_event)
    return event


@pytest.mark.parametrize("seconds", [0.0, 0.9 * SLOW_SERVER_SECONDS])
def test_a_near_server_gets_one_request_after_the_other(seconds: float) -> None:
    run = Run(seconds=seconds)
    assert run.items == ITEMS
    assert run.clients == [run.client]
    assert run.client.shared == []


def test_a_far_server_gets_several_connections() -> None:
    meeting = Meeting()

    def work(item: str) -> Next:
        meeting.wait(item)
        return Next.CONTINUE

    run = Run(work)
    assert run.failure is None
    assert sorted(run.items, key=int) == ITEMS, "each once"
    assert run.items[:WARMUP_REQUESTS] == ITEMS[:WARMUP_REQUESTS]
    assert len(run.clients) == MAX_CONNECTIONS
    assert {thread for _item, client, thread in run.done if client is run.client} == {MAIN}
    assert all(client.is_closed for client in run.client.shared)
    assert not run.client.is_closed
    assert run.client.requests == COUNT, "those of the other clients included"
    assert len({thread for _item, _client, thread in run.done}) == MAX_CONNECTIONS


def test_only_the_latest_requests_tell_how_far_the_server_is() -> None:
    times = iter([0.0, 0.0] + [0.0, 1.0] * COUNT)  # the first request is quick
    client = FakeClient(0.0)
    client.clock = lambda: next(times)  # type: ignore[method-assign]
    used: list[Any] = []

    def work(worker: Any, _item: str) -> Next:
        used.append(worker)
        return Next.CONTINUE

    run_parallel(cast(Client, client), deque(ITEMS), work)
    assert used[: WARMUP_REQUESTS + 1] == [client] * (WARMUP_REQUESTS + 1)
    assert len(client.shared) == MAX_CONNECTIONS - 1


@pytest.mark.parametrize(
    ("count", "connections"), [(0, 1), (1, 1), (MIN_PARALLEL_ITEMS - 1, 1), (MIN_PARALLEL_ITEMS, 3), (7, 3), (8, 4)]
)
def test_few_items_get_few_connections(count: int, connections: int) -> None:
    run = Run(items=ITEMS[: WARMUP_REQUESTS + count])
    assert len(run.items) == WARMUP_REQUESTS + count
    assert len(run.client.shared) == connections - 1


@pytest.mark.parametrize("number", [0, WARMUP_REQUESTS - 1])
def test_after_an_early_error_there_is_one_connection(number: int) -> None:
    run = Run(lambda item: Next.SERIAL if item == str(number) else Next.CONTINUE)
    assert run.items == ITEMS
    assert run.clients == [run.client]


@pytest.mark.parametrize(("verdict", "count"), [(Next.SERIAL, COUNT), (Next.STOP, None)])
def test_an_error_ends_the_parallel_part(decided: threading.Event, verdict: Next, count: int | None) -> None:
    bad = str(WARMUP_REQUESTS + 2)

    def work(item: str) -> Next:
        if item == bad:
            return verdict
        if int(item) >= WARMUP_REQUESTS:
            assert decided.wait(20)
        return Next.CONTINUE

    run = Run(work)
    assert run.failure is None
    parallel = WARMUP_REQUESTS + MAX_CONNECTIONS  # of which each was completed
    assert {client for _item, client, _thread in run.done[parallel:]} <= {run.client}
    assert len(run.items) == (count or len(run.items)) <= (count or parallel)
    assert [*sorted(run.items, key=int), *run.left] == ITEMS, "what was not begun is left"


def test_an_early_stop_ends_it() -> None:
    run = Run(lambda item: Next.STOP if item == "1" else Next.CONTINUE)
    assert run.items == ITEMS[:2]
    assert list(run.left) == ITEMS[2:]


def test_stop_takes_precedence_over_serial() -> None:
    pool = WorkerPool(deque(), lambda _client, _item: Next.CONTINUE)
    for verdict, expected in (
        (Next.CONTINUE, Next.CONTINUE),
        (Next.SERIAL, Next.SERIAL),
        (Next.CONTINUE, Next.SERIAL),
        (Next.STOP, Next.STOP),
        (Next.SERIAL, Next.STOP),
        (Next.CONTINUE, Next.STOP),
    ):
        pool.update(verdict)
        assert pool.next is expected


def test_an_exception_in_a_worker_is_raised_in_the_caller(decided: threading.Event) -> None:
    meeting = Meeting()

    def work(item: str) -> Next:
        meeting.wait(item)
        if threading.current_thread() is not MAIN:
            raise ZeroDivisionError
        if int(item) >= WARMUP_REQUESTS:
            assert decided.wait(20)
        return Next.CONTINUE

    run = Run(work)
    assert isinstance(run.failure, ZeroDivisionError)
    assert len(run.items) == WARMUP_REQUESTS + MAX_CONNECTIONS, "nobody begins another one"
    assert all(client.is_closed for client in run.client.shared)
    assert run.client.requests == len(run.items)


def test_an_interruption_of_the_caller_waits_for_requests_in_flight(decided: threading.Event) -> None:
    meeting = Meeting()
    completed: list[str] = []

    def work(item: str) -> Next:
        meeting.wait(item)
        if int(item) >= WARMUP_REQUESTS:
            if threading.current_thread() is MAIN:
                raise KeyboardInterrupt
            assert decided.wait(20)
        completed.append(item)
        return Next.CONTINUE

    run = Run(work)
    assert isinstance(run.failure, KeyboardInterrupt)
    assert len(run.items) == WARMUP_REQUESTS + MAX_CONNECTIONS
    assert len(completed) == len(run.items) - 1, "all but the one that was interrupted"
    assert all(client.is_closed for client in run.client.shared)
    assert not [thread for _item, _client, thread in run.done if thread is not MAIN and thread.is_alive()]


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_it_ends_once_nobody_waits(seconds: float) -> None:
    checks = itertools.count(1)

    def check() -> None:
        if next(checks) > 12:
            raise KeyboardInterrupt

    run = Run(seconds=seconds, hooks=Hooks(check_cancelled=check))
    assert isinstance(run.failure, KeyboardInterrupt)
    assert len(run.items) == 12


def test_a_machine_without_further_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    run = Run()
    assert run.failure is None
    assert run.items == ITEMS
    assert run.clients == [run.client]
