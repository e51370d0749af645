# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large estate: what the report, the export and the event source cost on a server with many jobs and runs."""

from __future__ import annotations

from typing import Any

from place import Place, Table, run_child, size

JOBS = size(5_000, 3)
RUNS = size(200_000, 8)  # of a week
WEEK, DAY = 7 * 86_400, 86_400
MACHINE = "sql01"
INTERVAL = 600  # seconds from one poll of the event source to the next: the longest for which it keeps its session
POLLS = size(DAY // INTERVAL, 8)


def measure_estates(place: Place) -> Table:
    """Run the report for a week, export the jobs, and poll for a day with the event source."""
    table = Table(
        f"A server with {JOBS:,} jobs and {RUNS:,} runs of a week",
        ("work", "rows", "requests", "seconds", "memory"),
        [],
    )
    _fill(place)
    for label, name, rows in (
        ("the role report, for a week", "report_week", RUNS),
        ("the role export_jobs", "export", JOBS),
    ):
        place.control("/log", method="DELETE")
        path = place.folder / f"{name}.out"
        seconds, memory = place.measure_play(name, path=str(path))
        if not path.exists():
            raise RuntimeError(f"{name} wrote nothing")
        table.rows.append((label, f"{rows:,}", f"{place.count_requests():,}", f"{seconds:.1f}", f"{memory:.0f} MB"))
    _poll_for_a_day(place, table)
    table.note = (
        "Memory is that of the largest process, for the event source what it has at that moment. The source polls every"
        f" {INTERVAL // 60} minutes and remembers what it told in a file; its clock and that of the emulator are pushed"
    )
    return table


def _fill(place: Place) -> None:
    """Make a world of so many jobs, each with a machine, and of runs that ended throughout the last week."""
    place.reset()
    there = len(place.control("/jobs"))
    for number in range(JOBS - there):
        job = f"Job {number:05}"
        place.control("/jobs", {"name": job, "server": "vbr01"})
        place.control("/change", {"what": "add_object", "job": job, "object": MACHINE})
    place.control("/runs", {"count": RUNS, "every": WEEK / RUNS})


def _poll_for_a_day(place: Place, table: Table) -> None:
    admin = place.state["users"]["admin"]
    options: dict[str, Any] = {key: place.state[key] for key in ("hostname", "port", "ca_path", "control_url")}
    options |= {"username": admin["username"], "password": admin["password"], "state_file": str(place.folder / "state")}
    options |= {"polls": POLLS, "interval": INTERVAL, "runs": max(RUNS * INTERVAL // WEEK, 1)}
    figures = run_child("poll_for_a_day", options)
    if figures["events"] != POLLS * options["runs"]:
        raise RuntimeError(f"{figures['events']:.0f} events for {POLLS * options['runs']} runs")
    for label, key in (
        ("the event source: first poll", "first"),
        (f"… a poll in the first quarter of {POLLS} polls", "quarter"),
        ("… a poll in the last quarter", "end"),
    ):
        table.rows.append(
            (
                label,
                f"{figures[key + '_events']:.0f} events",
                f"{figures[key + '_requests']:.1f}",
                f"{figures[key + '_seconds']:.2f}",
                f"{figures[key + '_megabytes']:.0f} MB",
            )
        )
