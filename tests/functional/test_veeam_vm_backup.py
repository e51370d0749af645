# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_vm_backup: what is sent to back up one machine, and what is made of the answers."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_vm_backup
from emulator import Emulator, LogEntry

from .harness import Harness, Session, all_versions, all_versions_and_formats
from .test_veeam_job_object import NS, VCENTER, find_ref

MACHINE = {"name": "sql01", "root": VCENTER}
ZIP = {"mode": "zip", "repository": "Scale-out 01"}
ACTIONS = r"^/api/backupServers/[^/]+$"


def back_up(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_vm_backup, of the machine sql01 unless told otherwise."""
    machine = {} if params.keys() & {"ref", "moid"} else MACHINE
    result = harness.run(veeam_vm_backup, session, options or {}, {**machine, **params}, check_mode=check_mode)
    assert result.keys() == {"changed", "machine", "task", "job_session"}
    return result


def actions(em: Emulator) -> list[LogEntry]:
    """Return the requests to back up."""
    return em.requests("POST", ACTIONS)


def start_job(em: Emulator, name: str = "SQL Backup") -> Any:
    run = em.world.start_run(em.world.job(name))
    em.clock.advance(1)
    return run


@all_versions_and_formats
@pytest.mark.parametrize("user", ["admin", "portal"])
def test_a_quick_backup_is_followed_to_its_end(harness: Harness, em: Emulator, user: str) -> None:
    """Also for a Portal User, who may not read jobs."""
    harness.user = user
    before = len(em.world.runs)
    result = back_up(harness)
    (entry,) = actions(em)
    assert entry.target.endswith("?action=quickbackup")
    assert result["changed"] is True
    assert result["machine"] == {
        "ref": find_ref(em, "sql01"),
        "name": "sql01",
        "type": "Vm",
        "root": VCENTER,
        "backup_server": "vbr01.vbem.test",
    }
    assert (result["task"]["operation"], result["task"]["success"]) == ("QuickBackup", True)
    session = result["job_session"]
    assert (session["job_name"], session["state"], session["result"]) == ("SQL Backup", "Stopped", "Success")
    assert len(em.world.runs) == before + 1
    assert not em.requests("GET", "type=(Job|ObjectInJob)(&|$)")
    assert not em.requests("GET", "^/api/jobs")


@all_versions
def test_what_is_sent_in_json(harness: Harness, em: Emulator) -> None:
    em.switches.unknown_members = "refused"
    harness.response_format = "json"
    back_up(harness, wait_for="task")
    back_up(harness, **ZIP, wait_for="task", retention="2_weeks", compression=5, quiesce=False, password_key="a-1")
    quick, zipped = (json.loads(entry.body) for entry in actions(em))
    assert quick == {"VmRef": find_ref(em, "sql01")}
    repository = next(one for one in em.world.table(em.world.catalogue["Repository"]) if one.name == "Scale-out 01")
    assert zipped == {
        "VmRef": find_ref(em, "sql01"),
        "RepositoryUid": repository.uid,
        "PasswordKeyId": "a-1",
        "CompressionLevel": 5,
        "DisableGuestQuiescence": True,
        "BackupRetention": "In2Weeks",
    }


@all_versions
def test_what_is_sent_in_xml(harness: Harness, em: Emulator) -> None:
    """In the order of the reference, which the emulator insists on; what is not given is left out."""
    em.switches.unknown_members = "refused"
    harness.response_format = "xml"
    back_up(harness, wait_for="task")
    back_up(harness, **ZIP, wait_for="task")
    quick, zipped = (ET.fromstring(entry.body) for entry in actions(em))
    assert [quick.tag, *(child.tag for child in quick)] == [f"{NS}QuickBackupStartupSpec", f"{NS}VmRef"]
    assert zipped.tag == f"{NS}VeeamZipStartupSpec"
    assert [child.tag.removeprefix(NS) for child in zipped] == [
        "VmRef",
        "RepositoryUid",
        "CompressionLevel",
        "DisableGuestQuiescence",
        "BackupRetention",
    ]
    assert [child.text for child in zipped][2:] == ["3", "false", "Never"]


@all_versions_and_formats
def test_a_veeamzip_is_followed_to_its_end(harness: Harness, em: Emulator) -> None:
    harness.user = "portal"
    result = back_up(harness, **ZIP, name="build01")
    assert result["task"]["operation"] == "VeeamZip"
    assert (result["job_session"]["name"].partition("@")[0], result["job_session"]["result"]) == ("VeeamZIP build01", "Success")


@all_versions
def test_a_machine_by_reference_or_id(harness: Harness, em: Emulator) -> None:
    ref = find_ref(em, "sql01")
    for params in (
        {"ref": ref.replace(":Vm:", ":VM:")},
        {"moid": "vm-104", "root": VCENTER},
        {"moid": "vm-104", "root": str(em.world.inventory.root(VCENTER).data["uniqueid"]).lower()},  # type: ignore[union-attr]
    ):
        assert back_up(harness, **params)["machine"]["ref"] == ref
    assert {json.loads(entry.body)["VmRef"] for entry in actions(em)} == {ref}
    assert em.requests("GET", "/api/lookup") == []


@all_versions_and_formats
@pytest.mark.parametrize("params", [{}, ZIP, {"wait_for": "nothing"}])
def test_check_mode_only_reads(harness: Harness, em: Emulator, params: dict[str, Any]) -> None:
    result = back_up(harness, em.logon(), check_mode=True, **params)
    assert (result["changed"], result["task"], result["job_session"]) == (True, None, None)
    assert result["machine"]["name"] == "sql01"
    assert [entry for entry in em.log if entry.method != "GET"] == []
    assert harness.slept == []


def test_check_mode_fails_where_the_backup_would(harness: Harness, em: Emulator) -> None:
    with harness.failure("not_found"):
        back_up(harness, name="nobody", root=VCENTER, check_mode=True)
    with harness.failure("not_found"):
        back_up(harness, mode="zip", repository="nowhere", check_mode=True)
    with harness.failure("invalid_option") as caught:
        back_up(harness, name="branch01", root="hyperv01.vbem.test", **ZIP, check_mode=True)
    assert "VMware vSphere" in caught.error.msg
    assert actions(em) == []


def test_the_task_is_removed_unless_nothing_is_waited_for(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    result = back_up(harness, session, wait_for="task")
    assert (result["task"]["state"], result["job_session"]) == ("Finished", None)
    assert em.tasks(session) == []
    em.clock.advance(60)
    result = back_up(harness, session, wait_for="nothing")
    assert (result["changed"], result["task"]["state"]) == (True, "Running")
    assert len(em.tasks(session)) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Results of the session


@all_versions_and_formats
def test_a_backup_that_fails_says_why(harness: Harness, em: Emulator) -> None:
    set_outcome(em, "mail01", "failed")
    with harness.failure("job_failed") as caught:
        back_up(harness, name="mail01")
    assert caught.error.msg.endswith(f"ended with Failed: {find_machine(em, 'mail01').reason}")
    assert caught.result["changed"] is True
    assert caught.result["job_session"]["result"] == "Failed"


@all_versions
@pytest.mark.parametrize("fail_on_warning", [False, True])
def test_a_backup_with_warnings(harness: Harness, em: Emulator, fail_on_warning: bool) -> None:
    set_outcome(em, "sql01", "warning")
    if not fail_on_warning:
        assert back_up(harness)["job_session"]["result"] == "Warning"
        return
    with harness.failure("job_failed") as caught:
        back_up(harness, fail_on_warning=True)
    assert caught.result["job_session"]["result"] == "Warning"


@all_versions_and_formats
def test_a_machine_without_a_full_backup(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.world.add_object(em.world.job("SQL Backup"), "build01")
    with harness.failure("task_failed") as caught:
        back_up(harness, session, name="build01")
    assert "has no full backup" in caught.error.msg
    assert caught.result["changed"] is False
    assert "wait_if_busy" not in caught.error.msg, "no job session is active on the backup server"
    assert em.tasks(session) == [], "the task that failed was removed, too"


def find_machine(em: Emulator, name: str) -> Any:
    """Return a machine of the inventory."""
    item = em.world.inventory.named(name)
    assert item is not None
    return item


def set_outcome(em: Emulator, name: str, outcome: str) -> None:
    """Let a machine's next backup end like this."""
    find_machine(em, name).backup_script = [outcome]


def test_a_backup_that_never_ends(harness: Harness, em: Emulator) -> None:
    set_outcome(em, "sql01", "never")
    began = em.clock.now()
    with harness.failure("wait_timeout") as caught:
        back_up(harness, wait_timeout=50)
    assert 50 <= em.clock.now() - began < 55
    assert (caught.result["changed"], caught.result["job_session"]["state"]) == (True, "Working")
    assert harness.progress[-1].startswith("SQL Backup@")


# ---------------------------------------------------------------------------------------------------------------------
# A busy job


@all_versions_and_formats
def test_a_job_that_runs_is_told_and_a_wait_is_offered(harness: Harness, em: Emulator) -> None:
    harness.user = "portal"
    run = start_job(em)
    with harness.failure("task_failed") as caught:
        back_up(harness)
    assert "is already running" in caught.error.msg
    assert f"these job sessions are active: {run.name}. Set wait_if_busy to wait for them" in caught.error.msg
    assert caught.result["changed"] is False
    assert len(actions(em)) == 1


@all_versions_and_formats
def test_a_wait_for_a_job_that_runs(harness: Harness, em: Emulator) -> None:
    em.switches.run_duration = 900.0
    start_job(em)
    em.switches.run_duration = 3.0
    session = em.logon()
    result = back_up(harness, session, wait_if_busy=3600, wait_timeout=30)
    assert result["job_session"]["result"] == "Success"
    assert len(actions(em)) == 2
    assert em.tasks(session) == []
    assert sum(harness.slept) > 890


def test_a_wait_for_a_job_that_runs_for_too_long(harness: Harness, em: Emulator) -> None:
    em.switches.run_duration = 900.0
    start_job(em)
    began = em.clock.now()
    with harness.failure("task_failed") as caught:
        back_up(harness, wait_if_busy=100)
    assert 100 <= em.clock.now() - began < 120
    assert "is already running" in caught.error.msg
    assert len(actions(em)) == 1


def test_jobs_of_other_backup_servers_are_not_waited_for(harness: Harness, em: Emulator) -> None:
    em.switches.run_duration = 900.0
    em.world.start_run(em.world.job("Daily Backup", "vbr02.vbem.test"))
    em.clock.advance(1)
    em.world.add_object(em.world.job("SQL Backup"), "build01")
    with harness.failure("task_failed") as caught:
        back_up(harness, name="build01", wait_if_busy=3600)
    assert "has no full backup" in caught.error.msg
    assert len(actions(em)) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Which machine


def add_second_server(em: Emulator) -> None:
    """Let a second backup server know the vCenter."""
    unique_id = str(em.world.inventory.root(VCENTER).data["uniqueid"])  # type: ignore[union-attr]
    em.world.add_root(VCENTER, "vbr02.vbem.test", unique_id=unique_id)


@all_versions_and_formats
def test_a_vcenter_on_two_backup_servers(harness: Harness, em: Emulator) -> None:
    add_second_server(em)
    with harness.failure("ambiguous") as caught:
        back_up(harness)
    assert "sql01 on vbr01.vbem.test, sql01 on vbr02.vbem.test. Set backup_server" in caught.error.msg
    assert actions(em) == []
    assert len(em.requests("GET", "/api/lookup")) == 2
    result = back_up(harness, backup_server="VBR01.vbem.test")
    assert result["machine"]["backup_server"] == "vbr01.vbem.test"
    assert len(em.requests("GET", "/api/lookup")) == 3, "only below the root of that server"
    with harness.failure("not_found") as caught:
        back_up(harness, backup_server="vbr09")
    assert "backup_server cannot be 'vbr09': there is vbr01.vbem.test, vbr02.vbem.test" in caught.error.msg


def test_machines_of_one_name(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous"):
        back_up(harness, name="test01", root=VCENTER)
    with harness.failure("not_found"):
        back_up(harness, name="sql01", root="hyperv01.vbem.test")
    with harness.failure("not_found") as caught:
        back_up(harness, ref="urn:VMware:Vm:44cfbdbe-5a95-4156-8867-91f069b7c2cc.vm-1")
    assert "No backup server knows the hierarchy root" in caught.error.msg
    assert actions(em) == []


@all_versions_and_formats
def test_a_repository_of_the_backup_server(harness: Harness, em: Emulator) -> None:
    """Another backup server has a repository of the same name."""
    result = back_up(harness, mode="zip", repository="default BACKUP repository", wait_for="task")
    assert result["changed"] is True
    own = em.world.server("vbr01.vbem.test").uid
    sent = ET.fromstring(actions(em)[0].body)[1].text if harness.response_format == "xml" else None
    uid = sent or json.loads(actions(em)[0].body)["RepositoryUid"]
    (row,) = (one for one in em.world.table(em.world.catalogue["Repository"]) if one.uid == uid)
    assert row.data["backupserveruid"] == own
    assert back_up(harness, mode="zip", repository=uid, wait_for="task")["changed"] is True


@all_versions_and_formats
@pytest.mark.parametrize("setting", ["ignored", "rejected", "empty"])
def test_a_server_that_does_not_filter(harness: Harness, em: Emulator, setting: str) -> None:
    em.switches.query_filter = setting
    assert back_up(harness, **ZIP)["changed"] is True
    with harness.failure("not_found") as caught:
        back_up(harness, mode="zip", repository="nowhere")
    assert "the option repository cannot be 'nowhere'" in caught.error.msg.lower()


# ---------------------------------------------------------------------------------------------------------------------
# Lost answers, refusals


@all_versions
@pytest.mark.parametrize("effect", ["reset", "cut", "garbage"])
def test_a_request_without_an_answer_is_not_repeated(harness: Harness, em: Emulator, effect: str) -> None:
    em.fault(effect, method="POST", path=ACTIONS, when="after")
    with harness.failure_of_any_kind(), pytest.raises(Exception, match=r"may have been carried out|accepted the request"):
        back_up(harness)
    assert len(actions(em)) == 1


@all_versions
@pytest.mark.parametrize("related", ["old", "other_job"])
def test_a_task_that_names_another_session(harness: Harness, em: Emulator, related: str) -> None:
    """The end of another session is not that of this backup. The wait for the right name is short."""
    em.switches.related_run = related
    if related == "other_job":  # it cannot be told from this one, unless it is of another time
        em.clock.advance(7200)
    with harness.failure("wait_timeout") as caught:
        back_up(harness)
    assert "began at another time" in caught.error.msg
    assert caught.result["changed"] is True
    assert caught.result["job_session"] is None
    assert sum(harness.slept) < 70


def test_a_task_that_names_no_session(harness: Harness, em: Emulator) -> None:
    em.switches.related_link = False
    with harness.failure("bad_response") as caught:
        back_up(harness)
    assert "use wait_for: task" in caught.error.msg
    assert caught.result["changed"] is True


@all_versions
def test_a_restore_operator_may_not(harness: Harness, em: Emulator) -> None:
    harness.user = "operator"
    with harness.failure("forbidden"):
        back_up(harness)
    assert actions(em) == []


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": None}, "No machine is given"),
        ({"name": ""}, "No machine is given"),
        ({"ref": "vm-518"}, "give a reference such as"),
        ({"ref": "urn:VMware:Folder:44cfbdbe-5a95-4156-8867-91f069b7c2cc.group-v1"}, "must refer to a virtual machine"),
        ({"mode": "zip"}, "needs the name or UID of a repository"),
        ({"mode": "zip", "repository": "x", "compression": 6}, "give a whole number from 1 to 5"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"wait_if_busy": -1}, "wait_if_busy"),
    ],
    ids=str,
)
def test_bad_options_are_refused_before_any_request(
    harness: Harness, em: Emulator, params: dict[str, Any], message: str
) -> None:
    with harness.failure("invalid_option") as caught:
        harness.run(veeam_vm_backup, None, {}, {"name": "sql01", **params})
    assert message in caught.error.msg
    assert em.log == []
