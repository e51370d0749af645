# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of every run of every module. Only the emulator's state and log decide; nothing of the collection is used.

Each rule yields a sentence for each thing that is wrong. Rules for the outcome of one module are in its driver.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from functional.drivers import Scenario
from functional.drivers.observation import Handled, Observation

from .fault_harness import RETRIES, TIMEOUT

# The documented kinds of failure. Those of the second set say that options or libraries are wrong, which they never are here.
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


def judge(observed: Observation, healthy: Observation, scenario: Scenario) -> list[str]:
    """Return what is wrong with a run, given the one without a fault."""
    wrong = [*_check_outcome(observed, healthy), *_check_sessions(observed, scenario), *_check_writes(observed, scenario)]
    if observed.crash is None:
        wrong += _check_cause(observed)
        wrong += scenario.rule(observed, healthy)
    return wrong


# The outcome


def _check_outcome(observed: Observation, healthy: Observation) -> Iterator[str]:
    if observed.injected is not None and not observed.hits:
        yield "the fault hit no request: the run differs from the recorded one"
    if observed.crash is not None:
        yield f"a traceback: {observed.crash}"
        return
    if observed.foreign_visits:
        yield f"{observed.foreign_visits} connections to a foreign host"
    # The session that veeam_session returns is a secret that its action plugin hides.
    result = {key: value for key, value in (observed.result or {}).items() if key != "session"}
    text = json.dumps([result, observed.failure, observed.warnings], ensure_ascii=False, default=repr)
    for secret in observed.secrets:
        if secret in text:
            yield "a password, token or session id is shown"
    if observed.failure is not None:
        kind = observed.error.get("kind")
        if kind not in ERROR_KINDS | NEVER_HERE:
            yield f"{kind} is not a documented kind of failure"
        if len(observed.failure["msg"]) < 20:
            yield f"the failure says only {observed.failure['msg']!r}"
    elif healthy.failure is not None:
        yield "success, where the run without a fault fails"
    elif observed.result is None:
        yield "neither a result nor a failure"


def _check_cause(observed: Observation) -> Iterator[str]:
    """The kind of a failure has a cause: the fault, or what an answer said."""
    if observed.failure is None:
        return
    kind = observed.error.get("kind")
    statuses = {entry.status for entry in observed.log}
    effect = observed.injected.fault.effect if observed.injected else None
    if kind in NEVER_HERE:
        yield f"{kind}, although options and libraries are right: {observed.failure['msg']}"
    if kind == "session_lost" and 401 not in statuses:
        yield "session_lost, although no answer said so"
    if kind == "forbidden" and 403 not in statuses:
        yield "forbidden, although no answer said so"
    if kind == "logon_failed" and not any(entry.fault for entry in observed.sent("POST", "/sessionMngr")):
        yield "logon_failed, although the logon was answered"
    if kind == "timeout" and effect != "slow":
        yield "timeout, although every answer came in time"
    if kind == "connection" and effect not in ("reset", "close", "cut"):
        yield "connection, although it never broke"
    if kind == "server_error" and not any(status and status >= 400 for status in statuses) and not observed.is_clock_set_back:
        yield "server_error, although no answer said so"
    is_borrowed = observed.setup.session is not None
    if kind == "not_found" and observed.error.get("status") is None and is_borrowed and not observed.is_clock_set_back:
        yield f"reported as absent without any answer that says so: {observed.failure['msg']}"
    if kind == "wait_timeout" and observed.waited < 30:
        yield f"wait_timeout after {observed.waited:.0f} seconds"


# Sessions


def _check_sessions(observed: Observation, scenario: Scenario) -> Iterator[str]:
    em, borrowed = observed.setup.em, observed.setup.session
    if not em.standing_session_alive:
        yield "another client's session was logged off"
    logons = [entry for entry in observed.sent("POST", "/sessionMngr") if entry.status != 429]
    if len(logons) > scenario.logons:
        yield f"logged on {len(logons)} times"
    if borrowed is not None and not scenario.logs_off and observed.sent("DELETE", f"/logonSessions/{borrowed.id}"):
        yield "a borrowed session was logged off"
    for entry in observed.sent("DELETE", "/logonSessions/"):
        known = {one.id for one in observed.opened} | ({borrowed.id} if borrowed else set())
        if entry.path.rpartition("/")[2] not in known:
            yield "a log-off of another client's session"
    for session in observed.opened:
        reason = explain_open_session(observed, session)
        if reason is not None and reason not in ACCEPTED_REASONS:
            yield f"an own session stays open: {reason}"


# Why an own session may stay open. Any other reason is wrong.
LOST = "the answer to the logon was lost, and with it the session's id"
RETURNED = "it is the result"
LOGOFF_HIT = "faults hit the log-off, or the read of whether it was carried out"
CHECKED_STATUS = (404, 429, 500, 502, 503, 504)  # after which a read tells what became of a log-off
ACCEPTED_REASONS = (LOST, RETURNED, LOGOFF_HIT)


def explain_open_session(observed: Observation, session: Any) -> str | None:  # noqa: PLR0911 - one for each reason
    """Return why an own session is open after the run; None if it is not."""
    if session.id not in observed.open:
        return None
    logon = next(one for one in observed.handled if one.entry.session_id == session.id and one.entry.method == "POST")
    if observed.result is not None and observed.result.get("session"):
        return RETURNED
    if not _is_answered(logon):
        return LOST
    logoffs = observed.sent("DELETE", f"/logonSessions/{session.id}")
    if not logoffs:
        return "it was never logged off"
    if any(entry.fault is None for entry in logoffs):
        return "the server did not accept the log-off"
    reads = [entry for entry in observed.log[observed.log.index(logoffs[-1]) :] if entry.method == "GET"]
    if len(logoffs) == 1 and any(entry.fault is None for entry in reads):
        return "it was seen to be alive, and not logged off again"
    is_unclear = logoffs[-1].fault in ("reset", "close", "slow") or logoffs[-1].status in CHECKED_STATUS
    if not reads and is_unclear and len(logoffs) == 1:
        return "the log-off was not checked"
    return LOGOFF_HIT


def _is_answered(logon: Handled) -> bool:
    """Return whether the head of a logon's answer, with token and id, reached the client."""
    return logon.entry.fault in (None, "expire", "clock", "cut")


# Writes


def _check_writes(observed: Observation, scenario: Scenario) -> Iterator[str]:
    """No request that the server may have carried out is sent again, and check mode only reads.

    All that are in the log have reached it, and only 429 says that it was not done.
    """
    seen: dict[tuple[str, str, bytes], int] = {}
    for entry in observed.log:
        is_own = "sessionmngr" in entry.path.lower() or "/logonsessions/" in entry.path.lower()
        if entry.status != 429 and (entry.method == "POST" or (entry.method == "DELETE" and not is_own)):
            key = (entry.method, entry.target, entry.body)
            seen[key] = seen.get(key, 0) + 1
        if scenario.check_mode and entry.method != "GET" and not is_own:
            yield f"{entry.method} {entry.path} was sent in check mode"
    for (method, target, _body), times in seen.items():
        if times > (scenario.logons if "sessionmngr" in target.lower() else 1):
            yield f"{method} {target.partition('?')[0]} was sent {times} times"
    for task in observed.tasks.values():
        was_finished = any(task.state(moment, observed.setup.em.switches) == "Finished" for moment in observed.times)
        if task.stopped and not scenario.params.get("force") and not was_finished:
            yield f"{task.id} was stopped by its removal"
    if len([run for run in observed.setup.em.world.runs if run not in observed.setup.job_sessions]) > 1:
        yield "more than one job session was started"


# The rules rest on these values.
assert RETRIES == 1
assert TIMEOUT == 10
