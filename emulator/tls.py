# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of one's own, and a server certificate from it."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


@lru_cache(maxsize=1)
def authority() -> trustme.CA:
    """Return this process's certificate authority."""
    return trustme.CA(organization_name="vbem.rest emulator")


@lru_cache(maxsize=8)
def server_context(names: tuple[str, ...]) -> ssl.SSLContext:
    """Return a server's TLS settings, with a certificate for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority().issue_cert(*names).configure_cert(context)
    return context


def write_authority(path: Path) -> None:
    """Write the authority's certificate as PEM."""
    authority().cert_pem.write_to_path(str(path))


def write_other_authority(path: Path) -> None:
    """Write the certificate of an authority that signed nothing here."""
    trustme.CA(organization_name="somebody else").cert_pem.write_to_path(str(path))
