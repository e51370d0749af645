# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the beginning that are neither jobs nor their runs: machines, restore points, replicas, agents, tenants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from .clock import to_datetime
from .document import Link, Many, Obj, Scalar
from .infrastructure import add_object
from .jobs import Job
from .points import Protected, add_backup, add_points, add_task_session, job_values, stamp, up, whole
from .runs import FAILED, NEVER_DATE, SUCCESS, WARNING, Run
from .world import World, steady_id

DAY = 86400.0
GIB = 1024**3

FULL_DISK = 'There is not enough space on the disk. Target "E:\\" & its extents are full.'
NO_ANSWER = "Failed to connect to the guest: RPC server is unavailable."
LOW_SPACE = "The volume C: has less than 10 % of free space."


class Machine(NamedTuple):
    """A protected machine: its name, the job that protects it, and what to say where that does not go well."""

    name: str
    job: str
    server: str = "vbr01"
    outcome: str = SUCCESS
    reason: str = ""


MACHINES = (
    Machine("web01", "Daily Backup"),
    Machine("web02", "Daily Backup"),
    Machine("app01", "Daily Backup"),
    Machine("sql01", "SQL Backup"),
    Machine("sql02", "SQL Backup"),
    Machine("file01", "Warning Backup", outcome=WARNING, reason=LOW_SPACE),
    Machine("mail01", "Failing Backup", outcome=FAILED, reason=FULL_DISK),
    Machine("dc01", "Failing Backup"),
    Machine("erp01", "Flaky Backup", outcome=FAILED, reason=NO_ANSWER),
    Machine("lab01", "Weekly Archive"),
    Machine("new01", "Manual Backup"),
    Machine("true", 'R&D "special"; (A,B) == x'),  # a name that is no boolean
    Machine("branch01", "Daily Backup", "vbr02"),
    Machine("b\u00fcro-\u00d8", "B\u00fcro-Sicherung \u00d8st", "vbr02"),
    Machine("vc01", "vCloud Backup", "vbr03"),
)


def furnish_rows(world: World, night: float) -> None:
    """Add rows of every type; `night` is when the last backups began."""
    _add_machines(world, night)
    _add_replicas(world, night)
    _add_restores(world, night)
    _add_infrastructure(world)
    _add_agents(world, night)
    _add_files(world)
    _add_cdp(world, night)
    _add_cloud(world, night)
    _add_self_service(world)


def _text_object(element: str, **members: Scalar) -> Obj:
    return Obj(element, members=tuple(members.items()), is_resource=False)


def _protected(world: World, machine: Machine) -> Protected:
    """Return a machine with its reference; the inventory has it below the same root."""
    server = world.server(machine.server)
    platform = {"vbr01": "VMware", "vbr02": "Hyperv", "vbr03": "vCloud"}[machine.server]
    return Protected(machine.name, f"urn:{platform}:Vm:{steady_id('host', server.name)}.vm-{101 + MACHINES.index(machine)}")


def _add_machines(world: World, night: float) -> None:
    """Add what jobs process, their backups, and what their runs did to each machine and left behind."""
    for job in {(machine.job, machine.server): world.job(machine.job, machine.server) for machine in MACHINES}.values():
        machines = [one for one in MACHINES if (one.job, world.server(one.server)) == (job.name, job.server)]
        for machine in machines:
            reference = _protected(world, machine).reference
            add_object(world, job, reference, name=machine.name, object_id=steady_id("included", machine.name))
        add_backup(world, job)
        for run in world.runs_of(job):
            _add_processing(world, job, run, machines)
        for machine in machines:
            if machine.name == "mail01":
                _add_points(world, job, night - 5 * DAY, [machine])
            # What failed yesterday and went well today is not there before it was made.
        for run in world.runs_of(job):
            well = [one for one in machines if _result(one, run) != FAILED]
            if well:
                _add_points(world, job, run.created, well)
    for job_name, name in (("DC Replication", "dc01"), ("Endless Backup", "lab01")):
        machine = next(one for one in MACHINES if one.name == name)
        reference = _protected(world, machine).reference
        add_object(world, world.job(job_name), reference, name=name, object_id=steady_id("also included", job_name))


def _result(machine: Machine, run: Run) -> str:
    return SUCCESS if run.outcome == SUCCESS else machine.outcome


def _add_processing(world: World, job: Job, run: Run, machines: Sequence[Machine]) -> None:
    for number, machine in enumerate(machines):
        began = run.created + 20 + 10 * number
        ended = min(run.ends, began + 120 + 30 * number)
        result, size = _result(machine, run), (40 + 10 * MACHINES.index(machine)) * GIB
        one = _protected(world, machine)
        add_task_session(world, job, run, one, began=began, ended=ended, result=result, reason=machine.reason, size=size)


def _add_points(world: World, job: Job, when: float, machines: Sequence[Machine]) -> None:
    """Add a restore point, its file, and the part of each machine; Cloud Director has vApps besides."""
    (first, *_others) = add_points(world, job, when, [_protected(world, machine) for machine in machines])
    if job.platform == "vCloud":
        world.add_row(
            "VAppRestorePoint",
            f"vapp01@{stamp(when)}",
            server=job.server,
            CreationTime=whole(when),
            VAppDisplayName="vapp01",
            Type=first.data["type"],
            Algorithm=first.data["algorithm"],
            RestorePointId=first.data["restorepointid"],
        )


def _add_replicas(world: World, night: float) -> None:
    job = world.job("DC Replication")
    repository = next(iter(world.table(world.catalogue["Repository"])))
    replica = world.add_row(
        "Replica",
        job.name,
        server=job.server,
        links=[up(repository, "Repository")],
        Platform="VMware",
        RepositoryUid=repository.uid,
        RepositoryName=repository.name,
        values=job_values(job),
    )
    for run in world.runs_of(job):
        for number, name in enumerate(("dc01", "dc02")):
            fails = name == "dc02" and run is world.runs_of(job)[-1]
            world.add_row(
                "ReplicaTaskSession",
                f"{name}@{stamp(run.created + number)}",
                server=job.server,
                links=[Link("Up", run.reference_path, "ReplicaJobSessionReference", run.name)],
                JobSessionUid=run.uid,
                VmDisplayName=name,
                CreationTime=whole(run.created + number),
                EndTime=whole(run.ends - number),
                State="Completed",
                Result=WARNING if fails else SUCCESS,
                Reason=LOW_SPACE if fails else "",
                TotalSize=60 * GIB,
                values=job_values(job),
            )
            world.add_row(
                "VmReplicaPoint",
                f"{name}@{stamp(run.created + number)}",
                server=job.server,
                links=[up(replica, "Replica")],
                CreationTime=whole(run.created + number),
                Type="Snapshot",
                Algorithm="Full",
                ReplicaUid=replica.uid,
                ReplicaName=replica.name,
                VmDisplayName=name,
            )
    world.add_row(
        "VAppReplicaPoint",
        f"vapp01@{stamp(night)}",
        server=job.server,
        links=[up(replica, "Replica")],
        CreationTime=whole(night),
        VAppName="vapp01",
        VAppDisplayName="vapp01",
        Type="Snapshot",
        Algorithm="Full",
        ReplicaUid=replica.uid,
        ReplicaName=replica.name,
    )
    world.add_row(
        "FailoverPlan",
        "Main site is gone",
        server=job.server,
        inner={
            "FailoverPlanInfo": Obj(
                "FailoverPlanInfo",
                members=[
                    (
                        "FailoveredVms",
                        Many([_text_object("FailoveredVm", Name="dc01", DisplayName="dc01", Order=0)], "FailoveredVms"),
                    )
                ],
                is_resource=False,
            )
        },
        Description="Domain controllers first",
    )


def _add_restores(world: World, night: float) -> None:
    """Add restores: one done, one failed, and one that goes on, whose end is never."""
    points = {row.data["vmdisplayname"]: row for row in world.table(world.catalogue["VmRestorePoint"])}
    for name, kind, began, seconds, state, result in (
        ("FLR_[file01]", "FileLevelRestore", 3 * DAY, 300.0, "Stopped", SUCCESS),
        ("web02", "RestoreVm", DAY, 900.0, "Stopped", FAILED),
        ("sql01", "RestoreVm", -3 * 3600.0, math.inf, "Working", "None"),
    ):
        machine = name.partition("[")[2].rstrip("]") or name
        point, when = points[machine], night - began
        world.add_row(
            "RestoreSession",
            f"{name}@{stamp(when)}",
            server=world.server("vbr01"),
            links=[Link("Related", point.reference_path, "VmRestorePointReference", point.name)],
            Type=kind,
            CreationTime=whole(when),
            EndTime=NEVER_DATE if math.isinf(seconds) else whole(when + seconds),
            State=state,
            Result=result,
            Progress=45 if math.isinf(seconds) else 100,
            VmDisplayName=machine,
            RestoredObjRef=point.data["hierarchyobjref"],
        )


def _add_infrastructure(world: World) -> None:
    main, branch = world.server("vbr01"), world.server("vbr02")
    for server, name, kind, host_kind in (
        (main, "vcenter01.vbem.test", "VC", "VC"),
        (main, "proxy01.vbem.test", "Windows", None),
        (main, "repo01.vbem.test", "Linux", None),
        (branch, "hyperv01.vbem.test", "HvServer", "HvServer"),
        (world.server("vbr03"), "vcd01.vbem.test", "VcdSystem", "VcdSystem"),
    ):
        row = world.add_row(
            "ManagedServer", name, server=server, Description=f"Managed by {server.name}", ManagedServerType=kind
        )
        if host_kind:
            world.add_row(
                "HierarchyRoot",
                name,
                steady_id("host", server.name),
                server=server,
                links=[Link("Related", row.reference_path, "ManagedServerReference", name)],
                HierarchyRootId=steady_id("host", server.name),
                UniqueId=steady_id("unique", name).upper(),
                HostType=host_kind,
            )
    for server, name, version, capacity, connections in (
        (main, "wan01.vbem.test", "13.0.1.1071", 100, 5),
        (branch, "wan02.vbem.test", "12.3.2.3617", 50, 0),
    ):
        world.add_row(
            "WanAccelerator",
            name,
            server=server,
            Description="WAN accelerator",
            OutOfDate=version.startswith("12"),
            Version=version,
            Capacity=capacity,
            TrafficPort=6165,
            ConnectionsCount=connections,
            CachePath="C:\\VeeamWAN",
            HighBandwidthModeEnabled=False,
        )
    for server, user in ((main, "VBEM\\backup"), (main, "root"), (branch, "VBEM\\backup")):
        key = steady_id("credentials", server.name, user)
        world.add_row(
            "Credentials",
            user,
            key,
            server=server,
            owner=server,
            Username=user,
            Description=f"Of {server.name}",
            CredentialsId=key,
        )
    key = steady_id("password", main.name)
    world.add_row(
        "Passwords",
        "main",
        key,
        server=main,
        owner=main,
        PasswordKeyID=key,
        Hint="The one in the safe",
        LastModificationDate=datetime(2025, 4, 1, 8, 30, 0, 280000, tzinfo=timezone.utc),
    )


def _add_agents(world: World, night: float) -> None:
    server, job = world.server("vbr01"), world.job("Linux Agents")
    group = world.add_row(
        "AgentProtectionGroup",
        "Linux servers",
        server=server,
        RescanScheduleEnabled=True,
        HierarchyObjRef=f"urn:AgentForLinux:AgentProtectionGroup:{steady_id('group')}",
    )
    world.add_row(
        "AgentProtectionGroup",
        "Windows workstations",
        server=world.server("vbr02"),
        RescanScheduleEnabled=False,
        HierarchyObjRef="",
    )
    for name, status, version, online, address in (
        ("rhel01.vbem.test", "Installed", "13.0.1.1071", "Online", "192.0.2.11"),
        ("rhel02.vbem.test", "Failed", "", "Online", "192.0.2.12"),
        ("suse01.vbem.test", "NotInstalled", "", "Offline", "192.0.2.13"),
        ("aix01.vbem.test", "UnsupportedOs", "", "Online", "192.0.2.14"),
    ):
        world.add_row(
            "DiscoveredComputer",
            name,
            server=server,
            links=[up(group, "AgentProtectionGroup")],
            HostStatus=online,
            AgentStatus=status,
            AgentVersion=version,
            OsVersion="AIX 7.3" if name.startswith("aix") else "Linux (64-bit)",
            IpAddress=address,
            ProtectionGroupUid=group.uid,
            ProtectionGroupName=group.name,
            HierarchyObjRef=f"urn:AgentForLinux:VeeamAgent:{steady_id('computer', name)}",
        )
    backup = add_backup(world, job, "AgentForLinux")
    world.add_row(
        "ObjectInAgentBackupJob", group.name, server=server, owner=job, DisplayName=group.name, values=job_values(job)
    )
    windows = world.job("Windows Agents")
    world.add_row(
        "ObjectInAgentBackupJob",
        "Windows workstations",
        server=windows.server,
        owner=windows,
        DisplayName="Windows workstations",
        values=job_values(windows),
    )
    for days, kind in ((1, "Full"), (0, "Increment")):
        when = night - days * DAY
        point = world.add_row(
            "RestorePoint",
            f"{to_datetime(when):%b %d %Y %I:%M%p}",
            server=server,
            links=[up(backup, "Backup")],
            CreationTime=whole(when),
            BackupUid=backup.uid,
            BackupName=backup.name,
        )
        world.add_row(
            "AgentRestorePoint",
            f"rhel01.vbem.test@{stamp(when)}",
            server=server,
            links=[up(point, "RestorePoint")],
            CreationTime=whole(when),
            ComputerName="rhel01.vbem.test",
            Type=kind,
            Algorithm="Full" if kind == "Full" else "Incremental",
            RestorePointId=point.id,
            RestorePointName=point.name,
            BackupUid=backup.uid,
            BackupName=backup.name,
        )


def _add_files(world: World) -> None:
    server, job = world.server("vbr01"), world.job("Shared Files")
    share = "\\\\files.vbem.test\\shared"
    files = world.add_row(
        "FileServer",
        share,
        server=server,
        inner={"SmbServerOptions": _text_object("SmbServerOptions", Path=share, CredentialsId=steady_id("credentials"))},
        ServerType="SmbServer",
        HierarchyObjRef=f"urn:NasBackup:FileServer:{steady_id('files')}",
    )
    row = world.add_row(
        "NasObject",
        share,
        server=server,
        owner=job,
        FileServerUid=files.uid,
        FileServerName=files.name,
        values=job_values(job),
    )
    row.up = (up(job, "Job"),)


def _add_cdp(world: World, night: float) -> None:
    server = world.server("vbr01")
    policy = world.add_row(
        "CdpPolicy",
        "Continuous ERP",
        server=server,
        PolicyType="CdpReplica",
        Platform="VMware",
        Description="",
        ScheduleConfigured=True,
        ScheduleEnabled=True,
        NextRun=NEVER_DATE,
    )
    for machine in MACHINES[1:3]:
        reference = _protected(world, machine).reference
        add_object(world, policy, reference, name=machine.name, object_id=steady_id("cdp", machine.name))
    of_policy: dict[str, Scalar] = {"PolicyUid": policy.uid, "PolicyId": policy.id, "PolicyName": policy.name}
    world.add_row("CdpReplica", "erp01_cdp", server=server, links=[up(policy, "CdpPolicy")], values=of_policy)
    session = world.add_row(
        "CdpReplicaSession",
        f"Continuous ERP@{stamp(night)}",
        server=server,
        links=[up(policy, "CdpPolicy")],
        PolicyType="CdpReplica",
        CreationTimeUTC=whole(night),
        State="Working",
        Result="None",
        Progress=0,
        IsRetry=False,
        values=of_policy,
    )
    world.add_row(
        "CdpReplicaTaskSession",
        f"erp01@{stamp(night)}",
        server=server,
        links=[up(session, "CdpReplicaSession")],
        PolicySessionUid=session.uid,
        PolicySessionName=session.name,
        CreationTimeUTC=whole(night),
        State="InProgress",
        Result=SUCCESS,
        Reason="",
        TotalSize=16 * GIB,
        VmDisplayName="erp01",
    )


def _add_cloud(world: World, night: float) -> None:
    server = world.server("vbr01")
    lease = Obj("LeaseOptions", attributes=[("Enabled", False)], is_resource=False)
    tenants = []
    for name, result, active, enabled in (("ACME", SUCCESS, whole(night), True), ("Nobody yet", "None", NEVER_DATE, False)):
        key = steady_id("tenant", name)
        tenants.append(
            world.add_row(
                "CloudTenant",
                name,
                key,
                server=server,
                inner={"LeaseOptions": lease, "TenantType": _tenant_type(name)},
                Description=f"Tenant {name}",
                Enabled=enabled,
                Type="Standalone",
                LastResult=result,
                LastActive=active,
                VmCount=3,
                ThrottlingEnabled=False,
                BackupCount=2,
                ReplicaCount=1,
                MaxConcurrentTasks=1,
            )
        )
    tenant = tenants[0]
    of_tenant: dict[str, Scalar] = {"CloudTenantUid": tenant.uid, "CloudTenantName": tenant.name}
    world.add_row(
        "CloudSubtenant",
        "acme-user1",
        server=server,
        owner=tenant,
        inner={"RepositoryQuota": _text_object("RepositoryQuota", QuotaMb=20480, UsedQuotaMb=0)},
        Description="",
        Enabled=True,
        Disabled=False,
        Unlimited=False,
        Quota=20480,
        UsedQuota=0,
        values=of_tenant,
    )
    world.add_row(
        "CloudGateway",
        "gateway01",
        server=server,
        Enabled=True,
        NetworkMode="Direct",
        ExternalIP="198.51.100.7",
        ExternalPort=6180,
        InternalPort=6180,
        Description="",
    )
    world.add_row("CloudGatewayPool", "Pool 1", server=server, Description="Both gateways")
    world.add_row(
        "CloudHardwarePlan",
        "VMware Silver",
        server=server,
        Platform="VMware",
        Description="",
        ProcessorUsageLimitMhz=10000,
        MemoryUsageLimitMb=20480,
    )
    world.add_row("CloudPublicIpAddress", "198.51.100.16", server=server, IpAddress="198.51.100.16", values=of_tenant)
    world.add_row("CloudFailoverPlan", "ACME failover", server=server, Description="", values=of_tenant)
    world.add_row(
        "CloudFailoverSession",
        f"ACME failover@{stamp(night)}",
        server=server,
        Type="FailoverPlan",
        CreationTime=whole(night),
        EndTime=whole(night + 60),
        State="Stopped",
        Result=SUCCESS,
        Progress=100,
    )
    replica = world.add_row("CloudReplica", "ACME replication", server=server, Platform="VMware")
    for number, (name, state) in enumerate((("acme-db", "Ready"), ("acme-web", "Failover"))):
        world.add_row(
            "CloudVmReplicaPoint",
            f"{name}@{stamp(night)}",
            server=server,
            links=[up(replica, "CloudReplica")],
            CreationTime=whole(night + number),
            VmName=name,
            VmDisplayName=name,
            Type="Snapshot",
            ReplicaUid=replica.uid,
            ReplicaName=replica.name,
            State=state,
        )
    world.add_row(
        "VlanConfiguration",
        "dvSwitch 1",
        server=server,
        SwitchName="dvSwitch 1",
        SwitchType="DistributedVirtualSwitch",
        SwitchId="dvs-12",
        ClusterName="Cluster 1",
        ClusterRef="domain-c7",
    )


def _tenant_type(name: str) -> Obj:
    credentials = Obj("TenantCredentials", members=[("Username", name)], is_resource=False)
    tenant = Obj("StandaloneTenant", members=[("TenantCredentials", credentials)], is_resource=False)
    return Obj("TenantType", members=[("StandaloneTenant", tenant)], is_resource=False)


def _add_self_service(world: World) -> None:
    server = world.server("vbr03")
    repository = next(iter(world.table(world.catalogue["Repository"])))
    quota: dict[str, Scalar] = {"RepositoryUid": repository.uid, "QuotaGb": 500, "UsedQuota": 120}
    world.add_row(
        "VCloudOrganizationConfig",
        "Org 1",
        server=server,
        Disabled=False,
        JobSchedulerType="Full",
        HostUid=f"urn:veeam:ManagedServer:{steady_id('vcd')}",
        RepositoryFriendlyName="Repository of Org 1",
        values=quota,
    )
    world.add_row(
        "VsphereSelfServiceConfig",
        "VBEM\\developers",
        server=server,
        JobSchedulerType="Full",
        AccountType="Group",
        PerUser=False,
        values=quota,
    )
