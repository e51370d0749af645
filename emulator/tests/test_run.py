# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file ``run``, which pipelines of others start, with a Python that only pretends to make environments."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parents[1] / "run"

# "-m venv" makes an environment, the Python of which installs nothing and tells what it was started with.
PYTHON = f"""#!/bin/sh
test "$1 $2" = "-m venv" || exec {sys.executable} "$@"
mkdir -p "$3/bin"
cat >"$3/bin/python" <<'END'
#!/bin/sh
case "$1" in
-c) exit 0 ;;
-m) sleep "${{SLOW:-0}}"; exit "${{PIP_STATUS:-0}}" ;;
*) echo "ran $0" ;;
esac
END
chmod +x "$3/bin/python"
"""


class Site:
    """A folder for the cache of a pipeline, and a Python before all others."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "the cache"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3.13").write_text(PYTHON, encoding="utf-8")
        (self.bin / "python3.13").chmod(0o755)

    def start(self, **more: str) -> subprocess.Popen[str]:
        """Start the emulator, or what stands in for it."""
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "VBEM_EMULATOR_VENV": str(self.cache), **more}
        return subprocess.Popen([str(RUN)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, **more: str) -> tuple[int, str]:
        """Return the exit status, and what was printed."""
        process = self.start(**more)
        out, err = process.communicate(timeout=300)
        return process.returncode, out + err

    @property
    def made(self) -> list[str]:
        """What there is in the cache now."""
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_folder_of_a_pipeline_is_left_alone(site: Site) -> None:
    (site.cache / "bin").mkdir(parents=True)
    for name in ("wheel.whl", "pyvenv.cfg", "bin/python"):
        (site.cache / name).write_text("theirs", encoding="utf-8")
    for _again in range(2):
        status, said = site.run()
        assert status == 0, said
        assert f"ran {site.cache}/venv-" in said
        assert (site.cache / "bin" / "python").read_text(encoding="utf-8") == "theirs"
        assert len(site.made) == 4
    assert "setting up" not in said


def test_what_is_not_whole_is_not_left_behind(site: Site) -> None:
    status, _said = site.run(PIP_STATUS="1")
    assert status != 0
    assert site.made == []
    assert site.run()[0] == 0


def test_two_at_once_do_each_other_no_harm(site: Site) -> None:
    both = [site.start(SLOW=seconds) for seconds in ("0.5", "1")]
    for process in both:
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out[:4]) == (0, "ran "), err
    assert len(site.made) == 1


def test_an_environment_whose_python_is_gone_is_made_anew(site: Site) -> None:
    site.run()
    (environment,) = site.cache.iterdir()
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/no/such/python")
    assert site.run()[0] == 0
    assert site.made == [environment.name]


def test_no_home_is_needed(site: Site) -> None:
    """As cron and containers have it: without HOME the one of the user's account counts."""
    (site.bin / "mkdir").write_text('#!/bin/sh\necho "mkdir $*" >&2; exit 1\n', encoding="utf-8")
    (site.bin / "mkdir").chmod(0o755)
    environment = {"PATH": f"{site.bin}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(RUN), "--help"], env=environment, capture_output=True, text=True, check=False)
    assert "unbound" not in done.stderr
    home = pwd.getpwuid(os.getuid()).pw_dir
    if done.returncode:  # else the environment is there already
        assert f"mkdir -p {home}/.cache/vbem-emulator" in done.stderr
        assert "set VBEM_EMULATOR_VENV to a folder that can be written" in done.stderr
