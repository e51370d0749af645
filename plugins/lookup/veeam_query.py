# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Query anything in Enterprise Manager, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: veeam_query
short_description: Query resources of any type in Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Gives the same list as the module M(vbem.rest.veeam_query_info), on the controller.
extends_documentation_fragment:
  - vbem.rest._query_plugin
options:
  _terms:
    description: Type of the resources, such as V(BackupJobSession), in any case. Of several, all are asked for.
    type: list
    elements: str
    required: true
  filter:
    description: A filter in Enterprise Manager's own language, over the type's fields.
    type: str
  where:
    description:
      - Conditions that must all be met. Each has C(field), C(value) and, if it is not C(==), C(operator), as in
        M(vbem.rest.veeam_query_info).
    type: list
    elements: dict
  sort_by:
    description: A field of the type to sort by.
    type: str
  descending:
    description: Whether to sort in descending order.
    type: bool
    default: false
  limit:
    description: Return only the first so many resources, and read no more pages than that takes.
    type: int
  page_size:
    description: How many resources to ask for with one request.
    type: int
    default: 500
  format:
    description: Whether to return the resources with all that the server tells of them, or just their names, UIDs and links.
    type: str
    choices: [entities, references]
    default: entities
  allow_unknown:
    description: Whether types, fields and values may be asked for that are newer than this collection.
    type: bool
    default: false
seealso:
  - module: vbem.rest.veeam_query_info
"""

EXAMPLES = r"""
- name: Tell how many runs failed
  ansible.builtin.debug:
    msg: "{{ failed | length }} runs failed"
  vars:
    failed: "{{ query('vbem.rest.veeam_query', 'BackupJobSession', session=em.session, filter='Result==Failed') }}"
"""

RETURN = r"""
_raw:
  description: The resources, as RV(ignore:resources) of M(vbem.rest.veeam_query_info).
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em._client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em._options import check_least
from ansible_collections.vbem.rest.plugins.module_utils._em._queries import create_query, read_resources
from ansible_collections.vbem.rest.plugins.plugin_utils._ask import ask

display = Display()


class LookupModule(LookupBase):  # type: ignore[misc]
    """Asks for resources of the types that the terms name."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Give the resources."""
        # Variables reach plugins as they were written, templates and all.
        own = {name: self._templar.template(value) for name, value in (variables or {}).items() if name.startswith("vbem_")}
        self.set_options(var_options=own, direct=kwargs)
        options: dict[str, Any] = self.get_options()

        def question(client: Client) -> list[dict[str, Any]]:
            for name in ("limit", "page_size"):
                check_least(options, name, 1)
            queries = [create_query({**options, "type": term}) for term in terms]
            return [resource for query in queries for resource in read_resources(client, query)]

        resources, warnings = ask(options, question)
        for warning in warnings:
            display.warning(warning)
        return resources
