# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the picture of a night, each a list of lines in words, cut to what a page has room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import find_guid

from ._night_rows import (
    FAILED,
    RUNNING,
    Job,
    Run,
    find_parent,
    iter_resources,
    read_number,
    read_server,
)
from ._night_text import Zone, print_duration, print_moment, print_size

ENOUGH = 3  # runs from which one can tell what is usual


class Period(NamedTuple):
    """What the picture is of, and how it is to be drawn. ``usual_days`` before it tell how long runs usually take."""

    since: datetime
    until: datetime
    zone: Zone
    limit: int
    full_percent: int
    usual_days: int


def cut(rows: list[Any], total: int) -> dict[str, Any]:
    """Give what is shown of a list and how much is left out."""
    return {"rows": rows, "more": max(0, total - len(rows)), "total": total}


def newest(run: Run) -> float:
    when = run.ended or run.began
    return when.timestamp() if when else 0.0


def create_running(runs: Iterable[Run], period: Period) -> dict[str, Any]:
    going = sorted((run for run in runs if run.outcome == RUNNING), key=lambda run: (run.began or period.until, run.job))
    rows = [
        {
            "job": run.job,
            "server": run.server,
            "kind": run.kind,
            "began": print_moment(period.zone.local(run.began)) if run.began else "",
            "for": print_duration((period.until - run.began).total_seconds()) if run.began else "",
            "progress": run.progress,
        }
        for run in going[: period.limit]
    ]
    return cut(rows, len(going))


def create_idle(jobs: Sequence[Job], period: Period) -> dict[str, Any]:
    rows = [
        {
            "job": job.name,
            "server": job.server,
            "kind": job.kind,
            "next": print_moment(period.zone.local(job.next_run)) if job.next_run else "",
        }
        for job in jobs[: period.limit]
    ]
    return cut(rows, len(jobs))


def create_longest(longest: Sequence[Run], past: Iterable[Run], period: Period) -> list[dict[str, Any]]:
    """Describe the longest runs, each beside the median of its job's runs before the period."""
    before: dict[str, list[float]] = {}
    for run in past:
        if run.seconds is not None and run.outcome != FAILED:
            before.setdefault(run.key, []).append(run.seconds)
    usual = {key: median(seconds) for key, seconds in before.items() if len(seconds) >= ENOUGH}
    top = max([run.seconds or 0 for run in longest] + [usual.get(run.key, 0) for run in longest] + [1])
    return [
        {
            "job": run.job,
            "server": run.server,
            "outcome": run.outcome,
            "began": print_moment(period.zone.local(run.began)) if run.began else "",
            "took": print_duration(run.seconds or 0),
            "percent": round(100 * (run.seconds or 0) / top, 2),
            "usual": print_duration(usual[run.key]) if run.key in usual else "",
            "usual_percent": round(100 * usual[run.key] / top, 2) if run.key in usual else None,
            "compared": _compare(run.seconds or 0, usual.get(run.key)),
        }
        for run in longest
    ]


def _compare(seconds: float, usual: float | None) -> str:
    """Say how much longer than usual, where that is much."""
    if not usual or seconds < usual * 1.5 or seconds - usual < 60:
        return ""
    return f"{seconds / usual:.1f} times as long as usual"


def create_repositories(answers: Sequence[Mapping[str, Any]], period: Period) -> dict[str, Any]:
    """Describe repositories, the fullest first. ``written`` is what the backup files made within the period hold."""
    homes = {
        find_guid(str(row.get("uid"))): find_guid(str(row.get("repository_uid"))) or find_parent(row, "Repository")
        for _kind, row in iter_resources(answers, "Backup")
    }
    written: dict[str, int] = {}
    for _kind, row in iter_resources(answers, "BackupFile"):
        home = homes.get(find_guid(str(row.get("backup_uid"))) or find_parent(row, "Backup"))
        if home:
            written[home] = written.get(home, 0) + read_number(row, "backup_size")
    rows = []
    for _kind, row in iter_resources(answers, "Repository"):
        capacity, free = read_number(row, "capacity"), read_number(row, "free_space")
        used = max(0, capacity - free)
        percent = 100 * used / capacity if capacity else 0.0
        new = written.get(find_guid(str(row.get("uid"))) or "", 0)
        rows.append(
            {
                "name": str(row.get("name") or ""),
                "server": read_server(row),
                "is_known": capacity > 0,  # object storage has no capacity
                "capacity": print_size(capacity),
                "used": print_size(used),
                "free": print_size(free),
                "percent": round(percent, 2),
                "shown": f"{int(percent)} %",  # 99.9 is not yet full
                "is_full": capacity > 0 and percent >= period.full_percent,
                "written": print_size(new) if new else "",
            }
        )
    rows.sort(key=lambda row: (-float(str(row["percent"])), not row["is_known"], str(row["name"]).casefold()))
    return {
        **cut(rows[: period.limit], len(rows)),
        "full": sum(bool(row["is_full"]) for row in rows),
        "is_written_known": any(row["written"] for row in rows),
    }
