# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_job_definition_info is driven."""

from __future__ import annotations

from . import Scenario
from .checks import same
from .infrastructure import JOB, make_infrastructure

SCENARIOS = [
    Scenario("export", same("jobs", "left_out"), {}, borrowed=True, prepare=make_infrastructure),
    Scenario("export-own", same("jobs", "left_out"), {"names": [JOB]}, prepare=make_infrastructure),
]
