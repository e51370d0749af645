# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each job session that finishes is emitted once: across polls, pages, equal times, different clocks, faults and restarts."""

from __future__ import annotations

import asyncio
import json
import math
import random
import stat
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from support.tiers import sample

from ansible_collections.vbem.rest.extensions.eda.plugins.event_source import job_sessions
from ansible_collections.vbem.rest.plugins.module_utils._em.events import finished_sessions
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import listing
from emulator.clock import to_datetime
from emulator.restores import start_session

from .watch import SourceHarness, read_log

JOBS = ("SQL Backup", "Daily Backup", "DC Replication", "Linux Agents", "Shared Files", "Offsite Copy")


class KilledError(Exception):
    """Stands in for a kill."""


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("form", ["xml", "json"])
def test_restores_are_told_of_once_if_wanted(harness: SourceHarness, form: str) -> None:
    async def scenario() -> None:
        em = harness.em
        point = next(
            row for row in em.world.table(em.world.catalogue["VmRestorePoint"]) if row.data["vmdisplayname"] == "sql01"
        )

        def restore(outcome: str) -> Any:
            return start_session(em.world, em.world.server("vbr01"), "sql01", point=point, outcome=outcome)

        options = {"response_format": form, "restore_sessions": True, "job_name": ["SQL *"]}
        async with harness.watch(**options) as watch:
            assert watch.events == []
            made, slow = restore("failed"), restore("never")
            await watch.poll()
            assert watch.events == []
            em.clock.advance(60)
            for _poll in range(2):
                await watch.poll()
            slow.ends = em.clock.now() + 5
            slow.outcome = "Success"
            em.clock.advance(7200)
            await watch.poll()
            await watch.poll()
        first, second = watch.events
        assert first.keys() == {"restore_session", "enterprise_manager", "meta"}
        session = first["restore_session"]
        assert (session["uid"], session["vm_name"], session["result"]) == (made.uid, "sql01", "Failed")
        assert session["restore_point_uid"] == point.id
        assert session["duration"] == pytest.approx(made.ends - made.created, abs=0.01)
        assert (session["reason"], "messages" in session) == (None, False)
        assert first["meta"]["uuid"] == made.id
        assert (second["restore_session"]["uid"], second["restore_session"]["result"]) == (slow.uid, "Success")
        async with harness.watch(response_format=form, since="1d") as watch:
            assert not [event for event in watch.events if "restore_session" in event]

    run(scenario())


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("form", ["xml", "json"])
def test_the_content_of_an_event(harness: SourceHarness, form: str) -> None:
    async def scenario() -> None:
        async with harness.watch(response_format=form) as watch:
            assert watch.events == []  # since: now, and the world is full of runs that have ended
            made = harness.end_run("SQL Backup", "failed", seconds=90.0, is_retry=True)
            harness.add_part(made, "sql02", "Warning", "Slow")
            harness.add_part(made, "sql01", "Failed", "Disk full")
            harness.add_part(made, "sql03", "Success", "")
            await watch.poll()
            await watch.poll()
        (event,) = watch.events
        session = event["job_session"]
        assert session.pop("creation_time").startswith(f"{to_datetime(made.created):%Y-%m-%dT%H:%M:%S}")
        assert session.pop("end_time").startswith(f"{to_datetime(made.ends):%Y-%m-%dT%H:%M:%S}")
        assert event == {
            "job_session": {
                "name": made.name,
                "uid": made.uid,
                "job_name": "SQL Backup",
                "job_uid": made.job.uid,
                "job_type": "Backup",
                "backup_server": "vbr01.vbem.test",
                "state": "Stopped",
                "result": "Failed",
                "progress": 100,
                "is_retry": True,
                "failure_message": None,
                "href": f"{harness.em.base_url}/api/backupSessions/{made.id}?format=Entity",
                "duration": pytest.approx(90.0, abs=0.002),
                "reason": "Disk full",
                "messages": [
                    {"name": "sql01", "result": "Failed", "reason": "Disk full"},
                    {"name": "sql02", "result": "Warning", "reason": "Slow"},
                ],
            },
            "enterprise_manager": harness.em.hostname,
            "meta": {"uuid": made.id},
        }
        harness.check_secrets(json.dumps(watch.events))
        assert harness.em.sessions == []

    run(scenario())


@pytest.mark.usefixtures("version")
def test_more_than_a_page_with_the_same_end_time(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run(JOBS[number % len(JOBS)]) for number in range(1100)]
            await watch.poll(2)
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


def test_rows_that_move_between_pages(harness: SourceHarness) -> None:
    """More sessions finish between the first page and the second."""

    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup", ago=number / 1000) for number in range(700)]
            harness.em.fault("slow", path="query", query="page=2", delay=0.6)
            polling = asyncio.ensure_future(watch.poll())
            while not harness.em.requests("GET", "page=2"):
                await asyncio.sleep(0.01)
            harness.em.clock.advance(1)
            made += [harness.end_run("Daily Backup") for _number in range(120)]
            await polling
            await watch.poll()
        assert {entry.query["sortdesc"] for entry in harness.em.requests("GET", "JobSession&")} == {"EndTime"}
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


def test_a_session_that_began_long_ago(harness: SourceHarness) -> None:
    async def scenario() -> None:
        began = harness.begin_run("Offsite Copy", "warning", seconds=3 * 86400.0)
        async with harness.watch() as watch:
            harness.em.clock.advance(86400)
            await watch.poll()
            assert watch.events == []
            harness.em.clock.advance(2 * 86400)
            await watch.poll()
            await watch.poll()
        assert watch.uids == {began.uid: 1}
        assert watch.events[0]["job_session"]["duration"] == pytest.approx(3 * 86400, abs=0.002)

    run(scenario())


def test_every_type_of_job(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            for number, name in enumerate(JOBS):
                harness.end_run(name, ("success", "warning", "failed")[number % 3], ago=60.0 - number)
            await watch.poll()
        assert watch.names == list(JOBS)  # in the order of their ends
        kinds = [event["job_session"]["job_type"] for event in watch.events]
        assert kinds == ["Backup", "Backup", "Replica", "AgentBackup", "NasBackup", "BackupCopy"]

    run(scenario())


# Restarts


def test_a_restart_continues_from_the_checkpoint(harness: SourceHarness) -> None:
    async def scenario() -> None:
        state = {"state_file": str(harness.state_file)}
        owed = harness.begin_run("Offsite Copy", seconds=50_000)
        async with harness.watch(**state) as watch:
            first = harness.end_run("SQL Backup", "failed")
            await watch.poll()
        assert watch.uids == {first.uid: 1}
        assert stat.S_IMODE(harness.state_file.stat().st_mode) == 0o600
        assert [path.name for path in harness.folder.glob("*state*")] == ["state.json"]
        harness.check_secrets(harness.state_file.read_text(encoding="utf-8"))
        harness.em.clock.advance(60_000)  # longer than what each poll reads again
        missed = [harness.end_run(name, ago=55_000 - number) for number, name in enumerate(JOBS)]
        async with harness.watch(**state, since="now") as watch:
            assert watch.uids == {one.uid: 1 for one in [*missed, owed]}
            await watch.poll()
            assert len(watch.events) == len(missed) + 1
        async with harness.watch(**state) as watch:
            await watch.poll()
        assert watch.events == []

    run(scenario())


def test_a_rulebook_killed_before_it_took_the_event(harness: SourceHarness) -> None:
    """An event that was put into the queue, but not taken, is emitted again."""

    async def scenario() -> None:
        state = {"state_file": str(harness.state_file)}
        async with harness.watch(**state) as watch:
            made = [harness.end_run(name, ago=10 - number) for number, name in enumerate(JOBS)]
            watch.taking.clear()
            watch.go.set()
            while len(watch.events) < 1 or watch.queue.empty():  # the consumer was waiting for one already
                await asyncio.sleep(0.01)
        told = list(watch.events)
        async with harness.watch(**state) as watch:
            pass
        assert told[0]["job_session"]["uid"] == made[0].uid
        assert [event["job_session"]["uid"] for event in told + watch.events] == [one.uid for one in made]

    run(scenario())


def test_a_rulebook_killed_before_the_checkpoint_was_written(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """At worst, a kill causes one event to be emitted again, with the same uuid."""

    async def scenario() -> None:
        state = {"state_file": str(harness.state_file)}
        write = job_sessions.append_emitted
        written = 0

        def write_some(*args: Any) -> None:
            nonlocal written
            written += 1
            if written > 2:
                raise KilledError  # no code of the source runs after this but its end
            write(*args)

        async with harness.watch(**state) as watch:
            made = [harness.end_run(name, ago=10 - number) for number, name in enumerate(JOBS)]
            monkeypatch.setattr(job_sessions, "append_emitted", write_some)
            with pytest.raises(KilledError):
                await watch.poll()
        monkeypatch.setattr(job_sessions, "append_emitted", write)
        told = list(watch.events)
        assert len(told) == 3
        async with harness.watch(**state) as watch:
            pass
        again = watch.events[0]
        assert again["meta"]["uuid"] == told[-1]["meta"]["uuid"]
        told += watch.events[1:]
        assert [event["job_session"]["uid"] for event in told] == [one.uid for one in made]

    run(scenario())


def test_confirmations_are_awaited(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch(feedback=True, state_file=str(harness.state_file)) as watch:
            made = [harness.end_run(name, ago=10 - number) for number, name in enumerate(JOBS)]
            await watch.poll()
        assert watch.uids == {one.uid: 1 for one in made}
        emitted = json.loads(harness.state_file.read_text(encoding="utf-8"))["checkpoint"]["emitted"]
        assert {one.id for one in made} <= set(emitted)

    run(scenario())


def test_a_confirmation_that_never_comes(
    harness: SourceHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(job_sessions, "FEEDBACK_TIMEOUT", 0.1)
        async with harness.watch(feedback=True) as watch:
            assert watch.feedback is not None
            feedback, watch.feedback = watch.feedback, None
            harness.end_run("SQL Backup")
            await watch.poll(2)
            assert feedback.empty()
        assert len(watch.events) == 1
        assert "has not confirmed the event of SQL Backup@" in read_log(caplog)

    run(scenario())


def test_without_a_state_file(harness: SourceHarness) -> None:
    async def scenario() -> None:
        harness.end_run("SQL Backup", ago=7200)
        late = harness.end_run("Daily Backup", ago=600)
        moment = to_datetime(harness.em.clock.now() - 1200)
        for since in ("now", "NOW ", None, ""):
            async with harness.watch(since=since) as watch:
                assert watch.events == []
        for since in ("20m", "1200 s", moment.isoformat(), f"{moment:%Y-%m-%dT%H:%M:%SZ}", moment):
            async with harness.watch(since=since) as watch:
                await watch.poll()
                assert watch.uids == {late.uid: 1}, since
        async with harness.watch(since=to_datetime(harness.em.clock.now()) + timedelta(minutes=30)) as watch:
            harness.end_run("SQL Backup")
            await watch.poll()
            assert watch.events == []
            harness.em.clock.advance(3600)
            harness.end_run("Daily Backup")
            await watch.poll()
            assert watch.names == ["Daily Backup"]

    run(scenario())


# Clocks


def test_a_server_whose_clock_is_set_back(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup")]
            await watch.poll()
            for hours in (2, 20):
                harness.em.clock.advance(-hours * 3600)
                await watch.poll()  # by now it is known
                made.append(harness.end_run("Daily Backup"))
                await watch.poll()
                harness.em.clock.advance(hours * 3600)
                made.append(harness.end_run("Daily Backup"))
                await watch.poll()
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


@pytest.mark.parametrize("who", ["server", "source"])
def test_a_clock_that_runs_ahead_for_a_while(harness: SourceHarness, who: str) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup")]
            await watch.poll()
            year = 365 * 86400
            if who == "server":
                harness.em.clock.advance(year)
                harness.ahead = -year
            else:
                harness.ahead = year
            await watch.poll()
            harness.em.clock.advance(-year if who == "server" else 0)
            harness.ahead = 0
            made.append(harness.end_run("SQL Backup"))
            await watch.poll(2)
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


@pytest.mark.parametrize("ahead", [-86400, -600, 600, 86400])
def test_a_source_whose_clock_differs(harness: SourceHarness, ahead: int) -> None:
    async def scenario() -> None:
        harness.ahead = ahead
        made = []
        async with harness.watch() as watch:
            for _number in range(3):
                made.append(harness.end_run("SQL Backup"))
                await watch.poll()
                harness.em.clock.advance(7200)
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


def test_sessions_that_are_listed_late(harness: SourceHarness) -> None:
    """A session of one backup server is listed as finished only after one of another that finished later."""

    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup")]
            await watch.poll()
            made += [harness.end_run("Daily Backup", ago=3000), harness.end_run("DC Replication", ago=3500)]
            await watch.poll(2)
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


@pytest.mark.parametrize("ends", ["long ago", "never", "in the future"])
def test_a_session_that_was_seen_unfinished_is_pending(
    harness: SourceHarness, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever end time the server reports."""

    async def scenario() -> None:
        going_on = harness.begin_run("Offsite Copy"), harness.begin_run("DC Replication")
        async with harness.watch() as watch:
            for one in going_on:
                with harness.em.locked():
                    one.ends = harness.em.clock.now() - (30 * 86400 if ends == "long ago" else 0)
                    if ends != "long ago":
                        values = one.values
                        other = None if ends == "never" else to_datetime(harness.em.clock.now() + 5 * 86400)
                        monkeypatch.setattr(one, "values", lambda *a, v=values, o=other: {**v(*a), "endtime": o})
            harness.em.world.touch()
            await watch.poll()
            assert watch.uids == {one.uid: 1 for one in going_on}
            await watch.poll(2)
            harness.em.clock.advance(7 * 86400)
            await watch.poll(2)
        assert watch.uids == {one.uid: 1 for one in going_on}

    run(scenario())


def test_a_session_that_vanishes_is_not_emitted(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        gone = harness.begin_run("SQL Backup")
        async with harness.watch(state_file=str(harness.state_file)) as watch:
            assert gone.id in harness.state_file.read_text(encoding="utf-8")
            with harness.em.locked():
                gone.visible_from = math.inf
            harness.em.world.touch()
            await watch.poll(4)
            assert gone.id not in harness.state_file.read_text(encoding="utf-8")
        assert watch.events == []
        assert read_log(caplog).count(f"{gone.uid} was not finished when last seen") == 1

    run(scenario())


def test_a_session_that_one_answer_lacks_stays_pending(harness: SourceHarness) -> None:
    """A server that is starting may list nothing; the session has an old end time when it is listed again."""

    async def scenario() -> None:
        made = harness.begin_run("SQL Backup", seconds=60)
        async with harness.watch() as watch:
            harness.em.clock.advance(5 * 3600)
            with harness.em.locked():
                made.visible_from = math.inf
            harness.em.world.touch()
            await watch.poll()
            with harness.em.locked():
                made.visible_from = 0.0
            harness.em.world.touch()
            await watch.poll()
        assert watch.uids == {made.uid: 1}

    run(scenario())


def test_a_session_that_is_listed_hours_late(harness: SourceHarness) -> None:
    """As when Enterprise Manager could not reach a backup server for a night: the session was never seen unfinished."""

    async def scenario() -> None:
        async with harness.watch() as watch:
            made = harness.end_run("SQL Backup", ago=8 * 3600)
            await watch.poll(2 * finished_sessions.FULL_POLL_EVERY)
        assert watch.uids == {made.uid: 1}

    run(scenario())


def test_most_polls_look_back_only_as_far_as_necessary(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.clear_log()
            await watch.poll(20)
        sent = [entry.query["filter"] for entry in harness.em.log if "EndTime" in entry.query.get("filter", "")]
        assert sorted(Counter(sent).values()) == [4, 36], "of two types, two wide looks and eighteen others"

    run(scenario())


@pytest.mark.parametrize("looks", [1, 2, 9])
def test_a_late_result_is_awaited_for_some_polls(harness: SourceHarness, looks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = harness.end_run("SQL Backup", "failed")
            with monkeypatch.context() as patch:
                patch.setattr(made, "outcome", "None")
                for number in range(1, looks + 1):
                    await watch.poll()
                    assert len(watch.events) == (number >= finished_sessions.MAX_POLLS_WITHOUT_RESULT)
            made._last = None
            harness.em.world.touch()
            await watch.poll(3)
        (event,) = watch.events
        assert event["job_session"]["result"] == ("Failed" if looks < finished_sessions.MAX_POLLS_WITHOUT_RESULT else None)

    run(scenario())


# Servers that do not filter or sort


def test_a_server_that_ignores_filters(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        harness.em.world.make_runs(300, every=3600.0)
        iter_resources = listing.iter_resources

        def iter_unfiltered(*args: Any, **given: Any) -> Any:
            return iter_resources(*args, **{**given, "encoded_filter": None})

        for module in (listing, finished_sessions):
            monkeypatch.setattr(module, "iter_resources", iter_unfiltered)
        async with harness.watch() as watch:
            assert watch.events == []
            made = [harness.end_run("SQL Backup", "failed"), harness.end_run("DC Replication", "failed")]
            harness.add_part(made[1], "dc01", "Failed", "No space")
            await watch.poll(2)
        assert watch.uids == {one.uid: 1 for one in made}
        assert [event["job_session"]["reason"] for event in watch.events if "DC" in event["job_session"]["name"]] == [
            "No space"
        ]

    run(scenario())


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("refused", ["sortdesc=", "filter=|sortdesc="])
@pytest.mark.parametrize("status", [400, 500])
def test_a_server_that_refuses_to_sort_or_filter(
    harness: SourceHarness, refused: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        harness.em.world.make_runs(150, every=3600.0)
        harness.em.fault("status", status=status, query=refused, times=None)
        async with harness.watch() as watch:
            assert watch.pauses == [60]
            made = [harness.end_run("SQL Backup", "failed"), harness.end_run("DC Replication")]
            await watch.poll()
            harness.em.clear_log()
            await watch.poll()
            assert len(harness.em.log) <= 3  # what was refused is not tried each time; one look at all pages of one type
        assert watch.uids == {one.uid: 1 for one in made}
        assert ("refuses to filter BackupJobSession" in read_log(caplog)) == ("filter" in refused)

    run(scenario())


@pytest.mark.parametrize("status", [403, 404, 500])
def test_events_do_not_wait_for_reasons_that_are_refused(
    harness: SourceHarness, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        harness.em.fault("status", status=status, query="type=BackupTaskSession", times=None)
        async with harness.watch() as watch:
            made = harness.end_run("SQL Backup", "failed")
            harness.add_part(made, "sql01", "Failed", "Disk full")
            await watch.poll()
        assert [event["job_session"]["messages"] for event in watch.events] == [[]]
        assert "reasons of failed job sessions could not be read" in read_log(caplog)

    run(scenario())


def test_reasons_take_few_requests(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup", "failed") for _number in range(35)]
            for number, one in enumerate(made):
                harness.add_part(one, f"sql{number}", "Failed", f"Reason {number}")
            harness.em.clear_log()
            await watch.poll()
            assert len(harness.em.log) == 2 + 2
        told = {event["job_session"]["uid"]: event["job_session"]["reason"] for event in watch.events}
        assert told == {one.uid: f"Reason {number}" for number, one in enumerate(made)}

    run(scenario())


# All of it


@pytest.mark.parametrize("seed", sample(range(4), [0]))
def test_any_sequence_of_incidents(harness: SourceHarness, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Job sessions begin, finish and are listed late; faults, lost logon sessions, clocks set back and restarts come between the polls."""
    chance = random.Random(seed)
    monkeypatch.setattr(finished_sessions, "IDS_PER_QUERY", 3)
    harness.em.switches.version = chance.choice((12, 13))
    faults: list[dict[str, Any]] = [
        {"effect": effect} for effect in ("reset", "close", "cut", "html", "bad_json", "garbage", "redirect", "expire")
    ]
    faults += [{"effect": "status", "status": status} for status in (404, 429, 500, 502, 503)]

    async def scenario() -> None:
        expected: set[str] = set()
        told: list[str] = []
        active: list[Any] = []
        for _life in range(4):
            async with harness.watch(state_file=str(harness.state_file)) as watch:
                for _round in range(7):
                    for _event in range(chance.randrange(4)):
                        name = chance.choice(JOBS)
                        if chance.random() < 0.4:
                            active.append(harness.begin_run(name, seconds=chance.choice((300.0, 4000.0, 90_000.0))))
                            expected.add(active[-1].uid)
                        else:
                            expected.add(harness.end_run(name, "failed", ago=chance.choice((0.0, 0.0, 500.0, 3000.0))).uid)
                    if chance.random() < 0.5:
                        harness.em.fault(**chance.choice(faults), path="query", skip=chance.randrange(3))
                    if chance.random() < 0.1:
                        harness.em.expire()
                    await watch.poll()
                    if chance.random() < 0.1:
                        harness.em.clear_faults()
                        await watch.poll(2)
                        harness.em.clock.advance(-1800)
                        await watch.poll()
                    harness.em.clock.advance(chance.choice((10, 60, 400)))
                harness.em.clear_faults()
                if chance.random() < 0.7:
                    await watch.poll(2)
            told += watch.uids.elements()
            harness.em.clock.advance(chance.choice((5, 3000, 50_000)))
        harness.em.clock.advance(100_000)
        async with harness.watch(state_file=str(harness.state_file)) as watch:
            await watch.poll()
        told += watch.uids.elements()
        assert sorted(told) == sorted(expected)

    run(scenario())
