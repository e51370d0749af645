# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arguments of plugins for which Ansible reads none."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Option
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.option_reader import FALSE, TRUE, read_arguments

OPTIONS = (
    Option("hostname", "str", aliases=("host",)),
    Option("port", "int", 9398),
    Option("password", "str", secret=True),
    Option("validate_certs", "bool", True),
    Option("ca_path", "path"),
    Option("result", "list", env=False, choices=("Success", "Failed")),
    Option("where", "raw", env=False),
)


def read(environ: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    return read_arguments(OPTIONS, given, environ or {})


def catch(environ: dict[str, str] | None = None, **given: Any) -> str:
    with pytest.raises(EmError) as caught:
        read(environ, **given)
    assert caught.value.kind == "invalid_option"
    return caught.value.msg


def test_defaults() -> None:
    assert read() == {
        "hostname": None,
        "port": 9398,
        "password": None,
        "validate_certs": True,
        "ca_path": None,
        "result": None,
        "where": None,
    }


def test_an_argument_takes_precedence_over_the_environment_and_this_over_the_default() -> None:
    environ = {"VBEM_PORT": "1", "VBEM_HOSTNAME": "em", "VBEM_RESULT": "Success"}
    values = read(environ, host="other")
    assert (values["hostname"], values["port"], values["result"]) == ("other", 1, None), "result cannot come from there"


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_empty_argument_counts_as_not_given(empty: Any) -> None:
    assert read({"VBEM_PORT": "1", "VBEM_VALIDATE_CERTS": ""}, port=empty, validate_certs=empty)["port"] == 1
    assert read(validate_certs=empty)["validate_certs"] is True


def test_an_option_is_given_once() -> None:
    assert "The options hostname and host are the same one: give it once." in catch(hostname="a", host="b")
    assert read(hostname="a", host="")["hostname"] == "a"


@pytest.mark.parametrize(("name", "hint"), [("hostnam", "did you mean hostname?"), ("zzz", "the options are ca_path, host, ")])
def test_an_unknown_option(name: str, hint: str) -> None:
    assert catch(**{name: 1}).startswith(f"There is no option {name}: {hint}")


@pytest.mark.parametrize(("value", "number"), [(5, 5), ("5", 5), ("5 ", 5), (5.0, 5), ("-1", -1)])
def test_whole_numbers(value: Any, number: int) -> None:
    assert read(port=value)["port"] == number


@pytest.mark.parametrize("value", ["many", 1.5, "1.5", True, [1], {"a": 1}, float("inf"), "\ud800"])
def test_no_whole_numbers(value: Any) -> None:
    assert "The option port cannot be" in catch(port=value)
    assert "VBEM_PORT cannot be 'many': give a whole number" in catch({"VBEM_PORT": "many"})


@pytest.mark.parametrize("value", [*TRUE, True, 1, "TRUE ", "Yes"])
def test_true(value: Any) -> None:
    assert read(validate_certs=value)["validate_certs"] is True


@pytest.mark.parametrize("value", [*FALSE, False, 0, " No"])
def test_false(value: Any) -> None:
    assert read(validate_certs=value)["validate_certs"] is False


@pytest.mark.parametrize("value", ["maybe", 2, ["yes"], {}])
def test_no_booleans(value: Any) -> None:
    assert "validate_certs cannot be" in catch(validate_certs=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [("em", "em"), (5, "5"), (1.5, "1.5"), (date(2026, 11, 23), "2026-11-23"), ("\ud83d\udd11", "\U0001f511")],
)
def test_texts(value: Any, text: str) -> None:
    """Templates of a rulebook turn texts into other types, and JSON's surrogate pairs into two characters."""
    assert read(hostname=value)["hostname"] == text


def test_bytes_of_the_environment_that_are_not_utf_8() -> None:
    assert read({"VBEM_PASSWORD": "a\udce4"})["password"] == "a\udce4"


@pytest.mark.parametrize("value", [True, ["em"], {"a": 1}])
def test_no_texts(value: Any) -> None:
    assert "hostname cannot be" in catch(hostname=value)


@pytest.mark.parametrize("value", [5061, True, ["secret"], {"p": "secret"}])
def test_a_secret_of_another_type_is_not_shown(value: Any) -> None:
    msg = catch(password=value)
    assert "password" in msg
    assert "VBEM_PASSWORD" in msg
    assert "secret" not in msg
    assert "5061" not in msg


def test_lists_and_choices() -> None:
    assert read(result="failed")["result"] == ["Failed"]
    assert read(result=["FAILED", " success "])["result"] == ["Failed", "Success"]
    assert read(result=("Failed",))["result"] == ["Failed"]
    assert "The option result cannot be 'Faild': give Success or Failed." in catch(result=["Failed", "Faild"])
    assert "result cannot be" in catch(result=[True])


def test_a_path_is_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CERTS", "ca")
    assert read(ca_path="~/$CERTS/x.pem")["ca_path"] == f"{tmp_path}/ca/x.pem"
    assert read(hostname="~")["hostname"] == "~"


def test_a_raw_option_is_unchanged() -> None:
    value = [{"field": "Name", "value": True}]
    assert read(where=value)["where"] is value
