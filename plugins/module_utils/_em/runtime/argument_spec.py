# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The argument specification that modules share."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleFallbackNotFound, env_fallback

from ..options import CONNECTION_OPTIONS, SESSION_OPTIONS, Option

# Options of modules that only their action plugins may set.
ONE_TIME_PAD_SPEC: dict[str, Any] = {"_one_time_pad": {"type": "str", "no_log": True}}
PROGRESS_SPEC: dict[str, Any] = {"_progress_file": {"type": "str"}}
INTERNAL_OPTIONS = (*ONE_TIME_PAD_SPEC, *PROGRESS_SPEC)


def create_connection_spec() -> dict[str, Any]:
    """Return the argument specification of the connection options."""
    session = {"type": "dict", "options": {option.name: _create_option_spec(option) for option in SESSION_OPTIONS}}
    return {**{option.name: _create_option_spec(option) for option in CONNECTION_OPTIONS}, "session": session}


def _create_option_spec(option: Option) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": option.type, "no_log": option.secret}
    if option.default is not None:
        spec["default"] = option.default
    if option.aliases:
        spec["aliases"] = list(option.aliases)
    if option.choices:
        spec["choices"] = list(option.choices)
    if option.env:
        spec["fallback"] = (_read_environment, [option.env_var])
    return spec


def _read_environment(name: str) -> str:
    """Return an environment variable. An empty one counts as not set: AWX injects it for an input that is left empty."""
    value: str = env_fallback(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value
