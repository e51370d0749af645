# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time zones, durations, sizes and counts as text."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.vbem.rest.plugins.plugin_utils._report.formatting import (
    Zone,
    format_count,
    format_datetime,
    format_duration,
    format_size,
)
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import SINCE, UNTIL, utc


def test_a_time_zone_is_described_with_its_offset() -> None:
    since, until = utc(SINCE[:16]), utc(UNTIL[:16])
    assert Zone("utc").describe(since, until) == "UTC"
    assert Zone("Asia/Kolkata").describe(since, until) == "Asia/Kolkata (UTC+05:30)"
    change = Zone("Europe/Berlin").describe(utc("2026-10-24T12:00"), utc("2026-10-25T12:00"))
    assert change == "Europe/Berlin (UTC+02:00, then UTC+01:00)"


def test_local_is_the_time_zone_of_this_machine() -> None:
    date = utc(SINCE[:16])
    naive = datetime(2026, 11, 22, 18)
    assert Zone("local").to_local(date) == date
    assert Zone("Local").to_local(date).utcoffset() == date.astimezone().utcoffset()
    assert Zone("local").to_utc(naive) == naive.astimezone(timezone.utc)
    assert (date.astimezone().tzname() or "local") in Zone("local").describe(date, date)


def test_dates() -> None:
    assert format_datetime(utc("2026-11-03T08:05")) == "Tue 3 Nov, 08:05"
    assert format_datetime(utc("2026-11-03T08:05"), with_year=True) == "Tue 3 Nov 2026, 08:05"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599.6, "1 h 00 min"), (86399, "23 h 59 min"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1024**3, "1.0 GiB"),
        (150 * 1024**3, "150 GiB"),
        (999.9 * 1024**3, "1.0 TiB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert format_size(size) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 queries"), (1, "1 query"), (1200, "1,200 queries")])
def test_counts(number: int, text: str) -> None:
    assert format_count(number, "query", "queries") == text
    assert format_count(number, "job").endswith("job" if number == 1 else "jobs")
