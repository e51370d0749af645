# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Job sessions, which are the runs of jobs: BackupJobSession and ReplicaJobSession.

A job itself tells neither whether it runs nor how its last run ended; its sessions do (wire facts, sections 6.2 and 6.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import read_bool, read_int, read_text
from ..protocol.dates import format_timestamp, normalise_date, to_timestamp
from ..protocol.filters import And, Comparison, Field, Node, Or, may_match, to_server_filter
from ..protocol.links import find_guid, find_link, get_path
from .listing import (
    BACKUP_SESSION_QUERY,
    PAGE_SIZE,
    REPLICA_SESSION_QUERY,
    FilteredListing,
    QueryTarget,
    iter_resources,
)
from .session_states import STOPPED

JOB_UID = Field("JobUid", "job_uid", "uid")
CREATED = Field("CreationTime", "creation_time", "date")
STATE = Field("State", "state")
UID = Field("UID", "uid", "uid")
JOB_SESSION_UID = Field("JobSessionUid", "job_session_uid", "uid")
# What a job session did to each machine, with the reasons that job sessions themselves lack (wire facts, section 6.4).
BACKUP_TASK_QUERY = QueryTarget("BackupTaskSession", ("entities", "backup_task_sessions"))
REPLICA_TASK_QUERY = QueryTarget("ReplicaTaskSession", ("entities", "replica_task_sessions"))
MAX_TASK_SESSIONS = 200  # rows to read for the reasons of one job session
MAX_REASONS = 10
SORT_PROBE_ROWS = 10  # newest sessions to ask for: enough to see whether the server sorted them


def normalise_job_session(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Return the public form of a decoded job session. ``progress`` is in percent and need not reach 100; dates are UTC.

    Bodies have CreationTimeUTC where queries have CreationTime, and a session that is not stopped has the Result None.
    """
    result = read_text(row, "result")
    href = read_text(row, "href")
    server = find_link(row, "Up", type_prefix="BackupServer") or {}
    return {
        "name": read_text(row, "name"),
        "uid": read_text(row, "uid"),
        "job_name": read_text(row, "job_name"),
        "job_uid": read_text(row, "job_uid"),
        "job_type": read_text(row, "job_type"),
        "backup_server": read_text(server, "name"),
        "state": read_text(row, "state"),
        "result": None if result in (None, "None") else result,
        "progress": read_int(row, "progress"),
        "creation_time": normalise_date(read_text(row, "creation_time_utc") or read_text(row, "creation_time")),
        "end_time": normalise_date(read_text(row, "end_time_utc") or read_text(row, "end_time")),
        "is_retry": read_bool(row, "is_retry"),
        "failure_message": read_text(row, "failure_message"),
        "href": client.locate(href) if href else None,
    }


class JobSessions:
    """The job sessions of one Enterprise Manager. Answers are checked, since servers may ignore filters and orders."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._backup = FilteredListing(client, BACKUP_SESSION_QUERY)
        self._replica = FilteredListing(client, REPLICA_SESSION_QUERY)
        self._page_size = SORT_PROBE_ROWS  # until a server turns out to ignore filters

    def find_active(self, job: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the job session of a job that is not stopped; None if there is none. The server's order does not matter."""
        active = [one for one in self._iter(job, Comparison(STATE, "!=", STOPPED)) if one["state"] != STOPPED]
        return max(active, key=_created, default=None)

    def find_latest(self, job: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a job's newest session; None where there is none."""
        return next(iter(self.list_since(job, None)), None)

    def list_since(self, job: Mapping[str, Any], since: float | None) -> list[dict[str, Any]]:
        """Return the sessions of a job that began at or after a time in seconds since the epoch, the newest first.

        Without a time, return at least the newest one. The server sorts, and the order is checked; where an answer is not
        sorted, all of the job's sessions are read.
        """
        criteria = () if since is None else (Comparison(CREATED, ">=", format_timestamp(since)),)
        found = []
        previous: float | None = None
        is_sorted, number = True, 0
        for number, session in enumerate(self._iter(job, *criteria), 1):
            created = _created(session)
            is_sorted = is_sorted and (previous is None or created <= previous)
            previous = created
            is_older = since is not None and created < since
            if not is_older:
                found.append(session)
            if is_sorted and number >= SORT_PROBE_ROWS and (since is None or is_older):
                break
        if number == 0 and since is None and not self._listing_of(job).verify_filter(JOB_UID):
            return self.list_since(job, None)
        return sorted(found, key=_created, reverse=True)

    def list_active(self) -> list[dict[str, Any]]:
        """Return the backup job sessions of all jobs that are not stopped."""
        rows = self._backup.iter_rows(Comparison(STATE, "!=", STOPPED), newest_by=CREATED.name)
        sessions = [normalise_job_session(row, self.client) for row in rows]
        return [session for session in sessions if session["state"] != STOPPED]

    def list_reasons(self, session: Mapping[str, Any]) -> list[str]:
        """Return the reasons of a failed session, from its task sessions, one per machine; empty if they cannot be read."""
        target = REPLICA_TASK_QUERY if "replica" in (session["uid"] or "").lower() else BACKUP_TASK_QUERY
        encoded = to_server_filter(Comparison(JOB_SESSION_UID, "==", session["uid"])) if session["uid"] else None
        if encoded is None:
            return []
        reasons = []
        try:
            for row in islice(iter_resources(self.client, target, encoded_filter=encoded), MAX_TASK_SESSIONS):
                result, reason = read_text(row, "result"), read_text(row, "reason")
                is_own = find_guid(read_text(row, "job_session_uid") or "") == find_guid(session["uid"])
                if is_own and result in ("Warning", "Failed"):
                    name = read_text(row, "vm_display_name") or read_text(row, "name")
                    reasons.append(f"{name}: {reason or result}.".replace("..", "."))
        except EmError as err:
            if err.kind == "session_lost":
                raise
        return reasons[:MAX_REASONS]

    def is_uid_listed(self, session: Mapping[str, Any]) -> bool:
        """Return whether a backup job session is listed, whatever its job is."""
        if session["uid"] is None:  # then its absence cannot be told either
            return True
        rows = self._backup.iter_rows(Comparison(UID, "==", session["uid"]))
        found = any(read_text(row, "uid") == session["uid"] for row in rows)
        return found or (not self._backup.verify_filter(UID) and self.is_uid_listed(session))

    def is_listed(self, job: Mapping[str, Any], session: Mapping[str, Any]) -> bool:
        """Return whether a session is among those of its job. A read cannot tell: an unknown id is a 500, as any fault is."""
        if session["uid"] is None:  # then its absence cannot be told either
            return True
        found = any(one["uid"] == session["uid"] for one in self._iter(job, Comparison(UID, "==", session["uid"])))
        return found or (not self._listing_of(job).verify_filter(JOB_UID) and self.is_listed(job, session))

    def read(self, href: str) -> dict[str, Any]:
        """Return the job session at an address."""
        path = get_path(href)
        if "format=" not in path:
            path += ("&" if "?" in path else "?") + "format=Entity"
        document = self.client.get(path)
        row = document.data if isinstance(document.data, dict) else {}
        if read_text(row, "state") is None or read_text(row, "job_uid") is None:
            msg = "The server's answer is not a job session."
            raise EmError("bad_response", msg, method="GET", path=path.partition("?")[0])
        return normalise_job_session(row, self.client)

    def _listing_of(self, job: Mapping[str, Any]) -> FilteredListing:
        return self._replica if (job["job_type"] or "").lower() == "replica" else self._backup

    def _iter(self, job: Mapping[str, Any], *criteria: Node) -> Iterator[dict[str, Any]]:
        """Yield the sessions of a job, the newest first if the server sorts."""
        wanted = find_guid(job["uid"] or "")
        if wanted is None:
            msg = f"The server lists the job {job['name']} without a UID, so its job sessions cannot be identified."
            raise EmError("bad_response", msg)
        # The reference writes the UIDs of agent and NAS jobs in two ways.
        uids = dict.fromkeys([job["uid"], f"urn:veeam:Job:{wanted}"])
        of_job = Or(tuple(Comparison(JOB_UID, "==", uid) for uid in uids))
        wanted_rows = And((of_job, *criteria))
        page_size = self._page_size
        sessions = self._iter_all(job, wanted_rows, page_size)
        first = list(islice(sessions, page_size))
        # Rows of another time do not count: they come after those that are looked for.
        checked = And((of_job, *(one for one in criteria if not isinstance(one, Comparison) or one.field is not CREATED)))
        if page_size < PAGE_SIZE and not all(may_match(checked, one) for one in first):
            self._page_size = PAGE_SIZE  # the server ignores filters, so what is looked for may be far away
            first, sessions = [], self._iter_all(job, wanted_rows, PAGE_SIZE)
        for session in chain(first, sessions):
            if find_guid(session["job_uid"] or "") == wanted:
                yield session

    def _iter_all(self, job: Mapping[str, Any], criteria: Node, page_size: int) -> Iterator[dict[str, Any]]:
        rows = self._listing_of(job).iter_rows(criteria, newest_by=CREATED.name, page_size=page_size)
        return (normalise_job_session(row, self.client) for row in rows)


def _created(session: Mapping[str, Any]) -> float:
    return to_timestamp(session["creation_time"]) or 0.0
