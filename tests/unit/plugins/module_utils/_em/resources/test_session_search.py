# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which job session is the one that a request has made."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import to_timestamp
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import JobSessions, normalise_job_session
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.session_search import (
    MAX_CLOCK_SKEW,
    MAX_DOUBT,
    SessionSearch,
    explain_mismatch,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import (
    JOB_GUID,
    SessionListClient,
    make_job,
    make_session,
)

REQUESTED_AT = to_timestamp("2026-11-23T18:30:00Z") or 0.0
OTHER_JOB = "urn:veeam:Job:00000000-0000-0000-0000-000000000000"


def at(time: str | None) -> str | None:
    return f"2026-11-23T{time}Z" if time else None


def session_at(created: str, ended: str | None = None, **more: Any) -> dict[str, Any]:
    state = "Stopped" if ended else "Working"
    return make_session(1, state, creation_time_utc=at(created), end_time_utc=at(ended), **more)


class Linked(JobSessions):
    """Job sessions, of which those in ``linked`` can be read by their address."""

    def __init__(self, listed: list[dict[str, Any]], linked: dict[str, Any]) -> None:
        self.list_client = SessionListClient(listed)
        super().__init__(cast(Client, self.list_client))
        self.linked = linked

    def read(self, href: str) -> dict[str, Any]:
        said = self.linked[href]
        if isinstance(said, EmError):
            raise said
        return normalise_job_session(said, self.client)


def find(
    *listed: dict[str, Any],
    linked: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    requested_at: float | None = REQUESTED_AT,
    elapsed: float = 0.0,
) -> str | None:
    sessions = Linked(list(listed), linked or {})
    search = SessionSearch(sessions, make_job().data, before=before, requested_at=requested_at)
    sessions.list_client.now = elapsed
    links = [{"type": "BackupJobSession", "href": href, "name": None} for href in linked or {}]
    found = search.find([{"type": "JobReference", "href": "/api/jobs/1", "name": None}, *links])
    return str(found["uid"]).rpartition(":")[2] if found else None


@pytest.mark.parametrize(
    ("created", "ended", "is_it"),
    [
        ("18:30:00", None, True),
        ("18:29:00", None, True),  # by the clock of a backup server that is behind
        ("18:28:59", None, False),
        ("18:29:30", "18:30:00", True),
        ("18:30:01", "18:31:00", True),
        ("18:31:30", None, True),  # by a clock that is ahead
    ],
)
def test_a_session_may_begin_before_its_request_by_another_clock(created: str, ended: str | None, is_it: bool) -> None:
    assert MAX_CLOCK_SKEW == 60
    assert (find(session_at(created, ended)) is not None) is is_it


@pytest.mark.parametrize(("elapsed", "is_it"), [(0.0, False), (MAX_DOUBT - 1.0, False), (MAX_DOUBT, True)])
def test_a_session_that_was_over_before_the_request_counts_if_no_later_one_shows_up(elapsed: float, is_it: bool) -> None:
    """Its backup server's clock may be behind, or it is somebody else's and the requested one is listed late."""
    over = session_at("18:29:10", "18:29:13")
    assert (find(over, elapsed=elapsed) is not None) is is_it
    later = session_at("18:30:02", uid="urn:veeam:BackupJobSession:later")
    assert find(later, over, elapsed=elapsed) == "later"


@pytest.mark.parametrize("ended", ["18:28:00", "18:28:59"])
def test_a_session_that_was_over_long_before_never_counts(ended: str) -> None:
    assert find(session_at("18:27:00", ended), elapsed=1000.0) is None


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("requested_at", [None, REQUESTED_AT - 3600])
def test_the_session_after_another(newer: bool, requested_at: float | None) -> None:
    before = {"uid": make_session(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    sessions = [make_session(6)] if newer else []
    sessions += [make_session(5), make_session(4)]
    for listed in (sessions, sessions[::-1]):
        assert find(*listed, before=before, requested_at=requested_at) == ("6" if newer else None)


def test_the_session_after_another_of_the_same_time() -> None:
    before = {"uid": make_session(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    twin = make_session(5, uid="urn:veeam:BackupJobSession:twin")
    assert find(make_session(5), twin, before=before, requested_at=None) == "twin"


def test_a_session_without_a_date_is_not_later_than_anything() -> None:
    before = {"uid": "x", "creation_time": "2026-11-23T18:05:00.5Z"}
    undated = make_session(9, creation_time_utc=None)
    assert find(undated, before=before, requested_at=None) is None
    assert find(linked={"/api/a": undated}) is None


@pytest.mark.parametrize("failure", ["not_found", "bad_response"])
def test_a_link_that_leads_nowhere_yet_does_not_prevent_the_query(failure: Any) -> None:
    linked = {"/api/a": EmError(failure, "No."), "/api/b": EmError("server_error", "No.", status=500)}
    assert find(session_at("18:30:00"), linked=linked) == "1"


def test_a_link_that_may_not_be_read_is_a_failure() -> None:
    with pytest.raises(EmError):
        find(linked={"/api/a": EmError("session_lost", "No.", status=401)})


@pytest.mark.parametrize(
    ("linked", "is_it"),
    [
        (session_at("18:30:01", "18:30:05"), True),
        (session_at("18:29:10", "18:29:13"), True),  # a clock that is behind
        (session_at("18:30:01", job_uid=OTHER_JOB), False),
        (session_at("18:30:01", job_uid=f"urn:veeam:AgentBackupJob:{JOB_GUID.upper()}"), True),
        (session_at("18:00:00", "18:10:00"), False),
        (session_at("17:00:00", None), False),
        (make_session(1, "Stopped", creation_time_utc="2026-11-22T18:30:01Z"), False),  # of yesterday
    ],
)
def test_a_link_is_no_proof(linked: dict[str, Any], is_it: bool) -> None:
    assert find(linked={"/api/a": {**linked, "uid": "x:linked"}}) == ("linked" if is_it else None)
    listed = session_at("18:30:01", uid="x:listed")
    assert find(listed, linked={"/api/a": {**linked, "uid": "x:linked"}}) == ("linked" if is_it else "listed")


def test_a_link_to_the_run_before_is_not_followed() -> None:
    before = {"uid": "x:before", "creation_time": at("18:29:50")}
    linked = session_at("18:29:50", "18:30:01", uid="x:before")
    assert find(linked={"/api/a": linked}, before=before) is None


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ((), "no session of the job is listed that began later than 60 seconds before the request"),
        ((session_at("18:29:30", "18:29:40"),), "session 1 ended at 2026-11-23T18:29:40Z, before the request"),
    ],
)
def test_the_rule_that_applied_is_named(listed: Any, words: str) -> None:
    sessions = Linked(list(listed), {})
    search = SessionSearch(sessions, make_job().data, before=None, requested_at=REQUESTED_AT)
    assert search.find() is None
    assert search.explain() == words


def test_the_time_of_a_request_and_of_a_session() -> None:
    session = {"name": "s", "creation_time": at("18:28:59"), "end_time": None}
    assert explain_mismatch(session, None) is None
    assert explain_mismatch(session, REQUESTED_AT) == (
        "s began at 2026-11-23T18:28:59Z, more than 60 seconds before the request, which was at 2026-11-23T18:30:00Z"
    )
    session = {"name": "s", "creation_time": None, "end_time": at("18:28:00")}
    assert "s ended at" in (explain_mismatch(session, REQUESTED_AT) or "")


def test_the_earliest_time_is_part_of_the_filter() -> None:
    times = []
    for before, requested_at in ((None, REQUESTED_AT), ("18:40:00", None), ("18:40:00", REQUESTED_AT)):
        sessions = Linked([], {})
        known = {"uid": "x", "creation_time": at(before)} if before else None
        SessionSearch(sessions, make_job().data, before=known, requested_at=requested_at).find()
        times += [unquote(path).partition("CreationTime>=")[2].partition("&")[0] for path in sessions.list_client.paths]
    assert times == [f'"2026-11-23T{time}Z"' for time in ("18:29:00", "18:40:00", "18:40:00")], "the later one counts"
