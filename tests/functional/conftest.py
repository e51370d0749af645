# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the functional tests."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.tiers import IS_THOROUGH

from emulator import Emulator, Switches

from .harness import Harness
from .sampling import choose
from .scripted_server import Script, ScriptedServer

HANG_SECONDS = 120


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run a sample of the cases of this folder, unless all are run or one is named by its id."""
    if IS_THOROUGH or any("::" in argument for argument in config.args):
        return
    mine = [item for item in items if Path(__file__).parent in item.path.parents and not item.get_closest_marker("thorough")]
    left_out = set(mine) - choose(mine)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[item for item in mine if item in left_out])


class HangError(BaseException):
    """Not an Exception, so that the client cannot take it for a network error."""


@pytest.fixture(autouse=True)
def _never_hang() -> Iterator[None]:
    """Fail a test in which the client never stops."""

    def end(_number: int, _frame: object) -> None:
        raise HangError(f"still running after {HANG_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANG_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=[12, 13], ids=["v12", "v13"])
def version(request: pytest.FixtureRequest) -> int:
    """Return each version of the server in turn; with this fixture, ``em`` has that version."""
    return int(request.param)


@pytest.fixture(params=["xml", "json"])
def response_format(request: pytest.FixtureRequest) -> str:
    """Return each format in turn; with this fixture, ``harness`` requests that format."""
    return str(request.param)


@pytest.fixture(scope="session")
def emulator_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of all emulators of a process, whose authority is the same."""
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture
def em(request: pytest.FixtureRequest, emulator_directory: Path) -> Iterator[Emulator]:
    """Start an emulator whose clock moves only when it is advanced."""
    chosen = request.getfixturevalue("version") if "version" in request.fixturenames else 13
    with Emulator(Switches(version=chosen), speed=0, directory=emulator_directory) as emulator:
        yield emulator
        assert emulator.standing_session_alive, "somebody else's session was logged off"
        assert not [entry for entry in emulator.log if entry.header("Cookie")], "a cookie was sent"


@pytest.fixture
def harness(request: pytest.FixtureRequest, em: Emulator) -> Iterator[Harness]:
    """Return a harness for the emulator."""
    made = Harness(em, request.getfixturevalue("response_format") if "response_format" in request.fixturenames else "auto")
    yield made
    made.close()


@pytest.fixture
def start_scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Return a function that starts servers which answer as a script says."""
    with ExitStack() as stack:

        def start(script: Script, **settings: Any) -> ScriptedServer:
            server = ScriptedServer(script, **settings)
            stack.callback(server.stop)
            return server

        yield start
