# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exceptions of requests and urllib3 as failures: kind, message, and whether the request may have been sent."""

from __future__ import annotations

import socket
from typing import Any

from ..errors import EmError
from ..options import Connection
from .tls import explain


def create_transport_error(
    requests: Any, err: Exception, connection: Connection, timeout: float, *, is_connecting: bool
) -> EmError:
    """Return the failure for an exception of requests or urllib3. Their texts are shortened, because they repeat the URL.

    ``is_connecting`` means that the connection was not made yet, so nothing of the request can have been sent.
    """
    import ssl

    urllib3 = requests.packages.urllib3.exceptions
    reason = _find_reason(err)
    where = f"{connection.hostname} port {connection.port}"
    detail = _describe(reason)
    if isinstance(err, (requests.exceptions.InvalidURL, urllib3.LocationParseError)):
        return EmError(
            "invalid_option",
            f"The option hostname cannot be {connection.hostname!r}: no request can be sent there;"
            " give a host name such as em.example.com.",
            detail=detail,
            may_have_been_sent=False,
        )
    is_tls = isinstance(err, requests.exceptions.SSLError) or isinstance(reason, (urllib3.SSLError, ssl.SSLError))
    # urllib3 has a CertificateError of its own.
    is_untrusted = isinstance(reason, ssl.CertificateError) or type(reason).__name__ == "CertificateError"
    tls_msg = explain(where, detail, is_connecting=is_connecting) if is_tls or is_untrusted else None
    if tls_msg is not None:
        return EmError("tls", tls_msg, detail=detail, may_have_been_sent=False)
    if isinstance(reason, urllib3.NewConnectionError):  # itself a ConnectTimeoutError
        return EmError(
            "connection",
            f"No connection to {where}: check hostname and port (Enterprise Manager's REST API listens on 9398),"
            " and that the Veeam RESTful API service runs.",
            detail=detail,
            may_have_been_sent=False,
        )
    if isinstance(err, requests.exceptions.ConnectTimeout) or isinstance(reason, urllib3.ConnectTimeoutError):
        return EmError(
            "timeout",
            f"No connection to {where} within {timeout:g} seconds: check hostname, port and firewalls, or raise timeout.",
            detail=detail,
            may_have_been_sent=False,
        )
    if isinstance(err, (requests.exceptions.Timeout, socket.timeout)) or isinstance(
        reason, (urllib3.TimeoutError, socket.timeout)
    ):
        return EmError(
            "timeout",
            f"{where} did not answer within {timeout:g} seconds: raise timeout if it is only slow.",
            detail=detail,
            may_have_been_sent=not is_connecting,
        )
    msg = f"The connection to {where} was closed before the whole answer arrived."
    if is_connecting:
        msg = (
            f"{where} accepted the connection and closed it during the TLS handshake: check that the Veeam RESTful API service"
            " runs (also behind a load balancer), and that port is its HTTPS port, 9398 unless changed."
        )
    return EmError("connection", msg, detail=detail, may_have_been_sent=not is_connecting)


def _find_reason(err: BaseException) -> BaseException:
    """Return the innermost exception that the libraries wrapped, in ``reason`` or in the arguments."""
    seen = []
    while err not in seen:
        seen.append(err)
        inner = getattr(err, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((arg for arg in err.args if isinstance(arg, BaseException)), None)
        if isinstance(inner, BaseException):
            err = inner
    return err


def _describe(reason: BaseException) -> str:
    text = str(reason)
    return f"{type(reason).__name__}: {text.rpartition('>: ')[2] or text}"[:300]
