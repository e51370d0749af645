# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paging and links: every page is read, none twice, and nothing is asked of any other host (wire facts, sections 4, 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from emulator import Emulator, Link

from .bench import Bench, every_form, every_version, every_wire
from .scripted import Asked, ScriptedServer, answer

# ---------------------------------------------------------------------------------------------------------------------
# All pages


@every_wire
@pytest.mark.parametrize(
    ("count", "pages"), [(99, 1), (100, 1), (101, 2), (250, 3)], ids=["under", "exact", "one-over", "three"]
)
def test_all_pages_are_read_whatever_their_size(bench: Bench, em: Emulator, count: int, pages: int) -> None:
    em.switches.max_page_size = 100
    session = em.logon()
    made = em.make_tasks(session, count)
    found = bench.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": pages, "pages": pages}
    assert len(em.log) == pages, "as many requests as pages"


@every_wire
@pytest.mark.parametrize("paging", ["normal", "no_next"])
@pytest.mark.parametrize("hrefs", ["mirror", "foreign", "http"])
def test_pages_follow_with_and_without_links_on_any_host(bench: Bench, em: Emulator, paging: str, hrefs: str) -> None:
    em.switches.update({"paging": paging, "hrefs": hrefs, "max_page_size": 3})
    session = em.logon()
    made = em.make_tasks(session, 8)
    assert bench.ids(session) == made
    assert [(entry.query["type"], entry.query.get("page", "1")) for entry in em.log] == [
        ("Task", "1"),
        ("Task", "2"),
        ("Task", "3"),
    ]
    assert {entry.header("Host") for entry in em.log} == {f"localhost:{em.port}"}
    assert em.connections == 1


@every_wire
def test_a_page_size_is_asked_for_and_kept_on_every_page(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 7)
    assert bench.ids(session, page_size=2) == made
    assert [entry.query["pagesize"] for entry in em.log] == ["2"] * 4


@every_wire
@pytest.mark.parametrize("paging", ["normal", "no_next"])
def test_a_filter_survives_on_every_page(bench: Bench, em: Emulator, paging: str) -> None:
    em.switches.update({"paging": paging, "max_page_size": 2})
    session = em.logon()
    odd = 'a b;c,d "e" +%26&\u00fc(f)'
    made = [em.make_task(session, odd) for _number in range(5)]
    em.make_tasks(session, 5)
    assert bench.ids(session, operation=[odd]) == made
    assert len(em.log) == 3
    assert len({entry.query["filter"] for entry in em.log}) == 1


@every_wire
def test_the_rest_of_the_pages_is_looked_for_too_when_waiting_and_removing(bench: Bench, em: Emulator) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    made = em.make_tasks(session, 5)
    assert len(bench.wait(session, task_state=["Finished"])["tasks"]) == 5
    assert bench.remove(session, task_state=["Finished"])["deleted"] == made
    assert em.tasks(session) == []


# ---------------------------------------------------------------------------------------------------------------------
# No end, no loop


@every_wire
@pytest.mark.parametrize(("paging", "most"), [("loop", 4), ("repeat", 3)])
def test_pages_in_a_circle_or_repeated_end_as_an_error(bench: Bench, em: Emulator, paging: str, most: int) -> None:
    em.switches.update({"paging": paging, "max_page_size": 2})
    session = em.logon()
    em.make_tasks(session, 10)
    with bench.failure("bad_response") as caught:
        bench.info(session)
    assert "Task" in caught.error.msg
    assert len(em.log) <= most
    with bench.failure("bad_response"):
        bench.remove(session, task_state=["Finished"])
    assert bench.deletions() == []


def _page(number: int, count: int, rows: list[int], following: str | None) -> bytes:
    tasks = [{"TaskId": f"task-{row}", "Href": f"/api/tasks/task-{row}", "State": "Finished", "Operation": "X"} for row in rows]
    links = [{"Rel": "Next", "Href": following}] if following is not None else []
    paging = {"Links": links, "PageNum": number, "PageSize": 1, "PagesCount": count}
    body = json.dumps({"Resources": {"Tasks": {"Tasks": tasks}}, "PagingInfo": paging})
    return answer(body, content_type="application/json")


def _asked_page(asked: Asked) -> int:
    match = re.search(r"[?&]page=(\d+)", asked.target)
    return int(match[1]) if match else 1


@pytest.mark.parametrize("rows", ["new", "none"])
def test_a_list_that_always_has_one_more_page_ends_as_an_error(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], rows: str
) -> None:
    def script(asked: Asked) -> bytes:
        number = _asked_page(asked)
        return _page(number, number + 1, [number] if rows == "new" else [], f"/api/query?type=Task&page={number + 1}")

    server = scripted(script)
    with bench.failure("bad_response"):
        bench.info(em.logon(), options={"port": server.port})
    assert len(server.asked) < 200


def test_a_page_number_that_does_not_grow_ends_as_an_error(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """New rows, new links, but always page 1."""

    def script(asked: Asked) -> bytes:
        number = len(server.asked)
        return _page(1, 5, [number], f"/api/query?type=Task&mark={number}")

    server = scripted(script)
    with bench.failure("bad_response"):
        bench.info(em.logon(), options={"port": server.port})
    assert len(server.asked) < 10


def test_the_same_rows_under_new_page_numbers_end_as_an_error(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]
) -> None:
    """The server reads no page parameter, but counts."""

    def script(asked: Asked) -> bytes:
        number = _asked_page(asked)
        return _page(number, 5, [1, 2], f"/api/query?type=Task&page={number + 1}")

    server = scripted(script)
    with bench.failure("bad_response"):
        bench.info(em.logon(), options={"port": server.port})
    assert len(server.asked) == 2


def test_equal_pages_that_are_empty_are_no_loop(bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer]) -> None:
    def script(asked: Asked) -> bytes:
        number = _asked_page(asked)
        return _page(number, 4, [7] if number == 4 else [], f"/api/query?type=Task&page={number + 1}")

    server = scripted(script)
    assert bench.ids(em.logon(), options={"port": server.port}) == ["task-7"]


@pytest.mark.parametrize("rel", ["Next", "next", "NEXT"])
def test_the_next_link_decides_where_the_next_page_is(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], rel: str
) -> None:
    def script(asked: Asked) -> bytes:
        if asked.target.replace("%E4", "%e4") == "/api/query/second?x=%e4&y=a+b":
            return _page(2, 2, [2], None)
        return _page(1, 2, [1], "http://nowhere.invalid:9399/api/query/second?x=%e4&y=a+b").replace(b"Next", rel.encode())

    server = scripted(script)
    assert bench.ids(em.logon(), options={"port": server.port}) == ["task-1", "task-2"]


@pytest.mark.parametrize("href", ["https://evil.example/steal?page=2", "/web/page2", "", "javascript:alert(1)", "http://[bad"])
def test_a_next_link_that_leads_out_of_the_api_is_not_followed(
    bench: Bench, em: Emulator, scripted: Callable[..., ScriptedServer], href: str
) -> None:
    server = scripted(lambda _asked: _page(1, 2, [1], href))
    with bench.failure("bad_response"):
        bench.info(em.logon(), options={"port": server.port})
    assert len(server.asked) == 1


def test_a_page_that_fails_fails_the_list(bench: Bench, em: Emulator) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    em.make_tasks(session, 6)
    em.fault("status", status=500, query="page=3", times=None)
    with bench.failure("server_error"):
        bench.remove(session, task_state=["Finished"])
    assert bench.deletions() == []


def test_a_page_that_fails_in_passing_is_asked_for_again(bench: Bench, em: Emulator) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    made = em.make_tasks(session, 6)
    em.fault("status", status=503, query="page=2", times=2)
    em.fault("reset", query="page=3", times=1)
    found = bench.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": 6, "pages": 3}


# ---------------------------------------------------------------------------------------------------------------------
# Other hosts


@every_wire
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
def test_links_are_shown_on_the_configured_server(bench: Bench, em: Emulator, hrefs: str) -> None:
    em.switches.hrefs = hrefs
    session = em.logon()
    em.make_task(
        session, related=[Link("Related", "/api/jobs/7?format=Entity", "Job"), Link("Download", "/api/files/1?a=b&c=d")]
    )
    (task,) = bench.info(session)["tasks"]
    assert task["href"] == f"{em.base_url}/api/tasks/{task['task_id']}"
    assert [link["href"] for link in task["related"]] == [
        f"{em.base_url}/api/jobs/7?format=Entity",
        f"{em.base_url}/api/files/1?a=b&c=d",
    ]


@every_version
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
def test_removal_and_logoff_go_to_the_configured_server(bench: Bench, em: Emulator, hrefs: str) -> None:
    em.switches.update({"hrefs": hrefs, "tasks_scope": "global"})
    made = em.make_tasks(em.logon(), 2)
    result = bench.remove(task_id=made)
    assert result["deleted"] == made
    assert len(em.sessions) == 1
    assert bench.warnings == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["https", "http", "same host"])
def test_redirects_are_not_followed(bench: Bench, em: Emulator, status: int, scheme: str) -> None:
    session = em.logon()
    with Emulator(speed=0) as other:
        base = {
            "https": other.base_url,
            "http": f"http://localhost:{other.control_port}",
            "same host": f"https://localhost:{em.port}",
        }[scheme]
        em.fault("redirect", status=status, location=f"{base}/api/query?type=Task", times=None, path="^/api/(query|tasks)")
        with bench.failure("bad_response") as caught:
            bench.info(session)
        assert "redirect" in caught.error.msg
        assert caught.error.status == status
        assert len(em.log) == 1
        assert other.log == []
        assert other.connections == 0


@every_form
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_redirects_of_writes_are_not_followed(bench: Bench, em: Emulator, method: str) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 1)
    with Emulator(speed=0) as other:
        em.fault("redirect", method=method, status=307, location=f"{other.base_url}/api/", times=None)
        with bench.failure("bad_response" if method == "POST" else "partial") as caught:
            bench.remove(task_state=["Finished"])
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
def test_an_odd_redirect_is_told_all_the_same(bench: Bench, em: Emulator, location: str) -> None:
    em.fault("redirect", location=location, times=None)
    with bench.failure("bad_response") as caught:
        bench.info(em.logon())
    assert "secret" not in json.dumps(caught.result)


def test_a_conversation_needs_one_connection(bench: Bench, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 5)
    bench.remove(task_state=["Finished"])
    assert len(em.log) == 8
    assert em.connections == 1
