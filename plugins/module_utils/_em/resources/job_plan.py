# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the changes that jobs need to match their entries, and the differences as sentences. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import WaitBudget
from ..errors import EmError, ErrorKind, create_option_error
from ..protocol.links import find_guid
from ..protocol.names import fold_name
from ..protocol.references import Reference, parse_reference
from .infrastructure import Item, ObjectQuery
from .job_definition import DEFINITION_SPEC, Definition, create_definition, create_edit, format_difference, format_value
from .job_entries import HeldObject, JobInventory, create_reference, is_root_of, list_roots_on
from .job_lifecycle import ClonePlan, CloneSource, JobLifecycle, JobRequest
from .jobs import Job

KINDS_OF_ENTRIES = ("invalid_option", "not_found", "ambiguous")  # failures of one job, which do not stop the others
OBJECT_ENTRY_SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "type": {"type": "str", "default": "Vm"},
    "moid": {"type": "str"},
    "root": {"type": "str"},
    "root_id": {"type": "str"},
    "ref": {"type": "str"},
}
ENTRY_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "uid": {"type": "str"},
    "backup_server": {"type": "str"},
    "job_type": {"type": "str"},
    "template": {"type": "str"},
    "repository": {"type": "str"},
    **DEFINITION_SPEC,
    "schedule_enabled": {"type": "bool"},
    "objects": {"type": "list", "elements": "dict", "options": OBJECT_ENTRY_SPEC},
}


class Entry(NamedTuple):
    """An entry of a file, checked. ``number`` is its place, from 1; ``server`` the name of the backup server here."""

    number: int
    name: str
    uid: str | None
    server: str | None
    job_type: str | None
    template: str | None
    repository: str | None
    definition: Definition
    objects: list[dict[str, Any]] | None

    @property
    def label(self) -> str:
        """Return the job for a message."""
        return create_label(self.name, self.server)


@dataclass
class JobPlan:
    """The changes to one job of a file. ``job`` is None for one that does not exist."""

    entry: Entry
    job: Job | None
    is_missing: bool = False  # whether there is no such job, as opposed to several
    clone: ClonePlan | None = None
    differences: list[tuple[str, Any, Any]] = field(default_factory=list)
    objects: list[HeldObject] | None = None  # afterwards; None where they are left alone
    added: list[HeldObject] = field(default_factory=list)
    removed: list[HeldObject] = field(default_factory=list)
    error: EmError | None = None  # why it cannot be done

    @property
    def label(self) -> str:
        """Return the job for a message."""
        if self.job is not None:
            return create_label(self.job.data["name"], self.job.data["backup_server"])
        return self.entry.label

    @property
    def action(self) -> str | None:
        """Return what is to be done; None where nothing differs."""
        if self.job is None:
            return "created"
        return "changed" if self.differences or self.added or self.removed else None

    def to_result(self) -> dict[str, Any]:
        """Return the public form."""
        data = self.job.data if self.job is not None else {"name": self.entry.name, "backup_server": self.entry.server}
        return {
            "name": data["name"],
            "backup_server": data["backup_server"],
            "uid": data.get("uid"),
            "action": self.action,
            "differences": [name for name, _before, _after in self.differences],
            "added": [one._asdict() for one in self.added],
            "removed": [one._asdict() for one in self.removed],
        }

    def describe(self) -> list[str]:
        """Return what differs from the file, as sentences."""
        if self.job is None:
            return [f"{self.label}: does not exist"] if self.is_missing else []
        lines = []
        for name, before, after in self.differences:
            if name.partition(".")[0] == "settings":
                lines.append(f"{self.label}: {name} differs")
            else:
                lines.append(f"{self.label}: {name} is {format_value(before)}, in the file {format_value(after)}")
        lines += [f"{self.label}: does not hold {describe_held(one)}" for one in self.added]
        lines += [f"{self.label}: holds {describe_held(one)}, which is not in the file" for one in self.removed]
        return lines

    def format_diff(self) -> tuple[str, str]:
        """Return the job's part of a diff: what is, and what the file says."""
        before = [format_difference(name, value) for name, value, _after in self.differences]
        after = [format_difference(name, value) for name, _before, value in self.differences]
        before += [f"object: {describe_held(one)}\n" for one in self.removed]
        after += [f"object: {describe_held(one)}\n" for one in self.added]
        title = f"{self.label}:\n"
        return (
            "" if self.action == "created" else title + "".join(f"  {line}" for line in before),
            title + "".join(f"  {line}" for line in after),
        )


class Surplus(NamedTuple):
    """A job that is to be deleted, because the file does not have it."""

    job: Job
    error: None = None

    @property
    def label(self) -> str:
        """Return the job for a message."""
        return create_label(self.job.data["name"], self.job.data["backup_server"])

    @property
    def action(self) -> str:
        """Return what is to be done."""
        return "deleted"

    def to_result(self) -> dict[str, Any]:
        """Return the public form."""
        data = {key: self.job.data[key] for key in ("name", "backup_server", "uid")}
        return {**data, "action": self.action, "differences": [], "added": [], "removed": []}

    def describe(self) -> list[str]:
        """Return what differs from the file, as sentences."""
        return [f"{self.label}: is not in the file"]

    def format_diff(self) -> tuple[str, str]:
        """Return the job's part of a diff."""
        return f"{self.label}:\n", ""


def create_label(name: str | None, server: str | None) -> str:
    """Return a job for a message: its name, and its backup server where that is known."""
    return f"{name} on {server}" if server else str(name)


def describe_held(held: HeldObject) -> str:
    """Return an object for a message."""
    return f"{held.name} ({held.ref})" if held.name else held.ref


# ---------------------------------------------------------------------------------------------------------------------
# Entries


def read_entries(
    given: list[dict[str, Any]], *, servers: Mapping[str, str], template: str | None, repository: str | None
) -> list[Entry]:
    """Return the entries, checked. Raise ``invalid_option`` for what no job can have, naming the job.

    ``servers`` are the names of backup servers here by those in the file; ``template`` and ``repository`` are for jobs whose
    entry has none.
    """
    here = {fold_name(name): value for name, value in servers.items()}
    entries = []
    for number, one in enumerate(given, 1):
        option = f"jobs (number {number})"
        name = one["name"]
        if not name.strip():
            raise create_option_error(f"name of {option}", name, "give the name of a job")
        server = one.get("backup_server")
        try:
            definition = create_definition({**dict.fromkeys((*DEFINITION_SPEC, "schedule_enabled")), **one})
        except EmError as err:
            err.add_context(f"This is about the job {name} (number {number}).")
            raise
        objects = one.get("objects")
        for place, entry in enumerate(objects or [], 1):
            _check_object(f"{option}, objects (number {place})", entry)
        entries.append(
            Entry(
                number,
                name,
                one.get("uid"),
                here.get(fold_name(server), server) if server is not None else None,
                one.get("job_type"),
                one.get("template") or template,
                one.get("repository") or repository,
                definition,
                objects,
            )
        )
    keys = [(fold_name(entry.server), entry.name, (entry.uid or "").lower()) for entry in entries]
    counts = Counter(keys)
    for key, entry in zip(keys, entries):
        if counts[key] > 1:
            raise create_option_error("jobs", entry.name, f"several definitions are of the job {entry.label}")
    return entries


def _check_object(option: str, entry: Mapping[str, Any]) -> None:
    if entry.get("ref") is not None and parse_reference(entry["ref"]) is None:
        hint = "give a reference such as urn:VMware:Vm:a2b0c55d-829a-4efe-bd95-125ee77ba9dd.vm-518"
        raise create_option_error(f"ref of {option}", entry["ref"], hint)
    if entry.get("ref") is None and entry.get("moid") is None and not (entry.get("name") or "").strip():
        raise create_option_error(option, dict(entry), "give ref, or moid or name with root or root_id")


# ---------------------------------------------------------------------------------------------------------------------
# The plan


class JobPlanner:
    """Compares entries with the jobs of the servers. A failure of one job is stored in its plan."""

    def __init__(self, client: Client, inventory: JobInventory) -> None:
        self.client = client
        self.inventory = inventory
        self._found: dict[ObjectQuery, list[Item]] = {}
        self._sources: dict[tuple[str, str | None, str | None], CloneSource | EmError] = {}

    def plan(self, entries: list[Entry]) -> list[JobPlan]:
        """Return the plan of each entry."""
        plans = self._match(entries)
        self._look_up_all(plans)
        named = {(fold_name(entry.server), fold_name(entry.name)) for entry in entries}
        for plan in plans:
            if plan.error is not None:
                continue
            try:
                self._compare(plan, plan.entry, named)
            except EmError as err:
                if err.kind not in KINDS_OF_ENTRIES or err.status is not None:
                    raise  # not a failure of this entry
                plan.error = err
        return plans

    def find_surplus(self, plans: list[JobPlan]) -> list[Surplus]:
        """Return the jobs on the backup servers of the entries that match no entry, and whose name no entry has."""
        entries = [plan.entry for plan in plans]
        servers = {fold_name(entry.server) for entry in entries if entry.server is not None}
        matched = {plan.job.data["uid"] for plan in plans if plan.job is not None}
        named = {(fold_name(entry.server), fold_name(entry.name)) for entry in entries}
        found = []
        for job in self.inventory.jobs:
            server, name = fold_name(job.data["backup_server"]), fold_name(job.data["name"])
            is_named = (server, name) in named or ("", name) in named
            if server in servers and not is_named and job.data["uid"] not in matched:
                found.append(Surplus(job))
        return found

    def _match(self, entries: list[Entry]) -> list[JobPlan]:
        """Return a plan for each entry with its job: the one of that exact name or else the same name in other case."""
        taken: dict[str, Entry] = {}
        plans: dict[int, JobPlan] = {}
        for is_exact in (True, False):
            for entry in entries:
                found = self._find(entry, is_exact=is_exact) if entry.number not in plans else []
                if not is_exact:  # a job that another entry names exactly is not meant
                    found = [job for job in found if job.data["uid"] not in taken]
                if entry.number not in plans and (found or not is_exact):
                    plans[entry.number] = _create_plan(entry, found, taken)
        return [plans[entry.number] for entry in entries]

    def _find(self, entry: Entry, *, is_exact: bool) -> list[Job]:
        jobs = self.inventory.find_named(entry.name)
        if entry.server is not None:
            jobs = [job for job in jobs if fold_name(job.data["backup_server"]) == fold_name(entry.server)]
        return [job for job in jobs if job.data["name"] == entry.name] if is_exact else list(jobs)

    def _compare(self, plan: JobPlan, entry: Entry, named: set[tuple[str, str]]) -> None:
        job = plan.job
        if job is None:
            self._plan_new(plan, entry, named)
            return
        job_type = job.data["job_type"]
        if entry.job_type is not None and fold_name(entry.job_type) != fold_name(job_type):
            hint = f"the job is of the type {job_type}, which cannot be changed"
            raise create_option_error(f"job_type of {entry.label}", entry.job_type, hint)
        names = self.inventory.names_on(job.data["backup_server"])
        self._check_after_job(entry, job.data["backup_server"], named)
        plan.differences = create_edit(entry.definition, job.raw, job_names=names).differences
        if entry.objects is None:
            return
        held = self.inventory.list_objects(job)
        if held is None:
            raise EmError("invalid_option", f"{entry.label} has no list of objects: leave objects out.")
        self._compare_objects(plan, entry, held, job.data["backup_server"])

    def _plan_new(self, plan: JobPlan, entry: Entry, named: set[tuple[str, str]]) -> None:
        plan.differences = [(name, None, value) for name, value in entry.definition._asdict().items() if value is not None]
        plan.clone = self._plan_clone(create_request(entry))
        template = plan.clone.template
        if entry.job_type is not None and fold_name(entry.job_type) != fold_name(template.data["job_type"]):
            msg = f"the template {template.data['name']} is of the type {template.data['job_type']}"
            raise create_option_error(f"job_type of {entry.label}", entry.job_type, msg)
        self._check_after_job(entry, template.data["backup_server"], named)
        if entry.objects is not None:
            self._compare_objects(plan, entry, [], template.data["backup_server"])

    def _plan_clone(self, request: JobRequest) -> ClonePlan:
        """Return the plan of a new job. A template is looked up once, however many jobs are cloned from it."""
        lifecycle = JobLifecycle(self.client, WaitBudget(self.client, 0, 1))
        if request.template is None:
            return lifecycle.plan_clone(request)
        key = (request.template, request.backup_server, request.repository)
        if key not in self._sources:
            try:
                self._sources[key] = lifecycle.find_source(*key)
            except EmError as err:
                self._sources[key] = err
        source = self._sources[key]
        if isinstance(source, EmError):
            raise source
        return lifecycle.plan_clone(request, source)

    def _check_after_job(self, entry: Entry, server: str | None, named: set[tuple[str, str]]) -> None:
        after = (entry.definition.schedule or {}).get("after_job")
        if after is None:
            return
        count = list(self.inventory.names_on(server).values()).count(after)
        is_new = (fold_name(entry.server), fold_name(after)) in named
        if count > 1 or (count == 0 and not is_new):
            hint = f"{server} has {'several jobs' if count else 'no job'} of this name"
            raise create_option_error(f"schedule.after_job of {entry.label}", after, hint)

    # -----------------------------------------------------------------------------------------------------------------
    # Objects

    def _compare_objects(self, plan: JobPlan, entry: Entry, held: list[HeldObject], server: str | None) -> None:
        wanted = {one.key: one for one in self._resolve(entry, held, server)}
        if not wanted:
            if held:
                msg = f"{entry.label} cannot be left without objects: give at least one, or leave objects out."
                raise EmError("invalid_option", msg)
            return
        current = {one.key: one for one in held}
        plan.objects = list(wanted.values())
        plan.added = [one for key, one in wanted.items() if key not in current]
        plan.removed = [one for key, one in current.items() if key not in wanted]

    def _resolve(self, entry: Entry, held: list[HeldObject], server: str | None) -> list[HeldObject]:
        """Return the objects of an entry with their references on this server."""
        keys = {one.key for one in held}
        found = []
        for one in entry.objects or []:
            place = self._locate(one, server, entry.label)
            if isinstance(place, Reference):
                found.append(HeldObject(str(place), one.get("name")))
                continue
            items = {item.reference.key: item for item in self._look_up(place)}
            if len(items) > 1:
                items = {key: item for key, item in items.items() if key in keys} or items
            if len(items) != 1:
                kind: ErrorKind = "ambiguous" if items else "not_found"
                count = len(items) or "no"
                msg = f"{entry.label}: {count} objects of the type {place.type} below {place.root} are called {place.name}."
                raise EmError(kind, msg)
            (item,) = items.values()
            found.append(HeldObject(str(item.reference), item.name))
        return found

    def _locate(self, one: Mapping[str, Any], server: str | None, label: str) -> Reference | ObjectQuery:
        """Return the reference of an object or, where only its name helps, a look-up of it.

        The platform's own id counts below the hierarchy root with the same unique id. Below another one it may be that of
        another object, so there the name counts.
        """
        reference = parse_reference(one.get("ref") or "")
        if reference is not None:
            return reference
        root, is_same = self._find_root(one, server, label)
        given = one.get("type") or "Vm"
        reference = create_reference(root, given, one.get("moid") or "")
        if reference is None:
            raise EmError("invalid_option", f"{label}: the hierarchy root {root['name']} has no objects of the type {given}.")
        if is_same and reference.object_id:
            return reference
        if not one.get("name"):
            raise EmError("not_found", f"{label}: {one['moid']} has no name to find it by below {root['name']}.")
        return ObjectQuery(0, None, None, one["name"], root["uid"], reference.type)

    def _find_root(self, one: Mapping[str, Any], server: str | None, label: str) -> tuple[Mapping[str, Any], bool]:
        """Return the hierarchy root of an object, and whether the ids of objects below it are those of the entry."""
        roots = list_roots_on(self.inventory.infrastructure, server)
        what = f"{label}: {one.get('type') or 'Vm'} {one.get('name') or one.get('moid')}"
        known = ", ".join(sorted(str(root["name"]) for root in roots)) or "none"
        if one.get("root") is None and one.get("root_id") is None:
            if len(roots) != 1:
                raise EmError("ambiguous", f"{what} may belong to several hierarchy roots: set root to one of {known}.")
            return roots[0], True
        found = [root for root in roots if is_root_of(root, one)]
        is_same = bool(found)
        if not found and one.get("root") is not None:
            found = [root for root in roots if is_root_of(root, {"root": one["root"]})]
        if len(found) != 1:
            kind: ErrorKind = "ambiguous" if found else "not_found"
            where = one.get("root") or one.get("root_id")
            problem = "is ambiguous" if found else "does not exist"
            msg = f"{what} is below the hierarchy root {where}, which {problem} on {server}. Known roots: {known}."
            raise EmError(kind, msg)
        return found[0], is_same

    def _look_up(self, query: ObjectQuery) -> list[Item]:
        if query not in self._found:
            self._found[query] = self.inventory.infrastructure.find(query)
        return self._found[query]

    def _look_up_all(self, plans: list[JobPlan]) -> None:
        """Look up together what has to be looked up by name: many objects below one root take one request."""
        queries: dict[ObjectQuery, None] = {}
        for plan in plans:
            server = plan.job.data["backup_server"] if plan.job is not None else plan.entry.server
            for one in plan.entry.objects or []:
                with suppress(EmError):  # _compare raises it again
                    place = self._locate(one, server, plan.label)
                    if isinstance(place, ObjectQuery):
                        queries[place] = None
        if queries:
            self._found.update(zip(queries, self.inventory.infrastructure.find_all(list(queries))))


def create_request(entry: Entry) -> JobRequest:
    """Return the request for a new job. The rest of its definition is applied after all new jobs exist."""
    definition = Definition(description=entry.definition.description)
    return JobRequest(entry.name, entry.server, entry.template, entry.repository, definition)


def _create_plan(entry: Entry, found: list[Job], taken: dict[str, Entry]) -> JobPlan:
    """Return the plan of an entry which may be of these jobs, and note in ``taken`` that it has one of them."""
    if len(found) > 1 and entry.uid is not None:
        found = [job for job in found if find_guid(job.data["uid"] or "") == find_guid(entry.uid)] or found
    if len(found) > 1:
        return JobPlan(entry, None, error=_create_ambiguity(entry, found))
    if not found:
        return JobPlan(entry, None, is_missing=True)
    other = taken.setdefault(found[0].data["uid"], entry)
    if other is not entry:
        msg = f"The definitions number {other.number} and {entry.number} are of the same job {entry.label}."
        return JobPlan(entry, found[0], error=EmError("invalid_option", msg))
    return JobPlan(entry, found[0])


def _create_ambiguity(entry: Entry, found: Iterable[Job]) -> EmError:
    listed = ", ".join(f"{job.data['name']} on {job.data['backup_server']} ({job.data['uid']})" for job in found)
    return EmError("ambiguous", f"Several jobs are called {entry.name}: {listed}. Set backup_server or uid.")
