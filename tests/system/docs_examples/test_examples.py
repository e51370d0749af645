# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Examples are run as they stand, and results are what the documentation says.

``make test`` runs the examples of README, roles, the first guide, the modules and the lookups; ``make thorough`` those of all guides.
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
QUICK = [path for path in GUIDES if path.name in ("README.md", "guide_start.rst")]

PREFIX = "vbem.rest."
# What examples do not show: tasks that are kept, and one that the server does not remove.
MORE = {
    "veeam_task": """
- name: Remove finished tasks and one that is not, while the server will not
  vbem.rest.veeam_task:
    session: "{{ em.session }}"
    state: absent
    operation: [StartJob, QuickBackup]
  register: removed
  failed_when: removed.error.kind != 'partial'
"""
}


def name_guide(path: Path) -> str:
    """Return the name of a test."""
    return str(path.relative_to(ROOT))


def run_all(runner: ExampleRunner, examples: list[Example]) -> list[dict[str, Any]]:
    """Run examples, playbooks and lists of tasks apart, and check what can be said of all of them."""
    done: list[dict[str, Any]] = []
    for with_environment in (False, True):
        chosen = [each for each in examples if each.needs_environment is with_environment]
        if not chosen:
            continue
        collected = runner.run(chosen, with_environment=with_environment)
        runner.check_traces()
        reached = {line["name"] for line in collected if line["outcome"] not in ("skipped", "unreachable")}
        for example in chosen:
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


@pytest.mark.parametrize("path", sample(GUIDES, QUICK), ids=name_guide)
def test_examples_of_guide(runner: ExampleRunner, path: Path) -> None:
    run_all(runner, [each for each in read_examples(path) if (each.is_tasks or each.is_playbook) and "show" not in each.marks])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_examples_and_return_of_module(runner: ExampleRunner, path: Path) -> None:
    examples = read_examples(path)
    if path.stem in MORE:
        runner.em.fault("status", status=500, method="DELETE", path="task-5$")
        examples.insert(0, Example(path, 0, MORE[path.stem], {}))
    collected = run_all(runner, examples)
    own = [line["result"] for line in iter_results(collected) if line["action"] == PREFIX + path.stem]
    if path.stem == "veeam_session":
        own = [look_into_session(runner)]
    documented = list_keys(read_returns(path.stem))
    missing = documented - set().union(*(list_seen(result) for result in own))
    assert not missing, f"documented, and returned by no example: {sorted(missing)}"


@pytest.mark.parametrize("path", LOOKUPS, ids=lambda path: path.stem)
def test_examples_of_lookup(runner: ExampleRunner, path: Path) -> None:
    run_all(runner, read_examples(path))


def look_into_session(runner: ExampleRunner) -> dict[str, Any]:
    """Return veeam_session's result, which is hidden, by way of the variable it was registered as."""
    file = runner.folder / "session.yml"
    file.write_text(
        "- hosts: localhost\n"
        "  gather_facts: false\n"
        "  tasks:\n"
        "    - vbem.rest.veeam_session:\n"
        "      register: em\n"
        "    - name: Look\n"
        "      ansible.builtin.debug:\n"
        "        msg:\n"
        "          changed: '{{ em.changed }}'\n"
        "          hidden: '{{ [em.session.id is string, em.session.token is string] }}'\n"
        "          session: \"{{ em.session | combine({'id': 'hidden', 'token': 'hidden'}) }}\"\n"
        "    - vbem.rest.veeam_session:\n"
        "        session: '{{ em.session }}'\n"
        "        state: absent\n",
        encoding="utf-8",
    )
    collected = runner.play([file], {}, with_environment=True)
    runner.check_traces()
    (shown,) = [line["result"]["msg"] for line in collected if line["name"] == "Look"]
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
