# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make live`` writes nothing unless asked to, and says what it lacks."""

from __future__ import annotations

import sys

import pytest
from support.places import ROOT

sys.path.insert(0, str(ROOT / "dev"))

import live

ENOUGH = {"HOST": "em.example.com", "VBEM_USERNAME": "backup", "VBEM_PASSWORD": "secret"}
WRITE_MODULES = ("veeam_job:", "veeam_job_object:", "veeam_task:", "veeam_rest:", "veeam_vm_backup:", "veeam_vm_restore:")


def test_only_what_reads_runs_unless_asked_otherwise() -> None:
    reading = {target.name for target in live.choose_targets({})}
    assert {"veeam_probe", "veeam_session", "veeam_query_info"} <= reading
    writing = {target.name for target in live.choose_targets({"WRITES": "1"})} - reading
    assert "veeam_task" in writing
    assert {target.name for target in live.choose_targets({"WRITES": "0"})} == reading


@pytest.mark.parametrize("target", live.list_targets(), ids=lambda target: target.name)
def test_each_target_says_what_it_does(target: live.Target) -> None:
    assert target.about.endswith(".")
    listed = (ROOT / "tests" / "integration" / "README.md").read_text(encoding="utf-8")
    assert f"`{target.name}`" in listed


@pytest.mark.parametrize("target", [one for one in live.list_targets() if not one.writes], ids=lambda target: target.name)
def test_what_reads_uses_no_module_that_writes(target: live.Target) -> None:
    """But where only the emulator is asked, in files of their own."""
    text = (live.TARGETS / target.name / "tasks" / "main.yml").read_text(encoding="utf-8")
    assert not [module for module in WRITE_MODULES if f"vbem.rest.{module}" in text]


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"HOST": ""}, "make live HOST=em.example.com"),
        ({"VBEM_PASSWORD": ""}, "lacks VBEM_PASSWORD"),
        ({"VBEM_PORT": "https"}, "VBEM_PORT is 'https'"),
    ],
)
def test_what_is_missing_is_said(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        live.create_variables({**ENOUGH, **environment}, writes=False)


def test_jobs_are_named_before_any_is_started() -> None:
    with pytest.raises(ValueError, match="name those that may be started"):
        live.create_variables(ENOUGH, writes=True)
    assert "em_jobs" not in live.create_variables({**ENOUGH, "JOBS": "a,b"}, writes=False)
    assert live.create_variables({**ENOUGH, "JOBS": "a, b"}, writes=True)["em_jobs"] == ["a", "b"]
    with pytest.raises(ValueError, match="with WRITES=1 there are more"):
        live.choose_targets({"TARGETS": "veeam_task"})
