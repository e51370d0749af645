# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Links of resources: finding them, and turning their addresses into paths on the configured server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from ..errors import EmError
from .codec import iter_rows, read_text

_HREF = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^#\x00-\x20\x7f]*)(?:#.*)?")
# As nearly all are: these need no normalising.
_HOST = r"https?://[A-Za-z0-9_.:\[\]-]+"
_USUAL_HREF = re.compile(rf"{_HOST}((?:/[A-Za-z0-9_.~%:@!$&'()*+,;=-]+)+/?(?:\?[A-Za-z0-9_.~%:@!$&'()*+,;=/?-]*)?)")
GUID = re.compile("-".join(f"[0-9a-fA-F]{{{count}}}" for count in (8, 4, 4, 4, 12)))
_HREF_OF_GUID = re.compile(rf"{_HOST}(/api/[A-Za-z]+/({GUID.pattern})(?:/[A-Za-z]+)?)")


def strip_host(href: str) -> str:
    """Return the normalised path and query of an Href; an empty string for one that cannot be parsed.

    Blanks are encoded, and slashes are not repeated in the path: ``//api/...`` is a path, not a host.
    """
    usual = _USUAL_HREF.fullmatch(href)
    if usual:
        return usual[1]
    href = href.strip(" ").replace(" ", "%20")
    if href.lower().startswith("//api/"):
        href = href[1:]
    match = _HREF.fullmatch(href)
    if not match:
        return ""
    path, mark, query = match[1].partition("?")
    return re.sub("/{2,}", "/", path) + mark + query


def get_path(href: str) -> str:
    """Return the path and query of an Href that is to be requested. Raise ``bad_response`` for one outside of /api.

    A path that goes up (``..``, or its encoded form, or with backslashes) is refused: servers and proxies resolve such paths
    differently.
    """
    path = strip_host(href)
    segments = unquote(path.partition("?")[0]).replace("\\", "/").split("/")
    if not path.lower().startswith("/api/") or {".", ".."} & set(segments):
        raise EmError("bad_response", "The server sent a link that does not lead into its REST API.", detail=href[:200])
    return path


def find_guid(text: str) -> str | None:
    """Return the first GUID of a text, in lower case."""
    match = GUID.search(text)
    return match[0].lower() if match else None


def iter_links(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a resource's links as the server gave them."""
    return iter_rows(row.get("links"), "links", "link")


def find_link(row: Mapping[str, Any], rel: str, *, type_prefix: str = "") -> dict[str, Any] | None:
    """Return a resource's link by its relation and the beginning of its type, both case-insensitive; None if there is none."""
    for link in iter_links(row):
        if (read_text(link, "rel") or "").lower() == rel.lower() and (read_text(link, "type") or "").lower().startswith(
            type_prefix.lower()
        ):
            return link
    return None


def normalise_link(link: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return the public form of a link; ``uid`` is the id within its address."""
    return create_link(base_url, link.get("rel"), link.get("type"), link.get("name"), link.get("href"))


def create_link(base_url: str, rel: Any, type_: Any, name: Any, href: Any) -> dict[str, Any]:
    """Return the public form of a link from its members as decoded."""
    local, uid = _split_href(_read(href) or "")
    return {
        "rel": _read(rel),
        "type": _read(type_),
        "name": _read(name),
        "href": base_url + local if local.startswith("/") else None,
        "uid": uid,
    }


def _read(value: Any) -> str | None:
    if value.__class__ is str:
        return value.strip() or None
    return None if value is None else read_text({"": value}, "")


def _split_href(href: str) -> tuple[str, str | None]:
    """Return the path and query of an Href, and the first GUID of its path."""
    usual = _HREF_OF_GUID.fullmatch(href)
    if usual:
        return usual[1], usual[2].lower()
    local = strip_host(href)
    return local, find_guid(local.partition("?")[0])
