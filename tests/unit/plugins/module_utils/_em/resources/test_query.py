# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries of any type: how options are checked, and in which form values are sent."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import nullcontext
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import And, print_filter
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.query_types import DATES, QUERY_TYPES
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import (
    DEFAULTS,
    Query,
    create_query,
    get_query_type,
    iter_resources,
    read_resources,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.rows import RowReader
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer


def create(name: str, **params: Any) -> Query:
    return create_query({**DEFAULTS, "type": name, **params})


def sent(name: str, field: object, value: object, operator: str = "==", **params: Any) -> str:
    """Return the filter that a condition becomes."""
    condition = {"field": field, "operator": operator, "value": value}
    return print_filter(And(create(name, where=[condition], **params).criteria))


def refusal(name: str, **params: Any) -> EmError:
    with pytest.raises(EmError) as caught:
        create(name, **params)
    return caught.value


# Types


@pytest.mark.parametrize("name", sorted(QUERY_TYPES))
def test_types_are_case_insensitive(name: str) -> None:
    assert create(name).type.name == create(f" {name.upper()} ").type.name == create(name.lower()).type.name == name
    assert create(name).type.fields


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("BackupSession", "BackupJobSession"),
        ("BackupJobSessions", "BackupJobSession"),
        ("VmRestorepoints", "VmRestorePoint"),
        ("Repositories", "Repository"),
        ("Tenant", "CloudTenant"),
        ("vAppRestorePoints", "VAppRestorePoint"),
    ],
)
def test_a_misspelt_type_gets_a_suggestion(written: str, meant: str) -> None:
    failure = refusal(written)
    assert failure.kind == "invalid_option"
    assert "did you mean" in failure.msg
    assert meant in failure.msg
    assert "allow_unknown" in failure.msg


@pytest.mark.parametrize("written", ["", "Job&page=2", "J\u00f6b", "a b", "type=Job", "../Job", "\u0661"])
@pytest.mark.parametrize("allow_unknown", [False, True])
def test_a_text_that_is_no_type_is_refused(written: str, allow_unknown: bool) -> None:
    assert refusal(written, allow_unknown=allow_unknown).kind == "invalid_option"


def test_a_newer_type() -> None:
    assert refusal("Zqwx").kind == "invalid_option"
    newer = get_query_type("NewerThing", allow_unknown=True)
    assert newer == ("NewerThing", None)
    query = create("NewerThing", allow_unknown=True, filter='A==1,B!="x y"', sort_by="Size", where=[{"field": "C", "value": 1}])
    assert print_filter(And(query.criteria)) == '(A==1,B!="x y");C==1'
    assert query.order is not None
    assert query.order.name == "Size"


# Fields


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("BackupJobSession", "JobNam", "JobName"),
        ("BackupJobSession", "CreationTimeUTC", "CreationTime"),
        ("Repository", "Free", "FreeSpace"),
        ("BackupTaskSession", "VmName", "VmDisplayName"),
    ],
)
def test_a_misspelt_field_gets_a_suggestion(name: str, written: str, meant: str) -> None:
    for params in ({"where": [{"field": written, "value": 1}]}, {"sort_by": written}):
        failure = refusal(name, **params)
        assert failure.kind == "invalid_option"
        assert meant in failure.msg.partition("did you mean ")[2].partition("?")[0]
    failure = refusal(name, filter=f"{written}==1")
    assert failure.kind == "invalid_filter"
    assert "position 1" in failure.msg


@pytest.mark.parametrize("written", ["", "A;B", "A==1;B", "a b", "1a", "\u00fc", None, 3, ["Name"], {}])
@pytest.mark.parametrize("allow_unknown", [False, True])
def test_a_value_that_is_no_field_is_refused(written: Any, allow_unknown: bool) -> None:
    assert refusal("Job", allow_unknown=allow_unknown, where=[{"field": written, "value": 1}]).kind == "invalid_option"


def test_fields_are_sent_in_the_servers_spelling() -> None:
    assert sent("Job", "SCHEDULEENABLED", value=True) == "ScheduleEnabled==true"
    query = create("repository", sort_by="freespace", descending=True)
    assert query.order is not None
    assert (query.order.name, query.descending) == ("FreeSpace", True)


# Conditions


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
def test_operators(operator: str) -> None:
    assert sent("Repository", "FreeSpace", 5, operator) == f"FreeSpace{operator}5"


@pytest.mark.parametrize("operator", ["=", "=>", "<>", "like", "eq", "==;", " == "])
def test_an_unknown_operator_is_refused(operator: str) -> None:
    failure = refusal("Job", where=[{"field": "Name", "operator": operator, "value": "x"}])
    assert failure.kind == "invalid_option"
    assert "== != >= <= > <" in failure.msg


@pytest.mark.parametrize(
    "condition",
    [{}, {"field": "Name"}, {"value": 1}, {"field": "Name", "value": 1, "op": "=="}, {"field": "Name", "value": 1, "x": None}],
)
def test_an_incomplete_condition_is_refused(condition: dict[str, Any]) -> None:
    """Nothing checks the lookup's conditions before this."""
    assert refusal("Job", where=[condition]).kind == "invalid_option"


def test_the_message_has_the_number_of_the_condition() -> None:
    failure = refusal("Job", where=[{"field": "Name", "value": "x"}, {"field": "Naem", "value": "x"}])
    assert "condition 2" in failure.msg


def test_filter_and_where_must_both_hold() -> None:
    query = create("Job", filter="Name==a,Name==b", where=[{"field": "Platform", "value": "vmware"}])
    assert print_filter(And(query.criteria)) == "(Name==a,Name==b);Platform==VMware"
    assert refusal("Job", filter="  ").kind == "invalid_filter"


# Values


@pytest.mark.parametrize(
    ("value", "sent_as"),
    [
        ("2026-11-23T18:00:00+01:00", "2026-11-23T17:00:00Z"),
        ("2026-11-23T18:00:00-0330", "2026-11-23T21:30:00Z"),
        ("2026-11-23 18:00", "2026-11-23T18:00:00Z"),
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("2026-11-23t18:00:00.1230z", "2026-11-23T18:00:00.123Z"),
        (datetime(2026, 11, 23, 18, tzinfo=timezone(timedelta(hours=2))), "2026-11-23T16:00:00Z"),
        (datetime(2026, 11, 23, 18, 0, 0, 250000), "2026-11-23T18:00:00.25Z"),
        (date(2026, 11, 23), "2026-11-23T00:00:00Z"),
    ],
)
def test_dates(value: object, sent_as: str) -> None:
    assert sent("BackupJobSession", "CreationTime", value, ">=") == f'CreationTime>="{sent_as}"'


@pytest.mark.parametrize(
    "value", ["yesterday", "", 1795453200, "2026-13-01", "23.11.2026", "2026-11-23T18:00:00 CET", True, 1.5]
)
def test_a_value_that_is_no_date_is_refused(value: object) -> None:
    failure = refusal("BackupJobSession", where=[{"field": "CreationTime", "value": value}])
    assert failure.kind == "invalid_option"
    assert "ISO 8601" in failure.msg


@pytest.mark.parametrize(
    ("value", "sent_as"),
    [(0, "0"), (-1, '"-1"'), (10**12, "1000000000000"), ("42", "42"), (1.5, '"1.5"'), (2**63, "9223372036854775808")],
)
def test_numbers(value: object, sent_as: str) -> None:
    assert sent("Repository", "FreeSpace", value) == f"FreeSpace=={sent_as}"


@pytest.mark.parametrize(
    "value", ["many", "1e3", "0x10", "", "nan", "inf", float("inf"), True, False, "1 000", "1,5", "\u0661"]
)
def test_a_value_that_is_no_number_is_refused(value: object) -> None:
    assert "is a number" in refusal("Repository", where=[{"field": "FreeSpace", "value": value}]).msg


@pytest.mark.parametrize("value", [5.0, "5.0", 1e21])
def test_whole_numbers_are_sent_without_a_fraction(value: object) -> None:
    assert sent("Repository", "FreeSpace", value) == f"FreeSpace=={int(float(str(value)))}"


@pytest.mark.parametrize(("value", "sent_as"), [(True, "true"), (False, "false"), ("True", "true"), ("FALSE", "false")])
def test_booleans(value: object, sent_as: str) -> None:
    assert sent("Job", "ScheduleEnabled", value) == f"ScheduleEnabled=={sent_as}"


@pytest.mark.parametrize("value", [1, 0, "yes", "on", "", "truee"])
def test_a_value_that_is_no_boolean_is_refused(value: object) -> None:
    assert "true or false" in refusal("Job", where=[{"field": "ScheduleEnabled", "value": value}]).msg


def test_enumerations() -> None:
    assert sent("BackupJobSession", "Result", "warning", ">=") == "Result>=Warning"
    assert sent("DiscoveredComputer", "AgentStatus", "notinstalled") == "AgentStatus==NotInstalled"
    failure = refusal("BackupJobSession", where=[{"field": "Result", "value": "Faild"}])
    assert "did you mean Failed" in failure.msg
    assert "Success, Warning, Failed" in failure.msg
    assert sent("BackupJobSession", "Result", "Novel", allow_unknown=True) == "Result==Novel"
    assert refusal("BackupJobSession", filter="Result==Faild").kind == "invalid_filter"


@pytest.mark.parametrize("value", [None, [], ["a"], {}, {"a": 1}])
def test_a_list_or_nothing_is_refused(value: object) -> None:
    assert "give one value" in refusal("Job", where=[{"field": "Name", "value": value}]).msg


@pytest.mark.parametrize("value", ["a\nb", "\x00", "\ud800", "a\tb"])
def test_characters_that_cannot_be_sent_are_refused(value: str) -> None:
    assert "cannot be sent" in refusal("Job", where=[{"field": "Name", "value": value}]).msg


@pytest.mark.parametrize(
    ("value", "sent_as"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ('say "hi"', '"say ""hi"""'),
        ("a;Name!=b,(c)", '"a;Name!=b,(c)"'),
        ("", '""'),
        (5, "5"),
        ("true", "true"),
        (True, "true"),
        ("urn:veeam:Job:1", '"urn:veeam:Job:1"'),
    ],
)
def test_texts(value: object, sent_as: str) -> None:
    assert sent("Job", "Name", value) == f"Name=={sent_as}"


# The table


def test_the_table_of_types_is_consistent() -> None:
    assert len(QUERY_TYPES) > 45
    for name, (_list, fields) in QUERY_TYPES.items():
        assert fields, name
        names = [field.lower() for field, _kind, _values in fields]
        assert len(set(names)) == len(names), name
        for field, kind, values in fields:
            assert field.isidentifier()
            assert kind in ("text", "uid", "date", "bool", "number", "enum", "choice")
            assert bool(values) == (kind in ("enum", "choice")), (name, field)
            assert len(set(map(str.lower, values))) == len(values)
    assert {"CreationTime", "CreationTimeUTC", "EndTime", "EndTimeUTC", "NextRun", "LastActive"} <= DATES


@pytest.mark.parametrize("name", ["CloudHardwarePlan"])
def test_a_misprint_of_the_reference_is_corrected(name: str) -> None:
    assert sent(name, "Platform", "VMware") == "Platform==VMware"


def test_a_row_of_one_member() -> None:
    client = FakeClient(lambda _method, _path: answer())
    assert RowReader(client).read({"Name": "Default"}) == {"name": "Default", "href": None, "links": []}


def test_rows_of_a_page_do_not_depend_on_each_other() -> None:
    """They are converted by columns, and links that they share are made once."""
    client, job = FakeClient(lambda _method, _path: answer()), {"rel": "Up", "type": "Job", "name": "1", "href": "/api/jobs/7"}
    rows: list[dict[str, Any]] = [
        {
            "name": "one",
            "endTimeUTC": "2026-11-25T20:00:00+01:00",
            "links": [job, {**job, "rel": "Stop"}, {**job, "Rel": "Down"}],
        },
        {"name": "two", "endTimeUTC": "1753-01-01T00:00:00Z", "links": [job, {**job, "name": 1}, {**job, "name": True}]},
        {
            "endTimeUTC": None,
            "name": "three",
            "links": [{"Rel": "down", "Href": "/api/jobs/8", "X": 1, "Y": 2}, job],
        },
        {"name": {"name": ["four"]}, "endTimeUTC": 4, "links": [{**job, "href": {"a": 1}}, {"rel": "Up"}, {"rel": ["Up"]}]},
        {"name": "five", "links": {"link": [job]}, "href": "https://other/api/jobs/5"},
        {"result": "None", "endTimeUTC": "2026-11-25T20:00:00Z", "href": ["x"]},
    ]
    reader = RowReader(client)
    plain = reader.read_page(rows)
    assert plain == [RowReader(client).read(row) for row in rows]
    assert [row.get("end_time_utc") for row in plain] == ["2026-11-25T19:00:00Z", None, None, 4, None, "2026-11-25T20:00:00Z"]
    assert [row.get("name") for row in plain] == ["one", "two", "three", ["four"], "five", None]
    assert [[link["name"] for link in row["links"]] for row in plain] == [
        ["1", "1"],
        ["1", "1", None],
        [None, "1"],
        ["1", None],
        ["1"],
        [],
    ]
    assert [list(row)[-2:] for row in plain] == [["href", "links"]] * 6
    assert [link["rel"] for link in plain[0]["links"]] == ["Up", "Down"]
    for row in plain[:2]:
        row["links"][0]["name"] = "changed"
        assert plain[2]["links"][1]["name"] == reader.read(rows[0])["links"][0]["name"] == "1"


@pytest.mark.parametrize("is_enabled", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_garbage_collection_pauses_while_pages_are_read(
    monkeypatch: pytest.MonkeyPatch, *, is_enabled: bool, fails: bool
) -> None:
    client, seen = FakeClient(lambda _method, _path: answer()), []

    def iter_pages(*_arguments: object, **_settings: object) -> Generator[list[dict[str, Any]], None, None]:
        seen.append(gc.isenabled())
        yield [{"Name": "one"}]
        if fails:
            raise EmError("timeout", "Late.")

    monkeypatch.setattr(client, "iter_pages", iter_pages)
    (gc.enable if is_enabled else gc.disable)()
    try:
        with pytest.raises(EmError) if fails else nullcontext():
            read_resources(client, create("Job"))
        assert (seen, gc.isenabled()) == ([False], is_enabled)
    finally:
        gc.enable()


def test_the_pages_are_closed_where_a_row_is_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other requests of the same client may follow, which must not run beside a page that is fetched ahead."""
    client, nested, closed = FakeClient(lambda _method, _path: answer()), {}, []
    for _level in range(100):
        nested = {"inner": nested}

    def iter_pages(*_arguments: object, **_settings: object) -> Generator[list[dict[str, Any]], None, None]:
        try:
            yield [{"Name": "one"}]
            yield [{"Data": nested}]
        finally:
            closed.append(True)

    pages = iter_pages()  # kept here, or the interpreter would close it
    monkeypatch.setattr(client, "iter_pages", lambda *_arguments, **_settings: pages)
    rows = iter_resources(client, create("Job"))
    assert next(rows)["name"] == "one"
    assert not closed
    with pytest.raises(EmError, match="objects within objects"):
        next(rows)
    assert closed
