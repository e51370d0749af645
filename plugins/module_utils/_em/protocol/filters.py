# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Enterprise Manager's filter language: parse, quote, encode and evaluate. Pure functions.

Grammar (Veeam reference, query_comparison, query_and_or, query_grouping, optional_query_parameters)::

    any     = all *( "," all )              OR
    all     = term *( ";" term )            AND, which binds tighter
    term    = "(" any ")" | field operator value
    value   = '"' text with every quote doubled '"' | bare word
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Union
from urllib.parse import quote

from ..errors import EmError
from .dates import NEVER, format_date, parse_date
from .names import fold_name

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
MAX_NESTING = 40  # nested parentheses; the parser is recursive
_NOT_TRANSMISSIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
MAX_LENGTH = 4000  # characters of an encoded filter; HTTP.sys refuses request lines of 16 KiB


class Field(NamedTuple):
    """A field that filters can name.

    ``name`` is the server's, ``key`` that of our results. ``type`` is ``text``, ``natural`` (text whose numbers count
    as numbers), ``enum`` (``values`` in rank order: "the values are compared by their index", query_comparison),
    ``choice`` (``values`` in no order), ``bool``, ``number``, ``date`` or ``uid`` (with or without its urn).
    """

    name: str
    key: str
    type: str = "text"
    values: tuple[str, ...] = ()


class Comparison(NamedTuple):
    """One comparison of a field with a value."""

    field: Field
    operator: str
    value: str


class And(NamedTuple):
    """Every part must hold; without parts it holds."""

    parts: tuple[Node, ...]


class Or(NamedTuple):
    """At least one part must hold; without parts it does not hold."""

    parts: tuple[Node, ...]


Node = Union[Comparison, And, Or]


# ---------------------------------------------------------------------------------------------------------------------
# Parse

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"]|"")*")
      | (?P<operator>==|!=|<=|>=|<|>)
      | (?P<mark>[;,()])
      | (?P<word>[^\s;,()<>=!"]+)
    )""",
    re.VERBOSE,
)
_HINTS = {
    "=": "write == for equal",
    "!": "write != for not equal",
    '"': 'the quote is not closed; a quote inside a value is doubled ("")',
}
_WORD_HINTS = {"and": "AND is ;", "&&": "AND is ;", "&": "AND is ;", "or": "OR is ,", "|": "OR is ,", "||": "OR is ,"}


def parse_filter(text: str, fields: tuple[Field, ...] | None) -> Node:
    """Parse a user's filter. Raise ``invalid_filter``, with the position of the mistake, counted from 1.

    With ``fields`` None any field is accepted, as text.
    """
    return _Parser(text, fields).parse()


class _Parser:
    def __init__(self, text: str, fields: tuple[Field, ...] | None) -> None:
        self.text = text
        self.is_open = fields is None
        self.fields = {field.name.lower(): field for field in fields or ()}
        self.names = [field.name for field in fields or ()] or ["not known for this type"]
        self.position = 0
        self.category = ""
        self.lexeme = ""
        self.next_position = 0
        self.depth = 0
        self.advance()

    def parse(self) -> Node:
        node = self.parse_any()
        if self.category != "end":
            raise self.error(f"there is {self.lexeme!r} where the filter should end or continue with ; (AND) or , (OR)")
        return node

    def parse_any(self) -> Node:
        parts = [self.parse_all()]
        while self.lexeme == "," and self.category == "mark":
            self.advance()
            parts.append(self.parse_all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def parse_all(self) -> Node:
        parts = [self.parse_term()]
        while self.lexeme == ";" and self.category == "mark":
            self.advance()
            parts.append(self.parse_term())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def parse_term(self) -> Node:
        if self.lexeme == "(" and self.category == "mark":
            self.depth += 1
            if self.depth > MAX_NESTING:
                raise self.error(f"more than {MAX_NESTING} parentheses are open")
            self.advance()
            node = self.parse_any()
            if not (self.lexeme == ")" and self.category == "mark"):
                raise self.error("a closing parenthesis is missing")
            self.depth -= 1
            self.advance()
            return node
        return self.parse_comparison()

    def parse_comparison(self) -> Comparison:
        if self.category != "word":
            raise self.error(f"a field is missing; the fields are {', '.join(self.names)}")
        field = self.fields.get(self.lexeme.lower())
        if field is None and self.is_open and self.lexeme.isidentifier():
            field = Field(self.lexeme, "")  # the type is unknown, so rows are not compared
        if field is None:
            near = difflib.get_close_matches(self.lexeme.lower(), self.fields, 1)
            hint = f"; did you mean {self.fields[near[0]].name}?" if near else "."
            raise self.error(f"there is no field {self.lexeme!r}{hint} The fields are {', '.join(self.names)}")
        self.advance()
        if self.category != "operator":
            raise self.error(f"an operator is missing after {field.name}; the operators are {' '.join(OPERATORS)}")
        symbol = self.lexeme
        self.advance()
        if self.category not in ("word", "quoted"):
            raise self.error(f"a value is missing after {field.name}{symbol}")
        value = self.lexeme[1:-1].replace('""', '"') if self.category == "quoted" else self.lexeme
        if not _is_value(field, value):
            forms = {"bool": "true and false", "date": "dates such as 2026-11-23T18:00:00Z"}
            raise self.error(
                f"{field.name} is never {value!r}; its values are {forms.get(field.type, ', '.join(field.values))}"
            )
        self.advance()
        if self.category in ("word", "quoted"):
            slip = _WORD_HINTS.get(self.lexeme.lower(), "put a value with spaces into double quotes")
            raise self.error(f"there is {self.lexeme!r} after the value; {slip}")
        date = parse_date(value) if field.type == "date" else None
        return Comparison(field, symbol, format_date(date) if date else value)

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.next_position)
        if match is None:
            rest = self.text[self.next_position :]
            self.position = len(self.text) - len(rest.lstrip())
            if rest.strip():
                slip = _HINTS.get(rest.strip()[0], "it cannot be read")
                raise self.error(f"there is {rest.strip()[0]!r}; {slip}")
            self.position = len(self.text.rstrip())
            self.category, self.lexeme, self.next_position = "end", "", len(self.text)
            return
        self.category = str(match.lastgroup)
        self.lexeme = match[self.category]
        self.position = match.start(self.category)
        self.next_position = match.end()

    def error(self, what: str) -> EmError:
        place = self.position + 1
        return EmError(
            "invalid_filter",
            f"The option filter cannot be {self.text!r}: at position {place}, {what}.",
            detail=f"position {place}",
        )


# ---------------------------------------------------------------------------------------------------------------------
# Quote and encode


def print_filter(node: Node) -> str:
    """Return a filter as text; parsing it returns the same tree. Values are quoted, so that none can change its meaning."""
    if isinstance(node, Comparison):
        return f"{node.field.name}{node.operator}{quote_value(node.value)}"
    separator = ";" if isinstance(node, And) else ","
    return separator.join(
        print_filter(part) if isinstance(part, Comparison) else f"({print_filter(part)})" for part in node.parts
    )


def quote_value(value: str) -> str:
    """Return a value in quotes, or bare if it has only the characters that the reference allows there, [A-Za-z_0-9]."""
    if re.fullmatch(r"[A-Za-z0-9_]+", value):
        return value
    return '"' + value.replace('"', '""') + '"'


def to_server_filter(node: Node) -> str | None:
    """Return the narrowest filter, percent-encoded, that every server understands as this code does; None if there is none.

    It selects all that ``node`` selects, and maybe more. The caller applies `matches` to what comes back.
    """
    relaxed = _relax(node)
    encoded = encode_filter(relaxed) if relaxed is not None else ""
    return encoded if 0 < len(encoded) <= MAX_LENGTH else None


def encode_filter(node: Node) -> str:
    """Return a filter as text, with every reserved character percent-encoded."""
    return quote(print_filter(node), safe="")


def is_transmissible(text: str) -> bool:
    """Return whether both URLs and XML can hold a text: they cannot hold control characters and lone surrogates."""
    return _NOT_TRANSMISSIBLE.search(text) is None


def is_portable(comparison: Comparison) -> bool:
    """Return whether a comparison means the same to every server.

    The order of dates does; the order of texts and of task states is not documented.
    """
    return is_transmissible(comparison.value) and (comparison.operator in ("==", "!=") or comparison.field.type == "date")


def _relax(node: Node) -> Node | None:
    """Return the portable part of a filter, which selects at least what ``node`` selects; None if there is none."""
    if isinstance(node, Comparison):
        return node if is_portable(node) else None
    parts = [_relax(part) for part in node.parts]
    kept = tuple(part for part in parts if part is not None)
    if not kept or (isinstance(node, Or) and len(kept) < len(parts)):
        return None
    return kept[0] if len(kept) == 1 else node._replace(parts=kept)


# ---------------------------------------------------------------------------------------------------------------------
# Evaluate


def matches(node: Node, row: Mapping[str, Any]) -> bool:
    """Return whether a row is selected. Text is compared case-insensitively; an unknown value equals nothing."""
    if isinstance(node, Comparison):
        return _compare(node, row[node.field.key])
    if isinstance(node, And):
        return all(matches(part, row) for part in node.parts)
    return any(matches(part, row) for part in node.parts)


def may_match(node: Node, row: Mapping[str, Any]) -> bool:
    """Return whether a row may be selected, judged by the fields that it shows: rows need not show every field.

    Comparisons by the order of texts are left to the server.
    """
    if isinstance(node, Comparison):
        key = find_key(node.field, row)
        is_ordered = node.operator in ("==", "!=") or node.field.type in ("enum", "bool", "number", "date")
        if key is None or not is_ordered:
            return True
        # "Never" is 1753 on the wire and null in rows, and filters can compare with it.
        return _compare(node, NEVER if row[key] is None and node.field.type == "date" else row[key])
    if isinstance(node, And):
        return all(may_match(part, row) for part in node.parts)
    return any(may_match(part, row) for part in node.parts)


def find_key(field: Field, row: Mapping[str, Any]) -> str | None:
    """Return the key of a field in a row: bodies have CreationTimeUTC for CreationTime (wire facts, 6.4). None if it has none.

    A row's own ``type`` is that of the resource; the field Type is shown as PointType or JobType.
    """
    names = ("point_type", "job_type") if field.key == "type" else (field.key, f"{field.key}_utc")
    return next((key for key in names if key in row), None)


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return the sort key by which task-2 comes before task-10; case-insensitive."""
    return tuple(
        (0, len(number), number) if number.isascii() and number.isdecimal() else (1, 0, run)
        for run in re.findall(r"[0-9]+|[^0-9]+", text.lower())
        for number in (run.lstrip("0") or run[:1],)  # of two numbers the one with more digits is the greater
    )


def _compare(comparison: Comparison, actual: object) -> bool:
    field, symbol, wanted = comparison
    if actual is None:
        return symbol == "!="
    if field.type == "natural" and symbol in ("==", "!="):  # task-007 is not task-7
        field = field._replace(type="text")
    left, right = rank_value(field, str(actual)), rank_value(field, wanted)
    if left is None or right is None:  # not a value of the field
        return symbol in ("==", "!=") and OPERATORS[symbol](fold_name(str(actual)), fold_name(wanted))
    return OPERATORS[symbol](left, right)


def _is_value(field: Field, text: str) -> bool:
    return field.type not in ("enum", "choice", "bool", "number", "date") or rank_value(field, text) is not None


def rank_value(field: Field, text: str) -> Any:
    """Return the sort key of a value; None for a value that the field cannot have."""
    if field.values:
        return next((rank for rank, value in enumerate(field.values) if value.lower() == text.lower()), None)
    return _READERS.get(field.type, str)(fold_name(text))


def _read_uid(text: str) -> str:
    return text.rpartition(":")[2]


def parse_number(text: str) -> float | None:
    """Return a decimal number; None for anything else, such as nan and inf."""
    return float(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,30}(\.[0-9]{1,30})?\s*", text) else None


_READERS: dict[str, Callable[[str], Any]] = {
    "bool": {"true": True, "false": False}.get,
    "date": parse_date,
    "number": parse_number,
    "natural": natural_key,
    "uid": _read_uid,
}
