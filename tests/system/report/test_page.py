# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the role report: its content, that it is self-contained, and that no text of the server becomes markup or code."""

from __future__ import annotations

import base64
import json
import re
import stat
from pathlib import Path

import pytest
from support.places import ROOT

from .pages import LINK, TEMPLATED, Page, run_playbook
from .worlds import HOSTILE

TILES = {"failed": "failed", "warning": "warning", "success": "success", "running": "running"}


@pytest.fixture(params=["busy", *TEMPLATED])
def page(request: pytest.FixtureRequest) -> Page:
    """Return each page in turn."""
    if request.param == "busy":
        found: Page = request.getfixturevalue("busy")
    else:
        found = request.getfixturevalue("templated")[request.param]
    return found


# The role


def test_one_logon_few_requests_and_a_logoff(busy: Page) -> None:
    requests = [entry for entry in busy.log if entry.path.startswith("/api")]
    assert len([entry for entry in requests if "sessionMngr" in entry.path]) == 1
    assert [entry.method for entry in requests].count("DELETE") == 1
    assert busy.em.sessions == []
    assert len(requests) <= 16, [entry.target for entry in requests]


def test_the_playbook_shows_the_headline_and_fails_with_report_fail(busy: Page) -> None:
    assert busy.code == 2, busy.output
    ended = sorted((session for session in busy.sessions() if session.ends <= busy.until), key=lambda session: session.ends)
    latest = {session.job: session for session in ended}
    failed = sum(session.outcome == "Failed" for session in latest.values())
    assert failed > 2
    assert f"{failed} jobs failed" in busy.output
    assert busy.parsed.find("div.verdict bad", "strong.") == [f"{failed} jobs failed"]


def test_the_page_is_written_where_the_path_points(busy: Page) -> None:
    assert (busy.path.parent / LINK).is_symlink(), "the file of a symbolic link is replaced"
    assert busy.html.startswith("<!DOCTYPE html>")


def test_not_everybody_can_read_the_page(busy: Page) -> None:
    assert stat.S_IMODE(busy.path.stat().st_mode) == 0o640


def test_no_secret_is_on_the_page_or_in_the_output(busy: Page) -> None:
    secrets = {busy.em.admin.password} | {entry.session_id or "" for entry in busy.log}
    secrets |= {entry.header("X-RestSvcSessionId") or "" for entry in busy.log} - {""}
    for secret in secrets - {""}:
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in busy.output
            assert form not in busy.html


# The content


def test_tiles_show_the_numbers_of_job_sessions(page: Page) -> None:
    extra = {"running": 1} if page.path.parent.name.startswith("busy") else {}  # the CDP policy
    for tile, outcome in TILES.items():
        assert page.tile(tile) == page.count(outcome) + extra.get(tile, 0), tile


def test_bars_add_up_to_the_tiles(page: Page) -> None:
    cells = page.parsed.find("section.chart", "tbody.", "td.num")
    sums = [sum(int(cell.replace(",", "")) for cell in cells[column::3]) for column in range(3)]
    assert sums == [page.tile(tile) for tile in ("failed", "warning", "success")]
    assert bool(sum(sums)) == ("rect.bar" in page.html.replace('rect class="', "rect."))


def test_failed_jobs_are_listed_and_those_that_recovered_come_last(busy: Page) -> None:
    shown = [text for text in busy.parsed.find("section.failed", "h3.") if "·" not in text]
    failed = [session for session in busy.sessions() if session.outcome == "Failed" and session.ends <= busy.until]
    assert sorted(shown) == sorted({session.job.name for session in failed})
    recovered = {
        session.job.name: max((one for one in busy.sessions() if one.job is session.job), key=lambda one: one.ends).outcome
        != "Failed"
        for session in failed
    }
    assert [recovered[name] for name in shown] == sorted(recovered[name] for name in shown)
    later = busy.parsed.find("section.failed", "span.later")
    assert len(later) == sum(recovered.values())
    assert any(text.startswith("✓ succeeded ") for text in later)
    assert any(text.startswith("▲ ended with warnings ") for text in later)
    unchanged = len(recovered) - len(later)
    assert busy.parsed.find("section.failed", "h2.", "span.count") == [f"{unchanged} jobs, and {len(later)} that recovered"]
    assert busy.parsed.find("div.verdict", "strong.") == [f"{unchanged} jobs failed"]
    assert f"{len(later)} jobs failed first and recovered" in busy.parsed.find("div.verdict", "span.")[-1]


def test_warnings_are_counted_as_in_the_headline(busy: Page) -> None:
    (count,) = busy.parsed.find("section.warnings", "h2.", "span.count")
    number = count.split()[0]
    assert f"{number} job{'' if number == '1' else 's'} ended with warnings" in busy.parsed.find("div.verdict", "span.")[-1]


def test_reasons_are_listed_with_their_machines(busy: Page) -> None:
    texts = busy.parsed.find("section.failed", "dl.reasons")
    assert "Failed to connect to the guest: RPC server is unavailable." in texts
    assert [text for text in texts if text.startswith("exchange")] == [
        "exchange01, exchange04, exchange07",
        "exchange02, exchange05, exchange08",
        "exchange03, exchange06",
    ]
    assert not [text for text in texts if "exchange09" in text], "it succeeded"


def test_jobs_that_did_not_run_are_listed(busy: Page) -> None:
    ran = {session.job for session in busy.sessions()}
    not_run = [job for job in busy.em.world.jobs if job not in ran]
    shown = [text for text in busy.parsed.find("section.not-run", "tbody.") if "·" not in text]
    for job in not_run:
        if job.enabled and job.schedule_configured:
            assert job.name in shown
    assert shown.count("Forgotten") == 1
    assert shown[shown.index("Forgotten") + 1].startswith("was due ")
    unscheduled = " ".join(busy.parsed.find("section.not-run", "p.unscheduled"))
    assert all(job.name in unscheduled for job in not_run if not (job.enabled and job.schedule_configured))
    assert busy.tile("not-run") == sum(job.enabled and job.schedule_configured for job in not_run)


def test_the_longest_sessions_are_listed_and_compared_with_the_baseline(busy: Page) -> None:
    seconds: dict[str, float] = {}
    for session in busy.sessions():
        if session.ends <= busy.until:
            seconds[session.job.id] = max(seconds.get(session.job.id, 0), session.ends - session.created)
    shown = busy.parsed.find("section.longest", "div.value", "b.")
    longest = sorted(seconds.values(), reverse=True)[: len(shown)]
    assert len(shown) == 15
    assert [read_seconds(text) for text in shown] == [pytest.approx(value, abs=60) for value in longest]
    assert re.fullmatch(r"▲ [34]\.\d times as long as usual", busy.parsed.find("section.longest", "p.comparison")[0])


def read_seconds(text: str) -> int:
    units = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+) (d|h|min|s)\b", text))


def test_repositories_are_listed_the_fullest_first(busy: Page) -> None:
    world = busy.em.world
    rows = list(world.table(world.catalogue["Repository"]))
    full = [1 - row.data["freespace"] / row.data["capacity"] if row.data["capacity"] else -1 for row in rows]
    expected = [row.name for _share, row in sorted(zip(full, rows), key=lambda pair: -pair[0])]
    assert [text for text in busy.parsed.find("section.repositories", "div.name") if ".vbem.test" not in text] == expected
    shares = [int(re.findall(r"(\d+) %", text)[0]) for text in busy.parsed.find("section.repositories", "p.share")]
    assert shares == [int(100 * share) for share in sorted(full, reverse=True) if share >= 0]
    assert len(busy.parsed.find("section.repositories", "p.share full")) == 2


def test_the_size_of_new_backup_files_is_shown_with_the_repository(busy: Page) -> None:
    world = busy.em.world
    repository_of = {row.uid: row.data["repositoryuid"] for row in world.table(world.catalogue["Backup"])}
    sums: dict[str, int] = {}
    for row in world.table(world.catalogue["BackupFile"]):
        if row.data["creationtimeutc"].timestamp() >= busy.since:
            repository = repository_of[row.data["backupuid"]]
            sums[repository] = sums.get(repository, 0) + row.data["backupsize"]
    shown = [text for text in busy.parsed.find("section.repositories", "span.detail") if text.endswith(" written")]
    assert len(shown) == len(sums) > 1
    assert sorted(shown) == sorted(f"{size / 1024**3:.1f} GiB written" for size in sums.values())


# Other worlds


def test_a_period_without_job_sessions_has_a_verdict_of_its_own(templated: dict[str, Page]) -> None:
    parsed = templated["empty"].parsed
    assert parsed.find("div.verdict empty", "strong.") == ["No job ran"]
    assert parsed.find("section.failed", "p.none") == ["No job ran, so none failed."]
    assert "figure" not in parsed.tags


def test_success_is_stated(templated: dict[str, Page]) -> None:
    parsed = templated["successful"].parsed
    assert parsed.find("div.verdict good", "strong.") == ["All jobs that ran succeeded"]
    assert parsed.find("section.failed", "p.none") == ["No job session failed."]
    assert parsed.find("section.not-run", "p.none") == ["Every job with a schedule ran."]
    assert not parsed.find("section.warnings")


def test_a_page_of_thousands_of_job_sessions_stays_readable(templated: dict[str, Page]) -> None:
    page = templated["terrible"]
    assert len(page.html) < 150_000
    failed = {session.job for session in page.sessions() if page.outcome(session) == "failed"}
    assert len([text for text in page.parsed.find("section.failed", "h3.") if "·" not in text]) == 15
    assert page.parsed.find("section.failed", "summary.") == [f"and {len(failed) - 15} more jobs, in short form"]
    assert page.parsed.find("section.repositories", "p.more") == ["and 25 more"]
    assert any("and 0 more" in text for _path, text in page.parsed.texts) is False


def test_every_failed_job_is_listed_with_its_time_and_reason(templated: dict[str, Page]) -> None:
    page = templated["terrible"]
    failed = {session.job.name for session in page.sessions() if page.outcome(session) == "failed"}
    parsed = page.parsed
    shown = [text for text in parsed.find("section.failed", "h3.") if "·" not in text]
    short_form = parsed.find("section.failed", "details.others", "ul.", "ul.", "b.")
    assert sorted([*shown, *short_form]) == sorted(" ".join(name.split()) for name in failed)
    times = parsed.find("section.failed", "details.others", "ul.", "ul.", "span.detail")
    assert len([text for text in times if re.fullmatch(r"\w{3} \d+ \w{3}, \d\d:\d\d", text)]) == len(short_form)
    counts = parsed.find("section.failed", "details.others", "span.count")
    assert sum(int(text.split()[0]) for text in counts) > len(short_form) / 2, "most share a reason"
    assert len(parsed.find("section.failed", "details.others")) > len(short_form) * 2


def test_running_sessions_are_not_in_the_chart(templated: dict[str, Page]) -> None:
    page = templated["running"]
    ended = page.tile("success")
    assert page.tile("running") > 4 * ended
    assert page.parsed.find("section.chart", "h2.", "span.count") == [
        f"{ended} sessions, by the hour in which they ended; {page.tile('running')} still running are left out"
    ]
    assert max(int(text) for text in page.parsed.find("section.chart", "text.scale")) <= ended


def test_a_week_has_a_bar_for_each_day(templated: dict[str, Page]) -> None:
    names = templated["week"].parsed.find("section.chart", "tbody.", "th.")
    assert len(names) == 8
    assert templated["week"].tile("success") == templated["successful"].tile("success") * 5


def test_a_day_has_a_bar_for_each_hour_of_the_time_zone(templated: dict[str, Page]) -> None:
    titles = templated["successful"].parsed.find("section.chart", "tbody.", "th.")
    assert len(titles) in (24, 25)
    assert all(name.endswith(":00") for name in titles)
    # The offset is 05:30: bars start at full hours of local time.
    assert all(name.endswith(":00") for name in templated["terrible"].parsed.find("section.chart", "tbody.", "th."))


def test_the_page_names_its_time_zone(busy: Page, templated: dict[str, Page]) -> None:
    assert "All times are UTC, the time zone of the machine that created this page." in " ".join(busy.parsed.find("footer."))
    assert "All times are Asia/Kolkata (UTC+05:30)." in " ".join(templated["terrible"].parsed.find("footer."))


def test_failed_queries_are_shown_and_lower_the_verdict(templated: dict[str, Page]) -> None:
    parsed = templated["incomplete"].parsed
    assert parsed.find("section.failed-queries", "dt.") == ["Job", "Repository"]
    messages = parsed.find("section.failed-queries", "dd.")
    assert ["The server says: <not today>." in message for message in messages] == [True, True]
    assert parsed.find("div.verdict warning", "p.") == ["All jobs that ran succeeded", "2 queries failed"]


# Self-contained and inert


def test_the_page_needs_no_other_file_and_no_script(page: Page) -> None:
    parsed = page.parsed
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(parsed.tags)
    names = {name for _tag, name, _value in parsed.attributes}
    assert not names & {"src", "href", "xlink:href", "action", "srcset", "style", "background", "data"}
    assert not [name for name in names if name.startswith("on")]
    assert "@import" not in page.html
    assert not re.search(r"url\((?!#)", page.html)
    assert not re.search(r"\b(https?|ftp|data|javascript):", page.html)
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in parsed.attributes


def test_the_page_is_complete(page: Page) -> None:
    assert page.html.startswith("<!DOCTYPE html>")
    assert len(page.parsed.find("h1.")) == 1
    for sign in ("None", "Undefined", "nan", "{'"):
        assert not [text for path, text in page.parsed.texts if text == sign or (sign == "{'" and sign in text)]
    ids = [value for _tag, name, value in page.parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for target in re.findall(r"url\(#([\w-]+)\)", page.html):
        assert target in ids


def test_names_are_neither_markup_nor_templates(busy: Page) -> None:
    parsed = busy.parsed
    assert parsed.find("section.failed", "h3.")[0] == HOSTILE
    assert parsed.find("section.failed", "p.reason")[0] == f"Bad: {HOSTILE}"
    assert parsed.find("h1.") == ["R&D <b>backups</b>"]
    assert HOSTILE not in busy.html
    assert not list(Path(busy.path.parent).rglob("pwned")), "a name was evaluated as a template"


def test_the_template_escapes_all_variables_but_report_data() -> None:
    """Ansible's templates do not escape by themselves."""
    text = (ROOT / "roles" / "report" / "templates" / "report.html.j2").read_text(encoding="utf-8")
    unescaped = [
        found
        for found in re.findall(r"\{\{(.*?)\}\}", text)
        if "report_" in found and not re.search(r"\| (e|int) $|lower ==", found)
    ]
    assert unescaped == []


def test_the_chart_is_accessible_without_colours_and_to_screen_readers(busy: Page) -> None:
    parsed = busy.parsed
    assert ("svg", "aria-labelledby", "chart-title chart-desc") in parsed.attributes
    assert parsed.find("title.chart-title") == ["Job sessions by result and hour"]
    assert f"{busy.tile('failed')} failed" in parsed.find("desc.chart-desc")[0]
    assert "✕ failed" in parsed.find("ul.legend")
    flags = parsed.find("text.flag")
    failed, warned = (sum(int(flag[1:]) for flag in flags if flag.startswith(sign)) for sign in "✕▲")
    assert failed == busy.tile("failed"), "each bar has a flag with its number"
    assert warned <= busy.tile("warning"), "bars without a failure have one, too"
    assert "url(#fill-failed)" in busy.html
    assert "url(#fill-warning)" in busy.html


# Invalid options, by the names of the role


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        (
            {
                "report_hours": -5,
                "report_max_rows": 0,
                "report_full_threshold_percent": -2,
                "report_baseline_days": -1,
                "report_time_zone": "Mars/Phobos",
                "report_path": "missing/page.html",
            },
            [
                "report_hours is -5: give a whole number, 1 or more",
                "report_max_rows is 0: give a whole number, 1 or more.",
                "report_full_threshold_percent is -2: give a whole number, 0 or more.",
                "report_baseline_days is -1: give a whole number, 0 or more.",
                "report_time_zone is 'Mars/Phobos': there is no such time zone on this machine. Use a name such as Europe/Berlin",
                "report_path is missing/page.html, but the directory {folder}/missing does not exist: create it first, or use another path.",
            ],
        ),
        (
            {"report_hours": 0, "report_path": "."},
            [
                "report_hours is 0: give a whole number, 1 or more",
                "report_path is ., which is a directory: add a file name, as in ./report.html.",
            ],
        ),
    ],
)
def test_options_are_validated_before_any_request(tmp_path: Path, options: dict[str, object], messages: list[str]) -> None:
    page = run_playbook("empty", tmp_path, "-e", json.dumps(options), is_written=False)
    assert page.code == 2
    for message in messages:
        assert message.replace("{folder}", str(tmp_path)) in page.output
    assert page.output.count("fatal:") == 1
    assert [entry.target for entry in page.log if entry.path.startswith("/api")] == []
    assert not list(tmp_path.glob("*.j2"))


def test_numbers_may_be_strings(busy: Page) -> None:
    """The page was written with report_hours=24 and the like, which are strings; before ansible-core 2.19, even to modules."""
    assert "the last 24 hours" in busy.html
