# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the tables of changing operations from the vendor's reference: for the emulator, the collection and the documentation.

Usage: ``python dev/make_operations.py [FOLDER]`` with the folder of the reference's pages as Markdown (docs/em_rest of
github.com/comnam90/veeam-docs-vbr-dump). Only names, addresses, status codes and field lists are taken. What the pages leave
out or get wrong is in ``dev/operations_overlay.json``, each entry with its source. It writes
``emulator/reference_operations.json``, and from that ``plugins/module_utils/_em/protocol/operations.py`` and
``docs/docsite/rst/operations.rst``; without a folder only the latter two.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # nosec B405 # of the reference, on the machine of whoever makes the table

ROOT = Path(__file__).resolve().parent.parent
OVERLAY = ROOT / "dev" / "operations_overlay.json"
DATA = ROOT / "emulator" / "reference_operations.json"
MODULE = ROOT / "plugins" / "module_utils" / "_em" / "protocol" / "operations.py"
PAGE = ROOT / "docs" / "docsite" / "rst" / "operations.rst"
MAX_LINE = 128
LICENCE = (
    "Copyright: (c) 2026, vbem.rest contributors",
    "GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)

ADMINISTRATOR, PORTAL_USER, RESTORE_OPERATOR = "Portal Administrator", "Portal User", "Restore Operator"
ROLE_ROWS = {"Portal User": PORTAL_USER, "VM Restore Operator": RESTORE_OPERATOR}
PLATFORMS = {"VMware vSphere": "VMware", "VMware Cloud Director": "vCloud", "Microsoft Hyper-V": "Hyperv"}
KINDS = {"Boolean": "bool", "Bool": "bool", "Int": "int", "Int64": "int", "Long": "int", "UShort": "int", "DateTime": "date"}
OWN_ATTRIBUTES = ("Href", "Type")
ENTITY_ATTRIBUTES = ("Name", "UID", "BackupServerUid")  # of the root of a body that edits
REQUEST_BODY, ANSWER = r"\| (?:Request:.*?Request Body:\s+)?", r"(?:\s+Response:.*)? \|"
READS = re.compile(r"action=(browse|intervals)$")  # a POST that changes nothing


def clean(page: str) -> str:
    """Return a page without the scraper's escapes and odd spaces."""
    return page.replace("\\_", "_").replace("\u00a0", " ").replace("\u200b", "")


# What the examples show


def read_xml(page: str) -> list[ET.Element]:
    """Return the XML examples of request bodies, whole ones and fragments."""
    found = []
    for text in re.findall(
        r"\| (?:Request:.*?Request Body:\s+)?((?:<\?xml[^>]*\?>\s*)?<[A-Za-z].*?>)(?:\s+Response:.*)? \|", page
    ):
        try:
            element = ET.fromstring(text)  # nosec B314 # see above
        except ET.ParseError:
            continue  # cut short by the scraper
        for each in element.iter():
            each.tag = each.tag.partition("}")[2] or each.tag
        if element.tag != "Task":
            found.append(element)
    return found


def read_json(page: str) -> list[dict[str, Any]]:
    """Return the JSON examples, fragments with braces around them."""
    found = []
    for text in re.findall(REQUEST_BODY + r'((?:\{|"[A-Z]).*?)' + ANSWER, page):
        whole = text if text.startswith("{") else "{" + text + "}"
        try:
            found.append(json.loads(re.sub(r'"\s+"', '", "', whole)))  # a comma is missing in two of them
        except ValueError:
            continue
    return found


class Shapes:
    """How bodies in XML and in JSON correspond, gathered from all examples."""

    def __init__(self) -> None:
        self.children: defaultdict[str, set[str]] = defaultdict(set)
        self.attributes: defaultdict[str, set[str]] = defaultdict(set)
        self.arrays: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, elements: list[ET.Element], objects: list[dict[str, Any]]) -> None:
        """Learn from the examples of one page."""
        for element in elements:
            for each in element.iter():
                names = set(each.attrib) - set(OWN_ATTRIBUTES)
                self.attributes[each.tag] |= names - (set(ENTITY_ATTRIBUTES) if each is element else set())
                self.children[each.tag] |= {child.tag for child in each}
        for one in objects:
            self._add_json(one)

    def _add_json(self, value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._add_json(inner, name)
        elif isinstance(value, list):
            for item in value:
                self.arrays[key].add("object" if isinstance(item, dict) else "text")
                self._add_json(item)

    def as_dict(self) -> dict[str, Any]:
        """Return lists (element: JSON key), strings (element: element within) and attributes, each by element."""
        lists, strings = {}, {}
        for key, kinds in sorted(self.arrays.items()):
            for kind in sorted(kinds):
                tag = key if key in self.children and kind == "text" else key.removesuffix("s")
                inside = self.children.get(tag)
                if inside is None:
                    print(f"no element for the JSON array {key} of {kind}s")
                elif kind == "text" and inside:
                    (strings[tag],) = inside
                else:
                    lists[tag] = key
        attributes = {tag: sorted(names) for tag, names in sorted(self.attributes.items()) if names}
        return {"lists": lists, "strings": strings, "attributes": attributes}


def read_tables(page: str) -> list[list[tuple[str, str, bool]]]:
    """Return the tables of elements: name, kind, and whether it is required."""
    tables = []
    for rows in re.findall(r"\| Element \|[^\n]*\n\| ---[^\n]*\n((?:\|[^\n]*\n)+)", page):
        cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows.strip().splitlines()]
        tables.append([(row[0].replace(" ", ""), KINDS.get(row[1], "text"), row[-1].startswith("1/")) for row in cells])
    return tables


def merge_order(first: list[str], second: list[str]) -> list[str]:
    """Return the names of both, in the order of the first, what only the second has after its neighbour there."""
    merged, places = list(first), {name.lower(): name for name in first}
    for index, name in enumerate(second):
        if name.lower() not in places:
            neighbours = [places[known.lower()] for known in reversed(second[:index]) if known.lower() in places]
            merged.insert(merged.index(neighbours[0]) + 1 if neighbours else len(merged), name)
            places[name.lower()] = name
    return merged


class Members:
    """The members of one page's body, as a tree in the schema's order."""

    def __init__(self, page: str, root: str | None, shapes: dict[str, Any], orders: dict[str, list[str]]) -> None:
        self._shapes = shapes
        self._tables = read_tables(page)
        self._items = {key: element for element, key in shapes["lists"].items() if element != "Day"}
        self._order: dict[str, list[str]] = {}
        elements = read_xml(page)
        # Whole bodies lead, then fragments in XML, then JSON, whose order is the same but for attributes.
        for element in sorted(elements, key=lambda one: one.tag != root):
            for each in element.iter():
                names = list(dict.fromkeys(child.tag for child in each))
                self._order[each.tag] = merge_order(self._order.get(each.tag, []), names)
        for one in read_json(page):
            name, value = next(iter(one.items()))
            is_fragment = len(one) == 1 and isinstance(value, dict) and name not in self._order.get(root or "", ())
            self._learn("" if is_fragment else root or "", one)
        for name in [name for name in self._order if set(orders.get(name, ())) & set(self._order[name])]:
            self._order[name] = merge_order(orders[name], self._order[name])
        self._orders = orders

    def _learn(self, element: str, value: dict[str, Any]) -> None:
        """Learn from an object in JSON."""
        attributes = {*OWN_ATTRIBUTES, *(ENTITY_ATTRIBUTES if "UID" in value else ()), "Links", "xmlns"}
        attributes |= set(self._shapes["attributes"].get(element, ()))
        known = {name.lower(): name for name in self._order.get(element, [])}
        names = {key: self._name(key, inner) for key, inner in value.items() if key not in attributes}
        names = {key: known.get(name.lower(), name) for key, name in names.items()}
        self._order[element] = merge_order(self._order.get(element, []), list(names.values()))
        for key, name in names.items():
            inner = value[key]
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, dict) and name != "Day":
                    self._learn(name, item)

    def _name(self, key: str, value: Any) -> str:
        """Return the name of the element that holds what JSON has under this key."""
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "Day" if key == "Days" else self._items.get(key, key)
        if isinstance(value, list) and key.removesuffix("s") in self._shapes["strings"]:
            return key.removesuffix("s")
        return self._items.get(key, key) if isinstance(value, list) else key

    def tree(self, root: str, depth: int = 0) -> list[dict[str, Any]]:
        """Return the members of an element."""
        names = list(self._order.get(root) or self._orders.get(root) or ())
        known = self._find_table(names)
        if depth == 0 and not names and self._tables:  # no example of a body at all
            known = {name: (kind, required) for name, kind, required in self._tables[0]}
        if not names or 2 * len({name.lower() for name in known} & {name.lower() for name in names}) >= len(known):
            names = merge_order(names, list(known))
        facts = {name.lower(): fact for name, fact in known.items()}
        members = []
        for name in names:
            kind, required = facts.get(name.lower(), ("text", False))
            member: dict[str, Any] = {"name": name, "kind": kind, "required": required}
            if self._shapes["attributes"].get(name):
                member["attributes"] = self._shapes["attributes"][name]
            inner = self.tree(name, depth + 1) if depth < 8 and name not in self._shapes["strings"] else []
            if inner:
                member["members"] = inner
                del member["kind"]
            members.append(member)
        return members

    def _find_table(self, names: list[str]) -> dict[str, tuple[str, bool]]:
        """Return the table that tells of these names: the one that has most of them."""
        wanted = {name.lower() for name in names}
        best: dict[str, tuple[str, bool]] = {}
        for table in self._tables:
            known = {name: (kind, required) for name, kind, required in table}
            if len(wanted & {name.lower() for name in known}) > len(wanted & {name.lower() for name in best}):
                best = known
        return best


def relax(members: list[dict[str, Any]], elements: list[ET.Element]) -> None:
    """Take back what a table requires and a whole example leaves out: the example counts for more."""
    for member in members:
        for element in elements:
            names = {child.tag.lower() for child in element}
            if member["name"].lower() not in names:
                member["required"] = False
        inner = [child for element in elements for child in element if child.tag.lower() == member["name"].lower()]
        if inner and "members" in member:
            relax(member["members"], inner)


# One page


def read_operation(name: str, page: str, shapes: dict[str, Any], orders: dict[str, list[str]]) -> dict[str, Any] | None:
    """Return the operation that a page describes."""
    line = re.search(r"^\| (POST|PUT|DELETE) https://\S+?:9398(?:/api)?/(\S*) \|$", page, re.MULTILINE)
    if line is None:
        return None
    address, _mark, query = line[2].partition("?")
    status = re.search(r"response code (\d+)", page)
    example = re.search(r"Response:\s+(\d{3})", page)
    operation = re.search(r"<Operation>(\w+)</Operation>", page)
    link = re.search(r'<Link Rel="(Related|Download)"([^>]*)>', page)
    kind = re.search(r'Type="(\w+)"', link[2]) if link else None
    supported = re.search(r"Supported Platforms\n(.*?)\nRequest", page, re.DOTALL)
    platforms = [PLATFORMS[found] for found in re.findall(r"^\* (.+)$", supported[1], re.MULTILINE)] if supported else []
    action = re.match(r"action=(\w+)$", query)
    return {
        "method": line[1],
        "path": address.strip("/"),
        "action": action[1] if action else None,
        "status": int(status[1]) if status else 200,
        "example_status": int(example[1]) if example else None,
        "operation": operation[1] if operation else None,
        "related": {"rel": link[1], "type": kind[1] if kind else None} if link else None,
        "platforms": platforms,
        "reads": bool(READS.search(query)),
        "body": read_body(page, shapes, orders),
        "page": name,
    }


def read_body(page: str, shapes: dict[str, Any], orders: dict[str, list[str]]) -> dict[str, Any] | None:
    """Return the body of a page: root element and members in order."""
    part = page.partition("\nRequest Body\n")[2]
    if re.match(r"\s*None\.", part) or "| Element |" not in page:
        return None
    match = re.search(r"Request Body:\s+(?:<\?xml[^>]*\?>\s*)?<(\w+)", page)
    root = match[1] if match else None
    members = Members(page, root, shapes, orders).tree(root or "")
    relax(members, [element for element in read_xml(page) if element.tag == root])
    return {"root": root, "members": members}


# Roles


def read_roles(page: str) -> dict[str, dict[str, list[list[str]]]]:
    """Return for each role what it may ask and what not: pairs of method and address, `*` and a prefix for all below it."""
    roles = {}
    for row in page.splitlines():
        cells = [cell.strip() for cell in row.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] in ROLE_ROWS:
            roles[ROLE_ROWS[cells[0]]] = {"allowed": read_rules(cells[1]), "refused": read_rules(cells[2])}
    return roles


def read_rules(cell: str) -> list[list[str]]:
    """Return the rules of one cell."""
    rules = []
    for text, rest in re.findall(r"\[([^\]]+)\]\([^)]*\)(\s*\(all\))?", cell):
        method, _space, address = text.rpartition(" ")
        if method:
            rules.append([method, address.strip("/")])
        elif rest:
            rules.append(["*", address.strip("/")])
    return rules


def may_ask(rules: dict[str, list[list[str]]], method: str, address: str) -> bool:
    """Return whether a role may ask this; what the table does not mention, it may not change."""
    for verb, prefix in rules["allowed"]:
        if verb == method and address.lower() == prefix.lower():
            return True
        if verb == "*" and (address.lower() + "/").startswith((prefix.lower() + "/", prefix.lower() + "?")):
            return [method, address] not in rules["refused"]
    return False


# What is made of it


def print_address(operation: dict[str, Any]) -> str:
    """Return the address below /api, with the action."""
    return str(operation["path"]) + (f"?action={operation['action']}" if operation["action"] else "")


def print_tree(members: list[dict[str, Any]]) -> str:
    """Return the names of members in order, what is within them in parentheses."""
    return ",".join(one["name"] + (f"({print_tree(one['members'])})" if one.get("members") else "") for one in members)


def print_module(data: dict[str, Any]) -> str:
    """Return the module of the collection that knows how bodies are written in XML."""
    shapes = data["shapes"]
    lines = [
        *(f"# {line}" for line in LICENCE),
        "",
        '"""The operations that change something: address, XML root element and members of the body in the schema\'s order.',
        "",
        f"Made by dev/make_operations.py from the vendor's reference, version {data['version']}; do not edit.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "# Method, address below /api, root element (empty where the reference prints none), and members of each body.",
        "BODIES: tuple[tuple[str, str, str, str], ...] = (",
    ]
    for one in data["operations"]:
        if one["body"]:
            lines += _print_entry(
                one["method"], print_address(one), one["body"]["root"] or "", print_tree(one["body"]["members"])
            )
    lines += [")", ""]
    lines += ["# Element of a list in XML: its key in JSON.", "LISTS: dict[str, str] = {"]
    lines += [f"    {json.dumps(name)}: {json.dumps(key)}," for name, key in shapes["lists"].items()]
    lines += ["}", "# Element that holds texts: the element of each.", "TEXTS: dict[str, str] = {"]
    lines += [f"    {json.dumps(name)}: {json.dumps(inner)}," for name, inner in shapes["strings"].items()]
    lines += ["}", "# Element: members that are its attributes.", "ATTRIBUTES: dict[str, tuple[str, ...]] = {"]
    lines += [
        f"    {json.dumps(name)}: ({', '.join(map(json.dumps, names))},)," for name, names in shapes["attributes"].items()
    ]
    return "\n".join([*lines, "}", ""])


def _print_entry(*fields: str) -> list[str]:
    """Return a tuple of strings on as many lines as it needs."""
    line = f"    ({', '.join(json.dumps(field) for field in fields)}),"
    if len(line) <= MAX_LINE:
        return [line]
    *first, last = fields
    parts = [last[at : at + 110] for at in range(0, len(last), 110)]
    shown = (
        [f'        "{last}",'] if len(parts) == 1 else ["        (", *(f'            "{part}"' for part in parts), "        ),"]
    )
    return ["    (", *(f"        {json.dumps(field)}," for field in first), *shown, "    ),"]


# Operations that modules do: method and address, module, option.
DONE_BY: dict[tuple[str, str], tuple[str, str]] = {
    ("POST", "sessionMngr"): ("veeam_session", "state: present"),
    ("DELETE", "logonSessions/{ID}"): ("veeam_session", "state: absent"),
    ("DELETE", "tasks/{ID}"): ("veeam_task", "state: absent"),
    ("DELETE", "jobs/{ID}"): ("veeam_job", "state: absent"),
    ("POST", "jobs/{ID}?action=clone"): ("veeam_job", "state: present"),
    ("PUT", "jobs/{ID}?action=edit"): ("veeam_job", "state: present"),
    ("POST", "jobs/{ID}?action=sync"): ("veeam_job", "state: started"),
    ("POST", "jobs/{ID}/includes"): ("veeam_job_object", "state: present"),
    ("DELETE", "jobs/{ID}/includes/{ID}"): ("veeam_job_object", "state: absent"),
    ("POST", "backupServers/{ID}?action=quickbackup"): ("veeam_vm_backup", "mode: quick"),
    ("POST", "backupServers/{ID}?action=veeamzip"): ("veeam_vm_backup", "mode: zip"),
    ("POST", "vmRestorePoints/{ID}?action=restore"): ("veeam_vm_restore", "keep_original: true"),
    ("POST", "cloud/tenants"): ("veeam_cloud_tenant", "state: present"),
    ("PUT", "cloud/tenants/{ID}"): ("veeam_cloud_tenant", "state: present"),
    ("DELETE", "cloud/tenants/{ID}"): ("veeam_cloud_tenant", "state: absent"),
}
JOBS = {"jobs/{ID}?action=": "job", "agents/jobs/{ID}?action=": "agent", "nas/jobs/{ID}/": "nas"}
JOB_ACTIONS = {
    "start": "state: started",
    "stop": "state: stopped",
    "retry": "state: retried",
    "toggleScheduleEnabled": "schedule_enabled: true",
}
for _address, _kind in JOBS.items():
    for _action, _option in JOB_ACTIONS.items():
        _options = _option if _kind == "job" else f"kind: {_kind}, {_option}"
        DONE_BY["POST", f"{_address}{_action}"] = ("veeam_job", _options)


def print_example(operation: dict[str, Any]) -> str:
    """Return the options of veeam_rest for an operation, as YAML on one line."""
    address = re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), operation["path"])
    options = [f"method: {operation['method']}", f"path: {address}"]
    if operation["action"]:
        options.append(f"query: {{action: {operation['action']}}}")
    if operation["reads"]:
        options.append("reads: true")
    if operation["body"] and operation["body"]["members"]:
        options.append(f"body: {_print_body(operation['body'])}")
    return f"{{{', '.join(options)}}}"


def _print_body(body: dict[str, Any]) -> str:
    """Return what a body needs at least or, where the reference requires nothing, the first of what it may have."""
    members = [one for one in body["members"] if one["required"]] or body["members"][:3]
    usual = {"bool": "true", "int": "1", "date": "DATE", "text": "TEXT"}
    shown = [f"{one['name']}: {'{...}' if one.get('members') else usual[one.get('kind', 'text')]}" for one in members]
    return f"{{{', '.join(shown)}}}"


def print_page(data: dict[str, Any]) -> str:
    """Return the page of the documentation that lists every operation."""
    title = "Operations that change something"
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in data["operations"]:
        first, second = [*one["path"].split("/"), ""][:2]
        groups[f"{first}/{second}" if first in ("cloud", "agents", "nas", "vCloud", "selfService") else first].append(one)
    lines = [
        "..",
        *(f"  {line}" for line in LICENCE),
        "",
        ".. _ansible_collections.vbem.rest.docsite.operations:",
        "",
        title,
        "=" * len(title),
        "",
        f"The {len(data['operations'])} operations of the vendor's reference, version {data['version']}, and how each is done:",
        "by a module, or by :ansplugin:`vbem.rest.veeam_rest#module` with the options shown. ``ID`` is the resource's own id;",
        "``TEXT``, ``DATE`` and ``{...}`` stand for values of yours. The members shown of a body are those that the reference",
        "requires or, where it requires none, the first ones. The last column has the roles that may do it, by the reference.",
        ":ref:`The guide <ansible_collections.vbem.rest.docsite.guide_rest>` explains how to fill in the rest.",
        "",
        "Made by ``dev/make_operations.py``.",
    ]
    for group, operations in groups.items():
        lines += ["", group, "-" * len(group), "", ".. list-table::", "   :header-rows: 1", "   :widths: 28 12 42 18", ""]
        lines += _print_row("Operation", "Task", "How", "Roles")
        for one in operations:
            lines += _print_row(
                f"``{one['method']} {print_address(one)}``",
                one["operation"] or "",
                _print_way(one),
                ", ".join(one["roles"]),
            )
    return "\n".join(line.rstrip() for line in [*lines, ""])


def _print_way(operation: dict[str, Any]) -> str:
    module, options = DONE_BY.get((operation["method"], print_address(operation)), ("", ""))
    if module:
        return f":ansplugin:`vbem.rest.{module}#module` ``{options}``"
    return f"``{print_example(operation)}``"


def _print_row(*cells: str) -> list[str]:
    return [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(cells)]


def write_derived(data: dict[str, Any]) -> None:
    """Write what is made of the table."""
    MODULE.write_text(print_module(data), encoding="utf-8")
    PAGE.write_text(print_page(data), encoding="utf-8")


# All of it


def find(operations: list[dict[str, Any]], page: str) -> dict[str, Any]:
    """Return the operation of a page."""
    return next(one for one in operations if one["page"] == page)


def apply_overlay(operations: list[dict[str, Any]], overlay: dict[str, Any]) -> None:
    """Mend what the pages leave out."""
    for page, entry in overlay["operations"].items():
        operation = find(operations, page)
        operation.update({key: value for key, value in entry.items() if key not in ("source", "required", "drop", "kinds")})
        if operation["body"] is None:
            continue
        members = [one for one in operation["body"]["members"] if one["name"] not in entry.get("drop", ())]
        for member in members:
            if "required" in entry:
                member["required"] = member["name"] in entry["required"]
            if member["name"] in entry.get("kinds", {}):
                member["kind"] = entry["kinds"][member["name"]]
        operation["body"]["members"] = members


def print_data(data: dict[str, Any]) -> str:
    """Print the table as JSON, a line for each operation."""
    lines = ",\n".join(f"  {json.dumps(one)}" for one in data["operations"])
    rest = json.dumps({**data, "operations": []}, indent=1)
    return rest.replace('"operations": []', f'"operations": [\n{lines}\n ]') + "\n"


def main() -> int:
    """Write the table."""
    if len(sys.argv) == 1:
        write_derived(json.loads(DATA.read_text(encoding="utf-8")))
        return 0
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    pages = {path.stem: clean(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.md"))}
    overlay = json.loads(OVERLAY.read_text(encoding="utf-8"))
    gathered = Shapes()
    for name, page in pages.items():
        if name.startswith(("post_", "put_")):
            gathered.add(read_xml(page), read_json(page))
    shapes = gathered.as_dict()
    for part in ("lists", "strings", "attributes"):
        shapes[part].update(overlay["shapes"][part])
    operations = []
    for name, page in pages.items():
        if name.startswith(("post_", "put_", "delete_")) and name != "post_method":
            operation = read_operation(name, page, shapes, overlay["orders"]["elements"])
            if operation is not None:
                operations.append(operation)
    apply_overlay(operations, overlay)
    roles = read_roles(pages["security_roles_concept"])
    for operation in operations:
        address = operation["path"] + (f"?action={operation['action']}" if operation["action"] else "")
        allowed = [role for role, rules in roles.items() if may_ask(rules, operation["method"], address)]
        operation.setdefault("roles", [ADMINISTRATOR, *allowed])
    operations.sort(key=lambda one: (one["path"].lower(), one["method"], one["action"] or ""))
    version = (re.search(r'product_version: "([^"]+)"', pages["query_type"]) or ["", "unknown"])[1]
    data = {"version": version, "operations": operations, "roles": roles, "shapes": shapes}
    DATA.write_text(print_data(data), encoding="utf-8")
    write_derived(data)
    print(f"{len(operations)} operations, {sum(1 for one in operations if one['body'])} with a body, reference {version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
