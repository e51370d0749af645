# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request that makes a task, of any resource: sent once, awaited, judged and removed. Nothing here is a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.polling import WaitBudget
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Body, encode
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.task_action import TaskAction, is_unanswered
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer, make_row

PATH = "/api/hierarchyRoots/7/credentials?action=create"
TASK = "/api/tasks/task-1"
LIST = "/api/query?type=Task&pageSize=500"
SPEC = Body("CredentialsInfoSpec", {"Username": "admin"})
HINT = "look at the credentials before you try again"
NO_SUCH_TASK = answer(500, {"Message": "There is no task with id [task-1]."})
DATE = {"Date": "Thu, 01 Jan 1970 00:01:40 GMT"}


def task(state: str = "Running", success: bool | None = True, message: str | None = "Ok") -> dict[str, Any]:
    row = make_row("task-1", state, "CreateCredentials")
    if state == "Finished":
        row["Result"] = None if success is None else {"Success": success, "Message": message}
    return row


class Server:
    """A script: answers the request, each read of its task, and the task's removal."""

    def __init__(self, said: Any, *reads: Any, removal: Any = None, listed: bool | Any = False) -> None:
        self.said = said
        self.reads = list(reads)
        self.removal = removal or answer(204)
        self.listed = listed

    def __call__(self, method: str, path: str) -> Any:
        if path == PATH:
            return self.said
        if path == LIST:
            tasks = [task()] if self.listed is True else []
            body = {"Resources": {"Tasks": tasks}, "PagingInfo": {"PageNum": 1, "PagesCount": 1}}
            return answer(200, body) if isinstance(self.listed, bool) else self.listed
        assert path == TASK
        if method == "DELETE":
            return self.removal
        read = self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]
        return answer(200, read) if isinstance(read, dict) else read


class Action:
    """Runs an action, and holds its failure."""

    def __init__(self, server: Server, *, wait_timeout: int = 600, method: str = "POST", body: Body | None = None, **how: Any):
        self.client = FakeClient(server)
        budget = WaitBudget(self.client, wait_timeout, 10)
        self.action = TaskAction(self.client, budget, subject="Root 7", lookup_hint=HINT)
        self.err: EmError | None = None
        try:
            self.action.run(method, PATH, body, **how)
        except EmError as err:
            self.err = err

    @property
    def state(self) -> str | None:
        return self.action.task["state"] if self.action.task else None

    def calls(self, method: str) -> list[str]:
        return [path for one, path in self.client.calls if one == method]


ACCEPTED = answer(202, task(), **DATE)
FINISHED = task("Finished")


# ---------------------------------------------------------------------------------------------------------------------
# The whole way


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_request_is_sent_its_task_awaited_and_removed(method: str) -> None:
    done = Action(Server(ACCEPTED, task(), task("OperationFinished"), FINISHED), method=method, body=SPEC)
    assert done.err is None
    assert done.client.calls == [(method, PATH), ("GET", TASK), ("GET", TASK), ("GET", TASK), ("DELETE", TASK)]
    assert done.client.transport.bodies == [encode(SPEC, "application/json"), None, None, None, None]
    assert (done.action.changed, done.state, done.action.requested_at) == (True, "Finished", 100.0)
    assert done.action.task is not None
    assert (done.action.task["success"], done.action.task["message"]) == (True, "Ok")
    assert len(done.client.slept) == 3, "a pause before each read: the task has just been made"
    assert done.client.warnings == []
    assert done.client.progress == [
        f"task-1 CreateCredentials: {state}" for state in ("Running", "OperationFinished", "Finished")
    ]


def test_nothing_is_awaited_if_nothing_is_to_be() -> None:
    done = Action(Server(ACCEPTED), wait=False)
    assert done.client.calls == [("POST", PATH)]
    assert (done.action.changed, done.state) == (True, "Running")
    assert done.client.slept == []


def test_the_first_pause_is_the_time_that_the_task_is_expected_to_take() -> None:
    done = Action(Server(ACCEPTED, task(), FINISHED), expected_seconds=7.5)
    assert done.err is None
    assert done.client.slept[0] == 7.5
    assert len(done.client.slept) == 2
    assert done.client.slept[1] < 7.5, "the further pauses are those of any poll"


def test_a_task_that_is_finished_at_once_is_not_read() -> None:
    done = Action(Server(answer(200, FINISHED)))
    assert done.client.calls == [("POST", PATH), ("DELETE", TASK)]
    assert done.client.slept == []
    assert done.action.changed


@pytest.mark.parametrize("status", [204, 201])
def test_an_answer_without_a_task_means_that_all_is_done(status: int) -> None:
    done = Action(Server(answer(status)))
    assert done.err is None
    assert done.client.calls == [("POST", PATH)]
    assert (done.action.changed, done.action.task) == (True, None)
    done.action.remove_task()
    assert done.action.refresh_task() is True
    assert len(done.client.calls) == 1


def test_before_the_request_nothing_has_happened() -> None:
    client = FakeClient(Server(ACCEPTED))
    action = TaskAction(client, WaitBudget(client, 1, 1), subject="Root 7", lookup_hint=HINT)
    assert (action.changed, action.task, action.requested_at, action.answer) == (False, None, None, None)


# ---------------------------------------------------------------------------------------------------------------------
# The answer to the request


@pytest.mark.parametrize("body", [{}, {"TaskId": ""}, {"Message": "Accepted."}, {"Href": "/api/x"}, [1]])
def test_an_answer_that_is_no_task_is_a_change_and_an_error(body: Any) -> None:
    done = Action(Server(answer(202, body)))
    assert done.err is not None
    assert done.err.kind == "bad_response"
    assert done.err.msg == "The server accepted the request, but did not return the task that carries it out."
    assert (done.err.method, done.err.path) == ("POST", "/api/hierarchyRoots/7/credentials")
    assert (done.action.changed, done.action.task) == (True, None)


@pytest.mark.parametrize("body", [{"Href": "/api/x"}, {"Type": "CredentialsInfo"}, {"Links": None, "Id": "1"}])
def test_another_resource_may_be_the_answer(body: dict[str, Any]) -> None:
    client = FakeClient(lambda _method, _path: answer(201, body))
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT, requires_task=False)
    action.run("POST", PATH, SPEC)
    assert (action.changed, action.task) == (True, None)
    assert action.answer is not None
    assert action.answer.status == 201
    assert action.answer.document is not None
    assert len(client.calls) == 1


@pytest.mark.parametrize("body", [{}, {"Unexpected": [1]}, {"Message": "Accepted."}, [1]])
def test_other_json_is_no_answer_of_the_api(body: Any) -> None:
    client = FakeClient(lambda _method, _path: answer(200, body))
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT, requires_task=False)
    with pytest.raises(EmError) as caught:
        action.run("POST", PATH, SPEC)
    assert caught.value.kind == "bad_response"
    assert caught.value.msg == "The server accepted the request, but did not return a resource of the REST API."
    assert action.changed


def test_an_empty_202_is_an_answer_where_no_task_is_required() -> None:
    client = FakeClient(lambda _method, _path: answer(202))
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT, requires_task=False)
    action.run("POST", PATH, SPEC)
    assert (action.changed, action.task) == (True, None)
    assert action.answer is not None
    assert (action.answer.status, action.answer.document) == (202, None)
    assert client.calls == [("POST", PATH)]


def test_another_empty_answer_is_none_even_where_no_task_is_required() -> None:
    client = FakeClient(lambda _method, _path: answer(200))
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT, requires_task=False)
    with pytest.raises(EmError) as caught:
        action.run("POST", PATH, SPEC)
    assert (caught.value.kind, caught.value.status) == ("bad_response", 200)
    assert caught.value.msg == (
        "The request was answered with 200, so it may have been carried out: The server sent an empty answer instead of a"
        " resource of the REST API."
    )
    assert action.answer is None
    assert action.changed


def test_a_task_is_awaited_whether_it_is_required_or_not() -> None:
    client = FakeClient(Server(ACCEPTED, FINISHED))
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT, requires_task=False)
    action.run("POST", PATH)
    assert action.task is not None
    assert action.task["state"] == "Finished"


@pytest.mark.parametrize("failure", [answer(200), EmError("timeout", "It was late.")], ids=["200", "timeout"])
def test_a_failed_logon_says_nothing_of_the_request(failure: Any) -> None:
    client = FakeClient(lambda _method, _path: failure, own=True)
    client.session = None
    action = TaskAction(client, WaitBudget(client, 60, 10), subject="x", lookup_hint=HINT)
    with pytest.raises(EmError) as caught:
        action.submit("POST", PATH)
    assert [path.partition("?")[0] for _method, path in client.calls] == ["/api/sessionMngr/"]
    assert "may have been carried out" not in caught.value.msg
    assert action.changed is False


@pytest.mark.parametrize(("status", "body"), [(200, b""), (202, b""), (202, b"<html>"), (299, b"oops")])
def test_an_answer_that_cannot_be_read_is_a_change_and_an_error(status: int, body: bytes) -> None:
    done = Action(Server(answer(status, body)))
    assert done.err is not None
    assert (done.err.kind, done.err.status) == ("bad_response", status)
    assert done.err.msg.startswith(f"The request was answered with {status}, so it may have been carried out: The server sent ")
    assert str(done.err) == done.err.msg
    assert HINT not in done.err.msg
    assert done.action.changed
    assert len(done.client.calls) == 1


@pytest.mark.parametrize(
    "failure",
    [
        EmError("timeout", "It was late."),
        EmError("connection", "It broke."),
        answer(502),
        answer(504, {"Message": "Nobody there."}),
    ],
    ids=["timeout", "connection", "502", "504"],
)
def test_a_lost_answer_is_reported_and_the_request_not_repeated(failure: Any) -> None:
    done = Action(Server(failure))
    assert done.err is not None
    assert done.err.msg.endswith(f" The request may have been carried out and was not repeated: {HINT}.")
    assert not done.action.changed
    assert done.client.calls == [("POST", PATH)]


@pytest.mark.parametrize(
    "failure",
    [
        EmError("connection", "Nobody there.", may_have_been_sent=False),
        EmError("invalid_option", "The value of Name holds characters that cannot be sent."),
        *(answer(status) for status in (300, 400, 401, 403, 404, 500, 503)),
    ],
    ids=str,
)
def test_a_refusal_is_no_change(failure: Any) -> None:
    done = Action(Server(failure))
    assert done.err is not None
    assert "may have been carried out" not in done.err.msg
    assert done.action.changed is False
    assert done.client.calls == [("POST", PATH)]


@pytest.mark.parametrize(
    ("err", "unanswered"),
    [
        (EmError("connection", "It broke."), True),
        (EmError("timeout", "Late."), True),
        (EmError("server_error", "Bad gateway.", status=502), True),
        (EmError("server_error", "Gateway timeout.", status=504), True),
        (EmError("connection", "Nobody there.", may_have_been_sent=False), False),
        (EmError("server_error", "Bad gateway.", status=502, may_have_been_sent=False), False),
        (EmError("timeout", "Request timeout.", status=408), False),
        (EmError("bad_response", "What?"), False),
        *((EmError("server_error", "No.", status=status), False) for status in (500, 503, 505)),
        (EmError("session_lost", "No.", status=401), False),
    ],
    ids=str,
)
def test_which_failures_are_those_of_a_lost_answer(err: EmError, unanswered: bool) -> None:
    assert is_unanswered(err) is unanswered


# ---------------------------------------------------------------------------------------------------------------------
# The outcome of the task


@pytest.mark.parametrize("message", ["The disk is full.", None])
@pytest.mark.parametrize("is_late", [True, False])
def test_a_failed_task_is_no_change_and_is_removed(message: str | None, is_late: bool) -> None:
    failed = task("Finished", False, message)
    done = Action(Server(ACCEPTED, task(), failed) if is_late else Server(answer(202, failed)))
    assert done.err is not None
    assert (done.err.kind, done.err.detail) == ("task_failed", message)
    assert done.err.msg == f"Root 7: CreateCredentials failed: {message or 'the server gave no reason'}"
    assert not done.action.changed
    assert done.calls("DELETE") == [TASK]
    assert done.action.task is not None
    assert done.action.task["success"] is False


def test_an_unknown_outcome_is_a_warning() -> None:
    done = Action(Server(ACCEPTED, task("Finished", None)))
    assert done.err is None
    assert done.action.changed
    (warning,) = done.client.warnings
    assert "task-1 (CreateCredentials)" in warning
    assert done.calls("DELETE") == [TASK]


def test_a_timeout_leaves_the_task() -> None:
    done = Action(Server(ACCEPTED, task("OperationFinished")), wait_timeout=60)
    assert done.err is not None
    assert done.err.kind == "wait_timeout"
    assert done.err.msg == (
        "After 60 seconds of waiting for Root 7, its task is not finished. Raise wait_timeout if the server is only slow."
    )
    assert (done.action.changed, done.state) == (True, "OperationFinished")
    assert done.calls("DELETE") == [], "its removal would stop it"
    assert sum(done.client.slept) == pytest.approx(60)


def test_no_time_to_wait() -> None:
    done = Action(Server(ACCEPTED, FINISHED), wait_timeout=0)
    assert done.err is not None
    assert done.err.kind == "wait_timeout"
    assert done.client.calls == [("POST", PATH)]


def test_a_task_that_stays_in_operation_finished_may_be_given_up() -> None:
    """Whether it always becomes Finished is not known (wire facts, section 6.3)."""
    server = Server(ACCEPTED, *[task()] * 12, task("OperationFinished"))
    done = Action(server, collect_timeout=60.0)
    assert done.err is None
    assert (done.action.changed, done.state) == (True, "OperationFinished")
    assert done.calls("DELETE") == []
    assert 60 < sum(done.client.slept) < 75


def test_a_running_task_is_not_given_up() -> None:
    done = Action(Server(ACCEPTED, task()), collect_timeout=5.0, wait_timeout=100)
    assert done.err is not None
    assert done.err.kind == "wait_timeout"
    assert sum(done.client.slept) == pytest.approx(100)


@pytest.mark.parametrize("failure", [answer(503), answer(500), answer(200, b"<html>"), EmError("timeout", "late")], ids=str)
def test_transient_errors_are_retried(failure: Any) -> None:
    done = Action(Server(ACCEPTED, failure, failure, FINISHED, listed=True))
    assert done.err is None
    assert (done.action.changed, done.state) == (True, "Finished")


def test_the_last_error_is_part_of_a_timeout() -> None:
    done = Action(Server(ACCEPTED, EmError("timeout", "It was late.")), wait_timeout=20)
    assert done.err is not None
    assert done.err.msg.endswith(" The last poll failed: It was late.")
    assert done.err.detail == "It was late."


@pytest.mark.parametrize(("status", "kind"), [(401, "session_lost"), (403, "forbidden")])
def test_a_refusal_during_the_wait_ends_it(status: int, kind: str) -> None:
    done = Action(Server(ACCEPTED, answer(status)))
    assert done.err is not None
    assert done.err.kind == kind
    assert done.action.changed, "the request was accepted"
    assert done.state == "Running"


@pytest.mark.parametrize("gone", [NO_SUCH_TASK, answer(404), answer(500, {"Message": "Keine Aufgabe mit der ID [task-1]"})])
def test_a_task_that_vanishes_is_not_finished(gone: Any) -> None:
    done = Action(Server(ACCEPTED, task(), gone))
    assert done.err is not None
    assert done.err.kind == "not_found"
    assert done.err.msg == "The task task-1 of Root 7 vanished during the wait; its outcome is unknown."
    assert (done.action.changed, done.state) == (True, "Running")
    assert done.calls("DELETE") == []


def test_a_404_for_a_listed_task_is_retried() -> None:
    done = Action(Server(ACCEPTED, answer(404), FINISHED, listed=True))
    assert done.err is None
    assert done.state == "Finished"


def test_an_answer_that_is_no_task_is_retried() -> None:
    done = Action(Server(ACCEPTED, answer(200, [1]), FINISHED))
    assert (done.err, done.state) == (None, "Finished")


# ---------------------------------------------------------------------------------------------------------------------
# The removal of the task


@pytest.mark.parametrize(
    ("removal", "listed", "warned"),
    [
        (answer(204), False, None),
        (NO_SUCH_TASK, True, None),
        (answer(404), False, None),
        (answer(404), True, "The server has no /api/tasks/task-1."),
        (answer(404), answer(500), "The server has no /api/tasks/task-1."),
        (answer(202, {"Message": "Accepted."}), False, "The server answered 202 instead of 204."),
        (answer(200), False, "The server sent an empty answer instead of a resource of the REST API."),
        (answer(403), False, "The user is not allowed to DELETE /api/tasks/task-1."),
        (EmError("timeout", "It was late."), False, "It was late."),
    ],
)
def test_a_task_that_cannot_be_removed_is_a_warning(removal: Any, listed: Any, warned: str | None) -> None:
    done = Action(Server(ACCEPTED, FINISHED, removal=removal, listed=listed))
    assert done.err is None
    assert done.action.changed
    assert len(done.calls("DELETE")) == 1
    expected: Callable[[str], bool] = lambda text: text.startswith(f"The task task-1 could not be removed: {warned}")  # noqa: E731
    assert [expected(text) for text in done.client.warnings] == ([] if warned is None else [True])


def test_a_failed_removal_does_not_replace_the_failure() -> None:
    done = Action(Server(ACCEPTED, task("Finished", False, "No."), removal=answer(500), listed=True))
    assert done.err is not None
    assert done.err.kind == "task_failed"
    assert len(done.client.warnings) == 1


def test_an_address_without_a_query_is_shown_whole() -> None:
    client = FakeClient(lambda _method, _path: answer(202, {}))
    action = TaskAction(client, WaitBudget(client, 1, 1), subject="Root 7", lookup_hint=HINT)
    with pytest.raises(EmError) as caught:
        action.submit("POST", "/api/x")
    assert caught.value.path == "/api/x"
