# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes pages, and takes them apart again.

As a program it makes the picture of the documentation; see guide_report.rst.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from support.places import ROOT

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import create_query, read_resources
from ansible_collections.vbem.rest.plugins.plugin_utils._night import create_night
from ansible_collections.vbem.rest.plugins.plugin_utils._night_parts import Period
from ansible_collections.vbem.rest.plugins.plugin_utils._night_text import Zone
from emulator import Emulator, LogEntry, Switches

from .nights import NIGHTS

ROLE = ROOT / "roles" / "report"
LIMIT_SECONDS = 300
VOID = {"meta", "br", "link", "img", "input", "hr"}
# name: night, hours, time zone, types that the server does not answer for
DRAWN: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    "quiet": ("quiet", 24, "UTC", ()),
    "empty": ("empty", 24, "UTC", ()),
    "terrible": ("terrible", 24, "Asia/Kolkata", ()),
    "going": ("going", 24, "UTC", ()),
    "week": ("quiet", 168, "Europe/Berlin", ()),
    "unanswered": ("quiet", 24, "UTC", ("Job", "Repository")),
}


class Parser(HTMLParser):
    """Reads a page: elements, attributes, and the text of each section."""

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
        if tag not in VOID:
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
        """Give texts that stand within elements of these descriptions, one below the other."""
        return [text for path, text in self.texts if is_within(path, parts)]


def is_within(path: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Ask whether a path passes through all parts, in order."""
    rest = iter(path)
    return all(any(part in step for step in rest) for part in parts)


@dataclass
class Page:
    """A page, what was to be on it, and how it came about."""

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
        """Give the number on a tile."""
        (text,) = self.parsed.find("ul.tiles", f"li.{name}", "b.")
        return int(text.replace(",", ""))

    def count(self, outcome: str) -> int:
        """Count runs in the emulator's own world: those that ended within the period, or go on."""
        return sum(1 for run in self.runs() if self.outcome(run) == outcome)

    def runs(self) -> list[Any]:
        return [run for run in self.em.world.runs if run.ends >= self.since]

    def outcome(self, run: Any) -> str:
        return "running" if run.ends > self.until else str(run.outcome).lower()


def play(night: str, folder: Path, *options: str, program: Path | None = None, is_drawn: bool = True) -> Page:
    """Run the playbook vbem.rest.report after a night."""
    with Emulator(Switches(), directory=folder / "em") as em:
        with em.locked():
            NIGHTS[night](em)
        path = folder / "page.html"
        begin = int(em.clock.now())
        done = subprocess.run(
            [
                str(program or Path(sys.executable).with_name("ansible-playbook")),
                "vbem.rest.report",
                "-e",
                f"report_path={path}",
                *options,
            ],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PWD": str(folder),
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
                "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_NOCOLOR": "true",
                "ANSIBLE_PIPELINING": "true",  # a fifth faster
                "VBEM_HOSTNAME": em.hostname,
                "VBEM_PORT": str(em.port),
                "VBEM_USERNAME": em.admin.username,
                "VBEM_PASSWORD": em.admin.password,
                "VBEM_CA_PATH": em.ca_path,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert path.exists() is is_drawn, done.stdout[-4000:]
        return Page(path, begin - 86400, em.clock.now(), em, done.stdout, done.returncode, em.log)


def draw(folder: Path) -> dict[str, Page]:
    """Draw the other nights: ask in this process, and have ansible-playbook fill in the template for all of them at once."""
    pages = {}
    tasks: list[dict[str, Any]] = []
    for name, (night, hours, zone, unanswered) in DRAWN.items():
        with Emulator(Switches(), speed=0, directory=folder / f"em-{name}") as em:
            NIGHTS[night](em)
            until = math.floor(em.clock.now())
            stamps = [f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%dT%H:%M:%SZ}" for at in (until - hours * 3600, until)]
            (folder / f"{name}.json").write_text(json.dumps(ask(em, *stamps, zone, unanswered)), encoding="utf-8")
        style = {"time_zone": zone, "limit": 15, "full_percent": 90, "usual_days": 14}
        expression = f"lookup('file', '{folder}/{name}.json') | from_json | vbem.rest.night('{stamps[0]}', '{stamps[1]}', html=true, **report_style)"
        tasks.append(
            {
                "name": f"Draw {name}",
                "ansible.builtin.template": {
                    "src": str(ROLE / "templates" / "report.html.j2"),
                    "dest": str(folder / f"{name}.html"),
                },
                "vars": {
                    "report_night": "{{ " + expression + " }}",
                    "report_style": style,
                    "report_time_zone": zone,
                    "report_title": "Backup report",
                    "report_usual_days": 14,
                    "report_em": {"session": {"hostname": "em.example.com"}},
                },
            }
        )
        pages[name] = Page(folder / f"{name}.html", until - hours * 3600, until, em)
    playbook = folder / "draw.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook)],
        cwd=folder,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "true", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return pages


def ask(em: Emulator, since: str, until: str, zone: str, unanswered: tuple[str, ...]) -> list[dict[str, Any]]:
    """Ask the role's questions, without Ansible, and give the answers as its loops register them."""
    text = (ROLE / "vars" / "main.yml").read_text(encoding="utf-8").replace("{{ report_since }}", since)
    told = yaml.safe_load(text)
    questions: list[dict[str, Any]] = told["report_run_questions"] + told["report_more_questions"]
    options = {option.name: option.default for option in CONNECTION_OPTIONS} | {
        "hostname": em.hostname,
        "port": em.port,
        "username": em.admin.username,
        "password": em.admin.password,
        "ca_path": em.ca_path,
        "session": None,
    }
    with Client(create_connection(options)) as client:

        def answer(question: dict[str, Any]) -> dict[str, Any]:
            if question["type"] in unanswered:
                return {"item": question, "msg": "The server failed: <not today>", "error": {"kind": "server_error"}}
            defaults = {"filter": None, "where": None, "sort_by": None, "descending": False, "limit": None, "page_size": 500}
            wanted = {**defaults, "format": "entities", "allow_unknown": False, **question}
            return {"item": question, "resources": read_resources(client, create_query(wanted))}

        answers = [answer(question) for question in questions]
        times = [datetime.fromisoformat(at.replace("Z", "+00:00")) for at in (since, until)]
        night = create_night(answers, Period(*times, Zone(zone), 15, 90, 14))
        return answers + [answer(question) for question in night["questions"]]


def main(target: str) -> None:
    """Make the picture of the documentation: the top of a busy night's page."""
    import tempfile

    from .browser import find_chromium, start_browser

    program = find_chromium()
    assert program, "There is no Chromium here."
    with tempfile.TemporaryDirectory() as folder, start_browser(program) as browser:
        page = play("picture", Path(folder))
        browser.open(page.path, width=920)
        top = browser.evaluate("document.getElementById('idle').getBoundingClientRect().top")
        browser.picture(Path(target), height=int(top) - 4, scale=0.8)
        print(f"{target}: {Path(target).stat().st_size} bytes; {re.findall(r'msg.: .(.*);', page.output)}")


if __name__ == "__main__":
    main(sys.argv[1])
