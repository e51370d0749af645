# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection

SESSION = {"hostname": "other.example.com", "port": 1234, "id": "an-id", "token": "a-token", "timeout": 7}


def create_params(**given: Any) -> dict[str, Any]:
    params = {option.name: option.default for option in CONNECTION_OPTIONS}
    return {**params, "hostname": "em.example.com", "username": "user", "password": "a secret", "session": None, **given}


def catch(**given: Any) -> EmError:
    with pytest.raises(EmError) as caught:
        create_connection(create_params(**given))
    assert caught.value.kind == "invalid_option"
    assert "a secret" not in str(caught.value.to_fail_json())
    return caught.value


def test_credentials() -> None:
    connection = create_connection(create_params())
    assert connection.base_url == "https://em.example.com:9398"
    assert (connection.token, connection.session_id) == (None, None)
    assert "a secret" not in repr(connection)


def test_session_takes_precedence_over_credentials_and_options() -> None:
    connection = create_connection(create_params(session=SESSION, timeout=99, retries=5))
    assert connection.base_url == "https://other.example.com:1234"
    assert (connection.token, connection.session_id, connection.password) == ("a-token", "an-id", None)
    assert (connection.timeout, connection.retries) == (7, 5)
    assert "a-token" not in repr(connection)
    assert "an-id" not in repr(connection)


@pytest.mark.parametrize(
    ("hostname", "hint"),
    [
        ("https://em.example.com:9398/api", "hostname: em.example.com, and port: 9398"),
        ("https://em.example.com", "hostname: em.example.com"),
        ("em.example.com:9398", "hostname: em.example.com and port: 9398"),
        ("em.example.com/api", "a host name such as"),
        ("https://[::1]:9398/", "hostname: ::1, and port: 9398"),
        ("https://[fe80::1%eth0]/api", "addresses with a zone are not supported"),
        ("fe80::1%eth0", "addresses with a zone are not supported"),
        ("[fe80::1%25eth0]:9398", "addresses with a zone are not supported"),
        ("https://::1/", "hostname: ::1"),
        ("[::1]:9398", "hostname: ::1 and port: 9398"),
        ("https://em.example.com:port/", "hostname: em.example.com"),
        ("https://em.example.com?x=1:2#y", "hostname: em.example.com"),
        ("https://", "hostname: em.example.com"),
        ("em example", "a host name such as"),
        ("em\nx", "a host name such as"),
        ("a" * 64, "a host name such as"),
        ("em..example", "a host name such as"),
        ("#", "a host name such as"),
    ],
)
def test_bad_hostname(hostname: str, hint: str) -> None:
    msg = catch(hostname=hostname).msg
    assert "hostname" in msg
    assert hint in msg
    assert repr(hostname) in msg


@pytest.mark.parametrize(
    ("hostname", "shown", "hint"),
    [
        ("https://u:secretpw@localhost:1", "https://(hidden)@localhost:1", "hostname: localhost, and port: 1."),
        ("https://u:secret/pw@localhost:1/api", "https://(hidden)@localhost:1/api", "hostname: localhost, and port: 1."),
        ("https://u:secret@pw@[::1]:9398/", "https://(hidden)@[::1]:9398/", "hostname: ::1, and port: 9398."),
        ("secretuser@em.example.com", "(hidden)@em.example.com", "a host name such as"),
        ("u:secret://pw@em:9398", "(hidden)@em:9398", "hostname: em"),
    ],
)
def test_the_user_of_a_hostname_is_not_shown(hostname: str, shown: str, hint: str) -> None:
    msg = catch(hostname=hostname).msg
    assert "secret" not in msg
    assert "pw" not in msg
    assert repr(shown) in msg
    assert hint in msg


@pytest.mark.parametrize(
    ("hostname", "base_url"),
    [
        ("::1", "https://[::1]:9398"),
        ("[fe80::1]", "https://[fe80::1]:9398"),
        ("10.0.0.1", "https://10.0.0.1:9398"),
        ("em_1", "https://em_1:9398"),
        ("bücher.example", "https://bücher.example:9398"),
        (" em ", "https://em:9398"),
    ],
)
def test_good_hostname(hostname: str, base_url: str) -> None:
    assert create_connection(create_params(hostname=hostname)).base_url == base_url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 0}, "port cannot be 0"),
        ({"port": 65536}, "port cannot be 65536"),
        ({"timeout": 0}, "timeout cannot be 0"),
        ({"retries": -1}, "retries cannot be -1"),
        ({"api_version": "seven"}, "api_version cannot be 'seven'"),
        ({"username": "a:b"}, "username cannot be 'a:b'"),
        ({"username": "CORP\\a:b"}, r"username cannot be 'CORP\a:b'"),
        ({"username": "CORP\\a\n:b"}, r"username cannot be 'CORP\\a\n:b'"),
        ({"password": None}, "password not given"),
        ({"password": ""}, "password not given"),
        ({"hostname": None, "username": None, "password": None}, "hostname and username and password not given"),
        ({"session": {}}, "session has no hostname"),
        ({"session": {**SESSION, "token": None}}, "session has no token"),
        ({"session": {**SESSION, "id": ""}}, "session has no id"),
        ({"session": {**SESSION, "port": 0}}, "session.port cannot be 0"),
        ({"session": {**SESSION, "token": "a\r\nX: y"}}, "session.token holds characters"),
        ({"session": {**SESSION, "token": "ä"}}, "session.token holds characters"),
    ],
)
def test_bad_option(given: dict[str, Any], words: str) -> None:
    msg = catch(**given).msg
    assert words in msg
    assert "X: y" not in msg


def test_a_hint_is_appended_if_there_is_no_way_to_log_on() -> None:
    with pytest.raises(EmError, match=r"returned\. Look elsewhere\.$"):
        create_connection(create_params(password=None), hint=" Look elsewhere.")


@pytest.mark.parametrize(
    ("given", "version"), [("latest", "latest"), ("Latest", "latest"), ("v1_7", "v1_7"), ("1.7", "v1_7"), (" 1_6 ", "v1_6")]
)
def test_api_version(given: str, version: str) -> None:
    assert create_connection(create_params(api_version=given)).api_version == version


def test_ca_path(tmp_path: Path) -> None:
    assert "No such file" in catch(ca_path=str(tmp_path / "none.pem")).msg
    assert "directory" in catch(ca_path=str(tmp_path)).msg
    text = tmp_path / "text.pem"
    text.write_text("hello")
    assert "no PEM certificate" in catch(ca_path=str(text)).msg
    text.write_text("-----BEGIN CERTIFICATE-----\n")
    assert create_connection(create_params(ca_path=str(text))).ca_path == str(text)
    assert create_connection(create_params(ca_path=str(tmp_path), validate_certs=False)).validate_certs is False
