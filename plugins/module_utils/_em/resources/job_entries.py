# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as entries of a file: the options of each job, with object ids that are valid on other servers too.

An entry has the options of ``veeam_job`` with ``state: present``, and the objects of the job. Of an object it has the
platform's own id and the unique id of the hierarchy root, such as a vCenter's instance UUID, in place of the reference: that
holds a GUID which each backup server makes up for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import read_text
from ..protocol.filters import natural_key
from ..protocol.links import find_guid, find_link, strip_host
from ..protocol.names import fold_name, suggest_names
from ..protocol.references import Reference, normalise_type, parse_reference
from .infrastructure import Infrastructure
from .job_definition import DEFINITION_SPEC, create_definition, create_edit, get_job_info, read_definition
from .job_objects import LIST_NAMES, OBJECT_QUERY, create_key, get_list_path, list_objects
from .jobs import JOB_KINDS, Job, find_jobs
from .listing import REFUSALS, FilteredListing

DESCRIBED = ("description", "schedule_enabled", "schedule", "retention", "retry")
JobKey = tuple[str, str]  # the folded name of the backup server, and the name of the job


class HeldObject(NamedTuple):
    """An object that a job holds."""

    ref: str
    name: str | None

    @property
    def key(self) -> str:
        """Return what its reference is compared by."""
        return create_key(self.ref)


class JobInventory:
    """The jobs of all backup servers, their objects, and the infrastructure. What is read is read once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.infrastructure = Infrastructure(client)
        self.jobs = [job for job in find_jobs(client, JOB_KINDS["job"], ()) if job.data["name"]]
        self._rows: dict[str, list[HeldObject]] | None = None
        self._names: dict[str | None, dict[str, str]] = {}
        self._named: dict[str, list[Job]] = {}
        for job in self.jobs:
            own = self._names.setdefault(job.data["backup_server"], {})
            own[find_guid(job.data["uid"] or "") or ""] = str(job.data["name"])
            self._named.setdefault(fold_name(job.data["name"]), []).append(job)

    def names_on(self, server: str | None) -> Mapping[str, str]:
        """Return the names of a backup server's jobs by GUID."""
        return self._names.get(server, {})

    def find_named(self, name: str) -> list[Job]:
        """Return the jobs of a name in any case, on all backup servers."""
        return self._named.get(fold_name(name), [])

    def list_objects(self, job: Job) -> list[HeldObject] | None:
        """Return the objects of a job, each once; None for a job that has no list of them, as backup copies.

        A job shows its objects itself. Where it shows none, a query for the objects of all jobs has them or, if that has none
        of this job either, its own list.
        """
        try:
            path = get_list_path(job)
        except EmError as err:
            if err.kind != "invalid_option":
                raise
            return None
        found = _read_includes(job) or self._query_objects().get(find_guid(job.data["uid"] or "") or "")
        if not found:
            found = [HeldObject(one.data["ref"], one.data["name"]) for one in list_objects(self.client, path)]
        return list({one.key: one for one in found}.values())

    def _query_objects(self) -> dict[str, list[HeldObject]]:
        """Return the objects of jobs by the GUID of the job; nothing if the server refuses the query.

        A job with an object that the query shows without a reference is left out.
        """
        if self._rows is None:
            rows: dict[str, list[HeldObject]] = {}
            incomplete = set()
            try:
                for row in FilteredListing(self.client, OBJECT_QUERY).iter_rows():
                    ref, holder = read_text(row, "hierarchy_obj_ref"), find_guid(_find_up(row))
                    if holder is not None and ref is not None:
                        rows.setdefault(holder, []).append(HeldObject(ref, _read_name(row)))
                    elif holder is not None:
                        incomplete.add(holder)
            except EmError as err:
                if err.status not in REFUSALS:
                    raise
                rows = {}
            self._rows = {holder: found for holder, found in rows.items() if holder not in incomplete}
        return self._rows


def _find_up(row: Mapping[str, Any]) -> str:
    return strip_host(read_text(find_link(row, "Up") or {}, "href") or "")


def _read_includes(job: Job) -> list[HeldObject]:
    """Return the objects that a job shows itself; XML has one member in place of a list of one."""
    value = get_job_info(job.raw)[1].get("includes")
    if isinstance(value, Mapping):
        value = next((value[name] for name in LIST_NAMES if name in value), None)
    rows = value if isinstance(value, list) else [value]
    found = []
    for row in rows:
        if not isinstance(row, Mapping):
            return []
        ref = read_text(row, "hierarchy_obj_ref")
        if ref is None:
            return []
        found.append(HeldObject(ref, _read_name(row)))
    return found


def _read_name(row: Mapping[str, Any]) -> str | None:
    return read_text(row, "name") or read_text(row, "display_name")


class Export(NamedTuple):
    """Entries, and what could not be put into them: name of the job, backup server, the options that are left out."""

    entries: list[dict[str, Any]]
    left_out: list[dict[str, Any]]


def export_jobs(inventory: JobInventory, *, names: list[str] | None, backup_server: str | None) -> Export:
    """Return the entries of all jobs, or of those of some names or of a server. Raise ``not_found`` for what does not exist."""
    jobs = inventory.jobs
    if backup_server is not None:
        jobs = [job for job in jobs if fold_name(job.data["backup_server"]) == fold_name(backup_server)]
        if not jobs:
            known = sorted({str(job.data["backup_server"]) for job in inventory.jobs})
            msg = f"jobs are on {', '.join(known) or 'no server at all'}"
            raise create_option_error("backup_server", backup_server, msg, kind="not_found")
    if names is not None:
        _require_names(names, jobs)
        wanted = {fold_name(name) for name in names}
        jobs = [job for job in jobs if fold_name(job.data["name"]) in wanted]
    counts = Counter(_get_key(job) for job in inventory.jobs)
    entries, left_out = [], []
    for job in sorted(jobs, key=_sort_key):
        entry, missing = _create_entry(inventory, job, is_unique=counts[_get_key(job)] == 1)
        entries.append(entry)
        if missing:
            left_out.append({"name": job.data["name"], "backup_server": job.data["backup_server"], "options": missing})
    return Export(entries, left_out)


def _require_names(names: Iterable[str], jobs: list[Job]) -> None:
    known = [job.data["name"] for job in jobs]
    folded = {fold_name(one) for one in known}
    for name in names:
        if fold_name(name) not in folded:
            raise EmError("not_found", f"There is no job with the name {name}.{suggest_names(name, known)}")


def _get_key(job: Job) -> JobKey:
    return fold_name(job.data["backup_server"]), str(job.data["name"])


def _sort_key(job: Job) -> tuple[Any, ...]:
    """Return the key of an order that is the same in every export."""
    data = job.data
    server, name = str(data["backup_server"] or ""), str(data["name"])
    return natural_key(server), server, natural_key(name), name, str(data["uid"]).lower()


def _create_entry(inventory: JobInventory, job: Job, *, is_unique: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the entry of a job, and the options that no entry can have as the server shows them."""
    data = job.data
    names = inventory.names_on(data["backup_server"])
    entry: dict[str, Any] = {"name": data["name"]}
    if not is_unique:
        entry["uid"] = data["uid"]
    entry["backup_server"] = data["backup_server"]
    entry["job_type"] = data["job_type"]
    current = read_definition(job.raw, names)
    left_out = []
    for option in DESCRIBED:
        value = current[option]
        if value is None:
            continue
        if is_expressible(job, {option: value}, names):
            entry[option] = value
        else:
            left_out.append(option)
    objects = inventory.list_objects(job)
    if objects is not None:
        entry["objects"] = sorted(
            (describe_object(inventory.infrastructure, one, data["backup_server"]) for one in objects), key=_sort_object
        )
    return {key: value for key, value in entry.items() if value is not None}, left_out


def is_expressible(job: Job, options: Mapping[str, Any], names: Mapping[str, str]) -> bool:
    """Return whether the options accept what the server shows, and would not change the job."""
    after = (options.get("schedule") or {}).get("after_job")
    if after is not None and list(names.values()).count(after) != 1:
        return False
    given = dict.fromkeys((*DEFINITION_SPEC, "schedule_enabled"))
    try:
        definition = create_definition({**given, **options})
    except (EmError, TypeError, AttributeError):  # a value of a kind that no option has
        return False
    return not create_edit(definition, job.raw, job_names=names).differences


def describe_object(infrastructure: Infrastructure, held: HeldObject, server: str | None) -> dict[str, Any]:
    """Return an object in a form that holds on other servers or, if its hierarchy root is not known, its reference."""
    reference = parse_reference(held.ref)
    root = infrastructure.get_root(reference) if reference is not None else None
    by_ref = _drop_none({"name": held.name, "ref": held.ref})
    if reference is None or root is None or create_reference(root, reference.type, reference.object_id) != reference:
        return by_ref
    entry = {"name": held.name, "type": reference.type, "moid": reference.object_id, "root": root["name"]}
    entry["root_id"] = root["unique_id"]
    same = [one for one in list_roots_on(infrastructure, server) if is_root_of(one, entry)]
    return _drop_none(entry) if same == [root] else by_ref


def create_reference(root: Mapping[str, Any], object_type: str, moid: str) -> Reference | None:
    """Return the reference of an object below a hierarchy root; None where it can have no object of the type."""
    platform, root_id = root["platform"] or "", find_guid(root["uid"] or "")
    known = normalise_type(platform, object_type)
    return Reference(platform, known, root_id, moid) if known is not None and root_id is not None else None


def _drop_none(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}


def _sort_object(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    name = str(entry.get("name") or "")
    rest = tuple(str(entry.get(key) or "") for key in ("type", "root", "root_id", "moid", "ref"))
    return natural_key(name), name, rest


def list_roots_on(infrastructure: Infrastructure, server: str | None) -> list[dict[str, Any]]:
    """Return the hierarchy roots on a backup server."""
    roots = infrastructure.list_roots()
    return [root for root in roots if server is None or fold_name(root["backup_server"]) == fold_name(server)]


def is_root_of(root: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Return whether a hierarchy root is the one that an object's entry means: by its unique id or, without one, its name."""
    if entry.get("root_id") is not None:
        return fold_name(root["unique_id"]) == fold_name(entry["root_id"])
    return entry.get("root") is not None and fold_name(root["name"]) == fold_name(entry["root"])
