# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the table of query types from the vendor's reference.

Usage: ``python dev/make_query_types.py FOLDER`` with the folder of the reference's pages as Markdown (docs/em_rest of
github.com/comnam90/veeam-docs-vbr-dump). Only names, types and values are taken. It writes the collection's table,
``plugins/module_utils/_em/protocol/query_types.py``; the page that lists it, ``docs/docsite/rst/query_types.rst``; and the same
facts as data for the emulator and the tests, ``emulator/reference_types.json``, so that neither has to believe the
other.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "plugins" / "module_utils" / "_em" / "protocol" / "query_types.py"
PAGE = ROOT / "docs" / "docsite" / "rst" / "query_types.rst"
DATA = ROOT / "emulator" / "reference_types.json"

KINDS = {
    "UidType": "uid",
    "DateTime": "date",
    "Boolean": "bool",
    "Long": "number",
    "Int64": "number",
    "Int": "number",
    "Double": "number",
}
# Where the reference itself slips: a type's page is filed under another name, or the name is spelt with another case.
SPELLING = {"vAppRestorePoint": "VAppRestorePoint", "vAppReplicaPoint": "VAppReplicaPoint"}
# States and results compare by their order on the page; a plain choice of words has no order that anybody could know.
RANKED = ("State", "Result")


class Field(NamedTuple):
    """A field to filter and sort by: its name, kind, and values in rank order where they are enumerated."""

    name: str
    type: str
    values: tuple[str, ...]


def read_table(page: str, *heads: str) -> list[list[str]]:
    """Return the rows of the first table whose head begins with these columns."""
    rows: list[list[str]] = []
    inside = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            if inside and rows:
                break
            inside = False
        elif cells[: len(heads)] == list(heads):
            inside = True
        elif inside and set(cells[0]) != {"-"}:
            rows.append(cells)
    return rows


def read_values(text: str) -> tuple[str, ...]:
    """Return the values that a description enumerates, in its order."""
    match = re.search(r"(?:Possible values?|status):?\s+\*\s(.*)$", text)
    if not match:
        return ()
    items = re.split(r"\s+\*\s", match[1])
    words = [re.split(r"\s[—-]\s|\s", item.strip())[0].strip(".;,") for item in items]
    return tuple(word for word in words if re.fullmatch(r"[A-Za-z0-9_]+", word))


def read_fields(page: str) -> list[Field]:
    """Return the fields that a page says can be filtered by."""
    fields = []
    for name, kind, about, *_rest in read_table(page, "Parameter", "Type", "Description"):
        values = read_values(about)
        known = KINDS.get(kind)
        if known is None or (known == "bool" and {value.lower() for value in values} - {"true", "false"}):
            known = "enum" if values and name in RANKED else "choice" if values else "text"
        fields.append(
            Field(name.replace("BackupServerUId", "BackupServerUid"), known, values if known in ("enum", "choice") else ())
        )
    return fields


def read_types(folder: Path) -> dict[str, list[Field]]:
    """Return the types of the query service, by name, with their fields."""
    types = {}
    for path in sorted(folder.glob("get_query_*.md")):
        page = path.read_text(encoding="utf-8")
        match = re.search(r"^# GET /query\?type=(\w+)", page, re.MULTILINE)
        if match:
            types[SPELLING.get(match[1], match[1])] = read_fields(page)
    return dict(sorted(types.items()))


def read_lists(folder: Path) -> dict[str, str]:
    """Return the name of the list of each element, such as Jobs for Job, by the element's name in lower case."""
    page = (folder / "mapping_link_types_to_xml_schema.md").read_text(encoding="utf-8")
    kinds = dict(re.findall(r'<xs:element name="(\w+)" type\s*="(\w+)"', page))
    lists = {}
    for name, kind in kinds.items():
        stem = kind.removesuffix("Type")
        element = next((one for one, of in kinds.items() if of in (stem.removesuffix("List") + "Type",)), None)
        if stem.endswith("List") and element:
            lists[element.lower()] = name
    return lists


def read_dates(folder: Path) -> list[str]:
    """Return the names of all elements and parameters that hold a date, wherever in the reference they occur."""
    names = set()
    for path in folder.glob("*.md"):
        names |= set(re.findall(r"^\| (\w+) \| DateTime \|", path.read_text(encoding="utf-8"), re.MULTILINE))
    return sorted(names)


def print_table(types: dict[str, list[Field]], lists: dict[str, str], dates: list[str], version: str) -> str:
    """Print the table as Python."""
    head = "".join(Path(__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:3])
    lines = [
        head,
        '"""The types of the query service with the fields to filter and sort by, and what holds dates.',
        "",
        f"Made by dev/make_query_types.py from the vendor's reference, version {version}; do not edit.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "# Type: its list in a QueryResult, and its fields: name, type, values (of an enum in rank order).",
        "QUERY_TYPES: dict[str, tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]]] = {",
    ]
    for name, fields in types.items():
        lines += [f'    "{name}": (', f'        "{lists.get(name.lower(), "")}",', "        ("]
        lines += [f"            {(field.name, field.type, field.values)!r}," for field in fields]
        lines += ["        ),", "    ),"]
    lines += ["}", "", "# Names of the elements that hold dates, wherever they occur.", "DATES = frozenset(", "    {"]
    lines += [f'        "{name}",' for name in dates]
    lines += ["    }", ")", ""]
    return "\n".join(lines)


def print_page(types: dict[str, list[Field]], version: str) -> str:
    """Print the page of the documentation that lists the types and their fields."""
    lines = [
        "..",
        *(f"  {line.removeprefix('# ')}" for line in Path(__file__).read_text(encoding="utf-8").splitlines()[:3]),
        "",
        ".. _ansible_collections.vbem.rest.docsite.query_types:",
        "",
        "Query types and their fields",
        "============================",
        "",
        "What :ansplugin:`vbem.rest.veeam_query_info#module` and the lookup check a query against.",
        "Made by ``dev/make_query_types.py`` from the",
        f"vendor's reference, version {version}. Values of an enumeration are in rank order, the least first.",
        "",
    ]
    for name, fields in types.items():
        lines += [name, "-" * len(name), "", ".. list-table::", "   :header-rows: 1", "   :widths: 30 15 55", ""]
        lines += ["   * - Field", "     - Kind", "     - Values"]
        for field in fields:
            lines += [f"   * - {field.name}", f"     - {field.type}", f"     - {', '.join(field.values)}".rstrip()]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the table and the data."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    types, lists = read_types(folder), read_lists(folder)
    page = (folder / "query_type.md").read_text(encoding="utf-8")
    version = (re.search(r'product_version: "([^"]+)"', page) or ["", "unknown"])[1]
    TABLE.write_text(print_table(types, lists, read_dates(folder), version), encoding="utf-8")
    PAGE.write_text(print_page(types, version), encoding="utf-8")
    data = {
        name: {"list": lists.get(name.lower(), ""), "fields": [field._asdict() for field in fields]}
        for name, fields in types.items()
    }
    DATA.write_text(json.dumps({"version": version, "types": data}, indent=1) + "\n", encoding="utf-8")
    print(f"{len(types)} types, {sum(map(len, types.values()))} fields, reference {version}")
    for name in re.findall(r"^\* \[(\w+)\]", page, re.MULTILINE):
        if SPELLING.get(name, name).lower() not in (known.lower() for known in types):
            print(f"listed without a page of its own: {name}")
    for name in types:
        if not lists.get(name.lower()):
            print(f"without a known list: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
