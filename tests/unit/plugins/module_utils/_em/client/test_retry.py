# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry policy: pauses, and which errors are retried."""

from __future__ import annotations

from itertools import islice

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.retry import (
    MAX_RETRY_AFTER,
    POLL_BACKOFF,
    RECONNECT_BACKOFF,
    REQUEST_BACKOFF,
    RETRYABLE_STATUS,
    Backoff,
    is_refused_for_now,
    is_retryable,
    is_transient,
    read_retry_after,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import ERROR_KINDS, EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import IDLE_SECONDS


def list_pauses(backoff: Backoff, count: int, at_most: float | None = None) -> list[float]:
    return list(islice(backoff.pauses(at_most=at_most, spread=lambda: 0.0), count))


def test_pauses_grow_by_a_factor_up_to_the_longest() -> None:
    assert list_pauses(Backoff(1.0, 2.0, 10.0), 6) == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert list_pauses(Backoff(20.0, 2.0, 10.0), 2) == [10.0, 10.0]


@pytest.mark.parametrize(
    ("at_most", "pauses"),
    [(None, [1.0, 2.0, 4.0, 4.0]), (3.0, [1.0, 2.0, 3.0, 3.0]), (0.5, [0.5, 0.5, 0.5, 0.5]), (9.0, [1.0, 2.0, 4.0, 4.0])],
)
def test_the_longest_pause_can_be_lowered(at_most: float | None, pauses: list[float]) -> None:
    assert list_pauses(Backoff(1.0, 2.0, 4.0), 4, at_most) == pauses


def test_jitter_shortens_each_pause_and_does_not_accumulate() -> None:
    spreads = iter([0.0, 1.0, 0.5, 1.0])
    pauses = Backoff(1.0, 2.0, 10.0, jitter=0.1).pauses(spread=lambda: next(spreads))
    assert list(islice(pauses, 4)) == pytest.approx([1.0, 1.8, 3.8, 7.2])


def test_random_jitter_stays_within_its_share() -> None:
    pauses = list(islice(Backoff(1.0, 1.0, 1.0, jitter=0.2).pauses(), 200))
    assert min(pauses) >= 0.8
    assert max(pauses) <= 1.0
    assert len(set(pauses)) > 1


def test_without_jitter_nothing_is_random() -> None:
    def fail() -> float:
        raise AssertionError("not called")

    assert list(islice(Backoff(1.0, 2.0, 4.0).pauses(spread=fail), 3)) == [1.0, 2.0, 4.0]


def test_the_pauses_of_requests_polls_and_the_event_source() -> None:
    assert list_pauses(REQUEST_BACKOFF, 8) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert list_pauses(POLL_BACKOFF, 3) == [0.25, 0.375, 0.5625]
    assert max(list_pauses(POLL_BACKOFF, 100)) == IDLE_SECONDS / 3, "no pause loses an idle session"
    assert list_pauses(RECONNECT_BACKOFF, 11)[-3:] == [256.0, 300.0, 300.0]


@pytest.mark.parametrize("kind", ERROR_KINDS)
@pytest.mark.parametrize(
    ("method", "may_have_been_sent", "retried"),
    [("GET", True, True), ("GET", False, True), ("POST", True, False), ("POST", False, True), ("DELETE", True, False)],
)
def test_which_requests_are_retried(kind: str, method: str, may_have_been_sent: bool, retried: bool) -> None:
    err = EmError(kind, "It failed.", may_have_been_sent=may_have_been_sent)  # type: ignore[arg-type]
    assert is_retryable(method, err) is (retried and kind in ("connection", "timeout"))


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_which_errors_are_transient_for_a_poll(kind: str) -> None:
    expected = kind in ("connection", "timeout", "server_error", "bad_response")
    assert is_transient(EmError(kind, "It failed.")) is expected  # type: ignore[arg-type]


def test_a_404_is_transient_for_a_poll() -> None:
    """Something else answers while a service restarts."""
    assert is_transient(EmError("not_found", "It is gone.", status=404))
    assert not is_transient(EmError("not_found", "It is gone."))
    assert not is_transient(EmError("session_lost", "It is lost.", status=401))


def test_which_statuses_are_retried() -> None:
    assert set(RETRYABLE_STATUS) == {429, 502, 503, 504}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0.0),
        ("7", 7.0),
        (" 20 ", 20.0),
        ("0", 0.0),
        ("3600", MAX_RETRY_AFTER),
        ("9" * 400, MAX_RETRY_AFTER),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("\u0665", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float) -> None:
    assert read_retry_after({} if value is None else {"Retry-After": value}) == seconds


def test_a_write_with_an_answer_is_repeated_only_if_the_server_had_too_many() -> None:
    assert [status for status in (200, 401, 429, 500, 502, 503, 504) if is_refused_for_now("POST", status)] == [429]
    assert [status for status in (200, 401, 429, 500, 502, 503, 504) if is_refused_for_now("GET", status)] == list(
        RETRYABLE_STATUS
    )
