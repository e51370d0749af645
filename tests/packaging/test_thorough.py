# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make thorough`` and releases run every case, and ``make test`` a sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

RUN_ONE = """
import sys
from pathlib import Path
import check
import stage
stage.BUILD = check.LOGS = Path.cwd()
sys.exit(check.Check("asked", "", 'printf %s "${VBEM_EVERY_CASE:-}"', cwd=Path.cwd()).run().code)
"""


@pytest.mark.parametrize("asked", ["", "1"])
def test_checks_learn_whether_every_case_is_wished(tmp_path: Path, asked: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "dev"), "VBEM_EVERY_CASE": asked}
    subprocess.run([sys.executable, "-c", RUN_ONE], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "asked.log").read_text(encoding="utf-8") == asked
