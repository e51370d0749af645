# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a scenario prepares in the emulator, and what is observed of one run of a module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator import Emulator, LogEntry, LogonSession

if TYPE_CHECKING:
    from generated.fault_matrix.faults import InjectedFault


@dataclass
class Setup:
    """What there is before the module runs."""

    em: Emulator
    session: LogonSession | None = None  # the borrowed one
    job: Any = None
    job_session: Any = None  # the job's session that runs already
    job_sessions: list[Any] = field(default_factory=list)  # all of them
    others: list[Any] = field(default_factory=list)  # jobs that are not to be touched
    facts: dict[str, Any] = field(default_factory=dict)  # what they are, by UID
    held: list[str] = field(default_factory=list)  # references of what the job holds
    tasks: dict[str, Any] = field(default_factory=dict)  # of the borrowed session
    params: dict[str, Any] = field(default_factory=dict)  # options that only the preparation knows, such as ids


@dataclass
class Handled:
    """A request that the server carried out, whatever became of its answer."""

    entry: LogEntry
    status: int
    now: float  # the server's clock


@dataclass
class Observation:
    """All that is known of one run."""

    setup: Setup
    injected: InjectedFault | None
    result: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None  # as the arguments of fail_json
    crash: str | None = None
    warnings: list[str] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    handled: list[Handled] = field(default_factory=list)
    opened: list[LogonSession] = field(default_factory=list)  # logon sessions that this run opened
    tasks: dict[str, Any] = field(default_factory=dict)  # all tasks that ever existed, by id
    times: list[float] = field(default_factory=list)  # of the server's clock, at which the run read something
    waited: float = 0.0  # by the client's clock
    open: set[str] = field(default_factory=set)  # ids of the sessions that are open now
    secrets: set[str] = field(default_factory=set)
    foreign_visits: int = 0  # connections to the target of redirects
    hits: int = 0  # requests that the fault hit

    @property
    def error(self) -> dict[str, Any]:
        """Return the failure's ``error``."""
        return (self.failure or {}).get("error") or {}

    @property
    def shown(self) -> dict[str, Any]:
        """Return the keys that playbooks see, of a result or a failure."""
        return self.result if self.result is not None else self.failure or {}

    @property
    def is_clock_set_back(self) -> bool:
        """Return whether the fault set the server's clock back: what began before is then still to come, and is not listed."""
        if self.injected is None or self.injected.fault.effect != "clock":
            return False
        return bool(dict(self.injected.fault.spec)["seconds"] < 0)

    def sent(self, method: str, part: str) -> list[LogEntry]:
        """Return the requests that arrived at the server, carried out or not."""
        return [entry for entry in self.log if entry.method == method and part.lower() in entry.path.lower()]

    def done(self, method: str, part: str) -> list[Handled]:
        """Return the requests that the server carried out with success."""
        return [
            one
            for one in self.handled
            if one.entry.method == method and part.lower() in one.entry.path.lower() and 200 <= one.status < 300
        ]
