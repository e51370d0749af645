# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the lookup veeam_object is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same
from .infrastructure import VCENTER, make_infrastructure

FOUND = same("_raw")
BOTH = {"terms": ["web01", "nobody"], "root": VCENTER, "in_jobs": True}

SCENARIOS = [
    Scenario("lookup-objects", FOUND, BOTH, prepare=make_infrastructure),
    Scenario("lookup-objects-borrowed", FOUND, {**BOTH, "terms": ["*"]}, borrowed=True, prepare=make_infrastructure),
]
