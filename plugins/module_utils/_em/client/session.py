# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging on and off. The id of a logon session is as secret as its token, which can be computed from it (wire facts, 3.2)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from ..errors import EmError, quote
from ..options import IDLE_SECONDS, Connection
from ..protocol.codec import decode, iter_rows, read_text
from ..protocol.links import strip_host
from .retry import RETRYABLE_STATUS
from .status import raise_for_status, read_reason
from .transport import Response, Transport

SESSION_HEADER = "X-RestSvcSessionId"
LOGON_PATH = "/api/sessionMngr/"
SHOWN_PATH = "/api/logonSessions/(hidden)"
# The cheapest read that needs a session. It renews the session, as every request does.
PROBE_PATH = "/api/query?type=Task&pageSize=1"


class LogonSession(NamedTuple):
    """An open logon session."""

    id: str
    token: str

    def __repr__(self) -> str:
        return "LogonSession(...)"


class LogoffResult(Enum):
    """What one request to log off achieved."""

    ENDED = "ended"  # by this request
    WAS_ENDED = "was ended"  # before it, or by one whose answer was lost
    STILL_ALIVE = "still alive"


def create_headers(connection: Connection, session: LogonSession) -> dict[str, str]:
    """Return the headers of a request within a session."""
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
        _log_off_orphan(transport)
        raise
    except KeyboardInterrupt:
        transport.start_logoff()
        _log_off_orphan(transport)
        raise
    if not 200 <= response.status < 300:
        raise _create_logon_error(response, connection)
    token = _read_token(response.headers)
    if not token:
        raise EmError(
            "logon_failed",
            f"{connection.hostname} port {connection.port} answers, but not as the Enterprise Manager REST API: there is no"
            f" {SESSION_HEADER} header. Check port: the REST API listens on 9398, the web site on 9443.",
            status=response.status,
            method="POST",
            path=LOGON_PATH,
        )
    session_id = _find_session_id(response)
    if not session_id:
        raise EmError(
            "bad_response",
            "The server logged on but did not return the id of the logon session, so the session cannot be logged off. It ends"
            " by itself after 15 idle minutes.",
            status=response.status,
            method="POST",
            path=LOGON_PATH,
        )
    return LogonSession(session_id, token)


def log_off(transport: Transport, session: LogonSession) -> bool:
    """End a logon session by its own id. Return True if this ended it, False if it had ended before.

    The answer to the log-off of an ended session is not known (401, 404 or 500: wire facts, section 8), so anything but the
    documented 204 and a 401 is checked with a read, and so is a log-off without an answer. The request is repeated once, and
    only if the session turns out to be alive.
    """
    try:
        result = _request_logoff(transport, session)
        if result is LogoffResult.STILL_ALIVE:
            # It was alive between the two requests, so an end is the work of the second one.
            _request_logoff(transport, session, is_repeated=True)
            return True
    except EmError as err:
        for secret in session:
            err.set_message(err.msg.replace(secret, "(hidden)"))
            err.detail = err.detail and err.detail.replace(secret, "(hidden)")
        raise
    return result is LogoffResult.ENDED


def _request_logoff(transport: Transport, session: LogonSession, *, is_repeated: bool = False) -> LogoffResult:
    """Send one log-off and return its result. Raise its failure where the result is unclear, or if repeating did not help."""
    headers = create_headers(transport.connection, session)
    path = f"/api/logonSessions/{percent_encode(session.id, safe='')}"
    try:
        response = transport.request("DELETE", path, headers=headers, shown_path=SHOWN_PATH)
        raise_for_status(response, "DELETE", SHOWN_PATH)
    except EmError as err:
        failure = err
    else:
        if response.status == 204:
            return LogoffResult.ENDED
        msg = f"The server answered {response.status} to the log-off, but the session is still alive."
        failure = EmError("bad_response", msg, status=response.status, method="DELETE", path=SHOWN_PATH)
    if failure.kind == "session_lost":
        return LogoffResult.WAS_ENDED
    if not _may_have_ended(failure):
        raise failure
    try:
        alive = is_alive(transport, session)
    except EmError:
        raise failure from None  # the failure of the log-off is the one to report
    if alive and is_repeated:
        raise failure
    if alive:
        return LogoffResult.STILL_ALIVE
    # The session of a 404 or 500 was unknown before the request; anything else may have been the request's work.
    return LogoffResult.WAS_ENDED if failure.status in (404, 500) else LogoffResult.ENDED


def _may_have_ended(failure: EmError) -> bool:
    """Return whether the session may have ended although its log-off failed, or may still be ended by another one."""
    if failure.status is None:
        return failure.may_have_been_sent
    return failure.status in (404, 500, *RETRYABLE_STATUS) or 200 <= failure.status < 300


def is_alive(transport: Transport, session: LogonSession) -> bool:
    """Return whether the server still knows a session. Raise `EmError` for anything but a clear yes or no."""
    response = transport.request("GET", PROBE_PATH, headers=create_headers(transport.connection, session))
    try:
        raise_for_status(response, "GET", "/api/query")
    except EmError as err:
        if err.kind == "session_lost":
            return False
        raise
    data = decode(response.body, response.content_type).data
    if isinstance(data, dict) and data.get("paging_info") is not None:  # only the result of a query is a clear yes
        return True
    raise EmError(
        "bad_response",
        "The server's answer to a query is not the result of a query, so it is unknown whether the session is alive.",
        status=response.status,
        method="GET",
        path="/api/query",
    )


def create_session_result(connection: Connection, session: LogonSession) -> dict[str, Any]:
    """Return what ``veeam_session`` returns and ``session`` options take. ``expires_after`` is in idle seconds."""
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


def _read_token(headers: Mapping[str, str]) -> str | None:
    """Return the session's token. A proxy may send its header twice, which requests joins with commas; tokens are Base64."""
    tokens = {token.strip() for token in headers.get(SESSION_HEADER, "").split(",")} - {""}
    return tokens.pop() if len(tokens) == 1 else None


def _find_session_id(response: Response) -> str | None:
    """Return the session's id: from the body, else from its Delete link, else from the Location header (wire facts, 3.2)."""
    try:
        data = decode(response.body, response.content_type).data
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


def _log_off_orphan(transport: Transport) -> None:
    """Log off the session of a logon whose answer was truncated, if its headers name the session."""
    headers = transport.last_headers
    token, session_id = _read_token(headers), _read_id(headers.get("Location", ""))
    if token and session_id:
        with suppress(EmError):  # the failure of the logon is the one to report
            log_off(transport, LogonSession(session_id, token))


def _create_logon_error(response: Response, connection: Connection) -> EmError:
    status = response.status
    detail, reason = read_reason(response)
    where = f"{connection.hostname} port {connection.port}"
    if status == 401:
        msg = (
            f"Enterprise Manager on {where} refused the logon of {quote(connection.username)}. The reason may be a wrong user"
            " name or password, a user without an Enterprise Manager role (Portal Administrator, Portal User or Restore"
            f" Operator), or an api_version that it does not support (here {connection.api_version}; latest always works)."
            f"{_describe_blanks(connection.password)}{reason}"
        )
    elif status == 403:
        cure = "" if reason else " Give the user an Enterprise Manager role."
        msg = f"{where} does not let {quote(connection.username)} log on.{reason}{cure}"
    elif status in (404, 405):
        msg = (
            f"There is no Enterprise Manager REST API on {where}, although something answers ({status}). Check port: Enterprise"
            " Manager's is 9398; 9419 belongs to Veeam Backup & Replication, which has another API. A reverse proxy must"
            f" publish the API as /api, without a path before it.{reason}"
        )
    else:
        try:
            raise_for_status(response, "POST", LOGON_PATH)
        except EmError as err:
            return err
        raise AssertionError("a logon that failed has a status outside of 2xx")
    return EmError("logon_failed", msg, status=status, method="POST", path=LOGON_PATH, detail=detail)


def _describe_blanks(password: str | None) -> str:
    """Return a hint if a password begins or ends with white space, such as the line end of the file that it was read from."""
    password = password or ""
    ends = [("begins", password.lstrip()), ("ends", password.rstrip())]
    where = " and ".join(end for end, stripped in ends if stripped != password)
    return f" Note that password {where} with white space or a line end; the trim filter removes it." if where else ""
