# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing an emulator gives the switches back that it was started with, and an emulator with these answers alike."""

from __future__ import annotations

from typing import Any

from functional.harness import Harness
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.resources.probe_facts import QUESTIONS
from ansible_collections.vbem.rest.plugins.modules import veeam_probe
from emulator import Emulator, Switches
from emulator.switches import SWITCHES

from .strategies import share


def _hides_empty(switches: dict[str, Any]) -> bool:
    return switches["query_filter"] in ("ignored", "rejected") and switches["task_filter"] not in ("honoured", "empty")


# What only some worlds, users and texts show: these come back if they come at all.
RARE = {"never_date", "xml_text", "refused_read"}
# Which switches hide others, so that no answer could tell them: by the switch that is hidden.
HIDDEN_BY: dict[str, Any] = {
    "filter_by_reference": lambda switches: switches["query_filter"] != "honoured",
    "pages_count_when_empty": _hides_empty,
    "empty_query": _hides_empty,
    "page_beyond": lambda switches: switches["paging"] == "repeat",
    "stack_trace": lambda switches: switches["error_format"] not in ("follow", "json", "xml"),
    "result_null": lambda switches: not switches["json_nulls"] and switches["result_null"] != "present_while_running",
    "task_id_field": lambda switches: "honoured" not in (switches["task_sort"], switches["task_filter"]),
}
PROBED = {name: known for name, known in SWITCHES.items() if name in QUESTIONS}


def _draw(name: str) -> st.SearchStrategy[Any]:
    if name == "max_page_size":
        return st.sampled_from([0, 2, 100, 1000])
    choices = PROBED[name].metadata["choices"]
    return st.sampled_from(choices) if choices else st.booleans()


def normalise(switches: dict[str, Any]) -> dict[str, Any]:
    """Return switches with one value for what is the same: a case of keys may be that of the version."""
    case = "camel" if switches["version"] == 13 else "pascal"
    return {**switches, "json_case": "version" if switches["json_case"] == case else switches["json_case"]}


def probe(em: Emulator, harness: Harness, switches: dict[str, Any]) -> dict[str, Any]:
    em.reset()
    em.switches.update({**Switches().as_dict(), **switches})
    return harness.run(veeam_probe, None, {}, {"collect": True})


@share(0.1)
@given(changed=st.dictionaries(st.sampled_from(sorted(PROBED)), st.none(), max_size=12), data=st.data())
def test_a_probe_gives_the_switches_back(em: Emulator, harness: Harness, changed: dict[str, None], data: st.DataObject) -> None:
    switches = {name: data.draw(_draw(name), label=name) for name in changed}
    whole = {name: value for name, value in {**Switches().as_dict(), **switches}.items() if name in PROBED}
    result = probe(em, harness, switches)
    assert result["surprises"] == []
    learnt = result["switches"]
    expected = normalise(whole)
    assert {name: value for name, value in expected.items() if name in learnt} == learnt
    missing = {name for name in expected if name not in learnt and name not in RARE}
    assert {name for name in missing if not HIDDEN_BY.get(name, lambda _switches: False)(whole)} == set(), result["unanswered"]
    assert probe(em, harness, learnt)["switches"] == learnt
