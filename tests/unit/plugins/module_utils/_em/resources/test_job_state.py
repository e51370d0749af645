# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to bring a job to a state, and how that is carried out."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import JobSessions
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_state import (
    DesiredState,
    Plan,
    create_check_mode_result,
    plan,
)
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import (
    JOB_GUID,
    SessionListClient,
    make_job,
    make_session,
)


def sessions_of(client: SessionListClient) -> JobSessions:
    return JobSessions(cast(Client, client))


def desire(**given: Any) -> DesiredState:
    defaults = {
        "state": None,
        "schedule_enabled": None,
        "wait_for": "task",
        "wait_timeout": 600,
        "poll_interval": 10,
        "fail_on_warning": False,
    }
    return DesiredState(**{**defaults, **given})


RUNNING = ("Starting", "Working", "Pausing", "Resuming", "Idle", "Something new")


@pytest.mark.parametrize("active", [None, *RUNNING])
@pytest.mark.parametrize("last", [None, "Success", "Warning", "Failed"])
@pytest.mark.parametrize("state", ["started", "stopped", "retried"])
def test_the_action_for_a_state(state: str, active: str | None, last: str | None) -> None:
    sessions = [make_session(2, active, "None")] if active else []
    sessions += [make_session(1, "Stopped", last)] if last else []
    planned = plan(sessions_of(SessionListClient(sessions)), make_job(), desire(state=state))
    needed = {
        "started": not active,
        "stopped": bool(active),
        "retried": not active and last in ("Warning", "Failed"),
    }[state]
    action = {"started": "start", "stopped": "stop", "retried": "retry"}[state]
    assert planned.action == (f"/api/jobs/{JOB_GUID}?action={action}" if needed else None)
    assert planned.is_change is needed
    assert planned.toggle is None
    assert (planned.active or {}).get("uid") == ("urn:veeam:BackupJobSession:2" if active else None)


@pytest.mark.parametrize(("state", "acts"), [("started", True), ("retried", True), ("stopped", False)])
def test_a_run_that_is_stopping_is_neither_running_nor_stopped(state: str, acts: bool) -> None:
    stopping = make_session(2, "Stopping", "None")
    planned = plan(sessions_of(SessionListClient([stopping, make_session(1)])), make_job(), desire(state=state))
    assert bool(planned.action) is acts
    assert (planned.ending or {}).get("uid") == (stopping["uid"] if acts else None), "it has to end first"
    assert (planned.active or {}).get("uid") == (None if acts else stopping["uid"]), "it is not what was asked for"


@pytest.mark.parametrize(
    ("state", "links", "action"),
    [
        ("started", ("Sync", "Stop"), "sync"),
        ("started", ("Start", "Sync", "Stop"), None),
        ("stopped", ("Sync", "Stop"), None),
        ("stopped", ("Start", "Stop"), "stop"),
        ("retried", ("Sync", "Stop", "Retry"), None),
    ],
)
def test_idle_is_not_running_for_a_job_that_is_synchronised(state: str, links: tuple[str, ...], action: str | None) -> None:
    idle = make_session(2, "Idle", "None")
    planned = plan(sessions_of(SessionListClient([idle, make_session(1)])), make_job(links=links), desire(state=state))
    assert (planned.action or "").rpartition("=")[2] == (action or "")


def test_the_end_of_a_session_that_stays_open_is_not_awaited() -> None:
    sessions = sessions_of(SessionListClient([make_session(2, "Idle", "None")]))
    with pytest.raises(EmError, match="stays open \\(Idle\\) between two synchronisations") as caught:
        plan(sessions, make_job(links=("Sync",)), desire(state="started", wait_for="session"))
    assert caught.value.kind == "invalid_option"


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("option", [None, True, False])
def test_the_action_for_a_schedule(enabled: bool, option: bool | None) -> None:
    client = SessionListClient()
    planned = plan(sessions_of(client), make_job(enabled=enabled), desire(schedule_enabled=option))
    assert bool(planned.toggle) is (option is not None and option is not enabled)
    assert planned.action is None
    assert client.paths == [], "sessions are not read for that"


def test_start_takes_precedence_over_sync() -> None:
    for links, action in (
        (("Sync", "Start"), "start"),
        (("Sync",), "sync"),
    ):
        planned = plan(sessions_of(SessionListClient()), make_job(links=links), desire(state="started"))
        assert (planned.action or "").endswith(action)


@pytest.mark.parametrize(
    ("option", "sessions"),
    [
        ({"state": "started"}, []),
        ({"state": "stopped"}, [make_session(1, "Working", None)]),
        ({"state": "retried"}, [make_session(1, "Stopped", "Failed")]),
        ({"schedule_enabled": False}, []),
    ],
    ids=str,
)
def test_a_job_without_the_link_does_not_support_the_state(option: dict[str, Any], sessions: list[dict[str, Any]]) -> None:
    job = make_job(links=("Alternate",), job_type=None)
    with pytest.raises(EmError) as caught:
        plan(sessions_of(SessionListClient(sessions)), job, desire(**option))
    assert caught.value.kind == "invalid_option"
    assert "SQL" in caught.value.msg
    assert next(iter(option)) in caught.value.msg
    assert "None" not in caught.value.msg
    assert caught.value.result["job"] == job.data


def test_a_job_in_the_desired_state_needs_no_link() -> None:
    job = make_job(links=())
    assert not plan(sessions_of(SessionListClient()), job, desire(state="stopped", schedule_enabled=True)).is_change


def test_the_result_of_check_mode() -> None:
    job = make_job(enabled=False)
    active = {"uid": "x"}
    result = create_check_mode_result(job, desire(schedule_enabled=True), Plan("/api/x", None, active, active, None))
    assert result == {"changed": True, "job": {**job.data, "schedule_enabled": True}, "task": None, "job_session": active}
    assert job.data["schedule_enabled"] is False, "the job itself is unchanged"
    assert create_check_mode_result(job, desire(), Plan(None, None, None, None, None))["changed"] is False
    assert create_check_mode_result(job, desire(), Plan(None, "/api/y", None, None, None))["changed"] is True


@pytest.mark.parametrize("option", [True, False])
def test_an_unknown_schedule_is_not_toggled(option: bool) -> None:
    job = make_job(enabled=None)
    with pytest.raises(EmError, match="does not say whether the schedule of SQL is enabled") as caught:
        plan(sessions_of(SessionListClient()), job, desire(schedule_enabled=option))
    assert caught.value.kind == "bad_response"
    assert caught.value.result == {"job": job.data}


@pytest.mark.parametrize("state", ["started", "stopped", "retried"])
def test_an_empty_answer_to_the_filter_by_state_is_checked(state: str) -> None:
    client = SessionListClient([make_session(1)])
    planned = plan(sessions_of(client), make_job(), desire(state=state))
    assert "State" not in unquote(client.paths[-1])
    assert planned.latest is not None


def test_an_active_session_that_a_filter_by_state_hides() -> None:
    """The filter by state may hide it; the newest session shows it."""

    class Hiding(SessionListClient):
        def iter_pages(self, path: str, *, list_path: tuple[str, ...]) -> Any:
            pages = super().iter_pages(path, list_path=list_path)
            return iter([[]]) if "State" in path else pages

    planned = plan(sessions_of(Hiding([make_session(2, "Working", "None")])), make_job(), desire(state="stopped"))
    assert planned.active == planned.latest
    assert planned.active is not None
    assert (planned.action or "").endswith("action=stop")
