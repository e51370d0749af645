# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing what a job or a CDP policy protects: plan, predict, execute.

Facts: wire facts, section 10.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Union

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import Body
from ..protocol.links import find_guid
from ..protocol.names import suggest_names
from ..protocol.references import Reference, parse_reference
from .infrastructure import Infrastructure, Item, ObjectQuery, select_by_name
from .job_objects import JobObject, find_holders, get_list_path, list_objects
from .jobs import Job
from .task_action import TaskAction, is_unanswered

LOOKUP_HINT = "run the task again, which reads the objects of the job first"
MAX_LIST_LAG = 30  # seconds by which the list may lag behind a finished task, as public clients wait for it
LIST_TIMEOUT = 120  # seconds after which a list that does not show the changes is a failure
# After these the rest is not attempted: it would fail, too, or its outcome would not be known.
FATAL_KINDS = ("session_lost", "forbidden", "wait_timeout", "logon_failed", "tls", "invalid_option")

Change = Union[Item, JobObject]  # to be added, or to be removed


class MembershipPlan(NamedTuple):
    """The changes to a job whose list of objects is at ``path``, and the objects that are left alone."""

    job: Job
    path: str
    current: list[JobObject]
    to_add: list[Item]
    to_remove: list[JobObject]
    kept: list[dict[str, Any]]


def predict(plan: MembershipPlan) -> dict[str, Any]:
    """Return the result of check mode."""
    added = [_describe(item) for item in plan.to_add]
    return _create_result(plan, _predict_objects(plan, plan.to_remove, added), added, [one.data for one in plan.to_remove])


def _predict_objects(plan: MembershipPlan, removed: list[JobObject], added: list[dict[str, Any]]) -> list[dict[str, Any]]:
    gone = {one.data["id"] for one in removed}
    return [*(one.data for one in plan.current if one.data["id"] not in gone), *added]


def _create_result(
    plan: MembershipPlan,
    objects: list[dict[str, Any]],
    added: list[dict[str, Any]],
    removed: list[dict[str, Any]],
    errors: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the result. ``diff`` shows the objects before and after."""
    return {
        "changed": bool(added or removed),
        "job": plan.job.data,
        "objects": objects,
        "added": added,
        "removed": removed,
        "kept": plan.kept,
        "errors": errors or [],
        "diff": {"before": _format([one.data for one in plan.current]), "after": _format(objects)},
    }


def _describe(item: Item) -> dict[str, Any]:
    return {"id": None, "ref": str(item.reference), "name": item.name}


def _format(objects: list[dict[str, Any]]) -> str:
    return "".join(f"{line}\n" for line in sorted(f"{one['name']} {one['ref']}" for one in objects))


class MembershipPlanner:
    """Plans the changes to one job. Only reads, and raises for changes that are not allowed.

    ``wait_for_object`` is in seconds.
    """

    def __init__(
        self,
        client: Client,
        job: Job,
        *,
        wait_for_object: int = 0,
        poll_interval: int = 10,
        infrastructure: Infrastructure | None = None,
    ) -> None:
        self.client = client
        self.job = job
        self.server_uid: str | None = job.data["backup_server_uid"]
        self.wait_for_object = wait_for_object
        self.poll_interval = poll_interval
        self.infrastructure = infrastructure or Infrastructure(client)
        self.path = get_list_path(job)
        self.current: list[JobObject] = []

    def plan(
        self,
        queries: list[ObjectQuery],
        *,
        state: str,
        unless_in_any_job: bool = False,
        max_remove: int | None = None,
    ) -> MembershipPlan:
        """Return the changes after which the job holds the objects, or does not, as ``state`` says."""
        self.current = list_objects(self.client, self.path)
        if state == "absent":
            plan = MembershipPlan(self.job, self.path, self.current, [], self._find_members(queries), [])
        else:
            plan = self._plan_additions(queries, is_exact=state == "exact", unless_in_any_job=unless_in_any_job)
        _check_removals(plan, state, max_remove)
        return plan

    def _plan_additions(self, queries: list[ObjectQuery], *, is_exact: bool, unless_in_any_job: bool) -> MembershipPlan:
        items = {item.reference.key: item for item in self._find_items(queries)}
        held = {one.key for one in self.current}
        missing = [item for key, item in items.items() if key not in held]
        holders = find_holders(self.client, missing) if unless_in_any_job else {}
        kept = [
            {"ref": str(item.reference), "name": item.name, "jobs": holders[item.reference.key]}
            for item in missing
            if item.reference.key in holders
        ]
        to_add = [item for item in missing if item.reference.key not in holders]
        to_remove = [one for one in self.current if one.key not in items] if is_exact else []
        return MembershipPlan(self.job, self.path, self.current, to_add, to_remove, kept)

    # -----------------------------------------------------------------------------------------------------------------
    # Objects to add

    def _find_items(self, queries: list[ObjectQuery]) -> list[Item]:
        """Return the object that each query means. With ``wait_for_object``, wait for those not yet in the inventory."""
        held = {one.key for one in self.current}
        items: dict[ObjectQuery, Item | None] = {
            query: Item(query.reference, query.name, None)
            for query in queries
            if query.reference is not None and query.reference.key in held
        }
        items.update(self._search([query for query in queries if query not in items]))
        if self.wait_for_object:  # then a reference alone does not show that the inventory knows the object
            given = [query for query in queries if query.is_id and _get_key(items[query]) not in held]
            items.update(self._search(given, verify=True))
        items.update(self._await_items([query for query in queries if items[query] is None]))
        return [item for query in queries if (item := items[query]) is not None]

    def _search(self, queries: list[ObjectQuery], *, verify: bool = False) -> dict[ObjectQuery, Item | None]:
        found = self.infrastructure.find_all(queries, self.server_uid, verify=verify)
        return {query: self._choose(query, items) for query, items in zip(queries, found)}

    def _choose(self, query: ObjectQuery, items: list[Item]) -> Item | None:
        """Return the one object that a query means; None where there is none. Raise ``ambiguous`` for several."""
        found = {item.reference.key: item for item in items}
        if len(found) > 1:
            listed = ", ".join(f"{item.name} ({item.reference})" for item in found.values())
            msg = f"{len(found)} objects match {query.describe()}: {listed}. Give ref or moid instead of name."
            raise EmError("ambiguous", msg)
        for item in found.values():
            self._check_server(item.reference, item.root)
            return item
        return None

    def _check_server(self, reference: Reference, root: Mapping[str, Any] | None) -> None:
        """Raise for an object that is not below a hierarchy root of the job's backup server."""
        if root is None:
            raise EmError("not_found", f"{reference} refers to the hierarchy root {reference.root_id}, which does not exist.")
        own, other = find_guid(self.server_uid or ""), find_guid(root["backup_server_uid"] or "")
        if own is not None and other is not None and own != other:
            raise EmError(
                "invalid_option",
                f"{reference} is on the backup server {root['backup_server']}, but the job {self.job.data['name']} is on"
                f" {self.job.data['backup_server']}: give the reference below the same host's hierarchy root on that server, or"
                " moid with root.",
            )

    def _await_items(self, missing: list[ObjectQuery]) -> dict[ObjectQuery, Item | None]:
        """Return the objects that the inventory has learnt of. Raise ``not_found`` for those that it still does not know."""
        found: dict[ObjectQuery, Item | None] = {}
        unknown = []
        patience = WaitBudget(self.client, self.wait_for_object, self.poll_interval)
        for query in missing:
            item = poll(self.client, partial(self._look_again, query), patience, pause_first=True)
            if not isinstance(item, TimedOut):
                found[query] = item
            elif item.last_error is not None:  # nothing is known of the object then
                raise item.last_error
            else:
                unknown.append(query)
        if unknown:
            raise EmError("not_found", self._explain_missing(unknown))
        return found

    def _look_again(self, query: ObjectQuery) -> Item | None:
        self.client.hooks.on_progress(f"The inventory does not know {query.describe()} yet")
        return self._choose(query, self.infrastructure.find(query, self.server_uid, verify=True))

    def _explain_missing(self, queries: list[ObjectQuery]) -> str:
        names = ", ".join(query.describe() for query in queries)
        if self.wait_for_object:
            return (
                f"After {self.wait_for_object} seconds the inventory of the backup server does not know {names}. Raise"
                " wait_for_object if its next update comes later, or check the spelling."
            )
        similar = self._suggest(queries[0]) if len(queries) == 1 else ""
        return (
            f"The inventory of the backup server does not know {names}.{similar} A new machine shows up after its next update,"
            " which wait_for_object waits for (but not in check mode)."
        )

    def _suggest(self, query: ObjectQuery) -> str:
        """Return a question with similar names, or an empty text."""
        if query.is_id or query.name is None:
            return ""
        try:
            everything = self.infrastructure.find(query._replace(name="*"), self.server_uid)
        except EmError:
            return ""
        return suggest_names(query.name, (item.name for item in everything))

    # -----------------------------------------------------------------------------------------------------------------
    # Objects to remove

    def _find_members(self, queries: list[ObjectQuery]) -> list[JobObject]:
        """Return the objects of the job that the queries mean, each once; also those that are gone from the infrastructure.

        Raise ``ambiguous`` where a name means several.
        """
        candidates = {query: self._select_candidates(query) for query in queries}
        members = {query: _select_members(query, some) for query, some in candidates.items()}
        unknown = [query for query in queries if not members[query] and not query.is_id]
        members.update(self._find_renamed({query: candidates[query] for query in unknown}))
        keys = set()
        for query, some in members.items():
            own = {one.key for one in some}
            if len(own) > 1:
                listed = ", ".join(f"{one.data['name']} ({one.data['ref']})" for one in some)
                meant = f"{len(own)} objects of {self.job.data['name']} match {query.describe()}"
                msg = f"{meant}: {listed}. Give ref instead."
                raise EmError("ambiguous", msg)
            keys |= own
        return [one for one in self.current if one.key in keys]  # the job may hold one object twice

    def _select_candidates(self, query: ObjectQuery) -> list[JobObject]:
        """Return the objects of the job that are of the type, and below the hierarchy root, that a query names."""
        if query.reference is not None:
            return self.current
        root_ids = None
        if query.root is not None:
            root_ids = {find_guid(root["uid"] or "") for root in self.infrastructure.find_roots(query, self.server_uid)}
        return [
            one
            for one in self.current
            if (reference := parse_reference(one.data["ref"])) is not None
            and reference.type.lower() == query.type.lower()
            and (root_ids is None or reference.root_id in root_ids)
        ]

    def _find_renamed(self, candidates: Mapping[ObjectQuery, list[JobObject]]) -> dict[ObjectQuery, list[JobObject]]:
        """Return the objects of the job that the infrastructure knows by another name than the job's list shows."""
        below: dict[ObjectQuery, list[ObjectQuery]] = {}
        for query, some in candidates.items():
            references = [parse_reference(one.data["ref"]) for one in some]
            roots = {one.root_id for one in references if one is not None and self.infrastructure.get_root(one) is not None}
            below[query] = [query._replace(root=root_id) for root_id in sorted(roots)]
        searches = [one for queries in below.values() for one in queries]
        found = dict(zip(searches, self.infrastructure.find_all(searches, self.server_uid)))
        keys = {query: {item.reference.key for one in queries for item in found[one]} for query, queries in below.items()}
        return {query: [one for one in some if one.key in keys[query]] for query, some in candidates.items()}


def _select_members(query: ObjectQuery, candidates: list[JobObject]) -> list[JobObject]:
    """Return those of the job's objects that a query means, by what the job's list shows of them."""
    if query.reference is not None:
        return [one for one in candidates if one.key == query.reference.key]
    if query.moid is not None:
        return [one for one in candidates if one.key.endswith(f".{query.moid.lower()}")]
    return select_by_name(candidates, query.name or "", lambda one: one.data["name"])


def _get_key(item: Item | None) -> str | None:
    return item.reference.key if item is not None else None


def _check_removals(plan: MembershipPlan, state: str, max_remove: int | None) -> None:
    """Raise ``invalid_option`` for removals that the server or the options do not allow."""
    count = len(plan.to_remove)
    if not count:
        return
    name = plan.job.data["name"]
    names = ", ".join(str(one.data["name"]) for one in plan.to_remove[:10]) + (" and more" if count > 10 else "")
    msg = None
    if len(plan.current) + len(plan.to_add) <= count:
        msg = (
            f"{name} would be left without objects, which the server does not allow: a job's last object cannot be removed."
            " Nothing was done. Add another object first, or delete the job."
        )
    elif max_remove is None and state == "exact":
        msg = (
            f"The option max_remove is needed: state: exact would remove {count} objects of {name} ({names}). Nothing was done."
            " Set max_remove to how many objects may be removed at most."
        )
    elif max_remove is not None and count > max_remove:
        msg = f"The option max_remove allows {max_remove} removals, but {count} objects of {name} would be removed ({names})."
        msg += " Nothing was done."
    if msg is not None:
        raise EmError("invalid_option", msg, result=_create_result(plan, [one.data for one in plan.current], [], []))


class TaskTiming:
    """An estimate of how long the server takes for a task, updated after each one, so that most tasks are polled only once."""

    FIRST_SECONDS = 1.0
    TASKS_BETWEEN_GUESSES = 5  # after a guess that was too short

    def __init__(self) -> None:
        self.seconds = self.FIRST_SECONDS  # after which the next task is read
        self._until_guess = 0

    def learn(self, seconds: float, polls: int) -> None:
        """Update the estimate with a task that was finished after so many seconds, at the last of so many polls."""
        if polls > 1:
            self.seconds, self._until_guess = seconds, self.TASKS_BETWEEN_GUESSES
        elif self._until_guess > 0:
            self._until_guess -= 1
        else:
            self.seconds *= 0.75


class MembershipExecution:
    """Carries out a plan: adds, then removes, one request each. ``wait_timeout`` is in seconds, and for each change."""

    def __init__(
        self,
        client: Client,
        plan: MembershipPlan,
        *,
        guest_processing: Mapping[str, Any] | None = None,
        wait_timeout: int = 600,
        poll_interval: int = 10,
    ) -> None:
        self.client = client
        self.plan = plan
        self.guest_processing = guest_processing
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.added: list[Item] = []
        self.removed: list[JobObject] = []
        self.errors: list[dict[str, Any]] = []
        self.listed: list[JobObject] | None = None  # the list as last read
        self._timing = TaskTiming()
        self._is_uncertain = False  # whether something may have been done that is not in `added` or `removed`
        self._first_error: EmError | None = None

    def run(self) -> dict[str, Any]:
        """Make the changes, and return the result once the job's list shows them.

        A failure of one object does not stop the rest. Raise ``partial`` where anything was not done. The result of every
        failure says what was done so far.
        """
        changes: list[Change] = [*self.plan.to_add, *self.plan.to_remove]
        try:
            for number, change in enumerate(changes):
                self._report(change, number, len(changes))
                fatal = self._try(change)
                if fatal is not None:
                    for one in changes[number + 1 :]:
                        self._note_error(one, "Not attempted.")
                    raise fatal
            self._await_list()
        except EmError as err:
            err.result = self._create_result()
            raise
        if self.errors:
            raise self._create_partial(len(changes))
        return self._create_result()

    def _report(self, change: Change, number: int, count: int) -> None:
        data, verb = (change.data, "remove") if isinstance(change, JobObject) else (_describe(change), "add")
        self.client.hooks.on_progress(f"{number + 1} of {count}: {verb} {data['name'] or data['ref']}")

    def _create_result(self) -> dict[str, Any]:
        added = [self._show(item) for item in self.added]
        if self.listed is not None:
            objects = [one.data for one in self.listed]
        else:
            objects = _predict_objects(self.plan, self.removed, added)
        result = _create_result(self.plan, objects, added, [one.data for one in self.removed], self.errors)
        return {**result, "changed": result["changed"] or self._is_uncertain}

    def _show(self, item: Item) -> dict[str, Any]:
        """Return the public form of an added object: as the list shows it or, where it does not, as it was requested."""
        listed = [one.data for one in self.listed or () if one.key == item.reference.key]
        return listed[-1] if listed else _describe(item)

    def _create_partial(self, count: int) -> EmError:
        first = self.errors[0]
        more = " The others are in errors." if len(self.errors) > 1 else ""
        return EmError(
            "partial",
            f"{len(self.errors)} of {count} changes to {self.plan.job.data['name']} were not made, or may not have been."
            f" {first['name'] or first['ref']}: {first['msg']}{more}",
            detail=self._first_error.detail if self._first_error is not None else None,
            result=self._create_result(),
        )

    def _note_error(self, change: Change, msg: str, err: EmError | None = None) -> None:
        data = change.data if isinstance(change, JobObject) else _describe(change)
        self.errors.append({"ref": data["ref"], "name": data["name"], "msg": msg})
        self._first_error = self._first_error or err

    # -----------------------------------------------------------------------------------------------------------------
    # One change

    def _try(self, change: Change) -> EmError | None:
        """Make a change. Return a failure after which no other change is to be attempted; None after any other outcome."""
        try:
            self._apply(change)
        except EmError as err:
            self._note_error(change, err.msg, err)
            if err.kind in FATAL_KINDS or self._is_cut_off(err):
                return err
        return None

    def _apply(self, change: Change) -> None:
        """Add or remove one object, and note the outcome."""
        left = len(self.plan.current) + len(self.added) - len(self.removed)
        if isinstance(change, JobObject) and left <= 1:
            self._note_error(change, "Not removed: it is the last object of the job, because no other object was added.")
            return
        budget = WaitBudget(self.client, self.wait_timeout, self.poll_interval)
        action = TaskAction(self.client, budget, subject=str(self.plan.job.data["name"]), lookup_hint=LOOKUP_HINT)
        began, requests = self.client.clock(), self.client.requests
        try:
            if isinstance(change, JobObject):
                action.run("DELETE", change.path, expected_seconds=self._timing.seconds)
            else:
                action.run("POST", self.plan.path, self._create_body(change), expected_seconds=self._timing.seconds)
            self._timing.learn(self.client.clock() - began, polls=self.client.requests - requests - 2)
        except EmError as err:
            is_ours = self._find_outcome(change, action, err)
            if is_ours is None:
                raise
            if not is_ours:
                return
        if isinstance(change, JobObject):
            self.removed.append(change)
        else:
            self.added.append(change)

    def _create_body(self, item: Item) -> Body:
        members: dict[str, Any] = {
            "HierarchyObjRef": str(item.reference),
            "HierarchyObjName": item.name or item.reference.object_id,
        }
        if self.guest_processing:
            members["GuestProcessingOptions"] = self.guest_processing
        return Body("CreateObjectInJobSpec", members)

    def _find_outcome(self, change: Change, action: TaskAction, err: EmError) -> bool | None:
        """Return whether the list shows the change in spite of a failure: True if made by this request, False if by another.

        Return None if the list does not show it. A request with an unknown outcome may have been carried out, and the list may
        show that late. A refusal may mean that another client was quicker.
        """
        is_unknown = action.changed or is_unanswered(err)
        shown: bool | TimedOut = TimedOut(None)
        if err.kind not in FATAL_KINDS:
            budget = WaitBudget(self.client, MAX_LIST_LAG if is_unknown else 0, self.poll_interval)
            with suppress(EmError):  # the failure of the change counts
                shown = poll(self.client, partial(self._read_outcome, change), budget)
        if not isinstance(shown, TimedOut):
            return is_unknown
        if is_unknown:
            self._is_uncertain = True
            if err.kind not in FATAL_KINDS:
                err.add_context("The list of objects does not show the change.")
        return None

    def _read_outcome(self, change: Change) -> bool | None:
        """Return True once the list shows the change."""
        self.listed = list_objects(self.client, self.plan.path)
        if isinstance(change, JobObject):
            return change.data["id"] not in [one.data["id"] for one in self.listed] or None
        return change.reference.key in [one.key for one in self.listed] or None

    def _is_cut_off(self, err: EmError) -> bool:
        """Return whether the server has become unreachable."""
        if not (err.status is None and err.kind in ("connection", "timeout")):
            return False
        try:
            self.listed = list_objects(self.client, self.plan.path)
        except EmError:
            return True
        return False

    # -----------------------------------------------------------------------------------------------------------------
    # The list

    def _await_list(self) -> None:
        """Read the list until it shows what was done: it lags behind the finished task."""
        self.listed = None
        if not self.added and not self.removed:
            if self.plan.to_add or self.plan.to_remove:
                self.listed = list_objects(self.client, self.plan.path)
            return
        budget = WaitBudget(self.client, min(self.wait_timeout, LIST_TIMEOUT), self.poll_interval)
        shown = poll(self.client, self._is_shown, budget)
        if isinstance(shown, TimedOut):
            raise EmError(
                "wait_timeout",
                f"The tasks of {self.plan.job.data['name']} succeeded, but after {budget.wait_timeout} seconds its list of"
                f" objects does not show all changes.{shown.explain()} Run the task again to see whether it does later.",
                detail=shown.detail,
            )

    def _is_shown(self) -> bool | None:
        self.listed = list_objects(self.client, self.plan.path)
        keys, ids = {one.key for one in self.listed}, {one.data["id"] for one in self.listed}
        is_added = all(item.reference.key in keys for item in self.added)
        return (is_added and not any(one.data["id"] in ids for one in self.removed)) or None
