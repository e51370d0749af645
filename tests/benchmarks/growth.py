# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How time, requests and memory grow with the rows, and what removals cost over a slow link."""

from __future__ import annotations

import itertools
import statistics
from functools import partial
from typing import Any

from place import Place, Table, compare, print_ratio, print_seconds, run_child, size

RUNS = size(3)


def measure_growth(place: Place) -> Table:
    """List 10 to 100,000 tasks, and read 100 to 100,000 runs, of which the emulator has some from the beginning."""
    table = Table(
        "Growth with the rows",
        ("rows", "requests", "seconds", "seconds for 1,000 rows", "memory", "memory of the bare loop"),
        [],
    )
    for what, sizes, way, bare in (
        ("tasks", (10, 100, 1_000, 10_000, 100_000)[: size(5)], "list_tasks", "list_tasks_bare"),
        ("runs", (100, 1_000, 10_000, 100_000)[: size(4)], "read_query", "read_raw"),
    ):
        for rows in sizes:
            place.reset()
            if what == "runs":
                place.make_runs(rows)
            session = place.log_on()
            if what == "tasks":
                place.make_tasks(rows)
            run_child(bare, session)
            pairs = [(run_child(way, session), run_child(bare, session)) for _number in range(RUNS)]
            if pairs[0][0]["rows"] != rows:
                raise RuntimeError(f"{way} read {pairs[0][0]['rows']} rows of {rows}")
            seconds = [ours["seconds"] for ours, _bare in pairs]
            memory = [statistics.median(one["megabytes"] for one in ways) for ways in zip(*pairs, strict=True)]
            table.rows.append(
                (
                    f"{rows:,} {what}",
                    f"{pairs[0][0]['requests']:.0f}",
                    print_seconds(seconds),
                    f"{1000 * statistics.median(seconds) / rows:.3f}",
                    f"{memory[0]:.0f} MB",
                    f"{memory[1]:.0f} MB",
                )
            )
    table.note = "Memory is what the process grew by; nearly all of it is the result itself, as in the loop that keeps the JSON"
    return table


def measure_latency(place: Place) -> Table:
    """Remove 1, 10 and 100 tasks over links of 0, 20 and 100 ms."""
    table = Table(
        "Removing tasks over a slow link",
        ("round trip", "tasks", "seconds", "seconds with one connection", "ratio to one connection", "ratio to the bare loop"),
        [],
    )

    def remove(way: str, count: int, latency: int, **more: Any) -> float:
        place.reset(latency_ms=latency)
        session = place.log_on()
        place.make_tasks(count)
        figures = run_child(way, session, **more)
        if figures["rows"] != count:
            raise RuntimeError(f"{way} removed {figures['rows']}")
        return figures["seconds"]

    for latency, count in itertools.product((0, 20, 100), (1, 10, 100)[: size(3, 2)]):
        ours = partial(remove, "remove", count, latency)
        first, one = compare(ours, partial(remove, "remove", count, latency, connections=1), RUNS)
        second, bare = compare(ours, partial(remove, "remove_bare", count, latency), RUNS)
        figures = (print_seconds(first), print_seconds(one), print_ratio(first, one), print_ratio(second, bare))
        table.rows.append((f"{latency} ms", f"{count}", *figures))
    table.note = "The list is read first, in every way. A new connection costs three round trips before its first answer"
    return table
