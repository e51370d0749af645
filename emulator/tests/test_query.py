# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query service: filter, sort, page, shapes (wire-facts 1.2, 1.3, 2.2, 4)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from emulator import Emulator, Switches, scenery
from emulator.backend import Backend
from emulator.entity import Plain

from .wire import JSON, NS, Wire


def names(on: Wire, expression: str) -> list[str]:
    answer = on.query("Job", format="Entities", filter=expression, pageSize=1000)
    assert answer.status == 200, answer.body
    return [str(job.get("Name")) for job in answer.xml.iter(f"{NS}Job")]


def follow(on: Wire, path: str, limit: int = 20) -> list[str]:
    """Return all task ids on the pages a path leads to."""
    ids: list[str] = []
    while path and limit:
        limit -= 1
        page = on.get(path)
        ids += [str(text) for text in page.texts("TaskId")]
        following = [link.get("Href", "") for link in page.xml.iter(f"{NS}Link") if link.get("Rel") == "Next"]
        path = following[0].removeprefix(on.em.base_url) if following else ""
    return ids


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('Name=="SQL Backup"', ["SQL Backup"]),
        ('name == "sql backup"', ["SQL Backup"]),
        ("Name==SQLBackup", []),
        ("Name==SQL Backup", []),  # spaces outside quotes are dropped
        ('Name=="R&D ""special""; (A,B) == x"', ['R&D "special"; (A,B) == x']),
        ('Name=="B\u00fcro-Sicherung \u00d8st"', ["B\u00fcro-Sicherung \u00d8st"]),
        ('Name=="B\u00dcRO-SICHERUNG \u00f8ST"', ["B\u00fcro-Sicherung \u00d8st"]),
        ("jobtype==replica", ["DC Replication"]),
        ("JobType>ImmediateBackupCopy", ["DC Replication"]),
        ("JobType>=BackupCopy;JobType<Replica", ["Offsite Copy", "Offsite Mirror"]),
        ('Name=="SQL Backup",JobType==Replica', ["SQL Backup", "DC Replication"]),
        ('Name=="SQL Backup",JobType==Replica;ScheduleEnabled==false', ["SQL Backup"]),  # ; binds tighter
        ('(Name=="SQL Backup",JobType==Replica);ScheduleEnabled==true', ["SQL Backup", "DC Replication"]),
        ("((((JobType==Replica))))", ["DC Replication"]),
        ("ScheduleConfigured==False", ["Manual Backup"]),
        ('BackupServerName=="vbr02.vbem.test"', ["B\u00fcro-Sicherung \u00d8st", "Daily Backup"]),
        ('Description==""', None),
        ("NextRun<2000-01-01", []),
        ('NextRun>="2020-02-04T13:00:00Z";JobType==Replica', ["DC Replication"]),
    ],
)
def test_filters(em: Emulator, on: Wire, expression: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = [job.name for job in em.world.jobs if job.kind == "job" and not job.description]
    assert names(on, expression) == expected


def test_uids_match_with_and_without_urn(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    assert (
        names(on, f'UID=="{job.uid}"') == names(on, f"UID=={job.id.upper()}") == names(on, f"uid=={job.uid}") == ["SQL Backup"]
    )


def test_numbers_are_compared_as_numbers(em: Emulator, on: Wire) -> None:
    answer = on.query("Repository", format="Entities", filter="FreeSpace<107374182400", sortAsc="Name")
    assert answer.texts("Capacity") == ["1099511627776"]


@pytest.mark.parametrize("status", [500, 400])
@pytest.mark.parametrize(
    "expression",
    ["Name=", "Name", "==x", "Name==a;", "(Name==a", "Name==a)", 'Name=="a', "Nonsense==1", "JobType==Nonsense", "NextRun>yesterday",
     "NextRun>2020-01-01T00:00:00+01:00", "NextRun>2020-13-01", "ScheduleEnabled==maybe", "Name=a"],
)  # fmt: skip
def test_bad_filters(em: Emulator, on: Wire, expression: str, status: int) -> None:
    em.switches.update({"bad_request": status})
    assert on.query("Job", filter=expression).status == status


def test_any_value_selects_nothing_but_itself(em: Emulator, on: Wire) -> None:
    chance = random.Random(5)
    alphabet = "ab;,()\"'=<>! \t&%+#\\/\u00fc\U0001f600"
    values = {"".join(chance.choices(alphabet, k=chance.randint(0, 6))) for _each in range(150)}
    for value in values:
        em.make_task(on.session_id, operation=value)
    for value in values:
        quoted = '"' + value.replace('"', '""') + '"'
        found = on.query("Task", JSON, filter=f"Operation=={quoted}").json["resources"]["tasks"]["tasks"]
        assert [task["operation"] for task in found] == [value]


def test_deep_and_long_filters(em: Emulator, on: Wire) -> None:
    em.make_task(on.session_id)
    em.switches.max_request_line = 0
    assert on.query("Task", filter="(" * 5000 + "State==Finished" + ")" * 5000).texts("TaskId") == ["task-7"]
    assert on.query("Task", filter="(State==Finished;(TaskId==x," * 2000 + "TaskId==y" + "))" * 2000).status == 500
    many = ",".join(f'TaskId=="task-{number}"' for number in range(5000))
    assert on.query("Task", filter=many).texts("TaskId") == ["task-7"]


def test_and_is_not_an_ampersand(em: Emulator, on: Wire) -> None:
    """What follows & is a parameter nobody knows, and is ignored."""
    found = on.get("/api/query?type=Job&format=Entities&filter=JobType==Replica&Name==x&whatever=1")
    assert [job.get("Name") for job in found.xml.iter(f"{NS}Job")] == ["DC Replication"]


@pytest.mark.parametrize(
    ("how", "status", "count"),
    [("honoured", 200, 1), ("ignored", 200, 2), ("rejected", 500, 0), ("rejected400", 400, 0), ("empty", 200, 0)],
)
def test_task_filter_switch(em: Emulator, on: Wire, how: str, status: int, count: int) -> None:
    em.make_task(on.session_id)
    em.make_task(on.session_id, state="Running")
    em.switches.update({"task_filter": how})
    answer = on.query("Task", filter="State==Running")
    assert (answer.status, len(answer.texts("TaskId"))) == (status, count)
    assert len(on.query("Task").texts("TaskId")) == 2


def test_task_states_compare_by_rank(em: Emulator, on: Wire) -> None:
    for state in ("Running", "OperationFinished", "Finished"):
        em.make_task(on.session_id, state=state)
    assert on.query("Task", filter="State<Finished", sortDesc="State").texts("State") == ["OperationFinished", "Running"]


@pytest.mark.parametrize(
    ("switches", "field", "expected"),
    [
        ({}, "TaskUid", ["task-10", "task-7", "task-8", "task-9"]),
        ({}, "taskid", ["task-10", "task-7", "task-8", "task-9"]),
        ({"task_order": "natural"}, "TaskId", ["task-7", "task-8", "task-9", "task-10"]),
        ({"task_sort": "ignored", "task_order": "text"}, "TaskId", ["task-7", "task-8", "task-9", "task-10"]),
        ({"task_sort": "rejected"}, "TaskId", None),
        ({"task_id_field": "TaskUid"}, "TaskId", None),
        ({"task_id_field": "TaskId"}, "TaskUid", None),
    ],
)
def test_task_order(em: Emulator, on: Wire, switches: dict[str, Any], field: str, expected: list[str] | None) -> None:
    em.make_tasks(on.session_id, 4)
    em.switches.update(switches)
    answer = on.query("Task", sortAsc=field)
    assert answer.status == (500 if expected is None else 200)
    if expected:
        assert answer.texts("TaskId") == expected


def test_default_page_size_is_100(em: Emulator, on: Wire) -> None:
    ids = em.make_tasks(on.session_id, 250)
    info = on.query("Task").xml.find(f"{NS}PagingInfo")
    assert info is not None
    assert info.attrib == {"PageNum": "1", "PageSize": "100", "PagesCount": "3"}
    assert follow(on, "/api/query?type=Task") == ids


def test_page_links_echo_the_request(em: Emulator, on: Wire) -> None:
    em.make_tasks(on.session_id, 5)
    page = on.query("Task", filter='State==Finished;(Operation=="StartJob")', page=2, pageSize=2).xml
    links = {link.get("Rel"): link.get("Href") for link in page.iter(f"{NS}Link") if link.get("Rel") != "Delete"}
    begin = f"{em.base_url}/api/query?type=Task&filter=State%3d%3dFinished%3b(Operation%3d%3d%22StartJob%22)&pageSize=2&page="
    assert links == {"First": f"{begin}1", "Previous": f"{begin}1", "Next": f"{begin}3", "Last": f"{begin}3"}


def test_spaces_are_echoed_as_plus(em: Emulator, on: Wire) -> None:
    page = on.query("Job", filter='Name=="SQL Backup"').xml
    assert '=="SQL+Backup"' in unquote([link.get("Href", "") for link in page.iter(f"{NS}Link")][-1])


def test_paging_that_misbehaves(em: Emulator, on: Wire) -> None:
    ids = em.make_tasks(on.session_id, 6)
    start = "/api/query?type=Task&pageSize=2"
    em.switches.paging = "loop"
    assert follow(on, start, limit=5) == [*ids[:2], *ids[2:4], *ids[:2], *ids[2:4], *ids[:2]]
    em.switches.paging = "repeat"
    assert follow(on, start, limit=3) == ids[:2] * 3
    em.switches.paging = "no_next"
    assert follow(on, start) == ids[:2]


@pytest.mark.parametrize(
    ("how", "begin"), [("foreign", "https://vbem.internal.invalid:9398/"), ("http", "http://localhost:9399/")]
)
def test_foreign_hrefs(em: Emulator, on: Wire, how: str, begin: str) -> None:
    em.make_tasks(on.session_id, 2)
    em.switches.update({"hrefs": how})
    hrefs = [link.get("Href", "") for link in on.query("Task", pageSize=1).xml.iter(f"{NS}Link")]
    assert len(hrefs) > 3
    assert all(href.startswith(begin) for href in hrefs)


def test_hrefs_mirror_the_host_header(em: Emulator, on: Wire) -> None:
    em.make_task(on.session_id)
    for host in ("a.example:1", "b.example"):
        assert on.query("Task", {"Host": host}).xml.find(f".//{NS}Task").get("Href", "").startswith(f"https://{host}/api/")  # type: ignore[union-attr]


@pytest.mark.parametrize("parameters", [{"pageSize": 0}, {"pageSize": -1}, {"page": 0}, {"pageSize": "x"}])
def test_bad_pages(em: Emulator, on: Wire, parameters: dict[str, Any]) -> None:
    assert on.query("Task", **parameters).status == 500


def test_page_after_the_last(em: Emulator, on: Wire) -> None:
    ids = em.make_tasks(on.session_id, 3)
    seen = {}
    for how in ("empty", "last", "error"):
        em.switches.update({"page_beyond": how})
        answer = on.query("Task", pageSize=2, page=9)
        seen[how] = (answer.status, answer.texts("TaskId"))
    assert seen == {"empty": (200, []), "last": (200, [ids[2]]), "error": (500, [])}


def test_max_page_size(em: Emulator, on: Wire) -> None:
    em.make_tasks(on.session_id, 5)
    em.switches.max_page_size = 2
    assert len(on.query("Task", pageSize=2000).texts("TaskId")) == 2


@pytest.mark.parametrize("version", [12, 13])
@pytest.mark.parametrize(
    ("wrapper", "reach"),
    [
        ("tasks_tasks", lambda resources: resources["Tasks"]["Tasks"]),
        ("tasks", lambda resources: resources["Tasks"]),
        ("tasks_task", lambda resources: resources["Tasks"]["Task"]),
    ],
)
def test_json_shapes_of_tasks(em: Emulator, on: Wire, version: int, wrapper: str, reach: Any) -> None:
    em.switches.update({"version": version, "json_tasks": wrapper, "json_case": "pascal"})
    one = em.make_task(on.session_id)
    rows = reach(on.query("Task", JSON).json["Resources"])
    assert (rows["TaskId"] if wrapper == "tasks_task" else rows[0]["TaskId"]) == one
    em.make_task(on.session_id)
    rows = reach(on.query("Task", JSON).json["Resources"])
    assert [type(rows), len(rows)] == [list, 2]


def test_json_members(either: Emulator, on: Wire) -> None:
    body = on.query("NasJob", JSON, format="Entities").json
    if either.switches.version == 12:
        assert list(body) == ["Refs", "Entities", "Resources", "Links", "PagingInfo"]
        assert body["Entities"]["Jobs"] is None
        assert len(body["Entities"]) > 40
        job = body["Entities"]["NASJobs"]["NASJobs"][0]
        assert job["UID"].startswith("urn:veeam:NasJob:")
    else:
        job = body["entities"]["nasJobs"]["nasJobs"][0]
        assert "vAppRestorePoints" in body["entities"]
        assert job["uid"].startswith("urn:veeam:NasJob:")
        assert job["scheduleEnabled"] is True
        assert body["pagingInfo"]["pagesCount"] == 1


def test_nulls_can_be_left_out(em: Emulator, on: Wire) -> None:
    em.switches.json_nulls = False
    assert b"null" not in on.query("Job", JSON, format="Entities").body


@pytest.mark.parametrize(
    ("how", "xml", "json_rows"),
    [("list", b"<Resources><Tasks /></Resources>", []), ("null", b"<Resources />", None), ("missing", b"", "missing")],
)
def test_empty_results(em: Emulator, on: Wire, how: str, xml: bytes, json_rows: object) -> None:
    em.switches.update({"empty_query": how, "json_case": "pascal", "pages_count_when_empty": 0})
    answer = on.query("Task")
    assert xml in answer.body
    assert (b"Resources" in answer.body) == bool(xml)
    info = answer.xml.find(f"{NS}PagingInfo")
    assert info is not None
    assert info.get("PagesCount") == "0"
    resources = on.query("Task", JSON).json["Resources"]
    assert (resources["Tasks"]["Tasks"] if resources else "missing") == json_rows


def test_references(either: Emulator, on: Wire) -> None:
    either.switches.json_case = "pascal"
    reference = on.query("Job", pageSize=1).xml.find(f"{NS}Refs/{NS}Ref")
    assert reference is not None
    assert (reference.get("Type"), reference.get("Name")) == ("JobReference", "Daily Backup")
    assert on.query("Job", JSON, pageSize=1).json["Refs"]["Refs"][0]["Type"] == "JobReference"
    assert on.get("/api/jobs").xml.tag == f"{NS}EntityReferences"
    assert len(on.get("/api/jobs", JSON).json["Refs"]) == 15
    assert on.get("/api/jobs?format=Entity", JSON).json["Jobs"][0]["Name"] == "Daily Backup"


def test_dates_are_trimmed(either: Emulator, on: Wire) -> None:
    texts = [str(text) for text in on.query("BackupJobSession", format="entities").texts("CreationTimeUTC")]
    fractions = {text.partition(".")[2].rstrip("Z") for text in texts}
    assert fractions == ({"", "5", "28", "659", "399"} if either.switches.version == 12 else {"", "5", "28", "659559", "39912"})


def test_a_precise_date_is_cut_by_12(either: Emulator, on: Wire) -> None:
    either.world.add_job("Precise", next_run=4102444800.123456)
    (text,) = on.query("Job", format="Entities", filter='Name=="Precise"').texts("NextRun")
    assert text == f"2100-01-01T00:00:00.{'123' if either.switches.version == 12 else '123456'}Z"


def test_the_printed_date_finds_its_row(either: Emulator, on: Wire) -> None:
    for text in on.query("BackupJobSession", format="entities").texts("CreationTimeUTC"):
        found = on.query("BackupJobSession", format="entities", filter=f'CreationTime=="{text}"').texts("CreationTimeUTC")
        assert found == [text]


def test_ready_made_queries(em: Emulator, on: Wire) -> None:
    links = [str(link.get("Href")) for link in on.get("/api/querySvc").xml.iter(f"{NS}Link")]
    (tasks,) = [link for link in links if "type=Task" in link]
    assert "sortAsc=TaskUid" in tasks
    assert all(on.get(link.removeprefix(em.base_url)).status == 200 for link in links)


def test_unknown_type(em: Emulator, on: Wire) -> None:
    assert on.query("Nonsense").status == 500
    assert on.get("/api/query").status == 500
    assert on.query("tAsK").status == 200


def test_bare_ampersands_and_bom(em: Emulator, on: Wire) -> None:
    em.make_tasks(on.session_id, 2)
    em.switches.bare_ampersands = True
    body = on.query("Task", pageSize=1).body
    assert b"&pageSize=1" in body
    assert b"&amp;" not in body
    em.switches.bare_ampersands = False
    em.switches.bom = True
    assert on.query("Task").body.startswith(b"\xef\xbb\xbf<?xml")
    assert on.query("Task", JSON).body.startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize("form", ["follow", "xml", "json", "text", "html"])
def test_error_formats(em: Emulator, on: Wire, form: str) -> None:
    em.switches.update({"error_format": form})
    begins = {"xml": b"<?xml", "json": b"{", "text": b"There is no", "html": b"<!DOCTYPE"}
    for accept in ("xml", "json"):
        answer = on.get("/api/tasks/task-0", {"Accept": f"application/{accept}"})
        assert answer.body.startswith(begins[accept if form == "follow" else form])


def test_stack_trace(em: Emulator, on: Wire) -> None:
    assert on.get("/api/tasks/task-0", JSON).json["stackTrace"] is None
    em.switches.stack_trace = True
    assert "Veeam.Emulated" in on.get("/api/tasks/task-0", JSON).json["stackTrace"]
    assert "Veeam.Emulated" in str(on.get("/api/tasks/task-0").texts("StackTrace")[0])


def test_json_error(either: Emulator, on: Wire) -> None:
    error = on.get("/api/tasks/task-0", JSON).json
    if either.switches.version == 12:
        assert list(error) == ["FirstChanceExceptionMessage", "Message", "StackTrace", "Status", "StatusCode"]
    assert 500 in error.values()


def test_xml_specials_survive(em: Emulator, on: Wire) -> None:
    text = "<a href=\"x\">&amp; 'q' \t\n \u00fc\U0001f600</a>"
    task_id = em.make_task(on.session_id, operation=text, message=text)
    assert on.get(f"/api/tasks/{task_id}").texts("Message") == [text]
    assert json.loads(on.get(f"/api/tasks/{task_id}", JSON).body)["operation"] == text


def test_many_rows_are_linear_and_complete(em: Emulator, on: Wire) -> None:
    em.world.make_runs(3000)
    seen = []
    for page in range(1, 5):
        seen += on.query("BackupJobSession", JSON, format="Entities", pageSize=1000, page=page).json["entities"][
            "backupJobSessions"
        ]["backupJobSessions"]
    assert (
        len({row["uid"] for row in seen}) == len(seen) == len([run for run in em.world.runs if run.job.job_type != "Replica"])
    )


REFERENCE = json.loads((Path(__file__).resolve().parents[1] / "reference_types.json").read_text(encoding="utf-8"))["types"]


def find_rows(answer: Any) -> list[dict[str, Any]]:
    """Return the rows of a JSON QueryResult, whatever list they are in."""
    for container in ("refs", "entities", "resources"):
        for rows in ((answer[container] or {}) if container != "refs" else {"refs": answer["refs"]}).values():
            if rows:
                (inner,) = rows.values()
                return list(inner)
    return []


@pytest.mark.parametrize("type_name", sorted(REFERENCE))
def test_every_type_of_the_reference(either: Emulator, on: Wire, type_name: str) -> None:
    either.switches.json_case = "camel"
    either.make_task(on.session_id)
    spec = either.world.catalogue[type_name]
    count = 1 if type_name == "Task" else len(either.world.table(spec))
    assert count
    for form in ("Entities", "References"):
        rows = find_rows(on.query(type_name.upper(), JSON, format=form, pageSize=1000).json)
        assert len(rows) == count
        xml = on.query(type_name.lower(), format=form, pageSize=1000).xml
        element = spec.element if form == "Entities" or not spec.has_references else "Ref"
        found = [one for one in xml.iter(f"{NS}{element}") if one.get("Href")]
        assert len(found) == count
        hrefs = [each.get("Href", "").removeprefix(either.base_url) for each in found]
        assert hrefs == [row["href"].removeprefix(either.base_url) for row in rows]
        assert [on.get(href).status for href in hrefs] == [200] * count


@pytest.mark.parametrize("type_name", sorted(REFERENCE))
def test_every_field_of_the_reference(em: Emulator, on: Wire, type_name: str) -> None:
    values = {"date": "2026-01-01T00:00:00Z", "bool": "true", "number": "1"}
    for field in REFERENCE[type_name]["fields"]:
        known = em.world.catalogue[type_name].fields[field["name"].lower()].values
        value = (known or [values.get(field["type"], "x")])[0]
        for symbol in ("==", "!=", "<", "<=", ">", ">="):
            answer = on.query(type_name, filter=f"{field['name'].lower()}{symbol}{value}", sortDesc=field["name"])
            assert answer.status == 200, answer.body
        if field["type"] not in ("text", "uid"):
            assert on.query(type_name, filter=f"{field['name']}==nonsense").status == 500
        assert on.query(type_name, filter=f"{field['name']}~{value}").status == 500
    assert on.query(type_name, filter="Nonsense==1").status == on.query(type_name, sortAsc="Nonsense").status == 500


def test_what_is_found_below_its_owner(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    assert on.get(f"/api/jobs/{job.id}/includes").texts("Name") == ["sql01", "sql02"]
    server = em.world.server("vbr01")
    assert on.get(f"/api/backupServers/{server.id}/credentials").texts("Username") == ["VBEM\\backup", "root"]
    assert on.get(f"/api/backupServers/{server.id}/nonsense").status == 404
    assert on("DELETE", f"/api/backupServers/{server.id}/credentials").status == 405


def test_dates_of_rows_may_be_text(either: Emulator, on: Wire) -> None:
    either.world.add_row("VmRestorePoint", "x", VmDisplayName="odd", CreationTime="2026-01-02T03:04:05.678912Z")
    answer = on.query("VmRestorePoint", format="Entities", filter="CreationTime<2026-02-01;VmDisplayName==odd")
    assert answer.texts("CreationTimeUTC") == [f"2026-01-02T03:04:05.{'678' if either.switches.version == 12 else '678912'}Z"]


def test_a_run_that_never_ends_can_be_stopped(em: Emulator, on: Wire) -> None:
    (run,) = [run for run in em.world.runs if run.stands_still]
    for _again in range(2):
        assert on.query("BackupJobSession", format="Entities", filter="State==Working").texts("Progress") == ["95"]
    em.clock.advance(600)
    assert on.query("BackupJobSession", format="Entities", filter="State!=Stopped").texts("Result") == ["None"]
    assert on("POST", f"/api/backupSessions/{run.id}?action=stop").status == 202
    em.clock.advance(1)
    assert on.query("BackupJobSession", format="Entities", filter="State!=Stopped").texts("State") == []


def test_every_world_has_the_same_rows_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenery, "_kept", {})
    first, second = (Backend(Switches()) for _twice in range(2))

    def show(backend: Backend, row: Plain) -> Any:
        return row.spec.name, row.id, row.name, row.data, row.nested(), row.links(0), row.entity(0, backend.switches)

    made, copied = ([show(each, row) for row in each.world.plain_rows] for each in (first, second))
    assert made == copied
    assert len(made) > 150
    for mine, other in zip(first.world.plain_rows, second.world.plain_rows, strict=True):
        mine.data["name"] = mine.fragments["any"] = "changed"
        mine.inner["any"] = None
        assert (other.data["name"], other.fragments, other.inner.get("any", "none")) == (other.name, {}, "none")
    assert [show(second, row) for row in Backend(second.switches).world.plain_rows] == copied
