# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the texts of OpenSSL mean, and which handshakes may succeed when repeated."""

from __future__ import annotations

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.tls import explain

VERIFY = "SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {} (_ssl.c:1028)"


@pytest.mark.parametrize(
    ("detail", "advice", "reason"),
    [
        ("SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)", "does not speak TLS", "wrong version number"),
        ("SSLError: [SSL] record layer failure (_ssl.c:1)", "does not speak TLS", "record layer failure"),
        ("SSLError: [SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1)", "TLS version", "unsupported protocol"),
        (
            "SSLError: [SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1)",
            "TLS version",
            "tlsv1 alert protocol version",
        ),
        (
            "SSLError: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:1)",
            "requires a client certificate",
            "tlsv13 alert certificate required",
        ),
        (
            "SSLError: [SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name (_ssl.c:1)",
            "(SNI)",
            "tlsv1 unrecognized name",
        ),
        (
            "SSLError: [SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure (_ssl.c:1)",
            "cipher suite in common",
            "sslv3 alert handshake failure",
        ),
        ("SSLError: [SSL: DH_KEY_TOO_SMALL] dh key too small (_ssl.c:1)", "cipher suite", "dh key too small"),
        (
            VERIFY.format("Hostname mismatch, certificate is not valid for 'em'."),
            "is for another name",
            "Hostname mismatch, certificate is not valid for 'em'",
        ),
        (VERIFY.format("certificate has expired"), "has expired", "certificate has expired"),
        (VERIFY.format("certificate is not yet valid"), "clocks", "certificate is not yet valid"),
        (VERIFY.format("Missing Authority Key Identifier"), "RFC 5280", "Missing Authority Key Identifier"),
        (VERIFY.format("Missing Subject Key Identifier"), "RFC 5280", "Missing Subject Key Identifier"),
        (
            VERIFY.format("CA cert does not include key usage extension"),
            "RFC 5280",
            "CA cert does not include key usage extension",
        ),
        (
            VERIFY.format("Basic Constraints of CA cert not marked critical"),
            "RFC 5280",
            "Basic Constraints of CA cert not marked critical",
        ),
        (VERIFY.format("self-signed certificate"), "set ca_path", "self-signed certificate"),
        (
            VERIFY.format("self signed certificate in certificate chain"),
            "set ca_path",
            "self signed certificate in certificate chain",
        ),
        (VERIFY.format("unable to get local issuer certificate"), "set ca_path", "unable to get local issuer certificate"),
        ("SSLError: [X509] PEM lib (_ssl.c:4172)", "ca_path has no certificate", "PEM lib"),
        (VERIFY.format("invalid CA certificate"), "was refused", "invalid CA certificate"),
    ],
)
def test_a_handshake_that_cannot_succeed_is_told_with_its_cure_and_its_reason(detail: str, advice: str, reason: str) -> None:
    msg = explain("em port 9398", detail, is_connecting=True) or ""
    assert advice in msg
    assert msg.endswith(f" The reason given is: {reason}.")
    assert "em port 9398" in msg or "ca_path" in msg


@pytest.mark.parametrize(
    "detail", ["SSLEOFError: EOF occurred in violation of protocol", "SSLError: tlsv1 alert internal error"]
)
def test_a_handshake_that_may_succeed_is_not_told(detail: str) -> None:
    assert explain("em", detail, is_connecting=True) is None


def test_after_the_handshake_only_a_wanted_certificate_tells_of_it() -> None:
    assert explain("em", "SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number", is_connecting=False) is None
    assert explain("em", "SSLError: tlsv13 alert certificate required", is_connecting=False)
