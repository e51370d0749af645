# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""However a play ends, no logon session of a waiting module's own stays open; and a wait can be watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator import Emulator, Switches

PATIENCE = 90.0  # seconds that a busy machine may need for what takes one

PLAY = """
---
- name: Wait for long
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Wait for the run
      vbem.rest.veeam_job:
        name: {job}
        state: started
        wait_for: session
        poll_interval: 1
"""


@pytest.fixture(autouse=True)
def heed_ctrl_c() -> Iterator[None]:
    """Let plays inherit a SIGINT that ends them: what is ignored, as in background jobs of a shell, stays ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Give an emulator whose tasks and runs are over soon."""
    with Emulator(Switches(task_running=0.1, task_collecting=0.1, run_duration=2.5), directory=tmp_path / "em") as emulator:
        yield emulator


def start_play(em: Emulator, folder: Path, job: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Start a play that runs a job to its end."""
    return start_text(em, folder, PLAY.format(job=job), *options, **environment)


def start_text(em: Emulator, folder: Path, text: str, *options: str, **environment: str) -> subprocess.Popen[str]:
    """Start ansible-playbook as its own process group, as a shell does."""
    playbook = folder / "play.yml"
    playbook.write_text(text, encoding="utf-8")
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH")
    assert collections, "Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/vbem/rest."
    own = {
        "VBEM_HOSTNAME": em.hostname,
        "VBEM_PORT": str(em.port),
        "VBEM_USERNAME": em.admin.username,
        "VBEM_PASSWORD": em.admin.password,
        "VBEM_CA_PATH": str(em.ca_path),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "tmp"),
        "ANSIBLE_ASYNC_DIR": str(folder / "async"),
    }
    return subprocess.Popen(
        [str(Path(sys.executable).with_name("ansible-playbook")), *options, str(playbook)],
        env={**os.environ, **own, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def await_(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, f"{what} did not come about in {PATIENCE} seconds"
        time.sleep(0.1)


def end_group(play: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal all processes of the play that are still in its group."""
    os.killpg(play.pid, number)


def end_main(play: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal ansible-playbook alone."""
    play.send_signal(number)


@pytest.mark.parametrize(
    ("end", "number"),
    [
        pytest.param(end_group, signal.SIGINT, id="Ctrl-C"),
        pytest.param(end_main, signal.SIGINT, id="SIGINT to ansible-playbook"),
        pytest.param(end_main, signal.SIGTERM, id="SIGTERM to ansible-playbook"),
        pytest.param(end_main, signal.SIGKILL, id="SIGKILL to ansible-playbook"),
    ],
)
def test_an_ended_play_leaves_no_session_open(
    em: Emulator, tmp_path: Path, end: Callable[[subprocess.Popen[str], signal.Signals], None], number: signal.Signals
) -> None:
    play = start_play(em, tmp_path, "Endless Backup")
    try:
        # It waits for the run: the run has been read more than once.
        await_("the wait", lambda: len(em.requests("GET", r"/api/backupSessions/")) > 1)
        assert len(em.sessions) == 1
        end(play, number)
        play.wait(PATIENCE)
        await_("the log-off", lambda: em.sessions == [])
    finally:
        play.kill()
        play.communicate()
    assert len(em.requests("DELETE", r"/api/logonSessions/")) == 1


def test_a_wait_can_be_watched(em: Emulator, tmp_path: Path) -> None:
    play = start_play(em, tmp_path, "SQL Backup", "-v")
    assert play.stdout is not None
    lines = [line for line in play.stdout if "SQL Backup@" in line and "%" in line and play.poll() is None]
    assert play.wait() == 0
    assert any("Working" in line for line in lines)


def test_a_wait_is_quiet_without_v(em: Emulator, tmp_path: Path) -> None:
    output, _errors = start_play(em, tmp_path, "SQL Backup").communicate()
    assert "SQL Backup@" not in output
    assert "changed=1" in output


def test_no_log_hides_the_progress_too(em: Emulator, tmp_path: Path) -> None:
    output, _errors = start_play(em, tmp_path, "SQL Backup", "-v", ANSIBLE_NO_LOG="true").communicate()
    assert "SQL Backup@" not in output
    assert "changed=1" in output


def test_a_missing_library_is_told(em: Emulator, tmp_path: Path) -> None:
    """A Python without requests, as a fresh machine has it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = tmp_path / "bare" / "bin" / "python"
    play = start_play(em, tmp_path, "SQL Backup", "-vvv", "-e", f"ansible_python_interpreter={bare}")
    output, _errors = play.communicate()
    assert "missing_library" in output
    assert "requests>=2.25.1" in output
    assert str(bare) in output
    assert em.log == []
