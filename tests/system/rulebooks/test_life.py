# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source from start to end: arguments, faults, lost sessions, restarts of the server, and cancellation."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import stat
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from support.places import ROOT
from support.processes import SAFETY_NET
from support.tiers import thorough

from ansible_collections.vbem.rest.extensions.eda.plugins.event_source import job_sessions
from ansible_collections.vbem.rest.plugins.module_utils._em.events import checkpoint, finished_sessions
from ansible_collections.vbem.rest.plugins.module_utils._em.events.checkpoint import read_checkpoint
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, Option
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import REFUSALS
from emulator import Emulator

from .watch import SourceHarness, read_log

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_events.rst"
FAULTS: list[dict[str, Any]] = [
    *({"effect": effect} for effect in ("reset", "close", "cut", "html", "bad_json", "garbage", "redirect")),
    *({"effect": effect, "when": "after"} for effect in ("reset", "close", "cut")),
    *({"effect": "status", "status": status} for status in (404, 408, 429, 500, 502, 503, 504)),
    {"effect": "status", "status": 503, "body": "html", "retry_after": 3600},
    {"effect": "slow", "delay": 3.3},
]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=thorough if fault["effect"] == "slow" else ()) for fault in FAULTS],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_a_fault_delays_events_and_loses_none(
    harness: SourceHarness, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with harness.watch(timeout=3 if fault["effect"] == "slow" else 60) as watch:
            made = [harness.end_run("SQL Backup", "failed", ago=2.0), harness.end_run("DC Replication", "failed", ago=1.0)]
            harness.add_part(made[0], "sql01", "Failed", "Disk full")
            # What may be the refusal of a filter or an order is tried without them within the same poll.
            requests_per_poll = 3 if fault.get("status") in REFUSALS else 1
            harness.em.fault(**fault, path="query", times=3 * requests_per_poll)
            assert await watch.poll() == 1
            assert watch.events == []
            assert await watch.poll() == 2
            assert await watch.poll() == 4
            assert await watch.poll() == 60
            await watch.poll()
        assert watch.uids == {one.uid: 1 for one in made}
        assert watch.events[0]["job_session"]["reason"] == "Disk full"
        assert harness.count_logons() == 1
        assert harness.em.sessions == []
        log = read_log(caplog)
        assert log.count("Retrying in") == 3
        assert log.count("answers again") == 1
        harness.check_secrets(log)

    run(scenario())


def test_a_fault_between_pages_or_types(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run(name, "failed") for name in ("SQL Backup", "DC Replication") for _number in range(520)]
            for where in ("page=2", "type=ReplicaJobSession", "type=BackupTaskSession"):
                harness.em.fault("reset", query=where)
                assert await watch.poll() < 60
                assert watch.events == []
            await watch.poll()
        assert watch.uids == {one.uid: 1 for one in made}

    run(scenario())


def test_pauses_grow_while_errors_last(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.fault("status", status=503, times=None)
            await watch.poll(12)
            assert watch.pauses[1:] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
            harness.em.clear_faults()
            made = harness.end_run("SQL Backup")
            assert await watch.poll() == 60
        assert watch.uids == {made.uid: 1}

    run(scenario())


@pytest.mark.usefixtures("version")
def test_a_lost_session_is_replaced_at_once(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = harness.end_run("SQL Backup")
            harness.em.expire()
            assert await watch.poll() == 60
            assert watch.pauses == [60, 0, 60]
            assert len(harness.em.sessions) == 1
        assert watch.uids == {made.uid: 1}
        assert harness.em.sessions == []
        assert read_log(caplog).count("WARNING") == 0

    run(scenario())


def test_a_server_that_ends_every_session(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.fault("expire", path="query", times=None)
            for _number in range(4):
                watch.go.set()
                await watch.reach_pause()
            assert watch.pauses == [60, 0, 1, 2, 4]  # no storm of logons

    run(scenario())


def test_a_restart_of_the_server(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            made = [harness.end_run("SQL Backup")]
            await asyncio.to_thread(harness.em.stop)
            await watch.poll(2)
            harness.em.expire()
            harness.em.clock.advance(7200)
            made.append(harness.end_run("Daily Backup"))
            await asyncio.to_thread(harness.em.start)
            harness.em.fault("status", status=404, path="sessionMngr")  # what answers for a service that starts
            await watch.poll(2)
            await watch.poll()
        assert watch.uids == {one.uid: 1 for one in made}
        assert harness.em.sessions == []
        assert "No connection to" in read_log(caplog)

    run(scenario())


def test_a_server_that_does_not_run_yet(harness: SourceHarness) -> None:
    async def scenario() -> None:
        await asyncio.to_thread(harness.em.stop)
        async with harness.watch() as watch:
            assert watch.pauses == [1]
            await asyncio.to_thread(harness.em.start)
            assert await watch.poll() == 60
            made = harness.end_run("SQL Backup")
            await watch.poll()
        assert watch.uids == {made.uid: 1}

    run(scenario())


def test_sessions_that_finish_before_the_first_answer_are_emitted(
    harness: SourceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when both machines were booted in one maintenance window. Sessions that finished before that are not emitted."""

    async def scenario() -> None:
        before = harness.end_run("DC Replication", ago=600)
        now = [1000.0]
        monkeypatch.setattr(job_sessions, "time", SimpleNamespace(monotonic=lambda: now[0]))
        harness.em.fault("status", status=503, path="sessionMngr", times=2)
        async with harness.watch() as watch:
            now[0] += 300
            harness.em.clock.advance(300)
            made = harness.end_run("SQL Backup", ago=100)
            await watch.poll(2)
            now[0] += 60
            await watch.poll(2)
        assert before.uid not in watch.uids
        assert watch.uids == {made.uid: 1}

    run(scenario())


def test_it_logs_off_during_long_pauses(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch(poll_interval=601) as watch:
            assert harness.em.sessions == []
            made = harness.end_run("SQL Backup")
            await watch.poll()
            assert harness.em.sessions == []
        assert watch.uids == {made.uid: 1}
        async with harness.watch(poll_interval=600) as watch:
            await watch.poll(3)
            assert len(harness.em.sessions) == 1
        assert harness.em.sessions == []
        assert harness.count_logons() == 3

    run(scenario())


def test_the_event_loop_is_never_blocked(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll that waits for the event loop ends only if the loop goes on meanwhile."""
    began, go_on = threading.Event(), threading.Event()
    poll = job_sessions.Finder.poll

    def wait_and_poll(*given: Any) -> Any:
        began.set()
        assert go_on.wait(SAFETY_NET), "the event loop is blocked"
        return poll(*given)

    async def scenario() -> None:
        async with harness.watch() as watch:
            monkeypatch.setattr(job_sessions.Finder, "poll", wait_and_poll)
            polling = asyncio.ensure_future(watch.poll())
            while not began.is_set():
                await asyncio.sleep(0.01)
            go_on.set()
            await polling

    run(scenario())


# Its end


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize("where", ["BackupJobSession", "sessionMngr"])
def test_cancelled_during_a_request(harness: SourceHarness, where: str) -> None:
    async def scenario() -> None:
        is_logon = where == "sessionMngr"
        harness.em.fault("slow", path="sessionMngr" if is_logon else "query", when="after", delay=2.5 if is_logon else 15.0)
        async with harness.watch(is_polled=False) as watch:
            until = time.monotonic() + SAFETY_NET
            while not harness.em.requests(path=where):
                assert time.monotonic() < until
                await asyncio.sleep(0.02)
            await watch.end()
            assert harness.em.sessions == []
        assert len(harness.em.requests("DELETE", "/logonSessions/")) == 1
        (asked,) = harness.em.requests(path=where)
        assert is_logon or asked.status is None  # its answer was not waited for, but that of a logon is

    run(scenario())


def test_cancelled_while_retrying(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch(retries=50) as watch:
            harness.em.fault("reset", path="query", times=None)
            watch.go.set()
            until = time.monotonic() + SAFETY_NET
            while len(harness.em.requests(path="query")) < 4:
                assert time.monotonic() < until
                await asyncio.sleep(0.02)
            await watch.end()
            assert harness.em.sessions == []
            count = len(harness.em.log)
            await asyncio.sleep(2.5)  # longer than the next pause would be
            assert len(harness.em.log) == count

    run(scenario())


def test_cancelled_twice(harness: SourceHarness) -> None:
    """As ansible-rulebook does: once when rules end, and once when its loop ends."""

    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.fault("slow", method="DELETE", delay=0.5)
            watch.main.cancel()
            await asyncio.sleep(0.1)
            await watch.end()
            until = time.monotonic() + SAFETY_NET
            while harness.em.sessions:
                assert time.monotonic() < until
                await asyncio.sleep(0.02)

    run(scenario())


def test_cancelled_while_the_server_is_away(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with harness.watch():
            await asyncio.to_thread(harness.em.stop)
        assert "was not logged off, and ends when idle" in read_log(caplog)
        harness.check_secrets(read_log(caplog))

    run(scenario())


def test_signal_handlers_are_restored() -> None:
    """A JVM in the process replaces them in the operating system, and Python does not notice."""
    caught = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: caught.append(number))
    try:
        libc = __import__("ctypes").CDLL(None)
        libc.signal(int(signal.SIGTERM), 1)  # ignore
        os.kill(os.getpid(), signal.SIGTERM)
        assert caught == []
        job_sessions.restore_signal_handlers()
        os.kill(os.getpid(), signal.SIGTERM)
        assert caught == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_no_secret_is_logged_at_any_level(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        with caplog.at_level(logging.DEBUG):
            async with harness.watch() as watch:
                harness.em.expire()
                harness.em.fault("reset", path="query", skip=1)
                await watch.poll(2)

    run(scenario())
    log = read_log(caplog)
    assert "/logonSessions/(hidden)" in log
    harness.check_secrets(log)


# What ends it by itself


def test_wrong_credentials_end_it_after_one_logon(harness: SourceHarness) -> None:
    async def scenario() -> None:
        with pytest.raises(job_sessions.JobSessionsError, match=r"refused the logon of .*\(logon_failed\)") as caught:
            async with harness.watch(password="not the one"):
                pass
        assert harness.count_logons() == 1
        assert "not the one" not in repr(caught.value)

    run(scenario())


def test_a_password_that_was_changed_ends_it(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.add_user("admin", harness.em.admin.username, "another password")
            harness.em.expire()
            with pytest.raises(job_sessions.JobSessionsError, match="logon_failed"):
                await watch.poll(5)
        assert harness.count_logons() == 2

    run(scenario())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ca_path": "other"}, "is not trusted: set ca_path"),
        ({"hostname": "127.0.0.1", "validate_certs": "yes", "port": "9"}, None),
    ],
)
def test_errors_that_end_only_the_first_poll(harness: SourceHarness, given: dict[str, Any], message: str | None) -> None:
    async def scenario() -> None:
        if given.get("ca_path"):
            given["ca_path"] = harness.em.other_ca_path
            with pytest.raises(job_sessions.JobSessionsError, match=f"{message}.*tls"):
                async with harness.watch(**given):
                    pass
        else:  # a port where nothing listens may be a server that is not up yet
            async with harness.watch(**given) as watch:
                assert watch.pauses == [1]

    run(scenario())


def test_a_missing_role_ends_only_the_first_poll(harness: SourceHarness) -> None:
    async def scenario() -> None:
        async with harness.watch() as watch:
            harness.em.fault("status", status=403, path="query")
            assert await watch.poll() == 1
            assert await watch.poll() == 60
        harness.em.fault("status", status=403, path="query")
        with pytest.raises(job_sessions.JobSessionsError, match="forbidden"):
            async with harness.watch():
                pass
        assert harness.em.sessions == []

    run(scenario())


def test_another_service_ends_it(harness: SourceHarness) -> None:
    async def scenario() -> None:
        harness.em.fault("status", status=404, path="sessionMngr")
        with pytest.raises(job_sessions.JobSessionsError, match="Check port"):
            async with harness.watch():
                pass

    run(scenario())


# Arguments

BAD: list[tuple[dict[str, Any], str]] = [
    ({"hostname": None}, "hostname not given"),
    ({"password": ""}, "password not given"),
    ({"hostname": "https://em.example.com:9398"}, "hostname cannot be 'https://em.example.com:9398': give the host name"),
    ({"port": "abc"}, "port cannot be 'abc': give a whole number"),
    ({"port": True}, "port cannot be True: give a whole number"),
    ({"port": 70000}, "port cannot be 70000"),
    ({"validate_certs": "perhaps"}, "validate_certs cannot be 'perhaps': give true or false"),
    ({"ca_path": "/nowhere/ca.pem"}, "ca_path cannot be '/nowhere/ca.pem'"),
    ({"response_format": "yaml"}, "response_format cannot be 'yaml': give auto, xml or json"),
    ({"password": 12345}, "password is not text but of the type int.*tojson"),
    ({"username": ["x"]}, r"username cannot be \['x'\]: give a text"),
    ({"username": "a:b"}, "username cannot be 'a:b'"),
    ({"poll_interval": 0}, "poll_interval cannot be 0: give a whole number from 1 to 86400"),
    ({"poll_interval": "soon"}, "poll_interval cannot be 'soon'"),
    ({"poll_interval": 1.5}, "poll_interval cannot be 1.5"),
    ({"lookback": 5}, "lookback cannot be 5"),
    ({"since": "yesterday"}, "since cannot be 'yesterday': give now, a time such as"),
    ({"result": ["Failed", "Broken"]}, "result cannot be 'Broken': give Success, Warning or Failed"),
    ({"job_name": {"a": 1}}, "job_name cannot be"),
    ({"pol_interval": 5}, "There is no option pol_interval: did you mean poll_interval?"),
    ({"xyzzy": 5}, "There is no option xyzzy: the options are"),
    ({"host": "em2"}, "The options hostname and host are the same one"),
    ({"state_file": "/nowhere/state.json"}, "state_file cannot be '/nowhere/state.json': its folder does not exist"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[str(given) for given, _message in BAD])
def test_bad_arguments_are_refused_before_any_request(harness: SourceHarness, given: dict[str, Any], message: str) -> None:
    arguments = harness.arguments(**given)
    with pytest.raises(job_sessions.JobSessionsError, match=message) as caught:
        run(job_sessions.main(asyncio.Queue(), arguments))
    assert harness.em.log == []
    for secret in ("12345", harness.em.admin.password):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_no_checkpoint_is_not_overwritten(harness: SourceHarness) -> None:
    data = b'{"my": "notes"}'
    harness.state_file.write_bytes(data)
    with pytest.raises(job_sessions.JobSessionsError, match=r"state_file cannot be .* it is not a checkpoint of this source"):
        run(job_sessions.main(asyncio.Queue(), harness.arguments(state_file=str(harness.state_file))))
    assert harness.state_file.read_bytes() == data


def test_a_line_of_the_log_is_one_printable_line(harness: SourceHarness, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with harness.watch():
            job_sessions.LOGGER.warning("The job %s.", "a\x1b[2J\r\nERROR b\u202e\x07")

    run(scenario())
    assert "The job a\\x1b[2J ERROR b\\u202e\\x07." in [record.getMessage() for record in caplog.records]


def test_a_state_file_of_another_server(harness: SourceHarness, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with harness.watch(state_file=str(harness.state_file)):
            pass

    run(scenario())
    with Emulator(speed=0, directory=tmp_path / "other") as other:
        arguments = harness.arguments(state_file=str(harness.state_file), port=other.port)
        with pytest.raises(
            job_sessions.JobSessionsError, match=f"it belongs to localhost:{harness.em.port}, not to localhost:{other.port}"
        ):
            run(job_sessions.main(asyncio.Queue(), arguments))
        assert other.log == []


def test_a_full_disk_does_not_prevent_events(
    harness: SourceHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    async def scenario() -> None:
        async with harness.watch(state_file=str(harness.state_file)) as watch:
            monkeypatch.setattr(job_sessions, "write_checkpoint", write)
            made = harness.end_run("SQL Backup")
            assert await watch.poll() == 60
        assert watch.uids == {made.uid: 1}

    run(scenario())
    assert "cannot be written: No space left on device" in read_log(caplog)


def test_a_state_file_is_never_half_written(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    async def scenario() -> None:
        async with harness.watch(state_file=str(harness.state_file)) as watch:
            before = harness.state_file.read_text(encoding="utf-8")
            json.loads(before)
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", fail)
                harness.end_run("SQL Backup")
                await watch.poll()
            text = harness.state_file.read_text(encoding="utf-8")
            assert text.startswith(before)
            assert len([json.loads(line) for line in text.removeprefix(before).splitlines()]) <= 1
        assert [path.name for path in harness.folder.iterdir() if "state" in path.name] == ["state.json"]
        assert stat.S_IMODE(harness.state_file.stat().st_mode) == 0o600

    run(scenario())


def test_a_line_that_was_half_written_is_followed_by_none(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    def tear(path: Path, session_id: str, _end: float) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(session_id)[:9])
        raise OSError(28, "No space left on device")

    async def scenario() -> None:
        async with harness.watch(state_file=str(harness.state_file)) as watch:
            with monkeypatch.context() as patch:
                patch.setattr(job_sessions, "append_emitted", tear)
                made = [harness.end_run("SQL Backup", ago=2), harness.end_run("SQL Backup", ago=1)]
                await watch.poll()
            read = read_checkpoint(harness.state_file, f"{harness.em.hostname}:{harness.em.port}")
            assert read is not None
            assert {one.id for one in made} <= set(read.emitted)

    run(scenario())


def test_a_poll_costs_no_more_however_many_there_were(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written once in a poll, whatever that finds, and holds what finished while ids are kept; so do requests."""
    polls, finished, interval = 40, 3, 600
    for module in (checkpoint, finished_sessions):
        monkeypatch.setattr(module, "RETENTION_SECONDS", 9 * interval)
    written: list[int] = []
    write = job_sessions.write_checkpoint

    def count(*arguments: Any) -> None:
        written.append(len(arguments[2].emitted))
        write(*arguments)

    async def scenario() -> None:
        async with harness.watch(state_file=str(harness.state_file), poll_interval=interval, lookback=interval) as watch:
            monkeypatch.setattr(job_sessions, "write_checkpoint", count)
            requests: list[int] = []
            for _number in range(polls):
                harness.em.clock.advance(interval)
                for number in range(finished):
                    harness.end_run("SQL Backup", ago=300 - number)
                harness.em.clear_log()
                await watch.poll()
                requests.append(len(harness.em.log))
        assert len(watch.events) == len(watch.uids) == polls * finished
        assert len(written) == polls
        assert set(written[-10:]) == {10 * finished}, "ids are kept longer than they are needed"
        assert set(requests) == {2}
        assert len(harness.state_file.read_text(encoding="utf-8").splitlines()) == 1, "lines of earlier polls are left"

    run(scenario())


def test_the_connection_may_come_from_the_environment(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a credential of AAP injects it; an empty value from a template counts as not given."""
    for name, value in harness.arguments().items():
        monkeypatch.setenv(f"VBEM_{name.upper()}", str(value))
    empty = dict.fromkeys(harness.arguments(), "")

    async def scenario() -> None:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        source = asyncio.ensure_future(job_sessions.main(queue, {**empty, "since": "1d", "poll_interval": "1"}))
        assert (await asyncio.wait_for(queue.get(), SAFETY_NET))["enterprise_manager"] == harness.em.hostname
        source.cancel()
        with pytest.raises(asyncio.CancelledError):
            await source
        assert harness.em.sessions == []

    run(scenario())


@pytest.mark.parametrize(
    "password", ["12345", "1e5", "'quoted'", "p\"a's\\s{{ x }} \u00e4\U0001f600", "True", "None", "</script>&"]
)
def test_any_password_may_come_from_a_variable(harness: SourceHarness, password: str) -> None:
    """Through ansible-rulebook's own templating, as in the rulebooks and the examples."""
    util = pytest.importorskip("ansible_rulebook.util", reason="ansible-rulebook is not installed")
    harness.em.add_user("odd", "VBEM\\odd", password)
    written = {"username": "{{ VBEM_USERNAME | tojson }}", "password": "{{ VBEM_PASSWORD | default('') | tojson }}"}
    given = util.substitute_variables(written, {"VBEM_USERNAME": "VBEM\\odd", "VBEM_PASSWORD": password})

    async def scenario() -> None:
        async with harness.watch(**given) as watch:
            assert watch.pauses == [60]

    run(scenario())


def test_filters(harness: SourceHarness) -> None:
    async def scenario() -> None:
        for given, names in (
            ({"job_name": "sql *"}, ["SQL Backup"]),
            ({"job_name": ["SQL Backup", "Shared ?iles"]}, ["SQL Backup", "Shared Files"]),
            ({"job_name": "SQL"}, []),
            ({"job_name": "[S]QL Backup"}, []),  # brackets mean themselves
            ({"job_type": ["replica", "agent*"]}, ["DC Replication", "Linux Agents"]),
            ({"result": "failed"}, ["SQL Backup", "Linux Agents"]),
            ({"result": ["Success", "Warning"]}, ["DC Replication", "Shared Files"]),
            ({"backup_server": "VBR01.*", "result": "Failed", "job_name": "*Agents"}, ["Linux Agents"]),
            ({"backup_server": "vbr09"}, []),
        ):
            async with harness.watch(**given) as watch:
                for number, name in enumerate(("SQL Backup", "DC Replication", "Linux Agents", "Shared Files")):
                    harness.end_run(name, ("failed", "success", "failed", "warning")[number], ago=4.0 - number)
                await watch.poll(2)
                assert watch.names == names, given

    run(scenario())


# Its documentation


def test_the_documentation_has_the_arguments() -> None:
    documented = yaml.safe_load(job_sessions.DOCUMENTATION)["options"]
    table = {option.name: option for option in (*CONNECTION_OPTIONS, *job_sessions.OWN_OPTIONS)}
    assert list(documented) == list(table)
    for name, entry in documented.items():
        option: Option = table[name]
        assert entry["type"] == option.type, name
        assert entry.get("default") == option.default, name
        assert tuple(entry.get("aliases", ())) == option.aliases, name
        assert tuple(entry.get("choices", ())) == option.choices, name
        assert entry.get("elements") == ("str" if option.type == "list" else None), name
        said = re.findall(r"E\((\w+)\)", " ".join(entry["description"]))
        assert said == ([option.env_var] if option.env else []), name


def test_the_guide_lists_every_option_with_its_default() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = re.search(r"(?s)\nAll options\n-+\n(.*?)\n[^\n]+\n-{3,}\n", text)
    assert table
    rows = re.findall(r"(?m)^   \* - ``(\w+)``(?: \(``(\w+)``\))?\n     -(?: ``(\w+)``)?$", table[1])
    documented = yaml.safe_load(job_sessions.DOCUMENTATION)["options"]
    assert [name for name, _alias, _default in rows] == list(documented)
    for name, alias, default in rows:
        assert [each for each in [alias] if each] == documented[name].get("aliases", []), name
        assert (yaml.safe_load(default) if default else None) == documented[name].get("default"), name


def test_examples_are_rulebooks_with_valid_arguments(harness: SourceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    validators = pytest.importorskip("ansible_rulebook.validators", reason="ansible-rulebook is not installed")
    util = pytest.importorskip("ansible_rulebook.util", reason="ansible-rulebook is not installed")
    for name, value in harness.arguments().items():
        monkeypatch.setenv(f"VBEM_{name.upper()}", str(value))
    rulebook = yaml.safe_load(job_sessions.EXAMPLES)
    validators.Validate.rulebook(rulebook)
    for ruleset in rulebook:
        arguments = ruleset["sources"][0]["vbem.rest.job_sessions"]
        given = util.substitute_variables(arguments, {"VBEM_USERNAME": "u", "VBEM_PASSWORD": "p"})
        assert job_sessions.read_options(given)["poll_interval"] == 60
