# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages to look at: one by the playbook, as users make it, and one for each further night by the template alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .browser import Browser, find_chromium, start_browser
from .pages import Page, draw, play


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Give the page of a busy night, made by ansible-playbook and the playbook vbem.rest.report."""
    texts = [part for text in ("report_hours=24", "report_limit=15", "report_usual_days=14") for part in ("-e", text)]
    return play(
        "busy", tmp_path_factory.mktemp("busy"), *texts, "-e", '{"report_fail": true, "report_title": "R&D <b>backups</b>"}'
    )


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Give the pages of other nights by their names."""
    return draw(tmp_path_factory.mktemp("others"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a browser, where there is one."""
    program = find_chromium()
    if program is None:
        pytest.skip("There is no Chromium here to look at the page with.")
    with start_browser(program) as started:
        yield started
