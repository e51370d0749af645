# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real ansible-rulebook, with the shipped rulebooks and those of the guide, against an emulator."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.emulators import FAST_SWITCHES, create_environment_variables
from support.places import ROOT
from support.playbooks import LOCAL, PROGRAMS, create_environment, get_collections_path
from support.processes import SAFETY_NET, start_process, wait_until
from support.secrets import SecretScanner
from support.tickets import TicketSystem
from support.tiers import sample, thorough

from emulator import Emulator, Switches
from emulator.runs import Run
from system.docs_examples.examples import read_examples

SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "job_sessions.py"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_events.rst"
COMMAND = PROGRAMS / "ansible-rulebook"

SIGNAL_SECONDS = 15.0  # within which a signal mostly ends it

needs_rulebook = pytest.mark.skipif(
    not COMMAND.exists() or shutil.which("java") is None,
    reason="ansible-rulebook, or the Java machine that its rule engine needs, is not installed",
)


@pytest.fixture
def tickets() -> Iterator[TicketSystem]:
    """Return a ticket system."""
    with TicketSystem() as system:
        yield system


@pytest.fixture
def em(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator whose job sessions are over soon."""
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as emulator:
        yield emulator
        assert emulator.standing_session_alive, "somebody else's session was logged off"


class Rulebook:
    """A running ansible-rulebook."""

    def __init__(self, em: Emulator, process: subprocess.Popen[str]) -> None:
        self.em = em
        self.process = process
        self.output = ""

    def wait_for(self, what: str, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        until = time.monotonic() + SAFETY_NET
        while not condition():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                pytest.fail(f"{what} did not come about:\n{self.process.communicate()[0]}")
            time.sleep(0.05)

    def wait_for_polls(self, count: int) -> None:
        """Wait for a number of polls; each ends with the query for sessions of replication jobs."""
        before = len(self.em.requests("GET", "type=ReplicaJobSession"))
        self.wait_for("polling", lambda: len(self.em.requests("GET", "type=ReplicaJobSession")) >= before + count)

    def end(self, number: signal.Signals) -> int:
        """End it by a signal and return its exit code.

        ansible-rulebook turns the signal into an exception wherever its main thread happens to be, and loses it within an action
        or within the rule engine's callback. So it is sent again if nothing comes of it.
        """
        until = time.monotonic() + SAFETY_NET
        while True:
            self.process.send_signal(number)
            try:
                self.output += self.process.communicate(timeout=SIGNAL_SECONDS)[0]
            except subprocess.TimeoutExpired:
                assert time.monotonic() < until, f"{number.name} does not end it"
            else:
                return int(self.process.returncode)

    @property
    def events(self) -> int:
        """Return how many events it printed."""
        return self.output.count("received event")


@contextmanager
def start(
    em: Emulator, folder: Path, name: str, *options: str, variables: dict[str, Any] | None = None, **environment: str
) -> Iterator[Rulebook]:
    """Start a rulebook, and end it after the test."""
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": LOCAL}}}), encoding="utf-8")
    (folder / "variables.yml").write_text(yaml.safe_dump(variables or {}), encoding="utf-8")
    process = start_process(
        [
            str(COMMAND),
            *("--rulebook", name),
            *("--inventory", str(inventory)),
            *("--vars", str(folder / "variables.yml")),
            "--print-events",
            *options,
        ],
        cwd=folder,
        env=create_environment(folder, **environment),
    )
    try:
        yield Rulebook(em, process)
    finally:
        process.kill()
        process.communicate()


def begin_run(em: Emulator, name: str, outcome: str, reason: str = "") -> Run:
    """Start a job session that finishes soon, with the reason of its failure."""
    with em.locked():
        run = em.world.start_run(em.world.job(name), outcome=outcome)
        if reason:
            em.world.add_row(
                "BackupTaskSession",
                f"sql01@{run.name}",
                server=run.job.server,
                JobSessionUid=run.uid,
                VmDisplayName="sql01",
                CreationTime="2026-11-23T01:00:00Z",
                EndTime="2026-11-23T01:10:00Z",
                State="Completed",
                Result="Failed",
                Reason=reason,
                TotalSize=1,
            )
        return run


def check_secrets(em: Emulator, output: str) -> None:
    """Assert that no secret was printed."""
    SecretScanner.of(em).check(output)


@thorough
@needs_rulebook
def test_a_ticket_for_each_failure_across_restarts(em: Emulator, tickets: TicketSystem, tmp_path: Path) -> None:
    """With the connection in the environment, as a credential of AAP can inject it."""
    given = {
        "ticket_url": tickets.url,
        "ticket_token": "s3cret-of-the-tickets",
        "poll_interval": 1,
        "state_file": str(tmp_path / "state.json"),
    }
    name = "vbem.rest.open_a_ticket"
    with start(em, tmp_path, name, "-vv", variables=given, **create_environment_variables(em)) as rulebook:
        rulebook.wait_for_polls(1)
        begin_run(em, "Daily Backup", "success")
        failed = begin_run(em, "SQL Backup", "failed", 'No space on "E:\\"')
        rulebook.wait_for("the ticket", lambda: tickets.taken)
        rulebook.wait_for_polls(2)
        assert rulebook.end(signal.SIGTERM) == 0
    assert em.sessions == []
    check_secrets(em, rulebook.output)
    assert given["ticket_token"] not in rulebook.output.partition("PLAY [")[2]  # ansible-rulebook itself shows variables at -vv
    missed = begin_run(em, "SQL Backup", "failed")
    wait_until("the end while no rulebook runs", lambda: missed.is_over(em.clock.now()))
    tickets.refuse = 1
    given["ticket_delay"] = 1
    with start(em, tmp_path, name, variables=given, **create_environment_variables(em)) as rulebook:
        rulebook.wait_for("the ticket", lambda: len(tickets.taken) > 1)
        rulebook.wait_for_polls(2)
        assert rulebook.end(signal.SIGINT) == 0
    assert em.sessions == []
    assert rulebook.events == 1
    check_secrets(em, rulebook.output)
    assert [headers["Idempotency-Key"] for headers, _body in tickets.taken] == [failed.uid, missed.uid]
    headers, body = tickets.taken[0]
    assert headers["Authorization"] == "Bearer s3cret-of-the-tickets"
    assert body["title"] == "Backup job SQL Backup failed on vbr01.vbem.test"
    assert 'sql01: Failed: No space on "E:\\"' in body["text"]
    assert body["link"] == f"{em.base_url}/api/backupSessions/{failed.id}?format=Entity"
    assert "sql01: Failed: Failed to process the machine." in tickets.taken[1][1]["text"]


@needs_rulebook
@pytest.mark.parametrize(
    "is_told",
    sample([True, False], [False]),  # the server that is harder to please
    ids=lambda is_told: f"a retry is {'told' if is_told else 'not told'} as one",
)
def test_a_failed_job_is_retried_once(em: Emulator, tmp_path: Path, is_told: bool) -> None:
    """With the connection in variables, as a credential of AAP can inject it."""
    job = em.world.job("SQL Backup")
    job.script = ["failed"]
    before = len(em.world.runs_of(job))
    given = {**create_environment_variables(em), "poll_interval": 1}
    with start(em, tmp_path, "vbem.rest.retry_failed_job", variables=given) as rulebook:
        rulebook.wait_for_polls(1)
        first = begin_run(em, "SQL Backup", "failed")
        rulebook.wait_for("the retry", lambda: len(em.requests("POST", "action=retry")) == 1)
        (retry,) = em.world.runs_of(job)[before + 1 :]
        assert retry.is_retry
        if not is_told:
            with em.locked():
                retry.is_retry = False
                em.world.touch()
        rulebook.wait_for("the retry's end", lambda: retry.is_over(em.clock.now()))
        rulebook.wait_for_polls(3)
        other = begin_run(em, "Failing Backup", "failed")  # once for each job
        rulebook.wait_for("the other retry", lambda: len(em.requests("POST", "action=retry")) == 2)
        rulebook.wait_for_polls(1)
        assert rulebook.end(signal.SIGTERM) == 0
    assert em.world.runs_of(job)[before:] == [first, retry]
    assert [run.is_retry for run in em.world.runs_of(other.job)[-2:]] == [False, True]
    assert em.sessions == []
    assert rulebook.events >= 3
    check_secrets(em, rulebook.output)


@thorough
@needs_rulebook
def test_a_copy_of_the_source_and_a_wrong_password(em: Emulator, tmp_path: Path) -> None:
    """With --source-dir the file may be anywhere, and Ansible's path has the collection. A wrong password is reported."""
    folder = tmp_path / "sources"
    folder.mkdir()
    shutil.copy(SOURCE, folder)
    rulebook_file = tmp_path / "rulebook.yml"
    rulebook_file.write_text(
        next(iter_guide_rulebooks())[1].replace("vbem.rest.job_sessions", "job_sessions"), encoding="utf-8"
    )
    access = {**create_environment_variables(em), "VBEM_PASSWORD": "wrong"}
    with start(em, tmp_path, str(rulebook_file), "-S", str(folder), **access) as rulebook:
        rulebook.output = rulebook.process.communicate(timeout=SAFETY_NET)[0]
    assert rulebook.process.returncode == 1
    assert "refused the logon of" in rulebook.output
    assert "(logon_failed)" in rulebook.output
    assert len(em.requests("POST", "/sessionMngr")) == 1


@pytest.mark.parametrize("place", ["tree", "beside a regular ansible_collections", "copy"])
def test_the_collection_is_found_without_a_path_to_it(tmp_path: Path, place: str) -> None:
    """As ansible-rulebook runs the file. Only the tree of the collection is appended to the path."""
    tree = Path(get_collections_path().split(os.pathsep)[0])
    file = tree / "ansible_collections" / "vbem" / "rest" / SOURCE.relative_to(ROOT)
    environment = create_environment(tmp_path)
    environment.pop("PYTHONPATH", None)  # which a run under coverage hands on
    if place == "beside a regular ansible_collections":  # as the package "ansible" brings one
        (tmp_path / "site" / "ansible_collections").mkdir(parents=True)
        (tmp_path / "site" / "ansible_collections" / "__init__.py").touch()
        environment["PYTHONPATH"] = str(tmp_path / "site")
    if place == "copy":
        file = Path(shutil.copy(SOURCE, tmp_path))
    code = (
        "import runpy, sys; before = list(sys.path)\n"
        f"made = runpy.run_path({str(file)!r})\n"
        "import ansible_collections.vbem.rest.plugins.module_utils._em.client.client as client\n"
        "print(made['main'].__name__, client.__file__, sys.path[:len(before)] == before, sys.path[len(before):])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith(f"main {tree}/ansible_collections/vbem/rest/plugins/")
    assert done.stdout.rstrip().endswith(f"True ['{tree}']")


# The guide


def iter_guide_rulebooks() -> Iterator[tuple[str, str]]:
    """Yield the rulebooks of the guide, and their places."""
    for example in read_examples(GUIDE):
        if isinstance(example.data, list) and all("sources" in each for each in example.data):
            yield example.where, example.text


@needs_rulebook
def test_rulebooks_of_the_guide_and_of_the_collection(em: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """They follow ansible-rulebook's schema, and the source accepts their arguments."""
    from ansible_rulebook.util import substitute_variables
    from ansible_rulebook.validators import Validate

    from ansible_collections.vbem.rest.extensions.eda.plugins.event_source.job_sessions import read_options

    shipped = [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / "extensions/eda/rulebooks").glob("*.yml")]
    found = [*iter_guide_rulebooks(), *shipped]
    assert len(found) >= 5
    for name, value in create_environment_variables(em).items():
        monkeypatch.setenv(name, value)
    for where, text in found:
        rulebook = yaml.safe_load(text)
        Validate.rulebook(rulebook)
        for ruleset in rulebook:
            (arguments,) = [source["vbem.rest.job_sessions"] for source in ruleset["sources"]]
            options = read_options(substitute_variables(arguments or {}, create_environment_variables(em)))
            assert options["hostname"] == em.hostname, where
            assert options["password"] == em.admin.password, where


def test_the_guide_shows_a_whole_event(em: Emulator) -> None:
    """Its keys are those that the source emits; test_exactly_once compares these with a server's."""
    from .test_exactly_once import __file__ as tests

    (shown,) = [
        example.data for example in read_examples(GUIDE) if isinstance(example.data, dict) and "job_session" in example.data
    ]
    said = set(re.findall(r'^ {16}"(\w+)": ', Path(tests).read_text(encoding="utf-8"), re.MULTILINE))
    assert set(shown["job_session"]) == said | {"creation_time", "end_time"}
    assert set(shown) == {"job_session", "enterprise_manager", "meta"}
    assert em.log == []
