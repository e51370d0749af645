# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make bench``: all that the documentation says about speed, measured in one go against the emulator.

Figures are ratios of medians of runs that take turns; what is in brackets is the least and the greatest. Names of sections
as arguments run only these; ``--write`` puts the tables into the guide on speed (all sections, then). ``--trial`` measures
next to nothing and only shows that everything works.
"""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from definitions import measure_definitions
from estates import measure_estates
from floors import measure_emulator, measure_floors, measure_start
from growth import measure_growth, measure_latency
from place import IS_TRIAL, ROOT, Place, Table, open_place
from plays import measure_plays
from profiles import measure_profiles
from servers import measure_servers
from steps import measure_steps

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_speed.rst"
BEGIN, END = ".. figures of make bench\n", ".. end of the figures\n"

SECTIONS: dict[str, Callable[[Place], Table]] = {
    "emulator": measure_emulator,
    "steps": measure_steps,
    "plays": measure_plays,
    "floors": measure_floors,
    "start": measure_start,
    "growth": measure_growth,
    "latency": measure_latency,
    "definitions": measure_definitions,
    "profiles": measure_profiles,
    "estates": measure_estates,
    "servers": measure_servers,
}


def print_table(table: Table) -> None:
    """Print a table for a terminal."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[number]) for row in rows) for number in range(len(table.columns))]
    print(f"\n{table.title}")
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(f"  ({table.note})" if table.note else "", flush=True)


def print_rst(table: Table) -> str:
    """Print a table for the guide."""
    lines = [table.title, "-" * len(table.title), "", ".. list-table::", "   :header-rows: 1", ""]
    for row in (table.columns, *table.rows):
        lines += [f"   {'*' if not number else ' '} - {cell}" for number, cell in enumerate(row)]
    return "\n".join([*lines, "", *([table.note + ".", ""] if table.note else []), ""])


def write_guide(tables: list[Table]) -> None:
    """Put the tables into the guide, in place of those that are there."""
    text = GUIDE.read_text(encoding="utf-8")
    head, _mark, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    python = platform.python_version()
    made = f"Measured on {date.today().isoformat()} with Python {python} on 2 cores, by ``make bench``.\n"
    GUIDE.write_text(f"{head}{BEGIN}\n{made}\n" + "\n".join(map(print_rst, tables)) + f"\n{END}{tail}", encoding="utf-8")


def main(names: list[str]) -> int:
    """Measure what is asked for and print it; return the exit code."""
    is_written = "--write" in names
    names = [name for name in names if name not in ("--write", "--trial")]
    unknown = set(names) - set(SECTIONS)
    if unknown or (is_written and (names or IS_TRIAL)):
        print(f"There are the sections {', '.join(SECTIONS)}; --write wants all of them.")
        return 2
    tables = []
    for name, measure in SECTIONS.items():
        if not names or name in names:
            with tempfile.TemporaryDirectory() as folder, open_place(Path(folder)) as place:
                tables.append(measure(place))
            print_table(tables[-1])
            if is_written:
                write_guide(tables)  # what there is by now: nobody likes to lose twenty minutes
    if is_written:
        print(f"\nThe guide on speed shows these figures now: {GUIDE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
