# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources as the API knows them, before they become XML or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Union

Scalar = Union[None, str, int, float, bool, datetime]


@dataclass(frozen=True, slots=True)
class Link:
    """A link; `path` begins with /api and is put on a base URL when rendered."""

    rel: str
    path: str
    type: str | None = None
    name: str | None = None


@dataclass(slots=True)
class Obj:
    """One XML element or JSON object.

    `members` are child elements, `attributes` the XML attributes after Href and Type. In JSON there are members
    first, then attributes, then Links, Href and Type (wire-facts 1.4, 6.2).
    """

    element: str
    members: Sequence[tuple[str, Value]] = ()
    attributes: Sequence[tuple[str, Scalar]] = ()
    links: Sequence[Link] | None = None
    path: str | None = None
    type: str | None = None
    is_resource: bool = True
    only_json: Sequence[tuple[str, Scalar]] = ()  # attributes that XML leaves out, having their default
    text: str | None = None  # what is between the tags of an element with attributes; `Value` in JSON


@dataclass(slots=True)
class Many:
    """A list element: XML repeats `items` in the member's element, JSON has one more object around the array.

    Without a `json_key` there is nothing around them: XML repeats them in the parent, JSON has an array.
    """

    items: Sequence[Obj]
    json_key: str | None


@dataclass(slots=True)
class Texts:
    """A list of texts: an array in JSON; in XML elements within the member's, or the member itself repeated (no `element`).

    With a `json_key` JSON has one more object around the array.
    """

    items: Sequence[str]
    element: str | None = None
    json_key: str | None = None


class Absent:
    """A member that is not there at all in one of the formats."""


ABSENT = Absent()


@dataclass(slots=True)
class Either:
    """A member that the two formats say differently."""

    xml: Union[Scalar, Absent]
    json: Union[Scalar, Absent]


Value = Union[Scalar, Obj, Many, Texts, Either]


@dataclass(frozen=True, slots=True)
class Paging:
    """The PagingInfo of a result."""

    number: int
    size: int
    count: int
    links: tuple[Link, ...]
