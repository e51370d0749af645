# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module has a driver."""

from __future__ import annotations

import pytest

from .drivers import HERE, list_drivers, list_modules, load_scenarios


@pytest.mark.parametrize("name", list_modules())
def test_every_module_has_a_driver(name: str) -> None:
    assert name in list_drivers(), (
        f"The module {name} has no driver: add {HERE.name}/{name}.py with its SCENARIOS, so that the fault matrix can run it. The"
        f" docstring of {HERE.name}/__init__.py says how."
    )
    assert any(scenario.group == name for scenario in load_scenarios()), f"{HERE.name}/{name}.py has no SCENARIOS."


def test_every_driver_has_a_module() -> None:
    assert {name for name in list_drivers() if not name.startswith("lookup_")} <= set(list_modules())


def test_names_of_scenarios_are_unique() -> None:
    names = [scenario.name for scenario in load_scenarios()]
    assert len(set(names)) == len(names)
