# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of requests: formats, order, what is missing, what is unknown, and what the log keeps of them."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from emulator import Emulator
from emulator.shapes import shapes

from .samples import reference
from .wire import JSON, JSON_BODY, XML, Wire, xml_body

NO_OBJECT = "Object reference not set to an instance of an object."
ROOT = "Node [root] does not exist."


@pytest.fixture
def includes(em: Emulator) -> str:
    return f"/api/jobs/{em.world.job('SQL Backup').id}/includes"


def said(em: Emulator) -> dict[str, Any]:
    return {"HierarchyObjRef": reference(em), "HierarchyObjName": "build01"}


def test_both_formats(either: Emulator, on: Wire, includes: str) -> None:
    for answer in (
        on.send("POST", includes, said(either)),
        on("POST", includes, XML, xml_body("CreateObjectInJobSpec", **said(either))),
        on("POST", includes, {"Content-Type": "text/xml"}, xml_body("CreateObjectInJobSpec", **said(either))),
        on("POST", includes, JSON_BODY, b"\xef\xbb\xbf" + json.dumps(said(either)).encode()),
    ):
        assert answer.status == 202


def test_accept_says_how_a_body_is_read(either: Emulator, on: Wire, includes: str) -> None:
    xml, text = xml_body("CreateObjectInJobSpec", **said(either)), json.dumps(said(either)).encode()
    for headers, body in (
        ({**JSON, "Content-Type": "application/xml"}, xml),
        ({"Accept": "application/xml", "Content-Type": "application/json"}, text),
        ({"Content-Type": "application/json"}, text),
        ({**JSON, "Content-Type": "application/json"}, xml),
        ({"Accept": "application/xml", "Content-Type": "application/xml"}, text),
    ):
        answer = on("POST", includes, headers, body)
        assert answer.status == 400
        assert ROOT.encode() in answer.body


@pytest.mark.parametrize(("version", "status"), [(12, 202), (13, 415)])
def test_a_body_without_a_type(em: Emulator, on: Wire, includes: str, version: int, status: int) -> None:
    em.switches.update({"version": version})
    body = xml_body("CreateObjectInJobSpec", **said(em))
    assert on("POST", includes, {"Accept": "application/xml", "Content-Type": "text/plain"}, body).status == status


@pytest.mark.parametrize("left_out", ["HierarchyObjRef", "HierarchyObjName", "everything"])
def test_what_is_missing_is_a_500(em: Emulator, on: Wire, includes: str, left_out: str) -> None:
    body = {name: value for name, value in said(em).items() if left_out not in (name, "everything")}
    answers = [on.send("POST", includes, body), on("POST", includes, XML, xml_body("CreateObjectInJobSpec", **body))]
    answers.append(on("POST", includes, {"Content-Length": "0"}))
    for answer in answers:
        assert answer.status == 500
        assert NO_OBJECT.encode() in answer.body


def test_order_and_namespace_matter_in_xml(em: Emulator, on: Wire, includes: str) -> None:
    turned = dict(reversed(said(em).items()))
    assert on("POST", includes, XML, xml_body("CreateObjectInJobSpec", **turned)).status == 500
    assert on("POST", includes, XML, xml_body("AnotherSpec", **said(em))).status == 500
    assert on("POST", includes, XML, xml_body("CreateObjectInJobSpec", **said(em)).replace(b"/v1.0", b"/v2.0")).status == 500
    assert on.send("POST", includes, turned).status == 202
    options = {"IsCopyOnly": "true", "VssSnapshotMode": "Disabled"}
    deep = {**said(em), "GuestProcessingOptions": {"VssSnapshotOptions": options}}
    assert on("POST", includes, XML, xml_body("CreateObjectInJobSpec", **deep)).status == 500
    assert on.send("POST", includes, deep).status == 202


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"{nonsense", JSON_BODY), (b'{"a": 1', JSON_BODY), (b"[]", JSON_BODY), (b"<open>", XML), (b"<a/><b/>", XML)],
)
def test_broken_bodies(em: Emulator, on: Wire, includes: str, body: bytes, headers: dict[str, str]) -> None:
    assert on("POST", includes, headers, body).status == 400


@pytest.mark.parametrize(("version", "keys", "status"), [(12, "any", 500), (13, "exact", 500), (13, "any", 202)])
def test_case_of_keys(em: Emulator, on: Wire, *, includes: str, version: int, keys: str, status: int) -> None:
    em.switches.update({"version": version, "body_keys": keys})
    camel = {name[0].lower() + name[1:]: value for name, value in said(em).items()}
    assert on.send("POST", includes, camel).status == status


def test_unknown_members(em: Emulator, on: Wire, includes: str) -> None:
    body = {**said(em), "Nonsense": 1}
    assert on.send("POST", includes, body).status == 202
    em.switches.unknown_members = "refused"
    answer = on.send("POST", includes, body)
    assert answer.status == 400
    assert b"Could not find member 'Nonsense' on object of type 'CreateObjectInJobSpec'." in answer.body
    assert on.send("POST", includes, said(em)).status == 202


def test_strings_stand_for_booleans_and_numbers(em: Emulator, on: Wire) -> None:
    job = em.world.job("SQL Backup")
    retry = {"RetryTimes": "5", "RetrySpecified": "true"}
    assert on.result(on.send("PUT", f"/api/jobs/{job.id}", {"JobScheduleOptions": {"Standart": {"RetryOptions": retry}}}))[0]
    em.world.catch_up()
    assert job.schedule_options["Standart"]["RetryOptions"] == {"RetryTimes": 5, "RetryTimeout": 10, "RetrySpecified": True}
    for value in ("many", "1.5"):
        body = {"JobScheduleOptions": {"Standart": {"RetryOptions": {"RetryTimes": value}}}}
        assert on.send("PUT", f"/api/jobs/{job.id}", body).status == 400
    assert on.send("PUT", f"/api/jobs/{job.id}", {"ScheduleEnabled": "perhaps"}).status == 400


def test_the_same_body_in_both_formats() -> None:
    from xml.etree import ElementTree as ET

    text = (
        "<Job><Options><Days>Sunday</Days><Days>Monday</Days></Options>"
        "<Schedule><Day Name='Sunday'>1,0</Day></Schedule><IncludedIndexingFolders/><Tags><Tag>a</Tag></Tags>"
        "<Resources><BackupResource><Name>one</Name></BackupResource></Resources><GfsRetentionPolicy Enabled='true'/></Job>"
    )
    assert shapes().from_xml(ET.fromstring(text)) == {
        "Options": {"Days": ["Sunday", "Monday"]},
        "Schedule": {"Days": [{"Name": "Sunday", "Value": "1,0"}]},
        "IncludedIndexingFolders": [],
        "Tags": ["a"],
        "Resources": {"BackupResources": [{"Name": "one"}]},
        "GfsRetentionPolicy": {"Enabled": "true"},
    }


def test_the_log_keeps_bodies_but_no_passwords(em: Emulator, on: Wire) -> None:
    path, secret = f"/api/backupServers/{em.world.server().id}/credentials?action=create", "s3cret-in-b0dy"
    body = {"Username": "VBEM\\new", "Description": "of the lab", "Password": secret}
    on.send("POST", path, body)
    on("POST", path, XML, xml_body("CredentialsInfoSpec", **body))
    on("POST", path, XML, b"<Broken><Password>" + secret.encode())
    assert all(secret.encode() in entry.body for entry in em.requests("POST", "credentials"))
    with urllib.request.urlopen(f"{em.control_url}/log?method=POST&path=credentials") as response:
        text = response.read().decode()
    assert secret not in text
    shown = [entry["body"] for entry in json.loads(text)]
    assert json.loads(shown[0]) == {**body, "Password": "********"}
    assert "<Description>of the lab</Description>" in shown[1]
    assert shown[2] == "(cannot be read)"
