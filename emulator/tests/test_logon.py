# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging on and off, roles, versions, expiry, cookies (wire-facts 3)."""

from __future__ import annotations

import base64

import pytest

from emulator import Emulator, User

from .wire import JSON, Wire, basic

LOGON = "/api/sessionMngr/?v=latest"


def test_root_needs_no_logon(either: Emulator, wire: Wire) -> None:
    assert wire.get("/api/").texts("Name") == ["v1_5", "v1_6", "v1_7"]
    key = "SupportedVersions" if either.switches.version == 12 else "supportedVersions"
    assert len(wire.get("/api", JSON).json[key][key]) == 3


@pytest.mark.parametrize(
    "path", [LOGON, "/api/sessionMngr?v=v1_7", "/api/sessionMngr", "/api//sessionMngr", "/api/sessionmngr/?V=V1_5"]
)
def test_logon(either: Emulator, wire: Wire, path: str) -> None:
    answer = wire("POST", path, basic(either.admin))
    (session,) = either.sessions
    assert answer.status == 201
    assert answer.headers["X-RestSvcSessionId"] == session.token == base64.b64encode(session.id.encode()).decode()
    assert answer.headers["Set-Cookie"] == f"X-RestSvcSessionId={session.token}; Path=/api;"
    assert answer.headers["Location"] == f"{either.base_url}/api/logonSessions/{session.id}"
    assert answer.texts("SessionId") == [session.id]
    assert answer.texts("UserName") == ["VBEM\\admin"]


def test_logon_in_json(either: Emulator, wire: Wire) -> None:
    body = wire("POST", LOGON, {**basic(either.admin), **JSON}).json
    names = (
        ("UserName", "SessionId", "Links", "Href", "Type")
        if either.switches.version == 12
        else ("userName", "sessionId", "links", "href", "type")
    )
    assert tuple(body) == names


@pytest.mark.parametrize("name", ["vbem\\ADMIN", "admin@vbem", "Admin@VBEM"])
def test_spellings_of_the_user_name(em: Emulator, wire: Wire, name: str) -> None:
    assert wire("POST", LOGON, basic(User(name, em.admin.password))).status == 201


def test_password_with_colons_quotes_and_unicode(em: Emulator, wire: Wire) -> None:
    assert wire("POST", LOGON, basic(em.users["operator"])).status == 201


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"}, basic(User("VBEM\\admin", "wrong"))],
    ids=["none", "garbage", "bearer", "wrong"],
)
def test_bad_credentials(em: Emulator, wire: Wire, headers: dict[str, str]) -> None:
    answer = wire("POST", LOGON, headers)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Basic Realm=RestSvc")
    assert em.sessions == []


def test_no_role_looks_like_a_wrong_password(em: Emulator, wire: Wire) -> None:
    assert wire("POST", LOGON, basic(em.users["none"])).status == 401


@pytest.mark.parametrize("version", ["v1_4", "v9_9", "1.7"])
def test_unsupported_version_looks_like_a_wrong_password(em: Emulator, wire: Wire, version: str) -> None:
    assert wire("POST", f"/api/sessionMngr/?v={version}", basic(em.admin)).status == 401


@pytest.mark.parametrize(("headers", "body"), [({"Content-Type": "application/json"}, None), ({}, b"x")])
def test_13_refuses_a_body_or_content_type(either: Emulator, wire: Wire, headers: dict[str, str], body: bytes | None) -> None:
    expected = 415 if either.switches.version == 13 else 201
    assert wire("POST", LOGON, {**basic(either.admin), **headers}, body).status == expected


def test_others_come_first_in_the_list(em: Emulator, on: Wire) -> None:
    ids = on.get("/api/logonSessions").texts("SessionId")
    assert len(ids) == 2
    assert ids[-1] == on.session_id
    second = em.logon()
    assert on.get("/api/logonSessions").texts("SessionId") == [ids[0], second.id, on.session_id]


def test_logoff(em: Emulator, on: Wire) -> None:
    answer = on("DELETE", f"/api/logonSessions/{on.session_id}")
    assert (answer.status, answer.body) == (204, b"")
    assert em.sessions == []
    assert em.standing_session_alive
    assert on.get("/api/tasks").status == 401


def test_logging_off_the_first_in_the_list_shows(em: Emulator, on: Wire) -> None:
    first = on.get("/api/logonSessions").texts("SessionId")[0]
    assert on("DELETE", f"/api/logonSessions/{first}").status == 204
    assert not em.standing_session_alive


@pytest.mark.parametrize("status", [401, 404, 500])
def test_second_logoff(em: Emulator, on: Wire, status: int) -> None:
    em.switches.update({"second_logoff": status})
    assert on("DELETE", f"/api/logonSessions/{on.session_id}").status == 204
    assert on("DELETE", f"/api/logonSessions/{on.session_id}").status == status


@pytest.mark.parametrize("status", [500, 404])
def test_unknown_logon_session(em: Emulator, on: Wire, status: int) -> None:
    em.switches.update({"unknown_session": status})
    assert on.get("/api/logonSessions/44cfbdbe-5a95-4156-8867-91f069b7c2cc").status == status


def test_idle_session_expires_and_a_request_renews(em: Emulator, on: Wire) -> None:
    for _round in range(3):
        em.clock.advance(890)
        assert on.get("/api/tasks").status == 200
    em.clock.advance(901)
    answer = on.get("/api/tasks")
    assert answer.status == 401
    assert answer.xml.get("Message") == "Authentication token has expired"
    assert em.sessions == []


def test_clock_speed(em: Emulator, on: Wire) -> None:
    em.clock.speed = 1e6
    assert on.get("/api/tasks").status in (200, 401)
    em.clock.advance(1000)
    assert on.get("/api/tasks").status == 401


def test_cookie_beats_header(em: Emulator, on: Wire) -> None:
    stale = {"Cookie": "a=b; X-RestSvcSessionId=c3RhbGU=; d=e"}
    assert on.get("/api/tasks", stale).status == 401
    token = on.headers["X-RestSvcSessionId"]
    on.headers = {}
    assert on.get("/api/tasks", {"Cookie": f"X-RestSvcSessionId={token}", "X-RestSvcSessionId": "c3RhbGU="}).status == 200


def test_garbage_and_missing_token(em: Emulator, wire: Wire) -> None:
    assert wire.get("/api/tasks").status == 401
    assert wire.get("/api/tasks", {"X-RestSvcSessionId": "garbage"}).status == 401


def test_raw_token_and_body_without_session_id(em: Emulator, wire: Wire) -> None:
    em.switches.token_form = "raw"
    em.switches.logon_session_id = False
    answer = wire.log_on()
    assert len(base64.b64decode(wire.headers["X-RestSvcSessionId"])) == 16
    assert answer.texts("SessionId") == []
    assert wire.get("/api/tasks").status == 200


def test_expire_and_direct_logon(em: Emulator, on: Wire) -> None:
    em.expire(on.session_id)
    assert on.get("/api/tasks").status == 401
    direct = em.logon("operator")
    assert on.get("/api/tasks", {"X-RestSvcSessionId": direct.token}).status == 200
