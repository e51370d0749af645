# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the query service: the rows of a page, the address of the next one, and whether the sequence can be relied on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import EmError
from ..protocol.codec import Document, get_row_name, iter_rows, read_int, read_text
from ..protocol.links import get_path

MAX_LIST_DEPTH = 8  # objects around the list of a query's rows; servers have two
CONTAINERS = ("refs", "entities", "resources")


class PageSequence:
    """The pages of one query, checked to be complete: a page that is missing or repeated, or a loop, is ``bad_response``.

    Pages are numbered from 1 (wire facts, section 4); only the page of an empty list may be 0.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._seen_paths = {path}
        self._seen_rows: set[int] = set()
        self._max_pages = 0
        self._number = 0
        self.has_more = False  # whether, by the page that was taken last, there is another one after the next

    def take(self, rows: list[dict[str, Any]], paging: dict[str, Any], path: str) -> str | None:
        """Check the page that was read from ``path``, and return the path of the next one; None after the last one."""
        previous, self._number = self._number, read_int(paging, "page_num") or 0
        fingerprint = _create_fingerprint(rows)
        if rows and fingerprint in self._seen_rows:
            raise self._create_error("the same page came twice")
        self._seen_rows.add(fingerprint)
        following = find_next_page(path, paging)
        if self._number > previous + 1:
            raise self._create_error(f"page {previous + 1} is missing: page {self._number} came instead")
        if self._number <= previous and (rows or previous or following is not None):
            raise self._create_error("their links form a loop" if previous else f"the first one has the number {self._number}")
        count = read_int(paging, "pages_count") or 0
        if not self._max_pages:
            self._max_pages = 2 * count + 100
        self.has_more = self._number + 1 < count
        return following

    def follow(self, following: str) -> None:
        """Check the path of a page that is about to be read."""
        if following in self._seen_paths:
            raise self._create_error("their links form a loop")
        if not self.may_follow(following):
            raise self._create_error(f"there are more than {self._max_pages} of them, far more than the first one announced")
        self._seen_paths.add(following)

    def may_follow(self, following: str) -> bool:
        """Return whether a page may be read by this path."""
        return following not in self._seen_paths and len(self._seen_paths) < self._max_pages

    def _create_error(self, reason: str) -> EmError:
        query_type = dict(parse_qsl(urlsplit(self.path).query)).get("type", "resources")
        return EmError(
            "bad_response", f"The pages of the server's list of {query_type} cannot be relied on: {reason}. They were not used."
        )


def _create_fingerprint(rows: list[dict[str, Any]]) -> int:
    try:
        return hash(tuple(row.get("href") or row.get("Href") or repr(row) for row in rows))
    except (TypeError, RecursionError):  # an address that is an object, or objects nested without end
        raise EmError("bad_response", "The server's list holds something that is not a resource.") from None


def read_page(document: Document, list_path: tuple[str, ...]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of a QueryResult, and its PagingInfo, which the schema requires. Raise ``bad_response`` without it.

    ``list_path`` leads from the body to the list; with an empty one, any list in JSON is taken. Without PagingInfo, a broken or
    foreign page could be mistaken for an empty list. A list does not count as empty either if the body has its rows elsewhere,
    or reports a failure.
    """
    data = document.data
    paging = data.get("paging_info") if isinstance(data, dict) else None
    if document.root not in (None, "query_result") or not isinstance(paging, dict) or read_int(paging, "page_num") is None:
        raise EmError("bad_response", "The server's answer to a query is not the result of a query.")
    if not list_path:
        rows = list(_iter_any_rows([data.get(container) for container in CONTAINERS]))
    else:
        node = data
        for step in list_path[:-1]:
            node = node.get(step) if isinstance(node, dict) else node
        rows = list(iter_rows(node, list_path[-1], get_row_name(list_path[-1])))
    if not rows and any(_has_content(data.get(container)) for container in CONTAINERS):
        raise EmError(
            "bad_response", "The server's answer to a query is not empty, but does not hold the list that was queried."
        )
    if not rows and any(data.get(key) not in (None, "", {}) for key in ("message", "status_code")):
        detail = " ".join((read_text(data, "message") or "").split())[:500] or None
        says = f" The server says: {detail.rstrip('.')}." if detail else ""
        msg = f"The server answered a query with an empty list and a failure.{says}"
        raise EmError("bad_response", msg, detail=detail)
    return rows, paging


def _has_content(node: Any, depth: int = 0) -> bool:
    """Return whether there is anything but null, empty lists, and objects of these (wire facts, section 1.2)."""
    if isinstance(node, dict) and depth < MAX_LIST_DEPTH:
        return any(_has_content(below, depth + 1) for below in node.values())
    return node not in (None, "", [], {})


def _iter_any_rows(containers: list[Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the rows of whichever list is not null in JSON: versions 12 and 13 write all others as null (wire facts, 1.2)."""
    for container in containers:
        for node in container.values() if isinstance(container, dict) else [container]:
            if isinstance(node, dict) and "href" in node:  # a row that is in no list
                yield node
            elif isinstance(node, dict) and depth < MAX_LIST_DEPTH:
                yield from _iter_any_rows([node], depth + 1)
            elif isinstance(node, list):
                yield from iter_rows(node, "resources")
            elif node is not None:
                raise EmError("bad_response", "The server's list of resources has an unknown shape.")


def find_next_page(path: str, paging: dict[str, Any]) -> str | None:
    """Return the path of the page after this one; None after the last: no Next link, or PageNum at PagesCount.

    Where PagesCount promises more than the links do, the next page number is put into this page's path.
    """
    number, count = read_int(paging, "page_num") or 0, read_int(paging, "pages_count")
    if count is not None and number >= count:
        return None
    for link in iter_rows(paging.get("links"), "links", "link"):
        if (read_text(link, "rel") or "").lower() == "next":
            return get_path(read_text(link, "href") or "")
    if count is None:
        return None
    bare, _mark, query = path.partition("?")
    kept = [part for part in query.split("&") if not part.lower().startswith("page=")]
    return f"{bare}?{'&'.join(kept)}&page={number + 1}"
