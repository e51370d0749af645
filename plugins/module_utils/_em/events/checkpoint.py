# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an event source remembers of runs, and the file that it remembers it in."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import EmError, create_option_error
from ..protocol.dates import parse_date
from ..protocol.links import find_guid

HORIZON = 86400  # seconds for which ids are remembered beyond the overlap, should the server's clock be put back


def get_id(run: Mapping[str, Any]) -> str:
    """Give what a run is remembered by."""
    return find_guid(run["uid"] or "") or str(run["uid"] or run["href"])


def read_seconds(date: str | None) -> float | None:
    """Give a date as seconds since the epoch."""
    parsed = parse_date(date) if date else None
    return None if parsed is None else parsed.timestamp()


class Memory:
    """What was told. Times are seconds since the epoch, of the server's clocks; ids are GUIDs.

    ``mark`` is the server's time at the last whole look; what ended before ``floor`` is none of ours; ``told`` holds the ends
    of the runs that need not be told any more; ``owed`` the uids of those that go on, and how often each had no result.
    """

    def __init__(self, floor: float, mark: float) -> None:
        self.floor = floor
        self.mark = mark
        self.told: dict[str, float] = {}
        self.owed: dict[str, tuple[str, int]] = {}

    def add(self, run: Mapping[str, Any]) -> None:
        """Remember that a run was told, or need not be."""
        self.told[get_id(run)] = read_seconds(run["end_time"]) or self.mark

    def advance(self, now: float, owed: Mapping[str, tuple[str, int]], lookback: int) -> None:
        """Remember that a look was dealt with whole."""
        self.mark = now
        self.owed = dict(owed)
        self.floor = max(self.floor, self.mark - lookback - HORIZON)
        self.told = {key: end for key, end in self.told.items() if end >= self.floor}

    def dump(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {"floor": self.floor, "mark": self.mark, "told": self.told, "owed": self.owed}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Memory:
        """Read it from plain data. Raises ValueError, TypeError, KeyError or AttributeError for what it is not."""
        memory = cls(float(data["floor"]), float(data["mark"]))
        memory.told = {str(key): float(end) for key, end in data["told"].items()}
        memory.owed = {str(key): (str(uid), int(looks)) for key, (uid, looks) in data["owed"].items()}
        return memory


def read_state(path: Path, address: str) -> Memory | None:
    """Read what was remembered; None where there is no file yet. One that cannot be used is never begun anew unasked."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        memory = Memory.load(data["memory"])
        owner = str(data["enterprise_manager"])
    except FileNotFoundError:
        if os.access(path.parent, os.W_OK | os.X_OK):
            return None
        raise _refuse(path, "its folder does not exist, or cannot be written to; make it, or give another place") from None
    except OSError as err:
        raise _refuse(path, f"{err.strerror}; give a file that can be read") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _refuse(path, "it is no state of this source; give another file, or remove it to begin anew") from None
    if owner != address:
        raise _refuse(path, f"it is of {owner}, not of {address}; give each source a file of its own")
    return memory


def _refuse(path: Path, cure: str) -> EmError:
    return create_option_error("state_file", str(path), cure)


def write_state(path: Path, address: str, memory: Memory) -> None:
    """Replace the file whole, readable by its owner only. Raises OSError."""
    text = json.dumps({"enterprise_manager": address, "memory": memory.dump()})
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
