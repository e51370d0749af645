# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup veeam_object: its terms, and that it returns what veeam_object_info does.

The connection of lookups is tested in ``test_lookup_veeam_query.py``.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError
from support.emulators import create_environment_variables

from ansible_collections.vbem.rest.plugins.lookup.veeam_object import DOCUMENTATION, OWN_OPTIONS, LookupModule
from ansible_collections.vbem.rest.plugins.modules import veeam_object_info
from emulator import Emulator

from .harness import Harness, all_versions_and_formats
from .test_lookup_veeam_query import Templar, make_session
from .test_veeam_job_object import VCENTER, find_ref


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, em: Emulator) -> None:
    for name, value in create_environment_variables(em).items():
        monkeypatch.setenv(name, value)


def run_lookup(*terms: Any, **options: Any) -> list[dict[str, Any]]:
    return LookupModule(templar=Templar()).run(list(terms), {}, **options)


def names(objects: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in objects]


@all_versions_and_formats
def test_it_returns_the_objects_of_the_module(harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [{"name": "web*", "root": VCENTER}, {"moid": "vm-104", "root": VCENTER}, {"name": "nobody", "root": VCENTER}]
    params = {"objects": [{"ref": None, "moid": None, "name": None, "type": "Vm", **one} for one in given], "in_jobs": True}
    expected = harness.run(veeam_object_info, None, {}, params)["objects"]
    assert len(expected) > 2
    assert any(one["jobs"] for one in expected)
    monkeypatch.setenv("VBEM_RESPONSE_FORMAT", harness.response_format)
    assert run_lookup(*given, in_jobs=True) == expected
    assert em.sessions == []


def test_a_term_is_a_name_or_a_reference_or_a_dictionary(em: Emulator) -> None:
    ref = find_ref(em, "web01")
    assert names(run_lookup("web02", root=VCENTER)) == ["web02"]
    assert names(run_lookup(ref.upper().replace("URN:", "urn:"))) == ["web01"]
    assert names(run_lookup(ref, root="a root of others")) == ["web01"]
    assert names(run_lookup({"moid": "vm-104"}, root=VCENTER)) == names(run_lookup({"moid": "vm-104", "root": VCENTER}))
    assert names(run_lookup("gold", type="Tag", root=VCENTER)) == ["gold"]
    assert names(run_lookup({"name": "gold", "type": "Tag"}, "web02", root=VCENTER)) == ["gold", "web02"]
    assert names(run_lookup(["web02", ref], root=VCENTER)) == ["web02", "web01"]


def test_jobs_are_read_if_asked_for(em: Emulator) -> None:
    assert [one["jobs"] for one in run_lookup("web01", root=VCENTER)] == [None]
    assert not [entry for entry in em.log if "ObjectInJob" in entry.target]
    (web01,) = run_lookup("web01", root=VCENTER, in_jobs=True)
    assert [job["name"] for job in web01["jobs"]] == ["Daily Backup"]
    assert [entry for entry in em.log if "ObjectInJob" in entry.target]


def test_nothing_found_is_an_empty_list_and_a_failure_is_not(em: Emulator) -> None:
    assert run_lookup("nobody", root=VCENTER) == []
    em.fault("status", status=403, path="/api/lookup", times=None)
    with pytest.raises(AnsibleLookupError, match=r"\(forbidden\)$"):
        run_lookup("nobody", root=VCENTER)
    assert em.sessions == []


def test_an_empty_list_takes_no_request(em: Emulator) -> None:
    assert run_lookup([]) == []
    assert em.log == []


@pytest.mark.parametrize("wrap", [dict, json.dumps, lambda one: [one], lambda one: {"name": one}])
def test_a_session_as_a_term_is_refused_with_a_hint(em: Emulator, wrap: Any) -> None:
    session = make_session(em)
    with pytest.raises(AnsibleLookupError, match="objects cannot be a session or credentials") as caught:
        run_lookup("web01", wrap(session))
    assert session["token"] not in str(caught.value)
    assert session["id"] not in str(caught.value)
    assert em.log == []


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        ([], {}, "No object is given: give a name, a reference, or a dictionary with the keys ref, moid, name, root, type."),
        ([5], {}, r"objects \(number 1\) cannot be 5: give a name"),
        (["web01", ""], {}, r"objects \(number 2\) cannot be .*: give ref, moid with root, or name with root"),
        ([{"nmae": "web01"}], {}, r"objects \(number 1\) has the unknown key nmae"),
        ([{"name": ["web01"]}], {}, r"name of objects \(number 1\) cannot be .*: give a text"),
        ([{"ref": "vm-104"}], {}, r"ref of objects \(number 1\) cannot be 'vm-104': give a reference such as"),
        (["web01"], {"type": "Machine"}, r"type of objects \(number 1\) cannot be 'Machine': give one of "),
        (["web01"], {"in_jobs": "maybe"}, "in_jobs cannot be 'maybe'"),
        (["web01"], {"job": "x"}, "There is no option job"),
    ],
)
def test_bad_options_are_refused_before_any_request(
    em: Emulator, terms: list[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleLookupError, match=message) as caught:
        run_lookup(*terms, **options)
    assert "(invalid_option)" in str(caught.value)
    assert em.log == []


def test_the_documentation_has_the_options() -> None:
    """The lookup reads its options itself, so nothing else would notice a difference."""
    documented = yaml.safe_load(DOCUMENTATION)["options"]
    documented.pop("_terms")
    found = {name: (entry["type"], entry.get("default")) for name, entry in documented.items()}
    assert found == {option.name: (option.type, option.default) for option in OWN_OPTIONS}
