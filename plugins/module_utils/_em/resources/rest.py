# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any request to the REST API: reading, and changing idempotently as far as the API allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from ..client.client import Client
from ..client.pages import CONTAINERS
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError, create_option_error
from ..protocol.codec import Body, Document, read_int, read_text
from ..protocol.comparison import find_differences
from ..protocol.links import find_guid, get_path
from ..protocol.request_bodies import create_xml_body, find_schema
from ..protocol.secret_names import hide_secrets
from .rows import RowReader, normalise_value
from .session_wait import SessionWaiter, create_wait_timeout, raise_for_result
from .task_action import TaskAction

JSON = "application/json"
# Members of an answer that say nothing of its rows.
_AROUND_LISTS = frozenset(("links", "paging_info", "href", "type", "name", "uid"))
_SAFE_PATH = re.compile(r"[A-Za-z0-9._~!$'()*+,:@=%/-]+")
_UNSAFE_SEGMENT = re.compile(r"\.{0,2}|.*[\\\x00-\x1f\x7f].*", re.DOTALL)
LIST_LAG_SECONDS = 60  # for which a list may still show a deleted resource: public clients wait up to 30 s
LOOKUP_HINT = "read the resource before you try again"


class Target(NamedTuple):
    """Where a request goes: a path that begins with ``/api/``, and the query with its question mark, or an empty string."""

    path: str
    query: str

    @property
    def full(self) -> str:
        """Return path and query."""
        return self.path + self.query

    @property
    def changing(self) -> str:
        """Return path and query for a request that changes something: without ``format``, which hrefs of entities have."""
        parts = [part for part in self.query[1:].split("&") if part and not part.lower().startswith("format=")]
        return self.path + (f"?{'&'.join(parts)}" if parts else "")


def create_target(client: Client, path: str, query: Mapping[str, Any] | None) -> Target:
    """Return the target of the options ``path`` and ``query``. Raise ``invalid_option`` for anything outside of ``/api``.

    ``path`` may be relative to ``/api``, or the href of a resource on the configured server.
    """
    text = path.strip()
    base = client.connection.base_url
    if text.lower().startswith(base.lower() + "/"):
        text = text[len(base) :]
    bare, mark, given = text.partition("?")
    bare = (bare.lstrip("/") if not bare.startswith("//") else bare).removesuffix("/")
    if bare.lower().startswith("api/"):
        bare = bare[4:]
    segments = unquote(bare).split("/")
    is_clean = _SAFE_PATH.fullmatch(bare) and bare.lower() != "api" and not any(map(_UNSAFE_SEGMENT.fullmatch, segments))
    if not is_clean or unquote(unquote(bare)) != unquote(bare) or "#" in given or re.search(r"[\s\x00-\x1f\x7f]", given):
        hint = f"give a path below /api, such as cloud/tenants, or the href of a resource of {base}"
        raise create_option_error("path", path, hint)
    if segments[0].lower() in ("sessionmngr", "logonsessions"):
        client.hide(segments[1:])  # the id of a session is a secret
        raise create_option_error("path", segments[0], "use vbem.rest.veeam_session for logon sessions")
    parts = [given] if mark and given else []
    for name, value in (query or {}).items():
        if isinstance(value, (dict, list)) or value is None:
            raise create_option_error(f"query.{name}", value, "give one value")
        printed = str(value).lower() if isinstance(value, bool) else str(value)
        parts.append(f"{percent_encode(str(name), safe='')}={percent_encode(printed, safe='')}")
    return Target(f"/api/{bare}", f"?{'&'.join(parts)}" if parts else "")


class Reading(NamedTuple):
    """What a GET returned: one resource, or a list of them."""

    resource: dict[str, Any] | None
    resources: list[dict[str, Any]] | None


def read(client: Client, target: Target) -> Reading:
    """Read a resource or, page by page, a collection, in plain form and with secrets hidden."""
    path: str | None = target.full
    document = client.get(target.full, accept=JSON)
    name = _find_list_name(document)
    if name is None and not _is_query_result(document):
        return Reading(normalise(document.data, client), None)
    rows: list[dict[str, Any]] = []
    seen = set()
    while path is not None:
        seen.add(path)
        rows += [normalise(row, client) for row in _iter_rows(document, name)]
        path = _find_next_page(document, path)
        if path in seen:
            raise EmError("bad_response", f"The pages of {target.path} form a loop.", method="GET", path=target.path)
        if path is not None:
            document = client.get(path, accept=JSON)
    return Reading(None, rows)


def normalise(data: Any, client: Client) -> dict[str, Any]:
    """Return the plain form of a resource, with its secrets hidden."""
    if not isinstance(data, Mapping):
        raise EmError("bad_response", "The server's answer is not a resource.")
    plain: dict[str, Any] = hide_secrets(RowReader(client).read(data) if "href" in data else normalise_value(data, "", 0))
    return plain


def _is_query_result(document: Document) -> bool:
    data = document.data
    return isinstance(data, dict) and "paging_info" in data and any(container in data for container in CONTAINERS[1:])


def _find_list_name(document: Document) -> str | None:
    """Return the name of the list that an answer consists of; None where it is a resource."""
    data = document.data
    if not isinstance(data, dict) or "uid" in data or _is_query_result(document):
        return None
    members = [name for name in data if name not in _AROUND_LISTS]
    is_list = len(members) == 1 and (isinstance(data[members[0]], list) or (data[members[0]] is None and "paging_info" in data))
    return members[0] if is_list else None


def _iter_rows(document: Document, name: str | None) -> Iterator[dict[str, Any]]:
    from ..client.pages import read_page

    if name is None:
        yield from read_page(document, ())[0]
        return
    rows = document.data.get(name) if isinstance(document.data, dict) else None
    for row in rows or ():
        if not isinstance(row, dict):
            raise EmError("bad_response", f"The server's list of {name} holds something that is not a resource.")
        yield row


def _find_next_page(document: Document, path: str) -> str | None:
    from ..client.pages import find_next_page

    paging = document.data.get("paging_info") if isinstance(document.data, dict) else None
    return find_next_page(path, paging) if isinstance(paging, dict) and read_int(paging, "page_num") is not None else None


# ---------------------------------------------------------------------------------------------------------------------
# Changing


class RestRequest:
    """One request. What was done so far is in the result, also in that of a failure."""

    def __init__(
        self, client: Client, target: Target, method: str, members: Mapping[str, Any] | None, budget: WaitBudget
    ) -> None:
        self.client = client
        self.target = target
        self.method = method
        self.members = members
        self.budget = budget
        self.changed = False
        self.status: int | None = None
        self.reading = Reading(None, None)
        self.related: dict[str, Any] | None = None
        self.differing: list[str] = []
        self._action = TaskAction(
            client, budget, subject=f"{method} {target.path}", lookup_hint=LOOKUP_HINT, requires_task=False
        )

    def result(self) -> dict[str, Any]:
        """Return the result so far. ``diff`` names what differs, and shows no value."""
        result: dict[str, Any] = {
            "changed": self.changed,
            "status": self.status,
            "task": self._action.task,
            "related": self.related,
        }
        if self.reading.resources is not None:
            result["resources"] = self.reading.resources
        else:
            result["resource"] = self.reading.resource
        if self.method != "GET":
            names = "".join(f"{name}\n" for name in self.differing)
            result["diff"] = {"before": "", "after": names, "after_header": f"members of {self.target.path} that differ"}
        return result

    def get(self) -> dict[str, Any]:
        """Read, and return the result."""
        self.reading = read(self.client, self.target)
        self.status = 200
        return self.result()

    def put(self, *, wait_for: str, force: bool, check_mode: bool) -> dict[str, Any]:
        """Change a resource to what the body says, if anything differs."""
        current = self.client.get(self.target.path + self._read_query(), accept=JSON)
        if not isinstance(current.data, Mapping):
            raise EmError("bad_response", "The server's answer is not a resource.", method="GET", path=self.target.path)
        self.differing, secrets = find_differences(self.members or {}, current.data)
        self.reading = Reading(normalise(current.data, self.client), None)
        self.status = 200
        if not self.differing and not force:
            if secrets:
                self.client.warnings.append(
                    f"{' and '.join(secrets)} cannot be compared with what the server has, and nothing else differs, so nothing"
                    " was sent: set force: true to send it."
                )
            return self.result()
        return self._change(wait_for=wait_for, check_mode=check_mode)

    def post(self, *, wait_for: str, reads: bool, found: list[dict[str, Any]] | None, check_mode: bool) -> dict[str, Any]:
        """Send a POST, unless what it would create was found."""
        if found:
            self.reading = Reading(None, [hide_secrets(one) for one in found])
            return self.result()
        if reads:
            answer = self.client.send("POST", self.target.changing, self._create_body())
            self.status = answer.status
            if answer.document is not None:
                self.reading = Reading(normalise(answer.document.data, self.client), None)
            return self.result()
        return self._change(wait_for=wait_for, check_mode=check_mode)

    def delete(self, *, wait_for: str, check_mode: bool) -> dict[str, Any]:
        """Remove a resource, unless it is gone."""
        try:
            if check_mode:
                self.client.get(self.target.path, accept=JSON)
            return self._change(wait_for=wait_for, check_mode=check_mode)
        except EmError as err:
            if self.changed or not self._is_gone(err):
                raise
        self.status = None
        return self.result()

    def _is_gone(self, err: EmError) -> bool:
        """Return whether a failure means that the resource does not exist.

        A 404 or 500 may come from something other than Enterprise Manager, so the list that the resource belongs to decides. It
        lags behind.
        """
        if err.status not in (404, 500):
            return False
        parent, _slash, name = self.target.path.rpartition("/")
        wanted = (find_guid(unquote(name)) or unquote(name)).lower()

        def is_unlisted() -> bool | None:
            resources = read(self.client, Target(parent, "")).resources
            if resources is None:
                return False
            is_listed = any(wanted in _list_ids(one) for one in resources)
            return None if is_listed and err.status == 404 else not is_listed

        deadline = min(self.budget.deadline, self.client.clock() + LIST_LAG_SECONDS)
        try:
            return poll(self.client, is_unlisted, self.budget, deadline=deadline) is True
        except EmError:
            return False

    def _change(self, *, wait_for: str, check_mode: bool) -> dict[str, Any]:
        if check_mode:
            self.changed = True
            return self.result()
        body = self._create_body()
        action = self._action
        try:
            action.run(self.method, self.target.changing, body, wait=wait_for != "nothing")
            self._take_answer()
            if wait_for == "related":
                self._follow_related()
            if self.method == "PUT" and wait_for != "nothing":
                self.reading = read(self.client, Target(self.target.path, self._read_query()))
        except EmError as err:
            self._take_answer()
            err.result = {**err.result, **self.result()}
            raise
        return self.result()

    def _take_answer(self) -> None:
        action = self._action
        self.changed = action.changed
        if action.answer is not None:
            self.status = action.answer.status
            document = action.answer.document
            if action.task is None and document is not None and isinstance(document.data, Mapping):
                self.reading = Reading(normalise(document.data, self.client), None)

    def _create_body(self) -> Body | None:
        if self.members is None:
            return None
        if self.client.connection.accept == JSON:
            return Body("", self.members)
        schema = find_schema(self.method, self.target.changing)
        if schema is None or not schema.root:
            raise EmError(
                "invalid_option",
                f"The XML root element for {self.method} {self.target.path} is not known: set response_format to json or auto.",
            )
        return create_xml_body(schema, self.members)

    def _read_query(self) -> str:
        """Return the query by which the resource of a PUT is read: entities are shown whole only if that is requested."""
        return "?format=Entity"

    def _follow_related(self) -> None:
        """Follow the resource that the task links to: a session to its end, any other until it can be read."""
        task = self._action.task
        links = [link for link in (task["related"] if task else []) if link["href"]]
        for link in links:
            kind = (link["type"] or "").lower()
            is_session = kind.removesuffix("reference").endswith("session")
            path = get_path(link["href"])
            if "format=" not in path:
                path += ("&" if "?" in path else "?") + "format=Entity"
            if is_session:
                self._await_session(path)
            else:
                self._await_resource(path)
            return

    def _await_session(self, path: str) -> None:
        def read_session(_href: str) -> dict[str, Any]:
            document = self.client.get(path, accept=JSON)
            data = document.data if isinstance(document.data, Mapping) else {}
            if read_text(data, "state") is None:
                raise EmError(
                    "bad_response", "The server's answer is not a session.", method="GET", path=path.partition("?")[0]
                )
            self.related = normalise(data, self.client)
            result = read_text(data, "result")
            return {
                "name": read_text(data, "name") or path.partition("?")[0],
                "state": read_text(data, "state"),
                "result": None if result == "None" else result,
                "progress": read_int(data, "progress"),
                "failure_message": read_text(data, "failure_message") or read_text(data, "reason"),
                "href": path,
            }

        first = poll(self.client, lambda: read_session(path), self.budget)
        if isinstance(first, TimedOut):
            raise create_wait_timeout(self.budget, self._action.subject, "the session that it started cannot be read", first)
        waiter = SessionWaiter(
            self.client, self.budget, subject=self._action.subject, read=read_session, is_listed=lambda _session: True
        )
        raise_for_result(waiter.wait(first), fail_on_warning=False)

    def _await_resource(self, path: str) -> None:
        def read_resource() -> dict[str, Any]:
            document = self.client.get(path, accept=JSON)
            name = _find_list_name(document)
            is_list = name is not None and bool(list(_iter_rows(document, name)))
            if not is_list and not (isinstance(document.data, Mapping) and "href" in document.data):
                bare = path.partition("?")[0]
                raise EmError("bad_response", "The server's answer is not a resource.", status=200, method="GET", path=bare)
            return normalise(document.data, self.client)

        found = poll(self.client, read_resource, self.budget)
        if isinstance(found, TimedOut):
            raise create_wait_timeout(self.budget, self._action.subject, "what it created cannot be read yet", found)
        self.related = found


def _list_ids(resource: Mapping[str, Any]) -> set[str]:
    """Return every id by which a row of a list may be addressed."""
    ids = set()
    for key, value in resource.items():
        if isinstance(value, str) and (key in ("uid", "id", "href", "name") or key.endswith("_id")):
            ids.add(value.lower())
            ids.add(find_guid(value) or "")
            ids.add(unquote(value.partition("?")[0].rpartition("/")[2]).lower())
    return ids - {""}
