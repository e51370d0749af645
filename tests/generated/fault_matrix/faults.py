# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults of the matrix: what goes wrong with a request, and for how many requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Of the vendor's reference and the wire facts, and of proxies between client and server.
STATUSES = (400, 401, 403, 404, 405, 406, 409, 411, 413, 414, 415, 429, 500, 501, 502, 503, 504)
BODIES = ("xml", "json", "html", "text", "empty")
TRANSIENT = (429, 502, 503, 504)
SLOW = 0.06  # real seconds that a slow answer takes; the client waits less
ATTEMPTS = 2  # of a read, with one retry

# How many requests are hit: one; each attempt of one; one and all that follow.
MODES = {"once": 1, "attempts": ATTEMPTS, "on": None}


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request. ``name`` is its part of a case's name, ``spec`` the emulator's settings."""

    name: str
    spec: tuple[tuple[str, Any], ...]
    is_transient: bool = False  # the client may retry
    is_lasting: bool = False  # it is also injected into all requests that follow
    for_writes: bool = False  # the request is carried out nevertheless, which makes no difference for a read

    @property
    def effect(self) -> str:
        return str(dict(self.spec)["effect"])

    @property
    def is_after(self) -> bool:
        """Return whether the request is carried out, and only its answer is hit."""
        return dict(self.spec).get("when") == "after"


@dataclass(frozen=True)
class InjectedFault:
    """A fault at one request of a run, by the request's number."""

    fault: Fault
    index: int
    mode: str

    @property
    def name(self) -> str:
        return f"{self.index}/{self.fault.name}/{self.mode}"

    def settings(self, location: str) -> dict[str, Any]:
        """Return the emulator's settings."""
        settings = {**dict(self.fault.spec), "skip": self.index, "times": MODES[self.mode]}
        if self.fault.effect == "redirect":
            settings["location"] = location
        return settings

    def is_slow_at(self, number: int) -> bool:
        """Return whether the request of this number, retries included, is to time out."""
        times = MODES[self.mode]
        return self.fault.effect == "slow" and self.index <= number and (times is None or number < self.index + times)


def _fault(
    name: str, effect: str, *, transient: bool = False, lasting: bool = False, writes: bool = False, **spec: Any
) -> Fault:
    return Fault(name, (("effect", effect), *spec.items()), transient, lasting, writes)


def _status(status: int, body: str, *, when: str = "before", lasting: bool = False) -> Fault:
    after = when == "after"
    name = f"{status}-{body}" + ("-after" if after else "")
    return _fault(
        name, "status", transient=status in TRANSIENT, lasting=lasting, writes=after, status=status, body=body, when=when
    )


def iter_faults(turn: int, *, thorough: bool) -> Iterator[Fault]:
    """Yield every fault. Each status has one body, another one for each ``turn``; if thorough, every body."""
    for number, status in enumerate(STATUSES):
        turned = BODIES[(number + turn) % len(BODIES)]
        for body in BODIES if thorough else (turned,):
            is_first = body == turned
            yield _status(status, body, lasting=is_first and status in (401, 404, 500, 503))
        if status in (401, 404, 500, 502, 503, 504):
            yield _status(status, turned, when="after")
    yield _fault("503-retry-after", "status", transient=True, status=503, retry_after=2, body="empty")
    yield _fault("blank", "status", status=200, body="empty")
    yield _fault("blank-after", "status", writes=True, status=200, body="empty", when="after")
    for effect in ("reset", "close"):
        yield _fault(effect, effect, transient=True, lasting=effect == "reset")
        yield _fault(f"{effect}-after", effect, transient=True, writes=True, when="after")
    yield _fault("slow", "slow", transient=True, lasting=thorough, delay=SLOW)
    yield _fault("slow-after", "slow", transient=True, writes=True, delay=SLOW, when="after")
    yield _fault("cut", "cut", transient=True, lasting=True, when="after")
    yield _fault("cut-head", "cut", transient=True, keep=0, when="after")
    yield _fault("cut-foreign", "cut", transient=True)
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


def iter_injected_faults(requests: list[str], *, thorough: bool) -> Iterator[InjectedFault]:
    """Yield every fault at every request; ``requests`` are the methods of the requests of a run without a fault."""
    for index, method in enumerate(requests):
        for fault in iter_faults(index, thorough=thorough):
            if fault.for_writes and method == "GET":
                continue
            yield InjectedFault(fault, index, "once")
            if fault.is_transient and not fault.for_writes and method == "GET":
                yield InjectedFault(fault, index, "attempts")
            if fault.is_lasting:
                yield InjectedFault(fault, index, "on")
