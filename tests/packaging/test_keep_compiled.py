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

import ansible
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


# As Ansible starts and imports a plugin of a collection, on request without anything that reads YAML.
START = """
import sys
sys.prefix, folder, has_yaml = sys.argv[1:]
import keep_compiled
import yaml
if not has_yaml:
    def refuse(*_arguments, **_options):
        raise RuntimeError("something reads YAML")
    yaml.load = refuse
from ansible import constants
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
_AnsibleCollectionFinder([folder])._install()
from ansible_collections.our.own.plugins.module_utils import kept
from ansible_collections.ansible import builtin
print(constants.config.get_configuration_definition("DEFAULT_FORKS")["default"])
print("authorize" in str(builtin._collection_meta), kept.VALUE, kept.give.__code__.co_filename)
"""


def start(folder: Path, value: str, place: str = "here", *, has_yaml: bool = True, **settings: str) -> list[str]:
    plugins = folder / place / "ansible_collections" / "our" / "own" / "plugins" / "module_utils"
    plugins.mkdir(parents=True, exist_ok=True)
    (plugins / "kept.py").write_text(f"VALUE = {value!r}\ndef give():\n    return VALUE\n", encoding="utf-8")
    paths = os.pathsep.join(map(str, (ROOT / "dev", Path(ansible.__path__[0]).parent)))
    environment = {**os.environ, "HOME": str(folder), "PYTHONPATH": paths, "VBEM_COMPILE_ALWAYS": "", **settings}
    command = [sys.executable, "-S", "-c", START, str(folder), str(folder / place), "yes" if has_yaml else ""]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split() or done.stderr.splitlines()[-1:]


def test_collections_and_settings_are_read_once(folder: Path) -> None:
    def place(where: str) -> str:
        return f"{folder}/{where}/ansible_collections/our/own/plugins/module_utils/kept.py"

    assert start(folder, "a") == ["5", "True", "a", place("here")]
    made = {path.name for path in (folder / "compiled").iterdir()}
    assert start(folder, "a", "there", has_yaml=False) == ["5", "True", "a", place("there")]
    assert {path.name for path in (folder / "compiled").iterdir()} == made
    assert start(folder, "b") == ["5", "True", "b", place("here")]
    (refused,) = start(folder, "b", has_yaml=False, VBEM_COMPILE_ALWAYS="yes")
    assert "something reads YAML" in refused
