# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that change something: address, XML root element and members of the body in the schema's order.

Made by dev/make_operations.py from the vendor's reference, version 13.0.1.1071; do not edit.
"""

from __future__ import annotations

# Method, address below /api, root element (empty where the reference prints none), and members of each body.
BODIES: tuple[tuple[str, str, str, str], ...] = (
    (
        "POST",
        "agents/agentRestorePoints/{ID}/mounts/{ID}/{filepath}?action=restore",
        "FileRestoreSpec",
        "ToOriginalLocation(GuestCredentials(UserName,Password)),ForDirectDownload",
    ),
    (
        "POST",
        "backupServers?action=create",
        "BackupServerSpec",
        "Description,DnsNameOrIpAddress,Username,Port,Password,WcfPort,VbrCertificateThumbprint",
    ),
    ("POST", "backupServers/{ID}?action=quickbackup", "QuickBackupStartupSpec", "VmRef"),
    (
        "POST",
        "backupServers/{ID}?action=veeamzip",
        "VeeamZipStartupSpec",
        "VmRef,RepositoryUid,PasswordKeyId,CompressionLevel,DisableGuestQuiescence,BackupRetention",
    ),
    (
        "PUT",
        "backupServers/{ID}",
        "BackupServerSpec",
        "Description,DnsNameOrIpAddress,Port,Username,Password,WcfPort,VbrCertificateThumbprint",
    ),
    ("POST", "backupServers/{ID}/credentials?action=create", "CredentialsInfoSpec", "Username,Description,Password"),
    ("PUT", "backupServers/{ID}/credentials/{ID}", "CredentialsInfo", "Id,Username,Description,Password"),
    ("POST", "backupServers/{ID}/passwords?action=create", "PasswordKeyInfoSpec", "Hint,Password"),
    ("PUT", "backupServers/{ID}/passwords/{ID}", "PasswordKeyInfoSpec", "Hint"),
    (
        "PUT",
        "cdpPolicies/{ID}",
        "CdpPolicy",
        (
            "PolicyType,Platform,Description,ScheduleConfigured,ScheduleEnabled,NextRun,PolicyScheduleOptions(CdpReplica(Re"
            "coveryPointObjectiveSeconds,RecoveryPointObjectiveMinutes,RPOSchedule(TimePeriods(Day),Enabled),RPOReporting(M"
            "arkAsWarning(Enabled,RPOThresholdSeconds,RPOThresholdMinutes),MarkAsFailed(Enabled,RPOThresholdSeconds,RPOThre"
            "sholdMinutes),Enabled),ShortTermRetentionMinutes,ShortTermRetentionHours,LongTermRetentionHours,LongTermRetent"
            "ionKeepDays,LongTermRetentionSchedule(TimePeriods(Day),Enabled))),CdpPolicyInfo(CdpReplicaPolicyInfo(Includes("
            "ObjectInJob(ObjectInJobId,HierarchyObjRef,Name,DisplayName,Order,GuestProcessingOptions(AppAwareProcessingMode"
            ",FileSystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions(VssSn"
            "apshotMode,IsCopyOnly,UsePersistentGuestAgent),WindowsGuestFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBa"
            "ckupOptions,WindowsCredentialsId,LinuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(BackupLogsEnabled"
            ",BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHours,Archive"
            "dLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect)))),GuestProcessingOptions(AppAwareProcessingMode,FileSystemIndex"
            "ingMode,IncludedIndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions(VssSnapshotMode,IsCop"
            "yOnly,UsePersistentGuestAgent),WindowsGuestFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBackupOptions,Wind"
            "owsCredentialsId,LinuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(BackupLogsEnabled,BackupLogsFrequ"
            "encyMin,UseDbBackupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHours,ArchivedLogsMaxSizeMb,S"
            "ysdbaCredsId,ProxyAutoSelect))))"
        ),
    ),
    (
        "POST",
        "cdpPolicies/{ID}/includes",
        "CreateObjectInJobSpec",
        (
            "HierarchyObjRef,HierarchyObjName,GuestProcessingOptions(AppAwareProcessingMode,FileSystemIndexingMode,Included"
            "IndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions(VssSnapshotMode,IsCopyOnly,UsePersist"
            "entGuestAgent),WindowsGuestFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBackupOptions,WindowsCredentialsId"
            ",LinuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(BackupLogsEnabled,BackupLogsFrequencyMin,UseDbBac"
            "kupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHours,ArchivedLogsMaxSizeMb,SysdbaCredsId,Pro"
            "xyAutoSelect))"
        ),
    ),
    (
        "POST",
        "cdpReplica/vApps/{ID}?action=failover",
        "CdpFailoverStartSpec",
        "RestoreCurrent,RestoreCurrentVss,RestoreAtPointInTime,RestoreAtInterval",
    ),
    ("POST", "cdpReplica/vApps/{ID}?action=intervals", "", "StartDate,EndDate"),
    (
        "POST",
        "cdpReplicas/{ID}/vms/{ID}?action=failover",
        "CdpFailoverStartSpec",
        "RestoreCurrent,RestoreCurrentVss,RestoreAtPointInTime,RestoreAtInterval",
    ),
    ("POST", "cdpReplicas/{ID}/vms/{ID}?action=intervals", "", "StartDate,EndDate"),
    ("POST", "cloud/cloudFailoverPlans/{ID}?action=start", "CloudFailoverPlanManagementSpec", "StartNow,StartDate"),
    (
        "PUT",
        "cloud/cloudFailoverPlans/{ID}",
        "CloudFailoverPlan",
        (
            "TenantUid,TenantName,Description,CloudFailoverPlanOptions(PostFailoverPlanCommandEnabled,PostFailoverPlanComma"
            "nd,PreFailoverPlanCommandEnabled,PreFailoverPlanCommand),CloudFailoverPlanInfo(Includes(CloudFailoverPlanVm(Fa"
            "iloverPlanVMId,Name,Order)))"
        ),
    ),
    (
        "POST",
        "cloud/gatewayPools",
        "CreateCloudGatewayPoolSpec",
        "Name,Description,CloudGateways(CloudGatewayUid),CloudTenants(CloudTenantUid),BackupServerUid",
    ),
    (
        "PUT",
        "cloud/gatewayPools/{ID}",
        "CloudGatewayPool",
        "Description,CloudGateways(CloudGatewayUid),CloudTenants(CloudTenantUid),BackupServerUid,Name",
    ),
    (
        "POST",
        "cloud/gateways",
        "CreateCloudGatewaySpec",
        "ServerHostName,Description,ExternalIp,ExternalPort,NetworkType,InternalPort,BackupServerUid",
    ),
    ("PUT", "cloud/gateways/{ID}", "CloudGateway", "Enabled,NetworkMode,ExternalIP,ExternalPort,InternalPort,Description"),
    (
        "POST",
        "cloud/hardwarePlans",
        "CloudHardwarePlanCreateSpec",
        (
            "BackupServerUid,Name,Description,ProcessorUsageLimitMhz,MemoryUsageLimitMb,HardwarePlanDetails(ViCloudHardware"
            "Plan(HypervisorHostRef,ParentType,ParentName,Datastores(Datastore(FriendlyName,DatastoreType,Reference,QuotaGb"
            ")),Network(CountWithInternet,CountWithoutInternet)),HvCloudHardwarePlan(HypervisorHostRef,Volumes(Volume(Frien"
            "dlyName,VolumePath,QuotaGb)),Network(CountWithInternet,CountWithoutInternet)))"
        ),
    ),
    (
        "PUT",
        "cloud/hardwarePlans/{ID}",
        "CloudHardwarePlan",
        (
            "Description,ProcessorUsageLimitMhz,MemoryUsageLimitMb,HardwarePlanDetails(ViCloudHardwarePlan(HypervisorHostRe"
            "f,ParentType,ParentName,Datastores(Datastore(FriendlyName,DatastoreType,Reference,RootPath,QuotaGb))),HvCloudH"
            "ardwarePlan)"
        ),
    ),
    (
        "POST",
        "cloud/publicIpAddresses",
        "CloudPublicIpAddressCreateSpec",
        "BackupServerUid,IpAddressLowerBound,IpAddressUpperBound",
    ),
    ("PUT", "cloud/publicIpAddresses/{ID}", "CloudPublicIpAddress", "IpAddress"),
    (
        "POST",
        "cloud/tenants",
        "CreateCloudTenantSpec",
        (
            "Name,Description,Password,Enabled,LeaseExpirationDate,Resources(BackupResource(Name,RepositoryUid,QuotaMb,WanA"
            "cceleratorUid)),ComputeResources(ComputeResource(CloudHardwarePlanUid,WanAcceleratorUid,PlatformType,UseNetwor"
            "kFailoverResources,NetworkAppliance(Name,ProductionNetwork,ObtainIPAddressAutomatically,ViDistributedSwitchUui"
            "d,ProductionNetworkUnderDvs,ManualIpAddressSettingsInfoType(IpAddress,SubnetMask,DefaultGateway)))),Throttling"
            "Enabled,ThrottlingSpeedLimit,ThrottlingSpeedUnit,PublicIpCount,BackupServerUid,MaxConcurrentTasks,BackupProtec"
            "tionEnabled,BackupProtectionPeriod,TenantType,CloudGatewayPools(CloudGatewayPoolUid),FailoverToOtherGatewaysIf"
            "Fail,Domain(DomainName,DomainAccout,DomainAccount,Port),FailoverToOthersGatewaysIfFail,OrganizationRef,VCloudC"
            "omputeResources(VCloudComputeResource(VirtualDataCenterRef,UseNetworkFailoverResources,NetworkAppliance(Name,P"
            "roductionNetwork,ObtainIPAddressAutomatically,ViDistributedSwitchUuid,ProductionNetworkUnderDvs,ManualIpAddres"
            "sSettingsInfoType(IpAddress,SubnetMask,DefaultGateway)),WanAcceleratorUid))"
        ),
    ),
    (
        "PUT",
        "cloud/tenants/{ID}",
        "CloudTenant",
        (
            "Password,Description,Enabled,LeaseExpirationDate,LeaseOptions,Resources(CloudTenantResource(RepositoryQuota(Di"
            "splayName,RepositoryUid,WanAcceleratorUid,Quota))),LastActive,ComputeResources(CloudTenantComputeResource(Clou"
            "dHardwarePlanUid,WanAcceleratorUid,PlatformType,UseNetworkFailoverResources,NetworkAppliance(Name,ProductionNe"
            "twork,ObtainIPAddressAutomatically,ManualIpAddressSettingsInfoType(IpAddress,SubnetMask,DefaultGateway),ViDist"
            "ributedSwitchUuid,ProductionNetworkUnderDvs),ComputeResourceStats(MemoryUsageMb,CPUCount,StorageResourceStats("
            "StorageResourceStat(StorageName,StorageUsageGb,StorageLimitGb))))),ThrottlingEnabled,ThrottlingSpeedLimit,Thro"
            "ttlingSpeedUnit,PublicIpCount,BackupCount,ReplicaCount,MaxConcurrentTasks,BackupProtectionEnabled,BackupProtec"
            "tionPeriod,TenantType(StandaloneTenant(TenantCredentials(Username))),CloudGatewayPools(CloudGatewayPoolUid),Fa"
            "iloverToOtherGatewaysIfFail,FailoverToOthersGatewaysIfFail"
        ),
    ),
    (
        "POST",
        "cloud/tenants/{ID}/computeResources",
        "CloudTenantComputeResourceCreateSpec",
        "CloudHardwarePlanUid,WanAcceleratorUid,PlatformType,UseNetworkFailoverResources",
    ),
    ("POST", "cloud/tenants/{ID}/resources", "CreateCloudTenantResourceSpec", "Name,RepositoryUid,QuotaMb,WanAcceleratorUid"),
    (
        "POST",
        "cloud/tenants/{ID}/subtenants",
        "CloudSubtenantCreateSpec",
        "Name,Description,Password,Enabled,TenantResourceId,QuotaName,QuotaMb,UnlimitedQuota",
    ),
    (
        "PUT",
        "cloud/tenants/{ID}/subtenants/{ID}",
        "CloudSubtenant",
        "Name,Description,Password,Enabled,RepositoryQuota(DisplayName,TenantResourceId,QuotaMb,UsedQuotaMb)",
    ),
    (
        "POST",
        "cloud/tenants/{ID}/vCloudComputeResources",
        "CloudTenantVCloudComputeResourceCreateSpec",
        (
            "VirtualDataCenterRef,UseNetworkFailoverResources,NetworkAppliance(Name,ProductionNetwork,ObtainIPAddressAutoma"
            "tically,ManualIpAddressSettingsInfoType(IpAddress,SubnetMask,DefaultGateway),ViDistributedSwitchUuid,Productio"
            "nNetworkUnderDvs),WanAcceleratorUid"
        ),
    ),
    (
        "PUT",
        "cloud/vlans/{ID}",
        "VlanConfiguration",
        (
            "HostRef,PlatformType,VlanIdsWithInternetLeftBound,VlanIdsWithInternetRightBound,VlanIdsWithoutInternetLeftBoun"
            "d,VlanIdsWithoutInternetRightBound,SwitchName,SwitchId,SwitchType"
        ),
    ),
    ("POST", "failoverPlans/{ID}?action=start", "FailoverPlanManagementSpec", "StartNow,StartDate"),
    ("PUT", "failoverPlans/{ID}", "FailoverPlan", "Description"),
    (
        "POST",
        "jobs/{ID}?action=clone",
        "JobCloneSpec",
        (
            "ReplicaJobCloneInfo(JobName,VmSuffix,Description),BackupCopyJobCloneInfo(JobName,JobFileName,RepositoryUid,Des"
            "cription),ImmediateBackupCopyJobCloneInfo(JobName,Description,RepositoryUid,JobFileName),BackupJobCloneInfo(Jo"
            "bName,FolderName,RepositoryUid,Description)"
        ),
    ),
    (
        "PUT",
        "jobs/{ID}?action=edit",
        "Job",
        (
            "JobType,Platform,Description,ScheduleConfigured,ScheduleEnabled,NextRun,JobScheduleOptions(Standart(RetryOptio"
            "ns(RetryTimes,RetryTimeout,RetrySpecified),WaitForBackupCompletion,BackupCompetitionWaitingPeriodMin,OptionsDa"
            "ily(Kind,Days,Time,TimeOffsetUtc,Enabled),OptionsMonthly(Time,TimeOffsetUtc,DayNumberInMonth,DayOfWeek,Months,"
            "DayOfMonth,Enabled),OptionsPeriodically(Kind,FullPeriod,Schedule(Day),Enabled),OptionsContinuous(Schedule(Day)"
            "),OptionsBackupWindow(TimePeriods(Day),Enabled),OptionsDaisyChaining(PreviousJobUid,Enabled)),ImmediateCopyMod"
            "e(OptionsContinuous(Schedule(Day)))),JobInfo(BackupJobInfo(Includes(ObjectInJob(ObjectInJobId,HierarchyObjRef,"
            "Name,DisplayName,Order,GuestProcessingOptions(AppAwareProcessingMode,FileSystemIndexingMode,IncludedIndexingFo"
            "lders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions,WindowsGuestFSIndexingOptions,LinuxGuestFSIndex"
            "ingOptions,SqlBackupOptions,WindowsCredentialsId,LinuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(B"
            "ackupLogsEnabled,BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMax"
            "AgeHours,ArchivedLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect)))),GuestProcessingOptions(AppAwareProcessingMode"
            ",FileSystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions,Windo"
            "wsGuestFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBackupOptions,WindowsCredentialsId,LinuxCredentialsId,"
            "FSFileExcludeOptions,OracleBackupOptions(BackupLogsEnabled,BackupLogsFrequencyMin,UseDbBackupRetention,RetainD"
            "ays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHours,ArchivedLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect)),Advan"
            "cedStorageOptions(PasswordKeyId),GfsRetentionPolicy(Weekly(Enabled,RetentionPeriod,SelectedDay),Monthly(Enable"
            "d,RetentionPeriod,SelectedWeek),Yearly(Enabled,RetentionPeriod,SelectedMonth)),SimpleRetentionPolicy(RetainCyc"
            "les,RetainDaysToKeep,RetainLimitType)),ReplicaJobInfo(Includes(ObjectInJob(ObjectInJobId,HierarchyObjRef,Name,"
            "DisplayName,Order,GuestProcessingOptions(AppAwareProcessingMode,FileSystemIndexingMode,IncludedIndexingFolders"
            ",ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions,WindowsGuestFSIndexingOptions,LinuxGuestFSIndexingOp"
            "tions,SqlBackupOptions,WindowsCredentialsId,LinuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(Backup"
            "LogsEnabled,BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHo"
            "urs,ArchivedLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect)))),GuestProcessingOptions(AppAwareProcessingMode,File"
            "SystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions,WindowsGue"
            "stFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBackupOptions,WindowsCredentialsId,LinuxCredentialsId,FSFil"
            "eExcludeOptions,OracleBackupOptions(BackupLogsEnabled,BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays,A"
            "rchivedLogsTruncation,ArchivedLogsMaxAgeHours,ArchivedLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect))),BackupCop"
            "yJobInfo(Includes(ObjectInJob(ObjectInJobId,HierarchyObjRef,Name,DisplayName,Order,GuestProcessingOptions(AppA"
            "wareProcessingMode,FileSystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSna"
            "pshotOptions,WindowsGuestFSIndexingOptions,LinuxGuestFSIndexingOptions,SqlBackupOptions,WindowsCredentialsId,L"
            "inuxCredentialsId,FSFileExcludeOptions,OracleBackupOptions(BackupLogsEnabled,BackupLogsFrequencyMin,UseDbBacku"
            "pRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHours,ArchivedLogsMaxSizeMb,SysdbaCredsId,Proxy"
            "AutoSelect)))),LinkedJobIncludes(LinkedJobObject(ObjectInJobId,LinkedJobUid)),AdvancedStorageOptions(PasswordK"
            "eyId),LinkedBackupIncludes),ImmediateBackupCopyJobInfo(LinkedJobIncludes(LinkedJobObject(ObjectInJobId,LinkedJ"
            "obUid)),LinkedBackupIncludes,LinkedBackupRepositoryIncludes(LinkedBackupRepository(ObjectInJobId,LinkedBackupR"
            "epositoryUid))))"
        ),
    ),
    (
        "POST",
        "jobs/{ID}/includes",
        "CreateObjectInJobSpec",
        (
            "HierarchyObjRef,HierarchyObjName,GuestProcessingOptions(AppAwareProcessingMode,FileSystemIndexingMode,Included"
            "IndexingFolders,ExcludedIndexingFolders,CredentialsId,VssSnapshotOptions(VssSnapshotMode,IsCopyOnly,UsePersist"
            "entGuestAgent),WindowsGuestFSIndexingOptions(FileSystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFo"
            "lders),LinuxGuestFSIndexingOptions(FileSystemIndexingMode,IncludedIndexingFolders,ExcludedIndexingFolders),Sql"
            "BackupOptions(TransactionLogsProcessing,BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays),WindowsCredent"
            "ialsId,LinuxCredentialsId,FSFileExcludeOptions(BackupScope,IncludeList,ExcludeList),OracleBackupOptions(Backup"
            "LogsEnabled,BackupLogsFrequencyMin,UseDbBackupRetention,RetainDays,ArchivedLogsTruncation,ArchivedLogsMaxAgeHo"
            "urs,ArchivedLogsMaxSizeMb,SysdbaCredsId,ProxyAutoSelect))"
        ),
    ),
    ("POST", "jobs/{ID}/linkedBackupRepositories", "", "LinkedBackupRepositoryUid"),
    ("POST", "jobs/{ID}/linkedJobs", "", "LinkedJobUid"),
    (
        "POST",
        "security/accounts",
        "EnterpriseAccountCreateSpec",
        (
            "AccountType,AccountName,Roles(EnterpriseRole(EnterpriseRoleUid)),AllowRestoreAllVms,HierarchyScopeObjects(Hier"
            "archyScopeItem(HierarchyObjRef,ObjectName)),FlrSettings(FlrInplaceOnly,FlrExtentionRestrictions),SqlSettings(D"
            "enyInPlaceRestore)"
        ),
    ),
    ("POST", "security/accounts?action=rebuildScope", "RebuildScopeJobSpec", "RebuildUnprocessed"),
    ("POST", "security/accounts/{ID}/roles", "EnterpriseAccountInRoleCreateSpec", "EnterpriseRoleUid"),
    ("POST", "security/accounts/{ID}/scopes", "HierarchyScopeCreateSpec", "HierarchyScopeItem(HierarchyObjRef,ObjectName)"),
    (
        "POST",
        "selfService/vSphere/Configs",
        "VSphereSelfServiceCreateSpec",
        (
            "AccountName,AccountType,RepositoryUid,QuotaGb,PerUser,TemplateJobUid,TemplateMode,JobSchedulerType,HighPriorit"
            "yJob,VCentersScope,Tags"
        ),
    ),
    (
        "PUT",
        "selfService/vSphere/Configs/{ID}",
        "VSphereSelfServiceConfig",
        (
            "BackupServerUid,RepositoryUid,QuotaGb,PerUser,Account(AccountName,AccountSid,AccountType),JobSettings(DefaultS"
            "ettings,JobSchedulerType,HighPriorityJob,TemplateJobUid),VCentersScope,Tags,UsedQuotaMb"
        ),
    ),
    (
        "POST",
        "vAppRestorePoints/{ID}?action=restore",
        "RestoreSpec",
        (
            "vCloudVAppRestoreSpec(PowerOnAfterRestore,HierarchyRootUid,OrgVdcRef,vAppNewName,VmsRestoreParameters(Vm(VmRes"
            "torePointUid,VmNewName,DatastoreRef,OrgVdcStorageProfileRef,LinkedCloneVmTemplateRef),VmRestorePointUid,VmNewN"
            "ame,DatastoreRef,OrgVdcStorageProfileRef,LinkedCloneVmTemplateRef),PowerOnAfter,HierarchyRoot)"
        ),
    ),
    (
        "POST",
        "vCloud/orgConfigs",
        "VCloudOrganizationConfigCreateSpec",
        (
            "OrganizationName,BackupServerUid,RepositoryUid,QuotaGb,TemplateJobUid,JobSchedulerType,HighPriorityJob,HostUid"
            ",RepositoryFriendlyName"
        ),
    ),
    (
        "PUT",
        "vCloud/orgConfigs/{ID}",
        "VCloudOrganizationConfig",
        (
            "BackupServerUid,RepositoryUid,QuotaGb,IsDisabled,JobSettings(DefaultSettings,JobSchedulerType,HighPriorityJob,"
            "CustomSettings,TemplateJobUid),HostUid,RepositoryFriendlyName"
        ),
    ),
    ("POST", "vmReplicaPoints/{ID}/mounts", "", "OsKind"),
    (
        "POST",
        "vmReplicaPoints/{ID}/mounts/{ID}/{filepath}?action=restore",
        "FileRestoreSpec",
        "ToOriginalLocation(GuestCredentials(UserName,Password)),ForDirectDownload",
    ),
    (
        "POST",
        "vmRestorePoints/{ID}?action=restore",
        "RestoreSpec",
        (
            "VmRestoreSpec(PowerOnAfterRestore,HierarchyRootUid,QuickRollback,KeepOriginalVM,VmRestoreParameters(VmRestoreP"
            "ointUid,VmNewName,DatastoreRef,OrgVdcStorageProfileRef,LinkedCloneVmTemplateRef),PowerOnAfter)"
        ),
    ),
    ("POST", "vmRestorePoints/{ID}/mounts", "", "OsKind"),
    (
        "POST",
        "vmRestorePoints/{ID}/mounts/{ID}/{filepath}?action=restore",
        "FileRestoreSpec",
        "ToOriginalLocation(GuestCredentials(UserName,Password)),ForDirectDownload",
    ),
)

# Element of a list in XML: its key in JSON.
LISTS: dict[str, str] = {
    "BackupResource": "BackupResources",
    "CloudGatewayPoolUid": "CloudGatewayPoolUids",
    "CloudGatewayUid": "CloudGatewayUids",
    "CloudTenantComputeResource": "CloudTenantComputeResources",
    "CloudTenantResource": "CloudTenantResources",
    "CloudTenantUid": "CloudTenantUids",
    "ComputeResource": "ComputeResources",
    "Datastore": "Datastores",
    "Day": "Days",
    "Days": "Days",
    "EnterpriseRole": "EnterpriseRoles",
    "HierarchyScopeItem": "HierarchyScopeItems",
    "Months": "Months",
    "StorageResourceStat": "StorageResourceStats",
    "VCloudComputeResource": "VCloudComputeResources",
    "Volume": "Volumes",
    "CloudFailoverPlanVm": "CloudFailoverPlanVms",
    "LinkedBackup": "LinkedBackups",
    "LinkedBackupRepository": "LinkedBackupRepositories",
    "LinkedJobObject": "LinkedJobObjects",
    "ObjectInJob": "ObjectInJobs",
    "Vm": "Vms",
}
# Element that holds texts: the element of each.
TEXTS: dict[str, str] = {
    "ExcludeList": "Path",
    "ExcludedIndexingFolders": "Path",
    "Tags": "Tag",
    "VCentersScope": "VCenterUid",
    "IncludeList": "Path",
    "IncludedIndexingFolders": "Path",
}
# Element: members that are its attributes.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "CloudSubtenant": ("Id",),
    "CloudTenantComputeResource": ("Id",),
    "CloudTenantResource": ("Id",),
    "Datastore": ("Id",),
    "Day": ("Name",),
    "GfsRetentionPolicy": ("Enabled",),
    "LongTermRetentionSchedule": ("Enabled",),
    "OptionsBackupWindow": ("Enabled",),
    "OptionsContinuous": ("Enabled",),
    "OptionsDaily": ("Enabled",),
    "OptionsDaisyChaining": ("Enabled",),
    "OptionsMonthly": ("Enabled",),
    "OptionsPeriodically": ("Enabled",),
    "RPOSchedule": ("Enabled",),
    "RepositoryQuota": ("Unlimited",),
    "ToOriginalLocation": ("Overwrite",),
    "Volume": ("Id",),
    "LeaseOptions": ("Enabled",),
}
