# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring one machine from a restore point, and following the restore session to its end.

Restore points are found by query alone, because a restore operator may neither look up objects nor read hierarchy roots (Veeam
reference, security_roles_concept). Facts: wire facts, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import Body, read_int, read_text
from ..protocol.dates import format_timestamp, normalise_date, to_timestamp
from ..protocol.filters import And, Comparison, Field, Node
from ..protocol.links import find_guid, find_link, get_path
from ..protocol.references import Reference, parse_reference
from .infrastructure import Infrastructure, ObjectQuery, select_by_name
from .listing import FilteredListing, QueryTarget
from .session_search import MAX_CLOCK_SKEW, explain_mismatch
from .session_wait import SessionWaiter, create_wait_timeout, raise_for_result
from .task_action import TaskAction

POINT_QUERY = QueryTarget("VmRestorePoint", ("entities", "vm_restore_points"))
RESTORE_QUERY = QueryTarget("RestoreSession", ("entities", "restore_sessions"))
POINT_UID = Field("UID", "uid", "uid")
POINT_REF = Field("HierarchyObjRef", "ref")
VM_NAME = Field("VmDisplayName", "vm_name")
CREATED = Field("CreationTime", "creation_time", "date")
SESSION_UID = Field("UID", "uid", "uid")
LOOKUP_HINT = (
    "check the latest restore sessions (vbem.rest.veeam_query_info with type: RestoreSession) before you try again: a second"
    " request would be a second restore"
)


class RestoreOptions(NamedTuple):
    """How a machine is restored."""

    keep_original: bool
    power_on: bool
    quick_rollback: bool


class RestorePoint(NamedTuple):
    """A restore point: its public form, and the decoded row with its links."""

    data: dict[str, Any]
    raw: dict[str, Any]


def normalise_restore_point(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Return the public form of a restore point of a machine."""
    href = read_text(row, "href")
    server = find_link(row, "Up", type_prefix="BackupServer") or {}
    return {
        "uid": read_text(row, "uid"),
        "name": read_text(row, "name"),
        "vm_name": read_text(row, "vm_display_name") or (read_text(row, "name") or "").rpartition("@")[0] or None,
        "ref": read_text(row, "hierarchy_obj_ref"),
        "creation_time": normalise_date(read_text(row, "creation_time_utc") or read_text(row, "creation_time")),
        "type": read_text(row, "point_type"),
        "backup_server": read_text(server, "name") or read_text(row, "backup_server_name"),
        "href": client.locate(href) if href else None,
    }


def normalise_restore_session(row: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """Return the public form of a restore session. ``progress`` is in percent and need not reach 100; dates are UTC."""
    result = read_text(row, "result")
    href = read_text(row, "href")
    server = find_link(row, "Up", type_prefix="BackupServer") or {}
    point = find_link(row, "Related", type_prefix="VmRestorePoint") or {}
    return {
        "name": read_text(row, "name"),
        "uid": read_text(row, "uid"),
        "vm_name": read_text(row, "vm_display_name"),
        "restore_type": read_text(row, "job_type"),
        "backup_server": read_text(server, "name"),
        "restore_point_uid": find_guid(read_text(point, "href") or ""),
        "state": read_text(row, "state"),
        "result": None if result in (None, "None") else result,
        "progress": read_int(row, "progress"),
        "creation_time": normalise_date(read_text(row, "creation_time_utc") or read_text(row, "creation_time")),
        "end_time": normalise_date(read_text(row, "end_time_utc") or read_text(row, "end_time")),
        "restored_ref": read_text(row, "restored_obj_ref"),
        "failure_message": read_text(row, "failure_message") or read_text(row, "reason"),
        "href": client.locate(href) if href else None,
    }


class RestorePoints:
    """The restore points of machines."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._listing = FilteredListing(client, POINT_QUERY)

    def find(self, uid: str) -> RestorePoint:
        """Return the restore point of a UID. Raise ``not_found``."""
        for point in self._iter(Comparison(POINT_UID, "==", uid)):
            if find_guid(point.data["uid"] or "") == find_guid(uid):
                return point
        raise EmError("not_found", f"There is no restore point {uid}, or this user does not see it.")

    def find_newest(self, query: ObjectQuery, before: str | None, backup_server: str | None) -> RestorePoint:
        """Return a machine's newest restore point, or its newest one before a date. Raise ``not_found`` or ``ambiguous``."""
        limit = to_timestamp(before)
        criteria: list[Node] = []
        wanted = self._create_reference(query)
        if query.name is not None:
            criteria.append(Comparison(VM_NAME, "==", query.name))
        elif wanted is not None:
            criteria.append(Comparison(POINT_REF, "==", str(wanted)))
        if limit is not None:
            criteria.append(Comparison(CREATED, "<", format_timestamp(limit)))
        points = [
            point
            for point in self._iter(And(tuple(criteria)))
            if self._is_of(point, query, wanted, backup_server) and _is_before(point, limit)
        ]
        if wanted is None:
            points = select_by_name(points, query.name or "", lambda point: point.data["vm_name"])
        machines = {(parse_reference(point.data["ref"] or "") or point.data["ref"]) for point in points}
        keys = {machine.key if isinstance(machine, Reference) else machine for machine in machines}
        if len(keys) > 1:
            listed = ", ".join(sorted(str(machine) for machine in machines))
            raise EmError("ambiguous", f"{len(keys)} machines are called {query.name}: {listed}. Give ref instead of name.")
        if not points:
            raise EmError(
                "not_found",
                f"There is no restore point of {query.describe()}"
                + (f" before {before}" if before else "")
                + ", or this user does not see it. A point shows up some time after its backup.",
            )
        return max(points, key=lambda point: to_timestamp(point.data["creation_time"]) or 0.0)

    def _create_reference(self, query: ObjectQuery) -> Reference | None:
        """Return the machine's reference where it is known; only a root that is no GUID has to be looked up."""
        if query.reference is not None or query.moid is None:
            return query.reference
        root_id = find_guid(query.root or "")
        if root_id is not None and (query.root or "").lower().startswith("urn:"):
            return Reference("VMware", "Vm", root_id, query.moid)
        items = Infrastructure(self.client).find(query)
        if len(items) > 1:
            raise EmError("ambiguous", f"{query.describe()} is on several backup servers: give ref.")
        return items[0].reference if items else None

    @staticmethod
    def _is_of(point: RestorePoint, query: ObjectQuery, wanted: Reference | None, backup_server: str | None) -> bool:
        reference = parse_reference(point.data["ref"] or "")
        server = (point.data["backup_server"] or "").lower()
        if backup_server is not None and server != backup_server.strip().lower():
            return False
        if wanted is not None:
            return reference is not None and (reference.root_id, reference.object_id.lower()) == (
                wanted.root_id,
                wanted.object_id.lower(),
            )
        root_id = find_guid(query.root or "")
        return root_id is None or (reference is not None and reference.root_id == root_id)

    def _iter(self, criteria: Node) -> Iterator[RestorePoint]:
        for row in self._listing.iter_rows(criteria, newest_by=CREATED.name):
            yield RestorePoint(normalise_restore_point(row, self.client), row)


def _is_before(point: RestorePoint, limit: float | None) -> bool:
    created = to_timestamp(point.data["creation_time"])
    return limit is None or (created is not None and created < limit)


class MachineRestore:
    """One restore of one machine. What was done so far is in the result, also in that of a failure."""

    def __init__(self, client: Client, budget: WaitBudget, point: RestorePoint, options: RestoreOptions) -> None:
        self.client = client
        self.budget = budget
        self.point = point
        self.options = options
        self.action: TaskAction | None = None
        self.session: dict[str, Any] | None = None
        self.changed = False
        self._listing = FilteredListing(client, RESTORE_QUERY)

    def result(self) -> dict[str, Any]:
        """Return the result as far as things have come."""
        restored = (self.session or {}).get("restored_ref")
        reference = parse_reference(restored or "")
        return {
            "changed": self.changed,
            "restore_point": self.point.data,
            "task": self.action.task if self.action else None,
            "restore_session": self.session,
            "restored_ref": restored,
            "moid": reference.object_id if reference else None,
        }

    def execute(self, *, wait_for: str, fail_on_warning: bool) -> dict[str, Any]:
        """Start the restore once, follow it as far as is wanted, and return the result."""
        link = find_link(self.point.raw, "Restore")
        if link is None:
            raise EmError(
                "invalid_option",
                f"The server offers no restore from {self.point.data['name']} to this user.",
                result=self.result(),
            )
        try:
            self._start(get_path(read_text(link, "href") or ""), wait_for)
            if wait_for == "session":
                self._wait_for_session(fail_on_warning=fail_on_warning)
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _create_body(self) -> Body:
        """Return the body. Its table of members says PowerOnAfter, its examples and all clients PowerOnAfterRestore."""
        reference = parse_reference(self.point.data["ref"] or "")
        if reference is not None and reference.platform == "vCloud":
            spec: dict[str, Any] = {
                "PowerOnAfterRestore": self.options.power_on,
                "HierarchyRootUid": f"urn:veeam:HierarchyRoot:{reference.root_id}",
                "QuickRollback": self.options.quick_rollback,
                "VmRestoreParameters": {"VmRestorePointUid": self.point.data["uid"]},
            }
        else:
            spec = {
                "PowerOnAfterRestore": self.options.power_on,
                "QuickRollback": self.options.quick_rollback,
                "KeepOriginalVM": self.options.keep_original,
            }
        return Body("RestoreSpec", {"VmRestoreSpec": spec})

    def _start(self, path: str, wait_for: str) -> None:
        """Send the request, once. Where its answer is lost, look for the restore session that it may have started."""
        action = self.action = TaskAction(
            self.client, self.budget, subject=f"the restore of {self.point.data['vm_name']}", lookup_hint=LOOKUP_HINT
        )
        self.client.ensure_session()
        begin = self.client.server_time
        try:
            action.run("POST", path, self._create_body(), wait=wait_for != "nothing")
        except EmError as err:
            self.changed = action.changed
            is_lost = not action.changed and err.status is None and err.may_have_been_sent
            if not is_lost or err.kind not in ("connection", "timeout"):
                raise
            found = self._find_unnamed_session(begin)
            if found is None:
                raise
            self.session = found
        self.changed = True

    def _find_unnamed_session(self, begin: float | None) -> dict[str, Any] | None:
        """Return the restore session of this point that began since a time of the server's clock, if there is exactly one."""
        if begin is None:
            return None
        deadline = min(self.budget.deadline, self.client.clock() + MAX_CLOCK_SKEW)

        def find() -> dict[str, Any] | None:
            found = [
                one for one in self._list_sessions(begin) if one["restore_point_uid"] == find_guid(self.point.data["uid"] or "")
            ]
            return found[0] if len(found) == 1 else None

        found = poll(self.client, find, self.budget, deadline=deadline)
        return None if isinstance(found, TimedOut) else found

    def _list_sessions(self, begin: float) -> list[dict[str, Any]]:
        since = format_timestamp(begin - MAX_CLOCK_SKEW)
        criteria = And((Comparison(CREATED, ">=", since),))
        rows = self._listing.iter_rows(criteria, newest_by=CREATED.name)
        sessions = [normalise_restore_session(row, self.client) for row in rows]
        return [one for one in sessions if (to_timestamp(one["creation_time"]) or 0.0) >= begin - MAX_CLOCK_SKEW]

    def _wait_for_session(self, *, fail_on_warning: bool) -> None:
        subject = f"the restore of {self.point.data['vm_name']}"
        if self.session is None:
            found = poll(self.client, self._find_session, self.budget)
            if isinstance(found, TimedOut):
                raise create_wait_timeout(self.budget, subject, "its restore session has not shown up", found)
            self.session = found
        waiter = SessionWaiter(self.client, self.budget, subject=subject, read=self._read_session, is_listed=self._is_listed)
        try:
            waiter.wait(self.session)
        finally:
            self.session = waiter.session
        raise_for_result(self.session, fail_on_warning=fail_on_warning)

    def _find_session(self) -> dict[str, Any] | None:
        task = self.action.task if self.action else None
        requested_at = self.action.requested_at if self.action else None
        for link in task["related"] if task else []:
            if (link["type"] or "").lower().startswith("restoresession") and link["href"]:
                try:
                    session = self._read_session(link["href"])
                except EmError as err:
                    if err.kind not in ("not_found", "bad_response") and err.status != 500:  # it shows up late
                        raise
                    return None
                point = session["restore_point_uid"]
                is_own = point in (None, find_guid(self.point.data["uid"] or ""))
                if is_own and explain_mismatch(session, requested_at) is None:
                    return session
        return self._find_unnamed_session(requested_at)

    def _read_session(self, href: str) -> dict[str, Any]:
        path = get_path(href)
        if "format=" not in path:
            path += ("&" if "?" in path else "?") + "format=Entity"
        document = self.client.get(path)
        row = document.data if isinstance(document.data, dict) else {}
        if read_text(row, "state") is None:
            msg = "The server's answer is not a restore session."
            raise EmError("bad_response", msg, method="GET", path=path.partition("?")[0])
        return normalise_restore_session(row, self.client)

    def _is_listed(self, session: Mapping[str, Any]) -> bool:
        if session["uid"] is None:
            return True
        rows = self._listing.iter_rows(Comparison(SESSION_UID, "==", session["uid"]))
        found = any(find_guid(read_text(row, "uid") or "") == find_guid(session["uid"]) for row in rows)
        return found or (not self._listing.verify_filter(SESSION_UID) and self._is_listed(session))
