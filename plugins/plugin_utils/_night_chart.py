# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs by result over time: the bars, where each goes, and what stands below it.

Widths are in percent, so that the chart fits any screen with its text at full size; heights are in pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ._night_rows import FAILED, RUNNING, SUCCESS, WARNING, Run
from ._night_text import DAYS, Zone, print_count, print_day

ORDER = (FAILED, WARNING, SUCCESS)  # from the ground up: what matters is compared on one line
HEIGHT = 150  # of the tallest bar
LEAST = 4  # one failure among thousands has to be seen
MOST_HOURS = 48  # a longer time has a bar for each day
MOST_LABELS, FEW_LABELS = 26, 8  # that there is room for on a desk, and on a phone
FEW_BARS = 12


def create_chart(runs: Iterable[Run], since: datetime, until: datetime, zone: Zone) -> dict[str, Any]:
    """Count runs by result, each when it ended; those that go on have none, and would only drown the others."""
    by_hour = until - since <= timedelta(hours=MOST_HOURS)
    starts = _list_starts(since, until, zone, by_hour=by_hour)
    counts = [dict.fromkeys(ORDER, 0) for _start in starts]
    for run in runs:
        if run.outcome != RUNNING:
            counts[_find_bar(run.ended or until, starts)][run.outcome] += 1
    top = _find_top(max(sum(count.values()) for count in counts))
    wide, narrow = (-(-len(starts) // most) for most in (MOST_LABELS, FEW_LABELS))
    slot = 100 / len(starts)
    bars = []
    for number, (start, count) in enumerate(zip(starts, counts)):
        local = zone.local(start)
        bars.append(
            {
                "x": round(number * slot + slot * 0.14, 3),
                "width": round(slot * 0.72, 3),
                "centre": round((number + 0.5) * slot, 3),
                "segments": _stack(count, top),
                "counts": count,
                "total": sum(count.values()),
                "mark": _create_mark("✕", count[FAILED], len(starts)) or _create_mark("▲", count[WARNING], len(starts)),
                "label": f"{local:%H}" if by_hour else str(local.day),
                "weekday": "" if by_hour else DAYS[local.weekday()],
                "name": f"{print_day(local)}, {local:%H:%M}" if by_hour else print_day(local),
                "day": print_day(local) if by_hour and local.hour == 0 else "",
                "is_labelled": (local.hour if by_hour else number) % wide == 0,
                "is_labelled_on_phones": (local.hour % 6 if by_hour else number % narrow) == 0,
                "says": _describe(count),
            }
        )
    return {
        "unit": "hour" if by_hour else "day",
        "height": HEIGHT,
        "bars": bars,
        "lines": [{"y": round(HEIGHT - HEIGHT * value / top, 1), "value": f"{value:,}"} for value in (top // 2, top)],
    }


def _list_starts(since: datetime, until: datetime, zone: Zone, *, by_hour: bool) -> list[datetime]:
    """List when each bar begins: full hours or midnights of the zone, the first of them before the period's beginning."""
    local = zone.local(since).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    start = zone.moment(local if by_hour else local.replace(hour=0))
    starts = [start]
    while True:
        if by_hour:
            start = start + timedelta(hours=1)  # an hour that clocks show twice has two bars
        else:
            local += timedelta(days=1)
            start = zone.moment(local.replace(hour=0))
        if start >= until:
            return starts
        starts.append(start)


def _find_bar(when: datetime, starts: list[datetime]) -> int:
    found = 0
    for number, start in enumerate(starts):
        if start <= when:
            found = number
    return found


def _find_top(most: int) -> int:
    """Find a round number that is no less, for the scale to end with; it can be halved."""
    for top in (2, 4, 6, 8):
        if top >= most:
            return top
    power = 1
    while True:
        for digits in (10, 12, 16, 20, 24, 30, 40, 50, 60, 80):
            if digits * power >= most:
                return digits * power
        power *= 10


def _stack(count: dict[str, int], top: int) -> list[dict[str, Any]]:
    """Give the parts of a bar, from the ground up."""
    ground, parts = float(HEIGHT), []
    for outcome in ORDER:
        if count[outcome]:
            height = max(LEAST, HEIGHT * count[outcome] / top)
            ground -= height
            parts.append({"outcome": outcome, "y": round(ground, 1), "height": round(height, 1)})
    return parts


def _create_mark(sign: str, number: int, bars: int) -> str:
    """Write what is to be seen at once above a bar; a long number has no room where there are many."""
    return "" if not number else f"{sign}{number:,}" if number < 100 or bars <= FEW_BARS else sign


def _describe(count: dict[str, int]) -> str:
    words = {FAILED: "failed", WARNING: "with warnings", SUCCESS: "succeeded"}
    told = ", ".join(f"{count[outcome]:,} {words[outcome]}" for outcome in ORDER if count[outcome])
    return told or print_count(0, "run")
