# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs code in processes of their own, each forked from one that has made the imports: a new Python takes several times as long."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

# Prepares, and forks for each line of its input a process that calls run() and ends as any other does.
SERVER = """
import json, os, sys

exec(compile(sys.argv[1], "prepared", "exec"))
for line in iter(sys.stdin.readline, ""):
    given = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, given["out"], os.O_WRONLY), (2, given["err"], os.O_WRONLY)):
            file = os.open(path, flags | (os.O_CREAT | os.O_TRUNC if number else 0))
            os.dup2(file, number)
            os.close(file)
        run(given["given"])
        break
    os.waitpid(child, 0)
    print(flush=True)
"""


class Forked:
    """Processes that begin after ``code``, which makes the imports and defines ``run(given)``."""

    def __init__(self, code: str, folder: Path) -> None:
        self._paths = {"out": folder / "out", "err": folder / "err"}
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.communicate()

    def run(self, given: Any) -> tuple[str, str]:
        """Call ``run(given)`` in a new process; return what that printed to its standard output and error."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        names = {name: str(path) for name, path in self._paths.items()}
        print(json.dumps({"given": given, **names}), file=self._server.stdin, flush=True)
        assert self._server.stdout.readline(), "the process that forks has ended"
        return self._paths["out"].read_text(), self._paths["err"].read_text()
