# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios, and the command line that runs a command with one: for pipelines of others."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.scenario import Scenario, ScenarioError, read_seconds, read_size

from .wire import Wire

PACKAGE = Path(__file__).resolve().parents[1]
BAD_NIGHT = PACKAGE / "scenarios" / "bad_night.yml"

# Logs on with what the environment says, and logs off if it is told to.
CLIENT = """
import base64, os, ssl, sys, urllib.request
url = f"https://{os.environ['VBEM_HOSTNAME']}:{os.environ['VBEM_PORT']}"
context = ssl.create_default_context(cafile=os.environ["VBEM_CA_PATH"])
pair = base64.b64encode(f"{os.environ['VBEM_USERNAME']}:{os.environ['VBEM_PASSWORD']}".encode()).decode()
def ask(method, path, **headers):
    request = urllib.request.Request(url + path, method=method, headers=headers)
    return urllib.request.urlopen(request, context=context)
answer = ask("POST", "/api/sessionMngr/?v=latest", Authorization="Basic " + pair, Accept="application/json")
token = answer.headers["X-RestSvcSessionId"]
if sys.argv[1] == "tidy":
    ask("DELETE", answer.headers["Location"].partition(str(os.environ["VBEM_PORT"]))[2], **{"X-RestSvcSessionId": token})
sys.exit(int(sys.argv[2]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(PACKAGE), *arguments], capture_output=True, text=True, check=False, timeout=300)


def names(em: Emulator) -> list[str]:
    return [job.name for job in em.world.jobs]


def test_the_shipped_scenario_is_the_world_and_stays_it() -> None:
    with Emulator(scenario=Scenario.load(BAD_NIGHT)) as em:
        for _round in range(2):
            assert names(em) == ["Web Servers", "Databases", "File Servers", "Laptops"]
            assert [server.name for server in em.world.servers] == ["vbr.lab.example.com"]
            assert em.admin.username == "LAB\\automation"
            assert len(em.world.runs) == 5
            assert em.state()["faults"] == 1
            em.clear_faults()
            wire = Wire(em)
            wire.log_on()
            wire.close()
            em.world.add_job("Another")
            em.reset()


NEW_MACHINE = Path(__file__).parents[1] / "scenarios" / "new_machine.yml"


def test_a_scenario_has_infrastructure() -> None:
    with Emulator(scenario=Scenario.load(NEW_MACHINE)) as em:
        world = em.world
        for _again in range(2):
            assert [root.data["backupservername"] for root in world.inventory.roots] == ["vbr01.vbem.test", "vbr02.vbem.test"]
            assert len({root.data["uniqueid"] for root in world.inventory.roots}) == 1
            job = world.job("Daily Backup")
            assert [row.name for row in world.objects_of(job)] == ["app01", "app03"]
            root = world.inventory.roots[0]
            assert [row.data["hierarchyobjref"] for row in world.objects_of(job)] == [
                f"urn:VMware:Vm:{root.id}.vm-101",
                f"urn:VMware:Vm:{root.id}.vm-103",
            ]
            points = [(row.data["vmdisplayname"], row.data["type"]) for row in world.table(world.catalogue["VmRestorePoint"])]
            assert points == [("app01", "Full"), ("app03", "Full"), ("app01", "Increment")]
            late, bad = world.inventory.named("app02"), world.inventory.named("app03")
            assert late is not None
            assert bad is not None
            assert 18 < late.visible_from - em.clock.now() <= 20
            assert (bad.backup_script, bad.reason) == (["failed", "success"], "Failed to create a snapshot.")
            (tenant,) = world.table(world.catalogue["CloudTenant"])
            assert len(world.children("CloudTenantResource", tenant)) == 1
            em.reset()


def test_it_adds_to_the_usual_world_unless_told_otherwise() -> None:
    scenario = Scenario(
        {
            "jobs": [{"name": "Mine", "duration": "2m", "kind": "nas"}],
            "change_jobs": [{"name": "SQL Backup", "script": "failed", "failure_message": "No."}],
            "repositories": [{"name": "R", "capacity": "2 TiB", "free": 5, "server": "vbr02"}],
            "rows": [{"type": "Credentials", "rows": [{"Name": "root"}]}],
        }
    )
    with Emulator(scenario=scenario) as em:
        assert "Daily Backup" in names(em)
        assert em.world.job("Mine").duration == 120
        assert em.world.job("SQL Backup").script == ["failed"]
        assert "operator" in em.users


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Live where local time is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_dates_are_read_however_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "dates.yml"
    written = ("2026-11-22T22:10:00Z", "'2026-11-22T22:10:00Z'", "2026-11-22T22:10:00", "2026-11-23T00:10:00+02:00")
    rows = ", ".join(f"{{Name: '{number}', CreationTime: {text}}}" for number, text in enumerate(written))
    path.write_text(f"rows: [{{type: VmRestorePoint, rows: [{rows}]}}]\n", encoding="utf-8")
    with Emulator(scenario=Scenario.load(path)) as em:
        made = {row.name: row for row in em.world.table(em.world.catalogue["VmRestorePoint"])}
        assert len({made[str(number)].data["creationtime"] for number in range(len(written))}) == 1


def test_a_change_may_tell_its_duration_with_a_unit() -> None:
    with Emulator(scenario=Scenario({"change_jobs": [{"name": "SQL Backup", "duration": "5m"}]})) as em:
        assert em.world.job("SQL Backup").duration == 300


def test_an_empty_one_is_the_usual_world(tmp_path: Path) -> None:
    path = tmp_path / "empty.yml"
    path.write_text("---\n", encoding="utf-8")
    with Emulator(scenario=Scenario.load(path)) as em, Emulator() as usual:
        assert names(em) == names(usual)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "object"),
        ({"job": []}, "job"),
        ({"jobs": [{}]}, "jobs[0]"),
        ({"jobs": [{"name": "x", "script": "fails"}]}, "jobs[0].script"),
        ({"jobs": [{"name": "x", "server": "nowhere"}]}, "nowhere"),
        ({"jobs": [{"name": "x", "runs": [{"outcome": "success", "ago": "soon"}]}]}, "soon"),
        ({"change_jobs": [{"name": "Nobody's"}]}, "Nobody's"),
        ({"rows": [{"type": "Nothing", "rows": [{"Name": "x"}]}]}, "Nothing"),
        ({"faults": [{"effect": "earthquake"}]}, "earthquake"),
        ({"faults": [{"effect": "reset", "methods": "GET"}]}, "methods"),
        ({"repositories": [{"name": "x", "capacity": "2 TB", "free": 1}]}, "2 TB"),
        ({"version": 11}, "version"),
        ({"servers": [{"name": "vbr"}, {"name": "VBR"}]}, "servers[1]: there is"),
        ({"repositories": [{"name": "x", "capacity": "2 GiB", "free": "1 TiB"}]}, "repositories[0]: more is free"),
        ({"repositories": [{"name": "x", "capacity": 1, "free": "1 KB"}]}, "repositories[0].free: "),
        ({"jobs": [{"name": "x"}, {"name": "x"}]}, "jobs[1]: there is a job 'x' on vbr01.vbem.test already"),
        ({"jobs": [{"name": "x", "runs": [{"outcome": "failed", "ago": "3w"}]}]}, "jobs[0].runs[0]: '3w'"),
        ({"jobs": [{"name": "x", "duration": "long"}]}, "jobs[0].duration: 'long'"),
        ({"change_jobs": [{"name": "SQL Backup", "duration": "1x"}]}, "change_jobs[0].duration: "),
        (
            {"rows": [{"type": "Repository", "rows": [{"Name": "x"}, {"Name": "y", "Size": 1}]}]},
            "rows[0].rows[1]: Repository has",
        ),
        (
            {"rows": [{"type": "VmRestorePoint", "rows": [{"Name": "x", "CreationTime": "late"}]}]},
            "rows[0].rows[0].CreationTime: ",
        ),
        ({"rows": [{"type": "Repository", "rows": [{"Name": "x", "Capacity": "1 TiB"}]}]}, "rows[0].rows[0].Capacity: "),
        ({"rows": [{"type": "Repository", "rows": [{"Name": "x", "Kind": []}]}]}, "rows[0].rows[0].Kind: [] is not one value"),
        ({"rows": [{"type": "Repository", "rows": [{"Name": 5}]}]}, "rows[0].rows[0].Name"),
        ({"faults": [{"effect": "reset", "path": "("}]}, "faults[0].path: '(' is not a regular expression"),
        ({"faults": [{"effect": "reset"}, {"effect": "status", "times": "many"}]}, "faults[1].times"),
        ({"switches": {"speed": 1}}, "switches: there is no switch 'speed'"),
        ({"switches": {"run_duration": "long"}}, "switches: switch run_duration"),
        ({"users": {key: {"username": "u", "password": "p"} for key in "ab"}}, "users.a.username: 'u' is there twice"),
    ],
)
def test_what_is_wrong_is_said(content: Any, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Emulator(scenario=Scenario(content, "file.yml"))
    assert words in str(caught.value)
    assert str(caught.value).startswith("file.yml: ")


@pytest.mark.parametrize(("text", "seconds"), [(5, 5), ("5s", 5), ("90m", 5400), ("1.5h", 5400), ("2 d", 172800)])
def test_seconds(text: Any, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize(("text", "size"), [(5, 5), ("1 GiB", 2**30), ("0.5TiB", 2**39), ("3 MiB", 3 * 2**20)])
def test_sizes(text: Any, size: int) -> None:
    assert read_size(text) == size


def test_a_command_finds_the_emulator_in_its_environment_and_gives_the_status(tmp_path: Path) -> None:
    client = tmp_path / "client.py"
    client.write_text(CLIENT, encoding="utf-8")
    begin = ["--scenario", str(BAD_NIGHT)]
    for more, how, status in (
        ([], ["leave", "0"], 0),
        ([], ["leave", "7"], 7),
        (["--check-sessions"], ["leave", "0"], 3),
        (["--check-sessions"], ["leave", "7"], 7),
        (["--check-sessions"], ["tidy", "0"], 0),
    ):
        done = run(*begin, *more, "--", sys.executable, str(client), *how)
        assert done.returncode == status, done.stderr
        assert done.stdout == ""
        assert ("left open" in done.stderr) == (more != [] and how[0] == "leave")


def test_a_command_that_is_killed_gives_the_status_that_shells_give() -> None:
    assert run("--", "sh", "-c", "kill -TERM $$").returncode == 128 + 15


def test_no_command_after_the_dashes_is_a_mistake() -> None:
    done = run("--")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no command" in done.stderr


def test_what_the_command_line_says_beats_the_scenario(tmp_path: Path) -> None:
    code = "import os, urllib.request as r; print(r.urlopen(os.environ['VBEM_CONTROL_URL'] + '/state').read().decode())"
    done = run(
        *("--scenario", str(BAD_NIGHT), "--version", "12", "--switch", "run_duration=9", "--", sys.executable, "-c", code)
    )
    state = json.loads(done.stdout)
    assert (state["version"], state["switches"]["run_duration"]) == (12, 9)
    assert state["users"]["auditor"]["role"] == "Portal User"


@pytest.mark.parametrize("text", [None, "jobs: {", "jobs: 5"])
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "scenario.yml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    done = run("--scenario", str(path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(path) in done.stderr


def test_a_command_that_is_not_there_is_one_sentence() -> None:
    done = run("--", "no-such-command")
    assert done.returncode == 127
    assert len(done.stderr.splitlines()) == 1


def test_a_relative_folder_gives_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Emulator(directory="here") as em:
        assert em.ca_path == str(tmp_path / "here" / "ca.pem")


@pytest.mark.parametrize(
    "text", ["unknown_task: 404\nlanguage: de\n", "answers: {}\nswitches:\n  unknown_task: 404\n  language: de\n"]
)
def test_switches_from_a_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "switches.yml"
    path.write_text(text, encoding="utf-8")
    state = run("--switches", str(path), "--switch", "language=en", "--", sys.executable, "-c", STATE)
    assert state.returncode == 0, state.stderr
    switches = json.loads(state.stdout)["switches"]
    assert (switches["unknown_task"], switches["language"]) == (404, "en")


@pytest.mark.parametrize(
    ("text", "words"), [("- a", "write switches as NAME: VALUE"), ("{", "not YAML"), ("speed: 1", "no switch 'speed'")]
)
def test_bad_files_of_switches_are_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "switches.yml"
    path.write_text(text, encoding="utf-8")
    done = run("--switches", str(path), "--", "true")
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


STATE = "import os, urllib.request as u; print(u.urlopen(os.environ['VBEM_CONTROL_URL'] + '/state').read().decode())"
