# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests with an emulator have in common: quick switches, and the connection in each form that something takes."""

from __future__ import annotations

from typing import Any

from emulator import Emulator, LogonSession

# Tasks and job sessions end soon, so that plays do not take their time. A job session appears only after its task has
# finished, as on a real server.
FAST_SWITCHES: dict[str, Any] = {
    "task_running": 0.1,
    "task_collecting": 0.1,
    "run_delay": 0.2,
    "run_starting": 0.1,
    "run_duration": 0.4,
}


def create_environment_variables(em: Emulator) -> dict[str, str]:
    """Return the connection as environment variables, with the administrator's credentials."""
    return {
        "VBEM_HOSTNAME": em.hostname,
        "VBEM_PORT": str(em.port),
        "VBEM_USERNAME": em.admin.username,
        "VBEM_PASSWORD": em.admin.password,
        "VBEM_CA_PATH": str(em.ca_path),
    }


def create_variables(em: Emulator) -> dict[str, Any]:
    """Return the connection as the variables ``em_*`` of a playbook, with the administrator's credentials."""
    return {
        "em_hostname": em.hostname,
        "em_port": em.port,
        "em_username": em.admin.username,
        "em_password": em.admin.password,
        "em_ca_path": str(em.ca_path),
        "em_control_url": em.control_url,
    }


def create_session(em: Emulator, session: LogonSession, **options: Any) -> dict[str, Any]:
    """Return a logon session as ``veeam_session`` returns it, to be borrowed."""
    return {
        "hostname": em.hostname,
        "port": em.port,
        "id": session.id,
        "token": session.token,
        "username": em.admin.username,
        "api_version": "latest",
        "validate_certs": True,
        "ca_path": str(em.ca_path),
        "timeout": 30,
        "retries": 3,
        "response_format": "auto",
        "expires_after": 900,
        **options,
    }
