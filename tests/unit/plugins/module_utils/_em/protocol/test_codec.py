# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes to plain data."""

from __future__ import annotations

import sys
from uuid import uuid4

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol import codec as _codec
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import (
    decode,
    decode_error,
    iter_rows,
    read_bool,
    read_int,
    read_text,
    snake_case,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import strip_host

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


# ---------------------------------------------------------------------------------------------------------------------
# In which words, and where the edges are


@pytest.mark.parametrize(
    ("body", "content_type", "msg", "detail"),
    [
        (b"", "", "The server sent an empty answer instead of a resource of the REST API.", None),
        (b" \r\n\t", "", "The server sent an empty answer instead of a resource of the REST API.", None),
        (b"", "Text/HTML; charset=utf-8", "The server sent a web page instead of a resource of the REST API.", None),
        (b"oops", "", "The server sent neither XML nor JSON instead of a resource of the REST API.", None),
        (b"X<a/>", "", "The server sent neither XML nor JSON instead of a resource of the REST API.", None),
        (b'"text"', "", "The server sent neither XML nor JSON instead of a resource of the REST API.", None),
        (b"<a/>", "TEXT/html", "The server sent a web page instead of a resource of the REST API.", None),
        (b"<HTML>", "", "The server sent a web page instead of a resource of the REST API.", None),
        (b"<!-- x --><!DocType Html>", "", "The server sent a web page instead of a resource of the REST API.", None),
        (b'{"a":NaN}', "", "The server sent JSON that cannot be read.", "ValueError: NaN is no JSON"),
        (b'{"a":-Infinity}', "", "The server sent JSON that cannot be read.", "ValueError: -Infinity is no JSON"),
        (b'{"a":1e999}', "", "The server sent JSON that cannot be read.", "ValueError: a number too large"),
        (b'{"a":' + b"9" * 401 + b"}", "", "The server sent JSON that cannot be read.", "ValueError: a number of 401 digits"),
        (
            b'<!DOCTYPE a SYSTEM "x"><a/>',
            "",
            "The server sent XML with a document type of its own, which is not read.",
            None,
        ),
        (
            b"<a>" + b" " * 2000 + b'<!ENTITY b "cc"></a>',
            "",
            "The server sent XML with a document type of its own, which is not read.",
            None,
        ),
    ],
)
def test_unreadable_is_told_in_these_words(body: bytes, content_type: str, msg: str, detail: str | None) -> None:
    with pytest.raises(EmError) as caught:
        decode(body, content_type)
    assert (caught.value.msg, caught.value.detail) == (msg, detail)


def test_unreadable_xml_is_told_with_the_parsers_words() -> None:
    for body, words in ((b"<a>&b;</a>", "undefined entity"), (b"<a><b></a>", "mismatched tag")):
        with pytest.raises(EmError) as caught:
            decode(body)
        assert caught.value.msg == "The server sent XML that cannot be read."
        assert words in (caught.value.detail or "")
    with pytest.raises(EmError) as caught:
        decode(b"<a><b></a>")
    assert (caught.value.detail or "").startswith("ExpatError: ")
    with pytest.raises(EmError) as caught:
        decode(b"<xmlns/>")
    assert caught.value.detail == "There is no root element."


def test_words_of_a_parser_are_cut_short() -> None:
    with pytest.raises(EmError) as caught:
        decode(b'<?xml version="1.0" encoding="' + b"klingon" * 50 + b'"?><a/>')
    assert len(caught.value.detail or "") <= 200
    with pytest.raises(EmError) as caught:
        decode(b'{"a":' + b"x" * 500)
    assert (caught.value.detail or "").startswith("JSONDecodeError: ")


def test_what_is_far_down_makes_no_web_page_and_no_document_type() -> None:
    far = b" " * 1000
    assert decode(b'{"a":"' + far + b'<html"}').data == {"a": far.decode() + "<html"}
    assert decode(b"<a>" + far + b"<b>&lt;html</b></a>").data["b"] == "<html"
    assert decode(b"<a b='" + far + b"&lt;!DOCTYPE'/>").root == "a"
    assert decode(b"<a><![CDATA[" + far + b"<!DOCTYPE]]></a>").root == "a"
    assert decode(b'{"a":"<html>"}', "text/html").data == {"a": "<html>"}, "what begins as JSON is JSON"


@pytest.mark.parametrize("space", [b"", b"\r\n \t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_white_space_before_the_body(space: bytes) -> None:
    assert decode(b"<a b='1'/>" if space.endswith(b"\n") else space + b"<a b='1'/>").data == {"b": "1"}
    assert decode(b"\n\r\t " + b"<a b='1'/>").data == {"b": "1"}
    assert decode(b"\n\r\t " + b'{"b":1}').data == {"b": 1}
    assert decode(b"[1]").data == [1]
    assert decode(b'\r\n<?xml version="1.0"?><a b="1"/>').data == {"b": "1"}


def test_numbers_of_json() -> None:
    longest = "9" * 400
    data = decode(b'{"A":' + longest.encode() + b',"B":-5,"C":1.5e3,"D":-0.25}').data
    assert data == {"a": int(longest), "b": -5, "c": 1500.0, "d": -0.25}


def test_an_ampersand_is_mended_only_where_it_has_to_be() -> None:
    assert decode(b"<a><![CDATA[x & y]]></a>").data == "x & y"
    assert decode(b"<a>x & y</a>").data == "x & y"


def test_names_that_were_never_seen() -> None:
    for number in range(10000):
        new = uuid4().hex.translate(str.maketrans("0123456789", "ghijklmnop"))
        assert snake_case(f"{new.capitalize()}NameUID") == f"{new}_name_uid", number
    assert len(_codec._NAMES) <= 5000, "a server that invents names does not fill the memory"


def test_xml_texts_elements_and_nothing() -> None:
    document = decode(
        b'<Root xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Empty/><Nil i:nil="true"/><NotNil i:nil="false"/>'
        b'<Text Kind="k">words</Text><Some>true</Some><Some>2</Some></Root>'
    )
    assert document.root == "root"
    assert document.data == {
        "empty": {},
        "nil": None,
        "not_nil": {"nil": "false"},
        "text": {"kind": "k", "#text": "words"},
        "some": ["true", "2"],
    }
    assert decode(b"<Root/>").data == {}
    assert decode(b'<Root xmlns="x"/>').data == {}
    assert decode(b'<Root xmlns:i="x" i:nil="true"/>').data == {}
    assert decode(b"<Root>words</Root>").data == "words"


def test_error_words_are_one_line_of_500_characters() -> None:
    assert decode_error(b'{"Message":" The\\n task\\t is \\u00a0 gone. "}') == "The task is gone."
    assert decode_error(b'{"Message":"' + b"x" * 600 + b'"}') == "x" * 500
    assert decode_error(b'{"Message":"m"}', "text/html") == "m"
    assert decode_error(b'<Error Message="m"/>', "text/html") is None
    assert decode_error(b'<Error Message="m"/>', "text/xml") == "m"


def test_foreign_shape_is_told_with_the_name_of_the_list() -> None:
    for node, msg in (
        ([5], "The server's list of tasks holds something that is not a resource."),
        ([{}], "The server's list of tasks holds something that is not a resource."),
        ("text", "The server's list of tasks has a shape that is not known."),
        ({"href2": 1}, "The server's list of tasks has a shape that is not known."),
    ):
        with pytest.raises(EmError) as caught:
            list(iter_rows(node, "tasks", "task"))
        assert (caught.value.kind, caught.value.msg) == ("bad_response", msg)


def test_rows_of_several_shapes_at_once() -> None:
    one, two, three = {"href": "1"}, {"href": "2"}, {"href": "3", "tasks": None}
    assert list(iter_rows({"tasks": [one], "task": two}, "tasks", "task")) == [one, two]
    assert list(iter_rows({"tasks": one}, "tasks", "task")) == [one]
    assert list(iter_rows({"task": {"state": "Running"}}, "tasks", "task")) == [{"state": "Running"}], "no address, by name"
    assert list(iter_rows({"task": {"task": [one]}}, "tasks", "task")) == [one]
    assert list(iter_rows([three], "tasks", "task")) == [three]
    assert list(iter_rows({"c": {"state": "x"}}, "a", "b", "c")) == [{"state": "x"}], "the last name is that of one"
    assert list(iter_rows({"b": [one]}, "a", "b", "c")) == [one]
    with pytest.raises(EmError):
        list(iter_rows({"tasks": {"state": "Running"}}, "tasks", "task"))


def test_lists_within_lists_come_to_an_end() -> None:
    def nest(times: int) -> object:
        node: object = [{"href": "1"}]
        for _time in range(times):
            node = {"tasks": node}
        return node

    assert list(iter_rows(nest(8), "tasks", "task")) == [{"href": "1"}]
    with pytest.raises(EmError):
        list(iter_rows(nest(9), "tasks", "task"))


@pytest.mark.parametrize(
    ("value", "text", "truth", "number"),
    [
        (None, None, None, None),
        ("", None, None, None),
        (" \n", None, None, None),
        (" x ", "x", None, None),
        ("True", "True", True, None),
        (" false ", "false", False, None),
        ("TRUE", "TRUE", True, None),
        ("1", "1", True, 1),
        ("0", "0", False, 0),
        (True, None, True, None),
        (False, None, False, None),
        (1, "1", None, 1),
        (0, "0", None, 0),
        (-7, "-7", None, -7),
        (" -7 ", "-7", None, -7),
        ("+7", "+7", None, None),
        ("9" * 18, "9" * 18, None, 10**18 - 1),
        ("9" * 19, "9" * 19, None, None),
        ("5x", "5x", None, None),
        ("\u0665", "\u0665", None, None),
        (1.5, None, None, None),
        ([], None, None, None),
        ({}, None, None, None),
        ({"#text": " t "}, "t", None, None),
        ({"#text": " "}, None, None, None),
        ({"#text": 5}, "5", None, None),
        ({"#text": True}, None, None, None),
    ],
)
def test_members_are_read_as_what_they_are(value: object, text: str | None, truth: bool | None, number: int | None) -> None:
    node = {"key": value}
    assert (read_text(node, "key"), read_bool(node, "key"), read_int(node, "key")) == (text, truth, number)


def test_text_of_a_kind_of_its_own_is_stripped_too() -> None:
    class Text(str):
        __slots__ = ()

    assert read_text({"key": Text(" x ")}, "key") == "x"


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("https://em/api?a=1&b=2#part", "/api?a=1&b=2"),
        ("//em:9398/api", "/api"),
        ("https://em", ""),
        ("https://em?a", "?a"),
        ("api/x", "api/x"),
        ("/api/\u00fc", "/api/\u00fc"),
        ("/api/a b", ""),
        ("/api/\n", ""),
        ("/api/\x7f", ""),
        ("urn:veeam:Job:1", "veeam:Job:1"),
    ],
)
def test_strip_host_keeps_path_and_query(href: str, path: str) -> None:
    assert strip_host(href) == path
