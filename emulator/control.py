# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: what the Python interface does, for playbooks. Plain HTTP on loopback, JSON in and out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .changes import change, find_holder

if TYPE_CHECKING:
    from .emulator import Emulator


def control_app(emulator: Emulator) -> web.Application:
    """Return the application."""
    control = _Control(emulator)
    app = web.Application(middlewares=[_explain])
    app.add_routes(
        [
            web.get("/state", control.state),
            web.post("/reset", control.reset),
            web.post("/switches", control.set_switches),
            web.post("/clock", control.set_clock),
            web.get("/faults", control.list_faults),
            web.post("/faults", control.add_faults),
            web.delete("/faults", control.clear_faults),
            web.get("/log", control.log),
            web.delete("/log", control.clear_log),
            web.get("/sessions", control.list_sessions),
            web.post("/sessions", control.log_on),
            web.post("/sessions/expire", control.expire),
            web.get("/tasks", control.list_tasks),
            web.post("/tasks", control.make_tasks),
            web.delete("/tasks/{task_id}", control.remove_task),
            web.get("/jobs", control.list_jobs),
            web.post("/jobs", control.add_job),
            web.post("/jobs/change", control.change_job),
            web.post("/runs", control.make_runs),
            web.post("/rows", control.add_rows),
            web.post("/users", control.add_user),
            web.post("/change", control.change),
            web.get("/objects", control.list_objects),
        ]
    )
    return app


@web.middleware
async def _explain(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = error.args[0] if error.args and isinstance(error.args[0], str) else repr(error)
        return web.json_response({"error": text}, status=400)


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


class _Control:
    def __init__(self, emulator: Emulator) -> None:
        self._em = emulator

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(self._em.state())

    async def reset(self, request: web.Request) -> web.Response:
        switches = await _body(request)
        with self._em.locked() as backend:
            backend.reset()
            backend.switches.update(switches)
        return web.json_response(self._em.state())

    async def set_switches(self, request: web.Request) -> web.Response:
        switches = await _body(request)
        with self._em.locked() as backend:
            backend.switches.update(switches)
            return web.json_response(backend.switches.as_dict())

    async def set_clock(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            if "speed" in body:
                backend.clock.speed = float(body["speed"])
            backend.clock.advance(float(body.get("advance", 0)))
            return web.json_response({"clock": backend.clock.now(), "speed": backend.clock.speed})

    async def list_faults(self, request: web.Request) -> web.Response:
        with self._em.locked() as backend:
            return web.json_response(backend.faults.as_list())

    async def add_faults(self, request: web.Request) -> web.Response:
        body = await _body(request)
        wanted = body.get("faults", [body])
        for settings in wanted:
            self._em.fault(**settings)
        return await self.list_faults(request)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._em.clear_faults()
        return web.json_response([])

    async def log(self, request: web.Request) -> web.Response:
        entries = self._em.requests(request.query.get("method"), request.query.get("path"))
        return web.json_response([entry.as_dict() for entry in entries])

    async def clear_log(self, request: web.Request) -> web.Response:
        self._em.clear_log()
        return web.json_response([])

    async def list_sessions(self, request: web.Request) -> web.Response:
        return web.json_response([session.as_dict() for session in self._em.sessions])

    async def log_on(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return web.json_response(self._em.logon(body.get("username")).as_dict(), status=201)

    async def expire(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not body.get("all") and "id" not in body:
            raise ValueError('give {"id": "..."} or {"all": true}')
        return web.json_response({"expired": self._em.expire(None if body.get("all") else body["id"])})

    def _session(self, key: str | None) -> str:
        """Return a session's token; without a key the newest session is meant."""
        with self._em.locked() as backend:
            if key is not None:
                return backend.find_session(key).token
            if not backend.open_sessions:
                raise KeyError("no open session")
            return backend.open_sessions[-1].token

    async def list_tasks(self, request: web.Request) -> web.Response:
        tasks = self._em.tasks(self._session(request.query.get("session")))
        return web.json_response([{"task_id": task_id, "state": state} for task_id, state in tasks])

    async def make_tasks(self, request: web.Request) -> web.Response:
        body = await _body(request)
        token = self._session(body.pop("session", None))
        count = int(body.pop("count", 1))
        return web.json_response({"task_ids": self._em.make_tasks(token, count, **body)}, status=201)

    async def remove_task(self, request: web.Request) -> web.Response:
        self._em.remove_task(self._session(request.query.get("session")), request.match_info["task_id"])
        return web.json_response({})

    async def list_jobs(self, request: web.Request) -> web.Response:
        with self._em.locked() as backend:
            return web.json_response([backend.world.describe_job(job) for job in backend.world.jobs])

    async def add_job(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            job = backend.world.add_job(body.pop("name"), **body)
            return web.json_response(backend.world.describe_job(job), status=201)

    async def change_job(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            job = backend.change_job(body)
            return web.json_response(backend.world.describe_job(job))

    async def make_runs(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            world = backend.world
            job = world.job(body["job"], body.get("server")) if "job" in body else None
            if "outcome" in body:
                if job is None:
                    raise ValueError("a single run needs a job")
                run = world.add_run(
                    job,
                    backend.clock.now() - float(body.get("ago", 3600)),
                    float(body.get("seconds", 600)),
                    body["outcome"],
                )
                return web.json_response({"run_ids": [run.id]}, status=201)
            runs = world.make_runs(int(body.get("count", 1)), job, every=float(body.get("every", 60.0)))
            return web.json_response({"count": len(runs)}, status=201)

    async def add_rows(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            rows = [backend.world.add_row(body["type"], row.pop("Name"), **row) for row in body["rows"]]
            return web.json_response({"ids": [row.id for row in rows]}, status=201)

    async def change(self, request: web.Request) -> web.Response:
        body = await _body(request)
        with self._em.locked() as backend:
            return web.json_response(change(backend, body), status=201)

    async def list_objects(self, request: web.Request) -> web.Response:
        with self._em.locked() as backend:
            holder = find_holder(backend, request.query["job"], request.query.get("server"))
            rows = backend.world.objects_of(holder)
            return web.json_response([{"id": row.id, "name": row.name, "ref": row.data["hierarchyobjref"]} for row in rows])

    async def add_user(self, request: web.Request) -> web.Response:
        body = await _body(request)
        self._em.add_user(
            body.get("key", body["username"]),
            body["username"],
            body["password"],
            body.get("role", "Portal Administrator"),
        )
        return web.json_response({}, status=201)
