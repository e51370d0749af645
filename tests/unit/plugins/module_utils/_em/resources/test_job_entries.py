# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as code: where the objects of a job are read, and what an export may say so that it can be applied again."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Response
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.references import Reference
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import job_entries
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.infrastructure import Infrastructure
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_entries import (
    HeldObject,
    JobInventory,
    describe_object,
    export_jobs,
    is_expressible,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import (
    JOB_GUID,
    JOB_UID,
    ROOT,
    ROOT_ID,
    FakeClient,
    answer,
)

REF = f"urn:VMware:Vm:{ROOT_ID}.vm-1"
INCLUDES = f"/api/jobs/{JOB_GUID}/includes"


def make_ref(number: int) -> str:
    return f"urn:VMware:Vm:{ROOT_ID}.vm-{number}"


def make_job(shown: Any = None, *, name: str = "SQL", uid: str = JOB_UID, server: str = "vbr01") -> Job:
    """Return a job which shows these objects itself."""
    raw = {
        "job_type": "Backup",
        "links": [{"rel": "Down", "href": f"https://elsewhere:1{INCLUDES}"}],
        "job_info": {"backup_job_info": {"includes": shown}},
    }
    return Job({"name": name, "uid": uid, "backup_server": server, "job_type": "Backup"}, raw)


def show(number: int | None) -> dict[str, Any]:
    """Return an object as a job shows it itself."""
    return {"name": f"shown {number}", **({"hierarchy_obj_ref": make_ref(number)} if number is not None else {})}


def row(number: int | None) -> dict[str, Any]:
    """Return an object as the query and the job's own list show it."""
    links = [{"Rel": "Up", "Type": "JobReference", "Href": f"https://elsewhere:1/api/jobs/{JOB_GUID}"}]
    ref = {"HierarchyObjRef": make_ref(number)} if number is not None else {}
    return {"ObjectInJobId": f"id {number}", "Name": f"row {number}", "Links": links, **ref}


def answer_query(*rows: dict[str, Any]) -> Response:
    return answer(
        200,
        {
            "Entities": {"ObjectsInJob": {"ObjectsInJob": list(rows)}},
            "PagingInfo": {"PageNum": 1, "PageSize": 500, "PagesCount": 1},
        },
    )


REFUSED = EmError("server_error", "The server answered 500.", status=500)


@pytest.mark.parametrize(
    ("shown", "queried", "names"),
    [
        ([show(1), show(2)], EmError("connection", "Not to be sent."), ["shown 1", "shown 2"]),
        ({"object_in_job": show(1)}, EmError("connection", "Not to be sent."), ["shown 1"]),
        ([show(1), show(None)], answer_query(row(1), row(2)), ["row 1", "row 2"]),
        (None, answer_query(row(1), row(1)), ["row 1"]),
        (None, answer_query(row(1), row(None)), ["row 3"]),
        (None, answer_query(), ["row 3"]),
        (None, REFUSED, ["row 3"]),
    ],
)
def test_what_shows_objects_without_their_references_does_not_count(
    monkeypatch: pytest.MonkeyPatch, shown: Any, queried: Response | EmError, names: list[str]
) -> None:
    """The job itself counts, then the query for the objects of all jobs, then the job's own list, each only if complete."""

    def script(_method: str, path: str) -> Response | EmError:
        return answer(200, {"ObjectInJobs": [row(3)]}) if path.startswith(INCLUDES) else queried

    monkeypatch.setattr(job_entries, "find_jobs", lambda *_args: [])
    found = JobInventory(FakeClient(script, retries=0)).list_objects(make_job(shown))
    assert [one.name for one in found or []] == names


@pytest.mark.parametrize("kind", ["connection", "session_lost"])
def test_a_failure_of_the_query_is_no_empty_job(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    failure = EmError(kind, "It failed.", status=401 if kind == "session_lost" else None)

    def script(_method: str, path: str) -> Response | EmError:
        return answer(200, {"ObjectInJobs": []}) if path.startswith(INCLUDES) else failure

    monkeypatch.setattr(job_entries, "find_jobs", lambda *_args: [])
    inventory = JobInventory(FakeClient(script, retries=0))
    for _attempt in range(2):
        with pytest.raises(EmError) as caught:
            inventory.list_objects(make_job())
        assert caught.value.kind == kind


# ---------------------------------------------------------------------------------------------------------------------
# What an export may say


@pytest.mark.parametrize(("names", "expected"), [(["First"], True), (["First", "First"], False), (["Second"], False)])
def test_a_job_that_is_followed_is_named_only_if_the_name_is_that_of_one_job(names: list[str], expected: bool) -> None:
    """The same name in the file would be ambiguous when it is applied."""
    guids = [f"00000000-0000-4000-8000-{number:012}" for number in range(len(names))]
    part = {"enabled": "true", "previous_job_uid": f"urn:veeam:Job:{guids[-1]}"}
    job = Job({}, {"job_schedule_options": {"standart": {"options_daisy_chaining": part}}})
    assert is_expressible(job, {"schedule": {"after_job": "First"}}, dict(zip(guids, names))) is expected


class Roots(Infrastructure):
    """Some hierarchy roots."""

    def __init__(self, *roots: dict[str, Any]) -> None:
        self.roots = list(roots)

    def list_roots(self) -> list[dict[str, Any]]:
        return self.roots

    def get_root(self, reference: Reference) -> dict[str, Any] | None:
        return next((root for root in self.roots if str(root["uid"]).endswith(str(reference.root_id))), None)


@pytest.mark.parametrize(
    ("ref", "roots", "is_portable"),
    [
        (REF, [ROOT], True),
        (REF, [ROOT, {**ROOT, "uid": "urn:veeam:HierarchyRoot:b"}], False),
        (REF, [ROOT, {**ROOT, "uid": "urn:veeam:HierarchyRoot:b", "backup_server": "vbr02"}], True),
        (REF, [ROOT, {**ROOT, "uid": "urn:veeam:HierarchyRoot:b", "unique_id": "other"}], True),
        (REF, [{**ROOT, "platform": "HyperV"}], False),
        (REF, [], False),
        ("vm-1", [ROOT], False),
    ],
)
def test_an_object_is_portable_only_if_its_entry_leads_back_to_it(
    ref: str, roots: list[dict[str, Any]], is_portable: bool
) -> None:
    entry = describe_object(Roots(*roots), HeldObject(ref, "web01"), "vbr01")
    portable = {"name": "web01", "type": "Vm", "moid": "vm-1", "root": "vcenter01", "root_id": "4c4c4544"}
    assert entry == (portable if is_portable else {"name": "web01", "ref": ref})


def test_the_order_of_an_export_does_not_depend_on_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [
        make_job([show(1)], name=name, server=server, uid=f"urn:veeam:Job:{number}")
        for number, (server, name) in enumerate([("vbr10", "a"), ("vbr2", "Job 10"), ("vbr2", "Job 9"), ("vbr2", "job 9")])
    ]
    orders = []
    for listed in (jobs, jobs[::-1]):
        monkeypatch.setattr(job_entries, "find_jobs", lambda *_args, listed=listed: list(listed))
        inventory = JobInventory(FakeClient(lambda _method, _path: REFUSED, retries=0))
        inventory.infrastructure = Roots(ROOT)
        entries = export_jobs(inventory, names=None, backup_server=None).entries
        orders.append([cast(str, entry["name"]) for entry in entries])
    assert orders == [["Job 9", "job 9", "Job 10", "a"]] * 2
