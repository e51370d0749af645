# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The digest of a report: its plain form, its size, and the records that it is made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import from_plain, read_slot, to_plain
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import Records
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    digest,
    guid,
    make_result,
    make_row,
    make_task_session,
    sessions,
    utc,
)


def make_rows(jobs: int, times: int) -> list[dict[str, Any]]:
    """Return job sessions of so many jobs, each of which ran so many times within an hour, of which one failed."""
    return [
        make_row(job, f"03:{number % 60:02d}", "Failed" if number == job % times else "Success", job * 1000 + number)
        for job in range(1, jobs + 1)
        for number in range(times)
    ]


def test_the_plain_form_has_all_of_it() -> None:
    rows = [*make_rows(20, 3), make_row(30, None, None, 9), make_row(31, "03:00", "Warning", failure_message="Slow")]
    job = {"uid": f"urn:veeam:Job:{guid(90)}", "name": "Late", "schedule_enabled": True, "next_run": "2026-11-23T17:00:00Z"}
    repository = {"uid": f"urn:veeam:Repository:{guid(1)}", "name": "Full", "capacity": 100, "free_space": 1}
    restore = {"uid": "1", "name": "vm@2026", "state": "Stopped", "result": "Failed", "end_time_utc": "2026-11-23T04:00:00.5Z"}
    made = digest(
        sessions(*rows),
        make_result("Job", job),
        make_result("Repository", repository),
        make_result("RestoreSession", restore),
        make_result("BackupTaskSession", make_task_session(rows[0], "vm1", "Full")),
    )
    assert made.failed.cards
    assert made.failed.others
    assert made.warned.cards
    for part in (made.running, made.restores, made.overdue, made.longest, made.repositories):
        assert part.total
    assert from_plain(json.loads(json.dumps(to_plain(made)))) == made


def test_the_size_does_not_grow_with_the_job_sessions() -> None:
    sizes = [len(json.dumps(to_plain(digest(sessions(*make_rows(20, times)))))) for times in (10, 60)]
    assert sizes[1] - sizes[0] < 200, "only numbers have more digits"


def test_a_slot_begins_at_a_quarter_of_an_hour() -> None:
    rows = [make_row(number, at, "Success") for number, at in enumerate(("02:59", "03:00", "03:14", "03:15"), 1)]
    slots = digest(sessions(*rows)).slots
    expected = {"2026-11-23T02:45": 1, "2026-11-23T03:00": 2, "2026-11-23T03:15": 1}
    assert {read_slot(key): sum(counts) for key, counts in slots.items()} == {utc(at): n for at, n in expected.items()}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("BackupJobSession", make_row(1, "03:00")),
        ("RestoreSession", {"uid": "1"}),
        ("Job", {"uid": "1", "name": "J"}),
        ("Repository", {"uid": "1"}),
        ("BackupTaskSession", {"name": "vm1"}),
    ],
)
def test_nothing_is_kept_of_rows_that_end_in_a_failure(name: str, row: dict[str, Any]) -> None:
    def fail() -> Iterator[dict[str, Any]]:
        yield row
        raise RuntimeError

    records = Records()
    with pytest.raises(RuntimeError):
        records.add(name, fail())
    assert not any(
        [
            records.list_job_sessions(),
            records.list_restore_sessions(),
            records.jobs,
            records.repositories,
            records.task_sessions,
        ]
    )
    records.add(name, iter([row]))
    assert any(
        [
            records.list_job_sessions(),
            records.list_restore_sessions(),
            records.jobs,
            records.repositories,
            records.task_sessions,
        ]
    )


def test_what_was_written_is_kept_only_of_whole_queries() -> None:
    backup = {"uid": f"urn:veeam:Backup:{guid(2)}", "repository_uid": f"urn:veeam:Repository:{guid(1)}"}
    file = {"backup_uid": backup["uid"], "backup_size": 5}

    def fail(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield row
        raise RuntimeError

    records = Records()
    for name, row in (("BackupFile", file), ("Backup", backup)):
        with pytest.raises(RuntimeError):
            records.add(name, fail(row))
    assert records.sum_written() == {}
    records.add("BackupFile", [file, file])
    assert records.sum_written() == {}, "nothing is known of the backup"
    records.add("Backup", [backup])
    assert records.sum_written() == {guid(1): 10}
