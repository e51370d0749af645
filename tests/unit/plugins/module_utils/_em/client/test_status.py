# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which status is which failure, and what its message says."""

from __future__ import annotations

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.status import SESSION_LOST, raise_for_status
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import answer


def catch(status: int, body: object = b"", **headers: str) -> EmError:
    with pytest.raises(EmError) as caught:
        raise_for_status(answer(status, body, **headers), "POST", "/api/jobs/1")
    err = caught.value
    assert (err.status, err.method, err.path) == (status, "POST", "/api/jobs/1")
    return err


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_no_failure(status: int) -> None:
    raise_for_status(answer(status), "GET", "/api/x")


@pytest.mark.parametrize(
    ("status", "kind", "msg"),
    [
        (401, "session_lost", SESSION_LOST),
        (
            403,
            "forbidden",
            "The user is not allowed to POST /api/jobs/1. Give the user the Enterprise Manager role that this needs (Portal"
            " Administrator to list, start and stop jobs).",
        ),
        (404, "not_found", "The server has no /api/jobs/1."),
        (415, "server_error", "The server does not accept the media type of POST /api/jobs/1."),
        (429, "server_error", "The server is busy or under maintenance (429 to POST /api/jobs/1). Try again later."),
        (503, "server_error", "The server is busy or under maintenance (503 to POST /api/jobs/1). Try again later."),
        (
            500,
            "server_error",
            "The server answered 500 to POST /api/jobs/1. It gave no reason. See its log Svc.Veeam.EM.RestAPI.log for more.",
        ),
        (
            199,
            "server_error",
            "The server answered 199 to POST /api/jobs/1. It gave no reason. See its log Svc.Veeam.EM.RestAPI.log for more.",
        ),
    ],
)
def test_the_failure_of_a_status(status: int, kind: str, msg: str) -> None:
    err = catch(status)
    assert (err.kind, err.msg, err.detail) == (kind, msg, None)


@pytest.mark.parametrize("status", [403, 404, 415, 500, 503])
@pytest.mark.parametrize("message", ["Not now.", "Not now"])
def test_the_servers_message_is_part_of_the_failure(status: int, message: str) -> None:
    err = catch(status, {"Message": message})
    assert " The server says: Not now." in err.msg
    assert "Not now.." not in err.msg
    assert "It gave no reason" not in err.msg
    assert err.detail == message


def test_only_full_stops_are_removed_from_the_end_of_the_servers_message() -> None:
    assert " The server says: No X." in catch(404, {"Message": "No X..."}).msg


def test_400_is_no_redirect() -> None:
    assert catch(400, Location="https://other.example/").kind == "server_error"


def test_the_body_of_a_web_page_is_no_message() -> None:
    err = catch(500, b'<Error Message="No."/>', Content_Type="text/html")
    assert err.detail is None
    assert catch(500, b'<Error Message="No."/>', Content_Type="text/xml").detail == "No."


@pytest.mark.parametrize(
    ("body", "headers", "by", "says"),
    [
        (
            b"<html><title>Blocked.X.</title></html>",
            {"Server": "Proxy 1"},
            " (it calls itself 'Proxy 1')",
            " The page says: Blocked.X.",
        ),
        (b"<html></html>", {}, "", ""),
    ],
)
def test_a_web_page_is_told_as_that_of_a_proxy(body: bytes, headers: dict[str, str], by: str, says: str) -> None:
    reason = f"The answer is a web page, so a proxy or a firewall seems to have sent it{by}, not Enterprise Manager.{says}"
    err = catch(500, body, Content_Type="text/html", **headers)
    assert err.msg == (f"The server answered 500 to POST /api/jobs/1. {reason} See its log Svc.Veeam.EM.RestAPI.log for more.")


@pytest.mark.parametrize("status", [300, 302, 307, 399])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://other.example:1/api", "other.example"),
        ("http://user:secret@evil.example/", "evil.example"),
        ("/relative", "another address"),
        ("", "another address"),
        ("https://[bad/", "another address"),
    ],
)
def test_a_redirect_is_a_failure(status: int, location: str, shown: str) -> None:
    err = catch(status, Location=location)
    assert err.kind == "bad_response"
    assert err.msg == (
        f"The server redirects POST /api/jobs/1 to {shown}. Redirects are not followed, because they could send the session to"
        " another host: set hostname and port to those of Enterprise Manager itself."
    )
