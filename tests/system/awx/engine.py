# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one job with ansible-runner: options as JSON on standard input, events and outcome as JSON on standard output.

A process of its own, since ansible-runner forks, and the tests' process has the threads of an emulator.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import ansible_runner

if __name__ == "__main__":
    events: list[dict[str, Any]] = []
    done = ansible_runner.run(**json.load(sys.stdin), event_handler=lambda event: bool(events.append(event)) or True)
    json.dump({"rc": done.rc, "status": done.status, "events": events}, sys.stdout)
