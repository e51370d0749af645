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


def seal(text: str, pad: str, *, part: int) -> str:
    """Combine ``text`` with the pad's first (``part`` 0) or second (1) half; give hexadecimal.

    Raises ValueError where the text is longer than half the pad.
    """
    return _combine(text.encode("utf-8"), pad, part).hex()


def unseal(sealed: str, pad: str, *, part: int) -> str:
    """Give back the text that was sealed with the same pad and part."""
    return _combine(bytes.fromhex(sealed), pad, part).decode("utf-8")


def _combine(data: bytes, pad: str, part: int) -> bytes:
    half = len(pad) // 4
    key = bytes.fromhex(pad)[part * half : (part + 1) * half]
    if len(data) > len(key):
        raise ValueError("longer than the pad")
    return bytes(left ^ right for left, right in zip(data, key))
