# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request that creates a task, for any resource: send it, wait for the task, check its outcome, remove it."""

from __future__ import annotations

from typing import Any

from ..client.client import Answer, Client
from ..client.polling import TimedOut, WaitBudget, poll
from ..errors import EmError
from ..protocol.codec import Body, EmptyAnswerError, read_text
from .session_wait import create_wait_timeout
from .tasks import create_outcome_warning, create_task_path, is_task_gone, normalise_task, parse_task

RESOURCE_MEMBERS = frozenset(("href", "type", "links"))  # members that resources of the API have, and other JSON has not


class TaskAction:
    """One request and the current state of its task; to be used once.

    ``subject`` names in messages what the request is about; ``lookup_hint`` says how to find out whether it was carried out,
    should its answer be lost: it is never repeated. ``changed`` is whether the server accepted the request and its task has not
    failed; ``requested_at`` when that was, in seconds since the epoch of the server's clock. Without ``requires_task`` the
    answer may be any other resource, or a 202 without a body, as the reference documents for four operations.
    """

    def __init__(
        self, client: Client, budget: WaitBudget, *, subject: str, lookup_hint: str, requires_task: bool = True
    ) -> None:
        self.client = client
        self.budget = budget
        self.subject = subject
        self.lookup_hint = lookup_hint
        self.requires_task = requires_task
        self.answer: Answer | None = None
        self.changed = False
        self.task: dict[str, Any] | None = None
        self.requested_at: float | None = None

    def run(  # noqa: PLR0913 - a request, and how to wait
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        wait: bool = True,
        collect_timeout: float | None = None,
        expected_seconds: float | None = None,
    ) -> None:
        """Send the request, wait for its task unless told not to, and remove the task.

        Raise ``task_failed`` for a task that failed. See `await_task` for ``collect_timeout`` and ``expected_seconds``.
        """
        self.submit(method, path, body)
        if not wait:
            return
        try:
            self.await_task(collect_timeout=collect_timeout, expected_seconds=expected_seconds)
        except EmError as err:
            self.changed = err.kind != "task_failed"
            self.remove_task()
            raise
        self.remove_task()

    def submit(self, method: str, path: str, body: Body | None = None) -> None:
        """Send the request, and read the task from its answer. An answer without a body means that the operation is done."""
        self.client.ensure_session()  # first, because a failed logon is no failure of the request
        try:
            answer = self._send(method, path, body)
        except EmError as err:
            if err.status is not None and 200 <= err.status < 300:
                self.changed = True
                err.set_message(f"The request was answered with {err.status}, so it may have been carried out: {err.msg}")
            if is_unanswered(err):
                err.add_context(f"The request may have been carried out and was not repeated: {self.lookup_hint}.")
            raise
        self.answer = answer
        self.changed = True
        self.requested_at = self.client.server_time
        if answer.document is None:
            return
        data = answer.document.data
        if isinstance(data, dict) and read_text(data, "task_id") is not None:
            self.task = normalise_task(data, self.client)
        elif self.requires_task or not isinstance(data, dict) or RESOURCE_MEMBERS.isdisjoint(data):
            what = "the task that carries it out" if self.requires_task else "a resource of the REST API"
            msg = f"The server accepted the request, but did not return {what}."
            raise EmError("bad_response", msg, method=method, path=path.partition("?")[0])

    def _send(self, method: str, path: str, body: Body | None) -> Answer:
        try:
            return self.client.send(method, path, body)
        except EmptyAnswerError as err:
            if self.requires_task or err.status != 202:
                raise
            return Answer(err.status, None)

    def await_task(self, *, collect_timeout: float | None = None, expected_seconds: float | None = None) -> None:
        """Wait until the task is finished. Raise ``task_failed`` if it failed.

        With ``collect_timeout``, in seconds, a task that stays in OperationFinished for longer is given up: whether it always
        becomes Finished is not known (wire facts, section 6.3). The task is first read after ``expected_seconds``.
        """
        give_up_at = None if collect_timeout is None else self.client.clock() + collect_timeout

        def is_done() -> bool | None:
            if self.refresh_task():
                return True
            is_uncollected = self.task is not None and self.task["state"] == "OperationFinished"
            return True if is_uncollected and give_up_at is not None and self.client.clock() > give_up_at else None

        is_pending = self.task is not None and self.task["state"] != "Finished"
        done = poll(self.client, is_done, self.budget, pause_first=is_pending, first_pause=expected_seconds)
        if isinstance(done, TimedOut):
            raise create_wait_timeout(self.budget, self.subject, "its task is not finished", done)

    def refresh_task(self) -> bool:
        """Read the task unless it is finished, and return whether it is. Raise ``task_failed`` if it failed."""
        if self.task is None:
            return True
        if self.task["state"] != "Finished":
            self.task = self._read_task(self.task["task_id"])
            self.client.hooks.on_progress(f"{self.task['task_id']} {self.task['operation']}: {self.task['state']}")
        if self.task["state"] != "Finished":
            return False
        if self.task["success"] is None:
            self.client.warnings.append(create_outcome_warning(self.task))
        if self.task["success"] is False:
            raise EmError(
                "task_failed",
                f"{self.subject}: {self.task['operation']} failed: {self.task['message'] or 'the server gave no reason'}",
                detail=self.task["message"],
            )
        return True

    def remove_task(self) -> None:
        """Remove the task once it is finished; removing one that is not would stop it. A failure is a warning."""
        if self.task is None or self.task["state"] != "Finished":
            return
        task_id = self.task["task_id"]
        try:
            status = self.client.send("DELETE", create_task_path(task_id)).status
            problem = None if status == 204 else f"The server answered {status} instead of 204."
        except EmError as err:
            problem = err.msg
            try:
                if is_task_gone(self.client, task_id, err):
                    problem = None
            except EmError:  # the list could not be read either
                pass
        if problem:
            self.client.warnings.append(f"The task {task_id} could not be removed: {problem}")

    def _read_task(self, task_id: str) -> dict[str, Any]:
        try:
            return parse_task(self.client.get(create_task_path(task_id)), self.client)
        except EmError as err:
            if not is_task_gone(self.client, task_id, err):
                raise
            msg = f"The task {task_id} of {self.subject} vanished during the wait; its outcome is unknown."
            raise EmError("not_found", msg) from None


def is_unanswered(err: EmError) -> bool:
    """Return whether a request may have been carried out although it failed: its answer was lost."""
    return err.may_have_been_sent and (
        (err.status is None and err.kind in ("connection", "timeout")) or err.status in (502, 504)
    )
