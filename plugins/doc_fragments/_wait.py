# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of every wait."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a wait."""

    DOCUMENTATION = r"""
options:
  wait_timeout:
    description:
      - Maximum time to wait, in seconds of real time. V(0) polls once.
    type: int
    default: 600
  poll_interval:
    description:
      - Longest pause between two polls, in seconds. Polling starts fast and slows down to this, and never pauses long
        enough to lose an idle session.
    type: int
    default: 10
  _progress_file:
    description:
      - Internal. The action plugin of this module uses it to show the progress of a wait, and to end the wait.
    type: str
"""
