# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_job_object is driven."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import Scenario
from .checks import same
from .infrastructure import JOB, UNIQUE_ID, VCENTER, list_held, make_infrastructure
from .observation import Observation, Setup

WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}
MAY_BE_DONE = ("may have been carried out", "does not show")


def check_membership(observed: Observation, healthy: Observation) -> Iterator[str]:
    """What is reported as added or removed is; only what was named is; success means that the job is as it was to be."""
    setup, shown = observed.setup, observed.shown
    before, after = setup.held, list_held(setup.em, setup.job)
    added, removed = set(after) - set(before), set(before) - set(after)
    wanted = {key: _list_refs(healthy.shown[key]) for key in ("added", "removed", "objects")}
    if added - wanted["added"] or removed - wanted["removed"]:
        yield f"changed what was not to be changed: {added - wanted['added'] or removed - wanted['removed']}"
    if len(set(after)) != len(after):
        yield "an object is in the job twice"
    if not after:
        yield "the job is empty"
    if "added" in shown:
        yield from _check_reported(observed, added, removed)
    if observed.result is None:
        return
    if set(after) != wanted["objects"]:
        yield f"success, and the job holds {after}"
    if _list_refs(observed.result["objects"]) != set(after):
        yield "the objects are not those of the job"
    if observed.result["errors"]:
        yield "success with errors"
    if observed.result["kept"] != (healthy.result or {}).get("kept"):
        yield "other objects are kept than without a fault"


def _check_reported(observed: Observation, added: set[str], removed: set[str]) -> Iterator[str]:
    """Compare what is reported with what was done. What a false answer refused may have been done, and nobody can know."""
    shown = observed.shown
    actions = [*observed.sent("POST", "/includes"), *observed.sent("DELETE", "/includes")]
    is_refused = any(entry.fault and (entry.status or 0) >= 300 for entry in actions)
    for key, done in (("added", added), ("removed", removed)):
        reported = _list_refs(shown[key])
        if reported - done:
            yield f"reported as {key}, and was not: {reported - done}"
        missed = done - reported
        told = {one["ref"].lower() for one in shown["errors"] if any(text in one["msg"] for text in MAY_BE_DONE)}
        is_open = observed.failure is not None and (shown["changed"] or any(text in shown["msg"] for text in MAY_BE_DONE))
        if missed - told and not is_refused and not is_open:
            yield f"{key}, and not reported: {missed - told}"
    if shown["changed"] and not (added or removed or any(entry.fault for entry in actions)) and observed.failure is None:
        yield "changed, and nothing was"


def _list_refs(objects: list[dict[str, Any]]) -> set[str]:
    return {one["ref"].lower() for one in objects}


def _prepare(**settings: Any) -> Callable[[Setup], None]:
    """Return the preparation of the infrastructure, with machines that the inventory knows after so many seconds."""

    def prepare(setup: Setup) -> None:
        make_infrastructure(setup)
        for name, seconds in settings.items():
            setup.em.world.add_machine(VCENTER, name, visible_after=seconds)

    return prepare


def _scenario(name: str, objects: list[dict[str, Any]], **settings: Any) -> Scenario:
    known = {key: settings.pop(key) for key in ("borrowed", "check_mode", "prepare") if key in settings}
    rule = same("added", "removed", "objects") if known.get("check_mode") else check_membership
    return Scenario(name, rule, {"job": JOB, "objects": objects, **WAIT, **settings}, **{"prepare": _prepare(), **known})


WEB01, WEB02, SQL01 = ({"name": name, "root": VCENTER} for name in ("web01", "web02", "sql01"))
BY_ID = {"moid": "vm-103", "root": UNIQUE_ID, "name": "web01"}
NEW01 = {"name": "new01", "root": VCENTER}

SCENARIOS = [
    _scenario("protect-name", [WEB01], borrowed=True),
    _scenario("protect-id", [BY_ID]),
    _scenario("protect-held", [SQL01], borrowed=True),
    _scenario("protect-two", [WEB01, WEB02, SQL01], borrowed=True),
    _scenario("protect-new", [NEW01], borrowed=True, wait_for_object=40, prepare=_prepare(new01=12.0)),
    _scenario("protect-unless-held", [WEB01, WEB02], borrowed=True, unless_in_any_job=True),
    _scenario("protect-check", [WEB01, SQL01], borrowed=True, check_mode=True, state="exact", max_remove=1),
    _scenario("unprotect", [SQL01], borrowed=True, state="absent"),
    _scenario("unprotect-own", [{"moid": "vm-102", "root": VCENTER}], state="absent"),
    _scenario("unprotect-gone", [WEB01], borrowed=True, state="absent"),
    _scenario("protect-exact", [WEB01], borrowed=True, state="exact", max_remove=2),
]
