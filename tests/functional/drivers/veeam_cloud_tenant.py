# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_cloud_tenant is driven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.entity import Plain
from emulator.tenants import add_tenant

from . import Scenario
from .checks import check_action_failure, check_task, list_actions, same
from .observation import Observation, Setup

NAME, PASSWORD = "Initech", "a-passw0rd-of-a-tenant"
WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}
GIVEN: dict[str, Any] = {"name": NAME, "tenant_password": PASSWORD, **WAIT}


def _list_tenants(em: Any) -> list[Plain]:
    return [row for row in em.world.table(em.world.catalogue["CloudTenant"]) if row.name == NAME]


def check_tenant(description: str | None) -> Any:
    """Return the rule: after a success the tenant is as described, or gone; a failure says what may have been done."""

    def rule(observed: Observation, _healthy: Observation) -> Iterator[str]:
        found = _list_tenants(observed.setup.em)
        actions = [one for one in list_actions(observed) if "/api/cloud/" in one.entry.path]
        is_done = bool(actions) and any(task.success for task in observed.tasks.values())
        if len(found) > 1:
            yield "created twice"
        if observed.shown.get("task"):
            yield from check_task(observed, observed.shown["task"])
        if observed.failure is not None:
            yield from check_action_failure(observed, is_done)
            return
        assert observed.result is not None
        # Of a tenant that was reported as unknown while it was deleted, nobody can know that this run deleted it.
        denied = any(entry.fault and entry.status in (404, 500) for entry in observed.sent("DELETE", "/cloud/tenants/"))
        if observed.result["changed"] != is_done and not denied:
            yield f"changed is {observed.result['changed']}, and {'something' if is_done else 'nothing'} was done"
        if [row.body["Description"] for row in found] != ([] if description is None else [description]):
            yield f"success, and the tenants of the name are {[row.body for row in found]}"

    return rule


def _prepare(setup: Setup) -> None:
    setup.params["backup_server"] = setup.em.world.server().name


def _prepare_one(setup: Setup) -> None:
    _prepare(setup)
    add_tenant(setup.em.world, NAME, setup.em.world.server(), {"Description": "One"}, [])


def _scenario(name: str, prepare: Any = _prepare_one, **given: Any) -> Scenario:
    settings = {key: given.pop(key) for key in ("borrowed", "check_mode") if key in given}
    params = {**GIVEN, "description": "Another", **given}
    rule = check_tenant(None if given.get("state") == "absent" else params["description"])
    return Scenario(name, same("changed") if settings.get("check_mode") else rule, params, prepare=prepare, **settings)


SCENARIOS = [
    _scenario("tenant-new", _prepare, borrowed=True),
    _scenario("tenant-edit", borrowed=True),
    _scenario("tenant-edit-own"),
    _scenario("tenant-same", borrowed=True, description="One"),
    _scenario("tenant-check", borrowed=True, check_mode=True),
    _scenario("tenant-absent", borrowed=True, state="absent"),
    _scenario("tenant-gone", _prepare, borrowed=True, state="absent"),
]
