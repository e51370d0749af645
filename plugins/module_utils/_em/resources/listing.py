# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the resources have in common: queries by type, entities by address, and links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.pages import find_next_page
from ..errors import EmError
from ..protocol.codec import iter_rows, read_text

PAGE_SIZE = 500


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
