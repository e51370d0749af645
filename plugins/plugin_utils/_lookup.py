# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lookups share: running an operation with a client made from the lookup's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible.errors import AnsibleLookupError

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError, to_line
from ansible_collections.vbem.rest.plugins.module_utils._em.options import create_connection

T = TypeVar("T")
HINT = (
    " module_defaults do not apply to lookups: give session or credentials as arguments, or in the variables vbem_session,"
    " vbem_hostname, vbem_username and vbem_password."
)


def run_in_client(
    read_options: Callable[[], Mapping[str, Any]], operation: Callable[[Client, Mapping[str, Any]], T]
) -> tuple[T, list[str]]:
    """Return the result of an operation, and warnings. Raise AnsibleLookupError, without secrets, for every failure."""
    client: Client | None = None
    try:
        options = read_options()
        client = Client(create_connection(options, hint=HINT))
        with client:
            result = operation(client, options)
        return result, [to_line(warning) for warning in client.warnings]
    except EmError as err:
        msg = f"{err.msg} ({err.kind})"
        masked = msg
        for secret in sorted(client.secrets if client else (), key=len, reverse=True):  # one may be a part of another
            masked = masked.replace(secret, "********")
        if masked != msg:
            masked += " (Asterisks replace a secret, or a word that contains the password.)"
        msg = masked
    raise AnsibleLookupError(msg)
