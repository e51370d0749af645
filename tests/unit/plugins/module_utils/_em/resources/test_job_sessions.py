# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a job's sessions is the latest, which is active, and what a session looks like."""

from __future__ import annotations

import time
from typing import Any, cast
from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import (
    SORT_PROBE_ROWS,
    JobSessions,
    normalise_job_session,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import (
    JOB_GUID,
    JOB_UID,
    FakeClient,
    SessionListClient,
    answer,
    make_job,
    make_session,
)


def sessions_of(client: SessionListClient) -> JobSessions:
    return JobSessions(cast(Client, client))


def find_last(sessions: list[dict[str, Any]]) -> str | None:
    found = sessions_of(SessionListClient(sessions)).find_latest(make_job().data)
    return str(found["name"]) if found else None


def test_the_latest_of_a_sorted_list_takes_one_page() -> None:
    client = SessionListClient([make_session(number) for number in range(59, 0, -1)])
    assert (sessions_of(client).find_latest(make_job().data) or {})["name"] == "session 59"
    assert client.pages == 1
    assert "sortDesc=CreationTime" in client.paths[0]


def test_the_latest_of_an_unsorted_list() -> None:
    assert find_last([make_session(number) for number in range(1, 60)]) == "session 59"
    assert find_last([]) is None
    assert find_last([make_session(3)]) == "session 3"


def test_sessions_of_other_jobs_do_not_count() -> None:
    other = make_session(50, job_uid="urn:veeam:Job:00000000-0000-0000-0000-000000000000")
    assert find_last([other, make_session(3), make_session(2)]) == "session 3"
    assert find_last([other]) is None


def test_a_session_belongs_to_a_job_by_its_guid() -> None:
    """The reference writes the JobUid of agent and NAS jobs in two ways."""
    assert find_last([make_session(3, job_uid=f"urn:veeam:AgentBackupJob:{JOB_GUID.upper()}")]) == "session 3"


def test_dates_are_compared_as_times() -> None:
    """As text, .5Z is more than .45Z is more than Z, and less than nothing at all."""
    early, late = (make_session(1, creation_time_utc=f"2026-11-23T18:00:10{fraction}Z") for fraction in ("", ".5"))
    late["name"] = "late"
    late["uid"] = "late"
    assert find_last([early, late]) == "late"
    assert find_last([late, early]) == "late"


def test_the_active_session_is_the_newest_that_is_not_stopped() -> None:
    sessions = [make_session(1, "Working"), make_session(9, "Stopped"), make_session(7, "Working"), make_session(3, "Starting")]
    found = sessions_of(SessionListClient(sessions)).find_active(make_job().data)
    assert (found or {})["name"] == "session 7"
    assert sessions_of(SessionListClient([make_session(9)])).find_active(make_job().data) is None


def test_replicas_have_sessions_of_their_own_type() -> None:
    for job_type, source in (("Replica", "ReplicaJobSession"), ("Backup", "BackupJobSession"), (None, "BackupJobSession")):
        client = SessionListClient()
        sessions_of(client).find_latest(make_job(job_type=job_type).data)
        assert f"type={source}&" in client.paths[0]


@pytest.mark.parametrize("job_type", ["replica", "REPLICA"])
def test_the_type_of_a_job_is_case_insensitive(job_type: str) -> None:
    client = SessionListClient()
    sessions_of(client).find_latest(make_job(job_type=job_type).data)
    assert "type=ReplicaJobSession&" in client.paths[0]


SINCE = 1795458600.0  # 2026-11-23T18:30:00Z


def test_the_time_is_part_of_the_filter() -> None:
    client = SessionListClient()
    assert sessions_of(client).list_since(make_job().data, SINCE) == []
    assert 'CreationTime>="2026-11-23T18:30:00Z"' in unquote(client.paths[0])
    assert len(client.paths) == 1, "nothing is verified where a time is part of the filter"


def test_the_sessions_since_a_time_are_sorted() -> None:
    sessions = [make_session(number) for number in (31, 29, 33, 30)]
    found = sessions_of(SessionListClient(sessions)).list_since(make_job().data, SINCE)
    assert [one["name"] for one in found] == ["session 33", "session 31", "session 30"]


def test_a_session_that_began_at_that_very_time_is_one_since_it() -> None:
    session = make_session(30, creation_time_utc="2026-11-23T18:30:00Z")
    found = sessions_of(SessionListClient([session])).list_since(make_job().data, SINCE)
    assert [one["name"] for one in found] == ["session 30"]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_the_time_does_not_depend_on_the_machines_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-05:30")
    time.tzset()
    try:
        client = SessionListClient()
        sessions_of(client).list_since(make_job().data, SINCE)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert 'CreationTime>="2026-11-23T18:30:00Z"' in unquote(client.paths[0])


def test_sessions_of_the_same_time_are_sorted() -> None:
    same = [make_session(7, uid=f"urn:veeam:BackupJobSession:{number}", name=str(number)) for number in range(30)]
    client = SessionListClient(same)
    assert (sessions_of(client).find_latest(make_job().data) or {})["name"] == "0", "the first one of them"
    assert client.pages == 1


def test_addresses_are_on_the_configured_server() -> None:
    row = make_session(1, href="http://vbr/api/x")
    found = sessions_of(SessionListClient([row])).find_latest(make_job().data)
    assert (found or {})["href"] == "located http://vbr/api/x"


def test_both_uids_of_a_job_are_part_of_the_filter() -> None:
    client = SessionListClient()
    job = {**make_job().data, "uid": f"urn:veeam:AgentBackupJob:{JOB_GUID.upper()}"}
    sessions_of(client).find_active(job)
    assert f'JobUid=="urn:veeam:AgentBackupJob:{JOB_GUID.upper()}",JobUid=="{JOB_UID}"' in unquote(client.paths[0])
    assert "State!=Stopped" in unquote(client.paths[0])


def test_reading_ends_with_the_first_page_of_a_sorted_list() -> None:
    """Ten rows show whether the server sorts."""
    many = [make_session(number) for number in range(59, 29, -1)]
    client = SessionListClient(many)
    found = sessions_of(client).list_since(make_job().data, SINCE + 29 * 60)
    assert [one["name"] for one in found] == ["session 59"], "all others are older"
    assert client.pages == 1
    assert f"pageSize={SORT_PROBE_ROWS}" in client.paths[0]


@pytest.mark.parametrize("hidden", ["a filter by job", "a filter by state"])
def test_a_server_that_ignores_filters_is_read_in_large_pages(hidden: str) -> None:
    """Or finding one running job among 5,000 runs would take 500 requests."""
    other = {"job_uid": "urn:veeam:Job:00000000-0000-0000-0000-000000000000"} if hidden == "a filter by job" else {}
    many = [make_session(59, **other) for _number in range(40)]
    client = SessionListClient([*many, make_session(1, "Working")])
    sessions = sessions_of(client)
    for _time in range(2):
        assert (sessions.find_active(make_job().data) or {})["name"] == "session 1"
    sizes = [path.partition("pageSize=")[2] for path in client.paths]
    assert sizes == [str(SORT_PROBE_ROWS), "500", "500"]
    filters = [unquote(path.partition("&filter=")[2].partition("&sortDesc=")[0]) for path in client.paths]
    assert filters == [f'JobUid=="{JOB_UID}";State!=Stopped'] * 3, "it may filter by some fields"


def test_a_late_row_out_of_order_is_found() -> None:
    many = [make_session(number) for number in range(40, 31, -1)]
    assert find_last([*many, make_session(50)]) == "session 50"
    # A list that is sorted as far as was read is believed.
    assert find_last([*many, make_session(31), make_session(50)]) == "session 40"


def test_a_job_without_a_uid_has_no_sessions_to_find() -> None:
    job = {**make_job().data, "uid": None}
    for find in (sessions_of(SessionListClient()).find_active, sessions_of(SessionListClient()).find_latest):
        with pytest.raises(EmError, match="lists the job SQL without a UID") as caught:
            find(job)
        assert caught.value.kind == "bad_response"


# ---------------------------------------------------------------------------------------------------------------------
# Servers whose filter hides rows


class HidingServer:
    """A script: a server with one session, which a filter by some field hides."""

    def __init__(self, hides: str | None) -> None:
        self.hides = hides
        self.filters: list[str | None] = []

    def __call__(self, _method: str, path: str) -> Any:
        given = dict(part.partition("=")[::2] for part in path.partition("?")[2].split("&"))
        text = unquote(given["filter"]) if "filter" in given else None
        self.filters.append(text)
        row = {
            "UID": "urn:veeam:BackupJobSession:7",
            "Name": "session 7",
            "JobUid": JOB_UID,
            "State": "Stopped",
            "Result": "Success",
        }
        row["CreationTimeUTC"] = "2026-11-23T18:07:00Z"
        rows = [] if text is not None and self.hides is not None and self.hides in text else [row]
        return answer(200, {"Entities": {"BackupJobSessions": rows}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}})


def test_an_empty_list_is_believed_if_the_filter_finds_an_existing_session() -> None:
    other = {**make_job().data, "uid": "urn:veeam:Job:00000000-0000-0000-0000-000000000000"}
    server = HidingServer("0000-000000000000")
    assert JobSessions(FakeClient(server)).find_latest(other) is None
    assert [text is None for text in server.filters] == [False, True, False], "a row without a filter, and that row by its job"


def test_an_empty_list_is_not_believed_if_the_filter_hides_rows() -> None:
    server = HidingServer("JobUid")
    found = JobSessions(FakeClient(server)).find_latest(make_job().data)
    assert (found or {})["name"] == "session 7"
    assert server.filters[-1] is None


@pytest.mark.parametrize(
    ("hides", "uid", "listed"),
    [
        (None, "urn:veeam:BackupJobSession:7", True),
        (None, "urn:veeam:BackupJobSession:8", False),
        ("UID==", "urn:veeam:BackupJobSession:7", False),
        ("JobUid", "urn:veeam:BackupJobSession:7", True),
        ("JobUid", "urn:veeam:BackupJobSession:8", False),
        (None, None, True),
    ],
)
def test_whether_a_session_is_listed(hides: str | None, uid: str | None, listed: bool) -> None:
    server = HidingServer(hides)
    assert JobSessions(FakeClient(server)).is_listed(make_job().data, {"uid": uid}) is listed
    if uid is None:
        assert server.filters == []
    elif hides is None:
        assert f'UID=="{uid}"' in (server.filters[0] or "")


@pytest.mark.parametrize(
    ("hides", "uid", "listed"),
    [
        (None, "urn:veeam:BackupJobSession:7", True),
        (None, "urn:veeam:BackupJobSession:8", False),
        ("UID==", "urn:veeam:BackupJobSession:7", True),
        ("UID==", "urn:veeam:BackupJobSession:8", False),
        (None, None, True),
    ],
)
def test_whether_a_session_of_any_job_is_listed(hides: str | None, uid: str | None, listed: bool) -> None:
    server = HidingServer(hides)
    assert JobSessions(FakeClient(server)).is_uid_listed({"uid": uid}) is listed
    if uid is None:
        assert server.filters == []
    else:
        assert server.filters[0] == f'UID=="{uid}"'


def test_the_active_sessions_of_all_jobs() -> None:
    client = SessionListClient(
        [make_session(1), make_session(2, "Working"), make_session(3, "Starting", job_uid="x", href="/x")]
    )
    active = sessions_of(client).list_active()
    assert [(one["name"], one["href"]) for one in active] == [("session 2", None), ("session 3", "located /x")]
    assert client.paths == [
        "/api/query?type=BackupJobSession&format=Entities&filter=State%21%3DStopped&sortDesc=CreationTime&pageSize=500"
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Reasons

SESSION_GUID = "35c24055-bdee-4e43-b655-a42de408d2ec"


def task_session(result: str | None, reason: str | None, **more: Any) -> dict[str, Any]:
    return {
        "JobSessionUid": f"urn:x:{SESSION_GUID}",
        "Result": result,
        "Reason": reason,
        "VmDisplayName": "sql01",
        "Name": "n",
        **more,
    }


def list_reasons(*rows: dict[str, Any], uid: str | None = f"urn:veeam:BackupJobSession:{SESSION_GUID}") -> list[str]:
    def script(_method: str, path: str) -> Any:
        calls.append(path)
        kind = "Replica" if "ReplicaTaskSession" in path else "Backup"
        return answer(200, {"Entities": {f"{kind}TaskSessions": list(rows)}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}})

    calls: list[str] = []
    reasons = JobSessions(FakeClient(script)).list_reasons({"uid": uid})
    kind = "Replica" if uid and "replica" in uid.lower() else "Backup"
    expected = f"/api/query?type={kind}TaskSession&format=Entities&filter=JobSessionUid=="
    assert [unquote(path).partition('"')[0] for path in calls] == ([expected] if uid else [])
    return reasons


def test_the_reasons_of_a_session() -> None:
    assert list_reasons(
        task_session("Failed", "No space"),
        task_session("Warning", "Slow.", VmDisplayName=None),
        task_session("Failed", None),
        task_session("Success", "Fine."),
        task_session(None, "Unknown."),
        task_session("Failed", "Of another session.", JobSessionUid=f"urn:x:{SESSION_GUID[::-1]}"),
        task_session("Failed", "Of none.", JobSessionUid=None),
    ) == ["sql01: No space.", "n: Slow.", "sql01: Failed."]


def test_only_some_reasons_are_listed() -> None:
    assert list_reasons(*[task_session("Failed", str(number)) for number in range(20)]) == [
        f"sql01: {number}." for number in range(10)
    ]


def test_not_all_task_sessions_are_read() -> None:
    def script(_method: str, path: str) -> Any:
        number = int(path.partition("&page=")[2] or 1)
        rows = [task_session("Success", "Fine.", Href=f"/api/x/{number}-{row}") for row in range(150)]
        return answer(200, {"Entities": {"BackupTaskSessions": rows}, "PagingInfo": {"PageNum": number, "PagesCount": 9}})

    client = FakeClient(script)
    assert JobSessions(client).list_reasons({"uid": f"urn:veeam:BackupJobSession:{SESSION_GUID}"}) == []
    assert len(client.calls) == 2, "of 200 rows"


@pytest.mark.parametrize("prefix", ["urn:veeam:ReplicaJobSession:", "URN:VEEAM:REPLICAJOBSESSION:"])
def test_the_reasons_of_a_replica_are_of_another_type(prefix: str) -> None:
    assert list_reasons(task_session("Failed", "No."), uid=prefix + SESSION_GUID) == ["sql01: No."]


def test_a_session_without_a_uid_has_no_reasons() -> None:
    assert list_reasons(uid=None) == []
    client = FakeClient(lambda _method, _path: answer(500))
    assert JobSessions(client).list_reasons({"uid": "a\nb"}) == []
    assert client.calls == []


@pytest.mark.parametrize("failure", [answer(500), answer(403), EmError("timeout", "Late.")])
def test_reasons_that_cannot_be_read_are_none(failure: Any) -> None:
    session = {"uid": f"urn:veeam:BackupJobSession:{SESSION_GUID}"}
    assert JobSessions(FakeClient(lambda _method, _path: failure)).list_reasons(session) == []
    with pytest.raises(EmError) as caught:
        JobSessions(FakeClient(lambda _method, _path: answer(401))).list_reasons(session)
    assert caught.value.kind == "session_lost"


# ---------------------------------------------------------------------------------------------------------------------
# The public form, and reading one

ROW = {
    "uid": "urn:veeam:BackupJobSession:1",
    "name": "SQL@2026",
    "job_name": "SQL",
    "job_uid": JOB_UID,
    "job_type": "Backup",
    "state": "Working",
    "result": "None",
    "progress": "50",
    "creation_time_utc": "2026-11-23T18:00:00.0000000+01:00",
    "end_time_utc": "1753-01-01T00:00:00Z",
    "is_retry": "true",
    "failure_message": "No.",
    "href": "http://vbr:9399/api/backupSessions/1?format=Entity",
    "links": [
        {"rel": "Up", "type": "JobReference", "name": "x"},
        {"rel": "Up", "type": "BackupServerReference", "name": "vbr01"},
    ],
}
SHOWN = {
    "name": "SQL@2026",
    "uid": "urn:veeam:BackupJobSession:1",
    "job_name": "SQL",
    "job_uid": JOB_UID,
    "job_type": "Backup",
    "backup_server": "vbr01",
    "state": "Working",
    "result": None,
    "progress": 50,
    "creation_time": "2026-11-23T17:00:00Z",
    "end_time": None,
    "is_retry": True,
    "failure_message": "No.",
    "href": "https://em.example.com:9398/api/backupSessions/1?format=Entity",
}


def normalise(row: dict[str, Any]) -> dict[str, Any]:
    return normalise_job_session(row, FakeClient(lambda _method, _path: answer()))


def test_the_public_form() -> None:
    assert normalise(ROW) == SHOWN
    assert normalise({}) == dict.fromkeys(SHOWN)
    assert normalise({**ROW, "result": "Warning"})["result"] == "Warning"


def test_queries_have_dates_under_another_name() -> None:
    row = {key: value for key, value in ROW.items() if not key.endswith("_utc")}
    row |= {"creation_time": "2026-11-23T18:00:00Z", "end_time": "2026-11-23T19:00:00Z"}
    shown = normalise(row)
    assert (shown["creation_time"], shown["end_time"]) == ("2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z")
    both = normalise({**row, "creation_time_utc": "2026-11-23T17:00:00Z", "end_time_utc": "2026-11-23T18:00:00Z"})
    assert (both["creation_time"], both["end_time"]) == ("2026-11-23T17:00:00Z", "2026-11-23T18:00:00Z")


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("http://vbr:9399/api/backupSessions/1", "/api/backupSessions/1?format=Entity"),
        ("/api/backupSessions/1?x=y", "/api/backupSessions/1?x=y&format=Entity"),
        ("/api/backupSessions/1?format=Entity", "/api/backupSessions/1?format=Entity"),
    ],
)
def test_reading_a_session(href: str, path: str) -> None:
    client = FakeClient(lambda _method, _path: answer(200, {"State": "Stopped", "JobUid": JOB_UID, "Name": "n", "Href": href}))
    session = JobSessions(client).read(href)
    assert session["href"] == f"https://em.example.com:9398/api/{href.partition('/api/')[2]}"
    assert (session["state"], session["job_uid"], session["name"]) == ("Stopped", JOB_UID, "n")
    assert client.calls == [("GET", path)]


@pytest.mark.parametrize("body", [{}, [1], {"State": "Stopped"}, {"JobUid": JOB_UID}])
def test_an_answer_that_is_no_session(body: Any) -> None:
    client = FakeClient(lambda _method, _path: answer(200, body))
    with pytest.raises(EmError, match=r"^The server's answer is not a job session\.$") as caught:
        JobSessions(client).read("/api/backupSessions/1?x=y")
    assert (caught.value.kind, caught.value.method, caught.value.path) == ("bad_response", "GET", "/api/backupSessions/1")


def test_an_address_outside_of_the_api_is_not_read() -> None:
    client = FakeClient(lambda _method, _path: answer(200, {}))
    with pytest.raises(EmError):
        JobSessions(client).read("https://evil.example/x")
    assert client.calls == []
