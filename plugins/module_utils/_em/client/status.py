# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP status to failure, for requests within a logon session."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import EmError, ErrorKind, quote
from ..protocol.codec import decode_error
from .transport import Response

SESSION_LOST = (
    "The logon session has ended: Enterprise Manager ends a session after 15 idle minutes or at its log-off, and the tasks of"
    " an ended session cannot be read any more. Their state is unknown. Log on again with vbem.rest.veeam_session."
)


def raise_for_status(response: Response, method: str, path: str) -> None:
    """Raise the `EmError` of an answer that is not 2xx. ``path`` is shown in the message."""
    status = response.status
    if 200 <= status < 300:
        return
    detail, reason = read_reason(response)
    kind, msg = _describe(status, f"{method} {path}", path, reason, response.headers.get("Location", ""))
    raise EmError(kind, msg, status=status, method=method, path=path, detail=detail)


def read_reason(response: Response) -> tuple[str | None, str]:
    """Return the reason in the body of a failed request: as it is, and as a sentence for a message (empty where there is none).

    A web page is reported as the answer of a proxy or firewall: Enterprise Manager's REST API sends none.
    """
    text, is_page = decode_error(response.body, response.content_type)
    if not is_page:
        return text, f" The server says: {text.rstrip('.')}." if text else ""
    server = response.headers.get("Server", "")
    by = f" (it calls itself {quote(server)})" if server else ""
    says = f" The page says: {text.rstrip('.')}." if text else ""
    return text, f" The answer is a web page, so a proxy or a firewall seems to have sent it{by}, not Enterprise Manager.{says}"


def _describe(status: int, request: str, path: str, reason: str, location: str) -> tuple[ErrorKind, str]:
    if 300 <= status < 400:
        return "bad_response", (
            f"The server redirects {request} to {_get_host(location) or 'another address'}. Redirects are not followed, because"
            " they could send the session to another host: set hostname and port to those of Enterprise Manager itself."
        )
    if status == 401:
        return "session_lost", SESSION_LOST
    if status == 403:
        return "forbidden", (
            f"The user is not allowed to {request}. Give the user the Enterprise Manager role that this needs"
            f" (Portal Administrator to list, start and stop jobs).{reason}"
        )
    if status == 404:
        return "not_found", f"The server has no {path}.{reason}"
    msg = (
        f"The server answered {status} to {request}.{reason or ' It gave no reason.'}"
        " See its log Svc.Veeam.EM.RestAPI.log for more."
    )
    if status == 415:
        msg = f"The server does not accept the media type of {request}.{reason}"
    elif status in (429, 503):
        msg = f"The server is busy or under maintenance ({status} to {request}). Try again later.{reason}"
    return "server_error", msg


def _get_host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None
