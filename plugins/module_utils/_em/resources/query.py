# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries of any type: checking the options, sending the query, and the plain form of its rows."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import snake_case
from ..protocol.dates import format_date, parse_date
from ..protocol.filters import (
    OPERATORS,
    And,
    Comparison,
    Field,
    Node,
    encode_filter,
    find_key,
    is_transmissible,
    may_match,
    parse_filter,
    parse_number,
    print_filter,
    rank_value,
)
from ..protocol.names import find_similar
from ..protocol.query_types import QUERY_TYPES
from .listing import PAGE_SIZE
from .rows import RowReader
from .tasks import NO_TASKS_IN_OWN_SESSION

MAX_ENCODED_FILTER = 7000  # characters; Kestrel refuses request lines of 8 KiB
SORT_PROBE_ROWS = 10  # sorted rows to ask for at least


WHERE_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "field": {"type": "str", "required": True},
        "operator": {"type": "str", "choices": ["==", "!=", "<", "<=", ">", ">="], "default": "=="},
        "value": {"type": "raw", "required": True},
    },
}
# Of the options of a query, without its type.
DEFAULTS: dict[str, Any] = {
    "filter": None,
    "where": None,
    "sort_by": None,
    "descending": False,
    "limit": None,
    "page_size": PAGE_SIZE,
    "format": "entities",
    "allow_unknown": False,
}


class QueryType(NamedTuple):
    """A type of the query service. ``fields`` is None for one that is newer than the table: any field is accepted."""

    name: str
    fields: tuple[Field, ...] | None


class Query(NamedTuple):
    """A query. ``order`` is a field to sort by; ``limit`` counts rows, None for all."""

    type: QueryType
    criteria: tuple[Node, ...]
    order: Field | None
    descending: bool
    limit: int | None
    page_size: int
    format: str


def get_query_type(name: str, *, allow_unknown: bool) -> QueryType:
    """Return a documented type by its name, case-insensitive. Raise ``invalid_option``, with similar names, if unknown."""
    known = {documented.lower(): documented for documented in QUERY_TYPES}
    found = known.get(name.strip().lower())
    if found is not None:
        fields = tuple(Field(field, snake_case(field), type_, values) for field, type_, values in QUERY_TYPES[found][1])
        return QueryType(found, fields)
    if not name.isascii() or not name.isalnum():
        raise create_option_error("type", name, "give the name of a type, such as BackupJobSession")
    if not allow_unknown:
        raise create_option_error("type", name, _suggest(name, list(QUERY_TYPES)) + "set allow_unknown for a newer type")
    return QueryType(name, None)


def create_query(params: Mapping[str, Any]) -> Query:
    """Return the query of a module's or plugin's options. Raise ``invalid_option`` or ``invalid_filter`` for wrong ones."""
    query_type = get_query_type(params["type"], allow_unknown=params["allow_unknown"])
    criteria: list[Node] = []
    if params["filter"] is not None:
        if not params["filter"].strip():
            raise create_option_error("filter", params["filter"], "it is empty; leave it out", kind="invalid_filter")
        criteria.append(parse_filter(params["filter"], query_type.fields))
        if not is_transmissible(print_filter(criteria[0])):
            hint = "one of its values holds characters that cannot be sent"
            raise create_option_error("filter", params["filter"], hint, kind="invalid_filter")
    if params["where"] is not None and not params["where"]:
        raise create_option_error("where", params["where"], "without a condition it would select everything; leave it out")
    for number, condition in enumerate(params["where"] or (), 1):
        criteria.append(_create_comparison(f"where (condition {number})", condition, query_type, params["allow_unknown"]))
    order = None if params["sort_by"] is None else _get_field("sort_by", params["sort_by"], query_type, params["allow_unknown"])
    return Query(
        query_type,
        tuple(criteria),
        order,
        params["descending"],
        params["limit"],
        params["page_size"],
        params["format"],
    )


def find_resources(client: Client, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a query of ``type``, ``filter`` and ``where`` finds, at most one page."""
    return read_resources(client, create_query({**DEFAULTS, "limit": PAGE_SIZE, **params}))


def _suggest(name: str, known: list[str]) -> str:
    near = find_similar(name, known)
    return f"did you mean {' or '.join(near)}? Or " if near else f"it is none of {', '.join(known)}; "


def _get_field(option: str, name: object, query_type: QueryType, allow_unknown: bool) -> Field:
    for field in query_type.fields or ():
        if field.name.lower() == str(name).lower():
            return field
    if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
        raise create_option_error(option, name, "give the name of a field, such as Name")
    if query_type.fields is not None and not allow_unknown:
        known = [field.name for field in query_type.fields]
        similar, mark, _rest = _suggest(name, known).partition("? Or ")
        hint = f"{similar}? " if mark else ""
        raise create_option_error(option, name, f"{hint}the fields of {query_type.name} are {', '.join(known)}")
    return Field(name, "")  # the type is unknown, so rows are not compared


def _create_comparison(option: str, condition: Mapping[str, Any], query_type: QueryType, allow_unknown: bool) -> Comparison:
    unknown = set(condition) - {"field", "operator", "value"}
    if unknown or "field" not in condition or "value" not in condition:
        raise create_option_error(option, dict(condition), "give field, value and, if it is not ==, operator")
    field = _get_field(f"field of {option}", condition["field"], query_type, allow_unknown)
    symbol = condition.get("operator") or "=="
    if not isinstance(symbol, str) or symbol not in OPERATORS:
        raise create_option_error(f"operator of {option}", symbol, f"give one of {' '.join(OPERATORS)}")
    return Comparison(field, symbol, _print_value(f"value of {option}", condition["value"], field, allow_unknown))


def _print_value(option: str, value: object, field: Field, allow_unknown: bool) -> str:
    """Return a value in the form that the server accepts for the field's type. Raise ``invalid_option`` for another value."""
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if field.type == "number" and not isinstance(value, bool):  # Jinja's 5.0 is a whole number, and goes as one
        whole = isinstance(value, float) and value.is_integer()
        text = str(int(value)) if isinstance(value, float) and whole else re.sub(r"(?<=\d)\.0+$", "", text.strip())
    hint = None
    if value is None or isinstance(value, (list, dict)):
        hint = "give one value"
    elif not is_transmissible(text):
        hint = "it holds characters that cannot be sent"
    elif field.type == "date":
        date = parse_date(text)
        if date is not None:
            return format_date(date)
        hint = f"{field.name} is a date; give it as ISO 8601, such as 2026-11-23T18:00:00+01:00"
    elif field.type == "bool" and text.lower() not in ("true", "false"):
        hint = f"{field.name} is true or false"
    elif field.type == "number" and parse_number(text) is None:
        hint = f"{field.name} is a number"
    elif field.values and not allow_unknown:
        for known in field.values:
            if known.lower() == text.lower():
                return known
        hint = _suggest(text, list(field.values)).partition("? Or ")[0] + f"; {field.name} is one of {', '.join(field.values)}"
    if hint is not None:
        raise create_option_error(option, value, hint)
    return text.lower() if field.type == "bool" else text


def read_resources(client: Client, query: Query) -> list[dict[str, Any]]:
    """Return the resources in their plain form. Reading stops once there are as many as the limit.

    The server filters and sorts, because its entities do not show every field that they can be filtered by; what they do show
    is checked. Requests JSON, whatever format the connection prefers, because XML has no types.
    """
    rows = iter_resources(client, query)
    with _paused_garbage_collection():
        first = list(islice(rows, query.limit and _count_first(query)))
    if query.order and (query.limit is None or not _is_sorted(first, query.order, descending=query.descending)):
        first += rows
        first = _sort(first, query.order, descending=query.descending)
    if not first and query.type.name == "Task" and client.owns_session:
        client.warnings.append(NO_TASKS_IN_OWN_SESSION)
    return first[: query.limit]


@contextmanager
def _paused_garbage_collection() -> Iterator[None]:
    """Pause the collector of cycles: rows have none, and it would look at all those that were read, again and again."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _count_first(query: Query) -> int:
    """Return how many rows to read for a limit: with an order at least so many that one can see whether it is kept."""
    return max(query.limit or 0, min(SORT_PROBE_ROWS, query.page_size) if query.order else 0)


def iter_resources(client: Client, query: Query) -> Iterator[dict[str, Any]]:
    """Yield the resources in their plain form, page by page, in the server's order and without regard to the limit."""
    path = f"/api/query?type={query.type.name}&format={'References' if query.format == 'references' else 'Entities'}"
    criteria = And(query.criteria)
    if query.criteria:
        encoded = encode_filter(criteria)
        if len(encoded) > MAX_ENCODED_FILTER:
            raise EmError(
                "invalid_option", f"The filter is longer than the {MAX_ENCODED_FILTER} characters that servers take: split it."
            )
        path += f"&filter={encoded}"
    if query.order is not None:
        path += f"&{'sortDesc' if query.descending else 'sortAsc'}={query.order.name}"
    page_size = query.page_size if query.limit is None else min(query.page_size, _count_first(query))
    reader = RowReader(client)
    pages = client.iter_pages(
        f"{path}&pageSize={page_size}", list_path=(), accept="application/json", raw_rows=True, read_ahead=query.limit is None
    )
    with closing(pages):  # also where a row is invalid: other requests may follow
        for page in pages:
            for row in reader.read_page(page):
                if not query.criteria or may_match(criteria, row):
                    yield row


def _rank_row(row: Mapping[str, Any], field: Field) -> Any:
    key = find_key(field, row)
    return None if key is None or row[key] is None else rank_value(_as_natural(field), str(row[key]))


def _as_natural(field: Field) -> Field:
    return field._replace(type="natural") if field.type in ("text", "choice", "uid") else field


def _is_sorted(rows: list[dict[str, Any]], field: Field, *, descending: bool) -> bool:
    """Return whether rows are sorted. The order of texts, and of rows that do not show the field, is not checked."""
    if field.type not in ("enum", "bool", "number", "date"):
        return True
    ranks = [rank for rank in (_rank_row(row, field) for row in rows) if rank is not None]
    return ranks == sorted(ranks, reverse=descending)


def _sort(rows: list[dict[str, Any]], field: Field, *, descending: bool) -> list[dict[str, Any]]:
    """Return rows sorted by a field, numbers within texts as numbers; rows that do not show it come last."""
    ranked = [(_rank_row(row, field), row) for row in rows]
    if all(rank is None for rank, _row in ranked):
        return rows
    known = [(rank, row) for rank, row in ranked if rank is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _rank, row in known] + [row for rank, row in ranked if rank is None]
