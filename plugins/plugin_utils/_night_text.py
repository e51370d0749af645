# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the picture of a night says times, durations, sizes and counts. Pure; the same in every locale."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LOCAL = "local"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class Zone:
    """A time zone by its name: ``local`` is that of this machine; needs no zone data, no more than UTC does."""

    def __init__(self, name: str) -> None:
        """Find the zone; ValueError where there is none of this name."""
        self.name = name.strip()
        self._zone: ZoneInfo | timezone | None = None
        if self.name.upper() == "UTC":
            self.name, self._zone = "UTC", timezone.utc
        elif self.name.lower() != LOCAL:
            try:
                self._zone = ZoneInfo(self.name)
            except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder's name is an OSError
                raise ValueError(
                    "there is no such time zone on this machine. Write one such as Europe/Berlin, UTC or local."
                    " If it should be known, zone data may be missing: install the package tzdata, of the system or of Python."
                ) from None

    def local(self, date: datetime) -> datetime:
        """Give a moment in this zone."""
        return date.astimezone(self._zone)

    def moment(self, naive: datetime) -> datetime:
        """Give the moment, in UTC, at which clocks of this zone show a time."""
        return naive.replace(tzinfo=self._zone).astimezone(timezone.utc)  # without tzinfo Python takes it for this machine's

    def label(self, since: datetime, until: datetime) -> str:
        """Name the zone and its distance from UTC, two where it changes on the way."""
        if self.name == "UTC":
            return "UTC"
        offsets = dict.fromkeys(print_offset(self.local(date)) for date in (since, until))
        name = self.local(until).tzname() or LOCAL if self.name.lower() == LOCAL else self.name
        return name if list(offsets) == [name] else f"{name} ({', then '.join(offsets)})"


def print_offset(date: datetime) -> str:
    """Print a date's distance from UTC."""
    minutes = int((date.utcoffset() or timedelta()).total_seconds()) // 60
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def print_day(date: datetime) -> str:
    """Print a day, as in Mon 23 Nov."""
    return f"{DAYS[date.weekday()]} {date.day} {MONTHS[date.month - 1]}"


def print_moment(date: datetime, *, with_year: bool = False) -> str:
    """Print a day and a time, as in Mon 23 Nov, 18:27 or Mon 23 Nov 2026, 18:27."""
    return f"{print_day(date)}{f' {date.year}' if with_year else ''}, {date:%H:%M}"


def print_duration(seconds: float) -> str:
    """Print a duration with its two leading units."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def print_size(size: float) -> str:
    """Print a size in binary units, with three digits or so."""
    power = 0
    while abs(size) >= 999.5 and power < len(UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.0f} {UNITS[power]}" if power == 0 or abs(size) >= 99.95 else f"{size:.1f} {UNITS[power]}"


def print_count(number: int, one: str, many: str = "") -> str:
    """Print a number of things: 1 run, 1,200 runs."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
