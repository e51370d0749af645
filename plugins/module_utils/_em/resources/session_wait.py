# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a session to end: the run of a job, a quick backup, a restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from .session_states import STOPPED

MAX_POLLS_WITHOUT_RESULT = 5  # of a session that has stopped without a result, before that is a failure


class SessionWaiter:
    """Waits for a session to stop, and judges its result. ``session`` is the session as last read.

    ``read`` returns a session from its address; ``is_listed`` tells whether a session that could not be read still exists;
    ``subject`` names in messages what is waited for; ``is_open_ended`` tells whether a session stays open by design.
    """

    def __init__(  # noqa: PLR0913 - what to wait for, and how to read it
        self,
        client: Client,
        budget: WaitBudget,
        *,
        subject: str,
        read: Callable[[str], dict[str, Any]],
        is_listed: Callable[[Mapping[str, Any]], bool],
        is_open_ended: Callable[[Mapping[str, Any]], bool] = lambda _session: False,
    ) -> None:
        self.client = client
        self.budget = budget
        self.subject = subject
        self.session: dict[str, Any] = {}
        self._read = read
        self._is_listed = is_listed
        self._is_open_ended = is_open_ended
        self._polls_without_result = 0

    def wait(self, session: dict[str, Any]) -> dict[str, Any]:
        """Wait until a session has stopped, and return it. Raise ``wait_timeout`` or, where it vanishes, ``not_found``."""
        self.session = session
        if session["state"] == STOPPED and session["result"] is not None:
            return session
        done = poll(self.client, self._has_stopped, self.budget, pause_first=True)
        if isinstance(done, TimedOut):
            raise create_wait_timeout(self.budget, self.subject, f"{self.session['name']} is not finished", done)
        return self.session

    def _has_stopped(self) -> bool | None:
        session = self.session
        try:
            session = self._read(session["href"] or "")
        except EmError as err:
            if (err.kind == "not_found" or err.status == 500) and not self._is_listed(session):
                msg = f"{session['name']} vanished during the wait; its outcome is unknown."
                raise EmError("not_found", msg) from None
            raise
        self.session = session
        progress = "" if session["progress"] is None else f" {session['progress']}%"
        self.client.hooks.on_progress(f"{session['name']}: {session['state']}{progress}")
        if self._is_open_ended(session):
            raise create_open_ended_error(self.subject, session)
        if session["state"] != STOPPED:
            return None
        self._polls_without_result += session["result"] is None
        is_judged = session["result"] is not None or self._polls_without_result > MAX_POLLS_WITHOUT_RESULT
        return True if is_judged else None


def raise_for_result(
    session: Mapping[str, Any],
    *,
    fail_on_warning: bool,
    find_reasons: Callable[[], list[str]] = list,
    hint: str = "see its task sessions",
) -> None:
    """Raise ``job_failed`` for a session that has stopped and did not succeed.

    ``find_reasons`` is called for reasons that the session itself lacks; ``hint`` says where else to look.
    """
    result = session.get("result")
    if result == "Success" or (result == "Warning" and not fail_on_warning):
        return
    if result is None:
        raise EmError("bad_response", f"{session.get('name')} has stopped, and the server does not say with what result.")
    reason = session.get("failure_message") or " ".join(find_reasons()) or None
    raise EmError(
        "job_failed",
        f"{session.get('name')} ended with {result}: {reason or f'the server gives no reason, {hint}'}",
        detail=reason,
    )


def create_open_ended_error(subject: str, session: Mapping[str, Any]) -> EmError:
    """Return the failure of a wait for the end of a session that stays open between two synchronisations."""
    return EmError(
        "invalid_option",
        f"The option wait_for cannot be 'session' for {subject}: its job session stays open ({session['state']}) between two"
        " synchronisations, so its end cannot be awaited; use wait_for: task, and watch the backups of the job instead.",
    )


def create_wait_timeout(budget: WaitBudget, subject: str, state: str, timed_out: TimedOut) -> EmError:
    """Return the failure of a wait whose time is up. ``state`` says what has not happened."""
    return EmError(
        "wait_timeout",
        f"After {budget.wait_timeout} seconds of waiting for {subject}, {state}. Raise wait_timeout if the server is only slow."
        f"{timed_out.explain()}",
        detail=timed_out.detail,
    )


def create_search_timeout(subject: str, seconds: float, what: str, lookup_hint: str, timed_out: TimedOut) -> EmError:
    """Return the failure of a search for the session of an accepted request: it is in progress, but cannot be followed."""
    return EmError(
        "wait_timeout",
        f"{subject[:1].upper()}{subject[1:]} was started, but within {seconds:.0f} seconds {what}, so its end cannot be"
        f" awaited: {lookup_hint}, or use wait_for: task.{timed_out.explain()}",
        detail=timed_out.detail,
    )
