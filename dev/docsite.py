# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site into ``.build/site/html``; any warning is a failure.

antsibull-docs makes the pages of plugins and roles and takes the guides; Sphinx makes the site of them. Nothing is asked for
over the network.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from build_tree import BIN, BUILD, ROOT, SOURCE, build_trees, run, show

SITE = BUILD / "site"
EVERYBODY = "All modules of vbem.rest and its event source take these variables too, on the machine that they run on.\n\n"
LOOKS = Path(__file__).with_name("docsite")  # conf.py, what is static, and the first page
KINDS = ("role", "lookup", "filter")  # of plugins, in the order of the site


def build(site: Path, paths: Path) -> Path:
    """Build the site of the collection in a tree of collections; return its first page."""
    shutil.rmtree(site, ignore_errors=True)
    rst = site / "rst"
    rst.mkdir(parents=True, mode=0o755)
    shutil.copytree(LOOKS / "_static", site / "_static")
    shutil.copy2(LOOKS / "conf.py", site / "conf.py")
    run(
        *(BIN / "antsibull-docs", "--config-file", LOOKS / "antsibull-docs.cfg", "collection", "--use-current"),
        *("--squash-hierarchy", "--fail-on-error", "--dest-dir", rst, "vbem.rest"),
        cwd=site,
        ANSIBLE_COLLECTIONS_PATH=str(paths),
    )
    prepare(rst)
    print(
        run(
            BIN / "sphinx-build",
            "-b",
            "html",
            "-W",
            "--keep-going",
            "-q",
            "-c",
            site,
            rst,
            site / "html",
            cwd=site,
            ANSIBLE_COLLECTIONS_PATH=str(paths),
        ),
        end="",
    )
    return site / "html" / "index.html"


def prepare(rst: Path) -> None:
    """Put our first page in place of the list of plugins, and leave tables of contents to the theme."""
    contents = "\n".join(_list_contents(rst))
    (rst / "index.rst").write_text(f"{(LOOKS / 'index.rst').read_text(encoding='utf-8')}\n{contents}\n", encoding="utf-8")
    index = rst / "environment_variables.rst"  # made of the lookup's documentation, the only one that Ansible reads them for
    title, line, rest = index.read_text(encoding="utf-8").partition("\n=====")
    rest, end, others = rest.partition("\n\n")
    index.write_text(title + line + rest + end + EVERYBODY + others, encoding="utf-8")
    for path in rst.rglob("*.rst"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^\.\. contents::.*\n(?: +:.*\n)*", "", text), encoding="utf-8")


def _list_contents(rst: Path) -> Iterator[str]:
    """Yield the tables of contents: the guides as extra-docs.yml has them, then every module, role and plugin."""
    guides = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))
    for section in guides["sections"]:
        yield from _print_toctree(section["title"], [f"docsite/{name}" for name in section["toctree"]])
    yield from _print_toctree("Modules", [f"{name} <{name}_module>" for name in _list_pages(rst, "module")])
    others = []
    for kind in KINDS:
        others += [f"{name}{'' if kind == 'role' else f' {kind}'} <{name}_{kind}>" for name in _list_pages(rst, kind)]
    yield from _print_toctree("Roles and other plugins", [*others, "environment_variables"])


def _list_pages(rst: Path, kind: str) -> list[str]:
    """Return the names of the plugins of a kind, as their pages have them."""
    return sorted(path.stem.removesuffix(f"_{kind}") for path in rst.glob(f"*_{kind}.rst"))


def _print_toctree(caption: str, entries: list[str]) -> list[str]:
    """Return the lines of a table of contents."""
    return [".. toctree::", f"   :caption: {caption}", "   :maxdepth: 1", "", *(f"   {entry}" for entry in entries), ""]


if __name__ == "__main__":
    if sys.argv[1:] == ["--staged"]:
        build(SITE, SOURCE)
    else:
        build_trees()
        print(f"The site is {show(build(SITE, SOURCE))}")
