# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make release`` in a copy of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.places import ROOT
from support.processes import SAFETY_NET, start_process, wait_until
from support.tiers import thorough

sys.path.insert(0, str(ROOT / "dev"))

from release import read_version


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.com")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of this checkout with everything committed."""
    folder = tmp_path / "checkout"
    for name in git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / "tests").mkdir()
    (folder / "tests" / "keep").touch()
    (folder / ".build").mkdir()
    (folder / ".build" / "venv").symlink_to(sys.prefix)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    # Where people have it, who do not have it in every checkout.
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Tests\nemail = tests@example.com\nuseConfigOnly = true\n", encoding="utf-8"
    )
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return folder


def release(folder: Path, version: str) -> Any:
    command = [sys.executable, str(folder / "dev" / "release.py"), version, "--unchecked"]
    environment = {**os.environ, "HOME": str(folder.parent)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def add_summary(folder: Path) -> None:
    fragments = folder / "changelogs" / "fragments"
    if not any("release_summary" in path.read_text(encoding="utf-8") for path in fragments.glob("*.yml")):
        (fragments / "summary.yml").write_text("---\nrelease_summary: What it is about.\n", encoding="utf-8")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "Summary")


@thorough
def test_a_release_has_changelog_tag_and_artifact(checkout: Path) -> None:
    add_summary(checkout)
    done = release(checkout, "7.8.9")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "v7\\.8\\.9" in (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    changes = yaml.safe_load((checkout / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))
    assert "7.8.9" in changes["releases"]
    assert list((checkout / "changelogs" / "fragments").glob("*.yml")) == []
    assert git(checkout, "tag", "--list").split() == ["7.8.9"]
    assert git(checkout, "log", "-1", "--format=%s").strip() == "Release 7.8.9"
    assert git(checkout, "rev-parse", "HEAD") == git(checkout, "rev-parse", "7.8.9^{commit}")
    assert git(checkout, "status", "--porcelain") == ""
    with tarfile.open(next((checkout / ".build" / "dist").glob("vbem-rest-7.8.9.tar.gz"))) as artifact:
        manifest = artifact.extractfile("MANIFEST.json")
        assert manifest is not None
        assert json.load(manifest)["collection_info"]["version"] == "7.8.9"
    again = release(checkout, "7.8.9")
    assert again.returncode != 0
    assert "not above" in again.stderr


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3-rc1", "01.2.3"])
def test_a_bad_version_is_refused(version: str) -> None:
    with pytest.raises(SystemExit, match="three numbers"):
        read_version(version)


def test_an_untidy_checkout_is_refused(checkout: Path) -> None:
    add_summary(checkout)
    (checkout / "stray").touch()
    assert "not committed" in release(checkout, "7.8.9").stderr
    (checkout / "stray").unlink()
    git(checkout, "switch", "--quiet", "--create", "other")
    assert "main" in release(checkout, "7.8.9").stderr
    git(checkout, "switch", "--quiet", "main")
    assert "three numbers" in release(checkout, "v1.2.3").stderr
    for path in (checkout / "changelogs" / "fragments").glob("*.yml"):
        path.unlink()
    git(checkout, "commit", "--quiet", "--all", "--message", "No fragments")
    assert "release_summary" in release(checkout, "7.8.9").stderr
    assert git(checkout, "tag", "--list") == ""


def test_a_version_added_above_the_release_is_refused(checkout: Path) -> None:
    add_summary(checkout)
    module = checkout / "plugins" / "modules" / "veeam_task.py"
    module.write_text(
        module.read_text(encoding="utf-8").replace("version_added: 0.1.0", "version_added: 7.9.0"), encoding="utf-8"
    )
    git(checkout, "commit", "--quiet", "--all", "--message", "A module of the next release")
    refused = release(checkout, "7.8.9").stderr
    assert "version_added is above VERSION=7.8.9 in plugins/modules/veeam_task.py (7.9.0)" in refused
    assert git(checkout, "tag", "--list") == ""


@thorough
def test_a_bad_fragment_leaves_the_checkout_as_it_was(checkout: Path) -> None:
    add_summary(checkout)
    (checkout / "changelogs" / "fragments" / "bad.yml").write_text("---\nno_such_section:\n  - x\n", encoding="utf-8")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "A bad fragment")
    done = release(checkout, "7.8.9")
    assert done.returncode != 0
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "tag", "--list") == ""


def look(checkout: Path) -> tuple[str, str, str]:
    return git(checkout, "status", "--porcelain"), git(checkout, "rev-parse", "HEAD"), git(checkout, "tag", "--list")


def test_without_a_name_nothing_is_begun(checkout: Path) -> None:
    add_summary(checkout)
    (checkout.parent / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n", encoding="utf-8")
    before = look(checkout)
    done = release(checkout, "7.8.9")
    assert done.returncode != 0
    assert "user.email" in done.stderr
    assert look(checkout) == before


@thorough
def test_a_commit_that_fails_leaves_everything_as_it_was(checkout: Path) -> None:
    add_summary(checkout)
    hook = checkout / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    before = look(checkout)
    done = release(checkout, "7.8.9")
    assert done.returncode != 0
    assert "the checkout is as it was" in done.stderr
    assert look(checkout) == before


def test_ctrl_c_during_the_checks_leaves_everything_as_it_was(checkout: Path) -> None:
    add_summary(checkout)
    # The checks say that they have begun; Ctrl-C reaches them and the release at once, as it does in a terminal.
    checks = "import pathlib, sys, time\npathlib.Path('.build/begun').write_text(' '.join(sys.argv[1:]))\ntime.sleep(600)\n"
    (checkout / "dev" / "check.py").write_text(checks, encoding="utf-8")
    shutil.rmtree(checkout / "plugins")  # the changelog would describe each, which takes long
    git(checkout, "commit", "--quiet", "--all", "--message", "Slow checks")
    before = look(checkout)
    process = start_process(
        [sys.executable, checkout / "dev" / "release.py", "7.8.9"],
        cwd=checkout,
        env={**os.environ, "HOME": str(checkout.parent)},
        start_new_session=True,
    )
    begun = checkout / ".build" / "begun"
    wait_until("the beginning of the checks", lambda: process.poll() is not None or (begun.exists() and begun.read_text()))
    assert process.poll() is None, process.communicate()[0]
    assert look(checkout) != before, "the release had not begun"
    assert begun.read_text(encoding="utf-8") == "--thorough", "a release runs all checks"
    os.killpg(process.pid, signal.SIGINT)
    err, _nothing = process.communicate(timeout=SAFETY_NET)
    assert process.returncode != 0
    assert "the checkout is as it was" in err
    assert look(checkout) == before
