# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_probe: what is sent, what is told, and that nothing of it identifies anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Response, Transport
from ansible_collections.vbem.rest.plugins.modules import veeam_probe
from emulator import Emulator, Switches
from emulator.cli import _read_switches

from .harness import Harness, all_versions, all_versions_and_formats

# Members whose values are words of the API, and the same on every server.
WORDS = re.compile(
    r"(?:rel|type|state|result|jobtype|platform|operation|algorithm|pointtype|.*version|hosttype|.*mode|.*kind)$", re.IGNORECASE
)


def probe(harness: Harness, session: Any = None, *, check_mode: bool = False, **params: Any) -> dict[str, Any]:
    """Run veeam_probe."""
    return harness.run(veeam_probe, session, {}, params, check_mode=check_mode)


def list_targets(em: Emulator) -> list[str]:
    return [f"{entry.method} {entry.target}" for entry in em.log]


def fits(shown: str, sent: str) -> bool:
    """Return whether a request is one that was announced."""
    return re.fullmatch(re.sub(r"\\\{\w+\\\}", ".+", re.escape(shown)), sent) is not None


@all_versions_and_formats
def test_only_what_is_announced_is_sent_and_only_reads_unless_data_is_collected(harness: Harness, em: Emulator) -> None:
    announced = [one["request"] for one in probe(harness, check_mode=True)["requests"]]
    assert em.log == []
    result = probe(harness)
    assert [one["request"] for one in result["requests"]] == announced
    assert result["changed"] is False
    sent = list_targets(em)
    assert sent[0].startswith("POST /api/sessionMngr/")
    assert sent[-1].startswith("DELETE /api/logonSessions/")
    assert all(any(fits(shown, target) for shown in announced) for target in sent)
    writes = [entry for entry in em.log if entry.method != "GET"]
    assert all(re.match("/api/(?:sessionMngr|logonSessions)/", entry.path) for entry in writes)
    assert em.sessions == []
    assert any(line.startswith("Sends up to ") for line in harness.progress)


@all_versions_and_formats
def test_a_data_collection_makes_a_task_that_is_removed(harness: Harness, em: Emulator) -> None:
    planned = probe(harness, collect=True, check_mode=True)
    assert planned.keys() == {"changed", "requests"}
    assert planned["changed"] is True
    result = probe(harness, collect=True)
    assert result["changed"] is True
    assert len(em.requests("POST", r"\?action=collect$")) == 1
    removed, missed = harness.deletions()
    assert removed == em.requests("GET", "/api/tasks/task-[0-9]{1,4}$")[0].path.rpartition("/")[2]
    assert missed == "task-999999999"
    assert result["evidence"]["removal"]["status"] == 204
    assert result["evidence"]["removed_task"]["status"] == result["evidence"]["missed_removal"]["status"] == 500
    assert em.sessions == []
    for name in ("result_null", "json_result_flags", "tasks_scope", "task_filter"):
        assert name in result["answers"]


def test_a_task_that_does_not_finish_is_left_alone(harness: Harness, em: Emulator) -> None:
    em.switches.operation_finished_forever = True
    result = probe(harness, collect=True, wait_timeout=10)
    assert harness.deletions() == []
    assert sum(harness.slept) >= 10
    assert result["unanswered"]["json_result_flags"]


@all_versions
def test_a_given_session_is_used_and_left_open(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    result = probe(harness, session, collect=True)
    assert harness.logons() == []
    assert harness.logoffs() == []
    assert result["unanswered"]["second_logoff"] == "it needs username and password"
    assert not any("sessionMngr" in one["request"] for one in result["requests"])
    assert [one.id for one in em.sessions] == [session.id]


# ---------------------------------------------------------------------------------------------------------------------
# Nothing identifying


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[Response]:
    """Return the answers that the client gets."""
    seen: list[Response] = []
    request = Transport.request

    def remember(self: Transport, *args: Any, **kwargs: Any) -> Response:
        response = request(self, *args, **kwargs)
        seen.append(response)
        return response

    monkeypatch.setattr(Transport, "request", remember)
    return seen


def iter_texts(node: Any, name: str = "") -> Iterator[str]:
    """Yield the texts of JSON that could identify somebody or something."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from iter_texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from iter_texts(value, name)
    elif isinstance(node, str) and not WORDS.match(name):
        yield node


def list_identifying(em: Emulator, answers: list[Response]) -> set[str]:
    texts: set[str] = {em.hostname, str(em.port), *(user.username for user in em.users.values())}
    for answer in answers:
        texts |= {value for name, value in answer.headers.items() if name.lower() not in ("content-type", "server")}
        if answer.body.lstrip(b"\xef\xbb\xbf")[:1] == b"{":
            texts |= set(iter_texts(json.loads(answer.body.decode("utf-8-sig"))))
    words = {word for text in texts for word in re.split(r"[\s\\/@?&=,;:\[\]\"']+", text)} | texts
    # What is short, or a word of the API, says nothing.
    own = {
        "private",
        "no-store",
        "nosniff",
        "close",
        "session",
        "Finished",
        "Running",
        "exist",
        "does",
        "backup",
        "Backup",
        "logon",
    }
    own |= {
        "task-999999999",
        "current",
        "rest",
        "there",
        "There",
        "with",
        "vbem-probe-none",
        "NoSuchType",
        "type",
        "page",
        "pageSize",
    }
    own |= {"BackupServer", "BackupJobSession", "Entities", "format", "Entity", "filter", "Name", "Task", "Operation", "TaskId"}
    own |= {"TaskUid", "sortAsc", "NoSuchField", "query", "https", "none", "that", "supported", "Query", "sorting", "Property"}
    own |= {
        "X-RestSvcSessionId",
        "00000000-0000-4000-8000-00000000dead",
        "sessionMngr",
        "Filtering",
        "resource",
        "State",
        "100000",
        "99999",
        "latest",
    }
    return {word for word in words if len(word) > 3} - own


@all_versions
@pytest.mark.parametrize("user", ["admin", "portal", "operator"])
@pytest.mark.parametrize(
    ("form", "language"),
    [("follow", "en"), ("xml", "de"), ("text", "en"), ("html", "de"), ("problem", "en"), ("fault", "de")],
)
def test_nothing_identifying_passes(harness: Harness, bodies: list[Response], user: str, form: str, language: str) -> None:
    em = harness.em
    em.switches.update({"error_format": form, "language": language})
    em.fault(effect="html", status=418, method="GET", path="/api/logonSessions/", times=None)
    for job in list(em.world.jobs):
        job.name = f"Recognisable {job.name}"
    harness.user = user
    result = probe(harness, collect=True)
    text = json.dumps(strip(result), ensure_ascii=False)
    sentences = " ".join((*result["problems"], *result["behaviour"]))
    own = " ".join(result["evidence"])  # names of requests
    assert {word for word in list_identifying(em, bodies) if word in text and word not in own} == set()
    for word in (em.hostname, str(em.port), em.users[user].username, "Recognisable", "vbem.test", "urn:"):
        assert word not in sentences
    assert "Recognisable" not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)


def strip(node: Any) -> Any:
    """Return a report without what the module knew before it asked: requests, questions, names of switches and of members."""
    if isinstance(node, dict):
        own = ("request", "requests", "purpose", "question", "problems", "behaviour", "versions", "unanswered")
        return [strip(value) for name, value in node.items() if name not in own]
    return [strip(value) for value in node] if isinstance(node, list) else node


def test_members_with_names_of_the_server_do_not_pass(harness: Harness, em: Emulator) -> None:
    """An answer of something else, keyed by names."""
    em.fault(effect="garbage", method="GET", path="/api/logonSessions", times=None)
    text = json.dumps(probe(harness), ensure_ascii=False)
    assert "unexpected" in text, "names of members are told"
    assert "[1, 2, 3]" not in text


# ---------------------------------------------------------------------------------------------------------------------
# What is told


@all_versions
def test_an_emulator_takes_the_report(harness: Harness, tmp_path: Path) -> None:
    harness.em.switches.update({"task_filter": "ignored", "unknown_task": 404, "max_page_size": 250})
    result = probe(harness, collect=True)
    report = tmp_path / "report.yml"
    report.write_text(yaml.safe_dump(result), encoding="utf-8")
    switches = Switches()
    switches.update(_read_switches(str(report)))
    assert (switches.task_filter, switches.unknown_task, switches.max_page_size) == ("ignored", 404, 250)
    assert switches.version == harness.em.switches.version
    told = " ".join(result["behaviour"])
    assert "Filters of tasks are applied by the collection" in told
    assert "are cut to 250 rows" in told


@all_versions
@pytest.mark.parametrize("refused", ["403", "empty"])
def test_what_a_role_may_not_ask_is_said(harness: Harness, em: Emulator, refused: str) -> None:
    em.switches.refused_read = refused
    harness.user = "portal"
    result = probe(harness)
    assert "json_times" in result["unanswered"]
    assert ("the user's role may not ask it" in result["unanswered"].values()) is (refused == "403")
    assert any("GET /api/query?type=Job" in problem for problem in result["problems"]) is (refused == "403")
    assert result["switches"].get("refused_read") == ("403" if refused == "403" else None)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ({"effect": "status", "status": 418, "path": "/api/tasks/task-999999999"}, "unknown_task"),
        ({"effect": "status", "status": 418, "query": "type=NoSuchType"}, "bad_request"),
        ({"effect": "status", "status": 404, "method": "DELETE", "path": "/api/tasks/task-999999999"}, "unknown_task"),
        ({"effect": "html", "path": "/api/lookup", "page": "f5"}, None),
        ({"effect": "reset", "path": "/api/lookup", "times": None}, None),
        ({"effect": "status", "status": 500, "query": "pagesize=100000"}, "max_page_size"),
        ({"effect": "garbage", "query": "page=2$"}, "paging"),
    ],
    ids=lambda value: None,
)
def test_what_nothing_explains_is_a_surprise(harness: Harness, em: Emulator, fault: dict[str, Any], name: str | None) -> None:
    em.fault(**{"times": None, "method": "GET", **fault})
    result = probe(harness, collect=True)
    assert result["surprises"]
    assert all({"question", "request"} < one.keys() for one in result["surprises"])
    if name is not None:
        assert name not in result["switches"]
        assert result["unanswered"][name] == "the answer is a surprise"


def test_problems_of_the_setup_are_told_with_a_cure(harness: Harness, em: Emulator) -> None:
    em.logon()
    em.clock.advance(7200)
    result = probe(harness)
    told = " ".join(result["problems"])
    assert "The server's clock is" in told
    assert result["measured"]["clock_skew_seconds"] > 7000
    em.reset()
    for _session in range(3):
        em.logon()
    assert "The user has 3 more logon sessions" in " ".join(probe(harness)["problems"])


def test_a_certificate_that_is_not_validated_is_a_problem(harness: Harness) -> None:
    result = harness.run(veeam_probe, None, {"validate_certs": False, "ca_path": None}, {})
    assert any("validate_certs: false" in problem for problem in result["problems"])
    assert result["measured"]["tls_version"].startswith("TLSv1.")
    assert result["measured"]["certificate_days_left"] is None


def test_a_second_logon_whose_answer_is_lost_is_logged_off_where_it_can_be(harness: Harness, em: Emulator) -> None:
    em.fault(effect="cut", method="POST", path="/api/sessionMngr/", skip=1, when="after")
    result = probe(harness)
    assert em.sessions == []
    assert "token_form" in result["unanswered"]
