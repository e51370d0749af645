# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole life of a change to jobs, with the playbooks: export, edit, check, apply. By way of a file, and of odd names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.emulators import FAST_SWITCHES, create_environment_variables
from support.playbooks import PlaybookRun, run_failing_roles, run_playbook
from support.tiers import thorough

from emulator import Emulator, Switches

NAMES = ("{{ 7 * 7 }}", "{% raw %}", "yes", "22:00", "- a: b # c", "!unsafe x", "Büro 日本語 💾", 'O\'Brien "x" \\n')


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator with jobs of odd names."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        for name in NAMES:
            job = emulator.world.add_job(name, server="vbr01")
            job.description = f"of {name}"
            emulator.world.add_object(job, "sql01", name=name)
        yield emulator


class Workplace:
    """A folder with the file of the jobs, and the playbooks that read and write it."""

    def __init__(self, em: Emulator, folder: Path) -> None:
        self.em = em
        self.folder = folder
        self.file = folder / "jobs.yml"

    def play(self, name: str, *arguments: str, expected: int = 0) -> PlaybookRun:
        variable = "export_jobs_path" if name == "export_jobs" else "apply_jobs_path"
        return run_playbook(
            f"vbem.rest.{name}",
            "-e",
            f"{variable}=jobs.yml",
            *arguments,
            home=self.folder,
            environment=create_environment_variables(self.em),
            expected=[expected],
        )

    def read(self) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        return document

    def edit(self, document: dict[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    def count_writes(self) -> int:
        return sum(len(self.em.requests(method, "/api/jobs")) for method in ("POST", "PUT", "DELETE"))


@thorough
def test_the_life_of_a_change(em: Emulator, tmp_path: Path) -> None:
    place = Workplace(em, tmp_path)
    assert "changed=1" in place.play("export_jobs").output
    text = place.file.read_bytes()
    assert "changed=0" in place.play("export_jobs").output
    assert place.file.read_bytes() == text
    document = place.read()
    assert document["complete"] is True
    assert set(NAMES) <= {job["name"] for job in document["jobs"]}
    assert "The jobs match jobs.yml." in place.play("check_jobs").output
    assert "changed=0" in place.play("apply_jobs", "-e", "apply_jobs_prune=true").output
    assert place.count_writes() == 0

    changed = next(job for job in document["jobs"] if job["name"] == NAMES[0])
    changed["description"] = "{{ 6 * 6 }}"
    document["jobs"] = [job for job in document["jobs"] if job["name"] != "yes"]
    place.edit(document)
    checked = place.play("check_jobs", "-e", "apply_jobs_prune=true", expected=2).output
    assert "yes on vbr01.vbem.test: is not in the file" in checked
    assert "description is of {{ 7 * 7 }}, in the file {{ 6 * 6 }}" in checked
    assert "+  description: {{ 6 * 6 }}" in checked, "the diff"
    assert place.count_writes() == 0

    assert (
        "max_changes allows 1"
        in place.play("apply_jobs", "-e", "apply_jobs_prune=true apply_jobs_max_changes=1", expected=2).output
    )
    assert place.count_writes() == 0
    place.play("apply_jobs")
    assert em.world.job(NAMES[0]).description == "{{ 6 * 6 }}"
    assert em.world.job("yes"), "prune is off by default"
    place.play("apply_jobs", "-e", "apply_jobs_prune=true")
    assert "yes" not in [job.name for job in em.world.jobs]
    assert "The jobs match jobs.yml." in place.play("check_jobs", "-e", "apply_jobs_prune=true").output


# What a role is given, what the file jobs.yml holds (if there is one), and what the role says.
WRONG: list[tuple[str, dict[str, Any], dict[str, Any] | None, str]] = [
    ("apply_jobs", {}, None, "jobs.yml"),
    ("apply_jobs", {}, {"jobs": "none"}, "no list with the name jobs"),
    ("apply_jobs", {"prune": True}, {"jobs": [{"name": "SQL Backup"}]}, "complete: true"),
    ("export_jobs", {"path": "/no/such/folder/jobs.yml"}, None, "/no/such/folder is not a directory"),
]


def test_what_is_wrong_with_a_file_is_told_before_any_request(em: Emulator, tmp_path: Path) -> None:
    cases = []
    for number, (role, options, document, _said) in enumerate(WRONG):
        file = tmp_path / str(number) / "jobs.yml"
        file.parent.mkdir()
        if document:
            file.write_text(yaml.safe_dump(document), encoding="utf-8")
        cases.append((role, {"path": f"{number}/jobs.yml", **options}))
    failures = run_failing_roles(cases, home=tmp_path, environment=create_environment_variables(em))
    for (_role, _options, _document, said), failure in zip(WRONG, failures):
        assert said in failure
    assert not em.log
