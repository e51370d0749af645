# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_query_info: every type and field, values, order and pages, and servers that ignore what they are sent."""

from __future__ import annotations

import gc
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT
from support.tiers import sample, thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.query_types import QUERY_TYPES
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import create_query, read_resources
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.rows import DATE_KEYS
from ansible_collections.vbem.rest.plugins.modules import veeam_query_info
from emulator import Emulator, Switches
from emulator.query import Listing

from .harness import Harness, Session, all_formats, all_versions
from .scripted_server import Request, ScriptedServer, answer

REFERENCE: dict[str, Any] = json.loads((ROOT / "emulator" / "reference_types.json").read_text(encoding="utf-8"))["types"]
TYPES = sorted(REFERENCE)
SINGLE = ("Credentials", "ObjectInJob", "Passwords", "Task")  # these have one representation, under Resources
OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")

every_type = pytest.mark.parametrize("name", TYPES)


def query(
    harness: Harness, session: Session, name: str, *, options: dict[str, Any] | None = None, **params: Any
) -> dict[str, Any]:
    """Run veeam_query_info."""
    result = harness.run(veeam_query_info, session, options or {}, {"type": name, **params})
    assert result.keys() == {"changed", "resources", "stats"}
    assert result["changed"] is False
    return result


def list_rows(harness: Harness, session: Session, name: str, **params: Any) -> list[dict[str, Any]]:
    return list(query(harness, session, name, **params)["resources"])


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["href"].partition("?")[0] for row in rows)


def where(field: str, value: object, operator: str = "==") -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


def make_session(em: Emulator) -> Session:
    """Open a session with tasks."""
    session = em.logon()
    em.make_task(session, "StartJob")
    em.make_task(session, "StopJob", state="Running")
    return session


def rows_there(em: Emulator, session: Session, name: str) -> int:
    return len(em.tasks(session)) if name == "Task" else len(em.world.table(em.world.catalogue[name]))


def normalise_dates(rows: Any) -> Any:
    """Make the dates of two versions comparable: they differ in precision."""
    return json.loads(re.sub(r"(T\d\d:\d\d:\d\d)\.\d+Z", r"\1Z", json.dumps(rows)).replace("localhost", "host"))


# ---------------------------------------------------------------------------------------------------------------------
# Every type


def test_the_collection_and_the_emulator_know_the_same_types() -> None:
    assert sorted(QUERY_TYPES) == TYPES
    for name in TYPES:
        assert [field["name"] for field in REFERENCE[name]["fields"]] == [
            field for field, _kind, _values in QUERY_TYPES[name][1]
        ]


@all_versions
@pytest.mark.parametrize("empty_query", ["list", "null", "missing"])
@every_type
def test_every_type(harness: Harness, em: Emulator, name: str, empty_query: str) -> None:
    em.switches.update({"hrefs": "foreign", "empty_query": empty_query})
    session = make_session(em)
    result = query(harness, session, name.lower())
    entities = result["resources"]
    assert len(entities) == rows_there(em, session, name) > 0
    assert result["stats"] == {"requests": 1, "pages": 1}
    for row in entities:
        assert row["href"].startswith(em.base_url + "/api/")
        check_plain(row)
        for link in row["links"]:
            assert link.keys() == {"rel", "type", "name", "href", "uid"}
            assert link["rel"].lower() in ("up", "down", "related", "download")
            assert link["href"].startswith(em.base_url + "/api/")
    references = list_rows(harness, session, name.upper(), format="references")
    assert ids(references) == ids(entities)
    if name not in SINGLE:
        assert {key for row in references for key in row} == {"name", "uid", "href", "type", "links"}
        assert all(row["type"].endswith("Reference") for row in references)
    assert "vbem.internal.invalid" not in repr([entities, references])
    nothing = where(REFERENCE[name]["fields"][0]["name"], "no such thing")
    for form in ("entities", "references"):
        assert list_rows(harness, session, name, where=nothing, format=form) == []


@pytest.fixture(scope="module")
def both_versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Emulator]]:
    """Return an emulator of each version, only to read from."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Emulator(Switches(version=version), speed=0, directory=tmp_path_factory.mktemp(f"v{version}")))
            for version in (12, 13)
        ]


@every_type
def test_both_versions_give_the_same(both_versions: list[Emulator], name: str) -> None:
    results = []
    for em in both_versions:
        harness = Harness(em, "auto")
        rows = list_rows(harness, make_session(em), name)
        harness.close()
        text = re.sub(r"\btask-\d+", "task", json.dumps(normalise_dates(rows)).replace(f":{em.port}/", "/"))
        results.append(re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d:?\d\d|[A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d[AP]M", "DATE", text))
    assert results[0] == results[1]


@all_formats
def test_queries_request_json_whatever_response_format_is(harness: Harness, em: Emulator) -> None:
    session = make_session(em)
    rows = list_rows(harness, session, "Repository")
    assert isinstance(rows[0]["capacity"], int)
    assert {entry.header("Accept") for entry in em.log} == {"application/json"}


def check_plain(value: Any, key: str = "") -> None:
    """Assert that a value is plain data with keys in snake_case and dates in UTC."""
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
    """Return a value of a field, and the UIDs of the rows that have it."""
    rows = list(em.world.table(em.world.catalogue[name]))
    values = [row.values(em.clock.now(), em.switches).get(field["name"].lower()) for row in rows]
    for value in values:
        if value not in (None, "") and (not field["values"] or value in field["values"]):
            return value, [row.uid for row, other in zip(rows, values) if other == value]
    fallbacks: dict[str, object] = {"date": "2026-01-01T00:00:00Z", "number": 1, "bool": True}
    return field["values"][0] if field["values"] else fallbacks.get(field["type"], "x"), []


@all_versions
@pytest.mark.parametrize("part", sample(range(3), [0]))
@every_type
def test_every_field_can_be_filtered_and_sorted_by(harness: Harness, em: Emulator, name: str, part: int) -> None:
    """Filtered by == and by != a list has all its rows, and the client drops none that the server selected."""
    session = make_session(em)
    fields = REFERENCE[name]["fields"][part::3]
    with harness.connect(session) as client:

        def read(**params: Any) -> list[dict[str, Any]]:
            return read_resources(client, create_query(defaults(name, **params)))

        everything = ids(read())
        for field in fields:
            if name == "Task":
                value: Any = {"TaskId": "task-7", "State": "Finished", "Operation": "StartJob"}[field["name"]]
                having = ["the one task"]
            else:
                value, having = find_value(em, name, field)
            if hasattr(value, "isoformat"):
                value = value.isoformat()
            same = read(where=where(field["name"].lower(), value))
            other = read(where=where(field["name"], value, "!="))
            assert ids(same + other) == everything, field["name"]
            assert len(same) == len(having), field["name"]
            for descending in (False, True):
                assert ids(read(sort_by=field["name"], descending=descending)) == everything, field["name"]
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
    everything = list_rows(harness, session, name)
    wanted = [row for row in everything if compare(rank(row[key]), rank(value))]
    assert ids(list_rows(harness, session, name, where=where(field, value, operator))) == ids(wanted)
    assert ids(list_rows(harness, session, name, filter=f'{field}{operator}"{value}"')) == ids(wanted)


@all_versions
@pytest.mark.parametrize("value", ['a" ; Name!="b', "x,y;(z)", "\u00fc \U0001f600", "a==b", "%3B&filter=", '""', "C:\\x\\"])
def test_a_value_is_never_syntax(harness: Harness, em: Emulator, value: str) -> None:
    session = em.logon()
    em.world.add_row("Repository", value, FreeSpace=1, Capacity=1)
    (row,) = list_rows(harness, session, "Repository", where=where("Name", value))
    assert row["name"] == value


# ---------------------------------------------------------------------------------------------------------------------
# Types of values


def _respond(response: bytes, _request: Request) -> bytes:
    return response


@all_versions
def test_numbers_booleans_lists_and_names(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    repository = list_rows(harness, session, "Repository", where=where("Name", "Scale-out 01"))[0]
    assert repository["capacity"] == 65536 * 1024**3
    assert isinstance(repository["capacity"], int)
    file = list_rows(harness, session, "BackupFile", limit=1)[0]
    assert isinstance(file["deduplication_ratio"], float)
    job = list_rows(harness, session, "Job", limit=1)[0]
    assert job["schedule_enabled"] is True
    included = list_rows(harness, session, "ObjectInJob", where=where("Name", "true"))
    assert [row["name"] for row in included] == ["true"]
    session_of_true = list_rows(harness, session, "BackupTaskSession", where=where("VmDisplayName", "true"))
    assert {row["vm_display_name"] for row in session_of_true} == {"true"}
    tenant = list_rows(harness, session, "CloudTenant", limit=1)[0]
    assert isinstance(tenant["resources"]["cloud_tenant_resources"], list)
    assert len(tenant["resources"]["cloud_tenant_resources"]) == 1


@all_versions
def test_a_date_that_means_never_is_null(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    active = {row["name"]: row["last_active"] for row in list_rows(harness, session, "CloudTenant")}
    assert active["Nobody yet"] is None
    assert UTC.fullmatch(active["ACME"])
    restores = {row["vm_display_name"]: row for row in list_rows(harness, session, "RestoreSession")}
    assert restores["sql01"]["end_time_utc"] is None
    assert restores["sql01"]["result"] is None
    assert restores["web02"]["result"] == "Failed"


@all_versions
def test_only_links_to_other_resources_are_returned(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    (row,) = list_rows(harness, session, "VmRestorePoint", where=where("VmDisplayName", "mail01"))
    assert [(link["rel"], link["type"]) for link in row["links"]] == [
        ("Up", "BackupServerReference"),
        ("Up", "RestorePointReference"),
        ("Up", "BackupFileReference"),
        ("Down", "VmRestorePointMountList"),
    ]
    for link in row["links"]:
        assert link["uid"] in link["href"]


# ---------------------------------------------------------------------------------------------------------------------
# Order, limit, pages


@all_versions
@pytest.mark.parametrize(
    ("limit", "page_size", "pages"), [(1, 500, 1), (5, 5, 1), (7, 3, 3), (6, 3, 2), (500, 10, 4), (37, 10, 4)]
)
def test_a_limit_reads_only_the_pages_it_needs(harness: Harness, em: Emulator, limit: int, page_size: int, pages: int) -> None:
    session = em.logon()
    there = rows_there(em, session, "BackupJobSession")
    for order in ({}, {"sort_by": "CreationTime", "descending": True}):
        result = query(harness, session, "BackupJobSession", limit=limit, page_size=page_size, **order)
        assert len(result["resources"]) == min(limit, there)
        assert result["stats"] == {"requests": pages, "pages": pages}
    assert {int(entry.query["pagesize"]) for entry in em.log} == {min(limit, page_size), min(max(limit, 10), page_size)}


@all_versions
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [None, 1, 10])
def test_a_server_that_does_not_sort(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, *, limit: int | None, descending: bool
) -> None:
    session = em.logon()
    wanted = list_rows(harness, session, "BackupJobSession", sort_by="CreationTime", descending=descending, limit=limit)
    times = [row["creation_time_utc"] for row in wanted]
    assert times == sorted(times, key=lambda text: text.rstrip("Z"), reverse=descending)
    order = Listing._order

    def scramble(self: Listing, ascending: str | None, descending: str | None) -> Any:
        order(self, ascending, descending)
        return (lambda row: hash(row.uid) % 97), False

    monkeypatch.setattr(Listing, "_order", scramble)
    em.world.touch()
    seen = list_rows(
        harness, session, "BackupJobSession", sort_by="CreationTime", descending=descending, limit=limit, page_size=7
    )
    assert [row["uid"] for row in seen] == [row["uid"] for row in wanted]


@all_versions
@pytest.mark.parametrize("limit", [None, 1, 3])
def test_a_server_that_does_not_filter(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    session = em.logon()
    criteria = {
        "BackupTaskSession": [*where("Result", "Warning", ">="), *where("VmDisplayName", "erp01")],
        "Repository": where("FreeSpace", 10**12, "<"),
        "BackupFile": where("CreationTimeUTC", "2020-01-01", ">"),
        "DiscoveredComputer": where("AgentStatus", "Installed", "!="),
    }
    wanted = {name: ids(list_rows(harness, session, name, where=each)) for name, each in criteria.items()}
    monkeypatch.setattr(Listing, "_predicate", lambda self, text: None)
    em.world.touch()
    for name, each in criteria.items():
        seen = ids(list_rows(harness, session, name, where=each, limit=limit, page_size=2))
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
    rows = list_rows(harness, session, "Task")
    assert [row["task_id"] for row in rows] == made
    assert all(row["result"]["success"] is True for row in rows)


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
        response = answer(json.dumps({**body, "PagingInfo": paging}), content_type="application/json")
        with connect_to(harness, em, start_scripted(partial(_respond, response))) as client:
            (found,) = read_resources(client, create_query(defaults("Repository")))
            assert found["name"] == "one"


def defaults(name: str, **params: Any) -> dict[str, Any]:
    given = {option: spec.get("default") for option, spec in veeam_query_info.SPEC.items()}
    return {**given, "type": name, **params}


def connect_to(harness: Harness, em: Emulator, server: ScriptedServer) -> Any:
    return harness.connect(em.logon(), port=server.port)


# ---------------------------------------------------------------------------------------------------------------------
# Fields whose name means something else in a row


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
@pytest.mark.parametrize("form", ["entities", "references"])
def test_the_field_type_is_not_the_type_of_the_resource(
    harness: Harness, em: Emulator, *, name: str, value: str, form: str
) -> None:
    """A restore point has the type Full, and its row ``type: VmRestorePoint``."""
    session = em.logon()
    there = [row for row in em.world.table(em.world.catalogue[name]) if row.data["type"] == value]
    assert there
    assert len(list_rows(harness, session, name, where=where("Type", value), format=form)) == len(there)
    assert len(list_rows(harness, session, name, filter=f"Type=={value}", format=form)) == len(there)


@all_versions
def test_the_server_decides_about_unknown_types_and_fields(harness: Harness, em: Emulator, tmp_path: Path) -> None:
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
        list_rows(harness, session, "NewerThing")
    assert em.log == []
    for params in (
        {"filter": "Size<10"},
        {"where": where("Size", 10, "<")},
        {"where": where("Name", "ONE")},
        {"where": where("UID", row.uid)},
        {"sort_by": "Size", "limit": 1},
    ):
        (found,) = list_rows(harness, session, "NewerThing", allow_unknown=True, **params)
        assert (found["name"], found["size"]) == ("one", 5)
    with harness.failure("server_error"):
        list_rows(harness, session, "NewestThing", allow_unknown=True)


# ---------------------------------------------------------------------------------------------------------------------
# Requests and memory


@thorough
def test_the_requests_for_many_rows(harness: Harness, em: Emulator) -> None:
    count = 20_000
    em.world.make_runs(count, every=6)
    session = em.logon()
    there = rows_there(em, session, "BackupJobSession")
    result = query(harness, session, "BackupJobSession", format="references", page_size=2000)
    assert len(result["resources"]) == len({row["uid"] for row in result["resources"]}) == there > count
    assert result["stats"] == {"requests": -(-there // 2000), "pages": -(-there // 2000)}
    assert len(em.log) == result["stats"]["requests"]
    failed = query(harness, session, "BackupJobSession", where=where("Result", "Failed"))
    assert count / 100 < len(failed["resources"]) < count / 20
    assert failed["stats"]["pages"] == -(-len(failed["resources"]) // 500)
    assert query(harness, session, "BackupJobSession", limit=10)["stats"] == {"requests": 1, "pages": 1}


@thorough
def test_memory_is_bounded_by_the_result(harness: Harness, em: Emulator) -> None:
    """Beside the result, reading takes the memory of a page or two, whatever the number of rows."""
    session = em.logon()
    everything = create_query(defaults("BackupJobSession", page_size=200))
    besides = []
    for count in (2_000, 10_000):
        em.world.make_runs(count, every=6)
        query(
            harness, session, "BackupJobSession", page_size=200
        )  # so that the emulator, in this process, has cached its texts
        with harness.connect(session) as client:
            gc.collect()
            tracemalloc.start()
            try:
                rows = read_resources(client, everything)
                gc.collect()
                kept, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert len(rows) > count
        besides.append((peak - kept) / (kept / len(rows)))
    assert max(besides) < 2000, f"as much as {besides} rows, besides the result"
