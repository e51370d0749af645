# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples are run as they stand, and results are what the documentation says.

``make test`` runs the examples of README and the first guide, of all roles together, and of all modules and lookups together;
``make thorough`` those of each guide, role, module and lookup by themselves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.tiers import sample, thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import ERROR_KINDS
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_definition import DEFINITION_SPEC
from ansible_collections.vbem.rest.plugins.modules import veeam_job, veeam_job_definition

from .conftest import ExampleRunner
from .examples import GUIDES, LOOKUPS, MODULES, ROOT, Example, read_examples
from .returns import iter_misfits, list_keys, list_seen, read_returns

HERE = Path(__file__).resolve().parent
# What people run first.
QUICK = [ROOT / "README.md", next(path for path in GUIDES if path.name == "guide_start.rst")]
ROLES = [path for path in GUIDES if path.parent.parent.name == "roles"]

PREFIX = "vbem.rest."
# What examples do not show: a session, as the result that holds it is hidden; tasks that are kept, and one that the server does
# not remove.
MORE = {
    "veeam_session": """
- name: Log on
  vbem.rest.veeam_session:
    hostname: "{{ em_hostname }}"
    port: "{{ em_port }}"
    username: "{{ em_username }}"
    password: "{{ em_password }}"
    ca_path: "{{ em_ca_path }}"
  register: opened
- name: Look into the session
  ansible.builtin.debug:
    msg:
      changed: "{{ opened.changed }}"
      hidden: "{{ [opened.session.id is string, opened.session.token is string] }}"
      session: "{{ opened.session | combine({'id': 'hidden', 'token': 'hidden'}) }}"
- name: Log off
  vbem.rest.veeam_session:
    session: "{{ opened.session }}"
    state: absent
""",
    "veeam_task": """
- name: Remove finished tasks and one that is not, while the server will not
  vbem.rest.veeam_task:
    session: "{{ em.session }}"
    state: absent
    operation: [StartJob, QuickBackup]
  register: removed
  failed_when: removed.error.kind != 'partial'
""",
}


def name_guide(path: Path) -> str:
    """Return the name of a test."""
    return str(path.relative_to(ROOT))


def create_groups(paths: list[Path], what: str) -> list[Any]:
    """Return cases: all paths at once, which take one start of Ansible; and for ``make thorough`` each by itself."""
    alone = [
        pytest.param([path], id=path.parent.name if path.stem == "README" else path.stem, marks=thorough) for path in paths
    ]
    return [pytest.param(paths, id=what), *alone]


def run_all(runner: ExampleRunner, examples: list[Example]) -> list[dict[str, Any]]:
    """Run examples, playbooks and lists of tasks apart, and check what can be said of all of them."""
    done: list[dict[str, Any]] = []
    for with_environment in (False, True):
        chosen = [each for each in examples if each.needs_environment is with_environment]
        if not chosen:
            continue
        collected = runner.run(chosen, with_environment=with_environment)
        runner.check_traces()
        for example in chosen:
            own = choose_results(collected, example)
            reached = {line["name"] for line in own if line["outcome"] not in ("skipped", "unreachable")}
            missed = [name for name in example.list_tasks() if name not in reached]
            assert not missed, f"{example.where}: never run: {missed}"
            unreached = example.marks.get("unreached", [])
            assert not reached & set(unreached), f"{example.where}: run, though not meant to be: {unreached}"
        done += collected
    misfits = [
        f"{line['name']} ({line['action']}): {misfit}"
        for line in iter_results(done)
        for misfit in iter_misfits(line["action"].removeprefix(PREFIX), line["result"], failed="failed" in line["outcome"])
    ]
    assert not misfits, "\n".join(misfits)
    return done


def choose_results(collected: list[dict[str, Any]], example: Example) -> list[dict[str, Any]]:
    """Return the results of an example: those of its host. A playbook has hosts of its own."""
    return collected if example.is_playbook else [line for line in collected if line["host"] == example.name]


def iter_results(collected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the results of our modules. Loops count by their items; hidden ones, and those of async begun, say nothing."""
    return [
        line
        for line in collected
        if line["action"].startswith(PREFIX)
        and line["outcome"] != "skipped"
        and "censored" not in line["result"]
        and "ansible_job_id" not in line["result"]
        and not (line["loop"] and "item" not in line["outcome"])
    ]


@pytest.mark.parametrize("path", GUIDES, ids=name_guide)
def test_examples_of_guide_can_be_read(path: Path) -> None:
    examples = read_examples(path)
    assert examples
    for example in examples:
        assert example.is_tasks or example.is_playbook or isinstance(example.data, dict), f"{example.where}: what is this?"


def read_runnable(path: Path) -> list[Example]:
    """Return the examples of a guide that are meant to be run."""
    return [each for each in read_examples(path) if (each.is_tasks or each.is_playbook) and "show" not in each.marks]


@pytest.mark.parametrize("path", sample([path for path in GUIDES if path not in ROLES], QUICK), ids=name_guide)
def test_examples_of_guide(runner: ExampleRunner, path: Path) -> None:
    run_all(runner, read_runnable(path))


@pytest.mark.parametrize("paths", create_groups(ROLES, "all roles"))
def test_examples_of_roles(runner: ExampleRunner, paths: list[Path]) -> None:
    run_all(runner, [example for path in paths for example in read_runnable(path)])


@pytest.mark.parametrize("paths", create_groups([*MODULES, *LOOKUPS], "all modules and lookups"))
def test_examples_and_return_of_modules(runner: ExampleRunner, paths: list[Path]) -> None:
    examples: dict[Path, list[Example]] = {}
    for path in paths:
        examples[path] = read_examples(path)
        if path.stem == "veeam_task":
            runner.em.fault("status", status=500, method="DELETE", path="task-5$")
        if path.stem in MORE:
            examples[path].insert(0, Example(path, 0, MORE[path.stem], {}))
    collected = run_all(runner, [example for each in examples.values() for example in each])
    missing: dict[str, list[str]] = {}
    for path in set(paths) - set(LOOKUPS):
        lines = [line for example in examples[path] for line in choose_results(collected, example)]
        own = [line["result"] for line in iter_results(lines) if line["action"] == PREFIX + path.stem]
        if path.stem == "veeam_session":
            own = [read_session(lines)]
        documented = list_keys(read_returns(path.stem))
        missing[path.stem] = sorted(documented - set().union(*(list_seen(result) for result in own)))
    assert not any(missing.values()), f"documented, and returned by no example: {missing}"


def read_session(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Return veeam_session's result, by way of the variable it was registered as."""
    (shown,) = [line["result"]["msg"] for line in lines if line["name"] == "Look into the session"]
    assert shown.pop("hidden") == [True, True]
    assert not list(iter_misfits("veeam_session", shown, failed=False))
    return dict(shown)


def test_options_that_two_modules_share_are_documented_alike() -> None:
    """A documentation fragment cannot provide them: fragments are merged into top-level options only."""

    def flatten(value: Any, place: str = "") -> dict[str, str]:
        if isinstance(value, dict):
            return {key: text for name, one in value.items() for key, text in flatten(one, f"{place}.{name}").items()}
        return {place: " ".join((" ".join(value) if isinstance(value, list) else str(value)).replace("jobs[].", "").split())}

    job = yaml.safe_load(veeam_job.DOCUMENTATION)["options"]
    definition = yaml.safe_load(veeam_job_definition.DOCUMENTATION)["options"]["jobs"]["suboptions"]
    for name in DEFINITION_SPEC:
        assert flatten(definition[name]) == flatten(job[name]), name


def test_every_kind_of_failure_is_in_the_guide() -> None:
    text = (ROOT / "docs" / "docsite" / "rst" / "guide_failures.rst").read_text(encoding="utf-8")
    described = re.findall(r"^``(\w+)``$", text, re.MULTILINE)
    assert sorted(described) == sorted(ERROR_KINDS)


def test_every_switch_and_fault_named_in_the_emulators_guide_exists() -> None:
    text = (ROOT / "docs" / "docsite" / "rst" / "guide_emulator.rst").read_text(encoding="utf-8")
    from emulator import Switches
    from emulator.faults import EFFECTS

    names = re.findall(r"--switch[ =](\w+)=", text) + re.findall(r"switch ``(\w+)``", text)
    assert names
    assert not [name for name in names if not hasattr(Switches(), name)]
    table = re.search(r"``effect``$(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert table
    effects = re.findall(r"``(\w+)``", " ".join(line for line in table[1].splitlines() if line.startswith("   * - ")))
    assert sorted(effects) == sorted(EFFECTS)


def read_promised_kinds() -> set[str]:
    """Read which kinds of failure the emulator's guide shows how to provoke, with other words of its tables."""
    text = (ROOT / "docs" / "docsite" / "rst" / "guide_emulator.rst").read_text(encoding="utf-8")
    return {kind for line in text.splitlines() if line.startswith("   * - ``") for kind in re.findall(r"``(\w+)``", line)}


def test_every_kind_of_failure_is_in_the_emulators_guide() -> None:
    assert set(ERROR_KINDS) == read_promised_kinds() & set(ERROR_KINDS)


@thorough
def test_kinds_of_failure_on_demand_are_what_the_emulators_guide_says(runner: ExampleRunner) -> None:
    host: dict[str, Any] = {"em1": {}}
    collected = runner.play([HERE / "kinds.yml"], host, with_environment=False)
    runner.check_traces()
    provoked = {line["name"].removeprefix("Fail as ") for line in collected if line["action"].startswith(PREFIX)}
    assert set(ERROR_KINDS) - provoked == {"missing_library"}
