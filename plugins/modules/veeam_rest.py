#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send any request."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_rest
short_description: Send any request to the REST API of Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Reads and changes resources that have no module of their own, idempotently as far as the API allows, with sessions, paging,
    tasks and check mode.
  - A C(PUT) is compared with the resource and sent only if something differs. A C(DELETE) of a resource that does not exist is
    no change. A C(POST) can be guarded by O(unless_found).
  - The page
    R(Operations that change something,ansible_collections.vbem.rest.docsite.operations) lists each operation of the API with
    the options that do it, and R(From an API page to a task,ansible_collections.vbem.rest.docsite.guide_rest) shows how to fill
    them in.
options:
  method:
    description: The method of the request.
    type: str
    choices: [GET, POST, PUT, DELETE]
    default: GET
  path:
    description:
      - A path below C(/api), such as V(cloud/tenants), or the C(href) of a resource from another result.
      - Any other address is refused.
    type: str
    required: true
  query:
    description: Parameters of the query, such as C(format) or C(action).
    type: dict
  body:
    description:
      - The members of the body in the API's own names, as the reference's examples in JSON have them, in any order. With
        O(response_format=xml) it is sent as XML, in the order of the reference.
      - It is never shown. The values of members with the name of a secret, such as C(Password), are masked in the result as
        well.
    type: dict
  unless_found:
    description:
      - A C(POST) is not sent if this query finds something, which is returned as RV(resources).
    type: dict
    suboptions:
      type:
        description: Type of the resources, as in M(vbem.rest.veeam_query_info).
        type: str
        required: true
      filter:
        description: A filter in Enterprise Manager's own language.
        type: str
      where:
        description: Conditions that must all be met, as in M(vbem.rest.veeam_query_info).
        type: list
        elements: dict
        suboptions:
          field:
            description: A field of the type, case-insensitive.
            type: str
            required: true
          operator:
            description: How to compare.
            type: str
            choices: ["==", "!=", "<", "<=", ">", ">="]
            default: "=="
          value:
            description: What to compare with.
            type: raw
            required: true
  reads:
    description: Whether a C(POST) only reads, as three operations do. It is sent in check mode too, and is no change.
    type: bool
    default: false
  force:
    description:
      - Whether to send a C(PUT) even if nothing seems to differ. A new password needs this, because the server shows no
        password to compare.
    type: bool
    default: false
  wait_for:
    description:
      - V(task) waits until the request was carried out. V(related) waits for the resource that the task links to as well - for
        a session until its end, where a failed one fails the module; for any other resource until it can be read. V(nothing)
        does not wait.
    type: str
    choices: [task, related, nothing]
    default: task
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._wait
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Sends only reads. A C(POST) is predicted as a change, unless O(reads) or O(unless_found) say otherwise.
  diff_mode:
    support: partial
    details:
      - Names the members that differ, and shows no values.
seealso:
  - module: vbem.rest.veeam_query_info
"""

EXAMPLES = r"""
- name: Read the overview report
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    path: reports/summary/overview
  register: overview

- name: List the accounts of Enterprise Manager
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    path: security/accounts

- name: Start the collection of a backup server's data, and wait until the request was carried out
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    method: POST
    path: "{{ query('vbem.rest.veeam_query', 'BackupServer', session=em.session)[0].href }}"
    query:
      action: collect

- name: Create a pool of gateways, unless there is one of this name, and wait until it can be read
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    method: POST
    path: cloud/gatewayPools
    body:
      Name: Berlin
      Description: Gateways in Berlin
      BackupServerUid: "{{ query('vbem.rest.veeam_query', 'BackupServer', session=em.session)[0].uid }}"
      CloudGateways:
        CloudGatewayUids: ["{{ query('vbem.rest.veeam_query', 'CloudGateway', session=em.session)[0].uid }}"]
    unless_found:
      type: CloudGatewayPool
      where:
        - {field: Name, value: Berlin}
    wait_for: related
  register: pool

- name: Describe it otherwise, if it is not described so
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    method: PUT
    path: "{{ (pool.related or pool.resources[0]).href }}"
    body:
      Description: Gateways in Berlin and Potsdam
      CloudGateways:
        CloudGatewayUids: ["{{ query('vbem.rest.veeam_query', 'CloudGateway', session=em.session)[0].uid }}"]

- name: Delete it, if it is there
  vbem.rest.veeam_rest:
    session: "{{ em.session }}"
    method: DELETE
    path: "{{ (pool.related or pool.resources[0]).href }}"
"""

RETURN = r"""
status:
  description: The status of the answer; V(null) where nothing was sent.
  type: int
  returned: success
  sample: 202
resource:
  description: The resource, with keys in snake_case; for a C(PUT) as it is afterwards. V(null) where there is none.
  type: dict
  returned: when the answer is not a list
resources:
  description: The resources of a collection, of all pages; or what O(unless_found) found.
  type: list
  elements: dict
  returned: when the answer is a list
task:
  description:
    - The task of the request. The keys are those of RV(ignore:tasks) of M(vbem.rest.veeam_task_info); V(null) without one.
  type: dict
  returned: success
related:
  description: The resource that the task links to, with O(wait_for=related).
  type: dict
  returned: success
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.polling import WaitBudget
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import check_minimum
from ..module_utils._em.protocol.secret_names import iter_secrets
from ..module_utils._em.resources.query import WHERE_SPEC, find_resources
from ..module_utils._em.resources.rest import RestRequest, create_target
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "method": {"type": "str", "choices": ["GET", "POST", "PUT", "DELETE"], "default": "GET"},
    "path": {"type": "str", "required": True},
    "query": {"type": "dict"},
    "body": {"type": "dict"},
    "unless_found": {
        "type": "dict",
        "options": {"type": {"type": "str", "required": True}, "filter": {"type": "str"}, "where": WHERE_SPEC},
    },
    "reads": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "wait_for": {"type": "str", "choices": ["task", "related", "nothing"], "default": "task"},
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "int", "default": 10},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Send the request, wait as ``wait_for`` says, and return the result."""
    method = params["method"]
    client.hide(iter_secrets(params["body"]))
    check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    _check_options(params)
    target = create_target(client, params["path"], params["query"])
    budget = WaitBudget(client, params["wait_timeout"], params["poll_interval"])
    request = RestRequest(client, target, method, params["body"], budget)
    if method == "GET":
        return request.get()
    if method == "PUT":
        return request.put(wait_for=params["wait_for"], force=params["force"], check_mode=check_mode)
    if method == "DELETE":
        return request.delete(wait_for=params["wait_for"], check_mode=check_mode)
    found = find_resources(client, params["unless_found"]) if params["unless_found"] is not None else None
    return request.post(wait_for=params["wait_for"], reads=params["reads"], found=found, check_mode=check_mode)


def _check_options(params: dict[str, Any]) -> None:
    """Raise ``invalid_option`` for options that do not go with the method."""
    allowed = {"body": ("POST", "PUT"), "unless_found": ("POST",), "reads": ("POST",), "force": ("PUT",)}
    for name, methods in allowed.items():
        if params[name] not in (None, False) and params["method"] not in methods:
            raise EmError("invalid_option", f"The option {name} does not go with method: {params['method']}. Leave it out.")
    if params["method"] == "PUT" and params["body"] is None:
        raise EmError("invalid_option", "The option body is missing: a PUT needs the members to change.")


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
