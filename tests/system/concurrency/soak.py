# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A soak: thousands of operations, many of which go wrong, and a count of what they leave behind.

``python -m system.concurrency.soak --operations 5000`` prints a table and ends with 1 if something grew, or if an operation
ended in a way that none should. Needs ``tests`` and a tree of collections on ``PYTHONPATH``. The emulator is a process of its
own, so that the memory is the client's. Pauses are not waited for: the emulator's clock is pushed instead.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import sys
import tempfile
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.processes import SAFETY_NET

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.modules import (
    veeam_job,
    veeam_job_info,
    veeam_query_info,
    veeam_session,
    veeam_task,
    veeam_task_info,
)

from .inprocess import Done, Server, create_options, log_on, run_module
from .resource_counters import Sample, judge, print_samples, take_sample

JOBS = ("SQL Backup", "Manual Backup", "DC Replication", "Offsite Copy")
HISTORY, HISTORY_RUNS, HISTORY_PAGE = "Job with a history", 150, 20
SAMPLES = 11
FAULTY = 0.15  # the share of operations that meet a fault of the network or the server
TOLD = "could not be logged off"

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("status", {"status": status, "body": body}) for status in (400, 401, 403, 404, 500, 503) for body in ("xml", "html")),
    *(("status", {"status": status}) for status in (429, 502, 504)),
    ("status", {"status": 503, "retry_after": 7}),
    ("reset", {}),
    ("close", {}),
    ("cut", {}),
    ("cut", {"keep": 0}),
    ("html", {}),
    ("bad_json", {}),
    ("bad_xml", {}),
    ("garbage", {}),
    ("redirect", {}),
    ("expire", {}),
    ("clock", {"seconds": 1000}),
    ("drop_token", {}),
    ("slow", {"delay": 2.3}),
)


class Soak:
    """Operations on one server, one after the other, with a session that is renewed now and then."""

    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.chance = random.Random(seed)
        self.skipped = 0.0
        self.session: dict[str, Any] | None = None
        self.tasks: set[str] = set()
        self.stuck: list[str] = []
        self.removed: str | None = None
        self.counts: Counter[str] = Counter()
        self.left_behind: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.warned = False
        self.is_faulty = False
        self.timeout = 30
        # Each with what it ends with where nothing goes wrong: None, or a kind of failure.
        self.ways: list[tuple[int, Callable[[], object], str | None]] = [
            (4, self.log_on_and_off, None),
            (2, self.look_at_the_session, None),
            (2, self.list_with_an_own_session, None),
            (8, self.start, None),
            (4, self.start_and_wait, None),
            (3, self.follow_a_run, None),
            (10, self.list_tasks, None),
            (8, self.wait, None),
            (8, self.remove, None),
            (3, self.remove_what_is_gone, None),
            (6, self.query_pages, None),
            (4, self.query_references, None),
            (3, self.look_at_jobs, None),
            (3, self.renew, None),
            (2, self.log_on_with_a_wrong_password, "logon_failed"),
            (2, self.name_no_job, "not_found"),
            (1, self.send_no_filter, "invalid_filter"),
            (1, self.knock_at_a_closed_port, "connection"),
            (1, self.trust_the_wrong_authority, "tls"),
            (2, self.wait_for_nothing, "not_found"),
            (2, self.wait_in_vain, "wait_timeout"),
            (2, self.follow_a_failing_run, "job_failed"),
            (2, self.use_an_ended_session, "session_lost"),
        ]
        write_stranger(server)
        server.ask("POST", "/jobs", {"name": HISTORY})
        server.ask("POST", "/runs", {"job": HISTORY, "count": HISTORY_RUNS})
        self._closed = socket.socket()  # bound, so that nobody else takes the port, and not listening
        self._closed.bind(("127.0.0.1", 0))
        self.closed_port = self._closed.getsockname()[1]

    # Time

    def clock(self) -> float:
        """Return the time, with all pauses that were not waited for."""
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        """Let time pass for both sides, without waiting."""
        self.skipped += seconds
        self.server.ask("POST", "/clock", {"advance": seconds})

    # Operations

    def soak(self, operations: int) -> list[Sample]:
        """Do so many operations; return what was measured meanwhile."""
        for _weight, way, ends in self.ways:  # all once, so that everything is loaded that ever will be
            self.operate(way, ends, is_faulty=False)
        marks = [operations * number // (SAMPLES - 1) for number in range(SAMPLES)]
        samples = [self.measure(0)]
        for number in range(1, operations + 1):
            ((_weight, way, ends),) = self.chance.choices(self.ways, [weight for weight, _way, _ends in self.ways])
            self.operate(way, ends, is_faulty=self.chance.random() < FAULTY)
            if number in marks:
                samples.append(self.measure(number))
        return samples

    def measure(self, number: int) -> Sample:
        """Measure without the session that is borrowed."""
        self.log_off()
        self.server.ask("DELETE", "/log")
        return take_sample(self.server, number)

    def operate(self, way: Callable[[], object], ends: str | None, *, is_faulty: bool) -> None:
        """Do one operation, and check how it ended."""
        if self.session is None:
            self.session = log_on(create_options(self.server.state, timeout=self.timeout), clock=self.clock, sleep=self.sleep)
        if is_faulty:
            self.arm()
        self.warned, self.is_faulty = False, is_faulty
        kind: str | None = None
        try:
            way()
        except EmError as err:
            kind = err.kind
        except Exception:
            kind = "exception"
            self.wrong.append(f"{way.__name__}, {'with' if is_faulty else 'without'} a fault: {traceback.format_exc(limit=-3)}")
        self.counts[("faults: " if is_faulty else "") + (kind or "ok")] += 1
        if not is_faulty and kind not in (ends, "exception"):
            self.wrong.append(f"{way.__name__} ended with {kind}, not with {ends}")
        if is_faulty:
            self.recover(way, kind)

    def arm(self) -> None:
        """Have something go wrong in one of the next requests, or in some."""
        effect, settings = self.chance.choice(FAULTS)
        self.timeout = 2 if effect == "slow" else 30
        self.server.ask("DELETE", "/log")
        self.server.ask(
            "POST",
            "/faults",
            {
                "effect": effect,
                "method": self.chance.choice([None, "GET", "POST", "DELETE"]),
                "skip": self.chance.choice([0, 0, 0, 1, 2]),
                "times": 1 if effect == "slow" else self.chance.choice([1, 1, 2, 5]),
                "when": self.chance.choice(["before", "after"]),
                **settings,
            },
        )

    def list_hit(self) -> list[dict[str, Any]]:
        """Return the requests that met a fault, once the slow ones are over as well: one may be carried out all the same."""
        until = time.monotonic() + SAFETY_NET
        while True:
            hit = [entry for entry in self.server.ask("GET", "/log") if entry["fault"]]
            is_over = all(entry["status"] is not None for entry in hit if entry["fault"] == "slow")
            if is_over or time.monotonic() > until:
                return hit
            time.sleep(0.05)

    def recover(self, way: Callable[[], object], kind: str | None) -> None:
        """Go on after a fault: see what was left behind and whether it had to be, and what has become of the tasks."""
        self.timeout = 30
        self.server.ask("DELETE", "/faults")
        hit = self.list_hit()
        self.counts["faults: requests hit"] += len(hit)
        own = self.session["id"] if self.session else None
        there = {session["id"] for session in self.server.ask("GET", "/sessions")}
        for session_id in there - {own}:
            at = {"log-on": "/api/sessionMngr", "log-off": "/api/logonSessions/"}
            where = [name for name, path in at.items() if any(entry["path"].startswith(path) for entry in hit)]
            if not where:
                self.wrong.append(f"{way.__name__} ({kind}) left a session open, and no fault was in the way of ending it")
            told = "told" if kind is not None or self.warned else "not told"
            self.left_behind[f"sessions left by a fault at {' and '.join(where) or 'nothing'}, {told}"] += 1
            self.server.ask("POST", "/sessions/expire", {"id": session_id})
        if own not in there:
            self.session = None
            self.tasks.clear()
        else:
            self.tasks = {task["task_id"] for task in self.server.ask("GET", f"/tasks?session={own}")}
            for task_id in self.tasks & set(self.stuck):  # a fault was in the way of removing it
                self.server.ask("DELETE", f"/tasks/{task_id}?session={own}")
                self.tasks.remove(task_id)

    def run(self, module: Any, session: dict[str, Any] | None, *, options: dict[str, Any] | None = None, **params: Any) -> Done:
        """Run a module in one of the two formats."""
        form = self.chance.choice(["json", "xml"])
        if session is not None:
            session = {**session, "response_format": form, "timeout": self.timeout}
        given = create_options(self.server.state, session, response_format=form, timeout=self.timeout, **(options or {}))
        done = run_module(given, module, clock=self.clock, sleep=self.sleep, **params)
        self.warned = self.warned or any(TOLD in warning for warning in done.warnings)
        return done

    def log_off(self) -> None:
        if self.session is not None:
            assert self.run(veeam_session, self.session, state="absent").result["changed"]
        self.session = None
        self.tasks.clear()

    def renew(self) -> None:
        session, self.session = self.session, None
        self.tasks.clear()
        changed = self.run(veeam_session, session, state="absent").result["changed"]
        assert changed or self.is_faulty  # a fault may have ended the session before

    def log_on_and_off(self) -> None:
        session = log_on(create_options(self.server.state, timeout=self.timeout), clock=self.clock, sleep=self.sleep)
        self.run(veeam_session, session, state="absent")

    def look_at_the_session(self) -> None:
        assert not self.run(veeam_session, self.session, state="present").result["changed"]

    def list_with_an_own_session(self) -> None:
        done = self.run(veeam_task_info, None)
        assert done.result["tasks"] == []
        assert done.warnings

    def start(self) -> None:
        result = self.run(veeam_job, self.session, name=self.chance.choice(JOBS), state="started", wait_for="nothing").result
        if result["task"]:
            self.tasks.add(result["task"]["task_id"])

    def start_and_wait(self) -> None:
        result = self.run(veeam_job, self.session, name=self.chance.choice(JOBS), state="started").result
        assert not result["changed"] or result["task"]["state"] == "Finished"

    def follow_a_run(self) -> None:
        result = self.run(veeam_job, None, name=self.chance.choice(JOBS), state="started", wait_for="session").result
        assert result["job_session"]["result"] == "Success"

    def list_tasks(self) -> None:
        params: dict[str, Any] = self.chance.choice([{}, {"filter": "State<=Finished"}, {"page_size": 3}])
        listed = {task["task_id"] for task in self.run(veeam_task_info, self.session, **params).result["tasks"]}
        assert listed == self.tasks, f"listed {listed}, not {self.tasks}"

    def wait(self) -> None:
        result = self.run(veeam_task, self.session, state="finished", task_id=sorted(self.tasks), fail_on_error=False).result
        assert all(task["state"] == "Finished" for task in result["tasks"])
        assert {task["task_id"] for task in result["tasks"]} == self.tasks

    def remove(self) -> None:
        result = self.run(veeam_task, self.session, state="absent", filter="State<=Finished").result
        assert {task["task_id"] for task in result["tasks"]} == self.tasks
        kept = {task["task_id"] for task in result["kept"]}
        # A server that removed a task and answered 404 seems not to have had it: after such a fault it is neither.
        assert set(result["deleted"]) == self.tasks - kept or (self.is_faulty and set(result["deleted"]) < self.tasks - kept)
        self.tasks = kept
        self.removed = result["deleted"][0] if result["deleted"] else self.removed

    def remove_what_is_gone(self) -> None:
        assert not self.run(veeam_task, self.session, state="absent", task_id=[self.removed or "task-0"]).result["changed"]

    def query_pages(self) -> None:
        where = [{"field": "JobName", "operator": "==", "value": HISTORY}]
        result = self.run(
            veeam_query_info, self.session, type="BackupJobSession", where=where, page_size=HISTORY_PAGE, sort_by="CreationTime"
        ).result
        assert len(result["resources"]) == HISTORY_RUNS
        assert result["stats"]["pages"] >= HISTORY_RUNS // HISTORY_PAGE

    def query_references(self) -> None:
        kind = self.chance.choice(["Job", "BackupServer", "Repository"])
        own = self.chance.choice([self.session, None])
        assert self.run(veeam_query_info, own, type=kind, format="references", page_size=2).result["resources"]

    def look_at_jobs(self) -> None:
        (job,) = self.run(veeam_job_info, self.session, name=HISTORY, last_session=True).result["jobs"]
        assert job["last_session"]["result"]

    # What fails as it should

    def log_on_with_a_wrong_password(self) -> None:
        self.run(veeam_job_info, None, options={"password": "wrong"})

    def name_no_job(self) -> None:
        self.run(veeam_job, self.chance.choice([self.session, None]), name="No such job", state="started")

    def send_no_filter(self) -> None:
        self.run(veeam_task_info, self.session, filter="State=Finished")

    def knock_at_a_closed_port(self) -> None:
        self.run(veeam_job_info, None, options={"port": self.closed_port})

    def trust_the_wrong_authority(self) -> None:
        self.run(veeam_job_info, None, options={"ca_path": str(Path(self.server.state["ca_path"]).with_name("stranger.pem"))})

    def wait_for_nothing(self) -> None:
        self.run(veeam_task, self.session, state="finished", task_id=["task-0"])

    def wait_in_vain(self) -> None:
        assert self.session is not None
        made = self.server.ask("POST", "/tasks", {"session": self.session["id"], "state": "Running"})
        stuck = self.stuck = made["task_ids"]
        try:
            self.run(veeam_task, self.session, state="finished", task_id=stuck, wait_timeout=20)
        finally:
            self.tasks.update(stuck)
            if self.run(veeam_task, self.session, state="absent", task_id=stuck, force=True).result["deleted"] == stuck:
                self.tasks.difference_update(stuck)

    def follow_a_failing_run(self) -> None:
        self.run(veeam_job, self.session, name="Failing Backup", state="started", wait_for="session")

    def use_an_ended_session(self) -> None:
        ended = log_on(create_options(self.server.state, timeout=self.timeout), clock=self.clock, sleep=self.sleep)
        self.server.ask("POST", "/sessions/expire", {"id": ended["id"]})
        self.run(veeam_task_info, ended)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="system.concurrency.soak", description="Run thousands of operations and see what they leave."
    )
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_given: sys.exit(143))  # the emulator must not outlive this process
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        return soak(server, options.operations, options.seed)


def soak(server: Server, operations: int, seed: int) -> int:
    """Soak, and print what was measured; return the exit status."""
    print(f"seed {seed}", flush=True)
    place, before = Path(server.state["ca_path"]).parents[1] / "tmp", tempfile.tempdir
    place.mkdir()
    tempfile.tempdir = str(place)
    begin = time.monotonic()
    tracemalloc.start()
    try:
        done = Soak(server, seed)
        samples = done.soak(operations)
    finally:
        tracemalloc.stop()
        tempfile.tempdir = before
    seconds = time.monotonic() - begin
    connections = server.ask("GET", "/state")["connections"]
    print_samples(samples)
    print(f"\n{operations} operations in {seconds:.0f} s, {connections} connections")
    for what, count in sorted(Counter(done.counts + done.left_behind).items()):
        print(f"{count:7} {what}")
    grown = judge(samples)
    print(f"{len(done.wrong)} wrong, {len(grown)} grown", *done.wrong[:10], *grown, sep="\n")
    return 1 if done.wrong or grown else 0


def write_stranger(server: Server) -> None:
    """Write the certificate of an authority that signed nothing."""
    import trustme

    trustme.CA().cert_pem.write_to_path(str(Path(server.state["ca_path"]).with_name("stranger.pem")))


if __name__ == "__main__":
    sys.exit(main())
