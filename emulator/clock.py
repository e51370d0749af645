# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's one clock: everything that expires or moves on is computed from it, lazily."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """UTC seconds since the epoch; runs `speed` times as fast as real time and can be pushed ahead."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._value = time.time()
        self._since = time.monotonic()

    def now(self) -> float:
        """Return the emulated time in seconds since the epoch."""
        return self._value + (time.monotonic() - self._since) * self._speed

    def advance(self, seconds: float) -> None:
        """Push the clock ahead (or, with a negative number, back)."""
        self._value += seconds

    @property
    def speed(self) -> float:
        """How many emulated seconds pass in a real one; 0 stops the clock."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._value = self.now()
        self._since = time.monotonic()
        self._speed = speed

    def reset(self, speed: float = 1.0) -> None:
        """Return to real time."""
        self._speed = speed
        self._value = time.time()
        self._since = time.monotonic()


def to_datetime(seconds: float) -> datetime:
    """Return an aware UTC datetime for seconds since the epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc)
