# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query service's filter language: `;` and, `,` or, parentheses (wire-facts 4)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Union

from lark import Lark, Transformer
from lark.exceptions import UnexpectedInput

from .catalogue import FieldSpec, TypeSpec
from .document import Scalar
from .errors import FilterError

# A quoted value must be followed by what may follow a value: the document's own `Name==""Backup""` is a bare value
# with doubled quotes (optional_query_parameters), not an empty string with something behind it.
_GRAMMAR = r"""
?start: either
?either: both ("," both)*
?both: term (";" term)*
?term: comparison | "(" either ")"
comparison: FIELD OPERATOR (QUOTED | BARE)
FIELD.2: /[A-Za-z_][A-Za-z0-9_.]*/
OPERATOR.3: "==" | "!=" | ">=" | "<=" | ">" | "<"
QUOTED.4: /"(?:[^"]|"")*"(?=\s*(?:[;,)]|$))/
BARE.1: /(?:[^;,()"<>=!\s]|"")(?:[^;,()"<>=!]|"")*/
%import common.WS
%ignore WS
"""

Row = Mapping[str, Scalar]
Predicate = Callable[[Row], bool]
Node = Union["Comparison", "Junction"]


class Comparison:
    """One `field operator value`."""

    def __init__(self, field: str, symbol: str, value: str) -> None:
        self.field = field
        self.symbol = symbol
        self.value = value


class Junction:
    """Conditions joined by `;` (all) or `,` (any)."""

    def __init__(self, combine: Callable[[Any], bool], nodes: list[Node]) -> None:
        self.combine = combine
        self.nodes = nodes


class _ToNodes(Transformer[Any, Node]):
    def either(self, nodes: list[Node]) -> Node:
        return Junction(any, nodes)

    def both(self, nodes: list[Node]) -> Node:
        return Junction(all, nodes)

    def comparison(self, tokens: list[Any]) -> Node:
        field, symbol, value = tokens
        # Outside quotes the server drops spaces without a word.
        text = value[1:-1] if value.type == "QUOTED" else re.sub(r"\s", "", value)
        return Comparison(str(field), str(symbol), text.replace('""', '"'))


_PARSER = Lark(_GRAMMAR, parser="lalr", transformer=_ToNodes())


@lru_cache(maxsize=64)
def parse(text: str) -> Node:
    """Parse a filter."""
    try:
        return _PARSER.parse(text)  # type: ignore[return-value]  # the transformer makes it a Node
    except UnexpectedInput as error:
        position = error.pos_in_stream if error.pos_in_stream is not None else len(text)
        raise FilterError(f"Filter expression is not valid at position {position}.") from None


_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]?(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?[Zz]?")


def parse_date(text: str) -> datetime:
    """Read a UTC date; a fraction may have up to seven digits, a zone other than Z is refused."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise FilterError(f"'{text}' is not a valid UTC DateTime value.")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micro = int((match[7] or "0").ljust(6, "0")[:6])
    try:
        return datetime(year, month, day, tzinfo=timezone.utc) + timedelta(
            hours=hour, minutes=minute, seconds=second, microseconds=micro
        )
    except ValueError:
        raise FilterError(f"'{text}' is not a valid UTC DateTime value.") from None


def _uid(value: Any) -> str:
    return str(value).rpartition(":")[2].lower()


def _lower(value: Any) -> str:
    return str(value).lower()


def sort_key(spec: FieldSpec) -> Callable[[Scalar], Any]:
    """Return what makes two values of this field comparable."""
    ranks = spec.ranks
    keys: dict[str, Callable[[Any], Any]] = {
        "string": _lower,
        "uid": _uid,
        "enum": lambda value: ranks.get(str(value).lower(), -1),
    }
    return keys.get(spec.kind, lambda value: value)


def _constant(spec: FieldSpec, text: str) -> Any:
    if spec.kind == "int":
        if re.fullmatch(r"[+-]?\d{1,19}", text) is None:
            raise FilterError(f"'{text}' is not a valid value for {spec.name}.")
        return int(text)
    if spec.kind == "float":
        if re.fullmatch(r"[+-]?\d{1,19}(\.\d{1,19})?", text) is None:
            raise FilterError(f"'{text}' is not a valid value for {spec.name}.")
        return float(text)
    if spec.kind == "bool":
        if text.lower() not in ("true", "false"):
            raise FilterError(f"'{text}' is not a valid value for {spec.name}.")
        return text.lower() == "true"
    if spec.kind == "date":
        return parse_date(text)
    if spec.kind == "enum":
        if text.lower() not in spec.ranks:
            raise FilterError(f"Requested value '{text}' was not found.")
        return spec.ranks[text.lower()]
    return sort_key(spec)(text)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _one_of_many(node: Junction, type_spec: TypeSpec, hidden: frozenset[str]) -> Predicate | None:
    """Make `F==a,F==b,...` one look into a set: clients ask for hundreds of ids at once."""
    terms = [part for part in node.nodes if isinstance(part, Comparison) and part.symbol == "=="]
    names = {term.field.lower() for term in terms}
    if len(terms) != len(node.nodes) or len(names) != 1:
        return None
    name = names.pop()
    spec = type_spec.fields.get(name)
    if spec is None or name in hidden:
        return None
    wanted, key = {_constant(spec, term.value) for term in terms}, sort_key(spec)

    def matches(row: Row) -> bool:
        value = row.get(name)
        return value is not None and key(value) in wanted

    return matches


def compile_filter(node: Node, type_spec: TypeSpec, hidden: frozenset[str] = frozenset()) -> Predicate:
    """Return a function that says whether a row (values by lower-case field name) matches.

    A row without a value matches `!=` only.
    """
    if isinstance(node, Junction):
        if node.combine is any and (chosen := _one_of_many(node, type_spec, hidden)) is not None:
            return chosen
        parts = [compile_filter(part, type_spec, hidden) for part in node.nodes]
        combine = node.combine
        return lambda row: combine(part(row) for part in parts)
    name = node.field.lower()
    spec = type_spec.fields.get(name)
    if spec is None or name in hidden:
        raise FilterError(f"Property '{node.field}' is not supported in a filter for {type_spec.name}.")
    compare, constant, key = _OPERATORS[node.symbol], _constant(spec, node.value), sort_key(spec)
    when_missing = node.symbol == "!="

    def matches(row: Row) -> bool:
        value = row.get(name)
        return when_missing if value is None else compare(key(value), constant)

    return matches
