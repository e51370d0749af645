# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles protect_vm and unprotect_vm, run by their playbooks: what they leave in the jobs, and when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.emulators import FAST_SWITCHES, create_environment_variables, create_session
from support.playbooks import PlaybookRun, run_failing_roles, run_playbook
from support.tiers import sample, thorough

from emulator import Emulator, Switches
from emulator.points import Protected

VCENTER = "vcenter01.vbem.test"
JOB = "SQL Backup"
GUID = "44cfbdbe-5a95-4156-8867-91f069b7c2cc"
REF = "urn:VMware:"
FRESH = {"moid": "vm-900", "root": VCENTER}


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator with a machine that no job holds, fresh01."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        emulator.world.add_machine(VCENTER, "fresh01", moid="vm-900")
        yield emulator


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder for Ansible."""
    return tmp_path


def run(em: Emulator, home: Path, playbook: str, *options: str, fails: bool = False, **variables: Any) -> PlaybookRun:
    """Run a shipped playbook to the end that is expected, and check that no session is left open."""
    prefixed = {f"{playbook}_{name}": value for name, value in variables.items()}
    done = run_playbook(
        f"vbem.rest.{playbook}",
        *options,
        home=home,
        environment=create_environment_variables(em),
        variables=prefixed,
        expected=(2,) if fails else (0,),
        collect=True,
    )
    assert em.sessions == []
    return done


def protect(em: Emulator, home: Path, *options: str, **variables: Any) -> PlaybookRun:
    """Run the playbook protect_vm for fresh01 with a first backup, unless told otherwise."""
    given = {"machines": [FRESH], "job": JOB, "first_backup": True, **variables}
    return run(em, home, "protect_vm", *options, **{name: value for name, value in given.items() if value is not None})


def held(em: Emulator, job: str = JOB) -> list[str]:
    """Return the names of what a job holds in truth."""
    return [row.name for row in em.world.objects_of(em.world.job(job))]


def count_points(em: Emulator, moid: str = "vm-900") -> int:
    """Return how many restore points a machine has."""
    table = em.world.table(em.world.catalogue["VmRestorePoint"])
    return len([row for row in table if str(row.data["hierarchyobjref"]).lower().endswith(f".{moid}")])


def changed(done: PlaybookRun) -> list[str]:
    """Return the names of the tasks that changed something."""
    return [line["name"] for line in done.results if line["result"].get("changed") and "item" not in line["outcome"]]


def message(done: PlaybookRun) -> str:
    """Return the message of the task that failed."""
    return str(next(line["result"]["msg"] for line in done.results if "failed" in line["outcome"]))


def writes(em: Emulator) -> list[Any]:
    """Return the requests that change something, the logons aside."""
    sent = em.requests("POST") + em.requests("PUT") + em.requests("DELETE")
    return [entry for entry in sent if not any(part in entry.path for part in ("/sessionMngr", "/logonSessions"))]


# ---------------------------------------------------------------------------------------------------------------------
# protect_vm


@pytest.mark.parametrize("spelling", sample(["Vm", "VM"], ["VM"]))
def test_a_new_machine_is_protected_and_backed_up_once(em: Emulator, home: Path, spelling: str) -> None:
    em.switches.machine_type = spelling
    em.world.add_machine(VCENTER, "late01", moid="vm-901", visible_after=2.0)
    machines = [FRESH, {"moid": "vm-901", "root": VCENTER}]
    done = protect(em, home, machines=machines)
    assert changed(done) == ["Put the machines into the job", "Run the job until the run has finished"]
    assert "There is late01@" in done.output
    assert held(em)[-2:] == ["fresh01", "late01"]
    assert (count_points(em), count_points(em, "vm-901")) == (1, 1)
    assert changed(protect(em, home, machines=machines)) == []
    assert (count_points(em), count_points(em, "vm-901")) == (1, 1)


@thorough
def test_check_mode_changes_nothing(em: Emulator, home: Path) -> None:
    before = held(em)
    done = protect(em, home, "--check")
    assert changed(done) == ["Put the machines into the job", "Run the job until the run has finished"]
    assert held(em) == before
    assert writes(em) == []


@thorough
def test_without_a_first_backup_no_job_is_run(em: Emulator, home: Path) -> None:
    assert changed(protect(em, home, first_backup=None)) == ["Put the machines into the job"]
    assert count_points(em) == 0


@thorough
def test_a_run_that_had_begun_before_is_no_first_backup(em: Emulator, home: Path) -> None:
    """A run backs up what the job held when it began."""
    job = em.world.job(JOB)
    em.switches.run_duration = 12
    em.world.start_run(job).machines = list_machines(em, job)
    em.switches.run_duration = 0.4
    done = protect(em, home, point_timeout=1)
    assert [line["name"] for line in done.results].count("Run the job until the run has finished") == 2
    assert count_points(em) == 1


def list_machines(em: Emulator, job: Any) -> list[Any]:
    """Return the machines of a job as its runs know them."""
    found = []
    for row in em.world.objects_of(job):
        known = em.world.inventory.find(str(row.data["hierarchyobjref"]))
        assert known is not None
        found.append((known[1], Protected(known[1].name, em.world.inventory.reference(*known))))
    return found


@thorough
def test_a_restore_point_that_shows_late_is_waited_for(em: Emulator, home: Path) -> None:
    em.switches.point_delay = 3
    protect(em, home)
    assert count_points(em) == 1


@thorough
def test_a_machine_without_a_restore_point_is_a_failure(em: Emulator, home: Path) -> None:
    em.switches.point_delay = 1000
    done = protect(em, home, fails=True, point_timeout=1)
    assert "ended as Success, but fresh01 has no restore point 1 seconds later" in message(done)


@thorough
def test_a_run_that_fails_is_a_failure_and_the_machine_stays_protected(em: Emulator, home: Path) -> None:
    em.world.job(JOB).script = ["failed", "success"]
    em.world.inventory.named("fresh01").reason = "Failed to create a snapshot."
    done = protect(em, home, fails=True)
    assert "Failed" in message(done)
    assert held(em)[-1] == "fresh01"
    assert count_points(em) == 0
    assert changed(protect(em, home)) == ["Run the job until the run has finished"]
    assert count_points(em) == 1


@thorough
def test_a_machine_that_another_job_holds_is_kept_there(em: Emulator, home: Path) -> None:
    before = held(em)
    done = protect(em, home, machines=[{"name": "web01", "root": VCENTER}], unless_in_any_job=True)
    assert changed(done) == []
    assert held(em) == before


@thorough
def test_one_vcenter_on_two_backup_servers(em: Emulator, home: Path) -> None:
    (root,) = [one for one in em.world.inventory.roots if one.name == VCENTER]
    em.world.add_root(VCENTER, "vbr02", unique_id=str(root.data["uniqueid"]))
    protect(em, home, machines=[{"moid": "VM-900", "root": str(root.data["uniqueid"]).lower()}])
    assert held(em)[-1] == "fresh01"
    assert count_points(em) == 1


@thorough
def test_a_root_may_be_left_out_where_the_server_of_the_job_has_one(em: Emulator, home: Path) -> None:
    protect(em, home, machines=[{"name": "fresh01", "root": ""}])
    assert count_points(em) == 1


# ---------------------------------------------------------------------------------------------------------------------
# unprotect_vm


def unprotect(em: Emulator, home: Path, *options: str, **variables: Any) -> PlaybookRun:
    """Run the playbook unprotect_vm."""
    return run(em, home, "unprotect_vm", *options, **variables)


@thorough
def test_a_machine_is_taken_out_of_a_job_once(em: Emulator, home: Path) -> None:
    em.world.add_object(em.world.job(JOB), "fresh01")
    before = held(em)
    done = unprotect(em, home, "--check", job=JOB, machines=[FRESH])
    assert changed(done) == ["Remove the machines"]
    assert held(em) == before
    done = unprotect(em, home, job=JOB, machines=[FRESH])
    assert "Removed: fresh01" in done.output
    assert held(em) == before[:-1]
    done = unprotect(em, home, job=JOB, machines=[FRESH])
    assert changed(done) == []
    assert "Removed: nothing" in done.output


@thorough
def test_a_machine_is_taken_out_of_all_jobs(em: Emulator, home: Path) -> None:
    for job in (JOB, "Manual Backup"):
        em.world.add_object(em.world.job(job), "fresh01")
    other = {job.name: held(em, job.name) for job in em.world.jobs if job.name not in (JOB, "Manual Backup", "Daily Backup")}
    unprotect(em, home, all_jobs=True, machines=[FRESH])
    assert "fresh01" not in held(em) + held(em, "Manual Backup")
    assert {name: held(em, name) for name in other} == other
    assert changed(unprotect(em, home, all_jobs=True, machines=[FRESH])) == []


def test_a_job_that_would_be_left_empty_stops_everything(em: Emulator, home: Path) -> None:
    em.world.add_object(em.world.job(JOB), "fresh01")
    only = em.world.add_job("Only Fresh", server="vbr01")
    em.world.add_object(only, "fresh01")
    done = unprotect(em, home, fails=True, all_jobs=True, machines=[FRESH])
    assert "a job's last object cannot be removed" in done.output
    assert "fresh01" in held(em)
    assert held(em, "Only Fresh") == ["fresh01"]
    assert writes(em) == []


@thorough
def test_twins_and_unknown_machines_stop_everything(em: Emulator, home: Path) -> None:
    em.world.add_object(em.world.job(JOB), "fresh01")
    done = unprotect(em, home, fails=True, all_jobs=True, machines=[FRESH, {"name": "test01", "root": VCENTER}])
    assert "Several machines match" in done.output
    done = unprotect(em, home, fails=True, all_jobs=True, machines=[FRESH, {"name": "nobody", "root": VCENTER}])
    assert "The inventory does not know" in message(done)
    assert "fresh01" in held(em)
    assert writes(em) == []


def test_a_session_is_borrowed_and_facts_are_set_for_a_rescue(em: Emulator, home: Path) -> None:
    session = em.logon()
    play = home / "play.yml"
    role = {"name": "Protect", "ansible.builtin.include_role": {"name": "vbem.rest.protect_vm"}}
    show = {"name": "Show", "ansible.builtin.debug": {"var": "protect_vm_result"}}
    tasks = [{"name": "Try", "block": [role], "rescue": [show]}]
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    em.world.job(JOB).script = ["failed"]
    variables = {"session": create_session(em, session), "job": JOB, "machines": [FRESH], "first_backup": True}
    done = run_playbook(
        play, home=home, variables={f"protect_vm_{name}": value for name, value in variables.items()}, collect=True
    )
    (shown,) = [line["result"]["protect_vm_result"] for line in done.results if line["name"] == "Show"]
    assert [one["name"] for one in shown["added"]] == ["fresh01"]
    assert em.requests("POST", "/sessionMngr") == []
    assert em.sessions == [session]


BAD_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("protect_vm", {"machines": [], "job": JOB}, "protect_vm_machines is empty"),
    ("protect_vm", {"machines": [{"ref": f"{REF}Folder:{GUID}.group-v20"}], "job": JOB}, "give virtual machines"),
    ("protect_vm", {"machines": [FRESH]}, "Set exactly one of protect_vm_job and protect_vm_job_uid"),
    ("protect_vm", {"machines": [FRESH], "job": JOB, "job_uid": f"urn:veeam:Job:{GUID}"}, "Set exactly one of protect_vm_job"),
    ("protect_vm", {"machines": [FRESH], "job": JOB, "poll_interval": 0}, "cannot be 86400, 600, 60, 0"),
    ("protect_vm", {"machines": [{"nmae": "fresh01"}], "job": JOB}, "nmae"),
    ("protect_vm", {"machines": [FRESH], "job": JOB, "first_backup": "perhaps"}, "perhaps"),
    ("unprotect_vm", {"machines": [], "job": JOB}, "unprotect_vm_machines is empty"),
    ("unprotect_vm", {"machines": [{"ref": f"{REF}Folder:{GUID}.group-v20"}], "job": JOB}, "give virtual machines"),
    ("unprotect_vm", {"machines": [{"name": "*"}], "all_jobs": True}, "cannot have the name *"),
    ("unprotect_vm", {"machines": [FRESH]}, "Set exactly one of unprotect_vm_job"),
    ("unprotect_vm", {"machines": [FRESH], "job": JOB, "all_jobs": True}, "Set exactly one of unprotect_vm_job"),
    ("unprotect_vm", {"machines": [FRESH], "backup_server": "vbr01", "all_jobs": True}, "has no meaning with"),
    ("unprotect_vm", {"machines": [FRESH], "job": JOB, "wait_timeout": 0}, "cannot be 0 and 10"),
]


def test_bad_options_are_refused_before_any_request(em: Emulator, home: Path) -> None:
    cases = [(role, variables) for role, variables, _expected in BAD_OPTIONS]
    failures = run_failing_roles(cases, home=home, environment=create_environment_variables(em))
    for (_role, _variables, expected), failure in zip(BAD_OPTIONS, failures):
        assert expected in failure
    assert em.log == []
