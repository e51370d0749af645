# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs to compare the jobs of a server with a file."""

from __future__ import annotations

from place import Place, Table, print_seconds, run_child, size

RUNS = size(3)
OBJECTS = 20
VCENTER = "vcenter01.vbem.test"


def measure_definitions(place: Place) -> Table:
    """Export 100 and 500 jobs with 20 objects each, and check them against what was exported."""
    columns = ("jobs, with 20 objects each", "work", "requests", "requests for 100 jobs", "seconds")
    table = Table("Jobs compared with a file", columns, [])
    for count in (100, 500)[: size(2)]:
        place.reset()
        _make_jobs(place, count)
        session = place.log_on()
        for work, way in (("export", "export_jobs"), ("check, nothing differs", "check_jobs")):
            figures = [run_child(way, session) for _number in range(RUNS)]
            if figures[0]["rows"] < count:
                raise RuntimeError(f"{way} read {figures[0]['rows']} jobs of {count}")
            requests = figures[0]["requests"]
            seconds = print_seconds([one["seconds"] for one in figures])
            table.rows.append((f"{count}", work, f"{requests:.0f}", f"{100 * requests / count:.1f}", seconds))
    table.note = "Both begin with all jobs and the hierarchy roots; a page of the emulator has 500 rows"
    return table


def _make_jobs(place: Place, count: int) -> None:
    """Make jobs that hold machines, besides those that are there."""
    names = [f"machine{number:02}" for number in range(OBJECTS)]
    for name in names:
        place.control("/change", {"what": "add_machine", "root": VCENTER, "name": name})
    for number in range(count):
        job = f"Job {number:03}"
        place.control("/jobs", {"name": job, "server": "vbr01"})
        for name in names:
            place.control("/change", {"what": "add_object", "job": job, "object": name})
