# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of a job: what the options accept, what is read from a job, and what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_definition import (
    DAYS,
    DEFINITION_SPEC,
    MONTHS,
    Definition,
    create_definition,
    create_edit,
    format_difference,
    format_time,
    read_definition,
    read_time,
)

JOB_ID = "c8e83c91-ecb3-5b6b-a127-97fae1072e44"
NOTHING: dict[str, Any] = dict.fromkeys((*DEFINITION_SPEC, "schedule_enabled"))


def define(**options: Any) -> Definition:
    return create_definition({**NOTHING, **options})


def create_job(**standard: Any) -> dict[str, Any]:
    """Return a decoded job with these schedule options."""
    policy = {"retain_limit_type": "Cycles", "retain_cycles": "7", "retain_days_to_keep": "14"}
    return {
        "job_type": "Backup",
        "schedule_configured": "true",
        "schedule_enabled": "true",
        "job_schedule_options": {"standart": standard},
        "job_info": {"backup_job_info": {"simple_retention_policy": policy}},
    }


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"daily": {"time": "7:05", "days": "WeekDays"}}, {"daily": {"time": "07:05", "days": "weekdays"}}),
        (
            {"daily": {"time": "22:00:00", "days": ["friday", "Monday"]}},
            {"daily": {"time": "22:00", "days": ["Monday", "Friday"]}},
        ),
        ({"daily": {"time": "22:00:30", "days": list(DAYS)}}, {"daily": {"time": "22:00:30", "days": "everyday"}}),
        (
            {"monthly": {"time": "22:00", "week": "last", "day": "sunday", "months": None}},
            {"monthly": {"time": "22:00", "week": "Last", "day": "Sunday", "months": list(MONTHS)}},
        ),
        (
            {"monthly": {"time": "22:00", "week": None, "day": "031", "months": ["may", "January"]}},
            {"monthly": {"time": "22:00", "week": None, "day": "31", "months": ["January", "May"]}},
        ),
        ({"periodic": {"every": 60, "unit": "minutes"}}, {"periodic": {"every": 60, "unit": "minutes"}}),
        ({"after_job": " A "}, {"after_job": "A"}),
    ],
)
def test_schedules_get_one_form(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert define(schedule=given).schedule == wanted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": {}}, "give one of daily"),
        ({"schedule": {"daily": {"time": "24:00", "days": "everyday"}}}, "schedule.daily.time"),
        ({"schedule": {"daily": {"time": "10pm", "days": "everyday"}}}, "in quotes"),
        ({"schedule": {"daily": {"time": "22:00", "days": []}}}, "schedule.daily.days"),
        ({"schedule": {"daily": {"time": "22:00", "days": "sometimes"}}}, "Sunday"),
        ({"schedule": {"monthly": {"time": "22:00", "week": None, "day": "32"}}}, "1 to 31"),
        ({"schedule": {"monthly": {"time": "22:00", "week": "Fifth", "day": "Sunday"}}}, "Fourth"),
        ({"schedule": {"monthly": {"time": "22:00", "week": "Last", "day": "31"}}}, "Sunday"),
        ({"schedule": {"periodic": {"every": 25, "unit": "hours"}}}, "1 to 24"),
        ({"schedule": {"periodic": {"every": 61, "unit": "minutes"}}}, "1 to 60"),
        ({"schedule": {"continuous": False}}, "schedule_enabled"),
        ({"schedule": {"after_job": " "}}, "schedule.after_job"),
        ({"retention": {"type": "days", "count": 0}}, "retention.count"),
        ({"retry": {"times": -1, "wait": None}}, "retry.times"),
        ({"retry": {"times": 1, "wait": -1}}, "retry.wait"),
        ({"settings": {"UID": "x"}}, "UID"),
        ({"settings": {"JobInfo": {"BackupJobInfo": {"includes": {}}}}}, "veeam_job_object"),
        ({"settings": {"JobInfo": {"BackupJobInfo": {"Password": "secret"}}}}, "JobInfo.BackupJobInfo.Password"),
    ],
)
def test_what_no_job_can_have_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(EmError) as info:
        define(**options)
    assert info.value.kind == "invalid_option"
    assert words in info.value.msg


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("22:00:00.0000000-07:00", "22:00"),
        ("2019-10-23T22:00:00", "22:00"),
        ("2019-10-23T22:00:00+02:00", "22:00"),
        ("23:59:30Z", "23:59:30"),
        ("odd", "odd"),
    ],
)
def test_times_are_those_of_the_wall(text: str, time: str) -> None:
    assert read_time({"time": text}) == time


def test_times_are_sent_without_an_offset() -> None:
    assert format_time("22:00") == "22:00:00.0000000"
    assert format_time("22:00:30") == "22:00:30.0000000"


def test_values_as_texts_are_read_and_sent_so() -> None:
    raw = create_job(retry_options={"retry_times": "3", "retry_timeout": "10", "retry_specified": "true"})
    assert read_definition(raw, {})["retry"] == {"times": 3, "wait": 10}
    assert read_definition(raw, {})["retention"] == {"type": "cycles", "count": 7}
    edit = create_edit(define(retry={"times": 5, "wait": None}), raw, job_names={})
    sent = edit.members["JobScheduleOptions"]["Standart"]["RetryOptions"]
    assert sent == {"RetryTimes": "5", "RetryTimeout": "10", "RetrySpecified": "true"}


def test_what_is_enabled_is_disabled_and_only_that() -> None:
    uid = f"urn:veeam:Job:{JOB_ID}"
    raw = create_job(
        options_daily={"enabled": False},
        options_continious={"enabled": True},
        options_daisy_chaining={"enabled": True, "previous_job_uid": uid},
    )
    sent = create_edit(define(schedule={"daily": {"time": "22:00", "days": "everyday"}}), raw, job_names={}).members
    options = sent["JobScheduleOptions"]["Standart"]
    assert options.pop("OptionsDaily")["@Enabled"] is True
    assert options == {
        "OptionsContinious": {"@Enabled": False},
        "OptionsDaisyChaining": {"@Enabled": False, "PreviousJobUid": uid},
    }


def test_a_job_to_follow_has_its_name_or_else_its_uid() -> None:
    uid = f"urn:veeam:Job:{JOB_ID}"
    raw = create_job(options_daisy_chaining={"enabled": True, "previous_job_uid": uid})
    assert read_definition(raw, {JOB_ID: "First"})["schedule"] == {"after_job": "First"}
    assert read_definition(raw, {})["schedule"] == {"after_job": uid}


def test_immediate_copies_have_an_element_of_their_own() -> None:
    raw = {
        "job_type": "ImmediateBackupCopy",
        "job_schedule_options": {"immediate_copy_mode": {"options_daily": {"enabled": False}}},
    }
    edit = create_edit(define(schedule={"continuous": True}), raw, job_names={})
    assert edit.members["JobScheduleOptions"] == {"ImmediateCopyMode": {"OptionsContinuous": {"@Enabled": True}}}


def test_settings_are_merged_with_what_the_options_say_and_their_values_are_not_shown() -> None:
    raw = create_job(retry_options={"retry_times": 3})
    settings = {"JobScheduleOptions": {"Standart": {"WaitForBackupCompletion": False}}}
    edit = create_edit(define(retry={"times": 4, "wait": None}, settings=settings), raw, job_names={})
    assert set(edit.members["JobScheduleOptions"]["Standart"]) == {"RetryOptions", "WaitForBackupCompletion"}
    name, before, _after = edit.differences[-1]
    assert name == "settings.JobScheduleOptions.Standart.WaitForBackupCompletion"
    assert format_difference(name, before) == f"{name}\n"


def test_nothing_is_sent_for_what_is_so() -> None:
    raw = create_job(retry_options={"retry_times": 3, "retry_timeout": 10, "retry_specified1": False})
    definition = define(retry={"times": 0, "wait": 99}, retention={"type": "cycles", "count": 7}, schedule_enabled=True)
    assert create_edit(definition, raw, job_names={}) == ({}, [])
