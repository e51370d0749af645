# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line where ports are taken, wrong, or output is ASCII."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.cli import main

PLACE = str(Path(__file__).resolve().parents[1])


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("setup", ["usual", "tls10"])
@pytest.mark.parametrize("option", ["--port", "--control-port"])
def test_a_port_in_use_is_named_with_its_option(
    taken: int, option: str, setup: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = {"--port": "0", "--control-port": "0", option: str(taken)}
    assert main([*(text for pair in ports.items() for text in pair), "--tls", setup]) == 1
    said = f"emulator: cannot serve on 127.0.0.1 port {taken}: Address already in use; {option} 0 takes any free port\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("text", ["65536", "-1", "x", "\u0664"])
def test_what_is_no_port_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--port={text}"])
    assert f"argument --port: {text!r} is no port: write 0 to 65535" in capsys.readouterr().err


def test_a_terminal_may_know_only_ascii() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, PLACE, "--name", "\u00fc.example.com", "--", "true"], env=environment, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    started = subprocess.Popen(
        [sys.executable, PLACE, "--port", "0", "--control-port", "0"], env=environment, stdout=subprocess.PIPE, text=False
    )
    assert started.stdout is not None
    try:
        lines = []
        while not lines or b"Stop it" not in lines[-1]:
            line = started.stdout.readline()
            assert line, lines
            lines.append(line)
    finally:
        started.terminate()
        started.wait(timeout=60)
    assert b"".join(lines).isascii()
