# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_query_info is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same

LISTED = same("resources")
SESSIONS = {"type": "BackupJobSession"}
SORTED = {"filter": "Result==Success", "sort_by": "CreationTime", "descending": True, "limit": 5, "page_size": 3}

SCENARIOS = [
    Scenario("entities-pages", LISTED, {**SESSIONS, "page_size": 6}),
    Scenario("references-pages", LISTED, {"type": "Job", "format": "references", "page_size": 2}, borrowed=True),
    Scenario("entities-sorted", LISTED, {**SESSIONS, **SORTED}, borrowed=True),
    Scenario("entities-none", LISTED, {"type": "Repository"}, borrowed=True),
]
