# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API, the command line, and the life of an emulator."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator, Switches
from emulator.changes import CHANGES
from emulator.switches import SWITCHES, switch_table

from .wire import Wire

PACKAGE = Path(__file__).resolve().parents[1]


def control(em: Emulator, method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(em.control_url + path, data=data, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_state(em: Emulator, on: Wire) -> None:
    on.get("/api/tasks")
    state = control(em, "GET", "/state")
    assert (state["hostname"], state["port"], state["ca_path"], state["version"]) == ("localhost", em.port, em.ca_path, 13)
    assert (state["open_sessions"], state["requests"], state["standing_session_alive"]) == (1, 2, True)


def test_tasks_by_control(em: Emulator, on: Wire) -> None:
    made = control(
        em, "POST", "/tasks", {"session": on.session_id, "count": 2, "operation": "EditJob", "success": False, "message": "x"}
    )
    assert made["task_ids"] == ["task-7", "task-8"]
    control(em, "POST", "/tasks", {"session": on.headers["X-RestSvcSessionId"], "state": "Running"})
    control(em, "POST", "/tasks", {"running_for": 9})
    assert [task["state"] for task in control(em, "GET", "/tasks")] == ["Finished", "Finished", "Running", "Running"]
    assert on.get("/api/tasks/task-8").texts("Message") == ["x"]
    control(em, "DELETE", "/tasks/task-8")
    assert on.get("/api/tasks/task-8").status == 500


def test_switches_clock_faults_and_reset(em: Emulator, on: Wire) -> None:
    control(em, "POST", "/switches", {"task_filter": "ignored", "version": 12, "related_link": "no"})
    assert (em.switches.task_filter, em.switches.version, em.switches.related_link) == ("ignored", 12, False)
    control(em, "POST", "/faults", {"faults": [{"effect": "status", "status": 418}, {"effect": "slow", "delay": 0.01}]})
    assert [fault["effect"] for fault in control(em, "GET", "/faults")] == ["status", "slow"]
    assert on.get("/api/tasks").status == 418
    assert control(em, "DELETE", "/faults") == []
    control(em, "POST", "/clock", {"advance": 1000})
    assert on.get("/api/tasks").status == 401
    assert control(em, "POST", "/reset", {"task_sort": "ignored"})["switches"]["task_sort"] == "ignored"
    assert (em.switches.version, em.log, em.sessions) == (13, [], [])


def test_log_and_sessions_by_control(em: Emulator, on: Wire) -> None:
    on.query("Task")
    (entry,) = control(em, "GET", "/log?method=GET&path=/api/query")
    assert (entry["status"], entry["query"]["type"]) == (200, "Task")
    assert control(em, "DELETE", "/log") == []
    (session,) = control(em, "GET", "/sessions")
    assert session["id"] == on.session_id
    assert control(em, "POST", "/sessions/expire", {"id": session["id"]}) == {"expired": 1}
    assert control(em, "POST", "/sessions", {"username": "operator"})["username"] == "VBEM\\operator"
    assert control(em, "POST", "/sessions/expire", {"all": True}) == {"expired": 1}


def test_jobs_runs_rows_and_users_by_control(em: Emulator, on: Wire) -> None:
    job = control(em, "POST", "/jobs", {"name": "New", "server": "vbr02", "script": ["failed", "success"], "duration": 1})
    assert job in control(em, "GET", "/jobs")
    control(em, "POST", "/jobs/change", {"name": "New", "script": "warning"})
    assert em.world.job("New").script == ["warning"]
    control(em, "POST", "/runs", {"job": "New", "outcome": "failed", "ago": 60, "seconds": 5})
    found = on.query("BackupJobSession", format="Entities", filter='JobName=="New"')
    assert found.texts("Result") == ["Failed"]
    assert control(em, "POST", "/runs", {"count": 30}) == {"count": 30}
    control(em, "POST", "/rows", {"type": "Repository", "rows": [{"Name": "r", "FreeSpace": 1}]})
    assert len(on.query("Repository", filter="FreeSpace==1").texts("Ref")) == 1
    control(em, "POST", "/users", {"username": "a@b", "password": "c:d", "role": "Portal User"})
    assert em.users["a@b"].password == "c:d"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/switches", {"nonsense": 1}),
        ("/switches", {"version": 11}),
        ("/tasks", {"session": "nobody"}),
        ("/tasks", {"state": "Odd"}),
        ("/jobs", {"name": "x", "odd": 1}),
    ],
)
def test_bad_control_requests_are_explained(em: Emulator, on: Wire, path: str, body: object) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(em, "POST", path, body)
    assert caught.value.code == 400
    assert json.load(caught.value)["error"]


def test_a_wrong_switch_changes_none(em: Emulator) -> None:
    with pytest.raises(ValueError, match="version"):
        em.switches.update({"task_filter": "empty", "version": 5})
    assert em.switches.task_filter == "honoured"
    with pytest.raises(AttributeError, match="nonsense"):
        em.switches.nonsense = 1


def test_several_in_one_process() -> None:
    with Emulator(Switches(version=12)) as one, Emulator(Switches(version=13, task_filter="empty")) as two:
        assert one.port != two.port
        first, second = Wire(one), Wire(two)
        first.log_on()
        second.log_on()
        one.make_task(first.session_id)
        assert len(first.query("Task").texts("Task")) == 1
        assert second.get("/api/tasks", first.headers).status == 401
        first.close()
        second.close()
        folder = one.directory
    assert not folder.exists()


def test_start_can_be_repeated() -> None:
    emulator = Emulator()
    for _round in range(2):
        emulator.start()
        assert Wire(emulator).get("/api/").status == 200
        emulator.stop()


def test_reset_returns_to_the_switches_given() -> None:
    with Emulator(Switches(version=12), speed=5) as emulator:
        emulator.switches.version = 13
        emulator.clock.speed = 1
        emulator.world.add_job("x")
        emulator.reset()
        assert (emulator.switches.version, emulator.clock.speed) == (12, 5)
        assert "x" not in [job.name for job in emulator.world.jobs]


@pytest.mark.parametrize("by_path", [True, False])
def test_command_line(tmp_path: Path, by_path: bool) -> None:
    how = [str(PACKAGE)] if by_path else ["-m", "emulator"]
    ready, folder = tmp_path / "ready", tmp_path / "dir"
    command = [sys.executable, *how, "--port", "0", "--control-port", "0", "--dir", str(folder), "--ready-file", str(ready)]
    command += ["--version", "12", "--switch", "task-filter=ignored", "--print-requests"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        deadline = time.monotonic() + 300
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        state = json.loads((folder / "state.json").read_text())
        assert (folder / "state.json").stat().st_mode & 0o077 == 0
        assert (state["version"], state["switches"]["task_filter"]) == (12, "ignored")
        context = ssl.create_default_context(cafile=state["ca_path"])
        secret = "0ddba11-secret"
        with urllib.request.urlopen(f"{state['base_url']}/api/", context=context, timeout=60) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{state['base_url']}/api/logonSessions/{secret}", context=context, timeout=60)
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=300)
    assert process.returncode == 0
    assert f"export VBEM_PORT={state['port']}" in output
    assert "GET /api/ 200" in errors.replace("GET /api 200", "GET /api/ 200")
    assert secret not in errors
    assert not ready.exists()
    assert not folder.exists()


@pytest.mark.parametrize("arguments", [["--switch", "nonsense=1"], ["--switch", "version"], ["--switch", "version=9"]])
def test_bad_arguments_are_one_sentence(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, str(PACKAGE), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_sentence(em: Emulator) -> None:
    done = subprocess.run([sys.executable, str(PACKAGE), "--port", str(em.port)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_every_switch_is_documented() -> None:
    for switch in SWITCHES.values():
        assert switch.metadata["doc"]
        assert switch.metadata["source"]
    assert switch_table() in (PACKAGE / "README.md").read_text(encoding="utf-8")


def test_the_infrastructure_is_changed_by_name(em: Emulator, on: Wire) -> None:
    root = control(em, "POST", "/change", {"what": "add_root", "name": "vc2.vbem.test", "server": "vbr02", "host_type": "VC"})
    machine = control(em, "POST", "/change", {"what": "add_machine", "root": root["id"], "name": "new77", "visible_after": 5})
    assert machine["ref"].startswith(f"urn:VMware:Vm:{root['id']}.vm-")
    assert on.get(f"/api/lookup?hierarchyRef={machine['ref']}").texts("ObjectName") == []
    em.clock.advance(6)
    assert on.get(f"/api/lookup?hierarchyRef={machine['ref']}").texts("ObjectName") == ["new77"]
    added = control(em, "POST", "/change", {"what": "add_object", "job": "SQL Backup", "object": "build01"})
    shown = control(em, "GET", "/objects?job=SQL%20Backup")
    assert [one["name"] for one in shown] == ["sql01", "sql02", "build01"]
    assert shown[-1]["id"] == added["id"]
    control(em, "POST", "/change", {"what": "remove_object", "job": "SQL Backup", "object": "build01"})
    assert len(control(em, "GET", "/objects?job=SQL%20Backup")) == 2
    point = control(em, "POST", "/change", {"what": "add_restore_point", "machine": "build01", "ago": 60})
    assert on.get(f"/api/vmRestorePoints/{point['id']}").status == 200
    control(em, "POST", "/change", {"what": "change_machine", "name": "build01", "restore_script": "failed", "reason": "no"})
    item = em.world.inventory.named("build01")
    assert item is not None
    assert (item.restore_script, item.reason) == (["failed"], "no")
    control(em, "POST", "/change", {"what": "remove_machine", "name": "build01"})
    assert em.world.inventory.named("build01") is None
    control(em, "POST", "/change", {"what": "remove_job", "name": "SQL Backup"})
    assert on.query("Job", filter='Name=="SQL Backup"').texts("Ref") == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"what": "nonsense"}, "what is one of add_root, "),
        ({"what": "add_machine", "root": "nobody", "name": "x"}, "no hierarchy root 'nobody'"),
        ({"what": "add_object", "job": "nobody", "object": "x"}, "no job 'nobody'"),
        ({"what": "add_object", "job": "SQL Backup", "object": "nobody"}, "nothing in the inventory is 'nobody'"),
        ({"what": "remove_object", "job": "SQL Backup", "object": "nobody"}, "SQL Backup does not hold 'nobody'"),
        ({"what": "change_machine", "name": "web01", "colour": "red"}, "a machine's 'colour' cannot be changed"),
    ],
)
def test_changes_that_make_no_sense(em: Emulator, body: dict[str, Any], words: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(em, "POST", "/change", body)
    assert caught.value.code == 400
    assert words in json.loads(caught.value.read())["error"]


def test_every_change_is_documented() -> None:
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert all(f"`{what}`" in readme for what in CHANGES)


def test_the_world_is_the_same_in_every_emulator() -> None:
    def rows(one: Emulator) -> list[tuple[str, str]]:
        plain = [(row.spec.name, row.uid) for row in one.world.plain_rows]
        held = [(row.name, str(row.data.get("hierarchyobjref"))) for job in one.world.jobs for row in one.world.objects_of(job)]
        return plain + held

    with Emulator() as first, Emulator() as second:
        assert rows(first) == rows(second)
        assert [job.name for job in first.world.jobs if not first.world.objects_of(job) and not job.linked] == []
        assert all(row.owner is job for job in first.world.jobs for row in (*job.objects, *job.linked))
