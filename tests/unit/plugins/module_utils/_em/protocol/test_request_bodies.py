# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a body in JSON's form becomes in XML."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import encode
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.operations import BODIES
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.request_bodies import (
    BodySchema,
    create_xml_body,
    find_schema,
    parse_tree,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", {}),
        ("A", {"A": {}}),
        ("A,B", {"A": {}, "B": {}}),
        ("A(B,C(D)),E", {"A": {"B": {}, "C": {"D": {}}}, "E": {}}),
    ],
)
def test_trees(text: str, tree: dict[str, Any]) -> None:
    assert parse_tree(text) == tree


@pytest.mark.parametrize(
    ("method", "path", "root"),
    [
        ("PUT", "/api/cloud/tenants/1", "CloudTenant"),
        ("PUT", "/api/CLOUD/Tenants/1", "CloudTenant"),
        ("POST", "/api/cloud/tenants", "CreateCloudTenantSpec"),
        ("POST", "/api/cloud/tenants/1", None),
        ("DELETE", "/api/cloud/tenants/1", None),
        ("POST", "/api/jobs/1?action=clone", "JobCloneSpec"),
        ("POST", "/api/jobs/1?x=y&ACTION=Clone", "JobCloneSpec"),
        ("POST", "/api/jobs/1?action=start", None),
        ("POST", "/api/jobs/1", None),
        ("PUT", "/api/jobs/1?action=edit", "Job"),
        ("PUT", "/api/jobs/1", "Job"),
        ("PUT", "/api/jobs/1?action=other", None),
        ("POST", "/api/jobs/1/linkedJobs", ""),
        ("POST", "/api/vmRestorePoints/1/mounts/2/C:/a/b?action=restore", "FileRestoreSpec"),
        ("POST", "/api/security/accounts", "EnterpriseAccountCreateSpec"),
        ("POST", "/api/security/accounts?action=rebuildScope", "RebuildScopeJobSpec"),
    ],
)
def test_the_schema_of_an_operation(method: str, path: str, root: str | None) -> None:
    schema = find_schema(method, path)
    assert (None if schema is None else schema.root) == root


def test_each_body_is_found_by_its_own_address() -> None:
    for method, path, root, members in BODIES:
        found = find_schema(method, "/api/" + path.replace("{filepath}", "C:/a").replace("{ID}", "1"))
        assert found == BodySchema(root, parse_tree(members))


def to_xml(method: str, path: str, members: dict[str, Any]) -> str:
    schema = find_schema(method, path)
    assert schema is not None
    text = encode(create_xml_body(schema, members), "application/xml").decode()
    return text.partition("?>")[2].strip().replace(' xmlns="http://www.veeam.com/ent/v1.0"', "")


@pytest.mark.parametrize(
    ("path", "members", "expected"),
    [
        pytest.param(
            "cloud/tenants/1",
            {"Enabled": True, "Password": "x", "NewMember": 1, "description": "a"},
            "<CloudTenant><Password>x</Password><Description>a</Description><Enabled>true</Enabled><NewMember>1</NewMember></CloudTenant>",
            id="order",
        ),
        pytest.param(
            "cloud/tenants/1",
            {
                "Resources": {
                    "CloudTenantResources": [{"RepositoryQuota": {"Quota": 1, "Unlimited": False}, "Id": "7"}, {"Id": "8"}]
                }
            },
            '<CloudTenant><Resources><CloudTenantResource Id="7"><RepositoryQuota Unlimited="false"><Quota>1</Quota></RepositoryQuota>'
            '</CloudTenantResource><CloudTenantResource Id="8"/></Resources></CloudTenant>',
            id="list and attributes",
        ),
        pytest.param(
            "cloud/tenants/1",
            {"UID": "urn:1", "Name": "ACME"},
            '<CloudTenant UID="urn:1" Name="ACME"/>',
            id="attributes of an entity",
        ),
        pytest.param(
            "jobs/1",
            {
                "JobScheduleOptions": {
                    "Standart": {"OptionsDaily": {"Days": ["Monday", "Friday"], "Kind": "x", "Enabled": True}}
                }
            },
            '<Job><JobScheduleOptions><Standart><OptionsDaily Enabled="true"><Kind>x</Kind><Days>Monday</Days><Days>Friday</Days>'
            "</OptionsDaily></Standart></JobScheduleOptions></Job>",
            id="days that are texts",
        ),
        pytest.param(
            "jobs/1",
            {
                "JobScheduleOptions": {
                    "Standart": {"OptionsBackupWindow": {"TimePeriods": {"Days": [{"Name": "Sunday", "Value": "0,1"}]}}}
                }
            },
            '<Job><JobScheduleOptions><Standart><OptionsBackupWindow><TimePeriods><Day Name="Sunday">0,1</Day></TimePeriods>'
            "</OptionsBackupWindow></Standart></JobScheduleOptions></Job>",
            id="days that are tables of hours",
        ),
    ],
)
def test_members_in_xml(path: str, members: dict[str, Any], expected: str) -> None:
    assert to_xml("PUT", f"/api/{path}", members) == expected


def test_lists_of_texts() -> None:
    options = {
        "WindowsGuestFSIndexingOptions": {"ExcludedIndexingFolders": ["a", "b"]},
        "FSFileExcludeOptions": {"ExcludeLists": ["c"]},
    }
    text = to_xml("POST", "/api/jobs/1/includes", {"GuestProcessingOptions": options, "HierarchyObjRef": "r"})
    assert "<ExcludedIndexingFolders><Path>a</Path><Path>b</Path></ExcludedIndexingFolders>" in text
    assert "<ExcludeList><Path>c</Path></ExcludeList>" in text
    assert text.index("<HierarchyObjRef>") < text.index("<GuestProcessingOptions>")


def test_xml_that_is_given_in_its_own_form() -> None:
    members = {"Resources": {"CloudTenantResource": [{"@Id": "7"}]}, "Password": "x"}
    expected = '<CloudTenant><Password>x</Password><Resources><CloudTenantResource Id="7"/></Resources></CloudTenant>'
    assert to_xml("PUT", "/api/cloud/tenants/1", members) == expected
