# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two tiers of tests: ``make test`` leaves what is marked ``thorough`` to ``make thorough``.

This is the only place that knows which tier is run. A test that is named by its id runs in either.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any

import pytest

IS_THOROUGH = bool(os.environ.get("VBEM_EVERY_CASE"))

thorough = pytest.mark.thorough


def sample(cases: Iterable[Any], chosen: Collection[Any]) -> list[Any]:
    """Return cases for ``pytest.mark.parametrize``: all but the chosen ones are marked ``thorough``."""
    given = list(cases)
    assert all(case in given for case in chosen), "a case is chosen that there is not"
    return [
        case if case in chosen else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=thorough)
        for case in given
    ]


def deselect_thorough(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked, unless all is run or it is named."""
    if IS_THOROUGH or any("::" in argument for argument in config.args):
        return
    left_out = {item for item in items if item.get_closest_marker("thorough")}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]
