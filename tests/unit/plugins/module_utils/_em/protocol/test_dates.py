# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates as servers print them, and as this collection does."""

from __future__ import annotations

import ast
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol import dates
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import (
    format_date,
    normalise_date,
    parse_date,
    to_timestamp,
)

FRACTION = "987654321"


@pytest.mark.parametrize("digits", range(1, 10))
@pytest.mark.parametrize("zone", ["Z", "z", "", "+00:00", "-00:00", " Z"])
def test_a_fraction_may_have_any_length(digits: int, zone: str) -> None:
    date = parse_date(f"2026-06-16T06:33:10.{FRACTION[:digits]}{zone}")
    micro = int(FRACTION[:digits].ljust(6, "0")[:6])
    assert date == datetime(2026, 6, 16, 6, 33, 10, micro, timezone.utc)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2026-06-16T06:33:10Z", "2026-06-16T06:33:10Z"),
        ("2026-06-16T06:33:10.000Z", "2026-06-16T06:33:10Z"),
        ("2026-06-16T06:33:10.5Z", "2026-06-16T06:33:10.5Z"),
        ("2026-06-16T06:33:10.28Z", "2026-06-16T06:33:10.28Z"),
        ("2026-06-16T06:33:10.280000Z", "2026-06-16T06:33:10.28Z"),
        ("2026-06-16T06:22:59.39912Z", "2026-06-16T06:22:59.39912Z"),
        ("2026-06-16T06:33:10.6595591Z", "2026-06-16T06:33:10.659559Z"),
        ("2026-06-16T06:33:10.000001Z", "2026-06-16T06:33:10.000001Z"),
        ("2026-06-16T06:33:10.0000009Z", "2026-06-16T06:33:10Z"),
        ("2026-06-16T06:33:10.9999999Z", "2026-06-16T06:33:10.999999Z"),
        ("2026-06-16T14:00:00.0000000+01:00", "2026-06-16T13:00:00Z"),
        ("2026-06-16T14:00:00-0530", "2026-06-16T19:30:00Z"),
        ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"),
        ("2024-02-29T23:30:00-01:00", "2024-03-01T00:30:00Z"),
        ("2026-06-16 06:33", "2026-06-16T06:33:00Z"),
        ("2026-06-16", "2026-06-16T00:00:00Z"),
        ("  2026-06-16T06:33:10Z\n", "2026-06-16T06:33:10Z"),
        ("1901-01-01T00:00:00Z", "1901-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_dates_come_out_as_utc(text: str, printed: str) -> None:
    assert normalise_date(text) == printed
    date = parse_date(text)
    assert date is not None
    assert date.utcoffset() == timedelta(0)
    assert format_date(date) == printed
    assert parse_date(printed) == date, "a printed date can be read"


@pytest.mark.parametrize(
    "text",
    [
        "1753-01-01T00:00:00Z",
        "1753-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "1601-01-01T00:00:00.0Z",
        "1899-12-30T00:00:00",
        "1900-01-01T00:00:00Z",
    ],
)
def test_never_is_none(text: str) -> None:
    assert normalise_date(text) is None
    assert parse_date(text) is not None


def test_never_is_none_in_every_zone() -> None:
    assert normalise_date("0001-01-01T00:00:00.0000000+01:00") is None


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-06-16T24:00:00Z",
        "2026-06-16T06:60:00Z",
        "2026-06-16T06:33:10.Z",
        "2026-06-16T06:33:10,5Z",
        "2026-06-16T06:33:10Z and more",
        "2026-06-16T06:33:10+1",
        "2026-6-16",
        "16.06.2026 06:33",
        "/Date(1782000000000)/",
        "0000-01-01T00:00:00Z",
        "\u0662\u0660\u0662\u0666-06-16T06:33:10Z",
        "2026-06-16T06:33:10" + "Z" * 1000,
    ],
)
def test_a_text_that_is_no_date_is_unchanged(text: str) -> None:
    assert parse_date(text) is None
    assert normalise_date(text) == text


@pytest.mark.parametrize("text", [None, ""])
def test_an_absent_date_stays_absent(text: str | None) -> None:
    assert normalise_date(text) == text


def test_a_year_has_four_digits() -> None:
    assert format_date(datetime(1, 2, 3, 4, 5, 6, 70, timezone.utc)) == "0001-02-03T04:05:06.00007Z"


def test_dates_are_ordered_by_time() -> None:
    texts = ["2026-06-16T06:33:10Z", "2026-06-16T06:33:10.2Z", "2026-06-16T08:33:10.15+02:00", "2026-06-16T06:33:09.999Z"]
    parsed = [parse_date(text) for text in texts]
    assert None not in parsed
    assert sorted(range(4), key=lambda number: parsed[number]) == [3, 0, 2, 1]  # type: ignore[arg-type,return-value]


def test_python_3_9_can_read_it() -> None:
    """There, fromisoformat knows neither Z nor fractions of other than 3 or 6 digits, and datetime has no UTC."""
    source = Path(dates.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 9))
    assert "fromisoformat" not in source
    assert "datetime.UTC" not in source
    assert "import UTC" not in source


def test_timestamps() -> None:
    assert to_timestamp("1970-01-02T00:00:00.5Z") == 86400.5
    assert to_timestamp("1970-01-01T01:00:00+01:00") == 0.0
    for text in (None, "", "soon"):
        assert to_timestamp(text) is None
