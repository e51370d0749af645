# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: which ones are the same, and which ones are near."""

from __future__ import annotations

import pytest

from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.names import find_similar, fold_name, suggest_names

COMPOSED, DECOMPOSED = "B\u00fccher", "Bu\u0308cher"


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (COMPOSED, DECOMPOSED, True),
        ("SQL", "sql", True),
        ("B\u00dcCHER", DECOMPOSED, True),
        ("Bucher", COMPOSED, False),
        ("", None, True),
    ],
)
def test_the_same_name(left: str, right: str | None, same: bool) -> None:
    assert (fold_name(left) == fold_name(right)) is same


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("sql backup", ["SQL-Backup"]),
        ("Exch", ["Exchange nightly"]),
        ("Exchange nightly (old)", ["Exchange nightly"]),
        ("zzzz", []),
        (DECOMPOSED, [COMPOSED]),
    ],
)
def test_similar_names(name: str, similar: list[str]) -> None:
    assert find_similar(name, ["SQL-Backup", "Exchange nightly", None, COMPOSED]) == similar


def test_a_suggestion_is_a_question_or_nothing() -> None:
    assert suggest_names("ab1", ["ab2", "ab3"]) in (" Did you mean ab2 or ab3?", " Did you mean ab3 or ab2?")
    assert suggest_names("x", []) == ""
    assert len(find_similar("a", [f"a{number}" for number in range(9)])) == 3
