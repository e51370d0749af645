# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The link between a waiting module and the Ansible process that waits for it. Time is a fake."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.runtime import progress
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.progress import (
    CHECK_SECONDS,
    create_file_link,
    create_file_value,
    create_process_link,
)


class Time:
    """A clock that sleeping pushes ahead; ``at`` holds what happens when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.at: dict[int, Callable[[], object]] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds
        self.at.pop(len(self.slept), lambda: None)()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(progress, "time", made)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "progress: with a colon"
    made.touch()
    return made


def test_lines_are_appended(path: Path) -> None:
    link = create_file_link(create_file_value(str(path)))
    path.write_text("there already\n", encoding="utf-8")
    for line in ("one", "one", "two", "B\u00fcro 50%", "two\nlines", "c\x1b[2J\rd", "one"):
        link.report(line)
    expected = "there already\none\ntwo\nB\u00fcro 50%\ntwo lines\nc\\x1b[2J d\none\n"
    assert path.read_text(encoding="utf-8") == expected


def test_a_line_can_be_read_as_soon_as_it_is_reported(path: Path) -> None:
    link = create_file_link(create_file_value(str(path)))
    with path.open(encoding="utf-8") as reader:
        link.report("one")
        assert reader.read() == "one\n"
        link.report("two")
        assert reader.read() == "two\n"


def test_a_removed_file_is_not_created_again(path: Path) -> None:
    link = create_file_link(create_file_value(str(path)))
    path.unlink()
    link.report("one")
    assert not path.exists()


@pytest.mark.parametrize("value", [None, "", ":", "abc", "123", "123:"])
def test_without_a_value_it_only_sleeps(clock: Time, value: str | None) -> None:
    link = create_file_link(value)
    link.report("one")
    link.sleep(40)
    assert sum(clock.slept) == pytest.approx(40)


@pytest.mark.parametrize("seconds", [0.1, CHECK_SECONDS, 1.7, 40])
def test_it_sleeps_for_the_given_time(clock: Time, path: Path, seconds: float) -> None:
    create_file_link(create_file_value(str(path))).sleep(seconds)
    assert sum(clock.slept) == pytest.approx(seconds)
    assert max(clock.slept) <= CHECK_SECONDS


def test_zero_seconds_is_no_sleep(clock: Time, path: Path) -> None:
    create_file_link(create_file_value(str(path))).sleep(0)
    assert clock.slept == []


def test_it_raises_once_the_file_is_gone(clock: Time, path: Path) -> None:
    clock.at[3] = path.unlink
    with pytest.raises(KeyboardInterrupt):
        create_file_link(create_file_value(str(path))).sleep(3600)
    assert len(clock.slept) == 3


def test_it_does_not_begin_to_sleep_if_nobody_waits(clock: Time, path: Path) -> None:
    link = create_file_link(create_file_value(str(path)))
    path.unlink()
    for seconds in (0, 10):
        with pytest.raises(KeyboardInterrupt):
            link.sleep(seconds)
    assert clock.slept == []


def test_it_raises_once_a_waiting_process_is_dead(clock: Time, path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        link = create_file_link(f"{process.pid}:{path}")
        link.sleep(2)
        process.communicate(b"\n")
    with pytest.raises(KeyboardInterrupt):
        link.sleep(2)
    assert path.exists()


def test_a_process_of_another_user_is_alive(clock: Time, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        assert number == 0, "no signal may be sent"
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    create_file_link(f"1:{path}").sleep(1)
    assert sum(clock.slept) == pytest.approx(1)


def test_this_process_is_watched(path: Path) -> None:
    pids, _colon, rest = create_file_value(str(path)).partition(":")
    assert rest == str(path)
    assert str(os.getpid()) in pids.split(",")


def test_the_interruption_is_not_an_exception(clock: Time, path: Path) -> None:
    """So no clause that retries after errors can catch it."""
    path.unlink()
    with pytest.raises(KeyboardInterrupt) as caught:
        create_file_link(f"{os.getpid()}:{path}").sleep(1)
    assert not isinstance(caught.value, Exception)


def test_the_parent_process_is_watched_too(path: Path) -> None:
    """Ansible runs an action in a worker; SIGKILL ends the process that started it, and not the worker."""
    pids = create_file_value(str(path)).partition(":")[0].split(",")
    assert pids == [str(os.getpid()), str(os.getppid())]


def test_check_raises_if_nobody_waits(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    path.touch()
    link = create_file_link(create_file_value(str(path)))
    link.check()
    create_file_link(None).check()
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        link.check()


def test_once_detached_it_only_sleeps(clock: Time, path: Path) -> None:
    link = create_file_link(create_file_value(str(path)))
    path.unlink()
    link.detach()
    link.check()
    link.sleep(7)
    assert sum(clock.slept) == pytest.approx(7)


def test_within_ansibles_process_lines_are_written_and_not_repeated() -> None:
    lines: list[str] = []
    link = create_process_link(lines.append)
    for line in ("one", "one", "two\nlines"):
        link.report(line)
    link.check()
    assert lines == ["one", "two lines"]


def test_within_ansibles_process_it_ends_once_the_parent_has_changed(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    link = create_process_link(lambda _line: None)
    link.sleep(1)
    monkeypatch.setattr("os.getppid", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        link.sleep(1)
    link.detach()
    link.report("no more")
    link.sleep(2)
    assert sum(clock.slept) == pytest.approx(3)
