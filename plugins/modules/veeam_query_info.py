#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query anything in Enterprise Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_query_info
short_description: Query resources of any type in Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Queries sessions, restore points, repositories, replicas and all other resources of the query service of Veeam Backup
    Enterprise Manager, some fifty types.
  - Types, fields and operators are checked before any request, against the vendor's reference.
  - Always requests JSON, whatever O(response_format) says, because XML does not distinguish numbers and booleans from text.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._query
  - vbem.rest._attributes
  - vbem.rest._attributes.info
seealso:
  - plugin: vbem.rest.veeam_query
    plugin_type: lookup
  - module: vbem.rest.veeam_job_info
  - module: vbem.rest.veeam_task_info
  - name: Query types
    description: The vendor's list of types, with the fields of each.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/query_type.html
"""

EXAMPLES = r"""
- name: List the runs that failed since yesterday, the newest first
  vbem.rest.veeam_query_info:
    session: "{{ em.session }}"
    type: BackupJobSession
    where:
      - field: Result
        value: Failed
      - field: CreationTime
        operator: ">="
        value: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now().timestamp() - 86400, utc=true) }}"
    sort_by: CreationTime
    descending: true

- name: List the repositories that run out of space
  vbem.rest.veeam_query_info:
    session: "{{ em.session }}"
    type: Repository
    filter: FreeSpace<107374182400

- name: List only the names of the backup servers
  vbem.rest.veeam_query_info:
    session: "{{ em.session }}"
    type: BackupServer
    format: references
"""

RETURN = r"""
resources:
  description:
    - The resources, with their properties. The keys are the server's names in snake_case, such as C(creation_time_utc), and
      the same from every version. Numbers and booleans are numbers and booleans, dates are ISO 8601 in UTC, or V(null) for
      never, and lists are lists even if they have one element.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the resource, where it has one.
      type: str
      returned: where the type has it
      sample: Default Backup Repository
    uid:
      description: UID of the resource, where it has one.
      type: str
      returned: where the type has it
      sample: urn:veeam:Repository:b609c947-dd30-4295-8b57-cc880329dbd6
    href:
      description: URL of the resource, on the server of the connection.
      type: str
      returned: success
      sample: https://em.example.com:9398/api/repositories/b609c947-dd30-4295-8b57-cc880329dbd6?format=Entity
    links:
      description: Links to parent and related resources; links of actions are left out.
      returned: success
      type: list
      elements: dict
      contains:
        rel:
          description: The relation, such as V(Up) for a parent.
          type: str
          returned: success
          sample: Up
        type:
          description: Type of the linked resource.
          type: str
          returned: success
          sample: BackupServerReference
        name:
          description: Name of the linked resource, or V(null).
          type: str
          returned: success
          sample: vbr01.vbem.test
        href:
          description: URL of the linked resource, on the server of the connection.
          type: str
          returned: success
          sample: https://em.example.com:9398/api/backupServers/f8f1eb52-b905-5f1b-a54d-b452f5ef34af
        uid:
          description: The id within the URL, or V(null).
          type: str
          returned: success
          sample: f8f1eb52-b905-5f1b-a54d-b452f5ef34af
stats:
  description: Statistics of the query.
  returned: success
  type: dict
  contains:
    requests:
      description: Requests sent, including retries, without logon and log-off.
      type: int
      returned: success
      sample: 1
    pages:
      description: Pages read.
      type: int
      returned: success
      sample: 1
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.options import check_minimum
from ..module_utils._em.resources.listing import PAGE_SIZE
from ..module_utils._em.resources.query import WHERE_SPEC, create_query, read_resources
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "type": {"type": "str", "required": True},
    "filter": {"type": "str"},
    "where": WHERE_SPEC,
    "sort_by": {"type": "str"},
    "descending": {"type": "bool", "default": False},
    "limit": {"type": "int"},
    "page_size": {"type": "int", "default": PAGE_SIZE},
    "format": {"type": "str", "choices": ["entities", "references"], "default": "entities"},
    "allow_unknown": {"type": "bool", "default": False},
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the resources that the query selects."""
    del check_mode
    check_minimum(params, "limit", 1)
    check_minimum(params, "page_size", 1)
    resources = read_resources(client, create_query(params))
    return {"changed": False, "resources": resources, "stats": {"requests": client.requests, "pages": client.pages}}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
