# Copyright (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An event for each job run of Veeam Backup Enterprise Manager that ends."""

# pylint: disable=line-too-long

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if "ansible_collections" in Path(__file__).parts:
    # ansible-rulebook runs this file without making collections importable. The tree that the file is in goes last, and holds
    # nothing but ansible_collections; where the package "ansible" has a tree of its own, ours is added to its search path.
    tree = next(parent for parent in Path(__file__).absolute().parents if parent.name == "ansible_collections")
    if str(tree.parent) not in sys.path:
        sys.path.append(str(tree.parent))
    import ansible_collections

    if str(tree) not in ansible_collections.__path__:
        ansible_collections.__path__.append(str(tree))
else:  # a copy, given by --source-dir: the collection is where Ansible's are
    places = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections:/usr/share/ansible/collections")
    sys.path.extend(str(Path(place).expanduser()) for place in places.split(os.pathsep))

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client, Hooks
from ansible_collections.vbem.rest.plugins.module_utils._em.client.retry import RECONNECT_BACKOFF
from ansible_collections.vbem.rest.plugins.module_utils._em.client.session import LogonSession, log_off
from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError, create_option_error, to_line
from ansible_collections.vbem.rest.plugins.module_utils._em.events.checkpoint import (
    Checkpoint,
    append_emitted,
    get_id,
    read_checkpoint,
    write_checkpoint,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.events.finished_sessions import (
    Finder,
    PollResult,
    create_event,
    matches_filters,
    read_since,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.options import (
    CONNECTION_OPTIONS,
    IDLE_SECONDS,
    Connection,
    Option,
    create_connection,
)
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.option_reader import read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCUMENTATION = r"""
name: job_sessions
short_description: Emit an event for each finished job run of Veeam Backup Enterprise Manager
version_added: 0.1.0
author:
  - vbem.rest contributors (@vbem-rest)
description:
  - Polls Enterprise Manager, every O(poll_interval) seconds, for runs of jobs (job sessions) that have ended, and emits one
    event for each. Runs are those of backup, backup copy, replication, agent and NAS jobs, of all backup servers.
  - With O(restore_sessions), finished restores are emitted as well, each as C(event.restore_session).
  - Each run is emitted once, however often polls see it. With O(state_file) this holds across restarts of the rulebook too.
  - One logon session is kept across polls, replaced by a new one if it is lost, and logged off when the rulebook ends.
  - When the server is unreachable, restarts or sends invalid answers, the source logs a warning, retries with pauses of up to
    five minutes, and then emits the events that it missed. It stops only on errors that a retry cannot fix, with a message -
    invalid options, or a refused logon, because retrying a wrong password all night would lock the account.
options:
  hostname:
    description:
      - Name or address of the Enterprise Manager server, without scheme and port.
      - If not given or empty, the environment variable E(VBEM_HOSTNAME) is used.
    type: str
    aliases: [host]
  port:
    description:
      - Port of Enterprise Manager's REST API. Only HTTPS is supported.
      - If not given or empty, the environment variable E(VBEM_PORT) is used.
    type: int
    default: 9398
  username:
    description:
      - User to log on as. By the vendor's table of roles a Portal User may query runs and their task sessions; a Restore
        Operator may not. Whether a Portal User sees the runs of all jobs has not been tried on a live server.
      - If not given or empty, the environment variable E(VBEM_USERNAME) is used.
    type: str
  password:
    description:
      - Password of O(username).
      - Write a variable with C(tojson), as in the examples. Without it ansible-rulebook reads C(12345) as a number.
      - If not given or empty, the environment variable E(VBEM_PASSWORD) is used.
    type: str
  api_version:
    description:
      - Version of the REST API to log on with, such as V(v1_7); V(latest) is the newest that the server has.
      - If not given or empty, the environment variable E(VBEM_API_VERSION) is used.
    type: str
    default: latest
  validate_certs:
    description:
      - Whether to check the server's certificate.
      - If not given or empty, the environment variable E(VBEM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a PEM bundle with the certificates to trust.
      - If not given or empty, the environment variable E(VBEM_CA_PATH) is used.
    type: path
  timeout:
    description:
      - Seconds that one request may take.
      - If not given or empty, the environment variable E(VBEM_TIMEOUT) is used.
    type: int
    default: 30
  retries:
    description:
      - How often a read is retried within one poll after a transient error.
      - If not given or empty, the environment variable E(VBEM_RETRIES) is used.
    type: int
    default: 3
  response_format:
    description:
      - Which format to request from the server. Events are the same.
      - If not given or empty, the environment variable E(VBEM_RESPONSE_FORMAT) is used.
    type: str
    choices: [auto, xml, json]
    default: auto
  poll_interval:
    description: Seconds from one poll to the next. With more than 600 the source logs off in between.
    type: int
    default: 60
  since:
    description:
      - Which finished runs to begin with. V(now) emits none that the server lists as finished when the rulebook starts.
      - A time such as V(2026-11-23T18:00:00Z), or a duration before now such as V(90m), V(12h) or V(2d), emits those that
        ended since then.
      - Ignored if O(state_file) exists already.
    type: str
    default: now
  lookback:
    description:
      - How many seconds late the server may report the end of a run, and how far the clocks of the backup servers may be
        behind.
      - Each poll reads the runs of this period again, and leaves out those that were emitted.
    type: int
    default: 3600
  state_file:
    description:
      - A file in which to keep what was emitted, so that a restarted rulebook continues where it stopped. It is created if
        there is none; its folder has to exist.
      - Give each source a file of its own, on storage that outlives the rulebook's container. It holds no secrets.
      - Without it, runs that end while the rulebook is down are not emitted, unless O(since) reaches back; and that may emit
        runs again.
    type: path
  job_name:
    description: Emit only runs of jobs with one of these names, which are case-insensitive. They may contain C(*) and C(?).
    type: list
    elements: str
  job_type:
    description: Emit only runs of jobs of these types, such as V(Backup), V(AgentBackup) or V(*Copy), which are
      case-insensitive.
    type: list
    elements: str
  result:
    description: Emit only runs with one of these results.
    type: list
    elements: str
    choices: [Success, Warning, Failed]
  backup_server:
    description: Emit only runs on backup servers with one of these names, which are case-insensitive. They may contain C(*)
      and C(?).
    type: list
    elements: str
  restore_sessions:
    description:
      - Whether to emit finished restores as well. O(result) and O(backup_server) apply to them, O(job_name) and O(job_type) do
        not.
      - If it is turned on when O(state_file) exists already, restores of the last day are emitted as well.
    type: bool
    default: false
requirements:
  - requests 2.25.1 or newer, in the Python that runs ansible-rulebook
"""

EXAMPLES = r"""
- name: Whatever ends, with the connection from the environment
  hosts: localhost
  sources:
    - vbem.rest.job_sessions:
        state_file: /var/lib/ansible-rulebook/job_sessions.json
  rules:
    - name: Show it
      condition: event.job_session is defined
      action:
        debug:
          msg: "{{ event.job_session.name }} ended as {{ event.job_session.result }}"

- name: What fails, with credentials from variables
  hosts: localhost
  sources:
    - vbem.rest.job_sessions:
        hostname: em.example.com
        username: "{{ VBEM_USERNAME | tojson }}"
        password: "{{ VBEM_PASSWORD | tojson }}"
        result: [Failed]
        job_name: ["SQL *", "Exchange *"]
        since: 12h
  rules:
    - name: Show why
      condition: event.job_session.result == "Failed"
      action:
        debug:
          msg: "{{ event.job_session.job_name }} failed: {{ event.job_session.reason }}"
"""

LOGGER = logging.getLogger("vbem.rest.job_sessions")  # main() adds a filter to it
T = TypeVar("T")

OWN_OPTIONS = (
    Option("poll_interval", "int", 60, env=False),
    Option("since", "str", "now", env=False),
    Option("lookback", "int", 3600, env=False),
    Option("state_file", "path", env=False),
    Option("job_name", "list", env=False),
    Option("job_type", "list", env=False),
    Option("result", "list", env=False, choices=("Success", "Warning", "Failed")),
    Option("backup_server", "list", env=False),
    Option("restore_sessions", "bool", False, env=False),
)
MINIMUM = {"poll_interval": 1, "lookback": 60}
DAY = 86400
MAX_KEPT_INTERVAL = IDLE_SECONDS * 2 // 3  # seconds between polls for which a session is kept
FATAL_KINDS = ("invalid_option", "invalid_filter", "missing_library")
FATAL_ON_FIRST_POLL = ("logon_failed", "tls", "forbidden")
REFUSED = (401, 403)
# All in seconds.
SHUTDOWN_GRACE = 2.0  # for a request in flight, when the rulebook ends
LOGOFF_TIMEOUT = 10.0
SAVE_INTERVAL = 300.0  # after which the checkpoint is saved even where nothing happened
QUEUE_POLL_SECONDS = 0.02
SIGNAL_RESET_SCHEDULE = (0.5, 1, 2, 5, 10, 30)  # after which the rule engine may have started
FEEDBACK_TIMEOUT = 60.0  # within which ansible-rulebook confirms an event, if it is configured to

pause = asyncio.sleep


class JobSessionsError(Exception):
    """An error that ends the source: a sentence without secrets."""


class _StoppedError(Exception):
    """The rulebook ends during a retry's pause."""


def hide_session_ids(record: logging.LogRecord) -> bool:
    """Hide the ids of logon sessions in urllib3's log of requests at ``-vv``: the token can be computed from the id."""
    message = record.getMessage()
    place = message.lower().find("/logonsessions/")
    if place >= 0:
        record.msg, record.args = message[:place] + "/logonSessions/(hidden)", ()
    return True


def make_printable(record: logging.LogRecord) -> bool:
    """Make one printable line of a record: a server's names must not move a cursor or forge a line of the log."""
    record.msg, record.args = to_line(record.getMessage()), ()
    return True


def restore_signal_handlers() -> None:
    """Install the signal handlers of ansible-rulebook again.

    The rule engine's JVM replaces them when it starts, and then ends the process at once, without a chance to log off.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        handler = signal.getsignal(number)
        if callable(handler):
            with suppress(ValueError):  # only the main thread may
                signal.signal(number, handler)


def read_options(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked options, before any request."""
    options = read_arguments((*CONNECTION_OPTIONS, *OWN_OPTIONS), args, os.environ)
    for name, minimum in MINIMUM.items():
        if not minimum <= options[name] <= DAY:
            raise create_option_error(name, options[name], f"give a whole number from {minimum} to {DAY}")
    options["since"] = read_since(options["since"])
    return options


class Source:
    """Polls in a thread, puts events into the queue in the event loop, and logs off when it ends."""

    def __init__(self, queue: asyncio.Queue[Any], options: dict[str, Any], feedback: asyncio.Queue[Any] | None) -> None:
        """Take options that were checked."""
        self.queue = queue
        self.feedback = feedback
        self.options = options
        self.connection: Connection = create_connection(options, allow_session=False)
        self.address = f"{self.connection.hostname}:{self.connection.port}"
        self.path = Path(options["state_file"]) if options["state_file"] else None
        self.checkpoint = read_checkpoint(self.path, self.address) if self.path else None
        self.stopping = threading.Event()
        self.threads = ThreadPoolExecutor(2, "vbem-job-sessions")
        self.work: Future[Any] | None = None
        self.client: Client | None = None
        self.finder: Finder | None = None
        self.session: LogonSession | None = None
        self.pauses = RECONNECT_BACKOFF.pauses()
        self.is_failing = False
        self.started = time.monotonic()
        self.was_lost = False
        self.has_succeeded = False
        self.saved = 0.0
        self.is_appendable = False  # whether the checkpoint's file is what was written last

    async def run(self) -> None:
        """Poll until cancelled, or until an error that a retry cannot fix."""
        for seconds in SIGNAL_RESET_SCHEDULE:
            asyncio.get_running_loop().call_later(seconds, restore_signal_handlers)
        try:
            while True:
                restore_signal_handlers()
                seconds = float(self.options["poll_interval"])
                try:
                    await self._poll()
                except EmError as err:
                    seconds = self._backoff_or_raise(err)
                if seconds > MAX_KEPT_INTERVAL:
                    await self._in_thread(self._log_off)
                await pause(seconds)
        finally:
            self.stopping.set()
            ending = self.threads.submit(self._finish, self.work)
            self.threads.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(ending))

    async def _in_thread(self, function: Callable[[], T]) -> T:
        self.work = self.threads.submit(function)
        # Shielded: a thread cannot be cancelled, and _finish has to know when it is done.
        result: T = await asyncio.shield(asyncio.wrap_future(self.work))
        return result

    async def _poll(self) -> None:
        checkpoint, result, messages = await self._in_thread(self._find_finished)
        if self.is_failing:
            LOGGER.warning("%s answers again.", self.address)
        self.pauses = RECONNECT_BACKOFF.pauses()
        self.is_failing, self.was_lost, self.has_succeeded = False, False, True
        is_new = self.checkpoint is None
        self.checkpoint = checkpoint
        for session in result.finished:
            is_chosen = get_id(session) in messages
            if is_chosen:
                await self._emit(create_event(self.connection.hostname, session, messages[get_id(session)]))
            checkpoint.add(session)
            if is_chosen:
                await self._save_emitted(get_id(session))
        is_changed = is_new or bool(result.finished) or result.pending != checkpoint.pending
        checkpoint.advance(result.now, result.pending, self.options["lookback"])
        if is_changed or time.monotonic() - self.saved > SAVE_INTERVAL:
            await self._save()

    def _find_finished(self) -> tuple[Checkpoint, PollResult, dict[str, list[dict[str, Any]]]]:
        """Log on if necessary, and poll; return also the messages of each session that meets the filters. Runs in a thread."""
        if self.client is None or self.finder is None:
            self.client = Client(self.connection, hooks=Hooks(sleep=self._sleep))
            self.finder = Finder(self.client, self.options["lookback"], with_restores=self.options["restore_sessions"])
        client, finder = self.client, self.finder
        self.session = client.ensure_session()
        try:
            if self.checkpoint is None:
                unreachable_for = time.monotonic() - self.started if self.is_failing else 0.0
                checkpoint, result = finder.start(self.options["since"], unreachable_for)
            else:
                checkpoint, result = self.checkpoint, finder.poll(self.checkpoint)
            chosen = [session for session in result.finished if matches_filters(session, self.options)]
            messages = finder.find_messages(chosen)
        finally:
            for warning in client.warnings:
                LOGGER.warning("%s: %s", self.address, self._censor(warning))
            client.warnings.clear()
        return checkpoint, result, {get_id(one): messages.get(get_id(one), []) for one in chosen}

    def _sleep(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise _StoppedError

    async def _emit(self, event: dict[str, Any]) -> None:
        """Put an event into the queue, and wait until ansible-rulebook has taken it: only then may it count as emitted."""
        await self.queue.put(event)
        if self.feedback is not None:
            confirmation = asyncio.ensure_future(self._await_feedback(self.feedback, event["meta"]["uuid"]))
            await asyncio.wait([confirmation], timeout=FEEDBACK_TIMEOUT)
            if not confirmation.done():
                confirmation.cancel()
                session = event.get("job_session") or event["restore_session"]
                LOGGER.warning("ansible-rulebook has not confirmed the event of %s.", session["name"])
            return
        inner = getattr(self.queue, "queue", self.queue)  # ansible-rulebook's queue holds one event
        seconds = 0.0
        while True:
            if self.path is None or inner.empty():
                return
            await asyncio.sleep(seconds)
            seconds = QUEUE_POLL_SECONDS

    @staticmethod
    async def _await_feedback(feedback: asyncio.Queue[Any], uuid: str) -> None:
        while True:
            event = await feedback.get()
            if event["meta"]["uuid"] == uuid:
                return

    async def _save(self) -> None:
        self.saved = time.monotonic()
        if self.path is not None and self.checkpoint is not None:
            path, checkpoint = self.path, self.checkpoint
            self.is_appendable = False
            try:
                await self._in_thread(lambda: write_checkpoint(path, self.address, checkpoint))
            except OSError as err:  # an event twice after a restart is better than none
                LOGGER.warning("The option state_file: %s cannot be written: %s.", path, err.strerror)
            else:
                self.is_appendable = True

    async def _save_emitted(self, session_id: str) -> None:
        """Save that a session was emitted: as a line of its own, for the whole file grows with the sessions of a day."""
        if self.path is not None and self.checkpoint is not None and self.is_appendable:
            path, end = self.path, self.checkpoint.emitted[session_id]
            self.is_appendable = False
            with suppress(OSError):
                await self._in_thread(lambda: append_emitted(path, session_id, end))
                self.is_appendable = True
                return
        await self._save()

    def _backoff_or_raise(self, err: EmError) -> float:
        """Return the seconds to pause after a failure. Raise what a retry cannot fix."""
        is_refused = err.kind == "logon_failed" and err.status in REFUSED
        if err.kind in FATAL_KINDS or is_refused or (err.kind in FATAL_ON_FIRST_POLL and not self.has_succeeded):
            msg = f"{self._censor(err.msg)} ({err.kind})"
            raise JobSessionsError(msg) from None
        was_lost, self.was_lost = self.was_lost, err.kind == "session_lost"
        if self.was_lost:
            self._drop_client()
            if not was_lost:
                LOGGER.info("The logon session at %s has ended; logging on again.", self.address)
                return 0.0
        self.is_failing = True
        seconds = next(self.pauses)
        LOGGER.warning("%s: %s (%s) Retrying in %g s.", self.address, self._censor(err.msg), err.kind, seconds)
        return seconds

    def _censor(self, text: str) -> str:
        for secret in self.client.secrets if self.client else ():
            text = text.replace(secret, "(hidden)")
        return text

    def _drop_client(self) -> None:
        if self.client is not None:
            self.client.transport.close()
        self.client = self.finder = self.session = None

    def _log_off(self) -> None:
        """Log off over a connection of its own: the other one may be waiting for an answer."""
        session = self.session
        self._drop_client()
        if session is None:
            return
        transport = Transport(self.connection)
        try:
            with transport.deadline(time.monotonic() + LOGOFF_TIMEOUT):
                log_off(transport, session)
        except EmError as err:
            LOGGER.warning("%s: the logon session was not logged off, and ends when idle: %s", self.address, err.msg)
        finally:
            transport.close()

    def _finish(self, work: Future[Any] | None) -> None:
        """Log off, even while a request is in flight. Runs in a thread, to its end."""
        if work is not None:
            wait([work], SHUTDOWN_GRACE)
            if self.session is None:  # it is logging on: the session has to be logged off
                wait([work])
        self._log_off()


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Emit an event for each job session that finishes."""
    given = {name: value for name, value in args.items() if name not in ("feedback", "eda_feedback_queue")}
    logging.getLogger("urllib3.connectionpool").addFilter(hide_session_ids)
    LOGGER.addFilter(make_printable)
    try:
        source = Source(queue, read_options(given), args.get("eda_feedback_queue"))
    except EmError as err:
        raise JobSessionsError(err.msg) from None
    await source.run()


if __name__ == "__main__":

    class _Printer(asyncio.Queue[Any]):
        """Stands in for ansible-rulebook's queue."""

        async def put(self, item: dict[str, Any]) -> None:
            """Print an event."""
            sys.stdout.write(json.dumps(item, indent=2) + "\n")

    with suppress(KeyboardInterrupt):
        asyncio.run(main(_Printer(), json.loads(sys.argv[1]) if sys.argv[1:] else {}))
