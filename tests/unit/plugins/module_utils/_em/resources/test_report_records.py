# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read from the rows of each type."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_records import (
    find_parent,
    read_number,
    read_server,
)
from ansible_collections.vbem.rest.tests.unit.plugins.plugin_utils._report.factories import (
    build,
    guid,
    make_result,
    make_row,
    read,
    sessions,
    utc,
)


def test_a_session_that_stopped_without_a_result_is_not_a_success() -> None:
    summary = build(sessions(make_row(1, "03:00", None)))["summary"]
    assert (summary["warnings"], summary["succeeded"]) == (1, 0)


def test_a_failed_session_without_an_end_counts() -> None:
    row = make_row(1, "03:00", "Failed") | {"end_time_utc": None, "creation_time_utc": None}
    report = build(sessions(row))
    assert report["summary"]["jobs_failed"] == 1
    assert report["failed"]["rows"][0]["time"] == "start time unknown"


def test_a_session_in_two_results_counts_once() -> None:
    row = make_row(1, "03:00")
    assert build(sessions(row), sessions(row))["summary"]["job_sessions"] == 1


def test_jobs_of_agents_and_shares_are_identified_by_their_guid() -> None:
    """The reference writes their UIDs in two ways."""
    jobs = make_result("AgentBackupJob", {"uid": f"urn:veeam:AgentBackupJob:{guid(1)}", "name": "A", "schedule_enabled": True})
    assert build(sessions(make_row(1, "03:00")), jobs)["summary"]["jobs_not_run"] == 0


def test_jobs_that_share_a_guid_of_zeros_are_not_one_job() -> None:
    zeros = "urn:veeam:Job:00000000-0000-0000-0000-000000000000"
    rows = [make_row(number, "03:00", "Failed") | {"job_uid": zeros, "job_name": name} for number, name in enumerate("AB", 1)]
    jobs = make_result(
        "AgentBackupJob",
        {"uid": f"urn:veeam:AgentBackupJob:{guid(9)}", "name": "A", "schedule_enabled": True, "links": rows[0]["links"]},
    )
    summary = build(sessions(*rows), jobs)["summary"]
    assert (summary["jobs_failed"], summary["jobs_not_run"]) == (2, 0), "the job A is the one that ran"


def test_a_name_with_an_at_sign_is_cut_before_the_date() -> None:
    (session,) = read(sessions({"name": "SQL@prod@2026-11-23 03:00"})).list_job_sessions()
    assert session.job_name == "SQL@prod"


@pytest.mark.parametrize("suffix", ["", "_utc"])
def test_dates_are_found_with_and_without_their_suffix(suffix: str) -> None:
    row = {f"creation_time{suffix}": "2026-11-23T03:00:00Z", f"end_time{suffix}": "2026-11-23T03:10:00Z", "state": "Stopped"}
    (session,) = read(sessions(row)).list_job_sessions()
    assert (session.started, session.ended) == (utc("2026-11-23T03:00"), utc("2026-11-23T03:10"))
    assert session.duration == 600


def test_a_session_of_a_cdp_policy_has_its_names_in_other_fields() -> None:
    row = {"policy_uid": f"urn:veeam:CdpPolicy:{guid(7)}", "policy_name": "Mirror", "state": "Working", "progress": 7}
    (session,) = read(make_result("CdpReplicaSession", row)).list_job_sessions()
    assert (session.job_key, session.job_name, session.job_type) == (guid(7), "Mirror", "Continuous replication")
    assert (session.outcome, session.progress, session.ended) == ("running", 7, None)


def test_a_task_session_finds_its_job_session_by_a_field_or_a_link() -> None:
    link = {"rel": "Up", "type": "BackupJobSessionReference", "uid": guid(8)}
    rows = (
        {"job_session_uid": f"urn:veeam:BackupJobSession:{guid(7)}", "name": "vm1@2026", "result": "Failed", "reason": "Full"},
        {"links": [{"rel": "Up", "type": "BackupServerReference", "uid": guid(9)}, link], "name": "vm2"},
    )
    first, second = read(make_result("BackupTaskSession", *rows)).task_sessions
    assert first == (guid(7), "vm1", "failed", "Full")
    assert second == (guid(8), "vm2", "", "")


def test_the_backup_server_is_that_of_the_link_or_else_of_the_field() -> None:
    link = {"rel": "Up", "type": "BackupServerReference", "name": "vbr01"}
    assert read_server({"links": [link], "backup_server_name": "other"}) == "vbr01"
    assert (
        read_server({"links": [{"rel": "Up", "type": "JobReference", "name": "J"}], "backup_server_name": "vbr02"}) == "vbr02"
    )
    assert read_server({}) == ""


def test_only_an_up_link_of_the_type_is_a_parent() -> None:
    row = {
        "links": [
            {"rel": "Down", "type": "RepositoryReference", "uid": "1"},
            {"rel": "Up", "type": "BackupServerReference", "uid": "2"},
            {"rel": "Up", "type": "RepositoryReference", "uid": "3"},
        ]
    }
    assert find_parent(row, "Repository") == "3"
    assert find_parent(row, "Backup") == ""


@pytest.mark.parametrize(("value", "number"), [(5, 5), (5.9, 5), (-1, 0), (None, 0), ("5", 0), (float("inf"), 0)])
def test_numbers(value: Any, number: int) -> None:
    assert read_number({"size": value}, "size") == number
