# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the query service: the rows of one, and the address of the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import EmError
from ..protocol.codec import Document, iter_rows, read_int, read_text
from ..protocol.links import get_path

DEEPEST_LIST = 8  # objects around the list of a query's rows; servers have two
CONTAINERS = ("refs", "entities", "resources")


def read_page(document: Document, list_path: tuple[str, ...]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Take a QueryResult apart: its rows and its PagingInfo, which the schema requires, and so do we.

    Without it a broken or foreign page could be taken for an empty list. Nor is a list empty where the server has put the
    rows elsewhere, or says that something went wrong.
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
        rows = list(iter_rows(node, list_path[-1], list_path[-1][:-1]))
    if not rows and any(_holds_something(data.get(container)) for container in CONTAINERS):
        raise EmError("bad_response", "The server's answer to a query holds something, but not what was asked for.")
    if not rows and any(data.get(key) not in (None, "", {}) for key in ("message", "status_code")):
        detail = " ".join((read_text(data, "message") or "").split())[:500] or None
        raise EmError("bad_response", "The server's answer to a query is an empty list that tells of a failure.", detail=detail)
    return rows, paging


def _holds_something(node: Any, depth: int = 0) -> bool:
    """Ask whether there is anything but null, empty lists, and objects of these (wire facts, section 1.2)."""
    if isinstance(node, dict) and depth < DEEPEST_LIST:
        return any(_holds_something(below, depth + 1) for below in node.values())
    return node not in (None, "", [], {})


def _iter_any_rows(containers: list[Any], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the rows of whichever list of JSON is there: version 12 and 13 write all others as null (wire facts, 1.2)."""
    for container in containers:
        for node in container.values() if isinstance(container, dict) else [container]:
            if isinstance(node, dict) and "href" in node:  # one that is in no list
                yield node
            elif isinstance(node, dict) and depth < DEEPEST_LIST:
                yield from _iter_any_rows([node], depth + 1)
            elif isinstance(node, list):
                for row in node:
                    yield from iter_rows([row], "resources")
            elif node is not None:
                raise EmError("bad_response", "The server's list of resources has a shape that is not known.")


def find_next_page(path: str, paging: dict[str, Any]) -> str | None:
    """Give the path of the page after this one, or None after the last: no Next link, or PageNum at PagesCount.

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
