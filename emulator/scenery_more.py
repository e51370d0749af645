# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the beginning that no query gives: accounts and roles, system sessions, CDP replicas, what tenants own."""

from __future__ import annotations

from .clock import to_datetime
from .document import Link, Obj
from .entity import Plain
from .points import GIB
from .world import World, steady_id

ROLES = (
    "Portal Administrator",
    "Portal User",
    "VM Restore Operator",
    "File Restore Operator",
    "Exchange Restore Operator",
    "Oracle Restore Operator",
    "SQL Restore Operator",
)


def furnish_more(world: World, night: float) -> None:
    """Add these rows."""
    _add_accounts(world)
    _add_system_sessions(world, night)
    _add_cdp_replicas(world)
    _add_tenants_own(world)
    server = world.server("vbr01")
    for kind, copy, linked in (
        ("LinkedJobObject", "Offsite Copy", world.job("SQL Backup")),
        ("LinkedBackupRepositoryObject", "Offsite Mirror", next(iter(world.table(world.catalogue["Repository"])))),
    ):
        owner, name = world.job(copy), "LinkedJobUid" if kind == "LinkedJobObject" else "LinkedBackupRepositoryUid"
        row = world.add_row(kind, linked.name, steady_id(kind), owner=owner, values={name: linked.uid})
        row.up = (Link("Up", owner.entity_path, "Job", owner.name),)
    world.add_row("ExternalRepository", "archive.vbem.test", server=server, Kind="AmazonS3External")
    plan = next(iter(world.table(world.catalogue["CloudFailoverPlan"])))
    world.add_row("CloudFailoverPlanVm", "acme-db", owner=plan, Order=0)


def _add_accounts(world: World) -> None:
    for name in ROLES:
        world.add_row("EnterpriseRole", name, steady_id("role", name))
    for name, role, all_machines in (
        ("VBEM\\admin", ROLES[0], True),
        ("VBEM\\portal", ROLES[1], True),
        ("VBEM\\operator", ROLES[2], False),
    ):
        account = world.add_row(
            "EnterpriseAccount", name, steady_id("account", name), AccountType="User", AllowRestoreAllVms=all_machines
        )
        world.add_row("EnterpriseAccountInRole", role, steady_id("role", role), owner=account, RoleName=role)
        if not all_machines:
            world.add_row(
                "EnterpriseAccountHierarchyScope",
                "web01",
                owner=account,
                HierarchyRootName="vcenter01.vbem.test",
                Platform="VMware",
                HierarchyObjectType="Vm",
                State="Actual",
            )


def _add_system_sessions(world: World, night: float) -> None:
    for number, (name, result) in enumerate(
        (("Collecting vbr01.vbem.test", "Success"), ("Collecting vbr03.vbem.test", "Failed"))
    ):
        began = night + 600 * number
        message = "" if result == "Success" else "The backup server cannot be reached."
        told = Obj("Result", members=[("Result", result), ("Message", message), ("IsCanceled", False)], is_resource=False)
        session = world.add_row(
            "SystemSession",
            name,
            inner={"Result": told},
            SessionType="Collection",
            CreationTimeUTC=to_datetime(began),
            EndTimeUTC=to_datetime(began + 42),
            State="Stopped",
        )
        world.add_row(
            "SystemSessionEvent",
            "1",
            owner=session,
            Message=message or "Collection has ended.",
            Status=result,
            CreationTimeUTC=to_datetime(began + 41),
        )


def _add_cdp_replicas(world: World) -> None:
    replica = next(iter(world.table(world.catalogue["CdpReplica"])))
    of_policy = {name: replica.data.get(name) for name in ("policyuid", "policyname")}
    server = world.server("vbr01")
    world.add_row("VmCdpReplica", "erp01_cdp", server=server, owner=replica, ReplicaUid=replica.uid, values=of_policy)
    world.add_row("VAppCdpReplica", "vapp01_cdp", server=server, ReplicaUid=replica.uid, values=of_policy)


def _add_tenants_own(world: World) -> None:
    plan = next(iter(world.table(world.catalogue["CloudHardwarePlan"])))
    for tenant in world.table(world.catalogue["CloudTenant"]):
        _add_resource(world, tenant)
        row = world.make_row("CloudTenantComputeResource", "one", owner=tenant, UseNetworkFailoverResources=False)
        row.say({"CloudHardwarePlanUid": plan.uid, "PlatformType": "VMware", "UseNetworkFailoverResources": False})
        world.put_row(row)


def _add_resource(world: World, tenant: Plain) -> None:
    repository = next(iter(world.table(world.catalogue["Repository"])))
    quota = {"DisplayName": "Cloud", "RepositoryUid": repository.uid, "WanAcceleratorUid": "", "Quota": 102400}
    row = world.make_row("CloudTenantResource", "Cloud", steady_id("quota", tenant.name), owner=tenant)
    row.say({"RepositoryQuota": {**quota, "UsedQuota": 50 * GIB // 1024**2}})
    world.put_row(row)
