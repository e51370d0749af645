# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling for job sessions, and restore sessions if wanted, that have finished since the last poll, each of them once.

A poll is one query for each type: sessions that finished recently, and sessions that have not finished. The former are read
with a wide overlap, because backup servers' clocks differ and Enterprise Manager learns of an end late; sessions that were
emitted before are left out by their ids, which the checkpoint keeps. Sessions that were seen unfinished are pending: once no
list has them any more they are queried by id, so that neither a wrong clock nor an end without a time loses them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import read_text
from ..protocol.dates import format_timestamp, parse_date, to_timestamp
from ..protocol.filters import Comparison, Field, Or, to_server_filter
from ..protocol.links import find_guid
from ..resources.job_sessions import STATE, UID, normalise_job_session
from ..resources.listing import (
    BACKUP_SESSION_QUERY,
    REFUSALS,
    REPLICA_SESSION_QUERY,
    FilteredListing,
    QueryTarget,
    iter_resources,
)
from ..resources.session_states import STOPPED
from ..resources.vm_restore import RESTORE_QUERY, normalise_restore_session
from .checkpoint import RETENTION_SECONDS, Checkpoint, get_id

END = Field("EndTime", "end_time", "date")
SESSION_UID = Field("JobSessionUid", "job_session_uid", "uid")
# What a job session did to each machine, with the reasons that job sessions themselves lack (wire facts, section 6.4).
TASK_SESSION_QUERIES = {
    BACKUP_SESSION_QUERY.type: QueryTarget("BackupTaskSession", ("entities", "backup_task_sessions")),
    REPLICA_SESSION_QUERY.type: QueryTarget("ReplicaTaskSession", ("entities", "replica_task_sessions")),
}
IDS_PER_QUERY = 20
MAX_TASK_SESSIONS = 2000  # rows to read for the reasons of IDS_PER_QUERY job sessions
MAX_POLLS_WITHOUT_RESULT = 3  # a stopped session may have no result yet, or not be listed, for so many polls
FULL_POLL_EVERY = 10  # polls, of which one goes back as far as ids are kept
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_OVERRIDE = re.compile(r"#(?=jinja2)", re.IGNORECASE)
_DURATION = re.compile(r"([0-9]{1,6})\s*([smhd])", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FILTER_KEYS = ("job_name", "job_type", "result", "backup_server")
RESTORE_FILTER_KEYS = ("result", "backup_server")


class PollResult(NamedTuple):
    """The result of a poll: the server's time, new finished sessions in the order of their end, and those not finished."""

    now: float
    finished: list[dict[str, Any]]
    pending: dict[str, tuple[str, int]]


def _get_target(uid: str) -> QueryTarget:
    if "restoresession" in uid.lower():
        return RESTORE_QUERY
    return REPLICA_SESSION_QUERY if "replica" in uid.lower() else BACKUP_SESSION_QUERY


def read_server_time(client: Client) -> float:
    """Return the Date of the server's latest answer, or this machine's time where that is earlier or there is no Date.

    A time that is too early only widens the overlap; one that is too late, from a clock that was ahead for a while, loses
    events.
    """
    server_time = client.server_time
    return time.time() if server_time is None else min(server_time, time.time())


class Finder:
    """Finds finished sessions within one logon session: those of jobs and, ``with_restores``, those of restores.

    ``lookback`` is the overlap, in seconds.
    """

    def __init__(self, client: Client, lookback: int, *, with_restores: bool = False) -> None:
        self.client = client
        self.lookback = lookback
        targets = [BACKUP_SESSION_QUERY, REPLICA_SESSION_QUERY, *([RESTORE_QUERY] if with_restores else [])]
        self._listings = {target: FilteredListing(client, target) for target in targets}
        self._poll_count = 0

    def start(self, since: float | None, unreachable_for: float = 0.0) -> tuple[Checkpoint, PollResult]:
        """Poll for the first time, and return checkpoint and result. Without a time, the result has no finished sessions.

        In either case this reads back as far as ids are kept later, so that a server's clock may be put back at once.
        ``unreachable_for`` is for how many seconds the first poll has failed: what finished meanwhile is emitted.
        """
        self.client.ensure_session()
        now = read_server_time(self.client)
        low_watermark = now - self.lookback - RETENTION_SECONDS if since is None else since
        checkpoint = Checkpoint(low_watermark, min(low_watermark, now))
        result = self.poll(checkpoint)
        if since is None:
            earliest = result.now - unreachable_for
            fresh = [one for one in result.finished if unreachable_for and (to_timestamp(one["end_time"]) or 0.0) >= earliest]
            kept = {get_id(one) for one in fresh}
            for session in result.finished:
                if get_id(session) not in kept:
                    checkpoint.add(session)
            result = result._replace(finished=fresh)
        return checkpoint, result

    def poll(self, checkpoint: Checkpoint) -> PollResult:
        """Poll once, and return the result. Only reads; the checkpoint is not changed.

        Every `FULL_POLL_EVERY` polls, and first of all, this goes back as far as ids are kept: it finds what a backup server
        could not report for a night, or what was refused or missed for a while.
        """
        is_full = self._poll_count % FULL_POLL_EVERY == 0
        self._poll_count += 1
        low = checkpoint.low_watermark
        cutoff = low if is_full else max(low, checkpoint.high_watermark - self.lookback)
        rounded = format_timestamp(int(cutoff) - 1)
        criteria = Or((Comparison(END, ">=", rounded), Comparison(STATE, "!=", STOPPED)))
        batch = _PollBatch(checkpoint, cutoff)
        now: float | None = None
        for target, listing in self._listings.items():
            refused = listing.refuses_filter
            # The newest first, so that sessions that finish meanwhile move no unread row to a page that was read already.
            for row in listing.iter_rows(criteria, newest_by=END.name):
                if now is None:
                    now = read_server_time(self.client)
                batch.take(self._normalise(target, row))
            if listing.refuses_filter and not refused:
                self.client.warnings.append(
                    f"The server refuses to filter {listing.target.type}, so every poll reads all of them."
                )
        now = read_server_time(self.client) if now is None else now
        for target, listing in self._listings.items():
            missing = [
                uid for key, (uid, _polls) in checkpoint.pending.items() if key not in batch.keys and _get_target(uid) is target
            ]
            for uids in _iter_chunks(missing):
                for row in listing.iter_rows(Or(tuple(Comparison(UID, "==", uid) for uid in uids)), newest_by=END.name):
                    batch.take(self._normalise(target, row))
        for key, (uid, polls) in checkpoint.pending.items():  # an answer without it may come from a server that is starting
            if key not in batch.keys and polls + 1 < MAX_POLLS_WITHOUT_RESULT:
                batch.pending[key] = (uid, polls + 1)
            elif key not in batch.keys:
                self.client.warnings.append(f"The session {uid} was not finished when last seen, and is not listed any more.")
        finished = sorted(batch.finished.values(), key=lambda one: (to_timestamp(one["end_time"]) or now, get_id(one)))
        return PollResult(now, finished, batch.pending)

    def _normalise(self, target: QueryTarget, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the public form of a session."""
        normalise = normalise_restore_session if target is RESTORE_QUERY else normalise_job_session
        return normalise(row, self.client)

    def find_messages(self, sessions: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Return the warnings and failures of machines, by the id of the job session. Few requests, however many sessions.

        If the server refuses the query, events have no messages; if it cannot be reached, this raises, and events wait.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        bad = [session for session in sessions if session["result"] != "Success" and session["uid"]]
        for session_type, target in TASK_SESSION_QUERIES.items():
            for uids in _iter_chunks([one["uid"] for one in bad if _get_target(one["uid"]).type == session_type]):
                encoded = to_server_filter(Or(tuple(Comparison(SESSION_UID, "==", uid) for uid in uids)))
                if encoded is None:
                    continue
                try:
                    rows = iter_resources(self.client, target, encoded_filter=encoded)
                    for row in islice(rows, MAX_TASK_SESSIONS):
                        _add_message(found, row)
                except EmError as err:
                    if err.status not in (*REFUSALS, 403):
                        raise
                    self.client.warnings.append(f"The reasons of failed job sessions could not be read: {err.msg}")
        return found


class _PollBatch:
    """Sorts the sessions of one poll. One may come twice, if rows moved between pages."""

    def __init__(self, checkpoint: Checkpoint, cutoff: float) -> None:
        self.checkpoint = checkpoint
        self.cutoff = cutoff
        self.keys: set[str] = set()
        self.finished: dict[str, dict[str, Any]] = {}
        self.pending: dict[str, tuple[str, int]] = {}

    def take(self, session: dict[str, Any]) -> None:
        """Take one session as it was listed."""
        key = get_id(session)
        polls = self.checkpoint.pending.get(key, ("", 0))[1]
        if session["state"] != STOPPED:
            self.keys.add(key)
            if key not in self.finished:
                self.pending[key] = (session["uid"] or "", 0)
            return
        end = to_timestamp(session["end_time"])
        is_new = key in self.checkpoint.pending or key in self.pending or (end is not None and end >= self.cutoff)
        self.keys.add(key)
        if key in self.checkpoint.emitted or not is_new:
            return
        if session["result"] is None and polls + 1 < MAX_POLLS_WITHOUT_RESULT:
            self.pending[key] = (session["uid"] or "", polls + 1)
            return
        self.pending.pop(key, None)
        self.finished[key] = session


def _iter_chunks(uids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(uids), IDS_PER_QUERY):
        yield uids[start : start + IDS_PER_QUERY]


def _add_message(found: dict[str, list[dict[str, Any]]], row: Mapping[str, Any]) -> None:
    result = read_text(row, "result")
    key = find_guid(read_text(row, "job_session_uid") or "")
    if key is None or result not in ("Warning", "Failed"):
        return
    name = read_text(row, "vm_display_name") or read_text(row, "name")
    message = {"name": name, "result": result, "reason": read_text(row, "reason")}
    if message not in found.setdefault(key, []):
        found[key].append(message)


def read_since(text: str) -> float | None:
    """Return from when on finished sessions are emitted, in seconds since the epoch; None for from now on."""
    if text.strip().lower() == "now":
        return None
    match = _DURATION.fullmatch(text.strip())
    if match:
        return max(time.time() - int(match[1]) * _UNITS[match[2].lower()], 0.0)
    date = parse_date(text)
    if date is None:
        hint = "give now, a time such as 2026-11-23T18:00:00Z, or a duration such as 90m or 2d"
        raise create_option_error("since", text, hint)
    return max(date.timestamp(), 0.0)


def is_restore(session: Mapping[str, Any]) -> bool:
    """Return whether a session is that of a restore."""
    return "restore_type" in session


def matches_filters(session: Mapping[str, Any], filters: Mapping[str, list[str] | None]) -> bool:
    """Return whether a session meets the filters of the options; patterns may hold * and ?, and are case-insensitive.

    Those of jobs do not apply to restore sessions.
    """
    for key in RESTORE_FILTER_KEYS if is_restore(session) else FILTER_KEYS:
        patterns = filters[key]
        if patterns and not any(
            fnmatchcase((session[key] or "").lower(), pattern.lower().replace("[", "[[]")) for pattern in patterns
        ):
            return False
    return True


def create_event(hostname: str, session: Mapping[str, Any], messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the event of a finished session. ``duration`` is in seconds; ``meta.uuid`` is the session's own id."""
    ordered = sorted(messages, key=lambda message: (message["result"] != "Failed", message["name"] or ""))
    begin, end = to_timestamp(session["creation_time"]), to_timestamp(session["end_time"])
    reason = session["failure_message"] or next((message["reason"] for message in ordered if message["reason"]), None)
    more: dict[str, Any] = {
        "duration": None if begin is None or end is None else round(max(end - begin, 0.0), 3),
        "reason": reason,
    }
    if not is_restore(session):
        more["messages"] = [dict(message) for message in ordered]
    event = {
        "restore_session" if is_restore(session) else "job_session": {**session, **more},
        "enterprise_manager": hostname,
        "meta": {"uuid": get_id(session)},
    }
    escaped: dict[str, Any] = escape_templates(event)
    return escaped


def escape_templates(value: Any) -> Any:
    """Return a value with spaces within what begins a template, and before jinja2 in headers that change the delimiters.

    ansible-rulebook passes events to playbooks as extra variables, which Ansible trusts: whoever may name a machine could run
    commands where the rulebook runs.
    """
    if isinstance(value, str):
        return _OVERRIDE.sub("# ", _TEMPLATE.sub("{ ", value))
    if isinstance(value, dict):
        return {key: escape_templates(one) for key, one in value.items()}
    return [escape_templates(one) for one in value] if isinstance(value, list) else value
