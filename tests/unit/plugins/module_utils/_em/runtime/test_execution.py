# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executing a module's ``run``: the outcome, what is shown of its options, and Ansible's own complaints."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.argument_spec import (
    INTERNAL_OPTIONS,
    create_connection_spec,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.execution import (
    Outcome,
    create_invocation,
    execute,
    explain_invalid_options,
    is_masking,
    list_shown_options,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.progress import create_file_link

PARAMS: dict[str, Any] = {
    **{option.name: option.default for option in CONNECTION_OPTIONS},
    "hostname": "em.example.com",
    "username": "u",
    "password": "a-long-password",
}


def run(function: Any, *, diff: bool = False, params: dict[str, Any] = PARAMS, **settings: Any) -> Outcome:
    return execute(function, params, check_mode=True, diff=diff, link=create_file_link(None), **settings)


def test_odd_text_of_a_server_reaches_no_terminal() -> None:
    def function(client: Any, _params: Any, _check_mode: bool) -> dict[str, Any]:
        client.warnings.append("The job a\x1b[2J\r\n[ERROR]: b\u202e.")
        return {"changed": True, "name": "a\x1b", "diff": {"before": "a\x1b\rb\nc", "after": "", "prepared": None}}

    outcome = run(function, diff=True)
    assert outcome.warnings == ["The job a\\x1b[2J [ERROR]: b\\u202e."]
    assert outcome.result["diff"] == {"before": "a\\x1b\\rb\nc", "after": "", "prepared": None}
    assert outcome.result["name"] == "a\x1b", "values stay as they are"


def fail(error: BaseException) -> Any:
    def function(_client: Any, _params: Any, _check_mode: bool) -> dict[str, Any]:
        raise error

    return function


@pytest.mark.parametrize("diff", [True, False])
def test_a_result(diff: bool) -> None:
    seen: list[Any] = []

    def function(client: Any, params: Any, check_mode: bool) -> dict[str, Any]:
        seen.append((params, check_mode))
        client.warnings.append("Look out.")
        client.hide(["hidden"])
        return {"changed": True, "diff": {"before": "a"}}

    outcome = run(function, diff=diff)
    assert outcome.result == {"changed": True, **({"diff": {"before": "a"}} if diff else {})}
    assert (outcome.failed, outcome.warnings, outcome.secrets) == (False, ["Look out."], {"a-long-password", "hidden"})
    assert seen == [(PARAMS, True)]


def test_a_failure_keeps_what_is_known() -> None:
    outcome = run(fail(EmError("partial", "Some.", result={"deleted": [1], "diff": {"before": "a"}})))
    assert outcome.failed
    assert (outcome.result["msg"], outcome.result["deleted"]) == ("Some.", [1])
    assert outcome.result["error"]["kind"] == "partial"
    assert "diff" not in outcome.result


def test_wrong_options_are_a_failure_before_anything_runs() -> None:
    outcome = run(fail(AssertionError()), params={**PARAMS, "port": 0})
    assert outcome.failed
    assert outcome.result["error"]["kind"] == "invalid_option"
    assert (outcome.warnings, outcome.secrets) == ([], set())


def test_an_interruption_is_a_failure() -> None:
    outcome = run(fail(KeyboardInterrupt()))
    assert outcome.failed
    assert outcome.result["error"]["kind"] == "timeout"
    assert outcome.result["msg"].startswith("Interrupted before it was done")
    assert "session" not in outcome.result["msg"], "there was none"


def test_anything_else_is_not_caught() -> None:
    with pytest.raises(ZeroDivisionError):
        run(fail(ZeroDivisionError()))


def test_the_result_may_be_finished_while_a_failure_still_counts() -> None:
    def refuse(_result: dict[str, Any]) -> dict[str, Any]:
        raise EmError("bad_response", "It is too long.")

    assert run(lambda *_all: {"a": 1}, finish=lambda result: {**result, "b": 2}).result == {"a": 1, "b": 2}
    outcome = run(lambda *_all: {"a": 1}, finish=refuse)
    assert outcome.failed
    assert outcome.result["msg"] == "It is too long."


# ---------------------------------------------------------------------------------------------------------------------
# What is shown of the options


def show(**params: Any) -> dict[str, Any]:
    shown: dict[str, Any] = create_invocation(params, list_shown_options(create_connection_spec(), INTERNAL_OPTIONS))[
        "module_args"
    ]
    assert shown.keys() == params.keys()
    return shown


def test_secrets_are_hidden_and_other_options_are_shown() -> None:
    given = {"hostname": "em", "host": "em", "port": 9398, "password": None, "session": None, "ca_path": None}
    assert show(**given) == given
    hidden = show(**{**given, "password": "secret", "session": {"id": "an-id"}, "_one_time_pad": "pad", "body": {"a": 1}})
    assert hidden == {
        **given,
        "password": "(hidden)",
        "session": "(hidden)",
        "_one_time_pad": "(hidden)",
        "body": "(hidden)",
    }


@pytest.mark.parametrize("value", ["secret", {"id": "an-id", "token": "a-token"}, ["secret"]])
def test_unknown_options_are_hidden(value: Any) -> None:
    """They may hold secrets, and ansible-core 2.16 leaves them among the options."""
    assert show(sesion=value, passwd=value, port=1) == {"sesion": "(hidden)", "passwd": "(hidden)", "port": 1}


@pytest.mark.parametrize("name", ["hostname", "host"])
def test_a_url_with_a_user_is_hidden(name: str) -> None:
    assert show(**{name: "https://u:secret@em:9398"}) == {name: "(hidden)"}


@pytest.mark.parametrize(
    ("password", "result", "masks"),
    [("port", {"msg": "port"}, True), ("port", {"msg": "Port"}, False), (None, {"msg": "None"}, False), ("", {}, False)],
)
def test_a_password_that_is_part_of_ordinary_words(password: str | None, result: dict[str, Any], masks: bool) -> None:
    assert is_masking({"password": password}, result) is masks


# ---------------------------------------------------------------------------------------------------------------------
# Ansible's own complaints


@pytest.mark.parametrize(
    ("msg", "words"),
    [
        ("argument 'port' is of type str and we were unable to convert to int", "the variable VBEM_PORT."),
        ("argument 'session' is of type str and we were unable to convert to dict", "em.session"),
        ("argument 'port' is of type str and we were unable to convert to int found in session", "em.session"),
        ("Unsupported parameters for (x) module: session.changed", "em.session"),
        ("Unsupported parameters for (x) module: port_of_session", "port_of_session."),
        ("value of state must be one of: present, absent", "absent."),
        ("value of wait_for must be one of: session, task, got: run", "got: run."),
        ("value of response_format must be one of: auto, xml, json, got: port", "the variable VBEM_RESPONSE_FORMAT."),
        ("missing required arguments: value found in where", "if it is not ==, operator."),
        ("argument 'password' is of type dict", "type dict."),
    ],
)
def test_a_complaint_gets_a_hint(msg: str, words: str) -> None:
    err = explain_invalid_options(msg, INTERNAL_OPTIONS, [msg])
    assert err.kind == "invalid_option"
    assert err.msg.startswith(f"{msg}.")
    assert err.msg.endswith((words, f"{words})."))


@pytest.mark.parametrize(
    ("option", "words"), [("session", "em.session)."), ("where", "if it is not ==, operator."), ("x", "value.")]
)
def test_a_complaint_without_the_option_is_told_as_the_one_that_has_it(option: str, words: str) -> None:
    msg = "dictionary requested, could not parse JSON or key=value"
    named = f"argument '{option}' is of type str and we were unable to convert to dict: {msg}"
    err = explain_invalid_options(msg, INTERNAL_OPTIONS, [msg, named])
    assert err.msg.startswith(named)
    assert err.msg.endswith(words)


def test_internal_options_are_not_among_the_supported_ones() -> None:
    msg = "Unsupported parameters for (veeam_task) module: x. Supported parameters include: _one_time_pad, _progress_file, port"
    assert "_" not in explain_invalid_options(msg, INTERNAL_OPTIONS, []).msg.partition("include")[2]
