# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root elements of request bodies in XML, by operation. Pure.

Source: the vendor's reference, version 13.0.1.1071. JSON bodies have no root name.
"""

from __future__ import annotations

import re

# Method, address below /api, root element. ``{ID}`` stands for one segment, ``{filepath}`` for the rest of the path.
BODY_ROOTS: tuple[tuple[str, str, str], ...] = (
    ("POST", "/jobs/{ID}?action=clone", "JobCloneSpec"),
    ("PUT", "/jobs/{ID}?action=edit", "Job"),
    ("POST", "/jobs/{ID}/includes", "CreateObjectInJobSpec"),
    ("POST", "/agents/agentRestorePoints/{ID}/mounts/{ID}/{filepath}?action=restore", "FileRestoreSpec"),
    ("POST", "/backupServers?action=create", "BackupServerSpec"),
    ("POST", "/backupServers/{ID}?action=quickbackup", "QuickBackupStartupSpec"),
    ("POST", "/backupServers/{ID}?action=veeamzip", "VeeamZipStartupSpec"),
    ("PUT", "/backupServers/{ID}", "BackupServerSpec"),
    ("POST", "/backupServers/{ID}/credentials?action=create", "CredentialsInfoSpec"),
    ("PUT", "/backupServers/{ID}/credentials/{ID}", "CredentialsInfo"),
    ("POST", "/backupServers/{ID}/passwords?action=create", "PasswordKeyInfoSpec"),
    ("PUT", "/backupServers/{ID}/passwords/{ID}", "PasswordKeyInfoSpec"),
    ("POST", "/vAppRestorepoints/{ID}?action=restore", "RestoreSpec"),
    ("POST", "/vmRestorePoints/{ID}?action=restore", "RestoreSpec"),
    ("POST", "/vmRestorePoints/{ID}/mounts", "StartMountSpec"),
    ("POST", "/vmRestorePoints/{ID}/mounts/{ID}/{filepath}?action=restore", "FileRestoreSpec"),
    ("POST", "/vmReplicaPoints/{ID}/mounts", "StartMountSpec"),
    ("POST", "/vmReplicaPoints/{ID}/mounts/{ID}/{filepath}?action=restore", "FileRestoreSpec"),
    ("PUT", "/cdpPolicies/{ID}", "CdpPolicy"),
    ("POST", "/cdpPolicies/{ID}/includes", "CreateObjectInJobSpec"),
    ("POST", "/cdpReplica/vApps/{ID}?action=failover", "CdpFailoverStartSpec"),
    ("POST", "/cdpReplicas/{ID}/vms/{ID}?action=failover", "CdpFailoverStartSpec"),
    ("POST", "/failoverPlans/{ID}?action=start", "FailoverPlanManagementSpec"),
    ("PUT", "/failoverPlans/{ID}", "FailoverPlan"),
    ("POST", "/cloud/cloudFailoverPlans/{ID}?action=start", "CloudFailoverPlanManagementSpec"),
    ("PUT", "/cloud/cloudFailoverPlans/{ID}", "CloudFailoverPlan"),
    ("POST", "/cloud/gatewayPools", "CreateCloudGatewayPoolSpec"),
    ("PUT", "/cloud/gatewayPools/{ID}", "CloudGatewayPool"),
    ("POST", "/cloud/gateways", "CreateCloudGatewaySpec"),
    ("PUT", "/cloud/gateways/{ID}", "CloudGateway"),
    ("POST", "/cloud/hardwarePlans", "CloudHardwarePlanCreateSpec"),
    ("PUT", "/cloud/hardwarePlans/{ID}", "CloudHardwarePlan"),
    ("POST", "/cloud/publicIpAddresses", "CloudPublicIpAddressCreateSpec"),
    ("PUT", "/cloud/publicIpAddresses/{ID}", "CloudPublicIpAddress"),
    ("POST", "/cloud/tenants", "CreateCloudTenantSpec"),
    ("PUT", "/cloud/tenants/{ID}", "CloudTenant"),
    ("POST", "/cloud/tenants/{ID}/computeResources", "CloudTenantComputeResourceCreateSpec"),
    ("POST", "/cloud/tenants/{ID}/resources", "CreateCloudTenantResourceSpec"),
    ("POST", "/cloud/tenants/{ID}/subtenants", "CloudSubtenantCreateSpec"),
    ("PUT", "/cloud/tenants/{ID}/subtenants/{ID}", "CloudSubtenant"),
    ("POST", "/cloud/tenants/{ID}/vCloudComputeResources", "CloudTenantVCloudComputeResourceCreateSpec"),
    ("PUT", "/cloud/vlans/{ID}", "VlanConfiguration"),
    ("POST", "/vCloud/orgConfigs", "VCloudOrganizationConfigCreateSpec"),
    ("PUT", "/vCloud/orgConfigs/{ID}", "VCloudOrganizationConfig"),
    ("POST", "/selfService/vSphere/Configs", "VSphereSelfServiceCreateSpec"),
    ("PUT", "/selfService/vSphere/Configs/{ID}", "VSphereSelfServiceConfig"),
    ("POST", "/security/accounts", "EnterpriseAccountCreateSpec"),
    ("POST", "/security/accounts?action=rebuildScope", "RebuildScopeJobSpec"),
    ("POST", "/security/accounts/{ID}/roles", "EnterpriseAccountInRoleCreateSpec"),
    ("POST", "/security/accounts/{ID}/scopes", "HierarchyScopeCreateSpec"),
)


def find_body_root(method: str, path: str) -> str | None:
    """Return the root element of an operation's body; None where the reference has none. ``path`` begins with /api/."""
    bare, _mark, query = path[len("/api") :].partition("?")
    action = next((part for part in query.split("&") if part.lower().startswith("action=")), "")
    for known_method, pattern, root in BODY_ROOTS:
        address, _mark, known_action = pattern.partition("?")
        if known_method == method and known_action.lower() in ("", action.lower()) and _matches(address, bare):
            return root
    return None


def _matches(pattern: str, path: str) -> bool:
    expression = "".join(
        ".+" if part == "{filepath}" else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in re.split(r"(\{\w+\})", pattern)
    )
    return re.fullmatch(expression, path, re.IGNORECASE) is not None
