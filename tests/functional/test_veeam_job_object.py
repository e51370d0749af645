# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job_object: what is sent to change what a job protects, and what is made of the answers."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_job_object
from emulator import Emulator, LogEntry

from .harness import Harness, Session, all_formats, all_versions, all_versions_and_formats

VCENTER = "vcenter01.vbem.test"
JOB = "SQL Backup"
INCLUDES = "/includes"
NS = "{http://www.veeam.com/ent/v1.0}"


def manage(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job_object, for the job SQL Backup unless told otherwise."""
    job = {} if "job_uid" in params else {"job": JOB}
    return harness.run(veeam_job_object, session, options or {}, {**job, **params}, check_mode=check_mode)


def find_ref(em: Emulator, name: str, server: str | None = None) -> str:
    """Return the reference of an object of the inventory."""
    uid = em.world.server(server).uid if server else None
    item = em.world.inventory.named(name, uid)
    assert item is not None
    root = em.world.inventory.root_of(item, uid)
    assert root is not None
    return em.world.inventory.reference(root, item)


def held(em: Emulator, job: str = JOB, server: str | None = None) -> list[str]:
    """Return the names of what a job holds in truth, whatever its list shows."""
    return [row.name for row in em.world.objects_of(em.world.job(job, server))]


def changes(em: Emulator) -> list[LogEntry]:
    """Return the requests that change what a job holds."""
    return em.requests("POST", INCLUDES) + em.requests("DELETE", INCLUDES)


def vm(name: str, root: str | None = VCENTER, **more: Any) -> dict[str, Any]:
    return {"name": name, "root": root, **more}


# ---------------------------------------------------------------------------------------------------------------------
# present


@all_versions_and_formats
def test_an_object_is_added_once(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    before = held(em)
    result = manage(harness, session, objects=[vm("build01")])
    ref = find_ref(em, "build01")
    (row,) = (row for row in em.world.objects_of(em.world.job(JOB)) if row.name == "build01")
    assert result["changed"] is True
    assert result["job"]["name"] == JOB
    assert result["added"] == [{"id": row.id, "ref": ref, "name": "build01"}]
    assert (result["removed"], result["kept"], result["errors"]) == ([], [], [])
    assert [one["name"] for one in result["objects"]] == [*before, "build01"] == held(em)
    assert result["diff"]["after"] == "build01 " + ref + "\n" + result["diff"]["before"]
    assert em.tasks(session) == [], "the task was removed"
    again = manage(harness, session, objects=[vm("build01")])
    assert again["changed"] is False
    assert again["added"] == []
    assert again["objects"] == result["objects"]
    assert again["diff"]["before"] == again["diff"]["after"] == result["diff"]["after"]
    assert len(changes(em)) == 1


@all_versions
def test_what_is_sent_in_json(harness: Harness, em: Emulator) -> None:
    harness.response_format = "json"
    manage(harness, objects=[vm("build01")])
    (entry,) = changes(em)
    assert entry.target == f"/api/jobs/{em.world.job(JOB).id}/includes"
    assert json.loads(entry.body) == {"HierarchyObjRef": find_ref(em, "build01"), "HierarchyObjName": "build01"}


OPTIONS = {
    "oracleBackupOptions": {"BackupLogsEnabled": True, "ArchivedLogsMaxSizeMb": 5, "RetainDays": 3},
    "WindowsGuestFSIndexingOptions": {
        "ExcludedIndexingFolders": ["%TEMP%", "C:\\x & y"],
        "FileSystemIndexingMode": "ExceptSpecifiedFolders",
    },
    "FSFileExcludeOptions": {"ExcludeLists": ["/tmp"], "BackupScope": 2, "IncludeLists": []},
    "VssSnapshotOptions": {"IsCopyOnly": False, "VssSnapshotMode": "IgnoreFailures"},
    "LinuxCredentialsId": None,
}


@all_versions
def test_guest_processing_in_json(harness: Harness, em: Emulator) -> None:
    em.switches.unknown_members = "refused"
    harness.response_format = "json"
    manage(harness, objects=[vm("build01")], guest_processing=OPTIONS)
    (entry,) = changes(em)
    assert json.loads(entry.body)["GuestProcessingOptions"] == {
        "VssSnapshotOptions": {"VssSnapshotMode": "IgnoreFailures", "IsCopyOnly": False},
        "WindowsGuestFSIndexingOptions": {
            "FileSystemIndexingMode": "ExceptSpecifiedFolders",
            "ExcludedIndexingFolders": ["%TEMP%", "C:\\x & y"],
        },
        "FsFileExcludeOptions": {"BackupScope": 2, "IncludeLists": [], "ExcludeLists": ["/tmp"]},
        "OracleBackupOptions": {"BackupLogsEnabled": True, "RetainDays": 3, "ArchivedLogsMaxSizeMb": 5},
    }


@all_versions
def test_guest_processing_in_xml(harness: Harness, em: Emulator) -> None:
    """In the order of the reference, which the emulator insists on; texts of lists are elements."""
    em.switches.unknown_members = "refused"
    harness.response_format = "xml"
    manage(harness, objects=[vm("build01")], guest_processing=OPTIONS)
    root = ET.fromstring(changes(em)[0].body)
    assert [child.tag for child in root] == [
        f"{NS}{name}" for name in ("HierarchyObjRef", "HierarchyObjName", "GuestProcessingOptions")
    ]
    assert [child.tag.removeprefix(NS) for child in root[2]] == [
        "VssSnapshotOptions",
        "WindowsGuestFSIndexingOptions",
        "FSFileExcludeOptions",
        "OracleBackupOptions",
    ]
    assert [child.tag.removeprefix(NS) for child in root[2][2]] == ["BackupScope", "IncludeList", "ExcludeList"]
    assert [path.text for path in root.iter(f"{NS}Path")] == ["%TEMP%", "C:\\x & y", "/tmp"]
    assert root.findtext(f".//{NS}IsCopyOnly") == "false"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"VssSnapshotOption": {}}, "did you mean VssSnapshotOptions"),
        ({"VssSnapshotOptions": {"Mode": "x"}}, "guest_processing.VssSnapshotOptions.Mode"),
        ({"VssSnapshotOptions": "RequireSuccess"}, "give a dictionary with VssSnapshotMode, IsCopyOnly"),
        ({"LinuxCredentialsId": {"a": 1}}, "give a single value"),
        ({"FSFileExcludeOptions": {"IncludeList": [{"Path": "x"}]}}, "give a list of texts"),
    ],
)
def test_guest_processing_that_the_server_would_ignore_is_refused(
    harness: Harness, em: Emulator, given: dict[str, Any], message: str
) -> None:
    with harness.failure("invalid_option") as caught:
        manage(harness, objects=[vm("build01")], guest_processing=given)
    assert message in caught.error.msg
    assert em.log == []


@all_versions_and_formats
@pytest.mark.parametrize("given", ["ref", "unique id", "name", "uid", "guid"])
def test_references_and_ids_need_no_look_up(harness: Harness, em: Emulator, given: str) -> None:
    root = em.world.inventory.root(VCENTER)
    item = em.world.inventory.named("build01")
    assert root is not None
    assert item is not None
    names = {"unique id": str(root.data["uniqueid"]).lower(), "name": VCENTER.upper(), "uid": root.uid, "guid": root.id.upper()}
    ref = find_ref(em, "build01")
    one = {"ref": ref} if given == "ref" else {"moid": item.moid, "root": names[given], "name": "build01"}
    result = manage(harness, objects=[one])
    assert [added["ref"] for added in result["added"]] == [ref]
    assert held(em)[-1] == ("build01" if given != "ref" else item.moid)
    assert em.requests("GET", "/api/lookup") == []
    again = manage(harness, objects=[one, {"ref": ref.replace(":Vm:", ":VM:").upper().replace("URN", "urn")}])
    assert again["changed"] is False
    assert em.requests("GET", "/api/lookup") == []


@all_versions
@pytest.mark.parametrize("spelling", ["Vm", "VM", "vm"])
def test_how_the_server_spells_machines_does_not_matter(harness: Harness, em: Emulator, spelling: str) -> None:
    em.switches.machine_type = spelling
    assert manage(harness, objects=[vm("build01")])["changed"] is True
    assert manage(harness, objects=[vm("build01", type="VM")])["changed"] is False
    assert manage(harness, objects=[{"ref": find_ref(em, "build01")}])["changed"] is False
    assert len(changes(em)) == 1


@all_versions
@pytest.mark.parametrize("match", ["exact", "contains"])
def test_a_name_is_compared_whole_and_without_case(harness: Harness, em: Emulator, match: str) -> None:
    em.switches.lookup_match = match
    em.world.add_machine(VCENTER, "build011")
    assert [one["name"] for one in manage(harness, objects=[vm("BUILD01")])["added"]] == ["build01"]
    other = em.world.add_machine(VCENTER, "Build01")  # of two, the one that is written so
    assert manage(harness, objects=[vm("Build01")])["added"][0]["ref"].endswith(f".{other.moid}")
    with harness.failure("ambiguous"):
        manage(harness, objects=[vm("bUILD01")])


@all_versions
def test_twins_are_ambiguous_before_anything_is_done(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous") as caught:
        manage(harness, objects=[vm("build01"), vm("test01")])
    assert "2 objects match Vm 'test01'" in caught.error.msg
    assert "vm-201" in caught.error.msg
    assert "vm-202" in caught.error.msg
    assert changes(em) == []


def test_an_unknown_name_is_not_found_with_a_suggestion(harness: Harness, em: Emulator) -> None:
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("web01"), vm("biuld01")])
    assert "does not know Vm 'biuld01' of vcenter01.vbem.test" in caught.error.msg
    assert "Did you mean build01" in caught.error.msg
    assert "wait_for_object" in caught.error.msg
    assert changes(em) == []


@all_versions
@pytest.mark.parametrize("answer", ["empty", "404", "500"])
def test_a_look_up_without_a_hit(harness: Harness, em: Emulator, answer: str) -> None:
    """An error is no proof: then the list of all objects decides."""
    em.switches.lookup_no_hit = answer
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("nobody")])
    assert "does not know Vm 'nobody'" in caught.error.msg
    em.fault("status", status=500, path="/api/lookup", times=None)
    with harness.failure("server_error"):
        manage(harness, objects=[vm("build01")])
    assert changes(em) == []


def test_a_look_up_that_fails_once_finds_the_machine_in_the_list(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=500, path="/api/lookup")
    assert manage(harness, objects=[vm("build01")])["changed"] is True


def test_the_page_of_a_proxy_is_no_proof_of_absence(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=404, body="html", path="/api/lookup", times=None)
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("build01")])
    assert caught.error.status == 404
    assert "web page" in caught.error.msg


@all_versions
def test_one_vcenter_on_two_servers(harness: Harness, em: Emulator) -> None:
    first = em.world.inventory.root(VCENTER)
    assert first is not None
    second = em.world.add_root(VCENTER, "vbr02", unique_id=str(first.data["uniqueid"]))
    for root in (VCENTER, str(first.data["uniqueid"])):
        manage(harness, objects=[vm("build01", root)])
        manage(harness, job="Daily Backup", backup_server="vbr02.vbem.test", objects=[{"moid": "vm-203", "root": root}])
    assert [json.loads(entry.body)["HierarchyObjRef"] for entry in changes(em)] == [
        f"urn:VMware:Vm:{first.id}.vm-203",
        f"urn:VMware:Vm:{second.id}.vm-203",
    ]
    with harness.failure("invalid_option") as caught:
        manage(harness, objects=[{"ref": f"urn:VMware:Vm:{second.id}.vm-202"}])
    assert "is on the backup server vbr02.vbem.test, but the job SQL Backup is on vbr01.vbem.test" in caught.error.msg
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("build01", second.id)])
    assert "is not on that backup server" in caught.error.msg


def test_a_root_may_be_left_out_where_there_is_one(harness: Harness, em: Emulator) -> None:
    assert manage(harness, objects=[vm("build01", None)])["changed"] is True
    em.world.add_root("vcenter09.vbem.test", "vbr01")
    with harness.failure("ambiguous") as caught:
        manage(harness, objects=[vm("web02", None)])
    assert "set root to one of vcenter01.vbem.test on vbr01.vbem.test, vcenter09.vbem.test" in caught.error.msg
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("web02", "vcentre01")])
    assert "There is no hierarchy root vcentre01. Known roots: " in caught.error.msg
    with harness.failure("not_found") as caught:
        manage(harness, objects=[{"ref": "urn:VMware:Vm:44cfbdbe-5a95-4156-8867-91f069b7c2cc.vm-1"}])
    assert "refers to the hierarchy root 44cfbdbe" in caught.error.msg
    assert len(changes(em)) == 1


@all_versions_and_formats
@pytest.mark.parametrize(
    ("job", "server", "root", "kind", "name", "prefix"),
    [
        (JOB, "vbr01", VCENTER, "Tag", "gold", "urn:VMware:Tag:"),
        (JOB, "vbr01", VCENTER, "folder", "Production", "urn:VMware:Folder:"),
        (JOB, "vbr01", VCENTER, "ResourcePool", "Production", "urn:VMware:ResourcePool:"),
        ("Daily Backup", "vbr02", "hyperv01.vbem.test", "HostGroup", "All Hosts", "urn:Hyperv:HostGroup:"),
        ("Daily Backup", "vbr02", "hyperv01.vbem.test", "Vm", "b\u00fcro-\u00d8", "urn:Hyperv:Vm:"),
        ("vCloud Backup", "vbr03", "vcd01.vbem.test", "OrgVdc", "VDC 1", "urn:vCloud:OrgVdc:"),
    ],
    ids=str,
)
def test_containers_and_other_platforms(
    harness: Harness, em: Emulator, *, job: str, server: str, root: str, kind: str, name: str, prefix: str
) -> None:
    where = {"job": job, "backup_server": f"{server}.vbem.test"}
    one = {"name": name, "root": root, "type": kind}
    result = manage(harness, **where, objects=[one])
    assert [added["name"] for added in result["added"]] == [name]
    assert result["added"][0]["ref"].startswith(prefix)
    assert name in held(em, job, f"{server}.vbem.test")
    assert manage(harness, **where, objects=[one])["changed"] is False
    assert manage(harness, **where, objects=[one], state="absent")["removed"] == result["added"]
    with harness.failure("invalid_option") as caught:
        manage(harness, **where, objects=[{**one, "type": "Scvmm" if root == VCENTER else "Tag"}])
    assert "has no objects of the type" in caught.error.msg


@all_versions_and_formats
def test_a_cdp_policy(harness: Harness, em: Emulator) -> None:
    (policy,) = em.world.table(em.world.catalogue["CdpPolicy"])
    where = {"job": policy.name, "kind": "cdp"}
    added = manage(harness, **where, objects=[vm("build01")])
    assert added["job"]["uid"] == policy.uid
    assert [entry.path for entry in changes(em)] == [f"/api/cdpPolicies/{policy.id}/includes"]
    assert "build01" in [row.name for row in em.world.objects_of(policy)]
    removed = manage(harness, **where, objects=[vm("build01")], state="absent")
    assert removed["removed"] == added["added"]
    assert "build01" not in [row.name for row in em.world.objects_of(policy)]


@pytest.mark.parametrize("job", ["Offsite Copy"])
def test_a_job_without_objects_is_refused(harness: Harness, em: Emulator, job: str) -> None:
    with harness.failure("invalid_option") as caught:
        manage(harness, job=job, objects=[vm("build01")])
    assert "Offsite Copy has no list of objects" in caught.error.msg
    assert changes(em) == []


# ---------------------------------------------------------------------------------------------------------------------
# How many requests


def list_gets(em: Emulator, since: int) -> list[str]:
    return [entry.path for entry in em.log[since:] if entry.method == "GET"]


def make_machines(em: Emulator, count: int) -> list[str]:
    names = [f"fleet{number:03}" for number in range(count)]
    for name in names:
        em.world.add_machine(VCENTER, name)
    return names


@all_versions
@pytest.mark.parametrize("given", ["names", "references"])
@pytest.mark.parametrize("task_seconds", [0.0, 0.8, 2.0, 7.0])
def test_a_hundred_objects(harness: Harness, em: Emulator, given: str, task_seconds: float) -> None:
    """At most four requests for each that changes, and none for each that does not."""
    em.switches.update({"task_running": task_seconds / 2, "task_collecting": task_seconds / 2})
    names = make_machines(em, 100)
    for name in names[:80]:
        em.world.add_object(em.world.job(JOB), name)
    objects = [vm(name) if given == "names" else {"ref": find_ref(em, name)} for name in names]
    session = em.logon()
    result = manage(harness, session, objects=objects)
    assert len(result["added"]) == 20
    common = [entry for entry in em.log if entry.method == "GET" and "/tasks/" not in entry.path]
    assert len(common) <= 4 + 5, "the job, its list, roots, machines; the list until it shows the changes"
    assert len(em.log) - len(common) <= 4 * 20
    since = len(em.log)
    assert manage(harness, session, objects=objects)["changed"] is False
    assert len(em.log) - since == (4 if given == "names" else 2)


def test_one_object_takes_three_requests(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    manage(harness, session, objects=[{"ref": find_ref(em, "build01")}])
    of_change = [entry.method for entry in em.log if entry.method != "GET" or "/tasks/" in entry.path]
    assert of_change == ["POST", "GET", "DELETE"]


def test_few_names_are_looked_up_one_by_one(harness: Harness, em: Emulator) -> None:
    names = make_machines(em, 4)
    manage(harness, objects=[vm(name) for name in names[:3]])
    assert [entry.query["name"] for entry in em.requests("GET", "/api/lookup")] == names[:3]
    manage(harness, objects=[vm(name) for name in names])
    assert [entry.query["name"] for entry in em.requests("GET", "/api/lookup")][3:] == ["*"]


# ---------------------------------------------------------------------------------------------------------------------
# The list, and the inventory, learn late


@all_versions_and_formats
def test_the_list_is_read_until_it_shows_the_change(harness: Harness, em: Emulator) -> None:
    em.switches.object_lag = 25
    added = manage(harness, objects=[vm("build01")])
    assert [one["name"] for one in added["objects"]] == ["sql01", "sql02", "build01"]
    assert added["added"][0]["id"] is not None
    removed = manage(harness, objects=[vm("build01")], state="absent")
    assert [one["name"] for one in removed["objects"]] == ["sql01", "sql02"]
    assert len(changes(em)) == 2


@all_versions
def test_a_list_that_never_shows_the_change_is_a_timeout(harness: Harness, em: Emulator) -> None:
    em.switches.object_lag = 10_000
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        manage(harness, objects=[vm("build01")])
    assert 120 <= em.clock.now() - began < 130
    assert "its list of objects does not show all changes" in caught.error.msg
    assert caught.result["changed"] is True
    assert [one["name"] for one in caught.result["added"]] == ["build01"]
    assert [one["name"] for one in caught.result["objects"]] == ["sql01", "sql02"]


@all_versions_and_formats
@pytest.mark.parametrize("by", ["name", "moid"])
def test_a_new_machine_is_waited_for(harness: Harness, em: Emulator, by: str) -> None:
    item = em.world.add_machine(VCENTER, "new42", visible_after=100)
    one = vm("new42") if by == "name" else {"moid": item.moid, "root": VCENTER}
    began = em.clock.now()
    result = manage(harness, objects=[vm("build01"), one], wait_for_object=300)
    assert [added["name"] for added in result["added"]] == ["build01", "new42"]
    assert 100 <= em.clock.now() - began < 120
    assert any("does not know Vm" in line for line in harness.progress)
    since = len(em.log)
    assert manage(harness, objects=[one], wait_for_object=300)["changed"] is False
    assert len(em.log) - since <= 6


@all_versions
@pytest.mark.parametrize("answer", ["empty", "404", "500"])
def test_a_machine_that_stays_unknown(harness: Harness, em: Emulator, answer: str) -> None:
    em.switches.lookup_no_hit = answer
    em.world.add_machine(VCENTER, "new42", visible_after=1000)
    began = em.clock.now()
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("build01"), vm("new42"), vm("new43")], wait_for_object=60)
    assert 60 <= em.clock.now() - began < 65
    assert "After 60 seconds the inventory" in caught.error.msg
    assert "'new42' of vcenter01.vbem.test, Vm 'new43'" in caught.error.msg
    assert changes(em) == []


def test_a_server_that_fails_while_a_machine_is_waited_for_is_not_a_missing_machine(harness: Harness, em: Emulator) -> None:
    em.world.add_machine(VCENTER, "new42", visible_after=1000)
    harness.during_sleep(2, lambda: em.fault("status", status=503, path="/api/lookup", times=None))
    with harness.failure("server_error"):
        manage(harness, options={"retries": 0}, objects=[vm("new42")], wait_for_object=60)
    assert changes(em) == []


@all_versions
@pytest.mark.parametrize("answer", ["task", "400"])
def test_a_reference_that_the_inventory_does_not_know(harness: Harness, em: Emulator, answer: str) -> None:
    """It is sent, and what the server says of it is told; the other object is added."""
    em.switches.unknown_reference = answer
    ref = find_ref(em, "build01").replace("vm-203", "vm-4711")
    with harness.failure("partial") as caught:
        manage(harness, objects=[{"ref": ref}, vm("build01")])
    assert "1 of 2 changes to SQL Backup were not made" in caught.error.msg
    assert f"Hierarchy object [{ref}] was not found" in caught.error.msg
    assert f"[{ref}] was not found" in (caught.error.detail or "")
    assert caught.result["changed"] is True
    assert [one["name"] for one in caught.result["added"]] == ["build01"]
    assert [one["ref"] for one in caught.result["errors"]] == [ref]
    assert len(changes(em)) == 2


# ---------------------------------------------------------------------------------------------------------------------
# absent


@all_versions_and_formats
@pytest.mark.parametrize("by", ["name", "name without root", "moid", "ref", "other case"])
def test_an_object_is_removed_once(harness: Harness, em: Emulator, by: str) -> None:
    session = em.logon()
    ref = find_ref(em, "sql01")
    one: dict[str, Any] = {
        "name": vm("sql01"),
        "name without root": {"name": "sql01"},
        "moid": {"moid": "VM-104"},
        "ref": {"ref": ref.lower()},
        "other case": vm("SQL01"),
    }[by]
    (row,) = (row for row in em.world.objects_of(em.world.job(JOB)) if row.name == "sql01")
    result = manage(harness, session, objects=[one], state="absent")
    assert result["changed"] is True
    assert result["removed"] == [{"id": row.id, "ref": ref, "name": "sql01"}]
    assert [one["name"] for one in result["objects"]] == ["sql02"] == held(em)
    assert [entry.path for entry in changes(em)] == [f"/api/jobs/{em.world.job(JOB).id}/includes/{row.id}"]
    assert em.tasks(session) == []
    assert manage(harness, session, objects=[one], state="absent")["changed"] is False
    assert len(changes(em)) == 1


@all_versions
def test_a_machine_that_is_gone_from_the_infrastructure_is_removed(harness: Harness, em: Emulator) -> None:
    root, item = em.world.inventory.root(VCENTER), em.world.inventory.named("sql01")
    assert root is not None
    assert item is not None
    em.world.inventory.remove(root, item)
    assert manage(harness, objects=[vm("sql01")], state="absent")["changed"] is True
    assert held(em) == ["sql02"]


@all_versions
def test_a_machine_that_was_renamed_is_removed_by_its_new_name(harness: Harness, em: Emulator) -> None:
    item = em.world.inventory.named("sql01")
    assert item is not None
    item.name = "database01"
    for root in (VCENTER, None):
        em.world.add_object(em.world.job(JOB), find_ref(em, "build01"))
        assert manage(harness, objects=[vm("database01", root)], state="absent")["changed"] is (root is not None)
    assert "sql01" not in held(em)


@all_versions
def test_nothing_is_removed_that_was_not_named(harness: Harness, em: Emulator) -> None:
    """An object of that name below another root, or of another type, is not meant."""
    other = em.world.add_root("vcenter09.vbem.test", "vbr01")
    em.world.add_machine(other, "sql01")
    em.world.add_object(em.world.job(JOB), em.world.inventory.reference(*_find_in(em, other, "Production", "Folder")))
    before = held(em)
    for one in (vm("sql01", "vcenter09.vbem.test"), vm("Production"), vm("sql01", type="Template"), vm("sql")):
        assert manage(harness, objects=[one], state="absent")["changed"] is False
    assert held(em) == before
    with harness.failure("not_found"):
        manage(harness, objects=[vm("sql01", "vcentre01")], state="absent")
    with harness.failure("invalid_option"):
        manage(harness, objects=[vm("sql*")], state="absent")
    assert changes(em) == []


def _find_in(em: Emulator, root: Any, name: str, kind: str) -> tuple[Any, Any]:
    return root, em.world.add_machine(root, name, kind=kind)


@all_versions
def test_two_objects_of_one_name_in_the_job_are_ambiguous(harness: Harness, em: Emulator) -> None:
    job = em.world.job(JOB)
    other = em.world.add_root("vcenter09.vbem.test", "vbr01")
    em.world.add_object(job, em.world.inventory.reference(*_find_in(em, other, "sql01", "Vm")), name="sql01")
    with harness.failure("ambiguous") as caught:
        manage(harness, objects=[vm("sql01", None)], state="absent")
    assert "2 objects of SQL Backup match Vm 'sql01'" in caught.error.msg
    removed = manage(harness, objects=[vm("sql01", "vcenter09.vbem.test")], state="absent")["removed"]
    assert [one["ref"] for one in removed] == [
        em.world.inventory.reference(other, em.world.inventory.items(other, 1e12).__next__())
    ]


@all_versions_and_formats
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_last_object_is_refused_before_anything_is_done(harness: Harness, em: Emulator, check_mode: bool) -> None:
    with harness.failure("invalid_option") as caught:
        manage(harness, objects=[vm("sql01"), vm("sql02")], state="absent", check_mode=check_mode)
    assert "a job's last object cannot be removed" in caught.error.msg
    assert caught.result["changed"] is False
    assert [one["name"] for one in caught.result["objects"]] == ["sql01", "sql02"]
    assert changes(em) == []


def test_options_without_effect_are_told(harness: Harness) -> None:
    manage(
        harness,
        objects=[vm("sql01")],
        state="absent",
        wait_for_object=5,
        unless_in_any_job=True,
        guest_processing={"LinuxCredentialsId": "x"},
    )
    assert [warning.split()[2] for warning in harness.warnings] == ["guest_processing", "unless_in_any_job", "wait_for_object"]


# ---------------------------------------------------------------------------------------------------------------------
# exact


@all_versions_and_formats
def test_exact_adds_first_and_removes_after(harness: Harness, em: Emulator) -> None:
    result = manage(harness, objects=[vm("build01"), vm("sql02")], state="exact", max_remove=1)
    assert [one["name"] for one in result["added"]] == ["build01"]
    assert [one["name"] for one in result["removed"]] == ["sql01"]
    assert held(em) == ["sql02", "build01"] == [one["name"] for one in result["objects"]]
    assert [entry.method for entry in em.log if entry in changes(em)] == ["POST", "DELETE"]
    again = manage(harness, objects=[vm("build01"), vm("sql02")], state="exact")
    assert again["changed"] is False
    assert len(changes(em)) == 2


@all_versions
def test_a_swap_of_all_objects(harness: Harness, em: Emulator) -> None:
    result = manage(harness, objects=[vm("build01")], state="exact", max_remove=2)
    assert held(em) == ["build01"]
    assert len(result["removed"]) == 2


@pytest.mark.parametrize(
    ("max_remove", "message"), [(None, "max_remove is needed"), (0, "allows 0 removals"), (1, "allows 1 ")]
)
def test_removals_are_limited(harness: Harness, em: Emulator, max_remove: int | None, message: str) -> None:
    for state, objects in (("exact", [vm("build01")]), ("absent", [vm("sql01"), vm("sql02")])):
        em.world.add_object(em.world.job(JOB), find_ref(em, "web02"), name="web02")
        if state == "absent" and max_remove is None:
            continue
        with harness.failure("invalid_option") as caught:
            manage(harness, objects=objects, state=state, max_remove=max_remove)
        assert message in caught.error.msg
        assert "sql01, sql02" in caught.error.msg
        assert "Nothing was done" in caught.error.msg
    assert changes(em) == []


def test_exact_with_nothing_to_remove_needs_no_limit(harness: Harness, em: Emulator) -> None:
    for max_remove in (None, 0):
        objects = [vm("sql01"), vm("sql02"), vm("build01")]
        assert manage(harness, objects=objects, state="exact", max_remove=max_remove)["removed"] == []
    assert len(changes(em)) == 1


@all_versions
def test_the_last_object_stays_where_its_successor_could_not_be_added(harness: Harness, em: Emulator) -> None:
    manage(harness, objects=[vm("sql02")], state="absent")
    ref = find_ref(em, "build01").replace("vm-203", "vm-4711")
    with harness.failure("partial") as caught:
        manage(harness, objects=[{"ref": ref}], state="exact", max_remove=1)
    assert held(em) == ["sql01"]
    assert [one["name"] for one in caught.result["errors"]] == [None, "sql01"]
    assert "Not removed: it is the last object" in caught.result["errors"][1]["msg"]
    assert caught.result["changed"] is False
    assert len(changes(em)) == 2, "one removal before, one addition that failed"


# ---------------------------------------------------------------------------------------------------------------------
# Check mode, other jobs


@all_versions
@pytest.mark.parametrize(
    "params",
    [
        {"objects": [vm("build01"), vm("sql01")]},
        {"objects": [vm("sql01")], "state": "absent"},
        {"objects": [vm("build01"), vm("sql01")], "state": "exact", "max_remove": 1},
        {"objects": [vm("web01"), vm("build01")], "unless_in_any_job": True},
        {"objects": [vm("sql02")]},
    ],
    ids=str,
)
def test_check_mode_predicts_and_only_reads(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    predicted = manage(harness, em.logon(), check_mode=True, **params)
    assert [entry for entry in em.log if entry.method != "GET"] == []
    assert harness.slept == []
    done = manage(harness, em.logon(), **params)
    for key in ("added", "objects"):
        for one in done[key]:
            one["id"] = one["id"] if one["name"] != "build01" else None
    assert predicted == done


def test_check_mode_does_not_wait_for_a_machine(harness: Harness, em: Emulator) -> None:
    em.world.add_machine(VCENTER, "new42", visible_after=100)
    with harness.failure("not_found") as caught:
        manage(harness, objects=[vm("new42")], wait_for_object=600, check_mode=True)
    assert "not in check mode" in caught.error.msg
    assert harness.slept == []


@all_versions_and_formats
@pytest.mark.parametrize("rows", ["short", "full"])
def test_what_another_job_holds_is_left_out(harness: Harness, em: Emulator, rows: str) -> None:
    em.switches.queried_objects = rows
    held_row = next(row for row in em.world.objects_of(em.world.job("Daily Backup", "vbr01.vbem.test")) if row.name == "web02")
    held_row.data["name"] = "an old name"
    result = manage(harness, objects=[vm("web02"), vm("build01"), vm("sql01")], unless_in_any_job=True)
    assert [one["name"] for one in result["added"]] == ["build01"]
    (kept,) = result["kept"]
    assert (kept["name"], kept["ref"]) == ("web02", find_ref(em, "web02"))
    daily = em.world.job("Daily Backup", "vbr01.vbem.test")
    assert [(one["name"], one["uid"]) for one in kept["jobs"]] == [("Daily Backup", daily.uid)]
    assert len(em.requests("GET", "/api/query")) == 3
    assert manage(harness, objects=[vm("web02")])["changed"] is True


# ---------------------------------------------------------------------------------------------------------------------
# Other clients, refusals, lost answers


@all_versions
@pytest.mark.parametrize("twice", ["ok", "error", "duplicate"])
def test_an_object_that_another_client_adds_meanwhile(harness: Harness, em: Emulator, twice: str) -> None:
    em.switches.object_twice = twice
    em.fault(
        "meanwhile", method="POST", path=INCLUDES, change={"what": "add_object", "job": JOB, "object": find_ref(em, "build01")}
    )
    result = manage(harness, objects=[vm("build01")])
    assert result["changed"] is (twice != "error")
    assert result["errors"] == []
    assert "build01" in [one["name"] for one in result["objects"]] or "vm-203" in [one["name"] for one in result["objects"]]
    assert len(em.requests("POST", INCLUDES)) == 1
    assert manage(harness, objects=[vm("build01")])["changed"] is False
    em.clock.advance(10)  # until the list shows all of it
    if twice == "duplicate":
        assert len(manage(harness, objects=[vm("build01")], state="absent")["removed"]) == 2


@all_versions
@pytest.mark.parametrize("status", [404, 500])
def test_an_object_that_another_client_removes_meanwhile(harness: Harness, em: Emulator, status: int) -> None:
    em.switches.unknown_resource = status
    em.world.add_object(em.world.job(JOB), find_ref(em, "build01"), name="build01")
    em.fault("meanwhile", method="DELETE", path=INCLUDES, change={"what": "remove_object", "job": JOB, "object": "build01"})
    result = manage(harness, objects=[vm("build01")], state="absent")
    assert result["changed"] is False
    assert result["removed"] == []
    assert [one["name"] for one in result["objects"]] == ["sql01", "sql02"]


@all_versions
def test_the_server_refuses_to_remove_what_became_the_last_object(harness: Harness, em: Emulator) -> None:
    em.fault("meanwhile", method="DELETE", path=INCLUDES, change={"what": "remove_object", "job": JOB, "object": "sql02"})
    with harness.failure("partial") as caught:
        manage(harness, objects=[vm("sql01")], state="absent")
    assert "there is only one object in the job" in caught.error.msg
    assert caught.result["changed"] is False
    assert [one["name"] for one in caught.result["objects"]] == ["sql01"] == held(em)


@all_versions_and_formats
@pytest.mark.parametrize("effect", ["reset", "close", "cut", "garbage"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_lost_answer_is_looked_up_and_nothing_is_done_twice(harness: Harness, em: Emulator, effect: str, state: str) -> None:
    em.switches.object_lag = 10
    method = "POST" if state == "present" else "DELETE"
    em.fault(effect, method=method, path=INCLUDES, when="after")
    result = manage(harness, objects=[vm("build01" if state == "present" else "sql01")], state=state)
    assert result["changed"] is True
    assert len(result["added"] + result["removed"]) == 1
    assert result["errors"] == []
    assert len(changes(em)) == 1
    assert held(em) == (["sql01", "sql02", "build01"] if state == "present" else ["sql02"])


@all_versions
@pytest.mark.parametrize(
    ("effect", "settings"), [("reset", {}), ("slow", {"delay": 3}), ("status", {"status": 502}), ("garbage", {})]
)
def test_a_request_that_got_lost_is_not_repeated(harness: Harness, em: Emulator, effect: str, settings: dict[str, Any]) -> None:
    em.fault(effect, method="POST", path=INCLUDES, **settings)
    with harness.failure("partial") as caught:
        manage(harness, options={"timeout": 1}, objects=[vm("build01"), vm("web02")])
    assert "The list of objects does not show the change." in caught.error.msg
    assert [one["name"] for one in caught.result["errors"]] == ["build01"]
    assert [one["name"] for one in caught.result["added"]] == ["web02"]
    assert caught.result["changed"] is True
    assert len(changes(em)) == 2
    assert manage(harness, objects=[vm("build01")])["changed"] is True, "the next run puts it right"


@all_versions_and_formats
def test_one_task_that_fails_does_not_stop_the_rest(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    ref = find_ref(em, "build01").replace("vm-203", "vm-4711")
    with harness.failure("partial") as caught:
        manage(harness, session, objects=[vm("build01"), {"ref": ref, "name": "x"}, vm("web02")])
    assert [one["name"] for one in caught.result["added"]] == ["build01", "web02"]
    assert [(one["ref"], one["name"]) for one in caught.result["errors"]] == [(ref, "x")]
    assert "UpdateJob failed: Hierarchy object" in caught.result["errors"][0]["msg"]
    assert em.tasks(session) == [], "the task that failed was removed, too"
    assert [one["name"] for one in caught.result["objects"]] == held(em)


@all_versions_and_formats
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_a_lost_session_stops_the_rest(harness: Harness, em: Emulator, own: bool) -> None:
    em.fault("expire", method="POST", path=INCLUDES, skip=1)
    with harness.failure("session_lost") as caught:
        manage(harness, None if own else em.logon(), objects=[vm("build01"), vm("web02"), vm("web01")])
    assert caught.result["changed"] is True
    assert [one["name"] for one in caught.result["added"]] == ["build01"]
    assert [one["name"] for one in caught.result["errors"]] == ["web02", "web01"]
    assert caught.result["errors"][1]["msg"] == "Not attempted."
    assert [one["name"] for one in caught.result["objects"]] == ["sql01", "sql02", "build01"]
    assert len(changes(em)) == 2
    assert len(harness.logons()) == (1 if own else 0)


def test_a_session_that_is_lost_while_the_task_runs(harness: Harness, em: Emulator) -> None:
    em.fault("expire", method="GET", path="/api/tasks/")
    with harness.failure("session_lost") as caught:
        manage(harness, em.logon(), objects=[vm("build01")])
    assert caught.result["changed"] is True, "it may have been done"
    assert caught.result["added"] == []


def test_a_server_that_is_gone_stops_the_rest(harness: Harness, em: Emulator) -> None:
    em.fault("reset", path=INCLUDES, skip=2, times=None)  # the list and the first change
    with harness.failure("connection") as caught:
        manage(harness, em.logon(), options={"retries": 0}, objects=[vm("build01"), vm("web02"), vm("web01")])
    assert [one["name"] for one in caught.result["added"]] == ["build01"]
    assert [one["name"] for one in caught.result["errors"]] == ["web02", "web01"]
    assert caught.result["errors"][1]["msg"] == "Not attempted."
    assert "may have been carried out" in caught.error.msg
    assert len(changes(em)) == 2


@all_versions_and_formats
@pytest.mark.parametrize("user", ["portal", "operator"])
@pytest.mark.parametrize("read", ["403", "empty"])
def test_a_user_who_may_not(harness: Harness, em: Emulator, user: str, read: str) -> None:
    em.switches.refused_read = read
    harness.user = user
    with harness.failure("forbidden" if read == "403" else "not_found") as caught:
        manage(harness, objects=[vm("build01")])
    assert "Portal Administrator" in caught.error.msg if read == "403" else "which jobs the user may see" in caught.error.msg
    assert changes(em) == []


@all_versions
def test_a_user_who_may_only_read(harness: Harness, em: Emulator) -> None:
    em.switches.roles = "writes"
    harness.user = "portal"
    with harness.failure("forbidden") as caught:
        manage(harness, objects=[vm("build01"), vm("web02")])
    assert caught.result["changed"] is False
    assert [one["msg"] for one in caught.result["errors"]][1] == "Not attempted."
    assert len(changes(em)) == 1


@all_versions
def test_a_task_that_does_not_end(harness: Harness, em: Emulator) -> None:
    em.switches.task_running = 10_000
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        manage(harness, objects=[vm("build01"), vm("web02")], wait_timeout=50)
    assert 50 <= em.clock.now() - began < 55
    assert caught.result["changed"] is True, "it may still be done"
    assert [one["name"] for one in caught.result["errors"]] == ["build01", "web02"]
    assert len(changes(em)) == 1


def test_the_time_limit_is_for_each_change(harness: Harness, em: Emulator) -> None:
    em.switches.update({"task_running": 40, "task_collecting": 0})
    result = manage(harness, objects=[vm("build01"), vm("web02"), vm("web01")], wait_timeout=50)
    assert len(result["added"]) == 3


# ---------------------------------------------------------------------------------------------------------------------
# Options


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"job": None}, "set exactly one of job and job_uid"),
        ({"job": JOB, "job_uid": "x"}, "set exactly one of job and job_uid"),
        ({"job": None, "job_uid": "x"}, "give a UID such as"),
        ({"objects": [{}]}, "give ref, moid with root, or name with root"),
        ({"objects": [{"ref": "vm-518"}]}, "give a reference such as urn:VMware:Vm:"),
        (
            {"objects": [{"ref": "urn:VMware:Vm:44cfbdbe-5a95-4156-8867-91f069b7c2cc.vm-1", "moid": "vm-1"}]},
            "either ref or moid",
        ),
        ({"objects": [vm("a"), vm("web*")]}, "objects (number 2)"),
        ({"objects": [vm("a", type="Machine")]}, "give one of"),
        ({"objects": [vm("a\x00b")]}, "characters"),
        ({"objects": [], "state": "exact"}, "objects is empty"),
        ({"max_remove": -1}, "max_remove"),
        ({"wait_for_object": -1}, "wait_for_object"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], message: str
) -> None:
    with harness.failure("invalid_option") as caught:
        harness.run(veeam_job_object, None, {}, {"job": JOB, "objects": [vm("build01")], **params})
    assert message in caught.error.msg
    assert em.log == []


@all_formats
def test_an_empty_list_changes_nothing(harness: Harness, em: Emulator) -> None:
    for state in ("present", "absent"):
        assert manage(harness, objects=[], state=state)["changed"] is False
    assert changes(em) == []
