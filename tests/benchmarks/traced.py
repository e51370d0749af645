# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one module in this process and prints where its time went, as JSON. Options come in ``BENCH_OPTIONS``."""

from __future__ import annotations

import sys
import time

BEGIN = time.perf_counter()  # before anything else is loaded

# ruff: noqa: E402
import importlib
import json
import os
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from io import StringIO
from typing import Any

spent = {"connect": 0.0, "server": 0.0, "pauses": 0.0, "decode": 0.0}
_inner = [0.0]


def count(holder: Any, name: str, part: str) -> None:
    """Have the time in a function counted; what is counted within it already is left out."""
    function: Callable[..., Any] = getattr(holder, name)

    def counted(*args: Any, **kwargs: Any) -> Any:
        before, begin = _inner[0], time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            own = time.perf_counter() - begin - (_inner[0] - before)
            spent[part] += own
            _inner[0] += own

    setattr(holder, name, counted)


def main(name: str) -> None:
    """Run a module."""
    options = json.loads(os.environ.pop("BENCH_OPTIONS"))
    module = importlib.import_module(f"ansible_collections.vbem.rest.plugins.modules.{name}")
    import requests  # noqa: F401 - the module loads it with its first request
    import urllib3
    from ansible.module_utils import basic

    imports = time.perf_counter() - BEGIN
    from ansible_collections.vbem.rest.plugins.module_utils._em.client import client as _client
    from ansible_collections.vbem.rest.plugins.module_utils._em.client import session as _session
    from ansible_collections.vbem.rest.plugins.module_utils._em.client import transport as _http
    from ansible_collections.vbem.rest.plugins.module_utils._em.runtime import progress

    count(urllib3.connection.HTTPSConnection, "connect", "connect")
    count(_http.Transport, "_send_once", "server")
    count(progress.ControllerLink, "sleep", "pauses")
    count(_client, "decode", "decode")
    count(_session, "decode", "decode")
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    begin = time.perf_counter()
    said = StringIO()
    with redirect_stdout(said), suppress(SystemExit):
        module.main()
    run = time.perf_counter() - begin
    if json.loads(said.getvalue()).get("failed"):
        sys.exit(said.getvalue())
    print(json.dumps({"imports": imports, "run": run, **spent}))


if __name__ == "__main__":
    main(sys.argv[1])
