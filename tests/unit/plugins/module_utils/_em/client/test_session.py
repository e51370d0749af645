# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging on and off: what is sent, where token and id are found, and in which words it fails."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.session import (
    LogonSession,
    create_headers,
    create_session_result,
    is_alive,
    log_off,
    log_on,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeTransport, answer

CONNECTION = Connection(
    "em.example.com",
    port=9399,
    username="CORP\\backup",
    password="p\u00e4ss:w\u00f6rd",
    api_version="v1_7",
    validate_certs=False,
    ca_path="/ca.pem",
    timeout=31,
    retries=4,
    response_format="xml",
)
SESSION = LogonSession("Id/1 \u00fc", "Token1==")
LOGON = ("POST", "/api/sessionMngr/?v=v1_7")
LOGOFF = ("DELETE", "/api/logonSessions/Id%2F1%20%C3%BC")
PROBE = ("GET", "/api/query?type=Task&pageSize=1")
HIDDEN = "/api/logonSessions/(hidden)"
LIST = {"Resources": {"Tasks": None}, "PagingInfo": {"PageNum": 1}}
WHERE = "em.example.com port 9399"


class Server(FakeTransport):
    """Gives its answers in order."""

    def __init__(self, *answers: Any, connection: Connection = CONNECTION) -> None:
        self.answers = list(answers)
        super().__init__(connection, lambda _method, _path: self.answers.pop(0))


def fails(server: Server, ask: Any, *more: Any) -> EmError:
    with pytest.raises(EmError) as caught:
        ask(server, *more)
    assert server.answers == []
    return caught.value


def facts(err: EmError) -> tuple[Any, ...]:
    return err.kind, err.status, err.method, err.path, err.detail


# ---------------------------------------------------------------------------------------------------------------------
# Logging on


def test_the_logon_request() -> None:
    server = Server(answer(201, {"SessionId": "one"}, X_RestSvcSessionId="token"))
    session = log_on(server)
    assert session == LogonSession("one", "token")
    assert server.calls == [LOGON]
    assert server.headers == [
        {
            "Accept": "application/xml",
            "Authorization": "Basic " + base64.b64encode("CORP\\backup:p\u00e4ss:w\u00f6rd".encode()).decode(),
        }
    ]
    assert "one" not in repr(session)
    assert "token" not in repr(session)
    assert repr(session) == "LogonSession(...)"


def test_a_password_that_is_no_text_is_sent_as_the_bytes_it_was() -> None:
    """Python reads bytes of the environment that are no UTF-8 as lone surrogates."""
    server = Server(
        answer(200, {"SessionId": "one"}, X_RestSvcSessionId="token"),
        connection=Connection("em", username="u", password=b"\xe4".decode("utf-8", "surrogateescape")),
    )
    log_on(server)
    assert base64.b64decode(server.headers[0]["Authorization"][6:]) == b"u:\xe4"
    assert server.calls == [("POST", "/api/sessionMngr/?v=latest")]


@pytest.mark.parametrize(
    ("body", "location", "session_id"),
    [
        ({"SessionId": " one "}, "/api/logonSessions/other", "one"),
        ({"Links": [{"Rel": "Delete", "Href": "http://vbr/api/logonSessions/a%20b?format=Entity"}]}, None, "a b"),
        ({"Links": [{"Rel": "DELETE", "Href": "/api/LOGONSESSIONS/one#x"}]}, "/api/logonSessions/other", "one"),
        (
            {
                "Links": [
                    {"Rel": "Up", "Href": "/api/logonSessions/two"},
                    {"Rel": "Delete", "Href": "/api/tasks/1"},
                    {"Rel": "Delete"},
                    {"Href": "/api/logonSessions/three"},
                    {"Rel": "delete", "Href": "/api/logonSessions/one/x"},
                ]
            },
            "/api/logonSessions/other",
            "one",
        ),
        ({"Links": [{"Rel": "Up", "Href": "/api/logonSessions/two"}]}, "https://vbr/api/logonSessions/one", "one"),
        ({"SessionId": ""}, "https://vbr/api/logonSessions/one", "one"),
        ([1], "https://vbr/api/logonSessions/one", "one"),
        (b"", "https://vbr/api/logonSessions/one", "one"),
        ({"Links": "broken"}, "https://vbr/api/logonSessions/one", "one"),
        (b"<LogonSession><SessionId>one</SessionId></LogonSession>", None, "one"),
        (b'<L><Links><Link Rel="Delete" Href="/api/logonSessions/one"/></Links></L>', None, "one"),
        (b'<L><Links><Link Rel="Up"/><Link Rel="Delete" Href="/api/logonSessions/one"/></Links></L>', None, "one"),
        ({"Links": {"Links": [{"Rel": "Delete", "Href": "/api/logonSessions/one"}]}}, None, "one"),
    ],
)
def test_where_the_session_id_is_found(body: Any, location: str | None, session_id: str) -> None:
    headers = {"Location": location} if location else {}
    assert log_on(Server(answer(200, body, X_RestSvcSessionId="t", **headers))).id == session_id


def test_a_web_page_names_no_session() -> None:
    body = b"<LogonSession><SessionId>one</SessionId></LogonSession>"
    server = Server(answer(200, body, X_RestSvcSessionId="t", Content_Type="text/html", Location="/api/logonSessions/two"))
    assert log_on(server).id == "two"


@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_answer_without_token_comes_from_something_else(status: int) -> None:
    err = fails(Server(answer(status, {"SessionId": "one"})), log_on)
    assert facts(err) == ("logon_failed", status, "POST", "/api/sessionMngr/", None)
    assert err.msg == (
        f"What answers on {WHERE} is not the Enterprise Manager REST API: it gave no X-RestSvcSessionId header. Check port:"
        " the REST API listens on 9398, the web site on 9443."
    )


def test_a_session_without_id_is_told() -> None:
    for answered in (answer(201, {}, X_RestSvcSessionId="t"), answer(201, {}, X_RestSvcSessionId="t", Location="/api/tasks/1")):
        err = fails(Server(answered), log_on)
        assert facts(err) == ("bad_response", 201, "POST", "/api/sessionMngr/", None)
        assert err.msg == (
            "The server logged on without saying which logon session it made, so that it could not be logged off. It ends by"
            " itself after 15 idle minutes."
        )


@pytest.mark.parametrize(
    ("status", "msg"),
    [
        (
            401,
            f"Enterprise Manager on {WHERE} refused the logon of 'CORP\\backup'. It answers so to a wrong user name or"
            " password, to a user without an Enterprise Manager role (Portal Administrator, Portal User or Restore Operator),"
            " and to an api_version it does not support (here v1_7; latest always is).",
        ),
        (403, f"'CORP\\backup' may not log on to {WHERE}: give the user an Enterprise Manager role."),
        (
            404,
            f"There is no Enterprise Manager REST API on {WHERE}, though something answers (404). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API.",
        ),
        (
            405,
            f"There is no Enterprise Manager REST API on {WHERE}, though something answers (405). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API.",
        ),
    ],
)
def test_a_refused_logon(status: int, msg: str) -> None:
    err = fails(Server(answer(status, {"Message": "No."}, X_RestSvcSessionId="t")), log_on)
    assert facts(err) == ("logon_failed", status, "POST", "/api/sessionMngr/", "No.")
    assert err.msg == msg
    err = fails(Server(answer(status, b'<Error Message="No."/>', Content_Type="text/html")), log_on)
    assert err.detail is None, "a web page has no words of the server"


@pytest.mark.parametrize(("status", "kind"), [(300, "bad_response"), (415, "server_error"), (500, "server_error")])
def test_a_logon_that_fails_otherwise(status: int, kind: str) -> None:
    err = fails(Server(answer(status, {"Message": "No."}, X_RestSvcSessionId="t")), log_on)
    assert facts(err) == (kind, status, "POST", "/api/sessionMngr/", "No.")
    assert "/api/sessionMngr/" in err.msg


def test_an_answer_that_is_none() -> None:
    err = fails(Server(answer(199)), log_on)
    assert err.kind == "server_error"
    assert err.status == 199


@pytest.mark.parametrize(
    ("seen", "closed"),
    [
        ({"X-RestSvcSessionId": "t", "Location": "/api/logonSessions/a%20b"}, [("DELETE", "/api/logonSessions/a%20b")]),
        ({"X-RestSvcSessionId": "t", "Location": "/api/x"}, []),
        ({"X-RestSvcSessionId": "t"}, []),
        ({"Location": "/api/logonSessions/one"}, []),
    ],
)
@pytest.mark.parametrize("way", [EmError("timeout", "too late"), KeyboardInterrupt()], ids=["late", "Ctrl-C"])
def test_a_session_is_closed_whose_logon_broke_off(
    seen: dict[str, str], closed: list[tuple[str, str]], way: BaseException
) -> None:
    server = Server()
    server.last_headers = answer(200, **{name.replace("-", "_"): value for name, value in seen.items()}).headers

    def script(method: str, _path: str) -> Any:
        if method == "POST":
            raise way
        assert server.headers[-1]["X-RestSvcSessionId"] == "t"
        return EmError("connection", "gone", may_have_been_sent=False)  # which is not the failure to tell

    server.script = script
    with pytest.raises(type(way)) as caught:
        log_on(server)
    assert caught.value is way
    assert server.calls == [LOGON, *closed]
    assert server.logoffs == isinstance(way, KeyboardInterrupt)  # another failure may be followed by a further try


# ---------------------------------------------------------------------------------------------------------------------
# Logging off


def test_the_requests_of_a_log_off() -> None:
    server = Server(answer(204))
    assert log_off(server, SESSION) is True
    assert server.calls == [LOGOFF]
    assert server.data == [HIDDEN]
    assert server.headers == [{"Accept": "application/xml", "X-RestSvcSessionId": "Token1=="}]
    assert create_headers(CONNECTION, SESSION) == server.headers[0]


@pytest.mark.parametrize(
    ("answers", "ended"),
    [
        ([answer(401)], False),
        ([answer(404), answer(401)], False),
        ([answer(500), answer(401)], False),
        ([answer(200), answer(401)], True),
        ([answer(202), answer(401)], True),
    ],
)
def test_what_an_ended_session_may_answer(answers: list[Any], ended: bool) -> None:
    server = Server(*answers)
    assert log_off(server, SESSION) is ended
    assert server.calls == [LOGOFF, PROBE][: len(answers)]
    assert server.answers == []


def test_a_log_off_that_did_nothing_is_told() -> None:
    err = fails(Server(answer(200), answer(200, LIST), answer(200), answer(200, LIST)), log_off, SESSION)
    assert facts(err) == ("bad_response", 200, "DELETE", HIDDEN, None)
    assert err.msg == "The server answered 200 to the log-off, but the session is still alive."


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (500, "server_error")])
def test_a_log_off_that_was_refused_is_told_without_secrets(status: int, kind: str) -> None:
    words = {"Message": f"No {SESSION.id} of {SESSION.token}, {SESSION.token}"}
    refused = [answer(status, words), answer(200, LIST)]
    err = fails(Server(*refused, *refused), log_off, SESSION)
    assert facts(err) == (kind, status, "DELETE", HIDDEN, "No (hidden) of (hidden), (hidden)")
    assert "The server says: No (hidden) of (hidden), (hidden)." in err.msg
    assert HIDDEN in err.msg


def test_a_log_off_that_was_refused_otherwise_is_not_looked_after() -> None:
    for status, kind in ((403, "forbidden"), (400, "server_error"), (302, "bad_response")):
        err = fails(Server(answer(status)), log_off, SESSION)
        assert facts(err) == (kind, status, "DELETE", HIDDEN, None)


@pytest.mark.parametrize("first", [answer(503), answer(500), EmError("timeout", "late"), answer(200)], ids=str)
def test_a_log_off_is_repeated_only_once_it_is_known_not_to_have_happened(first: Any) -> None:
    server = Server(first, answer(200, LIST), answer(204))
    assert log_off(server, SESSION) is True
    assert server.calls == [LOGOFF, PROBE, LOGOFF]
    server = Server(first, answer(200, LIST), answer(401))
    assert log_off(server, SESSION) is True
    server = Server(first, EmError("connection", "gone"))
    fails(server, log_off, SESSION)
    assert server.calls == [LOGOFF, PROBE]


# ---------------------------------------------------------------------------------------------------------------------
# Alive or not


def test_a_session_is_asked_by_a_small_query() -> None:
    server = Server(answer(200, LIST))
    assert is_alive(server, SESSION) is True
    assert server.calls == [PROBE]
    assert server.headers == [create_headers(CONNECTION, SESSION)]
    assert is_alive(Server(answer(401)), SESSION) is False


def test_anything_else_is_no_answer_to_whether_it_is_alive() -> None:
    for status, kind in ((403, "forbidden"), (404, "not_found"), (500, "server_error")):
        err = fails(Server(answer(status)), is_alive, SESSION)
        assert facts(err) == (kind, status, "GET", "/api/query", None)
        assert "/api/query" in err.msg
    for page in (b"<html/>", b"", b"[]"):
        assert fails(Server(answer(200, page)), is_alive, SESSION).kind == "bad_response"
    xml = b'<QueryResult><PagingInfo PageNum="1"/></QueryResult>'
    assert is_alive(Server(answer(200, xml)), SESSION) is True
    assert fails(Server(answer(200, xml, Content_Type="text/html")), is_alive, SESSION).kind == "bad_response"


@pytest.mark.parametrize("body", [b"<a/>", {"Resources": {"Tasks": None}}, {"PagingInfo": None}, [1]])
def test_an_answer_that_is_no_querys_is_no_yes(body: Any) -> None:
    err = fails(Server(answer(203, body)), is_alive, SESSION)
    assert facts(err) == ("bad_response", 203, "GET", "/api/query", None)
    assert err.msg == "The server's answer to a query is not the result of a query, so that nothing is known of the session."


# ---------------------------------------------------------------------------------------------------------------------
# What a playbook gets


def test_a_session_as_a_playbook_sees_it() -> None:
    assert create_session_result(CONNECTION, SESSION) == {
        "hostname": "em.example.com",
        "port": 9399,
        "id": "Id/1 \u00fc",
        "token": "Token1==",
        "username": "CORP\\backup",
        "api_version": "v1_7",
        "validate_certs": False,
        "ca_path": "/ca.pem",
        "timeout": 31,
        "retries": 4,
        "response_format": "xml",
        "expires_after": 900,
    }
