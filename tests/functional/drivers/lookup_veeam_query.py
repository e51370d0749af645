# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the lookup veeam_query is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same

LISTED = same("_raw")

SCENARIOS = [
    Scenario("lookup-pages", LISTED, {"terms": ["Job", "BackupServer"], "page_size": 4}),
    Scenario("lookup-borrowed", LISTED, {"terms": ["BackupJobSession"], "page_size": 8}, borrowed=True),
]
