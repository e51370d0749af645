# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bench of the wire tests: runs modules as the runner does, on a clock that nobody has to wait for."""

from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS, create_connection
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.one_time_pad import create_key, decrypt
from ansible_collections.vbem.rest.plugins.modules import veeam_session, veeam_task, veeam_task_info
from emulator import Emulator, LogEntry, LogonSession

# Every wire there is: both server versions, both formats.
every_wire = pytest.mark.usefixtures("version", "form")
every_version = pytest.mark.usefixtures("version")
every_form = pytest.mark.usefixtures("form")

PAD = create_key()

Module = Any
Session = Any  # an emulator's LogonSession, a dict as veeam_session returns it, or None: log on for oneself


class Failure:
    """What `Bench.failure` caught."""

    error: EmError

    @property
    def result(self) -> dict[str, Any]:
        return self.error.to_fail_json()


class Bench:
    """One emulator, and modules run against it.

    ``slept`` holds the pauses that were asked for; each has pushed the emulator's clock ahead. ``warnings`` and ``client``
    are those of the last run.
    """

    def __init__(self, em: Emulator, form: str) -> None:
        self.em = em
        self.form = form
        self.slept: list[float] = []
        self.warnings: list[str] = []
        self.client: Client | None = None
        self.user = "admin"
        self._clients: list[Client] = []
        self._errands: dict[int, Callable[[], object]] = {}

    # Time

    def clock(self) -> float:
        """Give the emulator's time."""
        return self.em.clock.now()

    def sleep(self, seconds: float) -> None:
        """Let time pass for the emulator, without waiting."""
        assert seconds >= 0
        self.slept.append(seconds)
        self.em.clock.advance(seconds)
        errand = self._errands.pop(len(self.slept), None)
        if errand is not None:
            errand()

    def during_sleep(self, number: int, errand: Callable[[], object]) -> None:
        """Have something done in the course of the pause of this number, counted from 1."""
        self._errands[number] = errand

    # Clients

    def options(self, session: Session = None, **options: Any) -> dict[str, Any]:
        """Give all connection options: of a borrowed session or, without one, with credentials."""
        given: dict[str, Any] = {option.name: option.default for option in CONNECTION_OPTIONS}
        given |= {
            "hostname": self.em.hostname,
            "port": self.em.port,
            "ca_path": self.em.ca_path,
            "response_format": self.form,
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

    def connect(self, session: Session = None, *, clock: Any = None, sleep: Any = None, **options: Any) -> Client:
        """Create a client from a borrowed session or, without one, with a session of its own."""
        client = Client(
            create_connection(self.options(session, **options)), clock=clock or self.clock, sleep=sleep or self.sleep
        )
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
        """Run a module as the runner does and give its result."""
        unknown = params.keys() - module.SPEC.keys()
        assert not unknown, f"no such option: {unknown}"
        timing = {name: options.pop(name) for name in ("clock", "sleep") if name in options}
        defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
        client = self.client = self.connect(session, **timing, **options)
        self.warnings = client.warnings
        try:
            with client:
                result: dict[str, Any] = module.run(
                    client, {**self.options(session, **options), **defaults, **params}, check_mode
                )
        finally:
            self.check_secrets(client.warnings)
        self.check_secrets(result)
        return result

    def info(self, session: Session = None, *, options: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        """Run veeam_task_info."""
        return self.run(veeam_task_info, session, options or {}, params)

    def ids(self, session: Session = None, *, options: dict[str, Any] | None = None, **params: Any) -> list[str]:
        """Run veeam_task_info and give the ids of the tasks."""
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
        """Run veeam_session with state: present, and open its result as the action plugin does."""
        result = self.run(veeam_session, session, options, {"state": "present", "_one_time_pad": PAD}, check_mode=check_mode)
        return {"changed": result["changed"], "session": json.loads(decrypt(result["sealed"], PAD))}

    def absent(self, session: Session = None, **options: Any) -> dict[str, Any]:
        """Run veeam_session with state: absent."""
        return self.run(veeam_session, session, options, {"state": "absent"})

    # What to assert

    @contextmanager
    def failure(self, kind: str) -> Iterator[Failure]:
        """Expect a failure of this kind, which says something and gives no secret away."""
        caught = Failure()
        with pytest.raises(EmError) as info, self.failure_of_any_kind():
            yield caught
        error = caught.error = info.value
        assert error.kind == kind, error.to_fail_json()
        assert len(error.msg) > 20

    @contextmanager
    def failure_of_any_kind(self) -> Iterator[None]:
        """PollResult at a failure, if there is one, for secrets; and let it through."""
        try:
            yield
        except EmError as err:
            self.check_secrets(str(err), repr(err), err.to_fail_json(), "".join(traceback.format_exception(err)))
            raise

    def check_secrets(self, *shown: object) -> None:
        """Assert that no password, token or id of a logon session shows."""
        secrets = {user.password for user in self.em.users.values()}
        for session in self.em.sessions:
            secrets |= {session.token, session.id}
        for entry in self.em.log:
            secrets |= {entry.session_id or "", entry.header("X-RestSvcSessionId") or ""}
            secrets.add((entry.header("Authorization") or "").removeprefix("Basic "))
        for thing in shown:
            for text in (str(thing), repr(thing), json.dumps(thing, ensure_ascii=False, default=repr)):
                for secret in secrets - {""}:
                    assert secret not in text, f"{secret} shows in {text}"
                    assert base64.b64encode(secret.encode()).decode() not in text, f"{secret}, in base64, shows in {text}"

    def queries(self) -> list[LogEntry]:
        """Give the requests for lists of tasks."""
        return self.em.requests("GET", r"^/api/query\?")

    def deletions(self) -> list[str]:
        """Give the ids of the tasks whose removal was asked for, in order."""
        return [entry.path.rpartition("/")[2] for entry in self.em.requests("DELETE", "^/api/tasks/")]

    def logons(self) -> list[LogEntry]:
        """Give the requests to log on."""
        return self.em.requests("POST", "/sessionMngr")

    def logoffs(self) -> list[LogEntry]:
        """Give the requests to log off."""
        return self.em.requests("DELETE", "/logonSessions/")
