#!/usr/bin/python
# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log on to and off from Enterprise Manager."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: veeam_session
short_description: Log on to Veeam Backup Enterprise Manager, and log off
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Opens a logon session of Veeam Backup Enterprise Manager for the following tasks of a play, and ends it.
  - Enterprise Manager shows a session only the tasks that were created in it. To list, wait for and remove the task of a
    started job, use the session in which the job was started.
  - A successful result is hidden from all output, as C(no_log) would, because it holds the session's secrets. It can be
    registered and used all the same. A failure stays readable.
extends_documentation_fragment:
  - vbem.rest._connection
  - vbem.rest._attributes
attributes:
  check_mode:
    support: full
    details:
      - Logs on and off in check mode as well, because later tasks need the session to read.
  diff_mode:
    support: N/A
    details:
      - There is nothing to show, because a session is secret.
options:
  state:
    description:
      - V(present) logs on or, if O(session) is given, checks that it is alive.
      - V(present) with a O(session) that is gone fails as V(session_lost), unless credentials are given too; then it logs on.
      - V(absent) logs O(session) off. A session that has ended already is no failure.
    type: str
    choices: [present, absent]
    default: present
  _one_time_pad:
    description:
      - Internal. The action plugin of this module uses it to keep the session's secrets out of the module's output.
    type: str
seealso:
  - module: vbem.rest.veeam_task_info
  - module: vbem.rest.veeam_task
  - name: POST /sessionMngr
    description: The vendor's reference of logging on.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/post_sessionmngr.html
  - name: DELETE /logonSessions/{ID}
    description: The vendor's reference of logging off.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/delete_loginsessions_id.html
"""

EXAMPLES = r"""
- name: Log on
  vbem.rest.veeam_session:
    hostname: "{{ em_hostname }}"
    port: "{{ em_port }}"
    username: "{{ em_username }}"
    password: "{{ em_password }}"
    ca_path: "{{ em_ca_path }}"
  register: em

- name: Use the session
  vbem.rest.veeam_task_info:
    session: "{{ em.session }}"

- name: Make sure that the session is alive before the second half of a long play
  vbem.rest.veeam_session:
    session: "{{ em.session }}"

- name: Log off
  vbem.rest.veeam_session:
    session: "{{ em.session }}"
    state: absent
"""

RETURN = r"""
session:
  description: The logon session, to be given to other modules as O(session). Hidden from all output.
  returned: when O(state=present), on success
  type: dict
  contains:
    hostname:
      description: Name or address of the server.
      type: str
      returned: success
      sample: em.example.com
    port:
      description: Port of the REST API.
      type: int
      returned: success
      sample: 9398
    id:
      description: The logon session's id, a secret like the token.
      type: str
      returned: success
    token:
      description: The token that each request of the session carries.
      type: str
      returned: success
    username:
      description: The user who logged on.
      type: str
      returned: success
      sample: EXAMPLE\backup
    api_version:
      description: The version of the REST API that was requested.
      type: str
      returned: success
      sample: latest
    validate_certs:
      description: Whether the server's certificate is checked.
      type: bool
      returned: success
      sample: true
    ca_path:
      description: The PEM bundle the certificate is checked with, or V(null).
      type: str
      returned: success
      sample: /etc/ssl/em.pem
    timeout:
      description: Seconds that one request may take.
      type: int
      returned: success
      sample: 30
    retries:
      description: How often a request is retried.
      type: int
      returned: success
      sample: 3
    response_format:
      description: The format of the server's answers.
      type: str
      returned: success
      sample: auto
    expires_after:
      description: Seconds of idleness after which Enterprise Manager ends the session. Each request restarts the period.
      type: int
      returned: success
      sample: 900
"""

from typing import Any

from ..module_utils._em.client.client import Client
from ..module_utils._em.client.session import create_session_result, is_alive, log_off
from ..module_utils._em.client.status import SESSION_LOST
from ..module_utils._em.errors import EmError
from ..module_utils._em.options import create_connection
from ..module_utils._em.runtime.argument_spec import ONE_TIME_PAD_SPEC
from ..module_utils._em.runtime.module import run_module

SPEC: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **ONE_TIME_PAD_SPEC,
}
HIDDEN_RESULT = "session"


def run(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Log on, check a session, or log off, and return the result; in check mode too."""
    del check_mode
    if params["state"] == "absent":
        if client.owns_session:
            raise EmError(
                "invalid_option",
                "The option session is missing: state: absent logs off the session that vbem.rest.veeam_session returned.",
            )
        return {"changed": log_off(client.transport, client.ensure_session())}
    if client.owns_session:
        return _detach_session(client)
    session = client.ensure_session()
    if is_alive(client.transport, session):
        return {"changed": False, "session": create_session_result(client.connection, session)}
    if not all(params[name] for name in ("hostname", "username", "password")):
        raise EmError("session_lost", SESSION_LOST, status=401, method="GET", path="/api/query")
    with client.connect(create_connection(params, allow_session=False)) as fresh:
        return _detach_session(fresh)


def _detach_session(client: Client) -> dict[str, Any]:
    result = create_session_result(client.connection, client.ensure_session())
    client.detach_session()
    return {"changed": True, "session": result}


def main() -> None:
    """Run as an Ansible module."""
    run_module(SPEC, run, encrypted=HIDDEN_RESULT)


if __name__ == "__main__":
    main()
