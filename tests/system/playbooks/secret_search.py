# Copyright: (c) 2026, vbem.rest contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for secrets, in whatever form a program may have written them."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

from emulator import Emulator

LEAST = 6  # characters of a secret that can be told from ordinary text
_HEX = re.compile(rb"(?:[0-9a-f]{2}){40,}")


class Leak(NamedTuple):
    """A secret that was found: whose, in which form, where, and what stands before it."""

    secret: str
    form: str
    where: str
    before: str


def create_forms(text: str) -> dict[str, bytes]:
    """Give a secret as it is, and in each way that programs write text."""
    raw = text.encode("utf-8", "surrogateescape")
    in_json = json.dumps(text)[1:-1]
    forms = {
        "plain": raw,
        "JSON": in_json.encode(),
        "JSON in JSON": json.dumps(in_json)[1:-1].encode(),
        "JSON, not only ASCII": json.dumps(text, ensure_ascii=False)[1:-1].encode(),
        "JSON in JSON, not only ASCII": json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)[
            1:-1
        ].encode(),
        "repr": repr(text)[1:-1].encode(),
        "repr of repr": repr(repr(text))[2:-2].encode(),
        "repr of bytes": repr(raw)[2:-1].encode(),
        "URL": quote(text, safe="").encode(),
        "URL, with slashes": quote(text).encode(),
        "form": quote_plus(text).encode(),
        "shell": shlex.quote(text)[1:-1].encode() if shlex.quote(text) != text else raw,
        "YAML": text.replace("'", "''").encode(),
        "XML": escape(text, quote=False).encode(),
        "XML attribute": escape(text).encode(),
        "hexadecimal": raw.hex().encode(),
        "UTF-16": text.encode("utf-16-le"),
        "reversed": raw[::-1],
    }
    forms["hexadecimal, capitals"] = forms["hexadecimal"].upper()
    for code, encode in (("base64", base64.b64encode), ("base64 of URLs", base64.urlsafe_b64encode)):
        for ahead in range(3):  # wherever it stands in what was encoded
            whole = encode(b"\0" * ahead + raw)
            forms[f"{code}, {ahead} ahead"] = whole[(0, 2, 3)[ahead] :].rstrip(b"=")[: -1 if (ahead + len(raw)) % 3 else None]
    return forms


class Search:
    """Looks for a set of secrets, each by a name that may be shown."""

    def __init__(self, secrets: dict[str, str]) -> None:
        """Take secrets by name."""
        self.secrets = {name: text for name, text in secrets.items() if len(text) >= LEAST}
        self._forms: dict[bytes, tuple[str, str]] = {}
        for name, text in self.secrets.items():
            for variant in {text, text.upper(), text.lower()} if re.fullmatch(r"[0-9a-fA-F-]{32,36}", text) else {text}:
                for form, found in create_forms(variant).items():
                    self._forms.setdefault(found, (name, form))

    @property
    def forms(self) -> int:
        """Count what is looked for."""
        return len(self._forms)

    def find(self, data: bytes, where: str) -> Iterator[Leak]:
        """Yield what is found, each form of a secret once."""
        for form, (name, kind) in self._forms.items():
            at = data.find(form)
            if at >= 0:
                before = data[max(0, at - 90) : at].decode("utf-8", "replace")
                yield Leak(name, kind, where, self.censor(before))

    def find_below(self, folder: Path) -> Iterator[Leak]:
        """Yield what is found in names and contents of all files below a folder."""
        for path in sorted(folder.rglob("*")):
            where = str(path.relative_to(folder))
            yield from self.find(where.encode("utf-8", "surrogateescape"), f"the name of {where}")
            if path.is_file():
                yield from self.find(path.read_bytes(), where)

    def find_opened(self, texts: Iterable[bytes]) -> Iterator[Leak]:
        """Yield the secrets that can be had by combining any two long hexadecimal texts: a sealed one and its pad."""
        long = sorted({match[0] for text in texts for match in _HEX.finditer(text)}, key=len)
        for index, short in enumerate(long):
            for other in long[index + 1 :]:
                left, right = bytes.fromhex(short.decode()), bytes.fromhex(other.decode())
                opened = bytes(one ^ two for one, two in zip(left, right, strict=False))
                yield from self.find(opened, "a sealed text and its pad, both shown")

    def censor(self, text: str) -> str:
        """Hide the secrets of a text that is to be shown."""
        data = text.encode("utf-8", "replace")
        for form in sorted(self._forms, key=len, reverse=True):
            data = data.replace(form, b"(secret)")
        return data.decode("utf-8", "replace")


def read_session_id(token: str | None) -> str | None:
    """Give the id of the logon session that a token is made of, if it is made of one."""
    try:
        return base64.b64decode(token or "", validate=True).decode("ascii") or None
    except ValueError:
        return None


def list_secrets(em: Emulator, passwords: Iterable[str] = ()) -> dict[str, str]:
    """Name all secrets of an emulator: passwords, and the token and the id of each session that was ever used."""
    secrets = {f"password of {key}": user.password for key, user in em.users.items()}
    secrets |= {f"password {number} of the play": text for number, text in enumerate(passwords)}
    sessions = {(session.token, session.id) for session in em.sessions}
    for entry in em.log:
        token = entry.header("X-RestSvcSessionId")
        if token:
            sessions.add((token, read_session_id(token) or ""))
        pair = entry.header("Authorization")
        if pair:
            secrets[f"the Authorization of request {len(secrets)}"] = pair.removeprefix("Basic ")
    for number, (token, session_id) in enumerate(sorted(sessions)):
        secrets |= {f"token {number}": token, f"session id {number}": session_id}
        secrets[f"session id {number} without hyphens"] = session_id.replace("-", "")
    return secrets
