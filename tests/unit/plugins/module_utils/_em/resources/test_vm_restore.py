# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of rows of restore points and restore sessions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.vm_restore import (
    RestorePoint,
    normalise_restore_point,
    normalise_restore_session,
)

ROOT = "a2b0c55d-829a-4efe-bd95-125ee77ba9dd"
POINT = "48c8cd65-d5fa-4ca6-8a98-d3fde641086e"
CLIENT: Any = SimpleNamespace(locate=lambda href: href)


def make_point(**row: Any) -> RestorePoint:
    return RestorePoint(normalise_restore_point(row, CLIENT), row)


def test_the_name_of_a_machine_is_what_is_before_the_last_at_sign() -> None:
    assert make_point(vm_display_name="sql@01", name="other@2026").data["vm_name"] == "sql@01"
    assert make_point(name="sql@01@2026-11-23 18:00:05").data["vm_name"] == "sql@01"
    assert make_point(name="nothing").data["vm_name"] is None
    assert make_point().data["vm_name"] is None


def test_machines_are_told_apart_by_reference_and_without_one_by_name_and_server() -> None:
    assert make_point(hierarchy_obj_ref=f"urn:VMware:VM:{ROOT}.vm-1").machine == f"urn:vmware:vm:{ROOT}.vm-1"
    assert make_point(hierarchy_obj_ref=f"urn:VMware:VM:{ROOT}.vm-1").root_id == ROOT
    unknown = make_point(vm_display_name="sql01", backup_server_name="vbr01")
    assert unknown.machine == ("sql01", "vbr01")
    assert unknown.root_id is None
    assert unknown.created is None


@pytest.mark.parametrize("key", ["creation_time", "creation_time_utc"])
def test_dates_of_bodies_and_of_queries(key: str) -> None:
    assert make_point(**{key: "2026-11-23T18:00:05.000Z"}).data["creation_time"] == "2026-11-23T18:00:05Z"
    assert make_point(**{key: "2026-11-23T18:00:05Z"}).created == 1795456805.0


def test_a_restore_session_that_runs_has_neither_a_result_nor_a_machine() -> None:
    row = {"state": "Working", "result": "None", "progress": "45", "end_time": "1753-01-01T00:00:00Z"}
    session = normalise_restore_session(row, CLIENT)
    assert (session["state"], session["result"], session["progress"]) == ("Working", None, 45)
    assert (session["restored_ref"], session["restore_point_uid"], session["end_time"]) == (None, None, None)


def test_a_restore_session_names_its_restore_point_by_a_link() -> None:
    links = [
        {"rel": "Up", "type": "BackupServerReference", "name": "vbr01", "href": "https://em/api/backupServers/x"},
        {"rel": "Related", "type": "VmRestorePointReference", "href": f"https://em/api/vmRestorePoints/{POINT.upper()}"},
    ]
    session = normalise_restore_session({"links": links, "reason": "Full"}, CLIENT)
    assert (session["restore_point_uid"], session["backup_server"], session["failure_message"]) == (POINT, "vbr01", "Full")
