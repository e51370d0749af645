# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Python keeps of compiled archives for these tests is what it would compile."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.places import ROOT

# Without what is in the environment already: its own place to keep things is a folder of the test.
LOAD = """
import sys
sys.prefix, archive = sys.argv[1:]
import keep_compiled
sys.path.insert(0, archive)
import kept
print(kept.VALUE, kept.give.__code__.co_filename)
"""


def load(folder: Path, value: str, name: str, **settings: str) -> str:
    archive = folder / name
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("kept.py", f"VALUE = {value!r}\ndef give():\n    return VALUE\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "dev"), "VBEM_COMPILE_ALWAYS": "", **settings}
    command = [sys.executable, "-S", "-c", LOAD, str(folder), str(archive)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.rstrip("\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compiled").mkdir()
    return tmp_path


def test_the_same_text_is_compiled_once_and_another_is_another(folder: Path) -> None:
    assert load(folder, "a", "1.zip") == f"a {folder}/1.zip/kept.py"
    (made,) = (folder / "compiled").iterdir()
    before = made.stat()
    assert load(folder, "a", "2.zip") == f"a {folder}/2.zip/kept.py", "a traceback has to name the file of this time"
    assert made.stat().st_mtime_ns == before.st_mtime_ns
    assert load(folder, "b", "1.zip") == f"b {folder}/1.zip/kept.py"
    assert len(list((folder / "compiled").iterdir())) == 2


def test_what_is_kept_is_used(folder: Path) -> None:
    load(folder, "a", "1.zip")
    (first,) = (folder / "compiled").iterdir()
    load(folder, "b", "1.zip")
    (second,) = (path for path in (folder / "compiled").iterdir() if path != first)
    first.write_bytes(second.read_bytes())
    assert load(folder, "a", "1.zip").startswith("b ")
    assert load(folder, "a", "1.zip", VBEM_COMPILE_ALWAYS="yes").startswith("a ")


def test_what_cannot_be_read_or_written_is_compiled(folder: Path) -> None:
    load(folder, "a", "1.zip")
    (made,) = (folder / "compiled").iterdir()
    made.write_bytes(made.read_bytes()[:20])
    assert load(folder, "a", "1.zip").startswith("a ")
    made.unlink()
    (folder / "compiled").rmdir()
    assert load(folder, "a", "1.zip").startswith("a ")
