# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picture of a night: what is counted, what is called what, and what is asked besides."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vbem.rest.plugins.filter.night import FilterModule
from ansible_collections.vbem.rest.plugins.plugin_utils import _night
from ansible_collections.vbem.rest.plugins.plugin_utils._night_chart import LEAST, create_chart
from ansible_collections.vbem.rest.plugins.plugin_utils._night_rows import Run
from ansible_collections.vbem.rest.plugins.plugin_utils._night_text import Zone, print_duration, print_size

SINCE, UNTIL = "2026-11-22T18:00:00Z", "2026-11-23T18:00:00Z"
night = FilterModule().filters()["night"]


def guid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def run(job: int, ended: str | None, result: str | None = "Success", number: int = 0, **more: Any) -> dict[str, Any]:
    """Make a run of a job; it took ten minutes, and ended at this time of 23 November, or on the day given."""
    end = None if ended is None else f"2026-11-23T{ended}:00Z" if len(ended) == 5 else ended
    return {
        "uid": f"urn:veeam:BackupJobSession:{guid(number or job * 100 + (int(ended[-5:-3]) if ended else 0))}",
        "job_uid": f"urn:veeam:Job:{guid(job)}",
        "job_name": f"Job {job}",
        "job_type": "Backup",
        "creation_time_utc": end and (datetime.fromisoformat(end[:19]) - timedelta(minutes=10)).isoformat() + "Z",
        "end_time_utc": end,
        "state": "Stopped" if end else "Working",
        "result": result,
        "links": [{"rel": "Up", "type": "BackupServerReference", "name": "vbr01"}],
        **more,
    }


def answer(kind: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return {"item": {"type": kind}, "resources": list(rows)}


def draw(*answers: dict[str, Any], **options: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = night(list(answers), SINCE, UNTIL, **{"time_zone": "UTC", **options})
    return drawn


@pytest.mark.parametrize(
    ("results", "verdict", "headline"),
    [
        ([], "empty", "Nothing ran"),
        (["Success"], "good", "All runs went well"),
        (["Failed"], "bad", "1 job failed"),
        (["Failed", "Success"], "warning", "1 job failed first and recovered"),
        (["Success", "Failed"], "bad", "1 job failed"),
        (["Failed", "Warning"], "warning", "1 job failed first and recovered, 1 job ended with warnings"),
        (["Warning", "Success"], "good", "All runs went well"),
        ([None], "good", "Nothing has ended yet"),
        (["Strange"], "warning", "1 job ended with warnings"),
    ],
)
def test_the_verdict_goes_by_the_latest_run_of_each_job(results: list[str | None], verdict: str, headline: str) -> None:
    runs = [run(1, f"0{hour}:00" if result else None, result) for hour, result in enumerate(results)]
    summary = draw(answer("BackupJobSession", *runs))["summary"]
    assert (summary["verdict"], summary["headline"]) == (verdict, headline)
    assert summary["runs"] == len(results)


def test_a_run_that_stopped_without_a_result_is_no_success() -> None:
    summary = draw(answer("BackupJobSession", run(1, "03:00", None)))["summary"]
    assert (summary["warnings"], summary["succeeded"]) == (1, 0)


def test_a_run_that_failed_without_an_end_is_counted() -> None:
    broken = run(1, "03:00", "Failed") | {"end_time_utc": None, "creation_time_utc": None}
    picture = draw(answer("BackupJobSession", broken))
    assert picture["summary"]["jobs_failed"] == 1
    assert picture["failed"]["rows"][0]["when"] == "at a time not told"


def test_runs_that_ended_before_only_tell_what_is_usual() -> None:
    old = [run(1, f"2026-11-{day}T03:00:00Z", number=day) for day in (18, 19, 20)]
    long = run(1, "03:00") | {"creation_time_utc": "2026-11-23T02:00:00Z"}
    picture = draw(answer("BackupJobSession", long), answer("BackupJobSession", *old))
    (row,) = picture["longest"]["rows"]
    assert picture["summary"]["runs"] == 1
    assert (row["took"], row["usual"], row["compared"]) == ("1 h 00 min", "10 min 00 s", "6.0 times as long as usual")
    assert (row["percent"], row["usual_percent"]) == (100, 16.67)
    assert draw(answer("BackupJobSession", long, *old[:2]))["longest"]["rows"][0]["usual"] == "", "two say nothing"


def test_a_run_told_twice_counts_once() -> None:
    one = run(1, "03:00")
    assert draw(answer("BackupJobSession", one), answer("BackupJobSession", one))["summary"]["runs"] == 1


def test_jobs_of_agents_and_shares_are_known_by_their_guid() -> None:
    """The reference writes their UIDs in two ways."""
    ran = run(1, "03:00")
    jobs = answer("AgentBackupJob", {"uid": f"urn:veeam:AgentBackupJob:{guid(1)}", "name": "A", "schedule_enabled": True})
    assert draw(answer("BackupJobSession", ran), jobs)["summary"]["jobs_not_run"] == 0


def test_jobs_that_did_not_run_are_told_apart() -> None:
    def job(number: int, **more: Any) -> dict[str, Any]:
        return {"uid": f"urn:veeam:Job:{guid(number)}", "name": f"Job {number}", "schedule_enabled": True, **more}

    picture = draw(
        answer("BackupJobSession", run(1, "03:00")),
        answer(
            "Job",
            job(1),
            job(2, next_run="2026-11-23T04:00:00Z"),
            job(3, next_run="2026-11-23T17:50:00Z"),  # Enterprise Manager may not have heard of it yet
            job(4, schedule_enabled=False, next_run="2026-11-23T04:00:00Z"),
            job(5, schedule_configured=False),
        ),
    )
    assert [[row["job"] for row in picture[name]["rows"]] for name in ("overdue", "not_due", "off")] == [
        ["Job 2"],
        ["Job 3"],
        ["Job 4", "Job 5"],
    ]
    assert picture["overdue"]["rows"][0]["next"] == "Mon 23 Nov, 04:00"
    assert picture["summary"]["headline"] == "1 job did not run when due"


def test_reasons_are_asked_for_what_is_shown_and_grouped() -> None:
    failed = run(1, "03:00", "Failed")
    first = draw(answer("BackupJobSession", failed, run(2, "04:00")), usual_days=0)
    assert first["questions"] == [
        {
            "type": "BackupTaskSession",
            "filter": f"(JobSessionUid=={failed['uid']});Result>=Warning",
            "sort_by": "Result",
            "limit": 2000,
            "descending": True,
        }
    ]
    machines = [
        {"job_session_uid": failed["uid"], "vm_display_name": name, "result": result, "reason": reason}
        for name, result, reason in (
            ("b", "Failed", "Full"),
            ("a", "Failed", "Full"),
            ("a", "Failed", "Full"),
            ("w", "Warning", "Slow"),
            ("x", "Success", ""),
            ("c", "Failed", "Away"),
        )
    ]
    machines.append({"job_session_uid": guid(77), "vm_display_name": "other", "result": "Failed", "reason": "Full"})
    (card,) = draw(answer("BackupJobSession", failed), answer("BackupTaskSession", *machines))["failed"]["rows"]
    assert [(one["outcome"], one["reason"], one["machines"]) for one in card["reasons"]] == [
        ("failed", "Full", ["a", "b"]),
        ("failed", "Away", ["c"]),
        ("warning", "Slow", ["w"]),
    ]


def test_a_uid_that_is_none_is_not_asked_with() -> None:
    odd = run(1, "03:00", "Failed") | {"uid": "x),(Name!=y", "job_uid": 'a"b'}
    assert draw(answer("BackupJobSession", odd))["questions"] == []


def test_questions_stay_short_enough_for_a_request_line() -> None:
    runs = [run(job, "03:00", "Failed") for job in range(1, 61)]
    questions = draw(answer("BackupJobSession", *runs), limit=60)["questions"]
    assert [question["type"] for question in questions] == ["BackupTaskSession"] * 3 + ["BackupJobSession"] * 3
    assert max(len(question["filter"]) for question in questions) < 3000


def test_lists_are_cut_and_say_so() -> None:
    runs = [run(job, "03:00", "Failed") for job in range(1, 21)]
    picture = draw(answer("BackupJobSession", *runs), limit="3")
    assert (len(picture["failed"]["rows"]), picture["failed"]["more"], picture["failed"]["total"]) == (3, 17, 20)
    assert picture["longest"]["more"] == 17


def test_nearly_full_repositories_count_though_they_are_not_shown() -> None:
    rows = [{"uid": f"r{number}", "name": "R", "capacity": 100, "free_space": 5} for number in range(9)]
    assert draw(answer("Repository", *rows), limit=2)["summary"]["repositories_nearly_full"] == 9


def test_repositories_without_a_size_or_with_nonsense() -> None:
    rows = (
        {"uid": "r1", "name": "Objects", "capacity": 0, "free_space": 0},
        {"uid": "r2", "name": "Odd", "capacity": 1024, "free_space": 4096},
        {"uid": "r3", "name": "None", "capacity": None, "free_space": -1},
        {"uid": "r4", "name": "Full", "capacity": 1000 * 1024**3, "free_space": 1024**3},
    )
    shown = draw(answer("Repository", *rows))["repositories"]["rows"]
    assert [row["name"] for row in shown] == ["Full", "Odd", "None", "Objects"]
    assert [(row["shown"], row["is_full"], row["is_known"]) for row in shown[:3]] == [
        ("99 %", True, True),
        ("0 %", False, True),
        ("0 %", False, False),
    ]


def test_what_was_not_answered_is_missing() -> None:
    unanswered = {"item": {"type": "Job"}, "msg": "No.", "error": {"kind": "forbidden"}}
    picture = draw(answer("BackupJobSession", run(1, "03:00")), unanswered)
    assert picture["missing"] == [{"type": "Job", "msg": "No."}]
    assert (picture["summary"]["verdict"], picture["summary"]["not_answered"]) == ("warning", ["Job"])


def test_all_texts_are_escaped_for_a_page() -> None:
    picture = draw(answer("BackupJobSession", run(1, "03:00", "Failed", job_name='<b a="1">&\'')), html=True)
    assert picture["failed"]["rows"][0]["job"] == "&lt;b a=&quot;1&quot;&gt;&amp;&#x27;"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone is 'Mars/Olympus': there is no such time zone on this machine.*tzdata"),
        ({"time_zone": "../../etc/passwd"}, "no such time zone"),
        ({"time_zone": ""}, "no such time zone"),
        ({"limit": 0}, "limit is 0: write a whole number, 1 or more"),
        ({"limit": "many"}, "limit is 'many': write a whole number"),
        (
            {"usual_days": -1, "full_percent": None},
            "full_percent is None: .* usual_days is -1: write a whole number, 0 or more",
        ),
        ({"since": UNTIL, "until": SINCE}, "ends before it begins"),
        ({"since": "yesterday"}, "'yesterday' is no date"),
    ],
)
def test_what_cannot_be_drawn_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(AnsibleFilterError, match=told):
        night([], **{"since": SINCE, "until": UNTIL, "time_zone": "UTC", **options})


def test_what_is_wrong_can_be_asked_for() -> None:
    assert night([], "", "", time_zone="UTC", check=True) == {"faults": []}
    (limit, zone) = night([], "", "", time_zone="Mars", limit=0, check=True)["faults"]
    assert limit.startswith("limit is 0: ")
    assert zone.startswith("time_zone is 'Mars': ")


# Jobs that went wrong


def later(*runs: dict[str, Any], part: str = "failed") -> list[tuple[str, str]]:
    rows = draw(answer("BackupJobSession", *runs))[part]["rows"]
    return [(row["job"], row["later"] and row["later"]["says"]) for row in rows]


def test_how_a_job_ended_later_is_told_with_the_day_if_it_is_another() -> None:
    assert later(run(1, "03:00", "Failed"), run(1, "03:40", number=7)) == [("Job 1", "went well at 03:40")]
    before = run(1, "2026-11-22T22:00:00Z", "Failed", number=7)
    assert later(before, run(1, "22:10", number=8)) == [("Job 1", "went well on Mon 23 Nov at 22:10")]
    # What stands beside the name is when it began.
    midnight = run(1, "00:05", "Failed") | {"creation_time_utc": "2026-11-22T23:55:00Z"}
    assert later(midnight, run(1, "00:30", number=8)) == [("Job 1", "went well on Mon 23 Nov at 00:30")]
    assert later(midnight | {"creation_time_utc": None}, run(1, "00:30", number=8)) == [
        ("Job 1", "went well on Mon 23 Nov at 00:30")
    ]
    endless = run(1, "00:30", number=9) | {"end_time_utc": None, "creation_time_utc": "2026-11-23T00:20:00Z"}
    assert later(midnight, endless) == [("Job 1", "went well later")]


def test_a_job_that_ended_with_warnings_later_is_not_told_to_have_gone_well() -> None:
    runs = [
        *(run(1, "05:00", "Failed"), run(1, "06:00")),
        *(run(2, "04:00", "Failed"), run(2, "07:00", "Warning")),
        run(3, "03:00", "Failed"),
        *(run(4, "03:00", "Warning"), run(4, "04:00", "Failed")),
        *(run(5, "03:00", "Warning"), run(5, "04:00")),
    ]
    assert later(*runs) == [
        ("Job 4", None),
        ("Job 3", None),
        ("Job 2", "ended with warnings at 07:00"),
        ("Job 1", "went well at 06:00"),
    ]
    assert later(*runs, part="warned") == [("Job 2", None), ("Job 4", "failed at 04:00"), ("Job 5", "went well at 04:00")]
    picture = draw(answer("BackupJobSession", *runs))
    assert picture["summary"]["headline"] == "2 jobs failed, 2 jobs failed first and recovered, 1 job ended with warnings"
    assert (picture["failed"]["still"], picture["failed"]["changed"]) == (2, 2)
    assert (picture["warned"]["still"], picture["warned"]["changed"]) == (1, 2)


def test_jobs_beyond_the_limit_are_listed_by_the_reason_that_most_have() -> None:
    def machine(of: dict[str, Any], reason: str, result: str = "Failed") -> dict[str, Any]:
        return {"job_session_uid": of["uid"], "vm_display_name": "vm", "result": result, "reason": reason}

    runs = [run(number, f"0{9 - number}:00", "Failed") for number in range(1, 8)]
    runs[1]["failure_message"] = "Two"
    runs[6]["links"] = [{"type": "BackupServerReference", "name": "vbr02"}]
    well = run(6, "23:00", number=99)
    machines = [
        *(machine(runs[1], "Full"), machine(runs[1], "Slow", "Warning")),
        *(machine(runs[2], "Full"), machine(runs[3], "Full"), machine(runs[3], "Away")),
        *(machine(runs[4], "Away"), machine(runs[5], "Gone")),
    ]
    first = draw(answer("BackupJobSession", *runs, well), limit=1, usual_days=0)
    (question,) = first["questions"]
    assert all(one["uid"] in question["filter"] for one in runs)
    failed = draw(answer("BackupJobSession", *runs, well), answer("BackupTaskSession", *machines), limit=1)["failed"]
    assert [row["job"] for row in failed["rows"]] == ["Job 1"]
    assert [(group["reason"], [(job["job"], job["more"]) for job in group["jobs"]]) for group in failed["rest"]] == [
        ("Full", [("Job 2", 1), ("Job 3", 0), ("Job 4", 1)]),
        ("Away", [("Job 5", 0)]),
        ("no reason is told", [("Job 7", 0)]),
        ("Gone", [("Job 6", 0)]),
    ]
    assert failed["rest"][0]["jobs"][0]["when"] == "Mon 23 Nov, 06:50"
    assert failed["rest"][2]["jobs"][0]["server"] == "vbr02"
    assert failed["rest"][3]["jobs"][0]["later"]["says"] == "went well at 23:00"
    assert draw(answer("BackupJobSession", *runs), limit=7)["failed"]["rest"] == []


def test_of_very_many_jobs_not_all_are_asked_for_their_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_night, "MOST_ASKED", 2)
    runs = [run(number, f"0{9 - number}:00", "Failed") for number in range(1, 7)]
    runs[5]["failure_message"] = "Told"
    picture = draw(answer("BackupJobSession", *runs), limit=1, usual_days=0)
    (question,) = picture["questions"]
    assert [one["job_name"] for one in runs if one["uid"] in question["filter"]] == ["Job 1", "Job 2", "Job 3"]
    assert [(group["reason"], len(group["jobs"])) for group in picture["failed"]["rest"]] == [
        ("no reason is told", 2),
        ("too many to ask why", 2),
        ("Told", 1),
    ]


# Time


def create_run(ended: datetime | None, outcome: str = "success") -> Run:
    return Run("BackupJobSession", "", "", "", "", "", "", None, ended, outcome, False, "", None)


def read(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("zone", "since", "until", "names"),
    [
        ("UTC", "2026-11-22T18:27", "2026-11-23T18:27", ("Sun 22 Nov, 18:00", "Mon 23 Nov, 18:00", 25)),
        ("UTC", "2026-11-22T18:00", "2026-11-23T18:00", ("Sun 22 Nov, 18:00", "Mon 23 Nov, 17:00", 24)),
        ("Asia/Kolkata", "2026-11-22T18:00", "2026-11-23T18:00", ("Sun 22 Nov, 23:00", "Mon 23 Nov, 23:00", 25)),
        (
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ("Sat 24 Oct, 14:00", "Sun 25 Oct, 12:00", 24),
        ),  # 02:00 twice
        ("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00", ("Sat 28 Mar, 13:00", "Sun 29 Mar, 13:00", 24)),  # no 02:00
        ("UTC", "2026-11-16T18:00", "2026-11-23T18:00", ("Mon 16 Nov", "Mon 23 Nov", 8)),
        ("Europe/Berlin", "2026-10-20T22:00", "2026-10-27T23:00", ("Wed 21 Oct", "Tue 27 Oct", 7)),
    ],
)
def test_bars_follow_the_clocks_of_the_zone(zone: str, since: str, until: str, names: tuple[str, str, int]) -> None:
    chart = create_chart([], read(since), read(until), Zone(zone))
    bars = [one["name"] for one in chart["bars"]]
    assert (bars[0], bars[-1], len(bars)) == names


def test_a_run_is_counted_when_it_ended_and_one_that_goes_on_is_not() -> None:
    runs = [
        create_run(read("2026-11-23T02:59:59.999999")),
        create_run(read("2026-11-23T03:00"), "failed"),
        *[create_run(None, "running")] * 40,
    ]
    chart = create_chart(runs, read("2026-11-23T00:00"), read("2026-11-23T06:00"), Zone("UTC"))
    assert [one["total"] for one in chart["bars"]] == [0, 0, 1, 1, 0, 0]
    assert [one["says"] for one in chart["bars"]][2:4] == ["1 succeeded", "1 failed"]
    assert chart["lines"][-1]["value"] == "2", "the scale is theirs"
    # A server whose clock is ahead, or a run that ended while we asked.
    late = create_chart([create_run(read("2026-11-23T09:00"))], read("2026-11-23T00:00"), read("2026-11-23T06:00"), Zone("UTC"))
    assert late["bars"][-1]["total"] == 1


def test_one_failure_among_thousands_can_be_seen() -> None:
    runs = [create_run(read("2026-11-23T02:00"))] * 5000 + [create_run(read("2026-11-23T02:00"), "failed")]
    chart = create_chart(runs, read("2026-11-23T00:00"), read("2026-11-23T06:00"), Zone("UTC"))
    assert chart["bars"][2]["segments"][0] == {"outcome": "failed", "y": 150 - LEAST, "height": LEAST}
    assert [line["value"] for line in chart["lines"]] == ["3,000", "6,000"]


def test_the_zone_is_named_with_its_distance() -> None:
    assert Zone("utc").label(read(SINCE[:16]), read(UNTIL[:16])) == "UTC"
    assert Zone("Asia/Kolkata").label(read(SINCE[:16]), read(UNTIL[:16])) == "Asia/Kolkata (UTC+05:30)"
    change = Zone("Europe/Berlin").label(read("2026-10-24T12:00"), read("2026-10-25T12:00"))
    assert change == "Europe/Berlin (UTC+02:00, then UTC+01:00)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599.6, "1 h 00 min"), (86399, "23 h 59 min"), (90000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert print_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (1024**3, "1.0 GiB"),
        (150 * 1024**3, "150 GiB"),
        (999.9 * 1024**3, "1.0 TiB"),
    ],
)
def test_sizes(size: float, text: str) -> None:
    assert print_size(size) == text
