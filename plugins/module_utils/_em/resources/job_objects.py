# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in a job: what a job or a CDP policy protects, and changing that.

Facts: wire facts, section 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import Body, read_text
from ..protocol.filters import Comparison, Field, Or
from ..protocol.links import find_guid, find_link, get_path, strip_host
from ..protocol.references import parse_reference
from .infrastructure import Infrastructure, Item, ObjectQuery, parse_objects, select_by_name
from .jobs import Job
from .listing import FilteredListing, QueryTarget, iter_list
from .task_action import TaskAction

# The name of the list is not the same everywhere (wire facts, section 9), so any list of the answer is taken.
OBJECT_QUERY = QueryTarget("ObjectInJob", ())
OBJECT_NAME = Field("Name", "name")
MAX_LIST_LAG = 30  # seconds by which the list may lag behind the finished task, as public clients wait for it
FATAL_KINDS = ("session_lost", "forbidden", "wait_timeout", "invalid_option")
LOOKUP_HINT = "run the task again: it looks first"


class JobObject(NamedTuple):
    """An object in a job."""

    data: dict[str, Any]  # its public form
    path: str  # where it can be removed

    @property
    def key(self) -> str:
        """Return what its reference is compared by."""
        return create_key(self.data["ref"])


def create_key(ref: str | None) -> str:
    """Return what a reference is compared by: case does not matter, nor how the type is spelt."""
    reference = parse_reference(ref or "")
    return reference.key if reference is not None else (ref or "").lower()


def list_objects(client: Client, job: Job) -> list[JobObject]:
    """Return the objects of a job, in the order of the server."""
    return read_objects(client, get_includes_path(job))


def read_objects(client: Client, path: str) -> list[JobObject]:
    """Return the objects of a job, whose list is at ``path``."""
    names = ("objects_in_job", "object_in_jobs", "s_in_object_job", "object_in_job")
    found = []
    for row in iter_list(client.get(path), path, *names):
        object_id = read_text(row, "object_in_job_id") or find_guid(read_text(row, "href") or "")
        if object_id is None:
            raise EmError("bad_response", "The server lists an object of a job without its id.", method="GET", path=path)
        data = {
            "id": object_id,
            "ref": read_text(row, "hierarchy_obj_ref"),
            "name": read_text(row, "name") or read_text(row, "display_name"),
        }
        link = find_link(row, "Delete")
        href = read_text(link, "href") if link is not None else None
        found.append(JobObject(data, get_path(href) if href else f"{path}/{object_id}"))
    return found


def get_includes_path(job: Job) -> str:
    """Return the path of a job's objects: from its link or, without one, below its own address."""
    link = find_link(job.raw, "Down", type_prefix="ObjectInJobList")
    if link is not None:
        return get_path(read_text(link, "href") or "").partition("?")[0]
    href = strip_host(job.data["href"] or "").partition("?")[0]
    if not href:
        raise EmError("bad_response", f"The server lists the job {job.data['name']} without an address.")
    return f"{get_path(href)}/includes"


class MembershipPlan(NamedTuple):
    """What has to be done, and what is left as it is on purpose."""

    current: list[JobObject]
    to_add: list[Item]
    to_remove: list[JobObject]
    kept: list[dict[str, Any]]


class Membership:
    """Changes what one job protects. What was done so far is in the result, also in that of a failure."""

    def __init__(
        self, client: Client, job: Job, budget: WaitBudget, *, guest_processing: Mapping[str, Any] | None = None
    ) -> None:
        self.client = client
        self.job = job
        self.budget = budget
        self.guest_processing = guest_processing
        self.infrastructure = Infrastructure(client)
        self.added: list[dict[str, Any]] = []
        self.removed: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.before: list[JobObject] = []
        self.after: list[JobObject] = []
        self.kept: list[dict[str, Any]] = []

    # -----------------------------------------------------------------------------------------------------------------
    # Plan

    def plan(
        self,
        queries: list[ObjectQuery],
        *,
        state: str,
        wait_for_object: int = 0,
        unless_in_any_job: bool = False,
        max_remove: int | None = None,
    ) -> MembershipPlan:
        """Return what has to be done. Only reads. Raise for what must not be done, before anything is."""
        self.before = self.after = current = list_objects(self.client, self.job)
        if state == "absent":
            named = [one for query in queries for one in self._find_members(query, current)]
            to_remove = list({one.data["id"]: one for one in named}.values())
            planned = MembershipPlan(current, [], to_remove, [])
        else:
            items = self._find_items(queries, WaitBudget(self.client, wait_for_object, self.budget.poll_interval))
            held = {one.key for one in current}
            missing = [item for item in items if item.reference.key not in held]
            elsewhere = find_other_jobs(self.client, self.job, missing) if unless_in_any_job else {}
            self.kept = [
                {"ref": str(item.reference), "name": item.name, "jobs": elsewhere[item.reference.key]}
                for item in missing
                if item.reference.key in elsewhere
            ]
            to_add = [item for item in missing if item.reference.key not in elsewhere]
            wanted = {item.reference.key for item in items}
            to_remove = [one for one in current if one.key not in wanted] if state == "exact" else []
            planned = MembershipPlan(current, to_add, to_remove, self.kept)
        self._check_removals(planned, state, max_remove)
        return planned

    def _check_removals(self, planned: MembershipPlan, state: str, max_remove: int | None) -> None:
        count = len(planned.to_remove)
        name = self.job.data["name"]
        if count and len(planned.current) + len(planned.to_add) <= count:
            raise EmError(
                "invalid_option",
                f"The job {name} would be left without objects, which the server does not allow, so nothing was done: its last"
                " object cannot be removed. Add another object first, or delete the job.",
                result=self.result(),
            )
        if max_remove is None and state == "exact" and count:
            raise EmError(
                "invalid_option",
                f"state: exact would remove {count} objects of {name} ({self._list_names(planned.to_remove)}), so nothing was"
                " done: set max_remove to how many objects may be removed at most.",
                result=self.result(),
            )
        if max_remove is not None and count > max_remove:
            raise EmError(
                "invalid_option",
                f"The option max_remove allows {max_remove} removals, but {count} objects of {name} would be removed"
                f" ({self._list_names(planned.to_remove)}), so nothing was done.",
                result=self.result(),
            )

    @staticmethod
    def _list_names(objects: list[JobObject]) -> str:
        names = [str(one.data["name"]) for one in objects]
        return ", ".join(names[:10]) + (" and more" if len(names) > 10 else "")

    def _find_items(self, queries: list[ObjectQuery], patience: WaitBudget) -> list[Item]:
        """Return the objects to add, each once. Waits for those that the inventory does not know yet."""
        found: dict[str, Item] = {}
        for query in queries:
            item = poll(self.client, partial(self._find_item, query), patience)
            if isinstance(item, TimedOut):
                if item.last_error is not None:  # nothing is known of the object then
                    raise item.last_error
                waited = f" within {patience.wait_timeout} seconds" if patience.wait_timeout else ""
                raise EmError(
                    "not_found",
                    f"The infrastructure has no {query.describe()}{waited}, as far as the backup server knows. A new machine"
                    " shows up after the backup server's next update of its inventory: see wait_for_object.",
                    result=self.result(),
                )
            found.setdefault(item.reference.key, item)
        return list(found.values())

    def _find_item(self, query: ObjectQuery) -> Item | None:
        server_uid = self.job.data["backup_server_uid"]
        items = list({item.reference.key: item for item in self.infrastructure.find(query, server_uid)}.values())
        if len(items) > 1:
            listed = ", ".join(f"{item.name} ({item.reference})" for item in items)
            raise EmError(
                "ambiguous",
                f"{len(items)} objects are called {query.name}: {listed}. Give ref or moid instead of name.",
                result=self.result(),
            )
        for item in items:
            root_server = find_guid((item.root or {}).get("backup_server_uid") or "")
            if root_server is not None and server_uid is not None and root_server != find_guid(server_uid):
                raise EmError(
                    "invalid_option",
                    f"{query.describe()} is on the backup server {(item.root or {}).get('backup_server')}, but the job"
                    f" {self.job.data['name']} is on {self.job.data['backup_server']}: give the reference below the same host's"
                    " hierarchy root on that backup server.",
                    result=self.result(),
                )
        return items[0] if items else None

    def _find_members(self, query: ObjectQuery, current: list[JobObject]) -> list[JobObject]:
        """Return the objects of the job that a query means, also one that is gone from the infrastructure."""
        if query.reference is None and query.moid is None:
            named = self._select_by_name(query, current)
            if named:
                return named
        try:
            items = self.infrastructure.find(query, self.job.data["backup_server_uid"])
        except EmError as err:
            if err.kind != "not_found" or query.reference is not None:
                raise
            return []  # no such root: then nothing below it is in the job
        keys = {item.reference.key for item in items}
        return [one for one in current if one.key in keys]

    def _select_by_name(self, query: ObjectQuery, current: list[JobObject]) -> list[JobObject]:
        """Return the objects of the job by their name there. Raise ``ambiguous`` for several."""
        candidates = []
        for one in current:
            reference = parse_reference(one.data["ref"] or "")
            if reference is not None and reference.type.lower() != query.type.lower():
                continue
            candidates.append(one)
        named = select_by_name(candidates, query.name or "", lambda one: one.data["name"])
        if query.root is not None and len(named) > 1:
            roots = self.infrastructure.find_roots(query, self.job.data["backup_server_uid"])
            ids = {find_guid(root["uid"] or "") for root in roots}
            named = [one for one in named if getattr(parse_reference(one.data["ref"] or ""), "root_id", None) in ids]
        if len(named) > 1:
            listed = ", ".join(f"{one.data['name']} ({one.data['ref']})" for one in named)
            raise EmError(
                "ambiguous",
                f"{len(named)} objects of {self.job.data['name']} are called {query.name}: {listed}. Give ref or moid.",
                result=self.result(),
            )
        return named

    # -----------------------------------------------------------------------------------------------------------------
    # Result

    def predict(self, planned: MembershipPlan) -> dict[str, Any]:
        """Return the result of check mode."""
        removed = {one.data["id"] for one in planned.to_remove}
        self.added = [_to_data(item) for item in planned.to_add]
        self.removed = [one.data for one in planned.to_remove]
        kept = [one.data for one in planned.current if one.data["id"] not in removed]
        return self.result(objects=[*kept, *self.added])

    def result(self, objects: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """Return the result as far as things have come. ``diff`` shows the objects before and after."""
        objects = [one.data for one in self.after] if objects is None else objects
        return {
            "changed": bool(self.added or self.removed),
            "job": self.job.data,
            "objects": objects,
            "added": self.added,
            "removed": self.removed,
            "kept": self.kept,
            "errors": self.errors,
            "diff": {"before": _format([one.data for one in self.before]), "after": _format(objects)},
        }

    # -----------------------------------------------------------------------------------------------------------------
    # Execution

    def execute(self, planned: MembershipPlan) -> dict[str, Any]:
        """Add, then remove, one request each, and return the result once the job's list shows it.

        A failure of one object does not stop the rest. Raise ``partial`` where anything was not done.
        """
        changes: list[Item | JobObject] = [*planned.to_add, *planned.to_remove]
        done = 0
        try:
            for change in changes:
                self._apply(change, left=len(planned.current) + len(self.added) - len(self.removed))
                done += 1
            if changes:
                self._await_list()
        except EmError as err:
            if done < len(changes):
                self._note_error(changes[done], err.msg)
                for change in changes[done + 1 :]:
                    self._note_error(change, "Not attempted.")
            err.result = {**err.result, **self.result()}
            raise
        if self.errors:
            first = self.errors[0]
            raise EmError(
                "partial",
                f"{len(self.errors)} of {len(changes)} changes to {self.job.data['name']} were not made, or may not have been:"
                f" {first['name'] or first['ref']}: {first['msg']}"
                + (" (and more, see errors)" if len(self.errors) > 1 else ""),
                result=self.result(),
            )
        return self.result()

    def _apply(self, change: Item | JobObject, *, left: int) -> None:
        """Add or remove one object, and note what became of it. ``left`` is how many objects the job has."""
        if isinstance(change, JobObject) and left <= 1:
            msg = "Not removed: it is the last object of the job, because those that were to be added were not."
            self._note_error(change, msg)
            return
        try:
            self._add(change) if isinstance(change, Item) else self._remove(change)
        except EmError as err:
            if err.kind in FATAL_KINDS:
                raise
            is_done = self._find_outcome(change, err)
            if is_done is None:
                self._note_error(change, err.msg)
            if not is_done:  # not done, or done by another client
                return
        data = _to_data(change) if isinstance(change, Item) else change.data
        (self.added if isinstance(change, Item) else self.removed).append(data)

    def _note_error(self, change: Item | JobObject, msg: str) -> None:
        data = _to_data(change) if isinstance(change, Item) else change.data
        self.errors.append({"ref": data["ref"], "name": data["name"], "msg": msg})

    def _find_outcome(self, change: Item | JobObject, err: EmError) -> bool | None:
        """Return whether the job's list shows the effect of a failed request: True as its work, False as another client's.

        None means that it does not. A lost answer may hide a success, which the list may show late. A task that failed, a 404
        or a 500 may mean that another client was quicker.
        """
        is_lost = err.status is None and err.kind in ("connection", "timeout") and err.may_have_been_sent
        key = change.reference.key if isinstance(change, Item) else change.key

        def is_shown() -> bool | None:
            keys = {one.key for one in list_objects(self.client, self.job)}
            return (key in keys) is isinstance(change, Item) or None

        lag = MAX_LIST_LAG if is_lost else 0
        deadline = min(self.budget.deadline, self.client.clock() + lag)
        try:
            shown = poll(self.client, is_shown, self.budget, deadline=deadline)
        except EmError:
            return None
        return None if isinstance(shown, TimedOut) else is_lost

    def _add(self, item: Item) -> None:
        link = find_link(self.job.raw, "Create", type_prefix="ObjectInJob")
        path = get_path(read_text(link, "href") or "") if link is not None else get_includes_path(self.job)
        members: dict[str, Any] = {
            "HierarchyObjRef": str(item.reference),
            "HierarchyObjName": item.name or item.reference.object_id,
        }
        if self.guest_processing:
            members["GuestProcessingOptions"] = self.guest_processing
        self._run("POST", path, Body("CreateObjectInJobSpec", members))

    def _remove(self, one: JobObject) -> None:
        self._run("DELETE", one.path)

    def _run(self, method: str, path: str, body: Body | None = None) -> None:
        action = TaskAction(self.client, self.budget, subject=str(self.job.data["name"]), lookup_hint=LOOKUP_HINT)
        action.run(method, path, body)

    def _await_list(self) -> None:
        """Read the list until it shows what was done: it lags behind the finished task (wire facts, section 9)."""
        added = {create_key(one["ref"]) for one in self.added}
        removed = {create_key(one["ref"]) for one in self.removed} - added

        def is_shown() -> bool | None:
            self.after = list_objects(self.client, self.job)
            keys = {one.key for one in self.after}
            return True if added <= keys and not removed & keys else None

        shown = poll(self.client, is_shown, self.budget)
        if isinstance(shown, TimedOut):
            raise EmError(
                "wait_timeout",
                f"The tasks of {self.job.data['name']} succeeded, but after {self.budget.wait_timeout} seconds its list of"
                f" objects does not show all changes yet.{shown.explain()}",
                detail=shown.detail,
            )


def find_other_jobs(client: Client, job: Job | None, items: Iterable[Item]) -> dict[str, list[dict[str, Any]]]:
    """Return, by the key of the reference, the jobs other than ``job`` that hold an object itself. One query for all of them.

    A job that holds a container of the object, such as its folder, is not found. Where the query does not show references (wire
    facts, section 9), the objects of every job that holds one of the same name are read.
    """
    wanted = {item.reference.key: item for item in items}
    own = find_guid((job.data["uid"] or "") if job is not None else "")
    names = {item.name for item in wanted.values()}
    criteria = Or(tuple(Comparison(OBJECT_NAME, "==", str(name)) for name in sorted(map(str, names))))
    listing = FilteredListing(client, OBJECT_QUERY)
    found: dict[str, list[dict[str, Any]]] = {}
    unclear: dict[str, dict[str, Any]] = {}
    for row in listing.iter_rows(None if None in names else criteria) if wanted else ():
        job_uid = read_text(row, "job_uid")
        job_id = find_guid(job_uid or "")
        if job_id is None or job_id == own:
            continue
        holder = {"name": read_text(row, "job_name"), "uid": job_uid, "backup_server": read_text(row, "backup_server_name")}
        ref = read_text(row, "hierarchy_obj_ref")
        if ref is None:
            unclear[job_id] = holder
        elif create_key(ref) in wanted and holder not in found.setdefault(create_key(ref), []):
            found[create_key(ref)].append(holder)
    for job_id, holder in unclear.items():
        for one in read_objects(client, f"/api/jobs/{job_id}/includes"):
            if one.key in wanted and holder not in found.setdefault(one.key, []):
                found[one.key].append(holder)
    return found


def _to_data(item: Item) -> dict[str, Any]:
    return {"id": None, "ref": str(item.reference), "name": item.name}


def _format(objects: list[dict[str, Any]]) -> str:
    return "".join(f"{line}\n" for line in sorted(f"{one['name']} {one['ref']}" for one in objects))


def find_objects(
    client: Client, given: list[dict[str, Any]], *, in_jobs: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the public forms of the objects that an option describes, and those descriptions that nothing matches."""
    queries = parse_objects("objects", given, allow_patterns=True)
    infrastructure = Infrastructure(client)
    found: list[Item] = []
    missing = []
    for query, description in zip(queries, given):
        items = infrastructure.find_existing(query)
        found += items
        if not items:
            missing.append({key: value for key, value in description.items() if value is not None})
    jobs = find_other_jobs(client, None, found) if in_jobs else {}
    results = [{**item.to_result(), "jobs": jobs.get(item.reference.key, []) if in_jobs else None} for item in found]
    return results, missing
