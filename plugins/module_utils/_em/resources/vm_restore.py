# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring one machine from a restore point, and following the restore session to its end.

Restore points are found by query alone, because a restore operator may neither look up objects nor read hierarchy roots (Veeam
reference, security_roles_concept). Facts: wire facts, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from ..client.client import Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import Body, read_int, read_text
from ..protocol.dates import format_timestamp, normalise_date, to_timestamp
from ..protocol.filters import And, Comparison, Field, Node, Or
from ..protocol.links import find_guid, find_link, get_path
from ..protocol.names import fold_name
from ..protocol.references import OBJECT_TYPES, Reference, parse_reference
from .infrastructure import Infrastructure, ObjectQuery, select_by_name
from .listing import FilteredListing, QueryTarget
from .session_search import MAX_CLOCK_SKEW, MAX_LISTING_DELAY, explain_mismatch
from .session_wait import SessionWaiter, create_search_timeout, raise_for_result
from .task_action import TaskAction, is_unanswered

T = TypeVar("T")
POINT_QUERY = QueryTarget("VmRestorePoint", ("entities", "vm_restore_points"))
RESTORE_QUERY = QueryTarget("RestoreSession", ("entities", "restore_sessions"))
POINT_UID = Field("UID", "uid", "uid")
POINT_REF = Field("HierarchyObjRef", "hierarchy_obj_ref")
VM_NAME = Field("VmDisplayName", "vm_display_name")
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

    @property
    def created(self) -> float | None:
        """Return when it was created, in seconds since the epoch."""
        return to_timestamp(self.data["creation_time"])

    @property
    def machine(self) -> Any:
        """Return the key that identifies its machine."""
        reference = parse_reference(self.data["ref"] or "")
        return reference.key if reference is not None else (self.data["vm_name"], self.data["backup_server"])

    @property
    def root_id(self) -> str | None:
        """Return the id of the hierarchy root that its machine is below."""
        reference = parse_reference(self.data["ref"] or "")
        return reference.root_id if reference is not None else None


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
        points = self._list_points(query, to_timestamp(before))
        if backup_server is not None:
            points = [point for point in points if fold_name(point.data["backup_server"]) == fold_name(backup_server.strip())]
        if not points:
            raise EmError("not_found", self._explain_absence(query, before, backup_server))
        machines = {point.machine: point.data for point in points}
        if len(machines) > 1:
            listed = ", ".join(sorted(f"{one['ref']} on {one['backup_server']}" for one in machines.values()))
            msg = f"{len(machines)} machines match {query.describe()}: {listed}."
            raise EmError("ambiguous", f"{msg} Set backup_server, or ref instead of name.")
        return max(points, key=lambda point: point.created or 0.0)

    def _list_points(self, query: ObjectQuery, limit: float | None) -> list[RestorePoint]:
        """Return the restore points of the machines that a query means, before a time in seconds since the epoch."""
        wanted, root_ids = self._list_references(query), self._list_root_ids(query)
        if query.is_id and not wanted:
            return []
        comparisons = [Comparison(POINT_REF, "==", str(one)) for one in wanted]
        criteria: list[Node] = [Or(tuple(comparisons)) if comparisons else Comparison(VM_NAME, "==", query.name or "")]
        if limit is not None:
            criteria.append(Comparison(CREATED, "<", format_timestamp(limit)))
        keys = {one.key for one in wanted}
        while True:
            points = [point for point in self._iter(And(tuple(criteria))) if _is_before(point, limit)]
            if wanted:
                points = [point for point in points if point.machine in keys]
            else:
                points = select_by_name(points, query.name or "", lambda point: point.data["vm_name"])
                points = [point for point in points if root_ids is None or point.root_id in root_ids]
            if points or not self._listing.is_filtered:
                return points
            # That points are filtered by reference is not documented, and neither is how references are compared.
            if wanted:
                self._listing.distrust_filter()
            elif self._listing.verify_filter(VM_NAME):
                return points

    @staticmethod
    def _explain_absence(query: ObjectQuery, before: str | None, backup_server: str | None) -> str:
        where = f" on {backup_server}" if backup_server else ""
        when = f" before {before}" if before else ""
        return (
            f"There is no restore point of {query.describe()}{where}{when}, or this user does not see it. A point shows up some"
            " time after its backup."
        )

    def _list_references(self, query: ObjectQuery) -> list[Reference]:
        """Return the possible references of the machine; an empty list where only its name is known."""
        if query.reference is not None:
            return [query.reference]
        if query.moid is None:
            return []
        root_id = _find_root_id(query)
        if root_id is not None:  # on any platform
            return [Reference(platform, "Vm", root_id, query.moid) for platform in OBJECT_TYPES]
        return [item.reference for item in self._explain_refusal(lambda: Infrastructure(self.client).find(query))]

    def _list_root_ids(self, query: ObjectQuery) -> set[str] | None:
        """Return the ids of the hierarchy roots that a machine of this name may be below; None for any."""
        if query.root is None or query.reference is not None or query.moid is not None:
            return None
        root_id = _find_root_id(query)
        if root_id is not None:
            return {root_id}
        roots = self._explain_refusal(lambda: Infrastructure(self.client).find_roots(query, None))
        return {find_guid(root["uid"] or "") or "" for root in roots}

    @staticmethod
    def _explain_refusal(find: Callable[[], list[T]]) -> list[T]:
        try:
            return find()
        except EmError as err:
            if err.kind == "forbidden":
                err.add_context("A restore operator may not read hierarchy roots: leave root out, or give ref.")
            raise

    def _iter(self, criteria: Node) -> Iterator[RestorePoint]:
        self.client.ensure_session()  # first, so that a refused logon does not count as a refused filter
        for row in self._listing.iter_rows(criteria, newest_by=CREATED.name):
            yield RestorePoint(normalise_restore_point(row, self.client), row)


def _is_before(point: RestorePoint, limit: float | None) -> bool:
    return limit is None or (point.created is not None and point.created < limit)


def _find_root_id(query: ObjectQuery) -> str | None:
    """Return the GUID of a root that is given by its UID; None where it has to be looked up."""
    return find_guid(query.root or "") if (query.root or "").lower().startswith("urn:veeam:hierarchyroot:") else None


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
        self._began_at: float | None = None
        self._earlier: set[str | None] = set()

    def result(self) -> dict[str, Any]:
        """Return the result so far."""
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
        """Start the restore once, wait as far as wait_for says, and return the result."""
        try:
            self._start(self.plan(), wait_for)
            if wait_for == "session":
                self._wait_for_session(fail_on_warning=fail_on_warning)
        except EmError as err:
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def plan(self) -> str:
        """Return the path of the request. Raise ``invalid_option`` where the restore is not possible."""
        name = self.point.data["name"]
        if self.options.keep_original and self._is_of_cloud_director:
            msg = f"The option keep_original cannot be true for {name}: the API does not offer it for Cloud Director."
            raise EmError("invalid_option", msg)
        link = find_link(self.point.raw, "Restore")
        if link is None:
            raise EmError("invalid_option", f"The server offers no restore from {name} to this user.")
        return get_path(read_text(link, "href") or "")

    @property
    def _is_of_cloud_director(self) -> bool:
        reference = parse_reference(self.point.data["ref"] or "")
        return reference is not None and reference.platform == "vCloud"

    def _create_body(self) -> Body:
        """Return the body. Its table of members says PowerOnAfter, its examples and all clients PowerOnAfterRestore."""
        if self._is_of_cloud_director:
            spec: dict[str, Any] = {
                "PowerOnAfterRestore": self.options.power_on,
                "HierarchyRootUid": f"urn:veeam:HierarchyRoot:{self.point.root_id}",
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
            self.client, self.budget, subject=str(self.point.data["vm_name"]), lookup_hint=LOOKUP_HINT
        )
        self._note_earlier()
        try:
            action.run("POST", path, self._create_body(), wait=wait_for != "nothing")
        except EmError as err:
            self.changed = action.changed
            if err.kind == "forbidden":
                err.add_context("A restore needs the role Portal Administrator or VM Restore Operator.")
            is_accepted = action.changed and action.task is None  # but the answer cannot be read
            if not is_accepted and not (action.answer is None and is_unanswered(err)):
                raise
            self.session = self._look_up_session()
            if self.session is None:
                raise
        self.changed = True

    def _note_earlier(self) -> None:
        """Note this restore point's recent sessions, so that none of them is later mistaken for the requested one."""
        self.client.ensure_session()
        self._began_at = self.client.server_time
        self._earlier = {one["uid"] for one in self._list_sessions()}
        self._began_at = self.client.server_time or self._began_at

    def _look_up_session(self) -> dict[str, Any] | None:
        """Return the restore session that a request without an answer has started; None if that cannot be told."""
        try:
            found = poll(self.client, self._find_unnamed, self.budget, deadline=self._get_listing_deadline())
        except EmError:  # the failure of the request says more
            return None
        return None if isinstance(found, TimedOut) else found

    def _find_unnamed(self) -> dict[str, Any] | None:
        """Return the one restore session of this point that has appeared since the request."""
        found = [one for one in self._list_sessions() if one["uid"] not in self._earlier]
        return found[0] if len(found) == 1 else None

    def _get_listing_deadline(self) -> float:
        return min(self.budget.deadline, self.client.clock() + MAX_LISTING_DELAY)

    def _list_sessions(self) -> list[dict[str, Any]]:
        """Return the restore sessions of this point that began at about the time of the request, or later."""
        since = (self._began_at or 0.0) - MAX_CLOCK_SKEW
        criteria = None if self._began_at is None else Comparison(CREATED, ">=", format_timestamp(since))
        rows = self._listing.iter_rows(criteria, newest_by=CREATED.name)
        sessions = [normalise_restore_session(row, self.client) for row in rows]
        return [one for one in sessions if self._is_of_point(one) and (to_timestamp(one["creation_time"]) or 0.0) >= since]

    def _is_of_point(self, session: Mapping[str, Any]) -> bool:
        return bool(session["restore_point_uid"] == find_guid(self.point.data["uid"] or ""))

    @property
    def _subject(self) -> str:
        return f"the restore of {self.point.data['vm_name']}"

    def _wait_for_session(self, *, fail_on_warning: bool) -> None:
        if self.session is None:
            self.session = self._await_session()
        waiter = SessionWaiter(
            self.client, self.budget, subject=self._subject, read=self._read_session, is_listed=self._is_listed
        )
        try:
            waiter.wait(self.session)
        finally:
            self.session = waiter.session
        hint = "see its log in Enterprise Manager or on the backup server"
        raise_for_result(self.session, fail_on_warning=fail_on_warning, hint=hint)
        if self.session["restored_ref"] is None:
            self.client.warnings.append(f"The server does not say which machine {self.session['name']} has restored.")

    def _await_session(self) -> dict[str, Any]:
        """Return the restore session that the task names or, without that, the one that has appeared since the request."""
        deadline = self._get_listing_deadline()
        seconds = max(0.0, deadline - self.client.clock())
        found = poll(self.client, self._find_session, self.budget, deadline=deadline)
        if isinstance(found, TimedOut):
            what = "its restore session has not shown up"
            raise create_search_timeout(self._subject, seconds, what, LOOKUP_HINT, found)
        return found

    def _find_session(self) -> dict[str, Any] | None:
        task = self.action.task if self.action else None
        requested_at = self.action.requested_at if self.action else None
        for link in task["related"] if task else ():
            if not (link["type"] or "").lower().startswith("restoresession") or not link["href"]:
                continue
            try:
                session = self._read_session(link["href"])
            except EmError as err:
                if err.kind not in ("not_found", "bad_response") and err.status != 500:
                    raise
                return None  # it shows up late
            is_own = session["restore_point_uid"] is None or self._is_of_point(session)
            if is_own and explain_mismatch(session, requested_at) is None:
                return session
        return self._find_unnamed()

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
