# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as code: what is still attempted after the failure of a job, and what the result says of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Response
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import job_entries
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_application import JobApplication
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_entries import JobInventory
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.job_plan import JobPlan, Surplus, read_entries
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.jobs import Job
from ansible_collections.vbem.rest.tests.unit.plugins.module_utils._em.fakes import FakeClient, answer

NOT_ATTEMPTED = "Not attempted."
UNREACHABLE = EmError("connection", "The server cannot be reached.", method="PUT", may_have_been_sent=False)


class Application(JobApplication):
    """Sends nothing: notes the steps, and fails those that it is told to."""

    steps: list[str]
    failures: dict[str, EmError]

    def _note(self, step: str) -> None:
        self.steps.append(step)
        if step in self.failures:
            raise self.failures[step]
        self.changed = True

    def _create(self, plan: JobPlan) -> None:
        self._note(f"create {plan.entry.name}")

    def _change(self, plan: JobPlan) -> None:
        self._note(f"change {plan.entry.name}")

    def _delete(self, plan: Surplus) -> None:
        self._note(f"delete {plan.job.data['name']}")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes the application of a plan: changed jobs in lower case, new ones in upper case."""
    monkeypatch.setattr(job_entries, "find_jobs", lambda *_args: [])

    def make_application(
        names: str, failures: dict[str, EmError], root: Response | EmError | None = None, surplus: str = ""
    ) -> Application:
        def script(_method: str, path: str) -> Response | EmError:
            assert path == "/api/"
            assert root is not None
            return root

        client = FakeClient(script, retries=0)
        plans: list[JobPlan | Surplus] = []
        for entry in read_entries([{"name": name} for name in names], servers={}, template=None, repository=None):
            job = make_job(entry.name) if entry.name.islower() else None
            plans.append(JobPlan(entry, job, is_missing=job is None, differences=[("description", None, "new")]))
        plans += [Surplus(make_job(name)) for name in surplus]
        application = Application(client, JobInventory(client), plans, wait_timeout=1, poll_interval=1)
        application.steps, application.failures = [], failures
        return application

    return make_application


def make_job(name: str) -> Job:
    return Job({"name": name, "backup_server": None, "uid": f"urn:veeam:Job:{name}"}, {})


def run(application: Application) -> tuple[EmError, dict[str, str]]:
    """Return the failure, and the messages of all failures by job."""
    with pytest.raises(EmError) as caught:
        application.run()
    return caught.value, {one["name"]: one["msg"] for one in caught.value.result["errors"]}


@pytest.mark.parametrize(
    ("failure", "root"),
    [
        (EmError("session_lost", "Lost.", status=401), None),
        (EmError("logon_failed", "Refused.", status=401), None),
        (EmError("tls", "Untrusted."), None),
        (UNREACHABLE, EmError("timeout", "The server did not answer.")),
    ],
)
def test_nothing_is_attempted_after_a_failure_that_all_would_have(make: Any, failure: EmError, root: EmError | None) -> None:
    application = make("abc", {"change b": failure}, root, surplus="d")
    caught, errors = run(application)
    assert application.steps == ["change a", "change b"]
    assert caught is failure
    assert errors == {"b": failure.msg, "c": NOT_ATTEMPTED, "d": NOT_ATTEMPTED}
    assert caught.result["changed"] is True


@pytest.mark.parametrize(
    ("failure", "root"),
    [
        (EmError("server_error", "Odd.", status=500), None),
        (EmError("wait_timeout", "Too long."), None),
        (EmError("timeout", "The gateway gave up.", status=504), None),
        (UNREACHABLE, answer(200, {})),
        (UNREACHABLE, EmError("server_error", "Busy.", status=503)),
    ],
)
def test_the_others_are_changed_after_a_failure_of_one(make: Any, failure: EmError, root: Response | EmError | None) -> None:
    application = make("abc", {"change b": failure}, root, surplus="d")
    caught, errors = run(application)
    assert application.steps == ["change a", "change b", "change c"]
    assert caught.kind == "partial"
    assert errors == {"b": failure.msg, "d": f"{NOT_ATTEMPTED} Jobs are deleted only if all other changes succeed."}


def test_a_new_job_is_done_only_when_it_is_as_its_entry_says(make: Any) -> None:
    lost = EmError("session_lost", "Lost.", status=401)
    application = make("ABC", {"change B": lost})
    _caught, errors = run(application)
    assert application.steps == ["create A", "create B", "create C", "change A", "change B"]
    assert errors == {"B": "Lost.", "C": NOT_ATTEMPTED}


def test_a_job_that_was_not_created_is_not_changed(make: Any) -> None:
    application = make("AB", {"create A": EmError("task_failed", "No space.")})
    _caught, errors = run(application)
    assert application.steps == ["create A", "create B", "change B"]
    assert errors == {"A": "No space."}


@pytest.mark.parametrize(
    ("failure", "is_changed"),
    [
        (EmError("timeout", "No answer.", method="PUT", status=504), True),
        (EmError("timeout", "No answer.", method="GET", status=504), False),
        (EmError("server_error", "Refused.", method="PUT", status=500, may_have_been_sent=False), False),
        (EmError("partial", "Half of it.", result={"changed": True}), True),
        (EmError("partial", "Nothing.", result={"changed": False}), False),
    ],
)
def test_a_change_that_may_have_been_made_counts(make: Any, failure: EmError, is_changed: bool) -> None:
    caught, _errors = run(make("a", {"change a": failure}))
    assert caught.result["changed"] is is_changed
