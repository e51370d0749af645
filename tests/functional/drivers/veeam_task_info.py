# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_task_info is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same
from .tasks import make_five_tasks

LISTED = same("tasks")
FILTERED = {"task_state": ["Finished"], "success": False}

SCENARIOS = [
    Scenario("tasks-pages", LISTED, {"page_size": 2}, borrowed=True, prepare=make_five_tasks),
    Scenario("tasks-filter", LISTED, FILTERED, borrowed=True, prepare=make_five_tasks),
    Scenario("tasks-none", LISTED, {"operation": ["CloneJob"]}, borrowed=True, prepare=make_five_tasks),
    Scenario("tasks-own", LISTED),
]
