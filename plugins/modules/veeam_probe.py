#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out how a server behaves."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_probe
short_description: Find out how a Veeam Backup Enterprise Manager behaves
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Asks a server what the vendor's reference leaves open, such as whether tasks can be filtered, and checks the set-up - the
    role of the user, the clocks, the certificate, the TLS version, and how long requests take.
  - The result can be published. It has statuses, names of headers, and shapes of answers, in which each value is replaced by
    its type and length. It has no names, addresses, ids, or secrets.
  - The emulator of this collection behaves like the server if it gets the result as C(--switches).
  - Sends reads alone, but for O(collect) and one logon and log-off, which need O(username) and O(password) and no
    O(session). In check mode nothing is sent.
  - What the user's role may not ask is left out, and listed in RV(unanswered) and RV(problems).
options:
  collect:
    description:
      - Whether to start one data collection of a backup server, which a Portal User may do, to have a task to look at.
      - The collection makes Enterprise Manager read what the backup server knows, as it does by itself from time to time. Its
        task is removed when it is finished.
    type: bool
    default: false
  wait_timeout:
    description: Maximum time for the data collection, in seconds. If it is not finished by then, its task is left alone.
    type: int
    default: 300
  _progress_file:
    description:
      - Not for playbooks. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is sent, not even a logon. RV(requests) lists what would be.
  diff_mode:
    support: none
notes:
  - Some questions need something to look at, such as a job with a schedule or two job sessions. So probe a server that is
    in use.
seealso:
  - ref: ansible_collections.vbem.rest.docsite.guide_seen
    description: Which servers this was seen to work with, and how to send a report.
  - name: Veeam Backup Enterprise Manager REST API reference
    description: The vendor's reference.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/overview.html
"""

EXAMPLES = r"""
- name: List what would be sent, and send nothing
  vbem.rest.veeam_probe:
    session: "{{ em.session }}"
    collect: true
  check_mode: true
  register: planned

- name: Probe the server with reads alone
  vbem.rest.veeam_probe:
    session: "{{ em.session }}"
  register: probed

- name: Show what is wrong with the set-up
  ansible.builtin.debug:
    msg: "{{ probed.problems }}"

- name: Write a file for the emulator
  ansible.builtin.copy:
    content: "{{ {'switches': probed.switches} | to_nice_yaml }}"
    dest: switches.yml
    mode: "0644"
"""

RETURN = r"""
requests:
  description:
    - What is sent, in order. Names in braces stand for what comes from the server. Without that, the request is left out.
  type: list
  elements: dict
  returned: success
  contains:
    request:
      description: Method and path.
      type: str
      returned: success
      sample: GET /api/query?type=BackupServer&format=Entities&pageSize=1
    purpose:
      description: What it is sent for.
      type: str
      returned: success
      sample: form of JSON and links; version of the product
answers:
  description: The questions that were answered, by the name of the emulator's switch.
  type: dict
  returned: not in check mode
  sample:
    unknown_task:
      question: Which status has an unknown task?
      value: 500
      evidence: [unknown_task, removed_task, missed_removal]
switches:
  description: The values alone, for C(--switches) of the emulator.
  type: dict
  returned: not in check mode
  sample: {unknown_task: 500}
unanswered:
  description: The questions that were not answered, each with the reason.
  type: dict
  returned: not in check mode
  sample: {"result_null": "it needs a task: collect: true makes one"}
surprises:
  description: Answers that no known behaviour explains, with their shape. Please report them.
  type: list
  elements: dict
  returned: not in check mode
  sample: []
evidence:
  description: The status, the known headers, and the shape of each answer.
  type: dict
  returned: not in check mode
  sample:
    unknown_task:
      request: GET /api/tasks/task-999999999
      status: 500
      media_type: application/json
      server: Kestrel
      headers: [Content-Length, Content-Type]
      shape: {message: text(77), statusCode: number, (null): 3}
versions:
  description: Versions of the API, and of the first backup server.
  type: dict
  returned: not in check mode
  sample: {api: [v1_7], backup_server: [13.0.1.1071]}
measured:
  description: Times, the clock, TLS, the certificate, and sessions. What could not be measured is V(null).
  type: dict
  returned: not in check mode
  sample:
    requests: 41
    median_seconds: 0.012
    slowest_seconds: 0.094
    clock_skew_seconds: 0
    tls_version: TLSv1.3
    certificate_days_left: 364
    other_sessions_of_user: 0
behaviour:
  description: What the collection does on this server because of the answers.
  type: list
  elements: str
  returned: not in check mode
  sample: ["Answers are asked for in JSON, as response_format: auto means."]
problems:
  description: What is wrong with the set-up, each with a cure.
  type: list
  elements: str
  returned: not in check mode
  sample: []
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.probe import run_probe
from ..module_utils._em.resources.probe_report import create_report, list_shown_requests
from ..module_utils._em.resources.probe_requests import list_requests
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "collect": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return what is sent and, unless in check mode, what was learnt."""
    wait_timeout = check_minimum(params, "wait_timeout", 0)
    connection = client.connection
    has_password = bool(connection.username and connection.password)
    requests = list_requests(collect=params["collect"], has_password=has_password)
    result = {"changed": params["collect"], "requests": list_shown_requests(requests)}
    if check_mode:
        return result
    client.hooks.on_progress(f"Sends up to {len(requests)} requests; check mode lists them.")
    probe = run_probe(client, collect=params["collect"], wait_timeout=wait_timeout or 0)
    return {**result, "changed": probe.has_collected, **create_report(probe, connection)}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
