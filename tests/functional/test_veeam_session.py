# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logon sessions: the requests, borrowed and own sessions, and veeam_session (wire facts, section 3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from emulator import Emulator

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .scripted_server import ScriptedServer, answer

TOKEN_HEADER = "X-RestSvcSessionId"
EMPTY_LIST = '<QueryResult><Resources><Tasks/></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'


# ---------------------------------------------------------------------------------------------------------------------
# Tasks of other sessions


@all_versions_and_formats
def test_an_own_session_without_tasks_is_a_warning(harness: Harness, em: Emulator) -> None:
    em.make_tasks(em.logon(), 3)
    assert harness.ids() == []
    assert len(harness.warnings) == 1
    assert "vbem.rest.veeam_session" in harness.warnings[0]


def test_the_warning_comes_once_with_each_state(harness: Harness) -> None:
    harness.remove(task_state=["Finished"])
    assert [warning for warning in harness.warnings if "veeam_session" in warning] == harness.warnings
    assert len(harness.warnings) == 1
    harness.wait(operation=["StartJob"])
    assert len(harness.warnings) == 1


# ---------------------------------------------------------------------------------------------------------------------
# The logon request


@all_versions_and_formats
def test_the_logon_has_neither_body_nor_content_type(harness: Harness) -> None:
    harness.info()
    (logon,) = harness.logons()
    assert logon.status == 201
    assert logon.body == b""
    assert logon.header("Content-Type") is None, "version 13 answers 415"
    assert logon.header("Content-Length") == "0", "version 12 answers 411 without it"
    assert logon.header("Transfer-Encoding") is None


@all_versions
@pytest.mark.parametrize(
    ("username", "given", "password"),
    [
        ("CORP\\backup", "backup@CORP", "plain-but-long-enough-9"),
        ("CORP\\quote", "CORP\\quote", "'single' \"double\" `back` \\slash $dollar %41 & < >"),
        ("CORP\\emoji", "CORP\\emoji", "\U0001f511\u2028key \U0001f468\u200d\U0001f4bb with spaces "),
    ],
    ids=["at", "quotes", "emoji"],
)
def test_any_user_name_and_password_is_sent_unchanged(
    harness: Harness, em: Emulator, username: str, given: str, password: str
) -> None:
    em.add_user("somebody", username, password)
    harness.info(options={"username": given, "password": password})
    (logon,) = harness.logons()
    sent = (logon.header("Authorization") or "").removeprefix("Basic ")
    assert base64.b64decode(sent).decode("utf-8") == f"{given}:{password}"
    assert logon.status == 201


def test_only_the_logon_has_credentials_and_all_else_the_token(harness: Harness, em: Emulator) -> None:
    harness.info()
    logon, *others = em.log
    assert logon.header(TOKEN_HEADER) is None
    assert len(others) == 2
    for entry in others:
        assert entry.header("Authorization") is None
        assert entry.header(TOKEN_HEADER)
        assert entry.header("Content-Type") is None


@all_formats
def test_no_cookie_is_sent_although_the_server_sets_one(harness: Harness, em: Emulator) -> None:
    """A cookie would take precedence over the header: wire facts, section 3.3."""
    harness.info()
    assert len(em.log) == 3
    assert [entry.header("Cookie") for entry in em.log] == [None, None, None]


def test_a_stale_cookie_cannot_replace_a_token(harness: Harness, em: Emulator) -> None:
    client = harness.connect()
    with client:
        client.get("/api/query?type=Task")
        fresh = em.logon()
        made = em.make_tasks(fresh, 1)
        client.transport.request("GET", "/api/tasks", headers={TOKEN_HEADER: fresh.token})
        assert em.log[-1].session_id == fresh.id
    assert harness.ids(fresh) == made


# ---------------------------------------------------------------------------------------------------------------------
# The answer to the logon


@all_versions_and_formats
@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"logon_session_id": False},
        {"token_form": "raw"},
        {"header_case": "lower"},
        {"bom": True},
        {"json_nulls": False},
        {"hrefs": "foreign"},
        {"logon_session_id": False, "token_form": "raw", "header_case": "lower", "hrefs": "http", "bom": True},
    ],
    ids=lambda switches: "+".join(switches) or "plain",
)
def test_token_and_id_are_found_in_every_form(harness: Harness, em: Emulator, switches: dict[str, Any]) -> None:
    em.switches.update(switches)
    session = harness.present()["session"]
    (made,) = em.sessions
    assert (session["id"], session["token"]) == (made.id, made.token)
    assert harness.absent(session)["changed"] is True
    assert em.sessions == []


@all_versions_and_formats
@pytest.mark.parametrize("keep", [0, 20, None], ids=["nothing", "a-little", "half"])
def test_a_truncated_logon_leaves_no_session_open(harness: Harness, em: Emulator, keep: int | None) -> None:
    em.fault("cut", method="POST", path="sessionMngr", when="after", keep=keep)
    with harness.failure("connection"):
        harness.info()
    assert len(harness.logons()) == 1
    assert len(harness.logoffs()) == 1
    assert em.sessions == []


@all_versions_and_formats
@pytest.mark.parametrize("who", ["wrong password", "no role"])
def test_a_refused_logon_is_not_repeated(harness: Harness, em: Emulator, who: str) -> None:
    """Each attempt with a wrong password brings the account nearer to being locked."""
    user = em.users["none"] if who == "no role" else em.users["admin"]
    password = user.password if who == "no role" else "not-the-one"
    with harness.failure("logon_failed") as caught:
        harness.info(options={"username": user.username, "password": password})
    assert caught.error.status == 401
    assert "role" in caught.error.msg
    assert user.username in caught.error.msg
    assert len(harness.logons()) == 1
    assert harness.logoffs() == []


def test_a_plain_http_port_is_explained(harness: Harness, em: Emulator) -> None:
    with harness.failure("tls") as caught:
        harness.info(options={"port": em.control_port})
    assert "does not speak TLS" in caught.error.msg
    assert "9399" in caught.error.msg


def test_a_port_where_nothing_listens_is_explained(harness: Harness, start_scripted: Callable[..., ScriptedServer]) -> None:
    server = start_scripted(lambda _request: answer())
    server.stop()
    with harness.failure("connection") as caught:
        harness.info(options={"port": server.port})
    assert "9398" in caught.error.msg


# ---------------------------------------------------------------------------------------------------------------------
# The log-off


@all_versions_and_formats
@pytest.mark.parametrize(
    "error",
    [None, EmError("ambiguous", "on purpose"), ValueError("on purpose"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()],
    ids=lambda way: type(way).__name__,
)
def test_an_own_session_is_logged_off_on_every_way_out(harness: Harness, em: Emulator, error: BaseException | None) -> None:
    def use() -> None:
        with harness.connect() as client:
            client.get("/api/query?type=Task")
            (own,) = em.sessions
            ids.append(own.id)
            if error is not None:
                raise error

    ids: list[str] = []
    if error is None:
        use()
    else:
        with pytest.raises(type(error)) as info:
            use()
        assert info.value is error
    assert em.sessions == []
    (logoff,) = harness.logoffs()
    assert logoff.path == f"/api/logonSessions/{ids[0]}", "its own id, never the first of a list"
    assert logoff.status == 204
    assert em.requests("GET", "/logonSessions") == []


@all_versions_and_formats
@pytest.mark.parametrize(
    "error", [None, EmError("ambiguous", "on purpose"), KeyboardInterrupt()], ids=lambda way: type(way).__name__
)
def test_a_borrowed_session_is_never_logged_off(harness: Harness, em: Emulator, error: BaseException | None) -> None:
    session = em.logon()
    with suppress(EmError, KeyboardInterrupt), harness.connect(session) as client:
        client.get("/api/query?type=Task")
        if error is not None:
            raise error
    assert em.sessions == [session]
    assert harness.logoffs() == []
    assert harness.logons() == []


@all_formats
@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "status": 403, "body": "html"},
        {"effect": "reset"},
    ],
    ids=["403", "reset"],
)
def test_a_failed_logoff_is_a_warning(harness: Harness, em: Emulator, fault: dict[str, Any]) -> None:
    em.switches.tasks_scope = "global"
    made = em.make_tasks(em.logon(), 2)
    em.fault(method="DELETE", path="logonSessions", times=None, **fault)
    assert harness.ids() == made
    (warning,) = harness.warnings
    assert "could not be logged off" in warning
    assert "15 idle minutes" in warning


def test_a_failed_logoff_does_not_hide_the_failure_before_it(harness: Harness, em: Emulator) -> None:
    em.fault("status", method="DELETE", path="logonSessions", status=500, times=None)
    em.fault("status", method="GET", status=403, times=1)
    with harness.failure("forbidden"):
        harness.info()


# ---------------------------------------------------------------------------------------------------------------------
# A lost session


@all_versions_and_formats
@pytest.mark.parametrize("how", ["expired", "garbage", "logged off"])
def test_a_lost_borrowed_session_is_an_error_and_is_not_replaced(harness: Harness, em: Emulator, how: str) -> None:
    session = em.logon()
    em.make_tasks(session, 2)
    options: Any = session
    if how == "garbage":
        options = {**harness.options(session)["session"], "token": "bm8tc3VjaC10b2tlbg=="}
    else:
        em.expire(session)
    user = em.admin
    for run in (harness.info, harness.remove, harness.wait):
        with harness.failure("session_lost") as caught:
            run(options, task_state=["Finished"], options={"username": user.username, "password": user.password})
        assert caught.error.status == 401
        assert "vbem.rest.veeam_session" in caught.error.msg
    assert harness.logons() == []
    assert len(em.log) == 3, "a 401 is not retried"


@all_versions_and_formats
def test_a_lost_own_session_is_not_replaced(harness: Harness, em: Emulator) -> None:
    em.fault("expire", method="GET", path="/query")
    with harness.failure("session_lost"):
        harness.info()
    assert len(harness.logons()) == 1
    assert em.sessions == []
    assert harness.warnings == []


# ---------------------------------------------------------------------------------------------------------------------
# veeam_session


@all_versions_and_formats
def test_present_logs_on_and_returns_the_session(harness: Harness, em: Emulator) -> None:
    result = harness.present()
    assert result["changed"] is True
    (made,) = em.sessions
    em.make_tasks(made, 1)
    assert harness.logoffs() == []
    session = result["session"]
    assert {name: value for name, value in session.items() if name not in ("id", "token")} == {
        "hostname": "localhost",
        "port": em.port,
        "username": em.admin.username,
        "api_version": "latest",
        "validate_certs": True,
        "ca_path": em.ca_path,
        "timeout": 30,
        "retries": 3,
        "response_format": harness.response_format,
        "expires_after": 900,
    }
    assert len(harness.ids(session)) == 1
    assert json.loads(json.dumps(session)) == session


@all_versions_and_formats
def test_present_keeps_a_live_session(harness: Harness, em: Emulator) -> None:
    session = harness.present()["session"]
    user = em.admin
    for options in ({}, {"username": user.username, "password": user.password}):
        result = harness.present(session, **options)
        assert result == {"changed": False, "session": session}
    assert len(harness.logons()) == 1
    assert harness.logoffs() == []


@all_versions_and_formats
def test_present_without_credentials_fails_if_the_session_is_lost(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.expire(session)
    with harness.failure("session_lost"):
        harness.present(session)
    assert harness.logons() == []


@all_versions_and_formats
def test_present_with_credentials_replaces_a_lost_session(harness: Harness, em: Emulator) -> None:
    lost = em.logon()
    em.expire(lost)
    result = harness.present(lost, username=em.admin.username, password=em.admin.password)
    assert result["changed"] is True
    (made,) = em.sessions
    assert result["session"]["id"] == made.id
    assert made is not lost
    assert result["session"]["username"] == em.admin.username


@all_formats
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"effect": "status", "status": 503}, "server_error"),
        ({"effect": "reset"}, "connection"),
        ({"effect": "html"}, "bad_response"),
    ],
    ids=["503", "reset", "html"],
)
def test_an_error_means_neither_alive_nor_lost(harness: Harness, em: Emulator, fault: dict[str, Any], kind: str) -> None:
    session = em.logon()
    em.fault(method="GET", times=None, **fault)
    with harness.failure(kind):
        harness.present(session, username=em.admin.username, password=em.admin.password)
    assert harness.logons() == []
    assert em.sessions == [session]


@all_versions_and_formats
@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("error_format", ["follow", "html", "text"])
def test_a_second_logoff_is_no_change(harness: Harness, em: Emulator, status: int, error_format: str) -> None:
    session = harness.present()["session"]
    em.switches.update({"second_logoff": status, "error_format": error_format})
    assert [harness.absent(session)["changed"] for _time in range(3)] == [True, False, False]
    assert em.sessions == []


@all_versions
@pytest.mark.parametrize("status", [403, 500])
def test_a_refused_logoff_of_a_live_session_fails(harness: Harness, em: Emulator, status: int) -> None:
    session = em.logon()
    em.fault("status", method="DELETE", status=status, message="Something else", times=None)
    with harness.failure("forbidden" if status == 403 else "server_error"):
        harness.absent(session)
    assert em.sessions == [session]
    assert len(harness.logoffs()) == (2 if status in (500, 503) else 1)


TRANSIENT = [("reset", {}), ("status", {"status": 500}), ("status", {"status": 503})]


@all_formats
@pytest.mark.parametrize(("effect", "more"), TRANSIENT, ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("own", [True, False])
def test_a_logoff_that_failed_is_checked_and_repeated_if_necessary(
    harness: Harness, em: Emulator, *, effect: str, more: dict[str, Any], when: str, own: bool
) -> None:
    """A read tells whether the session has ended."""
    session = None if own else em.logon()
    em.fault(effect, method="DELETE", when=when, **more)
    if own:
        harness.info()
        assert [warning for warning in harness.warnings if "logged off" in warning] == []
    else:
        assert harness.absent(session)["changed"] is (when == "before" or "status" not in more or more["status"] != 500)
    assert em.sessions == []
    assert len(harness.logoffs()) == (2 if when == "before" else 1)


def test_absent_without_a_session_is_refused(harness: Harness, em: Emulator) -> None:
    with harness.failure("invalid_option"):
        harness.absent()
    assert em.log == []


def test_check_mode_logs_on(harness: Harness, em: Emulator) -> None:
    session = harness.present(check_mode=True)["session"]
    assert [made.id for made in em.sessions] == [session["id"]]
