# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage of the matrix: an emulator on a pinned clock, a module run against it, and all that the server knows of it."""

from __future__ import annotations

import base64
import random
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError

from ansible_collections.vbem.rest.plugins.lookup import veeam_query
from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_key
from ansible_collections.vbem.rest.plugins.plugin_utils import _lookup
from emulator import Emulator, LogEntry, LogonSession, Switches

from .catalogue import Doom

PAD = create_key()
TIMEOUT = 10  # seconds of the clock that a request may take
RETRIES = 1
SHORT = 0.025  # real seconds, for a request that is to time out; such a one takes TIMEOUT seconds of the clock
SLOW_SERVER_SECONDS = 0.02  # seconds of the clock that a request to a far server takes: such a one gets several at once
# Well within an hour, so that no fault and no wait crosses into another one, by which the world sets its schedules.
NOON = 1_790_000_000 // 3600 * 3600 + 900.0
HOUR = 3600.0


def furnish(world: Any, clock: Any) -> None:
    """Put up a world of two servers and eight jobs, each with two runs; a whole one takes ten times as long."""
    world.add_server("vbr01.vbem.test", description="Main site")
    world.add_server("vbr02.vbem.test", description="Branch")
    world.add_job("Daily Backup", server="vbr01")
    world.add_job("Daily Backup", server="vbr02", platform="Hyperv")
    world.add_job("SQL Backup", server="vbr01")
    world.add_job("Failing Backup", server="vbr01", script="failed", failure_message="The target is full.")
    world.add_job("Offsite Copy", server="vbr01", job_type="BackupCopy")
    world.add_job("Offsite Mirror", server="vbr01", job_type="ImmediateBackupCopy", enabled=False)
    world.add_job("Linux Agents", kind="agent", server="vbr01")
    world.add_job("Shared Files", kind="nas", server="vbr01")
    night = (clock.now() - 6 * HOUR) // HOUR * HOUR
    for days in (1, 0):
        for number, job in enumerate(world.jobs):
            world.add_run(job, night - days * 24 * HOUR + number * 600, 300 + 7 * number, job.script[0])


class Trap:
    """The foreign host that redirects lead to; nobody may ever come."""

    def __init__(self) -> None:
        self.visits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.location = f"https://localhost:{self._listener.getsockname()[1]}/api/query?type=Task"
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.visits += 1
                connection.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclass
class Handled:
    """A request that the server did carry out, whatever its answer became."""

    entry: LogEntry
    status: int
    now: float  # the server's clock


@dataclass
class Scene:
    """What a scenario found and prepared before the module ran."""

    em: Emulator
    session: LogonSession | None = None  # the borrowed one
    job: Any = None
    run: Any = None  # the job's run that goes on already
    runs: list[Any] = field(default_factory=list)  # all there were
    tasks: dict[str, Any] = field(default_factory=dict)  # of the borrowed session
    params: dict[str, Any] = field(default_factory=dict)  # what only the preparation knows, such as ids


@dataclass
class Evidence:
    """All that is known of one run."""

    scene: Scene
    doom: Doom | None
    result: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None  # as the arguments of fail_json
    crash: str | None = None
    warnings: list[str] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    made: list[LogonSession] = field(default_factory=list)  # logon sessions that this run opened
    tasks: dict[str, Any] = field(default_factory=dict)  # all tasks there ever were, by id
    moments: list[float] = field(default_factory=list)  # of the server's clock, at which the run looked
    waited: float = 0.0  # by the client's clock
    open: set[str] = field(default_factory=set)  # ids of the sessions that are open now
    secrets: set[str] = field(default_factory=set)
    visits: int = 0  # to the foreign host
    struck: int = 0  # requests that the fault befell

    @property
    def error(self) -> dict[str, Any]:
        return (self.failure or {}).get("error") or {}

    @property
    def shown(self) -> dict[str, Any]:
        """The keys that playbooks see, of a result or a failure."""
        return self.result if self.result is not None else self.failure or {}

    def sent(self, method: str, part: str) -> list[LogEntry]:
        """Requests that arrived at the server, carried out or not."""
        return [entry for entry in self.log if entry.method == method and part.lower() in entry.path.lower()]

    def done(self, method: str, part: str) -> list[Handled]:
        """Requests that the server carried out with success."""
        return [
            one
            for one in self.handled
            if one.entry.method == method and part.lower() in one.entry.path.lower() and 200 <= one.status < 300
        ]


class Stage:
    """One emulator, on which a scenario can be run any number of times, each time from the same beginning."""

    def __init__(self, version: int, directory: Path | None = None) -> None:
        self.em = em = Emulator(Switches(version=version), speed=0, directory=directory)
        self.trap = Trap()
        self._busy = 0
        self._handled: list[Handled] = []
        self._made: list[LogonSession] = []
        self._tasks: dict[str, Any] = {}
        self._form = "json"
        self._now = 0.0
        self._sent = 0
        self._far = 0.0
        self._doom: Doom | None = None
        backend, https = em.backend, em._https
        reset, add_task, call, handle = em.clock.reset, backend.add_task, https._call, https._handle

        def pinned(speed: float = 0.0) -> None:
            reset(speed)
            em.clock._value = NOON

        def small() -> None:
            furnish(backend.world, em.clock)
            backend.standing_session = backend.sessions.open(backend.users["operator"], standing=True)

        def noted_task(*given: Any, **settings: Any) -> Any:
            task = add_task(*given, **settings)
            self._tasks[task.id] = task
            return task

        def noted_call(request: Any, entry: LogEntry) -> Any:
            with em.locked():
                reply = call(request, entry)
                self._handled.append(Handled(entry, reply.status, em.clock.now()))
                if reply.status == 201 and entry.session_id is not None:
                    self._made.append(backend.find_session(entry.session_id))
            return reply

        async def counted(request: Any) -> Any:
            self._busy += 1
            try:
                return await handle(request)
            finally:
                self._busy -= 1

        # The emulator has no hooks for what only a matrix wants to know; these are its innermost doors.
        em.clock.reset = pinned  # type: ignore[method-assign]
        backend._furnish = small  # type: ignore[method-assign]
        backend.add_task = noted_task  # type: ignore[method-assign]
        https._call = noted_call  # type: ignore[method-assign]
        https._handle = counted  # type: ignore[method-assign]
        em.start()

    def close(self) -> None:
        self.em.stop()
        self.trap.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    # The client's time, which no fault moves: it is monotonic

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self._now += seconds
        self.em.clock.advance(seconds)

    # One run

    def play(self, scenario: Any, form: str, doom: Doom | None = None) -> Evidence:
        """Run a scenario from the beginning, with a fault or without one."""
        em = self.em
        self._settle()
        em.reset()
        self._handled, self._made, self._tasks = [], [], {}
        self._form, self._now, self._sent, self._doom = form, 1000.0, 0, doom
        self._far = SLOW_SERVER_SECONDS if scenario.far else 0.0
        visits = self.trap.visits
        random.seed(1)  # pauses are shortened by chance: the same chance each time
        scene = Scene(em)
        if scenario.borrowed:
            scene.session = em.logon()
        scenario.prepare(scene)
        if scene.session is not None:
            scene.tasks = {task.id: task for task in scene.session.tasks}
        scene.runs = list(em.world.runs)
        sessions = {one.id for one in em.backend.sessions.all()}
        em.clear_log()
        fault = None
        if doom is not None:
            fault = em.fault(**doom.settings(self.trap.location))
        evidence = Evidence(scene, doom)
        with self._patched():
            self._run(scenario, scene, evidence)
        self._settle()
        evidence.waited = self._now - 1000.0
        evidence.log = em.log
        evidence.struck = fault.hits if fault is not None else 0
        evidence.handled, evidence.made, evidence.tasks = self._handled, self._made, self._tasks
        evidence.moments = [NOON, *(entry.at for entry in evidence.log), *(one.now for one in self._handled), em.clock.now()]
        evidence.open = {one.id for one in em.backend.sessions.all()}
        evidence.visits = self.trap.visits - visits
        user = em.admin
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        known = [*self._made, *([scene.session] if scene.session else [])]
        ids = sessions | {one.id for one in known}
        evidence.secrets = {user.password, pair, *ids, *(base64.b64encode(one.encode()).decode() for one in ids)}
        return evidence

    def options(self, scenario: Any, scene: Scene) -> dict[str, Any]:
        """Give the connection options: credentials, or a borrowed session, or both."""
        em, user, session = self.em, self.em.admin, scene.session
        given: dict[str, Any] = {option.name: option.default for option in CONNECTION_OPTIONS}
        given |= {"hostname": em.hostname, "port": em.port, "ca_path": em.ca_path, "session": None}
        given |= {"response_format": self._form, "timeout": TIMEOUT, "retries": RETRIES}
        if session is None or scenario.credentials:
            given |= {"username": user.username, "password": user.password}
        if session is not None:
            known = {name: value for name, value in given.items() if name not in ("password", "session")}
            given["session"] = {**known, "id": session.id, "token": session.token, "expires_after": 900}
        return given

    def _run(self, scenario: Any, scene: Scene, evidence: Evidence) -> None:
        options = self.options(scenario, scene)
        params = {**scenario.params, **scene.params}
        try:
            if scenario.module is veeam_query:
                evidence.result = self._look_up(options, params)
            else:
                evidence.result = self._run_module(scenario.module, options, params, scenario.check_mode, evidence)
        except EmError as err:
            evidence.failure = err.to_fail_json()
        except AnsibleLookupError as err:  # the lookup's failures have their kind in brackets at their end
            msg, _bracket, kind = str(err).rpartition(" (")
            evidence.failure = {"msg": msg, "error": {"kind": kind.rstrip(")"), "status": "not told"}}
        except Exception:
            evidence.crash = traceback.format_exc()

    def _run_module(
        self, module: Any, options: dict[str, Any], params: dict[str, Any], check_mode: bool, evidence: Evidence
    ) -> dict[str, Any]:
        """Run a module as the runner does, on the clock that is pushed."""
        defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
        pad = {"_one_time_pad": PAD} if "_one_time_pad" in module.SPEC else {}
        client = Client(create_connection(options), clock=self.clock, sleep=self.sleep)
        evidence.warnings = client.warnings
        with client:
            result: dict[str, Any] = module.run(client, {**options, **defaults, **pad, **params}, check_mode)
        return result

    def _look_up(self, options: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Run the lookup."""
        terms = params["type"] if isinstance(params["type"], list) else [params["type"]]
        given = {name: value for name, value in {**options, **params}.items() if name != "type"}
        return {"resources": veeam_query.LookupModule().run(terms, {}, **given)}

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """Give the lookup our clock, and requests that are to time out a time that is soon over."""
        send_once, client_class = Transport._send_once, _lookup.Client
        stage = self

        def hurried(transport: Any, method: str, path: str, *rest: Any) -> Any:
            number = stage._sent
            stage._sent += 1
            stage._now += stage._far
            if stage._doom is None or not stage._doom.is_slow_at(number):
                return send_once(transport, method, path, *rest)
            transport._open()
            session = transport._session
            ask = session.request
            # To connect may take what it takes on a busy machine: the request has to reach the server.
            session.request = lambda *given, **settings: ask(*given, **{**settings, "timeout": (TIMEOUT, SHORT)})
            try:
                return send_once(transport, method, path, *rest)
            finally:
                session.request = ask
                stage.sleep(TIMEOUT)

        def clocked(connection: Any) -> Client:
            return client_class(connection, clock=stage.clock, sleep=stage.sleep)

        Transport._send_once = hurried  # type: ignore[method-assign]
        _lookup.Client = clocked  # type: ignore[assignment, misc]
        try:
            yield
        finally:
            Transport._send_once = send_once  # type: ignore[method-assign]
            _lookup.Client = client_class  # type: ignore[misc]

    def _settle(self) -> None:
        """Wait until the server is done with all that was sent, also what nobody waits for any more."""
        until = time.monotonic() + 5
        pending: Callable[[], bool] = lambda: self._busy > 0 or self.em.backend.log.count < self._sent  # noqa: E731
        while pending() and time.monotonic() < until:
            time.sleep(0.0005)
