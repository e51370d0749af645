# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_vm_restore is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import Scenario
from .checks import check_action_failure, check_equal, check_finished_task, check_task, list_actions, same
from .infrastructure import UNIQUE_ID, make_infrastructure
from .observation import Observation, Setup

WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}


def list_restores(observed: Observation) -> list[Any]:
    """Return the restore sessions that there are in truth; none is there before."""
    world = observed.setup.em.world
    return list(world.table(world.catalogue["RestoreSession"]))


def check_restore(observed: Observation, healthy: Observation) -> Iterator[str]:
    """What is reported as begun has begun, once, from the right restore point; success means that all of it went well."""
    shown, setup = observed.shown, observed.setup
    started = list_restores(observed)
    if len(started) > 1:
        yield f"{len(started)} restores were started"
    if any(one.point is not setup.job for one in started):
        yield "restored from another restore point"
    posts = [one for one in list_actions(observed) if "/tasks/" not in one.entry.path]
    is_done = bool(posts) and any(task.success for task in observed.tasks.values())
    if shown.get("task"):
        yield from check_task(observed, shown["task"])
    if shown.get("restore_session"):
        yield from _check_session(observed, shown["restore_session"], started)
    if observed.failure is not None:
        yield from check_action_failure(observed, is_done)
        if observed.error.get("kind") == "job_failed" and not any(one.outcome == "Failed" for one in started):
            yield "job_failed, although the restore did not fail"
        return
    wait_for = setup.params["wait_for"]
    for key in ("restore_point", "restored_ref", "moid") if wait_for == "session" else ("restore_point",):
        yield from check_equal(observed, healthy, key)
    if not started or not shown["changed"]:
        yield "success, and no restore was started" if not started else "a restore was started, and changed is false"
        return
    yield from _check_end(observed, wait_for, started[0])


def _check_end(observed: Observation, wait_for: str, session: Any) -> Iterator[str]:
    shown = observed.shown
    # Where the answer to the request was lost, the session was found without the task.
    if wait_for != "nothing" and shown["task"] is not None:
        yield from check_finished_task(observed)
    if shown["task"] is None and shown["restore_session"] is None:
        yield "success, and neither a task nor a restore session was seen"
    if wait_for == "session" and (shown["restore_session"] or {}).get("state") != "Stopped":
        yield "success, and the restore session was not seen to stop"
    if wait_for == "session" and session.outcome == "Failed":
        yield "success, and the restore failed"


def _check_session(observed: Observation, shown: dict[str, Any], started: list[Any]) -> Iterator[str]:
    session = next((one for one in started if one.uid == shown["uid"]), None)
    if session is None:
        yield "the restore session is not one that this request has started"
        return
    states = {session.state(moment) for moment in observed.times}
    if shown["state"] not in states:
        yield f"the restore session is reported as {shown['state']}, and was only ever {', '.join(sorted(states))}"
    if shown["result"] != (session.outcome if shown["state"] == "Stopped" else None):
        yield f"the restore session is reported with the result {shown['result']}"


def _prepare(outcome: str, wait_for: str) -> Callable[[Setup], None]:
    """Return the preparation: sql01 has two restore points, its namesake one, and its next restore ends in this way."""

    def prepare(setup: Setup) -> None:
        make_infrastructure(setup)
        world, now = setup.em.world, setup.em.clock.now()
        machine, other = world.inventory.named("sql01"), world.inventory.named("sql02")
        assert machine is not None
        assert other is not None
        machine.restore_script = [outcome]
        points = [world.add_restore_point(machine, now - hours * 3600, job=setup.job) for hours in (30, 6)]
        world.add_restore_point(other, now - 3600, job=setup.job)
        setup.job = points[-1]
        setup.params["wait_for"] = wait_for

    return prepare


def _prepare_point(setup: Setup) -> None:
    _prepare("success", "session")(setup)
    setup.params["restore_point"] = setup.job.uid


def _scenario(name: str, wait_for: str = "session", *, outcome: str = "success", **settings: Any) -> Scenario:
    known = {key: settings.pop(key) for key in ("borrowed", "check_mode", "prepare") if key in settings}
    rule = same("restore_point", "task", "restore_session") if known.get("check_mode") else check_restore
    machine = {} if "moid" in settings or "prepare" in known else {"name": "sql01"}
    mode = {} if "overwrite" in settings else {"keep_original": True}
    return Scenario(name, rule, {**machine, **mode, **WAIT, **settings}, **{"prepare": _prepare(outcome, wait_for), **known})


BY_ID = {"moid": "vm-101", "root": UNIQUE_ID, "backup_server": "vbr01.vbem.test"}

SCENARIOS = [
    _scenario("restore-session"),
    _scenario("restore-session-borrowed", borrowed=True),
    _scenario("restore-over", borrowed=True, overwrite=True, quick_rollback=True),
    _scenario("restore-point", borrowed=True, prepare=_prepare_point),
    _scenario("restore-id", **BY_ID),
    _scenario("restore-task", "task", borrowed=True),
    _scenario("restore-nothing", "nothing", borrowed=True),
    _scenario("restore-failing", outcome="failed", borrowed=True),
    _scenario("restore-check", borrowed=True, check_mode=True),
]
