# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole report: counts, verdict and headline, and the follow-up queries."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources import report_digest
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    build,
    guid,
    make_result,
    make_row,
    sessions,
)


@pytest.mark.parametrize(
    ("results", "verdict", "headline"),
    [
        ([], "empty", "No job ran"),
        (["Success"], "good", "All jobs that ran succeeded"),
        (["Failed"], "bad", "1 job failed"),
        (["Failed", "Success"], "warning", "1 job failed first and recovered"),
        (["Success", "Failed"], "bad", "1 job failed"),
        (["Failed", "Warning"], "warning", "1 job failed first and recovered, 1 job ended with warnings"),
        (["Warning", "Success"], "good", "All jobs that ran succeeded"),
        ([None], "good", "No job has finished yet"),
        (["Strange"], "warning", "1 job ended with warnings"),
    ],
)
def test_the_verdict_depends_on_the_latest_session_of_each_job(results: list[str | None], verdict: str, headline: str) -> None:
    rows = [make_row(1, f"0{hour}:00" if result else None, result) for hour, result in enumerate(results)]
    summary = build(sessions(*rows))["summary"]
    assert (summary["verdict"], summary["headline"]) == (verdict, headline)
    assert summary["job_sessions"] == len(results)


def test_the_headline_is_split_for_the_page() -> None:
    rows = [make_row(1, "03:00", "Failed"), make_row(2, "03:00", "Warning"), make_row(3, "03:00", "Warning")]
    assert build(sessions(*rows))["headline"] == {"first": "1 job failed", "rest": "2 jobs ended with warnings"}


def test_an_earlier_session_is_not_the_latest_whatever_the_order_of_the_results() -> None:
    rows = [make_row(1, "05:00", "Failed"), make_row(1, "04:00")]
    assert build(sessions(*rows))["summary"]["jobs_failed"] == 1
    assert build(sessions(*reversed(rows)))["summary"]["jobs_failed"] == 1


def test_sessions_before_the_period_do_not_count() -> None:
    old = make_row(1, "2026-11-22T17:59:59Z", "Failed", number=7)
    summary = build(sessions(old, make_row(1, "03:00")))["summary"]
    assert (summary["job_sessions"], summary["failed"], summary["headline"]) == (1, 0, "All jobs that ran succeeded")


def test_jobs_without_a_session_are_overdue_not_due_or_unscheduled() -> None:
    def job(number: int, **more: Any) -> dict[str, Any]:
        return {"uid": f"urn:veeam:Job:{guid(number)}", "name": f"Job {number}", "schedule_enabled": True, **more}

    report = build(
        sessions(make_row(1, "03:00")),
        make_result(
            "Job",
            job(1),
            job(2, next_run="2026-11-23T04:00:00Z"),
            job(3, next_run="2026-11-23T17:50:00Z"),  # Enterprise Manager may not have collected its session yet
            job(4, schedule_enabled=False, next_run="2026-11-23T04:00:00Z"),
            job(5, schedule_configured=False),
        ),
    )
    assert [[row["job"] for row in report[name]["rows"]] for name in ("overdue", "not_due", "unscheduled")] == [
        ["Job 2"],
        ["Job 3"],
        ["Job 4", "Job 5"],
    ]
    assert report["overdue"]["rows"][0]["next_run"] == "Mon 23 Nov, 04:00"
    summary = report["summary"]
    assert summary["headline"] == "1 job did not run when due"
    assert [summary[f"jobs{name}"] for name in ("", "_not_run", "_overdue", "_unscheduled")] == [5, 2, 1, 2]


def test_failed_queries_are_named() -> None:
    failed = {"item": {"type": "Job"}, "msg": "No.", "error": {"kind": "forbidden"}}
    report = build(sessions(make_row(1, "03:00")), failed)
    assert report["failed_queries"] == [{"type": "Job", "msg": "No."}]
    assert (report["summary"]["verdict"], report["summary"]["failed_queries"]) == ("warning", ["Job"])
    assert report["summary"]["headline"] == "All jobs that ran succeeded, 1 query failed"


# Follow-up queries


def test_the_reasons_of_failures_are_queried() -> None:
    failed = make_row(1, "03:00", "Failed")
    report = build(sessions(failed, make_row(2, "04:00")), baseline_days=0)
    assert report["follow_up_queries"] == [
        {
            "type": "BackupTaskSession",
            "filter": f"(JobSessionUid=={failed['uid']});Result>=Warning",
            "sort_by": "Result",
            "descending": True,
        }
    ]


def test_earlier_sessions_of_the_longest_are_queried() -> None:
    row = make_row(1, "03:00")
    assert build(sessions(row), baseline_days=2)["follow_up_queries"] == [
        {
            "type": "BackupJobSession",
            "filter": f"(JobUid=={row['job_uid']});State==Stopped"
            ';EndTime>="2026-11-20T18:00:00Z";EndTime<"2026-11-22T18:00:00Z"',
            "sort_by": "EndTime",
            "limit": 2000,
            "descending": True,
        }
    ]


def test_text_that_is_no_uid_is_not_put_into_a_filter() -> None:
    odd = make_row(1, "03:00", "Failed") | {"uid": "x),(Name!=y", "job_uid": 'a"b'}
    assert build(sessions(odd))["follow_up_queries"] == []


def test_filters_are_short_enough_for_a_request_line() -> None:
    rows = [make_row(job, "03:00", "Failed") for job in range(1, 61)]
    queries = build(sessions(*rows), max_rows=60)["follow_up_queries"]
    assert [query["type"] for query in queries] == ["BackupTaskSession"] * 3 + ["BackupJobSession"] * 3
    assert max(len(query["filter"]) for query in queries) < 3000


def test_the_reasons_of_a_limited_number_of_jobs_are_queried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_digest, "MAX_SHORT_FORM_QUERIED", 2)
    rows = [make_row(number, f"0{9 - number}:00", "Failed") for number in range(1, 7)]
    rows[5]["failure_message"] = "Told"
    report = build(sessions(*rows), max_rows=1, baseline_days=0)
    (query,) = report["follow_up_queries"]
    assert [one["job_name"] for one in rows if one["uid"] in query["filter"]] == ["Job 1", "Job 2", "Job 3"]
    assert [(group["reason"], len(group["jobs"])) for group in report["failed"]["others"]] == [
        ("no reason given", 2),
        ("reason not queried: too many jobs", 2),
        ("Told", 1),
    ]
