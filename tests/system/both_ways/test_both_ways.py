# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module does the same within Ansible's process as in one of its own: each option, each failure, each way to be called.

A play is made of the calls of a module, from its argument specification and its first example. It runs twice, against two servers of
the same kind, and the results of all tasks are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.emulators import FAST_SWITCHES, create_environment_variables, create_variables
from support.places import ROOT
from support.playbooks import LOCAL, run_playbook
from support.tiers import IS_THOROUGH, thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.argument_spec import create_connection_spec
from emulator import Emulator, Switches

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("veeam_*.py"))
QUICK = ["veeam_session", "veeam_task_info"]  # one that returns secrets, and one that only reads: together, for `make test`
WRONG: dict[str, Any] = {
    "int": "many",
    "bool": "perhaps",
    "dict": "text",
    "list": {"a": 1},
    "str": {"a": ["zzzz"]},
    "path": "/nonexistent/\u00fc",
    "raw": [1],
    "float": "half",
}
CONVERTED: dict[str, Any] = {"int": " 7 ", "bool": "no", "list": "a,b", "str": 987654, "path": "~/x", "raw": None}
# What differs between two servers, or between two moments.
MOVING = re.compile(
    r"Valid booleans include: [^.]*|"
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=:)\d{4,5}\b|\b\d{5}\b"
)


def list_calls(module: Any) -> Iterator[dict[str, Any]]:
    """Yield tasks, without their names: what is valid, converted, wrong, missing, unknown, or given in another way.

    Each option has a wrong value, one of each type has the rest. What is the same code for all modules is called for two only: the
    options of the connection, and keywords of the task.
    """
    name = f"vbem.rest.{module.__name__.rpartition('.')[2]}"
    example = read_example(module)
    is_full = name.removeprefix("vbem.rest.") in QUICK
    spec = {**(create_connection_spec() if is_full else {}), **module.SPEC}
    yield {name: example}
    yield {name: example, "check_mode": True, "diff": True}
    yield {name: {}}
    yield {name: {**example, "no_such_option": "secret"}}
    kinds: set[str] = set()
    for option, one in spec.items():
        if option.startswith("_"):
            continue
        kind = one.get("type", "str")
        is_first = kind not in kinds
        kinds.add(kind)
        yield {name: {**example, option: WRONG.get(kind, {"a": 1})}}
        if is_first:
            yield {name: {**example, option: None}}
        if is_first and kind in CONVERTED:
            yield {name: {**example, option: CONVERTED[kind]}, "check_mode": True}
        if one.get("choices"):
            yield {name: {**example, option: "none of these"}}
        for alias in one.get("aliases", ()):
            yield {name: {**{key: value for key, value in example.items() if key != option}, alias: "{{ em_hostname }}"}}
        for member in one.get("options", {}):
            yield {name: {**example, option: {member: {"a": 1}}}}
    without = {key: value for key, value in example.items() if key not in ("session", "hostname", "username", "password")}
    variables = {f"VBEM_{key}": f"{{{{ em_{key.lower()} }}}}" for key in ("HOSTNAME", "PORT", "USERNAME", "CA_PATH")}
    yield {name: without, "environment": {**variables, "VBEM_PASSWORD": "{{ em_password }}"}, "check_mode": True}
    yield {name: example, "loop": [1, 2], "check_mode": True}
    if not is_full:
        return
    yield {name: without, "environment": {**variables, "VBEM_PASSWORD": "wrong"}}
    yield {name: without, "environment": {"VBEM_PORT": "nine"}}
    yield {
        name: without,
        "module_defaults": {name: {"hostname": "127.0.0.1", "port": 1, "username": "u", "password": "Manager"}},
    }
    yield {name: {**without, "hostname": "127.0.0.1", "port": 1, "username": "u", "password": "Manager", "retries": 0}}
    yield {name: without, "until": "false", "retries": 2, "delay": 0}
    yield {name: example, "no_log": True, "check_mode": True}
    yield {name: example, "timeout": 60, "check_mode": True}
    yield {name: example, "delegate_to": "localhost", "run_once": True, "check_mode": True}


def choose_calls(modules: list[Any]) -> list[dict[str, Any]]:
    """Return the calls to make: all of them, or each twelfth, beginning at another one for each module."""
    step = 1 if IS_THOROUGH else 12
    return [call for number, module in enumerate(modules) for call in list(list_calls(module))[3 * number % step :: step]]


def read_example(module: Any) -> dict[str, Any]:
    """Return the options of the module's first example."""
    (first, *_others) = yaml.safe_load(module.EXAMPLES)
    task = first["block"][0] if "block" in first else first
    return dict(task[f"vbem.rest.{module.__name__.rpartition('.')[2]}"])


def write_play(modules: list[Any], path: Path) -> None:
    """Write a play with all the calls, which goes on after each failure."""
    session = {"name": "Log on", "vbem.rest.veeam_session": {"state": "present"}, "register": "em"}
    calls = [{"name": f"call {number}", "ignore_errors": True, **call} for number, call in enumerate(choose_calls(modules))]
    play = {"name": "Call the modules", "hosts": "localhost", "gather_facts": False, "tasks": [session, *calls]}
    path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")


def run_way(modules: list[Any], folder: Path, *, in_process: bool) -> list[dict[str, Any]]:
    """Run the play one way, and return what became of its tasks, without what moves."""
    folder.mkdir()
    write_play(modules, folder / "play.yml")
    with Emulator(directory=folder, switches=Switches(**FAST_SWITCHES), control_port=0) as em:
        run = run_playbook(
            folder / "play.yml",
            "-vvv",
            home=folder,
            environment=create_environment_variables(em),
            variables={**LOCAL, **create_variables(em), "vbem_in_process": in_process},
            collect=True,
        )
    way = "runs within Ansible's process" if in_process else "runs as a module, because vbem_in_process says so"
    other = "runs as a module" if in_process else "runs within Ansible's process"
    assert way in run.output
    assert other not in run.output
    hidden = {str(folder): "FOLDER", em.admin.password: "HIDDEN", str(em.port): "HIDDEN"}
    results: list[dict[str, Any]] = strip_moving(run.results, hidden)
    return results[1:]  # the session is another one


def strip_moving(value: Any, hidden: dict[str, str]) -> Any:
    """Return a result with all texts and numbers replaced that differ between two servers or moments."""
    if isinstance(value, dict):
        return {
            strip_moving(key, hidden): "MOVING" if key == "clock_skew_seconds" else strip_moving(one, hidden)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [strip_moving(one, hidden) for one in value]
    if isinstance(value, float):  # seconds that were measured
        return "MOVING"
    if not isinstance(value, str):
        return "HIDDEN" if str(value) in hidden else value
    for text, replacement in hidden.items():
        value = value.replace(text, replacement)
    return MOVING.sub("MOVING", value)


@pytest.mark.parametrize(
    "names",
    [pytest.param(QUICK, id="two"), *(pytest.param([name], id=name, marks=thorough) for name in MODULES if name not in QUICK)],
)
def test_modules_do_the_same_both_ways(names: list[str], tmp_path: Path) -> None:
    modules = [import_module(f"ansible_collections.vbem.rest.plugins.modules.{name}") for name in names]
    within, apart = (run_way(modules, tmp_path / way, in_process=way == "within") for way in ("within", "apart"))
    calls = choose_calls(modules)
    assert len(within) == len(apart) >= len(calls)
    differences = []
    for one, other in zip(within, apart):
        for result in (one["result"], other["result"]):
            result.pop("stats", None)
            result.get("invocation", {}).get("module_args", {}).pop("_progress_file", None)
        if one != other:
            call = calls[int(one["name"].rpartition(" ")[2])]
            differences.append(
                f"{call}\n  within: {one['outcome']} {one['result']}\n  apart:  {other['outcome']} {other['result']}"
            )
    assert not differences, "\n".join(differences)
