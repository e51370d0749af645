# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a plugin on the controller to an answer of Enterprise Manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible.errors import AnsibleLookupError

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import create_connection

Answer = TypeVar("Answer")
HINT = (
    " A lookup does not see module_defaults: give it session or credentials as arguments, or in the variables vbem_session,"
    " vbem_hostname, vbem_username and vbem_password."
)


def ask(
    read_options: Callable[[], Mapping[str, Any]], question: Callable[[Client, Mapping[str, Any]], Answer]
) -> tuple[Answer, list[str]]:
    """Give the answer to a question, and warnings; a failure becomes Ansible's own, without secrets."""
    client: Client | None = None
    try:
        options = read_options()
        client = Client(create_connection(options, hint=HINT))
        with client:
            answer = question(client, options)
        return answer, client.warnings
    except EmError as err:
        msg = f"{err.msg} ({err.kind})"
        masked = msg
        for secret in sorted(client.secrets if client else (), key=len, reverse=True):  # one may be a part of another
            masked = masked.replace(secret, "********")
        if masked != msg:
            masked += " (Asterisks stand for a secret, or for a word that the password happens to be a part of.)"
        msg = masked
    raise AnsibleLookupError(msg)
