# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of jobs as code: which job and which objects an entry means, and which failures concern only one entry."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.references import Reference
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import job_entries
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.infrastructure import Infrastructure, Item, ObjectQuery
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_entries import HeldObject, JobInventory
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_plan import (
    Entry,
    JobPlan,
    JobPlanner,
    read_entries,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import ROOT, ROOT_ID, FakeClient, answer


def make_job(number: int, name: str, server: str = "vbr01") -> Job:
    uid = f"urn:veeam:Job:00000000-0000-4000-8000-{number:012}"
    return Job({"name": name, "uid": uid, "backup_server": server, "job_type": "Backup"}, {"job_type": "Backup"})


def read(*given: dict[str, Any], **defaults: Any) -> list[Entry]:
    settings: dict[str, Any] = {"servers": {}, "template": None, "repository": None, **defaults}
    return read_entries(list(given), **settings)


def hold(number: int, name: str = "web01") -> HeldObject:
    return HeldObject(f"urn:VMware:Vm:{ROOT_ID}.vm-{number}", name)


class Machines(Infrastructure):
    """One hierarchy root with machines, each a moid's number and a name."""

    def __init__(self, *machines: tuple[int, str]) -> None:
        self.items = [Item(Reference("VMware", "Vm", ROOT_ID, f"vm-{number}"), name, None) for number, name in machines]

    def list_roots(self) -> list[dict[str, Any]]:
        return [ROOT]

    def find_all(self, queries: list[ObjectQuery], *_more: Any, **_how: Any) -> list[list[Item]]:
        return [[item for item in self.items if item.name == query.name] for query in queries]


class Inventory(JobInventory):
    """Jobs, each with its objects or with the failure to read them."""

    held: dict[str, list[HeldObject] | EmError]

    def list_objects(self, job: Job) -> list[HeldObject] | None:
        held = self.held[job.data["name"]]
        if isinstance(held, EmError):
            raise held
        return held


def make_planner(
    monkeypatch: pytest.MonkeyPatch, *jobs: Job, held: dict[str, Any] | None = None, machines: tuple[tuple[int, str], ...] = ()
) -> JobPlanner:
    monkeypatch.setattr(job_entries, "find_jobs", lambda *_args: list(jobs))
    client = FakeClient(lambda _method, _path: answer(500))
    inventory = Inventory(client)
    inventory.held = held or {}
    inventory.infrastructure = Machines(*machines)
    return JobPlanner(client, inventory)


def find_uid(plan: JobPlan) -> str | None:
    return cast(str, plan.job.data["uid"]) if plan.job is not None else None


# ---------------------------------------------------------------------------------------------------------------------
# Entries


def test_an_entry_overrides_the_options_for_all_jobs() -> None:
    first, second = read(
        {"name": "one", "template": "Own", "repository": "Own Repository", "backup_server": "VBR12"},
        {"name": "two", "backup_server": "vbr09"},
        template="Seed",
        repository="Main Repository",
        servers={"Vbr12": "vbr13"},
    )
    assert (first.template, first.repository, first.server) == ("Own", "Own Repository", "vbr13")
    assert (second.template, second.repository, second.server) == ("Seed", "Main Repository", "vbr09")


# ---------------------------------------------------------------------------------------------------------------------
# Jobs


@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_in_other_case_does_not_take_a_job_that_another_entry_names_exactly(
    monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    job = make_job(1, "SQL Backup")
    entries = read(*({"name": name} for name in (("sql backup", "SQL Backup") if is_first else ("SQL Backup", "sql backup"))))
    plans = {plan.entry.name: plan for plan in make_planner(monkeypatch, job).plan(entries)}
    assert find_uid(plans["SQL Backup"]) == job.data["uid"]
    assert plans["SQL Backup"].error is None
    assert plans["sql backup"].is_missing


def test_a_name_in_other_case_is_that_of_the_job_without_another_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(1, "SQL Backup")
    (plan,) = make_planner(monkeypatch, job).plan(read({"name": "sql backup"}))
    assert find_uid(plan) == job.data["uid"]


@pytest.mark.parametrize("uid", [None, "urn:veeam:Job:ffffffff-0000-4000-8000-000000000000"])
def test_a_uid_that_is_not_there_neither_chooses_a_job_nor_hides_one(monkeypatch: pytest.MonkeyPatch, uid: str | None) -> None:
    """A file may come from another server, where the jobs have other UIDs."""
    one, twin, other = make_job(1, "SQL"), make_job(2, "SQL"), make_job(3, "Web")
    plans = make_planner(monkeypatch, one, twin, other).plan(read({"name": "SQL", "uid": uid}, {"name": "Web", "uid": uid}))
    assert plans[0].error is not None
    assert plans[0].error.kind == "ambiguous"
    assert find_uid(plans[1]) == other.data["uid"]


def test_a_job_is_kept_by_an_entry_of_its_name_without_backup_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which of the two jobs the entry means is not known, so neither is deleted."""
    jobs = [
        make_job(1, "SQL"),
        make_job(2, "SQL", "vbr02"),
        make_job(3, "Web"),
        make_job(4, "Old"),
        make_job(5, "Old", "vbr02"),
    ]
    planner = make_planner(monkeypatch, *jobs)
    plans = planner.plan(read({"name": "Web", "backup_server": "VBR01"}, {"name": "sql"}))
    assert [one.label for one in planner.find_surplus(plans)] == ["Old on vbr01"]


@pytest.mark.parametrize(("names", "problem"), [(["First"], None), ([], "no job"), (["First", "First"], "several jobs")])
def test_a_job_follows_one_job_of_its_backup_server(
    monkeypatch: pytest.MonkeyPatch, names: list[str], problem: str | None
) -> None:
    jobs = [make_job(number, name) for number, name in enumerate(names)]
    planner = make_planner(monkeypatch, make_job(8, "SQL"), make_job(9, "First", "vbr02"), *jobs)
    (plan,) = planner.plan(read({"name": "SQL", "schedule": {"after_job": "First"}}))
    if problem is None:
        assert plan.error is None
        assert [name for name, _before, _after in plan.differences] == ["schedule"]
    else:
        assert plan.error is not None
        assert f"vbr01 has {problem} of this name" in plan.error.msg


@pytest.mark.parametrize(
    ("failure", "is_of_the_job"),
    [
        (EmError("not_found", "There is no such object."), True),
        (EmError("not_found", "The server answered 404.", status=404), False),
        (EmError("server_error", "The server answered 500.", status=500), False),
        (EmError("connection", "The server cannot be reached."), False),
    ],
)
def test_only_what_is_wrong_with_an_entry_leaves_the_others_possible(
    monkeypatch: pytest.MonkeyPatch, failure: EmError, is_of_the_job: bool
) -> None:
    planner = make_planner(monkeypatch, make_job(1, "SQL"), make_job(2, "Web"), held={"SQL": failure})
    entries = read({"name": "SQL", "objects": [{"ref": hold(1).ref}]}, {"name": "Web", "description": "web"})
    if is_of_the_job:
        first, second = planner.plan(entries)
        assert first.error is failure
        assert second.action == "changed"
    else:
        with pytest.raises(EmError) as caught:
            planner.plan(entries)
        assert caught.value is failure


# ---------------------------------------------------------------------------------------------------------------------
# Objects


@pytest.mark.parametrize(
    ("held", "added", "problem"),
    [
        ([hold(2)], [], None),
        ([hold(3)], [], "2 objects of the type Vm below"),
        ([hold(1), hold(2)], [], "2 objects of the type Vm below"),
    ],
)
def test_of_several_objects_of_one_name_the_one_in_the_job_is_meant(
    monkeypatch: pytest.MonkeyPatch, held: list[HeldObject], added: list[HeldObject], problem: str | None
) -> None:
    planner = make_planner(monkeypatch, make_job(1, "SQL"), held={"SQL": held}, machines=((1, "web01"), (2, "web01")))
    (plan,) = planner.plan(read({"name": "SQL", "objects": [{"name": "web01", "root": "vcenter01"}]}))
    assert plan.added == added
    assert (plan.error.msg if plan.error is not None else "").partition(": ")[2].startswith(problem or "")
    assert (plan.error is None) is (problem is None)


def test_a_hierarchy_root_has_no_objects_of_a_type_of_another_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    planner = make_planner(monkeypatch, make_job(1, "SQL"), held={"SQL": [hold(1)]})
    (plan,) = planner.plan(read({"name": "SQL", "objects": [{"moid": "vm-1", "root": "vcenter01", "type": "HvVmm"}]}))
    assert plan.error is not None
    assert "vcenter01 has no objects of the type HvVmm" in plan.error.msg


# ---------------------------------------------------------------------------------------------------------------------
# Differences as text


def test_the_values_of_settings_are_not_in_a_sentence() -> None:
    (entry,) = read({"name": "SQL"})
    plan = JobPlan(entry, make_job(1, "SQL"), differences=[("settings.JobInfo.Key", "old", "new"), ("description", "a", "b")])
    assert plan.describe() == [
        "SQL on vbr01: settings.JobInfo.Key differs",
        "SQL on vbr01: description is a, in the file b",
    ]


def test_a_new_job_has_nothing_before_in_a_diff() -> None:
    (entry,) = read({"name": "SQL", "backup_server": "vbr01"})
    differences: list[tuple[str, Any, Any]] = [("description", None, "databases")]
    new = JobPlan(entry, None, is_missing=True, differences=differences)
    assert new.format_diff() == ("", "SQL on vbr01:\n  description: databases\n")
    assert JobPlan(entry, make_job(1, "SQL"), differences=differences).format_diff()[0].startswith("SQL on vbr01:\n")
