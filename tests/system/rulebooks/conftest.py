# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the event source's tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.events import checkpoint, finished_sessions
from emulator import Emulator, Switches

from .watch import SourceHarness

HANG_SECONDS = 900  # more than any wait of a test


class HangError(BaseException):
    """Not an Exception, so that nothing can take it for a network error."""


@pytest.fixture(autouse=True)
def _never_hang() -> Iterator[None]:
    def end(_number: int, _frame: object) -> None:
        raise HangError(f"still running after {HANG_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANG_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOSTNAME", "PORT", "USERNAME", "PASSWORD", "CA_PATH", "RETRIES", "TIMEOUT", "API_VERSION", "RESPONSE_FORMAT"):
        monkeypatch.delenv(f"VBEM_{name}", raising=False)


@pytest.fixture(params=[12, 13], ids=["v12", "v13"])
def version(request: pytest.FixtureRequest) -> int:
    """Return each server version in turn; asking for this fixture is enough."""
    return int(request.param)


@pytest.fixture
def em(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose clock stands still unless it is pushed."""
    chosen = request.getfixturevalue("version") if "version" in request.fixturenames else 13
    with Emulator(Switches(version=chosen), speed=0, directory=tmp_path / "emulator") as emulator:
        yield emulator
        assert emulator.standing_session_alive, "somebody else's session was logged off"


@pytest.fixture
def harness(em: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceHarness:
    """Return what starts the source; its own clock is the emulator's, unless a test sets it."""
    made = SourceHarness(em, tmp_path, monkeypatch)
    for module in (finished_sessions, checkpoint):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: em.clock.now() + made.ahead))
    return made
