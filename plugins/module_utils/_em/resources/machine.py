# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one virtual machine that a backup or a restore is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import EmError, create_option_error
from ..protocol.names import fold_name
from .infrastructure import Infrastructure, Item, ObjectQuery, parse_objects

MACHINE_SPEC: dict[str, Any] = {
    "ref": {"type": "str"},
    "moid": {"type": "str"},
    "name": {"type": "str"},
    "root": {"type": "str"},
}


def parse_machine(params: Mapping[str, Any]) -> ObjectQuery:
    """Return the machine that the options ``ref``, ``moid``, ``name`` and ``root`` describe. Raise ``invalid_option``."""
    given = {key: params[key] for key in MACHINE_SPEC}
    if not any(given[key] for key in ("ref", "moid", "name")):
        raise EmError("invalid_option", "No machine is given: set ref, moid with root, or name with root.")
    (query,) = parse_objects("machine", [{**given, "type": "Vm"}])
    if query.type.lower() != "vm":
        raise EmError("invalid_option", f"The option ref must refer to a virtual machine, but refers to a {query.type}.")
    return query


def find_machine(infrastructure: Infrastructure, query: ObjectQuery, backup_server: str | None) -> Item:
    """Return the machine, below a hierarchy root of the named backup server. Raise ``not_found`` or ``ambiguous``."""
    server_uid = _find_server_uid(infrastructure, backup_server) if backup_server is not None else None
    found = {item.reference.key: item for item in infrastructure.find(query, server_uid)}
    items = [item for item in found.values() if backup_server is None or _is_on(item, backup_server)]
    if len(items) == 1:
        return items[0]
    listed = ", ".join(f"{item.name or item.reference} on {(item.root or {}).get('backup_server')}" for item in found.values())
    if items:
        msg = f"{len(items)} machines match {query.describe()}: {listed}. Set backup_server, or ref instead."
        raise EmError("ambiguous", msg)
    raise EmError(
        "not_found",
        f"There is no machine {query.describe()}"
        + (f" on {backup_server}" if backup_server else "")
        + (f", but there is {listed}." if found else ", as far as the backup servers know."),
    )


def _find_server_uid(infrastructure: Infrastructure, backup_server: str) -> str:
    """Return the UID of a backup server that has a hierarchy root."""
    servers = {root["backup_server"] or "": root["backup_server_uid"] for root in infrastructure.list_roots()}
    for name, uid in servers.items():
        if fold_name(name) == fold_name(backup_server.strip()) and uid:
            return str(uid)
    listed = ", ".join(sorted(servers)) or "none at all"
    raise create_option_error("backup_server", backup_server, f"there is {listed}", kind="not_found")


def _is_on(item: Item, backup_server: str) -> bool:
    return fold_name((item.root or {}).get("backup_server")) == fold_name(backup_server.strip())
