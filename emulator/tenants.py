# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants of Cloud Connect and the accounts of Enterprise Manager: resources that own others (wire-facts 13)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from .bodies import NO_OBJECT
from .created import quota_of
from .document import Many, Obj
from .entity import Plain
from .errors import ApiError
from .exchange import Reply
from .generic import change, create, make, related_row, remove
from .inventory import parse_reference
from .world import World
from .writes import Handler, Write

_LISTS = (
    ("CloudTenantResource", "Resources", "CloudTenantResources"),
    ("CloudTenantComputeResource", "ComputeResources", "CloudTenantComputeResources"),
)


def show_resources(world: World, tenant: Plain) -> None:
    """Let a tenant show what it owns."""
    for kind, member, key in _LISTS:
        objs: list[Obj] = [row.entity(world.now, world.switches) for row in world.children(kind, tenant)]
        tenant.inner[member.lower()] = Many(objs, key)
        tenant.body.pop(member, None)
    world.table(tenant.spec).touch()


def _lease(body: Mapping[str, Any]) -> dict[str, Any]:
    expires = body.get("LeaseExpirationDate")
    if not expires:
        return {}
    return {"LeaseOptions": {"Enabled": True, "LeaseExpirationDate": str(expires)}}


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tenant shows of a body: all but what it owns."""
    hidden = ("LeaseExpirationDate", "Resources", "ComputeResources", "VCloudComputeResources", "LastActive")
    return {**{name: value for name, value in body.items() if name not in hidden}, **_lease(body)}


def _own(world: World, tenant: Plain, kind: str, shown: Mapping[str, Any]) -> Plain:
    server = next((one for one in world.servers if one.uid == tenant.data.get("backupserveruid")), None)
    row = world.make_row(kind, str(uuid.uuid4()), str(uuid.uuid4()), server=server, owner=tenant)
    row.say(shown)
    return world.put_row(row)


def _usual() -> dict[str, Any]:
    """Return what a new tenant shows of what nobody has said."""
    return {
        "Password": "",
        "Enabled": True,
        "LeaseOptions": {"Enabled": False},
        "LastResult": "None",
        "VmCount": 0,
        "ThrottlingEnabled": False,
        "ThrottlingSpeedLimit": 1,
        "ThrottlingSpeedUnit": "MBps",
        "PublicIpCount": 0,
        "BackupCount": 0,
        "ReplicaCount": 0,
        "MaxConcurrentTasks": 1,
        "BackupProtectionEnabled": False,
        "BackupProtectionPeriod": 1,
    }


def _tenant_type(kind: Any, name: str) -> dict[str, Any]:
    return {f"{kind}Tenant": {"TenantCredentials": {"Username": name}}}


def create_tenant(write: Write) -> Reply:
    """Create a tenant, with the resources that the body gives it."""
    world, body = write.world, write.body
    if any(row.name == str(body["Name"]) for row in world.table(write.place.spec)):
        return write.task(False, f'Tenant with name "{body["Name"]}" already exists.')
    kind = body.get("TenantType") or "Standalone"
    shown = {**_usual(), **_shown(body), "TenantType": _tenant_type(kind, str(body["Name"]))}
    tenant = make(write, shown)
    tenant.data["type"] = kind if isinstance(kind, str) else "Standalone"

    def appear() -> None:
        delay = write.api.switches.object_delay
        tenant.visible_from = world.now + delay if delay else 0.0
        world.put_row(tenant)
        for one in (body.get("Resources") or {}).get("BackupResources", ()):
            _own(world, tenant, "CloudTenantResource", {"RepositoryQuota": quota_of(one)})
        for one in (body.get("ComputeResources") or {}).get("ComputeResources", ()):
            _own(world, tenant, "CloudTenantComputeResource", one)
        for one in (body.get("VCloudComputeResources") or {}).get("VCloudComputeResources", ()):
            _own(world, tenant, "CloudTenantVCloudComputeResource", one)
        show_resources(world, tenant)

    return write.task(True, "Ok", related_row(write, tenant), appear)


def add_tenant(world: World, name: str, server: Plain, shown: Mapping[str, Any], quotas: list[dict[str, Any]]) -> Plain:
    """Add a tenant without a request."""
    tenant = world.make_row("CloudTenant", name, server=server, Type="Standalone")
    tenant.say({**_usual(), **shown, "TenantType": _tenant_type("Standalone", name)})
    world.put_row(tenant)
    for quota in quotas:
        _own(world, tenant, "CloudTenantResource", {"RepositoryQuota": quota})
    show_resources(world, tenant)
    return tenant


def edit_tenant(write: Write) -> Reply:
    """Edit a tenant; public clients find that more has to be sent than changes."""
    world, tenant, body = write.world, write.row, write.body
    assert isinstance(tenant, Plain)
    needs = write.api.switches.tenant_edit_needs
    if (needs != "nothing" and "Password" not in body) or (needs == "type" and "TenantType" not in body):
        raise ApiError(500, NO_OBJECT)

    def apply() -> None:
        change(world, tenant, _shown(body))
        for kind, member, key in _LISTS:
            if key in (body.get(member) or {}):
                _replace(world, tenant, kind, body[member][key])
        show_resources(world, tenant)

    return write.task(True, "Ok", related_row(write, tenant), apply)


def _replace(world: World, tenant: Plain, kind: str, wanted: list[dict[str, Any]]) -> None:
    """Let a tenant own what an edit lists, and no more."""
    left = {row.id: row for row in world.children(kind, tenant)}
    for one in wanted:
        known = left.pop(str(one.get("Id", "")), None)
        if known is None:
            _own(world, tenant, kind, one)
        else:
            change(world, known, one)
    for row in left.values():
        world.remove_row(row)


def create_owned(write: Write) -> Reply:
    """Return a tenant a resource."""
    tenant = write.place.owner
    assert isinstance(tenant, Plain)
    return create(write, lambda _row: show_resources(write.world, tenant))


def delete_owned(write: Write) -> Reply:
    """Take a resource from a tenant."""
    tenant, row = write.place.owner, write.row
    assert isinstance(tenant, Plain)

    def take() -> None:
        remove(write.world, row)
        show_resources(write.world, tenant)

    return write.task(True, "Ok", effect=take)


# Accounts


def create_account(write: Write) -> Reply:
    """Add an account with its roles and its restore scope."""

    def furnish(account: Plain) -> None:
        for one in (write.body["Roles"] or {}).get("EnterpriseRoles", ()):
            add_role(write.world, account, str(one.get("EnterpriseRoleUid", "")))
        for one in (write.body.get("HierarchyScopeObjects") or {}).get("HierarchyScopeItems", ()):
            add_scope(write.world, account, one)

    return create(write, furnish)


def add_role(world: World, account: Plain, uid: str) -> Plain:
    """Return an account a role."""
    role = next((row for row in world.table(world.catalogue["EnterpriseRole"]) if row.uid.lower() == uid.lower()), None)
    if role is None:
        raise ApiError(400, f"Role [{uid}] was not found.")
    return world.add_row("EnterpriseAccountInRole", role.name, role.id, owner=account, values={"RoleName": role.name})


def add_scope(world: World, account: Plain, item: Mapping[str, Any]) -> Plain:
    """Let an account restore an object."""
    reference = str(item.get("HierarchyObjRef", ""))
    known, parsed = world.inventory.find(reference), parse_reference(reference)
    return world.add_row(
        "EnterpriseAccountHierarchyScope",
        str(item.get("ObjectName", "")),
        str(uuid.uuid4()),
        owner=account,
        values={
            "HierarchyRootName": known[0].name if known else "",
            "Platform": parsed.platform if parsed else "",
            "HierarchyObjectType": parsed.type if parsed else "",
            "State": "Actual",
        },
    )


def give_role(write: Write) -> Reply:
    """Return an account a role."""
    account = write.place.owner
    assert isinstance(account, Plain)
    return write.done(created=add_role(write.world, account, str(write.body["EnterpriseRoleUid"])))


def give_scope(write: Write) -> Reply:
    """Let an account restore objects."""
    account = write.place.owner
    assert isinstance(account, Plain)
    rows = [add_scope(write.world, account, item) for item in write.body.get("HierarchyScopeItems", ())]
    if not rows:
        raise ApiError(500, NO_OBJECT)
    return write.done(created=rows[0])


HANDLERS: dict[str, Handler] = {
    "post_tenants": create_tenant,
    "put_tenants_id": edit_tenant,
    "post_tenants_id_resources": create_owned,
    "post_tenants_id_computeresources": create_owned,
    "delete_tenants_id_resources_id": delete_owned,
    "delete_tenants_id_computeresources_id": delete_owned,
    "post_security_accounts": create_account,
    "post_security_accounts_id_roles": give_role,
    "post_security_accounts_id_scopes": give_scope,
}
