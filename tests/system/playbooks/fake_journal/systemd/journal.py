# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what is sent to the journal in the file that VBEM_JOURNAL names."""

from __future__ import annotations

import os


def send(**fields: object) -> None:
    """Keep an entry: a message, and a field for each option."""
    sendv(*[f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in fields.items()])


def sendv(*fields: bytes) -> None:
    """Keep an entry."""
    with open(os.environ["VBEM_JOURNAL"], "ab") as file:  # noqa: PTH123 - as little as can be imported by modules
        file.write(b"\n".join(fields) + b"\n\n")
