# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick backup and VeeamZIP: one machine, by its backup server (wire-facts 11)."""

from __future__ import annotations

from .entity import Plain
from .errors import ApiError
from .exchange import Reply
from .infrastructure import machines_of
from .inventory import Item
from .job_actions import related_run
from .jobs import Job
from .points import Protected, has_point
from .runs import FAILED, ZERO_ID
from .writes import Handler, Write

RETENTIONS = (
    "Never",
    "Tonight",
    "TomorrowNight",
    "In3days",
    "In1Week",
    "In2Weeks",
    "In1Month",
    "In3Months",
    "In6Months",
    "In1Year",
    "In2Years",
    "In3Years",
    "In5Years",
    "In7Years",
)


def _machine(write: Write, reference: str) -> tuple[Plain, Item] | None:
    """Return the machine that a reference means on this backup server."""
    known = write.world.inventory.find(reference, write.request.now)
    if known is None or not known[1].is_machine or known[0].data["backupserveruid"] != write.row.uid:
        return None
    return known


def _jobs_of(write: Write, item: Item) -> list[Job]:
    """Return the backup jobs of this server that hold a machine; those of Cloud Director do not count."""
    return [
        job
        for job in write.world.jobs
        if job.server.uid == write.row.uid and job.job_type == "Backup" and job.platform in ("VMware", "Hyperv")
        if any(item in machines_of(write.world, row) for row in write.world.objects_of(job))
    ]


def quick(write: Write) -> Reply:
    """Back up one machine with the job that holds it."""
    reference = str(write.body["VmRef"])
    known = _machine(write, reference)
    if known is None:
        return write.task(False, f"VM [{reference}] was not found.")
    jobs = _jobs_of(write, known[1])
    if not jobs:
        return write.task(False, f'Quick backup cannot be performed: VM "{known[1].name}" is not in any backup job.')
    return _run(write, jobs[0], *known)


def _run(write: Write, job: Job, root: Plain, item: Item) -> Reply:
    world, how = write.world, write.api.switches.quick_backup_without_full
    protected = Protected(item.name, world.inventory.reference(root, item))
    if world.active_run(job) is not None:
        return write.task(False, f'Job "{job.name}" is already running.')
    is_full = has_point(world, protected.reference)
    if not is_full and how == "task":
        return write.task(False, f'Quick backup cannot be performed: VM "{item.name}" has no full backup.')
    run = world.start_run(job, outcome="failed" if not is_full and how == "session" else item.next_backup())
    run.machines = [(item, protected)]
    if run.outcome == FAILED:
        run.failure_message = item.reason or ("The machine has no full backup." if not is_full else run.failure_message)
    return write.task(True, "Ok", related_run(write, run))


def zip_machines(write: Write) -> Reply:
    """Make a VeeamZIP file; VMware only, and no job is needed."""
    world, body = write.world, write.body
    if str(body["BackupRetention"]) not in RETENTIONS:
        raise ApiError(400, f"Requested value '{body['BackupRetention']}' was not found.")
    if not 1 <= int(body["CompressionLevel"]) <= 5:
        raise ApiError(400, f"Requested value '{body['CompressionLevel']}' was not found.")
    machines = []
    for reference in body["VmRef"] if isinstance(body["VmRef"], list) else [body["VmRef"]]:
        known = _machine(write, str(reference))
        if known is None:
            return write.task(False, f"VM [{reference}] was not found.")
        if world.inventory.platform(known[0]) != "VMware":
            return write.task(False, "VeeamZIP is supported for VMware vSphere VMs only.")
        machines.append((known[1], Protected(known[1].name, world.inventory.reference(*known))))
    repositories = world.table(world.catalogue["Repository"])
    if not any(row.uid.lower() == str(body["RepositoryUid"]).lower() for row in repositories):
        return write.task(False, f"Backup repository [{body['RepositoryUid']}] was not found.")
    assert isinstance(write.row, Plain)
    item = machines[0][0]
    job = Job(world.catalogue["Job"], ZERO_ID, f"VeeamZIP {item.name}", server=write.row)
    run = world.start_run(job, outcome=item.next_backup())
    run.machines = machines
    if run.outcome == FAILED:
        run.failure_message = item.reason or None
    return write.task(True, "Ok", related_run(write, run))


def collect(write: Write) -> Reply:
    """Collect the data of a backup server."""
    write.api.backend.note_collection(write.row)
    return write.task(True, "Data collection started. To view results, go to Sessions.")


HANDLERS: dict[str, Handler] = {
    "post_backupservers_id_quickbackup": quick,
    "post_backupservers_id_zip": zip_machines,
    "post_backupservers_id_collect": collect,
}
