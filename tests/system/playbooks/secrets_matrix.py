# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module and the lookup, with and without success, as loudly as can be: does a secret show anywhere?

``python -m system.playbooks.secrets_matrix`` runs every verbosity and every way of printing, and prints cases tried and leaks
found; with ``--sabotage`` it breaks each guard of the collection, to see that what comes out is found. ``make secrets`` runs
both, ``pytest tests/system/playbooks/test_secrets_everywhere.py`` the ways that differ most.

Modules are found in plugins/modules: each runs its first example, and that with a wrong password. What these do not show is in
secrets_play.yml.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from support.emulators import FAST_SWITCHES, create_session
from support.playbooks import CALLBACKS, create_environment, get_collections_path
from support.processes import SAFETY_NET, ProcessWatcher, start_process
from support.secrets import Leak, SecretScanner, read_session_id

from emulator import Emulator, Switches
from system.docs_examples.examples import MODULES, read_examples

HERE = Path(__file__).resolve().parent
PLAY = HERE / "secrets_play.yml"
COMMANDS = Path(sys.executable).parent
PREFIX = "vbem.rest."
CLEAN_UP_SECONDS = SAFETY_NET  # within which what runs in the background removes its files; that takes 5 seconds after its end
# No play gives these away by chance, and each form of them differs from the others.
PASSWORD = "kX7:ü€ 'q\"Zs\\6 %41+&=;{Mw}/?#-9vLp"
WRONG = "wrong-Tz8/'\"ä-Rk3:pN6&<b>"
ECHOED = "echoed-Hv5/\"é-Wd2'xQ9&Jc"
IN_BODY = "in-body-Qn4/'\"ö-Xt8:kB3&<z>"
BODY_PATHS = ("/api/cloud/nowhere", "/api/cloud/tenants")  # the addresses whose requests may hold it

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
# How modules run: within Ansible's worker, or in processes of their own.
APART = {"VBEM_IN_PROCESS": "false"}
WAYS |= {f"{way}, apart": environment | APART for way, environment in list(WAYS.items())}
VERBOSITIES = (0, 1, 2, 3, 4, 6)  # 5 shows nothing that 6 does not
# The default way with every verbosity; the others where results begin to be shown, and where everything is.
ALL = [(verbosity, way, False) for way in WAYS for verbosity in (VERBOSITIES if way.startswith("default") else (1, 6))]
# The ways that differ most; `make secrets` tries all of them, with all tasks.
FEW = [(6, "debug", True), (6, "debug, apart", True), (3, "runner", True)]

ACTION = "plugins/plugin_utils/_action.py"
EM = "plugins/module_utils/_em/"


class Break(NamedTuple):
    """A guard that is broken: code that is added at the end of a file, the names it replaces there, and how to look."""

    file: str
    names: tuple[str, ...]
    code: str
    verbosity: int = 0
    way: str = "default"
    is_short: bool = True


# What keeps secrets in. Each is broken by replacing functions, not text, so that it goes on working when the code changes.
BREAKS: dict[str, list[Break]] = {
    "options stay in the task": [Break(ACTION, ("EmAction._hide_secrets",), "EmAction._hide_secrets = lambda self: None")],
    "the environment stays in the task": [
        Break(
            ACTION,
            ("_hide", "PASSWORD_VARIABLE"),
            "_real = _hide\n_hide = lambda values, names: values if PASSWORD_VARIABLE in names else _real(values, names)",
        )
    ],
    "options stay where they are debugged": [
        Break(ACTION, ("EmAction._configure_module",), "del EmAction._configure_module", way="debug, apart")
    ],
    "the password stays in command lines": [
        Break(
            ACTION, ("EmAction._compute_environment_string",), "del EmAction._compute_environment_string", way="default, apart"
        )
    ],
    "a logon is not hidden": [
        Break(
            ACTION,
            ("EmAction.run",),
            "_real = EmAction.run\n"
            "EmAction.run = lambda *a, **k: {n: v for n, v in _real(*a, **k).items() if n != '_ansible_no_log'}",
            way="json",
        )
    ],
    "the items of loops are not looked into": [
        Break(ACTION, ("EmAction._censor_loop",), "EmAction._censor_loop = lambda self, task_vars: False", is_short=False)
    ],
    "only results are hidden of loops": [
        Break(
            ACTION,
            ("EmAction._censor_loop",),
            "_censor = EmAction._censor_loop\n"
            "_run = EmAction.run\n"
            "def _censor_loop(self, task_vars):\n"
            "    self.is_hidden = _censor(self, task_vars)\n"
            "    self._task.no_log = self._was_no_log\n"
            "    return self.is_hidden\n"
            "def run(self, tmp=None, task_vars=None):\n"
            "    result = _run(self, tmp, task_vars)\n"
            "    return {**result, '_ansible_no_log': True} if self.is_hidden else result\n"
            "EmAction._censor_loop, EmAction.run = _censor_loop, run",
        )
    ],
    "a session is not encrypted": [
        Break(EM + "runtime/one_time_pad.py", ("_combine",), "_combine = lambda data, key: data", 4, "debug, apart")
    ],
    "the one-time pad is shown": [
        Break(
            ACTION,
            ("SECRETS",),
            "SECRETS = tuple(name for name in SECRETS if name != '_one_time_pad')",
            way="debug, apart",
        )
    ],
    "what servers say is not masked": [
        Break(
            EM + "runtime/module.py",
            ("_Module._warn_of_masking", "_Module._create_invocation"),
            "_Module._warn_of_masking = lambda self, result: self.no_log_values.clear()\n"
            "_Module._create_invocation = lambda self: {'module_args': dict(self.params)}",
            way="default, apart",
            is_short=False,
        )
    ],
    "what servers say is not masked within Ansible's process": [
        Break(
            "plugins/plugin_utils/_in_process.py",
            ("remove_values", "create_invocation"),
            "remove_values = lambda value, secrets: value\n"
            "create_invocation = lambda params, shown: {'module_args': dict(params)}",
            is_short=False,
        )
    ],
    "what servers say to the lookup is not masked": [
        Break("plugins/plugin_utils/_lookup.py", ("Client",), "class Client(Client):\n    secrets = ()")
    ],
    "redirects are followed": [
        Break(
            EM + "client/transport.py",
            ("Transport._open",),
            "_real = Transport._open\n"
            "def _open(self):\n"
            "    is_new = self._session is None\n"
            "    requests = _real(self)\n"
            "    if is_new:\n"
            "        del self._session.get_redirect_target\n"
            "        send = self._session.request\n"
            "        self._session.request = lambda *a, **k: send(*a, **{**k, 'allow_redirects': True})\n"
            "    return requests\n"
            "Transport._open = _open",
        )
    ],
    "links lead where they say": [
        Break(EM + "protocol/links.py", ("get_path", "strip_host"), "get_path = strip_host = lambda href: href"),
        Break(
            EM + "client/transport.py",
            ("Transport._send_once",),
            "_real = Transport._send_once\n"
            "class _Elsewhere:\n"
            "    base_url = ''\n"
            "    def __init__(self, connection):\n"
            "        self._connection = connection\n"
            "    def __getattr__(self, name):\n"
            "        return getattr(self._connection, name)\n"
            "def _send_once(self, method, path, *more):\n"
            "    kept = self.connection\n"
            "    self.connection = _Elsewhere(kept) if path.startswith('http') else kept\n"
            "    try:\n"
            "        return _real(self, method, path, *more)\n"
            "    finally:\n"
            "        self.connection = kept\n"
            "Transport._send_once = _send_once",
        ),
    ],
}


@dataclass
class Report:
    """What one run of the play showed. ``cases`` counts (task, place that was searched)."""

    name: str
    tasks: dict[str, str] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    forms: int = 0
    samples: int = 0
    seconds: float = 0.0
    leaks: list[Leak] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Return how many cases were tried."""
        return len(self.tasks) * len(self.places)


class SecretsHarness:
    """Two servers, of which the second must never be contacted, and a folder for all that playbooks write."""

    def __init__(self, folder: Path, version: int = 13, commands: Path = COMMANDS) -> None:
        """Take an empty folder, and where Ansible's commands are."""
        self.folder = folder
        self.commands = commands
        self.em = Emulator(Switches(version=version, **FAST_SWITCHES), directory=folder / "em")
        self.stranger = Emulator(directory=folder / "stranger")

    def __enter__(self) -> SecretsHarness:
        self.em.start()
        self.stranger.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.stranger.stop()
        self.em.stop()

    def arm(self) -> dict[str, Any]:
        """Set up what playbooks meet: links and redirects to the other server, and answers that repeat secrets."""
        em, stranger = self.em, self.stranger
        stranger.clear_log()
        self._visits = stranger.connections  # of runs before
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
        loud = em.world.add_job("Loud Backup", server="vbr02")
        em.fault(
            "status",
            status=500,
            path=f"/jobs/{loud.id}",
            message=f"[{given.token}] [{given.id}] [{PASSWORD}] is not known",
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
            "em_in_body": IN_BODY,
            "em_ca_path": str(em.ca_path),
            "em_other_ca_path": str(em.other_ca_path),
            "em_given": create_session(em, given, username=user.username, retries=0),
        }

    def run(
        self,
        verbosity: int,
        way: str,
        *,
        is_short: bool = False,
        play: Path | None = None,
        collections: str = "",
        clean_up_seconds: float = CLEAN_UP_SECONDS,
    ) -> Report:
        """Run the play, and look everywhere."""
        report = Report(f"verbosity {verbosity}, {way}")
        options = ["-" + "v" * verbosity] if verbosity else []
        begin = time.monotonic()
        place = Path(tempfile.mkdtemp(prefix=f"{way.replace(', ', '-')}-{verbosity}-", dir=self.folder))
        given, kept, temporary = place / "given", place / "kept", place / "temporary"
        for folder in (given, kept, temporary, temporary / "home"):
            folder.mkdir()
        if play is None:
            play = given / "play.yml"
            play.write_text(yaml.safe_dump(create_play(), sort_keys=False), encoding="utf-8")
        variables = self.arm()
        environment = self._create_environment(kept, temporary, WAYS[way], collections or get_collections_path())
        with ProcessWatcher(temporary) as watcher:
            if way.startswith("runner"):
                options += ["--cmdline", "--skip-tags more"] if is_short else []
                code, output = run_with_runner([str(play), *options], given, kept, variables, environment)
            else:
                options += ["--skip-tags", "more"] if is_short else []
                code, output = run_directly([str(play), *options], given, variables, environment)
        report.samples = watcher.samples
        (kept / "output").write_bytes(output)
        if code != 0:
            report.trouble.append(f"the play ended with {code}: {output[-3000:].decode('utf-8', 'replace')}")
        until = time.monotonic() + clean_up_seconds
        while any(path.is_file() for path in temporary.rglob("*")) and time.monotonic() < until:
            time.sleep(0.2)
        self._search(report, watcher, kept, temporary)
        report.seconds = time.monotonic() - begin
        return report

    def _search(self, report: Report, watcher: ProcessWatcher, kept: Path, temporary: Path) -> None:
        search = SecretScanner.of(self.em, further=(WRONG, ECHOED, IN_BODY))
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
        sessions = SecretScanner(
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

    def _look_at_requests(self, report: Report, search: SecretScanner) -> None:
        if self.stranger.connections > self._visits or self.stranger.log:
            report.trouble.append(f"the other server was contacted: {[entry.path for entry in self.stranger.log]}")
        others = SecretScanner({name: text for name, text in search.secrets.items() if text != IN_BODY})
        for entry in self.em.log:
            where = f"the request {entry.method} {search.censor(entry.path)}"
            target = entry.target
            own = read_session_id(entry.header("X-RestSvcSessionId"))
            if entry.method == "DELETE" and own and entry.path == f"/api/logonSessions/{own}":
                target = "/api/logonSessions/"  # the one place where the id belongs
            report.leaks += search.find(target.encode(), where)
            report.leaks += (others if entry.path.startswith(BODY_PATHS) else search).find(entry.body, f"{where}, body")
            for name, value in entry.headers:
                is_logon = entry.method == "POST" and entry.path.startswith("/api/sessionMngr")
                if name != ("Authorization" if is_logon else "X-RestSvcSessionId"):
                    report.leaks += search.find(f"{name}: {value}".encode("latin-1"), f"{where}, header {name}")

    def _create_environment(self, kept: Path, temporary: Path, way: dict[str, str], collections: str) -> dict[str, str]:
        home = temporary / "home"
        return create_environment(
            home,
            **{
                "PATH": f"{self.commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
                "TMPDIR": str(temporary),
                "PYTHONDONTWRITEBYTECODE": "1",
                "ANSIBLE_COLLECTIONS_PATH": collections,
                "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "remote"),
                "ANSIBLE_PIPELINING": "false",  # what is written for modules is looked at, too
                "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
                "ANSIBLE_CALLBACKS_ENABLED": "vbem_dump",
                "ANSIBLE_CALLBACK_TREE_DIR": str(kept / "tree"),
                "ANSIBLE_LOG_PATH": str(kept / "log"),
                "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
                "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(kept / "facts"),
                "JUNIT_OUTPUT_DIR": str(kept / "junit"),
                "PYTHONPATH": str(HERE / "fake_journal"),
                "VBEM_JOURNAL": str(kept / "journal"),
                "VBEM_DUMP": str(kept / "dump"),
                "VBEM_PASSWORD": PASSWORD,
                **way,
            },
        )


def run_directly(options: list[str], given: Path, variables: dict[str, Any], environment: dict[str, str]) -> tuple[int, bytes]:
    """Run ansible-playbook, with the variables in a file; return its code and its output."""
    extra = given / "variables.json"
    extra.write_text(json.dumps(variables), encoding="utf-8")
    return _run(["ansible-playbook", "-e", f"@{extra}", *options], environment)


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
    return _run([*runner, "--artifact-dir", str(kept / "artifacts"), "-p", *options], env)


def _run(command: list[str], environment: dict[str, str]) -> tuple[int, bytes]:
    process: Any = start_process(command, env=environment, text=False)
    output, _errors = process.communicate(timeout=SAFETY_NET)
    return process.returncode, output


def create_play() -> list[dict[str, Any]]:
    """Return the play of secrets_play.yml, with two more tasks for each module: its first example, with and without success."""
    plays: list[dict[str, Any]] = yaml.safe_load(PLAY.read_text(encoding="utf-8"))
    tasks = plays[0]["tasks"]
    (block,) = [task["block"] for task in tasks if task["name"] == "Succeed and fail"]
    block[:0] = [task for path in MODULES if path.stem != "veeam_session" for task in create_tasks(path)]
    return plays


def create_tasks(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the tasks for a module: its first example, and that with a wrong password."""
    action = PREFIX + path.stem
    (example, *_rest) = (task for each in read_examples(path) for task in each.data if action in task)
    yield {**example, "name": f"Run {path.stem} as in its first example"}
    options = {name: value for name, value in example[action].items() if name != "session"}
    yield {
        "name": f"Run {path.stem} fails, the password being wrong",
        action: {**options, "password": "{{ em_wrong }}"},
    }


def read_tasks(dump: Path) -> dict[str, str]:
    """Return what became of each task, by name, from what the callback wrote: "ok", "unreachable" or the kind of the failure."""
    lines = [json.loads(line) for line in dump.read_text(encoding="utf-8").splitlines()] if dump.exists() else []
    tasks: dict[str, str] = {}
    for line in lines:
        if line["event"] in ("ok", "failed", "unreachable"):
            result = line["result"]
            results = [result, *result.get("results", [])]
            kinds = {each["error"]["kind"] for each in results if isinstance(each.get("error"), dict)}
            outcome = line["event"] if line["event"] == "ok" else ", ".join(sorted(kinds)) or line["event"]
            tasks[line["fields"]["name"]] = outcome
    return tasks


def break_guard(copy: Path, broken: Break) -> None:
    """Add the code that breaks a guard to a copy of the collection; fail if a name that it replaces is not there any more."""
    file = copy / broken.file
    text = file.read_text(encoding="utf-8")
    known = list_names(text)
    missing = [name for name in broken.names if name not in known]
    if missing:
        raise RuntimeError(f"{broken.file} has no {', '.join(missing)} any more: say in BREAKS what to break instead.")
    file.write_text(f"{text}\n\n{broken.code}\n", encoding="utf-8")


def list_names(text: str) -> set[str]:
    """Return the names that a module defines or imports, those of methods as Class.method."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
            names |= {f"{node.name}.{each.name}" for each in getattr(node, "body", []) if isinstance(each, ast.FunctionDef)}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def sabotage(folder: Path) -> int:
    """Break each guard of the collection in a copy, and see that what comes out is found; return how many were missed."""
    real = Path(get_collections_path()) / "ansible_collections" / "vbem" / "rest"
    missed = 0
    for name, breaks in BREAKS.items():
        tree = Path(tempfile.mkdtemp(dir=folder))
        copy = tree / "ansible_collections" / "vbem" / "rest"
        copy.mkdir(parents=True)
        for part in ("plugins", "meta"):
            shutil.copytree(real / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for each in breaks:
            break_guard(copy, each)
        look = breaks[0]
        with SecretsHarness(Path(tempfile.mkdtemp(dir=folder))) as harness:
            report = harness.run(look.verbosity, look.way, is_short=look.is_short, collections=str(tree))
        found = len(report.leaks) + sum("was contacted" in trouble for trouble in report.trouble)
        missed += not found
        first = next((f"{leak.secret}, as {leak.form}, in {leak.where}" for leak in report.leaks), *report.trouble[:1] or [""])
        print(f"{'found ' if found else 'MISSED'} {name}: {found} ({first[:150]})", flush=True)
    print(f"{len(BREAKS)} guards broken, {missed} not noticed")
    return missed


def main(arguments: list[str] | None = None) -> int:
    """Run the matrix and print it; return the exit code."""
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
        SecretsHarness(Path(folder), options.version, options.commands) as harness,
    ):
        for verbosity, way, is_short in FEW if options.few else ALL:
            report = harness.run(verbosity, way, is_short=is_short)
            reports.append(report)
            print(
                f"{report.name:22} {len(report.tasks):3} tasks in {len(report.places):2} places, {report.forms} forms of secrets,"
                f" {report.samples} looks at processes and files, {report.seconds:.0f} s:"
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
