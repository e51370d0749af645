# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: how certificates are checked, and what a failed handshake means."""

from __future__ import annotations

import re
import sys
from typing import Any

PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python names from 3.10 on

STRICT = (
    f"The certificate of {{where}} breaks a rule of RFC 5280 that Python {sys.version_info[0]}.{sys.version_info[1]} checks"
    " (Python does from 3.13 on). Reissue the certificate of Enterprise Manager, or that of its authority, with the missing"
    " extension; or set ca_path to a PEM file with the server's own certificate alone; or use an older Python."
)
# OpenSSL's reasons (lower case) for handshakes that fail again when repeated, with the message for each. The first match
# counts.
PERMANENT_ERRORS = (
    (
        "wrong version number|record layer failure|http request|unknown protocol",
        "{where} does not speak TLS: give the HTTPS port of the REST API, 9398 unless changed (9399 is plain HTTP).",
    ),
    (
        "unsupported protocol|protocol version|no protocols available",
        "{where} and this machine have no TLS version in common: enable TLS 1.2 or newer on the server of Enterprise Manager,"
        " or allow older versions in this machine's OpenSSL configuration.",
    ),
    (
        "certificate required|client certificate|did not return a certificate",
        "{where} requires a client certificate, which this collection does not support. Enterprise Manager itself requires"
        " none: check hostname and port, and ask the administrator of the proxy in front of it.",
    ),
    (
        "unrecognized name|unrecognised name",
        "{where} does not serve this host name (SNI): set hostname to a name in its certificate.",
    ),
    (
        "no shared cipher|no ciphers|handshake failure|insufficient security|key too small|too weak|illegal parameter",
        "{where} and this machine have no cipher suite in common, or {where} requires a client certificate: compare the TLS"
        " settings of the two (on Windows: Schannel's cipher suites).",
    ),
    (
        "hostname mismatch|doesn't match|ip address mismatch|no appropriate",
        "The certificate of {where} is for another name: set hostname to one of its subjectAltNames. A name that is only"
        " its common name (CN) does not count: a certificate without subjectAltNames has to be reissued.",
    ),
    ("has expired", "The certificate of {where} has expired: renew it, or correct this machine's clock."),
    (
        "not yet valid",
        "The certificate of {where} is not valid yet: compare the clocks of this machine and of Enterprise Manager's server.",
    ),
    (
        "missing (?:authority|subject) key identifier|key usage|basic constraints|marked critical|path ?len|name (?:is )?empty"
        "|at least x509v3",
        STRICT,
    ),
    (
        "self.signed|unable to get (?:local )?issuer|unable to verify",
        "The certificate of {where} is not trusted: set ca_path to a PEM file with the certificate of Enterprise Manager, or of"
        " the authority that issued it. If it is set, fetch the certificate again: it may have been renewed. For tests"
        " only, there is validate_certs: false.",
    ),
    (
        "x509|pem lib|no certificate or crl found",
        "ca_path has no certificate that can be read: give a PEM file, whose first line is -----BEGIN CERTIFICATE-----.",
    ),
    ("certificate verify failed|certificateerror", "The certificate of {where} was refused: check it, and ca_path."),
)


def trust_partial_chains(session: Any, urllib3: Any) -> None:
    """Make a requests session accept any certificate in ca_path as the end of a chain, as Python does from 3.13 on.

    Without this, a certificate in ca_path is trusted only if it is self-signed: not that of an intermediate authority, for
    example.
    """
    for adapter in session.adapters.values():
        context = urllib3.util.ssl_.create_urllib3_context()
        context.verify_flags |= PARTIAL_CHAIN
        adapter.poolmanager.connection_pool_kw["ssl_context"] = context


def explain(where: str, detail: str, *, is_connecting: bool) -> str | None:
    """Return the message for a failed handshake, with OpenSSL's own reason; None for a failure that may be transient.

    With TLS 1.3, a server refuses a client without a certificate only when the client has finished its handshake. Any other
    failure after the handshake is not a failure of TLS.
    """
    lower = detail.lower()
    if not is_connecting and "certificate required" not in lower:
        return None
    sentence = next((text for pattern, text in PERMANENT_ERRORS if re.search(pattern, lower)), None)
    if sentence is None:
        return None
    reason = re.sub(r"^\w+: *|\[[^\]]*\] *|certificate verify failed: *| *\(_ssl\.c:\d+\)", "", detail).strip(". ()")
    return sentence.format(where=where) + (f" The reason given is: {reason}." if reason else "")
