#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query what a backup report needs."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_report_info
short_description: Query what a backup report needs from Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Queries job sessions of a period, jobs and repositories, and returns a digest of them that the filter
    P(vbem.rest.report_data#filter) makes a backup report of. The role P(vbem.rest.report#role) writes its page from it.
  - The rows of the queries are counted and selected as they are read. So the result is small, also where hundreds of thousands
    of job sessions ended in the period.
  - If a query fails other than those of job sessions, the digest and the report say so. The module fails if a query of
    job sessions of backups or replicas fails, or if the logon session is lost.
  - The summary reports of the server itself, such as C(/api/reports/summary/overview), are read by M(vbem.rest.veeam_rest).
  - Always requests JSON, whatever O(response_format) says, because XML does not distinguish numbers and booleans from text.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
  - vbem.rest._attributes.info
options:
  since:
    description: Start of the period, as ISO 8601; without a time zone in UTC.
    type: str
    required: true
  until:
    description: End of the period, as ISO 8601; without a time zone in UTC. Job sessions that ended later are still counted.
    type: str
    required: true
  max_rows:
    description: Maximum rows per section. Failed jobs beyond it are still listed in short form, and so are jobs with warnings.
    type: int
    default: 15
  full_threshold_percent:
    description: Used space, in percent, from which a repository counts as nearly full.
    type: int
    default: 90
  baseline_days:
    description:
      - Number of days before the period whose job sessions are the baseline of the longest ones. The baseline of a job is the
        median duration of its sessions.
      - V(0) disables the baseline.
    type: int
    default: 14
seealso:
  - plugin: vbem.rest.report_data
    plugin_type: filter
  - module: vbem.rest.veeam_query_info
"""

EXAMPLES = r"""
- name: Query what happened since yesterday
  vbem.rest.veeam_report_info:
    session: "{{ em.session }}"
    since: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now().timestamp() - 86400, utc=true) }}"
    until: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now().timestamp(), utc=true) }}"
  register: report

- name: Show the result
  ansible.builtin.debug:
    msg: "{{ (report.digest | vbem.rest.report_data(report.digest.since, report.digest.until)).summary.headline }}"
"""

RETURN = r"""
digest:
  description:
    - The input of P(vbem.rest.report_data#filter), with C(since) and C(until) in UTC, and with the type and the message of each
      query that failed as C(failed_queries). Its other keys are what the page shows; they may change with the page.
    - Its size grows with O(max_rows), with the length of the period and with the number of jobs that failed or ended with
      warnings, but not with the number of job sessions.
  returned: success
  type: dict
stats:
  description: Statistics of the queries.
  returned: success
  type: dict
  contains:
    requests:
      description: Requests sent, including retries, without logon and log-off.
      type: int
      returned: success
      sample: 13
    pages:
      description: Pages read.
      type: int
      returned: success
      sample: 13
"""

from datetime import datetime
from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.errors import create_option_error
from ..module_utils._em.options import check_minimum
from ..module_utils._em.protocol.dates import parse_date
from ..module_utils._em.resources.report_digest import DigestOptions, to_plain
from ..module_utils._em.resources.report_query import query_digest
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "since": {"type": "str", "required": True},
    "until": {"type": "str", "required": True},
    "max_rows": {"type": "int", "default": 15},
    "full_threshold_percent": {"type": "int", "default": 90},
    "baseline_days": {"type": "int", "default": 14},
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the digest of a report."""
    del check_mode
    check_minimum(params, "max_rows", 1)
    check_minimum(params, "full_threshold_percent", 0)
    check_minimum(params, "baseline_days", 0)
    since, until = _read_date(params, "since"), _read_date(params, "until")
    if since >= until:
        raise create_option_error("until", params["until"], f"give a time later than since, which is {params['since']}")
    options = DigestOptions(since, until, params["max_rows"], params["full_threshold_percent"], params["baseline_days"])
    digest = to_plain(query_digest(client, options))
    return {"changed": False, "digest": digest, "stats": {"requests": client.requests, "pages": client.pages}}


def _read_date(params: dict[str, Any], name: str) -> datetime:
    date = parse_date(params[name])
    if date is None:
        raise create_option_error(name, params[name], "give it as ISO 8601, such as 2026-11-23T18:00:00Z")
    return date


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
