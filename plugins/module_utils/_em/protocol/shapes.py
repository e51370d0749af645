# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer looks like without what it says: values become their type and length. Pure.

Reports about servers are public. So nothing that a server sends is passed on unless it is one of few known words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .codec import decode

MAX_DEPTH = 6
MAX_NAME = 60
# Names of the API have letters alone, but for RetrySpecified1; a dictionary with other keys may be keyed by names of machines.
_MEMBER = re.compile(r"[@#]?[A-Za-z_:]{1,60}1?")
_FORMS = (
    ("uuid", re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("urn", re.compile(r"urn:.*", re.DOTALL)),
    ("URL", re.compile(r"\s*https?://.*", re.DOTALL)),
    ("date", re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?")),
    ("time", re.compile(r"\d\d:\d\d(?::[\d.]+)?(?:Z|[+-]\d\d:\d\d)?")),
    ("digits", re.compile(r"-?\d+(?:\.\d+)?")),
    ("true or false", re.compile(r"true|false", re.IGNORECASE)),
)
_MEDIA_TYPES = (
    *("application/json", "application/xml", "text/xml", "text/html", "text/plain", "application/problem+json"),
    *("application/problem+xml", "application/soap+xml", "application/octet-stream"),
)
_PRODUCTS = re.compile(r"(?:Microsoft-HTTPAPI/2\.0|Microsoft-IIS/\d+\.\d+|Kestrel|nginx|Apache)")
# Headers whose presence says something about the server; of all others only the number is told.
_HEADERS = frozenset(
    (
        *("allow", "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "location"),
        *("retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding", "vary", "www-authenticate"),
        *("x-content-type-options", "x-powered-by", "x-restsvcsessionid"),
    )
)


def describe_value(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return the shape of decoded data: names of members, and types and lengths of values."""
    if isinstance(value, Mapping):
        return _describe_mapping(value, depth)
    if isinstance(value, (list, tuple)):
        count = f"list({len(value)})"
        return [count, describe_value(value[0], depth - 1)] if value and depth else count
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return describe_text(str(value))


def _describe_mapping(value: Mapping[str, Any], depth: int) -> Any:
    if not all(_MEMBER.fullmatch(str(name)) for name in value):
        return f"object({len(value)}) with odd names"
    if not depth:
        return f"object({len(value)})"
    shape = {str(name): describe_value(one, depth - 1) for name, one in value.items() if one is not None}
    nulls = len(value) - len(shape)
    return {**shape, **({"(null)": nulls} if nulls else {})}


def describe_text(text: str) -> str:
    """Return the form and the length of a text."""
    form = next((name for name, pattern in _FORMS if pattern.fullmatch(text)), "text")
    return f"{form}({len(text)})"


def describe_body(body: bytes, content_type: str) -> Any:
    """Return the shape of a body in either format, or what else it is."""
    if not body.strip():
        return "empty" if not body else f"blank({len(body)})"
    try:
        if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return describe_value(json.loads(body.decode("utf-8-sig", "replace")))
        document = decode(body, content_type)
        root = str(document.root)
        return {root if _MEMBER.fullmatch(root) else "root": describe_value(document.data)}
    except Exception:  # whatever it is, it is no document
        kind = "web page" if b"<html" in body[:2000].lower() else "text" if _is_text(body) else "bytes"
        return f"{kind}({len(body)})"


def _is_text(body: bytes) -> bool:
    try:
        return body.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def describe_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the names of headers that are known, in their own case, and how many others there are."""
    known = [name for name in headers if name.lower() in _HEADERS]
    others = len(headers) - len(known)
    return [*sorted(known), *([f"({others} others)"] if others else [])]


def describe_media_type(content_type: str) -> str:
    """Return a media type that is known; of any other only the length."""
    name = content_type.partition(";")[0].strip().lower()
    return name if name in _MEDIA_TYPES else describe_text(content_type) if content_type else "none"


def describe_product(server: str) -> str:
    """Return the product that a Server header names, if it is a known one: proxies write host names into it."""
    return server if _PRODUCTS.fullmatch(server) else describe_text(server) if server else "none"


def describe_link(href: str) -> str:
    """Return how a link begins: its scheme and the beginning of its path, without its host."""
    try:
        parts = urlsplit(href.strip())
    except ValueError:
        return describe_text(href)
    path = re.match(r"/{1,2}api/(?:\.\./)?", parts.path)
    return f"{parts.scheme if parts.scheme in ('http', 'https') else 'other'}://(host){path[0] if path else '(path)'}..."
