# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs: their public form, and finding them. Jobs of agents and of file shares have types of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..errors import EmError, create_option_error
from ..protocol.codec import read_bool, read_text
from ..protocol.dates import normalise_date
from ..protocol.filters import And, Comparison, Field, Node, matches, natural_key, parse_filter
from ..protocol.links import find_guid, find_link
from ..protocol.names import fold_name, suggest_names
from .listing import PAGE_SIZE, REFUSALS, FilteredListing, QueryTarget, iter_collection

NAME = Field("Name", "name")
UID = Field("UID", "uid", "uid")
JOB_TYPE = Field("JobType", "job_type")
PLATFORM = Field("Platform", "platform")
SERVER = Field("BackupServerName", "backup_server")
COMMON_FIELDS = (
    NAME,
    UID,
    Field("Description", "description"),
    Field("ScheduleConfigured", "schedule_configured", "bool"),
    Field("ScheduleEnabled", "schedule_enabled", "bool"),
    SERVER,
    Field("BackupServerUid", "backup_server_uid", "uid"),
)
NEXT_RUN = Field("NextRun", "next_run", "date")


class JobKind(NamedTuple):
    """A kind of jobs: how they are queried, their own collection, the prefix of their UIDs, and the fields to filter by."""

    target: QueryTarget
    collection: str
    urn: str
    fields: tuple[Field, ...]


# Fields: Veeam reference, get_query_job, get_query_agentbackupjob, get_query_nasjob.
JOB_KINDS = {
    "job": JobKind(
        QueryTarget("Job", ("entities", "jobs")), "/api/jobs", "urn:veeam:Job:", (*COMMON_FIELDS, JOB_TYPE, PLATFORM, NEXT_RUN)
    ),
    "agent": JobKind(
        QueryTarget("AgentBackupJob", ("entities", "agent_backup_jobs")),
        "/api/agents/jobs",
        "urn:veeam:AgentBackupJob:",
        (*COMMON_FIELDS, JOB_TYPE, PLATFORM),
    ),
    "nas": JobKind(
        QueryTarget("NasJob", ("entities", "nas_jobs")), "/api/nas/jobs", "urn:veeam:NasJob:", (*COMMON_FIELDS, NEXT_RUN)
    ),
}
# CDP policies have objects as jobs have, but are no jobs otherwise. Fields: Veeam reference, get_query_cdppolicy.
POLICY_KINDS = {
    "cdp": JobKind(
        QueryTarget("CdpPolicy", ("entities", "cdp_policies")),
        "/api/cdpPolicies",
        "urn:veeam:CdpPolicy:",
        (*COMMON_FIELDS, NEXT_RUN),
    ),
}
KIND_SPEC: dict[str, Any] = {"type": "str", "choices": list(JOB_KINDS), "default": "job"}


def normalise_job(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Return the public form of a decoded job. Only its Up link names its backup server."""
    href = read_text(row, "href")
    server = find_link(row, "Up", type_prefix="BackupServer") or {}
    server_id = find_guid(read_text(server, "href") or "")
    return {
        "name": read_text(row, "name"),
        "uid": read_text(row, "uid"),
        "job_type": read_text(row, "job_type"),
        "platform": read_text(row, "platform"),
        "description": read_text(row, "description"),
        "schedule_configured": read_bool(row, "schedule_configured"),
        "schedule_enabled": read_bool(row, "schedule_enabled"),
        "next_run": normalise_date(read_text(row, "next_run")),
        "backup_server": read_text(server, "name"),
        "backup_server_uid": f"urn:veeam:BackupServer:{server_id}" if server_id else None,
        "href": client.locate(href) if href else None,
    }


class Job(NamedTuple):
    """A job: its public form, and the decoded row with its links."""

    data: dict[str, Any]
    raw: dict[str, Any]


def offers_sync(job: Job) -> bool:
    """Return whether a job is started by synchronising it, as backup copy jobs are."""
    return find_link(job.raw, "Start") is None and find_link(job.raw, "Sync") is not None


def create_job_criteria(params: Mapping[str, Any]) -> tuple[Node, ...]:
    """Return the criteria of ``veeam_job_info``'s options. Raise ``invalid_option`` or ``invalid_filter``."""
    kind = JOB_KINDS[params["kind"]]
    criteria: list[Node] = []
    for option, field in (
        ("name", NAME),
        ("uid", UID),
        ("job_type", JOB_TYPE),
        ("platform", PLATFORM),
        ("backup_server", SERVER),
    ):
        value = params[option]
        if value is None:
            continue
        if field not in kind.fields:
            raise create_option_error(option, value, f"jobs of kind {params['kind']} have no {option}; leave it out")
        criteria.append(Comparison(field, "==", _check_text(option, value, kind)))
    if params["filter"] is not None:
        criteria.append(parse_filter(params["filter"], kind.fields))
    return tuple(criteria)


def _check_text(option: str, value: str, kind: JobKind) -> str:
    if not value.strip():
        raise create_option_error(option, value, "it is empty; give a value or leave it out")
    if not option.endswith("uid"):
        return value.strip()  # as names of jobs are read
    guid = find_guid(value)
    if guid is None or not value.lower().endswith(guid):
        raise create_option_error(option, value, f"give a UID such as {kind.urn}c8e83c91-ecb3-5b6b-a127-97fae1072e44")
    return value if ":" in value else kind.urn + value


def find_jobs(client: Client, kind: JobKind, criteria: tuple[Node, ...], *, page_size: int = PAGE_SIZE) -> list[Job]:
    """Return the jobs that meet all criteria, in natural order of their names and then of their backup servers.

    Where a filtered query finds nothing, the unfiltered list decides: names may contain characters that the server's own
    quoting cannot handle. Where the query service does not know the type, the kind's own collection has its jobs.
    """
    return _find_jobs(client, kind, criteria, [], page_size=page_size)


def _find_jobs(
    client: Client, kind: JobKind, criteria: tuple[Node, ...], seen: list[str | None], *, page_size: int
) -> list[Job]:
    """Return jobs as `find_jobs`, and put the names of all jobs that were read on the way into ``seen``."""
    client.ensure_session()
    listing = FilteredListing(client, kind.target)

    def collect(rows: Iterator[dict[str, Any]]) -> list[Job]:
        found = []
        for row in rows:
            job = Job(normalise_job(row, client), row)
            seen.append(job.data["name"])
            if matches(And(criteria), job.data):
                found.append(job)
        return found

    try:
        found = collect(listing.iter_rows(And(criteria), page_size=page_size))
        if not found and listing.is_filtered:
            found = collect(listing.iter_rows(page_size=page_size))
    except EmError as err:
        if err.status not in REFUSALS:
            raise
        found = collect(iter_collection(client, kind.collection, kind.target.list_path[-1]))
    return sorted(found, key=lambda job: (natural_key(job.data["name"] or ""), natural_key(job.data["backup_server"] or "")))


def find_job(client: Client, params: Mapping[str, Any], *, options: tuple[str, str] = ("name", "uid")) -> Job:
    """Return the one job that the options for name or UID, and ``backup_server``, mean. Raise ``not_found``, ``ambiguous``."""
    kind = {**JOB_KINDS, **POLICY_KINDS}[params["kind"]]
    name_option, uid_option = options
    option, field = (uid_option, UID) if params[uid_option] is not None else (name_option, NAME)
    value = _check_text(option, params[option], kind)
    server = params["backup_server"]
    if server is not None:
        server = _check_text("backup_server", server, kind)
    seen: list[str | None] = []
    equal = _find_jobs(client, kind, (Comparison(field, "==", value),), seen, page_size=PAGE_SIZE)
    found = [job for job in equal if server is None or fold_name(job.data["backup_server"]) == fold_name(server)]
    if len(found) > 1:  # names that differ only in case
        found = [job for job in found if job.data["name"] == value] or found
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{job.data['name']} on {job.data['backup_server']} ({job.data['uid']})" for job in found or equal)
    if found:
        raise EmError(
            "ambiguous",
            f"{len(found)} jobs are called {value}: {listed}. Set backup_server, or {uid_option} instead of {name_option}.",
            result={"jobs": [job.data for job in found]},
        )
    raise EmError(
        "not_found",
        f"There is no job with the {option} {value}{f' on {server}' if server else ''} among the jobs of kind {params['kind']}"
        + (f"; there is {listed}." if equal else ": check its spelling and kind, and which jobs the user may see.")
        + (suggest_names(value, seen) if field is NAME and not equal else ""),
    )
