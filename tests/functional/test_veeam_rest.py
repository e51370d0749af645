# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_rest: which requests are sent for each method, and what is made of the answers.

That each operation of the reference works is shown by tests/generated/operations.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.modules import veeam_rest
from emulator import Emulator, LogEntry
from emulator.entity import Entity
from emulator.operations import Operations
from emulator.tests.samples import address, body, reference
from emulator.tests.wire import Wire, repository

from .harness import Harness, Session, all_formats, all_versions, all_versions_and_formats

NS = "{http://www.veeam.com/ent/v1.0}"
OPERATIONS = {operation.page: operation for operation in Operations()}
SECRET = "n0body-Sees-This"


def call(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_rest, and look for the secret of the body in whatever is shown."""
    try:
        result = harness.run(veeam_rest, session, options or {}, params, check_mode=check_mode)
    finally:
        assert SECRET not in str(harness.warnings)
    assert SECRET not in json.dumps(result)
    return result


def changes(em: Emulator) -> list[LogEntry]:
    """Return the requests that may change something, other than those for tasks and sessions."""
    return [
        entry
        for entry in em.log
        if entry.method != "GET" and not entry.path.startswith(("/api/sessionMngr", "/api/logonSessions", "/api/tasks"))
    ]


def tenant(em: Emulator) -> Entity:
    """Return the tenant of the scenario."""
    found: Entity = next(iter(em.world.table(em.world.catalogue["CloudTenant"])))
    return found


def tenant_path(em: Emulator) -> str:
    return f"cloud/tenants/{tenant(em).id}"


def new_tenant(em: Emulator, **more: Any) -> dict[str, Any]:
    """Return the options of a task that creates a tenant."""
    body = {"Name": "Umbrella", "Password": SECRET, "BackupServerUid": em.world.server().uid, **more}
    return {"method": "POST", "path": "cloud/tenants", "body": body, "wait_timeout": 60, "poll_interval": 5}


UMBRELLA = {"type": "CloudTenant", "filter": None, "where": [{"field": "Name", "operator": "==", "value": "Umbrella"}]}


# ---------------------------------------------------------------------------------------------------------------------
# GET


@all_versions
@pytest.mark.parametrize("spelling", ["relative", "api", "href", "entity"])
def test_a_resource_by_any_of_its_addresses(harness: Harness, em: Emulator, spelling: str) -> None:
    job = em.world.job("SQL Backup")
    path = {
        "relative": f"jobs/{job.id}?format=Entity",
        "api": f"/api/jobs/{job.id}?format=Entity",
        "href": f"{em.base_url.upper()}/api/jobs/{job.id}?format=Entity",
        "entity": em.base_url + job.entity_path,
    }[spelling]
    result = call(harness, path=path)
    assert result["changed"] is False
    assert result["status"] == 200
    assert "diff" not in result
    assert "resources" not in result
    assert result["resource"]["name"] == "SQL Backup"
    assert result["resource"]["uid"] == job.uid
    assert result["resource"]["schedule_enabled"] is True
    assert em.log[-2].target == f"/api/jobs/{job.id}?format=Entity"


def test_the_same_from_each_version_and_format(harness: Harness, em: Emulator) -> None:
    job = em.world.job("SQL Backup")
    results = []
    for version in (12, 13):
        for response_format in ("xml", "json", "auto"):
            em.switches.version = version
            harness.response_format = response_format
            results.append(call(harness, path=f"jobs/{job.id}", query={"format": "Entity"}))
    assert all(result == results[0] for result in results)


@all_versions_and_formats
def test_a_query_is_read_to_its_last_page(harness: Harness, em: Emulator) -> None:
    query = {"type": "Job", "format": "Entities", "pageSize": 2, "sortAsc": "Name"}
    result = call(harness, path="query", query=query)
    names = [row["name"] for row in result["resources"]]
    assert sorted(names) == sorted(job.name for job in em.world.jobs if job.spec.name == "Job")
    assert len(harness.queries()) == -(-len(names) // 2)
    assert "resource" not in result


@all_versions_and_formats
def test_a_collection(harness: Harness, em: Emulator) -> None:
    result = call(harness, path="backupServers", query={"format": "Entity"})
    assert sorted(row["name"] for row in result["resources"]) == sorted(server.name for server in em.world.servers)


@all_versions_and_formats
@pytest.mark.parametrize(
    ("path", "kind", "key"),
    [
        ("reports/summary/overview", "resource", "backup_servers"),
        ("reports/summary/vms_overview", "resource", "protected_vms"),
        ("security/accounts", "resources", "href"),
        ("security/roles", "resources", "href"),
    ],
)
def test_reads_that_are_no_query(harness: Harness, *, path: str, kind: str, key: str) -> None:
    result = call(harness, path=path)
    shown = result[kind] if kind == "resource" else result[kind][0]
    assert key in shown
    assert result["status"] == 200


@all_versions
def test_a_look_up(harness: Harness, em: Emulator) -> None:
    result = call(harness, path="lookup", query={"hierarchyRef": reference(em, "web01")})
    assert [row["object_name"] for row in result["resources"]] == ["web01"]


@all_versions
def test_what_is_not_there_is_a_failure(harness: Harness) -> None:
    with harness.failure("not_found") as caught:
        call(harness, path="jobs/44cfbdbe-5a95-4156-8867-91f069b7c2cc")
    assert caught.error.status == 404


def test_a_lost_session_is_no_empty_list(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.expire(session)
    with harness.failure("session_lost"):
        call(harness, session, path="jobs")


@all_versions
@pytest.mark.parametrize("page", ["html", "bad_json", "garbage"])
def test_a_page_that_cannot_be_read_is_no_end(harness: Harness, em: Emulator, page: str) -> None:
    em.fault(page, path="/api/query", skip=1, times=None)
    with harness.failure("bad_response"):
        call(harness, path="query", query={"type": "Job", "format": "Entities", "pageSize": 2})


# ---------------------------------------------------------------------------------------------------------------------
# The path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/api",
        "/api/",
        "https://evil.example:9398/api/jobs",
        "https://{host}:1/api/jobs",
        "https://{host}:{port}@evil.example/api/jobs",
        "https://{host}:{port}.evil.example/api/jobs",
        "http://{host}:{port}/api/jobs",
        "//evil.example/api/jobs",
        "/\\evil.example/api/jobs",
        "../jobs",
        "jobs/..",
        "jobs/../../web",
        "jobs/./1",
        "jobs//1",
        "jobs/%2e%2e/%2E%2E/web",
        "jobs/%252e%252e/web",
        "jobs/..%2f..%2fweb",
        "jobs/..%5c..%5cweb",
        "jobs\\..\\web",
        "jobs/1#part",
        "jobs?format=Entity#part",
        "jobs/1\r\nX-Header: 1",
        "jobs/ 1",
        "jobs?format=Enti ty",
        "jobs/\u00e9",
        "jobs/%00",
        "jobs/%0d%0aX",
        "logonSessions",
        "logonsessions/{guid}",
        "sessionMngr?v=latest",
        "api/api/../jobs",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_cannot_leave_the_api(harness: Harness, em: Emulator, path: str, method: str) -> None:
    given = path.replace("{host}", em.hostname).replace("{port}", str(em.port)).replace("{guid}", em.logon().id)
    with harness.failure("invalid_option") as caught:
        call(harness, method=method, path=given)
    assert "The option path cannot be" in caught.error.msg
    assert em.log == []


def test_the_query_is_encoded(harness: Harness, em: Emulator) -> None:
    name = "a&b=c#d?e/\u00e9"
    call(harness, path="query?type=Job", query={"filter": f'Name=="{name}"', "pageSize": 5})
    assert em.requests("GET", "/api/query")[0].target == (
        "/api/query?type=Job&filter=Name%3D%3D%22a%26b%3Dc%23d%3Fe%2F%C3%A9%22&pageSize=5"
    )


@pytest.mark.parametrize("value", [{"a": 1}, ["a"], None])
def test_a_query_that_is_no_single_value(harness: Harness, em: Emulator, value: Any) -> None:
    with harness.failure("invalid_option") as caught:
        call(harness, path="jobs", query={"format": value})
    assert "query.format" in caught.error.msg
    assert em.log == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"method": "GET", "body": {}}, "body"),
        ({"method": "DELETE", "body": {}}, "body"),
        ({"method": "PUT"}, "body"),
        ({"method": "PUT", "body": {"a": 1}, "unless_found": UMBRELLA}, "unless_found"),
        ({"method": "DELETE", "reads": True}, "reads"),
        ({"method": "POST", "force": True}, "force"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"poll_interval": 0}, "poll_interval"),
    ],
)
def test_options_that_do_not_go_together(harness: Harness, em: Emulator, given: dict[str, Any], named: str) -> None:
    with harness.failure("invalid_option") as caught:
        call(harness, path="cloud/tenants", **given)
    assert f"option {named}" in caught.error.msg
    assert em.log == []


# ---------------------------------------------------------------------------------------------------------------------
# PUT


@all_versions_and_formats
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_put_is_sent_if_something_differs(harness: Harness, em: Emulator, check_mode: bool) -> None:
    body = {"Password": SECRET, "Description": "Another one", "MaxConcurrentTasks": 4, "Enabled": True}
    result = call(harness, method="PUT", path=tenant_path(em), body=body, check_mode=check_mode)
    assert result["changed"] is True
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"] == "Description\nMaxConcurrentTasks\n"
    assert len(changes(em)) == (0 if check_mode else 1)
    if check_mode:
        assert result["task"] is None
        return
    assert result["status"] == 202
    assert result["task"]["operation"] == "EditCloudTenant"
    assert result["resource"]["description"] == "Another one"
    assert result["resource"]["max_concurrent_tasks"] in (4, "4")
    for again in (True, False):
        repeated = call(harness, method="PUT", path=tenant_path(em), body=body, check_mode=again)
        assert repeated["changed"] is False
        assert repeated["diff"]["after"] == ""
        assert repeated["resource"] == result["resource"]
        assert repeated["status"] == 200
    assert len(changes(em)) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_address_of_an_entity_is_changed_without_its_format(harness: Harness, em: Emulator, method: str) -> None:
    body = {"body": {"Password": SECRET, "Description": "x"}} if method == "PUT" else {}
    path = tenant_path(em)
    assert call(harness, method=method, path=em.base_url + tenant(em).entity_path, **body)["changed"] is True
    assert [entry.target for entry in changes(em)] == [f"/api/{path}"]


@all_versions
def test_a_secret_alone_is_sent_only_if_forced(harness: Harness, em: Emulator) -> None:
    result = call(harness, method="PUT", path=tenant_path(em), body={"Password": SECRET})
    assert result["changed"] is False
    (warning,) = harness.warnings
    assert "Password cannot be compared" in warning
    assert "force: true" in warning
    assert changes(em) == []
    for check_mode in (True, False):
        forced = call(harness, method="PUT", path=tenant_path(em), body={"Password": SECRET}, force=True, check_mode=check_mode)
        assert forced["changed"] is True
        assert forced["diff"]["after"] == ""
    assert [json.loads(entry.body) for entry in changes(em)] == [{"Password": SECRET}]


@pytest.mark.parametrize(
    ("value", "differs"),
    [("false", True), (False, True), ("true", False), ("True", False), (True, False)],
)
def test_booleans_may_be_texts(harness: Harness, em: Emulator, value: Any, differs: bool) -> None:
    body = {"Password": SECRET, "Enabled": value}
    assert call(harness, method="PUT", path=tenant_path(em), body=body, check_mode=True)["changed"] is differs


def test_members_without_a_value_are_left_out(harness: Harness, em: Emulator) -> None:
    body = {"Password": SECRET, "Description": None, "MaxConcurrentTasks": 6}
    assert call(harness, method="PUT", path=tenant_path(em), body=body)["changed"] is True
    assert json.loads(changes(em)[0].body) == {"Password": SECRET, "MaxConcurrentTasks": 6}
    assert call(harness, method="PUT", path=tenant_path(em), body=body)["changed"] is False


@all_versions
def test_a_put_to_what_is_not_there(harness: Harness, em: Emulator) -> None:
    with harness.failure("not_found"):
        call(harness, method="PUT", path="cloud/tenants/44cfbdbe-5a95-4156-8867-91f069b7c2cc", body={"Description": "x"})
    assert changes(em) == []


def test_a_body_in_xml_has_the_order_of_the_reference(harness: Harness, em: Emulator) -> None:
    em.switches.unknown_members = "refused"
    harness.response_format = "xml"
    body = {
        "Resources": {
            "CloudTenantResources": [
                {"Id": "1", "RepositoryQuota": {"Quota": 1024, "RepositoryUid": repository(em), "DisplayName": "A & B"}}
            ]
        },
        "Enabled": False,
        "Description": "One",
        "Password": SECRET,
    }
    call(harness, method="PUT", path=tenant_path(em), body=body)
    root = ET.fromstring(changes(em)[0].body)
    assert root.tag == f"{NS}CloudTenant"
    assert [child.tag.removeprefix(NS) for child in root] == ["Password", "Description", "Enabled", "Resources"]
    (resource,) = root[3]
    assert (resource.tag, resource.attrib) == (f"{NS}CloudTenantResource", {"Id": "1"})
    assert [(one.tag.removeprefix(NS), one.text) for one in resource[0]] == [
        ("DisplayName", "A & B"),
        ("RepositoryUid", repository(em)),
        ("Quota", "1024"),
    ]
    assert root.findtext(f"{NS}Enabled") == "false"


def test_a_body_whose_root_nobody_knows_is_refused_in_xml(harness: Harness, em: Emulator) -> None:
    harness.response_format = "xml"
    path = f"jobs/{em.world.job('Offsite Copy').id}/linkedJobs"
    with harness.failure("invalid_option") as caught:
        call(harness, method="POST", path=path, body={"LinkedJobUid": "x"})
    assert "set response_format to json or auto" in caught.error.msg
    assert changes(em) == []


# ---------------------------------------------------------------------------------------------------------------------
# DELETE


@all_versions_and_formats
def test_a_delete_of_what_is_gone_is_no_change(harness: Harness, em: Emulator) -> None:
    path = tenant_path(em)
    assert call(harness, method="DELETE", path=path, check_mode=True)["changed"] is True
    assert changes(em) == []
    result = call(harness, method="DELETE", path=path)
    assert result["changed"] is True
    assert result["task"]["operation"] == "DeleteCloudTenant"
    assert result["status"] == 202
    for check_mode in (True, False):
        again = call(harness, method="DELETE", path=path, check_mode=check_mode)
        assert again["changed"] is False
        assert again["status"] is None
        assert again["task"] is None


def test_a_list_that_lags_behind_is_read_again(harness: Harness, em: Emulator) -> None:
    em.switches.object_lag = 20.0
    job = em.world.job("SQL Backup")
    path = f"jobs/{job.id}/includes/{em.world.objects_of(job)[0].id}"
    assert call(harness, method="DELETE", path=path)["changed"] is True
    assert call(harness, method="DELETE", path=path)["changed"] is False
    assert sum(harness.slept) >= 20


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_error_is_no_proof_of_absence(harness: Harness, em: Emulator, status: int, check_mode: bool) -> None:
    """The list still shows what is to be removed."""
    em.fault("status", status=status, path=f"{tenant(em).id}", times=None)
    with harness.failure("not_found" if status == 404 else "server_error"):
        call(harness, method="DELETE", path=tenant_path(em), check_mode=check_mode, wait_timeout=30)
    assert tenant(em) is not None


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "session_lost"), (403, "not_found"), (404, "not_found"), (500, "not_found")]
)
@all_versions
def test_a_list_that_cannot_be_read_is_no_proof_either(harness: Harness, em: Emulator, status: int, kind: str) -> None:
    session = em.logon()
    em.fault("status", status=status, method="GET", path="/api/cloud/tenants", times=None)
    if status == 401:
        em.expire(session)
    with harness.failure(kind):
        call(harness, session, method="DELETE", path="cloud/tenants/44cfbdbe-5a95-4156-8867-91f069b7c2cc", wait_timeout=30)


# ---------------------------------------------------------------------------------------------------------------------
# POST


@all_versions_and_formats
def test_a_post_is_guarded_by_a_query(harness: Harness, em: Emulator) -> None:
    given = {**new_tenant(em), "wait_for": "related", "unless_found": UMBRELLA}
    assert call(harness, **given, check_mode=True)["changed"] is True
    assert changes(em) == []
    result = call(harness, **given)
    assert result["changed"] is True
    assert result["related"]["name"] == "Umbrella"
    assert result["task"]["operation"] == "CreateCloudTenant"
    for check_mode in (True, False):
        again = call(harness, **given, check_mode=check_mode)
        assert again["changed"] is False
        assert again["status"] is None
        assert [one["name"] for one in again["resources"]] == ["Umbrella"]
    assert len(changes(em)) == 1


def test_a_guard_that_cannot_be_read_sends_nothing(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=500, path="/api/query", times=None)
    with harness.failure("server_error"):
        call(harness, **new_tenant(em), unless_found=UMBRELLA)
    assert changes(em) == []


@all_versions
def test_what_was_created_may_show_late(harness: Harness, em: Emulator) -> None:
    em.switches.object_delay = 30.0
    result = call(harness, **new_tenant(em), wait_for="related")
    assert result["related"]["name"] == "Umbrella"
    assert sum(harness.slept) >= 30


def test_what_was_created_never_shows(harness: Harness, em: Emulator) -> None:
    em.switches.object_delay = 1000.0
    with harness.failure("wait_timeout") as caught:
        call(harness, **new_tenant(em), wait_for="related")
    assert caught.result["changed"] is True
    assert caught.result["task"]["success"] is True
    assert "cannot be read yet" in caught.error.msg


@all_versions
def test_a_task_that_fails(harness: Harness, em: Emulator) -> None:
    call(harness, **new_tenant(em))
    with harness.failure("task_failed") as caught:
        call(harness, **new_tenant(em))
    assert "already exists" in caught.error.msg
    assert caught.result["changed"] is False
    assert caught.result["task"]["success"] is False


@all_versions_and_formats
def test_a_session_is_followed_to_its_end(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    options = {"method": "POST", "path": f"jobs/{em.world.job('SQL Backup').id}", "query": {"action": "start"}}
    result = call(harness, session, **options, wait_for="related")
    assert result["changed"] is True
    assert result["related"]["state"] == "Stopped"
    assert result["related"]["result"] == "Success"
    assert em.tasks(session) == [], "the task was removed"


def test_a_session_that_fails(harness: Harness, em: Emulator) -> None:
    em.world.job("SQL Backup").script = ["failed"]
    options = {"method": "POST", "path": f"jobs/{em.world.job('SQL Backup').id}", "query": {"action": "start"}}
    with harness.failure("job_failed") as caught:
        call(harness, **options, wait_for="related")
    assert caught.result["changed"] is True
    assert caught.result["related"]["result"] == "Failed"


@all_versions
def test_nothing_is_waited_for(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    options = {"method": "POST", "path": f"jobs/{em.world.job('SQL Backup').id}", "query": {"action": "start"}}
    result = call(harness, session, **options, wait_for="nothing")
    assert result["changed"] is True
    assert result["task"]["state"] == "Running"
    assert [task_id for task_id, _state in em.tasks(session)] == [result["task"]["task_id"]]
    assert harness.slept == []


@all_versions_and_formats
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_it_is_the_answer_that_counts_not_its_status(harness: Harness, em: Emulator, status: int) -> None:
    em.switches.action_answer = status
    options = {"method": "POST", "path": f"jobs/{em.world.job('SQL Backup').id}", "query": {"action": "start"}}
    result = call(harness, **options)
    assert result["changed"] is True
    assert result["status"] == status
    assert (result["task"] is None) == (status == 204)
    if status != 204:
        assert result["task"]["success"] is True


@all_versions
@pytest.mark.parametrize("example", [False, True])
def test_an_answer_without_a_body(harness: Harness, em: Emulator, example: bool) -> None:
    em.switches.example_codes = example
    body = {"DnsNameOrIpAddress": "vbr09", "Username": "x", "Password": SECRET, "Port": "9392", "Description": "Nine"}
    result = call(harness, method="POST", path="backupServers", query={"action": "create"}, body=body)
    assert result["changed"] is True
    assert result["status"] == (201 if example else 202)
    assert result["task"] is None
    assert result["resource"] is None


@all_versions
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_post_that_only_reads(harness: Harness, em: Emulator, check_mode: bool) -> None:
    operation = OPERATIONS["post_cdpreplicavm_id_actionintervals"]
    options = {"path": address(em, Wire(em), operation).removeprefix("/api/"), "body": body(em, operation)}
    result = call(harness, method="POST", **options, reads=True, check_mode=check_mode)
    assert result["changed"] is False
    assert result["status"] == 200
    assert result["resource"]
    assert len(changes(em)) == 1


@all_formats
@pytest.mark.parametrize("fault", [{"effect": "close", "when": "after"}, {"effect": "status", "status": 504}], ids=str)
def test_a_lost_answer_is_not_repeated(harness: Harness, em: Emulator, fault: dict[str, Any]) -> None:
    em.fault(**fault, method="POST", path="/api/cloud/tenants")
    with pytest.raises(EmError) as caught, harness.failure_of_any_kind():
        call(harness, **new_tenant(em))
    assert "may have been carried out and was not repeated" in caught.value.msg
    assert len(changes(em)) == 1
