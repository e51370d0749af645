# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_rest is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator.tenants import add_tenant

from . import Scenario
from .checks import check_action_failure, check_equal, check_finished_task, check_task, list_actions, same
from .observation import Observation, Setup
from .tasks import make_five_tasks

WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}


def act(*, is_awaited: bool) -> Any:
    """Return the rule for a request that makes a task."""

    def rule(observed: Observation, _healthy: Observation) -> Iterator[str]:
        is_done = bool(list_actions(observed)) and any(task.success for task in observed.tasks.values())
        if observed.shown.get("task"):
            yield from check_task(observed, observed.shown["task"])
        if observed.failure is not None:
            yield from check_action_failure(observed, is_done)
            return
        assert observed.result is not None
        if observed.result["changed"] != is_done:
            yield f"changed is {observed.result['changed']}, and the action was {'' if is_done else 'not '}carried out"
        if is_awaited:
            yield from check_finished_task(observed)

    return rule


def check_deletion(observed: Observation, healthy: Observation) -> Iterator[str]:
    """A resource is absent after a success; changed means by this run."""
    removed = bool(list_actions(observed))
    session = observed.setup.session
    assert session is not None
    task_id = observed.setup.params["path"].rpartition("/")[2]
    if observed.failure is not None:
        yield from check_action_failure(observed, removed)
        return
    assert observed.result is not None
    if task_id in {task.id for task in session.tasks}:
        yield "success, and the task is still there"
    # Of a resource that was reported as unknown while it was removed, nobody can know that this run removed it.
    denied = any(entry.fault and entry.status in (404, 500) for entry in observed.sent("DELETE", "/tasks/"))
    if not denied:
        yield from check_equal(observed, healthy, "changed")


def _take_job(query: str = "") -> Callable[[Setup], None]:
    def prepare(setup: Setup) -> None:
        setup.params["path"] = f"jobs/{setup.em.world.job('SQL Backup').id}{query}"

    return prepare


def _take_task(number: int) -> Callable[[Setup], None]:
    def prepare(setup: Setup) -> None:
        make_five_tasks(setup)
        assert setup.session is not None
        ids = [*(task.id for task in setup.session.tasks), "task-4711"]
        setup.params["path"] = f"tasks/{ids[number]}"

    return prepare


def _take_tenant(setup: Setup) -> None:
    tenant = add_tenant(setup.em.world, "Initech", setup.em.world.server(), {"Description": "One"}, [])
    setup.params["path"] = f"cloud/tenants/{tenant.id}"


def _take_new_tenant(setup: Setup) -> None:
    setup.em.switches.object_delay = 6.0
    setup.params["body"] = {**NEW_TENANT, "BackupServerUid": setup.em.world.server().uid}


def check_created(observed: Observation, healthy: Observation) -> Iterator[str]:
    """There is one tenant of the name, at most; after a success there is, and it was read."""
    found = [
        row for row in observed.setup.em.world.table(observed.setup.em.world.catalogue["CloudTenant"]) if row.name == "New"
    ]
    if len(found) > 1:
        yield "created twice"
    if observed.result is not None and not found:
        yield "success, and nothing was created"
    if observed.result is not None and (observed.result["related"] or {}).get("name") != "New":
        yield "success, and what was created was not read"
    yield from act(is_awaited=True)(observed, healthy)


READ = same("resource")
LISTED = same("resources")
POST: dict[str, Any] = {"method": "POST", **WAIT}
PUT: dict[str, Any] = {"method": "PUT", "body": {"Description": "Another one"}, **WAIT}
QUERY = {"type": "Job", "format": "Entities", "pageSize": 3}
SQL_BACKUP = {"type": "Job", "filter": None, "where": [{"field": "Name", "operator": "==", "value": "SQL Backup"}]}

NEW_TENANT = {"Name": "New", "Password": "a-passw0rd-of-a-tenant"}
EDIT = {"method": "PUT", "body": {"Password": "a-passw0rd-of-a-tenant", "Description": "Another one"}, **WAIT}
CREATE = {**POST, "path": "cloud/tenants", "wait_for": "related"}
NEW = {"type": "CloudTenant", "filter": "Name==New", "where": None}

SCENARIOS = [
    Scenario("rest-resource", READ, {"query": {"format": "Entity"}}, prepare=_take_job()),
    Scenario("rest-collection", LISTED, {"path": "jobs", "query": {"format": "Entity"}}, borrowed=True),
    Scenario("rest-pages", LISTED, {"path": "query", "query": QUERY}, borrowed=True),
    Scenario("rest-action", act(is_awaited=True), POST, prepare=_take_job("?action=start")),
    Scenario("rest-action-borrowed", act(is_awaited=True), POST, borrowed=True, prepare=_take_job("?action=start")),
    Scenario(
        "rest-action-nothing",
        act(is_awaited=False),
        {**POST, "wait_for": "nothing"},
        borrowed=True,
        prepare=_take_job("?action=start"),
    ),
    Scenario("rest-found", same("resources"), {**POST, "unless_found": SQL_BACKUP}, prepare=_take_job("?action=start")),
    Scenario("rest-put", act(is_awaited=True), EDIT, borrowed=True, prepare=_take_tenant),
    Scenario("rest-create", check_created, {**CREATE, "unless_found": NEW}, borrowed=True, prepare=_take_new_tenant),
    Scenario("rest-check", same("changed"), PUT, borrowed=True, check_mode=True, prepare=_take_job()),
    Scenario("rest-delete", check_deletion, {"method": "DELETE"}, borrowed=True, prepare=_take_task(0)),
    Scenario("rest-delete-gone", check_deletion, {"method": "DELETE"}, borrowed=True, prepare=_take_task(-1)),
]
