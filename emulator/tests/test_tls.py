# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-ups in which TLS goes wrong, seen by a client of the standard library."""

from __future__ import annotations

import http.client
import ssl
import sys
from pathlib import Path

import pytest

import emulator
from emulator import Emulator
from emulator.tls import SETUPS, authority

STRICT = {
    "no_authority_key_id": "Missing Authority Key Identifier",
    "no_subject_key_id": "Missing Subject Key Identifier",
    "no_key_usage": "CA cert does not include key usage extension",
    "basic_constraints_not_critical": "Basic Constraints of CA cert not marked critical",
}
WRONG = {
    "expired": "certificate has expired",
    "not_yet_valid": "certificate is not yet valid",
    "wrong_name": "Hostname mismatch",
    "no_intermediate": "unable to get local issuer certificate",
    "tls10": "protocol version",
    "no_common_cipher": "handshake failure",
    "client_certificate": "certificate required",
    "unknown_name": "unrecognized name",
}


def ask(em: Emulator, *, strict: bool = False, ca_path: str | None = None, partial: bool = False) -> int:
    context = ssl.create_default_context(cafile=ca_path or em.ca_path)
    context.verify_flags &= ~(ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
    if strict:
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    if partial:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    connection = http.client.HTTPSConnection(em.hostname, em.port, context=context, timeout=60)
    try:
        connection.connect()
        connection.sock.settimeout(5)
        connection.request("GET", "/api/")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("setup", ["usual", "intermediate"])
def test_what_goes_well(setup: str) -> None:
    with Emulator(tls=setup) as em:
        assert ask(em, strict=True) == 200
        if setup == "intermediate":
            assert ask(em, ca_path=em.intermediate_path, partial=True) == 200
            with pytest.raises(ssl.SSLError, match="unable to get issuer certificate"):
                ask(em, ca_path=em.intermediate_path)


@pytest.mark.parametrize("setup", sorted(STRICT))
def test_what_only_strict_clients_refuse(setup: str) -> None:
    with Emulator(tls=setup) as em:
        assert ask(em) == 200
        with pytest.raises(ssl.SSLError, match=STRICT[setup]):
            ask(em, strict=True)


@pytest.mark.parametrize("setup", sorted(WRONG))
def test_what_everybody_refuses(setup: str) -> None:
    with Emulator(tls=setup) as em, pytest.raises(ssl.SSLError, match=f"(?i){WRONG[setup]}"):
        ask(em)


def test_the_servers_own_certificate_is_a_cure() -> None:
    with Emulator(tls="no_intermediate") as em:
        assert ask(em, ca_path=em.server_certificate_path, partial=True) == 200


def test_an_authority_lasts_as_long_as_the_process() -> None:
    before = authority()
    assert all(authority(setup) for setup in SETUPS)
    assert authority() is before


def test_all_set_ups_are_here() -> None:
    readme = (Path(emulator.__file__).parent / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{setup}` | {about} |" in readme for setup, about in SETUPS.items())
    assert set(SETUPS) == {"usual", "intermediate", *STRICT, *WRONG}
    assert sys.version_info >= (3, 10)
    with pytest.raises(ValueError, match="tls is one of usual, "):
        Emulator(tls="nonsense")
