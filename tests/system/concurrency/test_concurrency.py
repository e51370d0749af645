# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many servers at once, one session for many hosts at once, and a soak that notices what is left behind."""

from __future__ import annotations

import base64
import gc
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.emulators import FAST_SWITCHES, create_variables
from support.playbooks import LOCAL
from support.tiers import thorough

from ansible_collections.vbem.rest.plugins.module_utils._em.client.transport import Transport
from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.modules import veeam_task, veeam_task_info
from emulator import Emulator, Switches

from .inprocess import Server, create_options, log_on, open_client, run_module, run_with
from .resource_counters import Sample, judge, settle
from .servers import NumberedServer, run_play, start_servers, write_inventory
from .shared_session import RACE_TASKS, RACES, SWITCHES, share
from .soak import soak

SERVERS = 20
SHARERS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return an emulator that is a process of its own, for one test after the other."""
    with Server(tmp_path_factory.mktemp("server")) as made:
        yield made


@thorough
def test_many_servers_at_once(tmp_path: Path) -> None:
    with start_servers(SERVERS, tmp_path) as servers:
        authorities = {Path(em.ca_path).read_bytes() for em in servers}
        assert len(authorities) == len({em.port for em in servers}) == len({em.admin.password for em in servers}) == SERVERS
        inventory = write_inventory(tmp_path, "enterprise_managers", {em.name: em.variables for em in servers}, {})
        results = run_play("many_servers.yml", inventory, tmp_path, forks=SERVERS, servers=servers)
        seen: Counter[str] = Counter()
        for em in servers:
            check_traffic(em)
            check_results(em, results)
            seen.update({entry.session_id for entry in em.log if entry.session_id})
        assert len(seen) == SERVERS
        assert set(seen.values()) == {1}, "a session was seen by more than one server"


def check_traffic(em: NumberedServer) -> None:
    """Assert that a server got its own credentials, tokens and requests, nobody else's, and that nothing is left."""
    log = em.log
    assert {entry.status for entry in log} <= {200, 201, 202, 204}, f"{em.name} refused something"
    assert {entry.header("Authorization") for entry in log} - {None} == {em.credentials}
    logons = em.requests("POST", "/sessionMngr/")
    assert len(logons) == 1
    session_id = logons[0].session_id
    assert session_id
    token = base64.b64encode(session_id.encode()).decode()
    assert {entry.header("X-RestSvcSessionId") for entry in log if entry not in logons} == {token}
    logoffs = em.requests("DELETE", "/api/logonSessions/")
    assert [entry.path for entry in logoffs] == [f"/api/logonSessions/{session_id}"]
    assert log[-1] is logoffs[0]
    assert em.sessions == []
    assert em.standing_session_alive
    assert [entry.path for entry in em.requests("POST", r"action=start")] == [f"/api/jobs/{em.world.job(em.job).id}"]
    removals = em.requests("DELETE", "/api/tasks/")
    assert [(entry.path, entry.status) for entry in removals] == [(f"/api/tasks/{em.first_task}", 204)]


def check_results(em: NumberedServer, results: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Assert that a host got the results of its own server."""
    started = results[em.name, "Start the job of this server"]
    assert (started["job"]["name"], started["task"]["task_id"]) == (em.job, em.first_task)
    for name in ("Wait", "List", "Remove"):
        (task,) = results[em.name, name]["tasks"]
        assert task["task_id"] == em.first_task
        assert task["href"] == f"{em.base_url}/api/tasks/{em.first_task}"
        assert (task["state"], task["success"]) == ("Finished", True)
        assert em.job in task["message"]
    removed = results[em.name, "Remove"]
    assert (removed["deleted"], removed["kept"], removed["errors"]) == ([em.first_task], [], [])


@thorough
@pytest.mark.parametrize("strategy", ["free", "linear"])
def test_hosts_share_a_session(tmp_path: Path, strategy: str) -> None:
    with Emulator(Switches(**FAST_SWITCHES), directory=tmp_path / "em") as em:
        hosts = {f"host{number}": {**LOCAL, "em_job": f"Job of host{number}"} for number in range(SHARERS)}
        for variables in hosts.values():
            em.world.add_job(variables["em_job"])
        # Slow enough for each removal to meet those of others.
        em.fault("slow", method="DELETE", path="^/api/tasks/", delay=0.4, times=None)
        inventory = write_inventory(tmp_path, "sharers", hosts, create_variables(em))
        results = run_play("shared_session.yml", inventory, tmp_path, forks=SHARERS, servers=[em], ANSIBLE_STRATEGY=strategy)

        common = results["localhost", "Have tasks made that all hosts will remove"]["json"]["task_ids"]
        own = {host: results[host, "Start the job of this host"]["task"]["task_id"] for host in hosts}
        assert len({*own.values(), *common}) == SHARERS + len(common)
        deleted: Counter[str] = Counter()
        for host, variables in hosts.items():
            assert results[host, "Start the job of this host"]["job"]["name"] == variables["em_job"]
            assert own[host] in [task["task_id"] for task in results[host, "List"]["tasks"]]
            (awaited,) = results[host, "Wait for the own task"]["tasks"]
            assert (awaited["task_id"], awaited["success"]) == (own[host], True)
            assert variables["em_job"] in awaited["message"]
            removed = results[host, "Remove the own task, and what all remove"]
            assert (removed["kept"], removed["errors"]) == ([], [])
            assert own[host] in removed["deleted"]
            assert set(removed["deleted"]) <= {own[host], *common}
            deleted.update(removed["deleted"])
        assert deleted == Counter([*own.values(), *common]), "each task was removed by one host"
        check_removals(em, deleted)

        assert results["localhost", "See that nothing is left"]["tasks"] == []
        assert len(em.requests("POST", "/sessionMngr/")) == 1
        assert em.log[-1] in em.requests("DELETE", "/api/logonSessions/")
        assert len(em.requests("DELETE", "/api/logonSessions/")) == 1
        assert len({entry.header("X-RestSvcSessionId") for entry in em.log} - {None}) == 1
        assert em.sessions == []
        assert em.standing_session_alive


def check_removals(em: Emulator, deleted: Counter[str]) -> None:
    """Assert that the server removed each task once, and that hosts got in each other's way."""
    removals = em.requests("DELETE", "^/api/tasks/")
    done = Counter(entry.path.rpartition("/")[2] for entry in removals if entry.status == 204)
    assert done == deleted
    assert {entry.status for entry in removals} == {204, 500}, "no two hosts removed the same task at once"


@thorough
@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({}, id="as it is"),
        # Each list has several pages, and while they are read others add and remove tasks.
        pytest.param({"version": 12, "task_filter": "ignored", "max_page_size": 7}, id="unfiltered and paged"),
    ],
)
def test_workers_share_a_session(server: Server, switches: dict[str, Any]) -> None:
    server.ask("POST", "/reset", {**SWITCHES, **switches})
    counts, wrong = share(server, SHARERS, 300, seed=5)
    assert wrong == []
    assert counts["tasks removed"] > RACES * RACE_TASKS
    assert counts["removals of what was gone already"] > 0, "no two workers removed the same task at once"


@pytest.mark.parametrize("way", ["list", "wait", "remove"])
def test_a_list_that_moves_under_the_reader_hides_no_named_task(tmp_path: Path, way: str) -> None:
    """Between two pages others remove a task of the first one: what was first on the second is on neither."""
    with Emulator(Switches(task_filter="rejected", max_page_size=2), directory=tmp_path / "em") as em:
        session = log_on(create_options(em.state()))
        options = create_options(em.state(), session)
        ids = em.make_tasks(session["id"], 5)
        client = open_client(options, time.monotonic, time.sleep)
        request = client.transport.request

        def request_and_move(method: str, path: str, **how: Any) -> Any:
            page = request(method, path, **how)
            if ids and "type=Task" in path and "filter" not in path:
                em.remove_task(session["id"], ids.pop(0))
            return page

        client.transport.request = request_and_move  # type: ignore[method-assign]
        wanted = ids[2]
        module, params = {
            "list": (veeam_task_info, {}),
            "wait": (veeam_task, {"state": "finished"}),
            "remove": (veeam_task, {"state": "absent"}),
        }[way]
        with client:
            result = run_with(client, options, module, {"task_id": [wanted], **params})
        assert [task["task_id"] for task in result["tasks"]] == [wanted]
        assert em.requests("GET", f"/api/tasks/{wanted}"), "the list did not hide it: this tests nothing"
        if way == "remove":
            assert result["deleted"] == [wanted]


@pytest.mark.parametrize(
    ("effect", "settings"), [("reset", {}), ("cut", {}), ("slow", {"delay": 1.5}), ("status", {}), ("bad_json", {})]
)
def test_a_failure_keeps_no_connection_open(tmp_path: Path, effect: str, settings: dict[str, Any]) -> None:
    """Not even until garbage is collected, which urllib3 leaves it to."""
    with Emulator(directory=tmp_path / "em") as em:
        timeout = 1 if effect == "slow" else 60
        options = create_options(em.state(), {**log_on(create_options(em.state())), "timeout": timeout})
        em.fault(effect, method="GET", **settings)
        gc.collect()
        gc.disable()
        try:
            with suppress(EmError):  # of those that are not tried again
                run_module(options, veeam_task_info, sleep=lambda _seconds: None)
            connections = settle(em.port, most=0)
        finally:
            gc.enable()
    assert connections == (0, 0)


@thorough
def test_a_soak_notices_what_is_left_behind(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept: list[Transport] = []

    def forget_to_close(transport: Transport) -> None:
        kept.append(transport)

    monkeypatch.setattr(Transport, "close", forget_to_close)
    monkeypatch.setattr("system.concurrency.resource_counters.SETTLE_SECONDS", 0.1)
    server.ask("POST", "/reset", {})
    try:
        assert soak(server, 20, 7) == 1
    finally:
        monkeypatch.undo()
        for transport in kept:
            transport.close()
    said = capsys.readouterr().out
    for name in ("server_tcp", "client_tcp", "descriptors", "traced_kib"):
        assert f"\n{name} grew" in said


STILL = [Sample(number * 500, 0, 0, 0, 1, 7, 0, 40000, 4400.0, 56000.0) for number in range(11)]


@pytest.mark.parametrize(
    ("name", "step"), [("sessions", 1), ("threads", 1), ("temporary_files", 1), ("traced_kib", 10), ("rss_kib", 600)]
)
def test_a_soak_judges_what_grows(name: str, step: int) -> None:
    assert judge(STILL) == []
    (grown,) = judge([replace(one, **{name: getattr(one, name) + step * number}) for number, one in enumerate(STILL)])
    assert grown.startswith(f"{name} grew")


@pytest.mark.parametrize(("name", "grown"), [("rss_kib", 0), ("traced_kib", 1)])
def test_a_single_step_is_growth_but_for_resident_memory(name: str, grown: int) -> None:
    assert len(judge([replace(one, **{name: 4096.0 * (number > 7)}) for number, one in enumerate(STILL)])) == grown
