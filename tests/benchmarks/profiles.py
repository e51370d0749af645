# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the time of the commonest calls goes, from the start of ansible-playbook to its end."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

from place import HERE, TREE, Place, Table, size

RUNS = size(7)
TASKS = 20


class Call(NamedTuple):
    """A module, its options, and the play that does the same."""

    module: str
    options: dict[str, object]
    play: str


CALLS = {
    f"list {TASKS} tasks": Call("veeam_task_info", {}, "list"),
    "start a job, wait for its task": Call(
        "veeam_job", {"name": "SQL Backup", "state": "started", "poll_interval": 1}, "start"
    ),
    f"remove {TASKS} tasks": Call("veeam_task", {"state": "absent", "task_state": ["Finished"]}, "remove"),
}
PARTS = {
    "connect": "connection and TLS",
    "server": "server and network",
    "pauses": "pauses between polls",
    "decode": "decoding",
}


def _run(command: list[str], **environment: str) -> tuple[float, str]:
    begin = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(TREE), **environment}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout} {done.stderr}")
    return seconds, done.stdout


def measure_profiles(place: Place) -> Table:
    """Take three calls apart. What ansible-playbook does is what a play takes longer than its module, run alone."""
    admin = place.state["users"]["admin"]
    given = {key: place.state[key] for key in ("hostname", "port", "ca_path")}
    given |= {"username": admin["username"], "password": admin["password"]}
    columns: list[dict[str, float]] = []
    for call in CALLS.values():
        samples = [_profile(place, call, {**given, **call.options}) for _number in range(RUNS)]
        columns.append({part: statistics.median(sample[part] for sample in samples) for part in samples[0]})
    rows = [
        (part, *(f"{1000 * column[part]:.0f} ms ({100 * column[part] / column['in all']:.0f} %)" for column in columns))
        for part in columns[0]
    ]
    return Table(
        "Where the time goes",
        ("part", *CALLS),
        rows,
        "Medians. Ansible is what a play takes longer than its module alone. Each call logs on and off for itself",
    )


def _profile(place: Place, call: Call, options: dict[str, object]) -> dict[str, float]:
    empty = _run([sys.executable, "-c", "pass"])[0]
    _prepare(place)
    _seconds, said = _run([sys.executable, str(HERE / "traced.py"), call.module], BENCH_OPTIONS=json.dumps(options))
    traced: dict[str, float] = json.loads(said.splitlines()[-1])
    _prepare(place)
    play = place.play(call.play, expected=TASKS)
    inside = sum(traced[part] for part in PARTS)
    return {
        "Ansible": play - empty - traced["imports"] - traced["run"],
        "start of Python": empty,
        "imports": traced["imports"],
        **{shown: traced[part] for part, shown in PARTS.items()},
        "the rest of the module": traced["run"] - inside,
        "in all": play,
    }


def _prepare(place: Place) -> None:
    place.reset(tasks_scope="global", task_running=0.05, task_collecting=0.05)
    place.log_on()
    place.make_tasks(TASKS)
