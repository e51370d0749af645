# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the backup report writes times, durations, sizes and counts. Pure, and independent of the locale."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LOCAL = "local"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class Zone:
    """A time zone by its name. ``local`` is that of this machine; it needs no time zone data, nor does UTC."""

    def __init__(self, name: str) -> None:
        """Find the time zone. Raise ValueError if there is none of this name."""
        self.name = name.strip()
        self._zone: ZoneInfo | timezone | None = None
        if self.name.upper() == "UTC":
            self.name, self._zone = "UTC", timezone.utc
        elif self.name.lower() != LOCAL:
            try:
                self._zone = ZoneInfo(self.name)
            except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; the name of a directory an OSError
                raise ValueError(
                    "there is no such time zone on this machine. Use a name such as Europe/Berlin, UTC or local."
                    " If the name is right, the time zone data may be missing: install the package tzdata of the system or of"
                    " Python."
                ) from None

    def to_local(self, date: datetime) -> datetime:
        """Return a date in this time zone."""
        return date.astimezone(self._zone)

    def to_utc(self, naive: datetime) -> datetime:
        """Return a naive date, taken as one of this time zone, in UTC."""
        return naive.replace(tzinfo=self._zone).astimezone(timezone.utc)  # without tzinfo Python takes it as local time

    def describe(self, since: datetime, until: datetime) -> str:
        """Return the name of the time zone and its offset from UTC; two offsets if it changes between the dates."""
        if self.name == "UTC":
            return "UTC"
        offsets = dict.fromkeys(format_offset(self.to_local(date)) for date in (since, until))
        name = self.to_local(until).tzname() or LOCAL if self.name.lower() == LOCAL else self.name
        return name if list(offsets) == [name] else f"{name} ({', then '.join(offsets)})"


def format_offset(date: datetime) -> str:
    """Return a date's offset from UTC, as in UTC+01:00."""
    minutes = int((date.utcoffset() or timedelta()).total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def format_day(date: datetime) -> str:
    """Return a day, as in Mon 23 Nov."""
    return f"{DAYS[date.weekday()]} {date.day} {MONTHS[date.month - 1]}"


def format_datetime(date: datetime, *, with_year: bool = False) -> str:
    """Return a day and a time, as in Mon 23 Nov, 18:27 or Mon 23 Nov 2026, 18:27."""
    return f"{format_day(date)}{f' {date.year}' if with_year else ''}, {date:%H:%M}"


def format_duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def format_size(size: float) -> str:
    """Return a size in binary units, with two or three digits."""
    power = 0
    while abs(size) >= 999.5 and power < len(UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.0f} {UNITS[power]}" if power == 0 or abs(size) >= 99.95 else f"{size:.1f} {UNITS[power]}"


def format_count(number: int, singular: str, plural: str = "") -> str:
    """Return a number and a noun: 1 job, 1,200 jobs."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
