# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How scenarios say times and sizes, and where it is that something in one is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import FilterError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


class ScenarioError(ValueError):
    """What is wrong with a scenario, and where."""


@contextmanager
def at(place: str, name: str = "") -> Iterator[None]:
    """Say where it is that something is wrong; places within places are put together."""
    try:
        yield
    except (AttributeError, FilterError, KeyError, TypeError, ValueError, OverflowError) as error:
        text = error.args[0] if error.args and isinstance(error.args[0], str) else repr(error)
        if isinstance(error, _PlacedError):
            place, text = f"{place}.{error.place}", error.text
        if name:
            raise ScenarioError(f"{name}: {place}: {text}") from None
        raise _PlacedError(place, text) from None


class _PlacedError(ValueError):
    """What is wrong, and the place that is known so far."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.place, self.text = place, text


def read_seconds(text: float | str) -> float:
    """Read seconds: a number, or text such as 90m, 26h or 2d."""
    return _read(text, "smhd")


def read_size(text: float | str) -> int:
    """Read bytes: a number, or text such as 500 GiB or 2 TiB."""
    return int(_read(text, ("MiB", "GiB", "TiB")))


def _read(text: float | str, units: str | tuple[str, ...]) -> float:
    if isinstance(text, (int, float)):
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text)
    if match is None or match[2] not in units:
        raise ValueError(f"{text!r} cannot be read: write a number, or one with {', '.join(units)}, such as 2 {units[-1]}")
    return float(match[1]) * _UNITS[match[2]]
