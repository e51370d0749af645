# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick backup, VeeamZIP and restore of one machine."""

from __future__ import annotations

from typing import Any

import pytest

from emulator import Emulator

from .samples import reference
from .wire import NS, XML, Answer, Wire, repository, xml_body


def quick(em: Emulator, on: Wire, machine: str, server: str = "vbr01") -> Answer:
    return on.send(
        "POST", f"/api/backupServers/{em.world.server(server).id}?action=quickbackup", {"VmRef": reference(em, machine)}
    )


def zipped(em: Emulator, **more: Any) -> dict[str, Any]:
    return {
        "VmRef": reference(em, "build01"),
        "RepositoryUid": repository(em),
        "CompressionLevel": 5,
        "BackupRetention": "In1Week",
        **more,
    }


def points(on: Wire, em: Emulator, machine: str) -> list[str | None]:
    return on.query(
        "VmRestorePoint", format="Entities", filter=f'HierarchyObjRef=="{reference(em, machine)}"', sortAsc="CreationTime"
    ).texts("PointType")


def test_a_server_announces_them(em: Emulator, on: Wire) -> None:
    links = {
        link.get("Rel"): link.get("Href", "")
        for link in on.get(f"{em.world.server().reference_path}?format=Entity").xml.iter(f"{NS}Link")
    }
    assert links["QuickBackup"].endswith("?action=quickbackup")
    assert links["VeeamZip"].endswith("?action=veeamzip")
    assert links["Start"].endswith("?action=collect")


def test_quick_backup(either: Emulator, on: Wire) -> None:
    before = points(on, either, "web01")
    assert before == ["Full", "Increment"]
    place = on.related(quick(either, on, "web01"))
    assert "/backupSessions/" in place
    either.clock.advance(1)
    assert on.get(place).texts("JobName") == ["Daily Backup"]
    either.clock.advance(10)
    assert on.get(place).texts("Result") == ["Success"]
    assert points(on, either, "web01") == [*before, "Increment"]
    assert points(on, either, "web02") == before
    run = place.rpartition("/")[2].partition("?")[0]
    (done,) = on.query(
        "BackupTaskSession", format="Entities", filter=f'JobSessionUid=="urn:veeam:BackupJobSession:{run}"'
    ).xml.iter(f"{NS}BackupTaskSession")
    assert done.get("VmDisplayName") == "web01"
    for links, kind in ((done, "VmRestorePoint"), (on.get(place).xml, "RestorePointReference")):
        (made,) = (link.get("Href", "") for link in links.iter(f"{NS}Link") if link.get("Type") == kind)
        assert on.get(made.removeprefix(either.base_url)).status == 200


@pytest.mark.parametrize(
    ("machine", "server", "message"),
    [
        ("build01", "vbr01", 'Quick backup cannot be performed: VM "build01" is not in any backup job.'),
        ("new01", "vbr01", 'Quick backup cannot be performed: VM "new01" has no full backup.'),
        ("vc01", "vbr03", 'Quick backup cannot be performed: VM "vc01" is not in any backup job.'),
    ],
)
def test_what_cannot_be_backed_up(em: Emulator, on: Wire, machine: str, server: str, message: str) -> None:
    assert on.result(quick(em, on, machine, server)) == (False, message)


def test_a_machine_of_another_server(em: Emulator, on: Wire) -> None:
    ok, message = on.result(quick(em, on, "branch01", "vbr01"))
    assert not ok
    assert message.startswith("VM [urn:Hyperv:")
    assert on.result(quick(em, on, "branch01", "vbr02"))[0]


def test_two_machines_of_one_job(em: Emulator, on: Wire) -> None:
    assert on.result(quick(em, on, "web01"))[0]
    assert on.result(quick(em, on, "web02")) == (False, 'Job "Daily Backup" is already running.')
    assert on.result(quick(em, on, "sql01"))[0]
    em.clock.advance(10)
    assert on.result(quick(em, on, "web02"))[0]


@pytest.mark.parametrize(("how", "result"), [("session", ["Failed"]), ("full", ["Success"])])
def test_without_a_full_backup(em: Emulator, on: Wire, how: str, result: list[str]) -> None:
    em.switches.update({"quick_backup_without_full": how})
    place = on.related(quick(em, on, "new01"))
    em.clock.advance(10)
    assert on.get(place).texts("Result") == result
    assert points(on, em, "new01") == (["Full"] if how == "full" else [])


def test_a_quick_backup_that_fails_says_why(em: Emulator, on: Wire) -> None:
    item = em.world.inventory.named("web01")
    assert item is not None
    item.backup_script, item.reason = ["failed", "success"], "No space on E:\\ & more."
    place = on.related(quick(em, on, "web01"))
    em.clock.advance(10)
    assert on.get(place).texts("Result") == ["Failed"]
    run = place.rpartition("/")[2].partition("?")[0]
    assert on.get(f"/api/backupSessions/{run}/taskSessions?format=Entity").texts("Reason") == ["No space on E:\\ & more."]
    assert on.result(quick(em, on, "web01"))[0]


def test_zip(em: Emulator, on: Wire) -> None:
    path = f"/api/backupServers/{em.world.server().id}?action=veeamzip"
    place = on.related(on.send("POST", path, zipped(em)))
    em.clock.advance(10)
    assert on.get(place).texts("Result") == ["Success"]
    assert points(on, em, "build01") == ["Full"]
    assert on.result(on("POST", path, XML, xml_body("VeeamZipStartupSpec", **zipped(em))))[0]
    both = zipped(em, VmRef=[reference(em, "build01"), reference(em, "web01")])
    assert on.result(on("POST", path, XML, xml_body("VeeamZipStartupSpec", **both)))[0]
    for wrong, status in (
        ({"BackupRetention": "Forever"}, 400),
        ({"CompressionLevel": 6}, 400),
        ({"RepositoryUid": "none"}, 202),
    ):
        assert on.send("POST", path, zipped(em, **wrong)).status == status
    branch = f"/api/backupServers/{em.world.server('vbr02').id}?action=veeamzip"
    assert on.result(on.send("POST", branch, zipped(em, VmRef=reference(em, "branch01")))) == (
        False,
        "VeeamZIP is supported for VMware vSphere VMs only.",
    )


def test_a_first_backup_is_seen(em: Emulator, on: Wire) -> None:
    job = em.world.job("Manual Backup")
    assert points(on, em, "new01") == []
    on.related(on("POST", f"/api/jobs/{job.id}?action=start", {"Content-Length": "0"}))
    em.switches.point_delay = 20
    em.clock.advance(5)
    assert on.query("BackupTaskSession", filter='JobName=="Manual Backup"').texts("Ref") != []
    assert points(on, em, "new01") == []
    em.clock.advance(21)
    assert points(on, em, "new01") == ["Full"]


# Restore


def newest(em: Emulator, on: Wire, machine: str = "web01") -> str:
    found = on.query(
        "VmRestorePoint", format="Entities", filter=f'VmDisplayName=="{machine}"', sortDesc="CreationTime", pageSize=1
    )
    links = {link.get("Rel"): link.get("Href", "") for link in found.xml.iter(f"{NS}Link")}
    return links["Restore"].removeprefix(em.base_url)


def restore(on: Wire, path: str, **spec: Any) -> Answer:
    return on.send("POST", path, {"VmRestoreSpec": {"PowerOnAfterRestore": False, "QuickRollback": False, **spec}})


def test_restore_over_the_original(either: Emulator, on: Wire) -> None:
    place = on.related(restore(on, newest(either, on)))
    assert "/restoreSessions/" in place
    seen = []
    for _second in range(6):
        shown = on.get(place)
        seen.append((shown.texts("State")[0], (shown.texts("Result") or [None])[0]))
        either.clock.advance(1)
    assert seen[0][0] in ("Starting", "Working")
    assert seen[-1] == ("Stopped", "Success")
    assert on.get(place).texts("RestoredObjRef") == [reference(either, "web01")]
    uid = on.get(place).xml.get("UID")
    found = on.query("RestoreSession", format="Entities", filter=f'UID=="{uid}"')
    assert found.texts("Progress") == ["100"]
    assert found.xml.find(f".//{NS}RestoreSession").get("VmDisplayName") == "web01"  # type: ignore[union-attr]


def test_restore_beside_the_original(em: Emulator, on: Wire) -> None:
    place = on.related(restore(on, newest(em, on), KeepOriginalVM=True))
    em.clock.advance(10)
    (new,) = on.get(place).texts("RestoredObjRef")
    assert new != reference(em, "web01")
    assert on.get(f"/api/lookup?hierarchyRef={new}").texts("ObjectName") == ["web01_restored"]


def test_restores_that_are_refused(em: Emulator, on: Wire) -> None:
    path = newest(em, on)
    assert restore(on, path, KeepOriginalVM=True, QuickRollback=True).status == 400
    assert on("POST", path, {"Content-Length": "0"}).status == 202
    em.switches.restore_body = "required"
    assert on("POST", path, {"Content-Length": "0"}).status == 500
    assert restore(on, path).status == 202


@pytest.mark.parametrize("outcome", ["failed", "warning", "never"])
def test_a_task_does_not_tell_what_becomes_of_a_restore(em: Emulator, on: Wire, outcome: str) -> None:
    item = em.world.inventory.named("web01")
    assert item is not None
    item.restore_script = [outcome, "success"]
    answer = restore(on, newest(em, on), KeepOriginalVM=True)
    place = on.related(answer)
    em.clock.advance(10)
    shown = on.get(place)
    assert shown.texts("State") == ["Working" if outcome == "never" else "Stopped"]
    assert shown.texts("Result") == [{"failed": "Failed", "warning": "Warning", "never": "None"}[outcome]]
    assert len(shown.texts("RestoredObjRef")) == (1 if outcome == "warning" else 0)
    found = on.get(f"/api/lookup?host={em.world.inventory.roots[0].id}&name=web01_restored").texts("ObjectRef")
    assert len(found) == (1 if outcome == "warning" else 0)


def test_a_server_that_does_not_say_what_is_refused(em: Emulator, wire: Wire) -> None:
    em.switches.refused_read = "empty"
    wire.log_on(em.users["portal"])
    assert wire.query("Job").xml.findall(f".//{NS}Ref") == []
    assert wire.get("/api/jobs").xml.findall(f"{NS}Ref") == []
    assert wire.get(em.world.job("SQL Backup").reference_path).status == 404
    assert wire.query("Repository").xml.findall(f".//{NS}Ref") != []
    assert wire("POST", f"{em.world.job('SQL Backup').reference_path}?action=start", {"Content-Length": "0"}).status == 403
    wire.log_on()
    assert wire.query("Job").xml.findall(f".//{NS}Ref") != []


def test_points_are_filtered_by_reference(em: Emulator, on: Wire) -> None:
    wanted = reference(em, "web01").upper().replace("URN:VMWARE:VM:", "urn:VMware:VM:")
    assert len(on.query("VmRestorePoint", format="Entities", filter=f'HierarchyObjRef=="{wanted}"').texts("PointType")) == 2
    em.switches.filter_by_reference = False
    assert on.query("VmRestorePoint", filter=f'HierarchyObjRef=="{wanted}"').status == 500


def test_a_restore_point_made_by_hand(em: Emulator, on: Wire) -> None:
    em.world.add_restore_point("build01", em.clock.now() - 60)
    assert points(on, em, "build01") == ["Full"]
    assert restore(on, newest(em, on, "build01")).status == 202


@pytest.mark.parametrize(("user", "can_back_up", "can_restore"), [("portal", True, False), ("operator", False, True)])
def test_roles(em: Emulator, wire: Wire, user: str, *, can_back_up: bool, can_restore: bool) -> None:
    wire.log_on(em.users[user])
    assert (quick(em, wire, "web01").status == 202) == can_back_up
    assert wire.query("VmRestorePoint").status == 200
    assert (restore(wire, newest(em, wire)).status == 202) == can_restore
    assert (wire.get("/api/lookupSvc").status == 200) == can_back_up
    assert (wire.get(f"/api/lookup?hierarchyRef={reference(em, 'web01')}").status == 200) == can_back_up
    assert (wire.query("HierarchyRoot").status == 200) == can_back_up
    for refused in (
        "/api/query?type=Job",
        "/api/query?type=ObjectInJob",
        "/api/jobs",
        "/api/security/accounts",
        "/api/failoverPlans/x",
    ):
        expected = (403,) if not (user == "operator" and "failover" in refused) else (404,)
        assert wire.get(refused).status in expected, refused
    for allowed in (
        "/api/query?type=Task",
        "/api/tasks",
        "/api/restoreSessions",
        "/api/query?type=RestoreSession",
        "/api/logonSessions",
    ):
        assert wire.get(allowed).status == 200, allowed
