# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants of Cloud Connect: created, edited and deleted with the quotas that they have on repositories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..client.client import Client
from ..client.polling import WaitBudget
from ..errors import EmError
from ..protocol.comparison import find_differences
from ..protocol.links import find_guid, find_link
from ..protocol.secret_names import hide_secrets, is_secret_name
from .infrastructure import select_by_name
from .query import find_resources
from .rest import RestRequest, Target

MEMBERS = (  # option, member of a tenant
    ("tenant_password", "Password"),
    ("description", "Description"),
    ("enabled", "Enabled"),
    ("max_concurrent_tasks", "MaxConcurrentTasks"),
)
MISSING_HINT = (
    "The option tenant_password is missing: Enterprise Manager needs the tenant's password to create a tenant, and again for"
    " each edit."
)


class TenantManager:
    """Brings one tenant into the described state. What was done so far is in `result`, also in that of a failure."""

    def __init__(self, client: Client, params: Mapping[str, Any], *, check_mode: bool) -> None:
        self.client = client
        self.params = params
        self.check_mode = check_mode
        self.budget = WaitBudget(client, params["wait_timeout"], params["poll_interval"])
        self.changed = False
        self.tenant: dict[str, Any] | None = None
        self.task: dict[str, Any] | None = None
        self.differing: list[str] = []

    def result(self) -> dict[str, Any]:
        """Return the result so far."""
        names = "".join(f"{name}\n" for name in self.differing)
        return {
            "changed": self.changed,
            "tenant": None if self.tenant is None else hide_secrets(self.tenant),
            "task": self.task,
            "diff": {"before": "", "after": names, "after_header": f"members of the tenant {self.params['name']} that differ"},
        }

    def ensure_present(self) -> None:
        """Create the tenant, or edit what differs."""
        self.tenant = self._find()
        if self.tenant is None:
            self._create()
            return
        self._edit(self.tenant)
        self._add_quotas(self.tenant)

    def ensure_absent(self) -> None:
        """Delete the tenant, unless there is none."""
        self.tenant = self._find()
        if self.tenant is not None:
            self.differing = ["Name"]
            self._send("DELETE", f"cloud/tenants/{_get_id(self.tenant)}", None)

    # Finding

    def _find(self) -> dict[str, Any] | None:
        conditions = [("Name", self.params["name"])]
        if self.params["backup_server"] is not None:
            conditions.append(("BackupServerUid", self._find_server()["uid"]))
        found = select_by_name(
            _query(self.client, "CloudTenant", conditions), self.params["name"], lambda row: row["name"] or ""
        )
        if len(found) > 1:
            servers = ", ".join(sorted(_get_server(row)["name"] or "" for row in found))
            msg = f"There are {len(found)} tenants called {self.params['name']}, on {servers}: set backup_server."
            raise EmError("ambiguous", msg)
        return found[0] if found else None

    def _find_server(self) -> dict[str, Any]:
        name = self.params["backup_server"]
        servers = _query(self.client, "BackupServer", [("Name", name)] if name is not None else [])
        if name is not None:
            servers = select_by_name(servers, name, lambda row: row["name"] or "")
        if len(servers) == 1:
            return servers[0]
        if name is not None:
            raise EmError("not_found", f"There is no backup server {name}, or there are several: check backup_server.")
        names = ", ".join(sorted(row["name"] or "" for row in servers))
        msg = f"The backup server is ambiguous, because there are {len(servers)} ({names}): set backup_server."
        raise EmError("ambiguous", msg)

    def _find_repository(self, name: str, server_uid: str) -> str:
        rows = _query(self.client, "Repository", [("Name", name), ("BackupServerUid", server_uid)])
        found = select_by_name(rows, name, lambda row: row["name"] or "")
        if len(found) != 1:
            raise EmError("not_found", f"The tenant's backup server has {len(found)} repositories called {name}, not one.")
        return str(found[0]["uid"])

    # Changing

    def _create(self) -> None:
        server_uid = self._find_server()["uid"]
        quotas = [
            {
                "Name": one["name"],
                "RepositoryUid": self._find_repository(one["repository"], server_uid),
                "QuotaMb": one["quota_mb"],
            }
            for one in self.params["quotas"] or ()
        ]
        body: dict[str, Any] = {"Name": self.params["name"], **self._create_members()}
        if self.params["lease_expiration"] is not None:
            body["LeaseExpirationDate"] = self.params["lease_expiration"]
        if quotas:
            body["Resources"] = {"BackupResources": quotas}
        body["BackupServerUid"] = server_uid
        self.differing = [name for name in body if not is_secret_name(name)]
        self._check_password()
        self.tenant = self._send("POST", "cloud/tenants", body) or self.tenant

    def _edit(self, tenant: Mapping[str, Any]) -> None:
        members = self._create_members()
        if self.params["lease_expiration"] is not None:
            members["LeaseExpirationDate"] = self.params["lease_expiration"]
        changed_quotas = self._change_quotas(tenant)
        if changed_quotas is not None:
            members["Resources"] = {"CloudTenantResources": changed_quotas}
        self.differing, _secrets = find_differences(members, tenant)
        policy = self.params["update_password"]
        if policy == "always" and self.params["tenant_password"] is not None:
            self.differing.insert(0, "Password")
        if not self.differing:
            return
        self._check_password()
        # Some servers refuse an edit without the type (wire facts, section 13.3).
        kind = (tenant.get("tenant_type") or {}).get("standalone_tenant")
        if kind:
            username = (kind.get("tenant_credentials") or {}).get("username") or tenant["name"]
            members["TenantType"] = {"StandaloneTenant": {"TenantCredentials": {"Username": username}}}
        self.tenant = self._send("PUT", f"cloud/tenants/{_get_id(tenant)}", members) or self.tenant

    def _change_quotas(self, tenant: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return all quotas of a tenant, with those changed that differ: an edit replaces the list. None if none differs."""
        wanted = {one["name"]: one["quota_mb"] for one in self.params["quotas"] or ()}
        rows = []
        is_changed = False
        for row in _list_quotas(tenant):
            quota = row["repository_quota"]
            size = wanted.get(quota["display_name"], int(quota["quota"]))
            is_changed = is_changed or size != int(quota["quota"])
            members = {
                "DisplayName": quota["display_name"],
                "RepositoryUid": quota["repository_uid"],
                "WanAcceleratorUid": quota.get("wan_accelerator_uid") or None,
                "Quota": size,
            }
            rows.append({"Id": row["id"], "RepositoryQuota": members})
        return rows if is_changed else None

    def _add_quotas(self, tenant: Mapping[str, Any]) -> None:
        """Add the quotas that the tenant has not yet."""
        held = {row["repository_quota"]["display_name"] for row in _list_quotas(tenant)}
        missing = [one for one in self.params["quotas"] or () if one["name"] not in held]
        server_uid = _get_server(tenant)["uid"] if missing else ""
        path = f"cloud/tenants/{_get_id(tenant)}"
        for one in missing:
            repository = self._find_repository(one["repository"], server_uid)
            self.differing.append(f"Resources ({one['name']})")
            self._send(
                "POST", f"{path}/resources", {"Name": one["name"], "RepositoryUid": repository, "QuotaMb": one["quota_mb"]}
            )
        if missing and not self.check_mode:
            self.tenant = RestRequest(self.client, _create_target(path), "GET", None, self.budget).get()["resource"]

    def _create_members(self) -> dict[str, Any]:
        return {name: self.params[option] for option, name in MEMBERS if self.params[option] is not None}

    def _check_password(self) -> None:
        if self.params["tenant_password"] is None:
            raise EmError("invalid_option", MISSING_HINT, result=self.result())

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Send a request, follow it, and return the resource that it created or changed."""
        if self.check_mode:
            self.changed = True
            return None
        request = RestRequest(self.client, _create_target(path, entity=False), method, body, self.budget)
        try:
            if method == "POST":
                done = request.post(wait_for="related", reads=False, found=None, check_mode=False)
            elif method == "PUT":
                done = request.put(wait_for="task", force=True, check_mode=False)
            else:
                done = request.delete(wait_for="task", check_mode=False)
        except EmError as err:
            self.changed = self.changed or request.changed
            self.task = request.result()["task"] or self.task
            err.result = {**err.result, **self.result()}
            raise
        self.changed = self.changed or done["changed"]
        self.task = done["task"] or self.task
        resource: dict[str, Any] | None = done["related"] if method == "POST" else done["resource"]
        return resource


def _query(client: Client, kind: str, conditions: list[tuple[str, str]]) -> list[dict[str, Any]]:
    where = [{"field": field, "operator": "==", "value": value} for field, value in conditions]
    return find_resources(client, {"type": kind, "filter": None, "where": where or None})


def _create_target(path: str, *, entity: bool = True) -> Target:
    return Target(f"/api/{path}", "?format=Entity" if entity else "")


def _get_id(tenant: Mapping[str, Any]) -> str:
    found = find_guid(str(tenant.get("uid") or ""))
    if found is None:
        raise EmError("bad_response", f"The server's tenant {tenant.get('name')} has no UID.")
    return found


def _get_server(tenant: Mapping[str, Any]) -> dict[str, Any]:
    """Return name and UID of the backup server that a tenant belongs to."""
    link = find_link(tenant, "Up", type_prefix="BackupServer") or {}
    found = find_guid(str(link.get("href") or ""))
    return {"name": link.get("name"), "uid": f"urn:veeam:BackupServer:{found}" if found else ""}


def _list_quotas(tenant: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the resources of a tenant that are quotas on repositories."""
    rows = (tenant.get("resources") or {}).get("cloud_tenant_resources") or []
    return [row for row in rows if row.get("repository_quota")]
