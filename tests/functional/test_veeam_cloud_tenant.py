# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_cloud_tenant: a tenant of Cloud Connect from its creation to its end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.modules import veeam_cloud_tenant
from emulator import Emulator, LogEntry
from emulator.entity import Plain
from emulator.tenants import add_tenant

from .harness import Harness, Session, all_versions, all_versions_and_formats

SECRET = "n0body-Sees-This"
REPOSITORY = "Default Backup Repository"
SERVER = "vbr01.vbem.test"


def manage(harness: Harness, session: Session = None, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """Run veeam_cloud_tenant, and look for the tenant's password in whatever is shown."""
    given = {"name": "Umbrella", "tenant_password": SECRET, "backup_server": SERVER, **params}
    result = harness.run(veeam_cloud_tenant, session, {}, given, check_mode=check_mode)
    assert SECRET not in json.dumps([result, harness.warnings])
    return result


def find(em: Emulator, name: str = "Umbrella") -> Plain | None:
    """Return the tenant of the emulator."""
    em.clock.advance(5)
    em.world.catch_up()
    return next((row for row in em.world.table(em.world.catalogue["CloudTenant"]) if row.name == name), None)


def changes(em: Emulator) -> list[LogEntry]:
    return [entry for method in ("POST", "PUT", "DELETE") for entry in em.requests(method, "/api/cloud/")]


def quotas(result: dict[str, Any]) -> dict[str, Any]:
    """Return the quotas of a result by name."""
    rows = result["tenant"]["resources"]["cloud_tenant_resources"]
    return {row["repository_quota"]["display_name"]: int(row["repository_quota"]["quota"]) for row in rows}


def quota(name: str, size: int) -> dict[str, Any]:
    return {"name": name, "repository": REPOSITORY, "quota_mb": size}


@all_versions_and_formats
def test_created_edited_deleted(harness: Harness, em: Emulator) -> None:
    em.switches.object_delay = 20.0
    em.switches.unknown_members = "refused"
    session = em.logon()
    wanted = {
        "description": "One",
        "max_concurrent_tasks": 2,
        "lease_expiration": "2030-12-31T00:00:00",
        "quotas": [quota("Cloud", 2048), quota("More", 1024)],
    }
    assert manage(harness, session, **wanted, check_mode=True)["changed"] is True
    assert changes(em) == []
    created = manage(harness, session, **wanted)
    assert created["changed"] is True
    assert created["task"]["operation"] == "CreateCloudTenant"
    assert created["tenant"]["name"] == "Umbrella"
    assert quotas(created) == {"Cloud": 2048, "More": 1024}
    for check_mode in (True, False):
        again = manage(harness, session, **wanted, check_mode=check_mode)
        assert again["changed"] is False
        assert again["task"] is None
        assert again["diff"]["after"] == ""
    assert len(changes(em)) == 1

    edit = {"enabled": False, "max_concurrent_tasks": 3, "quotas": [quota("Cloud", 4096), quota("Third", 512)]}
    predicted = manage(harness, session, **edit, check_mode=True)
    assert predicted["diff"]["after"] == "Enabled\nMaxConcurrentTasks\nResources.CloudTenantResources\nResources (Third)\n"
    edited = manage(harness, session, **edit)
    assert edited["diff"] == predicted["diff"]
    assert quotas(edited) == {"Cloud": 4096, "More": 1024, "Third": 512}
    assert edited["tenant"]["description"] == "One"
    assert manage(harness, session, **edit)["changed"] is False
    assert [entry.method for entry in changes(em)] == ["POST", "POST", "PUT"]

    assert manage(harness, session, state="absent", check_mode=True)["changed"] is True
    gone = manage(harness, session, state="absent")
    assert gone["changed"] is True
    assert gone["task"]["operation"] == "DeleteCloudTenant"
    assert find(em) is None
    assert manage(harness, session, state="absent")["changed"] is False
    assert em.tasks(session) == [], "the tasks were removed"


@all_versions
@pytest.mark.parametrize("needs", ["password", "type", "nothing"])
def test_whatever_an_edit_needs(harness: Harness, em: Emulator, needs: str) -> None:
    em.switches.tenant_edit_needs = needs
    assert manage(harness, name="ACME", enabled=False)["changed"] is True
    (entry,) = changes(em)
    assert json.loads(entry.body) == {
        "Password": SECRET,
        "Enabled": False,
        "TenantType": {"StandaloneTenant": {"TenantCredentials": {"Username": "ACME"}}},
    }


@all_versions
def test_nothing_differs(harness: Harness, em: Emulator) -> None:
    assert manage(harness, name="ACME", tenant_password=None)["changed"] is False
    assert manage(harness, name="acme", description="Tenant ACME")["changed"] is False
    assert manage(harness, name="ACME", backup_server=None, enabled=True)["changed"] is False
    assert changes(em) == []


@all_versions
def test_a_password_is_sent_alone_only_if_that_is_wanted(harness: Harness, em: Emulator) -> None:
    assert manage(harness, name="ACME")["changed"] is False
    for _time in range(2):
        result = manage(harness, name="ACME", update_password="always")
        assert result["changed"] is True
        assert result["diff"]["after"] == "Password\n"
    assert len(changes(em)) == 2


@pytest.mark.parametrize("given", [{"name": "New"}, {"name": "ACME", "enabled": False}])
@pytest.mark.parametrize("check_mode", [True, False])
def test_without_the_password_nothing_is_sent(harness: Harness, em: Emulator, given: dict[str, Any], check_mode: bool) -> None:
    with harness.failure("invalid_option") as caught:
        manage(harness, **given, tenant_password=None, check_mode=check_mode)
    assert "tenant_password is missing" in caught.error.msg
    assert caught.result["changed"] is False
    assert changes(em) == []


@all_versions
def test_two_tenants_of_one_name(harness: Harness, em: Emulator) -> None:
    add_tenant(em.world, "ACME", em.world.server("vbr02.vbem.test"), {}, [])
    with harness.failure("ambiguous") as caught:
        manage(harness, name="ACME", backup_server=None, state="absent")
    assert "vbr01.vbem.test, vbr02.vbem.test" in caught.error.msg
    assert manage(harness, name="ACME", backup_server="vbr02.vbem.test", state="absent")["changed"] is True
    assert find(em, "ACME") is not None, "the other one"


def test_where_a_new_one_belongs(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous") as caught:
        manage(harness, backup_server=None)
    assert "set backup_server" in caught.error.msg
    with harness.failure("not_found"):
        manage(harness, backup_server="vbr99")
    with harness.failure("not_found") as caught:
        manage(harness, quotas=[{"name": "Cloud", "repository": "Nowhere", "quota_mb": 1}])
    assert "0 repositories called Nowhere" in caught.error.msg
    assert changes(em) == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"name": " "}, "name"),
        ({"max_concurrent_tasks": 0}, "max_concurrent_tasks"),
        ({"lease_expiration": "tomorrow"}, "lease_expiration"),
        ({"quotas": [quota("Cloud", 0)]}, "quota_mb"),
        ({"quotas": [quota("Cloud", 1), quota("Cloud", 2)]}, "quotas"),
        ({"wait_timeout": -1}, "wait_timeout"),
    ],
)
def test_options_that_cannot_be(harness: Harness, em: Emulator, given: dict[str, Any], named: str) -> None:
    with harness.failure("invalid_option") as caught:
        manage(harness, **given)
    assert named in caught.error.msg
    assert em.log == []


def test_a_failure_half_way_says_what_was_done(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=403, method="POST", path="/resources$")
    with harness.failure("forbidden") as caught:
        manage(harness, name="ACME", enabled=False, quotas=[quota("Third", 512)])
    assert caught.result["changed"] is True
    assert caught.result["tenant"]["enabled"] is False
    assert caught.result["diff"]["after"] == "Enabled\nResources (Third)\n"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_query_that_fails_is_no_proof_of_absence(harness: Harness, em: Emulator, status: int) -> None:
    em.fault("status", status=status, path="/api/query", times=None)
    kind = {403: "forbidden", 404: "not_found", 500: "server_error"}[status]
    for state in ("present", "absent"):
        with harness.failure(kind):
            manage(harness, name="ACME", state=state)
    assert changes(em) == []
