# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hierarchy roots, the inventory, the look-up service, and what jobs hold."""

from __future__ import annotations

import pytest

from emulator import Emulator
from emulator.infrastructure import holds
from emulator.objects import LAST

from .samples import reference
from .wire import JSON, NS, XML, Answer, Wire, xml_body

VCENTER = "vcenter01.vbem.test"


def look_up(on: Wire, host: str, **parameters: str) -> Answer:
    rest = "".join(f"&{name}={value}" for name, value in parameters.items())
    return on.get(f"/api/lookup?host={host}{rest}")


def root_uid(em: Emulator, name: str = VCENTER) -> str:
    root = em.world.inventory.root(name)
    assert root is not None
    return root.uid


def test_roots_are_found_by_unique_id(em: Emulator, on: Wire) -> None:
    root = em.world.inventory.root(VCENTER)
    assert root is not None
    unique = root.data["uniqueid"]
    found = on.query("HierarchyRoot", format="Entities", filter=f'UniqueId=="{unique}"')
    assert found.texts("HierarchyRootId") == [root.id]
    assert found.texts("UniqueId") == [unique]
    assert found.xml.find(f".//{NS}HierarchyRoot").get("UID") == f"urn:veeam:HierarchyRoot:{root.id}"  # type: ignore[union-attr]


def test_one_vcenter_on_two_servers(em: Emulator, on: Wire) -> None:
    first = em.world.inventory.root(VCENTER)
    assert first is not None
    second = em.world.add_root(VCENTER, "vbr02", unique_id=str(first.data["uniqueid"]))
    assert second.id != first.id
    for root in (first, second):
        (shown,) = look_up(on, root.uid, name="web01", type="Vm").texts("ObjectRef")
        assert shown == f"urn:VMware:Vm:{root.id}.vm-101"
    found = on.query("HierarchyRoot", filter=f'UniqueId=="{first.data["uniqueid"]}"')
    assert len(list(found.xml.iter(f"{NS}Ref"))) == 2


@pytest.mark.parametrize(
    ("host_type", "platform"), [("VC", "VMware"), ("Scvmm", "Hyperv"), ("HvCluster", "Hyperv"), ("VcdSystem", "vCloud")]
)
def test_platforms(em: Emulator, on: Wire, host_type: str, platform: str) -> None:
    root = em.world.add_root("other.vbem.test", host_type=host_type)
    item = em.world.add_machine(root, "m1")
    assert look_up(on, root.id, name="m1", type="Vm").texts("ObjectRef") == [f"urn:{platform}:Vm:{root.id}.{item.moid}"]


def test_look_up_by_name(either: Emulator, on: Wire) -> None:
    host = root_uid(either)
    assert look_up(on, host, name="WEB01", type="vm").texts("ObjectName") == ["web01"]
    assert look_up(on, host, name="web01", type="Folder").texts("ObjectName") == []
    assert look_up(on, host, name="test01", type="Vm").texts("ObjectName") == ["test01", "test01"]
    assert set(look_up(on, host, name="Production").texts("ObjectType")) == {"Folder", "ResourcePool"}
    assert look_up(on, host, name="gold", type="Tag").texts("ObjectType") == ["Tag"]
    everything = look_up(on, host, name="*", type="Vm").texts("ObjectName")
    assert "web01" in everything
    assert len(everything) == 16
    assert look_up(on, host, name="web", type="Vm").texts("ObjectName") == []
    either.switches.lookup_match = "contains"
    assert look_up(on, host, name="web", type="Vm").texts("ObjectName") == ["web01", "web02"]


def test_look_up_by_reference(em: Emulator, on: Wire) -> None:
    wanted = reference(em, "web01")
    for spelt in (wanted, wanted.replace(":Vm:", ":VM:"), wanted.lower()):
        answer = on.get(f"/api/lookup?hierarchyRef={spelt}")
        assert answer.texts("ObjectRef") == [wanted]
    assert on.get(f"/api/lookup?hierarchyRef={wanted}9").texts("ObjectRef") == []
    for spelling in ("VM", "vm"):
        em.switches.update({"machine_type": spelling})
        assert on.get(f"/api/lookup?hierarchyRef={wanted}").texts("ObjectRef") == [wanted.replace(":Vm:", f":{spelling}:")]


def test_look_up_in_json(either: Emulator, on: Wire) -> None:
    answer = on.get(f"/api/lookup?host={root_uid(either)}&name=web01&type=Vm", JSON).json
    key = "hierarchyItems" if either.switches.version == 13 else "HierarchyItems"
    (item,) = answer[key]
    assert {name.lower() for name in item} >= {"objectref", "objecttype", "objectname"}


def test_look_ups_that_fail(em: Emulator, on: Wire) -> None:
    nobody = "urn:veeam:HierarchyRoot:44cfbdbe-5a95-4156-8867-91f069b7c2cc"
    assert look_up(on, nobody, name="x").status == 400
    assert look_up(on, VCENTER, name="x").status == 400  # a name is no root here
    assert on.get("/api/lookup").status == 400
    assert on.get("/api/lookup?hierarchyRef=nonsense").status == 400
    for how, status in (("empty", 200), ("404", 404), ("500", 500)):
        em.switches.update({"lookup_no_hit": how})
        assert look_up(on, root_uid(em), name="nobody").status == status


def test_a_new_machine_is_found_late(em: Emulator, on: Wire) -> None:
    em.world.add_machine(VCENTER, "new42", visible_after=30)
    assert look_up(on, root_uid(em), name="new42").texts("ObjectName") == []
    em.clock.advance(31)
    assert look_up(on, root_uid(em), name="new42").texts("ObjectName") == ["new42"]


def test_the_service_lists_look_ups(em: Emulator, on: Wire) -> None:
    links = [link.get("Href", "") for link in on.get("/api/lookupSvc").xml.iter(f"{NS}Link")]
    assert len(links) == 4 + 2 + 2
    assert all(on.get(link.removeprefix(em.base_url)).status == 200 for link in links)


# Objects of jobs


def names(on: Wire, path: str) -> list[str | None]:
    return [one.findtext(f"{NS}Name") for one in on.get(path).xml.iter(f"{NS}ObjectInJob")]


def add(em: Emulator, on: Wire, path: str, machine: str = "build01") -> tuple[bool, str]:
    return on.result(on.send("POST", path, {"HierarchyObjRef": reference(em, machine), "HierarchyObjName": machine}))


@pytest.fixture(params=["job", "policy"])
def path(em: Emulator, request: pytest.FixtureRequest) -> str:
    if request.param == "job":
        return f"/api/jobs/{em.world.job('SQL Backup').id}/includes"
    policy = next(iter(em.world.table(em.world.catalogue["CdpPolicy"])))
    return f"{policy.reference_path}/includes"


def test_the_list_of_objects(either: Emulator, on: Wire) -> None:
    job = either.world.job("SQL Backup")
    shown = on.get(f"/api/jobs/{job.id}/includes")
    assert shown.xml.tag == f"{NS}ObjectsInJob"
    assert shown.texts("HierarchyObjRef") == [reference(either, "sql01"), reference(either, "sql02")]
    assert shown.texts("DisplayName") == ["sql01", "sql02"]
    assert shown.texts("Order") == ["0", "1"]
    assert shown.texts("VssSnapshotMode") == ["RequireSuccess"] * 2
    key = "objectInJobs" if either.switches.version == 13 else "ObjectInJobs"
    assert len(on.get(f"/api/jobs/{job.id}/includes", JSON).json[key]) == 2
    found = on.query("ObjectInJob", JSON, filter=f'JobUid=="{job.uid}"').json
    outer = found["resources" if either.switches.version == 13 else "Resources"]
    assert [list(value) for value in outer.values() if value] == [[key]]
    assert on.query("ObjectInJob", filter=f'JobUid=="{job.uid}"').texts("VssSnapshotMode") == []
    either.switches.queried_objects = "full"
    assert on.query("ObjectInJob", filter=f'JobUid=="{job.uid}"').texts("VssSnapshotMode") == ["RequireSuccess"] * 2
    rels = {link.get("Rel"): link.get("Href", "") for link in on.get(f"/api/jobs/{job.id}?format=Entity").xml.iter(f"{NS}Link")}
    assert rels["Create"].endswith(f"/api/jobs/{job.id}/includes")


def test_add_and_remove(either: Emulator, on: Wire, path: str) -> None:
    before = names(on, path)
    assert add(either, on, path) == (True, "Ok")
    assert names(on, path) == before
    either.clock.advance(0.5)
    assert names(on, path) == [*before, "build01"]
    new = on.get(path).texts("ObjectInJobId")[-1]
    assert on.get(f"{path}/{new}").texts("Name") == ["build01"]
    assert on.result(on("DELETE", f"{path}/{new}")) == (True, "Ok")
    either.clock.advance(1)
    assert names(on, path) == before
    assert on.get(f"{path}/{new}").status == 404
    assert on("DELETE", f"{path}/{new}").status == 404


def test_the_list_lags_behind(em: Emulator, on: Wire, path: str) -> None:
    em.switches.object_lag = 30
    before = names(on, path)
    assert add(em, on, path) == (True, "Ok")
    assert names(on, path) == before
    em.clock.advance(30)
    assert names(on, path) == [*before, "build01"]
    new = on.get(path).texts("ObjectInJobId")[-1]
    assert on.result(on("DELETE", f"{path}/{new}"))[0]
    assert names(on, path) == [*before, "build01"]
    em.clock.advance(30)
    assert names(on, path) == before


@pytest.mark.parametrize(
    ("how", "result", "more"),
    [("ok", (True, "Ok"), 1), ("error", (False, 'Object "build01" is already in the job.'), 1), ("duplicate", (True, "Ok"), 2)],
)
def test_added_twice(em: Emulator, on: Wire, path: str, how: str, *, result: object, more: int) -> None:
    em.switches.update({"object_twice": how})
    before = len(names(on, path))
    assert add(em, on, path)[0]
    assert add(em, on, path) == result
    em.clock.advance(5)
    assert len(names(on, path)) == before + more


def test_unknown_references(em: Emulator, on: Wire, path: str) -> None:
    foreign = reference(em, "branch01")  # of another backup server
    em.world.add_machine(VCENTER, "later", visible_after=1000, moid="vm-999")
    for wrong in (reference(em).replace("vm-", "vm-9"), foreign, "nonsense", reference(em, "later")):
        body = {"HierarchyObjRef": wrong, "HierarchyObjName": "x"}
        em.switches.unknown_reference = "task"
        assert on.result(on.send("POST", path, body)) == (False, f"Hierarchy object [{wrong}] was not found.")
        em.switches.unknown_reference = "400"
        assert on.send("POST", path, body).status == 400


def test_the_last_object_stays(em: Emulator, on: Wire) -> None:
    job = em.world.job("Manual Backup")
    (last,) = em.world.objects_of(job)
    assert on.result(on("DELETE", last.reference_path)) == (False, LAST)
    assert "only one object" in LAST
    path = f"/api/jobs/{job.id}/includes"
    assert add(em, on, path)[0]
    assert on.result(on("DELETE", last.reference_path)) == (True, "Ok")
    em.clock.advance(1)
    assert names(on, path) == ["build01"]


def test_guest_processing_is_kept(em: Emulator, on: Wire, path: str) -> None:
    options = {"VssSnapshotOptions": {"VssSnapshotMode": "Disabled", "IsCopyOnly": True}, "WindowsCredentialsId": "abc"}
    body = {"HierarchyObjRef": reference(em), "HierarchyObjName": "build01", "GuestProcessingOptions": options}
    assert on.result(on("POST", path, XML, xml_body("CreateObjectInJobSpec", **body)))[0]
    em.clock.advance(1)
    shown = on.get(path)
    assert shown.texts("VssSnapshotMode")[-1] == "Disabled"
    assert shown.texts("WindowsCredentialsId")[-1] == "abc"


def test_a_folder_stands_for_its_machines(em: Emulator, on: Wire) -> None:
    job = em.world.job("Manual Backup")
    machine = em.world.inventory.named("build01")
    assert machine is not None
    assert not holds(em.world, job, machine)
    assert add(em, on, f"/api/jobs/{job.id}/includes", "Tests")[0]
    assert holds(em.world, job, machine)
    em.clock.advance(1)
    assert on.get(f"/api/jobs/{job.id}/includes").texts("HierarchyObjRef")[-1] == reference(em, "Tests")


def test_somebody_else_changes_it_meanwhile(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    em.fault(
        "meanwhile", method="POST", path="includes", change={"what": "add_object", "job": "SQL Backup", "object": "test01"}
    )
    em.fault(
        "meanwhile",
        method="POST",
        path="includes",
        when="after",
        change={"what": "remove_object", "job": "SQL Backup", "object": "sql02"},
    )
    assert add(em, on, f"/api/jobs/{job.id}/includes")[0]
    assert add(em, on, f"/api/jobs/{job.id}/includes", "web01")[0]
    assert sorted(row.name for row in em.world.objects_of(job)) == ["build01", "sql01", "test01", "web01"]
