# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of sessions, and what each one means for starting, stopping and waiting."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

STOPPED = "Stopped"
IDLE = "Idle"


class Phase(Enum):
    """What a session is doing, as far as it matters for starting, stopping and waiting."""

    RUNNING = "running"
    ENDING = "ending"  # neither running nor stopped: it cannot be stopped again, and is not what a new request started
    WAITING = "waiting"  # open by design, between two synchronisations; not running
    ENDED = "ended"


# States: Veeam reference, get_backupsessions_id. Idle, of backup copy jobs, is from the code of a client (wire facts, 6.4).
# Any other state counts as running.
PHASES = {
    "Starting": Phase.RUNNING,
    "Working": Phase.RUNNING,
    "Pausing": Phase.RUNNING,
    "Resuming": Phase.RUNNING,
    "Stopping": Phase.ENDING,
    IDLE: Phase.WAITING,
    STOPPED: Phase.ENDED,
}


def get_phase(session: Mapping[str, Any], *, offers_sync: bool) -> Phase:
    """Return the phase of a session. Idle means waiting only for a job that offers Sync; any other job runs in it."""
    phase = PHASES.get(session["state"], Phase.RUNNING)
    return Phase.RUNNING if phase is Phase.WAITING and not offers_sync else phase
