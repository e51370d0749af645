# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules are asked to do: one scenario for each way that a module takes through the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.vbem.rest.plugins.lookup import veeam_query
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import decrypt
from ansible_collections.vbem.rest.plugins.modules import (
    veeam_job,
    veeam_job_info,
    veeam_query_info,
    veeam_session,
    veeam_task,
    veeam_task_info,
)

from . import rules
from .stage import PAD, Scene

WAIT = 40  # seconds; enough for what is healthy, and soon over if it is not


def _nothing(_scene: Scene) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Scenario:
    """A module, what it is given, what there is, and the rule for what it says."""

    name: str
    module: Any
    topic: Any
    params: dict[str, Any] = field(default_factory=dict)
    borrowed: bool = False
    credentials: bool = False  # besides a borrowed session
    prepare: Callable[[Scene], None] = _nothing
    check_mode: bool = False
    far: bool = False  # the server, so that much is done over several connections

    @property
    def group(self) -> str:
        """The name of the module, or of the lookup."""
        name = str(self.module.__name__).rpartition(".")[2]
        return f"{name} (lookup)" if self.module is veeam_query else name


# veeam_session


def _sealed(scene: Scene) -> None:
    scene.params["_open"] = lambda sealed: json.loads(decrypt(sealed, PAD))


def _sealed_and_gone(scene: Scene) -> None:
    _sealed(scene)
    scene.em.expire(scene.session)


def _logged_off(scene: Scene) -> None:
    scene.params["_own"] = True
    scene.params["state"] = "absent"


def _logged_off_before(scene: Scene) -> None:
    _logged_off(scene)
    scene.em.expire(scene.session)


SESSIONS = [
    Scenario("session-present-own", veeam_session, rules.session_present, prepare=_sealed),
    Scenario("session-present-alive", veeam_session, rules.session_present, borrowed=True, prepare=_sealed),
    Scenario("session-refresh-alive", veeam_session, rules.session_present, borrowed=True, credentials=True, prepare=_sealed),
    Scenario(
        "session-refresh-gone",
        veeam_session,
        rules.session_present,
        borrowed=True,
        credentials=True,
        prepare=_sealed_and_gone,
    ),
    Scenario("session-absent", veeam_session, rules.session_absent, borrowed=True, prepare=_logged_off),
    Scenario("session-absent-gone", veeam_session, rules.session_absent, borrowed=True, prepare=_logged_off_before),
]


# Tasks


def _five_tasks(scene: Scene) -> None:
    em, session = scene.em, scene.session
    assert session is not None
    em.make_task(session, "StartJob", message="Ok")
    em.make_task(session, "StopJob", success=False, message="Nobody there.")
    em.make_task(session, "StartJob", state="Running")
    em.make_task(session, "UpdateJob")
    em.make_task(session, "StartJob", state="OperationFinished")


def _named(*operations: str) -> Callable[[Scene], None]:
    """Prepare five tasks and name those of some operations."""

    def prepare(scene: Scene) -> None:
        _five_tasks(scene)
        assert scene.session is not None
        scene.params["task_id"] = [task.id for task in scene.session.tasks if task.operation in operations]

    return prepare


def _nine_tasks(scene: Scene) -> None:
    assert scene.session is not None
    scene.em.make_tasks(scene.session, 9)


def _forced(scene: Scene) -> None:
    _five_tasks(scene)
    scene.params["force"] = True


def _gone(scene: Scene) -> None:
    _five_tasks(scene)
    scene.params["task_id"] = ["task-4711"]


def _moving(scene: Scene) -> None:
    em, session = scene.em, scene.session
    assert session is not None
    em.make_task(session, "EditJob")
    em.make_task(session, running_for=0.3, collecting_for=0.2)
    em.make_task(session, running_for=0.1, collecting_for=0.1)


def _moving_to_failure(scene: Scene) -> None:
    _moving(scene)
    assert scene.session is not None
    scene.em.make_task(scene.session, running_for=0.2, success=False, message="Nobody there.")


LISTED = rules.same("tasks")
ABSENT = {"state": "absent"}
FINISHED = {"state": "finished", "wait_timeout": WAIT}

TASKS = [
    Scenario("tasks-pages", veeam_task_info, LISTED, {"page_size": 2}, True, prepare=_five_tasks),
    Scenario(
        "tasks-filter", veeam_task_info, LISTED, {"task_state": ["Finished"], "success": False}, True, prepare=_five_tasks
    ),
    Scenario("tasks-none", veeam_task_info, LISTED, {"operation": ["CloneJob"]}, True, prepare=_five_tasks),
    Scenario("tasks-own", veeam_task_info, LISTED),
    Scenario("absent-ids", veeam_task, rules.tasks_absent, ABSENT, True, prepare=_named("StopJob", "UpdateJob")),
    Scenario("absent-state", veeam_task, rules.tasks_absent, {**ABSENT, "operation": ["StartJob"]}, True, prepare=_five_tasks),
    Scenario("absent-force", veeam_task, rules.tasks_absent, {**ABSENT, "operation": ["StartJob"]}, True, prepare=_forced),
    Scenario(
        "absent-far",
        veeam_task,
        rules.tasks_absent,
        {**ABSENT, "task_state": ["Finished"]},
        True,
        prepare=_nine_tasks,
        far=True,
    ),
    Scenario("absent-gone", veeam_task, rules.tasks_absent, ABSENT, True, prepare=_gone),
    Scenario("absent-own", veeam_task, rules.tasks_absent, {**ABSENT, "task_state": ["Finished"]}),
    Scenario("absent-check", veeam_task, rules.same("tasks"), {**ABSENT, "success": True}, prepare=_nothing, check_mode=True),
    Scenario("finished", veeam_task, rules.tasks_finished, {**FINISHED, "filter": "Operation!=Nothing"}, True, prepare=_moving),
    Scenario(
        "finished-failed",
        veeam_task,
        rules.tasks_finished,
        {**FINISHED, "operation": ["StartJob"]},
        True,
        prepare=_moving_to_failure,
    ),
    Scenario("finished-own", veeam_task, rules.tasks_finished, {**FINISHED, "operation": ["StartJob"]}),
]


# Jobs


def _job(name: str, kind: str = "job", server: str | None = None, *, running: bool = False) -> Callable[[Scene], None]:
    """Prepare a job, and a run of it that goes on."""

    def prepare(scene: Scene) -> None:
        scene.job = scene.em.world.job(name, server, kind)
        if running:
            scene.run = scene.em.world.start_run(scene.job)
            scene.em.clock.advance(1.0)  # until it can be seen

    return prepare


def _to_do(name: str, state: str, wait_for: str = "task", **params: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "wait_for": wait_for, "wait_timeout": WAIT, "poll_interval": 5, **params}


def _job_scenario(
    name: str,
    job: str,
    state: str,
    wait_for: str = "task",
    *,
    borrowed: bool = False,
    running: bool = False,
    check_mode: bool = False,
    **params: Any,
) -> Scenario:
    kind = params.get("kind", "job")
    return Scenario(
        name,
        veeam_job,
        rules.same("job", "task") if check_mode else rules.job(state, wait_for, schedule=params.get("schedule_enabled")),
        _to_do(job, state, wait_for, **params),
        borrowed,
        prepare=_job(job, kind, params.get("backup_server"), running=running),
        check_mode=check_mode,
    )


JOBS = [
    _job_scenario("start-nothing", "SQL Backup", "started", "nothing"),
    _job_scenario("start-task", "SQL Backup", "started"),
    _job_scenario("start-task-borrowed", "Daily Backup", "started", borrowed=True, backup_server="vbr02.vbem.test"),
    _job_scenario("start-session", "SQL Backup", "started", "session"),
    _job_scenario("start-session-borrowed", "SQL Backup", "started", "session", borrowed=True),
    _job_scenario("start-session-failing", "Failing Backup", "started", "session", borrowed=True),
    _job_scenario("start-running", "SQL Backup", "started", "session", borrowed=True, running=True),
    _job_scenario("start-copy", "Offsite Copy", "started", borrowed=True),
    _job_scenario("start-agent", "Linux Agents", "started", "session", borrowed=True, kind="agent"),
    _job_scenario("start-nas", "Shared Files", "started", kind="nas"),
    _job_scenario("start-and-schedule", "SQL Backup", "started", borrowed=True, schedule_enabled=False),
    _job_scenario("stop-task", "SQL Backup", "stopped", running=True),
    _job_scenario("stop-session", "SQL Backup", "stopped", "session", borrowed=True, running=True),
    _job_scenario("stop-idle", "SQL Backup", "stopped", borrowed=True),
    _job_scenario("retry", "Failing Backup", "retried", borrowed=True),
    Scenario(
        "schedule-off",
        veeam_job,
        rules.job(None, "task", schedule=False),
        {"name": "SQL Backup", "schedule_enabled": False, "wait_timeout": WAIT, "poll_interval": 5},
        prepare=_job("SQL Backup"),
    ),
    Scenario(
        "schedule-off-nothing",
        veeam_job,
        rules.job(None, "nothing", schedule=False),
        {"name": "SQL Backup", "schedule_enabled": False, "wait_for": "nothing"},
        True,
        prepare=_job("SQL Backup"),
    ),
]

SEEN = rules.same("jobs")

JOB_INFOS = [
    Scenario("jobs-pages-runs", veeam_job_info, SEEN, {"page_size": 3, "last_session": True, "job_type": "Backup"}, True),
    Scenario("jobs-name", veeam_job_info, SEEN, {"name": "Daily Backup", "last_session": True}),
    Scenario("jobs-none", veeam_job_info, SEEN, {"name": "No Such Job"}, True),
    Scenario("jobs-agent", veeam_job_info, SEEN, {"kind": "agent"}),
    Scenario("jobs-nas", veeam_job_info, SEEN, {"kind": "nas", "last_session": True}, True),
]

ASKED = rules.same("resources")
RUNS = {"type": "BackupJobSession"}

QUERIES = [
    Scenario("entities-pages", veeam_query_info, ASKED, {**RUNS, "page_size": 6}),
    Scenario("references-pages", veeam_query_info, ASKED, {"type": "Job", "format": "references", "page_size": 2}, True),
    Scenario(
        "entities-sorted",
        veeam_query_info,
        ASKED,
        {**RUNS, "filter": "Result==Success", "sort_by": "CreationTime", "descending": True, "limit": 5, "page_size": 3},
        True,
    ),
    Scenario("entities-none", veeam_query_info, ASKED, {"type": "Repository"}, True),
    Scenario("lookup-pages", veeam_query, ASKED, {"type": ["Job", "BackupServer"], "page_size": 4}),
    Scenario("lookup-borrowed", veeam_query, ASKED, {**RUNS, "page_size": 8}, True),
]

SCENARIOS = [*SESSIONS, *TASKS, *JOBS, *JOB_INFOS, *QUERIES]
