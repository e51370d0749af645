# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages to test: one written by the playbook, the others by the role's template alone. And a browser that shows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .browser import Browser, find_chromium, start_browser
from .pages import Page, run_playbook, write_templated_pages


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Return the page of a busy night, written by the playbook vbem.rest.report. Options are strings, as on a command line."""
    texts = ("report_hours=24", "report_max_rows=15", "report_baseline_days=14")
    options = [part for text in texts for part in ("-e", text)]
    names = '{"report_fail": true, "report_title": "R&D <b>backups</b>"}'
    return run_playbook("busy", tmp_path_factory.mktemp("busy"), *options, "-e", names)


@pytest.fixture(scope="session")
def templated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Return the pages written by the template alone, by name."""
    return write_templated_pages(tmp_path_factory.mktemp("templated"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a browser; skip the test if none is installed."""
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not installed.")
    with start_browser(program) as started:
        yield started
