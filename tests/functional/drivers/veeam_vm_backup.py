# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_vm_backup is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import Scenario
from .checks import check_action_failure, check_equal, check_finished_task, check_job_session, check_task, list_actions, same
from .infrastructure import UNIQUE_ID, VCENTER, make_infrastructure
from .observation import Observation, Setup

WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}
REPOSITORY = "Default Backup Repository"


def check_backup(observed: Observation, healthy: Observation) -> Iterator[str]:
    """What is reported as begun has begun, of the machine that was named; success means that all of it went well."""
    shown = observed.shown
    started = [run for run in observed.setup.em.world.runs if run not in observed.setup.job_sessions]
    posts = [one for one in list_actions(observed) if "/tasks/" not in one.entry.path]
    # The server accepts a request and finds only then that nothing can be done; its task says so.
    is_done = bool(posts) and any(task.success for task in observed.tasks.values())
    if shown.get("task"):
        yield from check_task(observed, shown["task"])
    if shown.get("job_session"):
        yield from check_job_session(observed, shown["job_session"])
        if shown["job_session"]["uid"] not in [run.uid for run in started]:
            yield "the job session is not one that this request has started"
    if any([item.name for item, _protected in run.machines or ()] != ["sql01"] for run in started):
        yield "another machine was backed up"
    if observed.failure is not None:
        yield from check_action_failure(observed, is_done)
        if observed.error.get("kind") == "job_failed" and not any(run.outcome == "Failed" for run in started):
            yield "job_failed, although the job session did not fail"
        return
    yield from check_equal(observed, healthy, "machine")
    if not shown["changed"] or not is_done:
        yield "success, and no backup was started" if not is_done else "a backup was started, and changed is false"
        return
    wait_for = observed.setup.params["wait_for"]
    if wait_for != "nothing":
        yield from check_finished_task(observed)
    if wait_for == "session":
        yield from _check_end(observed, started[0])


def _check_end(observed: Observation, run: Any) -> Iterator[str]:
    if (observed.shown["job_session"] or {}).get("state") != "Stopped":
        yield "success, and the job session was not seen to stop"
    if not any(run.is_over(moment) for moment in observed.times):
        yield "success, and the job session had not stopped"
    if run.outcome == "Failed":
        yield "success, and the job session failed"


def _prepare(outcome: str, wait_for: str) -> Callable[[Setup], None]:
    """Return the preparation: sql01 has a full backup, and its next backup ends in this way."""

    def prepare(setup: Setup) -> None:
        make_infrastructure(setup)
        world = setup.em.world
        world.add_repository(REPOSITORY, "vbr01", 2**41, 2**40)
        machine = world.inventory.named("sql01")
        assert machine is not None
        machine.backup_script = [outcome]
        world.add_restore_point(machine, setup.em.clock.now() - 7200, job=setup.job)
        setup.job_sessions = list(world.runs)
        setup.params["wait_for"] = wait_for

    return prepare


def _scenario(name: str, wait_for: str = "session", *, outcome: str = "success", **settings: Any) -> Scenario:
    known = {key: settings.pop(key) for key in ("borrowed", "check_mode") if key in settings}
    rule = same("machine", "task", "job_session") if known.get("check_mode") else check_backup
    machine = {} if "moid" in settings else {"name": "sql01", "root": VCENTER, "backup_server": "vbr01.vbem.test"}
    return Scenario(name, rule, {**machine, **WAIT, **settings}, prepare=_prepare(outcome, wait_for), **known)


BY_ID = {"moid": "vm-101", "root": UNIQUE_ID, "backup_server": "vbr01.vbem.test"}
ZIP = {"mode": "zip", "repository": REPOSITORY}

SCENARIOS = [
    _scenario("backup-session"),
    _scenario("backup-session-borrowed", borrowed=True),
    _scenario("backup-task", "task", borrowed=True),
    _scenario("backup-nothing", "nothing", **BY_ID),
    _scenario("backup-warning", outcome="warning", borrowed=True),
    _scenario("backup-failing", outcome="failed", borrowed=True),
    _scenario("backup-check", borrowed=True, check_mode=True),
    _scenario("zip-session", borrowed=True, **ZIP),
    _scenario("zip-task-own", "task", **ZIP, **BY_ID),
    _scenario("zip-check", check_mode=True, **ZIP),
]
