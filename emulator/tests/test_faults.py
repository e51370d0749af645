# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand, the log, and what the wire looks like below HTTP."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Iterator

import pytest

from emulator import Emulator

from .wire import JSON, Wire, basic


class Raw:
    """A TLS socket and nothing else."""

    def __init__(self, em: Emulator) -> None:
        context = ssl.create_default_context(cafile=em.ca_path)
        self.plain = socket.create_connection(("127.0.0.1", em.port), timeout=60)
        self.tls = context.wrap_socket(self.plain, server_hostname="localhost", suppress_ragged_eofs=False)

    def send(self, text: str) -> None:
        self.tls.sendall(text.replace("\n", "\r\n").encode())

    def read(self) -> bytes:
        """Read until the server closes."""
        data = b""
        while True:
            try:
                part = self.tls.recv(65536)
            except ssl.SSLEOFError:
                return data
            if not part:
                return data
            data += part


@pytest.fixture
def raw(em: Emulator) -> Iterator[Raw]:
    connection = Raw(em)
    yield connection
    connection.tls.close()


def ask(on: Wire, target: str = "/api/tasks") -> str:
    return f"GET {target} HTTP/1.1\nHost: localhost:{on.em.port}\nX-RestSvcSessionId: {on.headers['X-RestSvcSessionId']}\n\n"


@pytest.mark.parametrize("body", ["xml", "json", "html", "text", "empty"])
def test_status(em: Emulator, on: Wire, body: str) -> None:
    em.fault("status", path=r"/api/tasks$", status=503, retry_after=7, body=body, message="Overloaded")
    answer = on.get("/api/tasks", JSON)
    begins = {"xml": b"<?xml", "json": b"{", "html": b"<!DOCTYPE", "text": b"Overloaded", "empty": b""}
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert answer.body.startswith(begins[body])
    assert bool(answer.body) == (body != "empty")
    assert on.get("/api/tasks").status == 200
    assert [entry.fault for entry in em.requests("GET", "/api/tasks")] == ["status", None]


@pytest.mark.parametrize(("when", "left"), [("before", 1), ("after", 0)])
def test_before_and_after(em: Emulator, on: Wire, when: str, left: int) -> None:
    task_id = em.make_task(on.session_id)
    em.fault("status", method="delete", when=when, status=500)
    assert on("DELETE", f"/api/tasks/{task_id}").status == 500
    assert len(em.tasks(on.session_id)) == left


def test_skip_times_and_query(em: Emulator, on: Wire) -> None:
    em.fault("status", path="/api/query", query=r"page=2", skip=1, times=2, status=502)
    statuses = [on.query("Task", page=page).status for page in (1, 2, 2, 1, 2, 2)]
    assert statuses == [200, 200, 502, 200, 502, 200]
    fault = em.fault("status", times=None, status=502)
    assert [on.get("/api/tasks").status for _each in range(3)] == [502] * 3
    assert fault.hits == 3
    em.clear_faults()
    assert on.get("/api/tasks").status == 200


@pytest.mark.parametrize(("when", "left"), [("before", 1), ("after", 0)])
def test_reset(em: Emulator, on: Wire, when: str, left: int) -> None:
    task_id = em.make_task(on.session_id)
    em.fault("reset", method="DELETE", when=when)
    with pytest.raises((ConnectionResetError, ssl.SSLError)):
        on("DELETE", f"/api/tasks/{task_id}")
    assert len(em.tasks(on.session_id)) == left
    assert em.log[-1].status is None
    assert on.get("/api/tasks").status == 200


def test_reset_is_a_reset(em: Emulator, on: Wire, raw: Raw) -> None:
    em.fault("reset")
    raw.send(ask(on))
    with socket.socket(fileno=raw.tls.detach()) as plain:
        plain.settimeout(5)
        with pytest.raises(ConnectionResetError):  # after what TLS itself had sent before
            any(not plain.recv(4096) for _each in range(100))


def test_close_is_none(em: Emulator, on: Wire) -> None:
    em.fault("close", path="/api/tasks")
    with pytest.raises((http.client.RemoteDisconnected, ssl.SSLEOFError)):
        on.get("/api/tasks")


def test_a_body_cut_short(em: Emulator, on: Wire, raw: Raw) -> None:
    em.make_tasks(on.session_id, 10)
    whole = on.get("/api/tasks").body
    em.fault("cut", path="/api/tasks", keep=100, when="after", times=2)
    with pytest.raises(http.client.IncompleteRead) as caught:
        on.get("/api/tasks")
    assert len(caught.value.partial) == 100
    raw.send(ask(on))
    head, _blank, body = raw.read().partition(b"\r\n\r\n")
    assert b"HTTP/1.1 200 OK" in head
    assert f"Content-Length: {len(whole)}".encode() in head
    assert len(body) == 100


def test_a_delete_s_answer_cut_short(em: Emulator, on: Wire) -> None:
    task_id = em.make_task(on.session_id)
    em.fault("cut", method="DELETE", when="after")
    with pytest.raises(http.client.IncompleteRead):
        on("DELETE", f"/api/tasks/{task_id}")
    assert em.tasks(on.session_id) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_slow(em: Emulator, on: Wire, when: str) -> None:
    em.fault("slow", delay=0.2, when=when)
    started = time.monotonic()
    assert on.get("/api/tasks").status == 200
    assert time.monotonic() - started >= 0.2


def test_latency(em: Emulator, on: Wire) -> None:
    em.switches.latency_ms = 50
    started = time.monotonic()
    for _each in range(4):
        on.get("/api/tasks")
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("effect", "kind", "begin"),
    [
        ("html", "text/html", b"<!DOCTYPE"),
        ("bad_json", "application/json", b"{"),
        ("bad_xml", "application/xml", b"<?xml"),
        ("garbage", "application/json", b"{"),
    ],
)
def test_nonsense(em: Emulator, on: Wire, effect: str, kind: str, begin: bytes) -> None:
    em.fault(effect, path="/api/query")
    answer = on.query("Task")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.body.startswith(begin)


@pytest.mark.parametrize("status", [302, 307])
def test_redirect(em: Emulator, on: Wire, status: int) -> None:
    em.fault("redirect", status=status, location="https://evil.example/api/")
    answer = on.get("/api/tasks")
    assert (answer.status, answer.headers["Location"]) == (status, "https://evil.example/api/")


@pytest.mark.parametrize(("when", "first"), [("before", 401), ("after", 200)])
def test_expiry_in_mid_run(em: Emulator, on: Wire, when: str, first: int) -> None:
    em.fault("expire", path="/api/query", when=when)
    assert on.query("Task").status == first
    assert on.get("/api/tasks").xml.get("Message") == "Authentication token has expired"


@pytest.mark.parametrize(("when", "first"), [("before", 401), ("after", 200)])
def test_clock_jump(em: Emulator, on: Wire, when: str, first: int) -> None:
    em.fault("clock", seconds=1000, path="/api/query", when=when)
    assert on.query("Task").status == first
    assert on.get("/api/tasks").status == 401


def test_no_token_at_logon(em: Emulator, wire: Wire) -> None:
    em.fault("drop_token")
    answer = wire("POST", "/api/sessionMngr/?v=latest", basic(em.admin))
    assert answer.status == 201
    assert not {"X-RestSvcSessionId", "Set-Cookie"} & set(answer.headers)
    assert len(em.sessions) == 1


def test_bad_faults_are_refused(em: Emulator) -> None:
    for settings in ({"effect": "nonsense"}, {"effect": "status", "nonsense": 1}, {"effect": "reset", "when": "never"}, {}):
        with pytest.raises(ValueError, match=r"effect|nonsense|when"):
            em.fault(**settings)


def test_log_holds_what_was_on_the_wire(em: Emulator, on: Wire, raw: Raw) -> None:
    target = "/api//query?Type=Task&filter=State%3d%3DFinished%3BOperation==%22a+b%22&page=1"
    raw.send(ask(on, target).replace("\nX-", "\nzZz: 1\nx-"))
    raw.tls.recv(1)  # the answer has begun, so the request is in the log
    (entry,) = em.requests("GET", r"/api//query")
    assert entry.target == target
    assert entry.path == "/api//query"
    assert entry.query == {"type": "Task", "filter": 'State==Finished;Operation=="a b"', "page": "1"}
    assert [name for name, _value in entry.headers] == ["Host", "zZz", "x-RestSvcSessionId"]
    assert (entry.status, entry.session_id) == (200, on.session_id)


def test_log_counts_connections(em: Emulator, on: Wire) -> None:
    on.get("/api/tasks")
    other = Wire(em)
    other.headers = on.headers
    other.get("/api/tasks")
    other.close()
    numbers = [entry.connection for entry in em.log]
    assert numbers[0] == numbers[1] != numbers[2]
    em.clear_log()
    assert em.log == []


def test_log_keeps_bodies(em: Emulator, wire: Wire) -> None:
    wire("POST", "/api/sessionMngr/?v=latest", basic(em.admin), b"<Spec/>")
    assert em.log[0].body == b"<Spec/>"
    assert em.log[0].header("authorization") == basic(em.admin)["Authorization"]


def test_length_is_required_by_12(either: Emulator, raw: Raw) -> None:
    credentials = base64.b64encode(f"{either.admin.username}:{either.admin.password}".encode()).decode()
    raw.send(
        f"POST /api/sessionMngr/?v=latest HTTP/1.1\nHost: localhost\nAuthorization: Basic {credentials}\nConnection: close\n\n"
    )
    assert raw.read().startswith(b"HTTP/1.1 411" if either.switches.version == 12 else b"HTTP/1.1 201")


def test_server_header_and_header_case(either: Emulator, wire: Wire) -> None:
    expected = "Microsoft-HTTPAPI/2.0" if either.switches.version == 12 else "Kestrel"
    assert wire.get("/api/").headers["Server"] == expected
    either.switches.header_case = "lower"
    assert "x-restsvcsessionid" in wire("POST", "/api/sessionMngr/?v=latest", basic(either.admin)).headers


@pytest.mark.parametrize(("limit", "status"), [(16384, {12: 400, 13: 414}), (0, {12: 200, 13: 200})])
def test_long_request_line(either: Emulator, on: Wire, limit: int, status: dict[int, int]) -> None:
    either.switches.max_request_line = limit
    long = ",".join(f'TaskId=="task-{number}"' for number in range(1000))
    assert on.query("Task", filter=long).status == status[either.switches.version]


def test_small_answers_are_not_delayed(em: Emulator, on: Wire) -> None:
    """Nagle's algorithm would cost some 40 ms each; a busy machine delays some, but not all."""
    seconds = []
    for _each in range(50):
        started = time.monotonic()
        on.get("/api/tasks/task-0")
        seconds.append(time.monotonic() - started)
    assert min(seconds) < 0.03


def test_the_certificate_is_our_own(em: Emulator) -> None:
    stranger = ssl.create_default_context(cafile=em.other_ca_path)
    with socket.create_connection(("127.0.0.1", em.port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        stranger.wrap_socket(plain, server_hostname="localhost")
    context = ssl.create_default_context(cafile=em.ca_path)
    for name in ("127.0.0.1", "::1"):
        with socket.create_connection(("127.0.0.1", em.port)) as plain, context.wrap_socket(plain, server_hostname=name):
            pass
