# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as code: creating a job from a template, changing it to what is defined, deleting it.

Facts: wire facts, section 12.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError, create_option_error
from ..protocol.codec import Body, read_text
from ..protocol.filters import Comparison, Field
from ..protocol.links import find_guid, find_link, get_path
from ..protocol.names import fold_name
from .job_definition import (
    MAX_NAME,
    Definition,
    Edit,
    create_edit,
    format_difference,
)
from .job_sessions import JobSessions
from .jobs import JOB_KINDS, NAME, UID, Job, find_job, find_jobs, offers_sync
from .listing import FilteredListing, QueryTarget
from .session_states import Phase, get_phase
from .session_wait import create_wait_timeout
from .task_action import TaskAction

BACKUP_QUERY = QueryTarget("Backup", ("entities", "backups"))
REPOSITORY_QUERY = QueryTarget("Repository", ("entities", "repositories"))
BACKUP_JOB_UID = Field("JobUid", "job_uid", "uid")
REPOSITORY_NAME = Field("Name", "name")
JOB = JOB_KINDS["job"]
LOOKUP_HINT = "run the task again: it reads the job first"
# The member that describes the clone, by job type: Veeam reference, post_jobs_id_actionclone.
CLONE_INFOS = {
    "backup": ("BackupJobCloneInfo", "FolderName"),
    "backupcopy": ("BackupCopyJobCloneInfo", "JobFileName"),
    "immediatebackupcopy": ("ImmediateBackupCopyJobCloneInfo", "JobFileName"),
    "replica": ("ReplicaJobCloneInfo", None),
}


class JobRequest(NamedTuple):
    """The desired existence of a job."""

    name: str
    backup_server: str | None
    template: str | None
    repository: str | None
    definition: Definition


class CloneSource(NamedTuple):
    """A template: the path of its action, what a clone of its type is described by, and the repository of its clones."""

    template: Job
    path: str
    info: str
    folder: str | None
    repository_uid: str | None


class ClonePlan(NamedTuple):
    """The template of a new job, and the request that clones it."""

    template: Job
    path: str
    body: Body


class JobLifecycle:
    """Creates, changes or deletes one job. What was done so far is in the result, also in that of a failure."""

    def __init__(self, client: Client, budget: WaitBudget) -> None:
        self.client = client
        self.budget = budget
        self.changed = False
        self.created = False
        self.job: Job | None = None
        self.action: TaskAction | None = None
        self.session: dict[str, Any] | None = None
        self.differences: list[tuple[str, Any, Any]] = []
        self._job_names: tuple[dict[str, str], str | None] | None = None

    def result(self) -> dict[str, Any]:
        """Return the result so far."""
        return {
            "changed": self.changed,
            "job": self.job.data if self.job is not None else None,
            "task": self.action.task if self.action is not None else None,
            "job_session": self.session,
            "created": self.created,
            "differences": [name for name, _before, _after in self.differences],
            "diff": {
                "before": "".join(format_difference(name, before) for name, before, _after in self.differences),
                "after": "".join(format_difference(name, after) for name, _before, after in self.differences),
            },
        }

    def _run(self, method: str, path: str, body: Body | None, subject: str) -> None:
        action = self.action = TaskAction(self.client, self.budget, subject=subject, lookup_hint=LOOKUP_HINT)
        try:
            action.run(method, path, body)
        finally:
            self.changed = self.changed or action.changed

    # -----------------------------------------------------------------------------------------------------------------
    # Present

    def ensure_present(self, request: JobRequest, *, check_mode: bool) -> dict[str, Any]:
        """Make the job exist as defined, and return the result."""
        job = self.job = self._find(request)
        try:
            if job is None:
                clone = self.plan_clone(request)
                if check_mode:
                    return self._predict_clone(request, clone[0])
                self._edit(self.clone(request, clone), request.definition)
            else:
                self.edit(job, request.definition, check_mode=check_mode)
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _find(self, request: JobRequest) -> Job | None:
        """Return the job; None where there is none. Raise ``ambiguous`` for several."""
        found = find_jobs(self.client, JOB, (Comparison(NAME, "==", request.name),))
        server = request.backup_server
        found = [job for job in found if server is None or fold_name(job.data["backup_server"]) == fold_name(server)]
        if len(found) > 1:
            found = [job for job in found if job.data["name"] == request.name] or found
        if len(found) > 1:
            listed = ", ".join(f"{job.data['name']} on {job.data['backup_server']} ({job.data['uid']})" for job in found)
            msg = f"{len(found)} jobs are called {request.name}: {listed}. Set backup_server."
            raise EmError("ambiguous", msg, result={"jobs": [job.data for job in found]})
        return found[0] if found else None

    def plan_clone(self, request: JobRequest, source: CloneSource | None = None) -> ClonePlan:
        """Return the template, and the request that clones it. Only reads. Raise for what cannot be done."""
        if request.template is None:
            raise EmError(
                "not_found",
                f"There is no job {request.name}, and no template to create it from: set template to the name of a similar"
                " job.",
            )
        if len(request.name) > MAX_NAME:
            hint = f"it has {len(request.name)} characters, and a job may have {MAX_NAME}"
            raise create_option_error("name", request.name, hint)
        source = source or self.find_source(request.template, request.backup_server, request.repository)
        self._read_job_names(source.template.data["backup_server"], request.definition)  # whose failure has to come first
        members: dict[str, Any] = {"JobName": request.name}
        if source.folder is None:
            members["VmSuffix"] = "_replica"
        else:
            members[source.folder] = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", request.name)
            members["RepositoryUid"] = source.repository_uid
        if request.definition.description is not None:
            members["Description"] = request.definition.description
        if source.info == "ImmediateBackupCopyJobCloneInfo":  # whose elements the reference prints in another order
            order = ("JobName", "Description", "RepositoryUid", "JobFileName")
            members = {name: members[name] for name in order if name in members}
        return ClonePlan(source.template, source.path, Body("JobCloneSpec", {source.info: members}))

    def find_source(self, template: str, backup_server: str | None, repository: str | None) -> CloneSource:
        """Return the template of a name or UID, and what its clones are made with."""
        is_uid = template.lower().startswith("urn:")
        params = {"name": None if is_uid else template, "uid": template if is_uid else None}
        job = find_job(self.client, {**params, "backup_server": backup_server, "kind": "job"})
        link = find_link(job.raw, "Clone")
        infos = CLONE_INFOS.get((job.data["job_type"] or "").lower())
        if link is None or infos is None:
            raise EmError(
                "invalid_option",
                f"The template {job.data['name']} (type {job.data['job_type'] or 'unknown'}) cannot be cloned by this user.",
            )
        info, folder = infos
        repository_uid = self._find_repository(repository, job) if folder is not None else None
        return CloneSource(job, get_path(read_text(link, "href") or ""), info, folder, repository_uid)

    def _find_repository(self, text: str | None, template: Job) -> str:
        """Return the UID of the repository that is named or, without a name, of the one where the template's backups are.

        Without a UID the server would use its first repository, which may be any.
        """
        if text is not None and text.lower().startswith("urn:"):
            return text.strip()
        if text is not None:
            rows = FilteredListing(self.client, REPOSITORY_QUERY).iter_rows(Comparison(REPOSITORY_NAME, "==", text.strip()))
            own = find_guid(template.data["backup_server_uid"] or "")
            uids = {
                read_text(row, "uid")
                for row in rows
                if fold_name(read_text(row, "name")) == fold_name(text.strip())
                and find_guid(read_text(find_link(row, "Up", type_prefix="BackupServer") or {}, "href") or "") in (None, own)
            }
        else:
            rows = FilteredListing(self.client, BACKUP_QUERY).iter_rows(Comparison(BACKUP_JOB_UID, "==", template.data["uid"]))
            uids = set()
            for row in rows:
                repository = find_link(row, "Up", type_prefix="Repository")
                guid = find_guid((read_text(repository, "href") or "") if repository is not None else "")
                is_own = (read_text(row, "job_uid") or template.data["uid"]) == template.data["uid"]
                if guid is not None and is_own and (read_text(row, "name") or template.data["name"]) == template.data["name"]:
                    uids.add(f"urn:veeam:Repository:{guid}")
        uids.discard(None)
        if len(uids) == 1:
            return str(uids.pop())
        if text is not None:
            kind, problem = (
                ("ambiguous", "several repositories have this name; give the UID")
                if uids
                else (
                    "not_found",
                    "the template's backup server has no such repository",
                )
            )
            raise create_option_error("repository", text, problem, kind=kind)  # type: ignore[arg-type]
        raise EmError(
            "invalid_option",
            f"The repository cannot be taken from the template {template.data['name']}, which has"
            f" {'backups on several repositories' if uids else 'no backups yet'}: set repository.",
        )

    def _predict_clone(self, request: JobRequest, template: Job) -> dict[str, Any]:
        self.changed = self.created = True
        data = {**template.data, "name": request.name, "uid": None, "href": None, "next_run": None}
        for key in ("description", "schedule_enabled"):
            value = getattr(request.definition, key)
            data[key] = value if value is not None else (False if key == "schedule_enabled" else data[key])
        self.job = Job(data, {})
        self.differences = self._list_new(request)
        return self.result()

    @staticmethod
    def _list_new(request: JobRequest) -> list[tuple[str, Any, Any]]:
        """Return the differences of a job that does not exist: the job itself, and every option of its definition."""
        wanted = request.definition._asdict().items()
        return [("job", None, request.name), *((name, None, value) for name, value in wanted if value is not None)]

    def clone(self, request: JobRequest, plan: ClonePlan) -> Job:
        """Create the job, and return it once the server shows it. It is not yet as defined."""
        template = plan.template
        self._run("POST", plan.path, plan.body, f"the new job {request.name}")
        self.created = True
        self.differences = self._list_new(request)
        task = self.action.task if self.action is not None else None
        hrefs = [link["href"] for link in (task["related"] if task else []) if (link["type"] or "").lower().startswith("job")]
        uid = find_guid(hrefs[0] or "") if hrefs else None

        def find() -> Job | None:
            if uid is not None:
                jobs = find_jobs(self.client, JOB, (Comparison(UID, "==", JOB.urn + uid),))
            else:
                jobs = find_jobs(self.client, JOB, (Comparison(NAME, "==", request.name),))
                jobs = [job for job in jobs if job.data["backup_server"] == template.data["backup_server"]]
            return jobs[0] if len(jobs) == 1 else None

        job = poll(self.client, find, self.budget)
        if isinstance(job, TimedOut):
            raise create_wait_timeout(self.budget, request.name, "the new job has not shown up", job)
        if job.data["name"] != request.name:
            self.client.warnings.append(f"The server called the new job {job.data['name']}, not {request.name}.")
        self.job = job
        return job

    def edit(self, job: Job, definition: Definition, *, check_mode: bool) -> None:
        """Change an existing job to what is defined, and note what differed."""
        job_names, after_uid = self._read_job_names(job.data["backup_server"], definition)
        self.differences = create_edit(definition, job.raw, job_names=job_names, after_job_uid=after_uid).differences
        if check_mode:
            self.changed = bool(self.differences)
            return
        self._edit(job, definition)

    def _edit(self, job: Job, definition: Definition) -> None:
        job_names, after_uid = self._read_job_names(job.data["backup_server"], definition)
        edit = create_edit(definition, job.raw, job_names=job_names, after_job_uid=after_uid)
        if not edit.differences:
            return
        self._run("PUT", self._get_edit_path(job), Body("Job", edit.members), str(job.data["name"]))

        def is_shown() -> Job | None:
            (fresh,) = find_jobs(self.client, JOB, (Comparison(UID, "==", job.data["uid"]),)) or (None,)
            if fresh is None:
                return None
            left = create_edit(definition, fresh.raw, job_names=job_names, after_job_uid=after_uid)
            self.job = fresh
            return None if left.differences else fresh

        shown = poll(self.client, is_shown, self.budget)
        if isinstance(shown, TimedOut):
            left = self._list_left(definition, job_names, after_uid)
            raise create_wait_timeout(
                self.budget, str(job.data["name"]), f"its task succeeded, but the job does not show {left}", shown
            )

    def _list_left(self, definition: Definition, job_names: Mapping[str, str], after_uid: str | None) -> str:
        raw = self.job.raw if self.job is not None else {}
        edit: Edit = create_edit(definition, raw, job_names=job_names, after_job_uid=after_uid)
        return ", ".join(name for name, _before, _after in edit.differences) or "the changes"

    def _get_edit_path(self, job: Job) -> str:
        link = find_link(job.raw, "Edit")
        href = read_text(link, "href") if link is not None else job.data["href"]
        return f"{get_path(href or '').partition('?')[0]}?action=edit"

    def _read_job_names(self, server: str | None, definition: Definition) -> tuple[dict[str, str], str | None]:
        """Return the names of a server's jobs by GUID, and the UID of the job that ``after_job`` names; read if needed."""
        after = (definition.schedule or {}).get("after_job")
        if after is None:
            return {}, None
        if self._job_names is None:
            self._job_names = self._find_job_names(server, after)
        return self._job_names

    def _find_job_names(self, server: str | None, after: str) -> tuple[dict[str, str], str | None]:
        jobs = [one for one in find_jobs(self.client, JOB, ()) if one.data["backup_server"] == server]
        names = {find_guid(one.data["uid"] or "") or "": str(one.data["name"]) for one in jobs}
        matches = [one for one in jobs if one.data["name"] == after or one.data["uid"] == after]
        if len(matches) != 1:
            hint = f"{server} has {'several jobs' if matches else 'no job'} of this name"
            raise create_option_error("schedule.after_job", after, hint)
        return names, str(matches[0].data["uid"])

    # -----------------------------------------------------------------------------------------------------------------
    # Absent

    def ensure_absent(self, params: Mapping[str, Any], *, force: bool, check_mode: bool) -> dict[str, Any]:
        """Delete the job unless it is gone, and return the result. If it runs, wait for its end or, with force, stop it."""
        try:
            job = self.job = find_job(self.client, params)
        except EmError as err:
            if err.kind != "not_found" or err.status is not None:
                raise
            return self.result()
        try:
            sessions = JobSessions(self.client)
            self.session = self._find_running(sessions, job)
            self.differences.append(("job", job.data["name"], None))
            if check_mode:
                self.changed = True
                return self.result()
            if self.session is not None:
                self._await_end(sessions, job, force=force)
            self._delete(job)
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    @staticmethod
    def _find_running(sessions: JobSessions, job: Job) -> dict[str, Any] | None:
        """Return the job session that has to end before the job can be deleted: not one that stays open by design."""
        active = sessions.find_active(job.data)
        is_open_ended = active is not None and get_phase(active, offers_sync=offers_sync(job)) is Phase.WAITING
        return None if is_open_ended else active

    def _await_end(self, sessions: JobSessions, job: Job, *, force: bool) -> None:
        if force:
            link = find_link(job.raw, "Stop")
            if link is None:
                raise EmError(
                    "invalid_option", f"{job.data['name']} runs, and the server offers no Stop action for it to this user."
                )
            self._run("POST", get_path(read_text(link, "href") or ""), None, str(job.data["name"]))

        def has_ended() -> bool | None:
            active = self._find_running(sessions, job)
            if active is None:
                return True
            self.session = active
            self.client.hooks.on_progress(f"{active['name']}: {active['state']}")
            return None

        ended = poll(self.client, has_ended, self.budget)
        if isinstance(ended, TimedOut):
            raise create_wait_timeout(
                self.budget, str(job.data["name"]), "it still runs, so it was not deleted (force: true would stop it)", ended
            )

    def _delete(self, job: Job) -> None:
        link = find_link(job.raw, "Delete")
        href = read_text(link, "href") if link is not None else job.data["href"]
        path = get_path(href or "").partition("?")[0]
        try:
            self._run("DELETE", path, None, str(job.data["name"]))
        except EmError as err:
            if err.kind not in ("task_failed", "not_found") and err.status not in (404, 500):
                raise
            if self._is_listed(job):
                raise  # otherwise another client has deleted it

        def is_gone() -> bool | None:
            return None if self._is_listed(job) else True

        gone = poll(self.client, is_gone, self.budget)
        if isinstance(gone, TimedOut):
            raise create_wait_timeout(
                self.budget, str(job.data["name"]), "the task of its deletion succeeded, but it is still listed", gone
            )

    def _is_listed(self, job: Job) -> bool:
        return bool(find_jobs(self.client, JOB, (Comparison(UID, "==", job.data["uid"]),)))
