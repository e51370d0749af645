# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options that every module has."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options."""

    DOCUMENTATION = r"""
options:
  hostname:
    description:
      - Name or address of the Enterprise Manager server, without scheme and port.
      - If not given, the environment variable E(VBEM_HOSTNAME) is used.
    type: str
    aliases: [host]
  port:
    description:
      - Port of Enterprise Manager's REST API. Only HTTPS is supported, so a password is never sent in clear text.
      - If not given, the environment variable E(VBEM_PORT) is used.
    type: int
    default: 9398
  username:
    description:
      - User to log on as. Both V(DOMAIN\\user) and V(user@domain) work.
      - The user needs one of Enterprise Manager's roles. Listing, starting and stopping jobs needs a Portal Administrator.
      - If not given, the environment variable E(VBEM_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username).
      - Ansible masks a password wherever it occurs, also within other words, so a short or common one can make results
        unusable. In that case there is a warning.
      - If not given, the environment variable E(VBEM_PASSWORD) is used.
    type: str
  session:
    description:
      - A logon session to use, as returned by M(vbem.rest.veeam_session).
      - Give this, or O(hostname), O(username) and O(password). Where both are given, the session is used, so that
        C(module_defaults) or the environment may hold the credentials.
      - The connection settings in the session take precedence over the other connection options.
      - A given session is never logged off, and never replaced by a new one if it is lost.
    type: dict
    suboptions:
      hostname:
        description: Name or address of the server.
        type: str
      port:
        description: Port of the REST API.
        type: int
      id:
        description: The logon session's own id, a secret like the token.
        type: str
      token:
        description: The token that each request of the session carries.
        type: str
      username:
        description: The user who logged on.
        type: str
      api_version:
        description: The version of the REST API that was requested.
        type: str
      validate_certs:
        description: Whether the server's certificate is checked.
        type: bool
      ca_path:
        description: A PEM bundle to check the certificate with.
        type: path
      timeout:
        description: Seconds that one request may take.
        type: int
      retries:
        description: How often a request is retried.
        type: int
      response_format:
        description: The format of the server's answers.
        type: str
        choices: [auto, xml, json]
      expires_after:
        description: Seconds of idleness after which Enterprise Manager ends the session.
        type: int
  api_version:
    description:
      - Version of the REST API to log on with, such as V(v1_7) or V(1.7); V(latest) is the newest that the server has.
      - If not given, the environment variable E(VBEM_API_VERSION) is used.
    type: str
    default: latest
  validate_certs:
    description:
      - Whether to check the server's certificate. Enterprise Manager creates a self-signed certificate when it is installed;
        set O(ca_path) to it rather than turning the check off.
      - Variables such as E(REQUESTS_CA_BUNDLE) are ignored.
      - If not given, the environment variable E(VBEM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a PEM bundle, on the host the module runs on, with the certificates to trust. Without it the bundle of the
        Python library requests is used.
      - If not given, the environment variable E(VBEM_CA_PATH) is used.
    type: path
  timeout:
    description:
      - Seconds that one request may take.
      - If not given, the environment variable E(VBEM_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How often a read is retried after a transient error (no connection, a timeout, status 429, 502, 503 or 504). Requests
        that change something are retried only if they certainly never reached the server, or if it refused them with status
        429.
      - If not given, the environment variable E(VBEM_RETRIES) is used.
    type: int
    default: 3
  response_format:
    description:
      - Which format to request. The result is the same; V(auto) is JSON, which is faster.
      - If not given, the environment variable E(VBEM_RESPONSE_FORMAT) is used.
    type: str
    choices: [auto, xml, json]
    default: auto
requirements:
  - Python 3.9 or newer
  - requests 2.25.1 or newer
  - xmltodict 0.12.0 or newer, where the server answers in XML
notes:
  - Enterprise Manager keeps tasks per logon session. A module that logs on for itself sees none of the tasks of other
    sessions.
  - Proxies and C(.netrc) are ignored, cookies are not kept, and redirects are not followed.
  - Every failure has RV(ignore:msg), a sentence, and RV(ignore:error), whose RV(ignore:error.kind) a playbook can test. The
    kinds are listed in the guide on failures.
seealso:
  - name: Veeam Backup Enterprise Manager REST API reference
    description: The vendor's reference of the REST API.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/overview.html
"""
