# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each module is driven: one file for each, which is all that the fault matrix has to know of a module.

To add a module ``veeam_x``, add ``veeam_x.py`` here with a list ``SCENARIOS``. A scenario is one way that the module takes
through the API::

    SCENARIOS = [
        Scenario("x-own", same("things"), {"name": "SQL Backup"}),
        Scenario("x-borrowed", check_x, {"name": "SQL Backup"}, borrowed=True, prepare=make_x),
    ]

- the name is unique among all modules;
- the rule says what must be true of the outcome, whatever fault was injected. `checks.same` suits modules that only read: the
  result is that of the run without a fault, or the module fails. A module that changes something has a rule of its own, which
  compares what the module reports with what the emulator knows, as in ``veeam_task.py``; it yields a sentence for each thing that
  is wrong;
- the params are the module's options without the connection;
- ``prepare`` makes what the scenario needs in the emulator, and may add to ``setup.params`` what only it knows, such as ids.

The fault matrix then runs each scenario with each fault at each of its requests, and checks what holds for every module as well:
no secret is shown, own sessions are logged off and borrowed ones are not, no write is repeated, check mode only reads, each
failure has a cause, and the result is the same for every version and format. ``lookup_NAME.py`` drives a lookup: its params hold
the ``terms`` as well, and the key of its result is ``_raw``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from support.places import ROOT

from .observation import Observation, Setup

HERE = Path(__file__).resolve().parent
PLUGINS = "ansible_collections.vbem.rest.plugins"

# Called with what was observed and with the observation of the run without a fault; yields a sentence for each thing that is wrong.
Rule = Callable[[Observation, Observation], Iterator[str]]


def _prepare_nothing(_setup: Setup) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Scenario:
    """One way of a module through the API: its options, what is prepared, and the rule for its outcome.

    A ``borrowed`` session is opened before; with ``credentials`` the options hold those as well. ``logs_off`` means that the
    scenario ends the borrowed session. A ``far`` server is one to which many requests go over several connections. A module that
    looks at logons makes several ``logons``; the result ``varies`` if it tells of version and format.
    """

    name: str
    rule: Rule
    params: dict[str, Any] = field(default_factory=dict)
    borrowed: bool = False
    credentials: bool = False
    logs_off: bool = False
    prepare: Callable[[Setup], None] = _prepare_nothing
    check_mode: bool = False
    far: bool = False
    logons: int = 1
    varies: bool = False
    module: Any = None  # set by `load_scenarios`

    @property
    def group(self) -> str:
        """Return the name of the module, or of the lookup."""
        name = str(self.module.__name__).rpartition(".")[2]
        return f"{name} (lookup)" if self.is_lookup else name

    @property
    def is_lookup(self) -> bool:
        """Return whether the plugin is a lookup."""
        return ".lookup." in str(self.module.__name__)


def list_modules() -> list[str]:
    """Return the names of the collection's modules."""
    return sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")


def list_drivers() -> list[str]:
    """Return the names of the drivers: those of modules, and ``lookup_NAME``."""
    return sorted(path.stem for pattern in ("veeam_*.py", "lookup_*.py") for path in HERE.glob(pattern))


def load_scenarios() -> list[Scenario]:
    """Return the scenarios of all drivers."""
    scenarios: list[Scenario] = []
    for name in list_drivers():
        driver = import_module(f"{__name__}.{name}")
        kind, _mark, plugin = name.partition("_")
        place = f"{PLUGINS}.lookup.{plugin}" if kind == "lookup" else f"{PLUGINS}.modules.{name}"
        scenarios += [replace(one, module=import_module(place)) for one in driver.SCENARIOS]
    return scenarios
