# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup report from its digest: all that the page shows, as text.

Pure: no Ansible, no clock, no requests. What is still to be queried is in the report's ``follow_up_queries``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import (
    Digest,
    DigestOptions,
    build_digest,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import (
    FAILED,
    RUNNING,
    SUCCESS,
    WARNING,
    Records,
)

from .chart import build_chart
from .formatting import Zone, format_count, format_datetime
from .job_cards import build_job_cards
from .sections import (
    ReportOptions,
    build_longest,
    build_not_run,
    build_repositories,
    build_restores,
    build_running,
)

SUMMARY_KEYS = {FAILED: "failed", WARNING: "warnings", SUCCESS: "succeeded", RUNNING: "running"}


def build_report(results: Iterable[Mapping[str, Any]], options: ReportOptions) -> dict[str, Any]:
    """Return the report on results of veeam_query_info, each with its query as ``item``."""
    records = Records()
    for result in results:
        resource_type, rows = result["item"]["type"], result.get("resources")
        if rows is None:
            records.add_failure(resource_type, str(result.get("msg") or ""))
        else:
            records.add(resource_type, rows)
    digest_options = DigestOptions(
        options.since, options.until, options.max_rows, options.full_threshold_percent, options.baseline_days
    )
    return format_digest(build_digest(records, digest_options), options.zone)


def format_digest(digest: Digest, zone: Zone) -> dict[str, Any]:
    """Return the report on what a digest has, with times in this time zone."""
    summary = _build_summary(digest)
    return {
        "summary": summary,
        "headline": dict(zip(("first", "rest"), summary["headline"].partition(", ")[::2])),
        "follow_up_queries": list(digest.follow_up_queries),
        "period": {
            "since": format_datetime(zone.to_local(digest.since)),
            "until": format_datetime(zone.to_local(digest.until), with_year=True),
            "length": _format_length(digest.until - digest.since),
            "zone": zone.describe(digest.since, digest.until),
        },
        "failed": build_job_cards(digest.failed, zone),
        "warned": build_job_cards(digest.warned, zone),
        "running": build_running(digest.running, digest.until, zone),
        "restores": build_restores(digest.restores, digest.until, zone),
        "chart": build_chart(digest.slots, digest.since, digest.until, zone),
        "overdue": build_not_run(digest.overdue, zone),
        "not_due": build_not_run(digest.not_due, zone),
        "unscheduled": build_not_run(digest.unscheduled, zone),
        "longest": build_longest(digest.longest, zone),
        "repositories": build_repositories(digest),
        "failed_queries": [dict(query) for query in digest.failed_queries],
    }


def _format_length(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return format_count(hours // 24, "day") if hours % 24 == 0 and hours > 24 else format_count(hours, "hour")


def _build_summary(digest: Digest) -> dict[str, Any]:
    """Return counts, the verdict and the headline. A job counts as failed only if its latest session failed."""
    counts = digest.counts
    failed, recovered, overdue = counts["jobs_failed"], counts["jobs_recovered"], digest.overdue.total
    failed_queries = [query["type"] for query in digest.failed_queries]
    nearly_full = counts["repositories_nearly_full"]
    problems = [
        (failed, f"{format_count(failed, 'job')} failed"),
        (recovered, f"{format_count(recovered, 'job')} failed first and recovered"),
        (counts["jobs_warned"], f"{format_count(counts['jobs_warned'], 'job')} ended with warnings"),
        (overdue, f"{format_count(overdue, 'job')} did not run when due"),
        (counts["restores_failed"], f"{format_count(counts['restores_failed'], 'restore')} failed"),
        (nearly_full, f"{format_count(nearly_full, 'repository is', 'repositories are')} nearly full"),
        (len(failed_queries), f"{format_count(len(failed_queries), 'query', 'queries')} failed"),
    ]
    phrases = [text for number, text in problems if number]
    has_problems = bool(phrases)
    if not counts["job_sessions"]:
        phrases.insert(0, "No job ran")
    elif not any(number for number, _text in problems[:-1]):
        phrases.insert(0, "All jobs that ran succeeded" if counts[SUCCESS] else "No job has finished yet")
    is_empty = not counts["job_sessions"]
    return {
        "verdict": "bad" if failed else "empty" if is_empty else "warning" if has_problems else "good",
        "headline": ", ".join(phrases),
        "job_sessions": counts["job_sessions"],
        **{key: counts[outcome] for outcome, key in SUMMARY_KEYS.items()},
        "jobs": counts["jobs"],
        "jobs_failed": failed,
        "jobs_recovered": recovered,
        "jobs_not_run": overdue + digest.not_due.total,
        "jobs_overdue": overdue,
        "jobs_unscheduled": digest.unscheduled.total,
        "restores": digest.restores.total,
        "restores_failed": counts["restores_failed"],
        "repositories_nearly_full": nearly_full,
        "failed_queries": failed_queries,
    }
