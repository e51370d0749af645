# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m emulator` (in the checkout) and `python emulator`."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    # Started by its path: Python then puts the package's own folder on sys.path, where relative imports fail.
    folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    sys.path.insert(0, str(folder.parent))

try:
    from emulator.cli import main
except ModuleNotFoundError as error:
    if error.name is not None and error.name.partition(".")[0] == "emulator":
        raise
    requirements = Path(__file__).with_name("requirements.txt")
    sys.exit(f"emulator: the library {error.name} is missing; install what it needs: pip install -r {requirements}")

if __name__ == "__main__":
    sys.exit(main())
