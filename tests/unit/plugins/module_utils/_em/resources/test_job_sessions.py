# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a job's sessions is the latest, which is active, and what a session looks like."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import JobSessions
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import (
    JOB_GUID,
    SessionListClient,
    make_job,
    make_session,
)


def sessions_of(client: SessionListClient) -> JobSessions:
    return JobSessions(cast(Client, client))


def find_last(sessions: list[dict[str, Any]], after: dict[str, Any] | None = None) -> str | None:
    found = sessions_of(SessionListClient(sessions)).find_latest(make_job().data, after=after)
    return str(found["name"]) if found else None


def test_the_latest_of_a_sorted_list_takes_one_page() -> None:
    client = SessionListClient([make_session(number) for number in range(59, 0, -1)])
    assert (sessions_of(client).find_latest(make_job().data) or {})["name"] == "session 59"
    assert client.pages == 1
    assert "sortDesc=CreationTime" in client.paths[0]


def test_the_latest_of_an_unsorted_list() -> None:
    assert find_last([make_session(number) for number in range(1, 60)]) == "session 59"
    assert find_last([]) is None
    assert find_last([make_session(3)]) == "session 3"


def test_sessions_of_other_jobs_do_not_count() -> None:
    other = make_session(50, job_uid="urn:veeam:Job:00000000-0000-0000-0000-000000000000")
    assert find_last([other, make_session(3), make_session(2)]) == "session 3"
    assert find_last([other]) is None


def test_a_session_belongs_to_a_job_by_its_guid() -> None:
    """The reference writes the JobUid of agent and NAS jobs in two ways."""
    assert find_last([make_session(3, job_uid=f"urn:veeam:AgentBackupJob:{JOB_GUID.upper()}")]) == "session 3"


def test_dates_are_compared_as_times() -> None:
    """As text, .5Z is more than .45Z is more than Z, and less than nothing at all."""
    early, late = (make_session(1, creation_time_utc=f"2026-11-23T18:00:10{fraction}Z") for fraction in ("", ".5"))
    late["name"] = "late"
    late["uid"] = "late"
    assert find_last([early, late]) == "late"
    assert find_last([late, early]) == "late"


@pytest.mark.parametrize("newer", [True, False])
def test_the_session_after_another(newer: bool) -> None:
    shown = {"uid": make_session(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    sessions = [make_session(6)] if newer else []
    sessions += [make_session(5), make_session(4)]
    assert find_last(sessions, after=shown) == ("session 6" if newer else None)
    assert find_last(sessions[::-1], after=shown) == ("session 6" if newer else None)


def test_the_session_after_another_of_the_same_time() -> None:
    shown = {"uid": make_session(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    twin = make_session(5, uid="urn:veeam:BackupJobSession:twin", name="twin")
    assert find_last([make_session(5), twin], after=shown) == "twin"


def test_no_session_is_later_than_one_without_a_date() -> None:
    shown = {"uid": make_session(5)["uid"], "creation_time": None}
    assert find_last([make_session(5, creation_time_utc=None), make_session(4)], after=shown) is None


def test_the_active_session_is_the_newest_that_is_not_stopped() -> None:
    sessions = [make_session(1, "Working"), make_session(9, "Stopped"), make_session(7, "Working"), make_session(3, "Starting")]
    found = sessions_of(SessionListClient(sessions)).find_active(make_job().data)
    assert (found or {})["name"] == "session 7"
    assert sessions_of(SessionListClient([make_session(9)])).find_active(make_job().data) is None


def test_replicas_have_sessions_of_their_own_type() -> None:
    for job_type, source in (("Replica", "ReplicaJobSession"), ("Backup", "BackupJobSession"), (None, "BackupJobSession")):
        client = SessionListClient()
        sessions_of(client).find_latest(make_job(job_type=job_type).data)
        assert f"type={source}&" in client.paths[0]
