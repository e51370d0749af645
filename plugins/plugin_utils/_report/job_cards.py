# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections of jobs that failed or ended with warnings: a card for each of the first jobs, a short form for the others.

A card has the latest job session of that outcome with its reasons. The short form groups jobs by a common reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import find_guid

from .formatting import format_datetime, format_day, format_duration
from .records import FAILED, SUCCESS, WARNING, JobSession, TaskSession
from .sections import ReportOptions, truncate

MAX_REASONS = 4  # on a card
MAX_MACHINES = 5  # for each reason
OUTCOMES_BY_SEVERITY = (FAILED, WARNING, SUCCESS)
OUTCOME_TEXTS = {FAILED: "failed", WARNING: "ended with warnings", SUCCESS: "succeeded"}


def group_by_job(sessions: Iterable[JobSession], outcome: str, latest: Mapping[str, JobSession]) -> list[list[JobSession]]:
    """Return the job sessions of an outcome, grouped by job; the newest first, in a group and among the groups.

    Jobs whose latest session ended otherwise come last. ``latest`` has the latest finished session of each job, by its key.
    """
    groups: dict[str, list[JobSession]] = {}
    for session in sorted(sessions, key=lambda session: session.end_timestamp, reverse=True):
        if session.outcome == outcome:
            groups.setdefault(session.job_key, []).append(session)
    now = {key: latest[key].outcome for key in groups}
    return sorted(
        groups.values(),
        key=lambda group: (now[group[0].job_key] != outcome, OUTCOMES_BY_SEVERITY.index(now[group[0].job_key])),
    )


def build_job_cards(
    groups: Sequence[Sequence[JobSession]],
    latest: Mapping[str, JobSession],
    task_sessions: Iterable[TaskSession],
    queried: Collection[str],
    options: ReportOptions,
) -> dict[str, Any]:
    """Return a section of jobs, from the groups of `group_by_job`.

    ``queried`` has the UIDs of the job sessions whose task sessions are in the results, or in the follow-up queries.
    """
    problems: dict[str, list[TaskSession]] = {}
    for task_session in task_sessions:
        if task_session.outcome != SUCCESS:
            problems.setdefault(task_session.session_guid, []).append(task_session)
    reasons = [_group_by_reason(problems.get(find_guid(group[0].uid) or "?", ())) for group in groups]
    cards = [_build_card(group, latest, reasons_of, options) for group, reasons_of in zip(groups, reasons)]
    changed = sum(latest[group[0].job_key].outcome != group[0].outcome for group in groups)
    others = list(zip(groups, reasons))[options.max_rows :]
    return {
        **truncate(cards, options),
        "unchanged": len(groups) - changed,
        "changed": changed,
        "others": _build_short_form(others, latest, queried, options),
    }


def _build_card(
    group: Sequence[JobSession],
    latest: Mapping[str, JobSession],
    reasons: Sequence[Mapping[str, Any]],
    options: ReportOptions,
) -> dict[str, Any]:
    """Return the card of a job: its latest session of this outcome with the reasons, and the number of such sessions."""
    session = group[0]
    duration = f", {format_duration(session.duration)}" if session.duration is not None else ""
    return {
        "job": session.job_name,
        "server": session.server,
        "job_type": session.job_type,
        "session_count": len(group),
        "time": _format_start(session, options) + duration,
        "is_retry": session.is_retry,
        "message": session.message,
        "reasons": [
            {
                **reason,
                "machines": reason["machines"][:MAX_MACHINES],
                "more": max(0, len(reason["machines"]) - MAX_MACHINES),
            }
            for reason in reasons[:MAX_REASONS]
        ],
        "more": max(0, len(reasons) - MAX_REASONS),
        "later_outcome": _describe_later_outcome(session, latest[session.job_key], options),
    }


def _group_by_reason(task_sessions: Iterable[TaskSession]) -> list[dict[str, Any]]:
    """Return the reasons with their machines: failures before warnings, then those of most machines first."""
    groups: dict[tuple[bool, str], list[str]] = {}
    for one in task_sessions:
        machines = groups.setdefault((one.outcome != FAILED, one.reason), [])
        if one.machine not in machines:
            machines.append(one.machine)
    return [
        {"outcome": WARNING if is_warning else FAILED, "reason": reason, "machines": sorted(machines, key=str.casefold)}
        for (is_warning, reason), machines in sorted(
            groups.items(), key=lambda group: (group[0][0], -len(group[1]), group[0][1])
        )
    ]


def _describe_later_outcome(session: JobSession, latest: JobSession, options: ReportOptions) -> dict[str, str] | None:
    """Return how the job's latest session ended, if otherwise, and when; None if it ended in the same way.

    The day is left out if it is that of the session's start, which the card shows.
    """
    if latest.outcome == session.outcome:
        return None
    text = OUTCOME_TEXTS[latest.outcome]
    if latest.ended is None:
        return {"outcome": latest.outcome, "text": f"{text} later"}
    ended = options.zone.to_local(latest.ended)
    is_same_day = session.started is not None and options.zone.to_local(session.started).date() == ended.date()
    day = "" if is_same_day else f"on {format_day(ended)} "
    return {"outcome": latest.outcome, "text": f"{text} {day}at {ended:%H:%M}"}


def _build_short_form(
    others: Sequence[tuple[Sequence[JobSession], list[dict[str, Any]]]],
    latest: Mapping[str, JobSession],
    queried: Collection[str],
    options: ReportOptions,
) -> list[dict[str, Any]]:
    """Return jobs without a card, each below that of its reasons which most jobs have; jobs that ended otherwise later last."""
    reasons_of = [_list_reasons(group[0], reasons) for group, reasons in others]
    frequency = Counter(reason for reasons in reasons_of for reason in reasons)
    is_one_server = len({group[0].server for group, _reasons in others}) == 1
    found: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for (group, _reasons), reasons in zip(others, reasons_of):
        session = group[0]
        reason = max(reasons, key=lambda one: frequency[one], default="")
        found.setdefault((reason, bool(reason) or session.uid in queried), []).append(
            {
                "job": session.job_name,
                "server": "" if is_one_server else session.server,
                "time": _format_start(session, options),
                "more": max(0, len(reasons) - 1),
                "later_outcome": _describe_later_outcome(session, latest[session.job_key], options),
            }
        )
    return sorted(
        (
            {"reason": reason or ("no reason given" if was_queried else "reason not queried: too many jobs"), "jobs": jobs}
            for (reason, was_queried), jobs in found.items()
        ),
        key=lambda group: (all(job["later_outcome"] for job in group["jobs"]), -len(group["jobs"])),
    )


def _list_reasons(session: JobSession, reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the different reasons of a job session and its machines. Warnings of machines count only if none failed."""
    texts = [one["reason"] for one in reasons if one["outcome"] == FAILED] or [one["reason"] for one in reasons]
    return [text for text in dict.fromkeys([session.message, *texts]) if text]


def _format_start(session: JobSession, options: ReportOptions) -> str:
    return format_datetime(options.zone.to_local(session.started)) if session.started else "start time unknown"
