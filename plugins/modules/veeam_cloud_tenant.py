#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage a tenant of Cloud Connect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: veeam_cloud_tenant
short_description: Manage a tenant of Veeam Cloud Connect
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Creates, edits and deletes a standalone tenant of Veeam Cloud Connect, with the quotas that it has on backup repositories.
  - Options that are not given, and quotas that are not listed, are left as they are.
  - Waits until a new tenant or quota can be read, because Enterprise Manager shows it some seconds after its task has ended.
  - For compute resources, subtenants and gateway pools use M(vbem.rest.veeam_rest).
options:
  name:
    description: Name of the tenant. A tenant cannot be renamed.
    type: str
    required: true
  backup_server:
    description:
      - Name of the backup server that the tenant belongs to. It may be left out where there is only one backup server, or where
        only one has a tenant of this name.
    type: str
  state:
    description:
      - V(present) creates the tenant, or edits what differs from the options.
      - V(absent) deletes the tenant. Enterprise Manager does not say what becomes of its backups on the repositories.
    type: str
    choices: [present, absent]
    default: present
  tenant_password:
    description:
      - Password of the tenant. Enterprise Manager requires it to create a tenant and for each edit, so each edit sets it.
    type: str
  update_password:
    description:
      - V(on_create) sends the password only if the tenant has to be created or edited anyway. V(always) sends it each time,
        which is always a change, because the server shows no password to compare.
    type: str
    choices: [always, on_create]
    default: on_create
  description:
    description: Description of the tenant.
    type: str
  enabled:
    description: Whether the tenant may connect.
    type: bool
  max_concurrent_tasks:
    description: How many tasks of the tenant may run at the same time.
    type: int
  lease_expiration:
    description: The date on which the lease ends, in ISO 8601, such as V(2030-12-31T00:00:00).
    type: str
  quotas:
    description: Quotas on repositories, by their names. One that exists is resized; one that does not is added.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name that the tenant sees.
        type: str
        required: true
      repository:
        description: Name of the backup repository. It is used only for a quota that is added.
        type: str
        required: true
      quota_mb:
        description: Size in megabytes.
        type: int
        required: true
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._wait
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details:
      - Names the members that differ, and shows no values.
seealso:
  - module: vbem.rest.veeam_rest
"""

EXAMPLES = r"""
- name: Create a tenant with a quota, or make it be so
  vbem.rest.veeam_cloud_tenant:
    session: "{{ em.session }}"
    name: Umbrella
    backup_server: vbr01.vbem.test
    tenant_password: "{{ lookup('ansible.builtin.env', 'UMBRELLA_PASSWORD') | default('a-passw0rd-from-a-vault', true) }}"
    description: Umbrella Corporation
    max_concurrent_tasks: 2
    lease_expiration: "2030-12-31T00:00:00"
    quotas:
      - name: Cloud
        repository: Default Backup Repository
        quota_mb: 102400

- name: Keep a tenant from connecting
  vbem.rest.veeam_cloud_tenant:
    session: "{{ em.session }}"
    name: Umbrella
    tenant_password: "{{ lookup('ansible.builtin.env', 'UMBRELLA_PASSWORD') | default('a-passw0rd-from-a-vault', true) }}"
    enabled: false

- name: Delete a tenant
  vbem.rest.veeam_cloud_tenant:
    session: "{{ em.session }}"
    name: Umbrella
    state: absent
"""

RETURN = r"""
tenant:
  description:
    - The tenant, with keys in snake_case, as it is afterwards; with O(state=absent) and in check mode as it was before.
      V(null) without one.
  type: dict
  returned: success
  sample: {name: Umbrella, description: Umbrella Corporation, enabled: true}
task:
  description:
    - The task of the last request. The keys are those of RV(ignore:tasks) of M(vbem.rest.veeam_task_info); V(null) where
      nothing was sent.
  type: dict
  returned: success
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.errors import create_option_error
from ..module_utils._em.options import check_minimum
from ..module_utils._em.protocol.dates import parse_date
from ..module_utils._em.resources.cloud_tenant import TenantManager
from ..module_utils._em.runtime.argument_spec import PROGRESS_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "backup_server": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "tenant_password": {"type": "str", "no_log": True},
    "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "on_create", "no_log": False},
    "description": {"type": "str"},
    "enabled": {"type": "bool"},
    "max_concurrent_tasks": {"type": "int"},
    "lease_expiration": {"type": "str"},
    "quotas": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "repository": {"type": "str", "required": True},
            "quota_mb": {"type": "int", "required": True},
        },
    },
    "wait_timeout": {"type": "int", "default": 600},
    "poll_interval": {"type": "int", "default": 10},
    **PROGRESS_SPEC,
}


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring the tenant into the described state, and return the result."""
    if params["tenant_password"] is not None:
        client.hide([params["tenant_password"]])
    check_minimum(params, "wait_timeout", 0)
    check_minimum(params, "poll_interval", 1)
    _check_options(params)
    manager = TenantManager(client, params, check_mode=check_mode)
    if params["state"] == "absent":
        manager.ensure_absent()
    else:
        manager.ensure_present()
    return manager.result()


def _check_options(params: dict[str, Any]) -> None:
    """Raise ``invalid_option`` for values that the server would refuse or misunderstand."""
    if not params["name"].strip():
        raise create_option_error("name", params["name"], "it is empty")
    if params["max_concurrent_tasks"] is not None:
        check_minimum(params, "max_concurrent_tasks", 1)
    if params["lease_expiration"] is not None and parse_date(params["lease_expiration"]) is None:
        raise create_option_error("lease_expiration", params["lease_expiration"], "give a date such as 2030-12-31T00:00:00")
    names = [one["name"] for one in params["quotas"] or ()]
    for number, one in enumerate(params["quotas"] or (), 1):
        if one["quota_mb"] < 1:
            raise create_option_error(f"quota_mb of quotas (number {number})", one["quota_mb"], "give at least 1")
        if names.count(one["name"]) > 1:
            raise create_option_error("quotas", one["name"], "there are several of this name")


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
