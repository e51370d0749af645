# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The layers: a folder of ``_em`` imports only from those below it, and each library has one user."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.vbem.rest.plugins.module_utils import _em

TOP = Path(next(iter(_em.__path__)))
# From the lowest up. Files outside of folders are the lowest of all, and import each other.
FOLDERS = ["", "protocol", "client", "resources", "events", "runtime"]
ONLY_USERS = {
    "requests": {"client/transport.py"},
    "xmltodict": {"protocol/codec.py"},
    "ansible": {"runtime/module.py", "runtime/argument_spec.py"},
}
FILES = sorted(path.relative_to(TOP) for path in TOP.rglob("*.py"))


def list_imports(path: Path) -> tuple[set[str], set[str]]:
    """Return the folders of ``_em`` and the foreign packages that a file imports from."""
    here = path.parts[:-1]
    folders: set[str] = set()
    packages: set[str] = set()
    for node in ast.walk(ast.parse((TOP / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = (*here[: len(here) - node.level + 1], *(node.module or "").split("."))
            folders.add(place[0] if len(place) > 1 else "")
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            packages |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load_library":
            packages.add(ast.literal_eval(node.args[0]))
    return folders, packages


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_folder_imports_only_from_those_below_it(path: Path) -> None:
    if path.name == "__init__.py":
        assert (TOP / path).read_text(encoding="utf-8") == ""
        return
    own = path.parts[0] if len(path.parts) > 1 else ""
    folders, packages = list_imports(path)
    assert folders <= set(FOLDERS[: FOLDERS.index(own) + 1])
    for library, users in ONLY_USERS.items():
        assert library not in packages or path.as_posix() in users
