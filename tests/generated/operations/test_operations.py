# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each operation of the reference: what is changed once, what a second run finds done, and what check mode sends.

The cases are made from the table that dev/make_operations.py makes: every operation with both versions of the server and both
formats. ``make test`` runs each operation once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from functional.harness import Harness
from support.tiers import sample

from ansible_collections.vbem.rest.plugins.modules import veeam_rest
from emulator import Emulator, LogonSession, Switches
from emulator.operations import Operation, Operations
from emulator.tests.samples import address, body
from emulator.tests.wire import Wire

ALL = {operation.page: operation for operation in Operations()}
LOGON, LOGOFF = "post_sessionmngr", "delete_loginsessions_id"  # which are veeam_session's alone
PAGES = sorted(set(ALL) - {LOGON, LOGOFF})
COMBINATIONS = list(product((12, 13), ("json", "xml")))
CASES = [(page, *combination) for page in PAGES for combination in COMBINATIONS]
CHOSEN = [(page, *COMBINATIONS[number % len(COMBINATIONS)]) for number, page in enumerate(PAGES)]
every_operation = pytest.mark.parametrize(("page", "version", "response_format"), sample(CASES, CHOSEN))

# Members that the table lists for a body and that only the server changes, or says otherwise with another member.
SERVERS_OWN = ("Id", "JobType", "Platform", "PolicyType", "NextRun", "LastActive", "LeaseOptions")
WAIT: dict[str, Any] = {"wait_timeout": 60, "poll_interval": 5}


# What a POST creates that the query service can find: page, type, field, and the member of the body that it holds.
CREATIONS = {
    "post_backupservers": ("BackupServer", "Name", "DnsNameOrIpAddress"),
    "post_backupservers_id_creds": ("Credentials", "Username", "Username"),
    "post_backupservers_id_passwords": ("Passwords", "Hint", "Hint"),
    "post_cloudgatewaypools": ("CloudGatewayPool", "Name", "Name"),
    "post_gateways": ("CloudGateway", "Name", "ServerHostName"),
    "post_hardwareplans": ("CloudHardwarePlan", "Name", "Name"),
    "post_publicipaddresses": ("CloudPublicIpAddress", "IpAddress", "IpAddressLowerBound"),
    "post_tenants": ("CloudTenant", "Name", "Name"),
    "post_tenants_id_subtenants": ("CloudSubtenant", "Name", "Name"),
    "post_jobs_id_actionclone": ("Job", "Name", "JobName"),
    "post_jobs_id_includes": ("ObjectInJob", "Name", "HierarchyObjName"),
    "post_selfservice_vsphere_configs": ("VsphereSelfServiceConfig", "Name", "AccountName"),
    "post_vcloud_orgconfigs": ("VCloudOrganizationConfig", "Name", "OrganizationName"),
}
CREATION_CASES = [(page, *combination) for page in CREATIONS for combination in COMBINATIONS]
CREATION_CHOSEN = [(page, *COMBINATIONS[number % len(COMBINATIONS)]) for number, page in enumerate(CREATIONS)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of all emulators, whose authority is the same."""
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture
def em(version: int, directory: Path) -> Iterator[Emulator]:
    """Start an emulator whose clock moves only when it is advanced; what it does not know of a body is an error there."""
    switches = Switches(version=version, unknown_members="refused")
    with Emulator(switches, speed=0, directory=directory) as emulator:
        yield emulator
        assert emulator.standing_session_alive, "somebody else's session was logged off"


@pytest.fixture
def harness(em: Emulator, response_format: str) -> Iterator[Harness]:
    """Return a harness for the emulator."""
    made = Harness(em, response_format)
    yield made
    made.close()


class Task:
    """A task of a playbook with veeam_rest that does one operation."""

    def __init__(self, harness: Harness, page: str) -> None:
        self.harness = harness
        self.em = harness.em
        self.operation: Operation = ALL[page]
        self.session: LogonSession = self.em.logon()
        self.params = self._create_params()
        self._prepared = len(self.em.log)

    def _create_params(self) -> dict[str, Any]:
        operation = self.operation
        wire = Wire(self.em)
        wire.log_on()
        wire.session_id = self.session.id
        path, mark, _query = address(self.em, wire, operation).partition("?")
        wire.close()
        params: dict[str, Any] = {"method": operation.method, "path": path.removeprefix("/api/"), **WAIT}
        if mark:
            params["query"] = {"action": operation.action}
        if operation.has_body:
            given = body(self.em, operation)
            params["body"] = {name: value for name, value in given.items() if name not in SERVERS_OWN}
        if operation.reads:
            params["reads"] = True
        if operation.related is not None and operation.related[0] == "Related":
            params["wait_for"] = "related"
        return params

    def run(self, *, check_mode: bool = False, **more: Any) -> dict[str, Any]:
        """Run the task in the session of the play."""
        return self.harness.run(veeam_rest, self.session, {}, {**self.params, **more}, check_mode=check_mode)

    @property
    def is_impossible(self) -> bool:
        """Return whether the body cannot be written in XML, as the reference prints no root element."""
        return self.harness.response_format == "xml" and self.operation.has_body and not self.operation.root

    def forget_changes(self) -> None:
        """Let `changes` begin here."""
        self._prepared = len(self.em.log)

    def changes(self) -> list[str]:
        """Return the requests of the collection that may change something, other than those for its own tasks and session."""
        own = ("/api/sessionMngr", "/api/logonSessions/")
        entries = [entry for entry in self.em.log[self._prepared :] if entry.method != "GET" and not entry.path.startswith(own)]
        is_own = self.operation.path[0] != "tasks"
        return [f"{entry.method} {entry.path}" for entry in entries if not (is_own and entry.path.startswith("/api/tasks/"))]


@every_operation
def test_predicted_once_and_twice(harness: Harness, page: str) -> None:
    task = Task(harness, page)
    operation = task.operation
    if task.is_impossible:
        with harness.failure("invalid_option") as caught:
            task.run()
        assert "root element" in caught.error.msg
        assert task.changes() == []
        return
    assert task.run(check_mode=True)["changed"] is not operation.reads
    assert task.changes() == ([f"POST /api/{task.params['path']}"] if operation.reads else []), "check mode only reads"
    task.forget_changes()
    result = task.run()
    assert result["changed"] is not operation.reads
    assert result["status"] == operation.status
    assert len(task.changes()) == 1
    if operation.name is not None and operation.status != 204 and not operation.reads:
        assert result["task"]["operation"] == operation.name
        assert result["task"]["success"] is True
        assert task.em.tasks(task.session) == [], "the task was removed"
    if "wait_for" in task.params:
        assert result["related"], "what the task names was read"
    if operation.method == "POST":
        return
    again = task.run()
    assert again["changed"] is False
    assert len(task.changes()) == (2 if operation.method == "DELETE" else 1)


@pytest.mark.parametrize(("page", "version", "response_format"), sample(CREATION_CASES, CREATION_CHOSEN))
def test_created_once(harness: Harness, page: str) -> None:
    task = Task(harness, page)
    kind, field, member = CREATIONS[page]
    given = task.params["body"]
    value = given.get(member) or next(iter(given.values()))[member]
    guard = {"type": kind, "filter": None, "where": [{"field": field, "operator": "==", "value": value}]}
    task.em.clock.advance(1)
    assert task.run(unless_found=guard, check_mode=True)["changed"] is True
    assert task.changes() == []
    assert task.run(unless_found=guard)["changed"] is True
    task.em.clock.advance(60)  # the query service shows it some time later
    for check_mode in (True, False):
        again = task.run(unless_found=guard, check_mode=check_mode)
        assert again["changed"] is False
        assert again["status"] is None
        assert value in again["resources"][0].values()
    assert len(task.changes()) == 1


@pytest.mark.parametrize(("version", "response_format"), COMBINATIONS)
def test_logons_are_left_to_veeam_session(harness: Harness) -> None:
    em = harness.em
    for path in ("sessionMngr/?v=latest", f"logonSessions/{em.logon().id}"):
        with harness.failure("invalid_option") as caught:
            harness.run(veeam_rest, None, {}, {"method": "DELETE", "path": path})
        assert "veeam_session" in caught.error.msg
    assert em.log == []
    opened = harness.present()
    assert opened["changed"] is True
    assert harness.present(opened["session"])["changed"] is False
    assert harness.absent(opened["session"])["changed"] is True
    assert harness.absent(opened["session"])["changed"] is False


def test_every_operation_is_run() -> None:
    assert len(ALL) == 111
    assert {page for page, *_rest in CASES} | {LOGON, LOGOFF} == set(ALL)
    assert {page for page, *_rest in CHOSEN} == set(PAGES)
