# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception: what a playbook sees of it."""

from __future__ import annotations

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError, create_option_error, quote, to_line


def test_a_failure_as_the_arguments_of_fail_json() -> None:
    err = EmError("not_found", "Gone.", status=404, method="GET", path="/api/x", detail="No.", result={"tasks": [1]})
    assert err.to_fail_json() == {
        "tasks": [1],
        "msg": "Gone.",
        "error": {"kind": "not_found", "status": 404, "method": "GET", "path": "/api/x", "detail": "No."},
    }


def test_what_is_not_known_is_null() -> None:
    err = EmError("timeout", "Late.")
    assert err.to_fail_json()["error"] == {"kind": "timeout", "status": None, "method": None, "path": None, "detail": None}
    assert err.may_have_been_sent, "unless it is known that it was not"


def test_a_result_cannot_replace_the_message() -> None:
    assert EmError("timeout", "Late.", result={"msg": "x", "error": "y"}).to_fail_json()["msg"] == "Late."


def test_a_changed_message_is_changed_everywhere() -> None:
    err = EmError("timeout", "Late.")
    err.add_context("Try again.")
    assert err.msg == str(err) == err.to_fail_json()["msg"] == "Late. Try again."
    err.set_message("Other.")
    assert err.msg == str(err) == "Other."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        ("CORP\\user", r"'CORP\user'"),
        ("a\nb", r"'a\nb'"),
        ("it's", '"it\'s"'),
        (5, "5"),
        (None, "None"),
        ([1], "[1]"),
    ],
)
def test_values_in_messages(value: object, shown: str) -> None:
    assert quote(value) == shown


def test_the_failure_for_an_option_has_option_value_and_hint() -> None:
    err = create_option_error("port", 0, "give a whole number")
    assert (err.kind, err.msg) == ("invalid_option", "The option port cannot be 0: give a whole number.")
    assert create_option_error("filter", "", "it is empty", kind="invalid_filter").kind == "invalid_filter"


def test_a_message_moves_no_cursor_and_forges_no_line() -> None:
    err = EmError("server_error", "a\x1b[2Jb\rc\x07\x9b\u202e\ud800", detail="\x1b")
    err.add_context("\x08d")
    assert err.msg == str(err) == r"a\x1b[2Jb\rc\x07\x9b\u202e\ud800 \x08d"
    assert err.detail == r"\x1b"
    assert EmError("server_error", "a\n\tb \u00fc\u4e2d").msg == "a\n\tb \u00fc\u4e2d"


def test_a_line_is_one_line() -> None:
    assert to_line("a\r\nb\u2028c\x0bd\te\x1b\u2066\n") == r"a b c d" + "\t" + r"e\x1b\u2066"
