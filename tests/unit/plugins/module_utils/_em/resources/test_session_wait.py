# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a session to stop, whatever made it. Nothing here is a job."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.polling import TimedOut, WaitBudget
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.session_wait import (
    MAX_POLLS_WITHOUT_RESULT,
    SessionWaiter,
    create_open_ended_error,
    create_search_timeout,
    create_wait_timeout,
    raise_for_result,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer

HREF = "/api/restoreSessions/1?format=Entity"


def restore(state: str = "Working", result: str | None = None, **more: Any) -> dict[str, Any]:
    return {"name": "Restore of sql01", "href": HREF, "state": state, "result": result, "progress": None, **more}


STOPPED = restore("Stopped", "Success")


class Wait:
    """Waits for a session whose reads return these values, or raise these failures."""

    def __init__(self, *reads: Any, begin: dict[str, Any] | None = None, listed: bool = True, wait_timeout: int = 600) -> None:
        self.client = FakeClient(lambda _method, _path: answer(204))
        self.read_from: list[str] = []
        self.looked_for: list[str] = []
        self.failure: EmError | None = None
        coming = list(reads)

        def read(href: str) -> dict[str, Any]:
            self.read_from.append(href)
            said = coming.pop(0) if len(coming) > 1 else coming[0]
            if isinstance(said, EmError):
                raise said
            return dict(said)

        def is_listed(session: Any) -> bool:
            self.looked_for.append(session["name"])
            return listed

        budget = WaitBudget(self.client, wait_timeout, 10)
        self.waiter = SessionWaiter(
            self.client,
            budget,
            subject="sql01",
            read=read,
            is_listed=is_listed,
            is_open_ended=lambda session: session["state"] == "Idle",
        )
        try:
            self.result: Any = self.waiter.wait(begin or restore())
        except EmError as err:
            self.failure = err


def test_it_waits_until_the_session_has_stopped() -> None:
    wait = Wait(restore(progress=50), restore(progress=99), STOPPED)
    assert wait.failure is None
    assert wait.result == wait.waiter.session == STOPPED
    assert wait.read_from == [HREF] * 3
    assert len(wait.client.slept) == 3, "a pause before each read: it has just been found"
    assert wait.looked_for == []


def test_nothing_is_known_before_the_wait() -> None:
    client = FakeClient(lambda _method, _path: answer(204))
    waiter = SessionWaiter(client, WaitBudget(client, 1, 1), subject="x", read=restore, is_listed=bool)
    assert waiter.session == {}


def test_the_progress_is_reported() -> None:
    wait = Wait(restore("Starting"), restore(progress=0), restore(progress=50), STOPPED)
    assert wait.client.progress == [
        "Restore of sql01: Starting",
        "Restore of sql01: Working 0%",
        "Restore of sql01: Working 50%",
        "Restore of sql01: Stopped",
    ]


def test_a_session_that_has_stopped_is_not_read() -> None:
    wait = Wait(begin=STOPPED)
    assert wait.result == STOPPED
    assert (wait.read_from, wait.client.slept) == ([], [])


def test_a_session_that_has_stopped_without_a_result_is_read() -> None:
    """The result may come later than the state."""
    wait = Wait(restore("Stopped"), STOPPED, begin=restore("Stopped"))
    assert wait.result == STOPPED
    assert len(wait.read_from) == 2


def test_a_result_that_never_comes_is_not_awaited_for_ever() -> None:
    wait = Wait(restore("Stopped"))
    assert wait.result == restore("Stopped")
    assert len(wait.read_from) == MAX_POLLS_WITHOUT_RESULT + 1


def test_a_session_without_an_address() -> None:
    wait = Wait(STOPPED, begin=restore(href=None))
    assert wait.read_from == [""]


def test_a_timeout_keeps_the_session_as_last_read() -> None:
    wait = Wait(restore(progress=50), restore(progress=99), wait_timeout=60)
    assert wait.failure is not None
    assert wait.failure.kind == "wait_timeout"
    assert wait.failure.msg == (
        "After 60 seconds of waiting for sql01, Restore of sql01 is not finished. Raise wait_timeout if the server is only slow."
    )
    assert wait.waiter.session["progress"] == 99
    assert sum(wait.client.slept) == pytest.approx(60)


@pytest.mark.parametrize("err", [EmError("not_found", "No.", status=404), EmError("server_error", "No.", status=500)])
def test_a_session_that_vanishes(err: EmError) -> None:
    wait = Wait(restore(progress=50), err, listed=False)
    assert wait.failure is not None
    assert (wait.failure.kind, wait.failure.status) == ("not_found", None)
    assert wait.failure.msg == "Restore of sql01 vanished during the wait; its outcome is unknown."
    assert wait.waiter.session["progress"] == 50
    assert wait.looked_for == ["Restore of sql01"]


@pytest.mark.parametrize("err", [EmError("not_found", "No.", status=404), EmError("server_error", "No.", status=500)])
def test_a_session_that_is_listed_has_not_vanished(err: EmError) -> None:
    wait = Wait(err, err, STOPPED, listed=True)
    assert wait.result == STOPPED
    assert len(wait.looked_for) == 2


@pytest.mark.parametrize(
    "err",
    [EmError("server_error", "Busy.", status=503), EmError("timeout", "Late."), EmError("bad_response", "What?", status=200)],
)
def test_transient_errors_are_retried(err: EmError) -> None:
    wait = Wait(err, err, STOPPED, listed=False)
    assert wait.result == STOPPED
    assert wait.looked_for == [], "only a 404 or a 500 may mean that it is gone"


def test_the_last_error_is_part_of_a_timeout() -> None:
    wait = Wait(EmError("timeout", "Late."), wait_timeout=20)
    assert wait.failure is not None
    assert wait.failure.msg.endswith(" The last poll failed: Late.")
    assert wait.failure.detail == "Late."


def test_a_session_that_stays_open_by_design_ends_the_wait() -> None:
    wait = Wait(restore(progress=50), restore("Idle"))
    assert wait.failure is not None
    assert (wait.failure.kind, wait.failure.msg) == ("invalid_option", create_open_ended_error("sql01", restore("Idle")).msg)
    assert wait.waiter.session["state"] == "Idle"
    assert len(wait.read_from) == 2


def test_no_session_stays_open_unless_something_tells_which_do() -> None:
    client = FakeClient(lambda _method, _path: answer(204))
    coming = [restore("Idle"), STOPPED]
    waiter = SessionWaiter(
        client, WaitBudget(client, 60, 10), subject="x", read=lambda _href: coming.pop(0), is_listed=lambda _session: True
    )
    assert waiter.wait(restore()) == STOPPED


@pytest.mark.parametrize("kind", ["session_lost", "forbidden"])
def test_a_refusal_ends_the_wait(kind: Any) -> None:
    wait = Wait(restore(progress=50), EmError(kind, "No.", status=401))
    assert wait.failure is not None
    assert wait.failure.kind == kind
    assert wait.waiter.session["progress"] == 50


# ---------------------------------------------------------------------------------------------------------------------
# Results


@pytest.mark.parametrize(
    ("result", "fail_on_warning", "fails"),
    [
        ("Success", True, False),
        ("Warning", False, False),
        ("Warning", True, True),
        ("Failed", False, True),
        ("Other", False, True),
    ],
)
def test_which_results_fail(result: str, fail_on_warning: bool, fails: bool) -> None:
    session = restore("Stopped", result, failure_message="The disk is full.")
    if not fails:
        raise_for_result(session, fail_on_warning=fail_on_warning)
        return
    with pytest.raises(EmError) as caught:
        raise_for_result(session, fail_on_warning=fail_on_warning)
    assert (caught.value.kind, caught.value.detail) == ("job_failed", "The disk is full.")
    assert caught.value.msg == f"Restore of sql01 ended with {result}: The disk is full."


def test_a_failure_without_a_reason() -> None:
    with pytest.raises(EmError) as caught:
        raise_for_result({"name": "Restore", "result": "Failed"}, fail_on_warning=False)
    assert caught.value.msg == "Restore ended with Failed: the server gives no reason, see its task sessions"
    assert caught.value.detail is None


@pytest.mark.parametrize("session", [restore("Stopped"), {"name": "Restore of sql01"}])
def test_an_unknown_result_is_an_error(session: dict[str, Any]) -> None:
    with pytest.raises(EmError) as caught:
        raise_for_result(session, fail_on_warning=False)
    assert caught.value.kind == "bad_response"
    assert caught.value.msg == "Restore of sql01 has stopped, and the server does not say with what result."


def test_the_message_of_a_timeout() -> None:
    client = FakeClient(lambda _method, _path: answer(204))
    err = create_wait_timeout(WaitBudget(client, 5, 10), "sql01", "nothing has happened", TimedOut(EmError("timeout", "Late.")))
    assert err.kind == "wait_timeout"
    assert err.msg == (
        "After 5 seconds of waiting for sql01, nothing has happened. Raise wait_timeout if the server is only slow."
        " The last poll failed: Late."
    )
    assert err.detail == "Late."


def test_the_message_for_a_session_that_stays_open() -> None:
    err = create_open_ended_error("SQL copy", restore("Idle"))
    assert err.kind == "invalid_option"
    assert err.msg == (
        "The option wait_for cannot be 'session' for SQL copy: its job session stays open (Idle) between two synchronisations,"
        " so its end cannot be awaited; use wait_for: task, and watch the backups of the job instead."
    )


def test_the_message_for_a_session_that_was_not_found() -> None:
    last = TimedOut(EmError("timeout", "Late."))
    err = create_search_timeout("restore of sql01", 59.6, "its session was not listed", "look at the restores", last)
    assert err.kind == "wait_timeout"
    assert err.msg == (
        "Restore of sql01 was started, but within 60 seconds its session was not listed, so its end cannot be awaited: look at"
        " the restores, or use wait_for: task. The last poll failed: Late."
    )
    assert err.detail == "Late."


def test_further_reasons_are_looked_for_only_if_necessary() -> None:
    calls: list[int] = []

    def find_reasons() -> list[str]:
        calls.append(1)
        return ["sql01: No space.", "sql02: No space."]

    raise_for_result(STOPPED, fail_on_warning=True, find_reasons=find_reasons)
    with pytest.raises(EmError):
        raise_for_result(restore("Stopped", "Failed", failure_message="No."), fail_on_warning=True, find_reasons=find_reasons)
    assert calls == []
    with pytest.raises(EmError) as caught:
        raise_for_result(restore("Stopped", "Failed"), fail_on_warning=True, find_reasons=find_reasons)
    assert caught.value.detail == "sql01: No space. sql02: No space."
    assert caught.value.msg == "Restore of sql01 ended with Failed: sql01: No space. sql02: No space."
