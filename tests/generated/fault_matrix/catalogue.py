# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of the matrix: what goes wrong, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Those that the vendor's reference and the wire facts name, and those that stand between a client and a server.
STATUSES = (400, 401, 403, 404, 405, 406, 409, 411, 413, 414, 415, 429, 500, 501, 502, 503, 504)
BODIES = ("xml", "json", "html", "text", "empty")
PASSING = (429, 502, 503, 504)
SLOW = 0.06  # real seconds that an answer takes for which nobody waits as long
RETRIES_AND_ALL = 2  # tries of a read, with one retry

# How many requests are befallen: one; each try of one; one and all that follow.
MODES = {"once": 1, "tries": RETRIES_AND_ALL, "on": None}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request. ``name`` is its part of a case's name, ``spec`` what the emulator is told."""

    name: str
    spec: tuple[tuple[str, Any], ...]
    is_passing: bool = False  # the client may try again
    is_lasting: bool = False  # worth a try with all requests from there on
    for_writes: bool = False  # that the request was carried out all the same makes no difference for a read

    @property
    def effect(self) -> str:
        return str(dict(self.spec)["effect"])

    @property
    def is_after(self) -> bool:
        """Whether the request is carried out, and only its answer suffers."""
        return dict(self.spec).get("when") == "after"


@dataclass(frozen=True)
class Doom:
    """A fault at a request of a healthy run."""

    fault: Fault
    index: int
    mode: str

    @property
    def name(self) -> str:
        return f"{self.index}/{self.fault.name}/{self.mode}"

    def settings(self, location: str) -> dict[str, Any]:
        """Give the emulator's settings."""
        settings = {**dict(self.fault.spec), "skip": self.index, "times": MODES[self.mode]}
        if self.fault.effect == "redirect":
            settings["location"] = location
        return settings

    def is_slow_at(self, number: int) -> bool:
        """Ask whether the request of this number, retries counted, is to time out."""
        times = MODES[self.mode]
        return self.fault.effect == "slow" and self.index <= number and (times is None or number < self.index + times)


def _fault(name: str, effect: str, *, passing: bool = False, lasting: bool = False, writes: bool = False, **spec: Any) -> Fault:
    return Fault(name, (("effect", effect), *spec.items()), passing, lasting, writes)


def _status(status: int, body: str, *, when: str = "before", lasting: bool = False) -> Fault:
    after = when == "after"
    name = f"{status}-{body}" + ("-after" if after else "")
    return _fault(name, "status", passing=status in PASSING, lasting=lasting, writes=after, status=status, body=body, when=when)


def iter_faults(turn: int, *, thorough: bool) -> Iterator[Fault]:
    """Yield every fault. Each status comes with one body, another one at each ``turn``; if thorough, with every body."""
    for number, status in enumerate(STATUSES):
        turned = BODIES[(number + turn) % len(BODIES)]
        for body in BODIES if thorough else (turned,):
            is_first = body == turned
            yield _status(status, body, lasting=is_first and status in (401, 404, 500, 503))
        if status in (401, 404, 500, 502, 503, 504):
            yield _status(status, turned, when="after")
    yield _fault("503-retry-after", "status", passing=True, status=503, retry_after=2, body="empty")
    yield _fault("blank", "status", status=200, body="empty")
    yield _fault("blank-after", "status", writes=True, status=200, body="empty", when="after")
    for effect in ("reset", "close"):
        yield _fault(effect, effect, passing=True, lasting=effect == "reset")
        yield _fault(f"{effect}-after", effect, passing=True, writes=True, when="after")
    yield _fault("slow", "slow", passing=True, lasting=thorough, delay=SLOW)
    yield _fault("slow-after", "slow", passing=True, writes=True, delay=SLOW, when="after")
    yield _fault("cut", "cut", passing=True, lasting=True, when="after")
    yield _fault("cut-head", "cut", passing=True, keep=0, when="after")
    yield _fault("cut-foreign", "cut", passing=True)
    for effect in ("html", "bad_json", "bad_xml", "garbage"):
        yield _fault(effect, effect, lasting=effect in ("html", "garbage"))
        yield _fault(f"{effect}-after", effect, writes=True, when="after")
    for status in (301, 302, 307, 308) if thorough else (302,):
        yield _fault(f"redirect-{status}", "redirect", lasting=status == 302, status=status)
    yield _fault("redirect-after", "redirect", writes=True, status=307, when="after")
    for when in ("before", "after"):
        yield _fault(f"expire-{when}", "expire", when=when)
        yield _fault(f"ahead-{when}", "clock", seconds=3600.0, when=when)
        yield _fault(f"back-{when}", "clock", seconds=-3600.0, when=when)
    yield _fault("ahead-a-little", "clock", seconds=300.0)
    yield _fault("drop_token", "drop_token")


def iter_dooms(requests: list[str], *, thorough: bool) -> Iterator[Doom]:
    """Yield every fault at every request; ``requests`` are the methods of a healthy run's requests."""
    for index, method in enumerate(requests):
        for fault in iter_faults(index, thorough=thorough):
            if fault.for_writes and method == "GET":
                continue
            yield Doom(fault, index, "once")
            if fault.is_passing and not fault.for_writes and method == "GET":
                yield Doom(fault, index, "tries")
            if fault.is_lasting:
                yield Doom(fault, index, "on")
