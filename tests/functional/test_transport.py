# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transport: which requests are retried and which never, time limits, and broken connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator
from emulator.tls import NAMES, server_context

from .harness import Harness, all_formats, all_versions, all_versions_and_formats
from .scripted_server import Request, ScriptedServer, answer

EMPTY = '<QueryResult><Resources><Tasks/></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'
REAL_TIME = {"clock": time.monotonic, "sleep": time.sleep}

# ---------------------------------------------------------------------------------------------------------------------
# Retries

TRANSIENT: list[tuple[dict[str, Any], str]] = [
    ({"effect": "status", "status": 429}, "server_error"),
    ({"effect": "status", "status": 502}, "server_error"),
    ({"effect": "status", "status": 503}, "server_error"),
    ({"effect": "status", "status": 504, "body": "html"}, "server_error"),
    ({"effect": "reset"}, "connection"),
    ({"effect": "reset", "when": "after"}, "connection"),
    ({"effect": "close"}, "connection"),
    ({"effect": "cut"}, "connection"),
    ({"effect": "cut", "when": "after", "keep": 10}, "connection"),
]
PERMANENT: list[tuple[dict[str, Any], str]] = [
    ({"effect": "status", "status": 400}, "server_error"),
    ({"effect": "status", "status": 401}, "session_lost"),
    ({"effect": "status", "status": 403}, "forbidden"),
    ({"effect": "status", "status": 404}, "not_found"),
    ({"effect": "status", "status": 415}, "server_error"),
    ({"effect": "status", "status": 500}, "server_error"),
    ({"effect": "status", "status": 501}, "server_error"),
    ({"effect": "html"}, "bad_response"),
    ({"effect": "redirect"}, "bad_response"),
]


def _name(value: Any) -> str | None:
    return " ".join(map(str, value.values())) if isinstance(value, dict) else None


@all_formats
@pytest.mark.parametrize(("fault", "_kind"), TRANSIENT, ids=_name)
def test_a_read_is_retried_after_a_transient_error(harness: Harness, em: Emulator, fault: dict[str, Any], _kind: str) -> None:
    session = em.logon()
    made = em.make_tasks(session, 2)
    em.fault(times=3, **fault)
    found = harness.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": 4, "pages": 1}
    assert len(em.log) == 4


@all_formats
@pytest.mark.parametrize(("fault", "kind"), TRANSIENT, ids=_name)
@pytest.mark.parametrize("retries", [0, 2])
def test_retries_limits_the_retries_of_a_read(
    harness: Harness, em: Emulator, *, fault: dict[str, Any], kind: str, retries: int
) -> None:
    session = em.logon()
    em.fault(times=None, **fault)
    with harness.failure(kind):
        harness.info(session, options={"retries": retries})
    assert len(em.log) == 1 + retries
    assert len(harness.slept) == retries


@pytest.mark.parametrize(("fault", "kind"), PERMANENT, ids=_name)
def test_a_read_is_not_retried_after_a_permanent_error(
    harness: Harness, em: Emulator, fault: dict[str, Any], kind: str
) -> None:
    session = em.logon()
    em.fault(times=None, **fault)
    with harness.failure(kind):
        harness.info(session)
    assert len(em.log) == 1
    assert harness.slept == []


@all_versions
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(("fault", "_kind"), TRANSIENT, ids=_name)
def test_a_write_that_was_sent_is_never_repeated(
    harness: Harness, em: Emulator, *, method: str, fault: dict[str, Any], _kind: str
) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 1)
    em.fault(method=method, path="sessionMngr|tasks/", times=None, **fault)
    with suppress(EmError):
        harness.remove(task_state=["Finished"])
    assert len(em.requests(method, "sessionMngr|tasks/")) == (4 if fault.get("status") == 429 else 1), "429 says: not done"


@pytest.mark.parametrize("own", [True, False], ids=["logon", "read"])
def test_a_request_that_was_not_sent_is_retried(harness: Harness, em: Emulator, own: bool) -> None:
    session = None if own else em.logon()
    em.stop()
    with pytest.raises(EmError):
        harness.info(session)
    em.start()
    assert len(harness.slept) == 3


def test_a_write_that_was_not_sent_may_succeed_on_a_retry(harness: Harness, em: Emulator) -> None:
    """The service starts while the logon is retried."""
    em.stop()
    harness.during_sleep(2, em.start)
    harness.info()
    assert len(harness.slept) == 2
    assert len(harness.logons()) == 1


def test_a_connection_that_the_server_has_closed_is_opened_again(harness: Harness, em: Emulator) -> None:
    """HTTP.sys closes an idle connection after two minutes; a pause between polls may be longer."""
    session = em.logon()
    made = em.make_task(session, running_for=1000)

    def restart() -> None:
        em.stop()
        em.start()

    harness.during_sleep(3, restart)
    result = harness.wait(session, task_id=[made], wait_timeout=2000)
    assert result["tasks"][0]["state"] == "Finished"


# ---------------------------------------------------------------------------------------------------------------------
# Pauses and time limits


@all_versions
@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        (7, 7, 7),
        ("20", 20, 20),
        (3600, 30, 30),
        ("soon", 0, 1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_followed_up_to_a_limit(
    harness: Harness, em: Emulator, *, retry_after: str | int, least: float, most: float, status: int
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 1)
    em.fault("status", status=status, retry_after=retry_after)
    assert harness.ids(session) == made
    (pause,) = harness.slept
    assert least <= pause <= most


@pytest.mark.parametrize("when", ["before", "after"])
def test_timeout_limits_a_slow_answer(harness: Harness, em: Emulator, when: str) -> None:
    session = em.logon()
    em.fault("slow", delay=2.5, when=when, times=None)
    with harness.failure("timeout") as caught:
        harness.info(session, options={"timeout": 1, "retries": 0, **REAL_TIME})
    assert "1 seconds" in caught.error.msg


def _trickle(part: bytes) -> Iterator[bytes]:
    """Yield the first bytes, slowly; the answer is never completed, and each byte comes well before the timeout."""
    for number in range(8):
        yield part[number : number + 1]
        time.sleep(0.2)


@pytest.mark.parametrize("part", ["body", "headers"])
def test_timeout_limits_the_whole_answer(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], part: str
) -> None:
    def script(_request: Request) -> Iterator[bytes]:
        head, mark, body = answer(EMPTY).partition(b"\r\n\r\n")
        if part == "body":
            yield head + mark
        yield from _trickle(body if part == "body" else head)

    server = start_scripted(script)
    with harness.failure("timeout"):
        harness.info(em.logon(), options={"port": server.port, "timeout": 1, "retries": 0, **REAL_TIME})


def test_a_body_without_a_length_may_end_with_the_connection(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]
) -> None:
    body = EMPTY.encode()
    plain = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n" + body
    chunked = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(f"{len(body[i : i + 10]):x}\r\n".encode() + body[i : i + 10] + b"\r\n" for i in range(0, len(body), 10))
        + b"0\r\n\r\n"
    )
    for response in (plain, chunked):
        server = start_scripted(lambda _request, response=response: response)
        assert harness.ids(em.logon(), options={"port": server.port}) == []


@pytest.mark.parametrize("length", [10**6, 10**15, 10**30], ids=["longer", "no-such-memory", "no-such-number"])
def test_a_body_shorter_than_announced_is_not_whole(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], length: int
) -> None:
    server = start_scripted(lambda _request: answer(EMPTY, length=length))
    with harness.failure("connection"):
        harness.info(em.logon(), options={"port": server.port, "retries": 0})


@pytest.mark.parametrize("end", [b"", b"a\r\n<Query"], ids=["between-chunks", "in-a-chunk"])
def test_a_truncated_chunked_body_is_not_whole(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], end: bytes
) -> None:
    body = EMPTY.encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    response += f"{len(body):x}\r\n".encode() + body + b"\r\n" + end
    server = start_scripted(lambda _request: response)
    with harness.failure("connection"):
        harness.info(em.logon(), options={"port": server.port, "retries": 0})


@pytest.mark.parametrize(
    "response",
    [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", b"\x00" * 50],
    ids=["nothing", "ssh", "no-status", "odd-header", "zeros"],
)
def test_an_answer_that_is_not_http(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], response: bytes
) -> None:
    server = start_scripted(lambda _request: response)
    with pytest.raises(EmError) as caught:
        harness.info(em.logon(), options={"port": server.port, "retries": 0})
    assert caught.value.kind in ("connection", "bad_response")


# ---------------------------------------------------------------------------------------------------------------------
# TLS that fails

Talk = Callable[[socket.socket], None]


@pytest.fixture
def listening() -> Iterator[Callable[[Talk], int]]:
    """Return a function that starts a server which handles each connection as told, and returns its port."""
    with ExitStack() as stack:

        def serve(listener: socket.socket, talk: Talk) -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                with suppress(OSError), connection:
                    connection.settimeout(5)
                    talk(connection)

        def start(talk: Talk) -> int:
            listener = socket.create_server(("127.0.0.1", 0))
            thread = threading.Thread(target=serve, args=(listener, talk), daemon=True)
            stack.callback(thread.join, 5)
            stack.callback(listener.close)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
            thread.start()
            port: int = listener.getsockname()[1]
            return port

        yield start


def _request(harness: Harness, em: Emulator, method: str, port: int, **options: Any) -> EmError:
    """Send one request, and return its failure."""
    client = harness.connect(em.logon(), port=port, **{"retries": 0, **options})
    with pytest.raises(EmError) as caught:
        client.transport.request(method, "/api/tasks/task-1", headers={"X-RestSvcSessionId": "x"})
    assert caught.value.method == method
    return caught.value


def _hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


def _reset(connection: socket.socket) -> None:
    time.sleep(0.1)  # the request is not read, so that closing resets the connection


def _alert(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x50")  # fatal: internal error


@pytest.mark.parametrize("talk", [_hang_up, _reset, _alert])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_handshake_that_is_closed_is_retried(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], *, talk: Talk, method: str
) -> None:
    err = _request(harness, em, method, listening(talk), retries=2)
    assert (err.kind, err.may_have_been_sent) == ("connection", False)
    assert len(harness.slept) == 2
    assert "TLS" in err.msg


def test_a_request_is_not_sent_before_the_handshake_ends(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int]
) -> None:
    def wait(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    err = _request(harness, em, "POST", listening(wait), timeout=1)
    assert (err.kind, err.may_have_been_sent) == ("timeout", False)


@pytest.mark.parametrize("response", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"], ids=["http", "ssh"])
def test_a_port_without_tls_is_not_retried(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], response: bytes
) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)

    err = _request(harness, em, "GET", listening(talk), retries=2)
    assert (err.kind, err.may_have_been_sent, harness.slept) == ("tls", False, [])
    assert "does not speak TLS" in err.msg


@pytest.mark.parametrize(
    "response",
    [
        b"\x17\x03\x03\x00\x20" + bytes(32),
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x50",
        b"",
    ],
    ids=["bad record", "no record", "alert", "nothing"],
)
@pytest.mark.parametrize("part", ["headers", "body"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_may_have_been_carried_out_if_the_connection_breaks_later(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], *, response: bytes, part: str, method: str
) -> None:
    context = server_context(NAMES)

    def talk(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True)
        tls.recv(65536)
        if part == "body":
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nThat was")
        with socket.socket(fileno=tls.detach()) as bare:
            bare.sendall(response)

    err = _request(harness, em, method, listening(talk), retries=2)
    assert (err.kind, err.may_have_been_sent) == ("connection", True)
    assert len(harness.slept) == (2 if method == "GET" else 0)


# ---------------------------------------------------------------------------------------------------------------------
# Secrets


def test_repr_shows_no_secret(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    for client in (harness.connect(session), harness.connect()):
        with client:
            client.get("/api/query?type=Task")
            shown = [client, client.connection, client.session, client.transport, f"{client.session}", [client.session]]
            harness.check_secrets(*map(repr, shown), *map(str, shown))


# ---------------------------------------------------------------------------------------------------------------------
# Servers, and what is before them, with habits of their own

HABITS: list[dict[str, Any]] = [
    {"early_hints": True},
    {"doubled_token": True},
    {"throttle_every": 3},
    {"odd_links": "double"},
    {"odd_links": "blank"},
    {"language": "de"},
    {"xml_text": "cdata"},
    {"xml_text": "comments"},
    {"xml_forbidden": "references"},
    {"xml_forbidden": "raw"},
]


@all_versions_and_formats
@pytest.mark.parametrize("habit", HABITS, ids=str)
def test_a_server_with_a_habit_is_used_as_any_other(harness: Harness, em: Emulator, habit: dict[str, Any]) -> None:
    em.switches.update({**habit, "max_page_size": 2})
    session = em.logon()
    made = em.make_tasks(session, 5)
    assert sorted(harness.ids(session)) == sorted(made)
    started = harness.run(veeam_job, session, {}, {"name": "SQL Backup", "state": "started", "wait_for": "session"})
    assert started["job_session"]["result"] == "Success"
    result = harness.remove(session, task_state=["Finished"])
    assert sorted(result["deleted"]) == sorted(made)
    assert harness.remove(session, task_id=made)["changed"] is False
    harness.info()  # in a session of its own


@all_versions
@pytest.mark.parametrize("odd_links", ["dots", "outside", "no_api"])
def test_a_link_that_leaves_the_api_is_not_followed(harness: Harness, em: Emulator, odd_links: str) -> None:
    em.switches.update({"odd_links": odd_links, "max_page_size": 2})
    session = em.logon()
    em.make_tasks(session, 5)
    with harness.failure("bad_response") as caught:
        harness.info(session)
    assert "does not lead into its REST API" in caught.error.msg
    assert len(em.requests("GET")) == 1


@all_versions
def test_a_write_after_a_pause_goes_over_a_new_connection(harness: Harness, em: Emulator) -> None:
    """A gateway that drops idle connections without a word would let it fail, and it must not be repeated."""
    em.switches.idle_connection = 5.0
    em.fault("status", status=429, retry_after=20, method="POST", path="/api/jobs/")
    params = {"name": "SQL Backup", "state": "started", "wait_for": "nothing"}
    assert harness.run(veeam_job, em.logon(), {}, params)["changed"] is True
    assert harness.slept == [20]


def test_a_path_before_the_api_is_told(harness: Harness, em: Emulator) -> None:
    em.switches.base_path = "/veeam"
    with harness.failure("logon_failed") as caught:
        harness.info()
    assert "without a path before it" in caught.error.msg
