# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that people give to things: comparing them, and finding similar ones."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

MAX_SIMILAR = 3


def fold_name(text: str | None) -> str:
    """Return a name in a normalised form for comparisons: case-folded, and with composed characters.

    macOS decomposes letters such as u-umlaut, and Windows does not, so one name may come in two forms.
    """
    text = text or ""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()


def find_similar(name: str, known: Iterable[str | None]) -> list[str]:
    """Return the known names that somebody who wrote ``name`` may have meant, the nearest first."""
    folded = {fold_name(one): one for one in known if one}
    wanted = fold_name(name)
    near = [folded[key] for key in difflib.get_close_matches(wanted, folded, MAX_SIMILAR, 0.5)]
    parts = (one for key, one in folded.items() if (wanted in key or key in wanted) and one not in near)
    return [*near, *parts][:MAX_SIMILAR]


def suggest_names(name: str, known: Iterable[str | None]) -> str:
    """Return a question with similar names, with a leading space; an empty string where no name is similar."""
    similar = find_similar(name, known)
    return f" Did you mean {' or '.join(similar)}?" if similar else ""
