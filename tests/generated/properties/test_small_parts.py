# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: PT017 - that something may fail, and then how, is what a property says

"""The one-time pad, dates, pages, connection options and addresses."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from functional.harness import Harness
from hypothesis import assume, event, example, given
from hypothesis import strategies as st
from requests import PreparedRequest, RequestException

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import (
    CONNECTION_OPTIONS,
    SESSION_OPTIONS,
    create_connection,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import format_date, normalise_date, parse_date
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import get_path, normalise_link
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import KEY_BYTES, create_key, decrypt, encrypt
from ansible_collections.vbem.rest.plugins.modules import veeam_query_info, veeam_task_info
from emulator import Emulator

from .strategies import (
    CONNECTION,
    DocumentClient,
    control_characters,
    create_client,
    plain_texts,
    share,
    surrogates,
    texts,
    wild_texts,
)

KEYS = [create_key() for _number in range(3)]


@given(texts(control_characters, max_size=40), st.sampled_from(KEYS))
def test_one_time_pad(text: str, key: str) -> None:
    encrypted = encrypt(text, key)
    assert re.fullmatch("([0-9a-f]{2})*", encrypted)
    assert decrypt(encrypted, key) == text
    assert len(encrypted) == 2 * len(text.encode())
    assert len(text) < 8 or encrypted != text.encode().hex()


@given(st.integers(0, 3), st.sampled_from(["a", "ä", "\U0001f469"]), st.sampled_from(KEYS))
def test_a_text_may_be_as_long_as_the_key(more: int, letter: str, key: str) -> None:
    text = letter * (KEY_BYTES // len(letter.encode()) + more)
    if more:
        with pytest.raises(ValueError, match="longer"):
            encrypt(text, key)
    else:
        assert decrypt(encrypt(text, key), key) == text


# ---------------------------------------------------------------------------------------------------------------------
# Dates

moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)).map(lambda date: date.replace(tzinfo=timezone.utc))


@given(moments)
def test_a_date_can_be_printed_and_read(date: datetime) -> None:
    assert parse_date(format_date(date)) == date
    assert normalise_date(format_date(date)) == (format_date(date) if date.year > 1900 else None)


@given(moments, st.integers(-14 * 60, 14 * 60), st.sampled_from([":", ""]), st.sampled_from("T "), st.sampled_from(["", "9"]))
def test_dates_of_other_zones(date: datetime, minutes: int, colon: str, mark: str, more: str) -> None:
    local = (date + timedelta(minutes=minutes)).replace(tzinfo=None)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"
    text = local.isoformat(mark, timespec="microseconds") + more + zone
    assert parse_date(text) == date


almost_dates = st.tuples(
    st.sampled_from(["2026-11-23", "2026-02-29", "0001-01-01", "9999-12-31", "1753-01-01", "0000-00-00", "26-1-1"]),
    st.sampled_from(["", "T00:00", " 23:59:59", "T18:00:00.0000001", "T23:59:60", "T1:2:3", "T18:00:00.", "T24:00"]),
    st.sampled_from(["", "Z", "z", "+01:00", "-2359", "+99:99", " Z", "\n", "Q"]),
).map("".join)


@given(st.one_of(wild_texts, almost_dates))
def test_dates_of_any_text(text: str) -> None:
    date = parse_date(text)
    assert date is None or date.tzinfo is timezone.utc
    shown = normalise_date(text)
    assert shown == text if date is None else shown is None or parse_date(shown) == date
    assert shown is None or normalise_date(shown) == shown


# ---------------------------------------------------------------------------------------------------------------------
# Pages


class Pages(DocumentClient):
    """A server whose pages have their count, a link to the next one, or both."""

    def __init__(self, count: int, size: int, largest: int, *, says_count: bool, links: bool, is_xml: bool) -> None:
        super().__init__(CONNECTION)
        self.rows = [{"href": f"/api/tasks/task-{number}", "task_id": f"task-{number}"} for number in range(count)]
        self.largest, self.says_count, self.links, self.is_xml = largest, says_count, links, is_xml
        self.path = f"/api/query?type=Task&pageSize={size}"

    def get(self, path: str, *, accept: str | None = None) -> Document:
        query = parse_qs(urlsplit(path).query, strict_parsing=True)
        number, size = int(query.get("page", ["1"])[0]), min(int(query["pageSize"][0]), self.largest)
        pages = -(-len(self.rows) // size)
        assert number <= max(pages, 1), "a page beyond the last"
        paging: dict[str, Any] = {"page_num": number, "page_size": size}
        if self.says_count:
            paging["pages_count"] = pages
        if self.links and number < pages:
            href = f"http://other:9399/api/query?page={number + 1}&type=Task&pageSize={query['pageSize'][0]}"
            paging["links"] = {"link": {"rel": "Next", "href": href}} if self.is_xml else [{"rel": "Next", "href": href}]
        rows: Any = self.rows[(number - 1) * size : number * size]
        if self.is_xml:
            paging = {key: str(value) if isinstance(value, int) else value for key, value in paging.items()}
            rows = {"task": rows[0] if len(rows) == 1 else rows} if rows else {}
        else:
            rows = {"tasks": rows or None}
        return Document("query_result" if self.is_xml else None, {"resources": {"tasks": rows}, "paging_info": paging})


@given(st.integers(0, 60), st.integers(1, 70), st.integers(1, 70), st.sampled_from([(1, 1), (1, 0), (0, 1)]), st.booleans())
def test_each_row_comes_once(count: int, size: int, largest: int, how: tuple[int, int], is_xml: bool) -> None:
    pages = Pages(count, size, largest, says_count=bool(how[0]), links=bool(how[1]), is_xml=is_xml)
    listed = list(pages.iter_pages(pages.path, list_path=("resources", "tasks")))
    assert list(itertools.chain(*listed)) == pages.rows
    assert pages.pages == len(listed) == max(-(-count // min(size, largest)), 1)


class RandomPages(DocumentClient):
    """A server whose pages lead anywhere; after the last one it begins again."""

    def __init__(self, answers: list[tuple[int, Any, Any]]) -> None:
        super().__init__(CONNECTION)
        self.answers = itertools.cycle(answers)
        self.reads = 0

    def get(self, path: str, *, accept: str | None = None) -> Document:
        self.reads += 1
        assert self.reads < 1000
        assert path.startswith("/api/")
        number, count, target = next(self.answers)
        links = [] if target is None else [{"rel": "Next", "href": target}]
        paging = {"page_num": number, "pages_count": count, "links": links}
        rows = [{"href": f"/api/tasks/task-{self.reads}"}]
        return Document(None, {"resources": {"tasks": {"tasks": rows}}, "paging_info": paging})


targets = st.one_of(
    st.sampled_from(["/api/query?page=1", "/api/query?page=2", "/api/query?page=3"]),
    st.none(),
    st.sampled_from(["/api/query?page=1", "/api/query?page=2", "//evil/api/query", "https://evil/x", ""]),
    plain_texts,
)


@given(st.lists(st.tuples(st.integers(-2, 9), st.sampled_from([None, 0, 3, 10**9]), targets), min_size=1, max_size=6))
@example([(1, None, "/api/query?page=1"), (2, None, "/api/query?page=2")])
@example([(1, 10**9, "/api/query?page=1")])
def test_pages_always_end(answers: list[tuple[int, Any, Any]]) -> None:
    server = RandomPages(answers)
    try:
        listed = list(server.iter_pages("/api/query?type=Task", list_path=("resources", "tasks")))
    except EmError as err:
        assert err.kind == "bad_response"
    else:
        assert sum(map(len, listed)) == server.reads
    assert server.reads <= 12


@share(0.4)
@given(
    count=st.integers(0, 25),
    page_size=st.integers(1, 30),
    largest=st.integers(0, 12),
    paging=st.sampled_from(["normal", "no_next"]),
    order=st.sampled_from(["text", "natural"]),
    version=st.sampled_from([12, 13]),
)
def test_each_task_comes_once_from_the_emulator(  # noqa: PLR0917
    harness: Harness, em: Emulator, count: int, page_size: int, largest: int, paging: str, order: str, version: int
) -> None:
    em.reset()
    em.switches.max_page_size, em.switches.paging, em.switches.task_order = largest, paging, order
    em.switches.version = version
    session = em.logon()
    made = em.make_tasks(session, count) if count else []
    result = harness.run(veeam_task_info, session, {}, {"page_size": page_size})
    assert [task["task_id"] for task in result["tasks"]] == sorted(made, key=lambda task_id: int(task_id[5:]))
    where = {"type": "Task", "page_size": page_size, "sort_by": "TaskId"}
    rows = harness.run(veeam_query_info, session, {}, where)["resources"]
    assert sorted(row["task_id"] for row in rows) == sorted(made)


# ---------------------------------------------------------------------------------------------------------------------
# Connection options

GOOD: dict[str, Any] = {
    **{option.name: option.default for option in CONNECTION_OPTIONS},
    "hostname": "em.example.com",
    "username": "u",
    "password": "a-long-password",
    "session": None,
}
GOOD_SESSION: dict[str, Any] = {
    **{option.name: GOOD.get(option.name) for option in SESSION_OPTIONS},
    "id": "an-id",
    "token": "a-token",
    "expires_after": 900,
}
TYPED = ("validate_certs", "response_format", "expires_after", "session")  # Ansible checks those
option_texts = st.one_of(
    texts(control_characters, surrogates),
    st.sampled_from(
        ["", " ", "v1.7", "1_7", "latest", "LATEST ", "em", "EM.example.com.", "::1", "[::1]", "fe80::1%eth0", "a:b"]
    ),
    st.sampled_from(
        ["https://em:9398/x", "em:9398", "user@em", "em/../x", "em?x", "em#x", "em\\x", "1.2.3.4", "0x7f.1", "em\n", "é"]
    ),
    st.sampled_from(
        [
            "/nonexistent",
            "\0",
            "/",
            "v\u0661.\u0662",
            ":" * 2000 + "x",
            "a" * 300,
            "xn--a.b",
            "a..b",
            "-",
            "_x_",
            "\uff11\uff12",
        ]
    ),
    st.sampled_from([-1, 0, 1, 9398, 65535, 65536, 10**20, True]),
)


def check_connection(params: dict[str, Any], name: str) -> None:
    try:
        connection = create_connection(params)
    except EmError as err:
        assert err.kind == "invalid_option"
        assert re.search(rf"\b{name}\b", err.msg), (name, err.msg)
        return
    event(f"{name} accepted")
    if connection.token is None:
        f"{connection.username}:{connection.password}".encode("utf-8", "surrogateescape")  # as a logon does
    parts = urlsplit(connection.base_url)
    assert (parts.scheme, parts.username, parts.path, parts.query, parts.fragment) == ("https", None, "", "", "")
    assert parts.port == connection.port
    assert re.fullmatch(r"latest|v[0-9]+_[0-9]+", connection.api_version)
    request = PreparedRequest()
    try:
        request.prepare_url(f"{connection.base_url}/api/sessionMngr/?v={connection.api_version}", None)
    except (RequestException, urllib3.exceptions.LocationParseError):
        return  # the transport reports a wrong hostname
    host = urlsplit(str(request.url)).hostname or ""
    if connection.hostname.isascii():
        assert host == connection.hostname.lower().replace("%eth0", "%25eth0")
    assert urlsplit(str(request.url)).path == "/api/sessionMngr/"


@pytest.mark.parametrize("name", [option.name for option in CONNECTION_OPTIONS if option.name not in TYPED])
@given(value=option_texts)
@example(value="\ud800")
def test_any_text_as_an_option(name: str, value: Any) -> None:
    is_number = any(option.name == name and option.type == "int" for option in CONNECTION_OPTIONS)
    assume(is_number or isinstance(value, str))
    check_connection({**GOOD, name: value}, name)


@pytest.mark.parametrize("name", [option.name for option in SESSION_OPTIONS if option.name not in TYPED])
@given(value=option_texts)
def test_any_text_in_a_session(name: str, value: Any) -> None:
    is_number = any(option.name == name and option.type == "int" for option in SESSION_OPTIONS)
    assume(is_number or isinstance(value, str))
    check_connection({**GOOD, "session": {**GOOD_SESSION, name: value}}, name)


# ---------------------------------------------------------------------------------------------------------------------
# Addresses

hrefs = st.one_of(
    texts(control_characters, surrogates, max_size=20),
    st.lists(
        st.sampled_from(
            [
                "https:",
                "http:",
                "//",
                "/",
                "\\",
                "@",
                "evil.example",
                ":443",
                "em.example.com:9398",
                "/api/",
                "..",
                "?",
                "#",
                "%2f",
            ]
        ),
        max_size=8,
    ).map("".join),
)


def is_at_home(url: str) -> bool:
    request = PreparedRequest()
    request.prepare_url(url, None)
    parsed = urllib3.util.parse_url(str(request.url))
    places = [(parsed.host, parsed.port, parsed.scheme), (urlsplit(url).hostname, urlsplit(url).port, urlsplit(url).scheme)]
    return places == [("em.example.com", 9398, "https")] * 2 and urlsplit(url).username is None


@given(hrefs)
@example("////evil/api/x")
@example("https://em.example.com:9398@evil.example/api/x")
@example("\\\\evil\\api")
def test_no_link_leads_to_another_host(href: str) -> None:
    client = create_client()
    found = [client.locate(href), normalise_link({"rel": "Up", "href": href}, CONNECTION.base_url)["href"]]
    try:
        path = get_path(href)
    except EmError as err:
        assert err.kind == "bad_response"
    else:
        assert path.lower().startswith("/api/")
        found.append(CONNECTION.base_url + path)
    for url in found:
        if url is not None and not any("\ud800" <= character <= "\udfff" for character in url):
            assert is_at_home(url), url
            event("located")


@given(st.text("abc/?&=%.-~", max_size=20), st.sampled_from(["https://em.example.com:9398", "http://10.0.0.1:9399", ""]))
def test_links_keep_their_path(rest: str, base: str) -> None:
    path, mark, query = f"/api/{rest}".partition("?")
    plain = re.sub("/+", "/", path)
    assert create_client().locate(f"{base}/api/{rest}") == f"https://em.example.com:9398{plain}{mark}{query}"


def test_any_session_can_be_encrypted() -> None:
    text = json.dumps({"username": "\ud800ä"})
    assert decrypt(encrypt(text, KEYS[0]), KEYS[0]) == text
