# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: one table, from which module specs, documentation checks and plugin options derive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from .errors import EmError, create_option_error

IDLE_SECONDS = 900  # "If the session is idle for 15 minutes": Veeam reference, http_authentication
_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others represent bytes that are not UTF-8
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
RESPONSE_FORMATS = ("auto", "xml", "json")


class Option(NamedTuple):
    """An option; ``type`` is Ansible's type, ``env`` whether the environment variable ``VBEM_<NAME>`` may set it."""

    name: str
    type: str
    default: Any = None
    env: bool = True
    secret: bool = False
    aliases: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def env_var(self) -> str:
        """Return the name of the environment variable."""
        return f"VBEM_{self.name.upper()}"


CONNECTION_OPTIONS = (
    Option("hostname", "str", aliases=("host",)),
    Option("port", "int", 9398),
    Option("username", "str"),
    Option("password", "str", secret=True),
    Option("api_version", "str", "latest"),
    Option("validate_certs", "bool", True),
    Option("ca_path", "path"),
    Option("timeout", "int", 30),
    Option("retries", "int", 3),
    Option("response_format", "str", "auto", choices=RESPONSE_FORMATS),
)

# What ``veeam_session`` returns and every ``session`` option takes.
SESSION_OPTIONS = (
    Option("hostname", "str", env=False),
    Option("port", "int", env=False),
    Option("id", "str", env=False, secret=True),
    Option("token", "str", env=False, secret=True),
    Option("username", "str", env=False),
    Option("api_version", "str", env=False),
    Option("validate_certs", "bool", env=False),
    Option("ca_path", "path", env=False),
    Option("timeout", "int", env=False),
    Option("retries", "int", env=False),
    Option("response_format", "str", env=False, choices=RESPONSE_FORMATS),
    Option("expires_after", "int", env=False),
)


@dataclass(frozen=True)
class Connection:
    """A validated connection: the server's address, how to connect, and credentials or session. Times are in whole seconds."""

    hostname: str
    port: int = 9398
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    session_id: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    api_version: str = "latest"
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 30
    retries: int = 3
    response_format: str = "auto"

    @cached_property
    def base_url(self) -> str:
        """Return ``https://host:port``, the only address that requests are sent to."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"https://{host}:{self.port}"

    @property
    def accept(self) -> str:
        """Return the media type to request. ``auto`` is JSON, which has types and is faster to read."""
        return "application/xml" if self.response_format == "xml" else "application/json"


def create_connection(params: Mapping[str, Any], *, allow_session: bool = True, hint: str = "") -> Connection:
    """Return the connection that a task's options describe. Raise ``invalid_option`` for what is missing or wrong.

    A ``session`` in the options takes precedence over credentials, unless it is not allowed. ``hint`` says where else options
    may come from.
    """
    session = params.get("session") if allow_session else None
    if session is not None:
        return _create_from_session(params, session)
    missing = [name for name in ("hostname", "username", "password") if not params.get(name)]
    if missing:
        raise EmError(
            "invalid_option",
            f"No way to log on: {' and '.join(missing)} not given. Set hostname, username and password"
            " (or VBEM_HOSTNAME, VBEM_USERNAME and VBEM_PASSWORD)"
            + (", or session to what vbem.rest.veeam_session returned." if allow_session else ".")
            + hint,
        )
    _check_credentials(params)
    return Connection(username=params["username"], password=params["password"], **_check_address(params, ""))


def _create_from_session(params: Mapping[str, Any], session: Any) -> Connection:
    """Return the connection of a session, whose own address and settings take precedence: it is used as it was opened."""
    if not isinstance(session, Mapping):
        raise EmError("invalid_option", "The option session is not a session: give what vbem.rest.veeam_session returned.")
    for key in ("hostname", "id", "token"):
        if not session.get(key):
            raise EmError(
                "invalid_option",
                f"The option session has no {key}: give the whole value that vbem.rest.veeam_session returned as session"
                " (with 'register: em', that is em.session).",
            )
    for key in ("id", "token"):
        if not re.fullmatch(r"[\x21-\x7e]+", session[key]):
            raise EmError(
                "invalid_option",
                f"The option session.{key} holds characters that no logon session has: give the session that"
                " vbem.rest.veeam_session returned, unchanged.",
            )
    given = {**params, **{key: value for key, value in session.items() if value is not None}}
    return Connection(
        username=given.get("username"),
        session_id=session["id"],
        token=session["token"],
        **_check_address(given, "session."),
    )


def _check_address(given: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the checked options that say where the server is and how to talk to it. ``prefix`` precedes names in messages."""
    return {
        "hostname": _check_hostname(given["hostname"], prefix),
        "port": _check_number(given["port"], f"{prefix}port", 1, 65535),
        "api_version": _check_api_version(given["api_version"], prefix),
        "validate_certs": given["validate_certs"],
        "ca_path": _check_ca_path(given.get("ca_path"), prefix) if given["validate_certs"] else given.get("ca_path"),
        "timeout": _check_number(given["timeout"], f"{prefix}timeout", 1, 86400),
        "retries": _check_number(given["retries"], f"{prefix}retries", 0, 100),
        "response_format": given["response_format"],
    }


def _check_credentials(params: Mapping[str, Any]) -> None:
    if ":" in params["username"]:
        raise create_option_error(
            "username", params["username"], "a colon ends the user name in HTTP's Basic scheme, so no user can have one"
        )
    if _CONTROL.search(params["username"]):
        raise create_option_error(
            "username",
            params["username"],
            "it contains a control character: in double quotes, YAML reads some backslashes as one; put it into single quotes,"
            " such as 'DOMAIN\\user'",
        )
    for name in ("username", "password"):
        if _LONE_SURROGATE.search(params[name]):
            raise EmError(
                "invalid_option",
                f"The option {name} contains a lone surrogate, which is not a valid character: check where its value comes"
                " from.",
            )


def check_minimum(params: Mapping[str, Any], name: str, minimum: int) -> int | None:
    """Return an optional whole number of the options. Raise ``invalid_option`` where it is below ``minimum``."""
    value: int | None = params.get(name)
    if value is not None and value < minimum:
        raise create_option_error(name, value, f"give {minimum} or more, or leave it out")
    return value


def _check_number(value: int, name: str, minimum: int, maximum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise create_option_error(name, value, f"give a whole number from {minimum} to {maximum}")
    return value


def _check_hostname(value: str, prefix: str) -> str:
    name = value.strip()
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if _is_ipv6(bare):
        return bare
    labels = name.rstrip(".").split(".")
    if len(name) > 253 or not all(re.fullmatch(r"[\w-]{1,63}", label) for label in labels):
        # The user part of a URL may contain a password.
        shown = re.sub(r"^(\s*[A-Za-z][A-Za-z0-9+.-]*://)?.*@", r"\1(hidden)@", value, flags=re.DOTALL)
        raise create_option_error(f"{prefix}hostname", shown, _explain_hostname(name))
    return name


def _is_ipv6(text: str) -> bool:
    """Return whether a text is an IPv6 address without a zone: in a URL, part of a zone would become part of the address."""
    if ":" not in text or "%" in text:
        return False
    from ipaddress import IPv6Address  # few users need it

    try:
        return bool(IPv6Address(text))
    except ValueError:
        return False


def _explain_hostname(name: str) -> str:
    """Return a hint on how to write a URL, a name with a port, or an address with a zone as options."""
    if "%" in name and ":" in name:
        return "IPv6 addresses with a zone are not supported; give a host name or a global address"
    scheme, mark, rest = name.partition("://")
    authority = re.split(r"[/?#\\]", (rest if mark else scheme).rpartition("@")[2], maxsplit=1)[0]
    match = re.fullmatch(
        r"\[?(?P<bare>.*?)\]?" if _is_ipv6(authority) else r"(?:\[(?P<bare>.+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]+))?",
        authority,
    )
    parts = match.groupdict() if match else {}
    host, port = parts.get("bare") or parts.get("name"), parts.get("port")
    if mark:
        return f"give the host name alone, hostname: {host or 'em.example.com'}" + (f", and port: {port}" if port else "")
    if host and port:
        return f"give hostname: {host} and port: {port}"
    return "give a host name such as em.example.com, or an IP address"


def _check_api_version(value: str, prefix: str) -> str:
    text = value.strip().lower()
    if text == "latest":
        return text
    match = re.fullmatch(r"v?([0-9]{1,9})[._]([0-9]{1,9})", text)
    if not match:
        raise create_option_error(f"{prefix}api_version", value, "give latest, or a version such as v1_7 or 1.7")
    return f"v{match[1]}_{match[2]}"


def _check_ca_path(value: str | None, prefix: str) -> str | None:
    if not value:
        return None
    try:
        text = Path(value).read_bytes()
    except (OSError, ValueError) as err:  # ValueError: not a possible file name
        reason = getattr(err, "strerror", None) or "it cannot be read"
        raise create_option_error(
            f"{prefix}ca_path", value, f"{reason}; give a readable PEM file on the host the module runs on"
        ) from None
    if b"-----BEGIN CERTIFICATE-----" not in text and b"-----BEGIN TRUSTED CERTIFICATE-----" not in text:
        raise create_option_error(f"{prefix}ca_path", value, "it holds no PEM certificate; give a PEM bundle")
    return value
