# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact holds what users need and nothing else, and versions agree wherever they are said."""

from __future__ import annotations

import ast
import re
import subprocess
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.places import ROOT

PLUGIN_KINDS = {"action", "doc_fragments", "filter", "lookup", "module_utils", "modules", "plugin_utils"}
TOP = {
    *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *(
        "SECURITY.md",
        "bindep.txt",
        "changelogs",
        "docs",
        "extensions",
        "meta",
        "playbooks",
        "plugins",
        "requirements.txt",
        "roles",
        "tests",
    ),
}


def read_yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the names of the files of an artifact that is built here and now."""
    folder = tmp_path_factory.mktemp("artifact")
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as artifact:
        return [member.name for member in artifact.getmembers() if member.isfile()]


def test_nothing_of_the_workshop_is_shipped(names: list[str]) -> None:
    assert {name.partition("/")[0] for name in names} <= TOP
    for name in names:
        # The one exception tells ansible-test, and so Automation Hub, for which Pythons the code is.
        if name != "tests/config.yml":
            assert not re.search(r"(^|/)(tests?|fragments|__pycache__|\.[^/]*)(/|$)", name), name
    kinds = {name.split("/")[1] for name in names if name.startswith("plugins/")}
    assert kinds <= PLUGIN_KINDS


def test_what_users_need_is_shipped(names: list[str]) -> None:
    for wanted in (
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "SECURITY.md",
        "meta/runtime.yml",
        "meta/execution-environment.yml",
        "meta/extensions.yml",
        "requirements.txt",
        "bindep.txt",
        "tests/config.yml",
        "plugins/modules/veeam_task.py",
        "plugins/module_utils/_em/client/transport.py",
        "docs/docsite/rst/guide_start.rst",
        "docs/wire_facts.md",
    ):
        assert wanted in names
    for role in (ROOT / "roles").iterdir():
        assert f"roles/{role.name}/meta/argument_specs.yml" in names


def test_every_cited_section_of_the_wire_facts_is_there() -> None:
    sections = re.findall(r"(?m)^###? ([\d.]+)", (ROOT / "docs" / "wire_facts.md").read_text(encoding="utf-8"))
    sections = [section.rstrip(".") for section in sections]
    cited = set()
    for folder in ("plugins", "extensions", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for numbers in re.findall(
                r"wire.facts,? (?:sections? )?((?:[\d.]+(?:, | and )?)+)", path.read_text(encoding="utf-8")
            ):
                cited |= {number.rstrip(".") for number in re.findall(r"[\d.]+", numbers)}
    assert {"1.2", "3.2", "7", "8"} <= cited <= set(sections)


def test_every_kind_of_extension_that_galaxy_can_list_is_named() -> None:
    named = {entry["args"]["ext_dir"] for entry in read_yaml("meta/extensions.yml")["extensions"]}
    assert named == {f"eda/plugins/{path.name}" for path in (ROOT / "extensions/eda/plugins").iterdir() if path.is_dir()}


def iter_versions_added() -> Iterator[tuple[str, str]]:
    for folder in ("plugins", "roles", "extensions"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".yml", ".yaml"):
                for found in re.findall(r"version_added: *['\"]?([\d.]+)", path.read_text(encoding="utf-8")):
                    yield str(path.relative_to(ROOT)), found


def test_no_version_added_is_beyond_the_next_release() -> None:
    major, minor, patch = map(int, read_yaml("galaxy.yml")["version"].split("."))
    coming = {(major + 1, 0, 0), (major, minor + 1, 0), (major, minor, patch + 1)}  # `make release` knows which
    found = list(iter_versions_added())
    assert found
    for path, added in found:
        number = tuple(map(int, added.split(".")))
        assert number <= (major, minor, patch) or number in coming, f"{path}: {added}"


def test_a_released_version_is_the_one_of_galaxy_yml() -> None:
    path = ROOT / "changelogs" / "changelog.yaml"
    releases = yaml.safe_load(path.read_text(encoding="utf-8"))["releases"] if path.exists() else {}
    if not releases:
        assert "Nothing is released yet" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
        return
    latest = max(releases, key=lambda version: tuple(map(int, version.split("."))))
    assert read_yaml("galaxy.yml")["version"] == latest


def test_floors_agree_wherever_they_are_said() -> None:
    wanted = dict(re.findall(r"(?m)^(\w+) *>= *([\d.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8")))
    assert set(wanted) == {"requests", "xmltodict"}
    tree = ast.parse((ROOT / "plugins/module_utils/_em/libraries.py").read_text(encoding="utf-8"))
    floors = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "MINIMUM_VERSIONS"
    )
    assert floors == wanted
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for library, floor in wanted.items():
        assert f"{library} {floor}" in readme
    needed = read_yaml("meta/runtime.yml")["requires_ansible"]
    assert needed == ">=2.16.0"
    assert "ansible-core 2.16 or newer" in readme


def test_every_module_is_in_the_action_group() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert sorted(read_yaml("meta/runtime.yml")["action_groups"]["em"]) == modules


def test_every_module_has_what_goes_with_it() -> None:
    targets = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/integration/targets").rglob("*.yml"))
    for name in read_yaml("meta/runtime.yml")["action_groups"]["em"]:
        action = ROOT / "plugins" / "action" / f"{name}.py"
        assert action.exists(), f"{name} has no action plugin."
        assert f"    module = {name}\n" in action.read_text(encoding="utf-8"), f"{action.name} runs another module."
        assert f"vbem.rest.{name}:" in targets, f"No integration target uses {name}."


def test_the_readme_names_every_module_and_role() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = read_yaml("meta/runtime.yml")["action_groups"]["em"] + [path.name for path in (ROOT / "roles").iterdir()]
    assert not [name for name in names if f"`{name}`" not in readme]


def test_every_guide_is_listed() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    index = (ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8")
    for guide in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"):
        assert f"- {guide.stem}\n" in index, guide.name
        assert f"/{guide.name})" in readme, f"{guide.name} is not in the README."


def test_links_of_the_readme_are_whole_and_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert link.startswith("https://"), link
        found = re.fullmatch(r"https://\S+/ansible-collection-rest/(?:blob/)?main/([^#]+)(?:#.*)?", link)
        assert not found or (ROOT / found[1]).exists(), link


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/checklists.md"])
def test_the_tests_that_documents_name_are_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w*\.py)`", text))
    assert named
    assert not [path for path in sorted(named) if not (ROOT / "tests" / path).exists() and not (ROOT / path).exists()]
    functions = set(re.findall(r"`(test_\w+)`", text))
    written = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [function for function in sorted(functions) if f"def {function}(" not in written]
