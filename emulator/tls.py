# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of one's own, a server certificate from it, and set-ups in which TLS goes wrong."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "127.0.0.1", "::1")
SETUPS = {
    "usual": "an authority and a certificate that every client takes",
    "no_authority_key_id": "the certificate lacks the authority key identifier",
    "no_subject_key_id": "the authority's certificate lacks the subject key identifier",
    "no_key_usage": "the authority's certificate lacks key usage",
    "basic_constraints_not_critical": "the authority's basic constraints are not critical",
    "expired": "the certificate has expired",
    "not_yet_valid": "the certificate is not valid yet",
    "wrong_name": "the certificate is for another name",
    "intermediate": "an intermediate authority stands between; the server sends its certificate",
    "no_intermediate": "an intermediate authority stands between; the server does not send its certificate",
    "tls10": "the server speaks TLS 1.0 only",
    "no_common_cipher": "the server takes only ciphers that clients do not offer",
    "client_certificate": "the server wants a certificate of the client",
    "unknown_name": "the server refuses every name that the client asks for (SNI)",
}
_YEAR = datetime.timedelta(days=365)


@dataclass(frozen=True)
class Issuer:
    """An authority: its certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @cached_property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "vbem.rest emulator"), x509.NameAttribute(NameOID.COMMON_NAME, text)]
    )


def _builder(
    name: str, issuer: str, key: ec.EllipticCurvePrivateKey, begins: datetime.datetime, ends: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(name: str, setup: str = "usual", issuer: Issuer | None = None) -> Issuer:
    """Make an authority, at the root or below another."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    above = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value if issuer else name
    builder = _builder(name, str(above), key, now - _YEAR, now + 10 * _YEAR)
    critical = setup != "basic_constraints_not_critical"
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=critical)
    if setup != "no_key_usage":
        builder = builder.add_extension(_usage(authority=True), critical=True)
    if setup != "no_subject_key_id":
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if issuer is not None:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(known, critical=False)
    return Issuer(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _leaf(issuer: Issuer, names: tuple[str, ...], setup: str) -> Issuer:
    """Make a server's certificate."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    begins, ends = now - _YEAR, now + _YEAR
    if setup == "expired":
        ends = now - datetime.timedelta(days=1)
    if setup == "not_yet_valid":
        begins, ends = now + datetime.timedelta(days=1), now + 2 * _YEAR
    shown = ("elsewhere.vbem.test",) if setup == "wrong_name" else names
    above = issuer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = _builder("server", str(above), key, begins, ends)
    builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in shown]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if setup != "no_authority_key_id":
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(known, critical=False)
    return Issuer(builder.sign(issuer.key, hashes.SHA256()), key)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@cache  # without a limit: a new authority would not fit the certificates that the old one signed
def _root(setup: str) -> Issuer:
    return _authority("root", setup)


def authority(setup: str = "usual") -> Issuer:
    """Return this process's certificate authority for a set-up; all that go well share one."""
    shared = ("expired", "not_yet_valid", "wrong_name", "tls10", "no_common_cipher", "client_certificate", "unknown_name")
    if setup in (*shared, "intermediate", "no_intermediate", "no_authority_key_id"):
        return _root("usual")
    return _root(setup)


@cache
def _intermediate() -> Issuer:
    return _authority("intermediate", issuer=authority())


@cache
def _chain(names: tuple[str, ...], setup: str) -> tuple[Issuer, bytes]:
    """Return the server's certificate and what it sends after it."""
    if setup in ("intermediate", "no_intermediate"):
        return _leaf(_intermediate(), names, setup), _intermediate().pem if setup == "intermediate" else b""
    return _leaf(authority(setup), names, setup), b""


@cache
def server_context(names: tuple[str, ...], setup: str = "usual") -> ssl.SSLContext:
    """Return a server's TLS settings, with a certificate for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf, more = _chain(names, setup)
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    with tempfile.TemporaryDirectory(prefix="vbem-emulator-tls-") as folder:
        path = Path(folder) / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(key + leaf.pem + more)
        context.load_cert_chain(path)
    if setup == "tls10":
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    if setup == "no_common_cipher":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-CCM")
    if setup == "client_certificate":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority().pem.decode())
    if setup == "unknown_name":
        context.sni_callback = lambda *_ignored: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


def forget() -> None:
    """Forget this process's authorities and certificates: the next emulator has others."""
    for kept in (_root, _intermediate, _chain, server_context):
        kept.cache_clear()


def write_certificates(folder: Path, names: tuple[str, ...], setup: str = "usual") -> None:
    """Write the authority's certificate as PEM; beside it, where TLS goes wrong, the others of the chain."""
    path, pem = folder / "ca.pem", authority(setup).pem
    if not path.exists() or path.read_bytes() != pem:
        path.write_bytes(pem)
    if setup != "usual":
        (folder / "server.pem").write_bytes(_chain(names, setup)[0].pem)
        if setup in ("intermediate", "no_intermediate"):
            (folder / "intermediate.pem").write_bytes(_intermediate().pem)


def write_other_authority(path: Path) -> None:
    """Write the certificate of an authority that signed nothing here."""
    path.write_bytes(_authority("somebody else").pem)
