# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections of the backup report that are plain lists: their rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import (
    Digest,
    Longest,
    NotRun,
    Part,
    Restore,
    Running,
)

from .formatting import Zone, format_datetime, format_duration, format_size


class ReportOptions(NamedTuple):
    """The period of the report, and the options of the filter. ``baseline_days`` are the days before the period."""

    since: datetime
    until: datetime
    zone: Zone
    max_rows: int
    full_threshold_percent: int
    baseline_days: int


def count_left_out(part: Part, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows of a section, how many rows are left out, and how many there are."""
    return {"rows": rows, "more": part.total - len(rows), "total": part.total}


def _format_start(started: datetime | None, zone: Zone) -> str:
    return format_datetime(zone.to_local(started)) if started else ""


def build_running(part: Part, until: datetime, zone: Zone) -> dict[str, Any]:
    """Return the job sessions that are still running."""
    running: Sequence[Running] = part.rows
    rows = [
        {
            "job": one.job,
            "server": one.server,
            "job_type": one.job_type,
            "started": _format_start(one.started, zone),
            "duration": format_duration((until - one.started).total_seconds()) if one.started else "",
            "progress": one.progress,
        }
        for one in running
    ]
    return count_left_out(part, rows)


def build_restores(part: Part, until: datetime, zone: Zone) -> dict[str, Any]:
    """Return the restores."""
    restores: Sequence[Restore] = part.rows
    rows = [
        {
            "machine": one.machine,
            "server": one.server,
            "restore_type": one.restore_type,
            "outcome": one.outcome,
            "started": _format_start(one.started, zone),
            "duration": format_duration(((one.ended or until) - one.started).total_seconds()) if one.started else "",
        }
        for one in restores
    ]
    return count_left_out(part, rows)


def build_not_run(part: Part, zone: Zone) -> dict[str, Any]:
    """Return jobs that did not run, with the date of their next run."""
    jobs: Sequence[NotRun] = part.rows
    rows = [
        {
            "job": one.job,
            "server": one.server,
            "job_type": one.job_type,
            "next_run": format_datetime(zone.to_local(one.next_run)) if one.next_run else "",
        }
        for one in jobs
    ]
    return count_left_out(part, rows)


def build_longest(part: Part, zone: Zone) -> dict[str, Any]:
    """Return the longest job sessions, each with its baseline."""
    longest: Sequence[Longest] = part.rows
    scale = max([1, *(one.duration for one in longest), *(one.baseline or 0 for one in longest)])
    rows = [
        {
            "job": one.job,
            "server": one.server,
            "outcome": one.outcome,
            "started": _format_start(one.started, zone),
            "duration": format_duration(one.duration),
            "percent": round(100 * one.duration / scale, 2),
            "baseline": "" if one.baseline is None else format_duration(one.baseline),
            "baseline_percent": None if one.baseline is None else round(100 * one.baseline / scale, 2),
            "comparison": _compare(one.duration, one.baseline),
        }
        for one in longest
    ]
    return count_left_out(part, rows)


def _compare(seconds: float, baseline: float | None) -> str:
    """Return how much longer than usual it took; an empty string if the difference is small or nothing is known."""
    if not baseline or seconds < baseline * 1.5 or seconds - baseline < 60:
        return ""
    return f"{seconds / baseline:.1f} times as long as usual"


def build_repositories(digest: Digest) -> dict[str, Any]:
    """Return the repositories. ``written`` is the size of the backup files created in the period."""
    rows = [
        {
            "name": one.name,
            "server": one.server,
            "has_capacity": one.capacity > 0,  # object storage has none
            "capacity": format_size(one.capacity),
            "used": format_size(max(0, one.capacity - one.free)),
            "free": format_size(one.free),
            "percent": round(one.percent, 2),
            "percent_text": f"{int(one.percent)} %",  # rounded down: 99.9 is not yet full
            "is_nearly_full": one.is_nearly_full,
            "written": format_size(one.written) if one.written else "",
        }
        for one in digest.repositories.rows
    ]
    return {
        **count_left_out(digest.repositories, rows),
        "nearly_full": digest.counts["repositories_nearly_full"],
        "has_written": digest.has_written,
    }
