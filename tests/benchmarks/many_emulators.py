# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``many_emulators.py COUNT LATENCY FOLDER``: so many emulators, each at a port of its own, until standard input ends.

Prints what their control APIs would say of each as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator import Emulator, Switches, User


def main(count: int, latency: float, folder: Path) -> None:
    """Serve."""
    users = {"admin": User("VBEM\\backup", "the same password everywhere")}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Emulator(Switches(latency_ms=latency), users=users, directory=folder / f"em{number}"))
            for number in range(count)
        ]
        print(json.dumps([server.state() for server in servers]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]))
