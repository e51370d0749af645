# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide about servers says what the reports in docs/servers/ say, and nothing while there are none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.places import ROOT

sys.path.insert(0, str(ROOT / "dev"))

import seen_servers

REPORT: dict[str, Any] = {
    "about": {"server": "13.0.1 on Windows", "role": "Portal User", "collection": "0.1.0", "date": "2026-11-27", "issue": 12},
    "answers": {"version": {"value": 13}, "unknown_task": {"value": 404}},
    "switches": {"version": 13, "unknown_task": 404},
    "surprises": [],
    "unanswered": {"json_times": "the user's role may not ask it"},
}


def test_the_page_is_made_of_the_reports() -> None:
    page = seen_servers.PAGE.read_text(encoding="utf-8")
    rows = [seen_servers.read_report(path) for path in sorted(seen_servers.REPORTS.glob("*.yml"))]
    assert seen_servers.update(page, rows) == page, "run dev/seen_servers.py"
    assert ("**None so far.**" in page) is (not rows)


def test_a_report_becomes_a_row(tmp_path: Path) -> None:
    file = tmp_path / "report.yml"
    file.write_text(yaml.safe_dump(REPORT), encoding="utf-8")
    row = seen_servers.read_report(file)
    assert row[:6] == ["13.0.1 on Windows", "Portal User", "0.1.0, 2026-11-27", "2 of 3", "0", "``unknown_task=404``"]
    page = seen_servers.update(seen_servers.PAGE.read_text(encoding="utf-8"), [row])
    assert "   * - 13.0.1 on Windows\n     - Portal User\n" in page
    assert "none yet" not in page
    assert seen_servers.update(page, [row]) == page


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.yml"
    file.write_text(yaml.safe_dump({**REPORT, "about": {"server": "13"}}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"report\.yml lacks role, collection, date, issue"):
        seen_servers.read_report(file)
