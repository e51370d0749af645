# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkpoint of an event source: which job sessions it has emitted, and the file that keeps it.

The file is a JSON document. Lines after it, each a pair of an id and an end time, are sessions that were emitted since it was
written: to add one costs the same however many there are.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import EmError, create_option_error
from ..protocol.dates import to_timestamp
from ..protocol.links import find_guid

RETENTION_SECONDS = 86400  # for which ids are kept beyond the overlap, should the server's clock be put back
MIN_TIME, MAX_TIME = -62e9, 253e9  # what a date can be, in seconds since the epoch: the years 5 to 9987
MAX_BYTES = 100_000_000  # of a checkpoint's file; a million ids take less


def get_id(session: Mapping[str, Any]) -> str:
    """Return the id by which a job session is remembered: its GUID or, without one, its UID or address."""
    return find_guid(session["uid"] or "") or str(session["uid"] or session["href"])


class Checkpoint:
    """What was emitted. Times are in seconds since the epoch, by the server's clock.

    ``high_watermark`` is the server's time at the last complete poll; sessions that ended before ``low_watermark`` are not
    emitted. ``emitted`` holds the end times, by id, of the sessions that are not to be emitted again; ``pending`` the UIDs, by
    id, of those that were not finished, and how many polls each of them was stopped without a result.
    """

    def __init__(self, low_watermark: float, high_watermark: float) -> None:
        self.low_watermark = low_watermark
        self.high_watermark = high_watermark
        self.emitted: dict[str, float] = {}
        self.pending: dict[str, tuple[str, int]] = {}

    def add(self, session: Mapping[str, Any]) -> None:
        """Remember that a session was emitted, or need not be."""
        self.emitted[get_id(session)] = to_timestamp(session["end_time"]) or self.high_watermark

    def advance(self, now: float, pending: Mapping[str, tuple[str, int]], lookback: int) -> None:
        """Remember that the result of a poll was handled completely."""
        self.high_watermark = now
        self.pending = dict(pending)
        self.low_watermark = max(self.low_watermark, now - lookback - RETENTION_SECONDS)
        self.emitted = {key: end for key, end in self.emitted.items() if end >= self.low_watermark}

    def dump(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "low_watermark": self.low_watermark,
            "high_watermark": self.high_watermark,
            "emitted": self.emitted,
            "pending": self.pending,
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint from plain data. Raise ValueError, TypeError, KeyError or AttributeError for anything else."""
        checkpoint = cls(_check_time(data["low_watermark"]), _check_time(data["high_watermark"]))
        checkpoint.emitted = {key: _check_time(end) for key, end in data["emitted"].items()}
        checkpoint.pending = {key: (_check_uid(uid), _check_polls(polls)) for key, (uid, polls) in data["pending"].items()}
        return checkpoint


def _check_time(value: Any) -> float:
    """Return a time. Raise ValueError for what no date can be: ``json`` reads NaN, and numbers of any size."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and MIN_TIME <= value <= MAX_TIME:
        return float(value)
    raise ValueError("no time")


def _check_uid(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("no UID")


def _check_polls(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError("no number of polls")


def read_checkpoint(path: Path, address: str) -> Checkpoint | None:
    """Return the checkpoint in a file; None where there is no file yet. Raise ``invalid_option`` for an unusable file."""
    target = _resolve(path)
    try:
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise _refuse(path, "its folder does not exist or is not writable; create it, or give another path")
        status = target.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _refuse(path, "it is not a regular file; give another path")
        if status.st_size > MAX_BYTES:
            raise ValueError("too large")
        document, *lines = target.read_text(encoding="utf-8").split("\n")
        data = json.loads(document)
        checkpoint = Checkpoint.load(data["checkpoint"])
        for line in lines[:-1]:  # what follows the last line break was not written to its end
            key, end = json.loads(line)
            checkpoint.emitted[str(key)] = _check_time(end)
        owner = str(data["enterprise_manager"])
    except FileNotFoundError:
        return None
    except OSError as err:
        raise _refuse(path, f"{err.strerror}; give a readable file") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _refuse(path, "it is not a checkpoint of this source; give another file, or remove it to start afresh") from None
    if owner != address:
        raise _refuse(path, f"it belongs to {owner}, not to {address}; give each source a file of its own")
    if max(checkpoint.low_watermark, checkpoint.high_watermark) > time.time() + RETENTION_SECONDS:
        hint = "its times lie in the future, so what finishes before them would be missed; correct the clock of this machine"
        raise _refuse(path, f"{hint}, or remove the file to start afresh")
    return checkpoint


def _resolve(path: Path) -> Path:
    """Return the path that a symbolic link leads to, whether there is a file or not."""
    return Path(os.path.realpath(path))  # Path.resolve() raises RuntimeError for links in a circle


def _refuse(path: Path, hint: str) -> EmError:
    return create_option_error("state_file", str(path), hint)


def write_checkpoint(path: Path, address: str, checkpoint: Checkpoint) -> None:
    """Replace the file atomically, readable by its owner only. A symbolic link stays. Raise OSError where that fails."""
    target = _resolve(path)
    text = json.dumps({"enterprise_manager": address, "checkpoint": checkpoint.dump()}) + "\n"
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def append_emitted(path: Path, session_id: str, end: float) -> None:
    """Add a session to the file that `write_checkpoint` wrote, and nothing else since. Raise OSError where that fails.

    After a failure the file has to be written anew, since a part of the line may be in it.
    """
    with os.fdopen(os.open(_resolve(path), os.O_WRONLY | os.O_APPEND), "w", encoding="utf-8") as file:
        file.write(json.dumps([session_id, end]) + "\n")
        file.flush()
        os.fsync(file.fileno())
