# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that the rules of several modules share. They compare what a module reports with what the emulator knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .observation import Observation

# Effects that replace the server's own answer, or leave the request without one.
REPLACING_EFFECTS = ("status", "reset", "close", "cut", "html", "bad_json", "bad_xml", "garbage", "redirect", "slow")


def same(*keys: str) -> Any:
    """Return the rule that a result is that of the run without a fault: nothing is missing, nothing is made up."""

    def rule(observed: Observation, healthy: Observation) -> Iterator[str]:
        for key in keys:
            if observed.result is not None and healthy.result is not None:
                yield from check_equal(observed, healthy, key)
        if observed.result is not None and observed.result.get("changed") and not (healthy.result or {}).get("changed"):
            yield "changed, although nothing was to be changed"

    return rule


def check_equal(observed: Observation, healthy: Observation, key: str) -> Iterator[str]:
    """Compare a key of the results."""
    value = (observed.result or {})[key]
    if value != (healthy.result or {})[key]:
        text = json.dumps(value, default=repr)
        yield f"{key} differs from the run without a fault: {text if len(text) < 300 else f'{text[:300]}...'}"


def check_task(observed: Observation, shown: Mapping[str, Any]) -> Iterator[str]:
    """Compare a task of a result with the task of the emulator."""
    task = observed.tasks.get(shown["task_id"])
    if task is None:
        yield f"there never was a task {shown['task_id']}"
        return
    states = {task.state(moment, observed.setup.em.switches) for moment in observed.times}
    if shown["state"] not in states:
        yield f"{task.id} is reported as {shown['state']}, and was only ever {', '.join(sorted(states))}"
    outcome = (task.success, task.message) if shown["state"] == "Finished" else (None, None)
    if (shown["success"], shown["message"]) != outcome:
        yield f"{task.id} is reported with the outcome {shown['success']}, {shown['message']}"
    if shown["operation"] != task.operation:
        yield f"{task.id} is reported as {shown['operation']}"


def check_job_session(observed: Observation, shown: Mapping[str, Any]) -> Iterator[str]:
    """Compare a job session of a result with that of the emulator."""
    run = next((run for run in observed.setup.em.world.runs if run.uid == shown["uid"]), None)
    if run is None:
        yield f"there never was a job session {shown['uid']}"
        return
    states = {run.state(moment) for moment in observed.times}
    # One that was stopped after it had been seen to work:
    states |= {"Working", "Starting"} if run.stop_asked is not None else set()
    if shown["state"] not in states:
        yield f"the job session is reported as {shown['state']}, and was only ever {', '.join(sorted(states))}"
    if shown["result"] != (run.outcome if shown["state"] == "Stopped" else None):
        yield f"the job session is reported with the result {shown['result']}"
    if shown["job_name"] != run.job.name:
        yield "the job session is that of another job"


def list_actions(observed: Observation) -> list[Any]:
    """Return the requests to change something that the server carried out, without logons."""
    done = [one for method in ("POST", "PUT", "DELETE") for one in observed.done(method, "/api/")]
    return [one for one in done if not re.search("/sessionmngr|/logonsessions", one.entry.path.lower())]


def check_action_failure(observed: Observation, is_done: bool) -> Iterator[str]:
    """A failure says that an action was carried out, or that it may have been, if it was; and only then."""
    assert observed.failure is not None
    kind, msg = observed.error.get("kind"), observed.failure["msg"]
    requests = [entry for method in ("POST", "PUT", "DELETE") for entry in observed.sent(method, "/api/")]
    requests = [entry for entry in requests if not re.search("/sessionmngr|/logonsessions", entry.path.lower())]
    is_answered = any(entry.status and 200 <= entry.status < 300 for entry in requests)
    if observed.failure.get("changed") and not (is_done or is_answered):
        yield "changed, although no action was carried out"
    # An answer that refuses is believed, even if it is false.
    refused = any(entry.fault and entry.status and entry.status >= 300 for entry in requests)
    is_reported = observed.failure.get("changed") or kind == "task_failed" or "may have been carried out" in msg
    if is_done and not is_reported and not refused:
        yield f"an action was carried out, and the failure does not say that it may have been: {msg}"
    if kind == "task_failed" and (observed.failure.get("task") or {}).get("success") is not False:
        yield "task_failed, although the task did not fail"


def check_finished_task(observed: Observation) -> Iterator[str]:
    """After a success, the task of an action was seen to succeed, and was removed."""
    assert observed.result is not None
    task = observed.result["task"] or {}
    if task.get("state") not in ("Finished", "OperationFinished"):
        yield "success, and the task was not seen to be finished"
    elif task.get("success") is not True:
        yield "success, and the task was not seen to succeed"
    is_gone = any(one.status == 404 for one in observed.sent("DELETE", "/tasks/"))  # by the server's answer
    if not (observed.done("DELETE", "/tasks/") or is_gone or observed.warnings):
        yield "the task was left without a warning"
