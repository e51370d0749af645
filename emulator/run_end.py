# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end of a run leaves behind: a line for each machine, restore points, another try (wire-facts 6.4, 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import Link
from .entity import Plain
from .infrastructure import machines_of
from .inventory import Item
from .points import Protected, add_points, add_task_session
from .runs import FAILED, SUCCESS, ZERO_ID, Run

if TYPE_CHECKING:
    from .world import World

REASON = "Failed to process the machine."


def end_run(world: World, run: Run) -> None:
    """Put into the world what a run did, and begin the next try of one that failed, if the server tries again."""
    if run.job.kind == "job" and not run.job.is_copy:
        _end_machines(world, run)
    is_stopped = run.stop_asked is not None
    if run.outcome == FAILED and not is_stopped and run.attempt < world.switches.auto_retries:
        again = world.switches.auto_retry_wait
        world.later(run.ends + again, lambda: world.retry_run(run))


def _end_machines(world: World, run: Run) -> None:
    machines = _machines(world, run)
    if not machines:
        return
    # Those that are known to give trouble do, or else the first one.
    bad = [item for item, _protected in machines if item.reason] or [machines[0][0]]
    if run.outcome == SUCCESS:
        bad = []
    good, sessions = [], {}
    for number, (item, protected) in enumerate(machines):
        result, reason = SUCCESS, ""
        if item in bad or run.stop_asked is not None:
            result, reason = run.outcome, item.reason or run.failure_message or REASON
        began = min(run.created + number, run.ends)
        session = add_task_session(world, run.job, run, protected, began=began, ended=run.ends, result=result, reason=reason)
        if result != FAILED:
            good.append(protected)
            sessions[protected.reference] = session
    if good and run.job.job_type == "Backup":
        kind = "Full" if run.job.id == ZERO_ID else None
        points = add_points(world, run.job, run.created, good, kind=kind, visible_from=run.ends + world.switches.point_delay)
        _link(world, run, points, sessions)


def _link(world: World, run: Run, points: list[Plain], sessions: dict[str, Plain]) -> None:
    """Let the run and its task sessions lead to what they made, as recorded answers do."""
    whole = world.table(world.catalogue["RestorePoint"]).get(str(points[0].data["restorepointid"]))
    if whole is not None:
        run.made = (Link("Related", whole.reference_path, "RestorePointReference", whole.name),)
    for point in points:
        session = sessions[str(point.data["hierarchyobjref"])]
        session.up = (*session.up, Link("Related", point.entity_path, "VmRestorePoint", point.name))


def _machines(world: World, run: Run) -> list[tuple[Item, Protected]]:
    if run.machines is not None:
        return run.machines
    found: list[tuple[Item, Protected]] = []
    for row in world.objects_of(run.job):
        known = world.inventory.find(str(row.data["hierarchyobjref"]))
        for item in machines_of(world, row):
            if known is not None and item not in [one for one, _protected in found]:
                reference = world.inventory.reference(known[0], item, world.switches.machine_type)
                found.append((item, Protected(item.name, reference)))
    return found
