# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies as they may be shown: without the values of members that hold secrets."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

NAMESPACE = "http://www.veeam.com/ent/v1.0"
HIDDEN = "********"
_SECRET = ("password", "passwordhash", "privatekey", "passphrase", "secret")


def is_secret(name: str) -> bool:
    """Return whether a member of this name holds a secret."""
    return name.lower() in _SECRET


def hide_secrets(text: str) -> str:
    """Return a body with the values of secret members replaced, whatever its format."""
    if not any(word in text.lower() for word in _SECRET):
        return text
    text = text.lstrip("\ufeff \t\r\n")
    try:
        if text.startswith(("{", "[")):
            return json.dumps(_hide(json.loads(text)), ensure_ascii=False)
        if text.startswith("<"):
            element = ET.fromstring(text)
            for one in element.iter():
                if is_secret(one.tag.rpartition("}")[2]):
                    one.text = HIDDEN
            ET.register_namespace("", NAMESPACE)
            return ET.tostring(element, encoding="unicode")
    except (ValueError, RecursionError, ET.ParseError):
        return "(cannot be read)"
    return "(neither JSON nor XML)"


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(key) else _hide(inner) for key, inner in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value
