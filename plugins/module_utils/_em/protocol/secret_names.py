# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of bodies whose names say that their values are secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .codec import snake_case

HIDDEN = "(hidden)"
# PasswordKeyId and the like are ids, not secrets. PasswordHint counts as one, because it helps to guess the password.
_SECRET = re.compile(
    r"(?:.*_)?(?:password|passwd|pwd|passphrase|secret|token|password_hash|password_hint|private_key|access_key|secret_key"
    r"|encryption_key|password_key|credential|session_id)"
)


def is_secret_name(name: str) -> bool:
    """Return whether a member of this name is a secret, in the API's spelling or in snake_case."""
    return _SECRET.fullmatch(snake_case(name.lstrip("@"))) is not None


def iter_secrets(value: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Yield the values of all members, at any depth, that are secrets."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from iter_secrets(one, is_secret=is_secret or is_secret_name(str(name)))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from iter_secrets(one, is_secret=is_secret)
    elif is_secret and value is not None and not isinstance(value, bool):
        yield str(value)


def hide_secrets(value: Any) -> Any:
    """Return a value with every secret member replaced, where it has a value."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN
            if is_secret_name(str(name)) and one not in (None, "", {}, []) and not isinstance(one, bool)
            else hide_secrets(one)
            for name, one in value.items()
        }
    return [hide_secrets(one) for one in value] if isinstance(value, list) else value
