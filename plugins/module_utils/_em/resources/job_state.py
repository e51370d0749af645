# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a job to a desired state: what has to be done, doing it, and following it to the end of the job session."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import read_text
from ..protocol.filters import Comparison
from ..protocol.links import find_link, get_path
from .job_sessions import MAX_CLOCK_SKEW, STOPPED, JobSessions
from .jobs import JOB_KINDS, UID, Job, find_job, find_jobs
from .session_wait import SessionWaiter, create_wait_timeout, raise_for_result
from .task_action import TaskAction

# The links that carry out a state; the first one that a job has is used. A backup copy job has Sync and no Start.
ACTION_LINKS = {"started": ("Start", "Sync"), "stopped": ("Stop",), "retried": ("Retry",)}
TASK_COLLECT_TIMEOUT = 60  # seconds
CONCURRENT_START_WINDOW = 3  # seconds in which the session of somebody who was quicker is looked for
LOOKUP_HINT = "check the job's latest session (vbem.rest.veeam_job_info with last_session: true) before you try again"


class DesiredState(NamedTuple):
    """What a playbook wants of a job. Times are in seconds."""

    state: str | None
    schedule_enabled: bool | None
    wait_for: str
    wait_timeout: int
    poll_interval: int
    fail_on_warning: bool


class Plan(NamedTuple):
    """What has to be done for it: the paths to post to, None where nothing has to be done."""

    toggle: str | None
    action: str | None
    active: dict[str, Any] | None  # the job session that is not stopped
    latest: dict[str, Any] | None  # the newest job session, stopped or not

    @property
    def is_change(self) -> bool:
        """Return whether anything has to be done."""
        return bool(self.toggle or self.action)


def plan(sessions: JobSessions, job: Job, desired: DesiredState) -> Plan:
    """Return what has to be done. Only reads. Raise ``invalid_option`` for what the job cannot do."""
    toggle = action = active = latest = None
    if desired.schedule_enabled is not None and job.data["schedule_enabled"] is None:
        raise EmError(
            "bad_response",
            f"The server does not say whether the schedule of {job.data['name']} is enabled, and only offers to toggle it,"
            " so nothing was done.",
            result={"job": job.data},
        )
    if desired.schedule_enabled is not None and job.data["schedule_enabled"] is not desired.schedule_enabled:
        toggle = _get_action(job, ("ToggleScheduleEnabled",), "schedule_enabled")
    if desired.state is not None:
        active = latest = sessions.find_active(job.data)
        if active is None and (desired.state != "started" or desired.wait_for == "session"):
            latest = sessions.find_latest(job.data)
            if latest is not None and latest["state"] != STOPPED:  # the server may have ignored the filter by state
                active = latest
        if _is_needed(desired.state, active, latest):
            action = _get_action(job, ACTION_LINKS[desired.state], f"state: {desired.state}")
    return Plan(toggle, action, active, latest)


def _is_needed(state: str, active: Mapping[str, Any] | None, latest: Mapping[str, Any] | None) -> bool:
    if state == "started":
        return active is None
    if state == "stopped":
        return active is not None
    return active is None and latest is not None and latest["result"] in ("Failed", "Warning")


def _get_action(job: Job, rels: tuple[str, ...], option: str) -> str:
    """Return the path of a job's action: of the first of these links that it has."""
    for rel in rels:
        link = find_link(job.raw, rel)
        if link is not None:
            return get_path(read_text(link, "href") or "")
    raise EmError(
        "invalid_option",
        f"{job.data['name']} does not support {option}. The server offers no {' or '.join(rels)} action for this job"
        f" (type {job.data['job_type'] or 'unknown'}) to this user.",
        result={"job": job.data},
    )


def create_check_mode_result(job: Job, desired: DesiredState, planned: Plan) -> dict[str, Any]:
    """Return the result of check mode."""
    data = dict(job.data)
    if planned.toggle:
        data["schedule_enabled"] = desired.schedule_enabled
    return {"changed": planned.is_change, "job": data, "task": None, "job_session": planned.active}


class JobExecution:
    """Carries out a plan. What was done so far is in the result, also in that of a failure."""

    def __init__(self, sessions: JobSessions, job: Job, desired: DesiredState, planned: Plan, *, job_kind: str) -> None:
        self.client = sessions.client
        self.sessions = sessions
        self.job = job
        self.desired = desired
        self.plan = planned
        self.job_kind = job_kind
        self.changed = False
        self.action: TaskAction | None = None  # the latest one
        self.session = planned.active
        self.budget = WaitBudget(self.client, desired.wait_timeout, desired.poll_interval)

    def result(self) -> dict[str, Any]:
        """Return the result as far as things have come."""
        task = self.action.task if self.action else None
        return {"changed": self.changed, "job": self.job.data, "task": task, "job_session": self.session}

    def execute(self) -> dict[str, Any]:
        """Do what is planned, follow it as far as is desired, and return the result."""
        try:
            if self.plan.toggle:
                self._toggle_schedule(self.plan.toggle)
            if self.plan.action:
                self._act(self.plan.action)
            if self.desired.wait_for == "session" and self.desired.state is not None:
                self._wait_for_session()
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _run_action(self, path: str) -> None:
        """Post to an action and wait for its task, unless nothing is waited for."""
        changed_before = self.changed
        action = self.action = TaskAction(self.client, self.budget, subject=str(self.job.data["name"]), lookup_hint=LOOKUP_HINT)
        # With wait_for=session, give up on a task stuck in OperationFinished and follow the job session.
        collect_timeout = TASK_COLLECT_TIMEOUT if self.desired.wait_for == "session" else None
        try:
            action.run("POST", path, wait=self.desired.wait_for != "nothing", collect_timeout=collect_timeout)
        finally:
            self.changed = changed_before or action.changed

    def _toggle_schedule(self, path: str) -> None:
        self._run_action(path)
        if self.desired.wait_for == "nothing":
            self.job = self.job._replace(data={**self.job.data, "schedule_enabled": self.desired.schedule_enabled})
            return
        data = self.job.data
        fresh = find_jobs(self.client, JOB_KINDS[self.job_kind], (Comparison(UID, "==", data["uid"]),))
        if len(fresh) == 1:
            self.job = fresh[0]
        if self.job.data["schedule_enabled"] is not self.desired.schedule_enabled:
            raise EmError(
                "server_error",
                f"The schedule of {data['name']} still differs from schedule_enabled after the change; another client may have"
                " changed it. Run the task again.",
            )

    def _act(self, path: str) -> None:
        try:
            self._run_action(path)
        except EmError as err:
            if err.kind != "task_failed" or not self._is_reached():
                raise

    def _is_reached(self) -> bool:
        """Return whether another client was quicker, so that the job is started or stopped as desired."""
        if self.desired.state == "stopped":
            return self.sessions.find_active(self.job.data) is None
        if self.desired.state == "retried":
            return False
        found = poll(
            self.client,
            lambda: self.sessions.find_active(self.job.data),
            self.budget,
            deadline=min(self.budget.deadline, self.client.clock() + CONCURRENT_START_WINDOW),
        )
        if isinstance(found, TimedOut):
            return False
        self.session = found
        return True

    def _wait_for_session(self) -> None:
        """Find the job session, unless one is known already, and wait until it has stopped."""
        if self.session is None:
            if not self.plan.action:
                return
            found = poll(self.client, self._find_session, self.budget)
            if isinstance(found, TimedOut):
                raise self._create_timeout(
                    "its job session has not shown up (one that, by the backup server's clock, began more than"
                    f" {MAX_CLOCK_SKEW} seconds before the request counts as another one)",
                    found,
                )
            self.session = found
        waiter = SessionWaiter(
            self.client,
            self.budget,
            subject=str(self.job.data["name"]),
            read=self.sessions.read,
            is_listed=lambda session: self.sessions.is_listed(self.job.data, session),
        )
        try:
            waiter.wait(self.session)
        finally:
            self.session = waiter.session
        action = self.action
        if action is not None and action.task is not None and action.task["state"] != "Finished":
            with suppress(EmError):  # by now it should be finished; the result of the job session is what counts
                action.refresh_task()
            action.remove_task()
        if self.desired.state != "stopped":
            session = self.session
            raise_for_result(
                session,
                fail_on_warning=self.desired.fail_on_warning,
                find_reasons=lambda: self.sessions.list_reasons(session),
            )

    def _find_session(self) -> dict[str, Any] | None:
        action = self.action
        for link in action.task["related"] if action and action.task else []:
            if (link["type"] or "").lower().endswith("jobsession") and link["href"]:
                try:
                    return self.sessions.read(link["href"])
                except EmError as err:
                    # It shows up late (wire facts, section 6.3), and no link may prevent the query.
                    if err.kind not in ("not_found", "bad_response") and err.status != 500:
                        raise
        requested_at = action.requested_at if action else None
        return self.sessions.find_latest(self.job.data, after=self.plan.latest, requested_at=requested_at)

    def _create_timeout(self, state: str, timed_out: TimedOut) -> EmError:
        return create_wait_timeout(self.budget, str(self.job.data["name"]), state, timed_out)


def manage_job(client: Client, params: Mapping[str, Any], desired: DesiredState, *, check_mode: bool) -> dict[str, Any]:
    """Bring a job to the desired state, or return what that would do."""
    job = find_job(client, params)
    sessions = JobSessions(client)
    planned = plan(sessions, job, desired)
    if check_mode:
        return create_check_mode_result(job, desired, planned)
    return JobExecution(sessions, job, desired, planned, job_kind=params["kind"]).execute()
