# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that is interrupted logs off, once, and says what became of its session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator

from .forked import Forked

# Runs a module that interrupts itself, so that the interruption comes at the right moment.
CODE = """
import json, os, signal, sys, threading, time
import requests
from ansible.module_utils import basic
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.module import run_module


def run(given):
    def send(name):
        os.kill(os.getpid(), getattr(signal, name))

    def run(client, params, check_mode):
        if given["log_on"]:
            client.ensure_session()
        for number, name in enumerate(given["signals"][1:], 1):
            threading.Timer(0.4 * number, send, [name]).start()
        if given["signals"]:
            send(given["signals"][0])
            time.sleep(5)
        os.unlink(params["_progress_file"].partition(":")[2])
        client.sleep(5)

    def run_to_the_end(client, params, check_mode):
        client.ensure_session()
        for number, name in enumerate(given["signals"], 1):
            threading.Timer(0.4 * number, send, [name]).start()
        return {"changed": False}

    signal.signal(signal.SIGINT, signal.default_int_handler)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given["options"]}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    run_module({"_progress_file": {"type": "str"}}, run_to_the_end if given["to_the_end"] else run)
"""


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forked]:
    """Return what starts processes that run modules."""
    with Forked(CODE, tmp_path_factory.mktemp("forked")) as processes:
        yield processes


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(forked: Forked, options: dict[str, Any]) -> Run:
    """Return a function that interrupts a module by signals or, without any, by removing its progress file."""

    def interrupt(*signals: str, log_on: bool = True, to_the_end: bool = False) -> dict[str, Any]:
        given = {"options": options, "signals": signals, "log_on": log_on, "to_the_end": to_the_end}
        printed, errors = forked.run(given)
        assert printed, errors
        result: dict[str, Any] = json.loads(printed)
        assert to_the_end or result["error"]["kind"] == "timeout"
        return result

    return interrupt


@pytest.fixture
def options(em: Emulator, tmp_path: Path) -> dict[str, Any]:
    """Return the options of a module that logs on for itself, with a progress file."""
    path = tmp_path / "progress"
    path.touch()
    connection = {"hostname": em.hostname, "port": em.port, "ca_path": str(em.ca_path), "_progress_file": f":{path}"}
    return {**connection, "username": em.admin.username, "password": em.admin.password}


@pytest.mark.parametrize("signals", [[], ["SIGTERM"], ["SIGINT"], ["SIGHUP"]], ids=["no file", "TERM", "INT", "HUP"])
def test_an_interrupted_module_logs_off(em: Emulator, run: Run, signals: list[str]) -> None:
    # The first log-off fails, and so does the read of whether the session is alive, after which there is a pause.
    em.fault("status", method="DELETE", path="logonSessions", status=503, times=1)
    em.fault("status", method="GET", status=503, times=1)
    result = run(*signals)
    assert result["msg"].endswith("Its own logon session was logged off.")
    assert "warnings" not in result
    assert em.sessions == []


@pytest.mark.parametrize("further", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("first", ["SIGTERM", "SIGINT"])
def test_further_signals_do_not_end_the_logoff(em: Emulator, run: Run, first: str, further: str) -> None:
    em.fault("slow", method="DELETE", path="logonSessions", delay=1.5)
    result = run(first, further, further)
    assert result["msg"].endswith("Its own logon session was logged off.")
    assert em.sessions == []


def test_a_signal_during_the_logoff_does_not_change_the_result(em: Emulator, run: Run) -> None:
    em.fault("slow", method="DELETE", path="logonSessions", delay=1.5)
    assert run("SIGTERM", "SIGINT", to_the_end=True)["changed"] is False
    assert em.sessions == []


def test_a_session_that_stays_open_is_reported(em: Emulator, run: Run) -> None:
    em.fault("status", method="DELETE", path="logonSessions", status=403, times=None)
    result = run("SIGTERM")
    assert result["msg"].endswith("Its own logon session was not logged off and ends after 15 idle minutes.")
    assert "could not be logged off" in json.dumps(result["warnings"])
    (left,) = em.sessions
    assert left.id not in json.dumps(result)


def test_without_a_logon_no_session_is_mentioned(em: Emulator, run: Run) -> None:
    result = run(log_on=False)
    assert "session" not in result["msg"]
    assert em.log == []
