# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A one-time pad: how the secrets of a new session are passed from the module to its action plugin.

``ANSIBLE_DEBUG`` shows a module's output, and job files keep it, before any plugin can censor it. So the action plugin passes a
random key to the module, the module returns its secrets encrypted with that key, and only the action plugin can decrypt them.
Each key serves one run of a module.
"""

from __future__ import annotations

import secrets

KEY_BYTES = 8192


def create_key() -> str:
    """Return a new random key, in hexadecimal."""
    return secrets.token_hex(KEY_BYTES)


def encrypt(text: str, key: str) -> str:
    """Return ``text`` combined with the key, in hexadecimal. Raise ValueError where the text is longer than the key."""
    return _combine(text.encode("utf-8"), key).hex()


def decrypt(encrypted: str, key: str) -> str:
    """Return the text that was encrypted with the same key."""
    return _combine(bytes.fromhex(encrypted), key).decode("utf-8")


def _combine(data: bytes, key: str) -> bytes:
    pad = bytes.fromhex(key)
    if len(data) > len(pad):
        raise ValueError("longer than the key")
    return bytes(left ^ right for left, right in zip(data, pad))
