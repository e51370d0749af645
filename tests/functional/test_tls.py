# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and handshakes: which servers are trusted, and what a failure is told as. Nothing that must fail is retried."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Response, Transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection

NOW = datetime.now(timezone.utc)
ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Certificate:
    """A certificate with its key, signed by an issuer or by itself."""

    def __init__(
        self,
        name: str,
        issuer: Certificate | None = None,
        *,
        is_authority: bool = False,
        begins: float = -1,
        ends: float = 1,
        host: str = "localhost",
        without: str = "",
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + timedelta(days=begins))
            .not_valid_after(NOW + timedelta(days=ends))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=without != "critical")
        )
        if without != "subject key identifier":
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        if without != "authority key identifier":
            authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
            builder = builder.add_extension(authority, critical=False)
        if is_authority and without != "key usage":
            builder = builder.add_extension(
                x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
            )
        if not is_authority:
            names = [x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        self.certificate = builder.sign(signer.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path, *chain: Certificate) -> Path:
        """Write the certificate, those of its chain and the key, and return the path."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(b"".join(one.pem for one in (self, *chain)) + key)
        return path


AUTHORITY = Certificate("authority", is_authority=True)
INTERMEDIATE = Certificate("intermediate", AUTHORITY, is_authority=True)
LEAF = Certificate("em", INTERMEDIATE)

Talk = Callable[[socket.socket], None]


class Server:
    """A server for one test. ``connections`` counts what came."""

    def __init__(self, talk: Talk) -> None:
        self.connections = 0
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with suppress(OSError), connection:
                connection.settimeout(30)
                self._talk(connection)

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server with a certificate chain, or one that talks as told."""
    with ExitStack() as stack:

        def start(
            *chain: Certificate, talk: Talk | None = None, configure: Callable[[Any], object] = lambda _c: None
        ) -> Server:
            if chain:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(chain[0].write(tmp_path / "server.pem", *chain[1:]))
                configure(context)

                def talk(connection: socket.socket) -> None:
                    tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                    try:
                        tls.do_handshake()
                    except ssl.SSLError:
                        with socket.socket(fileno=tls.detach()) as bare:
                            while bare.recv(65536):  # closing with something unread would reset the connection, alert and all
                                pass
                        raise
                    with tls:
                        tls.recv(65536)
                        tls.sendall(ANSWER)

            assert talk is not None
            server = Server(talk)
            stack.callback(server.stop)
            return server

        yield start


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Response]:
    """Return a function that sends one request to a server, trusting some certificates."""

    def send(server: Server, *trusted: Certificate, method: str = "POST") -> Response:
        ca_path = tmp_path / "ca.pem"
        ca_path.write_bytes(b"".join(one.pem for one in trusted))
        connection = Connection("localhost", port=server.port, ca_path=str(ca_path) if trusted else None, retries=3)
        transport = Transport(connection, sleep=lambda _seconds: None)
        try:
            return transport.request(method, "/api/x", headers={})
        finally:
            transport.close()

    return send


@pytest.mark.parametrize(
    ("chain", "trusted"),
    [
        ((LEAF, INTERMEDIATE), (AUTHORITY,)),
        ((LEAF,), (AUTHORITY, INTERMEDIATE)),
        ((LEAF,), (INTERMEDIATE,)),
        ((LEAF,), (LEAF,)),
        ((LEAF, INTERMEDIATE), (LEAF,)),
        ((Certificate("itself"),) * 2, ()),
    ],
    ids=["authority", "whole chain", "intermediate alone", "server's own", "server's own of a chain", "self-signed"],
)
def test_any_certificate_of_the_chain_is_enough(
    serve: Callable[..., Server], ask: Callable[..., Response], chain: Any, trusted: Any
) -> None:
    """As the guide's recipe has it, on every Python: fetch what the server sends, and set ca_path to it."""
    server = serve(*chain[:2])
    assert ask(server, *(trusted or chain[:1])).status == 204


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (Certificate("new", AUTHORITY, begins=1, ends=2), "is not valid yet: compare the clocks"),
        (Certificate("old", AUTHORITY, begins=-2, ends=-1), "has expired"),
        (Certificate("other", AUTHORITY, host="other"), "is for another name"),
        (Certificate("foreign"), "is not trusted: set ca_path"),
    ],
    ids=["not yet valid", "expired", "another name", "unknown"],
)
def test_a_certificate_that_is_refused(
    serve: Callable[..., Server], ask: Callable[..., Response], certificate: Certificate, words: str
) -> None:
    server = serve(certificate)
    with pytest.raises(EmError) as caught:
        ask(server, AUTHORITY, method="GET")
    assert caught.value.kind == "tls"
    assert words in caught.value.msg
    assert "The reason given is: " in caught.value.msg
    assert server.connections == 1, "not retried"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python checks strictly from 3.13 on")
@pytest.mark.parametrize("missing", ["authority key identifier", "subject key identifier", "key usage", "critical"])
def test_a_certificate_that_strict_checks_refuse(
    serve: Callable[..., Server], ask: Callable[..., Response], missing: str
) -> None:
    authority = Certificate("lax", is_authority=True, without=missing)
    leaf = Certificate("em", authority, without="authority key identifier" if missing == "authority key identifier" else "")
    server = serve(leaf)
    with pytest.raises(EmError) as caught:
        ask(server, authority)
    assert caught.value.kind == "tls"
    assert "breaks a rule of RFC 5280" in caught.value.msg
    assert missing in caught.value.msg.lower()
    assert ask(server, leaf).status == 204, "the cure that the message names"


def _want_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_REQUIRED


def _want_certificate_12(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _want_certificate(context)


def _use_rsa_only(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-GCM-SHA256")  # which the certificate's key is not for


@pytest.mark.parametrize(
    ("configure", "words"),
    [
        (_want_certificate, "requires a client certificate"),
        (_want_certificate_12, "requires a client certificate"),
        (_use_rsa_only, "no cipher suite in common"),
    ],
    ids=["client certificate", "client certificate with TLS 1.2", "cipher"],
)
def test_a_handshake_that_cannot_succeed(
    serve: Callable[..., Server], ask: Callable[..., Response], configure: Any, words: str
) -> None:
    server = serve(LEAF, INTERMEDIATE, configure=configure)
    with pytest.raises(EmError) as caught:
        ask(server, AUTHORITY, method="GET")
    assert caught.value.kind == "tls"
    assert words in caught.value.msg
    assert server.connections == 1, "not retried"


@pytest.mark.parametrize(("alert", "words"), [(b"\x46", "TLS version in common"), (b"\x70", "SNI")], ids=["version", "name"])
def test_an_alert_that_says_why(serve: Callable[..., Server], ask: Callable[..., Response], alert: bytes, words: str) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02" + alert)

    server = serve(talk=talk)
    with pytest.raises(EmError) as caught:
        ask(server, AUTHORITY, method="GET")
    assert caught.value.kind == "tls"
    assert words in caught.value.msg
    assert server.connections == 1, "not retried"
