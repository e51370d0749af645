# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a step of a play costs: within Ansible's process, as a module, and with ansible.builtin.uri."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import partial
from typing import Any

from floors import TASKS
from place import Place, Table, print_seconds, print_spread, run_child, size

STEPS = size(20, 2)
RUNS = size(7)
QUICK = {"task_running": 0.0, "task_collecting": 0.0, "run_delay": 0.0, "run_starting": 0.0, "run_duration": 0.1}


def measure_steps(place: Place) -> Table:
    """Compare plays of many steps and of four, the start of a play, and its memory."""
    table = Table("A step of a play", ("work", "within Ansible's process", "the other way", "ratio"), [])
    place.reset(**QUICK)
    files = {name: place.write_play(name, play) for name, play in _create_plays(place).items()}
    for file in files.values():
        place.run(file)  # so that no play pays for what is done once
    _compare_steps(place, table, files)
    ours, apart = _take_turns(partial(place.run, files["four"]), partial(place.run, files["four"], vbem_in_process=False))
    table.rows.append(_print_row("log on, start a job, list its task, log off: beside modules", ours, apart))
    ours, floor = _take_turns(partial(place.run, files["skipped"]), partial(place.run, files["skipped_debug"]))
    extra = statistics.median(one - two for one, two in zip(ours, floor, strict=True))
    row = (
        "start of a play that skips a step, beside one that skips debug",
        f"{print_seconds(ours)} s",
        f"{print_seconds(floor)} s",
        f"{extra:+.2f} s",
    )
    table.rows.append(row)
    _compare_removal(place, table, files)
    memory = [place.measure_memory(files["ours"], vbem_in_process=within) for within in (True, False)]
    table.rows.append(
        (
            f"memory of the largest process, {STEPS} steps",
            f"{memory[0]:.0f} MB",
            f"{memory[1]:.0f} MB as modules",
            f"{memory[0] / memory[1]:.2f}",
        )
    )
    table.note = (
        "Seconds are those of whole plays. The floor is a play of as many debug tasks, and is taken from both sides of a ratio"
        " where the row says so"
    )
    return table


def _compare_steps(place: Place, table: Table, files: dict[str, Any]) -> None:
    ways = {
        "ours": partial(place.run, files["ours"]),
        "apart": partial(place.run, files["ours"], vbem_in_process=False),
        "uri": partial(place.run, files["uri"]),
        "floor": partial(place.run, files["floor"]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _number in range(RUNS):
        for name, run in ways.items():
            seconds[name].append(run())
    beyond = {
        name: [one - floor for one, floor in zip(seconds[name], seconds["floor"], strict=True)]
        for name in ("ours", "apart", "uri")
    }
    for label, name in (("uri", "uri"), ("modules", "apart")):
        row = _print_row(f"{STEPS} queries in one session beyond the floor, beside {label}", beyond["ours"], beyond[name])
        table.rows.append(row)


def _compare_removal(place: Place, table: Table, files: dict[str, Any]) -> None:
    plays, bare = [], []
    for _number in range(size(5)):
        place.reset(tasks_scope="global")
        session = place.log_on()
        place.make_tasks(TASKS)
        full = place.play("remove", expected=TASKS)
        plays.append(full - place.run(files["debug"]))
        place.reset()
        session = place.log_on()
        place.make_tasks(TASKS)
        bare.append(run_child("remove_bare", session)["seconds"])
    table.rows.append(_print_row(f"remove {TASKS:,} tasks beyond a play of one debug task, beside a bare loop", plays, bare))


def _take_turns(ours: Any, other: Any) -> tuple[list[float], list[float]]:
    pairs = [(ours(), other()) for _number in range(RUNS)]
    return [one for one, _other in pairs], [two for _one, two in pairs]


def _print_row(label: str, ours: Sequence[float], other: Sequence[float]) -> tuple[str, str, str, str]:
    ratios = [one / two for one, two in zip(ours, other, strict=True)]
    return label, f"{print_seconds(ours)} s", f"{print_seconds(other)} s", print_spread(ratios)


def _create_plays(place: Place) -> dict[str, Any]:
    """Return plays by name, each as its tasks."""
    debug = {"ansible.builtin.debug": {"msg": "Nothing."}}
    base = f"https://{place.state['hostname']}:{place.state['port']}/api"
    session = place.log_on()
    uri = {
        "ansible.builtin.uri": {
            "url": f"{base}/query?type=Task&pageSize=500",
            "ca_path": place.state["ca_path"],
            "headers": {"Accept": "application/json", "X-RestSvcSessionId": session["token"]},
        }
    }
    log_on = {"vbem.rest.veeam_session": {}, "register": "em"}
    log_off = {"vbem.rest.veeam_session": {"session": "{{ em.session }}", "state": "absent"}}
    query = {"vbem.rest.veeam_task_info": {"session": "{{ em.session }}"}}
    job = {
        "vbem.rest.veeam_job": {"session": "{{ em.session }}", "name": "SQL Backup", "state": "started", "wait_for": "nothing"}
    }
    return {
        "ours": [log_on, *[query] * STEPS, log_off],
        "uri": [uri] * (STEPS + 2),
        "floor": [debug] * (STEPS + 2),
        "debug": [debug],
        "skipped": [debug, {**query, "when": False}],
        "skipped_debug": [debug, {**debug, "when": False}],
        "four": [log_on, job, query, log_off],
    }
