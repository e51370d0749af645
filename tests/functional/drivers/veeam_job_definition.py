# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How veeam_job_definition is driven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.document import Link

from . import Scenario
from .checks import check_equal, list_actions, same
from .infrastructure import JOB, UNIQUE_ID, VCENTER, list_held, make_infrastructure
from .observation import Observation, Setup

SERVER = "vbr01.vbem.test"
NEW = "Web Backup"
WAIT: dict[str, Any] = {"wait_timeout": 40, "poll_interval": 5}


def check_jobs(observed: Observation, healthy: Observation) -> Iterator[str]:
    """A success means that the jobs are as they were to be; no job is made twice, and none is touched that was not named."""
    setup, shown = observed.setup, observed.shown
    jobs = {job.uid: job for job in setup.em.world.jobs}
    others = {one.uid for one in setup.others}
    if others - set(jobs) or any(_read_facts(setup, jobs[uid]) != setup.facts[uid] for uid in others & set(jobs)):
        yield "a job was touched that was not named"
    if sum(job.name == NEW for job in jobs.values()) > 1:
        yield "the job was created twice"
    if "drift" in shown and shown["drift"] != (healthy.shown.get("drift") or []):
        yield "the drift differs from that of the run without a fault"
    if observed.result is None:
        done = [one for one in list_actions(observed) if "/tasks/" not in one.entry.path]
        may_be = any("may have been carried out" in text for text in _list_messages(shown))
        is_refused = any(one.entry.fault and (one.entry.status or 0) >= 300 for one in done)
        if done and not shown.get("changed") and not may_be and not is_refused:
            yield "something was changed, and the failure does not say so"
        return
    for key in ("changed", "jobs", "errors", "diff"):
        if key != "jobs" or not any(one["action"] == "created" for one in observed.result["jobs"]):
            yield from check_equal(observed, healthy, key)
    wanted = setup.params["jobs"]
    for one in wanted:
        matches = [job for job in jobs.values() if job.name == one["name"] and job.server.name == SERVER]
        if len(matches) != 1:
            yield f"success, and there are {len(matches)} jobs {one['name']}"
            continue
        description, held = _read_facts(setup, matches[0])
        if one.get("description", description) != description:
            yield f"success, and the description is {description}"
        if one.get("objects") and len(held) != len(one["objects"]):
            yield f"success, and the job holds {held}"


def _list_messages(shown: dict[str, Any]) -> list[str]:
    return [str(shown.get("msg")), *(one["msg"] for one in shown.get("errors") or [])]


def _read_facts(setup: Setup, job: Any) -> tuple[str, list[str]]:
    return job.description, sorted(list_held(setup.em, job))


def _prepare(setup: Setup) -> None:
    make_infrastructure(setup)
    world = setup.em.world
    repository = world.add_repository("Default Backup Repository", setup.job.server.name, 2**40, 2**39)
    up = Link("Up", repository.spec.reference_path(repository.id), "RepositoryReference", repository.name)
    world.add_row("Backup", setup.job.name, server=setup.job.server, links=[up], JobUid=setup.job.uid)


def _scenario(name: str, jobs: list[dict[str, Any]], **settings: Any) -> Scenario:
    known = {key: settings.pop(key) for key in ("borrowed", "check_mode") if key in settings}
    names = [one["name"] for one in jobs]

    def prepare(setup: Setup) -> None:
        _prepare(setup)
        setup.params["jobs"] = [{"backup_server": SERVER, **one} for one in jobs]
        setup.others = [job for job in setup.em.world.jobs if job.name not in names]
        setup.facts = {job.uid: _read_facts(setup, job) for job in setup.others}

    rule = same("drift", "jobs", "errors") if known.get("check_mode") else check_jobs
    return Scenario(name, rule, {**WAIT, **settings}, **{"borrowed": True, "prepare": prepare, **known})


WEB01, WEB02, SQL01 = ({"name": name, "root": VCENTER} for name in ("web01", "web02", "sql01"))
BY_ID = {"name": "web01", "moid": "vm-103", "root_id": UNIQUE_ID}
SQL = {"name": JOB, "description": "databases", "retention": {"type": "days", "count": 21}}

SCENARIOS = [
    _scenario("apply", [{**SQL, "objects": [SQL01, BY_ID]}]),
    _scenario("apply-own", [SQL], borrowed=False),
    _scenario("apply-names", [{"name": JOB, "objects": [WEB01, WEB02, SQL01]}]),
    _scenario("apply-new", [{"name": NEW, "template": JOB, "description": "web", "objects": [WEB01]}, SQL]),
    _scenario("apply-check", [{**SQL, "objects": [SQL01]}], check_mode=True),
    _scenario("apply-prune-check", [SQL], check_mode=True, prune=True),
]
