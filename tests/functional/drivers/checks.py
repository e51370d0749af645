# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that the rules of several modules share. They compare what a module reports with what the emulator knows."""

from __future__ import annotations

import json
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
