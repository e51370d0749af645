# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML as Enterprise Manager prints it: one line, Href before Type before Name before UID."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from .document import Absent, Either, Link, Many, Obj, Paging, Scalar, Texts, Value
from .render import Renderer
from .switches import Switches

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
_NAMESPACES = (
    ' xmlns="http://www.veeam.com/ent/v1.0" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_SPECIAL = re.compile(r'[&<>"\x00-\x1f\ufffe\uffff\ud800-\udfff]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}


def escape(text: str, how: str = "replaced") -> str:
    """Escape text for element content and attribute values.

    What XML cannot hold becomes U+FFFD, or as .NET writes it a reference that no parser takes, or it is left as it is.
    """
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0]) or _forbidden(match[0], how), text)


def _forbidden(letter: str, how: str) -> str:
    return {"references": f"&#x{ord(letter):X};", "raw": letter}.get(how, "\ufffd")


class XmlRenderer(Renderer):
    """The format one gets without asking."""

    content_type = "application/xml; charset=utf-8"

    def __init__(self, base: str, switches: Switches) -> None:
        super().__init__(base, switches)
        self._forbidden = switches.xml_forbidden
        self._wrap = {"cdata": _as_cdata, "comments": _with_comment}.get(switches.xml_text)

    def _content(self, value: Scalar) -> str:
        """Print what is between two tags."""
        text = self._text(value)
        return text if self._wrap is None or not isinstance(value, str) or not value else self._wrap(value, text)

    def _href(self, path: str) -> str:
        url = escape(self.url(path))
        return url.replace("&amp;", "&") if self.switches.bare_ampersands else url

    def _text(self, value: Scalar) -> str:
        if value is True:
            return "true"
        if value is False:
            return "false"
        if isinstance(value, datetime):
            return self.date(value)
        return escape(str(value), self._forbidden)

    def _link(self, link: Link) -> str:
        name = f' Name="{escape(link.name, self._forbidden)}"' if link.name is not None else ""
        kind = f' Type="{link.type}"' if link.type is not None else ""
        return f'<Link Href="{self._href(link.path)}"{name}{kind} Rel="{link.rel}" />'

    def _links(self, links: Sequence[Link] | None) -> str:
        return f"<Links>{''.join(map(self._link, links))}</Links>" if links else ""

    def _member(self, name: str, value: Value) -> str:
        if isinstance(value, Either):
            if isinstance(value.xml, Absent):
                return ""
            value = value.xml
        if value is None:
            return ""
        if isinstance(value, Obj):
            return self._element(value, "", name)
        if isinstance(value, Many):
            inner = "".join(map(self.fragment, value.items))
            return inner if value.json_key is None else f"<{name}>{inner}</{name}>" if inner else f"<{name} />"
        if isinstance(value, Texts):
            element = value.element or name
            inner = "".join([f"<{element}>{self._content(item)}</{element}>" for item in value.items])
            return inner if value.element is None else f"<{name}>{inner}</{name}>" if inner else f"<{name} />"
        return f"<{name}>{self._content(value)}</{name}>"

    def _element(self, obj: Obj, extra: str, name: str) -> str:
        attributes = [f' {key}="{self._text(value)}"' for key, value in obj.attributes if value is not None]
        href = f' Href="{self._href(obj.path)}"' if obj.path is not None else ""
        kind = f' Type="{obj.type}"' if obj.type is not None else ""
        inner = self._links(obj.links) + "".join([self._member(key, value) for key, value in obj.members])
        if obj.text is not None:
            inner += self._text(obj.text)
        start = f"<{name}{href}{kind}{''.join(attributes)}{extra}"
        return f"{start}>{inner}</{name}>" if inner else f"{start} />"

    def fragment(self, obj: Obj) -> str:
        return self._element(obj, "", obj.element)

    def root(self, obj: Obj) -> str:
        return _DECLARATION + self._element(obj, _NAMESPACES, obj.element)

    def _paging(self, paging: Paging) -> str:
        return (
            f'<PagingInfo PageNum="{paging.number}" PageSize="{paging.size}" PagesCount="{paging.count}">'
            f"{self._links(paging.links)}</PagingInfo>"
        )

    def collection(self, name: str, fragments: Sequence[str], paging: Paging | None = None, inner: str | None = None) -> str:
        element = "EntityReferences" if name == "Refs" else name
        end = self._paging(paging) if paging else ""
        return f"{_DECLARATION}<{element}{_NAMESPACES}>{''.join(fragments)}{end}</{element}>"

    def query_result(self, container: str, outer: str, inner: str, fragments: Sequence[str], paging: Paging) -> str:
        rows = "".join(fragments)
        if not fragments and self.switches.empty_query == "missing":
            body = ""
        elif container == "Refs":
            body = f"<Refs>{rows}</Refs>" if rows else "<Refs />"
        elif rows:
            body = f"<{container}><{outer}>{rows}</{outer}></{container}>"
        elif self.switches.empty_query == "null":
            body = f"<{container} />"
        else:
            body = f"<{container}><{outer} /></{container}>"
        return f"{_DECLARATION}<QueryResult{_NAMESPACES}>{body}{self._paging(paging)}</QueryResult>"

    def error(self, status: int, message: str) -> str:
        text = escape(message, self._forbidden)
        trace = self._member("StackTrace", self.stack_trace)
        return (
            f'{_DECLARATION}<Error Message="{text}" StatusCode="{status}"{_NAMESPACES}>'
            f"<FirstChanceExceptionMessage>{text}</FirstChanceExceptionMessage>{trace}</Error>"
        )


def _as_cdata(value: str, escaped: str) -> str:
    """Return a text as a CDATA section; its end within the text begins another."""
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>" if escaped != value else escaped


def _with_comment(_value: str, escaped: str) -> str:
    """Return a text with a comment in its midst."""
    middle = len(escaped) // 2 if "&" not in escaped else 0
    return f"{escaped[:middle]}<!-- a comment -->{escaped[middle:]}"
