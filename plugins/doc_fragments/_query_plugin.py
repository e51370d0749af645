# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options of plugins on the controller."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options, as plugins take them."""

    DOCUMENTATION = r"""
options:
  hostname:
    description: Name or address of the Enterprise Manager server, without scheme and port.
    type: str
    aliases: [host]
    env:
      - name: VBEM_HOSTNAME
    vars:
      - name: vbem_hostname
  port:
    description: Port of Enterprise Manager's REST API. Only HTTPS is supported.
    type: int
    default: 9398
    env:
      - name: VBEM_PORT
    vars:
      - name: vbem_port
  username:
    description: User to log on as.
    type: str
    env:
      - name: VBEM_USERNAME
    vars:
      - name: vbem_username
  password:
    description: Password of O(username).
    type: str
    env:
      - name: VBEM_PASSWORD
    vars:
      - name: vbem_password
  session:
    description:
      - A logon session to use, as returned by M(vbem.rest.veeam_session). Give this, or O(hostname), O(username) and
        O(password). Where both are given, the session is used.
    type: dict
    vars:
      - name: vbem_session
  api_version:
    description: Version of the REST API to log on with; V(latest) is the newest that the server has.
    type: str
    default: latest
    env:
      - name: VBEM_API_VERSION
    vars:
      - name: vbem_api_version
  validate_certs:
    description: Whether to check the server's certificate.
    type: bool
    default: true
    env:
      - name: VBEM_VALIDATE_CERTS
    vars:
      - name: vbem_validate_certs
  ca_path:
    description: Path of a PEM bundle with the certificates to trust.
    type: path
    env:
      - name: VBEM_CA_PATH
    vars:
      - name: vbem_ca_path
  timeout:
    description: Seconds that one request may take.
    type: int
    default: 30
    env:
      - name: VBEM_TIMEOUT
    vars:
      - name: vbem_timeout
  retries:
    description: How often a read is retried after a transient error.
    type: int
    default: 3
    env:
      - name: VBEM_RETRIES
    vars:
      - name: vbem_retries
  response_format:
    description: Which format to request, where both are possible.
    type: str
    choices: [auto, xml, json]
    default: auto
    env:
      - name: VBEM_RESPONSE_FORMAT
    vars:
      - name: vbem_response_format
requirements:
  - requests 2.25.1 or newer, on the controller
seealso:
  - name: Veeam Backup Enterprise Manager REST API reference
    description: The vendor's reference of the REST API.
    link: https://helpcenter.veeam.com/docs/vbr/em_rest/overview.html
"""
