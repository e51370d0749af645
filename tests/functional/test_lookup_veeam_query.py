# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the lookup: arguments, variables and the environment, valid and invalid ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError

from ansible_collections.vbem.rest.plugins.doc_fragments._query_plugin import ModuleDocFragment
from ansible_collections.vbem.rest.plugins.lookup.veeam_query import DOCUMENTATION, OWN_OPTIONS, LookupModule
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS
from emulator import Emulator

TERM = "BackupServer"


class Templar:
    """The part of Ansible's that the lookup uses."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def template(self, value: Any) -> Any:
        self.seen.append(value)
        if value == "{{ undefined }}":
            raise AssertionError("templated a variable without effect")
        return value


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, em: Emulator) -> None:
    for option in CONNECTION_OPTIONS:
        monkeypatch.delenv(option.env_var, raising=False)
    monkeypatch.setenv("VBEM_HOSTNAME", em.hostname)
    monkeypatch.setenv("VBEM_PORT", str(em.port))
    monkeypatch.setenv("VBEM_USERNAME", em.admin.username)
    monkeypatch.setenv("VBEM_PASSWORD", em.admin.password)
    monkeypatch.setenv("VBEM_CA_PATH", str(em.ca_path))


def run_lookup(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
    return LookupModule(templar=Templar()).run(list(terms), variables, **options)


def catch(*terms: Any, variables: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(AnsibleLookupError) as caught:
        run_lookup(*(terms or (TERM,)), variables=variables, **options)
    assert caught.value.__cause__ is None
    return str(caught.value)


def make_session(em: Emulator, **more: Any) -> dict[str, Any]:
    session = em.logon()
    return {
        "hostname": em.hostname,
        "port": em.port,
        "ca_path": str(em.ca_path),
        "id": session.id,
        "token": session.token,
        **more,
    }


def test_the_environment_is_enough(em: Emulator) -> None:
    assert [row["name"] for row in run_lookup(TERM)] == [server.name for server in em.world.servers]
    assert em.sessions == []


@pytest.mark.parametrize("name", ["VBEM_VALIDATE_CERTS", "VBEM_CA_PATH", "VBEM_RESPONSE_FORMAT", "VBEM_TIMEOUT", "VBEM_PORT"])
def test_an_empty_value_counts_as_not_given(em: Emulator, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "")
    given: dict[str, Any] = {"port": em.port}
    if name == "VBEM_CA_PATH":
        given["ca_path"] = str(em.ca_path)
    assert run_lookup(TERM, **given)
    assert run_lookup(TERM, variables={name.lower(): ""}, **given)
    assert run_lookup(TERM, **{**given, name.removeprefix("VBEM_").lower(): given.get(name.removeprefix("VBEM_").lower(), "")})


@pytest.mark.parametrize("value", ["", None])
def test_certificates_are_checked_unless_turned_off(em: Emulator, monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    monkeypatch.delenv("VBEM_CA_PATH")
    assert "(tls)" in catch(validate_certs=value)
    assert "(tls)" in catch(variables={"vbem_validate_certs": value})
    monkeypatch.setenv("VBEM_VALIDATE_CERTS", "")
    assert "(tls)" in catch()
    assert "(tls)" in catch(session=make_session(em, ca_path=None, validate_certs=value))
    assert not [entry for entry in em.log if entry.header("Authorization")]
    monkeypatch.setenv("VBEM_VALIDATE_CERTS", "no")
    assert run_lookup(TERM)


def test_another_text_is_not_false(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "validate_certs cannot be 'maybe': give true or false" in catch(validate_certs="maybe")
    assert "validate_certs cannot be 'maybe'" in catch(variables={"vbem_validate_certs": "maybe"})
    monkeypatch.setenv("VBEM_VALIDATE_CERTS", "maybe")
    assert "VBEM_VALIDATE_CERTS cannot be 'maybe'" in catch()


@pytest.mark.parametrize("wrap", [lambda secret: secret, lambda secret: [secret], lambda secret: {"p": secret}])
def test_no_message_shows_a_secret(em: Emulator, wrap: Any) -> None:
    session = make_session(em)
    for message in (
        catch(session=wrap(session["token"])),
        catch(session={**session, "token": [session["token"]]}),
        catch(session={**session, "port": wrap("x")}),
        catch(session={**session, "nonsense": session["id"]}),
        catch(password=[em.admin.password]),
        catch(password={"p": em.admin.password}),
    ):
        assert session["token"] not in message
        assert session["id"] not in message
        assert em.admin.password not in message
        assert "(invalid_option)" in message


@pytest.mark.parametrize("wrap", [dict, json.dumps, str, lambda one: [one], lambda one: {"session": one, "changed": True}])
@pytest.mark.parametrize(
    "name", ["hostname", "host", "port", "validate_certs", "filter", "where", "sort_by", "limit", "format"]
)
def test_a_session_or_credentials_in_another_option_are_not_shown(em: Emulator, name: str, wrap: Any) -> None:
    session = make_session(em)
    login = {"hostname": em.hostname, "username": em.admin.username, "password": em.admin.password}
    for message in (
        catch(**{name: wrap(session)}),
        catch(**{name: wrap(login)}),
        catch(variables={f"vbem_{name}": wrap(session)}) if name in ("hostname", "port", "validate_certs") else "session=",
        catch(session={**session, "port": wrap(login)}),
    ):
        assert session["token"] not in message
        assert session["id"] not in message
        assert em.admin.password not in message
        assert "session=" in message or "em.session" in message
    assert em.log == []


@pytest.mark.parametrize("wrap", [dict, json.dumps, str, lambda one: [one]])
def test_a_session_as_a_term_is_refused_with_a_hint(em: Emulator, monkeypatch: pytest.MonkeyPatch, wrap: Any) -> None:
    session = make_session(em)
    for _number in range(2):
        message = catch(TERM, wrap(session))
        assert "type cannot be a session or credentials: give a session as session=em.session" in message
        assert session["token"] not in message
        assert session["id"] not in message
        monkeypatch.delenv("VBEM_PASSWORD", raising=False)  # the hint comes before the check of credentials
    assert "No type is given" in catch_without_term()


def catch_without_term() -> str:
    with pytest.raises(AnsibleLookupError) as caught:
        run_lookup()
    return str(caught.value)


def test_a_short_secret_does_not_prevent_the_masking_of_a_longer_one(em: Emulator) -> None:
    session = make_session(em, id="e")
    message = catch(session["token"], session=session)
    assert " '********': " in message
    for part in session["token"].split("e"):
        assert len(part) < 5 or part not in message


def test_a_password_that_is_no_text() -> None:
    assert "The option password is not a text: put it into quotes where it is set. (invalid_option)" in catch(password=5061)


def test_messages_name_members_of_a_session(em: Emulator) -> None:
    for name, value in {"timeout": "long", "validate_certs": "maybe", "port": [1], "response_format": "yaml"}.items():
        assert f"The option session.{name} cannot be {value!r}: give" in catch(session=make_session(em, **{name: value}))


def test_the_option_wantlist_of_ansible_is_ignored() -> None:
    """``with_*`` of ansible-core before 2.19 passes it to the plugin."""
    assert run_lookup(TERM, wantlist=True)


def test_a_session_may_be_json_and_its_members_text(em: Emulator) -> None:
    session = make_session(em, timeout="5", validate_certs="true", retries="0")
    assert run_lookup(TERM, session=session)
    assert run_lookup(TERM, session=json.dumps(session))
    assert run_lookup(TERM, variables={"vbem_session": session})
    assert len(em.requests("POST", "sessionMngr")) == 0


def test_an_unknown_option_is_an_error(em: Emulator) -> None:
    assert "There is no option filtr: did you mean filter?" in catch(filtr="Name==x")
    assert " session, " in catch(zzz=1)
    assert "(connection)" in catch(host="nowhere.invalid", retries=0)
    assert "give it once" in catch(host="a", hostname="b")
    assert em.log == []


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        ([5], {}, "type cannot be 5"),
        ([["Job"]], {}, "type cannot be"),
        ([], {}, "No type is given"),
        ([TERM], {"where": "Name==x"}, "where cannot be 'Name==x': give a list of conditions"),
        ([TERM], {"where": ""}, "where cannot be ''"),
        ([TERM], {"where": [1]}, "where cannot be"),
        ([TERM], {"where": [{"field": "Name", "operator": ["=="], "value": "x"}]}, "operator"),
        ([TERM], {"limit": "many"}, "limit cannot be 'many': give a whole number"),
        ([TERM], {"limit": 0}, "limit cannot be 0"),
        ([TERM], {"filter": ""}, "filter cannot be ''"),
        ([TERM], {"format": "both"}, "format cannot be 'both'"),
        ([TERM], {"descending": "maybe"}, "descending cannot be 'maybe'"),
    ],
)
def test_invalid_options(em: Emulator, terms: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleLookupError, match=r"invalid_(option|filter)") as caught:
        run_lookup(*terms, **options)
    assert message in str(caught.value)
    assert em.log == []


def test_variables_without_effect_are_not_templated(em: Emulator) -> None:
    unready = {"vbem_note": "{{ undefined }}", "vbem_jobs": "{{ undefined }}", "vbem_hostname": "{{ undefined }}"}
    assert run_lookup(TERM, variables=unready, hostname=em.hostname)


def test_arguments_take_precedence_over_variables_and_these_over_the_environment(em: Emulator) -> None:
    nowhere = {"vbem_hostname": "nowhere.invalid", "vbem_retries": "0"}
    assert "nowhere.invalid" in catch(variables=nowhere)
    assert run_lookup(TERM, variables=nowhere, hostname=em.hostname)


def test_the_documentation_has_the_options() -> None:
    """The lookup reads its options itself, so nothing else would notice a difference."""
    documented = yaml.safe_load(DOCUMENTATION)["options"] | yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    documented.pop("_terms")
    session = documented.pop("session")
    assert session["vars"] == [{"name": "vbem_session"}]
    assert documented.keys() == {option.name for option in (*CONNECTION_OPTIONS, *OWN_OPTIONS)}
    for option in (*CONNECTION_OPTIONS, *OWN_OPTIONS):
        entry = documented[option.name]
        assert entry["type"] == ("list" if option.type == "raw" else option.type)
        assert entry.get("default") == option.default
        assert tuple(entry.get("aliases", ())) == option.aliases
        assert tuple(entry.get("choices", ())) == option.choices
        assert entry.get("env") == ([{"name": option.env_var}] if option.env else None)
        assert entry.get("vars") == ([{"name": f"vbem_{option.name}"}] if option.env else None)


class _OmitType:
    """The placeholder of ansible-core 2.19, by its name."""


@pytest.mark.parametrize("omit", ["__omit_place_holder__0123", _OmitType()])
def test_what_is_omitted_is_not_given(omit: Any) -> None:
    assert run_lookup(TERM, hostname=omit, ca_path=omit, filter=omit, limit=omit, session=omit)


@pytest.mark.parametrize("where", [[], "", ()])
def test_no_condition_is_not_every_row(where: Any) -> None:
    with pytest.raises(AnsibleLookupError, match="where"):
        run_lookup(TERM, where=where)
