# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the resources have in common: queries by type, entities by address, and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ._client import Client, find_next_page
from ._codec import iter_rows, read_text, strip_host
from ._errors import EmError

PAGE_SIZE = 500
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Source(NamedTuple):
    """A type of the query service: its name, and where in a QueryResult its rows are."""

    type: str
    list_path: tuple[str, str]


TASKS = Source("Task", ("resources", "tasks"))
BACKUP_RUNS = Source("BackupJobSession", ("entities", "backup_job_sessions"))
REPLICA_RUNS = Source("ReplicaJobSession", ("entities", "replica_job_sessions"))


def iter_resources(
    client: Client, source: Source, *, wire: str | None = None, newest_by: str | None = None, page_size: int = PAGE_SIZE
) -> Iterator[dict[str, Any]]:
    """Yield the decoded rows of a query. ``wire`` is an encoded filter; ``newest_by`` a field to sort by, descending."""
    path = f"/api/query?type={source.type}"
    if source.list_path[0] == "entities":
        path += "&format=Entities"
    if wire:
        path += f"&filter={wire}"
    if newest_by:
        path += f"&sortDesc={newest_by}"
    for rows in client.iter_pages(f"{path}&pageSize={page_size}", list_path=source.list_path):
        yield from rows


def iter_collection(client: Client, path: str, list_name: str) -> Iterator[dict[str, Any]]:
    """Yield the decoded entities of a collection at its own address, which has pages only if the server makes them.

    Its JSON holds the list one level higher than a query's, and its XML has the list as the root (wire facts, 1.2).
    """
    seen = set()
    following: str | None = f"{path}?format=Entity"
    while following is not None:
        seen.add(following)
        document = client.get(following)
        data = document.data
        node = data if document.root == list_name else data.get(list_name, data) if isinstance(data, dict) else data
        if document.root not in (None, list_name) or (document.root is None and node is data):
            raise EmError("bad_response", f"The server's answer is not the list of {list_name}.", method="GET", path=path)
        if isinstance(data, dict) and read_text(data, "message"):
            raise EmError("bad_response", f"The server's list of {list_name} tells of a failure.", method="GET", path=path)
        paging = data.get("paging_info") if isinstance(data, dict) else None
        rows = {key: value for key, value in node.items() if key != "paging_info"} if isinstance(node, dict) else node
        yield from iter_rows(rows, list_name, list_name[:-1])
        following = find_next_page(following, paging) if isinstance(paging, dict) else None
        if following in seen:
            raise EmError("bad_response", f"The pages of {list_name} go in a circle.", method="GET", path=path)


def iter_links(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a resource's links as the server gave them."""
    return iter_rows(row.get("links"), "links", "link")


def normalise_link(link: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Map a link to its public shape; ``uid`` is the id within its address."""
    raw = (link.get("rel"), link.get("type"), link.get("name"), link.get("href"))
    try:
        return _create_link(base_url, *raw).copy()
    except TypeError:  # an XML element with attributes of its own is no key of a cache
        return _create_link(base_url, *[read_text(link, key) for key in ("rel", "type", "name", "href")])


@lru_cache(maxsize=4096, typed=True)  # rows share most of their links: those to the backup server and the job
def _create_link(base_url: str, rel: Any, kind: Any, name: Any, href: Any) -> dict[str, Any]:
    raw = {"rel": rel, "type": kind, "name": name, "href": href}
    link: dict[str, Any] = {key: read_text(raw, key) for key in raw}
    local = strip_host(link["href"] or "")
    link["href"] = base_url + local if local.startswith("/") else None
    link["uid"] = find_guid(local.partition("?")[0])
    return link


def find_link(row: Mapping[str, Any], rel: str, *, kind: str = "") -> dict[str, Any] | None:
    """Find a resource's link by its relation and the beginning of its type, both without case."""
    for link in iter_links(row):
        if (read_text(link, "rel") or "").lower() == rel.lower() and (read_text(link, "type") or "").lower().startswith(
            kind.lower()
        ):
            return link
    return None


def find_guid(text: str) -> str | None:
    """Find the first GUID of a text, in lower case."""
    match = GUID.search(text)
    return match[0].lower() if match else None
