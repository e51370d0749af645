# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies: tasks in every form give the same result, and nothing else passes for a list of tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator, Link

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .scripted_server import Request, ScriptedServer, answer

FIXTURES = Path(__file__).parent / "fixtures"
JSON = "application/json; charset=utf-8"

# ---------------------------------------------------------------------------------------------------------------------
# The example of the vendor's reference


def _tasks_of_the_example(base: str) -> list[dict[str, Any]]:
    """Return the tasks in fixtures/tasks_*.xml, on another host."""

    def task(number: int, operation: str, message: str, related: dict[str, Any]) -> dict[str, Any]:
        return {
            "task_id": f"task-{number}",
            "state": "Finished",
            "operation": operation,
            "success": True,
            "message": message,
            "href": f"{base}/api/tasks/task-{number}",
            "related": [{"rel": "Related", **related, "href": base + related["href"]}],
        }

    def related(kind: str, path: str, uid: str, name: str | None = None) -> dict[str, Any]:
        return {"type": kind, "name": name, "href": f"/api/{path}/{uid}?format=Entity", "uid": uid}

    copy = "Copied job (2/29/2024 11:59:58 PM)"
    return [
        task(41, "StartJob", "Ok", related("BackupJobSession", "backupSessions", "0d3c6f7a-21b4-4a55-9c0e-6b1f7a8d9e20")),
        task(42, "RetryJob", "Ok", related("ReplicaJobSession", "replicaSessions", "7be1f0c2-93d8-4f16-8a27-5c4d3e2f1a0b")),
        task(43, "CloneJob", "OK", related("Job", "jobs", "c4a9e8d7-6b5f-4c3d-a2b1-908f7e6d5c4b", copy)),
    ]


@pytest.mark.parametrize("content_type", ["application/xml; charset=utf-8", "application/xml", "text/xml", None])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>', b"\r\n  "])
@pytest.mark.parametrize("name", ["tasks_as_printed.xml", "tasks_well_formed.xml"])
def test_the_example_of_the_reference(
    harness: Harness,
    em: Emulator,
    start_scripted: Callable[..., ScriptedServer],
    *,
    name: str,
    start: bytes,
    content_type: str | None,
) -> None:
    """As printed, with bare ampersands in its links, and well-formed."""
    body = start + (FIXTURES / name).read_bytes()
    server = start_scripted(lambda _request: answer(body, content_type=content_type))
    found = harness.info(em.logon(), options={"port": server.port})
    assert found["tasks"] == _tasks_of_the_example(server.base_url)
    assert found["stats"] == {"requests": 1, "pages": 1}


@all_versions
def test_bare_ampersands_in_every_link(harness: Harness, em: Emulator) -> None:
    em.switches.update({"bare_ampersands": True, "max_page_size": 2})
    harness.response_format = "xml"
    session = em.logon()
    made = em.make_tasks(session, 5, related=Link("Related", "/api/jobs/x?format=Entity&a=b&lt=c", "Job", "R&D <old>"))
    found = harness.info(session)
    assert [task["task_id"] for task in found["tasks"]] == sorted(made, key=lambda name: int(name[5:]))
    assert found["tasks"][0]["related"][0]["href"] == f"{em.base_url}/api/jobs/x?format=Entity&a=b&lt=c"
    assert found["tasks"][0]["related"][0]["name"] == "R&D <old>"


# ---------------------------------------------------------------------------------------------------------------------
# The same in every form

UID = "35c24055-bdee-4e43-b655-a42de408d2ec"


def _make_tasks_of_all_types(em: Emulator) -> tuple[Any, list[dict[str, Any]]]:
    session = em.logon()

    def make(number: int, state: str = "Finished", operation: str = "StartJob", **settings: Any) -> None:
        em.make_task(session, operation, state=state, task_id=f"task-{number}", **settings)

    run = Link("Related", f"/api/backupSessions/{UID}?format=Entity", "BackupJobSession")
    copy = Link("Related", f"/api/jobs/{UID.upper()}?format=Entity", "Job", 'R&D "special"; <x> \u00d8st')
    nameless = Link("Related", "/api/cloud/tenants/7", "CloudTenant", "")
    download = Link("Download", "/api/tasks/task-7/download", None)
    make(2, related=run, message='Job "X" triggered to start.')
    make(3, operation="CloneJob", related=copy, message="OK")
    make(4, operation="StartvAppRestore", success=False, message='Backup target "E:\\" is full & read-only <0x80070070>.')
    make(5, operation="StartRebuildScope", message=None)
    make(6, "OperationFinished", "StartJobSync")
    make(7, "Running", "EditCloudTenant")
    make(8, operation="BrowseVM", related=[nameless, download], message="\u00dcber \u65e5\u672c \U0001f600 \u2028 end")
    make(20, message="   spaces around   ")

    def link(rel: str, kind: str | None, name: str | None, path: str, uid: str | None = None) -> dict[str, Any]:
        return {"rel": rel, "type": kind, "name": name, "href": em.base_url + path, "uid": uid}

    def task(
        number: int, state: str, operation: str, success: bool | None, message: str | None, *related: Any
    ) -> dict[str, Any]:
        return {
            "task_id": f"task-{number}",
            "state": state,
            "operation": operation,
            "success": success,
            "message": message,
            "href": f"{em.base_url}/api/tasks/task-{number}",
            "related": list(related),
        }

    expected = [
        task(2, "Finished", "StartJob", True, 'Job "X" triggered to start.',
             link("Related", "BackupJobSession", None, f"/api/backupSessions/{UID}?format=Entity", UID)),
        task(3, "Finished", "CloneJob", True, "OK",
             link("Related", "Job", 'R&D "special"; <x> \u00d8st', f"/api/jobs/{UID.upper()}?format=Entity", UID)),
        task(4, "Finished", "StartvAppRestore", False, 'Backup target "E:\\" is full & read-only <0x80070070>.'),
        task(5, "Finished", "StartRebuildScope", True, None),
        task(6, "OperationFinished", "StartJobSync", None, None),
        task(7, "Running", "EditCloudTenant", None, None),
        task(8, "Finished", "BrowseVM", True, "\u00dcber \u65e5\u672c \U0001f600 \u2028 end",
             link("Related", "CloudTenant", None, "/api/cloud/tenants/7"),
             link("Download", None, None, "/api/tasks/task-7/download")),
        task(20, "Finished", "StartJob", True, "spaces around"),
    ]  # fmt: skip
    return session, expected


SHAPES: list[dict[str, Any]] = [
    {},
    {"result_null": "absent"},
    {"result_null": "present_while_running"},
    {"json_nulls": False},
    {"json_nulls": False, "result_null": "absent", "json_result_flags": False},
    {"json_tasks": "tasks"},
    {"json_tasks": "tasks_task"},
    {"json_case": "pascal"},
    {"json_case": "camel"},
    {"bom": True},
    {"header_case": "lower"},
    {"hrefs": "foreign"},
    {"hrefs": "http"},
]


def _name(switches: dict[str, Any]) -> str:
    return "+".join(f"{name}={value}" for name, value in switches.items()) or "plain"


@all_versions_and_formats
@pytest.mark.parametrize("switches", SHAPES, ids=_name)
def test_every_version_and_format_gives_the_same_tasks(harness: Harness, em: Emulator, switches: dict[str, Any]) -> None:
    em.switches.update(switches)
    session, expected = _make_tasks_of_all_types(em)
    assert harness.info(session)["tasks"] == expected


@all_versions_and_formats
@pytest.mark.parametrize("shape", ["tasks_tasks", "tasks", "tasks_task"])
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("nulls", [True, False], ids=["nulls", "no-nulls"])
def test_lists_of_any_length_in_any_shape(harness: Harness, em: Emulator, shape: str, count: int, nulls: bool) -> None:
    em.switches.update({"json_tasks": shape, "json_nulls": nulls})
    session = em.logon()
    made = em.make_tasks(session, count)
    assert harness.ids(session) == made


@all_formats
@pytest.mark.parametrize("empty", ["list", "null", "missing"])
@pytest.mark.parametrize("pages_count", [0, 1])
@pytest.mark.parametrize("nulls", [True, False], ids=["nulls", "no-nulls"])
@pytest.mark.parametrize("shape", ["tasks_tasks", "tasks", "tasks_task"])
def test_an_empty_list_in_any_shape(
    harness: Harness, em: Emulator, *, empty: str, pages_count: int, nulls: bool, shape: str
) -> None:
    em.switches.update({"empty_query": empty, "pages_count_when_empty": pages_count, "json_nulls": nulls, "json_tasks": shape})
    found = harness.info(em.logon())
    assert found["tasks"] == []
    assert found["stats"] == {"requests": 1, "pages": 1}


def _xml_page(tasks: str, paging: str = 'PageNum="1" PageSize="100" PagesCount="1"') -> str:
    return f"<QueryResult><Resources><Tasks>{tasks}</Tasks></Resources><PagingInfo {paging} /></QueryResult>"


def test_a_prefixed_namespace_and_any_order_of_attributes(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]
) -> None:
    body = (FIXTURES / "tasks_well_formed.xml").read_text()
    prefixed = body.replace("</", "</v:").replace("<", "<v:").replace("<v:/v:", "</v:").replace("xmlns=", "xmlns:v=")
    server = start_scripted(lambda _request: answer(prefixed))
    assert harness.info(em.logon(), options={"port": server.port})["tasks"] == _tasks_of_the_example(server.base_url)


# ---------------------------------------------------------------------------------------------------------------------
# Errors

MESSAGE = "Object reference not set to an instance of an object."


@all_versions_and_formats
@pytest.mark.parametrize("error_format", ["xml", "json", "html", "text", "empty"])
@pytest.mark.parametrize("bom", [True, False], ids=["bom", "no-bom"])
def test_the_servers_message_is_read_from_any_format(harness: Harness, em: Emulator, error_format: str, bom: bool) -> None:
    em.switches.bom = bom
    em.fault("status", status=500, message=MESSAGE, body=error_format, times=None, method="GET")
    session = em.logon()
    with harness.failure("server_error") as caught:
        harness.info(session)
    assert caught.error.status == 500
    assert (MESSAGE in caught.error.msg) == (error_format != "empty")
    assert (MESSAGE in (caught.error.detail or "")) == (error_format != "empty")
    assert ("a proxy or a firewall" in caught.error.msg) == (error_format == "html")
    assert "<" not in caught.error.msg
    assert caught.result["error"]["path"] == "/api/query"
    assert caught.result["error"]["method"] == "GET"


# ---------------------------------------------------------------------------------------------------------------------
# No list of tasks

BROKEN = {
    "html": "bad_response",
    "bad_json": "bad_response",
    "bad_xml": "bad_response",
    "garbage": "bad_response",
    "cut": "connection",
}


@all_versions_and_formats
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("effect", "kind"), BROKEN.items())
def test_a_broken_answer_is_never_an_empty_list(harness: Harness, em: Emulator, effect: str, kind: str, when: str) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    em.fault(effect, method="GET", when=when, times=None)
    with harness.failure(kind):
        harness.info(session)
    with harness.failure(kind):
        harness.remove(session, task_id=["task-7"])
    with harness.failure(kind):
        harness.remove(session, task_state=["Finished"])
    with harness.failure("wait_timeout"):  # it is retried
        harness.wait(session, task_id=["task-7"], wait_timeout=60)
    assert harness.deletions() == []
    assert len(em.tasks(session)) == 3


@all_formats
def test_a_truncated_body_is_never_whole(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    em.fault("cut", method="GET", when="after", times=None, keep=40)
    with harness.failure("connection"):
        harness.info(session, options={"retries": 1})
    assert len(harness.queries()) == 2


PAGING = {"PageNum": 1, "PageSize": 100, "PagesCount": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'[{"TaskId": "task-1"}]',
        b'{"Resources": {"Tasks": {"Tasks": []}}}',
        b'{"Resources": {"Tasks": {"Tasks": [{}]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Message": "db down", "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Entities": {"Tasks": {"Tasks": [{"TaskId": "task-1"}]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b"<QueryResult/>",
        b'<Tasks><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></Tasks>',
        b'<Error Message="Something is wrong." StatusCode="500"/>',
        b'<!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><q>&b;</q>',
        b"<html><body>Log in</body></html>",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
@pytest.mark.parametrize("content_type", ["application/xml", JSON])
def test_a_body_that_is_no_list_of_tasks_is_bad_response(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], body: bytes, content_type: str | None
) -> None:
    server = start_scripted(lambda _request: answer(body, content_type=content_type))
    with harness.failure("bad_response"):
        harness.remove(em.logon(), task_id=["task-1"], options={"port": server.port})
    assert {request.method for request in server.requests} == {"GET"}


def test_a_logon_page_is_no_list(harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]) -> None:
    body = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><PagingInfo PageNum='1'/></html>"
    server = start_scripted(lambda _request: answer(body, content_type="application/xhtml+xml"))
    with harness.failure("bad_response") as caught:
        harness.info(em.logon(), options={"port": server.port})
    assert "web page" in caught.error.msg


def test_the_body_tells_its_format(harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]) -> None:
    """XML in answer to a request for JSON, and the reverse."""
    row = {
        "TaskId": "task-41",
        "Href": "/api/tasks/task-41",
        "State": "Finished",
        "Operation": "X",
        "Result": {"Success": True, "Message": None},
    }
    said = {
        "xml": json.dumps({"Resources": {"Tasks": {"Tasks": [row]}}, "PagingInfo": PAGING}),
        "json": _xml_page(
            "<Task Href='/api/tasks/task-41'><TaskId>task-41</TaskId><State>Finished</State><Operation>X</Operation>"
            "<Result Success='true'/></Task>"
        ),
    }

    def script(request: Request) -> bytes:
        return answer(said["xml" if "xml" in request.headers["accept"] else "json"], content_type=request.headers["accept"])

    server = start_scripted(script)
    results = []
    for form in ("xml", "json"):
        harness.response_format = form
        results.append(harness.info(em.logon(), options={"port": server.port})["tasks"])
    assert results[0] == results[1]
    assert results[0][0]["task_id"] == "task-41"
    assert results[0][0]["success"] is True


@pytest.mark.parametrize(
    ("preferred", "accept"), [("xml", "application/xml"), ("json", "application/json"), ("auto", "application/json")]
)
def test_one_media_type_is_requested(harness: Harness, em: Emulator, preferred: str, accept: str) -> None:
    """The server reads Accept also to parse requests, so it has one value (wire facts, section 7)."""
    harness.response_format = preferred
    harness.info()
    assert {entry.header("Accept") for entry in em.log} == {accept}
