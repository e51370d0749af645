# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of veeam_query_info to build backup reports from."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import parse_date
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import Digest, DigestOptions, build_digest
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import JobSession, Records
from ansible_collections.vbem.rest.plugins.plugin_utils._report.build import build_report
from ansible_collections.vbem.rest.plugins.plugin_utils._report.formatting import Zone
from ansible_collections.vbem.rest.plugins.plugin_utils._report.sections import ReportOptions

SINCE, UNTIL = "2026-11-22T18:00:00Z", "2026-11-23T18:00:00Z"


def guid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def make_row(job: int, ended: str | None, result: str | None = "Success", number: int = 0, **more: Any) -> dict[str, Any]:
    """Return a job session that took ten minutes. It ended at this time of 23 November, or at this date."""
    end = None if ended is None else f"2026-11-23T{ended}:00Z" if len(ended) == 5 else ended
    return {
        "uid": f"urn:veeam:BackupJobSession:{guid(number or job * 100 + (int(ended[-5:-3]) if ended else 0))}",
        "job_uid": f"urn:veeam:Job:{guid(job)}",
        "job_name": f"Job {job}",
        "job_type": "Backup",
        "creation_time_utc": end and (datetime.fromisoformat(end[:19]) - timedelta(minutes=10)).isoformat() + "Z",
        "end_time_utc": end,
        "state": "Stopped" if end else "Working",
        "result": result,
        "links": [{"rel": "Up", "type": "BackupServerReference", "name": "vbr01"}],
        **more,
    }


def make_task_session(session: dict[str, Any], machine: str, reason: str, result: str = "Failed") -> dict[str, Any]:
    """Return a task session of a job session."""
    return {"job_session_uid": session["uid"], "vm_display_name": machine, "result": result, "reason": reason}


def make_result(resource_type: str, *rows: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a query for resources of a type."""
    return {"item": {"type": resource_type}, "resources": list(rows)}


def sessions(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a query for backup job sessions."""
    return make_result("BackupJobSession", *rows)


def build(*results: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the report on results, in UTC and with the defaults of the filter."""
    defaults: dict[str, Any] = {"max_rows": 15, "full_threshold_percent": 90, "baseline_days": 14}
    since, until = parse_date(SINCE), parse_date(UNTIL)
    assert since
    assert until
    return build_report(results, ReportOptions(since, until, Zone("UTC"), **(defaults | options)))


def read(*results: dict[str, Any]) -> Records:
    """Return the records of results."""
    records = Records()
    for result in results:
        records.add(result["item"]["type"], iter(result["resources"]))
    return records


def digest(*results: dict[str, Any], since: str = SINCE, until: str = UNTIL, max_rows: int = 15) -> Digest:
    """Return the digest of results."""
    period = parse_date(since), parse_date(until)
    assert period[0]
    assert period[1]
    return build_digest(read(*results), DigestOptions(period[0], period[1], max_rows, 90, 14))


def make_session(ended: datetime | None, outcome: str = "success") -> JobSession:
    """Return a record of which only the end and the outcome matter."""
    return JobSession("BackupJobSession", "", "", "", "", "", "", None, ended, outcome, False, "", None)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
