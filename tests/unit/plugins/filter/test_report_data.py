# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter report_data: its options, and that text of the server stays text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vbem.rest.plugins.filter.report_data import FilterModule
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import to_plain
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    SINCE,
    UNTIL,
    digest,
    make_row,
    sessions,
)

report_data = FilterModule().filters()["report_data"]


def test_all_strings_are_escaped_for_a_page() -> None:
    results = [sessions(make_row(1, "03:00", "Failed", job_name='<b a="1">&\''))]
    report = report_data(results, SINCE, UNTIL, time_zone="UTC", escape_html=True)
    assert report["failed"]["rows"][0]["job"] == "&lt;b a=&quot;1&quot;&gt;&amp;&#x27;"
    assert report_data(results, SINCE, UNTIL, time_zone="UTC")["failed"]["rows"][0]["job"] == '<b a="1">&\''


def test_a_number_may_be_a_string() -> None:
    results = [sessions(*(make_row(job, "03:00", "Failed") for job in range(1, 5)))]
    assert len(report_data(results, SINCE, UNTIL, max_rows="3")["failed"]["rows"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone is 'Mars/Olympus': there is no such time zone on this machine.*tzdata"),
        ({"time_zone": "../../etc/passwd"}, "no such time zone"),
        ({"time_zone": ""}, "no such time zone"),
        ({"max_rows": 0}, "max_rows is 0: give a whole number, 1 or more"),
        ({"max_rows": "many"}, "max_rows is 'many': give a whole number"),
        (
            {"baseline_days": -1, "full_threshold_percent": None},
            "full_threshold_percent is None: .* baseline_days is -1: give a whole number, 0 or more",
        ),
        ({"since": UNTIL, "until": SINCE}, "ends before it begins"),
        ({"since": "yesterday"}, "'yesterday' is not a date"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        report_data([], **{"since": SINCE, "until": UNTIL, "time_zone": "UTC", **options})


def test_options_can_be_validated_without_a_report() -> None:
    assert report_data([], "", "", time_zone="UTC", validate_only=True) == {"errors": []}
    (max_rows, zone) = report_data([], "", "", time_zone="Mars", max_rows=0, validate_only=True)["errors"]
    assert max_rows.startswith("max_rows is 0: ")
    assert zone.startswith("time_zone is 'Mars': ")


def test_a_digest_makes_the_report_that_its_rows_make() -> None:
    results = [sessions(*(make_row(job, "03:00", "Failed", failure_message="<full>") for job in range(1, 30)))]
    plain = json.loads(json.dumps(to_plain(digest(*results))))
    for options in ({"time_zone": "UTC"}, {"time_zone": "Asia/Kolkata", "escape_html": True}):
        assert report_data(plain, SINCE, UNTIL, **options) == report_data(results, SINCE, UNTIL, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"since": "2026-11-21T18:00:00Z"}, "The digest is of another period: 2026-11-21T18:00:00Z to 2026-11-23T18:00:00Z"),
        ({"since": None}, "The digest is of another period: None"),
        ({"until": "today"}, "neither the digest of veeam_report_info nor a list"),
        ({"failed": []}, "neither the digest of veeam_report_info nor a list"),
        ({"counts": {}}, "neither the digest of veeam_report_info nor a list"),
        ({"running": {"rows": [{}], "total": 1}}, "neither the digest of veeam_report_info nor a list"),
        ({"slots": None}, "neither the digest of veeam_report_info nor a list"),
    ],
)
def test_anything_else_is_no_digest(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        report_data(to_plain(digest()) | change, SINCE, UNTIL, time_zone="UTC")
