# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the examples: YAML blocks of Markdown and reStructuredText, and EXAMPLES of modules and lookups.

A line before a block that readers do not see says what is special about it::

    <!-- example: unreached="Apply the change" -->
    .. example: session=expired

- ``unreached="NAME"``: this task of the block is meant not to be reached; may be given several times
- ``session=expired``: the session that the block is given has ended before it begins
- ``session=empty``: the session has no tasks
- ``show=only``: the block is there to be read, as the way it was done before; it has to be YAML, and is not run
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from support.places import ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
LOOKUPS = sorted((ROOT / "plugins" / "lookup").glob("*.py"))
GUIDES = [
    ROOT / "README.md",
    *sorted((ROOT / "roles").glob("*/README.md")),
    *sorted((ROOT / "docs" / "docsite" / "rst").glob("guide_*.rst")),
]

_MARK = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')


class Example(NamedTuple):
    """A block of YAML, and where it stands."""

    path: Path
    line: int
    text: str
    marks: dict[str, list[str]]

    @property
    def data(self) -> Any:
        """Return what the YAML says."""
        return yaml.safe_load(self.text)

    @property
    def is_playbook(self) -> bool:
        """Return whether it is a playbook."""
        data = self.data
        return isinstance(data, list) and all("hosts" in play or "ansible.builtin.import_playbook" in play for play in data)

    @property
    def is_tasks(self) -> bool:
        """Return whether it is a list of tasks."""
        data = self.data
        return isinstance(data, list) and bool(data) and all(isinstance(task, dict) for task in data) and not self.is_playbook

    @property
    def needs_environment(self) -> bool:
        """Return whether it takes the connection from the environment: playbooks do, and the roles' own examples."""
        return self.is_playbook or "roles" in self.path.relative_to(ROOT).parts

    @property
    def where(self) -> str:
        """Name the place."""
        return f"{self.path.relative_to(ROOT)} line {self.line}"

    @property
    def name(self) -> str:
        """Return a name for files and hosts, which no other example has."""
        return f"{self.path.parent.name if self.path.stem == 'README' else self.path.stem}-{self.line}"

    def list_tasks(self) -> list[str]:
        """Return the names of all tasks that are meant to be reached, those within blocks included."""
        names: list[str] = []
        for item in self.data:
            if not self.is_playbook:
                names += _list_names([item])
            for part in ("pre_tasks", "tasks", "post_tasks"):
                names += _list_names(item.get(part) or [])
        return [name for name in names if name not in self.marks.get("unreached", [])]


def _list_names(tasks: list[dict[str, Any]]) -> list[str]:
    names: list[str] = []
    for task in tasks:
        if "block" in task:
            for part in ("block", "rescue", "always"):
                names += _list_names(task.get(part, []))
        elif not any(key.startswith(("ansible.builtin.include_", "ansible.builtin.import_")) for key in task):
            names.append(task["name"])
    return names


def read_examples(path: Path) -> list[Example]:
    """Find the examples of a document, a module or a lookup, in order."""
    if path.suffix == ".py":
        text = read_documentation(path, "EXAMPLES")
        return [Example(path, 1, text, {})]
    lines = path.read_text(encoding="utf-8").splitlines()
    find = _iter_markdown if path.suffix == ".md" else _iter_rst
    return [Example(path, start + 1, text, _read_marks(lines[:start])) for start, text in find(lines)]


def read_documentation(path: Path, name: str) -> str:
    """Return a documentation block of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == name for target in node.targets):
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{path.name} has no {name}")


def _iter_markdown(lines: list[str]) -> Iterator[tuple[int, str]]:
    start: int | None = None
    for number, line in enumerate(lines):
        if start is None and line.strip().lower() in ("```yaml", "```yml"):
            start = number
        elif start is not None and line.strip() == "```":
            yield start, "\n".join(lines[start + 1 : number]) + "\n"
            start = None


def _iter_rst(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines):
        if not re.match(r"\s*\.\. code-block::\s*ya?ml\s*$", line, re.IGNORECASE):
            continue
        indent = len(line) - len(line.lstrip())
        body: list[str] = []
        for following in lines[number + 1 :]:
            if following.strip() and len(following) - len(following.lstrip()) <= indent:
                break
            if not body and (not following.strip() or re.match(r"\s*:\w+:", following)):
                continue
            body.append(following)
        depth = min(len(part) - len(part.lstrip()) for part in body if part.strip())
        yield number, "\n".join(part[depth:] for part in body).rstrip() + "\n"


def _read_marks(before: list[str]) -> dict[str, list[str]]:
    line = next((line for line in reversed(before) if line.strip()), "")
    match = re.match(r"\s*(?:<!-- example: (?P<md>.*) -->|\.\. example: (?P<rst>.*))$", line)
    marks: dict[str, list[str]] = {}
    for name, quoted, bare in _MARK.findall((match["md"] or match["rst"]) if match else ""):
        marks.setdefault(name, []).append(quoted or bare)
    return marks
