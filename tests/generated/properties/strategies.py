# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Strategies for inputs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.vbem.rest.plugins.module_utils._em.client.client import Client
from ansible_collections.vbem.rest.plugins.module_utils._em.options import Connection
from ansible_collections.vbem.rest.plugins.module_utils._em.protocol.codec import Document

CONNECTION = Connection(hostname="em.example.com", session_id="s", token="t")

# All that is syntax somewhere on the way: in filters, addresses, XML, JSON, and in the heads of people.
MARKS = '"""\'\\;,()=<>!&%+#?/:@|~`$*[]{}._-'
# Letters whose case is a matter of opinion, numbers that are no digits, what joins, spaces, and what XML cannot hold.
ODD = "\u0130\u0131\u017f\u00df\u212a\u03a3\u03c2\u00e4\u00c4\u0301\u0663\u00b2\u00bd\uff11\u200d\u00a0\u3000\u2028\ufeff\U0001f469\u200d\U0001f4bb"
CONTROLS = "\x00\x01\t\n\r\x0b\x1b\x1c\x7f\x85\ufffe\uffff"
PIECES = ("==", "!=", "&amp;", "&#10;", '""', '";State==Finished;Operation=="', "%3B", "]]>", "<!--", "\\u0022", "None", "true")

characters = st.one_of(
    st.sampled_from("aAbB01 "),
    st.sampled_from(MARKS),
    st.sampled_from(ODD),
    st.characters(exclude_categories=["Cs", "Cc", "Cn"]),
)
control_characters = st.sampled_from(CONTROLS)
surrogates = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"])


def texts(*more: st.SearchStrategy[str], min_size: int = 0, max_size: int = 12) -> st.SearchStrategy[str]:
    """Return short texts with characters that are easily mistreated."""
    parts = st.lists(st.one_of(characters, st.sampled_from(PIECES), *more), min_size=min_size, max_size=max_size)
    return parts.map("".join)


plain_texts = texts()
wild_texts = texts(control_characters, surrogates)


def variants(text: str) -> list[str]:
    """Return texts that a mistake in quoting, encoding or case could take for this one."""
    return [
        text,
        text.swapcase(),
        text.casefold(),
        text.replace('"', ""),
        text.replace('"', '""'),
        text.replace('""', '"'),
        text.replace(" ", ""),
        text.replace("+", " "),
        text.replace("%", "%25"),
        text.replace("\\", ""),
        text.partition(";")[0],
        text.partition(",")[0],
        text + " ",
        text + '"',
        text[:-1],
    ]


@st.composite
def rows_and_values(draw: Any, alphabet: st.SearchStrategy[str] = plain_texts) -> tuple[list[str], list[str]]:
    """Return texts of rows, and values to look for, which are often similar."""
    values = draw(st.lists(alphabet, min_size=1, max_size=3))
    near = [variant for value in values for variant in variants(value)]
    rows = draw(st.lists(st.one_of(st.sampled_from(near), alphabet), min_size=1, max_size=8))
    return rows, values


# Whatever a decoder may give: XML gives text and lists, JSON numbers, booleans and null besides.
KEYS = (
    *("href", "links", "link", "rel", "type", "name", "uid", "task_id", "state", "operation", "result", "success", "message"),
    *("#text", "tasks", "task", "jobs", "entities", "resources", "refs", "ref", "paging_info", "page_num", "pages_count"),
    *("creation_time_utc", "end_time", "progress", "is_retry", "next_run", "schedule_enabled", "job_type", "id", "other"),
)
TEXTS = (
    *("", " ", "Finished", "finished", "Running", "None", "true", "1", "Up", "Related", "BackupServerReference", "task-5"),
    *(
        "https://x:1/api/tasks/task-5",
        "//evil/api/x",
        "/",
        ".",
        "http://[",
        "urn:veeam:Job:c8e83c91-ecb3-5b6b-a127-97fae1072e44",
    ),
    *("/api/backupServers/C8E83C91-ecb3-5b6b-a127-97fae1072e44?x", "2026-11-23T18:00:00.5Z", "1753-01-01T00:00:00Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-99:99", "2026-99-99", "\ud800"),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(TEXTS),
    st.integers(),
    st.just(10**399),
    st.floats(allow_nan=False, allow_infinity=False),
    wild_texts,
)


def _deepen(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), plain_texts), children, max_size=6),
    )


trees = st.recursive(scalars, _deepen, max_leaves=25)
objects = st.dictionaries(st.one_of(st.sampled_from(KEYS), plain_texts), trees, max_size=10)


def nest(depth: int, key: str | None, inner: Any = None) -> Any:
    """Return nested objects, or nested lists if there is no key."""
    for _level in range(depth):
        inner = [inner] if key is None else {key: inner}
    return inner


def create_client() -> Client:
    """Return a client with a session, which sends nothing."""
    return Client(CONNECTION)


class DocumentClient(Client):
    """A client of a server that is its own method `get`: pages come as documents, decoded already."""

    def _fetch_page(self, path: str, accept: str | None) -> Any:
        return self.get(path, accept=accept)

    @staticmethod
    def _decode_page(page: Any, raw_lists_in: Collection[str]) -> Document:
        document: Document = page
        return document


def share(fraction: float) -> settings:
    """Return the settings of a slow property, which gets a share of the inputs."""
    current = settings()
    return settings(current, max_examples=max(3, int(current.max_examples * fraction)))
