# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of resources that have no class of their own: what can be done with them, and what is below (wire-facts 9)."""

from __future__ import annotations

from .document import Link

# By type: names of links and what follows the resource's own path; with a third word the type of what is there.
_LINKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "BackupServer": (
        ("Edit", "", "BackupServer"),
        ("Delete", ""),
        ("Start", "?action=collect"),
        ("QuickBackup", "?action=quickbackup"),
        ("VeeamZip", "?action=veeamzip"),
        ("Down", "/credentials", "CredentialsInfoList"),
        ("Create", "/credentials?action=create", "CredentialsInfo"),
        ("Down", "/passwords", "PasswordKeyInfoList"),
        ("Create", "/passwords?action=create", "PasswordKeyInfo"),
    ),
    "Credentials": (("Edit", ""), ("Delete", "")),
    "Passwords": (("Edit", ""), ("Delete", "")),
    "CdpPolicy": (
        ("Edit", "", "CdpPolicy"),
        ("Enable", "?action=enable"),
        ("Disable", "?action=disable"),
        ("Down", "/includes", "ObjectInJobList"),
        ("Create", "/includes", "ObjectInJob"),
    ),
    "CloudFailoverPlan": (
        ("Edit", "", "CloudFailoverPlan"),
        ("Delete", ""),
        ("Start", "?action=start"),
        ("Test", "?action=test"),
        ("Undo", "?action=undo"),
        ("Down", "/includes", "CloudFailoverPlanVmList"),
    ),
    "CloudGateway": (("Edit", "", "CloudGateway"), ("Delete", "")),
    "CloudGatewayPool": (("Edit", "", "CloudGatewayPool"), ("Delete", "")),
    "CloudHardwarePlan": (("Edit", "", "CloudHardwarePlan"), ("Delete", "")),
    "CloudPublicIpAddress": (("Edit", "", "CloudPublicIpAddress"), ("Delete", "")),
    "CloudSubtenant": (("Edit", "", "CloudSubtenant"), ("Delete", "")),
    "CloudTenant": (
        ("Edit", "", "CloudTenant"),
        ("Delete", ""),
        ("Down", "/resources", "CloudTenantResourceList"),
        ("Create", "/resources", "CloudTenantResource"),
        ("Down", "/computeResources", "CloudTenantComputeResourceList"),
        ("Create", "/computeResources", "CloudTenantComputeResource"),
        ("Down", "/subtenants", "CloudSubtenantList"),
        ("Create", "/subtenants", "CloudSubtenant"),
    ),
    "CloudTenantResource": (("Delete", ""),),
    "CloudTenantComputeResource": (("Delete", ""),),
    "CloudTenantVCloudComputeResource": (("Delete", ""),),
    "EnterpriseAccount": (
        ("Down", "/roles", "EnterpriseAccountInRoleList"),
        ("Create", "/roles", "EnterpriseAccountInRole"),
        ("Down", "/scopes", "EnterpriseAccountHierarchyScopeList"),
        ("Create", "/scopes", "EnterpriseAccountHierarchyScope"),
        ("Delete", ""),
        ("ToggleRestoreScopesEnabled", ""),
    ),
    "EnterpriseAccountHierarchyScope": (("Delete", ""),),
    "EnterpriseAccountInRole": (("Delete", ""),),
    "FailoverPlan": (("Edit", "", "FailoverPlan"), ("Start", "?action=start"), ("Undo", "?action=undo")),
    "LinkedBackupRepositoryObject": (("Delete", ""),),
    "LinkedJobObject": (("Delete", ""),),
    "SystemSession": (("Down", "/events", "SystemSessionEventList"),),
    "VAppCdpReplica": (("Intervals", "?action=intervals"), ("Failover", "?action=failover")),
    "VAppReplicaPoint": (("Failover", "?action=failover"),),
    "VAppRestorePoint": (("Restore", "?action=restore"),),
    "VCloudOrganizationConfig": (
        ("Edit", "", "VCloudOrganizationConfig"),
        ("Delete", ""),
        ("Down", "/backupJobSettings", "VCloudOrganizationConfigBackupJobSettings"),
    ),
    "VlanConfiguration": (("Edit", "", "VlanConfiguration"), ("Delete", "")),
    "VmCdpReplica": (("Intervals", "?action=intervals"), ("Failover", "?action=failover")),
    "VmReplicaPoint": (
        ("Failover", "?action=failover"),
        ("Down", "/mounts", "VmReplicaPointMountList"),
        ("Create", "/mounts", "VmReplicaPointMount"),
    ),
    "AgentRestorePoint": (
        ("Down", "/mounts", "AgentRestorePointMountList"),
        ("Create", "/mounts", "AgentRestorePointMount"),
    ),
    "VmReplicaPointMount": (("Delete", ""),),
    "VmRestorePointMount": (("Delete", ""),),
    "AgentRestorePointMount": (("Delete", ""),),
    "VsphereSelfServiceConfig": (
        ("Edit", "", "VSphereSelfServiceConfig"),
        ("Delete", ""),
        ("Down", "/backupJobSettings", "VSphereSelfServiceConfigJobSettings"),
    ),
}


def links_of(type_name: str, path: str) -> list[Link]:
    """Return the links of a resource of this type at this path."""
    return [Link(rel, path + rest, *kind) for rel, rest, *kind in _LINKS.get(type_name, ())]
