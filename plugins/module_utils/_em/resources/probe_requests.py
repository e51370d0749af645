# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe sends: every request with its purpose, known before the first of them is sent. Pure."""

from __future__ import annotations

from typing import NamedTuple

JSON, XML = "application/json", "application/xml"
# Ids that no server has.
UNKNOWN_ID = "00000000-0000-4000-8000-00000000dead"
UNKNOWN_TASK = "task-999999999"
UNKNOWN_NAME = "vbem-probe-none"
BIG_PAGE, FAR_PAGE = 100000, 99999


class Request(NamedTuple):
    """One request. ``path`` is below ``/api/``; names in braces come from earlier answers, without which it is not sent.

    ``session`` is ``own`` (the one that is probed with, given or not), ``second`` (one more of the same user, which needs a
    password), ``logon`` for its logon, or ``none``.
    """

    name: str
    path: str
    purpose: str
    method: str = "GET"
    accept: str = JSON
    session: str = "own"

    @property
    def shown(self) -> str:
        """Return method and path, with names in braces for what is not to be shown."""
        return f"{self.method} /api/{self.path}"


def _query(type_: str, more: str = "", size: int = 1) -> str:
    return f"query?type={type_}&format=Entities&pageSize={size}{more}"


_TASKS = "query?type=Task&pageSize=1"
# "Operation" is a field of tasks on every page of the reference. The conditions match all tasks, or none.
_NO_TASK = f"&filter=Operation%3D%3D%22{UNKNOWN_NAME}%22"
_ANY_TASK = f"&filter=Operation!%3D%22{UNKNOWN_NAME}%22"

READS = (
    Request("root", "", "versions of the API", session="none"),
    Request("servers", _query("BackupServer"), "form of JSON and links; version of the product"),
    Request("servers_xml", _query("BackupServer"), "form of XML", accept=XML),
    Request("none", _query("BackupServer", f"&filter=Name%3D%3D%22{UNKNOWN_NAME}%22"), "a filter that matches nothing"),
    Request("some", _query("BackupServer", f"&filter=Name!%3D%22{UNKNOWN_NAME}%22"), "a filter that matches everything"),
    Request(
        "none_xml",
        _query("BackupServer", f"&filter=Name%3D%3D%22{UNKNOWN_NAME}%22"),
        "an empty answer in XML",
        accept=XML,
    ),
    Request("big_page", _query("BackupServer", size=BIG_PAGE), "the largest page"),
    Request("far_page", _query("BackupServer", f"&page={FAR_PAGE}"), "a page after the last"),
    Request("first_page", _query("BackupJobSession"), "links between pages"),
    Request("second_page", _query("BackupJobSession", "&page=2"), "links between pages"),
    Request("bad_type", _query("NoSuchType"), "an unknown type"),
    Request("unknown_resource", f"backupSessions/{UNKNOWN_ID}", "the id of nothing, and the form of errors"),
    Request("unknown_resource_xml", f"backupSessions/{UNKNOWN_ID}", "the form of errors in XML", accept=XML),
    Request("unknown_session", f"logonSessions/{UNKNOWN_ID}", "the id of no logon session"),
    Request("sessions", "logonSessions", "how many logon sessions this user has"),
    Request("jobs", _query("Job", size=5), "how times and schedules are written; needs a Portal Administrator"),
    Request(
        "objects", _query("ObjectInJob", size=5), "what a query tells of the objects of jobs; needs a Portal Administrator"
    ),
    Request("includes", "jobs/{job}/includes", "what a job's own list tells of them; needs a Portal Administrator"),
    Request("points", _query("VmRestorePoint"), "a machine to look up"),
    Request(
        "points_by_reference",
        _query("VmRestorePoint", "&filter=HierarchyObjRef%3D%3D%22{reference}%22"),
        "whether restore points are filtered by reference",
    ),
    Request("lookup", "lookup?host={root}&name={machine}&type=Vm", "how references are written"),
    Request("lookup_part", "lookup?host={root}&name={part}&type=Vm", "whether a look-up takes parts of names"),
    Request("lookup_none", f"lookup?host={{root}}&name={UNKNOWN_NAME}&type=Vm", "a look-up without a hit"),
)

# The one thing that is not a read. It makes a task of this session, and changes nothing but what Enterprise Manager knows.
COLLECT = (
    Request("collect", "backupServers/{server}?action=collect", "one data collection, to have a task", method="POST"),
    Request("task", "tasks/{task}", "the task, until it is finished"),
)

TASKS = (
    Request("tasks", _TASKS, "a query of tasks"),
    Request("no_tasks_xml", _TASKS + _NO_TASK, "an empty query of tasks in XML", accept=XML),
    Request("no_tasks", _TASKS + _NO_TASK, "a filter that matches no task"),
    Request("any_tasks", _TASKS + _ANY_TASK, "a filter that matches every task"),
    Request("tasks_by_task_id", _TASKS + "&filter=TaskId!%3D%22none%22", "the name of the id in filters"),
    Request("tasks_by_task_uid", _TASKS + "&filter=TaskUid!%3D%22none%22", "the name of the id in filters"),
    Request("tasks_sorted", _TASKS + "&sortAsc=State", "sorting of tasks"),
    Request("tasks_sorted_oddly", _TASKS + "&sortAsc=NoSuchField", "sorting of tasks by what they do not have"),
    Request("tasks_sorted_by_id", _TASKS + "&sortAsc=TaskId", "the name of the id in sorting"),
    Request("tasks_sorted_by_uid", _TASKS + "&sortAsc=TaskUid", "the name of the id in sorting"),
    Request("unknown_task", f"tasks/{UNKNOWN_TASK}", "a task that is not there"),
)

SECOND = (
    Request("second_logon", "sessionMngr/?v={version}", "a second logon, to see its answer", method="POST", session="logon"),
    Request("task_elsewhere", "tasks/{task}", "whether another session sees the task", session="second"),
    Request("logoff", "logonSessions/{second}", "its log-off", method="DELETE", session="second"),
    Request("second_logoff", "logonSessions/{second}", "its log-off again", method="DELETE", session="second"),
)

REMOVE = (
    Request("removal", "tasks/{task}", "the removal of the finished task", method="DELETE"),
    Request("removed_task", "tasks/{task}", "a task that was removed"),
    Request("missed_removal", f"tasks/{UNKNOWN_TASK}", "the removal of a task that is not there", method="DELETE"),
)


def list_requests(*, collect: bool, has_password: bool) -> list[Request]:
    """Return what a probe may send, in order. Requests whose names in braces no answer gives are left out."""
    second = [one for one in SECOND if collect or one.name != "task_elsewhere"] if has_password else []
    return [*READS, *(COLLECT if collect else ()), *TASKS, *second, *(REMOVE if collect else ())]
