# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The jobs of a night that failed, or ended with warnings: some in full, all others in few words, grouped by their reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import find_guid

from ._night_parts import Period, cut, newest
from ._night_rows import FAILED, SUCCESS, WARNING, Machine, Run
from ._night_text import print_day, print_duration, print_moment

REASONS = 4  # shown of one run
MACHINES = 5  # named with each reason
ORDER = (FAILED, WARNING, SUCCESS)  # what matters most comes first
LATER = {FAILED: "failed", WARNING: "ended with warnings", SUCCESS: "went well"}


def group_jobs(runs: Iterable[Run], outcome: str, last: Mapping[str, Run]) -> list[list[Run]]:
    """Group runs of an outcome by job; the newest first in and among the groups, but what ended otherwise since comes last."""
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=newest, reverse=True):
        if run.outcome == outcome:
            groups.setdefault(run.key, []).append(run)
    ended = {key: last[key].outcome for key in groups}
    return sorted(groups.values(), key=lambda group: (ended[group[0].key] != outcome, ORDER.index(ended[group[0].key])))


def create_cards(
    groups: Sequence[Sequence[Run]],
    last: Mapping[str, Run],
    machines: Iterable[Machine],
    period: Period,
    asked: Collection[str],
) -> dict[str, Any]:
    """Describe jobs by their runs that went wrong; ``asked`` has the UIDs of runs whose reasons are known, or asked for."""
    found: dict[str | None, list[Machine]] = {}
    for one in machines:
        if one.outcome != SUCCESS:
            found.setdefault(one.run, []).append(one)
    told = [_create_reasons(found.get(find_guid(group[0].uid) or "?", ())) for group in groups]
    rows = [_create_card(group, last, period, reasons) for group, reasons in zip(groups[: period.limit], told)]
    rest = list(zip(groups, told))[period.limit :]
    changed = sum(last[group[0].key].outcome != group[0].outcome for group in groups)
    return {
        **cut(rows, len(groups)),
        "still": len(groups) - changed,
        "changed": changed,
        "rest": _create_rest(rest, last, period, asked),
    }


def _create_card(
    group: Sequence[Run], last: Mapping[str, Run], period: Period, reasons: list[dict[str, Any]]
) -> dict[str, Any]:
    """Describe a job: the newest of its runs with its reasons, the others by their number."""
    run = group[0]
    took = f", {print_duration(run.seconds)}" if run.seconds is not None else ""
    return {
        "job": run.job,
        "server": run.server,
        "kind": run.kind,
        "times": len(group),
        "when": _print_began(run, period) + took,
        "is_retry": run.is_retry,
        "message": run.message,
        "reasons": [
            {**one, "machines": one["machines"][:MACHINES], "more": max(0, len(one["machines"]) - MACHINES)}
            for one in reasons[:REASONS]
        ],
        "more": max(0, len(reasons) - REASONS),
        "later": _create_later(run, last[run.key], period),
    }


def _create_reasons(machines: Iterable[Machine]) -> list[dict[str, Any]]:
    """Group machines by what befell them: failures first, then what befell most."""
    groups: dict[tuple[bool, str], list[str]] = {}
    for one in machines:
        names = groups.setdefault((one.outcome != FAILED, one.reason), [])
        if one.name not in names:
            names.append(one.name)
    return [
        {"outcome": WARNING if is_milder else FAILED, "reason": reason, "machines": sorted(names, key=str.casefold)}
        for (is_milder, reason), names in sorted(groups.items(), key=lambda group: (group[0][0], -len(group[1]), group[0][1]))
    ]


def _create_later(run: Run, later: Run, period: Period) -> dict[str, str] | None:
    """Say how a job ended later, and when: with the day, unless it is the one that stands beside its name."""
    if later.outcome == run.outcome:
        return None
    if later.ended is None:
        return {"outcome": later.outcome, "says": f"{LATER[later.outcome]} later"}
    ended = period.zone.local(later.ended)
    is_same_day = run.began is not None and period.zone.local(run.began).date() == ended.date()
    day = "" if is_same_day else f"on {print_day(ended)} "
    return {"outcome": later.outcome, "says": f"{LATER[later.outcome]} {day}at {ended:%H:%M}"}


def _create_rest(
    rest: Sequence[tuple[Sequence[Run], list[dict[str, Any]]]],
    last: Mapping[str, Run],
    period: Period,
    asked: Collection[str],
) -> list[dict[str, Any]]:
    """Give all other jobs below the reason that they share with most; what still goes wrong comes first."""
    told = [_list_reasons(group[0], reasons) for group, reasons in rest]
    common = Counter(reason for reasons in told for reason in reasons)
    is_one_server = len({group[0].server for group, _reasons in rest}) == 1
    found: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for (group, _reasons), reasons in zip(rest, told):
        run = group[0]
        reason = max(reasons, key=lambda one: common[one], default="")
        found.setdefault((reason, bool(reason) or run.uid in asked), []).append(
            {
                "job": run.job,
                "server": "" if is_one_server else run.server,
                "when": _print_began(run, period),
                "more": max(0, len(reasons) - 1),
                "later": _create_later(run, last[run.key], period),
            }
        )
    return sorted(
        (
            {"reason": reason or ("no reason is told" if is_asked else "too many to ask why"), "jobs": jobs}
            for (reason, is_asked), jobs in found.items()
        ),
        key=lambda one: (all(job["later"] for job in one["jobs"]), -len(one["jobs"])),
    )


def _list_reasons(run: Run, reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """List what a run and its machines say, each once; of machines that ended with warnings only where none failed."""
    texts = [one["reason"] for one in reasons if one["outcome"] == FAILED] or [one["reason"] for one in reasons]
    return [text for text in dict.fromkeys([run.message, *texts]) if text]


def _print_began(run: Run, period: Period) -> str:
    return print_moment(period.zone.local(run.began)) if run.began else "at a time not told"
