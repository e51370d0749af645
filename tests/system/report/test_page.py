# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the role report: what is on it, that it needs nothing beside it, and that nothing on it does anything."""

from __future__ import annotations

import base64
import json
import re
import stat
from pathlib import Path

import pytest
from support.places import ROOT

from .nights import HOSTILE
from .pages import DRAWN, Page, play

TILES = {"failed": "failed", "warning": "warning", "success": "success", "running": "running"}


@pytest.fixture(params=["busy", *DRAWN])
def page(request: pytest.FixtureRequest) -> Page:
    """Give each page in turn."""
    if request.param == "busy":
        made: Page = request.getfixturevalue("busy")
    else:
        made = request.getfixturevalue("others")[request.param]
    return made


# What the role does


def test_one_session_few_requests_and_all_of_it_closed(busy: Page) -> None:
    requests = [entry for entry in busy.log if entry.path.startswith("/api")]
    assert len([entry for entry in requests if "sessionMngr" in entry.path]) == 1
    assert [entry.method for entry in requests].count("DELETE") == 1
    assert busy.em.sessions == []
    assert len(requests) <= 16, [entry.target for entry in requests]


def test_the_playbook_says_how_it_went_and_fails_if_asked_to(busy: Page) -> None:
    assert busy.code == 2, busy.output
    last = {run.job: run for run in sorted(busy.runs(), key=lambda run: run.ends) if run.ends <= busy.until}
    bad = sum(run.outcome == "Failed" for run in last.values())
    assert bad > 2
    assert f"{bad} jobs failed" in busy.output
    assert busy.parsed.find("div.verdict bad", "strong.") == [f"{bad} jobs failed"]


def test_the_page_is_not_for_everybody(busy: Page) -> None:
    assert stat.S_IMODE(busy.path.stat().st_mode) == 0o640


def test_no_secret_is_on_the_page_or_in_the_output(busy: Page) -> None:
    secrets = {busy.em.admin.password} | {entry.session_id or "" for entry in busy.log}
    secrets |= {entry.header("X-RestSvcSessionId") or "" for entry in busy.log} - {""}
    for secret in secrets - {""}:
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in busy.output
            assert form not in busy.html


# What is on the page


def test_the_tiles_count_what_the_world_holds(page: Page) -> None:
    extra = {"running": 1} if page.path.parent.name.startswith("busy") else {}  # the policy of continuous replication
    for tile, outcome in TILES.items():
        assert page.tile(tile) == page.count(outcome) + extra.get(tile, 0), tile


def test_the_bars_add_up_to_the_tiles(page: Page) -> None:
    cells = page.parsed.find("section.chart", "tbody.", "td.num")
    sums = [sum(int(cell.replace(",", "")) for cell in cells[column::3]) for column in range(3)]
    assert sums == [page.tile(tile) for tile in ("failed", "warning", "success")]
    assert bool(sum(sums)) == ("rect.bar" in page.html.replace('rect class="', "rect."))


def test_the_jobs_that_failed_are_the_worlds_and_those_that_still_fail_come_first(busy: Page) -> None:
    shown = [text for text in busy.parsed.find("section.failed", "h3.") if "·" not in text]
    failed = [run for run in busy.runs() if run.outcome == "Failed" and run.ends <= busy.until]
    assert sorted(shown) == sorted({run.job.name for run in failed})
    well = {
        run.job.name: max((r for r in busy.runs() if r.job is run.job), key=lambda r: r.ends).outcome != "Failed"
        for run in failed
    }
    assert [well[name] for name in shown] == sorted(well[name] for name in shown)
    notes = busy.parsed.find("section.failed", "span.later")
    assert len(notes) == sum(well.values())
    assert any(note.startswith("✓ went well ") for note in notes)
    assert any(note.startswith("▲ ended with warnings ") for note in notes)
    still = len(well) - len(notes)
    assert busy.parsed.find("section.failed", "h2.", "span.count") == [f"{still} jobs, and {len(notes)} that recovered"]
    assert busy.parsed.find("div.verdict", "strong.") == [f"{still} jobs failed"]
    assert f"{len(notes)} jobs failed first and recovered" in busy.parsed.find("div.verdict", "span.")[-1]


def test_warnings_are_counted_as_in_the_verdict(busy: Page) -> None:
    (told,) = busy.parsed.find("section.warnings", "h2.", "span.count")
    assert (
        f"{told.split()[0]} job{'' if told.split()[0] == '1' else 's'} ended with warnings"
        in busy.parsed.find("div.verdict", "span.")[-1]
    )


def test_reasons_are_with_the_job_and_name_the_machines(busy: Page) -> None:
    texts = busy.parsed.find("section.failed", "dl.reasons")
    assert "Failed to connect to the guest: RPC server is unavailable." in texts
    assert [text for text in texts if text.startswith("exchange")] == [
        "exchange01, exchange04, exchange07",
        "exchange02, exchange05, exchange08",
        "exchange03, exchange06",
    ]
    assert not [text for text in texts if "exchange09" in text], "it went well"


def test_jobs_that_did_not_run_are_the_worlds(busy: Page) -> None:
    ran = {run.job for run in busy.runs()}
    idle = [job for job in busy.em.world.jobs if job not in ran]
    shown = [text for text in busy.parsed.find("section.idle", "tbody.") if "·" not in text]
    for job in idle:
        if job.enabled and job.schedule_configured:
            assert job.name in shown
    assert shown.count("Forgotten") == 1
    assert shown[shown.index("Forgotten") + 1].startswith("was due ")
    off = " ".join(busy.parsed.find("section.idle", "p.off"))
    assert all(job.name in off for job in idle if not (job.enabled and job.schedule_configured))
    assert busy.tile("idle") == sum(job.enabled and job.schedule_configured for job in idle)


def test_the_longest_runs_are_the_worlds_and_one_is_much_longer_than_usual(busy: Page) -> None:
    seconds: dict[str, float] = {}
    for run in busy.runs():
        if run.ends <= busy.until:
            seconds[run.job.id] = max(seconds.get(run.job.id, 0), run.ends - run.created)
    shown = busy.parsed.find("section.longest", "div.value", "b.")
    longest = sorted(seconds.values(), reverse=True)[: len(shown)]
    assert len(shown) == 15
    assert [read_seconds(text) for text in shown] == [pytest.approx(value, abs=60) for value in longest]
    assert re.fullmatch(r"▲ [34]\.\d times as long as usual", busy.parsed.find("section.longest", "p.compared")[0])


def read_seconds(text: str) -> int:
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+) (d|h|min|s)\b", text))


def test_repositories_are_the_worlds_the_fullest_first(busy: Page) -> None:
    world = busy.em.world
    rows = list(world.table(world.catalogue["Repository"]))
    full = [1 - row.data["freespace"] / row.data["capacity"] if row.data["capacity"] else -1 for row in rows]
    expected = [row.name for _share, row in sorted(zip(full, rows), key=lambda pair: -pair[0])]
    assert [text for text in busy.parsed.find("section.repositories", "div.name") if ".vbem.test" not in text] == expected
    shares = [int(re.findall(r"(\d+) %", text)[0]) for text in busy.parsed.find("section.repositories", "p.share")]
    assert shares == [int(100 * share) for share in sorted(full, reverse=True) if share >= 0]
    assert len(busy.parsed.find("section.repositories", "p.share full")) == 2


def test_what_was_written_is_told_with_the_repository(busy: Page) -> None:
    world = busy.em.world
    homes = {row.uid: row.data["repositoryuid"] for row in world.table(world.catalogue["Backup"])}
    sums: dict[str, int] = {}
    for row in world.table(world.catalogue["BackupFile"]):
        if row.data["creationtimeutc"].timestamp() >= busy.since:
            home = homes[row.data["backupuid"]]
            sums[home] = sums.get(home, 0) + row.data["backupsize"]
    told = [text for text in busy.parsed.find("section.repositories", "span.of") if text.endswith(" written")]
    assert len(told) == len(sums) > 1
    assert sorted(told) == sorted(f"{size / 1024**3:.1f} GiB written" for size in sums.values())


# Other nights


def test_a_night_without_runs_is_not_called_a_good_one(others: dict[str, Page]) -> None:
    parsed = others["empty"].parsed
    assert parsed.find("div.verdict empty", "strong.") == ["Nothing ran"]
    assert parsed.find("section.failed", "p.none") == ["Nothing ran, so nothing failed."]
    assert "figure" not in parsed.tags


def test_a_quiet_night_says_so(others: dict[str, Page]) -> None:
    parsed = others["quiet"].parsed
    assert parsed.find("div.verdict good", "strong.") == ["All runs went well"]
    assert parsed.find("section.failed", "p.none") == ["No run failed."]
    assert parsed.find("section.idle", "p.none") == ["Every job with a schedule ran."]
    assert not parsed.find("section.warnings")


def test_thousands_of_runs_leave_a_page_that_can_be_read(others: dict[str, Page]) -> None:
    page = others["terrible"]
    assert len(page.html) < 150_000
    failed = {run.job for run in page.runs() if page.outcome(run) == "failed"}
    assert len([text for text in page.parsed.find("section.failed", "h3.") if "·" not in text]) == 15
    assert page.parsed.find("section.failed", "summary.") == [f"and {len(failed) - 15} more jobs, in few words"]
    assert page.parsed.find("section.repositories", "p.more") == ["and 25 more"]
    assert any("and 0 more" in text for _path, text in page.parsed.texts) is False


def test_every_job_that_failed_is_named_with_its_time_and_reason(others: dict[str, Page]) -> None:
    page = others["terrible"]
    failed = {run.job.name for run in page.runs() if page.outcome(run) == "failed"}
    parsed = page.parsed
    shown = [text for text in parsed.find("section.failed", "h3.") if "·" not in text]
    folded = parsed.find("section.failed", "details.rest", "ul.", "ul.", "b.")
    assert sorted([*shown, *folded]) == sorted(" ".join(name.split()) for name in failed)
    times = parsed.find("section.failed", "details.rest", "ul.", "ul.", "span.of")
    assert len([text for text in times if re.fullmatch(r"\w{3} \d+ \w{3}, \d\d:\d\d", text)]) == len(folded)
    counts = parsed.find("section.failed", "details.rest", "span.count")
    assert sum(int(text.split()[0]) for text in counts) > len(folded) / 2, "most share a reason"
    assert len(parsed.find("section.failed", "details.rest")) > len(folded) * 2


def test_what_goes_on_is_not_in_the_chart(others: dict[str, Page]) -> None:
    page = others["going"]
    ended = page.tile("success")
    assert page.tile("running") > 4 * ended
    assert page.parsed.find("section.chart", "h2.", "span.count") == [
        f"{ended} runs, by the hour they ended in; {page.tile('running')} still running are left out"
    ]
    assert max(int(text) for text in page.parsed.find("section.chart", "text.scale")) <= ended


def test_a_week_has_a_bar_for_each_day(others: dict[str, Page]) -> None:
    names = others["week"].parsed.find("section.chart", "tbody.", "th.")
    assert len(names) == 8
    assert others["week"].tile("success") == others["quiet"].tile("success") * 5


def test_a_day_has_a_bar_for_each_hour_of_the_zone(others: dict[str, Page]) -> None:
    quiet = others["quiet"].parsed.find("section.chart", "tbody.", "th.")
    assert len(quiet) in (24, 25)
    assert all(name.endswith(":00") for name in quiet)
    # 05:30 from UTC: the hours are those of the clocks there.
    assert all(name.endswith(":00") for name in others["terrible"].parsed.find("section.chart", "tbody.", "th."))


def test_the_page_says_whose_times_they_are(busy: Page, others: dict[str, Page]) -> None:
    assert "All times are UTC, the zone of the machine that made this page." in " ".join(busy.parsed.find("footer."))
    assert "All times are Asia/Kolkata (UTC+05:30)." in " ".join(others["terrible"].parsed.find("footer."))


def test_what_was_not_answered_is_told_and_spoils_the_verdict(others: dict[str, Page]) -> None:
    parsed = others["unanswered"].parsed
    assert parsed.find("section.missing", "dt.") == ["Job", "Repository"]
    assert parsed.find("section.missing", "dd.") == ["The server failed: <not today>"] * 2
    assert parsed.find("div.verdict warning", "p.") == ["All runs went well", "2 questions not answered"]


# That it needs nothing and does nothing


def test_it_needs_nothing_beside_it(page: Page) -> None:
    parsed = page.parsed
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(parsed.tags)
    names = {name for _tag, name, _value in parsed.attributes}
    assert not names & {"src", "href", "xlink:href", "action", "srcset", "style", "background", "data"}
    assert not [name for name in names if name.startswith("on")]
    assert "@import" not in page.html
    assert not re.search(r"url\((?!#)", page.html)
    assert not re.search(r"\b(https?|ftp|data|javascript):", page.html)
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in parsed.attributes


def test_it_is_whole(page: Page) -> None:
    assert page.html.startswith("<!DOCTYPE html>")
    assert len(page.parsed.find("h1.")) == 1
    for sign in ("None", "Undefined", "nan", "{'"):
        assert not [text for path, text in page.parsed.texts if text == sign or (sign == "{'" and sign in text)]
    ids = [value for _tag, name, value in page.parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for target in re.findall(r"url\(#([\w-]+)\)", page.html):
        assert target in ids


def test_names_are_only_names(busy: Page) -> None:
    parsed = busy.parsed
    assert parsed.find("section.failed", "h3.")[0] == HOSTILE
    assert parsed.find("section.failed", "p.reason")[0] == f"Bad: {HOSTILE}"
    assert parsed.find("h1.") == ["R&D <b>backups</b>"]
    assert HOSTILE not in busy.html
    assert not list(Path(busy.path.parent).rglob("pwned")), "a name was taken for a template"


def test_the_template_prints_nothing_but_the_picture_unless_it_is_escaped() -> None:
    """What Ansible fills in is not escaped by itself."""
    text = (ROOT / "roles" / "report" / "templates" / "report.html.j2").read_text(encoding="utf-8")
    loose = [
        found
        for found in re.findall(r"\{\{(.*?)\}\}", text)
        if "report_" in found and not re.search(r"\| (e|int) $|lower ==", found)
    ]
    assert loose == []


def test_the_chart_can_be_read_without_colours_and_without_eyes(busy: Page) -> None:
    parsed = busy.parsed
    assert ("svg", "aria-labelledby", "chart-title chart-desc") in parsed.attributes
    assert parsed.find("title.chart-title") == ["Runs by result and hour"]
    assert f"{busy.tile('failed')} failed" in parsed.find("desc.chart-desc")[0]
    assert "✕ failed" in parsed.find("ul.legend")
    flags = parsed.find("text.flag")
    failed, warned = (sum(int(flag[1:]) for flag in flags if flag.startswith(sign)) for sign in "✕▲")
    assert failed == busy.tile("failed"), "each bar has its number"
    assert warned <= busy.tile("warning"), "those of bars without a failure have theirs"
    assert "url(#fill-failed)" in busy.html
    assert "url(#fill-warning)" in busy.html


# What is wrong with the options is told before anything is asked, by the names that the user wrote


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {
                "report_hours": -5,
                "report_limit": 0,
                "report_full_percent": -2,
                "report_usual_days": -1,
                "report_time_zone": "Mars/Phobos",
                "report_path": "missing/page.html",
            },
            [
                "report_hours is -5: write a whole number, 1 or more",
                "report_limit is 0: write a whole number, 1 or more.",
                "report_full_percent is -2: write a whole number, 0 or more.",
                "report_usual_days is -1: write a whole number, 0 or more.",
                "report_time_zone is 'Mars/Phobos': there is no such time zone on this machine. Write one such as Europe/Berlin",
                "report_path is missing/page.html, but there is no folder {folder}/missing: make it first, or choose another.",
            ],
        ),
        (
            {"report_hours": 0, "report_path": "."},
            [
                "report_hours is 0: write a whole number, 1 or more",
                "report_path is ., which is a folder: add the name of the page, as in ./report.html.",
            ],
        ),
    ],
)
def test_options_are_checked_before_anything_is_asked(tmp_path: Path, options: dict[str, object], told: list[str]) -> None:
    page = play("empty", tmp_path, "-e", json.dumps(options), is_drawn=False)
    assert page.code == 2
    for text in told:
        assert text.replace("{folder}", str(tmp_path)) in page.output
    assert page.output.count("fatal:") == 1
    assert [entry.target for entry in page.log if entry.path.startswith("/api")] == []
    assert not list(tmp_path.glob("*.j2"))


def test_a_number_that_is_a_text_is_a_number(busy: Page) -> None:
    """The page was drawn with report_hours=24 and the like: such are texts, before ansible-core 2.19 even to modules."""
    assert "the last 24 hours" in busy.html
