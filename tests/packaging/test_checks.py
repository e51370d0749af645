# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The test command: which checks and tests run in which tier, and what a failure says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT

sys.path.insert(0, str(ROOT / "dev"))

import check as runner
from checks import CHECKS, LOGS, TARGETS, Check

TESTS = [check for check in CHECKS if check.is_pytest]


def choose(*names: str, thorough: bool = False, changed: set[str] | None = frozenset()) -> set[str]:  # type: ignore[assignment]
    return {check.name for check in runner.choose_checks(list(names), thorough=thorough, changed=changed)}


def test_every_check_is_in_thorough() -> None:
    assert choose(thorough=True) == {check.name for check in CHECKS}
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_checks_of_a_part_run_if_it_changed_or_nobody_knows() -> None:
    unchanged = choose()
    for check in CHECKS:
        expected = check.tier == "test" and not check.inputs
        assert (check.name in unchanged) is expected, check.name
    assert choose(changed={"emulator/clock.py"}) - unchanged == {"emulator"}
    assert choose(changed={"extensions/eda/rulebooks/open_a_ticket.yml"}) - unchanged == {"ansible-lint", "eda-lint"}
    assert choose(changed=None) == {check.name for check in CHECKS if check.tier == "test"}
    assert choose("soak", "ruff") == {"soak", "ruff"}


@pytest.mark.parametrize("check", [check for check in CHECKS if check.inputs], ids=lambda check: check.name)
def test_inputs_are_there(check: Check) -> None:
    for pattern in check.inputs:
        assert list(ROOT.glob(pattern)), f"{check.name} is about {pattern}, which there is not"


def test_every_test_belongs_to_a_check() -> None:
    """Whatever folder of tests is added, one of the checks has to run it."""
    covered = tuple(f"{folder}/" for check in TESTS for folder in check.tests)
    for top in ("tests", "emulator/tests"):
        for path in (ROOT / top).rglob("test_*.py"):
            name = path.relative_to(ROOT).as_posix()
            assert name.startswith(covered), f"no check runs {name}"


def test_every_integration_target_belongs_to_a_check() -> None:
    targets = {path.name for path in (ROOT / "tests" / "integration" / "targets").iterdir()}
    assert set(TARGETS) <= targets
    (all_others,) = [check for check in CHECKS if check.name == "integration-all"]
    assert set(re.findall(r"--exclude (\S+)", all_others.command)) == set(TARGETS)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_what_changed_is_what_differs_from_main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    assert runner.list_changed() is None, "no repository: nobody knows"
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for name in ("same", "committed", "modified"):
        (tmp_path / name).write_text("before", encoding="utf-8")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "Before")
    assert runner.list_changed() == set()
    git(tmp_path, "switch", "--quiet", "--create", "other")
    (tmp_path / "committed").write_text("after", encoding="utf-8")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "After")
    (tmp_path / "modified").write_text("after", encoding="utf-8")
    (tmp_path / "new ü").write_text("new", encoding="utf-8")
    os.utime(tmp_path / "same", (1, 1))
    index = (tmp_path / ".git" / "index").read_bytes()
    assert runner.list_changed() == {"committed", "modified", "new ü"}
    assert (tmp_path / ".git" / "index").read_bytes() == index


# The tiers of tests

MARKED = """
import pytest
from support.tiers import IS_THOROUGH, sample, thorough

def test_always(): pass

@thorough
def test_long(): pass

@pytest.mark.parametrize("case", sample(["a b", "c"], ["c"]))
def test_cases(case): pass
"""


def run_marked(folder: Path, *names: str, **environment: str) -> str:
    """Run marked tests as a check does, and return pytest's output."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_marked.py").write_text(MARKED, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in ("VBEM_EVERY_CASE", "PYTEST_CURRENT_TEST")}
    kept |= {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "--strict-markers"]
    done = subprocess.run(
        [*command, *names], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_marked_is_left_to_make_thorough(tmp_path: Path) -> None:
    assert "2 passed, 2 deselected" in run_marked(tmp_path)
    assert "4 passed in" in run_marked(tmp_path, VBEM_EVERY_CASE="1")
    assert "1 passed in" in run_marked(tmp_path, "test_marked.py::test_cases[a b]")


# Outcomes

ID = "tests/system/playbooks/test_interrupted.py::test_what_is_left[wait for tasks-SIGHUP of the group]"
FAILED = f"""
FAILED {ID} - assert [1] == [2]
ERROR tests/unit/test_x.py
FAILED tests/unit/test_y.py::test_z - AssertionError: a [b] - c
2 failed, 3 passed, 7 deselected in 1.00s
"""


def create_outcome(name: str, text: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> runner.Outcome:
    monkeypatch.setattr(runner, "LOGS", folder)
    (check,) = [check for check in CHECKS if check.name == name]
    (folder / f"{name}.log").write_text(text, encoding="utf-8")
    return runner.Outcome(check, 1.0, 1.0, 1)


def test_a_failure_says_what_failed_and_how_to_run_just_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = create_outcome("playbooks", FAILED, monkeypatch, tmp_path)
    assert outcome.failures == [ID, "tests/unit/test_x.py", "tests/unit/test_y.py::test_z"]
    assert outcome.headline.startswith(f"FAILED playbooks: {ID}, tests/unit/test_x.py, ")
    assert outcome.headline.endswith(
        f"run it again: make check ONLY=playbooks 'TESTS={ID} tests/unit/test_x.py tests/unit/test_y.py::test_z'"
    )
    assert runner.read_closing_line(outcome) == "2 failed, 3 passed, 7 deselected in 1.00s"


def test_what_failed_last_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = FAILED + "".join(f"FAILED tests/unit/test_y.py::test_{number}\n" for number in range(30))
    outcome = create_outcome("playbooks", many, monkeypatch, tmp_path)
    assert outcome.headline.endswith("and 30 others -- run it again: make check ONLY=playbooks AGAIN=1")
    monkeypatch.delenv("TESTS", raising=False)
    monkeypatch.delenv("AGAIN", raising=False)
    assert runner.find_tests(outcome.check) == outcome.check.tests
    monkeypatch.setenv("TESTS", "tests/unit")
    assert runner.find_tests(outcome.check) == ("tests/unit",)
    monkeypatch.setenv("AGAIN", "1")
    assert runner.find_tests(outcome.check) == tuple(outcome.failures)
    outcome.log.write_text("nothing failed", encoding="utf-8")
    assert runner.find_tests(outcome.check) == outcome.check.tests


def test_the_tests_that_a_failure_names_are_understood() -> None:
    assert runner.split_tests(f"{ID} tests/unit/test_x.py") == [ID, "tests/unit/test_x.py"]
    assert runner.split_tests("veeam_task veeam_session") == ["veeam_task", "veeam_session"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "mypy",
            "x.py:1: note: hm\nx.py:3: error: Incompatible types\nFound 1 error in 1 file",
            "x.py:3: error: Incompatible types",
        ),
        (
            "integration",
            "NOTICE: To resume at this test target, use the option: --start-at veeam_task\n"
            "NOTICE: To resume after this test target, use the option: --start-at veeam_task_info\n",
            "veeam_task",
        ),
        (
            "ansible-lint",
            "WARNING  An error was ignored\nroles/x.yml:1 odd\nFailed: 1 failure(s), 0 warning(s)\n",
            "Failed: 1 failure(s), 0 warning(s)",
        ),
        ("changelog", "something\nodd\n", "odd"),
        ("yamllint", "", "it printed nothing"),
    ],
)
def test_a_failure_of_another_tool_says_why(
    name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outcome = create_outcome(name, text, monkeypatch, tmp_path)
    assert outcome.headline.startswith(f"FAILED {name}: {said} -- run it again: make check ONLY={name}")


RUN_ONE = """
import sys
from pathlib import Path
import build_tree, check, checks
build_tree.BUILD = check.LOGS = Path.cwd()
one = checks.Check("asked", "", 'printf %s "${VBEM_EVERY_CASE:-}"', cwd=Path.cwd())
sys.exit(check.run_check(one, thorough=sys.argv[1:] == ["--thorough"]).code)
"""


@pytest.mark.parametrize("options", [[], ["--thorough"]])
def test_only_thorough_runs_every_case(tmp_path: Path, options: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "dev"), "VBEM_EVERY_CASE": "of the developer's shell"}
    subprocess.run([sys.executable, "-c", RUN_ONE, *options], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "asked.log").read_text(encoding="utf-8") == ("1" if options else "")


def test_make_passes_the_names_of_tests_on() -> None:
    """A variable of make's command line gets into the environment of what make runs."""
    text = "\n".join(["show:", '\t@printf %s "$$TESTS"'])
    name = "tests/a.py::test_b[c $ d]".replace("$", "$$")
    done = subprocess.run(["make", "-f", "-", f"TESTS={name}"], input=text, capture_output=True, text=True, check=True)
    assert done.stdout == "tests/a.py::test_b[c $ d]"


def test_contributing_lists_what_is_left_to_make_thorough() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("## Longer checks")[2].partition("\n## ")[0]
    missing = [check.name for check in CHECKS if (check.tier == "thorough" or check.inputs) and f"`{check.name}`" not in table]
    assert not missing


def test_logs_are_below_build(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LOGS.name == "logs"
    found: Any = runner.get_log(CHECKS[0])
    assert found == LOGS / f"{CHECKS[0].name}.log"
