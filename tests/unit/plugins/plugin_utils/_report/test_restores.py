# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores in the backup report."""

from __future__ import annotations

from typing import Any

from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    build,
    make_result,
    make_row,
    sessions,
)


def make_restore(machine: str, started: str, ended: str | None, result: str | None, **more: Any) -> dict[str, Any]:
    """Return a restore session of 23 November."""
    return {
        "uid": f"urn:veeam:RestoreSession:{machine}",
        "name": f"{machine}@2026-11-23 {started}:00",
        "job_type": "RestoreVm",
        "creation_time": f"2026-11-23T{started}:00Z",
        "end_time_utc": ended and f"2026-11-23T{ended}:00Z",
        "state": "Stopped" if ended else "Working",
        "result": result,
        "links": [{"rel": "Up", "type": "BackupServerReference", "name": "vbr01"}],
        **more,
    }


def test_restores_are_listed_those_that_failed_first() -> None:
    report = build(
        sessions(make_row(1, "08:00")),
        make_result(
            "RestoreSession",
            make_restore("sql01", "06:00", "06:10", "Success", vm_display_name="SQL 01"),
            make_restore("web@01", "05:00", "05:30", "Failed", job_type="FileLevelRestore"),
            make_restore("web02", "07:00", None, None),
            make_restore("odd01", "03:00", "03:01", "Unheard of"),
            make_restore("sql01", "06:00", "06:10", "Success", vm_display_name="SQL 01"),
        ),
    )
    rows = report["restores"]["rows"]
    assert [(row["machine"], row["outcome"]) for row in rows] == [
        ("web@01", "failed"),
        ("web02", "running"),
        ("SQL 01", "success"),
        ("odd01", "warning"),
    ]
    assert (rows[0]["restore_type"], rows[1]["restore_type"]) == ("Files", "Whole machine")
    assert (rows[0]["server"], rows[0]["duration"]) == ("vbr01", "30 min 00 s")
    summary = report["summary"]
    assert (summary["restores"], summary["restores_failed"]) == (4, 1)
    assert (summary["headline"], summary["verdict"]) == ("1 restore failed", "warning")
    assert summary["job_sessions"] == 1


def test_restores_before_the_period_do_not_count() -> None:
    old = make_restore("sql01", "06:00", None, "Failed", state="Stopped", end_time_utc="2026-11-20T00:00:00Z")
    report = build(sessions(make_row(1, "08:00")), make_result("RestoreSession", old))
    assert report["restores"] == {"rows": [], "more": 0, "total": 0}
    assert report["summary"]["headline"] == "All jobs that ran succeeded"


def test_a_query_of_restores_that_failed_is_told() -> None:
    failed = {"item": {"type": "RestoreSession"}, "msg": "Denied."}
    report = build(sessions(make_row(1, "08:00")), failed)
    assert report["summary"]["failed_queries"] == ["RestoreSession"]
