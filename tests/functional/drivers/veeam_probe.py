# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_probe is driven."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import Scenario
from .checks import list_actions
from .observation import Observation

# Answers to these are needed to read many others.
BASIC = {
    "servers",
    "none",
    "some",
    "tasks",
    "no_tasks",
    "any_tasks",
    "unknown_resource",
    "unknown_resource_xml",
    "collect",
    "task",
}
# These change the world, or what comes after.
WIDE_EFFECTS = ("meanwhile", "clock", "expire", "drop_token")
# These are looked for in all answers.
OF_ALL_ANSWERS = {"refused_read", "bare_ampersands", "xml_text", "never_date"}


def check_probe(observed: Observation, healthy: Observation) -> Iterator[str]:
    """One wrong answer changes what is concluded from it, and nothing else; the data collection is told, and its task removed."""
    is_done = any(one.entry.method == "POST" for one in list_actions(observed))
    if observed.result is None:
        return
    if is_done and not observed.result["changed"]:
        yield "not changed, although data was collected"
    if observed.injected is None or observed.injected.fault.effect in WIDE_EFFECTS or healthy.result is None:
        return
    spoilt = set(_list_spoilt(observed))
    if spoilt & BASIC:
        return
    for name, value in observed.result["switches"].items():
        answer = observed.result["answers"][name]
        if name in OF_ALL_ANSWERS:
            continue
        if value != healthy.result["switches"].get(name) and not spoilt & set(answer["evidence"]):
            yield f"{name} is said to be {value!r}, because of a request that it does not depend on"


def _list_spoilt(observed: Observation) -> Iterator[str]:
    """Yield the names of requests that the fault hit."""
    assert observed.result is not None
    for entry in observed.log:
        if not entry.fault:
            continue
        for name, one in observed.result["evidence"].items():
            pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(one["request"]))
            if re.fullmatch(pattern, f"{entry.method} {entry.target}"):
                yield name


SCENARIOS = [
    Scenario("probe-own", check_probe, logons=2, varies=True),
    Scenario("probe-borrowed", check_probe, borrowed=True, varies=True),
    Scenario("probe-collect", check_probe, {"collect": True, "wait_timeout": 20}, logons=2, varies=True),
]
