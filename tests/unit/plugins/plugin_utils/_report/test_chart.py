# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chart: which bars there are, what they count, and their geometry."""

from __future__ import annotations

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import count_slots
from ansible_collections.vbem.rest.plugins.plugin_utils._report.chart import HEIGHT, MIN_SEGMENT_HEIGHT, build_chart
from ansible_collections.vbem.rest.plugins.plugin_utils._report.formatting import Zone
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import make_session, utc

MIDNIGHT, MORNING = utc("2026-11-23T00:00"), utc("2026-11-23T06:00")


@pytest.mark.parametrize(
    ("zone", "since", "until", "titles"),
    [
        ("UTC", "2026-11-22T18:27", "2026-11-23T18:27", ("Sun 22 Nov, 18:00", "Mon 23 Nov, 18:00", 25)),
        ("UTC", "2026-11-22T18:00", "2026-11-23T18:00", ("Sun 22 Nov, 18:00", "Mon 23 Nov, 17:00", 24)),
        ("Asia/Kolkata", "2026-11-22T18:00", "2026-11-23T18:00", ("Sun 22 Nov, 23:00", "Mon 23 Nov, 23:00", 25)),
        (
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ("Sat 24 Oct, 14:00", "Sun 25 Oct, 12:00", 24),
        ),  # 02:00 twice
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00", ("Sat 28 Mar, 13:00", "Sun 29 Mar, 13:00", 24)),  # no 02:00
        ("UTC", "2026-11-16T18:00", "2026-11-23T18:00", ("Mon 16 Nov", "Mon 23 Nov", 8)),
        ("Europe/Berlin", "2026-10-20T22:00", "2026-10-27T23:00", ("Wed 21 Oct", "Tue 27 Oct", 7)),
    ],
)
def test_bars_follow_the_time_zone(zone: str, since: str, until: str, titles: tuple[str, str, int]) -> None:
    chart = build_chart({}, utc(since), utc(until), Zone(zone))
    bars = [one["title"] for one in chart["bars"]]
    assert (bars[0], bars[-1], len(bars)) == titles


def test_a_session_counts_when_it_ended_and_a_running_one_does_not() -> None:
    sessions = [
        make_session(utc("2026-11-23T02:59:59.999999")),
        make_session(utc("2026-11-23T03:00"), "failed"),
        *[make_session(None, "running")] * 40,
    ]
    chart = build_chart(count_slots(sessions, MORNING), MIDNIGHT, MORNING, Zone("UTC"))
    assert [one["total"] for one in chart["bars"]] == [0, 0, 1, 1, 0, 0]
    assert [one["description"] for one in chart["bars"]][1:4] == ["0 sessions", "1 succeeded", "1 failed"]
    assert chart["grid_lines"][-1]["label"] == "2", "the scale ignores running sessions"
    # The server's clock may be fast, or the session ended during the queries.
    late = build_chart(count_slots([make_session(utc("2026-11-23T09:00"))], MORNING), MIDNIGHT, MORNING, Zone("UTC"))
    assert late["bars"][-1]["total"] == 1


def test_one_failure_among_thousands_is_visible() -> None:
    sessions = [make_session(utc("2026-11-23T02:00"))] * 5000 + [make_session(utc("2026-11-23T02:00"), "failed")]
    chart = build_chart(count_slots(sessions, MORNING), MIDNIGHT, MORNING, Zone("UTC"))
    assert chart["bars"][2]["segments"][0] == {
        "outcome": "failed",
        "y": HEIGHT - MIN_SEGMENT_HEIGHT,
        "height": MIN_SEGMENT_HEIGHT,
    }
    assert [line["label"] for line in chart["grid_lines"]] == ["3,000", "6,000"]


@pytest.mark.parametrize(
    ("failed", "warned", "until", "flag"),
    [
        (0, 0, "2026-11-23T06:00", ""),
        (3, 5, "2026-11-23T06:00", "✕3"),
        (0, 5, "2026-11-23T06:00", "▲5"),
        (120, 0, "2026-11-23T12:00", "✕120"),
        (99, 0, "2026-11-23T13:00", "✕99"),
        (120, 0, "2026-11-23T13:00", "✕"),
    ],
)
def test_a_bar_has_a_flag_with_its_failures_or_else_its_warnings(failed: int, warned: int, until: str, flag: str) -> None:
    ended = utc("2026-11-23T02:00")
    sessions = [make_session(ended, "failed")] * failed + [make_session(ended, "warning")] * warned
    slots = count_slots(sessions, utc(until))
    assert build_chart(slots, MIDNIGHT, utc(until), Zone("UTC"))["bars"][2]["flag"] == flag
