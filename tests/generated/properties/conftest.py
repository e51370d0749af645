# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Profiles, fixtures, and the number of inputs."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from functional.harness import Harness
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from emulator import Emulator, Switches

_HOME = tempfile.TemporaryDirectory(prefix="vbem-hypothesis-")
set_hypothesis_home_dir(_HOME.name)  # nothing is written into the checkout

_COMMON: dict[str, Any] = {
    "deadline": None,  # machines are shared
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors],
}
settings.register_profile("default", derandomize=True, max_examples=20, **_COMMON)
settings.register_profile("thorough", max_examples=500, print_blob=True, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_COUNTS = re.compile(r"(\d+) passing, (\d+) failing, and (\d+) invalid")
_TRIED = "hypothesis tried"


@pytest.fixture(scope="module")
def em() -> Iterator[Emulator]:
    """Start an emulator whose clock moves only when it is advanced; each example resets it."""
    with Emulator(Switches(), speed=0) as emulator:
        yield emulator


@pytest.fixture(scope="module", params=["xml", "json"])
def harness(request: pytest.FixtureRequest, em: Emulator) -> Iterator[Harness]:
    """Return a harness for the emulator, with each format."""
    made = Harness(em, request.param)
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the statistics of Hypothesis with the report, which pytest-xdist hands on."""
    report = (yield).get_result()  # type: ignore[attr-defined]
    if report.when == "teardown" and hasattr(item, "hypothesis_statistics"):
        report.user_properties.append((_TRIED, item.hypothesis_statistics))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the number of properties and of inputs."""
    texts = [
        text
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, text in report.user_properties
        if name == _TRIED
    ]
    counts = [tuple(map(int, numbers)) for text in texts for numbers in _COUNTS.findall(text)]
    passing, failing, invalid = (sum(column) for column in zip(*counts)) if counts else (0, 0, 0)
    terminalreporter.write_line(
        f"properties ({settings.get_current_profile_name()}): {len(texts)}; inputs tried: {passing + failing},"
        f" of which {failing} failed ({invalid} more did not apply)"
    )
