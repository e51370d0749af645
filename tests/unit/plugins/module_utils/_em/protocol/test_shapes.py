# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes of answers: what is passed on, and that texts of the server are not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.shapes import (
    describe_body,
    describe_headers,
    describe_link,
    describe_media_type,
    describe_product,
    describe_value,
)


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (None, "null"),
        (True, "boolean"),
        (7, "number"),
        (0.5, "number"),
        ("", "text(0)"),
        ("vbr01.corp.example", "text(18)"),
        ("12345", "digits(5)"),
        ("true", "true or false(4)"),
        ("c8e83c91-ecb3-5b6b-a127-97fae1072e44", "uuid(36)"),
        ("urn:veeam:Job:c8e83c91-ecb3-5b6b-a127-97fae1072e44", "urn(50)"),
        (" https://vbr01/api ", "URL(19)"),
        ("2026-11-27T08:00:00.1234567Z", "date(28)"),
        ("22:00:00.0000000-07:00", "time(22)"),
        ([], "list(0)"),
        ([{"Name": "a"}, {"Name": "b"}], ["list(2)", {"Name": "text(1)"}]),
        ({"Name": "a", "Result": None, "Links": None}, {"Name": "text(1)", "(null)": 2}),
        ({"vbr01.corp.example": 1}, "object(1) with odd names"),
        ({"Jobs": {"sql01": 1}}, {"Jobs": "object(1) with odd names"}),
        ({"RetrySpecified1": True}, {"RetrySpecified1": "boolean"}),
    ],
)
def test_a_value_becomes_its_type_and_length(value: Any, shape: Any) -> None:
    assert describe_value(value) == shape


def test_depth_is_bounded() -> None:
    value: Any = "x"
    for _level in range(50):
        value = {"a": [value]}
    assert "object(1)" in str(describe_value(value))


@pytest.mark.parametrize(
    ("body", "content_type", "shape"),
    [
        (b"", "", "empty"),
        (b" \n", "", "blank(2)"),
        (b'\xef\xbb\xbf{"Message": "vbr01"}', "application/json", {"Message": "text(5)"}),
        (
            b'<Error Message="vbr01" StatusCode="500" />',
            "application/xml",
            {"error": {"message": "text(5)", "status_code": "digits(3)"}},
        ),
        (b"<html><body>vbr01</body></html>", "text/html", "web page(31)"),
        (b"vbr01 says no", "text/plain", "text(13)"),
        (b"\x00\xff", "", "bytes(2)"),
        (b'{"Message": ', "application/json", "text(12)"),
    ],
)
def test_a_body_becomes_its_shape(body: bytes, content_type: str, shape: Any) -> None:
    assert describe_body(body, content_type) == shape


def test_headers_become_the_names_of_known_ones() -> None:
    headers = {"Content-Type": "x", "server": "y", "X-Vbr01": "z", "X-Forwarded-Server": "vbr01"}
    assert describe_headers(headers) == ["Content-Type", "server", "(2 others)"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Kestrel", "Kestrel"), ("Microsoft-HTTPAPI/2.0", "Microsoft-HTTPAPI/2.0"), ("nginx on vbr01", "text(14)"), ("", "none")],
)
def test_a_product_is_a_known_one(text: str, shown: str) -> None:
    assert describe_product(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("application/json; charset=utf-8", "application/json"), ("application/vbr01", "text(17)"), ("", "none")],
)
def test_a_media_type_is_a_known_one(text: str, shown: str) -> None:
    assert describe_media_type(text) == shown


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://vbr01:9398/api/jobs/1", "https://(host)/api/..."),
        ("http://vbr01/api/../api/jobs", "http://(host)/api/../..."),
        ("https://vbr01//api/jobs", "https://(host)//api/..."),
        ("https://vbr01/veeam/api/jobs", "https://(host)(path)..."),
        ("ftp://[", "text(7)"),
    ],
)
def test_a_link_becomes_its_beginning(href: str, shown: str) -> None:
    assert describe_link(href) == shown
