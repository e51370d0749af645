# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes of the modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that modules share, and what reading modules add."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/vbem.rest.em) in C(module_defaults) to set options for all modules of this collection at once.
    support: full
    membership:
      - vbem.rest.em
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  platform:
    description: Target OS/families that can be operated against.
    platforms: posix
    support: full
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
"""
