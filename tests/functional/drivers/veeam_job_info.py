# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_job_info is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same

LISTED = same("jobs")
PAGES = {"page_size": 3, "last_session": True, "job_type": "Backup"}

SCENARIOS = [
    Scenario("jobs-pages-sessions", LISTED, PAGES, borrowed=True),
    Scenario("jobs-name", LISTED, {"name": "Daily Backup", "last_session": True}),
    Scenario("jobs-none", LISTED, {"name": "No Such Job"}, borrowed=True),
    Scenario("jobs-agent", LISTED, {"kind": "agent"}),
    Scenario("jobs-nas", LISTED, {"kind": "nas", "last_session": True}, borrowed=True),
]
