# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find objects of the infrastructure, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: veeam_object
short_description: Find objects of the virtual infrastructure in Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Returns the same objects as the module M(vbem.rest.veeam_object_info), on the controller.
  - Objects that are not found are left out; if none is found, the list is empty. A failure is never an empty list.
extends_documentation_fragment:
  - vbem.rest._query_plugin
options:
  _terms:
    description:
      - The objects to find. A text is a reference, such as V(urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518), or a
        name, in which V(*) stands for any characters.
      - A dictionary has the keys of O(vbem.rest.veeam_object_info#module:objects), such as C(moid) and C(root).
    type: list
    elements: raw
    required: true
  root:
    description:
      - The hierarchy root (virtualization host) of the objects that name none themselves - its name, its UID, or its unique id,
        which is the instance UUID of a vCenter.
      - May be left out if there is only one.
    type: str
  type:
    description: The type of the objects that name none themselves, such as V(Vm), V(Folder) or V(Tag).
    type: str
    default: Vm
  in_jobs:
    description:
      - Whether to add to each object the jobs that hold it itself. Jobs that hold a container of it, such as its folder, are
        not found.
      - By the vendor's table of roles this takes a Portal Administrator.
    type: bool
    default: false
seealso:
  - module: vbem.rest.veeam_object_info
  - module: vbem.rest.veeam_job_object
"""

EXAMPLES = r"""
- name: Tell which jobs hold a machine
  ansible.builtin.debug:
    msg: "{{ found | map(attribute='jobs') | flatten | map(attribute='name') | join(', ') | default('no job holds it', true) }}"
  vars:
    found: "{{ query('vbem.rest.veeam_object', 'web01', root='vcenter01.vbem.test', in_jobs=true, session=em.session) }}"

- name: Count the machines of a vCenter
  ansible.builtin.debug:
    msg: "{{ query('vbem.rest.veeam_object', '*', root='vcenter01.vbem.test', session=em.session) | length }} machines"
"""

RETURN = r"""
_raw:
  description: The objects, as RV(vbem.rest.veeam_object_info#module:objects).
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError, create_option_error
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Option
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.references import parse_reference
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.infrastructure import OBJECT_SPEC
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_objects import find_objects
from ansible_collections.vbem.rest.plugins.plugin_utils._lookup import run_in_client
from ansible_collections.vbem.rest.plugins.plugin_utils._lookup_options import check_not_secret, read_plugin_options

display = Display()

OWN_OPTIONS = (
    Option("root", "str", env=False),
    Option("type", "str", "Vm", env=False),
    Option("in_jobs", "bool", False, env=False),
)
HINT = "give a name, a reference, or a dictionary with the keys " + ", ".join(OBJECT_SPEC)


class LookupModule(LookupBase):  # type: ignore[misc]
    """Finds the objects that the terms describe."""

    def run(self, terms: Any, variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the objects."""

        def read_options() -> dict[str, Any]:
            check_not_secret("objects", terms)
            options = read_plugin_options(OWN_OPTIONS, kwargs, variables or {}, self._templar)
            return {**options, "objects": _read_terms(terms, options)}

        def operation(client: Client, options: Mapping[str, Any]) -> list[dict[str, Any]]:
            objects, _missing = find_objects(client, options["objects"], in_jobs=options["in_jobs"])
            return objects

        objects, warnings = run_in_client(read_options, operation)
        for warning in warnings:
            display.warning(warning)
        return objects


def _read_terms(terms: Any, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that the terms describe, as the module takes them. A list among the terms stands for its members."""
    given = terms if isinstance(terms, (list, tuple)) else [terms]
    if not given:
        raise EmError("invalid_option", f"No object is given: {HINT}.")
    flat = [one for term in given for one in (term if isinstance(term, (list, tuple)) else [term])]
    return [_read_term(f"objects (number {number})", term, options) for number, term in enumerate(flat, 1)]


def _read_term(option: str, term: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that a term describes, with every key of ``OBJECT_SPEC``."""
    if isinstance(term, str):
        term = {"ref": term} if parse_reference(term) is not None else {"name": term}
    if not isinstance(term, Mapping):
        raise create_option_error(option, term, HINT)
    unknown = sorted(str(key) for key in term if key not in OBJECT_SPEC)
    if unknown:
        raise EmError("invalid_option", f"{option} has the unknown key {unknown[0]}: {HINT}.")
    for key, value in term.items():
        if isinstance(value, bool) or not (value is None or isinstance(value, (str, int))):
            raise create_option_error(f"{key} of {option}", value, "give a text")
    has_reference = term.get("ref") not in (None, "")
    defaults = {"root": None if has_reference else options["root"], "type": options["type"]}
    given = {key: str(value) for key, value in term.items() if value not in (None, "")}
    return {**dict.fromkeys(OBJECT_SPEC), **defaults, **given}
