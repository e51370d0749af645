# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator of Veeam Backup Enterprise Manager's REST API, to test against without a licence."""

from __future__ import annotations

from .document import Link
from .emulator import Emulator
from .faults import Fault
from .requestlog import LogEntry
from .sessions import LogonSession
from .switches import Switches
from .users import User

__all__ = ["Emulator", "Fault", "Link", "LogEntry", "LogonSession", "Switches", "User"]
