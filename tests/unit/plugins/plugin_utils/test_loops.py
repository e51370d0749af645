# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which items of loops hold secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.plugin_utils._loops import holds_secrets, list_option_secrets

SESSION = {"hostname": "em1", "port": 9398, "id": "0c57-id", "token": "MGM1Ny1pZA==", "username": "backup"}
KNOWN = ["hostname", "port", "username", "name", "session", "body"]


class Failing(Mapping[str, Any]):
    """Stands in for variables whose templates fail."""

    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("'nobody' is undefined")

    def __iter__(self) -> Iterator[str]:
        return iter(["name"])

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "item",
    [
        {"password": "x"},
        {"name": "em1", "EM_Password": 4711},
        {"session": SESSION},
        {"results": [{"a": [{"token": "x"}]}]},
        {"credential": {"user": "a", "text": "b"}},
        {"name": "em1", "pw": "x"},
        {"name": "em1", "em_pass": "x"},
        {"api-key": "x"},
        [{"accessKey": "x"}],
    ],
)
def test_a_member_with_the_name_of_a_secret_is_one(item: Any) -> None:
    assert holds_secrets(item, ())


@pytest.mark.parametrize(
    "item",
    [
        None,
        "SQL Backup",
        3,
        True,
        {"name": "SQL Backup", "uid": "urn:veeam:Job:1", "links": [{"href": "https://em1/api/jobs/1"}]},
        {"password": None, "token": "", "session_id": False},
        {"invocation": {"module_args": {"password": "(hidden)", "session": "(hidden)", "token": "********"}}},
        {"module_args": {"password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}},
        {"password_key_id": 7, "bypass": "yes"},
    ],
)
def test_what_is_shown_instead_of_a_secret_is_none(item: Any) -> None:
    assert not holds_secrets(item, ())


@pytest.mark.parametrize("item", ["0c57-id", ["a", {"note": "the id is 0c57-id."}], {"0c57-id": 1}, {("a", "0c57-id"): 1}])
def test_a_secret_of_the_task_is_found_wherever_it_is(item: Any) -> None:
    assert holds_secrets(item, ["0c57-id"])
    assert not holds_secrets(item, ["another"])


def test_numbers_count_as_the_text_that_is_shown() -> None:
    assert holds_secrets({"a": 471199}, ["471199"])


def test_what_cannot_be_looked_into_counts_as_a_secret() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert holds_secrets([Failing()], ())
    assert holds_secrets(endless, ())


def test_further_secrets_may_be_known() -> None:
    assert holds_secrets({"a": ["b"]}, (), lambda value: value == "b")
    assert not holds_secrets({"a": ["c"]}, (), lambda value: value == "b")


@pytest.mark.parametrize(
    ("args", "secrets"),
    [
        ({"hostname": "em1", "port": 9398, "username": "backup", "password": "long"}, {"long"}),
        ({"session": SESSION, "name": "SQL Backup"}, {"0c57-id", "MGM1Ny1pZA=="}),
        ({"session": "MGM1Ny1pZA=="}, {"MGM1Ny1pZA=="}),
        ({"session": {"hostname": "em1", "id": None, "token": ""}}, set()),
        ({"body": {"Name": "a", "Credentials": [{"Password": "b"}]}}, {"b"}),
        ({"body": '{"Password": "b"}'}, {'{"Password": "b"}'}),
        ({"pasword": "long", "sesion": {"token": "a", "hostname": "em1"}}, {"long", "a", "em1"}),
        ({"password": None}, set()),
        ({"password": 4711}, {"4711"}),
        ({"hostname": "https://backup:long@em1"}, {"https://backup:long@em1"}),
    ],
)
def test_secrets_of_a_task(args: dict[str, Any], secrets: set[str]) -> None:
    assert list_option_secrets(args, ["password"], [*KNOWN, "password"]) == secrets
