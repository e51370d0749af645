# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: start, say how to reach it, serve until a signal, or while a command runs."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from .emulator import Emulator
from .switches import Switches, switch_table
from .tls import SETUPS

if TYPE_CHECKING:
    from .scenario import Scenario

MAX_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may hold any letter, and a terminal only ASCII
    given = list(sys.argv[1:] if arguments is None else arguments)
    border = given.index("--") if "--" in given else len(given)
    options, command = _parser().parse_args(given[:border]), given[border + 1 :]
    if options.list_switches:
        print(switch_table())
        return 0
    try:
        if given[border:] == ["--"]:
            raise ValueError("no command after --: write one, or leave out the --")
        scenario = _load_scenario(options.scenario)
        switches = Switches()
        switches.update(scenario.switches if scenario else {})
        switches.update(_read_switches(options.switches) if options.switches else {})
        switches.update({"version": options.version} if options.version else {})
        switches.update(dict(_split(setting) for setting in options.switch))
    except (AttributeError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_ignored: stop.set())
    directory = None if options.dir is None else Path(options.dir)
    made_directory = directory is not None and not directory.exists()
    try:
        emulator = Emulator(
            switches,
            host=options.host,
            port=_choose(options.port, 9398, command),
            control_port=_choose(options.control_port, 9397, command),
            speed=options.speed,
            directory=directory,
            names=tuple(options.name),
            print_requests=options.print_requests,
            scenario=scenario,
            tls=options.tls,
        )
        emulator.start()
    except ValueError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"emulator: {error.strerror or error}", file=sys.stderr)
        return 1
    files = [Path(emulator.ca_path)]
    try:
        files.append(_write_state(emulator))
        if not command:
            print(_welcome(emulator), flush=True)
        if options.ready_file:
            files.append(Path(options.ready_file))
            files[-1].write_text(emulator.control_url + "\n", encoding="utf-8")
        if command:
            return _run(command, emulator, stop, check_sessions=options.check_sessions)
        stop.wait()
    finally:
        _clean_up(emulator, files, directory if made_directory else None)
    return 0


def _load_scenario(path: str | None) -> Scenario | None:
    if path is None:
        return None
    from .scenario import Scenario

    return Scenario.load(path)


def _read_switches(path: str) -> dict[str, Any]:
    """Read switches from a YAML file: a mapping, or one that has it under `switches`."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if isinstance(content, dict):
        content = content.get("switches", content)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: write switches as NAME: VALUE")
    return content


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write 0 to {MAX_PORT}")
    return int(text)


def _choose(port: int | None, usual: int, command: list[str]) -> int:
    """Take the port that was asked for; else any free one for a command, which is told, and the usual one for people."""
    return port if port is not None else 0 if command else usual


def _run(command: list[str], emulator: Emulator, stop: threading.Event, *, check_sessions: bool) -> int:
    """Run a command that finds the emulator in its environment; return its exit status."""
    try:
        process = subprocess.Popen(command, env={**os.environ, **_settings(emulator)})
    except OSError as error:
        print(f"emulator: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while process.poll() is None:
        if stop.wait(0.1):
            process.terminate()
            stop.clear()
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode  # by a signal: as shells tell it
    if not check_sessions:
        return status
    left = len(emulator.sessions)
    if left:
        print(f"emulator: {left} logon session(s) left open", file=sys.stderr)
    if not emulator.standing_session_alive:
        print("emulator: somebody else's session was logged off", file=sys.stderr)
    return status or (0 if not left and emulator.standing_session_alive else 3)


def _split(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise ValueError(f"--switch {setting}: write name=value")
    return name.replace("-", "_"), value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emulator",
        usage="%(prog)s [options] [-- command ...]",
        description="Emulate Veeam Backup Enterprise Manager's REST API on this machine: until a signal comes, or while a"
        " command runs, which finds VBEM_HOSTNAME, VBEM_PORT, VBEM_USERNAME, VBEM_PASSWORD, VBEM_CA_PATH and VBEM_CONTROL_URL"
        " in its environment and whose exit status is given.",
    )
    parser.add_argument("--scenario", metavar="FILE", help="YAML file with the world to begin with; see the README")
    parser.add_argument(
        "--check-sessions",
        action="store_true",
        help="exit with 3 if the command succeeds but leaves a logon session open, or ends somebody else's",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    parser.add_argument("--port", type=_port, help="HTTPS port; 0 is any free one (default: 9398; with a command any free one)")
    parser.add_argument(
        "--control-port", type=_port, help="port of the control API, on loopback (default: 9397; with a command any free one)"
    )
    parser.add_argument("--version", type=int, choices=(12, 13), help="server version (default: 13)")
    parser.add_argument("--name", action="append", default=[], metavar="HOST", help="one more name for the certificate")
    parser.add_argument(
        "--tls", default="usual", choices=SETUPS, metavar="SETUP", help=f"how TLS goes wrong: {', '.join(SETUPS)}"
    )
    parser.add_argument("--dir", metavar="DIR", help="where to write ca.pem and state.json (default: a temporary folder)")
    parser.add_argument(
        "--switches", metavar="FILE", help="YAML file of switches, or of a report that has them under that name"
    )
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch; see --list-switches")
    parser.add_argument("--list-switches", action="store_true", help="print the switches as a table, and stop")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="seconds of the emulator's clock in a real one (default: %(default)s)"
    )
    parser.add_argument("--ready-file", metavar="FILE", help="file to write once requests are answered")
    parser.add_argument("--print-requests", action="store_true", help="one line for each request on standard error")
    return parser


def _write_state(emulator: Emulator) -> Path:
    """Write state.json, which holds passwords, for nobody else to read; whole at once, for who waits for it."""
    path, draft = (emulator.directory / name for name in ("state.json", "state.json.draft"))
    for old in (path, draft):
        old.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump({**emulator.state(), "pid": os.getpid()}, stream, indent=2)
    return draft.rename(path)


def _welcome(emulator: Emulator) -> str:
    lines = [
        f"Enterprise Manager {emulator.switches.version} (emulated) answers at {emulator.base_url}/api/",
        f"  certificate authority  {emulator.ca_path}",
        f"  state, as JSON         {emulator.directory / 'state.json'}",
        f"  control API            {emulator.control_url}/state",
        "  users",
    ]
    lines += [
        f"    {user.username:<16} {user.password:<36} {user.role or 'no portal role: may not log on'}"
        for user in emulator.users.values()
    ]
    lines += ["", "To use it from a playbook or a script:", ""]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in _settings(emulator).items()]
    return "\n".join([*lines, "", "Stop it with Ctrl-C."])


def _settings(emulator: Emulator) -> dict[str, str]:
    return {
        "VBEM_HOSTNAME": emulator.hostname,
        "VBEM_PORT": str(emulator.port),
        "VBEM_USERNAME": emulator.admin.username,
        "VBEM_PASSWORD": emulator.admin.password,
        "VBEM_CA_PATH": emulator.ca_path,
        "VBEM_CONTROL_URL": emulator.control_url,
    }


def _clean_up(emulator: Emulator, files: list[Path], made: Path | None) -> None:
    """Remove what was written here, and nothing else."""
    for path in files:
        path.unlink(missing_ok=True)
    emulator.stop()
    if made is not None:
        with contextlib.suppress(OSError):  # not empty: somebody else's files
            made.rmdir()
