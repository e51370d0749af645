# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job, state absent: when a job is deleted, and when it is not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_lifecycle import JobLifecycle
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job
from ansible_collections.vbem.rest.plugins.modules import veeam_job
from emulator import Emulator

from .harness import Harness, Session, all_versions, all_versions_and_formats

JOB = "SQL Backup"


def remove(
    harness: Harness, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
) -> dict[str, Any]:
    """Run veeam_job for state absent of SQL Backup, unless told otherwise."""
    name = {} if "uid" in params else {"name": JOB}
    return harness.run(veeam_job, session, options or {}, {**name, "state": "absent", **params}, check_mode=check_mode)


def has_job(em: Emulator, name: str = JOB) -> bool:
    return name in [job.name for job in em.world.jobs]


@all_versions_and_formats
def test_a_job_is_deleted_once(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    predicted = remove(harness, session, check_mode=True)
    assert has_job(em)
    result = remove(harness, session)
    assert not has_job(em)
    assert (predicted["changed"], result["changed"]) == (True, True)
    assert result["diff"] == predicted["diff"] == {"before": "job: SQL Backup\n", "after": "job: none\n"}
    assert result["job"]["name"] == JOB
    assert em.tasks(session) == [], "the task was removed"
    again = remove(harness, session)
    assert (again["changed"], again["job"]) == (False, None)
    assert len(em.requests("DELETE", "/api/jobs/")) == 1


@all_versions_and_formats
def test_a_run_is_awaited(harness: Harness, em: Emulator) -> None:
    run = em.world.start_run(em.world.job(JOB))
    em.clock.advance(1.0)
    result = remove(harness, em.logon())
    assert not has_job(em)
    assert run.stop_asked is None
    assert result["job_session"]["uid"] == run.uid


@all_versions_and_formats
def test_a_run_that_goes_on_keeps_its_job(harness: Harness, em: Emulator) -> None:
    em.world.start_run(em.world.job(JOB))
    em.clock.advance(1.0)
    with harness.failure("wait_timeout") as failure:
        remove(harness, em.logon(), wait_timeout=0)
    assert "force" in failure.error.msg
    assert failure.result["changed"] is False
    assert has_job(em)
    assert not em.requests("DELETE", "/api/jobs/")


@all_versions_and_formats
def test_force_stops_the_run(harness: Harness, em: Emulator) -> None:
    run = em.world.start_run(em.world.job(JOB))
    em.clock.advance(1.0)
    assert remove(harness, em.logon(), force=True)["changed"] is True
    assert run.stop_asked is not None
    assert not has_job(em)


@all_versions
def test_a_job_of_another_server_stays(harness: Harness, em: Emulator) -> None:
    with harness.failure("ambiguous"):
        remove(harness, em.logon(), name="Daily Backup")
    uid = em.world.job("Daily Backup", "vbr01").uid
    remove(harness, em.logon(), name="Daily Backup", backup_server="vbr02.vbem.test")
    assert [job.uid for job in em.world.jobs if job.name == "Daily Backup"] == [uid]


@all_versions
def test_a_job_that_is_on_another_server_only_stays(harness: Harness, em: Emulator) -> None:
    assert remove(harness, em.logon(), backup_server="vbr02.vbem.test")["changed"] is False
    assert has_job(em)


@all_versions_and_formats
def test_a_refusal_is_told_at_once(harness: Harness, em: Emulator) -> None:
    em.fault("status", status=500, method="DELETE", path="/api/jobs/")
    with harness.failure("server_error") as failure:
        remove(harness, em.logon())
    assert failure.result["changed"] is False
    assert has_job(em)
    assert sum(harness.slept) < 5, "nothing is waited for"


@all_versions
@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_job_that_another_client_deletes_first_is_no_change_unless_it_was_stopped(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, is_stopped: bool
) -> None:
    send = JobLifecycle._delete

    def delete_first(lifecycle: JobLifecycle, job: Job) -> None:
        em.world.remove_job(em.world.job(JOB))
        send(lifecycle, job)

    monkeypatch.setattr(JobLifecycle, "_delete", delete_first)
    if is_stopped:
        em.world.start_run(em.world.job(JOB))
        em.clock.advance(1.0)
    assert remove(harness, em.logon(), force=True)["changed"] is is_stopped
    assert em.requests("DELETE", "/api/jobs/")
