# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the job session that a request has started, among those of its job.

Enterprise Manager learns of sessions late, the clocks of backup servers differ from its own, and neither the order of a list
nor a task's link proves whose session one is. So each candidate is compared with the job and with the time of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.dates import format_timestamp, to_timestamp
from ..protocol.links import find_guid
from .job_sessions import JobSessions
from .listing import TASK_QUERY, FilteredListing
from .session_states import STOPPED
from .tasks import normalise_task

# What starts a job (wire facts, section 2.3).
START_OPERATIONS = ("StartJob", "StartJobSync", "RetryJob", "RetryAgentJob", "StartNasJob", "RetryNasJob")
MAX_CLOCK_SKEW = 60  # seconds by which the clock of a backup server may be behind that of Enterprise Manager
MAX_LISTING_DELAY = 60  # seconds after which a session is expected to be listed
# Seconds after which a session that was over before the request, by its own clock, is believed to be the requested one.
MAX_DOUBT = MAX_CLOCK_SKEW + 30


def explain_mismatch(session: Mapping[str, Any], requested_at: float | None) -> str | None:
    """Return why a session cannot be the result of a request at a time of the server's clock; None where it can."""
    if requested_at is None:
        return None
    for key, verb in (("creation_time", "began"), ("end_time", "ended")):
        moment = to_timestamp(session[key])
        if moment is not None and moment < requested_at - MAX_CLOCK_SKEW:
            return (
                f"{session['name']} {verb} at {session[key]}, more than {MAX_CLOCK_SKEW} seconds before the request, which was"
                f" at {format_timestamp(requested_at)}"
            )
    return None


def is_session_link(link: Mapping[str, Any]) -> bool:
    """Return whether a task's link is one to a job session."""
    return (link["type"] or "").lower().endswith("jobsession") and bool(link["href"])


def read_linked_session(sessions: JobSessions, link: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the job session that a task's link leads to; None for other links, and where it does not show up (yet)."""
    if not is_session_link(link):
        return None
    try:
        return sessions.read(link["href"])
    except EmError as err:
        # It shows up late (wire facts, section 6.3), and no link may prevent the query.
        if err.kind not in ("not_found", "bad_response") and err.status != 500:
            raise
        return None


def is_session_of(session: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Return whether a job session belongs to a job."""
    return find_guid(session["job_uid"] or "") == find_guid(job["uid"] or "")


def find_requested_here(sessions: JobSessions, job: Mapping[str, Any], budget: WaitBudget | None) -> dict[str, Any] | None:
    """Return the job session that an earlier request of this logon session has started, although no list shows it yet.

    The tasks of the logon session tell (wire facts, section 3). With a budget, wait for those that are not finished.
    """
    client = sessions.client
    if client.owns_session:
        return None

    def look() -> tuple[dict[str, Any] | None] | None:
        is_pending = False
        for row in FilteredListing(client, TASK_QUERY).iter_rows():
            task = normalise_task(row, client)
            if task["operation"] not in START_OPERATIONS:
                continue
            is_pending = is_pending or task["state"] != "Finished"
            for link in task["related"]:
                if link["name"] and not link["name"].startswith(job["name"] or ""):
                    continue
                session = read_linked_session(sessions, link)
                if session is None:  # it does not show up yet
                    is_pending = is_pending or is_session_link(link)
                elif is_session_of(session, job) and session["state"] != STOPPED:
                    return (session,)
        return None if is_pending and budget is not None else (None,)

    if budget is None:
        found: tuple[dict[str, Any] | None] | TimedOut | None = look()
    else:
        found = poll(client, look, budget, deadline=min(budget.deadline, client.clock() + MAX_LISTING_DELAY))
    return None if found is None or isinstance(found, TimedOut) else found[0]


class SessionSearch:
    """Looks for the session that a request has started. ``requested_at`` is in seconds since the epoch of the server's clock.

    ``before`` is the newest session of the job that was listed before the request.
    """

    def __init__(
        self, sessions: JobSessions, job: Mapping[str, Any], *, before: Mapping[str, Any] | None, requested_at: float | None
    ) -> None:
        self._sessions = sessions
        self._client = sessions.client
        self._job = job
        self._before = before
        self._requested_at = requested_at
        self._started_at = self._client.clock()
        self._rejected: str | None = None

    def find(self, links: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any] | None:
        """Return the session: the one that a task's links lead to or, if that is not the requested one, the newest candidate.

        Return None where it is not listed yet.
        """
        for link in links:
            session = read_linked_session(self._sessions, link)
            if session is not None and is_session_of(session, self._job) and self._check(session, is_linked=True):
                return session
        for session in self._sessions.list_since(self._job, self._get_earliest()):
            if self._check(session, is_linked=False):
                return session
        return None

    def explain(self) -> str:
        """Return a clause that says why the newest session of the job does not count, or that there is none."""
        rule = f"no session of the job is listed that began later than {MAX_CLOCK_SKEW} seconds before the request"
        return self._rejected or rule

    def _get_earliest(self) -> float | None:
        """Return the time before which no candidate began, by the clock of the backup server."""
        begins = []
        before = to_timestamp(self._before["creation_time"]) if self._before is not None else None
        if before is not None:
            begins.append(before)
        if self._requested_at is not None:
            begins.append(self._requested_at - MAX_CLOCK_SKEW)
        return max(begins) if begins else None

    def _check(self, session: Mapping[str, Any], *, is_linked: bool) -> bool:
        """Return whether a session of the job can be the one that was requested; if not, note why."""
        if self._before is not None and session["uid"] == self._before["uid"]:
            return False
        created, ended = to_timestamp(session["creation_time"]), to_timestamp(session["end_time"])
        if created is None and (self._before is not None or self._requested_at is not None):
            self._rejected = f"the server does not say when {session['name']} began"
            return False
        mismatch = explain_mismatch(session, self._requested_at)
        before = to_timestamp(self._before["creation_time"]) if self._before is not None else None
        if mismatch is None and before is not None and created is not None and created < before:
            mismatch = f"{session['name']} is older than the session that was the newest one before the request"
        # Over before the request, by its own clock: so either that clock is behind, or it is somebody else's session. The link
        # of the request's own task settles that; without one, a later session gets the time to show up.
        is_doubtful = ended is not None and self._requested_at is not None and ended < self._requested_at
        if mismatch is None and is_doubtful and not is_linked and self._client.clock() - self._started_at < MAX_DOUBT:
            mismatch = f"{session['name']} ended at {session['end_time']}, before the request"
        self._rejected = mismatch or self._rejected
        return mismatch is None
