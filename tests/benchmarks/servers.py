# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many Enterprise Managers: one play over all of them, and the slices into which AWX divides it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from place import HERE, TREE, Place, Table, print_ratio, size

SERVERS = size(20, 2)
RUNS = size(3)
LATENCIES = (0, 500)[: size(2)]  # milliseconds that a server takes for an answer
SAMPLE_SECONDS = 0.25
PLAYBOOK = HERE / "plays" / "servers.yml"


class Cost(NamedTuple):
    """What a play, or several at the same time, took. ``megabytes`` is the most that all processes had at a time."""

    seconds: float
    cpu: float
    megabytes: float


class Engine:
    """Runs the play as AWX would: by ansible-playbook, or by ansible-runner, its engine."""

    def __init__(self, folder: Path, servers: Sequence[dict[str, Any]]) -> None:
        self.folder = folder
        self.servers = servers
        self._number = 0

    def play(self, count: int, forks: int) -> Cost:
        """Run one play over so many servers."""
        return self._measure([self._play(self._write_inventory(self.servers[:count]), forks)])

    def run_slices(self, slices: int, forks: int) -> Cost:
        """Run the play in slices at the same time, each with every n-th server, by an ansible-runner of its own."""
        commands = []
        for number in range(slices):
            inventory = self._write_inventory(self.servers[number::slices])
            private = inventory.parent / "private"
            (private / "project").mkdir(parents=True)
            (private / "project" / PLAYBOOK.name).write_text(PLAYBOOK.read_text(encoding="utf-8"), encoding="utf-8")
            program = str(Path(sys.executable).with_name("ansible-runner"))
            more = ["--inventory", str(inventory), "--forks", str(forks), "--quiet"]
            commands.append([program, "run", str(private), "--playbook", PLAYBOOK.name, *more])
        return self._measure(commands)

    def _write_inventory(self, servers: Sequence[dict[str, Any]]) -> Path:
        self._number += 1
        folder = self.folder / f"job{self._number}"
        folder.mkdir()
        hosts = {f"em{one['port']}": {"em_hostname": one["hostname"], "em_port": one["port"]} for one in servers}
        common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        path = folder / "inventory.json"
        path.write_text(json.dumps({"enterprise_managers": {"hosts": hosts, "vars": common}}), encoding="utf-8")
        return path

    @staticmethod
    def _play(inventory: Path, forks: int) -> list[str]:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return [program, "-i", str(inventory), "-f", str(forks), str(PLAYBOOK)]

    def _measure(self, commands: Sequence[Sequence[str]]) -> Cost:
        first = self.servers[0]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "VBEM_"))},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "VBEM_COMPILE_ALWAYS": "yes",
            "VBEM_CA_PATH": first["ca_path"],
            "VBEM_USERNAME": first["users"]["admin"]["username"],
            "VBEM_PASSWORD": first["users"]["admin"]["password"],
        }
        outputs = [self.folder / f"output{number}" for number in range(len(commands))]
        begin = time.perf_counter()
        processes = []
        for command, output in zip(commands, outputs, strict=True):
            with output.open("wb") as file:
                processes.append(subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT))
        ended: dict[int, tuple[int, float]] = {}
        most = 0.0
        while len(ended) < len(processes):
            for process in processes:
                if process.pid not in ended:
                    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                    if pid:
                        process.returncode = os.waitstatus_to_exitcode(status)
                        ended[pid] = process.returncode, usage.ru_utime + usage.ru_stime
            if len(ended) < len(processes):
                most = max(most, _read_memory([process.pid for process in processes]))
                time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - begin
        for process, output in zip(processes, outputs, strict=True):
            if process.returncode:
                raise RuntimeError(output.read_text(encoding="utf-8")[-3000:])
        return Cost(seconds, sum(cpu for _code, cpu in ended.values()), most)


def _read_memory(pids: Sequence[int]) -> float:
    """Return the MB that processes and their descendants have; what they share counts once."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(path.parent.name)] = int(fields[1])
    family = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    kilobytes = 0
    for pid in family:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kilobytes / 1024


@contextmanager
def _start_servers(folder: Path, latency: float) -> Iterator[list[dict[str, Any]]]:
    """Start emulators that all take so long for an answer."""
    command = [sys.executable, str(HERE / "many_emulators.py"), str(SERVERS), str(latency), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def measure_servers(place: Place) -> Table:
    """Run the kit's play over many servers: with one process a server, and in slices at the same time."""
    table = Table(
        f"{SERVERS} Enterprise Managers",
        ("play", "an answer takes", "seconds", "beside one server", "CPU seconds", "memory"),
        [],
    )
    for latency in LATENCIES:
        folder = place.folder / f"servers{latency}"
        folder.mkdir()
        with _start_servers(folder, latency) as servers:
            engine = Engine(folder, servers)
            engine.play(1, 1)  # so that no other pays for what is done once
            slices = f"two slices of ansible-runner side by side, forks: {SERVERS // 2} each"
            ways = {
                "one server": partial(engine.play, 1, 1),
                f"all, forks: {SERVERS}": partial(engine.play, SERVERS, SERVERS),
                "all, forks: 5": partial(engine.play, SERVERS, 5),
                f"one job of ansible-runner, forks: {SERVERS}": partial(engine.run_slices, 1, SERVERS),
                slices: partial(engine.run_slices, 2, SERVERS // 2),
            }
            turns = [{name: way() for name, way in ways.items()} for _number in range(RUNS)]
        alone = [turn["one server"].seconds for turn in turns]
        for name in ways:
            costs = [turn[name] for turn in turns]
            means = [statistics.median(values) for values in zip(*costs, strict=True)]
            ratio = print_ratio([cost.seconds for cost in costs], alone)
            cells = (name, f"{latency} ms", f"{means[0]:.1f}", ratio, f"{means[1]:.1f}", f"{means[2]:.0f} MB")
            table.rows.append(cells)
    table.note = (
        "The play of the kit that looks at each job's latest run. CPU and memory are those of all processes of the play, without"
        " the servers, which share the machine's two cores with it"
    )
    return table
