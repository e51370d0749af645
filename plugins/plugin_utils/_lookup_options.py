# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a plugin on the controller: arguments, then variables, then the environment.

Ansible's own reading of options is not used: it converts an empty or unknown text to false for a boolean option, even for
``validate_certs``; it ignores unknown arguments; and its error messages repeat values, including secrets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, SESSION_OPTIONS, Option
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.option_reader import is_empty, read_arguments, read_value

SESSION = Option("session", "raw", env=False)
SECRETS = frozenset(option.name for option in (*CONNECTION_OPTIONS, *SESSION_OPTIONS) if option.secret)
NO_SESSION = (
    "The option session is not a session: give the whole value that vbem.rest.veeam_session returned as session (with"
    " 'register: em', that is em.session)."
)


def read_plugin_options(
    own: Sequence[Option], direct: Mapping[str, Any], variables: Mapping[str, Any], templar: Any
) -> dict[str, Any]:
    """Return the connection options, ``session`` and the plugin's own; empty values count as not given. Raise only `EmError`.

    ``variables`` are not templated yet; only those that are used get templated, because others may not be defined completely.
    """
    given = {
        name: _open_vault(value) for name, value in remove_omitted(direct).items() if name != "wantlist"
    }  # with_* says that
    for option in (*CONNECTION_OPTIONS, SESSION):
        variable = f"vbem_{option.name}"
        if variable in variables and all(is_empty(given.get(name)) for name in (option.name, *option.aliases)):
            given[option.name] = _open_vault(templar.template(variables[variable]))
    options = (*CONNECTION_OPTIONS, SESSION, *own)
    for option in options:
        for name in (option.name, *option.aliases):
            value = given.get(name)
            if option.secret and not is_empty(value) and not isinstance(value, str):
                raise EmError("invalid_option", f"The option {name} is not a text: put it into quotes where it is set.")
            if not option.secret and option is not SESSION:
                check_not_secret(name, value)
    values = read_arguments(options, given, os.environ)
    return {**values, "session": _read_session(values["session"])}


def remove_omitted(direct: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments without those of ``default(omit)``, which ansible-core takes out of tasks, but not of lookups."""
    return {name: value for name, value in direct.items() if not _is_omit(value)}


def _is_omit(value: Any) -> bool:
    """Return whether a value is ``omit``: a text with a random end before ansible-core 2.19, an object of its own since."""
    return type(value).__name__ == "_OmitType" or (isinstance(value, str) and value.startswith("__omit_place_holder__"))


def check_not_secret(name: str, value: Any) -> None:
    """Raise ``invalid_option`` where an option was given a session or credentials, before a message could show them."""
    if _holds_secrets(value):
        raise EmError(
            "invalid_option",
            f"The option {name} cannot be a session or credentials: give a session as session=em.session, and credentials as"
            " hostname, username and password.",
        )


def _holds_secrets(value: Any) -> bool:
    """Return whether a value has members, at any depth, with the names of secrets; it may be written as text."""
    if isinstance(value, str):
        return value.lstrip()[:1] in ("{", "[") and any(f"{quote}{name}{quote}" in value for name in SECRETS for quote in "\"'")
    if isinstance(value, Mapping):
        return not SECRETS.isdisjoint(value) or any(_holds_secrets(each) for each in value.values())
    return isinstance(value, (list, tuple)) and any(_holds_secrets(each) for each in value)


def _open_vault(value: Any) -> Any:
    """Return a value decrypted by Ansible Vault as text, which it is not in ansible-core before 2.19."""
    is_text = isinstance(value, Sequence) and not isinstance(value, (str, bytes, list, tuple))
    return str(value) if is_text else value


def _read_session(value: Any) -> dict[str, Any] | None:
    """Return a session, checked strictly. Messages show no more of it than the names of its members."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise EmError("invalid_option", NO_SESSION) from None
    if is_empty(value) or value == {}:
        return None
    if not isinstance(value, Mapping):
        raise EmError("invalid_option", NO_SESSION)
    given = {name: _open_vault(each) for name, each in value.items() if not is_empty(each)}
    unknown = sorted(str(name) for name in value if name not in {option.name for option in SESSION_OPTIONS})
    if unknown:
        raise EmError("invalid_option", f"A session has no {' and no '.join(unknown)}. {NO_SESSION}")
    return {option.name: _read_member(option, given[option.name]) for option in SESSION_OPTIONS if option.name in given}


def _read_member(option: Option, value: Any) -> Any:
    if option.secret and isinstance(value, int):
        return str(value)
    if _holds_secrets(value) or (option.secret and not isinstance(value, str)):
        raise EmError("invalid_option", NO_SESSION)
    return read_value(option, value, f"session.{option.name}")
