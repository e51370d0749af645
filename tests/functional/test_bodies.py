# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies: every shape of a task gives the same dict, and what is no list of tasks never passes for an empty one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator, Link

from .bench import Bench, every_form, every_version, every_wire
from .scripted import Asked, ScriptedServer, answer

FIXTURES = Path(__file__).parent / "fixtures"
JSON = "application/json; charset=utf-8"

# ---------------------------------------------------------------------------------------------------------------------
# The vendor's example


def _printed_tasks(base: str) -> list[dict[str, Any]]:
    """Give what tests/functional/fixtures/tasks_*.xml say, on another host."""

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
def test_the_documents_example_decodes(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], *, name: str, start: bytes, content_type: str | None
) -> None:
    """As printed, with bare ampersands in its links, and as a server would send it, the same."""
    body = start + (FIXTURES / name).read_bytes()
    server = scripted(lambda _asked: answer(body, content_type=content_type))
    found = bench.info(em.logon(), options={"port": server.port})
    assert found["tasks"] == _printed_tasks(server.base_url)
    assert found["stats"] == {"requests": 1, "pages": 1}


@every_version
def test_bare_ampersands_in_every_link(bench: Bench, em: Emulator) -> None:
    em.switches.update({"bare_ampersands": True, "max_page_size": 2})
    bench.form = "xml"
    session = em.logon()
    made = em.make_tasks(session, 5, related=Link("Related", "/api/jobs/x?format=Entity&a=b&lt=c", "Job", "R&D <old>"))
    found = bench.info(session)
    assert [task["task_id"] for task in found["tasks"]] == sorted(made, key=lambda name: int(name[5:]))
    assert found["tasks"][0]["related"][0]["href"] == f"{em.base_url}/api/jobs/x?format=Entity&a=b&lt=c"
    assert found["tasks"][0]["related"][0]["name"] == "R&D <old>"


# ---------------------------------------------------------------------------------------------------------------------
# The same from everywhere

UID = "35c24055-bdee-4e43-b655-a42de408d2ec"


def _make_tasks_of_all_kinds(em: Emulator) -> tuple[Any, list[dict[str, Any]]]:
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


@every_wire
@pytest.mark.parametrize("switches", SHAPES, ids=_name)
def test_every_version_and_format_gives_the_same_tasks(bench: Bench, em: Emulator, switches: dict[str, Any]) -> None:
    em.switches.update(switches)
    session, expected = _make_tasks_of_all_kinds(em)
    assert bench.info(session)["tasks"] == expected


@every_wire
@pytest.mark.parametrize("shape", ["tasks_tasks", "tasks", "tasks_task"])
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("nulls", [True, False], ids=["nulls", "no-nulls"])
def test_lists_of_any_length_in_any_shape(bench: Bench, em: Emulator, shape: str, count: int, nulls: bool) -> None:
    em.switches.update({"json_tasks": shape, "json_nulls": nulls})
    session = em.logon()
    made = em.make_tasks(session, count)
    assert bench.ids(session) == made


@every_form
@pytest.mark.parametrize("empty", ["list", "null", "missing"])
@pytest.mark.parametrize("pages_count", [0, 1])
@pytest.mark.parametrize("nulls", [True, False], ids=["nulls", "no-nulls"])
@pytest.mark.parametrize("shape", ["tasks_tasks", "tasks", "tasks_task"])
def test_an_empty_list_in_any_shape(
    bench: Bench, em: Emulator, *, empty: str, pages_count: int, nulls: bool, shape: str
) -> None:
    em.switches.update({"empty_query": empty, "pages_count_when_empty": pages_count, "json_nulls": nulls, "json_tasks": shape})
    found = bench.info(em.logon())
    assert found["tasks"] == []
    assert found["stats"] == {"requests": 1, "pages": 1}


@every_wire
def test_the_outcome_counts_only_when_the_task_is_finished(bench: Bench, em: Emulator) -> None:
    """OperationFinished carries a placeholder that says success, whatever comes of it: wire facts, section 2.1."""
    em.switches.result_null = "present_while_running"
    session = em.logon()
    em.make_task(session, success=False, message="The disk is full.", running_for=10, collecting_for=10)
    seen = []
    for _time in range(3):
        (task,) = bench.info(session)["tasks"]
        seen.append((task["state"], task["success"], task["message"]))
        em.clock.advance(10)
    assert seen == [
        ("Running", None, None),
        ("OperationFinished", None, None),
        ("Finished", False, "The disk is full."),
    ]


@every_wire
def test_links_are_read_anew_as_the_task_ends(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    em.make_task(session, running_for=10, related=f"/api/backupSessions/{UID}?format=Entity")
    assert bench.info(session)["tasks"][0]["related"] == []
    result = bench.wait(session, task_state=["Running"])
    assert [link["uid"] for link in result["tasks"][0]["related"]] == [UID]


def test_booleans_of_xml_schema(bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]) -> None:
    words = ["1", "0", "true", "false", "True", "FALSE", " true ", "perhaps"]
    tasks = "".join(
        f'<Task><TaskId>task-{number}</TaskId><State>Finished</State><Operation>X</Operation><Result Success="{word}"/></Task>'
        for number, word in enumerate(words)
    )
    server = scripted(lambda _asked: answer(_xml_page(tasks)))
    found = bench.info(em.logon(), options={"port": server.port})["tasks"]
    assert [task["success"] for task in found] == [True, False, True, False, True, False, True, None]


def _xml_page(tasks: str, paging: str = 'PageNum="1" PageSize="100" PagesCount="1"') -> str:
    return f"<QueryResult><Resources><Tasks>{tasks}</Tasks></Resources><PagingInfo {paging} /></QueryResult>"


def test_a_prefixed_namespace_and_any_order_of_attributes(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    body = (FIXTURES / "tasks_well_formed.xml").read_text()
    prefixed = body.replace("</", "</v:").replace("<", "<v:").replace("<v:/v:", "</v:").replace("xmlns=", "xmlns:v=")
    server = scripted(lambda _asked: answer(prefixed))
    assert bench.info(em.logon(), options={"port": server.port})["tasks"] == _printed_tasks(server.base_url)


# ---------------------------------------------------------------------------------------------------------------------
# Errors

WORDS = "Object reference not set to an instance of an object."


@every_wire
@pytest.mark.parametrize("error_format", ["xml", "json", "html", "text", "empty"])
@pytest.mark.parametrize("bom", [True, False], ids=["bom", "no-bom"])
def test_an_error_in_any_format_is_a_failure_in_the_servers_words(
    bench: Bench, em: Emulator, error_format: str, bom: bool
) -> None:
    em.switches.bom = bom
    em.fault("status", status=500, message=WORDS, body=error_format, times=None, method="GET")
    session = em.logon()
    with bench.failure("server_error") as caught:
        bench.info(session)
    assert caught.error.status == 500
    assert caught.error.detail == (WORDS if error_format in ("xml", "json") else None)
    assert (WORDS in caught.error.msg) == (error_format in ("xml", "json"))
    assert "<" not in caught.error.msg
    assert caught.result["error"]["path"] == "/api/query"
    assert caught.result["error"]["method"] == "GET"


def test_no_stack_trace_is_shown(bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]) -> None:
    trace = "at Veeam.Backup.Enterprise.RestAPI.Internals()"
    body = f'<Error Message="{WORDS}" StatusCode="500"><StackTrace>{trace}</StackTrace></Error>'
    server = scripted(lambda _asked: answer(body, status=500))
    with bench.failure("server_error") as caught:
        bench.info(em.logon(), options={"port": server.port})
    assert caught.error.detail == WORDS
    assert trace not in json.dumps(caught.result)


# ---------------------------------------------------------------------------------------------------------------------
# What is no list of tasks

NONSENSE = {
    "html": "bad_response",
    "bad_json": "bad_response",
    "bad_xml": "bad_response",
    "garbage": "bad_response",
    "cut": "connection",
}


@every_wire
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("effect", "kind"), NONSENSE.items())
def test_nonsense_is_never_an_empty_list(bench: Bench, em: Emulator, effect: str, kind: str, when: str) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    em.fault(effect, method="GET", when=when, times=None)
    with bench.failure(kind):
        bench.info(session)
    with bench.failure(kind):
        bench.remove(session, task_id=["task-7"])
    with bench.failure(kind):
        bench.remove(session, task_state=["Finished"])
    with bench.failure("wait_timeout"):  # it might pass, and be followed by what is
        bench.wait(session, task_id=["task-7"], wait_timeout=60)
    assert bench.deletions() == []
    assert len(em.tasks(session)) == 3


@every_form
@pytest.mark.parametrize("keep", [0, 1, 3, 40])
def test_a_cut_body_is_never_a_whole_one(bench: Bench, em: Emulator, keep: int) -> None:
    session = em.logon()
    em.make_tasks(session, 3)
    em.fault("cut", method="GET", when="after", times=None, keep=keep)
    with bench.failure("connection"):
        bench.info(session, options={"retries": 1})
    assert len(bench.queries()) == 2


PAGING = {"PageNum": 1, "PageSize": 100, "PagesCount": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"\xef\xbb\xbf",
        b"null",
        b"true",
        b"0",
        b'""',
        b"[]",
        b"{}",
        b'[{"TaskId": "task-1"}]',
        b'{"Tasks": []}',
        b'{"Resources": null}',
        b'{"Resources": {"Tasks": {"Tasks": []}}}',
        b'{"Resources": null, "PagingInfo": null}',
        b'{"Resources": null, "PagingInfo": []}',
        b'{"Resources": null, "PagingInfo": {}}',
        b'{"Message": "Something is wrong.", "StatusCode": 500}',
        b'{"Resources": {"Tasks": {"Tasks": "none"}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": {"Tasks": {"Tasks": [1, 2]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": {"Tasks": {"Tasks": [{}]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": {"Tasks": {"Tasks": 5}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": "gone", "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": null, "PagingInfo": {"PageNum": 1, "PagesCount": 1}',
        b'{"Resources": null, "PagingInfo": {"PageNum": NaN, "PagesCount": 1}}',
        b'{"Message": "db down", "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Entities": {"Tasks": {"Tasks": [{"TaskId": "task-1"}]}}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b'{"Resources": {"Tasks": {"Tasks": []}}, "Refs": {"Refs": [{"Href": "/api/tasks/task-1"}]}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}',
        b"[" * 100000,
        b"<QueryResult/>",
        b"<QueryResult><Resources><Tasks/></Resources></QueryResult>",
        b"<QueryResult><Resources><Tasks/></Resources><PagingInfo/></QueryResult>",
        b"<Tasks></Tasks>",
        b'<Tasks><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></Tasks>',
        b'<Error Message="Something is wrong." StatusCode="500"/>',
        b"<QueryResult><Resources><Tasks></QueryResult>",
        pytest.param(
            b'<QueryResult><Resources><Tasks><Task/></Tasks></Resources><PagingInfo PageNum="1" PagesCount="1"/></QueryResult>',
        ),
        b'<QueryResult><Resources><Tasks>5</Tasks></Resources><PagingInfo PageNum="1" PagesCount="1"/></QueryResult>',
        b'<?xml version="1.0" encoding="utf-16"?><QueryResult/>',
        b'<!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><q>&b;</q>',
        b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><q>&x;</q>',
        b'<QueryResult><Refs><Ref Href="/api/tasks/task-1"/></Refs><PagingInfo PageNum="1" PagesCount="1"/></QueryResult>',
        b"<html><body>Log in</body></html>",
        b"<HTML><HEAD><TITLE>Bad Request</TITLE></HEAD></HTML>",
        b"Service starting, please wait.",
        b"\x00\x01\x02\x03",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    ],
    ids=lambda body: body[:60].decode("latin-1"),
)
@pytest.mark.parametrize("content_type", ["application/xml", JSON])
def test_what_is_no_list_of_tasks_is_bad_response(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], body: bytes, content_type: str | None
) -> None:
    server = scripted(lambda _asked: answer(body, content_type=content_type))
    with bench.failure("bad_response"):
        bench.remove(em.logon(), task_id=["task-1"], options={"port": server.port})
    assert {asked.method for asked in server.asked} == {"GET"}


def test_a_page_behind_a_redirected_login_is_no_list(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    body = b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><PagingInfo PageNum='1'/></html>"
    server = scripted(lambda _asked: answer(body, content_type="application/xhtml+xml"))
    with bench.failure("bad_response") as caught:
        bench.info(em.logon(), options={"port": server.port})
    assert "web page" in caught.error.msg


def test_the_format_is_told_by_the_body_not_by_what_was_asked_for(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """XML to a request for JSON, and the other way round."""
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

    def script(asked: Asked) -> bytes:
        return answer(said["xml" if "xml" in asked.headers["accept"] else "json"], content_type=asked.headers["accept"])

    server = scripted(script)
    results = []
    for form in ("xml", "json"):
        bench.form = form
        results.append(bench.info(em.logon(), options={"port": server.port})["tasks"])
    assert results[0] == results[1]
    assert results[0][0]["task_id"] == "task-41"
    assert results[0][0]["success"] is True


@pytest.mark.parametrize(
    ("form_asked", "accept"), [("xml", "application/xml"), ("json", "application/json"), ("auto", "application/json")]
)
def test_one_media_type_is_asked_for(bench: Bench, em: Emulator, form_asked: str, accept: str) -> None:
    """The server reads Accept also to parse requests, so it is one value (wire facts, section 7)."""
    bench.form = form_asked
    bench.info()
    assert {entry.header("Accept") for entry in em.log} == {accept}
