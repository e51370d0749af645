# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies to plain data and back."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import (
    NAMESPACE,
    Body,
    decode,
    decode_error,
    encode,
    get_row_name,
    iter_rows,
    read_bool,
    read_int,
    read_text,
    rename_keys,
    snake_case,
)

XML = (
    b'<?xml version="1.0" encoding="utf-8"?><QueryResult xmlns="http://www.veeam.com/ent/v1.0"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Resources><Tasks>'
    b'<Task Href="https://em:9398/api/tasks/task-1" Type="Task"><TaskId>task-1</TaskId><Result xsi:nil="true"/></Task>'
    b'</Tasks></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'
)
JSON_12 = b'{"Resources":{"Tasks":{"Tasks":[{"TaskId":"task-1","UID":"u","CreationTimeUTC":null}]}},"PagingInfo":{"PageNum":1}}'
JSON_13 = b'{"resources":{"tasks":{"tasks":[{"taskId":"task-1","uid":"u","creationTimeUTC":null}]}},"pagingInfo":{"pageNum":1}}'


def test_both_cases_of_json_give_the_same() -> None:
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


def test_bare_ampersands_are_escaped_and_entities_kept() -> None:
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


def test_a_web_page_is_called_one() -> None:
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
def test_the_message_of_an_error_in_any_format(body: bytes) -> None:
    assert decode_error(body) == ("No such thing.", False)


WCF_FAULT = (
    b'<Fault xmlns="http://schemas.microsoft.com/ws/2005/05/envelope/none"><Code><Value>Receiver</Value></Code>'
    b'<Reason><Text xml:lang="de-DE">Kein Zugriff.</Text></Reason></Fault>'
)
SOAP_FAULT = (
    b"<s:Envelope xmlns:s='x'><s:Body><s:Fault><faultstring>Kein Zugriff.</faultstring></s:Fault></s:Body></s:Envelope>"
)
PROBLEM = b'{"type":"about:blank","title":"Bad Request","status":400,"detail":"Kein Zugriff."}'


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (WCF_FAULT, "application/xml", "Kein Zugriff."),
        (SOAP_FAULT, "text/xml", "Kein Zugriff."),
        (PROBLEM, "application/problem+json", "Bad Request: Kein Zugriff."),
        (b'{"title":"One or more validation errors occurred."}', "application/json", "One or more validation errors occurred."),
        (b"Kein\r\n Zugriff.", "text/plain; charset=utf-8", "Kein Zugriff."),
        (b"<string>Kein Zugriff.</string>", "application/xml", None),
    ],
)
def test_the_message_of_an_error_that_is_not_the_apis_own(body: bytes, content_type: str, text: str | None) -> None:
    assert decode_error(body, content_type) == (text, False)


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b'{"Message":5}', b'{"Message":" "}', b"<a"])
def test_an_error_without_a_message(body: bytes) -> None:
    assert decode_error(body) == (None, False)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"<html>no</html>", "", "no"),
        (b'<Error Message="m"/>', "text/html", None),
        (
            b"<!DOCTYPE html><html><head><title>502 Bad&nbsp;Gateway</title><style>a{}</style></head><body><h1>Sorry</h1></body></html>",
            "text/html",
            "502 Bad Gateway: Sorry",
        ),
        (b"<html><script>var a = '<b>'</script><p>" + b"long " * 100 + b"</p></html>", "text/html", ("long " * 40)),
    ],
)
def test_a_web_page_is_not_the_apis_answer(body: bytes, content_type: str, text: str | None) -> None:
    assert decode_error(body, content_type) == (text, True)


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


# ---------------------------------------------------------------------------------------------------------------------
# Messages and limits


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
        (b'{"a":NaN}', "", "The server sent JSON that cannot be read.", "ValueError: NaN is not JSON"),
        (b'{"a":-Infinity}', "", "The server sent JSON that cannot be read.", "ValueError: -Infinity is not JSON"),
        (b'{"a":1e999}', "", "The server sent JSON that cannot be read.", "ValueError: a number too large"),
        (b'{"a":' + b"9" * 401 + b"}", "", "The server sent JSON that cannot be read.", "ValueError: a number of 401 digits"),
        (
            b'<!DOCTYPE a SYSTEM "x"><a/>',
            "",
            "The server sent XML with a DOCTYPE, which is refused.",
            None,
        ),
        (
            b"<a>" + b" " * 2000 + b'<!ENTITY b "cc"></a>',
            "",
            "The server sent XML with a DOCTYPE, which is refused.",
            None,
        ),
    ],
)
def test_the_message_about_an_unreadable_body(body: bytes, content_type: str, msg: str, detail: str | None) -> None:
    with pytest.raises(EmError) as caught:
        decode(body, content_type)
    assert (caught.value.msg, caught.value.detail) == (msg, detail)


def test_the_parsers_message_is_the_detail() -> None:
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


def test_a_long_message_of_the_parser_is_truncated() -> None:
    with pytest.raises(EmError) as caught:
        decode(b'<?xml version="1.0" encoding="' + b"klingon" * 50 + b'"?><a/>')
    assert len(caught.value.detail or "") <= 200
    with pytest.raises(EmError) as caught:
        decode(b'{"a":' + b"x" * 500)
    assert (caught.value.detail or "").startswith("JSONDecodeError: ")


def test_only_the_beginning_tells_web_pages_and_document_types() -> None:
    far = b" " * 1000
    assert decode(b'{"a":"' + far + b'<html"}').data == {"a": far.decode() + "<html"}
    assert decode(b"<a>" + far + b"<b>&lt;html</b></a>").data["b"] == "<html"
    assert decode(b"<a b='" + far + b"&lt;!DOCTYPE'/>").root == "a"
    assert decode(b"<a><![CDATA[" + far + b"<!DOCTYPE]]></a>").root == "a"
    assert decode(b'{"a":"<html>"}', "text/html").data == {"a": "<html>"}, "a body that begins as JSON is JSON"


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


def test_an_ampersand_is_escaped_only_where_necessary() -> None:
    assert decode(b"<a><![CDATA[x & y]]></a>").data == "x & y"
    assert decode(b"<a>x & y</a>").data == "x & y"


def test_the_cache_of_names_is_bounded() -> None:
    """A server that invents names does not fill the memory."""
    limit = snake_case.cache_info().maxsize
    assert limit is not None
    for number in range(limit + 10):
        assert snake_case(f"Some{'X' * (number % 7)}Name{number}").startswith("some")
    assert snake_case.cache_info().currsize == limit


def test_xml_texts_elements_and_nil() -> None:
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


def test_the_message_of_an_error_is_one_line_of_500_characters() -> None:
    assert decode_error(b'{"Message":" The\\n task\\t is \\u00a0 gone. "}').text == "The task is gone."
    assert decode_error(b'{"Message":"' + b"x" * 600 + b'"}').text == "x" * 500
    assert decode_error(b'{"Message":"m"}', "text/html").text == "m"
    assert decode_error(b'<Error Message="m"/>', "text/xml").text == "m"


def test_text_and_pages_in_another_encoding_can_be_read() -> None:
    assert decode_error(b"caf\xe9 is\nclosed", "text/plain").text == "caf\ufffd is closed"
    page = b"<HTML><HEAD><TITLE>\nBlocked\n</TITLE><STYLE>\nx\n</STYLE></HEAD><BODY>caf\xe9</BODY></HTML>"
    assert decode_error(page, "text/html").text == "Blocked: caf\ufffd"
    assert decode_error(b" <html><title>Blocked</title></html>", "text/html") == ("Blocked", True)


@pytest.mark.parametrize("body", [b"<oops", b"{oops", b"[oops"])
def test_a_broken_body_is_no_text(body: bytes) -> None:
    assert decode_error(body, "text/plain").text is None


def test_the_message_of_an_error_is_looked_for_four_levels_deep() -> None:
    assert decode_error(b'{"Body":{"Fault":{"Reason":{"Text":{"Message":"m"}}}}}').text == "m"
    assert decode_error(b'{"Body":{"Fault":{"Reason":{"Text":{"Detail":{"Message":"m"}}}}}}').text is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"a&#x1b;b", "a\ufffdb"),
        (b"a\x1bb", "a\ufffdb"),
        (b"a&#0;b", "a\ufffdb"),
        (b"a&#xFFFE;b", "a\ufffdb"),
        ("a\ufffeb".encode(), "a\ufffdb"),
        (b"a&#xD83D;b", "a\ufffdb"),
        (b"a\xed\xa0\x80b", "a\ufffdb"),
        (b"a&#xD83D;&#xDCBE;b", "a\U0001f4beb"),
        (b"a&#x110000;b", "a\ufffdb"),
        (b"a & b&#1;", "a & b\ufffd"),
    ],
)
def test_what_dotnet_writes_and_xml_forbids_spoils_one_name_and_not_the_list(text: bytes, name: str) -> None:
    body = b"<Tasks><Task><TaskId>" + text + b"</TaskId></Task><Task><TaskId>two</TaskId></Task></Tasks>"
    assert [row["task_id"] for row in iter_rows(decode(body).data, "tasks", "task")] == [name, "two"]


@pytest.mark.parametrize(
    ("code", "is_allowed"),
    [
        (8, False),
        (9, True),
        (10, True),
        (13, True),
        (14, False),
        (0x1F, False),
        (0x20, True),
        (0xD7FF, True),
        (0xD800, False),
        (0xDFFF, False),
        (0xE000, True),
        (0xFFFD, True),
        (0xFFFF, False),
        (0x10000, True),
        (0x10FFFF, True),
        (0x110000, False),
    ],
)
@pytest.mark.parametrize("form", ["&#x{:X};", "&#{};"])
def test_only_what_xml_forbids_is_replaced(form: str, code: int, is_allowed: bool) -> None:
    body = f"<T><A>&#0;-{form.format(code)}-</A></T>".encode()
    assert decode(body).data == {"a": f"\ufffd-{chr(code) if is_allowed else chr(0xFFFD)}-"}


def test_text_in_comments_and_cdata_is_text() -> None:
    body = b"<T><!-- a & b &#1; <!DOCTYPE x> --><A><![CDATA[a & b &#1; <!ENTITY]]></A><B>a & b</B></T>"
    assert decode(body).data == {"a": "a & b &#1; <!ENTITY", "b": "a & b"}


@pytest.mark.parametrize("where", [b"", b" " * 2000, b"<!-- " + b"x" * 2000 + b" -->"])
def test_a_document_type_is_refused_wherever_it_is(where: bytes) -> None:
    with pytest.raises(EmError, match="DOCTYPE"):
        decode(where + b"<!DOCTYPE x><T/>")


def test_half_a_surrogate_pair_in_json_spoils_one_name_and_not_the_list() -> None:
    data = decode(b'{"Tasks":[{"TaskId":"a\\uD83Db"},{"TaskId":"\\uD83D\\uDCBE"}],"\\uDCBE":1}').data
    assert data == {"tasks": [{"task_id": "a\ufffdb"}, {"task_id": "\U0001f4be"}], "\ufffd": 1}


def test_lists_within_the_named_members_keep_their_keys() -> None:
    body = b'{"Entities":{"AgentJobs":{"AgentJobs":[{"JobUid":[{"Id":1}]}]},"NasJobs":null},"PagingInfo":{"Links":[{"PageNum":2}]}}'
    data = decode(body, raw_lists_in=("entities",)).data
    assert data["entities"] == {"agent_jobs": {"agent_jobs": [{"JobUid": [{"Id": 1}]}]}, "nas_jobs": None}
    assert data["paging_info"] == {"links": [{"page_num": 2}]}
    assert rename_keys(data["entities"]["agent_jobs"]["agent_jobs"]) == [{"job_uid": [{"id": 1}]}]
    assert decode(b'[{"JobUid":1}]', raw_lists_in=("entities",)).data == [{"job_uid": 1}]


def test_a_row_has_the_name_of_its_list() -> None:
    assert [get_row_name(name) for name in ("jobs", "cdp_policies", "ies")] == ["job", "cdp_policy", "y"]


def test_an_empty_list_whose_name_is_singular() -> None:
    assert not list(iter_rows({"agent_backup_job": {}}, "agent_backup_job", "agent_backup_jobs"))


def test_the_message_about_a_foreign_shape_names_the_list() -> None:
    for node, msg in (
        ([5], "The server's list of tasks holds something that is not a resource."),
        ([{}], "The server's list of tasks holds something that is not a resource."),
        ("text", "The server's list of tasks has an unknown shape."),
        ({"href2": 1}, "The server's list of tasks has an unknown shape."),
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


def test_nested_lists_have_a_limit() -> None:
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
def test_members_are_read_by_type(value: object, text: str | None, truth: bool | None, number: int | None) -> None:
    node = {"key": value}
    assert (read_text(node, "key"), read_bool(node, "key"), read_int(node, "key")) == (text, truth, number)


def test_a_subclass_of_str_is_stripped_too() -> None:
    class Text(str):
        __slots__ = ()

    assert read_text({"key": Text(" x ")}, "key") == "x"


# ---------------------------------------------------------------------------------------------------------------------
# Bodies of requests

XML_TYPE, JSON_TYPE = "application/xml", "application/json"
PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>\n'


def encode_xml(root: str, **members: Any) -> str:
    """Return the root element of a body in XML, without the prologue and the namespace."""
    text = encode(Body(root, members), XML_TYPE).decode()
    head = f'{PROLOGUE}<{root} xmlns="{NAMESPACE}"'
    assert text.startswith(head)
    return f"<{root}{text[len(head) :]}"


def encode_json(**members: Any) -> str:
    return encode(Body("Spec", members), JSON_TYPE).decode()


def test_a_body_in_xml_has_the_namespace_of_the_api() -> None:
    spec = Body("CreateObjectInJobSpec", {"HierarchyObjRef": "urn:VMware:Vm:1.vm-2"})
    assert encode(spec, XML_TYPE).decode() == (
        '<?xml version="1.0" encoding="utf-8"?>\n<CreateObjectInJobSpec xmlns="http://www.veeam.com/ent/v1.0">'
        "<HierarchyObjRef>urn:VMware:Vm:1.vm-2</HierarchyObjRef></CreateObjectInJobSpec>"
    )


def test_a_body_in_json_has_no_root_name() -> None:
    assert encode_json(HierarchyObjRef="urn:VMware:Vm:1.vm-2") == '{"HierarchyObjRef": "urn:VMware:Vm:1.vm-2"}'


def test_members_keep_their_order() -> None:
    """XML bodies with another order are refused (wire facts, section 7)."""
    members: dict[str, Any] = {"Z": 1, "A": {"Y": 2, "B": 3}, "M": 4}
    assert encode_xml("Spec", **members) == "<Spec><Z>1</Z><A><Y>2</Y><B>3</B></A><M>4</M></Spec>"
    assert encode_json(**members) == '{"Z": 1, "A": {"Y": 2, "B": 3}, "M": 4}'


def test_a_member_marked_as_attribute_is_plain_in_json() -> None:
    members: dict[str, Any] = {"@Href": "/api/x", "Link": [{"@Rel": "Up", "@IsMain": True}, {"@Rel": "Down", "@Order": 2}]}
    assert encode_xml("Spec", **members) == (
        '<Spec Href="/api/x"><Link Rel="Up" IsMain="true"/><Link Rel="Down" Order="2"/></Spec>'
    )
    assert encode_json(**members) == (
        '{"Href": "/api/x", "Link": [{"Rel": "Up", "IsMain": true}, {"Rel": "Down", "Order": 2}]}'
    )


def test_members_that_are_none_are_left_out() -> None:
    members: dict[str, Any] = {"A": None, "@B": None, "C": {"D": None, "E": 0}, "F": [None, "x", None]}
    assert encode_xml("Spec", **members) == "<Spec><C><E>0</E></C><F>x</F></Spec>"
    assert encode_json(**members) == '{"C": {"E": 0}, "F": ["x"]}'


def test_booleans_and_numbers() -> None:
    members: dict[str, Any] = {"Yes": True, "No": False, "Zero": 0, "Half": 0.5, "Both": [True, False]}
    assert encode_xml("Spec", **members) == (
        "<Spec><Yes>true</Yes><No>false</No><Zero>0</Zero><Half>0.5</Half><Both>true</Both><Both>false</Both></Spec>"
    )
    assert json.loads(encode_json(**members)) == members


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists(kind: type) -> None:
    members: dict[str, Any] = {"Days": {"Day": kind(("Monday", "Friday"))}, "Objects": kind(({"Id": 1}, {"Id": 2}))}
    assert encode_xml("Spec", **members) == (
        "<Spec><Days><Day>Monday</Day><Day>Friday</Day></Days><Objects><Id>1</Id></Objects><Objects><Id>2</Id></Objects></Spec>"
    )
    assert encode_json(**members) == '{"Days": {"Day": ["Monday", "Friday"]}, "Objects": [{"Id": 1}, {"Id": 2}]}'
    assert encode_xml("Spec", Days=kind(())) == "<Spec/>"
    assert encode_json(Days=kind(())) == '{"Days": []}'


def test_empty_members() -> None:
    assert encode_xml("Spec", A="", B={}) == "<Spec><A/><B/></Spec>"
    assert encode_json(A="", B={}) == '{"A": "", "B": {}}'
    assert encode_xml("Spec") == "<Spec/>"
    assert encode_json() == "{}"


@pytest.mark.parametrize(
    "text",
    ["a & b", "<x>", "&amp;", 'say "hi"', "it's", "]]>", "line\r\nbreak\ttab", "\u00fc \u65e5\u672c \U0001f600", "a\x7fb\x85c"],
)
def test_any_text_can_be_read_again(text: str) -> None:
    members: dict[str, Any] = {"@Title": text, "Name": text}
    for media_type in (XML_TYPE, JSON_TYPE):
        encoded = encode(Body("Spec", members), media_type)
        assert decode(encoded).data == {"title": text, "name": text}
    assert text.encode()[-1:] in encode(Body("Spec", members), JSON_TYPE), "in UTF-8, without escapes"


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\x1b[0m", "\ufffe"])
@pytest.mark.parametrize("media_type", [XML_TYPE, JSON_TYPE])
@pytest.mark.parametrize("name", ["Password", "@Password"])
def test_a_text_that_cannot_be_sent_is_refused(media_type: str, name: str, text: str) -> None:
    """In either format, so that a playbook works whatever response_format is."""
    for members in ({name: text}, {"Jobs": [{name: text}]}, {name: ["x", text]}):
        with pytest.raises(EmError, match="The value of Password holds characters that cannot be sent") as caught:
            encode(Body("Spec", members), media_type)
        assert caught.value.kind == "invalid_option"
        assert text not in caught.value.msg


def test_a_body_is_not_changed_by_encoding() -> None:
    members: dict[str, Any] = {"@A": True, "B": [{"C": None}], "D": None}
    for media_type in (XML_TYPE, JSON_TYPE):
        encode(Body("Spec", members), media_type)
    assert members == {"@A": True, "B": [{"C": None}], "D": None}


def test_names_lose_only_the_mark() -> None:
    assert encode_json(**{"@X": 1, "XX": 2, "X@": 3}) == '{"X": 1, "XX": 2, "X@": 3}'
    with pytest.raises(EmError, match="The value of XName holds"):
        encode(Body("Spec", {"@XName": "\x00"}), JSON_TYPE)


def test_booleans_do_not_depend_on_the_xml_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 0.12 prints those of attributes as Python does."""
    seen: list[Any] = []

    def unparse(tree: Any, **settings: Any) -> str:
        seen.append((tree, settings))
        return ""

    monkeypatch.setitem(sys.modules, "xmltodict", SimpleNamespace(unparse=unparse))
    encode(Body("Spec", {"@A": True, "B": [False, {"@C": True}], "D": 1}), XML_TYPE)
    tree = {"Spec": {"@xmlns": NAMESPACE, "@A": "true", "B": ["false", {"@C": "true"}], "D": 1}}
    assert seen == [(tree, {"short_empty_elements": True})]
