# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries by type, and the one policy for filters: send as much as the server takes, and never rely on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.pages import find_next_page
from ..errors import EmError
from ..protocol.codec import Document, get_row_name, iter_rows, read_text
from ..protocol.filters import Comparison, Field, Node, to_server_filter

PAGE_SIZE = 500
# How a server may refuse a filter, an order or a type (wire facts, section 4).
REFUSALS = (400, 404, 500, 501)
RETRY_REFUSED_EVERY = 10  # uses, after which a refused form is tried again: a 500 may have been transient


class QueryTarget(NamedTuple):
    """A type of the query service: its name, and the path of its rows in a QueryResult; () for any list."""

    type: str
    list_path: tuple[str, ...]


TASK_QUERY = QueryTarget("Task", ("resources", "tasks"))
BACKUP_SESSION_QUERY = QueryTarget("BackupJobSession", ("entities", "backup_job_sessions"))
REPLICA_SESSION_QUERY = QueryTarget("ReplicaJobSession", ("entities", "replica_job_sessions"))


class FilteredListing:
    """The rows of one query type, filtered and sorted by the server as far as it can.

    The reference contradicts itself on whether and how servers filter (wire facts, section 4). So what the server refuses is
    left out: first the order, then the filter too. A caller that misses something in a filtered answer reads the unfiltered
    one, and says with `distrust_filter` that filters hide rows here. Callers apply their criteria again to every row.
    """

    def __init__(self, client: Client, target: QueryTarget) -> None:
        self.client = client
        self.target = target
        self.is_filtered = False  # whether the latest rows came by a filter
        self._is_trusted = True
        self._refused: set[tuple[bool, bool]] = set()  # (with a filter, with an order)
        self._uses = 0

    @property
    def refuses_filter(self) -> bool:
        """Return whether the server refuses to filter this type."""
        return (True, False) in self._refused

    def distrust_filter(self) -> None:
        """Send no filter any more: an answer has shown that filters hide rows."""
        self._is_trusted = False

    def iter_rows(
        self, criteria: Node | None = None, *, newest_by: str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[dict[str, Any]]:
        """Yield the decoded rows that meet the criteria, and maybe more. ``newest_by`` is a field to sort by, descending."""
        encoded = to_server_filter(criteria) if criteria is not None and self._is_trusted else None
        self._uses += 1
        if self._uses % RETRY_REFUSED_EVERY == 0:
            self._refused.clear()
        forms = dict.fromkeys([(encoded, newest_by), (encoded, None), (None, None)])
        refused = []
        for encoded_filter, order in forms:
            shape = (encoded_filter is not None, order is not None)
            if shape in self._refused and any(shape):
                continue
            size = page_size if order == newest_by else PAGE_SIZE
            rows = iter_resources(self.client, self.target, encoded_filter=encoded_filter, newest_by=order, page_size=size)
            try:
                first = next(rows, None)
            except EmError as err:
                if err.status not in REFUSALS or not any(shape):
                    raise
                refused.append(shape)
                continue
            self._refused.update(refused)
            self.is_filtered = encoded_filter is not None
            if first is not None:
                yield first
                yield from rows
            return

    def verify_filter(self, field: Field) -> bool:
        """Return whether an empty filtered answer can be trusted: whether the server finds an existing row by this field.

        If it does not, no filter is sent any more, and it is worth repeating the query.
        """
        if not self._is_trusted or self.refuses_filter:
            return True
        row = next(self.iter_rows(page_size=1), None)
        value = read_text(row, field.key) if row is not None else None
        if value is not None and next(self.iter_rows(Comparison(field, "==", value), page_size=1), None) is None:
            self.distrust_filter()
            return False
        return True


def iter_resources(
    client: Client,
    target: QueryTarget,
    *,
    encoded_filter: str | None = None,
    newest_by: str | None = None,
    page_size: int = PAGE_SIZE,
) -> Iterator[dict[str, Any]]:
    """Yield the decoded rows of a query. ``newest_by`` is a field to sort by, descending."""
    path = f"/api/query?type={target.type}"
    if target.list_path[:1] != ("resources",):
        path += "&format=Entities"
    if encoded_filter:
        path += f"&filter={encoded_filter}"
    if newest_by:
        path += f"&sortDesc={newest_by}"
    for rows in client.iter_pages(f"{path}&pageSize={page_size}", list_path=target.list_path):
        yield from rows


def iter_list(document: Document, path: str, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a list that is a whole answer: the root element in XML, a key one level below the top in JSON.

    ``names`` are the names that the list may have, and last that of a single row (wire facts, 1.2). ``path`` is for failures.
    """
    lists, data = names[:-1], document.data
    node = data
    if document.root is None and isinstance(data, dict):
        node = next((data[name] for name in lists if name in data), data)
    if document.root not in (None, *lists) or (document.root is None and node is data):
        raise EmError("bad_response", f"The server's answer is not the list of {lists[0]}.", method="GET", path=path)
    if isinstance(data, dict) and read_text(data, "message"):
        raise EmError("bad_response", f"The server's list of {lists[0]} reports a failure.", method="GET", path=path)
    rows = {key: value for key, value in node.items() if key in names} if isinstance(node, dict) and node else node
    if isinstance(node, dict) and node and not rows and set(node) - {"paging_info", "links", "href", "type"}:
        raise EmError("bad_response", f"The server's list of {lists[0]} has an unknown shape.", method="GET", path=path)
    yield from iter_rows(rows, *names)


def iter_collection(client: Client, path: str, list_name: str) -> Iterator[dict[str, Any]]:
    """Yield the decoded entities of a collection at its own address. It has pages only if the server makes them."""
    seen = set()
    following: str | None = f"{path}?format=Entity"
    while following is not None:
        seen.add(following)
        document = client.get(following)
        yield from iter_list(document, path, list_name, get_row_name(list_name))
        paging = document.data.get("paging_info") if isinstance(document.data, dict) else None
        following = find_next_page(following, paging) if isinstance(paging, dict) else None
        if following in seen:
            raise EmError("bad_response", f"The pages of {list_name} form a loop.", method="GET", path=path)
