# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backing up one machine: quick backup and VeeamZIP.

Nothing here reads jobs, which a Portal User may not (Veeam reference, security_roles_concept). Facts: wire facts, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError, create_option_error
from ..protocol.codec import Body, read_text
from ..protocol.filters import Comparison, Field, natural_key
from ..protocol.links import find_guid, find_link, get_path
from ..protocol.names import fold_name
from .infrastructure import Infrastructure, Item, ObjectQuery
from .job_sessions import JobSessions
from .listing import FilteredListing, QueryTarget
from .machine import find_machine
from .session_search import MAX_LISTING_DELAY, explain_mismatch, is_session_link, read_linked_session
from .session_wait import SessionWaiter, create_search_timeout, raise_for_result
from .task_action import TaskAction

REPOSITORY_QUERY = QueryTarget("Repository", ("entities", "repositories"))
REPOSITORY_NAME = Field("Name", "name")
# Words of the option retention, and those of the API: Veeam reference, post_backupservers_id_zip.
RETENTIONS = {
    "never": "Never",
    "tonight": "Tonight",
    "tomorrow_night": "TomorrowNight",
    "3_days": "In3days",
    "1_week": "In1Week",
    "2_weeks": "In2Weeks",
    "1_month": "In1Month",
    "3_months": "In3Months",
    "6_months": "In6Months",
    "1_year": "In1Year",
    "2_years": "In2Years",
    "3_years": "In3Years",
    "5_years": "In5Years",
    "7_years": "In7Years",
}
BACKUP = "Backup"  # the job type of backup jobs; of other sessions, such as rescans, a backup is independent
ACTIONS = {"quick": ("QuickBackup", "quickbackup"), "zip": ("VeeamZIP", "veeamzip")}
LOOKUP_HINT = "check the latest job sessions (vbem.rest.veeam_query_info with type: BackupJobSession) before you try again"


class ZipOptions(NamedTuple):
    """The options of a VeeamZIP. ``compression`` is from 1 to 5."""

    repository: str
    retention: str
    compression: int
    quiesce: bool
    password_key: str | None


class MachineBackup:
    """One backup of one machine. What was done so far is in the result, also in that of a failure. Times are in seconds."""

    def __init__(  # noqa: PLR0913 - the options of the module
        self,
        client: Client,
        budget: WaitBudget,
        *,
        machine: ObjectQuery,
        backup_server: str | None,
        mode: str,
        zip_options: ZipOptions | None,
    ) -> None:
        self.client = client
        self.budget = budget
        self.mode = mode
        self.zip_options = zip_options
        self.sessions = JobSessions(client)
        self.action: TaskAction | None = None
        self.session: dict[str, Any] | None = None
        self.changed = False
        self._query = machine
        self._backup_server = backup_server
        self.machine: Item | None = None

    def result(self) -> dict[str, Any]:
        """Return the result so far."""
        machine = self.machine.to_result() if self.machine is not None else None
        task = self.action.task if self.action is not None else None
        return {"changed": self.changed, "machine": machine, "task": task, "job_session": self.session}

    def plan(self) -> tuple[str, Body]:
        """Return the path and the body of the request. Only reads. Raise for what cannot be done."""
        machine = self.machine = find_machine(Infrastructure(self.client), self._query, self._backup_server)
        server_id = find_guid((machine.root or {}).get("backup_server_uid") or "")
        if server_id is None:
            msg = f"No backup server knows the hierarchy root of {machine.reference}: check ref, or give name and root."
            raise EmError("not_found", msg)
        rel, action = ACTIONS[self.mode]
        document = self.client.get(f"/api/backupServers/{server_id}?format=Entity")
        row = document.data if isinstance(document.data, dict) else {}
        link = find_link(row, rel)
        path = (
            get_path(read_text(link, "href") or "") if link is not None else f"/api/backupServers/{server_id}?action={action}"
        )
        members: dict[str, Any] = {"VmRef": str(machine.reference)}
        if self.zip_options is None:
            return path, Body("QuickBackupStartupSpec", members)
        if machine.reference.platform != "VMware":
            raise EmError("invalid_option", "The option mode: zip is only possible for machines of VMware vSphere.")
        options = self.zip_options
        members["RepositoryUid"] = self._find_repository(options.repository, server_id)
        members["PasswordKeyId"] = options.password_key
        members["CompressionLevel"] = options.compression
        members["DisableGuestQuiescence"] = not options.quiesce
        members["BackupRetention"] = RETENTIONS[options.retention]
        return path, Body("VeeamZipStartupSpec", members)

    def _find_repository(self, text: str, server_id: str) -> str:
        """Return the UID of a repository of the backup server, by its name or UID."""
        if text.lower().startswith("urn:"):
            return text.strip()
        rows = list(self._iter_repositories(text.strip(), server_id))
        uids = {read_text(row, "uid") for row in rows if fold_name(read_text(row, "name")) == fold_name(text.strip())} - {None}
        if len(uids) == 1:
            return str(uids.pop())
        if uids:
            raise EmError("ambiguous", f"{len(uids)} repositories are called {text}: give the UID of one of them.")
        names = sorted({read_text(row, "name") or "" for row in rows}, key=natural_key)
        hint = "give the name or UID of a repository of the machine's backup server"
        raise create_option_error("repository", text, hint + (f", such as {names[0]}" if names else ""), kind="not_found")

    def _iter_repositories(self, name: str, server_id: str) -> Iterator[dict[str, Any]]:
        """Yield the repositories of the backup server that have a name and, from a server that does not filter, all others."""
        listing = FilteredListing(self.client, REPOSITORY_QUERY)
        rows = list(listing.iter_rows(Comparison(REPOSITORY_NAME, "==", name)))
        if not rows and listing.is_filtered and not listing.verify_filter(REPOSITORY_NAME):
            rows = list(listing.iter_rows())
        return (row for row in rows if self._is_of_server(row, server_id))

    @staticmethod
    def _is_of_server(row: Mapping[str, Any], server_id: str) -> bool:
        link = find_link(row, "Up", type_prefix="BackupServer")
        own = find_guid((read_text(link, "href") or "") if link is not None else "") or find_guid(
            read_text(row, "backup_server_uid") or ""
        )
        return own is None or own == server_id

    def execute(self, *, wait_for: str, fail_on_warning: bool, wait_if_busy: int) -> dict[str, Any]:
        """Start the backup, wait as far as wait_for says, and return the result."""
        path, body = self.plan()
        try:
            self._start(path, body, wait_for=wait_for, wait_if_busy=wait_if_busy)
            if wait_for == "session":
                self._wait_for_session(fail_on_warning=fail_on_warning)
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _start(self, path: str, body: Body, *, wait_for: str, wait_if_busy: int) -> None:
        """Send the request. If its task fails while other sessions are active, wait for these and send it again, if wanted."""
        patience = WaitBudget(self.client, wait_if_busy, self.budget.poll_interval)
        while True:
            action = self.action = TaskAction(self.client, self.budget, subject=self._name, lookup_hint=LOOKUP_HINT)
            try:
                action.run("POST", path, body, wait=wait_for != "nothing")
                self.changed = action.changed
                return
            except EmError as err:
                self.changed = action.changed
                if err.kind != "task_failed":
                    raise
                active = self._list_active()
                if not active:
                    raise
                err.add_context(
                    "Machines of one job are not backed up at the same time, and these job sessions are active:"
                    f" {', '.join(sorted(active.values()))}. Set wait_if_busy to wait for them, or use throttle: 1."
                )
                if self.client.clock() >= patience.deadline:
                    raise
                ended = poll(self.client, partial(self._has_ended, set(active)), patience, pause_first=True)
                if isinstance(ended, TimedOut):
                    raise
                # The wait for others does not count as the wait for this backup.
                self.budget = WaitBudget(self.client, self.budget.wait_timeout, self.budget.poll_interval)

    def _has_ended(self, before: set[str]) -> bool | None:
        return True if before - set(self._list_active()) else None

    def _list_active(self) -> dict[str, str]:
        """Return the active sessions of backup jobs on the machine's backup server: their names by UID."""
        server = (self.machine.root or {}).get("backup_server") if self.machine else None
        return {
            str(one["uid"]): str(one["name"])
            for one in self.sessions.list_active()
            if (one["job_type"] or BACKUP) == BACKUP
            and (server is None or one["backup_server"] is None or fold_name(one["backup_server"]) == fold_name(server))
        }

    @property
    def _name(self) -> str:
        machine = self.machine
        return str(machine.name or machine.reference) if machine is not None else ""

    @property
    def _subject(self) -> str:
        return f"the backup of {self._name}"

    def _wait_for_session(self, *, fail_on_warning: bool) -> None:
        links = self._list_links()
        if not links:
            msg = f"The backup of {self._name} was started, but the server does not name its job session"
            raise EmError("bad_response", f"{msg}, so its end cannot be awaited: {LOOKUP_HINT}, or use wait_for: task.")
        seconds = max(0.0, min(self.budget.deadline - self.client.clock(), MAX_LISTING_DELAY))
        deadline = self.client.clock() + seconds
        found = poll(self.client, lambda: self._find_session(links), self.budget, deadline=deadline)
        if isinstance(found, TimedOut):
            what = "the job session that its task names has not shown up, or began at another time than this backup"
            raise create_search_timeout(self._subject, seconds, what, LOOKUP_HINT, found)
        self.session = found
        waiter = SessionWaiter(
            self.client,
            self.budget,
            subject=self._subject,
            read=self.sessions.read,
            is_listed=self.sessions.is_uid_listed,
        )
        try:
            waiter.wait(found)
        finally:
            self.session = waiter.session
        session = self.session
        raise_for_result(session, fail_on_warning=fail_on_warning, find_reasons=lambda: self.sessions.list_reasons(session))

    def _list_links(self) -> list[dict[str, Any]]:
        """Return the links of the task to job sessions. Without one, the session cannot be told from those of others."""
        task = self.action.task if self.action else None
        return [link for link in task["related"] if is_session_link(link)] if task else []

    def _find_session(self, links: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the job session that the task names, once it shows up; not one that began at another time."""
        for link in links:
            session = read_linked_session(self.sessions, link)
            if session is not None and explain_mismatch(session, self.action.requested_at if self.action else None) is None:
                return session
        return None
