# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing the body of a request with the resource as the server shows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .codec import snake_case
from .dates import parse_date
from .links import find_guid
from .secret_names import is_secret_name

# Members whose names in a body differ from those in the resource (reference: backup servers, tenants, jobs).
_SHOWN_AS = {
    "dns_name_or_ip_address": ("name",),
    "lease_expiration_date": ("lease_options", "lease_expiration_date"),
    "retry_specified": ("retry_specified1",),
    "options_continuous": ("options_continious",),
}
# A time of the day in a body; the resource shows it with a date, and not always with the zone.
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)


def find_differences(body: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the members of a body that differ from the resource, and those that cannot be compared: secrets.

    Both are paths in the API's own names, such as ``Resources.QuotaMb``. Members that the body does not mention,
    or that are None, do not count.
    """
    differing: list[str] = []
    secrets: list[str] = []
    _compare(body, current, (), differing, secrets)
    return differing, secrets


def _compare(wanted: Any, current: Any, path: tuple[str, ...], differing: list[str], secrets: list[str]) -> None:
    if wanted is None:
        return  # which is not sent
    if path and is_secret_name(path[-1]):
        secrets.append(".".join(path))
        return
    if isinstance(wanted, Mapping):
        inner = _unwrap_wanted(wanted)
        if inner is not wanted and isinstance(current, list):
            _compare(inner, current, path, differing, secrets)
            return
        for name, value in wanted.items():
            shown = str(name).lstrip("@")
            _compare(value, _get_member(current, snake_case(shown)), (*path, shown), differing, secrets)
        return
    if isinstance(wanted, (list, tuple)):
        current = _unwrap(current)
        is_equal = isinstance(current, list) and len(current) == len(wanted)
        if is_equal:
            found: list[str] = []
            for one, other in zip(wanted, current):
                _compare(one, other, path, found, secrets)
            is_equal = not found
        if not is_equal:
            differing.append(".".join(path))
        return
    if not _is_equal(wanted, current):
        differing.append(".".join(path))


def _get_member(resource: Any, name: str) -> Any:
    """Return a member of a resource, by the name that it has in a body; None where there is none."""
    if not isinstance(resource, Mapping) or name in resource:
        return resource.get(name) if isinstance(resource, Mapping) else None
    value: Any = resource
    for part in _SHOWN_AS.get(name, ()) or (name,):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _unwrap(value: Any) -> Any:
    """Return a list without the object around it, which JSON has around every list (wire facts, section 1.2)."""
    if isinstance(value, Mapping) and len(value) == 1:
        (one,) = value.values()
        if isinstance(one, list):
            return one
    return value


def _unwrap_wanted(value: Mapping[str, Any]) -> Any:
    if len(value) == 1:
        (one,) = value.values()
        if isinstance(one, (list, tuple)):
            return one
    return value


def _is_equal(wanted: Any, current: Any) -> bool:
    """Return whether two values are the same, however they are written: numbers and booleans may be texts."""
    if wanted == "":
        return current in (None, "", {}, [])
    if isinstance(wanted, bool) or isinstance(current, bool):
        return str(wanted).lower() == str(current).lower()
    if isinstance(wanted, (int, float)) or isinstance(current, (int, float)):
        return str(wanted) == str(current)
    left, right = str(wanted), str(current)
    return left == right or (find_guid(left) is not None and left.lower() == right.lower()) or _is_same_time(left, right)


def _is_same_time(wanted: str, current: str) -> bool:
    """Return whether two texts are the same date or the same time of the day; a zone counts only where both have one."""
    left, right = _TIME.fullmatch(wanted.strip()), _TIME.fullmatch(current.strip().partition("T")[2] or current.strip())
    if left and right:
        return _read_clock(left) == _read_clock(right) and (not left[4] or not right[4] or left[4] == right[4])
    date = parse_date(wanted)
    return date is not None and date == parse_date(current)


def _read_clock(match: re.Match[str]) -> tuple[str, str, str]:
    return match[1], match[2], match[3] or "00"
