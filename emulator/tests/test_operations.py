# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every changing operation of the reference: its address, its body, its task, the right to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator import Emulator
from emulator.api import WRITES
from emulator.operations import Operation, Operations
from emulator.shapes import shapes

from .samples import address, body, first
from .wire import JSON, JSON_BODY, NS, XML, Answer, Wire, find, xml_body

ALL = {operation.page: operation for operation in Operations()}
LOGONS = ("post_sessionmngr", "delete_loginsessions_id", "delete_task_id")


def to_xml(value: Any, name: str = "") -> Any:
    """Turn what JSON says of a body into what XML does, in the same order."""
    if isinstance(value, list):
        return [to_xml(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    element: dict[str, Any] = {}
    for key, inner in value.items():
        if key in shapes().attributes.get(name, ()):
            element[f"@{key}"] = str(inner).lower() if isinstance(inner, bool) else inner
        elif key in shapes().strings:
            element[key] = {shapes().strings[key]: inner}
        elif isinstance(inner, list):
            tag = "Day" if isinstance(inner[0], dict) and key == "Days" else shapes().items[key]
            element[tag] = [to_xml(item, tag) for item in inner]
        else:
            element[key] = to_xml(inner, key)
    return element


def send(em: Emulator, on: Wire, operation: Operation, form: str) -> Answer:
    path = address(em, on, operation)
    if not operation.has_body:
        return on(operation.method, path, {"Content-Length": "0", **(JSON if form == "json" else {})})
    said = body(em, operation)
    if form == "json":
        return on(operation.method, path, JSON_BODY, json.dumps(said).encode())
    root = operation.root or "AnyName"
    members: dict[str, Any] = to_xml(said)
    # A day's hours are its text.
    text = xml_body(root, **members).replace(b"<Value>", b"").replace(b"</Value>", b"").replace(b"<Name>Sunday</Name>", b"")
    return on(operation.method, path, XML, text)


def test_there_are_111_operations() -> None:
    assert len(ALL) == 111
    assert not set(WRITES) - set(ALL)
    assert [page for page, operation in ALL.items() if operation.reads] == [
        "post_catalog_vms_vmname_vmrestorepoints_id_actoinbrowse",
        "post_cdpreplicavapp_id_actionintervals",
        "post_cdpreplicavm_id_actionintervals",
    ]


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("page", sorted(set(ALL) - set(LOGONS)))
def test_every_operation(either: Emulator, on: Wire, page: str, form: str) -> None:
    operation = ALL[page]
    answer = send(either, on, operation, form)
    assert answer.status == operation.status, answer
    if operation.reads or operation.name is None or operation.status == 204:
        return
    assert answer.status in (201, 202)
    shown = on.finish(answer)
    assert shown.findtext(f"{NS}Operation") == operation.name
    result = shown.find(f"{NS}Result")
    assert result is not None
    assert result.get("Success") == "true", result.findtext(f"{NS}Message")
    links = {link.get("Rel"): link for link in shown.iter(f"{NS}Link")}
    if operation.related is not None:
        rel, kind = operation.related
        assert links[rel].get("Type") == kind
        if rel == "Related":
            either.clock.advance(1)
            assert on.get(str(links[rel].get("Href")).removeprefix(either.base_url)).status == 200


@pytest.mark.parametrize("page", sorted(set(ALL) - set(LOGONS)))
def test_what_other_roles_may_do(em: Emulator, wire: Wire, page: str) -> None:
    operation = ALL[page]
    wire.log_on()
    path = address(em, wire, operation)
    data = json.dumps(body(em, operation)).encode() if operation.has_body else None
    for key, role in (("portal", "Portal User"), ("operator", "Restore Operator")):
        wire.headers = {"X-RestSvcSessionId": em.logon(key).token}
        answer = wire(operation.method, path, JSON_BODY if data else {"Content-Length": "0"}, data)
        assert (answer.status == 403) == (role not in operation.roles), (role, answer)


def test_codes_of_the_examples(em: Emulator, on: Wire) -> None:
    em.switches.example_codes = True
    for page in ("post_backupservers", "post_backupservers_id_passwords", "post_security_accounts_id_scopes"):
        assert send(em, on, ALL[page], "json").status == 201
    answer = send(em, on, ALL["put_publicipaddresses_id"], "json")
    assert answer.status == 202
    assert find(answer.json, "operation") == "EditCloudPublicIpAddress"


CREATED = {
    "cloud/gateways": "post_gateways",
    "cloud/gatewayPools": "post_cloudgatewaypools",
    "cloud/hardwarePlans": "post_hardwareplans",
    "cloud/tenants": "post_tenants",
    "selfService/vSphere/Configs": "post_selfservice_vsphere_configs",
    "vCloud/orgConfigs": "post_vcloud_orgconfigs",
}


@pytest.mark.parametrize("path", sorted(CREATED))
def test_created_edited_deleted(either: Emulator, on: Wire, path: str) -> None:
    operation = ALL[CREATED[path]]
    either.switches.object_delay = 2
    place = on.related(send(either, on, operation, "json"))
    bare = place.partition("?")[0]
    assert on.get(bare).status == 404
    either.clock.advance(2.1)
    assert on.get(f"{bare}?format=Entity").status == 200
    spec = next(one for one in either.world.catalogue if one.path.lower() == path.lower())
    listed = on.query(spec.name, format="Entities", pageSize=1000)
    assert bare in [
        one.get("Href", "").removeprefix(either.base_url).partition("?")[0] for one in listed.xml.iter(f"{NS}{spec.element}")
    ]
    change = next(one for one in ALL.values() if one.method == "PUT" and "/".join(one.path).lower() == f"{path}/{{ID}}".lower())
    said = body(either, change)
    assert on.result(on.send("PUT", bare, said)) == (True, "Ok")
    shown = on.get(f"{bare}?format=Entity", JSON).json
    for name, value in said.items():
        if not isinstance(value, (dict, list)) and name not in (
            "Password",
            "LeaseExpirationDate",
            "LastActive",
            "BackupServerUid",
        ):
            assert str(find(shown, name.lower())).lower() == str(value).lower(), name
    assert on.result(on("DELETE", bare)) == (True, "Ok")
    assert on.get(bare).status == 404
    assert on("DELETE", bare).status == 404


def test_no_secret_is_ever_shown(em: Emulator, on: Wire) -> None:
    secret = "n0body-Sees-This"
    server = em.world.server().id
    said = {"Username": "VBEM\\new", "Description": "one", "Password": secret}
    assert on.send("POST", f"/api/backupServers/{server}/credentials?action=create", said).status == 201
    place = on.related(
        on.send("POST", "/api/cloud/tenants", {"Name": "T", "Password": secret, "BackupServerUid": em.world.server().uid})
    )
    em.clock.advance(1)
    assert on.get(place).texts("Password") == [None]
    assert any(name == "VBEM\\new" for name in on.get(f"/api/backupServers/{server}/credentials").texts("Username"))
    for path in (
        place,
        f"/api/backupServers/{server}/credentials",
        "/api/query?type=Credentials",
        "/api/query?type=CloudTenant&format=Entities",
    ):
        assert secret.encode() not in on.get(path).body
        assert secret.encode() not in on.get(path, JSON).body


def test_a_stopped_task_does_nothing(em: Emulator, on: Wire) -> None:
    tenant = first(em, "CloudTenant")
    answer = on("DELETE", tenant.reference_path)
    assert on("DELETE", f"/api/tasks/{answer.texts('TaskId')[0]}").status == 204
    em.clock.advance(10)
    assert on.get(tenant.reference_path).status == 200


def test_tenants(em: Emulator, on: Wire) -> None:
    said = {
        "Name": "Umbrella",
        "Password": "unseen-by-all",
        "LeaseExpirationDate": "2099-12-31T00:00:00",
        "Resources": {"BackupResources": [{"Name": "Cloud", "RepositoryUid": first(em, "Repository").uid, "QuotaMb": 2048}]},
        "BackupServerUid": em.world.server().uid,
    }
    place = on.related(on.send("POST", "/api/cloud/tenants", said)).partition("?")[0]
    shown = on.get(f"{place}?format=Entity", JSON).json
    assert shown["leaseOptions"] == {"leaseExpirationDate": "2099-12-31T00:00:00", "enabled": True}
    (resource,) = shown["resources"]["cloudTenantResources"]
    assert resource["repositoryQuota"]["quota"] == 2048
    assert on.get(resource["href"].removeprefix(em.base_url)).status == 200
    assert on.result(on.send("POST", "/api/cloud/tenants", said)) == (False, 'Tenant with name "Umbrella" already exists.')
    more = {"Name": "More", "RepositoryUid": first(em, "Repository").uid, "QuotaMb": 1024}
    new = on.related(on.send("POST", f"{place}/resources", more))
    assert len(on.get(f"{place}?format=Entity", JSON).json["resources"]["cloudTenantResources"]) == 2
    assert on.result(on("DELETE", new)) == (True, "Ok")
    assert len(on.get(f"{place}?format=Entity", JSON).json["resources"]["cloudTenantResources"]) == 1
    assert on.result(on.send("PUT", place, {"Password": "x", "Enabled": False})) == (True, "Ok")
    assert on.query("CloudTenant", filter="Name==Umbrella;Enabled==false").texts("Ref") != []


@pytest.mark.parametrize(
    ("needs", "said", "status"),
    [
        ("password", {"Description": "x"}, 500),
        ("password", {"Password": "x"}, 202),
        ("type", {"Password": "x"}, 500),
        ("type", {"Password": "x", "TenantType": {"StandaloneTenant": {"TenantCredentials": {"Username": "x"}}}}, 202),
        ("nothing", {"Description": "x"}, 202),
    ],
)
def test_what_an_edit_of_a_tenant_needs(em: Emulator, on: Wire, needs: str, said: dict[str, Any], status: int) -> None:
    em.switches.update({"tenant_edit_needs": needs})
    assert on.send("PUT", first(em, "CloudTenant").reference_path, said).status == status


def test_what_no_operation_does(em: Emulator, on: Wire) -> None:
    job = em.world.job("Linux Agents", kind="agent")
    for method, path, status in (
        ("POST", f"/api/agents/jobs/{job.id}/includes", 405),
        ("PUT", "/api/jobs", 405),
        ("DELETE", f"/api/backupSessions/{em.world.runs[0].id}", 405),
        ("POST", "/api/nothing", 404),
        ("POST", "/api/query", 405),
        ("DELETE", "/api/jobs/44cfbdbe-5a95-4156-8867-91f069b7c2cc", 404),
        ("POST", f"/api/backupServers/{em.world.server().id}?action=explode", 501),
    ):
        assert on(method, path, {"Content-Length": "0"}).status == status, (method, path)
