# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a POST to a job or a session of one does (wire-facts 6.1, 6.3)."""

from __future__ import annotations

from .document import Link
from .errors import ApiError
from .exchange import Reply
from .jobs import Job
from .runs import FAILED, WARNING, Run
from .writes import Handler, Write


def _job(write: Write) -> Job:
    job = write.row
    assert isinstance(job, Job)
    is_sync = write.operation.action == "sync"
    if write.operation.page.rpartition("action")[2] in ("start", "stop", "retry", "sync") and job.is_copy != is_sync:
        raise ApiError(501, f"Action '{write.operation.action}' is not supported for this resource.")
    return job


def related_run(write: Write, run: Run) -> Link:
    """Return the link from a task to its run, or to another one where the switches want it."""
    chosen, world = run, write.world
    if write.api.switches.related_run == "other_job":
        chosen = next((one for one in reversed(world.runs) if one.job is not run.job and one.spec is run.spec), run)
    elif write.api.switches.related_run == "old":
        chosen = next((one for one in reversed(world.runs_of(run.job)) if one is not run), run)
    return Link("Related", chosen.spec.entity_path(chosen.id), chosen.spec.name)


def start(write: Write) -> Reply:
    """Start a job, or let a copy synchronise."""
    job, world = _job(write), write.world
    active = world.active_run(job)
    now = write.request.now
    if active is not None and active.state(now) == "Idle":
        world.resume_run(active)
        return write.task(True, f'Job "{job.name}" triggered to start.', related_run(write, active))
    if active is not None:
        return write.task(False, f'Job "{job.name}" is already running.')
    run = world.start_run(job)
    return write.task(True, f'Job "{job.name}" triggered to start.', related_run(write, run))


def stop(write: Write) -> Reply:
    """Stop the run of a job."""
    job = _job(write)
    run = write.world.active_run(job)
    if run is None:
        return write.task(False, f'Job "{job.name}" is not running.')
    _end(write, run)
    return write.task(True, f'Job "{job.name}" triggered to stop.', related_run(write, run))


def stop_session(write: Write) -> Reply:
    """Stop one run."""
    run = write.row
    assert isinstance(run, Run)
    if run.is_over(write.request.now):
        return write.task(False, f'Job Session "{run.name}" is not running.')
    _end(write, run)
    return write.task(True, f'Job Session "{run.name}" triggered to stop.', related_run(write, run))


def _end(write: Write, run: Run) -> None:
    run.stop(write.request.now, write.api.switches.run_stopping)
    write.world.touch()


def retry(write: Write) -> Reply:
    """Try again what the last run failed to do."""
    job, world = _job(write), write.world
    if world.active_run(job) is not None:
        return write.task(False, f'Job "{job.name}" is already running.')
    runs = world.runs_of(job)
    if not runs or runs[-1].outcome not in (FAILED, WARNING):
        return write.task(False, f'Job "{job.name}" has nothing to retry.')
    run = world.start_run(job, is_retry=True)
    return write.task(True, f'Job "{job.name}" triggered to retry.', related_run(write, run))


def toggle(write: Write) -> Reply:
    """Turn the schedule on or off."""
    job = _job(write)
    delay = write.api.switches.schedule_delay
    if write.status == 204:
        return write.done(lambda: job.toggle(write.request.now + delay, None))
    return write.task(True, "Ok", on_task=lambda task: job.toggle(task.created + task.running_for + delay, task))


HANDLERS: dict[str, Handler] = {
    "post_backupsessions_id_stop": stop_session,
    "post_jobs_id_actionsync": start,
    **{f"post_{kind}jobs_id_actionstart": start for kind in ("", "agents_", "nas_")},
    **{f"post_{kind}jobs_id_actionstop": stop for kind in ("", "agents_", "nas_")},
    **{f"post_{kind}jobs_id_actionretry": retry for kind in ("", "agents_", "nas_")},
    **{f"post_{kind}jobs_id_actiontogglescheduleenabled": toggle for kind in ("", "agents_", "nas_")},
}
