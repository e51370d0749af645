# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one policy for filters: what is sent, what is left out after a refusal, and what is remembered."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import Comparison, Field
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import (
    BACKUP_SESSION_QUERY,
    RETRY_REFUSED_EVERY,
    TASK_QUERY,
    FilteredListing,
    QueryTarget,
    iter_collection,
    iter_list,
    iter_resources,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer

NAME = Field("Name", "name")
CREATED = Field("CreationTime", "creation_time", "date")
THINGS = QueryTarget("Thing", ("entities", "things"))
IS_A = Comparison(NAME, "==", "a")


class ThingServer:
    """A script: a server with things, which filters by one name, and refuses some forms of a query."""

    def __init__(self, *names: str, refuses: tuple[str, ...] = (), status: int = 500, hides: bool = False) -> None:
        self.rows = [{"Name": name, "Href": f"/api/things/{name}"} for name in names]
        self.refuses = refuses  # parameters
        self.status = status
        self.hides = hides  # a filtered list is empty
        self.forms: list[str] = []

    def __call__(self, _method: str, path: str) -> Any:
        given = dict(part.partition("=")[::2] for part in path.partition("?")[2].split("&"))
        self.forms.append("+".join(name for name in ("filter", "sortDesc") if name in given) or "plain")
        if set(self.refuses) & set(given):
            return answer(self.status, {"Message": "I cannot do that."})
        rows = self.rows
        if "filter" in given:
            wanted = unquote(given["filter"]).partition("==")[2]
            rows = [] if self.hides else [row for row in rows if row["Name"] == wanted]
        paging = {"PageNum": 1, "PagesCount": 1}
        return answer(200, {"Entities": {"Things": {"Things": rows[: int(given["pageSize"])]}}, "PagingInfo": paging})


def list_names(listing: FilteredListing, criteria: Any = IS_A, **options: Any) -> list[str]:
    return [row["name"] for row in listing.iter_rows(criteria, **options)]


# ---------------------------------------------------------------------------------------------------------------------
# What is sent


def test_filter_and_order_are_sent() -> None:
    client = FakeClient(ThingServer("a", "b"))
    listing = FilteredListing(client, THINGS)
    assert list_names(listing, newest_by="CreationTime", page_size=7) == ["a"]
    assert client.calls == [
        ("GET", "/api/query?type=Thing&format=Entities&filter=Name%3D%3Da&sortDesc=CreationTime&pageSize=7")
    ]
    assert listing.is_filtered


def test_nothing_was_filtered_before_the_first_use() -> None:
    listing = FilteredListing(FakeClient(ThingServer("a")), THINGS)
    assert (listing.is_filtered, listing.refuses_filter) == (False, False)


def test_a_list_of_another_type_is_an_error() -> None:
    body = {"Entities": {"Others": [{"Name": "a", "Href": "/api/others/a"}]}, "PagingInfo": {"PageNum": 1}}
    client = FakeClient(lambda _method, _path: answer(200, body))
    with pytest.raises(EmError, match="list of things has an unknown shape"):
        list(iter_resources(client, THINGS))


def test_tasks_have_no_format() -> None:
    """They have one representation, under Resources (wire facts, section 1.2)."""
    client = FakeClient(lambda _method, _path: answer(200, {"Resources": None, "PagingInfo": {"PageNum": 1}}))
    assert list(iter_resources(client, TASK_QUERY)) == []
    assert client.calls == [("GET", "/api/query?type=Task&pageSize=500")]


@pytest.mark.parametrize("criteria", [None, Comparison(NAME, ">", "a")])
def test_without_portable_criteria_no_filter_is_sent(criteria: Any) -> None:
    server = ThingServer("a", "b")
    listing = FilteredListing(FakeClient(server), THINGS)
    assert list_names(listing, criteria) == ["a", "b"]
    assert not listing.is_filtered
    assert server.forms == ["plain"]


@pytest.mark.parametrize(
    ("refuses", "forms", "names", "is_filtered"),
    [
        ((), ["filter+sortDesc"], ["a"], True),
        (("sortDesc",), ["filter+sortDesc", "filter"], ["a"], True),
        (("filter",), ["filter+sortDesc", "filter", "plain"], ["a", "b"], False),
    ],
)
@pytest.mark.parametrize("status", [400, 404, 500, 501])
def test_what_the_server_refuses_is_left_out(
    refuses: tuple[str, ...], forms: list[str], names: list[str], is_filtered: bool, status: int
) -> None:
    server = ThingServer("a", "b", refuses=refuses, status=status)
    listing = FilteredListing(FakeClient(server), THINGS)
    assert list_names(listing, newest_by="CreationTime") == names
    assert server.forms == forms
    assert listing.is_filtered is is_filtered
    assert listing.refuses_filter is ("filter" in refuses)


def test_an_order_is_not_sent_without_the_filter() -> None:
    """All rows are needed then, in whatever order."""
    server = ThingServer("a", refuses=("filter",))
    list_names(FilteredListing(FakeClient(server), THINGS), newest_by="CreationTime")
    assert "sortDesc" not in server.forms


def test_an_order_without_criteria_is_sent() -> None:
    server = ThingServer("a", "b", refuses=("filter",))
    assert list_names(FilteredListing(FakeClient(server), THINGS), None, newest_by="CreationTime") == ["a", "b"]
    assert server.forms == ["sortDesc"]


def test_a_large_page_is_requested_where_the_order_is_left_out() -> None:
    client = FakeClient(ThingServer("a", refuses=("sortDesc",)))
    list_names(FilteredListing(client, THINGS), newest_by="CreationTime", page_size=10)
    assert [path.rpartition("=")[2] for _method, path in client.calls] == ["10", "500"]


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
def test_another_failure_is_no_refusal(status: int) -> None:
    server = ThingServer("a", refuses=("filter",), status=status)
    listing = FilteredListing(FakeClient(server), THINGS)
    with pytest.raises(EmError) as caught:
        list_names(listing)
    assert caught.value.status == status
    assert server.forms == ["filter"]
    assert not listing.refuses_filter


@pytest.mark.parametrize("failure", [EmError("timeout", "late"), EmError("connection", "broke")])
def test_a_request_without_an_answer_is_no_refusal(failure: EmError) -> None:
    client = FakeClient(lambda _method, _path: failure)
    with pytest.raises(EmError):
        list_names(FilteredListing(client, THINGS))
    assert len(client.calls) == 1


def test_a_server_that_refuses_everything_refuses_no_filter() -> None:
    """The failure may have another reason, and the filter is tried again."""
    server = ThingServer("a", refuses=("pageSize",))
    listing = FilteredListing(FakeClient(server), THINGS)
    with pytest.raises(EmError) as caught:
        list_names(listing)
    assert caught.value.status == 500
    assert server.forms == ["filter", "plain"]
    assert not listing.refuses_filter
    server.refuses = ()
    assert list_names(listing) == ["a"]
    assert server.forms[2:] == ["filter"]


def test_a_failure_on_a_later_page_is_no_refusal() -> None:
    def script(_method: str, path: str) -> Any:
        if "page=2" in path:
            return answer(500)
        things = [{"Name": "a", "Href": "/api/things/a"}]
        return answer(200, {"Entities": {"Things": things}, "PagingInfo": {"PageNum": 1, "PagesCount": 2}})

    client = FakeClient(script)
    with pytest.raises(EmError):
        list_names(FilteredListing(client, THINGS))
    assert len(client.calls) == 2


# ---------------------------------------------------------------------------------------------------------------------
# What is remembered


def test_a_refused_form_is_not_sent_again() -> None:
    server = ThingServer("a", "b", refuses=("filter",))
    listing = FilteredListing(FakeClient(server), THINGS)
    list_names(listing)
    server.forms.clear()
    assert list_names(listing) == ["a", "b"]
    assert server.forms == ["plain"]


def test_the_refusal_of_an_order_does_not_concern_the_filter() -> None:
    server = ThingServer("a", "b", refuses=("sortDesc",))
    listing = FilteredListing(FakeClient(server), THINGS)
    list_names(listing, newest_by="CreationTime")
    server.forms.clear()
    list_names(listing, newest_by="CreationTime")
    list_names(listing)
    assert server.forms == ["filter", "filter"]


def test_a_refused_form_is_tried_again_after_some_uses() -> None:
    """A 500 may have been transient."""
    server = ThingServer("a", "b", refuses=("filter",))
    listing = FilteredListing(FakeClient(server), THINGS)
    list_names(listing)
    server.refuses = ()
    uses = [list_names(listing) for _number in range(RETRY_REFUSED_EVERY)]
    assert uses == [["a", "b"]] * (RETRY_REFUSED_EVERY - 2) + [["a"]] * 2


def test_each_listing_remembers_for_itself() -> None:
    server = ThingServer("a", refuses=("filter",))
    client = FakeClient(server)
    list_names(FilteredListing(client, THINGS))
    server.forms.clear()
    list_names(FilteredListing(client, THINGS))
    assert server.forms == ["filter", "plain"]


def test_a_distrusted_filter_is_never_sent_again() -> None:
    server = ThingServer("a", "b")
    listing = FilteredListing(FakeClient(server), THINGS)
    listing.distrust_filter()
    for _number in range(2 * RETRY_REFUSED_EVERY):
        assert list_names(listing, newest_by="CreationTime") == ["a", "b"]
    assert set(server.forms) == {"sortDesc"}
    assert not listing.refuses_filter


# ---------------------------------------------------------------------------------------------------------------------
# Whether an empty answer is true


def test_a_filter_that_finds_an_existing_row_is_true() -> None:
    client = FakeClient(ThingServer("a", "b"))
    listing = FilteredListing(client, THINGS)
    assert listing.verify_filter(NAME) is True
    assert client.calls == [
        ("GET", "/api/query?type=Thing&format=Entities&pageSize=1"),
        ("GET", "/api/query?type=Thing&format=Entities&filter=Name%3D%3Da&pageSize=1"),
    ]
    assert list_names(listing) == ["a"]
    assert listing.is_filtered


def test_a_filter_that_hides_an_existing_row_is_distrusted() -> None:
    server = ThingServer("a", "b", hides=True)
    listing = FilteredListing(FakeClient(server), THINGS)
    assert list_names(listing) == []
    assert listing.verify_filter(NAME) is False
    assert list_names(listing) == ["a", "b"]
    server.forms.clear()
    assert listing.verify_filter(NAME) is True, "nothing is filtered any more"
    assert server.forms == []


def test_without_rows_there_is_nothing_to_verify() -> None:
    for server in (ThingServer(), ThingServer("")):
        listing = FilteredListing(FakeClient(server), THINGS)
        assert listing.verify_filter(NAME) is True
        assert server.forms == ["plain"]


def test_a_refused_filter_needs_no_verification() -> None:
    server = ThingServer("a", refuses=("filter",))
    listing = FilteredListing(FakeClient(server), THINGS)
    list_names(listing)
    server.forms.clear()
    assert listing.verify_filter(NAME) is True
    assert server.forms == []


def test_a_filter_that_is_refused_during_verification_is_true() -> None:
    """The rows came without a filter then, and there are some."""
    server = ThingServer("a", refuses=("filter",))
    assert FilteredListing(FakeClient(server), THINGS).verify_filter(NAME) is True


# ---------------------------------------------------------------------------------------------------------------------
# Collections at their own address

JOB = {"name": "SQL", "href": "/api/jobs/1"}
JOB_XML = b'<Job Name="SQL" Href="/api/jobs/1"/>'


@pytest.mark.parametrize(
    "body",
    [
        {"Jobs": [{"Name": "SQL", "Href": "/api/jobs/1"}]},
        {"Jobs": [{"Name": "SQL", "Href": "/api/jobs/1"}], "PagingInfo": {"PageNum": 1, "PagesCount": 1}},
        {"Jobs": {"Jobs": [{"Name": "SQL", "Href": "/api/jobs/1"}]}},
        {"Jobs": {"Job": {"Name": "SQL", "Href": "/api/jobs/1"}}},
        b"<Jobs>" + JOB_XML + b"</Jobs>",
        b"<Jobs>" + JOB_XML + b'<PagingInfo PageNum="1" PagesCount="1"/></Jobs>',
    ],
)
def test_a_collection(body: Any) -> None:
    client = FakeClient(lambda _method, _path: answer(200, body))
    assert list(iter_collection(client, "/api/jobs", "jobs")) == [JOB]
    assert client.calls == [("GET", "/api/jobs?format=Entity")]


@pytest.mark.parametrize(
    "body",
    [
        {"Jobs": None},
        {"Jobs": []},
        {"Jobs": {"Jobs": []}},
        b"<Jobs/>",
        b'<Jobs Type="JobList" Href="/api/jobs"><Links><Link Rel="Up"/></Links><PagingInfo PageNum="1"/></Jobs>',
    ],
)
def test_an_empty_collection(body: Any) -> None:
    assert list(iter_collection(FakeClient(lambda _method, _path: answer(200, body)), "/api/jobs", "jobs")) == []


def test_the_pages_of_a_collection() -> None:
    def script(_method: str, path: str) -> Any:
        number = int(path.partition("&page=")[2] or 1)
        job = {"Name": f"Job {number}", "Href": f"/api/jobs/{number}"}
        return answer(200, {"Jobs": [job], "PagingInfo": {"PageNum": number, "PagesCount": 3}})

    client = FakeClient(script)
    assert [job["name"] for job in iter_collection(client, "/api/jobs", "jobs")] == ["Job 1", "Job 2", "Job 3"]
    assert [path for _method, path in client.calls] == [
        "/api/jobs?format=Entity",
        "/api/jobs?format=Entity&page=2",
        "/api/jobs?format=Entity&page=3",
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "is not the list of jobs"),
        ({"Tasks": []}, "is not the list of jobs"),
        ([], "is not the list of jobs"),
        (b"<Tasks/>", "is not the list of jobs"),
        ({"Jobs": None, "Message": "db down"}, "reports a failure"),
        ({"Jobs": [5]}, "holds something that is not a resource"),
        ({"Jobs": {"Others": [JOB]}}, "has an unknown shape"),
        (b"<Jobs><Other/></Jobs>", "has an unknown shape"),
        (
            {"Jobs": [], "PagingInfo": {"PageNum": 1, "Links": [{"Rel": "Next", "Href": "/api/jobs?format=Entity"}]}},
            "form a loop",
        ),
    ],
)
def test_what_is_no_collection(body: Any, words: str) -> None:
    client = FakeClient(lambda _method, _path: answer(200, body))
    with pytest.raises(EmError, match=words) as caught:
        list(iter_collection(client, "/api/jobs", "jobs"))
    assert caught.value.kind == "bad_response"
    if "resource" not in words:
        assert (caught.value.method, caught.value.path) == ("GET", "/api/jobs")


def test_a_list_may_have_one_of_several_names() -> None:
    for root, data in ((None, {"Things": [JOB]}), (None, {"Jobs": [JOB]}), ("things", {"job": JOB}), ("jobs", {"job": [JOB]})):
        lower = {key.lower(): value for key, value in data.items()}
        assert list(iter_list(Document(root, lower), "/api/x", "jobs", "things", "job")) == [JOB]
    with pytest.raises(EmError, match="is not the list of jobs"):
        list(iter_list(Document("others", {"job": JOB}), "/api/x", "jobs", "things", "job"))


def test_any_list_of_a_type() -> None:
    body = {"Entities": {"Others": [{"Name": "a", "Href": "/api/others/a"}]}, "PagingInfo": {"PageNum": 1}}
    client = FakeClient(lambda _method, _path: answer(200, body))
    assert [row["name"] for row in iter_resources(client, QueryTarget("Other", ()))] == ["a"]
    assert client.calls == [("GET", "/api/query?type=Other&format=Entities&pageSize=500")]


def test_sessions_have_a_list_of_their_own() -> None:
    client = FakeClient(lambda _method, _path: answer(200, {"Entities": None, "PagingInfo": {"PageNum": 1}}))
    assert list(iter_resources(client, BACKUP_SESSION_QUERY, encoded_filter="x", newest_by="EndTime", page_size=3)) == []
    assert client.calls == [("GET", "/api/query?type=BackupJobSession&format=Entities&filter=x&sortDesc=EndTime&pageSize=3")]
