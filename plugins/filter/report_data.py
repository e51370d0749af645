# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``vbem.rest.report_data``: the data of the page that the role ``vbem.rest.report`` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import parse_date
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import from_plain
from ansible_collections.vbem.rest.plugins.plugin_utils._report.build import build_report, format_digest
from ansible_collections.vbem.rest.plugins.plugin_utils._report.formatting import Zone
from ansible_collections.vbem.rest.plugins.plugin_utils._report.sections import ReportOptions


def report_data(  # noqa: PLR0913 - its options
    results: Sequence[Mapping[str, Any]] | Mapping[str, Any],
    since: str,
    until: str,
    *,
    time_zone: str = "local",
    max_rows: int = 15,
    full_threshold_percent: int = 90,
    baseline_days: int = 14,
    escape_html: bool = False,
    validate_only: bool = False,
) -> Any:
    """Return the backup report on a digest, or on results of veeam_query_info; with ``validate_only``, the options' errors."""
    numbers = {"max_rows": max_rows, "full_threshold_percent": full_threshold_percent, "baseline_days": baseline_days}
    errors = list(_find_errors(time_zone, numbers))
    if validate_only:
        return wrap_var({"errors": errors})
    try:
        if errors:
            raise ValueError(" ".join(errors))
        # Before ansible-core 2.19, numbers that come from a template are strings.
        integers = {name: int(number) for name, number in numbers.items()}
        options = ReportOptions(_parse(since), _parse(until), Zone(time_zone), **integers)
        if options.since >= options.until:
            raise ValueError(f"The period ends before it begins: {since} to {until}.")
        report: Any = _format(results, options) if isinstance(results, Mapping) else build_report(results, options)
    except ValueError as err:
        raise AnsibleFilterError(f"vbem.rest.report_data: {err}") from err
    # Anybody may name a job: such text must become neither markup of the page nor a template of a playbook.
    return wrap_var(_map_texts(report, escape) if escape_html else report)  # escaped for HTML elements and attributes


def _format(plain: Mapping[str, Any], options: ReportOptions) -> dict[str, Any]:
    """Return the report on a digest. Raise ValueError if it is none, or one of another period."""
    try:
        digest = from_plain(_map_texts(plain, lambda text: text))  # Ansible's own containers cannot be part of a result
        if (digest.since, digest.until) == (options.since, options.until):
            return format_digest(digest, options.zone)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError("The input is neither the digest of veeam_report_info nor a list of results.") from None
    raise ValueError(f"The digest is of another period: {plain['since']} to {plain['until']}.")


def _find_errors(time_zone: str, numbers: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each invalid option. It begins with the option's name, so that the role can prefix its own."""
    for name, value in numbers.items():
        minimum = 1 if name == "max_rows" else 0
        try:
            is_valid = int(value) >= minimum
        except (TypeError, ValueError, OverflowError):
            is_valid = False
        if not is_valid:
            yield f"{name} is {value!r}: give a whole number, {minimum} or more."
    try:
        Zone(time_zone)
    except ValueError as err:
        yield f"time_zone is {time_zone!r}: {err}"


def _map_texts(value: Any, function: Callable[[str], str]) -> Any:
    """Return a copy of a value, in plain lists and dictionaries, with a function applied to all its strings."""
    if isinstance(value, Mapping):
        return {key: _map_texts(one, function) for key, one in value.items()}
    if isinstance(value, list):
        return [_map_texts(one, function) for one in value]
    return function(value) if isinstance(value, str) else value


def _parse(text: str) -> datetime:
    date = parse_date(text)
    if date is None:
        raise ValueError(f"{text!r} is not a date: use ISO 8601, such as 2026-11-23T18:00:00Z.")
    return date


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return them by name."""
        return {"report_data": report_data}
