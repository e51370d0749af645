# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages and links: every page is read once, and no request goes to another host (wire facts, sections 4 and 7)."""

from __future__ import annotations

import json

import pytest

from emulator import Emulator, Link

from .harness import Harness, all_formats, all_versions_and_formats

# ---------------------------------------------------------------------------------------------------------------------
# All pages


@all_versions_and_formats
@pytest.mark.parametrize(
    ("count", "pages"), [(99, 1), (100, 1), (101, 2), (250, 3)], ids=["under", "exact", "one-over", "three"]
)
def test_all_pages_are_read(harness: Harness, em: Emulator, count: int, pages: int) -> None:
    em.switches.max_page_size = 100
    session = em.logon()
    made = em.make_tasks(session, count)
    found = harness.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": pages, "pages": pages}
    assert len(em.log) == pages, "as many requests as pages"


@all_versions_and_formats
@pytest.mark.parametrize("paging", ["normal", "no_next"])
@pytest.mark.parametrize("hrefs", ["mirror", "foreign", "http"])
def test_pages_are_followed_with_and_without_links_on_any_host(harness: Harness, em: Emulator, paging: str, hrefs: str) -> None:
    em.switches.update({"paging": paging, "hrefs": hrefs, "max_page_size": 3})
    session = em.logon()
    made = em.make_tasks(session, 8)
    assert harness.ids(session) == made
    assert [(entry.query["type"], entry.query.get("page", "1")) for entry in em.log] == [
        ("Task", "1"),
        ("Task", "2"),
        ("Task", "3"),
    ]
    assert {entry.header("Host") for entry in em.log} == {f"localhost:{em.port}"}
    assert em.connections == 1


@all_versions_and_formats
def test_every_page_has_the_requested_size(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 7)
    assert harness.ids(session, page_size=2) == made
    assert [entry.query["pagesize"] for entry in em.log] == ["2"] * 4


@all_versions_and_formats
@pytest.mark.parametrize("paging", ["normal", "no_next"])
def test_every_page_has_the_filter(harness: Harness, em: Emulator, paging: str) -> None:
    em.switches.update({"paging": paging, "max_page_size": 2})
    session = em.logon()
    odd = 'a b;c,d "e" +%26&\u00fc(f)'
    made = [em.make_task(session, odd) for _number in range(5)]
    em.make_tasks(session, 5)
    assert harness.ids(session, operation=[odd]) == made
    assert len(em.log) == 3
    assert len({entry.query["filter"] for entry in em.log}) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Broken sequences


@all_versions_and_formats
@pytest.mark.parametrize(("paging", "most"), [("loop", 4), ("repeat", 3)])
def test_pages_in_a_circle_or_repeated_are_an_error(harness: Harness, em: Emulator, paging: str, most: int) -> None:
    em.switches.update({"paging": paging, "max_page_size": 2})
    session = em.logon()
    em.make_tasks(session, 10)
    with harness.failure("bad_response") as caught:
        harness.info(session)
    assert "Task" in caught.error.msg
    assert len(em.log) <= most
    with harness.failure("bad_response"):
        harness.remove(session, task_state=["Finished"])
    assert harness.deletions() == []


def test_a_page_that_fails_fails_the_list(harness: Harness, em: Emulator) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    em.make_tasks(session, 6)
    em.fault("status", status=500, query="page=3", times=None)
    with harness.failure("server_error"):
        harness.remove(session, task_state=["Finished"])
    assert harness.deletions() == []


def test_a_page_with_a_transient_error_is_read_again(harness: Harness, em: Emulator) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    made = em.make_tasks(session, 6)
    em.fault("status", status=503, query="page=2", times=2)
    em.fault("reset", query="page=3", times=1)
    found = harness.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": 6, "pages": 3}


# ---------------------------------------------------------------------------------------------------------------------
# Other hosts


@all_versions_and_formats
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
def test_links_are_shown_on_the_configured_server(harness: Harness, em: Emulator, hrefs: str) -> None:
    em.switches.hrefs = hrefs
    session = em.logon()
    em.make_task(
        session, related=[Link("Related", "/api/jobs/7?format=Entity", "Job"), Link("Download", "/api/files/1?a=b&c=d")]
    )
    (task,) = harness.info(session)["tasks"]
    assert task["href"] == f"{em.base_url}/api/tasks/{task['task_id']}"
    assert [link["href"] for link in task["related"]] == [
        f"{em.base_url}/api/jobs/7?format=Entity",
        f"{em.base_url}/api/files/1?a=b&c=d",
    ]


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("scheme", ["https", "http", "same host"])
def test_redirects_are_not_followed(harness: Harness, em: Emulator, status: int, scheme: str) -> None:
    session = em.logon()
    with Emulator(speed=0) as other:
        base = {
            "https": other.base_url,
            "http": f"http://localhost:{other.control_port}",
            "same host": f"https://localhost:{em.port}",
        }[scheme]
        em.fault("redirect", status=status, location=f"{base}/api/query?type=Task", times=None, path="^/api/(query|tasks)")
        with harness.failure("bad_response") as caught:
            harness.info(session)
        assert "redirect" in caught.error.msg
        assert caught.error.status == status
        assert len(em.log) == 1
        assert other.log == []
        assert other.connections == 0


@all_formats
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_redirects_of_writes_are_not_followed(harness: Harness, em: Emulator, method: str) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 1)
    with Emulator(speed=0) as other:
        em.fault("redirect", method=method, status=307, location=f"{other.base_url}/api/", times=None)
        with harness.failure("bad_response" if method == "POST" else "partial") as caught:
            harness.remove(task_state=["Finished"])
        assert "redirect" in caught.error.msg
        assert other.connections == 0
    assert len(em.requests(method, "^/api/(sessionMngr|tasks)")) == 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "//evil.example/",
        "::::",
        "/relative",
        pytest.param(
            "http://user:secret@evil.example/",
        ),
        pytest.param(
            "https://[bad/",
        ),
    ],
)
def test_a_redirect_with_an_odd_address(harness: Harness, em: Emulator, location: str) -> None:
    em.fault("redirect", location=location, times=None)
    with harness.failure("bad_response") as caught:
        harness.info(em.logon())
    assert "secret" not in json.dumps(caught.result)


def test_all_requests_use_one_connection(harness: Harness, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 5)
    harness.remove(task_state=["Finished"])
    assert len(em.log) == 8
    assert em.connections == 1
