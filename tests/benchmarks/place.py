# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the measuring is done: an emulator in a process of its own, fresh processes, and pairs of runs in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IS_TRIAL = "--trial" in sys.argv
TREE = ROOT / ".build" / "installed"  # the artifact, built and installed by dev/build_tree.py


def size(wanted: int, trial: int = 1) -> int:
    """Return how many of something to measure with: as wanted, or few to see that everything still works."""
    return trial if IS_TRIAL else wanted


@dataclass
class Table:
    """Figures to print and to show in the documentation; every cell is text."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]]
    note: str = ""


class Place:
    """An emulator, and the means to run things against it."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self.state: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))

    def control(self, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
        """Talk to the emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.state["control_url"] + path, data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def reset(self, **switches: Any) -> None:
        """Return the world of the beginning."""
        self.control("/reset", {"version": 13, "max_request_line": 0, **switches})

    def log_on(self) -> dict[str, Any]:
        """Make a session; return what a client within it needs."""
        session = self.control("/sessions", {"username": None})
        return {
            **{key: self.state[key] for key in ("hostname", "port", "ca_path")},
            "id": session["id"],
            "token": session["token"],
        }

    def make_tasks(self, count: int, **like: Any) -> None:
        """Make tasks in the newest session; where tasks are global, all see them."""
        self.control("/tasks", {"count": count, **like})

    def make_runs(self, rows: int) -> None:
        """Make so many runs that a query lists exactly ``rows`` of them, the world's own included."""
        session = self.log_on()
        there = count_rows(session)
        self.control("/runs", {"count": rows - there})

    def read_cpu(self) -> float:
        """Return the CPU seconds that the emulator has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def count_requests(self) -> int:
        """Return how many requests came since the log was emptied, logons and log-offs left out."""
        return sum("ession" not in entry["path"] for entry in self.control("/log"))

    def write_play(self, name: str, play: Any) -> Path:
        """Write a play of these tasks, and return its file."""
        file = self.folder / f"{name}.yml"
        text = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": play}])  # JSON is YAML
        file.write_text(text, encoding="utf-8")
        return file

    def measure_memory(self, file: Path, **variables: Any) -> float:
        """Run a play; return the most memory that one of its processes had, in MB."""
        return self.measure(file, **variables)[1]

    def measure_play(self, name: str, **variables: Any) -> tuple[float, float]:
        """Run a play of this folder; return the seconds it took, and the most memory that one of its processes had, in MB."""
        return self.measure(HERE / "plays" / f"{name}.yml", **variables)

    def measure(self, file: Path, **variables: Any) -> tuple[float, float]:
        """Run a play; return the seconds it took, and the most memory that one of its processes had, in MB."""
        code = (
            "import resource, subprocess, sys, time; begin = time.perf_counter();"
            "done = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
            "print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss);"
            "sys.exit(done.returncode and done.stdout[-3000:] + done.stderr[-2000:])"
        )
        command, environment = self._prepare(file, variables)
        done = subprocess.run(
            [sys.executable, "-c", code, *command], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{file.name}: {done.stderr}")
        seconds, kilobytes = done.stdout.split()
        return float(seconds), int(kilobytes) / 1024

    def play(self, name: str, **variables: Any) -> float:
        """Run a play of this folder; return the seconds it took."""
        return self.run(HERE / "plays" / f"{name}.yml", **variables)

    def run(self, file: Path, **variables: Any) -> float:
        """Run a play; return the seconds it took."""
        command, environment = self._prepare(file, variables)
        begin = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{file.name}: {done.stdout[-3000:]}\n{done.stderr[-2000:]}")
        return seconds

    def _prepare(self, file: Path, variables: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
        variables = dict(variables)
        variables |= {"em_" + key: self.state[key] for key in ("hostname", "port", "ca_path")}
        admin = self.state["users"]["admin"]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "VBEM_"))},
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "VBEM_COMPILE_ALWAYS": "yes",  # as anywhere but here (dev/keep_compiled.py)
            "VBEM_HOSTNAME": self.state["hostname"],
            "VBEM_PORT": str(self.state["port"]),
            "VBEM_CA_PATH": self.state["ca_path"],
            "VBEM_USERNAME": admin["username"],
            "VBEM_PASSWORD": admin["password"],
        }
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return [program, str(file), "-e", json.dumps(variables)], environment


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    """Start an emulator, and stop it."""
    command = [sys.executable, str(ROOT / "emulator"), "--port", "0", "--control-port", "0", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not (folder / "state.json").exists():
            if process.poll() is not None:
                raise RuntimeError("the emulator did not start")
            time.sleep(0.05)
        yield Place(folder, process)
    finally:
        process.terminate()
        process.wait()


def count_rows(options: Mapping[str, Any]) -> int:
    """Ask how many runs a query lists."""
    return int(run_child("read_raw", options, rows=1)["rows"])


def run_child(way: str, options: Mapping[str, Any], **more: Any) -> dict[str, float]:
    """Call a function of ``ways.py`` in a fresh process; return the figures it printed."""
    environment = {**os.environ, "PYTHONPATH": str(TREE)}
    done = subprocess.run(
        [sys.executable, str(HERE / "ways.py"), way],
        input=json.dumps({**options, **more}),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"{way}: {done.stderr[-3000:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def compare(ours: Callable[[], float], other: Callable[[], float], runs: int) -> tuple[list[float], list[float]]:
    """Run two things in turn, so that what the machine does besides befalls both; return the seconds of each."""
    pairs = [(ours(), other()) for _number in range(runs)]
    return [one for one, _other in pairs], [two for _one, two in pairs]


def print_ratio(ours: Sequence[float], other: Sequence[float]) -> str:
    """Print the median of the ratios with the least and the greatest."""
    ratios = [one / two for one, two in zip(ours, other, strict=True)]
    return print_spread(ratios)


def print_spread(values: Sequence[float]) -> str:
    """Print a median with the least and the greatest value."""
    middle = statistics.median(values)
    digits = 0 if middle >= 20 else 1 if middle >= 5 else 2 if middle >= 0.1 else 3
    if len(values) == 1:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def print_seconds(values: Sequence[float]) -> str:
    """Print a median of seconds."""
    middle = statistics.median(values)
    return f"{middle:.1f}" if middle >= 10 else f"{middle:.2f}" if middle >= 0.1 else f"{middle:.4f}"
