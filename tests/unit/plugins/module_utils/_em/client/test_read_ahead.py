# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetching one page ahead: when it is asked for, what becomes of its failure, and that nothing is left running."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.client.read_ahead import predict_next
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, Script, answer

PATH = "/api/query?type=Task&pageSize=1"
SAFETY_NET = 120  # seconds


class TwoLines(FakeClient):
    """A client whose second connection is scripted as well."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.second: FakeClient | None = None
        self.is_aborted = threading.Event()
        self.transport.abort = self.is_aborted.set  # type: ignore[method-assign]

    def share_session(self) -> Client:
        assert self.second is None, "a second connection for one list"
        self.second = FakeClient(self.transport.script)
        self.second.transport.abort = self.is_aborted.set  # type: ignore[method-assign]
        return self.second

    def iter_ids(self, **how: bool) -> Iterator[list[str]]:
        for page in self.iter_pages(PATH, list_path=("resources", "tasks"), **{"read_ahead": True, **how}):
            yield [row["task_id"] for row in page]


class PageServer:
    """A script of numbered pages, one task to each. ``instead`` has other answers by number; each page is told when asked for."""

    def __init__(self, count: int, *, linked: bool = True) -> None:
        self.count = count
        self.linked = linked
        self.asked: list[int] = []
        self.instead: dict[int, Any] = {}
        self.links: dict[int, str] = {}
        self.was_asked = [threading.Event() for _number in range(count + 3)]
        self.held: set[int] = set()  # pages that are answered only when they may be
        self.may_answer = threading.Event()

    def __call__(self, _method: str, path: str) -> Any:
        number = int(parse_qs(urlsplit(path).query).get("page", ["1"])[0])
        self.asked.append(number)
        self.was_asked[number].set()
        assert number not in self.held or self.may_answer.wait(SAFETY_NET)
        if number in self.instead:
            return self.instead[number]
        href = self.links.get(number, f"/api/query?type=Task&pageSize=1&page={number + 1}")
        links = [{"Rel": "Next", "Href": href}] if self.linked and number < self.count else []
        tasks = [{"Href": f"/api/tasks/task-{number}", "TaskId": f"task-{number}"}]
        paging = {"PageNum": number, "PagesCount": self.count, "Links": links}
        return answer(200, {"Resources": {"Tasks": {"Tasks": tasks}}, "PagingInfo": paging})


@pytest.mark.parametrize("linked", [True, False])
def test_each_page_once_and_in_order(linked: bool) -> None:
    server = PageServer(7, linked=linked)
    client = TwoLines(server)
    assert [one for page in client.iter_ids() for one in page] == [f"task-{number}" for number in range(1, 8)]
    assert sorted(server.asked) == list(range(1, 8))
    assert (client.pages, client.requests) == (7, 7)


def test_the_next_page_is_on_its_way_and_no_other() -> None:
    server = PageServer(5)
    pages = TwoLines(server).iter_ids()
    assert next(pages) == ["task-1"]
    assert server.was_asked[2].wait(SAFETY_NET)
    assert next(pages) == ["task-2"]
    assert server.was_asked[3].wait(SAFETY_NET)
    assert sorted(server.asked) == [1, 2, 3]


def test_the_page_after_the_one_that_is_awaited_is_on_its_way() -> None:
    server = PageServer(5)
    server.held = {2}
    pages = TwoLines(server).iter_ids()
    next(pages)
    waiting = threading.Thread(target=next, args=(pages,))
    waiting.start()
    assert server.was_asked[3].wait(SAFETY_NET)
    server.may_answer.set()
    waiting.join(SAFETY_NET)
    assert next(pages) == ["task-3"]


def test_without_it_nothing_is_asked_for_before_its_turn() -> None:
    server = PageServer(3)
    client = TwoLines(server)
    pages = client.iter_ids(read_ahead=False)
    assert [next(pages), next(pages)] == [["task-1"], ["task-2"]]
    assert (server.asked, client.second) == ([1, 2], None)


def test_a_single_page_needs_no_second_connection() -> None:
    client = TwoLines(PageServer(1))
    assert list(client.iter_ids()) == [["task-1"]]
    assert client.second is None


@pytest.mark.parametrize("failure", [answer(500, {"Message": "db down"}), answer(401), answer(200, b"<html>login</html>")])
def test_a_failure_is_told_when_its_turn_comes(failure: Any) -> None:
    server = PageServer(5)
    server.instead[3] = failure
    pages = TwoLines(server).iter_ids()
    assert next(pages) == ["task-1"]
    assert next(pages) == ["task-2"]
    assert server.was_asked[3].wait(SAFETY_NET)
    with pytest.raises(EmError) as caught:
        next(pages)
    assert caught.value.path == "/api/query"
    assert 5 not in server.asked


def test_who_stops_early_waits_for_no_answer() -> None:
    server = PageServer(5)
    server.held = {2}
    client = TwoLines(server)
    pages = client.iter_ids()
    assert next(pages) == ["task-1"]
    assert server.was_asked[2].wait(SAFETY_NET)
    threading.Thread(target=lambda: client.is_aborted.wait(SAFETY_NET) and server.may_answer.set()).start()
    pages.close()  # type: ignore[attr-defined]
    assert client.is_aborted.is_set()
    assert server.asked == [1, 2]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_a_link_elsewhere_counts_and_not_what_was_predicted() -> None:
    server = PageServer(4)
    server.links[2] = "/api/query?type=Task&pageSize=1&page=3&cursor=7"
    client = TwoLines(server)
    assert [one for page in client.iter_ids() for one in page] == ["task-1", "task-2", "task-3", "task-4"]
    assert client.second is not None
    paths = [path for _method, path in client.transport.calls + client.second.transport.calls]
    assert "/api/query?type=Task&pageSize=1&page=3&cursor=7" in paths
    assert client.requests == len(paths) == 5  # the predicted page 3 was asked for in vain


def test_pages_in_a_circle() -> None:
    server = PageServer(4)
    server.links[3] = "/api/query?type=Task&pageSize=1&page=2"
    with pytest.raises(EmError, match="form a loop"):
        list(TwoLines(server).iter_ids())


@pytest.mark.parametrize(
    ("path", "following"),
    [
        ("/api/query?type=Task&page=2", "/api/query?type=Task&page=3"),
        ("/api/query?Page=9&type=Task", "/api/query?Page=10&type=Task"),
        ("/api/query?type=Task&pageSize=2", None),
        ("/api/query?type=Task&page=", None),
        ("/api/query?type=Task&page=2x", None),
        ("/api/query?type=Task&homepage=2", None),
    ],
)
def test_the_page_that_will_follow(path: str, following: str | None) -> None:
    assert predict_next(path) == following
