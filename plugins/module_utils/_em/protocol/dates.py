# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates: ISO 8601, mostly UTC, with fractions of any length (wire facts, section 2)."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta, timezone

_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,5}[1-9])?Z", re.ASCII)  # what format_date prints
NEVER = "1753-01-01T00:00:00Z"  # with which SQL Server's calendar begins: the server's word for "never"
_NEVER_ENDS = "1901"
_NEVER = 1900  # the year up to which nothing ever ran: the calendars of OLE and of Excel begin in 1899 and 1900


def parse_date(text: str) -> datetime | None:
    """Return a date in UTC, to the microsecond; without a time zone it is UTC. None for anything else."""
    match = _DATE.fullmatch(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        date = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]),
            timezone.utc,
        )
    except ValueError:
        return None
    if zone and zone.upper() != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        with suppress(OverflowError):  # .NET's least and greatest dates are meant as they are
            date = date - offset if zone[0] == "+" else date + offset
    return date


def format_date(date: datetime) -> str:
    """Return a date as ISO 8601 UTC, with as many digits of the fraction as it needs."""
    text = date.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return text + (f".{date.microsecond:06d}".rstrip("0") if date.microsecond else "") + "Z"


def format_timestamp(seconds: float) -> str:
    """Return seconds since the epoch as `format_date`."""
    return format_date(datetime.fromtimestamp(seconds, timezone.utc))


def normalise_date(text: str | None) -> str | None:
    """Return a server's date as ISO 8601 UTC; None for none and for "never"; an unreadable one unchanged."""
    if text and _PLAIN.fullmatch(text) and text > _NEVER_ENDS:
        return text  # as nearly all are
    date = parse_date(text) if text else None
    if date is None:
        return text
    return None if date.year <= _NEVER else format_date(date)


def to_timestamp(text: str | None) -> float | None:
    """Return a date as seconds since the epoch; None for none and for what is no date."""
    date = parse_date(text) if text else None
    return None if date is None else date.timestamp()
