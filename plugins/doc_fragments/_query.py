# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of a query, which the module and the lookup share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a query."""

    DOCUMENTATION = r"""
options:
  type:
    description:
      - Type of the resources, such as V(BackupJobSession), V(Repository) or V(VmRestorePoint), case-insensitive.
    type: str
    required: true
  filter:
    description:
      - A filter in Enterprise Manager's own language, over the type's fields.
      - C(;) is AND, C(,) is OR, and C(;) binds tighter; parentheses group. The operators are C(==), C(!=), C(<), C(>), C(<=)
        and C(>=). Values with spaces or punctuation need double quotes; a quote within them is doubled.
    type: str
  where:
    description:
      - Conditions that must all be met, together with O(filter) if that is given too. Values are quoted so that none can change
        the meaning of the query.
    type: list
    elements: dict
    suboptions:
      field:
        description: A field of the type, case-insensitive.
        type: str
        required: true
      operator:
        description:
          - How to compare. States and results are compared by their rank, so that V(Failed) is greater than V(Warning).
        type: str
        choices: ["==", "!=", "<", "<=", ">", ">="]
        default: "=="
      value:
        description:
          - What to compare with. Dates are ISO 8601, in UTC unless they have a time zone.
        type: raw
        required: true
  sort_by:
    description:
      - A field of the type to sort by.
    type: str
  descending:
    description:
      - Whether to sort in descending order.
    type: bool
    default: false
  limit:
    description:
      - Maximum number of resources to return. No more pages are read than that takes.
    type: int
  page_size:
    description:
      - Number of resources to request per page. All pages are read, unless O(limit) needs fewer.
    type: int
    default: 500
  format:
    description:
      - Whether to return the resources with all their properties, or just their names, UIDs and links.
    type: str
    choices: [entities, references]
    default: entities
  allow_unknown:
    description:
      - Whether to accept types, fields and values that this collection does not know, of a newer server.
    type: bool
    default: false
"""
