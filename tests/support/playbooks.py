# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Ansible's programs as a user would, with nothing of the developer's own settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .processes import SAFETY_NET, start_process

PROGRAMS = Path(sys.executable).parent
CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
# What a program needs of the environment of the tests, wherever they run.
PASSED_ON = ("TMPDIR", "LD_LIBRARY_PATH", "JAVA_HOME", "COVERAGE_PROCESS_START")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


@dataclass
class PlaybookRun:
    """What ansible-playbook ended with and printed, and the result of each task in order, if they were collected."""

    code: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)


def get_collections_path() -> str:
    """Return where the collection is; fail with a sentence if nothing says so."""
    path = os.environ.get("ANSIBLE_COLLECTIONS_PATH")
    assert path, "Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/vbem/rest."
    return path


def create_environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment that has nothing of the developer's: a home of its own, English, and the collection."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if "COVERAGE_PROCESS_START" in passed_on:  # the measurement starts from a folder on this path
        passed_on["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    return {
        **passed_on,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "ANSIBLE_COLLECTIONS_PATH": get_collections_path(),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "tmp"),
        "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_DEVEL_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PIPELINING": "true",  # a fifth faster
        **more,
    }


def start_playbook(
    *arguments: str | Path, home: Path, environment: dict[str, str] | None = None, **settings: Any
) -> subprocess.Popen[str]:
    """Start ansible-playbook as its own process group, as a shell does."""
    return start_process(
        [PROGRAMS / "ansible-playbook", *arguments],
        env=create_environment(home, **(environment or {})),
        start_new_session=True,
        **settings,
    )


def run_playbook(
    *arguments: str | Path,
    home: Path,
    environment: dict[str, str] | None = None,
    variables: dict[str, Any] | None = None,
    expected: Iterable[int] = (0,),
    collect: bool = False,
    **settings: Any,
) -> PlaybookRun:
    """Run ansible-playbook to its end, which must have one of the expected exit codes (with none, any will do).

    ``variables`` are extra variables, ``collect`` keeps the result of each task (see ``callback_plugins/vbem_collect.py``).
    """
    more = dict(environment or {})
    collected = home / "collected.jsonl"
    if collect:
        collected.unlink(missing_ok=True)
        more |= {
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "vbem_collect",
            "VBEM_COLLECT": str(collected),
        }
    if variables is not None:
        file = home / "extra_variables.json"
        file.write_text(json.dumps(variables), encoding="utf-8")
        arguments = ("-e", f"@{file}", *arguments)
    process = start_playbook(*arguments, home=home, environment=more, **{"cwd": home, **settings})
    try:
        output, _errors = process.communicate(timeout=SAFETY_NET)
    finally:
        process.kill()
    codes = tuple(expected)
    assert not codes or process.returncode in codes, f"ansible-playbook ended with {process.returncode}:\n{output[-6000:]}"
    lines = collected.read_text(encoding="utf-8").splitlines() if collect and collected.exists() else []
    return PlaybookRun(process.returncode, output, [json.loads(line) for line in lines])


def run_failing_roles(cases: Iterable[tuple[str, dict[str, Any]]], *, home: Path, environment: dict[str, str]) -> list[str]:
    """Run roles, each with its variables without the prefix, in one play; return the failure of each as text."""
    tasks: list[dict[str, Any]] = []
    for number, (role, variables) in enumerate(cases):
        include = {
            "name": f"Include {number}",
            "ansible.builtin.include_role": {"name": f"vbem.rest.{role}"},
            "vars": {f"{role}_{name}": value for name, value in variables.items()},
        }
        show = {"name": f"Failed {number}", "ansible.builtin.debug": {"var": "ansible_failed_result"}}
        tasks.append({"name": f"Try {number}", "block": [include], "rescue": [show]})
    play = home / "failing_roles.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = run_playbook(play, home=home, environment=environment, collect=True)
    failures = {line["name"]: str(line["result"]) for line in done.results if line["name"].startswith("Failed ")}
    assert len(failures) == len(tasks), "a role did not fail"
    return [failures[f"Failed {number}"] for number in range(len(tasks))]
