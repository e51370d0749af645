# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RETURN says of a module's results, and whether they keep to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml

from .examples import MODULES, read_documentation

# What every result may have: Ansible's own keys, and a failure's.
COMMON = {"changed", "failed", "invocation", "warnings", "deprecations", "diff", "msg", "error", "exception", "item"}
ERROR_KEYS = {"kind", "status", "method", "path", "detail"}
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
_LIKE = re.compile(r"keys are those of (?:the return value )?(?:C|RV)\((?:ignore:)?(\w+)\)\s+of\s+M\(vbem\.rest\.(\w+)\)", re.I)


@cache
def read_returns(module: str) -> dict[str, Any]:
    """Return a module's RETURN."""
    path = next(path for path in MODULES if path.stem == module)
    return dict(yaml.safe_load(read_documentation(path, "RETURN")))


def find_contains(spec: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a value contains; where it has the keys of another module's value, what that one contains."""
    match = _LIKE.search(" ".join(str(spec["description"]).split()))
    contains: dict[str, Any] | None = spec.get("contains")
    if match and contains is None:
        return find_contains(read_returns(match[2])[match[1]])
    return contains


def iter_misfits(module: str, result: dict[str, Any], *, failed: bool) -> Iterator[str]:
    """Yield where a result is not as documented. A failure, forgiven or not, may lack what a success has."""
    returns = read_returns(module)
    if failed or "error" in result:
        if not isinstance(result.get("msg"), str) or set(result.get("error", {})) != ERROR_KEYS:
            yield f"a failure without msg and error: {json.dumps(result)[:500]}"
    else:
        for name in sorted(result.keys() - returns.keys() - COMMON):
            if not name.startswith(("_ansible", "ansible_", "failed_when", "attempts")):
                yield f"{name} is returned and not documented"
        for name, spec in returns.items():
            if str(spec["returned"]).startswith("success") and name not in result:
                yield f"{name} is documented and not returned"
    for name in returns.keys() & result.keys():
        yield from _iter_value_misfits(name, returns[name], result[name])


def _iter_value_misfits(where: str, spec: dict[str, Any], value: Any) -> Iterator[str]:
    if value is None:
        return
    kind = spec["type"]
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "bool"):
        yield f"{where} is documented as {kind} and is {value!r}"
        return
    for number, element in enumerate(value if kind == "list" else []):
        yield from _iter_value_misfits(f"{where}[{number}]", {**spec, "type": spec["elements"]}, element)
    contains = find_contains(spec)
    if kind != "dict" or contains is None:
        return
    is_open = "keys are the server's names" in str(spec["description"])
    for name in sorted(set() if is_open else value.keys() - contains.keys()):
        yield f"{where}.{name} is returned and not documented"
    for name, part in contains.items():
        if name in value:
            yield from _iter_value_misfits(f"{where}.{name}", part, value[name])
        elif str(part["returned"]) == "success":
            yield f"{where}.{name} is documented and not returned"


def list_keys(spec: dict[str, Any], prefix: str = "", *, borrowed: bool = False) -> set[str]:
    """Return every documented key, those within values as a path; of another module's value only what is always there."""
    keys = set()
    for name, part in spec.items():
        if borrowed and part["returned"] != "success":
            continue
        inner = find_contains(part) or {}
        keys |= {prefix + name} | list_keys(inner, f"{prefix}{name}.", borrowed="contains" not in part)
    return keys


def list_seen(value: Any, prefix: str = "") -> set[str]:
    """Return every key of a result, in the same form."""
    seen: set[str] = set()
    if isinstance(value, list):
        for element in value:
            seen |= list_seen(element, prefix)
    if isinstance(value, dict):
        for name, part in value.items():
            seen |= {prefix + name} | list_seen(part, f"{prefix}{name}.")
    return seen
