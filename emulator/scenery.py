# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world a new emulator begins with."""

from __future__ import annotations

from .clock import Clock
from .entity import Plain
from .jobs import Job
from .runs import NEVER
from .scenery_inventory import furnish_inventory
from .scenery_more import furnish_more
from .scenery_rows import furnish_rows
from .tenants import show_resources
from .world import World, steady_id

HOUR = 3600.0
DAY = 24 * HOUR
GIB = 1024**3
STALE_JOB = "Weekly Archive"  # its schedule is off, and it has not run for more than a week
NEW_JOB = "Manual Backup"  # has no schedule, and has never run


def furnish(world: World, clock: Clock) -> None:
    """Put up three backup servers, jobs of every kind, each with a past, and rows of every other type."""
    world.add_server("vbr01.vbem.test", description="Main site")
    world.add_server("vbr02.vbem.test", description="Branch")
    world.add_server("vbr03.vbem.test", version="12.3.2.3617", description="Lab: R&D <old>")
    world.add_repository("Default Backup Repository", "vbr01", 2048 * GIB, 900 * GIB)
    world.add_repository("Scale-out 01", "vbr01", 65536 * GIB, 1200 * GIB, "ExtendableRepository")
    world.add_repository("Default Backup Repository", "vbr02", 1024 * GIB, 40 * GIB)
    _add_jobs(world)
    night = (clock.now() - 6 * HOUR) // HOUR * HOUR
    for days in (1, 0):
        for number, job in enumerate(world.jobs):
            if job.name in (STALE_JOB, NEW_JOB):
                continue
            outcome = "success" if job.script[0] == "never" else job.script[0]
            # Three machines would never keep a whole second: fractions of every length, as the wire has them.
            fraction = (0.0, 0.5, 0.28, 0.659559, 0.39912)[number % 5]
            world.add_run(job, night - days * DAY + number * 600 + fraction, 300 + 7 * number, outcome)
    for days in (16, 9):
        world.add_run(world.job(STALE_JOB), night - days * DAY, 420)
    _add_rows(world, night)
    for tenant in world.table(world.catalogue["CloudTenant"]):
        show_resources(world, tenant)
    furnish_inventory(world)
    _add_rescan(world, night)


def _add_jobs(world: World) -> None:
    add = world.add_job
    add("Daily Backup", server="vbr01", description="All production machines")
    add("SQL Backup", server="vbr01", description='Databases; "always on", (two sites)')
    add("DC Replication", server="vbr01", job_type="Replica")
    add("Offsite Copy", server="vbr01", job_type="BackupCopy")
    add("Offsite Mirror", server="vbr01", job_type="ImmediateBackupCopy", platform="CustomPlatform")
    add("Warning Backup", server="vbr01", script="warning")
    add(
        "Failing Backup",
        server="vbr01",
        script="failed",
        failure_message='Backup target "E:\\" is full & read-only <0x80070070>.',
    )
    add("Flaky Backup", server="vbr01", script=["failed", "success"], failure_message="A machine did not answer.")
    add("Endless Backup", server="vbr01", script="never")
    add(STALE_JOB, server="vbr01", enabled=False)
    add(NEW_JOB, server="vbr01", schedule_configured=False, enabled=False)
    add('R&D "special"; (A,B) == x', server="vbr01", description="A name the query language could trip over")
    add("B\u00fcro-Sicherung \u00d8st", server="vbr02", platform="Hyperv")
    add("Daily Backup", server="vbr02", platform="Hyperv", description="The other server's job of the same name")
    add("vCloud Backup", server="vbr03", platform="vCloud")
    add("Linux Agents", kind="agent", server="vbr01", platform="AgentForLinux")
    add("Windows Agents", kind="agent", server="vbr02", platform="AgentForWindows")
    add("Shared Files", kind="nas", server="vbr01")


_kept: dict[float, list[Plain]] = {}  # the rows of one night, the same in every emulator of a process


def _add_rows(world: World, night: float) -> None:
    """Add the rows that are neither jobs nor runs: those of the emulator before, for they take longer to make than to copy."""
    kept = _kept.get(night)
    if kept is not None:
        for row in kept:
            world.add_copy(row)
        return
    before = set(world.plain_rows)
    furnish_rows(world, night)
    furnish_more(world, night)
    _kept.clear()
    _kept[night] = [row.copy() for row in world.plain_rows if row not in before]


def _add_rescan(world: World, night: float) -> None:
    """Add the run of what is no job: a protection group that is being rescanned, and goes on being rescanned."""
    spec = world.catalogue["AgentProtectionGroup"]
    group = next(iter(world.table(spec)))
    server = world.server("vbr01")
    job = Job(spec, group.id, f"Rescan of {group.name}", server=server, kind="agent", job_type="AgentManagement")
    run = world.add_run(job, night - 1234.5, 0.0, NEVER, run_id=steady_id("rescan"))
    run.ends = float("inf")
    run.stands_still = True
