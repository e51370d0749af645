# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The infrastructure that scenarios prepare: one vCenter on two backup servers, with machines, of which jobs hold some."""

from __future__ import annotations

import uuid
from typing import Any

from emulator import Emulator

from .observation import Setup

VCENTER = "vcenter01.vbem.test"
UNIQUE_ID = "4c4c4544-0042-3510-8054-b4c04f4a3132"
JOB = "SQL Backup"


def make_infrastructure(setup: Setup) -> None:
    """Make roots, a folder and five machines; the job SQL Backup holds sql01 and sql02."""
    world = setup.em.world
    for server in ("vbr01", "vbr02"):
        world.add_root(VCENTER, server, unique_id=UNIQUE_ID)
    world.add_machine(VCENTER, "Production", kind="Folder", moid="group-v20")
    for number, name in enumerate(("sql01", "sql02", "web01", "web02", "twin", "twin")):
        world.add_machine(VCENTER, name, moid=f"vm-{101 + number}")
    setup.job = world.job(JOB)
    for name in ("sql01", "sql02"):
        world.add_object(setup.job, name, object_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, name)))  # the same in each run
    setup.held = list_held(setup.em, setup.job)


def list_held(em: Emulator, job: Any) -> list[str]:
    """Return the references of what a job holds in truth, in lower case."""
    return [str(row.data["hierarchyobjref"]).lower() for row in em.world.objects_of(job)]
