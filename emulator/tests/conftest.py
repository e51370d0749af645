# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: an emulator for all tests, reset for each, and a client that is nothing but http.client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emulator import Emulator

from .wire import Wire


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def em(running: Emulator) -> Iterator[Emulator]:
    running.reset()
    yield running
    running.reset()


@pytest.fixture(params=[12, 13])
def either(em: Emulator, request: pytest.FixtureRequest) -> Emulator:
    """An emulator of each version."""
    em.switches.version = request.param
    return em


@pytest.fixture
def wire(em: Emulator) -> Iterator[Wire]:
    """A client that is not logged on."""
    client = Wire(em)
    yield client
    client.close()


@pytest.fixture
def on(wire: Wire) -> Wire:
    """A client that is logged on as administrator."""
    wire.log_on()
    return wire
