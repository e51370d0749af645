# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of resources, and their addresses on the configured server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.links import (
    find_guid,
    find_link,
    get_path,
    iter_links,
    normalise_link,
    strip_host,
)

GUID = "35c24055-bdee-4e43-b655-a42de408d2ec"


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("https://other:1/api/tasks/task-1?format=Entity", "/api/tasks/task-1?format=Entity"),
        ("http://em:9399/api/x", "/api/x"),
        ("/api/x", "/api/x"),
        ("http://[broken", ""),
        ("", ""),
        ("https://em/api?a=1&b=2#part", "/api?a=1&b=2"),
        ("//em:9398/api", "/api"),
        ("https://em", ""),
        ("https://em?a", "?a"),
        ("api/x", "api/x"),
        ("/api/\u00fc", "/api/\u00fc"),
        ("/api/a b", "/api/a%20b"),
        (" /api/a ", "/api/a"),
        ("//api/a", "/api/a"),
        ("https://em//api//a?b=//c", "/api/a?b=//c"),
        ("/api/\n", ""),
        ("/api/\x7f", ""),
        ("urn:veeam:Job:1", "veeam:Job:1"),
    ],
)
def test_strip_host_keeps_path_and_query(href: str, path: str) -> None:
    assert strip_host(href) == path


@pytest.mark.parametrize("href", ["https://vbr:9399/api/jobs/1?action=start", "/API/jobs/1?action=start"])
def test_an_address_below_api_can_be_requested(href: str) -> None:
    assert get_path(href).lower() == "/api/jobs/1?action=start"


LEAVING = ["/api/../web", "/api/%2e%2E/web", "/api/jobs/..", "/api\\..\\web", "/api/x/..%5Cweb", "/api/./web", "/../api/x"]


@pytest.mark.parametrize("href", ["", "/web/jobs", "https://em/apix", "/api", "jobs/1", "/api/x\n", "x" * 500, *LEAVING])
def test_an_address_outside_of_the_api_is_never_requested(href: str) -> None:
    with pytest.raises(EmError, match="does not lead into its REST API") as caught:
        get_path(href)
    assert (caught.value.kind, caught.value.detail) == ("bad_response", href[:200])


@pytest.mark.parametrize(
    ("text", "guid"),
    [
        (f"urn:veeam:Job:{GUID}", GUID),
        (f"/api/x/{GUID.upper()}/y/{GUID[::-1]}", GUID),
        (GUID[:-1], None),
        (GUID.replace("-", ""), None),
        ("", None),
    ],
)
def test_find_guid(text: str, guid: str | None) -> None:
    assert find_guid(text) == guid


LINKS = [
    {"rel": "Up", "type": "BackupServerReference", "href": "/api/1"},
    {"rel": "up", "type": "Job", "href": "/api/2"},
    {"rel": "Start", "href": "/api/3"},
    {"href": "/api/4"},
]


@pytest.mark.parametrize("row", [{"links": LINKS}, {"links": {"links": LINKS}}, {"links": {"link": LINKS}}])
def test_links_in_every_shape(row: dict[str, Any]) -> None:
    assert list(iter_links(row)) == LINKS


@pytest.mark.parametrize(
    ("rel", "type_prefix", "href"),
    [
        ("UP", "", "/api/1"),
        ("Up", "backupserver", "/api/1"),
        ("Up", "JOB", "/api/2"),
        ("Up", "Jobs", None),
        ("start", "", "/api/3"),
        ("Start", "Job", None),
        ("Stop", "", None),
        ("", "", "/api/4"),
    ],
)
def test_a_link_is_found_by_its_relation_and_type(rel: str, type_prefix: str, href: str | None) -> None:
    link = find_link({"links": LINKS}, rel, type_prefix=type_prefix)
    assert (link or {}).get("href") == href
    assert find_link({}, rel, type_prefix=type_prefix) is None


def test_the_public_form_of_a_link() -> None:
    raw = {
        "rel": "Related",
        "type": "BackupJobSession",
        "name": " n ",
        "href": f"http://vbr/api/x/{GUID.upper()}?y={GUID[::-1]}",
    }
    link = normalise_link(raw, "https://em:9398")
    assert link == {
        "rel": "Related",
        "type": "BackupJobSession",
        "name": "n",
        "href": f"https://em:9398/api/x/{GUID.upper()}?y={GUID[::-1]}",
        "uid": GUID,
    }
    link["name"] = "changed"
    assert normalise_link(raw, "https://em:9398")["name"] == "n", "what is cached is not handed out"


@pytest.mark.parametrize("end", ["", "/includes", "?action=stop"])
def test_the_id_of_a_link_is_in_lower_case(end: str) -> None:
    path = f"/api/jobs/C8E83C91-ECB3-5B6B-A127-97FAE1072E44{end}"
    link = normalise_link({"href": f"https://inside.example:9398{path}"}, "https://em:9398")
    assert (link["href"], link["uid"]) == (f"https://em:9398{path}", "c8e83c91-ecb3-5b6b-a127-97fae1072e44")


def test_a_link_without_members() -> None:
    assert normalise_link({}, "https://em:9398") == dict.fromkeys(("rel", "type", "name", "href", "uid"))
    assert normalise_link({"href": "x/y"}, "https://em:9398")["href"] is None, "no path on the server"


def test_a_member_of_another_type() -> None:
    assert normalise_link({"rel": {"#text": "Up"}, "name": True, "type": 1}, "https://em")["rel"] == "Up"
    assert normalise_link({"name": True, "type": 1}, "https://em") | {"uid": None} == {
        **dict.fromkeys(("rel", "href", "uid", "name")),
        "type": "1",
    }
