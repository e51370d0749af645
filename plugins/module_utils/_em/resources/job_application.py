# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution of a plan for many jobs, and its result."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..client.client import Client
from ..client.polling import WaitBudget
from ..errors import EmError
from .infrastructure import parse_objects
from .job_entries import JobInventory
from .job_lifecycle import JobLifecycle
from .job_membership import MembershipExecution, MembershipPlanner
from .job_plan import JobPlan, Surplus, create_request
from .jobs import Job

# Failures after which no other job is attempted, because it would fail too.
FATAL_KINDS = ("session_lost", "logon_failed", "tls")
NOT_ATTEMPTED = "Not attempted."


class JobApplication:
    """Executes the plans of many jobs. A failure of one job does not stop the others."""

    def __init__(
        self,
        client: Client,
        inventory: JobInventory,
        plans: list[JobPlan | Surplus],
        *,
        wait_timeout: int,
        poll_interval: int,
    ) -> None:
        self.client = client
        self.inventory = inventory
        self.plans = plans
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.changed = False
        self._done: set[int] = set()
        self.errors: dict[int, EmError] = {number: plan.error for number, plan in enumerate(plans) if plan.error is not None}
        # Executing a plan changes it. The result contains the plan as it was before.
        self._results = [plan.to_result() for plan in plans]
        self._drift = [line for plan in plans for line in plan.describe()]
        self._diffs = [plan.format_diff() for plan in plans if plan.error is None and plan.action is not None]

    # -----------------------------------------------------------------------------------------------------------------
    # The result

    def result(self) -> dict[str, Any]:
        """Return the result of the changes so far."""
        errors = [(self._results[number], err) for number, err in sorted(self.errors.items())]
        return {
            "changed": self.changed,
            "jobs": [self._results[number] for number in self._list_differing()],
            "drift": self._drift,
            "errors": [{"name": one["name"], "backup_server": one["backup_server"], "msg": err.msg} for one, err in errors],
            "diff": {
                "before": "".join(before for before, _after in self._diffs),
                "after": "".join(after for _before, after in self._diffs),
            },
        }

    def _list_differing(self, *actions: str) -> list[int]:
        """Return the numbers of the jobs with one of these actions or, without actions, of all jobs that differ."""
        wanted = actions or ("created", "changed", "deleted")
        return [
            number for number, plan in enumerate(self.plans) if plan.error is None and self._results[number]["action"] in wanted
        ]

    def check_max_changes(self, max_changes: int | None) -> None:
        """Raise ``invalid_option`` if more jobs differ than ``max_changes`` allows."""
        count = len(self._list_differing())
        if max_changes is not None and count > max_changes:
            raise EmError(
                "invalid_option",
                f"{count} jobs differ from their definitions, and max_changes allows {max_changes}. Nothing was changed.",
                result=self.result(),
            )

    def predict(self) -> dict[str, Any]:
        """Return the result of check mode. Raise ``partial`` if a definition cannot be applied."""
        self.changed = bool(self._list_differing())
        return self._finish()

    def _finish(self) -> dict[str, Any]:
        if not self.errors:
            return self.result()
        number, first = min(self.errors.items())
        more = " The others are in errors." if len(self.errors) > 1 else ""
        raise EmError(
            "partial",
            f"{len(self.errors)} of {len(self.plans)} job definitions could not be applied."
            f" {self.plans[number].label}: {first.msg}{more}",
            detail=first.detail,
            result=self.result(),
        )

    # -----------------------------------------------------------------------------------------------------------------
    # Execution

    def run(self) -> dict[str, Any]:
        """Create jobs first, because others may run after them, and delete jobs last, only if all other changes succeeded."""
        self._run_all(self._list_differing("created"), self._create)
        self._run_all(self._list_differing("created", "changed"), self._change)
        surplus = self._list_differing("deleted")
        if self.errors:
            for number in surplus:
                self.errors[number] = EmError("partial", f"{NOT_ATTEMPTED} Jobs are deleted only if all other changes succeed.")
        self._run_all(surplus, self._delete)
        return self._finish()

    def _run_all(self, numbers: list[int], step: Callable[[Any], None]) -> None:
        for number in numbers:
            if number in self.errors:
                continue
            plan = self.plans[number]
            self.client.hooks.on_progress(f"{plan.label}: {self._results[number]['action']}")
            try:
                step(plan)
            except EmError as err:
                self.errors[number] = err
                self.changed = self.changed or bool(err.result.get("changed"))
                self.changed = self.changed or (err.may_have_been_sent and err.method not in (None, "GET"))
                if err.kind in FATAL_KINDS or self._is_cut_off(err):
                    self._stop(err)
                continue
            if step != self._create:
                self._done.add(number)

    def _stop(self, err: EmError) -> None:
        """Raise the failure, and record the jobs that were not attempted."""
        for number in self._list_differing():
            if number not in self._done:
                self.errors.setdefault(number, EmError("partial", NOT_ATTEMPTED))
        err.result = self.result()
        raise err

    def _is_cut_off(self, err: EmError) -> bool:
        """Return whether the server no longer answers."""
        if err.status is not None or err.kind not in ("connection", "timeout"):
            return False
        try:
            self.client.get("/api/")
        except EmError as other:
            return other.status is None
        return False

    def _create_lifecycle(self) -> JobLifecycle:
        return JobLifecycle(self.client, WaitBudget(self.client, self.wait_timeout, self.poll_interval))

    def _create(self, plan: JobPlan) -> None:
        if plan.clone is None:
            return
        lifecycle = self._create_lifecycle()
        try:
            plan.job = lifecycle.clone(create_request(plan.entry), plan.clone)
        finally:
            self.changed = self.changed or lifecycle.changed
        self._results[self.plans.index(plan)]["uid"] = plan.job.data["uid"]

    def _change(self, plan: JobPlan) -> None:
        if plan.job is None:
            return
        lifecycle = self._create_lifecycle()
        try:
            lifecycle.edit(plan.job, plan.entry.definition, check_mode=False)
        finally:
            self.changed = self.changed or lifecycle.changed
        if plan.added or plan.removed:
            self._change_objects(plan, plan.job)

    def _change_objects(self, plan: JobPlan, job: Job) -> None:
        """Make the job hold exactly the planned objects. Compare with its current list, not with the one of the plan."""
        planner = MembershipPlanner(
            self.client, job, infrastructure=self.inventory.infrastructure, poll_interval=self.poll_interval
        )
        objects = parse_objects("objects", [{"ref": one.ref, "name": one.name} for one in plan.objects or []])
        limit = sys.maxsize if plan.clone is not None else len(plan.removed)  # a clone holds the template's objects
        membership = planner.plan(objects, state="exact", max_remove=limit)
        execution = MembershipExecution(
            self.client, membership, wait_timeout=self.wait_timeout, poll_interval=self.poll_interval
        )
        result = execution.run()
        self.changed = self.changed or result["changed"]

    def _delete(self, plan: Surplus) -> None:
        lifecycle = self._create_lifecycle()
        params = {"uid": plan.job.data["uid"], "name": None, "backup_server": None, "kind": "job"}
        try:
            lifecycle.ensure_absent(params, force=False, check_mode=False)
        finally:
            self.changed = self.changed or lifecycle.changed
