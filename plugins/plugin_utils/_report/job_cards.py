# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections of jobs that failed or ended with warnings: a card for each of the first jobs, a short form for the others.

A card has the latest job session of that outcome with its reasons. The short form groups jobs by a common reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import Card, JobSection, ShortForm
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import FAILED, SUCCESS, WARNING

from .formatting import Zone, format_datetime, format_day, format_duration

OUTCOME_TEXTS = {FAILED: "failed", WARNING: "ended with warnings", SUCCESS: "succeeded"}


def build_job_cards(section: JobSection, zone: Zone) -> dict[str, Any]:
    """Return a section of jobs."""
    return {
        "rows": [_build_card(card, zone) for card in section.cards],
        "more": len(section.others),
        "total": len(section.cards) + len(section.others),
        "unchanged": section.unchanged,
        "changed": section.changed,
        "others": _build_short_form(section.others, zone),
    }


def _build_card(card: Card, zone: Zone) -> dict[str, Any]:
    seconds = (card.ended - card.started).total_seconds() if card.started and card.ended else None
    duration = "" if seconds is None else f", {format_duration(seconds)}"
    return {
        "job": card.job,
        "server": card.server,
        "job_type": card.job_type,
        "session_count": card.session_count,
        "time": _format_start(card.started, zone) + duration,
        "is_retry": card.is_retry,
        "message": card.message,
        "reasons": [dict(reason) for reason in card.reasons],
        "more": card.more,
        "later_outcome": _describe_later_outcome(card, zone),
    }


def _describe_later_outcome(job: Card | ShortForm, zone: Zone) -> dict[str, str] | None:
    """Return how the job's latest session ended, if otherwise, and when; None if it ended in the same way.

    The day is left out if it is that of the session's start, which the card shows.
    """
    if job.latest_outcome == job.outcome:
        return None
    text = OUTCOME_TEXTS[job.latest_outcome]
    if job.latest_ended is None:
        return {"outcome": job.latest_outcome, "text": f"{text} later"}
    ended = zone.to_local(job.latest_ended)
    is_same_day = job.started is not None and zone.to_local(job.started).date() == ended.date()
    day = "" if is_same_day else f"on {format_day(ended)} "
    return {"outcome": job.latest_outcome, "text": f"{text} {day}at {ended:%H:%M}"}


def _build_short_form(others: Sequence[ShortForm], zone: Zone) -> list[dict[str, Any]]:
    """Return jobs without a card, each below that of its reasons which most jobs have; jobs that ended otherwise later last."""
    is_one_server = len({job.server for job in others}) == 1
    found: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for job in others:
        found.setdefault((job.reason, bool(job.reason) or job.is_queried), []).append(
            {
                "job": job.job,
                "server": "" if is_one_server else job.server,
                "time": _format_start(job.started, zone),
                "more": job.more,
                "later_outcome": _describe_later_outcome(job, zone),
            }
        )
    return sorted(
        (
            {"reason": reason or ("no reason given" if was_queried else "reason not queried: too many jobs"), "jobs": jobs}
            for (reason, was_queried), jobs in found.items()
        ),
        key=lambda group: (all(job["later_outcome"] for job in group["jobs"]), -len(group["jobs"])),
    )


def _format_start(started: datetime | None, zone: Zone) -> str:
    return format_datetime(zone.to_local(started)) if started else "start time unknown"
