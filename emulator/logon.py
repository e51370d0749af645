# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API root, logging on and off, and the list of logon sessions (wire-facts 3.2, 3.3)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from .document import Link, Many, Obj
from .errors import ApiError
from .exchange import TOKEN_HEADER, Reply, Request
from .users import find_user

if TYPE_CHECKING:
    from .api import Api

CHALLENGE = ("WWW-Authenticate", "Basic Realm=RestSvc")
API_VERSIONS = ("v1_5", "v1_6", "v1_7")
LATEST = API_VERSIONS[-1]


def api_root(api: Api, request: Request) -> Reply:
    """GET /api/ needs no logon and lists the versions one can log on with."""
    _only(request, "GET")
    versions = [
        Obj(
            "SupportedVersion",
            members=[("Name", name)],
            links=[Link("Create", f"/api/sessionMngr/?v={name}", "LogonSession")],
        )
        for name in API_VERSIONS
    ]
    members = [("SupportedVersions", Many(versions, "SupportedVersions"))]
    links = [Link("Create", "/api/sessionMngr/?v=latest", "LogonSession")]
    return api.text(request, api.renderer(request).root(Obj("EnterpriseManager", members=members, links=links)))


def log_on(api: Api, request: Request) -> Reply:
    """POST /api/sessionMngr: Basic credentials in, token out."""
    _only(request, "POST")
    if api.switches.version >= 13 and (request.body or request.headers.get("Content-Type")):
        raise ApiError(415, "Unsupported Media Type")
    user = find_user(api.backend.users, *_credentials(request))
    version = request.parameter("v") or "latest"
    version = LATEST if version.lower() == "latest" else version.lower()
    # No role and an unsupported version look like a wrong password (wire-facts 3.2).
    if user is None or user.role is None or version not in API_VERSIONS:
        raise ApiError(401, "Logon failed: access is denied.", headers=(CHALLENGE,))
    session = api.backend.sessions.open(user, version)
    request.session = session
    renderer = api.renderer(request)
    headers = [
        (TOKEN_HEADER, session.token),
        ("Set-Cookie", f"{TOKEN_HEADER}={session.token}; Path=/api;"),
        ("Location", f"{renderer.base}/api/logonSessions/{session.id}"),
    ]
    if api.switches.doubled_token:
        headers.append((TOKEN_HEADER, session.token))
    return api.text(request, renderer.root(session.entity(api.switches)), 201, headers)


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise ApiError(401, "Authorization header is missing.", headers=(CHALLENGE,))
    try:
        username, _colon, password = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ApiError(401, "Authorization header is not valid.", headers=(CHALLENGE,)) from None
    return username, password


def logon_sessions(api: Api, request: Request, rest: list[str]) -> Reply:
    """GET /api/logonSessions[/id], DELETE /api/logonSessions/id."""
    own = request.session
    sessions = api.backend.sessions
    if not rest:
        _only(request, "GET")
        # Others come first: whoever takes the first for his own is wrong.
        ordered = sorted(sessions.all(), key=lambda session: session is own)
        renderer = api.renderer(request)
        return api.text(
            request,
            renderer.collection("LogonSessions", [renderer.fragment(each.entity(api.switches)) for each in ordered]),
        )
    _only(request, "GET", "DELETE")
    found = next((each for each in sessions.all() if each.id == rest[0].lower()), None)
    if found is None or len(rest) > 1:
        raise ApiError(api.switches.unknown_session, unknown_session_message(rest[0]))
    if request.method == "DELETE":
        sessions.close(found)
        return Reply(204)
    return api.text(request, api.renderer(request).root(found.entity(api.switches)))


def unknown_session_message(session_id: str) -> str:
    """Return what is said of a session that does not exist."""
    return f"There is no logon session with id [{session_id}]"


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, "The HTTP method is not supported for this resource.", headers=(("Allow", ", ".join(methods)),))
