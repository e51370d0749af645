# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment has no effect: no ``.netrc``, no proxy, no CA variable. Certificates are checked as the options say."""

from __future__ import annotations

import base64
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from emulator import Emulator

from .harness import Harness
from .scripted_server import ScriptedServer, answer

PROXY = "http://proxyuser:proxypassword@127.0.0.1:9"
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


@pytest.fixture(params=["netrc", "netrc-default", "NETRC", "proxies", *CA_VARIABLES, "SSL_CERT_DIR", "everything"])
def _hostile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set one thing in the environment that libraries read, or all of them."""
    what = request.param
    every = what == "everything"
    home = tmp_path / "home"
    home.mkdir()
    junk = tmp_path / "junk.pem"
    junk.write_text("this is no certificate\n")
    lines = [
        "machine localhost login netrcuser password netrcpassword",
        "machine 127.0.0.1 login netrcuser password netrcpassword",
    ]
    if what.startswith("netrc") or every:
        if what == "netrc-default":
            lines = ["default login netrcuser password netrcpassword"]
        (home / ".netrc").write_text("\n".join([*lines, ""]))
        (home / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.delenv("NETRC", raising=False)
    if what == "NETRC" or every:
        other = tmp_path / "other.netrc"
        other.write_text("\n".join([*lines, ""]))
        monkeypatch.setenv("NETRC", str(other))
    for variable in PROXY_VARIABLES if what == "proxies" or every else ():
        monkeypatch.setenv(variable, PROXY)
    for variable in CA_VARIABLES if every else (what,) if what in CA_VARIABLES else ():
        monkeypatch.setenv(variable, str(junk))
    if what == "SSL_CERT_DIR" or every:
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.mark.usefixtures("_hostile")
@pytest.mark.parametrize("validate_certs", [True, False])
@pytest.mark.parametrize("own", [True, False], ids=["own", "borrowed"])
def test_the_environment_has_no_effect(harness: Harness, em: Emulator, validate_certs: bool, own: bool) -> None:
    session = None if own else em.logon()
    ca_path = em.ca_path if validate_certs else None
    options = {"validate_certs": validate_certs, "ca_path": ca_path}
    if session is not None:
        em.make_tasks(session, 2)
    assert len(harness.ids(session, options=options)) == (0 if own else 2)
    for entry in em.log:
        basic = entry.header("Authorization")
        if entry.method == "POST":
            assert basic is not None
            pair = base64.b64decode(basic.removeprefix("Basic ")).decode()
            assert pair == f"{em.admin.username}:{em.admin.password}"
        else:
            assert basic is None
        assert entry.header("Proxy-Authorization") is None
        assert entry.header("Host") == f"localhost:{em.port}"
    assert len(em.log) == (3 if own else 1)


@pytest.mark.parametrize("variable", CA_VARIABLES)
def test_a_ca_variable_does_not_make_a_server_trusted(
    harness: Harness, em: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Only the options decide, also where the environment trusts more."""
    monkeypatch.setenv(variable, em.ca_path)
    with harness.failure("tls"):
        harness.info(options={"ca_path": em.other_ca_path})
    assert em.log == []
    with harness.failure("tls"):
        harness.info(options={"ca_path": None})
    assert em.log == []


@pytest.mark.parametrize("trust", ["system", "another authority"])
def test_an_untrusted_server(harness: Harness, em: Emulator, trust: str) -> None:
    with harness.failure("tls") as caught:
        harness.info(options={"ca_path": None if trust == "system" else em.other_ca_path})
    assert "ca_path" in caught.error.msg
    assert "validate_certs" in caught.error.msg
    assert em.log == []
    assert harness.slept == [], "a certificate is not retried"


def test_a_certificate_for_another_address(harness: Harness) -> None:
    with Emulator(host="127.0.0.2") as other:
        with harness.failure("tls") as caught:
            harness.info(options={"hostname": "127.0.0.2", "port": other.port, "ca_path": other.ca_path})
        assert other.log == []
        user = other.admin
        harness.info(
            options={
                "hostname": "127.0.0.2",
                "port": other.port,
                "validate_certs": False,
                "username": user.username,
                "password": user.password,
            }
        )
    assert "another name" in caught.error.msg
    assert "hostname" in caught.error.msg


def test_a_certificate_for_another_name(
    harness: Harness, start_scripted: Callable[..., ScriptedServer], tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("em.example.net").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = start_scripted(lambda _request: answer(), context=context)
    with harness.failure("tls") as caught:
        harness.info(options={"port": server.port, "ca_path": str(tmp_path / "ca.pem")})
    assert "another name" in caught.error.msg
    assert server.requests == []


def test_an_expired_certificate(harness: Harness, start_scripted: Callable[..., ScriptedServer], tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    authority.issue_cert("localhost", not_before=past - datetime.timedelta(days=9), not_after=past).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = start_scripted(lambda _request: answer(), context=context)
    with harness.failure("tls") as caught:
        harness.info(options={"port": server.port, "ca_path": str(tmp_path / "ca.pem")})
    assert "expired" in caught.error.msg
    assert server.requests == []


def test_without_validation_any_certificate_is_accepted(harness: Harness, em: Emulator) -> None:
    session = em.logon()
    made = em.make_tasks(session, 1)
    assert harness.ids(session, options={"validate_certs": False, "ca_path": em.other_ca_path}) == made
    assert harness.ids(session, options={"validate_certs": False, "ca_path": None}) == made


@pytest.mark.parametrize("hostname", ["localhost", "127.0.0.1", "::1", "[::1]", "LOCALHOST"])
def test_names_and_addresses(harness: Harness, em: Emulator, hostname: str) -> None:
    session = em.logon()
    (made,) = em.make_tasks(session, 1)
    (task,) = harness.info(session, options={"hostname": hostname})["tasks"]
    shown = "[::1]" if "::1" in hostname else hostname
    assert task["href"] == f"https://{shown}:{em.port}/api/tasks/{made}"
