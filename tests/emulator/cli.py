# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: start, say how to reach it, serve until a signal."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from .emulator import Emulator
from .switches import Switches, switch_table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.list_switches:
        print(switch_table())
        return 0
    try:
        switches = Switches(version=options.version)
        switches.update(dict(_split(setting) for setting in options.switch))
    except (AttributeError, ValueError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_ignored: stop.set())
    directory = None if options.dir is None else Path(options.dir)
    made_directory = directory is not None and not directory.exists()
    emulator = Emulator(
        switches,
        host=options.host,
        port=options.port,
        control_port=options.control_port,
        speed=options.speed,
        directory=directory,
        names=tuple(options.name),
        print_requests=options.print_requests,
    )
    try:
        emulator.start()
    except OSError as error:
        print(
            f"emulator: cannot serve on {options.host} port {options.port}: {error}; --port 0 takes any free port",
            file=sys.stderr,
        )
        return 1
    files = [Path(emulator.ca_path)]
    try:
        files.append(_write_state(emulator))
        print(_welcome(emulator), flush=True)
        if options.ready_file:
            files.append(Path(options.ready_file))
            files[-1].write_text(emulator.control_url + "\n", encoding="utf-8")
        stop.wait()
    finally:
        _clean_up(emulator, files, directory if made_directory else None)
    return 0


def _split(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise ValueError(f"--switch {setting}: write name=value")
    return name.replace("-", "_"), value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emulator", description="Emulate Veeam Backup Enterprise Manager's REST API on this machine."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to serve on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9398, help="HTTPS port; 0 is any free one (default: %(default)s)")
    parser.add_argument(
        "--control-port", type=int, default=9397, help="port of the control API, on loopback (default: %(default)s)"
    )
    parser.add_argument("--version", type=int, choices=(12, 13), default=13, help="server version (default: %(default)s)")
    parser.add_argument("--name", action="append", default=[], metavar="HOST", help="one more name for the certificate")
    parser.add_argument("--dir", metavar="DIR", help="where to write ca.pem and state.json (default: a temporary folder)")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch; see --list-switches")
    parser.add_argument("--list-switches", action="store_true", help="print the switches as a table, and stop")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="seconds of the emulator's clock in a real one (default: %(default)s)"
    )
    parser.add_argument("--ready-file", metavar="FILE", help="file to write once requests are answered")
    parser.add_argument("--print-requests", action="store_true", help="one line for each request on standard error")
    return parser


def _write_state(emulator: Emulator) -> Path:
    """Write state.json, which holds passwords, for nobody else to read."""
    path = emulator.directory / "state.json"
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump({**emulator.state(), "pid": os.getpid()}, stream, indent=2)
    return path


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
    settings = {
        "VBEM_HOSTNAME": emulator.hostname,
        "VBEM_PORT": str(emulator.port),
        "VBEM_USERNAME": emulator.admin.username,
        "VBEM_PASSWORD": emulator.admin.password,
        "VBEM_CA_PATH": emulator.ca_path,
        "VBEM_CONTROL_URL": emulator.control_url,
    }
    lines += [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    return "\n".join([*lines, "", "Stop it with Ctrl-C."])


def _clean_up(emulator: Emulator, files: list[Path], made: Path | None) -> None:
    """Remove what was written here, and nothing else."""
    for path in files:
        path.unlink(missing_ok=True)
    emulator.stop()
    if made is not None:
        with contextlib.suppress(OSError):  # not empty: somebody else's files
            made.rmdir()
