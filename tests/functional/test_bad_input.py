# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input fails before any request, with a sentence that names the option and the cure, and shows no secret.

Modules run through AnsibleModule here, as Ansible runs them, but within this process.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from support.secrets import SecretScanner

from ansible_collections.vbem.rest.plugins.module_utils._em.options import CONNECTION_OPTIONS
from ansible_collections.vbem.rest.plugins.modules import veeam_job, veeam_query_info, veeam_task, veeam_task_info
from emulator import Emulator

CASES: list[tuple[Any, dict[str, Any], str]] = [
    (veeam_task, {"state": "absent"}, "task_id, task_state, operation, success and filter"),
    (veeam_task, {"state": "finished"}, "task_id, task_state, operation, success and filter"),
    (veeam_task, {"state": "gone", "task_id": "task-1"}, "state*absent, finished"),
    (veeam_task, {"state": "absent", "task_state": "Done"}, "task_state*Running, OperationFinished, Finished"),
    (veeam_task, {"state": "absent", "filter": "State=Finished"}, "filter*position 6"),
    (veeam_task, {"state": "absent", "filter": "State==Finished;"}, "filter*position 17"),
    (veeam_task, {"state": "absent", "filter": ""}, "filter"),
    (veeam_task, {"state": "absent", "task_id": [""]}, "task_id"),
    (veeam_task, {"state": "absent", "task_id": "task-1", "max_delete": -1}, "max_delete*-1"),
    (veeam_task, {"state": "finished", "task_id": "task-1", "wait_timeout": -1}, "wait_timeout*-1"),
    (veeam_task, {"state": "finished", "task_id": "task-1", "poll_interval": 0}, "poll_interval*0"),
    (veeam_task, {"state": "absent", "task_id": "task-1", "force": "perhaps"}, "force"),
    (veeam_task_info, {"limit": -1}, "limit*-1"),
    (veeam_task_info, {"limit": 0}, "limit*0"),
    (veeam_task_info, {"limit": "many"}, "limit"),
    (veeam_task_info, {"page_size": 0}, "page_size*0"),
    (veeam_task_info, {"port": 0}, "port*0*65535"),
    (veeam_task_info, {"port": "nine"}, "port*VBEM_PORT"),
    (veeam_task_info, {"hostname": "https://em.example.com:9398/api"}, "hostname: em.example.com, and port: 9398"),
    (veeam_task_info, {"hostname": "em.example.com:9398"}, "hostname: em.example.com and port: 9398"),
    (veeam_task_info, {"ca_path": f"{__file__}.pem"}, "ca_path*test_bad_input.py.pem*No such file"),
    (veeam_task_info, {"ca_path": __file__}, "ca_path*PEM"),
    (veeam_task_info, {"api_version": "seven"}, "api_version*v1_7"),
    (veeam_task_info, {"response_format": "yaml"}, "response_format*auto, xml, json"),
    (veeam_task_info, {"timeout": 0}, "timeout*0"),
    (veeam_task_info, {"retries": -1}, "retries*-1"),
    (veeam_task_info, {"username": "a:b"}, "username*a:b"),
    (veeam_task_info, {"username": "VBEM\backup"}, "username*'VBEM\\x08ackup'*single quotes"),
    (veeam_task_info, {"hostname": ""}, "hostname not given"),
    (veeam_task_info, {"sort_by": "date"}, "sort_by*task_id, state, operation"),
    (veeam_task_info, {"task_name": "x"}, "task_name"),
    (veeam_task_info, {"hostname": None, "username": None, "password": None, "port": None}, "VBEM_HOSTNAME*session"),
    (
        veeam_task_info,
        {"session": {"changed": True, "session": {"id": "secret-id-1", "token": "secret-token-1"}}},
        "em.session",
    ),
    (veeam_task_info, {"session": {"hostname": "localhost", "id": "secret-id-1"}}, "em.session"),
    (veeam_task_info, {"session": "secret-token-1"}, "em.session"),
    (veeam_job, {"state": "started"}, "name and uid"),
    (veeam_job, {"name": "a", "uid": "b", "state": "started"}, "name and uid"),
    (veeam_job, {"name": "a"}, "state, schedule_enabled"),
    (veeam_job, {"name": " ", "state": "started"}, "name"),
    (veeam_job, {"uid": "nonsense", "state": "started"}, "uid*urn:veeam:Job:"),
    (veeam_job, {"name": "a", "state": "running"}, "state*started, stopped, retried"),
    (veeam_job, {"name": "a", "state": "started", "wait_timeout": -5}, "wait_timeout*-5"),
    (veeam_job, {"name": "a", "state": "started", "kind": "vm"}, "kind*job, agent, nas"),
    (veeam_query_info, {"type": "BackupSession"}, "BackupJobSession"),
    (veeam_query_info, {"type": "Job", "sort_by": "Nmae"}, "Name"),
    (veeam_query_info, {"type": "Job", "filter": "Name=x"}, "=="),
    (veeam_query_info, {"type": "Job", "where": [{"field": "Platfrom", "value": "VMware"}]}, "Platform"),
    (veeam_query_info, {"type": "Job", "where": [{"field": "Platform", "value": "VMwar"}]}, "VMware"),
    (veeam_query_info, {"type": "Job", "where": [{"field": "NextRun", "value": "soon"}]}, "ISO 8601"),
    (veeam_query_info, {"type": "Repository", "where": [{"field": "Capacity", "value": "big"}]}, "number"),
    (veeam_query_info, {"type": "Job", "where": []}, "where*leave it out"),
    (veeam_query_info, {"type": "Job", "where": ["Name"]}, "where takes a list of conditions"),
    (veeam_query_info, {"type": "Job", "limit": 0}, "limit"),
    (veeam_query_info, {"type": "Job", "page_size": 0}, "page_size"),
]


def run_main(module: Any, params: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run a module as Ansible does and return what it printed."""
    capsys.readouterr()
    with patch_module_args(params), pytest.raises(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in CONNECTION_OPTIONS:
        monkeypatch.delenv(option.env_var, raising=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return one emulator for all cases: none of them sends it anything."""
    with Emulator(directory=tmp_path_factory.mktemp("em")) as emulator:
        yield emulator


@pytest.mark.parametrize(
    ("module", "given", "words"),
    CASES,
    ids=[f"{module.__name__.rpartition('.')[2]} {given}"[:90] for module, given, _words in CASES],
)
def test_bad_input_is_explained(
    shared: Emulator, module: Any, given: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {
        "hostname": shared.hostname,
        "port": shared.port,
        "username": shared.admin.username,
        "password": shared.admin.password,
        "ca_path": str(shared.ca_path),
    }
    params = {name: value for name, value in {**connection, **given}.items() if value is not None}
    result = run_main(module, params, capsys)
    assert result["failed"]
    is_filter = "filter" in given and given["filter"] is not None
    assert result["error"]["kind"] == ("invalid_filter" if is_filter else "invalid_option")
    place = 0
    for part in words.split("*"):
        place = result["msg"].find(part, place)
        assert place >= 0, f"{part!r} is not in {result['msg']!r}"
    assert "Traceback" not in json.dumps(result)
    SecretScanner({"password": shared.admin.password, "id": "secret-id-1", "token": "secret-token-1"}).check(json.dumps(result))
    assert shared.log == []
