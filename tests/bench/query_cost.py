# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a large query costs, beside a bare loop over the same pages with the same library.

``make bench`` runs it and prints the table that the guide on queries shows. The emulator runs in a process of its own.
Each figure is the median of several runs, each in a fresh process; memory is what the process grew by while it asked.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ROWS = (1_000, 10_000, 100_000)
PAGE_SIZE = 500
RUNS = 3


def measure(way: str, options: dict[str, Any]) -> dict[str, float]:
    """Ask once in this process, in one of two ways; give seconds, requests, rows and megabytes."""
    # What both ways need is loaded, and warmed up, before the clock starts.
    import requests

    from ansible_collections.vbem.rest.plugins.module_utils._em._client import Client
    from ansible_collections.vbem.rest.plugins.module_utils._em._options import Connection
    from ansible_collections.vbem.rest.plugins.module_utils._em._queries import create_query, read_resources

    connection = Connection(
        options["hostname"], options["port"], session_id=options["id"], token=options["token"], ca_path=options["ca_path"]
    )
    asked = {"type": "BackupJobSession", "filter": None, "where": None, "sort_by": None, "descending": False}
    asked |= {"limit": None, "page_size": PAGE_SIZE, "format": "entities", "allow_unknown": False}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    if way == "module":
        with Client(connection) as client:
            rows = read_resources(client, create_query(asked))
            sent = client.requests
    else:
        rows, sent, page = [], 0, 1
        with requests.Session() as session:
            while True:
                answer = session.get(
                    f"{connection.base_url}/api/query?type=BackupJobSession&format=Entities&pageSize={PAGE_SIZE}&page={page}",
                    headers={"Accept": "application/json", "X-RestSvcSessionId": options["token"]},
                    verify=options["ca_path"],
                    timeout=60,
                ).json()
                sent += 1
                rows += answer["entities"]["backupJobSessions"]["backupJobSessions"]
                if page >= answer["pagingInfo"]["pagesCount"]:
                    break
                page += 1
    seconds = time.perf_counter() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"seconds": seconds, "requests": sent, "rows": len(rows), "megabytes": grown}


def run_child(way: str, options: dict[str, Any]) -> dict[str, float]:
    """Measure in a fresh process."""
    command = [sys.executable, str(HERE), way]
    done = subprocess.run(command, input=json.dumps(options), capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def control(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Talk to the emulator's control API."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data=data)) as answer:
        return json.loads(answer.read() or b"null")


def main(folder: Path) -> None:
    """Print the table; ``folder`` is the emulator's."""
    emulator = subprocess.Popen(
        [sys.executable, str(HERE.parent.parent / "emulator"), "--port", "0", "--control-port", "0", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (folder / "state.json").exists():
            time.sleep(0.05)
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        print("rows     requests  seconds  MB    beside a bare loop: time  memory")
        for rows in ROWS:
            control(state["control_url"], "/reset", {"version": 13, "max_request_line": 0})
            world = len(control(state["control_url"], "/jobs")) * 2
            control(state["control_url"], "/runs", {"count": rows - world + 2})
            session = control(state["control_url"], "/sessions", {"username": None})
            options = {
                **{key: state[key] for key in ("hostname", "port", "ca_path")},
                "id": session["id"],
                "token": session["token"],
            }
            run_child("bare", options)  # so that the emulator has rendered the rows for both
            pairs = [(run_child("module", options), run_child("bare", options)) for _number in range(RUNS)]
            ours = {key: statistics.median(one[key] for one, _other in pairs) for key in pairs[0][0]}
            ratio = statistics.median(one["seconds"] / other["seconds"] for one, other in pairs)
            spread = [one["seconds"] / other["seconds"] for one, other in pairs]
            memory = statistics.median(one["megabytes"] / max(other["megabytes"], 0.1) for one, other in pairs)
            print(
                f"{ours['rows']:<8.0f} {ours['requests']:<9.0f} {ours['seconds']:<8.2f} {ours['megabytes']:<5.0f}"
                f" {ratio:.2f} ({min(spread):.2f} to {max(spread):.2f})         {memory:.2f}"
            )
    finally:
        emulator.terminate()
        emulator.wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], json.loads(sys.stdin.read()))))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(Path(made))
