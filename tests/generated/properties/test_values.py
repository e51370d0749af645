# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: PT017 - that something may fail, and then how, is what a property says

"""Any text as a value selects exactly the rows that are equal to it: through quoting, encoding and the emulator's parser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from functional.harness import Harness
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.errors import EmError
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.filters import (
    MAX_LENGTH,
    And,
    Comparison,
    Field,
    Node,
    Or,
    is_portable,
    matches,
    parse_filter,
    print_filter,
    quote_value,
    to_server_filter,
)
from ansible_collections.vbem.rest.plugins.modules import veeam_job_info, veeam_query_info, veeam_task_info
from emulator import Emulator
from emulator.catalogue import FieldSpec, TypeSpec
from emulator.filters import compile_filter, parse

from .strategies import control_characters, plain_texts, rows_and_values, share, surrogates, texts

NAME, OTHER = FIELDS = (Field("Name", "name"), Field("Other", "other"))
SPEC = TypeSpec("Thing", "Thing", "Things", "things", "Entities", "ThingReference", {}, ())
SPEC.fields.update({field.key: FieldSpec(field.name, "string") for field in FIELDS})

accepted = texts(control_characters, max_size=10)
all_texts = texts(control_characters, surrogates, max_size=10)


def is_equal(left: str, right: str) -> bool:
    """Return whether two texts are equal: text is compared case-insensitively."""
    return left.lower() == right.lower()


def select_ours(text: str, rows: list[dict[str, Any]]) -> list[bool]:
    tree = parse_filter(text, FIELDS)
    return [matches(tree, row) for row in rows]


def select_theirs(text: str, rows: list[dict[str, Any]]) -> list[bool]:
    keep = compile_filter(parse(text), SPEC)
    return [keep(row) for row in rows]


def check_selection(tree: Node, rows: list[dict[str, Any]], expected: list[bool]) -> None:
    text = print_filter(tree)
    assert [matches(tree, row) for row in rows] == expected
    assert select_ours(text, rows) == expected
    assert select_theirs(text, rows) == expected


@given(rows_and_values(all_texts))
def test_one_value(given_texts: tuple[list[str], list[str]]) -> None:
    names, (value, *_rest) = given_texts
    rows = [{"name": name, "other": ""} for name in names]
    check_selection(Comparison(NAME, "==", value), rows, [is_equal(name, value) for name in names])
    check_selection(Comparison(NAME, "!=", value), rows, [not is_equal(name, value) for name in names])


@given(rows_and_values(all_texts))
def test_list_of_values_is_or(given_texts: tuple[list[str], list[str]]) -> None:
    names, values = given_texts
    rows = [{"name": name, "other": ""} for name in names]
    tree = Or(tuple(Comparison(NAME, "==", value) for value in values))
    check_selection(tree, rows, [any(is_equal(name, value) for value in values) for name in names])


@given(rows_and_values(all_texts), rows_and_values(all_texts))
def test_several_criteria_are_and(first: tuple[list[str], list[str]], second: tuple[list[str], list[str]]) -> None:
    (names, values), (others, unwanted) = first, second
    rows = [{"name": name, "other": other} for name in names for other in others]
    tree = And(
        (
            Or(tuple(Comparison(NAME, "==", value) for value in values)),
            *(Comparison(OTHER, "!=", value) for value in unwanted),
        )
    )
    expected = [
        any(is_equal(row["name"], value) for value in values) and not any(is_equal(row["other"], value) for value in unwanted)
        for row in rows
    ]
    check_selection(tree, rows, expected)


@given(plain_texts, plain_texts)
def test_unknown_equals_nothing(value: str, other: str) -> None:
    rows: list[dict[str, Any]] = [{"name": None, "other": other}]
    check_selection(Comparison(NAME, "==", value), rows, [False])
    check_selection(Comparison(NAME, "!=", value), rows, [True])


@given(st.lists(all_texts, min_size=1, max_size=4))
def test_the_encoded_filter_is_one_parameter(values: list[str]) -> None:
    tree = And(tuple(Comparison(NAME, "==", value) for value in values))
    encoded = to_server_filter(tree)
    sendable = [Comparison(NAME, "==", value) for value in values if is_portable(Comparison(NAME, "==", value))]
    if encoded is None:
        assert not sendable or len("".join(values)) * 12 > MAX_LENGTH - 100
        return
    assert encoded.isascii()
    query = parse_qs(f"type=Task&filter={encoded}&pageSize=1", strict_parsing=True)
    assert query == {"type": ["Task"], "filter": [unquote(encoded)], "pageSize": ["1"]}
    assert print_filter(parse_filter(unquote(encoded), FIELDS)) == ";".join(map(print_filter, sendable))


# ---------------------------------------------------------------------------------------------------------------------
# End to end. What a server shows is without white space around it, so rows have none there.

trimmed = texts(max_size=10).map(str.strip).filter(bool)


@st.composite
def named_rows(draw: Any) -> tuple[list[str], list[str]]:
    names, values = draw(rows_and_values(trimmed))
    return [name.strip() or "x" for name in names], values


def run(harness: Harness, module: Any, session: Any, **params: Any) -> dict[str, Any]:
    """Run a module as `Harness.run` does, without a search for secrets: a text of the test may be part of one."""
    defaults = {name: spec.get("default") for name, spec in module.SPEC.items()}
    with harness.connect(session) as client:
        result: dict[str, Any] = module.run(client, {**harness.options(session), **defaults, **params}, False)
        return result


@share(0.4)
@given(given_texts=named_rows(), version=st.sampled_from([12, 13]), how=st.sampled_from(["honoured", "ignored", "rejected"]))
def test_operations_of_tasks(
    harness: Harness, em: Emulator, given_texts: tuple[list[str], list[str]], version: int, how: str
) -> None:
    operations, values = given_texts
    em.reset()
    em.switches.version, em.switches.task_filter = version, how
    session = em.logon()
    made = {em.make_task(session, operation, state="Finished"): operation for operation in operations}
    expected = {task for task, operation in made.items() if any(is_equal(operation, value) for value in values)}
    tasks = run(harness, veeam_task_info, session, operation=values)["tasks"]
    assert {task["task_id"] for task in tasks} == expected
    assert all(task["operation"] == made[task["task_id"]] for task in tasks)
    text = ",".join(f"Operation=={quote_value(value)}" for value in values)
    tasks = run(harness, veeam_task_info, session, filter=f"({text});State==Finished")["tasks"]
    assert {task["task_id"] for task in tasks} == expected


@share(0.3)
@given(given_texts=named_rows(), version=st.sampled_from([12, 13]))
def test_names_of_jobs(harness: Harness, em: Emulator, given_texts: tuple[list[str], list[str]], version: int) -> None:
    names, values = given_texts
    em.reset()
    em.switches.version = version
    session = em.logon()
    made = {em.world.add_job(name).uid: name for name in names}
    for value in values:
        jobs = run(harness, veeam_job_info, session, name=value)["jobs"]
        assert {job["uid"] for job in jobs} == {uid for uid, name in made.items() if is_equal(name, value)}
        assert all(job["name"] == made[job["uid"]] for job in jobs)


@share(0.3)
@given(given_texts=named_rows(), version=st.sampled_from([12, 13]))
def test_names_in_a_query(harness: Harness, em: Emulator, given_texts: tuple[list[str], list[str]], version: int) -> None:
    names, values = given_texts
    em.reset()
    em.switches.version = version
    session = em.logon()
    made = {em.world.add_row("Repository", name).uid: name for name in names}
    for value in values:
        where = [{"field": "Name", "operator": "==", "value": value}]
        rows = run(harness, veeam_query_info, session, type="Repository", where=where)["resources"]
        assert {row["uid"] for row in rows} == {uid for uid, name in made.items() if is_equal(name, value)}
        rows = run(harness, veeam_query_info, session, type="Repository", filter=f"Name=={quote_value(value)}")["resources"]
        assert {row["uid"] for row in rows} == {uid for uid, name in made.items() if is_equal(name, value)}


@share(0.3)
@given(value=st.one_of(texts(control_characters, surrogates), st.sampled_from(["", " ", "\t\n", "\u3000"])))
def test_a_value_is_accepted_or_refused_before_any_request(harness: Harness, em: Emulator, value: str) -> None:
    em.reset()
    session = em.logon()
    for module, params in (
        (veeam_job_info, {"name": value}),
        (veeam_query_info, {"type": "Repository", "where": [{"field": "Name", "value": value}]}),
        (veeam_query_info, {"type": "Repository", "filter": f"Name=={quote_value(value)}"}),
        (veeam_query_info, {"type": "Repository", "filter": value}),
        (veeam_query_info, {"type": value}),
        (veeam_query_info, {"type": "Repository", "sort_by": value}),
    ):
        em.clear_log()
        try:
            run(harness, module, session, **params)
        except EmError as err:
            assert err.kind in ("invalid_option", "invalid_filter"), err.to_fail_json()
            assert not em.log


@pytest.mark.parametrize("text", ["営業\u3000部", "soft\u00a0space", "\U0001f469\u200d\U0001f4bb", "a\u200bb"])
def test_texts_that_are_not_printable(harness: Harness, em: Emulator, text: str) -> None:
    em.reset()
    session = em.logon()
    made = em.world.add_row("Repository", text)
    rows = run(harness, veeam_query_info, session, type="Repository", where=[{"field": "Name", "value": text}])["resources"]
    assert [row["uid"] for row in rows] == [made.uid]
