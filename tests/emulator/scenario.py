# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: a YAML file says what world the emulator begins with, and returns to at every reset."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .users import User

if TYPE_CHECKING:
    from .backend import Backend

SCHEMA = Path(__file__).with_name("scenario.schema.json")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


class ScenarioError(ValueError):
    """What is wrong with a scenario, and where."""


class Scenario:
    """A scenario that was read and checked."""

    def __init__(self, content: Mapping[str, Any], name: str = "scenario") -> None:
        self._name = name
        schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        wrong = best_match(Draft202012Validator(schema).iter_errors(content))
        if wrong is not None:
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in wrong.absolute_path)
            raise ScenarioError(f"{name}: {where.lstrip('.') or 'the whole'}: {wrong.message}")
        self._content = dict(content)

    @classmethod
    def load(cls, path: Path | str) -> Scenario:
        """Read a scenario from a file."""
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ScenarioError(f"{path}: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ScenarioError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
        return cls(content if content is not None else {}, str(path))

    @property
    def switches(self) -> dict[str, Any]:
        """The switches it sets, the version among them."""
        version = {"version": self._content["version"]} if "version" in self._content else {}
        return {**version, **self._content.get("switches", {})}

    @property
    def users(self) -> dict[str, User]:
        """The accounts it adds or replaces, by key."""
        return {
            key: User(user["username"], user["password"], user.get("role", "Portal Administrator"))
            for key, user in self._content.get("users", {}).items()
        }

    @property
    def is_empty(self) -> bool:
        """Whether it begins without the world that every emulator has."""
        return self._content.get("begin") == "empty"

    def apply(self, backend: Backend) -> None:
        """Put everything it names into the world."""
        try:
            self._apply(backend)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            text = error.args[0] if error.args and isinstance(error.args[0], str) else repr(error)
            raise ScenarioError(f"{self._name}: {text}") from None

    def _apply(self, backend: Backend) -> None:
        world, now = backend.world, backend.clock.now()
        for server in self._content.get("servers", ()):
            world.add_server(**server)
        if not world.servers:
            world.add_server("vbr01.vbem.test")
        for repository in self._content.get("repositories", ()):
            capacity, free = read_size(repository["capacity"]), read_size(repository["free"])
            more = {"kind": repository["kind"]} if "kind" in repository else {}
            world.add_repository(repository["name"], repository.get("server"), capacity, free, **more)
        for given in self._content.get("jobs", ()):
            settings = dict(given)
            runs = settings.pop("runs", ())
            if "duration" in settings:
                settings["duration"] = read_seconds(settings["duration"])
            job = world.add_job(settings.pop("name"), **settings)
            for run in sorted(runs, key=lambda run: -read_seconds(run["ago"])):
                length = read_seconds(run.get("lasted", 600))
                world.add_run(job, now - read_seconds(run["ago"]), length, run["outcome"])
        for change in self._content.get("change_jobs", ()):
            backend.change_job(dict(change))
        for rows in self._content.get("rows", ()):
            for row in rows["rows"]:
                world.add_row(rows["type"], row["Name"], values={key: value for key, value in row.items() if key != "Name"})
        for fault in self._content.get("faults", ()):
            backend.add_fault(**fault)


def read_seconds(text: float | str) -> float:
    """Read seconds: a number, or text such as 90m, 26h or 2d."""
    return _read(text, "smhd")


def read_size(text: float | str) -> int:
    """Read bytes: a number, or text such as 500 GiB or 2 TiB."""
    return int(_read(text, ("MiB", "GiB", "TiB")))


def _read(text: float | str, units: str | tuple[str, ...]) -> float:
    if isinstance(text, (int, float)):
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text)
    if match is None or match[2] not in units:
        raise ValueError(f"{text!r} cannot be read: write a number, or one with {', '.join(units)}, such as 2 {units[-1]}")
    return float(match[1]) * _UNITS[match[2]]
