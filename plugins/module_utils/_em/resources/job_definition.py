# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of a job as a playbook writes it, and as the API's Job has it. Pure.

Facts: wire facts, section 12, and the vendor's reference, put_jobs_id_actionedit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import EmError, create_option_error
from ..protocol.codec import read_bool, read_int, read_text
from ..protocol.comparison import find_differences
from ..protocol.links import find_guid

MAX_NAME = 50  # characters: Veeam reference, post_jobs_id_actionclone
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKS = ("First", "Second", "Third", "Fourth", "Last")
ON_DAY = "OnDay"
SCHEDULES = ("daily", "monthly", "periodic", "continuous", "after_job")
# Where the parts of a schedule are in JobScheduleOptions, in the schema's order. The reference spells continuous options in two
# ways.
SCHEDULE_PARTS = {
    "daily": ("OptionsDaily", ("options_daily",)),
    "monthly": ("OptionsMonthly", ("options_monthly",)),
    "periodic": ("OptionsPeriodically", ("options_periodically",)),
    "continuous": ("OptionsContinuous", ("options_continuous", "options_continious")),
    "after_job": ("OptionsDaisyChaining", ("options_daisy_chaining",)),
}
# JobInfo's member by job type: Veeam reference, jobinfo.
JOB_INFOS = ("BackupJobInfo", "ReplicaJobInfo", "BackupCopyJobInfo", "ImmediateBackupCopyJobInfo")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
# A time of day or, in JSON, a moment of some day, with the server's UTC offset or without: wire facts, section 12.2.
_WIRE_TIME = re.compile(r"(?:\d{4}-\d\d-\d\dT)?(\d\d:\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")

DEFINITION_SPEC: dict[str, Any] = {
    "description": {"type": "str"},
    "retention": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": ["cycles", "days"], "required": True},
            "count": {"type": "int", "required": True},
        },
    },
    "schedule": {
        "type": "dict",
        "options": {
            "daily": {
                "type": "dict",
                "options": {"time": {"type": "str", "required": True}, "days": {"type": "raw", "default": "everyday"}},
            },
            "monthly": {
                "type": "dict",
                "options": {
                    "time": {"type": "str", "required": True},
                    "week": {"type": "str"},
                    "day": {"type": "str", "required": True},
                    "months": {"type": "list", "elements": "str"},
                },
            },
            "periodic": {
                "type": "dict",
                "options": {
                    "every": {"type": "int", "required": True},
                    "unit": {"type": "str", "choices": ["hours", "minutes"], "default": "hours"},
                },
            },
            "continuous": {"type": "bool"},
            "after_job": {"type": "str"},
        },
    },
    "retry": {
        "type": "dict",
        "options": {"times": {"type": "int", "required": True}, "wait": {"type": "int"}},
    },
    "settings": {"type": "dict"},
}


class Definition(NamedTuple):
    """What is to be true of a job; None where it is left alone. Checked, and in the form that `read_definition` returns."""

    description: str | None = None
    retention: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    retry: dict[str, Any] | None = None
    schedule_enabled: bool | None = None
    settings: dict[str, Any] | None = None


def create_definition(params: Mapping[str, Any]) -> Definition:
    """Return the definition of a module's options. Raise ``invalid_option`` for what no job can have."""
    retention = params["retention"]
    if retention is not None and retention["count"] < 1:
        raise create_option_error("retention.count", retention["count"], "give 1 or more")
    retry = params["retry"]
    if retry is not None:
        for name in ("times", "wait"):
            if retry.get(name) is not None and retry[name] < 0:
                raise create_option_error(f"retry.{name}", retry[name], "give 0 or more")
    settings = params["settings"]
    if settings is not None:
        _check_settings(settings)
    return Definition(
        description=params["description"],
        retention=dict(retention) if retention is not None else None,
        schedule=_create_schedule(params["schedule"]) if params["schedule"] is not None else None,
        retry={key: value for key, value in retry.items() if value is not None} if retry is not None else None,
        schedule_enabled=params["schedule_enabled"],
        settings=settings,
    )


def _check_settings(settings: Mapping[str, Any]) -> None:
    for name in settings:
        if str(name).lower() in ("name", "uid", "href", "type", "links"):
            raise create_option_error("settings", {name: "..."}, f"{name} cannot be changed")
    _differing, secrets = find_differences(settings, {})
    if secrets:  # which would be shown with the options, and which the server does not show, so that nothing would be compared
        raise EmError("invalid_option", f"The option settings cannot hold {secrets[0]}: its value is a secret. Leave it out.")
    infos = settings.get("JobInfo")
    for info in infos.values() if isinstance(infos, Mapping) else ():
        if isinstance(info, Mapping) and any(str(name).lower() == "includes" for name in info):
            raise EmError(
                "invalid_option",
                "The option settings cannot hold Includes, which would replace all objects: use vbem.rest.veeam_job_object.",
            )


def _create_schedule(given: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [name for name in SCHEDULES if given.get(name) is not None]
    if len(chosen) != 1:
        raise create_option_error("schedule", {name: given[name] for name in chosen}, f"give one of {', '.join(SCHEDULES)}")
    name = chosen[0]
    value = given[name]
    if name == "daily":
        return {name: {"time": _check_time("schedule.daily.time", value["time"]), "days": _check_days(value["days"])}}
    if name == "monthly":
        return {name: _create_monthly(value)}
    if name == "periodic":
        most = 24 if value["unit"] == "hours" else 60
        if not 1 <= value["every"] <= most:
            raise create_option_error(
                "schedule.periodic.every", value["every"], f"give a number from 1 to {most} {value['unit']}"
            )
        return {name: {"every": value["every"], "unit": value["unit"]}}
    if name == "continuous" and value is not True:
        raise create_option_error(
            "schedule.continuous", value, "give true, or another schedule; schedule_enabled: false turns it off"
        )
    if name == "after_job" and not value.strip():
        raise create_option_error("schedule.after_job", value, "give the name of the job to follow")
    return {name: value.strip() if isinstance(value, str) else value}


def _create_monthly(value: Mapping[str, Any]) -> dict[str, Any]:
    time = _check_time("schedule.monthly.time", value["time"])
    months = _check_names("schedule.monthly.months", value.get("months") or list(MONTHS), MONTHS)
    day = str(value["day"]).strip()
    if value.get("week") is None:
        if not day.isdecimal() or not 1 <= int(day) <= 31:
            raise create_option_error(
                "schedule.monthly.day", day, "give a day of the month from 1 to 31, or a weekday with week"
            )
        return {"time": time, "week": None, "day": str(int(day)), "months": months}
    (week,) = _check_names("schedule.monthly.week", [value["week"]], WEEKS)
    (weekday,) = _check_names("schedule.monthly.day", [day], DAYS)
    return {"time": time, "week": week, "day": weekday, "months": months}


def _check_time(option: str, value: str) -> str:
    match = _TIME.fullmatch(value.strip())
    if match is None:
        raise create_option_error(option, value, "give a time of the backup server's clock such as 22:00, in quotes")
    return f"{int(match[1]):02}:{match[2]}" + (f":{match[3]}" if match[3] and match[3] != "00" else "")


def _check_days(value: Any) -> str | list[str]:
    if isinstance(value, str) and value.strip().lower() in ("everyday", "weekdays"):
        return value.strip().lower()
    days = _check_names("schedule.daily.days", value if isinstance(value, list) else [value], DAYS)
    if not days:
        raise create_option_error(
            "schedule.daily.days", value, "give everyday, weekdays or a list of days such as [Monday, Friday]"
        )
    return "everyday" if len(days) == len(DAYS) else days


def _check_names(option: str, values: list[Any], known: tuple[str, ...]) -> list[str]:
    """Return names in their usual spelling and order, each once."""
    found = set()
    for value in values:
        name = next((one for one in known if one.lower() == str(value).strip().lower()), None)
        if name is None:
            raise create_option_error(option, value, f"give {', '.join(known)}")
        found.add(name)
    return [one for one in known if one in found]


# ---------------------------------------------------------------------------------------------------------------------
# From the API's Job


def read_definition(raw: Mapping[str, Any], job_names: Mapping[str, str]) -> dict[str, Any]:
    """Return what a job is, in the form of the options. ``job_names`` are the names of jobs by GUID, for ``after_job``."""
    return {
        "description": read_text(raw, "description") or "",
        "retention": _read_retention(raw),
        "schedule": _read_schedule(raw, job_names),
        "retry": _read_retry(raw),
        "schedule_enabled": read_bool(raw, "schedule_enabled"),
    }


def _get(node: Any, *names: str) -> Mapping[str, Any]:
    """Return the first member of these names that is an object; an empty one where there is none."""
    for name in names:
        value = node.get(name) if isinstance(node, Mapping) else None
        if isinstance(value, Mapping):
            return value
    return {}


def get_schedule_options(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a job's schedule options. ``Standart`` is the API's spelling; immediate copies have another element."""
    options = _get(raw, "job_schedule_options")
    return _get(options, "standart", "standard", "immediate_copy_mode") or options


def get_job_info(raw: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the API's name of the object that holds the settings of a job of this type, and that object."""
    infos = _get(raw, "job_info")
    for name in JOB_INFOS:
        found = _get(infos, _snake(name))
        if found:
            return name, found
    return f"{read_text(raw, 'job_type') or 'Backup'}JobInfo", {}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _read_retention(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    policy = _get(get_job_info(raw)[1], "simple_retention_policy")
    limit = (read_text(policy, "retain_limit_type") or "").lower()
    if limit not in ("cycles", "days"):
        return None
    count = read_int(policy, "retain_cycles" if limit == "cycles" else "retain_days_to_keep")
    return {"type": limit, "count": count}


def _read_retry(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    options = _get(get_schedule_options(raw), "retry_options") or _get(_get(raw, "job_schedule_options"), "retry_options")
    if not options:
        return None
    is_on = read_bool(options, "retry_specified" if "retry_specified" in options else "retry_specified1")
    times = read_int(options, "retry_times")
    return {"times": 0 if is_on is False else times, "wait": read_int(options, "retry_timeout")}


def _read_schedule(raw: Mapping[str, Any], job_names: Mapping[str, str]) -> dict[str, Any] | None:
    options = get_schedule_options(raw)
    for name, (_api_name, keys) in SCHEDULE_PARTS.items():
        part = _get(options, *keys)
        if read_bool(part, "enabled"):
            return {name: _read_part(name, part, job_names)}
    return None


def _read_part(name: str, part: Mapping[str, Any], job_names: Mapping[str, str]) -> Any:
    if name == "daily":
        kind = (read_text(part, "kind") or "").lower()
        days = _read_names(part, "days", DAYS)
        return {"time": read_time(part), "days": kind if kind in ("everyday", "weekdays") else days}
    if name == "monthly":
        week = read_text(part, "day_number_in_month")
        is_day = (week or "").lower() == ON_DAY.lower()
        day = read_text(part, "day_of_month") if is_day else read_text(part, "day_of_week")
        return {
            "time": read_time(part),
            "week": None if is_day else week,
            "day": day,
            "months": _read_names(part, "months", MONTHS),
        }
    if name == "periodic":
        unit = (read_text(part, "kind") or "hours").lower()
        return {"every": read_int(part, "full_period"), "unit": unit}
    if name == "after_job":
        uid = read_text(part, "previous_job_uid")
        return job_names.get(find_guid(uid or "") or "", uid)
    return True


def _read_names(part: Mapping[str, Any], key: str, known: tuple[str, ...]) -> list[str]:
    value = part.get(key)
    if isinstance(value, Mapping):
        value = next((one for one in value.values() if isinstance(one, list)), [])
    values = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    lower = {str(one).strip().lower() for one in values}
    return [one for one in known if one.lower() in lower]


def read_time(part: Mapping[str, Any]) -> str | None:
    """Return the wall-clock time of a schedule, without the server's UTC offset: 22:00 stays 22:00."""
    match = _WIRE_TIME.fullmatch(read_text(part, "time") or "")
    if match is None:
        return read_text(part, "time")
    return match[1] + (f":{match[2]}" if match[2] != "00" else "")


# ---------------------------------------------------------------------------------------------------------------------
# To the API's Job


class Edit(NamedTuple):
    """The members of a PUT that makes a job be as defined, and what differs: option, value before, value after."""

    members: dict[str, Any]
    differences: list[tuple[str, Any, Any]]


def create_edit(
    definition: Definition, raw: Mapping[str, Any], *, job_names: Mapping[str, str], after_job_uid: str | None = None
) -> Edit:
    """Return what has to be sent for a job to be as defined: only what differs.

    ``after_job_uid`` is the UID of the job that ``after_job`` names.
    """
    current = read_definition(raw, job_names)
    differences: list[tuple[str, Any, Any]] = []
    members: dict[str, Any] = {}
    options: dict[str, Any] = {}
    info: dict[str, Any] = {}
    if definition.description is not None and definition.description != current["description"]:
        differences.append(("description", current["description"], definition.description))
        members["Description"] = definition.description
    if definition.retry is not None and not _is_subset(definition.retry, current["retry"] or {}):
        differences.append(("retry", current["retry"], definition.retry))
        options["RetryOptions"] = _create_retry(definition.retry, raw)
    if definition.schedule is not None and definition.schedule != current["schedule"]:
        differences.append(("schedule", current["schedule"], definition.schedule))
        members["ScheduleConfigured"] = _like(raw, "schedule_configured", True)
        options.update(_create_schedule_options(definition.schedule, raw, after_job_uid))
    if definition.schedule_enabled is not None and definition.schedule_enabled is not current["schedule_enabled"]:
        differences.append(("schedule_enabled", current["schedule_enabled"], definition.schedule_enabled))
        members["ScheduleEnabled"] = _like(raw, "schedule_enabled", definition.schedule_enabled)
    if definition.retention is not None and definition.retention != current["retention"]:
        differences.append(("retention", current["retention"], definition.retention))
        info["SimpleRetentionPolicy"] = _create_retention(definition.retention, raw)
    if options:
        members["JobScheduleOptions"] = {_get_schedule_element(raw): _sort_options(options)}
    if info:
        members["JobInfo"] = {get_job_info(raw)[0]: info}
    if definition.settings:
        differing, _secrets = find_differences(definition.settings, raw)
        differences += [(f"settings.{name}", None, None) for name in differing]
        if differing:
            members = _merge(members, definition.settings)
    order = ("Description", "ScheduleConfigured", "ScheduleEnabled", "JobScheduleOptions", "JobInfo")
    ordered = {name: members[name] for name in order if name in members}
    return Edit({**ordered, **members}, differences)


def _is_subset(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> bool:
    if wanted.get("times") == 0 and current.get("times") == 0:
        return True
    return all(current.get(key) == value for key, value in wanted.items())


def _like(node: Mapping[str, Any], key: str, value: Any) -> Any:
    """Return a value in the server's own type: the reference's examples have booleans and numbers in schedules as texts."""
    if isinstance(node.get(key), str):
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    return value


def _create_retry(retry: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    options = _get(get_schedule_options(raw), "retry_options")
    times = retry["times"]
    members = {"RetryTimes": _like(options, "retry_times", times if times else read_int(options, "retry_times") or 3)}
    wait = retry.get("wait", read_int(options, "retry_timeout"))
    if wait is not None:
        members["RetryTimeout"] = _like(options, "retry_timeout", wait)
    return {**members, "RetrySpecified": _like(options, "retry_specified", times > 0)}


def _create_retention(retention: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    policy = _get(get_job_info(raw)[1], "simple_retention_policy")
    key, name = (
        ("retain_cycles", "RetainCycles") if retention["type"] == "cycles" else ("retain_days_to_keep", "RetainDaysToKeep")
    )
    return {name: _like(policy, key, retention["count"]), "RetainLimitType": retention["type"].capitalize()}


def _get_schedule_element(raw: Mapping[str, Any]) -> str:
    """Return the name of the element that holds schedule options: Veeam reference, put_jobs_id_actionedit."""
    return "ImmediateCopyMode" if (read_text(raw, "job_type") or "").lower() == "immediatebackupcopy" else "Standart"


def _create_schedule_options(schedule: Mapping[str, Any], raw: Mapping[str, Any], after_job_uid: str | None) -> dict[str, Any]:
    """Return the part that is wanted, and those that are enabled now or not shown, disabled."""
    current = get_schedule_options(raw)
    is_hidden = not current and _get_schedule_element(raw) == "Standart"  # of a job whose schedule was never configured
    ((wanted, value),) = schedule.items()
    members: dict[str, Any] = {}
    for name, (api_name, keys) in SCHEDULE_PARTS.items():
        part = _get(current, *keys)
        spelt = "OptionsContinious" if name == "continuous" and "options_continious" in current else api_name
        if name == wanted:
            is_on = {"@Enabled": _like(part, "enabled", True)}
            members[spelt] = {**is_on, **_create_part(name, value, part, after_job_uid)}
        elif read_bool(part, "enabled") or (is_hidden and name != "after_job"):
            members[spelt] = {"@Enabled": _like(part, "enabled", False)}
            if name == "after_job":  # which the reference requires
                members[spelt]["PreviousJobUid"] = read_text(part, "previous_job_uid") or ""
    return members


def _create_part(name: str, value: Any, part: Mapping[str, Any], after_job_uid: str | None) -> dict[str, Any]:
    if name == "daily":
        kinds = {"everyday": "Everyday", "weekdays": "WeekDays"}
        kind = kinds.get(value["days"], "SelectedDays") if isinstance(value["days"], str) else "SelectedDays"
        days = {"everyday": list(DAYS), "weekdays": list(DAYS[1:6])}.get(kind.lower(), value["days"])
        return {"Kind": kind, "Days": days, "Time": format_time(value["time"])}
    if name == "monthly":
        members: dict[str, Any] = {"Time": format_time(value["time"])}
        if value["week"] is None:
            return {**members, "DayNumberInMonth": ON_DAY, "Months": value["months"], "DayOfMonth": value["day"]}
        return {**members, "DayNumberInMonth": value["week"], "DayOfWeek": value["day"], "Months": value["months"]}
    if name == "periodic":
        return {"Kind": value["unit"].capitalize(), "FullPeriod": _like(part, "full_period", value["every"])}
    if name == "after_job":
        return {"PreviousJobUid": after_job_uid}
    return {}


def format_time(time: str) -> str:
    """Return a wall-clock time as the API writes it. Without a UTC offset: a server would convert one to its own clock."""
    return f"{time if time.count(':') == 2 else f'{time}:00'}.0000000"


def _sort_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return schedule options in the schema's order."""
    order = ("RetryOptions", *(api_name for api_name, _keys in SCHEDULE_PARTS.values()))
    return {name: options[name] for name in sorted(options, key=lambda one: order.index(one) if one in order else len(order))}


def _merge(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def format_difference(name: str, value: Any) -> str:
    """Return one line of a diff. The values of settings are not shown."""
    if name.partition(".")[0] == "settings":
        return f"{name}\n"
    return f"{name}: {format_value(value)}\n"


def format_value(value: Any) -> str:
    """Return a value of an option in words."""
    if isinstance(value, Mapping):
        return " ".join(f"{key} {format_value(one)}" for key, one in value.items() if one is not None)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return "none"
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
