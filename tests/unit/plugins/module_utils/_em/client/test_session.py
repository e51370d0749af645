# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging on and off: what is sent, where token and id are found, and how it fails."""

from __future__ import annotations

import base64
from dataclasses import replace
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


def catch(server: Server, function: Any, *more: Any) -> EmError:
    with pytest.raises(EmError) as caught:
        function(server, *more)
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


def test_a_password_of_bytes_that_are_not_utf_8_is_sent_unchanged() -> None:
    """Python reads such bytes of the environment as lone surrogates."""
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
def test_where_the_session_id_is(body: Any, location: str | None, session_id: str) -> None:
    headers = {"Location": location} if location else {}
    assert log_on(Server(answer(200, body, X_RestSvcSessionId="t", **headers))).id == session_id


def test_the_body_of_a_web_page_is_not_read() -> None:
    body = b"<LogonSession><SessionId>one</SessionId></LogonSession>"
    server = Server(answer(200, body, X_RestSvcSessionId="t", Content_Type="text/html", Location="/api/logonSessions/two"))
    assert log_on(server).id == "two"


@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_answer_without_a_token_is_not_the_rest_api(status: int) -> None:
    err = catch(Server(answer(status, {"SessionId": "one"})), log_on)
    assert facts(err) == ("logon_failed", status, "POST", "/api/sessionMngr/", None)
    assert err.msg == (
        f"{WHERE} answers, but not as the Enterprise Manager REST API: there is no X-RestSvcSessionId header. Check port: the"
        " REST API listens on 9398, the web site on 9443."
    )


def test_a_logon_without_a_session_id_fails() -> None:
    for answered in (answer(201, {}, X_RestSvcSessionId="t"), answer(201, {}, X_RestSvcSessionId="t", Location="/api/tasks/1")):
        err = catch(Server(answered), log_on)
        assert facts(err) == ("bad_response", 201, "POST", "/api/sessionMngr/", None)
        assert err.msg == (
            "The server logged on but did not return the id of the logon session, so the session cannot be logged off. It ends"
            " by itself after 15 idle minutes."
        )


@pytest.mark.parametrize(
    ("status", "msg"),
    [
        (
            401,
            f"Enterprise Manager on {WHERE} refused the logon of 'CORP\\backup'. The reason may be a wrong user name or password,"
            " a user without an Enterprise Manager role (Portal Administrator, Portal User or Restore Operator), or an"
            " api_version that it does not support (here v1_7; latest always works). The server says: No.",
        ),
        (403, f"{WHERE} does not let 'CORP\\backup' log on. The server says: No."),
        (
            404,
            f"There is no Enterprise Manager REST API on {WHERE}, although something answers (404). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API. A reverse proxy must publish"
            " the API as /api, without a path before it. The server says: No.",
        ),
        (
            405,
            f"There is no Enterprise Manager REST API on {WHERE}, although something answers (405). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API. A reverse proxy must publish"
            " the API as /api, without a path before it. The server says: No.",
        ),
    ],
)
def test_a_refused_logon(status: int, msg: str) -> None:
    err = catch(Server(answer(status, {"Message": "No."}, X_RestSvcSessionId="t")), log_on)
    assert facts(err) == ("logon_failed", status, "POST", "/api/sessionMngr/", "No.")
    assert err.msg == msg


def test_a_logon_that_a_proxy_refuses() -> None:
    page = b"<html><head><title>403 Forbidden</title></head><body>Blocked by policy</body></html>"
    err = catch(Server(answer(403, page, Content_Type="text/html", Server="squid")), log_on)
    assert err.msg == (
        f"{WHERE} does not let 'CORP\\backup' log on. The answer is a web page, so a proxy or a firewall seems to have sent it"
        " (it calls itself 'squid'), not Enterprise Manager. The page says: 403 Forbidden: Blocked by policy."
    )


def test_a_logon_that_is_refused_without_a_reason() -> None:
    assert catch(Server(answer(403, b"")), log_on).msg == (
        f"{WHERE} does not let 'CORP\\backup' log on. Give the user an Enterprise Manager role."
    )


@pytest.mark.parametrize(("password", "ends"), [("\tx", "begins"), ("x\n", "ends"), (" x ", "begins and ends"), ("x y", None)])
def test_a_refused_logon_tells_what_nobody_sees_around_the_password(password: str, ends: str | None) -> None:
    err = catch(Server(answer(401, b""), connection=replace(CONNECTION, password=password)), log_on)
    assert (f"Note that password {ends} with white space or a line end" in err.msg) == (ends is not None)
    assert ends or "Note" not in err.msg


@pytest.mark.parametrize(("header", "token"), [("t, t", "t"), ("t,t", "t"), ("t, ", "t"), ("t", "t")])
def test_a_session_header_that_comes_twice(header: str, token: str) -> None:
    body = {"SessionId": "one"}
    assert log_on(Server(answer(201, body, X_RestSvcSessionId=header))).token == token


def test_two_session_headers_that_differ_are_no_logon() -> None:
    err = catch(Server(answer(201, {"SessionId": "one"}, X_RestSvcSessionId="t, u")), log_on)
    assert err.kind == "logon_failed"


@pytest.mark.parametrize(("status", "kind"), [(300, "bad_response"), (415, "server_error"), (500, "server_error")])
def test_a_logon_that_fails_with_another_status(status: int, kind: str) -> None:
    err = catch(Server(answer(status, {"Message": "No."}, X_RestSvcSessionId="t")), log_on)
    assert facts(err) == (kind, status, "POST", "/api/sessionMngr/", "No.")
    assert "/api/sessionMngr/" in err.msg


def test_a_logon_with_an_interim_status_fails() -> None:
    err = catch(Server(answer(199)), log_on)
    assert (err.kind, err.status) == ("server_error", 199)


@pytest.mark.parametrize(
    ("headers", "logoffs"),
    [
        ({"X-RestSvcSessionId": "t", "Location": "/api/logonSessions/a%20b"}, [("DELETE", "/api/logonSessions/a%20b")]),
        ({"X-RestSvcSessionId": "t", "Location": "/api/x"}, []),
        ({"X-RestSvcSessionId": "t"}, []),
        ({"Location": "/api/logonSessions/one"}, []),
    ],
)
@pytest.mark.parametrize("end", [EmError("timeout", "too late"), KeyboardInterrupt()], ids=["timeout", "Ctrl-C"])
def test_the_session_of_a_truncated_logon_is_logged_off(
    headers: dict[str, str], logoffs: list[tuple[str, str]], end: BaseException
) -> None:
    server = Server()
    server.last_headers = answer(200, **{name.replace("-", "_"): value for name, value in headers.items()}).headers

    def script(method: str, _path: str) -> Any:
        if method == "POST":
            raise end
        assert server.headers[-1]["X-RestSvcSessionId"] == "t"
        return EmError("connection", "gone", may_have_been_sent=False)  # not the failure to report

    server.script = script
    with pytest.raises(type(end)) as caught:
        log_on(server)
    assert caught.value is end
    assert server.calls == [LOGON, *logoffs]
    assert server.logoffs == isinstance(end, KeyboardInterrupt)  # another failure may be retried


# ---------------------------------------------------------------------------------------------------------------------
# Logging off


def test_the_logoff_request() -> None:
    server = Server(answer(204))
    assert log_off(server, SESSION) is True
    assert server.calls == [LOGOFF]
    assert server.shown == [HIDDEN]
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
def test_how_a_server_may_answer_the_logoff_of_an_ended_session(answers: list[Any], ended: bool) -> None:
    server = Server(*answers)
    assert log_off(server, SESSION) is ended
    assert server.calls == [LOGOFF, PROBE][: len(answers)]
    assert server.answers == []


def test_a_logoff_that_did_nothing_fails() -> None:
    err = catch(Server(answer(200), answer(200, LIST), answer(200), answer(200, LIST)), log_off, SESSION)
    assert facts(err) == ("bad_response", 200, "DELETE", HIDDEN, None)
    assert err.msg == "The server answered 200 to the log-off, but the session is still alive."


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (500, "server_error")])
def test_the_message_of_a_refused_logoff_hides_secrets(status: int, kind: str) -> None:
    words = {"Message": f"No {SESSION.id} of {SESSION.token}, {SESSION.token}"}
    refused = [answer(status, words), answer(200, LIST)]
    err = catch(Server(*refused, *refused), log_off, SESSION)
    assert facts(err) == (kind, status, "DELETE", HIDDEN, "No (hidden) of (hidden), (hidden)")
    assert "The server says: No (hidden) of (hidden), (hidden)." in err.msg
    assert HIDDEN in err.msg


def test_a_refusal_that_leaves_the_session_alive_is_not_checked() -> None:
    for status, kind in ((403, "forbidden"), (400, "server_error"), (300, "bad_response"), (302, "bad_response")):
        err = catch(Server(answer(status)), log_off, SESSION)
        assert facts(err) == (kind, status, "DELETE", HIDDEN, None)


@pytest.mark.parametrize("first", [answer(503), answer(500), EmError("timeout", "late"), answer(200)], ids=str)
def test_a_logoff_is_repeated_only_if_the_session_is_alive(first: Any) -> None:
    server = Server(first, answer(200, LIST), answer(204))
    assert log_off(server, SESSION) is True
    assert server.calls == [LOGOFF, PROBE, LOGOFF]
    server = Server(first, answer(200, LIST), answer(401))
    assert log_off(server, SESSION) is True
    server = Server(first, EmError("connection", "gone"))
    catch(server, log_off, SESSION)
    assert server.calls == [LOGOFF, PROBE]


def test_a_repeated_logoff_that_leaves_the_session_alive_fails() -> None:
    err = catch(Server(answer(503), answer(200, LIST), answer(500), answer(200, LIST)), log_off, SESSION)
    assert (err.kind, err.status) == ("server_error", 500), "the failure of the second log-off"


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ([EmError("connection", "refused", may_have_been_sent=False)], [LOGOFF]),
        ([EmError("timeout", "late"), answer(500)], [LOGOFF, PROBE]),
        ([answer(404), EmError("timeout", "late")], [LOGOFF, PROBE]),
        ([answer(500), answer(403)], [LOGOFF, PROBE]),
    ],
    ids=["unsent", "lost, then 500", "404, then lost", "500, then 403"],
)
def test_a_logoff_of_unknown_outcome_fails_with_its_own_failure(answers: list[Any], calls: list[tuple[str, str]]) -> None:
    server = Server(*answers)
    first = answers[0]
    err = catch(server, log_off, SESSION)
    assert server.calls == calls
    assert err is first if isinstance(first, EmError) else err.status == first.status


@pytest.mark.parametrize("lost", [EmError("timeout", "late"), EmError("connection", "broke"), answer(503), answer(206)])
def test_a_logoff_whose_answer_was_lost_counts_if_the_session_is_gone(lost: Any) -> None:
    server = Server(lost, answer(401))
    assert log_off(server, SESSION) is True
    assert server.calls == [LOGOFF, PROBE]


# ---------------------------------------------------------------------------------------------------------------------
# Alive or not


def test_the_request_that_tells_whether_a_session_is_alive() -> None:
    server = Server(answer(200, LIST))
    assert is_alive(server, SESSION) is True
    assert server.calls == [PROBE]
    assert server.headers == [create_headers(CONNECTION, SESSION)]
    assert is_alive(Server(answer(401)), SESSION) is False


def test_an_unclear_answer_does_not_tell_whether_a_session_is_alive() -> None:
    for status, kind in ((403, "forbidden"), (404, "not_found"), (500, "server_error")):
        err = catch(Server(answer(status)), is_alive, SESSION)
        assert facts(err) == (kind, status, "GET", "/api/query", None)
        assert "/api/query" in err.msg
    for page in (b"<html/>", b"", b"[]"):
        assert catch(Server(answer(200, page)), is_alive, SESSION).kind == "bad_response"
    xml = b'<QueryResult><PagingInfo PageNum="1"/></QueryResult>'
    assert is_alive(Server(answer(200, xml)), SESSION) is True
    assert catch(Server(answer(200, xml, Content_Type="text/html")), is_alive, SESSION).kind == "bad_response"


@pytest.mark.parametrize("body", [b"<a/>", {"Resources": {"Tasks": None}}, {"PagingInfo": None}, [1]])
def test_only_the_result_of_a_query_means_alive(body: Any) -> None:
    err = catch(Server(answer(203, body)), is_alive, SESSION)
    assert facts(err) == ("bad_response", 203, "GET", "/api/query", None)
    assert err.msg == (
        "The server's answer to a query is not the result of a query, so it is unknown whether the session is alive."
    )


# ---------------------------------------------------------------------------------------------------------------------
# What a playbook receives


def test_the_result_for_a_playbook() -> None:
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
