# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging on and off. A logon session's id is as secret as its token: one can be made of the other (wire facts, 3.2)."""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from ..errors import EmError, show
from ..options import IDLE_SECONDS, Connection
from ..protocol.codec import decode, decode_error, iter_rows, read_text
from ..protocol.links import strip_host
from .retry import PASSING_STATUS
from .status import create_status_error
from .transport import Response, Transport

SESSION_HEADER = "X-RestSvcSessionId"
LOGON_PATH = "/api/sessionMngr/"
SHOWN_PATH = "/api/logonSessions/(hidden)"
# The cheapest read that needs a session; it renews the session as every request does.
PROBE_PATH = "/api/query?type=Task&pageSize=1"


class LogonSession(NamedTuple):
    """An open logon session."""

    id: str
    token: str

    def __repr__(self) -> str:
        return "LogonSession(...)"


def create_headers(connection: Connection, session: LogonSession) -> dict[str, str]:
    """Build the headers of a request within a session."""
    return {"Accept": connection.accept, SESSION_HEADER: session.token}


def log_on(transport: Transport) -> LogonSession:
    """Open a logon session with the connection's user name and password.

    The request has neither body nor Content-Type: version 13 answers 415 to either (wire facts, section 3.2).
    """
    connection = transport.connection
    pair = f"{connection.username}:{connection.password}".encode("utf-8", "surrogateescape")
    headers = {"Accept": connection.accept, "Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    try:
        response = transport.request("POST", f"{LOGON_PATH}?v={connection.api_version}", headers=headers)
    except EmError:
        _close_orphan(transport)
        raise
    except KeyboardInterrupt:
        transport.begin_log_off()
        _close_orphan(transport)
        raise
    if not 200 <= response.status < 300:
        raise _create_logon_error(response, connection)
    token = response.headers.get(SESSION_HEADER)
    if not token:
        raise EmError(
            "logon_failed",
            f"What answers on {connection.hostname} port {connection.port} is not the Enterprise Manager REST API: it gave no"
            f" {SESSION_HEADER} header. Check port: the REST API listens on 9398, the web site on 9443.",
            status=response.status,
            method="POST",
            path=LOGON_PATH,
        )
    session_id = _find_session_id(response)
    if not session_id:
        raise EmError(
            "bad_response",
            "The server logged on without saying which logon session it made, so that it could not be logged off. It ends"
            " by itself after 15 idle minutes.",
            status=response.status,
            method="POST",
            path=LOGON_PATH,
        )
    return LogonSession(session_id, token)


def log_off(transport: Transport, session: LogonSession) -> bool:
    """End a logon session, by its own id. True: it is ended; False: it had ended before.

    What an ended session answers to its log-off is not known (401, 404 or 500: wire facts, section 8), so anything but the
    documented 204 and a 401 is checked with a read. So is a log-off without an answer; only if the session turns out to be
    alive, and so nothing happened, is it asked for once more.
    """
    for is_first in (True, False):
        told, may_pass = _ask_to_end(transport, session)
        if told is None:
            return True
        failure = told
        if failure.kind == "session_lost":
            return not is_first  # it was alive a moment ago, and then was asked to end
        if not may_pass:
            break
        try:
            alive = is_alive(transport, session)
        except EmError:
            break  # the failure to log off is the one to tell
        if not alive:
            return failure.status not in (404, 500) or not is_first
    for secret in session:
        failure.msg = failure.msg.replace(secret, "(hidden)")
        failure.detail = failure.detail and failure.detail.replace(secret, "(hidden)")
    raise failure


def _ask_to_end(transport: Transport, session: LogonSession) -> tuple[EmError | None, bool]:
    """Send a log-off; give what came instead of the 204, and whether the session may have ended or may still be ended."""
    headers = create_headers(transport.connection, session)
    path = f"/api/logonSessions/{quote(session.id, safe='')}"
    try:
        response = transport.request("DELETE", path, headers=headers, shown_path=SHOWN_PATH)
    except EmError as err:
        return err, err.sent
    if response.status == 204:
        return None, False
    failure = create_status_error(response, "DELETE", SHOWN_PATH)
    if failure is not None:
        return failure, failure.status in (404, 500, *PASSING_STATUS)
    msg = f"The server answered {response.status} to the log-off, but the session is still alive."
    return EmError("bad_response", msg, status=response.status, method="DELETE", path=SHOWN_PATH), True


def is_alive(transport: Transport, session: LogonSession) -> bool:
    """Ask whether the server still knows a session. Anything but a clear yes or no is a failure."""
    response = transport.request("GET", PROBE_PATH, headers=create_headers(transport.connection, session))
    failure = create_status_error(response, "GET", "/api/query")
    if failure is None:
        data = decode(response.body, response.headers.get("Content-Type", "")).data
        if isinstance(data, dict) and data.get("paging_info") is not None:  # of a query's result, which alone is a clear yes
            return True
        failure = EmError(
            "bad_response",
            "The server's answer to a query is not the result of a query, so that nothing is known of the session.",
            status=response.status,
            method="GET",
            path="/api/query",
        )
    if failure.kind == "session_lost":
        return False
    raise failure


def create_session_result(connection: Connection, session: LogonSession) -> dict[str, Any]:
    """Build what ``veeam_session`` returns and ``session`` options take. ``expires_after`` is in seconds, when idle."""
    return {
        "hostname": connection.hostname,
        "port": connection.port,
        "id": session.id,
        "token": session.token,
        "username": connection.username,
        "api_version": connection.api_version,
        "validate_certs": connection.validate_certs,
        "ca_path": connection.ca_path,
        "timeout": connection.timeout,
        "retries": connection.retries,
        "response_format": connection.response_format,
        "expires_after": IDLE_SECONDS,
    }


def _find_session_id(response: Response) -> str | None:
    """Find the session's id: in the body, else in its Delete link, else in the Location header (wire facts, 3.2)."""
    try:
        data = decode(response.body, response.headers.get("Content-Type", "")).data
        if isinstance(data, dict):
            session_id = read_text(data, "session_id")
            if session_id:
                return session_id
            for link in iter_rows(data.get("links"), "links", "link"):
                session_id = _read_id(read_text(link, "href") or "")
                if session_id and (read_text(link, "rel") or "").lower() == "delete":
                    return session_id
    except EmError:
        pass
    return _read_id(response.headers.get("Location", ""))


def _read_id(href: str) -> str | None:
    match = re.search(r"/logonSessions/([^/?#]+)", strip_host(href), re.IGNORECASE)
    return unquote(match[1]) if match else None


def _close_orphan(transport: Transport) -> None:
    """End the session of a logon whose answer broke off after its headers, as far as these name it."""
    headers = transport.seen_headers
    token, session_id = headers.get(SESSION_HEADER), _read_id(headers.get("Location", ""))
    if token and session_id:
        with suppress(EmError):  # the failure to log on is the one to tell
            log_off(transport, LogonSession(session_id, token))


def _create_logon_error(response: Response, connection: Connection) -> EmError:
    status = response.status
    detail = decode_error(response.body, response.headers.get("Content-Type", ""))
    where = f"{connection.hostname} port {connection.port}"
    if status == 401:
        msg = (
            f"Enterprise Manager on {where} refused the logon of {show(connection.username)}. It answers so to a wrong user"
            " name or password, to a user without an Enterprise Manager role (Portal Administrator, Portal User or Restore"
            f" Operator), and to an api_version it does not support (here {connection.api_version}; latest always is)."
        )
    elif status == 403:
        msg = f"{show(connection.username)} may not log on to {where}: give the user an Enterprise Manager role."
    elif status in (404, 405):
        msg = (
            f"There is no Enterprise Manager REST API on {where}, though something answers ({status}). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API."
        )
    else:
        return create_status_error(response, "POST", LOGON_PATH) or EmError("logon_failed", f"{where} did not log on.")
    return EmError("logon_failed", msg, status=status, method="POST", path=LOGON_PATH, detail=detail)
