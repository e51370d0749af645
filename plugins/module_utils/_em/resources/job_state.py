# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a job to a desired state: planning, sending the requests, and following them to the end of the job session."""

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
from .job_sessions import JobSessions
from .jobs import JOB_KINDS, UID, Job, find_job, find_jobs, offers_sync
from .session_search import MAX_LISTING_DELAY, SessionSearch, find_requested_here
from .session_states import STOPPED, Phase, get_phase
from .session_wait import SessionWaiter, create_open_ended_error, create_wait_timeout, raise_for_result
from .task_action import TaskAction

# The links that carry out a state; the first one that a job has is used. A backup copy job has Sync and no Start.
ACTION_LINKS = {"started": ("Start", "Sync"), "stopped": ("Stop",), "retried": ("Retry",)}
TASK_COLLECT_TIMEOUT = 60  # seconds
LOOKUP_HINT = "check the job's latest session (vbem.rest.veeam_job_info with last_session: true) before you try again"


class DesiredState(NamedTuple):
    """What a playbook wants of a job. Times are in seconds."""

    state: str | None
    schedule_enabled: bool | None
    wait_for: str
    wait_timeout: int
    poll_interval: int
    fail_on_warning: bool
    wait_for_retries: int = 0  # after a run that failed, for the backup server's own retry of it


class Plan(NamedTuple):
    """The requests that are needed: the paths to POST to, None where none is needed."""

    toggle: str | None
    action: str | None
    active: dict[str, Any] | None  # the job session that is as desired, or that is to be stopped
    latest: dict[str, Any] | None  # the newest job session, whatever its state
    ending: dict[str, Any] | None  # a job session that has to end before anything can be started; then a new plan is made

    @property
    def is_change(self) -> bool:
        """Return whether anything has to be done."""
        return bool(self.toggle or self.action)


def plan(sessions: JobSessions, job: Job, desired: DesiredState, budget: WaitBudget | None = None) -> Plan:
    """Return the plan. Only reads. Raise ``invalid_option`` for what the job cannot do.

    With a budget, wait for requests of this logon session that have not been carried out yet.
    """
    toggle = action = active = latest = ending = None
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
        # An empty answer to the filter by state may come from a server that ignores it, or that cannot read it.
        latest = sessions.find_active(job.data) or sessions.find_latest(job.data)
        if desired.state == "stopped" and (latest is None or latest["state"] == STOPPED):
            latest = find_requested_here(sessions, job.data, budget) or latest
        phase = Phase.ENDED if latest is None else get_phase(latest, offers_sync=offers_sync(job))
        if phase is Phase.RUNNING or (phase is Phase.ENDING and desired.state == "stopped"):
            active = latest
        elif phase is Phase.ENDING:
            ending = latest
        if phase is Phase.WAITING and desired.state == "started" and desired.wait_for == "session" and latest is not None:
            raise create_open_ended_error(str(job.data["name"]), latest)
        if _is_needed(desired.state, phase, latest):
            action = _get_action(job, ACTION_LINKS[desired.state], f"state: {desired.state}")
    return Plan(toggle, action, active, latest, ending)


def _is_needed(state: str, phase: Phase, latest: Mapping[str, Any] | None) -> bool:
    """Return whether the state needs a request. While a run ends, it is assumed to end without success."""
    if state == "started":
        return phase is not Phase.RUNNING
    if state == "stopped":
        return phase is Phase.RUNNING
    has_failed = latest is not None and latest["result"] in ("Failed", "Warning")
    return phase is Phase.ENDING or (phase is Phase.ENDED and has_failed)


def _get_action(job: Job, rels: tuple[str, ...], option: str) -> str:
    """Return the path of the first of these actions that the job's links offer. Raise ``invalid_option`` if there is none."""
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

    def __init__(  # noqa: PLR0913 - what is to be done, and within what time
        self, sessions: JobSessions, job: Job, desired: DesiredState, planned: Plan, budget: WaitBudget, *, job_kind: str
    ) -> None:
        self.client = sessions.client
        self.sessions = sessions
        self.job = job
        self.desired = desired
        self.plan = planned
        self.job_kind = job_kind
        self.changed = False
        self.action: TaskAction | None = None  # the latest one
        self.session = planned.active
        self.budget = budget
        self.search: SessionSearch | None = None  # for the job session of the latest action

    def result(self) -> dict[str, Any]:
        """Return the result so far."""
        task = self.action.task if self.action else None
        return {"changed": self.changed, "job": self.job.data, "task": task, "job_session": self.session}

    def execute(self) -> dict[str, Any]:
        """Send the planned requests, wait as far as is desired, and return the result."""
        try:
            if self.plan.toggle:
                self._toggle_schedule(self.plan.toggle)
            while self.plan.ending is not None:
                self._await_end(self.plan.ending)
            if self.plan.action:
                self._act(self.plan.action)
            if self.desired.wait_for == "session" and self.desired.state is not None:
                self._wait_for_session()
            elif self.desired.wait_for == "task" and self.session is None and self.plan.action:
                self._confirm_session()
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _await_end(self, session: dict[str, Any]) -> None:
        """Wait until a stopping job session has stopped, and plan again: another client may have started the next one."""
        try:
            self._create_waiter().wait(session)
        except EmError as err:
            if err.kind == "wait_timeout":
                err.add_context(f"The job was not {self.desired.state}, because its previous run has not ended.")
            raise
        self.plan = plan(self.sessions, self.job, self.desired._replace(schedule_enabled=None))
        self.session = self.plan.active

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
        uid = Comparison(UID, "==", self.job.data["uid"])

        def is_shown() -> bool | None:
            fresh = find_jobs(self.client, JOB_KINDS[self.job_kind], (uid,))
            if len(fresh) == 1:
                self.job = fresh[0]
            return True if self.job.data["schedule_enabled"] is self.desired.schedule_enabled else None

        shown = poll(self.client, is_shown, self.budget)
        if isinstance(shown, TimedOut):
            raise create_wait_timeout(
                self.budget,
                str(self.job.data["name"]),
                "its schedule is not listed as changed, although the change was carried out. Look at the job before you run the"
                " task again: the server only offers to toggle the schedule, so a second change would undo the first",
                shown,
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
            return self._find_running() is None
        if self.desired.state == "retried":
            return False
        found = poll(
            self.client,
            self._find_running,
            self.budget,
            deadline=min(self.budget.deadline, self.client.clock() + MAX_LISTING_DELAY),
        )
        if isinstance(found, TimedOut):
            return False
        self.session = found
        return True

    def _find_running(self) -> dict[str, Any] | None:
        active = self.sessions.find_active(self.job.data)
        is_running = active is not None and get_phase(active, offers_sync=offers_sync(self.job)) is Phase.RUNNING
        return active if is_running else None

    def _confirm_session(self) -> None:
        """Wait until the job session that was started is listed, so that the next query does not miss it.

        A session that is not listed in time is only a warning, because the result does not depend on it.
        """
        try:
            deadline = min(self.budget.deadline, self.client.clock() + MAX_LISTING_DELAY)
            found = poll(self.client, self._find_session, self.budget, deadline=deadline)
            problem = found.explain() if isinstance(found, TimedOut) else None
            self.session = None if isinstance(found, TimedOut) else found
        except EmError as err:
            if err.kind == "session_lost":
                raise
            problem = f" {err.msg}"
        if problem is not None:
            self.client.warnings.append(
                f"The job session of {self.job.data['name']} that was {self.desired.state} is not listed yet; a task that"
                f" reads the list now, such as state: stopped, may miss it.{problem}"
            )

    def _wait_for_session(self) -> None:
        """Find the job session, unless it is known already, and wait until it has stopped."""
        if self.session is None:
            if not self.plan.action:
                return
            found = poll(self.client, self._find_session, self.budget)
            if isinstance(found, TimedOut):
                why = self.search.explain() if self.search is not None else ""
                raise self._create_timeout(f"its job session has not shown up: {why}", found)
            self.session = found
        waiter = self._create_waiter()
        try:
            waiter.wait(self.session)
            if self.desired.state != "stopped":
                self._await_retries(waiter)
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

    def _await_retries(self, waiter: SessionWaiter) -> None:
        """Wait for the backup server's own retries of a failed run, as long as is wanted, until one does not fail."""
        deadline = self.client.clock() + self.desired.wait_for_retries
        while waiter.session["result"] == "Failed" and self.client.clock() < min(deadline, self.budget.deadline):
            search = SessionSearch(self.sessions, self.job.data, before=waiter.session, requested_at=None)
            found = poll(self.client, search.find, self.budget, deadline=min(deadline, self.budget.deadline), pause_first=True)
            if isinstance(found, TimedOut):
                return
            waiter.wait(found)
            deadline = self.client.clock() + self.desired.wait_for_retries

    def _create_waiter(self) -> SessionWaiter:
        return SessionWaiter(
            self.client,
            self.budget,
            subject=str(self.job.data["name"]),
            read=self.sessions.read,
            is_listed=lambda session: self.sessions.is_listed(self.job.data, session),
            is_open_ended=lambda session: get_phase(session, offers_sync=offers_sync(self.job)) is Phase.WAITING,
        )

    def _find_session(self) -> dict[str, Any] | None:
        """Return the job session that the latest action has made, as far as it is listed."""
        action = self.action
        if self.search is None:
            requested_at = action.requested_at if action else None
            self.search = SessionSearch(self.sessions, self.job.data, before=self.plan.latest, requested_at=requested_at)
        return self.search.find(action.task["related"] if action and action.task else ())

    def _create_timeout(self, state: str, timed_out: TimedOut) -> EmError:
        return create_wait_timeout(self.budget, str(self.job.data["name"]), state, timed_out)


def manage_job(client: Client, params: Mapping[str, Any], desired: DesiredState, *, check_mode: bool) -> dict[str, Any]:
    """Bring a job to the desired state, or return what that would do."""
    job = find_job(client, params)
    sessions = JobSessions(client)
    if check_mode:
        return create_check_mode_result(job, desired, plan(sessions, job, desired))
    budget = WaitBudget(client, desired.wait_timeout, desired.poll_interval)
    planned = plan(sessions, job, desired, budget)
    return JobExecution(sessions, job, desired, planned, budget, job_kind=params["kind"]).execute()
