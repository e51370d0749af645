# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections of the backup report that are plain lists: their rows as text, truncated to what a page has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import find_guid

from .formatting import Zone, format_datetime, format_duration, format_size
from .records import (
    FAILED,
    RUNNING,
    Job,
    JobSession,
    RestoreSession,
    find_parent,
    iter_resources,
    read_number,
    read_server,
)

MIN_BASELINE_SESSIONS = 3  # fewer sessions of a job say nothing about its usual duration


class ReportOptions(NamedTuple):
    """The period of the report, and the options of the filter. ``baseline_days`` are the days before the period."""

    since: datetime
    until: datetime
    zone: Zone
    max_rows: int
    full_threshold_percent: int
    baseline_days: int


def truncate(rows: Sequence[Any], options: ReportOptions) -> dict[str, Any]:
    """Return the first rows of a section, how many rows are left out, and how many there are."""
    shown = list(rows[: options.max_rows])
    return {"rows": shown, "more": len(rows) - len(shown), "total": len(rows)}


def build_running(sessions: Iterable[JobSession], options: ReportOptions) -> dict[str, Any]:
    """Return the job sessions that are still running, the oldest first."""
    running = [session for session in sessions if session.outcome == RUNNING]
    rows = [
        {
            "job": session.job_name,
            "server": session.server,
            "job_type": session.job_type,
            "started": format_datetime(options.zone.to_local(session.started)) if session.started else "",
            "duration": format_duration((options.until - session.started).total_seconds()) if session.started else "",
            "progress": session.progress,
        }
        for session in sorted(running, key=lambda session: (session.started or options.until, session.job_name))
    ]
    return truncate(rows, options)


def build_restores(restores: Iterable[RestoreSession], options: ReportOptions) -> dict[str, Any]:
    """Return the restores, those that failed first, then the latest first."""

    def rank(restore: RestoreSession) -> tuple[bool, float, str]:
        moment = restore.ended or restore.started
        return restore.outcome != FAILED, -moment.timestamp() if moment else 0.0, restore.machine

    rows = [
        {
            "machine": restore.machine,
            "server": restore.server,
            "restore_type": restore.restore_type,
            "outcome": restore.outcome,
            "started": format_datetime(options.zone.to_local(restore.started)) if restore.started else "",
            "duration": format_duration(((restore.ended or options.until) - restore.started).total_seconds())
            if restore.started
            else "",
        }
        for restore in sorted(restores, key=rank)
    ]
    return truncate(rows, options)


def build_not_run(jobs: Iterable[Job], options: ReportOptions) -> dict[str, Any]:
    """Return jobs that did not run, with the date of their next run."""
    rows = [
        {
            "job": job.name,
            "server": job.server,
            "job_type": job.job_type,
            "next_run": format_datetime(options.zone.to_local(job.next_run)) if job.next_run else "",
        }
        for job in jobs
    ]
    return truncate(rows, options)


def build_longest(longest: Sequence[JobSession], earlier: Iterable[JobSession], options: ReportOptions) -> dict[str, Any]:
    """Return the longest job sessions, each with its baseline: the median duration of the job's sessions before the period."""
    durations: dict[str, list[float]] = {}
    for session in earlier:
        if session.duration is not None and session.outcome != FAILED:
            durations.setdefault(session.job_key, []).append(session.duration)
    baselines = {key: median(found) for key, found in durations.items() if len(found) >= MIN_BASELINE_SESSIONS}
    shown = longest[: options.max_rows]
    scale = max([1, *((one.duration or 0) for one in shown), *(baselines.get(one.job_key, 0) for one in shown)])
    rows = [
        {
            "job": session.job_name,
            "server": session.server,
            "outcome": session.outcome,
            "started": format_datetime(options.zone.to_local(session.started)) if session.started else "",
            "duration": format_duration(session.duration or 0),
            "percent": round(100 * (session.duration or 0) / scale, 2),
            "baseline": format_duration(baselines[session.job_key]) if session.job_key in baselines else "",
            "baseline_percent": round(100 * baselines[session.job_key] / scale, 2) if session.job_key in baselines else None,
            "comparison": _compare(session.duration or 0, baselines.get(session.job_key)),
        }
        for session in longest
    ]
    return truncate(rows, options)


def _compare(seconds: float, baseline: float | None) -> str:
    """Return how much longer than usual it took; an empty string if the difference is small or nothing is known."""
    if not baseline or seconds < baseline * 1.5 or seconds - baseline < 60:
        return ""
    return f"{seconds / baseline:.1f} times as long as usual"


def build_repositories(results: Sequence[Mapping[str, Any]], options: ReportOptions) -> dict[str, Any]:
    """Return the repositories, the fullest first. ``written`` is the size of the backup files created in the period."""
    repository_of = {
        find_guid(str(row.get("uid"))): find_guid(str(row.get("repository_uid"))) or find_parent(row, "Repository")
        for _type, row in iter_resources(results, "Backup")
    }
    written: dict[str, int] = {}
    for _type, row in iter_resources(results, "BackupFile"):
        repository = repository_of.get(find_guid(str(row.get("backup_uid"))) or find_parent(row, "Backup"))
        if repository:
            written[repository] = written.get(repository, 0) + read_number(row, "backup_size")
    rows = []
    for _type, row in iter_resources(results, "Repository"):
        capacity, free = read_number(row, "capacity"), read_number(row, "free_space")
        used = max(0, capacity - free)
        percent = 100 * used / capacity if capacity else 0.0
        size = written.get(find_guid(str(row.get("uid"))) or "", 0)
        rows.append(
            {
                "name": str(row.get("name") or ""),
                "server": read_server(row),
                "has_capacity": capacity > 0,  # object storage has none
                "capacity": format_size(capacity),
                "used": format_size(used),
                "free": format_size(free),
                "percent": round(percent, 2),
                "percent_text": f"{int(percent)} %",  # rounded down: 99.9 is not yet full
                "is_nearly_full": capacity > 0 and percent >= options.full_threshold_percent,
                "written": format_size(size) if size else "",
            }
        )
    rows.sort(key=lambda row: (-float(str(row["percent"])), not row["has_capacity"], str(row["name"]).casefold()))
    return {
        **truncate(rows, options),
        "nearly_full": sum(bool(row["is_nearly_full"]) for row in rows),
        "has_written": any(row["written"] for row in rows),
    }
