# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets every test import the packages of this folder, and the emulator; knows the two tiers of tests."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest

for folder in (Path(__file__).resolve().parent, Path(__file__).resolve().parents[1]):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "thorough: takes long, and runs with `make thorough` only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not of this tier."""
    from support.tiers import deselect_thorough

    deselect_thorough(config, items)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at all that was imported and collected again and again."""
    gc.collect()
    gc.freeze()
