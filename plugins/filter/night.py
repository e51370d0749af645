# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``vbem.rest.night``, which the role ``vbem.rest.report`` draws its page from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import parse_date
from ansible_collections.vbem.rest.plugins.plugin_utils._night import create_night
from ansible_collections.vbem.rest.plugins.plugin_utils._night_parts import Period
from ansible_collections.vbem.rest.plugins.plugin_utils._night_text import Zone


def night(  # noqa: PLR0913 - its options
    answers: Sequence[Mapping[str, Any]],
    since: str,
    until: str,
    *,
    time_zone: str = "local",
    limit: int = 15,
    full_percent: int = 90,
    usual_days: int = 14,
    html: bool = False,
    check: bool = False,
) -> Any:
    """Draw a picture of the night from results of veeam_query_info; or only tell what is wrong with the options."""
    faults = list(_find_faults(time_zone, limit=limit, full_percent=full_percent, usual_days=usual_days))
    if check:
        return wrap_var({"faults": faults})
    try:
        if faults:
            raise ValueError(" ".join(faults))
        # Numbers that come by way of a variable are texts before ansible-core 2.19.
        numbers = [int(number) for number in (limit, full_percent, usual_days)]
        period = Period(_read(since), _read(until), Zone(time_zone), *numbers)
        if period.since >= period.until:
            raise ValueError(f"The period ends before it begins: {since} to {until}.")
        picture: Any = create_night(answers, period)
    except ValueError as err:
        raise AnsibleFilterError(f"vbem.rest.night: {err}") from err
    # Names of jobs are not ours. On a page none of them is to be markup, and nowhere is one to be a template.
    return wrap_var(_escape(picture) if html else picture)


def _find_faults(time_zone: str, **numbers: Any) -> Iterator[str]:
    """Tell what is wrong with options, in sentences that begin with an option's name, so that a role can call it its own."""
    for name, value in numbers.items():
        least = 1 if name == "limit" else 0
        try:
            is_right = int(value) >= least
        except (TypeError, ValueError, OverflowError):
            is_right = False
        if not is_right:
            yield f"{name} is {value!r}: write a whole number, {least} or more."
    try:
        Zone(time_zone)
    except ValueError as err:
        yield f"time_zone is {time_zone!r}: {err}"


def _escape(value: Any) -> Any:
    """Escape all texts within a value, for elements and for attributes."""
    if isinstance(value, dict):
        return {key: _escape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escape(one) for one in value]
    return escape(value) if isinstance(value, str) else value


def _read(text: str) -> datetime:
    date = parse_date(text)
    if date is None:
        raise ValueError(f"{text!r} is no date.")
    return date


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Give them by name."""
        return {"night": night}
