# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects in jobs: what a job or a CDP policy protects, and in which jobs an object is.

Facts: wire facts, section 10.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError
from ..protocol.codec import read_text
from ..protocol.links import find_guid, find_link, get_path, iter_links, strip_host
from ..protocol.references import parse_reference
from .infrastructure import Infrastructure, Item, parse_objects
from .jobs import Job
from .listing import FilteredListing, QueryTarget, iter_list

LIST_NAMES = ("objects_in_job", "object_in_jobs", "s_in_object_job", "object_in_job")
OTHER_HOLDERS = ("agents", "nas", "cdppolicies")  # whose objects are not virtual machines, or which are not jobs
# The name of the list in a query's answer is not the same everywhere, so any list is taken.
OBJECT_QUERY = QueryTarget("ObjectInJob", ())


class JobObject(NamedTuple):
    """An object in a job."""

    data: dict[str, Any]  # its public form
    path: str  # where it can be removed

    @property
    def key(self) -> str:
        """Return the key by which its reference is compared."""
        return create_key(self.data["ref"])


def create_key(ref: str) -> str:
    """Return the key by which a reference is compared: case does not matter."""
    reference = parse_reference(ref)
    return reference.key if reference is not None else ref.lower()


def get_list_path(job: Job) -> str:
    """Return the path of a job's list of objects, from its link. Raise ``invalid_option`` where there is none."""
    for link in iter_links(job.raw):
        path = strip_host(read_text(link, "href") or "").partition("?")[0]
        if path.lower().endswith("/includes") and (read_text(link, "rel") or "").lower() in ("down", "create"):
            return get_path(path)
    raise EmError(
        "invalid_option",
        f"{job.data['name']} has no list of objects. The server offers none for this job (type"
        f" {job.data['job_type'] or 'unknown'}) to this user.",
    )


def list_objects(client: Client, path: str) -> list[JobObject]:
    """Return the objects of a job, whose list is at ``path``, in the order of the server."""
    objects = []
    for row in iter_list(client.get(path), path, *LIST_NAMES):
        object_id = read_text(row, "object_in_job_id")
        ref = read_text(row, "hierarchy_obj_ref")
        if object_id is None or ref is None:
            raise EmError(
                "bad_response", "The server lists an object of a job without id or reference.", method="GET", path=path
            )
        data = {"id": object_id, "ref": ref, "name": read_text(row, "name") or read_text(row, "display_name")}
        link = find_link(row, "Delete")
        href = read_text(link, "href") if link is not None else None
        objects.append(JobObject(data, get_path(href) if href else f"{path}/{object_id}"))
    return objects


def find_holders(client: Client, items: Iterable[Item]) -> dict[str, list[dict[str, Any]]]:
    """Return, by the key of the reference, the jobs that hold an object itself. One query for all of them.

    A job that holds a container of the object, such as its folder, is not found, and neither is a CDP policy. The query is not
    filtered by name: the name in a job may be an old one.
    """
    wanted = {item.reference.key for item in items}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in FilteredListing(client, OBJECT_QUERY).iter_rows() if wanted else ():
        ref, holder = read_text(row, "hierarchy_obj_ref"), _read_holder(row)
        if holder is not None and ref is None:
            msg = "The server lists an object of a job without its reference."
            raise EmError("bad_response", msg, method="GET", path="/api/query")
        if holder is not None and create_key(ref or "") in wanted and holder not in found.setdefault(create_key(ref or ""), []):
            found[create_key(ref or "")].append(holder)
    return found


def _read_holder(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the job of a row, which only its Up link names (wire facts, 10.3); None for what is no job of virtual machines."""
    link = find_link(row, "Up") or {}
    path = strip_host(read_text(link, "href") or "")
    job_id = find_guid(path)
    if job_id is None:
        msg = "The server lists an object of a job without its job."
        raise EmError("bad_response", msg, method="GET", path="/api/query")
    if any(f"/{kind}/" in path.lower() for kind in OTHER_HOLDERS):
        return None
    return {"name": read_text(link, "name"), "uid": f"urn:veeam:Job:{job_id}"}


def find_objects(
    client: Client, given: list[dict[str, Any]], *, in_jobs: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the public forms of the objects that an option describes, and the descriptions that match no object."""
    queries = parse_objects("objects", given, allow_patterns=True)
    results = Infrastructure(client).find_all(queries, verify=True)
    missing = [
        {key: value for key, value in description.items() if value is not None}
        for description, items in zip(given, results)
        if not items
    ]
    found = {item.reference.key: item for items in results for item in items}
    holders = find_holders(client, found.values()) if in_jobs else {}
    objects = [{**item.to_result(), "jobs": _list_holders(item, holders) if in_jobs else None} for item in found.values()]
    return objects, missing


def _list_holders(item: Item, holders: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the jobs of an object with their backup server, which is that of the object's root."""
    server = (item.root or {}).get("backup_server")
    return [{**holder, "backup_server": server} for holder in holders.get(item.reference.key, [])]
