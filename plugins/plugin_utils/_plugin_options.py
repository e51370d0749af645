# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a plugin on the controller: arguments, then variables, then the environment.

Ansible's own reading does not do here: it takes an empty or unknown text for false where a truth is wanted, even for
``validate_certs``; it passes over arguments that it does not know; and its complaints repeat values, secret ones as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.vbem.rest.plugins.module_utils._em._arguments import is_empty, read_arguments
from ansible_collections.vbem.rest.plugins.module_utils._em._errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em._options import CONNECTION_OPTIONS, SESSION_OPTIONS, Option

NAMES = tuple(name for option in CONNECTION_OPTIONS for name in (option.name, *option.aliases))
NO_SESSION = (
    "The option session is not a session: give the whole value that vbem.rest.veeam_session returned as session (with"
    " 'register: em', that is em.session)."
)


def read_plugin_options(
    own: Sequence[Option], direct: Mapping[str, Any], variables: Mapping[str, Any], templar: Any
) -> dict[str, Any]:
    """Read the connection options, ``session`` and the plugin's own. What is empty was not given; all faults are ``EmError``.

    ``variables`` are as they were written; only those that count are templated, as others need not be ready.
    """
    given = {name: _open_vault(value) for name, value in direct.items()}
    for option in (*CONNECTION_OPTIONS, Option("session", "dict")):
        variable = f"vbem_{option.name}"
        if variable in variables and all(is_empty(given.get(name)) for name in (option.name, *option.aliases)):
            given[option.name] = _open_vault(templar.template(variables[variable]))
    session = given.pop("session", None)
    values = read_arguments((*CONNECTION_OPTIONS, *own), given, os.environ)
    return {**values, "session": _read_session(session)}


def _open_vault(value: Any) -> Any:
    """Give the text of a value that was encrypted in its file, which is no text to ansible-core before 2.19."""
    is_text = isinstance(value, Sequence) and not isinstance(value, (str, bytes, list, tuple))
    return str(value) if is_text else value


def _read_session(value: Any) -> dict[str, Any] | None:
    """Read a session strictly. No complaint shows more of it than the names of its members."""
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise EmError("invalid_option", NO_SESSION) from None
    if is_empty(value) or value == {}:
        return None
    if not isinstance(value, Mapping):
        raise EmError("invalid_option", NO_SESSION)
    known = {option.name: option for option in SESSION_OPTIONS}
    unknown = sorted(str(name) for name in value if name not in known)
    if unknown:
        raise EmError("invalid_option", f"A session has no {' and no '.join(unknown)}. {NO_SESSION}")
    given = {name: str(each) if isinstance(each, int) and known[name].secret else each for name, each in value.items()}
    if any(known[name].secret and each is not None and not isinstance(each, str) for name, each in given.items()):
        raise EmError("invalid_option", NO_SESSION)
    read = read_arguments(SESSION_OPTIONS, given, {})
    return {name: each for name, each in read.items() if each is not None}
