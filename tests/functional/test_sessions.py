# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logon sessions: whose tasks, which requests, and every way in and out (wire facts, section 3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from emulator import Emulator

from .bench import Bench, every_form, every_version, every_wire
from .scripted import Asked, ScriptedServer, answer

TOKEN_HEADER = "X-RestSvcSessionId"
EMPTY_LIST = '<QueryResult><Resources><Tasks/></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'


# ---------------------------------------------------------------------------------------------------------------------
# Whose tasks


@every_wire
def test_a_session_sees_its_own_tasks_only(bench: Bench, em: Emulator) -> None:
    mine, other = em.logon(), em.logon("operator")
    my_tasks, other_tasks = em.make_tasks(mine, 3), em.make_tasks(other, 2)
    assert bench.ids(mine) == my_tasks
    assert bench.warnings == []
    assert bench.ids(other) == other_tasks


@every_wire
def test_an_own_session_that_sees_no_task_warns_and_names_veeam_session(bench: Bench, em: Emulator) -> None:
    em.make_tasks(em.logon(), 3)
    assert bench.ids() == []
    assert len(bench.warnings) == 1
    assert "vbem.rest.veeam_session" in bench.warnings[0]


def test_the_warning_comes_once_from_removal_and_waiting_too(bench: Bench) -> None:
    bench.remove(task_state=["Finished"])
    assert [warning for warning in bench.warnings if "veeam_session" in warning] == bench.warnings
    assert len(bench.warnings) == 1
    bench.wait(operation=["StartJob"])
    assert len(bench.warnings) == 1


def test_no_warning_where_tasks_are_seen_across_sessions(bench: Bench, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    made = em.make_tasks(em.logon(), 3)
    assert bench.ids() == made
    assert bench.warnings == []


def test_no_warning_where_an_own_session_sees_tasks_and_none_is_selected(bench: Bench, em: Emulator) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 3)
    assert bench.ids(operation=["CloneJob"]) == []
    assert bench.warnings == []


def test_no_warning_for_a_borrowed_session_without_tasks(bench: Bench, em: Emulator) -> None:
    assert bench.ids(em.logon()) == []
    assert bench.warnings == []


# ---------------------------------------------------------------------------------------------------------------------
# The logon's request


@every_wire
def test_the_logon_has_neither_body_nor_content_type_and_says_so(bench: Bench) -> None:
    bench.info()
    (logon,) = bench.logons()
    assert logon.status == 201
    assert logon.body == b""
    assert logon.header("Content-Type") is None, "version 13 answers 415"
    assert logon.header("Content-Length") == "0", "version 12 answers 411 without it"
    assert logon.header("Transfer-Encoding") is None


@pytest.mark.parametrize(
    ("given", "sent"),
    [("latest", "latest"), ("v1_7", "v1_7"), ("1.7", "v1_7"), ("V1_7", "v1_7"), ("LATEST", "latest")],
)
def test_the_api_version_is_sent_as_the_server_writes_it(bench: Bench, given: str, sent: str) -> None:
    bench.info(options={"api_version": given})
    (logon,) = bench.logons()
    assert logon.target == f"/api/sessionMngr/?v={sent}"


@every_version
@pytest.mark.parametrize(
    ("username", "given", "password"),
    [
        ("CORP\\backup", "CORP\\backup", "plain-but-long-enough-9"),
        ("CORP\\backup", "backup@CORP", "plain-but-long-enough-9"),
        ("backup@corp.example.net", "backup@corp.example.net", "k:l:m::n:-colons-everywhere:"),
        ("CORP\\b\u00fccher", "CORP\\b\u00fccher", "gr\u00fc\u00dfe-\u20ac-\u00e5\u0142\u017c"),
        ("CORP\\quote", "CORP\\quote", "'single' \"double\" `back` \\slash $dollar %41 & < >"),
        ("CORP\\emoji", "CORP\\emoji", "\U0001f511\u2028key \U0001f468\u200d\U0001f4bb with spaces "),
        ("CORP\\\u65e5\u672c", "CORP\\\u65e5\u672c", "\u30d1\u30b9\u30ef\u30fc\u30c9-\u5b89\u5168-\u7b2c\u4e00"),
    ],
    ids=["backslash", "at", "colons", "umlauts", "quotes", "emoji", "kanji"],
)
def test_any_user_name_and_password_arrives_as_it_is(
    bench: Bench, em: Emulator, username: str, given: str, password: str
) -> None:
    em.add_user("somebody", username, password)
    bench.info(options={"username": given, "password": password})
    (logon,) = bench.logons()
    sent = (logon.header("Authorization") or "").removeprefix("Basic ")
    assert base64.b64decode(sent).decode("utf-8") == f"{given}:{password}"
    assert logon.status == 201


def test_credentials_go_with_the_logon_only_and_the_token_with_everything_else(bench: Bench, em: Emulator) -> None:
    bench.info()
    logon, *others = em.log
    assert logon.header(TOKEN_HEADER) is None
    assert len(others) == 2
    for entry in others:
        assert entry.header("Authorization") is None
        assert entry.header(TOKEN_HEADER)
        assert entry.header("Content-Type") is None


@every_form
def test_no_cookie_is_sent_although_the_server_sets_one(bench: Bench, em: Emulator) -> None:
    """A cookie would win over the header: wire facts, section 3.3."""
    bench.info()
    assert len(em.log) == 3
    assert [entry.header("Cookie") for entry in em.log] == [None, None, None]


def test_a_stale_cookie_cannot_beat_a_fresh_token(bench: Bench, em: Emulator) -> None:
    client = bench.connect()
    with client:
        client.get("/api/query?type=Task")
        fresh = em.logon()
        made = em.make_tasks(fresh, 1)
        client.transport.request("GET", "/api/tasks", headers={TOKEN_HEADER: fresh.token})
        assert em.log[-1].session_id == fresh.id
    assert bench.ids(fresh) == made


# ---------------------------------------------------------------------------------------------------------------------
# The logon's answer


@every_wire
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
def test_token_and_id_are_found_wherever_they_are(bench: Bench, em: Emulator, switches: dict[str, Any]) -> None:
    em.switches.update(switches)
    session = bench.present()["session"]
    (made,) = em.sessions
    assert (session["id"], session["token"]) == (made.id, made.token)
    assert bench.absent(session)["changed"] is True
    assert em.sessions == []


ID = "5e0f8a51-4a0e-4c8e-9a57-3f1f7a6f0d11"
UP = '<Link Href="https://em/api/" Rel="Up" Type="EnterpriseManager" />'


def _delete_link(href: str) -> str:
    return f'<Links>{UP}<Link Href="{href}" Rel="Delete" Type="LogonSession" /></Links>'


@pytest.mark.parametrize(
    ("inside", "location"),
    [
        (f"<SessionId>{ID}</SessionId>", None),
        (f"<SessionId>{ID}</SessionId>", "https://em/api/logonSessions/of-something-else"),
        (_delete_link(f"http://em:9399/api/logonSessions/{ID}"), None),
        (_delete_link(f"/api/logonsessions/{ID}?format=Entity"), None),
        ("", f"https://em/api/logonSessions/{ID}"),
        (f"<Links>{UP}</Links>", f"/api/logonSessions/{ID}"),
        pytest.param(
            _delete_link(""),
            f"https://em/api/logonSessions/{ID}",
        ),
    ],
    ids=["body", "body-first", "link", "link-odd", "location", "location-relative", "location-after-useless-link"],
)
def test_the_session_id_comes_from_body_or_link_or_location(
    bench: Bench, scripted: Callable[..., ScriptedServer], inside: str, location: str | None
) -> None:
    def script(asked: Asked) -> bytes:
        if asked.method == "POST":
            headers = [(TOKEN_HEADER, "dG9rZW4="), *([("Location", location)] if location else [])]
            return answer(f"<LogonSession>{inside}</LogonSession>", status=201, headers=headers)
        return answer(status=204) if asked.method == "DELETE" else answer(EMPTY_LIST)

    server = scripted(script)
    bench.info(options={"port": server.port})
    assert [asked.target for asked in server.asked if asked.method == "DELETE"] == [f"/api/logonSessions/{ID}"]


@every_wire
@pytest.mark.parametrize("keep", [0, 20, None], ids=["nothing", "a-little", "half"])
def test_a_logon_whose_body_breaks_off_leaves_no_session_open(bench: Bench, em: Emulator, keep: int | None) -> None:
    em.fault("cut", method="POST", path="sessionMngr", when="after", keep=keep)
    with bench.failure("connection"):
        bench.info()
    assert len(bench.logons()) == 1
    assert len(bench.logoffs()) == 1
    assert em.sessions == []


@every_version
def test_an_unsupported_api_version_looks_like_401_and_is_explained(bench: Bench) -> None:
    with bench.failure("logon_failed") as caught:
        bench.info(options={"api_version": "v1_4"})
    assert caught.error.status == 401
    assert "api_version" in caught.error.msg
    assert "v1_4" in caught.error.msg
    assert len(bench.logons()) == 1


@every_wire
@pytest.mark.parametrize("who", ["wrong password", "no role"])
def test_a_refused_logon_is_explained_and_not_repeated(bench: Bench, em: Emulator, who: str) -> None:
    """Each further try with a wrong password brings the account nearer to being locked."""
    user = em.users["none"] if who == "no role" else em.users["admin"]
    password = user.password if who == "no role" else "not-the-one"
    with bench.failure("logon_failed") as caught:
        bench.info(options={"username": user.username, "password": password})
    assert caught.error.status == 401
    assert "role" in caught.error.msg
    assert user.username in repr(caught.error.msg).replace("\\\\", "\\").replace("\\\\", "\\")
    assert len(bench.logons()) == 1
    assert bench.logoffs() == []


@every_version
@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        ({"effect": "status", "status": 404, "body": "html"}, "9398"),
        ({"effect": "status", "status": 404, "body": "empty"}, "9419"),
        ({"effect": "status", "status": 405, "body": "json"}, "9398"),
        ({"effect": "html"}, "9398"),
        ({"effect": "garbage"}, "9398"),
        ({"effect": "drop_token"}, "9398"),
    ],
    ids=["404-page", "404-empty", "405", "web-page", "other-json", "no-token"],
)
def test_a_wrong_port_is_explained(bench: Bench, em: Emulator, fault: dict[str, Any], hint: str) -> None:
    em.fault(method="POST", **fault)
    with bench.failure("logon_failed") as caught:
        bench.info()
    assert hint in caught.error.msg
    assert "port" in caught.error.msg
    assert str(em.port) in caught.error.msg


def test_a_plain_http_port_is_explained(bench: Bench, em: Emulator) -> None:
    with bench.failure("tls") as caught:
        bench.info(options={"port": em.control_port})
    assert "does not speak TLS" in caught.error.msg
    assert "9399" in caught.error.msg


def test_a_port_where_nothing_listens_is_explained(bench: Bench, scripted: Callable[..., ScriptedServer]) -> None:
    server = scripted(lambda _asked: answer())
    server.stop()
    with bench.failure("connection") as caught:
        bench.info(options={"port": server.port})
    assert "9398" in caught.error.msg


# ---------------------------------------------------------------------------------------------------------------------
# Ways out


@every_wire
@pytest.mark.parametrize(
    "way_out",
    [None, EmError("ambiguous", "on purpose"), ValueError("on purpose"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()],
    ids=lambda way: type(way).__name__,
)
def test_an_own_session_is_logged_off_on_every_way_out(bench: Bench, em: Emulator, way_out: BaseException | None) -> None:
    def use() -> None:
        with bench.connect() as client:
            client.get("/api/query?type=Task")
            (own,) = em.sessions
            ids.append(own.id)
            if way_out is not None:
                raise way_out

    ids: list[str] = []
    if way_out is None:
        use()
    else:
        with pytest.raises(type(way_out)) as info:
            use()
        assert info.value is way_out
    assert em.sessions == []
    (logoff,) = bench.logoffs()
    assert logoff.path == f"/api/logonSessions/{ids[0]}", "its own id, never the first of the list"
    assert logoff.status == 204
    assert em.requests("GET", "/logonSessions") == []


@every_form
@pytest.mark.parametrize("effect", ["reset", "html", "status"])
def test_an_own_session_is_logged_off_after_a_failed_request(bench: Bench, em: Emulator, effect: str) -> None:
    em.fault(effect, method="GET", times=None, status=500)
    with bench.failure({"reset": "connection", "html": "bad_response", "status": "server_error"}[effect]):
        bench.info()
    assert em.sessions == []
    assert len(bench.logoffs()) == 1


def test_no_session_is_made_by_bad_input(bench: Bench, em: Emulator) -> None:
    with bench.failure("invalid_filter"):
        bench.info(filter="State==")
    assert em.log == []


@every_wire
@pytest.mark.parametrize(
    "way_out", [None, EmError("ambiguous", "on purpose"), KeyboardInterrupt()], ids=lambda way: type(way).__name__
)
def test_a_borrowed_session_is_never_logged_off(bench: Bench, em: Emulator, way_out: BaseException | None) -> None:
    session = em.logon()
    with suppress(EmError, KeyboardInterrupt), bench.connect(session) as client:
        client.get("/api/query?type=Task")
        if way_out is not None:
            raise way_out
    assert em.sessions == [session]
    assert bench.logoffs() == []
    assert bench.logons() == []


@every_form
@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "status": 500, "message": "Object reference not set to an instance of an object."},
        {"effect": "status", "status": 503},
        {"effect": "status", "status": 403, "body": "html"},
        {"effect": "reset"},
        {"effect": "redirect"},
    ],
    ids=["500", "503", "403", "reset", "redirect"],
)
def test_a_failed_logoff_is_a_warning(bench: Bench, em: Emulator, fault: dict[str, Any]) -> None:
    em.switches.tasks_scope = "global"
    made = em.make_tasks(em.logon(), 2)
    em.fault(method="DELETE", path="logonSessions", times=None, **fault)
    assert bench.ids() == made
    (warning,) = bench.warnings
    assert "could not be logged off" in warning
    assert "15 minutes" in warning


def test_a_failed_logoff_does_not_hide_the_failure_before_it(bench: Bench, em: Emulator) -> None:
    em.fault("status", method="DELETE", path="logonSessions", status=500, times=None)
    em.fault("status", method="GET", status=403, times=1)
    with bench.failure("forbidden"):
        bench.info()


def test_a_failed_logoff_does_not_tell_the_session_id(bench: Bench, em: Emulator) -> None:
    """The emulator says, as the server does of tasks, which id it speaks of."""
    client = bench.connect()
    with client:
        client.get("/api/query?type=Task")
        (own,) = em.sessions
        em.fault("status", method="DELETE", path="logonSessions", status=500, message=f"[{own.id}] is in use", times=None)
    assert client.warnings
    bench.check_secrets(client.warnings)


def test_a_web_page_is_no_logoff(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    em.fault("html", method="DELETE", path="logonSessions")
    assert bench.absent(session)["changed"]  # because it was looked up and asked for again
    assert em.sessions == []
    session = em.logon()
    em.fault("html", method="DELETE", path="logonSessions", times=None)
    with bench.failure("bad_response"):
        bench.absent(session)
    assert em.sessions == [session]


# ---------------------------------------------------------------------------------------------------------------------
# Losing a session


@every_wire
@pytest.mark.parametrize("how", ["expired", "garbage", "logged off"])
def test_a_lost_borrowed_session_is_no_empty_list_and_is_never_replaced(bench: Bench, em: Emulator, how: str) -> None:
    session = em.logon()
    em.make_tasks(session, 2)
    options: Any = session
    if how == "garbage":
        options = {**bench.options(session)["session"], "token": "bm8tc3VjaC10b2tlbg=="}
    else:
        em.expire(session)
    user = em.admin
    for run in (bench.info, bench.remove, bench.wait):
        with bench.failure("session_lost") as caught:
            run(options, task_state=["Finished"], options={"username": user.username, "password": user.password})
        assert caught.error.status == 401
        assert "vbem.rest.veeam_session" in caught.error.msg
    assert bench.logons() == []
    assert len(em.log) == 3, "a 401 is not tried again"


@every_wire
def test_a_lost_own_session_is_not_replaced(bench: Bench, em: Emulator) -> None:
    em.fault("expire", method="GET", path="/query")
    with bench.failure("session_lost"):
        bench.info()
    assert len(bench.logons()) == 1
    assert em.sessions == []
    assert bench.warnings == []


@every_version
def test_a_session_lives_as_long_as_it_is_used(bench: Bench, em: Emulator) -> None:
    session = bench.present()["session"]
    for _minute in range(5):
        em.clock.advance(14 * 60)
        bench.info(session)
    em.clock.advance(15 * 60 + 1)
    with bench.failure("session_lost"):
        bench.info(session)


# ---------------------------------------------------------------------------------------------------------------------
# veeam_session


@every_wire
def test_present_logs_on_and_hands_the_session_over(bench: Bench, em: Emulator) -> None:
    result = bench.present()
    assert result["changed"] is True
    (made,) = em.sessions
    em.make_tasks(made, 1)
    assert bench.logoffs() == []
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
        "response_format": bench.form,
        "expires_after": 900,
    }
    assert len(bench.ids(session)) == 1
    assert json.loads(json.dumps(session)) == session


@every_wire
def test_present_leaves_a_live_session_alone(bench: Bench, em: Emulator) -> None:
    session = bench.present()["session"]
    user = em.admin
    for options in ({}, {"username": user.username, "password": user.password}):
        result = bench.present(session, **options)
        assert result == {"changed": False, "session": session}
    assert len(bench.logons()) == 1
    assert bench.logoffs() == []


@every_wire
def test_present_without_credentials_says_that_a_session_is_lost(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    em.expire(session)
    with bench.failure("session_lost"):
        bench.present(session)
    assert bench.logons() == []


@every_wire
def test_present_with_credentials_replaces_a_lost_session(bench: Bench, em: Emulator) -> None:
    lost = em.logon()
    em.expire(lost)
    result = bench.present(lost, username=em.admin.username, password=em.admin.password)
    assert result["changed"] is True
    (made,) = em.sessions
    assert result["session"]["id"] == made.id
    assert made is not lost
    assert result["session"]["username"] == em.admin.username


@every_form
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"effect": "status", "status": 503}, "server_error"),
        ({"effect": "status", "status": 500, "body": "html"}, "server_error"),
        ({"effect": "reset"}, "connection"),
        ({"effect": "html"}, "bad_response"),
        ({"effect": "cut"}, "connection"),
    ],
    ids=["503", "500", "reset", "html", "cut"],
)
def test_trouble_is_neither_a_live_nor_a_lost_session(bench: Bench, em: Emulator, fault: dict[str, Any], kind: str) -> None:
    session = em.logon()
    em.fault(method="GET", times=None, **fault)
    with bench.failure(kind):
        bench.present(session, username=em.admin.username, password=em.admin.password)
    assert bench.logons() == []
    assert em.sessions == [session]


@every_wire
@pytest.mark.parametrize("status", [401, 404, 500])
@pytest.mark.parametrize("error_format", ["follow", "html", "text"])
def test_a_second_logoff_is_no_change(bench: Bench, em: Emulator, status: int, error_format: str) -> None:
    session = bench.present()["session"]
    em.switches.update({"second_logoff": status, "error_format": error_format})
    assert [bench.absent(session)["changed"] for _time in range(3)] == [True, False, False]
    assert em.sessions == []


@every_version
@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_a_refused_logoff_of_a_live_session_fails(bench: Bench, em: Emulator, status: int) -> None:
    session = em.logon()
    em.fault("status", method="DELETE", status=status, message="Something else", times=None)
    with bench.failure("forbidden" if status == 403 else "server_error"):
        bench.absent(session)
    assert em.sessions == [session]
    assert len(bench.logoffs()) == (2 if status in (500, 503) else 1)


PASSING = [("reset", {}), ("close", {}), ("status", {"status": 500}), ("status", {"status": 503}), ("status", {"status": 429})]


@every_form
@pytest.mark.parametrize(("effect", "more"), PASSING, ids=str)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("own", [True, False])
def test_a_logoff_that_a_passing_fault_befell_is_made_sure_of(
    bench: Bench, em: Emulator, *, effect: str, more: dict[str, Any], when: str, own: bool
) -> None:
    """A read tells whether it happened; only if it did not is it sent once more."""
    session = None if own else em.logon()
    em.fault(effect, method="DELETE", when=when, **more)
    if own:
        bench.info()
        assert [warning for warning in bench.warnings if "logged off" in warning] == []
    else:
        assert bench.absent(session)["changed"] is (when == "before" or "status" not in more or more["status"] != 500)
    assert em.sessions == []
    assert len(bench.logoffs()) == (2 if when == "before" else 1)


@every_form
@pytest.mark.parametrize("effect", ["reset", "close", "cut", "redirect"])
def test_a_logoff_without_an_answer_fails_and_tells_no_session_id(bench: Bench, em: Emulator, effect: str) -> None:
    session = em.logon()
    em.fault(effect, method="DELETE", times=None)
    em.fault("reset", method="GET", times=None)
    with bench.failure("bad_response" if effect == "redirect" else "connection") as caught:
        bench.absent(session)
    assert caught.result["error"]["path"] == "/api/logonSessions/(hidden)"
    assert len(bench.logoffs()) == 1, "a write that may have arrived is not repeated"


def test_logging_off_without_a_session_is_bad_input(bench: Bench, em: Emulator) -> None:
    with bench.failure("invalid_option"):
        bench.absent()
    assert em.log == []


def test_check_mode_logs_on_for_real(bench: Bench, em: Emulator) -> None:
    session = bench.present(check_mode=True)["session"]
    assert [made.id for made in em.sessions] == [session["id"]]


def test_a_session_is_used_the_way_it_was_opened(bench: Bench, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 1)
    stray = {"hostname": "elsewhere.invalid", "port": 1, "ca_path": em.other_ca_path, "api_version": "v1_1"}
    as_opened = bench.options(session)["session"]
    assert bench.ids(as_opened, options=stray) == made


@pytest.mark.parametrize("status", [404, 500, 501])
def test_a_refused_logon_is_not_taken_for_a_refused_filter(bench: Bench, em: Emulator, status: int) -> None:
    em.fault("status", status=status, body="json", method="POST", path="/api/sessionMngr", times=1)
    with bench.failure("logon_failed" if status == 404 else "server_error"):
        bench.info(None, task_state=["Finished"])
    assert [entry.method for entry in em.log] == ["POST"]
