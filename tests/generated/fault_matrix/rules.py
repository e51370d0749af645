# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true whatever happens. Judged by what the emulator knows; nothing of the collection is asked.

Each rule yields sentences, one for each thing that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .stage import RETRIES, TIMEOUT, Evidence, Handled

# The kinds of failure that are documented. Those of the second line say that options or libraries are at fault: never here.
ERROR_KINDS = {
    "connection",
    "timeout",
    "logon_failed",
    "session_lost",
    "forbidden",
    "not_found",
    "server_error",
    "bad_response",
}
ERROR_KINDS |= {"task_failed", "job_failed", "wait_timeout", "partial"}
NEVER_HERE = {"missing_library", "tls", "ambiguous", "invalid_option", "invalid_filter"}

# Effects that put another answer, or none, in the place of the server's own.
SWALLOWED = ("status", "reset", "close", "html", "bad_json", "bad_xml", "garbage", "redirect", "slow")


def judge(evidence: Evidence, healthy: Evidence, topic: Any) -> list[str]:
    """Say what is wrong with a run, given the healthy one."""
    wrong = [*_outcome(evidence, healthy), *_sessions(evidence), *_writes(evidence)]
    if evidence.crash is None:
        wrong += _causes(evidence)
        wrong += topic(evidence, healthy)
    return wrong


# The outcome as such


def _outcome(e: Evidence, healthy: Evidence) -> Iterator[str]:
    if e.doom is not None and not e.struck:
        yield "the fault befell nothing: the run before it was not the recorded one"
    if e.crash is not None:
        yield f"a traceback: {e.crash}"
        return
    if e.visits:
        yield f"{e.visits} connections to a foreign host"
    text = json.dumps([e.result, e.failure, e.warnings], ensure_ascii=False, default=repr)
    for secret in e.secrets:
        if secret in text:
            yield "a password, token or session id shows"
    if e.failure is not None:
        kind = e.error.get("kind")
        if kind not in ERROR_KINDS | NEVER_HERE:
            yield f"{kind} is no documented kind of failure"
        if len(e.failure["msg"]) < 20:
            yield f"the failure says only {e.failure['msg']!r}"
    elif healthy.failure is not None:
        yield "success, where the healthy run fails"
    elif e.result is None:
        yield "neither a result nor a failure"


def _causes(e: Evidence) -> Iterator[str]:
    """A failure's kind has to have a cause: what the fault did, or what an answer said."""
    if e.failure is None:
        return
    kind = e.error.get("kind")
    answers = {entry.status for entry in e.log}
    effect = e.doom.fault.effect if e.doom else None
    if kind in NEVER_HERE:
        yield f"{kind}, though there is nothing wrong with options and libraries: {e.failure['msg']}"
    if kind == "session_lost" and 401 not in answers:
        yield "session_lost, though no answer said so"
    if kind == "forbidden" and 403 not in answers:
        yield "forbidden, though no answer said so"
    if kind == "logon_failed" and not any(entry.fault for entry in e.sent("POST", "/sessionMngr")):
        yield "logon_failed, though nothing was wrong with the logon"
    if kind == "timeout" and effect != "slow":
        yield "timeout, though every answer came in time"
    if kind == "connection" and effect not in ("reset", "close", "cut"):
        yield "connection, though it never broke"
    if kind == "server_error" and not any(status and status >= 400 for status in answers) and not _is_moved_back(e):
        yield "server_error, though no answer said so"
    if kind == "not_found" and e.error.get("status") is None and e.scene.session is not None and not _is_moved_back(e):
        yield f"said to be absent without any answer that says so: {e.failure['msg']}"
    if kind == "wait_timeout" and e.waited < 30:
        yield f"wait_timeout after {e.waited:.0f} seconds"


def _is_moved_back(e: Evidence) -> bool:
    """Ask whether the server's clock went back: what was begun is then yet to come, and cannot be seen."""
    return e.doom is not None and e.doom.fault.effect == "clock" and dict(e.doom.fault.spec)["seconds"] < 0


# Sessions


def _sessions(e: Evidence) -> Iterator[str]:
    em, borrowed = e.scene.em, e.scene.session
    if not em.standing_session_alive:
        yield "somebody else's session was logged off"
    logons = e.sent("POST", "/sessionMngr")
    if len(logons) > 1:
        yield f"logged on {len(logons)} times"
    if borrowed is not None:
        may_log_off = e.scene.params.get("state") == "absent" and "task_id" not in e.scene.params and e.scene.params.get("_own")
        if not may_log_off and e.sent("DELETE", f"/logonSessions/{borrowed.id}"):
            yield "a borrowed session was logged off"
    for entry in e.sent("DELETE", "/logonSessions/"):
        known = {one.id for one in e.made} | ({borrowed.id} if borrowed else set())
        if entry.path.rpartition("/")[2] not in known:
            yield "somebody else's session was to be logged off"
    for session in e.made:
        why = left_open(e, session)
        if why is not None and why not in EXCUSES:
            yield f"a session of its own stays open: {why}"


# Why an own session may stay open. Anything else is wrong.
LOST = "the answer to the logon was lost, and with it the session's id"
HANDED_OVER = "it is the result"
BEFALLEN = "faults befell the log-off itself, or the read that would have told whether it happened"
PASSING = (404, 429, 500, 502, 503, 504)  # after which a read tells what became of a log-off
EXCUSES = (LOST, HANDED_OVER, BEFALLEN)


def left_open(e: Evidence, session: Any) -> str | None:  # noqa: PLR0911 - one for each reason
    """Say why an own session is open after the run; None where it is not."""
    if session.id not in e.open:
        return None
    logon = next(one for one in e.handled if one.entry.session_id == session.id and one.entry.method == "POST")
    if e.result is not None and e.result.get("sealed"):
        return HANDED_OVER
    if not _is_answered(e, logon):
        return LOST
    tries = e.sent("DELETE", f"/logonSessions/{session.id}")
    if not tries:
        return "it was never logged off"
    if any(entry.fault is None for entry in tries):
        return "the server did not accept the log-off"
    reads = [entry for entry in e.log[e.log.index(tries[-1]) :] if entry.method == "GET"]
    if len(tries) == 1 and any(entry.fault is None for entry in reads):
        return "it was seen to be alive, and not logged off again"
    if not reads and (tries[-1].fault in ("reset", "close", "slow") or tries[-1].status in PASSING) and len(tries) == 1:
        return "nobody looked what became of the log-off"
    return BEFALLEN


def _is_answered(e: Evidence, logon: Handled) -> bool:
    """Ask whether the head of a logon's answer reached the client, with token and id."""
    fault = logon.entry.fault
    return fault is None or fault in ("expire", "clock", "cut")


# Writes


def _writes(e: Evidence) -> Iterator[str]:
    """Nothing that may have reached the server is sent again. (All that is in the log has reached it.)"""
    seen: dict[tuple[str, str], int] = {}
    for entry in e.log:
        if entry.method == "POST" or (entry.method == "DELETE" and "/tasks/" in entry.path):
            key = (entry.method, entry.target)
            seen[key] = seen.get(key, 0) + 1
    for (method, target), times in seen.items():
        if times > 1:
            yield f"{method} {target.partition('?')[0]} was sent {times} times"
    for task in e.tasks.values():
        was_finished = any(task.state(moment, e.scene.em.switches) == "Finished" for moment in e.moments)
        if task.stopped and "force" not in e.scene.params and not was_finished:
            yield f"{task.id} was stopped by being removed"
    if len([run for run in e.scene.em.world.runs if run not in e.scene.runs]) > 1:
        yield "more than one run was started"


# What is said of tasks and runs


def _is_task_as_shown(e: Evidence, shown: Mapping[str, Any]) -> Iterator[str]:
    task = e.tasks.get(shown["task_id"])
    if task is None:
        yield f"there never was a task {shown['task_id']}"
        return
    states = {task.state(moment, e.scene.em.switches) for moment in e.moments}
    if shown["state"] not in states:
        yield f"{task.id} is said to be {shown['state']}, and was only ever {', '.join(sorted(states))}"
    told = (task.success, task.message) if shown["state"] == "Finished" else (None, None)
    if (shown["success"], shown["message"]) != told:
        yield f"{task.id} is said to have ended as {shown['success']}, {shown['message']}"
    if shown["operation"] != task.operation:
        yield f"{task.id} is said to be {shown['operation']}"


def _is_run_as_shown(e: Evidence, shown: Mapping[str, Any]) -> Iterator[str]:
    run = next((run for run in e.scene.em.world.runs if run.uid == shown["uid"]), None)
    if run is None:
        yield f"there never was a run {shown['uid']}"
        return
    states = {run.state(moment) for moment in e.moments}
    # A run that was told to stop after it had been seen to work:
    states |= {"Working", "Starting"} if run.stop_asked is not None else set()
    if shown["state"] not in states:
        yield f"the run is said to be {shown['state']}, and was only ever {', '.join(sorted(states))}"
    if shown["result"] != (run.outcome if shown["state"] == "Stopped" else None):
        yield f"the run is said to have ended as {shown['result']}"
    if shown["job_name"] != run.job.name:
        yield "the run is that of another job"


# Topics: what modules are about


def same(*keys: str) -> Any:
    """Build the rule that a result is the healthy run's: nothing is missing, nothing is made up."""

    def topic(e: Evidence, healthy: Evidence) -> Iterator[str]:
        for key in keys:
            if e.result is not None and healthy.result is not None and e.result[key] != healthy.result[key]:
                yield f"{key} is not what it is without a fault: {_shorten(e.result[key])}"
        if e.result is not None and e.result.get("changed"):
            yield "changed, though nothing was to be changed"

    return topic


def _shorten(value: object) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) < 300 else f"{text[:300]}..."


def session_present(e: Evidence, healthy: Evidence) -> Iterator[str]:
    """A session that is given out is alive, and is the one it is said to be."""
    if e.result is None:
        return
    given = e.scene.params["_open"](e.result["sealed"])
    if e.result["changed"] != bool(e.made):
        yield f"changed is {e.result['changed']}, and {len(e.made)} sessions were made"
    expected = e.made[0] if e.made else e.scene.session
    if expected is None or (given["id"], given["token"]) != (expected.id, expected.token):
        yield "the session given out is not the one that was made or borrowed"
        return
    is_ended = any(entry.fault in ("expire", "clock") for entry in e.log)
    if expected.id not in e.open and not is_ended:
        yield "the session given out is not alive"


def session_absent(e: Evidence, healthy: Evidence) -> Iterator[str]:
    """Logged off means logged off; changed means by this run."""
    session = e.scene.session
    if e.result is None or session is None:
        return
    tries = e.sent("DELETE", f"/logonSessions/{session.id}")
    done = bool(e.done("DELETE", f"/logonSessions/{session.id}"))
    said_401 = any(entry.fault == "status" and entry.status == 401 for entry in e.log)  # a lie that nobody can see through
    if session.id in e.open and not said_401:
        yield "said to be logged off, and still open"
    # Who ended it cannot be known where the log-off's own answer was lost, or another one took its place.
    is_known = all(entry.fault not in (*SWALLOWED, "cut", "reset", "close", "slow") for entry in tries)
    if e.result["changed"] != done and is_known:
        yield f"changed is {e.result['changed']}, and the log-off was {'' if done else 'not '}carried out"


def tasks_absent(e: Evidence, healthy: Evidence) -> Iterator[str]:
    """What is said to be deleted is; what was to be deleted is, or is said not to be; nothing else is touched."""
    shown = e.data
    removed = {one.entry.path.rpartition("/")[2] for one in e.done("DELETE", "/tasks/")}
    asked = {entry.path.rpartition("/")[2] for entry in e.sent("DELETE", "/tasks/")}
    to_delete = set((healthy.result or {}).get("deleted", ()))
    if asked - to_delete:
        yield f"removal of {', '.join(sorted(asked - to_delete))}, which was not meant"
    deleted = set(shown.get("deleted", ()))
    if deleted - removed:
        yield f"said to be deleted, and was not: {', '.join(sorted(deleted - removed))}"
    if shown.get("changed") and not removed:
        yield "changed, though nothing was removed"
    yield from _removal_errors(e, removed, deleted)
    for task in shown.get("tasks", ()):
        yield from _is_task_as_shown(e, task)
    if e.result is not None:
        yield from _whole_removal(e, healthy, removed, to_delete)


def _removal_errors(e: Evidence, removed: set[str], deleted: set[str]) -> Iterator[str]:
    left = {task.id for task in e.scene.session.tasks} if e.scene.session is not None else set()
    for error in e.data.get("errors", ()):
        task_id, msg = error["task_id"], error["msg"]
        if task_id in deleted:
            yield f"said to be deleted, and an error: {task_id}"
        # An answer that says no is believed, even if it is a lie; and what the server does once it has been looked at
        # cannot be known.
        refused = any((entry.status or 0) >= 300 for entry in e.sent("DELETE", f"/tasks/{task_id}"))
        is_late = e.doom is not None and e.doom.fault.name == "slow" and msg.startswith("It is still listed.")
        if task_id in removed and "may have been" not in msg and not refused and not is_late:
            yield f"{task_id} is removed, and its error does not say that it may be: {msg}"
        if task_id not in left | removed:
            yield f"there is an error for {task_id}, which was gone"


def _whole_removal(e: Evidence, healthy: Evidence, removed: set[str], to_delete: set[str]) -> Iterator[str]:
    assert e.result is not None
    for key in ("tasks", "kept"):
        if e.result[key] != (healthy.result or {})[key]:
            yield f"{key} is not what it is without a fault: {_shorten(e.result[key])}"
    if e.result["errors"]:
        yield "success with errors"
    # Of a task that was said to be unknown while it was removed, nobody can know that this run removed it.
    denied = {entry.path.rpartition("/")[2] for entry in e.sent("DELETE", "/tasks/") if entry.fault and entry.status == 404}
    if e.result["changed"] != bool(removed - denied):
        yield f"changed is {e.result['changed']}, and {len(removed)} tasks were removed"
    if set(e.result["deleted"]) != removed - denied:
        yield f"deleted are {sorted(removed)}, said to be are {e.result['deleted']}"
    left = {task.id for task in e.scene.session.tasks} if e.scene.session is not None else set()
    if to_delete & left:
        yield f"success, and still there: {', '.join(sorted(to_delete & left))}"


def tasks_finished(e: Evidence, healthy: Evidence) -> Iterator[str]:
    """Finished means seen to be finished."""
    if e.data.get("changed"):
        yield "changed, though waiting changes nothing"
    for task in e.data.get("tasks", ()):
        yield from _is_task_as_shown(e, task)
    if e.result is not None:
        waiting = [task["task_id"] for task in e.result["tasks"] if task["state"] != "Finished"]
        if waiting:
            yield f"success, and not finished: {', '.join(waiting)}"
        if {task["task_id"] for task in e.result["tasks"]} != {task["task_id"] for task in healthy.data["tasks"]}:
            yield "success with other tasks than without a fault"
    if e.error.get("kind") == "task_failed" and all(task["success"] is not False for task in e.failure["tasks"]):
        yield "task_failed, though none failed"


def job(wish: str | None, wait_for: str, *, schedule: bool | None = None) -> Any:
    """Build the rule for what is done with a job."""

    def topic(e: Evidence, healthy: Evidence) -> Iterator[str]:
        new = [run for run in e.scene.em.world.runs if run not in e.scene.runs]
        posts = [one for one in e.done("POST", "/api/") if "sessionmngr" not in one.entry.path.lower()]
        # The server takes a request and finds only then that nothing can be done; its task says so.
        is_done = bool(posts) and any(task.success for task in e.tasks.values())
        if e.data.get("task"):
            yield from _is_task_as_shown(e, e.data["task"])
        if e.data.get("job_session"):
            yield from _is_run_as_shown(e, e.data["job_session"])
        if e.failure is not None:
            yield from _failed_job(e, is_done, new)
            return
        assert e.result is not None
        if e.result["changed"] != is_done:
            yield f"changed is {e.result['changed']}, and {len(posts)} actions were carried out"
        if e.result["job"]["uid"] != e.scene.job.uid:
            yield "the result is of another job"
        if schedule is not None and not (
            e.scene.job.schedule_enabled(NEVER) is schedule is e.result["job"]["schedule_enabled"]
        ):
            yield "the schedule is not as it is said to be"
        run = new[0] if new else e.scene.run
        yield from _wished_run(e, healthy, run, wish, wait_for)
        if wait_for != "nothing" and is_done:
            yield from _seen_task(e)

    return topic


def _wished_run(e: Evidence, healthy: Evidence, run: Any, wish: str | None, wait_for: str) -> Iterator[str]:
    if wish in ("started", "retried") and run is None and (healthy.result or {})["changed"]:
        yield f"said to be {wish}, and was not"
    was_over = run is None or any(run.is_over(moment) for moment in e.moments)  # it may end by itself
    if wish == "stopped" and not was_over and run.stop_asked is None and not _is_moved_back(e):
        yield "said to be stopped, and was not"
    is_followed = run is not None and wish is not None and (run is not e.scene.run or run.stop_asked or wish == "started")
    if wait_for == "session" and is_followed:
        yield from _ended_run(e, run, wish)


def _seen_task(e: Evidence) -> Iterator[str]:
    assert e.result is not None
    task = e.result["task"] or {}
    if task.get("state") not in ("Finished", "OperationFinished"):
        yield "success, and the task was not seen to be finished"
    elif task.get("success") is not True:
        yield "success, and the task was not seen to be carried out"
    is_gone = any(one.status == 404 for one in e.sent("DELETE", "/tasks/"))  # said to be
    if not (e.done("DELETE", "/tasks/") or is_gone or e.warnings):
        yield "the task was left behind without a word"


NEVER = 1e12


def _ended_run(e: Evidence, run: Any, wish: str) -> Iterator[str]:
    assert e.result is not None
    shown = e.result["job_session"]
    if not shown or shown["uid"] != run.uid:
        yield "the run is another one than was started"
        return
    if shown["state"] != "Stopped" or not any(run.is_over(moment) for moment in e.moments):
        yield "success, and the run was not seen to have ended"
    if run.outcome == "Failed" and wish != "stopped":
        yield "success, and the run failed"


def _failed_job(e: Evidence, is_done: bool, new: list[Any]) -> Iterator[str]:
    assert e.failure is not None
    kind, msg = e.error.get("kind"), e.failure["msg"]
    actions = [entry for entry in e.sent("POST", "/api/") if "sessionmngr" not in entry.path.lower()]
    is_answered = any(entry.status and 200 <= entry.status < 300 for entry in actions)
    if e.failure.get("changed") and not (is_done or is_answered):
        yield "changed, though no action was carried out"
    # An answer that says no is believed, even if it is a lie.
    refused = any(entry.fault and entry.status and entry.status >= 300 for entry in actions)
    is_told = e.failure.get("changed") or kind == "task_failed" or "may have been carried out" in msg
    if is_done and not is_told and not refused:
        yield f"an action was carried out, and the failure does not say that it may have been: {msg}"
    if kind == "job_failed" and not any(run.outcome == "Failed" for run in [*new, e.scene.run] if run is not None):
        yield "job_failed, though the run did not fail"
    if kind == "task_failed" and (e.failure.get("task") or {}).get("success") is not False:
        yield "task_failed, though the task did not fail"


# What the rules rest on; said here, so that a change of the stage is noticed.
assert RETRIES == 1
assert TIMEOUT == 10
