# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module and the lookup, with and without success, as loudly as can be: does a secret show anywhere?

``python -m system.playbooks.secrets_matrix`` runs every verbosity with every way of looking, and prints cases tried and leaks found;
``pytest tests/system/playbooks/test_secrets_everywhere.py`` runs each verbosity and each way once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulator import Emulator, Switches

from .secret_search import Leak, Search, list_secrets, read_session_id
from .watcher import Watcher

HERE = Path(__file__).resolve().parent
PLAY = HERE / "secrets_play.yml"
LIMIT_SECONDS = 300
PATIENCE = 20.0
COMMANDS = Path(sys.executable).parent
# No play gives these away by chance, and each form of them differs from the others.
PASSWORD = "kX7:ü€ 'q\"Zs\\6 %41+&=;{Mw}/?#-9vLp"
WRONG = "wrong-Tz8/'\"ä-Rk3:pN6&<b>"
ECHOED = "echoed-Hv5/\"é-Wd2'xQ9&Jc"
SWIFT: dict[str, Any] = {
    "task_running": 0.1,
    "task_collecting": 0.1,
    "run_delay": 0.1,
    "run_starting": 0.1,
    "run_duration": 0.2,
}

WAYS: dict[str, dict[str, str]] = {
    "default": {},
    "debug": {"ANSIBLE_DEBUG": "1"},
    "yaml": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_CALLBACKS_ENABLED": "vbem_dump,ansible.builtin.junit"},
    "json": {
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        "ANSIBLE_CALLBACKS_ENABLED": "vbem_dump,ansible.builtin.tree",
    },
    "oneline": {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"},
    "runner": {},
}
VERBOSITIES = range(5)
ALL = [(verbosity, way, False) for way in WAYS for verbosity in VERBOSITIES]
# The ways that differ most; `make secrets` tries each with every verbosity and all tasks.
FEW = [(3, "runner", True), (4, "debug", True)]

# What keeps secrets in: what to replace by what in which files, and how to look. "(more)": with all tasks.
ACTION = "plugins/plugin_utils/_action.py"
LOGON = "plugins/action/veeam_session.py"
EM = "plugins/module_utils/_em/"
BREAKS: dict[str, tuple[list[tuple[str, str, str]], int, str]] = {
    "options stay in the task": ([(ACTION, "            self._hide_secrets()", "            pass")], 0, "default"),
    "the environment stays in the task": ([(ACTION, "_hide(each, (PASSWORD_VARIABLE,))", "each")], 0, "default"),
    "options stay where they are debugged": ([(ACTION, "module_args.update(_hide(module_args, SECRETS))", "pass")], 0, "debug"),
    "the password stays in command lines": ([(ACTION, "environment.pop(PASSWORD_VARIABLE, None)", "pass")], 0, "default"),
    "a logon is not hidden": ([(LOGON, 'result["_ansible_no_log"] = True', "pass")], 0, "json"),
    "a session is not sealed": (
        [(EM + "runtime/one_time_pad.py", "bytes(left ^ right for left, right in zip(data, key))", "data")],
        4,
        "debug",
    ),
    "the pad is shown": (
        [(ACTION, 'SECRETS = ("password", "session", "_pad")', 'SECRETS = ("password", "session")')],
        0,
        "debug",
    ),
    "what servers say is not masked (more)": (
        [
            (EM + "runtime/module.py", "module.no_log_values.update(client.secrets)", "module.no_log_values.clear()"),
            (EM + "runtime/module.py", 'names = ("password", "session", "_pad", "_watch")', "names = ()"),
        ],
        0,
        "default",
    ),
    "what servers say to the lookup is not masked": (
        [("plugins/plugin_utils/_ask.py", 'masked.replace(secret, "********")', "masked")],
        0,
        "default",
    ),
    "redirects are followed": (
        [
            (EM + "client/transport.py", "self._session.get_redirect_target = lambda _response: None", "pass"),
            (EM + "client/transport.py", "allow_redirects=False", "allow_redirects=True"),
        ],
        0,
        "default",
    ),
    "links lead where they say": (
        [
            (EM + "protocol/links.py", "    path = strip_host(href)\n", "    return href\n    path = strip_host(href)\n"),
            (
                EM + "client/transport.py",
                "connection.base_url + path,",
                'path if path[:4] == "http" else connection.base_url + path,',
            ),
        ],
        0,
        "default",
    ),
}


@dataclass
class Report:
    """What one run of the play showed. ``cases`` counts (task, place that was searched)."""

    name: str
    tasks: dict[str, str] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    forms: int = 0
    looks: int = 0
    seconds: float = 0.0
    leaks: list[Leak] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Count the cases tried."""
        return len(self.tasks) * len(self.places)


class Bench:
    """Two servers, of which the second must never be spoken to, and a folder for all that plays write."""

    def __init__(self, folder: Path, version: int = 13, commands: Path = COMMANDS) -> None:
        """Take an empty folder, and where Ansible's commands are."""
        self.folder = folder
        self.commands = commands
        self.em = Emulator(Switches(version=version, **SWIFT), directory=folder / "em")
        self.stranger = Emulator(directory=folder / "stranger")

    def __enter__(self) -> Bench:
        self.em.start()
        self.stranger.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.stranger.stop()
        self.em.stop()

    def arm(self) -> dict[str, Any]:
        """Set up what plays meet: links and redirects to the other server, and answers that repeat secrets."""
        em, stranger = self.em, self.stranger
        stranger.clear_log()
        self.visits = stranger.connections  # of runs before
        em.reset()
        em.clear_log()
        user = em.add_user("loud", "VBEM\\loud", PASSWORD)
        api = em._https.api
        original: Callable[..., Any] = type(api).handle
        api.handle = lambda request: original(api, replace(request, base=stranger.base_url))  # type: ignore[method-assign]
        for method, path in (("GET", "query"), ("POST", "jobs"), ("DELETE", "tasks")):
            em.fault(
                "redirect", method=method, path=path, query="redirect", location=f"{stranger.base_url}/api/{path}", times=None
            )
        em.fault("redirect", method="POST", path="sessionMngr", query="v1_2", location=f"{stranger.base_url}/api/sessionMngr/")
        given = em.logon("VBEM\\loud")
        for number, text in enumerate((given.token, given.id, PASSWORD)):
            em.fault(
                "status",
                status=500,
                path="/query",
                query=f"Echo{number}",
                message=f"[{text}] is not known",
                body="json",
                times=None,
            )
        em.fault(
            "status",
            status=401,
            path="sessionMngr",
            query="v1_3",
            message=f"The password {ECHOED} is wrong",
            body="json",
            times=None,
        )
        em.make_task(given, "StartJob", success=False, message="Nobody there")
        return {
            "em_hostname": em.hostname,
            "em_port": em.port,
            "em_stranger": stranger.port,
            "em_username": user.username,
            "em_password": PASSWORD,
            "em_wrong": WRONG,
            "em_echoed": ECHOED,
            "em_ca_path": str(em.ca_path),
            "em_other_ca_path": str(em.other_ca_path),
            "em_given": {
                "hostname": em.hostname,
                "port": em.port,
                "id": given.id,
                "token": given.token,
                "username": user.username,
                "api_version": "latest",
                "validate_certs": True,
                "ca_path": str(em.ca_path),
                "timeout": 30,
                "retries": 0,
                "response_format": "auto",
                "expires_after": 900,
            },
        }

    def run(
        self,
        verbosity: int,
        way: str,
        *,
        is_short: bool = False,
        play: Path = PLAY,
        collections: Path | None = None,
        patience: float = PATIENCE,
    ) -> Report:
        """Run the play, and look everywhere."""
        report = Report(f"verbosity {verbosity}, {way}")
        options = ["-" + "v" * verbosity] if verbosity else []
        begin = time.monotonic()
        place = Path(tempfile.mkdtemp(prefix=f"{way}-{verbosity}-", dir=self.folder))
        given, kept, temporary = place / "given", place / "kept", place / "temporary"
        for folder in (given, kept, temporary, temporary / "home"):
            folder.mkdir()
        variables = self.arm()
        environment = self._create_environment(kept, temporary, WAYS[way])
        if collections is not None:
            environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
        with Watcher(temporary) as watcher:
            if way == "runner":
                options += ["--cmdline", "--skip-tags more"] if is_short else []
                code, output = run_with_runner([str(play), *options], given, kept, variables, environment)
            else:
                options += ["--skip-tags", "more"] if is_short else []
                code, output = run_directly([str(play), *options], given, variables, environment)
        report.looks = watcher.looks
        (kept / "output").write_bytes(output)
        if code != 0:
            report.trouble.append(f"the play ended with {code}: {output[-3000:].decode('utf-8', 'replace')}")
        until = time.monotonic() + patience
        while any(path.is_file() for path in temporary.rglob("*")) and time.monotonic() < until:
            time.sleep(0.2)  # what runs in the background removes its files up to 5 seconds after it has ended
        self._search(report, watcher, kept, temporary)
        report.seconds = time.monotonic() - begin
        return report

    def _search(self, report: Report, watcher: Watcher, kept: Path, temporary: Path) -> None:
        search = Search(list_secrets(self.em, (WRONG, ECHOED)))
        report.forms = search.forms
        report.tasks = read_tasks(kept / "dump")
        report.leaks += search.find_below(kept)
        report.leaks += search.find_opened(path.read_bytes() for path in kept.rglob("*") if path.is_file())
        report.places += sorted(
            str(path.relative_to(kept)) if path.parent == kept else path.parent.name
            for path in kept.rglob("*")
            if path.is_file()
        )
        report.places = sorted(set(report.places))
        for argument in watcher.arguments:
            report.leaks += search.find(argument, "arguments of a process")
        # The user's own variable reaches every process that Ansible starts; nothing else may be there.
        sessions = Search(
            {name: text for name, text in search.secrets.items() if "password" not in name and "Authorization" not in name}
        )
        for environment in watcher.environments:
            report.leaks += sessions.find(environment, "environment of a process")
        # Results of async tasks lie where others can read them, by Ansible's design: they must hold no secret.
        for path, content in watcher.open_files.items():
            report.leaks += search.find(content, f"{path.name}, which others can read")
            if path.parent.name != ".ansible_async":
                report.trouble.append(f"others can read {path}")
        left = [str(path.relative_to(temporary)) for path in temporary.rglob("*") if path.is_file()]
        report.trouble += [f"a temporary file is left: {name}" for name in left]
        report.leaks += search.find_below(temporary)
        report.places += ["process arguments", "process environments", "temporary files", "the other server", "requests"]
        self._look_at_requests(report, search)

    def _look_at_requests(self, report: Report, search: Search) -> None:
        if self.stranger.connections > self.visits or self.stranger.log:
            report.trouble.append(f"the other server was spoken to: {[entry.path for entry in self.stranger.log]}")
        for entry in self.em.log:
            where = f"the request {entry.method} {search.censor(entry.path)}"
            target = entry.target
            own = read_session_id(entry.header("X-RestSvcSessionId"))
            if entry.method == "DELETE" and own and entry.path == f"/api/logonSessions/{own}":
                target = "/api/logonSessions/"  # the one place where the id belongs
            report.leaks += search.find(target.encode() + b" " + entry.body, where)
            for name, value in entry.headers:
                is_logon = entry.method == "POST" and entry.path.startswith("/api/sessionMngr")
                if name != ("Authorization" if is_logon else "X-RestSvcSessionId"):
                    report.leaks += search.find(f"{name}: {value}".encode("latin-1"), f"{where}, header {name}")

    def _create_environment(self, kept: Path, temporary: Path, way: dict[str, str]) -> dict[str, str]:
        collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH")
        if not collections:
            raise RuntimeError("Set ANSIBLE_COLLECTIONS_PATH to a folder that holds ansible_collections/vbem/rest.")
        home = temporary / "home"
        return {
            "PATH": f"{self.commands}{os.pathsep}{os.environ.get('PATH', '')}",
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "remote"),
            "ANSIBLE_ASYNC_DIR": str(home / ".ansible_async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "vbem_dump",
            "ANSIBLE_CALLBACK_TREE_DIR": str(kept / "tree"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_DEVEL_WARNING": "false",
            "ANSIBLE_LOG_PATH": str(kept / "log"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(kept / "facts"),
            "JUNIT_OUTPUT_DIR": str(kept / "junit"),
            "PYTHONPATH": str(HERE / "fake_journal"),
            "VBEM_JOURNAL": str(kept / "journal"),
            "VBEM_DUMP": str(kept / "dump"),
            "VBEM_PASSWORD": PASSWORD,
            **way,
        }


def run_directly(options: list[str], given: Path, variables: dict[str, Any], environment: dict[str, str]) -> tuple[int, bytes]:
    """Run ansible-playbook, with the variables in a file; give its code and its output."""
    extra = given / "variables.json"
    extra.write_text(json.dumps(variables), encoding="utf-8")
    done = subprocess.run(
        ["ansible-playbook", "-e", f"@{extra}", *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def run_with_runner(
    options: list[str], given: Path, kept: Path, variables: dict[str, Any], environment: dict[str, str]
) -> tuple[int, bytes]:
    """Run ansible-runner, with variables and environment as AWX gives them; what it keeps is kept."""
    (given / "env").mkdir()
    (given / "env" / "extravars").write_text(json.dumps(variables), encoding="utf-8")
    # ansible-runner keeps the environment that it is given in its file "command", as it was given.
    env = {name: value for name, value in environment.items() if name != "VBEM_PASSWORD"}
    (given / "env" / "envvars").write_text(json.dumps({**env, "VBEM_PASSWORD": ""}), encoding="utf-8")
    runner = ["ansible-runner", "run", str(given), "-i", "matrix"]
    done = subprocess.run(
        [*runner, "--artifact-dir", str(kept / "artifacts"), "-p", *options],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def read_tasks(dump: Path) -> dict[str, str]:
    """Give what became of each task, by name, from what the callback wrote: "ok", or the kind of the failure."""
    lines = [json.loads(line) for line in dump.read_text(encoding="utf-8").splitlines()] if dump.exists() else []
    tasks: dict[str, str] = {}
    for line in lines:
        if line["event"] in ("ok", "failed"):
            result = line["result"]
            results = [result, *result.get("results", [])]
            kinds = {each["error"]["kind"] for each in results if isinstance(each.get("error"), dict)}
            tasks[line["fields"]["name"]] = line["event"] if line["event"] == "ok" else ", ".join(sorted(kinds)) or "failed"
    return tasks


def sabotage(folder: Path) -> int:
    """Break each guard of the collection in a copy, and see that what comes out is found; give how many were missed."""
    real = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections" / "vbem" / "rest"
    missed = 0
    for name, (replacements, verbosity, way) in BREAKS.items():
        tree = Path(tempfile.mkdtemp(dir=folder))
        copy = tree / "ansible_collections" / "vbem" / "rest"
        copy.mkdir(parents=True)
        for part in ("plugins", "meta"):
            shutil.copytree(real / part, copy / part)
        for file, old, new in replacements:
            text = (copy / file).read_text(encoding="utf-8")
            if old not in text:
                raise RuntimeError(f"{file} does not hold {old!r} any more: say in BREAKS what to break instead.")
            (copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        with Bench(Path(tempfile.mkdtemp(dir=folder))) as bench:
            report = bench.run(verbosity, way, is_short="more" not in name, collections=tree)
        found = len(report.leaks) + sum("was spoken to" in trouble for trouble in report.trouble)
        missed += not found
        first = next((f"{leak.secret}, as {leak.form}, in {leak.where}" for leak in report.leaks), *report.trouble[:1] or [""])
        print(f"{'found ' if found else 'MISSED'} {name}: {found} ({first[:150]})", flush=True)
    print(f"{len(BREAKS)} guards broken, {missed} not noticed")
    return missed


def main(arguments: list[str] | None = None) -> int:
    """Run the matrix and print it; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m system.playbooks.secrets_matrix", description=__doc__.splitlines()[0])
    parser.add_argument("--few", action="store_true", help="only what pytest runs")
    parser.add_argument("--version", type=int, choices=(12, 13), default=13, help="which server to be (default: %(default)s)")
    parser.add_argument("--commands", type=Path, default=COMMANDS, metavar="DIR", help="where ansible-playbook is")
    parser.add_argument("--sabotage", action="store_true", help="break the guards, one by one, and see that it is found")
    options = parser.parse_args(arguments)
    if options.sabotage:
        with tempfile.TemporaryDirectory(prefix="vbem-secrets-") as folder:
            return 1 if sabotage(Path(folder)) else 0
    reports = []
    with (
        tempfile.TemporaryDirectory(prefix="vbem-secrets-") as folder,
        Bench(Path(folder), options.version, options.commands) as bench,
    ):
        for verbosity, way, is_short in FEW if options.few else ALL:
            report = bench.run(verbosity, way, is_short=is_short)
            reports.append(report)
            print(
                f"{report.name:22} {len(report.tasks):3} tasks in {len(report.places):2} places, {report.forms} forms of secrets,"
                f" {report.looks} looks at processes and files, {report.seconds:.0f} s:"
                f" {len(report.leaks)} leaks, {len(report.trouble)} other faults",
                flush=True,
            )
            for leak in report.leaks[:20]:
                print(f"    {leak.secret}, as {leak.form}, in {leak.where}, after {leak.before!r}")
            for trouble in report.trouble:
                print(f"    {trouble}")
    wrong = sum(len(report.leaks) + len(report.trouble) for report in reports)
    print(
        f"{sum(report.cases for report in reports)} cases tried (a task, and a place to look for its secrets), {wrong} leaks or faults"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
