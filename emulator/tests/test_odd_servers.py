# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are late, odd, foreign, or hidden behind something: each a switch, all off by default."""

from __future__ import annotations

import ast
import http.client
import re
import ssl
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import emulator
from emulator import Emulator
from emulator.german import SENTENCES, in_german
from emulator.impostors import PAGES

from .wire import JSON, NS, Answer, Wire, basic, find

FOLDER = Path(emulator.__file__).parent


def start(em: Emulator, on: Wire, name: str = "SQL Backup", kind: str = "job", action: str = "start") -> Answer:
    job = em.world.job(name, kind=kind)
    return on("POST", f"{job.reference_path}?action={action}", {"Content-Length": "0"})


# Late


def test_a_run_that_is_listed_only_after_its_end(em: Emulator, on: Wire) -> None:
    em.switches.run_listed_after_end = 4
    place = on.related(start(em, on))
    em.clock.advance(3)
    assert on.get(place).status == 404
    em.clock.advance(3.5)
    assert on.get(place).texts("State") == ["Stopped"]


@pytest.mark.parametrize("skew", [-60.0, 60.0])
def test_clocks_that_differ(em: Emulator, on: Wire, skew: float) -> None:
    em.switches.server_clock_skew = skew
    began = em.clock.now()
    place = on.related(start(em, on))
    em.clock.advance(1)
    shown = on.get(place).texts("CreationTimeUTC")[0]
    assert shown is not None
    from emulator.filters import parse_date

    assert abs(parse_date(shown).timestamp() - began - skew) < 2
    em.clock.advance(10)
    (end,) = on.get(place).texts("EndTimeUTC")
    assert end is not None
    assert end > shown


@pytest.mark.parametrize(("how", "own"), [("own", True), ("other_job", False), ("old", False)])
def test_where_a_task_leads_to(em: Emulator, on: Wire, how: str, *, own: bool) -> None:
    em.switches.update({"related_run": how})
    job = em.world.job("SQL Backup")
    place = on.related(start(em, on))
    em.clock.advance(2)
    shown = on.get(place)
    newest = em.world.runs_of(job)[-1]
    assert (shown.xml.get("UID") == newest.uid) == own
    assert (shown.texts("JobUid") == [job.uid]) == (how != "other_job")


def test_a_copy_that_waits_for_more(em: Emulator, on: Wire) -> None:
    em.switches.copies_idle = True
    place = on.related(start(em, on, "Offsite Mirror", action="sync"))
    em.clock.advance(5)
    assert (on.get(place).texts("State"), on.get(place).texts("Result")) == (["Idle"], ["None"])
    assert on.related(start(em, on, "Offsite Mirror", action="sync")) == place
    assert on.get(place).texts("State") == ["Working"]
    em.clock.advance(5)
    assert on.get(place).texts("State") == ["Idle"]
    assert on.result(on("POST", f"{place.partition('?')[0]}?action=stop", {"Content-Length": "0"}))[0]
    em.clock.advance(1)
    assert on.get(place).texts("State") == ["Stopped"]


def test_the_server_tries_again(em: Emulator, on: Wire) -> None:
    em.switches.update({"auto_retries": 2, "auto_retry_wait": 5})
    job = em.world.job("SQL Backup")
    job.script = ["failed", "failed", "success"]
    place = on.related(start(em, on))
    em.clock.advance(4)
    assert on.get(place).texts("Result") == ["Failed"]
    for _second in range(30):
        em.clock.advance(1)
        on.get(place)
    runs = em.world.runs_of(job)[-3:]
    assert [(run.is_retry, run.outcome) for run in runs] == [(False, "Failed"), (True, "Failed"), (True, "Success")]
    assert 4 < runs[1].created - runs[0].ends < 7
    job.script = ["failed"]
    em.world.start_run(job)
    for _second in range(60):
        em.clock.advance(1)
        on.get(place)
    assert [run.is_retry for run in em.world.runs_of(job)[-3:]] == [False, True, True]


def test_a_run_that_was_stopped_is_not_tried_again(em: Emulator, on: Wire) -> None:
    em.switches.auto_retries = 2
    job = em.world.job("SQL Backup")
    on.result(start(em, on))
    on.result(start(em, on, action="stop"))
    em.clock.advance(30)
    on.get("/api/jobs")
    assert em.world.active_run(job) is None


# Odd


LINKS = {
    "dots": "/api/../api/jobs",
    "outside": "/api/../admin/jobs",
    "double": "//api/jobs",
    "no_api": "/jobs",
}


@pytest.mark.parametrize("how", sorted(LINKS))
def test_odd_links(em: Emulator, on: Wire, how: str) -> None:
    em.switches.update({"odd_links": how})
    hrefs = [link.get("Href", "") for link in on.get("/api/jobs").xml.iter(f"{NS}Link")]
    assert hrefs
    assert all(href.startswith(em.base_url + LINKS[how].removesuffix("jobs")) for href in hrefs)
    assert on.get(LINKS[how]).status == (200 if how in ("dots", "double") else 404)
    assert find(on.get("/api/jobs", JSON).json["refs"][0], "href").startswith(em.base_url + LINKS[how])


def test_links_with_blanks(em: Emulator, on: Wire) -> None:
    em.switches.odd_links = "blank"
    page = on.query("Job", filter='Name!="Daily Backup"', pageSize=1)
    links = {link.get("Rel"): link.get("Href", "") for link in page.xml.iter(f"{NS}Link")}
    assert links["Next"].startswith(f" {em.base_url}/api/query")
    assert "Daily Backup" in links["Next"]


@pytest.mark.parametrize("in_links", [False, True])
def test_a_reverse_proxys_path(em: Emulator, wire: Wire, *, in_links: bool) -> None:
    em.switches.update({"base_path": "/veeam/em", "base_path_in_links": in_links})
    refused = wire.get("/api/")
    assert (refused.status, refused.headers["Server"]) == (404, "nginx")
    answer = wire("POST", "/veeam/em/api/sessionMngr/?v=latest", {**basic(em.admin), "Content-Length": "0"})
    assert answer.status == 201
    wire.headers = {"X-RestSvcSessionId": answer.headers["X-RestSvcSessionId"]}
    hrefs = [link.get("Href", "") for link in wire.get("/veeam/em/api/jobs").xml.iter(f"{NS}Link")]
    assert all(href.startswith(em.base_url + ("/veeam/em/api/" if in_links else "/api/")) for href in hrefs)


NASTY = "a\x1b[31mb\x00\ufffe\ud83d & <end>]]>"


@pytest.mark.parametrize("how", ["replaced", "references", "raw"])
def test_what_xml_forbids(em: Emulator, on: Wire, how: str) -> None:
    em.switches.update({"xml_forbidden": how})
    em.world.add_job("NASTY", description=NASTY.encode().decode("unicode_escape") if "\\" in NASTY else NASTY)
    body = on.query("Job", format="Entities", filter="Name==NASTY").body
    if how == "replaced":
        (text,) = on.query("Job", format="Entities", filter="Name==NASTY").texts("Description")
        assert text is not None
        assert text.startswith("a\ufffd[31mb\ufffd\ufffd")
        return
    with pytest.raises(ET.ParseError):
        ET.fromstring(body)
    if how == "references":
        assert b"a&#x1B;[31mb&#x0;&#xFFFE;&#xD83D; &amp; &lt;end&gt;" in body
    else:
        assert b"a\x1b[31mb\x00" in body


@pytest.mark.parametrize(("how", "mark"), [("cdata", b"<![CDATA["), ("comments", b"<!-- a comment -->")])
def test_texts_are_the_same_however_they_are_written(em: Emulator, on: Wire, how: str, mark: bytes) -> None:
    em.world.add_job("odd", description="a & <b> ]]> c")
    plain = on.query("Job", format="Entities").texts("Description")
    em.switches.update({"xml_text": how})
    answer = on.query("Job", format="Entities")
    assert mark in answer.body
    assert answer.texts("Description") == plain
    assert "a & <b> ]]> c" in plain


def test_zero_ids_and_dates_that_mean_never(em: Emulator, on: Wire) -> None:
    em.switches.update({"zero_job_uids": True, "never_date": "1899", "running_end": "never"})
    zero = "urn:veeam:Job:00000000-0000-0000-0000-000000000000"
    assert set(on.get("/api/agents/backupSessions?format=Entity").texts("JobUid")) == {zero}
    job = em.world.job("SQL Backup")
    run = em.world.start_run(job)
    em.clock.advance(1)
    shown = on.get(run.entity_path)
    assert shown.texts("JobUid") == [job.uid]
    assert shown.texts("EndTimeUTC") == ["1899-12-30T00:00:00Z"]
    for year, text in (("1900", "1900-01-01T00:00:00Z"), ("0001", "0001-01-01T00:00:00Z"), ("1753", "1753-01-01T00:00:00Z")):
        em.switches.update({"never_date": year})
        assert on.get(run.entity_path).texts("EndTimeUTC") == [text]


@pytest.mark.parametrize(("how", "count"), [("honoured", 2), ("ignored", None), ("empty", 0)])
def test_filters_that_do_not_work(em: Emulator, on: Wire, how: str, count: int | None) -> None:
    em.switches.update({"query_filter": how})
    found = on.query("Job", filter='Name=="Daily Backup"').xml.findall(f".//{NS}Ref")
    assert len(found) == (len(em.world.table(em.world.catalogue["Job"])) if count is None else count)
    em.switches.query_filter = "rejected"
    assert on.query("Job", filter='Name=="Daily Backup"').status == 500
    assert on.query("Job").status == 200


# Foreign


def test_a_german_server(either: Emulator, on: Wire) -> None:
    either.switches.language = "de"
    answer = on("DELETE", "/api/tasks/task-4711")
    assert "Keine Sicherungsaufgabe mit der ID [task-4711] in der aktuellen REST-Sitzung" in str(answer.xml.get("Message"))
    assert on.result(start(either, on)) == (True, 'Der Start des Auftrags "SQL Backup" wurde ausgelöst.')
    assert on.result(start(either, on)) == (False, 'Der Auftrag "SQL Backup" läuft bereits.')
    on.result(start(either, on, action="stop"))
    either.clock.advance(1)
    run = either.world.runs_of(either.world.job("SQL Backup"))[-1]
    assert on.get(run.entity_path).texts("FailureMessage") == ["Der Vorgang wurde vom Benutzer abgebrochen."]
    assert on.get(run.entity_path).texts("State") == ["Stopped"]
    assert (
        on.query("BackupTaskSession", format="Entities", filter=f'JobSessionUid=="{run.uid}"')
        .texts("Reason")[0]
        .startswith("Der Vorgang")
    )  # type: ignore[union-attr]
    assert (
        "Zugriff verweigert"
        in Wire(either)("POST", "/api/sessionMngr/", {**basic(either.users["none"]), "Content-Length": "0"}).body.decode()
    )


def _sentences() -> list[str]:
    """Return every message that the emulator's code holds, with something in place of what varies."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("ApiError", "FilterError", "task"):
                for argument in node.args:
                    found |= {text for text in map(_text, ast.walk(argument)) if text and " " in text}
    return sorted(found)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)  # type: ignore[misc]
    return ""


def test_every_sentence_has_a_german_one() -> None:
    sentences = _sentences()
    assert len(sentences) > 25
    assert [text for text in sentences if in_german(text) == text] == []
    for english, german in SENTENCES:
        assert english.count("{}") == german.count("{}")
        assert in_german(english.replace("{}", "x y")) == german.replace("{}", "x y")


# What stands between


def test_every_third_request_is_refused(em: Emulator, on: Wire) -> None:
    em.switches.update({"throttle_every": 3, "throttle_wait": 7})
    em.backend.log.clear()
    tasks = em.make_tasks(on.session_id, 6)
    answers = [on("DELETE", f"/api/tasks/{task}") for task in tasks]
    assert [answer.status for answer in answers].count(429) == 2
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers["Retry-After"] == "7"
    assert len(em.tasks(on.session_id)) == 2


def test_early_hints_and_a_doubled_header(em: Emulator) -> None:
    em.switches.update({"early_hints": True, "doubled_token": True})
    context = ssl.create_default_context(cafile=em.ca_path)
    connection = http.client.HTTPSConnection(em.hostname, em.port, context=context, timeout=5)
    connection.connect()
    headers = "".join(
        f"{name}: {value}\r\n"
        for name, value in {**basic(em.admin), "Host": "localhost", "Content-Length": "0", "Connection": "close"}.items()
    )
    connection.sock.sendall(f"POST /api/sessionMngr/?v=latest HTTP/1.1\r\n{headers}\r\n".encode())
    raw = b""
    while chunk := connection.sock.recv(65536):
        raw += chunk
    connection.close()
    assert raw.startswith(b"HTTP/1.1 103 Early Hints\r\n")
    assert raw.count(b"HTTP/1.1 201") == 1
    assert len(re.findall(rb"(?im)^X-RestSvcSessionId: ", raw)) == 2


def test_a_connection_that_was_forgotten(em: Emulator, on: Wire) -> None:
    em.switches.idle_connection = 30
    em.clock.advance(29)
    assert on.get("/api/jobs").status == 200
    em.clock.advance(31)
    with pytest.raises(ConnectionError):
        on.get("/api/jobs")
    assert on.get("/api/jobs").status == 200
    assert [entry.fault for entry in em.log if entry.fault] == ["idle_connection"]


@pytest.mark.parametrize("page", sorted(PAGES))
def test_pages_of_others(em: Emulator, on: Wire, page: str) -> None:
    em.fault("html", page=page, status=502)
    answer = on.get("/api/jobs")
    assert answer.body == PAGES[page].encode()
    assert answer.status == (200 if page == "plain" else 502)
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("form", "mark"), [("problem", b'"title": "The service'), ("fault", b"<Reason><Text"), ("text", b"The service")]
)
def test_errors_of_frameworks(em: Emulator, on: Wire, form: str, mark: bytes) -> None:
    em.fault("status", body=form)
    assert mark in on.get("/api/jobs").body
    em.switches.update({"error_format": form})
    answer = on.get("/api/jobs/44cfbdbe-5a95-4156-8867-91f069b7c2cc")
    assert answer.status == 404
    assert b"does not exist" in answer.body


def test_names_of_lists_are_those_that_were_recorded(either: Emulator, on: Wire) -> None:
    shown = on.query("AgentBackupJob", JSON, format="Entities").json
    entities = find(shown, "entities")
    filled = [name for name, value in entities.items() if value]
    assert [name.lower() for name in filled] == ["agentbackupjob"]
    assert [name.lower() for name in entities[filled[0]]] == ["agentbackupjobs"]
    empty = on.query("AgentBackupJob", format="Entities", filter="Name==nobody").xml
    assert empty.find(f"{NS}Entities/{NS}AgentBackupJob") is not None
    names = {name.lower() for name in entities}
    assert {"enterpiseroles", "cloudpublicips", "cdpreplicavms", "systemsessions"} <= names


def test_what_is_off_by_default(em: Emulator) -> None:
    off: dict[str, Any] = {
        "copies_idle": False,
        "zero_job_uids": False,
        "auto_retries": 0,
        "schedule_delay": 0.0,
        "server_clock_skew": 0.0,
        "related_run": "own",
        "language": "en",
        "odd_links": "plain",
        "base_path": "",
        "xml_forbidden": "replaced",
        "xml_text": "plain",
        "throttle_every": 0,
        "early_hints": False,
        "doubled_token": False,
        "idle_connection": 0.0,
        "query_filter": "honoured",
    }
    switches = em.switches.as_dict()
    assert {name: switches[name] for name in off} == off
