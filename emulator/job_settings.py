# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule and retention of a job: what new ones have, how they are printed, how an edit changes them (wire-facts 12)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from .document import ABSENT, Either, Obj, Value
from .errors import ApiError
from .shapes import shapes
from .switches import Switches

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_CHOICES: dict[str, tuple[str, ...]] = {
    "Kind": ("Everyday", "WeekDays", "SelectedDays", "Hours", "Minutes"),
    "Days": DAYS,
    "Months": MONTHS,
    "DayOfWeek": DAYS,
    "DayNumberInMonth": ("First", "Second", "Third", "Fourth", "Last", "OnDay"),
    "RetainLimitType": ("Cycles", "Days"),
    "SelectedDay": DAYS,
    "SelectedMonth": MONTHS,
    "SelectedWeek": ("First", "Last"),
}
_NUMBERS = ("TimeOffsetUtc", "DayOfMonth")
_TIME = re.compile(r"(?:\d{4}-\d\d-\d\dT)?(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_ALWAYS = ",".join("1" * 24)


def _hours() -> dict[str, Any]:
    return {"Days": [{"Name": day, "Value": _ALWAYS} for day in DAYS]}


@cache
def _standard() -> dict[str, Any]:
    return {
        "RetryOptions": {"RetryTimes": 3, "RetryTimeout": 10, "RetrySpecified": True},
        "WaitForBackupCompletion": True,
        "BackupCompetitionWaitingPeriodMin": 180,
        "OptionsDaily": {"Kind": "Everyday", "Days": list(DAYS), "Time": "22:00:00", "TimeOffsetUtc": 2, "Enabled": True},
        "OptionsMonthly": {
            "Time": "22:00:00",
            "TimeOffsetUtc": 2,
            "DayNumberInMonth": "Fourth",
            "DayOfWeek": "Saturday",
            "Months": list(MONTHS),
            "DayOfMonth": 1,
            "Enabled": False,
        },
        "OptionsPeriodically": {"Kind": "Hours", "FullPeriod": 1, "Schedule": _hours(), "Enabled": False},
        "OptionsContinuous": {"Schedule": _hours(), "Enabled": False},
        "OptionsBackupWindow": {"TimePeriods": _hours(), "Enabled": False},
        "OptionsDaisyChaining": {"PreviousJobUid": "", "Enabled": False},
    }


def usual_schedule(job_type: str) -> dict[str, Any]:
    """Return the JobScheduleOptions of a new job; nobody changes it in place."""
    if job_type == "ImmediateBackupCopy":
        return {"ImmediateCopyMode": {"OptionsContinuous": {"Schedule": _hours(), "Enabled": True}}}
    return {"Standart": _standard()}


@cache
def usual_retention() -> dict[str, Any]:
    """Return what BackupJobInfo says of retention for a new job; nobody changes it in place."""
    return {
        "GfsRetentionPolicy": {
            "Weekly": {"Enabled": False, "RetentionPeriod": 1, "SelectedDay": "Sunday"},
            "Monthly": {"Enabled": False, "RetentionPeriod": 1, "SelectedWeek": "First"},
            "Yearly": {"Enabled": False, "RetentionPeriod": 1, "SelectedMonth": "January"},
            "Enabled": False,
        },
        "SimpleRetentionPolicy": {"RetainCycles": 7, "RetainDaysToKeep": 14, "RetainLimitType": "Days"},
    }


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old settings with what the new ones say: objects are merged, lists and values replaced."""
    merged = dict(old)
    for name, value in new.items():
        known = merged.get(name)
        both = isinstance(value, dict) and isinstance(known, Mapping) and name not in ("Schedule", "TimePeriods")
        merged[name] = merge(known, value) if both and isinstance(known, Mapping) else copy.deepcopy(value)
    return merged


def read_settings(value: Any, switches: Switches, name: str = "") -> Any:
    """Return settings from a body: choices checked, times as the server's own clock has them."""
    if isinstance(value, dict):
        return {key: read_settings(inner, switches, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [read_settings(item, switches, name) for item in value]
    if name == "Time":
        return _read_time(str(value), switches)
    if name in _NUMBERS and re.fullmatch(r"-?\d+", str(value)):
        return int(value)
    if name in _CHOICES and str(value) not in _CHOICES[name]:
        raise ApiError(400, f"Requested value '{value}' was not found.")
    return value


def _read_time(text: str, switches: Switches) -> str:
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ApiError(400, f"Could not convert string to DateTime: {text}.")
    minutes = int(match[1]) * 60 + int(match[2])
    zone = match[4]
    if zone and switches.schedule_times == "converted":
        sign = -1 if zone.startswith("-") else 1
        offset = 0 if zone == "Z" else sign * (int(zone[1:3]) * 60 + int(zone[4:6]))
        minutes = (minutes - offset + round(switches.utc_offset * 60)) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{match[3] or '00'}"


def print_offset(switches: Switches) -> str:
    """Return the server's offset to UTC as XML has it."""
    minutes = round(switches.utc_offset * 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def schedule_document(schedule: Mapping[str, Any], switches: Switches) -> Obj:
    """Return JobScheduleOptions to be printed, with the oddities of each format."""
    parts = []
    for mode, options in schedule.items():
        members: list[tuple[str, Value]] = []
        for name, value in options.items():
            document = shapes().to_document(name, value)
            if isinstance(document, Obj):
                _amend(document, name, value, switches)
            spelt = switches.continuous_spelling if name == "OptionsContinuous" else name
            members.append((name, document) if spelt == name else (spelt, document))
        parts.append((mode, Obj(mode, members=members, is_resource=False)))
    return Obj("JobScheduleOptions", members=parts, is_resource=False)


def _amend(document: Obj, name: str, value: Mapping[str, Any], switches: Switches) -> None:
    members: list[tuple[str, Value]] = []
    for key, shown in document.members:
        if key == "Time":
            # JSON shows a moment of the past, a daily one without an offset (resource_representation_for_ke).
            offset = "" if name == "OptionsDaily" else print_offset(switches)
            xml = f"{value['Time']}.0000000{print_offset(switches)}"
            json = f"2019-10-23T{value['Time']}{offset}" if switches.json_times == "datetime" else xml
            members.append((key, Either(xml, json)))
        elif key == "RetrySpecified" and isinstance(shown, bool) and switches.retry_specified == "RetrySpecified1":
            members += [("RetrySpecified", Either(shown, ABSENT)), ("RetrySpecified1", Either(ABSENT, shown))]
        else:
            members.append((key, shown))
    document.members = members
