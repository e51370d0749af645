# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a function is polled, which errors are retried, and when polling ends. Time is a fake."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.polling import TimedOut, WaitBudget, poll
from ansible_collections.vbem.rest.plugins.module_utils._em.client.retry import TRANSIENT_KINDS
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import ERROR_KINDS, EmError
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer


def create_client() -> FakeClient:
    return FakeClient(lambda _method, _path: answer(204))


def fail(kind: str) -> EmError:
    return EmError(kind, f"It was {kind}.")


def run_poll(
    client: FakeClient,
    answers: list[Any],
    *,
    wait_timeout: float = 600,
    poll_interval: float = 10,
    pause_first: bool = False,
) -> Any:
    asked = iter(answers)

    def function() -> Any:
        assert client.transport.current_deadline is not None
        answer = next(asked)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    budget = WaitBudget(client, wait_timeout, poll_interval)
    try:
        return poll(client, function, budget, pause_first=pause_first)
    finally:
        assert client.transport.current_deadline is None, "the deadline is for polls only"


def test_the_first_poll_is_at_once_unless_a_pause_comes_first() -> None:
    client = create_client()
    assert run_poll(client, ["seen"]) == "seen"
    assert client.slept == []
    assert run_poll(client, ["seen"], pause_first=True) == "seen"
    assert len(client.slept) == 1


def test_pauses_grow_up_to_the_interval_and_never_further() -> None:
    client = create_client()
    assert run_poll(client, [None] * 30 + ["seen"]) == "seen"
    assert client.slept[0] <= 0.25
    assert 9 <= client.slept[-1] <= 10
    assert max(client.slept) <= 10
    client = create_client()
    run_poll(client, [None] * 60 + ["seen"], poll_interval=100000, wait_timeout=1e9)
    assert max(client.slept) <= 300, "an idle session must not be lost by waiting"


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_which_errors_are_retried(kind: str) -> None:
    client = create_client()
    if kind in TRANSIENT_KINDS:
        assert run_poll(client, [fail(kind), None, fail(kind), "seen"]) == "seen"
        assert len(client.slept) == 3
        return
    with pytest.raises(EmError) as caught:
        run_poll(client, [None, fail(kind)])
    assert caught.value.kind == kind


def test_an_interruption_is_not_retried() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_poll(create_client(), [KeyboardInterrupt()])


@pytest.mark.parametrize("wait", [0, 1, 60])
def test_polling_ends_exactly_at_the_deadline(wait: int) -> None:
    client = create_client()
    end = run_poll(client, [None] * 100, wait_timeout=wait)
    assert isinstance(end, TimedOut)
    assert end.last_error is None
    assert end.explain() == ""
    assert client.now == pytest.approx(1000.0 + wait)


def test_a_timeout_tells_the_error_of_the_last_poll_only() -> None:
    end = run_poll(create_client(), [fail("timeout")] * 100, wait_timeout=10)
    assert isinstance(end, TimedOut)
    assert end.last_error is not None
    assert "It was timeout." in end.explain()
    end = run_poll(create_client(), [fail("timeout")] + [None] * 100, wait_timeout=10)
    assert isinstance(end, TimedOut)
    assert end.last_error is None
