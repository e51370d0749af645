# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files within restore points: mounts, their directories, the catalogue, and the restore of one file (wire-facts 14)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .document import Link, Many, Obj
from .entity import Plain
from .errors import ApiError
from .exchange import Reply, Request
from .locate import Place
from .restores import session_link, start_session
from .writes import Handler, Write

if TYPE_CHECKING:
    from .api import Api

STARTED = "Restore operations started successfully."
# The files of every machine: directories end with a slash.
FILES = (
    "C:/",
    "C:/Documents/",
    "C:/Documents/Invoice1.docx",
    "C:/Documents/Invoice2.docx",
    "C:/Documents/Old/",
    "C:/Documents/Old/2019 & before.txt",
    "E:/",
    "E:/data.bin",
)
_MODIFIED = datetime(2025, 8, 14, 17, 13, 36, tzinfo=timezone.utc)


def _children(path: str) -> list[str]:
    """Return what is in a directory, by full path."""
    folder = "" if path in ("", "/") else f"{path.rstrip('/')}/"
    return [one for one in FILES if one.startswith(folder) and one != folder and "/" not in one[len(folder) :].rstrip("/")]


def _directory(base: str, path: str) -> Obj:
    at = f"{base}/{path.rstrip('/')}"
    links = [
        Link("Down", f"{at}?action=listAll", "FileSystemItemsList"),
        Link("Down", f"{at}?action=listFiles&pageSize=10&page=1", "FileEntryList"),
        Link("Down", f"{at}?action=listDirs&pageSize=10&page=1", "DirectoryEntryList"),
    ]
    name = path.rstrip("/").rpartition("/")[2]
    return Obj(
        "DirectoryEntry", members=[("Path", path.rstrip("/")), ("Name", name)], links=links, path=at, type="DirectoryEntry"
    )


def _file(base: str, path: str) -> Obj:
    members: list[tuple[str, str | int | datetime]] = [
        ("Path", path),
        ("Name", path.rpartition("/")[2]),
        ("Size", 16896000),
        ("Owner", "Administrators"),
        ("ModifiedDateUTC", _MODIFIED),
    ]
    at = f"{base}/{path}"
    return Obj("FileEntry", members=members, links=[Link("Restore", f"{at}?action=restore")], path=at, type="FileEntry")


def file_system(api: Api, request: Request, base: str, path: str) -> Reply:
    """Answer for a directory or a file; a directory's contents are asked for by an action."""
    wanted = unquote(path).strip("/")
    renderer = api.renderer(request)
    action = (request.parameter("action") or "").lower()
    is_directory = not wanted or f"{wanted}/" in FILES
    if not is_directory and wanted not in FILES:
        raise ApiError(api.switches.unknown_resource, f"File [{wanted}] does not exist.")
    if is_directory and action in ("listall", "listfiles", "listdirs"):
        inside = _children(wanted)
        files = [_file(base, one) for one in inside if not one.endswith("/")] if action != "listdirs" else []
        folders = [_directory(base, one) for one in inside if one.endswith("/")] if action != "listfiles" else []
        members = [("Files", Many(files, "FileEntries")), ("Directories", Many(folders, "DirectoryEntries"))]
        links = [Link("Up", f"{base}/{wanted}", "DirectoryEntry")]
        return api.text(request, renderer.root(Obj("FileSystemEntries", members=members, links=links)))
    entry = _directory(base, wanted) if is_directory else _file(base, wanted)
    return api.text(request, renderer.root(Obj("FileSystemEntry", members=[(entry.element, entry)])))


def mounted_files(api: Api, request: Request, place: Place) -> Reply:
    """Answer for what is below a mount."""
    assert place.row is not None
    return file_system(api, request, place.row.entity_path, "/".join(place.rest))


def mount(write: Write) -> Reply:
    """Mount a restore point; its files can be seen when the task has ended."""
    world, place = write.world, write.place
    point = place.owner
    assert isinstance(point, Plain)
    number = str(len(world.children(place.spec.name, point)) + 1)
    row = world.make_row(place.spec.name, number, number, owner=point)
    row.inner["fsroots"] = Many([_directory(row.reference_path, one) for one in ("C:", "E:")], "DirectoryEntries")
    kind = (write.operation.related or ("", None))[1] or place.spec.name
    return write.task(True, "Ok", Link("Related", row.reference_path, kind), lambda: world.put_row(row))


def restore_file(write: Write) -> Reply:
    """Restore a file from a mount, to where it was or for download."""
    world, mounted = write.world, write.row
    assert isinstance(mounted, Plain)
    path = unquote(write.ids[-1]).strip("/")
    if path not in FILES and f"{path}/" not in FILES:
        raise ApiError(write.api.switches.unknown_resource, f"File [{path}] does not exist.")
    if "ToOriginalLocation" not in write.body:
        return write.task(True, "Ok", Link("Download", f"{mounted.reference_path}/{write.ids[-1]}?action=download"))
    point = mounted.owner
    assert isinstance(point, Plain)
    machine = str(point.data.get("vmdisplayname") or point.data.get("computername") or point.name)
    server = next((one for one in world.servers if one.uid == point.data.get("backupserveruid")), world.server())
    session = start_session(world, server, f"FLR_[{machine}]", kind="FileLevelRestore", point=point)
    return write.task(True, STARTED, session_link(session))


def unmount(write: Write) -> Reply:
    """Take a mount away."""
    return write.done(lambda: write.world.remove_row(write.row))


HANDLERS: dict[str, Handler] = {
    "post_agents_agentrestorepoints_id_mounts": mount,
    "delete_agents_agentrestorepoints_id_mounts_id": unmount,
    "post_agents_agentrestorepoints_id_mounts_id_filepath_actionrestore": restore_file,
}
for _kind in ("vmrestorepoints", "vmreplicapoints"):
    HANDLERS[f"post_{_kind}_id_mountpoints"] = mount
    HANDLERS[f"delete_{_kind}_id_mountpoints_id"] = unmount
    HANDLERS[f"post_{_kind}_id_mountpoints_id_filepath_actionrestore"] = restore_file
