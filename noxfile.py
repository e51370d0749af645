# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2025.2.9", "antsibull-nox"]
# ///

"""For those who prefer nox: the linters as antsibull-nox runs them, and each check of ``make test`` by its name.

``nox -l`` lists them; ``nox -e check-unit`` is ``make check ONLY=unit``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

try:
    import antsibull_nox
except ImportError:
    sys.exit("antsibull-nox is needed: pip install nox antsibull-nox")

ROOT = Path(__file__).parent

sys.path.insert(0, str(ROOT / "dev"))

from checks import CHECKS  # noqa: E402

antsibull_nox.load_antsibull_nox_toml()


def add_check(name: str) -> None:
    """Add a session that is one check of ``make test``, with the tools that make sets up."""

    @nox.session(name=f"check-{name}", venv_backend="none", default=False)
    def check(session: nox.Session) -> None:
        session.run("make", "check", f"ONLY={name}", external=True)


for each in CHECKS:
    add_check(each.name)

if __name__ == "__main__":
    nox.main()
