# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the lookup veeam_query is driven; ``type`` holds its terms."""

from __future__ import annotations

from . import Scenario
from .checks import same

LISTED = same("resources")

SCENARIOS = [
    Scenario("lookup-pages", LISTED, {"type": ["Job", "BackupServer"], "page_size": 4}),
    Scenario("lookup-borrowed", LISTED, {"type": ["BackupJobSession"], "page_size": 8}, borrowed=True),
]
