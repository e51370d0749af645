# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup report from results of veeam_query_info: all that its page shows, counted, sorted, truncated and as text.

Pure: no Ansible, no clock, no requests. What is still to be queried is in the report's ``follow_up_queries``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import format_date

from .chart import build_chart
from .formatting import format_count, format_datetime
from .job_cards import build_job_cards, group_by_job
from .records import (
    FAILED,
    RUNNING,
    SUCCESS,
    TASK_SESSION_TYPES,
    WARNING,
    Job,
    JobSession,
    RestoreSession,
    read_job_sessions,
    read_jobs,
    read_restore_sessions,
    read_task_sessions,
)
from .sections import ReportOptions, build_longest, build_not_run, build_repositories, build_restores, build_running

UIDS_PER_QUERY = 25  # servers refuse request lines that are too long
COLLECTION_DELAY = timedelta(minutes=30)  # Enterprise Manager collects new job sessions every 15 minutes or so
MAX_QUERY_ROWS = 2000  # of one follow-up query
MAX_SHORT_FORM_QUERIED = 500  # jobs of the short form whose reasons are queried
SUMMARY_KEYS = {FAILED: "failed", WARNING: "warnings", SUCCESS: "succeeded", RUNNING: "running"}
_PLAIN_UID = re.compile(r"[\w:.-]{1,200}", re.ASCII)  # needs no quotes in a filter


def build_report(results: Sequence[Mapping[str, Any]], options: ReportOptions) -> dict[str, Any]:
    """Return the report on results of veeam_query_info, each with its query as ``item``."""
    jobs = read_jobs(results)
    all_sessions = read_job_sessions(results, jobs)
    earlier = [session for session in all_sessions if session.ended is not None and session.ended < options.since]
    sessions = [session for session in all_sessions if session.ended is None or session.ended >= options.since]
    task_sessions = read_task_sessions(results)
    restores = [one for one in read_restore_sessions(results) if one.ended is None or one.ended >= options.since]
    latest = _find_latest(sessions)
    failed, warned = (group_by_job(sessions, outcome, latest) for outcome in (FAILED, WARNING))
    others = [*failed[options.max_rows :], *warned[options.max_rows :]][:MAX_SHORT_FORM_QUERIED]
    to_query = [group[0] for group in (*failed[: options.max_rows], *warned[: options.max_rows], *others)]
    queried = {session.uid for session in to_query}
    not_run = _find_not_run(jobs, sessions, options)
    longest = _find_longest(sessions)
    failed_queries = [
        {"type": result["item"]["type"], "msg": str(result.get("msg") or "")}
        for result in results
        if result.get("resources") is None
    ]
    repositories = build_repositories(results, options)
    summary = _build_summary(
        sessions,
        jobs,
        latest,
        not_run,
        restores=restores,
        repositories_nearly_full=repositories["nearly_full"],
        failed_queries=[query["type"] for query in failed_queries],
    )
    return {
        "summary": summary,
        "headline": dict(zip(("first", "rest"), summary["headline"].partition(", ")[::2])),
        "follow_up_queries": _build_follow_up_queries(to_query, longest[: options.max_rows], options),
        "period": {
            "since": format_datetime(options.zone.to_local(options.since)),
            "until": format_datetime(options.zone.to_local(options.until), with_year=True),
            "length": _format_length(options.until - options.since),
            "zone": options.zone.describe(options.since, options.until),
        },
        "failed": build_job_cards(failed, latest, task_sessions, queried, options),
        "warned": build_job_cards(warned, latest, task_sessions, queried, options),
        "running": build_running(sessions, options),
        "restores": build_restores(restores, options),
        "chart": build_chart(sessions, options.since, options.until, options.zone),
        **{name: build_not_run(found, options) for name, found in not_run.items()},
        "longest": build_longest(longest, earlier, options),
        "repositories": repositories,
        "failed_queries": failed_queries,
    }


def _format_length(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return format_count(hours // 24, "day") if hours % 24 == 0 and hours > 24 else format_count(hours, "hour")


def _find_latest(sessions: Iterable[JobSession]) -> dict[str, JobSession]:
    """Return the latest finished session of each job, by the job's key."""
    latest: dict[str, JobSession] = {}
    for session in sessions:
        if session.outcome == RUNNING:
            continue
        known = latest.get(session.job_key)
        if known is None or session.end_timestamp >= known.end_timestamp:
            latest[session.job_key] = session
    return latest


def _find_longest(sessions: Iterable[JobSession]) -> list[JobSession]:
    """Return the longest session of each job, in descending order."""
    longest: dict[str, JobSession] = {}
    finished = [session for session in sessions if session.duration is not None]
    for session in sorted(finished, key=lambda session: -(session.duration or 0)):
        longest.setdefault(session.job_key, session)
    return list(longest.values())


def _find_not_run(jobs: Iterable[Job], sessions: Iterable[JobSession], options: ReportOptions) -> dict[str, list[Job]]:
    """Return the jobs without a session: those overdue, those scheduled and perhaps not due, and those without a schedule."""
    ran = {session.job_key for session in sessions}
    not_run: dict[str, list[Job]] = {"overdue": [], "not_due": [], "unscheduled": []}
    for job in sorted(jobs, key=lambda job: (job.name.casefold(), job.server)):
        if job.key in ran:
            continue
        is_overdue = job.next_run is not None and job.next_run < options.until - COLLECTION_DELAY
        not_run["unscheduled" if not job.is_scheduled else "overdue" if is_overdue else "not_due"].append(job)
    return not_run


def _build_summary(  # noqa: PLR0913 - it sums all of it up
    sessions: Sequence[JobSession],
    jobs: Sequence[Job],
    latest: Mapping[str, JobSession],
    not_run: Mapping[str, list[Job]],
    *,
    restores: Sequence[RestoreSession],
    repositories_nearly_full: int,
    failed_queries: Sequence[str],
) -> dict[str, Any]:
    """Return counts, the verdict and the headline. A job counts as failed only if its latest session failed."""
    counts = {outcome: sum(session.outcome == outcome for session in sessions) for outcome in SUMMARY_KEYS}
    failed = sum(session.outcome == FAILED for session in latest.values())
    warned = sum(session.outcome == WARNING for session in latest.values())
    failed_keys = {session.job_key for session in sessions if session.outcome == FAILED}
    recovered = sum(latest[key].outcome != FAILED for key in failed_keys)
    overdue = len(not_run["overdue"])
    restores_failed = sum(restore.outcome == FAILED for restore in restores)
    problems = [
        (failed, f"{format_count(failed, 'job')} failed"),
        (recovered, f"{format_count(recovered, 'job')} failed first and recovered"),
        (warned, f"{format_count(warned, 'job')} ended with warnings"),
        (overdue, f"{format_count(overdue, 'job')} did not run when due"),
        (restores_failed, f"{format_count(restores_failed, 'restore')} failed"),
        (
            repositories_nearly_full,
            f"{format_count(repositories_nearly_full, 'repository is', 'repositories are')} nearly full",
        ),
        (len(failed_queries), f"{format_count(len(failed_queries), 'query', 'queries')} failed"),
    ]
    phrases = [text for number, text in problems if number]
    has_problems = bool(phrases)
    if not sessions:
        phrases.insert(0, "No job ran")
    elif not any(number for number, _text in problems[:-1]):
        phrases.insert(0, "All jobs that ran succeeded" if counts[SUCCESS] else "No job has finished yet")
    return {
        "verdict": "bad" if failed else "empty" if not sessions else "warning" if has_problems else "good",
        "headline": ", ".join(phrases),
        "job_sessions": len(sessions),
        **{SUMMARY_KEYS[outcome]: number for outcome, number in counts.items()},
        "jobs": len(jobs),
        "jobs_failed": failed,
        "jobs_recovered": recovered,
        "jobs_not_run": overdue + len(not_run["not_due"]),
        "jobs_overdue": overdue,
        "jobs_unscheduled": len(not_run["unscheduled"]),
        "restores": len(restores),
        "restores_failed": restores_failed,
        "repositories_nearly_full": repositories_nearly_full,
        "failed_queries": list(failed_queries),
    }


def _build_follow_up_queries(
    to_query: Sequence[JobSession], longest: Sequence[JobSession], options: ReportOptions
) -> list[dict[str, Any]]:
    """Return queries for the reasons of job sessions, and for earlier sessions of the jobs that took longest."""
    queries = []
    for session_type, task_session_type in TASK_SESSION_TYPES.items():
        for uids in _iter_batches(session.uid for session in to_query if session.resource_type == session_type):
            condition = _build_condition("JobSessionUid", uids) + ";Result>=Warning"
            queries.append({"type": task_session_type, "filter": condition, "sort_by": "Result", "limit": MAX_QUERY_ROWS})
    if options.baseline_days:
        since = format_date(options.since - timedelta(days=options.baseline_days))
        until = format_date(options.since)
        for session_type in TASK_SESSION_TYPES:
            for uids in _iter_batches(session.job_uid for session in longest if session.resource_type == session_type):
                condition = _build_condition("JobUid", uids) + f';State==Stopped;EndTime>="{since}";EndTime<"{until}"'
                queries.append({"type": session_type, "filter": condition, "sort_by": "EndTime", "limit": MAX_QUERY_ROWS})
    return [{**query, "descending": True} for query in queries]


def _iter_batches(uids: Iterable[str]) -> Iterator[list[str]]:
    plain = [uid for uid in dict.fromkeys(uids) if _PLAIN_UID.fullmatch(uid)]
    for number in range(0, len(plain), UIDS_PER_QUERY):
        yield plain[number : number + UIDS_PER_QUERY]


def _build_condition(field: str, uids: Sequence[str]) -> str:
    return f"({','.join(f'{field}=={uid}' for uid in uids)})"
