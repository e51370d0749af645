# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sections that are plain lists."""

from __future__ import annotations

from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    build,
    guid,
    make_result,
    make_row,
    sessions,
)


def test_sections_are_truncated_and_say_so() -> None:
    rows = [make_row(job, "03:00", "Failed") for job in range(1, 21)]
    report = build(sessions(*rows), max_rows=3)
    assert (len(report["failed"]["rows"]), report["failed"]["more"], report["failed"]["total"]) == (3, 17, 20)
    assert (len(report["longest"]["rows"]), report["longest"]["more"]) == (3, 17)


def test_sessions_before_the_period_are_the_baseline_of_the_longest() -> None:
    old = [make_row(1, f"2026-11-{day}T03:00:00Z", number=day) for day in (18, 19, 20)]
    long = make_row(1, "03:00") | {"creation_time_utc": "2026-11-23T02:00:00Z"}
    report = build(sessions(long), sessions(*old))
    (row,) = report["longest"]["rows"]
    assert report["summary"]["job_sessions"] == 1
    assert (row["duration"], row["baseline"], row["comparison"]) == (
        "1 h 00 min",
        "10 min 00 s",
        "6.0 times as long as usual",
    )
    assert (row["percent"], row["baseline_percent"]) == (100, 16.67)
    assert build(sessions(long, *old[:2]))["longest"]["rows"][0]["baseline"] == "", "two sessions are too few"


def test_bars_are_scaled_to_the_rows_that_are_shown() -> None:
    old = [make_row(2, f"2026-11-{day}T03:00:00Z", number=day) for day in (18, 19, 20)]
    for row in old:
        row["creation_time_utc"] = row["end_time_utc"].replace("T03", "T00")
    rows = [make_row(1, "03:00") | {"creation_time_utc": "2026-11-23T02:00:00Z"}, make_row(2, "04:00"), *old]
    assert [row["percent"] for row in build(sessions(*rows), max_rows=1)["longest"]["rows"]] == [100]
    assert [row["percent"] for row in build(sessions(*rows), max_rows=2)["longest"]["rows"]] == [33.33, 5.56]


def test_running_sessions_are_listed_the_oldest_first() -> None:
    rows = [
        make_row(1, None, None, number=1, creation_time_utc="2026-11-23T17:00:00Z", progress=40),
        make_row(2, None, None, number=2, creation_time_utc="2026-11-23T15:30:00Z"),
    ]
    report = build(sessions(*rows))
    assert [(row["job"], row["started"], row["duration"], row["progress"]) for row in report["running"]["rows"]] == [
        ("Job 2", "Mon 23 Nov, 15:30", "2 h 30 min", None),
        ("Job 1", "Mon 23 Nov, 17:00", "1 h 00 min", 40),
    ]


def test_nearly_full_repositories_count_though_they_are_not_shown() -> None:
    rows = [{"uid": f"r{number}", "name": "R", "capacity": 100, "free_space": 5} for number in range(9)]
    assert build(make_result("Repository", *rows), max_rows=2)["summary"]["repositories_nearly_full"] == 9


def test_repositories_without_a_capacity_or_with_impossible_numbers() -> None:
    rows = (
        {"uid": "r1", "name": "Objects", "capacity": 0, "free_space": 0},
        {"uid": "r2", "name": "Odd", "capacity": 1024, "free_space": 4096},
        {"uid": "r3", "name": "None", "capacity": None, "free_space": -1},
        {"uid": "r4", "name": "Full", "capacity": 1000 * 1024**3, "free_space": 1024**3},
    )
    shown = build(make_result("Repository", *rows))["repositories"]["rows"]
    assert [row["name"] for row in shown] == ["Full", "Odd", "None", "Objects"]
    assert [(row["percent_text"], row["is_nearly_full"], row["has_capacity"]) for row in shown[:3]] == [
        ("99 %", True, True),
        ("0 %", False, True),
        ("0 %", False, False),
    ]


def test_the_size_of_backup_files_is_added_up_for_each_repository() -> None:
    repositories = make_result("Repository", *({"uid": guid(number), "name": f"R{number}"} for number in (1, 2, 3)))
    backups = make_result(
        "Backup",
        {"uid": guid(11), "repository_uid": guid(1)},
        {"uid": guid(12), "links": [{"rel": "Up", "type": "RepositoryReference", "uid": guid(2)}]},
    )
    files = make_result(
        "BackupFile",
        {"backup_uid": guid(11), "backup_size": 1024},
        {"backup_uid": guid(11), "backup_size": 2048},
        {"links": [{"rel": "Up", "type": "BackupReference", "uid": guid(12)}], "backup_size": 5120},
        {"backup_uid": guid(99), "backup_size": 7},
    )
    section = build(repositories, backups, files)["repositories"]
    assert {row["name"]: row["written"] for row in section["rows"]} == {"R1": "3.0 KiB", "R2": "5.0 KiB", "R3": ""}
    assert section["has_written"]
    assert not build(repositories)["repositories"]["has_written"]
