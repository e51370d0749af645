# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the wire tests."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator, Switches

from . import sampling
from .bench import Bench
from .scripted import Script, ScriptedServer

HANG_SECONDS = 30


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run a sample of the cases of this folder, all of them with ``VBEM_EVERY_CASE=1``, and what is named by itself."""
    if sampling.IS_ALL or any("::" in argument for argument in config.args):
        return
    mine = [item for item in items if Path(__file__).parent in item.path.parents]
    left_out = set(mine) - sampling.choose(mine)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[item for item in mine if item in left_out])


class HangError(BaseException):
    """No ordinary exception, so that nothing in the client can take it for a fault of the network."""


@pytest.fixture(autouse=True)
def _never_hang() -> Iterator[None]:
    """End a test in which the client goes on for ever."""

    def end(_number: int, _frame: object) -> None:
        raise HangError(f"still running after {HANG_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANG_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=[12, 13], ids=["v12", "v13"])
def version(request: pytest.FixtureRequest) -> int:
    """Give each server version in turn; asking for this fixture is enough to make ``em`` that version."""
    return int(request.param)


@pytest.fixture(params=["xml", "json"])
def form(request: pytest.FixtureRequest) -> str:
    """Give each format in turn; asking for this fixture is enough to make ``bench`` ask for it."""
    return str(request.param)


@pytest.fixture
def em(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    """Give a new emulator whose clock stands still unless it is pushed."""
    chosen = request.getfixturevalue("version") if "version" in request.fixturenames else 13
    with Emulator(Switches(version=chosen), speed=0, directory=tmp_path / "emulator") as emulator:
        yield emulator
        assert emulator.standing_session_alive, "somebody else's session was logged off"
        assert not [entry for entry in emulator.log if entry.header("Cookie")], "a cookie was sent"


@pytest.fixture
def bench(request: pytest.FixtureRequest, em: Emulator) -> Iterator[Bench]:
    """Give a bench for the emulator."""
    made = Bench(em, request.getfixturevalue("form") if "form" in request.fixturenames else "auto")
    yield made
    made.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Give a maker of servers that say what they are told."""
    with ExitStack() as stack:

        def start(script: Script, **settings: Any) -> ScriptedServer:
            server = ScriptedServer(script, **settings)
            stack.callback(server.stop)
            return server

        yield start
