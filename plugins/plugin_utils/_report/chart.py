# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bar chart of job sessions by result over time: geometry and labels.

Widths are in percent, so that the chart fits any screen with its text at full size; heights are in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import OUTCOMES_BY_SEVERITY, read_slot
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import FAILED, SUCCESS, WARNING

from .formatting import DAYS, Zone, format_count, format_day

STACKING_ORDER = OUTCOMES_BY_SEVERITY  # from the bottom: failures have a common baseline and can be compared
HEIGHT = 150  # of the highest bar
MIN_SEGMENT_HEIGHT = 4  # so that one failure among thousands is visible
MAX_HOURS = 48  # a longer period has a bar for each day
MAX_LABELS, MAX_LABELS_NARROW = 26, 8  # that fit on a desktop screen, and on a phone
MAX_BARS_LONG_FLAG = 12  # with more bars there is no room for flags with three digits


def build_chart(slots: Mapping[str, Sequence[int]], since: datetime, until: datetime, zone: Zone) -> dict[str, Any]:
    """Return the chart. ``slots`` are those of the digest: what ended when. Running sessions would dwarf these."""
    by_hour = until - since <= timedelta(hours=MAX_HOURS)
    starts = _list_starts(since, until, zone, by_hour=by_hour)
    counts = [dict.fromkeys(STACKING_ORDER, 0) for _start in starts]
    for slot_key, numbers in slots.items():
        bar_counts = counts[_find_bar(read_slot(slot_key), starts)]
        for outcome, number in zip(STACKING_ORDER, numbers):
            bar_counts[outcome] += number
    scale = _find_scale(max(sum(count.values()) for count in counts))
    step, step_narrow = (-(-len(starts) // most) for most in (MAX_LABELS, MAX_LABELS_NARROW))
    slot = 100 / len(starts)
    bars = []
    for number, (start, count) in enumerate(zip(starts, counts)):
        local = zone.to_local(start)
        bars.append(
            {
                "x": round(number * slot + slot * 0.14, 3),
                "width": round(slot * 0.72, 3),
                "centre": round((number + 0.5) * slot, 3),
                "segments": _build_segments(count, scale),
                "counts": count,
                "total": sum(count.values()),
                "flag": _format_flag("✕", count[FAILED], len(starts)) or _format_flag("▲", count[WARNING], len(starts)),
                "title": f"{format_day(local)}, {local:%H:%M}" if by_hour else format_day(local),
                "description": _describe(count),
                "label": f"{local:%H}" if by_hour else str(local.day),
                "weekday": "" if by_hour else DAYS[local.weekday()],
                "day": format_day(local) if by_hour and local.hour == 0 else "",
                "is_labelled": (local.hour if by_hour else number) % step == 0,
                "is_labelled_narrow": (local.hour % 6 if by_hour else number % step_narrow) == 0,
            }
        )
    return {
        "unit": "hour" if by_hour else "day",
        "height": HEIGHT,
        "bars": bars,
        "grid_lines": [
            {"y": round(HEIGHT - HEIGHT * value / scale, 1), "label": f"{value:,}"} for value in (scale // 2, scale)
        ],
    }


def _list_starts(since: datetime, until: datetime, zone: Zone, *, by_hour: bool) -> list[datetime]:
    """Return when each bar begins: at a full hour or at midnight of the time zone; the first one not after ``since``."""
    local = zone.to_local(since).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    start = zone.to_utc(local if by_hour else local.replace(hour=0))
    starts = [start]
    while True:
        if by_hour:
            start = start + timedelta(hours=1)  # the hour that is repeated when clocks go back has two bars
        else:
            local += timedelta(days=1)
            start = zone.to_utc(local.replace(hour=0))
        if start >= until:
            return starts
        starts.append(start)


def _find_bar(date: datetime, starts: Sequence[datetime]) -> int:
    """Return the index of the bar of a date; of the first bar for an earlier date."""
    found = 0
    for number, start in enumerate(starts):
        if start <= date:
            found = number
    return found


def _find_scale(maximum: int) -> int:
    """Return a round, even number that is not below the maximum: the end of the scale."""
    for scale in (2, 4, 6, 8):
        if scale >= maximum:
            return scale
    power = 1
    while True:
        for digits in (10, 12, 16, 20, 24, 30, 40, 50, 60, 80):
            if digits * power >= maximum:
                return digits * power
        power *= 10


def _build_segments(count: Mapping[str, int], scale: int) -> list[dict[str, Any]]:
    """Return the segments of a bar, from the bottom."""
    y, segments = float(HEIGHT), []
    for outcome in STACKING_ORDER:
        if count[outcome]:
            height = max(MIN_SEGMENT_HEIGHT, HEIGHT * count[outcome] / scale)
            y -= height
            segments.append({"outcome": outcome, "y": round(y, 1), "height": round(height, 1)})
    return segments


def _format_flag(sign: str, number: int, bars: int) -> str:
    """Return the text above a bar; without the number if that is long and the bars are many."""
    return "" if not number else f"{sign}{number:,}" if number < 100 or bars <= MAX_BARS_LONG_FLAG else sign


def _describe(count: Mapping[str, int]) -> str:
    texts = {FAILED: "failed", WARNING: "with warnings", SUCCESS: "succeeded"}
    parts = [f"{count[outcome]:,} {texts[outcome]}" for outcome in STACKING_ORDER if count[outcome]]
    return ", ".join(parts) or format_count(0, "session")
