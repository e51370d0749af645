# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for AWX: reads the kit, and prepares and runs jobs the way AWX does, with the same engine, ansible-runner.

Credentials are rendered by AWX's own code, ``inject_credential`` of the package awx_plugins.interfaces, which AWX calls for every
job. The rest follows what AWX does and was compared with its published sources: answers of surveys become extra variables that are
never templates; the job's environment is handed to ansible-runner and not written to ``env/envvars``. The package awxkit is of no
use here: it makes payloads for the API, and leaves out without a word what it does not know.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ansible_runner
import yaml
from awx_plugins.interfaces import _temporary_private_container_api
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential
from jinja2 import Environment
from support.places import ROOT
from support.processes import SAFETY_NET

KIT = ROOT / "extensions" / "awx"
PROJECT = KIT / "templates" / "project"
# AWX takes a file for a playbook if it has such a line; it does not know the name ansible.builtin.import_playbook.
PLAYBOOK_LINE = re.compile(r"^\s*-?\s*(hosts|import_playbook):", re.MULTILINE)


class Unsafe(str):
    """A text that Ansible does not take for a template."""

    __slots__ = ()


class KitLoader(yaml.SafeLoader):
    """Reads files of variables."""


class ExtraVarsDumper(yaml.SafeDumper):
    """Writes extra variables."""


KitLoader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))
ExtraVarsDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def read_kit() -> dict[str, Any]:
    """Return the kit's variables, with the settings filled in, as an import does."""
    kit: dict[str, Any] = {}
    for path in sorted((KIT / "configuration").glob("*.yml")):
        given = yaml.load(path.read_text(encoding="utf-8"), Loader=KitLoader)
        assert not set(kit) & set(given), f"{path.name} says again what another file says"
        kit |= given
    return dict(_fill_in(kit, kit))


def _fill_in(value: Any, settings: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_in(each, settings) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill_in(each, settings) for each in value]
    if isinstance(value, str) and not isinstance(value, Unsafe):
        return Environment(autoescape=False).from_string(value).render(settings)
    return value


def find(kit: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return the entry of this name."""
    (found,) = [each for each in kit[kind] if each["name"] == name]
    return dict(found)


@dataclass
class Injected:
    """What a credential becomes. ``shown`` is the environment that AWX stores and shows; ``arguments`` are ansible-playbook's."""

    env: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def inject(credential_type: dict[str, Any], inputs: dict[str, Any], folder: Path, inside: Path) -> Injected:
    """Have AWX's own code render a credential into a job's private folder, which is at ``inside`` where the job runs."""
    assert set(inputs) <= {each["id"] for each in credential_type["inputs"]["fields"]}
    kind = ManagedCredentialType(
        namespace="",
        name=credential_type["name"],
        kind=credential_type["kind"],
        inputs=credential_type["inputs"],
        injectors=credential_type["injectors"],
    )
    there = set((folder / "env").iterdir())
    made = Injected()
    # Jobs of AWX run in containers, where the folder is at /runner always.
    with patch.object(_temporary_private_container_api, "CONTAINER_ROOT", str(inside)):
        inject_credential(kind, Credential(inputs), made.env, made.shown, made.arguments, str(folder))
    made.files += sorted(set((folder / "env").iterdir()) - there)
    return made


def answer(template: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Answer a template's survey: with what is given, or with the default; refuse what AWX refuses."""
    answers: dict[str, Any] = {}
    questions = template.get("survey_spec", {}).get("spec", [])
    allowed = {question["variable"] for question in questions}
    assert template.get("ask_variables_on_launch") or set(given) <= allowed, f"not asked for: {set(given) - allowed}"
    for question in questions:
        name = question["variable"]
        value = given.get(name, question.get("default", ""))
        if value == "":
            assert not question["required"], f"{template['name']}: {name} has to be answered"
            continue
        if question["type"] == "integer":
            assert isinstance(value, int)
            assert question["min"] <= value <= question["max"], name
        elif question["type"] == "multiplechoice":
            assert value in question["choices"], name
        else:
            assert isinstance(value, str)
            assert question["min"] <= len(value) <= question["max"], name
        answers[name] = value
    return answers | {name: value for name, value in given.items() if name not in allowed}


def mark_unsafe(value: Any) -> Any:
    """Return a value whose texts are no templates."""
    if isinstance(value, dict):
        return {key: mark_unsafe(each) for key, each in value.items()}
    if isinstance(value, list):
        return [mark_unsafe(each) for each in value]
    return Unsafe(value) if isinstance(value, str) else value


@dataclass
class Job:
    """A job that has ended: its folder with artifacts, its exit status, its events as AWX stores them."""

    folder: Path
    rc: int
    status: str
    events: list[dict[str, Any]]

    @property
    def output(self) -> str:
        """Return what AWX shows as the job's output."""
        return "\n".join(event.get("stdout", "") for event in self.events)

    @property
    def artifacts(self) -> Path:
        """Name the folder that ansible-runner leaves behind."""
        return self.folder / "artifacts" / "1"


class Launcher:
    """Runs job templates of the kit, each in a folder of its own."""

    def __init__(self, folder: Path, paths: str) -> None:
        """Take a folder, and where the execution environment has its collections."""
        self.folder = folder
        self.paths = paths
        self.kit = read_kit()
        self.jobs = 0

    def launch(
        self,
        name: str,
        credentials: dict[str, dict[str, Any]],
        given: dict[str, Any] | None = None,
        *,
        hosts: dict[str, dict[str, Any]] | None = None,
        a_slice: tuple[int, int] = (1, 1),
        remote: bool = False,
    ) -> Job:
        """Run a job template. ``hosts`` are further ones with their variables, by group; ``remote``: on another node."""
        template = find(self.kit, "controller_templates", name)
        self.jobs += 1
        folder = self.folder / f"job-{self.jobs}"
        where = self.folder / f"node-{self.jobs}" if remote else folder
        (folder / "env").mkdir(parents=True, mode=0o700)
        shutil.copytree(PROJECT, folder / "project")
        env = self._create_environment(where)
        arguments = ["-vvv"]
        for type_name, inputs in credentials.items():
            injected = inject(find(self.kit, "controller_credential_types", type_name), inputs, folder, where)
            env |= injected.env
            arguments += injected.arguments
        self._write_vars(folder / "env" / "extravars", {"awx_job_id": 1, **answer(template, given or {})})
        self._write_inventory(folder, template["inventory"], hosts or {}, a_slice)
        settings = {"suppress_ansible_output": True, "suppress_output_file": True}
        (folder / "env" / "settings").write_text(json.dumps(settings), encoding="utf-8")
        (folder / "env" / "cmdline").write_text(" ".join(arguments), encoding="utf-8")
        options: dict[str, Any] = {
            "ident": "1",
            "private_data_dir": str(folder),
            "playbook": template["playbook"],
            "envvars": env,
            "suppress_env_files": True,
        }
        return self._run_remotely(folder, where, options) if remote else self._run(folder, options)

    def _run(self, folder: Path, options: dict[str, Any]) -> Job:
        engine = [sys.executable, str(Path(__file__).with_name("engine.py"))]
        done = subprocess.run(
            engine, input=json.dumps(options), capture_output=True, text=True, timeout=SAFETY_NET, check=False
        )
        assert done.returncode == 0, done.stderr
        return Job(folder, **json.loads(done.stdout))

    def _run_remotely(self, folder: Path, where: Path, options: dict[str, Any]) -> Job:
        """Send a job's folder to a worker, a process that knows nothing else, and read what comes back."""
        sent = self.folder / f"sent-{self.jobs}"
        with sent.open("wb") as stream:
            ansible_runner.run(streamer="transmit", _output=stream, **options)
        job = sent.read_bytes()
        sent.unlink()  # it holds the password, as what AWX sends to a node does
        worker = [str(Path(sys.executable).with_name("ansible-runner")), "worker", "--private-data-dir", str(where)]
        done = subprocess.run(worker, input=job, capture_output=True, timeout=SAFETY_NET, check=False)
        assert done.stdout.endswith(b'{"eof": true}\n'), done.stderr.decode()  # its exit status is the job's
        events: list[dict[str, Any]] = []
        back = self.folder / f"back-{self.jobs}"
        read = ansible_runner.run(
            streamer="process",
            _input=io.BytesIO(done.stdout),
            private_data_dir=str(back),
            ident="1",
            event_handler=lambda event: bool(events.append(event)) or True,
        )
        return Job(back, int((back / "artifacts" / "1" / "rc").read_text()), read.status, events)

    def _create_environment(self, where: Path) -> dict[str, str]:
        """Return what an execution environment and AWX bring, apart from credentials."""
        home = str(self.folder / "home")
        return {
            "HOME": home,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": self.paths,
            "ANSIBLE_HOME": f"{home}/.ansible",
            "ANSIBLE_LOCAL_TEMP": f"{home}/.ansible/tmp",
            "ANSIBLE_REMOTE_TEMP": f"{home}/.ansible/tmp",
            "ANSIBLE_ASYNC_DIR": f"{home}/.ansible_async",
            "ANSIBLE_DEVEL_WARNING": "false",
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "AWX_PRIVATE_DATA_DIR": str(where),
            "JOB_ID": "1",
        }

    @staticmethod
    def _write_vars(path: Path, variables: dict[str, Any]) -> None:
        path.write_text(yaml.dump(mark_unsafe(variables), Dumper=ExtraVarsDumper, allow_unicode=True), encoding="utf-8")

    def _write_inventory(self, folder: Path, name: str, hosts: dict[str, dict[str, Any]], a_slice: tuple[int, int]) -> None:
        """Write the inventory as a script that prints it, with every n-th host only if the job is a slice."""
        inventory = find(self.kit, "controller_inventories", name)
        groups = [group for group in self.kit["controller_groups"] if group["inventory"] == name]
        known = [host["name"] for host in self.kit["controller_hosts"] if host["inventory"] == name]
        number, count = a_slice
        chosen = sorted({*known, *(host for group in hosts.values() for host in group)})[number - 1 :: count]
        data: dict[str, Any] = {
            "all": {"hosts": chosen, "vars": inventory.get("variables", {}), "children": [group["name"] for group in groups]},
            "_meta": {"hostvars": {host: own for group in hosts.values() for host, own in group.items() if host in chosen}},
        }
        for group in groups:
            inside = [host for host in hosts.get(group["name"], {}) if host in chosen]
            data[group["name"]] = {"hosts": inside, "vars": group.get("variables", {})}
        script = folder / "inventory" / "hosts"
        script.parent.mkdir()
        script.write_text(f"#!{sys.executable}\nprint({json.dumps(data)!r})\n", encoding="utf-8")
        script.chmod(0o700)
