# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Against the floor: bare loops over one kept-alive connection with the same library, and the least that can be started."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from functools import partial
from http.client import HTTPSConnection

from place import TREE, Place, Table, compare, print_ratio, print_seconds, run_child, size

RUNS = size(5)
TASKS = size(1_000, 8)
ROWS = size(50_000, 600)


def measure_emulator(place: Place) -> Table:
    """Measure how much of a request is the emulator's, with the leanest client there is."""
    columns = ("request", "requests a second", "CPU of the emulator for one", "time of one, its client included")
    table = Table("The emulator alone", columns, [])
    place.reset()
    session = place.log_on()
    place.make_tasks(500)
    connection = HTTPSConnection(
        session["hostname"], session["port"], context=ssl.create_default_context(cafile=session["ca_path"])
    )
    headers = {"Accept": "application/json", "X-RestSvcSessionId": session["token"]}
    for label, path, count in (
        ("one task", "/api/query?type=Task&pageSize=1", size(1_000)),
        ("a page of 500 tasks", "/api/query?type=Task&pageSize=500", size(100)),
        ("a page of 500 runs", "/api/query?type=BackupJobSession&format=Entities&pageSize=500", size(100)),
    ):
        if "BackupJobSession" in path:
            place.make_runs(ROWS)
        for _warm in range(3):
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
        cpu = place.read_cpu()
        begin = time.perf_counter()
        for _number in range(count):
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
        seconds = time.perf_counter() - begin
        busy = place.read_cpu() - cpu
        table.rows.append(
            (label, f"{count / seconds:.0f}", f"{1000 * busy / count:.1f} ms", f"{1000 * seconds / count:.1f} ms")
        )
    connection.close()
    table.note = "With http.client over one connection. The emulator answers from another core; its time is part of every way's"
    return table


def measure_floors(place: Place) -> Table:
    """Compare removing tasks and reading rows with bare loops."""
    table = Table("Against bare loops with requests", ("work", "this collection", "bare loop", "ratio"), [])

    def remove(way: str) -> float:
        place.reset()
        session = place.log_on()
        place.make_tasks(TASKS)
        figures = run_child(way, session)
        if figures["rows"] != TASKS:
            raise RuntimeError(f"{way} removed {figures['rows']}")
        return figures["seconds"]

    ours, bare = compare(lambda: remove("remove"), lambda: remove("remove_bare"), RUNS)
    table.rows.append(
        (f"remove {TASKS:,} tasks", f"{print_seconds(ours)} s", f"{print_seconds(bare)} s", print_ratio(ours, bare))
    )
    place.reset()
    place.make_runs(ROWS)
    session = place.log_on()

    def read(way: str) -> float:
        figures = run_child(way, session)
        if figures["rows"] != ROWS:
            raise RuntimeError(f"{way} read {figures['rows']}")
        return figures["seconds"]

    read("read_raw")  # so that the emulator has rendered the rows for all
    for label, way, latency in (
        (f"read {ROWS:,} rows; the loop makes the same rows", "read_same", 0),
        ("the loop keeps the JSON as it came", "read_raw", 0),
        ("the same, where a page takes the server 50 ms", "read_raw", 50),
    ):
        place.control("/switches", {"latency_ms": latency})
        read("read_query")  # whose pages the emulator has to render again after a switch
        read("read_raw")
        ours, bare = compare(partial(read, "read_query"), partial(read, way), RUNS)
        table.rows.append((label, f"{print_seconds(ours)} s", f"{print_seconds(bare)} s", print_ratio(ours, bare)))
    place.control("/switches", {"latency_ms": 0})
    table.note = (
        "Start-up left out, pages of 500. Rows are made plain: keys in snake_case, links to other resources, dates checked."
        " The second loop makes the same of each row, in the plainest way"
    )
    return table


FLOOR = """
import sys, requests, xmltodict
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
{args}
module = AnsibleModule(argument_spec={{"hostname": {{"type": "str"}}, "task_id": {{"type": "list", "elements": "str"}}}})
module.exit_json(changed=False)
"""
MODULE = """
import sys
from ansible.module_utils import basic
from ansible_collections.vbem.rest.plugins.modules import veeam_task_info
{args}
veeam_task_info.main()
"""
ARGUMENTS = "basic._ANSIBLE_ARGS = {data!r}; basic._ANSIBLE_PROFILE = 'legacy'"


def measure_start(place: Place) -> Table:
    """Compare the start of a module with that of Python, requests, xmltodict and AnsibleModule."""
    table = Table("Start of a module", ("what is started", "seconds", "beside the floor"), [])
    environment = {**os.environ, "PYTHONPATH": str(TREE)}

    def start(source: str, options: dict[str, object]) -> float:
        data = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        args = ARGUMENTS.format(data=data)
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", source.format(args=args)], env=environment, capture_output=True, check=False
        )
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{done.stdout!r} {done.stderr!r}")
        return seconds

    given = {"hostname": "em.example.com", "task_id": ["x"]}
    nothing = {"hostname": "em.example.com", "username": "u", "password": "long enough", "task_id": []}
    place.reset()
    session = {**place.log_on(), "username": "u"}
    asked = {"session": session}
    for source, options in ((FLOOR, given), (MODULE, nothing)):
        start(source, options)
    floor_runs = size(15)
    floor, ours = compare(lambda: start(FLOOR, given), lambda: start(MODULE, nothing), floor_runs)
    table.rows.append(("Python, requests, xmltodict, AnsibleModule: the floor", print_seconds(floor), "1"))
    table.rows.append(("veeam_task_info, as far as its first request", print_seconds(ours), print_ratio(ours, floor)))
    floor, ours = compare(lambda: start(FLOOR, given), lambda: start(MODULE, asked), floor_runs)
    table.rows.append(("veeam_task_info with its one request over TLS", print_seconds(ours), print_ratio(ours, floor)))
    table.note = f"Fresh processes, {floor_runs} of each in turn. What a module does not need it does not load"
    return table
