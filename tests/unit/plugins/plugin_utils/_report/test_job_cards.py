# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs that failed or ended with warnings: reasons, later outcomes, and the short form."""

from __future__ import annotations

from typing import Any

from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    build,
    guid,
    make_result,
    make_row,
    make_task_session,
    sessions,
)


def test_machines_are_grouped_by_reason() -> None:
    failed = make_row(1, "03:00", "Failed")
    machines = [
        make_task_session(failed, name, reason, result)
        for name, result, reason in (
            ("b", "Failed", "Full"),
            ("a", "Failed", "Full"),
            ("a", "Failed", "Full"),
            ("w", "Warning", "Slow"),
            ("x", "Success", ""),
            ("c", "Failed", "Away"),
        )
    ]
    machines.append({"job_session_uid": guid(77), "vm_display_name": "other", "result": "Failed", "reason": "Full"})
    (card,) = build(sessions(failed), make_result("BackupTaskSession", *machines))["failed"]["rows"]
    assert [(one["outcome"], one["reason"], one["machines"]) for one in card["reasons"]] == [
        ("failed", "Full", ["a", "b"]),
        ("failed", "Away", ["c"]),
        ("warning", "Slow", ["w"]),
    ]


def test_a_card_has_four_reasons_and_five_machines_for_each() -> None:
    failed = make_row(1, "03:00", "Failed")
    machines = [make_task_session(failed, f"vm{number}", f"Reason {max(0, number - 6)}") for number in range(12)]
    (card,) = build(sessions(failed), make_result("BackupTaskSession", *machines))["failed"]["rows"]
    assert [(one["reason"], len(one["machines"]), one["more"]) for one in card["reasons"]] == [
        ("Reason 0", 5, 2),
        ("Reason 1", 1, 0),
        ("Reason 2", 1, 0),
        ("Reason 3", 1, 0),
    ]
    assert card["more"] == 2


def later_outcomes(*rows: dict[str, Any], section: str = "failed") -> list[tuple[str, str]]:
    cards = build(sessions(*rows))[section]["rows"]
    return [(card["job"], card["later_outcome"] and card["later_outcome"]["text"]) for card in cards]


def test_a_later_outcome_has_the_day_if_it_is_not_that_of_the_start() -> None:
    assert later_outcomes(make_row(1, "03:00", "Failed"), make_row(1, "03:40", number=7)) == [("Job 1", "succeeded at 03:40")]
    before = make_row(1, "2026-11-22T22:00:00Z", "Failed", number=7)
    assert later_outcomes(before, make_row(1, "22:10", number=8)) == [("Job 1", "succeeded on Mon 23 Nov at 22:10")]
    # The card shows the start of the failed session.
    midnight = make_row(1, "00:05", "Failed") | {"creation_time_utc": "2026-11-22T23:55:00Z"}
    assert later_outcomes(midnight, make_row(1, "00:30", number=8)) == [("Job 1", "succeeded on Mon 23 Nov at 00:30")]
    assert later_outcomes(midnight | {"creation_time_utc": None}, make_row(1, "00:30", number=8)) == [
        ("Job 1", "succeeded on Mon 23 Nov at 00:30")
    ]
    endless = make_row(1, "00:30", number=9) | {"end_time_utc": None, "creation_time_utc": "2026-11-23T00:20:00Z"}
    assert later_outcomes(midnight, endless) == [("Job 1", "succeeded later")]


def test_a_job_that_ended_with_warnings_later_did_not_succeed() -> None:
    rows = [
        *(make_row(1, "05:00", "Failed"), make_row(1, "06:00")),
        *(make_row(2, "04:00", "Failed"), make_row(2, "07:00", "Warning")),
        make_row(3, "03:00", "Failed"),
        *(make_row(4, "03:00", "Warning"), make_row(4, "04:00", "Failed")),
        *(make_row(5, "03:00", "Warning"), make_row(5, "04:00")),
    ]
    assert later_outcomes(*rows) == [
        ("Job 4", None),
        ("Job 3", None),
        ("Job 2", "ended with warnings at 07:00"),
        ("Job 1", "succeeded at 06:00"),
    ]
    assert later_outcomes(*rows, section="warned") == [
        ("Job 2", None),
        ("Job 4", "failed at 04:00"),
        ("Job 5", "succeeded at 04:00"),
    ]
    report = build(sessions(*rows))
    assert report["summary"]["headline"] == "2 jobs failed, 2 jobs failed first and recovered, 1 job ended with warnings"
    assert (report["failed"]["unchanged"], report["failed"]["changed"]) == (2, 2)
    assert (report["warned"]["unchanged"], report["warned"]["changed"]) == (1, 2)


def test_jobs_without_a_card_are_listed_by_the_reason_that_most_of_them_have() -> None:
    rows = [make_row(number, f"0{9 - number}:00", "Failed") for number in range(1, 8)]
    rows[1]["failure_message"] = "Two"
    rows[6]["links"] = [{"type": "BackupServerReference", "name": "vbr02"}]
    success = make_row(6, "23:00", number=99)
    machines = [
        *(make_task_session(rows[1], "vm", "Full"), make_task_session(rows[1], "vm", "Slow", "Warning")),
        *(make_task_session(rows[2], "vm", "Full"), make_task_session(rows[3], "vm", "Full")),
        *(make_task_session(rows[3], "vm", "Away"), make_task_session(rows[4], "vm", "Away")),
        make_task_session(rows[5], "vm", "Gone"),
    ]
    (query,) = build(sessions(*rows, success), max_rows=1, baseline_days=0)["follow_up_queries"]
    assert all(one["uid"] in query["filter"] for one in rows)
    failed = build(sessions(*rows, success), make_result("BackupTaskSession", *machines), max_rows=1)["failed"]
    assert [card["job"] for card in failed["rows"]] == ["Job 1"]
    assert [(group["reason"], [(job["job"], job["more"]) for job in group["jobs"]]) for group in failed["others"]] == [
        ("Full", [("Job 2", 1), ("Job 3", 0), ("Job 4", 1)]),
        ("Away", [("Job 5", 0)]),
        ("no reason given", [("Job 7", 0)]),
        ("Gone", [("Job 6", 0)]),
    ]
    assert failed["others"][0]["jobs"][0]["time"] == "Mon 23 Nov, 06:50"
    assert failed["others"][2]["jobs"][0]["server"] == "vbr02"
    assert failed["others"][3]["jobs"][0]["later_outcome"]["text"] == "succeeded at 23:00"
    assert build(sessions(*rows), max_rows=7)["failed"]["others"] == []
