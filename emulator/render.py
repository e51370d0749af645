# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both renderers share: links' base, dates, and the choice between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime

from .document import Obj, Paging
from .switches import Switches

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# The lists a JSON QueryResult names, null but for the one that was asked for: as recorded of versions 12 and 13, slips of the
# pen included, and then those that nobody has recorded (wire-facts 1.2).
ENTITY_LISTS = (
    "Jobs",
    "FailoverPlans",
    "Backups",
    "Replicas",
    "Repositories",
    "RestorePoints",
    "VmRestorePoints",
    "VAppRestorePoints",
    "VmReplicaPoints",
    "BackupJobSessions",
    "ReplicaJobSessions",
    "ReplicaTaskSessions",
    "RestoreSessions",
    "HierarchyRoots",
    "BackupTaskSessions",
    "BackupServers",
    "ManagedServers",
    "EnterpiseRoles",
    "EnterpiseAccounts",
    "WanAccelerators",
    "CloudGateways",
    "CloudTenants",
    "CloudReplicas",
    "VCloudOrganizationConfigs",
    "BackupFiles",
    "VSphereSelfServiceConfigs",
    "CloudPublicIps",
    "CloudHardwarePlans",
    "CloudVmReplicaPoints",
    "AgentRestorePoints",
    "AgentBackupJob",
    "CloudGatewayPools",
    "CloudFailoverPlans",
    "ExternalRepositories",
    "VlanConfigurations",
    "CloudFailoverSessions",
    "AgentProtectionGroups",
    "DiscoveredComputers",
    "FileServers",
    "NASJobs",
    "CdpReplicas",
    "CdpReplicaVms",
    "CdpPolicies",
    "CdpReplicaSessions",
    "CdpReplicaTaskSessions",
    "VAppReplicaPoints",
    "VmCdpReplicas",
    "VAppCdpReplicas",
    "VAppCdpReplicaVms",
    "SystemSessions",
    "CloudSubtenants",
    "NASObjects",
    "ObjectsInAgentBackupJob",
)
RESOURCE_LISTS = (
    "Files",
    "Directories",
    "Tasks",
    "CredentialsList",
    "sInObjectJob",
    "AccountRole",
    "AccountHierarchyScope",
    "PasswordKeyInfoList",
)


# What stands for "never" where a date is required: SQL Server's first day, OLE's, .NET's (wire-facts 2, issue 16).
NEVER_DATES = {
    "1753": "1753-01-01T00:00:00Z",
    "1899": "1899-12-30T00:00:00Z",
    "1900": "1900-01-01T00:00:00Z",
    "0001": "0001-01-01T00:00:00Z",
}


def odd_url(start: str, path: str, how: str) -> str:
    """Return a URL that leads to the same place, or nowhere, in a way that clients may not expect (issue 15)."""
    rest = path.removeprefix("/api")
    if how == "blank":
        return f" {start}{path.replace('+', ' ')} "
    forms = {"dots": f"/api/..{path}", "outside": f"/api/../admin{rest}", "double": f"/{path}", "no_api": rest}
    return start + forms[how]


class Renderer(ABC):
    """Turns resources into the text of one format, for one base URL, version and set of switches."""

    content_type: str

    def __init__(self, base: str, switches: Switches) -> None:
        self.base = base
        self.switches = switches
        self.milliseconds = switches.version == 12
        self._start = base + (switches.base_path.rstrip("/") if switches.base_path_in_links else "")
        self._odd_links = switches.odd_links
        self._never = NEVER_DATES[switches.never_date]

    def url(self, path: str) -> str:
        """Return the URL of a path on this server; the switches may want an odd one."""
        if self._odd_links == "plain":
            return self._start + path
        return odd_url(self._start, path, self._odd_links)

    def date(self, moment: datetime) -> str:
        """Print a date as this version does: 12 has milliseconds, 13 microseconds, zeros at the end are dropped."""
        if moment.year == 1753:
            return self._never
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = f"{moment.microsecond:06d}"
        if self.milliseconds:
            fraction = fraction[:3]
        fraction = fraction.rstrip("0")
        return f"{text}.{fraction}Z" if fraction else f"{text}Z"

    @property
    def stack_trace(self) -> str | None:
        """The stack trace of an error, if the switches want one."""
        return (
            "   at Veeam.Emulated.Controller.Handle()\r\n   at Veeam.Emulated.Host.Run()" if self.switches.stack_trace else None
        )

    @abstractmethod
    def fragment(self, obj: Obj) -> str:
        """Return one resource, to be put in a list."""

    @abstractmethod
    def root(self, obj: Obj) -> str:
        """Return one resource as a document of its own."""

    @abstractmethod
    def collection(self, name: str, fragments: Sequence[str], paging: Paging | None = None, inner: str | None = None) -> str:
        """Return the document of a collection URL; `inner` is the array's name in JSON, where it is another."""

    @abstractmethod
    def query_result(self, container: str, outer: str, inner: str, fragments: Sequence[str], paging: Paging) -> str:
        """Return the document of the query service; `container` is Refs, Entities or Resources."""

    @abstractmethod
    def error(self, status: int, message: str) -> str:
        """Return an Error document."""
