# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harness of the fault matrix: runs a scenario against an emulator with an injected fault, and observes everything."""

from __future__ import annotations

import base64
import random
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from functional.drivers import Scenario
from functional.drivers.observation import Handled, Observation, Setup

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.plugin_utils import _lookup
from emulator import Emulator, LogEntry, LogonSession, Switches

from .faults import InjectedFault

TIMEOUT = 10  # seconds of the virtual clock that a request may take
RETRIES = 1
SHORT = 0.025  # real seconds after which a request that is to time out does; it takes TIMEOUT seconds of the virtual clock
SLOW_SERVER_SECONDS = 0.02  # of the virtual clock that a request to a far server takes
# Well within an hour, so that no fault and no wait crosses into another one, by which the emulator sets schedules.
NOON = 1_790_000_000 // 3600 * 3600 + 900.0
HOUR = 3600.0


def create_seed_data(world: Any, clock: Any) -> None:
    """Create two backup servers and eight jobs, each with two sessions; the emulator's own seed data takes ten times as long."""
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
    midnight = (clock.now() - 6 * HOUR) // HOUR * HOUR
    for days in (1, 0):
        for number, job in enumerate(world.jobs):
            world.add_run(job, midnight - days * 24 * HOUR + number * 600, 300 + 7 * number, job.script[0])


class RedirectTarget:
    """The foreign host that redirects lead to, which must never be visited."""

    def __init__(self) -> None:
        self.visits = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.location = f"https://localhost:{self._listener.getsockname()[1]}/api/query?type=Task"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self.visits += 1
                connection.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class FaultHarness:
    """One emulator, against which scenarios are run, each time from the same beginning."""

    def __init__(self, version: int, directory: Path | None = None) -> None:
        self.em = em = Emulator(Switches(version=version), speed=0, directory=directory)
        self.redirect_target = RedirectTarget()
        self._busy = 0
        self._handled: list[Handled] = []
        self._opened: list[LogonSession] = []
        self._tasks: dict[str, Any] = {}
        self._response_format = "json"
        self._now = 0.0
        self._sent = 0
        self._far = 0.0
        self._injected: InjectedFault | None = None
        backend, https = em.backend, em._https
        reset, add_task, call, handle = em.clock.reset, backend.add_task, https._call, https._handle

        def reset_clock(speed: float = 0.0) -> None:
            reset(speed)
            em.clock._value = NOON

        def seed() -> None:
            create_seed_data(backend.world, em.clock)
            backend.standing_session = backend.sessions.open(backend.users["operator"], standing=True)

        def record_task(*arguments: Any, **settings: Any) -> Any:
            task = add_task(*arguments, **settings)
            self._tasks[task.id] = task
            return task

        def record_call(request: Any, entry: LogEntry) -> Any:
            with em.locked():
                reply = call(request, entry)
                self._handled.append(Handled(entry, reply.status, em.clock.now()))
                if reply.status == 201 and entry.session_id is not None:
                    self._opened.append(backend.find_session(entry.session_id))
            return reply

        async def count_busy(request: Any) -> Any:
            self._busy += 1
            try:
                return await handle(request)
            finally:
                self._busy -= 1

        # The emulator has no hooks for this.
        em.clock.reset = reset_clock  # type: ignore[method-assign]
        backend._furnish = seed  # type: ignore[method-assign]
        backend.add_task = record_task  # type: ignore[method-assign]
        https._call = record_call  # type: ignore[method-assign]
        https._handle = count_busy  # type: ignore[method-assign]
        em.start()

    def close(self) -> None:
        self.em.stop()
        self.redirect_target.close()

    def __enter__(self) -> FaultHarness:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.close()

    # The client's clock, which is monotonic: no fault moves it

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self._now += seconds
        self.em.clock.advance(seconds)

    # Runs

    def run(self, scenario: Scenario, response_format: str, injected: InjectedFault | None = None) -> Observation:
        """Run a scenario, with a fault or without one."""
        em = self.em
        self._settle()
        em.reset()
        self._handled, self._opened, self._tasks = [], [], {}
        self._response_format, self._now, self._sent, self._injected = response_format, 1000.0, 0, injected
        self._far = SLOW_SERVER_SECONDS if scenario.far else 0.0
        visits = self.redirect_target.visits
        random.seed(1)  # pauses have a random share: the same one each time
        setup = Setup(em)
        if scenario.borrowed:
            setup.session = em.logon()
        scenario.prepare(setup)
        if setup.session is not None:
            setup.tasks = {task.id: task for task in setup.session.tasks}
        setup.job_sessions = list(em.world.runs)
        sessions = {one.id for one in em.backend.sessions.all()}
        em.clear_log()
        fault = None
        if injected is not None:
            fault = em.fault(**injected.settings(self.redirect_target.location))
        observed = Observation(setup, injected)
        with self._patched():
            self._run(scenario, setup, observed)
        self._settle()
        observed.waited = self._now - 1000.0
        observed.log = em.log
        observed.hits = fault.hits if fault is not None else 0
        observed.handled, observed.opened, observed.tasks = self._handled, self._opened, self._tasks
        observed.times = [NOON, *(entry.at for entry in observed.log), *(one.now for one in self._handled), em.clock.now()]
        observed.open = {one.id for one in em.backend.sessions.all()}
        observed.foreign_visits = self.redirect_target.visits - visits
        user = em.admin
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        known = [*self._opened, *([setup.session] if setup.session else [])]
        ids = sessions | {one.id for one in known}
        observed.secrets = {user.password, pair, *ids, *(base64.b64encode(one.encode()).decode() for one in ids)}
        return observed

    def options(self, scenario: Scenario, setup: Setup) -> dict[str, Any]:
        """Return the connection options: credentials, or a borrowed session, or both."""
        em, user, session = self.em, self.em.admin, setup.session
        given: dict[str, Any] = {option.name: option.default for option in CONNECTION_OPTIONS}
        given |= {"hostname": em.hostname, "port": em.port, "ca_path": em.ca_path, "session": None}
        given |= {"response_format": self._response_format, "timeout": TIMEOUT, "retries": RETRIES}
        if session is None or scenario.credentials:
            given |= {"username": user.username, "password": user.password}
        if session is not None:
            known = {name: value for name, value in given.items() if name not in ("password", "session")}
            given["session"] = {**known, "id": session.id, "token": session.token, "expires_after": 900}
        return given

    def _run(self, scenario: Scenario, setup: Setup, observed: Observation) -> None:
        options = self.options(scenario, setup)
        params = {**scenario.params, **setup.params}
        try:
            if scenario.is_lookup:
                observed.result = self._run_lookup(scenario.module, options, params)
            else:
                observed.result = self._run_module(scenario.module, options, params, scenario.check_mode, observed)
        except EmError as err:
            observed.failure = err.to_fail_json()
        except AnsibleLookupError as err:  # the lookup's failures have their kind in brackets at their end
            msg, _bracket, kind = str(err).rpartition(" (")
            observed.failure = {"msg": msg, "error": {"kind": kind.rstrip(")"), "status": "unknown"}}
        except Exception:
            observed.crash = traceback.format_exc()

    def _run_module(
        self, module: Any, options: dict[str, Any], params: dict[str, Any], check_mode: bool, observed: Observation
    ) -> dict[str, Any]:
        """Run a module as the runner does, on the virtual clock."""
        defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
        client = Client(create_connection(options), hooks=Hooks(clock=self.clock, sleep=self.sleep))
        observed.warnings = client.warnings
        with client:
            result: dict[str, Any] = module.run(client, {**options, **defaults, **params}, check_mode)
        return result

    def _run_lookup(self, lookup: Any, options: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Run a lookup with the terms of its scenario."""
        given = {name: value for name, value in {**options, **params}.items() if name != "terms"}
        return {"_raw": lookup.LookupModule().run(params["terms"], {}, **given)}

    @contextmanager
    def _patched(self) -> Iterator[None]:
        """Return lookups the virtual clock, and let requests that are to time out do so soon."""
        send_once, client_class = Transport._send_once, _lookup.Client
        harness = self

        def send_soon(transport: Any, method: str, path: str, *rest: Any) -> Any:
            number = harness._sent
            harness._sent += 1
            harness._now += harness._far
            if harness._injected is None or not harness._injected.is_slow_at(number):
                return send_once(transport, method, path, *rest)
            transport._open()
            session = transport._session
            send = session.request
            # Connecting may take its time on a busy machine: the request has to reach the server.
            session.request = lambda *given, **settings: send(*given, **{**settings, "timeout": (TIMEOUT, SHORT)})
            try:
                return send_once(transport, method, path, *rest)
            finally:
                session.request = send
                harness.sleep(TIMEOUT)

        def create_client(connection: Any) -> Client:
            return client_class(connection, hooks=Hooks(clock=harness.clock, sleep=harness.sleep))

        Transport._send_once = send_soon  # type: ignore[method-assign]
        _lookup.Client = create_client  # type: ignore[assignment, misc]
        try:
            yield
        finally:
            Transport._send_once = send_once  # type: ignore[method-assign]
            _lookup.Client = client_class  # type: ignore[misc]

    def _settle(self) -> None:
        """Wait until the server has handled all that was sent, also requests that the client has given up."""
        until = time.monotonic() + 5
        pending: Callable[[], bool] = lambda: self._busy > 0 or self.em.backend.log.count < self._sent  # noqa: E731
        while pending() and time.monotonic() < until:
            time.sleep(0.0005)
