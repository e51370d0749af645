# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: PT017 - that something may fail, and then how, is what a property says

"""Normalising is total: any decoded object gives a dict with every key, or ``bad_response``; and formats agree."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.client.pages import read_page
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document, decode, iter_rows, rename_keys
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_sessions import JobSessions, normalise_job_session
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import JOB_KINDS, normalise_job
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.listing import iter_collection
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.rows import RowReader
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.tasks import normalise_task
from emulator.render_json import camel_case

from .strategies import KEYS, DocumentClient, create_client, nest, objects, plain_texts, share, trees

CLIENT = create_client()

Normalise = Callable[[Mapping[str, Any], Client], dict[str, Any]]


def normalise_resource(row: Any, client: Client) -> dict[str, Any]:
    return RowReader(client).read(row)


SHAPES: list[tuple[Normalise, set[str]]] = [
    (normalise_task, {"task_id", "state", "operation", "success", "message", "href", "related"}),
    (
        normalise_job,
        {"name", "uid", "job_type", "platform", "description", "schedule_configured", "schedule_enabled", "next_run"}
        | {"backup_server", "backup_server_uid", "href"},
    ),
    (
        normalise_job_session,
        {"name", "uid", "job_name", "job_uid", "job_type", "backup_server", "state", "result", "progress", "creation_time"}
        | {"end_time", "is_retry", "failure_message", "href"},
    ),
    (normalise_resource, {"href", "links"}),
]
every_shape = pytest.mark.parametrize(("normalise", "keys"), SHAPES, ids=[shape[0].__name__ for shape in SHAPES])
DEEP = [nest(depth, key) for depth in (50, 5_000) for key in (None, "links", "link", "rel", "href", "other")]


def check_row(normalise: Normalise, keys: set[str], row: Mapping[str, Any]) -> None:
    shown: dict[str, Any] | None
    try:
        shown = normalise(row, CLIENT)
    except EmError as err:
        assert err.kind == "bad_response", err.to_fail_json()
        return
    except RecursionError:
        shown = None  # pytest would compare the frames of its traceback, for minutes
    assert shown is not None, "endless recursion"
    assert keys <= shown.keys()
    if normalise is not normalise_resource:
        assert keys == shown.keys()
        check_types(shown)
    json.dumps(shown, allow_nan=False)  # as the module prints it
    assert shown["href"] is None or urlsplit(shown["href"]).netloc == "em.example.com:9398"


def check_types(shown: dict[str, Any]) -> None:
    types: dict[str, Any] = {"success": bool, "schedule_configured": bool, "schedule_enabled": bool, "is_retry": bool}
    types.update(progress=int, related=list)
    for key, value in shown.items():
        assert value is None or value.__class__ is types.get(key, str), (key, value)
    assert shown.get("task_id", "x")
    for link in shown.get("related", ()):
        assert link.keys() == {"rel", "type", "name", "href", "uid"}


@every_shape
@share(0.5)
@given(row=objects)
@example(row={"task_id": "\ud800"})
@example(row={"task_id": 5, "links": [{"rel": {"a": 1}, "href": ["x"]}]})
def test_any_object(normalise: Normalise, keys: set[str], row: dict[str, Any]) -> None:
    check_row(normalise, keys, row)
    check_row(normalise, keys, {"task_id": "task-1", **row})


@share(0.5)
@given(row=st.dictionaries(st.sampled_from(["Uid", "Href", "CreationTimeUTC", "Result", "Links", "Job", "EndTimeUTC"]), trees))
@example(row={"Links": [{"Rel": "Up", "Href": "http://h/api/jobs/1", "Type": "Job"}, {"Rel": "Delete", "Href": "/x"}]})
@example(
    row={"EndTimeUTC": "1753-01-01T00:00:00", "Result": "None", "Job": {"Job": [{"EndTimeUTC": "2026-01-01T01:00:00+01:00"}]}}
)
def test_keys_may_be_renamed_before_or_while_a_row_is_read(row: dict[str, Any]) -> None:
    def read(one: dict[str, Any]) -> Any:
        try:
            return RowReader(CLIENT).read(one)
        except EmError as err:
            return err.kind

    assert json.dumps(read(row)) == json.dumps(read(rename_keys(row)))


@every_shape
@share(0.5)
@given(
    changes=st.dictionaries(st.sampled_from(KEYS), trees, max_size=4),
    link=st.dictionaries(st.sampled_from(["rel", "href", "name", "type", "links", "link", "#text"]), trees, max_size=4),
)
def test_one_wrong_member(normalise: Normalise, keys: set[str], changes: dict[str, Any], link: dict[str, Any]) -> None:
    good = {"task_id": "task-1", "state": "Finished", "href": "https://h/api/tasks/task-1", "result": {"success": "true"}}
    row = {**good, "links": [{"rel": "Up", "type": "BackupServer", **link}], **changes}
    check_row(normalise, keys, row)


@every_shape
@pytest.mark.parametrize("deep", DEEP, ids=range(len(DEEP)))
def test_deep_objects(normalise: Normalise, keys: set[str], deep: Any) -> None:
    for key in KEYS:
        check_row(normalise, keys, {"task_id": "task-1", key: deep})
        check_row(normalise, keys, {"task_id": "task-1", "links": [{"rel": "Up", key: deep}]})


LIST_PATHS = [(), ("resources", "tasks"), ("entities", "jobs"), ("entities", "backup_job_sessions")]


class Served(DocumentClient):
    """A client that reads the same document from every address."""

    def __init__(self, document: Document) -> None:
        super().__init__(CLIENT.connection)
        self.document = document
        self.reads = 0

    def get(self, path: str, *, accept: str | None = None) -> Document:
        self.reads += 1
        assert self.reads < 1000, "endless reads"
        assert path.startswith("/api/")
        return self.document


def check_document(data: Any, root: str | None) -> None:
    """Read a document in every way."""
    served = Served(Document(root, data))

    def read_pages() -> None:
        for list_path in LIST_PATHS:
            for rows in served.iter_pages("/api/query?type=Task&pageSize=5", list_path=list_path):
                for row in rows:
                    for normalise, keys in SHAPES:
                        check_row(normalise, keys, row)

    ways: list[Callable[[], object]] = [
        read_pages,
        *(
            lambda kind=kind: list(iter_collection(served, kind.collection, kind.target.list_path[-1]))
            for kind in JOB_KINDS.values()
        ),  # type: ignore[misc]
        lambda: JobSessions(served).read("/api/backupSessions/x"),
        lambda: list(iter_rows(data, "tasks", "task")),
        *(lambda list_path=list_path: read_page(Document(root, data), list_path) for list_path in LIST_PATHS),  # type: ignore[misc]
    ]
    for way in ways:
        served.reads, is_endless = 0, False
        try:
            way()
        except EmError as err:
            assert err.kind == "bad_response", err.to_fail_json()
        except RecursionError:
            is_endless = True
        assert not is_endless, "endless recursion"


roots = st.sampled_from([None, "query_result", "jobs", "agent_backup_jobs", "nas_jobs", "task", "html"])


@given(trees, roots)
@example("text", "jobs")
@example([], None)
@example({"paging_info": {"page_num": 1}, "resources": {"tasks": [{"href": {"a": "b"}}]}}, None)
def test_any_document(data: Any, root: str | None) -> None:
    check_document(data, root)


@given(trees, trees, roots, st.sampled_from([path for path in LIST_PATHS if path]), st.sampled_from([1, 2, "1", None, "x"]))
def test_any_list_of_a_query(inner: Any, paging: Any, root: str | None, list_path: tuple[str, str], number: Any) -> None:
    info = paging if isinstance(paging, dict) else {"links": paging}
    data = {list_path[0]: {list_path[1]: inner}, "paging_info": {"page_num": number, "pages_count": 2, **info}}
    check_document(data, root)


@pytest.mark.parametrize("deep", DEEP + [nest(5000, key, [{"href": "x"}]) for key in ("tasks", "task", "jobs", "x")])
def test_deep_documents(deep: Any) -> None:
    paging = {"page_num": 1, "pages_count": 1}
    for root in (None, "query_result", "jobs"):
        for container, name in LIST_PATHS[1:]:
            check_document({container: {name: deep}, "paging_info": paging}, root)
            check_document({container: {name: [{"other": deep}]}, "paging_info": paging}, root)
            check_document({container: deep, "paging_info": paging}, root)
        check_document(deep, root)
        check_document({"jobs": deep, "paging_info": {**paging, "links": deep}}, root)


# ---------------------------------------------------------------------------------------------------------------------
# The same entity, whatever the format

_NOT_XML = "".join(map(chr, (*range(0x20), 0xFFFE, 0xFFFF)))
words = plain_texts.map(lambda text: "".join(character for character in text if character not in _NOT_XML))
dates = st.sampled_from(["2026-11-23T18:00:00.5Z", "2026-11-23T18:00:00Z", "1753-01-01T00:00:00Z"])
guids = st.uuids().map(str)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def entities(name: str, attributes: dict[str, Any], members: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return an entity as (name, attributes, members, links), each value possibly missing."""
    links = st.fixed_dictionaries(
        {
            "Href": st.tuples(st.sampled_from(["https://h:9398", "http://h:9399"]), guids).map("/api/x/".join),
            "Name": optional(words),
            "Type": st.sampled_from([None, "BackupServerReference", "JobReference"]),
            "Rel": st.sampled_from(["Up", "Down", "Related", "Delete"]),
        }
    )
    return st.tuples(
        st.just(name),
        st.fixed_dictionaries({key: optional(value) for key, value in attributes.items()}),
        st.fixed_dictionaries({key: optional(value) for key, value in members.items()}),
        st.lists(links, max_size=3),
    )


_HREF = guids.map("https://h:9398/api/x/{}?format=Entity".format)
_STATE = st.sampled_from(["Running", "OperationFinished", "Finished", "Stopped"])
ENTITIES: list[tuple[Normalise, st.SearchStrategy[Any]]] = [
    (
        normalise_task,
        entities(
            "Task",
            {"Href": _HREF, "Type": st.just("Task")},
            {
                "TaskId": st.integers(1, 99).map("task-{}".format),
                "State": _STATE,
                "Operation": words,
                "Result": st.fixed_dictionaries({"Success": st.booleans(), "Message": optional(words)}),
            },
        ).filter(lambda entity: entity[1]["Href"] or entity[2]["TaskId"]),
    ),
    (
        normalise_job,
        entities(
            "Job",
            {"Href": _HREF, "Name": words, "UID": guids.map("urn:veeam:Job:{}".format)},
            {
                "JobType": words,
                "Platform": words,
                "Description": words,
                "NextRun": dates,
                "ScheduleConfigured": st.booleans(),
                "ScheduleEnabled": st.booleans(),
            },
        ),
    ),
    (
        normalise_job_session,
        entities(
            "BackupJobSession",
            {"Href": _HREF, "Name": words, "UID": guids},
            {
                "JobUid": guids,
                "JobName": words,
                "JobType": words,
                "CreationTimeUTC": dates,
                "EndTimeUTC": dates,
                "State": _STATE,
                "Result": st.sampled_from(["None", "Success", "Failed"]),
                "Progress": st.integers(0, 100),
                "IsRetry": st.booleans(),
                "FailureMessage": words,
            },
        ),
    ),
]


def print_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_xml(entity: Any) -> bytes:
    name, attributes, members, links = entity

    def write_attributes(values: dict[str, Any]) -> str:
        return "".join(f" {key}={quoteattr(print_value(value))}" for key, value in values.items() if value is not None)

    def write_member(key: str, value: Any) -> str:
        if isinstance(value, dict):
            message = "" if value["Message"] is None else write_member("Message", value["Message"])
            return f'<{key} Success="{print_value(value["Success"])}">{message}</{key}>'
        text = print_value(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return f"<{key}>{text}</{key}>"

    inner = "".join(f"<Link{write_attributes(link)} />" for link in links)
    inner = f"<Links>{inner}</Links>" if links else ""
    inner += "".join(write_member(key, value) for key, value in members.items() if value is not None)
    text = f'<{name}{write_attributes(attributes)} xmlns="http://www.veeam.com/ent/v1.0">{inner}</{name}>'
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


def write_json(entity: Any, *, is_camel: bool, has_nulls: bool) -> bytes:
    _name, attributes, members, links = entity

    def rename(node: Any) -> Any:
        if isinstance(node, dict):
            return {
                camel_case(key) if is_camel else key: rename(value)
                for key, value in node.items()
                if has_nulls or value is not None
            }
        return [rename(one) for one in node] if isinstance(node, list) else node

    return json.dumps(rename({**members, **attributes, "Links": links or None}), ensure_ascii=is_camel).encode()


@pytest.mark.parametrize(("normalise", "strategy"), ENTITIES, ids=[one[0].__name__ for one in ENTITIES])
@given(data=st.data())
def test_every_format_gives_the_same(normalise: Normalise, strategy: st.SearchStrategy[Any], data: st.DataObject) -> None:
    entity = data.draw(strategy)
    shown = normalise(decode(write_xml(entity)).data, CLIENT)
    for is_camel in (False, True):
        for has_nulls in (False, True):
            body = write_json(entity, is_camel=is_camel, has_nulls=has_nulls)
            assert normalise(decode(body).data, CLIENT) == shown
