# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools work whatever the developer's shell, git or machine is like."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT
from support.processes import start_process, wait_until

sys.path.insert(0, str(ROOT / "dev"))

import build_tree

SETTINGS = {
    "GIT_DIR": "/nowhere/.git",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_WORK_TREE": "/nowhere",
    "ANSIBLE_CONFIG": "/nowhere/ansible.cfg",
    "ANSIBLE_STDOUT_CALLBACK": "nonsense",
    "ANSIBLE_NO_LOG": "1",
    "VBEM_HOSTNAME": "em.example.com",
    "VBEM_PASSWORD": "of the developer",
    "VBEM_EVERY_CASE": "1",
    "PYTHONPATH": "/nowhere",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONWARNINGS": "error",
    "PYTEST_ADDOPTS": "--nonsense",
    "HYPOTHESIS_PROFILE": "nonsense",
    "BASH_ENV": "/nowhere/rc",
    "CDPATH": "/",
    "LC_ALL": "C",
    "LANGUAGE": "de",
    "COLUMNS": "10",
}

UNUSABLE = ("read-only", "forbidden")


def _refuse() -> str:
    raise PermissionError


@pytest.fixture
def _of_a_developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(build_tree, "BUILD", tmp_path / ".build")


@pytest.mark.usefixtures("_of_a_developer")
def test_settings_of_the_shell_are_left_out(tmp_path: Path) -> None:
    environment = build_tree.create_environment()
    for name, value in SETTINGS.items():
        assert environment.get(name) != value, name
    assert environment["HOME"] == str(tmp_path / ".build" / "home")
    assert environment["LC_ALL"] == "C.UTF-8"


@pytest.mark.usefixtures("_of_a_developer")
@pytest.mark.parametrize("home", [None, "/nowhere", *UNUSABLE])
def test_a_home_is_not_needed(home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home:
        place = tmp_path / home
        if home in UNUSABLE:
            place.mkdir()
            monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).startswith(str(place)))
        if home == "forbidden":  # as root's home is to others; root itself may look into any
            real = os.stat
            monkeypatch.setattr(
                os, "stat", lambda path, *a, **k: real("/" if ".cache" not in str(path) else _refuse(), *a, **k)
            )
        monkeypatch.setenv("HOME", str(place))
    cache = build_tree.find_cache()
    assert cache.is_absolute()
    if home in UNUSABLE:
        assert cache == tmp_path / ".build" / "home" / ".cache"
    assert build_tree.create_environment()["UV_CACHE_DIR"] == str(cache / "uv")


@pytest.mark.usefixtures("_of_a_developer")
def test_a_checkout_is_copied_without_touching_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As within a hook of git, which has GIT_DIR and GIT_INDEX_FILE set; and in a path of any letters."""
    checkout = tmp_path / "a checkout, übung"
    checkout.mkdir()
    (checkout / "known.txt").write_text("known", encoding="utf-8")
    (checkout / ".gitignore").write_text("ignored*\n", encoding="utf-8")
    for name in ("umlaut-ü.txt", "ignored.txt", "run.sh"):
        (checkout / name).write_text(name, encoding="utf-8")
    (checkout / "run.sh").chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for arguments in (("init", "--quiet"), ("add", "known.txt")):
        subprocess.run(["git", *arguments], cwd=checkout, env=own, check=True)
    monkeypatch.setenv("GIT_DIR", str(checkout / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(checkout / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(checkout))
    before = (checkout / ".git" / "index").read_bytes()
    build_tree.copy_files(tmp_path / "copy", checkout)
    assert (checkout / ".git" / "index").read_bytes() == before
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert copied == {".git", ".gitignore", "known.txt", "umlaut-ü.txt", "run.sh"}
    assert (tmp_path / "copy" / "run.sh").stat().st_mode & stat.S_IXUSR
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=tmp_path / "copy", env=own, capture_output=True, text=True, check=True
    ).stdout
    assert len(tracked.splitlines()) == 4


def test_a_terminal_may_know_only_ascii() -> None:
    """Names of files, and what failed tests print, have other letters as well."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [sys.executable, str(ROOT / "dev" / "check.py"), "\u00fcbung"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "No such check: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("home", [{}, {"HOME": "/nowhere"}])
def test_a_python_is_found_without_a_home(home: dict[str, str]) -> None:
    environment = {"PATH": f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.environ['PATH']}", "CDPATH": "/", **home}
    done = subprocess.run(
        [str(ROOT / "dev" / "setup.sh"), "--python"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "python3" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_processes_of_tests_heed_signals_that_the_tests_ignore(number: signal.Signals) -> None:
    """As below nohup, or in the background of a shell without job control."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = start_process([sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(600)"])
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        wait_until("the end", lambda: process.poll() is not None)
        process.communicate()
    finally:
        signal.signal(number, before)
    assert process.returncode in (-number, 1), "Python turns SIGINT into an exception"


def test_processes_of_tests_ignore_nothing_else_than_before() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start_process(["grep", "SigIgn", "/proc/self/status"])
        ignored = int(process.communicate()[0].split()[1], 16)
    finally:
        signal.signal(signal.SIGHUP, before)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
        assert not ignored & 1 << (number - 1), number
