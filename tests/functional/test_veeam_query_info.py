# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries of every type: what is asked for comes, whole, plain and the same from every server; and it costs what it must."""

from __future__ import annotations

import gc
import json
import re
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT
from support.tiers import sample
from system.docs_examples.conftest import ExampleRunner
from system.docs_examples.examples import read_examples

import ansible_collections
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import parse_date
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.query_types import QUERY_TYPES
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import DATE_KEYS, create_query, read_resources
from ansible_collections.vbem.rest.plugins.modules import veeam_query_info
from emulator import Emulator, Switches
from emulator.query import Listing

from .harness import Harness, Session, all_formats, all_versions
from .sampling import IS_ALL
from .scripted_server import Request, ScriptedServer, answer

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_queries.rst"
REFERENCE: dict[str, Any] = json.loads((ROOT / "emulator" / "reference_types.json").read_text(encoding="utf-8"))["types"]
TYPES = sorted(REFERENCE)
SINGLE = ("Credentials", "ObjectInJob", "Passwords", "Task")  # have one representation, under Resources
OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")

every_type = pytest.mark.parametrize("name", TYPES)


@pytest.fixture(autouse=True)
def _never_hang() -> Iterator[None]:
    """Give the many rows and the guide the time they need."""

    def end(_number: int, _frame: object) -> None:
        raise TimeoutError("still running after 300 seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def ask(
    harness: Harness, session: Session, name: str, *, options: dict[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """Run veeam_query_info."""
    result = harness.run(veeam_query_info, session, options or {}, {"type": name, **params})
    assert result.keys() == {"changed", "resources", "stats"}
    assert result["changed"] is False
    return result


def rows_of(harness: Harness, session: Session, name: str, **params: Any) -> list[dict[str, Any]]:
    return list(ask(harness, session, name, **params)["resources"])


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["href"].partition("?")[0] for row in rows)


def where(field: str, value: object, operator: str = "==") -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


def make_session(em: Emulator) -> Session:
    """Open a session that has tasks, too."""
    session = em.logon()
    em.make_task(session, "StartJob")
    em.make_task(session, "StopJob", state="Running")
    return session


def rows_there(em: Emulator, session: Session, name: str) -> int:
    return len(em.tasks(session)) if name == "Task" else len(em.world.table(em.world.catalogue[name]))


def shift(rows: Any) -> Any:
    """Make the dates of two emulators and versions comparable: they differ in precision."""
    return json.loads(re.sub(r"(T\d\d:\d\d:\d\d)\.\d+Z", r"\1Z", json.dumps(rows)).replace("localhost", "host"))


# ---------------------------------------------------------------------------------------------------------------------
# Every type


def test_the_table_and_the_emulator_know_the_same_types() -> None:
    assert sorted(QUERY_TYPES) == TYPES
    for name in TYPES:
        assert [field["name"] for field in REFERENCE[name]["fields"]] == [
            field for field, _kind, _values in QUERY_TYPES[name][1]
        ]


@all_versions
@every_type
def test_every_type_answers(harness: Harness, em: Emulator, name: str) -> None:
    session = make_session(em)
    result = ask(harness, session, name)
    assert len(result["resources"]) == rows_there(em, session, name) > 0
    assert result["stats"] == {"requests": 1, "pages": 1}
    for row in result["resources"]:
        assert row["href"].startswith(em.base_url + "/api/")
        check_plain(row)
        for link in row["links"]:
            assert link.keys() == {"rel", "type", "name", "href", "uid"}
            assert link["rel"].lower() in ("up", "down", "related", "download")
            assert link["href"].startswith(em.base_url + "/api/")


@all_versions
@every_type
def test_every_type_in_lower_case_and_as_references(harness: Harness, em: Emulator, name: str) -> None:
    session = make_session(em)
    entities = rows_of(harness, session, name.lower())
    references = rows_of(harness, session, name.upper(), format="references")
    assert ids(references) == ids(entities)
    if name not in SINGLE:
        assert {key for row in references for key in row} == {"name", "uid", "href", "type", "links"}
        assert all(row["type"].endswith("Reference") for row in references)


@every_type
def test_both_versions_give_the_same(tmp_path: Path, name: str) -> None:
    seen = []
    for version in (12, 13):
        with Emulator(Switches(version=version), speed=0, directory=tmp_path / str(version)) as em:
            harness = Harness(em, "auto")
            rows = rows_of(harness, make_session(em), name)
            harness.close()
            text = json.dumps(shift(rows)).replace(f":{em.port}/", "/")
            seen.append(re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d:?\d\d|[A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d[AP]M", "DATE", text))
    assert seen[0] == seen[1]


@all_formats
def test_the_preferred_format_makes_no_difference(harness: Harness, em: Emulator) -> None:
    session = make_session(em)
    rows = rows_of(harness, session, "Repository")
    assert isinstance(rows[0]["capacity"], int)
    assert {entry.header("Accept") for entry in em.log} == {"application/json"}


def check_plain(value: Any, key: str = "") -> None:
    """Assert that a value is plain data with snake_case keys and dates in UTC."""
    if isinstance(value, dict):
        for name, inner in value.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), name
            check_plain(inner, name)
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner)
    else:
        assert value is None or isinstance(value, (str, int, float, bool))
        if key in DATE_KEYS and value is not None:
            assert UTC.fullmatch(value), f"{key}: {value}"
            assert not value.startswith("1753")


# ---------------------------------------------------------------------------------------------------------------------
# Every field


def find_value(em: Emulator, name: str, field: dict[str, Any]) -> tuple[object, list[str]]:
    """Give a value of a field and the UIDs of the rows that have it, none for one that nothing has."""
    rows = list(em.world.table(em.world.catalogue[name]))
    values = [row.values(em.clock.now(), em.switches).get(field["name"].lower()) for row in rows]
    for value in values:
        if value not in (None, "") and (not field["values"] or value in field["values"]):
            return value, [row.uid for row, other in zip(rows, values) if other == value]
    fallbacks: dict[str, object] = {"date": "2026-01-01T00:00:00Z", "number": 1, "bool": True}
    return field["values"][0] if field["values"] else fallbacks.get(field["kind"], "x"), []


@all_versions
@every_type
def test_every_field_can_be_filtered_and_sorted_by(harness: Harness, em: Emulator, name: str) -> None:
    """The two halves of == and != make the whole, and the client leaves out nothing that the server selected."""
    session = make_session(em)
    everything = rows_of(harness, session, name)
    for field in REFERENCE[name]["fields"][:: 1 if IS_ALL else 3]:
        if name == "Task":
            value: Any = {"TaskId": "task-7", "State": "Finished", "Operation": "StartJob"}[field["name"]]
            having = ["the one task"]
        else:
            value, having = find_value(em, name, field)
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        same = rows_of(harness, session, name, where=where(field["name"].lower(), value))
        other = rows_of(harness, session, name, where=where(field["name"], value, "!="))
        assert ids(same + other) == ids(everything), field["name"]
        assert len(same) == len(having), field["name"]
        for descending in (False, True):
            ordered = rows_of(harness, session, name, sort_by=field["name"], descending=descending)
            assert ids(ordered) == ids(everything), field["name"]
            assert em.log[-1].query["sortdesc" if descending else "sortasc"] == field["name"]


@all_versions
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    ("name", "field", "key", "value"),
    [
        ("BackupTaskSession", "Result", "result", "Warning"),
        ("BackupTaskSession", "TotalSize", "total_size", 50 * 1024**3),
        ("Repository", "FreeSpace", "free_space", 900 * 1024**3),
        ("BackupFile", "CompressRatio", "compress_ratio", 1.5),
        ("Job", "ScheduleEnabled", "schedule_enabled", False),
        ("BackupJobSession", "State", "state", "Working"),
    ],
)
def test_operators(harness: Harness, em: Emulator, operator: str, *, name: str, field: str, key: str, value: Any) -> None:
    session = em.logon()
    ranks = {
        "result": ["Success", "Warning", "Failed"],
        "state": ["Starting", "Stopping", "Working", "Pausing", "Resuming", "Stopped"],
    }.get(key)

    def rank(of: Any) -> Any:
        return ranks.index(of) if ranks else of

    compare: Callable[[Any, Any], bool] = {
        "==": lambda one, two: one == two,
        "!=": lambda one, two: one != two,
        "<": lambda one, two: one < two,
        "<=": lambda one, two: one <= two,
        ">": lambda one, two: one > two,
        ">=": lambda one, two: one >= two,
    }[operator]
    everything = rows_of(harness, session, name)
    wanted = [row for row in everything if compare(rank(row[key]), rank(value))]
    assert ids(rows_of(harness, session, name, where=where(field, value, operator))) == ids(wanted)
    assert ids(rows_of(harness, session, name, filter=f'{field}{operator}"{value}"')) == ids(wanted)


@all_versions
@pytest.mark.parametrize("hours", [0, 1, -8, 5.5])
def test_dates_in_other_zones(harness: Harness, em: Emulator, hours: float) -> None:
    session = em.logon()
    rows = rows_of(harness, session, "BackupJobSession", sort_by="CreationTime")
    middle = rows[len(rows) // 2]["creation_time_utc"]
    date = parse_date(middle)
    assert date is not None
    there = date.astimezone(timezone(timedelta(hours=hours))).isoformat()
    found = rows_of(harness, session, "BackupJobSession", where=where("CreationTime", there, ">="))
    assert ids(found) == ids([row for row in rows if row["creation_time_utc"] >= middle])
    assert ids(rows_of(harness, session, "BackupJobSession", filter=f'CreationTime>="{there}"')) == ids(found)
    assert {entry.query["filter"] for entry in em.log if "filter" in entry.query} == {f'CreationTime>="{middle}"'}


@all_versions
def test_both_criteria_must_be_met(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    rows = rows_of(
        harness,
        session,
        "BackupTaskSession",
        filter="Result==Failed,Result==Warning",
        where=[*where("VmDisplayName", "MAIL01"), *where("JobName", "Failing Backup")],
    )
    assert {row["vm_display_name"] for row in rows} == {"mail01"}
    assert {row["reason"][:12] for row in rows} == {"There is not"}


@all_versions
@pytest.mark.parametrize("value", ['a" ; Name!="b', "x,y;(z)", "\u00fc \U0001f600", "a==b", "%3B&filter=", '""', "C:\\x\\"])
def test_no_value_is_syntax(harness: Harness, em: Emulator, value: str) -> None:
    session = em.logon()
    em.world.add_row("Repository", value, FreeSpace=1, Capacity=1)
    (row,) = rows_of(harness, session, "Repository", where=where("Name", value))
    assert row["name"] == value


# ---------------------------------------------------------------------------------------------------------------------
# Kinds of values


def _say(said: bytes, _request: Request) -> bytes:
    return said


@all_versions
def test_numbers_booleans_lists_and_names(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    repository = rows_of(harness, session, "Repository", where=where("Name", "Scale-out 01"))[0]
    assert repository["capacity"] == 65536 * 1024**3
    assert isinstance(repository["capacity"], int)
    file = rows_of(harness, session, "BackupFile", limit=1)[0]
    assert isinstance(file["deduplication_ratio"], float)
    job = rows_of(harness, session, "Job", limit=1)[0]
    assert job["schedule_enabled"] is True
    included = rows_of(harness, session, "ObjectInJob", where=where("Name", "true"))
    assert [row["name"] for row in included] == ["true"]
    session_of_true = rows_of(harness, session, "BackupTaskSession", where=where("VmDisplayName", "true"))
    assert {row["vm_display_name"] for row in session_of_true} == {"true"}
    tenant = rows_of(harness, session, "CloudTenant", limit=1)[0]
    assert isinstance(tenant["resources"]["cloud_tenant_resources"], list)
    assert len(tenant["resources"]["cloud_tenant_resources"]) == 1


@all_versions
def test_where_a_number_is_a_product_of_fractions(harness: Harness, em: Emulator) -> None:
    """Jinja's arithmetic gives 10737418240.0; a whole number is what the server reads."""
    session = em.logon()
    rows = rows_of(harness, session, "Repository", where=where("FreeSpace", 0.1 * 1000 * 1024**3 * 1.0, "<"))
    assert len(rows) == 1


@all_versions
def test_never_is_null(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    active = {row["name"]: row["last_active"] for row in rows_of(harness, session, "CloudTenant")}
    assert active["Nobody yet"] is None
    assert UTC.fullmatch(active["ACME"])
    restores = {row["vm_display_name"]: row for row in rows_of(harness, session, "RestoreSession")}
    assert restores["sql01"]["end_time_utc"] is None
    assert restores["sql01"]["result"] is None
    assert restores["web02"]["result"] == "Failed"


@all_versions
@pytest.mark.parametrize("hrefs", ["foreign", "http"])
@every_type
def test_addresses_are_on_the_configured_server(harness: Harness, em: Emulator, *, name: str, hrefs: str) -> None:
    em.switches.update({"hrefs": hrefs})
    text = repr(rows_of(harness, make_session(em), name))
    assert "vbem.internal.invalid" not in text
    assert ":9399" not in text  # ids may hold these digits


@all_versions
def test_links_lead_elsewhere(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    (row,) = rows_of(harness, session, "VmRestorePoint", where=where("VmDisplayName", "mail01"))
    assert [(link["rel"], link["type"]) for link in row["links"]] == [
        ("Up", "BackupServerReference"),
        ("Up", "RestorePointReference"),
        ("Up", "BackupFileReference"),
    ]
    for link in row["links"]:
        assert link["uid"] in link["href"]


# ---------------------------------------------------------------------------------------------------------------------
# Order, limit, pages


@all_versions
@pytest.mark.parametrize(
    ("limit", "page_size", "pages"), [(1, 500, 1), (5, 5, 1), (7, 3, 3), (6, 3, 2), (500, 10, 4), (37, 10, 4)]
)
def test_a_limit_reads_no_more_pages_than_needed(
    harness: Harness, em: Emulator, limit: int, page_size: int, pages: int
) -> None:
    session = em.logon()
    there = rows_there(em, session, "BackupJobSession")
    for order in ({}, {"sort_by": "CreationTime", "descending": True}):
        result = ask(harness, session, "BackupJobSession", limit=limit, page_size=page_size, **order)
        assert len(result["resources"]) == min(limit, there)
        assert result["stats"] == {"requests": pages, "pages": pages}
    assert {int(entry.query["pagesize"]) for entry in em.log} == {min(limit, page_size), min(max(limit, 10), page_size)}


@all_versions
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 10])
def test_a_server_that_ignores_the_order(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, *, limit: int | None, descending: bool
) -> None:
    session = em.logon()
    wanted = rows_of(harness, session, "BackupJobSession", sort_by="CreationTime", descending=descending, limit=limit)
    times = [row["creation_time_utc"] for row in wanted]
    assert times == sorted(times, key=lambda text: text.rstrip("Z"), reverse=descending)
    order = Listing._order

    def scramble(self: Listing, ascending: str | None, descending: str | None) -> Any:
        order(self, ascending, descending)
        return (lambda row: hash(row.uid) % 97), False

    monkeypatch.setattr(Listing, "_order", scramble)
    em.world.touch()
    seen = rows_of(
        harness, session, "BackupJobSession", sort_by="CreationTime", descending=descending, limit=limit, page_size=7
    )
    assert [row["uid"] for row in seen] == [row["uid"] for row in wanted]


@all_versions
@pytest.mark.parametrize("limit", [None, 1, 3])
def test_a_server_that_ignores_the_filter(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    session = em.logon()
    criteria = {
        "BackupTaskSession": [*where("Result", "Warning", ">="), *where("VmDisplayName", "erp01")],
        "Repository": where("FreeSpace", 10**12, "<"),
        "BackupFile": where("CreationTimeUTC", "2020-01-01", ">"),
        "DiscoveredComputer": where("AgentStatus", "Installed", "!="),
    }
    wanted = {name: ids(rows_of(harness, session, name, where=each)) for name, each in criteria.items()}
    monkeypatch.setattr(Listing, "_predicate", lambda self, text: None)
    em.world.touch()
    for name, each in criteria.items():
        seen = ids(rows_of(harness, session, name, where=each, limit=limit, page_size=2))
        assert len(seen) == min(len(wanted[name]), limit or 1000)
        assert set(seen) <= set(wanted[name])


@all_versions
@pytest.mark.parametrize("shape", ["tasks_tasks", "tasks", "tasks_task"])
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("empty_query", ["list", "null", "missing"])
def test_tasks_in_every_shape(harness: Harness, em: Emulator, *, shape: str, count: int, empty_query: str) -> None:
    em.switches.update({"json_tasks": shape, "empty_query": empty_query})
    session = em.logon()
    made = em.make_tasks(session, count)
    rows = rows_of(harness, session, "Task")
    assert [row["task_id"] for row in rows] == made
    assert all(row["result"]["success"] is True for row in rows)


@all_versions
@pytest.mark.parametrize("empty_query", ["list", "null", "missing"])
@every_type
def test_nothing_is_nothing(harness: Harness, em: Emulator, name: str, empty_query: str) -> None:
    em.switches.update({"empty_query": empty_query})
    field = REFERENCE[name]["fields"][0]["name"]
    for form in ("entities", "references"):
        assert rows_of(harness, em.logon(), name, where=where(field, "no such thing"), format=form) == []


def test_a_list_of_one_in_any_wrapping(harness: Harness, em: Emulator, start_scripted: Callable[..., ScriptedServer]) -> None:
    row = {"Name": "one", "UID": "urn:veeam:Repository:1", "Href": "/api/repositories/1", "Links": []}
    paging = {"Links": [], "PageNum": 1, "PageSize": 100, "PagesCount": 1}
    bodies = [
        {"Entities": {"Repositories": {"Repositories": [row]}, "Jobs": None}},
        {"Entities": {"Repositories": [row]}},
        {"Refs": {"Refs": [row]}, "Entities": None},
        {"refs": [row]},
    ]
    for body in bodies:
        said = answer(json.dumps({**body, "PagingInfo": paging}), content_type="application/json")
        with bench_at(harness, em, start_scripted(partial(_say, said))) as client:
            (found,) = read_resources(client, create_query(defaults("Repository")))
            assert found["name"] == "one"


def defaults(name: str, **params: Any) -> dict[str, Any]:
    given = {option: spec.get("default") for option, spec in veeam_query_info.SPEC.items()}
    return {**given, "type": name, **params}


def bench_at(harness: Harness, em: Emulator, server: ScriptedServer) -> Any:
    return harness.connect(em.logon(), port=server.port)


# ---------------------------------------------------------------------------------------------------------------------
# Where what a row shows is called as what can be asked for, and is something else


@all_versions
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VmRestorePoint", "Full"),
        ("VAppRestorePoint", "Full"),
        ("AgentRestorePoint", "Increment"),
        ("VmReplicaPoint", "Snapshot"),
        ("VAppReplicaPoint", "Snapshot"),
        ("CloudVmReplicaPoint", "Snapshot"),
        ("RestoreSession", "RestoreVm"),
        ("CloudFailoverSession", "FailoverPlan"),
        ("CloudTenant", "Standalone"),
    ],
)
@pytest.mark.parametrize("response_format", ["entities", "references"])
def test_the_field_type_is_not_the_type_of_the_resource(
    harness: Harness, em: Emulator, *, name: str, value: str, form: str
) -> None:
    """A point is of the type Full, and its row says ``type: VmRestorePoint``."""
    session = em.logon()
    there = [row for row in em.world.table(em.world.catalogue[name]) if row.data["type"] == value]
    assert there
    assert len(rows_of(harness, session, name, where=where("Type", value), format=form)) == len(there)
    assert len(rows_of(harness, session, name, filter=f"Type=={value}", format=form)) == len(there)


@all_versions
def test_an_unknown_type_is_left_to_the_server(harness: Harness, em: Emulator, tmp_path: Path) -> None:
    newer = tmp_path / "newer.json"
    newer.write_text(
        json.dumps({"NewerThing": {"fields": [
            {"name": "UID", "kind": "uid"}, {"name": "Name", "kind": "string"}, {"name": "Size", "kind": "int"},
            {"name": "CreationTime", "kind": "date"}]}}),
        encoding="utf-8",
    )  # fmt: skip
    em.world.catalogue.load(newer)
    row = em.world.add_row("NewerThing", "one", Size=5, CreationTime="2026-01-02T03:04:05.5Z")
    em.world.add_row("NewerThing", "two", Size=50, CreationTime="2026-02-02T03:04:05Z")
    session = em.logon()
    with harness.failure("invalid_option"):
        rows_of(harness, session, "NewerThing")
    assert em.log == []
    for params in (
        {"filter": "Size<10"},
        {"where": where("Size", 10, "<")},
        {"where": where("Name", "ONE")},
        {"where": where("UID", row.uid)},
        {"sort_by": "Size", "limit": 1},
    ):
        (found,) = rows_of(harness, session, "NewerThing", allow_unknown=True, **params)
        assert (found["name"], found["size"]) == ("one", 5)
    with harness.failure("server_error"):
        rows_of(harness, session, "NewestThing", allow_unknown=True)


def test_an_unknown_field_is_the_servers_business(harness: Harness, em: Emulator, tmp_path: Path) -> None:
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps({"NewerThing": {"fields": [{"name": "UID", "kind": "uid"}]}}), encoding="utf-8")
    em.world.catalogue.load(newer)
    row = em.world.add_row("NewerThing", "one")
    session = em.logon()
    assert len(rows_of(harness, session, "NewerThing", allow_unknown=True, where=where("UID", row.id))) == 1
    assert len(rows_of(harness, session, "NewerThing", allow_unknown=True, filter=f"UID=={row.id}")) == 1


# ---------------------------------------------------------------------------------------------------------------------
# What it costs


def test_many_rows_are_as_many_requests_as_pages(harness: Harness, em: Emulator) -> None:
    count = 100_000 if IS_ALL else 20_000
    em.world.make_runs(count, every=6)
    session = em.logon()
    there = rows_there(em, session, "BackupJobSession")
    result = ask(harness, session, "BackupJobSession", format="references", page_size=2000)
    assert len(result["resources"]) == len({row["uid"] for row in result["resources"]}) == there > count
    assert result["stats"] == {"requests": -(-there // 2000), "pages": -(-there // 2000)}
    assert len(em.log) == result["stats"]["requests"]
    failed = ask(harness, session, "BackupJobSession", where=where("Result", "Failed"))
    assert count / 100 < len(failed["resources"]) < count / 20
    assert failed["stats"]["pages"] == -(-len(failed["resources"]) // 500)
    assert ask(harness, session, "BackupJobSession", limit=10)["stats"] == {"requests": 1, "pages": 1}


def test_memory_is_that_of_the_result(harness: Harness, em: Emulator) -> None:
    """What is needed besides the result is that of a page or two, whatever the number of rows."""
    session = em.logon()
    query = create_query(defaults("BackupJobSession", page_size=200))
    besides = []
    for count in (2_000, 10_000):
        em.world.make_runs(count, every=6)
        ask(harness, session, "BackupJobSession", page_size=200)  # so that the emulator, in the same process, has its texts
        with harness.connect(session) as client:
            gc.collect()
            tracemalloc.start()
            try:
                rows = read_resources(client, query)
                gc.collect()
                kept, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert len(rows) > count
        besides.append((peak - kept) / (kept / len(rows)))
    assert max(besides) < 2000, f"as much as {besides} rows, besides the result"


# ---------------------------------------------------------------------------------------------------------------------
# The guide


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [re.sub(r"@.*|D\d{4}-.*", "", row["name"]) for row in rows]


GUIDE_ANSWERS: dict[str, Callable[[Any], bool]] = {
    "What failed last night?": lambda rows: names(rows) == ["Failing Backup", "Flaky Backup"],
    "Which machines went wrong, and why?": lambda bad: (
        list(bad) == ["file01", "mail01", "erp01"]
        and bad["mail01"].startswith("There is not enough space")
        and all(bad.values())
    ),
    "Which job has not run for a week?": lambda jobs: jobs == ["Manual Backup", "Weekly Archive"],
    "Which job never succeeded this week?": lambda jobs: jobs == ["Failing Backup", "Flaky Backup", "Warning Backup"],
    "What is running now?": lambda lines: (
        len(lines) == 1 and lines[0].startswith("Rescan of Linux servers@") and lines[0].endswith(": Working, 95 %")
    ),
    "How did the week go, in numbers?": lambda counts: counts == {"Failed": 4, "Success": 24, "Warning": 2},
    "How full are the repositories?": lambda lines: (
        lines
        == [
            "Default Backup Repository on vbr01.vbem.test: 56 % full",
            "Scale-out 01 on vbr01.vbem.test: 98 % full",
            "Default Backup Repository on vbr02.vbem.test: 96 % full",
        ]
    ),
    "Which repositories have less than 100 GiB left?": lambda rows: [row["free_space"] for row in rows] == [40 * 1024**3],
    "Which machines have no restore point younger than a day?": lambda machines: (
        machines == ["erp01", "lab01", "mail01", "new01"]
    ),
    "What is the latest restore point of a machine?": lambda rows: (
        names(rows) == ["mail01"] and rows[0]["point_type"] == "Full"
    ),
    "Which jobs protect a machine?": lambda jobs: jobs == ["SQL Backup"],
    "Which runs took longest?": lambda runs: (
        [(seconds, name.partition("@")[0]) for seconds, name in runs]
        == [(419, "Shared Files")] * 2 + [(412, "Windows Agents")] * 2 + [(405, "Linux Agents")]
    ),
    "Which machines are largest?": lambda rows: names(rows) == ["vc01", "b\u00fcro-\u00d8", "branch01"],
    "Which backup files are largest?": lambda rows: names(rows)[:2] == ["Daily Backup", "SQL Backup"] and len(rows) == 3,
    "What was restored, and how did it go?": lambda lines: (
        [line.partition(" ")[2] for line in lines]
        == ["sql01, RestoreVm: Working", "web02, RestoreVm: Failed", "file01, FileLevelRestore: Success"]
    ),
    "Which replicas had trouble?": lambda rows: [row["vm_display_name"] for row in rows] == ["dc02"],
    "Which jobs do not run by themselves?": lambda rows: names(rows) == ["Manual Backup", "Weekly Archive"],
    "On which computers is there no working agent?": lambda rows: (
        [row["agent_status"] for row in rows] == ["Failed", "NotInstalled", "UnsupportedOs"]
    ),
    "Which backup server has which version?": lambda versions: (
        versions == {"vbr01.vbem.test": "13.0.1.1071", "vbr02.vbem.test": "13.0.1.1071", "vbr03.vbem.test": "12.3.2.3617"}
    ),
    "Where are the backups of a job?": lambda repositories: repositories == ["Default Backup Repository"],
}


@pytest.mark.parametrize("version", sample([12, 13], []))
def test_the_twenty_questions_are_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """Each in one task, as the guide has it."""
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(Path(ansible_collections.__path__[0]).parent))
    examples = [example for example in read_examples(GUIDE) if example.is_tasks]
    questions = [example for example in examples if example.data[0]["name"].endswith("?")]
    assert [len(example.data) for example in questions] == [1] * 20
    headings = re.findall(r"^(.*\?)\n\^+$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [example.data[0]["name"] for example in questions] == headings == list(GUIDE_ANSWERS)
    runner = ExampleRunner(tmp_path)
    runner.em.switches.version = version
    with runner.em:
        collected = runner.run(examples, with_environment=False)
        runner.check_traces()
    for question, is_right in GUIDE_ANSWERS.items():
        lines = [line for line in collected if line["name"] == question]
        assert lines, question
        items = [line["result"]["msg"] for line in lines if line["outcome"] == "item"]
        (last,) = [line["result"] for line in lines if line["outcome"] == "ok"]
        answered = items or last.get("resources", last.get("msg"))
        assert is_right(answered), f"{question} {answered}"
