# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_object_info: finding objects of the infrastructure, and the jobs that hold them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_object_info
from emulator import Emulator

from .harness import Harness, Session, all_versions, all_versions_and_formats
from .test_veeam_job_object import VCENTER, find_ref, make_machines, vm

KEYS = {"ref", "name", "type", "root", "backup_server", "jobs"}


def find(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_object_info."""
    result = harness.run(veeam_object_info, session, options or {}, params, check_mode=check_mode)
    assert result.keys() == {"changed", "objects", "missing"}
    assert result["changed"] is False
    assert all(one.keys() == KEYS for one in result["objects"])
    return result


def names(result: dict[str, Any]) -> list[str]:
    return [one["name"] for one in result["objects"]]


@all_versions_and_formats
@pytest.mark.parametrize("check_mode", [False, True])
def test_objects_are_found_in_the_order_in_which_they_are_given(harness: Harness, em: Emulator, check_mode: bool) -> None:
    given = [
        vm("web02"),
        {"ref": find_ref(em, "build01").lower().replace(":vm:", ":VM:")},
        {"moid": "VM-104", "root": VCENTER},
        vm("gold", type="tag"),
        {"name": "b\u00fcro-\u00d8", "root": "hyperv01.vbem.test"},
        vm("nobody"),
        {"ref": find_ref(em, "build01") + "9"},
        {"moid": "vm-9999", "root": VCENTER},
        {"ref": "urn:VMware:Vm:44cfbdbe-5a95-4156-8867-91f069b7c2cc.vm-1", "name": "of no root"},
    ]
    result = find(harness, objects=given, check_mode=check_mode)
    assert names(result) == ["web02", "build01", "sql01", "gold", "b\u00fcro-\u00d8"]
    assert result["missing"] == given[5:]
    assert result["objects"][1] == {
        "ref": find_ref(em, "build01"),
        "name": "build01",
        "type": "Vm",
        "root": VCENTER,
        "backup_server": "vbr01.vbem.test",
        "jobs": None,
    }
    assert [one["type"] for one in result["objects"]] == ["Vm", "Vm", "Vm", "Tag", "Vm"]
    assert em.requests("GET", "/api/query") == em.requests("GET", r"type=HierarchyRoot")
    assert [entry.method for entry in em.log if entry.method not in ("GET",)] == ["POST", "DELETE"], "log-on and log-off"


@all_versions_and_formats
def test_all_objects_of_a_name(harness: Harness, em: Emulator) -> None:
    result = find(harness, objects=[vm("test01")])
    assert names(result) == ["test01", "test01"]
    assert len({one["ref"] for one in result["objects"]}) == 2


@all_versions_and_formats
@pytest.mark.parametrize(
    ("pattern", "kind", "expected"),
    [
        ("web*", "Vm", ["web01", "web02"]),
        ("*01", "vm", None),
        ("W*1", "Vm", ["web01"]),
        ("*", "Tag", ["gold"]),
        ("50%*", "Vm", ["50%_done & <ready>"]),
        ("w?b*", "Vm", []),
        ("[w]*", "Vm", []),
    ],
)
def test_patterns(harness: Harness, em: Emulator, *, pattern: str, kind: str, expected: list[str] | None) -> None:
    result = find(harness, objects=[vm(pattern, type=kind)])
    if expected is None:
        assert len(result["objects"]) > 5
        assert all(name.endswith("01") for name in names(result))
    else:
        assert names(result) == expected
        assert bool(result["missing"]) is not bool(expected)


@all_versions
@pytest.mark.parametrize("name", ["50%_done & <ready>", "a&b=c#d?e", "\u65e5\u672c \U0001f4be", "x+y z", "'quoted' \"name\""])
def test_any_name(harness: Harness, em: Emulator, name: str) -> None:
    item = em.world.inventory.named(name) or em.world.add_machine(VCENTER, name)
    (one,) = find(harness, objects=[vm(name)])["objects"]
    assert one["name"] == name
    assert one["ref"].endswith(f".{item.moid}")


@all_versions_and_formats
@pytest.mark.parametrize("rows", ["short", "full"])
def test_the_jobs_that_hold_an_object(harness: Harness, em: Emulator, rows: str) -> None:
    em.switches.queried_objects = rows
    em.world.add_object(em.world.job("SQL Backup"), find_ref(em, "web01"), name="another name")
    jobs = {one["name"]: one["jobs"] for one in find(harness, objects=[vm("*")], in_jobs=True)["objects"]}
    daily = em.world.job("Daily Backup", "vbr01.vbem.test")
    assert jobs["build01"] == []
    assert jobs["web02"] == [{"name": "Daily Backup", "uid": daily.uid, "backup_server": "vbr01.vbem.test"}]
    assert [one["name"] for one in jobs["web01"]] == ["Daily Backup", "SQL Backup"]
    assert [one["name"] for one in jobs["dc01"]] == ["Failing Backup", "DC Replication"]
    assert len(em.requests("GET", "type=ObjectInJob")) == 1


@all_versions
def test_the_jobs_of_many_pages(harness: Harness, em: Emulator) -> None:
    em.switches.max_page_size = 3
    jobs = {one["name"]: one["jobs"] for one in find(harness, objects=[vm("*")], in_jobs=True)["objects"]}
    assert [one["name"] for one in jobs["lab01"]] == ["Weekly Archive", "Endless Backup"]


@all_versions
@pytest.mark.parametrize("case", ["empty", "null", "missing"])
def test_no_job_holds_anything(harness: Harness, em: Emulator, case: str) -> None:
    em.switches.empty_query = "list" if case == "empty" else case
    for job in em.world.jobs:
        for row in em.world.objects_of(job):
            em.world.remove_row(row)
    (one,) = find(harness, objects=[vm("web01")], in_jobs=True)["objects"]
    assert one["jobs"] == []


@all_versions
def test_a_machine_of_one_vcenter_on_two_servers_is_two_objects(harness: Harness, em: Emulator) -> None:
    first = em.world.inventory.root(VCENTER)
    assert first is not None
    em.world.add_root(VCENTER, "vbr02", unique_id=str(first.data["uniqueid"]))
    result = find(harness, objects=[vm("web01")], in_jobs=True)
    assert [one["backup_server"] for one in result["objects"]] == ["vbr01.vbem.test", "vbr02.vbem.test"]
    assert [len(one["jobs"]) for one in result["objects"]] == [1, 0]


@all_versions
def test_many_objects_are_one_look_up(harness: Harness, em: Emulator) -> None:
    given = [vm(name) for name in make_machines(em, 100)] + [
        {"moid": f"vm-{number}", "root": VCENTER} for number in range(101, 111)
    ]
    assert len(find(harness, objects=given)["objects"]) == 110
    assert [entry.query.get("name") for entry in em.requests("GET", "/api/lookup")] == ["*"]


@all_versions
@pytest.mark.parametrize("answer", ["empty", "404", "500"])
def test_what_is_not_there(harness: Harness, em: Emulator, answer: str) -> None:
    em.switches.lookup_no_hit = answer
    ref = find_ref(em, "web01") + "7"
    assert find(harness, objects=[vm("nobody"), {"ref": ref}])["missing"] == [vm("nobody"), {"ref": ref}]
    nothing = vm("*", type="Vc")
    if answer == "empty":
        assert find(harness, objects=[nothing])["missing"] == [nothing]
    else:  # nobody can say whether the list is empty or cannot be read
        with harness.failure("not_found" if answer == "404" else "server_error"):
            find(harness, objects=[nothing])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"effect": "status", "status": 500}, "server_error"),
        ({"effect": "status", "status": 404, "body": "html"}, "not_found"),
        ({"effect": "status", "status": 403}, "forbidden"),
        ({"effect": "status", "status": 503}, "server_error"),
        ({"effect": "garbage"}, "bad_response"),
        ({"effect": "html"}, "bad_response"),
        ({"effect": "expire"}, "session_lost"),
        ({"effect": "reset"}, "connection"),
    ],
    ids=str,
)
def test_a_look_up_that_fails_is_not_an_absence(harness: Harness, em: Emulator, fault: dict[str, Any], kind: str) -> None:
    em.fault(path="/api/lookup", times=None, **fault)
    with harness.failure(kind):
        find(harness, options={"retries": 0}, objects=[vm("web01")])


@pytest.mark.parametrize("broken", [{"status": 500}, {"effect": "garbage"}, {"effect": "cut"}, {"effect": "bad_json"}], ids=str)
def test_a_query_that_fails_is_no_lack_of_jobs(harness: Harness, em: Emulator, broken: dict[str, Any]) -> None:
    em.fault(**{"effect": "status", **broken}, query="type=ObjectInJob", times=None)
    with harness.failure_of_any_kind(), pytest.raises(Exception, match=r".") as caught:
        find(harness, options={"retries": 0}, objects=[vm("web01")], in_jobs=True)
    assert caught.value.kind in ("server_error", "bad_response", "connection")  # type: ignore[attr-defined]


@all_versions_and_formats
@pytest.mark.parametrize("user", ["portal", "operator"])
def test_roles(harness: Harness, em: Emulator, user: str) -> None:
    """A Portal User may look machines up, and not read jobs; a restore operator may do neither."""
    harness.user = user
    if user == "portal":
        assert names(find(harness, objects=[vm("web01")])) == ["web01"]
    with harness.failure("forbidden"):
        find(harness, objects=[vm("web01")], in_jobs=user == "portal")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "objects (number 1)"),
        ({"name": " "}, "give ref, moid with root, or name with root"),
        ({"ref": "web01"}, "give a reference such as"),
        ({"name": "x", "type": "Machine"}, "give one of Category, Cluster"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, given: dict[str, Any], message: str
) -> None:
    with harness.failure("invalid_option") as caught:
        find(harness, objects=[given])
    assert message in caught.error.msg
    assert em.log == []


def test_an_unknown_root_is_a_failure(harness: Harness) -> None:
    with harness.failure("not_found") as caught:
        find(harness, objects=[vm("web01", "vcenter99")])
    assert "There is no hierarchy root vcenter99. Known roots: hyperv01.vbem.test on vbr02.vbem.test" in caught.error.msg
