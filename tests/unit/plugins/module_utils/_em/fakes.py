# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client whose transport is a function: what it is asked and what it answers, without network, clock and sleep."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from requests.structures import CaseInsensitiveDict

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Response
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job

Script = Callable[[str, str], "Response | EmError"]
TOKEN = "SesToken1=="
SESSION_ID = "Ses/Id 1"


def answer(status: int = 200, body: object = b"", **headers: str) -> Response:
    """Return an answer; what is not bytes becomes JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()}), raw)


class FakeTransport:
    """Answers as a script says, and notes its calls."""

    def __init__(self, connection: Connection, script: Script) -> None:
        self.connection = connection
        self.script = script
        self.deadlines: list[float | None] = []
        self.requests = 0
        self.logoffs = 0  # that nothing may interrupt
        self.last_headers: Mapping[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes | None] = []
        self.shown: list[str | None] = []
        self.current_deadline: float | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        shown_path: str | None = None,
    ) -> Response:
        self.requests += 1
        self.calls.append((method, path))
        self.headers.append(dict(headers))
        self.bodies.append(body)
        self.shown.append(shown_path)
        self.deadlines.append(self.current_deadline)
        said = self.script(method, path)
        if isinstance(said, EmError):
            raise said
        self.last_headers = said.headers
        return said

    @contextmanager
    def deadline(self, deadline: float) -> Iterator[None]:
        self.current_deadline = deadline
        try:
            yield
        finally:
            self.current_deadline = None

    def start_logoff(self) -> None:
        self.logoffs += 1

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def resume(self) -> None:
        pass


class FakeClient(Client):
    """A client with a borrowed session, or a logged-on own one, on a clock that sleeping pushes."""

    transport: FakeTransport  # type: ignore[assignment]

    def __init__(self, script: Script, *, own: bool = False, **settings: Any) -> None:
        connection = Connection("em.example.com", username="CORP\\backup", session_id=SESSION_ID, token=TOKEN, **settings)
        self.now = 1000.0
        self.slept: list[float] = []
        self.progress: list[str] = []
        hooks = Hooks(clock=lambda: self.now, sleep=self._pass, on_progress=self.progress.append)
        super().__init__(connection, hooks=hooks, transport=FakeTransport(connection, script))  # type: ignore[arg-type]
        self.owns_session = own

    def _pass(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Return method and path of each request."""
        return self.transport.calls


def make_row(task_id: str, state: str = "Finished", operation: str = "StartJob", **more: Any) -> dict[str, Any]:
    """Make a task as the wire shows it."""
    row = {
        "TaskId": task_id,
        "State": state,
        "Operation": operation,
        "Href": f"http://vbr:9399/api/tasks/{task_id}?format=Entity",
    }
    return {**row, **({"Result": {"Success": True, "Message": "Ok"}} if state == "Finished" else {}), **more}


class TaskServer:
    """A script: a server with tasks, which filters by id or state if it can, and may make pages."""

    def __init__(self, rows: Iterable[dict[str, Any]], *, filters: bool = True, most: int = 1000) -> None:
        self.rows = list(rows)
        self.filters = filters
        self.most = most
        self.on_delete: dict[str, Response | EmError] = {}
        self.failing: list[Response | EmError] = []  # what the next queries get
        self.before_query: list[Callable[[], object]] = []  # what happens before each further query

    def drop(self, task_id: str) -> None:
        self.rows = [row for row in self.rows if row["TaskId"] != task_id]

    def __call__(self, method: str, path: str) -> Response | EmError:
        where, _mark, query = path.partition("?")
        if where == "/api/query":
            if self.before_query:
                self.before_query.pop(0)()
            return self.failing.pop(0) if self.failing else self._list(query)
        task_id = unquote(where.rpartition("/")[2])
        if method == "DELETE":
            said = self.on_delete.get(task_id, answer(204))
            if isinstance(said, Response) and said.status == 204:
                self.drop(task_id)
            return said
        row = next((row for row in self.rows if row["TaskId"] == task_id), None)
        return answer(200, row) if row else answer(404, {"Message": f"There is no task with id {task_id}."})

    def _list(self, query: str) -> Response:
        given = dict(part.partition("=")[::2] for part in query.split("&"))
        rows = self.rows
        if "filter" in given and self.filters:
            wanted = set(re.findall(r'==(?:"([^"]*)"|(\w+))', unquote(given["filter"])))
            texts = {quoted or bare for quoted, bare in wanted}
            rows = [row for row in rows if texts & {row["TaskId"], row["State"], row["Operation"]}]
        size, number = min(int(given["pageSize"]), self.most), int(given.get("page", "1"))
        count = max(1, -(-len(rows) // size))
        page = rows[(number - 1) * size : number * size]
        return answer(
            200,
            {"Resources": {"Tasks": {"Tasks": page}}, "PagingInfo": {"PageNum": number, "PageSize": size, "PagesCount": count}},
        )


JOB_GUID = "6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11"
JOB_UID = f"urn:veeam:Job:{JOB_GUID}"
ROOT_ID = "a2b0c55d-829a-4efe-bd95-125ee77ba9dd"
# A hierarchy root, as `Infrastructure` lists it.
ROOT = {
    "name": "vcenter01",
    "backup_server": "vbr01",
    "platform": "VMware",
    "uid": f"urn:veeam:HierarchyRoot:{ROOT_ID}",
    "unique_id": "4c4c4544",
}
JOB_LINKS = ("Start", "Stop", "Retry", "ToggleScheduleEnabled")


class SessionListClient:
    """A client of a server that lists the job sessions it is given, ten to a page, whatever the filter."""

    def __init__(self, sessions: list[dict[str, Any]] | None = None) -> None:
        self.sessions = sessions or []
        self.paths: list[str] = []
        self.pages = 0
        self.owns_session = True
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def iter_pages(self, path: str, *, list_path: tuple[str, ...], **_how: Any) -> Iterator[list[dict[str, Any]]]:
        self.paths.append(path)
        for start in range(0, len(self.sessions) or 1, 10):
            self.pages += 1
            yield self.sessions[start : start + 10]

    def ensure_session(self) -> None:
        pass

    def locate(self, href: str) -> str:
        return f"located {href}"


def make_session(number: int, state: str = "Stopped", result: str | None = "Success", **more: Any) -> dict[str, Any]:
    """Return a job session of `JOB_UID`, decoded."""
    return {
        "uid": f"urn:veeam:BackupJobSession:{number}",
        "name": f"session {number}",
        "job_uid": JOB_UID,
        "state": state,
        "result": result,
        "creation_time_utc": f"2026-11-23T18:{number:02}:00.{number}Z",
        **more,
    }


def make_job(*, enabled: bool | None = True, links: tuple[str, ...] = JOB_LINKS, job_type: str | None = "Backup") -> Job:
    """Return the job `JOB_UID` with these links."""
    raw = {"links": [{"rel": rel, "href": f"https://elsewhere:1/api/jobs/{JOB_GUID}?action={rel.lower()}"} for rel in links]}
    return Job({"name": "SQL", "uid": JOB_UID, "job_type": job_type, "schedule_enabled": enabled}, raw)
