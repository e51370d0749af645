# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_job is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator.document import Link

from . import Scenario
from .checks import (
    check_action_failure,
    check_equal,
    check_finished_task,
    check_job_session,
    check_task,
    list_actions,
    same,
)
from .observation import Observation, Setup

WAIT_TIMEOUT = 40  # seconds; enough without a fault, and soon over with one
MUCH_LATER = 1e12


def reach(state: str | None, wait_for: str, *, schedule: bool | None = None) -> Any:
    """Return the rule for bringing a job to a state."""

    def rule(observed: Observation, healthy: Observation) -> Iterator[str]:
        started = _list_started(observed)
        posts = [one for one in observed.done("POST", "/api/") if "sessionmngr" not in one.entry.path.lower()]
        # The server accepts a request and finds only then that nothing can be done; its task says so.
        is_done = bool(posts) and any(task.success for task in observed.tasks.values())
        if observed.shown.get("task"):
            yield from check_task(observed, observed.shown["task"])
        if observed.shown.get("job_session"):
            yield from check_job_session(observed, observed.shown["job_session"])
        if observed.failure is not None:
            yield from _check_failure(observed, is_done)
            return
        assert observed.result is not None
        if observed.result["changed"] != is_done:
            yield f"changed is {observed.result['changed']}, and {len(posts)} actions were carried out"
        job = observed.setup.job
        if observed.result["job"]["uid"] != job.uid:
            yield "the result is of another job"
        if schedule is not None and not (
            job.schedule_enabled(MUCH_LATER) is schedule is observed.result["job"]["schedule_enabled"]
        ):
            yield "the schedule is not as it is reported"
        run = started[0] if started else observed.setup.job_session
        yield from _check_state(observed, healthy, run, state, wait_for)
        if wait_for != "nothing" and is_done:
            yield from check_finished_task(observed)

    return rule


def _list_started(observed: Observation) -> list[Any]:
    return [run for run in observed.setup.em.world.runs if run not in observed.setup.job_sessions]


def _check_state(observed: Observation, healthy: Observation, run: Any, state: str | None, wait_for: str) -> Iterator[str]:
    if state in ("started", "retried") and run is None and (healthy.result or {})["changed"]:
        yield f"reported as {state}, and was not"
    was_over = run is None or any(run.is_over(moment) for moment in observed.times)  # it may end by itself
    if state == "stopped" and not was_over and run.stop_asked is None and not observed.is_clock_set_back:
        yield "reported as stopped, and was not"
    is_followed = (
        run is not None
        and state is not None
        and (run is not observed.setup.job_session or run.stop_asked or state == "started")
    )
    if wait_for == "session" and is_followed:
        yield from _check_stopped_session(observed, run, state)


def _check_stopped_session(observed: Observation, run: Any, state: str | None) -> Iterator[str]:
    assert observed.result is not None
    shown = observed.result["job_session"]
    if not shown or shown["uid"] != run.uid:
        yield "the job session is another one than was started"
        return
    if shown["state"] != "Stopped" or not any(run.is_over(moment) for moment in observed.times):
        yield "success, and the job session was not seen to stop"
    if run.outcome == "Failed" and state != "stopped":
        yield "success, and the job session failed"


def _check_failure(observed: Observation, is_done: bool) -> Iterator[str]:
    yield from check_action_failure(observed, is_done)
    runs = [run for run in (*_list_started(observed), observed.setup.job_session) if run is not None]
    if observed.error.get("kind") == "job_failed" and not any(run.outcome == "Failed" for run in runs):
        yield "job_failed, although the job session did not fail"


def describe(**wanted: Any) -> Any:
    """Return the rule for state present: the job is as described, there is one of its name, and nothing else was touched."""

    def rule(observed: Observation, healthy: Observation) -> Iterator[str]:
        yield from _check_lifecycle(observed)
        world, name = observed.setup.em.world, observed.setup.params["name"]
        jobs = [job for job in world.jobs if job.name == name and job not in observed.setup.others]
        others = {job.uid: _read_facts(job) for job in observed.setup.others}
        if others != observed.setup.facts:
            yield "another job was changed"
        if len(jobs) > 1:
            yield "the job was created twice"
        if observed.result is None:
            return
        if not jobs or observed.result["job"]["uid"] != jobs[0].uid:
            yield "success, and the job is another one, or there is none"
            return
        facts = _read_facts(jobs[0])
        for key, value in wanted.items():
            if facts[key] != value:
                yield f"success, and {key} is {facts[key]}"
        for key in ("created", "differences", "diff"):
            yield from check_equal(observed, healthy, key)

    return rule


def delete(*, stays: bool = False) -> Any:
    """Return the rule for state absent: a success means that the job is gone, and no other is."""

    def rule(observed: Observation, healthy: Observation) -> Iterator[str]:
        yield from _check_lifecycle(observed)
        uids = {job.uid for job in observed.setup.em.world.jobs}
        if not uids >= {job.uid for job in observed.setup.others}:
            yield "another job was deleted"
        is_gone = observed.setup.job.uid not in uids
        if stays and is_gone:
            yield "the job was deleted"
        if observed.result is not None and not is_gone:
            yield "success, and the job is there"
        if observed.shown.get("job_session"):
            yield from check_job_session(observed, observed.shown["job_session"])

    return rule


def _check_lifecycle(observed: Observation) -> Iterator[str]:
    actions = list_actions(observed)
    is_done = any("/tasks/" not in one.entry.path for one in actions) and any(task.success for task in observed.tasks.values())
    if observed.shown.get("task"):
        yield from check_task(observed, observed.shown["task"])
    if observed.failure is not None:
        yield from check_action_failure(observed, is_done)
    elif observed.result is not None and observed.result["changed"] != is_done and not any(one.fault for one in observed.log):
        yield f"changed is {observed.result['changed']}, and {len(actions)} actions were carried out"


def _read_facts(job: Any) -> dict[str, Any]:
    """Return what a job is in truth."""
    policy = job.retention_options.get("SimpleRetentionPolicy", {})
    options = next(iter(job.schedule_options.values()))
    return {
        "description": job.description,
        "days": policy.get("RetainDaysToKeep"),
        "time": (options.get("OptionsDaily") or {}).get("Time"),
        "enabled": job.schedule_enabled(MUCH_LATER),
    }


def _remember(setup: Setup) -> None:
    """Note the jobs that are not to be touched, and what they are."""
    setup.others = [job for job in setup.em.world.jobs if job is not setup.job]
    setup.facts = {job.uid: _read_facts(job) for job in setup.others}


def _make_repository(setup: Setup) -> None:
    """Make the repository of the template's backups."""
    world, template = setup.em.world, setup.em.world.job("SQL Backup")
    repository = world.add_repository("Default Backup Repository", template.server.name, 2**40, 2**39)
    up = Link("Up", repository.spec.reference_path(repository.id), "RepositoryReference", repository.name)
    world.add_row("Backup", template.name, server=template.server, links=[up], JobUid=template.uid)


def _present(name: str, job: str, rule: Any, *, check_mode: bool = False, borrowed: bool = True, **params: Any) -> Scenario:
    def prepare(setup: Setup) -> None:
        setup.job = next((one for one in setup.em.world.jobs if one.name == job), None)
        setup.params["name"] = job
        if "template" in params:
            _make_repository(setup)
        _remember(setup)

    given = {"state": "present", "wait_timeout": WAIT_TIMEOUT, "poll_interval": 5, **params}
    return Scenario(name, rule, given, borrowed=borrowed, prepare=prepare, check_mode=check_mode)


def _absent(name: str, *, running: bool = False, check_mode: bool = False, borrowed: bool = True, **params: Any) -> Scenario:
    def prepare(setup: Setup) -> None:
        _find_job("SQL Backup", running=running)(setup)
        _remember(setup)

    given = {"name": "SQL Backup", "state": "absent", "wait_timeout": WAIT_TIMEOUT, "poll_interval": 5, **params}
    rule = same("job", "diff") if check_mode else delete()
    return Scenario(name, rule, given, borrowed=borrowed, prepare=prepare, check_mode=check_mode)


def _find_job(name: str, kind: str = "job", server: str | None = None, *, running: bool = False) -> Callable[[Setup], None]:
    """Return the preparation of a job and, if it is to be running, of a job session."""

    def prepare(setup: Setup) -> None:
        setup.job = setup.em.world.job(name, server, kind)
        if running:
            setup.job_session = setup.em.world.start_run(setup.job)
            setup.em.clock.advance(1.0)  # until it is listed

    return prepare


def _scenario(
    name: str,
    job: str,
    state: str | None,
    wait_for: str = "task",
    *,
    borrowed: bool = False,
    running: bool = False,
    check_mode: bool = False,
    **params: Any,
) -> Scenario:
    rule = same("job", "task") if check_mode else reach(state, wait_for, schedule=params.get("schedule_enabled"))
    given = {"name": job, "state": state, "wait_for": wait_for, "wait_timeout": WAIT_TIMEOUT, "poll_interval": 5, **params}
    prepare = _find_job(job, params.get("kind", "job"), params.get("backup_server"), running=running)
    return Scenario(name, rule, given, borrowed=borrowed, prepare=prepare, check_mode=check_mode)


DAILY = {"time": "23:15", "days": "everyday"}
FROM_TEMPLATE = {"template": "SQL Backup", "repository": "Default Backup Repository"}

SCENARIOS = [
    _scenario("start-nothing", "SQL Backup", "started", "nothing"),
    _scenario("start-task", "SQL Backup", "started"),
    _scenario("start-task-borrowed", "Daily Backup", "started", borrowed=True, backup_server="vbr02.vbem.test"),
    _scenario("start-session", "SQL Backup", "started", "session"),
    _scenario("start-session-borrowed", "SQL Backup", "started", "session", borrowed=True),
    _scenario("start-session-failing", "Failing Backup", "started", "session", borrowed=True),
    _scenario("start-running", "SQL Backup", "started", "session", borrowed=True, running=True),
    _scenario("start-copy", "Offsite Copy", "started", borrowed=True),
    _scenario("start-agent", "Linux Agents", "started", "session", borrowed=True, kind="agent"),
    _scenario("start-nas", "Shared Files", "started", kind="nas"),
    _scenario("start-check", "SQL Backup", "started", borrowed=True, check_mode=True, schedule_enabled=False),
    _scenario("start-and-schedule", "SQL Backup", "started", borrowed=True, schedule_enabled=False),
    _scenario("stop-task", "SQL Backup", "stopped", running=True),
    _scenario("stop-session", "SQL Backup", "stopped", "session", borrowed=True, running=True),
    _scenario("stop-idle", "SQL Backup", "stopped", borrowed=True),
    _scenario("retry", "Failing Backup", "retried", borrowed=True),
    _scenario("schedule-off", "SQL Backup", None, schedule_enabled=False),
    _scenario("schedule-off-nothing", "SQL Backup", None, "nothing", borrowed=True, schedule_enabled=False),
    _present(
        "describe", "SQL Backup", describe(description="db", days=21), description="db", retention={"type": "days", "count": 21}
    ),
    _present("describe-own", "SQL Backup", describe(time="23:15:00"), borrowed=False, schedule={"daily": DAILY}),
    _present("describe-as-it-is", "SQL Backup", describe(days=14), retention={"type": "days", "count": 14}),
    _present("describe-check", "SQL Backup", same("job", "diff"), check_mode=True, description="db"),
    _present("create", "Web Backup", describe(description="web"), template="SQL Backup", description="web"),
    _present("create-own", "Web Backup", describe(enabled=True), borrowed=False, schedule_enabled=True, **FROM_TEMPLATE),
    _present("create-check", "Web Backup", same("job", "diff"), check_mode=True, description="web", **FROM_TEMPLATE),
    _absent("delete"),
    _absent("delete-own", borrowed=False),
    _absent("delete-running", running=True),
    _absent("delete-stop", running=True, force=True),
    _absent("delete-check", running=True, check_mode=True),
]
