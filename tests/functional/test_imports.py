# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules import only what they use: a library costs each start of a module tens of milliseconds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_key
from emulator import Emulator

from .forked import Forked

# Runs a module as AnsiballZ does, in a process of its own, and prints which modules were loaded at its end.
CODE = """
import importlib, json, sys
from ansible.module_utils import basic


def run(given):
    name, options = given
    module = importlib.import_module("ansible_collections.vbem.rest.plugins.modules." + name)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    try:
        module.main()
    except SystemExit:
        print()
        print(json.dumps(sorted(sys.modules)))
"""
OURS = "ansible_collections.vbem.rest.plugins.module_utils._em."


Run = Callable[[str, dict[str, Any]], tuple[dict[str, Any], set[str]]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return a function that returns a module's result, and what was loaded for it: the collection's own by names below _em."""
    with Forked(CODE, tmp_path_factory.mktemp("forked")) as forked:

        def run_module(name: str, options: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
            printed, errors = forked.run([name, options])
            result, _empty, loaded = printed.strip().rpartition("\n")
            assert result, errors
            return json.loads(result), {each.removeprefix(OURS) for each in json.loads(loaded)}

        yield run_module


@pytest.fixture
def given(em: Emulator) -> dict[str, Any]:
    """Return the options of a module that logs on for itself."""
    connection = {"hostname": em.hostname, "port": em.port, "ca_path": str(em.ca_path)}
    return {**connection, "username": em.admin.username, "password": em.admin.password}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("veeam_session", {"_one_time_pad": create_key()}),
        ("veeam_task_info", {}),
        ("veeam_task", {"state": "absent", "task_state": ["Finished"]}),
        ("veeam_task", {"state": "absent", "task_state": ["Finished"], "_ansible_check_mode": True}),
        ("veeam_job", {"name": "SQL Backup", "state": "started", "wait_for": "nothing"}),
        ("veeam_job_info", {}),
        ("veeam_query_info", {"type": "Job"}),
    ],
)
def test_json_does_not_load_the_xml_library(run: Run, given: dict[str, Any], name: str, options: dict[str, Any]) -> None:
    result, loaded = run(name, {**given, **options})
    assert not result.get("failed"), result
    assert "requests" in loaded
    assert not {"xmltodict", "xml.sax"} & loaded


def test_xml_loads_the_xml_library(run: Run, given: dict[str, Any]) -> None:
    _result, loaded = run("veeam_task_info", {**given, "response_format": "xml"})
    assert "xmltodict" in loaded


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("veeam_task_info", {"task_id": []}, None),
        ("veeam_task", {"state": "absent", "task_id": []}, None),
        ("veeam_task", {"state": "absent", "task_id": [], "_ansible_check_mode": True}, None),
        ("veeam_task_info", {"filter": "State==="}, "invalid_filter"),
        ("veeam_task", {"state": "absent"}, "invalid_option"),
        ("veeam_task_info", {"port": 0}, "invalid_option"),
        ("veeam_task_info", {"limit": "few"}, "invalid_option"),
        ("veeam_query_info", {"type": "Jobs"}, "invalid_option"),
        ("veeam_job", {"name": "SQL Backup"}, "invalid_option"),
    ],
)
def test_a_module_that_sends_nothing_loads_no_library(
    run: Run, given: dict[str, Any], name: str, options: dict[str, Any], kind: str | None
) -> None:
    result, loaded = run(name, {**given, **options})
    assert result.get("error", {}).get("kind") == kind, result
    assert not {"requests", "urllib3", "xmltodict", "ssl", "http.client"} & loaded


def test_a_module_loads_only_the_files_it_uses(run: Run, given: dict[str, Any]) -> None:
    actions = {f"resources.{name}" for name in ("job_state", "task_action", "session_wait", "task_removal", "task_wait")}
    others = {*actions, "resources.query", "protocol.query_types", "client.parallel", "events.finished_sessions"}
    _result, loaded = run("veeam_task_info", given)
    assert "resources.tasks" in loaded
    assert not {*others, "resources.jobs"} & loaded
    _result, loaded = run("veeam_job_info", given)
    assert "resources.jobs" in loaded
    assert not others & loaded


# Imports every plugin and module by its path, and refuses what only ansible-core's own dependencies do not bring.
IMPORT_ALL = """
import importlib, pathlib, sys
class Refuse:
    def find_spec(self, name, *_more):
        if name.partition(".")[0] in ("requests", "urllib3", "xmltodict"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
top = pathlib.Path(sys.argv[1])
paths = sorted(path for path in top.rglob("*.py") if path.stem != "__init__")
for path in paths:
    inner = ".".join(path.relative_to(top).with_suffix("").parts)
    importlib.import_module("ansible_collections.vbem.rest.plugins." + inner)
print(len(paths))
"""


def test_everything_can_be_imported_without_the_libraries() -> None:
    """As ``ansible-doc`` and the first line of a module do it where they are not installed; a module then says so."""
    plugins = Path(__file__).parents[2] / "plugins"
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, plugins], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
