# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: a YAML file says what world the emulator begins with, and returns to at every reset."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .filters import parse_date
from .scenario_infrastructure import put_machine, put_objects, put_restore_point, put_root, put_tenant
from .scenario_values import ScenarioError, at, read_seconds, read_size
from .switches import Switches
from .users import User

if TYPE_CHECKING:
    from .backend import Backend
    from .catalogue import TypeSpec

SCHEMA = Path(__file__).with_name("scenario.schema.json")


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
        with at("switches", name):
            Switches().update(self.switches)
        names = [user.username.lower() for user in self.users.values()]
        for key, user in self.users.items():
            if names.count(user.username.lower()) > 1:
                raise ScenarioError(f"{name}: users.{key}.username: {user.username!r} is there twice")

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
        for part, put in (
            ("servers", _put_server),
            ("repositories", _put_repository),
            ("jobs", _put_job),
            ("change_jobs", _change_job),
            ("rows", _put_rows),
            ("roots", put_root),
            ("machines", put_machine),
            ("objects", put_objects),
            ("restore_points", put_restore_point),
            ("tenants", put_tenant),
            ("faults", _put_fault),
        ):
            if part != "servers" and not backend.world.servers:
                backend.world.add_server("vbr01.vbem.test")
            for number, given in enumerate(self._content.get(part, ())):
                with at(f"{part}[{number}]", self._name):
                    put(backend, dict(given))


def _put_server(backend: Backend, given: dict[str, Any]) -> None:
    if any(server.name.lower() == given["name"].lower() for server in backend.world.servers):
        raise ValueError(f"there is a backup server {given['name']!r} already")
    backend.world.add_server(**given)


def _put_repository(backend: Backend, given: dict[str, Any]) -> None:
    for size in ("capacity", "free"):
        with at(size):
            given[size] = read_size(given[size])
    if given["free"] > given["capacity"]:
        raise ValueError("more is free than there is: free is larger than capacity")
    backend.world.add_repository(**{"server": None, **given})


def _put_job(backend: Backend, given: dict[str, Any]) -> None:
    runs = []
    for number, run in enumerate(given.pop("runs", ())):
        with at(f"runs[{number}]"):
            runs.append((read_seconds(run["ago"]), read_seconds(run.get("lasted", 600)), run["outcome"]))
    _read_duration(given)
    world, server = backend.world, backend.world.server(given.get("server"))
    if any((job.name, job.server, job.kind) == (given["name"], server, given.get("kind", "job")) for job in world.jobs):
        raise ValueError(f"there is a job {given['name']!r} on {server.name} already; change_jobs changes it")
    job, now = world.add_job(given.pop("name"), **given), backend.clock.now()
    for ago, lasted, outcome in sorted(runs, reverse=True):
        world.add_run(job, now - ago, lasted, outcome)


def _read_duration(given: dict[str, Any]) -> None:
    if "duration" in given:
        with at("duration"):
            given["duration"] = read_seconds(given["duration"])


def _change_job(backend: Backend, given: dict[str, Any]) -> None:
    _read_duration(given)
    backend.change_job(given)


def _put_rows(backend: Backend, given: dict[str, Any]) -> None:
    spec = backend.world.catalogue[given["type"]]
    known = {field.name.lower(): field.name for field in spec.fields.values()}
    known = {"name": "Name"} | {field: known.get(field, wire) for wire, field in spec.body} | known
    for number, row in enumerate(given["rows"]):
        with at(f"rows[{number}]"):
            for field in row:
                if str(field).lower() not in known:
                    raise ValueError(f"{spec.name} has no {field!r}; it has {', '.join(sorted(known.values()))}")
            values = {key: _read_value(spec, key, value) for key, value in row.items() if key != "Name"}
            backend.world.add_row(spec.name, row["Name"], values=values)


def _read_value(spec: TypeSpec, name: str, value: Any) -> Any:
    """Check a field's value, and read dates, which YAML may have read already."""
    field = spec.fields.get(name.lower())
    with at(name):
        if isinstance(value, (list, dict)):
            raise ValueError(f"{value!r} is not one value")
        if field is None or value is None:
            return value
        if field.kind == "date":
            if isinstance(value, datetime):  # without a zone it is UTC, as it is in quotes
                return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)
            return parse_date(str(value))
        wanted = {"int": (int, "a whole number"), "float": (float, "a number"), "bool": (bool, "true or false")}
        kind, words = wanted.get(field.kind, (str, "text"))
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if kind is str or (kind is float and is_whole) or (isinstance(value, kind) and (kind is not int or is_whole)):
            return str(value) if kind is str else value
        raise ValueError(f"{value!r} is not {words}")


def _put_fault(backend: Backend, given: dict[str, Any]) -> None:
    for pattern in ("path", "query"):
        with at(pattern):
            try:
                re.compile(given.get(pattern) or "")
            except re.error as error:
                raise ValueError(f"{given[pattern]!r} is not a regular expression: {error}") from None
    backend.add_fault(**given)
