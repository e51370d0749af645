# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From results of veeam_query_info to a picture of the night: all that a page needs, counted, sorted, cut and in words.

Pure: no Ansible, no clock, no requests. What it would like to know besides is in the picture's ``questions``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import format_date

from ._night_cards import create_cards, group_jobs
from ._night_chart import create_chart
from ._night_parts import (
    Period,
    create_idle,
    create_longest,
    create_repositories,
    create_running,
    cut,
    newest,
)
from ._night_rows import (
    FAILED,
    MACHINE_TYPES,
    RUNNING,
    SUCCESS,
    WARNING,
    Job,
    Run,
    read_jobs,
    read_machines,
    read_runs,
)
from ._night_text import print_count, print_moment

AT_ONCE = 25  # UIDs within one filter: servers refuse request lines that are too long
LATE = timedelta(minutes=30)  # Enterprise Manager learns of a run a quarter of an hour after it, or so
MOST_ROWS = 2000  # of one question
MOST_ASKED = 500  # jobs that are shown in few words, and asked for their reasons
COUNTED = {FAILED: "failed", WARNING: "warnings", SUCCESS: "succeeded", RUNNING: "running"}
_PLAIN_UID = re.compile(r"[\w:.-]{1,200}", re.ASCII)


def create_night(answers: Sequence[Mapping[str, Any]], period: Period) -> dict[str, Any]:
    """Draw the picture from answers: results of veeam_query_info, each with the question as ``item``."""
    runs = read_runs(answers)
    past = [run for run in runs if run.ended is not None and run.ended < period.since]
    runs = [run for run in runs if run.ended is None or run.ended >= period.since]
    jobs = read_jobs(answers)
    machines = read_machines(answers)
    last = _find_last(runs)
    failed, warned = (group_jobs(runs, outcome, last) for outcome in (FAILED, WARNING))
    rest = [*failed[period.limit :], *warned[period.limit :]][:MOST_ASKED]
    wrong = [group[0] for group in (*failed[: period.limit], *warned[: period.limit], *rest)]
    asked = {run.uid for run in wrong}
    idle = _find_idle(jobs, runs, period)
    longest = _find_longest(runs)
    missing = [
        {"type": answer["item"]["type"], "msg": str(answer.get("msg") or "")}
        for answer in answers
        if answer.get("resources") is None
    ]
    repositories = create_repositories(answers, period)
    summary = _create_summary(runs, jobs, last, idle, full=repositories["full"], missing=missing)
    return {
        "summary": summary,
        "verdict": dict(zip(("first", "rest"), summary["headline"].partition(", ")[::2])),
        "questions": _create_questions(wrong, longest[: period.limit], period),
        "period": {
            "since": print_moment(period.zone.local(period.since)),
            "until": print_moment(period.zone.local(period.until), with_year=True),
            "length": _print_length(period.until - period.since),
            "zone": period.zone.label(period.since, period.until),
        },
        "failed": create_cards(failed, last, machines, period, asked),
        "warned": create_cards(warned, last, machines, period, asked),
        "running": create_running(runs, period),
        "chart": create_chart(runs, period.since, period.until, period.zone),
        **{name: create_idle(idle[name], period) for name in ("overdue", "not_due", "off")},
        "longest": cut(create_longest(longest[: period.limit], past, period), len(longest)),
        "repositories": repositories,
        "missing": missing,
    }


def _print_length(length: timedelta) -> str:
    hours = round(length.total_seconds() / 3600)
    return print_count(hours // 24, "day") if hours % 24 == 0 and hours > 24 else print_count(hours, "hour")


def _find_last(runs: Iterable[Run]) -> dict[str, Run]:
    """Find the latest run of each job among those that have ended."""
    last: dict[str, Run] = {}
    for run in runs:
        if run.outcome != RUNNING and (run.key not in last or newest(run) >= newest(last[run.key])):
            last[run.key] = run
    return last


def _find_longest(runs: Iterable[Run]) -> list[Run]:
    """Find the longest run of each job, the longest of them first."""
    found: dict[str, Run] = {}
    for run in sorted((run for run in runs if run.seconds is not None), key=lambda run: -(run.seconds or 0)):
        found.setdefault(run.key, run)
    return list(found.values())


def _find_idle(jobs: Iterable[Job], runs: Iterable[Run], period: Period) -> dict[str, list[Job]]:
    """Sort jobs that did not run: those overdue, those scheduled and perhaps not due, and those that are not to run."""
    ran = {run.key for run in runs}
    idle: dict[str, list[Job]] = {"overdue": [], "not_due": [], "off": []}
    for job in sorted(jobs, key=lambda job: (job.name.casefold(), job.server)):
        if job.key in ran:
            continue
        is_late = job.next_run is not None and job.next_run < period.until - LATE
        idle["off" if not job.is_scheduled else "overdue" if is_late else "not_due"].append(job)
    return idle


def _create_summary(  # noqa: PLR0913 - all of it is summed up
    runs: Sequence[Run],
    jobs: Sequence[Job],
    last: Mapping[str, Run],
    idle: Mapping[str, list[Job]],
    *,
    full: int,
    missing: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Count, and say how it went. A job whose latest run did not fail is not a failed one, however the others went."""
    counts = {outcome: sum(run.outcome == outcome for run in runs) for outcome in COUNTED}
    bad = sum(run.outcome == FAILED for run in last.values())
    recovered = len({run.key for run in runs if run.outcome == FAILED and last[run.key].outcome != FAILED})
    warned = sum(run.outcome == WARNING for run in last.values())
    told = [
        (bad, f"{print_count(bad, 'job')} failed"),
        (recovered, f"{print_count(recovered, 'job')} failed first and recovered"),
        (warned, f"{print_count(warned, 'job')} ended with warnings"),
        (len(idle["overdue"]), f"{print_count(len(idle['overdue']), 'job')} did not run when due"),
        (full, f"{print_count(full, 'repository is', 'repositories are')} nearly full"),
    ]
    words = [text for number, text in told if number]
    if not runs:
        words.insert(0, "Nothing ran")
    elif not words:
        words.append("All runs went well" if counts[SUCCESS] else "Nothing has ended yet")
    if missing:
        words.append(f"{print_count(len(missing), 'question')} not answered")
    verdict = (
        "bad" if bad else "empty" if not runs else "warning" if missing or any(number for number, _text in told) else "good"
    )
    return {
        "verdict": verdict,
        "headline": ", ".join(words),
        "runs": len(runs),
        **{COUNTED[outcome]: number for outcome, number in counts.items()},
        "jobs": len(jobs),
        "jobs_failed": bad,
        "jobs_recovered": recovered,
        "jobs_not_run": len(idle["overdue"]) + len(idle["not_due"]),
        "jobs_overdue": len(idle["overdue"]),
        "jobs_off": len(idle["off"]),
        "repositories_nearly_full": full,
        "not_answered": [one["type"] for one in missing],
    }


def _create_questions(wrong: Sequence[Run], longest: Sequence[Run], period: Period) -> list[dict[str, Any]]:
    """Ask why what is shown went wrong, and how long the longest runs' jobs took before."""
    questions = []
    for kind, machine_type in MACHINE_TYPES.items():
        for uids in _iter_batches(run.uid for run in wrong if run.type == kind):
            condition = _create_condition("JobSessionUid", uids) + ";Result>=Warning"
            questions.append({"type": machine_type, "filter": condition, "sort_by": "Result", "limit": MOST_ROWS})
    if period.usual_days:
        since, until = format_date(period.since - timedelta(days=period.usual_days)), format_date(period.since)
        for kind in MACHINE_TYPES:
            for uids in _iter_batches(run.job_uid for run in longest if run.type == kind):
                condition = _create_condition("JobUid", uids) + f';State==Stopped;EndTime>="{since}";EndTime<"{until}"'
                questions.append({"type": kind, "filter": condition, "sort_by": "EndTime", "limit": MOST_ROWS})
    return [{**question, "descending": True} for question in questions]


def _iter_batches(uids: Iterable[str]) -> Iterator[list[str]]:
    wanted = [uid for uid in dict.fromkeys(uids) if _PLAIN_UID.fullmatch(uid)]
    for number in range(0, len(wanted), AT_ONCE):
        yield wanted[number : number + AT_ONCE]


def _create_condition(field: str, uids: Sequence[str]) -> str:
    return f"({','.join(f'{field}=={uid}' for uid in uids)})"
