# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a command while an emulator runs, whose address is written to a variables file for ansible-test."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator import Emulator


def main() -> int:
    """Start the emulator, write the file, run the command, and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the variables file to write")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    with Emulator() as em:
        variables = {
            "em_hostname": em.hostname,
            "em_port": em.port,
            "em_username": em.admin.username,
            "em_password": em.admin.password,
            "em_ca_path": str(em.ca_path),
            "em_control_url": em.control_url,
        }
        options.config.write_text(json.dumps(variables, indent=2) + "\n", encoding="utf-8")
        return subprocess.run([part for part in options.command if part != "--"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
