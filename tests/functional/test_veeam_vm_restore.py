# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_vm_restore: which restore point is taken, what is sent, and what is made of the answers."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_vm_restore
from emulator import Emulator, LogEntry
from emulator.points import Protected, add_points
from emulator.restores import start_session

from .harness import Harness, Session, all_versions, all_versions_and_formats
from .test_veeam_job_object import NS, VCENTER, find_ref
from .test_veeam_vm_backup import add_second_server, find_machine

ACTIONS = r"^/api/vmRestorePoints/"
KEYS = {"changed", "restore_point", "task", "restore_session", "restored_ref", "moid"}


def restore(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_vm_restore, of the machine sql01 beside the original unless told otherwise."""
    machine = {} if params.keys() & {"ref", "moid", "name", "restore_point"} else {"name": "sql01"}
    mode = {} if params.keys() & {"overwrite", "keep_original"} else {"keep_original": True}
    result = harness.run(veeam_vm_restore, session, options or {}, {**machine, **mode, **params}, check_mode=check_mode)
    assert result.keys() == KEYS
    return result


def actions(em: Emulator) -> list[LogEntry]:
    """Return the requests to restore."""
    return em.requests("POST", ACTIONS)


def points(em: Emulator, name: str = "sql01") -> list[Any]:
    """Return the restore points of a machine, the newest first."""
    rows = [row for row in em.world.table(em.world.catalogue["VmRestorePoint"]) if row.data["vmdisplayname"] == name]
    return sorted(rows, key=lambda row: row.data["creationtime"], reverse=True)


def sessions(em: Emulator) -> list[Any]:
    """Return the restore sessions that there are in truth."""
    return list(em.world.table(em.world.catalogue["RestoreSession"]))


@all_versions_and_formats
@pytest.mark.parametrize("user", ["admin", "operator"])
def test_a_restore_beside_the_original_is_followed_to_its_end(harness: Harness, em: Emulator, user: str) -> None:
    """Also for a restore operator, who may read neither hierarchy roots nor look objects up."""
    harness.user = user
    before = len(sessions(em))
    result = restore(harness)
    newest = points(em)[0]
    assert result["changed"] is True
    assert (result["restore_point"]["uid"], result["restore_point"]["ref"]) == (newest.uid, find_ref(em, "sql01"))
    assert (result["task"]["operation"], result["task"]["success"]) == ("StartVMRestore", True)
    session = result["restore_session"]
    assert (session["state"], session["result"], session["restore_type"]) == ("Stopped", "Success", "RestoreVm")
    assert session["restore_point_uid"] == newest.id
    assert result["restored_ref"] == find_ref(em, "sql01_restored") == session["restored_ref"]
    assert result["moid"] == find_machine(em, "sql01_restored").moid
    assert len(sessions(em)) == before + 1
    assert not em.requests("GET", "type=HierarchyRoot")
    assert not em.requests("GET", "^/api/(lookup|backupServers|hierarchyRoots)")


@all_versions
def test_what_is_sent_in_json(harness: Harness, em: Emulator) -> None:
    em.switches.unknown_members = "refused"
    harness.response_format = "json"
    restore(harness)
    restore(harness, overwrite=True, quick_rollback=True, power_on=True)
    beside, over = (json.loads(entry.body) for entry in actions(em))
    assert beside == {"VmRestoreSpec": {"PowerOnAfterRestore": False, "QuickRollback": False, "KeepOriginalVM": True}}
    assert over == {"VmRestoreSpec": {"PowerOnAfterRestore": True, "QuickRollback": True, "KeepOriginalVM": False}}


@all_versions
def test_what_is_sent_in_xml(harness: Harness, em: Emulator) -> None:
    """In the order of the reference, which the emulator insists on."""
    em.switches.unknown_members = "refused"
    harness.response_format = "xml"
    restore(harness)
    root = ET.fromstring(actions(em)[0].body)
    assert [root.tag, root[0].tag] == [f"{NS}RestoreSpec", f"{NS}VmRestoreSpec"]
    sent = [(child.tag.removeprefix(NS), child.text) for child in root[0]]
    assert sent == [("PowerOnAfterRestore", "false"), ("QuickRollback", "false"), ("KeepOriginalVM", "true")]


@all_versions
def test_a_machine_of_cloud_director(harness: Harness, em: Emulator) -> None:
    em.switches.unknown_members = "refused"
    with harness.failure("invalid_option") as caught:
        restore(harness, name="vc01")
    assert "does not offer it for Cloud Director" in caught.error.msg
    assert actions(em) == []
    harness.response_format = "json"
    assert restore(harness, name="vc01", overwrite=True)["restore_session"]["result"] == "Success"
    point = points(em, "vc01")[0]
    assert json.loads(actions(em)[0].body)["VmRestoreSpec"] == {
        "PowerOnAfterRestore": False,
        "HierarchyRootUid": f"urn:veeam:HierarchyRoot:{point.data['hierarchyobjref'].split(':')[3].partition('.')[0]}",
        "QuickRollback": False,
        "VmRestoreParameters": {"VmRestorePointUid": point.uid},
    }


@all_versions_and_formats
@pytest.mark.parametrize("params", [{}, {"overwrite": True}, {"wait_for": "nothing"}])
def test_check_mode_only_reads(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    result = restore(harness, em.logon(), check_mode=True, **params)
    assert (result["changed"], result["task"], result["restore_session"], result["moid"]) == (True, None, None, None)
    assert result["restore_point"]["uid"] == points(em)[0].uid
    assert [entry for entry in em.log if entry.method != "GET"] == []
    assert harness.slept == []


@pytest.mark.parametrize("params", [{}, {"overwrite": False}, {"overwrite": True, "keep_original": True}], ids=str)
def test_nothing_is_sent_without_a_word_on_the_original(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    with harness.failure("invalid_option") as caught:
        harness.run(veeam_vm_restore, None, {}, {"name": "sql01", **params})
    assert "set overwrite: true to replace it, or keep_original: true" in caught.error.msg
    assert em.log == []


def test_the_task_is_removed_unless_nothing_is_waited_for(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    result = restore(harness, session, wait_for="task")
    assert (result["task"]["state"], result["restore_session"], result["restored_ref"]) == ("Finished", None, None)
    assert em.tasks(session) == []
    result = restore(harness, session, wait_for="nothing")
    assert (result["changed"], result["task"]["state"]) == (True, "Running")
    assert len(em.tasks(session)) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Which restore point


@all_versions_and_formats
def test_a_restore_point_before_a_date(harness: Harness, em: Emulator) -> None:
    newest, second = points(em)[:2]
    stamp = newest.data["creationtime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert restore(harness, before=stamp, check_mode=True)["restore_point"]["uid"] == second.uid
    oldest = points(em)[-1].data["creationtime"].strftime("%Y-%m-%dT%H:%M:%S+00:00")
    with harness.failure("not_found") as caught:
        restore(harness, before=oldest)
    assert f"There is no restore point of Vm 'sql01' before {oldest}" in caught.error.msg


@all_versions_and_formats
def test_a_restore_point_by_its_uid(harness: Harness, em: Emulator) -> None:
    oldest = points(em)[-1]
    assert restore(harness, restore_point=oldest.uid, check_mode=True)["restore_point"]["uid"] == oldest.uid
    assert restore(harness, restore_point=oldest.id.upper(), check_mode=True)["restore_point"]["uid"] == oldest.uid
    with harness.failure("not_found"):
        restore(harness, restore_point="urn:veeam:VmRestorePoint:44cfbdbe-5a95-4156-8867-91f069b7c2cc")


@all_versions_and_formats
@pytest.mark.parametrize("setting", [True, False])
def test_a_machine_by_reference_or_id(harness: Harness, em: Emulator, setting: bool) -> None:
    """That points are filtered by reference is not documented; references are compared without case."""
    em.switches.filter_by_reference = setting
    ref, root = find_ref(em, "sql01"), em.world.inventory.root(VCENTER)
    assert root is not None
    for params in (
        {"ref": ref},
        {"ref": ref.replace(":Vm:", ":VM:")},
        {"moid": "VM-104", "root": root.uid},
        {"moid": "vm-104", "root": VCENTER},
        {"moid": "vm-104", "root": str(root.data["uniqueid"]).lower()},
    ):
        assert restore(harness, check_mode=True, **params)["restore_point"]["uid"] == points(em)[0].uid
    with harness.failure("not_found"):
        restore(harness, ref=ref + "9")


@all_versions
def test_references_of_another_spelling_are_found(harness: Harness, em: Emulator) -> None:
    for row in points(em):
        row.data["hierarchyobjref"] = row.data["hierarchyobjref"].replace(":Vm:", ":VM:")
    assert restore(harness, ref=find_ref(em, "sql01"), check_mode=True)["restore_point"]["uid"] == points(em)[0].uid


@all_versions_and_formats
@pytest.mark.parametrize("setting", ["ignored", "rejected", "empty"])
def test_a_server_that_does_not_filter(harness: Harness, em: Emulator, setting: str) -> None:
    em.switches.query_filter = setting
    assert restore(harness)["restore_point"]["uid"] == points(em)[0].uid
    with harness.failure("not_found"):
        restore(harness, name="nobody")


@all_versions_and_formats
def test_machines_of_one_name(harness: Harness, em: Emulator) -> None:
    """None is taken by chance; with a root or a backup server, only one that is there."""
    add_second_server(em)
    second = next(
        root for root in em.world.inventory.roots if root.name == VCENTER and root is not em.world.inventory.root(VCENTER)
    )
    machine = find_machine(em, "sql01")
    world = em.world
    job = world.job("Daily Backup", "vbr02.vbem.test")
    (other,) = add_points(world, job, em.clock.now() - 3600, [Protected("sql01", world.inventory.reference(second, machine))])
    with harness.failure("ambiguous") as caught:
        restore(harness)
    assert "on vbr01.vbem.test" in caught.error.msg
    assert "on vbr02.vbem.test. Set backup_server, or ref" in caught.error.msg
    with harness.failure("ambiguous"):
        restore(harness, moid=machine.moid, root=VCENTER)
    assert actions(em) == []
    for params in (
        {"backup_server": "VBR02.vbem.test"},
        {"root": second.uid},
        {"backup_server": "vbr02.vbem.test", "root": VCENTER},
    ):
        assert restore(harness, check_mode=True, name="sql01", **params)["restore_point"]["uid"] == other.uid
    assert restore(harness, check_mode=True, moid="vm-104", root=VCENTER, backup_server="vbr02.vbem.test")


@all_versions_and_formats
def test_a_machine_below_another_root_is_not_taken(harness: Harness, em: Emulator) -> None:
    for root in ("hyperv01.vbem.test", em.world.inventory.root("hyperv01.vbem.test").uid):  # type: ignore[union-attr]
        with harness.failure("not_found"):
            restore(harness, name="sql01", root=root)
    with harness.failure("not_found") as caught:
        restore(harness, name="sql01", root="nowhere")
    assert "There is no hierarchy root nowhere" in caught.error.msg
    assert actions(em) == []


def test_a_restore_operator_who_names_a_root(harness: Harness, em: Emulator) -> None:
    harness.user = "operator"
    with harness.failure("forbidden") as caught:
        restore(harness, name="sql01", root=VCENTER)
    assert "leave root out, or give ref" in caught.error.msg
    root = em.world.inventory.root(VCENTER)
    assert root is not None
    assert restore(harness, name="sql01", root=root.uid)["changed"] is True


@all_versions
def test_a_portal_user_may_not(harness: Harness, em: Emulator) -> None:
    harness.user = "portal"
    with harness.failure("forbidden") as caught:
        restore(harness)
    assert "needs the role Portal Administrator or VM Restore Operator" in caught.error.msg
    assert caught.result["changed"] is False
    assert len(actions(em)) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Results of the session


@all_versions_and_formats
def test_a_restore_that_fails(harness: Harness, em: Emulator) -> None:
    """Its task has succeeded: the request was accepted."""
    find_machine(em, "sql01").restore_script = ["failed"]
    session = em.logon()
    with harness.failure("job_failed") as caught:
        restore(harness, session)
    assert "ended with Failed: the server gives no reason, see its log" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["task"]["success"] is True
    assert (caught.result["restore_session"]["result"], caught.result["restored_ref"]) == ("Failed", None)
    assert em.tasks(session) == []


@all_versions
@pytest.mark.parametrize("fail_on_warning", [False, True])
def test_a_restore_with_warnings(harness: Harness, em: Emulator, fail_on_warning: bool) -> None:
    find_machine(em, "sql01").restore_script = ["warning"]
    if not fail_on_warning:
        assert restore(harness)["restore_session"]["result"] == "Warning"
        return
    with harness.failure("job_failed") as caught:
        restore(harness, fail_on_warning=True)
    assert caught.result["restored_ref"] is not None


def test_a_restore_that_never_ends(harness: Harness, em: Emulator) -> None:
    find_machine(em, "sql01").restore_script = ["never"]
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        restore(harness, wait_timeout=50)
    assert 50 <= em.clock.now() - began < 55
    assert (caught.result["changed"], caught.result["restore_session"]["state"]) == (True, "Working")
    assert harness.progress[-1].startswith("sql01@")
    assert harness.progress[-1].endswith(": Working 45%")


@all_versions
def test_a_restore_over_the_original(harness: Harness, em: Emulator) -> None:
    result = restore(harness, overwrite=True, before="")
    assert (result["restored_ref"], result["moid"]) == (find_ref(em, "sql01"), "vm-104")
    assert em.world.inventory.named("sql01_restored") is None


# ---------------------------------------------------------------------------------------------------------------------
# Lost answers


@all_versions_and_formats
@pytest.mark.parametrize("effect", ["reset", "close", "cut", "garbage"])
def test_a_lost_answer_is_looked_up_and_nothing_is_restored_twice(harness: Harness, em: Emulator, effect: str) -> None:
    restore(harness)
    em.fault(effect, method="POST", path=ACTIONS, when="after")
    result = restore(harness)
    assert result["changed"] is True
    assert result["restore_session"]["result"] == "Success"
    assert result["restore_session"]["uid"] == sessions(em)[-1].uid
    assert len(actions(em)) == 2


@all_versions
@pytest.mark.parametrize(
    ("effect", "settings"), [("reset", {}), ("slow", {"delay": 3}), ("status", {"status": 502}), ("status", {"status": 504})]
)
def test_an_earlier_restore_is_not_taken_for_one_that_got_lost(
    harness: Harness, em: Emulator, effect: str, settings: dict[str, Any]
) -> None:
    """The same restore point was restored a moment ago; then the request never arrives."""
    restore(harness)
    before = len(sessions(em))
    em.fault(effect, method="POST", path=ACTIONS, **settings)
    with harness.failure_of_any_kind(), pytest.raises(Exception, match="may have been carried out and was not repeated"):
        restore(harness, options={"timeout": 1})
    assert len(sessions(em)) == before
    assert len(actions(em)) == 2


def test_two_restores_that_appear_at_once_cannot_be_told_apart(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another client restores the same point between the look before the request and the request."""
    add_task = em.backend.add_task

    def restore_too(*arguments: Any, **settings: Any) -> Any:
        start_session(em.world, em.world.server("vbr01.vbem.test"), "sql01", point=points(em)[0])
        return add_task(*arguments, **settings)

    monkeypatch.setattr(em.backend, "add_task", restore_too)
    em.fault("reset", method="POST", path=ACTIONS, when="after")
    with harness.failure("connection") as caught:
        restore(harness)
    assert "a second request would be a second restore" in caught.error.msg
    assert caught.result["restore_session"] is None
    assert len(actions(em)) == 1


@all_versions
def test_a_task_that_names_no_session(harness: Harness, em: Emulator) -> None:
    """The one that has appeared since the request is it."""
    em.switches.related_link = False
    result = restore(harness)
    assert result["restore_session"]["uid"] == sessions(em)[-1].uid
    assert result["restore_session"]["result"] == "Success"


@all_versions
@pytest.mark.parametrize("answer", [200, 201, 204])
def test_other_answers(harness: Harness, em: Emulator, answer: int) -> None:
    em.switches.action_answer = answer  # type: ignore[assignment]
    assert restore(harness)["restore_session"]["result"] == "Success"


def test_a_session_that_is_lost_while_the_restore_runs(harness: Harness, em: Emulator) -> None:
    em.fault("expire", method="GET", path="/api/restoreSessions/", skip=1)
    with harness.failure("session_lost") as caught:
        restore(harness, em.logon())
    assert caught.result["changed"] is True
    assert caught.result["restore_session"]["state"] != "Stopped"
    assert len(actions(em)) == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": None}, "No machine is given"),
        ({"ref": "vm-518"}, "give a reference such as"),
        ({"quick_rollback": True}, "cannot go with keep_original"),
        ({"restore_point": "urn:veeam:VmRestorePoint:44cfbdbe-5a95-4156-8867-91f069b7c2cc"}, "leave ref, moid, name"),
        ({"name": None, "restore_point": "latest"}, "give a UID such as"),
        ({"before": "yesterday"}, "give a date such as"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], message: str
) -> None:
    with harness.failure("invalid_option") as caught:
        harness.run(veeam_vm_restore, None, {}, {"name": "sql01", "keep_original": True, **params})
    assert message in caught.error.msg
    assert em.log == []
