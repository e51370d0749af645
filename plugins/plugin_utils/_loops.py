# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the item of a loop holds secrets. Pure.

Ansible adds the item to the result of each iteration, and prints both: at verbosity 0 where an iteration fails, whatever the
label is. Only a result that is censored as a whole is printed without its item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.secret_names import (
    HIDDEN,
    is_secret_name,
    iter_secrets,
)

# Names that playbooks use for secrets, in addition to those of the API.
_SHORT_NAME = re.compile(r"(?:.*_)?(?:pass|pw|api_?key|authorization)", re.IGNORECASE)
_PLACEHOLDER = re.compile(rf"{re.escape(HIDDEN)}|VALUE_SPECIFIED_IN_NO_LOG_PARAMETER|\*+|")
SECRET_OPTIONS = ("session", "body")  # where they are no dictionaries, all of them may be a secret
MAX_DEPTH = 100


def list_option_secrets(args: Mapping[str, Any], secret_options: Collection[str], known_options: Collection[str]) -> set[str]:
    """Return the secrets in the options of a task.

    These are the values of ``secret_options``; id and token of a session; the members of a body that have the name of a secret;
    an address with a user in it; and the whole value of an option with an unknown name, which may be a misspelt ``password``.
    """
    secrets: set[str] = set()
    for name, value in args.items():
        if name == "session" and isinstance(value, Mapping):
            secrets.update(_iter_texts([value.get("id"), value.get("token")]), iter_secrets(value))
        elif name == "body" and isinstance(value, Mapping):
            secrets.update(iter_secrets(value))
        elif name in SECRET_OPTIONS or name in secret_options or name not in known_options or "@" in _get_address(name, value):
            secrets.update(_iter_texts(value))
    return {secret for secret in secrets if not _PLACEHOLDER.fullmatch(secret)}


def _get_address(name: str, value: Any) -> str:
    return str(value) if name in ("hostname", "host") else ""


def holds_secrets(value: Any, secrets: Collection[str], is_secret_value: Callable[[Any], bool] = lambda _value: False) -> bool:
    """Return whether a value has, at any depth, a member with the name of a secret, or one of ``secrets`` in a text.

    ``is_secret_value`` may know further ones. What cannot be looked into, such as a template that fails, counts as a secret.
    """
    try:
        return _holds(value, secrets, is_secret_value, MAX_DEPTH)
    except Exception:
        return True


def _holds(value: Any, secrets: Collection[str], is_secret_value: Callable[[Any], bool], depth: int) -> bool:
    if value is None or isinstance(value, bool):
        return False
    if is_secret_value(value) or not depth:
        return True
    if isinstance(value, Mapping):
        return any(
            (_names_secret(str(name)) and _has_content(one))
            or _holds(name, secrets, is_secret_value, depth - 1)
            or _holds(one, secrets, is_secret_value, depth - 1)
            for name, one in value.items()
        )
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_holds(one, secrets, is_secret_value, depth - 1) for one in value)
    text = str(value)
    return any(secret in text for secret in secrets)


def _names_secret(name: str) -> bool:
    return is_secret_name(name) or _SHORT_NAME.fullmatch(name.replace("-", "_")) is not None


def _has_content(value: Any) -> bool:
    """Return whether a value is more than nothing, a boolean, or what Ansible and this collection show instead of a secret."""
    return any(not _PLACEHOLDER.fullmatch(text) for text in _iter_texts(value))


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _iter_texts(one)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            yield from _iter_texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
