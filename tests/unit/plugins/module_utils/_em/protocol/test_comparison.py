# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a body differs from a resource."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.comparison import find_differences


@pytest.mark.parametrize(
    ("wanted", "current"),
    [
        ("One", "One"),
        (5, "5"),
        ("5", 5),
        (True, "true"),
        ("True", True),
        (False, "false"),
        (None, "anything"),
        ("", None),
        ("", ""),
        ("", []),
        (
            "urn:veeam:Repository:0197555D-F90D-5539-ADFB-759AF7F46383",
            "urn:veeam:Repository:0197555d-f90d-5539-adfb-759af7f46383",
        ),
        ("22:00", "2019-10-23T22:00:00"),
        ("22:00:00.0000000+01:00", "2019-10-23T22:00:00+01:00"),
        ("22:00:00+01:00", "2019-10-23T22:00:00"),
        ("2030-12-31", "2030-12-31T00:00:00"),
        ("2030-12-31T00:00:00Z", "2030-12-31T01:00:00+01:00"),
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["a"], {"days": ["a"]}),
        ({"Days": ["a"]}, ["a"]),
        ({"Days": ["a"]}, {"days": ["a"]}),
        ([{"A": 1}], [{"a": "1", "b": 2}]),
        ({"Inner": {"A": 1}}, {"inner": {"a": 1, "b": 2}}),
    ],
)
def test_the_same(wanted: Any, current: Any) -> None:
    assert find_differences({"Member": wanted}, {"member": current}) == ([], [])


@pytest.mark.parametrize(
    ("wanted", "current"),
    [
        ("One", "one"),
        ("One", None),
        (5, "6"),
        (5, None),
        (1, True),
        (True, 1),
        (True, None),
        (False, None),
        ("", "One"),
        ("22:00", "2019-10-23T22:01:00"),
        ("22:00:05", "2019-10-23T22:00:00"),
        ("22:00+01:00", "2019-10-23T22:00:00+02:00"),
        ("2030-12-31", "2030-12-30T00:00:00"),
        ("2030-12-31", "soon"),
        ([], ["a"]),
        ([], None),
        (["a"], ["a", "b"]),
        (["a", "b"], ["b", "a"]),
        (["a"], "a"),
        ([{"A": 1}], [{"a": 2}]),
    ],
)
def test_not_the_same(wanted: Any, current: Any) -> None:
    assert find_differences({"Member": wanted}, {"member": current}) == (["Member"], [])


def test_differences_are_named_by_their_paths() -> None:
    body = {"Name": "x", "Outer": {"Inner": {"A": 1, "B": 2}, "C": 3}, "@Enabled": True, "List": [{"A": 1}]}
    resource = {"name": "y", "outer": {"inner": {"a": 1, "b": 3}}, "enabled": False, "list": [{"a": 2}]}
    assert find_differences(body, resource) == (["Name", "Outer.Inner.B", "Outer.C", "Enabled", "List"], [])


def test_secrets_cannot_be_compared() -> None:
    body = {"Password": "a", "GuestCredentials": {"UserName": "x", "Password": "b"}, "PasswordKeyId": "1"}
    assert find_differences(body, {"password": "", "guest_credentials": {"user_name": "x"}, "password_key_id": "2"}) == (
        ["PasswordKeyId"],
        ["Password", "GuestCredentials.Password"],
    )


@pytest.mark.parametrize(
    ("body", "resource"),
    [
        ({"DnsNameOrIpAddress": "vbr01"}, {"name": "vbr01"}),
        (
            {"LeaseExpirationDate": "2030-12-31"},
            {"lease_options": {"enabled": True, "lease_expiration_date": "2030-12-31T00:00:00"}},
        ),
        ({"RetrySpecified": True}, {"retry_specified1": "true"}),
        ({"OptionsContinuous": {"@Enabled": True}}, {"options_continious": {"enabled": True}}),
    ],
)
def test_what_the_resource_calls_otherwise(body: dict[str, Any], resource: dict[str, Any]) -> None:
    assert find_differences(body, resource) == ([], [])
    assert find_differences(body, {})[0]
    assert find_differences(body, {"lease_options": None})[0]
    other: dict[str, Any] = {name: {"@Enabled": False} if isinstance(value, dict) else "0" for name, value in body.items()}
    assert find_differences(other, resource)[0]


def test_a_resource_that_is_no_object() -> None:
    assert find_differences({"Outer": {"A": 1}}, {"outer": "text"}) == (["Outer.A"], [])
