# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every job template of the kit is run with ansible-runner as AWX runs it, at -vvv, and shows no secret.

``make test`` runs one of them.
"""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.emulators import FAST_SWITCHES
from support.playbooks import get_collections_path
from support.processes import SAFETY_NET
from support.secrets import SecretScanner
from support.tickets import TicketSystem
from support.tiers import thorough

from emulator import Emulator, Switches

from .controller import Job, Launcher

EM = "Veeam Backup Enterprise Manager"


class Site:
    """An emulator, and AWX next to it."""

    def __init__(self, folder: Path, em: Emulator) -> None:
        self.em = em
        self.awx = Launcher(folder / "awx", get_collections_path())

    def credential(self, user: str = "admin", **inputs: Any) -> dict[str, dict[str, Any]]:
        """Return a credential with what has to be there and a certificate authority; ``port`` is the emulator's."""
        known = self.em.users[user]
        given = {
            "hostname": self.em.hostname,
            "port": str(self.em.port),
            "username": known.username,
            "password": known.password,
        }
        return {EM: given | {"ca_certificate": Path(self.em.ca_path).read_text(encoding="utf-8")} | inputs}

    def check(self, job: Job, *, rc: int = 0) -> None:
        """Assert how a job ended, that it left no session, and that nothing it left behind holds a secret."""
        assert (job.rc, job.status) == (rc, "failed" if rc else "successful"), job.output[-4000:]
        assert self.em.sessions == [], "a session was left open"
        assert self.em.standing_session_alive, "somebody else's session was logged off"
        scanner = SecretScanner.of(self.em)
        # ansible-runner keeps the job's environment beside the events, here and on the node. AWX removes these folders once the
        # job is done, and stores the environment with what credentials brought masked. Nothing but the password may be there.
        for own in self.awx.folder.rglob("command"):
            environment = json.loads(own.read_text(encoding="utf-8"))["env"]
            assert not list(scanner.find(json.dumps({**environment, "VBEM_PASSWORD": ""}).encode(), "command"))
            own.unlink()
        until = time.monotonic() + SAFETY_NET
        while any(self.awx.folder.rglob("AnsiballZ_*")) and time.monotonic() < until:
            time.sleep(0.2)  # what runs in the background removes its files up to 5 seconds after it has ended
        leaks = list(scanner.find_below(self.awx.folder))  # artifacts, env, project, home, and all that on the node
        leaks += scanner.find(json.dumps(job.events).encode(), "events")
        leaks += scanner.find(job.output.encode(), "output")
        assert not leaks, leaks
        assert sum(1 for _event in (job.artifacts / "job_events").iterdir()) == len(job.events) > 10
        assert "vbem.rest: runs within Ansible's process." in job.output, "-vvv was not in force"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return an emulator whose jobs are over soon."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as em:
        yield Site(tmp_path, em)


@thorough
def test_first_steps(site: Site) -> None:
    job = site.awx.launch("First steps", site.credential(), {"first_steps_job_names": "SQL Backup\n\n  DC Replication \n"})
    site.check(job)
    started = [entry for entry in site.em.log if entry.method == "POST" and entry.path.startswith("/api/jobs/")]
    assert len(started) == 2


@thorough
def test_start_and_wait_on_another_node(site: Site) -> None:
    given = {"start_and_wait_job_names": "SQL Backup\nDC Replication", "start_and_wait_poll_interval": 1}
    job = site.awx.launch("Start jobs and wait", site.credential(), given, remote=True)
    site.check(job)
    assert "SQL Backup: Success" in job.output


def test_guarded_change(site: Site) -> None:
    job = site.awx.launch("Guarded change", site.credential(), {"guarded_change_job": "SQL Backup"})
    site.check(job)
    assert "Here goes the change that the job SQL Backup guards." in job.output


@thorough
def test_a_change_is_not_made_after_a_bad_backup_on_another_node(site: Site) -> None:
    job = site.awx.launch("Guarded change", site.credential(), {"guarded_change_job": "Failing Backup"}, remote=True)
    site.check(job, rc=2)
    assert "Here goes the change" not in job.output
    assert "job_failed" in job.output


@thorough
def test_a_machine_is_protected_and_no_longer(site: Site) -> None:
    given = {"protect_vm_name": "build01", "protect_vm_root": "", "protect_vm_job": "SQL Backup"}
    job = site.awx.launch("Protect a machine", site.credential(), given)
    site.check(job)
    assert "There is build01@" in job.output
    given = {"unprotect_vm_name": "build01", "unprotect_vm_root": "vcenter01.vbem.test", "unprotect_vm_job": ""}
    job = site.awx.launch("Stop the protection of a machine", site.credential(), given)
    site.check(job)
    assert "Removed: build01" in job.output


@thorough
def test_guarded_change_of_a_machine_by_a_portal_user(site: Site) -> None:
    given = {"guarded_vm_change_name": "sql01", "guarded_vm_change_root": "vcenter01.vbem.test"}
    job = site.awx.launch("Guarded change of a machine", site.credential("portal"), given)
    site.check(job)
    assert "Here goes the change that the backup of sql01 guards." in job.output


@thorough
def test_restore_test_by_a_restore_operator(site: Site) -> None:
    job = site.awx.launch("Restore test", site.credential("operator"), {"restore_test_name": "sql01"})
    site.check(job)
    restored = site.em.world.inventory.named("sql01_restored")
    assert restored is not None
    assert f"Here go the checks of {restored.moid}, restored from sql01@" in job.output
    assert f"Here goes the removal of {restored.moid}." in job.output


@thorough
def test_all_jobs_are_awaited_though_one_fails(site: Site) -> None:
    given = {"start_and_wait_job_names": "DC Replication\nFailing Backup", "start_and_wait_poll_interval": 1}
    job = site.awx.launch("Start jobs and wait", site.credential(), given)
    site.check(job, rc=2)
    assert "DC Replication: Success" in job.output


@thorough
def test_tidy_up(site: Site) -> None:
    site.check(site.awx.launch("Tidy up tasks", site.credential()))


@thorough
def test_jobs_are_exported_checked_and_applied(site: Site) -> None:
    job = site.awx.launch("Export jobs", site.credential())
    site.check(job)
    assert "name: SQL Backup" in job.output
    site.check(site.awx.launch("Check jobs", site.credential()))
    schedule = site.em.world.job("SQL Backup").schedule_options["Standart"]
    site.em.world.job("SQL Backup").schedule = {
        "Standart": {**schedule, "OptionsDaily": {**schedule["OptionsDaily"], "Time": "20:00:00"}}
    }
    job = site.awx.launch("Check jobs", site.credential())
    site.check(job, rc=2)
    assert "schedule is daily time 20:00 days everyday, in the file daily time 22:00 days everyday" in job.output
    assert not site.em.requests("PUT", "/api/jobs/")
    site.check(site.awx.launch("Apply jobs", site.credential()))
    site.check(site.awx.launch("Check jobs", site.credential()))


@thorough
def test_report_about_the_server_is_shown(site: Site) -> None:
    job = site.awx.launch("Probe the server", site.credential(), {"probe_collect": "true"})
    site.check(job)
    assert "tasks_scope: session" in job.output
    assert "vbem.test" not in job.output.partition("TASK [Show the report]")[2]


@thorough
def test_report_is_published_before_the_alarm(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "published.html"
    hosts = {"report_web": {"web01.example.com": {"report_web_path": str(page)}}}
    job = site.awx.launch("Backup report", site.credential(), {"report_alarm": "true", "report_period": "week"}, hosts=hosts)
    site.check(job, rc=2)
    assert "<title>Backup report" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o640, "it tells names of machines"
    SecretScanner.of(site.em).check(page.read_bytes())


@thorough
def test_slices_share_no_session(site: Site) -> None:
    """The password has quotes, braces' like and letters that are not ASCII."""
    site.em.users["operator"] = replace(site.em.users["operator"], role=site.em.users["admin"].role)
    names = ("em01", "em02", "em03")
    hosts = {"enterprise_managers": {name: {"em_hostname": site.em.hostname} for name in names}}
    credential = site.credential("operator", hostname="")
    jobs = [site.awx.launch("All Enterprise Managers", credential, hosts=hosts, a_slice=(number, 2)) for number in (1, 2)]
    seen: list[list[str]] = []
    for job in jobs:
        site.check(job)
        seen.append(sorted(name for name in names if f"ok: [{name}]" in job.output))
    assert seen == [["em01", "em03"], ["em02"]]
    assert (
        len([entry for entry in site.em.log if entry.path.lower().startswith("/api/sessionmngr") and entry.status == 201]) == 3
    )


@thorough
def test_retry_of_a_failed_job(site: Site) -> None:
    job = site.em.world.job("Failing Backup")
    run = site.em.world.add_run(job, site.em.clock.now() - 60, 30, "failed")
    event = {"job_session": {"job_uid": f"urn:veeam:Job:{job.id}", "job_type": "Backup", "uid": run.id}}
    given = {"ansible_eda": {"event": event}}
    site.check(site.awx.launch("Retry a failed job", site.credential(), given, remote=True))
    assert [entry for entry in site.em.log if entry.method == "POST" and "retry" in entry.target.lower()]


@thorough
def test_ticket(site: Site) -> None:
    run = {
        "name": "SQL Backup@1",
        "uid": "u",
        "job_name": "SQL Backup",
        "result": "Failed",
        "backup_server": "vbr01",
        "href": "h",
    }
    run |= {"end_time": "2026-11-23T18:12:41Z", "duration": 7, "reason": "{{ 7 * 7 }}", "messages": []}
    token = "a-token-of-tickets-4711"
    with TicketSystem() as tickets:
        credential = {"Ticket system": {"url": tickets.url, "token": token}}
        job = site.awx.launch("Open a ticket", credential, {"ansible_eda": {"event": {"job_session": run}}})
    assert job.rc == 0, job.output
    (ticket,) = tickets.taken
    assert ticket.headers["Authorization"] == f"Bearer {token}"
    assert "{{ 7 * 7 }}" in ticket.body["text"]
    assert token not in json.dumps(job.events)
