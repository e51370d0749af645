# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which answer is which failure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors import EmError
from ..protocol.codec import decode_error
from .transport import Response

SESSION_LOST = (
    "The logon session has ended: Enterprise Manager ends one that is idle for 15 minutes or was logged off, and the tasks"
    " of an ended session can no longer be read. Nothing is known of them now. Log on again with vbem.rest.veeam_session."
)

# The server's words for a task that the session does not know, with status 500: wire facts, section 3.1.
_NO_SUCH_TASK = re.compile(r"\bno\b.*\btask with id\b", re.IGNORECASE | re.DOTALL)


def create_status_error(response: Response, method: str, path: str) -> EmError | None:
    """Map an answer within a logon session to its failure; None where the request was carried out (2xx)."""
    status = response.status
    if 200 <= status < 300:
        return None
    detail = decode_error(response.body, response.headers.get("Content-Type", ""))
    said = f" The server says: {detail.rstrip('.')}." if detail else ""
    if 300 <= status < 400:
        target = _read_host(response.headers.get("Location", "")) or "another address"
        kind, msg = (
            "bad_response",
            (
                f"The server redirects {method} {path} to {target}. Redirects are not followed, because they could carry the"
                " session elsewhere: set hostname and port to where Enterprise Manager itself answers."
            ),
        )
    elif status == 401:
        kind, msg = "session_lost", SESSION_LOST
    elif status == 403:
        kind, msg = (
            "forbidden",
            (
                f"The user may not {method} {path}: give it the Enterprise Manager role that is needed"
                f" (listing, starting and stopping jobs takes a Portal Administrator).{said}"
            ),
        )
    elif status == 404:
        kind, msg = "not_found", f"The server has no {path}.{said}"
    elif status == 415:
        kind, msg = "server_error", f"The server does not take the media type of {method} {path}.{said}"
    elif status in (429, 503):
        kind, msg = "server_error", f"The server is busy or under maintenance ({status} to {method} {path}): try later.{said}"
    else:
        kind, msg = (
            "server_error",
            (
                f"The server answered {status} to {method} {path}.{said or ' It gave no reason.'}"
                " Its log Svc.Veeam.EM.RestAPI.log tells more."
            ),
        )
    return EmError(kind, msg, status=status, method=method, path=path, detail=detail)


def _read_host(location: str) -> str | None:
    try:
        return urlsplit(location).hostname
    except ValueError:
        return None


def is_unknown_task(err: EmError) -> bool:
    """Ask whether a failure says that there is no such task: a 404 or a 500 in the server's own words.

    A 404 in other words, or without any, may be that of a proxy or of a service that restarts.
    """
    return err.status in (404, 500) and bool(_NO_SUCH_TASK.search(err.detail or ""))
