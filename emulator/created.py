# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a body that creates something becomes: the members that the new resource shows (wire-facts 13)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ApiError

Body = Mapping[str, Any]


def _renamed(names: Mapping[str, str], **more: Any) -> Callable[[Body], list[dict[str, Any]]]:
    def become(body: Body) -> list[dict[str, Any]]:
        return [{**more, **{names.get(name, name): value for name, value in body.items()}}]

    return become


def _quota(body: Body) -> list[dict[str, Any]]:
    return [{"RepositoryQuota": quota_of(body)}]


def quota_of(body: Body) -> dict[str, Any]:
    """Return the quota that a new tenant's resource shows."""
    return {
        "DisplayName": body["Name"],
        "RepositoryUid": body["RepositoryUid"],
        "WanAcceleratorUid": body.get("WanAcceleratorUid") or "",
        "Quota": body["QuotaMb"],
        "UsedQuota": 0,
    }


def _subtenant(body: Body) -> list[dict[str, Any]]:
    quota = {
        "DisplayName": body.get("QuotaName") or "",
        "TenantResourceId": body["TenantResourceId"],
        "QuotaMb": body.get("QuotaMb") or 0,
        "UsedQuotaMb": 0,
        "Unlimited": body["UnlimitedQuota"],
    }
    told = {name: body[name] for name in ("Name", "Description", "Password", "Enabled") if name in body}
    return [{"Enabled": True, **told, "RepositoryQuota": quota}]


def _organization(body: Body) -> list[dict[str, Any]]:
    settings = {name: body[name] for name in ("TemplateJobUid", "JobSchedulerType", "HighPriorityJob") if name in body}
    told = {name: value for name, value in body.items() if name not in (*settings, "OrganizationName")}
    return [{"Name": body["OrganizationName"], **told, "IsDisabled": False, "UsedQuotaMb": 0, "JobSettings": settings}]


def _self_service(body: Body) -> list[dict[str, Any]]:
    settings = {name: body[name] for name in ("TemplateJobUid", "JobSchedulerType", "HighPriorityJob") if name in body}
    account = {"AccountName": body["AccountName"], "AccountType": body.get("AccountType") or "Group"}
    told = {name: value for name, value in body.items() if name not in (*settings, *account, "TemplateMode")}
    return [
        {"Name": body["AccountName"], "PerUser": False, **told, "UsedQuotaMb": 0, "Account": account, "JobSettings": settings}
    ]


def _hardware_plan(body: Body) -> list[dict[str, Any]]:
    details = body.get("HardwarePlanDetails") or {}
    return [{**body, "Platform": "HyperV" if "HvCloudHardwarePlan" in details else "VMware"}]


def _addresses(body: Body) -> list[dict[str, Any]]:
    try:
        first, last = (ipaddress.IPv4Address(str(body[f"IpAddress{bound}Bound"])) for bound in ("Lower", "Upper"))
    except ipaddress.AddressValueError:
        raise ApiError(400, "IP address is not valid.") from None
    if not 0 <= int(last) - int(first) < 256:
        raise ApiError(400, "IP address range is not valid.")
    addresses = [str(ipaddress.IPv4Address(number)) for number in range(int(first), int(last) + 1)]
    return [{"Name": address, "IpAddress": address, "BackupServerUid": body["BackupServerUid"]} for address in addresses]


def _account(body: Body) -> list[dict[str, Any]]:
    told = {name: value for name, value in body.items() if name not in ("AccountName", "Roles", "HierarchyScopeObjects")}
    return [{"Name": body["AccountName"], **told}]


# By page: what the body becomes, a row for each. The rest is shown as it was sent.
BECOMES: dict[str, Callable[[Body], list[dict[str, Any]]]] = {
    "post_backupservers": _renamed({"DnsNameOrIpAddress": "Name"}, Version="13.0.1.1071"),
    "put_backupservers_id": _renamed({"DnsNameOrIpAddress": "Name"}),
    "post_backupservers_id_creds": _renamed({}),
    "post_gateways": _renamed(
        {"ServerHostName": "Name", "NetworkType": "NetworkMode", "ExternalIp": "ExternalIP"}, Enabled=True, ExternalIP=""
    ),
    "post_hardwareplans": _hardware_plan,
    "post_publicipaddresses": _addresses,
    "post_security_accounts": _account,
    "post_selfservice_vsphere_configs": _self_service,
    "post_tenants_id_resources": _quota,
    "post_tenants_id_subtenants": _subtenant,
    "post_vcloud_orgconfigs": _organization,
}
