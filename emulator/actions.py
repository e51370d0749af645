# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a POST to a job or a run does (wire-facts 6.1, 6.3)."""

from __future__ import annotations

from .backend import Backend
from .document import Link
from .errors import ApiError
from .jobs import Job
from .runs import FAILED, WARNING, Run
from .sessions import LogonSession
from .tasks import Task

_OPERATIONS = {
    ("job", "start"): "StartJob",
    ("job", "stop"): "StopJob",
    ("job", "retry"): "RetryJob",
    ("job", "clone"): "CloneJob",
    ("job", "sync"): "StartJobSync",
    ("job", "togglescheduleenabled"): "UpdateJob",
    ("agent", "start"): "StartJob",
    ("agent", "stop"): "StopAgentJob",
    ("agent", "retry"): "RetryAgentJob",
    ("agent", "togglescheduleenabled"): "UpdateJob",
    ("nas", "start"): "StartNasJob",
    ("nas", "stop"): "StopNasJob",
    ("nas", "retry"): "RetryNasJob",
    ("nas", "togglescheduleenabled"): "UpdateJob",
}


class Actions:
    """Carries out actions and returns their tasks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def carry_out(self, session: LogonSession, target: Job | Run, action: str) -> Task:
        """Do what was asked for; an action the target does not have is an error."""
        name = action.lower()
        if isinstance(target, Run):
            if name != "stop" or target.spec.name != "BackupJobSession":
                raise ApiError(501, f"Action '{action}' is not supported for this resource.")
            return self._stop_run(session, target)
        operation = _OPERATIONS.get((target.kind, name))
        is_copy_action = name == "sync"
        if operation is None or (name in ("start", "stop", "retry", "sync") and target.is_copy != is_copy_action):
            raise ApiError(501, f"Action '{action}' is not supported for this resource.")
        if name in ("start", "sync"):
            return self._start(session, target, operation)
        if name == "stop":
            return self._stop(session, target, operation)
        if name == "retry":
            return self._retry(session, target, operation)
        if name == "clone":
            return self._clone(session, target, operation)
        return self._toggle(session, target, operation)

    def _task(self, session: LogonSession, operation: str, success: bool, message: str, run: Run | None = None) -> Task:
        related = None if run is None else Link("Related", run.spec.entity_path(run.id), run.spec.name)
        return self._backend.action_task(session, operation, success, message, related)

    def _start(self, session: LogonSession, job: Job, operation: str) -> Task:
        if self._backend.world.active_run(job) is not None:
            return self._task(session, operation, False, f'Job "{job.name}" is already running.')
        run = self._backend.world.start_run(job)
        return self._task(session, operation, True, f'Job "{job.name}" triggered to start.', run)

    def _stop(self, session: LogonSession, job: Job, operation: str) -> Task:
        run = self._backend.world.active_run(job)
        if run is None:
            return self._task(session, operation, False, f'Job "{job.name}" is not running.')
        self._end(run)
        return self._task(session, operation, True, f'Job "{job.name}" triggered to stop.', run)

    def _stop_run(self, session: LogonSession, run: Run) -> Task:
        if run.is_over(self._backend.clock.now()):
            return self._task(session, "StopJobSession", False, f'Job Session "{run.name}" is not running.')
        self._end(run)
        return self._task(session, "StopJobSession", True, f'Job Session "{run.name}" triggered to stop.', run)

    def _end(self, run: Run) -> None:
        run.stop(self._backend.clock.now(), self._backend.switches.run_stopping)
        self._backend.world.touch()

    def _retry(self, session: LogonSession, job: Job, operation: str) -> Task:
        world = self._backend.world
        if world.active_run(job) is not None:
            return self._task(session, operation, False, f'Job "{job.name}" is already running.')
        runs = world.runs_of(job)
        if not runs or runs[-1].outcome not in (FAILED, WARNING):
            return self._task(session, operation, False, f'Job "{job.name}" has nothing to retry.')
        run = world.start_run(job, is_retry=True)
        return self._task(session, operation, True, f'Job "{job.name}" triggered to retry.', run)

    def _clone(self, session: LogonSession, job: Job, operation: str) -> Task:
        copy = self._backend.world.clone(job)
        link = Link("Related", copy.spec.entity_path(copy.id), "Job", copy.name)
        return self._backend.action_task(session, operation, True, "OK", link)

    def _toggle(self, session: LogonSession, job: Job, operation: str) -> Task:
        task = self._backend.action_task(session, operation, True, "Ok")
        job.toggle(task.created + task.running_for, task)
        return task
