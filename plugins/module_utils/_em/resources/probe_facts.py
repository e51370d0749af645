# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answers to a probe say about a server: one function for each open question. Pure.

A function returns one of the few values of its question, None where the answers do not tell, or raises `Surprise` for an answer
that no known behaviour explains. The values are those of the emulator's switches.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import EmError
from ..options import Connection
from ..protocol.codec import Document, decode, decode_error, read_text
from .probe import Probe, read_rows
from .probe_requests import BIG_PAGE

FIRST_ERROR = 400
GUID_LENGTH = 36
RAW_ID_LENGTH = 16
_HREF_IN_XML = re.compile(rb'Href="([^"]*)"')
_BARE_AMPERSAND = re.compile(rb"&(?!(?:[A-Za-z]+|#\d+|#x[0-9a-fA-F]+);)")
_NEVER = re.compile(rb'"(1753|1899|1900|0001)-\d\d-\d\dT')
_GERMAN = re.compile(r"\b(?:Keine?|nicht|Aufgabe|Sitzung|mit der|Die|Der|Das|ist)\b")


class Surprise(Exception):  # noqa: N818 - not an error
    """An answer that no known behaviour explains, to the request of this name."""


class Seen:
    """The answers of a probe, by the name of their request."""

    def __init__(self, probe: Probe, connection: Connection) -> None:
        self.probe = probe
        self.connection = connection

    def status(self, name: str) -> int | None:
        """Return a status; None where there was no answer."""
        seen = self.probe.observations.get(name)
        return seen.response.status if seen is not None and seen.response is not None else None

    def is_ok(self, name: str) -> bool:
        """Return whether an answer is 2xx."""
        status = self.status(name)
        return status is not None and status < FIRST_ERROR

    def is_error(self, name: str) -> bool:
        """Return whether a server refused what it was asked; not whether the user may not ask it."""
        status = self.status(name)
        return status is not None and status >= FIRST_ERROR and status != 403

    def body(self, name: str) -> bytes:
        """Return a body; an empty one where there was no answer."""
        seen = self.probe.observations.get(name)
        return seen.response.body if seen is not None and seen.response is not None else b""

    def headers(self, name: str) -> Mapping[str, str]:
        """Return the headers of an answer."""
        seen = self.probe.observations.get(name)
        return seen.response.headers if seen is not None and seen.response is not None else {}

    def document(self, name: str) -> Document | None:
        """Return a decoded body with keys in snake_case; None for what cannot be read."""
        try:
            return decode(self.body(name), self.headers(name).get("Content-Type", ""))
        except EmError:
            return None

    def data(self, name: str) -> dict[str, Any]:
        """Return the decoded members of an answer that is 2xx; none of any other."""
        document = self.document(name) if self.is_ok(name) else None
        return document.data if document is not None and isinstance(document.data, dict) else {}

    def raw(self, name: str) -> dict[str, Any]:
        """Return JSON with its keys as they came."""
        try:
            data = json.loads(self.body(name).decode("utf-8-sig", "replace"))
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def rows(self, name: str) -> list[dict[str, Any]] | None:
        """Return the resources of an answer; None where it is not 2xx or cannot be read."""
        seen = self.probe.observations.get(name)
        if seen is None or seen.response is None or not self.data(name):
            return None
        return read_rows(seen.response)

    def number(self, name: str, key: str) -> int | None:
        """Return a number of the paging."""
        paging = self.data(name).get("paging_info")
        text = read_text(paging, key) if isinstance(paging, dict) else None
        return int(text) if text is not None and text.isdecimal() else None

    def bodies(self, accept: str) -> Iterator[bytes]:
        """Yield the bodies that were asked for in a format."""
        for name, seen in self.probe.observations.items():
            if seen.request.accept == accept and self.body(name):
                yield self.body(name)


def _choose_status(seen: Seen, name: str, choices: tuple[int, ...]) -> int | None:
    status = seen.status(name)
    if status in (None, 403):
        return None
    if status not in choices:
        raise Surprise(name)
    return status


# ---------------------------------------------------------------------------------------------------------------------
# Formats


def _version(seen: Seen) -> int | None:
    server = seen.headers("servers").get("Server", "")
    if "HTTPAPI" in server:
        return 12
    if server.startswith("Kestrel"):
        return 13
    rows = seen.rows("servers") or [{}]
    major = re.match(r"(\d+)\.", read_text(rows[0], "version") or "")
    return 12 if major and major[1] == "12" else 13 if major and major[1] == "13" else None


def _json_case(seen: Seen) -> str | None:
    names = [name for name in seen.raw("servers") or seen.raw("unknown_resource") if name[:1].isalpha()]
    if not names:
        return None
    case = "pascal" if names[0][0].isupper() else "camel"
    version = _version(seen)
    return "version" if version and case == ("camel" if version >= 13 else "pascal") else case


def _json_nulls(seen: Seen) -> bool | None:
    return (
        re.search(rb":\s*null\b", seen.body("servers")) is not None if seen.raw("servers") and seen.is_ok("servers") else None
    )


def _bom(seen: Seen) -> bool | None:
    return seen.body("root").startswith(b"\xef\xbb\xbf") if seen.body("root") else None


def _bare_ampersands(seen: Seen) -> bool | None:
    hrefs = [href for body in seen.bodies("application/xml") for href in _HREF_IN_XML.findall(body) if b"&" in href]
    return any(_BARE_AMPERSAND.search(href) for href in hrefs) if hrefs else None


def _never_date(seen: Seen) -> str | None:
    years = {year for body in seen.bodies("application/json") for year in _NEVER.findall(body)}
    return years.pop().decode("ascii") if len(years) == 1 else None


def _xml_text(seen: Seen) -> str | None:
    bodies = list(seen.bodies("application/xml"))
    return (
        "cdata" if any(b"<![CDATA[" in body for body in bodies) else "comments" if any(b"<!--" in b for b in bodies) else None
    )


def _empty_query(seen: Seen) -> str | None:
    for name, container in (("none_xml", "entities"), ("no_tasks_xml", "resources")):
        data = seen.data(name)
        if not data or seen.rows(name):
            continue
        if container not in data:
            return "missing"
        return "list" if isinstance(data[container], dict) and data[container] else "null"
    return None


def _pages_count_when_empty(seen: Seen) -> int | None:
    for name in ("none", "no_tasks", "none_xml", "no_tasks_xml"):
        if seen.data(name) and seen.rows(name) == []:
            count = seen.number(name, "pages_count")
            if count not in (0, 1):
                raise Surprise(name)
            return count
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Links and pages


def find_href(seen: Seen) -> str | None:
    """Return the first link of the paging, which every answer to a query has."""
    paging = seen.data("servers").get("paging_info") or seen.data("tasks").get("paging_info")
    links = paging.get("links") if isinstance(paging, dict) else None
    for link in links if isinstance(links, list) else ():
        href = link.get("href") if isinstance(link, dict) else None
        if isinstance(href, str):
            return href
    return None


def _hrefs(seen: Seen) -> str | None:
    href = find_href(seen)
    if href is None:
        return None
    parts = urlsplit(href.strip())
    if parts.scheme == "http":
        return "http"
    own = urlsplit(seen.connection.base_url)
    same = (parts.hostname, parts.port or 443) == (own.hostname, own.port or 443)
    return "mirror" if same and parts.scheme == "https" else "foreign"


def _odd_links(seen: Seen) -> str | None:
    href = find_href(seen)
    if href is None:
        return None
    path = urlsplit(href.strip()).path.lower()
    if href != href.strip():
        return "blank"
    for start, form in (("/api/../api/", "dots"), ("/api/../", "outside"), ("//api/", "double"), ("/api/", "plain")):
        if path.startswith(start):
            return form
    if path.startswith("/query"):
        return "no_api"
    raise Surprise("servers")  # such as a path of a reverse proxy before /api


def _paging(seen: Seen) -> str | None:
    if (seen.number("first_page", "pages_count") or 0) < 2 or not seen.data("second_page"):
        return None
    if _find_next(seen, "first_page") is None:
        return "no_next"
    number = seen.number("second_page", "page_num")
    if number is None:
        raise Surprise("second_page")
    if number == 1:
        return "repeat"
    following = _find_next(seen, "second_page")
    return "loop" if following == 1 else "normal"


def _find_next(seen: Seen, name: str) -> int | None:
    """Return the page that the link Next leads to."""
    paging = seen.data(name).get("paging_info")
    links = paging.get("links") if isinstance(paging, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and (read_text(link, "rel") or "").lower() == "next":
            page = re.search(r"[?&]page=(\d+)", read_text(link, "href") or "", re.IGNORECASE)
            return int(page[1]) if page else 0
    return None


def _max_page_size(seen: Seen) -> int | None:
    if seen.is_error("big_page"):
        raise Surprise("big_page")
    size = seen.number("big_page", "page_size")
    return None if size is None else 0 if size >= BIG_PAGE else size


def _page_beyond(seen: Seen) -> str | None:
    if seen.is_error("far_page"):
        return "error"
    rows = seen.rows("far_page")
    if rows is None or (rows and _paging(seen) in (None, "repeat")):
        return None
    return "last" if rows else "empty"


# ---------------------------------------------------------------------------------------------------------------------
# Filters and errors


def _query_filter(seen: Seen) -> str | None:
    if not seen.rows("servers"):
        return None
    if seen.is_error("none") and seen.is_error("some"):
        return "rejected"
    none, some = seen.rows("none"), seen.rows("some")
    if none is None or some is None:
        return None
    return "ignored" if none else "honoured" if some else "empty"


def _bad_request(seen: Seen) -> int | None:
    return _choose_status(seen, "bad_type", (500, 400))


def _unknown_resource(seen: Seen) -> int | None:
    return _choose_status(seen, "unknown_resource", (404, 500))


def _unknown_session(seen: Seen) -> int | None:
    return _choose_status(seen, "unknown_session", (500, 404))


def _unknown_task(seen: Seen) -> int | None:
    status = _choose_status(seen, "unknown_task", (500, 404))
    for name in ("removed_task", "missed_removal"):
        if status is not None and seen.status(name) not in (None, status):
            raise Surprise(name)  # reading and removing, one that was there and one that never was: the same everywhere
    return status


def _error_format(seen: Seen) -> str | None:
    if not seen.is_error("unknown_resource") or not seen.is_error("unknown_resource_xml"):
        return None
    forms = (_read_error_form(seen, "unknown_resource"), _read_error_form(seen, "unknown_resource_xml"))
    if forms == ("json", "xml"):
        return "follow"
    if forms[0] != forms[1]:
        raise Surprise("unknown_resource_xml")
    return forms[0]


def _read_error_form(seen: Seen, name: str) -> str:
    content_type = seen.headers(name).get("Content-Type", "").lower()
    for word, form in (("problem+json", "problem"), ("text/html", "html"), ("text/plain", "text")):
        if word in content_type:
            return form
    document = seen.document(name)
    if document is not None and isinstance(document.data, dict) and document.root in (None, "error", "fault"):
        return {None: "json", "error": "xml"}.get(document.root, "fault")
    raise Surprise(name)


def _stack_trace(seen: Seen) -> bool | None:
    if not seen.is_error("unknown_resource") or _read_error_form(seen, "unknown_resource") not in ("json", "xml"):
        return None
    document = seen.document("unknown_resource")
    return bool(read_text(document.data, "stack_trace")) if document is not None else None


def _language(seen: Seen) -> str | None:
    if not seen.is_error("unknown_task"):
        return None
    text = decode_error(seen.body("unknown_task"), seen.headers("unknown_task").get("Content-Type", "")).text or ""
    if re.search(r"\bno backup task\b|\bnot? (?:found|exist)", text):
        return "en"
    if _GERMAN.search(text):
        return "de"
    if text:
        raise Surprise("unknown_task")
    return None


def _header_case(seen: Seen) -> str | None:
    name = next((name for name in seen.headers("servers") if name.lower() == "content-type"), None)
    return None if name is None else "lower" if name.islower() else "normal"


def _refused_read(seen: Seen) -> str | None:
    return "403" if any(seen.status(name) == 403 for name in seen.probe.observations) else None


# ---------------------------------------------------------------------------------------------------------------------
# Tasks


def _task_filter(seen: Seen) -> str | None:
    if not seen.is_ok("tasks"):
        return None
    if seen.is_error("no_tasks"):
        return "rejected400" if seen.status("no_tasks") == FIRST_ERROR else "rejected"
    if seen.rows("no_tasks"):
        return "ignored"
    if seen.rows("any_tasks"):
        return "honoured"
    return "empty" if seen.rows("tasks") and seen.is_ok("any_tasks") else None


def _task_sort(seen: Seen) -> str | None:
    if not seen.is_ok("tasks") or seen.status("tasks_sorted") is None or seen.status("tasks_sorted_oddly") is None:
        return None
    if seen.is_error("tasks_sorted"):
        return "rejected"
    return "honoured" if seen.is_error("tasks_sorted_oddly") else "ignored"


def _task_id_field(seen: Seen) -> str | None:
    by_sort = _task_sort(seen) == "honoured"
    names = ("tasks_sorted_by_id", "tasks_sorted_by_uid") if by_sort else ("tasks_by_task_id", "tasks_by_task_uid")
    by_filter = _task_filter(seen)
    if None in map(seen.status, names) or (not by_sort and by_filter in ("rejected", "rejected400")):
        return None
    errors = [seen.is_error(name) for name in names]
    if all(errors):
        raise Surprise(names[0])
    if not any(errors):
        return "both" if by_sort or by_filter == "honoured" else None
    return "TaskUid" if errors[0] else "TaskId"


def _json_tasks(seen: Seen) -> str | None:
    if not seen.is_ok("tasks"):
        return None
    resources = _get(seen.raw("tasks"), "resources")
    if not isinstance(resources, dict):
        return None
    tasks = _get(resources, "tasks")
    if isinstance(tasks, dict):
        names = {name.lower() for name in tasks}
        if not names & {"tasks", "task"}:
            raise Surprise("tasks")
        return "tasks_tasks" if "tasks" in names else "tasks_task"
    return "tasks"


def _get(node: Mapping[str, Any], wanted: str) -> Any:
    return next((value for name, value in node.items() if name.lower() == wanted), None)


def _result_null(seen: Seen) -> str | None:
    rows = seen.rows("collect")
    if not rows or read_text(rows[0], "state") != "Running":
        return None
    if "result" not in rows[0]:
        return "absent" if _json_nulls(seen) else None
    return "null" if rows[0]["result"] is None else "present_while_running"


def _json_result_flags(seen: Seen) -> bool | None:
    rows = seen.rows("task")
    result = rows[0].get("result") if rows and read_text(rows[0], "state") == "Finished" else None
    return "credentials_needed" in result if isinstance(result, dict) else None


def _tasks_scope(seen: Seen) -> str | None:
    if not seen.rows("task") or seen.status("task_elsewhere") is None:
        return None
    return "global" if seen.is_ok("task_elsewhere") else "session"


# ---------------------------------------------------------------------------------------------------------------------
# Sessions


def _token_form(seen: Seen) -> str | None:
    token = seen.headers("second_logon").get("X-RestSvcSessionId", "").split(",")[0].strip()
    if not token:
        return None
    try:
        decoded = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        raise Surprise("second_logon") from None
    if len(decoded) not in (GUID_LENGTH, RAW_ID_LENGTH):
        raise Surprise("second_logon")
    return "text" if len(decoded) == GUID_LENGTH else "raw"


def _doubled_token(seen: Seen) -> bool | None:
    return "," in seen.headers("second_logon").get("X-RestSvcSessionId", "") if seen.is_ok("second_logon") else None


def _logon_session_id(seen: Seen) -> bool | None:
    return read_text(seen.data("second_logon"), "session_id") is not None if seen.data("second_logon") else None


def _second_logoff(seen: Seen) -> int | None:
    return _choose_status(seen, "second_logoff", (401, 404, 500)) if seen.is_ok("logoff") else None


# ---------------------------------------------------------------------------------------------------------------------
# Infrastructure and jobs


def _lookup_no_hit(seen: Seen) -> str | None:
    if seen.is_ok("lookup_none"):
        return "empty" if not seen.rows("lookup_none") else None
    status = _choose_status(seen, "lookup_none", (404, 500))
    return None if status is None else str(status)


def _lookup_match(seen: Seen) -> str | None:
    if not seen.rows("lookup"):
        return None
    if seen.is_error("lookup_part"):
        return "exact" if seen.status("lookup_part") == seen.status("lookup_none") else None
    rows = seen.rows("lookup_part")
    return None if rows is None else "contains" if _holds_name_of(rows, seen.rows("lookup")) else "exact"


def _holds_name_of(rows: list[dict[str, Any]], wanted: list[dict[str, Any]] | None) -> bool:
    names = {read_text(row, "object_name") for row in wanted or ()}
    return any(read_text(row, "object_name") in names for row in rows)


def _machine_type(seen: Seen) -> str | None:
    rows = seen.rows("lookup")
    if not rows:
        return None
    spelt = read_text(rows[0], "object_type")
    if spelt not in ("Vm", "VM", "vm"):
        raise Surprise("lookup")
    return spelt


def _filter_by_reference(seen: Seen) -> bool | None:
    if _query_filter(seen) != "honoured" or seen.status("points_by_reference") is None:
        return None
    return bool(seen.is_ok("points_by_reference"))


def _queried_objects(seen: Seen) -> str | None:
    if any(isinstance(row.get("guest_processing_options"), dict) for row in seen.rows("objects") or ()):
        return "full"
    own = [row for row in seen.rows("includes") or () if isinstance(row.get("guest_processing_options"), dict)]
    return "short" if own and seen.rows("objects") else None


def _iter_members(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield all members of JSON, at any depth."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name.lower(), value
            yield from _iter_members(value)
    elif isinstance(node, list):
        for one in node:
            yield from _iter_members(one)


def _json_times(seen: Seen) -> str | None:
    for name, value in _iter_members(seen.raw("jobs")):
        if name == "time" and isinstance(value, str):
            return "datetime" if re.match(r"\d{4}-\d\d-\d\dT", value) else "time"
    return None


def _find_spelling(seen: Seen, *spellings: str) -> str | None:
    names = {name for name, _value in _iter_members(seen.raw("jobs"))}
    return next((spelling for spelling in spellings if spelling.lower() in names), None)


def _continuous_spelling(seen: Seen) -> str | None:
    return _find_spelling(seen, "OptionsContinuous", "OptionsContinious")


def _retry_specified(seen: Seen) -> str | None:
    return _find_spelling(seen, "RetrySpecified1", "RetrySpecified")


class Question(NamedTuple):
    """A question: what it asks, what answers it, and from which requests."""

    text: str
    answer: Callable[[Seen], Any]
    requests: tuple[str, ...]


QUESTIONS: dict[str, Question] = {
    "version": Question("Which product version is it like?", _version, ("servers",)),
    "json_case": Question("Which case have keys in JSON?", _json_case, ("servers",)),
    "json_nulls": Question("Are members without a value written as null?", _json_nulls, ("servers",)),
    "bom": Question("Do bodies begin with a byte order mark?", _bom, ("root",)),
    "bare_ampersands": Question("Are ampersands in links of XML left unescaped?", _bare_ampersands, ("servers_xml",)),
    "xml_text": Question("Are there CDATA sections or comments in XML?", _xml_text, ("servers_xml",)),
    "never_date": Question("Which year stands for never?", _never_date, ("jobs", "first_page")),
    "empty_query": Question("What does an empty answer look like?", _empty_query, ("none_xml", "no_tasks_xml")),
    "pages_count_when_empty": Question("How many pages has an empty answer?", _pages_count_when_empty, ("none", "no_tasks")),
    "hrefs": Question("Which address do links begin with?", _hrefs, ("servers",)),
    "odd_links": Question("How do paths of links begin?", _odd_links, ("servers",)),
    "paging": Question("Where do links between pages lead?", _paging, ("first_page", "second_page")),
    "max_page_size": Question("Is a large page cut?", _max_page_size, ("big_page",)),
    "page_beyond": Question("What is a page after the last?", _page_beyond, ("far_page",)),
    "query_filter": Question("What does a filter do?", _query_filter, ("servers", "none", "some")),
    "bad_request": Question("Which status has a wrong query?", _bad_request, ("bad_type",)),
    "unknown_resource": Question("Which status has an unknown id?", _unknown_resource, ("unknown_resource",)),
    "unknown_session": Question("Which status has an unknown logon session?", _unknown_session, ("unknown_session",)),
    "error_format": Question("Which format have errors?", _error_format, ("unknown_resource", "unknown_resource_xml")),
    "stack_trace": Question("Have errors a stack trace?", _stack_trace, ("unknown_resource",)),
    "language": Question("Which language have messages?", _language, ("unknown_task",)),
    "header_case": Question("Are names of headers in lower case?", _header_case, ("servers",)),
    "refused_read": Question("What is a read answered with that the role may not make?", _refused_read, ("jobs",)),
    "task_filter": Question("What does a filter on tasks do?", _task_filter, ("tasks", "no_tasks", "any_tasks")),
    "task_sort": Question("What does sorting of tasks do?", _task_sort, ("tasks_sorted", "tasks_sorted_oddly")),
    "task_id_field": Question(
        "What is the id of a task called?",
        _task_id_field,
        ("tasks_sorted_by_id", "tasks_sorted_by_uid", "tasks_by_task_id", "tasks_by_task_uid"),
    ),
    "json_tasks": Question("What does a query of tasks look like in JSON?", _json_tasks, ("tasks",)),
    "unknown_task": Question(
        "Which status has an unknown task?", _unknown_task, ("unknown_task", "removed_task", "missed_removal")
    ),
    "result_null": Question("What is the result of a running task?", _result_null, ("collect",)),
    "json_result_flags": Question("Which members has a result in JSON?", _json_result_flags, ("task",)),
    "tasks_scope": Question("Does another session see a task?", _tasks_scope, ("task", "task_elsewhere")),
    "token_form": Question("What is a token made of?", _token_form, ("second_logon",)),
    "doubled_token": Question("Does the token come twice?", _doubled_token, ("second_logon",)),
    "logon_session_id": Question("Has the answer to a logon the session's id?", _logon_session_id, ("second_logon",)),
    "second_logoff": Question("Which status has a second log-off?", _second_logoff, ("logoff", "second_logoff")),
    "lookup_no_hit": Question("What is a look-up without a hit?", _lookup_no_hit, ("lookup_none",)),
    "lookup_match": Question("Does a look-up take parts of names?", _lookup_match, ("lookup", "lookup_part")),
    "machine_type": Question("How is the type of a machine spelt?", _machine_type, ("lookup",)),
    "filter_by_reference": Question(
        "Are restore points filtered by reference?", _filter_by_reference, ("points_by_reference", "none")
    ),
    "queried_objects": Question("Does a query show all of a job's objects?", _queried_objects, ("objects", "includes")),
    "json_times": Question("How are times of schedules written in JSON?", _json_times, ("jobs",)),
    "continuous_spelling": Question("How is continuous scheduling spelt?", _continuous_spelling, ("jobs",)),
    "retry_specified": Question("How is RetrySpecified spelt?", _retry_specified, ("jobs",)),
}
