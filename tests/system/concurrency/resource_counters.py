# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resources that a soak counts, and when it says that something grew."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression, median

from .inprocess import Server

SETTLE_SECONDS = 60.0  # a busy machine may need so long to close connections
PAGE = os.sysconf("SC_PAGE_SIZE")
LISTEN = "0A"

# These have to be what they were. Memory has to be flat in the latter half of the soak: by how many KiB it may grow in 1000
# operations, and how many more it may vary by. Keeping one client of each operation would be hundreds of times as much.
STEADY = ("sessions", "server_tcp", "client_tcp", "threads", "descriptors", "temporary_files")
BOUNDS = {"traced_kib": (8.0, 24.0), "rss_kib": (256.0, 2048.0)}


@dataclass
class Sample:
    """What there was after so many operations."""

    operations: int
    sessions: int
    server_tcp: int
    client_tcp: int
    threads: int
    descriptors: int
    temporary_files: int
    objects: int
    traced_kib: float
    rss_kib: float


def count_connections(port: int) -> tuple[int, int]:
    """Return how many TCP connections a process holds open: the server's ends of them, and the clients'."""
    ends = [0, 0]
    for name in ("tcp", "tcp6"):
        table = Path("/proc/net", name)
        for line in table.read_text(encoding="ascii").splitlines()[1:] if table.exists() else []:
            fields = line.split()
            local, remote, state, inode = *fields[1:4], fields[9]
            if state != LISTEN and inode != "0":  # without one, the kernel is seeing it off
                for end, address in enumerate((local, remote)):
                    ends[end] += int(address.rpartition(":")[2], 16) == port
    return ends[0], ends[1]


def settle(port: int, *, most: int) -> tuple[int, int]:
    """Return the counts of connections once the server has noticed what was closed; after a while in any case."""
    until = time.monotonic() + SETTLE_SECONDS
    while (counts := count_connections(port)) and max(counts) > most and time.monotonic() < until:
        time.sleep(0.02)
    return counts


def clear_bounded_caches() -> None:
    """Empty the collection's caches that have a limit, which would look like growth until they are full; only those."""
    for name, module in list(sys.modules.items()):
        if name.startswith("ansible_collections.vbem.rest."):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_parameters") and value.cache_parameters()["maxsize"] is not None:
                    value.cache_clear()


def take_sample(server: Server, operations: int) -> Sample:
    """Measure, while no module runs and no session is borrowed."""
    server_tcp, client_tcp = settle(server.state["port"], most=0)
    sessions = len(server.ask("GET", "/sessions"))
    clear_bounded_caches()
    for _turn in range(3):
        gc.collect()
    return Sample(
        operations=operations,
        sessions=sessions,
        server_tcp=server_tcp,
        client_tcp=client_tcp,
        threads=len(list(Path("/proc/self/task").iterdir())) + threading.active_count() - 1,
        descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - opens one less
        temporary_files=sum(1 for _path in Path(tempfile.gettempdir()).rglob("*")),
        objects=len(gc.get_objects()),
        traced_kib=tracemalloc.get_traced_memory()[0] / 1024,
        rss_kib=int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE / 1024,
    )


def measure_slope(samples: list[Sample], name: str) -> float:
    """Return the growth in 1000 operations: the slope of the straight line that fits best.

    Resident memory also grows by single steps, when an allocator takes more from the system. So for it, the growth is the median
    of the slopes between successive samples: what leaks does so between most of them.
    """
    thousands = [sample.operations / 1000 for sample in samples]
    values = [float(getattr(sample, name)) for sample in samples]
    if name != "rss_kib":
        return linear_regression(thousands, values).slope
    points = list(zip(thousands, values))
    return median((later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in zip(points, points[1:]))


def take_latter_half(samples: list[Sample]) -> list[Sample]:
    """Return the samples that memory is judged by: first it settles."""
    return samples[len(samples) // 2 :]


def judge(samples: list[Sample]) -> list[str]:
    """Return what grew, in words. The first sample was taken when everything had been used once."""
    first, last = samples[0], samples[-1]
    grown = [
        f"{name} grew from {getattr(first, name)} to {getattr(last, name)}"
        for name in STEADY
        if getattr(last, name) > getattr(first, name)
    ]
    half = take_latter_half(samples)
    thousands = (half[-1].operations - half[0].operations) / 1000
    for name, (bound, noise) in BOUNDS.items():
        growth = measure_slope(half, name) * thousands
        if growth > bound * thousands + noise:
            grown.append(f"{name} grew by {growth:.1f} in {1000 * thousands:.0f} operations")
    return grown


def print_samples(samples: list[Sample]) -> None:
    """Print a table, and the growth of what may vary."""
    rows = [list(asdict(samples[0]))]
    rows += [[f"{value:.0f}" for value in asdict(sample).values()] for sample in samples]
    half = take_latter_half(samples)
    slopes = [f"{measure_slope(half, name):+.1f}" for name in ("objects", *BOUNDS)]
    steady = [f"{getattr(samples[-1], name) - getattr(samples[0], name):+d}" for name in STEADY]
    rows.append(["growth", *steady, *slopes])
    rows.append(["allowed", *["+0" for _name in STEADY], "", *[f"+{bound:.0f}" for bound, _noise in BOUNDS.values()]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths)))
    print("growth of objects and memory: in 1000 operations, by the latter half of the samples")
