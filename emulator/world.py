# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything behind the API that outlives a logon session: servers, jobs, their runs, and other rows."""

from __future__ import annotations

import math
import random
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from . import infrastructure
from .catalogue import Catalogue, TypeSpec
from .clock import Clock, to_datetime
from .document import Link, Scalar, Value
from .entity import Entity, Plain
from .filters import parse_date
from .inventory import Inventory, Item
from .jobs import KINDS, Job
from .run_end import end_run
from .runs import FAILED, NEVER, OUTCOMES, SUCCESS, Run
from .schedule import Event, Schedule
from .switches import Switches
from .table import Table

_IDS = uuid.UUID("5f1d8c0e-6a0b-4c3b-9d55-7b2f6c1e9a40")

_KIND_SETTINGS: dict[str, dict[str, Any]] = {
    "agent": {"job_type": "AgentBackup", "platform": "AgentForLinux"},
    "nas": {"job_type": "NasBackup", "platform": None},
}


@lru_cache(4096)  # every emulator of a process makes the same ones
def steady_id(*parts: object) -> str:
    """Return an id that is the same in every emulator."""
    return str(uuid.uuid5(_IDS, "/".join(map(str, parts))))


class World:
    """The backup infrastructure."""

    def __init__(self, clock: Clock, switches: Switches, catalogue: Catalogue) -> None:
        self._clock = clock
        self._switches = switches
        self.catalogue = catalogue
        self.inventory = Inventory()
        self._schedule = Schedule()
        self._moment: float | None = None
        self._working: list[Run] = []
        self._tables: defaultdict[str, Table[Any]] = defaultdict(Table)
        self._children: dict[str, tuple[int, dict[str, list[Plain]]]] = {}
        self._made = 0

    def table(self, spec: TypeSpec) -> Table[Any]:
        """Return the rows of a query type."""
        return self._tables[spec.name]

    def clear(self) -> None:
        """Empty the world."""
        self._tables.clear()
        self._children.clear()
        self._working.clear()
        self._schedule.clear()
        self.inventory.clear()
        self._made = 0

    @property
    def now(self) -> float:
        """The emulated time; of what happens late, the time at which it was due."""
        return self._clock.now() if self._moment is None else self._moment

    @property
    def switches(self) -> Switches:
        """How the server behaves."""
        return self._switches

    def later(self, at: float, event: Event) -> None:
        """Let something happen at this time, or with the next look after it."""
        self._schedule.add(at, event)

    def catch_up(self) -> None:
        """Let everything happen that is due."""
        if self._moment is not None:
            return
        now = self._clock.now()
        for at, event in self._schedule.due(now):
            self._moment = at
            try:
                event()
            finally:
                self._moment = None
        while ended := next((run for run in self._working if run.is_over(now)), None):
            self._working.remove(ended)  # before anything else, as ending one catches up again
            end_run(self, ended)

    def children(self, type_name: str, owner: Entity) -> list[Plain]:
        """Return the rows of a type that are below their owner."""
        table = self._tables[self.catalogue[type_name].name]
        known = self._children.get(type_name)
        if known is None or known[0] != table.generation:
            by_owner: defaultdict[str, list[Plain]] = defaultdict(list)
            for row in table:
                if row.owner is not None:
                    by_owner[row.owner.id].append(row)
            known = self._children[type_name] = (table.generation, dict(by_owner))
        return list(known[1].get(owner.id, ()))

    @property
    def jobs(self) -> list[Job]:
        """All jobs, of all kinds."""
        return [job for name in KINDS.values() for job in self.table(self.catalogue[name])]

    @property
    def runs(self) -> list[Run]:
        """All runs, those that cannot be seen yet included."""
        return [run for name in ("BackupJobSession", "ReplicaJobSession") for run in self.table(self.catalogue[name])]

    @property
    def servers(self) -> list[Plain]:
        """The backup servers."""
        return list(self.table(self.catalogue["BackupServer"]))

    def make_row(
        self,
        type_name: str,
        name: str,
        row_id: str | None = None,
        *,
        server: Plain | None = None,
        owner: Entity | None = None,
        links: Sequence[Link] = (),
        inner: Mapping[str, Value] | None = None,
        values: Mapping[str, Scalar] | None = None,
        **data: Scalar,
    ) -> Plain:
        """Make a row of any type without adding it; `data` (and `values`, more of the same) is by field name.

        A date in it may be text. `server` is the backup server the row belongs to, `owner` the resource it is found below,
        `inner` what is no plain value, by element name.
        """
        spec = self.catalogue[type_name]
        self._made += 1
        key = row_id or steady_id(type_name, name, self._made)
        data.update(values or {})
        for field_name, value in data.items():
            field = spec.fields.get(field_name.lower())
            if field is not None and field.kind == "date" and isinstance(value, str):
                data[field_name] = parse_date(value)
        up = list(links)
        if server is not None:
            up.insert(0, Link("Up", server.reference_path, "BackupServerReference", server.name))
            data = {"BackupServerUid": server.uid, "BackupServerName": server.name, **data}
        return Plain(spec, key, name, data=data, up=tuple(up), inner=dict(inner or {}), owner=owner)

    def put_row(self, row: Plain) -> Plain:
        """Add a row that was made before."""
        self.table(row.spec).add(row.id, row)
        if row.spec.name == "HierarchyRoot":
            self.inventory.add_root(row)
        if isinstance(row.owner, Job):
            self._holder(row).append(row)
        return row

    @staticmethod
    def _holder(row: Plain) -> list[Plain]:
        """Return the list of a job that a row below it is in."""
        assert isinstance(row.owner, Job)
        return row.owner.objects if row.spec.nested == "includes" else row.owner.linked

    def add_row(self, type_name: str, name: str, row_id: str | None = None, **settings: Any) -> Plain:
        """Add a row of any type; see make_row for the settings."""
        return self.put_row(self.make_row(type_name, name, row_id, **settings))

    def remove_row(self, row: Entity) -> None:
        """Take a row out of the world."""
        table = self.table(row.spec)
        if row.id in table:
            table.remove(row.id)
        if isinstance(row, Plain) and isinstance(row.owner, Job) and row in self._holder(row):
            self._holder(row).remove(row)

    def add_copy(self, row: Plain) -> None:
        """Add a row of another world; it belongs to the owner of the same id in this one."""
        self._made += 1
        twin = row.copy()
        if row.owner is not None:
            twin.owner = self.table(row.owner.spec).get(row.owner.id) or row.owner
        self.put_row(twin)

    @property
    def plain_rows(self) -> list[Plain]:
        """All rows that are neither jobs nor runs."""
        return [row for table in self._tables.values() for row in table if isinstance(row, Plain)]

    def add_server(self, name: str, version: str = "13.0.1.1071", description: str = "") -> Plain:
        """Add a backup server."""
        return self.add_row(
            "BackupServer",
            name,
            steady_id("server", name),
            Description=description,
            IpOrDnsName=name,
            Port=9392,
            Version=version,
        )

    def server(self, name: str | None = None) -> Plain:
        """Return the backup server of this name, or the first."""
        for server in self.servers:
            if name is None or server.name.lower() == name.lower() or server.name.partition(".")[0] == name.lower():
                return server
        raise KeyError(f"no backup server {name!r}")

    def add_repository(self, name: str, server: str | None, capacity: int, free: int, kind: str = "WinLocal") -> Plain:
        """Add a repository; sizes in bytes."""
        owner = self.server(server)
        return self.add_row(
            "Repository",
            name,
            steady_id("repository", owner.name, name),
            server=owner,
            Capacity=capacity,
            FreeSpace=free,
            Kind=kind,
        )

    def add_job(
        self,
        name: str,
        *,
        kind: str = "job",
        server: str | None = None,
        script: str | Sequence[str] = "success",
        job_id: str | None = None,
        **settings: Any,
    ) -> Job:
        """Add a job; `kind` is job, agent or nas, `script` the outcomes of its runs (success, warning, failed, never)."""
        owner = self.server(server)
        outcomes = [script] if isinstance(script, str) else list(script)
        for outcome in outcomes:
            if outcome.lower() not in OUTCOMES:
                raise ValueError(f"script holds {', '.join(OUTCOMES)}; not {outcome!r}")
        spec = self.catalogue[KINDS[kind]]
        settings = {"next_run": self._clock.now() // 3600 * 3600 + 6 * 3600, **_KIND_SETTINGS.get(kind, {}), **settings}
        self._made += 1
        key = job_id or steady_id("job", owner.name, kind, name, self._made)
        return self.put_job(Job(spec, key, name, server=owner, kind=kind, script=outcomes, **settings))

    def put_job(self, job: Job) -> Job:
        """Add a job that was made before."""
        return self.table(job.spec).add(job.id, job)  # type: ignore[no-any-return]

    def remove_job(self, job: Job) -> None:
        """Take a job out of the world, with what it holds; its backups and sessions stay."""
        for row in [*job.objects, *job.linked]:
            self.remove_row(row)
        self.remove_row(job)

    def job(self, name: str, server: str | None = None, kind: str | None = None) -> Job:
        """Return the first job of this name."""
        for job in self.jobs:
            if job.name == name and kind in (None, job.kind) and (server is None or self.server(server) is job.server):
                return job
        raise KeyError(f"no job {name!r}")

    def run_table(self, job: Job) -> Table[Any]:
        """Return where the runs of this job are."""
        return self.table(self.catalogue["ReplicaJobSession" if job.job_type == "Replica" else "BackupJobSession"])

    def runs_of(self, job: Job) -> list[Run]:
        """Return the runs of a job, in order of creation."""
        return [run for run in self.run_table(job) if run.job is job]

    def active_run(self, job: Job) -> Run | None:
        """Return the run of this job that has not ended."""
        now = self._clock.now()
        return next((run for run in reversed(self.runs_of(job)) if not run.is_over(now)), None)

    def start_run(self, job: Job, *, is_retry: bool = False, outcome: str | None = None) -> Run:
        """Begin a run; it can be seen only after a while."""
        switches, now = self._switches, self.now
        result = OUTCOMES[(outcome or job.next_outcome()).lower()]
        working = now + switches.run_starting
        duration = switches.run_duration if job.duration is None else job.duration
        ends = math.inf if result == NEVER else working + duration
        run = self._run(job, str(uuid.uuid4()), now, ends, result)
        run.visible_from, run.working_from, run.is_retry = now + switches.run_delay, working, is_retry
        if switches.copies_idle and job.is_copy and result == SUCCESS:
            run.ends, run.idle_from = math.inf, working + duration
        if switches.run_listed_after_end >= 0:
            run.listed_after_end = switches.run_listed_after_end
        self._working.append(run)
        return run

    def resume_run(self, run: Run) -> None:
        """Let a copy that waits for more work again."""
        run.working_from = self._clock.now()
        run.idle_from = run.working_from + (self._switches.run_duration if run.job.duration is None else run.job.duration)

    def retry_run(self, run: Run) -> None:
        """Try a failed run again, as the backup server does by itself."""
        again = self.start_run(run.job, is_retry=True)
        again.attempt = run.attempt + 1

    def add_run(
        self,
        job: Job,
        created: float,
        seconds: float,
        outcome: str = "success",
        *,
        is_retry: bool = False,
        run_id: str | None = None,
    ) -> Run:
        """Add a run that was: `created` is in seconds since the epoch."""
        self._made += 1
        key = run_id or steady_id("run", job.id, self._made)
        run = self._run(job, key, created, created + seconds, OUTCOMES[outcome.lower()])
        run.is_retry = is_retry
        return run

    def _run(self, job: Job, key: str, created: float, ends: float, outcome: str) -> Run:
        table = self.run_table(job)
        spec = self.catalogue["ReplicaJobSession" if job.job_type == "Replica" else "BackupJobSession"]
        name = f"{job.name}@{to_datetime(created):%Y-%m-%d %H:%M:%S}"
        run = Run(spec, key, name, job=job, created=created, ends=ends, outcome=outcome)
        run.failure_message = job.failure_message if outcome == FAILED else None
        table.add(key, run)
        return run

    def make_runs(self, count: int, job: Job | None = None, *, every: float = 60.0, seed: int = 1) -> list[Run]:
        """Add many runs that were, the last of them just over, for listings."""
        chance = random.Random(seed)
        jobs = [job] if job else [other for other in self.jobs if other.job_type != "Replica"]
        start = self._clock.now() - count * every
        made = []
        for number in range(count):
            outcome = chance.choices(("success", "warning", "failed"), (90, 7, 3))[0]
            made.append(
                self.add_run(jobs[number % len(jobs)], start + number * every, every * chance.uniform(0.1, 0.9), outcome)
            )
        return made

    # The infrastructure, and what protects it; see infrastructure.py and points.py

    def add_root(self, name: str, server: str | None = None, **settings: Any) -> Plain:
        """Add a hierarchy root: host_type (VC), root_id, unique_id (the same on two servers: one vCenter)."""
        return infrastructure.add_root(self, name, server, **settings)

    def add_machine(self, root: Plain | str, name: str, **settings: Any) -> Item:
        """Add an object to the inventory: kind (Vm), moid, parents, visible_after in seconds."""
        return infrastructure.add_machine(self, root, name, **settings)

    def add_object(self, job: Job | Plain, machine: Item | str, **settings: Any) -> Plain:
        """Put an object of the inventory into a job or a CDP policy, without a request."""
        return infrastructure.add_object(self, job, machine, **settings)

    def objects_of(self, job: Job | Plain) -> list[Plain]:
        """Return what a job or a CDP policy holds, whether the list shows it yet or not."""
        self.catch_up()
        rows = job.objects if isinstance(job, Job) else self.children("ObjectInCdpPolicy", job)
        return [row for row in rows if not row.is_removed]

    def add_restore_point(self, machine: Item | str, at: float, **settings: Any) -> Plain:
        """Add a restore point of a machine: job, kind (Full, Increment)."""
        return infrastructure.add_restore_point(self, machine, at, **settings)

    def find(self, spec: TypeSpec, key: str) -> Entity | None:
        """Return the visible row of this type and id."""
        row: Entity | None = self.table(spec).get(key.lower())
        return row if row is not None and row.is_visible(self._clock.now()) else None

    def touch(self) -> None:
        """Say that something was changed in place, so that nothing old is shown."""
        for table in self._tables.values():
            table.touch()

    def describe_job(self, job: Job) -> Mapping[str, object]:
        """Return a job for the control API."""
        run = self.active_run(job)
        now = self._clock.now()
        return {
            "id": job.id,
            "uid": job.uid,
            "name": job.name,
            "kind": job.kind,
            "job_type": job.job_type,
            "platform": job.platform,
            "backup_server": job.server.name,
            "schedule_enabled": job.schedule_enabled(now),
            "script": job.script,
            "runs": len(self.runs_of(job)),
            "running": None if run is None else {"id": run.id, "state": run.state(now)},
        }
