# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_object_info is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same
from .infrastructure import UNIQUE_ID, VCENTER, make_infrastructure

FOUND = same("objects", "missing")
NAMES = [{"name": "web01", "root": VCENTER}, {"name": "nobody", "root": VCENTER}]
# The vCenter is on two backup servers, so each of these is two objects; more than a few are listed.
MANY = [{"moid": f"vm-{number}", "root": UNIQUE_ID} for number in (101, 102, 104, 999)]

SCENARIOS = [
    Scenario("objects-names", FOUND, {"objects": NAMES}, borrowed=True, prepare=make_infrastructure),
    Scenario("objects-many", FOUND, {"objects": MANY}, prepare=make_infrastructure),
    Scenario(
        "objects-in-jobs",
        FOUND,
        {"objects": [{"name": "*", "root": VCENTER}], "in_jobs": True},
        borrowed=True,
        prepare=make_infrastructure,
    ),
]
