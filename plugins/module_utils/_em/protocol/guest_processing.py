# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guest processing options of an object in a job, as XML and JSON have them. Pure.

Source: Veeam reference, guestprocessingoptions and post_jobs_id_includes. XML needs the reference's order, wraps the texts of a
list in elements, and spells a few names in another way than JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import create_option_error
from .names import find_similar


class Member(NamedTuple):
    """A member: its name in XML, its name in JSON where that differs, and what it holds."""

    name: str
    json_name: str | None = None
    members: tuple[Member, ...] = ()
    is_list: bool = False  # of texts


def _create_members(*names: str) -> tuple[Member, ...]:
    return tuple(Member(name) for name in names)


_INDEXING = (
    Member("FileSystemIndexingMode"),
    Member("IncludedIndexingFolders", is_list=True),
    Member("ExcludedIndexingFolders", is_list=True),
)
_SQL = _create_members("TransactionLogsProcessing", "BackupLogsFrequencyMin", "UseDbBackupRetention", "RetainDays")
_EXCLUSION = (
    Member("BackupScope"),
    Member("IncludeList", "IncludeLists", is_list=True),
    Member("ExcludeList", "ExcludeLists", is_list=True),
)
_ORACLE = _create_members(
    *("BackupLogsEnabled", "BackupLogsFrequencyMin", "UseDbBackupRetention", "RetainDays", "ArchivedLogsTruncation"),
    *("ArchivedLogsMaxAgeHours", "ArchivedLogsMaxSizeMb", "SysdbaCredsId", "ProxyAutoSelect"),
)
MEMBERS = (
    Member("VssSnapshotOptions", members=_create_members("VssSnapshotMode", "IsCopyOnly", "UsePersistentGuestAgent")),
    Member("WindowsGuestFSIndexingOptions", members=_INDEXING),
    Member("LinuxGuestFSIndexingOptions", members=_INDEXING),
    Member("SqlBackupOptions", members=_SQL),
    Member("WindowsCredentialsId"),
    Member("LinuxCredentialsId"),
    Member("FSFileExcludeOptions", "FsFileExcludeOptions", members=_EXCLUSION),
    Member("OracleBackupOptions", members=_ORACLE),
)


def create_guest_processing(option: str, given: Mapping[str, Any], *, is_xml: bool) -> dict[str, Any]:
    """Return the options as a request carries them: names in the reference's spelling, in its order.

    Names are compared case-insensitively. Raise ``invalid_option`` for a name that the reference does not have: a server may
    ignore it silently.
    """
    return _create(option, given, MEMBERS, is_xml)


def _create(option: str, given: object, members: tuple[Member, ...], is_xml: bool) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise create_option_error(option, given, f"give a dictionary with {_list_names(members)}")
    by_name = {name.lower(): member for member in members for name in (member.name, member.json_name) if name}
    values: dict[Member, Any] = {}
    for name, value in given.items():
        member = by_name.get(str(name).lower())
        if member is None:
            similar = find_similar(str(name), (one.name for one in members))
            hint = f"did you mean {similar[0]}" if similar else f"there is {_list_names(members)}"
            raise create_option_error(f"{option}.{name}", value, f"the reference has no such member; {hint}")
        if value is not None:
            values[member] = _create_value(f"{option}.{name}", value, member, is_xml)
    return {
        (member.name if is_xml else member.json_name or member.name): values[member] for member in members if member in values
    }


def _create_value(option: str, value: object, member: Member, is_xml: bool) -> Any:
    if member.members:
        return _create(option, value, member.members, is_xml)
    if member.is_list:
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, (Mapping, list)) for text in texts):
            raise create_option_error(option, value, "give a list of texts")
        return {"Path": [str(text) for text in texts]} if is_xml else [str(text) for text in texts]
    if isinstance(value, (Mapping, list)):
        raise create_option_error(option, value, "give a single value")
    return value


def _list_names(members: tuple[Member, ...]) -> str:
    return ", ".join(member.name for member in members)
