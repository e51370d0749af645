# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes to plain data."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em._codec import (
    decode,
    decode_error,
    iter_rows,
    read_bool,
    read_int,
    read_text,
    snake_case,
    strip_host,
)
from ansible_collections.vbem.rest.plugins.module_utils._em._errors import EmError

XML = (
    b'<?xml version="1.0" encoding="utf-8"?><QueryResult xmlns="http://www.veeam.com/ent/v1.0"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Resources><Tasks>'
    b'<Task Href="https://em:9398/api/tasks/task-1" Type="Task"><TaskId>task-1</TaskId><Result xsi:nil="true"/></Task>'
    b'</Tasks></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'
)
JSON_12 = b'{"Resources":{"Tasks":{"Tasks":[{"TaskId":"task-1","UID":"u","CreationTimeUTC":null}]}},"PagingInfo":{"PageNum":1}}'
JSON_13 = b'{"resources":{"tasks":{"tasks":[{"taskId":"task-1","uid":"u","creationTimeUTC":null}]}},"pagingInfo":{"pageNum":1}}'


def test_both_spellings_of_json_are_one() -> None:
    assert decode(JSON_12) == decode(JSON_13)
    row = next(iter_rows(decode(JSON_13).data["resources"]["tasks"], "tasks", "task"))
    assert row == {"task_id": "task-1", "uid": "u", "creation_time_utc": None}


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("body", [XML, JSON_12])
def test_byte_order_mark(bom: bytes, body: bytes) -> None:
    assert decode(bom + body) == decode(body)


def test_xml() -> None:
    document = decode(XML, "application/xml; charset=utf-8")
    assert document.root == "query_result"
    assert document.data["paging_info"] == {"page_num": "1", "page_size": "100", "pages_count": "1"}
    row = next(iter_rows(document.data["resources"]["tasks"], "tasks", "task"))
    assert row == {"href": "https://em:9398/api/tasks/task-1", "type": "Task", "task_id": "task-1", "result": None}


def test_prefixed_xml_is_the_same() -> None:
    prefixed = b'<v:Task xmlns:v="http://www.veeam.com/ent/v1.0" Href="/api/tasks/1"><v:TaskId>1</v:TaskId></v:Task>'
    assert decode(prefixed).data == {"href": "/api/tasks/1", "task_id": "1"}


def test_bare_ampersands_are_mended_and_real_entities_kept() -> None:
    body = b'<Link Href="https://em/api/query?type=Task&pageSize=15&amp;page=1" Name="a &lt; b" />'
    assert decode(body).data == {"href": "https://em/api/query?type=Task&pageSize=15&page=1", "name": "a < b"}


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("NASJobs", "nas_jobs"),
        ("nasJobs", "nas_jobs"),
        ("UID", "uid"),
        ("uid", "uid"),
        ("VAppRestorePoints", "v_app_restore_points"),
        ("vAppRestorePoints", "v_app_restore_points"),
        ("CreationTimeUTC", "creation_time_utc"),
        ("creationTimeUTC", "creation_time_utc"),
        ("JobUid", "job_uid"),
        ("Id", "id"),
    ],
)
def test_snake_case(wire: str, name: str) -> None:
    assert snake_case(wire) == name


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"hello",
        b"<QueryResult>",
        b"<QueryResult><a></QueryResult>",
        XML[:-20],
        JSON_12[:-5],
        b"{]",
        b'{"a":NaN}',
        b'{"a":' + b"9" * 1000 + b"}",
        b"[" * 100000,
        b'{"a":"\xff\xfe"}',
        b"<html><body>Sign in</body></html>",
        b"<!DOCTYPE html><html></html>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>',
    ],
)
def test_unreadable_is_bad_response(body: bytes) -> None:
    with pytest.raises(EmError) as caught:
        decode(body)
    assert caught.value.kind == "bad_response"


def test_web_page_is_named_as_such() -> None:
    with pytest.raises(EmError, match="a web page"):
        decode(b"<html><body>hi</body></html>", "text/html")


def test_json_does_not_load_the_xml_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xmltodict", None)
    assert decode(JSON_12).data
    with pytest.raises(EmError) as caught:
        decode(XML)
    assert caught.value.kind == "missing_library"
    assert "xmltodict>=0.12.0" in caught.value.msg


@pytest.mark.parametrize(
    "body",
    [
        b'<Error Message="No such thing." StatusCode="500" xmlns="http://www.veeam.com/ent/v1.0"><StackTrace>at x</StackTrace></Error>',
        b'{"FirstChanceExceptionMessage":null,"Message":"No such thing.","StackTrace":"at x","Status":null,"StatusCode":400}',
        b'{"message":"No such thing.","statusCode":500}',
    ],
)
def test_error_in_any_format(body: bytes) -> None:
    assert decode_error(body) == "No such thing."


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"oops", b"[]", b'{"Message":5}', b'{"Message":" "}', b"<a"])
def test_error_without_words(body: bytes) -> None:
    assert decode_error(body) is None


@pytest.mark.parametrize(
    "node",
    [
        [{"href": "1"}, {"href": "2"}],
        {"tasks": [{"href": "1"}, {"href": "2"}]},
        {"task": [{"href": "1"}, {"href": "2"}]},
        {"tasks": {"tasks": [{"href": "1"}, {"href": "2"}]}},
        {"tasks": {"task": [{"href": "1"}, {"href": "2"}]}},
    ],
)
def test_rows_in_every_shape(node: object) -> None:
    assert list(iter_rows(node, "tasks", "task")) == [{"href": "1"}, {"href": "2"}]


@pytest.mark.parametrize("node", [None, [], {}, {"tasks": None}, {"tasks": []}, {"tasks": {"tasks": None}}])
def test_no_rows(node: object) -> None:
    assert list(iter_rows(node, "tasks", "task")) == []


@pytest.mark.parametrize("node", [{"task": {"href": "1"}}, {"tasks": {"task": {"href": "1"}}}, {"href": "1"}])
def test_single_row(node: object) -> None:
    assert list(iter_rows(node, "tasks", "task")) == [{"href": "1"}]


@pytest.mark.parametrize("node", ["text", 5, [5], [None], {"other": []}, {"tasks": "text"}])
def test_foreign_shape_is_bad_response(node: object) -> None:
    with pytest.raises(EmError) as caught:
        list(iter_rows(node, "tasks", "task"))
    assert caught.value.kind == "bad_response"


def test_readers() -> None:
    node = {
        "a": " x ",
        "b": "",
        "c": None,
        "d": True,
        "e": "true",
        "f": "0",
        "g": "yes",
        "h": 5,
        "i": "12",
        "j": {"#text": "t"},
    }
    assert [read_text(node, key) for key in "abcdhjz"] == ["x", None, None, None, "5", "t", None]
    assert [read_bool(node, key) for key in "defgaz"] == [True, True, False, None, None, None]
    assert [read_int(node, key) for key in "hiadz"] == [5, 12, None, None, None]


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("https://other:1/api/tasks/task-1?format=Entity", "/api/tasks/task-1?format=Entity"),
        ("http://em:9399/api/x", "/api/x"),
        ("/api/x", "/api/x"),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_strip_host(href: str, path: str) -> None:
    assert strip_host(href) == path
