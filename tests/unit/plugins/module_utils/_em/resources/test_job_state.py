# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done with a job, by what is known of it; and how polling goes. No network, no clock but a fake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.client.polling import PASSING_KINDS, TimedOut, poll
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import KINDS, EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import find_active_run, find_last_run
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_state import Plan, Wishes, plan, predict
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job

GUID = "6b1c4f8e-0a1d-5f0e-9d7c-2f3f7a3f9a11"
UID = f"urn:veeam:Job:{GUID}"
LINKS = ("Start", "Stop", "Retry", "ToggleScheduleEnabled")


class FakeTransport:
    deadline: float | None = None


class FakeClient:
    """Lists the runs it is given, ten to a page, and sleeps on a clock of its own."""

    def __init__(self, runs: list[dict[str, Any]] | None = None) -> None:
        self.runs = runs or []
        self.paths: list[str] = []
        self.pages = 0
        self.now = 1000.0
        self.slept: list[float] = []
        self.transport = FakeTransport()
        self.filters_runs = True

    def iter_pages(self, path: str, *, list_path: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
        self.paths.append(path)
        for start in range(0, len(self.runs) or 1, 10):
            self.pages += 1
            yield self.runs[start : start + 10]

    def locate(self, href: str) -> str:
        return href

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


def as_client(fake: FakeClient) -> Client:
    return cast(Client, fake)


def make_run(number: int, state: str = "Stopped", result: str | None = "Success", **more: Any) -> dict[str, Any]:
    return {
        "uid": f"urn:veeam:BackupJobSession:{number}",
        "name": f"run {number}",
        "job_uid": UID,
        "state": state,
        "result": result,
        "creation_time_utc": f"2026-11-23T18:{number:02}:00.{number}Z",
        **more,
    }


def make_job(*, enabled: bool | None = True, links: tuple[str, ...] = LINKS, job_type: str | None = "Backup") -> Job:
    row = {"links": [{"rel": rel, "href": f"https://elsewhere:1/api/jobs/{GUID}?action={rel.lower()}"} for rel in links]}
    return Job({"name": "SQL", "uid": UID, "job_type": job_type, "schedule_enabled": enabled}, row)


def make_wishes(**given: Any) -> Wishes:
    defaults = {
        "state": None,
        "schedule_enabled": None,
        "wait_for": "task",
        "wait_timeout": 600,
        "poll_interval": 10,
        "fail_on_warning": False,
    }
    return Wishes(**{**defaults, **given})


ACTIVE = ("Starting", "Working", "Stopping", "Pausing", "Resuming", "Idle", "Something new")


@pytest.mark.parametrize("active", [None, *ACTIVE])
@pytest.mark.parametrize("last", [None, "Success", "Warning", "Failed"])
@pytest.mark.parametrize("state", ["started", "stopped", "retried"])
def test_what_a_state_takes(state: str, active: str | None, last: str | None) -> None:
    runs = [make_run(2, active, "None")] if active else []
    runs += [make_run(1, "Stopped", last)] if last else []
    made = plan(as_client(FakeClient(runs)), make_job(), make_wishes(state=state))
    needed = {
        "started": not active,
        "stopped": bool(active),
        "retried": not active and last in ("Warning", "Failed"),
    }[state]
    action = {"started": "start", "stopped": "stop", "retried": "retry"}[state]
    assert made.action == (f"/api/jobs/{GUID}?action={action}" if needed else None)
    assert made.is_change is needed
    assert made.toggle is None
    assert (made.active or {}).get("uid") == ("urn:veeam:BackupJobSession:2" if active else None)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("wish", [None, True, False])
def test_what_a_schedule_takes(enabled: bool, wish: bool | None) -> None:
    client = FakeClient()
    made = plan(as_client(client), make_job(enabled=enabled), make_wishes(schedule_enabled=wish))
    assert bool(made.toggle) is (wish is not None and wish is not enabled)
    assert made.action is None
    assert client.paths == [], "runs do not matter for that"


def test_start_goes_before_sync() -> None:
    for links, action in (
        (("Sync", "Start"), "start"),
        (("Sync",), "sync"),
    ):
        made = plan(as_client(FakeClient()), make_job(links=links), make_wishes(state="started"))
        assert (made.action or "").endswith(action)


@pytest.mark.parametrize(
    ("wish", "runs"),
    [
        ({"state": "started"}, []),
        ({"state": "stopped"}, [make_run(1, "Working", None)]),
        ({"state": "retried"}, [make_run(1, "Stopped", "Failed")]),
        ({"schedule_enabled": False}, []),
    ],
    ids=str,
)
def test_a_job_without_the_link_is_refused_in_a_sentence(wish: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    job = make_job(links=("Alternate",), job_type=None)
    with pytest.raises(EmError) as caught:
        plan(as_client(FakeClient(runs)), job, make_wishes(**wish))
    assert caught.value.kind == "invalid_option"
    assert "SQL" in caught.value.msg
    assert next(iter(wish)) in caught.value.msg
    assert "None" not in caught.value.msg
    assert caught.value.result["job"] == job.shown


def test_a_job_that_is_as_wished_needs_no_link() -> None:
    job = make_job(links=())
    assert not plan(as_client(FakeClient()), job, make_wishes(state="stopped", schedule_enabled=True)).is_change


def test_the_prediction() -> None:
    job = make_job(enabled=False)
    active = {"uid": "x"}
    result = predict(job, make_wishes(schedule_enabled=True), Plan("/api/x", None, active, active))
    assert result == {"changed": True, "job": {**job.shown, "schedule_enabled": True}, "task": None, "job_session": active}
    assert job.shown["schedule_enabled"] is False, "the job itself is as it was"
    assert predict(job, make_wishes(), Plan(None, None, None, None))["changed"] is False
    assert predict(job, make_wishes(), Plan(None, "/api/y", None, None))["changed"] is True


# ---------------------------------------------------------------------------------------------------------------------
# The last run, the active run


def find_last(runs: list[dict[str, Any]], after: dict[str, Any] | None = None) -> str | None:
    found = find_last_run(as_client(FakeClient(runs)), make_job().shown, after=after)
    return str(found["name"]) if found else None


def test_the_newest_run_of_sorted_ones_takes_one_page() -> None:
    client = FakeClient([make_run(number) for number in range(59, 0, -1)])
    assert (find_last_run(as_client(client), make_job().shown) or {})["name"] == "run 59"
    assert client.pages == 1
    assert "sortDesc=CreationTime" in client.paths[0]


def test_the_newest_run_of_unsorted_ones() -> None:
    assert find_last([make_run(number) for number in range(1, 60)]) == "run 59"
    assert find_last([]) is None
    assert find_last([make_run(3)]) == "run 3"


def test_runs_of_other_jobs_do_not_count() -> None:
    other = make_run(50, job_uid="urn:veeam:Job:00000000-0000-0000-0000-000000000000")
    assert find_last([other, make_run(3), make_run(2)]) == "run 3"
    assert find_last([other]) is None


def test_the_job_of_a_run_is_told_by_its_id_whatever_the_urn_says() -> None:
    """The reference writes the JobUid of agents and file shares in two ways."""
    assert find_last([make_run(3, job_uid=f"urn:veeam:AgentBackupJob:{GUID.upper()}")]) == "run 3"


def test_dates_are_compared_as_moments() -> None:
    """As text, .5Z is more than .45Z is more than Z, and less than nothing at all."""
    early, late = (make_run(1, creation_time_utc=f"2026-11-23T18:00:10{fraction}Z") for fraction in ("", ".5"))
    late["name"] = "late"
    late["uid"] = "late"
    assert find_last([early, late]) == "late"
    assert find_last([late, early]) == "late"


@pytest.mark.parametrize("newer", [True, False])
def test_the_run_after_another(newer: bool) -> None:
    shown = {"uid": make_run(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    runs = [make_run(6)] if newer else []
    runs += [make_run(5), make_run(4)]
    assert find_last(runs, after=shown) == ("run 6" if newer else None)
    assert find_last(runs[::-1], after=shown) == ("run 6" if newer else None)


def test_the_run_after_another_of_the_same_moment() -> None:
    shown = {"uid": make_run(5)["uid"], "creation_time": "2026-11-23T18:05:00.5Z"}
    twin = make_run(5, uid="urn:veeam:BackupJobSession:twin", name="twin")
    assert find_last([make_run(5), twin], after=shown) == "twin"


def test_the_run_after_one_without_a_date() -> None:
    shown = {"uid": make_run(5)["uid"], "creation_time": None}
    assert find_last([make_run(5, creation_time_utc=None), make_run(4)], after=shown) is None


def test_the_active_run_is_the_newest_that_has_not_stopped() -> None:
    runs = [make_run(1, "Working"), make_run(9, "Stopped"), make_run(7, "Working"), make_run(3, "Starting")]
    found = find_active_run(as_client(FakeClient(runs)), make_job().shown)
    assert (found or {})["name"] == "run 7"
    assert find_active_run(as_client(FakeClient([make_run(9)])), make_job().shown) is None


def test_replicas_have_runs_of_their_own_type() -> None:
    for job_type, source in (("Replica", "ReplicaJobSession"), ("Backup", "BackupJobSession"), (None, "BackupJobSession")):
        client = FakeClient()
        find_last_run(as_client(client), make_job(job_type=job_type).shown)
        assert f"type={source}&" in client.paths[0]


# ---------------------------------------------------------------------------------------------------------------------
# Polling


def fail(kind: str) -> EmError:
    return EmError(kind, f"It was {kind}.")


def run_poll(client: FakeClient, answers: list[Any], **settings: Any) -> Any:
    asked = iter(answers)

    def look() -> Any:
        assert client.transport.deadline is not None
        answer = next(asked)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    try:
        return poll(as_client(client), look, **{"deadline": client.now + 600, "poll_interval": 10, **settings})
    finally:
        assert client.transport.deadline is None, "the deadline is for polls only"


def test_the_first_look_is_at_once_unless_a_pause_is_wished() -> None:
    client = FakeClient()
    assert run_poll(client, ["seen"]) == "seen"
    assert client.slept == []
    assert run_poll(client, ["seen"], pause_first=True) == "seen"
    assert len(client.slept) == 1


def test_pauses_grow_up_to_the_interval_and_never_further() -> None:
    client = FakeClient()
    assert run_poll(client, [None] * 30 + ["seen"]) == "seen"
    assert client.slept[0] <= 0.25
    assert 9 <= client.slept[-1] <= 10
    assert max(client.slept) <= 10
    client = FakeClient()
    run_poll(client, [None] * 60 + ["seen"], poll_interval=100000, deadline=1e9)
    assert max(client.slept) <= 300, "an idle session must not be lost by waiting"


@pytest.mark.parametrize("kind", KINDS)
def test_which_failures_pass(kind: str) -> None:
    client = FakeClient()
    if kind in PASSING_KINDS:
        assert run_poll(client, [fail(kind), None, fail(kind), "seen"]) == "seen"
        assert len(client.slept) == 3
        return
    with pytest.raises(EmError) as caught:
        run_poll(client, [None, fail(kind)])
    assert caught.value.kind == kind


def test_only_these_pass() -> None:
    assert set(PASSING_KINDS) == {"connection", "timeout", "server_error", "bad_response"}


def test_an_interruption_is_no_fault() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_poll(FakeClient(), [KeyboardInterrupt()])


@pytest.mark.parametrize("wait", [0, 1, 60])
def test_the_deadline_is_kept_to_the_moment(wait: int) -> None:
    client = FakeClient()
    end = run_poll(client, [None] * 100, deadline=1000.0 + wait)
    assert isinstance(end, TimedOut)
    assert end.trouble is None
    assert end.explain() == ""
    assert client.now == pytest.approx(1000.0 + wait)


def test_only_the_trouble_of_the_last_poll_is_told() -> None:
    end = run_poll(FakeClient(), [fail("timeout")] * 100, deadline=1010.0)
    assert isinstance(end, TimedOut)
    assert end.trouble is not None
    assert "It was timeout." in end.explain()
    end = run_poll(FakeClient(), [fail("timeout")] + [None] * 100, deadline=1010.0)
    assert isinstance(end, TimedOut)
    assert end.trouble is None
