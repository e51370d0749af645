# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clock and poll schedule of every wait. Time comes in as parameters, so that no test sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ._options import IDLE_SECONDS

FIRST_PAUSE = 0.25  # seconds; a task of a second or two should not cost a poll_interval
GROWTH = 1.5
LONGEST_PAUSE = IDLE_SECONDS / 3  # a pause must never be what loses the session


def iter_pauses(longest: float, *, first: float = FIRST_PAUSE, spread: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield pauses in seconds: a short one first, each half as long again, up to ``longest``, a tenth shorter by chance.

    The chance keeps many waiting plays from polling in step.
    """
    longest = min(longest, LONGEST_PAUSE)
    pause = min(first, longest)
    while True:
        yield pause * (1 - 0.1 * spread())
        pause = min(pause * GROWTH, longest)
