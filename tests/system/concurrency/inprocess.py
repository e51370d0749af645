# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator in a process of its own, and modules run against it in this one, as `run_module` does."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from support.places import EMULATOR
from support.processes import SAFETY_NET

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.modules import veeam_session


class Server:
    """An emulator's process and its control API, by one connection that is kept."""

    def __init__(self, folder: Path, **switches: Any) -> None:
        ready = folder / "ready"
        chosen = [part for name, value in switches.items() for part in ("--switch", f"{name}={value}")]
        command = [sys.executable, str(EMULATOR), "--port", "0", "--control-port", "0", "--dir", str(folder / "em")]
        self.process = subprocess.Popen([*command, "--ready-file", str(ready), *chosen], stdout=subprocess.DEVNULL)
        until = time.monotonic() + SAFETY_NET
        while not ready.exists() or not (url := ready.read_text(encoding="utf-8").strip()):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError("the emulator did not start")
            time.sleep(0.02)
        self._control = http.client.HTTPConnection(url.rpartition("/")[2], timeout=SAFETY_NET)
        self.state: dict[str, Any] = self.ask("GET", "/state")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._control.close()
        self.stop()

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Talk to the control API."""
        self._control.request(method, path, None if body is None else json.dumps(body))
        answer = self._control.getresponse()
        said = json.loads(answer.read())
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {said['error']}")
        return said


class Done(NamedTuple):
    """What a module returned, and its warnings."""

    result: dict[str, Any]
    warnings: list[str]


def create_options(state: dict[str, Any], session: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Return all connection options: of a borrowed session or, without one, with the administrator's credentials."""
    given = {option.name: option.default for option in CONNECTION_OPTIONS}
    given |= {"hostname": state["hostname"], "port": state["port"], "ca_path": state["ca_path"], "session": session}
    if session is None:
        admin = state["users"]["admin"]
        given |= {"username": admin["username"], "password": admin["password"]}
    return given | options


def open_client(options: dict[str, Any], clock: Callable[[], float], sleep: Callable[[float], None]) -> Client:
    """Return a client with a clock of its own."""
    return Client(create_connection(options), hooks=Hooks(clock=clock, sleep=sleep))


def run_with(client: Client, options: dict[str, Any], module: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Run a module with a client that the caller opened, and return its result."""
    unknown = params.keys() - module.SPEC.keys()
    assert not unknown, f"no such option: {unknown}"
    defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
    result: dict[str, Any] = module.run(client, {**options, **defaults, **params}, False)
    return result


def run_module(
    options: dict[str, Any],
    module: Any,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    **params: Any,
) -> Done:
    """Run a module with a client of its own, from the first byte to the closed connection."""
    client = open_client(options, clock, sleep)
    with client:
        result = run_with(client, options, module, params)
    return Done(result, client.warnings)


def log_on(options: dict[str, Any], **timing: Any) -> dict[str, Any]:
    """Log on and return the session, as the action plugin does."""
    session: dict[str, Any] = run_module(options, veeam_session, state="present", **timing).result["session"]
    return session
