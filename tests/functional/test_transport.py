# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transport: what is tried again and what never, how long it may take, and what is never shown."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from emulator import Emulator
from emulator.tls import NAMES, server_context

from .harness import Harness, all_formats, all_versions
from .scripted_server import Request, ScriptedServer, answer

EMPTY = '<QueryResult><Resources><Tasks/></Resources><PagingInfo PageNum="1" PageSize="100" PagesCount="1"/></QueryResult>'
REAL_TIME = {"clock": time.monotonic, "sleep": time.sleep}

# ---------------------------------------------------------------------------------------------------------------------
# Again, or not

PASSING: list[tuple[dict[str, Any], str]] = [
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
LASTING: list[tuple[dict[str, Any], str]] = [
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
@pytest.mark.parametrize(("fault", "_kind"), PASSING, ids=_name)
def test_a_read_is_tried_again_after_what_passes(harness: Harness, em: Emulator, fault: dict[str, Any], _kind: str) -> None:
    session = em.logon()
    made = em.make_tasks(session, 2)
    em.fault(times=3, **fault)
    found = harness.info(session)
    assert [task["task_id"] for task in found["tasks"]] == made
    assert found["stats"] == {"requests": 4, "pages": 1}
    assert len(em.log) == 4


@all_formats
@pytest.mark.parametrize(("fault", "kind"), PASSING, ids=_name)
@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_read_is_tried_again_as_often_as_the_task_says(
    harness: Harness, em: Emulator, *, fault: dict[str, Any], kind: str, retries: int
) -> None:
    session = em.logon()
    em.fault(times=None, **fault)
    with harness.failure(kind):
        harness.info(session, options={"retries": retries})
    assert len(em.log) == 1 + retries
    assert len(harness.slept) == retries


@pytest.mark.parametrize(("fault", "kind"), LASTING, ids=_name)
def test_a_read_is_not_tried_again_after_what_lasts(harness: Harness, em: Emulator, fault: dict[str, Any], kind: str) -> None:
    session = em.logon()
    em.fault(times=None, **fault)
    with harness.failure(kind):
        harness.info(session)
    assert len(em.log) == 1
    assert harness.slept == []


@all_versions
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(("fault", "_kind"), PASSING, ids=_name)
def test_a_write_that_left_is_never_repeated(
    harness: Harness, em: Emulator, *, method: str, fault: dict[str, Any], _kind: str
) -> None:
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 1)
    em.fault(method=method, path="sessionMngr|tasks/", times=None, **fault)
    with suppress(EmError):
        harness.remove(task_state=["Finished"])
    assert len(em.requests(method, "sessionMngr|tasks/")) == 1


def test_a_write_that_times_out_is_never_repeated(harness: Harness, em: Emulator) -> None:
    em.fault("slow", method="POST", delay=2.5)
    with harness.failure("timeout"):
        harness.info(options={"timeout": 1})
    assert len(harness.logons()) == 1
    assert harness.slept == []


@pytest.mark.parametrize("own", [True, False], ids=["logon", "read"])
def test_what_never_left_is_tried_again(harness: Harness, em: Emulator, own: bool) -> None:
    session = None if own else em.logon()
    em.stop()
    with pytest.raises(EmError):
        harness.info(session)
    em.start()
    assert len(harness.slept) == 3


def test_a_write_that_never_left_succeeds_on_a_further_try(harness: Harness, em: Emulator) -> None:
    """The service starts while the logon is being tried."""
    em.stop()
    harness.during_sleep(2, em.start)
    harness.info()
    assert len(harness.slept) == 2
    assert len(harness.logons()) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_anew(harness: Harness, em: Emulator) -> None:
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
# How long


def test_pauses_between_tries_double(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    em.fault("status", status=503, times=None)
    with harness.failure("server_error"):
        harness.info(session, options={"retries": 9})
    assert harness.slept[0] <= 1
    ratios = [after / before for before, after in zip(harness.slept, harness.slept[1:])]
    assert all(ratio == pytest.approx(2, rel=0.3) for ratio in ratios[:4])
    assert max(harness.slept) <= 30


@all_versions
@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        (7, 7, 7),
        ("20", 20, 20),
        (0, 0, 1),
        (3600, 1, 60),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0, 60),
        ("soon", 0, 1),
        ("-5", 0, 1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_heeded_within_reason(
    harness: Harness, em: Emulator, *, retry_after: str | int, least: float, most: float, status: int
) -> None:
    session = em.logon()
    made = em.make_tasks(session, 1)
    em.fault("status", status=status, retry_after=retry_after)
    assert harness.ids(session) == made
    (pause,) = harness.slept
    assert least <= pause <= most


@pytest.mark.parametrize("when", ["before", "after"])
def test_timeout_bounds_a_slow_answer(harness: Harness, em: Emulator, when: str) -> None:
    session = em.logon()
    em.fault("slow", delay=4.0, when=when, times=None)
    start = time.monotonic()
    with harness.failure("timeout") as caught:
        harness.info(session, options={"timeout": 1, "retries": 0, **REAL_TIME})
    assert 0.9 <= time.monotonic() - start < 2.5
    assert "1 seconds" in caught.error.msg


def _trickle(said: bytes) -> Iterator[bytes]:
    for number in range(len(said)):
        yield said[number : number + 1]
        time.sleep(0.3)


@pytest.mark.parametrize("part", ["body", "headers"])
def test_timeout_bounds_an_answer_that_trickles(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], part: str
) -> None:
    def script(_request: Request) -> Iterator[bytes]:
        said = answer(EMPTY)
        head, mark, body = said.partition(b"\r\n\r\n")
        if part == "body":
            yield head + mark
            yield from _trickle(body[:12])
        else:
            yield from _trickle(head[:12])

    server = start_scripted(script)
    start = time.monotonic()
    with harness.failure("timeout"):
        harness.info(em.logon(), options={"port": server.port, "timeout": 1, "retries": 0, **REAL_TIME})
    assert time.monotonic() - start < 2


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
    for said in (plain, chunked):
        server = start_scripted(lambda _request, said=said: said)
        assert harness.ids(em.logon(), options={"port": server.port}) == []


@pytest.mark.parametrize("end", [b"", b"a\r\n<Query"], ids=["between-chunks", "in-a-chunk"])
def test_a_chunked_body_that_breaks_off_is_not_whole(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], end: bytes
) -> None:
    body = EMPTY.encode()
    said = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    said += f"{len(body):x}\r\n".encode() + body + b"\r\n" + end
    server = start_scripted(lambda _request: said)
    with harness.failure("connection"):
        harness.info(em.logon(), options={"port": server.port, "retries": 0})


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", b"\x00" * 50],
    ids=["nothing", "ssh", "no-status", "odd-header", "zeros"],
)
def test_what_is_no_http_is_told(
    harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer], said: bytes
) -> None:
    server = start_scripted(lambda _request: said)
    with pytest.raises(EmError) as caught:
        harness.info(em.logon(), options={"port": server.port, "retries": 0})
    assert caught.value.kind in ("connection", "bad_response")


# ---------------------------------------------------------------------------------------------------------------------
# TLS that fails

Talk = Callable[[socket.socket], None]


@pytest.fixture
def listening() -> Iterator[Callable[[Talk], int]]:
    """Give a maker of servers that do with each connection what they are told; it gives the port."""
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


def _lookup(harness: Harness, em: Emulator, method: str, port: int, **options: Any) -> EmError:
    """Send one request; give the failure."""
    client = harness.connect(em.logon(), port=port, **{"retries": 0, **options})
    with pytest.raises(EmError) as caught:
        client.transport.request(method, "/api/tasks/task-1", headers={"X-RestSvcSessionId": "x"})
    assert caught.value.method == method
    return caught.value


def _hang_up(connection: socket.socket) -> None:
    connection.recv(65536)


def _reset(connection: socket.socket) -> None:
    time.sleep(0.1)  # what comes is not read, and so the end is a reset


def _alert(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x50")  # fatal: internal error


@pytest.mark.parametrize("talk", [_hang_up, _reset, _alert])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_load_balancer_without_a_server_may_pass(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], *, talk: Talk, method: str
) -> None:
    err = _lookup(harness, em, method, listening(talk), retries=2)
    assert (err.kind, err.sent) == ("connection", False)
    assert len(harness.slept) == 2
    assert "TLS" in err.msg


def test_a_handshake_without_an_answer_is_a_request_that_never_left(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int]
) -> None:
    def wait(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    err = _lookup(harness, em, "POST", listening(wait), timeout=1)
    assert (err.kind, err.sent) == ("timeout", False)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n"], ids=["http", "ssh"])
def test_what_does_not_speak_tls_never_will(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], said: bytes
) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    err = _lookup(harness, em, "GET", listening(talk), retries=2)
    assert (err.kind, err.sent, harness.slept) == ("tls", False, [])
    assert "does not speak TLS" in err.msg


@pytest.mark.parametrize(
    "said",
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
def test_what_breaks_after_the_request_left_may_have_been_carried_out(
    harness: Harness, em: Emulator, listening: Callable[[Talk], int], *, said: bytes, part: str, method: str
) -> None:
    context = server_context(NAMES)

    def talk(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True)
        tls.recv(65536)
        if part == "body":
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nThat was")
        with socket.socket(fileno=tls.detach()) as bare:
            bare.sendall(said)

    err = _lookup(harness, em, method, listening(talk), retries=2)
    assert (err.kind, err.sent) == ("connection", True)
    assert len(harness.slept) == (2 if method == "GET" else 0)


# ---------------------------------------------------------------------------------------------------------------------
# Secrets


@all_formats
@pytest.mark.parametrize(
    "fault",
    [
        *[fault for fault, _kind in PASSING + LASTING],
        {"effect": "bad_json"},
        {"effect": "bad_xml"},
        {"effect": "garbage"},
        {"effect": "expire"},
        {"effect": "drop_token"},
    ],
    ids=_name,
)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_no_failure_shows_a_secret(harness: Harness, em: Emulator, fault: dict[str, Any], method: str) -> None:
    """Harness.run looks at every result and warning, Harness.failure at every failure; here each request fails in each way."""
    em.switches.tasks_scope = "global"
    em.make_tasks(em.logon(), 1)
    for user in ("admin", "operator"):
        harness.user = user
        em.clear_faults()
        em.fault(method=method, times=None, **fault)
        for run in (harness.info, harness.remove):
            with suppress(EmError), harness.failure_of_any_kind():
                run(task_state=["Finished"])
        client = harness.client
        assert client is not None
        harness.check_secrets(client.connection, client.warnings)


def test_client_connection_and_session_do_not_print_themselves(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    for client in (harness.connect(session), harness.connect()):
        with client:
            client.get("/api/query?type=Task")
            shown = [client, client.connection, client.session, client.transport, f"{client.session}", [client.session]]
            harness.check_secrets(*map(repr, shown), *map(str, shown))
