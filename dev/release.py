# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make release VERSION=1.2.3``: version, changelog, checks, commit, tag, artifact. Publishes nothing.

Stops with a sentence before anything is changed where something is amiss; puts everything back if anything fails, Ctrl-C
included.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from build_tree import BIN, ROOT, build_trees, run, show

GALAXY = ROOT / "galaxy.yml"
# These may lead git to another checkout, as they do within a hook.
OTHER_CHECKOUT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
FRAGMENTS = ROOT / "changelogs" / "fragments"


def ask_git(*arguments: str) -> str:
    """Return what git says, with the settings of who calls it (their name, their way of signing), of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in OTHER_CHECKOUT}
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"git {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout.strip()


def read_version(text: str) -> tuple[int, ...]:
    """Read a version of three numbers."""
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
        sys.exit(f"VERSION={text!r} is no version: give three numbers, such as 1.2.3.")
    return tuple(map(int, text.split(".")))


def look(version: str) -> None:
    """Stop if a release cannot be made now."""
    number = read_version(version)
    if ask_git("status", "--porcelain"):
        sys.exit("There are changes that are not committed: commit them, or put them aside.")
    ask_git("var", "GIT_COMMITTER_IDENT")  # a commit without a name would fail, after minutes of checks
    if ask_git("branch", "--show-current") != "main":
        sys.exit("Releases are made on the branch main.")
    released = [read_version(tag) for tag in ask_git("tag", "--list").split() if re.fullmatch(r"\d+\.\d+\.\d+", tag)]
    if released and number <= max(released):
        sys.exit(f"VERSION={version} is not above the latest release, {'.'.join(map(str, max(released)))}.")
    if not any("release_summary:" in path.read_text(encoding="utf-8") for path in FRAGMENTS.glob("*.yml")):
        sys.exit("No fragment has a release_summary: say in changelogs/fragments/ what this release is about.")
    late = [f"{path.relative_to(ROOT)} ({added})" for path, added in iter_versions_added() if read_version(added) > number]
    if late:
        sys.exit(f"version_added is above VERSION={version} in {', '.join(late)}: give a higher version, or correct it.")


def iter_versions_added() -> Iterator[tuple[Path, str]]:
    """Yield each version_added of plugins, roles and extensions, with its file."""
    for folder in ("plugins", "roles", "extensions"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".yml", ".yaml"):
                for added in re.findall(r"version_added: *['\"]?([\d.]+)", path.read_text(encoding="utf-8")):
                    yield path, added


def put_back(head: str, version: str) -> None:
    """Restore everything as it was, for nothing was uncommitted."""
    if ask_git("tag", "--list", version):
        ask_git("tag", "--delete", version)
    ask_git("reset", "--quiet", "--hard", head)
    ask_git("clean", "--quiet", "--force", "changelogs", "CHANGELOG.md")


def release(version: str, *, is_checked: bool) -> Path:
    """Make version, changelog, checks, commit, tag and artifact; leave by an exception if anything fails."""
    text = GALAXY.read_text(encoding="utf-8")
    GALAXY.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", text), encoding="utf-8")
    today = datetime.now(timezone.utc).date().isoformat()
    run(BIN / "antsibull-changelog", "release", "--version", version, "--date", today)
    if is_checked:
        done = subprocess.run([BIN / "python", ROOT / "dev" / "check.py", "--thorough"], check=False)
        if done.returncode:
            sys.exit("A check failed.")
    ask_git("add", "--all")
    ask_git("commit", "--quiet", "--message", f"Release {version}")
    ask_git("tag", "--annotate", version, "--message", version)
    return build_trees()


def main() -> int:
    """Make the release."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version")
    parser.add_argument("--unchecked", action="store_true", help="leave the checks out, which take long")
    options = parser.parse_args()
    look(options.version)
    head = ask_git("rev-parse", "HEAD")
    try:
        artifact = release(options.version, is_checked=not options.unchecked)
    except BaseException:  # Ctrl-C, too
        put_back(head, options.version)
        print("Nothing was released, and the checkout is as it was.", file=sys.stderr)
        raise
    print(f"Committed and tagged {options.version}; the artifact is {show(artifact)}. To publish it:")
    print(f"  git push --follow-tags && ansible-galaxy collection publish {show(artifact)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
