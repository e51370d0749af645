# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harness of the functional tests: runs modules as the runner does, against an emulator, on a virtual clock."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.modules import veeam_session, veeam_task, veeam_task_info
from emulator import Emulator, LogEntry, LogonSession

# A test with one of these runs for each version of the server, each response_format, or each combination.
all_versions = pytest.mark.usefixtures("version")
all_formats = pytest.mark.usefixtures("response_format")
all_versions_and_formats = pytest.mark.usefixtures("version", "response_format")

Module = Any
Session = Any  # an emulator's LogonSession, a dict as veeam_session returns it, or None for a logon of the module's own


class Failure:
    """What `Harness.failure` caught."""

    error: EmError

    @property
    def result(self) -> dict[str, Any]:
        return self.error.to_fail_json()


class Harness:
    """One emulator, and modules run against it.

    ``slept`` holds the pauses; each has advanced the emulator's clock. ``warnings``, ``progress`` and ``client`` are those of
    the last run.
    """

    def __init__(self, em: Emulator, response_format: str) -> None:
        self.em = em
        self.response_format = response_format
        self.slept: list[float] = []
        self.warnings: list[str] = []
        self.progress: list[str] = []
        self.client: Client | None = None
        self.user = "admin"
        self._clients: list[Client] = []
        self._during_sleep: dict[int, Callable[[], object]] = {}

    # Time

    def clock(self) -> float:
        """Return the emulator's time."""
        return self.em.clock.now()

    def sleep(self, seconds: float) -> None:
        """Advance the emulator's clock, without waiting."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.em.clock.advance(seconds)
        self._during_sleep.pop(len(self.slept), lambda: None)()

    def during_sleep(self, number: int, function: Callable[[], object]) -> None:
        """Call a function at the end of the pause of this number, counted from 1."""
        self._during_sleep[number] = function

    # Clients

    def options(self, session: Session = None, **options: Any) -> dict[str, Any]:
        """Return all connection options: of a borrowed session or, without one, with credentials."""
        given: dict[str, Any] = {option.name: option.default for option in CONNECTION_OPTIONS}
        given |= {
            "hostname": self.em.hostname,
            "port": self.em.port,
            "ca_path": self.em.ca_path,
            "response_format": self.response_format,
            "session": None,
        }
        if session is None:
            user = self.em.users[self.user]
            given |= {"username": user.username, "password": user.password}
        given |= options
        if isinstance(session, LogonSession):
            known = {name: value for name, value in given.items() if name not in ("password", "session")}
            given["session"] = {**known, "id": session.id, "token": session.token, "expires_after": 900}
        elif session is not None:
            given["session"] = session
        return given

    def connect(self, session: Session = None, **options: Any) -> Client:
        """Return a client with a borrowed session or, without one, one of its own. ``options`` may hold `Hooks`, too."""
        hooks = {name: options.pop(name) for name in Hooks._fields if name in options}
        self.progress = []
        defaults = {"clock": self.clock, "sleep": self.sleep, "on_progress": self.progress.append}
        client = Client(create_connection(self.options(session, **options)), hooks=Hooks(**{**defaults, **hooks}))
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.transport.close()

    # Modules

    def run(
        self, module: Module, session: Session, options: dict[str, Any], params: dict[str, Any], *, check_mode: bool = False
    ) -> dict[str, Any]:
        """Run a module as the runner does, and return its result."""
        unknown = params.keys() - module.SPEC.keys()
        assert not unknown, f"no such option: {unknown}"
        client = self.client = self.connect(session, **options)
        self.warnings = client.warnings
        defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
        given = {name: value for name, value in options.items() if name not in Hooks._fields}
        try:
            with client:
                result: dict[str, Any] = module.run(
                    client, {**self.options(session, **given), **defaults, **params}, check_mode
                )
        finally:
            self.check_secrets(client.warnings, self.progress)
        self.check_secrets({key: value for key, value in result.items() if module is not veeam_session or key != "session"})
        return result

    def info(self, session: Session = None, *, options: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Run veeam_task_info."""
        return self.run(veeam_task_info, session, options or {}, params)

    def ids(self, session: Session = None, *, options: dict[str, Any] | None = None, **params: Any) -> list[str]:
        """Run veeam_task_info, and return the ids of the tasks."""
        return [task["task_id"] for task in self.info(session, options=options, **params)["tasks"]]

    def remove(
        self, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
    ) -> dict[str, Any]:
        """Run veeam_task with state: absent."""
        return self.run(veeam_task, session, options or {}, {"state": "absent", **params}, check_mode=check_mode)

    def wait(
        self, session: Session = None, *, options: dict[str, Any] | None = None, check_mode: bool = False, **params: Any
    ) -> dict[str, Any]:
        """Run veeam_task with state: finished."""
        return self.run(veeam_task, session, options or {}, {"state": "finished", **params}, check_mode=check_mode)

    def present(self, session: Session = None, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Run veeam_session with state: present."""
        return self.run(veeam_session, session, options, {"state": "present"}, check_mode=check_mode)

    def absent(self, session: Session = None, **options: Any) -> dict[str, Any]:
        """Run veeam_session with state: absent."""
        return self.run(veeam_session, session, options, {"state": "absent"})

    # What to assert

    @contextmanager
    def failure(self, kind: str) -> Iterator[Failure]:
        """Expect a failure of this kind, with a message and without secrets."""
        caught = Failure()
        with pytest.raises(EmError) as info, self.failure_of_any_kind():
            yield caught
        error = caught.error = info.value
        assert error.kind == kind, error.to_fail_json()
        assert len(error.msg) > 20

    @contextmanager
    def failure_of_any_kind(self) -> Iterator[None]:
        """Check a failure, if there is one, for secrets, and raise it again."""
        try:
            yield
        except EmError as err:
            self.check_secrets(str(err), repr(err), err.to_fail_json(), "".join(traceback.format_exception(err)))
            raise

    def check_secrets(self, *shown: object) -> None:
        """Assert that no password, token or id of a logon session is shown."""
        secrets = {user.password for user in self.em.users.values()}
        for session in self.em.sessions:
            secrets |= {session.token, session.id}
        for entry in self.em.log:
            secrets |= {entry.session_id or "", entry.header("X-RestSvcSessionId") or ""}
            secrets.add((entry.header("Authorization") or "").removeprefix("Basic "))
        secrets -= {""}
        encoded = {secret: base64.b64encode(secret.encode()).decode() for secret in secrets}
        for thing in shown:
            for text in dict.fromkeys([str(thing), repr(thing), json.dumps(thing, ensure_ascii=False, default=repr)]):
                for secret in secrets:
                    assert secret not in text, f"{secret} is shown in {text}"
                    assert encoded[secret] not in text, f"{secret}, in base64, is shown in {text}"

    def queries(self) -> list[LogEntry]:
        """Return the queries."""
        return self.em.requests("GET", r"^/api/query\?")

    def deletions(self) -> list[str]:
        """Return the ids of the tasks whose removal was requested, in order."""
        return [entry.path.rpartition("/")[2] for entry in self.em.requests("DELETE", "^/api/tasks/")]

    def logons(self) -> list[LogEntry]:
        """Return the logon requests."""
        return self.em.requests("POST", "/sessionMngr")

    def logoffs(self) -> list[LogEntry]:
        """Return the log-off requests."""
        return self.em.requests("DELETE", "/logonSessions/")
