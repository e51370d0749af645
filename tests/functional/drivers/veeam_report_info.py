# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_report_info is driven."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import Scenario
from .checks import check_equal
from .observation import Observation

PERIOD = {"since": "2020-01-01T00:00:00Z", "until": "2040-01-01T00:00:00Z"}


def check_report(observed: Observation, healthy: Observation) -> Iterator[str]:
    """Nothing is missing, except what a failed query would have returned; and no query of backups or replicas has failed."""
    if observed.result is None or healthy.result is None:
        return
    if observed.result["changed"]:
        yield "changed, although nothing was to be changed"
    failed = {query["type"] for query in observed.result["digest"]["failed_queries"]}
    hit = {found[1] for entry in observed.log if entry.fault for found in re.finditer(r"type=(\w+)", entry.target)}
    if not failed:
        yield from check_equal(observed, healthy, "digest")
    if failed - hit:
        yield f"{', '.join(sorted(failed - hit))} failed without a fault"
    counts, expected = (one.result["digest"]["counts"] for one in (observed, healthy) if one.result)
    for name in ("job_sessions", "failed", "warning", "success", "running"):
        if "CdpReplicaSession" not in failed and counts[name] != expected[name]:
            yield f"{counts[name]} job sessions count as {name}, and not {expected[name]}"
    if "Job" not in failed and counts["jobs"] < expected["jobs"] and not failed & {"AgentBackupJob", "NasJob", "CdpPolicy"}:
        yield "a job is missing"


SCENARIOS = [
    Scenario("report-own", check_report, PERIOD),
    Scenario("report-borrowed", check_report, {**PERIOD, "max_rows": 1, "baseline_days": 0}, borrowed=True),
]
