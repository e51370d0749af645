# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_job on servers that list late, whose clocks differ, and whose tasks lead to the wrong session."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.tiers import sample

from emulator import Emulator

from .harness import Harness, all_versions, all_versions_and_formats
from .test_veeam_job import actions, run_job, start


def _follow(harness: Harness, session: Any = None, name: str = "SQL Backup", **params: Any) -> dict[str, Any]:
    return run_job(harness, session, **{"name": name, "state": "started", "wait_for": "session", **params})


# ---------------------------------------------------------------------------------------------------------------------
# What is listed late is not yet gone


@all_versions_and_formats
@pytest.mark.parametrize("wait_for", ["task", "nothing"])
@pytest.mark.parametrize("related_link", [True, False])
def test_stopped_right_after_started_stops_the_run(
    harness: Harness, em: Emulator, *, wait_for: str, related_link: bool
) -> None:
    if wait_for == "nothing" and not related_link:
        pytest.skip("nothing leads to a run that is neither listed nor linked")
    em.switches.update({"run_delay": 20.0, "run_duration": 5000, "related_link": related_link})
    session = em.logon()
    run_job(harness, session, name="SQL Backup", state="started", wait_for=wait_for)
    result = run_job(harness, session, name="SQL Backup", state="stopped", wait_for="session")
    assert result["changed"] is True
    assert result["job_session"]["state"] == "Stopped"
    assert len(actions(em)) == 2


@all_versions
def test_started_again_at_once_is_no_failure(harness: Harness, em: Emulator) -> None:
    em.switches.update({"run_delay": 20.0, "run_duration": 5000})
    session = em.logon()
    first = run_job(harness, session, name="SQL Backup", state="started")
    again = run_job(harness, session, name="SQL Backup", state="started")
    assert [first["changed"], again["changed"]] == [True, False]
    assert again["job_session"]["uid"] == first["job_session"]["uid"]


@all_versions
def test_a_run_that_is_never_listed_is_a_warning(harness: Harness, em: Emulator) -> None:
    em.switches.update({"run_delay": 10_000.0, "related_link": False})
    result = run_job(harness, em.logon(), name="SQL Backup", state="started")
    assert (result["changed"], result["job_session"]) == (True, None)
    (warning,) = harness.warnings
    assert "is not listed yet" in warning


@all_versions_and_formats
def test_a_schedule_that_is_listed_late(harness: Harness, em: Emulator) -> None:
    em.switches.schedule_delay = 8.0
    session = em.logon()
    for wanted in (False, False, True):
        result = run_job(harness, session, name="SQL Backup", schedule_enabled=wanted)
        assert result["job"]["schedule_enabled"] is wanted
    assert len(actions(em)) == 2


# ---------------------------------------------------------------------------------------------------------------------
# A link is no proof


@all_versions_and_formats
@pytest.mark.parametrize("related_run", ["other_job", "old"])
def test_a_task_that_leads_to_another_run(harness: Harness, em: Emulator, related_run: str) -> None:
    """The job has failed, whatever the link leads to."""
    em.switches.related_run = related_run
    em.world.job("SQL Backup").script = ["failed"]
    with harness.failure("job_failed") as caught:
        _follow(harness, em.logon())
    session = caught.result["job_session"]
    assert session["job_uid"] == em.world.job("SQL Backup").uid
    assert session["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid


# ---------------------------------------------------------------------------------------------------------------------
# A run that is stopping


@all_versions
@pytest.mark.parametrize("wait_for", ["task", "session"])
def test_started_waits_for_the_end_of_a_run_that_is_stopping(harness: Harness, em: Emulator, wait_for: str) -> None:
    em.switches.update({"run_duration": 5000, "run_stopping": 60.0})
    session = em.logon()
    before = start(em, "SQL Backup")
    run_job(harness, session, name="SQL Backup", state="stopped", wait_for="nothing")
    em.switches.run_duration = 100
    result = _follow(harness, session, wait_for=wait_for)
    assert result["changed"] is True
    assert result["job_session"]["uid"] != before.uid
    assert result["job_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid


@all_versions
def test_stopped_does_not_stop_a_run_that_is_stopping(harness: Harness, em: Emulator) -> None:
    em.switches.update({"run_duration": 5000, "run_stopping": 60.0})
    session = em.logon()
    run = start(em, "SQL Backup")
    run_job(harness, session, name="SQL Backup", state="stopped", wait_for="nothing")
    result = run_job(harness, session, name="SQL Backup", state="stopped", wait_for="session")
    assert (result["changed"], result["job_session"]["uid"]) == (False, run.uid)
    assert result["job_session"]["state"] == "Stopped"
    assert len(actions(em)) == 1


@all_versions
def test_a_run_that_does_not_stop_in_time_is_told(harness: Harness, em: Emulator) -> None:
    em.switches.update({"run_duration": 5000, "run_stopping": 4000.0})
    session = em.logon()
    start(em, "SQL Backup")
    run_job(harness, session, name="SQL Backup", state="stopped", wait_for="nothing")
    with harness.failure("wait_timeout") as caught:
        run_job(harness, session, name="SQL Backup", state="started", wait_timeout=100)
    assert "its previous run has not ended" in caught.error.msg
    assert caught.result["changed"] is False
    assert len(actions(em)) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Clocks


# Skews, durations and delays.
CORNERS = [(skew, lasts, late) for skew in (-60.0, 0.0, 60.0) for lasts in (0.0, 90.0) for late in (0.0, 30.0)]
BETWEEN = (-5.0, 3.0, 4.0)


def _draw_clocks() -> list[tuple[float, float, float]]:
    """Return some skews, durations and delays between the corners."""
    chance = random.Random(16)
    return [(chance.uniform(-60, 60), chance.uniform(0, 90), chance.uniform(0, 30)) for _number in range(12)]


@all_versions
@pytest.mark.parametrize("related_link", [True, False])
@pytest.mark.parametrize(("skew", "lasts", "late"), sample([BETWEEN, *CORNERS, *_draw_clocks()], [BETWEEN, *CORNERS]))
def test_a_good_backup_is_good_whatever_the_clocks_say(
    harness: Harness, em: Emulator, *, skew: float, lasts: float, late: float, related_link: bool
) -> None:
    em.switches.update(
        {
            "server_clock_skew": skew,
            "run_duration": lasts,
            "run_listed_after_end": late,
            "related_link": related_link,
        }
    )
    result = _follow(harness, em.logon(), wait_timeout=600)
    assert result["job_session"]["result"] == "Success"
    assert result["job_session"]["uid"] == em.world.runs_of(em.world.job("SQL Backup"))[-1].uid


# ---------------------------------------------------------------------------------------------------------------------
# Sessions that stay open, and retries of the backup server's own


@all_versions
def test_a_copy_job_that_is_idle_is_synchronised(harness: Harness, em: Emulator) -> None:
    em.switches.copies_idle = True
    session = em.logon()
    first = run_job(harness, session, name="Offsite Copy", state="started")
    em.clock.advance(100)
    again = run_job(harness, session, name="Offsite Copy", state="started")
    assert [first["changed"], again["changed"]] == [True, True]
    em.clock.advance(100)
    assert run_job(harness, session, name="Offsite Copy", state="stopped")["changed"] is False
    with harness.failure("invalid_option") as caught:
        _follow(harness, session, "Offsite Copy")
    assert "stays open (Idle)" in caught.error.msg
    assert len(actions(em)) == 2


@all_versions
def test_a_wait_for_a_session_that_becomes_idle_ends_early(harness: Harness, em: Emulator) -> None:
    em.switches.copies_idle = True
    began = em.clock.now()
    with harness.failure("invalid_option") as caught:
        _follow(harness, em.logon(), "Offsite Copy")
    assert "stays open (Idle)" in caught.error.msg
    assert caught.result["changed"] is True
    assert em.clock.now() - began < 60


@all_versions
@pytest.mark.parametrize(("wait_for_retries", "fails"), [(0, True), (20, True), (120, False)])
def test_the_backup_servers_own_retry(harness: Harness, em: Emulator, wait_for_retries: int, fails: bool) -> None:
    em.switches.update({"auto_retries": 2, "auto_retry_wait": 60.0, "run_duration": 30})
    em.world.job("SQL Backup").script = ["failed", "failed", "success"]
    session = em.logon()
    if fails:
        with harness.failure("job_failed"):
            _follow(harness, session, wait_for_retries=wait_for_retries)
    else:
        result = _follow(harness, session, wait_for_retries=wait_for_retries)
        assert (result["job_session"]["result"], result["job_session"]["is_retry"]) == ("Success", True)
    assert len(actions(em)) == 1
