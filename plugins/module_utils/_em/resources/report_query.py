# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The queries of a backup report. Their rows are read one by one, and only what the report needs of them is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..client.client import Client
from ..errors import EmError
from ..protocol.dates import format_date
from .query import DEFAULTS, create_query, iter_resources, read_resources
from .report_digest import Digest, DigestOptions, build_digest
from .report_records import Records

# Job sessions belong to the period if they ended in it or are still running. Without them, the report would say that no job
# ran; so any failure of these queries is one of the report.
REQUIRED_QUERIES: Mapping[str, str | None] = {
    "BackupJobSession": 'EndTime>="{since}",State!=Stopped',
    "ReplicaJobSession": 'EndTime>="{since}",State!=Stopped',
}
# The report says which of these failed.
OPTIONAL_QUERIES: Mapping[str, str | None] = {
    "CdpReplicaSession": 'EndTimeUTC>="{since}",State!=Stopped',
    "RestoreSession": 'EndTime>="{since}",State!=Stopped',
    "Job": None,
    "AgentBackupJob": None,
    "NasJob": None,
    "CdpPolicy": None,
    "Repository": None,
    "Backup": None,
    "BackupFile": 'CreationTimeUTC>="{since}"',
}
# Kinds of errors that affect a single query. After any other, such as session_lost, all further queries would fail.
TOLERATED_KINDS = ("server_error", "forbidden", "bad_response")


def query_digest(client: Client, options: DigestOptions) -> Digest:
    """Return the digest of a report, complete with the reasons of failures and the usual durations."""
    records = Records()
    _run_queries(client, records, _list_queries(REQUIRED_QUERIES, options), is_required=True)
    _run_queries(client, records, _list_queries(OPTIONAL_QUERIES, options))
    _run_queries(client, records, build_digest(records, options).follow_up_queries)
    return build_digest(records, options)._replace(follow_up_queries=[])


def _list_queries(queries: Mapping[str, str | None], options: DigestOptions) -> list[dict[str, Any]]:
    since = format_date(options.since)
    return [{"type": name, "filter": condition and condition.format(since=since)} for name, condition in queries.items()]


def _run_queries(client: Client, records: Records, queries: Iterable[Mapping[str, Any]], *, is_required: bool = False) -> None:
    for params in queries:
        query = create_query({**DEFAULTS, **params})
        try:
            # With a limit the rows are few, but may have to be sorted.
            rows = iter_resources(client, query) if query.limit is None else read_resources(client, query)
            records.add(params["type"], rows)
        except EmError as err:
            if is_required or err.kind not in TOLERATED_KINDS:
                raise
            records.add_failure(params["type"], err.msg)
