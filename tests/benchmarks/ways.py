# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to do a piece of work, one in a fresh process each: with the collection, and in a bare loop with requests.

``ways.py WAY`` reads its options as JSON and prints figures as JSON. Start-up does not count: what a way needs is loaded
before its clock begins. Memory is what the process grew by.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import resource
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PAGE_SIZE = 500
Options = dict[str, Any]
Figures = dict[str, float]


@contextmanager
def measured(figures: Figures) -> Iterator[None]:
    """Note the seconds and the megabytes that what is done within takes."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    yield
    figures["seconds"] = time.perf_counter() - begin
    figures["megabytes"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _connect(options: Options) -> Any:
    import requests  # noqa: F401 - loaded before the clock starts, as in the other ways

    from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
    from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection

    names = ("hostname", "port", "token", "ca_path")
    return Client(Connection(**{name: options[name] for name in names}, session_id=options["id"]))


def _open(options: Options) -> tuple[Any, str, dict[str, Any]]:
    import requests

    headers = {"Accept": "application/json", "X-RestSvcSessionId": options["token"]}
    url = f"https://{options['hostname']}:{options['port']}"
    return requests.Session(), url, {"headers": headers, "verify": options["ca_path"], "timeout": 60}


def read_query(options: Options) -> Figures:
    """Read runs as veeam_query_info does."""
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import create_query, read_resources

    asked = {"type": "BackupJobSession", "filter": None, "where": None, "sort_by": None, "descending": False}
    asked |= {"limit": None, "page_size": PAGE_SIZE, "format": "entities", "allow_unknown": False}
    figures: Figures = {}
    client = _connect(options)
    with measured(figures), client:
        rows = read_resources(client, create_query(asked))
    return {**figures, "rows": len(rows), "requests": client.requests}


def _iter_raw(options: Options, figures: Figures) -> Iterator[dict[str, Any]]:
    session, url, more = _open(options)
    page = 1
    with session:
        while True:
            path = f"/api/query?type=BackupJobSession&format=Entities&pageSize={options.get('rows', PAGE_SIZE)}&page={page}"
            answer = session.get(url + path, **more).json()
            figures["requests"] = page
            yield answer
            if page >= answer["pagingInfo"]["pagesCount"] or options.get("rows"):
                return
            page += 1


def read_raw(options: Options) -> Figures:
    """Read runs in a bare loop that keeps the server's JSON as it came."""
    figures: Figures = {}
    rows: list[Any] = []
    with measured(figures):
        for answer in _iter_raw(options, figures):
            rows += answer["entities"]["backupJobSessions"]["backupJobSessions"]
    total = answer["pagingInfo"]["pagesCount"] if options.get("rows") else len(rows)
    return {**figures, "rows": total}


def read_same(options: Options) -> Figures:
    """Read runs in a bare loop that gives the same rows as the module, in the plainest way there is."""
    from datetime import datetime

    base = f"https://{options['hostname']}:{options['port']}"

    def snake(name: str) -> str:
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()

    def date(text: str | None) -> str | None:
        if text is None:
            return None
        when = datetime.fromisoformat(text)
        return None if when.year <= 1753 else text

    def own(href: str) -> str:
        return base + re.sub(r"^https?://[^/]*", "", href)

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        made = {snake(key): value for key, value in row.items() if key not in ("links", "href")}
        for key in ("creation_time_utc", "end_time_utc"):
            made[key] = date(made[key])
        made["result"] = None if made["result"] == "None" else made["result"]
        made["href"] = own(row["href"])
        made["links"] = []
        for link in row["links"]:
            if link["rel"].lower() in ("up", "down", "related", "download"):
                found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", link["href"])
                made["links"].append({**link, "href": own(link["href"]), "uid": found[0] if found else None})
        return made

    figures: Figures = {}
    rows: list[Any] = []
    with measured(figures):
        for answer in _iter_raw(options, figures):
            rows += [plain(row) for row in answer["entities"]["backupJobSessions"]["backupJobSessions"]]
    return {**figures, "rows": len(rows)}


def _read_definitions(client: Any) -> list[dict[str, Any]]:
    from ansible_collections.vbem.rest.plugins.modules import veeam_job_definition_info

    jobs: list[dict[str, Any]] = veeam_job_definition_info.run(client, {"names": None, "backup_server": None}, True)["jobs"]
    return jobs


def export_jobs(options: Options) -> Figures:
    """Read the definitions of all jobs as veeam_job_definition_info does."""
    figures: Figures = {}
    client = _connect(options)
    with measured(figures), client:
        jobs = _read_definitions(client)
    return {**figures, "rows": len(jobs), "requests": client.requests}


def check_jobs(options: Options) -> Figures:
    """Compare all jobs with their definitions as veeam_job_definition does in check mode."""
    from ansible_collections.vbem.rest.plugins.modules import veeam_job_definition

    jobs = _read_definitions(_connect(options))
    defaults = {name: spec.get("default") for name, spec in veeam_job_definition.SPEC.items()}
    figures: Figures = {}
    client = _connect(options)
    with measured(figures), client:
        result = veeam_job_definition.run(client, {**defaults, "jobs": jobs}, True)
    if result["drift"]:
        raise RuntimeError(f"what was exported differs: {result['drift'][0]}")
    return {**figures, "rows": len(jobs), "requests": client.requests}


def list_tasks(options: Options) -> Figures:
    """List tasks as veeam_task_info does."""
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import TASK_QUERY, FilteredListing
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import create_selection, find_tasks

    nothing = dict.fromkeys(("task_id", "task_state", "operation", "success", "filter"))
    figures: Figures = {}
    client = _connect(options)
    with measured(figures), client:
        tasks = find_tasks(FilteredListing(client, TASK_QUERY), create_selection(nothing)).tasks
    return {**figures, "rows": len(tasks), "requests": client.requests}


def list_tasks_bare(options: Options) -> Figures:
    """List tasks in a bare loop that keeps the server's JSON as it came."""
    figures: Figures = {}
    tasks: list[Any] = []
    session, url, more = _open(options)
    with measured(figures), session:
        page = count = 0
        while not page or page < count:
            page += 1
            answer = session.get(f"{url}/api/query?type=Task&pageSize={PAGE_SIZE}&page={page}", **more).json()
            tasks += answer["resources"]["tasks"]["tasks"]
            count = answer["pagingInfo"]["pagesCount"]
    return {**figures, "rows": len(tasks), "requests": page}


def remove(options: Options) -> Figures:
    """Remove all finished tasks as veeam_task does: list, remove, report. ``connections: 1`` keeps it to one."""
    from ansible_collections.vbem.rest.plugins.module_utils._em.client import parallel
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import TASK_QUERY, FilteredListing
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_removal import plan_removal, remove_tasks
    from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import create_selection, find_tasks

    if options.get("connections") == 1:
        parallel.MIN_PARALLEL_ITEMS = sys.maxsize
    selection = create_selection({**dict.fromkeys(("task_id", "operation", "success", "filter")), "task_state": ["Finished"]})
    figures: Figures = {}
    client = _connect(options)
    with measured(figures), client:
        tasks = find_tasks(FilteredListing(client, TASK_QUERY), selection).tasks
        to_delete, kept = plan_removal(tasks, selection, force=False, max_delete=None)
        result = remove_tasks(client, tasks, to_delete, kept)
    return {**figures, "rows": len(result["deleted"]), "requests": client.requests}


def remove_bare(options: Options) -> Figures:
    """Remove all finished tasks in a bare loop."""
    figures: Figures = {}
    removed = 0
    session, url, more = _open(options)
    with measured(figures), session:
        ids: list[str] = []
        page = 1
        while True:
            path = f"/api/query?type=Task&filter=State%3D%3DFinished&pageSize={PAGE_SIZE}&page={page}"
            answer = session.get(url + path, **more).json()
            ids += [task["taskId"] for task in answer["resources"]["tasks"]["tasks"]]
            if page >= answer["pagingInfo"]["pagesCount"]:
                break
            page += 1
        for task_id in ids:
            removed += session.delete(f"{url}/api/tasks/{task_id}", **more).status_code == 204
    return {**figures, "rows": removed, "requests": page + len(ids)}


class _AllPolledError(Exception):
    """All polls were made."""


class _Day:
    """What happens between the polls of an event source: it is measured, time passes, and job sessions finish."""

    def __init__(self, options: Options, clocks: list[Any]) -> None:
        self.polls, self.interval, self.runs = options["polls"], options["interval"], options["runs"]
        self.control_url = options["control_url"]
        self.source: Any = None
        self.figures: Figures = {}
        self.totals: list[tuple[float, int, int]] = []  # seconds, requests and events of each poll
        self.events = 0
        self._pushed = 0.0
        self._seen = (0, 0)
        self._begin = time.perf_counter()
        for module in clocks:
            module.time = SimpleNamespace(time=lambda: time.time() + self._pushed)

    async def put(self, _event: Any) -> None:
        """Stand in for the queue's method: count an event, and forget it."""
        self.events += 1

    async def pause(self, _seconds: float) -> None:
        """Stand in for the source's pause."""
        seconds, requests = time.perf_counter() - self._begin, self.source.client.requests
        self.totals.append((seconds, requests - self._seen[0], self.events - self._seen[1]))
        self._seen = (requests, self.events)
        for name, number in (("first", 1), ("quarter", self.polls // 4 + 1), ("end", self.polls + 1)):
            if len(self.totals) == number:
                gc.collect()
                pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
                self.figures[f"{name}_megabytes"] = pages * resource.getpagesize() / 2**20
        if len(self.totals) > self.polls:
            raise _AllPolledError
        self._control("/clock", {"advance": self.interval})
        self._pushed += self.interval
        self._control("/runs", {"count": self.runs, "every": self.interval / self.runs})
        self._begin = time.perf_counter()

    def _control(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(self.control_url + path, data=json.dumps(body).encode())
        urllib.request.urlopen(request).close()

    def sum_up(self) -> Figures:
        """Return the means of the first poll and of those in the first and in the last quarter."""
        quarter = self.polls // 4
        parts = {"first": self.totals[:1], "quarter": self.totals[1 : quarter + 1], "end": self.totals[-quarter:]}
        for name, some in parts.items():
            means = [sum(values) / len(some) for values in zip(*some, strict=True)]
            self.figures |= dict(zip((f"{name}_seconds", f"{name}_requests", f"{name}_events"), means, strict=True))
        return {**self.figures, "events": self.events}


def poll_for_a_day(options: Options) -> Figures:
    """Poll with the event source as often as a day has polls; runs end between them, and both clocks are pushed."""
    from ansible_collections.vbem.rest.extensions.eda.plugins.event_source import job_sessions
    from ansible_collections.vbem.rest.plugins.module_utils._em.events import checkpoint, finished_sessions

    names = ("hostname", "port", "ca_path", "username", "password", "state_file")
    given = {**{name: options[name] for name in names}, "poll_interval": options["interval"]}
    day = _Day(options, [checkpoint, finished_sessions])
    job_sessions.pause = day.pause  # type: ignore[assignment]

    async def run() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        queue.put = day.put  # type: ignore[method-assign]
        day.source = job_sessions.Source(queue, job_sessions.read_options(given), None)
        with suppress(_AllPolledError):
            await day.source.run()

    asyncio.run(run())
    return day.sum_up()


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](json.loads(sys.stdin.read()))))
