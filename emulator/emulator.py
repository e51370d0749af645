# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as Python sees it: a server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .backend import Backend
from .clock import Clock
from .control import control_app
from .faults import Fault
from .requestlog import LogEntry
from .server import HttpsSide
from .sessions import LogonSession
from .switches import Switches
from .tls import NAMES, SETUPS, server_context, write_certificates, write_other_authority
from .tls_front import HANDSHAKES, TlsFront
from .users import User
from .world import World

if TYPE_CHECKING:
    from .scenario import Scenario


@contextlib.contextmanager
def _name_option(host: str, port: int, option: str) -> Iterator[None]:
    """Say in the failure which port cannot be had, and which option helps."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, f"cannot serve on {host} port {port}: {reason}; {option} 0 takes any free port") from error


class Emulator:
    """An emulated Enterprise Manager; several may live in one process."""

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        users: dict[str, User] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        speed: float = 1.0,
        directory: Path | str | None = None,
        names: tuple[str, ...] = (),
        print_requests: bool = False,
        scenario: Scenario | None = None,
        tls: str = "usual",
    ) -> None:
        if tls not in SETUPS:
            raise ValueError(f"tls is one of {', '.join(SETUPS)}; not {tls!r}")
        self.backend = Backend(switches or Switches(), users, speed, scenario)
        self.hostname = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host
        self.port = port
        self.control_port = control_port
        self._host = host
        self._names = (*NAMES, *names)
        self._tls = tls
        self._directory = Path(directory).resolve() if directory is not None else None
        self._temporary: Path | None = None
        self._lock = threading.RLock()
        self._https = HttpsSide(self.backend, self._lock, print_requests=print_requests)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    # Life

    def start(self) -> Emulator:
        """Start serving; returns when connections are accepted."""
        if self._thread is not None:
            raise RuntimeError("the emulator is running already")
        if self._directory is None:
            self._temporary = self._directory = Path(tempfile.mkdtemp(prefix="vbem-emulator-"))
        self._directory.mkdir(parents=True, exist_ok=True)
        write_certificates(self._directory, self._names, self._tls)
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="vbem-emulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            failure = self._failure
            self.stop()
            raise failure
        return self

    def stop(self) -> None:
        """Stop serving and remove what start made."""
        if self._thread is None:
            return
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = self._directory = None

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        https = self._https.open()
        with _name_option(self._host, self.port, "--port"):
            servers, front = await self._listen(https)
        runner = web.AppRunner(control_app(self), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.control_port)
        with _name_option("127.0.0.1", self.control_port, "--control-port"):
            await site.start()
        self.control_port = runner.addresses[0][1]
        self._ready.set()
        try:
            await self._stopping.wait()
        finally:
            if front is not None:
                front.stop()
            for each in servers:
                each.close()
            await https.shutdown(timeout=0.1)
            await runner.cleanup()

    async def _listen(self, https: web.Server) -> tuple[list[asyncio.AbstractServer], TlsFront | None]:
        """Listen on the port; where handshakes fail on purpose, with a front that does them."""
        assert self._loop is not None
        context = server_context(self._names, self._tls)
        if self._tls in HANDSHAKES:
            front = TlsFront(self._host, self.port, context)
            inner = await self._loop.create_server(https, "127.0.0.1", 0)
            self.port = front.port
            front.start(inner.sockets[0].getsockname()[1])
            return [inner], front
        server = await self._loop.create_server(https, self._host, self.port, ssl=context, backlog=512)
        self.port = server.sockets[0].getsockname()[1]
        servers: list[asyncio.AbstractServer] = [server]
        if self._host == "127.0.0.1":  # "localhost" is ::1 for some
            with contextlib.suppress(OSError):
                servers.append(await self._loop.create_server(https, "::1", self.port, ssl=context, backlog=512))
        return servers, None

    # Where it is

    @property
    def base_url(self) -> str:
        """The server's URL without a path."""
        return f"https://{self.hostname}:{self.port}"

    @property
    def control_url(self) -> str:
        """The control API's URL."""
        return f"http://127.0.0.1:{self.control_port}"

    @property
    def directory(self) -> Path:
        """Where the emulator's files are."""
        if self._directory is None:
            raise RuntimeError("the emulator has not been started")
        return self._directory

    @property
    def ca_path(self) -> str:
        """The path of the authority's certificate."""
        return str(self.directory / "ca.pem")

    @property
    def server_certificate_path(self) -> str:
        """The path of the server's own certificate, where TLS goes wrong."""
        return str(self.directory / "server.pem")

    @property
    def intermediate_path(self) -> str:
        """The path of the intermediate authority's certificate, where there is one."""
        return str(self.directory / "intermediate.pem")

    @property
    def other_ca_path(self) -> str:
        """The path of an authority's certificate that does not fit."""
        path = self.directory / "other-ca.pem"
        if not path.exists():
            write_other_authority(path)
        return str(path)

    # State

    @property
    def switches(self) -> Switches:
        """The switches; each may be set at any time."""
        return self.backend.switches

    @property
    def clock(self) -> Clock:
        """The clock everything is computed from."""
        return self.backend.clock

    @property
    def world(self) -> World:
        """Jobs, runs, servers and rows."""
        return self.backend.world

    @property
    def users(self) -> dict[str, User]:
        """The accounts by key; may be changed."""
        return self.backend.users

    @property
    def admin(self) -> User:
        """The Portal Administrator."""
        return self.backend.users["admin"]

    def add_user(self, key: str, username: str, password: str, role: str | None = "Portal Administrator") -> User:
        """Add or replace an account."""
        with self._lock:
            user = self.backend.users[key] = User(username, password, role)
            return user

    @contextlib.contextmanager
    def locked(self) -> Iterator[Backend]:
        """Hold still while several things are looked at or changed."""
        with self._lock:
            yield self.backend

    def reset(self) -> None:
        """Return to the state of the beginning, the switches given then included."""
        with self._lock:
            self.backend.reset()

    # Faults and log

    def fault(self, effect: str | None = None, **settings: Any) -> Fault:
        """Arm a fault; see Fault for the settings."""
        with self._lock:
            return self.backend.add_fault(effect, **settings)

    def clear_faults(self) -> None:
        """Disarm all faults."""
        with self._lock:
            self.backend.faults.clear()

    @property
    def log(self) -> list[LogEntry]:
        """Every request so far."""
        with self._lock:
            return list(self.backend.log.entries)

    def requests(self, method: str | None = None, path: str | None = None) -> list[LogEntry]:
        """Return the requests of a method whose target holds a pattern."""
        with self._lock:
            return self.backend.log.select(method, path)

    def clear_log(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self.backend.log.clear()

    @property
    def connections(self) -> int:
        """How many TCP connections there have been."""
        return self.backend.connections

    # Sessions and tasks

    @property
    def sessions(self) -> list[LogonSession]:
        """The open logon sessions of clients, oldest first."""
        with self._lock:
            return self.backend.open_sessions

    @property
    def standing_session_alive(self) -> bool:
        """Whether the session of somebody else, always first in the list, is still there: nobody may log it off."""
        with self._lock:
            return self.backend.standing_session in self.backend.sessions.all()

    def logon(self, username: str | None = None) -> LogonSession:
        """Make a session without a request."""
        with self._lock:
            return self.backend.logon(username)

    def make_task(self, session: LogonSession | str, operation: str = "StartJob", **settings: Any) -> str:
        """Add a task to a session; see Backend.make_task."""
        with self._lock:
            return self.backend.make_task(session, operation, **settings)

    def make_tasks(self, session: LogonSession | str, n: int, **settings: Any) -> list[str]:
        """Add many tasks alike."""
        with self._lock:
            return self.backend.make_tasks(session, n, **settings)

    def tasks(self, session: LogonSession | str) -> list[tuple[str, str]]:
        """Return (id, state) of each task a session has."""
        with self._lock:
            found = self.backend.find_session(session)
            now = self.clock.now()
            return [(task.id, task.state(now, self.switches)) for task in found.tasks]

    def remove_task(self, session: LogonSession | str, task_id: str) -> None:
        """Make a task vanish, as if the server had cleaned it up."""
        with self._lock:
            self.backend.find_session(session).tasks.remove(task_id)

    def expire(self, session: LogonSession | str | None = None) -> int:
        """End a session (or all) as if it had been idle too long."""
        with self._lock:
            return self.backend.expire(session)

    def state(self) -> dict[str, Any]:
        """Return what the control API's /state and state.json say."""
        with self._lock:
            return {
                "hostname": self.hostname,
                "port": self.port,
                "base_url": self.base_url,
                "ca_path": self.ca_path,
                "control_url": self.control_url,
                "version": self.switches.version,
                "open_sessions": len(self.backend.open_sessions),
                "standing_session_alive": self.backend.standing_session in self.backend.sessions.all(),
                "connections": self.connections,
                "requests": self.backend.log.count,
                "faults": len(self.backend.faults),
                "clock": self.clock.now(),
                "speed": self.clock.speed,
                "users": {
                    key: {"username": user.username, "password": user.password, "role": user.role}
                    for key, user in self.users.items()
                },
                "switches": self.switches.as_dict(),
            }
