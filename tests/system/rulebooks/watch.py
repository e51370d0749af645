# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the event source against an emulator, poll by poll: a test ends its pauses."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.secrets import SecretScanner

from ansible_collections.vbem.rest.extensions.eda.plugins.event_source import job_sessions
from emulator import Emulator
from emulator.jobs import Job
from emulator.runs import Run


class RunningSource:
    """A running source. ``events`` are those that were taken, ``pauses`` the seconds of its pauses."""

    def __init__(self, *, feedback: bool = False) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue(1)  # as ansible-rulebook's
        self.feedback: asyncio.Queue[Any] | None = asyncio.Queue(1) if feedback else None
        self.events: list[dict[str, Any]] = []
        self.pauses: list[float] = []
        self.paused = asyncio.Event()
        self.go = asyncio.Event()
        self.taking = asyncio.Event()  # whether the rulebook takes events
        self.taking.set()
        self.main: asyncio.Task[None]
        self.consumer: asyncio.Task[None]

    @property
    def names(self) -> list[str]:
        """Return the names of the jobs whose runs were told, in order."""
        return [event["job_session"]["job_name"] for event in self.events]

    @property
    def uids(self) -> Counter[str]:
        """Return how often each run was told."""
        return Counter(event["job_session"]["uid"] for event in self.events)

    async def take(self) -> None:
        """Take events as ansible-rulebook does, one at a time."""
        while True:
            await self.taking.wait()
            event = await self.queue.get()
            self.events.append(json.loads(json.dumps(event)))
            if self.feedback is not None:
                await self.feedback.put(event)

    async def pause(self, seconds: float) -> None:
        """Stand in for asyncio.sleep in the source."""
        self.pauses.append(seconds)
        self.paused.set()
        await self.go.wait()
        self.go.clear()

    async def reach_pause(self) -> None:
        """Wait until the source pauses, or has ended."""
        waiting = asyncio.ensure_future(self.paused.wait())
        await asyncio.wait([waiting, self.main], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.main.done():
            await self.main
        self.paused.clear()

    async def poll(self, times: int = 1) -> float:
        """Let the source poll; return the pause that it asked for after that."""
        for _time in range(times):
            self.go.set()
            await self.reach_pause()
            while self.pauses[-1] == 0:  # the session was lost, and the next poll follows at once
                self.go.set()
                await self.reach_pause()
        return self.pauses[-1]

    async def end(self) -> None:
        """Cancel it, as ansible-rulebook does when it ends."""
        if not self.main.done():
            self.main.cancel()
            with suppress(asyncio.CancelledError):
                await self.main


class SourceHarness:
    """An emulator, and how to run the source against it. ``ahead`` is by how many seconds the source's own clock is ahead."""

    def __init__(self, em: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.em = em
        self.folder = folder
        self.ahead = 0.0
        self.state_file = folder / "state.json"
        self._monkeypatch = monkeypatch

    def arguments(self, **given: Any) -> dict[str, Any]:
        """Return the source's arguments, with the connection."""
        own = {
            "hostname": self.em.hostname,
            "port": self.em.port,
            "username": self.em.admin.username,
            "password": self.em.admin.password,
            "ca_path": self.em.ca_path,
            "retries": 0,
        }
        return {**own, **given}

    @asynccontextmanager
    async def watch(self, *, feedback: bool = False, is_polled: bool = True, **given: Any) -> AsyncIterator[RunningSource]:
        """Start the source, let it poll once, and end it; no session may be left open."""
        made = RunningSource(feedback=feedback)
        self._monkeypatch.setattr(job_sessions, "pause", made.pause)
        arguments = self.arguments(**given)
        if made.feedback is not None:
            arguments |= {"feedback": True, "eda_feedback_queue": made.feedback}
        made.consumer = asyncio.ensure_future(made.take())
        made.main = asyncio.ensure_future(job_sessions.main(made.queue, arguments))
        try:
            if is_polled:
                await made.reach_pause()
            yield made
        finally:
            await made.end()
            made.consumer.cancel()

    def end_run(self, name: str, outcome: str = "success", *, seconds: float = 60.0, ago: float = 0.001, **given: Any) -> Run:
        """Let a job session finish now, or some seconds ago."""
        with self.em.locked():
            job = self.em.world.job(name)
            return self.em.world.add_run(job, self.em.clock.now() - ago - seconds, seconds, outcome, **given)

    def begin_run(self, name: str, outcome: str = "success", *, seconds: float = 3600.0) -> Run:
        """Start a job session that finishes after some seconds."""
        with self.em.locked():
            return self.em.world.add_run(self.em.world.job(name), self.em.clock.now(), seconds, outcome)

    def add_part(self, run: Run, machine: str, result: str, reason: str) -> None:
        """Add a task session: what a job session did to a machine."""
        kind = "ReplicaTaskSession" if run.job.job_type == "Replica" else "BackupTaskSession"
        with self.em.locked():
            self.em.world.add_row(
                kind,
                f"{machine}@{run.name}",
                server=run.job.server,
                JobSessionUid=run.uid,
                VmDisplayName=machine,
                CreationTime="2026-11-23T01:00:00Z",
                EndTime="2026-11-23T01:10:00Z",
                State="Completed",
                Result=result,
                Reason=reason,
                TotalSize=1,
            )

    def job(self, name: str) -> Job:
        """Return a job."""
        return self.em.world.job(name)

    def count_logons(self) -> int:
        """Return how many requests to log on there were."""
        return len(self.em.requests("POST", "/sessionMngr"))

    def check_secrets(self, text: str) -> None:
        """Assert that no secret is shown."""
        SecretScanner.of(self.em).check(text)


def read_log(caplog: pytest.LogCaptureFixture) -> str:
    """Return what was logged, by anybody."""
    return "\n".join(f"{record.name} {logging.getLevelName(record.levelno)} {record.getMessage()}" for record in caplog.records)
