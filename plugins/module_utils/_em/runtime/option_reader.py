# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the arguments of plugins for which Ansible reads none, such as event sources, by a table of options."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ..errors import EmError, create_option_error
from ..options import Option

TRUE = ("yes", "on", "1", "true", "y", "t", "1.0")  # as Ansible reads them
FALSE = ("no", "off", "0", "false", "n", "f", "0.0")


def read_arguments(options: Sequence[Option], given: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return a value for every option: the argument, else its environment variable, else its default.

    An empty text counts as not given, so that a template may give nothing. Raise ``invalid_option`` for a wrong argument.
    """
    names = {name: option for option in options for name in (option.name, *option.aliases)}
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, 1)
            hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(sorted(names))}."
            raise EmError("invalid_option", f"There is no option {name}: {hint}")
    values: dict[str, Any] = {}
    for option in options:
        spelled = [name for name in (option.name, *option.aliases) if not is_empty(given.get(name))]
        if len(spelled) > 1:
            raise EmError("invalid_option", f"The options {' and '.join(spelled)} are the same one: give it once.")
        if spelled:
            values[option.name] = read_value(option, given[spelled[0]], option.name)
        elif option.env and environ.get(option.env_var):
            values[option.name] = read_value(option, environ[option.env_var], option.env_var)
        else:
            values[option.name] = option.default
    return values


def is_empty(value: object) -> bool:
    """Return whether an argument counts as not given."""
    return value is None or value in ("", [])


def read_value(option: Option, value: Any, name: str) -> Any:
    """Return a value as its option's type. Templates of a rulebook turn texts into numbers and booleans, and the reverse."""
    if option.type == "list":
        parts = value if isinstance(value, (list, tuple)) else [value]
        return [_check_choice(option, _read_text(option, part, name), name) for part in parts]
    if option.type == "raw":
        return value
    if option.type == "int":
        return _read_int(value, name)
    if option.type == "bool":
        text = str(value).strip().lower()
        if text not in TRUE + FALSE:
            raise create_option_error(name, value, "give true or false")
        return text in TRUE
    text = _check_choice(option, _read_text(option, value, name), name)
    return os.path.expandvars(os.path.expanduser(text)) if option.type == "path" else text  # noqa: PTH111 - as Ansible does


def _read_int(value: Any, name: str) -> int:
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise create_option_error(name, value, "give a whole number") from None


def _read_text(option: Option, value: Any, name: str) -> str:
    if isinstance(value, str):
        # Python's literals read what JSON writes as two escapes as two surrogates.
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            return value  # lone surrogates: bytes of the environment that are not UTF-8, sent unchanged
    if isinstance(value, date):  # YAML reads what looks like a date as one
        return value.isoformat()
    if option.secret:
        raise EmError(
            "invalid_option",
            f"The option {name} is not text but of the type {type(value).__name__}: put it into quotes, or leave it out and set"
            f" the environment variable {option.env_var}. In a rulebook, where ansible-rulebook reads what a template gives as"
            f' Python, write it with tojson, {name}: "{{{{ {option.env_var} | tojson }}}}".',
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise create_option_error(name, value, "give a text")
    return str(value)


def _check_choice(option: Option, text: str, name: str) -> str:
    if not option.choices:
        return text
    for choice in option.choices:
        if choice.lower() == text.strip().lower():
            return choice
    raise create_option_error(name, text, f"give {', '.join(option.choices[:-1])} or {option.choices[-1]}")
