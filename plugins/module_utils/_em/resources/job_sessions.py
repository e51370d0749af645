# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of jobs: BackupJobSession and ReplicaJobSession.

A job itself tells neither whether it runs nor how it ended; its runs do (wire facts, sections 6.2 and 6.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import read_bool, read_int, read_text
from ..protocol.dates import normalise_date, parse_date, print_date
from ..protocol.filters import And, Comparison, Field, Node, Or, create_wire_filter, is_sendable
from ..protocol.links import find_guid, find_link, get_path
from .listing import BACKUP_RUNS, REPLICA_RUNS, Source, iter_resources

JOB_UID = Field("JobUid", "job_uid", "uid")
CREATED = Field("CreationTime", "creation_time", "date")
STATE = Field("State", "state")
UID = Field("UID", "uid", "uid")
ENDED = "Stopped"
CLOCKS_DIFFER = 60  # seconds by which the clock of a backup server may be behind that of Enterprise Manager
LOOK_AT = 10  # newest runs to ask for: enough to see whether the server sorted them


def normalise_run(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Map a decoded run to its public shape. ``progress`` is in percent and need not reach 100; dates are UTC.

    The body says CreationTimeUTC where queries say CreationTime, and a run that goes on has the Result None.
    """
    result = read_text(row, "result")
    href = read_text(row, "href")
    server = find_link(row, "Up", kind="BackupServer") or {}
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


def get_source(job: Mapping[str, Any]) -> Source:
    """Tell where a job's runs are listed."""
    return REPLICA_RUNS if (job["job_type"] or "").lower() == "replica" else BACKUP_RUNS


def find_last_run(
    client: Client, job: Mapping[str, Any], *, after: Mapping[str, Any] | None = None, asked: float | None = None
) -> dict[str, Any] | None:
    """Find a job's newest run, or its newest one after another run; None where there is none, or none yet.

    The server sorts and we look; where its answer is not sorted, all of the job's runs are read. ``asked`` is when the run was
    asked for, in seconds since the epoch of the server's clock: Enterprise Manager learns of runs late, and one that began or
    ended before that is another one, however new it is in the list.
    """
    criteria: list[Node] = [_is_of(job)]
    since = parse_date(after["creation_time"]) if after and after["creation_time"] else None
    if after is not None and since is None:
        return None  # nothing can be told to be later than a moment that is not known
    begins = [since.timestamp()] if since else []
    if asked is not None:
        begins.append(asked - CLOCKS_DIFFER)
    if begins:
        earliest = max(begins)
        criteria.append(Comparison(CREATED, ">=", print_date(datetime.fromtimestamp(earliest, timezone.utc))))
    wire = create_wire_filter(And(tuple(criteria)), is_certain=is_sendable)
    newest: dict[str, Any] | None = None
    previous: str | None = None
    is_sorted, number = True, 0
    for number, run in enumerate(_iter_runs(client, job, wire), 1):
        created = run["creation_time"] or ""
        is_sorted = is_sorted and (previous is None or _sort_key(created) <= _sort_key(previous))
        previous = created
        is_older = begins and _sort_key(created) < earliest
        is_over = asked is not None and 0 < _sort_key(run["end_time"] or "") < asked
        if (
            not (is_older or is_over)
            and (after is None or run["uid"] != after["uid"])
            and (newest is None or _sort_key(created) > _sort_key(newest["creation_time"] or ""))
        ):
            newest = run
        if is_sorted and number >= LOOK_AT and (newest is not None or is_older):
            break
    if number == 0 and not begins and not _check_filters(client, job):
        return find_last_run(client, job)
    return newest


def _is_of(job: Mapping[str, Any]) -> Node:
    """Build the criterion of a job's runs. The reference writes the UIDs of agent and NAS jobs in two ways."""
    guid = find_guid(job["uid"] or "")
    if guid is None:
        raise EmError(
            "bad_response", f"The server lists the job {job['name']} without a UID, so its runs cannot be told apart."
        )
    uids = dict.fromkeys([job["uid"], f"urn:veeam:Job:{guid}"])
    return Or(tuple(Comparison(JOB_UID, "==", uid) for uid in uids))


def _iter_runs(client: Client, job: Mapping[str, Any], wire: str | None) -> Iterator[dict[str, Any]]:
    wanted = find_guid(job["uid"] or "")
    for row in _iter_rows(client, get_source(job), wire):
        run = normalise_run(row, client)
        if find_guid(run["job_uid"] or "") == wanted:
            yield run


def _iter_rows(client: Client, source: Source, wire: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a query or, where the server refuses its filter or its order, all rows that there are."""
    rows = iter_resources(
        client, source, wire=wire if client.filters_runs else None, newest_by="CreationTime", page_size=LOOK_AT
    )
    try:
        first = next(rows, None)
    except EmError as err:
        if err.status not in (400, 500, 501):
            raise
        yield from iter_resources(client, source)
        return
    if first is not None:
        yield first
        yield from rows


def _check_filters(client: Client, job: Mapping[str, Any]) -> bool:
    """Ask whether an empty answer can be believed: whether the server finds a run by its job that is known to be there.

    If it does not, it gets no filter any more, and it is worth asking once more.
    """
    source = get_source(job)
    if not client.filters_runs:
        return True
    some = next(_iter_rows(client, source, None), None)
    if some is not None:
        wire = create_wire_filter(Comparison(JOB_UID, "==", read_text(some, "job_uid") or ""), is_certain=is_sendable)
        client.filters_runs = wire is not None and next(_iter_rows(client, source, wire), None) is not None
    return client.filters_runs


def _sort_key(date: str) -> float:
    parsed = parse_date(date)
    return parsed.timestamp() if parsed else 0.0


def find_active_run(client: Client, job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the run of a job that goes on; None where there is none. Does not depend on the server's sorting."""
    criteria = And((_is_of(job), Comparison(STATE, "!=", ENDED)))
    wire = create_wire_filter(criteria, is_certain=is_sendable)
    active = [run for run in _iter_runs(client, job, wire) if run["state"] != ENDED]
    return max(active, key=lambda run: _sort_key(run["creation_time"] or ""), default=None)


def read_run(client: Client, href: str) -> dict[str, Any]:
    """Read a run at its address."""
    path = get_path(href)
    if "format=" not in path:
        path += ("&" if "?" in path else "?") + "format=Entity"
    document = client.get(path)
    row = document.data if isinstance(document.data, dict) else {}
    if read_text(row, "state") is None or read_text(row, "job_uid") is None:
        raise EmError("bad_response", "The server's answer is not the run of a job.", method="GET", path=path.partition("?")[0])
    return normalise_run(row, client)


def is_run_listed(client: Client, job: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    """Ask whether a run is among those of its job. An unknown id is a 500 as any fault is, so that says nothing."""
    if run["uid"] is None:  # then it cannot be missed either
        return True
    wire = create_wire_filter(And((_is_of(job), Comparison(UID, "==", run["uid"]))), is_certain=is_sendable)
    is_listed = any(listed["uid"] == run["uid"] for listed in _iter_runs(client, job, wire))
    return is_listed or (not _check_filters(client, job) and is_run_listed(client, job, run))
