# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing something with a job, and following it: from the request to its task, and on to the run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, poll
from ..client.status import is_unknown_task
from ..errors import EmError
from ..protocol.codec import read_text
from ..protocol.filters import Comparison
from ..protocol.links import find_link, get_path
from .job_sessions import CLOCKS_DIFFER, ENDED, find_active_run, find_last_run, is_run_listed, read_run
from .jobs import KINDS, UID, Job, find_job, find_jobs
from .tasks import create_task_path, list_task_ids, normalise_task, warn_of_no_outcome

# The links that carry out a state, the first one that a job has. A backup copy job has Sync and no Start.
ACTIONS = {"started": ("Start", "Sync"), "stopped": ("Stop",), "retried": ("Retry",)}
UNCOLLECTED_SECONDS = 60  # whether OperationFinished always becomes Finished is not known: wire facts, section 6.3
RIVAL_SECONDS = 3  # for which the run of somebody who was quicker is looked for
RESULTLESS_LOOKS = 5  # polls of a run that has stopped without a result, before that is called a failure


class Wishes(NamedTuple):
    """What a playbook wants of a job. Times are in seconds."""

    state: str | None
    schedule_enabled: bool | None
    wait_for: str
    wait_timeout: int
    poll_interval: int
    fail_on_warning: bool


class Plan(NamedTuple):
    """What has to be done for it: the addresses to post to, None where nothing is to be done."""

    toggle: str | None
    action: str | None
    active: dict[str, Any] | None  # the run that goes on
    last: dict[str, Any] | None  # the newest run, going on or not

    @property
    def is_change(self) -> bool:
        """Ask whether anything is to be done."""
        return bool(self.toggle or self.action)


def plan(client: Client, job: Job, wishes: Wishes) -> Plan:
    """Find out what has to be done. Reads only, and fails for what the job cannot do."""
    toggle = action = active = last = None
    if wishes.schedule_enabled is not None and job.shown["schedule_enabled"] is None:
        raise EmError(
            "bad_response",
            f"The server does not say whether the schedule of {job.shown['name']} is on: it only"
            " offers to switch it over, so nothing was done.",
            result={"job": job.shown},
        )
    if wishes.schedule_enabled is not None and job.shown["schedule_enabled"] is not wishes.schedule_enabled:
        toggle = _get_action(job, ("ToggleScheduleEnabled",), "schedule_enabled")
    if wishes.state is not None:
        active = last = find_active_run(client, job.shown)
        if active is None and (wishes.state != "started" or wishes.wait_for == "session"):
            last = find_last_run(client, job.shown)
            if last is not None and last["state"] != ENDED:  # whatever the server makes of a filter by state
                active = last
        if _is_needed(wishes.state, active, last):
            action = _get_action(job, ACTIONS[wishes.state], f"state: {wishes.state}")
    return Plan(toggle, action, active, last)


def _is_needed(state: str, active: Mapping[str, Any] | None, last: Mapping[str, Any] | None) -> bool:
    if state == "started":
        return active is None
    if state == "stopped":
        return active is not None
    return active is None and last is not None and last["result"] in ("Failed", "Warning")


def _get_action(job: Job, rels: tuple[str, ...], wish: str) -> str:
    for rel in rels:
        link = find_link(job.row, rel)
        if link is not None:
            return get_path(read_text(link, "href") or "")
    raise EmError(
        "invalid_option",
        f"The option {wish} cannot be had of {job.shown['name']}: the server offers no {' or '.join(rels)} for this job"
        f" ({job.shown['job_type'] or 'of a type not told'}), or not to this user.",
        result={"job": job.shown},
    )


def predict(job: Job, wishes: Wishes, made: Plan) -> dict[str, Any]:
    """Build the result of check mode."""
    shown = dict(job.shown)
    if made.toggle:
        shown["schedule_enabled"] = wishes.schedule_enabled
    return {"changed": made.is_change, "job": shown, "task": None, "job_session": made.active}


class Pursuit:
    """What was done for a job so far; its result is there for failures too."""

    def __init__(self, client: Client, job: Job, wishes: Wishes, made: Plan, *, kind: str) -> None:
        self.client = client
        self.job = job
        self.wishes = wishes
        self.plan = made
        self.kind = kind
        self.changed = False
        self.task: dict[str, Any] | None = None
        self.run: dict[str, Any] | None = made.active
        self.asked: float | None = None  # when the server took the request, by its own clock
        self.deadline = client.clock() + wishes.wait_timeout

    def result(self) -> dict[str, Any]:
        """Build the result as far as things have come."""
        return {"changed": self.changed, "job": self.job.shown, "task": self.task, "job_session": self.run}

    def carry_out(self) -> dict[str, Any]:
        """Do what is planned and follow it as far as is wished; failures carry the result so far."""
        try:
            if self.plan.toggle:
                self._toggle(self.plan.toggle)
            if self.plan.action:
                self._act(self.plan.action)
            if self.wishes.wait_for == "session" and self.wishes.state is not None:
                self._follow()
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _toggle(self, path: str) -> None:
        self._ask(path)
        if self.wishes.wait_for == "nothing":
            self.job = self.job._replace(shown={**self.job.shown, "schedule_enabled": self.wishes.schedule_enabled})
            return
        shown = self.job.shown
        fresh = find_jobs(self.client, KINDS[self.kind], (Comparison(UID, "==", shown["uid"]),))
        if len(fresh) == 1:
            self.job = fresh[0]
        if self.job.shown["schedule_enabled"] is not self.wishes.schedule_enabled:
            raise EmError(
                "server_error",
                f"The server changed the schedule of {shown['name']}, but it still is not as wished: somebody else may have"
                " changed it at the same time. Try again.",
            )

    def _act(self, path: str) -> None:
        try:
            self._ask(path)
        except EmError as err:
            if err.kind != "task_failed" or not self._is_reached():
                raise

    def _is_reached(self) -> bool:
        """Ask whether somebody else was quicker: the job is started, or stopped, as wished."""
        if self.wishes.state == "stopped":
            return find_active_run(self.client, self.job.shown) is None
        if self.wishes.state == "retried":
            return False
        deadline = min(self.deadline, self.client.clock() + RIVAL_SECONDS)
        found = poll(
            self.client,
            lambda: find_active_run(self.client, self.job.shown),
            deadline=deadline,
            poll_interval=self.wishes.poll_interval,
        )
        if isinstance(found, TimedOut):
            return False
        self.run = found
        return True

    def _ask(self, path: str) -> None:
        """Post to an action, wait for its task unless nothing is to be waited for, and remove it."""
        before = self.changed
        self._post(path)
        if self.wishes.wait_for == "nothing":
            return
        try:
            self._await_task()
        except EmError as err:
            self.changed = before or err.kind != "task_failed"
            self._remove_task()
            raise
        self._remove_task()

    def _post(self, path: str) -> None:
        self.task = None
        try:
            document = self.client.post(path)
        except EmError as err:
            if err.status is not None and 200 <= err.status < 300:
                self.changed = True
                err.msg = f"The request was answered with {err.status}, and so may have been carried out: {err.msg}"
            if (err.status is None and err.sent) or err.status in (502, 504):
                err.msg += (
                    " The request may have been carried out all the same and was not repeated: look at the job's latest run"
                    " (vbem.rest.veeam_job_info with last_session: true) before trying again."
                )
            raise
        self.changed = True
        self.asked = self.client.server_time
        if document is None:
            return
        if not isinstance(document.data, dict) or read_text(document.data, "task_id") is None:
            msg = "The server took the request, but did not say which task carries it out."
            raise EmError("bad_response", msg, method="POST", path=path.partition("?")[0])
        self.task = normalise_task(document.data, self.client)

    def _look_at_task(self) -> bool:
        """Read the task anew unless it is finished already; True once it is. One that failed raises."""
        if self.task is None:
            return True
        if self.task["state"] != "Finished":
            self.task = self._read_task(self.task["task_id"])
            self.client.report(f"{self.task['task_id']} {self.task['operation']}: {self.task['state']}")
        if self.task["state"] != "Finished":
            return False
        if self.task["success"] is None:
            self.client.warnings.append(warn_of_no_outcome(self.task))
        if self.task["success"] is False:
            raise EmError(
                "task_failed",
                f"{self.job.shown['name']}: {self.task['operation']} failed:"
                f" {self.task['message'] or 'the server gave no reason'}",
                detail=self.task["message"],
            )
        return True

    def _read_task(self, task_id: str) -> dict[str, Any]:
        try:
            document = self.client.get(create_task_path(task_id))
        except EmError as err:
            is_gone = err.status == 404 and task_id not in list_task_ids(self.client)
            if not is_gone and not is_unknown_task(err):
                raise
            raise EmError(
                "not_found",
                f"The task {task_id} of {self.job.shown['name']} vanished while being waited for; how it ended cannot be told.",
            ) from None
        if not isinstance(document.data, dict):
            raise EmError("bad_response", "The server's answer is not a task.")
        return normalise_task(document.data, self.client)

    def _await_task(self) -> None:
        """Wait until the task is finished. Who waits for the run goes on to it where the task is never collected."""
        patience = self.client.clock() + UNCOLLECTED_SECONDS

        def look() -> bool | None:
            is_stuck = (
                self.wishes.wait_for == "session"
                and self.task is not None
                and self.task["state"] == "OperationFinished"
                and self.client.clock() > patience
            )
            return self._look_at_task() or is_stuck or None

        end = poll(
            self.client,
            look,
            deadline=self.deadline,
            poll_interval=self.wishes.poll_interval,
            pause_first=self.task is not None and self.task["state"] != "Finished",  # it was read just now
        )
        if isinstance(end, TimedOut):
            raise self._create_timeout("its task is not finished", end)

    def _follow(self) -> None:
        """Find the run, unless one goes on already, and wait until it has ended."""
        if self.run is None:
            if not self.plan.action:
                return
            found = poll(self.client, self._look_for_run, deadline=self.deadline, poll_interval=self.wishes.poll_interval)
            if isinstance(found, TimedOut):
                raise self._create_timeout(
                    f"its run has not shown up (one that, by the backup server's clock, began more than {CLOCKS_DIFFER} seconds"
                    " before the request is taken for another one)",
                    found,
                )
            self.run = found
        self._await_run()
        if self.task is not None and self.task["state"] != "Finished":
            with suppress(EmError):  # by now it should be finished; the run's end is what counts
                self._look_at_task()
            self._remove_task()
        self._judge()

    def _look_for_run(self) -> dict[str, Any] | None:
        for link in self.task["related"] if self.task else []:
            if (link["type"] or "").lower().endswith("jobsession") and link["href"]:
                try:
                    return read_run(self.client, link["href"])
                except EmError as err:
                    # It shows up late (wire facts, section 6.3), and no link may keep the query from being asked.
                    if err.kind not in ("not_found", "bad_response") and err.status != 500:
                        raise
        return find_last_run(self.client, self.job.shown, after=self.plan.last, asked=self.asked)

    def _await_run(self) -> None:
        resultless = 0

        def look() -> bool | None:
            nonlocal resultless
            run = self.run or {}
            try:
                fresh = read_run(self.client, run["href"] or "")
            except EmError as err:
                if (err.kind == "not_found" or err.status == 500) and not is_run_listed(self.client, self.job.shown, run):
                    msg = f"The run {run['name']} vanished while being waited for; how it ended cannot be told."
                    raise EmError("not_found", msg) from None
                raise
            self.run = fresh
            progress = "" if fresh["progress"] is None else f" {fresh['progress']}%"
            self.client.report(f"{fresh['name']}: {fresh['state']}{progress}")
            if fresh["state"] != ENDED:
                return None
            resultless += fresh["result"] is None
            return True if fresh["result"] is not None or resultless > RESULTLESS_LOOKS else None

        if self.run is not None and self.run["state"] == ENDED and self.run["result"] is not None:
            return
        end = poll(self.client, look, deadline=self.deadline, poll_interval=self.wishes.poll_interval, pause_first=True)
        if isinstance(end, TimedOut):
            raise self._create_timeout("its run goes on", end)

    def _judge(self) -> None:
        """Fail for a run that failed, unless it was to be stopped."""
        run = self.run or {}
        if self.wishes.state == "stopped":
            return
        result = run.get("result")
        if result == "Success" or (result == "Warning" and not self.wishes.fail_on_warning):
            return
        if result is None:
            raise EmError("bad_response", f"The run {run.get('name')} has stopped, and the server does not say how it ended.")
        raise EmError(
            "job_failed",
            f"The run {run.get('name')} ended with {result}:"
            f" {run.get('failure_message') or 'the server gives no reason here, look into its task sessions'}",
            detail=run.get("failure_message"),
        )

    def _remove_task(self) -> None:
        """Remove the task once it is finished; one that is not would be stopped by that."""
        if self.task is None or self.task["state"] != "Finished":
            return
        try:
            status = self.client.delete(create_task_path(self.task["task_id"]))
            trouble = None if status == 204 else f"The server answered {status}, not 204 as to a removal."
        except EmError as err:
            trouble = None if is_unknown_task(err) or (err.status == 404 and err.detail) else err.msg
        if trouble:
            self.client.warnings.append(f"The task {self.task['task_id']} could not be removed: {trouble}")

    def _create_timeout(self, what: str, end: TimedOut) -> EmError:
        return EmError(
            "wait_timeout",
            f"After {self.wishes.wait_timeout} seconds of waiting for {self.job.shown['name']}, {what}."
            f" Raise wait_timeout if this is only slow.{end.explain()}",
            detail=end.trouble.msg if end.trouble else None,
        )


def manage_job(client: Client, params: Mapping[str, Any], wishes: Wishes, *, check_mode: bool) -> dict[str, Any]:
    """Bring a job to what is wished, or tell what that would do."""
    job = find_job(client, params)
    made = plan(client, job, wishes)
    if check_mode:
        return predict(job, wishes, made)
    return Pursuit(client, job, wishes, made, kind=params["kind"]).carry_out()
