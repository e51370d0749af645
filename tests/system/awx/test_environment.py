# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the collection and of the shipped definitions. No image is built: that takes an engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bindep.depends import Depends
from support.processes import SAFETY_NET

from .controller import ROOT

FOLDER = ROOT / "extensions" / "execution_environment"
BIN = Path(sys.executable).parent
# What the modules import, as the collection itself asks for it.
LIBRARIES = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n")[:-1]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a tool of this environment and return what it printed."""
    done = subprocess.run(
        [str(BIN / command[0]), *map(str, command[1:])],
        cwd=cwd,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "HOME": str(cwd)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SAFETY_NET,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the collection's artifact."""
    folder = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", folder, ROOT, cwd=folder)
    (made,) = folder.glob("vbem-rest-*.tar.gz")
    return made


def test_what_the_installed_collection_asks_for(artifact: Path, tmp_path: Path) -> None:
    run("ansible-galaxy", "collection", "install", artifact, "-p", tmp_path, "--offline", "--force", cwd=tmp_path)
    pip, system = tmp_path / "pip.txt", tmp_path / "bindep.txt"
    run("ansible-builder", "introspect", "--write-pip", pip, "--write-bindep", system, tmp_path, cwd=tmp_path)
    asked = [line.partition("#")[0].strip() for line in pip.read_text(encoding="utf-8").splitlines()]
    assert sorted(filter(None, asked)) == sorted(LIBRARIES)
    assert {line.split()[0] for line in LIBRARIES} == {"requests", "xmltodict"}
    assert "vbem.rest" in pip.read_text(encoding="utf-8")
    asked = [line.partition("#")[0].strip() for line in system.read_text(encoding="utf-8").splitlines()]
    assert list(filter(None, asked)) == ["tzdata [platform:rpm platform:dpkg]"]


@pytest.mark.parametrize(
    ("profile", "packages"), [("platform:rpm", ["tzdata"]), ("platform:dpkg", ["tzdata"]), ("platform:apk", [])]
)
def test_time_zones_are_asked_for_where_images_may_lack_them(profile: str, packages: list[str]) -> None:
    """Read the file with bindep itself, as ansible-builder's images do."""
    wanted = Depends((ROOT / "bindep.txt").read_text(encoding="utf-8"), "bindep.txt").active_rules([profile])
    assert [name for name, _rules, _versions in wanted] == packages


@pytest.mark.parametrize("name", ["execution-environment.yml", "execution-environment-galaxy.yml"])
def test_build_context(artifact: Path, tmp_path: Path, name: str) -> None:
    for path in FOLDER.glob("*.yml"):
        shutil.copy(path, tmp_path)
    if name == "execution-environment.yml":
        shutil.copy(artifact, tmp_path / "vbem-rest.tar.gz")
    run("ansible-builder", "create", "--file", name, "--output-filename", "Containerfile", cwd=tmp_path)
    context = tmp_path / "context"
    lines = (context / "Containerfile").read_text(encoding="utf-8").splitlines()
    base = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["images"]["base_image"]["name"]
    assert f'ARG EE_BASE_IMAGE="{base}"' in lines
    (install,) = [line for line in lines if "ansible-galaxy collection install" in line]
    assert "-r requirements.yml" in install
    (wanted,) = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    if name == "execution-environment.yml":
        # ansible-galaxy runs in /build, which _build becomes.
        assert wanted == {"name": "collections/vbem-rest.tar.gz", "type": "file"}
        assert (context / "_build" / wanted["name"]).read_bytes() == artifact.read_bytes()
    else:
        assert wanted == {"name": "vbem.rest"}
    assert lines.index("COPY _build /build") < lines.index("WORKDIR /build") < lines.index(install)
    # The image's builder asks each collection for its requirements, and the last stage installs them.
    assert any("introspect.py introspect" in line for line in lines)
    assert any("install-from-bindep" in line for line in lines)
