# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and their answers, and the client's own logon session."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import SessionState
from ansible_collections.vbem.rest.plugins.module_utils._em.client.session import LogonSession
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Body, encode
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import SESSION_ID, TOKEN, FakeClient, answer

SPEC = Body("CreateObjectInJobSpec", {"Name": "SQL & more", "@Href": "/api/x"})
XML, JSON = "application/xml", "application/json"

# ---------------------------------------------------------------------------------------------------------------------
# Requests and answers


@pytest.mark.parametrize(("response_format", "media_type"), [("xml", XML), ("json", JSON), ("auto", JSON)])
def test_a_body_is_sent_in_the_requested_format(response_format: str, media_type: str) -> None:
    """With JSON in Accept the server refuses an XML body (wire facts, section 7)."""
    client = FakeClient(lambda _method, _path: answer(204), response_format=response_format)
    client.send("POST", "/api/jobs/1/includes", SPEC)
    assert client.calls == [("POST", "/api/jobs/1/includes")]
    (headers,) = client.transport.headers
    assert headers == {"Accept": media_type, "Content-Type": media_type, "X-RestSvcSessionId": TOKEN}
    assert client.transport.bodies == [encode(SPEC, media_type)]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_request_without_a_body_has_no_content_type(method: str) -> None:
    client = FakeClient(lambda _method, _path: answer(204))
    assert client.send(method, "/api/jobs/1?action=start") == (204, None)
    assert client.transport.headers == [{"Accept": JSON, "X-RestSvcSessionId": TOKEN}]
    assert client.transport.bodies == [None]


@pytest.mark.parametrize(("status", "body"), [(204, b""), (204, b"oops"), (201, b""), (201, b" \r\n")])
def test_an_answer_without_a_document(status: int, body: bytes) -> None:
    client = FakeClient(lambda _method, _path: answer(status, body))
    assert client.send("POST", "/api/x") == (status, None)


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_an_answer_with_a_document(status: int) -> None:
    client = FakeClient(lambda _method, _path: answer(status, {"TaskId": "task-1"}))
    assert client.send("PUT", "/api/x") == (status, (None, {"task_id": "task-1"}))


@pytest.mark.parametrize(("status", "body"), [(200, b""), (202, b""), (202, b"<html>"), (201, b"oops")])
def test_a_2xx_answer_that_cannot_be_read_has_its_status(status: int, body: bytes) -> None:
    client = FakeClient(lambda _method, _path: answer(status, body))
    with pytest.raises(EmError) as caught:
        client.send("POST", "/api/jobs/1?action=start")
    err = caught.value
    assert (err.kind, err.status, err.method, err.path) == ("bad_response", status, "POST", "/api/jobs/1")


def test_a_body_that_cannot_be_sent_is_refused_before_the_request() -> None:
    client = FakeClient(lambda _method, _path: answer(204))
    with pytest.raises(EmError) as caught:
        client.send("POST", "/api/x", Body("Spec", {"Name": "\ud800"}))
    assert caught.value.kind == "invalid_option"
    assert client.calls == []


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "session_lost"), (403, "forbidden"), (404, "not_found"), (500, "server_error")]
)
def test_a_refused_request_is_an_error(status: int, kind: str) -> None:
    for send in (FakeClient.get, lambda client, path: client.send("GET", path)):
        client = FakeClient(lambda _method, _path: answer(status, {"Message": "No."}))
        with pytest.raises(EmError) as caught:
            send(client, "/api/x?y=z")
        err = caught.value
        assert (err.kind, err.status, err.method, err.path, err.detail) == (kind, status, "GET", "/api/x", "No.")


def test_a_read_may_ask_for_another_media_type() -> None:
    client = FakeClient(lambda _method, _path: answer(200, {}), response_format="xml")
    client.get("/api/x")
    client.get("/api/x", accept=JSON)
    assert [headers["Accept"] for headers in client.transport.headers] == [XML, JSON]
    assert all("Content-Type" not in headers for headers in client.transport.headers)


def test_requests_are_counted_with_retries_and_failures() -> None:
    client = FakeClient(lambda _method, _path: EmError("connection", "broke"))
    count = client.transport.request

    def retry(*arguments: Any, **settings: Any) -> Any:
        client.transport.requests += 2
        return count(*arguments, **settings)

    client.transport.request = retry  # type: ignore[method-assign]
    with pytest.raises(EmError):
        client.get("/api/x")
    assert client.requests == 3


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("Thu, 01 Jan 1970 00:01:40 GMT", 100.0), ("yesterday", None), ("", None), (None, None)],
)
def test_the_time_of_the_server(date: str | None, seconds: float | None) -> None:
    client = FakeClient(lambda _method, _path: answer(200, {}, **({} if date is None else {"Date": date})))
    assert client.server_time is None
    client.get("/api/x")
    assert client.server_time == seconds


def test_an_address_on_the_configured_server() -> None:
    client = FakeClient(lambda _method, _path: answer())
    assert client.locate("http://vbr:9399/api/x?y#z") == "https://em.example.com:9398/api/x?y"
    assert client.locate("x") is None


# ---------------------------------------------------------------------------------------------------------------------
# Other clients


def test_a_client_that_shares_the_session_borrows_it() -> None:
    def script(method: str, _path: str) -> Any:
        return answer(201, {"SessionId": "own-id"}, X_RestSvcSessionId="own-token") if method == "POST" else answer(204)

    client = FakeClient(script, own=True)
    client.session = None
    other = client.share_session()
    assert [method for method, _path in client.calls] == ["POST"], "it logs on first"
    assert other.session == client.session == LogonSession("own-id", "own-token")
    assert (client.owns_session, other.owns_session) == (True, False)
    assert other.transport is not client.transport
    assert other.hooks is client.hooks
    assert other.connection.base_url == client.connection.base_url
    other.close()
    assert len(client.calls) == 1, "only the owner logs off"


def test_another_connection_has_the_same_hooks_and_warnings() -> None:
    client = FakeClient(lambda _method, _path: answer())
    other = client.connect(Connection("em2.example.com", username="u", password="p"))
    assert (other.connection.hostname, other.owns_session, other.session) == ("em2.example.com", True, None)
    assert other.hooks is client.hooks
    other.warnings.append("one")
    assert client.warnings == ["one"]


def test_a_detached_session_is_not_logged_off() -> None:
    client = FakeClient(lambda _method, _path: answer(204), own=True)
    with client:
        assert client.detach_session() == LogonSession(SESSION_ID, TOKEN)
    assert client.calls == []


# ---------------------------------------------------------------------------------------------------------------------
# The own session


def leave(error: BaseException | None, *, status: int = 204) -> FakeClient:
    """Leave a client with a session of its own, whose log-off is answered with this status."""

    def script(method: str, _path: str) -> Any:
        if method == "GET":  # whether the session is still alive
            return answer(200, {"PagingInfo": {"PageNum": 1, "PagesCount": 1}})
        return answer(status, None if status == 204 else {"Message": f"{SESSION_ID} and {TOKEN} are in use"})

    client = FakeClient(script, own=True)
    with suppress(EmError, KeyboardInterrupt, ValueError), client:
        if error is not None:
            raise error
    return client


@pytest.mark.parametrize(
    "error", [None, EmError("forbidden", "no"), KeyboardInterrupt(), ValueError()], ids=lambda error: type(error).__name__
)
def test_a_session_that_stays_open_is_a_warning(error: BaseException | None) -> None:
    client = leave(error, status=500)
    (warning,) = client.warnings
    assert "could not be logged off" in warning
    assert SESSION_ID not in warning
    assert TOKEN not in warning
    assert client.session_state is not SessionState.CLOSED


def test_the_logoff_is_announced_before_it_starts() -> None:
    client = leave(None)
    assert (client.warnings, client.session_state, client.transport.logoffs) == ([], SessionState.CLOSED, 1)


def test_secrets_stay_known_after_the_logoff() -> None:
    def script(method: str, _path: str) -> Any:
        return answer(201, {"SessionId": "own-id"}, X_RestSvcSessionId="own-token") if method == "POST" else answer(204)

    client = FakeClient(script, own=True)
    client.session = None
    with client:
        client.ensure_session()
        assert client.session_state is SessionState.OPEN
    assert client.session_state is SessionState.CLOSED
    assert {"own-id", "own-token"} <= client.secrets


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (EmError("connection", "no", may_have_been_sent=False), None),
        (EmError("connection", "broke"), SessionState.REQUESTED),
        (answer(401), None),
        (answer(500), SessionState.REQUESTED),
    ],
    ids=["unsent", "broken", "refused", "500"],
)
def test_the_session_state_after_a_failed_logon(failure: Any, state: SessionState | None) -> None:
    client = FakeClient(lambda _method, _path: failure, own=True)
    client.session = None
    with pytest.raises(EmError), client:
        client.ensure_session()
    assert client.session_state is state
