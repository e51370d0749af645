# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One borrowed session, many workers, and as many operations a second as there can be.

``python -m system.concurrency.shared_session`` prints what was done; it fails if a worker saw anything that is not so. Needs
``tests`` and a tree of collections on ``PYTHONPATH``.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ansible_collections.vbem.rest.plugins.modules import veeam_job, veeam_session, veeam_task, veeam_task_info

from .inprocess import Server, create_options, log_on, open_client, run_module, run_with

SWITCHES = {"task_running": 0.02, "task_collecting": 0.02, "run_delay": 0.01, "run_starting": 0.01, "run_duration": 0.03}
RACES = 5  # how often all workers remove the same tasks
RACE_TASKS = 10
KEPT = 20  # operations by one client, before it is closed and another one opened


class Worker:
    """One of those who share the session. It knows what it started and what it removed, and believes nothing else."""

    def __init__(self, state: dict[str, Any], session: dict[str, Any], number: int, operations: int, seed: int) -> None:
        form = ("json", "xml")[number % 2]
        self.options = create_options(state, {**session, "response_format": form})
        self.job = f"Job {number}"
        self.is_paged = bool(state["switches"]["max_page_size"])
        self.operations = operations
        self.chance = random.Random(seed * 1000 + number)
        self.started: set[str] = set()
        self.removed: set[str] = set()
        self.deleted: list[str] = []
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.client = open_client(self.options, time.monotonic, time.sleep)

    def work(self) -> dict[str, Any]:
        """Do all operations; return what was done, and what was wrong."""
        races = {self.operations * race // RACES: race for race in range(RACES)}
        for number in range(self.operations):
            if number % KEPT == 0:
                self.client.__exit__(None, None, None)
                self.client = open_client(self.options, time.monotonic, time.sleep)
            try:
                if number in races:
                    self.race(races[number])
                else:
                    self.step()
            except Exception:
                self.wrong.append(f"{self.job}, operation {number}: {traceback.format_exc(limit=-2)}")
        self.client.__exit__(None, None, None)
        return {"counts": self.counts, "deleted": self.deleted, "left": sorted(self.started), "wrong": self.wrong}

    def run(self, module: Any, **params: Any) -> dict[str, Any]:
        """Run a module within the session."""
        return run_with(self.client, self.options, module, params)

    def step(self) -> None:
        """Do one of the four things at random."""
        what = self.chance.choice(["start", "list", "wait", "remove"])
        self.counts[what] += 1
        getattr(self, what)()

    def start(self) -> None:
        result = self.run(veeam_job, name=self.job, state="started", wait_for="nothing")
        assert result["job"]["name"] == self.job, "another worker's job"
        assert result["changed"] is (result["task"] is not None)
        if result["changed"]:
            assert result["task"]["task_id"] not in self.started | self.removed, "a task that was there before"
            self.started.add(result["task"]["task_id"])

    def list(self) -> None:
        # A list of several pages is no snapshot, but what is named is found.
        named = sorted(self.started | self.removed) if self.is_paged else None
        listed = {task["task_id"] for task in self.run(veeam_task_info, task_id=named)["tasks"]}
        assert self.started <= listed, f"not listed: {self.started - listed}"
        assert not self.removed & listed, f"listed though removed: {self.removed & listed}"

    def wait(self) -> None:
        named = sorted(self.started)
        awaited = self.run(veeam_task, state="finished", task_id=named, poll_interval=1, fail_on_error=False)["tasks"]
        assert {task["task_id"] for task in awaited} == self.started
        for task in awaited:
            # A run shows up after a while; until then a start that fails is tried.
            assert task["state"] == "Finished"
            assert task["message"] == f'Job "{self.job}" ' + (
                "triggered to start." if task["success"] else "is already running."
            )

    def remove(self) -> None:
        self.wait()
        result = self.run(veeam_task, state="absent", task_id=sorted(self.started))
        assert set(result["deleted"]) == self.started, f"of {self.started} only {result['deleted']} were deleted"
        self.keep(result)

    def race(self, number: int) -> None:
        """Remove what all others are removing, too: gone already is fine."""
        self.counts["remove what all remove"] += 1
        result = self.run(veeam_task, state="absent", operation=[f"Race {number}"])
        self.keep(result)

    def keep(self, result: dict[str, Any]) -> None:
        assert (result["kept"], result["errors"]) == ([], [])
        self.deleted += result["deleted"]
        self.removed |= set(result["deleted"])
        self.started -= set(result["deleted"])


def work(*given: Any) -> dict[str, Any]:
    """Be a worker, in a thread or in a process."""
    return Worker(*given).work()


def share(
    server: Server, workers: int, operations: int, seed: int, *, processes: bool = False
) -> tuple[Counter[str], list[str]]:
    """Let workers share one session; return what was done, and what was wrong."""
    server.state = server.ask("GET", "/state")
    for number in range(workers):
        server.ask("POST", "/jobs", {"name": f"Job {number}"})
    own = create_options(server.state)
    session = log_on(own)
    races = [server.ask("POST", "/tasks", {"count": RACE_TASKS, "operation": f"Race {race}"}) for race in range(RACES)]
    pool: Executor = ProcessPoolExecutor(workers, get_context("spawn")) if processes else ThreadPoolExecutor(workers)
    with pool:
        futures = [pool.submit(work, server.state, session, number, operations, seed) for number in range(workers)]
        done = [future.result() for future in futures]

    wrong = [line for one in done for line in one["wrong"]]
    counts: Counter[str] = Counter()
    for one in done:
        counts.update(one["counts"])
    log = server.ask("GET", "/log")
    removals = [entry for entry in log if entry["method"] == "DELETE" and entry["path"].startswith("/api/tasks/")]
    by_server = Counter(entry["path"].rpartition("/")[2] for entry in removals if entry["status"] == 204)
    by_workers = Counter(task_id for one in done for task_id in one["deleted"])
    counts["tasks removed"] = by_workers.total()
    counts["removals of what was gone already"] = sum(entry["status"] == 500 for entry in removals)
    if by_server != by_workers or set(by_workers.values()) != {1}:
        wrong.append("a task was not removed exactly once")
    if not {task_id for race in races for task_id in race["task_ids"]} <= set(by_workers):
        wrong.append("a task that all were to remove is left")
    if {entry["status"] for entry in removals} - {204, 500}:
        wrong.append("a removal was refused")
    left = [task["task_id"] for task in server.ask("GET", "/tasks")]
    if sorted(left) != sorted(task_id for one in done for task_id in one["left"]):
        wrong.append("what is left is not what nobody removed")
    if len(server.ask("GET", "/sessions")) != 1:
        wrong.append("the session did not live until the end, or has company")
    borrowed = create_options(server.state, session)
    if [run_module(borrowed, veeam_session, state="absent").result["changed"] for _turn in range(2)] != [True, False]:
        wrong.append("the session was not logged off exactly once")
    token = base64.b64encode(session["id"].encode()).decode()
    sent = {value for entry in log for name, value in entry["headers"] if name.lower() == "x-restsvcsessionid"}
    if sent != {token} or len([entry for entry in log if entry["method"] == "POST" and "sessionMngr" in entry["path"]]) != 1:
        wrong.append("there was another session")
    return counts, wrong


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="system.concurrency.shared_session", description="Share one logon session between many workers."
    )
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--operations", type=int, default=300, help="of each worker (default: %(default)s)")
    parser.add_argument("--processes", action="store_true", help="workers are processes, not threads")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="a switch of the emulator")
    options = parser.parse_args(arguments)
    switches = {**SWITCHES, **dict(setting.split("=", 1) for setting in options.switch)}
    print(f"seed {options.seed}, {options.workers} {'processes' if options.processes else 'threads'}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), **switches) as server:
        begin = time.monotonic()
        counts, wrong = share(server, options.workers, options.operations, options.seed, processes=options.processes)
        seconds = time.monotonic() - begin
    for what, count in sorted(counts.items()):
        print(f"{count:7} {what}")
    total = options.workers * options.operations
    print(f"{total} operations with one session, {total / seconds:.0f} a second, {len(wrong)} wrong", *wrong[:10], sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
