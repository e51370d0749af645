# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers: a file may import only from those below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.vbem.rest.plugins.module_utils import _em

FOLDER = Path(next(iter(_em.__path__)))
# From the leaves up; a file may import from any line above its own.
LAYERS = [
    {"_errors", "_seal", "_dates", "_watch", "_query_types"},
    {"_deps", "_options", "_filter"},
    {"_transport_errors"},
    {"_wait", "_codec", "_http", "_arguments"},
    {"_status"},
    {"_session"},
    {"_client"},
    {"_polling", "_resources", "_crew"},
    {"_tasks", "_runs", "_run_memory"},
    {"_task_removal", "_task_wait", "_jobs", "_queries", "_ended_runs"},
    {"_job_actions"},
    {"_runner"},
]
ONLY_USERS = {"requests": {"_http"}, "xmltodict": {"_codec"}, "ansible": {"_runner"}}


def list_imports(path: Path) -> set[str]:
    """Give the names a file imports: files of the package as _name, all else by its first part."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_library":
            names.add(ast.literal_eval(node.args[0]))
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.glob("_*.py")), ids=lambda path: path.stem)
def test_imports_point_down(path: Path) -> None:
    if path.stem == "__init__":
        assert path.read_text(encoding="utf-8") == ""
        return
    level = next(number for number, layer in enumerate(LAYERS) if path.stem in layer)
    below = set().union(*LAYERS[:level])
    imports = list_imports(path)
    assert {name for name in imports if name.startswith("_") and name != "__future__"} <= below
    for library, users in ONLY_USERS.items():
        assert library not in imports or path.stem in users
