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
  - Returns the same list as the module M(vbem.rest.veeam_query_info), on the controller.
extends_documentation_fragment:
  - vbem.rest._query_plugin
options:
  _terms:
    description: Type of the resources, such as V(BackupJobSession), case-insensitive. With several types, the resources of all
      of them are returned.
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
    description: Maximum number of resources to return. No more pages are read than that takes.
    type: int
  page_size:
    description: Number of resources to request per page.
    type: int
    default: 500
  format:
    description: Whether to return the resources with all their properties, or just their names, UIDs and links.
    type: str
    choices: [entities, references]
    default: entities
  allow_unknown:
    description: Whether to accept types, fields and values that this collection does not know, of a newer server.
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

from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError, create_option_error
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Option, check_minimum
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import PAGE_SIZE
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import create_query, read_resources
from ansible_collections.vbem.rest.plugins.plugin_utils._lookup import run_in_client
from ansible_collections.vbem.rest.plugins.plugin_utils._lookup_options import check_not_secret, read_plugin_options

display = Display()

OWN_OPTIONS = (
    Option("filter", "str", env=False),
    Option("where", "raw", env=False),
    Option("sort_by", "str", env=False),
    Option("descending", "bool", False, env=False),
    Option("limit", "int", env=False),
    Option("page_size", "int", PAGE_SIZE, env=False),
    Option("format", "str", "entities", env=False, choices=("entities", "references")),
    Option("allow_unknown", "bool", False, env=False),
)


class LookupModule(LookupBase):  # type: ignore[misc]
    """Queries resources of the types that the terms name."""

    def run(self, terms: Any, variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the resources."""

        def read_options() -> dict[str, Any]:
            types = _check_terms(terms)
            options = read_plugin_options(OWN_OPTIONS, kwargs, variables or {}, self._templar)
            # An empty filter would select everything, which is never intended.
            empty = {name: kwargs[name] for name in ("filter", "where") if kwargs.get(name) in ("", [], ())}
            return {**options, **empty, "types": types}

        def operation(client: Client, options: Mapping[str, Any]) -> list[dict[str, Any]]:
            for name in ("limit", "page_size"):
                check_minimum(options, name, 1)
            where = _check_conditions(options["where"])
            queries = [create_query({**options, "where": where, "type": name}) for name in options["types"]]
            return [resource for query in queries for resource in read_resources(client, query)]

        resources, warnings = run_in_client(read_options, operation)
        for warning in warnings:
            display.warning(warning)
        return resources


def _check_terms(terms: Any) -> list[str]:
    names = list(terms) if isinstance(terms, (list, tuple)) else [terms]
    check_not_secret("type", names)
    if not names:
        raise EmError("invalid_option", "No type is given: give the name of one, such as BackupJobSession.")
    for name in names:
        if not isinstance(name, str):
            raise create_option_error("type", name, "give the name of a type, such as BackupJobSession")
    return names


def _check_conditions(where: Any) -> list[dict[str, Any]] | None:
    """Return the conditions of ``where`` as the module takes them: a single one may stand without a list."""
    conditions = [where] if isinstance(where, Mapping) else where
    if conditions is None:
        return None
    if not isinstance(conditions, (list, tuple)) or not all(isinstance(one, Mapping) for one in conditions):
        cure = "give a list of conditions, each with field, value and, if it is not ==, operator"
        raise create_option_error("where", where, cure)
    return [dict(one) for one in conditions]
