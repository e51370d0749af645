# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: PT017 - a property tells how something may fail

"""Decoding: any bytes give plain data or the codec's own failure, in bounded time and memory; and bodies can be read again."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.tiers import thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import (
    Body,
    Document,
    decode,
    decode_error,
    encode,
    snake_case,
)

from .bodies import BOMBS
from .strategies import plain_texts

VALID = (
    b'<?xml version="1.0" encoding="utf-8"?><QueryResult xmlns="http://www.veeam.com/ent/v1.0"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Resources><Tasks>'
    b'<Task Href="https://em:9398/api/tasks/task-1?a=1&amp;b=2" Type="Task"><TaskId>task-1</TaskId><State>Finished</State>'
    b'<Result Success="true"><Message>Job "\xc3\xa4" &#x26; more</Message></Result><Links><Link Rel="Delete"/></Links></Task>'
    b'</Tasks></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>',
    b'<a xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><![CDATA[x]]><!-- y --><?z?></a>',
    b'{"Refs":null,"Entities":{"Jobs":{"Jobs":[{"Name":"a\\u00e4\\ud83d\\ude00","UID":"urn:x","Progress":1.5e3,"Ok":true}]}},'
    b'"PagingInfo":{"PageNum":1,"PageSize":100,"PagesCount":-1}}',
    b'[{"taskId":"task-1","result":{"success":false,"message":null}}, 1, -0.0, "", {}]',
)
SNIPPETS = (
    *(b"<", b">", b"&", b"&amp;", b"&#0;", b"&#xD800;", b"&lol;", b"]]>", b"<![CDATA[", b"<!--", b"<?xml?>", b"</a>", b"<a>"),
    *(b"<!DOCTYPE a [", b'<!ENTITY b "c">', b"<html", b' xmlns="x"', b" xmlns:a='b'", b"xmlns", b"#text", b':nil="true"'),
    *(b'"', b"'", b"{", b"}", b"[", b"]", b":", b",", b"\\", b"\\u", b"\\ud800", b"null", b"NaN", b"-Infinity", b"1e999"),
    *(b"9" * 500, b"1" + b"0" * 5000 + b".5", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xc0\x80", b"\xed\xa0\x80"),
    *(b"encoding='klingon'", b'encoding="utf-16"', b"[" * 3000, b"<a>" * 3000, b'{"a":' * 3000),
)
content_types = st.one_of(
    st.sampled_from(["", "text/html", "application/json; charset=utf-16", "APPLICATION/XML;charset=klingon", "text/html\0"]),
    plain_texts,
)


def is_plain(data: Any) -> bool:
    """Return whether data has only the types that the codec promises; without recursion, because data may be deep."""
    pending = [data]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if not all(isinstance(key, str) for key in node):
                return False
            pending += node.values()
        elif isinstance(node, list):
            pending += node
        elif isinstance(node, float):
            if not math.isfinite(node):
                return False
        elif not (node is None or isinstance(node, (str, int))):
            return False
    return True


def check(body: bytes, content_type: str = "") -> None:
    try:
        document = decode(body, content_type)
    except EmError as err:
        assert err.kind == "bad_response"
        assert len(err.detail or "") <= 200
    else:
        assert document.root is None or isinstance(document.root, str)
        assert is_plain(document.data)
    words = decode_error(body, content_type)
    assert words is None or 0 < len(words) <= 500


@given(st.binary(max_size=80), content_types)
@example(b"<xmlns/>", "")
@example(b'{"a":1e999}', "")
def test_arbitrary_bytes(body: bytes, content_type: str) -> None:
    for start in (b"", b"<", b"{", b"[", b"\xef\xbb\xbf<a ", b'<?xml version="1.0"?><a>', b'{"'):
        check(start + body, content_type)


pieces = st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=4))


@given(st.lists(pieces, max_size=12).map(b"".join), content_types)
def test_pieces_of_documents(body: bytes, content_type: str) -> None:
    check(body, content_type)


@given(st.sampled_from(VALID), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), pieces), max_size=4), content_types)
def test_mutated_documents(body: bytes, changes: list[tuple[float, int, bytes]], content_type: str) -> None:
    for where, dropped, piece in changes:
        place = int(where * len(body))
        body = body[:place] + piece + body[place + dropped :]
    check(body, content_type)


@given(st.sampled_from(VALID), st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-7"]))
def test_other_encodings(body: bytes, encoding: str) -> None:
    check(body.decode().encode(encoding, "replace"))


@given(st.sampled_from(VALID), st.floats(0, 1))
def test_half_a_document_is_refused(body: bytes, where: float) -> None:
    cut = body[: int(where * (len(body) - 1))]
    with pytest.raises(EmError):
        decode(cut)


# ---------------------------------------------------------------------------------------------------------------------
# Valid documents

_NOT_XML = "".join(map(chr, (*range(0x20), 0xFFFE, 0xFFFF)))
names = st.lists(st.sampled_from(["Job", "Name", "UID", "Utc", "Is", "Vm"]), min_size=1, max_size=3).map("".join)
xml_texts = plain_texts.map(lambda text: "".join(character for character in text if character not in _NOT_XML).strip())
leaves = st.one_of(xml_texts.filter(bool), st.just(""))
shapes = st.recursive(leaves, lambda children: st.dictionaries(names, children, min_size=1, max_size=4), max_leaves=8)


def write_xml(name: str, node: Any, *, prefix: str = "") -> str:
    inner = escape(node) if isinstance(node, str) else "".join(write_xml(key, node[key], prefix=prefix) for key in node)
    return f"<{prefix}{name}>{inner}</{prefix}{name}>"


def expect(node: Any) -> Any:
    """Return what a shape is decoded to: an empty element and an empty object are the same."""
    if isinstance(node, str):
        return node or {}
    return {snake_case(key): expect(value) for key, value in node.items()}


@given(
    st.dictionaries(names, shapes, min_size=1, max_size=4), st.sampled_from(["", "v:"]), st.sampled_from([b"", b"\xef\xbb\xbf"])
)
def test_xml_is_read(shape: dict[str, Any], prefix: str, bom: bytes) -> None:
    text = write_xml("Root", shape, prefix=prefix).replace("Root>", 'Root xmlns="u" xmlns:v="w">', 1)
    assert decode(bom + text.encode()) == Document("root", expect(shape))


@given(st.dictionaries(names, xml_texts, max_size=4))
def test_xml_attributes_are_members(members: dict[str, str]) -> None:
    text = "".join(f" {key}={quoteattr(value)}" for key, value in members.items())
    assert decode(f"<Root{text} />".encode()).data == {snake_case(key): value for key, value in members.items()}


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**398), 10**398),
        st.floats(allow_nan=False, allow_infinity=False),
        plain_texts,
        st.just("\ud800"),
    ),
    lambda children: st.one_of(st.lists(children, max_size=3), st.dictionaries(names, children, max_size=4)),
    max_leaves=12,
)


@given(
    st.one_of(st.dictionaries(names, json_values, max_size=4), st.lists(json_values, max_size=4)),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.booleans(),
)
def test_json_is_read(value: Any, encoding: str, is_ascii: bool) -> None:
    def rename(node: Any) -> Any:
        if isinstance(node, dict):
            return {snake_case(key): rename(below) for key, below in node.items()}
        if isinstance(node, str):
            return re.sub("[\ud800-\udfff]", "\ufffd", node)  # half a character could not be printed again
        return [rename(below) for below in node] if isinstance(node, list) else node

    text = json.dumps(value, ensure_ascii=is_ascii or "\\ud800" in json.dumps(value))
    assert decode(text.encode(encoding)) == Document(None, rename(value))


@given(st.lists(st.tuples(st.sampled_from(["Name", "name", "NAME"]), plain_texts), min_size=1, max_size=4))
def test_of_equal_keys_the_last_one_counts(pairs: list[tuple[str, str]]) -> None:
    body = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"
    assert decode(body.encode()).data == {"name": pairs[-1][1]}


@given(st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e400", "9" * 401, "-" + "9" * 401]))
def test_numbers_that_no_json_holds(number: str) -> None:
    for body in ('{"a":%s}', "[%s]", '{"a":[1,%s]}'):
        with pytest.raises(EmError):
            decode((body % number).encode())


@given(st.dictionaries(names, shapes, max_size=4))
def test_a_body_can_be_read_again(members: dict[str, Any]) -> None:
    """From either format, and in the order in which it was written."""
    expected = {snake_case(name): expect(node) for name, node in members.items()}
    document = decode(encode(Body("Spec", members), "application/xml"))
    assert document.root == "spec"
    assert document.data == expected
    body = encode(Body("Spec", members), "application/json")
    assert json.loads(body) == members
    assert list(json.loads(body)) == list(members)


# ---------------------------------------------------------------------------------------------------------------------
# Limits


@thorough
def test_malicious_bodies_stay_within_limits() -> None:
    """Each has a process with 1 GiB of memory and 60 s of CPU, whose memory may grow by 100 times the body and 64 MiB."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("bodies.py"))],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert run.returncode == 0, run.stderr[-2000:]
    outcomes = json.loads(run.stdout)
    assert outcomes.keys() == BOMBS.keys()
    assert {name: one for name, one in outcomes.items() if one["outcome"] not in BOMBS[name].outcomes} == {}
    assert {name: one for name, one in outcomes.items() if one["peak"] > 100 * one["size"] + (64 << 20)} == {}
    print(*(f"{name}: {one}" for name, one in outcomes.items()), sep="\n")
