# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that are ended in each phase of what they do, in each way there is: what is left on the server.

The table in the guide on failures says the same. By default each phase and each way is tried at least once; with
VBEM_EVERY_CASE=1 in the environment each way is tried in each phase.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from emulator import Emulator, LogonSession, Switches

from .test_endings import await_, heed_ctrl_c, start_text  # noqa: F401 # pylint: disable=unused-import
from .watcher import list_descendants

SHORT = 3.0  # seconds that a phase lasts which the server draws out
LIMITS = (4, 16)  # seconds of timeout: and async:; the second one is for machines that are too busy to begin within the first
TASKS = 60


class Phase(NamedTuple):
    """A task, the fault that holds it up, and how to see that it has come there."""

    task: str
    fault: dict[str, Any] | None  # its delay is multiplied by the seconds that the phase has to last
    method: str
    path: str
    count: int


PHASES = {
    # The session is made at once, and the answer comes late.
    "logon": Phase(
        "vbem.rest.veeam_job_info: {name: SQL Backup}",
        {"method": "POST", "path": "sessionMngr", "when": "after", "delay": 1},
        "POST",
        "sessionMngr",
        1,
    ),
    "wait for a run": Phase(
        "vbem.rest.veeam_job: {name: Endless Backup, state: started, wait_for: session, poll_interval: 1}",
        None,
        "GET",
        "/api/backupSessions/",
        2,
    ),
    "wait for tasks": Phase(
        "vbem.rest.veeam_task: {session: '{{ lent }}', state: finished, operation: QuickBackup, poll_interval: 1}",
        None,
        "GET",
        "type=Task",
        3,
    ),
    "removal": Phase(
        "vbem.rest.veeam_task: {session: '{{ lent }}', state: absent, task_state: Finished}",
        {"method": "DELETE", "path": "/tasks/", "delay": 4 / TASKS, "times": None},  # over four connections
        "DELETE",
        "/api/tasks/",
        5,
    ),
    # The request is there and will be carried out, with nobody waiting for its answer.
    "log-off": Phase(
        "vbem.rest.veeam_job_info: {name: SQL Backup}",
        {"method": "DELETE", "path": "logonSessions", "delay": 1},
        "DELETE",
        "/api/logonSessions/",
        1,
    ),
}


class Way(NamedTuple):
    """Keywords of the task, and what to do when it has come to its phase; None: wait for Ansible to do it."""

    keywords: str
    end: Callable[[subprocess.Popen[str]], None] | None


def signal_group(number: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    return lambda play: os.killpg(play.pid, number)


def signal_main(number: signal.Signals) -> Callable[[subprocess.Popen[str]], None]:
    return lambda play: play.send_signal(number)


def list_modules(play: subprocess.Popen[str]) -> list[int]:
    """List the processes of a play that run a module of the collection."""
    return [process for process in list_descendants(play.pid) if "AnsiballZ_veeam" in read_arguments(process)]


def read_arguments(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    return ""


def kill_module(play: subprocess.Popen[str]) -> None:
    modules = list_modules(play)
    assert modules
    for process in modules:
        os.kill(process, signal.SIGKILL)


def kill_all(play: subprocess.Popen[str]) -> None:
    for process in [play.pid, *list_descendants(play.pid)]:
        os.kill(process, signal.SIGKILL)


def kill_worker(play: subprocess.Popen[str]) -> None:
    workers = [
        process
        for process in list_descendants(play.pid)
        if "ansible-playbook" in read_arguments(process) and set(list_descendants(process)) & set(list_modules(play))
    ]
    assert workers
    for process in workers:
        os.kill(process, signal.SIGKILL)


WAYS = {
    "SIGKILL of ansible-playbook": Way("", signal_main(signal.SIGKILL)),
    "SIGKILL of its worker": Way("", kill_worker),
    "SIGKILL of the module": Way("", kill_module),
    "SIGKILL of the group": Way("", signal_group(signal.SIGKILL)),
    "SIGKILL of every process": Way("", kill_all),
    "Ctrl-C": Way("", signal_group(signal.SIGINT)),
    "SIGTERM": Way("", signal_main(signal.SIGTERM)),
    "SIGHUP of the group": Way("", signal_group(signal.SIGHUP)),
    "timeout": Way("timeout: {limit}", None),
    "async, polled, time is up": Way("async: {limit}\n      poll: 1", None),
    "async, polled, SIGKILL of ansible-playbook": Way("async: {limit}\n      poll: 1", signal_main(signal.SIGKILL)),
    "async, not polled": Way("async: {limit}\n      poll: 0", None),
}

PLAY = """
---
- name: Be ended
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Come to a phase
      {task}
      {keywords}
"""


# Where a session of the module's own stays open until the server ends it. Everywhere else none does.
KILLS = ["SIGKILL of the module", "SIGKILL of every process"]
BACKGROUND = [way for way in WAYS if way.startswith("async")]  # when the time is up, Ansible kills what runs in the background
OPEN = {
    *itertools.product(["logon"], [*KILLS, *BACKGROUND, "Ctrl-C", "SIGTERM"]),
    *itertools.product(["wait for a run"], [*KILLS, *BACKGROUND]),
}
# Where a removal goes on after the play has ended, to its end.
WHOLE = {"async, polled, SIGKILL of ansible-playbook"}
FEW = [
    ("logon", "SIGKILL of ansible-playbook"),
    ("logon", "Ctrl-C"),
    ("wait for a run", "SIGKILL of its worker"),
    ("wait for a run", "SIGKILL of the module"),
    ("wait for a run", "timeout"),
    ("wait for a run", "async, polled, time is up"),
    ("wait for tasks", "SIGTERM"),
    ("wait for tasks", "SIGHUP of the group"),
    ("wait for tasks", "async, not polled"),
    ("removal", "Ctrl-C"),
    ("removal", "SIGKILL of the group"),
    ("wait for a run", "SIGKILL of every process"),
    ("log-off", "async, polled, SIGKILL of ansible-playbook"),
]
CASES = list(itertools.product(PHASES, WAYS)) if os.environ.get("VBEM_EVERY_CASE") else FEW


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Give an emulator whose tasks are over soon."""
    with Emulator(Switches(task_running=0.1, task_collecting=0.1, run_delay=0.1), directory=tmp_path / "em") as emulator:
        yield emulator


def has_processes(folder: Path, *, end_missed: bool = False) -> bool:
    """Ask whether any process still runs with the environment of a play in this folder.

    On a busy machine Ansible's wrapper of asynchronous tasks may put a module into a process group too late, and not kill it with
    the group. The module goes on then, without a parent, until its own ``wait_timeout``. ``end_missed`` kills such a one.
    """
    mark = str(folder).encode()
    found = False
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in path.read_bytes() and path.parent.name != str(os.getpid()):
                found = True
                process = int(path.parent.name)
                arguments = read_arguments(process)
                is_module = "AnsiballZ_veeam" in arguments and "async_wrapper" not in arguments
                if end_missed and is_module and read_parent(process) == 1:
                    os.kill(process, signal.SIGKILL)
    return found


def read_parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def is_there(em: Emulator, phase: Phase) -> bool:
    """Ask whether the play has come to the phase."""
    return len(em.requests(phase.method, phase.path)) >= phase.count


def create_variables(em: Emulator, lent: LogonSession, folder: Path) -> str:
    """Write the session that the play is lent to a file, and give the option for it."""
    session = {"hostname": em.hostname, "port": em.port, "ca_path": str(em.ca_path), "id": lent.id, "token": lent.token}
    session |= {"api_version": "latest", "validate_certs": True, "timeout": 60, "retries": 0, "response_format": "auto"}
    file = folder / "variables.json"
    file.write_text(json.dumps({"lent": session}), encoding="utf-8")
    return f"@{file}"


def play_once(em: Emulator, folder: Path, lent: LogonSession, phase: Phase, way: Way, *, limit: int) -> str:
    """Start a play, end it when it has come to the phase, wait until all of it is gone, and give what it printed."""
    em.make_tasks(lent, TASKS)
    em.make_task(lent, "QuickBackup", state="Running")
    if phase.fault:
        seconds = SHORT if way.end else limit + SHORT
        em.fault("slow", **{**phase.fault, "delay": phase.fault["delay"] * seconds})
    folder.mkdir()
    text = PLAY.format(task=phase.task, keywords=way.keywords.format(limit=limit))
    play = start_text(em, folder, text, "-e", create_variables(em, lent, folder))
    try:
        await_("the phase or the end", lambda: is_there(em, phase) or not has_processes(folder))
        if way.end is not None:
            way.end(play)
        await_(
            "the end",
            lambda: play.poll() is not None and not has_processes(folder, end_missed=way.keywords.startswith("async")),
        )
    finally:
        play.kill()
        output, _errors = play.communicate()
    return output


def test_each_phase_and_each_way_is_tried() -> None:
    assert {phase for phase, _way in CASES} == set(PHASES)
    assert {way for _phase, way in CASES} == set(WAYS)


@pytest.mark.parametrize(("phase_name", "way_name"), CASES)
def test_what_is_left(em: Emulator, tmp_path: Path, phase_name: str, way_name: str) -> None:
    phase, way = PHASES[phase_name], WAYS[way_name]
    for limit in LIMITS:
        em.reset()
        lent = em.logon()
        output = play_once(em, tmp_path / f"play-{limit}", lent, phase, way, limit=limit)
        if is_there(em, phase):
            break
    assert is_there(em, phase), output[-2000:]
    await_("the server's last answer", lambda: all(entry.status for entry in em.log))
    own = [session for session in em.sessions if session is not lent]
    removed = TASKS - sum(state == "Finished" for _task, state in em.tasks(lent))
    print(f"{phase_name}, {way_name}: {len(own)} sessions left, {removed} of {TASKS} tasks removed")
    assert lent in em.sessions, "a borrowed session was logged off"
    # Ansible's wrapper may miss a module in the background when it kills: that one goes on, and logs off by itself.
    is_missed = way_name in BACKGROUND and not own
    assert is_missed or len(own) == ((phase_name, way_name) in OPEN), output[-2000:]
    if phase_name == "removal":
        assert removed >= phase.count - 1
        assert (removed == TASKS) == (way_name in WHOLE)
    else:
        assert removed == 0
    em.clock.advance(em.switches.idle_timeout + 1)
    assert em.sessions == []
