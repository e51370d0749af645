# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kit is what AWX accepts, and fits the playbooks."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS
from ansible_collections.vbem.rest.plugins.module_utils._em.runtime.module import create_connection_spec
from ansible_collections.vbem.rest.plugins.plugin_utils._lookup_options import read_plugin_options

from .controller import PLAYBOOK_LINE, PROJECT, ROOT, KitLoader, Unsafe, answer, find, inject, read_kit

EM = "Veeam Backup Enterprise Manager"
KIT = read_kit()
TEMPLATES = KIT["controller_templates"]
TYPES = KIT["controller_credential_types"]
SURVEYED = [each for each in [*TEMPLATES, *KIT["controller_workflows"]] if "survey_spec" in each]
MINIMUM = {"username": "u", "password": "a longer secret"}


def by_name(each: dict[str, Any]) -> str:
    return str(each["name"])


def read_options(role: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"])


@pytest.mark.parametrize("kind", TYPES, ids=by_name)
def test_credential_type_is_what_awx_accepts(kind: dict[str, Any]) -> None:
    inputs, injectors = kind["inputs"], kind["injectors"]
    ids = [each["id"] for each in inputs["fields"]]
    assert len(ids) == len(set(ids))
    assert "tower" not in ids
    assert set(inputs) <= {"fields", "required"}, "AWX takes no dependencies in types of one's own"
    assert set(inputs["required"]) <= set(ids)
    for each in inputs["fields"]:
        assert set(each) <= {"id", "type", "label", "help_text", "secret", "multiline", "default", "choices", "format"}
        assert each["type"] in ("string", "boolean")
        if each["type"] == "boolean":
            assert not {"choices", "multiline", "format", "secret"} & set(each)
            assert "default" not in each, "AWX takes an absent boolean for false, whatever the default says"
    assert set(injectors) <= {"env", "extra_vars", "file"}
    assert all(re.fullmatch(r"template\.[a-zA-Z_]\w*", label) for label in injectors.get("file", {}))
    names = dict.fromkeys(ids, "EXAMPLE")
    filename = {label.removeprefix("template."): "EXAMPLE" for label in injectors.get("file", {})}
    for kinds, templates in injectors.items():
        for name, text in templates.items():
            assert isinstance(text, Unsafe), f"{name} would be filled in while it is imported"
            ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(text).render(
                names | {"tower": {"filename": filename}}
            )
            assert kinds != "env" or (text.isascii() and re.fullmatch(r"[A-Z_]+", name) and not name.startswith("ANSIBLE_"))


def test_every_variable_is_an_option_and_the_password_is_secret() -> None:
    kind = find(KIT, "controller_credential_types", EM)
    variables = {option.env_var: option for option in CONNECTION_OPTIONS if option.env}
    assert set(kind["injectors"]["env"]) <= set(variables)
    secret = {each["id"] for each in kind["inputs"]["fields"] if each.get("secret")}
    for name, text in kind["injectors"]["env"].items():
        assert variables[name].secret == any(re.search(rf"\b{each}\b", text) for each in secret), name


def test_what_is_left_empty_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    kind = find(KIT, "controller_credential_types", EM)
    for inputs in (MINIMUM, {**MINIMUM, "hostname": "", "port": "", "ca_certificate": "", "skip_certificate_check": False}):
        injected = inject(kind, inputs, tmp_path, tmp_path)
        assert injected.env == {
            "VBEM_HOSTNAME": "",
            "VBEM_PORT": "",
            "VBEM_USERNAME": "u",
            "VBEM_PASSWORD": "a longer secret",
            "VBEM_VALIDATE_CERTS": "True",
            "VBEM_CA_PATH": "",
        }
    assert inject(kind, {**MINIMUM, "skip_certificate_check": True}, tmp_path, tmp_path).env["VBEM_VALIDATE_CERTS"] == "False"


@pytest.mark.parametrize("kind", TYPES, ids=by_name)
def test_awx_injects_every_variable_and_shows_no_secret(kind: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    secret = {each["id"] for each in kind["inputs"]["fields"] if each.get("secret")}
    inputs: dict[str, Any] = {each["id"]: f"the {each['id']}" for each in kind["inputs"]["fields"] if each["type"] == "string"}
    injected = inject(kind, inputs, tmp_path, tmp_path)
    assert set(injected.env) == set(injected.shown) == set(kind["injectors"].get("env", {})), (
        "AWX has a list of names it leaves out"
    )
    assert secret
    text = " ".join([*map(str, injected.shown.values()), *injected.arguments])
    assert not [name for name in secret if inputs[name] in text]
    given = [*map(str, injected.env.values()), *(path.read_text(encoding="utf-8") for path in injected.files)]
    assert not [name for name, value in inputs.items() if value not in " ".join(given)], "an input that is used for nothing"


def test_certificate_authority_becomes_a_file(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    kind = find(KIT, "controller_credential_types", EM)
    injected = inject(kind, {**MINIMUM, "ca_certificate": "PEM\n{{ no template }}"}, tmp_path, Path("/runner"))
    (path,) = injected.files
    assert injected.env["VBEM_CA_PATH"] == f"/runner/env/{path.name}"
    assert path.read_text(encoding="utf-8") == "PEM\n{{ no template }}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("option", [each for each in CONNECTION_OPTIONS if each.env], ids=lambda option: option.name)
def test_an_empty_variable_counts_as_not_given(option: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible.module_utils.basic import AnsibleFallbackNotFound

    read, (name,) = create_connection_spec()[option.name]["fallback"]
    monkeypatch.setenv(name, "something")
    assert read(name) == "something"
    monkeypatch.setenv(name, "")
    with pytest.raises(AnsibleFallbackNotFound):
        read(name)


def test_an_empty_variable_counts_as_not_given_to_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in CONNECTION_OPTIONS:
        monkeypatch.setenv(option.env_var, "")
    assert read_plugin_options((), {}, {}, None) == {each.name: each.default for each in CONNECTION_OPTIONS} | {"session": None}


@pytest.mark.parametrize("template", TEMPLATES, ids=by_name)
def test_job_template(template: dict[str, Any]) -> None:
    playbook = PROJECT / template["playbook"]
    assert PLAYBOOK_LINE.search(playbook.read_text(encoding="utf-8")), "AWX would not see that this is a playbook"
    assert template["inventory"] in map(by_name, KIT["controller_inventories"])
    assert template["project"] in map(by_name, KIT["controller_projects"])
    assert template["execution_environment"] in map(by_name, KIT["controller_execution_environments"])
    known = {KIT["veeam_awx_credential"], KIT["veeam_awx_ticket_credential"]}
    assert set(template.get("credentials", [])) <= known
    assert template.get("survey_enabled", False) == ("survey_spec" in template)


@pytest.mark.parametrize("template", SURVEYED, ids=by_name)
def test_survey_is_what_awx_accepts_and_asks_for_no_secret(template: dict[str, Any]) -> None:
    questions = template["survey_spec"]["spec"]
    assert questions
    assert set(template["survey_spec"]) == {"name", "description", "spec"}
    names = [each["variable"] for each in questions]
    assert len(names) == len(set(names))
    for each in questions:
        assert each["type"] in ("text", "textarea", "integer", "multiplechoice"), "no password: that is for credentials"
        assert not re.search(r"password|token|secret|session", each["variable"])
        assert isinstance(each["required"], bool)
        assert isinstance(each["question_name"], str)
        default = each.get("default")
        if each["type"] == "multiplechoice":
            assert all(isinstance(choice, str) for choice in each["choices"])
            assert default in each["choices"]
        else:
            assert isinstance(each["min"], int)
            assert isinstance(each["max"], int)
            assert default is None or isinstance(default, int if each["type"] == "integer" else str)


@pytest.mark.parametrize("template", [each for each in TEMPLATES if "survey_spec" in each], ids=by_name)
def test_survey_fits_the_playbook(template: dict[str, Any]) -> None:
    """Each question is about a variable that the play, or the role it runs, really takes; kinds and choices agree."""
    text = (PROJECT / template["playbook"]).read_text(encoding="utf-8")
    imported = re.search(r"import_playbook: vbem\.rest\.(\w+)", text)
    shipped = (ROOT / "playbooks" / f"{imported[1]}.yml").read_text(encoding="utf-8") if imported else ""
    found = re.search(r"^ +name: vbem\.rest\.(\w+)$", shipped, re.MULTILINE)
    role = found[1] if found else template["playbook"].removesuffix(".yml")
    options = read_options(role) if (ROOT / "roles" / role).is_dir() else {}
    for question in template["survey_spec"]["spec"]:
        name = question["variable"]
        assert name in options or re.search(rf"\b{name}\b", text + shipped), f"nobody takes {name}"
        if name in options:
            kind = options[name]["type"]
            kinds = {"str": ("text", "multiplechoice"), "int": ("integer",), "bool": ("multiplechoice",)}[kind]
            assert question["type"] in kinds
            assert question.get("choices") == (["true", "false"] if kind == "bool" else options[name].get("choices"))
    # What the shipped playbook cannot do without is asked for, or the project's play makes it of what is asked for.
    asked = {question["variable"] for question in template["survey_spec"]["spec"]}
    for name in re.findall(r"^    (\w+): (?:\"\{\{ undef|\[\])", shipped, re.MULTILINE):
        assert name in asked or re.search(rf"^    {name}: .*\b({'|'.join(asked)})\b", text, re.MULTILINE), name
    for name in (name for name, option in options.items() if option.get("required")):
        assert name in asked or re.search(rf"^    {name}: ", text, re.MULTILINE), name


NOT_FOR_JOB_TEMPLATES = {
    "cloud_tenants",  # its list holds passwords: it belongs into a vaulted file of one's own project, not into a survey
}


def test_every_shipped_playbook_has_a_job_template() -> None:
    played = "".join((PROJECT / each["playbook"]).read_text(encoding="utf-8") for each in TEMPLATES)
    missing = {path.stem for path in (ROOT / "playbooks").glob("*.yml") if f"vbem.rest.{path.stem}\n" not in played}
    assert missing == NOT_FOR_JOB_TEMPLATES
    assert {path.name for path in PROJECT.glob("*.yml")} == {each["playbook"] for each in TEMPLATES}


@pytest.mark.parametrize(
    ("name", "variable", "folder"),
    [
        ("Guarded change", "guarded_change_name", "changes"),
        ("Guarded change of a machine", "guarded_vm_change_file", "changes"),
        ("Restore test", "restore_test_file", "checks"),
    ],
)
def test_files_that_can_be_chosen_exist(name: str, variable: str, folder: str) -> None:
    questions = find(KIT, "controller_templates", name)["survey_spec"]["spec"]
    (question,) = [each for each in questions if each["variable"] == variable]
    stems = sorted(path.stem for path in (PROJECT / folder).glob("*.yml"))
    assert question["choices"] == [stem for stem in stems if not stem.endswith("_cleanup")]


def test_no_question_sets_an_internal_variable_of_a_role() -> None:
    """The answers of a survey are extra variables, which override any other."""
    asked = {each["variable"] for template in TEMPLATES for each in template.get("survey_spec", {}).get("spec", ())}
    internal = [path.read_text(encoding="utf-8") for path in (ROOT / "roles").glob("*/vars/main.yml")]
    assert asked & {name for text in internal for name in yaml.safe_load(text)} == set()
    assert asked
    assert internal


@pytest.mark.parametrize("workflow", KIT["controller_workflows"], ids=by_name)
def test_workflow(workflow: dict[str, Any]) -> None:
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    assert len(nodes) == len(workflow["simplified_workflow_nodes"])
    followers = [name for node in nodes.values() for key in node if key.endswith("_nodes") for name in node[key]]
    assert set(followers) == set(nodes) - {next(iter(nodes))}, "every node but the first is reached"
    used = [
        find(KIT, "controller_templates", node["unified_job_template"])
        for node in nodes.values()
        if "approval_node" not in node
    ]
    answers = {question["variable"]: "SQL Backup" for question in workflow["survey_spec"]["spec"]}
    for template in used:  # what is not asked for by the workflow has a default
        mine = {each["variable"] for each in template.get("survey_spec", {}).get("spec", [])}
        answer(template, {name: value for name, value in answers.items() if name in mine})
    asked = {each["variable"] for template in used for each in template.get("survey_spec", {}).get("spec", [])}
    assert set(answers) <= asked


@pytest.mark.parametrize("schedule", KIT["controller_schedules"], ids=by_name)
def test_schedule(schedule: dict[str, Any]) -> None:
    answer(find(KIT, "controller_templates", schedule["unified_job_template"]), schedule["extra_data"])
    rule = r"DTSTART;TZID=[\w/]+:\d{8}T\d{6} RRULE:FREQ=(MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY);INTERVAL=\d+(;BYDAY=[A-Z,]+)?"
    assert re.fullmatch(rule, schedule["rrule"])


def test_nothing_is_said_twice_and_all_is_read() -> None:
    for path in (ROOT / "extensions" / "awx" / "configuration").glob("*.yml"):
        assert isinstance(yaml.load(path.read_text(encoding="utf-8"), Loader=KitLoader), dict)
    for kind in (key for key in KIT if key.startswith("controller_")):
        names = [each["name"] for each in KIT[kind]]
        assert len(names) == len(set(names))


def test_the_import_uses_options_that_awx_awx_has() -> None:
    modules = yaml.safe_load((Path(__file__).parent / "awx_modules.yml").read_text(encoding="utf-8"))
    (play,) = yaml.safe_load((ROOT / "extensions" / "awx" / "templates" / "import.yml").read_text(encoding="utf-8"))
    used = set()
    for task in play["tasks"]:
        for name in task.keys() & {f"awx.awx.{module}" for module in modules}:
            used.add(name.rpartition(".")[2])
            assert set(task[name]) <= set(modules[name.rpartition(".")[2]]), task["name"]
    assert used == set(modules)


def test_the_import_leaves_nothing_of_the_kit_out() -> None:
    (play,) = yaml.safe_load((ROOT / "extensions" / "awx" / "templates" / "import.yml").read_text(encoding="utf-8"))
    for kind, entries in KIT.items():
        if not kind.startswith("controller_"):
            continue
        tasks = [str(task) for task in play["tasks"] if kind in str(task.get("loop"))]
        keys = {key for entry in entries for key in entry}
        assert tasks, kind
        missing = [key for key in keys if not any(f"item.{key}" in task or f"item.0.{key}" in task for task in tasks)]
        assert [key for key in missing if key != "simplified_workflow_nodes"] == []
