# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the table of the guide "Which servers this was seen to work with", from the reports in docs/servers/.

A report is what the playbook vbem.rest.probe writes, as attached to an issue. Whoever files it adds ``about`` on top:

    about: {server: "13.0.1 on Windows", role: Portal Administrator, collection: 0.1.0, date: 2026-11-27, issue: 12}
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs" / "servers"
PAGE = ROOT / "docs" / "docsite" / "rst" / "guide_seen.rst"
BEGIN, END = ".. seen: begin, by dev/seen_servers.py\n", ".. seen: end\n"
ISSUES = "https://github.com/vbem/ansible-collection-rest/issues"
FIELDS = ("server", "role", "collection", "date", "issue")
HEAD = (
    "Enterprise Manager",
    "Role of the user",
    "Collection, date",
    "Questions answered",
    "Surprises",
    "Unlike the emulator",
    "Report",
)


def read_report(path: Path) -> list[str]:
    """Return the row of a report. Raise ValueError, with a sentence, for what is no such report."""
    report: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    about = report.get("about") if isinstance(report, dict) else None
    missing = [name for name in FIELDS if not isinstance(about, dict) or name not in about]
    missing += [name for name in ("answers", "switches", "surprises", "unanswered") if name not in (report or {})]
    if missing:
        raise ValueError(f"{path.name} lacks {', '.join(missing)}: see dev/seen_servers.py.")
    asked = len(report["answers"]) + len(report["unanswered"])
    return [
        str(about["server"]),
        str(about["role"]),
        f"{about['collection']}, {about['date']}",
        f"{len(report['answers'])} of {asked}",
        str(len(report["surprises"])),
        ", ".join(f"``{name}={value}``" for name, value in list_differences(report["switches"])) or "nothing",
        f"`#{about['issue']} <{ISSUES}/{about['issue']}>`__",
    ]


def list_differences(switches: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the switches that are not as an emulator of this version has them unless told otherwise."""
    sys.path.insert(0, str(ROOT))
    from emulator import Switches

    usual = Switches(version=switches.get("version", 13)).as_dict()
    return [(name, value) for name, value in sorted(switches.items()) if usual.get(name) != value]


def create_table(rows: list[list[str]]) -> str:
    """Return the table in reStructuredText."""
    rows = rows or [["none yet", *([""] * (len(HEAD) - 1))]]
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (list(HEAD), *rows):
        lines += [f"   {'*' if number == 0 else ' '} - {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def update(page: str, rows: list[list[str]]) -> str:
    """Return the page with its table made anew."""
    before, _begin, rest = page.partition(BEGIN)
    _table, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{create_table(rows)}\n{END}{after}"


def main() -> int:
    """Write the table into the page."""
    try:
        rows = [read_report(path) for path in sorted(REPORTS.glob("*.yml"))]
    except ValueError as error:
        print(f"seen_servers: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(update(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
