# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module ``vbem.rest.veeam_report_info``."""

from __future__ import annotations

from ansible_collections.vbem.rest.plugins.modules import veeam_report_info
from ansible_collections.vbem.rest.plugins.plugin_utils._action import EmAction


class ActionModule(EmAction):
    """Runs the module, within Ansible's process if possible, and hides its secrets."""

    module = veeam_report_info
