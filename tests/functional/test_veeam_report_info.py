# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""veeam_report_info: what is queried, what a failed query does, and that its result and memory are bounded."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.dates import format_date
from ansible_collections.vbem.rest.plugins.module_utils._em.resources import report_query
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.query import DEFAULTS, create_query, read_resources
from ansible_collections.vbem.rest.plugins.module_utils._em.resources.report_digest import from_plain
from ansible_collections.vbem.rest.plugins.modules import veeam_report_info
from ansible_collections.vbem.rest.plugins.plugin_utils._report.build import build_report, format_digest
from ansible_collections.vbem.rest.plugins.plugin_utils._report.formatting import Zone
from ansible_collections.vbem.rest.plugins.plugin_utils._report.sections import ReportOptions
from emulator import Emulator

from .harness import Harness, Session, all_versions, all_versions_and_formats

DAY = 86_400


def stamp(em: Emulator, seconds: float = 0) -> str:
    """Return the emulator's time, or one so many seconds earlier."""
    return f"{datetime.fromtimestamp(em.clock.now() - seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def ask(harness: Harness, session: Session = None, *, days: int = 7, **params: Any) -> dict[str, Any]:
    """Run veeam_report_info for so many days."""
    period = {"since": stamp(harness.em, days * DAY), "until": stamp(harness.em)}
    result = harness.run(veeam_report_info, session, {}, {**period, **params})
    assert result.keys() == {"changed", "digest", "stats"}
    assert result["changed"] is False
    return result


def query(harness: Harness, session: Session, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    with harness.connect(session) as client:
        return read_resources(client, create_query({**DEFAULTS, **params}))


@all_versions_and_formats
def test_it_is_the_report_on_all_rows(harness: Harness, em: Emulator) -> None:
    em.world.make_runs(300, every=3000)
    session = em.logon()
    digest = from_plain(json.loads(json.dumps(ask(harness, session)["digest"])))
    since = format_date(digest.since)
    results = [
        {
            "item": {"type": name},
            "resources": query(harness, session, {"type": name, "filter": text and text.format(since=since)}),
        }
        for name, text in (report_query.REQUIRED_QUERIES | report_query.OPTIONAL_QUERIES).items()
    ]
    options = ReportOptions(digest.since, digest.until, Zone("UTC"), 15, 90, 14)
    follow_up = build_report(results, options)["follow_up_queries"]
    assert follow_up, "there are failures"
    results += [{"item": one, "resources": query(harness, session, one)} for one in follow_up]
    expected = build_report(results, options)
    assert format_digest(digest, Zone("UTC")) == {**expected, "follow_up_queries": []}
    assert expected["summary"]["failed"] > 5
    assert expected["failed"]["rows"][0]["reasons"]


def test_result_and_memory_do_not_grow_with_the_rows(harness: Harness, em: Emulator) -> None:
    """The rows of a query are dropped as they are read: a job session takes a fraction of the memory of its row."""
    session = em.logon()
    sizes, peaks, requests = [], [], []
    for count in (1_000, 4_000):
        em.world.make_runs(count, every=30)
        ask(harness, session)  # so that the emulator, in the same process, has cached its texts
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            result = ask(harness, session)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        finally:
            tracemalloc.stop()
        sizes.append(len(json.dumps(result)))
        requests.append(result["stats"]["requests"])
    assert sizes[1] - sizes[0] < 4_000, "as much as a few rows"
    assert (peaks[1] - peaks[0]) / 4_000 < 1_500, "bytes for each job session; a row has 4,000"
    assert requests[1] - requests[0] == 8, "a request for each page of 500"


@all_versions
@pytest.mark.parametrize(("status", "words"), [(403, "The user is not allowed"), (500, "500")])
def test_what_was_read_of_a_query_that_fails_is_not_used(harness: Harness, em: Emulator, status: int, words: str) -> None:
    em.switches.max_page_size = 2
    session = em.logon()
    whole = ask(harness, session)["digest"]["counts"]
    others = sum(len(query(harness, session, {"type": name})) for name in ("AgentBackupJob", "NasJob", "CdpPolicy"))
    em.clear_log()
    em.fault("status", status=status, query="type=Job&.*page=2", times=None)
    digest = ask(harness, session)["digest"]
    assert [one["type"] for one in digest["failed_queries"]] == ["Job"]
    assert words in digest["failed_queries"][0]["msg"]
    assert em.requests("GET", "type=Job&")[0].status == 200, "a page was read before the one that failed"
    assert digest["counts"] == {**whole, "jobs": others}


@pytest.mark.parametrize("name", report_query.REQUIRED_QUERIES)
def test_without_job_sessions_there_is_no_report(harness: Harness, em: Emulator, name: str) -> None:
    em.fault("status", status=403, query=f"type={name}", times=None)
    with harness.failure("forbidden"):
        ask(harness)


@pytest.mark.parametrize("name", report_query.OPTIONAL_QUERIES)
def test_a_lost_session_is_no_failed_query(harness: Harness, em: Emulator, name: str) -> None:
    em.fault("status", status=401, query=f"type={name}&", times=None)
    with harness.failure("session_lost"):
        ask(harness, em.logon())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"since": "yesterday"}, "The option since cannot be 'yesterday': give it as ISO 8601"),
        ({"until": ""}, "The option until cannot be '': give it as ISO 8601"),
        (
            {"since": "2026-11-23T18:00:00Z", "until": "2026-11-23T19:00:00+01:00"},
            "The option until cannot be '2026-11-23T19:00:00+01:00': give a time later than since, which is 2026-11-23T18:00:00Z",
        ),
        ({"max_rows": 0}, "The option max_rows cannot be 0: give 1 or more"),
        ({"full_threshold_percent": -1}, "The option full_threshold_percent cannot be -1: give 0 or more"),
        ({"baseline_days": -1}, "The option baseline_days cannot be -1: give 0 or more"),
    ],
)
def test_bad_options(harness: Harness, em: Emulator, options: dict[str, Any], sentence: str) -> None:
    with harness.failure("invalid_option") as caught:
        ask(harness, **options)
    assert sentence in caught.error.msg
    assert em.log == [], "nothing was sent"
