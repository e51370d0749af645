# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the emulator's Enterprise Manager knows before a report is written: worlds from empty to terrible."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from emulator import Emulator
from emulator.clock import to_datetime

GIB = 1024**3
HOUR = 3600.0
DAY = 24 * HOUR
HOSTILE = "<script>alert('name')</script>\"'{{ lookup('ansible.builtin.pipe', 'touch pwned') }}{% raw %}&amp;"
REASONS = (
    "Failed to create VM snapshot. Error: CreateSnapshot failed, vmRef vm-4711, timeout 1800000.",
    "There is not enough space on the disk. Agent failed to process method {DataTransfer.SyncDisk}.",
    "Cannot connect to the guest: RPC server is unavailable <0x800706ba>.",
)


def empty(em: Emulator) -> None:
    """A backup server, and nothing else."""
    em.world.clear()
    em.world.add_server("vbr01.vbem.test")


def successful(em: Emulator) -> None:
    """All jobs ran and succeeded."""
    empty(em)
    em.world.add_repository("Main", "vbr01", 40_000 * GIB, 21_000 * GIB)
    for number in range(14):
        job = em.world.add_job(f"Backup {number + 1:02d}", server="vbr01")
        for days in range(5):
            started = em.clock.now() - days * DAY - 11 * HOUR + number * 1900
            em.world.add_run(job, started, 400 + 90 * number + 40 * days)


def busy(em: Emulator) -> None:
    """A usual night on top of the emulator's default world, with names that a page must escape."""
    chance, world, now = random.Random(7), em.world, em.clock.now()
    world.job("Failing Backup").failure_message = None  # as on real servers: the task sessions have the reason
    for number in range(26):
        server = ("vbr01", "vbr02", "vbr03")[number % 3]
        name = f"{('ERP', 'Web', 'Files', 'Mail', 'Build', 'Desktop')[number % 6]} {('Nightly', 'Hourly')[number % 2]} {number:02d}"
        job = world.add_job(name, server=server)
        baseline = chance.uniform(300, 4200)
        for days in range(1, 6):
            world.add_run(job, now - days * DAY - chance.uniform(9, 15) * HOUR, baseline * chance.uniform(0.9, 1.1))
        for _repetition in range(4 if number % 2 else 1):
            started = now - chance.triangular(2, 22, 16) * HOUR
            outcome = chance.choices(("success", "warning", "failed"), (88, 9, 3))[0]
            factor = 3.2 if number == 4 else 1
            add_session(em, job, started, min(baseline * factor * chance.uniform(0.8, 1.2), now - started - 60), outcome)
    erp = world.add_job("ERP Database", server="vbr01")
    for number, outcome in enumerate(("failed", "failed", "success")):
        session = add_session(em, erp, now - (9 - number) * HOUR, 900, outcome)
        session.is_retry = number > 0
    portal = world.add_job("Portal", server="vbr03")  # recovered, with warnings
    add_session(em, portal, now - 6 * HOUR, 900, "failed")
    add_session(em, portal, now - 5 * HOUR, 900, "warning")
    exchange = world.add_job("Exchange", server="vbr02")
    for number in range(3):
        add_session(em, exchange, now - (7 - number) * HOUR, 300, "failed", machines=9)
    hostile = world.add_job(HOSTILE, server="vbr03", failure_message=f"Bad: {HOSTILE}")
    world.add_run(hostile, now - 3 * HOUR, 60, "failed")
    world.add_run(world.add_job("Tape out", job_type="BackupCopy", server="vbr01"), now - 5 * HOUR, 10**9)
    world.add_job("Monthly Full", server="vbr01", next_run=now + 9 * DAY)
    world.add_job("Forgotten", server="vbr02", next_run=now - 8 * HOUR)
    world.add_repository("Object storage", "vbr01", 0, 0, "AmazonS3")
    world.add_repository("Immutable, Linux", "vbr02", 131_072 * GIB, 51_300 * GIB, "LinuxLocal")


def example(em: Emulator) -> None:
    """A night with few failures, for the screenshot of the documentation."""
    empty(em)
    chance, world, now = random.Random(11), em.world, em.clock.now()
    world.add_server("vbr02.vbem.test")
    names = ("SQL", "Web", "Files", "Mail", "ERP", "Build", "Desktops", "Lab", "Archive", "Monitoring")
    for number in range(40):
        job = world.add_job(f"{names[number % 10]} {1 + number // 10:02d}", server=("vbr01", "vbr02")[number % 3 == 2])
        for _repetition in range(3 if number % 4 == 1 else 1):
            world.add_run(job, now - chance.triangular(3, 21, 13) * HOUR, chance.uniform(200, 5200))
    bad = world.add_job("Exchange", server="vbr01")
    for hours in (8.2, 7.6):
        add_session(em, bad, now - hours * HOUR, 940, "failed", machines=5)
    erp = world.add_job("ERP Database", server="vbr02")
    add_session(em, erp, now - 10 * HOUR, 900, "failed")
    add_session(em, erp, now - 9 * HOUR, 1900, "success")
    add_session(em, world.add_job("File Servers", server="vbr01"), now - 12 * HOUR, 2400, "warning")
    world.add_run(world.add_job("Offsite Copy", job_type="BackupCopy", server="vbr01"), now - 5 * HOUR, 10**6)
    world.add_job("Monthly Full", server="vbr01", next_run=now + 9 * DAY)


def running(em: Emulator) -> None:
    """Far more job sessions are running than have ended."""
    successful(em)
    for number in range(60):
        job = em.world.add_job(
            f"Continuous protection of production databases {number:02d}", server="vbr01", job_type="BackupCopy"
        )
        em.world.add_run(job, em.clock.now() - (1 + number % 20) * HOUR, 10**6)


def terrible(em: Emulator) -> None:
    """Thousands of job sessions, most of which failed or ended with warnings."""
    empty(em)
    chance, world, now = random.Random(3), em.world, em.clock.now()
    jobs = [world.add_job(f"{REASONS[number % 3][: 24 + number % 40]} {number:03d}", server="vbr01") for number in range(300)]
    for number in range(4000):
        outcome = chance.choices(("success", "warning", "failed"), (4, 2, 5))[0]
        started = now - chance.uniform(1, 23) * HOUR
        session = world.add_run(jobs[number % 280], started, chance.uniform(60, 3000), outcome)
        if outcome == "failed" and number % 2:
            session.failure_message = REASONS[number % 3]
        if number > 3700:
            add_task_sessions(em, session, outcome, 12)
    for number in range(40):
        world.add_repository(f"Extent-{number:02d}.{'x' * 60}", "vbr01", 9000 * GIB, (number % 11) * 60 * GIB)


def add_session(em: Emulator, job: Any, started: float, seconds: float, outcome: str, *, machines: int = 2) -> Any:
    """Add a job session with its task sessions, and return it."""
    session = em.world.add_run(job, started, seconds, outcome)
    session.failure_message = None
    add_task_sessions(em, session, outcome, machines)
    return session


def add_task_sessions(em: Emulator, session: Any, outcome: str, count: int) -> None:
    """Add the task sessions of a job session, one for each machine. The last one succeeds."""
    resource_type = "ReplicaTaskSession" if session.spec.name == "ReplicaJobSession" else "BackupTaskSession"
    for number in range(count):
        succeeded = outcome == "success" or (number == count - 1 and count > 1)
        started = int(session.created) + 5 * number
        name = f"{session.job.name.split()[0].lower()}{number + 1:02d}"
        em.world.add_row(
            resource_type,
            f"{name}@{to_datetime(started):%Y-%m-%d %H:%M:%S}",
            server=session.job.server,
            JobSessionUid=session.uid,
            JobUid=session.job.uid,
            JobName=session.job.name,
            VmDisplayName=name,
            CreationTime=to_datetime(started),
            EndTime=to_datetime(int(session.ends)),
            State="Completed",
            Result="Success" if succeeded else outcome.capitalize(),
            Reason="" if succeeded else REASONS[number % 3],
            TotalSize=40 * GIB,
        )


WORLDS: dict[str, Callable[[Emulator], None]] = {
    "busy": busy,
    "successful": successful,
    "empty": empty,
    "example": example,
    "running": running,
    "terrible": terrible,
}
