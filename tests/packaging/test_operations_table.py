# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dev/make_operations.py makes of the emulator's table is up to date, and the page's options are those of operations."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
import yaml
from support.places import ROOT

sys.path.insert(0, str(ROOT / "dev"))

import make_operations as maker

TABLE: dict[str, Any] = json.loads(maker.DATA.read_text(encoding="utf-8"))
OPERATIONS: list[dict[str, Any]] = TABLE["operations"]


def test_the_page_is_up_to_date() -> None:
    assert maker.PAGE.read_text(encoding="utf-8") == maker.print_page(TABLE), "run python dev/make_operations.py"


def test_the_module_is_up_to_date() -> None:
    assert maker.MODULE.read_text(encoding="utf-8") == maker.print_module(TABLE), "run python dev/make_operations.py"


def test_the_page_has_every_operation_once_with_its_roles() -> None:
    rows = re.findall(r"(?m)^   \* - ``(.*)``\n     - ?(.*)\n     - (.*)\n     - (.*)$", maker.PAGE.read_text(encoding="utf-8"))
    assert len(rows) == len(OPERATIONS) == 111
    assert [row[0] for row in rows] == [f"{one['method']} {maker.print_address(one)}" for one in OPERATIONS]
    assert [row[3].split(", ") for row in rows] == [one["roles"] for one in OPERATIONS]
    assert all("veeam_" in how or how.startswith("``{method: ") for _operation, _task, how, _roles in rows)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one['method']} {maker.print_address(one)}")
def test_the_example_is_the_operation(operation: dict[str, Any]) -> None:
    options = yaml.safe_load(maker.print_example(operation))
    assert options["method"] == operation["method"]
    assert re.sub("[A-Z]{2,}", "{}", options["path"]) == re.sub(r"\{\w+\}", "{}", operation["path"])
    assert options.get("query", {}).get("action") == operation["action"]
    assert options.get("reads", False) is operation["reads"]
    members = {one["name"]: one["required"] for one in (operation["body"] or {"members": []})["members"]}
    assert set(options.get("body", {})) <= set(members)
    assert {name for name, required in members.items() if required} <= set(options.get("body", {}))


def test_what_modules_do_are_operations() -> None:
    known = {(one["method"], maker.print_address(one)) for one in OPERATIONS}
    assert not set(maker.DONE_BY) - known
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert {module for module, _option in maker.DONE_BY.values()} <= modules
