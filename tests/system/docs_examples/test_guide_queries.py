# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The twenty questions of the guide on queries have the right answers, each in one task, from both versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.places import GUIDES
from support.tiers import thorough

import ansible_collections

from .conftest import ExampleRunner
from .examples import read_examples

GUIDE = GUIDES / "guide_queries.rst"


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [re.sub(r"@.*|D\d{4}-.*", "", row["name"]) for row in rows]


GUIDE_ANSWERS: dict[str, Callable[[Any], bool]] = {
    "What failed last night?": lambda rows: names(rows) == ["Failing Backup", "Flaky Backup"],
    "Which machines went wrong, and why?": lambda bad: (
        list(bad) == ["file01", "mail01", "erp01"]
        and bad["mail01"].startswith("There is not enough space")
        and all(bad.values())
    ),
    "Which job has not run for a week?": lambda jobs: jobs == ["Manual Backup", "Weekly Archive"],
    "Which job never succeeded this week?": lambda jobs: jobs == ["Failing Backup", "Flaky Backup", "Warning Backup"],
    "What is running now?": lambda lines: (
        len(lines) == 1 and lines[0].startswith("Rescan of Linux servers@") and lines[0].endswith(": Working, 95 %")
    ),
    "How did the week go, in numbers?": lambda counts: counts == {"Failed": 4, "Success": 24, "Warning": 2},
    "How full are the repositories?": lambda lines: (
        lines
        == [
            "Default Backup Repository on vbr01.vbem.test: 56 % full",
            "Scale-out 01 on vbr01.vbem.test: 98 % full",
            "Default Backup Repository on vbr02.vbem.test: 96 % full",
        ]
    ),
    "Which repositories have less than 100 GiB left?": lambda rows: [row["free_space"] for row in rows] == [40 * 1024**3],
    "Which machines have no restore point younger than a day?": lambda machines: (
        machines == ["erp01", "lab01", "mail01", "new01"]
    ),
    "What is the latest restore point of a machine?": lambda rows: (
        names(rows) == ["mail01"] and rows[0]["point_type"] == "Full"
    ),
    "Which jobs protect a machine?": lambda jobs: jobs == ["SQL Backup"],
    "Which runs took longest?": lambda runs: (
        [(seconds, name.partition("@")[0]) for seconds, name in runs]
        == [(419, "Shared Files")] * 2 + [(412, "Windows Agents")] * 2 + [(405, "Linux Agents")]
    ),
    "Which machines are largest?": lambda rows: names(rows) == ["vc01", "b\u00fcro-\u00d8", "branch01"],
    "Which backup files are largest?": lambda rows: names(rows)[:2] == ["Daily Backup", "SQL Backup"] and len(rows) == 3,
    "What was restored, and how did it go?": lambda lines: (
        [line.partition(" ")[2] for line in lines]
        == ["sql01, RestoreVm: Working", "web02, RestoreVm: Failed", "file01, FileLevelRestore: Success"]
    ),
    "Which replicas had trouble?": lambda rows: [row["vm_display_name"] for row in rows] == ["dc02"],
    "Which jobs do not run by themselves?": lambda rows: names(rows) == ["Manual Backup", "Weekly Archive"],
    "On which computers is there no working agent?": lambda rows: (
        [row["agent_status"] for row in rows] == ["Failed", "NotInstalled", "UnsupportedOs"]
    ),
    "Which backup server has which version?": lambda versions: (
        versions == {"vbr01.vbem.test": "13.0.1.1071", "vbr02.vbem.test": "13.0.1.1071", "vbr03.vbem.test": "12.3.2.3617"}
    ),
    "Where are the backups of a job?": lambda repositories: repositories == ["Default Backup Repository"],
}


@thorough
@pytest.mark.parametrize("version", [12, 13])
def test_the_twenty_questions_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(Path(ansible_collections.__path__[0]).parent))
    examples = [example for example in read_examples(GUIDE) if example.is_tasks]
    questions = [example for example in examples if example.data[0]["name"].endswith("?")]
    assert [len(example.data) for example in questions] == [1] * 20
    headings = re.findall(r"^(.*\?)\n\^+$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [example.data[0]["name"] for example in questions] == headings == list(GUIDE_ANSWERS)
    runner = ExampleRunner(tmp_path)
    runner.em.switches.version = version
    with runner.em:
        collected = runner.run(examples, with_environment=False)
        runner.check_traces()
    for question, is_right in GUIDE_ANSWERS.items():
        lines = [line for line in collected if line["name"] == question]
        assert lines, question
        items = [line["result"]["msg"] for line in lines if line["outcome"] == "item"]
        (last,) = [line["result"] for line in lines if line["outcome"] == "ok"]
        answer = items or last.get("resources", last.get("msg"))
        assert is_right(answer), f"{question} {answer}"
