# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sealing: how a new session's secrets travel from the module to its action plugin.

A module's output is shown by ``ANSIBLE_DEBUG`` and kept in job files before any plugin can censor it. So the action
plugin sends a one-time pad along, the module returns its secrets combined with that pad, and only the action plugin,
which threw the dice, can read them. Each pad serves one module run.
"""

from __future__ import annotations

import secrets

PAD_BYTES = 8192


def create_pad() -> str:
    """Throw a new pad, in hexadecimal."""
    return secrets.token_hex(PAD_BYTES)


def seal(text: str, pad: str) -> str:
    """Combine ``text`` with the pad; give hexadecimal. Raises ValueError where the text is longer than the pad."""
    return _combine(text.encode("utf-8"), pad).hex()


def unseal(sealed: str, pad: str) -> str:
    """Give back the text that was sealed with the same pad."""
    return _combine(bytes.fromhex(sealed), pad).decode("utf-8")


def _combine(data: bytes, pad: str) -> bytes:
    key = bytes.fromhex(pad)
    if len(data) > len(key):
        raise ValueError("longer than the pad")
    return bytes(left ^ right for left, right in zip(data, key))
