# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies to plain data and back: XML and JSON of every server version in one form. Pure; the only user of xmltodict.

Answers become dicts, lists, strings and the other types of JSON. Keys are in snake_case, whatever the server's case (version 13
writes JSON keys in camelCase, earlier ones in PascalCase: wire facts, section 1.3). XML attributes and elements become keys
alike. An XML text stays a string: XML has no types. The form of requests is `Body`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from html import unescape
from typing import Any, NamedTuple

from ..errors import EmError
from ..libraries import load_library

NAMESPACE = "http://www.veeam.com/ent/v1.0"
MAX_LIST_DEPTH = 8  # lists within objects that repeat their name; servers have two
MAX_DIGITS = 400  # of one number in JSON; the time to read a longer one grows with its square
_BARE_AMPERSAND = re.compile(rb"&(?!(?:[A-Za-z_][\w.-]*|#[0-9]+|#x[0-9a-fA-F]+);)")
_LITERAL = re.compile(rb"(<!\[CDATA\[.*?\]\]>|<!--.*?-->)", re.DOTALL)  # in which nothing is markup
_CHARACTER_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,10}));")
_SURROGATE_REFERENCES = re.compile(rb"&#x(d[89ab][0-9a-f]{2});&#x(d[c-f][0-9a-f]{2});", re.IGNORECASE)
# What XML 1.0 forbids, in UTF-8: control characters, surrogates, U+FFFE and U+FFFF.
_FORBIDDEN_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xed[\xa0-\xbf][\x80-\xbf]|\xef\xbf[\xbe\xbf]")
_REPLACEMENT = "\ufffd".encode()
# Where the words of an error are: of ASP.NET's problem details, and of WCF's and SOAP's faults.
_MESSAGE_KEYS = ("title", "detail", "reason", "text", "faultstring", "#text")
_MESSAGE_PARENTS = ("body", "fault", "reason", "text", "detail", "exception_detail")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_SENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # XML has no form for these
_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Document(NamedTuple):
    """A decoded body. ``root`` is the XML root element's name in snake_case; JSON has none."""

    root: str | None
    data: Any


class Body(NamedTuple):
    """The body of a request: the XML root element's name, and the members under the API's own names (PascalCase).

    Members keep their order, which XML requires (wire facts, section 7). A member whose name begins with ``@`` is an attribute
    in XML, and a plain member in JSON; members that are None are left out. JSON has no root name, and is PascalCase on version
    13 too, where only answers are camelCase.
    """

    root: str
    members: Mapping[str, Any]


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """Return a wire name in snake_case, the same for PascalCase and .NET's camelCase: NASJobs and nasJobs are nas_jobs."""
    return _WORD_BORDER.sub("_", name).lower()


def encode(body: Body, media_type: str) -> bytes:
    """Return a body as XML or JSON. Raise ``invalid_option`` for a text that cannot be sent in both."""
    members = _drop_none(body.members, body.root)
    if media_type == "application/xml":
        xmltodict = load_library("xmltodict")
        root = {"@xmlns": NAMESPACE, **_print_booleans(members)}
        text: str = xmltodict.unparse({body.root: root}, short_empty_elements=True)
        return text.replace("\r", "&#13;").encode("utf-8")  # which a parser would read as a line feed
    return json.dumps(_strip_marks(members), ensure_ascii=False).encode("utf-8")


def _drop_none(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _drop_none(one, key) for key, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_drop_none(one, name) for one in value if one is not None]
    if isinstance(value, str) and _NOT_SENDABLE.search(value):
        name = name.removeprefix("@")
        raise EmError("invalid_option", f"The value of {name} holds characters that cannot be sent: check where it comes from.")
    return value


def _print_booleans(value: Any) -> Any:
    """Return a value with booleans as XML Schema prints them: xmltodict 0.12 prints those of attributes as Python does."""
    if isinstance(value, Mapping):
        return {key: _print_booleans(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_print_booleans(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else value


def _strip_marks(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key.removeprefix("@"): _strip_marks(one) for key, one in value.items()}
    return [_strip_marks(one) for one in value] if isinstance(value, list) else value


def decode(body: bytes, content_type: str = "", *, raw_lists_in: Collection[str] = ()) -> Document:
    """Decode a body. Its first character decides, then its Content-Type; anything unreadable is ``bad_response``.

    Bodies may begin with a byte-order mark (seen on version 12.1), and errors need not have the requested format. Lists within
    the members ``raw_lists_in`` of JSON are left as they came, for those who rename the keys of many rows faster.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" and not _is_web_page(body, content_type):
        return _decode_xml(body.lstrip(b" \t\r\n"))
    if start in (b"{", b"["):
        return Document(None, _decode_json(body, raw_lists_in))
    if not start and not _is_web_page(body, content_type):
        raise EmptyAnswerError("bad_response", "The server sent an empty answer instead of a resource of the REST API.")
    what = "a web page" if _is_web_page(body, content_type) else "neither XML nor JSON"
    raise EmError("bad_response", f"The server sent {what} instead of a resource of the REST API.")


class EmptyAnswerError(EmError):
    """An answer without a body where one is expected."""


class Reason(NamedTuple):
    """What the body of a failed request says; ``is_page`` for a web page, which Enterprise Manager's API does not send."""

    text: str | None
    is_page: bool = False


def decode_error(body: bytes, content_type: str = "") -> Reason:
    """Return the message in the body of a failed request. Never raises.

    Knows the API's own Error, problem details of ASP.NET, faults of WCF, plain text, and web pages of proxies and firewalls.
    """
    if body.lstrip()[:1] == b"<" and _is_web_page(body, content_type):
        return Reason(_read_page_text(body), is_page=True)
    try:
        data = decode(body, content_type).data
    except EmError:
        is_text = content_type.lower().startswith("text/plain") and body[:1] not in (b"<", b"{", b"[")
        return Reason(_join_words(body[:4000].decode("utf-8", "replace")) if is_text else None)
    return Reason(_find_message(data, 0))


def _find_message(node: Any, depth: int) -> str | None:
    """Return the message of an error: its own words, those of a problem, or the text of a fault's reason."""
    if not isinstance(node, dict) or depth > 4:
        return None
    texts = {key: value for key, value in node.items() if isinstance(value, str) and value.strip()}
    own = ["message"] if "message" in texts else [key for key in _MESSAGE_KEYS if key in texts]
    if own:
        return _join_words(": ".join(texts[key] for key in own))
    below = (_find_message(node.get(key), depth + 1) for key in _MESSAGE_PARENTS)
    return next((message for message in below if message is not None), None)


def _read_page_text(body: bytes) -> str | None:
    """Return the title and the first words of a web page."""
    text = body[:20000].decode("utf-8", "replace")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    text = re.sub(r"<(script|style|title)\b.*?</\1>", " ", text, flags=re.IGNORECASE | re.DOTALL)
    words = _join_words(unescape(re.sub(r"<[^>]*>", " ", text))) or ""
    heading = _join_words(unescape(title[1])) if title else None
    if heading and not words.startswith(heading):
        words = f"{heading}: {words}" if words else heading
    return words[:200] or None


def _join_words(text: str) -> str | None:
    return " ".join(text.split())[:500] or None


def get_row_name(list_name: str) -> str:
    """Return the name of a row, from that of its list: jobs and job, cdp_policies and cdp_policy."""
    return f"{list_name[:-3]}y" if list_name.endswith("ies") else list_name[:-1]


def iter_rows(node: Any, *names: str) -> Iterator[dict[str, Any]]:
    """Yield the resources of a list in any of its shapes.

    XML gives ``{"task": [...]}`` or ``{"task": {...}}``, JSON a bare list or one wrapped in an object that repeats the
    list's name (wire facts, section 1.2). ``names`` are the keys to look behind, the last one that of a single resource.
    Any other shape is ``bad_response``.
    """
    return _iter_list(node, names, 0)


def _iter_list(node: Any, names: tuple[str, ...], depth: int) -> Iterator[dict[str, Any]]:
    if node is None or node == {}:
        return
    if isinstance(node, list):
        for row in node:
            if not isinstance(row, dict) or not row:
                raise EmError("bad_response", f"The server's list of {names[0]} holds something that is not a resource.")
            yield row
        return
    inner = [name for name in names if name in node] if isinstance(node, dict) and depth < MAX_LIST_DEPTH else []
    for name in inner:
        below = node[name]
        if name == names[-1] and isinstance(below, dict) and below and not set(names) & set(below):
            below = [below]
        yield from _iter_list(below, names, depth + 1)
    if inner:
        return
    if isinstance(node, dict) and "href" in node:
        yield node
        return
    raise EmError("bad_response", f"The server's list of {names[0]} has an unknown shape.")


def read_text(node: Mapping[str, Any], key: str) -> str | None:
    """Return a member as text without surrounding white space; None where it is absent, null, empty or no text."""
    value = node.get(key)
    if value.__class__ is str:
        return value.strip() or None
    if isinstance(value, dict):  # an XML element with attributes of its own
        value = value.get("#text")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def read_bool(node: Mapping[str, Any], key: str) -> bool | None:
    """Return a member as a boolean: JSON's own, or XML Schema's true, false, 1 and 0; None for anything else."""
    value = node.get(key)
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower()) if isinstance(value, str) else None


def read_int(node: Mapping[str, Any], key: str) -> int | None:
    """Return a member as a whole number; None for anything else."""
    value = node.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value) else None


def _is_web_page(body: bytes, content_type: str) -> bool:
    head = body[:1000].lower()
    return b"<html" in head or b"<!doctype html" in head or content_type.lower().startswith("text/html")


def _decode_json(body: bytes, raw_lists_in: Collection[str]) -> Any:
    hook = None if raw_lists_in else _create_dict
    try:
        data = json.loads(body, object_pairs_hook=hook, parse_int=_parse_int, parse_float=_parse_float, parse_constant=_refuse)
        if b"\\u" in body and _SURROGATE_ESCAPE.search(body):
            data = _replace_surrogates(data)  # a lone surrogate, which can only come as an escape, could not be encoded again
        return _rename_outer_keys(data, raw_lists_in) if raw_lists_in else data
    except (ValueError, RecursionError) as err:
        raise EmError("bad_response", "The server sent JSON that cannot be read.", detail=_shorten(err)) from None


def rename_keys(value: Any) -> Any:
    """Return decoded JSON with all keys in snake_case; of keys that become the same the last one counts."""
    if isinstance(value, dict):
        return {snake_case(key): rename_keys(one) for key, one in value.items()}
    return [rename_keys(one) for one in value] if isinstance(value, list) else value


def _rename_outer_keys(value: Any, raw_lists_in: Collection[str]) -> Any:
    if not isinstance(value, dict):
        return rename_keys(value)
    named = {snake_case(key): one for key, one in value.items()}
    return {key: _rename_until_list(one) if key in raw_lists_in else rename_keys(one) for key, one in named.items()}


def _rename_until_list(value: Any) -> Any:
    return {snake_case(key): _rename_until_list(one) for key, one in value.items()} if isinstance(value, dict) else value


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(one) for key, one in value.items()}
    return [_replace_surrogates(one) for one in value] if isinstance(value, list) else value


def _create_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {snake_case(key): value for key, value in pairs}


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # which no playbook could print as JSON again
        raise ValueError("a number too large")
    return number


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _decode_xml(body: bytes) -> Document:
    markup = _LITERAL.sub(b"", body)
    if b"<!ENTITY" in markup or b"<!DOCTYPE" in markup:  # no Enterprise Manager sends one; xmltodict 0.12 ignores it
        raise EmError("bad_response", "The server sent XML with a DOCTYPE, which is refused.")
    xmltodict = load_library("xmltodict")
    try:
        try:
            tree = _parse_xml(xmltodict, body)
        except EmError:
            tree = _parse_xml(xmltodict, _repair_xml(body))
    except EmError as err:
        raise EmError("bad_response", "The server sent XML that cannot be read.", detail=err.detail) from None
    root, data = next(iter(tree.items()))
    return Document(root, {} if data is None else data)


def _repair_xml(body: bytes) -> bytes:
    """Return XML with what .NET writes although XML 1.0 forbids it replaced, and with bare ampersands escaped.

    The vendor's own example has links with bare ampersands. One control character in one message must not make a whole list
    unreadable.
    """
    body = _FORBIDDEN_BYTES.sub(_REPLACEMENT, body)
    parts = _LITERAL.split(body)
    parts[::2] = [_repair_references(_BARE_AMPERSAND.sub(b"&amp;", part)) for part in parts[::2]]
    return b"".join(parts)


def _repair_references(text: bytes) -> bytes:
    text = _SURROGATE_REFERENCES.sub(
        lambda match: (bytes.fromhex(match[1].decode()) + bytes.fromhex(match[2].decode())).decode("utf-16-be").encode(), text
    )

    def check(match: re.Match[bytes]) -> bytes:
        code = int(match[1], 16) if match[1] else int(match[2])
        is_allowed = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
        return match[0] if is_allowed else _REPLACEMENT

    return _CHARACTER_REFERENCE.sub(check, text)


def _parse_xml(xmltodict: Any, body: bytes) -> dict[str, Any]:
    from xml.parsers.expat import ExpatError

    try:
        tree: dict[str, Any] = xmltodict.parse(body, attr_prefix="", postprocessor=_rename, dict_constructor=dict)
    except (ExpatError, ValueError, LookupError, AttributeError, TypeError) as err:
        raise EmError("bad_response", "unreadable", detail=_shorten(err)) from None
    if not tree:  # a root that looks like the declaration of a namespace
        raise EmError("bad_response", "unreadable", detail="There is no root element.")
    return tree


def _rename(_path: Any, key: str, value: Any) -> tuple[str, Any] | None:
    """Drop namespace declarations and prefixes, put names into snake_case, and tell ``xsi:nil`` from an empty element."""
    if key.startswith("xmlns"):
        return None
    if value is None:
        value = {}
    elif isinstance(value, dict) and value.get("nil") == "true":
        value = None
    return (key if key.startswith("#") else snake_case(key.rpartition(":")[2])), value


def _shorten(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}"[:200]
