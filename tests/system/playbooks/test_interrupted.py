# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that are interrupted in each phase of what they do, in each way there is: what is left on the server.

The table in the guide on failures says the same. ``make test`` runs a few of them. ``make thorough`` runs each way where they
differ in what they leave, and those of SOME where all leave the same.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.emulators import FAST_SWITCHES, create_environment_variables, create_session
from support.playbooks import start_playbook
from support.processes import list_descendants, list_processes_with, read_arguments, read_parent, wait_until
from support.tiers import sample

from emulator import Emulator, LogonSession, Switches

# Seconds of timeout: and async:, and seconds that a phase lasts which the server draws out. The further ones are for machines
# that are too busy to begin, or to send the signal, within the first.
LIMITS = ((4, 3.0), (16, 12.0), (64, 48.0), (120, 96.0))
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
    """Return the processes of a playbook that run a module of the collection."""
    return [process for process in list_descendants(play.pid) if "AnsiballZ_veeam" in read_arguments(process)]


def list_workers(play: subprocess.Popen[str]) -> list[int]:
    """Return the processes that Ansible has forked to run tasks."""
    return [process for process in list_descendants(play.pid) if "ansible-playbook" in read_arguments(process)]


def kill(processes: list[int]) -> None:
    assert processes
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def kill_module(play: subprocess.Popen[str]) -> None:
    kill(list_modules(play))


def kill_worker(play: subprocess.Popen[str]) -> None:
    kill(list_workers(play))


def kill_all(play: subprocess.Popen[str]) -> None:
    kill([play.pid, *list_descendants(play.pid)])


WAYS = {
    "SIGKILL of ansible-playbook": Way("", signal_main(signal.SIGKILL)),
    "SIGKILL of its worker": Way("", kill_worker),
    "SIGKILL of the module": Way("", kill_module),
    "SIGKILL of the group": Way("", signal_group(signal.SIGKILL)),
    "SIGKILL of every process": Way("", kill_all),
    "Ctrl-C": Way("", signal_group(signal.SIGINT)),
    "SIGINT": Way("", signal_main(signal.SIGINT)),
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


# How a module runs: within Ansible's worker, or in a process of its own, whose arguments tell the module unless pipelining hides it.
HOW = {"in process": {}, "as module": {"VBEM_IN_PROCESS": "false", "ANSIBLE_PIPELINING": "false"}}
BACKGROUND = [way for way in WAYS if way.startswith("async")]  # when the time is up, Ansible kills what runs in the background
OWN_PROCESS = ["SIGKILL of the module", *BACKGROUND]  # these need one
# A way that kills, one that interrupts, one that hangs up, and Ansible's own.
SOME = ["SIGKILL of every process", "Ctrl-C", "SIGHUP of the group", "timeout"]
DIFFERING = [(how, phase) for how in HOW for phase in ("logon", "wait for a run")]
CASES = [
    (how, phase, way)
    for how in HOW
    for phase in PHASES
    for way in (WAYS if (how, phase) in DIFFERING else SOME + BACKGROUND * (phase == "removal"))
    if how == "as module" or way not in OWN_PROCESS
]
FEW = [
    ("in process", "logon", "SIGKILL of ansible-playbook"),
    ("in process", "wait for a run", "Ctrl-C"),
    ("in process", "wait for a run", "timeout"),
    ("in process", "wait for tasks", "SIGHUP of the group"),
    ("as module", "wait for a run", "SIGTERM"),
    ("as module", "removal", "Ctrl-C"),
]
# Where an own session stays open until the server ends it. Everywhere else none does.
KILLS = {"in process": ["SIGKILL of its worker"], "as module": ["SIGKILL of the module"]}
OPEN = {
    (how, phase, way)
    for how in HOW
    for phase in ("logon", "wait for a run")
    for way in [*KILLS[how], "SIGKILL of every process", *BACKGROUND]
}
OPEN |= {(how, "logon", way) for how in HOW for way in ("Ctrl-C", "SIGINT", "SIGTERM")}
OPEN.add(("in process", "logon", "timeout"))  # Ansible interrupts its worker, while a module goes on until it knows the session
# Where it depends on what is faster. Once the play is over, Ansible terminates the process group of a worker that has not ended
# yet, and the module with it. Its wrapper may miss a module in the background when it kills: that one goes on, and logs off.
UNCERTAIN = {(how, phase, way) for how, phase, way in OPEN if way in BACKGROUND} | {("as module", "logon", "timeout")}
# Where a removal goes on after the playbook has ended, to its end.
WHOLE = {"async, polled, SIGKILL of ansible-playbook"}


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose tasks are over soon."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        yield emulator


def has_processes(folder: Path, *, end_missed: bool = False) -> bool:
    """Return whether any process still runs with the environment of a playbook in this folder.

    On a busy machine Ansible's wrapper of asynchronous tasks may put a module into a process group too late, and not kill it with
    the group. The module goes on then, without a parent, until its own ``wait_timeout``. ``end_missed`` kills such a one.
    """
    processes = list_processes_with(str(folder))
    for process in processes if end_missed else ():
        arguments = read_arguments(process)
        if "AnsiballZ_veeam" in arguments and "async_wrapper" not in arguments and read_parent(process) == 1:
            os.kill(process, signal.SIGKILL)
    return bool(processes)


def is_there(em: Emulator, phase: Phase) -> bool:
    """Return whether the playbook has come to the phase."""
    return len(em.requests(phase.method, phase.path)) >= phase.count


def is_held(em: Emulator, phase: Phase) -> bool:
    """Return whether the server is still drawing the phase out; what is not drawn out lasts for as long as nobody ends it."""
    return phase.fault is None or any(entry.status is None for entry in em.requests(phase.method, phase.path))


def play_once(
    em: Emulator, folder: Path, lent: LogonSession, case: tuple[str, Phase, Way], *, limit: int, seconds: float
) -> tuple[bool, str]:
    """Start a playbook, interrupt it in the phase, and wait until all of it is gone.

    Return whether it was interrupted in the phase indeed, and what it printed.
    """
    how, phase, way = case
    em.make_tasks(lent, TASKS)
    em.make_task(lent, "QuickBackup", state="Running")
    if phase.fault:
        drawn_out = seconds if way.end else limit + seconds
        em.fault("slow", **{**phase.fault, "delay": phase.fault["delay"] * drawn_out})
    folder.mkdir()
    playbook, variables = folder / "play.yml", folder / "variables.json"
    # What is to go on to its end in the background must not run out of time.
    enough = LIMITS[-1][0] if way.end and phase is PHASES["removal"] else limit
    playbook.write_text(PLAY.format(task=phase.task, keywords=way.keywords.format(limit=enough)), encoding="utf-8")
    variables.write_text(json.dumps({"lent": create_session(em, lent, timeout=300, retries=0)}), encoding="utf-8")
    environment = create_environment_variables(em) | {"VBEM_TIMEOUT": "300", "PYTHONUNBUFFERED": "1", **HOW[how]}
    play = start_playbook("-vvv", "-e", f"@{variables}", playbook, home=folder, environment=environment)

    def is_over() -> bool:
        # A process that is just being started may have no environment yet.
        return play.poll() is not None and not has_processes(folder, end_missed=way.keywords.startswith("async"))

    try:
        wait_until("the phase or the end", lambda: is_there(em, phase) or is_over())
        reached = is_there(em, phase)
        if way.end is not None:
            if play.poll() is None:
                way.end(play)
            reached = reached and is_held(em, phase)
        wait_until("the end", is_over, involved=lambda: [play.pid, *list_processes_with(str(folder))])
    finally:
        play.kill()
        output, _errors = play.communicate()
    return reached, output


@pytest.mark.parametrize(("how", "phase_name", "way_name"), sample(CASES, FEW))
def test_what_is_left(em: Emulator, tmp_path: Path, how: str, phase_name: str, way_name: str) -> None:
    phase, way = PHASES[phase_name], WAYS[way_name]
    for limit, seconds in LIMITS:
        em.reset()
        lent = em.logon()
        reached, output = play_once(em, tmp_path / f"play-{limit}", lent, (how, phase, way), limit=limit, seconds=seconds)
        if reached:
            break
    assert reached, output[-2000:]
    # A killed ansible-playbook may not have printed yet what its worker told it.
    is_unprinted = how == "in process" and way_name == "SIGKILL of ansible-playbook"
    assert is_unprinted or ("runs within Ansible's process" in output) is (how == "in process"), output[-2000:]
    wait_until("the server's last answer", lambda: all(entry.status for entry in em.log))
    own = [session for session in em.sessions if session is not lent]
    removed = TASKS - sum(state == "Finished" for _task, state in em.tasks(lent))
    print(f"{how}, {phase_name}, {way_name}: {len(own)} sessions left, {removed} of {TASKS} tasks removed")
    assert lent in em.sessions, "a borrowed session was logged off"
    case = (how, phase_name, way_name)
    assert len(own) in ((0, 1) if case in UNCERTAIN else (1,) if case in OPEN else (0,)), output[-2000:]
    if phase_name == "removal":
        assert removed >= phase.count - 1
        assert (removed == TASKS) == (way_name in WHOLE)
    else:
        assert removed == 0
    em.clock.advance(em.switches.idle_timeout + 1)
    assert em.sessions == []
