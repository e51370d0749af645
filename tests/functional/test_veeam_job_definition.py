# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job_definition and veeam_job_definition_info: what is exported, and what is sent to apply it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources import job_entries, job_plan
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_application import JobApplication
from ansible_collections.vbem.rest.plugins.modules import veeam_job_definition, veeam_job_definition_info
from emulator import Emulator, LogEntry

from .harness import Harness, Session, all_versions, all_versions_and_formats

JOB = "SQL Backup"
NEW = "Web Backup"
REPOSITORY = "Default Backup Repository"
VBR01 = "vbr01.vbem.test"
VCENTER = "vcenter01.vbem.test"


def export(harness: Harness, session: Session = None, **params: Any) -> list[dict[str, Any]]:
    """Return the definitions of all jobs, unless some are asked for."""
    result = harness.run(veeam_job_definition_info, session, {}, params)
    assert result["changed"] is False
    jobs: list[dict[str, Any]] = result["jobs"]
    return jobs


def apply(
    harness: Harness, session: Session, jobs: list[dict[str, Any]], *, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job_definition."""
    return harness.run(veeam_job_definition, session, {}, {"jobs": jobs, **params}, check_mode=check_mode)


def writes(em: Emulator) -> list[LogEntry]:
    """Return the requests that change jobs."""
    return [entry for method in ("POST", "PUT", "DELETE") for entry in em.requests(method, "/api/jobs")]


def held(em: Emulator, job: str) -> list[str]:
    return [row.name for row in em.world.objects_of(em.world.job(job))]


def find(jobs: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = (one for one in jobs if one["name"] == name)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Export


@all_versions_and_formats
def test_a_definition_is_complete_and_portable(harness: Harness, em: Emulator) -> None:
    root = em.world.inventory.root(VCENTER)
    assert root is not None
    (job,) = export(harness, em.logon(), names=[JOB])
    assert job == {
        "name": JOB,
        "backup_server": VBR01,
        "job_type": "Backup",
        "description": em.world.job(JOB).description or "",
        "schedule_enabled": True,
        "schedule": {"daily": {"time": "22:00", "days": "everyday"}},
        "retention": {"type": "days", "count": 14},
        "retry": {"times": 3, "wait": 10},
        "objects": [
            {"name": name, "type": "Vm", "moid": f"vm-{number}", "root": VCENTER, "root_id": root.data["uniqueid"]}
            for name, number in (("sql01", 104), ("sql02", 105))
        ],
    }


def test_the_same_is_exported_from_every_version_and_format(harness: Harness, em: Emulator) -> None:
    exports = []
    for version in (12, 13):
        em.switches.update({"version": version})
        for response_format in ("xml", "json"):
            harness.response_format = response_format
            exports.append(export(harness))
    assert all(one == exports[0] for one in exports)
    assert [list(job) for one in exports for job in one] == [list(job) for _one in exports for job in exports[0]]


@all_versions_and_formats
def test_what_was_exported_applies_without_a_change(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = export(harness, session)
    assert len(jobs) == sum(job.kind == "job" for job in em.world.jobs)
    for check_mode in (True, False):
        result = apply(harness, session, copy.deepcopy(jobs), check_mode=check_mode, prune=True, max_changes=0)
        assert (result["changed"], result["jobs"], result["drift"], result["errors"]) == (False, [], [], [])
        assert result["diff"] == {"before": "", "after": ""}
    assert not writes(em)
    assert export(harness, session) == jobs


@all_versions_and_formats
def test_what_no_option_can_express_is_left_out_and_told(harness: Harness, em: Emulator) -> None:
    job = em.world.job(JOB)
    job.schedule = {
        "Standart": {
            **job.schedule_options["Standart"],
            "OptionsPeriodically": {"Kind": "Hours", "FullPeriod": 99, "Enabled": True},
        }
    }
    job.schedule["Standart"]["OptionsDaily"] = {**job.schedule["Standart"]["OptionsDaily"], "Enabled": False}
    session = em.logon()
    result = harness.run(veeam_job_definition_info, session, {}, {"names": [JOB]})
    assert result["left_out"] == [{"name": JOB, "backup_server": VBR01, "options": ["schedule"]}]
    assert "schedule" not in result["jobs"][0]
    assert JOB in harness.warnings[0]
    assert apply(harness, session, result["jobs"])["changed"] is False


@all_versions
def test_jobs_of_some_names_or_of_a_server(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    assert [(one["name"], one["backup_server"]) for one in export(harness, session, names=["daily backup"])] == [
        ("Daily Backup", VBR01),
        ("Daily Backup", "vbr02.vbem.test"),
    ]
    assert {one["backup_server"] for one in export(harness, session, backup_server="VBR02.vbem.test")} == {"vbr02.vbem.test"}
    with harness.failure("not_found") as failure:
        export(harness, session, names=["SQL Bakup"])
    assert "Did you mean SQL Backup" in failure.error.msg
    with harness.failure("not_found") as failure:
        export(harness, session, backup_server="vbr09")
    assert VBR01 in failure.error.msg


@all_versions_and_formats
def test_jobs_of_one_name_on_one_server_are_told_apart(harness: Harness, em: Emulator) -> None:
    twin = em.world.add_job(JOB, server="vbr01")
    session = em.logon()
    jobs = export(harness, session)
    assert {one["uid"] for one in jobs if one["name"] == JOB} == {twin.uid, em.world.job(JOB).uid}
    assert apply(harness, session, jobs, prune=True)["changed"] is False
    (first,) = (one for one in jobs if one.get("uid") == twin.uid)
    first["description"] = "the twin"
    assert apply(harness, session, jobs)["changed"] is True
    assert twin.description == "the twin"
    del first["uid"]
    with harness.failure("partial") as failure:
        apply(harness, session, [first])
    assert "Several jobs" in failure.result["errors"][0]["msg"]


# ---------------------------------------------------------------------------------------------------------------------
# Apply


def change_all(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return definitions of which two jobs differ."""
    jobs = copy.deepcopy(jobs)
    sql = find(jobs, JOB)
    sql["retention"] = {"type": "cycles", "count": 30}
    sql["schedule"] = {"daily": {"time": "21:00", "days": "weekdays"}}
    sql["objects"] = [sql["objects"][0], {"name": "mail01", "root": VCENTER}]
    find(jobs, "Failing Backup")["description"] = "mended"
    return jobs


@all_versions_and_formats
def test_what_differs_is_reported_in_words_and_then_changed(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = change_all(export(harness, session))
    predicted = apply(harness, session, jobs, check_mode=True)
    assert not writes(em)
    sql = f"{JOB} on {VBR01}: "
    assert [line.partition(" (urn:")[0] for line in predicted["drift"]] == [
        f"Failing Backup on {VBR01}: description is {em.world.job('Failing Backup').description}, in the file mended",
        f"{sql}schedule is daily time 22:00 days everyday, in the file daily time 21:00 days weekdays",
        f"{sql}retention is type days count 14, in the file type cycles count 30",
        f"{sql}does not hold mail01",
        f"{sql}holds sql02",
    ]
    assert f"{JOB} on {VBR01}:\n  schedule: daily time 21:00 days weekdays\n" in predicted["diff"]["after"]
    result = apply(harness, session, jobs)
    assert result == predicted
    assert result["changed"] is True
    assert [(one["name"], one["action"], one["differences"]) for one in result["jobs"]] == [
        ("Failing Backup", "changed", ["description"]),
        (JOB, "changed", ["schedule", "retention"]),
    ]
    assert held(em, JOB) == ["sql01", "mail01"]
    assert em.tasks(session) == [], "the tasks were removed"
    count = len(writes(em))
    assert apply(harness, session, jobs)["changed"] is False
    assert len(writes(em)) == count


@all_versions_and_formats
def test_jobs_are_created_from_a_template(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = [
        {
            "name": NEW,
            "backup_server": VBR01,
            "description": "web",
            "schedule": {"after_job": "Second"},
            "objects": [{"name": "web01", "root": VCENTER}],
        },
        {"name": "Second", "backup_server": VBR01, "template": JOB, "schedule_enabled": True},
    ]
    params = {"template": "Daily Backup", "repository": REPOSITORY}
    jobs[0]["template"] = JOB
    predicted = apply(harness, session, jobs, check_mode=True, **params)
    assert predicted["drift"] == [f"{NEW} on {VBR01}: does not exist", f"Second on {VBR01}: does not exist"]
    result = apply(harness, session, jobs, **params)
    assert [one["action"] for one in result["jobs"]] == ["created", "created"]
    assert [one["uid"] for one in result["jobs"]] == [em.world.job(NEW).uid, em.world.job("Second").uid]
    assert held(em, NEW) == ["web01"], "the template's objects are gone"
    assert held(em, "Second") == held(em, JOB), "of which nothing was said"
    assert (
        em.world.job(NEW).schedule_options["Standart"]["OptionsDaisyChaining"]["PreviousJobUid"] == em.world.job("Second").uid
    )
    again = apply(harness, session, jobs, **params)
    assert (again["changed"], again["drift"]) == (False, [])


@all_versions_and_formats
def test_only_prune_deletes_and_only_what_the_file_could_have(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = export(harness, session, backup_server="vbr02.vbem.test")
    gone = jobs.pop(0)
    before = {job.uid for job in em.world.jobs}
    assert apply(harness, session, jobs)["changed"] is False
    predicted = apply(harness, session, jobs, prune=True, check_mode=True)
    assert predicted["drift"] == [f"{gone['name']} on vbr02.vbem.test: is not in the file"]
    result = apply(harness, session, jobs, prune=True)
    assert result == predicted
    assert [one["action"] for one in result["jobs"]] == ["deleted"]
    after = {job.uid for job in em.world.jobs}
    assert before - after == {result["jobs"][0]["uid"]}


@all_versions
def test_nothing_is_deleted_if_something_else_failed(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = export(harness, session, backup_server="vbr02.vbem.test")
    jobs.pop(0)
    jobs.append({"name": "No Template", "backup_server": "vbr02.vbem.test"})
    with harness.failure("partial") as failure:
        apply(harness, session, jobs, prune=True)
    assert failure.result["errors"][0]["name"] == "No Template"
    assert "Not attempted" in failure.result["errors"][1]["msg"]
    assert not em.requests("DELETE", "/api/jobs/")


@all_versions
def test_a_job_whose_name_is_in_the_file_is_never_deleted(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = export(harness, session, backup_server=VBR01)
    em.world.add_job(JOB, server="vbr01")
    with harness.failure("partial") as failure:
        apply(harness, session, jobs, prune=True)
    assert failure.result["drift"] == []
    assert not writes(em)


@all_versions
def test_max_changes(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = change_all(export(harness, session))
    with harness.failure("invalid_option") as failure:
        apply(harness, session, jobs, max_changes=1)
    assert "2 jobs differ" in failure.error.msg
    assert len(failure.result["drift"]) == 5
    assert failure.result["changed"] is False
    assert not writes(em)
    assert apply(harness, session, jobs, max_changes=2)["changed"] is True


@all_versions_and_formats
def test_a_failure_of_one_job_does_not_stop_the_others(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = change_all(export(harness, session))
    find(jobs, "Failing Backup")["settings"] = {"JobScheduleOptions": {"Standart": {"OptionsDaily": {"Kind": "x"}}}}
    find(jobs, "Manual Backup")["objects"] = []
    with harness.failure("partial") as failure:
        apply(harness, session, jobs)
    assert [one["name"] for one in failure.result["errors"]] == ["Failing Backup", "Manual Backup"]
    assert "Requested value 'x' was not found" in failure.result["errors"][0]["msg"]
    assert "2 of" in failure.error.msg
    assert failure.result["changed"] is True
    assert held(em, JOB) == ["sql01", "mail01"], "the others were changed"


@all_versions
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schedule": {"daily": {"time": "24:00", "days": "everyday"}}}, "24:00"),
        ({"retention": {"type": "days", "count": 0}}, "retention.count"),
        ({"objects": [{"ref": "vm-1"}]}, "vm-1"),
        ({"objects": [{"type": "Vm"}]}, "number 1"),
        ({"name": " "}, "number 1"),
    ],
)
def test_a_bad_file_is_refused_before_any_request(harness: Harness, em: Emulator, change: dict[str, Any], words: str) -> None:
    with harness.failure("invalid_option") as failure:
        apply(harness, None, [{"name": JOB, "backup_server": VBR01, **change}])
    assert words in failure.error.msg
    assert not em.log


def test_a_file_with_a_job_twice_is_refused(harness: Harness, em: Emulator) -> None:
    with harness.failure("invalid_option") as failure:
        apply(harness, None, [{"name": JOB, "backup_server": VBR01}, {"name": JOB, "backup_server": VBR01.upper()}])
    assert JOB in failure.error.msg
    with harness.failure("invalid_option"):
        apply(harness, None, [], prune=True)
    assert not em.log


@all_versions
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"job_type": "Replica"}, "cannot be changed"),
        ({"schedule": {"after_job": "No Such Job"}}, "No Such Job"),
        ({"objects": [{"name": "no-such-vm", "root": VCENTER}]}, "no-such-vm"),
        ({"objects": [{"name": "sql01", "root": "vcenter09"}]}, "vcenter09"),
        ({"objects": [{"moid": "vm-104", "root": VCENTER, "root_id": "of another vCenter"}]}, "no name"),
        ({"objects": []}, "without objects"),
        ({"name": "Offsite Copy", "objects": [{"name": "sql01", "root": VCENTER}]}, "no list of objects"),
        ({"name": NEW}, "set template"),
        (
            {"name": NEW, "template": JOB, "repository": REPOSITORY, "job_type": "Replica"},
            "template SQL Backup is of the type Backup",
        ),
    ],
)
def test_what_cannot_be_is_told_of_its_job(harness: Harness, em: Emulator, change: dict[str, Any], words: str) -> None:
    session = em.logon()
    for check_mode in (True, False):
        with harness.failure("partial") as failure:
            apply(harness, session, [{"name": JOB, "backup_server": VBR01, **change}], check_mode=check_mode)
        (error,) = failure.result["errors"]
        assert words in error["msg"]
        assert words in failure.error.msg
        assert failure.result["changed"] is False
    assert not writes(em)


@all_versions
def test_an_object_that_was_added_after_the_plan_is_not_removed(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = JobApplication.run

    def add_first(application: JobApplication) -> dict[str, Any]:
        em.world.add_object(em.world.job(JOB), "web01")
        return carry_out(application)

    monkeypatch.setattr(JobApplication, "run", add_first)
    with harness.failure("partial") as failure:
        apply(harness, em.logon(), [{"name": JOB, "objects": [{"name": "sql01", "root": VCENTER}]}])
    assert "2 objects" in failure.result["errors"][0]["msg"]
    assert held(em, JOB) == ["sql01", "sql02", "web01"]
    assert failure.result["changed"] is False


@all_versions
def test_an_object_needs_its_root_only_where_there_are_several(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = [{"name": JOB, "backup_server": VBR01, "objects": [{"name": "mail01"}]}]
    assert [one["name"] for one in apply(harness, session, jobs)["jobs"][0]["added"]] == ["mail01"]
    em.world.add_root("vcenter02.vbem.test", "vbr01")
    with harness.failure("partial") as failure:
        apply(harness, session, jobs)
    assert "set root to one of vcenter01.vbem.test, vcenter02.vbem.test" in failure.error.msg


# ---------------------------------------------------------------------------------------------------------------------
# To another server


def move(em: Emulator, **root: Any) -> None:
    """Make a second backup server with the same vCenter, of which only names, moids and the unique id are the same."""
    old = em.world.inventory.root(VCENTER)
    assert old is not None
    em.world.add_server("new01.vbem.test")
    new = em.world.add_root(
        root.get("name", VCENTER), "new01.vbem.test", **{"unique_id": old.data["uniqueid"], **root.get("settings", {})}
    )
    em.world.add_repository("New Repository", "new01.vbem.test", 2**40, 2**39)
    for number, name in ((104, "sql01"), (105, "sql02"), (107, "mail01")):
        em.world.add_machine(new, name, moid=f"vm-{number + root.get('shift', 0)}")
    job = em.world.add_job("Seed", server="new01.vbem.test")
    em.world.add_object(job, em.world.inventory.reference(new, em.world.inventory.named("mail01", job.server.uid)))


MOVED = {"backup_servers": {VBR01: "new01.vbem.test"}, "template": "Seed", "repository": "New Repository"}


@all_versions_and_formats
@pytest.mark.parametrize("is_same_vcenter", [True, False])
def test_jobs_move_to_another_server(harness: Harness, em: Emulator, is_same_vcenter: bool) -> None:
    """The platform's own id counts below the same vCenter; below another one of the same name, the name does."""
    move(em, **({} if is_same_vcenter else {"settings": {"unique_id": "other"}, "shift": 1000}))
    session = em.logon()
    jobs = export(harness, session, names=[JOB])
    result = apply(harness, session, jobs, **MOVED)
    assert [one["action"] for one in result["jobs"]] == ["created"]
    (moved,) = (job for job in em.world.jobs if job.name == JOB and job.server.name == "new01.vbem.test")
    refs = [str(row.data["hierarchyobjref"]) for row in em.world.objects_of(moved)]
    root = em.world.inventory.root_of(em.world.inventory.named("sql01", moved.server.uid), moved.server.uid)
    shift = 0 if is_same_vcenter else 1000
    assert refs == [f"urn:VMware:Vm:{root.id}.vm-{104 + shift}", f"urn:VMware:Vm:{root.id}.vm-{105 + shift}"]
    again = apply(harness, session, jobs, **MOVED)
    assert (again["changed"], again["drift"]) == (False, [])
    assert held(em, JOB) == ["sql01", "sql02"]


@all_versions
def test_definitions_that_are_of_one_job_are_refused(harness: Harness, em: Emulator) -> None:
    jobs = [{"name": JOB, "backup_server": VBR01, "description": "one"}, {"name": JOB, "description": "two"}]
    with harness.failure("partial") as failure:
        apply(harness, em.logon(), jobs, check_mode=True)
    assert "number 1 and 2 are of the same job" in failure.error.msg


# ---------------------------------------------------------------------------------------------------------------------
# Requests


@all_versions
def test_a_template_is_looked_up_once(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    jobs = [{"name": f"New {number}", "backup_server": VBR01} for number in range(20)]
    before = len(em.log)
    predicted = apply(harness, session, jobs, check_mode=True, template=JOB, repository=REPOSITORY)
    assert len(predicted["drift"]) == 20
    few = len(em.log) - before
    with harness.failure("partial") as failure:
        apply(harness, session, jobs, check_mode=True, template="No Such Job")
    assert len(failure.result["errors"]) == 20
    assert few <= 4
    assert len(em.log) - before - few <= 4


@all_versions_and_formats
def test_a_check_takes_few_requests(harness: Harness, em: Emulator) -> None:
    for number in range(100):
        job = em.world.add_job(f"Job {number}", server="vbr01")
        for name in ("sql01", "sql02", "web01", "web02"):
            em.world.add_object(job, name)
    session = em.logon()
    jobs = export(harness, session)
    before = len(em.log)
    assert apply(harness, session, jobs, check_mode=True)["drift"] == []
    assert len(em.log) - before <= 3


def test_work_grows_with_the_jobs_and_no_faster(harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may have thousands of jobs, so none is compared with every other."""
    session = em.logon()
    calls = 0

    def count(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(value: Any) -> Any:
            nonlocal calls
            calls += 1
            return function(value)

        return counted

    for module in (job_entries, job_plan):
        for name in ("fold_name", "find_guid"):
            monkeypatch.setattr(module, name, count(getattr(module, name)))
    costs = []
    for part in range(2):
        for number in range(40):
            job = f"Many {part} {number}"
            em.world.add_job(job, server="vbr01")
            em.world.add_object(em.world.job(job), "sql01")
        before = calls
        jobs = export(harness, session)
        assert apply(harness, session, jobs)["changed"] is False
        assert export(harness, session, names=[one["name"] for one in jobs]) == jobs
        costs.append((calls - before) / len(jobs))
    assert costs[1] < 1.2 * costs[0]
