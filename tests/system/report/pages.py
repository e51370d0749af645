# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes pages of the role report, and parses them.

As a program it takes the screenshot of the documentation: ``python -m system.report.pages docs/images/report.png``.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import support.playbooks
import yaml
from support.emulators import create_environment_variables
from support.places import ROOT

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import DigestOptions, to_plain
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_query import query_digest
from emulator import Emulator, LogEntry, Switches

from .worlds import WORLDS

ROLE = ROOT / "roles" / "report"
LINK = "link.html"  # to the page
VOID_ELEMENTS = {"meta", "br", "link", "img", "input", "hr"}
# page: world, hours, time zone, types whose query fails
TEMPLATED: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    "successful": ("successful", 24, "UTC", ()),
    "empty": ("empty", 24, "UTC", ()),
    "terrible": ("terrible", 24, "Asia/Kolkata", ()),
    "running": ("running", 24, "UTC", ()),
    "week": ("successful", 168, "Europe/Berlin", ()),
    "incomplete": ("successful", 24, "UTC", ("Job", "Repository")),
}


class Parser(HTMLParser):
    """A parser that collects the elements, attributes and texts of a page, and checks that its elements nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.stack: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID_ELEMENTS:
            self.stack.append((tag, f"{named.get('id') or ''} {named.get('class') or ''}".strip()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1][0] == tag, f"</{tag}> closes <{self.stack[-1][0]}> at {self.getpos()}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((tuple(f"{tag}.{name}" for tag, name in self.stack), " ".join(data.split())))

    def find(self, *parts: str) -> list[str]:
        """Return the texts within nested elements whose ``tag.id class`` contain these parts, the outermost first."""
        return [text for path, text in self.texts if matches(path, parts)]


def matches(path: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Return whether the steps of a path contain all parts, in this order."""
    steps = iter(path)
    return all(any(part in step for step in steps) for part in parts)


@dataclass
class Page:
    """A page, the emulator with the data that it has to show, and the output of the playbook that wrote it."""

    path: Path
    since: float
    until: float
    em: Emulator
    output: str = ""
    code: int = 0
    log: list[LogEntry] = field(default_factory=list)

    @property
    def html(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def parsed(self) -> Parser:
        parser = Parser()
        parser.feed(self.html)
        parser.close()
        assert not parser.stack, f"never closed: {parser.stack}"
        return parser

    def tile(self, name: str) -> int:
        """Return the number on a tile."""
        (text,) = self.parsed.find("ul.tiles", f"li.{name}", "b.")
        return int(text.replace(",", ""))

    def count(self, outcome: str) -> int:
        """Return how many of the emulator's job sessions have an outcome."""
        return sum(1 for session in self.sessions() if self.outcome(session) == outcome)

    def sessions(self) -> list[Any]:
        """Return the emulator's job sessions that ended in the period or are still running."""
        return [session for session in self.em.world.runs if session.ends >= self.since]

    def outcome(self, session: Any) -> str:
        return "running" if session.ends > self.until else str(session.outcome).lower()


def run_playbook(world: str, folder: Path, *options: str, is_written: bool = True) -> Page:
    """Run the playbook vbem.rest.report against an emulator with this world, and return its page.

    Its path is relative to the working directory, whatever PWD says, and is that of a symbolic link.
    """
    with Emulator(Switches(), directory=folder / "em") as em:
        with em.locked():
            WORLDS[world](em)
        path = folder / "page.html"
        (folder / LINK).symlink_to(path)
        begin = int(em.clock.now())
        done = support.playbooks.run_playbook(
            *("vbem.rest.report", "-e", f"report_path={LINK}", *options),
            home=folder,
            environment={"PWD": "/nowhere", "TZ": "UTC", **create_environment_variables(em)},
            expected=(),
        )
        assert path.exists() is is_written, done.output[-4000:]
        return Page(path, begin - 86400, em.clock.now(), em, done.output, done.code, em.log)


def write_templated_pages(folder: Path) -> dict[str, Page]:
    """Return the pages of `TEMPLATED`. Queries run in this process; one ansible-playbook fills in the template for all of them."""
    pages = {}
    tasks: list[dict[str, Any]] = []
    for name, (world, hours, zone, failing) in TEMPLATED.items():
        with Emulator(Switches(), speed=0, directory=folder / f"em-{name}") as em:
            WORLDS[world](em)
            until = math.floor(em.clock.now())
            stamps = [f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%dT%H:%M:%SZ}" for at in (until - hours * 3600, until)]
            (folder / f"{name}.json").write_text(json.dumps(query_plain_digest(em, *stamps, failing)), encoding="utf-8")
        options = {"time_zone": zone, "max_rows": 15, "full_threshold_percent": 90, "baseline_days": 14}
        digest = f"lookup('file', '{folder}/{name}.json') | from_json"
        call = f"vbem.rest.report_data('{stamps[0]}', '{stamps[1]}', escape_html=true, **report_filter_options)"
        tasks.append(
            {
                "name": f"Write {name}",
                "ansible.builtin.template": {
                    "src": str(ROLE / "templates" / "report.html.j2"),
                    "dest": str(folder / f"{name}.html"),
                },
                "vars": {
                    "report_data": f"{{{{ {digest} | {call} }}}}",
                    "report_filter_options": options,
                    "report_time_zone": zone,
                    "report_title": "Backup report",
                    "report_baseline_days": 14,
                    "report_logon": {"session": {"hostname": "em.example.com"}},
                },
            }
        )
        pages[name] = Page(folder / f"{name}.html", until - hours * 3600, until, em)
    playbook = folder / "write.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    support.playbooks.run_playbook(playbook, home=folder)
    return pages


def query_plain_digest(em: Emulator, since: str, until: str, failing: tuple[str, ...]) -> dict[str, Any]:
    """Query as veeam_report_info does, without Ansible, and return its digest. The queries of some types fail."""
    for name in failing:
        em.fault("status", status=500, message="<not today>", query=f"type={name}&", times=None)
    options = {option.name: option.default for option in CONNECTION_OPTIONS} | {
        "hostname": em.hostname,
        "port": em.port,
        "username": em.admin.username,
        "password": em.admin.password,
        "ca_path": em.ca_path,
        "session": None,
    }
    dates = [datetime.fromisoformat(date.replace("Z", "+00:00")) for date in (since, until)]
    with Client(create_connection(options)) as client:
        digest: dict[str, Any] = to_plain(query_digest(client, DigestOptions(*dates, 15, 90, 14)))
        return digest


def main(target: str) -> None:
    """Take the screenshot of the documentation: the page down to the jobs that did not run."""
    import tempfile

    from .browser import find_chromium, start_browser

    program = find_chromium()
    assert program, "There is no Chromium here."
    with tempfile.TemporaryDirectory() as folder, start_browser(program) as browser:
        page = run_playbook("example", Path(folder))
        browser.open(page.path, width=920)
        top = browser.evaluate("document.getElementById('not-run').getBoundingClientRect().top")
        browser.screenshot(Path(target), height=int(top) - 4, scale=0.8)
        print(f"{target}: {Path(target).stat().st_size} bytes; {re.findall(r'msg.: .(.*);', page.output)}")


if __name__ == "__main__":
    main(sys.argv[1])
