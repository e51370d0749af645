# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digest of a backup report: all that its page shows, selected, counted, sorted and truncated, but not yet as text.

Its size depends on the number of rows of a page and on the jobs that failed, not on the number of job sessions. It needs no
time zone, so it can be made where the queries are run, and formatted where the page is written. Pure: no clock, no requests.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from statistics import median
from typing import Any, NamedTuple

from ..protocol.dates import format_date
from ..protocol.links import find_guid
from .report_records import (
    FAILED,
    RUNNING,
    SUCCESS,
    TASK_SESSION_TYPES,
    WARNING,
    Job,
    JobSession,
    Records,
    RestoreSession,
    TaskSession,
)

UIDS_PER_QUERY = 25  # servers refuse request lines that are too long
COLLECTION_DELAY = timedelta(minutes=30)  # Enterprise Manager collects new job sessions every 15 minutes or so
MAX_BASELINE_ROWS = 2000  # of one query for the usual durations, the latest first
MAX_SHORT_FORM_QUERIED = 500  # jobs of the short form whose reasons are queried
MAX_REASONS = 4  # on a card
MAX_MACHINES = 5  # for each reason
MIN_BASELINE_SESSIONS = 3  # fewer sessions of a job say nothing about its usual duration
SLOT_SECONDS = 900  # offsets from UTC are multiples of it, so that a bar of a chart begins with a slot in any time zone
OUTCOMES_BY_SEVERITY = (FAILED, WARNING, SUCCESS)
_PLAIN_UID = re.compile(r"[\w:.-]{1,200}", re.ASCII)  # needs no quotes in a filter
_DATES = {"started", "ended", "latest_ended", "next_run"}  # fields of rows that are dates


class DigestOptions(NamedTuple):
    """The period of the report, and the options of the module. ``baseline_days`` are the days before the period."""

    since: datetime
    until: datetime
    max_rows: int
    full_threshold_percent: int
    baseline_days: int


class Part(NamedTuple):
    """The first rows of a section, and how many there are."""

    rows: Sequence[Any]
    total: int


class Card(NamedTuple):
    """The latest session of a job that failed, or that ended with warnings, with reasons; ``latest_*`` is its latest of all."""

    job: str
    server: str
    job_type: str
    outcome: str
    started: datetime | None
    ended: datetime | None
    is_retry: bool
    message: str
    session_count: int
    reasons: Sequence[Mapping[str, Any]]
    more: int
    latest_outcome: str
    latest_ended: datetime | None


class ShortForm(NamedTuple):
    """The same of a job without a card. ``reason`` is that of its reasons which most jobs have; ``more`` counts the others."""

    job: str
    server: str
    outcome: str
    started: datetime | None
    reason: str
    is_queried: bool
    more: int
    latest_outcome: str
    latest_ended: datetime | None


class JobSection(NamedTuple):
    """The jobs of an outcome: those whose latest session has it, those that changed, the cards, and the others."""

    unchanged: int
    changed: int
    cards: Sequence[Card]
    others: Sequence[ShortForm]


class Running(NamedTuple):
    """A job session that is still running."""

    job: str
    server: str
    job_type: str
    started: datetime | None
    progress: int | None


class Restore(NamedTuple):
    """The restore of a machine, or of files from it."""

    machine: str
    server: str
    restore_type: str
    outcome: str
    started: datetime | None
    ended: datetime | None


class NotRun(NamedTuple):
    """A job without a session."""

    job: str
    server: str
    job_type: str
    next_run: datetime | None


class Longest(NamedTuple):
    """The longest session of a job, and the job's baseline; both in seconds."""

    job: str
    server: str
    outcome: str
    started: datetime | None
    duration: float
    baseline: float | None


class RepositoryUse(NamedTuple):
    """How full a repository is, and what was written to it in the period; in bytes."""

    name: str
    server: str
    capacity: int
    free: int
    written: int
    is_nearly_full: bool

    @property
    def percent(self) -> float:
        """Return the used space in percent; 0 for object storage, which has no capacity."""
        return 100 * max(0, self.capacity - self.free) / self.capacity if self.capacity else 0.0


class Digest(NamedTuple):
    """The digest. ``counts`` are numbers of the summary; ``slots`` has job sessions by outcome for each time they ended at."""

    since: datetime
    until: datetime
    counts: Mapping[str, int]
    failed: JobSection
    warned: JobSection
    running: Part
    restores: Part
    slots: Mapping[str, Sequence[int]]
    overdue: Part
    not_due: Part
    unscheduled: Part
    longest: Part
    repositories: Part
    has_written: bool
    failed_queries: Sequence[Mapping[str, str]]
    follow_up_queries: Sequence[Mapping[str, Any]]


_PARTS: Mapping[str, type[Any]] = {
    "running": Running,
    "restores": Restore,
    "overdue": NotRun,
    "not_due": NotRun,
    "unscheduled": NotRun,
    "longest": Longest,
    "repositories": RepositoryUse,
}


def to_plain(value: Any) -> Any:
    """Return a digest, or a part of it, as a module returns it."""
    if isinstance(value, datetime):
        return format_date(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: to_plain(one) for name, one in value._asdict().items()}
    return [to_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def from_plain(plain: Mapping[str, Any]) -> Digest:
    """Return the digest that a module returned. Raise KeyError, TypeError, ValueError or AttributeError if it is none."""
    values: dict[str, Any] = {name: plain[name] for name in Digest._fields}
    for name in ("since", "until"):
        values[name] = _read_date(plain[name])
    for name in ("failed", "warned"):
        section = plain[name]
        cards = [_read_record(Card, one) for one in section["cards"]]
        others = [_read_record(ShortForm, one) for one in section["others"]]
        values[name] = JobSection(section["unchanged"], section["changed"], cards, others)
    for name, record in _PARTS.items():
        values[name] = Part([_read_record(record, one) for one in plain[name]["rows"]], plain[name]["total"])
    return Digest(**values)


def _read_record(record: Any, plain: Mapping[str, Any]) -> Any:
    return record(**{name: _read_date(plain[name]) if name in _DATES else plain[name] for name in record._fields})


def _read_date(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def build_digest(records: Records, options: DigestOptions) -> Digest:
    """Return the digest of the records."""
    all_sessions = records.list_job_sessions()
    earlier = [session for session in all_sessions if session.ended is not None and session.ended < options.since]
    sessions = [session for session in all_sessions if session.ended is None or session.ended >= options.since]
    restores = [one for one in records.list_restore_sessions() if one.ended is None or one.ended >= options.since]
    latest = _find_latest(sessions)
    failed, warned = (group_by_job(sessions, outcome, latest) for outcome in (FAILED, WARNING))
    others = [*failed[options.max_rows :], *warned[options.max_rows :]][:MAX_SHORT_FORM_QUERIED]
    to_query = [group[0] for group in (*failed[: options.max_rows], *warned[: options.max_rows], *others)]
    queried = {session.uid for session in to_query}
    not_run = _find_not_run(records.jobs, sessions, options)
    longest = _find_longest(sessions)
    repositories = _sort_repositories(records, options)
    reasons = _group_by_reason(records.task_sessions)
    outcomes = Counter(session.outcome for session in sessions)
    latest_outcomes = Counter(session.outcome for session in latest.values())
    failed_keys = {session.job_key for session in sessions if session.outcome == FAILED}
    return Digest(
        since=options.since,
        until=options.until,
        counts={
            "job_sessions": len(sessions),
            **{outcome: outcomes[outcome] for outcome in (*OUTCOMES_BY_SEVERITY, RUNNING)},
            "jobs": len(records.jobs),
            "jobs_failed": latest_outcomes[FAILED],
            "jobs_warned": latest_outcomes[WARNING],
            "jobs_recovered": sum(latest[key].outcome != FAILED for key in failed_keys),
            "restores_failed": sum(restore.outcome == FAILED for restore in restores),
            "repositories_nearly_full": sum(one.is_nearly_full for one in repositories),
        },
        failed=_build_section(failed, latest, reasons, queried, options),
        warned=_build_section(warned, latest, reasons, queried, options),
        running=_select_running(sessions, options),
        restores=_select_restores(restores, options),
        slots=count_slots(sessions, options.until),
        overdue=_truncate(not_run["overdue"], options),
        not_due=_truncate(not_run["not_due"], options),
        unscheduled=_truncate(not_run["unscheduled"], options),
        longest=_select_longest(longest, earlier, options),
        repositories=_truncate(repositories, options),
        has_written=any(one.written for one in repositories),
        failed_queries=list(records.failed_queries),
        follow_up_queries=_build_follow_up_queries(to_query, longest[: options.max_rows], options),
    )


def _truncate(rows: Sequence[Any], options: DigestOptions) -> Part:
    return Part(rows[: options.max_rows], len(rows))


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


def _find_not_run(jobs: Iterable[Job], sessions: Iterable[JobSession], options: DigestOptions) -> dict[str, list[NotRun]]:
    """Return the jobs without a session: those overdue, those scheduled and perhaps not due, and those without a schedule."""
    ran = {session.job_key for session in sessions}
    not_run: dict[str, list[NotRun]] = {"overdue": [], "not_due": [], "unscheduled": []}
    for job in sorted(jobs, key=lambda job: (job.name.casefold(), job.server)):
        if job.key in ran:
            continue
        is_overdue = job.next_run is not None and job.next_run < options.until - COLLECTION_DELAY
        kind = "unscheduled" if not job.is_scheduled else "overdue" if is_overdue else "not_due"
        not_run[kind].append(NotRun(job.name, job.server, job.job_type, job.next_run))
    return not_run


def count_slots(sessions: Iterable[JobSession], until: datetime) -> dict[str, list[int]]:
    """Return how many job sessions ended within each slot, by outcome; keys are seconds since the epoch."""
    slots: dict[str, list[int]] = {}
    for session in sessions:
        if session.outcome != RUNNING:
            at = int((session.ended or until).timestamp() // SLOT_SECONDS * SLOT_SECONDS)
            slots.setdefault(str(at), [0, 0, 0])[OUTCOMES_BY_SEVERITY.index(session.outcome)] += 1
    return slots


def read_slot(key: str) -> datetime:
    """Return the beginning of a slot."""
    return datetime.fromtimestamp(int(key), timezone.utc)


# ---------------------------------------------------------------------------------------------------------------------
# Jobs that failed or ended with warnings


def group_by_job(sessions: Iterable[JobSession], outcome: str, latest: Mapping[str, JobSession]) -> list[list[JobSession]]:
    """Return the job sessions of an outcome, grouped by job; the newest first, in a group and among the groups.

    Jobs whose latest session ended otherwise come last. ``latest`` has the latest finished session of each job, by its key.
    """
    groups: dict[str, list[JobSession]] = {}
    found = [session for session in sessions if session.outcome == outcome]
    for session in sorted(found, key=lambda session: session.end_timestamp, reverse=True):
        groups.setdefault(session.job_key, []).append(session)
    now = {key: latest[key].outcome for key in groups}
    return sorted(
        groups.values(),
        key=lambda group: (now[group[0].job_key] != outcome, OUTCOMES_BY_SEVERITY.index(now[group[0].job_key])),
    )


def _build_section(
    groups: Sequence[Sequence[JobSession]],
    latest: Mapping[str, JobSession],
    reasons: Mapping[str, list[dict[str, Any]]],
    queried: Collection[str],
    options: DigestOptions,
) -> JobSection:
    """Return a section of jobs, from the groups of `group_by_job`.

    ``queried`` has the UIDs of the job sessions whose task sessions are in the records, or in the follow-up queries.
    """
    found = [(group, reasons.get(find_guid(group[0].uid) or "?", [])) for group in groups]
    changed = sum(latest[group[0].job_key].outcome != group[0].outcome for group in groups)
    others = found[options.max_rows :]
    reasons_of = [_list_reasons(group[0], reasons) for group, reasons in others]
    frequency = Counter(reason for texts in reasons_of for reason in texts)
    return JobSection(
        len(groups) - changed,
        changed,
        [_build_card(group, latest[group[0].job_key], reasons_of) for group, reasons_of in found[: options.max_rows]],
        [
            ShortForm(
                job=group[0].job_name,
                server=group[0].server,
                outcome=group[0].outcome,
                started=group[0].started,
                reason=max(texts, key=lambda one: frequency[one], default=""),
                is_queried=group[0].uid in queried,
                more=max(0, len(texts) - 1),
                latest_outcome=latest[group[0].job_key].outcome,
                latest_ended=latest[group[0].job_key].ended,
            )
            for (group, _reasons), texts in zip(others, reasons_of)
        ],
    )


def _build_card(group: Sequence[JobSession], latest: JobSession, reasons: Sequence[Mapping[str, Any]]) -> Card:
    """Return the card of a job: its latest session of this outcome with the reasons, and the number of such sessions."""
    session = group[0]
    return Card(
        job=session.job_name,
        server=session.server,
        job_type=session.job_type,
        outcome=session.outcome,
        started=session.started,
        ended=session.ended,
        is_retry=session.is_retry,
        message=session.message,
        session_count=len(group),
        reasons=[
            {
                **reason,
                "machines": reason["machines"][:MAX_MACHINES],
                "more": max(0, len(reason["machines"]) - MAX_MACHINES),
            }
            for reason in reasons[:MAX_REASONS]
        ],
        more=max(0, len(reasons) - MAX_REASONS),
        latest_outcome=latest.outcome,
        latest_ended=latest.ended,
    )


def _group_by_reason(task_sessions: Iterable[TaskSession]) -> dict[str, list[dict[str, Any]]]:
    """Return the reasons of each job session with their machines, by the session's GUID.

    Failures come before warnings, then those of most machines first.
    """
    found: dict[str, dict[tuple[bool, str], dict[str, None]]] = {}
    for one in task_sessions:
        if one.outcome != SUCCESS:
            groups = found.setdefault(one.session_guid, {})
            groups.setdefault((one.outcome != FAILED, one.reason), {})[one.machine] = None
    return {
        guid: [
            {"outcome": WARNING if is_warning else FAILED, "reason": reason, "machines": sorted(machines, key=str.casefold)}
            for (is_warning, reason), machines in sorted(
                groups.items(), key=lambda group: (group[0][0], -len(group[1]), group[0][1])
            )
        ]
        for guid, groups in found.items()
    }


def _list_reasons(session: JobSession, reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the different reasons of a job session and its machines. Warnings of machines count only if none failed."""
    texts = [one["reason"] for one in reasons if one["outcome"] == FAILED] or [one["reason"] for one in reasons]
    return [text for text in dict.fromkeys([session.message, *texts]) if text]


# ---------------------------------------------------------------------------------------------------------------------
# Plain lists


def _select_running(sessions: Iterable[JobSession], options: DigestOptions) -> Part:
    """Return the job sessions that are still running, the oldest first."""
    running = [session for session in sessions if session.outcome == RUNNING]
    running.sort(key=lambda session: (session.started or options.until, session.job_name))
    rows = [Running(one.job_name, one.server, one.job_type, one.started, one.progress) for one in running]
    return _truncate(rows, options)


def _select_restores(restores: Iterable[RestoreSession], options: DigestOptions) -> Part:
    """Return the restores, those that failed first, then the latest first."""

    def rank(restore: RestoreSession) -> tuple[bool, float, str]:
        moment = restore.ended or restore.started
        return restore.outcome != FAILED, -moment.timestamp() if moment else 0.0, restore.machine

    rows = [
        Restore(one.machine, one.server, one.restore_type, one.outcome, one.started, one.ended)
        for one in sorted(restores, key=rank)
    ]
    return _truncate(rows, options)


def _select_longest(longest: Sequence[JobSession], earlier: Iterable[JobSession], options: DigestOptions) -> Part:
    """Return the longest job sessions, each with its baseline: the median duration of the job's sessions before the period."""
    durations: dict[str, list[float]] = {}
    for session in earlier:
        if session.duration is not None and session.outcome != FAILED:
            durations.setdefault(session.job_key, []).append(session.duration)
    baselines = {key: median(found) for key, found in durations.items() if len(found) >= MIN_BASELINE_SESSIONS}
    rows = [
        Longest(one.job_name, one.server, one.outcome, one.started, one.duration or 0, baselines.get(one.job_key))
        for one in longest
    ]
    return _truncate(rows, options)


def _sort_repositories(records: Records, options: DigestOptions) -> list[RepositoryUse]:
    """Return the repositories, the fullest first."""
    written = records.sum_written()
    found = []
    for one in records.repositories:
        use = RepositoryUse(one.name, one.server, one.capacity, one.free, written.get(one.guid, 0), is_nearly_full=False)
        is_nearly_full = one.capacity > 0 and use.percent >= options.full_threshold_percent
        found.append(use._replace(is_nearly_full=is_nearly_full))
    return sorted(found, key=lambda one: (-round(one.percent, 2), not one.capacity, one.name.casefold()))


# ---------------------------------------------------------------------------------------------------------------------
# Follow-up queries


def _build_follow_up_queries(
    to_query: Sequence[JobSession], longest: Sequence[JobSession], options: DigestOptions
) -> list[dict[str, Any]]:
    """Return queries for the reasons of job sessions, and for earlier sessions of the jobs that took longest."""
    queries: list[dict[str, Any]] = []
    for session_type, task_session_type in TASK_SESSION_TYPES.items():
        for uids in _iter_batches(session.uid for session in to_query if session.resource_type == session_type):
            condition = _build_condition("JobSessionUid", uids) + ";Result>=Warning"
            queries.append({"type": task_session_type, "filter": condition, "sort_by": "Result"})
    if options.baseline_days:
        since = format_date(options.since - timedelta(days=options.baseline_days))
        until = format_date(options.since)
        for session_type in TASK_SESSION_TYPES:
            for uids in _iter_batches(session.job_uid for session in longest if session.resource_type == session_type):
                condition = _build_condition("JobUid", uids) + f';State==Stopped;EndTime>="{since}";EndTime<"{until}"'
                queries.append({"type": session_type, "filter": condition, "sort_by": "EndTime", "limit": MAX_BASELINE_ROWS})
    return [{**query, "descending": True} for query in queries]


def _iter_batches(uids: Iterable[str]) -> Iterator[list[str]]:
    plain = [uid for uid in dict.fromkeys(uids) if _PLAIN_UID.fullmatch(uid)]
    for number in range(0, len(plain), UIDS_PER_QUERY):
        yield plain[number : number + UIDS_PER_QUERY]


def _build_condition(field: str, uids: Sequence[str]) -> str:
    return f"({','.join(f'{field}=={uid}' for uid in uids)})"
